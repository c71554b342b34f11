//! The SVD of a matrix whose rows or columns differ much in size, by one-sided Jacobi rotations after a pivoted QR
//! (Drmač and Veselić 2008, "New fast and accurate Jacobi SVD algorithm").
//!
//! Bidiagonal reduction and divide and conquer leave errors of a few ulps of the largest singular value, in which small
//! ones drown. Here every singular value of D B E, D and E diagonal, has a relative error of a few ulps times the
//! condition of B. The work is that of five to ten reductions.

use crate::Error;
use crate::qr;
use crate::reflector::{Reflectors, reflector};
use crate::vector::{add_columns, dot, rotate, scale, two_columns};
use crate::view::leading;

/// Largest ratio of the sizes of two rows, or two columns, of a matrix that counts as ordinary.
const ORDINARY: f64 = 1024.0;
/// Below this, against a largest element of about 1, a vector has too few digits to be normalised.
const TINY: f64 = 1e-290;
/// Sweeps allowed; 5 are usual.
const SWEEPS: usize = 60;

/// Whether the rows or the columns of row-major `a` [., cols], zero ones apart, differ much in size.
pub(crate) fn is_graded(a: &[f64], cols: usize) -> bool {
    let mut columns = vec![0.0f64; cols];
    let (mut least, mut most) = (f64::INFINITY, 0.0f64);
    for row in a.chunks_exact(cols) {
        let mut size = 0.0f64;
        for (column, x) in columns.iter_mut().zip(row) {
            let x = x.abs();
            size = size.max(x);
            *column = column.max(x);
        }
        if size > 0.0 {
            (least, most) = (least.min(size), most.max(size));
        }
    }
    let least_column = columns.iter().filter(|&&size| size > 0.0).fold(f64::INFINITY, |a, &b| a.min(b));
    // the largest element is in the largest row and in the largest column
    most > ORDINARY * least.min(least_column)
}

/// x = u diag(s) v': columns of u [rows, n] and v [n, n], `ld_u` and `ld_v` apart, and s descending.
pub(crate) struct Decomposed {
    pub u: Vec<f64>,
    pub ld_u: usize,
    pub s: Vec<f64>,
    pub v: Vec<f64>,
    pub ld_v: usize,
}

/// Decomposes `x` [rows, n], rows >= n, columns `ld` apart, with elements of at most about 1.
pub(crate) fn decompose(x: &[f64], ld: usize, rows: usize, n: usize) -> Result<Decomposed, Error> {
    let row_order = descending((0..rows).map(|i| (0..n).fold(0.0f64, |size, j| size.max(x[j * ld + i].abs()))));
    let mut a = vec![0.0; ld * n];
    for (to, from) in a.chunks_exact_mut(ld).zip(x.chunks_exact(ld)) {
        for (to, &i) in to.iter_mut().zip(&row_order) {
            *to = from[i];
        }
    }
    let Pivoted { diagonal, taus, order: column_order } = pivoted_qr(&mut a, ld, rows, n);
    // the rows of R are vectors that J turns into s_k w_k: R = J diag(s) W'
    let ld_v = leading(n);
    let mut vectors = vec![0.0; ld_v * n];
    let mut turns = vec![0.0; ld_v * n];
    for k in 0..n {
        vectors[k * ld_v + k] = diagonal[k];
        for j in k + 1..n {
            vectors[k * ld_v + j] = a[j * ld + k];
        }
        turns[k * ld_v + k] = 1.0;
    }
    let lengths = orthogonalise(&mut vectors, &mut turns, ld_v, n)?;
    let order = descending(lengths.iter().copied());
    let s: Vec<f64> = order.iter().map(|&k| lengths[k]).collect();
    let mut sorted = vec![0.0; ld_v * n];
    let mut u = vec![0.0; ld * n];
    for (k, &from) in order.iter().enumerate() {
        sorted[k * ld_v..k * ld_v + n].copy_from_slice(&vectors[from * ld_v..from * ld_v + n]);
        u[k * ld..k * ld + n].copy_from_slice(&turns[from * ld_v..from * ld_v + n]);
    }
    normalise(&mut sorted, ld_v, &s);
    Reflectors { columns: &a, ld, shift: 0, rows, taus: &taus }.apply(&mut u, ld, n);
    let mut v = vec![0.0; ld_v * n];
    for (to, from) in v.chunks_exact_mut(ld_v).zip(sorted.chunks_exact(ld_v)) {
        for (&x, &at) in from.iter().zip(&column_order) {
            to[at] = x;
        }
    }
    let mut left = vec![0.0; ld * n];
    for (to, from) in left.chunks_exact_mut(ld).zip(u.chunks_exact(ld)) {
        for (&x, &at) in from.iter().zip(&row_order) {
            to[at] = x;
        }
    }
    Ok(Decomposed { u: left, ld_u: ld, s, v, ld_v })
}

/// Places by falling size.
fn descending(sizes: impl Iterator<Item = f64>) -> Vec<usize> {
    let sizes: Vec<f64> = sizes.collect();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by(|&i, &j| sizes[j].total_cmp(&sizes[i]));
    order
}

