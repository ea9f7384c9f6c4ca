//! Sound files: WAV, AIFF, FLAC, Ogg Vorbis, MP3 and AAC (M4A) in, as mono 16 kHz; WAV out.
//!
//! The caller opens the file; here are only bytes. A file that is damaged is refused with the place where the damage is,
//! so that nobody hears half a prompt.

use std::io::{Cursor, Read, Seek, Write};
use std::time::Duration;

use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as DecodeError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

use super::resample::{RATES, Resampler};
use crate::units::SampleRate;

/// Sound files that are understood, as people name them.
pub const KINDS: &str = "WAV, AIFF, FLAC, Ogg Vorbis, MP3 and M4A";
/// Longest file that is taken; a prompt or a caller's recording is far below.
const LONGEST: Duration = Duration::from_secs(3_600);
/// Most channels that are averaged.
const MOST_CHANNELS: u16 = 32;
/// What is said of damage that the decoder does not describe.
const UNREADABLE: &str = "it cannot be read";

/// Why a sound file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// None of the [`KINDS`].
    #[error("this is none of {KINDS}")]
    Unrecognised,
    /// The file is of a known kind, but its coding is not: `what` names it.
    #[error("the sound in this file cannot be decoded: {what}")]
    Unsupported {
        /// Which feature.
        what: &'static str,
    },
    /// The sample rate is none that sound has.
    #[error("a sample rate of {0} Hz is out of range (4,000 to 384,000)")]
    UnusableRate(u32),
    /// Damaged.
    #[error("damaged at {:.2} s: {what}", at.as_secs_f64())]
    Damaged {
        /// Sound before the damage.
        at: Duration,
        /// What is wrong.
        what: &'static str,
    },
    /// Shorter than its header says.
    #[error("cut off at {:.2} s; the header announces {:.2} s", at.as_secs_f64(), announced.as_secs_f64())]
    Truncated {
        /// Sound that is there.
        at: Duration,
        /// Sound that should be.
        announced: Duration,
    },
    /// There is no sound in it.
    #[error("the file holds no sound")]
    Empty,
    /// Longer than an hour.
    #[error("the file is longer than {} minutes", LONGEST.as_secs() / 60)]
    TooLong,
}

/// Decodes a whole file to mono at 16 kHz.
///
/// # Errors
/// Any [`FileError`].
pub fn decode(bytes: Vec<u8>) -> Result<Vec<i16>, FileError> {
    check_wav_header(&bytes)?;
    // Damaged files have been found on which the decoder overflows. What a person hands in must not end a thread.
    std::panic::catch_unwind(|| decode_checked(bytes)).unwrap_or(Err(FileError::Unsupported { what: UNREADABLE }))
}

fn decode_checked(bytes: Vec<u8>) -> Result<Vec<i16>, FileError> {
    let source = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
    let reader = symphonia::default::get_probe()
        .probe(&Hint::new(), source, FormatOptions::default(), MetadataOptions::default())
        .map_err(|_| FileError::Unrecognised)?;
    Reading::new(reader)?.run()
}

/// Looks at a WAV file's numbers before the decoder (symphonia 0.6) does, which multiplies them unchecked: a rate with
/// its uppermost bit set, or 65,535 channels, overflow there.
fn check_wav_header(bytes: &[u8]) -> Result<(), FileError> {
    let Some(b"RIFF") = bytes.first_chunk() else { return Ok(()) };
    let mut rest = bytes.get(12..).unwrap_or_default();
    while let Some((&[n0, n1, n2, n3, l0, l1, l2, l3], body)) = rest.split_first_chunk::<8>() {
        if [n0, n1, n2, n3] == *b"fmt " {
            let Some(&[_, _, c0, c1, r0, r1, r2, r3]) = body.first_chunk::<8>() else { break };
            let rate = u32::from_le_bytes([r0, r1, r2, r3]);
            if !RATES.contains(&rate) {
                return Err(FileError::UnusableRate(rate));
            }
            if !(1..=MOST_CHANNELS).contains(&u16::from_le_bytes([c0, c1])) {
                return Err(FileError::Unsupported { what: "the number of channels is out of range (1 to 32)" });
            }
            break;
        }
        // Chunks begin at even places.
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        rest = body.get(length.saturating_add(length & 1)..).unwrap_or_default();
    }
    Ok(())
}

