//! From written Mandarin to the words that a recogniser hears.
//!
//! ```text
//! "给我退100块"  ─► characters ─► 给 我 退 一 百 块  ─► words ─► 给 我 退 一百 块
//! ```
//!
//! Written Mandarin has no spaces. A sentence is counted both ways: as words, whose pronunciation is certain (银行: yín háng),
//! and as characters, so that what nobody put into that order before can be heard too.

use crate::mandarin::{cardinal, plain_digits};

/// A word of the dictionary has so many characters at most.
const LONGEST_WORD: usize = 6;
/// From here on numbers are read digit by digit, as account numbers are.
const DIGIT_BY_DIGIT_FROM: usize = 5;

/// The spoken characters of a sentence; what is no Han character and no number is passed over.
pub(super) fn characters(sentence: &str) -> Vec<char> {
    let mut spoken = Vec::new();
    let mut number = String::new();
    for c in sentence.chars().chain(['。']) {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        if !number.is_empty() {
            spoken.extend(read_number(&std::mem::take(&mut number)).chars());
        }
        if ('\u{4e00}'..='\u{9fff}').contains(&c) {
            spoken.push(c);
        }
    }
    spoken
}

/// The longest words first, from left to right; a character that begins none stands alone.
pub(super) fn words(characters: &[char], is_word: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = characters;
    while !rest.is_empty() {
        let word = |length: usize| rest[..length].iter().collect::<String>();
        let longest = (2..=LONGEST_WORD.min(rest.len())).rev().find(|&length| is_word(&word(length))).unwrap_or(1);
        words.push(word(longest));
        rest = &rest[longest..];
    }
    words
}

/// `digits` as they are said: 200 is 两百, 13800 one digit after the other.
fn read_number(digits: &str) -> String {
    match digits.parse() {
        Ok(value) if digits.len() < DIGIT_BY_DIGIT_FROM && (value == 0 || !digits.starts_with('0')) => cardinal(value),
        _ => plain_digits(digits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(sentence: &str) -> String {
        characters(sentence).into_iter().collect()
    }

    #[test]
    fn numbers_are_read_as_they_are_said() {
        for (written, said) in [
            ("退200元", "退两百元"),
            ("105块，OK？", "一百零五块"),
            ("12号", "十二号"),
            ("1002", "一千零二"),
            ("尾号13800", "尾号一三八零零"),
            ("05", "零五"),
            ("0", "零"),
            ("10", "十"),
            ("", ""),
        ] {
            assert_eq!(spoken(written), said, "{written}");
        }
    }

    #[test]
    fn the_longest_words_are_found_and_nothing_is_lost() {
        let is_word = |word: &str| ["银行", "银行卡", "转账"].contains(&word);
        let sentence = characters("我的银行卡不能转账");
        assert_eq!(words(&sentence, &is_word), ["我", "的", "银行卡", "不", "能", "转账"]);
        assert_eq!(words(&sentence, &|_| false).concat(), "我的银行卡不能转账");
    }
}
