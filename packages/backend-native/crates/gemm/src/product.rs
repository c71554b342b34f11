//! Cutting a product into tasks, cache blocks and tiles.

mod ahead;
mod cut;
mod grid;
mod packed;
mod packing;
mod tiles;

use crate::cache;
use crate::epilogue::SharedEpilogue;
use crate::pack::{Matrix, pack_a};
use crate::scratch;
use crate::tile::{Kernels, Part};
use learngene_pool::{SendPtr, split};
use std::ops::Range;
use tiles::Tiles;

pub(crate) use ahead::Next;
pub(crate) use cut::Cut;
pub(crate) use grid::run_many;
pub use packed::PackedRight;
pub(crate) use packing::AHEAD;

/// A [m, k] times B [k, n]; `scale` [k] multiplies the rows of B.
#[derive(Clone, Copy)]
pub(crate) struct Term<'a> {
    pub k: usize,
    pub a: Matrix,
    pub b: Matrix,
    pub scale: Option<&'a [f32]>,
}

/// A term of the rows `rows` of C only; row 0 of its A is `rows.start`.
#[derive(Clone)]
pub(crate) struct Tail<'a> {
    pub rows: Range<usize>,
    pub term: Term<'a>,
}

/// C [m, n] = epilogue(base (+ tails) (+ C)).
pub(crate) struct Product<'a> {
    pub kernels: Kernels,
    pub m: usize,
    pub n: usize,
    pub base: Term<'a>,
    /// Ascending and disjoint.
    pub tails: &'a [Tail<'a>],
    pub c: SendPtr<f32>,
    /// Between the rows of C; or, if `c_transposed`, between its columns.
    pub c_stride: usize,
    /// C is stored by columns; the epilogue is told rows and columns as they are in memory.
    pub c_transposed: bool,
    pub add: bool,
    pub epilogue: SharedEpilogue<'a>,
    /// The product that this thread computes next.
    pub next: Option<Next>,
}

/// How a block is cut.
struct Plan {
    /// Summands in a word.
    unit: usize,
    /// Words of the sums.
    units: usize,
    /// Passes over K.
    passes: usize,
    /// Words of the longest pass.
    longest: usize,
    /// Words of the longest tail.
    tail_k: usize,
    /// Registers across.
    vectors: usize,
    /// Strips of columns.
    strips: usize,
    /// Registers across the widest strip.
    strip: usize,
}

impl Plan {
    fn columns(&self, index: usize, lanes: usize, all: &Range<usize>) -> Range<usize> {
        let part = split(self.vectors, self.strips, index);
        all.start + part.start * lanes..(all.start + part.end * lanes).min(all.end)
    }

    fn ks(&self, pass: usize, k: usize) -> Range<usize> {
        let ks = split(self.units, self.passes, pass);
        ks.start * self.unit..(ks.end * self.unit).min(k)
    }
}

/// The longest sum in registers; the tiles of longer ones are added to in C.
const LONGEST: usize = 2048;
/// The same where A is packed in groups: A is packed anew for every block of columns, so those are as wide as may be.
const LONGEST_PACKED: usize = 512;
/// The same where B is read where it lies for a few rows: a panel and the one that is asked for meanwhile, 144 KiB, stay in
/// the second-level cache, whatever it is, and adding to C is less than a hundredth of the work.
const LONGEST_FEW: usize = 384;
/// Words of a cache line.
const LINE: usize = 16;

impl<'a> Product<'a> {
    /// Rows of the highest tile for the panels of `vectors` registers.
    fn height(&self, vectors: usize) -> usize {
        let widest = vectors.div_ceil(vectors.div_ceil(self.kernels.vectors).max(1)).max(1);
        self.kernels.heights[widest - 1]
    }

    fn words(&self, k: usize) -> usize {
        if self.kernels.pairs { k.div_ceil(2) } else { k }
    }

    /// How `columns` columns of B are cut into strips that fit the cache, and K into passes. Where B is `packed` already, no
    /// matter with which tails.
    fn plan(&self, columns: usize, packed: bool) -> Plan {
        let unit = if self.kernels.pairs { 2 } else { 1 };
        let units = self.base.k.div_ceil(unit);
        let lanes = self.kernels.lanes;
        let vectors = columns.div_ceil(lanes);
        let few = !packed && self.has_few_rows();
        let most = match self.packs_groups() {
            true => LONGEST_PACKED,
            false if few => LONGEST_FEW,
            false => LONGEST,
        };
        let passes = units.div_ceil(most).max(1);
        let longest = units.div_ceil(passes);
        let tail_k = self.tails.iter().map(|tail| self.words(tail.term.k)).max().unwrap_or(0);
        let beside = if packed { 0 } else { tail_k };
        let strip = (cache::second_level_words() * self.b_share() / 16 / (longest + beside).max(1) / lanes)
            .max(self.kernels.vectors);
        let strips = if few { 1 } else { vectors.div_ceil(strip) };
        let strip = vectors.div_ceil(strips.max(1));
        Plan { unit, units, passes, longest, tail_k, vectors, strips, strip }
    }

    /// Words of all of B, packed.
    pub fn packed_len(&self) -> usize {
        self.words(self.base.k) * self.n.next_multiple_of(self.kernels.lanes)
    }

    /// Packs all of B, for [`Product::block`] of all columns.
    ///
    /// # Safety
    /// The product's B is readable.
    pub unsafe fn pack(&self, to: &mut [f32]) {
        let plan = self.plan(self.n, true);
        let lanes = self.kernels.lanes;
        let mut at = 0;
        for index in 0..plan.strips {
            let columns = plan.columns(index, lanes, &(0..self.n));
            let vectors = columns.len().div_ceil(lanes);
            let panels = Cut::new(vectors, vectors.div_ceil(self.kernels.vectors));
            for pass in 0..plan.passes {
                let ks = plan.ks(pass, self.base.k);
                let words = self.words(ks.len()) * vectors * lanes;
                // SAFETY: the columns are within B.
                unsafe { self.pack_panels(&self.base, panels, columns.clone(), ks, false, &mut to[at..at + words]) };
                at += words;
            }
        }
    }

