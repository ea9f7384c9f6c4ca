//! Which calls we place for others: where to, how many, how fast. Refusals are counted by whoever asks.

use std::str::FromStr;
use std::time::Instant;

/// `sip:*@10.0.0.5`, `*@desk.example.org`, `sip:+4930*`: `*` stands for any text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<String>);

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("empty")]
pub struct NotAPattern;

impl FromStr for Pattern {
    type Err = NotAPattern;

    fn from_str(text: &str) -> Result<Self, NotAPattern> {
        let text = text.trim().to_ascii_lowercase();
        if text.is_empty() {
            return Err(NotAPattern);
        }
        Ok(Self(text.split('*').map(str::to_owned).collect()))
    }
}

impl Pattern {
    /// Whether it fits a SIP URI without its parameters, whatever the case.
    pub fn fits(&self, uri: &str) -> bool {
        let uri = uri.to_ascii_lowercase();
        let uri = uri.split([';', '?']).next().unwrap_or_default();
        let Some((first, others)) = self.0.split_first() else { return false };
        let Some(mut rest) = uri.strip_prefix(first.as_str()) else { return false };
        let Some((last, between)) = others.split_last() else { return rest.is_empty() };
        for part in between {
            let Some(at) = rest.find(part.as_str()) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last.as_str())
    }
}

/// Limits of the calls that we place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallsOut {
    /// Where the dialplan may send a caller.
    pub allow: Vec<Pattern>,
    /// Where others may send one: by REFER, or by a 3xx to a call of ours.
    pub redirects: Vec<Pattern>,
    /// How many 3xx in a row are followed.
    pub max_hops: u32,
    /// Calls within any minute.
    pub per_minute: u32,
    /// Calls at once.
    pub at_once: usize,
    /// Calls within a day (UTC).
    pub per_day: u32,
}

impl Default for CallsOut {
    /// What the dialplan names is allowed, nothing else.
    fn default() -> Self {
        let all = vec![Pattern(vec![String::new(), String::new()])];
        Self { allow: all, redirects: Vec::new(), max_hops: 3, per_minute: 120, at_once: 100, per_day: 20_000 }
    }
}

/// Why a call is not placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// No pattern fits.
    #[error("the destination is not allowed (calls_out.allow)")]
    Destination,
    /// Others may not send callers there.
    #[error("nobody else may send callers there (calls_out.redirects)")]
    Redirect,
    /// Too many 3xx in a row.
    #[error("too many redirections (calls_out.max_hops)")]
    Hops,
    /// Too many in this minute.
    #[error("too many calls out in a minute (calls_out.per_minute)")]
    Rate,
    /// Too many at once.
    #[error("too many calls out at once (calls_out.at_once)")]
    AtOnce,
    /// Too many today.
    #[error("too many calls out today (calls_out.per_day)")]
    Day,
}

impl Forbidden {
    /// For figures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Destination => "destination",
            Self::Redirect => "redirect",
            Self::Hops => "hops",
            Self::Rate => "rate",
            Self::AtOnce => "at_once",
            Self::Day => "day",
        }
    }
}

/// Number of the day of a time since the epoch \[s\].
pub(in crate::server::sip) fn calls_out_day(seconds: u64) -> u64 {
    seconds / 86_400
}

/// The calls placed so far. Those at once are counted by a [`Gate`](crate::server::sip::Gate), whose permits go with them.
#[derive(Debug)]
pub(in crate::server::sip) struct Counting {
    /// Calls that may be placed at this moment: a bucket that fills by `per_minute` in a minute.
    tokens: f64,
    filled: Instant,
    day: u64,
    today: u32,
}

impl Counting {
    pub(in crate::server::sip) fn new(limits: &CallsOut, now: Instant) -> Self {
        Self { tokens: f64::from(limits.per_minute), filled: now, day: 0, today: 0 }
    }

    /// One more call, if it may be; `day` is that of [`calls_out_day`].
    pub(in crate::server::sip) fn count(&mut self, limits: &CallsOut, now: Instant, day: u64) -> Result<(), Forbidden> {
        let rate = f64::from(limits.per_minute) / 60.0;
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + passed * rate).min(f64::from(limits.per_minute));
        self.filled = now;
        if day != self.day {
            (self.day, self.today) = (day, 0);
        }
        if self.today >= limits.per_day {
            return Err(Forbidden::Day);
        }
        if self.tokens < 1.0 {
            return Err(Forbidden::Rate);
        }
        self.tokens -= 1.0;
        self.today += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn patterns_fit_whole_uris_without_their_parameters() {
        for (pattern, uri, fits) in [
            ("*", "sip:anything@h", true),
            ("sip:*@10.0.0.5", "sip:agent@10.0.0.5;transport=tcp", true),
            ("sip:*@10.0.0.5", "sip:agent@10.0.0.50", false),
            ("sip:*@10.0.0.5", "sip:x@evil?h=@10.0.0.5", false),
            ("sip:+4930*@desk", "sip:+493012@DESK", true),
            ("sip:+4930*@desk", "sip:+493112@desk", false),
            ("sip:a@h", "sip:a@h", true),
            ("sip:a@h", "sip:aa@h", false),
            ("*a*a", "a", false),
        ] {
            assert_eq!(pattern.parse::<Pattern>().unwrap().fits(uri), fits, "{pattern} {uri}");
        }
        assert_eq!(" ".parse::<Pattern>(), Err(NotAPattern));
    }

    #[test]
    fn a_minute_and_a_day_have_an_end() {
        let limits = CallsOut { per_minute: 2, per_day: 4, ..CallsOut::default() };
        let mut now = Instant::now();
        let mut counting = Counting::new(&limits, now);
        let mut count = |now, day| counting.count(&limits, now, day);
        assert_eq!([count(now, 1), count(now, 1), count(now, 1)], [Ok(()), Ok(()), Err(Forbidden::Rate)]);
        now += Duration::from_secs(61);
        assert_eq!([count(now, 1), count(now, 1), count(now, 1)], [Ok(()), Ok(()), Err(Forbidden::Day)]);
        now += Duration::from_secs(61);
        assert_eq!(count(now, calls_out_day(2 * 86_400)), Ok(()));
    }

    proptest! {
        #[test]
        fn never_more_than_a_minute_s_calls_beyond_the_rate(gaps in prop::collection::vec(0u64..20_000, 1..200)) {
            let limits = CallsOut { per_minute: 6, per_day: 1_000, ..CallsOut::default() };
            let start = Instant::now();
            let (mut now, mut placed) = (start, 0u32);
            let mut counting = Counting::new(&limits, now);
            for gap in gaps {
                now += Duration::from_millis(gap);
                placed += u32::from(counting.count(&limits, now, 0).is_ok());
                let allowed = 6.0 + now.duration_since(start).as_secs_f64() / 10.0;
                prop_assert!(f64::from(placed) <= allowed + 1e-6);
            }
        }
    }
}
