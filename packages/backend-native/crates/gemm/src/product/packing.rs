//! Which factors are packed, and the packing of the panels of B.

use super::cut::Cut;
use super::{Product, Term};
use crate::cache;
use crate::pack::{by_rows, pack_b};
use crate::tile::Part;
use std::ops::Range;

/// The sixteenths of the second-level cache that a block of B takes: with more, what streams past evicts it.
const B_SHARE: usize = 6;
/// The same where A is packed anew for every block of B.
const B_SHARE_PACKED: usize = 9;
/// The sixteenths that a block of packed A takes beside it.
const A_SHARE: usize = 3;
/// Below so many words, factors are read where they lie: they are in the first-level cache after their first use.
const SMALL: usize = 10 * 1024;
/// So few tiles of rows do not pay for packing B.
pub(super) const FEW_TILES: usize = 3;
/// Packed rows of B are asked for so many rows before their use.
pub(crate) const AHEAD: usize = 12;

impl Product<'_> {
    /// Tiles of rows of A that are packed at a time: one where its rows are only converted, which the first-level cache holds.
    pub(super) fn a_tiles(&self, words: usize, height: usize) -> usize {
        if !self.packs_groups() {
            return 1;
        }
        (cache::second_level_words() * A_SHARE / 16 / words.max(1) / height).max(1)
    }

    /// The most words of a group of packed tiles: strips differ in height, and passes over K in words, of which `longest` has
    /// the most.
    pub(super) fn a_size(&self, longest: usize, rows: usize) -> usize {
        let tallest = self.kernels.heights.iter().max().map_or(0, |height| height * longest);
        let share = if self.packs_groups() { cache::second_level_words() * A_SHARE / 16 } else { 0 };
        if self.packs_a() { share.max(tallest).min(rows * longest) } else { 0 }
    }

    pub(super) fn b_share(&self) -> usize {
        if self.packs_a() { B_SHARE_PACKED } else { B_SHARE }
    }

    pub(super) fn packs_a(&self) -> bool {
        let small = self.base.k * self.base.a.column <= SMALL;
        self.kernels.pairs || (self.base.a.column != 1 && !small)
    }

    /// Whether A is packed, many tiles at a time.
    pub(super) fn packs_groups(&self) -> bool {
        self.packs_a() && !by_rows(&self.kernels, self.base.a)
    }

    /// Whether B is read where it lies.
    pub(super) fn direct(&self, row_tiles: usize, k: usize) -> bool {
        self.reads_rows() && (row_tiles <= FEW_TILES || k * self.base.b.row <= SMALL)
    }

    /// Whether C has so few rows that B is read where it lies, in every task: sums are cut alike then, whatever the grid.
    pub(super) fn has_few_rows(&self) -> bool {
        let height = self.kernels.heights[self.kernels.vectors - 1];
        !self.packs_a() && self.tails.is_empty() && self.reads_rows() && self.m.div_ceil(height) <= FEW_TILES
    }

    fn reads_rows(&self) -> bool {
        self.base.b.column == 1 && self.base.scale.is_none() && !self.kernels.pairs
    }

    /// # Safety
    /// `columns` and `ks` are within the term's B; `to` has room.
    pub(super) unsafe fn pack_panels(
        &self,
        term: &Term<'_>,
        panels: Cut,
        columns: Range<usize>,
        ks: Range<usize>,
        direct: bool,
        to: &mut [f32],
    ) {
        let lanes = self.kernels.lanes;
        let words = self.words(ks.len());
        // Row-major B is read some rows at a time, which the processor sees as so many streams.
        let step = if term.b.column == 1 { 8 } else { ks.len().max(1) };
        for first in (0..ks.len()).step_by(step) {
            let some = first..(first + step).min(ks.len());
            for panel in 0..panels.parts {
                let strip = panels.part(panel);
                let start = columns.start + strip.start * lanes;
                let width = strip.len() * lanes;
                if direct && start + width <= self.n {
                    continue;
                }
                let valid = width.min(columns.end - start);
                let at = strip.start * lanes * words + self.words(first) * width;
                let to = &mut to[at..][..width * self.words(some.len())];
                let some = ks.start + some.start..ks.start + some.end;
                // SAFETY: promised by the caller.
                unsafe { pack_b(&self.kernels, term.b.from(0, start), some, valid, term.scale, to, width) };
            }
        }
    }

    pub(super) fn a_part(&self, rows: &Range<usize>, group_start: usize, ks: &Range<usize>, a_words: &[f32]) -> Part {
        let words = self.words(ks.len());
        let (a, a_rows, a_step) = if self.packs_a() {
            let at = a_words[(rows.start - group_start) * words..].as_ptr();
            if by_rows(&self.kernels, self.base.a) { (at, words, 1) } else { (at, 1, rows.len()) }
        } else {
            // SAFETY: the tile is within A.
            let a = unsafe { self.base.a.from(rows.start, ks.start) };
            (a.at, a.row, a.column)
        };
        Part { k: words, a, a_rows, a_step, b: a, b_step: 0, b_ahead: 0 }
    }
}

#[cfg(test)]
mod tests {
    use crate::epilogue::SharedEpilogue;
    use crate::gemm::product_of;
    use crate::pack::Matrix;
    use crate::testing::levels;
    use crate::tile::bf16_kernels;
    use learngene_pool::SendPtr;

    #[test]
    fn every_group_has_room() {
        for kernels in levels().into_iter().chain(bf16_kernels()) {
            for transposed in [false, true] {
                let (rows, k) = (100_000, 20_000);
                let (a, b) = (Matrix::new(&[], k, transposed), Matrix::new(&[], 500, false));
                let to = SendPtr(std::ptr::null_mut());
                let product = product_of(kernels, (rows, 500, k), (a, b), to, SharedEpilogue::PLAIN);
                for longest in (2..=2048).filter(|_| product.packs_a()) {
                    let room = product.a_size(longest, rows);
                    for (words, &height) in
                        [longest - 1, longest].iter().flat_map(|w| kernels.heights.iter().map(move |h| (w, h)))
                    {
                        let group = product.a_tiles(*words, height.max(1)) * height;
                        assert!(group * words <= room, "{:?} {longest} {words} {height}", kernels.level);
                    }
                }
            }
        }
    }
}
