//! Text to word pieces, as BERT's uncased models were trained with.
//!
//! ```text
//! "Refunds, s'il vous plaît" ─► lower case, no accents ─► [refunds] [,] [s] ['] [il] … ─► [ref ##unds] …
//! ```
//!
//! M. Schuster and K. Nakajima, "Japanese and Korean Voice Search", ICASSP 2012: each word is cut from its head into the
//! longest pieces that the vocabulary has.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Words longer than this are unknown \[characters\].
const LONGEST_WORD: usize = 100;

/// The vocabulary, and the marks that it must have.
#[derive(Debug)]
pub(super) struct WordPiece {
    pieces: HashMap<String, u32>,
    unknown: u32,
    first: u32,
    last: u32,
}

impl WordPiece {
    /// Reads one piece a line; `None` where a mark is missing.
    pub(super) fn new(vocabulary: &str) -> Option<Self> {
        let pieces: HashMap<String, u32> = vocabulary.lines().map(str::to_owned).zip(0..).collect();
        let mark = |name: &str| pieces.get(name).copied();
        let (unknown, first, last) = (mark("[UNK]")?, mark("[CLS]")?, mark("[SEP]")?);
        Some(Self { pieces, unknown, first, last })
    }

    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// The numbers of the pieces between the two marks, `longest` in all.
    pub(super) fn tokens(&self, text: &str, longest: usize) -> Vec<u32> {
        let mut tokens = vec![self.first];
        for word in words(text) {
            self.cut(&word, &mut tokens);
        }
        tokens.truncate(longest - 1);
        tokens.push(self.last);
        tokens
    }

    fn cut(&self, word: &str, tokens: &mut Vec<u32>) {
        let before = tokens.len();
        let mut rest = word;
        let mut piece = String::new();
        while !rest.is_empty() {
            let mut length = rest.len();
            let found = loop {
                piece.clear();
                if rest.len() < word.len() {
                    piece.push_str("##");
                }
                piece.push_str(&rest[..length]);
                if let Some(&number) = self.pieces.get(&piece) {
                    break Some(number);
                }
                match rest[..length].char_indices().next_back() {
                    Some((shorter, _)) if shorter > 0 => length = shorter,
                    _ => break None,
                }
            };
            let Some(number) = found.filter(|_| word.chars().count() <= LONGEST_WORD) else {
                tokens.truncate(before);
                tokens.push(self.unknown);
                return;
            };
            tokens.push(number);
            rest = &rest[length..];
        }
    }
}

/// Words, marks of punctuation and Chinese characters, each by itself.
fn words(text: &str) -> Vec<String> {
    let plain = text.chars().flat_map(char::to_lowercase).nfd().filter(|&c| !is_combining_mark(c));
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    for c in plain {
        if c.is_whitespace() {
            open = false;
        } else if c.is_control() || c == '\u{fffd}' {
            // No part of the text, and no boundary.
        } else if is_punctuation(c) || is_chinese(c) {
            words.push(c.into());
            open = false;
        } else {
            match words.last_mut().filter(|_| open) {
                Some(word) => word.push(c),
                None => words.push(c.into()),
            }
            open = true;
        }
    }
    words
}

/// All of ASCII that is neither letter nor digit, and the marks that are usual in speech written down.
fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(c, '¡' | '§' | '«' | '»' | '¿' | '\u{2010}'..='\u{2027}' | '\u{3001}'..='\u{3011}' | '！'..='／' | '：'..='＠')
}

fn is_chinese(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2fa1f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_as_the_model_was_trained() {
        let vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nref\n##und\n##s\nil\n'\ncafe\n退\n";
        let cut = |text: &str| WordPiece::new(vocabulary).unwrap().tokens(text, 8);
        assert_eq!(cut("Refunds"), [2, 4, 5, 6, 3]);
        assert_eq!(cut("il' Café\t退退"), [2, 7, 8, 9, 10, 10, 3]);
        assert_eq!(cut("refundsx il"), [2, 1, 7, 3]);
        assert_eq!(cut(""), [2, 3]);
        assert_eq!(cut("il il il il il il il il il").len(), 8);
        assert!(WordPiece::new("a\nb").is_none());
    }
}
