//! Classes: of numbers, names and days an example shows one, and a caller says any other.
//!
//! ```text
//! "i was charged twenty" ─► frame_of ─┐
//! "the {name} for {number} yuan" ─────┴─► fill: each frame with other members, again and again ─► counted like examples
//! ```

use crate::english::{SMALL, TENS};

/// Where a number stands in a frame.
const NUMBER: &str = "{number}";
/// Each frame is filled so often.
const FILLS: usize = 24;
/// So many frames are taken from examples: more of them teach nothing new about numbers.
const MOST_FRAMES: usize = 200;

/// A place in a frame, and what may stand there.
pub(super) struct Class {
    /// As frames write it: `{name}`.
    pub(super) slot: &'static str,
    pub(super) members: Vec<String>,
}

/// The frames of examples that name a number in words.
pub(super) fn frames_of(examples: &[Vec<String>]) -> Vec<String> {
    let mut frames: Vec<String> = examples.iter().filter_map(|words| frame_of(words)).collect();
    frames.sort_unstable();
    frames.dedup();
    frames.truncate(MOST_FRAMES);
    frames
}

/// A sentence with a place for each amount that it names. Digits one by one are no amount, and "one" alone is a pronoun.
fn frame_of(words: &[String]) -> Option<String> {
    let mut frame: Vec<&str> = Vec::new();
    for run in words.chunk_by(|a, b| is_number(a) == is_number(b)) {
        let are_digits = run.windows(2).any(|pair| pair.iter().all(|word| SMALL[..10].contains(&word.as_str())));
        if is_number(&run[0]) && !are_digits && run != ["one"] {
            frame.push(NUMBER);
        } else {
            frame.extend(run.iter().map(String::as_str));
        }
    }
    frame.contains(&NUMBER).then(|| frame.join(" "))
}

fn is_number(word: &str) -> bool {
    SMALL.contains(&word) || (TENS[2..].contains(&word)) || ["hundred", "thousand"].contains(&word)
}

/// Sentences that put the members of `classes` into `frames`; a frame with a place for which there is nothing is left out.
pub(super) fn fill<'a>(frames: impl Iterator<Item = &'a str>, classes: &[Class]) -> Vec<String> {
    let mut filled = Vec::new();
    for frame in frames {
        for _ in 0..FILLS {
            let sentence = (classes.iter()).try_fold(frame.to_owned(), |sentence, class| {
                let mut pieces = sentence.split(class.slot);
                let mut whole = pieces.next().unwrap_or_default().to_owned();
                for piece in pieces {
                    whole += class.members.get(scattered(filled.len()) % class.members.len().max(1))?;
                    whole += piece;
                }
                Some(whole)
            });
            filled.extend(sentence);
        }
    }
    filled
}

/// A number without a pattern for each `place` in a row, so that every frame meets every part of a class (Knuth's
/// multiplicative hash).
fn scattered(place: usize) -> usize {
    ((place as u32).wrapping_mul(2_654_435_769) >> 8) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::text::words;
    use super::*;

    #[test]
    fn amounts_are_taken_out_of_examples_and_digits_are_not() {
        for (example, frame) in [
            ("why was I charged £20?", Some("why was i charged {number}")),
            ("1,250 for 2 cards", Some("{number} for {number} cards")),
            ("which one is it", None),
            ("my number is 4 1 2 6", None),
            ("my card is lost", None),
        ] {
            assert_eq!(frame_of(&words(example)).as_deref(), frame, "{example}");
        }
    }

    #[test]
    fn a_frame_meets_all_members_and_one_without_any_is_left_out() {
        let members = |slot, members: &[&str]| Class { slot, members: members.iter().map(|&m| m.to_owned()).collect() };
        let classes = [members("{name}", &["tea", "belt", "lamp"]), members("{month}", &[])];
        let filled = fill(["my {name}", "in {month}"].into_iter(), &classes);
        let different: BTreeSet<&str> = filled.iter().map(String::as_str).collect();
        assert_eq!(different, BTreeSet::from(["my tea", "my belt", "my lamp"]));
    }
}
