//! Multinomial logistic regression on sparse vectors.
//!
//! ```text
//! [Row { vector, target }] ─► train ─► Linear;     Sparse ─► scores, one a class
//! ```
//!
//! Trained in the dual, one row at a time (stochastic dual coordinate ascent; Shalev-Shwartz and Zhang, "Stochastic Dual
//! Coordinate Ascent Methods for Regularized Loss Minimization", JMLR 2013): no step size to choose, and a dozen passes are
//! enough. Weights lie feature by feature with the classes side by side, so a step is a few vector operations and not a loop
//! per class. A target may be spread over several classes: a sentence that tells only the main scene.
//!
//! Measured against the one-versus-rest linear SVM (squared hinge loss, best cost) on banking77 with ten examples per intent:
//! 73.5 against 72.1 %, and its scores need no second model to become probabilities. It sets out from naive Bayes: see [`bayes`].

use serde::{Deserialize, Serialize};

use crate::nlu::bayes;
use crate::nlu::features::Sparse;

/// Least change of a dual variable that is worth writing back; they grow to the cost.
const SETTLED: f32 = 2e-3;
/// Passes over the rows. Twenty gain 0.1 points on banking77, and take two thirds more time.
const PASSES: usize = 12;

/// One training example.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// What it looks like.
    pub vector: Sparse,
    /// How it is shared among the classes; sums to 1.
    pub target: Vec<(usize, f32)>,
}

/// A trained classifier: `scores = weights · vector + bias`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Linear {
    classes: usize,
    /// [features, classes], as the upper half of an `f32`: eight bits of mantissa are plenty for a sum of hundreds.
    weights: Vec<u16>,
    /// [classes].
    bias: Vec<f32>,
}

/// What is to be learned, and how.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// Classes to tell apart.
    pub classes: usize,
    /// Length of the vectors.
    pub features: usize,
    /// So many features at the head are counts of something: naive Bayes says nothing about the others.
    pub counted: usize,
    /// Cost of a mistake against the size of the weights.
    pub cost: f32,
}

/// Learns from `rows`.
pub fn train(rows: &[Row], task: Task) -> Linear {
    let Task { classes, features, counted, cost } = task;
    let mut weights = vec![0.0f32; features * classes];
    bayes::add(rows, classes, &mut weights[..counted * classes]);
    let mut bias = vec![0.0f32; classes];
    let mut duals = vec![0.0f32; rows.len() * classes];
    let mut order: Vec<usize> = (0..rows.len()).collect();
    let mut random = 0x9e37_79b9_7f4a_7c15;
    let mut step = vec![0.0; classes];
    // Most classes are settled for most rows: only those that still move are written back.
    let mut moved: Vec<(usize, f32)> = Vec::with_capacity(classes);
    for _ in 0..PASSES {
        shuffle(&mut order, &mut random);
        for &at in &order {
            let row = &rows[at];
            step.copy_from_slice(&bias);
            add_scores(&weights, &row.vector, &mut step);
            dual_step(row, cost, &mut duals[at * classes..][..classes], &mut step);
            moved.clear();
            moved.extend(step.iter().copied().enumerate().filter(|(_, step)| step.abs() > SETTLED));
            for &(index, value) in &row.vector {
                let weights = &mut weights[index as usize * classes..][..classes];
                moved.iter().for_each(|&(class, step)| weights[class] += value * step);
            }
            moved.iter().for_each(|&(class, step)| bias[class] += step);
        }
    }
    Linear { classes, weights: weights.into_iter().map(halve).collect(), bias }
}

/// Turns the scores in `step` into the change of the row's dual variables, and applies it to them. The duals want to be
/// `cost · (target − probability)`; the step towards it is damped by the curvature of the loss, at most ½.
fn dual_step(row: &Row, cost: f32, duals: &mut [f32], step: &mut [f32]) {
    softmax(step);
    step.iter_mut().for_each(|p| *p = -*p);
    for &(class, share) in &row.target {
        step[class] += share;
    }
    let norm = 1.0 + row.vector.iter().map(|entry| entry.1 * entry.1).sum::<f32>();
    let damping = 1.0 / (1.0 + 0.5 * cost * norm);
    for (dual, step) in duals.iter_mut().zip(step) {
        *step = (cost * *step - *dual) * damping;
        if step.abs() > SETTLED {
            *dual += *step;
        }
    }
}

fn add_scores(weights: &[f32], vector: &Sparse, scores: &mut [f32]) {
    let classes = scores.len();
    for &(index, value) in vector {
        let weights = &weights[index as usize * classes..][..classes];
        scores.iter_mut().zip(weights).for_each(|(score, weight)| *score += value * weight);
    }
}

/// Scores to probabilities that sum to 1.
pub fn softmax(scores: &mut [f32]) {
    let highest = scores.iter().copied().fold(f32::MIN, f32::max);
    scores.iter_mut().for_each(|score| *score = (*score - highest).exp());
    let sum: f32 = scores.iter().sum();
    scores.iter_mut().for_each(|score| *score /= sum);
}

/// Fisher–Yates with a generator of its own (xorshift64*, G. Marsaglia and S. Vigna): the same corpus gives the same model.
pub fn shuffle(order: &mut [usize], state: &mut u64) {
    for i in (1..order.len()).rev() {
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        order.swap(i, (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % (i + 1));
    }
}

/// The upper half of a float, rounded to nearest.
fn halve(value: f32) -> u16 {
    ((value.to_bits().saturating_add(0x8000)) >> 16) as u16
}

fn unhalve(half: u16) -> f32 {
    f32::from_bits(u32::from(half) << 16)
}

impl Linear {
    /// How many classes it tells apart.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Whether it fits a vocabulary of `features` features: false for a damaged model file.
    pub fn fits(&self, features: usize) -> bool {
        self.bias.len() == self.classes && self.weights.len() == features * self.classes
    }

    /// One score a class; entries of `vector` beyond the trained features do not occur.
    pub fn scores(&self, vector: &Sparse) -> Vec<f32> {
        let mut scores = self.bias.clone();
        for &(index, value) in vector {
            let weights = &self.weights[index as usize * self.classes..][..self.classes];
            scores.iter_mut().zip(weights).for_each(|(score, &weight)| *score += value * unhalve(weight));
        }
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(index: u32, target: &[(usize, f32)]) -> Row {
        Row { vector: vec![(index, 1.0)], target: target.to_vec() }
    }

    #[test]
    fn it_separates_what_can_be_separated_and_shares_what_was_shared() {
        let rows = [row(0, &[(0, 1.0)]), row(1, &[(1, 1.0)]), row(2, &[(0, 0.5), (1, 0.5)]), row(3, &[(2, 1.0)])];
        let model = train(&rows, Task { classes: 3, features: 4, counted: 4, cost: 30.0 });
        assert!(model.fits(4) && !model.fits(5));
        let probabilities = |index| {
            let mut scores = model.scores(&vec![(index, 1.0)]);
            softmax(&mut scores);
            scores
        };
        assert!(probabilities(0)[0] > 0.9);
        assert!(probabilities(1)[1] > 0.9);
        let shared = probabilities(2);
        assert!((shared[0] - shared[1]).abs() < 0.05 && shared[2] < 0.1, "{shared:?}");
    }

    #[test]
    fn half_a_float_keeps_two_digits() {
        for value in [0.0, 1.0, -3.25, 0.001_234, -127.9] {
            assert!((unhalve(halve(value)) - value).abs() <= value.abs() / 250.0);
        }
    }
}
