//! Values against doubles, gradients against differences.

use super::*;
use crate::support::testing::{close, values, wide};

fn slow(sizes: &GroupNorm, x: &[f64], gamma: &[f64], beta: &[f64]) -> Vec<f64> {
    let (c, s, width) = (sizes.channels, sizes.pixels, sizes.width());
    let mut y = vec![0.0; x.len()];
    for n in 0..sizes.batch {
        for g in 0..sizes.groups {
            let places: Vec<usize> = (0..s * width).map(|i| (n * s + i / width) * c + g * width + i % width).collect();
            let count = places.len() as f64;
            let mean = places.iter().map(|&i| x[i]).sum::<f64>() / count;
            let variance = places.iter().map(|&i| (x[i] - mean).powi(2)).sum::<f64>() / count;
            for &i in &places {
                let scaled = (x[i] - mean) / (variance + f64::from(sizes.epsilon)).sqrt();
                let z = scaled * gamma[i % c] + beta[i % c];
                y[i] = match sizes.activation {
                    Activation::Linear => z,
                    Activation::Relu => z.max(0.0),
                    Activation::Silu => z / (1.0 + (-z).exp()),
                };
            }
        }
    }
    y
}

#[test]
fn values_and_gradients() {
    for &activation in Activation::ALL {
        values_and_gradients_with(activation);
    }
}

fn values_and_gradients_with(activation: Activation) {
    for (batch, pixels, channels, groups) in
        [(2, 3, 4, 2), (1, 1, 6, 2), (2, 50, 8, 8), (3, 7, 5, 1), (1, 700, 64, 32), (0, 4, 4, 2), (2, 0, 4, 2)]
    {
        let sizes = GroupNorm { batch, pixels, channels, groups, epsilon: 1e-5, activation };
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
        let saved = Saved { x: &x, gamma: &gamma, beta: &beta, mean: &mean, rstd: &rstd };
        group_norm_grad(&sizes, saved, &dy, &mut dx, &mut dgamma, &mut dbeta);
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