    /// Computes a part of C on this thread. `packed`: what [`Product::pack`] stored, for all columns.
    ///
    /// # Safety
    /// Nobody else touches this part of C.
    pub unsafe fn block(&self, rows: Range<usize>, columns: Range<usize>, packed: Option<&[f32]>) {
        if rows.is_empty() || columns.is_empty() {
            return;
        }
        let plan = self.plan(columns.len(), packed.is_some());
        let Plan { longest, tail_k, strip, .. } = plan;
        let lanes = self.kernels.lanes;
        let b_size = if packed.is_some() { 0 } else { longest * strip * lanes };
        let sizes = [b_size, self.a_size(longest, rows.len()), tail_k * strip * lanes];
        scratch::with(sizes, |[b_words, a_words, tail_words]| {
            let mut at = 0;
            for index in 0..plan.strips {
                let columns = plan.columns(index, lanes, &columns);
                for pass in 0..plan.passes {
                    let ks = plan.ks(pass, self.base.k);
                    let last = pass + 1 == plan.passes;
                    let words = self.words(ks.len()) * columns.len().next_multiple_of(lanes);
                    let ready = packed.map(|packed| &packed[at..at + words]);
                    at += words;
                    let buffers = [&mut *b_words, &mut *a_words, &mut *tail_words];
                    // SAFETY: as promised by the caller.
                    unsafe { self.strip(rows.clone(), columns.clone(), ks, (pass > 0, last), ready, buffers) };
                }
            }
        });
    }

    /// # Safety
    /// As [`Product::block`]; the buffers have the sizes computed there, or B is `ready`.
    unsafe fn strip(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
        ks: Range<usize>,
        (later, last): (bool, bool),
        ready: Option<&[f32]>,
        [b_words, a_words, tail_words]: [&mut [f32]; 3],
    ) {
        let lanes = self.kernels.lanes;
        let vectors = columns.len().div_ceil(lanes);
        let panels = Cut::new(vectors, vectors.div_ceil(self.kernels.vectors));
        let mut staging: Option<Tiles> = None;
        let height = self.height(vectors);
        let direct = ready.is_none() && self.direct(rows.len().div_ceil(height), ks.len());
        let b_words = match ready {
            Some(ready) => ready,
            None => {
                // SAFETY: the columns are within B.
                unsafe { self.pack_panels(&self.base, panels, columns.clone(), ks.clone(), direct, b_words) };
                b_words
            }
        };
        for (piece, tail) in self.pieces(rows) {
            let tail = tail.filter(|_| last);
            if let Some(tail) = tail {
                // SAFETY: the columns are within B.
                unsafe {
                    self.pack_panels(&tail.term, panels, columns.clone(), 0..tail.term.k, false, tail_words);
                }
            }
            let tiles = piece.len().div_ceil(height);
            let cut = Cut::new(piece.len(), tiles);
            let words = self.words(ks.len());
            let group = if self.packs_a() { self.a_tiles(words, height) } else { tiles };
            for first in (0..tiles).step_by(group) {
                let group = first..(first + group).min(tiles);
                let tile_rows = |tile: usize| {
                    let rows = cut.part(tile);
                    piece.start + rows.start..piece.start + rows.end
                };
                let group_start = tile_rows(group.start).start;
                if self.packs_a() {
                    let runs = cut.runs(group.clone());
                    // SAFETY: the rows are within A, and the buffer has room for the group.
                    unsafe { pack_a(&self.kernels, self.base.a, ks.clone(), group_start, runs, a_words) };
                }
                for tile in group.clone() {
                    let rows = tile_rows(tile);
                    let packed_next = (piece.start + cut.part(group.end).start, tile - group.start);
                    let coming = self.coming(&rows, &ks, tile * panels.parts, packed_next);
                    let mut parts = [self.a_part(&rows, group_start, &ks, a_words); 2];
                    let count = 1 + usize::from(tail.is_some());
                    if let Some(tail) = tail {
                        // SAFETY: the rows are those of the tail.
                        let a = unsafe { tail.term.a.from(rows.start - tail.rows.start, 0) };
                        parts[1] = Part { k: tail.term.k, a: a.at, a_rows: a.row, a_step: a.column, ..parts[0] };
                    }
                    // SAFETY: as promised by the caller.
                    unsafe {
                        self.row_of_tiles(
                            rows,
                            columns.clone(),
                            (&mut parts[..count], panels),
                            (&ks, direct, b_words, tail_words),
                            (later, last),
                            &coming,
                            &mut staging,
                        );
                    }
                }
            }
        }
    }

    /// Cuts rows at the bounds of the tails.
    fn pieces(&self, rows: Range<usize>) -> impl Iterator<Item = (Range<usize>, Option<&Tail<'a>>)> {
        let mut at = rows.start;
        let mut tails = self.tails.iter().filter(move |tail| tail.rows.end > rows.start).peekable();
        std::iter::from_fn(move || {
            if at >= rows.end {
                return None;
            }
            let start = at;
            match tails.peek() {
                Some(tail) if tail.rows.start <= at => {
                    let tail = *tail;
                    at = tail.rows.end.min(rows.end);
                    tails.next();
                    Some((start..at, Some(tail)))
                }
                Some(tail) => {
                    at = tail.rows.start.min(rows.end);
                    Some((start..at, None))
                }
                None => {
                    at = rows.end;
                    Some((start..at, None))
                }
            }
        })
    }
}
