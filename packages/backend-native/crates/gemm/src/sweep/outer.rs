//! The sums of a weight's gradient over the rows of a chunk.

use crate::pack::{Matrix, pack_b};
use crate::product::{AHEAD, Cut};
use crate::tile::{Kernels, Part, Target};

/// Words of a cache line.
const LINE: usize = 16;

/// `sums` [rank, width] = narrowᵀ wide (+ `sums`) of `rows` rows of narrow [rows, rank] and wide [rows, width].
///
/// Neither is packed: narrow's rows are a line of broadcasts, wide's are read in strips as wide as a tile that every tile of
/// ranks finds in the first-level cache. While that is computed, the rows of wide behind these are asked for.
pub(super) struct Outer {
    pub kernels: Kernels,
    pub rank: usize,
    pub width: usize,
    pub rows: usize,
}

impl Outer {
    /// Words of `edge`: a strip that is not whole registers is copied there.
    pub fn edge_len(kernels: &Kernels, width: usize, rows: usize) -> usize {
        if width.is_multiple_of(kernels.lanes) { 0 } else { rows * kernels.vectors * kernels.lanes }
    }

    /// # Safety
    /// The slices' words are readable and writable, nobody else touches `sums`, and the kernels fit the processor.
    pub unsafe fn run(&self, narrow: &[f32], wide: &[f32], sums: &mut [f32], add: bool, edge: &mut [f32]) {
        let Self { kernels, rank, width, rows } = *self;
        let lanes = kernels.lanes;
        let vectors = width.div_ceil(lanes);
        let panels = Cut::new(vectors, vectors.div_ceil(kernels.vectors));
        let mut call = 0;
        for panel in 0..panels.parts {
            let strip = panels.part(panel);
            let (start, whole) = (strip.start * lanes, strip.len() * lanes);
            let valid = whole.min(width - start);
            let height = kernels.heights[strip.len() - 1];
            let tiles = Cut::new(rank, rank.div_ceil(height));
            let mut part = Part {
                k: rows,
                a: narrow.as_ptr(),
                a_rows: 1,
                a_step: rank,
                b: narrow.as_ptr(),
                b_step: 0,
                b_ahead: 0,
            };
            if valid == whole {
                (part.b, part.b_step) = (wide[start..].as_ptr(), width);
            } else {
                let from = Matrix { at: wide[start..].as_ptr(), row: width, column: 1 };
                // SAFETY: promised by the caller; `edge` holds a strip of all rows.
                unsafe { pack_b(&kernels, from, 0..rows, valid, None, edge, whole) };
                (part.b, part.b_step) = (edge.as_ptr(), whole);
            }
            part.b_ahead = AHEAD * part.b_step;
            for tile in 0..tiles.parts {
                let ranks = tiles.part(tile);
                part.a = narrow[ranks.start..].as_ptr();
                let ahead = call * rows * LINE;
                let coming = ahead < rows * width;
                call += 1;
                let at = sums[ranks.start * width + start..].as_mut_ptr();
                let target = Target {
                    at,
                    rows: width,
                    columns: valid,
                    add,
                    start: std::ptr::null(),
                    home: at,
                    home_rows: width,
                    beside: std::ptr::null(),
                    beside_rows: 0,
                    next: wide.as_ptr().wrapping_add(if coming { rows * width + ahead } else { 0 }),
                    next_step: if coming { LINE } else { 0 },
                };
                // SAFETY: promised by the caller.
                unsafe { kernels.get(ranks.len(), strip.len(), valid)(&[part], &target) };
            }
        }
    }
}
