//! Group normalisation (Wu and He 2018) of [N, S, C] with gradients; groups are runs of channels.
//!
//! x is read twice: once in chunks that stay in the first cache for means and squares (merged by the formula of Chan,
//! Golub and LeVeque 1979), once to be normalised. Chunks depend on the sizes alone, so results do not depend on the
//! number of threads.

use std::ops::Range;

use learngene_pool::{SendPtr, run, split};
use learngene_simd::{Isa, dispatch, sigmoid};

use crate::elementwise::tasks_for;

mod gradients;
#[cfg(test)]
mod tests;

pub use gradients::{Saved, group_norm_grad};

/// Sizes of a group normalisation.
#[derive(Clone, Copy, Debug)]
pub struct GroupNorm {
    /// N: samples.
    pub batch: usize,
    /// S: pixels of a sample.
    pub pixels: usize,
    /// C: channels.
    pub channels: usize,
    /// G: groups, a divisor of C.
    pub groups: usize,
    /// Added to the variance.
    pub epsilon: f32,
    /// Applied to the result.
    pub activation: Activation,
}

/// What follows a group normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    Linear,
    /// max(x, 0)
    Relu,
    /// x / (1 + e^-x)
    Silu,
}

impl Activation {
    /// All of them; the position is the number that the addon takes.
    pub const ALL: &[Self] = &[Self::Linear, Self::Relu, Self::Silu];
}

/// Numbers in a chunk: 32 KiB.
const CHUNK: usize = 8192;

impl GroupNorm {
    fn len(&self) -> usize {
        self.batch * self.pixels * self.channels
    }

    /// Channels of a group.
    fn width(&self) -> usize {
        self.channels / self.groups
    }

    /// Chunks of a sample.
    fn chunks(&self) -> usize {
        self.pixels.div_ceil((CHUNK / self.channels).max(1))
    }

    /// The elements of a chunk of all samples.
    fn chunk(&self, unit: usize) -> (usize, Range<usize>) {
        let chunks = self.chunks();
        let pixels = split(self.pixels, chunks, unit % chunks);
        let start = unit / chunks * self.pixels;
        (unit / chunks, (start + pixels.start) * self.channels..(start + pixels.end) * self.channels)
    }

    /// Calls `measure` for all chunks, `merge` for all samples, then `apply` for all chunks; each on all threads, or where
    /// there are samples enough, a sample at a time: it is still in the cache when `apply` comes.
    fn in_order(
        &self,
        measure: &(dyn Fn(usize) + Sync),
        merge: &(dyn Fn(usize) + Sync),
        apply: &(dyn Fn(usize) + Sync),
    ) {
        let (chunks, tasks) = (self.chunks(), tasks_for(self.len()));
        if self.batch >= tasks {
            run(tasks, &|task| {
                for sample in split(self.batch, tasks, task) {
                    let units = sample * chunks..(sample + 1) * chunks;
                    units.clone().for_each(measure);
                    merge(sample);
                    units.for_each(apply);
                }
            });
            return;
        }
        let units = self.batch * chunks;
        run(tasks, &|task| split(units, tasks, task).for_each(measure));
        (0..self.batch).for_each(merge);
        run(tasks, &|task| split(units, tasks, task).for_each(apply));
    }
}

dispatch! {
    /// Mean and sum of squared deviations of every group, [G, 2].
    fn moments_of(x: &[f32], width: usize, scratch: &mut [f32], moments: &mut [f32]) = moments_with;
}
dispatch! {
    /// y = activation((x - mean) slope + offset); `rows` has means, slopes and offsets of all channels.
    fn normalise(x: &[f32], rows: &[f32], activation: Activation, y: &mut [f32]) = normalise_with;
}
/// Channels whose sums stay in registers over the pixels of a chunk.
const BLOCK: usize = 64;

/// sums[c] = the sum of term(c, x, sum) over the pixels.
#[inline(always)]
fn down(x: &[f32], channels: usize, sums: &mut [f32], term: impl Fn(usize, f32, f32) -> f32) {
    let mut start = 0;
    let mut blocks = sums.chunks_exact_mut(BLOCK);
    for block in &mut blocks {
        let mut own = [0.0; BLOCK];
        for x in x.chunks_exact(channels) {
            for (i, (sum, &x)) in own.iter_mut().zip(&x[start..start + BLOCK]).enumerate() {
                *sum = term(start + i, x, *sum);
            }
        }
        block.copy_from_slice(&own);
        start += BLOCK;
    }
    let rest = blocks.into_remainder();
    if rest.is_empty() {
        return;
    }
    rest.fill(0.0);
    for x in x.chunks_exact(channels) {
        for (i, (sum, &x)) in rest.iter_mut().zip(&x[start..]).enumerate() {
            *sum = term(start + i, x, *sum);
        }
    }
}

#[inline(always)]
fn moments_with<S: Isa>(x: &[f32], width: usize, scratch: &mut [f32], moments: &mut [f32]) {
    let channels = scratch.len() / 2;
    let (sums, means) = scratch.split_at_mut(channels);
    let count = (x.len() / channels * width) as f32;
    down(x, channels, sums, |_, x, sum| sum + x);
    for ((moments, sums), means) in
        moments.chunks_exact_mut(2).zip(sums.chunks_exact(width)).zip(means.chunks_exact_mut(width))
    {
        moments[0] = sums.iter().sum::<f32>() / count;
        means.fill(moments[0]);
    }
    down(x, channels, sums, |c, x, sum| S::fma(x - means[c], x - means[c], sum));
    for (moments, sums) in moments.chunks_exact_mut(2).zip(sums.chunks_exact(width)) {
        moments[1] = sums.iter().sum();
    }
}

