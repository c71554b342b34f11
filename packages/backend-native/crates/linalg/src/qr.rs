//! Householder QR in panels.

use learngene_pool::{SendPtr, run, split, threads};

use crate::reflector::{Reflectors, Scratch, reflector};
use crate::vector::{add_columns, column_dots};
use crate::view::ViewMut;

/// Columns of a panel.
const PANEL: usize = 32;
/// Columns within a panel after which the rest of the panel is brought up to date.
const ALONE: usize = 512;

/// Factors `a` [rows, cols] (columns `ld` apart) in place: reflectors below the diagonal, whose leading 1 is stored
/// too, R above it, R's diagonal and the taus in the results.
pub(crate) fn factor(a: &mut [f64], ld: usize, rows: usize, cols: usize) -> (Vec<f64>, Vec<f64>) {
    let count = rows.min(cols);
    let mut diagonal = vec![0.0; count];
    let mut taus = vec![0.0; count];
    let mut scratch = Scratch::default();
    for first in (0..count).step_by(PANEL) {
        let last = (first + PANEL).min(count);
        for j in first..last {
            let (head, tail) = a.split_at_mut((j + 1) * ld);
            let v = &mut head[j * ld + j..j * ld + rows];
            (diagonal[j], taus[j]) = reflector(v);
            if j + 1 < last {
                reflect(v, taus[j], &mut tail[j..], ld, last - j - 1);
            }
        }
        if last < cols {
            let (head, tail) = a.split_at_mut(last * ld);
            let reflectors = Reflectors { columns: head, ld, shift: 0, rows, taus: &taus };
            scratch.load(&reflectors, first, last);
            scratch.apply(ViewMut::columns(&mut tail[first..], rows - first, cols - last, ld), true);
        }
    }
    (diagonal, taus)
}

/// c -= tau v (v'c) for the `count` columns of `c`.
fn reflect(v: &[f64], tau: f64, c: &mut [f64], ld: usize, count: usize) {
    let n = v.len();
    let parts = if n < ALONE { 1 } else { threads() };
    let mut sums = vec![0.0; parts * PANEL];
    {
        let (c, sums) = (&*c, SendPtr::new(&mut sums));
        run(parts, &|part| {
            let rows = split(n, parts, part);
            // SAFETY: one part for each task, and count < PANEL.
            let sums = unsafe { sums.slice_mut(part * PANEL..part * PANEL + count) };
            column_dots(&c[rows.start..], ld, &v[rows], sums);
        });
    }
    let mut factors = [0.0; PANEL];
    for (at, factor) in factors.iter_mut().enumerate().take(count) {
        *factor = -tau * sums.chunks_exact(PANEL).map(|part| part[at]).sum::<f64>();
    }
    let out = SendPtr::new(c);
    run(parts, &|part| {
        let rows = split(n, parts, part);
        for (column, factor) in factors[..count].iter().enumerate() {
            // SAFETY: rows of different tasks are disjoint.
            let c = unsafe { out.slice_mut(column * ld + rows.start..column * ld + rows.end) };
            add_columns(&v[rows.clone()], rows.len(), std::slice::from_ref(factor), c);
        }
    });
}
