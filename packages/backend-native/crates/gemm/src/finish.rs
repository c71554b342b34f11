//! What happens to a tile between its registers and C.

use learngene_pool::SendPtr;
use learngene_simd::{Isa, Level, gelu, gelu_grad, sigmoid};

/// What is done with v = (alpha A B (+ C)) · scale + bias before it is stored. All row-major; x, pre and the `of` of the
/// gradients are [m, n] without gaps.
#[derive(Clone, Copy, Debug, Default)]
pub enum Then<'a> {
    /// C = v.
    #[default]
    Store,
    /// C = gelu(v), the tanh form.
    Gelu,
    /// C = v sigmoid(v).
    Silu,
    /// C = v gelu'(of): the gradient through a GELU whose argument was `of` [m, n].
    GeluGrad {
        /// The argument.
        of: &'a [f32],
    },
    /// C = v silu'(of).
    SiluGrad {
        /// The argument.
        of: &'a [f32],
    },
    /// C = x + gate[row / rows_per_sample] · v.
    GatedResidual {
        /// [m, n].
        x: &'a [f32],
        /// [samples, n].
        gate: &'a [f32],
        /// Rows that share a row of the gate; it divides m.
        rows_per_sample: usize,
    },
}

/// A fused end of a product; the default stores it as it is.
#[derive(Debug, Default)]
pub struct Epilogue<'a> {
    /// A factor of every column, [n].
    pub scale: Option<&'a [f32]>,
    /// Added to every row, [n].
    pub bias: Option<&'a [f32]>,
    /// Where v (after scale and bias, before `then`) is stored too, [m, n].
    pub pre: Option<&'a mut [f32]>,
    /// The last step.
    pub then: Then<'a>,
}

/// An [`Epilogue`] that tasks share.
#[derive(Clone, Copy)]
pub(crate) struct Finish<'a> {
    pub scale: Option<&'a [f32]>,
    pub bias: Option<&'a [f32]>,
    pub pre: Option<SendPtr<f32>>,
    pub then: Then<'a>,
    /// Columns of the whole product.
    pub n: usize,
    pub alpha: f32,
}

impl Finish<'_> {
    /// The sums as they are.
    pub const PLAIN: Self = Finish { scale: None, bias: None, pre: None, then: Then::Store, n: 0, alpha: 1.0 };

    /// Whether a tile may be stored as it is.
    pub fn is_plain(&self) -> bool {
        self.alpha == 1.0
            && self.scale.is_none()
            && self.bias.is_none()
            && self.pre.is_none()
            && matches!(self.then, Then::Store)
    }

    /// The sums without the end: what all passes over K but the last store.
    pub fn partial(&self) -> Self {
        Finish { scale: None, bias: None, pre: None, then: Then::Store, ..*self }
    }
}

/// A tile of sums: row i at `sums[i · stride]`, for C (row0 + i, column0 ...).
pub(crate) struct Sums<'a> {
    pub sums: &'a mut [f32],
    pub stride: usize,
    pub rows: usize,
    pub columns: usize,
    pub row0: usize,
    pub column0: usize,
}

/// Finishes a tile into C, whose rows are `c_row` apart; adds what is there first if `add`.
///
/// # Safety
/// The processor has `level`; the tile is within C and within what the epilogue names, and nobody else touches it.
pub(crate) unsafe fn finish(level: Level, end: &Finish<'_>, tile: Sums<'_>, c: *mut f32, c_row: usize, add: bool) {
    /// # Safety
    /// As [`finish`].
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")]
    unsafe fn avx512(end: &Finish<'_>, tile: Sums<'_>, c: *mut f32, c_row: usize, add: bool) {
        // SAFETY: promised by the caller.
        unsafe { finish_rows::<learngene_simd::Avx512>(end, tile, c, c_row, add) }
    }
    /// # Safety
    /// As [`finish`].
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma,bmi2")]
    unsafe fn avx2(end: &Finish<'_>, tile: Sums<'_>, c: *mut f32, c_row: usize, add: bool) {
        // SAFETY: promised by the caller.
        unsafe { finish_rows::<learngene_simd::Avx2>(end, tile, c, c_row, add) }
    }
    // SAFETY: promised by the caller.
    unsafe {
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => avx512(end, tile, c, c_row, add),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2(end, tile, c, c_row, add),
            Level::Neon => finish_rows::<learngene_simd::Neon>(end, tile, c, c_row, add),
            _ => finish_rows::<learngene_simd::Scalar>(end, tile, c, c_row, add),
        }
    }
}

