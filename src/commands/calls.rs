//! `antevox calls`: show what happened in past calls.

use super::Outcome;

/// Show what happened in past calls.
#[derive(Debug, clap::Args)]
pub struct Calls {}

impl Calls {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        Err("not built yet".into())
    }
}
