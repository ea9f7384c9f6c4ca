//! The voice detector hears people on a telephone line, and little else.
//!
//! Runs over recordings that lie beside the repository and is skipped where they are absent. Prints the table that the
//! documentation of `speech::vad` quotes.

#![allow(clippy::unwrap_used)] // what cannot be read fails the test

use std::path::{Path, PathBuf};

use antevox::audio::{FRAME_SAMPLES, Frame};
use antevox::speech::vad::{Earshot, Gate, OFFSET, ONSET, VoiceDetector};

/// The outside recordings, or `None` with a note.
fn outside(path: &str) -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(path);
    if found.exists() {
        return Some(found);
    }
    println!("skipped: {} is not here", found.display());
    None
}

/// A WAV file as samples at 8 kHz (16 kHz files lose their upper half), through µ-law-like 14-bit rounding.
fn narrowband(path: &Path) -> Vec<f32> {
    let mut reader = hound::WavReader::open(path).unwrap();
    let rate = reader.spec().sample_rate;
    let samples: Vec<f32> = reader.samples::<i16>().map(|sample| f32::from(sample.unwrap())).collect();
    match rate {
        8_000 => samples,
        16_000 => filter(&samples).into_iter().step_by(2).collect(),
        other => panic!("{} is sampled at {other} Hz", path.display()),
    }
}

/// Low-pass at 3.8 kHz of 16 kHz: windowed sinc, 63 taps.
fn filter(samples: &[f32]) -> Vec<f32> {
    let taps: Vec<f32> = (-31i32..=31)
        .map(|n| {
            let x = f64::from(n);
            let cut = 2.0 * 3_800.0 / 16_000.0;
            let sinc = if n == 0 { cut } else { (std::f64::consts::PI * cut * x).sin() / (std::f64::consts::PI * x) };
            (sinc * (0.54 + 0.46 * (std::f64::consts::PI * x / 32.0).cos())) as f32
        })
        .collect();
    let at = |i: isize| usize::try_from(i).ok().and_then(|i| samples.get(i)).copied().unwrap_or(0.0);
    (0..samples.len() as isize).map(|i| taps.iter().zip(-31..).map(|(tap, n)| tap * at(i + n)).sum()).collect()
}

/// The house's frames: upsampled to 16 kHz, at a mean level of `dbov` where that is given.
fn frames(narrow: &[f32], dbov: Option<f32>) -> Vec<Frame> {
    let rms = (narrow.iter().map(|s| s * s).sum::<f32>() / narrow.len() as f32).sqrt().max(1.0);
    let gain = dbov.map_or(1.0, |level| 32_768.0 * 10f32.powf(level / 20.0) / rms);
    let zeros: Vec<f32> = narrow.iter().flat_map(|&sample| [2.0 * gain * sample, 0.0]).collect();
    let wide: Vec<i16> = filter(&zeros).into_iter().map(|s| s.clamp(-32_768.0, 32_767.0) as i16).collect();
    wide.chunks_exact(FRAME_SAMPLES).map(|chunk| Frame(chunk.try_into().unwrap())).collect()
}

/// The detectors that were compared: ours, the same network without the mirror image, and the level over the noise floor.
const DETECTORS: [&str; 3] = ["earshot, mirrored", "earshot as it is", "energy"];

fn probabilities(detector: &str, frames: &[Frame]) -> Vec<f32> {
    match detector {
        "earshot, mirrored" => {
            let mut detector = Earshot::default();
            frames.iter().map(|frame| detector.speech_probability(frame)).collect()
        }
        "earshot as it is" => {
            let (mut network, mut waiting) = (earshot::Detector::default_boxed(), Vec::new());
            let mut rate = |frame: &Frame| {
                waiting.extend_from_slice(&frame.0);
                let mut highest = 0.0f32;
                while waiting.len() >= 256 {
                    let window: Vec<i16> = waiting.drain(..256).collect();
                    highest = highest.max(network.predict_i16(&window));
                }
                highest
            };
            frames.iter().map(&mut rate).collect()
        }
        // 0.5 at 9 dB over a floor that falls at once and rises by 5 dB a second; 0.1 for 3 dB.
        _ => {
            let mut floor = 0.0f32;
            let mut rate = |frame: &Frame| {
                let level = frame.level().max(-65.0);
                floor = (floor + 0.1).min(level);
                (0.5 + (level - floor - 9.0) / 30.0).clamp(0.0, 1.0)
            };
            frames.iter().map(&mut rate).collect()
        }
    }
}

