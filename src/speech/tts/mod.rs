//! Text to speech, streamed clause by clause.
//!
//! ```text
//! text ─► markup ─► recordings ─┬─► normalise ─► clauses ─┬─► cache ──────────────────────────┬─► pieces, 16 kHz mono
//!         parts     stretches   │   words        ranges   └─► flite │ espeak ─► level ─► cache ┤
//!                               └─► what a person recorded ────────────────────────────────────┘
//! ```
//!
//! [`Mouth::speak`] is the whole room in one call. Everything before the engines is pure; an engine renders one clause,
//! and neither knows who listens. What is shared between worker threads is the [`ClauseCache`], flite's read-only voices
//! and the one espeak-ng of the process.

mod alphabet;
pub mod cache;
pub mod clauses;
pub mod espeak;
pub mod flite;
pub mod level;
pub mod markup;
mod mouth;
pub mod normalise;
mod recorded;
mod script;
pub mod voice;

use std::ops::ControlFlow;
use std::sync::Arc;

pub use cache::{ClauseCache, ClauseStore};
pub use markup::MarkupError;
pub use mouth::{InPlace, Mouth, Renderer};
pub use recorded::Recordings;
pub use voice::{Rate, Timbre, Voice};

/// A stretch of finished speech, 16 kHz mono. Shared, so that a prompt that a hundred callers hear is stored once.
pub type Piece = Arc<[i16]>;

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
    /// The engine itself gave up.
    #[error("the speech engine failed while it was to {0}")]
    EngineFailed(&'static str),
    /// The engine took so long that it counts as hung; it was given up.
    #[error("the speech engine hung")]
    Hung,
    /// The engine crashed.
    #[error("the speech engine crashed")]
    Crashed,
    /// A server that speaks for us failed.
    #[error("the speech server {server} {fault}")]
    Server {
        /// Its address.
        server: Box<str>,
        /// What it did.
        fault: super::ServerFault,
    },
    /// What follows `<speak>` is not the markup that we read.
    #[error(transparent)]
    Markup(#[from] MarkupError),
    /// A speaking rate outside the range, or not a number.
    #[error("`{0}` is not a speaking rate; give a percentage from 50 to 200")]
    UnknownRate(Box<str>),
    /// No voice of this name is built in or installed.
    #[error("there is no voice `{0}`; `antevox speak --list` shows them")]
    UnknownVoice(Box<str>),
}
