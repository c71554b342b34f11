//! Convolutions of images [N, H, W, C] with filters [KH, KW, C, O] as products of matrices.
//!
//! The patches of some hundred output pixels are laid out as the rows of a matrix that stays in the second cache (im2col
//! by tiles), and multiplied by the filter, which is a matrix [KH KW C, O] as it is. A 1x1 convolution needs no patches.

use std::ops::Range;

use learngene_gemm::{Epilogue, Gemm, gemm};
use learngene_pool::{SendPtr, run, split, threads};

use crate::elementwise::{fill, for_parts};
use crate::support::with_scratch;
use crate::transpose::transpose_plane;
use crate::unary::{Unary, unary};
use crate::window::{Axis, Window};

/// Sizes of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Conv {
    /// The window over the input.
    pub window: Window,
    /// Channels of the output, O.
    pub filters: usize,
}

/// What follows a convolution.
#[derive(Clone, Copy, Debug, Default)]
pub struct After<'a> {
    /// Added to every pixel, [O].
    pub bias: Option<&'a [f32]>,
    /// Applied to every number, with its parameter.
    pub activation: Option<(Unary, f32)>,
}

/// Numbers in a tile of patches, 768 KiB, as long as that is not fewer than [`ROWS`].
const TILE: usize = 192 << 10;
/// The fewest and the most patches in a tile: every tile packs the filter anew.
const ROWS: (usize, usize) = (192, 768);
/// The most that the partial filter gradients of all tasks may take: 64 MiB.
const PARTIALS: usize = 16 << 20;

impl Conv {
    /// Elements of a patch.
    fn patch(&self) -> usize {
        self.window.taps() * self.window.channels
    }

    /// Elements of the filter.
    pub fn weights(&self) -> usize {
        self.patch() * self.filters
    }

    /// Elements of the output.
    pub fn outputs(&self) -> usize {
        self.window.pixels() * self.filters
    }

    fn is_pointwise(&self) -> bool {
        self.window.rows.is_identity() && self.window.columns.is_identity()
    }

    /// Into how many tiles the output pixels are cut.
    fn tiles(&self) -> usize {
        let pixels = self.window.pixels();
        let most = (TILE / self.patch().max(1)).clamp(ROWS.0, ROWS.1);
        let least = pixels.div_ceil(most).max(1);
        // a multiple of the threads, where that leaves tiles worth a product
        let even = least.next_multiple_of(threads());
        if pixels / even >= 96 || even == least { even } else { least }
    }

    fn check(&self, x: usize, w: usize, y: usize) {
        assert_eq!(x, self.window.inputs());
        assert_eq!(w, self.weights());
        assert_eq!(y, self.outputs());
    }
}

/// C [m, n] (+)= A B; the sizes were checked.
fn product(product: Gemm<'_>) {
    gemm(product).expect("sizes fit");
}

/// The patches of the output pixels `pixels` as rows of `patches`.
fn unfold(conv: &Conv, x: &[f32], pixels: Range<usize>, patches: &mut [f32]) {
    let window = &conv.window;
    let line = window.columns.kernel * window.channels;
    let (mut at, mut rest) = (pixels.start, patches);
    while at < pixels.end {
        // the part of one output row
        let (image, row, column) = window.pixel(at);
        let columns = column..window.columns.out.min(column + pixels.end - at);
        let (part, more) = rest.split_at_mut(columns.len() * conv.patch());
        let taps = window.rows.taps(row);
        for tap in 0..window.rows.kernel {
            let lines = part.chunks_exact_mut(conv.patch()).map(|patch| &mut patch[tap * line..(tap + 1) * line]);
            if taps.contains(&tap) {
                let from = window.input(image, window.rows.at(row, tap), 0);
                let source = &x[from..from + window.columns.size * window.channels];
                unfold_row(window, source, columns.clone(), lines);
            } else {
                lines.for_each(|line| line.fill(0.0));
            }
        }
        at += columns.len();
        rest = more;
    }
}

/// The parts of the patches of one output row that lie in one input row.
#[inline(always)]
fn unfold_row<'a>(window: &Window, x: &[f32], columns: Range<usize>, lines: impl Iterator<Item = &'a mut [f32]>) {
    let (axis, channels) = (&window.columns, window.channels);
    let whole = if axis.dilation == 1 { axis.whole() } else { 0..0 };
    for (column, line) in columns.zip(lines) {
        if whole.contains(&column) {
            let from = axis.at(column, 0) * channels;
            copy_line(&x[from..from + line.len()], line);
            continue;
        }
        let taps = axis.taps(column);
        line[..taps.start * channels].fill(0.0);
        line[taps.end * channels..].fill(0.0);
        for tap in taps {
            let from = axis.at(column, tap) * channels;
            line[tap * channels..(tap + 1) * channels].copy_from_slice(&x[from..from + channels]);
        }
    }
}

