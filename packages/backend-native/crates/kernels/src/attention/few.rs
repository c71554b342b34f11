//! Heads of few tokens: all weights of a head lie in the first-level cache at once, keys by queries, so that maxima and sums
//! over keys go down the registers of sixteen queries. Rows are read and written where they lie between those of other heads;
//! only the queries and the gradient of their results are transposed.

use std::ops::Range;

use learngene_pool::{SendPtr, threads};
use learngene_simd::dispatch;

use super::exponentials::exp_down;
use super::{AttentionSaved, Heads, Rows, RowsMut, TILE};
use crate::small_product::{Left, ROWS, Sizes, Tile, multiply, multiply_to};
use crate::support::{LANES, Lanes, for_tasks, lanes, lanes_mut, with_scratch};
use crate::transpose_tile::transpose;

/// Whether all products are whole tiles and the weights of a head fit: 64 x 64, twice for the gradient, take 32 KiB.
pub(super) fn fits(sizes: &Heads) -> bool {
    let whole = |tokens: usize| tokens <= TILE && tokens.is_multiple_of(ROWS);
    whole(sizes.queries) && whole(sizes.keys) && sizes.channels().is_multiple_of(LANES)
}

/// As [`super::attention`], for sizes that [`fits`] accepts and that are not empty.
pub(super) fn attention(sizes: &Heads, q: &[f32], k: &[f32], v: &[f32], out: SendPtr<f32>, log_sums: SendPtr<f32>) {
    for_heads(sizes, &|heads| {
        with_scratch(forward_memory(sizes), |scratch| forward(sizes, heads, q, k, v, out, log_sums, scratch));
    });
}

/// As [`super::attention_grad`], for sizes that [`fits`] accepts and that are not empty.
pub(super) fn attention_grad(sizes: &Heads, saved: &AttentionSaved<'_>, gradients: [SendPtr<f32>; 3]) {
    for_heads(sizes, &|heads| {
        with_scratch(2 * forward_memory(sizes), |scratch| backward(sizes, heads, saved, gradients, scratch));
    });
}

/// Calls `f` with all heads: those of a sample at a time, which share cache lines and take a microsecond each, or one by one
/// where there are few samples for the threads.
fn for_heads(sizes: &Heads, f: &(dyn Fn(Range<usize>) + Sync)) {
    let some = if sizes.samples >= 4 * threads() { sizes.heads } else { 1 };
    for_tasks(sizes.samples * sizes.heads / some, sizes.work(), &|task| f(task * some..(task + 1) * some));
}

/// Transposed queries and the weights.
fn forward_memory(sizes: &Heads) -> usize {
    (sizes.channels() + sizes.keys) * columns(sizes)
}

/// Queries, rounded up to whole vectors.
fn columns(sizes: &Heads) -> usize {
    sizes.queries.next_multiple_of(LANES)
}

impl<'a> Rows<'a> {
    /// The rows as the left factor of a product.
    #[inline(always)]
    fn across(self) -> Left<'a> {
        Left { data: self.data, row: self.step, column: 1 }
    }
}

/// `to` [channels, n] = the rows' transpose, with zeros behind the last row.
#[inline(always)]
fn turned<S: Tile>(rows: Rows<'_>, count: usize, to: &mut [f32], n: usize) {
    transpose::<S>(rows.data, rows.step, (count, rows.channels), to, n);
    if count < n {
        to.chunks_exact_mut(n).for_each(|row| row[count..].fill(0.0));
    }
}

dispatch! {
    /// Some heads.
    fn forward(
        sizes: &Heads, these: Range<usize>, q: &[f32], k: &[f32], v: &[f32],
        out: SendPtr<f32>, log_sums: SendPtr<f32>, scratch: &mut [f32],
    ) = forward_with;
}
#[inline(always)]
fn forward_with<S: Tile>(
    sizes: &Heads,
    these: Range<usize>,
    q: &[f32],
    k: &[f32],
    v: &[f32],
    out: SendPtr<f32>,
    log_sums: SendPtr<f32>,
    scratch: &mut [f32],
) {
    let &Heads { queries, keys, .. } = sizes;
    let (channels, n) = (sizes.channels(), columns(sizes));
    let (qt, weights) = scratch.split_at_mut(channels * n); // weights: [keys, n]
    for head in these {
        let q = Rows::new(q, sizes, head, queries);
        let [k, v] = [k, v].map(|x| Rows::new(x, sizes, head, keys));
        turned::<S>(q, queries, qt, n);
        multiply::<S>(Sizes { m: keys, n, k: channels }, k.across(), (qt, n), (weights, n), false);
        // SAFETY: every head has its own log sums.
        let log_sums = unsafe { log_sums.slice_mut(head * queries..(head + 1) * queries) };
        for (group, log_sums) in log_sums.chunks_mut(LANES).enumerate() {
            let column = group * LANES;
            let mut tops = [f32::NEG_INFINITY; LANES];
            for row in weights.chunks_exact_mut(n) {
                let x = lanes_mut(&mut row[column..]);
                for i in 0..LANES {
                    x[i] *= sizes.scale;
                    tops[i] = if x[i] > tops[i] { x[i] } else { tops[i] };
                }
            }
            let mut totals = [0.0; LANES];
            for row in weights.chunks_exact_mut(n) {
                let x = lanes_mut(&mut row[column..]);
                for i in 0..LANES {
                    x[i] = exp_down::<S>(x[i] - tops[i]);
                    totals[i] += x[i];
                }
            }
            scale_rows(weights, (column, n), totals);
            for (log_sum, (top, total)) in log_sums.iter_mut().zip(tops.into_iter().zip(totals)) {
                *log_sum = top + total.ln();
            }
        }
        let down = Left { data: weights, row: 1, column: n };
        let to = RowsMut::new(out, sizes, head, queries);
        // SAFETY: this task alone writes the columns of its heads.
        unsafe { multiply_to::<S>(Sizes { m: queries, n: channels, k: keys }, down, v.as_right(), to.place(), false) };
    }
}

