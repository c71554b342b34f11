//! Products of matrices in float64: packed panels, register tiles, tasks on the pool (Goto and van de Geijn 2008).

use std::cell::Cell;

use learngene_pool::{SendPtr, run, split, threads, zeros};

use crate::tile::{Tile, tile};
use crate::view::{View, ViewMut};

/// Columns of a that are packed at once: a tile's panel of b stays in the first-level cache.
const DEPTH: usize = 256;
/// Columns of b that are packed at once.
const WIDTH: usize = 2048;
/// Rows of a that are packed at once: with `DEPTH` columns they take a quarter of a 2 MiB second-level cache.
const HEIGHT: usize = 240;
/// Multiply-adds below which other threads are not worth waking.
const ALONE: usize = 48 * 48 * 48;
/// Columns of b that a task packs at once where c has few rows, about: they stay in the second-level cache.
const STRIP: usize = 64;

/// What happens to the elements of c that are there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    /// c = alpha a b.
    Replace,
    /// c += alpha a b.
    Add,
    /// As `Add`, for the lower triangle; above the diagonal whatever comes.
    AddLower,
}

thread_local! {
    static PACKED_A: Cell<Vec<f64>> = const { Cell::new(Vec::new()) };
    static PACKED_B: Cell<Vec<f64>> = const { Cell::new(Vec::new()) };
}

/// c (+)= alpha a b for a [m, k], b [k, n], c [m, n] whose rows or columns are contiguous (for `AddLower`, columns).
pub(crate) fn gemm(alpha: f64, a: View, b: View, into: Store, c: ViewMut) {
    assert!(a.rows == c.rows && b.cols == c.cols && a.cols == b.rows, "the sizes of a product fit");
    if c.rs != 1 && c.rows != 1 {
        assert!((c.cs == 1 || c.cols == 1) && into != Store::AddLower, "c is contiguous in one direction");
        return gemm(alpha, b.t(), a.t(), into, c.t());
    }
    let (m, n, k) = (c.rows, c.cols, a.cols);
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        if into == Store::Replace {
            for j in 0..n {
                c.data[j * c.cs..j * c.cs + m].fill(0.0);
            }
        }
        return;
    }
    let job = Job { alpha, a, b, lower: into == Store::AddLower, tile: tile(), out: SendPtr::new(c.data), ldc: c.cs };
    let mut packed = PACKED_B.take();
    let pieces = k.div_ceil(DEPTH + DEPTH / 4);
    for j0 in (0..n).step_by(WIDTH) {
        let cols = j0..(j0 + WIDTH).min(n);
        for piece in 0..pieces {
            let depth = split(k, pieces, piece);
            let add = piece > 0 || into != Store::Replace;
            job.block(cols.clone(), depth, add, &mut packed);
        }
    }
    PACKED_B.set(packed);
}

struct Job<'a> {
    alpha: f64,
    a: View<'a>,
    b: View<'a>,
    lower: bool,
    tile: Tile,
    out: SendPtr<f64>,
    ldc: usize,
}

type Range = std::ops::Range<usize>;

