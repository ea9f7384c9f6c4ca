//! The jitter buffer: packets come in as the network brings them, and go out in order when they are due.
//!
//! ```text
//!            now − base − target = the timestamp that is due
//!                    │
//!   played ──────────┼──[ 7 ]─[ 8 ]─(lost)─[ 10 ]──► newest            slots, by sequence number
//!                playhead
//!
//!   playhead ahead of what is due: play slower, or hold it and fill in     (delay grows)
//!   playhead far behind:           play faster, or leave out a packet      (delay shrinks)
//! ```
//!
//! Playing slower and faster is done by who decodes ([`Pace`]): a little of each packet is repeated or left out, so that
//! nobody hears the delay change.
//!
//! *base* is the quickest transit among the last [`WINDOW`] packets, *target* how much slower the slowest of them was. So
//! the delay follows the network within seconds, and a drift between the two clocks is nothing but a slow change of base.
//!
//! Where nothing at all comes for a while, a stall and a loss look the same; what comes next tells them apart. When the newest
//! packet is late, all of them were held up together, and are still heard: the playhead returns to them, and what the delay
//! grew by is taken back by playing faster. When it is in time, what lies before it is lost, and nothing is waited for.
//!
//! Invariants: packets go out in the order of their sequence numbers, each at most once, until the sender starts anew; no
//! more than [`SLOTS`] are kept; a slot's memory is used again.

mod transit;

use std::time::{Duration, Instant};

use self::transit::Transits;
pub use self::transit::WINDOW;
use super::reception::{MAX_DROPOUT, MAX_MISORDER};
use crate::units::{RtpTimestamp, SeqNo};

/// Packets kept at most: 1.28 s at 20 ms. A newer packet takes the place of one that is this much older.
pub const SLOTS: usize = 64;
/// Room that each slot has from the beginning (bytes): 30 ms of G.711. A slot grows once for more.
const USUAL_PAYLOAD_BYTES: usize = 240;
/// Frames a second that are asked for.
const PULLS_PER_SECOND: u32 = 50;
/// How long nothing is taken for loss; after that it is silence (ms). Concealment has faded out by then.
const LONGEST_LOSS_MS: u32 = 100;
/// A transit that differs by more from those before belongs to a sender that set its clock anew (ms).
const CLOCK_JUMP_MS: i64 = 1_000;
/// The same at the beginning of a talkspurt, where setting it anew is usual (ms).
const TALKSPURT_JUMP_MS: i64 = 120;
/// After this many late packets in a row the buffer begins anew, rather than drop the rest of the call.
const LATE_IN_A_ROW: u32 = 10;
/// Pulls over which the delay must have been too long before it is shortened: half a second.
const PATIENCE: u32 = 25;
/// Held back of what is spare, so that the delay is not shortened and lengthened in turns (ms).
const RESERVE_MS: i64 = 1;
/// How much more than one packet must be spare before it is left out in a quiet moment (ms).
const SPARE_MS: i64 = 10;
/// How much must be spare before a packet is left out although somebody speaks (ms): it cannot be played faster, it seems.
const SPARE_IN_SPEECH_MS: i64 = 100;

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
    /// Shorter, where that can be done unnoticed; see [`JitterBuffer::shortened`].
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

/// See the [module](self).
#[derive(Debug)]
pub struct JitterBuffer {
    clock_rate: u32,
    slots: Box<[Slot]>,
    transits: Transits,
    stream: Option<Stream>,
    counts: Counts,
}

#[derive(Clone, Debug, Default)]
struct Slot {
    seq: u16,
    content: Content,
    /// First tick, counted past the wrap.
    start: i64,
    ticks: u32,
    payload: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Content {
    #[default]
    Vacant,
    Sound,
    /// A packet that holds no sound.
    NoSound,
    /// Played, left out or late.
    Done,
}

/// One sender between two restarts.
#[derive(Clone, Debug)]
struct Stream {
    ssrc: u32,
    highest: SeqNo,
    /// A timestamp as it came and counted past the wrap.
    reference: (RtpTimestamp, i64),
    late_in_a_row: u32,
    /// `None`: waiting until the first packet is due.
    playing: Option<Playing>,
}

#[derive(Clone, Copy, Debug)]
struct Playing {
    /// The tick that is heard next.
    playhead: i64,
    /// Packet played or passed over last.
    last: SeqNo,
    /// Loss in a row (ticks).
    missed: u32,
    spare: Spare,
}

/// By how much the delay is too long.
#[derive(Clone, Copy, Debug)]
struct Spare {
    /// Over the last [`PATIENCE`] pulls (ticks): how early packets were for their pulls.
    least: i64,
    /// How much less could have waited behind the decoder, so that no packet had come too late for its pull.
    removable: i64,
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
    fn measure(&mut self, slack: i64, removable: i64) {
        self.measuring = (self.measuring.0.min(slack), self.measuring.1.min(removable));
        self.pulls += 1;
        if self.pulls == PATIENCE {
            *self = Self { least: self.measuring.0, removable: self.measuring.1, ..Self::default() };
        }
    }

