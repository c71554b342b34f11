//! Values and gradients against plain loops.

use super::*;
use crate::support::testing::{close, values};
use crate::window::Axis;
use crate::window::testing::windows;

/// Calls `f` with the places of every product: in x, in w, in y.
fn every(conv: &Conv, mut f: impl FnMut(usize, usize, usize)) {
    let Conv { window, filters } = conv;
    for pixel in 0..window.pixels() {
        let (image, row, column) = window.pixel(pixel);
        for a in window.rows.taps(row) {
            for b in window.columns.taps(column) {
                let from = window.input(image, window.rows.at(row, a), window.columns.at(column, b));
                for c in 0..window.channels {
                    for o in 0..*filters {
                        let tap = a * window.columns.kernel + b;
                        f(from + c, (tap * window.channels + c) * filters + o, pixel * filters + o);
                    }
                }
            }
        }
    }
}

fn check(conv: &Conv) {
    let x = values(conv.window.inputs(), 1, 1.0);
    let w = values(conv.weights(), 2, 1.0);
    let dy = values(conv.outputs(), 3, 1.0);
    let bias = values(conv.filters, 4, 1.0);
    let (mut y, mut dx, mut dw) = (vec![0.0; dy.len()], vec![0.0; x.len()], vec![0.0; w.len()]);
    every(conv, |i, j, k| {
        y[k] += f64::from(x[i]) * f64::from(w[j]);
        dx[i] += f64::from(dy[k]) * f64::from(w[j]);
        dw[j] += f64::from(x[i]) * f64::from(dy[k]);
    });
    let mut got = vec![f32::NAN; dy.len()];
    conv2d(conv, &x, &w, After::default(), &mut got);
    close(&got, &y, 1e-6);
    let with_bias: Vec<f64> =
        y.iter().enumerate().map(|(k, y)| (y + f64::from(bias[k % conv.filters])).max(0.0)).collect();
    conv2d(conv, &x, &w, After { bias: Some(&bias), activation: Some((Unary::Relu, 0.0)) }, &mut got);
    close(&got, &with_bias, 1e-6);
    let mut got = vec![f32::NAN; x.len()];
    conv2d_input_grad(conv, &dy, &w, &mut got);
    close(&got, &dx, 1e-6);
    let mut got = vec![f32::NAN; w.len()];
    conv2d_filter_grad(conv, &x, &dy, &mut got);
    close(&got, &dw, 1e-6);
}

#[test]
fn value_and_gradients_like_a_loop() {
    for window in windows() {
        for filters in [1, 5, 17] {
            check(&Conv { window, filters });
        }
    }
}

#[test]
fn many_tiles_and_few() {
    let axis = |size: usize, kernel: usize, stride: usize| Axis {
        size,
        out: (size + 2 - kernel) / stride + 1,
        kernel,
        stride,
        dilation: 1,
        pad: 1,
    };
    for (batch, size, stride, channels, filters) in
        [(2, 40, 1, 16, 8), (2, 40, 2, 16, 8), (1, 6, 1, 150, 9), (1, 7, 2, 150, 9)]
    {
        let rows = axis(size, 3, stride);
        check(&Conv { window: Window { batch, rows, columns: rows, channels }, filters });
    }
}

#[test]
fn empty_ones() {
    let axis = Axis { size: 4, out: 4, kernel: 3, stride: 1, dilation: 1, pad: 1 };
    for (batch, channels, filters) in [(0, 2, 3), (1, 0, 3), (1, 2, 0)] {
        check(&Conv { window: Window { batch, rows: axis, columns: axis, channels }, filters });
    }
}
