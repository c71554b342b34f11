//! The SVD of a bidiagonal matrix by divide and conquer (Gu and Eisenstat 1995). Blocks are lower bidiagonal with one
//! row more than columns; a block is two such blocks and one column between them.

use learngene_pool::zeros;

use crate::Error;
use crate::iteration::{Columns, bidiagonal};
use crate::merge::{Grouped, Support, Vectors, bound, for_blocks, for_columns, levels, parts, rising};
use crate::secular::{Secular, consistent_weights};
use crate::vector::{dot, rotate, two_columns};
use crate::view::leading;

/// Rows up to this are left to QR iteration.
pub(crate) const LEAF: usize = 32;
/// Rows from which on a merge has all threads for itself.
const LARGE: usize = 192;

/// L = U diag(values) V' for L [n + 1, n]: columns of u [n + 1, n + 1] and v [n, n], `ld` apart, and the columns in the
/// order of rising singular values. The last column of u belongs to none.
pub(crate) struct Decomposed {
    pub values: Vec<f64>,
    pub u: Vec<f64>,
    pub v: Vec<f64>,
    pub ld: usize,
    pub order: Vec<usize>,
}

struct Block<'a> {
    u: Vectors<'a>,
    v: Vectors<'a>,
    values: &'a mut [f64],
    order: &'a mut [usize],
    /// The column between the halves: its elements on and below the diagonal.
    alpha: f64,
    beta: f64,
}

/// Decomposes the lower bidiagonal matrix with `d` on the diagonal and `e` (one fewer) below it.
pub(crate) fn decompose(d: &[f64], e: &[f64], leaf: usize) -> Result<Decomposed, Error> {
    let n = d.len();
    let rows = n + 1;
    let ld = leading(rows);
    let mut below = e.to_vec();
    below.push(0.0);
    // one column and one value too many: every row of blocks then has as many
    let mut u = zeros(ld * rows);
    let mut v = zeros(ld * rows);
    let mut values = vec![0.0; rows];
    let mut order = vec![0; rows];
    let norm = d.iter().chain(e).fold(0.0f64, |norm, x| norm.max(x.abs()));
    let depth = levels(rows, leaf);
    for level in (0..=depth).rev() {
        let bounds: Vec<usize> = (0..=1 << level).map(|index| bound(rows, level, index)).collect();
        let columns = parts(&mut u, ld, &bounds).into_iter().zip(parts(&mut v, ld, &bounds));
        let lists = parts(&mut values, 1, &bounds).into_iter().zip(parts(&mut order, 1, &bounds));
        let blocks: Vec<Block> = columns
            .zip(lists)
            .enumerate()
            .map(|(index, ((u, v), (values, order)))| {
                let (first, middle, end) = (bounds[index], bound(rows, level + 1, 2 * index + 1), bounds[index + 1]);
                let count = end - first - 1;
                let merged = level < depth;
                Block {
                    u: Vectors { data: u, ld, rows: (first, middle, end) },
                    v: Vectors { data: v, ld, rows: (first, middle.max(1) - 1, end - 1) },
                    values: &mut values[..count],
                    order: &mut order[..count],
                    alpha: if merged { d[middle - 1] } else { 0.0 },
                    beta: if merged { below[middle - 1] } else { 0.0 },
                }
            })
            .collect();
        if level == depth {
            let below = &below;
            for_blocks(blocks, true, |block| block.iterate(d, below))?;
        } else {
            for_blocks(blocks, rows >> level < LARGE, |block| {
                block.merge(norm);
                Ok(())
            })?;
        }
    }
    values.truncate(n);
    order.truncate(n);
    Ok(Decomposed { values, u, v, ld, order })
}

