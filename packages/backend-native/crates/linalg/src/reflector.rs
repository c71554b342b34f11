//! Householder reflectors H = I - tau v v', alone and in blocks I - V T V' (Schreiber and Van Loan 1989).

use learngene_pool::{SendPtr, run, split, zeros};

use crate::gemm::{Store, gemm};
use crate::vector::{dot, scale};
use crate::view::{View, ViewMut, leading};

/// Reflectors that are applied at once.
const BLOCK: usize = 96;

/// Turns `x` into v, v[0] = 1, and returns (beta, tau) with (I - tau v v') x = beta e_0. tau = 0 where only x[0] is not
/// zero.
pub(crate) fn reflector(x: &mut [f64]) -> (f64, f64) {
    let Some((first, tail)) = x.split_first_mut() else { return (0.0, 0.0) };
    let head = *first;
    let Some(norm) = x_norm(tail) else {
        *first = 1.0;
        return (head, 0.0);
    };
    let beta = -head.hypot(norm).copysign(head);
    if beta.abs() < 1e-280 {
        // near the subnormal numbers: at another scale
        scale(x, 2f64.powi(600));
        let (beta, tau) = reflector(x);
        return (beta * 2f64.powi(-600), tau);
    }
    *first = 1.0;
    scale(tail, 1.0 / (head - beta));
    (beta, (beta - head) / beta)
}

/// The Euclidean norm, without underflow; nothing for zeros.
fn x_norm(x: &[f64]) -> Option<f64> {
    let square = dot(x, x);
    if square > 1e-280 && square < 1e280 {
        return Some(square.sqrt());
    }
    let largest = x.iter().fold(0.0f64, |largest, x| largest.max(x.abs()));
    if largest == 0.0 {
        return None;
    }
    let sum: f64 = x.iter().map(|x| (x / largest) * (x / largest)).sum();
    Some(largest * sum.sqrt())
}

/// Reflectors below one another: v_j has its leading 1 in row j + `shift` of column j of `columns`.
pub(crate) struct Reflectors<'a> {
    pub columns: &'a [f64],
    pub ld: usize,
    pub shift: usize,
    /// Rows of the space they act on.
    pub rows: usize,
    pub taus: &'a [f64],
}

impl Reflectors<'_> {
    /// c <- H_0 H_1 ... c for the columns of `c` [rows, count], `ldc` apart.
    pub fn apply(&self, c: &mut [f64], ldc: usize, count: usize) {
        self.apply_from(c, ldc, count, |_| 0);
    }

    /// The first `count` columns of H_0 H_1 ..., in `q` [rows, count], `ldq` apart.
    pub fn form(&self, q: &mut [f64], ldq: usize, count: usize) {
        for j in 0..count {
            let column = &mut q[j * ldq..j * ldq + self.rows];
            column.fill(0.0);
            column[j] = 1.0;
        }
        // reflectors from j on leave the unit columns before j + shift alone
        self.apply_from(q, ldq, count, |first| (first + self.shift).min(count));
    }

    fn apply_from(&self, c: &mut [f64], ldc: usize, count: usize, first_column: impl Fn(usize) -> usize) {
        let blocks = self.taus.len().div_ceil(BLOCK);
        // the last blocks, which come first, are the smallest
        let mut scratch = Scratch::with_room(self.rows, count, self.taus.len().min(BLOCK));
        for block in (0..blocks).rev() {
            let first = block * BLOCK;
            let last = (first + BLOCK).min(self.taus.len());
            let row = first + self.shift;
            let from = first_column(first);
            if row >= self.rows || from >= count {
                continue;
            }
            scratch.load(self, first, last);
            let out = ViewMut::columns(&mut c[row + from * ldc..], self.rows - row, count - from, ldc);
            scratch.apply(out, false);
        }
    }
}

/// One block of reflectors with its triangle, and space to apply it.
#[derive(Default)]
pub(crate) struct Scratch {
    v: Vec<f64>,
    t: Vec<f64>,
    vt: Vec<f64>,
    product: Vec<f64>,
    rows: usize,
    count: usize,
}

impl Scratch {
    /// Room for blocks of `block` reflectors in `rows` rows that are applied to `columns` columns.
    fn with_room(rows: usize, columns: usize, block: usize) -> Self {
        let room = |words: usize| {
            let mut memory = zeros(words * block);
            memory.clear();
            memory
        };
        Self { v: room(leading(rows)), vt: room(leading(rows)), product: room(columns), ..Self::default() }
    }

