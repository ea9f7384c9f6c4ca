//! The pronunciation dictionary, cut to the words that a language model knows.
//!
//! ```text
//! dictionary.txt ─► parse ─► for_words ─► "card K AA R D\ncards K AA R D Z\n…"
//! ```
//!
//! A small dictionary is what makes a recogniser small and quick. Words that it lacks are pronounced by rule.

use std::collections::{BTreeSet, HashMap};

use crate::speech::asr::pronounce::pronounce;

/// What is left on a telephone line of words that are often said alone, beside what the book says. Of 232 interruptions 2 are missed
/// with these (and "old on" for "hold on") instead of 5. A "hold" without its h is heard in many an "oh".
const WORN: &[(&str, &str)] = &[("stop", "T AA P"), ("mhm", "M HH M")];

/// All pronunciations of all words.
pub(super) struct Dictionary<'a> {
    /// For each word its pronunciations, the most usual first.
    entries: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> Dictionary<'a> {
    /// Reads lines like `read(2) R EH D`; the mark in brackets numbers further pronunciations.
    pub(super) fn parse(text: &'a str) -> Self {
        let mut entries: HashMap<&str, Vec<&str>> = HashMap::new();
        for line in text.lines() {
            if let Some((word, phones)) = line.split_once(char::is_whitespace) {
                let word = word.split_once('(').map_or(word, |(word, _)| word);
                entries.entry(word).or_default().push(phones.trim());
            }
        }
        Self { entries }
    }

    /// Whether the book tells how to pronounce `word`.
    pub(super) fn knows(&self, word: &str) -> bool {
        self.entries.contains_key(word)
    }

    /// A dictionary of just `words`. What can be pronounced neither by the book nor by rule is left out, and so never
    /// recognised.
    pub(super) fn for_words<'w>(&self, words: impl Iterator<Item = &'w str>) -> String {
        let words: BTreeSet<&str> = words.collect();
        let mut text = String::new();
        for word in words {
            let by_rule: Option<String>;
            let mut known: Vec<&str> = match self.entries.get(word) {
                Some(known) => known.clone(),
                None => {
                    by_rule = pronounce(word);
                    by_rule.iter().map(String::as_str).collect()
                }
            };
            known.extend(WORN.iter().filter(|(worn, _)| *worn == word).map(|(_, phones)| phones));
            for (i, phones) in known.iter().enumerate() {
                let mark = if i == 0 { String::new() } else { format!("({})", i + 1) };
                text += &format!("{word}{mark} {phones}\n");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_words_asked_for_with_all_their_pronunciations() {
        let dictionary = Dictionary::parse("read R EH D\nread(2) R IY D\nred R EH D\nreed R IY D\nstop S T AA P\n");
        let text = dictionary.for_words(["read", "antevox", "read", "…", "stop"].into_iter());
        assert_eq!(text, "antevox AE N T AH V AA K S\nread R EH D\nread(2) R IY D\nstop S T AA P\nstop(2) T AA P\n");
    }
}
