//! `antevox models`: list, fetch and locate model files.

use super::Outcome;

/// List, fetch and locate model files.
#[derive(Debug, clap::Args)]
pub struct Models {}

impl Models {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        Err("not built yet".into())
    }
}
