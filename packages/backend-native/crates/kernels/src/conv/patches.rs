//! The patches of output pixels as the rows of a matrix, and back (im2col and col2im).

use std::ops::Range;

use learngene_pool::{SendPtr, run, split, threads};

use super::Conv;
use crate::window::Window;

/// Lays out the patches of some output pixels.
pub(super) type Unfold<'a> = dyn Fn(Range<usize>, &mut [f32]) + 'a;

/// The patches of the output pixels `pixels` as rows of `patches`.
pub(super) fn unfold(conv: &Conv, x: &[f32], pixels: Range<usize>, patches: &mut [f32]) {
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

pub(super) fn unfold_on_all(conv: &Conv, x: &[f32], pixels: Range<usize>, patches: &mut [f32]) {
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

/// Adds rows of patches to the image that they lie in.
pub(super) fn fold(conv: &Conv, pixels: Range<usize>, patches: &[f32], image: &mut [f32]) {
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
