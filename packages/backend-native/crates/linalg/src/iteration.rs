//! Implicit QR iteration on small tridiagonal and bidiagonal matrices, and on large ones where no vectors are wanted.

use crate::Error;
use crate::vector::{rotate, two_columns};

/// Sweeps allowed per value; 2 are usual.
const SWEEPS: usize = 60;

/// Columns that take the rotations: `rows` long, `ld` apart; none where `data` is empty.
pub(crate) struct Columns<'a> {
    pub data: &'a mut [f64],
    pub ld: usize,
    pub rows: usize,
}

impl Columns<'_> {
    pub fn none() -> Self {
        Columns { data: &mut [], ld: 0, rows: 0 }
    }

    /// (x_i, x_j) <- (c x_i + s x_j, c x_j - s x_i).
    pub fn turn(&mut self, i: usize, j: usize, c: f64, s: f64) {
        if !self.data.is_empty() {
            let (x, y) = two_columns(self.data, self.ld, i, j);
            rotate(&mut x[..self.rows], &mut y[..self.rows], c, s);
        }
    }
}

/// (c, s, r) with c f + s g = r and c g - s f = 0.
#[inline]
fn rotation(f: f64, g: f64) -> (f64, f64, f64) {
    if g == 0.0 {
        return (1.0, 0.0, f);
    }
    let square = f * f + g * g;
    let r = if square > 1e-280 && square < 1e280 { square.sqrt() } else { f.hypot(g) };
    (f / r, g / r, r)
}

/// Where |e| is rounding against its neighbours d, or against half an ulp of the matrix.
struct Floor(f64);

impl Floor {
    fn new(d: &[f64], e: &[f64]) -> Self {
        let norm = d.iter().chain(e).fold(0.0f64, |norm, x| norm.max(x.abs()));
        Floor(0.5 * f64::EPSILON * norm)
    }

    fn negligible(&self, d: &[f64], e: &[f64], i: usize) -> bool {
        e[i].abs() <= self.0.max(f64::EPSILON * (d[i].abs() + d[i + 1].abs()))
    }
}

/// Turns the tridiagonal matrix (`d`, `e`) into its eigenvalues in `d`, unsorted, with Wilkinson's shift.
pub(crate) fn tridiagonal(d: &mut [f64], e: &mut [f64], vectors: &mut Columns) -> Result<(), Error> {
    let n = d.len();
    let floor = Floor::new(d, e);
    let mut sweeps = 0;
    let mut high = n.saturating_sub(1);
    while high > 0 {
        if floor.negligible(d, e, high - 1) {
            e[high - 1] = 0.0;
            high -= 1;
            continue;
        }
        let mut low = high - 1;
        while low > 0 && !floor.negligible(d, e, low - 1) {
            low -= 1;
        }
        if low > 0 {
            e[low - 1] = 0.0;
        }
        sweeps += 1;
        if sweeps > SWEEPS * n {
            return Err(Error::NoConvergence { sweeps: SWEEPS * n, values: n });
        }
        let half = (d[high - 1] - d[high]) / 2.0;
        let corner = e[high - 1];
        let shift = d[high] - corner * (corner / (half + half.hypot(corner).copysign(half)));
        let mut x = d[low] - shift;
        let mut z = e[low];
        for i in low..high {
            let (c, s, r) = rotation(x, z);
            if i > low {
                e[i - 1] = r;
            }
            let top = c * d[i] + s * e[i];
            let top_side = c * e[i] + s * d[i + 1];
            let bottom = c * e[i] - s * d[i];
            let bottom_side = c * d[i + 1] - s * e[i];
            d[i] = c * top + s * top_side;
            d[i + 1] = c * bottom_side - s * bottom;
            e[i] = c * top_side - s * top;
            if i + 1 < high {
                x = e[i];
                z = s * e[i + 1];
                e[i + 1] *= c;
            }
            vectors.turn(i, i + 1, c, s);
        }
    }
    Ok(())
}

