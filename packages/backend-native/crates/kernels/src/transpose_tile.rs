//! The transpose of a small block inside a kernel.

use crate::small_product::Tile;

/// Side of the squares that are transposed in registers.
const SIDE: usize = 8;

/// to[c * ldt + r] = from[r * ldf + c] for r < rows, c < columns.
#[inline(always)]
pub(crate) fn transpose<S: Tile>(
    from: &[f32],
    ldf: usize,
    (rows, columns): (usize, usize),
    to: &mut [f32],
    ldt: usize,
) {
    let (whole_rows, whole_columns) = if S::AVX2 { (rows - rows % SIDE, columns - columns % SIDE) } else { (0, 0) };
    #[cfg(target_arch = "x86_64")]
    for r in (0..whole_rows).step_by(SIDE) {
        for c in (0..whole_columns).step_by(SIDE) {
            // SAFETY: only levels with AVX2 come here.
            unsafe { square(&from[r * ldf + c..], ldf, &mut to[c * ldt + r..], ldt) };
        }
    }
    for r in 0..rows {
        let start = if r < whole_rows { whole_columns } else { 0 };
        for c in start..columns {
            to[c * ldt + r] = from[r * ldf + c];
        }
    }
}

/// Transposes 8 x 8 values.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn square(from: &[f32], ldf: usize, to: &mut [f32], ldt: usize) {
    use std::arch::x86_64::{
        __m256, _mm256_loadu_ps, _mm256_permute2f128_ps, _mm256_shuffle_ps, _mm256_storeu_ps, _mm256_unpackhi_ps,
        _mm256_unpacklo_ps,
    };
    assert!(from.len() >= (SIDE - 1) * ldf + SIDE && to.len() >= (SIDE - 1) * ldt + SIDE);
    // SAFETY: row i of the input has 8 values.
    let rows: [__m256; SIDE] = std::array::from_fn(|i| unsafe { _mm256_loadu_ps(from.as_ptr().add(i * ldf)) });
    // pairs of rows interleaved, then fours, then the halves exchanged
    let pairs: [__m256; SIDE] = std::array::from_fn(|i| {
        let (a, b) = (rows[i / 2 * 2], rows[i / 2 * 2 + 1]);
        if i % 2 == 0 { _mm256_unpacklo_ps(a, b) } else { _mm256_unpackhi_ps(a, b) }
    });
    let fours: [__m256; SIDE] = std::array::from_fn(|i| {
        let (half, part) = (i / 4 * 4, i % 4);
        let (a, b) = (pairs[half + part / 2], pairs[half + 2 + part / 2]);
        if part % 2 == 0 { _mm256_shuffle_ps::<0x44>(a, b) } else { _mm256_shuffle_ps::<0xee>(a, b) }
    });
    for i in 0..SIDE {
        let (a, b) = (fours[i % 4], fours[i % 4 + 4]);
        let column = if i < 4 { _mm256_permute2f128_ps::<0x20>(a, b) } else { _mm256_permute2f128_ps::<0x31>(a, b) };
        // SAFETY: row i of the output has 8 values.
        unsafe { _mm256_storeu_ps(to.as_mut_ptr().add(i * ldt), column) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::testing::values;
    use learngene_simd::dispatch;

    dispatch! {
        fn run(from: &[f32], ldf: usize, size: (usize, usize), to: &mut [f32], ldt: usize) = transpose;
    }

    #[test]
    fn blocks_of_any_size() {
        for (rows, columns) in [(0, 3), (1, 1), (8, 8), (7, 9), (16, 24), (33, 70)] {
            let (ldf, ldt) = (columns + 3, rows + 2);
            let from = values(rows * ldf, 1, 1.0);
            let mut to = vec![7.0; columns * ldt];
            run(&from, ldf, (rows, columns), &mut to, ldt);
            for c in 0..columns {
                for r in 0..ldt {
                    assert_eq!(to[c * ldt + r], if r < rows { from[r * ldf + c] } else { 7.0 });
                }
            }
        }
    }
}
