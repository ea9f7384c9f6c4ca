//! Keys that the caller pressed, gathered into one input.

use std::time::Duration;

use crate::units::{Ask, SampleTime};

/// Pause after a key that ends a number.
const PAUSE: Duration = Duration::from_millis(2_500);
/// More keys than any number asked for has; further ones are dropped.
const MAX_KEYS: usize = 32;

/// Collects keys until `#`, a pause, or, where one key is the whole answer, at once.
#[derive(Debug, Default)]
pub(super) struct Keypad {
    digits: String,
    last: SampleTime,
}

impl Keypad {
    /// Takes a key; answers the whole input if it is complete.
    pub(super) fn press(&mut self, key: char, ask: Ask, now: SampleTime) -> Option<String> {
        self.last = now;
        if key != '#' && self.digits.len() < MAX_KEYS {
            self.digits.push(key);
        }
        let is_complete = key == '#' || ask != Ask::Digits;
        is_complete.then(|| std::mem::take(&mut self.digits))
    }

    /// Answers what was pressed if the pause has passed.
    pub(super) fn elapsed(&mut self, now: SampleTime) -> Option<String> {
        (!self.digits.is_empty() && now.since(self.last) >= PAUSE).then(|| std::mem::take(&mut self.digits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_ends_with_the_hash_or_a_pause_and_a_choice_at_once() {
        let mut keypad = Keypad::default();
        let at = SampleTime::from_millis;
        assert_eq!(keypad.press('2', Ask::Choice, at(0)), Some("2".into()));
        assert_eq!(keypad.press('1', Ask::Digits, at(100)), None);
        assert_eq!(keypad.press('3', Ask::Digits, at(900)), None);
        assert_eq!(keypad.elapsed(at(2_000)), None);
        assert_eq!(keypad.elapsed(at(3_400)), Some("13".into()));
        assert_eq!(keypad.press('7', Ask::Digits, at(5_000)), None);
        assert_eq!(keypad.press('#', Ask::Digits, at(5_100)), Some("7".into()));
        assert_eq!(keypad.elapsed(at(99_000)), None);
    }
}
