//! What to do next with what is believed: one explicit decision.
//!
//! ```text
//! Belief ─► decide ─► Solve ─ Confirm ─ Choose ─ Narrow ─ Rephrase ─ GiveUp
//!            quick, may be wrong ◄───────────► slow, surely right
//! ```
//!
//! Every move costs the caller a turn with a known chance: answering at once is right with p and costs nothing; asking
//! "is it this?" costs one turn and is right at once with p; offering two is right with p₁ + p₂. The thresholds of the
//! dialplan are where those lines cross.

use std::sync::Arc;

use crate::dialog::belief::Belief;
use crate::dialog::dialplan::{MainId, Plan, SceneId, Thresholds};
use crate::dialog::policy::Policy;

/// The dialog's next move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Answer this problem, naming it.
    Solve(SceneId),
    /// Ask whether it is this one.
    Confirm(SceneId),
    /// Ask which of the two it is.
    Choose(SceneId, SceneId),
    /// Ask for more about this main scene.
    Narrow(MainId),
    /// Ask for other words.
    Rephrase,
    /// It is nothing that the hotline knows.
    GiveUp,
}

/// A main scene with this much of the probability is worth asking about.
const MAIN_SURE: f64 = 0.6;
/// Where the recogniser expects fewer of the words to be right than this, nothing is answered unconfirmed.
pub(super) const WELL_HEARD: f32 = 0.7;

/// What is known when a move is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Situation {
    /// The likeliest problem and its probability.
    pub first: Option<(SceneId, f64)>,
    /// The next one.
    pub second: Option<(SceneId, f64)>,
    /// The likeliest main scene.
    pub main: Option<(MainId, f64)>,
    /// Probability that it is nothing that the hotline knows.
    pub none: f64,
    /// The recogniser's confidence in the last words, 0–1.
    pub heard: f32,
    /// Caller utterances so far.
    pub turns: u32,
    /// Turns in a row that brought the problem no nearer.
    pub misses: u32,
}

impl Situation {
    /// What is believed after words that were recognised with confidence `heard`.
    pub fn new(plan: &Plan, belief: &Belief, heard: f32, turns: u32, misses: u32) -> Self {
        let (ranked, none) = belief.ranked();
        let at = |at: usize| ranked.get(at).map(|ranked| (ranked.id, ranked.p));
        let main = Belief::mains(plan, &ranked).first().map(|main| (main.id, main.p));
        Self { first: at(0), second: at(1), main, none, heard, turns, misses }
    }

    /// The moves that can be made at all: what is nearly impossible is not worth a question.
    pub fn possible(&self) -> Vec<Move> {
        const WORTH: f64 = 0.02;
        let worth = |p: f64| p >= WORTH;
        let mut moves = vec![Move::Rephrase, Move::GiveUp];
        if let Some((first, p)) = self.first.filter(|(_, p)| worth(*p)) {
            moves.push(Move::Confirm(first));
            // Badly heard words are never answered unconfirmed.
            if self.heard >= WELL_HEARD && p >= self.none {
                moves.push(Move::Solve(first));
            }
            if let Some((second, _)) = self.second.filter(|(_, p)| worth(*p)) {
                moves.push(Move::Choose(first, second));
            }
        }
        moves.extend(self.main.filter(|(_, p)| worth(*p)).map(|(main, _)| Move::Narrow(main)));
        moves
    }
}

/// How moves are decided.
#[derive(Clone, Debug, Default)]
pub enum Strategy {
    /// By the dialplan's own policy, where it has one, or its thresholds.
    #[default]
    Plan,
    /// By the thresholds, whatever was learned.
    Thresholds,
    /// By this policy.
    Learned(Arc<Policy>),
    /// By chance, as likely as this policy says: for learning.
    Exploring(Arc<Policy>, fastrand::Rng),
}

/// Decides after the caller's words, by the dialplan's thresholds. What was heard with less confidence than [`WELL_HEARD`]
/// is not answered unconfirmed.
pub fn decide(plan: &Plan, situation: &Situation) -> Move {
    let Thresholds { accept, confirm, choice_margin, out_of_scope, .. } = plan.thresholds;
    let Situation { first, second, main, none, heard, .. } = *situation;
    if none >= out_of_scope {
        return Move::GiveUp;
    }
    let Some((first, p)) = first else { return Move::GiveUp };
    if p >= accept {
        return if heard >= WELL_HEARD { Move::Solve(first) } else { Move::Confirm(first) };
    }
    if let Some((second, _)) = second.filter(|(_, other)| worth_offering(p, *other, confirm, choice_margin)) {
        return Move::Choose(first, second);
    }
    if p >= confirm {
        return Move::Confirm(first);
    }
    match main {
        Some((main, p)) if p >= MAIN_SURE => Move::Narrow(main),
        _ => Move::Rephrase,
    }
}

/// Two that lie close together, and are together likelier than either needs to be alone.
fn worth_offering(first: f64, second: f64, confirm: f64, margin: f64) -> bool {
    first - second < margin && first + second >= (2.0 * confirm).min(0.9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialog::testing::plan;
    use crate::identify::Identified;
    use crate::nlu::{SceneScore, UserTurn};

    /// What is decided when the words leave these probabilities, by scene and for none of them.
    fn after(scenes: &[(&str, f32)], none: f32, heard: f32) -> Move {
        let plan = plan();
        let scenes = scenes.iter().map(|&(scene, p)| SceneScore { scene: scene.into(), p }).collect();
        let mut belief = Belief::new(&plan, &Identified::default());
        belief.hear(&plan, &UserTurn { scenes, out_of_scope: none, ..UserTurn::default() });
        decide(&plan, &Situation::new(&plan, &belief, heard, 1, 0))
    }

    #[test]
    fn the_surer_the_quicker() {
        let plan = plan();
        let id = |scene: &str| plan.find(&scene.into()).unwrap();
        let (lost, pin) = (id("lost_card"), id("forgot_pin"));
        assert_eq!(after(&[("lost_card", 0.9)], 0.05, 1.0), Move::Solve(lost));
        assert_eq!(after(&[("lost_card", 0.9)], 0.05, 0.3), Move::Confirm(lost), "badly heard");
        assert_eq!(after(&[("lost_card", 0.48), ("forgot_pin", 0.47)], 0.05, 1.0), Move::Choose(lost, pin));
        assert_eq!(after(&[("lost_card", 0.55), ("refund", 0.15)], 0.3, 1.0), Move::Confirm(lost));
        assert_eq!(after(&[("lost_card", 0.1), ("refund", 0.1)], 0.8, 1.0), Move::GiveUp);
    }
}
