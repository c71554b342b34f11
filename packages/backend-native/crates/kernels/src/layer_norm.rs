//! Layer normalisation over rows with an affine part a group of rows: one for all rows, or adaLN's one a sample.

use learngene_pool::SendPtr;
use learngene_simd::{Isa, dispatch};

use crate::support::{LANES, fold, for_tasks, lanes, lanes_mut, sum_of, with_scratch};

/// Work on a chunk of rows: group, chunk, first row, one past the last.
pub(crate) type Chunk<'a> = dyn Fn(usize, usize, usize, usize) + Sync + 'a;
/// Adds a chunk of rows to sums: group, first row, one past the last, sums.
pub(crate) type Sums<'a> = dyn Fn(usize, usize, usize, &mut [f32]) + Sync + 'a;
/// Fills the factor and the offset of a group.
pub(crate) type Affine<'a> = dyn Fn(usize, &mut [f32], &mut [f32]) + Sync + 'a;

/// How rows share their factor and offset: `groups` times `rows` consecutive rows of `width` values.
#[derive(Clone, Copy, Debug)]
pub struct Grouping {
    /// Number of groups.
    pub groups: usize,
    /// Rows of a group.
    pub rows: usize,
    /// Values of a row.
    pub width: usize,
}

impl Grouping {
    /// Elements of all rows.
    pub fn elements(&self) -> usize {
        self.groups * self.rows * self.width
    }

    /// Rows that one task takes; depends on the shape alone, so that sums over rows do not depend on the threads. At most
    /// 256, so that running sums in f32 do not drift.
    fn chunk(&self) -> usize {
        (16_384 / self.width.max(1)).clamp(64, 256).min(self.rows.max(1))
    }

    /// Chunks of a group.
    pub(crate) fn chunks(&self) -> usize {
        self.rows.div_ceil(self.chunk())
    }

    /// Calls `f(group, chunk, first row, one past the last row)`, rows counted over all groups, for every chunk.
    pub(crate) fn for_chunks(&self, f: &Chunk<'_>) {
        let (size, chunks) = (self.chunk(), self.chunks());
        for_tasks(self.groups * chunks, self.elements(), &|task| {
            let (group, chunk) = (task / chunks, task % chunks);
            let first = group * self.rows + chunk * size;
            f(group, chunk, first, (first + size).min((group + 1) * self.rows));
        });
    }

    /// Runs `f(group, first row, one past the last, sums)` for every chunk, where `sums` are the chunk's `outputs.len()`
    /// zeroed vectors of `width` one after the other, and adds them over the chunks of each group, in order, to outputs
    /// of `groups` rows.
    pub(crate) fn reduce<const K: usize>(&self, outputs: [&mut [f32]; K], f: &Sums<'_>) {
        let (chunks, width) = (self.chunks(), self.width);
        let pointers = outputs.map(|output| {
            assert_eq!(output.len(), self.groups * width);
            if chunks == 0 {
                output.fill(0.0);
            }
            SendPtr::new(output)
        });
        let store = |group: usize, k: usize, sums: &[f32]| {
            // SAFETY: each group is stored by one task, and its rows of the outputs are disjoint and in range.
            let output = unsafe { pointers[k].slice_mut(group * width..(group + 1) * width) };
            output.copy_from_slice(&sums[k * width..(k + 1) * width]);
        };
        if chunks <= 1 {
            self.for_chunks(&|group, _, first, last| {
                with_scratch(K * width, |sums| {
                    sums.fill(0.0);
                    f(group, first, last, sums);
                    (0..K).for_each(|k| store(group, k, sums));
                });
            });
            return;
        }
        with_scratch(self.groups * chunks * K * width, |partial| {
            let parts = SendPtr::new(partial);
            let at = |group: usize, chunk: usize| {
                let start = (group * chunks + chunk) * K * width;
                start..start + K * width
            };
            self.for_chunks(&|group, chunk, first, last| {
                // SAFETY: every chunk has a range of its own.
                let sums = unsafe { parts.slice_mut(at(group, chunk)) };
                sums.fill(0.0);
                f(group, first, last, sums);
            });
            for_tasks(self.groups, self.groups * chunks * K * width, &|group| {
                // SAFETY: the chunks of a group lie side by side and are used by this task alone now.
                let all = unsafe { parts.slice_mut(at(group, 0).start..at(group, chunks - 1).end) };
                // in f64: many like parts in f32 would drift
                let mut total = vec![0.0f64; K * width];
                all.chunks_exact(K * width).for_each(|part| accumulate(part, &mut total));
                let sums = &mut all[..K * width];
                sums.iter_mut().zip(&total).for_each(|(sum, &total)| *sum = total as f32);
                (0..K).for_each(|k| store(group, k, sums));
            });
        });
    }
}

