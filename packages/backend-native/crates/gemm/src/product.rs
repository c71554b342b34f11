//! Cutting a product into tasks, cache blocks and tiles.

use crate::cache;
use crate::finish::{Finish, Sums, finish};
use crate::pack::{Matrix, by_rows, pack_a, pack_b};
use crate::scratch;
use crate::tile::{Kernels, Part, Target};
use crate::transpose::transpose;
use learngene_pool::{SendPtr, split};
use std::ops::Range;

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

/// C [m, n] = end(base (+ tails) (+ C)).
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
    /// C is stored by columns; the end is told rows and columns as they are in memory.
    pub c_transposed: bool,
    pub add: bool,
    pub end: Finish<'a>,
    /// The product that this thread computes next.
    pub next: Option<Next>,
}

/// The sixteenths of the second-level cache that a block of B takes: with more, what streams past evicts it.
const B_SHARE: usize = 6;
/// The same where A is packed anew for every block of B.
const B_SHARE_PACKED: usize = 9;
/// The sixteenths that a block of packed A takes beside it.
const A_SHARE: usize = 3;
/// Below so many words, factors are read where they lie: they are in the first-level cache after their first use.
const SMALL: usize = 10 * 1024;
/// So few tiles of rows do not pay for packing B.
const FEW_TILES: usize = 3;
/// The longest sum in registers; the tiles of longer ones are added to in C.
const LONGEST: usize = 2048;
/// The same where A is packed: A is packed anew for every block of columns, so those are as wide as may be.
const LONGEST_PACKED: usize = 512;
/// Packed rows of B are asked for so many rows before their use.
const AHEAD: usize = 12;
/// Products of less work are cut into one task a thread, so that a thread may find its part of B in its own cache.
const SHORT: f64 = 2e6;
/// Words of a cache line.
const LINE: usize = 16;
/// The largest tile in words, with its transpose.
const TILE: usize = 768;

#[repr(align(64))]
struct Words([f32; TILE]);

/// A range cut into parts whose sizes differ by one at most; as [`split`], without a division for every part.
#[derive(Clone, Copy)]
struct Cut {
    parts: usize,
    size: usize,
    rest: usize,
}

/// Where the next product of a batch lies: A, B and C, as addresses and words.
pub(crate) type Next = [(SendPtr<f32>, usize); 3];

/// What is asked for while a row of tiles is computed, a line with every row of B.
enum Coming {
    /// In the first panel, from `at` on, a line every `step` words.
    Lines { at: *const f32, step: usize },
    /// In all panels, the lines of the next product in order; `call` panels came before.
    Product { next: Next, call: usize },
}

impl Coming {
    /// The first line and the step of a panel.
    fn lines(&self, panel: usize, k: usize) -> (*const f32, usize) {
        match *self {
            Coming::Lines { at, step } => (at, if panel == 0 { step } else { 0 }),
            Coming::Product { next, call } => {
                let mut skip = (call + panel) * k * LINE;
                for (at, words) in next {
                    if skip < words {
                        return (at.0.wrapping_add(skip), LINE);
                    }
                    skip -= words;
                }
                (next[0].0.0, 0)
            }
        }
    }
}

impl Cut {
    fn new(total: usize, parts: usize) -> Self {
        Self { parts, size: total / parts.max(1), rest: total % parts.max(1) }
    }
    fn part(self, index: usize) -> Range<usize> {
        let start = index * self.size + index.min(self.rest);
        start..start + self.size + usize::from(index < self.rest)
    }
    /// The sizes of some parts, as (size, how many of it).
    fn runs(self, parts: Range<usize>) -> [(usize, usize); 2] {
        let large = self.rest.clamp(parts.start, parts.end) - parts.start;
        [(self.size + 1, large), (self.size, parts.len() - large)]
    }
}

/// A tile on its way to C, and its transpose.
struct Tiles {
    sums: Words,
    turned: Words,
}

