//! The transforms of tiles and filters.

use std::ops::Range;

use learngene_gemm::PackedRight;
use learngene_pool::SendPtr;
use learngene_simd::{Lanes, dispatch, sigmoid};

use super::points::{Filter, FilterGradient, Input, Output, OutputGradient, Transform};
use super::{FREQUENCIES, Grid, OUT, TILE};
use crate::conv::ending::{Ending, Last};
use crate::support::LANES;

/// An output that tasks share: every task writes the pixels of its own tiles, or its own columns.
pub(super) type Out = SendPtr<f32>;

/// The transforms [36, tiles, row] of the tiles from `first` on, which tasks share: each touches those of its own tiles.
pub(super) struct Tiles {
    pub at: SendPtr<f32>,
    pub first: usize,
    /// Words of a tile: its channels, and what is missing to a multiple of sixteen.
    pub row: usize,
    /// Words of a frequency.
    pub step: usize,
}

impl Tiles {
    #[inline(always)]
    fn start(&self, tile: usize, channel: usize) -> *mut f32 {
        self.at.0.wrapping_add((tile - self.first) * self.row + channel)
    }
}

/// Transforms both axes of a square: `load(i, j)` gives its numbers, `store(i, j, x)` takes those of the result.
///
/// # Safety
/// The processor has the instruction set.
#[inline(always)]
unsafe fn both<S: Lanes, T: Transform<N, M>, const N: usize, const M: usize>(
    load: impl Fn(usize, usize) -> S::Sixteen,
    mut store: impl FnMut(usize, usize, S::Sixteen),
) {
    // SAFETY: promised by the caller.
    unsafe {
        let zero = S::splat(0.0);
        let mut half = [[zero; N]; M];
        for j in 0..N {
            let mut column = [zero; N];
            for (i, x) in column.iter_mut().enumerate() {
                *x = load(i, j);
            }
            for (row, x) in half.iter_mut().zip(T::apply::<S>(column)) {
                row[j] = x;
            }
        }
        for (i, &row) in half.iter().enumerate() {
            for (j, x) in T::apply::<S>(row).into_iter().enumerate() {
                store(i, j, x);
            }
        }
    }
}

/// Up to sixteen numbers from `from`, then zeros.
///
/// # Safety
/// The processor has the instruction set; `count` numbers are readable.
#[inline(always)]
unsafe fn load<S: Lanes>(from: *const f32, count: usize) -> S::Sixteen {
    // SAFETY: promised by the caller.
    unsafe {
        if count >= LANES {
            return S::load(from);
        }
        let mut lane = [0.0; LANES];
        std::ptr::copy_nonoverlapping(from, lane.as_mut_ptr(), count);
        S::load(lane.as_ptr())
    }
}

/// The first `count` numbers, or all, to `to`.
///
/// # Safety
/// The processor has the instruction set; `count` numbers are writable.
#[inline(always)]
unsafe fn store<S: Lanes>(to: *mut f32, x: S::Sixteen, count: usize) {
    // SAFETY: promised by the caller.
    unsafe {
        if count >= LANES {
            return S::store(to, x);
        }
        let mut lane = [0.0; LANES];
        S::store(lane.as_mut_ptr(), x);
        std::ptr::copy_nonoverlapping(lane.as_ptr(), to, count);
    }
}

/// The pixels of a square that are within an image, as distances from its first pixel.
pub(super) struct Square {
    /// The first pixel, which need not exist.
    pub first: isize,
    /// Pixels from a row to the next.
    pub line: isize,
    pub rows: Range<usize>,
    pub columns: Range<usize>,
}

impl Square {
    /// The place of a pixel in an image of `channels`, or None outside.
    #[inline(always)]
    fn at<const WHOLE: bool>(&self, i: usize, j: usize, channels: usize) -> Option<isize> {
        let there = WHOLE || (self.rows.contains(&i) && self.columns.contains(&j));
        there.then_some((self.first + i as isize * self.line + j as isize) * channels as isize)
    }
}

