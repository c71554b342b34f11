//! Eigenvalues and vectors of a symmetric tridiagonal matrix by divide and conquer (Cuppen 1981; Gu and Eisenstat
//! 1995): halves that differ from the whole by a matrix of rank 1, merged by the secular equation.

use learngene_pool::zeros;

use crate::Error;
use crate::iteration::{Columns, tridiagonal};
use crate::merge::{Grouped, Support, Vectors, bound, for_blocks, for_columns, levels, parts, rising};
use crate::secular::{Secular, consistent_weights};
use crate::vector::{dot, rotate, two_columns};
use crate::view::leading;

/// Sizes up to this are left to QR iteration.
pub(crate) const LEAF: usize = 32;
/// Sizes from which on a merge has all threads for itself.
const LARGE: usize = 192;

/// Vectors [n, n] with columns `ld` apart, and the columns in the order of rising eigenvalues.
pub(crate) struct Decomposed {
    pub values: Vec<f64>,
    pub vectors: Vec<f64>,
    pub ld: usize,
    pub order: Vec<usize>,
}

struct Block<'a> {
    vectors: Vectors<'a>,
    d: &'a mut [f64],
    order: &'a mut [usize],
    /// The element beside the diagonal that was taken out between the halves.
    side: f64,
}

/// Decomposes the matrix with diagonal `d` and `e` beside it.
pub(crate) fn decompose(mut d: Vec<f64>, mut e: Vec<f64>, leaf: usize) -> Result<Decomposed, Error> {
    let n = d.len();
    let ld = leading(n);
    let mut q = zeros(ld * n);
    let mut order = vec![0; n];
    let norm = d.iter().chain(&e).fold(0.0f64, |norm, x| norm.max(x.abs()));
    let depth = levels(n, leaf);
    for index in 1..1 << depth {
        let at = bound(n, depth, index);
        d[at - 1] -= e[at - 1].abs();
        d[at] -= e[at - 1].abs();
    }
    for level in (0..=depth).rev() {
        let bounds: Vec<usize> = (0..=1 << level).map(|index| bound(n, level, index)).collect();
        let middles = |index: usize| bound(n, level + 1, 2 * index + 1);
        let columns = parts(&mut q, ld, &bounds).into_iter();
        let diagonals = parts(&mut d, 1, &bounds);
        let orders = parts(&mut order, 1, &bounds);
        let blocks: Vec<Block> = columns
            .zip(diagonals)
            .zip(orders)
            .enumerate()
            .map(|(index, ((data, d), order))| {
                let rows = (bounds[index], middles(index), bounds[index + 1]);
                let side = if level < depth { e[rows.1 - 1] } else { 0.0 };
                Block { vectors: Vectors { data, ld, rows }, d, order, side }
            })
            .collect();
        if level == depth {
            let e = &e;
            for_blocks(blocks, true, |block| block.iterate(e))?;
        } else {
            let small = n >> level < LARGE;
            for_blocks(blocks, small, |block| {
                block.merge(norm);
                Ok(())
            })?;
        }
    }
    e.clear();
    Ok(Decomposed { values: d, vectors: q, ld, order })
}

impl Block<'_> {
    fn iterate(self, e: &[f64]) -> Result<(), Error> {
        let Vectors { data, ld, rows: (first, _, end) } = self.vectors;
        for j in 0..end - first {
            data[j * ld + first + j] = 1.0;
        }
        let mut side = e[first..end - 1].to_vec();
        let length = data.len();
        let mut columns = Columns { data: &mut data[first.min(length)..], ld, rows: end - first };
        tridiagonal(self.d, &mut side, &mut columns)?;
        rising(self.d, self.order);
        Ok(())
    }

    fn merge(mut self, norm: f64) {
        let (first, middle, end) = self.vectors.rows;
        let (n, half, ld) = (end - first, middle - first, self.vectors.ld);
        let rho = 2.0 * self.side.abs();
        let root_half = 0.5f64.sqrt();
        let sign = root_half.copysign(self.side);
        let mut z: Vec<f64> = (0..n)
            .map(|j| {
                let column = &self.vectors.data[j * ld..];
                if j < half { column[middle - 1] * root_half } else { column[middle] * sign }
            })
            .collect();
        let mut sorted: Vec<usize> = self.order[..half].to_vec();
        sorted.extend(self.order[half..].iter().map(|&j| j + half));
        sorted.sort_by(|&i, &j| self.d[i].total_cmp(&self.d[j]));
        let tolerance = 8.0 * f64::EPSILON * norm;
        let mut supports: Vec<Support> =
            (0..n).map(|j| if j < half { Support::Top } else { Support::Bottom }).collect();
        let (mut kept, mut deflated) = (Vec::with_capacity(n), Vec::new());
        let mut waiting: Option<usize> = None;
        for j in sorted {
            if rho * z[j].abs() <= tolerance {
                deflated.push(j);
                continue;
            }
            if let Some(i) = waiting {
                let r = z[i].hypot(z[j]);
                let (c, s) = (z[j] / r, z[i] / r);
                let gap = self.d[j] - self.d[i];
                if (gap * c * s).abs() <= tolerance {
                    // two nearly equal eigenvalues: turned so that only one takes part
                    let (x, y) = two_columns(self.vectors.data, ld, j, i);
                    rotate(&mut x[first..end], &mut y[first..end], c, s);
                    (z[j], z[i]) = (r, 0.0);
                    let (low, high) = (self.d[i], self.d[j]);
                    self.d[j] = high * c * c + low * s * s;
                    self.d[i] = high * s * s + low * c * c;
                    if supports[i] != supports[j] {
                        supports[j] = Support::Both;
                    }
                    deflated.push(i);
                } else {
                    kept.push(i);
                }
            }
            waiting = Some(j);
        }
        kept.extend(waiting);
        if !kept.is_empty() {
            self.solve(rho, &z, &kept, &supports, &deflated);
        }
        rising(self.d, self.order);
    }

    fn solve(&mut self, rho: f64, z: &[f64], kept: &[usize], supports: &[Support], deflated: &[usize]) {
        let k = kept.len();
        let ld = leading(k);
        let d: Vec<f64> = kept.iter().map(|&j| self.d[j]).collect();
        let weights: Vec<f64> = kept.iter().map(|&j| rho * z[j] * z[j]).collect();
        let mut roots = vec![0.0; k];
        let mut s = zeros(ld * k);
        Secular::<false> { d: &d, weights: &weights }.solve(&mut roots, &mut s, ld);
        let mut exact = consistent_weights::<false>(&s, ld, &d, &roots);
        for (exact, &j) in exact.iter_mut().zip(kept) {
            *exact = exact.copysign(z[j]);
        }
        let grouped = Grouped::new(kept.iter().map(|&j| supports[j]));
        for_columns(&mut s, k, |_, gaps, vector| {
            for (out, (&z, &gap)) in vector.iter_mut().zip(exact.iter().zip(&*gaps)) {
                *out = z / gap;
            }
            let scale = 1.0 / dot(vector, vector).sqrt();
            for (out, &index) in gaps.iter_mut().zip(&grouped.index) {
                *out = vector[index] * scale;
            }
        });
        let rest: Vec<f64> = deflated.iter().map(|&j| self.d[j]).collect();
        self.vectors.multiply(kept, &grouped, &s, deflated, &mut Vec::new());
        self.d[..k].copy_from_slice(&roots);
        self.d[k..].copy_from_slice(&rest);
    }
}