/// Computes all products, and calls `other` for every index below `others`, as one job of the pool.
pub(crate) fn run_many(products: &[Product<'_>], threads: usize, others: usize, other: &(dyn Fn(usize) + Sync)) {
    let whole: f64 = products.iter().map(Product::work).sum();
    let mut total = 0;
    let tasks: Vec<(usize, usize, usize)> = products
        .iter()
        .map(|product| {
            let share = (product.work() / whole.max(1.0) * (4 * threads) as f64).ceil() as usize;
            let (down, across) = product.grid(threads, share);
            total += down * across;
            (total, down, across)
        })
        .collect();
    learngene_pool::run(total + others, &|task| {
        if task >= total {
            return other(task - total);
        }
        let index = tasks.partition_point(|&(end, ..)| end <= task);
        let (end, down, across) = tasks[index];
        let (product, task) = (&products[index], task + down * across - end);
        // SAFETY: the tasks' parts of the outputs are disjoint.
        unsafe { product.block(split(product.m, down, task % down), product.columns_of(across, task / down)) }
    });
}

impl<'a> Product<'a> {
    /// Computes all of C on the pool.
    pub fn run(&self, threads: usize) {
        if self.m == 0 || self.n == 0 {
            return;
        }
        let (down, across) = self.grid(threads, if self.work() < SHORT { threads } else { 4 * threads });
        learngene_pool::run(down * across, &|task| {
            let rows = split(self.m, down, task % down);
            // SAFETY: the tasks' parts of C are disjoint.
            unsafe { self.block(rows, self.columns_of(across, task / down)) }
        });
    }

    /// The `index`-th of `parts` strips of whole registers.
    fn columns_of(&self, parts: usize, index: usize) -> Range<usize> {
        let lanes = self.kernels.lanes;
        let strip = split(self.n.div_ceil(lanes), parts, index);
        strip.start * lanes..(strip.end * lanes).min(self.n)
    }

    /// Multiply-adds of whole registers.
    fn work(&self) -> f64 {
        let k = self.base.k + self.tails.first().map_or(0, |tail| tail.term.k);
        (self.m * self.n.div_ceil(self.kernels.lanes)) as f64 * k as f64
    }

    /// How many tasks C is cut into, down and across, for about `tasks` of them on `threads` threads: the pair of the
    /// smallest estimated time.
    fn grid(&self, threads: usize, tasks: usize) -> (usize, usize) {
        let (vectors, lanes) = (self.n.div_ceil(self.kernels.lanes), self.kernels.lanes);
        let height = self.height(vectors);
        let row_tiles = self.m.div_ceil(height);
        if threads == 1 || tasks <= 1 || self.work() < 8192.0 {
            return (1, 1);
        }
        let k = (self.base.k + self.tails.first().map_or(0, |tail| tail.term.k)) as f64;
        // Costs in the time of one register's multiply-add, half a cycle.
        let pack_a = if self.base.a.column == 1 { 0.02 } else { 0.4 };
        let pack_b = if self.base.b.column == 1 { 0.3 } else { 0.6 };
        let mut best = (f64::INFINITY, (1, 1));
        for across in 1..=vectors.min(tasks) {
            for down in 1..=row_tiles.min(tasks / across) {
                let wide = vectors.div_ceil(across) as f64;
                let high = (row_tiles.div_ceil(down) * height).min(self.m) as f64;
                let direct = high <= (FEW_TILES * height) as f64 && self.base.b.column == 1;
                let packing = if direct { 0.0 } else { pack_b * k * wide * lanes as f64 };
                let cost = high * wide * k + packing + pack_a * high * k + 3000.0;
                let total = (across * down).div_ceil(threads) as f64 * cost + 0.02 * cost;
                if total < best.0 {
                    best = (total, (down, across));
                }
            }
        }
        best.1
    }

    /// Rows of the highest tile for the panels of `vectors` registers.
    fn height(&self, vectors: usize) -> usize {
        let widest = vectors.div_ceil(vectors.div_ceil(self.kernels.vectors).max(1)).max(1);
        self.kernels.heights[widest - 1]
    }

    fn words(&self, k: usize) -> usize {
        if self.kernels.pairs { k.div_ceil(2) } else { k }
    }

    /// Computes a part of C on this thread.
    ///
    /// # Safety
    /// Nobody else touches this part of C.
    pub unsafe fn block(&self, rows: Range<usize>, columns: Range<usize>) {
        if rows.is_empty() || columns.is_empty() {
            return;
        }
        let unit = if self.kernels.pairs { 2 } else { 1 };
        let units = self.base.k.div_ceil(unit);
        let passes = units.div_ceil(if self.packs_a() { LONGEST_PACKED } else { LONGEST }).max(1);
        let longest = units.div_ceil(passes);
        let tail_k = self.tails.iter().map(|tail| self.words(tail.term.k)).max().unwrap_or(0);
        let lanes = self.kernels.lanes;
        let strip = (cache::second_level_words() * self.b_share() / 16 / (longest + tail_k).max(1) / lanes)
            .max(self.kernels.vectors);
        let vectors = columns.len().div_ceil(lanes);
        let strips = vectors.div_ceil(strip);
        let strip = vectors.div_ceil(strips);
        let height = self.height(strip);
        let a_rows = self.a_tiles(longest, height) * height;
        let a_rows = a_rows.min(rows.len());
        let packs_a = self.packs_a();
        let sizes =
            [longest * strip * lanes, if packs_a { a_rows * longest.max(tail_k) } else { 0 }, tail_k * strip * lanes];
        scratch::with(sizes, |[b_words, a_words, tail_words]| {
            for index in 0..strips {
                let part = split(vectors, strips, index);
                let columns = columns.start + part.start * lanes..(columns.start + part.end * lanes).min(columns.end);
                for pass in 0..passes {
                    let ks = split(units, passes, pass);
                    let ks = ks.start * unit..(ks.end * unit).min(self.base.k);
                    let last = pass + 1 == passes;
                    // SAFETY: as promised by the caller.
                    unsafe {
                        self.strip(rows.clone(), columns.clone(), ks, (pass > 0, last), [b_words, a_words, tail_words])
                    };
                }
            }
        });
    }

    /// Tiles of rows of A that are packed at a time.
    fn a_tiles(&self, words: usize, height: usize) -> usize {
        (cache::second_level_words() * A_SHARE / 16 / words.max(1) / height).max(1)
    }

    fn b_share(&self) -> usize {
        if self.packs_a() { B_SHARE_PACKED } else { B_SHARE }
    }

    fn packs_a(&self) -> bool {
        let small = self.base.k * self.base.a.column <= SMALL;
        self.kernels.pairs || (self.base.a.column != 1 && !small)
    }

    /// # Safety
    /// As [`Product::block`]; the buffers have the sizes computed there.
    unsafe fn strip(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
        ks: Range<usize>,
        (later, last): (bool, bool),
        [b_words, a_words, tail_words]: [&mut [f32]; 3],
    ) {
        let lanes = self.kernels.lanes;
        let vectors = columns.len().div_ceil(lanes);
        let panels = Cut::new(vectors, vectors.div_ceil(self.kernels.vectors));
        let mut staging = Tiles { sums: Words([0.0; TILE]), turned: Words([0.0; TILE]) };
        let height = self.height(vectors);
        let direct = self.direct(rows.len().div_ceil(height), ks.len());
        // SAFETY: the columns are within B.
        unsafe { self.pack_panels(&self.base, panels, columns.clone(), ks.clone(), direct, b_words) };
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
                    let packed_next = piece.start + cut.part(group.end).start + LINE * (tile - group.start);
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

    /// What the tile above `rows.end` may ask for: the next product; the rows of A below; or, where A is packed, the
    /// lines from the row `packed_next` on, which belong to the group that is packed next.
    fn coming(&self, rows: &Range<usize>, ks: &Range<usize>, call: usize, packed_next: usize) -> Coming {
        let a = self.base.a;
        let line = |row: usize| a.at.wrapping_add(row * a.row + ks.start * a.column);
        match self.next {
            Some(next) => Coming::Product { next, call },
            None if self.packs_a() => Coming::Lines { at: line(packed_next), step: a.column },
            None => Coming::Lines { at: line(rows.end), step: LINE },
        }
    }

    /// One tile of rows against all panels.
    ///
    /// # Safety
    /// As [`Product::strip`].
    unsafe fn row_of_tiles(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
        (parts, panels): (&mut [Part], Cut),
        (ks, direct, b_words, tail_words): (&Range<usize>, bool, &[f32], &[f32]),
        (later, last): (bool, bool),
        coming: &Coming,
        staging: &mut Tiles,
    ) {
        let lanes = self.kernels.lanes;
        let words = self.words(ks.len());
        let end = if last { self.end } else { self.end.partial() };
        let add = self.add || later;
        let plain = end.is_plain() && !self.c_transposed;
        let bias = end.is_bias().filter(|_| !self.c_transposed);
        let beside = end.beside().filter(|_| !self.c_transposed);
        for panel in 0..panels.parts {
            let strip = panels.part(panel);
            let start = columns.start + strip.start * lanes;
            let width = strip.len() * lanes;
            let valid = width.min(columns.end - start);
            if direct && start + width <= self.n {
                // SAFETY: rows `ks` and all columns of the panel are within B.
                parts[0].b = unsafe { self.base.b.from(ks.start, start) }.at;
                parts[0].b_step = self.base.b.row;
                parts[0].b_ahead = width;
            } else {
                parts[0].b = b_words[strip.start * lanes * words..].as_ptr();
                parts[0].b_step = width;
                parts[0].b_ahead = AHEAD * width;
            }
            if let [_, tail] = parts {
                tail.b = tail_words[strip.start * lanes * tail.k..].as_ptr();
                tail.b_step = width;
                tail.b_ahead = 0;
            }
            let (next, next_step) = coming.lines(panel, ks.len());
            let kernel = self.kernels.get(rows.len(), strip.len());
            let bias = bias.filter(|_| valid == width).map_or(std::ptr::null(), |bias| bias[start..].as_ptr());
            let direct = plain || !bias.is_null();
            let home = self.c.0.wrapping_add(rows.start * self.c_stride + start);
            let mut target = Target {
                at: home,
                rows: self.c_stride,
                columns: valid,
                add,
                start: bias,
                home: if self.c_transposed { std::ptr::null() } else { home },
                home_rows: self.c_stride,
                beside: beside.map_or(std::ptr::null(), |at| at.wrapping_add(rows.start * end.n + start)),
                beside_rows: end.n,
                next,
                next_step,
            };
            // SAFETY: the panels and tiles are those that were packed; the tile is within C.
            unsafe {
                if direct {
                    kernel(parts, &target);
                } else {
                    target.at = staging.sums.0.as_mut_ptr();
                    (target.rows, target.columns, target.add) = (width, width, false);
                    kernel(parts, &target);
                    self.finish_tile(&end, staging, rows.clone(), start..start + valid, width, add);
                }
            }
        }
    }

    /// # Safety
    /// As [`Product::strip`].
    unsafe fn finish_tile(
        &self,
        end: &Finish<'_>,
        Tiles { sums, turned }: &mut Tiles,
        rows: Range<usize>,
        columns: Range<usize>,
        width: usize,
        add: bool,
    ) {
        let (level, lanes) = (self.kernels.level, self.kernels.lanes);
        // SAFETY: the tile is within C; a transposed tile of at most 384 words takes at most 768.
        unsafe {
            if !self.c_transposed {
                let tile = Sums {
                    sums: &mut sums.0,
                    stride: width,
                    rows: rows.len(),
                    columns: columns.len(),
                    row0: rows.start,
                    column0: columns.start,
                };
                return finish(level, end, tile, self.c.0, self.c_stride, add);
            }
            let stride = rows.len().next_multiple_of(lanes);
            let size = (rows.len(), columns.len());
            if end.is_plain() && !add && stride == rows.len() {
                let to = self.c.0.add(columns.start * self.c_stride + rows.start);
                return transpose(level, lanes, size, sums.0.as_ptr(), width, to, self.c_stride);
            }
            transpose(level, lanes, size, sums.0.as_ptr(), width, turned.0.as_mut_ptr(), stride);
            let tile = Sums {
                sums: &mut turned.0,
                stride,
                rows: columns.len(),
                columns: rows.len(),
                row0: columns.start,
                column0: rows.start,
            };
            finish(level, end, tile, self.c.0, self.c_stride, add);
        }
    }

    /// Whether B is read where it lies.
    fn direct(&self, row_tiles: usize, k: usize) -> bool {
        let rows = self.base.b.column == 1 && self.base.scale.is_none() && !self.kernels.pairs;
        rows && (row_tiles <= FEW_TILES || k * self.base.b.row <= SMALL)
    }

    /// # Safety
    /// `columns` and `ks` are within the term's B; `to` has room.
    unsafe fn pack_panels(
        &self,
        term: &Term<'_>,
        panels: Cut,
        columns: Range<usize>,
        ks: Range<usize>,
        direct: bool,
        to: &mut [f32],
    ) {
        let lanes = self.kernels.lanes;
        let words = self.words(ks.len());
        // Row-major B is read some rows at a time, which the processor sees as so many streams.
        let step = if term.b.column == 1 { 8 } else { ks.len().max(1) };
        for first in (0..ks.len()).step_by(step) {
            let some = first..(first + step).min(ks.len());
            for panel in 0..panels.parts {
                let strip = panels.part(panel);
                let start = columns.start + strip.start * lanes;
                let width = strip.len() * lanes;
                if direct && start + width <= self.n {
                    continue;
                }
                let valid = width.min(columns.end - start);
                let at = strip.start * lanes * words + self.words(first) * width;
                let to = &mut to[at..][..width * self.words(some.len())];
                let some = ks.start + some.start..ks.start + some.end;
                // SAFETY: promised by the caller.
                unsafe { pack_b(&self.kernels, term.b.from(0, start), some, valid, term.scale, to, width) };
            }
        }
    }

    fn a_part(&self, rows: &Range<usize>, group_start: usize, ks: &Range<usize>, a_words: &[f32]) -> Part {
        let words = self.words(ks.len());
        let (a, a_rows, a_step) = if self.packs_a() {
            let at = a_words[(rows.start - group_start) * words..].as_ptr();
            if by_rows(&self.kernels, self.base.a) { (at, words, 1) } else { (at, 1, rows.len()) }
        } else {
            // SAFETY: the tile is within A.
            let a = unsafe { self.base.a.from(rows.start, ks.start) };
            (a.at, a.row, a.column)
        };
        Part { k: words, a, a_rows, a_step, b: a, b_step: 0, b_ahead: 0 }
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
