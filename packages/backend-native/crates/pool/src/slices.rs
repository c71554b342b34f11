//! Handing disjoint parts of an output to tasks.

use std::ops::Range;

/// The `index`-th of `parts` contiguous ranges of `0..total`; their sizes differ by at most one.
#[inline]
pub fn split(total: usize, parts: usize, index: usize) -> Range<usize> {
    let size = total / parts;
    let rest = total % parts;
    let start = index * size + index.min(rest);
    start..start + size + usize::from(index < rest)
}

/// A pointer to an output that tasks write disjoint parts of.
pub struct SendPtr<T>(pub *mut T);

impl<T> Clone for SendPtr<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for SendPtr<T> {}

// SAFETY: the pointer is only turned into slices by `slice_mut`, whose caller promises that they are disjoint.
unsafe impl<T: Send> Send for SendPtr<T> {}
// SAFETY: as for Send.
unsafe impl<T: Send> Sync for SendPtr<T> {}

impl<T> SendPtr<T> {
    /// The pointer to the first element of `slice`, which stays borrowed only as long as the caller says.
    #[inline]
    pub fn new(slice: &mut [T]) -> Self {
        Self(slice.as_mut_ptr())
    }

    /// The part `range` of the output.
    ///
    /// # Safety
    /// `range` lies within the slice this was made of, that slice is alive and unused, and no other task holds a part
    /// that overlaps.
    #[inline]
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn slice_mut<'a>(&self, range: Range<usize>) -> &'a mut [T] {
        // SAFETY: promised by the caller.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(range.start), range.len()) }
    }

    /// The part `range` of what tasks have written, to be read.
    ///
    /// # Safety
    /// `range` lies within the slice this was made of, that slice is alive, and nobody writes this part meanwhile.
    #[inline]
    pub unsafe fn slice<'a>(&self, range: Range<usize>) -> &'a [T] {
        // SAFETY: promised by the caller.
        unsafe { std::slice::from_raw_parts(self.0.add(range.start), range.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_covers_everything_once() {
        for total in 0..40 {
            for parts in 1..9 {
                let mut next = 0;
                for index in 0..parts {
                    let range = split(total, parts, index);
                    assert_eq!(range.start, next);
                    assert!(range.len() <= total / parts + 1);
                    next = range.end;
                }
                assert_eq!(next, total);
            }
        }
    }
}
