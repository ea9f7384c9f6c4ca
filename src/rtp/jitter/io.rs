//! What goes into the jitter buffer and what comes out of it.

use crate::units::{RtpTimestamp, SeqNo};

/// A packet of sound that has arrived.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// Who sent it; a change starts the buffer anew.
    pub ssrc: u32,
    /// Its number.
    pub seq: SeqNo,
    /// Media time of its first sample.
    pub timestamp: RtpTimestamp,
    /// How much sound it holds (ticks of the RTP clock); 0 for a packet that holds none, such as a key press.
    pub ticks: u32,
    /// Begins a talkspurt.
    pub marker: bool,
    /// The coded sound.
    pub payload: &'a [u8],
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It will be played, unless a newer one takes its place.
    Stored,
    /// The sender began anew, with this packet.
    Restarted,
    /// It has been here before.
    Duplicate,
    /// Its time has passed.
    Late,
}

/// What is heard next. Not always 20 ms: as much as a packet holds, or less before one that follows a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Played<'a> {
    /// This packet's sound.
    Sound {
        /// The packet's number.
        seq: SeqNo,
        /// The coded sound.
        payload: &'a [u8],
        /// How fast to play it.
        pace: Pace,
    },
    /// Something was said, but it is not here.
    Lost {
        /// How much (ticks).
        ticks: u32,
        /// The payload that follows right after it, which may remember it; empty when it is not here.
        next: &'a [u8],
    },
    /// Nothing was sent.
    Silence {
        /// How much (ticks).
        ticks: u32,
    },
}

/// How fast a packet is to be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As it was spoken.
    Even,
    /// Shorter, where that can be done unnoticed; see [`JitterBuffer::shortened`](super::JitterBuffer::shortened).
    Faster {
        /// By at most this (ticks).
        most: u32,
    },
    /// A little longer, where that can be done unnoticed.
    Slower,
}

/// What the listener heard last: in a quiet moment a packet can be left out unnoticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Nothing much.
    Quiet,
    /// Speech, or another loud sound.
    Active,
}

/// What went other than smoothly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets that came after their time.
    pub late: u64,
    /// Packets that came more than once.
    pub duplicates: u64,
    /// Packets left out to shorten the delay.
    pub left_out: u64,
    /// Packets played slower to lengthen the delay.
    pub slower: u64,
    /// Packets played faster to shorten it.
    pub faster: u64,
    /// Times that the playhead was held because nothing was there to be played slower.
    pub held: u64,
    /// Times that the playhead returned to packets that had been held up.
    pub returned: u64,
    /// Times that the sender began anew.
    pub restarts: u64,
}
