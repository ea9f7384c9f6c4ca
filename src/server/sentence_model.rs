//! The sentence model's folder: what is in it, whether it is what it should be, opening it.
//!
//! ```text
//! models/minilm: model.safetensors, vocab.txt ─► open ─► Encoder, shared by all that understand
//! ```

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::nlu::minilm::{Encoder, EncoderError};

/// The model's name, and that of its folder.
pub const MINILM: &str = "minilm";
/// What gets it.
pub const REMEDY: &str = "antevox models get minilm";
const WEIGHTS: &str = "model.safetensors";
const VOCABULARY: &str = "vocab.txt";

/// The files, and the SHA-256 of what all-MiniLM-L6-v2 was published with.
pub const FILES: [(&str, &str); 2] = [
    (WEIGHTS, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
    (VOCABULARY, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
];

/// Which of the two back ends finds out what a sentence is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Backend {
    /// The sentence model where it is installed, else word and letter counts alone.
    #[default]
    Auto,
    /// Word and letter counts alone.
    Linear,
    /// Those and the sentence model, which must be there.
    Minilm,
}

/// Why the sentence model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SentenceModelError {
    /// A file is not there or cannot be read.
    #[error("{}: {source}; get it with `{REMEDY}`", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is not what was published.
    #[error("{}: checksum {found} instead of {wanted}: cut short, altered or another model; get it again with `{REMEDY}`", path.display())]
    OtherChecksum {
        /// Which.
        path: PathBuf,
        /// SHA-256 of what is there.
        found: String,
        /// SHA-256 of what should be there.
        wanted: &'static str,
    },
    /// The files do not make a model.
    #[error("{}: {source}; get it again with `{REMEDY}`", path.display())]
    Damaged {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        source: EncoderError,
    },
}

/// Compares every file in `folder` with what was published.
///
/// # Errors
/// The first file that is missing or different.
pub fn check(folder: &Path) -> Result<(), SentenceModelError> {
    for (name, wanted) in FILES {
        let path = folder.join(name);
        match sha256(&path) {
            Ok(found) if found == wanted => {}
            Ok(found) => return Err(SentenceModelError::OtherChecksum { path, found, wanted }),
            Err(source) => return Err(SentenceModelError::Unreadable { path, source }),
        }
    }
    Ok(())
}

/// SHA-256 of a file, in hexadecimal digits.
///
/// # Errors
/// The file cannot be read.
pub fn sha256(path: &Path) -> io::Result<String> {
    let mut file = fs::File::open(path)?;
    let mut digest = Sha256::new();
    let mut part = vec![0; 1 << 16];
    loop {
        match file.read(&mut part)? {
            0 => break,
            length => digest.update(&part[..length]),
        }
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The sentence model in the folder `models`, where `backend` asks for it.
///
/// # Errors
/// It was asked for and is not there, or it is there and damaged.
pub fn open(models: &Path, backend: Backend) -> Result<Option<Arc<Encoder>>, SentenceModelError> {
    let path = models.join(MINILM);
    match backend {
        Backend::Linear => return Ok(None),
        Backend::Auto if !path.exists() => return Ok(None),
        Backend::Auto | Backend::Minilm => {}
    }
    let unreadable = |name: &str| {
        let path = path.join(name);
        |source| SentenceModelError::Unreadable { path, source }
    };
    let weights = fs::read(path.join(WEIGHTS)).map_err(unreadable(WEIGHTS))?;
    let vocabulary = fs::read_to_string(path.join(VOCABULARY)).map_err(unreadable(VOCABULARY))?;
    match Encoder::load(&weights, &vocabulary) {
        Ok(encoder) => Ok(Some(Arc::new(encoder))),
        Err(source) => Err(SentenceModelError::Damaged { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_is_not_there_is_missed_only_where_it_was_asked_for() {
        let models = tempfile::tempdir().unwrap();
        assert!(open(models.path(), Backend::Auto).unwrap().is_none());
        let missing = open(models.path(), Backend::Minilm).unwrap_err().to_string();
        assert!(missing.contains("model.safetensors") && missing.contains(REMEDY), "{missing}");
    }

    #[test]
    fn another_model_and_a_damaged_one_are_refused_with_the_remedy() {
        let models = tempfile::tempdir().unwrap();
        let folder = models.path().join(MINILM);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(WEIGHTS), b"abc").unwrap();
        fs::write(folder.join(VOCABULARY), b"[UNK]").unwrap();
        let other = check(&folder).unwrap_err().to_string();
        // SHA-256 of "abc": FIPS 180-2, appendix B.1.
        assert!(other.contains("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), "{other}");
        let damaged = open(models.path(), Backend::Auto).unwrap_err().to_string();
        assert!(damaged.contains("cut short") && damaged.contains(REMEDY), "{damaged}");
    }
}
