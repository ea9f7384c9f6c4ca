//! How long packets have been under way: the network's quickest transit and how much slower the others were.

use std::time::Instant;

use super::ticks;

/// Packets remembered: about five seconds at 20 ms.
pub const WINDOW: usize = 256;
/// Longest delay that is aimed at (ms). Sound that comes too late is lost to the recogniser as well as to people, so a line
/// this uneven is better slow than full of holes; with more, nobody could talk any longer (ITU-T G.114: 400 ms in all).
const MAX_TARGET_MS: i64 = 240;
/// Delay aimed at while little is known (ms).
const FIRST_TARGET_MS: i64 = 20;
/// Packets after which the window is trusted.
const ENOUGH: usize = 16;
/// Added to what was measured, for the unevenness of our own clock (ms).
const MARGIN_MS: i64 = 5;

/// Transits of the last [`WINDOW`] packets (ticks). Only their differences mean something: the two clocks have nothing in
/// common.
#[derive(Clone, Debug)]
pub(super) struct Transits {
    clock_rate: u32,
    origin: Option<Instant>,
    window: [i64; WINDOW],
    /// Packets seen, of which the last [`WINDOW`] are kept.
    seen: usize,
    base: i64,
    target: i64,
}

impl Transits {
    pub(super) fn new(clock_rate: u32) -> Self {
        let mut transits = Self { clock_rate, origin: None, window: [0; WINDOW], seen: 0, base: 0, target: 0 };
        transits.clear();
        transits
    }

    pub(super) fn clear(&mut self) {
        (self.seen, self.base, self.target) = (0, 0, ticks(self.clock_rate, FIRST_TARGET_MS));
    }

    /// A packet whose sound begins at the tick `start` has come.
    pub(super) fn arrived(&mut self, now: Instant, start: i64) {
        let origin = *self.origin.get_or_insert(now);
        self.window[self.seen % WINDOW] = self.since(origin, now) - start;
        self.seen += 1;
        let known = self.seen.min(WINDOW);
        let transits = &self.window[..known];
        self.base = transits.iter().copied().min().unwrap_or(0);
        // All of them, and not 99 of 100: on a machine with other things to do somebody's packets stall for some ten
        // milliseconds every few seconds, and what that cost once is waited for while the window remembers it.
        let slowest = transits.iter().copied().max().unwrap_or(0);
        let least = if known < ENOUGH { FIRST_TARGET_MS } else { 0 };
        let ms = |ms| ticks(self.clock_rate, ms);
        self.target = (slowest - self.base + ms(MARGIN_MS)).clamp(ms(least), ms(MAX_TARGET_MS));
    }

    /// How far ahead or behind of all others a packet would be (ticks): 0 within what is known.
    pub(super) fn moved(&self, now: Instant, start: i64) -> i64 {
        let Some(origin) = self.origin.filter(|_| self.seen > 0) else { return 0 };
        (self.since(origin, now) - start - self.base).abs()
    }

    /// The tick that the quickest packet would bring at `now`.
    pub(super) fn newest(&self, now: Instant) -> i64 {
        self.origin.map_or(0, |origin| self.since(origin, now) - self.base)
    }

    /// How long the quickest packets must wait so that the slowest can catch up (ticks).
    pub(super) const fn target(&self) -> i64 {
        self.target
    }

    fn since(&self, origin: Instant, now: Instant) -> i64 {
        (now.saturating_duration_since(origin).as_nanos() * u128::from(self.clock_rate) / 1_000_000_000) as i64
    }
}
