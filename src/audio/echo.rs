//! Takes our own voice out of what comes back from the line.
//!
//! ```text
//!   far (what we played) ──┬──────────────► line, telephone, room ──► echo ─┐
//!                          │                                                + ◄── caller's voice
//!                          ▼                                                │
//!        15 partitions of 20 ms, each a filter in the frequency domain      │ near (what we hear)
//!                          │ estimated echo                                 ▼
//!                          └───────────────────────────────────────────► − ──► cleaned
//! ```
//!
//! A partitioned-block Kalman filter in the frequency domain (Enzner and Vary 2006; Kuech, Mabande and Enzner 2014). It
//! keeps, for each partition and frequency, how uncertain it is of the echo path, and learns in proportion to that
//! uncertainty over the power of what it cannot explain. So it hardly learns while the caller speaks, without a detector
//! for it, and needs no estimate of the delay: a partition where there is no echo stays zero.
//!
//! The far and the near frame are of the same moment: what was sent at a tick, and what was pulled at it. Echo is found
//! up to [`REACH_MS`] later.

use super::fourier::{BINS, Fourier, LENGTH};
use super::{FRAME_MS, FRAME_SAMPLES, Frame};
use crate::units::SampleRate;

/// Frames of the echo path that are modelled.
const PARTITIONS: usize = 15;
/// Latest echo that is found (ms): delay of line and jitter buffer, and the tail of the echo itself.
pub const REACH_MS: u64 = PARTITIONS as u64 * FRAME_MS;
// A transform spans two frames, so that one is free of wrap-around (overlap-save).
const _: () = assert!(LENGTH == 2 * FRAME_SAMPLES);

/// How uncertain the echo path is at first, as power gain: an echo 10 dB down would not surprise.
const UNKNOWN: f32 = 0.1;
/// How much of the path's power is left after a frame, were nothing heard of it: how quickly it may change.
const KEPT: f32 = 0.998;
/// Weight of the newest frame in the power of what cannot be explained.
const NEWEST: f32 = 0.4;
/// Power below which nothing is learned, per frequency: about −75 dBov.
const FLOOR: f32 = 1e-5;
/// Weight of the newest frame in the levels that the return loss is taken from.
const LEVEL_NEWEST: f32 = 0.02;
/// Far-end power from which it counts as sound: −50 dBov.
const AUDIBLE: f32 = 1e-5;

/// What is left of a near frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cleaned {
    /// The near frame without the echo.
    pub frame: Frame,
    /// How much of the near frame's energy was our own voice, 0–1. Near 1: what was heard was echo.
    pub likelihood: f32,
    /// How much softer the echo is than what we played (dB); `None` before there was any to hear.
    pub return_loss: Option<f32>,
}

/// Removes the echo of one line. Allocates nothing once it is made.
pub struct EchoCanceller {
    fourier: Fourier,
    /// The signal at hand, as long as a transform.
    time: [f32; LENGTH],
    /// Frequencies that the line carries; nothing is done above.
    carried: usize,
    /// The last two far frames.
    far: [f32; LENGTH],
    /// What the far end played, newest at `newest`, older after it; as many as [`PARTITIONS`].
    played: Box<[Spectrum]>,
    newest: usize,
    /// The echo path, by partition.
    path: Box<[Spectrum]>,
    /// How uncertain each value of the path is, as power.
    doubt: Box<[[f32; BINS]]>,
    /// Power of what cannot be explained.
    unexplained: [f32; BINS],
    /// The partition whose filter is brought back to one frame's length next.
    tidied: usize,
    far_power: f32,
    echo_power: f32,
    /// Frames in a row in which nothing was played.
    silent: usize,
}

/// Real and imaginary parts, apart, so that the compiler may work on several frequencies at once.
#[derive(Clone)]
struct Spectrum {
    re: [f32; BINS],
    im: [f32; BINS],
}

impl Spectrum {
    const ZERO: Self = Self { re: [0.0; BINS], im: [0.0; BINS] };

    /// Adds the product of two spectra, up to the frequency `carried`.
    fn add_product(&mut self, a: &Self, b: &Self, carried: usize) {
        let sums = self.re[..carried].iter_mut().zip(&mut self.im[..carried]);
        let factors = a.re.iter().zip(&a.im).zip(b.re.iter().zip(&b.im));
        for ((re, im), ((ar, ai), (br, bi))) in sums.zip(factors) {
            *re += ar * br - ai * bi;
            *im += ar * bi + ai * br;
        }
    }
}

impl EchoCanceller {
    /// For a line that samples at `rate`: what is above half of it is left as it is.
    pub fn new(rate: SampleRate) -> Self {
        Self {
            fourier: Fourier::new(),
            time: [0.0; LENGTH],
            carried: carried(rate),
            far: [0.0; LENGTH],
            played: vec![Spectrum::ZERO; PARTITIONS].into(),
            newest: 0,
            path: vec![Spectrum::ZERO; PARTITIONS].into(),
            doubt: vec![[UNKNOWN; BINS]; PARTITIONS].into(),
            unexplained: [0.0; BINS],
            tidied: 0,
            far_power: 0.0,
            echo_power: 0.0,
            silent: 0,
        }
    }

    /// Goes on with a line of another rate; what is known of the frequencies that both carry stays.
    pub fn set_rate(&mut self, rate: SampleRate) {
        self.carried = carried(rate);
    }

