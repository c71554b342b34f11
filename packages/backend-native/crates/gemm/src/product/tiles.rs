//! One tile of rows against all panels, and what follows the sums of a tile.

use super::Product;
use super::ahead::Coming;
use super::cut::Cut;
use super::packing::AHEAD;
use crate::epilogue::{SharedEpilogue, Sums, apply};
use crate::tile::{Part, Target};
use crate::transpose::{Onto, transpose, transpose_onto};
use std::ops::Range;

/// The largest tile in words, with its transpose.
const TILE: usize = 768;

#[repr(align(64))]
struct Words([f32; TILE]);

/// A tile on its way to C, and its transpose.
pub(super) struct Tiles {
    sums: Words,
    turned: Words,
}

impl Tiles {
    #[inline(always)]
    pub(super) fn zeros() -> Self {
        Self { sums: Words([0.0; TILE]), turned: Words([0.0; TILE]) }
    }
}

impl Product<'_> {
    /// One tile of rows against all panels.
    ///
    /// # Safety
    /// As [`Product::strip`].
    pub(super) unsafe fn row_of_tiles(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
        (parts, panels): (&mut [Part], Cut),
        (ks, direct, b_words, tail_words): (&Range<usize>, bool, &[f32], &[f32]),
        (later, last): (bool, bool),
        coming: &Coming,
        staging: &mut Option<Tiles>,
    ) {
        let lanes = self.kernels.lanes;
        let words = self.words(ks.len());
        let epilogue = if last { self.epilogue } else { self.epilogue.partial() };
        let add = self.add || later;
        let plain = epilogue.is_plain() && !self.c_transposed;
        let bias = epilogue.is_bias().filter(|_| !self.c_transposed);
        let beside = epilogue.beside().filter(|_| !self.c_transposed);
        for panel in 0..panels.parts {
            let strip = panels.part(panel);
            let start = columns.start + strip.start * lanes;
            let width = strip.len() * lanes;
            let valid = width.min(columns.end - start);
            if direct && start + width <= self.n {
                // SAFETY: rows `ks` and all columns of the panel are within B.
                parts[0].b = unsafe { self.base.b.from(ks.start, start) }.at;
                parts[0].b_step = self.base.b.row;
                // the next panel of these rows of B, or the first of the rows that follow
                let following = (ks.len() * self.base.b.row).wrapping_sub(start - columns.start);
                parts[0].b_ahead = if panel + 1 < panels.parts { width } else { following };
            } else {
                parts[0].b = b_words[strip.start * lanes * words..].as_ptr();
                parts[0].b_step = width;
                parts[0].b_ahead = AHEAD * width;
            }
            if let [_, tail] = parts {
                tail.b = tail_words[strip.start * lanes * tail.k..].as_ptr();
                tail.b_step = width;
                tail.b_ahead = 0;
            }
            let (next, next_step) = coming.lines(panel, ks.len());
            let kernel = self.kernels.get(rows.len(), strip.len(), valid);
            let bias = bias.filter(|_| valid == width).map_or(std::ptr::null(), |bias| bias[start..].as_ptr());
            let direct = plain || !bias.is_null();
            let home = self.c.0.wrapping_add(rows.start * self.c_stride + start);
            let mut target = Target {
                at: home,
                rows: self.c_stride,
                columns: valid,
                add,
                start: bias,
                home: if self.c_transposed { std::ptr::null() } else { home },
                home_rows: self.c_stride,
                beside: beside.map_or(std::ptr::null(), |at| at.wrapping_add(rows.start * epilogue.n + start)),
                beside_rows: epilogue.n,
                next,
                next_step,
            };
            // SAFETY: the panels and tiles are those that were packed; the tile is within C.
            unsafe {
                if direct {
                    kernel(parts, &target);
                } else {
                    let staging = staging.get_or_insert_with(Tiles::zeros);
                    target.at = staging.sums.0.as_mut_ptr();
                    (target.rows, target.add) = (width, false);
                    kernel(parts, &target);
                    self.store_tile(&epilogue, staging, rows.clone(), start..start + valid, width, add);
                }
            }
        }
    }

    /// # Safety
    /// As [`Product::strip`].
    unsafe fn store_tile(
        &self,
        epilogue: &SharedEpilogue<'_>,
        Tiles { sums, turned }: &mut Tiles,
        rows: Range<usize>,
        columns: Range<usize>,
        width: usize,
        add: bool,
    ) {
        let (level, lanes) = (self.kernels.level, self.kernels.lanes);
        // SAFETY: the tile is within C; a transposed tile of at most 384 words takes at most 768.
        unsafe {
            if !self.c_transposed {
                let tile = Sums {
                    sums: &mut sums.0,
                    stride: width,
                    rows: rows.len(),
                    columns: columns.len(),
                    row0: rows.start,
                    column0: columns.start,
                };
                return apply(level, epilogue, tile, self.c.0, self.c_stride, add);
            }
            let stride = rows.len().next_multiple_of(lanes);
            let size = (rows.len(), columns.len());
            if let Some(scale) = epilogue.is_scale() {
                let to = self.c.0.add(columns.start * self.c_stride + rows.start);
                let onto = Onto { scale: scale.map(|scale| &scale[rows]), add };
                return transpose_onto(level, size, sums.0.as_ptr(), width, to, self.c_stride, onto);
            }
            transpose(level, lanes, size, sums.0.as_ptr(), width, turned.0.as_mut_ptr(), stride);
            let tile = Sums {
                sums: &mut turned.0,
                stride,
                rows: columns.len(),
                columns: rows.len(),
                row0: columns.start,
                column0: rows.start,
            };
            apply(level, epilogue, tile, self.c.0, self.c_stride, add);
        }
    }
}
