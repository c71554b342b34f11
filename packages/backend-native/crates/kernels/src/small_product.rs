//! Products of small matrices that lie in the first caches, for use inside a kernel: nothing is packed.

use learngene_simd::{Avx2, Avx512, Isa, Neon, Scalar};

use crate::support::{LANES, Lanes};

/// What the inner loops of small matrices must know of an instruction set.
pub(crate) trait Tile: Isa {
    /// Whether there are 32 registers of sixteen values.
    const WIDE: bool;
    /// Whether it includes AVX2.
    const AVX2: bool;
}
impl Tile for Scalar {
    const WIDE: bool = false;
    const AVX2: bool = false;
}
impl Tile for Neon {
    const WIDE: bool = false;
    const AVX2: bool = false;
}
impl Tile for Avx2 {
    const WIDE: bool = false;
    const AVX2: bool = true;
}
impl Tile for Avx512 {
    const WIDE: bool = true;
    const AVX2: bool = true;
}

/// The number of rows of a result is a multiple of this, that of columns of [`LANES`].
pub(crate) const ROWS: usize = 4;

/// A factor read in any order: element (i, k) is `data[i * row + k * column]`.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a> {
    pub data: &'a [f32],
    pub row: usize,
    pub column: usize,
}

/// Sizes of a product: m rows, n columns, k terms.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    pub m: usize,
    pub n: usize,
    pub k: usize,
}

/// c = a b, or c += a b with `add`; b [k, n] and c [m, n] have rows `ldb` and `ldc` apart.
#[inline(always)]
pub(crate) fn multiply<S: Tile>(
    Sizes { m, n, k }: Sizes,
    a: Left<'_>,
    (b, ldb): (&[f32], usize),
    (c, ldc): (&mut [f32], usize),
    add: bool,
) {
    assert!(m == 0 || (c.len() >= (m - 1) * ldc + n && ldc >= n));
    // SAFETY: c has m rows of n columns, `ldc` apart.
    unsafe { multiply_to::<S>(Sizes { m, n, k }, a, (b, ldb), (c.as_mut_ptr(), ldc), add) };
}

/// As [`multiply`], where others' columns may lie between the rows of c.
///
/// # Safety
/// c has m rows of n columns, `ldc` apart, which nothing else refers to.
#[inline(always)]
pub(crate) unsafe fn multiply_to<S: Tile>(
    Sizes { m, n, k }: Sizes,
    a: Left<'_>,
    (b, ldb): (&[f32], usize),
    (c, ldc): (*mut f32, usize),
    add: bool,
) {
    assert!(m % ROWS == 0 && n % LANES == 0);
    if m == 0 || n == 0 {
        return;
    }
    if k > 0 {
        assert!(a.data.len() > (m - 1) * a.row + (k - 1) * a.column);
        assert!(b.len() >= (k - 1) * ldb + n);
    }
    let (a, steps) = (a.data.as_ptr(), (a.row, a.column));
    let b = b.as_ptr();
    let mut at = 0;
    // SAFETY: every tile lies within the rows and columns whose extent was checked above or promised; the level of S is
    // the processor's.
    unsafe {
        while at < n {
            let left = n - at;
            let columns = if S::WIDE && left >= 4 * LANES {
                4 * LANES
            } else if S::WIDE && left >= 2 * LANES {
                2 * LANES
            } else {
                LANES
            };
            let mut i = 0;
            while i < m {
                let rows = if S::WIDE && columns < 4 * LANES && m - i >= 2 * ROWS { 2 * ROWS } else { ROWS };
                let place =
                    Place { k, a: a.add(i * steps.0), steps, b: b.add(at), ldb, c: c.add(i * ldc + at), ldc, add };
                tile::<S>(rows, columns, place);
                i += rows;
            }
            at += columns;
        }
    }
}

/// A tile of the result and the parts of the factors that it is made of.
struct Place {
    k: usize,
    a: *const f32,
    steps: (usize, usize),
    b: *const f32,
    ldb: usize,
    c: *mut f32,
    ldc: usize,
    add: bool,
}

/// One tile, held in registers over the k terms.
///
/// # Safety
/// The pointers are valid for what the sizes say, and the processor has the level of S.
#[inline(always)]
unsafe fn tile<S: Tile>(rows: usize, columns: usize, place: Place) {
    // SAFETY: promised by the caller.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if S::WIDE {
            return match (rows / ROWS, columns / LANES) {
                (1, 4) => avx512::<4, 4>(place),
                (1, 2) => avx512::<4, 2>(place),
                (1, _) => avx512::<4, 1>(place),
                (_, 2) => avx512::<8, 2>(place),
                _ => avx512::<8, 1>(place),
            };
        } else if S::AVX2 {
            return avx2(place);
        }
        let _ = (rows, columns);
        portable::<S>(place);
    }
}

