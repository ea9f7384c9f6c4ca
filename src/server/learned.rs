//! What was learned from a hotline's examples, kept from one start to the next.
//!
//! ```text
//! examples, sentence model ─► mark ─► data/understanding.bin has it? ─► read
//!                                              └─ no ─► learn ─► data/understanding.bin
//! ```
//!
//! With the sentence model, learning takes a minute of computing, which nobody should wait for at every start.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

use crate::nlu::minilm::Encoder;
use crate::nlu::{Corpus, NluError, Understanding};

/// The file's name in the folder of the store.
pub(super) const FILE: &str = "understanding.bin";

/// Length of the mark at the head of the file: SHA-256.
const MARK: usize = 32;

/// What was learned from `corpus` with `encoder` by this build, if `file` has it.
pub(super) fn recall(file: &Path, corpus: &Corpus, encoder: &Arc<Encoder>) -> Option<Understanding> {
    let bytes = fs::read(file).ok()?;
    let (found, model) = bytes.split_first_chunk::<MARK>()?;
    if *found != mark(corpus, encoder.fingerprint()) {
        return None;
    }
    Understanding::from_bytes(model, Some(encoder)).ok()
}

/// Learns from `corpus`, and keeps it in `file`. Where that cannot be written, it is learned again next time.
///
/// # Errors
/// What is wrong with the corpus.
pub(super) fn learn(file: &Path, corpus: &Corpus, encoder: &Arc<Encoder>) -> Result<Understanding, NluError> {
    let learned = Understanding::train(corpus, Some(encoder))?;
    if let Err(error) = keep(file, &mark(corpus, encoder.fingerprint()), &learned) {
        tracing::warn!(file = %file.display(), %error, "what was learned is not kept: the next start learns it again");
    }
    Ok(learned)
}

fn keep(file: &Path, mark: &[u8; MARK], learned: &Understanding) -> io::Result<()> {
    // Under another name first: a half-written file is never found.
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut written = tempfile::NamedTempFile::new_in(folder)?;
    written.write_all(mark)?;
    written.write_all(&learned.to_bytes())?;
    written.persist(file)?;
    Ok(())
}

/// Tells apart what would be learned differently: examples, sentence model, and the build that learns.
fn mark(corpus: &Corpus, fingerprint: u64) -> [u8; MARK] {
    let mut digest = Sha256::new();
    let mut line = String::new();
    for (kind, examples) in [("example", &corpus.examples), ("vague", &corpus.vague)] {
        for example in examples {
            line.clear();
            let parts = (kind, &example.text, example.scene.as_str(), example.main_scene.as_str());
            write!(line, "{parts:?}").expect("a string grows");
            digest.update(&line);
        }
    }
    digest.update(format!("{:?} {fingerprint:x} {:?}", corpus.lang, build()));
    digest.finalize().into()
}

/// When this program was written, and its length [bytes].
fn build() -> Option<(u128, u64)> {
    let program = fs::metadata(std::env::current_exe().ok()?).ok()?;
    Some((program.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos(), program.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nlu::Example;

    fn corpus(lost: &str) -> Corpus {
        let example =
            |text: &str, scene: &str| Example { text: text.into(), scene: scene.into(), main_scene: scene.into() };
        let examples = vec![example(lost, "lost"), example("my transfer is late", "late")];
        Corpus { examples, ..Corpus::default() }
    }

    #[test]
    fn another_corpus_and_another_sentence_model_are_told_apart() {
        let first = mark(&corpus("i lost my card"), 1);
        assert_eq!(mark(&corpus("i lost my card"), 1), first);
        assert_ne!(mark(&corpus("i lost my cards"), 1), first);
        assert_ne!(mark(&corpus("i lost my card"), 2), first);
    }

    #[test]
    fn with_the_sentence_model_the_second_start_learns_nothing() {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
        let Ok(Some(encoder)) =
            crate::server::sentence_model::open(&models, super::super::sentence_model::Backend::Auto)
        else {
            println!("skipped: the sentence model is not installed");
            return;
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        assert!(recall(&file, &corpus("i lost my card"), &encoder).is_none());
        let learned = learn(&file, &corpus("i lost my card"), &encoder).unwrap();
        let recalled = recall(&file, &corpus("i lost my card"), &encoder).unwrap();
        assert_eq!(recalled.intents().judge("lost"), learned.intents().judge("lost"));
        assert!(recall(&file, &corpus("i lost my purse"), &encoder).is_none());
        let bytes = fs::read(&file).unwrap();
        fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
        assert!(recall(&file, &corpus("i lost my card"), &encoder).is_none(), "cut short");
    }
}
