//! Is somebody speaking in this frame?

use crate::audio::Frame;

/// Rates one frame after the other. Stateful: one detector listens to one party.
pub trait VoiceDetector: Send {
    /// Probability that `frame` holds speech, 0–1.
    fn speech_probability(&mut self, frame: &Frame) -> f32;

    /// Forgets what was heard, as for a new call.
    fn reset(&mut self);
}
