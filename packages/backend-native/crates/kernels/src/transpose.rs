//! Planes transposed in blocks that stay in the first cache.

/// A block of this side is read as whole cache lines of 4-byte elements.
const SIDE: usize = 16;

/// `y[c * y_step + r] = x[r * x_step + c]` for r below `rows`, c below `columns`.
///
/// # Safety
/// All these places lie within the arrays, which do not overlap.
pub(crate) unsafe fn transpose_plane<T: Copy>(
    x: *const T,
    x_step: isize,
    y: *mut T,
    y_step: isize,
    rows: usize,
    columns: usize,
) {
    let whole_rows = rows / SIDE * SIDE;
    let whole_columns = columns / SIDE * SIDE;
    for c in (0..whole_columns).step_by(SIDE) {
        for r in (0..whole_rows).step_by(SIDE) {
            // SAFETY: the block lies within the plane.
            unsafe {
                let from = x.offset(r as isize * x_step).add(c);
                let to = y.offset(c as isize * y_step).add(r);
                block(from, x_step, to, y_step);
            }
        }
    }
    // SAFETY: the rest of the plane.
    unsafe {
        rest(x, x_step, y, y_step, whole_rows..rows, 0..columns);
        rest(x, x_step, y, y_step, 0..whole_rows, whole_columns..columns);
    }
}

/// # Safety
/// As for [`transpose_plane`].
unsafe fn rest<T: Copy>(
    x: *const T,
    x_step: isize,
    y: *mut T,
    y_step: isize,
    rows: std::ops::Range<usize>,
    columns: std::ops::Range<usize>,
) {
    for c in columns {
        for r in rows.clone() {
            // SAFETY: promised by the caller.
            unsafe { *y.offset(c as isize * y_step).add(r) = *x.offset(r as isize * x_step).add(c) };
        }
    }
}

/// # Safety
/// 16 rows and columns from the given places lie within the arrays.
#[inline(always)]
unsafe fn block<T: Copy>(x: *const T, x_step: isize, y: *mut T, y_step: isize) {
    #[cfg(target_arch = "x86_64")]
    if size_of::<T>() == 4 && learngene_simd::level() >= learngene_simd::Level::Avx2 {
        for c in [0, 8] {
            for r in [0, 8] {
                // SAFETY: the level has AVX2; the 8x8 block lies within the plane and its elements are 4 bytes.
                unsafe {
                    let from = x.offset(r * x_step).offset(c);
                    let to = y.offset(c * y_step).offset(r);
                    block_avx2(from.cast(), x_step, to.cast(), y_step);
                }
            }
        }
        return;
    }
    // SAFETY: promised by the caller.
    unsafe { rest(x, x_step, y, y_step, 0..SIDE, 0..SIDE) }
}

/// An 8x8 block of 4-byte elements.
///
/// # Safety
/// 8 rows and columns from the given places lie within the arrays.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn block_avx2(x: *const f32, x_step: isize, y: *mut f32, y_step: isize) {
    use std::arch::x86_64::*;
    // SAFETY: eight elements of each of eight rows lie within the source.
    let row = |i: isize| unsafe { _mm256_loadu_ps(x.offset(i * x_step)) };
    let (r0, r1, r2, r3) = (row(0), row(1), row(2), row(3));
    let (r4, r5, r6, r7) = (row(4), row(5), row(6), row(7));
    let (a0, a1) = (_mm256_unpacklo_ps(r0, r1), _mm256_unpackhi_ps(r0, r1));
    let (a2, a3) = (_mm256_unpacklo_ps(r2, r3), _mm256_unpackhi_ps(r2, r3));
    let (a4, a5) = (_mm256_unpacklo_ps(r4, r5), _mm256_unpackhi_ps(r4, r5));
    let (a6, a7) = (_mm256_unpacklo_ps(r6, r7), _mm256_unpackhi_ps(r6, r7));
    let (b0, b1) = (_mm256_shuffle_ps::<0x44>(a0, a2), _mm256_shuffle_ps::<0xee>(a0, a2));
    let (b2, b3) = (_mm256_shuffle_ps::<0x44>(a1, a3), _mm256_shuffle_ps::<0xee>(a1, a3));
    let (b4, b5) = (_mm256_shuffle_ps::<0x44>(a4, a6), _mm256_shuffle_ps::<0xee>(a4, a6));
    let (b6, b7) = (_mm256_shuffle_ps::<0x44>(a5, a7), _mm256_shuffle_ps::<0xee>(a5, a7));
    let columns = [
        _mm256_permute2f128_ps::<0x20>(b0, b4),
        _mm256_permute2f128_ps::<0x20>(b1, b5),
        _mm256_permute2f128_ps::<0x20>(b2, b6),
        _mm256_permute2f128_ps::<0x20>(b3, b7),
        _mm256_permute2f128_ps::<0x31>(b0, b4),
        _mm256_permute2f128_ps::<0x31>(b1, b5),
        _mm256_permute2f128_ps::<0x31>(b2, b6),
        _mm256_permute2f128_ps::<0x31>(b3, b7),
    ];
    for (i, column) in columns.into_iter().enumerate() {
        // SAFETY: eight elements of each of eight columns lie within the destination.
        unsafe { _mm256_storeu_ps(y.offset(i as isize * y_step), column) };
    }
}
