//! One table for all deadlines of a state machine.
//!
//! A machine that keeps every deadline here can answer "when must I be woken?" in one place, and no timer can be forgotten
//! or depend on the arrival of some other event.

use std::time::Instant;

/// Names the timers of one machine. Implement it for a field-less enum.
pub trait TimerName: Copy + 'static {
    /// All timers, in the order in which they fire when several are due at once.
    const ALL: &'static [Self];

    /// Position in [`ALL`](Self::ALL).
    fn index(self) -> usize;
}

/// At most one deadline for each timer of `T`.
#[derive(Clone, Debug)]
pub struct TimerTable<T, const N: usize> {
    deadlines: [Option<Instant>; N],
    names: std::marker::PhantomData<T>,
}

impl<T: TimerName, const N: usize> Default for TimerTable<T, N> {
    fn default() -> Self {
        const { assert!(N == T::ALL.len(), "one slot for each timer") };
        Self { deadlines: [None; N], names: std::marker::PhantomData }
    }
}

impl<T: TimerName, const N: usize> TimerTable<T, N> {
    /// Sets `timer` to fire at `at`, in place of what it was set to.
    pub fn set(&mut self, timer: T, at: Instant) {
        self.deadlines[timer.index()] = Some(at);
    }

    /// Stops `timer`; nothing happens if it was not running.
    pub fn stop(&mut self, timer: T) {
        self.deadlines[timer.index()] = None;
    }

    /// Whether `timer` is running.
    pub fn is_set(&self, timer: T) -> bool {
        self.deadlines[timer.index()].is_some()
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Instant> {
        self.deadlines.iter().flatten().min().copied()
    }

    /// Takes one timer that is due at `now`, earliest deadline first.
    pub fn expired(&mut self, now: Instant) -> Option<T> {
        let due = T::ALL
            .iter()
            .filter_map(|&timer| Some((self.deadlines[timer.index()]?, timer)))
            .filter(|(at, _)| *at <= now)
            .min_by_key(|(at, _)| *at)?;
        self.stop(due.1);
        Some(due.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Egg {
        Soft,
        Hard,
    }

    impl TimerName for Egg {
        const ALL: &'static [Self] = &[Self::Soft, Self::Hard];

        fn index(self) -> usize {
            self as usize
        }
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "an Instant can only be had from the clock; any will do")]
    fn timers_fire_once_and_in_order() {
        let now = Instant::now();
        let mut table = TimerTable::<Egg, 2>::default();
        table.set(Egg::Hard, now + Duration::from_secs(8));
        table.set(Egg::Soft, now + Duration::from_secs(4));
        assert_eq!(table.next(), Some(now + Duration::from_secs(4)));
        assert_eq!(table.expired(now), None);
        let late = now + Duration::from_secs(9);
        assert_eq!(table.expired(late), Some(Egg::Soft));
        assert_eq!(table.expired(late), Some(Egg::Hard));
        assert_eq!(table.expired(late), None);
        assert_eq!(table.next(), None);
    }
}
