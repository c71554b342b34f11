//! Scaled dot-product attention, tile by tile with a running softmax: memory of order T a head (Dao et al. 2022).

use learngene_pool::{SendPtr, split, threads};
use learngene_simd::dispatch;

use crate::small_product::{Left, ROWS, Sizes, Tile, multiply};
use crate::softmax::largest;
use crate::support::{LANES, fold, for_tasks, lanes_mut, with_scratch};
use crate::transpose_tile::transpose;

/// Queries and keys of a tile.
const TILE: usize = 64;

/// Sizes of an attention; q, out [N, T, D], k, v [N, S, D], head h holds the channels from h D / heads on.
#[derive(Clone, Copy, Debug)]
pub struct Heads {
    /// N.
    pub samples: usize,
    /// T.
    pub queries: usize,
    /// S.
    pub keys: usize,
    /// D.
    pub width: usize,
    /// Number of heads, a divisor of D.
    pub heads: usize,
    /// Factor of the logits.
    pub scale: f32,
}

impl Heads {
    fn channels(&self) -> usize {
        self.width / self.heads
    }

    /// Channels of a head, rounded up to whole vectors.
    fn padded(&self) -> usize {
        self.channels().next_multiple_of(LANES)
    }

    /// Start of a head's first row in a tensor of `tokens` tokens.
    fn start(&self, head: usize, tokens: usize) -> usize {
        head / self.heads * tokens * self.width + head % self.heads * self.channels()
    }

    /// All sizes fit each other and the tensors.
    fn check(&self, queries: &[&[f32]], keys: &[&[f32]], log_sums: &[f32]) {
        assert!(self.heads > 0 && self.width.is_multiple_of(self.heads));
        assert!(queries.iter().all(|x| x.len() == self.samples * self.queries * self.width));
        assert!(keys.iter().all(|x| x.len() == self.samples * self.keys * self.width));
        assert_eq!(log_sums.len(), self.samples * self.heads * self.queries);
    }

    fn work(&self) -> usize {
        // products, counted as if an element were worth 16 of their terms
        self.samples * self.queries * self.keys * self.width / LANES
    }
}

/// A head's rows inside an interleaved tensor: row t is `data[t * step..][..channels]`.
#[derive(Clone, Copy)]
struct Rows<'a> {
    data: &'a [f32],
    step: usize,
    channels: usize,
}

impl<'a> Rows<'a> {
    fn new(x: &'a [f32], sizes: &Heads, head: usize, tokens: usize) -> Self {
        Self { data: &x[sizes.start(head, tokens)..], step: sizes.width, channels: sizes.channels() }
    }

    #[inline(always)]
    fn row(&self, t: usize) -> &'a [f32] {
        &self.data[t * self.step..][..self.channels]
    }
}

/// The same rows of an output; other heads' channels lie between them and are never referred to.
#[derive(Clone, Copy)]
struct RowsMut {
    data: SendPtr<f32>,
    start: usize,
    step: usize,
    channels: usize,
}

impl RowsMut {
    fn new(data: SendPtr<f32>, sizes: &Heads, head: usize, tokens: usize) -> Self {
        Self { data, start: sizes.start(head, tokens), step: sizes.width, channels: sizes.channels() }
    }

    /// # Safety
    /// Row t exists, and no other task uses it.
    #[inline(always)]
    unsafe fn row<'a>(&self, t: usize) -> &'a mut [f32] {
        let start = self.start + t * self.step;
        // SAFETY: promised by the caller.
        unsafe { self.data.slice_mut(start..start + self.channels) }
    }
}

/// Copies rows times `factor` side by side, `padded` apart, zeros between.
#[inline(always)]
fn pack(rows: Rows<'_>, first: usize, count: usize, factor: f32, padded: usize, to: &mut [f32]) {
    for (i, to) in to[..count * padded].chunks_exact_mut(padded).enumerate() {
        let (values, rest) = to.split_at_mut(rows.channels);
        for (to, &x) in values.iter_mut().zip(rows.row(first + i)) {
            *to = x * factor;
        }
        rest.fill(0.0);
    }
}

/// Transposes rows: to[c, i] with [`TILE`] values a channel, zeros behind the last row.
#[inline(always)]
fn pack_transposed<S: Tile>(rows: Rows<'_>, first: usize, count: usize, to: &mut [f32]) {
    transpose::<S>(&rows.data[first * rows.step..], rows.step, (count, rows.channels), to, TILE);
    if count < TILE {
        for row in to[..rows.channels * TILE].chunks_exact_mut(TILE) {
            row[count..].fill(0.0);
        }
    }
}

fn tiles(tokens: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..tokens).step_by(TILE).map(move |first| (first, TILE.min(tokens - first)))
}

/// Parts that a head is cut into where there are few heads for the threads.
fn parts(heads: usize, tokens: usize) -> usize {
    if heads >= 4 * threads() { 1 } else { (4 * threads()).div_ceil(heads.max(1)).min(tokens.div_ceil(TILE)).max(1) }
}

