//! Rendered prompts on disk, so that a restart does not begin with an empty cache.
//!
//! ```text
//! data/prompts/SHA-256 of voice, rate and text.pcm: mark, SHA-256 of the sound, sound (16 kHz, little-endian)
//! ```
//!
//! Only prompts that everybody hears are kept here; a caller's name never is, and no text is. A file is written under
//! another name first; one that is damaged is removed and rendered again. Beyond the capacity the oldest go.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::speech::tts::ClauseStore;
use crate::speech::tts::cache::Key;

/// Begins every file, and changes with its form.
const MARK: &[u8; 16] = b"antevox prompt 1";
const DIGEST: usize = 32;

/// A folder of rendered prompts.
#[derive(Debug)]
pub struct PromptStore {
    folder: PathBuf,
    /// [bytes]
    capacity: u64,
    /// What the files hold together [bytes]. Held while files come and go, so that it stays true.
    held: Mutex<u64>,
}

impl PromptStore {
    /// Opens the folder, or makes it. It holds up to `capacity` bytes.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn open(folder: PathBuf, capacity: u64) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let held = files(&folder).iter().map(|(_, _, length)| length).sum();
        let store = Self { folder, capacity, held: Mutex::new(held) };
        store.prune(&mut store.held.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(store)
    }

    fn path(&self, key: &Key) -> PathBuf {
        let name: String = Sha256::digest(key.written()).iter().map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(name).with_extension("pcm")
    }

    fn write(&self, path: &Path, pcm: &[i16]) -> io::Result<()> {
        let sound: Vec<u8> = pcm.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let mut written = tempfile::NamedTempFile::new_in(&self.folder)?;
        written.write_all(MARK)?;
        written.write_all(&Sha256::digest(&sound))?;
        written.write_all(&sound)?;
        let length = written.as_file().metadata()?.len();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let replaced = fs::metadata(path).map_or(0, |earlier| earlier.len());
        written.persist(path)?;
        *held = (*held + length).saturating_sub(replaced);
        self.prune(&mut held);
        Ok(())
    }

    /// Removes the oldest files until the rest fits.
    fn prune(&self, held: &mut u64) {
        if *held <= self.capacity {
            return;
        }
        let mut files = files(&self.folder);
        files.sort();
        for (_, path, length) in files {
            if *held <= self.capacity {
                break;
            }
            // What cannot be removed is tried again with the next prompt.
            if fs::remove_file(path).is_ok() {
                *held = held.saturating_sub(length);
            }
        }
    }
}

impl ClauseStore for PromptStore {
    fn find(&self, key: &Key) -> Option<Vec<i16>> {
        let path = self.path(key);
        let bytes = fs::read(&path).ok()?;
        let sound = checked(&bytes);
        if sound.is_none() {
            tracing::warn!(file = %path.display(), "a rendered prompt is damaged; it is rendered again");
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            if fs::remove_file(&path).is_ok() {
                *held = held.saturating_sub(bytes.len() as u64);
            }
        }
        sound
    }

    fn keep(&self, key: &Key, pcm: &[i16]) {
        let path = self.path(key);
        if path.exists() {
            return;
        }
        if let Err(error) = self.write(&path, pcm) {
            tracing::warn!(folder = %self.folder.display(), %error, "a rendered prompt is not kept");
        }
    }
}

/// The sound in a file, if it is whole.
fn checked(bytes: &[u8]) -> Option<Vec<i16>> {
    let rest = bytes.strip_prefix(MARK)?;
    let (digest, sound) = rest.split_at_checked(DIGEST)?;
    let whole = Sha256::digest(sound)[..] == *digest && sound.len().is_multiple_of(2);
    whole.then(|| sound.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect())
}

/// When each was written, where it is, and how long it is [bytes].
fn files(folder: &Path) -> Vec<(SystemTime, PathBuf, u64)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let described = entries.filter_map(|entry| {
        let found = entry.metadata().ok()?;
        Some((found.modified().ok()?, entry.path(), found.len()))
    });
    described.collect()
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;
    use std::sync::Arc;

    use super::*;
    use crate::speech::tts::{ClauseCache, Mouth, Voice};

    fn said(store: &Arc<PromptStore>, text: &str) -> (Vec<i16>, u64) {
        let cache = Arc::new(ClauseCache::new(1 << 22).backed_by(store.clone()));
        let mut pcm = Vec::new();
        let mut mouth = Mouth::new(cache.clone());
        mouth.prepare(&Voice::default(), text).unwrap();
        let sink = &mut |piece: crate::speech::tts::Piece| {
            pcm.extend_from_slice(&piece);
            ControlFlow::Continue(())
        };
        mouth.speak(&Voice::default(), text, sink).unwrap();
        (pcm, cache.stats().misses)
    }

    fn files_of(store: &PromptStore) -> Vec<PathBuf> {
        files(&store.folder).into_iter().map(|(_, path, _)| path).collect()
    }

    #[test]
    fn a_prompt_outlives_the_process_and_damage_is_mended() {
        let folder = tempfile::tempdir().unwrap();
        let store = |capacity| Arc::new(PromptStore::open(folder.path().to_owned(), capacity).unwrap());
        let (first, _) = said(&store(1 << 20), "Please wait.");
        let [file] = &files_of(&store(1 << 20))[..] else { panic!("one clause is one file") };
        let whole = fs::read(file).unwrap();
        assert!(!whole.windows(4).any(|window| window == b"wait"), "no text is kept");
        assert!(said(&store(1 << 20), "Please wait.").0 == first, "it is not rendered again");
        for damage in
            [&whole[..whole.len() - 2], &whole[..20], b"", &[&whole[..100], &[whole[100] ^ 1], &whole[101..]].concat()]
        {
            fs::write(file, damage).unwrap();
            // flite never renders a clause twice alike: its noise is drawn by chance.
            let again = said(&store(1 << 20), "Please wait.").0;
            assert!(checked(&fs::read(file).unwrap()) == Some(again), "it is there again");
        }
    }

    #[test]
    fn it_never_holds_more_than_its_capacity() {
        let folder = tempfile::tempdir().unwrap();
        let capacity = 120_000;
        let store = Arc::new(PromptStore::open(folder.path().to_owned(), capacity).unwrap());
        for text in ["One moment.", "Please wait.", "Thank you for calling.", "Good morning."] {
            said(&store, text);
            let held: u64 = files(folder.path()).iter().map(|(_, _, length)| length).sum();
            assert!(held <= capacity && held == *store.held.lock().unwrap());
        }
        assert!(!files_of(&store).is_empty());
        let smaller = PromptStore::open(folder.path().to_owned(), 10).unwrap();
        assert!(files_of(&smaller).is_empty());
    }
}
