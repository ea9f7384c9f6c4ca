//! From any sample rate to any other, in a stream and without delay.
//!
//! ```text
//! 22.05 kHz ─► window ─► one of `up` sets of weights ─► 16 kHz
//! ```
//!
//! A polyphase filter: the rates' ratio is up/down, and for each of the `up` places that an output sample can have between
//! two input samples there is a windowed sinc of its own. The filter is symmetric and the stream is padded by half of it
//! on either side, so the output lies exactly over the input: `ceil(n · up / down)` samples of it.

use std::f64::consts::PI;

use super::bessel_i0;
use crate::units::SampleRate;

/// Zero crossings of the sinc on either side. With [`KAISER_BETA`] aliases lie 80 dB down.
const ZERO_CROSSINGS: f64 = 16.0;
/// Shape of the Kaiser window: 8 gives 80 dB in the stop band (Kaiser 1974).
const KAISER_BETA: f64 = 8.0;
/// Pass band relative to the lower of the two Nyquist frequencies.
const ROLL_OFF: f64 = 0.95;

/// Converts one stream. Not for the frame path: it allocates.
#[derive(Clone, Debug)]
pub struct Resampler {
    up: usize,
    down: usize,
    /// Taps of one phase.
    taps: usize,
    /// `[up, taps]`
    weights: Vec<f32>,
    /// Input that is still needed.
    window: Vec<f32>,
    /// First sample of `window` under the filter, and how far into the next one the output lies [1/up samples].
    at: usize,
    phase: usize,
}

impl Resampler {
    /// From `from` to `to`.
    pub fn new(from: SampleRate, to: SampleRate) -> Self {
        let divisor = greatest_common_divisor(from.hertz(), to.hertz());
        let (up, down) = ((to.hertz() / divisor) as usize, (from.hertz() / divisor) as usize);
        if up == down {
            // One tap: every sample is itself.
            return Self { up, down, taps: 2, weights: vec![1.0, 0.0], window: Vec::new(), at: 0, phase: 0 };
        }
        let cutoff = ROLL_OFF * (up as f64 / down as f64).min(1.0);
        let half = (ZERO_CROSSINGS / cutoff).ceil() as usize;
        let taps = 2 * half;
        let mut weights = Vec::with_capacity(up * taps);
        for phase in 0..up {
            let between = phase as f64 / up as f64;
            let offset = (half - 1) as f64 + between;
            weights.extend((0..taps).map(|tap| windowed_sinc(tap as f64 - offset, cutoff, half as f64) as f32));
        }
        Self { up, down, taps, weights, window: vec![0.0; half - 1], at: 0, phase: 0 }
    }

    /// Takes `pcm` and appends what has become certain to `out`.
    pub fn push(&mut self, pcm: &[i16], out: &mut Vec<i16>) {
        self.window.extend(pcm.iter().map(|&sample| f32::from(sample)));
        while self.at + self.taps <= self.window.len() {
            let weights = &self.weights[self.phase * self.taps..][..self.taps];
            let under = &self.window[self.at..][..self.taps];
            let sum: f32 = weights.iter().zip(under).map(|(weight, sample)| weight * sample).sum();
            // `as` saturates: an overshoot of the filter near full scale does not wrap.
            out.push(sum.round() as i16);
            self.phase += self.down;
            self.at += self.phase / self.up;
            self.phase %= self.up;
        }
        let used = self.at.min(self.window.len());
        self.window.drain(..used);
        self.at -= used;
    }

    /// Ends the stream: appends the rest to `out`.
    pub fn finish(mut self, out: &mut Vec<i16>) {
        self.push(&vec![0; self.taps / 2], out);
    }
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// The low-pass filter's weight `t` input samples away from its middle.
fn windowed_sinc(t: f64, cutoff: f64, half: f64) -> f64 {
    let x = PI * cutoff * t;
    let sinc = if x.abs() < 1e-9 { 1.0 } else { x.sin() / x };
    let inside = 1.0 - (t / half).powi(2);
    if inside < 0.0 {
        return 0.0;
    }
    cutoff * sinc * bessel_i0(KAISER_BETA * inside.sqrt()) / bessel_i0(KAISER_BETA)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ESPEAK: SampleRate = SampleRate::new(22_050).unwrap();

    fn tone(hertz: f64, rate: SampleRate, samples: usize) -> Vec<i16> {
        let step = 2.0 * PI * hertz / f64::from(rate.hertz());
        (0..samples).map(|i| (10_000.0 * (step * i as f64).sin()) as i16).collect()
    }

    fn convert(from: SampleRate, to: SampleRate, pcm: &[i16], chunk: usize) -> Vec<i16> {
        let mut resampler = Resampler::new(from, to);
        let mut out = Vec::new();
        for part in pcm.chunks(chunk) {
            resampler.push(part, &mut out);
        }
        resampler.finish(&mut out);
        out
    }

    fn rms(pcm: &[i16]) -> f64 {
        (pcm.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / pcm.len() as f64).sqrt()
    }

    #[test]
    fn a_tone_stays_where_it_was() {
        for (from, to) in [
            (ESPEAK, SampleRate::WIDEBAND),
            (SampleRate::NARROWBAND, SampleRate::WIDEBAND),
            (SampleRate::WIDEBAND, SampleRate::NARROWBAND),
        ] {
            let out = convert(from, to, &tone(1_000.0, from, from.hertz() as usize), 777);
            let wanted = tone(1_000.0, to, to.hertz() as usize);
            assert_eq!(out.len(), wanted.len());
            let error: Vec<i16> = out.iter().zip(&wanted).map(|(a, b)| a - b).collect();
            assert!(rms(&error[200..error.len() - 200]) < 10.0, "{from:?} to {to:?}: {}", rms(&error));
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_carry_is_removed() {
        let out = convert(ESPEAK, SampleRate::WIDEBAND, &tone(9_500.0, ESPEAK, 22_050), 4_096);
        assert!(rms(&out[200..15_800]) < 5.0, "{}", rms(&out));
    }

    #[test]
    fn the_size_of_the_chunks_does_not_matter() {
        let pcm = tone(700.0, ESPEAK, 5_000);
        let whole = convert(ESPEAK, SampleRate::WIDEBAND, &pcm, 5_000);
        assert_eq!(whole.len(), (5_000 * 320_usize).div_ceil(441));
        for chunk in [1, 7, 441, 1_024] {
            assert_eq!(convert(ESPEAK, SampleRate::WIDEBAND, &pcm, chunk), whole);
        }
    }

    #[test]
    fn any_rate_keeps_pitch_length_and_place() {
        for hertz in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000] {
            let from = SampleRate::new(hertz).unwrap();
            let output = convert(from, SampleRate::WIDEBAND, &tone(440.0, from, hertz as usize), 333);
            let wanted = tone(440.0, SampleRate::WIDEBAND, 16_000);
            assert_eq!(output.len(), 16_000, "{hertz}");
            let worst = (1_600..14_400).map(|i| (output[i] - wanted[i]).abs()).max();
            assert!(worst < Some(40), "{hertz}: {worst:?}");
        }
    }

    #[test]
    fn the_same_rate_changes_nothing() {
        let pcm = tone(700.0, ESPEAK, 5_000);
        assert!(convert(ESPEAK, ESPEAK, &pcm, 333) == pcm);
    }

    #[test]
    fn nothing_comes_from_nothing() {
        assert!(convert(ESPEAK, SampleRate::WIDEBAND, &[], 1).is_empty());
    }
}
