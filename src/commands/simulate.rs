//! `antevox simulate`: let simulated callers talk to the dialog and report.

use super::Outcome;

/// Let simulated callers talk to the dialog and report.
#[derive(Debug, clap::Args)]
pub struct Simulate {}

impl Simulate {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        Err("not built yet".into())
    }
}
