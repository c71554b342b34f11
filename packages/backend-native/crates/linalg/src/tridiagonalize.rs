//! Reduction of a symmetric matrix to tridiagonal form, A = Q T Q' (Dongarra, Sorensen and Hammarling 1989): panels of
//! reflectors, each column one product with the rest of the lower triangle, then one update of rank 2 b.

use learngene_pool::{SendPtr, run, split, threads};

use crate::gemm::{Store, gemm};
use crate::reflector::{Reflectors, reflector};
use crate::vector::{add_columns, column_dots, dot, symmetric_product};
use crate::view::{View, ViewMut};

/// Columns of a panel.
const PANEL: usize = 40;
/// Size below which one thread does a column.
const ALONE: usize = 160;
/// Parts of the product with the triangle for each thread: the one that comes late takes fewer.
const FINER: usize = 2;

/// A tridiagonal matrix and the reflectors of Q, in the columns of the matrix that was reduced.
pub(crate) struct Tridiagonal {
    pub diagonal: Vec<f64>,
    pub side: Vec<f64>,
    columns: Vec<f64>,
    ld: usize,
    taus: Vec<f64>,
}

impl Tridiagonal {
    /// Q, to be applied to eigenvectors of T.
    pub fn reflectors(&self) -> Reflectors<'_> {
        let rows = self.diagonal.len();
        Reflectors { columns: &self.columns, ld: self.ld, shift: 1, rows, taus: &self.taus }
    }
}

/// Where part `part` of `parts` of the columns of a lower triangle of size n begins: equal areas.
fn area_bound(n: usize, parts: usize, part: usize) -> usize {
    if part == parts {
        return n;
    }
    let left = 1.0 - part as f64 / parts as f64;
    ((n as f64 * (1.0 - left.sqrt())) as usize / 4 * 4).min(n)
}

struct Panel<'a> {
    a: &'a mut [f64],
    ld: usize,
    n: usize,
    /// First column of the panel and its width.
    first: usize,
    width: usize,
    /// [V | W | V], columns of n.
    vw: &'a mut [f64],
    /// Partial products of the parts, columns of n.
    partial: &'a mut [f64],
}

/// Reduces `a` [n, n], of which the lower triangle is read: element (i, j) at `i + j * ld`.
pub(crate) fn tridiagonalize(mut a: Vec<f64>, ld: usize, n: usize) -> Tridiagonal {
    let mut diagonal = vec![0.0; n];
    let mut side = vec![0.0; n.saturating_sub(1)];
    let mut taus = vec![0.0; n.saturating_sub(1)];
    let mut vw = vec![0.0; ld * 3 * PANEL];
    let mut partial = vec![0.0; ld * FINER * threads()];
    let mut first = 0;
    while first + 1 < n {
        let width = PANEL.min(n - 1 - first);
        let (vw, partial) = (&mut vw[..], &mut partial[..]);
        let mut panel = Panel { a: &mut a, ld, n, first, width, vw, partial };
        for i in 0..width {
            let j = first + i;
            diagonal[j] = panel.a[j + j * ld];
            let (beta, tau) = reflector(&mut panel.a[j + 1 + j * ld..n + j * ld]);
            (side[j], taus[j]) = (beta, tau);
            panel.column(i, tau);
        }
        let next = first + width;
        let p = View::columns(&vw[next..], n - next, 2 * width, ld);
        let q = View::columns(&vw[width * ld + next..], n - next, 2 * width, ld);
        let rest = ViewMut::columns(&mut a[next + next * ld..], n - next, n - next, ld);
        gemm(-1.0, p, q.t(), Store::AddLower, rest);
        first = next;
    }
    if n > 0 {
        diagonal[n - 1] = a[n - 1 + (n - 1) * ld];
    }
    Tridiagonal { diagonal, side, columns: a, ld, taus }
}

