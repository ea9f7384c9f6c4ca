//! Is somebody speaking?
//!
//! ```text
//! Frame ─► VoiceDetector ─► probability ─► Gate ─► speech or not
//! ```
//!
//! The detector is [`Earshot`]. Measured on telephone sound (8 kHz, upsampled to 16 kHz), by `tests/vad_on_outside_data.rs`:
//!
//! | probability from | frames of marked speech hit | other frames taken for speech | without the mirror image |
//! |---|---|---|---|
//! | 0.50 | 93.8 % | 27.4 % | 96.6 %, 46.4 % |
//! | **0.60** | 88.0 % | 15.3 % | 91.6 %, 28.6 % |
//! | 0.70 | 78.5 % | 7.8 % | 82.1 %, 13.9 % |
//! | 0.80 | 62.5 % | 3.5 % | 62.5 %, 4.6 % |
//!
//! From 0.60 on, down to 0.50, and counted from three frames in a row, 97.3 % of 75 short utterances (half of them single digits) are noticed, and this share
//! of noises at −26 dBov is taken for speech: white, pink, traffic 0 %, exercise bike 1 %, a cat 3 %, dishes 4 %, ring-back
//! 25 %, taps and rubbing 0–70 %, key tones 68 %, a guitar 74 %, babble in café and office 87–99 %. Babble is speech to
//! this detector, and tones are the business of the tone detector; turn-taking must look at more than the voice.
//!
//! What the mirror image does, both with onset at 0.50 and end at 0.35: white 0 % with it, 85 % without; pink 0, 100;
//! traffic 4, 99; exercise bike 3, 100; cat 5, 97; dishes 9, 92.
//!
//! Silero VAD, its 8 kHz network in ONNX Runtime with one thread, on the same sound (a frame is rated by the windows of 32 ms
//! that end in it):
//!
//! | probability from | frames of marked speech hit | other frames taken for speech |
//! |---|---|---|
//! | 0.50 | 93.8 % | 21.4 % |
//! | 0.60 | 91.9 % | 18.2 % |
//! | 0.73 | 88.0 % | 15.8 % |
//! | 0.91 | 78.5 % | 9.6 % |
//!
//! Frame by frame the two are alike. But from 0.60 on, down to 0.35, Silero takes 26 % of the guitar for speech and nothing of
//! the other noises, babble and key tones among them, and notices 95 of 95 short utterances. It costs 0.44 % of a core for
//! each call; Earshot, the echo canceller and turn-taking together cost less than 0.2 %.

mod earshot;
mod gate;

pub use self::earshot::Earshot;
pub use self::gate::{Gate, OFFSET, ONSET};

use crate::audio::Frame;

/// Rates one frame after the other. Stateful: one detector listens to one party.
pub trait VoiceDetector: Send {
    /// Probability that `frame` holds speech, 0–1.
    fn speech_probability(&mut self, frame: &Frame) -> f32;

    /// Forgets what was heard, as for a new call.
    fn reset(&mut self);
}
