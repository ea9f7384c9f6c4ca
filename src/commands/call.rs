//! `antevox call`: place a scripted call over real SIP and RTP.

use super::Outcome;

/// Place a scripted call over real SIP and RTP.
#[derive(Debug, clap::Args)]
pub struct Call {}

impl Call {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        Err("not built yet".into())
    }
}
