//! Products of matrices and the linear layers made of them.

use learngene_gemm::{Epilogue, Gemm, GemmBatch, Then, gemm as multiply, gemm_batch as multiply_batch, gemm_bf16};
use learngene_kernels::column_sums::{column_sums as sum_columns, relu_grad_and_sums};
use napi::{Error, Result, Status};
use napi_derive::napi;

use crate::boundary::{Extent, F32, F32Mut, check_len, disjoint, product};
use crate::later::later;

pub(crate) fn refused(error: learngene_gemm::Error) -> Error {
    Error::new(Status::InvalidArg, error.to_string())
}

/// How a product is computed, as bits of one number.
#[derive(Clone, Copy)]
pub(crate) struct Flags {
    transpose_a: bool,
    transpose_b: bool,
    pub bf16: bool,
    accumulate: bool,
}

impl Flags {
    pub fn new(bits: u32) -> Self {
        Self { transpose_a: bits & 1 != 0, transpose_b: bits & 2 != 0, bf16: bits & 4 != 0, accumulate: bits & 8 != 0 }
    }

    pub fn run(self, product: Gemm<'_>) -> Result<()> {
        if self.bf16 { gemm_bf16(product) } else { multiply(product) }.map_err(refused)
    }
}

/// The product op(A) op(B) into C without gaps between rows.
fn plain<'a>(sizes: [usize; 3], flags: Flags, a: &'a [f32], b: &'a [f32], c: &'a mut [f32]) -> Gemm<'a> {
    let [m, n, k] = sizes;
    let product = Gemm { accumulate: flags.accumulate, ..Gemm::new((m, n, k), a, b, c) };
    let product = if flags.transpose_a { product.a_transposed() } else { product };
    if flags.transpose_b { product.b_transposed() } else { product }
}

/// Lengths of A, B and C.
fn check_matrices([m, n, k]: [u32; 3], [a, b, c]: [usize; 3]) -> Result<[usize; 3]> {
    check_len("a", a, product("a", &[m, k])?)?;
    check_len("b", b, product("b", &[k, n])?)?;
    check_len("c", c, product("c", &[m, n])?)?;
    Ok([m as usize, n as usize, k as usize])
}

/// C [m, n] = epilogue(op(A) op(B) + bias). `flags`: 1 A is [k, m], 2 B is [n, k], 4 bfloat16, 8 C is added to.
/// `epilogue`: 0 as it is, 1 GELU, 2 SiLU (`of`, where given, gets the argument), 3 times gelu'(of), 4 times silu'(of).
#[napi]
pub fn gemm(
    m: u32,
    n: u32,
    k: u32,
    flags: u32,
    a: F32,
    b: F32,
    mut c: F32Mut,
    bias: Option<F32>,
    epilogue: u32,
    mut of: Option<F32Mut>,
) -> Result<()> {
    let sizes = check_matrices([m, n, k], [a.len(), b.len(), c.len()])?;
    if let Some(bias) = &bias {
        check_len("bias", bias.len(), n as usize)?;
    }
    if let Some(of) = &of {
        check_len("of", of.len(), c.len())?;
    }
    let mut inputs: Vec<&dyn Extent> = vec![&a, &b];
    inputs.extend(bias.as_ref().map(|bias| bias as &dyn Extent));
    let outputs: Vec<&dyn Extent> = std::iter::once(&c as &dyn Extent).chain(of.as_ref().map(|of| of as _)).collect();
    disjoint(&outputs, &inputs)?;
    if epilogue > 4 {
        return Err(Error::new(Status::InvalidArg, format!("epilogue: expected 0 to 4, got {epilogue}")));
    }
    if epilogue > 2 && of.is_none() {
        return Err(Error::new(Status::InvalidArg, "of: expected the activation's argument, got none"));
    }
    later("gemm", move || {
        let (pre, then) = match epilogue {
            1 => (of.as_deref_mut(), Then::Gelu),
            2 => (of.as_deref_mut(), Then::Silu),
            3 => (None, Then::GeluGrad { of: of.as_deref().unwrap_or_default() }),
            4 => (None, Then::SiluGrad { of: of.as_deref().unwrap_or_default() }),
            _ => (None, Then::Store),
        };
        let flags = Flags::new(flags);
        let product = plain(sizes, flags, &a, &b, &mut c);
        flags.run(Gemm { epilogue: Epilogue { bias: bias.as_deref(), pre, then, scale: None }, ..product })
    })
}

