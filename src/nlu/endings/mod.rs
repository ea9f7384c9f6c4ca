//! Is a sentence over? Learned from where the sentences of the examples end.
//!
//! ```text
//! "my card was declined"  ─► whole       every example as it stands
//! "my card was"           ─► not whole   and what it is when cut off before its end
//! ```
//!
//! A logistic model on the last three words, which words there were, how many, and the [shape] of the sentence that they make.
//! It sets out from what is known of English
//! sentences in general (`models/README.md` says how that was learned, and what it is worth) and learns each hotline's own way
//! of putting things, in any language, since a Chinese character is a word here.

mod shape;

use serde::{Deserialize, Serialize};

use self::shape::features;
use super::linear::shuffle;
use super::text;
use crate::units::Lang;

/// Weights; a feature's place among them is its hash.
const BUCKETS: usize = 1 << 18;
/// Beginnings made of each example.
const CUTS: usize = 8;
/// Passes over the examples.
const PASSES: usize = 12;
/// First step of the descent (AdaGrad, Duchi 2011), and what counts as squared steps before it.
const STEP: f32 = 0.3;
const SETTLED: f32 = 0.1;
/// How firmly each weight is held to what was known before: ridge regression towards it. Measured on sentences held out: from
/// 0.3 to 3 the probabilities are about right; held by less, the model is sure of everything, and wrong.
const FIRMNESS: f32 = 1.0;
/// What English sentences end with, whatever they are about: `models/README.md` says what they were and how it is made.
const ENGLISH: &[u8] = include_bytes!("../../../models/endings-en.bin");

/// Tells whole sentences from beginnings.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Endings {
    weights: Vec<f32>,
}

impl Endings {
    /// What is known of the sentences of `lang`, whatever they are about.
    pub fn general(lang: Lang) -> Self {
        match lang {
            Lang::En => Self::read(ENGLISH),
            Lang::Zh => Self::default(),
        }
    }

    /// The weights as a file holds them: a scale, and an eighth of a number for each.
    pub fn to_bytes(&self) -> Vec<u8> {
        let largest = self.weights.iter().fold(f32::MIN_POSITIVE, |largest, weight| largest.max(weight.abs()));
        let scale = largest / f32::from(i8::MAX);
        let small = self.weights.iter().map(|weight| ((weight / scale).round() as i8).cast_unsigned());
        scale.to_le_bytes().into_iter().chain(small).collect()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; without weights where it is of another size.
    fn read(bytes: &[u8]) -> Self {
        let weights = match bytes.split_first_chunk() {
            Some((scale, small)) if small.len() == BUCKETS => {
                let scale = f32::from_le_bytes(*scale);
                small.iter().map(|byte| f32::from(byte.cast_signed()) * scale).collect()
            }
            _ => Vec::new(),
        };
        Self { weights }
    }

    /// Learns from whole sentences, on top of what it knows.
    #[must_use]
    pub fn learn<'a>(self, sentences: impl Iterator<Item = &'a str>) -> Self {
        let mut state = 1;
        let mut rows = Vec::new();
        for words in sentences.map(words).filter(|words| words.len() > 1) {
            let mut cuts: Vec<usize> = (1..words.len()).collect();
            shuffle(&mut cuts, &mut state);
            cuts.truncate(CUTS);
            // Beginnings together weigh as much as the whole.
            rows.extend(cuts.iter().map(|&cut| (features(&words[..cut]), 0.0, 1.0 / cuts.len() as f32)));
            rows.push((features(&words), 1.0, 1.0));
        }
        let mut known = self.weights;
        known.resize(BUCKETS, 0.0);
        let mut model = Self { weights: known.clone() };
        // The ridge is paid for in parts, each time that a feature is seen.
        let mut firmness = vec![0.0; BUCKETS];
        for &(bucket, _) in rows.iter().flat_map(|(row, ..)| row) {
            firmness[bucket] += 1.0;
        }
        firmness.iter_mut().for_each(|seen| *seen = FIRMNESS / f32::max(*seen, 1.0));
        let mut gradients = vec![SETTLED; BUCKETS];
        let mut order: Vec<usize> = (0..rows.len()).collect();
        for _ in 0..PASSES {
            shuffle(&mut order, &mut state);
            for (row, target, weight) in order.iter().map(|&row| &rows[row]) {
                let error = (model.score(row) - target) * weight;
                for &(bucket, value) in row {
                    let gradient = error * value + (model.weights[bucket] - known[bucket]) * firmness[bucket];
                    gradients[bucket] += gradient * gradient;
                    model.weights[bucket] -= STEP * gradient / gradients[bucket].sqrt();
                }
            }
        }
        model
    }

    /// Probability that `text` is a whole sentence, 0–1; 0 for no words.
    pub fn probability(&self, text: &str) -> f32 {
        let words = words(text);
        if words.is_empty() || self.weights.is_empty() { 0.0 } else { self.score(&features(&words)) }
    }

    fn score(&self, row: &[(usize, f32)]) -> f32 {
        let sum: f32 = row.iter().filter_map(|&(bucket, value)| Some(self.weights.get(bucket)? * value)).sum();
        1.0 / (1.0 + (-sum).exp())
    }
}

fn words(text: &str) -> Vec<String> {
    text::tokens(text).into_iter().map(|token| token.text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_are_told_from_sentences_that_were_never_seen() {
        let verbs = ["lost", "broke", "cut", "sold"];
        let things = ["card", "phone", "key", "bag", "ticket"];
        let seen = verbs.iter().flat_map(|verb| things.iter().map(move |thing| format!("i have {verb} my {thing}")));
        let seen: Vec<String> = seen.filter(|sentence| sentence != "i have cut my ticket").collect();
        let endings = Endings::default().learn(seen.iter().map(String::as_str));
        assert!(endings.probability("i have cut my ticket") > 0.7);
        for beginning in ["i", "i have", "i have cut", "i have cut my"] {
            assert!(endings.probability(beginning) < 0.3, "{beginning}: {}", endings.probability(beginning));
        }
    }

    #[test]
    fn chinese_needs_no_spaces() {
        let seen = ["我的卡丢了", "我的卡坏了", "我的手机丢了", "我的手机坏了", "我的钱包丢了"];
        let endings = Endings::default().learn(seen.into_iter());
        assert!(endings.probability("我的钱包坏了") > endings.probability("我的钱包坏") + 0.3);
    }

    #[test]
    fn what_is_known_of_a_language_is_known_before_anything_is_learnt() {
        let known = Endings::general(Lang::En);
        for (sentence, beginning) in [
            ("could you tell me the exchange rate", "could you tell me the"),
            ("i want to change my address", "i want to"),
        ] {
            assert!(known.probability(sentence) > known.probability(beginning) + 0.3, "{sentence}");
        }
        let copy = Endings::read(&known.to_bytes());
        assert_eq!(copy.probability("where is my card"), known.probability("where is my card"));
        assert_eq!(Endings::read(&[1, 2, 3]).probability("where is my card"), 0.0);
    }

    #[test]
    fn nothing_said_is_not_whole() {
        assert_eq!(Endings::default().learn(std::iter::empty()).probability("yes"), 0.5);
        assert_eq!(Endings::default().probability("yes"), 0.0);
        assert_eq!(Endings::default().learn(["a b"].into_iter()).probability(" … "), 0.0);
    }
}
