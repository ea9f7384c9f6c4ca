//! `antevox nlu`: train, test and use the intent classifier.

use super::Outcome;

/// Train, test and use the intent classifier.
#[derive(Debug, clap::Args)]
pub struct Nlu {}

impl Nlu {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        Err("not built yet".into())
    }
}
