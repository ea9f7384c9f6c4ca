//! Packet-loss concealment: what was lost sounds like what came before, for a while (after ITU-T G.711 Appendix I).
//!
//! ```text
//!   heard … ~~~~~~~~|ppp|        the last pitch period, found by correlation,
//!                       └ppp ppp pp p . .   is repeated, softer and softer,
//!                                     └xx~~~~~~   and blends into the first sound that arrives
//! ```
//!
//! Unlike the appendix, nothing is delayed: the joint at the beginning is smoothed forwards.

use crate::units::SampleRate;

/// Shortest and longest pitch period (samples per 1,000 samples/s): 5 and 15 ms, that is 66 to 200 Hz (Appendix I).
const PERIODS_MS: (usize, usize) = (5, 15);
/// How much sound is compared when the period is sought (ms) (Appendix I).
const COMPARED_MS: usize = 20;
/// How long concealment stays at full strength (ms) (Appendix I).
const FULL_MS: f32 = 10.0;
/// When it has become silence (ms) (Appendix I).
const GONE_MS: f32 = 60.0;
/// How long the sound that arrives is blended in (ms).
const BLEND_MS: usize = 5;

/// Conceals the losses of one stream. Takes and makes pieces of any length.
#[derive(Clone, Debug)]
pub struct Concealer {
    per_ms: usize,
    /// The newest sound, as much as a search needs.
    heard: Vec<f32>,
    /// What is being repeated.
    period: Vec<f32>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Hearing,
    Concealing {
        /// Samples made so far.
        made: usize,
        /// Step between the last sample heard and the beginning of the period, to be evened out.
        step: f32,
    },
}

impl Concealer {
    /// For a stream at `rate`.
    pub fn new(rate: SampleRate) -> Self {
        let per_ms = (rate.hertz() / 1_000) as usize;
        let longest = PERIODS_MS.1 * per_ms;
        let heard = vec![0.0; longest + COMPARED_MS * per_ms];
        Self { per_ms, heard, period: Vec::with_capacity(longest), state: State::Hearing }
    }

    /// Takes sound that arrived; blends its beginning with what was made up before.
    pub fn hear(&mut self, samples: &mut [i16]) {
        if let State::Concealing { made, step } = self.state {
            let blend = (BLEND_MS * self.per_ms).min(samples.len());
            for (i, sample) in samples[..blend].iter_mut().enumerate() {
                let share = (i + 1) as f32 / (blend + 1) as f32;
                let made_up = self.sample(made + i, step);
                *sample = (share * f32::from(*sample) + (1.0 - share) * made_up).round() as i16;
            }
            self.state = State::Hearing;
        }
        self.remember(samples);
    }

    /// Fills `samples` with something that could have been there.
    pub fn conceal(&mut self, samples: &mut [i16]) {
        let (made, step) = match self.state {
            State::Concealing { made, step } => (made, step),
            State::Hearing => (0, self.begin()),
        };
        for (i, sample) in samples.iter_mut().enumerate() {
            *sample = self.sample(made + i, step).round() as i16;
        }
        self.state = State::Concealing { made: made.saturating_add(samples.len()), step };
        self.remember(samples);
    }

    /// Finds the period; answers the step at the joint.
    fn begin(&mut self) -> f32 {
        let (shortest, longest) = (PERIODS_MS.0 * self.per_ms, PERIODS_MS.1 * self.per_ms);
        let end = self.heard.len();
        let newest = &self.heard[end - COMPARED_MS * self.per_ms..];
        let likeness = |lag: usize| {
            let older = &self.heard[end - newest.len() - lag..end - lag];
            let (product, energy) = newest.iter().zip(older).fold((0.0, 1.0), |(p, e), (a, b)| (p + a * b, e + b * b));
            product / f32::sqrt(energy)
        };
        let lag = (shortest..=longest).map(|lag| (likeness(lag), lag)).max_by(|a, b| a.0.total_cmp(&b.0));
        let lag = lag.map_or(longest, |(_, lag)| lag);
        self.period.clear();
        self.period.extend_from_slice(&self.heard[end - lag..]);
        // The end of the period leads into its beginning: blend its last quarter into what came before that beginning.
        let quarter = lag / 4;
        for i in 0..quarter {
            let share = (i + 1) as f32 / (quarter + 1) as f32;
            let before = self.heard[end - lag - quarter + i];
            let place = &mut self.period[lag - quarter + i];
            *place = (1.0 - share) * *place + share * before;
        }
        self.heard[end - 1] - self.heard[end - lag - 1]
    }

