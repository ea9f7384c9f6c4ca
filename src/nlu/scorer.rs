//! From a document to one score a class.
//!
//! ```text
//! Document ─► counts, weighted ─► Linear ─► ln p ─┐
//!          └► embedding, centred ─► Linear ─► ln p ─┴─► weighted mean ─► scores
//! ```
//!
//! Both heads are the same kind of classifier; where there is no sentence model the first one's scores stand alone. Their mean
//! is better than either: the embedding knows what words mean that no example has, the counts know the examples' own words and
//! what they sound like. Joined into one vector before training they are 2 to 3 points worse than apart.

use serde::{Deserialize, Serialize};

use crate::nlu::calibrate::log_softmax;
use crate::nlu::document::Document;
use crate::nlu::features::{Feature, Sparse, Vocabulary};
use crate::nlu::linear::{self, Linear, Row, Task};
use crate::nlu::minilm::{DIMENSIONS, VIEWS};
use crate::units::Lang;

/// Weight of the counts beside the embedding. On banking77, with ten examples an intent and with nine tenths of all, anything
/// from 0.2 to 0.5 is within 0.3 points.
const COUNTS: f32 = 0.35;
/// Cost of a mistake against the size of the weights: 10 instead costs 0.1 points on banking77, ten examples per intent.
const COST: f32 = 30.0;
/// Length of an embedding beside the bias: sets how much a weight costs. 1 and 4 instead cost 0.3 to 0.5 points.
const LENGTH: f32 = 2.0;
/// How much of that length each view of a sentence has. The second and third beside the first are worth 1 to 1.5 points on
/// banking77 with nine tenths, and nothing with ten examples per intent.
const SHARES: [f32; VIEWS] = [1.0, 0.6, 0.6];

/// The two heads.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Scorer {
    pub(super) lang: Lang,
    vocabulary: Vocabulary,
    linear: Linear,
    meaning: Option<Meaning>,
}

/// The head on embeddings.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Meaning {
    /// Mean embedding of the training sentences: what they share tells none of them apart. [`VIEWS`] × [`DIMENSIONS`]
    centre: Vec<f32>,
    linear: Linear,
}

/// A document, and how it is shared among the classes; the shares sum to 1.
pub(super) struct Lesson<'a> {
    pub(super) document: &'a Document,
    pub(super) target: Vec<(usize, f32)>,
}

