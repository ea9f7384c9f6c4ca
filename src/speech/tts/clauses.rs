//! Text into clauses, the portions in which it is synthesised and cached.
//!
//! ```text
//! "Good morning Ms. Li, is it about the refund of 12.50 yuan? Please say yes or no."
//!  └──── short ───────┘└──────── up to a full stop ──────────┘└───────────────────┘
//! ```
//!
//! The first clause is kept short, so that its sound starts early; while it is heard there is time for longer ones, which
//! sound better. Clauses are slices of the text that follow each other without a gap: together they are the text.

use super::alphabet::is_han;

/// How far a clause may go [weight]: about 6 s of speech, which flite prepares in about 55 ms.
const LONGEST: usize = 96;
/// How far the first one may go: about 2.5 s.
const LONGEST_FIRST: usize = 40;
/// A comma before this does not end a clause: "Yes, …" spoken on its own sounds clipped.
const SHORTEST: usize = 10;
/// A Chinese character is a syllable, and lasts about as long as four Latin letters; but espeak-ng, which speaks it, is
/// quick, and does not know where a word ends, so that a cut is dear.
const HAN_WEIGHT: usize = 3;
/// Words before which a sentence may be cut without hurt.
const JOINTS: [&str; 14] =
    ["about", "and", "because", "before", "but", "for", "if", "in", "or", "that", "to", "when", "which", "with"];

/// What follows a clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A full stop, a question mark, a new line, or the end of the text.
    Sentence,
    /// A comma, a colon, a dash.
    Phrase,
    /// Nothing: the clause was too long.
    Cut,
}

/// A part of a text that is spoken in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clause<'a> {
    /// With the punctuation and the spaces that follow it.
    pub text: &'a str,
    /// Where it ends.
    pub ending: Ending,
}

/// The clauses of `text`, in order.
pub fn clauses(text: &str) -> Clauses<'_> {
    Clauses { rest: text, longest: LONGEST_FIRST }
}

/// Iterator over the clauses of a text.
#[derive(Clone, Debug)]
pub struct Clauses<'a> {
    rest: &'a str,
    longest: usize,
}

impl<'a> Iterator for Clauses<'a> {
    type Item = Clause<'a>;

    fn next(&mut self) -> Option<Clause<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let (length, ending) = first_clause(self.rest, self.longest);
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        self.longest = LONGEST;
        Some(Clause { text, ending })
    }
}

/// Bytes of the clause that `text` begins with, and how it ends.
fn first_clause(text: &str, longest: usize) -> (usize, Ending) {
    let mut weight = 0;
    let mut phrase = None;
    let mut joint = None;
    let mut space = None;
    let mut previous = None;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let end = at + character.len_utf8();
        match mark(previous, character, &text[..at], &text[end..]) {
            Some(Ending::Sentence) => return (with_trailing(text, end), Ending::Sentence),
            Some(Ending::Phrase) if weight >= SHORTEST => {
                let end = with_trailing(text, end);
                if longest == LONGEST_FIRST {
                    return (end, Ending::Phrase);
                }
                phrase = Some(end);
            }
            _ if character.is_whitespace() && weight >= SHORTEST && at_joint(&text[end..]) => joint = Some(end),
            _ if character.is_whitespace() => space = Some(end),
            _ => {}
        }
        previous = Some(character);
        weight += if is_han(character) { HAN_WEIGHT } else { 1 };
        let goes_on = characters.peek().is_some_and(|_| !text[end..].trim().is_empty());
        if weight >= longest && goes_on {
            let cut = || (joint.or(space).unwrap_or(end), Ending::Cut);
            return phrase.map_or_else(cut, |end| (end, Ending::Phrase));
        }
    }
    (text.len(), Ending::Sentence)
}

/// Whether `text` begins with one of [`JOINTS`].
fn at_joint(text: &str) -> bool {
    JOINTS.contains(&text.split(' ').next().unwrap_or_default())
}

/// `end`, moved behind closing quotation marks, more punctuation and spaces.
fn with_trailing(text: &str, end: usize) -> usize {
    let trailing = |c: char| c.is_whitespace() || "\"'”’」』)）.!?。！？…,，".contains(c);
    end + text[end..].find(|c| !trailing(c)).unwrap_or(text.len() - end)
}

/// What `character` ends, given what stands around it.
fn mark(previous: Option<char>, character: char, before: &str, after: &str) -> Option<Ending> {
    let next = after.chars().next();
    let between_digits = || previous.is_some_and(|c| c.is_ascii_digit()) && next.is_some_and(|c| c.is_ascii_digit());
    let at_gap = || next.is_none_or(|c| c.is_whitespace() || "\"'”’)）".contains(c) || is_han(c));
    match character {
        '。' | '！' | '？' | '；' | '…' | '\n' => Some(Ending::Sentence),
        '，' | '、' | '：' | '—' => Some(Ending::Phrase),
        '.' if !at_gap() || is_abbreviation(before, after) => None,
        '.' | '!' | '?' if at_gap() => Some(Ending::Sentence),
        ',' | ';' | ':' if between_digits() => None,
        ',' | ';' | ':' if at_gap() => Some(Ending::Phrase),
        '-' | '–' if previous == Some(' ') && next == Some(' ') => Some(Ending::Phrase),
        _ => None,
    }
}

