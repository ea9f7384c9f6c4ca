//! From written sentences to the words that a recogniser hears.
//!
//! Corpora are written (`What's £20 fee?`), recognisers spell speech (`what's twenty fee`): lower case, no punctuation,
//! numbers as words.

use crate::english::{SMALL, TENS};
/// From here on numbers are read digit by digit, as account numbers are.
const DIGIT_BY_DIGIT_FROM: usize = 7;

/// The spoken words of a written English sentence.
pub fn words(sentence: &str) -> Vec<String> {
    let mut words = Vec::new();
    let cleaned: String =
        sentence.to_lowercase().replace(['’', '‘', '`'], "'").replace('&', " and ").replace('%', " percent ");
    for piece in cleaned.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '.' || c == ',')) {
        // Commas group thousands; a point between digits is spoken, elsewhere it ends something.
        for part in split_at_digits(&piece.replace(',', if is_grouped(piece) { "" } else { " " })) {
            match part.chars().next() {
                Some(c) if c.is_ascii_digit() => spell_number(&part, &mut words),
                _ => words.extend(part.split(['.', ' ']).filter_map(trim_word)),
            }
        }
    }
    words
}

fn is_grouped(piece: &str) -> bool {
    piece.chars().all(|c| c.is_ascii_digit() || c == ',' || c == '.') && !piece.ends_with(',')
}

fn trim_word(word: &str) -> Option<String> {
    let word = word.trim_matches('\'');
    (!word.is_empty()).then(|| word.to_owned())
}

/// Cuts "2nd" and "gbp20" between digits and letters; "3.5" stays whole.
fn split_at_digits(piece: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut was_digit = None;
    let characters: Vec<char> = piece.chars().collect();
    for (i, &c) in characters.iter().enumerate() {
        let between = was_digit == Some(true) && c == '.' && characters.get(i + 1).is_some_and(char::is_ascii_digit);
        let is_digit = c.is_ascii_digit() || between;
        match parts.last_mut() {
            Some(last) if was_digit == Some(is_digit) => last.push(c),
            _ => parts.push(c.to_string()),
        }
        was_digit = Some(is_digit);
    }
    parts
}

fn spell_number(digits: &str, words: &mut Vec<String>) {
    let (whole, fraction) = digits.split_once('.').map_or((digits, ""), |(whole, fraction)| (whole, fraction));
    let say = |word: &str, words: &mut Vec<String>| words.push(word.to_owned());
    match whole.parse::<usize>() {
        Ok(number) if whole.len() < DIGIT_BY_DIGIT_FROM && (whole == "0" || !whole.starts_with('0')) => {
            spell_whole(number, words);
        }
        _ => spell_digits(whole, words),
    }
    if !fraction.is_empty() {
        say("point", words);
        spell_digits(fraction, words);
    }
}

fn spell_digits(digits: &str, words: &mut Vec<String>) {
    let digits = digits.chars().filter_map(|c| c.to_digit(10));
    words.extend(digits.map(|digit| SMALL[digit as usize].to_owned()));
}

fn spell_whole(number: usize, words: &mut Vec<String>) {
    let rest = match number {
        0..20 => {
            words.push(SMALL[number].to_owned());
            0
        }
        20..100 => {
            words.push(TENS[number / 10].to_owned());
            number % 10
        }
        100..1_000 => {
            words.extend([SMALL[number / 100].to_owned(), "hundred".to_owned()]);
            number % 100
        }
        _ => {
            spell_whole(number / 1_000, words);
            words.push("thousand".to_owned());
            number % 1_000
        }
    };
    if rest != 0 {
        spell_whole(rest, words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn writing_becomes_speech() {
        for (written, spoken) in [
            ("What's the £20 fee?", "what's the twenty fee"),
            ("I’ve waited 2 weeks, still nothing...", "i've waited two weeks still nothing"),
            ("top-up of 1,250.50 EUR", "top up of one thousand two hundred fifty point five zero eur"),
            ("call 0044123", "call zero zero four four one two three"),
            ("my 2nd card e.g. this 'one'", "my two nd card e g this one"),
            ("100% & 0", "one hundred percent and zero"),
            ("...", ""),
        ] {
            assert_eq!(words(written).join(" "), spoken, "{written}");
        }
    }

    proptest! {
        #[test]
        fn every_word_is_fit_for_a_dictionary(sentence in "\\PC{0,60}") {
            for word in words(&sentence) {
                prop_assert!(!word.is_empty() && !word.contains(char::is_whitespace), "{word:?}");
                prop_assert!(!word.contains(|c: char| c.is_ascii_digit()), "{word:?}");
            }
        }
    }
}
