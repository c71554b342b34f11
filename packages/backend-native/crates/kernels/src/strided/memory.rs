//! Carrying a copy out on one thread: by runs, by planes, or element by element.

use learngene_simd::{Isa, dispatch};

use super::{Copy2, Dim, MAX_DIMS};
use crate::transpose::transpose_plane;

pub(super) struct Memory<T> {
    pub(super) x: *const T,
    pub(super) y: *mut T,
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
    pub(super) unsafe fn copy(&self, plan: &Copy2) {
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
