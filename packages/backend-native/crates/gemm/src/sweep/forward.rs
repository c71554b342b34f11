//! The layers forward: the hidden rows of a chunk, then its results.

use super::{Chunk, chunks, cut_up};
use crate::epilogue::SharedEpilogue;
use crate::low_rank::LowRank;
use crate::scratch;
use crate::tile::Kernels;
use learngene_pool::SendPtr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// A layer to compute.
pub(crate) struct Forward<'a> {
    pub layer: LowRank<'a>,
    /// [`LowRank::hidden_len`] words.
    pub hidden: SendPtr<f32>,
    /// [rows, out].
    pub y: SendPtr<f32>,
    pub epilogue: SharedEpilogue<'a>,
}

/// Computes layers of the same x [rows, in] and the same segments in `parts` parts.
pub(crate) fn forward<'a>(kernels: Kernels, parts: usize, x: &'a [f32], calls: &[Forward<'a>]) {
    let Some(Forward { layer: first, .. }) = calls.first() else { return };
    let products: Vec<_> = calls
        .iter()
        .map(|call| {
            let narrow = call.layer.narrow(kernels, (x, first.inputs), |f| f.v, call.hidden);
            let tails = call.layer.tails(call.hidden.0, |f| f.u);
            (narrow, tails)
        })
        .collect();
    let wides: Vec<_> = calls
        .iter()
        .zip(&products)
        .map(|(call, (_, tails))| {
            call.layer.widen(kernels, call.layer.outputs, call.hidden.0, tails, |f| f.u, call.y, call.epilogue)
        })
        .collect();
    let words: usize = products.iter().zip(&wides).map(|((n, _), w)| n[0].packed_len() + w.packed_len()).sum();
    let chunks = Shared::new(first, parts);
    learngene_pool::run(parts, &|part| {
        let Some(mut chunk) = chunks.take(part) else { return };
        scratch::with([words, 0, 0], |[mut rest, ..]| {
            let mut packed = Vec::with_capacity(calls.len());
            for ((narrow, _), wide) in products.iter().zip(&wides) {
                let [v, u, others] = cut_up(rest, {
                    let (v, u) = (narrow[0].packed_len(), wide.packed_len());
                    [v, u, rest.len() - v - u]
                });
                // SAFETY: the factors have the lengths that were checked at the door.
                unsafe {
                    narrow[0].pack(v);
                    wide.pack(u);
                }
                packed.push([v, u]);
                rest = others;
            }
            loop {
                for (((narrow, _), wide), [v, u]) in products.iter().zip(&wides).zip(&packed) {
                    // SAFETY: the rows of a chunk are this task's alone; its hidden rows are stored before they are read.
                    unsafe {
                        narrow[0].block(chunk.rows.clone(), 0..narrow[0].n, Some(v));
                        if let Some(index) = chunk.segment {
                            let (own, start) = (&narrow[1 + index], first.segments[index].start);
                            own.block(chunk.rows.start - start..chunk.rows.end - start, 0..own.n, None);
                        }
                        wide.block(chunk.rows.clone(), 0..wide.n, Some(u));
                    }
                }
                let Some(next) = chunks.take(part) else { return };
                chunk = next;
            }
        });
    });
}

/// The chunks of all parts, for tasks to take: each its own first, then those of others, so that none waits for a task whose
/// core is busy.
struct Shared {
    parts: Vec<(Vec<Chunk>, AtomicUsize)>,
}

impl Shared {
    fn new(layer: &LowRank<'_>, parts: usize) -> Self {
        Self { parts: (0..parts).map(|part| (chunks(layer, parts, part), AtomicUsize::new(0))).collect() }
    }

    fn take(&self, part: usize) -> Option<&Chunk> {
        let order = (part..self.parts.len()).chain(0..part);
        order.map(|part| &self.parts[part]).find_map(|(chunks, taken)| chunks.get(taken.fetch_add(1, Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::low_rank::Factors;

    /// Whoever comes, and in whatever order: every row once, and those of the task's own part first.
    #[test]
    fn all_chunks_are_taken_once() {
        let common = Factors { rank: 1, u: &[], s: &[], v: &[] };
        let layer = LowRank { rows: 1000, inputs: 1, outputs: 1, common, segments: &[] };
        for order in [[0, 1, 2], [2, 2, 2], [1, 0, 1]] {
            let shared = Shared::new(&layer, 3);
            let mut rows = Vec::new();
            let mut took = Vec::new();
            while let Some((part, chunk)) = order.into_iter().find_map(|part| Some((part, shared.take(part)?))) {
                took.push((part, chunk.rows.start));
                rows.extend(chunk.rows.clone());
            }
            assert_eq!(took[0], (order[0], learngene_pool::split(1000, 3, order[0]).start));
            rows.sort_unstable();
            assert!(rows.into_iter().eq(0..1000), "{order:?}");
        }
    }
}
