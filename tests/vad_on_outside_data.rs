//! The voice detector hears people on a telephone line, and little else.
//!
//! Runs over recordings that lie beside the repository and is skipped where they are absent. Prints the table that the
//! documentation of `speech::vad` quotes.

#![allow(clippy::unwrap_used)] // what cannot be read fails the test

use std::path::{Path, PathBuf};

use antevox::audio::{FRAME_SAMPLES, Frame};
use antevox::speech::vad::{Earshot, Segmenter, Thresholds, VadEvent, VoiceDetector};
use antevox::units::SampleTime;

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

fn probabilities(frames: &[Frame]) -> Vec<f32> {
    let mut detector = Earshot::default();
    frames.iter().map(|frame| detector.speech_probability(frame)).collect()
}

/// Whether a voice is noticed at all.
fn has_start(probabilities: &[f32], thresholds: Thresholds) -> bool {
    let mut segmenter = Segmenter::new(thresholds);
    let times = (0..).map(|i| SampleTime(i * FRAME_SAMPLES as u64));
    times.zip(probabilities).any(|(at, &p)| matches!(segmenter.push(at, p), Some(VadEvent::SpeechStarted { .. })))
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
    let mut rated = Vec::new();
    for path in wavs(&folder) {
        let p = probabilities(&frames(&narrowband(&path), None));
        rated.extend(p.iter().copied().zip(marks(&path.with_extension("scv"), p.len())));
    }
    println!("threshold  speech frames hit  other frames taken for speech   ({} frames)", rated.len());
    let share = |of: bool, threshold: f32| {
        let all: Vec<f32> = rated.iter().filter(|(_, is)| *is == of).map(|(p, _)| *p).collect();
        all.iter().filter(|p| **p >= threshold).count() as f64 / all.len() as f64
    };
    for threshold in [0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.9] {
        println!("{threshold:.2}       {:.3}              {:.3}", share(true, threshold), share(false, threshold));
    }
    assert!(share(true, Thresholds::default().unvoiced) > 0.85);
    assert!(share(false, Thresholds::default().voiced) < 0.25);
}

/// Share of a sound during which the segmenter takes it for speech.
fn share_on(probabilities: &[f32], thresholds: Thresholds) -> f64 {
    let mut segmenter = Segmenter::new(thresholds);
    let times = (0..).map(|i| SampleTime(i * FRAME_SAMPLES as u64));
    let on = times.zip(probabilities).filter(|&(at, &p)| {
        segmenter.push(at, p);
        segmenter.is_speaking()
    });
    on.count() as f64 / probabilities.len() as f64
}

#[test]
fn utterances_are_noticed_and_noises_seldom() {
    let (Some(noise), Some(speech)) = (outside("noise"), outside("speech-en")) else { return };
    let mut utterances: Vec<PathBuf> = wavs(&speech.join("an4/shared")).into_iter().step_by(12).collect();
    utterances.extend(wavs(&speech.join("fsdd/shared")).into_iter().step_by(45));
    let spoken: Vec<Vec<f32>> = utterances.iter().map(|path| probabilities(&frames(&narrowband(path), None))).collect();
    let rate =
        |path: &PathBuf| (path.file_stem().unwrap().to_owned(), probabilities(&frames(&narrowband(path), Some(-26.0))));
    let noises: Vec<(std::ffi::OsString, Vec<f32>)> = wavs(&noise).iter().map(rate).collect();
    println!("voiced unvoiced onset | noticed of {} | share of noise taken for speech, at −26 dBov", spoken.len());
    for (voiced, unvoiced, onset) in [(0.5, 0.35, 3), (0.6, 0.5, 2), (0.6, 0.5, 3), (0.7, 0.5, 3)] {
        let thresholds = Thresholds { voiced, unvoiced, onset, ..Thresholds::default() };
        let noticed = spoken.iter().filter(|p| has_start(p, thresholds)).count();
        println!("{voiced} {unvoiced} {onset} | {:.3}", noticed as f64 / spoken.len() as f64);
        for (name, p) in &noises {
            println!("    {:.2} {}", share_on(p, thresholds), name.to_string_lossy());
        }
    }
    let noticed = spoken.iter().filter(|p| has_start(p, Thresholds::default())).count();
    assert!(noticed * 100 >= spoken.len() * 95, "noticed {noticed} of {}", spoken.len());
    for (name, p) in &noises {
        let steady = ["pink_noise", "white_noise", "exercise_bike", "traffic", "doing_the_dishes"];
        if steady.iter().any(|steady| name.to_str() == Some(steady)) {
            assert!(share_on(p, Thresholds::default()) < 0.1, "{} is taken for speech", name.to_string_lossy());
        }
    }
}
