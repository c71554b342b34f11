//! Copies between strided views: transposes, slices, concatenation, padding, tiling, reversal.

use learngene_pool::{run, split};
use learngene_simd::{Isa, dispatch};

use crate::elementwise::tasks_for;
use crate::transpose::transpose_plane;

/// The most dimensions a copy may have before neighbours are merged.
pub const MAX_DIMS: usize = 16;

/// One dimension of a copy: its size, and the step between neighbours in source and destination, in elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dim {
    /// The number of elements.
    pub size: usize,
    /// The step in the source; 0 repeats, a negative one reverses.
    pub x: isize,
    /// The step in the destination, at least 1.
    pub y: isize,
}

/// A copy `y[y_base + Σ i_d y_d] = x[x_base + Σ i_d x_d]` over all indices, checked against the lengths of both arrays;
/// every element is written at most once.
#[derive(Clone, Debug)]
pub struct Copy2 {
    dims: [Dim; MAX_DIMS],
    rank: usize,
    x_base: isize,
    y_base: isize,
    x_len: usize,
    y_len: usize,
}

impl Copy2 {
    /// Checks and simplifies a copy.
    ///
    /// # Errors
    /// Says what is wrong where an index would lie outside its array, two elements would be written to one place, or
    /// there are more than [`MAX_DIMS`] dimensions.
    pub fn new(given: &[Dim], x_base: usize, y_base: usize, x_len: usize, y_len: usize) -> Result<Self, &'static str> {
        let empty = given.iter().any(|dim| dim.size == 0);
        let mut dims = [Dim::default(); MAX_DIMS];
        let mut rank = 0;
        for &dim in given.iter().filter(|dim| dim.size > 1) {
            if rank == MAX_DIMS {
                return Err("too many dimensions");
            }
            // sorted by the step in the destination, the largest first
            let at = dims[..rank].iter().position(|other| other.y < dim.y).unwrap_or(rank);
            dims.copy_within(at..rank, at + 1);
            dims[at] = dim;
            rank += 1;
        }
        let mut plan = Self { dims, rank, x_base: x_base as isize, y_base: y_base as isize, x_len, y_len };
        if empty {
            plan.dims[0] = Dim { size: 0, x: 1, y: 1 };
            plan.rank = 1;
            return Ok(plan);
        }
        plan.check()?;
        plan.merge();
        Ok(plan)
    }

    fn check(&self) -> Result<(), &'static str> {
        let (mut low, mut high) = (self.x_base, self.x_base);
        let mut last = self.y_base;
        let mut reach = 0isize; // how far the inner dimensions reach in the destination
        for dim in self.dims[..self.rank].iter().rev() {
            if dim.y <= reach {
                return Err("elements overlap in the destination");
            }
            let steps = isize::try_from(dim.size - 1).map_err(|_| "a size is too large")?;
            let x = steps.checked_mul(dim.x).ok_or("a step is too large")?;
            let y = steps.checked_mul(dim.y).ok_or("a step is too large")?;
            let end = if x < 0 { &mut low } else { &mut high };
            *end = end.checked_add(x).ok_or("a step is too large")?;
            last = last.checked_add(y).ok_or("a step is too large")?;
            reach = reach.checked_add(y).ok_or("a step is too large")?;
        }
        if low < 0 || high < 0 || high as usize >= self.x_len {
            return Err("the copy reads outside the source");
        }
        if last < 0 || last as usize >= self.y_len {
            return Err("the copy writes outside the destination");
        }
        Ok(())
    }

    fn merge(&mut self) {
        let mut count = 0usize;
        for index in 0..self.rank {
            let dim = self.dims[index];
            let size = dim.size as isize;
            if let Some(outer) = self.dims[..count].last_mut()
                && outer.x == dim.x * size
                && outer.y == dim.y * size
            {
                *outer = Dim { size: outer.size * dim.size, ..dim };
                continue;
            }
            self.dims[count] = dim;
            count += 1;
        }
        if count == 0 {
            self.dims[0] = Dim { size: 1, x: 1, y: 1 };
            count = 1;
        }
        self.rank = count;
    }

    /// The number of elements that are copied.
    pub fn len(&self) -> usize {
        self.dims().iter().map(|dim| dim.size).product()
    }

    /// Whether nothing is copied.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn dims(&self) -> &[Dim] {
        &self.dims[..self.rank]
    }

    /// The copy of `range` of dimension `d` alone.
    fn part(&self, d: usize, range: std::ops::Range<usize>) -> Self {
        let mut part = self.clone();
        part.x_base += range.start as isize * self.dims[d].x;
        part.y_base += range.start as isize * self.dims[d].y;
        part.dims[d].size = range.len();
        part
    }
}

