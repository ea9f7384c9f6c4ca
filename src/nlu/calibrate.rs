//! From scores to probabilities that mean what they say.
//!
//! ```text
//! [Judged { scores, coverage, truth }] (cross-validated) ─► fit ─► Calibration ─► Judgement { scenes, out_of_scope }
//! ```
//!
//! Three things are fitted on sentences that the scoring model has not seen: one scale for the scores of the scenes
//! (temperature scaling; Guo et al., "On Calibration of Modern Neural Networks", ICML 2017); slope and offset for the log odds
//! of the first scene (J. Platt, 1999), since a scale alone is too sure when sure and not sure enough when not; and a logistic
//! model of "none of the scenes" over the score of the off-topic class, the certainty among the scenes, and how much of the words is known.

use serde::{Deserialize, Serialize};

use crate::nlu::linear::softmax;

/// Share of sentences that belong to no scene, assumed for calls: labelled sets never have the share that a line has.
const OFF_TOPIC_SHARE: f32 = 0.05;
/// What it costs to take a scene's sentence for off-topic, against missing an off-topic one: the caller whose problem is known
/// is asked again for nothing, the other is asked a question that the next turn sets right.
const TURNED_AWAY: f32 = 2.5;
/// Inputs of the out-of-scope model: off-topic score, certainty, coverage, and the constant 1.
const INPUTS: usize = 4;

/// A sentence that a model scored without having been trained on it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// One score a scene, the off-topic class last.
    pub scores: Vec<f32>,
    /// The same by counts alone.
    pub by_counts: Vec<f32>,
    /// Share of the words that the model knew, 0–1.
    pub coverage: f32,
    /// The true scene; `None` when it belongs to none.
    pub truth: Option<usize>,
}

/// Calibrated probabilities.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// One a scene; with `out_of_scope` they sum to 1.
    pub scenes: Vec<f32>,
    /// That none of them is meant.
    pub out_of_scope: f32,
}

impl Judgement {
    /// Multiplies every probability.
    pub fn scale(&mut self, factor: f32) {
        self.scenes.iter_mut().for_each(|p| *p *= factor);
        self.out_of_scope *= factor;
    }

    /// Adds another judgement's probabilities times `weight`.
    pub fn add(&mut self, other: &Self, weight: f32) {
        self.scenes.iter_mut().zip(&other.scenes).for_each(|(p, other)| *p += weight * other);
        self.out_of_scope += weight * other.out_of_scope;
    }
}

/// How scores become probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    scale: f32,
    /// Slope and offset of the log odds of the first scene.
    first: [f32; 2],
    off_topic: [f32; INPUTS],
    /// Out-of-scope probability from which a sentence is best taken to belong to no scene.
    pub threshold: f32,
}

impl Default for Calibration {
    /// Scores as they are, nothing ever out of scope: for want of sentences to fit on.
    fn default() -> Self {
        Self { scale: 1.0, first: [1.0, 0.0], off_topic: [0.0, 0.0, 0.0, -8.0], threshold: 0.5 }
    }
}

impl Calibration {
    /// Fits on cross-validated sentences.
    pub fn fit(judged: &[Judged]) -> Self {
        let mut calibration = Self::default();
        if judged.iter().any(|one| one.truth.is_some()) {
            calibration.scale = lowest(0.2, 5.0, |scale| scene_loss(judged, scale));
            calibration.fit_first(judged);
        }
        if judged.iter().any(|one| one.truth.is_none()) {
            calibration.fit_off_topic(judged);
        }
        calibration
    }

    fn fit_first(&mut self, judged: &[Judged]) {
        let case = |one: &Judged| {
            let truth = one.truth?;
            let scenes = self.scaled(&one.scores);
            let first = highest(&scenes);
            Some(([log_odds(scenes[first]), 0.0, 0.0, 1.0], f32::from(first == truth), 1.0))
        };
        // Evidence for "as it is", so that a handful of sentences moves little.
        let as_is = (1..20).map(|twentieth| twentieth as f32 / 20.0).map(|p| ([log_odds(p), 0.0, 0.0, 1.0], p, 1.0));
        let cases: Vec<_> = judged.iter().filter_map(case).chain(as_is).collect();
        let [slope, .., offset] = logistic(&cases);
        self.first = [slope.max(0.1), offset];
    }

    /// Probabilities of the scenes, scaled only.
    fn scaled(&self, scores: &[f32]) -> Vec<f32> {
        let mut scenes: Vec<f32> = scores[..scores.len() - 1].iter().map(|score| score * self.scale).collect();
        softmax(&mut scenes);
        scenes
    }