    /// The delay has become shorter. What was being measured was measured with the old one.
    fn shorten(&mut self, ticks: u32) {
        let ticks = i64::from(ticks);
        *self = Self { least: self.least - ticks, removable: self.removable - ticks, ..Self::default() };
    }
}

impl JitterBuffer {
    /// An empty buffer for packets whose timestamps tick `clock_rate` times a second.
    pub fn new(clock_rate: u32) -> Self {
        let slot = || Slot { payload: Vec::with_capacity(USUAL_PAYLOAD_BYTES), ..Slot::default() };
        let slots = std::iter::repeat_with(slot).take(SLOTS).collect();
        Self { clock_rate, slots, transits: Transits::new(clock_rate), stream: None, counts: Counts::default() }
    }

    /// What has gone other than smoothly so far.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// How long the quickest packet waits here before it is heard.
    pub fn delay(&self, now: Instant) -> Duration {
        let playhead = self.stream.as_ref().and_then(|stream| Some(stream.playing.as_ref()?.playhead));
        let ticks = playhead.map_or(0, |playhead| self.transits.newest(now) - playhead);
        Duration::from_secs_f64(ticks.max(0) as f64 / f64::from(self.clock_rate))
    }

    /// Takes a packet that arrives at `now`.
    pub fn push(&mut self, now: Instant, packet: &Arrival<'_>) -> Pushed {
        let restarted = self.begin_anew_if_needed(now, packet);
        let Some(stream) = &mut self.stream else { return Pushed::Late };
        let slot = &mut self.slots[index(packet.seq)];
        if slot.content != Content::Vacant && slot.seq == packet.seq.0 {
            self.counts.duplicates += 1;
            return Pushed::Duplicate;
        }
        let start = stream.extend(packet.timestamp);
        if packet.ticks > 0 {
            self.transits.arrived(now, start);
        }
        if packet.ticks > 0 && stream.return_to(packet.seq, start) {
            self.counts.returned += 1;
        }
        let older = packet.seq.distance(stream.highest) <= -(SLOTS as i32);
        let passed = stream.playing.is_some_and(|playing| {
            packet.seq.distance(playing.last) <= 0 || start + i64::from(packet.ticks) <= playing.playhead
        });
        if older || (passed && packet.ticks > 0) {
            self.counts.late += 1;
            stream.late_in_a_row += 1;
            if !older {
                slot.fill(packet, start, Content::Done);
            }
            return Pushed::Late;
        }
        stream.late_in_a_row = 0;
        if packet.seq.distance(stream.highest) > 0 {
            stream.highest = packet.seq;
        }
        slot.fill(packet, start, if packet.ticks > 0 { Content::Sound } else { Content::NoSound });
        if restarted { Pushed::Restarted } else { Pushed::Stored }
    }

