//! Keys heard in sound: those that nobody pressed, and those that were, through noise.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::audio::resample::{Downsampler, Upsampler};
use crate::audio::tone::{KeyDetector, KeyTone};
use crate::audio::{FRAME_SAMPLES, Frame, file, g711::Law};

const KEYS: &str = "0123456789*#ABCD";
/// Frames that a key lasts, and the pause after it: 60 and 60 ms.
const PRESSED: usize = 3;
const RELEASED: usize = 3;
/// Level of each tone (dBov).
const LEVEL: f32 = -16.0;

/// Counts both.
pub(super) fn count(folders: &[PathBuf]) -> Result<Value, String> {
    let speech: Vec<Value> = folders.iter().map(|folder| talk_off(folder)).collect::<Result<_, _>>()?;
    let noise: Vec<Value> = [40.0, 30.0, 25.0, 20.0, 15.0, 10.0].into_iter().map(through_noise).collect();
    Ok(json!({"speech": speech, "noise": noise}))
}

/// Keys found in recordings of speech, as a telephone line brings them.
fn talk_off(folder: &Path) -> Result<Value, String> {
    let (mut hours, mut found, mut files) = (0.0, String::new(), 0);
    for path in sounds(folder)? {
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let Ok(sound) = file::decode(bytes) else { continue };
        files += 1;
        hours += sound.len() as f64 / 16_000.0 / 3_600.0;
        let mut detector = KeyDetector::default();
        let mut line = Line::default();
        for piece in sound.chunks_exact(FRAME_SAMPLES) {
            let frame = Frame(std::array::from_fn(|i| piece[i]));
            found.extend(detector.hear(&line.carry(&frame)));
        }
    }
    let an_hour = if hours > 0.0 { found.len() as f64 / hours } else { 0.0 };
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(json!({"folder": name, "files": files, "hours": hours, "found": found, "an_hour": an_hour}))
}

/// Sound files below a folder.
fn sounds(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let (mut sounds, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "wav") {
                sounds.push(path);
            }
        }
    }
    sounds.sort();
    Ok(sounds)
}

/// Every key a hundred times in white noise, `snr` below the two tones together (dB).
fn through_noise(snr: f32) -> Value {
    let mut rng = fastrand::Rng::with_seed(5);
    let amplitude = 32_768.0 * 10f32.powf((LEVEL + 3.0 - snr) / 20.0) * 3f32.sqrt();
    let (mut missed, mut wrong, mut pressed) = (0, 0, 0);
    for key in KEYS.chars().cycle().take(1_600) {
        let (Some(mut tone), mut detector, mut line) =
            (KeyTone::new(key, LEVEL), KeyDetector::default(), Line::default())
        else {
            continue;
        };
        let mut heard = String::new();
        for n in 0..PRESSED + 2 * RELEASED {
            let mut frame = if (RELEASED..RELEASED + PRESSED).contains(&n) { tone.frame() } else { Frame::SILENCE };
            for sample in &mut frame.0 {
                *sample = sample.saturating_add((amplitude * (2.0 * rng.f32() - 1.0)) as i16);
            }
            heard.extend(detector.hear(&line.carry(&frame)));
        }
        pressed += 1;
        missed += usize::from(!heard.contains(key));
        wrong += heard.chars().filter(|&other| other != key).count();
    }
    json!({"snr_db": snr, "pressed": pressed, "missed": missed, "wrong": wrong})
}

/// A telephone line: 8 kHz, µ-law.
#[derive(Default)]
struct Line {
    down: Downsampler,
    up: Upsampler,
}

impl Line {
    fn carry(&mut self, frame: &Frame) -> Frame {
        let (mut narrow, mut coded) = ([0; FRAME_SAMPLES / 2], Vec::with_capacity(FRAME_SAMPLES / 2));
        self.down.process(&frame.0, &mut narrow);
        Law::Mu.encode(&narrow, &mut coded);
        Law::Mu.decode(&coded, &mut narrow);
        let mut out = Frame::SILENCE;
        self.up.process(&narrow, &mut out.0);
        out
    }
}