impl Block<'_> {
    fn iterate(self, d: &[f64], below: &[f64]) -> Result<(), Error> {
        let (first, _, end) = self.u.rows;
        let (rows, ld) = (end - first, self.u.ld);
        let n = rows - 1;
        for j in 0..rows {
            self.u.data[j * ld + first + j] = 1.0;
            self.v.data[j * ld + first + j] = 1.0;
        }
        let mut left = Columns { data: &mut self.u.data[first..], ld, rows };
        let mut right = Columns { data: &mut self.v.data[first..], ld, rows: n };
        self.values.copy_from_slice(&d[first..first + n]);
        // rotations from the left make it upper bidiagonal
        let mut side = vec![0.0; n];
        for i in 0..n {
            let (diagonal, under) = (self.values[i], below[first + i]);
            if under == 0.0 {
                continue;
            }
            let r = diagonal.hypot(under);
            let (c, s) = (diagonal / r, under / r);
            self.values[i] = r;
            if i + 1 < n {
                side[i] = s * self.values[i + 1];
                self.values[i + 1] *= c;
            }
            left.turn(i, i + 1, c, s);
        }
        bidiagonal(self.values, &mut side[..n.saturating_sub(1)], &mut left, &mut right)?;
        for (j, value) in self.values.iter_mut().enumerate() {
            if value.is_sign_negative() {
                *value = -*value;
                right.data[j * ld..j * ld + n].iter_mut().for_each(|x| *x = -*x);
            }
        }
        rising(self.values, self.order);
        Ok(())
    }

    fn merge(mut self, norm: f64) {
        let (first, middle, end) = self.u.rows;
        let (n, half, ld) = (end - first - 1, middle - first - 1, self.u.ld);
        let (alpha, beta) = (self.alpha, self.beta);
        let tolerance = 8.0 * f64::EPSILON * norm;
        // the middle column in the terms of both halves: z, whose element `half` is that of the two columns of u that
        // belong to no value
        let mut z: Vec<f64> = (0..=n)
            .map(|j| {
                let column = &self.u.data[j * ld..];
                if j <= half { alpha * column[middle - 1] } else { beta * column[middle] }
            })
            .collect();
        let r = z[half].hypot(z[n]);
        let (c, s) = if r > 0.0 { (z[half] / r, z[n] / r) } else { (1.0, 0.0) };
        let (x, y) = two_columns(self.u.data, ld, half, n);
        rotate(&mut x[first..end], &mut y[first..end], c, s);
        z[half] = if r <= tolerance { tolerance } else { r };
        self.values[half] = 0.0;
        // of v, the middle column is new
        let column = &mut self.v.data[half * ld..][..end];
        column[first..].fill(0.0);
        column[middle - 1] = 1.0;
        if norm == 0.0 {
            return rising(self.values, self.order);
        }

        let mut sorted: Vec<usize> = self.order[..half].to_vec();
        sorted.extend(self.order[half + 1..n].iter().map(|&j| j + half + 1));
        sorted.sort_by(|&i, &j| self.values[i].total_cmp(&self.values[j]));
        let mut supports: Vec<Support> =
            (0..n).map(|j| if j < half { Support::Top } else { Support::Bottom }).collect();
        supports[half] = Support::Both;
        let (mut kept, mut deflated) = (vec![half], Vec::new());
        let mut waiting: Option<usize> = None;
        for j in sorted {
            if z[j].abs() <= tolerance {
                deflated.push(j);
                continue;
            }
            if self.values[j] <= tolerance {
                // as good as zero, as the middle column's: turned into it
                let r = z[half].hypot(z[j]);
                let (x, y) = two_columns(self.u.data, ld, half, j);
                rotate(&mut x[first..end], &mut y[first..end], z[half] / r, z[j] / r);
                (z[half], z[j], self.values[j]) = (r, 0.0, 0.0);
                deflated.push(j);
                continue;
            }
            if let Some(i) = waiting {
                if self.values[j] - self.values[i] <= tolerance {
                    let r = z[i].hypot(z[j]);
                    let (c, s) = (z[j] / r, z[i] / r);
                    let (x, y) = two_columns(self.u.data, ld, j, i);
                    rotate(&mut x[first..end], &mut y[first..end], c, s);
                    let (x, y) = two_columns(self.v.data, ld, j, i);
                    rotate(&mut x[first..end - 1], &mut y[first..end - 1], c, s);
                    (z[j], z[i]) = (r, 0.0);
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
        self.solve(&z, &kept, &supports, &deflated);
        rising(self.values, self.order);
    }

    fn solve(&mut self, z: &[f64], kept: &[usize], supports: &[Support], deflated: &[usize]) {
        let k = kept.len();
        let ld = leading(k);
        let d: Vec<f64> = kept.iter().map(|&j| self.values[j]).collect();
        let weights: Vec<f64> = kept.iter().map(|&j| z[j] * z[j]).collect();
        let mut roots = vec![0.0; k];
        let mut s = zeros(ld * k);
        Secular::<true> { d: &d, weights: &weights }.solve(&mut roots, &mut s, ld);
        let mut exact = consistent_weights::<true>(&s, ld, &d, &roots);
        for (exact, &j) in exact.iter_mut().zip(kept) {
            *exact = exact.copysign(z[j]);
        }
        let grouped = Grouped::new(kept.iter().map(|&j| supports[j]));
        let (d_ref, grouped_ref, roots_ref) = (&d, &grouped, &roots);
        // left vectors z_j / (d_j² - root²)
        let left = |i: usize, gaps: &mut [f64], vector: &mut [f64]| {
            for (out, ((&z, &gap), &d)) in vector.iter_mut().zip(exact.iter().zip(&*gaps).zip(d_ref)) {
                *out = z / gap / (d + roots_ref[i]);
            }
            let scale = 1.0 / dot(vector, vector).sqrt();
            for (out, &index) in gaps.iter_mut().zip(&grouped_ref.index) {
                *out = vector[index] * scale;
            }
        };
        for_columns(&mut s, k, left);
        let mut work = Vec::new();
        self.u.multiply(kept, &grouped, &s, deflated, &mut work);
        // right vectors d_j z_j / (d_j² - root²), and -1 for the middle column, whose left element is -z_0 / root²
        let middle = grouped.index.iter().position(|&index| index == 0).unwrap_or(0);
        let poles: Vec<f64> = grouped.index.iter().map(|&index| d[index]).collect();
        for_columns(&mut s, k, |i, vector, _| {
            let head = vector[middle] * roots_ref[i] * roots_ref[i] / exact[0];
            for (x, &pole) in vector.iter_mut().zip(&poles) {
                *x *= pole;
            }
            vector[middle] = head;
            let scale = 1.0 / dot(vector, vector).sqrt();
            vector.iter_mut().for_each(|x| *x *= scale);
        });
        self.v.multiply(kept, &grouped, &s, deflated, &mut work);
        let rest: Vec<f64> = deflated.iter().map(|&j| self.values[j]).collect();
        self.values[..k].copy_from_slice(&roots);
        self.values[k..].copy_from_slice(&rest);
    }
}