/// The range of part `index` of `parts`, on boundaries of tiles.
fn part(tokens: usize, parts: usize, index: usize) -> std::ops::Range<usize> {
    let range = split(tokens.div_ceil(TILE), parts, index);
    range.start * TILE..(range.end * TILE).min(tokens)
}

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

/// e^x for x up to about 1, which is all that a softmax needs: fewer steps than the general one. 0 below -87.
#[inline(always)]
fn exp_down<S: Tile>(x: f32) -> f32 {
    const MAGIC: f32 = 12_582_912.0; // 1.5 · 2^23: adding it rounds to an integer held in the low mantissa bits
    let clamped = if x < -87.0 { -87.0 } else { x };
    let shifted = S::fma(clamped, std::f32::consts::LOG2_E, MAGIC);
    let n = shifted - MAGIC;
    let r = S::fma(n, -0.693_359_4, clamped);
    let r = S::fma(n, 2.121_944_4e-4, r);
    // Cephes' polynomial for e^r, |r| <= ln 2 / 2
    let p = S::fma(1.987_569_1e-4, r, 1.398_199_9e-3);
    let p = S::fma(p, r, 8.333_452e-3);
    let p = S::fma(p, r, 4.166_579_6e-2);
    let p = S::fma(p, r, 1.666_666_5e-1);
    let p = S::fma(p, r, 0.5);
    let e = S::fma(p * r, r, r) + 1.0;
    let power = f32::from_bits(shifted.to_bits().wrapping_sub(MAGIC.to_bits()).wrapping_add(127) << 23);
    if x < -87.0 { 0.0 } else { e * power }
}

/// x = e^(x - top); returns the sum.
#[inline(always)]
fn exponentials_in_place<S: Tile>(x: &mut [f32], top: f32) -> f32 {
    let mut sums = [[0.0; LANES]; 2];
    let (pairs, rest) = x.as_chunks_mut::<{ 2 * LANES }>();
    for x in pairs {
        // two independent chains of operations at a time
        let (x0, x1) = x.split_at_mut(LANES);
        let (x0, x1) = (lanes_mut(x0), lanes_mut(x1));
        for i in 0..LANES {
            x0[i] = exp_down::<S>(x0[i] - top);
            sums[0][i] += x0[i];
        }
        for i in 0..LANES {
            x1[i] = exp_down::<S>(x1[i] - top);
            sums[1][i] += x1[i];
        }
    }
    let (vectors, tail) = rest.as_chunks_mut::<LANES>();
    for x in vectors {
        for i in 0..LANES {
            x[i] = exp_down::<S>(x[i] - top);
            sums[0][i] += x[i];
        }
    }
    for (x, sum) in tail.iter_mut().zip(&mut sums[1]) {
        *x = exp_down::<S>(*x - top);
        *sum += *x;
    }
    fold(std::array::from_fn(|i| sums[0][i] + sums[1][i]))
}

/// What the gradient of [`attention`] reads: dout, the inputs, the result and its log sums.
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

