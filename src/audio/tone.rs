//! Tones: the keys of a telephone as sound (ITU-T Q.23), made and detected (Goertzel 1958).

use std::f32::consts::TAU;

use super::{FRAME_SAMPLES, Frame};

/// Samples a second of a [`Frame`].
const RATE: f32 = 16_000.0;
/// Rows and columns of the keypad (Hz) (Q.23 §3).
const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
const KEYS: [[char; 4]; 4] = [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// Softest sound that can be a key (dBov).
const SOFTEST: f32 = -45.0;
/// Share of a frame's energy that its two tones must hold. Speech has harmonics beside any two.
const PURE: f32 = 0.85;
/// How much louder one tone may be than the other, as a ratio of energies: 8 dB (Q.24).
const TWIST: f32 = 6.3;
/// Frames in a row that must agree: 40 ms, the shortest key that counts (Q.24).
const FRAMES: u8 = 2;

/// Energy of `samples` at `hertz`, as a share of their whole energy: 1 for that tone alone, if it fits the frame.
pub fn share(samples: &[i16], hertz: f32) -> f32 {
    let coefficient = 2.0 * (TAU * hertz / RATE).cos();
    let (mut s1, mut s2, mut energy) = (0.0f32, 0.0f32, 0.0f32);
    for &sample in samples {
        let x = f32::from(sample);
        (s1, s2) = (x + coefficient * s1 - s2, s1);
        energy += x * x;
    }
    let power = s1 * s1 + s2 * s2 - coefficient * s1 * s2;
    if energy == 0.0 { 0.0 } else { 2.0 * power / (samples.len() as f32 * energy) }
}

/// Hears keys in sound, each once, when it has lasted long enough.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyDetector {
    key: Option<char>,
    frames: u8,
}

impl KeyDetector {
    /// Takes the next frame; answers a key in the frame in which it becomes certain.
    pub fn hear(&mut self, frame: &Frame) -> Option<char> {
        let key = key_in(frame);
        self.frames = if key == self.key { self.frames.saturating_add(1) } else { 1 };
        self.key = key;
        key.filter(|_| self.frames == FRAMES)
    }
}

fn key_in(frame: &Frame) -> Option<char> {
    if frame.level() < SOFTEST {
        return None;
    }
    let loudest = |tones: [f32; 4]| {
        let shares = tones.map(|hertz| share(&frame.0, hertz));
        let index = (0..4).max_by(|&a, &b| shares[a].total_cmp(&shares[b]))?;
        Some((index, shares[index]))
    };
    let (row, low) = loudest(ROWS)?;
    let (column, high) = loudest(COLUMNS)?;
    let certain = low + high > PURE && low < TWIST * high && high < TWIST * low;
    certain.then_some(KEYS[row][column])
}

/// Makes a key's two tones, frame after frame without a click between them.
#[derive(Clone, Copy, Debug)]
pub struct KeyTone {
    steps: [f32; 2],
    phases: [f32; 2],
    amplitude: f32,
}

impl KeyTone {
    /// `None` for what is no key. `dbov` is the level of each tone; −13 is usual.
    pub fn new(key: char, dbov: f32) -> Option<Self> {
        let key = key.to_ascii_uppercase();
        let (row, keys) = KEYS.iter().enumerate().find(|(_, keys)| keys.contains(&key))?;
        let column = keys.iter().position(|&k| k == key)?;
        let steps = [ROWS[row], COLUMNS[column]].map(|hertz| TAU * hertz / RATE);
        let amplitude = 32_768.0 * 2f32.sqrt() * 10f32.powf(dbov / 20.0);
        Some(Self { steps, phases: [0.0; 2], amplitude })
    }

    /// The next 20 ms.
    pub fn frame(&mut self) -> Frame {
        let mut samples = [0; FRAME_SAMPLES];
        for sample in &mut samples {
            *sample = (self.amplitude * (self.phases[0].sin() + self.phases[1].sin())) as i16;
            for (phase, step) in self.phases.iter_mut().zip(self.steps) {
                *phase = (*phase + step) % TAU;
            }
        }
        Frame(samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::mix;

    #[test]
    fn every_key_is_heard_once_through_noise() {
        let mut rng = fastrand::Rng::with_seed(7);
        for key in KEYS.into_iter().flatten() {
            for level in [-6.1, -13.0, -30.0] {
                let mut tone = KeyTone::new(key, level).expect("a key");
                let mut detector = KeyDetector::default();
                let mut heard = String::new();
                for n in 0..20 {
                    let mut frame = if (5..10).contains(&n) { tone.frame() } else { Frame::SILENCE };
                    mix::add(&mut frame, &Frame(std::array::from_fn(|_| rng.i16(-100..100))));
                    heard.extend(detector.hear(&frame));
                }
                assert_eq!(heard, key.to_string(), "at {level} dBov");
            }
        }
    }

    #[test]
    fn one_tone_a_short_one_or_noise_is_no_key() {
        let mut rng = fastrand::Rng::with_seed(8);
        let mut detector = KeyDetector::default();
        let mut tone = KeyTone::new('5', -13.0).expect("a key");
        assert_eq!(detector.hear(&tone.frame()), None, "20 ms are too short");
        for _ in 0..500 {
            let noise = Frame(std::array::from_fn(|_| rng.i16(-8_000..8_000)));
            assert_eq!(detector.hear(&noise), None);
        }
        let dial = Frame(std::array::from_fn(|i| (8_000.0 * (TAU * 770.0 * i as f32 / RATE).sin()) as i16));
        assert!((0..10).all(|_| detector.hear(&dial).is_none()));
        assert!(KeyTone::new('x', -13.0).is_none());
    }
}
