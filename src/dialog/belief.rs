//! How likely each problem is, from the guess before the call and everything said in it.
//!
//! ```text
//! identify: prior ──► weight ─┐
//!                             ├─► product ─► normalised: P(scene), P(none of them)
//! words: P(scene | turn) ─────┤
//! yes, no: denied scenes ─────┘
//! ```
//!
//! A turn's probabilities are calibrated against evenly distributed problems, so they multiply with the prior as Bayes
//! says. The prior is taken to the power of a weight below 1, because both speak of the same caller and neither is exact.

use crate::dialog::dialplan::{MainId, Plan, SceneId};
use crate::identify::Identified;
use crate::nlu::UserTurn;

/// What is left of a probability after the caller said no to it.
const DENIED: f64 = 0.01;
/// Earlier words count this much less with every turn: rewordings are not independent.
const FADING: f64 = 0.6;
/// A scene that the classifier does not name is this likely.
const UNNAMED: f64 = 1e-4;

/// Probabilities of all problems of a plan.
#[derive(Clone, Debug)]
pub struct Belief {
    /// Logarithm of what each scene's prior is above an even one, weighted.
    prior: Vec<f64>,
    /// Logarithm of what the words say of each scene; the last one is "none of them".
    words: Vec<f64>,
    /// Logarithm of what yes and no did to each scene.
    answers: Vec<f64>,
}

/// A problem and how likely it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked<T> {
    /// Which.
    pub id: T,
    /// Probability, 0–1.
    pub p: f64,
}

impl Belief {
    /// What is believed before a word is said.
    pub fn new(plan: &Plan, identified: &Identified) -> Self {
        let scenes = plan.scenes.len();
        let mut belief = Self { prior: vec![0.0; scenes], words: vec![0.0; scenes + 1], answers: vec![0.0; scenes] };
        belief.expect(plan, identified);
        belief
    }

    /// Takes over another guess; the words stay.
    pub fn expect(&mut self, plan: &Plan, identified: &Identified) {
        let even = 1.0 / plan.scenes.len() as f64;
        let mut prior = vec![0.0; plan.scenes.len()];
        for guess in &identified.scenes {
            if let Some(SceneId(at)) = plan.find(&guess.scene) {
                prior[at] += f64::from(guess.p).clamp(0.0, 1.0);
            }
        }
        let left = (1.0 - prior.iter().sum::<f64>()).max(0.02);
        let weight = plan.thresholds.prior_weight;
        self.prior = prior.into_iter().map(|p| weight * ((p + left * even) / even).ln()).collect();
    }

    /// Takes in what the caller said.
    pub fn hear(&mut self, plan: &Plan, turn: &UserTurn) {
        let none = plan.scenes.len();
        let mut said = vec![UNNAMED; none + 1];
        for score in &turn.scenes {
            if let Some(SceneId(at)) = plan.find(&score.scene) {
                said[at] = f64::from(score.p).max(UNNAMED);
            }
        }
        said[none] = f64::from(turn.out_of_scope).max(UNNAMED);
        for (words, said) in self.words.iter_mut().zip(said) {
            *words = FADING * *words + said.ln();
        }
    }

    /// The caller said no to `scene`, or its answer did not help.
    pub fn deny(&mut self, scene: SceneId) {
        self.answers[scene.0] += DENIED.ln();
    }

    /// Forgets the words: the caller turned to another problem.
    pub fn forget(&mut self) {
        self.words.fill(0.0);
    }

    /// Forgets the words: the caller comes with another problem than `solved`.
    pub fn turn_page(&mut self, solved: SceneId) {
        self.forget();
        self.deny(solved);
    }

    /// Problems by falling probability, and the probability that it is none of them.
    pub fn ranked(&self) -> (Vec<Ranked<SceneId>>, f64) {
        let none = self.prior.len();
        let sums = (0..none).map(|at| self.prior[at] + self.words[at] + self.answers[at]);
        let logs: Vec<f64> = sums.chain([self.words[none]]).collect();
        let highest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = logs.iter().map(|log| (log - highest).exp()).collect();
        let total: f64 = weights.iter().sum();
        let mut ranked: Vec<_> = (0..none).map(|at| Ranked { id: SceneId(at), p: weights[at] / total }).collect();
        ranked.sort_by(|a, b| b.p.total_cmp(&a.p));
        (ranked, weights[none] / total)
    }

    /// Main scenes by falling probability.
    pub fn mains(plan: &Plan, ranked: &[Ranked<SceneId>]) -> Vec<Ranked<MainId>> {
        let mut mains: Vec<_> = (0..plan.main_scenes.len()).map(|at| Ranked { id: MainId(at), p: 0.0 }).collect();
        for scene in ranked {
            mains[plan.scene(scene.id).main.0].p += scene.p;
        }
        mains.sort_by(|a, b| b.p.total_cmp(&a.p));
        mains
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialog::testing::plan;
    use crate::identify::SceneGuess;
    use crate::nlu::SceneScore;

    fn said(plan: &Plan, scene: &str, p: f32) -> UserTurn {
        let others = (1.0 - p) / plan.scenes.len() as f32;
        let score = |id: &crate::units::Scene| SceneScore {
            p: if id.as_str() == scene { p } else { others },
            scene: id.clone(),
        };
        let scenes = plan.scenes.iter().map(|plan| score(&plan.scene)).collect();
        UserTurn { scenes, out_of_scope: others, ..UserTurn::default() }
    }

    fn guessed(scene: &str, p: f32) -> Identified {
        let guess = SceneGuess { scene: scene.into(), main_scene: "card".into(), p, order: None, why: String::new() };
        Identified { scenes: vec![guess], ..Identified::default() }
    }

    fn p_of(plan: &Plan, belief: &Belief, scene: &str) -> f64 {
        let id = plan.find(&scene.into()).unwrap();
        belief.ranked().0.into_iter().find(|ranked| ranked.id == id).unwrap().p
    }

    #[test]
    fn words_alone_keep_their_probability() {
        let plan = plan();
        let mut belief = Belief::new(&plan, &Identified::default());
        belief.hear(&plan, &said(&plan, "lost_card", 0.6));
        assert!((p_of(&plan, &belief, "lost_card") - 0.6).abs() < 0.01);
    }

    #[test]
    fn a_guess_lifts_what_words_leave_open_and_a_no_takes_it_away() {
        let plan = plan();
        let mut belief = Belief::new(&plan, &guessed("lost_card", 0.7));
        let before = p_of(&plan, &belief, "lost_card");
        belief.hear(&plan, &said(&plan, "lost_card", 0.4));
        assert!(p_of(&plan, &belief, "lost_card") > 0.4);
        belief.deny(plan.find(&"lost_card".into()).unwrap());
        assert!(p_of(&plan, &belief, "lost_card") < before / 2.0);
    }

    #[test]
    fn probabilities_sum_to_one() {
        let plan = plan();
        let mut belief = Belief::new(&plan, &guessed("lost_card", 1.0));
        belief.hear(&plan, &said(&plan, "forgot_pin", 1.0));
        let (ranked, none) = belief.ranked();
        let sum: f64 = ranked.iter().map(|ranked| ranked.p).sum::<f64>() + none;
        assert!((sum - 1.0).abs() < 1e-9);
        let mains: f64 = Belief::mains(&plan, &ranked).iter().map(|ranked| ranked.p).sum();
        assert!((mains + none - 1.0).abs() < 1e-9);
    }
}
