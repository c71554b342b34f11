//! What elementwise kernels share: how work is divided, and operations that keep no pattern of broadcasting.

#![allow(clippy::extra_unused_type_parameters)] // dispatch! names the level also where plain arithmetic needs none

use std::ops::Range;

use learngene_pool::{SendPtr, run, split, threads};
use learngene_simd::{Isa, dispatch};

/// Arrays shorter than this are not worth waking a second thread for.
pub(crate) const PARALLEL_FROM: usize = 1 << 15;
/// Parts begin at a multiple of this many elements, so that no two threads write one cache line.
const GRAIN: usize = 64;

/// How many tasks to cut a kernel of so many element-sized steps into.
pub(crate) fn tasks_for(elements: usize) -> usize {
    if elements < PARALLEL_FROM { 1 } else { threads() }
}

/// Calls `f` with parts of `0..total`, one for each thread.
pub(crate) fn for_parts(total: usize, f: &(dyn Fn(Range<usize>) + Sync)) {
    let tasks = tasks_for(total);
    if tasks == 1 {
        return f(0..total);
    }
    run(tasks, &|task| {
        let grains = split(total.div_ceil(GRAIN), tasks, task);
        f(grains.start * GRAIN..(grains.end * GRAIN).min(total));
    });
}

/// y = value.
pub fn fill<T: Copy + Send + Sync>(value: T, y: &mut [T]) {
    let out = SendPtr::new(y);
    // SAFETY: parts are disjoint and within the output.
    for_parts(y.len(), &|range| unsafe { out.slice_mut(range) }.fill(value));
}

dispatch! {
    fn add_n_part(terms: &[&[f32]], range: Range<usize>, y: &mut [f32]) = add_n_with;
}

#[inline(always)]
fn add_n_with<S: Isa>(terms: &[&[f32]], range: Range<usize>, y: &mut [f32]) {
    const BLOCK: usize = 1024;
    for (index, y) in y.chunks_mut(BLOCK).enumerate() {
        let start = range.start + index * BLOCK;
        y.copy_from_slice(&terms[0][start..start + y.len()]);
        for term in &terms[1..] {
            for (y, &x) in y.iter_mut().zip(&term[start..]) {
                *y += x;
            }
        }
    }
}

/// The sum of one or more arrays of one length, added in their order.
///
/// # Panics
/// Without terms, and where a length differs.
pub fn add_n(terms: &[&[f32]], y: &mut [f32]) {
    assert!(!terms.is_empty() && terms.iter().all(|term| term.len() == y.len()));
    let out = SendPtr::new(y);
    for_parts(y.len(), &|range| {
        // SAFETY: parts are disjoint and within the output.
        let part = unsafe { out.slice_mut(range.clone()) };
        add_n_part(terms, range, part);
    });
}

dispatch! {
    fn select_part(repeat: usize, start: usize, condition: &[u8], t: &[f32], e: &[f32], y: &mut [f32]) = select_with;
}

#[inline(always)]
fn select_with<S: Isa>(repeat: usize, start: usize, condition: &[u8], t: &[f32], e: &[f32], y: &mut [f32]) {
    if repeat == 1 {
        let condition = &condition[start..start + y.len()];
        for (((y, &c), &t), &e) in y.iter_mut().zip(condition).zip(t).zip(e) {
            *y = if c != 0 { t } else { e };
        }
        return;
    }
    for (index, ((y, &t), &e)) in y.iter_mut().zip(t).zip(e).enumerate() {
        *y = if condition[(start + index) / repeat] != 0 { t } else { e };
    }
}

/// y = t where the condition holds, e elsewhere; element i of the condition rules `y.len() / condition.len()` numbers.
///
/// # Panics
/// Where the lengths do not fit.
pub fn select(condition: &[u8], t: &[f32], e: &[f32], y: &mut [f32]) {
    assert!(t.len() == y.len() && e.len() == y.len());
    if y.is_empty() {
        return;
    }
    assert!(!condition.is_empty() && y.len().is_multiple_of(condition.len()));
    let repeat = y.len() / condition.len();
    let out = SendPtr::new(y);
    for_parts(y.len(), &|range| {
        // SAFETY: parts are disjoint and within the output.
        let part = unsafe { out.slice_mut(range.clone()) };
        select_part(repeat, range.start, condition, &t[range.clone()], &e[range], part);
    });
}