/// A copy without a call for short lines: two or four blocks that may overlap.
#[inline(always)]
fn copy_line(from: &[f32], to: &mut [f32]) {
    #[inline(always)]
    fn block<const N: usize>(from: &[f32], to: &mut [f32], at: usize) {
        let block: [f32; N] = from[at..at + N].try_into().expect("N numbers");
        to[at..at + N].copy_from_slice(&block);
    }
    let length = to.len();
    match length {
        8..=16 => {
            block::<8>(from, to, 0);
            block::<8>(from, to, length - 8);
        }
        17..=32 => {
            block::<16>(from, to, 0);
            block::<16>(from, to, length - 16);
        }
        _ => to.copy_from_slice(from),
    }
}

/// y [N, OH, OW, O] = after(x * w).
///
/// # Panics
/// Where a length does not fit.
pub fn conv2d(conv: &Conv, x: &[f32], w: &[f32], after: After<'_>, y: &mut [f32]) {
    conv.check(x.len(), w.len(), y.len());
    assert!(after.bias.is_none_or(|bias| bias.len() == conv.filters));
    let (pixels, filters, patch) = (conv.window.pixels(), conv.filters, conv.patch());
    if y.is_empty() {
        return;
    }
    let end = || Epilogue { bias: after.bias, ..Epilogue::default() };
    let activate = |y: &mut [f32]| {
        if let Some((function, parameter)) = after.activation {
            in_place(function, parameter, y);
        }
    };
    if conv.is_pointwise() || patch == 0 {
        product(Gemm { epilogue: end(), ..Gemm::new((pixels, filters, patch), x, w, y) });
        return activate(y);
    }
    let tiles = conv.tiles();
    let out = SendPtr::new(y);
    let tile = |index: usize, unfold: &dyn Fn(Range<usize>, &mut [f32])| {
        let range = split(pixels, tiles, index);
        // SAFETY: tiles are disjoint parts of the output.
        let y = unsafe { out.slice_mut(range.start * filters..range.end * filters) };
        with_scratch(range.len() * patch, |patches| {
            unfold(range.clone(), patches);
            product(Gemm { epilogue: end(), ..Gemm::new((range.len(), filters, patch), patches, w, y) });
        });
        activate(y);
    };
    if tiles >= threads() {
        run(tiles, &|index| tile(index, &|range, patches| unfold(conv, x, range, patches)));
    } else {
        // too few tiles: all threads work on each
        (0..tiles).for_each(|index| tile(index, &|range, patches| unfold_on_all(conv, x, range, patches)));
    }
}

fn in_place(function: Unary, parameter: f32, y: &mut [f32]) {
    const STEP: usize = 1024;
    let mut copy = [0.0; STEP];
    for part in y.chunks_mut(STEP) {
        let copy = &mut copy[..part.len()];
        copy.copy_from_slice(part);
        unary(function, copy, part, parameter, 0.0);
    }
}

fn unfold_on_all(conv: &Conv, x: &[f32], pixels: Range<usize>, patches: &mut [f32]) {
    let tasks = threads();
    let patch = conv.patch();
    let out = SendPtr::new(patches);
    run(tasks, &|task| {
        let range = split(pixels.len(), tasks, task);
        // SAFETY: rows of different tasks are disjoint.
        let part = unsafe { out.slice_mut(range.start * patch..range.end * patch) };
        unfold(conv, x, pixels.start + range.start..pixels.start + range.end, part);
    });
}

/// dx [N, H, W, C]: the gradient of [`conv2d`] by its input.
///
/// # Panics
/// Where a length does not fit.
pub fn conv2d_input_grad(conv: &Conv, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    conv.check(dx.len(), w.len(), dy.len());
    let Window { batch, rows, columns, channels } = conv.window;
    if dy.is_empty() || w.is_empty() {
        return fill(0.0, dx);
    }
    if conv.is_pointwise() {
        let sizes = (conv.window.pixels(), channels, conv.filters);
        return product(Gemm::new(sizes, dy, w, dx).b_transposed());
    }
    if let (Some(rows), Some(columns)) = (turned(rows), turned(columns)) {
        let back = Conv { window: Window { batch, rows, columns, channels: conv.filters }, filters: channels };
        let mut flipped = vec![0.0; w.len()];
        flip(conv, w, &mut flipped);
        return conv2d(&back, dy, &flipped, After::default(), dx);
    }
    fold_back(conv, dy, w, dx);
}

