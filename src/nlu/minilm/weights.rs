//! A safetensors file: eight bytes length, that many bytes of JSON (name → type, shape, place), then the numbers.

use std::collections::HashMap;

use ndarray::{Array1, Array2};
use serde::Deserialize;

/// Longest header that is believed.
const MAX_HEADER: usize = 1 << 20;

/// What is wrong with a file of weights.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The header does not parse, or numbers are missing at the end.
    #[error("the weights are cut short or damaged")]
    Damaged,
    /// A tensor is not there.
    #[error("the weights lack `{0}`")]
    Missing(String),
    /// A tensor has another shape or type than this model's.
    #[error("`{0}` has another shape than in all-MiniLM-L6-v2")]
    OtherShape(String),
}

#[derive(Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

/// Tensors by name, still as bytes.
pub(super) struct Weights<'a> {
    tensors: HashMap<String, Tensor>,
    numbers: &'a [u8],
}

impl<'a> Weights<'a> {
    /// Reads the header and checks that every tensor lies inside the file.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, WeightsError> {
        let (length, rest) = bytes.split_first_chunk::<8>().ok_or(WeightsError::Damaged)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| WeightsError::Damaged)?;
        if length > MAX_HEADER || length > rest.len() {
            return Err(WeightsError::Damaged);
        }
        let (header, numbers) = rest.split_at(length);
        let mut entries: HashMap<String, serde_json::Value> =
            serde_json::from_slice(header).map_err(|_| WeightsError::Damaged)?;
        entries.remove("__metadata__");
        let mut tensors = HashMap::with_capacity(entries.len());
        for (name, entry) in entries {
            let tensor: Tensor = serde_json::from_value(entry).map_err(|_| WeightsError::Damaged)?;
            let (from, to) = tensor.data_offsets;
            if from > to || to > numbers.len() {
                return Err(WeightsError::Damaged);
            }
            tensors.insert(name, tensor);
        }
        Ok(Self { tensors, numbers })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// How many columns a matrix has.
    pub(super) fn columns(&self, name: &str) -> Result<usize, WeightsError> {
        match self.tensor(name)?.shape[..] {
            [_, columns] => Ok(columns),
            _ => Err(WeightsError::OtherShape(name.to_owned())),
        }
    }

    pub(super) fn matrix(&self, name: &str, columns: usize) -> Result<Array2<f32>, WeightsError> {
        let other = || WeightsError::OtherShape(name.to_owned());
        match self.tensor(name)?.shape[..] {
            [rows, wide] if wide == columns && rows > 0 => {
                Array2::from_shape_vec((rows, columns), self.floats(name)?).map_err(|_| other())
            }
            _ => Err(other()),
        }
    }

    pub(super) fn vector(&self, name: &str) -> Result<Array1<f32>, WeightsError> {
        Ok(self.floats(name)?.into())
    }

    fn tensor(&self, name: &str) -> Result<&Tensor, WeightsError> {
        self.tensors.get(name).ok_or_else(|| WeightsError::Missing(name.to_owned()))
    }

    fn floats(&self, name: &str) -> Result<Vec<f32>, WeightsError> {
        let tensor = self.tensor(name)?;
        let bytes = &self.numbers[tensor.data_offsets.0..tensor.data_offsets.1];
        if tensor.dtype != "F32" {
            return Err(WeightsError::OtherShape(name.to_owned()));
        }
        Ok(bytes.as_chunks::<4>().0.iter().map(|&four| f32::from_le_bytes(four)).collect())
    }

    /// FNV-1a over every 64th word of the numbers: tells one model from another, and is quick.
    pub(super) fn fingerprint(&self) -> u64 {
        self.numbers
            .as_chunks::<8>()
            .0
            .iter()
            .step_by(64)
            .fold(0xcbf2_9ce4_8422_2325, |sum, &word| (sum ^ u64::from_le_bytes(word)).wrapping_mul(0x100_0000_01b3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, numbers: &[f32]) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.bytes());
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        bytes
    }

    const HEADER: &str = r#"{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}"#;

    #[test]
    fn a_tensor_is_read_back_and_another_shape_is_named() {
        let bytes = file(HEADER, &[1.5, -2.0]);
        let weights = Weights::parse(&bytes).unwrap();
        assert_eq!(weights.matrix("w", 1).unwrap().into_raw_vec_and_offset().0, [1.5, -2.0]);
        assert_eq!(weights.matrix("w", 2), Err(WeightsError::OtherShape("w".into())));
        assert_eq!(weights.matrix("v", 1), Err(WeightsError::Missing("v".into())));
    }

    #[test]
    fn what_is_cut_short_anywhere_is_refused() {
        let bytes = file(HEADER, &[1.5, -2.0]);
        for length in 0..bytes.len() {
            assert!(matches!(Weights::parse(&bytes[..length]), Err(WeightsError::Damaged)), "{length}");
        }
    }
}
