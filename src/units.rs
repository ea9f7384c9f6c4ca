//! The units that the rest of the house counts in.
//!
//! A bare integer says nothing about what it measures, so whatever crosses a module boundary wears one of these types.
//! All of them are `Copy` or cheap to clone, order as their content does, and never read a clock.

use std::fmt;
use std::num::NonZeroU32;
use std::ops::Add;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How often a signal is sampled \[Hz\]. Not an RTP clock rate: G.722 samples at 16 kHz and ticks at 8 kHz (RFC 3551 §4.5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SampleRate(NonZeroU32);

impl SampleRate {
    /// 8 kHz, the telephone line.
    pub const NARROWBAND: Self = Self(NonZeroU32::new(8_000).expect("not zero"));
    /// 16 kHz, what every [`Frame`](crate::audio::Frame) in the house carries.
    pub const WIDEBAND: Self = Self(NonZeroU32::new(16_000).expect("not zero"));

    /// `None` for 0 Hz.
    pub const fn new(hertz: u32) -> Option<Self> {
        match NonZeroU32::new(hertz) {
            Some(hertz) => Some(Self(hertz)),
            None => None,
        }
    }

    /// The rate in hertz.
    pub const fn hertz(self) -> u32 {
        self.0.get()
    }

    /// How long `samples` last at this rate.
    pub fn duration(self, samples: u64) -> Duration {
        Duration::from_nanos(samples.saturating_mul(1_000_000_000) / u64::from(self.hertz()))
    }
}

/// Media time of a call: samples at 16 kHz since its media began.
///
/// Wall-clock time drifts against the line; what the caller has heard or said is only exact when it is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SampleTime(pub u64);

impl SampleTime {
    /// Rounded down to whole milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0 / 16
    }

    /// The media time `ms` milliseconds after the start.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms * 16)
    }

    /// How much time has passed since `earlier`; zero when `earlier` lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        SampleRate::WIDEBAND.duration(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for SampleTime {
    type Output = Self;

    fn add(self, later: Duration) -> Self {
        Self(self.0 + (later.as_nanos() * 16 / 1_000_000) as u64)
    }
}

/// RTP sequence number: wraps at 2^16 (RFC 3550 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SeqNo(pub u16);

impl SeqNo {
    /// The number that follows.
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// Signed distance from `earlier` to `self`, right across the wrap while the two are less than 2^15 apart.
    pub const fn distance(self, earlier: Self) -> i32 {
        self.0.wrapping_sub(earlier.0) as i16 as i32
    }
}

/// RTP timestamp in ticks of the payload format's clock: wraps at 2^32 (RFC 3550 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RtpTimestamp(pub u32);

/// Our name for one call, in logs, records and on the page. Not the SIP `Call-ID`, which belongs to one leg.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallId(pub Arc<str>);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One party of a call: the caller is [`LegId::CALLER`], a human agent who takes over is the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LegId(pub u32);

impl LegId {
    /// The party who placed the call.
    pub const CALLER: Self = Self(0);
    /// The human who takes over.
    pub const AGENT: Self = Self(1);
}

/// One thing that the server says. Interrupting is changing the current id: frames of an older one fall out by comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UtteranceId(pub u64);

/// One stretch of listening that a recogniser is lent for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HearingId(pub u64);

/// The id of a problem that callers have, as dialplans, corpora and tables spell it: `declined_transfer`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scene(pub Arc<str>);

impl Scene {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Scene {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A language that the hotline speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Mandarin Chinese.
    Zh,
}

/// What kind of answer the hotline waits for: chooses the language model and how patient the turn-taking is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// A free sentence: "please tell me what it is about".
    #[default]
    Open,
    /// Yes or no, perhaps with more behind it.
    YesNo,
    /// Digits: a phone or order number.
    Digits,
    /// One of a few that were named.
    Choice,
}

/// Personal data: prints as `•••`, so that no log line shows it by accident. Take it out with `.0` where it is meant to be seen.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pii<T>(pub T);

impl<T> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

impl<T> fmt::Display for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_compare_across_the_wrap() {
        assert_eq!(SeqNo(2).distance(SeqNo(65_534)), 4);
        assert_eq!(SeqNo(65_534).distance(SeqNo(2)), -4);
        assert_eq!(SeqNo(u16::MAX).next(), SeqNo(0));
    }

    #[test]
    fn media_time_counts_samples() {
        let start = SampleTime::from_millis(40);
        assert_eq!((start + Duration::from_millis(20)).as_millis(), 60);
        assert_eq!(SampleTime(0).since(start), Duration::ZERO);
    }

    #[test]
    fn personal_data_does_not_print() {
        assert_eq!(format!("{:?} {}", Pii("13800000001"), Pii(7)), "••• •••");
    }
}
