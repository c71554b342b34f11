//! The secular equation of divide and conquer: 1 + sum_j w_j / (p_j - x) = 0 with rising poles p_j and w_j > 0, one
//! root right of each pole. For eigenvalues the poles are the eigenvalues of the halves; for singular values poles and
//! roots are squares, and everything is said in their square roots, whose differences keep their accuracy.

use learngene_pool::{SendPtr, run, split, threads};
use learngene_simd::{Isa, dispatch};

/// The poles d (or, for `SQUARES`, the square roots of the poles) rising strictly, and the weights, positive.
pub(crate) struct Secular<'a, const SQUARES: bool> {
    pub d: &'a [f64],
    pub weights: &'a [f64],
}

/// Sums of w_j / (p_j - x) and w_j / (p_j - x)² over some poles.
#[derive(Clone, Copy, Default)]
struct Sums {
    value: f64,
    slope: f64,
}

dispatch! {
    fn sums_plain(offsets: &[f64], d: &[f64], weights: &[f64], base: f64, tau: f64) -> Sums = sums_plain_with;
}
#[inline(always)]
fn sums_plain_with<S: Isa>(offsets: &[f64], d: &[f64], weights: &[f64], base: f64, tau: f64) -> Sums {
    sums::<S, false>(offsets, d, weights, base, tau)
}
dispatch! {
    fn sums_squares(offsets: &[f64], d: &[f64], weights: &[f64], base: f64, tau: f64) -> Sums = sums_squares_with;
}
#[inline(always)]
fn sums_squares_with<S: Isa>(offsets: &[f64], d: &[f64], weights: &[f64], base: f64, tau: f64) -> Sums {
    sums::<S, true>(offsets, d, weights, base, tau)
}

/// `offsets[j]` = d[j] - base, the root sought is at base + tau.
#[inline(always)]
fn sums<S: Isa, const SQUARES: bool>(offsets: &[f64], d: &[f64], weights: &[f64], base: f64, tau: f64) -> Sums {
    // compiled for each instruction set, though nothing here asks which
    let _ = S::FMA;
    let term = |offset: f64, d: f64, weight: f64| {
        let gap = offset - tau;
        let gap = if SQUARES { gap * (d + (base + tau)) } else { gap };
        let inverse = 1.0 / gap;
        let value = weight * inverse;
        (value, value * inverse)
    };
    let (offset_blocks, offset_rest) = offsets.as_chunks::<8>();
    let (d_blocks, d_rest) = d.as_chunks::<8>();
    let (weight_blocks, weight_rest) = weights.as_chunks::<8>();
    let mut values = [0.0; 8];
    let mut slopes = [0.0; 8];
    for ((offset, d), weight) in offset_blocks.iter().zip(d_blocks).zip(weight_blocks) {
        for l in 0..8 {
            let (value, slope) = term(offset[l], d[l], weight[l]);
            values[l] += value;
            slopes[l] += slope;
        }
    }
    let mut out = Sums { value: values.iter().sum(), slope: slopes.iter().sum() };
    for ((&offset, &d), &weight) in offset_rest.iter().zip(d_rest).zip(weight_rest) {
        let (value, slope) = term(offset, d, weight);
        out.value += value;
        out.slope += slope;
    }
    out
}

/// A root: base + tau, where base is the nearer of its neighbouring poles.
struct Root {
    base: f64,
    tau: f64,
}

