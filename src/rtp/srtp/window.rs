//! Which packets have come (RFC 3711 §3.3.2).

/// Packets that are remembered.
const SIZE: u64 = 128;

/// The newest index, and which of those before it have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    newest: u64,
    /// Bit n: `newest − n` has come.
    seen: u128,
}

impl Window {
    /// The newest index.
    pub(super) const fn newest(&self) -> u64 {
        self.newest
    }

    /// Whether `index` has come, or is too old to know.
    pub(super) const fn has_seen(&self, index: u64) -> bool {
        match self.newest.checked_sub(index) {
            Some(age) if age < SIZE => self.seen >> age & 1 == 1,
            Some(_) => true,
            None => false,
        }
    }

    /// The window after `index` has come.
    pub(super) fn with(self, index: u64) -> Self {
        match index.checked_sub(self.newest) {
            Some(step) if step < SIZE => Self { newest: index, seen: self.seen << step | 1 },
            Some(_) => Self { newest: index, seen: 1 },
            None => Self { seen: self.seen | 1_u128.checked_shl((self.newest - index) as u32).unwrap_or(0), ..self },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_index_is_new_once() {
        let mut window = Window::default().with(1_000);
        for index in [1_001, 1_005, 1_002, 950, 1_200, 1_073] {
            assert!(!window.has_seen(index), "{index}");
            window = window.with(index);
            assert!(window.has_seen(index), "{index}");
        }
        assert_eq!(window.newest(), 1_200);
        assert!(window.has_seen(1_200 - SIZE) && !window.has_seen(1_100) && !window.has_seen(u64::MAX));
    }
}
