use std::f64::consts::TAU;
use std::path::Path;

use super::*;

/// ITU-T's digital test sequences (G.722 Appendix II), which lie beside the repository.
const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/rtp/g722-itu-vectors");
/// Set in a word that resets the coder.
const RESET: u16 = 1;

fn words(name: &str) -> Option<Vec<u16>> {
    let bytes = std::fs::read(Path::new(VECTORS).join(name)).ok();
    if bytes.is_none() {
        eprintln!("skipped: there is no {VECTORS}/{name}");
    }
    Some(bytes?.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect())
}

/// A band sample as the sequences write it: shifted left by one.
fn sample(word: u16) -> i32 {
    i32::from(word as i16) >> 1
}

#[test]
fn encodes_the_test_sequences_of_the_itu() {
    for (input, output) in [("bt1c1.xmt", "bt2r1.cod"), ("bt1c2.xmt", "bt2r2.cod")] {
        let (Some(input), Some(output)) = (words(input), words(output)) else { return };
        assert_eq!(input.len(), output.len());
        let mut encoder = Encoder::default();
        for (n, (&word, &code)) in input.iter().zip(&output).enumerate() {
            if word & RESET != 0 {
                encoder = Encoder::default();
            } else {
                assert_eq!(encoder.encode_bands(sample(word), sample(word)), (code >> 8) as u8, "word {n}");
            }
        }
    }
}

#[test]
fn decodes_the_test_sequences_of_the_itu() {
    let sequences = [
        ("bt2r1.cod", "bt3l1.rc1", "bt3h1.rc0"),
        ("bt2r2.cod", "bt3l2.rc1", "bt3h2.rc0"),
        ("bt1d3.cod", "bt3l3.rc1", "bt3h3.rc0"),
    ];
    for (input, low, high) in sequences {
        let (Some(input), Some(low), Some(high)) = (words(input), words(low), words(high)) else { return };
        assert!(input.len() == low.len() && input.len() == high.len());
        let mut decoder = Decoder::default();
        for (n, &word) in input.iter().enumerate() {
            if word & RESET != 0 {
                decoder = Decoder::default();
            } else {
                assert_eq!(decoder.decode_bands((word >> 8) as u8), (sample(low[n]), sample(high[n])), "word {n}");
            }
        }
    }
}

/// How much louder a tone is than what coding added to it (dB), and how much softer it became.
fn coded(hertz: f64) -> (f64, f64) {
    let tone: Vec<i16> =
        (0..16_000).map(|n| (8_000.0 * (TAU * hertz * f64::from(n) / 16_000.0).sin()) as i16).collect();
    let (mut codes, mut heard) = (Vec::new(), vec![0; tone.len()]);
    Encoder::default().encode(&tone, &mut codes);
    Decoder::default().decode(&codes, &mut heard);
    assert_eq!(codes.len(), 8_000);
    // The part of what is heard that is the tone, whatever its phase.
    let (mut re, mut im, mut all) = (0.0, 0.0, 0.0);
    for (n, &sample) in heard.iter().enumerate().skip(8_000) {
        let phase = TAU * hertz * n as f64 / 16_000.0;
        re += f64::from(sample) * phase.cos();
        im += f64::from(sample) * phase.sin();
        all += f64::from(sample).powi(2);
    }
    let tone_power = (re * re + im * im) * 2.0 / 8_000.0;
    let noise = (all - tone_power).max(1e-9);
    (10.0 * (tone_power / noise).log10(), 10.0 * (tone_power / (8_000.0 * 32e6)).log10())
}

#[test]
fn both_bands_come_through() {
    for (hertz, at_least) in [(300.0, 30.0), (1_000.0, 30.0), (3_000.0, 25.0), (5_000.0, 12.0), (6_500.0, 12.0)] {
        let (clean, level) = coded(hertz);
        assert!(clean > at_least && level.abs() < 1.0, "{hertz} Hz: {clean:.1} dB clean, {level:.1} dB loud");
    }
}

#[test]
fn the_loudest_sound_does_not_overflow() {
    let square: Vec<i16> = (0..4_000).map(|n| if n / 7 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
    let (mut codes, mut heard) = (Vec::new(), vec![0; square.len()]);
    Encoder::default().encode(&square, &mut codes);
    Decoder::default().decode(&codes, &mut heard);
    // Any bytes are codes.
    let noise: Vec<u8> = (0..4_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    Decoder::default().decode(&noise, &mut heard);
    assert!(heard.iter().any(|&sample| sample != 0));
}
