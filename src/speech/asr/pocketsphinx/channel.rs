//! The channel's mean: what makes one telephone sound unlike another, taken out of the features.
//!
//! ```text
//! cepstra of 10 ms ─► normalise (subtract the mean) ─► decoder
//!                        └─► the mean learns
//! ```
//!
//! A line, a handset and a voice add a constant to every cepstrum. Subtracting the average of a whole sentence removes it,
//! but a sentence is over too late; so the mean starts from a prior (of the model, or of what the same caller said before)
//! that counts as some speech, and moves with what is heard. Frames of less energy than the front end's unit (digital
//! silence) tell nothing about the channel and are left out.

use super::narrowband::CEPSTRA;

/// How much speech the prior is worth [frames of 10 ms]; `models/README.md` says what other values gave.
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

#[cfg(test)]
mod tests {
    use super::*;

    const PRIOR: [f32; CEPSTRA] = [40.0; CEPSTRA];

    #[test]
    fn a_steady_channel_is_taken_out() {
        let mut channel = ChannelMean::from_prior(&PRIOR);
        for _ in 0..20 {
            channel.normalise(&mut [[45.0; CEPSTRA]; 100]);
        }
        let mut frames = [[47.0; CEPSTRA]; 1];
        channel.normalise(&mut frames);
        assert!((frames[0][0] - 2.0).abs() < 0.6, "left {}", frames[0][0]);
    }

    #[test]
    fn silence_and_damaged_frames_teach_nothing() {
        let mut channel = ChannelMean::from_prior(&PRIOR);
        channel.normalise(&mut [[-5.0; CEPSTRA], [f32::NAN; CEPSTRA], [f32::INFINITY; CEPSTRA]]);
        assert_eq!(channel.mean(), PRIOR);
    }
}
