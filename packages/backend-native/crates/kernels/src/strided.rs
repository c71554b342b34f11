//! Copies between strided views: transposes, slices, concatenation, padding, tiling, reversal.

mod memory;
#[cfg(test)]
mod tests;

use learngene_pool::{run, split};

use crate::elementwise::tasks_for;
use memory::Memory;

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
