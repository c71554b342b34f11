//! One product.

use crate::epilogue::{Epilogue, SharedEpilogue, Then};
use crate::error::{Error, matrix, vector};
use crate::pack::Matrix;
use crate::product::{Product, Term};
use crate::tile::{Kernels, bf16_kernels, kernels};
use learngene_pool::SendPtr;

/// C [m, n] = epilogue(alpha op(A) op(B) (+ C)); all matrices row-major.
pub struct Gemm<'a> {
    /// Rows of C.
    pub m: usize,
    /// Columns of C.
    pub n: usize,
    /// Length of the sums; where it is 0 the product is 0.
    pub k: usize,
    /// op(A) is [m, k]: A is [m, k], or [k, m] if `a_trans`.
    pub a: &'a [f32],
    /// Words from a row of A, as it is in memory, to the next.
    pub lda: usize,
    /// Whether A is transposed.
    pub a_trans: bool,
    /// op(B) is [k, n]: B is [k, n], or [n, k] if `b_trans`.
    pub b: &'a [f32],
    /// Words from a row of B, as it is in memory, to the next.
    pub ldb: usize,
    /// Whether B is transposed.
    pub b_trans: bool,
    /// [m, n].
    pub c: &'a mut [f32],
    /// Words from a row of C to the next.
    pub ldc: usize,
    /// Multiplies the product.
    pub alpha: f32,
    /// Whether what C holds is added (beta = 1); if not, it is not read.
    pub accumulate: bool,
    /// A factor of every summand, [k]: op(A) diag(k_scale) op(B).
    pub k_scale: Option<&'a [f32]>,
    /// What happens to the sums before they are stored.
    pub epilogue: Epilogue<'a>,
}

impl<'a> Gemm<'a> {
    /// C = A B without gaps between the rows, and without an epilogue.
    pub fn new((m, n, k): (usize, usize, usize), a: &'a [f32], b: &'a [f32], c: &'a mut [f32]) -> Self {
        Self {
            m,
            n,
            k,
            a,
            lda: k,
            a_trans: false,
            b,
            ldb: n,
            b_trans: false,
            c,
            ldc: n,
            alpha: 1.0,
            accumulate: false,
            k_scale: None,
            epilogue: Epilogue::default(),
        }
    }

    /// A is [k, m] without gaps.
    #[must_use]
    pub fn a_transposed(self) -> Self {
        Self { a_trans: true, lda: self.m, ..self }
    }

    /// B is [n, k] without gaps.
    #[must_use]
    pub fn b_transposed(self) -> Self {
        Self { b_trans: true, ldb: self.k, ..self }
    }
}

/// Computes a product in f32 on the threads of the pool.
///
/// The result does not depend on timing: every element is one task's sum in a fixed order.
///
/// # Errors
/// When a slice is too short for its shape, or a stride is less than a row; nothing is written then.
pub fn gemm(product: Gemm<'_>) -> Result<(), Error> {
    gemm_with(kernels(learngene_simd::level()), learngene_pool::threads(), product)
}

/// As [`gemm`], with the factors rounded to bfloat16 (to nearest, ties to even) while they are packed, and sums in f32.
/// Subnormal factors and sums count as 0, as the processor has it.
///
/// # Errors
/// As [`gemm`], and where [`learngene_simd::has_bf16`] is false.
pub fn gemm_bf16(product: Gemm<'_>) -> Result<(), Error> {
    let kernels = bf16_kernels().ok_or(Error::NoBf16)?;
    gemm_with(kernels, learngene_pool::threads(), product)
}

pub(crate) fn gemm_with(kernels: Kernels, threads: usize, g: Gemm<'_>) -> Result<(), Error> {
    check(&g)?;
    let product = oriented(kernels, g);
    product.run(threads);
    Ok(())
}

fn check(g: &Gemm<'_>) -> Result<(), Error> {
    let (m, n, k) = (g.m, g.n, g.k);
    let (a_rows, a_columns) = if g.a_trans { (k, m) } else { (m, k) };
    let (b_rows, b_columns) = if g.b_trans { (n, k) } else { (k, n) };
    matrix("a", g.a.len(), (a_rows, a_columns), g.lda)?;
    matrix("b", g.b.len(), (b_rows, b_columns), g.ldb)?;
    matrix("c", g.c.len(), (m, n), g.ldc)?;
    if let Some(scale) = g.k_scale {
        vector("k_scale", scale.len(), k)?;
    }
    check_epilogue(&g.epilogue, m, n)
}

pub(crate) fn check_epilogue(epilogue: &Epilogue<'_>, m: usize, n: usize) -> Result<(), Error> {
    if let Some(scale) = epilogue.scale {
        vector("scale", scale.len(), n)?;
    }
    if let Some(bias) = epilogue.bias {
        vector("bias", bias.len(), n)?;
    }
    if let Some(pre) = &epilogue.pre {
        matrix("pre", pre.len(), (m, n), n)?;
    }
    match epilogue.then {
        Then::Store | Then::Gelu | Then::Silu => Ok(()),
        Then::GeluGrad { of } | Then::SiluGrad { of } => matrix("of", of.len(), (m, n), n),
        Then::GatedResidual { x, gate, rows_per_sample } => {
            if rows_per_sample == 0 || !m.is_multiple_of(rows_per_sample) {
                return Err(Error::Rows { rows: m, rows_per_sample });
            }
            matrix("x", x.len(), (m, n), n)?;
            matrix("gate", gate.len(), (m / rows_per_sample, n), n)
        }
    }
}

pub(crate) fn shared_epilogue<'a>(epilogue: Epilogue<'a>, n: usize, alpha: f32) -> SharedEpilogue<'a> {
    let Epilogue { scale, bias, pre, then } = epilogue;
    SharedEpilogue { scale, bias, pre: pre.map(SendPtr::new), then, n, alpha }
}

/// The checked product.
pub(crate) fn oriented(kernels: Kernels, g: Gemm<'_>) -> Product<'_> {
    let a = Matrix::new(g.a, g.lda, g.a_trans);
    let b = Matrix::new(g.b, g.ldb, g.b_trans);
    let epilogue = shared_epilogue(g.epilogue, g.n, g.alpha);
    let product = product_of(kernels, (g.m, g.n, g.k), (a, b), SendPtr::new(g.c), epilogue);
    let base = Term { scale: g.k_scale, ..product.base };
    Product { base, add: g.accumulate, c_stride: g.ldc, ..product }
}

/// C [m, n] = epilogue(A B), turned round (Cᵀ = Bᵀ Aᵀ) where a large factor need not be packed then: B for a few rows of C,
/// or A for a few columns.
pub(crate) fn product_of<'a>(
    kernels: Kernels,
    (m, n, k): (usize, usize, usize),
    (a, b): (Matrix, Matrix),
    c: SendPtr<f32>,
    epilogue: SharedEpilogue<'a>,
) -> Product<'a> {
    let few = kernels.vectors * kernels.lanes;
    let rows = b.column != 1 && m <= few && n >= 2 * m;
    let columns = a.column != 1 && b.column == 1 && n <= few && m >= 2 * n;
    let turned = (rows || columns) && !kernels.pairs;
    let c_stride = n;
    let (m, n, a, b) = if turned { (n, m, b.transposed(), a.transposed()) } else { (m, n, a, b) };
    let base = Term { k, a, b, scale: None };
    Product { kernels, m, n, base, tails: &[], c, c_stride, c_transposed: turned, add: false, epilogue, next: None }
}
