//! Between line (8 kHz) and house (16 kHz): half-band filters that take and give whole frames, 2.7 ms late.

use std::sync::LazyLock;

use super::bessel_i0;

/// Taps of one phase of the half-band filter. The other phase is a single tap of ½ in the middle.
const PHASE_TAPS: usize = 44;
/// Shape of the Kaiser window: 70 dB stopband attenuation (Kaiser 1974).
const KAISER_BETA: f64 = 6.76;
/// Samples at 8 kHz that are worked on at a time.
const BLOCK: usize = 160;
/// History and one block, at 8 kHz.
const LINE: usize = PHASE_TAPS - 1 + BLOCK;
/// How much later the middle tap is than the newest sample (8 kHz samples).
const MIDDLE: usize = PHASE_TAPS / 2 - 1;

/// The taps at odd distances from the middle: sinc times Kaiser window, scaled so that both phases pass DC alike.
static PHASE: LazyLock<[f32; PHASE_TAPS]> = LazyLock::new(|| {
    let taps: [f64; PHASE_TAPS] = std::array::from_fn(|i| {
        let distance = 2.0 * i as f64 - (PHASE_TAPS as f64 - 1.0);
        let sinc = (std::f64::consts::FRAC_PI_2 * distance).sin() / (std::f64::consts::PI * distance);
        let x = distance / PHASE_TAPS as f64;
        sinc * bessel_i0(KAISER_BETA * (1.0 - x * x).sqrt()) / bessel_i0(KAISER_BETA)
    });
    let sum: f64 = taps.iter().sum();
    taps.map(|tap| (tap / (2.0 * sum)) as f32)
});

fn dot(window: &[f32]) -> f32 {
    // Four sums side by side, so that the compiler may use vector registers.
    let mut sums = [0.0f32; 4];
    for (xs, taps) in window.chunks_exact(4).zip(PHASE.chunks_exact(4)) {
        for i in 0..4 {
            sums[i] += xs[i] * taps[i];
        }
    }
    sums.iter().sum()
}

fn to_i16(x: f32) -> i16 {
    x.round() as i16 // saturates
}

/// A delay line at 8 kHz that stays in one place.
#[derive(Clone, Debug)]
struct DelayLine([f32; LINE]);

impl DelayLine {
    fn append(&mut self, samples: impl ExactSizeIterator<Item = f32>) {
        let n = samples.len();
        self.0.copy_within(n.., 0);
        for (place, sample) in self.0[LINE - n..].iter_mut().zip(samples) {
            *place = sample;
        }
    }

    /// The [`PHASE_TAPS`] samples of which the newest is the `i`th of the last `n`.
    fn window(&self, i: usize, n: usize) -> &[f32] {
        let end = LINE - n + i + 1;
        &self.0[end - PHASE_TAPS..end]
    }
}

/// From 8 to 16 kHz; flat to 3.6 kHz, images above 4.4 kHz at least 60 dB down.
#[derive(Clone, Debug)]
pub struct Upsampler {
    line: DelayLine,
}

impl Default for Upsampler {
    fn default() -> Self {
        Self { line: DelayLine([0.0; LINE]) }
    }
}

impl Upsampler {
    /// Writes two samples for each of `input`; `output` has room for twice as many.
    pub fn process(&mut self, input: &[i16], output: &mut [i16]) {
        for (input, output) in input.chunks(BLOCK).zip(output.chunks_mut(2 * BLOCK)) {
            let n = input.len();
            self.line.append(input.iter().map(|&s| f32::from(s)));
            for (i, pair) in output.chunks_exact_mut(2).take(n).enumerate() {
                let window = self.line.window(i, n);
                // Between the samples lies the filter's long phase, on them its single tap.
                pair[0] = to_i16(2.0 * dot(window));
                pair[1] = to_i16(window[PHASE_TAPS - 1 - MIDDLE]);
            }
        }
    }
}

/// From 16 to 8 kHz; flat to 3.6 kHz, what lies above 4.4 kHz at least 60 dB down.
#[derive(Clone, Debug)]
pub struct Downsampler {
    even: DelayLine,
    odd: DelayLine,
}

impl Default for Downsampler {
    fn default() -> Self {
        Self { even: DelayLine([0.0; LINE]), odd: DelayLine([0.0; LINE]) }
    }
}

