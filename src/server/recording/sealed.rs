//! A file that only its key opens: AES-256-GCM in chunks, so that it can grow, and be read up to where it broke off.
//!
//! ```text
//!  "AVSEAL1\n"  nonce (8 random bytes)  chunk 0  chunk 1  …  last chunk
//!  chunk n: up to 64 KiB, encrypted, and a tag of 16 bytes; its nonce is the file's and n, its rank (more follow, or the
//!  last) is proved with it. So no chunk can be left out, moved, or cut off unnoticed.
//! ```

use std::io::{self, Write};
use std::path::Path;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

const MAGIC: &[u8; 8] = b"AVSEAL1\n";
const CHUNK: usize = 65_536;
const TAG: usize = 16;
const PREFIX: usize = 8;
const MORE: [u8; 1] = [0];
const LAST: [u8; 1] = [1];

/// A key of 256 bits. Shows nothing of itself.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Why a key or a sealed file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The key's file cannot be read.
    #[error("{0}: {1}; `openssl rand -hex 32` makes a key")]
    KeyFile(String, io::Error),
    /// It holds something else.
    #[error("{0}: a key is 64 hexadecimal digits; `openssl rand -hex 32` makes one")]
    BadKey(String),
    /// The file is not one of ours.
    #[error("this is no sealed recording")]
    NotSealed,
    /// Another key, or somebody changed it.
    #[error("the recording is sealed with another key, or was changed or cut off")]
    Forged,
}

impl Key {
    /// From random bytes.
    pub const fn new(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// Reads 64 hexadecimal digits from a file.
    ///
    /// # Errors
    /// [`SealError::KeyFile`], [`SealError::BadKey`].
    pub fn from_file(path: &Path) -> Result<Self, SealError> {
        let name = || path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| SealError::KeyFile(name(), error))?;
        Self::read(text.trim()).ok_or_else(|| SealError::BadKey(name()))
    }

    fn read(hex: &str) -> Option<Self> {
        let mut key = [0; 32];
        if hex.len() != 64 || !hex.is_ascii() {
            return None;
        }
        for (n, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).ok()?;
        }
        Some(Self(key))
    }

    fn cipher(&self) -> io::Result<LessSafeKey> {
        let key = UnboundKey::new(&AES_256_GCM, &self.0).map_err(|_| io::ErrorKind::Unsupported)?;
        Ok(LessSafeKey::new(key))
    }
}

fn nonce(prefix: [u8; PREFIX], chunk: u32) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[..PREFIX].copy_from_slice(&prefix);
    nonce[PREFIX..].copy_from_slice(&chunk.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

/// A file that is being sealed.
pub struct Sealing<W> {
    cipher: LessSafeKey,
    prefix: [u8; PREFIX],
    chunk: u32,
    waiting: Vec<u8>,
    to: W,
}

impl<W: Write> Sealing<W> {
    /// Begins with the head.
    ///
    /// # Errors
    /// What the writer says; that there is no randomness.
    pub fn new(key: &Key, mut to: W) -> io::Result<Self> {
        let mut prefix = [0; PREFIX];
        SystemRandom::new().fill(&mut prefix).map_err(|_| io::ErrorKind::Unsupported)?;
        to.write_all(MAGIC)?;
        to.write_all(&prefix)?;
        Ok(Self { cipher: key.cipher()?, prefix, chunk: 0, waiting: Vec::with_capacity(CHUNK + TAG), to })
    }

    /// Appends.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            // A full chunk waits for what follows: only then it is not the last.
            if self.waiting.len() == CHUNK {
                self.seal(MORE)?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - self.waiting.len()));
            self.waiting.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Writes the last chunk.
    ///
    /// # Errors
    /// What the writer says.
    pub fn finish(mut self) -> io::Result<()> {
        self.seal(LAST)?;
        self.to.flush()
    }

    fn seal(&mut self, rank: [u8; 1]) -> io::Result<()> {
        let nonce = nonce(self.prefix, self.chunk);
        // 2^32 chunks are 280 TB.
        self.chunk = self.chunk.checked_add(1).ok_or(io::ErrorKind::FileTooLarge)?;
        let sealed = self.cipher.seal_in_place_append_tag(nonce, Aad::from(rank), &mut self.waiting);
        sealed.map_err(|_| io::ErrorKind::InvalidData)?;
        self.to.write_all(&self.waiting)?;
        self.waiting.clear();
        Ok(())
    }
}

/// What is in a sealed file.
///
/// # Errors
/// [`SealError::NotSealed`], [`SealError::Forged`].
pub fn open(key: &Key, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let rest = sealed.strip_prefix(MAGIC).ok_or(SealError::NotSealed)?;
    let (&prefix, rest) = rest.split_first_chunk().ok_or(SealError::NotSealed)?;
    let cipher = key.cipher().map_err(|_| SealError::Forged)?;
    let mut plain = Vec::with_capacity(rest.len());
    let chunks = rest.len().div_ceil(CHUNK + TAG);
    if chunks == 0 {
        return Err(SealError::Forged);
    }
    for (n, chunk) in rest.chunks(CHUNK + TAG).enumerate() {
        let rank = if n + 1 == chunks { LAST } else { MORE };
        let mut chunk = chunk.to_vec();
        let nonce = nonce(prefix, n as u32);
        plain.extend_from_slice(
            cipher.open_in_place(nonce, Aad::from(rank), &mut chunk).map_err(|_| SealError::Forged)?,
        );
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key::read(&"0123456789abcdef".repeat(4)).unwrap()
    }

    fn sealed(bytes: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut sealing = Sealing::new(&key(), &mut file).unwrap();
        for piece in bytes.chunks(1_000) {
            sealing.write_all(piece).unwrap();
        }
        sealing.finish().unwrap();
        file
    }

    #[test]
    fn what_was_sealed_is_opened_whatever_its_length() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let bytes: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            assert_eq!(open(&key(), &sealed(&bytes)).unwrap(), bytes, "{length}");
        }
    }

    #[test]
    fn another_key_a_changed_bit_or_a_cut_is_noticed() {
        let bytes = vec![9; 2 * CHUNK + 5];
        let file = sealed(&bytes);
        let forged = |file: &[u8]| matches!(open(&key(), file), Err(SealError::Forged));
        assert!(matches!(open(&Key::new([0; 32]), &file), Err(SealError::Forged)));
        for at in [8, 16, 20_000, file.len() - 1] {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(forged(&changed), "{at}");
        }
        for length in [16, 16 + CHUNK + TAG, 16 + 2 * (CHUNK + TAG), file.len() - 1] {
            assert!(forged(&file[..length]), "{length}");
        }
        let swapped = [&file[..16], &file[16 + CHUNK + TAG..16 + 2 * (CHUNK + TAG)], &file[16..]].concat();
        assert!(forged(&swapped));
        assert!(matches!(open(&key(), b"RIFF"), Err(SealError::NotSealed)));
    }

    #[test]
    fn keys_are_64_digits() {
        assert!(
            Key::read("12").is_none() && Key::read(&"g".repeat(64)).is_none() && Key::read(&"é".repeat(32)).is_none()
        );
        assert_eq!(format!("{:?}", key()), "Key(…)");
    }
}