/// y = f((x - mean) slope + offset).
#[inline(always)]
fn normalise_and<S: Isa>(x: &[f32], rows: &[f32], y: &mut [f32], f: impl Fn(f32) -> f32) {
    let channels = rows.len() / 3;
    let (means, rest) = rows.split_at(channels);
    let (slopes, offsets) = rest.split_at(channels);
    for (x, y) in x.chunks_exact(channels).zip(y.chunks_exact_mut(channels)) {
        for ((((y, &x), &mean), &slope), &offset) in y.iter_mut().zip(x).zip(means).zip(slopes).zip(offsets) {
            *y = f(S::fma(x - mean, slope, offset));
        }
    }
}

#[inline(always)]
fn normalise_with<S: Isa>(x: &[f32], rows: &[f32], activation: Activation, y: &mut [f32]) {
    match activation {
        Activation::Linear => normalise_and::<S>(x, rows, y, |y| y),
        Activation::Relu => normalise_and::<S>(x, rows, y, |y| if y < 0.0 { 0.0 } else { y }),
        Activation::Silu => normalise_and::<S>(x, rows, y, |y| y * sigmoid::<S>(y)),
    }
}

/// y = activation((x - mean) rstd gamma + beta) with mean and variance of every group of a sample; also writes `mean` and
/// `rstd` = 1 / √(variance + ε), [N, G] each. gamma and beta are [C].
///
/// # Panics
/// Where a length does not fit or the groups do not divide the channels.
pub fn group_norm(
    sizes: &GroupNorm,
    x: &[f32],
    gamma: &[f32],
    beta: &[f32],
    y: &mut [f32],
    mean: &mut [f32],
    rstd: &mut [f32],
) {
    let GroupNorm { batch, channels, groups, epsilon, .. } = *sizes;
    assert!(groups > 0 && channels.is_multiple_of(groups));
    assert!(x.len() == sizes.len() && y.len() == x.len() && gamma.len() == channels && beta.len() == channels);
    assert!(mean.len() == batch * groups && rstd.len() == batch * groups);
    if x.is_empty() {
        mean.fill(0.0);
        rstd.fill(1.0 / epsilon.sqrt());
        return;
    }
    let chunks = sizes.chunks();
    let mut moments = vec![0.0; batch * chunks * groups * 2];
    let moments = SendPtr::new(&mut moments);
    let (out, means, rstds) = (SendPtr::new(y), SendPtr::new(mean), SendPtr::new(rstd));
    let measure = |unit: usize| {
        // SAFETY: chunks write disjoint parts.
        let moments = unsafe { moments.slice_mut(unit * groups * 2..(unit + 1) * groups * 2) };
        moments_of(&x[sizes.chunk(unit).1], sizes.width(), &mut vec![0.0; 2 * channels], moments);
    };
    let merge = |sample: usize| {
        let own = sample * groups..(sample + 1) * groups;
        // SAFETY: samples have disjoint statistics, and the chunks of this one are measured.
        let (moments, mean, rstd) = unsafe {
            let chunks = own.start * chunks * 2..own.end * chunks * 2;
            (moments.slice_mut(chunks), means.slice_mut(own.clone()), rstds.slice_mut(own))
        };
        merge_moments(sizes, moments, mean, rstd);
    };
    let apply = |unit: usize| {
        let (sample, range) = sizes.chunk(unit);
        let own = sample * groups..(sample + 1) * groups;
        // SAFETY: the statistics of this sample are final; chunks are disjoint parts of the output.
        let (mean, rstd, y) = unsafe { (means.slice(own.clone()), rstds.slice(own), out.slice_mut(range.clone())) };
        normalise(&x[range], &rows_of(sizes, (mean, rstd), gamma, beta), sizes.activation, y);
    };
    sizes.in_order(&measure, &merge, &apply);
}

/// Mean and 1 / standard deviation of the groups of a sample from those of its chunks.
fn merge_moments(sizes: &GroupNorm, moments: &[f32], mean: &mut [f32], rstd: &mut [f32]) {
    let chunks = sizes.chunks();
    for group in 0..sizes.groups {
        let (mut count, mut middle, mut squares) = (0.0f64, 0.0f64, 0.0f64);
        for chunk in 0..chunks {
            let at = (chunk * sizes.groups + group) * 2;
            let more = (split(sizes.pixels, chunks, chunk).len() * sizes.width()) as f64;
            let step = f64::from(moments[at]) - middle;
            squares += f64::from(moments[at + 1]) + step * step * count * more / (count + more);
            count += more;
            middle += step * more / count;
        }
        mean[group] = middle as f32;
        rstd[group] = (1.0 / (squares / count + f64::from(sizes.epsilon)).sqrt()) as f32;
    }
}

/// Mean, slope and offset of every channel, [3, C].
fn rows_of(sizes: &GroupNorm, (mean, rstd): (&[f32], &[f32]), gamma: &[f32], beta: &[f32]) -> Vec<f32> {
    let (channels, width) = (sizes.channels, sizes.width());
    let mut rows = vec![0.0; 3 * channels];
    for c in 0..channels {
        rows[c] = mean[c / width];
        rows[channels + c] = rstd[c / width] * gamma[c];
        rows[2 * channels + c] = beta[c];
    }
    rows
}