dispatch! {
    fn accumulate(x: &[f32], y: &mut [f64]) = accumulate_with;
}
#[inline(always)]
#[allow(clippy::extra_unused_type_parameters, reason = "`dispatch!` names the instruction set")]
fn accumulate_with<S: Isa>(x: &[f32], y: &mut [f64]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += f64::from(x);
    }
}

#[inline(always)]
fn moments<S: Isa>(x: &[f32], eps: f32) -> (f32, f32) {
    let count = x.len() as f32;
    let mean = sum_of(x, |x, sum| sum + x) / count;
    let variance = sum_of(x, |x, sum| S::fma(x - mean, x - mean, sum)) / count;
    (mean, 1.0 / (variance + eps).sqrt())
}

dispatch! {
    /// y = (x - mean) rstd factor + offset for rows of `factor.len()` values; (mean, rstd) go to `state`.
    fn normalize(x: &[f32], factor: &[f32], offset: &[f32], eps: f32, y: &mut [f32], state: &mut [f32]) = normalize_with;
}
#[inline(always)]
fn normalize_with<S: Isa>(x: &[f32], factor: &[f32], offset: &[f32], eps: f32, y: &mut [f32], state: &mut [f32]) {
    let width = factor.len();
    let rows = x.chunks_exact(width).zip(y.chunks_exact_mut(width)).zip(state.chunks_exact_mut(2));
    for ((x, y), state) in rows {
        let (mean, rstd) = moments::<S>(x, eps);
        state[0] = mean;
        state[1] = rstd;
        for (((y, &x), &factor), &offset) in y.iter_mut().zip(x).zip(factor).zip(offset) {
            *y = S::fma((x - mean) * rstd, factor, offset);
        }
    }
}

dispatch! {
    /// Adds Σ dy to `doffset` and Σ dy xhat to `dfactor`, and writes dx, for rows of `factor.len()` values.
    fn normalize_grad(
        dy: &[f32], x: &[f32], factor: &[f32], state: &[f32],
        dx: &mut [f32], doffset: &mut [f32], dfactor: &mut [f32],
    ) = normalize_grad_with;
}
#[inline(always)]
fn normalize_grad_with<S: Isa>(
    dy: &[f32],
    x: &[f32],
    factor: &[f32],
    state: &[f32],
    dx: &mut [f32],
    doffset: &mut [f32],
    dfactor: &mut [f32],
) {
    let width = factor.len();
    let whole = width - width % LANES;
    let rows = x.chunks_exact(width).zip(dy.chunks_exact(width)).zip(dx.chunks_exact_mut(width));
    for (((x, dy), dx), state) in rows.zip(state.chunks_exact(2)) {
        let (mean, rstd) = (state[0], state[1]);
        let (mut sums, mut dots) = ([0.0; LANES], [0.0; LANES]);
        for at in (0..whole).step_by(LANES) {
            let (x, dy, factor) = (lanes(&x[at..]), lanes(&dy[at..]), lanes(&factor[at..]));
            let (doffset, dfactor) = (lanes_mut(&mut doffset[at..]), lanes_mut(&mut dfactor[at..]));
            for i in 0..LANES {
                let xhat = (x[i] - mean) * rstd;
                let g = dy[i] * factor[i];
                sums[i] += g;
                dots[i] = S::fma(g, xhat, dots[i]);
                doffset[i] += dy[i];
                dfactor[i] = S::fma(dy[i], xhat, dfactor[i]);
            }
        }
        for at in whole..width {
            let xhat = (x[at] - mean) * rstd;
            let g = dy[at] * factor[at];
            sums[at - whole] += g;
            dots[at - whole] = S::fma(g, xhat, dots[at - whole]);
            doffset[at] += dy[at];
            dfactor[at] = S::fma(dy[at], xhat, dfactor[at]);
        }
        let (sum, dot) = (fold(sums) / width as f32, fold(dots) / width as f32);
        // rstd (g - sum - xhat dot)
        for (((dx, &x), &dy), &factor) in dx.iter_mut().zip(x).zip(dy).zip(factor) {
            let xhat = (x - mean) * rstd;
            *dx = rstd * (S::fma(dy, factor, -sum) - xhat * dot);
        }
    }
}

