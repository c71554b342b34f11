//! GELU (in its tanh form) and SiLU with their gradients.

use learngene_pool::{SendPtr, split, threads};
use learngene_simd::{Isa, dispatch, gelu as gelu_at, gelu_grad as gelu_slope, sigmoid};

use crate::support::for_tasks;

macro_rules! maps {
    ($($(#[$meta:meta])* $name:ident $part:ident $with:ident($($input:ident),*) $formula:expr;)*) => {
        $(
            dispatch! {
                fn $part($($input: &[f32],)* y: &mut [f32]) = $with;
            }
            #[inline(always)]
            fn $with<S: Isa>($($input: &[f32],)* y: &mut [f32]) {
                let length = y.len();
                $(let $input = &$input[..length];)*
                for i in 0..length {
                    y[i] = $formula($($input[i]),*);
                }
            }
            $(#[$meta])*
            pub fn $name($($input: &[f32],)* y: &mut [f32]) {
                let total = y.len();
                $(assert_eq!($input.len(), total);)*
                let (tasks, y) = (4 * threads(), SendPtr::new(y));
                for_tasks(tasks, total, &|task| {
                    let range = split(total, tasks, task);
                    // SAFETY: the ranges of different tasks are disjoint and within the output.
                    let y = unsafe { y.slice_mut(range.clone()) };
                    $part($(&$input[range.clone()],)* y);
                });
            }
        )*
    };
}

/// The derivative of x sigmoid(x).
#[inline(always)]
pub(crate) fn silu_slope<S: Isa>(x: f32) -> f32 {
    let gate = sigmoid::<S>(x);
    let bend = gate * (1.0 - gate);
    // where the gate is 0 or 1 the product's limit is 0, also for an infinite x
    gate + if bend == 0.0 { 0.0 } else { x * bend }
}

maps! {
    /// y = x sigmoid(2 sqrt(2/π) (x + 0.044715 x³)).
    gelu gelu_part gelu_with(x) |x| gelu_at::<S>(x);
    /// y = dy gelu'(x).
    gelu_grad gelu_grad_part gelu_grad_with(dy, x) |dy, x| dy * gelu_slope::<S>(x);
    /// y = x sigmoid(x).
    silu silu_part silu_with(x) |x| x * sigmoid::<S>(x);
    /// y = dy silu'(x).
    silu_grad silu_grad_part silu_grad_with(dy, x) |dy, x| dy * silu_slope::<S>(x);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::testing::{close, values};

    fn check(x: f64, silu: bool) -> (f64, f64) {
        let scale = if silu { 1.0 } else { 2.0 * (2.0 / std::f64::consts::PI).sqrt() };
        let cubic = if silu { 0.0 } else { 0.044715 };
        let s = 1.0 / (1.0 + (-scale * (x + cubic * x.powi(3))).exp());
        (x * s, s + x * s * (1.0 - s) * scale * (1.0 + 3.0 * cubic * x * x))
    }

    #[test]
    fn values_and_slopes_of_any_length() {
        for length in [0, 1, 15, 17, 1000, 40_001] {
            let (x, dy) = (values(length, 1, 6.0), values(length, 2, 1.0));
            type Map = fn(&[f32], &mut [f32]);
            type Grad = fn(&[f32], &[f32], &mut [f32]);
            for (f, grad, is_silu) in [(gelu as Map, gelu_grad as Grad, false), (silu, silu_grad, true)] {
                let mut y = vec![f32::NAN; length];
                f(&x, &mut y);
                close(&y, &x.iter().map(|&x| check(f64::from(x), is_silu).0).collect::<Vec<_>>(), 2e-6);
                grad(&dy, &x, &mut y);
                let slope = |(&x, &dy): (&f32, &f32)| f64::from(dy) * check(f64::from(x), is_silu).1;
                close(&y, &x.iter().zip(&dy).map(slope).collect::<Vec<_>>(), 2e-6);
            }
        }
    }

    #[test]
    fn far_values() {
        let mut y = [0.0; 2];
        silu_grad(&[1.0, 1.0], &[f32::MAX, -f32::MAX], &mut y);
        assert_eq!(y, [1.0, 0.0]);
    }
}
