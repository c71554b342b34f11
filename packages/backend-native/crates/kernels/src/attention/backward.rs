//! The gradient of an attention.

use learngene_pool::{SendPtr, split};
use learngene_simd::dispatch;

use super::exponentials::exponentials_in_place;
use super::{Heads, Rows, RowsMut, TILE, few, pack, pack_transposed, part, parts, tiles};
use crate::small_product::{Left, ROWS, Sizes, Tile, multiply};
use crate::support::{LANES, fold, for_tasks, with_scratch};

/// What the gradient of [`super::attention`] reads: dout, the inputs, the result and its log sums.
#[derive(Clone, Copy)]
pub struct AttentionSaved<'a> {
    /// Gradient of the result [N, T, D].
    pub dy: &'a [f32],
    /// [N, T, D].
    pub q: &'a [f32],
    /// [N, S, D].
    pub k: &'a [f32],
    /// [N, S, D].
    pub v: &'a [f32],
    /// The result [N, T, D].
    pub out: &'a [f32],
    /// [N, heads, T].
    pub log_sums: &'a [f32],
}

/// The gradient of [`super::attention`]. Logits are computed again from the log sums; every element is summed in a fixed order.
pub fn attention_grad(sizes: Heads, saved: AttentionSaved<'_>, dq: &mut [f32], dk: &mut [f32], dv: &mut [f32]) {
    let AttentionSaved { dy, q, k, v, out, log_sums } = saved;
    sizes.check(&[dy, q, out, dq], &[k, v, dk, dv], log_sums);
    if dq.is_empty() || dk.is_empty() {
        for gradient in [dq, dk, dv] {
            gradient.fill(0.0);
        }
        return;
    }
    if few::fits(&sizes) {
        return few::attention_grad(&sizes, &saved, [dq, dk, dv].map(SendPtr::new));
    }
    let heads = sizes.samples * sizes.heads;
    // A task takes all queries of a part of a head's keys; with several parts dq is a sum over them.
    let parts = parts(heads, sizes.keys);
    let size = dq.len();
    let partial = if parts > 1 { parts * size } else { 0 };
    with_scratch(partial, |partial| {
        let target = SendPtr::new(if parts > 1 { &mut *partial } else { &mut *dq });
        let (dk, dv) = (SendPtr::new(dk), SendPtr::new(dv));
        for_tasks(heads * parts, sizes.work(), &|task| {
            let (head, index) = (task / parts, task % parts);
            let keys = part(sizes.keys, parts, index);
            let mut dq = RowsMut::new(target, &sizes, head, sizes.queries);
            dq.start += index * size;
            let [dk, dv] = [dk, dv].map(|x| RowsMut::new(x, &sizes, head, sizes.keys));
            with_scratch(backward_memory(&sizes, keys.len()), |scratch| {
                backward(&sizes, &saved, head, keys, dq, dk, dv, scratch);
            });
        });
        if parts > 1 {
            let (pieces, dq) = (64.min(size), SendPtr::new(dq));
            for_tasks(pieces, size, &|piece| {
                let range = split(size, pieces, piece);
                // SAFETY: the pieces are disjoint.
                let dq = unsafe { dq.slice_mut(range.clone()) };
                dq.copy_from_slice(&partial[range.clone()]);
                for part in 1..parts {
                    let start = part * size;
                    for (dq, x) in dq.iter_mut().zip(&partial[start + range.start..start + range.end]) {
                        *dq += x;
                    }
                }
            });
        }
    });
}

fn backward_memory(sizes: &Heads, keys: usize) -> usize {
    let keys = keys.next_multiple_of(TILE);
    keys * (2 * sizes.channels() + 3 * sizes.padded()) + TILE * (3 * sizes.padded() + 2 * TILE)
}

