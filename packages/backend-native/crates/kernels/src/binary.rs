//! Operations on two arrays, with broadcasting.

#![allow(clippy::extra_unused_type_parameters)] // dispatch! names the level also where plain arithmetic needs none

use std::ops::Range;

use learngene_pool::SendPtr;
use learngene_simd::{Isa, dispatch};

use crate::broadcast::Broadcast;
use crate::elementwise::for_parts;

/// An operation on two elements.
trait Op<In, Out> {
    fn apply(a: In, b: In) -> Out;
}

macro_rules! operations {
    ($(#[$meta:meta])* $kind:ident $run:ident $part:ident $with:ident $in:ty => $out:ty {
        $($(#[$doc:meta])* $name:ident |$a:ident, $b:ident| $f:expr;)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $kind {
            $($(#[$doc])* $name,)*
        }
        impl $kind {
            /// All of them; the position is the number that the addon takes.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
        $(
            struct $name;
            impl Op<$in, $out> for $name {
                #[inline(always)]
                fn apply($a: $in, $b: $in) -> $out {
                    $f
                }
            }
        )*
        dispatch! {
            fn $part(op: $kind, plan: &Broadcast, range: Range<usize>, a: &[$in], b: &[$in], y: &mut [$out]) = $with;
        }
        #[inline(always)]
        fn $with<S: Isa>(op: $kind, plan: &Broadcast, range: Range<usize>, a: &[$in], b: &[$in], y: &mut [$out]) {
            match op {
                $($kind::$name => rows::<$name, _, _>(plan, range, a, b, y),)*
            }
        }
        /// y = op(a, b), a and b broadcast as the plan says.
        ///
        /// # Panics
        /// Where a length does not fit the plan.
        pub fn $run(op: $kind, plan: &Broadcast, a: &[$in], b: &[$in], y: &mut [$out]) {
            assert_eq!(plan.len(), y.len());
            let out = SendPtr::new(y);
            for_parts(y.len(), &|range| {
                // SAFETY: parts are disjoint and within the output.
                let part = unsafe { out.slice_mut(range.clone()) };
                $part(op, plan, range, a, b, part);
            });
        }
    };
}

operations! {
    /// Arithmetic on floats.
    Arithmetic arithmetic arithmetic_part arithmetic_with f32 => f32 {
        /// a + b
        Add |a, b| a + b;
        /// a - b
        Sub |a, b| a - b;
        /// a b
        Mul |a, b| a * b;
        /// a / b
        Div |a, b| a / b;
        /// The larger one; NaN where one is NaN.
        Max |a, b| if a > b || a.is_nan() { a } else { b };
        /// The smaller one; NaN where one is NaN.
        Min |a, b| if a < b || a.is_nan() { a } else { b };
        /// (a - b)²
        SquaredDifference |a, b| (a - b) * (a - b);
        /// a^b as in JavaScript.
        Pow |a, b| pow(a, b);
    }
}
operations! {
    /// Comparisons of floats.
    Comparison comparison comparison_part comparison_with f32 => u8 {
        /// a = b
        Equal |a, b| u8::from(a == b);
        /// a ≠ b
        NotEqual |a, b| u8::from(a != b);
        /// a < b
        Less |a, b| u8::from(a < b);
        /// a ≤ b
        LessEqual |a, b| u8::from(a <= b);
        /// a > b
        Greater |a, b| u8::from(a > b);
        /// a ≥ b
        GreaterEqual |a, b| u8::from(a >= b);
    }
}
operations! {
    /// Operations on booleans.
    Logical logical logical_part logical_with u8 => u8 {
        /// Both.
        And |a, b| u8::from(a != 0 && b != 0);
        /// Either or both.
        Or |a, b| u8::from(a != 0 || b != 0);
    }
}

/// a^b; where C gives 1 for 1^NaN and (±1)^±∞, JavaScript gives NaN.
#[inline(always)]
fn pow(a: f32, b: f32) -> f32 {
    if b == 2.0 {
        a * a
    } else if b.is_nan() || (b.is_infinite() && a.abs() == 1.0) {
        f32::NAN
    } else {
        a.powf(b)
    }
}

#[inline(always)]
fn both<O: Op<In, Out>, In: Copy, Out>(a: &[In], b: &[In], y: &mut [Out]) {
    for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
        *y = O::apply(a, b);
    }
}
#[inline(always)]
fn left<O: Op<In, Out>, In: Copy, Out>(a: &[In], b: In, y: &mut [Out]) {
    for (y, &a) in y.iter_mut().zip(a) {
        *y = O::apply(a, b);
    }
}
#[inline(always)]
fn right<O: Op<In, Out>, In: Copy, Out>(a: In, b: &[In], y: &mut [Out]) {
    for (y, &b) in y.iter_mut().zip(b) {
        *y = O::apply(a, b);
    }
}

#[inline(always)]
fn rows<O: Op<In, Out>, In: Copy + Default, Out: Copy>(
    plan: &Broadcast,
    range: Range<usize>,
    a: &[In],
    b: &[In],
    y: &mut [Out],
) {
    if range.is_empty() {
        return;
    }
    if let Some((_, row, swapped)) = plan.repeated_row().filter(|&(count, row, _)| row <= SHORT && count > 1) {
        if swapped {
            repeated::<O, In, Out, true>(range, row, b, a, y);
        } else {
            repeated::<O, In, Out, false>(range, row, a, b, y);
        }
        return;
    }
    let (_, a_stride, b_stride) = plan.row();
    match (a_stride, b_stride) {
        (1, 1) => plan.pieces(range, |p| both::<O, In, Out>(&a[p.a..], &b[p.b..], &mut y[p.y])),
        (1, 0) => plan.pieces(range, |p| left::<O, In, Out>(&a[p.a..], b[p.b], &mut y[p.y])),
        (0, 1) => plan.pieces(range, |p| right::<O, In, Out>(a[p.a], &b[p.b..], &mut y[p.y])),
        _ => plan.pieces(range, |p| y[p.y].fill(O::apply(a[p.a], b[p.b]))),
    }
}

/// Rows up to this length are met by several copies of the repeated row at once.
const SHORT: usize = 128;

/// Every row of `long` meets `short`.
#[inline(always)]
fn repeated<O: Op<In, Out>, In: Copy + Default, Out: Copy, const SWAPPED: bool>(
    range: Range<usize>,
    row: usize,
    long: &[In],
    short: &[In],
    y: &mut [Out],
) {
    const WIDTH: usize = 1024;
    let mut copies = [In::default(); WIDTH];
    let width = (WIDTH / row).min(range.len().div_ceil(row)) * row;
    let turn = range.start % row;
    copies[..row - turn].copy_from_slice(&short[turn..]);
    copies[row - turn..row].copy_from_slice(&short[..turn]);
    for index in row..width {
        copies[index] = copies[index - row];
    }
    let long = &long[range];
    for (y, long) in y.chunks_mut(width).zip(long.chunks(width)) {
        if SWAPPED {
            both::<O, In, Out>(&copies, long, y);
        } else {
            both::<O, In, Out>(long, &copies, y);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 7919 + seed * 104_729) % 211) as f32 / 13.0 - 8.0).collect()
    }

    /// The element of a broadcast operand that index `i` of the result reads.
    fn source(shape: &[usize], result: &[usize], i: usize) -> usize {
        let (mut rest, mut at, mut stride) = (i, 0, 1);
        for back in 1..=result.len() {
            let index = rest % result[result.len() - back];
            rest /= result[result.len() - back];
            if back <= shape.len() {
                let size = shape[shape.len() - back];
                at += if size == 1 { 0 } else { index * stride };
                stride *= size;
            }
        }
        at
    }

    #[test]
    fn broadcasts_like_a_loop() {
        let cases: &[(&[usize], &[usize], &[usize])] = &[
            (&[7], &[7], &[7]),
            (&[], &[5], &[5]),
            (&[5], &[1], &[5]),
            (&[300, 200], &[200], &[300, 200]),
            (&[3], &[20_000, 3], &[20_000, 3]),
            (&[20_000, 3], &[3], &[20_000, 3]),
            (&[20, 1], &[20, 31], &[20, 31]),
            (&[4, 1, 6], &[4, 5, 6], &[4, 5, 6]),
            (&[2, 1, 3, 1], &[1, 4, 1, 5], &[2, 4, 3, 5]),
            (&[1, 6], &[5, 1], &[5, 6]),
            (&[0, 3], &[3], &[0, 3]),
        ];
        for &(a_shape, b_shape, result) in cases {
            let plan = Broadcast::new(a_shape, b_shape).unwrap();
            let a = numbers(a_shape.iter().product(), 1);
            let b = numbers(b_shape.iter().product(), 2);
            let total: usize = result.iter().product();
            let mut y = vec![f32::NAN; total];
            arithmetic(Arithmetic::Sub, &plan, &a, &b, &mut y);
            let mut less = vec![9; total];
            comparison(Comparison::Less, &plan, &a, &b, &mut less);
            for i in 0..total {
                let (a, b) = (a[source(a_shape, result, i)], b[source(b_shape, result, i)]);
                assert_eq!(y[i], a - b, "{a_shape:?} {b_shape:?} at {i}");
                assert_eq!(less[i], u8::from(a < b));
            }
        }
    }

    #[test]
    fn special_values() {
        let plan = Broadcast::new(&[4], &[4]).unwrap();
        let (a, b) = ([f32::NAN, 1.0, 2.0, -1.0], [1.0, f32::NAN, 3.0, f32::INFINITY]);
        let mut y = [0.0; 4];
        arithmetic(Arithmetic::Max, &plan, &a, &b, &mut y);
        assert!(y[0].is_nan() && y[1].is_nan() && y[2] == 3.0);
        arithmetic(Arithmetic::Min, &plan, &a, &b, &mut y);
        assert!(y[0].is_nan() && y[1].is_nan() && y[2] == 2.0);
        arithmetic(Arithmetic::Pow, &plan, &a, &b, &mut y);
        assert!(y[0].is_nan() && y[1].is_nan() && y[2] == 8.0 && y[3].is_nan());
    }

    #[test]
    fn booleans() {
        let plan = Broadcast::new(&[2, 2], &[2]).unwrap();
        let mut y = [9; 4];
        logical(Logical::And, &plan, &[0, 1, 2, 0], &[1, 1], &mut y);
        assert_eq!(y, [0, 1, 1, 0]);
        logical(Logical::Or, &plan, &[0, 1, 1, 0], &[0, 1], &mut y);
        assert_eq!(y, [0, 1, 1, 1]);
    }
}
