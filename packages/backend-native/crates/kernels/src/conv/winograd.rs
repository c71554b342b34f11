//! 3x3 convolutions of stride 1 by Winograd's F(4x4, 3x3) (Winograd 1980; Lavin and Gray 2016): tiles of 4 x 4 output
//! pixels as 36 products instead of 144 multiplications a pair of channels.
//!
//! Some dozen tiles at a time are transformed, multiplied with the transformed filter, one product of [tiles, C] and
//! [C, O] for each of the 36 frequencies, and transformed back, all in the caches of one core. Sums over the taps are
//! rounded in another order than one by one: the error of an output is relative to the numbers of its whole tile.

mod points;
mod transform;

use std::ops::Range;

use learngene_gemm::{GemmBatch, PackedRight, gemm_batch, gemm_batch_packed};
use learngene_pool::{SendPtr, run, split, threads};

use super::ending::Ending;
use super::{Conv, PARTIALS};
use crate::support::{LANES, with_scratch};
use crate::window::Window;
use transform::{Square, Tiles};

/// Input pixels across a tile, and points of the transform.
const TILE: usize = 6;
/// Output pixels across a tile.
const OUT: usize = 4;
/// Products a tile.
const FREQUENCIES: usize = TILE * TILE;

/// A convolution cut into tiles.
pub(super) struct Grid {
    window: Window,
    filters: usize,
    down: usize,
    across: usize,
}

/// A tile: its image, and the first output row and column.
struct Place {
    image: usize,
    row: usize,
    column: usize,
}

impl Grid {
    /// None where the convolution is not 3x3 with stride 1.
    pub(super) fn new(conv: &Conv) -> Option<Self> {
        let Window { rows, columns, .. } = conv.window;
        let fits = [rows, columns].iter().all(|axis| axis.kernel == 3 && axis.stride == 1 && axis.dilation == 1);
        let (down, across) = (rows.out.div_ceil(OUT), columns.out.div_ceil(OUT));
        fits.then_some(Self { window: conv.window, filters: conv.filters, down, across })
    }

    fn tiles(&self) -> usize {
        self.window.batch * self.down * self.across
    }

    #[inline(always)]
    fn place(&self, tile: usize) -> Place {
        let (line, column) = (tile / self.across, tile % self.across);
        Place { image: line / self.down, row: line % self.down * OUT, column: column * OUT }
    }

    /// The rows of a tile that are within the input.
    #[inline(always)]
    fn input_rows(&self, place: &Place) -> Range<usize> {
        inside(place.row, self.window.rows.pad, self.window.rows.size)
    }

    #[inline(always)]
    fn input_columns(&self, place: &Place) -> Range<usize> {
        inside(place.column, self.window.columns.pad, self.window.columns.size)
    }

    /// The first pixel of a tile in the input, which is before it where the tile begins in the padding.
    #[inline(always)]
    fn input_pixel(&self, place: &Place) -> isize {
        let Window { rows, columns, .. } = &self.window;
        let row = (place.image * rows.size + place.row) as isize - rows.pad as isize;
        row * columns.size as isize + place.column as isize - columns.pad as isize
    }

    /// The pixels of a tile in the output.
    #[inline(always)]
    fn output_square(&self, place: &Place) -> Square {
        let Window { rows, columns, .. } = &self.window;
        Square {
            first: ((place.image * rows.out + place.row) * columns.out + place.column) as isize,
            line: columns.out as isize,
            rows: 0..(rows.out - place.row).min(OUT),
            columns: 0..(columns.out - place.column).min(OUT),
        }
    }
}

/// The pixels of a tile that begins at output pixel `start` that are within the `size` pixels of the input.
#[inline(always)]
fn inside(start: usize, pad: usize, size: usize) -> Range<usize> {
    let end = (size + pad).saturating_sub(start).min(TILE);
    pad.saturating_sub(start).min(end)..end
}

/// The tiles of a convolution where this way is the faster one: costs in multiply-adds of a register.
pub(super) fn grid_if_faster(conv: &Conv) -> Option<Grid> {
    let grid = Grid::new(conv)?;
    let (c, o) = (conv.window.channels, conv.filters);
    let (c_registers, o_registers) = (c.div_ceil(LANES), o.div_ceil(LANES));
    let products = |count: usize| (count * c * o_registers) as f64;
    let transforms = (grid.tiles() * (TRANSFORM * (c_registers + o_registers))) as f64;
    let in_cache = FREQUENCIES * c * o <= CACHED;
    let filter = products(if in_cache { FILTER } else { LARGE_FILTER });
    let cost = products(grid.tiles() * FREQUENCIES) + transforms + filter;
    (cost < GAIN * products(conv.window.pixels() * 9)).then_some(grid)
}

/// The cost of transforming a tile of sixteen channels.
const TRANSFORM: usize = 350;
/// The cost of transforming sixteen filters; of those that go to memory and come back; and words of which they do.
const FILTER: usize = 200;
const LARGE_FILTER: usize = 1500;
const CACHED: usize = 2 << 20;
/// It should pay by so much.
const GAIN: f64 = 0.8;

/// Tiles that are worked on together, and words of their transforms: what a core's second cache about holds.
const TOGETHER: usize = 48;
const WORDS: usize = 256 << 10;

/// Where the transforms of some tiles lie: [36, tiles, row] for x and for y.
struct Layout {
    c: usize,
    o: usize,
    c_row: usize,
    o_row: usize,
}