dispatch! {
    /// All queries of a head against a range of its keys.
    fn backward(
        sizes: &Heads, saved: &AttentionSaved<'_>, head: usize, range: std::ops::Range<usize>,
        dq: RowsMut, dk: RowsMut, dv: RowsMut, scratch: &mut [f32],
    ) = backward_with;
}
#[inline(always)]
fn backward_with<S: Tile>(
    sizes: &Heads,
    saved: &AttentionSaved<'_>,
    head: usize,
    range: std::ops::Range<usize>,
    dq: RowsMut,
    dk: RowsMut,
    dv: RowsMut,
    scratch: &mut [f32],
) {
    let (channels, padded) = (sizes.channels(), sizes.padded());
    let length = range.len().next_multiple_of(TILE);
    let (kt, scratch) = scratch.split_at_mut(length * channels); // a tile of keys is [channels, TILE]
    let (vt, scratch) = scratch.split_at_mut(length * channels);
    let (keys, scratch) = scratch.split_at_mut(length * padded); // [keys, padded]
    let (key_sums, scratch) = scratch.split_at_mut(length * padded);
    let (value_sums, scratch) = scratch.split_at_mut(length * padded);
    let (queries, scratch) = scratch.split_at_mut(TILE * padded);
    let (douts, scratch) = scratch.split_at_mut(TILE * padded);
    let (query_sums, scratch) = scratch.split_at_mut(TILE * padded);
    let (weights, slopes) = scratch.split_at_mut(TILE * TILE); // [queries, TILE]
    let [q, dy, out] = [saved.q, saved.dy, saved.out].map(|x| Rows::new(x, sizes, head, sizes.queries));
    let [k, v] = [saved.k, saved.v].map(|x| Rows::new(x, sizes, head, sizes.keys));
    let log_sums = &saved.log_sums[head * sizes.queries..][..sizes.queries];
    let together = range.len() == sizes.keys && sizes.keys <= TILE;

    for (start, count) in tiles(range.len()) {
        pack_transposed::<S>(k, range.start + start, count, &mut kt[start * channels..]);
        pack_transposed::<S>(v, range.start + start, count, &mut vt[start * channels..]);
        pack(k, range.start + start, count, 1.0, padded, &mut keys[start * padded..]);
    }
    for (first, count) in tiles(sizes.queries) {
        let m = count.next_multiple_of(ROWS);
        for (rows, factor, to) in [(q, sizes.scale, &mut *queries), (dy, 1.0, &mut *douts)] {
            pack(rows, first, count, factor, padded, to);
            to[count * padded..m * padded].fill(0.0);
        }
        // Σ p dp of every row. With all keys in one tile the weights are normalised again and it is summed from the very
        // numbers it is subtracted from: rows of nearly equal weights lose less to cancellation than with dy · out.
        let mut deltas = [0.0; TILE];
        if !together {
            for (t, delta) in deltas.iter_mut().enumerate().take(count) {
                *delta = dot::<S>(dy.row(first + t), out.row(first + t));
            }
        }
        for (start, span) in tiles(range.len()) {
            let n = span.next_multiple_of(LANES);
            let across = |data| Left { data, row: padded, column: 1 };
            let logits = Sizes { m, n, k: channels };
            multiply::<S>(logits, across(&*queries), (&kt[start * channels..], TILE), (weights, TILE), false);
            multiply::<S>(logits, across(&*douts), (&vt[start * channels..], TILE), (slopes, TILE), false);
            for t in 0..count {
                let row = t * TILE..t * TILE + n;
                let (weights, slopes) = (&mut weights[row.clone()], &mut slopes[row]);
                let total = exponentials_in_place::<S>(&mut weights[..span], log_sums[first + t]);
                weights[span..].fill(0.0);
                let mut delta = deltas[t];
                if together {
                    let factor = 1.0 / total;
                    weights.iter_mut().for_each(|weight| *weight *= factor);
                    delta = dot::<S>(&weights[..span], &slopes[..span]);
                }
                for (slope, &weight) in slopes.iter_mut().zip(&*weights) {
                    *slope = weight * (*slope - delta);
                }
            }
            let down = |data| Left { data, row: 1, column: TILE };
            let (offset, add) = (start * padded, first > 0);
            let columns = Sizes { m: n, n: padded, k: count };
            multiply::<S>(columns, down(&*weights), (douts, padded), (&mut value_sums[offset..], padded), add);
            multiply::<S>(columns, down(&*slopes), (queries, padded), (&mut key_sums[offset..], padded), add);
            let left = Left { data: &*slopes, row: TILE, column: 1 };
            let rows = Sizes { m, n: padded, k: span };
            multiply::<S>(rows, left, (&keys[offset..], padded), (query_sums, padded), start > 0);
        }
        for t in 0..count {
            // SAFETY: this task alone writes these rows of its part's dq.
            let row = unsafe { dq.row(first + t) };
            for (dq, &sum) in row.iter_mut().zip(&query_sums[t * padded..]) {
                *dq = sum * sizes.scale;
            }
        }
    }
    for s in 0..range.len() {
        for (target, sums) in [(dk, &*key_sums), (dv, &*value_sums)] {
            // SAFETY: this task alone writes the rows of its head and keys.
            let row = unsafe { target.row(range.start + s) };
            row.copy_from_slice(&sums[s * padded..][..channels]);
        }
    }
}

#[inline(always)]
fn dot<S: Tile>(x: &[f32], y: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    let whole = x.len() - x.len() % LANES;
    for (x, y) in x[..whole].as_chunks::<LANES>().0.iter().zip(y[..whole].as_chunks::<LANES>().0) {
        for i in 0..LANES {
            sums[i] = S::fma(x[i], y[i], sums[i]);
        }
    }
    for ((sum, &x), &y) in sums.iter_mut().zip(&x[whole..]).zip(&y[whole..]) {
        *sum = S::fma(x, y, *sum);
    }
    fold(sums)
}
