//! Reductions over the middle dimension of [outer, size, inner].

use learngene_kernels::reduce::{self, Reduction};
use napi::Result;
use napi_derive::napi;

use crate::boundary::{F32, F32Mut, I32Mut, U8, U8Mut, check_len, disjoint};
use crate::elementwise::operation;
use crate::later::later;
use crate::shape::count;

fn sizes(x: usize, y: usize, outer: u32, size: u32, inner: u32) -> Result<(usize, usize, usize)> {
    check_len("x", x, count(&[outer, size, inner])?)?;
    check_len("y", y, count(&[outer, inner])?)?;
    Ok((outer as usize, size as usize, inner as usize))
}

/// Sum, maximum, minimum or product, by its number.
#[napi]
pub fn reduce(op: u32, x: F32, mut y: F32Mut, outer: u32, size: u32, inner: u32) -> Result<()> {
    let sizes = sizes(x.len(), y.len(), outer, size, inner)?;
    disjoint(&[&y], &[&x])?;
    let op = operation(Reduction::ALL, op)?;
    later("reduce", move || {
        reduce::reduce(op, &x, sizes, &mut y);
        Ok(())
    })
}

/// The mean.
#[napi]
pub fn mean(x: F32, mut y: F32Mut, outer: u32, size: u32, inner: u32) -> Result<()> {
    let sizes = sizes(x.len(), y.len(), outer, size, inner)?;
    disjoint(&[&y], &[&x])?;
    later("mean", move || {
        reduce::mean(&x, sizes, &mut y);
        Ok(())
    })
}

/// Whether all, or any, of the booleans hold.
#[napi]
pub fn hold(all: bool, x: U8, mut y: U8Mut, outer: u32, size: u32, inner: u32) -> Result<()> {
    let sizes = sizes(x.len(), y.len(), outer, size, inner)?;
    disjoint(&[&y], &[&x])?;
    reduce::hold(all, &x, sizes, &mut y);
    Ok(())
}

/// The first place of the largest, or smallest, number.
#[napi]
pub fn arg_extreme(largest: bool, x: F32, mut y: I32Mut, outer: u32, size: u32, inner: u32) -> Result<()> {
    let sizes = sizes(x.len(), y.len(), outer, size, inner)?;
    disjoint(&[&y], &[&x])?;
    reduce::arg_extreme(largest, &x, sizes, &mut y);
    Ok(())
}
