//! `antevox transcribe`: recognise WAV files and measure the recogniser.

use super::Outcome;

/// Recognise WAV files and measure the recogniser.
#[derive(Debug, clap::Args)]
pub struct Transcribe {}

impl Transcribe {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        Err("not built yet".into())
    }
}
