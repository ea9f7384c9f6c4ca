//! A caller's words as the line carries them: 8 kHz mono in frames of 20 ms.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use super::script::Source;
use crate::audio::resample::Resampler;
use crate::speech::tts::{ClauseCache, Mouth, Voice};
use crate::units::SampleRate;

/// Samples in a frame of the line: 20 ms at 8 kHz.
pub(in crate::commands) const LINE_FRAME: usize = 160;
/// Root mean square above which a frame counts as audible, about −46 dBov; what `sipcall.py` takes too.
const AUDIBLE: f64 = 160.0;

/// 20 ms on the line.
pub(in crate::commands) type LineFrame = [i16; LINE_FRAME];

/// Something that the caller can say.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::commands) struct Utterance {
    /// As a report names it.
    pub(in crate::commands) name: String,
    /// The sound.
    pub(in crate::commands) frames: Vec<LineFrame>,
    /// First audible frame.
    pub(in crate::commands) first: usize,
    /// Last audible frame.
    pub(in crate::commands) last: usize,
}

/// Whether a frame can be heard.
pub(super) fn is_audible(frame: &LineFrame) -> bool {
    let energy: f64 = frame.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    (energy / LINE_FRAME as f64).sqrt() > AUDIBLE
}

impl Utterance {
    /// Cuts 8 kHz sound into frames.
    pub(in crate::commands) fn new(name: String, samples: &[i16]) -> Self {
        let frames: Vec<LineFrame> = samples
            .chunks(LINE_FRAME)
            .map(|chunk| {
                let mut frame = [0; LINE_FRAME];
                frame[..chunk.len()].copy_from_slice(chunk);
                frame
            })
            .collect();
        let first = frames.iter().position(is_audible).unwrap_or(0);
        let last = frames.iter().rposition(is_audible).unwrap_or(0);
        Self { name, frames, first, last }
    }

    /// Lets the speech synthesis say `words`.
    pub(in crate::commands) fn of_words(
        words: &str,
        voice: &Voice,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Self::load(&Source::Text(words.to_owned()), voice)
    }

    /// Loads a file, or lets the speech synthesis say the text.
    pub(super) fn load(source: &Source, voice: &Voice) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let samples = match source {
            Source::File(path) => read_wav(path)?,
            Source::Text(words) => synthesised(words, voice)?,
        };
        Ok(Self::new(source.name(), &samples))
    }
}

fn synthesised(words: &str, voice: &Voice) -> Result<Vec<i16>, Box<dyn std::error::Error + Send + Sync>> {
    let mut wide = Vec::new();
    Mouth::new(Arc::new(ClauseCache::new(0))).speak(voice, words, &mut |piece| {
        wide.extend_from_slice(&piece);
        ControlFlow::Continue(())
    })?;
    Ok(at_line_rate(&wide, SampleRate::WIDEBAND))
}

fn read_wav(path: &Path) -> Result<Vec<i16>, Box<dyn std::error::Error + Send + Sync>> {
    let unreadable = |error: hound::Error| format!("{}: {error}; give a WAV file, 16 bit, mono", path.display());
    let reader = hound::WavReader::open(path).map_err(unreadable)?;
    let spec = reader.spec();
    if (spec.channels, spec.bits_per_sample, spec.sample_format) != (1, 16, hound::SampleFormat::Int) {
        let found = format!("{} bit, {} channels", spec.bits_per_sample, spec.channels);
        return Err(format!("{}: {found}; give a WAV file, 16 bit, mono", path.display()).into());
    }
    let samples: Result<Vec<i16>, hound::Error> = reader.into_samples().collect();
    let rate = SampleRate::new(spec.sample_rate).ok_or_else(|| format!("{}: a rate of 0 Hz", path.display()))?;
    Ok(at_line_rate(&samples.map_err(unreadable)?, rate))
}

fn at_line_rate(samples: &[i16], rate: SampleRate) -> Vec<i16> {
    if rate == SampleRate::NARROWBAND {
        return samples.to_vec();
    }
    let (mut resampler, mut out) = (Resampler::new(rate, SampleRate::NARROWBAND), Vec::new());
    resampler.push(samples, &mut out);
    resampler.finish(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_into_frames_and_their_ends_are_found() {
        let mut samples = vec![0; 400];
        samples.extend([3_000; 200]);
        samples.extend([0; 300]);
        let utterance = Utterance::new("x".into(), &samples);
        assert_eq!((utterance.frames.len(), utterance.first, utterance.last), (6, 2, 3));
    }

    #[test]
    fn a_file_that_is_no_wav_is_named_with_the_remedy() {
        let error = read_wav(Path::new("Cargo.toml")).unwrap_err().to_string();
        assert!(error.starts_with("Cargo.toml: ") && error.ends_with("give a WAV file, 16 bit, mono"), "{error}");
    }
}
