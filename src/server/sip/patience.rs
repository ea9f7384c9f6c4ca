//! How long a connection may be silent, and how long it may take to bring a message that is due.
//!
//! ```text
//! stranger ─ a whole message within 5 s ─► known: silent for 5 minutes at most, each message whole within 5 s of its first byte
//! ```
//!
//! Neither a byte now and then nor empty lines make a stranger known: who never says anything cannot keep a connection.

use std::time::Duration;

use tokio::time::Instant;

/// How long a new connection may take to bring its first message, and any to bring the rest of one.
pub(super) const FIRST_MESSAGE: Duration = Duration::from_secs(5);
/// How long a connection may be silent; keep-alives count (RFC 5626 §4.4.1 sends them every 2 minutes or less).
const IDLE: Duration = Duration::from_secs(300);

/// When a connection is given up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    until: Instant,
    /// A whole message has come, or the connection is ours.
    is_known: bool,
    /// A message has begun.
    is_midway: bool,
}

impl Patience {
    /// With somebody who has just connected.
    pub(super) fn with_stranger(now: Instant) -> Self {
        Self { until: now + FIRST_MESSAGE, is_known: false, is_midway: false }
    }

    /// With somebody whom we connected to.
    pub(super) fn with_known(now: Instant) -> Self {
        Self { until: now + IDLE, is_known: true, is_midway: false }
    }

    /// When it ends.
    pub(super) const fn until(&self) -> Instant {
        self.until
    }

    /// A whole message came.
    pub(super) fn message(&mut self, now: Instant) {
        *self = Self::with_known(now);
    }

    /// An empty line came.
    pub(super) fn ping(&mut self, now: Instant) {
        if self.is_known {
            *self = Self::with_known(now);
        }
    }

    /// All that came has been read; whether a message has begun and is not over.
    pub(super) fn rest(&mut self, now: Instant, is_partial: bool) {
        if is_partial && !self.is_midway {
            self.until = self.until.min(now + FIRST_MESSAGE);
        }
        self.is_midway = is_partial;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "virtual time has to begin somewhere")]

    use super::*;

    /// Seconds until the connection is given up.
    fn left(patience: Patience, start: Instant) -> u64 {
        (patience.until() - start).as_secs()
    }

    #[test]
    fn neither_bytes_nor_empty_lines_make_a_stranger_known() {
        let start = Instant::now();
        let mut patience = Patience::with_stranger(start);
        for second in 1..5 {
            let now = start + Duration::from_secs(second);
            patience.ping(now);
            patience.rest(now, second % 2 == 0);
            assert_eq!(left(patience, start), 5, "after {second} s");
        }
        patience.message(start + Duration::from_secs(4));
        assert_eq!(left(patience, start), 304);
    }

    #[test]
    fn who_is_known_may_be_silent_but_not_in_the_middle_of_a_message() {
        let start = Instant::now();
        let mut patience = Patience::with_known(start);
        patience.ping(start + Duration::from_secs(100));
        assert_eq!(left(patience, start), 400);
        for second in 200..204 {
            patience.rest(start + Duration::from_secs(second), true);
            assert_eq!(left(patience, start), 205, "counted from its first byte");
        }
        // Its end and the beginning of the next one come together.
        patience.message(start + Duration::from_secs(204));
        patience.rest(start + Duration::from_secs(204), true);
        assert_eq!(left(patience, start), 209);
    }
}
