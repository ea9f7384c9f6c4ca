//! Sphinx's `s3` parameter files: the Gaussians of an acoustic model.
//!
//! ```text
//! "s3\nversion 1.0\nchksum0 yes\n…endhdr\n" │ 0x11223344 │ codebooks streams densities lengths… values │ f32 … │ checksum
//! ```
//!
//! Bytes in, [`Gaussians`] out, and back. Nothing is guessed: a file that is shorter, longer or otherwise different from
//! what its counts say is refused. Only little-endian files are read, which is what every distribution ships.

use super::bytes::Bytes;

/// Marks the byte order, after the text header.
const MAGIC: u32 = 0x1122_3344;
/// What ends the text header.
const HEADER_END: &[u8] = b"endhdr\n";
/// Written in front of every file.
const HEADER: &[u8] = b"s3\nversion 1.0\nchksum0 yes\n     endhdr\n";
/// No model comes near it; a count above it is a damaged file, not a request for memory.
const MOST_VALUES: usize = 64 << 20;

/// Means or variances of all Gaussians of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Gaussians {
    /// Codebooks (one for each phone in `ptm` models, one for each state in continuous ones).
    pub codebooks: usize,
    /// Gaussians in each codebook.
    pub densities: usize,
    /// Length of each feature stream, in order.
    pub lengths: Vec<usize>,
    /// \[codebook, stream, density, coefficient\], row by row.
    pub values: Vec<f32>,
}

/// Why a parameter file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum S3Error {
    /// Not a parameter file at all.
    #[error("it does not begin with an s3 header")]
    NoHeader,
    /// The bytes after the header are in another order, or damaged.
    #[error("its byte-order mark is not that of a little-endian file")]
    ByteOrder,
    /// It ends too early.
    #[error("it is cut off")]
    Truncated,
    /// Its counts contradict each other.
    #[error("its counts contradict each other")]
    Inconsistent,
    /// Its checksum is wrong.
    #[error("its checksum is wrong")]
    Checksum,
}

/// Takes numbers off the front of a file, and sums them up as Sphinx does.
struct Numbers<'a> {
    rest: Bytes<'a>,
    checksum: u32,
}

impl Numbers<'_> {
    fn raw(&mut self) -> Result<u32, S3Error> {
        self.rest.u32().ok_or(S3Error::Truncated)
    }

    fn next(&mut self) -> Result<u32, S3Error> {
        let number = self.raw()?;
        self.checksum = accumulate(self.checksum, number);
        Ok(number)
    }

    fn count(&mut self) -> Result<usize, S3Error> {
        let count = self.next()? as usize;
        if count > MOST_VALUES { Err(S3Error::Inconsistent) } else { Ok(count) }
    }
}

/// One step of Sphinx's checksum (`chksum_accum` of sphinxbase's `bio.c`).
fn accumulate(sum: u32, word: u32) -> u32 {
    sum.rotate_left(20).wrapping_add(word)
}

impl Gaussians {
    /// Reads a `means` or `variances` file.
    ///
    /// # Errors
    /// Every [`S3Error`].
    pub fn read(bytes: &[u8]) -> Result<Self, S3Error> {
        if !bytes.starts_with(b"s3\n") {
            return Err(S3Error::NoHeader);
        }
        let end = bytes.windows(HEADER_END.len()).position(|w| w == HEADER_END).ok_or(S3Error::NoHeader)?;
        let has_checksum = bytes[..end].windows(7).any(|w| w == b"chksum0");
        let mut numbers = Numbers { rest: Bytes(&bytes[end + HEADER_END.len()..]), checksum: 0 };
        if numbers.raw()? != MAGIC {
            return Err(S3Error::ByteOrder);
        }
        let (codebooks, streams, densities) = (numbers.count()?, numbers.count()?, numbers.count()?);
        if streams > 64 {
            return Err(S3Error::Inconsistent);
        }
        let lengths = (0..streams).map(|_| numbers.count()).collect::<Result<Vec<_>, _>>()?;
        let total = numbers.count()?;
        let expected = lengths.iter().sum::<usize>().checked_mul(codebooks).and_then(|n| n.checked_mul(densities));
        if expected != Some(total) {
            return Err(S3Error::Inconsistent);
        }
        if numbers.rest.0.len() < total * 4 {
            return Err(S3Error::Truncated);
        }
        let values = (0..total).map(|_| numbers.next().map(f32::from_bits)).collect::<Result<Vec<_>, _>>()?;
        let sum = numbers.checksum;
        if has_checksum && numbers.raw()? != sum {
            return Err(S3Error::Checksum);
        }
        if numbers.rest.is_empty() {
            Ok(Self { codebooks, densities, lengths, values })
        } else {
            Err(S3Error::Inconsistent)
        }
    }

    /// The file that [`read`](Self::read) reads.
    pub fn write(&self) -> Vec<u8> {
        let counts = [self.codebooks, self.lengths.len(), self.densities];
        let total = self.values.len();
        let counts = counts.iter().chain(&self.lengths).chain([&total]).map(|&n| n as u32);
        let mut checksum = 0;
        let mut file = HEADER.to_vec();
        file.extend(MAGIC.to_le_bytes());
        for number in counts.chain(self.values.iter().map(|value| value.to_bits())) {
            checksum = accumulate(checksum, number);
            file.extend(number.to_le_bytes());
        }
        file.extend(checksum.to_le_bytes());
        file
    }

    /// One vector after the other, each as long as its stream.
    pub fn vectors_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        let lengths = self.lengths.clone();
        let densities = self.densities;
        let mut rest = self.values.as_mut_slice();
        (0..self.codebooks)
            .flat_map(move |_| lengths.clone())
            .flat_map(move |length| (0..densities).map(move |_| length))
            .map(move |length| {
                let (vector, tail) = std::mem::take(&mut rest).split_at_mut(length);
                rest = tail;
                vector
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn small() -> Gaussians {
        Gaussians { codebooks: 2, densities: 2, lengths: vec![2, 1], values: (0u8..12).map(f32::from).collect() }
    }

    #[test]
    fn every_vector_is_as_long_as_its_stream() {
        let lengths: Vec<usize> = small().vectors_mut().map(|v| v.len()).collect();
        assert_eq!(lengths, [2, 2, 1, 1, 2, 2, 1, 1]);
    }

    #[test]
    fn damage_is_named() {
        let good = small().write();
        assert_eq!(Gaussians::read(b"RIFF"), Err(S3Error::NoHeader));
        assert_eq!(Gaussians::read(&good[..good.len() - 9]), Err(S3Error::Truncated));
        let mut flipped = good.clone();
        let at = flipped.len() - 6;
        flipped[at] ^= 1;
        assert_eq!(Gaussians::read(&flipped), Err(S3Error::Checksum));
        let mut longer = good;
        longer.push(0);
        assert_eq!(Gaussians::read(&longer), Err(S3Error::Inconsistent));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(values in proptest::collection::vec(-1e6f32..1e6, 12)) {
            let gaussians = Gaussians { values, ..small() };
            prop_assert_eq!(Gaussians::read(&gaussians.write()), Ok(gaussians));
        }

        #[test]
        fn no_damaged_file_panics(at in 0usize..100, byte: u8) {
            let mut file = small().write();
            let at = at % file.len();
            file[at] = byte;
            let _ = Gaussians::read(&file);
        }
    }
}
