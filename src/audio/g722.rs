//! G.722 at 64 kbit/s: 16 kHz sound in two bands, bit for bit as ITU-T's test sequences have it.
//!
//! ```text
//!            ┌─ low band,  8 kHz ─► adaptive quantiser, 6 bits ─┐
//!  16 kHz ─► QMF                                                ├─► a byte for each two samples
//!            └─ high band, 8 kHz ─► adaptive quantiser, 2 bits ─┘
//! ```
//!
//! In RTP there are only 64 kbit/s, and its clock ticks at 8 kHz though the sound is sampled at 16 (RFC 3551 §4.5.2): one
//! tick is one byte. Names of blocks are those of the recommendation (ITU-T G.722 (11/88) §6.2).

mod band;
mod tables;

use self::band::Band;
use self::tables::{
    HIGH_MAGNITUDES, HIGH_NEGATIVE, HIGH_POSITIVE, LOW_DECISIONS, LOW_NEGATIVE, LOW_POSITIVE, QM6, QMF,
};

/// Samples that the filter pair looks back on.
const QMF_SAMPLES: usize = 2 * QMF.len();
/// Decision level of the higher band's quantiser, in 1/4096 of its step (Table 14).
const HIGH_DECISION: i32 = 564;

/// Sound at 16 kHz in, codes out.
#[derive(Clone, Debug)]
pub struct Encoder {
    history: History,
    low: Band,
    high: Band,
}

impl Default for Encoder {
    fn default() -> Self {
        Self { history: History::default(), low: Band::low(), high: Band::high() }
    }
}

impl Encoder {
    /// Appends a code for each two of `samples`; a last one without a partner is left out.
    pub fn encode(&mut self, samples: &[i16], codes: &mut Vec<u8>) {
        for pair in samples.chunks_exact(2) {
            self.history.push(i32::from(pair[0]), i32::from(pair[1]));
            let (odd, even) = self.history.filtered();
            // 12 bits for the filters' gain, one for their sum, one because the bands are 15 bits wide.
            codes.push(self.encode_bands((even + odd) >> 14, (even - odd) >> 14));
        }
    }

    /// A sample of each band, 15 bits wide, as one code.
    fn encode_bands(&mut self, low: i32, high: i32) -> u8 {
        let code = self.quantise_low(low);
        self.low.adapt(code >> 2);
        let upper = self.quantise_high(high);
        self.high.adapt(upper);
        (upper << 6 | code) as u8
    }

    /// 6 bits (QUANTL).
    fn quantise_low(&self, sample: i32) -> usize {
        let (negative, magnitude) = self.low.difference(sample);
        let beyond = |&decision: &i32| magnitude < (decision * self.low.step()) >> 12;
        let level = LOW_DECISIONS.iter().position(beyond).unwrap_or(LOW_DECISIONS.len());
        usize::from(if negative { LOW_NEGATIVE[level] } else { LOW_POSITIVE[level] })
    }

    /// 2 bits (QUANTH).
    fn quantise_high(&self, sample: i32) -> usize {
        let (negative, magnitude) = self.high.difference(sample);
        let level = usize::from(magnitude >= (HIGH_DECISION * self.high.step()) >> 12);
        if negative { HIGH_NEGATIVE[level] } else { HIGH_POSITIVE[level] }
    }
}

/// Codes in, sound at 16 kHz out.
#[derive(Clone, Debug)]
pub struct Decoder {
    history: History,
    low: Band,
    high: Band,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { history: History::default(), low: Band::low(), high: Band::high() }
    }
}

impl Decoder {
    /// Writes two samples for each code, as many as both slices have room for.
    pub fn decode(&mut self, codes: &[u8], samples: &mut [i16]) {
        for (&code, pair) in codes.iter().zip(samples.chunks_exact_mut(2)) {
            let (low, high) = self.decode_bands(code);
            self.history.push(low + high, low - high);
            let (second, first) = self.history.filtered();
            pair[0] = saturate(first >> 11) as i16;
            pair[1] = saturate(second >> 11) as i16;
        }
    }

    /// A sample of each band, 15 bits wide.
    fn decode_bands(&mut self, code: u8) -> (i32, i32) {
        let (code, upper) = (usize::from(code & 0x3f), usize::from(code >> 6));
        // All six bits make the sound; the predictor runs on four, which every mode has (§1.4.4).
        let low = self.low.predicted() + ((self.low.step() * QM6[code]) >> 15);
        self.low.adapt(code >> 2);
        let high = self.high.predicted() + ((self.high.step() * HIGH_MAGNITUDES[upper]) >> 15);
        self.high.adapt(upper);
        (low.clamp(-16_384, 16_383), high.clamp(-16_384, 16_383))
    }
}

/// The samples that the filter pair looks back on, the oldest first.
#[derive(Clone, Debug)]
struct History([i32; QMF_SAMPLES]);

impl Default for History {
    fn default() -> Self {
        Self([0; QMF_SAMPLES])
    }
}

impl History {
    fn push(&mut self, first: i32, second: i32) {
        self.0.copy_within(2.., 0);
        self.0[QMF_SAMPLES - 2..].copy_from_slice(&[first, second]);
    }

    /// Sums over the samples at even and at odd places.
    fn filtered(&self) -> (i32, i32) {
        let pairs = self.0.chunks_exact(2).zip(QMF.iter().zip(QMF.iter().rev()));
        pairs.fold((0, 0), |(a, b), (pair, (up, down))| (a + pair[0] * up, b + pair[1] * down))
    }
}

const fn saturate(value: i32) -> i32 {
    if value > i16::MAX as i32 {
        i16::MAX as i32
    } else if value < i16::MIN as i32 {
        i16::MIN as i32
    } else {
        value
    }
}

#[cfg(test)]
mod tests;
