//! Normalisation of channels with given statistics.

use learngene_pool::{SendPtr, run, split};
use learngene_simd::{Isa, dispatch};

use crate::elementwise::tasks_for;

dispatch! {
    fn rows(x: &[f32], mean: &[f32], slope: &[f32], offset: &[f32], y: &mut [f32]) = rows_with;
}

#[inline(always)]
fn rows_with<S: Isa>(x: &[f32], mean: &[f32], slope: &[f32], offset: &[f32], y: &mut [f32]) {
    let channels = mean.len();
    for (x, y) in x.chunks_exact(channels).zip(y.chunks_exact_mut(channels)) {
        for ((((y, &x), &mean), &slope), &offset) in y.iter_mut().zip(x).zip(mean).zip(slope).zip(offset) {
            *y = S::fma(x - mean, slope, offset);
        }
    }
}

/// y = (x - mean) scale / √(variance + ε) + offset, `x [..., C]`, all others [C]; scale and offset may be left out.
///
/// # Panics
/// Where a length does not fit.
pub fn batch_norm(
    x: &[f32],
    (mean, variance): (&[f32], &[f32]),
    (scale, offset): (Option<&[f32]>, Option<&[f32]>),
    epsilon: f32,
    y: &mut [f32],
) {
    let channels = mean.len();
    assert!(x.len() == y.len() && variance.len() == channels);
    assert!(scale.is_none_or(|scale| scale.len() == channels) && offset.is_none_or(|offset| offset.len() == channels));
    if y.is_empty() {
        return;
    }
    assert!(y.len().is_multiple_of(channels));
    let slope: Vec<f32> = (0..channels)
        .map(|c| scale.map_or(1.0, |scale| f64::from(scale[c])) / (f64::from(variance[c]) + f64::from(epsilon)).sqrt())
        .map(|slope| slope as f32)
        .collect();
    let zeros;
    let offset = match offset {
        Some(offset) => offset,
        None => {
            zeros = vec![0.0; channels];
            &zeros
        }
    };
    let count = x.len() / channels;
    let tasks = tasks_for(x.len());
    let out = SendPtr::new(y);
    run(tasks, &|task| {
        let range = split(count, tasks, task);
        let range = range.start * channels..range.end * channels;
        // SAFETY: rows of different tasks are disjoint.
        let y = unsafe { out.slice_mut(range.clone()) };
        rows(&x[range], mean, &slope, offset, y);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises_channels() {
        let x = [1.0, 2.0, 3.0, 4.0];
        let mut y = [0.0; 4];
        batch_norm(&x, (&[1.0, 2.0], &[3.0, 0.0]), (Some(&[2.0, 3.0]), Some(&[0.5, 1.0])), 1.0, &mut y);
        assert_eq!(y, [0.5, 1.0, 2.5, 7.0]);
        batch_norm(&x, (&[1.0, 2.0], &[3.0, 0.0]), (None, None), 1.0, &mut y);
        assert_eq!(y, [0.0, 0.0, 1.0, 2.0]);
        batch_norm(&[], (&[], &[]), (None, None), 1.0, &mut []);
    }
}
