//! Sums over the rows of a matrix.

use learngene_simd::{Isa, dispatch};

/// Rows are added up in blocks, which keeps the error of long sums small.
const ROWS: usize = 64;
/// Columns that are summed in registers.
const WIDTH: usize = 64;

dispatch! {
    /// `to[j]` = the sum over the rows i of x(i, first + j), for x of `columns` columns.
    pub(crate) fn column_sums(x: &[f32], columns: usize, first: usize, to: &mut [f32]) = sums_with;
}

dispatch! {
    /// `to[j]` = the sum over the rows i of x(i, first + j) y(i, first + j).
    pub(crate) fn column_dots(x: &[f32], y: &[f32], columns: usize, first: usize, to: &mut [f32]) = dots_with;
}

#[inline(always)]
#[expect(clippy::extra_unused_type_parameters)] // dispatch! names one
fn sums_with<S: Isa>(x: &[f32], columns: usize, first: usize, to: &mut [f32]) {
    strips(x.len() / columns.max(1), to, |row, j, sums: &mut [f32]| {
        let x = &x[row * columns + first + j..][..sums.len()];
        for (sum, &x) in sums.iter_mut().zip(x) {
            *sum += x;
        }
    });
}

#[inline(always)]
fn dots_with<S: Isa>(x: &[f32], y: &[f32], columns: usize, first: usize, to: &mut [f32]) {
    strips(x.len() / columns.max(1), to, |row, j, sums: &mut [f32]| {
        let at = row * columns + first + j;
        let (x, y) = (&x[at..][..sums.len()], &y[at..][..sums.len()]);
        for ((sum, &x), &y) in sums.iter_mut().zip(x).zip(y) {
            *sum = S::fma(x, y, *sum);
        }
    });
}

/// Calls `add(row, first column, sums)` for all rows, with blocks of rows summed apart.
#[inline(always)]
fn strips(rows: usize, to: &mut [f32], add: impl Fn(usize, usize, &mut [f32])) {
    to.fill(0.0);
    for (index, to) in to.chunks_mut(WIDTH).enumerate() {
        for begin in (0..rows).step_by(ROWS) {
            let mut sums = [0.0; WIDTH];
            let end = (begin + ROWS).min(rows);
            if to.len() == WIDTH {
                for row in begin..end {
                    add(row, index * WIDTH, &mut sums);
                }
            } else {
                for row in begin..end {
                    add(row, index * WIDTH, &mut sums[..to.len()]);
                }
            }
            for (to, sum) in to.iter_mut().zip(sums) {
                *to += sum;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{close, random};

    #[test]
    fn strips_of_columns() {
        for (rows, columns, first, count) in [(0, 3, 0, 3), (1, 5, 2, 3), (130, 70, 0, 70), (65, 100, 30, 65)] {
            let (x, y) = (random(rows * columns, 1), random(rows * columns, 2));
            let sum = |f: &dyn Fn(usize) -> f64| -> Vec<f64> {
                (0..count).map(|j| (0..rows).map(|i| f(i * columns + first + j)).sum()).collect()
            };
            let mut got = vec![f32::NAN; count];
            column_sums(&x, columns, first, &mut got);
            close(&got, &sum(&|e| f64::from(x[e])), 1e-5, "sums");
            column_dots(&x, &y, columns, first, &mut got);
            close(&got, &sum(&|e| f64::from(x[e]) * f64::from(y[e])), 1e-5, "dots");
        }
    }
}