    /// The next piece of sound, asked for at `now`, where `waiting` of what was pulled before has not been heard yet (ticks).
    pub fn pull(&mut self, now: Instant, waiting: u32, signal: Signal) -> Played<'_> {
        let step = self.clock_rate / PULLS_PER_SECOND;
        let due = self.transits.newest(now) - self.transits.target();
        let Some(mut playing) = self.playing(due) else { return Played::Silence { ticks: step } };
        let slack = due - playing.playhead;
        let mut next = self.next_sound(playing.last);
        if slack < 0 {
            if let Some(next) = next.filter(|next| next.start <= playing.playhead) {
                self.counts.slower += 1;
                return self.play(playing, next, Pace::Slower);
            }
            self.counts.held += 1;
            return self.fill_in(playing, Advance::Hold, step);
        }
        if let Some(next) = next.filter(|next| next.start > playing.playhead && !next.after_loss) {
            // Nobody speaks: the delay may change freely, within the pause.
            let spare = (slack - self.ticks(SPARE_MS)).clamp(0, next.start - playing.playhead);
            playing.playhead += spare;
        }
        // Sound that waits can be shortened at no risk; whole steps of what is early make a packet wait a step less.
        let steps = (slack - self.ticks(RESERVE_MS)).max(0) / i64::from(step);
        playing.spare.measure(slack, i64::from(waiting) + steps * i64::from(step));
        if let Some(skipped) = next.filter(|next| self.may_leave_out(next, &playing, signal)) {
            self.slots[index(skipped.seq)].content = Content::Done;
            self.counts.left_out += 1;
            playing.last = skipped.seq;
            playing.playhead += i64::from(skipped.ticks);
            playing.spare.shorten(skipped.ticks);
            next = self.next_sound(playing.last);
        }
        match next {
            Some(next) if next.start <= playing.playhead => {
                let most = playing.spare.removable.max(0) as u32;
                let pace = if most == 0 { Pace::Even } else { Pace::Faster { most } };
                self.play(playing, next, pace)
            }
            Some(next) => self.fill_gap(playing, next, step),
            None if self.only_soundless_after(playing.last) => self.fill_in(playing, Advance::Pause, step),
            None => self.fill_in(playing, Advance::Loss, step),
        }
    }

    /// The last packet, to be played faster, was played `ticks` shorter.
    pub fn shortened(&mut self, ticks: u32) {
        if ticks > 0
            && let Some(playing) = self.stream.as_mut().and_then(|stream| stream.playing.as_mut())
        {
            self.counts.faster += 1;
            playing.spare.shorten(ticks);
        }
    }

    /// Where playing stands; begins it when the first packet is due.
    fn playing(&mut self, due: i64) -> Option<Playing> {
        let stream = self.stream.as_mut()?;
        if stream.playing.is_none() {
            let sounds = self.slots.iter().filter(|slot| slot.content == Content::Sound);
            let first = sounds.min_by_key(|slot| slot.start)?;
            if first.start <= due {
                let last = SeqNo(first.seq.wrapping_sub(1));
                stream.playing = Some(Playing { playhead: first.start, last, missed: 0, spare: Spare::default() });
            }
        }
        stream.playing
    }

