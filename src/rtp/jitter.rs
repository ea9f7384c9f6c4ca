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

mod io;
mod slots;
mod stream;
mod transit;

use std::time::{Duration, Instant};

pub use self::io::{Arrival, Counts, Pace, Played, Pushed, Signal};
pub use self::slots::SLOTS;
use self::slots::{Content, NextSound, Slots};
use self::stream::{Playing, Stream};
use self::transit::Transits;
pub use self::transit::WINDOW;
use crate::units::SeqNo;

/// Frames a second that are asked for.
const PULLS_PER_SECOND: u32 = 50;
/// How long nothing is taken for loss; after that it is silence (ms). Concealment has faded out by then.
const LONGEST_LOSS_MS: u32 = 100;
/// Held back of what is spare, so that the delay is not shortened and lengthened in turns (ms).
const RESERVE_MS: i64 = 1;
/// How much more than one packet must be spare before it is left out in a quiet moment (ms).
const SPARE_MS: i64 = 10;
/// How much must be spare before a packet is left out although somebody speaks (ms): it cannot be played faster, it seems.
const SPARE_IN_SPEECH_MS: i64 = 100;

/// See the [module](self).
#[derive(Debug)]
pub struct JitterBuffer {
    clock_rate: u32,
    slots: Slots,
    transits: Transits,
    stream: Option<Stream>,
    counts: Counts,
}

impl JitterBuffer {
    /// An empty buffer for packets whose timestamps tick `clock_rate` times a second.
    pub fn new(clock_rate: u32) -> Self {
        let (slots, transits) = (Slots::new(), Transits::new(clock_rate));
        Self { clock_rate, slots, transits, stream: None, counts: Counts::default() }
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
        if self.slots.knows(packet.seq) {
            self.counts.duplicates += 1;
            return Pushed::Duplicate;
        }
        let start = stream.extend(packet.timestamp);
        let is_sound = packet.ticks > 0;
        if is_sound {
            self.transits.arrived(now, start);
            self.counts.returned += u64::from(stream.return_to(packet.seq, start));
        }
        let is_out_of_reach = stream.is_out_of_reach(packet.seq);
        if is_out_of_reach || (is_sound && stream.has_passed(packet, start)) {
            self.counts.late += 1;
            stream.late();
            if !is_out_of_reach {
                self.slots.put(packet, start, Content::Done);
            }
            return Pushed::Late;
        }
        stream.in_time(packet.seq);
        self.slots.put(packet, start, if is_sound { Content::Sound } else { Content::NoSound });
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
            self.slots.done(skipped.seq);
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
            let (first, start) = self.slots.earliest()?;
            stream.playing = (start <= due).then(|| Playing::from(first, start));
        }
        stream.playing
    }

    fn play(&mut self, mut playing: Playing, next: NextSound, pace: Pace) -> Played<'_> {
        playing.playhead = playing.playhead.max(next.start + i64::from(next.ticks));
        playing.last = next.seq;
        playing.missed = 0;
        self.keep(playing);
        self.slots.done(next.seq);
        Played::Sound { seq: next.seq, payload: self.slots.payload(next.seq), pace }
    }

    /// Fills in before a packet that is here. Where one packet is missing, the whole of it at once: the next may remember it.
    fn fill_gap(&mut self, playing: Playing, next: NextSound, step: u32) -> Played<'_> {
        let gap = next.start - playing.playhead;
        if !next.after_loss || gap != i64::from(next.ticks) {
            let kind = if next.after_loss { Advance::Loss } else { Advance::Pause };
            return self.fill_in(playing, kind, gap.min(i64::from(step)) as u32);
        }
        match self.fill_in(playing, Advance::Loss, next.ticks) {
            Played::Lost { ticks, .. } => Played::Lost { ticks, next: self.slots.payload(next.seq) },
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

    fn next_sound(&self, last: SeqNo) -> Option<NextSound> {
        self.slots.next_sound(last, self.stream.as_ref()?.highest)
    }

    fn only_soundless_after(&self, last: SeqNo) -> bool {
        self.stream.as_ref().is_some_and(|stream| self.slots.only_soundless(last, stream.highest))
    }

    fn ticks(&self, ms: i64) -> i64 {
        ticks(self.clock_rate, ms)
    }

    /// Forgets what was, where the sender begins anew; whether there was one before.
    fn begin_anew_if_needed(&mut self, now: Instant, packet: &Arrival<'_>) -> bool {
        let restarted = self.stream.is_some();
        if let Some(stream) = &self.stream {
            let moved = self.transits.moved(now, stream.extend(packet.timestamp));
            if !stream.ends_with(packet, moved, self.clock_rate) {
                return false;
            }
            self.counts.restarts += 1;
        }
        self.transits.clear();
        self.slots.clear();
        self.stream = Some(Stream::new(packet));
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

/// `ms` on a clock that ticks `clock_rate` times a second.
const fn ticks(clock_rate: u32, ms: i64) -> i64 {
    ms * clock_rate as i64 / 1_000
}

#[cfg(test)]
mod tests;
