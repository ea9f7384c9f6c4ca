//! Trigram models: counted from sentences, read from ARPA text, mixed, pruned, and written as ARPA text.
//!
//! ```text
//! sentences ─► estimate ─┐
//!                        ├─► mix ─► restrict ─► to_arpa ─► a recogniser
//! ARPA text ─► parse ────┘
//! ```
//!
//! A model answers `p(word | up to two words before)`. It keeps the n-grams that it was given, and for all others backs
//! off to a shorter history with a weight that makes the probabilities of every history sum to 1.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

/// Begins every sentence.
pub const START: &str = "<s>";
/// Ends every sentence.
pub const END: &str = "</s>";
/// The longest n-gram kept.
const ORDER: usize = 3;
/// ARPA's way to write "never".
const NEVER: f64 = -99.0;

/// Less probability than this is none [1]: below it differences of sums are rounding errors.
const LEAST_LEFT: f64 = 1e-9;

type WordId = u32;

/// What is known of one n-gram.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Gram {
    /// Probability of its last word after the others.
    p: f64,
    /// What the probabilities of shorter histories are multiplied with after this n-gram.
    backoff: f64,
}

/// A trigram model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NGrams {
    words: Vec<String>,
    ids: HashMap<String, WordId>,
    /// By length − 1; in order, so that the same sentences make the same text.
    grams: [BTreeMap<Vec<WordId>, Gram>; ORDER],
}

/// Why a text is no language model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArpaError {
    /// It does not have the sections of an ARPA file.
    #[error("it has no `\\1-grams:` section")]
    NoUnigrams,
    /// A line cannot be read.
    #[error("line {0} is not an n-gram")]
    Line(usize),
}

impl NGrams {
    /// Counts `sentences` (of words) and smooths the counts: interpolated Kneser-Ney with one discount for each length
    /// (Chen & Goodman 1998 §2.7).
    pub fn estimate<'a, S>(sentences: impl IntoIterator<Item = S>) -> Self
    where
        S: IntoIterator<Item = &'a str>,
    {
        let mut model = Self::default();
        let (start, end) = (model.id(START), model.id(END));
        let mut counts: [BTreeMap<Vec<WordId>, u32>; ORDER] = Default::default();
        for sentence in sentences {
            let words = sentence.into_iter().map(|word| model.id(word));
            let words: Vec<WordId> = [start].into_iter().chain(words).chain([end]).collect();
            for last in 1..words.len() {
                let first = last.saturating_sub(ORDER - 1);
                *counts[last - first].entry(words[first..=last].to_vec()).or_default() += 1;
            }
        }
        count_continuations(&mut counts);
        model.smooth(&counts);
        model.balance();
        model
    }

    /// From counts (already turned into continuation counts for the shorter n-grams) to interpolated probabilities.
    fn smooth(&mut self, counts: &[BTreeMap<Vec<WordId>, u32>; ORDER]) {
        let start = self.id(START);
        let uniform = 1.0 / (self.words.len() as f64 - 1.0).max(1.0);
        for (order, counts) in counts.iter().enumerate() {
            let discount = discount(counts.values().copied());
            // For each history: how often it was seen, and with how many different words behind it.
            let mut histories: HashMap<&[WordId], (f64, f64)> = HashMap::new();
            for (gram, &count) in counts {
                let (total, kinds) = histories.entry(&gram[..order]).or_default();
                *total += f64::from(count);
                *kinds += 1.0;
            }
            let mut grams = BTreeMap::new();
            for (gram, &count) in counts {
                let (total, kinds) = histories[&gram[..order]];
                let shorter = if order == 0 { uniform } else { self.p(&gram[1..order], gram[order]) };
                let p = ((f64::from(count) - discount).max(0.0) + discount * kinds * shorter) / total;
                grams.insert(gram.clone(), Gram { p, backoff: 1.0 });
            }
            if order == 0 {
                grams.insert(vec![start], Gram { p: 0.0, backoff: 1.0 });
            }
            self.grams[order] = grams;
            self.balance();
        }
    }

