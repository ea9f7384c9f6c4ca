//! `antevox serve`: take calls.

use super::Outcome;

/// Take calls.
#[derive(Debug, clap::Args)]
pub struct Serve {}

impl Serve {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        Err("not built yet".into())
    }
}