/// Carries out a copy.
///
/// # Panics
/// Where the lengths are not those that the plan was checked against.
pub fn copy<T: Copy + Send + Sync>(plan: &Copy2, x: &[T], y: &mut [T]) {
    assert!(x.len() == plan.x_len && y.len() == plan.y_len);
    let total = plan.len();
    if total == 0 {
        return;
    }
    let memory = Memory { x: x.as_ptr(), y: y.as_mut_ptr() };
    let tasks = tasks_for(total);
    if tasks == 1 {
        // SAFETY: the plan was checked against these lengths; one thread.
        return unsafe { memory.copy(plan) };
    }
    // the outermost dimension that is long enough, else the longest
    let dims = plan.dims();
    let longest = (0..dims.len()).max_by_key(|&d| (dims[d].size, dims.len() - d)).unwrap_or(0);
    let cut = dims.iter().position(|dim| dim.size >= 4 * tasks).unwrap_or(longest);
    run(tasks, &|task| {
        let range = split(dims[cut].size, tasks, task);
        if !range.is_empty() {
            // SAFETY: the plan was checked; no element is written twice, so the parts write disjoint elements.
            unsafe { memory.copy(&plan.part(cut, range)) };
        }
    });
}

struct Memory<T> {
    x: *const T,
    y: *mut T,
}
// SAFETY: the tasks read shared elements and write disjoint ones.
unsafe impl<T: Send + Sync> Sync for Memory<T> {}

/// Runs of this many elements are worth a call of `memcpy`.
const LONG: usize = 24;
/// Planes with sides from here on are transposed in blocks.
const BLOCKED: usize = 8;
/// The most elements whose places are kept in a table.
const TABLE: usize = 1024;

impl<T: Copy> Memory<T> {
    /// # Safety
    /// The plan (or the one it is a part of) was checked against the arrays.
    unsafe fn copy(&self, plan: &Copy2) {
        let dims = plan.dims();
        let last = dims[dims.len() - 1];
        if last.y == 1 && last.x == 1 && size_of::<T>() == size_of::<f32>() && FIXED.contains(&last.size) {
            let (x, y) = (self.x.cast::<f32>().wrapping_offset(plan.x_base), self.y.cast::<f32>());
            let rows = Rows { x, y: y.wrapping_offset(plan.y_base), size: last.size };
            return copy_rows(&dims[..dims.len() - 1], &rows);
        }
        if last.y == 1 && last.x == 1 && last.size >= LONG {
            // SAFETY: source and destination are different arrays, rows lie within them.
            return each(&dims[..dims.len() - 1], plan.x_base, plan.y_base, |x, y| unsafe {
                std::ptr::copy_nonoverlapping(self.x.offset(x), self.y.offset(y), last.size);
            });
        }
        let columns = dims.iter().position(|dim| dim.x == 1 && dim.size >= BLOCKED);
        if let Some(columns) = columns.filter(|&d| d != dims.len() - 1 && last.y == 1 && last.size >= BLOCKED) {
            let mut outer = [Dim::default(); MAX_DIMS];
            let mut count = 0;
            for (d, &dim) in dims[..dims.len() - 1].iter().enumerate() {
                if d != columns {
                    outer[count] = dim;
                    count += 1;
                }
            }
            let across = dims[columns];
            // SAFETY: the plane lies within the arrays.
            return each(&outer[..count], plan.x_base, plan.y_base, |x, y| unsafe {
                transpose_plane(self.x.offset(x), last.x, self.y.offset(y), across.y, last.size, across.size);
            });
        }
        // SAFETY: as promised by the caller.
        unsafe { self.copy_scattered(plan, dims) }
    }

