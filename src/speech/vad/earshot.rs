//! Earshot, a small neural network in pure Rust, behind [`VoiceDetector`].
//!
//! ```text
//! frames of 320 samples ─► windows of 256 ─► earshot ─► the most recent probability
//! ```
//!
//! Four frames make five windows, so every frame completes at least one; the probability of a frame is the highest of the
//! windows that it completes. At most 240 samples (15 ms) wait for the next frame.
//!
//! The network knows wideband sound. On a telephone line the upper half of the spectrum is empty, and then it takes any
//! steady noise for speech. So a faint mirror image of the lower half is put there, which is where the voice's hiss would
//! be: the table in [`vad`](super) shows what that is worth.

use earshot::Detector;

use super::VoiceDetector;
use crate::audio::{FRAME_SAMPLES, Frame};

/// Samples that earshot looks at in one step: 16 ms at 16 kHz.
const WINDOW: usize = 256;

/// How strong the mirror image is; measured between 0 and 0.8, flat around this value.
const MIRROR: f32 = 0.3;

/// Earshot with the samples that do not fill a window yet.
pub struct Earshot {
    network: Box<Detector>,
    waiting: [i16; WINDOW],
    filled: usize,
}

impl Default for Earshot {
    fn default() -> Self {
        Self { network: Detector::default_boxed(), waiting: [0; WINDOW], filled: 0 }
    }
}

impl VoiceDetector for Earshot {
    fn speech_probability(&mut self, frame: &Frame) -> f32 {
        let mut highest = 0.0f32;
        let filled = fill_upper_half(frame);
        let mut rest = &filled.0[..];
        while !rest.is_empty() {
            let (taken, left) = rest.split_at(rest.len().min(WINDOW - self.filled));
            self.waiting[self.filled..][..taken.len()].copy_from_slice(taken);
            self.filled += taken.len();
            rest = left;
            if self.filled == WINDOW {
                highest = highest.max(self.network.predict_i16(&self.waiting));
                self.filled = 0;
            }
        }
        highest.clamp(0.0, 1.0)
    }

    fn reset(&mut self) {
        self.network.reset();
        self.filled = 0;
    }
}

/// Every other sample turned over is the spectrum mirrored at 4 kHz: added to the sound, it fills 4–8 kHz.
fn fill_upper_half(frame: &Frame) -> Frame {
    let mut filled = *frame;
    for (i, sample) in filled.0.iter_mut().enumerate() {
        let mirrored = if i % 2 == 0 { MIRROR } else { -MIRROR };
        *sample = (f32::from(*sample) * (1.0 + mirrored)) as i16;
    }
    filled
}

const _: () = assert!(FRAME_SAMPLES > WINDOW, "every frame completes a window");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_not_speech_and_a_reset_detector_is_a_new_one() {
        let mut used = Earshot::default();
        let noise = Frame(std::array::from_fn(|i| ((i * 7919) % 4001) as i16 - 2000));
        for _ in 0..7 {
            assert!((0.0..=1.0).contains(&used.speech_probability(&noise)));
        }
        used.reset();
        let mut fresh = Earshot::default();
        for _ in 0..25 {
            let p = used.speech_probability(&Frame::SILENCE);
            assert_eq!(p, fresh.speech_probability(&Frame::SILENCE));
            assert!(p < 0.5, "silence rated {p}");
        }
    }
}
