//! Room for handshakes of TLS and WebSocket: so many at once, and few from one address. Whoever begins some and falls silent keeps
//! nobody else out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Handshakes under way; one more connection is closed at once. They cost far more than what follows.
pub(super) const MOST: usize = 64;
/// From one address: a switch needs one, an office full of browsers some.
pub(super) const MOST_PER_ADDRESS: usize = 16;

/// Those under way. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Handshakes(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One of them; gives its room back when dropped.
#[derive(Debug)]
pub(super) struct Handshake {
    all: Handshakes,
    address: IpAddr,
}

impl Handshakes {
    /// Begins one with `address`, if there is room.
    pub(super) fn begin(&self, address: IpAddr) -> Option<Handshake> {
        let mut under_way = self.lock();
        let here = under_way.get(&address).copied().unwrap_or(0);
        if here >= MOST_PER_ADDRESS || under_way.values().sum::<usize>() >= MOST {
            return None;
        }
        under_way.insert(address, here + 1);
        Some(Handshake { all: self.clone(), address })
    }

    /// The map stays whole whatever its last holder did: each change is one call.
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        let mut under_way = self.all.lock();
        match under_way.get_mut(&self.address) {
            Some(here) if *here > 1 => *here -= 1,
            _ => _ = under_way.remove(&self.address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_leaves_room_for_others_and_all_together_are_bounded() {
        let (handshakes, address) = (Handshakes::default(), |n: u8| IpAddr::from([192, 0, 2, n]));
        let mut begun: Vec<_> = (0..100).filter_map(|_| handshakes.begin(address(1))).collect();
        assert_eq!(begun.len(), MOST_PER_ADDRESS);
        begun.extend((0..100).filter_map(|n| handshakes.begin(address(2 + n))));
        assert_eq!(begun.len(), MOST);
        begun.truncate(MOST_PER_ADDRESS - 1);
        assert!(handshakes.begin(address(1)).is_some(), "one has ended");
        begun.clear();
        assert!(handshakes.lock().is_empty(), "nobody is remembered");
    }
}