    /// A model of n-grams with the probabilities of their last words.
    pub fn from_probabilities<'a>(grams: impl IntoIterator<Item = (Vec<&'a str>, f64)>) -> Self {
        let mut model = Self::default();
        for (words, p) in grams {
            if (1..=ORDER).contains(&words.len()) {
                let words: Vec<WordId> = words.into_iter().map(|word| model.id(word)).collect();
                model.grams[words.len() - 1].insert(words, Gram { p, backoff: 1.0 });
            }
        }
        model.balance();
        model
    }

    /// Reads the first `order` lengths of n-grams from ARPA text.
    ///
    /// # Errors
    /// Every [`ArpaError`].
    pub fn parse_arpa(text: &str, order: usize) -> Result<Self, ArpaError> {
        let mut model = Self::default();
        let mut section = 0;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if let Some(length) = line.strip_prefix('\\').and_then(|rest| rest.strip_suffix("-grams:")) {
                section = length.parse().map_err(|_| ArpaError::Line(number + 1))?;
                if section > order.min(ORDER) {
                    break;
                }
            } else if section > 0 && !line.is_empty() && !line.starts_with('\\') {
                model.parse_gram(line, section).ok_or(ArpaError::Line(number + 1))?;
            }
        }
        if model.words.is_empty() { Err(ArpaError::NoUnigrams) } else { Ok(model) }
    }

    fn parse_gram(&mut self, line: &str, length: usize) -> Option<()> {
        let mut fields = line.split_whitespace();
        let log: f64 = fields.next()?.parse().ok()?;
        let words: Vec<WordId> = fields.by_ref().take(length).map(|word| self.id(word)).collect();
        let backoff: f64 = fields.next().map_or(Some(0.0), |log| log.parse().ok())?;
        let p = if log <= NEVER { 0.0 } else { 10f64.powf(log) };
        (words.len() == length)
            .then(|| self.grams[length - 1].insert(words, Gram { p, backoff: 10f64.powf(backoff) }))?;
        Some(())
    }

    /// Both models at once: `weight` of `self`, the rest of `other`.
    pub fn mix(&self, weight: f64, other: &Self) -> Self {
        self.mixed(other, |_, _| weight)
    }

    /// Both models at once: a sentence is one of `self` with the probability `weight`, else one of `other`, and what was said so
    /// far tells which (Allauzen & Riley 2011, "Bayesian language model interpolation for mobile speech input").
    pub fn mix_sentences(&self, weight: f64, other: &Self) -> Self {
        self.mixed(other, |mine, theirs| {
            let (mine, theirs) = (weight * mine, (1.0 - weight) * theirs);
            // What neither could have begun tells nothing.
            if mine + theirs > 0.0 { mine / (mine + theirs) } else { weight }
        })
    }

    /// Both models at once; `weight` answers how much of `self`, given how likely each model thinks the history is.
    fn mixed(&self, other: &Self, weight: impl Fn(f64, f64) -> f64) -> Self {
        let mut mixed = Self::default();
        let mine: Vec<WordId> = self.words.iter().map(|word| mixed.id(word)).collect();
        let theirs: Vec<WordId> = other.words.iter().map(|word| mixed.id(word)).collect();
        let (my_view, their_view) =
            (View::new(self, &mine, mixed.words.len()), View::new(other, &theirs, mixed.words.len()));
        for order in 0..ORDER {
            let translated = |grams: &BTreeMap<Vec<WordId>, Gram>, to: &[WordId]| -> Vec<Vec<WordId>> {
                grams.keys().map(|gram| gram.iter().map(|&id| to[id as usize]).collect()).collect()
            };
            let union: BTreeSet<Vec<WordId>> = translated(&self.grams[order], &mine)
                .into_iter()
                .chain(translated(&other.grams[order], &theirs))
                .collect();
            for gram in union {
                let history = &gram[..order];
                let weight = weight(my_view.of(history), their_view.of(history));
                let p = weight * my_view.p(&gram) + (1.0 - weight) * their_view.p(&gram);
                mixed.grams[order].insert(gram, Gram { p, backoff: 1.0 });
            }
        }
        mixed.balance();
        mixed
    }

    /// Only the `most` likeliest words for which `keep` holds (and the sentence marks), and only those longer n-grams
    /// that raise the expected log probability by `gain` over backing off (Stolcke 1998, without renormalising).
    pub fn restrict(&self, most: usize, gain: f64, keep: impl Fn(&str) -> bool) -> Self {
        let mut ranked: Vec<(f64, &str)> = (self.grams[0].iter())
            .map(|(gram, &Gram { p, .. })| (p, self.words[gram[0] as usize].as_str()))
            .filter(|(_, word)| !is_mark(word) && keep(word))
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        let mut restricted = Self::default();
        for word in [START, END].into_iter().chain(ranked.into_iter().take(most).map(|(_, word)| word)) {
            restricted.id(word);
        }
        let to: Vec<Option<WordId>> = self.words.iter().map(|word| restricted.ids.get(word).copied()).collect();
        for order in 0..ORDER {
            for (gram, &Gram { p, .. }) in &self.grams[order] {
                let Some(kept) = gram.iter().map(|&id| to[id as usize]).collect::<Option<Vec<_>>>() else { continue };
                if order == 0 || self.gains(gram, p) > gain {
                    restricted.grams[order].insert(kept, Gram { p, backoff: 1.0 });
                }
            }
        }
        // What left the vocabulary leaves its share to those that stay.
        let total: f64 = restricted.grams[0].values().map(|gram| gram.p).sum();
        restricted.grams[0].values_mut().for_each(|gram| gram.p /= total.max(f64::MIN_POSITIVE));
        restricted.balance();
        restricted
    }

    fn gains(&self, gram: &[WordId], p: f64) -> f64 {
        let (last, history) = (gram[gram.len() - 1], &gram[..gram.len() - 1]);
        let backed_off = self.backoff(history) * self.p(&history[1..], last);
        let of_history: f64 = (0..history.len()).map(|i| self.p(&history[..i], history[i])).product();
        of_history * p * (p / backed_off.max(f64::MIN_POSITIVE)).ln()
    }

    /// All words but the sentence marks, in no particular order.
    pub fn vocabulary(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str).filter(|word| !is_mark(word))
    }

    /// Probability of `word` after `history` (the nearest word last); 0 for words that are not in the vocabulary.
    pub fn probability(&self, history: &[&str], word: &str) -> f64 {
        let Some(&word) = self.ids.get(word) else { return 0.0 };
        let known: Vec<WordId> = history.iter().rev().map_while(|word| self.ids.get(*word).copied()).collect();
        let history: Vec<WordId> = known.into_iter().take(ORDER - 1).rev().collect();
        self.p(&history, word)
    }

    /// The model as ARPA text.
    pub fn to_arpa(&self) -> String {
        let mut text = String::from("\\data\\\n");
        // Writing to a `String` cannot fail.
        for (order, grams) in self.grams.iter().enumerate() {
            let _ = writeln!(text, "ngram {}={}", order + 1, grams.len());
        }
        for (order, grams) in self.grams.iter().enumerate() {
            let _ = write!(text, "\n\\{}-grams:\n", order + 1);
            for (gram, &Gram { p, backoff }) in grams {
                let log = if p > 0.0 { p.log10() } else { NEVER };
                let _ = write!(text, "{log:.4}");
                for &id in gram {
                    let _ = write!(text, " {}", self.words[id as usize]);
                }
                if order + 1 < ORDER {
                    let _ = write!(text, " {:.4}", backoff.max(1e-9).log10());
                }
                text.push('\n');
            }
        }
        text.push_str("\n\\end\\\n");
        text
    }

    fn id(&mut self, word: &str) -> WordId {
        if let Some(&id) = self.ids.get(word) {
            return id;
        }
        let id = self.words.len() as WordId;
        self.words.push(word.to_owned());
        self.ids.insert(word.to_owned(), id);
        id
    }

    fn p(&self, history: &[WordId], word: WordId) -> f64 {
        let mut gram = history.to_vec();
        gram.push(word);
        let mut weight = 1.0;
        for from in 0..gram.len() {
            if let Some(found) = self.grams[gram.len() - from - 1].get(&gram[from..]) {
                return weight * found.p;
            }
            weight *= self.backoff(&gram[from..gram.len() - 1]);
        }
        0.0
    }

    fn backoff(&self, history: &[WordId]) -> f64 {
        if history.is_empty() {
            1.0
        } else {
            self.grams[history.len() - 1].get(history).map_or(1.0, |gram| gram.backoff)
        }
    }

    /// Sets the back-off weights so that every history's probabilities sum to 1. Where a history names every word there is
    /// nothing to back off to, and its own probabilities are scaled.
    fn balance(&mut self) {
        for length in 1..ORDER {
            let mut sums: BTreeMap<Vec<WordId>, (f64, f64)> = BTreeMap::new();
            for (gram, &Gram { p, .. }) in &self.grams[length] {
                let (explicit, shorter) = sums.entry(gram[..length].to_vec()).or_default();
                *explicit += p;
                *shorter += self.p(&gram[1..length], gram[length]);
            }
            for (gram, found) in &mut self.grams[length] {
                let (explicit, shorter) = sums[&gram[..length]];
                if shorter > 1.0 - LEAST_LEFT || explicit > 1.0 {
                    found.p /= explicit;
                }
            }
            for (history, (explicit, shorter)) in sums {
                if let Some(gram) = self.grams[length - 1].get_mut(&history) {
                    gram.backoff = (1.0 - explicit).max(LEAST_LEFT) / (1.0 - shorter).max(LEAST_LEFT);
                }
            }
        }
    }
}