    /// Takes reflectors `first..last`, as a unit lower trapezoid, and forms T and V T.
    pub fn load(&mut self, from: &Reflectors, first: usize, last: usize) {
        let (rows, count) = (from.rows - first - from.shift, last - first);
        let ld = leading(rows);
        (self.rows, self.count) = (rows, count);
        self.v.resize(ld * count, 0.0);
        for (j, v) in self.v.chunks_exact_mut(ld).enumerate() {
            let column = &from.columns[(first + j) * from.ld..][..from.rows];
            let zeros = j.min(rows);
            v[..zeros].fill(0.0);
            if zeros < rows {
                v[zeros] = 1.0;
                v[zeros + 1..rows].copy_from_slice(&column[first + from.shift + zeros + 1..]);
            }
        }
        self.t.resize(count * count, 0.0);
        let v = View::columns(&self.v, rows, count, ld);
        let mut gram = vec![0.0; count * count];
        gemm(1.0, v.t(), v, Store::Replace, ViewMut::columns(&mut gram, count, count, count));
        triangle(&gram, &from.taus[first..last], &mut self.t);
        self.vt.resize(ld * count, 0.0);
        let t = View::columns(&self.t, count, count, count);
        gemm(1.0, v, t, Store::Replace, ViewMut::columns(&mut self.vt, rows, count, ld));
    }

    /// c -= V T V' c, or with T' where `transposed`.
    pub fn apply(&mut self, c: ViewMut, transposed: bool) {
        let ld = leading(self.rows);
        let v = View::columns(&self.v, self.rows, self.count, ld);
        let vt = View::columns(&self.vt, self.rows, self.count, ld);
        let (first, second) = if transposed { (vt, v) } else { (v, vt) };
        let columns = c.cols;
        self.product.resize(self.count * columns, 0.0);
        let whole = View::new(c.data, c.rows, c.cols, c.rs, c.cs);
        let product = ViewMut::columns(&mut self.product, self.count, columns, self.count);
        gemm(1.0, first.t(), whole, Store::Replace, product);
        let product = View::columns(&self.product, self.count, columns, self.count);
        gemm(-1.0, second, product, Store::Add, c);
    }
}

/// T of I - V T V' from the Gram matrix V'V.
fn triangle(gram: &[f64], taus: &[f64], t: &mut [f64]) {
    let n = taus.len();
    t.fill(0.0);
    for (j, &tau) in taus.iter().enumerate() {
        for i in 0..j {
            let sum: f64 = (i..j).map(|l| t[i + l * n] * gram[l + j * n]).sum();
            t[i + j * n] = -tau * sum;
        }
        t[j + j * n] = tau;
    }
}

/// Elements of a matrix below which a transposition or copy is done by one thread.
const ALONE: usize = 1 << 16;

/// to[j * ldt + i] = from[i * ldf + j] for i < rows, j < cols: tile by tile, so that neither side is walked against
/// the cache. `order` names the row of `from` for each i.
pub(crate) fn transpose(
    from: &[f64],
    ldf: usize,
    to: &mut [f64],
    ldt: usize,
    (rows, cols): (usize, usize),
    order: impl Fn(usize) -> usize + Sync,
) {
    if rows == 0 || cols == 0 {
        return;
    }
    assert!(to.len() >= (cols - 1) * ldt + rows, "the transpose fits");
    const TILE: usize = 16;
    let tiles = cols.div_ceil(TILE);
    let parts = if rows * cols < ALONE { 1 } else { (8 * learngene_pool::threads()).min(tiles) };
    let out = SendPtr::new(to);
    run(parts, &|part| {
        let bands = split(tiles, parts, part);
        for i0 in (0..rows).step_by(TILE) {
            let height = TILE.min(rows - i0);
            let mut lines = [from; TILE];
            for (i, line) in lines.iter_mut().enumerate().take(height) {
                *line = &from[order(i0 + i) * ldf..][..cols];
            }
            for j0 in bands.clone().map(|band| band * TILE) {
                for j in j0..(j0 + TILE).min(cols) {
                    // SAFETY: each row of `to` belongs to one task; it fits, as checked above.
                    let target = unsafe { out.slice_mut(j * ldt + i0..j * ldt + i0 + height) };
                    for (target, line) in target.iter_mut().zip(&lines) {
                        *target = line[j];
                    }
                }
            }
        }
    });
}
