//! What callers' speech taught an acoustic model: means, variances and mixture weights moved towards it.
//!
//! ```text
//! models/telephone-en.bin ─► read ─► apply ─► telephone.{means,variances,sendump} of models/en-us-8k
//! models/wideband-en.bin ───────────────────► the same of models/en-us-16k
//! ```
//!
//! Maximum a posteriori (Gauvain & Lee 1994): the model is the prior, and what was counted over aligned speech pulls
//! each Gaussian, and the weights of each state, as far as there was speech for it. `benches/train_telephone` counts; the file
//! holds the moves of the Gaussians and the counts of the weights, all as bytes with runs of zeros shortened:
//!
//! ```text
//! "antevox adapt 1\n" │ checksum of the rest: u64 │ 3 × (values: u32, bytes: u32, bytes)
//! ```
//!
//! A byte of the first two says how far a mean went, in sixteenths of its standard deviation, and by which factor a variance
//! grew, in sixteenths of its logarithm. A byte of the third, in the order of `sendump`, says how many frames were counted.

use super::bytes::Bytes;
use super::folder::{Line, checksum};
use super::s3::Gaussians;

/// What belongs to this program for lines of 8 kHz.
const TELEPHONE: &[u8] = include_bytes!("../../../../models/telephone-en.bin");
/// And for those of 16 kHz.
const WIDEBAND: &[u8] = include_bytes!("../../../../models/wideband-en.bin");
const MAGIC: &[u8] = b"antevox adapt 1\n";
/// Steps of a standard deviation, and of a logarithm.
const STEPS: f32 = 16.0;
/// How many frames the weights of the model are worth, in each state.
const WEIGHTS_PRIOR: f64 = 20.0;
/// Fewer frames than this are not told \[frames\]; the byte 1 stands for so many.
const FEWEST_FRAMES: f64 = 0.5;
/// A byte of `sendump` is a logarithm to this base, shifted by [`SENDUMP_SHIFT`] bits (`-logbase`, `SENSCR_SHIFT`).
const SENDUMP_BASE: f64 = 1.0001;
const SENDUMP_SHIFT: i32 = 10;
/// The least weight that the library knows (its `MAX_NEG_MIXW`).
const LEAST_WEIGHT: f64 = 159.0;

/// Why the weights cannot be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdaptationError {
    /// Not such a file, or one of another version.
    #[error("it does not begin as weights of adaptation do")]
    OtherFile,
    /// It ends too early, or goes on after its end.
    #[error("it is cut off")]
    Truncated,
    /// Its checksum is wrong.
    #[error("its checksum is wrong")]
    Checksum,
    /// It was made for a model of another size.
    #[error("it is for another acoustic model")]
    OtherModel,
}

/// Moves of all Gaussians, and counts for all mixture weights.
#[derive(Debug)]
pub struct Adaptation {
    means: Vec<i8>,
    variances: Vec<i8>,
    counts: Vec<u8>,
}

impl Adaptation {
    /// What this program knows of English as it is spoken on such a line.
    ///
    /// # Errors
    /// Every [`AdaptationError`].
    pub fn english(line: Line) -> Result<Self, AdaptationError> {
        Self::read(file(line))
    }

    /// Reads a file of weights.
    ///
    /// # Errors
    /// Every [`AdaptationError`] but [`AdaptationError::OtherModel`].
    pub fn read(file: &[u8]) -> Result<Self, AdaptationError> {
        let rest = file.strip_prefix(MAGIC).ok_or(AdaptationError::OtherFile)?;
        let mut rest = Bytes(rest);
        if rest.u64().ok_or(AdaptationError::Truncated)? != checksum(rest.0) {
            return Err(AdaptationError::Checksum);
        }
        let signed = |bytes: Vec<u8>| bytes.into_iter().map(u8::cast_signed).collect();
        let mut list = || unpack(&mut rest).ok_or(AdaptationError::Truncated);
        let (means, variances, counts) = (signed(list()?), signed(list()?), list()?);
        if rest.is_empty() { Ok(Self { means, variances, counts }) } else { Err(AdaptationError::Truncated) }
    }

