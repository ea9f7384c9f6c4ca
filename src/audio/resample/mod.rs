//! Changing the sample rate.
//!
//! ```text
//!   8 kHz ──► Upsampler   ──► 16 kHz      half-band filter, a frame in, a frame out
//!   16 kHz ─► Downsampler ──► 8 kHz
//!   any ────► Resampler   ──► any         polyphase filter, pieces of any length: files and voices
//! ```

mod halfband;
mod polyphase;

pub use halfband::{Downsampler, Upsampler};
pub use polyphase::Resampler;

/// Lowest and highest rate that files are read at (Hz).
pub(super) const RATES: std::ops::RangeInclusive<u32> = 4_000..=384_000;

/// Modified Bessel function of the first kind, order 0, by its series: the shape of Kaiser's window.
fn bessel_i0(x: f64) -> f64 {
    let mut term = 1.0;
    (1..32).fold(1.0, |sum, k| {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum + term
    })
}
