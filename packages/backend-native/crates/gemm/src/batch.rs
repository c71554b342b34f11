//! Many products of one shape.

use crate::epilogue::SharedEpilogue;
use crate::error::{Error, matrix};
use crate::pack::Matrix;
use crate::product::{Next, PackedRight, Product, Term};
use crate::tile::{Kernels, kernels};
use learngene_pool::{SendPtr, split};

/// C[i] = alpha op(A[i]) op(B[i]) (+ C[i]) for i below `count`, all row-major.
pub struct GemmBatch<'a> {
    /// Products.
    pub count: usize,
    /// Rows of a C.
    pub m: usize,
    /// Columns of a C.
    pub n: usize,
    /// Length of the sums.
    pub k: usize,
    /// op(A) is [m, k]: A is [m, k], or [k, m] if `a_trans`.
    pub a: &'a [f32],
    /// Words from a row of A to the next.
    pub lda: usize,
    /// Words from an A to the next; 0: all products use the same.
    pub a_batch: usize,
    /// Whether the A are transposed.
    pub a_trans: bool,
    /// op(B) is [k, n]: B is [k, n], or [n, k] if `b_trans`.
    pub b: &'a [f32],
    /// Words from a row of B to the next.
    pub ldb: usize,
    /// Words from a B to the next; 0: all products use the same.
    pub b_batch: usize,
    /// Whether the B are transposed.
    pub b_trans: bool,
    /// [m, n] each; they do not overlap.
    pub c: &'a mut [f32],
    /// Words from a row of C to the next.
    pub ldc: usize,
    /// Words from a C to the next.
    pub c_batch: usize,
    /// Multiplies the products.
    pub alpha: f32,
    /// Whether what C holds is added; if not, it is not read.
    pub accumulate: bool,
}

impl<'a> GemmBatch<'a> {
    /// C[i] = A[i] B[i] without gaps.
    pub fn new(count: usize, (m, n, k): (usize, usize, usize), a: &'a [f32], b: &'a [f32], c: &'a mut [f32]) -> Self {
        Self {
            count,
            m,
            n,
            k,
            a,
            lda: k,
            a_batch: m * k,
            a_trans: false,
            b,
            ldb: n,
            b_batch: k * n,
            b_trans: false,
            c,
            ldc: n,
            c_batch: m * n,
            alpha: 1.0,
            accumulate: false,
        }
    }

    /// The A are [k, m] without gaps.
    #[must_use]
    pub fn a_transposed(self) -> Self {
        Self { a_trans: true, lda: self.m, ..self }
    }

    /// The B are [n, k] without gaps.
    #[must_use]
    pub fn b_transposed(self) -> Self {
        Self { b_trans: true, ldb: self.k, ..self }
    }
}

/// Computes a batch of products in f32 on the threads of the pool.
///
/// # Errors
/// When a slice is too short, a stride is less than a row, or the C overlap; nothing is written then.
pub fn gemm_batch(batch: GemmBatch<'_>) -> Result<(), Error> {
    gemm_batch_with(kernels(learngene_simd::level()), learngene_pool::threads(), batch, None)
}

/// As [`gemm_batch`], with every B in the order of `right`, and `b_batch` words from one to the next.
///
/// # Errors
/// As [`gemm_batch`].
///
/// # Panics
/// Where n or k are not those of `right`, or A is transposed.
pub fn gemm_batch_packed(batch: GemmBatch<'_>, right: &PackedRight) -> Result<(), Error> {
    gemm_batch_with(kernels(learngene_simd::level()), learngene_pool::threads(), batch, Some(right))
}

