//! The steps of each reduction along rows and down columns, in independent chains.

#![allow(clippy::extra_unused_type_parameters)] // dispatch! names the level also where plain arithmetic needs none

use learngene_simd::{Isa, dispatch};

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
            pub(super) fn start(self) -> f32 {
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
    pub(super) fn along(op: Reduction, x: &[f32], size: usize, y: &mut [f32]) = along_with;
}
dispatch! {
    /// Rows as long as `y` to one row.
    pub(super) fn down(op: Reduction, x: &[f32], y: &mut [f32]) = down_with;
}

/// Independent chains in a row.
const LANES: usize = 64;

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
