//! Brings a clause to the common loudness, and cuts the silence around it.
//!
//! ```text
//! engine ─► emphasis ─► gain of the voice ─► soft limit ─► blocks of 5 ms ─┬─ loud:  out, after what was held back
//!                                                              └─ quiet: held back, until it is known what follows
//! ```
//!
//! flite begins a clause with 150–280 ms of silence and ends it with 70–250 ms: an answer would be late by the first and
//! the caller's turn by the second. What is left is [`LEAD_SAMPLES`] and [`TAIL_SAMPLES`]; pauses between clauses are
//! made by [`Mouth`](super::Mouth). A voice has one gain, measured once: synthetic speech hardly varies in level, and a
//! gain that follows the signal would have to hear a clause before it starts.

use std::ops::Range;

use super::voice::Timbre;

/// Active speech level that all voices are brought to \[dBov\]. Leaves 20 dB for peaks, so that the limit is hardly ever met.
/// By the measure of EBU R 128, on ten sentences at 8 kHz, it is −23.1 LUFS for slt (−23.4 made clear), −22.0 (−21.2) for cmn,
/// and −21.8 to −23.3 (−21.7 to −24.5) for the others.
pub const TARGET_DBOV: f32 = -21.5;
/// Share of the sample before that is taken away where a voice is made clear: raises 3 kHz against 300 Hz by 10 dB.
///
/// What tells words apart lies above 1 kHz, where voices are weak and the noise of streets and rooms is weak, too. At equal
/// loudness and 0 dB to the noise, the share of speech that stays audible, weighted by band as ANSI S3.5 weighs it, over 30
/// questions by slt, rms and awb at 8 kHz (pink noise / traffic / café):
///
/// | share | audible |
/// |---|---|
/// | none | 0.38 / 0.30 / 0.27 |
/// | 0.5 | 0.44 / 0.36 / 0.33 |
/// | 0.7 | 0.50 / 0.42 / 0.40 |
/// | 0.9 | 0.60 / 0.52 / 0.50, but one sample in a thousand is limited, and it sounds thin |
pub const EMPHASIS: f32 = 0.7;
/// Silence left before the first sound \[samples\]: 10 ms, so that a soft consonant keeps its beginning.
pub const LEAD_SAMPLES: usize = 160;
/// Silence left after the last sound \[samples\]: 30 ms, so that it may fade.
pub const TAIL_SAMPLES: usize = 480;

/// What is judged at once \[samples\]: 5 ms.
const BLOCK_SAMPLES: usize = 80;
/// Root mean square below which a block is silent: −52 dBov, 32 dB below speech. flite's soft f and h lie above it.
const SILENCE_RMS: f32 = 82.0;
/// The longest pause inside a clause that is kept \[samples\]: 400 ms. Bounds what is held back.
const LONGEST_PAUSE: usize = 6_400;
/// Up to here a sample passes as it is; the rest of the range is bent, so that no peak clips: −3 dBov.
const KNEE: f32 = 23_198.0;
/// Full scale.
const CEILING: f32 = 32_767.0;

/// Levels and trims one clause.
#[derive(Clone, Debug)]
pub struct Leveller {
    gain: f32,
    /// Of the sample before, how much is taken away.
    emphasis: f32,
    before: f32,
    /// Samples that do not make a block yet.
    block: Vec<i16>,
    /// Silence of which it is not known yet what follows.
    quiet: Vec<i16>,
    part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    BeforeSpeech,
    InSpeech,
}

impl Leveller {
    /// For a voice of this timbre that needs `gain_db` to reach [`TARGET_DBOV`].
    pub fn new(timbre: Timbre, gain_db: f32) -> Self {
        let gain = 10.0_f32.powf(gain_db / 20.0);
        let emphasis = match timbre {
            Timbre::Natural => 0.0,
            Timbre::Clear => EMPHASIS,
        };
        Self {
            gain,
            emphasis,
            before: 0.0,
            block: Vec::with_capacity(BLOCK_SAMPLES),
            quiet: Vec::new(),
            part: Part::BeforeSpeech,
        }
    }

