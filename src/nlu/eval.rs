//! How good an understanding is, on sentences with known labels.
//!
//! ```text
//! Intents, [Example] ─► Tally (several tests add up) ─► Report { accuracy, macro_f1, ece, … confusions }
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::Serialize;

use crate::nlu::calibrate::{Judgement, highest};
use crate::nlu::intents::{Intents, OUT_OF_SCOPE};
use crate::nlu::linear;
use crate::nlu::minilm::Encoder;
use crate::nlu::{Corpus, Example, NluError};
use crate::units::Scene;

/// Bins of the calibration error.
const BINS: usize = 15;

/// What came out. Shares are 0–1.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Sentences tested.
    pub sentences: usize,
    /// Share with the right label; `oos` is a label like any other.
    pub accuracy: f32,
    /// Mean over the labels of the harmonic mean of precision and recall.
    pub macro_f1: f32,
    /// Expected calibration error of the probability of the answer given, in 15 bins.
    pub ece: f32,
    /// Share of the in-scope sentences with the right main scene.
    pub main_accuracy: f32,
    /// Expected calibration error of the probability of that main scene.
    pub main_ece: f32,
    /// Share of the `oos` sentences that were found to be out of scope, if there were any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oos_recall: Option<f32>,
    /// Share of the other sentences with the right label at the same threshold, if there were `oos` ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_scope_accuracy: Option<f32>,
    /// Labels of the test that the model does not have.
    pub unknown_labels: Vec<String>,
    /// Pairs of labels most often confused, most often first.
    pub confusions: Vec<Confusion>,
}

/// One label taken for another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Confusion {
    /// The label it has.
    pub truth: String,
    /// The label it was given.
    pub answer: String,
    /// How often.
    pub times: usize,
}

/// One sentence's outcome.
struct Outcome {
    truth: Scene,
    answer: Scene,
    /// Probability of `answer`.
    p: f32,
    right_main: bool,
    /// Probability of the likeliest main scene.
    main_p: f32,
}

/// Outcomes of one test, or of several with a model each.
#[derive(Default)]
pub struct Tally {
    outcomes: Vec<Outcome>,
    unknown_labels: BTreeSet<String>,
}

/// How a corpus is divided to be tested on itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Each part is tested once, on what was learned from the others.
    Folds(usize),
    /// So many examples of each label are drawn to learn from, the others tested, so often.
    Draws {
        /// Examples of each label.
        shots: usize,
        /// How often.
        draws: usize,
    },
}

/// Tests a corpus on itself. Vague sentences always teach; off-topic ones are divided like the others.
///
/// # Errors
/// What is left to learn from cannot be learned from: a label has fewer than two examples.
pub fn cross_validate(corpus: &Corpus, encoder: Option<&Arc<Encoder>>, split: Split) -> Result<Report, NluError> {
    let mut tally = Tally::default();
    let mut order: Vec<usize> = (0..corpus.examples.len()).collect();
    let mut random = 0x5851_f42d_4c95_7f2d;
    let rounds = match split {
        Split::Folds(folds) => folds,
        Split::Draws { draws, .. } => draws,
    };
    for round in 0..rounds {
        if round == 0 || matches!(split, Split::Draws { .. }) {
            linear::shuffle(&mut order, &mut random);
        }
        // By label: how many came before.
        let mut before: HashMap<&Scene, usize> = HashMap::new();
        let (mut taught, mut tested) = (Corpus { examples: Vec::new(), ..corpus.clone() }, Vec::new());
        for &i in &order {
            let example = &corpus.examples[i];
            let place = before.entry(&example.scene).or_default();
            let is_taught = match split {
                Split::Folds(folds) => *place % folds != round,
                Split::Draws { shots, .. } => *place < shots,
            };
            *place += 1;
            if is_taught { taught.examples.push(example.clone()) } else { tested.push(example.clone()) }
        }
        tally.add(&Intents::train(&taught, encoder)?, &tested);
    }
    Ok(tally.report())
}

/// Tests `intents` on labelled sentences. Where none is labelled `oos`, every sentence is taken to have a scene.
pub fn evaluate(intents: &Intents, examples: &[Example]) -> Report {
    let mut tally = Tally::default();
    tally.add(intents, examples);
    tally.report()
}

impl Tally {
    /// Tests `intents` on further sentences.
    pub fn add(&mut self, intents: &Intents, examples: &[Example]) {
        let has_oos = examples.iter().any(|example| example.scene.as_str() == OUT_OF_SCOPE);
        let texts: Vec<&str> = examples.iter().map(|example| example.text.as_str()).collect();
        let documents = intents.eyes().read_all(&texts);
        let judged = documents.iter().map(|document| intents.judge_document(document));
        self.outcomes.extend(
            examples.iter().zip(judged).map(|(example, judgement)| Outcome::of(intents, example, &judgement, has_oos)),
        );
        let is_unknown =
            |scene: &&Scene| scene.as_str() != OUT_OF_SCOPE && intents.scenes().binary_search(scene).is_err();
        self.unknown_labels
            .extend(examples.iter().map(|example| &example.scene).filter(is_unknown).map(Scene::to_string));
    }

