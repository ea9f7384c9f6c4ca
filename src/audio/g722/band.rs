//! One band's predictor and step: the same in the encoder and in the decoder, and so the same in both parties.

use super::saturate;
use super::tables::{HIGH_MAGNITUDES, HIGH_MOVES, LOW_MAGNITUDES, LOW_MOVES, POWERS};

/// What sets one band apart from the other.
#[derive(Debug)]
struct Kind {
    /// Quantised differences, in 1/32768 of the step.
    magnitudes: &'static [i32],
    /// How the logarithm of the step moves.
    moves: &'static [i32],
    /// The largest logarithm of the step (1/2048 of an octave).
    loudest: i32,
    /// Octaves between the logarithm and the step.
    octaves: i32,
    /// The step at first.
    first: i32,
}

static LOW: Kind = Kind { magnitudes: &LOW_MAGNITUDES, moves: &LOW_MOVES, loudest: 18_432, octaves: 8, first: 32 };
static HIGH: Kind = Kind { magnitudes: &HIGH_MAGNITUDES, moves: &HIGH_MOVES, loudest: 22_528, octaves: 10, first: 8 };

/// The state of one band.
#[derive(Clone, Debug)]
pub(super) struct Band {
    kind: &'static Kind,
    /// The step of the quantiser (DET).
    step: i32,
    /// Its logarithm (NB).
    log_step: i32,
    /// What the next sample is expected to be (S), and the share of the zeros in it (SZ).
    predicted: i32,
    by_zeros: i32,
    /// The last two reconstructed samples (RLT), the newest first.
    reconstructed: [i32; 2],
    /// The last two partly reconstructed samples (PLT).
    partial: [i32; 2],
    /// Coefficients of the poles (A).
    poles: [i32; 2],
    /// The last six differences (D).
    differences: [i32; 6],
    /// Coefficients of the zeros (B).
    zeros: [i32; 6],
}

impl Band {
    pub(super) fn low() -> Self {
        Self::new(&LOW)
    }

    pub(super) fn high() -> Self {
        Self::new(&HIGH)
    }

    fn new(kind: &'static Kind) -> Self {
        Self {
            kind,
            step: kind.first,
            log_step: 0,
            predicted: 0,
            by_zeros: 0,
            reconstructed: [0; 2],
            partial: [0; 2],
            poles: [0; 2],
            differences: [0; 6],
            zeros: [0; 6],
        }
    }

    /// The step of the quantiser.
    pub(super) const fn step(&self) -> i32 {
        self.step
    }

    /// What the next sample is expected to be.
    pub(super) const fn predicted(&self) -> i32 {
        self.predicted
    }

    /// How far `sample` is from what was expected: whether it is below, and by how much (SUBTRA).
    pub(super) const fn difference(&self, sample: i32) -> (bool, i32) {
        let difference = saturate(sample - self.predicted);
        (difference < 0, if difference < 0 { !difference } else { difference })
    }

    /// Learns from a sample's code (of the lower band: its upper four bits).
    pub(super) fn adapt(&mut self, code: usize) {
        let difference = (self.step * self.kind.magnitudes[code]) >> 15;
        self.scale(self.kind.moves[code]);
        self.predict(difference);
    }

    /// LOGSCL and SCALEL, LOGSCH and SCALEH.
    fn scale(&mut self, by: i32) {
        self.log_step = (((self.log_step * 127) >> 7) + by).clamp(0, self.kind.loudest);
        let power = POWERS[(self.log_step >> 6) as usize & 31];
        let shift = self.kind.octaves - (self.log_step >> 11);
        let step = if shift < 0 { power << -shift } else { power >> shift };
        self.step = step << 2;
    }

    /// Block 4: the predictor's two poles and six zeros follow the signs of what came.
    fn predict(&mut self, difference: i32) {
        let reconstructed = saturate(self.predicted + difference);
        let partial = saturate(self.by_zeros + difference);
        let poles = self.next_poles(partial);
        let towards = if difference == 0 { 0 } else { 128 };
        for (zero, &old) in self.zeros.iter_mut().zip(&self.differences) {
            let moved = if is_same_sign(old, difference) { towards } else { -towards };
            *zero = saturate(moved + ((*zero * 32_640) >> 15));
        }
        self.differences.rotate_right(1);
        self.differences[0] = difference;
        self.reconstructed = [reconstructed, self.reconstructed[0]];
        self.partial = [partial, self.partial[0]];
        self.poles = poles;
        let weighted = |(&coefficient, &value): (&i32, &i32)| (coefficient * saturate(2 * value)) >> 15;
        let by_poles: i32 = self.poles.iter().zip(&self.reconstructed).map(weighted).sum();
        self.by_zeros = saturate(self.zeros.iter().zip(&self.differences).map(weighted).sum());
        self.predicted = saturate(saturate(by_poles) + self.by_zeros);
    }

    /// UPPOL2 and UPPOL1.
    fn next_poles(&self, partial: i32) -> [i32; 2] {
        let follows = is_same_sign(partial, self.partial[0]);
        let first = saturate(self.poles[0] << 2);
        let first = if follows { -first } else { first }.min(i32::from(i16::MAX)) >> 7;
        let second = if is_same_sign(partial, self.partial[1]) { 128 } else { -128 };
        let second = (first + second + ((self.poles[1] * 32_512) >> 15)).clamp(-12_288, 12_288);
        let limit = saturate(15_360 - second);
        let first = saturate(if follows { 192 } else { -192 } + ((self.poles[0] * 32_640) >> 15));
        [first.clamp(-limit, limit), second]
    }
}

/// Zero counts as positive.
const fn is_same_sign(a: i32, b: i32) -> bool {
    (a < 0) == (b < 0)
}