/// Transforms one square of `channels` channels into its place in `to`.
///
/// # Safety
/// The processor has the instruction set; the square is within x, and the tile within `to`.
#[inline(always)]
unsafe fn spread<S: Lanes, T: Transform<N, TILE>, const N: usize, const WHOLE: bool>(
    x: &[f32],
    square: &Square,
    channels: usize,
    to: &Tiles,
    tile: usize,
) {
    for start in (0..channels).step_by(LANES) {
        let (from, count) = (x.as_ptr().wrapping_add(start), channels - start);
        let to_start = to.start(tile, start);
        // SAFETY: promised by the caller; the rows of `to` have room for whole lanes.
        unsafe {
            both::<S, T, N, TILE>(
                |i, j| match square.at::<WHOLE>(i, j, channels) {
                    Some(at) => load::<S>(from.wrapping_offset(at), count),
                    None => S::splat(0.0),
                },
                |i, j, x| S::store(to_start.add((i * TILE + j) * to.step), x),
            );
        }
    }
}

dispatch! {
    /// V [36, tiles, row] = Bᵀ x B of the tiles `tiles`.
    pub(super) fn input(grid: &Grid, x: &[f32], tiles: Range<usize>, v: &Tiles) = input_with;
}
#[inline(always)]
fn input_with<S: Lanes>(grid: &Grid, x: &[f32], tiles: Range<usize>, v: &Tiles) {
    let channels = grid.window.channels;
    for tile in tiles {
        let place = grid.place(tile);
        let (rows, columns) = (grid.input_rows(&place), grid.input_columns(&place));
        let whole = rows.len() == TILE && columns.len() == TILE;
        let square = Square { first: grid.input_pixel(&place), line: grid.window.columns.size as isize, rows, columns };
        // SAFETY: `dispatch` found the instruction set; the rows and columns are those within x; a task owns its tiles.
        unsafe {
            if whole {
                spread::<S, Input, TILE, true>(x, &square, channels, v, tile);
            } else {
                spread::<S, Input, TILE, false>(x, &square, channels, v, tile);
            }
        }
    }
}

dispatch! {
    /// D [36, tiles, row] = A dy Aᵀ of the tiles `tiles`.
    pub(super) fn gradient(grid: &Grid, dy: &[f32], tiles: Range<usize>, d: &Tiles) = gradient_with;
}
#[inline(always)]
fn gradient_with<S: Lanes>(grid: &Grid, dy: &[f32], tiles: Range<usize>, d: &Tiles) {
    for tile in tiles {
        let square = grid.output_square(&grid.place(tile));
        let whole = square.rows.len() == OUT && square.columns.len() == OUT;
        // SAFETY: as in `input_with`.
        unsafe {
            if whole {
                spread::<S, OutputGradient, OUT, true>(dy, &square, grid.filters, d, tile);
            } else {
                spread::<S, OutputGradient, OUT, false>(dy, &square, grid.filters, d, tile);
            }
        }
    }
}

dispatch! {
    /// The tiles `tiles` of y = end(Aᵀ M A + bias + residual) from M [36, tiles, row].
    pub(super) fn output(grid: &Grid, m: &Tiles, tiles: Range<usize>, ending: &Ending, y: Out) = output_with;
}
#[inline(always)]
fn output_with<S: Lanes>(grid: &Grid, m: &Tiles, tiles: Range<usize>, ending: &Ending, y: Out) {
    let filters = grid.filters;
    for tile in tiles {
        let square = grid.output_square(&grid.place(tile));
        for start in (0..filters).step_by(LANES) {
            let count = filters - start;
            let from = m.start(tile, start);
            // SAFETY: `dispatch` found the instruction set; the pixels of different tiles are disjoint, and those of the
            // square are within y and the residual.
            unsafe {
                let zero = S::splat(0.0);
                let bias = ending.bias.map_or(zero, |bias| load::<S>(bias.as_ptr().add(start), count));
                both::<S, Output, TILE, OUT>(
                    |i, j| S::load(from.add((i * TILE + j) * m.step)),
                    |i, j, sum| {
                        let Some(at) = square.at::<false>(i, j, filters) else { return };
                        let mut sum = S::add(sum, bias);
                        if let Some(residual) = ending.residual {
                            sum = S::add(sum, load::<S>(residual.as_ptr().offset(at).add(start), count));
                        }
                        sum = finish::<S>(ending.last, sum);
                        store::<S>(y.0.offset(at).add(start), sum, count);
                    },
                );
            }
        }
    }
}

