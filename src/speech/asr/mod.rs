//! Speech to text, streamed.
//!
//! ```text
//! Listening ─► begin ─► feed(pcm)… ─► finish ─► Transcript
//!                          └─► partial text, whenever it changed
//! ```
//!
//! A [`Recogniser`] is lent to a call only while somebody speaks, so a handful serve many calls.

pub mod lm;
pub mod pocketsphinx;
#[allow(unsafe_code)] // asks flite's lexicon; every call carries its reason
pub mod pronounce;
pub mod score;

use std::path::PathBuf;
use std::time::Duration;

use crate::units::{Ask, SampleRate};

/// What the recogniser should expect.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listening {
    /// Chooses the language model.
    pub ask: Ask,
    /// What was learnt about the caller's line in an earlier [`Transcript`] of the same call.
    pub channel: Option<Channel>,
}

/// How a caller's line and voice colour the sound, as the recogniser measured it. Means something only to the kind of
/// recogniser that it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel(pub Vec<f32>);

/// One recognised word.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// The word as the dictionary spells it, without a pronunciation mark.
    pub text: String,
    /// Where it begins, from the first sample fed.
    pub from: Duration,
    /// Where it ends.
    pub to: Duration,
    /// Posterior probability, 0–1.
    pub confidence: f32,
}

/// One way to read what was said.
#[derive(Clone, Debug, PartialEq)]
pub struct Hypothesis {
    /// Its text.
    pub text: String,
    /// Share of the posterior probability, 0–1.
    pub confidence: f32,
}

/// What was said, as far as can be told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transcript {
    /// The best text; empty when nothing was recognised.
    pub text: String,
    /// Its words, in order.
    pub words: Vec<Word>,
    /// Confidence in the text as a whole, 0–1.
    pub confidence: f32,
    /// Alternatives, best first, the best text among them; may be empty.
    pub n_best: Vec<Hypothesis>,
    /// What was learnt about the line, for the next [`Listening`] of the same call.
    pub channel: Option<Channel>,
}

/// One streaming recogniser, serving one utterance at a time.
pub trait Recogniser: Send {
    /// What [`feed`](Self::feed) takes.
    fn sample_rate(&self) -> SampleRate;

    /// Starts an utterance; what was left of another one is dropped.
    ///
    /// # Errors
    /// The engine cannot serve this kind of listening, or failed.
    fn begin(&mut self, listening: &Listening) -> Result<(), AsrError>;

    /// Takes more sound, in any amount. Answers the best text so far if it has changed.
    ///
    /// # Errors
    /// The engine failed; the utterance is lost.
    fn feed(&mut self, pcm: &[i16]) -> Result<Option<String>, AsrError>;

    /// Ends the utterance.
    ///
    /// # Errors
    /// The engine failed; the utterance is lost.
    fn finish(&mut self) -> Result<Transcript, AsrError>;
}

/// Makes recognisers that share one model.
pub trait RecogniserModel: Send + Sync {
    /// # Errors
    /// The engine cannot make another one.
    fn recogniser(&self) -> Result<Box<dyn Recogniser>, AsrError>;
}

/// Why recognition failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AsrError {
    /// `begin` was not called, or `finish` was called twice.
    #[error("the recogniser was used outside an utterance")]
    NotListening,
    /// The engine itself gave up.
    #[error("the recognition engine failed while it was to {0}")]
    EngineFailed(&'static str),
    /// A model folder is not complete.
    #[error("the model lacks `{0}`; `antevox models get` makes or fetches it")]
    ModelFileMissing(PathBuf),
    /// A file of a model folder is not what its manifest says.
    #[error("`{0}` is damaged; remove its folder and let `antevox models get` make it anew")]
    ModelFileDamaged(PathBuf),
    /// The engine's model speaks another language.
    #[error("this engine has no model for the language; see `antevox models list`")]
    OtherLanguage,
    /// The dialplan's dictionary and language models cannot be written.
    #[error("no temporary folder can be written; set TMPDIR to one that can")]
    NoScratchSpace,
}
