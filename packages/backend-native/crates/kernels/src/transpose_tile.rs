//! The transpose of a small block inside a kernel.

use crate::small_product::Tile;
use crate::support::LANES;

/// to[c * ldt + r] = from[r * ldf + c] for r < rows, c < columns.
#[inline(always)]
pub(crate) fn transpose<S: Tile>(
    from: &[f32],
    ldf: usize,
    (rows, columns): (usize, usize),
    to: &mut [f32],
    ldt: usize,
) {
    let (whole_rows, whole_columns) = (rows - rows % LANES, columns - columns % LANES);
    for r in (0..whole_rows).step_by(LANES) {
        for c in (0..whole_columns).step_by(LANES) {
            square(&from[r * ldf + c..], ldf, &mut to[c * ldt + r..], ldt);
        }
    }
    for r in 0..rows {
        let start = if r < whole_rows { whole_columns } else { 0 };
        for c in start..columns {
            to[c * ldt + r] = from[r * ldf + c];
        }
    }
}

#[inline(always)]
fn square(from: &[f32], ldf: usize, to: &mut [f32], ldt: usize) {
    assert!(from.len() >= (LANES - 1) * ldf + LANES && to.len() >= (LANES - 1) * ldt + LANES);
    for c in 0..LANES {
        for r in 0..LANES {
            to[c * ldt + r] = from[r * ldf + c];
        }
    }
}