impl Panel<'_> {
    /// From reflector i of the panel, in its column: column i of W, and the next column of A brought up to date.
    fn column(&mut self, i: usize, tau: f64) {
        let (ld, n, width) = (self.ld, self.n, self.width);
        let j = self.first + i;
        let top = j + 1;
        let size = n - top;
        let parts = if size < ALONE { 1 } else { threads() };
        let pieces = if size < ALONE { 1 } else { FINER * threads() };
        let (v_at, w_at) = (i * ld, (width + i) * ld);
        for copy in [i, 2 * width + i] {
            self.vw[copy * ld + top..copy * ld + n].copy_from_slice(&self.a[top + j * ld..n + j * ld]);
        }
        // A v by parts, W'v and V'v
        let mut products = [0.0; 2 * PANEL];
        {
            let (a, vw) = (&*self.a, &*self.vw);
            let v = &vw[v_at + top..v_at + n];
            let partial = SendPtr::new(self.partial);
            let out = SendPtr::new(&mut products);
            run(pieces, &|part| {
                let (from, to) = (area_bound(size, pieces, part), area_bound(size, pieces, part + 1));
                // SAFETY: one part of `partial` for each task.
                let y = unsafe { partial.slice_mut(part * ld..part * ld + size) };
                y.fill(0.0);
                symmetric_product(&a[top + top * ld..], ld, from, to, v, y);
                let mine = split(2 * i, pieces, part);
                // column l of W in 0..i, then column l - i of V
                for range in [mine.start.min(i)..mine.end.min(i), mine.start.max(i)..mine.end.max(i)] {
                    if range.is_empty() {
                        continue;
                    }
                    let column = if range.start < i { width + range.start } else { range.start - i };
                    // SAFETY: ranges of different tasks are disjoint, and 2 i < 2 PANEL.
                    let dots = unsafe { out.slice_mut(range) };
                    column_dots(&vw[column * ld + top..], ld, v, dots);
                }
            });
        }
        products[..2 * i].iter_mut().for_each(|x| *x = -*x);
        // w = A v - V (W'v) - W (V'v), and v'w
        let mut dots = vec![0.0; parts];
        {
            let (head, tail) = self.vw.split_at_mut(w_at);
            let partial = &*self.partial;
            let w = SendPtr::new(tail);
            let sums = SendPtr::new(&mut dots);
            run(parts, &|part| {
                let rows = split(size, parts, part);
                // SAFETY: rows of different tasks are disjoint.
                let w = unsafe { w.slice_mut(top + rows.start..top + rows.end) };
                w.copy_from_slice(&partial[rows.clone()]);
                for other in 1..pieces {
                    for (w, &y) in w.iter_mut().zip(&partial[other * ld..][rows.clone()]) {
                        *w += y;
                    }
                }
                add_columns(&head[top + rows.start..], ld, &products[..i], w);
                if i > 0 {
                    add_columns(&head[width * ld + top + rows.start..], ld, &products[i..2 * i], w);
                }
                // SAFETY: one element for each task.
                let sum = unsafe { sums.slice_mut(part..part + 1) };
                sum[0] = dot(w, &head[v_at + top..][rows]);
            });
        }
        let shift = -0.5 * tau * tau * dots.iter().sum::<f64>();
        // w <- tau w + shift v; column j + 1 of A -= V W[j + 1]' + W V[j + 1]'
        let more = i + 1 < width;
        let mut factors = [0.0; 2 * PANEL];
        {
            let (head, tail) = self.vw.split_at_mut(w_at);
            for l in 0..=i {
                factors[i + 1 + l] = -head[l * ld + top];
                factors[l] = if l < i { -head[(width + l) * ld + top] } else { 0.0 };
            }
            factors[i] = -(tau * tail[top] + shift * head[v_at + top]);
            let (done, rest) = self.a.split_at_mut(top * ld);
            let v = &done[j * ld + top..j * ld + n];
            let w = SendPtr::new(tail);
            let column = SendPtr::new(rest);
            run(parts, &|part| {
                let rows = split(size, parts, part);
                // SAFETY: rows of different tasks are disjoint.
                let w = unsafe { w.slice_mut(top + rows.start..top + rows.end) };
                for (w, &v) in w.iter_mut().zip(&v[rows.clone()]) {
                    *w = tau * *w + shift * v;
                }
                if more {
                    // SAFETY: as above.
                    let a = unsafe { column.slice_mut(top + rows.start..top + rows.end) };
                    let start = top + rows.start;
                    add_columns(&head[start..], ld, &factors[..=i], a);
                    if i > 0 {
                        add_columns(&head[width * ld + start..], ld, &factors[i + 1..2 * i + 1], a);
                    }
                    add_columns(w, w.len(), &factors[2 * i + 1..2 * i + 2], a);
                }
            });
        }
    }
}
