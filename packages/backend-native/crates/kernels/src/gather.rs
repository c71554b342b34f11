//! Rows chosen by index, and their sums by index.

#![allow(clippy::extra_unused_type_parameters)] // dispatch! names the level also where plain arithmetic needs none

use learngene_pool::{SendPtr, run, split};
use learngene_simd::{Isa, dispatch};

use crate::elementwise::{for_parts, tasks_for};

/// The sizes of a gather: `x [batch, outer, size, slice]`, `indices [batch, count]`, result `[batch, outer, count, slice]`.
#[derive(Clone, Copy, Debug)]
pub struct Gather {
    /// Independent problems, each with its indices.
    pub batch: usize,
    /// What lies before the gathered dimension.
    pub outer: usize,
    /// The gathered dimension.
    pub size: usize,
    /// What lies after it.
    pub slice: usize,
    /// Indices a problem.
    pub count: usize,
}

/// The first index outside `0..size`.
pub fn first_outside(indices: &[i32], size: usize) -> Option<i32> {
    indices.iter().copied().find(|&index| usize::try_from(index).map_or(true, |index| index >= size))
}

/// `y[b, o, i] = x[b, o, indices[b, i]]`, slices whole.
///
/// # Panics
/// Where a length does not fit, or an index is outside (see [`first_outside`]).
pub fn gather<T: Copy + Send + Sync>(sizes: Gather, x: &[T], indices: &[i32], y: &mut [T]) {
    let Gather { batch, outer, size, slice, count } = sizes;
    assert_eq!(x.len(), batch * outer * size * slice);
    assert_eq!(indices.len(), batch * count);
    assert_eq!(y.len(), batch * outer * count * slice);
    if y.is_empty() {
        return;
    }
    let rows = batch * outer * count;
    let tasks = tasks_for(y.len());
    let out = SendPtr::new(y);
    run(tasks, &|task| {
        let range = split(rows, tasks, task);
        // SAFETY: rows of different tasks are disjoint.
        let part = unsafe { out.slice_mut(range.start * slice..range.end * slice) };
        for (row, y) in range.zip(part.chunks_exact_mut(slice)) {
            let (outside, i) = (row / count, row % count);
            let index = indices[outside / outer * count + i] as usize;
            assert!(index < size);
            let from = (outside * size + index) * slice;
            y.copy_from_slice(&x[from..from + slice]);
        }
    });
}

/// Columns a task, where sums are divided by columns: a few cache lines.
const COLUMNS: usize = 64;

/// `y[s] = Σ x[i] over i with segments[i] = s`, `x [count, width]`, `y [n, width]`, added in the order of i; segments
/// outside `0..n` are left out.
///
/// # Panics
/// Where a length does not fit.
pub fn segment_sum(x: &[f32], segments: &[i32], width: usize, y: &mut [f32]) {
    assert_eq!(x.len(), segments.len() * width);
    if y.is_empty() {
        return;
    }
    assert!(y.len().is_multiple_of(width));
    let rows = y.len() / width;
    let tasks = tasks_for(x.len() + y.len());
    let out = SendPtr::new(y);
    // by columns where the rows are long, else by segments
    let by_columns = width >= COLUMNS * tasks;
    run(tasks, &|task| {
        let columns = if by_columns { split(width, tasks, task) } else { 0..width };
        let own = if by_columns { 0..rows } else { split(rows, tasks, task) };
        for row in own.clone() {
            // SAFETY: rows or columns of different tasks are disjoint.
            unsafe { out.slice_mut(row * width + columns.start..row * width + columns.end) }.fill(0.0);
        }
        for (&segment, x) in segments.iter().zip(x.chunks_exact(width)) {
            let Ok(row) = usize::try_from(segment) else { continue };
            if own.contains(&row) {
                // SAFETY: as above.
                let y = unsafe { out.slice_mut(row * width + columns.start..row * width + columns.end) };
                add_to(&x[columns.clone()], y);
            }
        }
    });
}

