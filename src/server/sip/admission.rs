//! How much anybody may ask for, before it costs anything: a bucket of tokens for each source, and one for all.
//!
//! ```text
//! request outside a dialog ─► admit(source) ─┬─ a token is there ──────────────► decided as any other
//!                                            ├─ none ──────────────────────────► 503 + Retry-After
//!                                            └─ none, and no patience left ──► a ban: silence until it expires
//! datagram ─► is_banned(source) ─► dropped unread, unless it belongs to a call
//! ```
//!
//! A handshake of TLS or WebSocket takes a token, too, or the connection is closed.
//!
//! Requests inside a dialog are not counted: a flood, even from the address of a trunk, takes nothing from its live calls.
//! Sources are remembered while they are short of tokens, [`MOST_SOURCES`] at most; when there are more, new ones share what
//! all together may ask for.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Sources that are remembered; each takes about 64 bytes.
const MOST_SOURCES: usize = 16_384;
/// Refusals at once that end in a ban.
pub(super) const PATIENCE: u32 = 500;
/// How many refusals are forgiven for each request that a source may make: who asks for no more than five times what it may is
/// never banned, who asks for twenty times as much within the third of a second.
const FORGIVEN: u32 = 4;
/// How long a ban lasts from the last request on that it held back.
pub(super) const BAN: Duration = Duration::from_secs(30);
/// How many times what one source may ask for all together may.
const ALL: u32 = 5;

/// What a source may ask for outside of dialogs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests a second, for ever; 0: as many as it likes.
    pub per_second: u32,
    /// Requests at once, after it has been silent.
    pub burst: u32,
}

impl Default for Rate {
    /// An exchange that fails over brings its calls at once; nobody dials as quickly.
    fn default() -> Self {
        Self { per_second: 100, burst: 200 }
    }
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Admitted,
    /// 503 with Retry-After.
    Refused,
    /// Not even an answer.
    Banned,
}

/// The buckets of one edge.
#[derive(Debug)]
pub struct Admission {
    rate: Rate,
    sources: Mutex<Sources>,
    refused: AtomicU64,
    banned: AtomicU64,
}

#[derive(Debug, Default)]
struct Sources {
    each: HashMap<IpAddr, Bucket>,
    all: Option<Bucket>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Tokens at `at`.
    tokens: f64,
    at: Instant,
    /// Refusals that are left before a ban.
    patience: f64,
    banned_until: Option<Instant>,
}

impl Bucket {
    fn full(rate: Rate, now: Instant) -> Self {
        Self { tokens: rate.burst.into(), at: now, patience: PATIENCE.into(), banned_until: None }
    }

    fn fill(&mut self, rate: Rate, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * f64::from(rate.per_second)).min(rate.burst.into());
        let forgiven = passed * f64::from(rate.per_second * FORGIVEN);
        self.patience = (self.patience + forgiven).min(PATIENCE.into());
        self.at = now;
    }

    fn take(&mut self) -> bool {
        let is_there = self.tokens >= 1.0;
        self.tokens -= f64::from(u8::from(is_there));
        is_there
    }

    fn judge(&mut self, now: Instant) -> Verdict {
        if self.banned_until.is_some_and(|until| now < until) {
            self.banned_until = Some(now + BAN);
            return Verdict::Banned;
        }
        self.banned_until = None;
        if self.take() {
            return Verdict::Admitted;
        }
        self.patience -= 1.0;
        if self.patience >= 1.0 {
            return Verdict::Refused;
        }
        self.patience = PATIENCE.into();
        self.banned_until = Some(now + BAN);
        Verdict::Banned
    }

    /// Whether forgetting it changes nothing.
    fn is_idle(&self, rate: Rate, now: Instant) -> bool {
        let mut filled = *self;
        filled.fill(rate, now);
        filled.tokens >= f64::from(rate.burst) && self.banned_until.is_none_or(|until| until <= now)
    }
}

impl Admission {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, sources: Mutex::default(), refused: AtomicU64::new(0), banned: AtomicU64::new(0) }
    }

    /// Judges a request outside of dialogs.
    pub(super) fn admit(&self, source: IpAddr, now: Instant) -> Verdict {
        if self.rate.per_second == 0 {
            return Verdict::Admitted;
        }
        // The maps stay whole whatever their last holder did.
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = sources.judge(source, self.rate, now);
        drop(sources);
        match verdict {
            Verdict::Admitted => {}
            Verdict::Refused => _ = self.refused.fetch_add(1, Ordering::Relaxed),
            Verdict::Banned => _ = self.banned.fetch_add(1, Ordering::Relaxed),
        }
        verdict
    }

    /// Whether a source is banned: what it begins need not even be read.
    pub(super) fn is_banned(&self, source: IpAddr, now: Instant) -> bool {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = sources.each.get(&source);
        bucket.and_then(|bucket| bucket.banned_until).is_some_and(|until| now < until)
    }

    /// Requests turned away for their rate since the start: answered with 503, and not answered at all.
    pub fn counts(&self) -> (u64, u64) {
        (self.refused.load(Ordering::Relaxed), self.banned.load(Ordering::Relaxed))
    }

    /// Sources whose requests are not answered now.
    pub fn bans(&self) -> usize {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        sources.each.values().filter(|bucket| bucket.banned_until.is_some_and(|until| now < until)).count()
    }
}