impl Layout {
    fn new(grid: &Grid) -> Self {
        let (c, o) = (grid.window.channels, grid.filters);
        Self { c, o, c_row: c.next_multiple_of(LANES), o_row: o.next_multiple_of(LANES) }
    }

    /// Words of a frequency of the filter.
    fn plane(&self) -> usize {
        apart((self.c * self.o).next_multiple_of(LANES))
    }

    /// Into how many blocks tiles are cut: a multiple of the threads, or one for all threads where tiles are few.
    fn blocks(&self, tiles: usize) -> usize {
        let most = (WORDS / (FREQUENCIES * (self.c_row + self.o_row))).clamp(TOGETHER, 4 * TOGETHER);
        if tiles < threads() * TOGETHER / 2 { 1 } else { tiles.div_ceil(most).next_multiple_of(threads()) }
    }
}

/// Words from a frequency to the next: a line more than `words`, lest all frequencies compete for the same lines of a cache.
fn apart(words: usize) -> usize {
    words + LANES
}

/// Parts of about a cache line's multiple for every thread.
fn on_all(total: usize, f: &(dyn Fn(Range<usize>) + Sync)) {
    let units = total.div_ceil(LANES);
    let tasks = (4 * threads()).min(units);
    run(tasks, &|task| {
        let part = split(units, tasks, task);
        f(part.start * LANES..(part.end * LANES).min(total));
    });
}

/// Tiles are split over the threads where this is not a part of a task already.
fn over_tiles(count: usize, f: &(dyn Fn(Range<usize>) + Sync)) {
    let tasks = (2 * threads()).min(count);
    run(tasks, &|task| f(split(count, tasks, task)));
}

/// y = after(x * w).
pub(super) fn forward(grid: &Grid, x: &[f32], w: &[f32], ending: Ending<'_>, y: &mut [f32]) {
    let layout = Layout::new(grid);
    let Layout { c, o, c_row, o_row } = layout;
    let tiles = grid.tiles();
    let right = PackedRight::new(o, c);
    let plane = apart(right.words());
    let out = SendPtr::new(y);
    with_scratch(FREQUENCIES * plane, |u| {
        let to = SendPtr::new(u);
        let tasks = (4 * threads()).min(c);
        run(tasks, &|task| transform::filters(w, (c, o), split(c, tasks, task), to, &right, plane));
        let u = &*u;
        let blocks = layout.blocks(tiles);
        run(blocks, &|block| {
            let range = split(tiles, blocks, block);
            let count = range.len();
            let (v_step, m_step) = (apart(count * c_row), apart(count * o_row));
            with_scratch(FREQUENCIES * (v_step + m_step), |words| {
                let (v, m) = words.split_at_mut(FREQUENCIES * v_step);
                let own = |part: Range<usize>| range.start + part.start..range.start + part.end;
                let to = Tiles { at: SendPtr::new(v), first: range.start, row: c_row, step: v_step };
                over_tiles(count, &|part| transform::input(grid, x, own(part), &to));
                let batch = GemmBatch {
                    lda: c_row,
                    a_batch: v_step,
                    b_batch: plane,
                    ldc: o_row,
                    c_batch: m_step,
                    ..GemmBatch::new(FREQUENCIES, (count, o, c), v, u, m)
                };
                gemm_batch_packed(batch, &right).expect("sizes fit");
                let from = Tiles { at: SendPtr::new(m), first: range.start, row: o_row, step: m_step };
                over_tiles(count, &|part| transform::output(grid, &from, own(part), &ending, out));
            });
        });
    });
    ending.other_activation(y);
}

/// dw = the gradient by the filter.
pub(super) fn filter_grad(grid: &Grid, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let layout = Layout::new(grid);
    let Layout { c, o, c_row, o_row } = layout;
    let (tiles, plane) = (grid.tiles(), layout.plane());
    let size = FREQUENCIES * plane;
    let blocks = layout.blocks(tiles);
    // every task sums its own tiles; the sums are added in the order of the tasks
    let tasks = threads().min(blocks).min(PARTIALS / size).max(1);
    with_scratch(size * tasks, |partial| {
        let sums = SendPtr::new(partial);
        run(tasks, &|task| {
            // SAFETY: partial sums are disjoint.
            let u = unsafe { sums.slice_mut(task * size..(task + 1) * size) };
            for (done, block) in split(blocks, tasks, task).enumerate() {
                let range = split(tiles, blocks, block);
                let count = range.len();
                let (v_step, d_step) = (apart(count * c_row), apart(count * o_row));
                with_scratch(FREQUENCIES * (v_step + d_step), |words| {
                    let (v, d) = words.split_at_mut(FREQUENCIES * v_step);
                    let to_v = Tiles { at: SendPtr::new(v), first: range.start, row: c_row, step: v_step };
                    let to_d = Tiles { at: SendPtr::new(d), first: range.start, row: o_row, step: d_step };
                    over_tiles(count, &|part| {
                        let own = range.start + part.start..range.start + part.end;
                        transform::input(grid, x, own.clone(), &to_v);
                        transform::gradient(grid, dy, own, &to_d);
                    });
                    let batch = GemmBatch {
                        lda: c_row,
                        a_trans: true,
                        a_batch: v_step,
                        ldb: o_row,
                        b_batch: d_step,
                        c_batch: plane,
                        accumulate: done > 0,
                        ..GemmBatch::new(FREQUENCIES, (c, o, count), v, d, u)
                    };
                    gemm_batch(batch).expect("sizes fit");
                });
            }
        });
        let out = SendPtr::new(dw);
        on_all(c * o, &|part| transform::filter_gradients(partial, c * o, part, out, plane));
    });
}
