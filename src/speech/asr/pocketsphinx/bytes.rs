//! Numbers off the front of a file, little-endian as every model is shipped.

/// What is left of a file. Each method answers `None` where it is cut off.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn u16(&mut self) -> Option<u16> {
        self.chunk().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.chunk().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.chunk().map(u64::from_le_bytes)
    }

    pub(super) fn f32(&mut self) -> Option<f32> {
        self.chunk().map(f32::from_le_bytes)
    }

    /// A number of things, as 32 bits.
    pub(super) fn count(&mut self) -> Option<usize> {
        self.u32().map(|count| count as usize)
    }

    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn chunk<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_in_order_until_the_file_is_cut_off() {
        let mut bytes = Bytes(&[1, 2, 3, 0, 0, 0, 7, 8, 9]);
        assert_eq!((bytes.u16(), bytes.count()), (Some(0x0201), Some(3)));
        assert_eq!(bytes.take(4), None);
        assert_eq!((bytes.u64(), bytes.take(3), bytes.is_empty()), (None, Some(&[7, 8, 9][..]), true));
    }
}
