//! Kernels that move data.

use learngene_kernels::gather::{self, Gather};
use learngene_kernels::strided::{self, Copy2, Dim, MAX_DIMS};
use napi::{Error, Result, Status};
use napi_derive::napi;

use crate::boundary::{F32, F32Mut, I32, check_len, disjoint};
use crate::later::later;

fn invalid(message: String) -> Error {
    Error::new(Status::InvalidArg, message)
}

/// The product of sizes; fails where it does not fit.
pub fn count(sizes: &[u32]) -> Result<usize> {
    sizes
        .iter()
        .try_fold(1usize, |total, &size| total.checked_mul(size as usize))
        .ok_or_else(|| invalid(format!("sizes: {sizes:?} are too large")))
}

/// `y[y_base + Σ i y_step] = x[x_base + Σ i x_step]` over `rank` dimensions; `dims` holds size, x_step and y_step of each
/// (what follows is not looked at). Other elements of y stay as they are.
#[napi]
pub fn copy_strided(x: F32, mut y: F32Mut, dims: I32, rank: u32, x_base: u32, y_base: u32) -> Result<()> {
    disjoint(&[&y], &[&x])?;
    let mut parsed = [Dim::default(); MAX_DIMS];
    let rank = rank as usize;
    let given = dims.get(..3 * rank).filter(|_| rank <= MAX_DIMS);
    let given = given.ok_or_else(|| invalid(format!("dims: expected {rank} triples, got {} numbers", dims.len())))?;
    for (dim, given) in parsed.iter_mut().zip(given.chunks_exact(3)) {
        let size = usize::try_from(given[0]).map_err(|_| invalid(format!("dims: expected sizes, got {}", given[0])))?;
        *dim = Dim { size, x: given[1] as isize, y: given[2] as isize };
    }
    let plan = Copy2::new(&parsed[..rank], x_base as usize, y_base as usize, x.len(), y.len())
        .map_err(|reason| invalid(format!("dims: {reason}")))?;
    later("copyStrided", move || {
        strided::copy(&plan, &x, &mut y);
        Ok(())
    })
}

/// `y [batch, outer, count, slice] = x [batch, outer, size, slice]` at `indices [batch, count]`. Fails where an index is
/// outside `0..size`.
#[napi]
pub fn gather(x: F32, indices: I32, mut y: F32Mut, batch: u32, outer: u32, size: u32, slice: u32) -> Result<()> {
    let (n, o) = (batch as usize, outer as usize);
    let per_batch = indices.len().checked_div(n).unwrap_or(0);
    check_len("indices", indices.len(), n * per_batch)?;
    check_len("x", x.len(), count(&[batch, outer, size, slice])?)?;
    let rows = o.checked_mul(indices.len()).and_then(|rows| rows.checked_mul(slice as usize));
    check_len("y", y.len(), rows.unwrap_or(usize::MAX))?;
    disjoint(&[&y], &[&x, &indices])?;
    if let Some(index) = gather::first_outside(&indices, size as usize) {
        return Err(invalid(format!("GatherV2: the index value {index} is not in [0, {}]", i64::from(size) - 1)));
    }
    let sizes = Gather { batch: n, outer: o, size: size as usize, slice: slice as usize, count: per_batch };
    later("gather", move || {
        gather::gather(sizes, &x, &indices, &mut y);
        Ok(())
    })
}

/// `y[s]` is the sum of the rows of `x [count, width]` whose segment is s; segments outside are left out.
#[napi]
pub fn segment_sum(x: F32, segments: I32, mut y: F32Mut, width: u32) -> Result<()> {
    let width = width as usize;
    check_len("x", x.len(), segments.len().saturating_mul(width))?;
    if !y.is_empty() && (width == 0 || !y.len().is_multiple_of(width)) {
        return Err(invalid(format!("y: expected rows of {width} elements, got {} elements", y.len())));
    }
    disjoint(&[&y], &[&x, &segments])?;
    gather::segment_sum(&x, &segments, width, &mut y);
    Ok(())
}

/// Rows of `depth` numbers: `off`, but `on` at the index where that is inside.
#[napi]
pub fn one_hot(indices: I32, mut y: F32Mut, depth: u32, on: f64, off: f64) -> Result<()> {
    let depth = depth as usize;
    check_len("y", y.len(), indices.len().saturating_mul(depth))?;
    disjoint(&[&y], &[&indices])?;
    gather::one_hot(&indices, depth, on as f32, off as f32, &mut y);
    Ok(())
}