    /// # Safety
    /// As for [`Self::copy`].
    unsafe fn copy_scattered(&self, plan: &Copy2, dims: &[Dim]) {
        let mut inner = dims.len();
        let mut count = 1;
        while inner > 0 && count * dims[inner - 1].size <= TABLE {
            inner -= 1;
            count *= dims[inner].size;
        }
        if count >= 16 || inner == 0 {
            let mut table = Vec::with_capacity(count);
            each(&dims[inner..], 0, 0, |x, y| table.push((x, y)));
            return each(&dims[..inner], plan.x_base, plan.y_base, |x, y| {
                for &(dx, dy) in &table {
                    // SAFETY: every index of the plan lies within the arrays.
                    unsafe { *self.y.offset(y + dy) = *self.x.offset(x + dx) };
                }
            });
        }
        // a long innermost dimension with a step of its own
        let last = dims[dims.len() - 1];
        each(&dims[..dims.len() - 1], plan.x_base, plan.y_base, |x, y| {
            if last.x == 0 && last.y == 1 {
                // SAFETY: every index of the plan lies within the arrays.
                unsafe { std::slice::from_raw_parts_mut(self.y.offset(y), last.size).fill(*self.x.offset(x)) };
                return;
            }
            for i in 0..last.size as isize {
                // SAFETY: every index of the plan lies within the arrays.
                unsafe { *self.y.offset(y + i * last.y) = *self.x.offset(x + i * last.x) };
            }
        });
    }
}

/// Lengths of runs that are copied by a few vector moves.
const FIXED: [usize; 6] = [16, 32, 48, 64, 96, 128];

/// Runs of one of the lengths in [`FIXED`], of a plan that was checked.
struct Rows {
    x: *const f32,
    y: *mut f32,
    size: usize,
}

dispatch! {
    fn copy_rows(dims: &[Dim], rows: &Rows) = copy_rows_with;
}

#[inline(always)]
fn copy_rows_with<S: Isa>(dims: &[Dim], rows: &Rows) {
    match rows.size {
        16 => rows.copy::<S, 16>(dims),
        32 => rows.copy::<S, 32>(dims),
        48 => rows.copy::<S, 48>(dims),
        64 => rows.copy::<S, 64>(dims),
        96 => rows.copy::<S, 96>(dims),
        _ => rows.copy::<S, 128>(dims),
    }
}

impl Rows {
    #[inline(always)]
    #[allow(clippy::extra_unused_type_parameters)] // dispatch! names the level
    fn copy<S: Isa, const N: usize>(&self, dims: &[Dim]) {
        each(dims, 0, 0, |x, y| {
            // SAFETY: every run of the plan lies within its array; arrays of f32 are aligned like f32.
            unsafe { *self.y.offset(y).cast::<[f32; N]>() = *self.x.offset(x).cast::<[f32; N]>() };
        });
    }
}

