//! Echo through two passes of µ-law, with speech-like sound and with speech.

use super::*;
use crate::audio::g711::Law;
use crate::audio::resample::{Downsampler, Upsampler};

/// Syllables of a buzzing voice at `hertz` with noise in it, as loud as speech.
fn babble(hertz: f32, seconds: usize, seed: u64) -> Vec<i16> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let (mut phase, mut pitch, mut loud, mut formant) = (0.0f32, hertz, 0.0f32, 600.0f32);
    let (mut y1, mut y2) = (0.0f32, 0.0f32);
    let mut out = Vec::with_capacity(seconds * 16_000);
    for n in 0..seconds * 16_000 {
        if n % 2_400 == 0 {
            pitch = hertz * (0.8 + 0.4 * rng.f32());
            loud = if rng.f32() < 0.25 { 0.0 } else { 0.3 + 0.7 * rng.f32() };
            formant = 300.0 + 2_500.0 * rng.f32();
        }
        phase = (phase + pitch / 16_000.0).fract();
        let source = (if phase < 0.05 { 1.0 } else { -0.05 }) + 0.2 * (rng.f32() - 0.5);
        let angle = std::f32::consts::TAU * formant / 16_000.0;
        let y = source * loud + 2.0 * 0.97 * angle.cos() * y1 - 0.97 * 0.97 * y2;
        (y2, y1) = (y1, y);
        out.push((y * 1_500.0) as i16);
    }
    out
}

/// Through the telephone line and back to 16 kHz.
fn line(sound: &[i16]) -> Vec<i16> {
    let (mut narrow, mut wide) = (vec![0; sound.len() / 2], vec![0; sound.len() / 2 * 2]);
    Downsampler::default().process(sound, &mut narrow);
    for sample in &mut narrow {
        *sample = Law::Mu.expand(Law::Mu.compress(*sample));
    }
    Upsampler::default().process(&narrow, &mut wide);
    wide
}

/// What comes back of `far`: later, softer, a little smeared.
fn echo(far: &[i16], delay_ms: usize, loss_db: f32) -> Vec<i16> {
    let heard = line(far);
    let gain = 10f32.powf(-loss_db / 20.0);
    let at = |n: usize, back: usize| n.checked_sub(back).map_or(0.0, |i| f32::from(heard[i]));
    let delay = delay_ms * 16;
    (0..far.len()).map(|n| (gain * (at(n, delay) + 0.4 * at(n, delay + 37) - 0.2 * at(n, delay + 90))) as i16).collect()
}

fn add(a: &[i16], b: &[i16]) -> Vec<i16> {
    a.iter().zip(b).map(|(a, b)| a.saturating_add(*b)).collect()
}

fn frames(sound: &[i16]) -> impl Iterator<Item = Frame> {
    sound.as_chunks::<FRAME_SAMPLES>().0.iter().map(|&samples| Frame(samples))
}

fn energy(sound: &[i16]) -> f64 {
    sound.iter().map(|&s| f64::from(s) * f64::from(s)).sum::<f64>().max(1.0)
}

fn db(a: f64, b: f64) -> f64 {
    10.0 * (a / b).log10()
}

/// Cleans `near`; answers the sound and the likelihood of each frame.
fn clean(far: &[i16], near: &[i16]) -> (Vec<i16>, Vec<f32>, EchoCanceller) {
    let mut canceller = EchoCanceller::new(SampleRate::NARROWBAND);
    let (mut out, mut likely) = (Vec::new(), Vec::new());
    for (far, near) in frames(far).zip(frames(near)) {
        let cleaned = canceller.process(&far, &near);
        out.extend(cleaned.frame.0);
        likely.push(cleaned.likelihood);
    }
    (out, likely, canceller)
}

