//! Elementwise kernels.

use learngene_kernels::elementwise;
use napi::Result;
use napi_derive::napi;

use crate::boundary::{F32, F32Mut, check_len, disjoint};

/// y = a + b over arrays of one length.
#[napi]
pub fn add(a: F32, b: F32, mut y: F32Mut) -> Result<()> {
    check_len("b", b.len(), a.len())?;
    check_len("y", y.len(), a.len())?;
    disjoint(&[&y], &[&a, &b])?;
    elementwise::add(&a, &b, &mut y);
    Ok(())
}
