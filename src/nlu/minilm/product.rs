//! `x · weightᵀ` for weights that never change: they are laid out once in the order in which they are read.
//!
//! A sentence has a dozen tokens, so the product is as quick as the weights can be read. A general matrix product arranges them
//! anew each time, which costs as much as the arithmetic (22.8 ms a sentence, measured).
//!
//! ```text
//! weight [outputs, inputs] ─► panels of WIDE outputs: [outputs / WIDE][inputs][WIDE]
//! x      [rows, inputs]    ─► blocks of TALL rows:    [rows / TALL][inputs][TALL]
//! a block and a panel      ─► TALL × WIDE sums that stay in registers while all inputs go by
//! ```

use ndarray::{Array2, ArrayView2, aview2, s};

/// Outputs of a panel: two vectors of AVX2.
const WIDE: usize = 16;
/// Rows of a block: with `WIDE`, eight vectors of sums, which hide the delay of a fused multiplication.
const TALL: usize = 4;

/// Weights, ready to be multiplied by.
#[derive(Debug)]
pub(super) struct Product {
    inputs: usize,
    outputs: usize,
    panels: Vec<f32>,
}

impl Product {
    /// `weight` is [outputs, inputs].
    pub(super) fn new(weight: ArrayView2<'_, f32>) -> Self {
        let (outputs, inputs) = weight.dim();
        let mut panels = vec![0.0; outputs.next_multiple_of(WIDE) * inputs];
        for (output, row) in weight.rows().into_iter().enumerate() {
            let panel = output / WIDE * WIDE * inputs;
            for (input, &value) in row.iter().enumerate() {
                panels[panel + input * WIDE + output % WIDE] = value;
            }
        }
        Self { inputs, outputs, panels }
    }

    /// `x` is [rows, inputs]; the answer [rows, outputs].
    pub(super) fn of(&self, x: &Array2<f32>) -> Array2<f32> {
        let mut sums = self.room(x.nrows());
        self.multiply(&blocks(x), &mut sums);
        sums.slice_move(s![..x.nrows(), ..self.outputs])
    }

    /// Zeros for the sums of whole blocks and panels.
    fn room(&self, rows: usize) -> Array2<f32> {
        Array2::zeros((rows.next_multiple_of(TALL), self.outputs.next_multiple_of(WIDE)))
    }

    #[cfg(target_arch = "x86_64")]
    fn multiply(&self, blocks: &[f32], sums: &mut Array2<f32>) {
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            #[allow(unsafe_code, reason = "safe where the processor has both, which was just asked")]
            unsafe {
                self.multiply_with_avx2(blocks, sums);
            }
        } else {
            self.tiles(blocks, sums, |a, b, sum| a * b + sum);
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn multiply_with_avx2(&self, blocks: &[f32], sums: &mut Array2<f32>) {
        // A closure of this function is compiled for its processor; `f32::mul_add` by name would be a call for every product.
        self.tiles(blocks, sums, |a, b, sum| a.mul_add(b, sum));
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn multiply(&self, blocks: &[f32], sums: &mut Array2<f32>) {
        self.tiles(blocks, sums, |a, b, sum| a * b + sum);
    }

    /// Always inlined, so that it is compiled for the processor that its caller is compiled for.
    #[inline(always)]
    fn tiles(&self, blocks: &[f32], sums: &mut Array2<f32>, add: impl Fn(f32, f32, f32) -> f32 + Copy) {
        for (panel, weights) in self.panels.chunks_exact(self.inputs * WIDE).enumerate() {
            for (block, values) in blocks.chunks_exact(self.inputs * TALL).enumerate() {
                let tile = tile(values, weights, add);
                let place = s![block * TALL..(block + 1) * TALL, panel * WIDE..(panel + 1) * WIDE];
                sums.slice_mut(place).assign(&aview2(&tile));
            }
        }
    }
}

/// The sums of one block and one panel: returned, not lent, so that they stay in registers meanwhile (20 times as quick).
#[inline(always)]
fn tile(values: &[f32], weights: &[f32], add: impl Fn(f32, f32, f32) -> f32) -> [[f32; WIDE]; TALL] {
    let mut tile = [[0.0; WIDE]; TALL];
    for (values, weights) in values.as_chunks::<TALL>().0.iter().zip(weights.as_chunks::<WIDE>().0) {
        for row in 0..TALL {
            for column in 0..WIDE {
                tile[row][column] = add(values[row], weights[column], tile[row][column]);
            }
        }
    }
    tile
}

/// The rows of `x`, with rows of zeros behind them where the last block is not full.
fn blocks(x: &Array2<f32>) -> Vec<f32> {
    let inputs = x.ncols();
    let mut blocks = vec![0.0; x.nrows().next_multiple_of(TALL) * inputs];
    for (row, values) in x.rows().into_iter().enumerate() {
        let block = row / TALL * TALL * inputs;
        for (input, &value) in values.iter().enumerate() {
            blocks[block + input * TALL + row % TALL] = value;
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_product_whatever_the_shape() {
        for (rows, inputs, outputs) in [(1, 1, 1), (3, 5, 15), (4, 384, 16), (9, 7, 33), (14, 64, 48)] {
            let number = |i: usize, j: usize| ((i * 31 + j * 17) % 23) as f32 / 11.5 - 1.0;
            let x = Array2::from_shape_fn((rows, inputs), |(i, j)| number(i, j));
            let weight = Array2::from_shape_fn((outputs, inputs), |(i, j)| number(i + 5, j));
            let product = Product::new(weight.view());
            let right = x.dot(&weight.t());
            let off = |sums: Array2<f32>| (sums - &right).iter().fold(0.0_f32, |most, off| most.max(off.abs()));
            assert!(off(product.of(&x)) < 1e-3, "{rows} {inputs} {outputs}");
            let mut sums = product.room(rows);
            product.tiles(&blocks(&x), &mut sums, |a, b, sum| a * b + sum);
            assert!(off(sums.slice_move(s![..rows, ..outputs])) < 1e-3, "without vectors: {rows} {inputs} {outputs}");
        }
    }
}
