//! The channel's mean: what makes one telephone sound unlike another, taken out of the features.
//!
//! ```text
//! cepstra of 10 ms ─► normalise (subtract the mean) ─► decoder
//!                        └─► the mean learns
//! ```
//!
//! A line, a handset and a voice add a constant to every cepstrum. Subtracting the average of a whole sentence removes it,
//! but a sentence is over too late; so the mean starts from a prior (of the model, or of what the same caller said before)
//! that counts as some seconds of speech, and moves with what is heard. Frames near the noise floor tell little about the
//! voice's channel and are left out.

use super::narrowband::CEPSTRA;

/// How much speech the prior is worth [frames of 10 ms]; measured, see `models/README.md`.
const PRIOR_FRAMES: f32 = 100.0;
/// Older speech fades beyond this [frames of 10 ms]: the window of sphinxbase's own `cmn_live`.
const MOST_FRAMES: f32 = 800.0;

/// A running mean of cepstra, with what it is worth.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ChannelMean {
    sum: [f32; CEPSTRA],
    frames: f32,
}

impl ChannelMean {
    /// Starts from what is known before a word is heard.
    pub(super) fn from_prior(mean: &[f32; CEPSTRA]) -> Self {
        Self { sum: mean.map(|value| value * PRIOR_FRAMES), frames: PRIOR_FRAMES }
    }

    /// The mean as it stands.
    pub(super) fn mean(&self) -> [f32; CEPSTRA] {
        self.sum.map(|sum| sum / self.frames)
    }

    /// Subtracts the mean from `frames`, having learnt from them.
    pub(super) fn normalise(&mut self, frames: &mut [[f32; CEPSTRA]]) {
        for frame in frames {
            self.learn(frame);
            for (value, mean) in frame.iter_mut().zip(self.mean()) {
                *value -= mean;
            }
        }
    }

    fn learn(&mut self, frame: &[f32; CEPSTRA]) {
        // Digital silence and idle noise say nothing about the voice; sphinxbase leaves negative energies out as well.
        if frame[0] < 0.0 || frame.iter().any(|value| !value.is_finite()) {
            return;
        }
        for (sum, value) in self.sum.iter_mut().zip(frame) {
            *sum += value;
        }
        self.frames += 1.0;
        if self.frames > MOST_FRAMES {
            let keep = MOST_FRAMES / self.frames;
            self.sum = self.sum.map(|sum| sum * keep);
            self.frames = MOST_FRAMES;
        }
    }
}
