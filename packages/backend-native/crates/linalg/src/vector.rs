//! Loops over columns, compiled for every instruction set.

use learngene_simd::{Isa, dispatch};

/// a b + c, in one rounding where that is one instruction.
#[inline(always)]
pub(crate) fn fused<S: Isa>(a: f64, b: f64, c: f64) -> f64 {
    if S::FMA { a.mul_add(b, c) } else { a * b + c }
}

/// Asks for the cache line `ahead` elements behind `x` in the second-level cache, where that is an instruction.
#[inline(always)]
fn prefetch<const N: usize>(x: &[f64; N], ahead: usize) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    for line in (0..N).step_by(8) {
        // SAFETY: a hint; it reads no memory and faults at no address.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T1>(x.as_ptr().wrapping_add(ahead + line).cast());
        }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = (x, ahead);
}

/// Lanes that are summed apart: two vectors of 512 bits.
const LANES: usize = 16;

#[inline(always)]
fn total(sums: &[f64; LANES]) -> f64 {
    let mut half = [0.0; 8];
    for l in 0..8 {
        half[l] = sums[l] + sums[l + 8];
    }
    ((half[0] + half[4]) + (half[1] + half[5])) + ((half[2] + half[6]) + (half[3] + half[7]))
}

dispatch! {
    /// The inner product.
    pub(crate) fn dot(x: &[f64], y: &[f64]) -> f64 = dot_with;
}
#[inline(always)]
fn dot_with<S: Isa>(x: &[f64], y: &[f64]) -> f64 {
    let (x_blocks, x_rest) = x.as_chunks::<LANES>();
    let (y_blocks, y_rest) = y.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (x, y) in x_blocks.iter().zip(y_blocks) {
        for l in 0..LANES {
            sums[l] = fused::<S>(x[l], y[l], sums[l]);
        }
    }
    let mut sum = total(&sums);
    for (&x, &y) in x_rest.iter().zip(y_rest) {
        sum = fused::<S>(x, y, sum);
    }
    sum
}

dispatch! {
    /// y[c] = the inner product of column c of `a` with `x`; columns `ld` apart, `x.len()` long.
    pub(crate) fn column_dots(a: &[f64], ld: usize, x: &[f64], y: &mut [f64]) = column_dots_with;
}
#[inline(always)]
fn column_dots_with<S: Isa>(a: &[f64], ld: usize, x: &[f64], y: &mut [f64]) {
    let n = x.len();
    let count = y.len();
    let mut c = 0;
    while c + 4 <= count {
        let columns = [0, 1, 2, 3].map(|j| &a[(c + j) * ld..][..n]);
        y[c..c + 4].copy_from_slice(&four_dots::<S>(columns, x));
        c += 4;
    }
    while c < count {
        y[c] = dot_with::<S>(&a[c * ld..][..n], x);
        c += 1;
    }
}

#[inline(always)]
fn four_dots<S: Isa>(a: [&[f64]; 4], x: &[f64]) -> [f64; 4] {
    let (x_blocks, x_rest) = x.as_chunks::<LANES>();
    let [a0, a1, a2, a3] = a.map(|a| a.as_chunks::<LANES>());
    let mut sums = [[0.0; LANES]; 4];
    for ((((x, a0), a1), a2), a3) in x_blocks.iter().zip(a0.0).zip(a1.0).zip(a2.0).zip(a3.0) {
        for l in 0..LANES {
            sums[0][l] = fused::<S>(a0[l], x[l], sums[0][l]);
            sums[1][l] = fused::<S>(a1[l], x[l], sums[1][l]);
            sums[2][l] = fused::<S>(a2[l], x[l], sums[2][l]);
            sums[3][l] = fused::<S>(a3[l], x[l], sums[3][l]);
        }
    }
    let mut out = [total(&sums[0]), total(&sums[1]), total(&sums[2]), total(&sums[3])];
    for (l, &x) in x_rest.iter().enumerate() {
        for (out, a) in out.iter_mut().zip([a0.1, a1.1, a2.1, a3.1]) {
            *out = fused::<S>(a[l], x, *out);
        }
    }
    out
}

