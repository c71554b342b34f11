//! Sums over the rows of a matrix: the gradient of a bias.

use learngene_pool::SendPtr;
use learngene_simd::{Isa, dispatch};

use crate::layer_norm::Grouping;

dispatch! {
    fn add_rows(x: &[f32], sums: &mut [f32]) = add_rows_with;
}
/// Adds rows of `sums.len()` values, eight at a time.
#[inline(always)]
#[allow(clippy::extra_unused_type_parameters, reason = "`dispatch!` names the instruction set")]
fn add_rows_with<S: Isa>(x: &[f32], sums: &mut [f32]) {
    let width = sums.len();
    let mut blocks = x.chunks_exact(8 * width);
    for block in &mut blocks {
        let (a, b) = block.split_at(4 * width);
        let row = |x: &[f32], i: usize, at: usize| x[i * width + at];
        let (a, b) = (&a[..4 * width], &b[..4 * width]);
        for (at, sum) in sums.iter_mut().enumerate() {
            let first = (row(a, 0, at) + row(a, 1, at)) + (row(a, 2, at) + row(a, 3, at));
            let second = (row(b, 0, at) + row(b, 1, at)) + (row(b, 2, at) + row(b, 3, at));
            *sum += first + second;
        }
    }
    for row in blocks.remainder().chunks_exact(width) {
        for (sum, &x) in sums.iter_mut().zip(row) {
            *sum += x;
        }
    }
}

/// sums[j] = Σ_i x[i, j] over the rows of `sums.len()` values.
pub fn column_sums(x: &[f32], sums: &mut [f32]) {
    let width = sums.len();
    if width == 0 {
        assert!(x.is_empty());
        return;
    }
    assert!(x.len().is_multiple_of(width));
    let grouping = Grouping { groups: 1, rows: x.len() / width, width };
    grouping.reduce([sums], &|_, first, last, sums| add_rows(&x[first * width..last * width], sums));
}

dispatch! {
    fn relu_grad_rows(dy: &[f32], y: &[f32], dx: &mut [f32]) = relu_grad_rows_with;
}
#[inline(always)]
#[allow(clippy::extra_unused_type_parameters, reason = "`dispatch!` names the instruction set")]
fn relu_grad_rows_with<S: Isa>(dy: &[f32], y: &[f32], dx: &mut [f32]) {
    for ((dx, &dy), &y) in dx.iter_mut().zip(dy).zip(y) {
        *dx = if y > 0.0 { dy } else { 0.0 };
    }
}

/// dx = dy where y > 0, else 0: the gradient through a ReLU whose result was y; and sums[j] = Σ_i dx[i, j].
///
/// # Panics
/// Where a length does not fit.
pub fn relu_grad_and_sums(dy: &[f32], y: &[f32], dx: &mut [f32], sums: &mut [f32]) {
    let width = sums.len();
    assert!(dy.len() == y.len() && dx.len() == y.len() && dy.len().is_multiple_of(width.max(1)));
    if width == 0 {
        assert!(y.is_empty());
        return;
    }
    let out = SendPtr::new(dx);
    let grouping = Grouping { groups: 1, rows: y.len() / width, width };
    grouping.reduce([sums], &|_, first, last, sums| {
        // some rows at a time, which are in the first-level cache when they are summed
        let step = (STEP / width).max(8);
        for first in (first..last).step_by(step) {
            let part = first * width..(first + step).min(last) * width;
            // SAFETY: tasks have different rows.
            let dx = unsafe { out.slice_mut(part.clone()) };
            relu_grad_rows(&dy[part.clone()], &y[part], dx);
            add_rows(dx, sums);
        }
    });
}

/// Numbers that are summed while they are in the first-level cache.
const STEP: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::testing::{close, values};

    #[test]
    fn matrices_of_any_size() {
        for (rows, width) in [(0, 3), (5, 0), (1, 1), (7, 5), (8, 16), (1000, 33), (515, 384)] {
            let x = values(rows * width, 1, 1.0);
            let mut sums = vec![f32::NAN; width];
            column_sums(&x, &mut sums);
            let want: Vec<f64> = (0..width).map(|j| (0..rows).map(|i| f64::from(x[i * width + j])).sum()).collect();
            close(&sums, &want, 1e-5);
        }
    }

    #[test]
    fn relu_gradients_and_their_sums() {
        for (rows, width) in [(0, 3), (5, 0), (1, 1), (7, 5), (1000, 33), (515, 384), (3, 5000)] {
            let (dy, mut y) = (values(rows * width, 1, 1.0), values(rows * width, 2, 1.0));
            y.iter_mut().for_each(|y| *y = y.max(0.0));
            let (mut dx, mut sums) = (vec![f32::NAN; y.len()], vec![f32::NAN; width]);
            relu_grad_and_sums(&dy, &y, &mut dx, &mut sums);
            let want: Vec<f32> = dy.iter().zip(&y).map(|(&dy, &y)| if y > 0.0 { dy } else { 0.0 }).collect();
            assert_eq!(dx, want);
            let want: Vec<f64> = (0..width).map(|j| (0..rows).map(|i| f64::from(want[i * width + j])).sum()).collect();
            close(&sums, &want, 1e-5);
        }
    }
}
