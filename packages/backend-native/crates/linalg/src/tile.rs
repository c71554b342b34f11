//! The inner loops of the product: c (+)= alpha a b for one register tile of c.

use learngene_simd::{Level, level};

use crate::vector::fused;

/// `kernel(kc, alpha, a, b, c, ldc, add)`: a is packed [kc, rows], b [kc, cols], c the first rows of a column-major tile.
type Kernel = unsafe fn(usize, f64, &[f64], &[f64], *mut f64, usize, bool);

/// The size of a tile, and kernels for it.
#[derive(Clone, Copy)]
pub(crate) struct Tile {
    pub rows: usize,
    pub cols: usize,
    /// For the first `step` rows of a tile, the first `2 * step`, and so on to all.
    kernels: &'static [Kernel],
    step: usize,
}

impl Tile {
    /// Elements of the largest tile.
    pub const LARGEST: usize = 24 * 8;

    /// The cheapest kernel for the first `height` rows of a tile, and the rows that it writes.
    pub fn kernel(&self, height: usize) -> (Kernel, usize) {
        let steps = height.div_ceil(self.step).clamp(1, self.kernels.len());
        (self.kernels[steps - 1], steps * self.step)
    }
}

/// The tile for this processor.
pub(crate) fn tile() -> Tile {
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => {
            Tile { rows: 24, cols: 8, step: 8, kernels: &[x86::avx512::<1>, x86::avx512::<2>, x86::avx512::<3>] }
        }
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => Tile { rows: 12, cols: 4, step: 4, kernels: &[x86::avx2::<1>, x86::avx2::<2>, x86::avx2::<3>] },
        Level::Neon => Tile {
            rows: 8,
            cols: 4,
            step: 4,
            kernels: &[portable::<learngene_simd::Neon, 8, 4, 4>, portable::<learngene_simd::Neon, 8, 8, 4>],
        },
        _ => Tile { rows: 4, cols: 4, step: 4, kernels: &[portable::<learngene_simd::Scalar, 4, 4, 4>] },
    }
}

/// # Safety
/// `c` may be written as a column-major tile [H, C] with columns `ldc` apart; a is packed for tiles of R rows.
unsafe fn portable<S: learngene_simd::Isa, const R: usize, const H: usize, const C: usize>(
    kc: usize,
    alpha: f64,
    a: &[f64],
    b: &[f64],
    c: *mut f64,
    ldc: usize,
    add: bool,
) {
    let mut sums = [[0.0; H]; C];
    for (a, b) in a.chunks_exact(R).zip(b.chunks_exact(C)).take(kc) {
        for (sums, &b) in sums.iter_mut().zip(b) {
            for (sum, &a) in sums.iter_mut().zip(a) {
                *sum = fused::<S>(a, b, *sum);
            }
        }
    }
    for (j, sums) in sums.iter().enumerate() {
        // SAFETY: promised by the caller.
        let out = unsafe { std::slice::from_raw_parts_mut(c.add(j * ldc), H) };
        for (out, &sum) in out.iter_mut().zip(sums) {
            *out = if add { fused::<S>(alpha, sum, *out) } else { alpha * sum };
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    macro_rules! kernel {
        ($name:ident $features:literal $lanes:literal $vectors:literal $cols:literal
         $zero:ident $load:ident $store:ident $broadcast:ident $fma:ident $mul:ident) => {
            /// # Safety
            /// The processor has the instructions; a holds kc rows of a tile, b kc columns, and `c` may be written as
            /// V vectors of rows of a column-major tile with columns `ldc` apart.
            #[target_feature(enable = $features)]
            pub unsafe fn $name<const V: usize>(
                kc: usize,
                alpha: f64,
                a: &[f64],
                b: &[f64],
                c: *mut f64,
                ldc: usize,
                add: bool,
            ) {
                const LANES: usize = $lanes;
                const ROWS: usize = $lanes * $vectors;
                debug_assert!(a.len() >= kc * ROWS && b.len() >= kc * $cols);
                let mut sums = [[$zero(); V]; $cols];
                let (mut a, mut b) = (a.as_ptr(), b.as_ptr());
                for _ in 0..kc {
                    // SAFETY: within the packed panels, whose lengths the caller promised.
                    unsafe {
                        // a is read from the second-level cache
                        for line in 0..(V * LANES).div_ceil(8) {
                            _mm_prefetch::<_MM_HINT_T0>(a.wrapping_add(ROWS * 8 + line * 8).cast());
                        }
                        let mut column = [$zero(); V];
                        for (v, column) in column.iter_mut().enumerate() {
                            *column = $load(a.add(v * LANES));
                        }
                        for (j, sums) in sums.iter_mut().enumerate() {
                            let factor = $broadcast(*b.add(j));
                            for (sum, &column) in sums.iter_mut().zip(&column) {
                                *sum = $fma(column, factor, *sum);
                            }
                        }
                        a = a.add(ROWS);
                        b = b.add($cols);
                    }
                }
                let alpha = $broadcast(alpha);
                for (j, sums) in sums.iter().enumerate() {
                    for (v, &sum) in sums.iter().enumerate() {
                        // SAFETY: within the tile of c.
                        unsafe {
                            let at = c.add(j * ldc + v * LANES);
                            $store(at, if add { $fma(alpha, sum, $load(at)) } else { $mul(alpha, sum) });
                        }
                    }
                }
            }
        };
    }
    kernel! { avx512 "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma" 8 3 8
    _mm512_setzero_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_set1_pd _mm512_fmadd_pd _mm512_mul_pd }
    kernel! { avx2 "avx2,fma" 4 3 4
    _mm256_setzero_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_set1_pd _mm256_fmadd_pd _mm256_mul_pd }
}
