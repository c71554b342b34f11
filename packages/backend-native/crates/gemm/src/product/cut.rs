//! Cutting a range into parts.

use std::ops::Range;

/// A range cut into parts whose sizes differ by one at most; as [`split`], without a division for every part.
#[derive(Clone, Copy)]
pub(crate) struct Cut {
    pub parts: usize,
    size: usize,
    rest: usize,
}

impl Cut {
    pub(crate) fn new(total: usize, parts: usize) -> Self {
        Self { parts, size: total / parts.max(1), rest: total % parts.max(1) }
    }
    pub(crate) fn part(self, index: usize) -> Range<usize> {
        let start = index * self.size + index.min(self.rest);
        start..start + self.size + usize::from(index < self.rest)
    }
    /// The sizes of some parts, as (size, how many of it).
    pub(crate) fn runs(self, parts: Range<usize>) -> [(usize, usize); 2] {
        let large = self.rest.clamp(parts.start, parts.end) - parts.start;
        [(self.size + 1, large), (self.size, parts.len() - large)]
    }
}