/// The gradient of [`attention`]. Logits are computed again from the log sums; every element is summed in a fixed order.
pub fn attention_grad(sizes: Heads, saved: AttentionSaved<'_>, dq: &mut [f32], dk: &mut [f32], dv: &mut [f32]) {
    let AttentionSaved { dy, q, k, v, out, log_sums } = saved;
    sizes.check(&[dy, q, out, dq], &[k, v, dk, dv], log_sums);
    if dq.is_empty() || dk.is_empty() {
        for gradient in [dq, dk, dv] {
            gradient.fill(0.0);
        }
        return;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::testing::{close, values};

    type Results = [Vec<f64>; 5];

    /// out, log sums, dq, dk, dv in f64.
    fn reference(sizes: &Heads, [q, k, v, dy]: [&[f32]; 4]) -> Results {
        let zeros = |length: usize| vec![0.0f64; length];
        let (mut out, mut logs) = (zeros(q.len()), zeros(sizes.samples * sizes.heads * sizes.queries));
        let (mut dq, mut dk, mut dv) = (zeros(q.len()), zeros(k.len()), zeros(v.len()));
        let (channels, scale) = (sizes.channels(), f64::from(sizes.scale));
        for head in 0..sizes.samples * sizes.heads {
            let qa = |t: usize| sizes.start(head, sizes.queries) + t * sizes.width;
            let ka = |s: usize| sizes.start(head, sizes.keys) + s * sizes.width;
            let dot = |x: &[f32], at: usize, y: &[f32], other: usize| -> f64 {
                (0..channels).map(|c| f64::from(x[at + c]) * f64::from(y[other + c])).sum()
            };
            for t in 0..sizes.queries {
                let logits: Vec<f64> = (0..sizes.keys).map(|s| scale * dot(q, qa(t), k, ka(s))).collect();
                let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = logits.iter().map(|x| (x - top).exp()).sum();
                logs[head * sizes.queries + t] = top + total.ln();
                let p: Vec<f64> = logits.iter().map(|x| (x - top).exp() / total).collect();
                let dp: Vec<f64> = (0..sizes.keys).map(|s| dot(dy, qa(t), v, ka(s))).collect();
                let delta: f64 = p.iter().zip(&dp).map(|(p, dp)| p * dp).sum();
                for s in 0..sizes.keys {
                    let ds = p[s] * (dp[s] - delta) * scale;
                    for c in 0..channels {
                        out[qa(t) + c] += p[s] * f64::from(v[ka(s) + c]);
                        dq[qa(t) + c] += ds * f64::from(k[ka(s) + c]);
                        dk[ka(s) + c] += ds * f64::from(q[qa(t) + c]);
                        dv[ka(s) + c] += p[s] * f64::from(dy[qa(t) + c]);
                    }
                }
            }
        }
        [out, logs, dq, dk, dv]
    }

    #[test]
    fn any_sizes_agree_with_f64() {
        let cases = [
            (1, 1, 1, 1, 1),
            (2, 3, 5, 6, 2),
            (1, 64, 64, 64, 1),
            (3, 17, 33, 40, 2),
            (2, 65, 130, 48, 3),
            (1, 200, 129, 144, 2),
            (20, 16, 16, 32, 2),
        ];
        for (samples, queries, keys, width, heads) in cases {
            let scale = 1.0 / ((width / heads) as f32).sqrt();
            let sizes = Heads { samples, queries, keys, width, heads, scale };
            let (q, dy) = (values(samples * queries * width, 1, 3.0), values(samples * queries * width, 4, 1.0));
            let (k, v) = (values(samples * keys * width, 2, 3.0), values(samples * keys * width, 3, 1.0));
            let [out, logs, dq, dk, dv] = reference(&sizes, [&q, &k, &v, &dy]);
            let (mut y, mut log_sums) = (vec![f32::NAN; q.len()], vec![f32::NAN; logs.len()]);
            attention(sizes, &q, &k, &v, &mut y, &mut log_sums);
            close(&y, &out, 2e-6);
            close(&log_sums, &logs, 2e-6);
            let (mut gq, mut gk, mut gv) = (vec![f32::NAN; q.len()], vec![f32::NAN; k.len()], vec![f32::NAN; k.len()]);
            let saved = AttentionSaved { dy: &dy, q: &q, k: &k, v: &v, out: &y, log_sums: &log_sums };
            attention_grad(sizes, saved, &mut gq, &mut gk, &mut gv);
            // one key: the softmax is constant and the gradients of q and k are rounding errors around 0
            close(&gq, &dq, if keys == 1 { 1.0 } else { 1e-5 });
            close(&gk, &dk, if keys == 1 { 1.0 } else { 1e-5 });
            close(&gv, &dv, 1e-5);
            let (mut again, mut logs_again) = (vec![0.0; q.len()], log_sums.clone());
            attention(sizes, &q, &k, &v, &mut again, &mut logs_again);
            assert!(again == y, "not the same bits");
        }
    }

    #[test]
    fn nothing_to_attend() {
        for (samples, queries, keys) in [(0, 3, 3), (2, 0, 3), (2, 3, 0)] {
            let sizes = Heads { samples, queries, keys, width: 4, heads: 2, scale: 0.5 };
            let (q, k) = (vec![1.0; samples * queries * 4], vec![1.0; samples * keys * 4]);
            let (mut out, mut logs) = (vec![f32::NAN; q.len()], vec![f32::NAN; samples * queries * 2]);
            attention(sizes, &q, &k, &k, &mut out, &mut logs);
            assert!(out.iter().all(|&x| x == 0.0));
            let (mut dq, mut dk, mut dv) = (vec![f32::NAN; q.len()], vec![f32::NAN; k.len()], vec![f32::NAN; k.len()]);
            let saved = AttentionSaved { dy: &q, q: &q, k: &k, v: &k, out: &out, log_sums: &logs };
            attention_grad(sizes, saved, &mut dq, &mut dk, &mut dv);
            assert!(dq.iter().chain(&dk).chain(&dv).all(|&x| x == 0.0));
        }
    }

    #[test]
    fn large_logits_do_not_overflow() {
        let sizes = Heads { samples: 1, queries: 2, keys: 100, width: 1, heads: 1, scale: 1.0 };
        let k: Vec<f32> = (0..100).map(|s| s as f32).collect();
        let (mut out, mut logs) = ([0.0; 2], [0.0; 2]);
        attention(sizes, &[1000.0, -1000.0], &k, &k, &mut out, &mut logs);
        assert_eq!(out, [99.0, 0.0]);
        assert_eq!(logs, [99_000.0, 0.0]);
    }
}
