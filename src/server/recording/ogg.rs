//! Ogg Opus (RFC 7845): a tenth of a WAV.
//!
//! ```text
//!  page OpusHead ─ page OpusTags ─ pages of a second each (50 packets) … ─ last page
//! ```
//!
//! A recording that breaks off is whole up to its last second.

use std::io;

use ogg::{PacketWriteEndInfo as Ends, PacketWriter};

use super::Sides;
use super::file::Kept;
use crate::audio::Frame;
use crate::audio::opus::TwoVoices;

/// Packets in a page.
const PACKETS: u64 = 50;
/// Ticks of 20 ms at 48 kHz, which positions are counted in whatever was coded (RFC 7845 §4).
const TICKS: u64 = 960;
/// Samples a second before coding; said to those who want to know, and no more (RFC 7845 §5.1).
const RATE: u32 = 16_000;

/// An Ogg Opus file that grows.
pub(super) struct OggOpus {
    voices: TwoVoices,
    writer: PacketWriter<'static, Kept>,
    serial: u32,
    frames: u64,
    packet: Vec<u8>,
}

impl OggOpus {
    pub(super) fn begin(file: Kept) -> io::Result<Self> {
        let (voices, serial) = (TwoVoices::default(), fastrand::u32(..));
        let mut writer = PacketWriter::new(file);
        writer.write_packet(head(voices.delay()), serial, Ends::EndPage, 0)?;
        writer.write_packet(tags(), serial, Ends::EndPage, 0)?;
        Ok(Self { voices, writer, serial, frames: 0, packet: Vec::new() })
    }

    pub(super) fn add(&mut self, sides: &Sides) -> io::Result<()> {
        self.voices.encode(sides, &mut self.packet);
        self.frames += 1;
        let ends = if self.frames.is_multiple_of(PACKETS) { Ends::EndPage } else { Ends::NormalPacket };
        self.writer.write_packet(self.packet.clone(), self.serial, ends, self.frames * TICKS)
    }

    /// What the coder holds back comes with one packet more, of which only that much is to be heard.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.voices.encode(&[Frame::SILENCE; 2], &mut self.packet);
        let last = self.frames * TICKS + u64::from(self.voices.delay());
        self.writer.write_packet(std::mem::take(&mut self.packet), self.serial, Ends::EndStream, last)?;
        self.writer.into_inner().finish(&[])
    }
}

/// RFC 7845 §5.1. `delay`: what a player leaves out at the beginning (ticks).
fn head(delay: u16) -> Vec<u8> {
    let (version, channels, gain, family) = (1, 2, [0; 2], 0);
    let mut head = b"OpusHead".to_vec();
    head.extend([version, channels]);
    head.extend(delay.to_le_bytes());
    head.extend(RATE.to_le_bytes());
    head.extend(gain);
    head.push(family);
    head
}

/// RFC 7845 §5.2.
fn tags() -> Vec<u8> {
    let comments = ["DESCRIPTION=left: the caller; right: the hotline, or who took the call over"];
    let mut tags = b"OpusTags".to_vec();
    let mut put = |text: &str| {
        tags.extend((text.len() as u32).to_le_bytes());
        tags.extend(text.as_bytes());
    };
    put(concat!("antevox ", env!("CARGO_PKG_VERSION")));
    let count = comments.len() as u32;
    tags.extend(count.to_le_bytes());
    for text in comments {
        tags.extend((text.len() as u32).to_le_bytes());
        tags.extend(text.as_bytes());
    }
    tags
}