macro_rules! intrinsic_tile {
    ($name:ident $features:literal $rows:tt $vectors:tt $vector:ident $width:literal $($generics:ident)*,
     $zero:ident $load:ident $splat:ident $fma:ident $add:ident $store:ident) => {
        /// The tile in vector registers: left to itself the compiler keeps some shapes of it in memory.
        ///
        /// # Safety
        /// As [`tile`].
        #[cfg(target_arch = "x86_64")]
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn $name<$(const $generics: usize),*>(Place { k, a, steps, b, ldb, c, ldc, add }: Place) {
            use std::arch::x86_64::*;
            let mut sums: [[$vector; $vectors]; $rows] = [[$zero(); $vectors]; $rows];
            for p in 0..k {
                let b: [$vector; $vectors] = std::array::from_fn(|v| {
                    // SAFETY: row p of b has the tile's columns.
                    unsafe { $load(b.add(p * ldb + v * $width)) }
                });
                for i in 0..$rows {
                    // SAFETY: element (i, p) of a.
                    let a = $splat(unsafe { *a.add(i * steps.0 + p * steps.1) });
                    for v in 0..$vectors {
                        sums[i][v] = $fma(a, b[v], sums[i][v]);
                    }
                }
            }
            for (i, sums) in sums.iter().enumerate() {
                for (v, &sum) in sums.iter().enumerate() {
                    // SAFETY: row i of c has the tile's columns, which nothing else refers to.
                    unsafe {
                        let c = c.add(i * ldc + v * $width);
                        $store(c, if add { $add($load(c), sum) } else { sum });
                    }
                }
            }
        }
    };
}
intrinsic_tile!(avx512 "avx512f" M V __m512 16 M V,
    _mm512_setzero_ps _mm512_loadu_ps _mm512_set1_ps _mm512_fmadd_ps _mm512_add_ps _mm512_storeu_ps);
intrinsic_tile!(avx2 "avx2,fma" 4 2 __m256 8,
    _mm256_setzero_ps _mm256_loadu_ps _mm256_set1_ps _mm256_fmadd_ps _mm256_add_ps _mm256_storeu_ps);

/// A tile of [`ROWS`] rows and [`LANES`] columns.
///
/// # Safety
/// As [`tile`].
#[inline(always)]
unsafe fn portable<S: Isa>(Place { k, a, steps, b, ldb, c, ldc, add }: Place) {
    let mut sums = [[0.0f32; LANES]; ROWS];
    for p in 0..k {
        // SAFETY: row p of b has 16 values here.
        let b: Lanes = unsafe { b.add(p * ldb).cast::<Lanes>().read() };
        for (i, sums) in sums.iter_mut().enumerate() {
            // SAFETY: element (i, p) of a.
            let a = unsafe { *a.add(i * steps.0 + p * steps.1) };
            for (sum, b) in sums.iter_mut().zip(b) {
                *sum = S::fma(a, b, *sum);
            }
        }
    }
    for (i, sums) in sums.iter().enumerate() {
        // SAFETY: row i of c has 16 values here, which nothing else refers to.
        let c = unsafe { &mut *c.add(i * ldc).cast::<Lanes>() };
        for (c, &sum) in c.iter_mut().zip(sums) {
            *c = if add { *c + sum } else { sum };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::testing::{close, values};
    use learngene_simd::dispatch;

    dispatch! {
        fn run(m: usize, n: usize, k: usize, a: &[f32], steps: (usize, usize), b: &[f32], c: &mut [f32], add: bool) = run_with;
    }
    #[inline(always)]
    fn run_with<S: Tile>(
        m: usize,
        n: usize,
        k: usize,
        a: &[f32],
        (row, column): (usize, usize),
        b: &[f32],
        c: &mut [f32],
        add: bool,
    ) {
        multiply::<S>(Sizes { m, n, k }, Left { data: a, row, column }, (b, n), (c, n), add);
    }

    #[test]
    fn both_orders_of_the_left_factor() {
        for (m, n, k) in [(0, 16, 3), (8, 0, 3), (8, 16, 0), (8, 16, 1), (16, 80, 13), (24, 112, 64), (64, 64, 64)] {
            let (a, b) = (values(m * k, 1, 1.0), values(k * n, 2, 1.0));
            for transposed in [false, true] {
                let steps = if transposed { (1, m) } else { (k, 1) };
                for add in [false, true] {
                    let mut c = values(m * n, 3, 1.0);
                    let want: Vec<f64> = (0..m * n)
                        .map(|at| {
                            let (i, j) = (at / n, at % n);
                            let term = |p: usize| f64::from(a[i * steps.0 + p * steps.1]) * f64::from(b[p * n + j]);
                            (0..k).map(term).sum::<f64>() + if add { f64::from(c[at]) } else { 0.0 }
                        })
                        .collect();
                    run(m, n, k, &a, steps, &b, &mut c, add);
                    close(&c, &want, 1e-6);
                }
            }
        }
    }
}
