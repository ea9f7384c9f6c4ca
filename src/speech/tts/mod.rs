//! Text to speech, streamed clause by clause.

use std::ops::ControlFlow;

/// One synthesiser with one voice. Serves one clause at a time.
pub trait Synthesiser: Send {
    /// Speaks `clause` into `sink`: 16 kHz mono pieces of any length, in order. `sink` may break off.
    ///
    /// # Errors
    /// The engine failed; what `sink` has taken so far is sound.
    fn synthesise(&mut self, clause: &str, sink: &mut dyn FnMut(&[i16]) -> ControlFlow<()>) -> Result<(), TtsError>;
}

/// Why synthesis failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TtsError {
    /// No voice of this name is built in or installed.
    #[error("there is no voice `{0}`; `antevox speak --help` lists them")]
    UnknownVoice(Box<str>),
    /// The engine itself gave up.
    #[error("the speech engine failed while it was to {0}")]
    EngineFailed(&'static str),
}
