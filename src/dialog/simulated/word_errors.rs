//! What a recogniser makes of words: some vanish, some turn into others that sound alike, some appear.
//!
//! ```text
//! "where is my refund" ─► pass ─► ("where is my fund", confidence)
//! ```

use std::collections::HashMap;

use crate::dialog::dialplan::{Plan, distance};
use crate::units::Lang;

/// Shares of the errors, as PocketSphinx makes them with the dialplan's language model: 120 hotline questions by three voices at
/// 8 kHz had 35 words deleted, 39 inserted and 182 substituted.
const DELETED: f64 = 0.14;
const INSERTED: f64 = 0.15;
/// Its confidence by the share of right words, and how far it strays from that (standard deviation), on the same questions.
const CONFIDENCE: [f64; 3] = [0.5, 0.39, 0.08];
/// A substitute is drawn from this many words that look most alike.
const ALIKE: usize = 5;

/// A recogniser's errors at a given rate.
#[derive(Clone, Debug)]
pub struct WordErrors {
    /// Errors per word.
    rate: f64,
    random: fastrand::Rng,
    lang: Lang,
    /// The words that the recogniser knows.
    vocabulary: Vec<String>,
    alike: HashMap<String, Vec<usize>>,
}

impl WordErrors {
    /// Errors in `rate` of all words, among the words of `plan`.
    pub fn new(plan: &Plan, rate: f64, seed: u64) -> Self {
        let mut vocabulary: Vec<String> =
            plan.sentences().iter().flat_map(|sentence| words(sentence, plan.lang)).collect();
        vocabulary.sort_unstable();
        vocabulary.dedup();
        Self { rate, random: fastrand::Rng::with_seed(seed), lang: plan.lang, vocabulary, alike: HashMap::new() }
    }

    /// Another call begins: its errors are those of `seed`, whatever went before.
    pub fn begin(&mut self, seed: u64) {
        self.random = fastrand::Rng::with_seed(seed);
    }

    /// What is heard of `spoken`, and how sure the recogniser is, 0–1.
    pub fn pass(&mut self, spoken: &str) -> (String, f32) {
        if self.rate <= 0.0 {
            return (spoken.to_owned(), 1.0);
        }
        let spoken = words(spoken, self.lang);
        let (mut heard, mut errors) = (Vec::with_capacity(spoken.len()), 0_u32);
        for word in &spoken {
            if self.random.f64() >= self.rate {
                heard.push(word.clone());
                continue;
            }
            errors += 1;
            let kind = self.random.f64();
            if kind < DELETED {
                continue;
            }
            if kind < DELETED + INSERTED {
                heard.push(word.clone());
                let any = self.random.usize(..self.vocabulary.len());
                heard.push(self.vocabulary[any].clone());
            } else {
                heard.push(self.substitute(word));
            }
        }
        // A confidence knows of its errors, but not for sure.
        let right = 1.0 - f64::from(errors) / spoken.len().max(1) as f64;
        // Twelve evenly drawn numbers add up to nearly a normal one.
        let strays = (0..12).map(|_| self.random.f64()).sum::<f64>() - 6.0;
        let [least, slope, deviation] = CONFIDENCE;
        let confidence = (least + slope * right + deviation * strays).clamp(0.05, 1.0);
        let space = if self.lang == Lang::Zh { "" } else { " " };
        (heard.join(space), confidence as f32)
    }

    fn substitute(&mut self, word: &str) -> String {
        let alike = self.alike.entry(word.to_owned()).or_insert_with(|| {
            let mut near: Vec<_> = (0..self.vocabulary.len())
                .filter(|&at| self.vocabulary[at] != word)
                .map(|at| (unlike(&self.vocabulary[at], word), at))
                .collect();
            near.sort_unstable();
            near.into_iter().take(ALIKE).map(|(_, at)| at).collect()
        });
        match alike.as_slice() {
            [] => word.to_owned(),
            alike => self.vocabulary[alike[self.random.usize(..alike.len())]].clone(),
        }
    }
}

/// How different two words sound: edits of what is spoken, roughly.
fn unlike(a: &str, b: &str) -> usize {
    distance(&sound(a), &sound(b))
}

/// Letters by sound: Chinese by its pinyin, English with letters that sound alike made one.
fn sound(word: &str) -> String {
    let mut sound = String::new();
    for letter in word.chars() {
        if let Some(syllable) = pinyin::ToPinyin::to_pinyin(&letter) {
            sound.push_str(syllable.plain());
            continue;
        }
        sound.push(match letter {
            'e' | 'i' | 'y' => 'i',
            'o' | 'u' | 'w' => 'u',
            'c' | 'k' | 'q' => 'k',
            'z' | 's' | 'x' => 's',
            't' | 'd' => 't',
            'p' | 'b' => 'p',
            'f' | 'v' => 'f',
            'm' | 'n' => 'n',
            other => other,
        });
    }
    sound
}

/// English words, Chinese characters.
fn words(sentence: &str, lang: Lang) -> Vec<String> {
    let kept = |letter: char| letter.is_alphanumeric() || letter == '\'';
    match lang {
        Lang::En => {
            let lower = sentence.to_lowercase();
            let words = lower.split(|letter: char| !kept(letter)).filter(|word| !word.is_empty());
            words.map(str::to_owned).collect()
        }
        Lang::Zh => sentence.chars().filter(|&letter| kept(letter)).map(String::from).collect(),
    }
}
