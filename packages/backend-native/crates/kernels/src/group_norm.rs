//! Group normalisation (Wu and He 2018) of [N, S, C] with gradients; groups are runs of channels.
//!
//! x is read twice: once in chunks that stay in the first cache for means and squares (merged by the formula of Chan,
//! Golub and LeVeque 1979), once to be normalised. Chunks depend on the sizes alone, so results do not depend on the
//! number of threads.

use std::ops::Range;

use learngene_pool::{SendPtr, run, split};
use learngene_simd::{Isa, dispatch};

use crate::elementwise::tasks_for;

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

    /// Calls `f` for every chunk of all samples, on all threads.
    fn each_chunk(&self, f: &(dyn Fn(usize) + Sync)) {
        let units = self.batch * self.chunks();
        let tasks = tasks_for(self.len());
        run(tasks, &|task| split(units, tasks, task).for_each(f));
    }
}

dispatch! {
    /// Mean and sum of squared deviations of every group, [G, 2].
    fn moments_of(x: &[f32], width: usize, scratch: &mut [f32], moments: &mut [f32]) = moments_with;
}
dispatch! {
    /// y = (x - mean) slope + offset, all but x and y a row of channels.
    fn normalise(x: &[f32], rows: &[f32], y: &mut [f32]) = normalise_with;
}
dispatch! {
    /// Sums of dy and of dy x̂ over the pixels, [2, C].
    fn slopes_of(x: &[f32], dy: &[f32], rows: &[f32], sums: &mut [f32]) = slopes_with;
}
dispatch! {
    /// dx = a dy - (b + x̂ c).
    fn input_of(x: &[f32], dy: &[f32], rows: &[f32], dx: &mut [f32]) = input_with;
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

#[inline(always)]
fn normalise_with<S: Isa>(x: &[f32], rows: &[f32], y: &mut [f32]) {
    let channels = rows.len() / 3;
    let (means, rest) = rows.split_at(channels);
    let (slopes, offsets) = rest.split_at(channels);
    for (x, y) in x.chunks_exact(channels).zip(y.chunks_exact_mut(channels)) {
        for ((((y, &x), &mean), &slope), &offset) in y.iter_mut().zip(x).zip(means).zip(slopes).zip(offsets) {
            *y = S::fma(x - mean, slope, offset);
        }
    }
}

#[inline(always)]
fn slopes_with<S: Isa>(x: &[f32], dy: &[f32], rows: &[f32], sums: &mut [f32]) {
    let channels = sums.len() / 2;
    let (means, rstds) = rows.split_at(channels);
    let (plain, scaled) = sums.split_at_mut(channels);
    plain.fill(0.0);
    scaled.fill(0.0);
    for (x, dy) in x.chunks_exact(channels).zip(dy.chunks_exact(channels)) {
        for (((((plain, scaled), &x), &dy), &mean), &rstd) in
            plain.iter_mut().zip(scaled.iter_mut()).zip(x).zip(dy).zip(means).zip(rstds)
        {
            *plain += dy;
            *scaled = S::fma(dy, (x - mean) * rstd, *scaled);
        }
    }
}

#[inline(always)]
fn input_with<S: Isa>(x: &[f32], dy: &[f32], rows: &[f32], dx: &mut [f32]) {
    let channels = rows.len() / 4;
    let (means, rest) = rows.split_at(channels);
    let (a, rest) = rest.split_at(channels);
    let (b, c) = rest.split_at(channels);
    for ((x, dy), dx) in x.chunks_exact(channels).zip(dy.chunks_exact(channels)).zip(dx.chunks_exact_mut(channels)) {
        for ((((((dx, &x), &dy), &mean), &a), &b), &c) in dx.iter_mut().zip(x).zip(dy).zip(means).zip(a).zip(b).zip(c) {
            *dx = S::fma(a, dy, -S::fma(x - mean, c, b));
        }
    }
}

/// y = (x - mean) rstd gamma + beta with mean and variance of every group of a sample; also writes `mean` and
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
        let (mean, rstd, y) =
            unsafe { (means.slice_mut(own.clone()), rstds.slice_mut(own), out.slice_mut(range.clone())) };
        normalise(&x[range], &rows_of(sizes, (mean, rstd), gamma, beta), y);
    };
    let tasks = tasks_for(x.len());
    if batch >= tasks {
        // a sample at a time: it is still in the cache when it is normalised
        run(tasks, &|task| {
            for sample in split(batch, tasks, task) {
                let units = sample * chunks..(sample + 1) * chunks;
                units.clone().for_each(measure);
                merge(sample);
                units.for_each(apply);
            }
        });
        return;
    }
    sizes.each_chunk(&measure);
    (0..batch).for_each(merge);
    sizes.each_chunk(&apply);
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

