//! Softmax and its logarithm over rows.

use learngene_pool::{SendPtr, split};
use learngene_simd::{Isa, dispatch, exp};

use crate::support::{LANES, PART, fold, fold_with, for_tasks, lanes, sum_of};

/// Largest value of a row; -infinity for an empty one.
#[inline(always)]
pub(crate) fn largest(x: &[f32]) -> f32 {
    let mut tops = [f32::NEG_INFINITY; LANES];
    let whole = x.len() - x.len() % LANES;
    for at in (0..whole).step_by(LANES) {
        for (top, &x) in tops.iter_mut().zip(lanes(&x[at..])) {
            *top = if x > *top { x } else { *top };
        }
    }
    for (top, &x) in tops.iter_mut().zip(&x[whole..]) {
        *top = if x > *top { x } else { *top };
    }
    fold_with(tops, |a, b| if b > a { b } else { a })
}

/// y = e^(x - top); returns the sum, of long rows over parts added in f64.
#[inline(always)]
fn exponentials<S: Isa>(x: &[f32], top: f32, y: &mut [f32]) -> f32 {
    // sixteen running sums, where `sum_of` has four times as many
    const LENGTH: usize = PART / 4;
    if x.len() <= LENGTH {
        return exponentials_of_part::<S>(x, top, y);
    }
    let parts = x.chunks(LENGTH).zip(y.chunks_mut(LENGTH));
    parts.map(|(x, y)| f64::from(exponentials_of_part::<S>(x, top, y))).sum::<f64>() as f32
}

#[inline(always)]
fn exponentials_of_part<S: Isa>(x: &[f32], top: f32, y: &mut [f32]) -> f32 {
    let mut sums = [0.0; LANES];
    let whole = x.len() - x.len() % LANES;
    for (y, x) in y[..whole].as_chunks_mut::<LANES>().0.iter_mut().zip(x[..whole].as_chunks::<LANES>().0) {
        for i in 0..LANES {
            let e = exp::<S>(x[i] - top);
            y[i] = e;
            sums[i] += e;
        }
    }
    for ((y, &x), sum) in y[whole..].iter_mut().zip(&x[whole..]).zip(&mut sums) {
        *y = exp::<S>(x - top);
        *sum += *y;
    }
    fold(sums)
}

dispatch! {
    fn softmax_rows(x: &[f32], width: usize, y: &mut [f32]) = softmax_rows_with;
}
#[inline(always)]
fn softmax_rows_with<S: Isa>(x: &[f32], width: usize, y: &mut [f32]) {
    for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
        let factor = 1.0 / exponentials::<S>(x, largest(x), y);
        for y in y {
            *y *= factor;
        }
    }
}

dispatch! {
    fn log_softmax_rows(x: &[f32], width: usize, y: &mut [f32]) = log_softmax_rows_with;
}
#[inline(always)]
fn log_softmax_rows_with<S: Isa>(x: &[f32], width: usize, y: &mut [f32]) {
    for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
        let top = largest(x);
        let log = sum_of(x, |x, sum| sum + exp::<S>(x - top)).ln();
        for (y, &x) in y.iter_mut().zip(x) {
            *y = (x - top) - log;
        }
    }
}

type Rows = fn(&[f32], usize, &mut [f32]);

fn over_rows(x: &[f32], width: usize, y: &mut [f32], part: Rows) {
    assert!(x.len() == y.len());
    if x.is_empty() {
        return;
    }
    assert!(x.len().is_multiple_of(width));
    let rows = x.len() / width;
    let tasks = rows.min((x.len() / 8192).max(1));
    let y = SendPtr::new(y);
    for_tasks(tasks, x.len(), &|task| {
        let rows = split(rows, tasks, task);
        let range = rows.start * width..rows.end * width;
        // SAFETY: the ranges of different tasks are disjoint and within the output.
        let y = unsafe { y.slice_mut(range.clone()) };
        part(&x[range], width, y);
    });
}

/// Softmax of every row of `width` values.
pub fn softmax(x: &[f32], width: usize, y: &mut [f32]) {
    over_rows(x, width, y, softmax_rows);
}

/// The logarithm of the softmax of every row of `width` values.
pub fn log_softmax(x: &[f32], width: usize, y: &mut [f32]) {
    over_rows(x, width, y, log_softmax_rows);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::testing::{close, values};

    #[test]
    fn rows_of_any_size() {
        for (rows, width) in [(0, 4), (1, 1), (3, 5), (7, 16), (100, 257), (2, 5000)] {
            let x = values(rows * width, 1, 20.0);
            let want: Vec<f64> = x
                .chunks(width)
                .flat_map(|row| {
                    let sum: f64 = row.iter().map(|&x| f64::from(x).exp()).sum();
                    row.iter().map(move |&x| f64::from(x).exp() / sum)
                })
                .collect();
            let mut y = vec![f32::NAN; x.len()];
            softmax(&x, width, &mut y);
            close(&y, &want, 1e-6);
            log_softmax(&x, width, &mut y);
            close(&y, &want.iter().map(|p| p.ln()).collect::<Vec<_>>(), 1e-6);
        }
    }

    #[test]
    fn long_rows_stay_accurate() {
        let mut x = vec![0.0f32; 1_000_003];
        x[5] = 2.3;
        let sum = f64::from(2.3f32).exp() + (x.len() - 1) as f64;
        let mut y = vec![f32::NAN; x.len()];
        softmax(&x, x.len(), &mut y);
        assert!((f64::from(y[0]) * sum - 1.0).abs() < 2e-6);
        log_softmax(&x, x.len(), &mut y);
        assert!((f64::from(y[0]) + sum.ln()).abs() < 2e-6);
    }

    #[test]
    fn infinite_and_missing_values() {
        let mut y = [0.0; 3];
        softmax(&[f32::NEG_INFINITY, 0.0, 0.0], 3, &mut y);
        assert_eq!(y, [0.0, 0.5, 0.5]);
        softmax(&[1.0, f32::NAN, 0.0], 3, &mut y);
        assert!(y.iter().all(|y| y.is_nan()));
    }
}
