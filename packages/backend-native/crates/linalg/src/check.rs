//! What every decomposition asks of its arguments, and the scale it works at.

use learngene_simd::{Isa, dispatch};

use crate::Error;
use crate::vector::scale;

/// Fails unless `length` is rows cols, and both are positive.
pub(crate) fn shape(name: &str, length: usize, rows: usize, cols: usize) -> Result<(), Error> {
    if rows == 0 || cols == 0 {
        return Err(Error::Sizes(format!("{name}: expected positive sizes, got {rows} x {cols}")));
    }
    match rows.checked_mul(cols) {
        Some(expected) if expected == length => Ok(()),
        _ => Err(Error::Sizes(format!("{name}: expected {rows} x {cols} values, got {length}"))),
    }
}

dispatch! {
    /// The largest |x|, and infinity or NaN where not every x is finite.
    pub(crate) fn largest(x: &[f64]) -> f64 = largest_with;
}
#[inline(always)]
fn largest_with<S: Isa>(x: &[f64]) -> f64 {
    let _ = S::FMA;
    let (blocks, rest) = x.as_chunks::<16>();
    // as integers: NaN and infinity are above every finite number
    let mut most = [0u64; 16];
    for block in blocks {
        for l in 0..16 {
            most[l] = most[l].max(block[l].to_bits() & (u64::MAX >> 1));
        }
    }
    let rest = rest.iter().map(|x| x.to_bits() & (u64::MAX >> 1));
    f64::from_bits(most.into_iter().chain(rest).max().unwrap_or(0))
}

/// A power of two that brings the largest element of a matrix to about 1, in two factors since one may overflow.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    exponent: i32,
}

impl Scale {
    /// The scale of `a` [., cols]; fails on NaN and infinity.
    pub fn of(a: &[f64], cols: usize) -> Result<Self, Error> {
        let norm = largest(a);
        if !norm.is_finite() {
            let at = a.iter().position(|x| !x.is_finite()).unwrap_or(0);
            return Err(Error::NotFinite { row: at / cols, col: at % cols, value: a[at] });
        }
        if norm == 0.0 {
            return Ok(Self { exponent: 0 });
        }
        // subnormal numbers have exponents below that of their bits
        let (norm, offset) = if norm < f64::MIN_POSITIVE { (norm * 2f64.powi(100), 100) } else { (norm, 0) };
        let exponent = ((norm.to_bits() >> 52) as i32) - 1023 - offset;
        // what is near 1 stays as it is
        Ok(Self { exponent: if exponent.abs() < 64 { 0 } else { exponent } })
    }

    fn multiply(x: &mut [f64], exponent: i32) {
        if exponent == 0 {
            return;
        }
        let half = exponent / 2;
        scale(x, 2f64.powi(half));
        scale(x, 2f64.powi(exponent - half));
    }

    /// To the scale of 1.
    pub fn apply(self, x: &mut [f64]) {
        Self::multiply(x, -self.exponent);
    }

    /// Back.
    pub fn undo(self, x: &mut [f64]) {
        Self::multiply(x, self.exponent);
    }
}
