//! Loudness: mixing, and gain that changes without a click.

use super::{FRAME_SAMPLES, Frame};

/// Adds `other` to `frame`; what is too loud is cut off, not wrapped.
pub fn add(frame: &mut Frame, other: &Frame) {
    for (sample, &more) in frame.0.iter_mut().zip(&other.0) {
        *sample = sample.saturating_add(more);
    }
}

/// Below this, gain is silence (dB).
pub const SILENT_DB: f32 = -90.0;

/// A gain that glides from one value to another, evenly in decibels: how a prompt ducks under a caller's voice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gain {
    /// Now (dB).
    db: f32,
    target: f32,
    /// Samples until the target is reached.
    left: u32,
}

impl Default for Gain {
    fn default() -> Self {
        Self::new(0.0)
    }
}

impl Gain {
    /// A constant gain.
    pub const fn new(db: f32) -> Self {
        Self { db, target: db, left: 0 }
    }

    /// Glides from wherever it is to `db` within `samples`; 0 jumps.
    pub fn glide(&mut self, db: f32, samples: u32) {
        self.target = db.max(SILENT_DB);
        self.left = samples;
        if samples == 0 {
            self.db = self.target;
        }
    }

    /// Where it stands (dB).
    pub const fn db(&self) -> f32 {
        self.db
    }

    /// Whether it has reached what it was set to.
    pub const fn is_steady(&self) -> bool {
        self.left == 0
    }

    /// Changes the loudness of `frame`. The gain is exact at the frame's ends and linear between them.
    pub fn apply(&mut self, frame: &mut Frame) {
        if self.left == 0 && self.db == 0.0 {
            return;
        }
        let from = factor(self.db);
        let glided = self.left.min(FRAME_SAMPLES as u32);
        if glided > 0 {
            self.db += (self.target - self.db) * glided as f32 / self.left as f32;
            self.left -= glided;
            if self.left == 0 {
                self.db = self.target;
            }
        }
        let to = factor(self.db);
        let step = if glided > 0 { (to - from) / glided as f32 } else { 0.0 };
        for (i, sample) in frame.0.iter_mut().enumerate() {
            let gain = from + step * (i as u32 + 1).min(glided) as f32;
            *sample = (f32::from(*sample) * gain).round() as i16; // saturates
        }
    }
}

fn factor(db: f32) -> f32 {
    if db <= SILENT_DB { 0.0 } else { 10f32.powf(db / 20.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOUD: Frame = Frame([10_000; FRAME_SAMPLES]);

    #[test]
    fn mixing_saturates() {
        let mut frame = Frame([30_000; FRAME_SAMPLES]);
        add(&mut frame, &LOUD);
        assert_eq!(frame.0, [i16::MAX; FRAME_SAMPLES]);
        let mut frame = Frame([-30_000; FRAME_SAMPLES]);
        add(&mut frame, &Frame([-10_000; FRAME_SAMPLES]));
        assert_eq!(frame.0, [i16::MIN; FRAME_SAMPLES]);
    }

    #[test]
    fn a_duck_glides_down_and_back_without_a_step() {
        let mut gain = Gain::default();
        gain.glide(-20.0, 800);
        let mut heard = Vec::new();
        for n in 0..8 {
            if n == 5 {
                gain.glide(0.0, 320);
            }
            let mut frame = LOUD;
            gain.apply(&mut frame);
            heard.extend(frame.0);
        }
        assert!(heard[..800].windows(2).all(|w| w[1] <= w[0]), "down");
        assert_eq!(heard[799..1_600], [1_000; 801], "20 dB down after 800 samples");
        assert!(heard[1_600..1_920].windows(2).all(|w| w[1] >= w[0]), "up");
        assert_eq!(heard[1_920..], [10_000; 640]);
        assert!(heard.windows(2).all(|w| (w[1] - w[0]).abs() < 60), "no click");
        assert!(gain.is_steady());
    }

    #[test]
    fn gain_jumps_when_told_to_and_bottom_is_silence() {
        let mut gain = Gain::new(0.0);
        gain.glide(-200.0, 0);
        let mut frame = LOUD;
        gain.apply(&mut frame);
        assert_eq!(frame, Frame::SILENCE);
        assert_eq!(gain.db(), SILENT_DB);
    }
}
