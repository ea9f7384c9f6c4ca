//! The folder in which a loaded model's dictionary and language models lie for the library to read.
//!
//! It goes when the model goes. A process that is killed leaves its folder behind; whoever makes the next one removes those
//! that nobody holds any more.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use tempfile::TempDir;

use crate::speech::asr::AsrError;

/// Begins the name of every such folder.
const PREFIX: &str = "antevox-asr-";
/// The file in it that its process keeps locked: a lock ends with its process, however that ends.
const HELD: &str = "held";

/// A folder of this process.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: TempDir,
    _held: File,
}

impl Scratch {
    /// An empty folder where the system keeps temporary files.
    pub(super) fn new() -> Result<Self, AsrError> {
        Self::under(&std::env::temp_dir()).map_err(|_| AsrError::NoScratchSpace)
    }

    fn under(parent: &Path) -> io::Result<Self> {
        remove_abandoned(parent);
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
        // Locked before it has its name, so that nobody finds it without a lock.
        let unnamed = folder.path().join("new");
        let held = File::create(&unnamed)?;
        held.lock()?;
        fs::rename(unnamed, folder.path().join(HELD))?;
        Ok(Self { folder, _held: held })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), AsrError> {
        fs::write(self.path().join(name), text).map_err(|_| AsrError::NoScratchSpace)
    }
}

fn remove_abandoned(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let Some(held) = is_ours.then(|| File::open(entry.path().join(HELD)).ok()).flatten() else { continue };
        if held.try_lock().is_ok() {
            // Another process may be at the same: gone is gone.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_holds_is_removed_and_all_else_stays() {
        let parent = tempfile::tempdir().unwrap();
        let there = |name: &str| parent.path().join(name).exists();
        for name in ["antevox-asr-killed", "other-killed", "antevox-asr-beginning"] {
            fs::create_dir(parent.path().join(name)).unwrap();
        }
        for name in ["antevox-asr-killed", "other-killed"] {
            fs::write(parent.path().join(name).join(HELD), "").unwrap();
        }
        let first = Scratch::under(parent.path()).unwrap();
        first.write("words.txt", "yes").unwrap();
        assert!(!there("antevox-asr-killed") && there("other-killed") && there("antevox-asr-beginning"));
        let second = Scratch::under(parent.path()).unwrap();
        assert!(first.path().join("words.txt").exists(), "this process still holds it");
        let gone = first.path().to_owned();
        drop(first);
        assert!(!gone.exists() && second.path().exists());
    }
}