    /// Moves `means` and `variances`, and the weights in `sendump`, a file of the library.
    ///
    /// # Errors
    /// [`AdaptationError::OtherModel`].
    pub fn apply(
        &self,
        means: &mut Gaussians,
        variances: &mut Gaussians,
        sendump: &mut [u8],
    ) -> Result<(), AdaptationError> {
        if means.values.len() != self.means.len() || variances.values.len() != self.variances.len() {
            return Err(AdaptationError::OtherModel);
        }
        let gaussians = means.values.iter_mut().zip(&mut variances.values);
        for ((mean, variance), (&moved, &grown)) in gaussians.zip(self.means.iter().zip(&self.variances)) {
            *mean += f32::from(moved) / STEPS * variance.sqrt();
            *variance *= (f32::from(grown) / STEPS).exp();
        }
        let (densities, states, weights) = weights_of(sendump).ok_or(AdaptationError::OtherModel)?;
        if weights.len() != self.counts.len() || weights.len() % (densities * states) != 0 {
            return Err(AdaptationError::OtherModel);
        }
        let streams = weights.chunks_exact_mut(densities * states).zip(self.counts.chunks_exact(densities * states));
        for (weights, counts) in streams {
            (0..states).for_each(|state| adapt_state(weights, counts, states, state));
        }
        Ok(())
    }
}

/// Mixes the weights of one state and stream, which stand `states` bytes apart, with what was counted.
fn adapt_state(weights: &mut [u8], counts: &[u8], states: usize, state: usize) {
    let counted = || counts.iter().skip(state).step_by(states).map(|&byte| frames(byte));
    let all: f64 = counted().sum();
    if all == 0.0 {
        return;
    }
    let total: f64 = weights.iter().skip(state).step_by(states).map(|&byte| weight(byte)).sum();
    for (byte, frames) in weights.iter_mut().skip(state).step_by(states).zip(counted()) {
        let mixed = (WEIGHTS_PRIOR * weight(*byte) / total + frames) / (WEIGHTS_PRIOR + all);
        *byte = (-mixed.ln() / step()).round().clamp(0.0, LEAST_WEIGHT) as u8;
    }
}

/// Natural logarithm of the ratio of two weights whose bytes differ by one.
fn step() -> f64 {
    SENDUMP_BASE.ln() * f64::from(1 << SENDUMP_SHIFT)
}

fn weight(byte: u8) -> f64 {
    (-f64::from(byte) * step()).exp()
}

fn frames(byte: u8) -> f64 {
    if byte == 0 { 0.0 } else { FEWEST_FRAMES * (f64::from(byte - 1) / f64::from(STEPS)).exp() }
}

/// Densities, states and the weights \[stream, density, state\] of a `sendump`: strings with their lengths before them, a
/// length of zero, the two counts, the weights.
pub(super) fn weights_of(sendump: &mut [u8]) -> Option<(usize, usize, &mut [u8])> {
    fn count(bytes: &mut [u8]) -> Option<(usize, &mut [u8])> {
        let (head, rest) = bytes.split_first_chunk_mut::<4>()?;
        Some((u32::from_le_bytes(*head) as usize, rest))
    }
    let mut rest = sendump;
    loop {
        let (length, after) = count(rest)?;
        rest = after.get_mut(length..)?;
        if length == 0 {
            break;
        }
    }
    let (densities, rest) = count(rest)?;
    let (states, weights) = count(rest)?;
    (densities > 0 && states > 0).then_some((densities, states, weights))
}

/// Takes one list of bytes off the front; in it, a zero is followed by how many more there are.
fn unpack(file: &mut Bytes<'_>) -> Option<Vec<u8>> {
    let (values, packed) = (file.count()?, file.count()?);
    let mut bytes = file.take(packed)?.iter();
    let mut unpacked = Vec::new();
    while let Some(&byte) = bytes.next() {
        let further = if byte == 0 { *bytes.next()? } else { 0 };
        unpacked.resize(unpacked.len() + 1 + usize::from(further), byte);
    }
    (unpacked.len() == values).then_some(unpacked)
}

