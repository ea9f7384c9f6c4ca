//! `antevox demo`: show three spoken calls live.

use super::Outcome;

/// Show three spoken calls live.
#[derive(Debug, clap::Args)]
pub struct Demo {}

impl Demo {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        Err("not built yet".into())
    }
}