/// Whether the full stop behind `before` belongs to its last word.
fn is_abbreviation(before: &str, after: &str) -> bool {
    const TITLES: [&str; 19] = [
        "mr", "mrs", "ms", "dr", "prof", "st", "no", "nr", "vs", "e.g", "i.e", "a.m", "p.m", "approx", "dept", "inc",
        "ltd", "co", "ext",
    ];
    let word = before.rsplit(|c: char| !(c.is_alphanumeric() || c == '.')).next().unwrap_or_default();
    let sentence_ends = after.trim_start().is_empty();
    let initial = word.len() == 1 && word.chars().all(|c| c.is_ascii_uppercase() && c != 'I');
    let titled = TITLES.contains(&word.to_ascii_lowercase().as_str());
    // "at 9 a.m. We open": a time at the end of a sentence, which the capital letter gives away.
    let before_capital = after.trim_start().starts_with(|c: char| c.is_uppercase());
    let time = matches!(word.to_ascii_lowercase().as_str(), "a.m" | "p.m" | "inc" | "ltd" | "co");
    (titled || initial) && !sentence_ends && !(time && before_capital)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(text: &str) -> Vec<&str> {
        clauses(text).map(|clause| clause.text.trim()).collect()
    }

    #[test]
    fn a_greeting_starts_with_its_first_phrase() {
        assert_eq!(
            split("Good morning Ms. Li, is it about the refund of 12.50 yuan? Please say yes, or tell me more."),
            ["Good morning Ms. Li,", "is it about the refund of 12.50 yuan?", "Please say yes, or tell me more."]
        );
        assert_eq!(
            split("李女士您好，您是想问二百元的退款吗？请直接说。"),
            ["李女士您好，", "您是想问二百元的退款吗？", "请直接说。"]
        );
    }

    #[test]
    fn punctuation_inside_a_word_does_not_split() {
        for text in [
            "Dr. Wang owes 1,250.75 dollars.",
            "We open at 9:30 a.m. on Monday.",
            "Ask for Ms. J. Li at ext. 12.",
            "See www.example.com for it.",
            "That is no. 5 of 6 e.g. yours.",
            "It costs 3.14!",
        ] {
            assert_eq!(split(text).len(), 1, "{:?}", split(text));
        }
        assert_eq!(split("We open at 9 a.m. You may come then.").len(), 2);
        assert_eq!(split("It was I. You were not there.").len(), 2);
    }

    #[test]
    fn a_short_beginning_is_not_split_off() {
        assert_eq!(split("Yes, that is right."), ["Yes, that is right."]);
        assert_eq!(split("Yes. That is right."), ["Yes.", "That is right."]);
    }

    #[test]
    fn long_text_is_cut_at_spaces_and_the_first_clause_early() {
        let text = "word ".repeat(200);
        let lengths: Vec<usize> = clauses(&text).map(|clause| clause.text.len()).collect();
        assert!(lengths[0] <= LONGEST_FIRST && lengths.iter().all(|&length| length <= LONGEST), "{lengths:?}");
        assert!(lengths[1..lengths.len() - 1].iter().all(|&length| length > LONGEST / 2), "{lengths:?}");
        assert!(clauses(&text).all(|clause| clause.text.ends_with(' ')));
        let han = "好".repeat(100);
        assert!(clauses(&han).all(|clause| clause.text.chars().count() <= LONGEST / HAN_WEIGHT));
    }

    #[test]
    fn a_sentence_without_commas_is_cut_before_a_joint() {
        assert_eq!(
            split("Your new card was sent to the address that you gave us in March."),
            ["Your new card was sent to the address", "that you gave us in March."]
        );
    }

    #[test]
    fn endings_say_how_long_to_pause() {
        let endings: Vec<Ending> =
            clauses("Good morning to you, caller. Goodbye").map(|clause| clause.ending).collect();
        assert_eq!(endings, [Ending::Phrase, Ending::Sentence, Ending::Sentence]);
    }

    proptest! {
        #[test]
        fn together_they_are_the_text(text in "(\\PC|[ .,:;?!。，？\\n0-9a-zA-Z好]){0,300}") {
            let clauses: Vec<_> = clauses(&text).collect();
            prop_assert_eq!(clauses.iter().map(|clause| clause.text).collect::<String>(), text.as_str());
            prop_assert!(clauses.iter().all(|clause| !clause.text.is_empty()));
        }

        #[test]
        fn none_is_longer_than_it_may_be(text in "([a-z]{1,12}[ ,.]?|好|，){0,100}") {
            for clause in clauses(&text) {
                let weight: usize = clause.text.trim_end_matches(|c: char| !c.is_alphanumeric()).chars().map(|c| if is_han(c) { HAN_WEIGHT } else { 1 }).sum();
                prop_assert!(weight < LONGEST + HAN_WEIGHT, "{}", clause.text);
            }
        }
    }
}
