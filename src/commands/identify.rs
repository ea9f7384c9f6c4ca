//! `antevox identify`: tell who calls, about which order and problem.

use super::Outcome;

/// Tell who calls, about which order and problem.
#[derive(Debug, clap::Args)]
pub struct Identify {}

impl Identify {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        Err("not built yet".into())
    }
}
