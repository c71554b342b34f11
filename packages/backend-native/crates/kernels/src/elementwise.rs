//! Elementwise kernels over contiguous arrays.

use learngene_pool::{SendPtr, run, split, threads};
use learngene_simd::{Isa, dispatch};

/// Arrays shorter than this are not worth waking a second thread for.
const PARALLEL_FROM: usize = 1 << 15;

fn tasks_for(elements: usize) -> usize {
    if elements < PARALLEL_FROM { 1 } else { threads() }
}

dispatch! {
    fn add_part(a: &[f32], b: &[f32], y: &mut [f32]) = add_with;
}

#[inline(always)]
fn add_with<S: Isa>(a: &[f32], b: &[f32], y: &mut [f32]) {
    for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
        *y = a + b;
    }
}

/// y = a + b, all of one length.
pub fn add(a: &[f32], b: &[f32], y: &mut [f32]) {
    assert!(a.len() == y.len() && b.len() == y.len());
    let tasks = tasks_for(y.len());
    let out = SendPtr::new(y);
    let total = a.len();
    run(tasks, &|task| {
        let range = split(total, tasks, task);
        // SAFETY: the ranges of different tasks are disjoint and within the output.
        let part = unsafe { out.slice_mut(range.clone()) };
        add_part(&a[range.clone()], &b[range], part);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_small_and_large() {
        for length in [0, 1, 17, PARALLEL_FROM + 3] {
            let a: Vec<f32> = (0..length).map(|i| i as f32).collect();
            let b: Vec<f32> = (0..length).map(|i| 0.5 * i as f32).collect();
            let mut y = vec![f32::NAN; length];
            add(&a, &b, &mut y);
            assert!(y.iter().enumerate().all(|(i, &y)| y == i as f32 * 1.5));
        }
    }
}
