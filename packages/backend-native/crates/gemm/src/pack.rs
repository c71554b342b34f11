//! Copying factors into the order in which the micro-kernel reads them.

use crate::tile::Kernels;
use crate::transpose::transpose;
use learngene_simd::Level;
use std::ops::Range;

/// A matrix in memory: element (r, c) is at `at + r · row + c · column`; one of the strides is 1.
#[derive(Clone, Copy)]
pub(crate) struct Matrix {
    pub at: *const f32,
    pub row: usize,
    pub column: usize,
}

// SAFETY: a Matrix is read only, while the slice it was made of is borrowed.
unsafe impl Send for Matrix {}
// SAFETY: as for Send.
unsafe impl Sync for Matrix {}

impl Matrix {
    /// A row-major matrix, or its transpose.
    pub fn new(values: &[f32], stride: usize, transposed: bool) -> Self {
        let (row, column) = if transposed { (1, stride) } else { (stride, 1) };
        Self { at: values.as_ptr(), row, column }
    }

    pub fn transposed(self) -> Self {
        Self { row: self.column, column: self.row, ..self }
    }

    /// The matrix without its first rows and columns.
    ///
    /// # Safety
    /// (r, c) is within it or one past its end.
    pub unsafe fn from(self, r: usize, c: usize) -> Self {
        // SAFETY: promised by the caller.
        unsafe { self.skip(r * self.row + c * self.column) }
    }

    /// The matrix that lies `words` further.
    ///
    /// # Safety
    /// That is in the same slice.
    pub unsafe fn skip(self, words: usize) -> Self {
        // SAFETY: promised by the caller.
        Self { at: unsafe { self.at.add(words) }, ..self }
    }
}

/// Packs rows `ks` of the columns [0, `columns`) of B as words: row l at `to + l · width`, filled up with zeros to
/// `width` words. `scale` multiplies row l by `scale[l]`.
///
/// # Safety
/// The kernels fit the processor; B is readable there, `to` holds `words(ks.len()) · width`, and `width` is `columns`
/// rounded up to whole registers.
pub(crate) unsafe fn pack_b(
    kernels: &Kernels,
    b: Matrix,
    ks: Range<usize>,
    columns: usize,
    scale: Option<&[f32]>,
    to: &mut [f32],
    width: usize,
) {
    // SAFETY: `ks` is within B.
    let from = unsafe { b.from(ks.start, 0) };
    let k = ks.len();
    let scale = scale.map(|scale| &scale[ks]);
    if kernels.pairs {
        // SAFETY: promised by the caller.
        unsafe { pack_b_pairs(from, k, columns, scale, to, width) };
        return;
    }
    if from.column == 1 {
        // SAFETY: promised by the caller.
        unsafe { copy_rows_at(kernels.level, from, k, columns, scale, to, width) };
        return;
    }
    debug_assert!(to.len() >= k * width);
    // SAFETY: `to` holds k rows of `width` words.
    unsafe { transpose(kernels.level, kernels.lanes, (columns, k), from.at, from.column, to.as_mut_ptr(), width) };
    if let Some(scale) = scale {
        for (row, &scale) in to.chunks_exact_mut(width).zip(scale) {
            for word in row {
                *word *= scale;
            }
        }
    }
}

/// # Safety
/// As [`pack_b`].
unsafe fn copy_rows_at(
    level: Level,
    from: Matrix,
    k: usize,
    columns: usize,
    scale: Option<&[f32]>,
    to: &mut [f32],
    width: usize,
) {
    /// # Safety
    /// As [`pack_b`].
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx2")]
    unsafe fn avx512(from: Matrix, k: usize, n: usize, scale: Option<&[f32]>, to: &mut [f32], width: usize) {
        // SAFETY: promised by the caller.
        unsafe { copy_rows(from, k, n, scale, to, width) }
    }
    /// # Safety
    /// As [`pack_b`].
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    unsafe fn avx2(from: Matrix, k: usize, n: usize, scale: Option<&[f32]>, to: &mut [f32], width: usize) {
        // SAFETY: promised by the caller.
        unsafe { copy_rows(from, k, n, scale, to, width) }
    }
    // SAFETY: promised by the caller.
    unsafe {
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => avx512(from, k, columns, scale, to, width),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2(from, k, columns, scale, to, width),
            _ => copy_rows(from, k, columns, scale, to, width),
        }
    }
}

/// # Safety
/// As [`pack_b`].
#[inline(always)]
unsafe fn copy_rows(from: Matrix, k: usize, columns: usize, scale: Option<&[f32]>, to: &mut [f32], width: usize) {
    for (l, row) in to.chunks_exact_mut(width).take(k).enumerate() {
        // SAFETY: row l of B has `columns` words.
        let source = unsafe { std::slice::from_raw_parts(from.at.add(l * from.row), columns) };
        let factor = scale.map_or(1.0, |scale| scale[l]);
        let (row, rest) = row.split_at_mut(columns);
        let (chunks, tail) = row.as_chunks_mut::<16>();
        let (source_chunks, source_tail) = source.as_chunks::<16>();
        for (chunk, source) in chunks.iter_mut().zip(source_chunks) {
            for (word, &value) in chunk.iter_mut().zip(source) {
                *word = value * factor;
            }
        }
        for (word, &value) in tail.iter_mut().zip(source_tail) {
            *word = value * factor;
        }
        rest.fill(0.0);
    }
}