impl<const SQUARES: bool> Secular<'_, SQUARES> {
    /// All roots, rising, into `roots`, and d_j - root_i into `gaps[j + i * ld]`, to high relative accuracy.
    pub fn solve(&self, roots: &mut [f64], gaps: &mut [f64], ld: usize) {
        let n = self.d.len();
        let parts = if n < 32 { 1 } else { (8 * threads()).min(n / 4) };
        let (roots, gaps) = (SendPtr::new(roots), SendPtr::new(gaps));
        run(parts, &|part| {
            for i in split(n, parts, part) {
                // SAFETY: one root and one column for each i, of one task.
                let (out, column) = unsafe { (roots.slice_mut(i..i + 1), gaps.slice_mut(i * ld..i * ld + n)) };
                let root = self.root(i, column);
                out[0] = root.base + root.tau;
                for gap in column {
                    *gap -= root.tau;
                }
            }
        });
    }

    fn sums(&self, offsets: &[f64], range: std::ops::Range<usize>, base: f64, tau: f64) -> Sums {
        let (offsets, d, weights) = (&offsets[range.clone()], &self.d[range.clone()], &self.weights[range]);
        if SQUARES { sums_squares(offsets, d, weights, base, tau) } else { sums_plain(offsets, d, weights, base, tau) }
    }

    /// Root i, right of pole i; leaves d_j - base in `offsets`.
    fn root(&self, i: usize, offsets: &mut [f64]) -> Root {
        let (d, w) = (self.d, self.weights);
        let n = d.len();
        let center = |base: f64, offsets: &mut [f64]| {
            for (offset, &d) in offsets.iter_mut().zip(d) {
                *offset = d - base;
            }
        };
        // between variables: pole - x in x's own terms, and back
        let stretch = |base: f64, tau: f64| if SQUARES { tau * (2.0 * base + tau) } else { tau };
        let shrink = |at: f64, step: f64| if SQUARES { step / (at + (at * at + step).sqrt()) } else { step };

        if n == 1 {
            offsets[0] = 0.0;
            return Root { base: d[0], tau: shrink(d[0], w[0]) };
        }
        let last = i + 1 == n;
        // the poles left and right of the root; for the last root, the last two
        let (p, q) = if last { (n - 2, n - 1) } else { (i, i + 1) };
        let mut base = if last { d[q] } else { d[p] };
        center(base, offsets);
        let width = if last { shrink(d[q], w.iter().sum()) } else { offsets[q] };
        let middle = 0.5 * width;
        let whole = self.sums(offsets, 0..n, base, middle);
        let f = 1.0 + whole.value;
        // everything but the two poles, taken as constant, and the two poles: a quadratic
        let gap_at = |j: usize, offsets: &[f64], base: f64, tau: f64| {
            let gap = offsets[j] - tau;
            if SQUARES { gap * (d[j] + (base + tau)) } else { gap }
        };
        let rest = f - w[p] / gap_at(p, offsets, base, middle) - w[q] / gap_at(q, offsets, base, middle);
        let (mut low, mut high);
        if last {
            (low, high) = if f > 0.0 { (0.0, middle) } else { (middle, width) };
        } else if f > 0.0 {
            (low, high) = (0.0, middle);
        } else {
            base = d[q];
            center(base, offsets);
            (low, high) = (middle - width, 0.0);
        }
        let mut tau = self.first_guess(rest, (p, q), base, last);
        tau = shrink(base, tau);
        if !(tau > low && tau < high) {
            tau = between(low, high);
        }
        let mut before = f64::INFINITY;
        let mut fixed = true;
        for _ in 0..120 {
            let left = self.sums(offsets, 0..p + 1, base, tau);
            let right = self.sums(offsets, p + 1..n, base, tau);
            let f = 1.0 + left.value + right.value;
            let slope = left.slope + right.slope;
            let size = 8.0 * (left.value.abs() + right.value.abs()) + 1.0 + stretch(base, tau).abs() * slope;
            if f.abs() <= f64::EPSILON * size {
                break;
            }
            if f < 0.0 {
                low = low.max(tau);
            } else {
                high = high.min(tau);
            }
            if f.abs() > 0.1 * before {
                fixed = !fixed;
            }
            before = f.abs();
            let (gp, gq) = (gap_at(p, offsets, base, tau), gap_at(q, offsets, base, tau));
            let c = if last || !fixed {
                f - gp * left.slope - gq * right.slope
            } else if base == d[p] {
                f - gq * slope - (gp - gq) * (w[p] / gp) / gp
            } else {
                f - gp * slope - (gq - gp) * (w[q] / gq) / gq
            };
            let a = (gp + gq) * f - gp * gq * slope;
            let b = gp * gq * f;
            let root = (a * a - 4.0 * b * c).abs().sqrt();
            let step = if last {
                if a >= 0.0 { (a + root) / (2.0 * c) } else { 2.0 * b / (a - root) }
            } else if a <= 0.0 {
                (a - root) / (2.0 * c)
            } else {
                2.0 * b / (a + root)
            };
            // a step in the wrong direction is Newton's
            let step = if f * step >= 0.0 { -f / slope } else { step };
            let mut next = tau + shrink(base + tau, step);
            if !(next > low && next < high) {
                next = between(low, high);
            }
            if next == tau || !(next > low && next < high) {
                break;
            }
            tau = next;
        }
        Root { base, tau }
    }

    /// x - base where rest + w_p / (p - x) + w_q / (q - x) = 0, between the poles or right of both.
    fn first_guess(&self, rest: f64, (p, q): (usize, usize), base: f64, last: bool) -> f64 {
        let (wp, wq) = (self.weights[p], self.weights[q]);
        let gap = (self.d[q] - self.d[p]) * if SQUARES { self.d[q] + self.d[p] } else { 1.0 };
        // rest t² - a t + b = 0
        let (a, b) = if base == self.d[p] && !last {
            (rest * gap + wp + wq, wp * gap)
        } else {
            (wp + wq - rest * gap, -wq * gap)
        };
        let root = (a * a - 4.0 * b * rest).abs().sqrt();
        if !last && a > 0.0 {
            2.0 * b / (a + root)
        } else if !last {
            (a - root) / (2.0 * rest)
        } else if a >= 0.0 {
            (a + root) / (2.0 * rest)
        } else {
            2.0 * b / (a - root)
        }
    }
}

