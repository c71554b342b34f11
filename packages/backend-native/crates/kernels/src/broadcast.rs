//! How two arrays are read side by side where sizes of 1 are repeated.

use std::ops::Range;

/// The most dimensions a tensor has here.
pub const MAX_RANK: usize = 8;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Dim {
    size: usize,
    a: usize,
    b: usize,
}

/// Sizes of the result with the strides of two operands (0 where one repeats), neighbours merged where that changes
/// nothing. Row-major.
#[derive(Clone, Debug)]
pub struct Broadcast {
    dims: [Dim; MAX_RANK],
    rank: usize,
}

/// A piece of one innermost row.
pub(crate) struct Piece {
    /// Where it begins in the operands.
    pub a: usize,
    pub b: usize,
    /// Its place in the result, counted from the beginning of the range.
    pub y: Range<usize>,
}

impl Broadcast {
    /// The plan for operands of the given shapes; none where a size is neither 1 nor that of the other, or the rank is
    /// above [`MAX_RANK`].
    pub fn new(a: &[usize], b: &[usize]) -> Option<Self> {
        let rank = a.len().max(b.len());
        if rank > MAX_RANK {
            return None;
        }
        let size = |shape: &[usize], back: usize| shape.len().checked_sub(back).map_or(1, |at| shape[at]);
        let mut dims = [Dim::default(); MAX_RANK];
        let (mut count, mut a_stride, mut b_stride) = (0, 1, 1);
        // from the innermost dimension outwards
        for back in 1..=rank {
            let (a_size, b_size) = (size(a, back), size(b, back));
            if a_size != b_size && a_size != 1 && b_size != 1 {
                return None;
            }
            let result = if a_size == 1 { b_size } else { a_size };
            let dim = Dim {
                size: result,
                a: if a_size == 1 { 0 } else { a_stride },
                b: if b_size == 1 { 0 } else { b_stride },
            };
            a_stride *= a_size;
            b_stride *= b_size;
            if result == 1 {
                continue;
            }
            let inner: &mut Dim = &mut dims[if count == 0 { 0 } else { count - 1 }];
            if count > 0 && dim.a == inner.a * inner.size && dim.b == inner.b * inner.size {
                inner.size *= result;
            } else {
                dims[count] = dim;
                count += 1;
            }
        }
        if count == 0 {
            dims[0] = Dim { size: 1, a: 0, b: 0 };
            count = 1;
        }
        dims[..count].reverse();
        Some(Self { dims, rank: count })
    }

    /// The number of elements of the result.
    pub fn len(&self) -> usize {
        self.dims[..self.rank].iter().map(|dim| dim.size).product()
    }

    /// Whether the result has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Length and strides of a row.
    pub(crate) fn row(&self) -> (usize, usize, usize) {
        let inner = self.dims[self.rank - 1];
        (inner.size, inner.a, inner.b)
    }

    /// Rows and their length, where the second operand (or, `swapped`, the first) is one contiguous row that every row
    /// of the other meets.
    pub(crate) fn repeated_row(&self) -> Option<(usize, usize, bool)> {
        let [outer, inner] = self.dims[..self.rank] else { return None };
        let long = inner.size;
        if inner.a != 1 || inner.b != 1 {
            return None;
        }
        match (outer.a, outer.b) {
            (a, 0) if a == long => Some((outer.size, long, false)),
            (0, b) if b == long => Some((outer.size, long, true)),
            _ => None,
        }
    }

    /// Calls `f` for every piece of a row that the range of the flat result touches, in order.
    #[inline(always)]
    pub(crate) fn pieces(&self, range: Range<usize>, mut f: impl FnMut(Piece)) {
        if range.is_empty() {
            return;
        }
        let last = self.rank - 1;
        let inner = self.dims[last];
        let mut index = [0; MAX_RANK];
        let (mut rest, mut a, mut b) = (range.start, 0, 0);
        for d in (0..=last).rev() {
            index[d] = rest % self.dims[d].size;
            rest /= self.dims[d].size;
            a += index[d] * self.dims[d].a;
            b += index[d] * self.dims[d].b;
        }
        let mut at = 0;
        let total = range.len();
        loop {
            let count = (inner.size - index[last]).min(total - at);
            f(Piece { a, b, y: at..at + count });
            at += count;
            if at == total {
                return;
            }
            // the row is at its end: on to the next one
            a -= index[last] * inner.a;
            b -= index[last] * inner.b;
            index[last] = 0;
            let mut d = last;
            loop {
                d -= 1;
                let dim = self.dims[d];
                index[d] += 1;
                a += dim.a;
                b += dim.b;
                if index[d] < dim.size {
                    break;
                }
                a -= dim.size * dim.a;
                b -= dim.size * dim.b;
                index[d] = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_what_is_contiguous() {
        let plan = Broadcast::new(&[4, 3, 5], &[3, 5]).unwrap();
        assert_eq!(plan.rank, 2);
        assert_eq!(plan.repeated_row(), Some((4, 15, false)));
        let same = Broadcast::new(&[4, 1, 3, 5], &[4, 1, 3, 5]).unwrap();
        assert_eq!((same.rank, same.row()), (1, (60, 1, 1)));
        assert_eq!(Broadcast::new(&[1, 1], &[]).unwrap().len(), 1);
        assert_eq!(Broadcast::new(&[0, 3], &[1, 3]).unwrap().len(), 0);
        assert!(Broadcast::new(&[2, 3], &[2]).is_none());
    }

    #[test]
    fn pieces_visit_every_element_in_order() {
        let plan = Broadcast::new(&[2, 1, 3, 1], &[1, 4, 1, 5]).unwrap();
        let total = plan.len();
        assert_eq!(total, 120);
        for (start, end) in [(0, 120), (7, 93), (119, 120), (5, 5)] {
            let mut seen = Vec::new();
            plan.pieces(start..end, |piece| {
                let (_, a, b) = plan.row();
                seen.extend((0..piece.y.len()).map(|i| (piece.a + i * a, piece.b + i * b)));
            });
            let want: Vec<_> = (start..end)
                .map(|i| {
                    let (n, p, q, r) = (i / 60, i / 15 % 4, i / 5 % 3, i % 5);
                    (n * 3 + q, p * 5 + r)
                })
                .collect();
            assert_eq!(seen, want);
        }
    }
}
