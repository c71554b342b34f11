//! The gradients of a group normalisation.

use learngene_pool::SendPtr;
use learngene_simd::{Isa, dispatch};

use super::{Activation, GroupNorm, rows_of};
use crate::activation::silu_slope;

dispatch! {
    /// dz = dy activation'(z) with z = (x - mean) slope + offset.
    fn through_activation(x: &[f32], dy: &[f32], rows: &[f32], activation: Activation, dz: &mut [f32]) =
        through_activation_with;
}
dispatch! {
    /// Sums of dz and of dz x̂ over the pixels, [2, C].
    fn slopes_of(x: &[f32], dz: &[f32], rows: &[f32], sums: &mut [f32]) = slopes_with;
}
dispatch! {
    /// dx = a dz - (b + (x - mean) c).
    fn input_of(x: &[f32], dz: &[f32], rows: &[f32], dx: &mut [f32]) = input_with;
}
dispatch! {
    /// As [`input_of`], over dz.
    fn input_over(x: &[f32], rows: &[f32], dz: &mut [f32]) = input_over_with;
}

#[inline(always)]
fn through_activation_with<S: Isa>(x: &[f32], dy: &[f32], rows: &[f32], activation: Activation, dz: &mut [f32]) {
    match activation {
        Activation::Linear => dz.copy_from_slice(dy),
        Activation::Relu => through::<S>(x, dy, rows, dz, |z, dy| if z > 0.0 { dy } else { 0.0 }),
        Activation::Silu => through::<S>(x, dy, rows, dz, |z, dy| dy * silu_slope::<S>(z)),
    }
}

#[inline(always)]
fn through<S: Isa>(x: &[f32], dy: &[f32], rows: &[f32], dz: &mut [f32], f: impl Fn(f32, f32) -> f32) {
    let channels = rows.len() / 3;
    let (means, rest) = rows.split_at(channels);
    let (slopes, offsets) = rest.split_at(channels);
    for ((x, dy), dz) in x.chunks_exact(channels).zip(dy.chunks_exact(channels)).zip(dz.chunks_exact_mut(channels)) {
        for (((((dz, &x), &dy), &mean), &slope), &offset) in
            dz.iter_mut().zip(x).zip(dy).zip(means).zip(slopes).zip(offsets)
        {
            *dz = f(S::fma(x - mean, slope, offset), dy);
        }
    }
}

#[inline(always)]
fn slopes_with<S: Isa>(x: &[f32], dz: &[f32], rows: &[f32], sums: &mut [f32]) {
    let channels = sums.len() / 2;
    let (means, rstds) = rows.split_at(channels);
    let (plain, scaled) = sums.split_at_mut(channels);
    plain.fill(0.0);
    scaled.fill(0.0);
    for (x, dz) in x.chunks_exact(channels).zip(dz.chunks_exact(channels)) {
        for (((((plain, scaled), &x), &dz), &mean), &rstd) in
            plain.iter_mut().zip(scaled.iter_mut()).zip(x).zip(dz).zip(means).zip(rstds)
        {
            *plain += dz;
            *scaled = S::fma(dz, (x - mean) * rstd, *scaled);
        }
    }
}

#[inline(always)]
fn input_with<S: Isa>(x: &[f32], dz: &[f32], rows: &[f32], dx: &mut [f32]) {
    dx.copy_from_slice(dz);
    input_over_with::<S>(x, rows, dx);
}

#[inline(always)]
fn input_over_with<S: Isa>(x: &[f32], rows: &[f32], dz: &mut [f32]) {
    let channels = rows.len() / 4;
    let (means, rest) = rows.split_at(channels);
    let (a, rest) = rest.split_at(channels);
    let (b, c) = rest.split_at(channels);
    for (x, dz) in x.chunks_exact(channels).zip(dz.chunks_exact_mut(channels)) {
        for (((((dz, &x), &mean), &a), &b), &c) in dz.iter_mut().zip(x).zip(means).zip(a).zip(b).zip(c) {
            *dz = S::fma(a, *dz, -S::fma(x - mean, c, b));
        }
    }
}

/// What the gradient needs of the forward pass.
#[derive(Clone, Copy, Debug)]
pub struct Saved<'a> {
    /// [N, S, C].
    pub x: &'a [f32],
    /// [C].
    pub gamma: &'a [f32],
    /// [C]; read only where there is an activation.
    pub beta: &'a [f32],
    /// [N, G].
    pub mean: &'a [f32],
    /// 1 / standard deviation, [N, G].
    pub rstd: &'a [f32],
}

