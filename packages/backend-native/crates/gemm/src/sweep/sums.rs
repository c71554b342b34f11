//! The parts' sums of the weights' gradients: where they lie, and adding them up.

use super::chunks;
use crate::low_rank::{FactorGrads, LowRank};
use crate::transpose::{Onto, transpose_onto};
use learngene_pool::{SendPtr, split};
use learngene_simd::Level;
use std::ops::Range;

/// Columns that a task of the addition takes: a few tiles, so that there are tasks for all threads.
const STRIP: usize = 128;

/// The sums of one part for one set of factors: u transposed [rank, out], v transposed [rank, in], s [rank], and for the
/// common factors the bias [out].
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub part: usize,
    pub layer: usize,
    /// 0 for the common factors, then the segments.
    pub term: usize,
    pub at: usize,
}

impl Slot {
    /// Where u, v, s and the bias lie.
    pub fn ranges(&self, layer: &LowRank<'_>) -> [Range<usize>; 4] {
        let rank = factors_rank(layer, self.term);
        let bias = if self.term == 0 { layer.outputs } else { 0 };
        let mut at = self.at;
        [rank * layer.outputs, rank * layer.inputs, rank, bias].map(|words| {
            let start = at;
            // Every piece begins a cache line.
            at += words.next_multiple_of(16);
            start..start + words
        })
    }

    fn end(&self, layer: &LowRank<'_>) -> usize {
        self.ranges(layer)[3].end.next_multiple_of(16)
    }
}

pub(super) fn factors_rank(layer: &LowRank<'_>, term: usize) -> usize {
    if term == 0 { layer.common.rank } else { layer.segments[term - 1].factors.rank }
}

/// The slots of all parts and layers, ascending in parts, and the words of all.
pub(super) fn slots(layers: &[LowRank<'_>], parts: usize) -> (Vec<Slot>, usize) {
    let (mut slots, mut at) = (Vec::new(), 0);
    for part in 0..parts {
        for (index, layer) in layers.iter().enumerate() {
            let own = chunks(layer, parts, part);
            let own = own.iter().filter(|chunk| chunk.first).filter_map(|chunk| chunk.segment);
            for term in std::iter::once(0).chain(own.map(|segment| segment + 1)) {
                let slot = Slot { part, layer: index, term, at };
                at = slot.end(layer);
                slots.push(slot);
            }
        }
    }
    (slots, at)
}

/// Words of the sums of all parts.
pub(crate) fn sums_len(layers: &[LowRank<'_>], parts: usize) -> usize {
    slots(layers, parts).1
}

/// A piece of the addition: the sums of some slots, to be added up into `to`.
struct Addition<'a> {
    /// Where the sums of each part begin.
    from: Vec<usize>,
    /// Columns of the sums: the rows of `to`. A row of `to` takes `rank` words.
    width: usize,
    rank: usize,
    scale: Option<&'a [f32]>,
    to: SendPtr<f32>,
}

/// Adds up the sums of all parts into the gradients, `wanted` [layer][term] and `biases` [layer].
pub(super) fn add_up<'a>(
    level: Level,
    layers: &[LowRank<'a>],
    slots: &[Slot],
    sums: &[f32],
    wanted: &mut [Vec<Option<FactorGrads<'_>>>],
    biases: &mut [Option<&mut [f32]>],
) {
    let mut additions: Vec<Addition<'a>> = Vec::new();
    let mut tasks: Vec<(usize, Range<usize>)> = Vec::new();
    let mut add = |addition: Addition<'a>| {
        let strips = addition.width.div_ceil(STRIP);
        let index = additions.len();
        tasks.extend((0..strips).map(|strip| (index, split(addition.width, strips, strip))));
        additions.push(addition);
    };
    for (index, layer) in layers.iter().enumerate() {
        for (term, grads) in wanted[index].iter_mut().enumerate() {
            let Some(FactorGrads { u, s, v }) = grads else { continue };
            let own: Vec<[Range<usize>; 4]> = slots
                .iter()
                .filter(|slot| slot.layer == index && slot.term == term)
                .map(|slot| slot.ranges(layer))
                .collect();
            let from = |piece: usize| own.iter().map(|ranges| ranges[piece].start).collect::<Vec<_>>();
            let rank = factors_rank(layer, term);
            let scale = if term == 0 { layer.common.s } else { layer.segments[term - 1].factors.s };
            let (to_u, to_v, to_s) = (SendPtr::new(u), SendPtr::new(v), SendPtr::new(s));
            add(Addition { from: from(0), width: layer.outputs, rank, scale: Some(scale), to: to_u });
            add(Addition { from: from(1), width: layer.inputs, rank, scale: Some(scale), to: to_v });
            add(Addition { from: from(2), width: rank, rank: 1, scale: None, to: to_s });
            if term == 0
                && let Some(bias) = biases[index].as_deref_mut()
            {
                add(Addition { from: from(3), width: layer.outputs, rank: 1, scale: None, to: SendPtr::new(bias) });
            }
        }
    }
    learngene_pool::run(tasks.len(), &|task| {
        let (index, columns) = &tasks[task];
        let Addition { from, width, rank, scale, to } = &additions[*index];
        for (i, &at) in from.iter().enumerate() {
            let scale = scale.filter(|_| i + 1 == from.len());
            let source = sums[at + columns.start..].as_ptr();
            // SAFETY: the sums of a slot are [rank, width]; the rows of `to` are this task's alone.
            unsafe {
                let to = to.0.add(columns.start * rank);
                transpose_onto(level, (*rank, columns.len()), source, *width, to, *rank, Onto { scale, add: i > 0 });
            }
        }
    });
}
