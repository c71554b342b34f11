//! Reductions over the middle dimension of [outer, size, inner].
//!
//! The order of additions depends on the sizes alone, never on the number of threads: sums run in lanes over blocks of
//! fixed size, whose results are added in the same way.

mod places;
mod steps;
#[cfg(test)]
mod tests;

use std::ops::Range;

use learngene_pool::{SendPtr, run, split};

use crate::elementwise::tasks_for;
use steps::{along, down};

pub use places::arg_extreme;
pub use steps::Reduction;

/// Elements of a block.
const BLOCK: usize = 1 << 12;

/// `y [outer, inner]` is the reduction of `x [outer, size, inner]` over its middle dimension.
///
/// # Panics
/// Where a length does not fit.
pub fn reduce(op: Reduction, x: &[f32], (outer, size, inner): (usize, usize, usize), y: &mut [f32]) {
    assert_eq!(x.len(), outer * size * inner);
    assert_eq!(y.len(), outer * inner);
    if y.is_empty() {
        return;
    }
    if size == 0 {
        y.fill(op.start());
        return;
    }
    // rows of a block: a number that depends on the sizes alone
    let rows = if inner == 1 { BLOCK } else { (4 * BLOCK / inner).max(32) };
    if size <= rows {
        return whole(op, x, (outer, size, inner), y);
    }
    let blocks = size.div_ceil(rows);
    let mut partial = vec![0.0; outer * blocks * inner];
    let tasks = tasks_for(x.len());
    let out = SendPtr::new(&mut partial);
    run(tasks, &|task| {
        for unit in split(outer * blocks, tasks, task) {
            let (o, block) = (unit / blocks, unit % blocks);
            let part = block * rows..((block + 1) * rows).min(size);
            let x = &x[(o * size + part.start) * inner..(o * size + part.end) * inner];
            // SAFETY: units write disjoint rows of the partial results.
            let y = unsafe { out.slice_mut(unit * inner..(unit + 1) * inner) };
            one(op, x, part.len(), y);
        }
    });
    reduce(op, &partial, (outer, blocks, inner), y);
}

/// Reduces blocks that need no cutting.
fn whole(op: Reduction, x: &[f32], (outer, size, inner): (usize, usize, usize), y: &mut [f32]) {
    let tasks = tasks_for(x.len());
    let out = SendPtr::new(y);
    run(tasks, &|task| {
        let range: Range<usize> = split(outer, tasks, task);
        let x = &x[range.start * size * inner..range.end * size * inner];
        // SAFETY: tasks write disjoint rows.
        let y = unsafe { out.slice_mut(range.start * inner..range.end * inner) };
        if inner == 1 {
            along(op, x, size, y);
        } else {
            for (x, y) in x.chunks_exact(size * inner).zip(y.chunks_exact_mut(inner)) {
                down(op, x, y);
            }
        }
    });
}

fn one(op: Reduction, x: &[f32], size: usize, y: &mut [f32]) {
    if y.len() == 1 { along(op, x, size, y) } else { down(op, x, y) }
}

/// The mean over the middle dimension: the sum divided by its size.
///
/// # Panics
/// Where a length does not fit.
pub fn mean(x: &[f32], (outer, size, inner): (usize, usize, usize), y: &mut [f32]) {
    reduce(Reduction::Sum, x, (outer, size, inner), y);
    let count = size as f32;
    y.iter_mut().for_each(|y| *y /= count);
}

/// Whether all (or, without `all`, any) of the booleans over the middle dimension hold.
///
/// # Panics
/// Where a length does not fit.
pub fn hold(all: bool, x: &[u8], (outer, size, inner): (usize, usize, usize), y: &mut [u8]) {
    assert_eq!(x.len(), outer * size * inner);
    assert_eq!(y.len(), outer * inner);
    if y.is_empty() {
        return;
    }
    y.fill(u8::from(all));
    for (o, y) in y.chunks_exact_mut(inner).enumerate() {
        for x in x[o * size * inner..(o + 1) * size * inner].chunks_exact(inner) {
            for (y, &x) in y.iter_mut().zip(x) {
                *y = if all { *y & u8::from(x != 0) } else { *y | u8::from(x != 0) };
            }
        }
    }
}