/// The gradients of [`super::group_norm`] by x, gamma and beta.
///
/// # Panics
/// Where a length does not fit or the groups do not divide the channels.
pub fn group_norm_grad(
    sizes: &GroupNorm,
    saved: Saved<'_>,
    dy: &[f32],
    dx: &mut [f32],
    dgamma: &mut [f32],
    dbeta: &mut [f32],
) {
    let GroupNorm { batch, channels, groups, activation, .. } = *sizes;
    let Saved { x, gamma, beta, mean, rstd } = saved;
    assert!(groups > 0 && channels.is_multiple_of(groups));
    assert!(x.len() == sizes.len() && dy.len() == x.len() && dx.len() == x.len());
    assert!(gamma.len() == channels && beta.len() == channels);
    assert!(mean.len() == batch * groups && rstd.len() == batch * groups);
    assert!(dgamma.len() == channels && dbeta.len() == channels);
    dgamma.fill(0.0);
    dbeta.fill(0.0);
    if x.is_empty() {
        return;
    }
    let (chunks, width) = (sizes.chunks(), sizes.width());
    let of_sample = |sample: usize| (&mean[sample * groups..][..groups], &rstd[sample * groups..][..groups]);
    let mut sums = vec![0.0; batch * chunks * channels * 2];
    let (all_sums, out) = (SendPtr::new(&mut sums), SendPtr::new(dx));
    let measure = |unit: usize| {
        let (sample, range) = sizes.chunk(unit);
        let (mean, rstd) = of_sample(sample);
        let rows: Vec<f32> = [mean, rstd].iter().flat_map(|of| (0..channels).map(|c| of[c / width])).collect();
        // SAFETY: chunks write disjoint parts of both.
        let (sums, dz) = unsafe {
            (all_sums.slice_mut(unit * channels * 2..(unit + 1) * channels * 2), out.slice_mut(range.clone()))
        };
        let (x, dy) = (&x[range.clone()], &dy[range]);
        if activation == Activation::Linear {
            return slopes_of(x, dy, &rows, sums);
        }
        // dx holds dz until the sums of the sample are known
        through_activation(x, dy, &rows_of(sizes, (mean, rstd), gamma, beta), activation, dz);
        slopes_of(x, dz, &rows, sums);
    };
    // the chunks of a sample are added to its first one
    let merge = |sample: usize| {
        let size = chunks * channels * 2;
        // SAFETY: samples have disjoint sums, and the chunks of this one are measured.
        let own = unsafe { all_sums.slice_mut(sample * size..(sample + 1) * size) };
        let (first, rest) = own.split_at_mut(channels * 2);
        for chunk in rest.chunks_exact(channels * 2) {
            first.iter_mut().zip(chunk).for_each(|(sum, &x)| *sum += x);
        }
    };
    let apply = |unit: usize| {
        let (sample, range) = sizes.chunk(unit);
        let start = sample * chunks * channels * 2;
        // SAFETY: the sums of this sample are final: all chunks only read them; chunks are disjoint parts of dx.
        let (sums, dx) = unsafe { (all_sums.slice(start..start + channels * 2), out.slice_mut(range.clone())) };
        let rows = input_rows(sizes, of_sample(sample), gamma, sums);
        if activation == Activation::Linear {
            input_of(&x[range.clone()], &dy[range], &rows, dx);
        } else {
            input_over(&x[range], &rows, dx);
        }
    };
    sizes.in_order(&measure, &merge, &apply);
    for sample in sums.chunks_exact(chunks * channels * 2) {
        dbeta.iter_mut().zip(&sample[..channels]).for_each(|(sum, &x)| *sum += x);
        dgamma.iter_mut().zip(&sample[channels..2 * channels]).for_each(|(sum, &x)| *sum += x);
    }
}

/// Mean, a, b and c of [`input_of`] for every channel, [4, C].
fn input_rows(sizes: &GroupNorm, (mean, rstd): (&[f32], &[f32]), gamma: &[f32], sums: &[f32]) -> Vec<f32> {
    let (channels, width) = (sizes.channels, sizes.width());
    let count = (sizes.pixels * width) as f32;
    let mut rows = vec![0.0; 4 * channels];
    for group in 0..sizes.groups {
        let own = group * width..(group + 1) * width;
        let weighted = |sums: &[f32]| own.clone().map(|c| gamma[c] * sums[c]).sum::<f32>() / count;
        let (plain, scaled) = (weighted(&sums[..channels]), weighted(&sums[channels..]));
        for c in own {
            rows[c] = mean[group];
            rows[channels + c] = rstd[group] * gamma[c];
            rows[2 * channels + c] = rstd[group] * plain;
            rows[3 * channels + c] = rstd[group] * rstd[group] * scaled;
        }
    }
    rows
}