/// The axis of the convolution with the flipped filter that is the gradient of one with stride 1.
fn turned(axis: Axis) -> Option<Axis> {
    let pad = ((axis.kernel - 1) * axis.dilation).checked_sub(axis.pad)?;
    (axis.stride == 1).then_some(Axis { size: axis.out, out: axis.size, pad, ..axis })
}

/// [KH, KW, C, O] to [KH, KW, O, C], both kernel axes reversed.
fn flip(conv: &Conv, w: &[f32], flipped: &mut [f32]) {
    let (channels, filters) = (conv.window.channels, conv.filters);
    let plane = channels * filters;
    for (from, to) in w.chunks_exact(plane).zip(flipped.chunks_exact_mut(plane).rev()) {
        // SAFETY: both are planes of channels times filters.
        unsafe {
            transpose_plane(from.as_ptr(), filters as isize, to.as_mut_ptr(), channels as isize, channels, filters);
        }
    }
}

/// The general input gradient: gradients of patches, added to where the patches came from; tasks own images.
fn fold_back(conv: &Conv, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    let window = &conv.window;
    let (patch, filters) = (conv.patch(), conv.filters);
    let pixels = window.rows.out * window.columns.out;
    let image_size = window.rows.size * window.columns.size * window.channels;
    let step = (TILE / patch).clamp(ROWS.0, ROWS.1);
    let out = SendPtr::new(dx);
    let image = |index: usize| {
        // SAFETY: images are disjoint parts of the output.
        let dx = unsafe { out.slice_mut(index * image_size..(index + 1) * image_size) };
        dx.fill(0.0);
        for start in (0..pixels).step_by(step) {
            let range = index * pixels + start..index * pixels + (start + step).min(pixels);
            let dy = &dy[range.start * filters..range.end * filters];
            with_scratch(range.len() * patch, |patches| {
                product(Gemm::new((range.len(), patch, filters), dy, w, patches).b_transposed());
                fold(conv, range, patches, dx);
            });
        }
    };
    if window.batch >= threads() { run(window.batch, &image) } else { (0..window.batch).for_each(image) }
}

/// Adds rows of patches to the image that they lie in.
fn fold(conv: &Conv, pixels: Range<usize>, patches: &[f32], image: &mut [f32]) {
    let window = &conv.window;
    let channels = window.channels;
    for (pixel, patch) in pixels.zip(patches.chunks_exact(conv.patch())) {
        let (_, row, column) = window.pixel(pixel);
        for row_tap in window.rows.taps(row) {
            for column_tap in window.columns.taps(column) {
                let from = (row_tap * window.columns.kernel + column_tap) * channels;
                let to = window.input(0, window.rows.at(row, row_tap), window.columns.at(column, column_tap));
                for (x, &g) in image[to..to + channels].iter_mut().zip(&patch[from..from + channels]) {
                    *x += g;
                }
            }
        }
    }
}

/// dw [KH, KW, C, O]: the gradient of [`conv2d`] by its filter.
///
/// # Panics
/// Where a length does not fit.
pub fn conv2d_filter_grad(conv: &Conv, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    conv.check(x.len(), dw.len(), dy.len());
    let (pixels, filters, patch) = (conv.window.pixels(), conv.filters, conv.patch());
    if dy.is_empty() || x.is_empty() || dw.is_empty() {
        return fill(0.0, dw);
    }
    if conv.is_pointwise() {
        return product(Gemm::new((patch, filters, pixels), x, dy, dw).a_transposed());
    }
    let tiles = conv.tiles();
    let tasks = threads().min(tiles).min(PARTIALS / dw.len()).max(1);
    let add = |range: Range<usize>, patches: &mut [f32], dw: &mut [f32], first: bool| {
        let dy = &dy[range.start * filters..range.end * filters];
        let g = Gemm::new((patch, filters, range.len()), patches, dy, dw).a_transposed();
        product(Gemm { accumulate: !first, ..g });
    };
    if tasks == 1 {
        for index in 0..tiles {
            let range = split(pixels, tiles, index);
            with_scratch(range.len() * patch, |patches| {
                unfold_on_all(conv, x, range.clone(), patches);
                add(range, patches, dw, index == 0);
            });
        }
        return;
    }
    // every task sums its own tiles; the sums are added in the order of the tasks
    let size = dw.len();
    with_scratch(size * tasks, |partial| {
        let out = SendPtr::new(partial);
        run(tasks, &|task| {
            // SAFETY: partial sums are disjoint.
            let dw = unsafe { out.slice_mut(task * size..(task + 1) * size) };
            for (count, index) in split(tiles, tasks, task).enumerate() {
                let range = split(pixels, tiles, index);
                with_scratch(range.len() * patch, |patches| {
                    unfold(conv, x, range.clone(), patches);
                    add(range, patches, dw, count == 0);
                });
            }
        });
        sum_parts(partial, dw);
    });
}