dispatch! {
    /// y += the sum of columns c of `a` times `factors[c]`; columns `ld` apart, `y.len()` long.
    pub(crate) fn add_columns(a: &[f64], ld: usize, factors: &[f64], y: &mut [f64]) = add_columns_with;
}
#[inline(always)]
fn add_columns_with<S: Isa>(a: &[f64], ld: usize, factors: &[f64], y: &mut [f64]) {
    let n = y.len();
    let mut c = 0;
    while c + 4 <= factors.len() {
        let [a0, a1, a2, a3] = [0, 1, 2, 3].map(|j| &a[(c + j) * ld..][..n]);
        let f: [f64; 4] = [factors[c], factors[c + 1], factors[c + 2], factors[c + 3]];
        for i in 0..n {
            let low = fused::<S>(a0[i], f[0], fused::<S>(a1[i], f[1], y[i]));
            y[i] = fused::<S>(a2[i], f[2], fused::<S>(a3[i], f[3], low));
        }
        c += 4;
    }
    while c < factors.len() {
        let column = &a[c * ld..][..n];
        for i in 0..n {
            y[i] = fused::<S>(column[i], factors[c], y[i]);
        }
        c += 1;
    }
}

dispatch! {
    /// y += A x for the columns `first..last` of the symmetric A, of which the lower triangle is stored (element
    /// (i, j) at `a[i + j * ld]`, i >= j) and both triangles count.
    pub(crate) fn symmetric_product(
        a: &[f64], ld: usize, first: usize, last: usize, x: &[f64], y: &mut [f64]
    ) = symmetric_product_with;
}
#[inline(always)]
fn symmetric_product_with<S: Isa>(a: &[f64], ld: usize, first: usize, last: usize, x: &[f64], y: &mut [f64]) {
    let n = x.len();
    let mut j = first;
    while j < last {
        let width = 4.min(last - j);
        // the triangle on the diagonal
        for c in j..j + width {
            let mut sum = a[c + c * ld] * x[c];
            for r in c + 1..j + width {
                let value = a[r + c * ld];
                y[r] = fused::<S>(value, x[c], y[r]);
                sum = fused::<S>(value, x[r], sum);
            }
            y[c] += sum;
        }
        let below = j + width;
        if width == 4 {
            let columns = [0, 1, 2, 3].map(|c| &a[below + (j + c) * ld..][..n - below]);
            let factors = [x[j], x[j + 1], x[j + 2], x[j + 3]];
            let sums = four_both::<S>(columns, 4 * ld, factors, &x[below..], &mut y[below..n]);
            for (c, sum) in sums.into_iter().enumerate() {
                y[j + c] += sum;
            }
        } else {
            for c in j..below {
                let column = &a[below + c * ld..][..n - below];
                y[c] += dot_with::<S>(column, &x[below..]);
                for (y, &value) in y[below..n].iter_mut().zip(column) {
                    *y = fused::<S>(value, x[c], *y);
                }
            }
        }
        j += width;
    }
}

/// Adds four columns times `factors` to y and returns their inner products with x, in one pass over the columns. What
/// lies `ahead` elements behind them is needed next.
#[inline(always)]
fn four_both<S: Isa>(a: [&[f64]; 4], ahead: usize, factors: [f64; 4], x: &[f64], y: &mut [f64]) -> [f64; 4] {
    let (x_blocks, x_rest) = x.as_chunks::<LANES>();
    let (y_blocks, y_rest) = y.as_chunks_mut::<LANES>();
    let [a0, a1, a2, a3] = a.map(|a| a.as_chunks::<LANES>());
    let [f0, f1, f2, f3] = factors;
    let mut sums = [[0.0; LANES]; 4];
    let blocks = x_blocks.iter().zip(y_blocks).zip(a0.0).zip(a1.0).zip(a2.0).zip(a3.0);
    for (((((x, y), a0), a1), a2), a3) in blocks {
        for a in [a0, a1, a2, a3] {
            prefetch(a, ahead);
        }
        for l in 0..LANES {
            sums[0][l] = fused::<S>(a0[l], x[l], sums[0][l]);
            sums[1][l] = fused::<S>(a1[l], x[l], sums[1][l]);
            sums[2][l] = fused::<S>(a2[l], x[l], sums[2][l]);
            sums[3][l] = fused::<S>(a3[l], x[l], sums[3][l]);
            let low = fused::<S>(a0[l], f0, fused::<S>(a1[l], f1, y[l]));
            y[l] = fused::<S>(a2[l], f2, fused::<S>(a3[l], f3, low));
        }
    }
    let mut out = [total(&sums[0]), total(&sums[1]), total(&sums[2]), total(&sums[3])];
    for (l, (&x, y)) in x_rest.iter().zip(y_rest).enumerate() {
        for ((out, a), f) in out.iter_mut().zip([a0.1, a1.1, a2.1, a3.1]).zip(factors) {
            *out = fused::<S>(a[l], x, *out);
            *y = fused::<S>(a[l], f, *y);
        }
    }
    out
}

