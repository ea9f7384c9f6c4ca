//! Learning: first to do as somebody did, then to do what costs less.

use super::{FEATURES, GUESS_FEATURES, Policy, dot, features, guess_features, place};
use crate::dialog::strategy::{Move, Situation};

/// Length of the first steps along the gradient; later ones are shorter.
const STEP: f64 = 0.02;
/// Rounds after which a step is half as long.
const HALVED: f64 = 4.0;
/// The same while imitating.
const IMITATION_STEP: f64 = 0.2;
/// Longest gradient of one call: a single odd call does not undo what many taught.
const LONGEST: f64 = 5.0;

/// One decision of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Taken {
    /// Whether the guess, of this probability and the next one's, was stated.
    Guess {
        /// Probability of the guess.
        p: f64,
        /// That of the next one.
        second: f64,
        /// Whether it was said.
        stated: bool,
    },
    /// A move.
    Move {
        /// In which situation.
        situation: Situation,
        /// Which.
        taken: Move,
    },
}

/// One call: what was decided, and what it cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Episode {
    /// Decisions in their order.
    pub taken: Vec<Taken>,
    /// In turns of the caller.
    pub cost: f64,
}

/// A policy that draws its moves, so that others than the best so far are tried.
#[derive(Clone, Debug)]
pub struct Learner {
    policy: Policy,
    /// Rounds so far.
    rounds: u32,
}

impl Learner {
    /// Goes on from `policy`.
    pub fn new(policy: Policy) -> Self {
        Self { policy, rounds: 0 }
    }

    /// What was learned so far.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Makes what was done in `episode` likelier, whatever it cost.
    pub fn imitate(&mut self, episode: &Episode) {
        for taken in &episode.taken {
            self.climb(taken, IMITATION_STEP);
        }
    }

    /// Makes what was done in `episode` likelier where the call cost less than `usual`, and unlikelier where it cost more. The
    /// best `usual` is what the same caller costs without trying anything (Rennie et al. 2017, self-critical).
    pub fn learn(&mut self, episode: &Episode, usual: f64) {
        let gain = (usual - episode.cost).clamp(-LONGEST, LONGEST);
        let step = STEP / (1.0 + f64::from(self.rounds) / HALVED);
        for taken in &episode.taken {
            self.climb(taken, step * gain);
        }
    }

    /// All callers had their turn: the next steps are shorter.
    pub fn next_round(&mut self) {
        self.rounds += 1;
    }

    /// One step along the gradient of the decision's log-probability.
    fn climb(&mut self, taken: &Taken, step: f64) {
        match taken {
            Taken::Guess { p, second, stated } => {
                let features: [f64; GUESS_FEATURES] = guess_features(*p, *second);
                let likely = 1.0 / (1.0 + (-dot(&self.policy.guess, &features)).exp());
                let miss = f64::from(u8::from(*stated)) - likely;
                for (weight, feature) in self.policy.guess.iter_mut().zip(features) {
                    *weight += step * miss * feature;
                }
            }
            Taken::Move { situation, taken } => {
                let features: [f64; FEATURES] = features(situation);
                for (mv, likely) in self.policy.probabilities(situation) {
                    let miss = f64::from(u8::from(place(mv) == place(*taken))) - likely;
                    for (weight, feature) in self.policy.moves[place(mv)].iter_mut().zip(features) {
                        *weight += step * miss * feature;
                    }
                }
            }
        }
    }
}

impl Policy {
    /// A move drawn by its probability.
    pub fn draw(&self, situation: &Situation, random: &mut fastrand::Rng) -> Move {
        let mut left = random.f64();
        let moves = self.probabilities(situation);
        let drawn = moves.iter().find(|(_, likely)| {
            left -= likely;
            left <= 0.0
        });
        drawn.or(moves.last()).map_or(Move::Rephrase, |(mv, _)| *mv)
    }

    /// Whether the guess is stated, drawn by its probability.
    pub fn draws_guess(&self, p: f64, second: f64, random: &mut fastrand::Rng) -> bool {
        let likely = 1.0 / (1.0 + (-dot(&self.guess, &guess_features(p, second))).exp());
        random.f64() < likely
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::situation;
    use super::*;
    use crate::dialog::dialplan::SceneId;

    #[test]
    fn it_does_as_it_was_shown() {
        let mut learner = Learner::new(Policy::default());
        for i in 0..400 {
            let first = f64::from(i % 10) / 10.0 + 0.05;
            let taken = if first >= 0.7 { Move::Solve(SceneId(0)) } else { Move::Confirm(SceneId(0)) };
            let situation = situation(first, 0.02);
            learner.imitate(&Episode { taken: vec![Taken::Move { situation, taken }], cost: 0.0 });
        }
        assert_eq!(learner.policy().decide(&situation(0.85, 0.02)), Move::Solve(SceneId(0)));
        assert_eq!(learner.policy().decide(&situation(0.45, 0.02)), Move::Confirm(SceneId(0)));
    }

    #[test]
    fn it_finds_out_what_costs_less() {
        // Confirming costs one turn, solving nothing where it is right, and ten where it is wrong.
        let mut learner = Learner::new(Policy::default());
        let mut random = fastrand::Rng::with_seed(3);
        // It is shown to answer too early.
        for i in 0..2_000 {
            let first = f64::from(i % 10) / 10.0 + 0.05;
            let taken = if first >= 0.6 { Move::Solve(SceneId(0)) } else { Move::Confirm(SceneId(0)) };
            let situation = situation(first, 0.0);
            learner.imitate(&Episode { taken: vec![Taken::Move { situation, taken }], cost: 0.0 });
        }
        assert_eq!(learner.policy().decide(&situation(0.65, 0.0)), Move::Solve(SceneId(0)));
        for i in 0..60_000 {
            if i % 10_000 == 9_999 {
                learner.next_round();
            }
            let first = random.f64();
            let (situation, is_right) = (situation(first, 0.0), random.f64() < first);
            let cost = |taken| match taken {
                Move::Solve(_) if is_right => 0.0,
                Move::Solve(_) => 10.0,
                Move::Confirm(_) => 1.0,
                _ => 20.0,
            };
            let taken = learner.policy().draw(&situation, &mut random);
            let usual = cost(learner.policy().decide(&situation));
            learner.learn(&Episode { taken: vec![Taken::Move { situation, taken }], cost: cost(taken) }, usual);
        }
        assert_eq!(learner.policy().decide(&situation(0.97, 0.0)), Move::Solve(SceneId(0)));
        assert_eq!(learner.policy().decide(&situation(0.65, 0.0)), Move::Confirm(SceneId(0)));
    }
}
