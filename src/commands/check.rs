//! `antevox check`: list a dialplan's mistakes with their place and remedy.

use super::Outcome;

/// List a dialplan's mistakes with their place and remedy.
#[derive(Debug, clap::Args)]
pub struct Check {}

impl Check {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        Err("not built yet".into())
    }
}
