//! A Whisper model with random weights, in whisper.cpp's file format: it hears nothing, and is read, run and refused like a
//! real one. 8 MB.

use std::path::Path;

/// As in `ggml-tiny.en.bin`, but for the width and the number of heads.
const VOCABULARY: i32 = 51_864;
const AUDIO_CONTEXT: i32 = 1_500;
const TEXT_CONTEXT: i32 = 448;
const WIDTH: i32 = 64;
const HEADS: i32 = 1;
const LAYERS: i32 = 4;
const MELS: i32 = 80;
const F16: i32 = 1;
const F32: i32 = 0;
/// Half of the length of a Fourier transform over 25 ms at 16 kHz, and one.
const BINS: i32 = 201;

struct Writer {
    bytes: Vec<u8>,
    seed: u32,
}

/// Writes the model into `file`.
pub fn write(file: &Path) {
    let mut writer = Writer { bytes: Vec::new(), seed: 1 };
    writer.bytes.extend_from_slice(b"lmgg");
    writer.integers(&[VOCABULARY, AUDIO_CONTEXT, WIDTH, HEADS, LAYERS, TEXT_CONTEXT, WIDTH, HEADS, LAYERS, MELS, F16]);
    writer.integers(&[MELS, BINS]);
    for bin in 0..MELS * BINS {
        let weight: f32 = if bin % BINS == 2 * (bin / BINS) + 1 { 1.0 } else { 0.0 };
        writer.bytes.extend_from_slice(&weight.to_le_bytes());
    }
    // The file holds the written tokens; the library adds those for times and languages.
    writer.integers(&[50_257]);
    for token in 0..50_257 {
        // The library looks for the bare space, as GPT-2's vocabulary has it.
        let text = if token == 220 { " ".to_owned() } else { format!(" t{token}") };
        writer.integers(&[text.len() as i32]);
        writer.bytes.extend_from_slice(text.as_bytes());
    }
    writer.tensor("encoder.positional_embedding", &[WIDTH, AUDIO_CONTEXT], F32);
    for (number, inputs) in [(1, MELS), (2, WIDTH)] {
        writer.tensor(&format!("encoder.conv{number}.weight"), &[3, inputs, WIDTH], F16);
        writer.tensor(&format!("encoder.conv{number}.bias"), &[1, WIDTH], F32);
    }
    writer.pair("encoder.ln_post");
    writer.tensor("decoder.positional_embedding", &[WIDTH, TEXT_CONTEXT], F32);
    writer.tensor("decoder.token_embedding.weight", &[WIDTH, VOCABULARY], F16);
    writer.pair("decoder.ln");
    for layer in 0..LAYERS {
        writer.block(&format!("encoder.blocks.{layer}"), &["attn"]);
        writer.block(&format!("decoder.blocks.{layer}"), &["attn", "cross_attn"]);
    }
    std::fs::write(file, writer.bytes).unwrap();
}

impl Writer {
    fn integers(&mut self, numbers: &[i32]) {
        self.bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }

    fn block(&mut self, name: &str, attentions: &[&str]) {
        self.pair(&format!("{name}.mlp_ln"));
        self.linear(&format!("{name}.mlp.0"), WIDTH, 4 * WIDTH);
        self.linear(&format!("{name}.mlp.2"), 4 * WIDTH, WIDTH);
        for attention in attentions {
            self.pair(&format!("{name}.{attention}_ln"));
            for part in ["query", "value", "out"] {
                self.linear(&format!("{name}.{attention}.{part}"), WIDTH, WIDTH);
            }
            self.tensor(&format!("{name}.{attention}.key.weight"), &[WIDTH, WIDTH], F16);
        }
    }

    fn linear(&mut self, name: &str, inputs: i32, outputs: i32) {
        self.tensor(&format!("{name}.weight"), &[inputs, outputs], F16);
        self.tensor(&format!("{name}.bias"), &[outputs], F32);
    }

    fn pair(&mut self, name: &str) {
        self.tensor(&format!("{name}.weight"), &[WIDTH], F32);
        self.tensor(&format!("{name}.bias"), &[WIDTH], F32);
    }

    fn tensor(&mut self, name: &str, shape: &[i32], kind: i32) {
        self.integers(&[shape.len() as i32, name.len() as i32, kind]);
        self.integers(shape);
        self.bytes.extend_from_slice(name.as_bytes());
        for _ in 0..shape.iter().product() {
            self.seed = self.seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if kind == F16 {
                // Sign, an exponent from 2^-8 to 2^-5, ten bits of fraction.
                let bits = (self.seed >> 16) as u16;
                self.bytes.extend_from_slice(&((bits & 0x83ff) | (7 + ((bits >> 10) & 3)) << 10).to_le_bytes());
            } else {
                let weight = (self.seed >> 8) as f32 / (1 << 24) as f32 - 0.5;
                self.bytes.extend_from_slice(&(weight / 8.0).to_le_bytes());
            }
        }
    }
}