    /// What came out so far.
    pub fn report(&self) -> Report {
        let outcomes = &self.outcomes;
        let share = |of: &dyn Fn(&Outcome) -> bool, right: &dyn Fn(&Outcome) -> bool| {
            let chosen = outcomes.iter().filter(|outcome| of(outcome)).count().max(1);
            outcomes.iter().filter(|outcome| of(outcome) && right(outcome)).count() as f32 / chosen as f32
        };
        let is_oos = |outcome: &Outcome| outcome.truth.as_str() == OUT_OF_SCOPE;
        let in_scope = |outcome: &Outcome| !is_oos(outcome);
        let right = |outcome: &Outcome| outcome.truth == outcome.answer;
        let has_oos = outcomes.iter().any(is_oos);
        Report {
            sentences: outcomes.len(),
            accuracy: share(&|_| true, &right),
            macro_f1: macro_f1(outcomes),
            ece: calibration_error(outcomes.iter().map(|outcome| (outcome.p, right(outcome)))),
            main_accuracy: share(&in_scope, &|outcome| outcome.right_main),
            main_ece: calibration_error(
                outcomes.iter().filter(|outcome| in_scope(outcome)).map(|outcome| (outcome.main_p, outcome.right_main)),
            ),
            oos_recall: has_oos.then(|| share(&is_oos, &right)),
            in_scope_accuracy: has_oos.then(|| share(&in_scope, &right)),
            unknown_labels: self.unknown_labels.iter().cloned().collect(),
            confusions: confusions(outcomes),
        }
    }
}

impl Outcome {
    fn of(intents: &Intents, example: &Example, judgement: &Judgement, has_oos: bool) -> Self {
        let best = highest(&judgement.scenes);
        let mains = intents.main_probabilities(judgement);
        let main = highest(&mains);
        let rejected = has_oos && judgement.out_of_scope >= intents.out_of_scope_threshold();
        let (answer, p) = match rejected {
            true => (OUT_OF_SCOPE.into(), judgement.out_of_scope),
            false => (intents.scenes()[best].clone(), judgement.scenes[best]),
        };
        // The main scene of a label is the model's where it knows the label: a test table need not name it.
        let true_main = intents.main_scene(&example.scene).unwrap_or(&example.main_scene);
        let right_main = intents.main_scenes()[main] == *true_main;
        Self { truth: example.scene.clone(), answer, p, right_main, main_p: mains[main] }
    }
}

fn macro_f1(outcomes: &[Outcome]) -> f32 {
    // By label: true sentences, answers, both.
    let mut counts: BTreeMap<&str, [f32; 3]> = BTreeMap::new();
    for outcome in outcomes {
        counts.entry(outcome.truth.as_str()).or_default()[0] += 1.0;
        counts.entry(outcome.answer.as_str()).or_default()[1] += 1.0;
        if outcome.truth == outcome.answer {
            counts.entry(outcome.truth.as_str()).or_default()[2] += 1.0;
        }
    }
    // Labels that are only ever answered cost precision elsewhere; the mean is over the labels that the test has.
    let tested: Vec<&[f32; 3]> = counts.values().filter(|count| count[0] > 0.0).collect();
    let f1: f32 = tested.iter().map(|[truths, answers, both]| 2.0 * both / (truths + answers)).sum();
    f1 / tested.len().max(1) as f32
}

/// Of answers with their probability and whether they are right.
fn calibration_error(answers: impl Iterator<Item = (f32, bool)>) -> f32 {
    // By bin: sum of probabilities, right answers.
    let mut bins = [(0.0f32, 0.0f32); BINS];
    let mut all = 0.0f32;
    for (p, is_right) in answers {
        let bin = ((p * BINS as f32) as usize).min(BINS - 1);
        bins[bin].0 += p;
        bins[bin].1 += f32::from(is_right);
        all += 1.0;
    }
    bins.iter().map(|(claimed, right)| (claimed - right).abs()).sum::<f32>() / all.max(1.0)
}

fn confusions(outcomes: &[Outcome]) -> Vec<Confusion> {
    const LISTED: usize = 20;
    let mut times: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for outcome in outcomes.iter().filter(|outcome| outcome.truth != outcome.answer) {
        *times.entry((outcome.truth.as_str(), outcome.answer.as_str())).or_default() += 1;
    }
    let mut pairs: Vec<Confusion> = times
        .into_iter()
        .map(|((truth, answer), times)| Confusion { truth: truth.to_owned(), answer: answer.to_owned(), times })
        .collect();
    pairs.sort_by_key(|pair| std::cmp::Reverse(pair.times));
    pairs.truncate(LISTED);
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(truth: &str, answer: &str, p: f32) -> Outcome {
        Outcome { truth: truth.into(), answer: answer.into(), p, right_main: true, main_p: p }
    }

    #[test]
    fn figures_follow_their_definitions() {
        let outcomes = [outcome("a", "a", 1.0), outcome("a", "a", 1.0), outcome("a", "b", 0.5), outcome("b", "b", 0.5)];
        // a: precision 1, recall 2/3 → 0.8; b: precision 1/2, recall 1 → 2/3.
        assert!((macro_f1(&outcomes) - (0.8 + 2.0 / 3.0) / 2.0).abs() < 1e-6);
        let judged = |outcome: &Outcome| (outcome.p, outcome.truth == outcome.answer);
        assert!(calibration_error(outcomes.iter().map(judged)).abs() < 1e-6);
        assert!((calibration_error([(0.9, false)].into_iter()) - 0.9).abs() < 1e-6);
        assert_eq!(confusions(&outcomes), [Confusion { truth: "a".into(), answer: "b".into(), times: 1 }]);
    }
}
