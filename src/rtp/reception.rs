//! Counts what arrives from one peer: loss (RFC 3550 §A.3) and jitter (§A.8).

use std::time::{Duration, Instant};

use crate::units::{RtpTimestamp, SeqNo};

/// A jump ahead by at least this much is a restart of the sender, not loss (RFC 3550 §A.1, `MAX_DROPOUT`).
pub(super) const MAX_DROPOUT: i32 = 3_000;
/// A packet older than this is from before a restart (RFC 3550 §A.1, `MAX_MISORDER`).
pub(super) const MAX_MISORDER: i32 = 100;

/// What has arrived, over all sources that the peer has used.
#[derive(Clone, Debug, Default)]
pub struct Reception {
    source: Option<Source>,
    /// Expected and received of the sources before this one.
    expected_before: u64,
    received_before: u64,
    /// At the last report (RFC 3550 §A.3).
    expected_prior: u64,
    received_prior: u64,
}

#[derive(Clone, Debug)]
struct Source {
    ssrc: u32,
    clock_rate: u32,
    first: i64,
    /// Highest sequence number, extended past the wrap.
    highest: i64,
    received: u64,
    /// Arrival and timestamp of the packet before.
    last: (Instant, RtpTimestamp),
    /// Smoothed (ticks).
    jitter: f64,
}

/// What a report block says about the other direction (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Whom it is about.
    pub ssrc: u32,
    /// Share lost since the last summary (1/256).
    pub fraction_lost: u8,
    /// Lost in all, held to 24 bits.
    pub lost: u32,
    /// Highest sequence number with the wraps above it.
    pub highest: u32,
    /// Smoothed interarrival jitter (ticks).
    pub jitter: u32,
}

impl Reception {
    /// Counts a packet of `ssrc`. Duplicates are not to be counted.
    pub fn arrived(&mut self, now: Instant, ssrc: u32, seq: SeqNo, timestamp: RtpTimestamp, clock_rate: u32) {
        match &mut self.source {
            Some(source) if source.ssrc == ssrc && source.continues(seq) => {
                source.arrived(now, seq, timestamp);
            }
            source => {
                if let Some(old) = source.take() {
                    self.expected_before += old.expected();
                    self.received_before += old.received;
                }
                *source = Some(Source::first(now, ssrc, seq, timestamp, clock_rate));
            }
        }
    }

    /// Packets that have arrived.
    pub fn received(&self) -> u64 {
        self.received_before + self.source.as_ref().map_or(0, |source| source.received)
    }

    /// Packets that were sent, as the sequence numbers tell.
    pub fn expected(&self) -> u64 {
        self.expected_before + self.source.as_ref().map_or(0, Source::expected)
    }

    /// Packets that did not arrive.
    pub fn lost(&self) -> u64 {
        self.expected().saturating_sub(self.received())
    }

    /// Smoothed interarrival jitter.
    pub fn jitter(&self) -> Duration {
        self.source.as_ref().map_or(Duration::ZERO, Source::jitter)
    }

    /// Who sends now.
    pub fn ssrc(&self) -> Option<u32> {
        self.source.as_ref().map(|source| source.ssrc)
    }

    /// A report block about the time since the last one; `None` before the first packet.
    pub fn summarise(&mut self) -> Option<Summary> {
        let (expected, received) = (self.expected(), self.received());
        let expected_now = expected.saturating_sub(self.expected_prior);
        let lost_now = expected_now.saturating_sub(received.saturating_sub(self.received_prior));
        (self.expected_prior, self.received_prior) = (expected, received);
        let source = self.source.as_ref()?;
        Some(Summary {
            ssrc: source.ssrc,
            fraction_lost: (lost_now * 256).checked_div(expected_now).unwrap_or(0).min(255) as u8,
            lost: self.lost().min(0x7f_ffff) as u32,
            highest: source.highest as u32,
            jitter: source.jitter as u32,
        })
    }
}

impl Source {
    fn first(now: Instant, ssrc: u32, seq: SeqNo, timestamp: RtpTimestamp, clock_rate: u32) -> Self {
        let first = i64::from(seq.0);
        Self { ssrc, clock_rate, first, highest: first, received: 1, last: (now, timestamp), jitter: 0.0 }
    }

    fn continues(&self, seq: SeqNo) -> bool {
        (-MAX_MISORDER..MAX_DROPOUT).contains(&seq.distance(SeqNo(self.highest as u16)))
    }

    fn arrived(&mut self, now: Instant, seq: SeqNo, timestamp: RtpTimestamp) {
        let extended = self.highest + i64::from(seq.distance(SeqNo(self.highest as u16)));
        self.first = self.first.min(extended);
        self.highest = self.highest.max(extended);
        self.received += 1;
        let (then, before) = self.last;
        let arrival = now.saturating_duration_since(then).as_secs_f64() * f64::from(self.clock_rate);
        let media = f64::from(timestamp.0.wrapping_sub(before.0) as i32);
        // A talkspurt after a long pause, or a restarted clock, says nothing about the network.
        let moved = (arrival - media).abs();
        if moved < f64::from(self.clock_rate) {
            self.jitter += (moved - self.jitter) / 16.0;
        }
        self.last = (now, timestamp);
    }

    fn expected(&self) -> u64 {
        (self.highest - self.first + 1) as u64
    }

    fn jitter(&self) -> Duration {
        Duration::from_secs_f64(self.jitter / f64::from(self.clock_rate))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "virtual time has to begin somewhere")]

    use super::*;

    const TICK: Duration = Duration::from_millis(20);

    #[test]
    fn loss_is_counted_across_the_wrap() {
        let mut reception = Reception::default();
        let start = Instant::now();
        for n in (0u32..100).filter(|n| n % 10 != 3) {
            let seq = SeqNo(65_500u16.wrapping_add(n as u16));
            reception.arrived(start + TICK * n, 1, seq, RtpTimestamp(n * 160), 8_000);
        }
        assert_eq!((reception.expected(), reception.received(), reception.lost()), (100, 90, 10));
        let summary = reception.summarise().expect("packets came");
        assert_eq!((summary.fraction_lost, summary.lost), (25, 10));
        assert_eq!(summary.highest, 65_500 + 99);
        assert_eq!(reception.summarise().expect("still there").fraction_lost, 0, "nothing new was lost");
        assert!(reception.jitter() < Duration::from_micros(1));
    }

    #[test]
    fn jitter_approaches_the_mean_deviation() {
        let mut reception = Reception::default();
        let start = Instant::now();
        for n in 0..2_000u32 {
            // Every other packet is 10 ms late: the transit time changes by 10 ms each time.
            let late = Duration::from_millis(u64::from(n % 2) * 10);
            reception.arrived(start + TICK * n + late, 1, SeqNo(n as u16), RtpTimestamp(n * 160), 8_000);
        }
        assert!((reception.jitter().as_secs_f64() - 0.010).abs() < 0.000_1, "{:?}", reception.jitter());
    }

    #[test]
    fn a_new_source_keeps_the_counts_of_the_old() {
        let mut reception = Reception::default();
        let start = Instant::now();
        for n in [0u32, 1, 3] {
            reception.arrived(start + TICK * n, 1, SeqNo(n as u16), RtpTimestamp(n * 160), 8_000);
        }
        reception.arrived(start + TICK * 4, 2, SeqNo(40_000), RtpTimestamp(7), 8_000);
        reception.arrived(start + TICK * 5, 2, SeqNo(40_001), RtpTimestamp(167), 8_000);
        assert_eq!((reception.expected(), reception.received(), reception.lost()), (6, 5, 1));
        assert_eq!(reception.ssrc(), Some(2));
    }
}