/// A point strictly between, nearer to the end that is nearer to zero where they differ much.
fn between(low: f64, high: f64) -> f64 {
    if low == 0.0 {
        return high / 64.0;
    }
    if high == 0.0 {
        return low / 64.0;
    }
    let ratio = high / low;
    if ratio > 0.0 && !(0.25..=4.0).contains(&ratio) {
        return (low.abs().sqrt() * high.abs().sqrt()).copysign(low);
    }
    0.5 * (low + high)
}

dispatch! {
    /// z_j <- the square root of |prod_i (root_i - d_j) / prod_(i != j) (d_i - d_j)| for j in `rows`: the weights whose
    /// exact roots are those found (Gu and Eisenstat 1994), so that vectors made of them are orthogonal.
    fn weights_plain(gaps: &[f64], ld: usize, d: &[f64], roots: &[f64], rows: (usize, usize), z: &mut [f64])
        = weights_plain_with;
}
#[inline(always)]
fn weights_plain_with<S: Isa>(g: &[f64], ld: usize, d: &[f64], roots: &[f64], rows: (usize, usize), z: &mut [f64]) {
    weights::<S, false>(g, ld, d, roots, rows, z);
}
dispatch! {
    /// As [`weights_plain`], of squares.
    fn weights_squares(gaps: &[f64], ld: usize, d: &[f64], roots: &[f64], rows: (usize, usize), z: &mut [f64])
        = weights_squares_with;
}
#[inline(always)]
fn weights_squares_with<S: Isa>(g: &[f64], ld: usize, d: &[f64], roots: &[f64], rows: (usize, usize), z: &mut [f64]) {
    weights::<S, true>(g, ld, d, roots, rows, z);
}

#[inline(always)]
fn weights<S: Isa, const SQUARES: bool>(
    gaps: &[f64],
    ld: usize,
    d: &[f64],
    roots: &[f64],
    (first, last): (usize, usize),
    z: &mut [f64],
) {
    let _ = S::FMA;
    z.fill(1.0);
    let rows = &d[first..last];
    let mut sweep = |range: std::ops::Range<usize>, column: &[f64], pole: f64, root: f64| {
        for ((z, &gap), &row) in z[range.clone()].iter_mut().zip(&column[range.clone()]).zip(&rows[range]) {
            let factor = gap / (row - pole);
            let factor = if SQUARES { factor * ((row + root) / (row + pole)) } else { factor };
            *z *= factor;
        }
    };
    for (i, &root) in roots.iter().enumerate() {
        let column = &gaps[i * ld + first..i * ld + last];
        let own = i.clamp(first, last) - first;
        sweep(0..own, column, d[i], root);
        if i >= first && i < last {
            sweep(own + 1..rows.len(), column, d[i], root);
        } else {
            sweep(own..rows.len(), column, d[i], root);
        }
    }
    for (l, z) in z.iter_mut().enumerate() {
        let j = first + l;
        let own = gaps[j + j * ld];
        let own = if SQUARES { own * (d[j] + roots[j]) } else { own };
        *z = (*z * own).abs().sqrt();
    }
}

/// The weights' square roots that belong to the roots found; see [`weights_plain`].
pub(crate) fn consistent_weights<const SQUARES: bool>(gaps: &[f64], ld: usize, d: &[f64], roots: &[f64]) -> Vec<f64> {
    let n = d.len();
    let mut z = vec![0.0; n];
    let parts = if n < 64 { 1 } else { threads() };
    let out = SendPtr::new(&mut z);
    run(parts, &|part| {
        let rows = split(n, parts, part);
        // SAFETY: one range for each task.
        let z = unsafe { out.slice_mut(rows.clone()) };
        let weights = if SQUARES { weights_squares } else { weights_plain };
        weights(gaps, ld, d, roots, (rows.start, rows.end), z);
    });
    z
}
