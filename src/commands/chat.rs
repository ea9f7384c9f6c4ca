//! `antevox chat`: hold the dialog in text, on a terminal.

use super::Outcome;

/// Hold the dialog in text, on a terminal.
#[derive(Debug, clap::Args)]
pub struct Chat {}

impl Chat {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        Err("not built yet".into())
    }
}
