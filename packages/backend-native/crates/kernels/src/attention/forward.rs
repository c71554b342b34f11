//! The value of an attention.

use learngene_pool::SendPtr;
use learngene_simd::dispatch;

use super::exponentials::{exp_down, exponentials_in_place};
use super::{Heads, Rows, RowsMut, TILE, few, pack, pack_transposed, part, parts, tiles};
use crate::small_product::{Left, ROWS, Sizes, Tile, multiply};
use crate::softmax::largest;
use crate::support::{LANES, for_tasks, with_scratch};

/// out = softmax(scale q kᵀ) v in every head; `log_sums` [N, heads, T] gets log Σ e^logit of every row.
pub fn attention(sizes: Heads, q: &[f32], k: &[f32], v: &[f32], out: &mut [f32], log_sums: &mut [f32]) {
    sizes.check(&[q, out], &[k, v], log_sums);
    if sizes.keys == 0 || out.is_empty() {
        out.fill(0.0);
        log_sums.fill(f32::NEG_INFINITY);
        return;
    }
    let heads = sizes.samples * sizes.heads;
    let parts = parts(heads, sizes.queries);
    let (out, log_sums) = (SendPtr::new(out), SendPtr::new(log_sums));
    if few::fits(&sizes) {
        return few::attention(&sizes, q, k, v, out, log_sums);
    }
    for_tasks(heads * parts, sizes.work(), &|task| {
        let (head, index) = (task / parts, task % parts);
        let range = part(sizes.queries, parts, index);
        let [k, v] = [k, v].map(|x| Rows::new(x, &sizes, head, sizes.keys));
        let out = RowsMut::new(out, &sizes, head, sizes.queries);
        let base = head * sizes.queries;
        // SAFETY: every head and part has its own rows.
        let log_sums = unsafe { log_sums.slice_mut(base + range.start..base + range.end) };
        let memory = forward_memory(&sizes);
        with_scratch(memory, |scratch| {
            forward(&sizes, Rows::new(q, &sizes, head, sizes.queries), k, v, range.start, out, log_sums, scratch);
        });
    });
}

fn forward_memory(sizes: &Heads) -> usize {
    let keys = sizes.keys.next_multiple_of(TILE);
    keys * (sizes.channels() + sizes.padded()) + TILE * (2 * sizes.padded() + TILE)
}

dispatch! {
    /// The queries from `first` on, one a log sum.
    fn forward(
        sizes: &Heads, q: Rows<'_>, k: Rows<'_>, v: Rows<'_>,
        first: usize, out: RowsMut, log_sums: &mut [f32], scratch: &mut [f32],
    ) = forward_with;
}
#[inline(always)]
fn forward_with<S: Tile>(
    sizes: &Heads,
    q: Rows<'_>,
    k: Rows<'_>,
    v: Rows<'_>,
    first: usize,
    out: RowsMut,
    log_sums: &mut [f32],
    scratch: &mut [f32],
) {
    let (channels, padded) = (sizes.channels(), sizes.padded());
    let keys = sizes.keys.next_multiple_of(TILE);
    let (kt, scratch) = scratch.split_at_mut(keys * channels); // a tile of keys is [channels, TILE]
    let (values, scratch) = scratch.split_at_mut(keys * padded); // [keys, padded]
    let (queries, scratch) = scratch.split_at_mut(TILE * padded);
    let (sums, logits) = scratch.split_at_mut(TILE * padded);
    for (start, count) in tiles(sizes.keys) {
        pack_transposed::<S>(k, start, count, &mut kt[start * channels..]);
        pack(v, start, count, 1.0, padded, &mut values[start * padded..]);
    }
    for (tile, log_sums) in log_sums.chunks_mut(TILE).enumerate() {
        let (start, count) = (first + tile * TILE, log_sums.len());
        let m = count.next_multiple_of(ROWS);
        pack(q, start, count, sizes.scale, padded, queries);
        queries[count * padded..m * padded].fill(0.0);
        let (mut tops, mut totals) = ([f32::NEG_INFINITY; TILE], [0.0f32; TILE]);
        for (key, keys) in tiles(sizes.keys) {
            let n = keys.next_multiple_of(LANES);
            let left = Left { data: queries, row: padded, column: 1 };
            multiply::<S>(Sizes { m, n, k: channels }, left, (&kt[key * channels..], TILE), (logits, TILE), false);
            // a pass of its own: the rows' chains of operations overlap
            let mut new_tops = tops;
            for (row, top) in logits.chunks_exact(TILE).zip(&mut new_tops).take(count) {
                let largest = largest(&row[..keys]);
                *top = if largest > *top { largest } else { *top };
            }
            for t in 0..count {
                let row = &mut logits[t * TILE..][..keys];
                let top = new_tops[t];
                let total = exponentials_in_place::<S>(row, top);
                if key == 0 {
                    totals[t] = total;
                } else if top > tops[t] {
                    let factor = exp_down::<S>(tops[t] - top);
                    totals[t] = S::fma(totals[t], factor, total);
                    for sum in &mut sums[t * padded..][..padded] {
                        *sum *= factor;
                    }
                } else {
                    totals[t] += total;
                }
                tops[t] = top;
            }
            let left = Left { data: logits, row: TILE, column: 1 };
            let b = (&values[key * padded..], padded);
            multiply::<S>(Sizes { m, n: padded, k: keys }, left, b, (sums, padded), key > 0);
        }
        for (t, log_sum) in log_sums.iter_mut().enumerate() {
            *log_sum = tops[t] + totals[t].ln();
            let factor = 1.0 / totals[t];
            // SAFETY: this task alone writes the rows of its head and part.
            let row = unsafe { out.row(start + t) };
            for (out, &sum) in row.iter_mut().zip(&sums[t * padded..]) {
                *out = sum * factor;
            }
        }
    }
}