    /// Takes `pcm` and appends what is certain to be part of the clause to `out`.
    pub fn push(&mut self, pcm: &[i16], out: &mut Vec<i16>) {
        for &sample in pcm {
            let sample = f32::from(sample);
            self.block.push(limited((sample - self.emphasis * self.before) * self.gain));
            self.before = sample;
            if self.block.len() == BLOCK_SAMPLES {
                self.judge(out);
            }
        }
    }

    /// Ends the clause.
    pub fn finish(mut self, out: &mut Vec<i16>) {
        self.judge(out);
        if self.part == Part::InSpeech {
            self.quiet.truncate(TAIL_SAMPLES);
            let tail = self.quiet.len() as f32;
            out.extend(self.quiet.iter().enumerate().map(|(i, &s)| (f32::from(s) * (1.0 - i as f32 / tail)) as i16));
        }
    }

    fn judge(&mut self, out: &mut Vec<i16>) {
        let loud = rms(&self.block) >= SILENCE_RMS;
        match (loud, self.part) {
            (true, Part::BeforeSpeech) => {
                let lead = self.quiet.len().saturating_sub(LEAD_SAMPLES);
                out.extend_from_slice(&self.quiet[lead..]);
                out.append(&mut self.block);
                self.quiet.clear();
                self.part = Part::InSpeech;
            }
            (true, Part::InSpeech) => {
                out.append(&mut self.quiet);
                out.append(&mut self.block);
            }
            (false, Part::BeforeSpeech) => {
                self.quiet.append(&mut self.block);
                let old = self.quiet.len().saturating_sub(LEAD_SAMPLES);
                self.quiet.drain(..old);
            }
            (false, Part::InSpeech) if self.quiet.len() >= LONGEST_PAUSE => self.block.clear(),
            (false, Part::InSpeech) => self.quiet.append(&mut self.block),
        }
    }
}

/// Bends what lies above the knee towards full scale and never beyond.
fn limited(sample: f32) -> i16 {
    let size = sample.abs();
    if size <= KNEE {
        return sample as i16;
    }
    let room = CEILING - KNEE;
    let bent = KNEE + room * (1.0 - (-(size - KNEE) / room).exp());
    bent.copysign(sample) as i16
}

fn rms(block: &[i16]) -> f32 {
    if block.is_empty() {
        return 0.0;
    }
    (block.iter().map(|&sample| f32::from(sample).powi(2)).sum::<f32>() / block.len() as f32).sqrt()
}

/// A recording at the common loudness; silence stays silence.
pub(super) fn levelled(pcm: &[i16]) -> Vec<i16> {
    let peak = pcm.iter().map(|sample| f32::from(*sample).abs()).fold(0.0, f32::max);
    if peak == 0.0 {
        return Vec::new();
    }
    let scaled = |gain: f32| pcm.iter().map(|&sample| limited(f32::from(sample) * gain)).collect::<Vec<_>>();
    // What is silent is told by an absolute level, so a faint recording is made loud before it is judged.
    let loud = KNEE / peak;
    let lacks = active_level(&scaled(loud)).map_or(0.0, |level| TARGET_DBOV - level);
    scaled(loud * 10.0_f32.powf(lacks / 20.0))
}

/// From the first to the last block that is not silent.
pub(super) fn audible(pcm: &[i16]) -> Range<usize> {
    let is_loud = |block: &[i16]| rms(block) >= SILENCE_RMS;
    let Some(first) = pcm.chunks(BLOCK_SAMPLES).position(is_loud) else { return 0..0 };
    let last = pcm.chunks(BLOCK_SAMPLES).rposition(is_loud).unwrap_or(first);
    first * BLOCK_SAMPLES..((last + 1) * BLOCK_SAMPLES).min(pcm.len())
}