/// What [`bidiagonal_pass`] reads besides the matrix.
pub(crate) struct Pass<'a> {
    /// The left reflector; columns are as long.
    pub v: &'a [f64],
    pub tau: f64,
    /// What earlier reflectors of the panel take off v'A, for each column.
    pub correction: &'a [f64],
}

dispatch! {
    /// For each column c (`ld` apart): y[c] = tau (a_c . v - correction[c]), row[c] -= y[c], and
    /// product += row[c] a_c without its first element.
    pub(crate) fn bidiagonal_pass(
        a: &[f64], ld: usize, pass: &Pass<'_>, y: &mut [f64], row: &mut [f64], product: &mut [f64]
    ) = bidiagonal_pass_with;
}
#[inline(always)]
fn bidiagonal_pass_with<S: Isa>(
    a: &[f64],
    ld: usize,
    pass: &Pass<'_>,
    y: &mut [f64],
    row: &mut [f64],
    product: &mut [f64],
) {
    let n = pass.v.len();
    let count = y.len();
    let mut c = 0;
    while c < count {
        let width = if c + 4 <= count { 4 } else { 1 };
        if width == 4 {
            let columns = [0, 1, 2, 3].map(|j| &a[(c + j) * ld..][..n]);
            let sums = four_dots::<S>(columns, pass.v);
            for j in 0..4 {
                y[c + j] = pass.tau * (sums[j] - pass.correction[c + j]);
                row[c + j] -= y[c + j];
            }
            let [a0, a1, a2, a3] = columns.map(|a| &a[1..n]);
            let f = [row[c], row[c + 1], row[c + 2], row[c + 3]];
            four_added::<S>([a0, a1, a2, a3], 4 * ld, f, &mut product[..n - 1]);
        } else {
            let column = &a[c * ld..][..n];
            y[c] = pass.tau * (dot_with::<S>(column, pass.v) - pass.correction[c]);
            row[c] -= y[c];
            for (out, &value) in product[..n - 1].iter_mut().zip(&column[1..]) {
                *out = fused::<S>(value, row[c], *out);
            }
        }
        c += width;
    }
}

/// Adds four columns times `factors` to y. What lies `ahead` elements behind them is needed next.
#[inline(always)]
fn four_added<S: Isa>(a: [&[f64]; 4], ahead: usize, f: [f64; 4], y: &mut [f64]) {
    let (y_blocks, y_rest) = y.as_chunks_mut::<LANES>();
    let [a0, a1, a2, a3] = a.map(|a| a.as_chunks::<LANES>());
    for ((((y, a0), a1), a2), a3) in y_blocks.iter_mut().zip(a0.0).zip(a1.0).zip(a2.0).zip(a3.0) {
        for a in [a0, a1, a2, a3] {
            prefetch(a, ahead);
        }
        for l in 0..LANES {
            let low = fused::<S>(a0[l], f[0], fused::<S>(a1[l], f[1], y[l]));
            y[l] = fused::<S>(a2[l], f[2], fused::<S>(a3[l], f[3], low));
        }
    }
    for (l, y) in y_rest.iter_mut().enumerate() {
        let low = fused::<S>(a0.1[l], f[0], fused::<S>(a1.1[l], f[1], *y));
        *y = fused::<S>(a2.1[l], f[2], fused::<S>(a3.1[l], f[3], low));
    }
}

dispatch! {
    /// Turns the plane of two columns: (x, y) <- (c x + s y, c y - s x).
    pub(crate) fn rotate(x: &mut [f64], y: &mut [f64], c: f64, s: f64) = rotate_with;
}
#[inline(always)]
fn rotate_with<S: Isa>(x: &mut [f64], y: &mut [f64], c: f64, s: f64) {
    for (x, y) in x.iter_mut().zip(y) {
        let turned = fused::<S>(c, *x, s * *y);
        *y = fused::<S>(c, *y, -s * *x);
        *x = turned;
    }
}

dispatch! {
    /// x *= factor.
    pub(crate) fn scale(x: &mut [f64], factor: f64) = scale_with;
}
#[inline(always)]
fn scale_with<S: Isa>(x: &mut [f64], factor: f64) {
    let _ = S::FMA;
    for x in x {
        *x *= factor;
    }
}

/// Two columns of a column-major matrix, to be written at once.
pub(crate) fn two_columns(a: &mut [f64], ld: usize, i: usize, j: usize) -> (&mut [f64], &mut [f64]) {
    assert!(i != j, "two different columns");
    let (low, high) = (i.min(j), i.max(j));
    let (head, tail) = a.split_at_mut(high * ld);
    let length = ld.min(tail.len());
    let (x, y) = (&mut head[low * ld..low * ld + length], &mut tail[..length]);
    if i < j { (x, y) } else { (y, x) }
}
