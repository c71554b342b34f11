//! Scaled dot-product attention, tile by tile with a running softmax: memory of order T a head (Dao et al. 2022).

mod backward;
mod exponentials;
mod few;
mod forward;
#[cfg(test)]
mod tests;

use learngene_pool::{SendPtr, split, threads};

use crate::small_product::Tile;
use crate::support::LANES;
use crate::transpose_tile::transpose;

pub use backward::{AttentionSaved, attention_grad};
pub use forward::attention;

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

/// Transposes rows: to[c, i], [`TILE`] apart, with zeros behind the last row up to whole vectors.
#[inline(always)]
fn pack_transposed<S: Tile>(rows: Rows<'_>, first: usize, count: usize, to: &mut [f32]) {
    transpose::<S>(&rows.data[first * rows.step..], rows.step, (count, rows.channels), to, TILE);
    let whole = count.next_multiple_of(LANES);
    if count < whole {
        for row in to[..rows.channels * TILE].chunks_exact_mut(TILE) {
            row[count..whole].fill(0.0);
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