    /// Corrects the first scene's probability; the others share what it leaves, in their proportions.
    fn correct_first(&self, scenes: &mut [f32]) {
        let first = highest(scenes);
        let corrected = sigmoid(self.first[0] * log_odds(scenes[first]) + self.first[1]);
        let rest: f32 = (0..scenes.len()).filter(|&i| i != first).map(|i| scenes[i]).sum();
        let second = (0..scenes.len()).filter(|&i| i != first).map(|i| scenes[i]).fold(0.0, f32::max);
        let others = (1.0 - corrected) / rest;
        // The first stays the first, and nothing is shared among scenes that have nothing.
        if rest > 1e-6 && corrected >= second * others {
            scenes.iter_mut().for_each(|p| *p *= others);
            scenes[first] = corrected;
        }
    }

    fn fit_off_topic(&mut self, judged: &[Judged]) {
        let off = judged.iter().filter(|one| one.truth.is_none()).count() as f32;
        let on = judged.len() as f32 - off;
        let weights = [(1.0 - OFF_TOPIC_SHARE) / on.max(1.0), OFF_TOPIC_SHARE / off];
        let cases: Vec<([f32; INPUTS], f32, f32)> = judged
            .iter()
            .map(|one| {
                let is_off = usize::from(one.truth.is_none());
                (self.inputs(&one.scores, one.coverage), is_off as f32, weights[is_off])
            })
            .collect();
        self.off_topic = logistic(&cases);
        let mut ranked: Vec<(f32, bool)> =
            cases.iter().map(|(inputs, off, _)| (sigmoid(dot(&self.off_topic, inputs)), *off > 0.5)).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        self.threshold = best_threshold(&ranked, on, off);
    }

    fn inputs(&self, scores: &[f32], coverage: f32) -> [f32; INPUTS] {
        let (off_topic, scenes) = scores.split_last().expect("the off-topic class is always there");
        let scaled: Vec<f32> = scenes.iter().map(|score| score * self.scale).collect();
        let sum = log_sum_exp(&scaled);
        let highest = scaled.iter().copied().fold(f32::MIN, f32::max);
        [off_topic * self.scale - sum, highest - sum, coverage, 1.0]
    }

    /// The probabilities behind `scores` (one a scene, the off-topic class last).
    pub fn judge(&self, scores: &[f32], coverage: f32) -> Judgement {
        let out_of_scope = sigmoid(dot(&self.off_topic, &self.inputs(scores, coverage)));
        let mut scenes = self.scaled(scores);
        self.correct_first(&mut scenes);
        scenes.iter_mut().for_each(|p| *p *= 1.0 - out_of_scope);
        Judgement { scenes, out_of_scope }
    }
}

/// Mean negative log likelihood of the true scenes when scores are multiplied by `scale`.
fn scene_loss(judged: &[Judged], scale: f32) -> f32 {
    let loss = |one: &Judged| {
        let scenes: Vec<f32> = one.scores[..one.scores.len() - 1].iter().map(|score| score * scale).collect();
        one.truth.map(|truth| log_sum_exp(&scenes) - scenes[truth])
    };
    judged.iter().filter_map(loss).sum()
}

/// Where `f`, which has one valley, is lowest between `low` and `high` (golden-section search).
fn lowest(mut low: f32, mut high: f32, f: impl Fn(f32) -> f32) -> f32 {
    const GOLDEN: f32 = 0.618_034;
    for _ in 0..24 {
        let (a, b) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
        if f(a) < f(b) {
            high = b;
        } else {
            low = a;
        }
    }
    f32::midpoint(low, high)
}

/// The threshold with the highest worth: the share of off-topic sentences found, less [`TURNED_AWAY`] times the share of the
/// scenes' sentences that are lost.
fn best_threshold(ranked: &[(f32, bool)], on: f32, off: f32) -> f32 {
    let (mut found, mut lost) = (0.0, 0.0);
    let mut best = (0.0, 1.0);
    for &(p, is_off) in ranked {
        if is_off {
            found += 1.0 / off;
        } else {
            lost += 1.0 / on;
        }
        let worth = found - TURNED_AWAY * lost;
        if worth > best.0 {
            best = (worth, p);
        }
    }
    best.1
}

fn log_sum_exp(scores: &[f32]) -> f32 {
    let highest = scores.iter().copied().fold(f32::MIN, f32::max);
    highest + scores.iter().map(|score| (score - highest).exp()).sum::<f32>().ln()
}

