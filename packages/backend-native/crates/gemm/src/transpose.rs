//! Transposing blocks of words, the inner loop of packing a transposed factor.

use learngene_simd::Level;

/// `to[c · to_row + r] = from[r · from_row + c]` for r below `rows`, c below `columns`; each of the `columns` rows of
/// `to` is filled up with zeros to the next multiple of `lanes`.
///
/// # Safety
/// The processor has `level`; `from` is readable and `to` writable there, `to_row >= rows` rounded up to `lanes`, and
/// `lanes` is that of the level's registers.
pub(crate) unsafe fn transpose(
    level: Level,
    lanes: usize,
    (rows, columns): (usize, usize),
    from: *const f32,
    from_row: usize,
    to: *mut f32,
    to_row: usize,
) {
    match level {
        // SAFETY: promised by the caller.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { x86::avx512((rows, columns), from, from_row, to, to_row) },
        // SAFETY: promised by the caller.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { x86::avx2((rows, columns), from, from_row, to, to_row) },
        // SAFETY: promised by the caller.
        _ => unsafe { portable(lanes, (rows, columns), from, from_row, to, to_row) },
    }
}

/// What happens to a transposed tile before it is stored.
#[derive(Clone, Copy)]
pub(crate) struct Onto<'a> {
    /// A factor of every column of the result.
    pub scale: Option<&'a [f32]>,
    /// What is there is added first.
    pub add: bool,
}

/// `to[c · to_row + r] = (from[r · from_row + c] (+ what is there)) (· scale[r])` for r below `rows`, c below `columns`;
/// nothing else of `to` is touched.
///
/// # Safety
/// The processor has `level`; `from` is readable and `to` writable there; a scale has `rows` words.
pub(crate) unsafe fn transpose_onto(
    level: Level,
    (rows, columns): (usize, usize),
    from: *const f32,
    from_row: usize,
    to: *mut f32,
    to_row: usize,
    onto: Onto<'_>,
) {
    match level {
        // SAFETY: promised by the caller.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { x86::avx512_onto((rows, columns), from, from_row, to, to_row, onto) },
        // SAFETY: promised by the caller.
        _ => unsafe { portable_onto((rows, columns), from, from_row, to, to_row, onto) },
    }
}

/// # Safety
/// As [`transpose_onto`].
unsafe fn portable_onto(
    (rows, columns): (usize, usize),
    from: *const f32,
    from_row: usize,
    to: *mut f32,
    to_row: usize,
    Onto { scale, add }: Onto<'_>,
) {
    for c in 0..columns {
        // SAFETY: promised by the caller.
        let to = unsafe { std::slice::from_raw_parts_mut(to.add(c * to_row), rows) };
        for (r, to) in to.iter_mut().enumerate() {
            // SAFETY: promised by the caller.
            let sum = unsafe { *from.add(r * from_row + c) } + if add { *to } else { 0.0 };
            *to = scale.map_or(sum, |scale| sum * scale[r]);
        }
    }
}

