//! Where the largest or smallest number stands.

#![allow(clippy::extra_unused_type_parameters)] // dispatch! names the level also where plain arithmetic needs none

use learngene_pool::{SendPtr, run, split};
use learngene_simd::{Isa, dispatch};

use crate::elementwise::tasks_for;

dispatch! {
    fn arg_columns(largest: bool, x: &[f32], best: &mut [f32], y: &mut [i32]) = arg_columns_with;
}

#[inline(always)]
fn arg_columns_with<S: Isa>(largest: bool, x: &[f32], best: &mut [f32], y: &mut [i32]) {
    let inner = y.len();
    let sign = if largest { 1.0 } else { -1.0 };
    for (best, &x) in best.iter_mut().zip(x) {
        *best = sign * x;
    }
    y.fill(0);
    for (index, row) in x.chunks_exact(inner).enumerate().skip(1) {
        for ((y, best), &x) in y.iter_mut().zip(best.iter_mut()).zip(row) {
            let better = sign * x > *best;
            *y = if better { index as i32 } else { *y };
            *best = if better { sign * x } else { *best };
        }
    }
}

/// The first place of the largest (or smallest) number along the middle dimension. As in the cpu backend, a NaN counts
/// only where it comes first.
///
/// # Panics
/// Where a length does not fit.
pub fn arg_extreme(largest: bool, x: &[f32], (outer, size, inner): (usize, usize, usize), y: &mut [i32]) {
    assert_eq!(x.len(), outer * size * inner);
    assert_eq!(y.len(), outer * inner);
    if y.is_empty() || size == 0 {
        y.fill(0);
        return;
    }
    let tasks = tasks_for(x.len());
    let out = SendPtr::new(y);
    run(tasks, &|task| {
        let mut best = vec![0.0; inner];
        for o in split(outer, tasks, task) {
            // SAFETY: tasks write disjoint rows.
            let y = unsafe { out.slice_mut(o * inner..(o + 1) * inner) };
            arg_columns(largest, &x[o * size * inner..(o + 1) * size * inner], &mut best, y);
        }
    });
}