/// Scores to the logarithms of probabilities that sum to 1.
pub fn log_softmax(scores: &mut [f32]) {
    let sum = log_sum_exp(scores);
    scores.iter_mut().for_each(|score| *score -= sum);
}

fn log_odds(p: f32) -> f32 {
    let p = p.clamp(1e-5, 1.0 - 1e-5);
    (p / (1.0 - p)).ln()
}

/// Position of the highest value; 0 for none.
pub fn highest(values: &[f32]) -> usize {
    (0..values.len()).max_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap_or(0)
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

fn dot(a: &[f32; INPUTS], b: &[f32; INPUTS]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Weighted logistic regression by gradient descent with momentum; a small ridge keeps separable data finite.
fn logistic(cases: &[([f32; INPUTS], f32, f32)]) -> [f32; INPUTS] {
    const RIDGE: f32 = 1e-4;
    let total: f32 = cases.iter().map(|case| case.2).sum();
    let (mean, spread) = moments(cases, total);
    let mut weights = [0.0; INPUTS];
    let mut speed = [0.0; INPUTS];
    for _ in 0..2_000 {
        let mut gradient = weights.map(|weight| RIDGE * weight);
        for (inputs, target, weight) in cases {
            let scaled: [f32; INPUTS] = std::array::from_fn(|i| (inputs[i] - mean[i]) / spread[i]);
            let error = (sigmoid(dot(&weights, &scaled)) - target) * weight / total;
            (0..INPUTS).for_each(|i| gradient[i] += error * scaled[i]);
        }
        for i in 0..INPUTS {
            speed[i] = 0.9 * speed[i] - gradient[i];
            weights[i] += speed[i];
        }
    }
    let mut plain: [f32; INPUTS] = std::array::from_fn(|i| weights[i] / spread[i]);
    plain[INPUTS - 1] -= (0..INPUTS - 1).map(|i| plain[i] * mean[i]).sum::<f32>();
    plain
}

/// Weighted mean and standard deviation of every input; the constant is left as it is.
fn moments(cases: &[([f32; INPUTS], f32, f32)], total: f32) -> ([f32; INPUTS], [f32; INPUTS]) {
    let average = |f: &dyn Fn(&[f32; INPUTS]) -> f32| cases.iter().map(|case| f(&case.0) * case.2).sum::<f32>() / total;
    let mut mean: [f32; INPUTS] = std::array::from_fn(|i| average(&|inputs| inputs[i]));
    let mut spread: [f32; INPUTS] =
        std::array::from_fn(|i| average(&|inputs| (inputs[i] - mean[i]).powi(2)).sqrt().max(1e-3));
    (mean[INPUTS - 1], spread[INPUTS - 1]) = (0.0, 1.0);
    (mean, spread)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judged(scores: &[f32], coverage: f32, truth: Option<usize>) -> Judged {
        Judged { scores: scores.to_vec(), by_counts: scores.to_vec(), coverage, truth }
    }

    /// Scores twice as bold as they should be: right in 70 % of cases at a claimed certainty of about 95 %.
    fn overconfident() -> Vec<Judged> {
        (0..200)
            .map(|i| judged(&[3.0, 0.0, -2.0], 0.9, Some(usize::from(i % 10 >= 7))))
            .chain((0..40).map(|_| judged(&[0.2, 0.0, 2.0], 0.3, None)))
            .collect()
    }

    #[test]
    fn claimed_certainty_becomes_the_share_of_right_answers() {
        let calibration = Calibration::fit(&overconfident());
        let sure = calibration.judge(&[3.0, 0.0, -2.0], 0.9);
        assert!((sure.scenes[0] - 0.7).abs() < 0.05, "{sure:?}");
        let off = calibration.judge(&[0.2, 0.0, 2.0], 0.3);
        assert!(off.out_of_scope > calibration.threshold - 1e-3 && sure.out_of_scope < 0.05, "{off:?}");
    }

    proptest! {
        #[test]
        fn probabilities_sum_to_one(scores in proptest::collection::vec(-50.0f32..50.0, 2..9), coverage in 0.0f32..1.0) {
            let judgement = Calibration::fit(&overconfident()).judge(&scores, coverage);
            let sum = judgement.scenes.iter().sum::<f32>() + judgement.out_of_scope;
            prop_assert!((sum - 1.0).abs() < 1e-3);
        }
    }
}
