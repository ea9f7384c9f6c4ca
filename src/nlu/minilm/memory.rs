//! Embeddings of sentences that come again: examples are learned from many times, and seldom change.

use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};

use super::{DIMENSIONS, Embedding, VIEWS};

/// Sentences that are kept: 75 MB.
const ROOM: usize = 16_384;

/// Sentences with their embeddings. Full at [`ROOM`]; what comes later is worked out each time.
#[derive(Debug, Default)]
pub(super) struct Memory(RwLock<HashMap<String, Embedding>>);

impl Memory {
    /// What is known of each text.
    pub(super) fn recall(&self, texts: &[&str]) -> Vec<Option<Embedding>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        texts.iter().map(|text| known.get(*text).cloned()).collect()
    }

    /// Keeps what was worked out.
    pub(super) fn keep<'a>(&self, worked_out: impl Iterator<Item = (&'a str, &'a Embedding)>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (text, embedding) in worked_out {
            if known.len() < ROOM {
                known.insert(text.to_owned(), embedding.clone());
            }
        }
    }

    /// All of it with the mark of the model that it is from: the same bytes for the same sentences.
    pub(super) fn to_bytes(&self, fingerprint: u64) -> Vec<u8> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let sorted: BTreeMap<&String, &Embedding> = known.iter().collect();
        postcard::to_stdvec(&(fingerprint, sorted)).expect("numbers and words can be written")
    }

    /// Takes in what [`to_bytes`](Self::to_bytes) wrote; `false` if it is not that, or from another model.
    pub(super) fn read(&self, bytes: &[u8], fingerprint: u64) -> bool {
        let Ok((mark, known)) = postcard::from_bytes::<(u64, HashMap<String, Embedding>)>(bytes) else { return false };
        let fits = mark == fingerprint && known.values().all(|embedding| embedding.len() == VIEWS * DIMENSIONS);
        if fits {
            self.keep(known.iter().map(|(text, embedding)| (text.as_str(), embedding)));
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_read_again_and_nothing_else_is() {
        let memory = Memory::default();
        memory
            .keep([("a card", &vec![0.5; VIEWS * DIMENSIONS]), ("a cat", &vec![0.25; VIEWS * DIMENSIONS])].into_iter());
        let bytes = memory.to_bytes(7);
        let again = Memory::default();
        assert!(!again.read(&bytes, 8), "from another model");
        assert!(!again.read(&bytes[..bytes.len() - 1], 7), "cut short");
        assert_eq!(again.recall(&["a card"]), [None]);
        assert!(again.read(&bytes, 7));
        assert_eq!(again.recall(&["a card", "a dog"]), [Some(vec![0.5; VIEWS * DIMENSIONS]), None]);
        assert_eq!(again.to_bytes(7), bytes);
    }
}
