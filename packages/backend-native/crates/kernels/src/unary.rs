//! Functions of one array, element by element.

use learngene_pool::SendPtr;
use learngene_simd::{Isa, dispatch, exp, sigmoid, tanh};

use crate::elementwise::for_parts;
use crate::functions::{cos, erf, expm1, log, log1p, sin, softplus, trigonometric_range};

/// A function of one element and up to two parameters.
trait Function {
    fn apply<S: Isa>(x: f32, p: f32, q: f32) -> f32;
}

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident |$x:ident, $p:ident, $q:ident| $f:expr;)*) => {
        /// Functions of one number `x` and up to two parameters `p`, `q`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Unary {
            $($(#[$doc])* $name,)*
        }
        impl Unary {
            /// All of them; the position is the number that the addon takes.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
        $(
            struct $name;
            impl Function for $name {
                #[inline(always)]
                fn apply<S: Isa>($x: f32, $p: f32, $q: f32) -> f32 {
                    $f
                }
            }
        )*
        #[inline(always)]
        fn unary_with<S: Isa>(f: Unary, x: &[f32], y: &mut [f32], p: f32, q: f32) {
            match f {
                $(Unary::$name => map::<S, $name>(x, y, p, q),)*
            }
        }
    };
}

functions! {
    /// -x
    Neg |x, _p, _q| -x;
    /// |x|
    Abs |x, _p, _q| x.abs();
    /// e^x
    Exp |x, _p, _q| exp::<S>(x);
    /// e^x - 1
    Expm1 |x, _p, _q| expm1::<S>(x);
    /// log x
    Log |x, _p, _q| log::<S>(x);
    /// log(1 + x)
    Log1p |x, _p, _q| log1p::<S>(x);
    /// √x
    Sqrt |x, _p, _q| x.sqrt();
    /// 1 / √x
    Rsqrt |x, _p, _q| 1.0 / x.sqrt();
    /// x²
    Square |x, _p, _q| x * x;
    /// 1 / x
    Reciprocal |x, _p, _q| 1.0 / x;
    /// 1 / (1 + e^-x)
    Sigmoid |x, _p, _q| sigmoid::<S>(x);
    /// tanh x
    Tanh |x, _p, _q| tanh::<S>(x);
    /// max(x, 0)
    Relu |x, _p, _q| if x < 0.0 { 0.0 } else { x };
    /// min(max(x, 0), 6)
    Relu6 |x, _p, _q| x.clamp(0.0, 6.0);
    /// x from 0 on, p x below
    LeakyRelu |x, p, _q| if x < 0.0 { p * x } else { x };
    /// x from 0 on, e^x - 1 below
    Elu |x, _p, _q| if x < 0.0 { expm1::<S>(x) } else { x };
    /// log(1 + e^x)
    Softplus |x, _p, _q| softplus::<S>(x);
    /// The error function.
    Erf |x, _p, _q| erf::<S>(x);
    /// sin x
    Sin |x, _p, _q| sin(x);
    /// cos x
    Cos |x, _p, _q| cos(x);
    /// The largest integer not above x.
    Floor |x, _p, _q| x.floor();
    /// The smallest integer not below x.
    Ceil |x, _p, _q| x.ceil();
    /// The nearest integer, the even one of two.
    Round |x, _p, _q| x.round_ties_even();
    /// -1, 0 or 1; 0 for NaN
    Sign |x, _p, _q| if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else { 0.0 };
    /// x held between p and q
    Clip |x, p, q| if x > q { q } else if x < p { p } else { x };
    /// 1 above 0, p elsewhere, NaN for NaN
    Step |x, p, _q| if x > 0.0 { 1.0 } else if x.is_nan() { x } else { p };
    /// x / (1 + e^-x)
    Silu |x, _p, _q| x * sigmoid::<S>(x);
}

dispatch! {
    fn unary_part(f: Unary, x: &[f32], y: &mut [f32], p: f32, q: f32) = unary_with;
}

#[inline(always)]
fn map<S: Isa, F: Function>(x: &[f32], y: &mut [f32], p: f32, q: f32) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = F::apply::<S>(x, p, q);
    }
}