/// Calls `f` with the places in source and destination of every index, the last dimension fastest.
#[inline(always)]
fn each(dims: &[Dim], x: isize, y: isize, mut f: impl FnMut(isize, isize)) {
    let Some((last, outer)) = dims.split_last() else { return f(x, y) };
    let mut index = [0usize; MAX_DIMS];
    let (mut x, mut y) = (x, y);
    loop {
        for i in 0..last.size as isize {
            f(x + i * last.x, y + i * last.y);
        }
        let mut d = outer.len();
        loop {
            if d == 0 {
                return;
            }
            d -= 1;
            let dim = outer[d];
            index[d] += 1;
            x += dim.x;
            y += dim.y;
            if index[d] < dim.size {
                break;
            }
            x -= dim.size as isize * dim.x;
            y -= dim.size as isize * dim.y;
            index[d] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The copy that permutes a row-major array.
    fn transpose_dims(shape: &[usize], perm: &[usize]) -> Vec<Dim> {
        let stride = |sizes: &[usize], d: usize| sizes[d + 1..].iter().product::<usize>() as isize;
        let result: Vec<usize> = perm.iter().map(|&d| shape[d]).collect();
        perm.iter()
            .enumerate()
            .map(|(to, &from)| Dim { size: shape[from], x: stride(shape, from), y: stride(&result, to) })
            .collect()
    }

    fn slow(dims: &[Dim], x_base: isize, y_base: isize, x: &[u32], y: &mut [u32]) {
        let total: usize = dims.iter().map(|dim| dim.size).product();
        for i in 0..total {
            let (mut rest, mut from, mut to) = (i, x_base, y_base);
            for dim in dims.iter().rev() {
                let at = (rest % dim.size) as isize;
                rest /= dim.size;
                from += at * dim.x;
                to += at * dim.y;
            }
            y[to as usize] = x[from as usize];
        }
    }

    fn check<T: Copy + Send + Sync + PartialEq + std::fmt::Debug>(
        dims: &[Dim],
        bases: (usize, usize),
        lengths: (usize, usize),
        convert: fn(u32) -> T,
    ) {
        let x: Vec<u32> = (0..lengths.0 as u32).collect();
        let mut want = vec![u32::MAX; lengths.1];
        slow(dims, bases.0 as isize, bases.1 as isize, &x, &mut want);
        let want: Vec<T> = want.into_iter().map(convert).collect();
        let x: Vec<T> = x.into_iter().map(convert).collect();
        let mut y = vec![convert(u32::MAX); lengths.1];
        let plan = Copy2::new(dims, bases.0, bases.1, lengths.0, lengths.1).unwrap();
        copy(&plan, &x, &mut y);
        assert!(y == want, "{dims:?}");
    }

    #[test]
    fn permutations_of_any_rank() {
        let cases: &[(&[usize], &[usize])] = &[
            (&[7], &[0]),
            (&[1, 1], &[1, 0]),
            (&[33, 47], &[1, 0]),
            (&[300, 210], &[1, 0]),
            (&[5, 64, 3, 48], &[0, 2, 1, 3]),
            (&[4, 19, 40], &[0, 2, 1]),
            (&[6, 9, 5, 16], &[0, 2, 1, 3]),
            (&[6, 90, 5, 64], &[0, 2, 1, 3]),
            (&[7, 9, 128], &[1, 0, 2]),
            (&[9, 8, 10], &[2, 1, 0]),
            (&[2, 4, 2, 4, 2, 3], &[0, 1, 3, 5, 2, 4]),
            (&[8, 16, 2, 16, 2, 4], &[0, 1, 3, 5, 2, 4]),
            (&[64, 8, 2, 8], &[0, 2, 1, 3]),
            (&[2, 3, 4, 5, 6], &[4, 2, 0, 3, 1]),
            (&[17, 3000], &[1, 0]),
            (&[3, 20_001], &[1, 0]),
            (&[20_001, 3], &[1, 0]),
        ];
        for &(shape, perm) in cases {
            let total = shape.iter().product();
            let dims = transpose_dims(shape, perm);
            check(&dims, (0, 0), (total, total), |i| i as f32);
            check(&dims, (0, 0), (total, total), |i| i as i32);
            check(&dims, (0, 0), (total, total), |i| (i % 251) as u8);
        }
    }

    #[test]
    fn slices_reversals_repeats_and_gaps() {
        let dim = |size, x, y| Dim { size, x, y };
        check(&[dim(3, 10, 4), dim(4, 1, 1)], (12, 0), (50, 12), |i| i); // a slice
        check(&[dim(5, -10, 10), dim(10, 1, 1)], (40, 0), (50, 50), |i| i); // reversed rows
        check(&[dim(50, -1, 1)], (49, 0), (50, 50), |i| i); // reversed
        check(&[dim(5, 2, 1)], (1, 0), (10, 5), |i| i); // every second
        check(&[dim(4, 0, 50), dim(50, 1, 1)], (0, 0), (50, 200), |i| i); // tiled
        check(&[dim(50, 1, 40), dim(40, 0, 1)], (0, 0), (50, 2000), |i| i); // repeated
        check(&[dim(5, 10, 20), dim(10, 1, 1)], (0, 7), (50, 120), |i| i); // into a wider array
        check(&[dim(2000, 30, 70), dim(30, 1, 1)], (0, 40), (60_000, 140_000), |i| i);
        check(&[dim(40_000, 3, 1)], (2, 0), (120_000, 40_000), |i| i);
        check(&[dim(0, 3, 1), dim(4, 1, 1)], (0, 0), (0, 0), |i| i);
        check(&[], (3, 2), (5, 4), |i| i); // one element
    }

    #[test]
    fn wrong_copies_are_refused() {
        let dim = |size, x, y| Dim { size, x, y };
        assert!(Copy2::new(&[dim(5, 1, 1)], 0, 0, 4, 5).is_err());
        assert!(Copy2::new(&[dim(5, 1, 1)], 0, 1, 5, 5).is_err());
        assert!(Copy2::new(&[dim(5, -1, 1)], 3, 0, 5, 5).is_err());
        assert!(Copy2::new(&[dim(2, 1, 3), dim(4, 1, 1)], 0, 0, 50, 50).is_err());
        assert!(Copy2::new(&[dim(2, 1, 0)], 0, 0, 50, 50).is_err());
        assert!(Copy2::new(&[dim(2, 1, -1)], 0, 1, 50, 50).is_err());
        assert!(Copy2::new(&[dim(2, isize::MAX, 1)], 1, 0, 50, 50).is_err());
        assert!(Copy2::new(&[], 5, 0, 5, 1).is_err());
    }
}