/// Active speech level of `pcm` \[dBov\]: the level of its 20 ms frames that are not silent. `None` when all are.
pub fn active_level(pcm: &[i16]) -> Option<f32> {
    let active: Vec<f32> = pcm.chunks(320).map(rms).filter(|&level| level >= SILENCE_RMS).collect();
    if active.is_empty() {
        return None;
    }
    let power = active.iter().map(|level| level * level).sum::<f32>() / active.len() as f32;
    Some(10.0 * power.log10() - 20.0 * 32_768.0_f32.log10())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn level(gain_db: f32, pcm: &[i16], chunk: usize) -> Vec<i16> {
        let mut leveller = Leveller::new(Timbre::Natural, gain_db);
        let mut out = Vec::new();
        for part in pcm.chunks(chunk) {
            leveller.push(part, &mut out);
        }
        leveller.finish(&mut out);
        out
    }

    fn burst(samples: usize) -> Vec<i16> {
        (0..samples).map(|i| if i % 16 < 8 { 4_000 } else { -4_000 }).collect()
    }

    #[test]
    fn silence_around_speech_is_cut_and_inside_kept() {
        let speech = [vec![0; 4_000], burst(1_600), vec![0; 3_200], burst(1_600), vec![0; 4_000]].concat();
        let out = level(0.0, &speech, 333);
        assert_eq!(out.len(), LEAD_SAMPLES + 1_600 + 3_200 + 1_600 + TAIL_SAMPLES);
        assert_eq!(out[..LEAD_SAMPLES + 1], [vec![0; LEAD_SAMPLES], vec![4_000]].concat());
    }

    #[test]
    fn an_endless_pause_is_shortened() {
        let speech = [burst(1_600), vec![0; 160_000], burst(1_600)].concat();
        assert_eq!(level(0.0, &speech, 1_000).len(), 3_200 + LONGEST_PAUSE);
    }

    #[test]
    fn silence_alone_is_nothing() {
        assert!(level(0.0, &[3; 10_000], 100).is_empty());
        assert!(level(0.0, &[], 1).is_empty());
    }

    #[test]
    fn gain_is_exact_below_the_knee() {
        let out = level(6.0206, &burst(1_600), 1_600);
        assert!(out.iter().all(|sample| (7_998..=8_002).contains(&sample.abs())));
        assert!((active_level(&burst(1_600)).unwrap() - 20.0 * (4_000.0_f32 / 32_768.0).log10()).abs() < 0.01);
    }

    #[test]
    fn a_clear_voice_has_more_of_what_is_high() {
        let tone = |hertz: f32| (0..16_000).map(|i| (3_000.0 * (i as f32 * hertz / 2_546.5).sin()) as i16).collect();
        let lost = |hertz: f32| {
            let (plain, mut out): (Vec<i16>, _) = (tone(hertz), Vec::new());
            let mut leveller = Leveller::new(Timbre::Clear, 0.0);
            leveller.push(&plain, &mut out);
            leveller.finish(&mut out);
            active_level(&plain).unwrap() - active_level(&out).unwrap()
        };
        // |1 - 0.7 z⁻¹| at 16 kHz.
        assert!(
            (lost(300.0) - 9.9).abs() < 0.3 && (lost(3_000.0) - 0.2).abs() < 0.3,
            "{} {}",
            lost(300.0),
            lost(3_000.0)
        );
    }

    proptest! {
        #[test]
        fn nothing_clips_and_louder_stays_louder(a in 0.0..100_000.0_f32, b in 0.0..100_000.0_f32) {
            prop_assert!(limited(a.max(b)) >= limited(a.min(b)));
            prop_assert_eq!(limited(-a), -limited(a));
            prop_assert!(i32::from(limited(a)) <= 32_767);
        }

        #[test]
        fn the_size_of_the_chunks_does_not_matter(pcm in prop::collection::vec(-500..500_i16, 0..3_000), chunk in 1..700_usize) {
            prop_assert_eq!(level(3.0, &pcm, chunk), level(3.0, &pcm, 3_000));
        }
    }
}