/// Runs [`normalize`] on all rows; `affine(group, factor, offset)` fills the group's two vectors.
pub(crate) fn forward(grouping: Grouping, x: &[f32], eps: f32, y: &mut [f32], state: &mut [f32], affine: &Affine<'_>) {
    let width = grouping.width;
    assert!(x.len() == grouping.elements() && y.len() == x.len() && state.len() == 2 * grouping.groups * grouping.rows);
    if x.is_empty() {
        // rows without values still have a state
        state.fill(0.0);
        return;
    }
    let (y, state) = (SendPtr::new(y), SendPtr::new(state));
    grouping.for_chunks(&|group, _, first, last| {
        // SAFETY: chunks are disjoint runs of rows within the outputs.
        let (y, state) = unsafe { (y.slice_mut(first * width..last * width), state.slice_mut(2 * first..2 * last)) };
        with_scratch(2 * width, |scratch| {
            let (factor, offset) = scratch.split_at_mut(width);
            affine(group, factor, offset);
            normalize(&x[first * width..last * width], factor, offset, eps, y, state);
        });
    });
}

/// Runs [`normalize_grad`] on all rows; `fill(group, factor)` fills the group's factor.
pub(crate) fn backward(
    grouping: Grouping,
    (dy, x, state): (&[f32], &[f32], &[f32]),
    fill: &(dyn Fn(usize, &mut [f32]) + Sync),
    dx: &mut [f32],
    doffset: &mut [f32],
    dfactor: &mut [f32],
) {
    let width = grouping.width;
    assert!(x.len() == grouping.elements() && dy.len() == x.len() && dx.len() == x.len());
    assert_eq!(state.len(), 2 * grouping.groups * grouping.rows);
    if x.is_empty() {
        doffset.fill(0.0);
        dfactor.fill(0.0);
        return;
    }
    let dx = SendPtr::new(dx);
    grouping.reduce([doffset, dfactor], &|group, first, last, sums| {
        let range = first * width..last * width;
        // SAFETY: chunks are disjoint runs of rows within the output.
        let dx = unsafe { dx.slice_mut(range.clone()) };
        let (doffset, dfactor) = sums.split_at_mut(width);
        with_scratch(width, |factor| {
            fill(group, factor);
            normalize_grad(
                &dy[range.clone()],
                &x[range.clone()],
                factor,
                &state[2 * first..2 * last],
                dx,
                doffset,
                dfactor,
            );
        });
    });
}

fn fill_or(values: Option<&[f32]>, other: f32, target: &mut [f32]) {
    match values {
        Some(values) => target.copy_from_slice(values),
        None => target.fill(other),
    }
}

