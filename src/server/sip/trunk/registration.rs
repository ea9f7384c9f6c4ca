//! Our registration with somebody else's registrar (RFC 3261 §10.2): when to say what. Pure; the edge sends and sleeps.
//!
//! ```text
//! due ─► Step::Register ─► answered(2xx, expires) ─► due again after half of that
//!                      └─► answered(423, Min-Expires) ─► due at once, for longer
//!                      └─► answered(else) ─► due after 1, 2, 4 … 300 s
//! stop ─► Step::Unregister, if it stood
//! ```

use std::time::{Duration, Instant};

/// First wait after a failure.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Longest wait after failures: a registrar that comes back is found within five minutes.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// Shortest refresh, whatever a registrar grants: it must not make us flood it.
const SHORTEST: Duration = Duration::from_secs(10);

/// What to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server::sip) enum Step {
    /// REGISTER for so long.
    Register(Duration),
    /// REGISTER with `Expires: 0`.
    Unregister,
}

/// One registration.
#[derive(Clone, Debug)]
pub(in crate::server::sip) struct Registration {
    wanted: Duration,
    due: Instant,
    failures: u32,
    stands_until: Option<Instant>,
}

impl Registration {
    /// A registration for `wanted` at a time, due at once.
    pub(in crate::server::sip) fn new(wanted: Duration, now: Instant) -> Self {
        Self { wanted, due: now, failures: 0, stands_until: None }
    }

    /// When the next REGISTER is due.
    pub(in crate::server::sip) fn due(&self) -> Instant {
        self.due
    }

    /// Whether the registrar knows us at `now`.
    pub(in crate::server::sip) fn stands(&self, now: Instant) -> bool {
        self.stands_until.is_some_and(|until| now < until)
    }

    /// What to send at [`due`](Self::due).
    pub(in crate::server::sip) fn refresh(&self) -> Step {
        Step::Register(self.wanted)
    }

    /// What to send at the end.
    pub(in crate::server::sip) fn stop(&self, now: Instant) -> Option<Step> {
        self.stands(now).then_some(Step::Unregister)
    }

    /// It was granted for so long.
    pub(in crate::server::sip) fn granted(&mut self, now: Instant, expires: Duration) {
        self.failures = 0;
        self.stands_until = Some(now + expires);
        self.due = now + (expires / 2).max(SHORTEST);
    }

    /// It was refused or not answered; `least` is the `Min-Expires` of a 423.
    pub(in crate::server::sip) fn refused(&mut self, now: Instant, least: Option<Duration>) {
        if let Some(least) = least.filter(|least| *least > self.wanted) {
            self.wanted = least;
            self.due = now;
            return;
        }
        let wait = FIRST_WAIT.saturating_mul(1 << self.failures.min(10)).min(LONGEST_WAIT);
        self.failures = self.failures.saturating_add(1);
        self.due = now + wait;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn it_is_renewed_after_half_of_its_time_and_given_up_at_the_end() {
        let mut now = Instant::now();
        let mut registration = Registration::new(10 * MINUTE, now);
        assert_eq!((registration.due(), registration.refresh()), (now, Step::Register(10 * MINUTE)));
        assert_eq!(registration.stop(now), None, "nobody knows us yet");
        registration.granted(now, 4 * MINUTE);
        assert_eq!(registration.due(), now + 2 * MINUTE);
        now += 3 * MINUTE;
        assert_eq!(registration.stop(now), Some(Step::Unregister));
        assert!(!registration.stands(now + MINUTE));
        registration.granted(now, Duration::from_secs(1));
        assert_eq!(registration.due(), now + SHORTEST, "a registrar cannot make us hurry");
    }

    #[test]
    fn a_registrar_that_refuses_is_asked_ever_more_rarely() {
        let now = Instant::now();
        let mut registration = Registration::new(MINUTE, now);
        let waits: Vec<u64> = (0..12)
            .map(|_| {
                registration.refused(now, None);
                (registration.due() - now).as_secs()
            })
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        registration.granted(now, MINUTE);
        registration.refused(now, None);
        assert_eq!(registration.due(), now + FIRST_WAIT, "success forgets failures");
    }

    #[test]
    fn too_brief_means_longer_at_once_but_only_if_it_is_longer() {
        let now = Instant::now();
        let mut registration = Registration::new(MINUTE, now);
        registration.refused(now, Some(2 * MINUTE));
        assert_eq!((registration.due(), registration.refresh()), (now, Step::Register(2 * MINUTE)));
        registration.refused(now, Some(MINUTE));
        assert!(registration.due() > now);
    }
}