struct Pivoted {
    diagonal: Vec<f64>,
    taus: Vec<f64>,
    /// The column that stands at each place.
    order: Vec<usize>,
}

/// Householder QR with the longest column first (Businger and Golub 1965), in the form of [`qr::factor`]. With rows
/// sorted by size it is accurate in every row and column by its own size (Cox and Higham 1998).
fn pivoted_qr(a: &mut [f64], ld: usize, rows: usize, n: usize) -> Pivoted {
    let mut found = Pivoted { diagonal: vec![0.0; n], taus: vec![0.0; n], order: (0..n).collect() };
    let mut lengths: Vec<f64> = a.chunks_exact(ld).map(|column| length(&column[..rows])).collect();
    for k in 0..n {
        let pivot = (k..n).fold(k, |best, j| if lengths[j] > lengths[best] { j } else { best });
        if pivot > k {
            let (x, y) = two_columns(a, ld, k, pivot);
            x.swap_with_slice(y);
            found.order.swap(k, pivot);
            lengths.swap(k, pivot);
        }
        let (head, tail) = a.split_at_mut((k + 1) * ld);
        let v = &mut head[k * ld + k..k * ld + rows];
        (found.diagonal[k], found.taus[k]) = reflector(v);
        for (column, size) in tail.chunks_exact_mut(ld).zip(&mut lengths[k + 1..]) {
            let c = &mut column[k..rows];
            add_columns(v, v.len(), &[-found.taus[k] * dot(v, c)], c);
            *size = length(&c[1..]);
        }
    }
    found
}

/// The Euclidean length, without underflow.
fn length(x: &[f64]) -> f64 {
    let square = dot(x, x);
    if square > 1e-270 {
        return square.sqrt();
    }
    let largest = x.iter().fold(0.0f64, |largest, x| largest.max(x.abs()));
    if largest == 0.0 {
        return 0.0;
    }
    largest * x.iter().map(|x| (x / largest) * (x / largest)).sum::<f64>().sqrt()
}

/// Rotates pairs of the columns of `x` [n, n], and of `turns` alike, until all are orthogonal to rounding; their lengths.
fn orthogonalise(x: &mut [f64], turns: &mut [f64], ld: usize, n: usize) -> Result<Vec<f64>, Error> {
    let tolerance = (n as f64).sqrt() * f64::EPSILON;
    let mut lengths: Vec<f64> = x.chunks_exact(ld).map(|x| length(&x[..n])).collect();
    // places by falling length, as far as the sweep has come
    let mut order: Vec<usize> = (0..n).collect();
    for _ in 0..SWEEPS {
        let mut rotations = 0;
        for p in 0..n {
            for q in p + 1..n {
                if lengths[order[q]] > lengths[order[p]] {
                    order.swap(p, q);
                }
                let (i, j) = (order[p], order[q]);
                if lengths[j] == 0.0 {
                    continue;
                }
                let (x, y) = two_columns(x, ld, i, j);
                let (x, y) = (&mut x[..n], &mut y[..n]);
                let cosine = cosine(x, y, lengths[i], lengths[j]);
                if cosine.abs() <= tolerance {
                    continue;
                }
                let ratio = lengths[j] / lengths[i];
                let zeta = (ratio - 1.0 / ratio) / (2.0 * cosine);
                let tangent = 1f64.copysign(zeta) / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
                if tangent == 0.0 {
                    continue; // lengths more than 1e300 apart
                }
                rotations += 1;
                let c = 1.0 / (1.0 + tangent * tangent).sqrt();
                rotate(x, y, c, -c * tangent);
                (lengths[i], lengths[j]) = (length(x), length(y));
                let (x, y) = two_columns(turns, ld, i, j);
                rotate(&mut x[..n], &mut y[..n], c, -c * tangent);
            }
        }
        if rotations == 0 {
            return Ok(lengths);
        }
    }
    Err(Error::NoConvergence { sweeps: SWEEPS, values: n })
}

/// x'y / (|x| |y|), without underflow.
fn cosine(x: &[f64], y: &[f64], length_x: f64, length_y: f64) -> f64 {
    if length_y > 1e-135 {
        return dot(x, y) / length_x / length_y;
    }
    x.iter().zip(y).map(|(x, y)| (x / length_x) * (y / length_y)).sum()
}

/// Divides the columns of `x` [n, n] by their falling `lengths`; in the place of those of length 0 it puts whatever
/// completes the others to an orthonormal basis.
fn normalise(x: &mut [f64], ld: usize, lengths: &[f64]) {
    let n = lengths.len();
    let known = lengths.iter().position(|&length| length <= TINY).unwrap_or(n);
    for (k, column) in x.chunks_exact_mut(ld).enumerate() {
        if k < known {
            scale(&mut column[..n], 1.0 / lengths[k]);
        } else {
            column[..n].fill(0.0);
        }
    }
    if known < n {
        // zero columns leave unit ones behind
        let mut factored = x.to_vec();
        let (_, taus) = qr::factor(&mut factored, ld, n, n);
        let mut basis = vec![0.0; ld * n];
        Reflectors { columns: &factored, ld, shift: 0, rows: n, taus: &taus }.form(&mut basis, ld, n);
        x[known * ld..].copy_from_slice(&basis[known * ld..]);
    }
}