    fn sample(&self, n: usize, step: f32) -> f32 {
        let fade = ((GONE_MS - n as f32 / self.per_ms as f32) / (GONE_MS - FULL_MS)).clamp(0.0, 1.0);
        if fade == 0.0 || self.period.is_empty() {
            return 0.0;
        }
        // The step at the joint is gone after a quarter of the period.
        let evening = (1.0 - 4.0 * n as f32 / self.period.len() as f32).max(0.0);
        let sample = self.period[n % self.period.len()] + step * evening;
        (fade * sample).clamp(f32::from(i16::MIN), f32::from(i16::MAX))
    }

    fn remember(&mut self, samples: &[i16]) {
        let kept = samples.len().min(self.heard.len());
        self.heard.copy_within(kept.., 0);
        let end = self.heard.len();
        for (place, &sample) in self.heard[end - kept..].iter_mut().zip(&samples[samples.len() - kept..]) {
            *place = f32::from(sample);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A voice-like buzz of `hertz` with falling harmonics.
    fn buzz(hertz: f64, samples: usize) -> Vec<i16> {
        let wave = |i: usize| -> f64 {
            let phase = std::f64::consts::TAU * hertz * i as f64 / 8_000.0;
            (1..8).map(|k| (f64::from(k) * phase).sin() / f64::from(k)).sum()
        };
        (0..samples).map(|i| (4_000.0 * wave(i)) as i16).collect()
    }

    /// Plays `sound` in pieces of 20 ms, those in `lost` concealed.
    fn played(sound: &[i16], lost: impl Fn(usize) -> bool) -> Vec<i16> {
        let mut concealer = Concealer::new(SampleRate::NARROWBAND);
        let mut out = sound.to_vec();
        for (n, piece) in out.chunks_mut(160).enumerate() {
            if lost(n) { concealer.conceal(piece) } else { concealer.hear(piece) }
        }
        out
    }

    /// Signal to error over a range (dB).
    fn snr(sound: &[i16], out: &[i16]) -> f64 {
        let energy = |it: &mut dyn Iterator<Item = f64>| it.map(|x| x * x).sum::<f64>();
        let signal = energy(&mut sound.iter().map(|&s| f64::from(s)));
        let error = energy(&mut sound.iter().zip(out).map(|(&a, &b)| f64::from(a) - f64::from(b)));
        10.0 * (signal / error.max(1.0)).log10()
    }

    #[test]
    fn a_lost_frame_of_a_vowel_is_nearly_what_it_was() {
        for hertz in [80.0, 100.0, 125.0, 160.0] {
            let sound = buzz(hertz, 1_600);
            let out = played(&sound, |n| n == 5);
            let concealed = 800..880; // before the fade has begun
            assert!(snr(&sound[concealed.clone()], &out[concealed]) > 15.0, "{hertz}");
            assert_eq!(sound[1_000..], out[1_000..], "after the blend it is the original");
        }
    }

    #[test]
    fn there_is_no_click_at_the_joints() {
        let sound = buzz(110.0, 1_600);
        let steepest = |s: &[i16]| s.windows(2).map(|w| (i32::from(w[1]) - i32::from(w[0])).abs()).max();
        let out = played(&sound, |n| n == 5);
        assert!(steepest(&out) <= steepest(&sound).map(|s| s + s / 4), "{:?} {:?}", steepest(&out), steepest(&sound));
    }

    #[test]
    fn a_long_loss_fades_to_silence() {
        let out = played(&buzz(110.0, 3_200), |n| n >= 10);
        assert!(out[1_600..1_680].iter().any(|&s| s.abs() > 2_000));
        assert!(out[1_600 + 480..].iter().all(|&s| s == 0), "60 ms later");
    }

    #[test]
    fn loss_before_any_sound_is_silence() {
        assert!(played(&buzz(110.0, 320), |_| true).iter().all(|&s| s == 0));
    }

    #[test]
    fn the_loudest_sound_does_not_wrap() {
        let square: Vec<i16> = (0..1_600).map(|i| if i / 40 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
        let out = played(&square, |n| n == 5);
        assert!(out[800..900].iter().zip(&square[800..900]).filter(|(a, b)| a.signum() != b.signum()).count() < 20);
    }
}
