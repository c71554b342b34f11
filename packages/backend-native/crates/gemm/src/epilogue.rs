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

/// What is done with a product before it is stored; the default stores it as it is.
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
pub(crate) struct SharedEpilogue<'a> {
    pub scale: Option<&'a [f32]>,
    pub bias: Option<&'a [f32]>,
    pub pre: Option<SendPtr<f32>>,
    pub then: Then<'a>,
    /// Columns of the whole product.
    pub n: usize,
    pub alpha: f32,
}

impl SharedEpilogue<'_> {
    /// The sums as they are.
    pub const PLAIN: Self = SharedEpilogue { scale: None, bias: None, pre: None, then: Then::Store, n: 0, alpha: 1.0 };

    /// Whether a tile may be stored as it is.
    pub fn is_plain(&self) -> bool {
        self.alpha == 1.0
            && self.scale.is_none()
            && self.bias.is_none()
            && self.pre.is_none()
            && matches!(self.then, Then::Store)
    }

    /// The column factors, if they are all that happens to a tile; None where more does.
    pub fn is_scale(&self) -> Option<Option<&[f32]>> {
        let plain = SharedEpilogue { scale: None, ..*self }.is_plain();
        plain.then_some(self.scale)
    }

    /// Whether all that happens to a tile is that a bias is added.
    pub fn is_bias(&self) -> Option<&[f32]> {
        let plain = SharedEpilogue { bias: None, ..*self }.is_plain();
        self.bias.filter(|_| plain)
    }

    /// The matrix [m, n] that is read or written beside C.
    pub fn beside(&self) -> Option<*const f32> {
        match self.then {
            Then::GeluGrad { of } | Then::SiluGrad { of } => Some(of.as_ptr()),
            Then::GatedResidual { x, .. } => Some(x.as_ptr()),
            Then::Store | Then::Gelu | Then::Silu => self.pre.map(|pre| pre.0.cast_const()),
        }
    }

    /// The sums without the epilogue: what all passes over K but the last store.
    pub fn partial(&self) -> Self {
        SharedEpilogue { scale: None, bias: None, pre: None, then: Then::Store, ..*self }
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
pub(crate) unsafe fn apply(
    level: Level,
    epilogue: &SharedEpilogue<'_>,
    tile: Sums<'_>,
    c: *mut f32,
    c_row: usize,
    add: bool,
) {
    /// # Safety
    /// As [`apply`].
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")]
    unsafe fn avx512(epilogue: &SharedEpilogue<'_>, tile: Sums<'_>, c: *mut f32, c_row: usize, add: bool) {
        // SAFETY: promised by the caller.
        unsafe { apply_rows::<learngene_simd::Avx512>(epilogue, tile, c, c_row, add) }
    }
    /// # Safety
    /// As [`apply`].
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma,bmi2")]
    unsafe fn avx2(epilogue: &SharedEpilogue<'_>, tile: Sums<'_>, c: *mut f32, c_row: usize, add: bool) {
        // SAFETY: promised by the caller.
        unsafe { apply_rows::<learngene_simd::Avx2>(epilogue, tile, c, c_row, add) }
    }
    // SAFETY: promised by the caller.
    unsafe {
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => avx512(epilogue, tile, c, c_row, add),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2(epilogue, tile, c, c_row, add),
            Level::Neon => apply_rows::<learngene_simd::Neon>(epilogue, tile, c, c_row, add),
            _ => apply_rows::<learngene_simd::Scalar>(epilogue, tile, c, c_row, add),
        }
    }
}

/// Columns that are finished at once: a constant number becomes whole registers, and several of them hide how long each
/// operation takes.
type Chunk<const SIZE: usize> = [f32; SIZE];

/// # Safety
/// `from` is readable for `count` words, or for a chunk if `count` is larger.
#[inline(always)]
unsafe fn load<const SIZE: usize>(from: *const f32, count: usize) -> Chunk<SIZE> {
    if count >= SIZE {
        // SAFETY: a chunk is readable; arrays of f32 have the alignment of f32.
        return unsafe { from.cast::<Chunk<SIZE>>().read() };
    }
    let mut chunk = [0.0; SIZE];
    for (i, word) in chunk.iter_mut().enumerate().take(count) {
        // SAFETY: i < count.
        *word = unsafe { *from.add(i) };
    }
    chunk
}