/// Which frames the gate lets pass as speech.
fn gated(probabilities: &[f32], frames: &[Frame]) -> Vec<bool> {
    let mut gate = Gate::default();
    probabilities.iter().zip(frames).map(|(&p, frame)| gate.push(p, frame.level())).collect()
}

fn share(passed: &[bool]) -> f64 {
    passed.iter().filter(|passed| **passed).count() as f64 / passed.len().max(1) as f64
}

fn wavs(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(wavs(&path));
        } else if path.extension().is_some_and(|extension| extension == "wav") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Frames marked as speech in a `.scv` file: `name,from,to,is_speech,from,to,…`.
fn marks(path: &Path, frames: usize) -> Vec<bool> {
    let text = std::fs::read_to_string(path).unwrap();
    let fields: Vec<f64> = text.trim().split(',').skip(1).map(|field| field.parse().unwrap()).collect();
    (0..frames)
        .map(|i| {
            let middle = (i as f64 + 0.5) * 0.02;
            fields.chunks_exact(3).any(|mark| mark[0] <= middle && middle < mark[1] && mark[2] == 1.0)
        })
        .collect()
}

#[test]
fn marked_speech_is_found_frame_by_frame() {
    let Some(folder) = outside("turn-taking/ten-vad-testset/shared") else { return };
    println!("detector            threshold  speech frames hit  other frames taken for speech");
    for detector in DETECTORS {
        let (mut rated, mut through) = (Vec::new(), [Vec::new(), Vec::new()]);
        for path in wavs(&folder) {
            let frames = frames(&narrowband(&path), None);
            let (p, truth) = (probabilities(detector, &frames), marks(&path.with_extension("scv"), frames.len()));
            for (passed, is_speech) in gated(&p, &frames).into_iter().zip(&truth) {
                through[usize::from(*is_speech)].push(passed);
            }
            rated.extend(p.into_iter().zip(truth));
        }
        let rate = |of: bool, threshold: f32| {
            share(&rated.iter().filter(|(_, is)| *is == of).map(|(p, _)| *p >= threshold).collect::<Vec<_>>())
        };
        for threshold in [OFFSET, 0.5, ONSET, 0.7, 0.8] {
            println!(
                "{detector:19} {threshold:.2}       {:.3}              {:.3}",
                rate(true, threshold),
                rate(false, threshold)
            );
        }
        println!("{detector:19} gate       {:.3}              {:.3}", share(&through[1]), share(&through[0]));
        if detector == DETECTORS[0] {
            assert!(rate(true, 0.5) > 0.9 && rate(false, ONSET) < 0.2);
        }
    }
}

#[test]
fn utterances_are_noticed_and_noises_seldom() {
    let (Some(noise), Some(english), Some(mandarin)) = (outside("noise"), outside("speech-en"), outside("speech-zh"))
    else {
        return;
    };
    let mut utterances: Vec<PathBuf> = wavs(&english.join("an4/shared")).into_iter().step_by(12).collect();
    utterances.extend(wavs(&english.join("fsdd/shared")).into_iter().step_by(45));
    utterances.extend(wavs(&mandarin.join("aishell-sample")).into_iter().step_by(6));
    for detector in DETECTORS {
        let passed = |path: &Path, level| {
            let frames = frames(&narrowband(path), level);
            gated(&probabilities(detector, &frames), &frames)
        };
        let is_noticed = |path: &&PathBuf| passed(path, None).windows(3).any(|three| three == [true; 3]);
        let noticed = utterances.iter().filter(is_noticed).count();
        println!(
            "{detector}: noticed {noticed} of {}; share of noise taken for speech, at −26 dBov:",
            utterances.len()
        );
        for path in wavs(&noise) {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let taken = share(&passed(&path, Some(-26.0)));
            println!("    {taken:.2} {name}");
            let steady = ["pink_noise", "white_noise", "exercise_bike", "traffic", "doing_the_dishes"];
            if detector == DETECTORS[0] && steady.contains(&name.as_str()) {
                assert!(taken < 0.1, "{name} is taken for speech");
            }
        }
        if detector == DETECTORS[0] {
            assert!(noticed * 100 >= utterances.len() * 95, "noticed {noticed} of {}", utterances.len());
        }
    }
}
