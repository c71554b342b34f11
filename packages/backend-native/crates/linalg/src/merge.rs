//! What divide and conquer of eigenvalues and of singular values have in common.

use learngene_pool::{SendPtr, run, split, threads, zeros};

use crate::gemm::{Store, gemm};
use crate::view::{View, ViewMut, leading};

/// Rows of a block of vectors in which a column is not zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Support {
    /// Those of the first half.
    Top,
    /// All.
    Both,
    /// Those of the second half.
    Bottom,
}

/// The columns that take part in a merge, in the order `Top`, `Both`, `Bottom`.
pub(crate) struct Grouped {
    /// For each place, the index among those that were kept.
    pub index: Vec<usize>,
    top: usize,
    bottom: usize,
}

impl Grouped {
    pub fn new(supports: impl Iterator<Item = Support>) -> Self {
        let mut places: Vec<(Support, usize)> = supports.enumerate().map(|(index, support)| (support, index)).collect();
        places.sort_unstable();
        let count = |which| places.iter().filter(|(support, _)| *support == which).count();
        let (top, bottom) = (count(Support::Top), count(Support::Bottom));
        Self { index: places.into_iter().map(|(_, index)| index).collect(), top, bottom }
    }
}

/// A block of vectors: its columns, and in them rows `rows.0..rows.2`, of which those before `rows.1` are the top.
pub(crate) struct Vectors<'a> {
    pub data: &'a mut [f64],
    pub ld: usize,
    pub rows: (usize, usize, usize),
}

/// Elements below which one thread copies.
const ALONE: usize = 1 << 15;

impl Vectors<'_> {
    /// Columns 0 to K - 1 become the kept columns (`kept`, put in order by `grouped`) times `s` [K, K], whose rows are
    /// in that order; the columns after them become the `deflated` ones.
    pub fn multiply(&mut self, kept: &[usize], grouped: &Grouped, s: &[f64], deflated: &[usize], work: &mut Vec<f64>) {
        let (first, middle, end) = self.rows;
        let (k, ld) = (kept.len(), self.ld);
        let (tall, low) = (k - grouped.bottom, k - grouped.top);
        let (ld_top, ld_bottom, ld_rest) = (leading(middle - first), leading(end - middle), leading(end - first));
        let sizes = [ld_top * tall, ld_bottom * low, ld_rest * deflated.len()];
        let length = sizes.iter().sum();
        if work.len() < length {
            *work = zeros(length); // nothing of the old one is wanted
        }
        let (top, rest) = work.split_at_mut(sizes[0]);
        let (bottom, rest) = rest.split_at_mut(sizes[1]);
        let place = |at: usize| kept[grouped.index[at]];
        copy_columns(self.data, ld, first..middle, tall, place, (top, ld_top));
        copy_columns(self.data, ld, middle..end, low, |at| place(grouped.top + at), (bottom, ld_bottom));
        copy_columns(self.data, ld, first..end, deflated.len(), |at| deflated[at], (rest, ld_rest));
        let lds = leading(k);
        let product = |from: &[f64], rows: usize, cols: usize, ld_from: usize, skip: usize, out: &mut [f64]| {
            let from = View::columns(from, rows, cols, ld_from);
            let s = View::columns(&s[skip..], cols, k, lds);
            gemm(1.0, from, s, Store::Replace, ViewMut::columns(out, rows, k, ld));
        };
        product(top, middle - first, tall, ld_top, 0, &mut self.data[first..]);
        product(bottom, end - middle, low, ld_bottom, grouped.top, &mut self.data[middle..]);
        if !deflated.is_empty() {
            copy_columns(
                rest,
                ld_rest,
                0..end - first,
                deflated.len(),
                |at| at,
                (&mut self.data[k * ld + first..], ld),
            );
        }
    }
}

/// Column `at` of `to` becomes rows `rows` of column `source(at)` of `from`, for `count` columns; on all threads.
pub(crate) fn copy_columns(
    from: &[f64],
    ld: usize,
    rows: std::ops::Range<usize>,
    count: usize,
    source: impl Fn(usize) -> usize + Sync,
    (to, ld_to): (&mut [f64], usize),
) {
    let parts = if rows.len() * count < ALONE { 1 } else { 4 * threads() };
    assert!(count == 0 || (count - 1) * ld_to + rows.len() <= to.len(), "the columns fit");
    let out = SendPtr::new(to);
    run(parts, &|part| {
        for at in split(count, parts, part) {
            let column = source(at) * ld;
            // SAFETY: one column for each `at`, and `to` holds `count` of them, as checked above.
            let out = unsafe { out.slice_mut(at * ld_to..at * ld_to + rows.len()) };
            out.copy_from_slice(&from[column + rows.start..column + rows.end]);
        }
    });
}

/// Gives each column of `s` [k, k] to `f` with its index; columns on several threads.
pub(crate) fn for_columns(s: &mut [f64], k: usize, f: impl Fn(usize, &mut [f64], &mut [f64]) + Sync) {
    let ld = leading(k);
    let parts = if k < 64 { 1 } else { 2 * threads() };
    let out = SendPtr::new(s);
    run(parts, &|part| {
        let mut scratch = vec![0.0; k];
        for i in split(k, parts, part) {
            // SAFETY: one column for each i, and `s` holds k of them.
            f(i, unsafe { out.slice_mut(i * ld..i * ld + k) }, &mut scratch);
        }
    });
}

/// Columns by rising value: `kept` rising values in columns 0.., and the others' in any order after them.
pub(crate) fn rising(values: &[f64], order: &mut [usize]) {
    for (place, order) in order.iter_mut().enumerate() {
        *order = place;
    }
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
}

/// Where block `index` of the `1 << level` blocks of `n` begins.
pub(crate) fn bound(n: usize, level: u32, index: usize) -> usize {
    (index * n) >> level
}

/// Levels of halving until blocks have at most `leaf` rows.
pub(crate) fn levels(n: usize, leaf: usize) -> u32 {
    let mut level = 0;
    while n.div_ceil(1 << level) > leaf {
        level += 1;
    }
    level
}

/// Hands `data` out by columns: part i is columns `bounds[i]..bounds[i + 1]`.
pub(crate) fn parts<'a, T>(mut data: &'a mut [T], ld: usize, bounds: &[usize]) -> Vec<&'a mut [T]> {
    let mut out = Vec::with_capacity(bounds.len());
    for pair in bounds.windows(2) {
        let (head, tail) = data.split_at_mut(((pair[1] - pair[0]) * ld).min(data.len()));
        out.push(head);
        data = tail;
    }
    out
}

/// Calls `f` for each block: on all threads at once where blocks are small, else one after the other with all threads
/// inside.
pub(crate) fn for_blocks<B: Send>(
    blocks: Vec<B>,
    small: bool,
    f: impl Fn(B) -> Result<(), crate::Error> + Sync,
) -> Result<(), crate::Error> {
    if !small {
        return blocks.into_iter().try_for_each(f);
    }
    let mut slots: Vec<(Option<B>, Result<(), crate::Error>)> =
        blocks.into_iter().map(|block| (Some(block), Ok(()))).collect();
    let count = slots.len();
    let out = SendPtr::new(&mut slots);
    run(count, &|at| {
        // SAFETY: one slot for each task.
        let slot = &mut unsafe { out.slice_mut(at..at + 1) }[0];
        if let Some(block) = slot.0.take() {
            slot.1 = f(block);
        }
    });
    slots.into_iter().try_for_each(|(_, result)| result)
}