/// A file being decoded.
struct Reading {
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    rate: SampleRate,
    announced: Option<u64>,
    resampler: Resampler,
    /// Frames at the file's rate so far.
    read: u64,
    mono: Vec<i16>,
    output: Vec<i16>,
}

impl Reading {
    fn new(reader: Box<dyn FormatReader>) -> Result<Self, FileError> {
        let track = reader.default_track(TrackType::Audio).ok_or(FileError::Empty)?;
        let params = track.codec_params.as_ref().and_then(|params| params.audio());
        let params = params.ok_or(FileError::Unsupported { what: "its coding is unknown" })?;
        let hertz = params.sample_rate.unwrap_or(0);
        let rate = SampleRate::new(hertz).filter(|_| RATES.contains(&hertz)).ok_or(FileError::UnusableRate(hertz))?;
        let resampler = Resampler::new(rate, SampleRate::WIDEBAND);
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(params, &AudioDecoderOptions::default())
            .map_err(|e| FileError::Unsupported { what: description(&e) })?;
        let (announced, track) = (track.num_frames, track.id);
        Ok(Self { reader, decoder, track, rate, announced, resampler, read: 0, mono: Vec::new(), output: Vec::new() })
    }

    fn run(mut self) -> Result<Vec<i16>, FileError> {
        let most = u64::from(self.rate.hertz()) * LONGEST.as_secs();
        while self.next()? {
            if self.read > most {
                return Err(FileError::TooLong);
            }
        }
        // A WAV written to a pipe announces as much as its header can say.
        if let Some(announced) = self.announced.filter(|&announced| announced > self.read && announced <= most) {
            return Err(FileError::Truncated { at: self.at(), announced: self.rate.duration(announced) });
        }
        if self.read == 0 {
            return Err(FileError::Empty);
        }
        self.resampler.finish(&mut self.output);
        Ok(self.output)
    }

    /// Decodes one packet; `false` at the end of the file.
    fn next(&mut self) -> Result<bool, FileError> {
        let packet = match self.reader.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => return Ok(false),
            Err(DecodeError::IoError(e)) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(e) => return Err(self.damaged(&e)),
        };
        if packet.track_id != self.track {
            return Ok(true);
        }
        let decoded = match self.decoder.decode(&packet) {
            Ok(decoded) => decoded,
            Err(e) => return Err(self.damaged(&e)),
        };
        if decoded.spec().rate() != self.rate.hertz() {
            return Err(FileError::Damaged { at: self.at(), what: "the sample rate changes" });
        }
        let channels = decoded.num_planes().max(1);
        let mut interleaved: Vec<f32> = Vec::new();
        decoded.copy_to_vec_interleaved(&mut interleaved);
        let mono = interleaved.chunks_exact(channels).map(|frame| frame.iter().sum::<f32>() / channels as f32);
        self.mono.clear();
        self.mono.extend(mono.map(|sample| (sample * 32_768.0).round() as i16)); // saturates
        self.read += self.mono.len() as u64;
        self.resampler.push(&self.mono, &mut self.output);
        Ok(true)
    }

    fn at(&self) -> Duration {
        self.rate.duration(self.read)
    }

    fn damaged(&self, error: &DecodeError) -> FileError {
        FileError::Damaged { at: self.at(), what: description(error) }
    }
}

fn description(error: &DecodeError) -> &'static str {
    match error {
        DecodeError::DecodeError(what) | DecodeError::Unsupported(what) | DecodeError::LimitError(what) => what,
        DecodeError::ResetRequired => "the sound changes its format",
        _ => UNREADABLE,
    }
}

