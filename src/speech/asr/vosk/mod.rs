//! Vosk: Kaldi's neural models, streamed.
//!
//! ```text
//! libvosk.so ─┐                      ┌─► Recogniser: one handle for each kind of question, made when it is first asked
//! model ──────┴─► Model (shared) ────┴─► …
//! ```
//!
//! The library ends segments by its own idea of silence. Turn-taking is ours, so its segments are put together again and the
//! utterance ends when we say so. Where the model has a dynamic graph (`HCLr.fst`, `Gr.fst`) the phrases of a question
//! restrict it; with a static one (`HCLG.fst`) the library goes on without them.
//!
//! What the library and vosk-server have in common (the phrases, the answers) stands here and is always there; the engine
//! itself is the feature `vosk`.

#[cfg(feature = "vosk")]
#[allow(unsafe_code)] // loads and calls the C library; every call carries its reason
mod library;
#[cfg(feature = "vosk")]
mod local;

use std::path::Path;
use std::time::Duration;

#[cfg(feature = "vosk")]
pub use local::Model;

use super::{AsrError, Transcript, Word};
use crate::units::Lang;

/// How the features are computed.
const FEATURES: &str = "conf/mfcc.conf";
/// Files that every model has.
const NEEDED: [&str; 3] = ["am/final.mdl", FEATURES, "conf/model.conf"];
/// Either the static graph or both parts of the dynamic one.
const STATIC_GRAPH: &str = "graph/HCLG.fst";
const DYNAMIC_GRAPH: [&str; 2] = ["graph/HCLr.fst", "graph/Gr.fst"];

/// Whether `folder` holds all that a model needs.
///
/// # Errors
/// [`AsrError::ModelFileMissing`] with the first file that is not there.
pub fn check(folder: &Path) -> Result<(), AsrError> {
    let dynamic = folder.join(DYNAMIC_GRAPH[0]).exists();
    let graph: &[&str] = if dynamic { &DYNAMIC_GRAPH } else { &[STATIC_GRAPH] };
    let missing = NEEDED.iter().chain(graph).map(|name| folder.join(name)).find(|file| !file.is_file());
    missing.map_or(Ok(()), |file| Err(AsrError::ModelFileMissing(file)))
}

/// A list of phrases as the library takes it, with the word that stands for all others.
pub fn grammar(phrases: &[String]) -> String {
    let all: Vec<&str> = phrases.iter().map(String::as_str).chain([UNKNOWN]).collect();
    serde_json::Value::from(all).to_string()
}

/// Stands for all words that no phrase has.
const UNKNOWN: &str = "[unk]";

/// What library and server answer, as far as it means something to us.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
pub struct Reply {
    /// The text of a segment that has ended; `None` in a reply about one that has not.
    pub text: Option<String>,
    /// Its words.
    result: Vec<ReplyWord>,
    /// The text of a segment that goes on.
    pub partial: String,
}

#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
struct ReplyWord {
    word: String,
    /// [s]
    start: f64,
    /// [s]
    end: f64,
    #[serde(default = "certain")]
    conf: f32,
}

fn certain() -> f32 {
    1.0
}

impl Reply {
    /// Reads a reply.
    ///
    /// # Errors
    /// [`AsrError::EngineFailed`]: it is no JSON of this form.
    pub fn read(json: &str) -> Result<Self, AsrError> {
        serde_json::from_str(json).map_err(|_| AsrError::EngineFailed("tell what it heard"))
    }

    /// The words of an ended segment. A reply without them (their times were not asked for, or the server is another one)
    /// still has its text.
    pub fn words(self) -> Vec<Word> {
        let at = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        if self.result.is_empty() {
            let plain = |text: &str| Word {
                text: text.to_owned(),
                from: Duration::ZERO,
                to: Duration::ZERO,
                confidence: certain(),
            };
            return self.text.iter().flat_map(|text| text.split_whitespace()).map(plain).collect();
        }
        let timed = |word: ReplyWord| Word {
            text: word.word,
            from: at(word.start),
            to: at(word.end),
            confidence: word.conf.clamp(0.0, 1.0),
        };
        self.result.into_iter().map(timed).collect()
    }
}

/// The text of `words` and of what is not certain yet, as the language writes it.
pub fn text(words: &[Word], more: &str, lang: Lang) -> String {
    let known = words.iter().map(|word| word.text.as_str());
    let all: Vec<&str> = known.chain(more.split_whitespace()).filter(|word| *word != UNKNOWN).collect();
    match lang {
        Lang::En => all.join(" "),
        Lang::Zh => all.concat(),
    }
}

/// Words as a transcript: its confidence is their mean.
pub fn transcript(words: Vec<Word>, lang: Lang) -> Transcript {
    let mut words = words;
    words.retain(|word| word.text != UNKNOWN);
    let confidence = words.iter().map(|word| word.confidence).sum::<f32>() / words.len().max(1) as f32;
    Transcript { text: text(&words, "", lang), confidence, words, ..Transcript::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_read_with_and_without_its_words() {
        let timed = r#"{"result":[{"conf":0.9,"end":0.5,"start":0.1,"word":"yes"},{"conf":1.5,"end":1.0,"start":0.5,"word":"[unk]"}],"text":"yes [unk]"}"#;
        let heard = transcript(Reply::read(timed).unwrap().words(), Lang::En);
        assert_eq!((heard.text.as_str(), heard.words.len()), ("yes", 1));
        assert_eq!(heard.words[0].to, Duration::from_millis(500));
        assert!((heard.confidence - 0.9).abs() < 1e-6);
        let plain = Reply::read(r#"{"text":"one two"}"#).unwrap();
        assert_eq!(transcript(plain.words(), Lang::En).text, "one two");
        let mandarin = Reply::read(r#"{"text":"我 要 退款"}"#).unwrap();
        assert_eq!(transcript(mandarin.words(), Lang::Zh).text, "我要退款");
        assert_eq!(Reply::read(r#"{"partial":"one t"}"#).unwrap().partial, "one t");
        assert!(Reply::read("<html>").is_err());
    }

    #[test]
    fn a_grammar_ends_with_the_word_for_all_others() {
        assert_eq!(grammar(&["yes".to_owned(), "that's \"it\"".to_owned()]), r#"["yes","that's \"it\"","[unk]"]"#);
    }

    #[test]
    fn a_folder_is_told_what_it_lacks() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(check(folder.path()), Err(AsrError::ModelFileMissing(folder.path().join("am/final.mdl"))));
        for name in NEEDED {
            std::fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(check(folder.path()), Err(AsrError::ModelFileMissing(folder.path().join(STATIC_GRAPH))));
    }
}
