//! The exponentials of a softmax.

use crate::small_product::Tile;
use crate::support::{LANES, fold, lanes_mut};

/// e^x for x up to about 1, which is all that a softmax needs: fewer steps than the general one. 0 below -87.
#[inline(always)]
pub(super) fn exp_down<S: Tile>(x: f32) -> f32 {
    const MAGIC: f32 = 12_582_912.0; // 1.5 · 2^23: adding it rounds to an integer held in the low mantissa bits
    let clamped = if x < -87.0 { -87.0 } else { x };
    let shifted = S::fma(clamped, std::f32::consts::LOG2_E, MAGIC);
    let n = shifted - MAGIC;
    let r = S::fma(n, -0.693_359_4, clamped);
    let r = S::fma(n, 2.121_944_4e-4, r);
    // Cephes' polynomial for e^r, |r| <= ln 2 / 2
    let p = S::fma(1.987_569_1e-4, r, 1.398_199_9e-3);
    let p = S::fma(p, r, 8.333_452e-3);
    let p = S::fma(p, r, 4.166_579_6e-2);
    let p = S::fma(p, r, 1.666_666_5e-1);
    let p = S::fma(p, r, 0.5);
    let e = S::fma(p * r, r, r) + 1.0;
    let power = f32::from_bits(shifted.to_bits().wrapping_sub(MAGIC.to_bits()).wrapping_add(127) << 23);
    if x < -87.0 { 0.0 } else { e * power }
}

/// x = e^(x - top); returns the sum.
#[inline(always)]
pub(super) fn exponentials_in_place<S: Tile>(x: &mut [f32], top: f32) -> f32 {
    let mut sums = [[0.0; LANES]; 2];
    let (pairs, rest) = x.as_chunks_mut::<{ 2 * LANES }>();
    for x in pairs {
        // two independent chains of operations at a time
        let (x0, x1) = x.split_at_mut(LANES);
        let (x0, x1) = (lanes_mut(x0), lanes_mut(x1));
        for i in 0..LANES {
            x0[i] = exp_down::<S>(x0[i] - top);
            sums[0][i] += x0[i];
        }
        for i in 0..LANES {
            x1[i] = exp_down::<S>(x1[i] - top);
            sums[1][i] += x1[i];
        }
    }
    let (vectors, tail) = rest.as_chunks_mut::<LANES>();
    for x in vectors {
        for i in 0..LANES {
            x[i] = exp_down::<S>(x[i] - top);
            sums[0][i] += x[i];
        }
    }
    for (x, sum) in tail.iter_mut().zip(&mut sums[1]) {
        *x = exp_down::<S>(*x - top);
        *sum += *x;
    }
    fold(std::array::from_fn(|i| sums[0][i] + sums[1][i]))
}