/// y = (x - mean) / sqrt(variance + eps) weight + bias over rows of `width` values; `state` gets (mean, 1 / root) a row.
pub fn layer_norm(
    x: &[f32],
    width: usize,
    weight: Option<&[f32]>,
    bias: Option<&[f32]>,
    eps: f32,
    y: &mut [f32],
    state: &mut [f32],
) {
    let grouping = Grouping { groups: 1, rows: state.len() / 2, width };
    forward(grouping, x, eps, y, state, &|_, factor, offset| {
        fill_or(weight, 1.0, factor);
        fill_or(bias, 0.0, offset);
    });
}

/// The gradient of [`layer_norm`] from its state: dx, and the gradients of weight and bias.
pub fn layer_norm_grad(
    dy: &[f32],
    x: &[f32],
    weight: Option<&[f32]>,
    state: &[f32],
    dx: &mut [f32],
    dweight: &mut [f32],
    dbias: &mut [f32],
) {
    let grouping = Grouping { groups: 1, rows: state.len() / 2, width: dweight.len() };
    backward(grouping, (dy, x, state), &|_, factor| fill_or(weight, 1.0, factor), dx, dbias, dweight);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::testing::{close, values, wide};

    /// The forward pass in f64: y and xhat, and 1 / root a row.
    pub fn reference(x: &[f64], width: usize, eps: f64) -> (Vec<f64>, Vec<f64>) {
        let (mut xhat, mut rstds) = (vec![], vec![]);
        for row in x.chunks(width) {
            let mean = row.iter().sum::<f64>() / width as f64;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
            let rstd = 1.0 / (variance + eps).sqrt();
            xhat.extend(row.iter().map(|x| (x - mean) * rstd));
            rstds.push(rstd);
        }
        (xhat, rstds)
    }

    #[test]
    fn forward_and_gradient_of_any_size() {
        for (rows, width) in [(0, 5), (1, 1), (3, 7), (5, 16), (2, 33), (130, 384), (257, 70)] {
            let (x, dy) = (values(rows * width, 1, 2.0), values(rows * width, 2, 1.0));
            let (weight, bias) = (values(width, 3, 1.0), values(width, 4, 1.0));
            let (mut y, mut state) = (vec![f32::NAN; x.len()], vec![f32::NAN; 2 * rows]);
            layer_norm(&x, width, Some(&weight), Some(&bias), 1e-5, &mut y, &mut state);
            let (xhat, rstds) = reference(&wide(&x), width, 1e-5);
            let at = |i: usize| f64::from(weight[i % width]);
            close(
                &y,
                &xhat.iter().enumerate().map(|(i, x)| x * at(i) + f64::from(bias[i % width])).collect::<Vec<_>>(),
                2e-6,
            );

            let (mut dx, mut dw, mut db) = (vec![f32::NAN; x.len()], vec![f32::NAN; width], vec![f32::NAN; width]);
            layer_norm_grad(&dy, &x, Some(&weight), &state, &mut dx, &mut dw, &mut db);
            let g: Vec<f64> = dy.iter().enumerate().map(|(i, &dy)| f64::from(dy) * at(i)).collect();
            let mut want = vec![];
            for (row, rstd) in rstds.iter().enumerate() {
                let range = row * width..(row + 1) * width;
                let sum = g[range.clone()].iter().sum::<f64>() / width as f64;
                let dot = range.clone().map(|i| g[i] * xhat[i]).sum::<f64>() / width as f64;
                want.extend(range.map(|i| rstd * (g[i] - sum - xhat[i] * dot)));
            }
            close(&dx, &want, if width == 1 { 1.0 } else { 1e-5 });
            let column = |f: &dyn Fn(usize) -> f64| -> Vec<f64> {
                (0..width).map(|d| (0..rows).map(|r| f(r * width + d)).sum()).collect()
            };
            close(&db, &column(&|i| f64::from(dy[i])), 1e-5);
            close(&dw, &column(&|i| f64::from(dy[i]) * xhat[i]), 1e-5);
        }
    }
}