/// The gradients of [`group_norm`] by x, gamma and beta, from its statistics.
///
/// # Panics
/// Where a length does not fit or the groups do not divide the channels.
pub fn group_norm_grad(
    sizes: &GroupNorm,
    (x, dy, gamma): (&[f32], &[f32], &[f32]),
    (mean, rstd): (&[f32], &[f32]),
    dx: &mut [f32],
    dgamma: &mut [f32],
    dbeta: &mut [f32],
) {
    let GroupNorm { batch, pixels, channels, groups, .. } = *sizes;
    assert!(groups > 0 && channels.is_multiple_of(groups));
    assert!(x.len() == sizes.len() && dy.len() == x.len() && dx.len() == x.len() && gamma.len() == channels);
    assert!(mean.len() == batch * groups && rstd.len() == batch * groups);
    assert!(dgamma.len() == channels && dbeta.len() == channels);
    dgamma.fill(0.0);
    dbeta.fill(0.0);
    if x.is_empty() {
        return;
    }
    let (chunks, width) = (sizes.chunks(), sizes.width());
    let mut sums = vec![0.0; batch * chunks * channels * 2];
    let out = SendPtr::new(&mut sums);
    sizes.each_chunk(&|unit| {
        let (sample, range) = sizes.chunk(unit);
        let mut rows = vec![0.0; 2 * channels];
        for c in 0..channels {
            rows[c] = mean[sample * groups + c / width];
            rows[channels + c] = rstd[sample * groups + c / width];
        }
        // SAFETY: chunks write disjoint parts.
        let sums = unsafe { out.slice_mut(unit * channels * 2..(unit + 1) * channels * 2) };
        slopes_of(&x[range.clone()], &dy[range], &rows, sums);
    });
    // the chunks of a sample are added to its first one, all samples to the parameters
    for sample in sums.chunks_exact_mut(chunks * channels * 2) {
        let (first, rest) = sample.split_at_mut(channels * 2);
        for chunk in rest.chunks_exact(channels * 2) {
            first.iter_mut().zip(chunk).for_each(|(sum, &x)| *sum += x);
        }
        dbeta.iter_mut().zip(&first[..channels]).for_each(|(sum, &x)| *sum += x);
        dgamma.iter_mut().zip(&first[channels..]).for_each(|(sum, &x)| *sum += x);
    }
    let count = (pixels * width) as f32;
    let out = SendPtr::new(dx);
    sizes.each_chunk(&|unit| {
        let (sample, range) = sizes.chunk(unit);
        let sums = &sums[sample * chunks * channels * 2..][..channels * 2];
        let mut rows = vec![0.0; 4 * channels];
        for group in 0..groups {
            let own = group * width..(group + 1) * width;
            let weighted = |sums: &[f32]| own.clone().map(|c| gamma[c] * sums[c]).sum::<f32>() / count;
            let (plain, scaled) = (weighted(&sums[..channels]), weighted(&sums[channels..]));
            let (mean, rstd) = (mean[sample * groups + group], rstd[sample * groups + group]);
            for c in own {
                rows[c] = mean;
                rows[channels + c] = rstd * gamma[c];
                rows[2 * channels + c] = rstd * plain;
                rows[3 * channels + c] = rstd * rstd * scaled;
            }
        }
        // SAFETY: chunks are disjoint parts of the output.
        let dx = unsafe { out.slice_mut(range.clone()) };
        input_of(&x[range.clone()], &dy[range], &rows, dx);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::testing::{close, values, wide};

    fn slow(sizes: &GroupNorm, x: &[f64], gamma: &[f64], beta: &[f64]) -> Vec<f64> {
        let (c, s, width) = (sizes.channels, sizes.pixels, sizes.width());
        let mut y = vec![0.0; x.len()];
        for n in 0..sizes.batch {
            for g in 0..sizes.groups {
                let places: Vec<usize> =
                    (0..s * width).map(|i| (n * s + i / width) * c + g * width + i % width).collect();
                let count = places.len() as f64;
                let mean = places.iter().map(|&i| x[i]).sum::<f64>() / count;
                let variance = places.iter().map(|&i| (x[i] - mean).powi(2)).sum::<f64>() / count;
                for &i in &places {
                    let scaled = (x[i] - mean) / (variance + f64::from(sizes.epsilon)).sqrt();
                    y[i] = scaled * gamma[i % c] + beta[i % c];
                }
            }
        }
        y
    }

    #[test]
    fn values_and_gradients() {
        for (batch, pixels, channels, groups) in
            [(2, 3, 4, 2), (1, 1, 6, 2), (2, 50, 8, 8), (3, 7, 5, 1), (1, 700, 64, 32), (0, 4, 4, 2), (2, 0, 4, 2)]
        {
            let sizes = GroupNorm { batch, pixels, channels, groups, epsilon: 1e-5 };
            let x: Vec<f32> = values(sizes.len(), 1, 2.0).iter().map(|x| x + 3.0).collect();
            let (gamma, beta) = (values(channels, 2, 1.0), values(channels, 3, 1.0));
            let dy = values(sizes.len(), 4, 1.0);
            let mut y = vec![f32::NAN; x.len()];
            let (mut mean, mut rstd) = (vec![f32::NAN; batch * groups], vec![f32::NAN; batch * groups]);
            group_norm(&sizes, &x, &gamma, &beta, &mut y, &mut mean, &mut rstd);
            let (x64, gamma64, beta64) = (wide(&x), wide(&gamma), wide(&beta));
            close(&y, &slow(&sizes, &x64, &gamma64, &beta64), 1e-5);
            let mut dx = vec![f32::NAN; x.len()];
            let (mut dgamma, mut dbeta) = (vec![f32::NAN; channels], vec![f32::NAN; channels]);
            group_norm_grad(&sizes, (&x, &dy, &gamma), (&mean, &rstd), &mut dx, &mut dgamma, &mut dbeta);
            if pixels > 50 {
                continue;
            }
            let loss = |x: &[f64], gamma: &[f64], beta: &[f64]| -> f64 {
                slow(&sizes, x, gamma, beta).iter().zip(&dy).map(|(y, &dy)| y * f64::from(dy)).sum()
            };
            let difference = |at: &dyn Fn(f64) -> f64| (at(1e-5) - at(-1e-5)) / 2e-5;
            let moved = |values: &[f64], i: usize, step: f64| {
                let mut values = values.to_vec();
                values[i] += step;
                values
            };
            let want: Vec<f64> =
                (0..x.len()).map(|i| difference(&|h| loss(&moved(&x64, i, h), &gamma64, &beta64))).collect();
            close(&dx, &want, 2e-4);
            let want: Vec<f64> =
                (0..channels).map(|i| difference(&|h| loss(&x64, &moved(&gamma64, i, h), &beta64))).collect();
            close(&dgamma, &want, 2e-4);
            let want: Vec<f64> =
                (0..channels).map(|i| difference(&|h| loss(&x64, &gamma64, &moved(&beta64, i, h)))).collect();
            close(&dbeta, &want, 2e-4);
        }
    }
}
