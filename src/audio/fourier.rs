//! The Fourier transform of real signals of one length.
//!
//! Two real samples make one complex one, and one transform of half the length serves both (Numerical Recipes §12.3). The
//! transform is put together from its parts here: the crate's planner would bring in, and compile, all that it knows.

use std::f32::consts::TAU;
use std::sync::Arc;

use rustfft::algorithm::butterflies::Butterfly5;
use rustfft::algorithm::{MixedRadix, Radix4};
use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftDirection};

/// Samples of a transform.
pub(super) const LENGTH: usize = 640;
/// Frequencies of a transform, from 0 to half the sample rate.
pub(super) const BINS: usize = LENGTH / 2 + 1;
const HALF: usize = LENGTH / 2;

/// Both directions, and their working memory: nothing is allocated once it is made.
pub(super) struct Fourier {
    forward: MixedRadix<f32>,
    backward: MixedRadix<f32>,
    /// e^(-2πik/LENGTH)
    twiddles: Box<[Complex32]>,
    packed: Box<[Complex32]>,
    scratch: Box<[Complex32]>,
}

impl Fourier {
    pub(super) fn new() -> Self {
        let plan = |direction| {
            MixedRadix::new(Arc::new(Radix4::new(HALF / 5, direction)), Arc::new(Butterfly5::new(direction)))
        };
        let (forward, backward) = (plan(FftDirection::Forward), plan(FftDirection::Inverse));
        let zeros = |n| vec![Complex32::default(); n].into_boxed_slice();
        let scratch = zeros(forward.get_inplace_scratch_len().max(backward.get_inplace_scratch_len()));
        let turn = |k: usize| Complex32::from_polar(1.0, -TAU * k as f32 / LENGTH as f32);
        Self { forward, backward, twiddles: (0..BINS).map(turn).collect(), packed: zeros(HALF), scratch }
    }

    /// The spectrum of `time`.
    pub(super) fn spectrum(&mut self, time: &[f32; LENGTH], re: &mut [f32; BINS], im: &mut [f32; BINS]) {
        for (packed, pair) in self.packed.iter_mut().zip(time.chunks_exact(2)) {
            *packed = Complex32::new(pair[0], pair[1]);
        }
        self.forward.process_with_scratch(&mut self.packed, &mut self.scratch);
        for k in 0..BINS {
            let (ahead, back) = (self.packed[k % HALF], self.packed[(HALF - k) % HALF].conj());
            let (even, odd) = ((ahead + back) * 0.5, (ahead - back) * Complex32::new(0.0, -0.5));
            let bin = even + self.twiddles[k] * odd;
            (re[k], im[k]) = (bin.re, bin.im);
        }
    }

    /// The signal with the spectrum `re`, `im`.
    pub(super) fn signal(&mut self, re: &[f32; BINS], im: &[f32; BINS], time: &mut [f32; LENGTH]) {
        // Both ends are real in the spectrum of a real signal; rounding must not say otherwise.
        let bin = |k: usize| Complex32::new(re[k], if k == 0 || k == HALF { 0.0 } else { im[k] });
        for (k, packed) in self.packed.iter_mut().enumerate() {
            let (ahead, back) = (bin(k), bin(HALF - k).conj());
            let odd = (ahead - back) * 0.5 * self.twiddles[k].conj();
            *packed = (ahead + back) * 0.5 + odd * Complex32::i();
        }
        self.backward.process_with_scratch(&mut self.packed, &mut self.scratch);
        for (pair, packed) in time.chunks_exact_mut(2).zip(&self.packed) {
            (pair[0], pair[1]) = (packed.re / HALF as f32, packed.im / HALF as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise() -> [f32; LENGTH] {
        let mut seed = 7u32;
        std::array::from_fn(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / 8_388_608.0 - 1.0
        })
    }

    #[test]
    fn a_spectrum_is_what_the_definition_says() {
        let (time, mut re, mut im) = (noise(), [0.0; BINS], [0.0; BINS]);
        Fourier::new().spectrum(&time, &mut re, &mut im);
        for k in [0, 1, 17, 160, 319, 320] {
            let angle = |n: usize| -f64::from(TAU) * (k * n % LENGTH) as f64 / LENGTH as f64;
            let sum = |part: fn(f64) -> f64| {
                time.iter().enumerate().map(|(n, x)| f64::from(*x) * part(angle(n))).sum::<f64>()
            };
            assert!((sum(f64::cos) - f64::from(re[k])).abs() < 1e-3, "{k}");
            assert!((sum(f64::sin) - f64::from(im[k])).abs() < 1e-3, "{k}");
        }
    }

    #[test]
    fn there_and_back_is_the_same() {
        let (time, mut re, mut im, mut back) = (noise(), [0.0; BINS], [0.0; BINS], [0.0; LENGTH]);
        let mut fourier = Fourier::new();
        fourier.spectrum(&time, &mut re, &mut im);
        fourier.signal(&re, &im, &mut back);
        assert!(time.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-4));
    }
}