impl Job<'_> {
    /// The columns `cols` of c, from `depth` of the inner size.
    fn block(&self, cols: Range, depth: Range, add: bool, packed: &mut Vec<f64>) {
        let (mr, nr, kc) = (self.tile.rows, self.tile.cols, depth.len());
        let (m, n) = (self.a.rows, cols.len());
        let row_tiles = m.div_ceil(mr);
        let col_tiles = n.div_ceil(nr);
        if m <= HEIGHT && !self.lower && col_tiles >= 2 * threads() {
            return self.flat(cols, depth, add, packed);
        }
        let workers = if m * n * kc < ALONE { 1 } else { threads() };
        reserve(packed, col_tiles * nr * kc);
        let panels = SendPtr::new(packed);
        let parts = if workers == 1 { 1 } else { (4 * workers).min(col_tiles) };
        run(parts, &|part| {
            for panel in split(col_tiles, parts, part) {
                // SAFETY: each panel is written by one task, and lies within what was reserved.
                let to = unsafe { panels.slice_mut(panel * nr * kc..(panel + 1) * nr * kc) };
                let first = cols.start + panel * nr;
                pack(self.b.t(), first..(first + nr).min(cols.end), depth.clone(), nr, to);
            }
        });
        // blocks of rows, at least one for each thread; where rows are too few, of columns too
        let mut down = row_tiles.div_ceil((HEIGHT / mr).max(1));
        if workers > 1 {
            down = (down.div_ceil(workers) * workers).min(row_tiles);
        }
        let across = if down < workers { workers.div_ceil(down).min(col_tiles) } else { 1 };
        let packed_b: &[f64] = packed;
        run(down * across, &|task| {
            // the last rows of a triangle are the longest: first
            let (i, j) = (down - 1 - task / across, task % across);
            let rows = split(row_tiles, down, i);
            let rows = rows.start * mr..(rows.end * mr).min(m);
            let panels = split(col_tiles, across, j);
            if self.lower && cols.start + panels.start * nr >= rows.end {
                return;
            }
            let mut packed_a = PACKED_A.take();
            reserve(&mut packed_a, rows.len().div_ceil(mr) * mr * kc);
            for (tile, to) in packed_a.chunks_exact_mut(mr * kc).enumerate().take(rows.len().div_ceil(mr)) {
                let first = rows.start + tile * mr;
                pack(self.a, first..(first + mr).min(rows.end), depth.clone(), mr, to);
            }
            self.tiles(&packed_a, packed_b, rows, cols.clone(), panels, kc, add);
            PACKED_A.set(packed_a);
        });
    }

    /// As `block` where c has few rows: a is packed once, and each task packs the columns of b that it multiplies, so
    /// that b is read once and its packed form stays in the cache.
    fn flat(&self, cols: Range, depth: Range, add: bool, packed: &mut Vec<f64>) {
        let (mr, nr, kc) = (self.tile.rows, self.tile.cols, depth.len());
        let (m, n) = (self.a.rows, cols.len());
        let (row_tiles, col_tiles) = (m.div_ceil(mr), n.div_ceil(nr));
        let workers = if m * n * kc < ALONE { 1 } else { threads() };
        reserve(packed, row_tiles * mr * kc);
        for (tile, to) in packed.chunks_exact_mut(mr * kc).enumerate().take(row_tiles) {
            pack(self.a, tile * mr..(tile * mr + mr).min(m), depth.clone(), mr, to);
        }
        let packed_a: &[f64] = packed;
        // strips of even size, as many for each thread
        let strips = col_tiles.div_ceil(STRIP / nr).next_multiple_of(workers).min(col_tiles);
        run(strips, &|strip| {
            let panels = split(col_tiles, strips, strip);
            let mine = cols.start + panels.start * nr..(cols.start + panels.end * nr).min(cols.end);
            let mut packed_b = PACKED_A.take();
            reserve(&mut packed_b, panels.len() * nr * kc);
            pack_panels(self.b.t(), mine.clone(), depth.clone(), nr, &mut packed_b[..panels.len() * nr * kc]);
            self.tiles(packed_a, &packed_b, 0..m, mine, 0..panels.len(), kc, add);
            PACKED_A.set(packed_b);
        });
    }

    fn tiles(&self, packed_a: &[f64], packed_b: &[f64], rows: Range, cols: Range, panels: Range, kc: usize, add: bool) {
        let (mr, nr) = (self.tile.rows, self.tile.cols);
        let mut edge = [0.0; Tile::LARGEST];
        for panel in panels {
            let b = &packed_b[panel * nr * kc..(panel + 1) * nr * kc];
            let j = cols.start + panel * nr;
            let width = nr.min(cols.end - j);
            for (index, i) in rows.clone().step_by(mr).enumerate() {
                if self.lower && j >= i + mr {
                    continue;
                }
                let a = &packed_a[index * mr * kc..(index + 1) * mr * kc];
                let height = mr.min(rows.end - i);
                let (kernel, written) = self.tile.kernel(height);
                if height == written && width == nr {
                    // SAFETY: the tile (i.., j..) of c is whole, c was checked to hold [m, n], no other task has it.
                    unsafe { kernel(kc, self.alpha, a, b, self.out.0.add(i + j * self.ldc), self.ldc, add) };
                    continue;
                }
                // SAFETY: `edge` holds a whole tile.
                unsafe { kernel(kc, self.alpha, a, b, edge.as_mut_ptr(), mr, false) };
                for (column, values) in edge.chunks_exact(mr).enumerate().take(width) {
                    let at = i + (j + column) * self.ldc;
                    // SAFETY: as above, for the part of the tile that lies in c.
                    let out = unsafe { self.out.slice_mut(at..at + height) };
                    for (out, &value) in out.iter_mut().zip(values) {
                        *out = if add { *out + value } else { value };
                    }
                }
            }
        }
    }
}

fn reserve(buffer: &mut Vec<f64>, length: usize) {
    if buffer.len() < length {
        *buffer = zeros(length); // nothing of the old one is wanted
    }
}

/// [`pack`] for one panel after the other of `height` rows.
fn pack_panels(a: View, rows: Range, depth: Range, height: usize, to: &mut [f64]) {
    let kc = depth.len();
    let whole = rows.len() / height;
    if a.rs == 1 {
        // a run of each column at a time
        for (at, p) in depth.clone().enumerate() {
            let from = &a.data[rows.start + p * a.cs..][..whole * height];
            for (panel, from) in from.chunks_exact(height).enumerate() {
                to[panel * height * kc + at * height..][..height].copy_from_slice(from);
            }
        }
    }
    let done = if a.rs == 1 { whole } else { 0 };
    for (panel, to) in to.chunks_exact_mut(height * kc).enumerate().skip(done) {
        let first = rows.start + panel * height;
        pack(a, first..(first + height).min(rows.end), depth.clone(), height, to);
    }
}

/// Writes rows `rows`, columns `depth` of `a` as `to[p * height + i]`, missing rows as zeros.
fn pack(a: View, rows: Range, depth: Range, height: usize, to: &mut [f64]) {
    let full = rows.len() == height;
    if a.rs == 1 {
        for (out, p) in to.chunks_exact_mut(height).zip(depth) {
            let from = &a.data[rows.start + p * a.cs..][..rows.len()];
            out[..rows.len()].copy_from_slice(from);
            out[rows.len()..].fill(0.0);
        }
        return;
    }
    if !full {
        to.fill(0.0);
    }
    // eight columns at a time: a cache line of a row where rows are contiguous
    for (block, to) in to.chunks_mut(8 * height).enumerate() {
        let p0 = depth.start + 8 * block;
        let width = to.len() / height;
        for (i, row) in rows.clone().enumerate() {
            if a.cs == 1 && width == 8 {
                let from = &a.data[row * a.rs + p0..][..8];
                for (line, &value) in to.chunks_exact_mut(height).zip(from) {
                    line[i] = value;
                }
            } else {
                for (p, line) in to.chunks_exact_mut(height).enumerate() {
                    line[i] = a.data[row * a.rs + (p0 + p) * a.cs];
                }
            }
        }
    }
}