impl Downsampler {
    /// Writes one sample for each two of `input`, whose length is even; `output` has room for half as many.
    pub fn process(&mut self, input: &[i16], output: &mut [i16]) {
        for (input, output) in input.chunks(2 * BLOCK).zip(output.chunks_mut(BLOCK)) {
            let n = input.len() / 2;
            let every_second = |from: usize| input[from..].iter().step_by(2).take(n).map(|&s| f32::from(s));
            self.even.append(every_second(0));
            self.odd.append(every_second(1.min(input.len())));
            for (i, sample) in output.iter_mut().take(n).enumerate() {
                // One sample older than in the upsampler, so that both together are late by whole samples.
                let middle = self.odd.window(i, n)[PHASE_TAPS - 2 - MIDDLE];
                *sample = to_i16(dot(self.even.window(i, n)) + 0.5 * middle);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hertz: f64, rate: u32, samples: usize) -> Vec<i16> {
        let step = std::f64::consts::TAU * hertz / f64::from(rate);
        (0..samples).map(|i| (10_000.0 * (step * i as f64).sin()).round() as i16).collect()
    }

    /// Level of `hertz` in `samples` against the sine that was sent (dB).
    fn level(samples: &[i16], hertz: f64, rate: u32) -> f64 {
        let step = std::f64::consts::TAU * hertz / f64::from(rate);
        let (mut re, mut im) = (0.0, 0.0);
        for (i, &s) in samples.iter().enumerate() {
            re += f64::from(s) * (step * i as f64).cos();
            im += f64::from(s) * (step * i as f64).sin();
        }
        20.0 * ((re * re + im * im).sqrt() * 2.0 / samples.len() as f64 / 10_000.0).max(1e-6).log10()
    }

    fn up(input: &[i16]) -> Vec<i16> {
        let mut output = vec![0; 2 * input.len()];
        Upsampler::default().process(input, &mut output);
        output[800..].to_vec()
    }

    fn down(input: &[i16]) -> Vec<i16> {
        let mut output = vec![0; input.len() / 2];
        Downsampler::default().process(input, &mut output);
        output[800..].to_vec()
    }

    #[test]
    fn the_passband_is_flat_and_the_rest_is_gone() {
        for hertz in [100.0, 300.0, 1_000.0, 2_000.0, 3_000.0, 3_400.0, 3_600.0] {
            let raised = up(&sine(hertz, 8_000, 8_800));
            assert!(level(&raised, hertz, 16_000).abs() < 0.1, "{hertz}: {}", level(&raised, hertz, 16_000));
            assert!(level(&raised, 8_000.0 - hertz, 16_000) < -60.0, "image of {hertz}");
            let lowered = down(&sine(hertz, 16_000, 17_600));
            assert!(level(&lowered, hertz, 8_000).abs() < 0.1, "{hertz}: {}", level(&lowered, hertz, 8_000));
        }
        for hertz in [4_400.0, 5_000.0, 6_500.0, 7_900.0] {
            let lowered = down(&sine(hertz, 16_000, 17_600));
            assert!(level(&lowered, 8_000.0 - hertz, 8_000) < -60.0, "alias of {hertz}");
        }
    }

    #[test]
    fn pieces_make_no_difference() {
        let input = sine(700.0, 8_000, 1_600);
        let mut whole = vec![0; 3_200];
        Upsampler::default().process(&input, &mut whole);
        let mut upsampler = Upsampler::default();
        let mut pieces = Vec::new();
        for piece in [&input[..80], &input[80..240], &input[240..241], &input[241..900], &input[900..]] {
            let mut out = vec![0; 2 * piece.len()];
            upsampler.process(piece, &mut out);
            pieces.extend(out);
        }
        assert_eq!(whole, pieces);
    }

    #[test]
    fn there_and_back_is_only_later() {
        let input = sine(900.0, 8_000, 4_000);
        let mut wide = vec![0; 8_000];
        Upsampler::default().process(&input, &mut wide);
        let mut back = vec![0; 4_000];
        Downsampler::default().process(&wide, &mut back);
        let worst = |delay: usize| (500..3_900).map(|i| (input[i - delay] - back[i]).abs()).max();
        let best = (20..60).filter_map(worst).min();
        assert!(best < Some(30), "{best:?}");
    }
}
