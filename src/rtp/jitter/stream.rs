//! One sender between two restarts: how its numbers and its clock go on, where playing stands, and by how much the delay is
//! too long.

use super::io::Arrival;
use super::slots::SLOTS;
use super::ticks;
use crate::rtp::reception::{MAX_DROPOUT, MAX_MISORDER};
use crate::units::{RtpTimestamp, SeqNo};

/// A transit that differs by more from those before belongs to a sender that set its clock anew (ms).
const CLOCK_JUMP_MS: i64 = 1_000;
/// The same at the beginning of a talkspurt, where setting it anew is usual (ms).
const TALKSPURT_JUMP_MS: i64 = 120;
/// After this many late packets in a row the buffer begins anew, rather than drop the rest of the call.
const LATE_IN_A_ROW: u32 = 10;
/// Pulls over which the delay must have been too long before it is shortened: half a second.
const PATIENCE: u32 = 25;

/// What is known of a sender.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    ssrc: u32,
    pub(super) highest: SeqNo,
    /// A timestamp as it came and counted past the wrap.
    reference: (RtpTimestamp, i64),
    late_in_a_row: u32,
    /// `None`: waiting until the first packet is due.
    pub(super) playing: Option<Playing>,
}

impl Stream {
    /// A sender whose first packet is this one: its sound begins at tick 0.
    pub(super) fn new(first: &Arrival<'_>) -> Self {
        let reference = (first.timestamp, 0);
        Self { ssrc: first.ssrc, highest: first.seq, reference, late_in_a_row: 0, playing: None }
    }

    /// Whether the sender begins anew with `packet`, which comes `moved` earlier or later than others would (ticks): another
    /// source, a jump of the numbers or of the clock, or nothing but late packets.
    pub(super) fn ends_with(&self, packet: &Arrival<'_>, moved: i64, clock_rate: u32) -> bool {
        let jump = packet.seq.distance(self.highest);
        let limit = ticks(clock_rate, if packet.marker { TALKSPURT_JUMP_MS } else { CLOCK_JUMP_MS });
        let is_newest_sound = packet.ticks > 0 && jump > 0;
        packet.ssrc != self.ssrc
            || !(-MAX_MISORDER..MAX_DROPOUT).contains(&jump)
            || (is_newest_sound && (moved > limit || self.late_in_a_row >= LATE_IN_A_ROW))
    }

    /// `timestamp` counted past the wrap.
    pub(super) fn extend(&self, timestamp: RtpTimestamp) -> i64 {
        let (reference, at) = self.reference;
        at + i64::from(timestamp.0.wrapping_sub(reference.0) as i32)
    }

    /// A packet comes after its time, and nothing newer has come before it: it was held up, not overtaken, and what follows
    /// was held up behind it. Playing returns to it; answers whether that was so.
    pub(super) fn return_to(&mut self, seq: SeqNo, start: i64) -> bool {
        let is_newest = seq.distance(self.highest) > 0;
        let Some(playing) = self.playing.as_mut().filter(|playing| is_newest && start < playing.playhead) else {
            return false;
        };
        (playing.playhead, playing.spare) = (start, Spare::default());
        true
    }

    /// Whether a packet is so old that its slot belongs to a newer one.
    pub(super) fn is_out_of_reach(&self, seq: SeqNo) -> bool {
        seq.distance(self.highest) <= -(SLOTS as i32)
    }

    /// Whether playing has passed a packet whose sound begins at the tick `start`.
    pub(super) fn has_passed(&self, packet: &Arrival<'_>, start: i64) -> bool {
        self.playing.is_some_and(|playing| {
            packet.seq.distance(playing.last) <= 0 || start + i64::from(packet.ticks) <= playing.playhead
        })
    }

    /// A packet came too late.
    pub(super) fn late(&mut self) {
        self.late_in_a_row += 1;
    }

    /// A packet came in time.
    pub(super) fn in_time(&mut self, seq: SeqNo) {
        self.late_in_a_row = 0;
        if seq.distance(self.highest) > 0 {
            self.highest = seq;
        }
    }
}

/// Where playing stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Playing {
    /// The tick that is heard next.
    pub(super) playhead: i64,
    /// Packet played or passed over last.
    pub(super) last: SeqNo,
    /// Loss in a row (ticks).
    pub(super) missed: u32,
    pub(super) spare: Spare,
}

impl Playing {
    /// Playing begins with this packet.
    pub(super) fn from(first: SeqNo, start: i64) -> Self {
        Self { playhead: start, last: SeqNo(first.0.wrapping_sub(1)), missed: 0, spare: Spare::default() }
    }
}

/// By how much the delay is too long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spare {
    /// Over the last [`PATIENCE`] pulls (ticks): how early packets were for their pulls.
    pub(super) least: i64,
    /// How much less could have waited behind the decoder, so that no packet had come too late for its pull.
    pub(super) removable: i64,
    /// Both, being measured.
    measuring: (i64, i64),
    pulls: u32,
}

impl Default for Spare {
    fn default() -> Self {
        Self { least: 0, removable: 0, measuring: (i64::MAX, i64::MAX), pulls: 0 }
    }
}

impl Spare {
    pub(super) fn measure(&mut self, slack: i64, removable: i64) {
        self.measuring = (self.measuring.0.min(slack), self.measuring.1.min(removable));
        self.pulls += 1;
        if self.pulls == PATIENCE {
            *self = Self { least: self.measuring.0, removable: self.measuring.1, ..Self::default() };
        }
    }

    /// The delay has become shorter. What was being measured was measured with the old one.
    pub(super) fn shorten(&mut self, ticks: u32) {
        let ticks = i64::from(ticks);
        *self = Self { least: self.least - ticks, removable: self.removable - ticks, ..Self::default() };
    }
}
