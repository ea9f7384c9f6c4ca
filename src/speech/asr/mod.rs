//! Speech to text, streamed.
//!
//! ```text
//! Listening ─► begin ─► feed(pcm)… ─► finish ─► Transcript
//!                          └─► partial text, whenever it changed
//! ```
//!
//! A [`Recogniser`] is lent to a call only while somebody speaks, so a handful serve many calls. What all engines have in
//! common stands here, and `tests/every_engine_hears.rs` asks it of each of them:
//!
//! | engine | where it runs | what it needs | rate |
//! |---|---|---|---|
//! | [`pocketsphinx`] | here | a model folder that this program makes, one more for wideband lines | 8 kHz, 16 kHz |
//! | `vosk` (feature) | here | `libvosk.so` when it starts, and a model folder | the model's |
//! | `whisper` (feature) | here | a model file | 16 kHz |
//! | `server::engines::remote` | elsewhere | a server: vosk-server, or one that speaks OpenAI's protocol | 16 kHz |
//!
//! [`fallback`] makes one recogniser out of several, so that a call outlives the failure of one of them.

#[cfg(any(test, feature = "whisper"))]
pub mod agreement;
pub mod fallback;
pub mod lm;
pub mod phantoms;
pub mod pocketsphinx;
#[allow(unsafe_code)] // asks flite's lexicon; every call carries its reason
pub mod pronounce;
pub mod score;
pub mod vosk;
#[cfg(feature = "whisper")]
pub mod whisper;

use std::path::PathBuf;
use std::time::Duration;

pub use super::ServerFault;
use crate::units::{Ask, SampleRate};

/// What the recogniser should expect.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listening {
    /// Chooses the language model.
    pub ask: Ask,
    /// The caller's line carries more than a telephone's 8 kHz.
    pub is_wideband: bool,
    /// What was learnt about the caller's line in an earlier [`Transcript`] of the same call.
    pub channel: Option<Channel>,
}

/// How a caller's line and voice colour the sound, as the recogniser measured it. Means something only to the kind of
/// recogniser that it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    /// Of the sound that it was measured on.
    pub rate: SampleRate,
    /// What was measured.
    pub mean: Vec<f32>,
}

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

    /// One that hears callers better whose lines carry 16 kHz, and others worse; `None` where the same one serves all.
    ///
    /// # Errors
    /// The engine cannot make another one.
    fn wideband_recogniser(&self) -> Result<Option<Box<dyn Recogniser>>, AsrError> {
        Ok(None)
    }

    /// Whether a recogniser may take longer over a piece of sound than the piece lasts, because it waits for a network or
    /// looks at a whole window at once. Such ones must not share a thread.
    fn is_slow(&self) -> bool {
        false
    }
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
    /// A model folder was made by another version of this program.
    #[error("`{0}` was made by another version of antevox; `antevox models get` makes it anew")]
    ModelOutdated(PathBuf),
    /// The engine's model speaks another language.
    #[error("this engine has no model for the language; see `antevox models list`")]
    OtherLanguage,
    /// A model is for sound of another rate than the engine can be given.
    #[error("`{file}` says that the model is for {hertz} Hz; take one for 8000 or 16000 Hz")]
    OtherRate {
        /// Where it says so.
        file: PathBuf,
        /// What it says \[Hz\].
        hertz: u32,
    },
    /// This program was built without the engine.
    #[error("this antevox was built without the engine `{0}`; build it with `cargo build --release --features {0}`")]
    NotBuiltIn(&'static str),
    /// The engine's library is not there, or is another one.
    #[error("the library `{0}` cannot be loaded; `antevox models get libvosk` brings it")]
    LibraryMissing(PathBuf),
    /// The setting that an engine cannot do without is not given.
    #[error("the engine `{engine}` needs a server; set `{setting}` to its address")]
    NoServer {
        /// The engine.
        engine: &'static str,
        /// Section and name of the setting.
        setting: &'static str,
    },
    /// A server that recognises for us failed.
    #[error("the recognition server {server} {fault}")]
    Server {
        /// Its address.
        server: Box<str>,
        /// What it did.
        fault: ServerFault,
    },
    /// The engine took so long that it counts as hung; it was given up.
    #[error("the recognition engine hung")]
    Hung,
    /// The engine crashed; it was replaced.
    #[error("the recognition engine crashed")]
    Crashed,
    /// The dialplan's dictionary and language models cannot be written.
    #[error("no temporary folder can be written; set TMPDIR to one that can")]
    NoScratchSpace,
}
