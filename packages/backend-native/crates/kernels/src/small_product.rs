//! Products of small matrices that lie in the first caches, for use inside a kernel: nothing is packed.

use learngene_simd::{Avx2, Avx512, Isa, Neon, Scalar};

use crate::support::{LANES, Lanes};

/// How many running values the registers of an instruction set hold.
pub(crate) trait Tile: Isa {
    /// Whether there are 32 registers of sixteen values.
    const WIDE: bool;
}
impl Tile for Scalar {
    const WIDE: bool = false;
}
impl Tile for Neon {
    const WIDE: bool = false;
}
impl Tile for Avx2 {
    const WIDE: bool = false;
}
impl Tile for Avx512 {
    const WIDE: bool = true;
}

/// The number of rows of a result is a multiple of this, that of columns of [`LANES`].
pub(crate) const ROWS: usize = 8;

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
    assert!(m % ROWS == 0 && n % LANES == 0);
    if m == 0 || n == 0 {
        return;
    }
    assert!(c.len() >= (m - 1) * ldc + n && ldc >= n);
    if k > 0 {
        assert!(a.data.len() > (m - 1) * a.row + (k - 1) * a.column);
        assert!(b.len() >= (k - 1) * ldb + n);
    }
    let (a, steps) = (a.data.as_ptr(), (a.row, a.column));
    let (b, c) = (b.as_ptr(), c.as_mut_ptr());
    let mut at = 0;
    // SAFETY: every tile lies within the rows and columns whose extent was checked above.
    unsafe {
        if S::WIDE {
            while at + 4 * LANES <= n {
                for i in (0..m).step_by(4) {
                    tile::<S, 4, 4>(k, a.add(i * steps.0), steps, b.add(at), ldb, c.add(i * ldc + at), ldc, add);
                }
                at += 4 * LANES;
            }
            while at + 2 * LANES <= n {
                for i in (0..m).step_by(8) {
                    tile::<S, 8, 2>(k, a.add(i * steps.0), steps, b.add(at), ldb, c.add(i * ldc + at), ldc, add);
                }
                at += 2 * LANES;
            }
            while at < n {
                for i in (0..m).step_by(8) {
                    tile::<S, 8, 1>(k, a.add(i * steps.0), steps, b.add(at), ldb, c.add(i * ldc + at), ldc, add);
                }
                at += LANES;
            }
        } else {
            while at < n {
                for i in (0..m).step_by(4) {
                    tile::<S, 4, 1>(k, a.add(i * steps.0), steps, b.add(at), ldb, c.add(i * ldc + at), ldc, add);
                }
                at += LANES;
            }
        }
    }
}

/// One tile of M rows and 16 V columns, held in registers over the k terms.
///
/// # Safety
/// The pointers are valid for what the sizes say.
#[inline(always)]
unsafe fn tile<S: Isa, const M: usize, const V: usize>(
    k: usize,
    a: *const f32,
    (row, column): (usize, usize),
    b: *const f32,
    ldb: usize,
    c: *mut f32,
    ldc: usize,
    add: bool,
) {
    let mut sums = [[[0.0f32; LANES]; V]; M];
    for p in 0..k {
        // SAFETY: row p of b has 16 V values here.
        let b: [Lanes; V] = std::array::from_fn(|v| unsafe { b.add(p * ldb + v * LANES).cast::<Lanes>().read() });
        for (i, sums) in sums.iter_mut().enumerate() {
            // SAFETY: element (i, p) of a.
            let a = unsafe { *a.add(i * row + p * column) };
            for (sum, b) in sums.iter_mut().zip(&b) {
                for (sum, &b) in sum.iter_mut().zip(b) {
                    *sum = S::fma(a, b, *sum);
                }
            }
        }
    }
    for (i, sums) in sums.iter().enumerate() {
        for (v, sums) in sums.iter().enumerate() {
            // SAFETY: row i of c has 16 V values here, which nothing else refers to.
            let c = unsafe { &mut *c.add(i * ldc + v * LANES).cast::<Lanes>() };
            if add {
                for (c, &sum) in c.iter_mut().zip(sums) {
                    *c += sum;
                }
            } else {
                *c = *sums;
            }
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
