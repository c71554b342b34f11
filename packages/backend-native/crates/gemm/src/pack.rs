//! Copying factors into the order in which the micro-kernel reads them.

#[cfg(target_arch = "x86_64")]
use crate::pack_bf16;
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
    #[cfg(target_arch = "x86_64")]
    if kernels.pairs {
        // SAFETY: promised by the caller; kernels of pairs are used only where the processor has bfloat16.
        unsafe {
            if from.column == 1 {
                pack_bf16::columns(from, 0..k, columns, scale, to.as_mut_ptr(), width);
            } else {
                pack_bf16::turned(from, k, columns, scale, to, width);
            }
        }
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
    // SAFETY: promised by the caller.
    unsafe {
        match (columns, scale) {
            (16, None) if width == 16 => copy_rows_of::<16>(from, k, to),
            (32, None) if width == 32 => copy_rows_of::<32>(from, k, to),
            (48, None) if width == 48 => copy_rows_of::<48>(from, k, to),
            _ => copy_rows_scaled(from, k, columns, scale, to, width),
        }
    }
}

/// # Safety
/// As [`pack_b`], for W columns and width W.
#[inline(always)]
unsafe fn copy_rows_of<const W: usize>(from: Matrix, k: usize, to: &mut [f32]) {
    for (l, row) in to.as_chunks_mut::<W>().0.iter_mut().enumerate().take(k) {
        // SAFETY: row l of B has W words; arrays of f32 have the alignment of f32.
        *row = unsafe { from.at.add(l * from.row).cast::<[f32; W]>().read() };
    }
}

/// # Safety
/// As [`pack_b`].
#[inline(always)]
unsafe fn copy_rows_scaled(
    from: Matrix,
    k: usize,
    columns: usize,
    scale: Option<&[f32]>,
    to: &mut [f32],
    width: usize,
) {
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

/// Packs rows from `row0` and columns `ks` of A for tiles in order, given as
/// runs of a height and how many tiles have it. The word (i, l) of the tile
/// that starts at row t is at `(t - row0) · words + l · height + i` of `to`, or at `(t - row0 + i) · words + l` if
/// [`by_rows`].
///
/// # Safety
/// The kernels fit the processor; A is readable there; `to` holds the words of all rows.
pub(crate) unsafe fn pack_a(
    kernels: &Kernels,
    a: Matrix,
    ks: Range<usize>,
    row0: usize,
    runs: [(usize, usize); 2],
    to: &mut [f32],
) {
    // SAFETY: both are within A.
    let from = unsafe { a.from(row0, ks.start) };
    let k = ks.len();
    let rows: usize = runs.iter().map(|(height, count)| height * count).sum();
    assert!(to.len() >= rows * if kernels.pairs { k.div_ceil(2) } else { k });
    // SAFETY: promised by the caller.
    unsafe {
        match kernels.level {
            #[cfg(target_arch = "x86_64")]
            _ if kernels.pairs => pack_bf16::left(from, k, runs, to),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 | Level::Avx2 => pack_a_avx2(from, k, runs, to),
            _ => pack_a_with(from, k, runs, to),
        }
    }
}

/// Whether packed A lies by rows: where it is only converted.
pub(crate) fn by_rows(kernels: &Kernels, a: Matrix) -> bool {
    kernels.pairs && a.column == 1
}

/// Few rows at a time: with a stride of 4 KiB their lines all compete for one set of the first-level cache.
pub(crate) const STEP: usize = 8;

/// # Safety
/// As [`pack_a`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn pack_a_avx2(from: Matrix, k: usize, runs: [(usize, usize); 2], to: &mut [f32]) {
    // SAFETY: promised by the caller.
    unsafe { pack_a_with(from, k, runs, to) }
}

/// # Safety
/// As [`pack_a`].
#[inline(always)]
unsafe fn pack_a_with(from: Matrix, k: usize, runs: [(usize, usize); 2], to: &mut [f32]) {
    for l0 in (0..k).step_by(STEP) {
        let ks = l0..(l0 + STEP).min(k);
        let mut row = 0;
        for (height, count) in runs {
            // SAFETY: promised by the caller.
            unsafe {
                let source = from.from(row, 0);
                let to = to.as_mut_ptr().add(row * k);
                match height {
                    4 => columns_of::<4>(source, ks.clone(), count, to, k),
                    6 => columns_of::<6>(source, ks.clone(), count, to, k),
                    8 => columns_of::<8>(source, ks.clone(), count, to, k),
                    12 => columns_of::<12>(source, ks.clone(), count, to, k),
                    16 => columns_of::<16>(source, ks.clone(), count, to, k),
                    _ => columns_of_any(source, ks.clone(), height, count, to, k),
                }
            }
            row += height * count;
        }
    }
}

/// # Safety
/// As [`pack_a`], for `count` tiles of H rows that lie side by side.
#[inline(always)]
unsafe fn columns_of<const H: usize>(from: Matrix, ks: Range<usize>, count: usize, to: *mut f32, k: usize) {
    debug_assert_eq!(from.row, 1);
    let first = ks.start;
    if ks.len() < STEP {
        // SAFETY: promised by the caller.
        return unsafe { columns_of_any(from, ks, H, count, to, k) };
    }
    for tile in 0..count {
        for l in 0..STEP {
            // SAFETY: promised by the caller; arrays of f32 have the alignment of f32.
            unsafe {
                let source = from.at.add(tile * H + (first + l) * from.column).cast::<[f32; H]>();
                to.add((tile * k + first + l) * H).cast::<[f32; H]>().write(source.read());
            }
        }
    }
}

/// # Safety
/// As [`pack_a`], for `count` tiles of `height` rows.
#[inline(always)]
unsafe fn columns_of_any(from: Matrix, ks: Range<usize>, height: usize, count: usize, to: *mut f32, k: usize) {
    for tile in 0..count {
        for l in ks.clone() {
            for i in 0..height {
                let row = tile * height + i;
                // SAFETY: promised by the caller.
                unsafe { *to.add((tile * k + l) * height + i) = *from.at.add(row * from.row + l * from.column) };
            }
        }
    }
}
