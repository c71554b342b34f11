//! The layers forward: the hidden rows of a chunk, then its results.

use super::{chunks, cut_up};
use crate::epilogue::SharedEpilogue;
use crate::low_rank::LowRank;
use crate::scratch;
use crate::tile::Kernels;
use learngene_pool::SendPtr;

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
    learngene_pool::run(parts, &|part| {
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
            for chunk in chunks(first, parts, part) {
                for (((narrow, _), wide), [v, u]) in products.iter().zip(&wides).zip(&packed) {
                    // SAFETY: the rows of a chunk are this part's alone; its hidden rows are stored before they are read.
                    unsafe {
                        narrow[0].block(chunk.rows.clone(), 0..narrow[0].n, Some(v));
                        if let Some(index) = chunk.segment {
                            let (own, start) = (&narrow[1 + index], first.segments[index].start);
                            own.block(chunk.rows.start - start..chunk.rows.end - start, 0..own.n, None);
                        }
                        wide.block(chunk.rows.clone(), 0..wide.n, Some(u));
                    }
                }
            }
        });
    });
}
