//! Stereo WAV with 16 bits a sample: 3.8 MB a minute, and everything can read it.

use std::io::{self, Write};

use super::Sides;
use super::file::Kept;
use crate::audio::FRAME_SAMPLES;

/// Bytes of the head.
pub(super) const HEAD: usize = 44;
/// Samples a second, of each side.
pub(super) const RATE: u32 = 16_000;

/// A WAV that grows. In a sealed one the head cannot be mended at the end, so it says "as long as it goes on"; whoever opens
/// the seal writes the length.
pub(super) struct Wav {
    file: Kept,
    length: u32,
}

impl Wav {
    pub(super) fn begin(mut file: Kept) -> io::Result<Self> {
        let length = match file {
            Kept::Plain(_) => 0,
            Kept::Sealed(_) => u32::MAX,
        };
        file.write_all(&head(length))?;
        Ok(Self { file, length: 0 })
    }

    pub(super) fn add(&mut self, [left, right]: &Sides) -> io::Result<()> {
        let mut bytes = [0; 4 * FRAME_SAMPLES];
        for (place, (l, r)) in bytes.chunks_exact_mut(4).zip(left.0.iter().zip(&right.0)) {
            place[..2].copy_from_slice(&l.to_le_bytes());
            place[2..].copy_from_slice(&r.to_le_bytes());
        }
        self.length += bytes.len() as u32;
        self.file.write_all(&bytes)
    }

    pub(super) fn finish(self) -> io::Result<()> {
        self.file.finish(&head(self.length))
    }
}

/// The head of a stereo WAV with so many bytes of sound.
pub(super) fn head(length: u32) -> [u8; HEAD] {
    const CHANNELS: u16 = 2;
    const BYTES: u16 = 2;
    let mut head = [0; HEAD];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        head[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(b"RIFF");
    put(&length.saturating_add(HEAD as u32 - 8).to_le_bytes());
    put(b"WAVEfmt ");
    put(&16u32.to_le_bytes());
    put(&1u16.to_le_bytes());
    put(&CHANNELS.to_le_bytes());
    put(&RATE.to_le_bytes());
    put(&(RATE * u32::from(CHANNELS * BYTES)).to_le_bytes());
    put(&(CHANNELS * BYTES).to_le_bytes());
    put(&(8 * BYTES).to_le_bytes());
    put(b"data");
    put(&length.to_le_bytes());
    head
}