    fn play(&mut self, mut playing: Playing, next: NextSound, pace: Pace) -> Played<'_> {
        playing.playhead = playing.playhead.max(next.start + i64::from(next.ticks));
        playing.last = next.seq;
        playing.missed = 0;
        self.keep(playing);
        let slot = &mut self.slots[index(next.seq)];
        slot.content = Content::Done;
        Played::Sound { seq: next.seq, payload: &slot.payload, pace }
    }

    /// Fills in before a packet that is here. Where one packet is missing, the whole of it at once: the next may remember it.
    fn fill_gap(&mut self, playing: Playing, next: NextSound, step: u32) -> Played<'_> {
        let gap = next.start - playing.playhead;
        if !next.after_loss || gap != i64::from(next.ticks) {
            let kind = if next.after_loss { Advance::Loss } else { Advance::Pause };
            return self.fill_in(playing, kind, gap.min(i64::from(step)) as u32);
        }
        match self.fill_in(playing, Advance::Loss, next.ticks) {
            Played::Lost { ticks, .. } => Played::Lost { ticks, next: &self.slots[index(next.seq)].payload },
            other => other,
        }
    }

    /// Fills in for `ticks` of sound that are not here, or not yet.
    fn fill_in(&mut self, mut playing: Playing, advance: Advance, ticks: u32) -> Played<'static> {
        if advance != Advance::Hold {
            playing.playhead += i64::from(ticks);
        }
        // What is held continues what was heard: loss after sound, silence after silence.
        let longest = LONGEST_LOSS_MS * self.clock_rate / 1_000;
        let lost = advance != Advance::Pause && playing.missed < longest;
        playing.missed = if lost { playing.missed + ticks } else { longest };
        self.keep(playing);
        if lost { Played::Lost { ticks, next: &[] } } else { Played::Silence { ticks } }
    }

    fn keep(&mut self, playing: Playing) {
        if let Some(stream) = &mut self.stream {
            stream.playing = Some(playing);
        }
    }

    fn may_leave_out(&self, next: &NextSound, playing: &Playing, signal: Signal) -> bool {
        let spare = match signal {
            Signal::Quiet => SPARE_MS,
            Signal::Active => SPARE_IN_SPEECH_MS,
        };
        next.start <= playing.playhead && playing.spare.least >= i64::from(next.ticks) + self.ticks(spare)
    }

    /// The first packet of sound after `last`.
    fn next_sound(&self, last: SeqNo) -> Option<NextSound> {
        let mut after_loss = false;
        for seq in self.after(last)? {
            let slot = &self.slots[index(seq)];
            let here = slot.seq == seq.0;
            match slot.content {
                Content::Sound if here => {
                    return Some(NextSound { seq, start: slot.start, ticks: slot.ticks, after_loss });
                }
                Content::NoSound if here => {}
                _ => after_loss = true,
            }
        }
        None
    }

    /// Whether all that came after `last` is packets without sound, and there are some.
    fn only_soundless_after(&self, last: SeqNo) -> bool {
        let soundless = |seq| {
            let slot: &Slot = &self.slots[index(seq)];
            slot.seq == seq.0 && slot.content == Content::NoSound
        };
        self.after(last).is_some_and(|mut after| {
            let first = after.next();
            first.is_some_and(soundless) && after.all(soundless)
        })
    }

    /// The numbers after `last` up to the highest, as far as slots reach.
    fn after(&self, last: SeqNo) -> Option<impl Iterator<Item = SeqNo> + use<>> {
        let ahead = self.stream.as_ref()?.highest.distance(last).max(0);
        let first = ahead - ahead.min(SLOTS as i32);
        Some((first..ahead).map(move |n| SeqNo(last.0.wrapping_add(n as u16 + 1))))
    }

    fn ticks(&self, ms: i64) -> i64 {
        ms * i64::from(self.clock_rate) / 1_000
    }

    /// Notices a sender that began anew: another source, a jump of the numbers or of the clock, or nothing but late
    /// packets.
    fn begin_anew_if_needed(&mut self, now: Instant, packet: &Arrival<'_>) -> bool {
        if let Some(stream) = &self.stream {
            let jump = packet.seq.distance(stream.highest);
            let limit = if packet.marker { TALKSPURT_JUMP_MS } else { CLOCK_JUMP_MS };
            let moved = self.transits.moved(now, stream.extend(packet.timestamp));
            let anew = packet.ssrc != stream.ssrc
                || !(-MAX_MISORDER..MAX_DROPOUT).contains(&jump)
                || (packet.ticks > 0 && jump > 0 && moved > self.ticks(limit))
                || (packet.ticks > 0 && jump > 0 && stream.late_in_a_row >= LATE_IN_A_ROW);
            if !anew {
                return false;
            }
            self.counts.restarts += 1;
        }
        let restarted = self.stream.is_some();
        self.transits.clear();
        for slot in &mut self.slots {
            slot.content = Content::Vacant;
        }
        let reference = (packet.timestamp, 0);
        self.stream =
            Some(Stream { ssrc: packet.ssrc, highest: packet.seq, reference, late_in_a_row: 0, playing: None });
        restarted
    }
}

/// How the playhead moves over what is not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Advance {
    /// Not at all: the delay grows.
    Hold,
    /// Past lost sound.
    Loss,
    /// Past silence.
    Pause,
}

/// Where the next sound is.
#[derive(Clone, Copy, Debug)]
struct NextSound {
    seq: SeqNo,
    start: i64,
    ticks: u32,
    /// A packet before it is missing.
    after_loss: bool,
}

impl Slot {
    fn fill(&mut self, packet: &Arrival<'_>, start: i64, content: Content) {
        (self.seq, self.start, self.ticks, self.content) = (packet.seq.0, start, packet.ticks, content);
        self.payload.clear();
        self.payload.extend_from_slice(packet.payload);
    }
}

impl Stream {
    /// A packet comes after its time, and nothing newer has come before it: it was held up, not overtaken, and what follows
    /// was held up behind it.
    fn return_to(&mut self, seq: SeqNo, start: i64) -> bool {
        let is_newest = seq.distance(self.highest) > 0;
        let Some(playing) = self.playing.as_mut().filter(|playing| is_newest && start < playing.playhead) else {
            return false;
        };
        (playing.playhead, playing.spare) = (start, Spare::default());
        true
    }

    /// `timestamp` counted past the wrap.
    fn extend(&self, timestamp: RtpTimestamp) -> i64 {
        let (reference, at) = self.reference;
        at + i64::from(timestamp.0.wrapping_sub(reference.0) as i32)
    }
}

const fn index(seq: SeqNo) -> usize {
    seq.0 as usize % SLOTS
}

#[cfg(test)]
mod tests;
