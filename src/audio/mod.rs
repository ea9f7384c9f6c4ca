//! Sound as the house carries it: mono, 16 kHz, 16 bit, in frames of 20 ms.
//!
//! Codecs, resampling, concealment, tone detection, mixing and file decoding live here. Nothing in this room knows what a
//! packet, a call or a clock is.
//!
//! ```text
//!  line ─► g711 ─► plc (fills what was lost) ─► resample 8 ► 16 kHz ─► Frame ─► echo ─► ears
//!  mouth ─► mix (gain ramps, ducking) ─► Frame ─► resample 16 ► 8 kHz ─► g711 ─► line
//!                  g722, opus: at 16 kHz both ways, without a resampler
//!  stretch: a moment more or less of it, where the delay of the line changes
//!  file bytes ─► file ─► mono 16 kHz          tone: keys as sound, made and detected
//! ```
//!
//! What runs for each frame allocates nothing.

pub mod echo;
pub mod file;
mod fourier;
pub mod g711;
pub mod g722;
pub mod mix;
pub mod opus;
pub mod plc;
pub mod resample;
pub mod stretch;
pub mod tone;

/// Samples in a [`Frame`]: 20 ms at 16 kHz.
pub const FRAME_SAMPLES: usize = 320;
/// How long a [`Frame`] lasts (ms).
pub const FRAME_MS: u64 = 20;

/// 20 ms of mono sound at 16 kHz. Inline, so that the frame path needs no allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame(pub [i16; FRAME_SAMPLES]);

impl Frame {
    /// Digital silence.
    pub const SILENCE: Self = Self([0; FRAME_SAMPLES]);

    /// Root mean square of the samples, 0–32768.
    pub fn rms(&self) -> f32 {
        let energy: f64 = self.0.iter().map(|&sample| f64::from(sample) * f64::from(sample)).sum();
        (energy / FRAME_SAMPLES as f64).sqrt() as f32
    }

    /// Level relative to full scale (dBov) (RFC 6464 §3): 0 is the loudest, −127 stands for silence.
    pub fn level(&self) -> f32 {
        let rms = self.rms() / 32_768.0;
        if rms <= 0.0 { -127.0 } else { (20.0 * rms.log10()).max(-127.0) }
    }
}

impl Default for Frame {
    fn default() -> Self {
        Self::SILENCE
    }
}