/// # Safety
/// As [`finish`].
#[inline(always)]
unsafe fn finish_rows<S: Isa>(end: &Finish<'_>, tile: Sums<'_>, c: *mut f32, c_row: usize, add: bool) {
    let columns = tile.column0..tile.column0 + tile.columns;
    for i in 0..tile.rows {
        let row = tile.row0 + i;
        let v = &mut tile.sums[i * tile.stride..][..tile.columns];
        // SAFETY: the tile is within C, and this is the only reference to the row.
        let out = unsafe { std::slice::from_raw_parts_mut(c.add(row * c_row + columns.start), tile.columns) };
        if end.alpha != 1.0 {
            unary(v, |v| v * end.alpha);
        }
        if add {
            binary(v, out, |v, c| v + c);
        }
        match (end.scale, end.bias) {
            (None, None) => {}
            (Some(scale), None) => binary(v, &scale[columns.clone()], |v, s| v * s),
            (None, Some(bias)) => binary(v, &bias[columns.clone()], |v, b| v + b),
            (Some(scale), Some(bias)) => {
                ternary(v, &scale[columns.clone()], &bias[columns.clone()], |v, s, b| S::fma(v, s, b));
            }
        }
        if let Some(pre) = end.pre {
            let start = row * end.n + columns.start;
            // SAFETY: `pre` is [m, n], and this part of it belongs to the tile.
            unsafe { pre.slice_mut(start..start + tile.columns) }.copy_from_slice(v);
        }
        match end.then {
            Then::Store => {}
            Then::Gelu => unary(v, |v| gelu::<S>(v)),
            Then::Silu => unary(v, |v| v * sigmoid::<S>(v)),
            Then::GeluGrad { of } => binary(v, &of[row * end.n..][columns.clone()], |v, x| v * gelu_grad::<S>(x)),
            Then::SiluGrad { of } => binary(v, &of[row * end.n..][columns.clone()], |v, x| {
                let gate = sigmoid::<S>(x);
                v * S::fma(x * gate, 1.0 - gate, gate)
            }),
            Then::GatedResidual { x, gate, rows_per_sample } => {
                let gate = &gate[row / rows_per_sample * end.n..][columns.clone()];
                ternary(v, &x[row * end.n..][columns.clone()], gate, |v, x, g| S::fma(v, g, x));
            }
        }
        out.copy_from_slice(v);
    }
}

/// Chunks of a constant size become whole registers, whatever the length.
const CHUNK: usize = 16;

#[inline(always)]
fn unary(v: &mut [f32], f: impl Fn(f32) -> f32) {
    let (chunks, rest) = v.as_chunks_mut::<CHUNK>();
    for chunk in chunks {
        for v in chunk {
            *v = f(*v);
        }
    }
    for v in rest {
        *v = f(*v);
    }
}

#[inline(always)]
fn binary(v: &mut [f32], x: &[f32], f: impl Fn(f32, f32) -> f32) {
    let (chunks, rest) = v.as_chunks_mut::<CHUNK>();
    let (x_chunks, x_rest) = x.as_chunks::<CHUNK>();
    for (chunk, x) in chunks.iter_mut().zip(x_chunks) {
        for (v, &x) in chunk.iter_mut().zip(x) {
            *v = f(*v, x);
        }
    }
    for (v, &x) in rest.iter_mut().zip(x_rest) {
        *v = f(*v, x);
    }
}

#[inline(always)]
fn ternary(v: &mut [f32], x: &[f32], y: &[f32], f: impl Fn(f32, f32, f32) -> f32) {
    let (chunks, rest) = v.as_chunks_mut::<CHUNK>();
    let ((x_chunks, x_rest), (y_chunks, y_rest)) = (x.as_chunks::<CHUNK>(), y.as_chunks::<CHUNK>());
    for ((chunk, x), y) in chunks.iter_mut().zip(x_chunks).zip(y_chunks) {
        for ((v, &x), &y) in chunk.iter_mut().zip(x).zip(y) {
            *v = f(*v, x, y);
        }
    }
    for ((v, &x), &y) in rest.iter_mut().zip(x_rest).zip(y_rest) {
        *v = f(*v, x, y);
    }
}
