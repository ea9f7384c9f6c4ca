//! What is said one after the other: a text taken apart into clauses for the engines, recordings and pauses.
//!
//! ```text
//! text ─► markup ─► recordings ─┬─► words ─► normalise ─► clauses ─┬─► [Line]
//!                               └─► sound ─────────────────────────┘
//! ```

use std::sync::Arc;
use std::time::Duration;

use super::alphabet::legible;
use super::clauses::{Ending, clauses};
use super::markup::{self, MarkupError, Part, ReadAs};
use super::normalise::normalise;
use super::recorded::{Recordings, Stretch};
use super::{Piece, Voice};

/// One thing to say.
#[derive(Clone, Debug)]
pub(super) enum Line {
    /// A pause that was asked for.
    Pause(Duration),
    /// Words as an engine gets them.
    Clause { voice: Voice, words: String, ending: Ending },
    /// A recording.
    Recorded { pieces: Arc<[Piece]>, ending: Ending },
}

impl Line {
    fn ending(&mut self) -> Option<&mut Ending> {
        match self {
            Self::Pause(_) => None,
            Self::Clause { ending, .. } | Self::Recorded { ending, .. } => Some(ending),
        }
    }
}

/// `text` as `voice` says it, with `recordings` in place of the words that they hold.
///
/// # Errors
/// The first mistake of its markup.
pub(super) fn script(voice: &Voice, text: &str, recordings: &Recordings) -> Result<Vec<Line>, MarkupError> {
    let mut lines = Vec::new();
    for part in markup::parse(text)? {
        let (text, read_as, rate) = match part {
            Part::Break(length) => {
                lines.push(Line::Pause(length));
                continue;
            }
            Part::Text { text, read_as, rate } => (text, read_as, rate),
        };
        let voice = voice.at(voice.rate.scaled(rate));
        let stretches = match read_as {
            ReadAs::Text => recordings.split(&text),
            _ => vec![Stretch::Words(&text)],
        };
        let last = stretches.len().saturating_sub(1);
        for (number, stretch) in stretches.into_iter().enumerate() {
            let words = match stretch {
                Stretch::Words(words) => {
                    // A mark behind a recording says how long to pause there.
                    let (mark, behind) = words.split_at(words.len() - words.trim_start_matches(MARKS).len());
                    if !mark.is_empty()
                        && let Some(ending) = lines.last_mut().and_then(Line::ending)
                    {
                        *ending = ending_of(mark);
                    }
                    say(&voice, behind, read_as, &mut lines);
                    words
                }
                Stretch::Recorded(words, pieces) => {
                    lines.push(Line::Recorded { pieces: pieces.clone(), ending: Ending::Sentence });
                    words
                }
            };
            // A sentence may go on behind a recording.
            if number < last
                && words.contains(char::is_alphanumeric)
                && let Some(ending) = lines.last_mut().and_then(Line::ending)
            {
                *ending = ending_of(words);
            }
        }
    }
    Ok(lines)
}

/// Adds the clauses of `words`.
fn say(voice: &Voice, words: &str, read_as: ReadAs, lines: &mut Vec<Line>) {
    let words = normalise(words, voice.lang(), read_as);
    for clause in clauses(&words) {
        let words = legible(clause.text.trim(), voice.lang());
        if words.contains(char::is_alphanumeric) {
            lines.push(Line::Clause { voice: *voice, words, ending: clause.ending });
        }
    }
}

/// Marks that may stand alone behind a recording.
const MARKS: &[char] = &['.', '!', '?', ',', ';', ':', '。', '！', '？', '，', '；', '：', '、', '…'];

/// How `words` end that others follow.
fn ending_of(words: &str) -> Ending {
    let mark = words.trim_end_matches(|c: char| c.is_whitespace() || "\"'”’」』)）".contains(c)).chars().next_back();
    match mark {
        Some('.' | '!' | '?' | '。' | '！' | '？' | '；' | '…') => Ending::Sentence,
        Some(',' | ';' | ':' | '，' | '、' | '：' | '—') => Ending::Phrase,
        _ => Ending::Cut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words, recordings in brackets, and how each ends.
    fn written(recorded: &[&str], text: &str) -> Vec<(String, Option<Ending>)> {
        let mut recordings = Recordings::default();
        recorded.iter().for_each(|words| assert!(recordings.add(words, &[9_000; 1_600])));
        let lines = script(&Voice::default(), text, &recordings).unwrap();
        let written = |mut line: Line| {
            let words = match &line {
                Line::Pause(length) => format!("{} ms", length.as_millis()),
                Line::Clause { words, .. } => words.clone(),
                Line::Recorded { pieces, .. } => format!("[{}]", pieces.concat().len()),
            };
            (words, line.ending().copied())
        };
        lines.into_iter().map(written).collect()
    }

    #[test]
    fn a_recording_stands_between_clauses_and_a_sentence_goes_on_behind_it() {
        let lines = written(
            &["Is it about", "Thank you for calling."],
            "Is it about the rice cooker? Thank you for calling. Bye.",
        );
        let said = |words: &str, ending| (words.to_owned(), Some(ending));
        let [(_, cut), cooker, (_, sentence), bye] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!((*cut, *sentence), (Some(Ending::Cut), Some(Ending::Sentence)));
        assert_eq!(*cooker, said("the rice cooker?", Ending::Sentence));
        assert_eq!(*bye, said("Bye.", Ending::Sentence));
        let lines = written(&["please wait"], "Well, please wait, Ms Li.");
        assert_eq!((lines[0].1, lines[1].1), (Some(Ending::Phrase), Some(Ending::Phrase)), "{lines:?}");
    }

    #[test]
    fn markup_holds_around_recordings() {
        let text = "<speak>Thank you.<break time='300ms'/>Order <say-as interpret-as='digits'>12</say-as></speak>";
        let lines = written(&["Thank you.", "12"], text);
        let words: Vec<&str> = lines.iter().map(|(words, _)| words.as_str()).collect();
        assert!(words[0].starts_with('['));
        assert_eq!(words[1..], ["300 ms", "Order", "one two"]);
    }
}