/// Divides the weights of sixteen queries by their totals.
#[inline(always)]
fn scale_rows(weights: &mut [f32], (column, n): (usize, usize), totals: Lanes) {
    let factors = totals.map(|total| 1.0 / total);
    for row in weights.chunks_exact_mut(n) {
        for (x, factor) in lanes_mut(&mut row[column..]).iter_mut().zip(factors) {
            *x *= factor;
        }
    }
}

impl<'a> Rows<'a> {
    /// The rows as the right factor of a product.
    #[inline(always)]
    fn as_right(self) -> (&'a [f32], usize) {
        (self.data, self.step)
    }
}

impl RowsMut {
    /// The first row, and words to the next.
    #[inline(always)]
    fn place(&self) -> (*mut f32, usize) {
        (self.data.0.wrapping_add(self.start), self.step)
    }
}

dispatch! {
    /// The gradients of some heads.
    fn backward(
        sizes: &Heads, these: Range<usize>, saved: &AttentionSaved<'_>, gradients: [SendPtr<f32>; 3], scratch: &mut [f32],
    ) = backward_with;
}
#[inline(always)]
fn backward_with<S: Tile>(
    sizes: &Heads,
    these: Range<usize>,
    saved: &AttentionSaved<'_>,
    [dq, dk, dv]: [SendPtr<f32>; 3],
    scratch: &mut [f32],
) {
    let &Heads { queries, keys, .. } = sizes;
    let (channels, n) = (sizes.channels(), columns(sizes));
    let (qt, scratch) = scratch.split_at_mut(channels * n);
    let (dyt, scratch) = scratch.split_at_mut(channels * n);
    let (weights, slopes) = scratch.split_at_mut(keys * n); // [keys, n]
    for head in these {
        let [q, dy] = [saved.q, saved.dy].map(|x| Rows::new(x, sizes, head, queries));
        let [k, v] = [saved.k, saved.v].map(|x| Rows::new(x, sizes, head, keys));
        turned::<S>(q, queries, qt, n);
        turned::<S>(dy, queries, dyt, n);
        let products = Sizes { m: keys, n, k: channels };
        multiply::<S>(products, k.across(), (qt, n), (weights, n), false);
        multiply::<S>(products, v.across(), (dyt, n), (slopes, n), false);
        let log_sums = &saved.log_sums[head * queries..][..queries];
        for (group, log_sums) in log_sums.chunks(LANES).enumerate() {
            let column = group * LANES;
            let mut tops = [0.0; LANES];
            tops[..log_sums.len()].copy_from_slice(log_sums);
            let mut totals = [0.0; LANES];
            for row in weights.chunks_exact_mut(n) {
                let x = lanes_mut(&mut row[column..]);
                for i in 0..LANES {
                    x[i] = exp_down::<S>(x[i] * sizes.scale - tops[i]);
                    totals[i] += x[i];
                }
            }
            // The weights are normalised again, and Σ p dp is summed from the very numbers it is subtracted from: rows of
            // nearly equal weights lose less to cancellation than with dy · out.
            scale_rows(weights, (column, n), totals);
            let mut deltas = [0.0; LANES];
            for (p, dp) in weights.chunks_exact(n).zip(slopes.chunks_exact(n)) {
                let (p, dp) = (lanes(&p[column..]), lanes(&dp[column..]));
                for i in 0..LANES {
                    deltas[i] = S::fma(p[i], dp[i], deltas[i]);
                }
            }
            for (p, slope) in weights.chunks_exact(n).zip(slopes.chunks_exact_mut(n)) {
                let (p, slope) = (lanes(&p[column..]), lanes_mut(&mut slope[column..]));
                for i in 0..LANES {
                    slope[i] = p[i] * (slope[i] - deltas[i]) * sizes.scale;
                }
            }
        }
        let across = |data| Left { data, row: n, column: 1 };
        let down = Left { data: &*slopes, row: 1, column: n };
        let by_keys = Sizes { m: keys, n: channels, k: queries };
        let by_queries = Sizes { m: queries, n: channels, k: keys };
        let [dk, dv] = [dk, dv].map(|to| RowsMut::new(to, sizes, head, keys).place());
        let dq = RowsMut::new(dq, sizes, head, queries).place();
        // SAFETY: this task alone writes the columns of its heads.
        unsafe {
            multiply_to::<S>(by_keys, across(&*weights), dy.as_right(), dv, false);
            multiply_to::<S>(by_keys, across(&*slopes), q.as_right(), dk, false);
            multiply_to::<S>(by_queries, down, k.as_right(), dq, false);
        }
    }
}
