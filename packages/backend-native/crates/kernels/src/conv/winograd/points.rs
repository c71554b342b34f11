//! The one-dimensional transforms of Winograd's F(4, 3), sixteen channels at a time.
//!
//! Points 0, ±3/4, ±3/2 and infinity: their powers are short binary fractions, so only the filter's transform rounds its
//! constants, and errors are half of those of the usual 0, ±1, ±2 (with 64 channels 8.4e-7 of the norm; a direct sum in
//! f32 4.4e-7; 0, ±1, ±2 1.8e-6).

use learngene_simd::Lanes;

use super::{OUT, TILE};

const A: f32 = 0.75;
const B: f32 = 1.5;
const A2: f32 = A * A;
const B2: f32 = B * B;
const SUM: f32 = A2 + B2;
const PRODUCT: f32 = A2 * B2;
/// 1 / the derivatives of the product of all points at 0, ±A and ±B.
const AT_0: f32 = 1.0 / PRODUCT;
const AT_A: f32 = 1.0 / (2.0 * A2 * (A2 - B2));
const AT_B: f32 = 1.0 / (2.0 * B2 * (B2 - A2));

/// A transform of N numbers a lane to M.
pub(super) trait Transform<const N: usize, const M: usize> {
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn apply<S: Lanes>(x: [S::Sixteen; N]) -> [S::Sixteen; M];
}

/// Bᵀ d: the values at the points of the polynomials that the input's six numbers stand for.
pub(super) struct Input;

impl Transform<TILE, TILE> for Input {
    #[inline(always)]
    unsafe fn apply<S: Lanes>([d0, d1, d2, d3, d4, d5]: [S::Sixteen; TILE]) -> [S::Sixteen; TILE] {
        // SAFETY: promised by the caller.
        unsafe {
            let (even, odd) = (S::scaled_add(-B2, d2, d4), S::scaled_add(-B2, d1, d3));
            let (even2, odd2) = (S::scaled_add(-A2, d2, d4), S::scaled_add(-A2, d1, d3));
            [
                S::scaled_add(PRODUCT, d0, S::scaled_add(-SUM, d2, d4)),
                S::scaled_add(A, odd, even),
                S::scaled_add(-A, odd, even),
                S::scaled_add(B, odd2, even2),
                S::scaled_add(-B, odd2, even2),
                S::scaled_add(PRODUCT, d1, S::scaled_add(-SUM, d3, d5)),
            ]
        }
    }
}

/// Aᵀ m.
pub(super) struct Output;

impl Transform<TILE, OUT> for Output {
    #[inline(always)]
    unsafe fn apply<S: Lanes>([m0, m1, m2, m3, m4, m5]: [S::Sixteen; TILE]) -> [S::Sixteen; OUT] {
        // SAFETY: promised by the caller.
        unsafe {
            let (sum, difference) = (S::add(m1, m2), S::sub(m1, m2));
            let (sum2, difference2) = (S::add(m3, m4), S::sub(m3, m4));
            [
                S::add(S::add(m0, sum), sum2),
                S::scaled_add(B, difference2, S::times(A, difference)),
                S::scaled_add(B2, sum2, S::times(A2, sum)),
                S::scaled_add(B2 * B, difference2, S::scaled_add(A2 * A, difference, m5)),
            ]
        }
    }
}

/// A y: the adjoint of [`Output`].
pub(super) struct OutputGradient;

impl Transform<OUT, TILE> for OutputGradient {
    #[inline(always)]
    unsafe fn apply<S: Lanes>([y0, y1, y2, y3]: [S::Sixteen; OUT]) -> [S::Sixteen; TILE] {
        // SAFETY: promised by the caller.
        unsafe {
            let (even, odd) = (S::scaled_add(A2, y2, y0), S::scaled_add(A2, y3, y1));
            let (even2, odd2) = (S::scaled_add(B2, y2, y0), S::scaled_add(B2, y3, y1));
            [
                y0,
                S::scaled_add(A, odd, even),
                S::scaled_add(-A, odd, even),
                S::scaled_add(B, odd2, even2),
                S::scaled_add(-B, odd2, even2),
                y3,
            ]
        }
    }
}

/// G w.
pub(super) struct Filter;

impl Transform<3, TILE> for Filter {
    #[inline(always)]
    unsafe fn apply<S: Lanes>([w0, w1, w2]: [S::Sixteen; 3]) -> [S::Sixteen; TILE] {
        // SAFETY: promised by the caller.
        unsafe {
            let (even, odd) = (S::times(AT_A, S::scaled_add(A2, w2, w0)), S::times(A * AT_A, w1));
            let (even2, odd2) = (S::times(AT_B, S::scaled_add(B2, w2, w0)), S::times(B * AT_B, w1));
            [S::times(AT_0, w0), S::add(even, odd), S::sub(even, odd), S::add(even2, odd2), S::sub(even2, odd2), w2]
        }
    }
}

/// Gᵀ u: the adjoint of [`Filter`].
pub(super) struct FilterGradient;

impl Transform<TILE, 3> for FilterGradient {
    #[inline(always)]
    unsafe fn apply<S: Lanes>([u0, u1, u2, u3, u4, u5]: [S::Sixteen; TILE]) -> [S::Sixteen; 3] {
        // SAFETY: promised by the caller.
        unsafe {
            let (sum, sum2) = (S::times(AT_A, S::add(u1, u2)), S::times(AT_B, S::add(u3, u4)));
            [
                S::add(S::scaled_add(AT_0, u0, sum), sum2),
                S::scaled_add(B * AT_B, S::sub(u3, u4), S::times(A * AT_A, S::sub(u1, u2))),
                S::scaled_add(B2, sum2, S::scaled_add(A2, sum, u5)),
            ]
        }
    }
}