impl Scorer {
    /// Learns to tell `classes` classes apart; features in fewer than `min_documents` lessons are left out.
    pub(super) fn train(lessons: &[Lesson<'_>], classes: usize, lang: Lang, min_documents: usize) -> Self {
        let counted = || lessons.iter().filter(|lesson| !lesson.document.features.is_empty());
        let vocabulary = Vocabulary::learn(counted().map(|lesson| lesson.document.features.as_slice()), min_documents);
        let rows: Vec<Row> = counted()
            .map(|Lesson { document, target }| Row {
                vector: vocabulary.vector(&document.features, lang),
                target: target.clone(),
            })
            .collect();
        let task = Task { classes, features: vocabulary.len(), counted: vocabulary.len(), cost: COST };
        let linear = linear::train(&rows, task);
        Self { lang, linear, vocabulary, meaning: Meaning::train(lessons, classes) }
    }

    /// One score a class.
    pub(super) fn scores(&self, document: &Document) -> Vec<f32> {
        let mut scores = self.scores_by_counts(&document.features);
        if let Some((meaning, embedding)) = self.meaning.as_ref().zip(document.embedding.as_ref()) {
            log_softmax(&mut scores);
            let mut others = meaning.linear.scores(&centred(embedding, &meaning.centre));
            log_softmax(&mut others);
            scores.iter_mut().zip(others).for_each(|(score, other)| *score = COUNTS * *score + (1.0 - COUNTS) * other);
        }
        scores
    }

    /// One score a class, by what is counted alone: in a twentieth of the time.
    pub(super) fn scores_by_counts(&self, features: &[Feature]) -> Vec<f32> {
        self.linear.scores(&self.vocabulary.vector(features, self.lang))
    }

    /// The share of what is said in words that was ever seen in training, 0–1.
    pub(super) fn coverage(&self, features: &[Feature]) -> f32 {
        self.vocabulary.coverage(features)
    }

    /// Whether it looks at embeddings.
    pub(super) fn has_meaning(&self) -> bool {
        self.meaning.is_some()
    }

    /// Whether the parts belong together: false for a damaged model file.
    pub(super) fn is_whole(&self, classes: usize) -> bool {
        let fits = |linear: &Linear, features| linear.classes() == classes && linear.fits(features);
        let meaning =
            |head: &Meaning| fits(&head.linear, VIEWS * DIMENSIONS) && head.centre.len() == VIEWS * DIMENSIONS;
        fits(&self.linear, self.vocabulary.len()) && self.meaning.as_ref().is_none_or(meaning)
    }
}

impl Meaning {
    fn train(lessons: &[Lesson<'_>], classes: usize) -> Option<Self> {
        let seen: Vec<(&[f32], &Lesson<'_>)> =
            lessons.iter().filter_map(|lesson| Some((lesson.document.embedding.as_deref()?, lesson))).collect();
        if seen.is_empty() {
            return None;
        }
        let mut centre = vec![0.0; VIEWS * DIMENSIONS];
        for (embedding, _) in &seen {
            centre.iter_mut().zip(*embedding).for_each(|(mean, value)| *mean += value / seen.len() as f32);
        }
        let rows: Vec<Row> = seen
            .into_iter()
            .map(|(embedding, lesson)| Row { vector: centred(embedding, &centre), target: lesson.target.clone() })
            .collect();
        let linear = linear::train(&rows, Task { classes, features: centre.len(), counted: 0, cost: COST });
        Some(Self { centre, linear })
    }
}

/// What an embedding has of its own: each view scaled to its share, all to [`LENGTH`].
fn centred(embedding: &[f32], centre: &[f32]) -> Sparse {
    let all = SHARES.iter().map(|share| share * share).sum::<f32>().sqrt();
    let mut own: Vec<f32> = embedding.iter().zip(centre).map(|(value, mean)| value - mean).collect();
    for (view, share) in own.chunks_exact_mut(DIMENSIONS).zip(SHARES) {
        let length = view.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        view.iter_mut().for_each(|value| *value *= LENGTH * share / (all * length));
    }
    (0..).zip(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nlu::features;

    /// A direction of the space, a little bent by `by`.
    fn towards(axis: usize, by: usize) -> Vec<f32> {
        let mut embedding = vec![0.0; VIEWS * DIMENSIONS];
        (embedding[axis], embedding[by]) = (0.96, 0.28);
        embedding
    }

    fn document(text: &str, embedding: Option<Vec<f32>>) -> Document {
        Document { features: features::features(text, Lang::En), embedding }
    }

    #[test]
    fn a_sentence_of_unknown_words_is_known_by_its_meaning() {
        let taught = [
            (document("my card is lost", Some(towards(0, 5))), 0),
            (document("i lost my card", Some(towards(0, 6))), 0),
            (document("the transfer failed", Some(towards(1, 5))), 1),
            (document("a transfer did not arrive", Some(towards(1, 6))), 1),
        ];
        let lessons: Vec<Lesson<'_>> =
            taught.iter().map(|(document, class)| Lesson { document, target: vec![(*class, 1.0)] }).collect();
        let scorer = Scorer::train(&lessons, 2, Lang::En, 1);
        assert!(scorer.has_meaning() && scorer.is_whole(2) && !scorer.is_whole(3));
        let scores = scorer.scores(&document("plastic vanished", Some(towards(0, 7))));
        assert!(scores[0] > scores[1] + 1.0, "{scores:?}");
        let scores = scorer.scores(&document("wire never came", Some(towards(1, 7))));
        assert!(scores[1] > scores[0] + 1.0, "{scores:?}");
    }
}