/// A model seen through the word ids of a mixture.
struct View<'a> {
    model: &'a NGrams,
    from: Vec<Option<WordId>>,
}

impl<'a> View<'a> {
    fn new(model: &'a NGrams, to: &[WordId], vocabulary: usize) -> Self {
        let mut from = vec![None; vocabulary];
        for (mine, &mixed) in to.iter().enumerate() {
            from[mixed as usize] = Some(mine as WordId);
        }
        Self { model, from }
    }

    /// Probability of the last word of `gram` after the others, as far back as the model knows them.
    fn p(&self, gram: &[WordId]) -> f64 {
        let known: Vec<WordId> = gram.iter().rev().map_while(|&id| self.from[id as usize]).collect();
        let known: Vec<WordId> = known.into_iter().rev().collect();
        known.split_last().map_or(0.0, |(&word, history)| self.model.p(history, word))
    }

    /// Probability of all of `words`, one after the other. That a sentence begins is certain.
    fn of(&self, words: &[WordId]) -> f64 {
        let start = self.model.ids.get(START).copied();
        let begins = words.first().is_some_and(|&first| start.is_some() && self.from[first as usize] == start);
        (usize::from(begins)..words.len()).map(|at| self.p(&words[..=at])).product()
    }
}

fn is_mark(word: &str) -> bool {
    word.starts_with('<')
}

