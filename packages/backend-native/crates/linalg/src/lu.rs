//! LU with partial pivoting, for the basis that L is.

use crate::check::largest;
use crate::gemm::{Store, gemm};
use crate::vector::add_columns;
use crate::view::{View, ViewMut};

/// Columns that are eliminated one by one before the rest is brought up to date in one product.
const PANEL: usize = 16;

/// Factors `a` [rows, cols], rows >= cols (columns `ld` apart), in place: L below the diagonal, U on and above it. Gives
/// the row of the original that each row is now. A column without pivot keeps zeros below its diagonal.
pub(crate) fn factor(a: &mut [f64], ld: usize, rows: usize, cols: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows).collect();
    let mut top = Vec::new();
    for first in (0..cols).step_by(PANEL) {
        let last = (first + PANEL).min(cols);
        for j in first..last {
            let column = &a[j * ld + j..j * ld + rows];
            let most = largest(column);
            let pivot = j + column.iter().position(|x| x.abs() == most).unwrap_or(0);
            if pivot != j {
                order.swap(j, pivot);
                (0..cols).for_each(|c| a.swap(c * ld + j, c * ld + pivot));
            }
            if most == 0.0 {
                continue;
            }
            let (head, tail) = a.split_at_mut((j + 1) * ld);
            let (value, below) = (head[j * ld + j], &mut head[j * ld + j + 1..j * ld + rows]);
            below.iter_mut().for_each(|x| *x /= value);
            for column in tail.chunks_exact_mut(ld).take(last - j - 1) {
                let factor = [-column[j]];
                add_columns(below, below.len(), &factor, &mut column[j + 1..rows]);
            }
        }
        let (width, rest) = (last - first, cols - last);
        if rest == 0 {
            continue;
        }
        let (head, tail) = a.split_at_mut(last * ld);
        let panel = &head[first * ld..];
        // the rows of U beside the panel
        top.clear();
        for column in tail.chunks_exact_mut(ld) {
            for j in 0..width {
                let factor = [-column[first + j]];
                let below = &panel[j * ld + first + j + 1..j * ld + last];
                add_columns(below, below.len(), &factor, &mut column[first + j + 1..last]);
            }
            top.extend_from_slice(&column[first..last]);
        }
        if rows > last {
            let below = View::columns(&panel[last..], rows - last, width, ld);
            let out = ViewMut::columns(&mut tail[last..], rows - last, rest, ld);
            gemm(-1.0, below, View::columns(&top, width, rest, width), Store::Add, out);
        }
    }
    order
}