/// # Safety
/// The processor has the instruction set.
#[inline(always)]
unsafe fn finish<S: Lanes>(last: Last, x: S::Sixteen) -> S::Sixteen {
    if last == Last::Nothing {
        return x;
    }
    let mut lane = [0.0; LANES];
    // SAFETY: promised by the caller.
    unsafe { S::store(lane.as_mut_ptr(), x) };
    for x in &mut lane {
        *x = match last {
            Last::Relu if *x < 0.0 => 0.0,
            Last::Silu => *x * sigmoid::<S>(*x),
            _ => *x,
        };
    }
    // SAFETY: promised by the caller.
    unsafe { S::load(lane.as_ptr()) }
}

dispatch! {
    /// Rows `part` of U [36] = G w Gᵀ in the order of `right`, w [9, C, O]; a frequency is `step` words.
    pub(super) fn filters(
        w: &[f32], sizes: (usize, usize), part: Range<usize>, u: Out, right: &PackedRight, step: usize
    ) = filters_with;
}
#[inline(always)]
fn filters_with<S: Lanes>(
    w: &[f32],
    sizes: (usize, usize),
    part: Range<usize>,
    u: Out,
    right: &PackedRight,
    step: usize,
) {
    let (channels, filters) = sizes;
    let lanes = right.lanes();
    for (row, start) in part.flat_map(|row| (0..filters).step_by(LANES).map(move |start| (row, start))) {
        let from = w.as_ptr().wrapping_add(row * filters + start);
        let count = (filters - start).min(LANES);
        let mut places = [0; LANES];
        let places = &mut places[..count.div_ceil(lanes)];
        for (i, place) in places.iter_mut().enumerate() {
            *place = right.place(row, start / lanes + i);
        }
        // SAFETY: `dispatch` found the instruction set; the numbers are within w; every register of columns has its place in
        // each frequency, and those of tasks are disjoint.
        unsafe {
            both::<S, Filter, 3, TILE>(
                |i, j| load::<S>(from.add((3 * i + j) * channels * filters), count),
                |i, j, x| {
                    let to = u.0.add((i * TILE + j) * step);
                    if lanes == LANES {
                        return S::store(to.add(places[0]), x);
                    }
                    let mut lane = [0.0; LANES];
                    S::store(lane.as_mut_ptr(), x);
                    for (place, lane) in places.iter().zip(lane.chunks_exact(lanes)) {
                        std::ptr::copy_nonoverlapping(lane.as_ptr(), to.add(*place), lanes);
                    }
                },
            );
        }
    }
}

dispatch! {
    /// Columns `part` of dw [9, plane] = Gᵀ (the sum of the parts of u) G; a part is [36, plane], a frequency `step` words.
    pub(super) fn filter_gradients(u: &[f32], plane: usize, part: Range<usize>, dw: Out, step: usize) = filter_gradients_with;
}
#[inline(always)]
fn filter_gradients_with<S: Lanes>(u: &[f32], plane: usize, part: Range<usize>, dw: Out, step: usize) {
    for start in part.clone().step_by(LANES) {
        let count = part.end - start;
        // SAFETY: as in `filters_with`; every part of u has all frequencies.
        unsafe {
            both::<S, FilterGradient, TILE, 3>(
                |i, j| {
                    let mut sum = S::splat(0.0);
                    for u in u.chunks_exact(FREQUENCIES * step) {
                        sum = S::add(sum, load::<S>(u.as_ptr().add((i * TILE + j) * step + start), count));
                    }
                    sum
                },
                |i, j, x| store::<S>(dw.0.add((3 * i + j) * plane + start), x, count),
            );
        }
    }
}
