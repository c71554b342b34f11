//! Packing f32 as words of two bfloat16, for the kernels that multiply pairs. Rounding is to nearest, ties to even.

use crate::pack::Matrix;
use crate::transpose::x86::block16;
use std::arch::x86_64::*;
use std::ops::Range;

#[inline]
#[target_feature(enable = "avx512f")]
fn first(count: usize) -> __mmask16 {
    if count >= 16 { 0xffff } else { (1 << count) - 1 }
}

/// Words (low, high) of sixteen columns of two rows.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
fn pairs(low: __m512, high: __m512) -> __m512 {
    // SAFETY: vectors of the same size without invalid values.
    let halves = |x: __m512| unsafe { std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(x)) };
    let low = _mm512_cvtepu16_epi32(halves(low));
    let high = _mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(halves(high)));
    _mm512_castsi512_ps(_mm512_or_si512(low, high))
}

/// Words of 32 neighbours.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
fn neighbours(low: __m512, high: __m512) -> __m512 {
    // SAFETY: vectors of the same size without invalid values.
    unsafe { std::mem::transmute::<__m512bh, __m512>(_mm512_cvtne2ps_pbh(high, low)) }
}

/// Words of the `count` (at most 32) neighbours at `from`, times `scale` if there is one.
///
/// # Safety
/// `from` and `scale` are readable for `count` words.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn convert(from: *const f32, count: usize, scale: Option<*const f32>) -> __m512 {
    let (low, high) = (first(count), first(count.saturating_sub(16)));
    // SAFETY: masked lanes are not read.
    let load =
        |at: *const f32| unsafe { (_mm512_maskz_loadu_ps(low, at), _mm512_maskz_loadu_ps(high, at.wrapping_add(16))) };
    let (a, b) = load(from);
    match scale {
        Some(scale) => {
            let (s, t) = load(scale);
            neighbours(_mm512_mul_ps(a, s), _mm512_mul_ps(b, t))
        }
        None => neighbours(a, b),
    }
}

/// Rows of `k` neighbours as rows of words, `k.div_ceil(2)` each.
///
/// # Safety
/// `from` has `rows` rows of `k` words, and `to` room.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(crate) unsafe fn rows(from: Matrix, rows: usize, k: usize, to: &mut [f32]) {
    let words = k.div_ceil(2);
    assert!(to.len() >= rows * words);
    for row in 0..rows {
        for at in (0..k).step_by(32) {
            let count = (k - at).min(32);
            // SAFETY: promised by the caller; masked lanes are not touched.
            unsafe {
                let value = convert(from.at.add(row * from.row + at), count, None);
                let to = to.as_mut_ptr().add(row * words + at / 2);
                _mm512_mask_storeu_ps(to, first(count.div_ceil(2)), value);
            }
        }
    }
}

/// Columns `[0, columns)` of the rows `ks` of a row-major matrix as rows of `width` words, one for two rows of the
/// matrix; the first goes to `to`. Words past `columns` are 0, as far as `width` is whole registers past them.
///
/// # Safety
/// The matrix is readable there, and `to` writable for `width` words a row.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(crate) unsafe fn columns(
    from: Matrix,
    ks: Range<usize>,
    columns: usize,
    scale: Option<&[f32]>,
    to: *mut f32,
    width: usize,
) {
    let factor = |l: usize| _mm512_set1_ps(scale.map_or(1.0, |scale| scale[l]));
    for l in ks.clone().step_by(2) {
        for j in (0..width).step_by(16) {
            let mask = first(columns.saturating_sub(j));
            // SAFETY: promised by the caller; masked lanes are not touched.
            unsafe {
                let at = from.at.wrapping_add(l * from.row + j);
                let low = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, at), factor(l));
                let high = if l + 1 < ks.end {
                    let at = at.wrapping_add(from.row);
                    _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, at), factor(l + 1))
                } else {
                    _mm512_setzero_ps()
                };
                let to = to.add((l - ks.start) / 2 * width + j);
                _mm512_mask_storeu_ps(to, first(width - j), pairs(low, high));
            }
        }
    }
}

/// B of which columns lie side by side (`from.column` apart, rows 1): rows of `width` words, zeros past `columns`.
///
/// # Safety
/// B [k, columns] is readable, and `to` has room for `k.div_ceil(2)` rows of whole registers.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(crate) unsafe fn turned(
    from: Matrix,
    k: usize,
    columns: usize,
    scale: Option<&[f32]>,
    to: &mut [f32],
    width: usize,
) {
    assert!(width.is_multiple_of(16) && columns <= width && to.len() >= k.div_ceil(2) * width);
    for j in (0..width).step_by(16) {
        for at in (0..k).step_by(32) {
            let count = (k - at).min(32);
            let mut block = [_mm512_setzero_ps(); 16];
            for (i, row) in block.iter_mut().enumerate() {
                if j + i < columns {
                    let scale = scale.map(|scale| scale[at..at + count].as_ptr());
                    // SAFETY: column j + i is within B.
                    *row = unsafe { convert(from.at.add((j + i) * from.column + at), count, scale) };
                }
            }
            for (i, value) in block16(block).iter().enumerate().take(count.div_ceil(2)) {
                // SAFETY: `to` has that row.
                unsafe { _mm512_storeu_ps(to.as_mut_ptr().add((at / 2 + i) * width + j), *value) };
            }
        }
    }
}
