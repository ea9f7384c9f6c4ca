//! Patterns of words: `can|could you? say that again` matches "could say that again".
//!
//! Parts stand apart by spaces; a part is a choice of words or runs of Chinese characters with `|` between them, and may be
//! left out where it ends in `?`. Apostrophes do not matter: "thats" and "that's" are one.

use crate::nlu::text::{self, Token};

/// A sequence of parts.
pub(super) struct Pattern(Vec<Part>);

struct Part {
    /// Ways to say it, each a run of tokens.
    choices: Vec<Vec<String>>,
    optional: bool,
}

impl Pattern {
    pub(super) fn parse(pattern: &str) -> Self {
        let part = |part: &str| {
            let optional = part.ends_with('?');
            let choices = part
                .trim_end_matches('?')
                .split('|')
                .map(|choice| text::tokens(choice).into_iter().map(|token| token.text.replace('\'', "")).collect());
            Part { choices: choices.collect(), optional }
        };
        Self(pattern.split_whitespace().map(part).collect())
    }

    /// Length of the longest match at the head of `tokens` [tokens].
    pub(super) fn match_head(&self, tokens: &[Token]) -> Option<usize> {
        match_parts(&self.0, tokens)
    }
}

fn match_parts(parts: &[Part], tokens: &[Token]) -> Option<usize> {
    let Some((part, rest)) = parts.split_first() else { return Some(0) };
    let said = part.choices.iter().filter(|choice| begins_with(tokens, choice));
    let taken = said.filter_map(|choice| Some(choice.len() + match_parts(rest, &tokens[choice.len()..])?)).max();
    let skipped = if part.optional { match_parts(rest, tokens) } else { None };
    taken.max(skipped)
}

fn begins_with(tokens: &[Token], words: &[String]) -> bool {
    let same = |token: &Token, word: &String| token.text.bytes().filter(|&b| b != b'\'').eq(word.bytes());
    tokens.len() >= words.len() && tokens.iter().zip(words).all(|(token, word)| same(token, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optional_parts_and_choices_take_the_longest_way() {
        let matched = |pattern: &str, text: &str| Pattern::parse(pattern).match_head(&text::tokens(text));
        assert_eq!(matched("that's|it's right|correct?", "that's correct then"), Some(2));
        assert_eq!(matched("thats right?", "that's wrong"), Some(1));
        assert_eq!(matched("转 人工|客服", "转客服吧"), Some(3));
        assert_eq!(matched("a b", "a"), None);
    }
}
