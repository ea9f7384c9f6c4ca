//! `antevox recording`: opens a sealed recording.

use std::path::PathBuf;

use clap::Args;

use super::Outcome;
use crate::server::recording::{self, sealed::Key};

/// Open a sealed recording: writes the WAV or Ogg Opus file that it holds.
#[derive(Debug, Args)]
pub struct OpenRecording {
    /// The sealed file.
    sealed: PathBuf,
    /// The key's file, as in `recording.key` of the server's settings.
    #[arg(long, value_name = "F")]
    key: PathBuf,
    /// Where that goes.
    #[arg(short, value_name = "F")]
    output: PathBuf,
}

impl OpenRecording {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        let key = Key::from_file(&self.key)?;
        let sealed = std::fs::read(&self.sealed).map_err(|error| format!("{}: {error}", self.sealed.display()))?;
        let opened = recording::open(&key, &sealed).map_err(|error| format!("{}: {error}", self.sealed.display()))?;
        std::fs::write(&self.output, opened).map_err(|error| format!("{}: {error}", self.output.display()))?;
        Ok(())
    }
}
