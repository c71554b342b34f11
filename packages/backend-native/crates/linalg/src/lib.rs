//! Decompositions of dense real matrices in float64, row-major in and out.
//!
//! LAPACK's algorithms, on this engine's own matrix product and thread pool: blocked Householder reductions, divide and
//! conquer for values and vectors, QR first where a matrix is not square. The backward error is a few ulps of the norm;
//! the singular values of graded matrices are accurate by their own size.
//! The same input gives the same bits for the same number of threads.

mod bidiagonalize;
mod check;
mod cholesky;
mod eigen_divide;
mod error;
mod gemm;
mod iteration;
mod jacobi;
mod lu;
mod merge;
mod qr;
mod reflector;
mod secular;
mod svd_divide;
#[cfg(test)]
mod tests;
mod tile;
mod tridiagonalize;
mod vector;
mod view;

use learngene_pool::zeros;

use check::{Scale, shape};
pub use error::Error;
use gemm::Store;
use iteration::Columns;
use merge::copy_columns;
use reflector::{Reflectors, transpose};
use view::{View, ViewMut, leading};

/// The product `c` [m, n] of `a` [m, k] and `b` [k, n], row-major. NaN and infinity pass through.
pub fn matmul(a: &[f64], b: &[f64], c: &mut [f64], (m, k, n): (usize, usize, usize)) -> Result<(), Error> {
    shape("a", a.len(), m, k)?;
    shape("b", b.len(), k, n)?;
    shape("c", c.len(), m, n)?;
    gemm::gemm(1.0, View::new(a, m, k, k, 1), View::new(b, k, n, n, 1), Store::Replace, ViewMut::new(c, m, n, n, 1));
    Ok(())
}

/// The product `c` [m, n] of the transpose of `a` [k, m] and `b` [k, n], row-major. NaN and infinity pass through.
pub fn transposed_matmul(a: &[f64], b: &[f64], c: &mut [f64], (m, k, n): (usize, usize, usize)) -> Result<(), Error> {
    shape("a", a.len(), k, m)?;
    shape("b", b.len(), k, n)?;
    shape("c", c.len(), m, n)?;
    gemm::gemm(1.0, View::new(a, m, k, 1, m), View::new(b, k, n, n, 1), Store::Replace, ViewMut::new(c, m, n, n, 1));
    Ok(())
}

/// P L [m, k] of `a` [m, n] = P L U with partial pivoting, k = min(m, n): a basis of the space of the columns whose
/// entries are at most 1. A column without pivot is zeros below its 1.
pub fn permuted_lower(a: &[f64], (m, n): (usize, usize), pl: &mut [f64]) -> Result<(), Error> {
    let k = m.min(n);
    shape("a", a.len(), m, n)?;
    shape("pl", pl.len(), m, k)?;
    Scale::of(a, n)?;
    // L comes from the first k columns alone
    let ld = leading(m);
    let mut x = zeros(ld * k);
    transpose(a, n, &mut x, ld, (m, k), |i| i);
    let order = lu::factor(&mut x, ld, m, k);
    for (j, column) in x.chunks_exact_mut(ld).enumerate() {
        column[..j].fill(0.0);
        column[j] = 1.0;
    }
    let mut rows = zeros(m * k);
    transpose(&x, ld, &mut rows, k, (k, m), |i| i);
    for (row, &at) in rows.chunks_exact(k).zip(&order) {
        pl[at * k..at * k + k].copy_from_slice(row);
    }
    Ok(())
}

/// The columns of the transpose of row-major `a` [m, n], or those of `a`, as a column-major working copy.
fn columns_of(a: &[f64], (m, n): (usize, usize), transposed: bool) -> (Vec<f64>, usize) {
    if transposed {
        let ld = leading(n);
        let mut out = zeros(ld * m);
        copy_columns(a, n, 0..n, m, |at| at, (&mut out, ld));
        (out, ld)
    } else {
        let ld = leading(m);
        let mut out = zeros(ld * n);
        transpose(a, n, &mut out, ld, (m, n), |i| i);
        (out, ld)
    }
}