/// The conversion of a float to int32 as JavaScript does it: truncated, modulo 2^32; 0 for NaN and infinity.
#[inline(always)]
pub fn to_i32(x: f32) -> i32 {
    const ALL_BITS_ABOVE: f32 = 72_057_594_037_927_936.0; // 2^56: a float32 from here on is a multiple of 2^32
    if x.abs() < ALL_BITS_ABOVE { x as i64 as i32 } else { 0 }
}

macro_rules! casts {
    ($($(#[$meta:meta])* $name:ident $part:ident $with:ident ($from:ty) -> $to:ty = $f:expr;)*) => {
        $(
            dispatch! {
                fn $part(x: &[$from], y: &mut [$to]) = $with;
            }
            #[inline(always)]
            fn $with<S: Isa>(x: &[$from], y: &mut [$to]) {
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = $f(x);
                }
            }
            $(#[$meta])*
            ///
            /// # Panics
            /// Where the lengths differ.
            pub fn $name(x: &[$from], y: &mut [$to]) {
                assert_eq!(x.len(), y.len());
                let out = SendPtr::new(y);
                for_parts(x.len(), &|range| {
                    // SAFETY: parts are disjoint and within the output.
                    let part = unsafe { out.slice_mut(range.clone()) };
                    $part(&x[range], part);
                });
            }
        )*
    };
}
casts! {
    /// Numbers to integers, see [`to_i32`].
    f32_to_i32 f32_to_i32_part f32_to_i32_with (f32) -> i32 = to_i32;
    /// Numbers to booleans: 1 for all but 0.
    f32_to_bool f32_to_bool_part f32_to_bool_with (f32) -> u8 = |x: f32| u8::from(x != 0.0);
    /// Integers to the nearest floats.
    i32_to_f32 i32_to_f32_part i32_to_f32_with (i32) -> f32 = |x: i32| x as f32;
    /// Bytes to floats.
    u8_to_f32 u8_to_f32_part u8_to_f32_with (u8) -> f32 = f32::from;
    /// Logical negation of booleans.
    not not_part not_with (u8) -> u8 = |x: u8| u8::from(x == 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_arrays() {
        for length in [0, 1, 17, PARALLEL_FROM + 3] {
            let a: Vec<f32> = (0..length).map(|i| i as f32).collect();
            let b: Vec<f32> = (0..length).map(|i| 0.5 * i as f32).collect();
            let mut y = vec![f32::NAN; length];
            add_n(&[&a, &b, &a], &mut y);
            assert!(y.iter().enumerate().all(|(i, &y)| y == i as f32 * 2.5));
        }
    }

    #[test]
    fn select_repeats_its_condition() {
        let t: Vec<f32> = (0..12).map(|i| i as f32).collect();
        let e = vec![-1.0; 12];
        let mut y = vec![0.0; 12];
        select(&[1, 0, 1], &t, &e, &mut y);
        assert_eq!(y, [0.0, 1.0, 2.0, 3.0, -1.0, -1.0, -1.0, -1.0, 8.0, 9.0, 10.0, 11.0]);
        let condition: Vec<u8> = (0..12).map(|i| i % 2).collect();
        select(&condition, &t, &e, &mut y);
        assert!((0..12).all(|i| y[i] == if i % 2 == 1 { i as f32 } else { -1.0 }));
        select(&[], &[], &[], &mut []);
    }

    #[test]
    fn conversion_to_integers_is_that_of_javascript() {
        let x = [0.9, -0.9, 1.5, -7.99, f32::NAN, f32::INFINITY, 4_294_967_296.0, 2_147_483_648.0, 1e20, -3e9];
        let mut y = [7; 10];
        f32_to_i32(&x, &mut y);
        assert_eq!(y, [0, 0, 1, -7, 0, 0, 0, i32::MIN, 0, 1_294_967_296]);
    }

    #[test]
    fn fills() {
        for length in [0, 5, PARALLEL_FROM + 1] {
            let mut y = vec![0.0; length];
            fill(2.5, &mut y);
            assert!(y.iter().all(|&y| y == 2.5));
        }
    }
}
