//! Reduction of a square matrix to upper bidiagonal form, A = Q B P' (Golub and Kahan 1965), in panels (Dongarra,
//! Sorensen and Hammarling 1989) that read the rest of the matrix once a column instead of twice: the row that the
//! right reflector is made of is known for a column of A as soon as its product with the left reflector is, so that
//! both products take the column while it is in the cache (Howell et al. 2008).

use learngene_pool::{SendPtr, run, split, threads, zeros};

use crate::gemm::{Store, gemm};
use crate::reflector::{Reflectors, reflector};
use crate::vector::{Pass, add_columns, bidiagonal_pass, column_dots, dot};
use crate::view::{View, ViewMut};

const PANEL: usize = 32;
/// Size below which one thread does a column.
const ALONE: usize = 96;

/// A bidiagonal matrix and the reflectors of Q and P.
pub(crate) struct Bidiagonal {
    pub diagonal: Vec<f64>,
    /// Above the diagonal.
    pub side: Vec<f64>,
    left: Vec<f64>,
    right: Vec<f64>,
    ld: usize,
    left_taus: Vec<f64>,
    right_taus: Vec<f64>,
}

impl Bidiagonal {
    /// Q.
    pub fn left(&self) -> Reflectors<'_> {
        let rows = self.diagonal.len();
        Reflectors { columns: &self.left, ld: self.ld, shift: 0, rows, taus: &self.left_taus }
    }

    /// P.
    pub fn right(&self) -> Reflectors<'_> {
        let rows = self.diagonal.len();
        Reflectors { columns: &self.right, ld: self.ld, shift: 1, rows, taus: &self.right_taus }
    }
}

struct Panel<'a> {
    a: &'a mut [f64],
    right: &'a mut [f64],
    ld: usize,
    n: usize,
    first: usize,
    width: usize,
    /// [V | X], columns of n: left reflectors, and products with right ones.
    vx: &'a mut [f64],
    /// [Y | U]: products with left reflectors, and right ones.
    yu: &'a mut [f64],
    /// For each part, A times the row; columns of n.
    partial: &'a mut [f64],
    row: &'a mut [f64],
    correction: &'a mut [f64],
}

/// Reduces `a` [n, n], element (i, j) at `i + j * ld`.
pub(crate) fn bidiagonalize(mut a: Vec<f64>, ld: usize, n: usize) -> Bidiagonal {
    let mut diagonal = vec![0.0; n];
    let mut side = vec![0.0; n.saturating_sub(1)];
    let mut left_taus = vec![0.0; n];
    let mut right_taus = vec![0.0; n.saturating_sub(1)];
    let mut right = zeros(ld * n.saturating_sub(1));
    let mut vx = vec![0.0; ld * 2 * PANEL];
    let mut yu = vec![0.0; ld * 2 * PANEL];
    let mut partial = vec![0.0; ld * threads()];
    let (mut row, mut correction) = (vec![0.0; ld], vec![0.0; ld]);
    for first in (0..n).step_by(PANEL) {
        let width = PANEL.min(n - first);
        let mut panel = Panel {
            a: &mut a,
            right: &mut right,
            ld,
            n,
            first,
            width,
            vx: &mut vx,
            yu: &mut yu,
            partial: &mut partial,
            row: &mut row,
            correction: &mut correction,
        };
        for i in 0..width {
            let j = first + i;
            let (beta, tau) = reflector(&mut panel.a[j + j * ld..n + j * ld]);
            (diagonal[j], left_taus[j]) = (beta, tau);
            if j + 1 < n {
                (side[j], right_taus[j]) = panel.column(i, tau);
            }
        }
        let next = first + width;
        if next < n {
            let size = n - next;
            let vx = View::columns(&vx[next..], size, 2 * width, ld);
            let yu = View::columns(&yu[next..], size, 2 * width, ld);
            gemm(-1.0, vx, yu.t(), Store::Add, ViewMut::columns(&mut a[next + next * ld..], size, size, ld));
        }
    }
    Bidiagonal { diagonal, side, left: a, right, ld, left_taus, right_taus }
}

