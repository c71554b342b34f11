//! Reductions over the middle dimension of [outer, size, inner].
//!
//! The order of additions depends on the sizes alone, never on the number of threads: sums run in lanes over blocks of
//! fixed size, whose results are added in the same way.

#![allow(clippy::extra_unused_type_parameters)] // dispatch! names the level also where plain arithmetic needs none

use std::ops::Range;

use learngene_pool::{SendPtr, run, split};
use learngene_simd::{Isa, dispatch};

use crate::elementwise::tasks_for;

/// A reduction: a neutral element and an associative step.
trait Step {
    const START: f32;
    fn step(a: f32, b: f32) -> f32;
}

macro_rules! reductions {
    ($($(#[$doc:meta])* $name:ident $start:expr, |$a:ident, $b:ident| $f:expr;)*) => {
        /// What numbers are reduced to.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Reduction {
            $($(#[$doc])* $name,)*
        }
        impl Reduction {
            /// All of them; the position is the number that the addon takes.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
            fn start(self) -> f32 {
                match self {
                    $(Self::$name => $name::START,)*
                }
            }
        }
        $(
            struct $name;
            impl Step for $name {
                const START: f32 = $start;
                #[inline(always)]
                fn step($a: f32, $b: f32) -> f32 {
                    $f
                }
            }
        )*
        #[inline(always)]
        fn along_with<S: Isa>(op: Reduction, x: &[f32], size: usize, y: &mut [f32]) {
            match op {
                $(Reduction::$name => rows::<$name>(x, size, y),)*
            }
        }
        #[inline(always)]
        fn down_with<S: Isa>(op: Reduction, x: &[f32], y: &mut [f32]) {
            match op {
                $(Reduction::$name => columns::<$name>(x, y),)*
            }
        }
    };
}
reductions! {
    /// The sum.
    Sum 0.0, |a, b| a + b;
    /// The largest number; NaN where one is NaN.
    Max f32::NEG_INFINITY, |a, b| if b > a || b.is_nan() { b } else { a };
    /// The smallest number; NaN where one is NaN.
    Min f32::INFINITY, |a, b| if b < a || b.is_nan() { b } else { a };
    /// The product.
    Prod 1.0, |a, b| a * b;
}

dispatch! {
    /// Rows of `size` numbers to one each.
    fn along(op: Reduction, x: &[f32], size: usize, y: &mut [f32]) = along_with;
}
dispatch! {
    /// Rows as long as `y` to one row.
    fn down(op: Reduction, x: &[f32], y: &mut [f32]) = down_with;
}

/// Independent chains in a row.
const LANES: usize = 64;
/// Elements of a block.
const BLOCK: usize = 1 << 12;

#[inline(always)]
fn rows<O: Step>(x: &[f32], size: usize, y: &mut [f32]) {
    for (y, x) in y.iter_mut().zip(x.chunks_exact(size)) {
        *y = if size < LANES { short::<O>(x) } else { lanes::<O>(x) };
    }
}

#[inline(always)]
fn short<O: Step>(x: &[f32]) -> f32 {
    let mut acc = [O::START; 4];
    let chunks = x.chunks_exact(4);
    let rest = chunks.remainder();
    for chunk in chunks {
        for lane in 0..4 {
            acc[lane] = O::step(acc[lane], chunk[lane]);
        }
    }
    for (acc, &x) in acc.iter_mut().zip(rest) {
        *acc = O::step(*acc, x);
    }
    O::step(O::step(acc[0], acc[1]), O::step(acc[2], acc[3]))
}

#[inline(always)]
fn lanes<O: Step>(x: &[f32]) -> f32 {
    let mut acc = [O::START; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for lane in 0..LANES {
            acc[lane] = O::step(acc[lane], chunk[lane]);
        }
    }
    for (acc, &x) in acc.iter_mut().zip(rest) {
        *acc = O::step(*acc, x);
    }
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for lane in 0..width {
            acc[lane] = O::step(acc[lane], acc[lane + width]);
        }
    }
    acc[0]
}

#[inline(always)]
fn columns<O: Step>(x: &[f32], y: &mut [f32]) {
    let width = y.len();
    if width >= LANES {
        y.fill(O::START);
        fold::<O>(x, y);
        return;
    }
    // several short rows side by side make one long one
    let mut wide = [O::START; 2 * LANES];
    let wide = &mut wide[..2 * LANES / width * width];
    fold::<O>(x, wide);
    y.copy_from_slice(&wide[..width]);
    for part in wide.chunks_exact(width).skip(1) {
        for (y, &x) in y.iter_mut().zip(part) {
            *y = O::step(*y, x);
        }
    }
}

/// Rows as long as `y`, the last one perhaps cut short, are folded into it four at a time.
#[inline(always)]
fn fold<O: Step>(x: &[f32], y: &mut [f32]) {
    let width = y.len();
    let groups = x.chunks_exact(4 * width);
    let rest = groups.remainder();
    for group in groups {
        let (a, rest) = group.split_at(width);
        let (b, rest) = rest.split_at(width);
        let (c, d) = rest.split_at(width);
        for ((((y, &a), &b), &c), &d) in y.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *y = O::step(*y, O::step(O::step(a, b), O::step(c, d)));
        }
    }
    for row in rest.chunks(width) {
        for (y, &x) in y.iter_mut().zip(row) {
            *y = O::step(*y, x);
        }
    }
}

/// `y [outer, inner]` is the reduction of `x [outer, size, inner]` over its middle dimension.
///
/// # Panics
/// Where a length does not fit.
pub fn reduce(op: Reduction, x: &[f32], (outer, size, inner): (usize, usize, usize), y: &mut [f32]) {
    assert_eq!(x.len(), outer * size * inner);
    assert_eq!(y.len(), outer * inner);
    if y.is_empty() {
        return;
    }
    if size == 0 {
        y.fill(op.start());
        return;
    }
    // rows of a block: a number that depends on the sizes alone
    let rows = if inner == 1 { BLOCK } else { (4 * BLOCK / inner).max(32) };
    if size <= rows {
        return whole(op, x, (outer, size, inner), y);
    }
    let blocks = size.div_ceil(rows);
    let mut partial = vec![0.0; outer * blocks * inner];
    let tasks = tasks_for(x.len());
    let out = SendPtr::new(&mut partial);
    run(tasks, &|task| {
        for unit in split(outer * blocks, tasks, task) {
            let (o, block) = (unit / blocks, unit % blocks);
            let part = block * rows..((block + 1) * rows).min(size);
            let x = &x[(o * size + part.start) * inner..(o * size + part.end) * inner];
            // SAFETY: units write disjoint rows of the partial results.
            let y = unsafe { out.slice_mut(unit * inner..(unit + 1) * inner) };
            one(op, x, part.len(), y);
        }
    });
    reduce(op, &partial, (outer, blocks, inner), y);
}

/// Reduces blocks that need no cutting.
fn whole(op: Reduction, x: &[f32], (outer, size, inner): (usize, usize, usize), y: &mut [f32]) {
    let tasks = tasks_for(x.len());
    let out = SendPtr::new(y);
    run(tasks, &|task| {
        let range: Range<usize> = split(outer, tasks, task);
        let x = &x[range.start * size * inner..range.end * size * inner];
        // SAFETY: tasks write disjoint rows.
        let y = unsafe { out.slice_mut(range.start * inner..range.end * inner) };
        if inner == 1 {
            along(op, x, size, y);
        } else {
            for (x, y) in x.chunks_exact(size * inner).zip(y.chunks_exact_mut(inner)) {
                down(op, x, y);
            }
        }
    });
}

fn one(op: Reduction, x: &[f32], size: usize, y: &mut [f32]) {
    if y.len() == 1 { along(op, x, size, y) } else { down(op, x, y) }
}

/// The mean over the middle dimension: the sum divided by its size.
///
/// # Panics
/// Where a length does not fit.
pub fn mean(x: &[f32], (outer, size, inner): (usize, usize, usize), y: &mut [f32]) {
    reduce(Reduction::Sum, x, (outer, size, inner), y);
    let count = size as f32;
    y.iter_mut().for_each(|y| *y /= count);
}

/// Whether all (or, without `all`, any) of the booleans over the middle dimension hold.
///
/// # Panics
/// Where a length does not fit.
pub fn hold(all: bool, x: &[u8], (outer, size, inner): (usize, usize, usize), y: &mut [u8]) {
    assert_eq!(x.len(), outer * size * inner);
    assert_eq!(y.len(), outer * inner);
    if y.is_empty() {
        return;
    }
    y.fill(u8::from(all));
    for (o, y) in y.chunks_exact_mut(inner).enumerate() {
        for x in x[o * size * inner..(o + 1) * size * inner].chunks_exact(inner) {
            for (y, &x) in y.iter_mut().zip(x) {
                *y = if all { *y & u8::from(x != 0) } else { *y | u8::from(x != 0) };
            }
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPES: &[(usize, usize, usize)] = &[
        (1, 1, 1),
        (3, 5, 1),
        (5, 64, 1),
        (4, 1000, 1),
        (2, 7, 3),
        (1, 5000, 3),
        (1, 100_001, 1),
        (3, 33, 200),
        (1, 3000, 130),
        (2, 40, 5000),
        (700, 3, 40),
        (0, 4, 3),
        (3, 0, 2),
        (3, 4, 0),
    ];

    fn numbers(count: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 7919 + 13) % 1009) as f32 / 500.0 - 1.0).collect()
    }

    fn slow(x: &[f32], (outer, size, inner): (usize, usize, usize), start: f64, f: fn(f64, f64) -> f64) -> Vec<f64> {
        let at = |o: usize, s: usize, i: usize| f64::from(x[(o * size + s) * inner + i]);
        (0..outer * inner).map(|k| (0..size).fold(start, |acc, s| f(acc, at(k / inner, s, k % inner)))).collect()
    }

    #[test]
    fn reductions_like_a_loop() {
        for &shape in SHAPES {
            let (outer, size, inner) = shape;
            let x = numbers(outer * size * inner);
            let mut y = vec![f32::NAN; outer * inner];
            reduce(Reduction::Sum, &x, shape, &mut y);
            for (&y, want) in y.iter().zip(slow(&x, shape, 0.0, |a, b| a + b)) {
                assert!((f64::from(y) - want).abs() <= 3e-7 * (size as f64), "{shape:?} {y} {want}");
            }
            reduce(Reduction::Max, &x, shape, &mut y);
            assert!(y.iter().zip(slow(&x, shape, f64::NEG_INFINITY, f64::max)).all(|(&y, want)| f64::from(y) == want));
            reduce(Reduction::Min, &x, shape, &mut y);
            assert!(y.iter().zip(slow(&x, shape, f64::INFINITY, f64::min)).all(|(&y, want)| f64::from(y) == want));
            let near_one: Vec<f32> = x.iter().map(|x| 1.0 + x / 100.0).collect();
            reduce(Reduction::Prod, &near_one, shape, &mut y);
            for (&y, want) in y.iter().zip(slow(&near_one, shape, 1.0, |a, b| a * b)) {
                assert!((f64::from(y) / want - 1.0).abs() <= 3e-7 * (size as f64).max(1.0) || want < 1e-30);
            }
        }
    }

    #[test]
    fn long_sums_stay_accurate() {
        let x = vec![0.1f32; 1 << 22];
        let mut y = [0.0];
        reduce(Reduction::Sum, &x, (1, x.len(), 1), &mut y);
        let want = f64::from(0.1f32) * x.len() as f64;
        assert!((f64::from(y[0]) / want - 1.0).abs() < 1e-6);
        let mut y = [0.0; 4];
        reduce(Reduction::Sum, &x, (1, x.len() / 4, 4), &mut y);
        assert!(y.iter().all(|&y| (f64::from(y) / want * 4.0 - 1.0).abs() < 1e-6));
    }

    #[test]
    fn nan_and_means() {
        let mut x = numbers(300);
        x[140] = f32::NAN;
        let mut y = [0.0; 3];
        reduce(Reduction::Max, &x, (3, 100, 1), &mut y);
        assert!(!y[0].is_nan() && y[1].is_nan() && !y[2].is_nan());
        mean(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], (1, 3, 2), &mut y[..2]);
        assert_eq!(y[..2], [3.0, 4.0]);
    }

    #[test]
    fn places_and_booleans() {
        for &shape in SHAPES.iter().filter(|shape| shape.1 > 0) {
            let (outer, size, inner) = shape;
            let x = numbers(outer * size * inner);
            let mut y = vec![-1; outer * inner];
            for largest in [true, false] {
                arg_extreme(largest, &x, shape, &mut y);
                for (k, &y) in y.iter().enumerate() {
                    let at = |s: usize| x[(k / inner * size + s) * inner + k % inner];
                    let mut want = 0;
                    for s in 1..size {
                        if (largest && at(s) > at(want)) || (!largest && at(s) < at(want)) {
                            want = s;
                        }
                    }
                    assert_eq!(y as usize, want);
                }
            }
        }
        let mut y = [9; 2];
        hold(true, &[1, 0, 1, 1], (1, 2, 2), &mut y);
        assert_eq!(y, [1, 0]);
        hold(false, &[0, 0, 0, 1], (1, 2, 2), &mut y);
        assert_eq!(y, [0, 1]);
    }
}
