//! Sound that stands in for words: `<audio src="sounds/hello.wav">Welcome to the bank.</audio>`, anywhere in what is said.
//!
//! ```text
//! raw texts ─► take ─► the words alone, which go on as if they had been written alone
//!                └───► Recording: which words, and the file that speaks them
//! ```
//!
//! From here on the words are what counts: they are recorded, compared and shown, and spoken where the file cannot be.
//! Whoever speaks looks for them in what it is given.

use std::path::PathBuf;

use super::raw::{Deed, Hotline, Scenes, Step};
use super::validate::on_one_line;
use super::yaml::{At, Findings};
use crate::diag::Place;

const OPENED: &str = "<audio";
const CLOSED: &str = "</audio>";
const FORM: &str = "write it as in `<audio src=\"sounds/hello.wav\">Welcome.</audio>`, with the words that are heard";

/// Words, and the file in which somebody says them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// The words, on one line.
    pub words: String,
    /// Relative to the dialplan's folder.
    pub sound: PathBuf,
    /// The file in which this stands.
    pub file: PathBuf,
    /// And where.
    pub place: Place,
}

/// Takes the sounds out of what the main file says.
pub(super) fn in_hotline(raw: &mut Hotline, known: &mut Vec<Recording>, findings: &mut Findings<'_>) {
    let prompts = raw.prompts.iter_mut().flat_map(|prompt| &mut prompt.variants);
    let questions = raw.slots.iter_mut().flat_map(|slot| &mut slot.ask);
    prompts.chain(questions).for_each(|text| take(text, known, findings));
    raw.dialogs.iter_mut().for_each(|dialog| in_steps(&mut dialog.steps, known, findings));
}

/// Takes the sounds out of what a scene file says.
pub(super) fn in_scenes(raw: &mut Scenes, known: &mut Vec<Recording>, findings: &mut Findings<'_>) {
    for scene in &mut raw.scenes {
        scene.answer.iter_mut().for_each(|text| take(text, known, findings));
        in_steps(&mut scene.steps, known, findings);
    }
}

fn in_steps(steps: &mut [Step], known: &mut Vec<Recording>, findings: &mut Findings<'_>) {
    for step in steps {
        match &mut step.deed {
            Deed::Say { variants, .. } => variants.iter_mut().for_each(|text| take(text, known, findings)),
            Deed::Do { failed: Some(steps), .. } | Deed::Dialog { failed: Some(steps), .. } => {
                in_steps(steps, known, findings);
            }
            Deed::If { then, otherwise, .. } => {
                in_steps(then, known, findings);
                in_steps(otherwise, known, findings);
            }
            Deed::Do { .. } | Deed::Dialog { .. } | Deed::Ask(_) | Deed::Transfer(_) | Deed::End(_) => {}
        }
    }
}

/// Leaves the words in `text` and adds its sounds to `known`.
fn take(text: &mut At<String>, known: &mut Vec<Recording>, findings: &mut Findings<'_>) {
    if !text.value.contains(OPENED) && !text.value.contains(CLOSED) {
        return;
    }
    let Some(parts) = parts(&text.value) else {
        findings.error(text.place, "an `<audio>` that is not whole", FORM);
        return;
    };
    let mut plain = String::new();
    for part in parts {
        let (words, sound) = match part {
            Part::Words(words) => {
                plain.push_str(words);
                continue;
            }
            Part::Sound { words, sound } => (on_one_line(words), sound),
        };
        plain.push_str(&words);
        if words.contains('{') {
            findings.error(text.place, "a recording cannot say a value", "close `</audio>` before the placeholder");
        }
        let sound = PathBuf::from(sound);
        match known.iter().find(|other| other.words == words) {
            Some(other) if other.sound != sound => {
                let message = format!("`{words}` was recorded as {} already", other.sound.display());
                findings.error(text.place, message, "name the same file, or say it in other words");
            }
            Some(_) => {}
            None => {
                known.push(Recording { words, sound, file: findings.file.to_owned(), place: text.place });
            }
        }
    }
    text.value = plain;
}

enum Part<'a> {
    Words(&'a str),
    Sound { words: &'a str, sound: &'a str },
}

/// `None` where an element has no end, no file or no words.
fn parts(text: &str) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, element)) = rest.split_once(OPENED) {
        let (attributes, inside) = element.split_once('>')?;
        let (words, behind) = inside.split_once(CLOSED)?;
        let sound = attributes.trim().strip_prefix("src=")?;
        let quoted = |quote| sound.strip_prefix(quote)?.strip_suffix(quote);
        let sound = quoted('"').or_else(|| quoted('\''))?.trim();
        if sound.is_empty() || words.contains('<') || !words.contains(char::is_alphanumeric) {
            return None;
        }
        parts.extend([Part::Words(before), Part::Sound { words, sound }]);
        rest = behind;
    }
    parts.push(Part::Words(rest));
    (!rest.contains(CLOSED)).then_some(parts)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::diag::Diagnostics;

    /// What is left of `texts`, what was recorded, and what is wrong.
    fn taken(texts: &[&str]) -> (Vec<String>, Vec<(String, String)>, Vec<String>) {
        let (mut found, mut known) = (Diagnostics::default(), Vec::new());
        let mut findings = Findings { file: Path::new("dialplan.yaml"), text: "", found: &mut found };
        let mut left = Vec::new();
        for text in texts {
            let mut text = At { value: (*text).to_owned(), place: Place { line: 3, column: 5 } };
            take(&mut text, &mut known, &mut findings);
            left.push(text.value);
        }
        let known = known.into_iter().map(|known| (known.words, known.sound.display().to_string()));
        (left, known.collect(), found.0.into_iter().map(|finding| finding.message).collect())
    }

    #[test]
    fn words_are_left_where_a_sound_was_named() {
        let (left, known, wrong) = taken(&[
            "<audio src=\"a.wav\">Good\n morning.</audio> Is it {problem}? <audio src='b.ogg'>Please tell me.</audio>",
            "<audio src=\"a.wav\">Good morning.</audio> Yes?",
            "3 < 4 and > 2",
        ]);
        assert_eq!(left, ["Good morning. Is it {problem}? Please tell me.", "Good morning. Yes?", "3 < 4 and > 2"]);
        let owned = |(words, sound): (&str, &str)| (words.to_owned(), sound.to_owned());
        assert_eq!(known, [("Good morning.", "a.wav"), ("Please tell me.", "b.ogg")].map(owned));
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn what_is_not_whole_is_named() {
        for text in [
            "<audio src=\"a.wav\">Hello.",
            "<audio src=\"a.wav\"/> Hello.",
            "<audio>Hello.</audio>",
            "<audio src=a.wav>Hello.</audio>",
            "<audio src=\"\">Hello.</audio>",
            "<audio src=\"a.wav\"> </audio>",
            "<audio src=\"a.wav\">a<audio src=\"b.wav\">b</audio></audio>",
            "Hello.</audio>",
        ] {
            assert_eq!(taken(&[text]).2, ["an `<audio>` that is not whole"], "{text}");
        }
        assert_eq!(taken(&["<audio src='a.wav'>Hello {name}.</audio>"]).2, ["a recording cannot say a value"]);
        let twice = taken(&["<audio src='a.wav'>Hello.</audio>", "<audio src='b.wav'>Hello.</audio>"]).2;
        assert_eq!(twice, ["`Hello.` was recorded as a.wav already"]);
    }
}
