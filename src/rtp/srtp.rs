//! SRTP and SRTCP: packets that only the other party can read, and that nobody can change (RFC 3711, RFC 7714).
//!
//! ```text
//!   RTP  ─► Sealer ─► header | encrypted payload | tag                          ─► Opener ─► RTP
//!   RTCP ─► Sealer ─► 8 bytes | encrypted rest | (tag) | E, index | (tag)       ─► Opener ─► RTCP
//! ```
//!
//! In place, without allocation, and with a bound on what strangers can make us remember: a packet changes nothing before
//! its tag has proved right. That is also why the `webrtc-srtp` crate is not used: 0.17 keeps a state for every SSRC that
//! anybody names, and panics at an SRTCP packet of 4 bytes.

mod keys;
mod window;

use self::keys::{Cipher, TooShort};
pub use self::keys::{MAX_SECRET_BYTES, Transform};
use self::window::Window;
use super::packet::payload_start;

/// SSRCs of one peer that are known at a time; the one that was silent for longest makes room.
const SOURCES: usize = 4;
/// Bytes of an RTCP packet that are never encrypted: header and SSRC (RFC 3711 §3.4).
const RTCP_CLEAR: usize = 8;
/// Bytes of the index in an SRTCP packet.
const INDEX_BYTES: usize = 4;
/// Bit before the SRTCP index: the packet is encrypted.
const ENCRYPTED: u32 = 1 << 31;

/// Why a packet was not opened. Whoever sent it is not the peer, or the network repeated it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SrtpError {
    /// It ends before its tag.
    #[error("too short for a protected packet")]
    Truncated,
    /// Its tag is wrong.
    #[error("the tag is wrong")]
    Forged,
    /// It has been here before, or is older than what is remembered.
    #[error("the packet has been here before")]
    Replayed,
}

impl From<TooShort> for SrtpError {
    fn from(_: TooShort) -> Self {
        Self::Truncated
    }
}

/// Protects what we send.
#[derive(Debug)]
pub struct Sealer {
    cipher: Cipher,
    /// Rollovers and number of the last packet.
    index: Option<u64>,
    reports: u32,
}

impl Sealer {
    /// With the key and salt that were agreed for this direction. `None` when `secret` has not the length that
    /// `transform` needs.
    pub fn new(transform: Transform, secret: &[u8]) -> Option<Self> {
        Some(Self { cipher: Cipher::derive(transform, secret)?, index: None, reports: 0 })
    }

    /// Protects an RTP packet of ours in place. Its numbers go up by one each time, as those of a
    /// [`Sender`](super::Sender) do.
    ///
    /// # Errors
    /// [`SrtpError::Truncated`] for what is no RTP packet.
    pub fn seal_rtp(&mut self, packet: &mut Vec<u8>) -> Result<(), SrtpError> {
        let (ssrc, seq, start) = rtp_head(packet).ok_or(SrtpError::Truncated)?;
        let index = self.index.map_or(u64::from(seq), |last| estimate(last, seq).unwrap_or(last));
        self.index = Some(index);
        self.cipher.seal_rtp(packet, start, ssrc, index);
        Ok(())
    }

    /// Protects an RTCP packet of ours in place.
    ///
    /// # Errors
    /// [`SrtpError::Truncated`] for what is no RTCP packet.
    pub fn seal_rtcp(&mut self, packet: &mut Vec<u8>) -> Result<(), SrtpError> {
        let ssrc = rtcp_head(packet).ok_or(SrtpError::Truncated)?;
        self.reports = (self.reports + 1) & !ENCRYPTED;
        self.cipher.seal_rtcp(packet, ssrc, self.reports);
        Ok(())
    }
}

/// Opens what the peer sends.
#[derive(Debug)]
pub struct Opener {
    cipher: Cipher,
    /// The most recently heard first.
    sources: [Option<Source>; SOURCES],
}

/// What is remembered of one SSRC.
#[derive(Clone, Copy, Debug)]
struct Source {
    ssrc: u32,
    sound: Option<Window>,
    reports: Option<Window>,
}

impl Opener {
    /// As [`Sealer::new`], for the other direction.
    pub fn new(transform: Transform, secret: &[u8]) -> Option<Self> {
        Some(Self { cipher: Cipher::derive(transform, secret)?, sources: [None; SOURCES] })
    }

    /// Opens an SRTP packet in place.
    ///
    /// # Errors
    /// [`SrtpError`]; `packet` is of no use then.
    pub fn open_rtp(&mut self, packet: &mut Vec<u8>) -> Result<(), SrtpError> {
        let (ssrc, seq, start) = rtp_head(packet).ok_or(SrtpError::Truncated)?;
        let known = self.source(ssrc).sound;
        let index = match known {
            Some(window) => estimate(window.newest(), seq).ok_or(SrtpError::Replayed)?,
            None => u64::from(seq),
        };
        if known.is_some_and(|window| window.has_seen(index)) {
            return Err(SrtpError::Replayed);
        }
        self.cipher.open_rtp(packet, start, ssrc, index)?;
        let source = self.heard(ssrc);
        source.sound = Some(source.sound.unwrap_or_default().with(index));
        Ok(())
    }

    /// Opens an SRTCP packet in place.
    ///
    /// # Errors
    /// [`SrtpError`]; `packet` is of no use then.
    pub fn open_rtcp(&mut self, packet: &mut Vec<u8>) -> Result<(), SrtpError> {
        let ssrc = rtcp_head(packet).ok_or(SrtpError::Truncated)?;
        let index = self.cipher.rtcp_index(packet)? & !ENCRYPTED;
        if self.source(ssrc).reports.is_some_and(|window| window.has_seen(index.into())) {
            return Err(SrtpError::Replayed);
        }
        self.cipher.open_rtcp(packet, ssrc)?;
        let source = self.heard(ssrc);
        source.reports = Some(source.reports.unwrap_or_default().with(index.into()));
        Ok(())
    }

    /// What is remembered of `ssrc`: nothing, for one that was never heard.
    fn source(&self, ssrc: u32) -> Source {
        let known = self.sources.iter().flatten().find(|source| source.ssrc == ssrc);
        known.copied().unwrap_or(Source { ssrc, sound: None, reports: None })
    }

    /// Puts `ssrc`, which has proved to be the peer's, first.
    fn heard(&mut self, ssrc: u32) -> &mut Source {
        let source = self.source(ssrc);
        let is_its = |place: &Option<Source>| place.is_some_and(|known| known.ssrc == ssrc);
        let place = self.sources.iter().position(is_its).unwrap_or(SOURCES - 1);
        self.sources[..=place].rotate_right(1);
        self.sources[0].insert(source)
    }
}

/// SSRC, number and start of the payload.
fn rtp_head(packet: &[u8]) -> Option<(u32, u16, usize)> {
    let start = payload_start(packet).ok()?;
    let ssrc = u32::from_be_bytes(*packet.get(8..)?.first_chunk()?);
    let seq = u16::from_be_bytes(*packet.get(2..)?.first_chunk()?);
    Some((ssrc, seq, start))
}

fn rtcp_head(packet: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*packet.get(4..RTCP_CLEAR)?.first_chunk()?))
}

/// The index of the packet numbered `seq` that is nearest to `last` (RFC 3711 §3.3.1). `None` before the first one.
fn estimate(last: u64, seq: u16) -> Option<u64> {
    let step = i64::from(seq.wrapping_sub(last as u16) as i16);
    last.checked_add_signed(step)
}

#[cfg(test)]
mod tests;
