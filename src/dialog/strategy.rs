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

use crate::dialog::belief::{Belief, Ranked};
use crate::dialog::dialplan::{MainId, Plan, SceneId, Thresholds};

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
/// A recogniser that is less sure of the words than this has misheard one of them as often as not.
pub(super) const WELL_HEARD: f32 = 0.5;

/// Decides after the caller's words. `heard` is the recogniser's confidence in them, 0–1: below [`WELL_HEARD`], nothing is
/// answered unconfirmed.
pub fn decide(plan: &Plan, belief: &Belief, heard: f32) -> Move {
    let Thresholds { accept, confirm, choice_margin, out_of_scope, .. } = plan.thresholds;
    let (ranked, none) = belief.ranked();
    if none >= out_of_scope {
        return Move::GiveUp;
    }
    let [first, rest @ ..] = ranked.as_slice() else { return Move::GiveUp };
    if first.p >= accept {
        return if heard >= WELL_HEARD { Move::Solve(first.id) } else { Move::Confirm(first.id) };
    }
    if let Some(second) = rest.first()
        && worth_offering(first, second, confirm, choice_margin)
    {
        return Move::Choose(first.id, second.id);
    }
    if first.p >= confirm {
        return Move::Confirm(first.id);
    }
    match Belief::mains(plan, &ranked).first() {
        Some(main) if main.p >= MAIN_SURE => Move::Narrow(main.id),
        _ => Move::Rephrase,
    }
}

/// Two that lie close together, and are together likelier than either needs to be alone.
fn worth_offering(first: &Ranked<SceneId>, second: &Ranked<SceneId>, confirm: f64, margin: f64) -> bool {
    first.p - second.p < margin && first.p + second.p >= (2.0 * confirm).min(0.9)
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
        decide(&plan, &belief, heard)
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
