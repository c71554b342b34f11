//! Products whose left rows are overlapping windows of lines: a convolution of few channels, one row of its output at a time,
//! without its patches laid out.

#[cfg(test)]
mod tests;

use crate::epilogue::{Epilogue, SharedEpilogue, Sums, apply};
use crate::error::{Error, matrix, vector};
use crate::gemm::{check_epilogue, shared_epilogue};
use crate::pack::{Matrix, pack_b};
use crate::product::{AHEAD, Cut};
use crate::tile::{Kernels, Part, Target, kernels};

/// The most lines of a window.
pub const MOST_LINES: usize = 16;
/// The largest tile in words.
const TILE: usize = 384;

#[repr(align(64))]
struct Words([f32; TILE]);

/// A right factor [lines · width, n] in the order of the kernels.
pub struct WindowFilter {
    kernels: Kernels,
    n: usize,
    width: usize,
    /// Rows of all lines.
    k: usize,
    /// Panels as wide as a tile, one after the other; the columns past n are 0.
    panels: Cut,
    packed: Vec<f32>,
}

/// Rows of windows: the window of row i is `width` neighbours of every line, from `i · step` on.
#[derive(Clone, Copy)]
pub struct Windows<'a> {
    /// Rows of the result.
    pub rows: usize,
    /// Numbers from a window to the next.
    pub step: usize,
    /// The lines, each with its place among those of the filter; lines of zeros are left out.
    pub lines: &'a [(usize, &'a [f32])],
}

impl WindowFilter {
    /// Packs the filter [lines · width, n].
    ///
    /// # Errors
    /// Where the slice is too short, or there are more than [`MOST_LINES`] lines.
    pub fn new(filter: &[f32], lines: usize, width: usize, n: usize) -> Result<Self, Error> {
        Self::with(kernels(learngene_simd::level()), filter, lines, width, n)
    }

    fn with(kernels: Kernels, filter: &[f32], lines: usize, width: usize, n: usize) -> Result<Self, Error> {
        let k = lines * width;
        matrix("filter", filter.len(), (k, n), n)?;
        if lines > MOST_LINES {
            return Err(Error::Length { name: "lines", expected: MOST_LINES, got: lines });
        }
        let lanes = kernels.lanes;
        let vectors = n.div_ceil(lanes);
        let panels = Cut::new(vectors, vectors.div_ceil(kernels.vectors));
        let mut packed = vec![0.0; k * vectors * lanes];
        let b = Matrix::new(filter, n, false);
        for panel in (0..panels.parts).map(|panel| panels.part(panel)) {
            let (start, width) = (panel.start * lanes, panel.len() * lanes);
            let to = &mut packed[start * k..][..width * k];
            // SAFETY: the columns are within the filter, and `to` holds k rows of whole registers.
            unsafe { pack_b(&kernels, b.from(0, start), 0..k, width.min(n - start), None, to, width) };
        }
        Ok(Self { kernels, n, width, k, panels, packed })
    }

    /// C [rows, n] = epilogue(windows · filter), on this thread. Every element is one sum, line by line.
    ///
    /// # Errors
    /// Where a line is too short for the windows, or not one of the filter's, or C or the epilogue too short.
    pub fn multiply(&self, windows: Windows<'_>, c: &mut [f32], epilogue: Epilogue<'_>) -> Result<(), Error> {
        let Windows { rows, step, lines } = windows;
        matrix("c", c.len(), (rows, self.n), self.n)?;
        check_epilogue(&epilogue, rows, self.n)?;
        if rows == 0 || self.n == 0 {
            return Ok(());
        }
        if lines.len() > MOST_LINES {
            return Err(Error::Length { name: "lines", expected: MOST_LINES, got: lines.len() });
        }
        for &(place, line) in lines {
            vector("lines", line.len(), (rows - 1) * step + self.width)?;
            vector("filter", self.k, (place + 1) * self.width)?;
        }
        let epilogue = shared_epilogue(epilogue, self.n, 1.0);
        let widest = self.panels.part(0).len();
        let tiles = Cut::new(rows, rows.div_ceil(self.kernels.heights[widest - 1]));
        let mut parts =
            [Part { k: 0, a: c.as_ptr(), a_rows: 0, a_step: 1, b: c.as_ptr(), b_step: 0, b_ahead: 0 }; MOST_LINES];
        let mut staging = Words([0.0; TILE]);
        for tile in (0..tiles.parts).map(|tile| tiles.part(tile)) {
            for panel in (0..self.panels.parts).map(|panel| self.panels.part(panel)) {
                let (start, width) = (panel.start * self.kernels.lanes, panel.len() * self.kernels.lanes);
                for (part, &(place, line)) in parts.iter_mut().zip(lines) {
                    let b = self.packed[start * self.k + place * self.width * width..].as_ptr();
                    let a = line[tile.start * step..].as_ptr();
                    *part = Part { k: self.width, a, a_rows: step, a_step: 1, b, b_step: width, b_ahead: 0 };
                }
                // SAFETY: the lines hold the windows of the tile, the panel all rows of the filter, C the tile.
                unsafe { self.tile(&parts[..lines.len()], tile.clone(), (start, width), c, &epilogue, &mut staging) };
            }
        }
        Ok(())
    }