/// C [m, n] = x + gate (op(A) op(B) + bias), a row of the gate for `rows` rows of C; `branch` [m, n], where given,
/// gets the product.
#[napi]
pub fn gemm_gated_residual(
    m: u32,
    n: u32,
    k: u32,
    flags: u32,
    a: F32,
    b: F32,
    bias: Option<F32>,
    x: F32,
    gate: F32,
    rows: u32,
    mut c: F32Mut,
    mut branch: Option<F32Mut>,
) -> Result<()> {
    let sizes = check_matrices([m, n, k], [a.len(), b.len(), c.len()])?;
    check_len("x", x.len(), c.len())?;
    if let Some(branch) = &branch {
        check_len("branch", branch.len(), c.len())?;
    }
    if let Some(bias) = &bias {
        check_len("bias", bias.len(), n as usize)?;
    }
    if rows == 0 || !m.is_multiple_of(rows) {
        return Err(Error::new(Status::InvalidArg, format!("rows: expected a divisor of {m}, got {rows}")));
    }
    check_len("gate", gate.len(), product("gate", &[m / rows, n])?)?;
    let mut inputs: Vec<&dyn Extent> = vec![&a, &b, &x, &gate];
    inputs.extend(bias.as_ref().map(|bias| bias as &dyn Extent));
    let mut outputs: Vec<&dyn Extent> = vec![&c];
    outputs.extend(branch.as_ref().map(|branch| branch as &dyn Extent));
    disjoint(&outputs, &inputs)?;
    later("gemmGatedResidual", move || {
        let flags = Flags::new(flags);
        let then = Then::GatedResidual { x: &x, gate: &gate, rows_per_sample: rows as usize };
        let epilogue = Epilogue { bias: bias.as_deref(), pre: branch.as_deref_mut(), then, scale: None };
        flags.run(Gemm { epilogue, ..plain(sizes, flags, &a, &b, &mut c) })
    })
}

/// C[i] = op(A[i]) op(B[i]) for i < count; `flags` as for [`gemm`], and 16: all use the same A, 32: the same B.
#[napi]
pub fn gemm_batch(count: u32, m: u32, n: u32, k: u32, flags: u32, a: F32, b: F32, mut c: F32Mut) -> Result<()> {
    let (same_a, same_b) = (flags & 16 != 0, flags & 32 != 0);
    check_len("a", a.len(), product("a", &[if same_a { 1 } else { count }, m, k])?)?;
    check_len("b", b.len(), product("b", &[if same_b { 1 } else { count }, k, n])?)?;
    check_len("c", c.len(), product("c", &[count, m, n])?)?;
    disjoint(&[&c], &[&a, &b])?;
    let (count, m, n, k) = (count as usize, m as usize, n as usize, k as usize);
    let flags = Flags::new(flags);
    if flags.bf16 {
        for i in 0..count {
            let a = if same_a { &a } else { &a[i * m * k..(i + 1) * m * k] };
            let b = if same_b { &b } else { &b[i * k * n..(i + 1) * k * n] };
            flags.run(plain([m, n, k], flags, a, b, &mut c[i * m * n..(i + 1) * m * n]))?;
        }
        return Ok(());
    }
    let batch = GemmBatch { accumulate: flags.accumulate, ..GemmBatch::new(count, (m, n, k), &a, &b, &mut c) };
    let batch = if flags.transpose_a { batch.a_transposed() } else { batch };
    let batch = if flags.transpose_b { batch.b_transposed() } else { batch };
    let a_batch = if same_a { 0 } else { batch.a_batch };
    let b_batch = if same_b { 0 } else { batch.b_batch };
    multiply_batch(GemmBatch { a_batch, b_batch, ..batch }).map_err(refused)
}

/// sums [columns] = the sums over the rows of x.
#[napi]
pub fn column_sums(x: F32, mut sums: F32Mut) -> Result<()> {
    let rows = x.len().checked_div(sums.len()).unwrap_or(0);
    check_len("x", x.len(), rows * sums.len())?;
    disjoint(&[&sums], &[&x])?;
    later("columnSums", move || {
        sum_columns(&x, &mut sums);
        Ok(())
    })
}

/// dx = dy where y > 0, else 0, and the sums of its rows.
#[napi]
pub fn relu_grad(dy: F32, y: F32, mut dx: F32Mut, mut sums: F32Mut) -> Result<()> {
    let rows = y.len().checked_div(sums.len()).unwrap_or(0);
    check_len("y", y.len(), rows * sums.len())?;
    check_len("dy", dy.len(), y.len())?;
    check_len("dx", dx.len(), y.len())?;
    disjoint(&[&dx, &sums], &[&dy, &y])?;
    relu_grad_and_sums(&dy, &y, &mut dx, &mut sums);
    Ok(())
}
