//! Sentence embeddings: what a sentence means as a point on a sphere, near to others that mean the same.
//!
//! ```text
//! text ─► WordPiece ─► word + position ─► 6 × (12 heads of attention, feed-forward) ─┬─► mean over the tokens ─► length 1
//!                                         └─ after 4: mean ─► length 1               └─► greatest ─► length 1
//! ```
//!
//! all-MiniLM-L6-v2: a BERT encoder of six layers (J. Devlin et al., "BERT", NAACL 2019; W. Wang et al., "MiniLM", NeurIPS
//! 2020; N. Reimers and I. Gurevych, "Sentence-BERT", EMNLP 2019), English only. The arithmetic is written out here on
//! `ndarray`, but for the product with the weights ([`product`]). candle would do the same sums, and costs more
//! than ten minutes of processor time whenever it is built, for number types and formats that nothing here uses.
//!
//! Sentences of a batch lie one after the other in one matrix, without padding; only attention looks at each by itself.

mod memory;
mod product;
mod weights;
mod wordpiece;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2, Axis, s};

use self::memory::Memory;
use self::product::Product;
use self::weights::Weights;
pub use self::weights::WeightsError;
use self::wordpiece::WordPiece;

/// Length of one view of a sentence.
pub const DIMENSIONS: usize = 384;
/// Views of a sentence: the mean over its tokens, which is what the model was trained for; the greatest value over its tokens,
/// which keeps a single telling word; and the mean after two thirds of the layers, which is nearer to the words.
pub const VIEWS: usize = 3;
/// Width of one attention head; the file does not say it.
const HEAD: usize = 32;
/// Tokens of a sentence that are read, with the two marks at its ends. What callers say in one turn is shorter.
const MAX_TOKENS: usize = 128;
/// Tokens worked on at a time: the matrices of a batch stay in the processor's cache.
const BATCH_TOKENS: usize = 256;
/// Added to a variance before it divides.
const EPSILON: f32 = 1e-12;

/// The meaning of one sentence: [`VIEWS`] × [`DIMENSIONS`], each view of length 1.
pub type Embedding = Vec<f32>;

/// The view of an embedding in which sentences that mean the same are near each other.
pub fn mean_view(embedding: &[f32]) -> &[f32] {
    &embedding[..DIMENSIONS]
}

/// Why a model cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncoderError {
    /// The file of weights.
    #[error("{0}")]
    Weights(#[from] WeightsError),
    /// The list of words lacks a mark or is not as long as the table of their embeddings.
    #[error("the vocabulary does not belong to the weights")]
    OtherVocabulary,
}

/// The model, ready to read sentences. Shared by all calls.
#[derive(Debug)]
pub struct Encoder {
    words: WordPiece,
    /// [words, 384]
    word: Array2<f32>,
    /// [positions, 384], with the type of the first segment added.
    position: Array2<f32>,
    norm: Norm,
    layers: Vec<Layer>,
    fingerprint: u64,
    /// Sentences to learn from: learning again from a corpus of which little changed is quick.
    memory: Memory,
}

#[derive(Debug)]
struct Layer {
    /// Query, key and value side by side.
    attention: Dense,
    joined: Dense,
    attention_norm: Norm,
    widened: Dense,
    narrowed: Dense,
    norm: Norm,
}

/// `x · weightᵀ + bias`
#[derive(Debug)]
struct Dense {
    weight: Product,
    /// [out]
    bias: Array1<f32>,
}

#[derive(Debug)]
struct Norm {
    scale: Array1<f32>,
    shift: Array1<f32>,
}

impl Encoder {
    /// Reads the weights (safetensors) and the vocabulary (one word a line).
    ///
    /// # Errors
    /// They are cut short, of another shape, or do not belong together.
    pub fn load(weights: &[u8], vocabulary: &str) -> Result<Self, EncoderError> {
        let file = Weights::parse(weights)?;
        let word = file.matrix("embeddings.word_embeddings.weight", DIMENSIONS)?;
        let words = WordPiece::new(vocabulary)
            .filter(|words| words.len() == word.nrows())
            .ok_or(EncoderError::OtherVocabulary)?;
        let mut position = file.matrix("embeddings.position_embeddings.weight", DIMENSIONS)?;
        position += &file.matrix("embeddings.token_type_embeddings.weight", DIMENSIONS)?.row(0);
        if position.nrows() < MAX_TOKENS {
            return Err(WeightsError::OtherShape("embeddings.position_embeddings.weight".into()).into());
        }
        let norm = Norm::load(&file, "embeddings.LayerNorm")?;
        let layers: Vec<Layer> = (0..)
            .map(|layer| format!("encoder.layer.{layer}"))
            .take_while(|name| file.has(&format!("{name}.output.dense.weight")))
            .map(|name| Layer::load(&file, &name))
            .collect::<Result<_, _>>()?;
        if layers.is_empty() {
            return Err(WeightsError::Missing("encoder.layer.0.output.dense.weight".into()).into());
        }
        Ok(Self { words, word, position, norm, layers, fingerprint: file.fingerprint(), memory: Memory::default() })
    }

