//! Words that mean much the same on a service line.
//!
//! ```text
//! 钱划走了 ─► [扣款] [钱]        "my plastic never turned up" ─► [card] [arrive]
//! ```
//!
//! A handful of examples never holds all the words for one thing. Groups of near-synonyms, one a line in a text file for each
//! language, let the classifier share what it learned from one of them with the others. A word may stand in several groups.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::nlu::text;
use crate::units::Lang;

/// Groups of words, found by their words.
pub struct Concepts {
    /// By words joined with spaces: the numbers of its groups.
    groups: HashMap<String, Vec<u32>>,
    /// Length of the longest entry [words].
    longest: usize,
    lang: Lang,
}

impl Concepts {
    /// The groups of a language.
    pub fn of(lang: Lang) -> &'static Self {
        static EN: OnceLock<Concepts> = OnceLock::new();
        static ZH: OnceLock<Concepts> = OnceLock::new();
        match lang {
            Lang::En => EN.get_or_init(|| Self::parse(include_str!("concepts/en.txt"), lang, ',')),
            Lang::Zh => ZH.get_or_init(|| Self::parse(include_str!("concepts/zh.txt"), lang, ' ')),
        }
    }

    fn parse(list: &str, lang: Lang, separator: char) -> Self {
        let mut concepts = Self { groups: HashMap::new(), longest: 0, lang };
        let lines = list.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        for (number, line) in (0..).zip(lines) {
            for entry in line.split(separator) {
                let words: Vec<String> = text::words(entry, lang).iter().map(|word| concepts.form(word)).collect();
                concepts.longest = concepts.longest.max(words.len());
                let groups = concepts.groups.entry(words.join(" ")).or_default();
                if !groups.contains(&number) {
                    groups.push(number);
                }
            }
        }
        concepts.groups.remove("");
        concepts
    }

    /// The form under which a word is listed: English without its ending.
    fn form(&self, word: &str) -> String {
        match self.lang {
            Lang::En => stem(word).to_owned(),
            Lang::Zh => word.to_owned(),
        }
    }

    /// The groups that `words` touch, in the order in which they are said; of overlapping entries the longest counts.
    pub fn find(&self, words: &[String]) -> Vec<u32> {
        let forms: Vec<String> = words.iter().map(|word| self.form(word)).collect();
        let mut found = Vec::new();
        let mut at = 0;
        while at < forms.len() {
            let lengths = (1..=self.longest.min(forms.len() - at)).rev();
            let entry =
                lengths.filter_map(|length| Some((length, self.groups.get(&forms[at..at + length].join(" "))?)));
            match { entry }.next() {
                Some((length, groups)) => {
                    found.extend(groups);
                    at += length;
                }
                None => at += 1,
            }
        }
        found
    }
}

/// A word without the ending of its plural, past or continuous form; rough, but the same for all forms of most words.
pub(super) fn stem(word: &str) -> &str {
    let stem = ["ing", "ied", "ies", "ed", "es", "s"].iter().find_map(|ending| word.strip_suffix(ending));
    let stem = stem.filter(|stem| stem.len() >= 3).unwrap_or(word);
    let bytes = stem.as_bytes();
    let doubled = stem.len() >= 4 && bytes[bytes.len() - 1] == bytes[bytes.len() - 2] && !stem.ends_with("ll");
    let stem = if doubled { &stem[..stem.len() - 1] } else { stem };
    stem.strip_suffix(['e', 'y']).filter(|stem| stem.len() >= 3).unwrap_or(stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(text: &str, lang: Lang) -> Vec<u32> {
        Concepts::of(lang).find(&text::words(text, lang))
    }

    #[test]
    fn near_synonyms_touch_a_common_group() {
        for (a, b, lang) in [
            ("declined", "rejecting", Lang::En),
            ("it did not go through", "refused", Lang::En),
            ("cash machine", "atm", Lang::En),
            ("扣款", "划走", Lang::Zh),
        ] {
            let (a, b) = (groups(a, lang), groups(b, lang));
            assert!(a.iter().any(|group| b.contains(group)), "{a:?} {b:?}");
        }
        assert!(groups("zebra", Lang::En).is_empty());
    }
}
