//! Factored layers of one input, row block by row block: what a block of rows takes part in is computed while it is in the
//! second-level cache.
//!
//! The rows are cut into one part a thread, a part into chunks at the bounds of the segments. A thread packs all common
//! factors once; then every chunk passes through all products: forward both of them, so that the hidden rows are still in
//! the cache; backward the gradient of the hidden rows, that of the input, and the sums of the weights' gradients, which
//! every part keeps for itself and which are added up at the end, part by part. The bits depend on the number of parts,
//! never on timing.

mod backward;
mod forward;
mod outer;
mod sums;

pub(crate) use backward::{Backward, backward};
pub(crate) use forward::{Forward, forward};
pub(crate) use sums::sums_len;

use crate::low_rank::LowRank;
use crate::tile::Kernels;
use learngene_pool::split;
use std::ops::Range;

/// Rows of a chunk: whole tiles of 8, 12 and 16 rows. The sums of a weight's gradient are loaded and stored once a chunk, which
/// takes 50 cycles beside the 12 a row; with more rows a chunk of DiT-S's widest layer leaves the cache.
const CHUNK: usize = 96;
/// So few rows do not pay for packing all factors.
const FEW_ROWS: usize = 128;

/// A run of rows of a part.
pub(crate) struct Chunk {
    pub rows: Range<usize>,
    /// The segment it is in.
    pub segment: Option<usize>,
    /// Whether no chunk of the part before this one is in the same segment.
    pub first: bool,
}

/// How many parts the rows of layers are swept in; none where the products are better computed one after the other.
pub(crate) fn parts(kernels: &Kernels, threads: usize, layers: &[LowRank<'_>]) -> Option<usize> {
    let whole = |layer: &LowRank<'_>| {
        let ranks = layer.segments.iter().map(|segment| segment.factors.rank).chain([layer.common.rank]);
        layer.rows / threads >= FEW_ROWS && ranks.chain([layer.inputs, layer.outputs]).all(|size| size > 0)
    };
    (!kernels.pairs && !layers.is_empty() && layers.iter().all(whole)).then_some(threads)
}

/// The chunks of part `index` of `parts`.
pub(crate) fn chunks(layer: &LowRank<'_>, parts: usize, index: usize) -> Vec<Chunk> {
    let rows = split(layer.rows, parts, index);
    let mut result = Vec::with_capacity(rows.len() / CHUNK + 2 * layer.segments.len() + 2);
    let mut at = rows.start;
    let mut push = |range: Range<usize>, segment: Option<usize>| {
        let count = range.len().div_ceil(CHUNK);
        for i in 0..count {
            let part = split(range.len(), count, i);
            result.push(Chunk { rows: range.start + part.start..range.start + part.end, segment, first: i == 0 });
        }
    };
    for (index, segment) in layer.segments.iter().enumerate() {
        let (start, end) = (segment.start.clamp(at, rows.end), segment.end.clamp(at, rows.end));
        push(at..start, None);
        push(start..end, Some(index));
        at = end;
    }
    push(at..rows.end, None);
    result
}

/// `buffer` in pieces of the given words.
fn cut_up<const N: usize>(buffer: &mut [f32], words: [usize; N]) -> [&mut [f32]; N] {
    let mut rest = buffer;
    words.map(|words| {
        let (piece, others) = std::mem::take(&mut rest).split_at_mut(words);
        rest = others;
        piece
    })
}