/// Writes 16-bit WAV: `channels` side by side, the shorter ones filled up with silence.
///
/// # Errors
/// What the writer reports.
pub fn write_wav<W: Write + Seek>(to: W, rate: SampleRate, channels: &[&[i16]]) -> Result<(), hound::Error> {
    let spec = hound::WavSpec {
        channels: channels.len() as u16,
        sample_rate: rate.hertz(),
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::new(to, spec)?;
    let longest = channels.iter().map(|channel| channel.len()).max().unwrap_or(0);
    for i in 0..longest {
        for channel in channels {
            writer.write_sample(channel.get(i).copied().unwrap_or(0))?;
        }
    }
    writer.finalize()
}

/// Reads all of `from` and decodes it; see [`decode`].
///
/// # Errors
/// What the reader reports, or a [`FileError`] within.
pub fn read(mut from: impl Read) -> std::io::Result<Result<Vec<i16>, FileError>> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    Ok(decode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wav(rate: u32, channels: &[&[i16]]) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        write_wav(&mut bytes, SampleRate::new(rate).expect("not zero"), channels).expect("memory takes it");
        bytes.into_inner()
    }

    fn sine(rate: u32, samples: usize) -> Vec<i16> {
        let step = std::f32::consts::TAU * 300.0 / rate as f32;
        (0..samples).map(|i| (8_000.0 * (step * i as f32).sin()) as i16).collect()
    }

    #[test]
    fn a_file_of_our_own_kind_comes_back_as_it_was() {
        let sound = sine(16_000, 5_000);
        assert_eq!(decode(wav(16_000, &[&sound])), Ok(sound));
    }

    #[test]
    fn any_rate_becomes_ours_and_channels_are_averaged() {
        let sound = sine(8_000, 8_000);
        let wide = decode(wav(8_000, &[&sound])).expect("sound");
        assert_eq!(wide.len(), 16_000);
        let quiet = vec![0; 16_000];
        let half = decode(wav(16_000, &[&sine(16_000, 16_000), &quiet])).expect("sound");
        let peak = |samples: &[i16]| samples[1_000..15_000].iter().copied().max().unwrap_or(0);
        assert!((peak(&half) - 4_000).abs() < 10, "{}", peak(&half));
        assert!((peak(&wide) - 8_000).abs() < 20, "{}", peak(&wide));
    }

    #[test]
    fn other_programs_files_are_heard() {
        for (name, file) in [
            ("AIFF", &include_bytes!("../../fixtures/strangers/sound_file/tone.aiff")[..]),
            ("MP3", include_bytes!("../../fixtures/strangers/sound_file/tone.mp3")),
            ("M4A", include_bytes!("../../fixtures/strangers/sound_file/tone.m4a")),
        ] {
            let sound = decode(file.to_vec()).expect(name);
            // Coders put up to 0.2 s of silence around 0.3 s of sound.
            assert!((4_800..8_200).contains(&sound.len()), "{name}: {} samples", sound.len());
            let loudness = |chunk: &&[i16]| chunk.iter().map(|&sample| i64::from(sample).abs()).sum::<i64>();
            let tone = sound.chunks_exact(1_600).max_by_key(loudness).expect("more than 100 ms");
            let crossings = tone.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
            assert!((98..=102).contains(&crossings), "{name}: {crossings} crossings in 100 ms of 500 Hz");
            assert!(tone.iter().any(|&sample| sample > 8_000), "{name} is quiet");
        }
    }

    #[test]
    fn a_file_that_is_cut_off_says_where() {
        let whole = wav(8_000, &[&sine(8_000, 8_000)]);
        let cut = whole[..44 + 2 * 6_000].to_vec();
        let (at, announced) = (Duration::from_millis(750), Duration::from_secs(1));
        assert_eq!(decode(cut), Err(FileError::Truncated { at, announced }));
        assert_eq!(
            FileError::Truncated { at, announced }.to_string(),
            "cut off at 0.75 s; the header announces 1.00 s"
        );
    }

    #[test]
    fn a_wav_from_a_pipe_needs_no_length() {
        let mut bytes = wav(8_000, &[&sine(8_000, 8_000)]);
        bytes[4..8].fill(0xff);
        bytes[40..44].fill(0xff);
        assert_eq!(decode(bytes).map(|sound| sound.len()), Ok(16_000));
    }

    #[test]
    fn what_is_no_sound_is_refused() {
        assert_eq!(decode(Vec::new()), Err(FileError::Unrecognised));
        assert_eq!(decode(b"MZ this is something else".to_vec()), Err(FileError::Unrecognised));
        assert_eq!(decode(wav(16_000, &[&[]])), Err(FileError::Empty));
        assert_eq!(decode(wav(1_000, &[&[0; 100]])), Err(FileError::UnusableRate(1_000)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn damage_never_panics(places in prop::collection::vec((0usize..120, any::<u8>()), 1..8), cut in 0usize..400) {
            let mut bytes = wav(11_025, &[&sine(11_025, 150), &sine(11_025, 150)]);
            for (place, value) in places {
                bytes[place] = value;
            }
            bytes.truncate(bytes.len() - cut);
            if let Ok(sound) = decode(bytes) {
                prop_assert!(!sound.is_empty());
            }
        }
    }
}