/// Kneser-Ney: a shorter n-gram counts as often as *different* words stand before it, save at the start of a sentence,
/// where nothing can.
fn count_continuations(counts: &mut [BTreeMap<Vec<WordId>, u32>; ORDER]) {
    for order in (1..ORDER).rev() {
        let shorter: Vec<Vec<WordId>> = counts[order].keys().map(|gram| gram[1..].to_vec()).collect();
        for gram in shorter {
            *counts[order - 1].entry(gram).or_default() += 1;
        }
    }
}

/// Absolute discount `n1 / (n1 + 2 n2)` (Ney, Essen & Kneser 1994), held off the ends that tiny corpora lead to.
fn discount(counts: impl Iterator<Item = u32>) -> f64 {
    let (mut once, mut twice) = (0.0f64, 0.0);
    for count in counts {
        match count {
            1 => once += 1.0,
            2 => twice += 1.0,
            _ => {}
        }
    }
    if once > 0.0 { (once / (once + 2.0 * twice)).clamp(0.1, 0.9) } else { 0.5 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn model(sentences: &[&str]) -> NGrams {
        NGrams::estimate(sentences.iter().map(|sentence| sentence.split(' ')))
    }

    fn mass(model: &NGrams, history: &[&str]) -> f64 {
        model.vocabulary().chain([END]).map(|word| model.probability(history, word)).sum()
    }

    #[test]
    fn what_was_seen_is_likelier_than_what_was_not() {
        let model = model(&["i lost my card", "i lost my phone", "where is my card"]);
        assert!(model.probability(&["lost", "my"], "card") > model.probability(&["lost", "my"], "where"));
        assert!(model.probability(&["lost", "my"], "where") > 0.0);
        assert_eq!(model.probability(&["my"], "elephant"), 0.0);
    }

    #[test]
    fn arpa_text_reads_back_as_the_same_model() {
        let model = model(&["i lost my card", "i lost my phone"]);
        let again = NGrams::parse_arpa(&model.to_arpa(), ORDER).unwrap();
        for history in [&["lost", "my"][..], &["my"], &["phone"], &[]] {
            for word in ["card", "phone", "i", END] {
                let (p, q) = (model.probability(history, word), again.probability(history, word));
                assert!((p - q).abs() < 1e-3 * p.max(1e-3), "{history:?} {word}: {p} {q}");
            }
        }
        assert_eq!(NGrams::parse_arpa("hello", ORDER), Err(ArpaError::NoUnigrams));
        assert_eq!(NGrams::parse_arpa("\\1-grams:\nx y", ORDER), Err(ArpaError::Line(2)));
    }

    #[test]
    fn a_mixture_knows_the_words_of_both() {
        let (bank, weather) = (model(&["i lost my card"]), model(&["will it rain today", "i think it will"]));
        let mixed = bank.mix(0.8, &weather);
        assert!(mixed.probability(&["lost", "my"], "card") > mixed.probability(&["lost", "my"], "rain"));
        assert!(mixed.probability(&["will", "it"], "rain") > mixed.probability(&["lost", "my"], "rain"));
        assert!((mass(&mixed, &["i", "lost"]) - 1.0).abs() < 1e-6, "{}", mass(&mixed, &["i", "lost"]));
    }

    #[test]
    fn what_was_said_tells_which_model_a_sentence_is_of() {
        let (answers, weather) =
            (model(&["yes please", "no thanks"]), model(&["will it rain today", "i think it will"]));
        let (by_word, by_sentence) = (answers.mix(0.9, &weather), answers.mix_sentences(0.9, &weather));
        for (history, word) in [(["will", "it"], "rain"), ([START, "yes"], "please")] {
            let (p, q) = (by_sentence.probability(&history, word), by_word.probability(&history, word));
            assert!(p > q, "{history:?} {word}: {p} {q}");
        }
        let first = |model: &NGrams| model.probability(&[START], "will");
        assert!((first(&by_sentence) - first(&by_word)).abs() < 1e-9, "nothing was said yet");
        assert!((mass(&by_sentence, &["will", "it"]) - 1.0).abs() < 1e-6, "{}", mass(&by_sentence, &["will", "it"]));
    }

    #[test]
    fn a_restricted_model_keeps_the_likeliest_words() {
        let model = model(&["a a a b", "a b c", "b a"]).restrict(2, 0.0, |_| true);
        let mut words: Vec<&str> = model.vocabulary().collect();
        words.sort_unstable();
        assert_eq!(words, ["a", "b"]);
        assert!((mass(&model, &["a"]) - 1.0).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn probabilities_of_every_history_sum_to_one(
            sentences in proptest::collection::vec(proptest::collection::vec("[a-d]", 1..6), 1..12),
            history in proptest::collection::vec("[a-e]", 0..3),
        ) {
            let model = NGrams::estimate(sentences.iter().map(|sentence| sentence.iter().map(String::as_str)));
            let history: Vec<&str> = history.iter().map(String::as_str).collect();
            prop_assert!((mass(&model, &history) - 1.0).abs() < 1e-3, "{}", mass(&model, &history));
        }
    }
}