/// # Safety
/// As [`transpose`].
unsafe fn portable(
    lanes: usize,
    (rows, columns): (usize, usize),
    from: *const f32,
    from_row: usize,
    to: *mut f32,
    to_row: usize,
) {
    for c in 0..columns {
        for r in 0..rows.next_multiple_of(lanes) {
            // SAFETY: promised by the caller; nothing is read past `rows`.
            unsafe { *to.add(c * to_row + r) = if r < rows { *from.add(r * from_row + c) } else { 0.0 } };
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) mod x86 {
    use std::arch::x86_64::*;

    /// # Safety
    /// As [`super::transpose`].
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn avx512(
        (rows, columns): (usize, usize),
        from: *const f32,
        from_row: usize,
        to: *mut f32,
        to_row: usize,
    ) {
        for r0 in (0..rows).step_by(16) {
            let height = (rows - r0).min(16);
            for c0 in (0..columns).step_by(16) {
                let width = (columns - c0).min(16);
                let mask = ((1u32 << width) - 1) as u16;
                let mut block = [_mm512_setzero_ps(); 16];
                if height == 16 {
                    for (i, row) in block.iter_mut().enumerate() {
                        // SAFETY: row r0 + i is below `rows`; masked lanes are not read.
                        *row = unsafe { _mm512_maskz_loadu_ps(mask, from.add((r0 + i) * from_row + c0)) };
                    }
                } else {
                    for (i, row) in block.iter_mut().enumerate().take(height) {
                        // SAFETY: row r0 + i is below `rows`; masked lanes are not read.
                        *row = unsafe { _mm512_maskz_loadu_ps(mask, from.add((r0 + i) * from_row + c0)) };
                    }
                }
                let block = block16(block);
                if width == 16 {
                    for (i, column) in block.iter().enumerate() {
                        // SAFETY: row c0 + i of the result has room for rows rounded up to 16.
                        unsafe { _mm512_storeu_ps(to.add((c0 + i) * to_row + r0), *column) };
                    }
                    continue;
                }
                for (i, column) in block.iter().enumerate() {
                    if i < width {
                        // SAFETY: row c0 + i of the result has room for rows rounded up to 16.
                        unsafe { _mm512_storeu_ps(to.add((c0 + i) * to_row + r0), *column) };
                    }
                }
            }
        }
    }

    /// # Safety
    /// As [`super::transpose_onto`].
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn avx512_onto(
        (rows, columns): (usize, usize),
        from: *const f32,
        from_row: usize,
        to: *mut f32,
        to_row: usize,
        super::Onto { scale, add }: super::Onto<'_>,
    ) {
        for r0 in (0..rows).step_by(16) {
            let height = (rows - r0).min(16);
            let mask = ((1u32 << height) - 1) as u16;
            // SAFETY: the scale has `rows` words; masked lanes are not read.
            let scale = scale.map(|scale| unsafe { _mm512_maskz_loadu_ps(mask, scale.as_ptr().add(r0)) });
            for c0 in (0..columns).step_by(16) {
                let width = (columns - c0).min(16);
                let inside = ((1u32 << width) - 1) as u16;
                let mut block = [_mm512_setzero_ps(); 16];
                for (i, row) in block.iter_mut().enumerate() {
                    if i < height {
                        // SAFETY: row r0 + i is below `rows`; masked lanes are not read.
                        *row = unsafe { _mm512_maskz_loadu_ps(inside, from.add((r0 + i) * from_row + c0)) };
                    }
                }
                for (i, &column) in block16(block).iter().enumerate() {
                    if i < width {
                        // SAFETY: row c0 + i of the result has `height` words from r0 on; masked lanes are not touched.
                        unsafe {
                            let to = to.add((c0 + i) * to_row + r0);
                            let mut sum = column;
                            if add {
                                sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, to));
                            }
                            if let Some(scale) = scale {
                                sum = _mm512_mul_ps(sum, scale);
                            }
                            _mm512_mask_storeu_ps(to, mask, sum);
                        }
                    }
                }
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(crate) fn block16(r: [__m512; 16]) -> [__m512; 16] {
        let mut t = r;
        for i in 0..8 {
            t[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
            t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
        }
        let mut q = t; // quarter L of q[4 i + j]: column 4 L + j of the rows 4 i to 4 i + 3
        for i in 0..4 {
            let pair = |a, b| (_mm512_castps_pd(t[4 * i + a]), _mm512_castps_pd(t[4 * i + b]));
            let ((a, b), (c, d)) = (pair(0, 2), pair(1, 3));
            q[4 * i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
            q[4 * i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
            q[4 * i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(c, d));
            q[4 * i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(c, d));
        }
        let mut out = q;
        for j in 0..4 {
            let even = |a: usize, b: usize| _mm512_shuffle_f32x4::<0x88>(q[a + j], q[b + j]);
            let odd = |a: usize, b: usize| _mm512_shuffle_f32x4::<0xdd>(q[a + j], q[b + j]);
            let (low, high) = (even(0, 4), even(8, 12));
            out[j] = _mm512_shuffle_f32x4::<0x88>(low, high);
            out[8 + j] = _mm512_shuffle_f32x4::<0xdd>(low, high);
            let (low, high) = (odd(0, 4), odd(8, 12));
            out[4 + j] = _mm512_shuffle_f32x4::<0x88>(low, high);
            out[12 + j] = _mm512_shuffle_f32x4::<0xdd>(low, high);
        }
        out
    }

    /// # Safety
    /// As [`super::transpose`].
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn avx2(
        (rows, columns): (usize, usize),
        from: *const f32,
        from_row: usize,
        to: *mut f32,
        to_row: usize,
    ) {
        for r0 in (0..rows).step_by(8) {
            let height = (rows - r0).min(8);
            for c0 in (0..columns).step_by(8) {
                let width = (columns - c0).min(8);
                let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
                let mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(width as i32), lanes);
                let mut block = [_mm256_setzero_ps(); 8];
                for (i, row) in block.iter_mut().enumerate() {
                    if i < height {
                        // SAFETY: row r0 + i is below `rows`; masked lanes are not read.
                        *row = unsafe { _mm256_maskload_ps(from.add((r0 + i) * from_row + c0), mask) };
                    }
                }
                let block = block8(block);
                for (i, column) in block.iter().enumerate() {
                    if i < width {
                        // SAFETY: row c0 + i of the result has room for rows rounded up to 8.
                        unsafe { _mm256_storeu_ps(to.add((c0 + i) * to_row + r0), *column) };
                    }
                }
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn block8(r: [__m256; 8]) -> [__m256; 8] {
        let mut t = r;
        for i in 0..4 {
            t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
            t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
        }
        let mut q = t; // half L of q[4 i + j]: column 4 L + j of the rows 4 i to 4 i + 3
        for i in 0..2 {
            q[4 * i] = _mm256_shuffle_ps::<0x44>(t[4 * i], t[4 * i + 2]);
            q[4 * i + 1] = _mm256_shuffle_ps::<0xee>(t[4 * i], t[4 * i + 2]);
            q[4 * i + 2] = _mm256_shuffle_ps::<0x44>(t[4 * i + 1], t[4 * i + 3]);
            q[4 * i + 3] = _mm256_shuffle_ps::<0xee>(t[4 * i + 1], t[4 * i + 3]);
        }
        let mut out = q;
        for j in 0..4 {
            out[j] = _mm256_permute2f128_ps::<0x20>(q[j], q[4 + j]);
            out[4 + j] = _mm256_permute2f128_ps::<0x31>(q[j], q[4 + j]);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::levels;

    #[test]
    fn blocks_of_all_sizes() {
        for kernels in levels() {
            for (rows, columns) in [(1usize, 1), (3, 17), (16, 16), (17, 5), (48, 33), (7, 64), (40, 1)] {
                let from: Vec<f32> = (0..rows * (columns + 3)).map(|i| i as f32).collect();
                let to_row = rows.next_multiple_of(kernels.lanes);
                let mut to = vec![-1.0; columns * to_row];
                // SAFETY: both slices hold the blocks.
                unsafe {
                    let size = (rows, columns);
                    transpose(kernels.level, kernels.lanes, size, from.as_ptr(), columns + 3, to.as_mut_ptr(), to_row);
                }
                for c in 0..columns {
                    for r in 0..to_row {
                        let want = if r < rows { from[r * (columns + 3) + c] } else { 0.0 };
                        assert_eq!(to[c * to_row + r], want);
                    }
                }
            }
        }
    }

    #[test]
    fn tiles_onto_what_is_there() {
        for kernels in levels() {
            for (rows, columns) in [(1usize, 1), (8, 48), (16, 16), (7, 19), (17, 5), (12, 32)] {
                let from: Vec<f32> = (0..rows * (columns + 3)).map(|i| i as f32).collect();
                let scale: Vec<f32> = (0..rows).map(|r| 1.0 + r as f32).collect();
                let to_row = rows + 2;
                for (add, scaled) in [(false, false), (true, false), (false, true), (true, true)] {
                    let mut to = vec![-1.0; columns * to_row];
                    let onto = Onto { scale: scaled.then_some(&scale[..]), add };
                    // SAFETY: all slices hold the blocks.
                    unsafe {
                        let size = (rows, columns);
                        transpose_onto(kernels.level, size, from.as_ptr(), columns + 3, to.as_mut_ptr(), to_row, onto);
                    }
                    for (index, got) in to.into_iter().enumerate() {
                        let (c, r) = (index / to_row, index % to_row);
                        let sum = |r: usize| from[r * (columns + 3) + c] - f32::from(u8::from(add));
                        let want = if r < rows { sum(r) * if scaled { scale[r] } else { 1.0 } } else { -1.0 };
                        assert_eq!(got, want, "{:?} {rows} {columns} {add} {scaled} {index}", kernels.level);
                    }
                }
            }
        }
    }
}
