//! Decompositions in float64.

use learngene_linalg as linalg;
use napi::{Error, Result, Status};
use napi_derive::napi;

use crate::boundary::{F64, F64Mut, disjoint};

fn checked(result: std::result::Result<(), linalg::Error>) -> Result<()> {
    result.map_err(|error| Error::new(Status::InvalidArg, error.to_string()))
}

/// a [m, n] = u diag(s) v': u [m, k], s [k] descending, v [n, k].
#[napi]
pub fn svd(m: u32, n: u32, a: F64, mut u: F64Mut, mut s: F64Mut, mut v: F64Mut) -> Result<()> {
    disjoint(&[&u, &s, &v], &[&a])?;
    checked(linalg::svd(&a, (m as usize, n as usize), &mut u, &mut s, &mut v))
}

/// a [n, n] = vectors diag(values) vectors', values ascending.
#[napi]
pub fn symmetric_eigen(n: u32, a: F64, mut values: F64Mut, mut vectors: F64Mut) -> Result<()> {
    disjoint(&[&values, &vectors], &[&a])?;
    checked(linalg::symmetric_eigen(&a, n as usize, &mut values, &mut vectors))
}

/// The eigenvalues of a [n, n] alone.
#[napi]
pub fn symmetric_eigenvalues(n: u32, a: F64, mut values: F64Mut) -> Result<()> {
    disjoint(&[&values], &[&a])?;
    checked(linalg::symmetric_eigenvalues(&a, n as usize, &mut values))
}

/// a [m, n] = q r: q [m, k], r [k, n].
#[napi]
pub fn qr(m: u32, n: u32, a: F64, mut q: F64Mut, mut r: F64Mut) -> Result<()> {
    disjoint(&[&q, &r], &[&a])?;
    checked(linalg::qr(&a, (m as usize, n as usize), &mut q, &mut r))
}

/// a [n, n] = l l'.
#[napi]
pub fn cholesky(n: u32, a: F64, mut l: F64Mut) -> Result<()> {
    disjoint(&[&l], &[&a])?;
    checked(linalg::cholesky(&a, n as usize, &mut l))
}

/// c [m, n] = a [m, k] b [k, n].
#[napi]
pub fn matmul_f64(m: u32, k: u32, n: u32, a: F64, b: F64, mut c: F64Mut) -> Result<()> {
    disjoint(&[&c], &[&a, &b])?;
    checked(linalg::matmul(&a, &b, &mut c, (m as usize, k as usize, n as usize)))
}

/// c [m, n] = a' b for a [k, m], b [k, n].
#[napi]
pub fn transposed_matmul_f64(m: u32, k: u32, n: u32, a: F64, b: F64, mut c: F64Mut) -> Result<()> {
    disjoint(&[&c], &[&a, &b])?;
    checked(linalg::transposed_matmul(&a, &b, &mut c, (m as usize, k as usize, n as usize)))
}

/// pl [m, k] of a [m, n] = pl U with partial pivoting.
#[napi]
pub fn permuted_lower(m: u32, n: u32, a: F64, mut pl: F64Mut) -> Result<()> {
    disjoint(&[&pl], &[&a])?;
    checked(linalg::permuted_lower(&a, (m as usize, n as usize), &mut pl))
}