/// # Safety
/// `to` is writable for `count` words, or for a chunk if `count` is larger.
#[inline(always)]
unsafe fn store<const SIZE: usize>(to: *mut f32, count: usize, chunk: Chunk<SIZE>) {
    if count >= SIZE {
        // SAFETY: a chunk is writable; arrays of f32 have the alignment of f32.
        return unsafe { to.cast::<Chunk<SIZE>>().write(chunk) };
    }
    for (i, word) in chunk.into_iter().enumerate().take(count) {
        // SAFETY: i < count.
        unsafe { *to.add(i) = word };
    }
}

/// # Safety
/// As [`apply`].
#[inline(always)]
unsafe fn apply_rows<S: Isa>(epilogue: &SharedEpilogue<'_>, tile: Sums<'_>, c: *mut f32, c_row: usize, add: bool) {
    // SAFETY: promised by the caller.
    unsafe {
        match tile.columns {
            48 => apply_chunks::<S, 48>(epilogue, tile, c, c_row, add),
            32 => apply_chunks::<S, 32>(epilogue, tile, c, c_row, add),
            _ => apply_chunks::<S, 16>(epilogue, tile, c, c_row, add),
        }
    }
}

/// # Safety
/// As [`apply`].
#[inline(always)]
unsafe fn apply_chunks<S: Isa, const SIZE: usize>(
    epilogue: &SharedEpilogue<'_>,
    tile: Sums<'_>,
    c: *mut f32,
    c_row: usize,
    add: bool,
) {
    assert!(tile.rows == 0 || tile.sums.len() >= (tile.rows - 1) * tile.stride + tile.columns);
    for i in 0..tile.rows {
        let row = tile.row0 + i;
        for j in (0..tile.columns).step_by(SIZE) {
            let (column, count) = (tile.column0 + j, tile.columns - j);
            let at = row * epilogue.n + column;
            // SAFETY: the tile is within all that the epilogue names, as was checked at the door, and nobody else
            // touches it.
            unsafe {
                let c = c.add(row * c_row + column);
                let mut v = load::<SIZE>(tile.sums.as_ptr().add(i * tile.stride + j), count);
                if add {
                    let old = load::<SIZE>(c, count);
                    each(&mut v, |i, v| S::fma(epilogue.alpha, v, old[i]));
                } else if epilogue.alpha != 1.0 {
                    each(&mut v, |_, v| v * epilogue.alpha);
                }
                if let Some(scale) = epilogue.scale {
                    let scale = load::<SIZE>(scale.as_ptr().add(column), count);
                    each(&mut v, |i, v| v * scale[i]);
                }
                if let Some(bias) = epilogue.bias {
                    let bias = load::<SIZE>(bias.as_ptr().add(column), count);
                    each(&mut v, |i, v| v + bias[i]);
                }
                if let Some(pre) = epilogue.pre {
                    store(pre.0.add(at), count, v);
                }
                match epilogue.then {
                    Then::Store => {}
                    Then::Gelu => each(&mut v, |_, v| gelu::<S>(v)),
                    Then::Silu => each(&mut v, |_, v| v * sigmoid::<S>(v)),
                    Then::GeluGrad { of } => {
                        let x = load::<SIZE>(of.as_ptr().add(at), count);
                        each(&mut v, |i, v| v * gelu_grad::<S>(x[i]));
                    }
                    Then::SiluGrad { of } => {
                        let x = load::<SIZE>(of.as_ptr().add(at), count);
                        each(&mut v, |i, v| {
                            let gate = sigmoid::<S>(x[i]);
                            v * S::fma(x[i] * gate, 1.0 - gate, gate)
                        });
                    }
                    Then::GatedResidual { x, gate, rows_per_sample } => {
                        let x = load::<SIZE>(x.as_ptr().add(at), count);
                        let gate = load::<SIZE>(gate.as_ptr().add(row / rows_per_sample * epilogue.n + column), count);
                        each(&mut v, |i, v| S::fma(v, gate[i], x[i]));
                    }
                }
                store(c, count, v);
            }
        }
    }
}

#[inline(always)]
fn each<const SIZE: usize>(chunk: &mut Chunk<SIZE>, f: impl Fn(usize, f32) -> f32) {
    for (i, v) in chunk.iter_mut().enumerate() {
        *v = f(i, *v);
    }
}