    /// Tells models apart: a classifier fits the embeddings that it was trained on and no others.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// One embedding a text. A text without words gets one, too.
    pub fn embed(&self, texts: &[&str]) -> Vec<Embedding> {
        let tokens: Vec<Vec<u32>> = texts.iter().map(|text| self.words.tokens(text, MAX_TOKENS)).collect();
        let mut embeddings = Vec::with_capacity(texts.len());
        let mut from = 0;
        while from < tokens.len() {
            let mut to = from;
            let mut length = 0;
            while to < tokens.len() && (to == from || length + tokens[to].len() <= BATCH_TOKENS) {
                length += tokens[to].len();
                to += 1;
            }
            embeddings.extend(self.embed_batch(&tokens[from..to]));
            from = to;
        }
        embeddings
    }

    /// The same for sentences to learn from, which come again.
    pub fn embed_remembered(&self, texts: &[&str]) -> Vec<Embedding> {
        let mut embeddings = self.memory.recall(texts);
        let unknown: Vec<usize> = (0..texts.len()).filter(|&i| embeddings[i].is_none()).collect();
        let worked_out = self.embed(&unknown.iter().map(|&i| texts[i]).collect::<Vec<_>>());
        self.memory.keep(unknown.iter().map(|&i| texts[i]).zip(&worked_out));
        for (i, embedding) in unknown.into_iter().zip(worked_out) {
            embeddings[i] = Some(embedding);
        }
        embeddings.into_iter().flatten().collect()
    }

    /// What is remembered, as a file.
    pub fn memory_to_bytes(&self) -> Vec<u8> {
        self.memory.to_bytes(self.fingerprint)
    }

    /// Remembers what [`memory_to_bytes`](Self::memory_to_bytes) wrote; `false` if it is damaged or from another model.
    pub fn remember(&self, bytes: &[u8]) -> bool {
        self.memory.read(bytes, self.fingerprint)
    }

    fn embed_batch(&self, sentences: &[Vec<u32>]) -> Vec<Embedding> {
        let rows = sentences.iter().map(Vec::len).sum();
        let mut x = Array2::zeros((rows, DIMENSIONS));
        let places = sentences.iter().flat_map(|sentence| sentence.iter().enumerate());
        for (mut row, (position, &token)) in x.rows_mut().into_iter().zip(places) {
            row.assign(&self.word.row(token as usize));
            row += &self.position.row(position);
        }
        self.norm.apply(&mut x);
        let (inner, outer) = self.layers.split_at(self.layers.len() * 2 / 3);
        for layer in inner {
            x = layer.apply(x, sentences);
        }
        let halfway = x.clone();
        for layer in outer {
            x = layer.apply(x, sentences);
        }
        let mut start = 0;
        let rows = sentences.iter().map(|sentence| {
            start += sentence.len();
            start - sentence.len()..start
        });
        rows.map(|rows| {
            let (last, halfway) = (x.slice(s![rows.clone(), ..]), halfway.slice(s![rows, ..]));
            let greatest = last.fold_axis(Axis(0), f32::MIN, |a, &b| a.max(b));
            [last.sum_axis(Axis(0)), greatest, halfway.sum_axis(Axis(0))].into_iter().flat_map(direction).collect()
        })
        .collect()
    }
}

/// The vector of length 1 that points the same way.
fn direction(vector: Array1<f32>) -> Array1<f32> {
    let length = vector.dot(&vector).sqrt().max(f32::MIN_POSITIVE);
    vector / length
}