impl Sources {
    fn judge(&mut self, source: IpAddr, rate: Rate, now: Instant) -> Verdict {
        if self.each.len() >= MOST_SOURCES && !self.each.contains_key(&source) {
            self.each.retain(|_, bucket| !bucket.is_idle(rate, now));
        }
        if self.each.len() < MOST_SOURCES || self.each.contains_key(&source) {
            let bucket = self.each.entry(source).or_insert_with(|| Bucket::full(rate, now));
            bucket.fill(rate, now);
            let verdict = bucket.judge(now);
            if verdict != Verdict::Admitted {
                return verdict;
            }
        }
        let together = Rate { per_second: rate.per_second * ALL, burst: rate.burst * ALL };
        let all = self.all.get_or_insert_with(|| Bucket::full(together, now));
        all.fill(together, now);
        if all.take() { Verdict::Admitted } else { Verdict::Refused }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 10, burst: 20 };

    fn source(n: u32) -> IpAddr {
        IpAddr::from((0x0a00_0000 + n).to_be_bytes())
    }

    #[tokio::test]
    async fn a_burst_is_taken_then_so_many_a_second() {
        let (admission, start) = (Admission::new(RATE), Instant::now());
        let admitted = |at: Instant, tries: usize| {
            (0..tries).filter(|_| admission.admit(source(1), at) == Verdict::Admitted).count()
        };
        assert_eq!(admitted(start, 50), 20);
        assert_eq!(admitted(start + Duration::from_secs(1), 50), 10);
        assert_eq!(admission.admit(source(2), start), Verdict::Admitted, "others are not concerned");
        assert_eq!((admission.counts(), admission.bans()), ((70, 0), 0));
    }

    #[tokio::test]
    async fn a_flood_ends_in_a_ban_that_expires() {
        let (admission, start) = (Admission::new(RATE), Instant::now());
        let verdicts: Vec<_> = (0..2_000).map(|_| admission.admit(source(1), start)).collect();
        assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Refused).count(), 499);
        assert_eq!((verdicts[1_999], admission.bans()), (Verdict::Banned, 1));
        let later = start + BAN - Duration::from_secs(1);
        assert_eq!(admission.admit(source(1), later), Verdict::Banned, "and begins anew");
        assert_eq!(admission.admit(source(1), later + BAN), Verdict::Admitted);
    }

    #[tokio::test]
    async fn who_asks_for_a_little_too_much_is_refused_and_a_steady_flood_is_banned() {
        let ban_after = |a_second: u32| {
            let (admission, start) = (Admission::new(RATE), Instant::now());
            let at = |n: u32| start + Duration::from_secs(1) * n / a_second;
            (0..60 * a_second).find(|&n| admission.admit(source(1), at(n)) == Verdict::Banned).map(|n| n / a_second)
        };
        assert_eq!((ban_after(40), ban_after(200)), (None, Some(3)), "of ten a second that it may");
    }

    #[tokio::test]
    async fn a_ban_is_seen_without_reading() {
        let (admission, start) = (Admission::new(RATE), Instant::now());
        assert!(!admission.is_banned(source(1), start));
        (0..2_000).for_each(|_| _ = admission.admit(source(1), start));
        assert!(admission.is_banned(source(1), start) && !admission.is_banned(source(2), start));
        assert!(!admission.is_banned(source(1), start + BAN));
    }

    #[tokio::test]
    async fn many_sources_share_what_all_may_and_are_forgotten() {
        let (admission, start) = (Admission::new(RATE), Instant::now());
        let admitted = (0..40_000).filter(|&n| admission.admit(source(n), start) == Verdict::Admitted).count();
        assert_eq!(admitted, 100);
        assert_eq!(admission.sources.lock().unwrap().each.len(), MOST_SOURCES);
        let later = start + Duration::from_secs(5);
        assert_eq!(admission.admit(source(50_000), later), Verdict::Admitted);
        assert_eq!(admission.sources.lock().unwrap().each.len(), 1);
    }

    #[test]
    fn no_rate_is_no_limit() {
        let admission = Admission::new(Rate { per_second: 0, burst: 0 });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let now = runtime.block_on(async { Instant::now() });
        assert!((0..1_000).all(|_| admission.admit(source(1), now) == Verdict::Admitted));
    }
}
