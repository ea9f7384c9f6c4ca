//! Which of the options that were named is meant: by its position, or by its words.

use crate::nlu::text::{self, Token};
use crate::nlu::{Expect, phonetic};
use crate::units::{Ask, Lang};

/// An option that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// Its position, from 0.
    pub(super) option: usize,
    /// Whether the words gave only the position, so that nothing is left to classify.
    pub(super) by_position: bool,
}

/// Words for positions, from the first; one list a position.
const POSITIONS_EN: [&[&str]; 4] = [
    &["first", "one", "1", "former", "1st"],
    &["second", "two", "2", "2nd"],
    &["third", "three", "3", "3rd"],
    &["fourth", "four", "4", "4th"],
];
const POSITIONS_ZH: [&[&str]; 4] = [&["一", "1", "前"], &["二", "2"], &["三", "3"], &["四", "4"]];
const LAST_EN: [&str; 2] = ["last", "latter"];
const LAST_ZH: [&str; 2] = ["后", "末"];
/// Words around a position: "the second one please". An answer with any other word is read by its words.
const AROUND_EN: &[&str] = &[
    "the", "one", "number", "option", "please", "choice", "thing", "yes", "yeah", "it's", "its", "that's", "of", "them",
];
const AROUND_ZH: &[&str] =
    &["第", "个", "种", "选", "是", "那", "我", "要", "最", "面", "者", "项", "的", "吧", "对", "就"];

/// The option that `tokens` choose, if that was asked for and one of them stands out.
pub(super) fn choose(tokens: &[Token], lang: Lang, expect: &Expect) -> Option<Choice> {
    if expect.ask != Ask::Choice || expect.options.is_empty() {
        return None;
    }
    let words: Vec<&str> =
        tokens.iter().map(|token| token.text.as_str()).filter(|word| !text::is_filler(word, lang)).collect();
    by_position(&words, lang, expect.options.len())
        .map(|option| Choice { option, by_position: true })
        .or_else(|| by_words(&words, lang, &expect.options).map(|option| Choice { option, by_position: false }))
}

fn by_position(words: &[&str], lang: Lang, options: usize) -> Option<usize> {
    let (positions, last, around) = match lang {
        Lang::En => (POSITIONS_EN, LAST_EN, AROUND_EN),
        Lang::Zh => (POSITIONS_ZH, LAST_ZH, AROUND_ZH),
    };
    let place = |word: &&str| {
        if last.contains(word) {
            return Some(options - 1);
        }
        positions.iter().position(|names| names.contains(word)).filter(|&position| position < options)
    };
    if !words.iter().all(|word| around.contains(word) || place(word).is_some()) {
        return None;
    }
    // "The second one": "one" is a position only when nothing else is.
    let mut found: Vec<usize> = words.iter().filter(|word| **word != "one").filter_map(place).collect();
    if found.is_empty() {
        found.extend(words.iter().filter_map(place));
    }
    found.dedup();
    match found[..] {
        [only] => Some(only),
        _ => None,
    }
}

/// The option that shares the most telling words with what was said. A word that several options share tells nothing.
fn by_words(words: &[&str], lang: Lang, options: &[String]) -> Option<usize> {
    let sounds = |text: &str| -> Vec<String> {
        text::words(text, lang).iter().filter(|word| is_telling(word, lang)).map(|word| sound(word, lang)).collect()
    };
    let spoken: Vec<String> = sounds(&words.join(" "));
    let named: Vec<Vec<String>> = options.iter().map(|option| sounds(option)).collect();
    let shared_by = |word: &String| named.iter().filter(|option| option.contains(word)).count();
    let score =
        |option: &Vec<String>| spoken.iter().filter(|&word| option.contains(word) && shared_by(word) == 1).count();
    let scores: Vec<usize> = named.iter().map(score).collect();
    let best = *scores.iter().max()?;
    let mut at_best = (0..scores.len()).filter(|&i| scores[i] == best);
    match (at_best.next(), at_best.next()) {
        (Some(option), None) if best > 0 => Some(option),
        _ => None,
    }
}

fn is_telling(word: &str, lang: Lang) -> bool {
    match lang {
        Lang::En => word.len() > 3,
        Lang::Zh => !AROUND_ZH.contains(&word),
    }
}

fn sound(word: &str, lang: Lang) -> String {
    match lang {
        Lang::En => phonetic::english(word),
        Lang::Zh => word.chars().next().and_then(phonetic::mandarin).unwrap_or_else(|| word.to_owned()),
    }
}