impl Layer {
    fn load(file: &Weights<'_>, name: &str) -> Result<Self, WeightsError> {
        let dense = |part: &str| Dense::load(file, [format!("{name}.{part}")]);
        let attention = ["query", "key", "value"].map(|part| format!("{name}.attention.self.{part}"));
        Ok(Self {
            attention: Dense::load(file, attention)?,
            joined: dense("attention.output.dense")?,
            attention_norm: Norm::load(file, &format!("{name}.attention.output.LayerNorm"))?,
            widened: dense("intermediate.dense")?,
            narrowed: dense("output.dense")?,
            norm: Norm::load(file, &format!("{name}.output.LayerNorm"))?,
        })
    }

    fn apply(&self, x: Array2<f32>, sentences: &[Vec<u32>]) -> Array2<f32> {
        let parts = self.attention.apply(&x);
        let mut seen = Array2::zeros(x.dim());
        let mut start = 0;
        for sentence in sentences {
            let rows = start..start + sentence.len();
            attend(parts.slice(s![rows.clone(), ..]), seen.slice_mut(s![rows, ..]));
            start += sentence.len();
        }
        let mut x = self.joined.apply(&seen) + x;
        self.attention_norm.apply(&mut x);
        let mut wide = self.widened.apply(&x);
        wide.mapv_inplace(gelu);
        let mut x = self.narrowed.apply(&wide) + x;
        self.norm.apply(&mut x);
        x
    }
}

/// What each token of one sentence takes from the others, head by head. `parts` is [tokens, query | key | value].
fn attend(parts: ArrayView2<'_, f32>, mut seen: ArrayViewMut2<'_, f32>) {
    let scale = 1.0 / (HEAD as f32).sqrt();
    for head in (0..DIMENSIONS).step_by(HEAD) {
        let [query, key, value] =
            [0, 1, 2].map(|part| parts.slice(s![.., part * DIMENSIONS + head..part * DIMENSIONS + head + HEAD]));
        let mut shares = query.dot(&key.t());
        for mut row in shares.rows_mut() {
            let highest = row.fold(f32::MIN, |a, &b| a.max(b));
            row.mapv_inplace(|score| ((score - highest) * scale).exp());
            let sum = row.sum();
            row /= sum;
        }
        general_mat_mul(1.0, &shares, &value, 0.0, &mut seen.slice_mut(s![.., head..head + HEAD]));
    }
}

impl Dense {
    /// Layers that read the same input do the work of one, side by side.
    fn load<const N: usize>(file: &Weights<'_>, names: [String; N]) -> Result<Self, WeightsError> {
        let inputs = file.columns(&format!("{}.weight", names[0]))?;
        let mut weight = Array2::zeros((0, inputs));
        let mut bias = Vec::new();
        for name in names {
            let (own, shift) = (file.matrix(&format!("{name}.weight"), inputs)?, file.vector(&format!("{name}.bias"))?);
            if own.nrows() != shift.len() {
                return Err(WeightsError::OtherShape(format!("{name}.weight")));
            }
            weight.append(Axis(0), own.view()).expect("all have as many inputs");
            bias.extend(shift);
        }
        Ok(Self { weight: Product::new(weight.view()), bias: bias.into() })
    }

    fn apply(&self, x: &Array2<f32>) -> Array2<f32> {
        self.weight.of(x) + &self.bias
    }
}

impl Norm {
    fn load(file: &Weights<'_>, name: &str) -> Result<Self, WeightsError> {
        let (scale, shift) = (file.vector(&format!("{name}.weight"))?, file.vector(&format!("{name}.bias"))?);
        match (scale.len(), shift.len()) {
            (DIMENSIONS, DIMENSIONS) => Ok(Self { scale, shift }),
            _ => Err(WeightsError::OtherShape(name.to_owned())),
        }
    }

    /// Every row to mean 0 and variance 1, then scaled and shifted.
    fn apply(&self, x: &mut Array2<f32>) {
        for mut row in x.rows_mut() {
            let mean = row.sum() / DIMENSIONS as f32;
            row -= mean;
            let deviation = (row.dot(&row) / DIMENSIONS as f32 + EPSILON).sqrt();
            row /= deviation;
            row *= &self.scale;
            row += &self.shift;
        }
    }
}

/// `x · Φ(x)`, with the error function of Abramowitz and Stegun 7.1.26 (off by at most 1.5e-7).
fn gelu(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let series = ((((1.061_405_4 * t - 1.453_152) * t + 1.421_413_8) * t - 0.284_496_74) * t + 0.254_829_6) * t;
    let erf = 1.0 - series * (-z * z).exp();
    0.5 * x * (1.0 + erf.copysign(x))
}
