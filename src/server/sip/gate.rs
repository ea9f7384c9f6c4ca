//! How many calls there may be at once.
//!
//! ```text
//! new INVITE ─► Gate::admit ─► Permit (goes with the call, given back when dropped)
//!                        └───► None: 503 + Retry-After, before anything was parsed twice or allocated
//! ```
//!
//! Calls that have a permit never lose it: lowering the limit only keeps new ones out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Counts live calls against a limit. Clones share the count.
#[derive(Clone, Debug)]
pub struct Gate {
    counts: Arc<Counts>,
}

#[derive(Debug)]
struct Counts {
    live: AtomicUsize,
    limit: AtomicUsize,
    refused: AtomicU64,
}

/// The right to be one of the live calls.
#[derive(Debug)]
pub struct Permit {
    counts: Arc<Counts>,
}

impl Gate {
    /// A gate that lets `limit` calls be live at once.
    pub fn new(limit: usize) -> Self {
        let counts = Counts { live: AtomicUsize::new(0), limit: AtomicUsize::new(limit), refused: AtomicU64::new(0) };
        Self { counts: Arc::new(counts) }
    }

    /// A permit for one more call, or `None` (and one more on the count of refusals) when the house is full.
    pub fn admit(&self) -> Option<Permit> {
        let limit = self.counts.limit.load(Ordering::Relaxed);
        let admitted = self
            .counts
            .live
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |live| (live < limit).then_some(live + 1));
        match admitted {
            Ok(_) => Some(Permit { counts: Arc::clone(&self.counts) }),
            Err(_) => {
                self.counts.refused.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    /// Whether one more call could be admitted; counts a refusal if not. The permit itself is taken once the call has a
    /// transaction.
    pub(super) fn has_room(&self) -> bool {
        let room = self.live() < self.counts.limit.load(Ordering::Relaxed);
        if !room {
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
        }
        room
    }

    /// Changes the limit; whoever runs the engines lowers it while they are full.
    pub fn set_limit(&self, limit: usize) {
        self.counts.limit.store(limit, Ordering::Relaxed);
    }

    /// Calls with a permit.
    pub fn live(&self) -> usize {
        self.counts.live.load(Ordering::Acquire)
    }

    /// Calls turned away since the start.
    pub fn refused(&self) -> u64 {
        self.counts.refused.load(Ordering::Relaxed)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.counts.live.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_house_turns_new_calls_away_and_keeps_the_live_ones() {
        let gate = Gate::new(2);
        let (first, second) = (gate.admit(), gate.admit());
        assert!(first.is_some() && second.is_some() && gate.admit().is_none());
        gate.set_limit(1);
        assert_eq!((gate.live(), gate.refused()), (2, 1));
        drop(first);
        assert!(gate.admit().is_none(), "one is live, one may be");
        drop(second);
        assert!(gate.admit().is_some());
    }
}