/// Thin SVD a = u diag(s) v' of `a` [m, n]: `u` [m, k], `s` [k] descending, `v` [n, k], k = min(m, n).
///
/// The error of every singular value is a few ulps of s[0]. Where rows or columns differ in size by more than 1024 (zero
/// ones apart), it is a few ulps of the value itself times the condition of B, a = D B E with the diagonal D and E that
/// make B's condition least: diagonal and graded matrices keep their smallest values to full relative accuracy.
pub fn svd(a: &[f64], (m, n): (usize, usize), u: &mut [f64], s: &mut [f64], v: &mut [f64]) -> Result<(), Error> {
    svd_with(a, (m, n), u, s, v, svd_divide::LEAF)
}

fn svd_with(
    a: &[f64],
    (m, n): (usize, usize),
    u: &mut [f64],
    s: &mut [f64],
    v: &mut [f64],
    leaf: usize,
) -> Result<(), Error> {
    let k = m.min(n);
    shape("a", a.len(), m, n)?;
    shape("u", u.len(), m, k)?;
    shape("s", s.len(), k, 1)?;
    shape("v", v.len(), n, k)?;
    let scale = Scale::of(a, n)?;
    // x = a or its transpose, with at least as many rows as columns
    let wide = m <= n;
    let (rows, left_out, right_out) = if wide { (n, v, u) } else { (m, u, v) };
    let (mut x, ld) = columns_of(a, (m, n), wide);
    scale.apply(&mut x);
    if jacobi::is_graded(a, n) {
        let found = jacobi::decompose(&x, ld, rows, k)?;
        s.copy_from_slice(&found.s);
        scale.undo(s);
        transpose(&found.u, found.ld_u, left_out, k, (k, rows), |i| i);
        transpose(&found.v, found.ld_v, right_out, k, (k, k), |i| i);
        return Ok(());
    }
    let (tall, mut core, ld_core) = if rows > k {
        let (diagonal, taus) = qr::factor(&mut x, ld, rows, k);
        let ld_core = leading(k);
        let mut core = zeros(ld_core * k);
        for (j, (to, from)) in core.chunks_exact_mut(ld_core).zip(x.chunks_exact(ld)).enumerate() {
            to[..j].copy_from_slice(&from[..j]);
            to[j] = diagonal[j];
        }
        (Some((x, taus)), core, ld_core)
    } else {
        (None, x, ld)
    };
    let reduced = bidiagonalize::bidiagonalize(std::mem::take(&mut core), ld_core, k);
    // the transpose of the bidiagonal matrix is lower bidiagonal: its u are our right vectors
    let found = svd_divide::decompose(&reduced.diagonal, &reduced.side, leaf)?;
    let descending: Vec<usize> = found.order.iter().rev().copied().collect();
    for (s, &at) in s.iter_mut().zip(&descending) {
        *s = found.values[at];
    }
    scale.undo(s);
    let gather = |from: &[f64], rows: usize| {
        let ld = leading(rows);
        let mut out = zeros(ld * k);
        copy_columns(from, found.ld, 0..k, k, |place| descending[place], (&mut out, ld));
        (out, ld)
    };
    let (mut right, ld_right) = gather(&found.u, k);
    reduced.right().apply(&mut right, ld_right, k);
    transpose(&right, ld_right, right_out, k, (k, k), |i| i);
    drop(right);
    let (mut left, ld_left) = gather(&found.v, rows);
    reduced.left().apply(&mut left, ld_left, k);
    if let Some((x, taus)) = tall {
        Reflectors { columns: &x, ld, shift: 0, rows, taus: &taus }.apply(&mut left, ld_left, k);
    }
    transpose(&left, ld_left, left_out, k, (k, rows), |i| i);
    Ok(())
}

/// Eigenvalues `values` [n], ascending, and eigenvectors in the columns of `vectors` [n, n] of the symmetric `a` [n, n],
/// of which the upper triangle is read. The error of every eigenvalue is a few ulps of the largest magnitude; those of a
/// diagonal matrix are its elements. Small eigenvalues of a graded positive definite matrix are better taken as [`svd`]'s.
pub fn symmetric_eigen(a: &[f64], n: usize, values: &mut [f64], vectors: &mut [f64]) -> Result<(), Error> {
    symmetric_eigen_with(a, n, values, vectors, eigen_divide::LEAF)
}

