//! A few key presses, inline.

use std::ops::Deref;

/// Most presses kept between two frames; no telephone types faster, and more are dropped.
const MOST: usize = 16;

/// The keys that were pressed, in order: `0`–`9`, `*`, `#`, `A`–`D`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    keys: [u8; MOST],
    len: u8,
}

impl Keys {
    /// Adds one press; a key too many is dropped.
    pub fn push(&mut self, key: char) {
        if let (Some(place), true) = (self.keys.get_mut(usize::from(self.len)), key.is_ascii()) {
            *place = key as u8;
            self.len += 1;
        }
    }
}

impl Deref for Keys {
    type Target = str;

    fn deref(&self) -> &str {
        // Only ASCII is pushed.
        std::str::from_utf8(&self.keys[..usize::from(self.len)]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_as_text_and_too_many_are_dropped() {
        let mut keys = Keys::default();
        assert!(keys.is_empty());
        for key in "12#é*".chars() {
            keys.push(key);
        }
        assert_eq!(&*keys, "12#*");
        for _ in 0..40 {
            keys.push('9');
        }
        assert_eq!(keys.len(), MOST);
    }
}
