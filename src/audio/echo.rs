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

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use super::{FRAME_MS, FRAME_SAMPLES, Frame};

/// Frames of the echo path that are modelled.
const PARTITIONS: usize = 15;
/// Latest echo that is found [ms]: delay of line and jitter buffer, and the tail of the echo itself.
pub const REACH_MS: u64 = PARTITIONS as u64 * FRAME_MS;
/// Length of a transform: two frames, so that one is free of wrap-around (overlap-save).
const LENGTH: usize = 2 * FRAME_SAMPLES;
/// Frequencies, 25 Hz apart.
const BINS: usize = LENGTH / 2 + 1;

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
    /// How much softer the echo is than what we played [dB]; `None` before there was any to hear.
    pub return_loss: Option<f32>,
}

/// Removes the echo of one line. Allocates nothing once it is made.
pub struct EchoCanceller {
    forward: Arc<dyn RealToComplex<f32>>,
    backward: Arc<dyn ComplexToReal<f32>>,
    /// The last two far frames.
    far: [f32; LENGTH],
    /// Spectra of the far end, `[PARTITIONS, BINS]`, newest at `newest`, older ones after it.
    spectra: Vec<Complex32>,
    newest: usize,
    /// The echo path, `[PARTITIONS, BINS]`.
    path: Vec<Complex32>,
    /// How uncertain each of its values is, as power.
    doubt: Vec<f32>,
    /// Power of what cannot be explained, `[BINS]`.
    unexplained: Vec<f32>,
    /// The partition whose filter is brought back to one frame's length next.
    tidied: usize,
    scratch: Scratch,
    far_power: f32,
    echo_power: f32,
}

/// Working memory, to be used by one step at a time.
struct Scratch {
    time: [f32; LENGTH],
    bins: Vec<Complex32>,
    error: Vec<Complex32>,
    expected: Vec<f32>,
    fft: Vec<Complex32>,
}

impl Default for EchoCanceller {
    fn default() -> Self {
        let mut planner = RealFftPlanner::new();
        let (forward, backward) = (planner.plan_fft_forward(LENGTH), planner.plan_fft_inverse(LENGTH));
        let zeros = |n| vec![Complex32::default(); n];
        let fft = zeros(forward.get_scratch_len().max(backward.get_scratch_len()));
        Self {
            forward,
            backward,
            far: [0.0; LENGTH],
            spectra: zeros(PARTITIONS * BINS),
            newest: 0,
            path: zeros(PARTITIONS * BINS),
            doubt: vec![UNKNOWN; PARTITIONS * BINS],
            unexplained: vec![0.0; BINS],
            tidied: 0,
            scratch: Scratch {
                time: [0.0; LENGTH],
                bins: zeros(BINS),
                error: zeros(BINS),
                expected: vec![0.0; BINS],
                fft,
            },
            far_power: 0.0,
            echo_power: 0.0,
        }
    }
}

impl EchoCanceller {
    /// Takes what we played and what was heard at the same tick.
    pub fn process(&mut self, far: &Frame, near: &Frame) -> Cleaned {
        self.push_far(far);
        self.estimate();
        let mut cleaned = Frame::SILENCE;
        let (mut heard, mut echo, mut left) = (0.0, 0.0, 0.0);
        let estimate = &mut self.scratch.time[FRAME_SAMPLES..];
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
        let return_loss = (self.echo_power > 0.0).then(|| 10.0 * (self.far_power / self.echo_power).log10());
        Cleaned { frame: cleaned, likelihood, return_loss }
    }

    fn push_far(&mut self, far: &Frame) {
        self.far.copy_within(FRAME_SAMPLES.., 0);
        for (place, &sample) in self.far[FRAME_SAMPLES..].iter_mut().zip(&far.0) {
            *place = f32::from(sample) / 32_768.0;
        }
        self.newest = (self.newest + PARTITIONS - 1) % PARTITIONS;
        self.scratch.time = self.far;
        let spectrum = &mut self.spectra[self.newest * BINS..][..BINS];
        // The lengths are right by construction.
        let _ = self.forward.process_with_scratch(&mut self.scratch.time, spectrum, &mut self.scratch.fft);
    }

    /// The echo that the path makes of the far end, into the second half of `scratch.time`.
    fn estimate(&mut self) {
        self.scratch.bins.fill(Complex32::default());
        for (spectrum, path) in partitions(&self.spectra, self.newest).zip(self.path.chunks_exact(BINS)) {
            for ((sum, x), w) in self.scratch.bins.iter_mut().zip(spectrum).zip(path) {
                *sum += x * w;
            }
        }
        to_time(&*self.backward, &mut self.scratch);
    }

    /// One step of the Kalman filter; the error is in the second half of `scratch.time`.
    fn learn(&mut self) {
        let Scratch { time, error, fft, expected, .. } = &mut self.scratch;
        time[..FRAME_SAMPLES].fill(0.0);
        let _ = self.forward.process_with_scratch(time, error, fft);
        // The power to be expected: of what cannot be explained (half a transform of it), and of all that is in doubt.
        for ((power, e), expected) in self.unexplained.iter_mut().zip(&*error).zip(&mut *expected) {
            *power += NEWEST * (e.norm_sqr() - *power);
            *expected = 2.0 * *power + FLOOR;
        }
        for (spectrum, doubt) in partitions(&self.spectra, self.newest).zip(self.doubt.chunks_exact(BINS)) {
            for ((expected, x), p) in expected.iter_mut().zip(spectrum).zip(doubt) {
                *expected += x.norm_sqr() * p;
            }
        }
        let spectra = partitions(&self.spectra, self.newest);
        let state = self.path.chunks_exact_mut(BINS).zip(self.doubt.chunks_exact_mut(BINS));
        for (spectrum, (path, doubt)) in spectra.zip(state) {
            for i in 0..BINS {
                let (x, gain) = (spectrum[i], doubt[i] / expected[i]);
                path[i] += x.conj() * error[i] * gain;
                doubt[i] *= KEPT * (1.0 - 0.5 * gain * x.norm_sqr());
                doubt[i] += (1.0 - KEPT) * path[i].norm_sqr();
            }
        }
    }

    /// Brings one partition back to the length of a frame: what it has learned beyond that is wrap-around. One in each
    /// frame is enough, and a transform is what costs.
    fn tidy(&mut self) {
        let path = &mut self.path[self.tidied * BINS..][..BINS];
        self.scratch.bins.copy_from_slice(path);
        to_time(&*self.backward, &mut self.scratch);
        self.scratch.time[FRAME_SAMPLES..].fill(0.0);
        let _ = self.forward.process_with_scratch(&mut self.scratch.time, path, &mut self.scratch.fft);
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

/// The far end's spectra from the newest to the oldest.
fn partitions(spectra: &[Complex32], newest: usize) -> impl Iterator<Item = &[Complex32]> {
    let (before, from) = spectra.split_at(newest * BINS);
    from.chunks_exact(BINS).chain(before.chunks_exact(BINS))
}

/// Transforms `scratch.bins` back into `scratch.time`, in samples.
fn to_time(backward: &dyn ComplexToReal<f32>, scratch: &mut Scratch) {
    // Both are real in the spectrum of a real signal; rounding must not say otherwise.
    scratch.bins[0].im = 0.0;
    scratch.bins[BINS - 1].im = 0.0;
    let _ = backward.process_with_scratch(&mut scratch.bins, &mut scratch.time, &mut scratch.fft);
    for sample in &mut scratch.time {
        *sample /= LENGTH as f32;
    }
}

#[cfg(test)]
mod tests;
