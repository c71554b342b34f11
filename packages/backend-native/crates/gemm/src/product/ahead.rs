//! What the processor is asked to fetch while a tile is computed.

use super::{LINE, Product};
use learngene_pool::SendPtr;
use std::ops::Range;

/// Where the next product of a batch lies: A, B and C, as addresses and words.
pub(crate) type Next = [(SendPtr<f32>, usize); 3];

/// What is asked for while a row of tiles is computed, a line with every row of B.
pub(super) enum Coming {
    /// In the first panel, from `at` on, a line every `step` words.
    Lines { at: *const f32, step: usize },
    /// In all panels, the lines of the next product in order; `call` panels came before.
    Product { next: Next, call: usize },
}

impl Coming {
    /// The first line and the step of a panel.
    pub(super) fn lines(&self, panel: usize, k: usize) -> (*const f32, usize) {
        match *self {
            Coming::Lines { at, step } => (at, if panel == 0 { step } else { 0 }),
            Coming::Product { next, call } => {
                let mut skip = (call + panel) * k * LINE;
                for (at, words) in next {
                    if skip < words {
                        return (at.0.wrapping_add(skip), LINE);
                    }
                    skip -= words;
                }
                (next[0].0.0, 0)
            }
        }
    }
}

impl Product<'_> {
    /// What the tile above `rows.end` may ask for: the next product; the rows of A below; or, where tiles of a transposed A
    /// are packed in groups, lines of the next group, which starts at a row, for the so many-th tile of this one.
    pub(super) fn coming(
        &self,
        rows: &Range<usize>,
        ks: &Range<usize>,
        call: usize,
        (group, index): (usize, usize),
    ) -> Coming {
        let a = self.base.a;
        let line = |row: usize, k: usize| a.at.wrapping_add(row * a.row + (ks.start + k) * a.column);
        match self.next {
            Some(next) => Coming::Product { next, call },
            None if self.packs_groups() => {
                // a line for every row of K, of which a word may hold two: so many tiles ask for one line's rows
                let (words, times) = (self.words(ks.len()), if self.kernels.pairs { 2 } else { 1 });
                Coming::Lines { at: line(group + LINE * (index / times), index % times * words), step: a.column }
            }
            None => Coming::Lines { at: line(rows.end, 0), step: LINE },
        }
    }
}
