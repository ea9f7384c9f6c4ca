//! `antevox duplex`: measure turn-taking in virtual time with the real engines.

use super::Outcome;

/// Measure turn-taking in virtual time with the real engines.
#[derive(Debug, clap::Args)]
pub struct Duplex {}

impl Duplex {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        Err("not built yet".into())
    }
}
