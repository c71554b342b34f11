//! Layer normalisation without affine part, then a shift and a scale a sample: adaLN.

use crate::layer_norm::{Grouping, backward, forward};

/// Samples, tokens and channels of a tensor.
#[derive(Clone, Copy, Debug)]
pub struct Tokens {
    /// N.
    pub samples: usize,
    /// T.
    pub tokens: usize,
    /// D.
    pub width: usize,
}

impl Tokens {
    pub(crate) fn grouping(self) -> Grouping {
        Grouping { groups: self.samples, rows: self.tokens, width: self.width }
    }
}

fn one_plus(scale: &[f32], factor: &mut [f32]) {
    for (factor, &scale) in factor.iter_mut().zip(scale) {
        *factor = 1.0 + scale;
    }
}

/// y = norm(x) (1 + scale) + shift; x, y [N, T, D], shift, scale [N, D]; `state` [N, T, 2] gets mean and 1 / root.
pub fn layer_norm_modulate(
    sizes: Tokens,
    x: &[f32],
    shift: &[f32],
    scale: &[f32],
    eps: f32,
    y: &mut [f32],
    state: &mut [f32],
) {
    let width = sizes.width;
    assert!(shift.len() == sizes.samples * width && scale.len() == shift.len());
    forward(sizes.grouping(), x, eps, y, state, &|sample, factor, offset| {
        let range = sample * width..(sample + 1) * width;
        one_plus(&scale[range.clone()], factor);
        offset.copy_from_slice(&shift[range]);
    });
}

/// The gradient of [`layer_norm_modulate`] from its state.
pub fn layer_norm_modulate_grad(
    sizes: Tokens,
    dy: &[f32],
    x: &[f32],
    scale: &[f32],
    state: &[f32],
    dx: &mut [f32],
    dshift: &mut [f32],
    dscale: &mut [f32],
) {
    let width = sizes.width;
    assert_eq!(scale.len(), sizes.samples * width);
    let fill = |sample: usize, factor: &mut [f32]| one_plus(&scale[sample * width..(sample + 1) * width], factor);
    backward(sizes.grouping(), (dy, x, state), &fill, dx, dshift, dscale);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer_norm::{layer_norm, layer_norm_grad};
    use crate::support::testing::{close, values, wide};

    #[test]
    fn is_the_affine_norm_of_every_sample() {
        for (samples, tokens, width) in [(0, 3, 4), (2, 0, 4), (1, 1, 1), (3, 5, 17), (2, 300, 96), (4, 64, 384)] {
            let sizes = Tokens { samples, tokens, width };
            let size = samples * tokens * width;
            let (x, dy) = (values(size, 1, 3.0), values(size, 2, 1.0));
            let (shift, scale) = (values(samples * width, 3, 1.0), values(samples * width, 4, 1.0));
            let (mut y, mut state) = (vec![f32::NAN; size], vec![f32::NAN; 2 * samples * tokens]);
            layer_norm_modulate(sizes, &x, &shift, &scale, 1e-6, &mut y, &mut state);
            let mut dx = vec![f32::NAN; size];
            let (mut dshift, mut dscale) = (vec![f32::NAN; shift.len()], vec![f32::NAN; shift.len()]);
            layer_norm_modulate_grad(sizes, &dy, &x, &scale, &state, &mut dx, &mut dshift, &mut dscale);
            for n in 0..samples {
                let (rows, channels) = (n * tokens * width..(n + 1) * tokens * width, n * width..(n + 1) * width);
                let weight: Vec<f32> = scale[channels.clone()].iter().map(|scale| 1.0 + scale).collect();
                let (mut y1, mut state1) = (vec![0.0; rows.len()], vec![0.0; 2 * tokens]);
                let x = &x[rows.clone()];
                layer_norm(x, width, Some(&weight), Some(&shift[channels.clone()]), 1e-6, &mut y1, &mut state1);
                close(&y[rows.clone()], &wide(&y1), 1e-6);
                let (mut dx1, mut dw, mut db) = (vec![0.0; rows.len()], vec![0.0; width], vec![0.0; width]);
                layer_norm_grad(&dy[rows.clone()], x, Some(&weight), &state1, &mut dx1, &mut dw, &mut db);
                close(&dx[rows], &wide(&dx1), 1e-6);
                close(&dshift[channels.clone()], &wide(&db), 1e-5);
                close(&dscale[channels], &wide(&dw), 1e-5);
            }
        }
    }
}
