//! `antevox speak`: synthesise a sentence into a WAV file.

#![allow(clippy::disallowed_methods, reason = "a command reads the clock")]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use serde_json::json;

use super::Outcome;
use crate::audio::resample::Resampler;
use crate::speech::tts::voice::VOICES;
use crate::speech::tts::{ClauseCache, Mouth, Rate, Voice};
use crate::units::{Lang, SampleRate};

/// Synthesise a sentence into a WAV file: 16 bit, mono.
#[derive(Debug, clap::Args)]
pub struct Speak {
    /// What to say; `<speak>…</speak>` is read as markup (break, say-as, prosody rate).
    #[arg(required_unless_present = "list")]
    text: Option<String>,
    /// The file to write.
    #[arg(short, long, value_name = "F.wav", required_unless_present = "list")]
    output: Option<PathBuf>,
    /// Language of the text; chooses the voice where none is named.
    #[arg(long, value_enum, default_value_t = LangName::En)]
    lang: LangName,
    /// A voice of --list.
    #[arg(long)]
    voice: Option<String>,
    /// Speaking rate in percent, 50 to 200.
    #[arg(long, default_value = "100")]
    rate: String,
    /// Raise high frequencies, as for callers, who may listen where it is noisy.
    #[arg(long)]
    clear: bool,
    /// Sample rate of the file.
    #[arg(long, value_enum, default_value_t = FileRate::Wideband)]
    hz: FileRate,
    /// Put the sound through µ-law and back, as a telephone line does.
    #[arg(long)]
    ulaw: bool,
    /// Show the voices and end.
    #[arg(long)]
    list: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LangName {
    En,
    Zh,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FileRate {
    #[value(name = "8000")]
    Narrowband,
    #[value(name = "16000")]
    Wideband,
}

impl Speak {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        if self.list {
            list(self.json);
            return Ok(());
        }
        let (Some(text), Some(path)) = (&self.text, &self.output) else {
            return Err("there is nothing to do; give a TEXT and `-o F.wav`, or `--list`".into());
        };
        let voice = self.chosen_voice()?;
        let spoken = Spoken::render(&voice, text)?;
        if spoken.pcm.is_empty() {
            return Err(
                format!("the text holds nothing that `{}` could say; give it letters or digits", voice.name()).into()
            );
        }
        let rate = match self.hz {
            FileRate::Narrowband => SampleRate::NARROWBAND,
            FileRate::Wideband => SampleRate::WIDEBAND,
        };
        let mut pcm = at_rate(&spoken.pcm, rate);
        if self.ulaw {
            pcm.iter_mut().for_each(|sample| *sample = through_ulaw(*sample));
        }
        write_wav(path, &pcm, rate).map_err(|error| {
            format!("{}: cannot be written: {error}; name a file in a folder that you may write to", path.display())
        })?;
        spoken.report(&voice, path, rate, self.json);
        Ok(())
    }

    fn chosen_voice(&self) -> Result<Voice, Box<dyn std::error::Error + Send + Sync>> {
        let lang = match self.lang {
            LangName::En => Lang::En,
            LangName::Zh => Lang::Zh,
        };
        let voice = self.voice.as_deref().map_or_else(|| Ok(Voice::default_for(lang)), str::parse)?;
        let rate: Rate = self.rate.parse()?;
        let voice = voice.at(voice.rate.scaled(rate));
        Ok(if self.clear { voice.clear() } else { voice })
    }
}

/// What was said, and how quickly.
struct Spoken {
    pcm: Vec<i16>,
    pieces: usize,
    first_audio: Duration,
    total: Duration,
    /// The first sound of the same text said once more.
    first_audio_again: Duration,
}

impl Spoken {
    fn render(voice: &Voice, text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let mut mouth = Mouth::new(Arc::new(ClauseCache::new(ClauseCache::SERVER_CAPACITY)));
        let (mut pcm, mut pieces, mut first_audio) = (Vec::new(), 0, None);
        let begun = Instant::now();
        mouth.speak(voice, text, &mut |piece| {
            first_audio.get_or_insert_with(|| begun.elapsed());
            pieces += 1;
            pcm.extend_from_slice(&piece);
            ControlFlow::Continue(())
        })?;
        let total = begun.elapsed();
        let (again, mut first_audio_again) = (Instant::now(), None);
        mouth.speak(voice, text, &mut |_| {
            first_audio_again.get_or_insert_with(|| again.elapsed());
            ControlFlow::Break(())
        })?;
        let first_audio_again = first_audio_again.unwrap_or_default();
        Ok(Self { pcm, pieces, first_audio: first_audio.unwrap_or_default(), total, first_audio_again })
    }

    fn report(&self, voice: &Voice, path: &Path, rate: SampleRate, json: bool) {
        let seconds = SampleRate::WIDEBAND.duration(self.pcm.len() as u64).as_secs_f64();
        let (first_ms, total_ms) = (self.first_audio.as_secs_f64() * 1e3, self.total.as_secs_f64() * 1e3);
        let rtf = total_ms / 1e3 / seconds;
        if json {
            let report = json!({
                "file": path, "voice": voice.to_string(), "sample_rate": rate.hertz(), "seconds": seconds,
                "pieces": self.pieces, "first_audio_ms": first_ms, "total_ms": total_ms, "rtf": rtf,
                "cached_first_audio_ms": self.first_audio_again.as_secs_f64() * 1e3,
            });
            println!("{report}");
        } else {
            println!(
                "{}: {seconds:.2} s by {voice}, first sound after {first_ms:.1} ms, real-time factor {rtf:.3}",
                path.display()
            );
        }
    }
}

fn list(json: bool) {
    for entry in VOICES {
        if json {
            println!("{}", json!({ "name": entry.name, "lang": entry.lang, "about": entry.about }));
        } else {
            let lang = match entry.lang {
                Lang::En => "en",
                Lang::Zh => "zh",
            };
            println!("{lang}  {:<16} {}", entry.name, entry.about);
        }
    }
}

fn at_rate(pcm: &[i16], rate: SampleRate) -> Vec<i16> {
    if rate == SampleRate::WIDEBAND {
        return pcm.to_vec();
    }
    let mut out = Vec::new();
    let mut resampler = Resampler::new(SampleRate::WIDEBAND, rate);
    resampler.push(pcm, &mut out);
    resampler.finish(&mut out);
    out
}

/// What is left of a sample after µ-law (ITU-T G.711): 16 steps in each of 8 segments, which double in size.
fn through_ulaw(sample: i16) -> i16 {
    const BIAS: i32 = 132;
    let size = i32::from(sample).abs().min(32_635) + BIAS;
    let step = (size.ilog2() - 4).max(3);
    let middle = (size >> step << step) + (1 << (step - 1));
    ((middle - BIAS) * i32::from(sample.signum())) as i16
}

fn write_wav(path: &Path, pcm: &[i16], rate: SampleRate) -> Result<(), hound::Error> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate.hertz(),
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(path, spec)?;
    for &sample in pcm {
        wav.write_sample(sample)?;
    }
    wav.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ulaw_keeps_silence_and_errs_in_proportion() {
        assert_eq!(through_ulaw(0), 0);
        for sample in i16::MIN..=i16::MAX {
            let heard = i32::from(through_ulaw(sample));
            let error = (heard - i32::from(sample)).abs();
            // Half a step: 4 near zero, else a sixteenth of the segment; what lies above 32,635 is cut.
            assert!(error <= 4 + i32::from(sample).abs() / 31, "{sample} is heard as {heard}");
            assert_eq!(i32::from(through_ulaw(heard as i16)), heard);
        }
    }
}