/// Turns the upper bidiagonal matrix (`d`, `e`) into singular values in `d`, unsorted and signed: Golub and Kahan's
/// shifted sweep, and Demmel and Kahan's (1990) where the shift would be lost or a diagonal element is zero.
pub(crate) fn bidiagonal(d: &mut [f64], e: &mut [f64], left: &mut Columns, right: &mut Columns) -> Result<(), Error> {
    let n = d.len();
    let floor = Floor::new(d, e);
    let mut sweeps = 0;
    let mut high = n.saturating_sub(1);
    while high > 0 {
        if floor.negligible(d, e, high - 1) {
            e[high - 1] = 0.0;
            high -= 1;
            continue;
        }
        let mut low = high - 1;
        while low > 0 && !floor.negligible(d, e, low - 1) {
            low -= 1;
        }
        if low > 0 {
            e[low - 1] = 0.0;
        }
        sweeps += 1;
        if sweeps > SWEEPS * n {
            return Err(Error::NoConvergence { sweeps: SWEEPS * n, values: n });
        }
        let zero = d[low..=high].iter().any(|d| d.abs() <= floor.0);
        let shift = if zero { 0.0 } else { smaller_singular_value(d[high - 1], e[high - 1], d[high]) };
        let ratio = shift / d[low].abs();
        if zero || ratio * ratio < f64::EPSILON {
            plain_sweep(d, e, low, high, left, right);
        } else {
            shifted_sweep(d, e, (low, high, shift), left, right);
        }
    }
    Ok(())
}

/// The smaller singular value of [[f, g], [0, h]], without overflow or cancellation.
fn smaller_singular_value(f: f64, g: f64, h: f64) -> f64 {
    let (small, large, side) = (f.abs().min(h.abs()), f.abs().max(h.abs()), g.abs());
    if small == 0.0 {
        return 0.0;
    }
    let sum = 1.0 + small / large;
    let difference = (large - small) / large;
    if side < large {
        let square = (side / large).powi(2);
        return small * (2.0 / ((sum * sum + square).sqrt() + (difference * difference + square).sqrt()));
    }
    let ratio = large / side;
    let c = 1.0 / ((1.0 + (sum * ratio).powi(2)).sqrt() + (1.0 + (difference * ratio).powi(2)).sqrt());
    2.0 * (small * c * ratio)
}

fn shifted_sweep(
    d: &mut [f64],
    e: &mut [f64],
    (low, high, shift): (usize, usize, f64),
    left: &mut Columns,
    right: &mut Columns,
) {
    let mut f = (d[low].abs() - shift) * (1f64.copysign(d[low]) + shift / d[low]);
    let mut g = e[low];
    for i in low..high {
        let (c, s, r) = rotation(f, g);
        if i > low {
            e[i - 1] = r;
        }
        f = c * d[i] + s * e[i];
        e[i] = c * e[i] - s * d[i];
        g = s * d[i + 1];
        d[i + 1] *= c;
        right.turn(i, i + 1, c, s);
        let (c, s, r) = rotation(f, g);
        d[i] = r;
        f = c * e[i] + s * d[i + 1];
        d[i + 1] = c * d[i + 1] - s * e[i];
        if i + 1 < high {
            g = s * e[i + 1];
            e[i + 1] *= c;
        }
        left.turn(i, i + 1, c, s);
    }
    e[high - 1] = f;
}

fn plain_sweep(d: &mut [f64], e: &mut [f64], low: usize, high: usize, left: &mut Columns, right: &mut Columns) {
    let (mut c, mut old_c, mut old_s) = (1.0, 1.0, 0.0);
    for i in low..high {
        let (new_c, s, r) = rotation(d[i] * c, e[i]);
        c = new_c;
        if i > low {
            e[i - 1] = old_s * r;
        }
        right.turn(i, i + 1, c, s);
        let (turn_c, turn_s, r) = rotation(old_c * r, d[i + 1] * s);
        (old_c, old_s) = (turn_c, turn_s);
        d[i] = r;
        left.turn(i, i + 1, old_c, old_s);
    }
    let last = d[high] * c;
    d[high] = last * old_c;
    e[high - 1] = last * old_s;
}
