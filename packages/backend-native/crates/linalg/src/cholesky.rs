//! Cholesky factorisation, right-looking in panels.

use learngene_pool::{SendPtr, run, split, threads};

use crate::Error;
use crate::gemm::{Store, gemm};
use crate::vector::{add_columns, scale};
use crate::view::{View, ViewMut};

const PANEL: usize = 64;
/// Rows below a panel's diagonal block up to which one thread takes them.
const ALONE: usize = 128;

/// Overwrites the lower triangle of `a` [n, n], element (i, j) at `i + j * ld`.
pub(crate) fn factor(a: &mut [f64], ld: usize, n: usize) -> Result<(), Error> {
    for first in (0..n).step_by(PANEL) {
        let last = (first + PANEL).min(n);
        for j in first..last {
            // the diagonal block, column by column
            let (done, rest) = a.split_at_mut(j * ld);
            let column = &mut rest[j..last];
            for l in first..j {
                let factor = -done[l * ld + j];
                add_columns(&done[l * ld + j..l * ld + last], last - j, &[factor], column);
            }
            let pivot = column[0];
            if !(pivot > 0.0 && pivot.is_finite()) {
                return Err(Error::NotPositiveDefinite { col: j });
            }
            column[0] = pivot.sqrt();
            let inverse = 1.0 / column[0];
            scale(&mut column[1..], inverse);
        }
        if last == n {
            break;
        }
        // the rows below, on all threads
        let width = last - first;
        let mut block = vec![0.0; width * width];
        for (j, to) in block.chunks_exact_mut(width).enumerate() {
            to.copy_from_slice(&a[(first + j) * ld + first..(first + j) * ld + last]);
        }
        let below = n - last;
        let parts = if below < ALONE { 1 } else { threads() };
        let (panel, rest) = a.split_at_mut(last * ld);
        let out = SendPtr::new(&mut panel[first * ld..]);
        run(parts, &|part| {
            let rows = split(below, parts, part);
            let rows = last + rows.start..last + rows.end;
            for j in 0..width {
                // SAFETY: rows of different tasks are disjoint, and so are the columns of one task.
                let column = unsafe { out.slice_mut(j * ld + rows.start..j * ld + rows.end) };
                for l in 0..j {
                    // SAFETY: as above.
                    let before = unsafe { out.slice_mut(l * ld + rows.start..l * ld + rows.end) };
                    add_columns(before, rows.len(), &[-block[l * width + j]], column);
                }
                scale(column, 1.0 / block[j * width + j]);
            }
        });
        let panel = View::columns(&panel[first * ld + last..], below, width, ld);
        gemm(-1.0, panel, panel.t(), Store::AddLower, ViewMut::columns(&mut rest[last..], below, below, ld));
    }
    Ok(())
}