fn symmetric_eigen_with(
    a: &[f64],
    n: usize,
    values: &mut [f64],
    vectors: &mut [f64],
    leaf: usize,
) -> Result<(), Error> {
    shape("a", a.len(), n, n)?;
    shape("values", values.len(), n, 1)?;
    shape("vectors", vectors.len(), n, n)?;
    let scale = Scale::of(a, n)?;
    let (mut x, ld) = columns_of(a, (n, n), true);
    scale.apply(&mut x);
    let mut reduced = tridiagonalize::tridiagonalize(x, ld, n);
    let (d, e) = (reduced.diagonal.clone(), std::mem::take(&mut reduced.side));
    let found = eigen_divide::decompose(d, e, leaf)?;
    let mut sorted = zeros(found.ld * n);
    copy_columns(&found.vectors, found.ld, 0..n, n, |place| found.order[place], (&mut sorted, found.ld));
    for (value, &at) in values.iter_mut().zip(&found.order) {
        *value = found.values[at];
    }
    scale.undo(values);
    let ld = found.ld;
    drop(found);
    reduced.reflectors().apply(&mut sorted, ld, n);
    transpose(&sorted, ld, vectors, n, (n, n), |i| i);
    Ok(())
}

/// The eigenvalues `values` [n] of [`symmetric_eigen`] alone.
pub fn symmetric_eigenvalues(a: &[f64], n: usize, values: &mut [f64]) -> Result<(), Error> {
    shape("a", a.len(), n, n)?;
    shape("values", values.len(), n, 1)?;
    let scale = Scale::of(a, n)?;
    let (mut x, ld) = columns_of(a, (n, n), true);
    scale.apply(&mut x);
    let mut reduced = tridiagonalize::tridiagonalize(x, ld, n);
    iteration::tridiagonal(&mut reduced.diagonal, &mut reduced.side, &mut Columns::none())?;
    values.copy_from_slice(&reduced.diagonal);
    values.sort_by(f64::total_cmp);
    scale.undo(values);
    Ok(())
}

/// Thin QR a = q r of `a` [m, n]: `q` [m, k] with orthonormal columns, `r` [k, n] upper triangular, k = min(m, n).
pub fn qr(a: &[f64], (m, n): (usize, usize), q: &mut [f64], r: &mut [f64]) -> Result<(), Error> {
    let k = m.min(n);
    shape("a", a.len(), m, n)?;
    shape("q", q.len(), m, k)?;
    shape("r", r.len(), k, n)?;
    let scale = Scale::of(a, n)?;
    let (mut x, ld) = columns_of(a, (m, n), false);
    scale.apply(&mut x);
    let (diagonal, taus) = qr::factor(&mut x, ld, m, n);
    transpose(&x, ld, r, n, (n, k), |i| i);
    for (i, (row, &diagonal)) in r.chunks_exact_mut(n).zip(&diagonal).enumerate() {
        row[..i].fill(0.0);
        row[i] = diagonal;
    }
    scale.undo(r);
    let mut columns = zeros(ld * k);
    Reflectors { columns: &x, ld, shift: 0, rows: m, taus: &taus }.form(&mut columns, ld, k);
    transpose(&columns, ld, q, k, (k, m), |i| i);
    Ok(())
}

/// The lower triangular `l` [n, n] with a = l l' for the symmetric positive definite `a` [n, n], of which the lower
/// triangle is read.
pub fn cholesky(a: &[f64], n: usize, l: &mut [f64]) -> Result<(), Error> {
    shape("a", a.len(), n, n)?;
    shape("l", l.len(), n, n)?;
    Scale::of(a, n)?;
    let (mut x, ld) = columns_of(a, (n, n), false);
    cholesky::factor(&mut x, ld, n)?;
    transpose(&x, ld, l, n, (n, n), |i| i);
    for (i, row) in l.chunks_exact_mut(n).enumerate() {
        row[i + 1..].fill(0.0);
    }
    Ok(())
}
