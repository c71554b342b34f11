//! Cutting products into tasks for the pool.

use super::Product;
use super::packing::FEW_TILES;
use learngene_pool::split;
use std::ops::Range;

/// Products of less work are cut into one task a thread, so that a thread may find its part of B in its own cache.
const SHORT: f64 = 2e6;

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
        unsafe { product.block(split(product.m, down, task % down), product.columns_of(across, task / down), None) }
    });
}

impl Product<'_> {
    /// Computes all of C on the pool.
    pub fn run(&self, threads: usize) {
        if self.m == 0 || self.n == 0 {
            return;
        }
        let (down, across) = self.grid(threads, if self.work() < SHORT { threads } else { 4 * threads });
        learngene_pool::run(down * across, &|task| {
            let rows = split(self.m, down, task % down);
            // SAFETY: the tasks' parts of C are disjoint.
            unsafe { self.block(rows, self.columns_of(across, task / down), None) }
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
        let k = self.base.k + self.tails.first().map_or(0, |tail| tail.term.k);
        let (k, words) = (k as f64, self.words(k) as f64);
        // Costs in the time of one register's multiply-add, half a cycle.
        let (pack_a, pack_b) = match (self.base.a.column == 1, self.base.b.column == 1) {
            _ if self.kernels.pairs => (0.2, 0.2), // all are converted, five numbers a cycle
            (a, b) => (if a { 0.02 } else { 0.4 }, if b { 0.3 } else { 0.6 }),
        };
        let mut best = (f64::INFINITY, (1, 1));
        for across in 1..=vectors.min(tasks) {
            for down in 1..=row_tiles.min(tasks / across) {
                let wide = vectors.div_ceil(across) as f64;
                let high = (row_tiles.div_ceil(down) * height).min(self.m) as f64;
                let direct = high <= (FEW_TILES * height) as f64 && self.base.b.column == 1 && !self.kernels.pairs;
                let packing = if direct { 0.0 } else { pack_b * k * wide * lanes as f64 };
                let cost = high * wide * words + packing + pack_a * high * k + 3000.0;
                let total = (across * down).div_ceil(threads) as f64 * cost + 0.02 * cost;
                if total < best.0 {
                    best = (total, (down, across));
                }
            }
        }
        best.1
    }
}