#[test]
fn echo_at_any_delay_and_level_is_taken_out() {
    let far = babble(120.0, 8, 1);
    for delay in [0, 20, 120, 250] {
        for loss in [10.0, 20.0, 30.0] {
            let near = line(&echo(&far, delay, loss));
            let (out, likely, _) = clean(&far, &near);
            let settled = 4 * 16_000..8 * 16_000;
            let erle = db(energy(&near[settled.clone()]), energy(&out[settled]));
            println!("{delay} ms, {loss} dB down: ERLE {erle:.1} dB");
            assert!(erle > if loss > 25.0 { 10.0 } else { 14.0 }, "{delay} ms, {loss} dB: {erle}");
            let echoing = likely[200..].iter().filter(|&&l| l > 0.5).count();
            assert!(echoing > 120, "{delay} ms, {loss} dB: {echoing}");
        }
    }
}

#[test]
fn the_caller_is_heard_unharmed_over_the_prompt_and_alone() {
    let far = babble(120.0, 12, 1);
    let mut voice = babble(210.0, 12, 2);
    voice[..5 * 16_000].fill(0);
    let echo = echo(&far, 120, 20.0);
    let near = line(&add(&voice, &echo));
    let alone = line(&voice);
    let (out, likely, canceller) = clean(&far, &near);
    let talking = 6 * 16_000..12 * 16_000;
    let error: Vec<i16> = out.iter().zip(&alone).map(|(a, b)| a.saturating_sub(*b)).collect();
    let before = db(energy(&alone[talking.clone()]), energy(&echo[talking.clone()]));
    let after = db(energy(&alone[talking.clone()]), energy(&error[talking.clone()]));
    println!("voice over echo {before:.1} dB, over what is left {after:.1} dB");
    assert!(after > before + 4.0, "{before} {after}");
    let taken_for_echo = likely[300..].iter().filter(|&&l| l > 0.5).count();
    println!("{taken_for_echo} of 300 frames of double talk taken for echo");
    assert!(canceller.echo_power > 0.0);

    // Without a prompt nothing is changed, whatever was learned.
    let silence = vec![0; voice.len()];
    let (untouched, likely, _) = clean(&silence, &alone);
    assert_eq!(untouched, alone);
    assert!(likely.iter().all(|&l| l == 0.0));
}

#[test]
fn a_line_without_echo_is_left_alone() {
    let far = babble(120.0, 8, 1);
    let voice = line(&babble(210.0, 8, 2));
    let (out, _, canceller) = clean(&far, &voice);
    let error: Vec<i16> = out.iter().zip(&voice).map(|(a, b)| a.saturating_sub(*b)).collect();
    let kept = db(energy(&voice[32_000..]), energy(&error[32_000..]));
    println!("kept {kept:.1} dB, return loss {:.1}", db(canceller.far_power.into(), canceller.echo_power.into()));
    assert!(kept > 12.0, "{kept}");
}

/// Real voices, where there are some.
#[test]
fn echo_of_speech_is_taken_out() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/speech-en/an4");
    let Some(far) = speech(std::path::Path::new(folder)).filter(|far| far.len() > 16_000 * 20) else {
        println!("skipped: no speech in {folder}");
        return;
    };
    let far = &far[..16_000 * 20];
    let near = line(&echo(far, 120, 20.0));
    let (out, _, _) = clean(far, &near);
    let settled = 16_000 * 5..16_000 * 20;
    let erle = db(energy(&near[settled.clone()]), energy(&out[settled]));
    println!("speech, 120 ms, 20 dB down: ERLE {erle:.1} dB");
    assert!(erle > 12.0, "{erle}");
}

/// The first half minute of what is spoken in `folder`.
fn speech(folder: &std::path::Path) -> Option<Vec<i16>> {
    let mut sound = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<_> = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
        entries.sort();
        folders.extend(entries.iter().filter(|path| path.is_dir()).cloned());
        for path in entries.iter().filter(|path| path.extension().is_some_and(|ext| ext == "wav")) {
            sound.extend(super::super::file::decode(std::fs::read(path).ok()?).ok()?);
            if sound.len() > 16_000 * 30 {
                return Some(sound);
            }
        }
    }
    Some(sound)
}
