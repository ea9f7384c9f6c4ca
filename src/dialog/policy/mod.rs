//! A learned strategy: the same decisions as [`strategy::decide`](super::strategy::decide), weighed by what simulated callers
//! brought to light.
//!
//! ```text
//! Situation (probabilities, trouble so far) ─► features ─► one weight vector a move ─► the highest, or one drawn while learning
//! ```
//!
//! Moves are scored linearly in features that cut the probabilities into steps, so the thresholds of a dialplan are one such
//! policy: learning begins there (imitation) and goes on with the likelihood-ratio gradient of the cost of whole calls
//! (Williams 1992, REINFORCE), against simulated callers. What cannot be done is never chosen, learned or not.

mod learn;
mod record;

use serde::{Deserialize, Serialize};

pub use learn::{Episode, Learner, Taken};
pub use record::{Decision, Known};

use super::strategy::{Move, Situation};

/// Moves by their place in the weights.
pub const MOVES: usize = 6;
/// Numbers that a situation is described by.
pub const FEATURES: usize = 25;
/// Numbers that the guess before the call is described by.
pub const GUESS_FEATURES: usize = 12;

/// Steps into which a probability is cut.
const STEPS: [f64; 9] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/// Numbers that describe a situation.
pub type Features = [f64; FEATURES];

/// What was learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Raised when features change their meaning.
    version: u32,
    /// Weights of each move.
    moves: Vec<Vec<f64>>,
    /// Weights for stating the guess in the greeting.
    guess: Vec<f64>,
}

/// Version of the features.
const VERSION: u32 = 1;

/// Why a file is no policy.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Not JSON of the right shape.
    #[error("not a policy: {0}: train another with `antevox policy train`")]
    Shape(#[from] serde_json::Error),
    /// Learned by another version, or cut short.
    #[error("made by another version of antevox: train another with `antevox policy train`")]
    Version,
}

impl Default for Policy {
    /// Knows nothing: every move is as good as the others.
    fn default() -> Self {
        Self { version: VERSION, moves: vec![vec![0.0; FEATURES]; MOVES], guess: vec![0.0; GUESS_FEATURES] }
    }
}

impl Policy {
    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn from_json(json: &str) -> Result<Self, PolicyError> {
        let policy: Self = serde_json::from_str(json)?;
        let whole = policy.version == VERSION
            && policy.moves.len() == MOVES
            && policy.moves.iter().all(|weights| weights.len() == FEATURES)
            && policy.guess.len() == GUESS_FEATURES
            && policy.moves.iter().flatten().chain(&policy.guess).all(|weight| weight.is_finite());
        if whole { Ok(policy) } else { Err(PolicyError::Version) }
    }

    /// One JSON object.
    pub fn to_json(&self) -> String {
        // Numbers in lists always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The best move that can be made.
    pub fn decide(&self, situation: &Situation) -> Move {
        let scores = self.scores(situation);
        let best = scores.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        best.map_or(Move::Rephrase, |(mv, _)| *mv)
    }

    /// Whether the guess is stated, where it has probability `p` and the next one `second`.
    pub fn states_guess(&self, p: f64, second: f64) -> bool {
        dot(&self.guess, &guess_features(p, second)) > 0.0
    }

    /// Every move that can be made, with its score.
    fn scores(&self, situation: &Situation) -> Vec<(Move, f64)> {
        let features = features(situation);
        let score = |mv: Move| (mv, dot(&self.moves[place(mv)], &features));
        situation.possible().into_iter().map(score).collect()
    }

    /// Every move that can be made, with its probability while learning.
    fn probabilities(&self, situation: &Situation) -> Vec<(Move, f64)> {
        let mut scores = self.scores(situation);
        let highest = scores.iter().map(|(_, score)| *score).fold(f64::NEG_INFINITY, f64::max);
        for (_, score) in &mut scores {
            *score = (*score - highest).exp();
        }
        let sum: f64 = scores.iter().map(|(_, weight)| weight).sum();
        scores.into_iter().map(|(mv, weight)| (mv, weight / sum)).collect()
    }
}

/// Where the weights of a move stand.
fn place(mv: Move) -> usize {
    match mv {
        Move::Solve(_) => 0,
        Move::Confirm(_) => 1,
        Move::Choose(..) => 2,
        Move::Narrow(_) => 3,
        Move::Rephrase => 4,
        Move::GiveUp => 5,
    }
}

fn dot(weights: &[f64], features: &[f64]) -> f64 {
    weights.iter().zip(features).map(|(weight, feature)| weight * feature).sum()
}

/// A constant, the probabilities and their steps, how well it was heard, and what went before.
fn features(situation: &Situation) -> Features {
    let Situation { first, second, main, none, heard, turns, misses, .. } = situation;
    let p = |ranked: &Option<_>| ranked.map_or(0.0, |(_, p): (_, f64)| p);
    let (first, second) = (first.map_or(0.0, |(_, p)| p), second.map_or(0.0, |(_, p)| p));
    let mut features = [0.0; FEATURES];
    let plain = [
        1.0,
        first,
        second,
        first - second,
        f64::from(u8::from(first - second < 0.18)),
        first + second,
        p(main),
        *none,
        f64::from(u8::from(*none >= 0.6)),
        f64::from(*heard),
        f64::from(u8::from(*heard < 0.5)),
        f64::from((*turns).min(5)) / 5.0,
        f64::from((*misses).min(3)) / 3.0,
        f64::from(u8::from(*none >= 0.8)),
        f64::from(u8::from(first < 0.25)),
        f64::from(u8::from(p(main) >= 0.6)),
    ];
    let steps = STEPS.map(|step| f64::from(u8::from(first >= step)));
    for (slot, value) in features.iter_mut().zip(plain.into_iter().chain(steps)) {
        *slot = value;
    }
    features
}

fn guess_features(p: f64, second: f64) -> [f64; GUESS_FEATURES] {
    let mut features = [0.0; GUESS_FEATURES];
    let steps = STEPS.map(|step| f64::from(u8::from(p >= step)));
    for (slot, value) in features.iter_mut().zip([1.0, p, p - second].into_iter().chain(steps)) {
        *slot = value;
    }
    features
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialog::dialplan::SceneId;

    pub(super) fn situation(first: f64, second: f64) -> Situation {
        Situation {
            first: Some((SceneId(0), first)),
            second: Some((SceneId(1), second)),
            main: None,
            none: 1.0 - first - second,
            heard: 1.0,
            turns: 1,
            misses: 0,
        }
    }

    #[test]
    fn only_what_can_be_done_is_chosen() {
        let mut policy = Policy::default();
        policy.moves[place(Move::GiveUp)][0] = 1.0;
        policy.moves[place(Move::Choose(SceneId(0), SceneId(1)))][0] = 9.0;
        let alone = Situation { second: None, ..situation(0.5, 0.0) };
        assert_eq!(policy.decide(&alone), Move::GiveUp);
        assert_eq!(policy.decide(&situation(0.5, 0.3)), Move::Choose(SceneId(0), SceneId(1)));
    }

    #[test]
    fn a_policy_survives_its_file_and_others_do_not_pass_for_one() {
        let policy = Policy::default();
        assert_eq!(Policy::from_json(&policy.to_json()).unwrap(), policy);
        for bad in ["", "{}", r#"{"version":1,"moves":[],"guess":[]}"#, r#"{"version":0,"moves":[[1]],"guess":[1]}"#] {
            assert!(Policy::from_json(bad).is_err(), "{bad}");
        }
    }
}