/// y = the sum of the parts of `partial` that are as long as y.
pub(crate) fn sum_parts(partial: &[f32], y: &mut [f32]) {
    let size = y.len();
    let out = SendPtr::new(y);
    for_parts(size, &|range| {
        // SAFETY: parts are disjoint.
        let y = unsafe { out.slice_mut(range.clone()) };
        y.copy_from_slice(&partial[range.clone()]);
        for part in partial.chunks_exact(size).skip(1) {
            for (y, &x) in y.iter_mut().zip(&part[range.clone()]) {
                *y += x;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::testing::{close, values};
    use crate::window::testing::windows;

    /// Calls `f` with the places of every product: in x, in w, in y.
    fn every(conv: &Conv, mut f: impl FnMut(usize, usize, usize)) {
        let Conv { window, filters } = conv;
        for pixel in 0..window.pixels() {
            let (image, row, column) = window.pixel(pixel);
            for a in window.rows.taps(row) {
                for b in window.columns.taps(column) {
                    let from = window.input(image, window.rows.at(row, a), window.columns.at(column, b));
                    for c in 0..window.channels {
                        for o in 0..*filters {
                            let tap = a * window.columns.kernel + b;
                            f(from + c, (tap * window.channels + c) * filters + o, pixel * filters + o);
                        }
                    }
                }
            }
        }
    }

    fn check(conv: &Conv) {
        let x = values(conv.window.inputs(), 1, 1.0);
        let w = values(conv.weights(), 2, 1.0);
        let dy = values(conv.outputs(), 3, 1.0);
        let bias = values(conv.filters, 4, 1.0);
        let (mut y, mut dx, mut dw) = (vec![0.0; dy.len()], vec![0.0; x.len()], vec![0.0; w.len()]);
        every(conv, |i, j, k| {
            y[k] += f64::from(x[i]) * f64::from(w[j]);
            dx[i] += f64::from(dy[k]) * f64::from(w[j]);
            dw[j] += f64::from(x[i]) * f64::from(dy[k]);
        });
        let mut got = vec![f32::NAN; dy.len()];
        conv2d(conv, &x, &w, After::default(), &mut got);
        close(&got, &y, 1e-6);
        let with_bias: Vec<f64> =
            y.iter().enumerate().map(|(k, y)| (y + f64::from(bias[k % conv.filters])).max(0.0)).collect();
        conv2d(conv, &x, &w, After { bias: Some(&bias), activation: Some((Unary::Relu, 0.0)) }, &mut got);
        close(&got, &with_bias, 1e-6);
        let mut got = vec![f32::NAN; x.len()];
        conv2d_input_grad(conv, &dy, &w, &mut got);
        close(&got, &dx, 1e-6);
        let mut got = vec![f32::NAN; w.len()];
        conv2d_filter_grad(conv, &x, &dy, &mut got);
        close(&got, &dw, 1e-6);
    }

    #[test]
    fn value_and_gradients_like_a_loop() {
        for window in windows() {
            for filters in [1, 5, 17] {
                check(&Conv { window, filters });
            }
        }
    }

    #[test]
    fn many_tiles_and_few() {
        let axis = |size: usize, kernel: usize, stride: usize| Axis {
            size,
            out: (size + 2 - kernel) / stride + 1,
            kernel,
            stride,
            dilation: 1,
            pad: 1,
        };
        for (batch, size, stride, channels, filters) in
            [(2, 40, 1, 16, 8), (2, 40, 2, 16, 8), (1, 6, 1, 150, 9), (1, 7, 2, 150, 9)]
        {
            let rows = axis(size, 3, stride);
            check(&Conv { window: Window { batch, rows, columns: rows, channels }, filters });
        }
    }

    #[test]
    fn empty_ones() {
        let axis = Axis { size: 4, out: 4, kernel: 3, stride: 1, dilation: 1, pad: 1 };
        for (batch, channels, filters) in [(0, 2, 3), (1, 0, 3), (1, 2, 0)] {
            check(&Conv { window: Window { batch, rows: axis, columns: axis, channels }, filters });
        }
    }
}