    /// Takes what we played and what was heard at the same tick.
    pub fn process(&mut self, far: &Frame, near: &Frame) -> Cleaned {
        self.silent = if *far == Frame::SILENCE { self.silent.saturating_add(1) } else { 0 };
        // Nothing comes back of nothing, and nothing is to be learned from it: half of every call.
        if self.silent > PARTITIONS + 1 {
            return Cleaned { frame: *near, likelihood: 0.0, return_loss: self.return_loss() };
        }
        self.push_far(far);
        self.estimate();
        let mut cleaned = Frame::SILENCE;
        let (mut heard, mut echo, mut left) = (0.0, 0.0, 0.0);
        let estimate = &mut self.time[FRAME_SAMPLES..];
        for ((out, sample), &near) in cleaned.0.iter_mut().zip(estimate).zip(&near.0) {
            let near = f32::from(near) / 32_768.0;
            let error = near - *sample;
            heard += near * near;
            echo += *sample * *sample;
            left += error * error;
            *out = (error * 32_768.0).round() as i16; // saturates
            *sample = error;
        }
        self.learn();
        self.tidy();
        self.levels(echo / FRAME_SAMPLES as f32);
        let likelihood = if heard > 0.0 { (1.0 - left / heard).clamp(0.0, 1.0) } else { 0.0 };
        Cleaned { frame: cleaned, likelihood, return_loss: self.return_loss() }
    }

    fn return_loss(&self) -> Option<f32> {
        (self.echo_power > 0.0).then(|| 10.0 * (self.far_power / self.echo_power).log10())
    }

    fn push_far(&mut self, far: &Frame) {
        self.far.copy_within(FRAME_SAMPLES.., 0);
        for (place, &sample) in self.far[FRAME_SAMPLES..].iter_mut().zip(&far.0) {
            *place = f32::from(sample) / 32_768.0;
        }
        self.newest = (self.newest + PARTITIONS - 1) % PARTITIONS;
        let newest = &mut self.played[self.newest];
        self.fourier.spectrum(&self.far, &mut newest.re, &mut newest.im);
    }

    /// The echo that the path makes of the far end, into the second half of the transform's memory.
    fn estimate(&mut self) {
        let mut echo = Spectrum::ZERO;
        for (played, path) in newest_first(&self.played, self.newest).zip(&self.path) {
            echo.add_product(played, path, self.carried);
        }
        self.fourier.signal(&echo.re, &echo.im, &mut self.time);
    }

    /// One step of the Kalman filter; the error is in the second half of the transform's memory.
    fn learn(&mut self) {
        let (mut error, carried) = (Spectrum::ZERO, self.carried);
        self.time[..FRAME_SAMPLES].fill(0.0);
        self.fourier.spectrum(&self.time, &mut error.re, &mut error.im);
        // The power to be expected: of what cannot be explained (half a transform of it), and of all that is in doubt.
        let mut expected = [FLOOR; BINS];
        let errors = error.re.iter().zip(&error.im).zip(&mut self.unexplained);
        for (expected, ((re, im), unexplained)) in expected[..carried].iter_mut().zip(errors) {
            *unexplained += NEWEST * (re * re + im * im - *unexplained);
            *expected += 2.0 * *unexplained;
        }
        for (played, doubt) in newest_first(&self.played, self.newest).zip(&self.doubt) {
            for i in 0..carried {
                expected[i] += (played.re[i] * played.re[i] + played.im[i] * played.im[i]) * doubt[i];
            }
        }
        // Error over expectation, once for all partitions.
        for (expected, (re, im)) in expected[..carried].iter_mut().zip(error.re.iter_mut().zip(&mut error.im)) {
            *expected = 1.0 / *expected;
            *re *= *expected;
            *im *= *expected;
        }
        let state = self.path.iter_mut().zip(&mut self.doubt);
        for (played, (path, doubt)) in newest_first(&self.played, self.newest).zip(state) {
            for i in 0..carried {
                let (re, im, p) = (played.re[i], played.im[i], doubt[i]);
                path.re[i] += p * (re * error.re[i] + im * error.im[i]);
                path.im[i] += p * (re * error.im[i] - im * error.re[i]);
                let settled = p * (re * re + im * im) * expected[i];
                let power = path.re[i] * path.re[i] + path.im[i] * path.im[i];
                doubt[i] = KEPT * (1.0 - 0.5 * settled) * p + (1.0 - KEPT) * power;
            }
        }
    }

    /// Brings one partition back to the length of a frame: what it has learned beyond that is wrap-around. One in each
    /// frame is enough, and a transform is what costs.
    fn tidy(&mut self) {
        let path = &mut self.path[self.tidied];
        self.fourier.signal(&path.re, &path.im, &mut self.time);
        self.time[FRAME_SAMPLES..].fill(0.0);
        self.fourier.spectrum(&self.time, &mut path.re, &mut path.im);
        self.tidied = (self.tidied + 1) % PARTITIONS;
    }

    fn levels(&mut self, echo: f32) {
        let far = self.far[FRAME_SAMPLES..].iter().map(|x| x * x).sum::<f32>() / FRAME_SAMPLES as f32;
        if far > AUDIBLE {
            self.far_power += LEVEL_NEWEST * (far - self.far_power);
            self.echo_power += LEVEL_NEWEST * (echo - self.echo_power);
        }
    }
}

impl std::fmt::Debug for EchoCanceller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (far_power, echo_power) = (self.far_power, self.echo_power);
        f.debug_struct("EchoCanceller").field("far_power", &far_power).field("echo_power", &echo_power).finish()
    }
}

/// How many frequencies a line of that rate carries.
fn carried(rate: SampleRate) -> usize {
    (rate.hertz() as usize * FRAME_SAMPLES / SampleRate::WIDEBAND.hertz() as usize + 1).min(BINS)
}

/// From the newest to the oldest.
fn newest_first(played: &[Spectrum], newest: usize) -> impl Iterator<Item = &Spectrum> {
    let (before, from) = played.split_at(newest);
    from.iter().chain(before)
}

#[cfg(test)]
mod tests;
