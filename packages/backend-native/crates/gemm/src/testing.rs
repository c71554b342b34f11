//! What the tests share: numbers, levels, and the product as plain loops.

use crate::tile::{Kernels, kernels};
use learngene_simd::Level;

/// The kernels of the level in use and of all lower ones.
pub(crate) fn levels() -> Vec<Kernels> {
    let all = [Level::Scalar, Level::Neon, Level::Avx2, Level::Avx512];
    let level = learngene_simd::level();
    let other = |l: Level| (level == Level::Neon) != (l == Level::Neon);
    all.into_iter().filter(|&l| l == Level::Scalar || (l <= level && !other(l))).map(kernels).collect()
}

/// Numbers in [-1, 1), the same for the same seed.
pub(crate) fn random(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// op(A) op(B) in f64.
pub(crate) fn reference(
    (m, n, k): (usize, usize, usize),
    a: impl Fn(usize, usize) -> f32,
    b: impl Fn(usize, usize) -> f32,
) -> Vec<f64> {
    let mut c = vec![0.0; m * n];
    for i in 0..m {
        for l in 0..k {
            let x = f64::from(a(i, l));
            for j in 0..n {
                c[i * n + j] += x * f64::from(b(l, j));
            }
        }
    }
    c
}

/// Asserts that every |got - want| is at most `tolerance`.
pub(crate) fn close(got: &[f32], want: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
        let difference = (f64::from(got) - want).abs();
        assert!(difference <= tolerance, "{what}: element {i}: got {got}, want {want}");
    }
}