/// y = f(x; p, q).
///
/// # Panics
/// Where the lengths differ.
pub fn unary(f: Unary, x: &[f32], y: &mut [f32], p: f32, q: f32) {
    assert_eq!(x.len(), y.len());
    let out = SendPtr::new(y);
    for_parts(x.len(), &|range| {
        // SAFETY: parts are disjoint and within the output.
        let part = unsafe { out.slice_mut(range.clone()) };
        match f {
            Unary::Sin => trigonometric(f, &x[range], part, f32::sin),
            Unary::Cos => trigonometric(f, &x[range], part, f32::cos),
            _ => unary_part(f, &x[range], part, p, q),
        }
    });
}

/// Blocks with arguments beyond the range of the vector form are left to the standard library.
fn trigonometric(f: Unary, x: &[f32], y: &mut [f32], exact: fn(f32) -> f32) {
    const BLOCK: usize = 256;
    for (x, y) in x.chunks(BLOCK).zip(y.chunks_mut(BLOCK)) {
        if trigonometric_range(x) {
            unary_part(f, x, y, 0.0, 0.0);
        } else {
            for (y, &x) in y.iter_mut().zip(x) {
                *y = exact(x);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_against_doubles() {
        let x: Vec<f32> = (0..40_001).map(|i| (i as f32 - 20_000.0) / 1700.0).collect();
        let mut y = vec![0.0; x.len()];
        type Exact = fn(f64) -> f64;
        let cases: &[(Unary, Exact)] = &[
            (Unary::Neg, |x| -x),
            (Unary::Abs, f64::abs),
            (Unary::Exp, f64::exp),
            (Unary::Expm1, f64::exp_m1),
            (Unary::Square, |x| x * x),
            (Unary::Silu, |x| x / (1.0 + (-x).exp())),
            (Unary::Sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
            (Unary::Tanh, f64::tanh),
            (Unary::Relu, |x| x.max(0.0)),
            (Unary::Relu6, |x| x.clamp(0.0, 6.0)),
            (Unary::LeakyRelu, |x| if x < 0.0 { x * f64::from(0.3f32) } else { x }),
            (Unary::Elu, |x| if x < 0.0 { x.exp_m1() } else { x }),
            (Unary::Softplus, |x| x.exp().ln_1p()),
            (Unary::Sin, f64::sin),
            (Unary::Cos, f64::cos),
            (Unary::Floor, f64::floor),
            (Unary::Ceil, f64::ceil),
            (Unary::Round, f64::round_ties_even),
            (Unary::Clip, |x| x.clamp(f64::from(0.3f32), 0.5)),
        ];
        for &(f, exact) in cases {
            unary(f, &x, &mut y, 0.3, 0.5);
            for (&x, &y) in x.iter().zip(&y) {
                let want = exact(x.into());
                assert!((f64::from(y) - want).abs() <= 1e-6 * want.abs(), "{f:?} {x}: {y}, {want}");
            }
        }
    }

    #[test]
    fn special_values() {
        let x = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, 0.5, 2.5, -1e20];
        let mut y = [0.0; 7];
        unary(Unary::Sign, &x, &mut y, 0.0, 0.0);
        assert_eq!(y, [0.0, 1.0, -1.0, 0.0, 1.0, 1.0, -1.0]);
        unary(Unary::Round, &x, &mut y, 0.0, 0.0);
        assert_eq!(y[3..], [0.0, 0.0, 2.0, -1e20]);
        unary(Unary::Step, &x, &mut y, 0.25, 0.0);
        assert!(y[0].is_nan());
        assert_eq!(y[1..], [1.0, 0.25, 0.25, 1.0, 1.0, 0.25]);
        for f in [Unary::Relu, Unary::Relu6, Unary::Clip, Unary::Tanh, Unary::Sin, Unary::Elu] {
            unary(f, &x, &mut y, -1.0, 1.0);
            assert!(y[0].is_nan(), "{f:?}");
        }
        unary(Unary::Sin, &x, &mut y, 0.0, 0.0);
        assert_eq!(y[6], (-1e20f32).sin());
    }
}