    /// One tile of C, from the column `start` on.
    ///
    /// # Safety
    /// The parts are those of the tile, which is within C and what the epilogue names.
    unsafe fn tile(
        &self,
        parts: &[Part],
        rows: std::ops::Range<usize>,
        (start, width): (usize, usize),
        c: &mut [f32],
        epilogue: &SharedEpilogue<'_>,
        staging: &mut Words,
    ) {
        let kernel = self.kernels.get(rows.len(), width / self.kernels.lanes, width);
        let columns = width.min(self.n - start);
        let home = c[rows.start * self.n + start..].as_mut_ptr();
        let bias = epilogue.is_bias().filter(|_| columns == width);
        let direct = epilogue.is_plain() || bias.is_some();
        let target = Target {
            at: if direct { home } else { staging.0.as_mut_ptr() },
            rows: if direct { self.n } else { width },
            columns: if direct { columns } else { width },
            add: false,
            start: bias.map_or(std::ptr::null(), |bias| bias[start..].as_ptr()),
            home,
            home_rows: self.n,
            beside: std::ptr::null(),
            beside_rows: 0,
            next: std::ptr::null(),
            next_step: 0,
        };
        // SAFETY: promised by the caller; the processor has the kernels' level.
        unsafe {
            kernel(parts, &target);
            if !direct {
                let (count, row0, sums) = (rows.len(), rows.start, &mut staging.0);
                let tile = Sums { sums, stride: width, rows: count, columns, row0, column0: start };
                apply(self.kernels.level, epilogue, tile, c.as_mut_ptr(), self.n, false);
            }
        }
    }
}

/// Whether [`add_window_gradient`] can read rows of n numbers.
pub fn has_window_gradient(n: usize) -> bool {
    n.is_multiple_of(kernels(learngene_simd::level()).lanes)
}

/// Adds the gradient of a filter [lines · width, n] to `to`, on this thread: windowsᵀ dy for dy [rows, n].
///
/// # Errors
/// Where a slice is too short for its shape, or n is not a whole number of registers, see [`has_window_gradient`].
pub fn add_window_gradient(
    windows: Windows<'_>,
    width: usize,
    dy: &[f32],
    n: usize,
    to: &mut [f32],
) -> Result<(), Error> {
    window_gradient_with(kernels(learngene_simd::level()), windows, width, dy, n, to)
}

fn window_gradient_with(
    kernels: Kernels,
    Windows { rows, step, lines }: Windows<'_>,
    width: usize,
    dy: &[f32],
    n: usize,
    to: &mut [f32],
) -> Result<(), Error> {
    matrix("dy", dy.len(), (rows, n), n)?;
    if rows == 0 || n == 0 {
        return Ok(());
    }
    if !n.is_multiple_of(kernels.lanes) {
        return Err(Error::Stride { name: "dy", row: n.next_multiple_of(kernels.lanes), stride: n });
    }
    let vectors = n / kernels.lanes;
    let panels = Cut::new(vectors, vectors.div_ceil(kernels.vectors));
    let tiles = Cut::new(width, width.div_ceil(kernels.heights[panels.part(0).len() - 1]));
    for &(place, line) in lines {
        vector("lines", line.len(), (rows - 1) * step + width)?;
        matrix("to", to.len(), ((place + 1) * width, n), n)?;
        for tile in (0..tiles.parts).map(|tile| tiles.part(tile)) {
            for panel in (0..panels.parts).map(|panel| panels.part(panel)) {
                let start = panel.start * kernels.lanes;
                let (a, b) = (line[tile.start..].as_ptr(), dy[start..].as_ptr());
                let part = Part { k: rows, a, a_rows: 1, a_step: step, b, b_step: n, b_ahead: AHEAD * n };
                let target = Target {
                    at: to[(place * width + tile.start) * n + start..].as_mut_ptr(),
                    rows: n,
                    columns: panel.len() * kernels.lanes,
                    add: true,
                    start: std::ptr::null(),
                    home: std::ptr::null(),
                    home_rows: 0,
                    beside: std::ptr::null(),
                    beside_rows: 0,
                    next: std::ptr::null(),
                    next_step: 0,
                };
                // SAFETY: the line holds all windows, dy its rows, and `to` the tile; the processor has the level.
                unsafe { kernels.get(tile.len(), panel.len(), panel.len() * kernels.lanes)(&[part], &target) };
            }
        }
    }
    Ok(())
}
