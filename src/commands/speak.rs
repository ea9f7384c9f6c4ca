//! `antevox speak`: synthesise a sentence into a WAV file.

use super::Outcome;

/// Synthesise a sentence into a WAV file.
#[derive(Debug, clap::Args)]
pub struct Speak {}

impl Speak {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        Err("not built yet".into())
    }
}