fn file(line: Line) -> &'static [u8] {
    match line {
        Line::Narrowband => TELEPHONE,
        Line::Wideband => WIDEBAND,
    }
}

/// Stands for these weights where it is asked whether a folder was made with them.
pub(super) fn identity(line: Line) -> u64 {
    checksum(file(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two means and variances, and weights of one stream, two densities and two states.
    fn file() -> Vec<u8> {
        let packed: [(u32, &[u8]); 3] = [(2, &[16, 0, 0]), (2, &[0, 0, 240]), (4, &[100, 0, 2])];
        let mut rest = Vec::new();
        for (values, bytes) in packed {
            rest.extend(values.to_le_bytes());
            rest.extend((bytes.len() as u32).to_le_bytes());
            rest.extend(bytes);
        }
        [MAGIC, &checksum(&rest).to_le_bytes(), &rest].concat()
    }

    fn gaussians(values: [f32; 2]) -> Gaussians {
        Gaussians { codebooks: 1, densities: 1, lengths: vec![2], values: values.to_vec() }
    }

    fn sendump(weights: [u8; 4]) -> Vec<u8> {
        let numbers = |list: [u32; 3]| list.map(u32::to_le_bytes).concat();
        [&3u32.to_le_bytes()[..], b"hi\0", &numbers([0, 2, 2]), &weights].concat()
    }

    #[test]
    fn gaussians_and_weights_go_where_speech_was() {
        let (mut means, mut variances, mut weights) = (gaussians([1.0, 1.0]), gaussians([4.0, 9.0]), sendump([7; 4]));
        Adaptation::read(&file()).unwrap().apply(&mut means, &mut variances, &mut weights).unwrap();
        assert_eq!(means.values, [3.0, 1.0]);
        assert_eq!(variances.values, [4.0, 9.0 * (-1.0f32).exp()]);
        let [seen, unseen_state, other_density, _] = weights[weights.len() - 4..] else { panic!("four weights") };
        assert!(seen < 7 && other_density > 7, "{seen} {other_density}");
        assert_eq!(unseen_state, 7);
        let sum = weight(seen) + weight(other_density);
        assert!((0.9..1.1).contains(&sum), "{sum}");
    }

    #[test]
    fn damage_is_named() {
        let refused = |bytes: &[u8]| Adaptation::read(bytes).unwrap_err();
        assert_eq!(refused(b"s3\nversion 1.0"), AdaptationError::OtherFile);
        assert_eq!(refused(MAGIC), AdaptationError::Truncated);
        assert_eq!(refused(&file()[..file().len() - 1]), AdaptationError::Checksum);
        let mut damaged = file();
        damaged[30] ^= 1;
        assert_eq!(refused(&damaged), AdaptationError::Checksum);
    }

    #[test]
    fn another_model_is_refused() {
        let adaptation = Adaptation::read(&file()).unwrap();
        let apply = |mut means: Gaussians, mut weights: Vec<u8>| {
            adaptation.apply(&mut means, &mut gaussians([1.0, 1.0]), &mut weights)
        };
        let short = Gaussians { lengths: vec![1], values: vec![1.0], ..gaussians([0.0; 2]) };
        assert_eq!(apply(short, sendump([7; 4])), Err(AdaptationError::OtherModel));
        assert_eq!(apply(gaussians([1.0; 2]), b"hi".to_vec()), Err(AdaptationError::OtherModel));
        assert_eq!(apply(gaussians([1.0; 2]), sendump([7; 4])[..18].to_vec()), Err(AdaptationError::OtherModel));
    }

    #[test]
    fn the_weights_of_this_program_can_be_read() {
        for line in [Line::Narrowband, Line::Wideband] {
            let adaptation = Adaptation::english(line).unwrap();
            assert_eq!(adaptation.means.len(), adaptation.variances.len());
            assert!(adaptation.means.iter().filter(|&&moved| moved != 0).count() > 50_000, "{line:?}");
        }
    }
}
