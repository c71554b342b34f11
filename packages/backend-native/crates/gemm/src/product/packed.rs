//! A right factor that is packed once and multiplied many times.

use super::{Cut, Product, Term};
use crate::epilogue::SharedEpilogue;
use crate::pack::Matrix;
use crate::tile::{Kernels, kernels};
use learngene_pool::SendPtr;

/// Where the numbers of a factor B [k, n] lie once it is packed: for who computes B and would otherwise store it as a matrix
/// that every product packs anew.
pub struct PackedRight {
    pub(crate) n: usize,
    pub(crate) k: usize,
    lanes: usize,
    words: usize,
    /// For every register of columns and every pass over K: where its first row lies, and words from a row to the next.
    places: Vec<(usize, usize)>,
    /// First rows of the passes, and k.
    passes: Vec<usize>,
}

impl PackedRight {
    /// The order for the processor's level.
    pub fn new(n: usize, k: usize) -> Self {
        Self::with(kernels(learngene_simd::level()), n, k)
    }

    pub(crate) fn with(kernels: Kernels, n: usize, k: usize) -> Self {
        let nothing = Matrix { at: std::ptr::null(), row: k, column: 1 };
        let base = Term { k, a: nothing, b: Matrix { row: n, ..nothing }, scale: None };
        let epilogue = SharedEpilogue { n, ..SharedEpilogue::PLAIN };
        let c = SendPtr(std::ptr::null_mut());
        let (tails, c_stride, c_transposed, add, next) = (&[][..], n, false, false, None);
        Product { kernels, m: 1, n, base, tails, c, c_stride, c_transposed, add, epilogue, next }.packed_order()
    }

    /// Words of a packed B.
    pub fn words(&self) -> usize {
        self.words
    }

    /// Columns of a register: so many numbers of a row lie side by side.
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// Where the numbers of row `row` and columns from `lanes · register` on lie. Those beyond n are 0.
    pub fn place(&self, row: usize, register: usize) -> usize {
        let pass = self.passes.partition_point(|&first| first <= row) - 1;
        let (start, step) = self.places[register * (self.passes.len() - 1) + pass];
        start + (row - self.passes[pass]) * step
    }
}

impl Product<'_> {
    /// The order in which [`Product::block`] expects a packed B.
    fn packed_order(&self) -> PackedRight {
        let plan = self.plan(self.n, true);
        let lanes = self.kernels.lanes;
        let passes: Vec<usize> =
            (0..plan.passes).map(|pass| plan.ks(pass, self.base.k).start).chain([self.base.k]).collect();
        let mut places = vec![(0, 0); plan.vectors * plan.passes];
        let mut at = 0;
        for index in 0..plan.strips {
            let columns = plan.columns(index, lanes, &(0..self.n));
            let (first, vectors) = (columns.start / lanes, columns.len().div_ceil(lanes));
            let panels = Cut::new(vectors, vectors.div_ceil(self.kernels.vectors));
            for pass in 0..plan.passes {
                let rows = plan.ks(pass, self.base.k).len();
                for panel in (0..panels.parts).map(|panel| panels.part(panel)) {
                    for register in panel.clone() {
                        let start = at + panel.start * lanes * rows + (register - panel.start) * lanes;
                        places[(first + register) * plan.passes + pass] = (start, panel.len() * lanes);
                    }
                }
                at += rows * vectors * lanes;
            }
        }
        PackedRight { n: self.n, k: self.base.k, lanes, words: at, places, passes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{GemmBatch, gemm_batch_with};
    use crate::testing::{levels, random};

    /// The same bits as a B that every product packs.
    #[test]
    fn packed_once_or_every_time() {
        for (m, n, k) in [(1, 1, 1), (30, 48, 20), (50, 100, 33), (61, 3, 5000), (49, 1000, 300), (7, 0, 3), (7, 3, 0)]
        {
            let count = if n * k > 100_000 { 2 } else { 5 };
            let (a, b) = (random(count * m * k, 1), random(count * k * n, 2));
            for kernels in levels() {
                let right = PackedRight::with(kernels, n, k);
                let step = right.words() + 16;
                let mut packed = vec![0.0; count * step];
                for (packed, b) in packed.chunks_exact_mut(step).zip(b.chunks_exact((n * k).max(1))) {
                    for row in 0..k {
                        for (register, from) in b[row * n..(row + 1) * n].chunks(right.lanes()).enumerate() {
                            packed[right.place(row, register)..][..from.len()].copy_from_slice(from);
                        }
                    }
                }
                let before = random(count * m * n, 3);
                let [mut want, mut got] = [before.clone(), before];
                let plain = GemmBatch { accumulate: true, ..GemmBatch::new(count, (m, n, k), &a, &b, &mut want) };
                gemm_batch_with(kernels, 2, plain, None).expect("a right batch");
                let batch = GemmBatch::new(count, (m, n, k), &a, &packed, &mut got);
                let batch = GemmBatch { accumulate: true, b_batch: step, ..batch };
                gemm_batch_with(kernels, 2, batch, Some(&right)).expect("a right batch");
                assert!(want == got, "{:?} {m}x{n}x{k}", kernels.level);
            }
        }
    }

    #[test]
    fn wrong_factors_are_refused_by_name() {
        let right = PackedRight::new(5, 4);
        let (a, b, mut c) = (vec![0.0; 12], vec![0.0; right.words() - 1], vec![0.0; 15]);
        let batch = GemmBatch::new(1, (3, 5, 4), &a, &b, &mut c);
        let message = crate::gemm_batch_packed(batch, &right).expect_err("too short").to_string();
        assert_eq!(message, format!("b: expected {} elements, got {}", right.words(), right.words() - 1));
    }
}
