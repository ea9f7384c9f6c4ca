//! `antevox import`: read CSV tables into the store.

use super::Outcome;

/// Read CSV tables into the store.
#[derive(Debug, clap::Args)]
pub struct Import {}

impl Import {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        Err("not built yet".into())
    }
}
