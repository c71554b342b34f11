//! The gradients of a convolution by its input and by its filter.

use std::ops::Range;

use learngene_gemm::Gemm;
use learngene_pool::{SendPtr, run, split, threads};

use super::patches::{Unfold, fold, unfold, unfold_on_all};
use super::{After, Conv, PARTIALS, ROWS, TILE, conv2d, lines, product, winograd};
use crate::elementwise::{fill, for_parts};
use crate::support::{for_tasks, with_scratch};
use crate::transpose::transpose_plane;
use crate::window::{Axis, Window};

/// Below so many output pixels the filter is not turned.
const FEW_PIXELS: usize = 128;

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
        // few pixels do not pay for turning the filter
        if conv.window.pixels() >= FEW_PIXELS || winograd::grid_if_faster(&back).is_some() {
            return with_scratch(w.len(), |flipped| {
                flip(conv, w, flipped);
                conv2d(&back, dy, flipped, After::default(), dx);
            });
        }
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
    let (taps, plane) = (conv.window.taps(), channels * filters);
    let to = SendPtr::new(flipped);
    for_tasks(taps, w.len(), &|tap| {
        let from = &w[tap * plane..(tap + 1) * plane];
        let last = taps - tap;
        // SAFETY: both are planes of channels times filters; those of different taps are disjoint.
        unsafe {
            let to = to.slice_mut((last - 1) * plane..last * plane);
            transpose_plane(from.as_ptr(), filters as isize, to.as_mut_ptr(), channels as isize, channels, filters);
        }
    });
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

/// dw [KH, KW, C, O]: the gradient of [`conv2d`] by its filter.
///
/// # Panics
/// Where a length does not fit.
pub fn conv2d_filter_grad(conv: &Conv, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    conv.check(x.len(), dw.len(), dy.len());
    if dy.is_empty() || x.is_empty() || dw.is_empty() {
        return fill(0.0, dw);
    }
    conv.on_threads(|| match winograd::grid_if_faster(conv) {
        Some(grid) => winograd::filter_grad(&grid, x, dy, dw),
        None if lines::fits(conv) && lines::has_filter_grad(conv) => lines::filter_grad(conv, x, dy, dw),
        None => filter_grad_by_patches(conv, x, dy, dw),
    });
}

pub(super) fn filter_grad_by_patches(conv: &Conv, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let (pixels, filters, patch) = (conv.window.pixels(), conv.filters, conv.patch());
    let tiles = conv.tiles();
    let tasks = threads().min(tiles).min(PARTIALS / dw.len()).max(1);
    let add = |range: Range<usize>, dw: &mut [f32], first: bool, unfold: &Unfold<'_>| {
        let dy = &dy[range.start * filters..range.end * filters];
        let add = &mut |patches: &[f32]| {
            let g = Gemm::new((patch, filters, range.len()), patches, dy, dw).a_transposed();
            product(Gemm { accumulate: !first, ..g });
        };
        if conv.is_pointwise() {
            return add(&x[range.start * patch..range.end * patch]);
        }
        with_scratch(range.len() * patch, |patches| {
            unfold(range.clone(), patches);
            add(patches);
        });
    };
    if tasks == 1 {
        for index in 0..tiles {
            add(split(pixels, tiles, index), dw, index == 0, &|range, patches| unfold_on_all(conv, x, range, patches));
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
                add(split(pixels, tiles, index), dw, count == 0, &|range, patches| unfold(conv, x, range, patches));
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