impl Panel<'_> {
    /// From left reflector i of the panel, in its column: the row, its reflector, column i of X, Y and U, and the next
    /// column of A brought up to date. Returns the element above the diagonal and the right reflector's tau.
    fn column(&mut self, i: usize, tau: f64) -> (f64, f64) {
        let (ld, n, width) = (self.ld, self.n, self.width);
        let j = self.first + i;
        let next = j + 1;
        let size = n - next;
        let parts = if size < ALONE { 1 } else { threads() };
        self.vx[i * ld + j..i * ld + n].copy_from_slice(&self.a[j + j * ld..n + j * ld]);

        // V'v and X'v
        let mut products = [0.0; 2 * PANEL];
        {
            let vx = &*self.vx;
            let v = &vx[i * ld + j..i * ld + n];
            let out = SendPtr::new(&mut products);
            run(if i < 4 { 1 } else { parts }, &|part| {
                let mine = split(i, if i < 4 { 1 } else { parts }, part);
                for (block, start) in [0, width].into_iter().enumerate() {
                    // SAFETY: ranges of different tasks are disjoint, and i < PANEL.
                    let dots = unsafe { out.slice_mut(block * PANEL + mine.start..block * PANEL + mine.end) };
                    if !dots.is_empty() {
                        column_dots(&vx[(start + mine.start) * ld + j..], ld, v, dots);
                    }
                }
            });
        }

        // by columns of A: y, the row, and A times the row; with it the row's norm and Y'row, U'row
        let mut coefficients = [0.0; 2 * PANEL];
        for l in 0..i {
            coefficients[l] = -self.vx[l * ld + j];
            coefficients[PANEL + l] = -self.vx[(width + l) * ld + j];
        }
        const STRIDE: usize = 2 * PANEL + 1;
        let mut sums = vec![0.0; parts * STRIDE];
        {
            let a = &*self.a;
            let v = &self.vx[i * ld + j..i * ld + n];
            let yu = SendPtr::new(self.yu);
            let (row, correction) = (SendPtr::new(self.row), SendPtr::new(self.correction));
            let partial = SendPtr::new(self.partial);
            let sums = SendPtr::new(&mut sums);
            run(parts, &|part| {
                let mine = split(size, parts, part);
                let columns = next + mine.start..next + mine.end;
                let length = mine.len();
                // SAFETY: rows `columns` of Y and U, and of `row` and `correction`, belong to this task.
                let row = unsafe { row.slice_mut(columns.clone()) };
                // SAFETY: as above.
                let correction = unsafe { correction.slice_mut(columns.clone()) };
                correction.fill(0.0);
                for (out, c) in row.iter_mut().zip(columns.clone()) {
                    *out = a[j + c * ld];
                }
                for l in 0..i {
                    for (block, start) in [0, width].into_iter().enumerate() {
                        let at = (start + l) * ld;
                        // SAFETY: as above; only reborrowed shortly.
                        let column = unsafe { yu.slice_mut(at + columns.start..at + columns.end) };
                        let (off, on) = (products[block * PANEL + l], coefficients[block * PANEL + l]);
                        for ((correction, row), &value) in correction.iter_mut().zip(&mut *row).zip(&*column) {
                            *correction += off * value;
                            *row += on * value;
                        }
                    }
                }
                // SAFETY: one part for each task.
                let product = unsafe { partial.slice_mut(part * ld..part * ld + size) };
                product.fill(0.0);
                // SAFETY: as for the other columns of Y.
                let y = unsafe { yu.slice_mut(i * ld + columns.start..i * ld + columns.end) };
                let pass = Pass { v, tau, correction };
                bidiagonal_pass(&a[(j + columns.start * ld).min(a.len())..], ld, &pass, y, row, product);
                // SAFETY: one part for each task.
                let sums = unsafe { sums.slice_mut(part * STRIDE..(part + 1) * STRIDE) };
                sums[2 * PANEL] = dot(row, row);
                for l in 0..=i {
                    for (block, start) in [0, width].into_iter().enumerate() {
                        if block == 0 || l < i {
                            let at = (start + l) * ld;
                            // SAFETY: as above.
                            let column = unsafe { yu.slice_mut(at + columns.start..at + columns.start + length) };
                            sums[block * PANEL + l] = dot(column, row);
                        }
                    }
                }
            });
        }
        let total = |at: usize| sums.chunks_exact(STRIDE).map(|part| part[at]).sum::<f64>();

        // the right reflector u = (row - beta e_0) / pivot
        let head = self.row[next];
        let square = total(2 * PANEL);
        // the matrix has entries of about 1: rows below 1e-145 are rounding
        let (beta, pivot, right_tau) = if square > 1e-290 {
            let beta = -square.sqrt().copysign(head);
            (beta, head - beta, (beta - head) / beta)
        } else {
            (0.0, 1.0, 0.0)
        };
        let scale = 1.0 / pivot;
        for l in 0..=i {
            for (block, start) in [0, width].into_iter().enumerate() {
                let known = if block == 0 || l < i { self.yu[(start + l) * ld + next] } else { 0.0 };
                products[block * PANEL + l] = -(total(block * PANEL + l) - beta * known) * scale;
            }
        }
        // the next column's factors: -Y[next], -U[next]
        let more = i + 1 < width;
        for l in 0..=i {
            coefficients[l] = -self.yu[l * ld + next];
            coefficients[PANEL + l] = if l < i { -self.yu[(width + l) * ld + next] } else { -1.0 };
        }

        // by rows: x, u and the next column of A
        {
            let (vx, x) = self.vx.split_at_mut((width + i) * ld);
            let (row, partial) = (&*self.row, &*self.partial);
            let x = SendPtr::new(x);
            let u = SendPtr::new(&mut self.yu[(width + i) * ld..(width + i) * ld + n]);
            let kept = SendPtr::new(&mut self.right[j * ld..j * ld + n]);
            let column = SendPtr::new(&mut self.a[next * ld..next * ld + n]);
            run(parts, &|part| {
                let mine = split(size, parts, part);
                let rows = next + mine.start..next + mine.end;
                // SAFETY: rows of different tasks are disjoint, in these four columns.
                let (x, u, kept, column) = unsafe {
                    let of = |column: &SendPtr<f64>| column.slice_mut(rows.clone());
                    (of(&x), of(&u), of(&kept), of(&column))
                };
                for (u, &row) in u.iter_mut().zip(&row[rows.clone()]) {
                    *u = row * scale;
                }
                if mine.start == 0 && !u.is_empty() {
                    u[0] = 1.0;
                }
                kept.copy_from_slice(u);
                x.copy_from_slice(&partial[mine.clone()]);
                for other in 1..parts {
                    for (x, &more) in x.iter_mut().zip(&partial[other * ld..][mine.clone()]) {
                        *x += more;
                    }
                }
                for (x, &a) in x.iter_mut().zip(&*column) {
                    *x = (*x - beta * a) * scale;
                }
                add_columns(&vx[rows.start..], ld, &products[..=i], x);
                if i > 0 {
                    add_columns(&vx[width * ld + rows.start..], ld, &products[PANEL..PANEL + i], x);
                }
                x.iter_mut().for_each(|x| *x *= right_tau);
                if more {
                    add_columns(&vx[rows.start..], ld, &coefficients[..=i], column);
                    if i > 0 {
                        add_columns(&vx[width * ld + rows.start..], ld, &coefficients[PANEL..PANEL + i], column);
                    }
                    add_columns(x, x.len(), &coefficients[PANEL + i..PANEL + i + 1], column);
                }
            });
        }
        (beta, right_tau)
    }
}