pub(crate) fn gemm_batch_with(
    kernels: Kernels,
    threads: usize,
    mut g: GemmBatch<'_>,
    right: Option<&PackedRight>,
) -> Result<(), Error> {
    check(&g, right)?;
    if g.count == 0 || g.m == 0 || g.n == 0 {
        return Ok(());
    }
    let shared_b =
        right.is_none() && g.b_batch == 0 && !g.a_trans && g.a_batch == g.m * g.lda && g.c_batch == g.m * g.ldc;
    if shared_b {
        (g.m, g.count) = (g.m * g.count, 1); // one product of all rows
    }
    let c = SendPtr::new(g.c);
    let (a, b) = (Matrix::new(g.a, g.lda, g.a_trans), Matrix::new(g.b, g.ldb, g.b_trans));
    let one = |i: usize| {
        // SAFETY: the slices were checked to hold all products.
        let (a, b, c) = unsafe { (a.skip(i * g.a_batch), b.skip(i * g.b_batch), offset(c, i * g.c_batch)) };
        let following = if i + 1 < g.count { Some(next(a, b, c, &g, right)) } else { None };
        Product {
            kernels,
            m: g.m,
            n: g.n,
            base: Term { k: g.k, a, b, scale: None },
            tails: &[],
            c,
            c_stride: g.ldc,
            c_transposed: false,
            add: g.accumulate,
            epilogue: SharedEpilogue { n: g.n, alpha: g.alpha, ..SharedEpilogue::PLAIN },
            next: following,
        }
    };
    let packed = |i: usize| right.map(|right| &g.b[i * g.b_batch..][..right.words()]);
    if right.is_none() && g.count < 2 * threads {
        for i in 0..g.count {
            one(i).run(threads);
        }
        return Ok(());
    }
    let tasks = g.count.min(8 * threads);
    learngene_pool::run(tasks, &|task| {
        for i in split(g.count, tasks, task) {
            // SAFETY: the C do not overlap, and this task alone has the i-th.
            unsafe { one(i).block(0..g.m, 0..g.n, packed(i)) };
        }
    });
    Ok(())
}

/// Where the product after that of a, b and c lies, as far as it is without gaps and not the same.
fn next(a: Matrix, b: Matrix, c: SendPtr<f32>, g: &GemmBatch<'_>, right: Option<&PackedRight>) -> Next {
    let part = |at: *const f32, batch: usize, stride: usize, (rows, row): (usize, usize)| {
        let words = if batch != 0 && stride == row { rows * row } else { 0 };
        (SendPtr(at.wrapping_add(batch).cast_mut()), words)
    };
    let turned = |transposed: bool, size: (usize, usize)| if transposed { (size.1, size.0) } else { size };
    [
        part(a.at, g.a_batch, g.lda, turned(g.a_trans, (g.m, g.k))),
        match right {
            Some(right) => part(b.at, g.b_batch, 1, (right.words(), 1)),
            None => part(b.at, g.b_batch, g.ldb, turned(g.b_trans, (g.k, g.n))),
        },
        part(c.0, g.c_batch, g.ldc, (g.m, g.n)),
    ]
}

/// # Safety
/// `words` is within what `c` points to.
unsafe fn offset(c: SendPtr<f32>, words: usize) -> SendPtr<f32> {
    // SAFETY: promised by the caller.
    SendPtr(unsafe { c.0.add(words) })
}

fn check(g: &GemmBatch<'_>, right: Option<&PackedRight>) -> Result<(), Error> {
    let (m, n, k) = (g.m, g.n, g.k);
    if g.count == 0 || m == 0 || n == 0 {
        return Ok(());
    }
    let last = g.count - 1;
    let whole = |name, got: usize, size: (usize, usize), stride, batch: usize| {
        matrix(name, got, size, stride)?;
        let before = last.checked_mul(batch).ok_or(Error::Size { name })?;
        if size.0 == 0 || size.1 == 0 {
            return Ok(());
        }
        matrix(name, got.saturating_sub(before), size, stride).map_err(|error| match error {
            Error::Length { name, expected, .. } => Error::Length { name, expected: expected + before, got },
            other => other,
        })
    };
    whole("a", g.a.len(), if g.a_trans { (k, m) } else { (m, k) }, g.lda, g.a_batch)?;
    match right {
        None => whole("b", g.b.len(), if g.b_trans { (n, k) } else { (k, n) }, g.ldb, g.b_batch)?,
        Some(right) => {
            assert!(right.n == n && right.k == k && !g.a_trans, "packed for [{k}, {n}]");
            whole("b", g.b.len(), (1, right.words()), right.words(), g.b_batch)?;
        }
    }
    whole("c", g.c.len(), (m, n), g.ldc, g.c_batch)?;
    let extent = (m - 1) * g.ldc + n;
    if g.count > 1 && g.c_batch < extent {
        return Err(Error::Stride { name: "c_batch", row: extent, stride: g.c_batch });
    }
    Ok(())
}
