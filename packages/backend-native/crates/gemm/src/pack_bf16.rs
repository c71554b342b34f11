//! Packing f32 as words of two bfloat16, for the kernels that multiply pairs. Rounding is to nearest, ties to even.

use crate::pack::{Matrix, STEP};
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
    // half i of the one row, then half i of the other, which lies sixteen further
    let order = _mm512_add_epi32(
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
        _mm512_slli_epi32::<16>(_mm512_setr_epi32(16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31)),
    );
    _mm512_castsi512_ps(_mm512_permutexvar_epi16(order, _mm512_castps_si512(neighbours(low, high))))
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

/// The left factor for tiles in order, as [`pack_a`](crate::pack::pack_a) has it.
///
/// # Safety
/// As there.
pub(crate) unsafe fn left(from: Matrix, k: usize, runs: [(usize, usize); 2], to: &mut [f32]) {
    if from.column == 1 {
        let count = runs.iter().map(|(height, count)| height * count).sum();
        // SAFETY: promised by the caller.
        return unsafe { rows(from, count, k, to) };
    }
    let words = k.div_ceil(2);
    for l0 in (0..k).step_by(2 * STEP) {
        let l1 = (l0 + 2 * STEP).min(k);
        let mut row = 0;
        for (height, count) in runs {
            let mut left = count;
            while left > 0 {
                let tiles = if height == 8 && left > 1 { 2 } else { 1 };
                // SAFETY: promised by the caller.
                unsafe {
                    let source = from.from(row, 0).transposed();
                    let to = to.as_mut_ptr().add(row * words + l0 / 2 * height);
                    if tiles == 2 {
                        two_tiles(source, l0..l1, to, height * words);
                    } else {
                        columns(source, l0..l1, height, None, to, height);
                    }
                }
                row += tiles * height;
                left -= tiles;
            }
        }
    }
}

/// Rows of `k` neighbours as rows of words, `k.div_ceil(2)` each.
///
/// # Safety
/// `from` has `rows` rows of `k` words, and `to` room.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn rows(from: Matrix, rows: usize, k: usize, to: &mut [f32]) {
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
    for l in ks.clone().step_by(2) {
        for j in (0..width).step_by(16) {
            let mask = first(columns.saturating_sub(j));
            // SAFETY: promised by the caller; masked lanes are not touched.
            unsafe {
                let words = two_rows(from, (l, l + 1 < ks.end), j, mask, scale);
                _mm512_mask_storeu_ps(to.add((l - ks.start) / 2 * width + j), first(width - j), words);
            }
        }
    }
}

/// As [`columns`], for two neighbouring tiles of eight columns, `apart` words from the one to the other: each line of the
/// matrix is read once for both.
///
/// # Safety
/// As [`columns`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn two_tiles(from: Matrix, ks: Range<usize>, to: *mut f32, apart: usize) {
    for l in ks.clone().step_by(2) {
        // SAFETY: promised by the caller.
        unsafe {
            let words = _mm512_castps_si512(two_rows(from, (l, l + 1 < ks.end), 0, 0xffff, None));
            let to = to.add((l - ks.start) / 2 * 8);
            _mm256_storeu_si256(to.cast(), _mm512_castsi512_si256(words));
            _mm256_storeu_si256(to.add(apart).cast(), _mm512_extracti64x4_epi64::<1>(words));
        }
    }
}

/// Words of sixteen columns from `j` on of row l and, if there is one, the row after it.
///
/// # Safety
/// The matrix is readable there, where the mask says so.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn two_rows(
    from: Matrix,
    (l, another): (usize, bool),
    j: usize,
    mask: __mmask16,
    scale: Option<&[f32]>,
) -> __m512 {
    let at = from.at.wrapping_add(l * from.row + j);
    // SAFETY: promised by the caller; masked lanes are not read.
    let (mut low, mut high) = unsafe {
        let high = if another { _mm512_maskz_loadu_ps(mask, at.wrapping_add(from.row)) } else { _mm512_setzero_ps() };
        (_mm512_maskz_loadu_ps(mask, at), high)
    };
    if let Some(scale) = scale {
        low = _mm512_mul_ps(low, _mm512_set1_ps(scale[l]));
        high = if another { _mm512_mul_ps(high, _mm512_set1_ps(scale[l + 1])) } else { high };
    }
    pairs(low, high)
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