/// Packs rows `rows` and columns `ks` of A for tiles of the given `heights` (in order, together all rows), and returns
/// nothing: the word (i, l) of the tile that starts at row t is at `to + (t - rows.start) · words + l · height + i`.
///
/// # Safety
/// A is readable there; `to` holds `rows.len() · words(ks.len())`.
pub(crate) unsafe fn pack_a(
    kernels: &Kernels,
    a: Matrix,
    ks: Range<usize>,
    row0: usize,
    heights: impl Iterator<Item = usize> + Clone,
    to: &mut [f32],
) {
    let words = if kernels.pairs { ks.len().div_ceil(2) } else { ks.len() };
    // SAFETY: both are within A.
    let from = unsafe { a.from(row0, ks.start) };
    // Few rows at a time: with a stride of 4 KiB their lines all compete for one set of the first-level cache.
    const STEP: usize = 8;
    let block = STEP * if kernels.pairs { 2 } else { 1 };
    for l0 in (0..ks.len()).step_by(block) {
        let l1 = (l0 + block).min(ks.len());
        let mut row = 0;
        for height in heights.clone() {
            // SAFETY: promised by the caller.
            unsafe {
                let source = from.from(row, 0);
                let to = to.as_mut_ptr().add(row * words);
                if kernels.pairs {
                    columns_pairs(source, l0..l1, height, to);
                } else {
                    match height {
                        4 => columns_of::<4>(source, l0..l1, to),
                        6 => columns_of::<6>(source, l0..l1, to),
                        8 => columns_of::<8>(source, l0..l1, to),
                        12 => columns_of::<12>(source, l0..l1, to),
                        16 => columns_of::<16>(source, l0..l1, to),
                        _ => columns_of_any(source, l0..l1, height, to),
                    }
                }
            }
            row += height;
        }
    }
}

/// # Safety
/// As [`pack_a`], for a tile of H rows that lie side by side.
unsafe fn columns_of<const H: usize>(from: Matrix, ks: Range<usize>, to: *mut f32) {
    debug_assert_eq!(from.row, 1);
    for l in ks {
        // SAFETY: promised by the caller; arrays of f32 have the alignment of f32.
        unsafe { to.add(l * H).cast::<[f32; H]>().write(from.at.add(l * from.column).cast::<[f32; H]>().read()) };
    }
}

/// # Safety
/// As [`pack_a`].
unsafe fn columns_of_any(from: Matrix, ks: Range<usize>, height: usize, to: *mut f32) {
    for l in ks {
        for i in 0..height {
            // SAFETY: promised by the caller.
            unsafe { *to.add(l * height + i) = *from.at.add(i * from.row + l * from.column) };
        }
    }
}

/// Two bfloat16 as one word, `low` in the lower half.
#[inline(always)]
fn pair(low: f32, high: f32) -> f32 {
    f32::from_bits(bf16(low) | (bf16(high) << 16))
}

/// The bfloat16 nearest to `value`, ties to even; a NaN stays one.
#[inline(always)]
pub(crate) fn bf16(value: f32) -> u32 {
    let bits = value.to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
    let quiet = (bits >> 16) | 0x40;
    if value.is_nan() { quiet } else { rounded }
}

/// # Safety
/// As [`pack_a`], for words of pairs: word (i, l / 2) is at `to + (l / 2) · height + i`.
unsafe fn columns_pairs(from: Matrix, ks: Range<usize>, height: usize, to: *mut f32) {
    for l in ks.clone().step_by(2) {
        for i in 0..height {
            // SAFETY: promised by the caller; nothing past `ks` is read.
            unsafe {
                let at = from.at.add(i * from.row);
                let low = *at.add(l * from.column);
                let high = if l + 1 < ks.end { *at.add((l + 1) * from.column) } else { 0.0 };
                *to.add(l / 2 * height + i) = pair(low, high);
            }
        }
    }
}

/// # Safety
/// As [`pack_b`].
unsafe fn pack_b_pairs(from: Matrix, k: usize, columns: usize, scale: Option<&[f32]>, to: &mut [f32], width: usize) {
    for (half, row) in to.chunks_exact_mut(width).take(k.div_ceil(2)).enumerate() {
        let l = 2 * half;
        let factor = |l: usize| scale.map_or(1.0, |scale| scale[l]);
        for (j, word) in row.iter_mut().enumerate() {
            let at = |l: usize| {
                // SAFETY: (l, j) is within B where this is called.
                let value = unsafe { *from.at.add(l * from.row + j * from.column) };
                value * factor(l)
            };
            *word = match (j < columns, l + 1 < k) {
                (true, true) => pair(at(l), at(l + 1)),
                (true, false) => pair(at(l), 0.0),
                (false, _) => 0.0,
            };
        }
    }
}