dispatch! {
    fn add_to(x: &[f32], y: &mut [f32]) = add_to_with;
}

#[inline(always)]
fn add_to_with<S: Isa>(x: &[f32], y: &mut [f32]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += x;
    }
}

/// Rows of `depth` numbers, `off` but for `on` at the index; all `off` where the index is outside.
///
/// # Panics
/// Where a length does not fit.
pub fn one_hot(indices: &[i32], depth: usize, on: f32, off: f32, y: &mut [f32]) {
    assert_eq!(y.len(), indices.len() * depth);
    if depth == 0 {
        return;
    }
    let out = SendPtr::new(y);
    for_parts(y.len(), &|range| {
        // SAFETY: parts are disjoint and within the output.
        let part = unsafe { out.slice_mut(range.clone()) };
        part.fill(off);
        let rows = range.start / depth..range.end.div_ceil(depth);
        for (row, &index) in rows.clone().zip(&indices[rows]) {
            let Some(index) = usize::try_from(index).ok().filter(|&index| index < depth) else { continue };
            let at = row * depth + index;
            if range.contains(&at) {
                part[at - range.start] = on;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gathers_like_a_loop() {
        for (batch, outer, size, slice, count) in
            [(1, 1, 5, 3, 4), (2, 3, 4, 1, 5), (1, 1, 100, 700, 90), (3, 2, 1, 2, 2), (1, 1, 4, 0, 2), (1, 1, 3, 2, 0)]
        {
            let sizes = Gather { batch, outer, size, slice, count };
            let x: Vec<f32> = (0..batch * outer * size * slice).map(|i| i as f32).collect();
            let indices: Vec<i32> = (0..batch * count).map(|i| (i * 7 % size) as i32).collect();
            let mut y = vec![f32::NAN; batch * outer * count * slice];
            gather(sizes, &x, &indices, &mut y);
            for (at, &y) in y.iter().enumerate() {
                let (s, i) = (at % slice, at / slice % count);
                let (o, b) = (at / slice / count % outer, at / slice / count / outer);
                assert_eq!(y, x[((b * outer + o) * size + indices[b * count + i] as usize) * slice + s]);
            }
        }
        assert_eq!(first_outside(&[0, 3, -1], 3), Some(3));
        assert_eq!(first_outside(&[0, -1], 3), Some(-1));
        assert_eq!(first_outside(&[0, 2], 3), None);
    }

    #[test]
    fn sums_by_segment() {
        for (count, width, n) in [(7, 3, 4), (300, 200, 11), (9, 1, 9000), (0, 3, 2), (5, 0, 3)] {
            let x: Vec<f32> = (0..count * width).map(|i| (i % 17) as f32).collect();
            let segments: Vec<i32> = (0..count).map(|i| (i as i32 * 5) % (n as i32 + 2) - 1).collect();
            let mut y = vec![f32::NAN; n * width];
            segment_sum(&x, &segments, width, &mut y);
            let mut want = vec![0.0; n * width];
            for (i, &s) in segments.iter().enumerate() {
                if (0..n as i32).contains(&s) {
                    (0..width).for_each(|j| want[s as usize * width + j] += x[i * width + j]);
                }
            }
            assert_eq!(y, want);
        }
    }

    #[test]
    fn one_hot_rows() {
        let mut y = vec![f32::NAN; 9];
        one_hot(&[2, -1, 0], 3, 5.0, 1.0, &mut y);
        assert_eq!(y, [1.0, 1.0, 5.0, 1.0, 1.0, 1.0, 5.0, 1.0, 1.0]);
        let indices: Vec<i32> = (0..1000).map(|i| i % 101).collect();
        let mut y = vec![f32::NAN; 100_000];
        one_hot(&indices, 100, 1.0, 0.0, &mut y);
        assert!(y.iter().enumerate().all(|(at, &y)| (y == 1.0) == (indices[at / 100] as usize == at % 100)));
    }
}
