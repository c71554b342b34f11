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

/// Values and gradients by the loop, in doubles.
struct Wanted {
    x: Vec<f32>,
    w: Vec<f32>,
    dy: Vec<f32>,
    y: Vec<f64>,
    dx: Vec<f64>,
    dw: Vec<f64>,
}

fn wanted(conv: &Conv) -> Wanted {
    let x = values(conv.window.inputs(), 1, 1.0);
    let w = values(conv.weights(), 2, 1.0);
    let dy = values(conv.outputs(), 3, 1.0);
    let (mut y, mut dx, mut dw) = (vec![0.0; dy.len()], vec![0.0; x.len()], vec![0.0; w.len()]);
    every(conv, |i, j, k| {
        y[k] += f64::from(x[i]) * f64::from(w[j]);
        dx[i] += f64::from(dy[k]) * f64::from(w[j]);
        dw[j] += f64::from(x[i]) * f64::from(dy[k]);
    });
    Wanted { x, w, dy, y, dx, dw }
}

/// What follows a convolution, its activation in doubles, and whether a residual is added.
type Case<'a> = (After<'a>, fn(f64) -> f64, bool);

fn endings<'a>(bias: &'a [f32], residual: &'a [f32]) -> [Case<'a>; 5] {
    let bias = Some(bias);
    let residual = Some(residual);
    let silu: fn(f64) -> f64 = |v| v / (1.0 + (-v).exp());
    [
        (After { bias, residual: None, activation: None }, |v| v, false),
        (After { bias, residual: None, activation: Some((Unary::Relu, 0.0)) }, |v| v.max(0.0), false),
        (After { bias, residual: None, activation: Some((Unary::Silu, 0.0)) }, silu, false),
        (After { bias, residual, activation: Some((Unary::Relu, 0.0)) }, |v| v.max(0.0), true),
        (After { bias, residual, activation: Some((Unary::Tanh, 0.0)) }, f64::tanh, true),
    ]
}

/// Checks `run` with every ending.
fn check_endings(conv: &Conv, y: &[f64], tolerance: f64, run: &dyn Fn(After<'_>, &mut [f32])) {
    let bias = values(conv.filters, 4, 1.0);
    let residual = values(y.len(), 5, 1.0);
    let mut got = vec![f32::NAN; y.len()];
    run(After::default(), &mut got);
    close(&got, y, tolerance);
    for (after, function, with_residual) in endings(&bias, &residual) {
        let more =
            |k: usize| f64::from(bias[k % conv.filters]) + if with_residual { f64::from(residual[k]) } else { 0.0 };
        let want: Vec<f64> = y.iter().enumerate().map(|(k, y)| function(y + more(k))).collect();
        got.fill(f32::NAN);
        run(after, &mut got);
        close(&got, &want, tolerance);
    }
}

fn check(conv: &Conv) {
    let Wanted { x, w, dy, y, dx, dw } = wanted(conv);
    check_endings(conv, &y, 1e-6, &|after, got| by_patches(conv, &x, &w, Ending::of(after), got));
    let mut got = vec![f32::NAN; x.len()];
    conv2d_input_grad(conv, &dy, &w, &mut got);
    close(&got, &dx, 1e-6);
    let mut got = vec![f32::NAN; w.len()];
    if conv.weights() > 0 && !dy.is_empty() {
        gradients::filter_grad_by_patches(conv, &x, &dy, &mut got);
        close(&got, &dw, 1e-6);
    }
    conv2d_filter_grad(conv, &x, &dy, &mut got);
    close(&got, &dw, 1e-6);
    if lines::fits(conv) {
        check_endings(conv, &y, 1e-6, &|after, got| lines::forward(conv, &x, &w, Ending::of(after), got));
        if lines::has_filter_grad(conv) {
            got.fill(f32::NAN);
            lines::filter_grad(conv, &x, &dy, &mut got);
            close(&got, &dw, 1e-6);
        }
    }
}

/// Tiles of all kinds: images smaller than one, cut off ones, padding of 0 to 2, channels that are no whole register.
#[test]
fn tiles_like_a_loop() {
    let axis = |size: usize, pad: usize, after: usize| Axis {
        size,
        out: size + pad + after - 2,
        kernel: 3,
        stride: 1,
        dilation: 1,
        pad,
    };
    for (batch, rows, columns, channels, filters) in [
        (1, axis(1, 1, 1), axis(2, 1, 1), 16, 16),
        (2, axis(4, 1, 1), axis(8, 1, 1), 16, 32),
        (3, axis(7, 0, 0), axis(6, 2, 2), 20, 9),
        (1, axis(5, 2, 0), axis(9, 0, 2), 1, 1),
        (2, axis(13, 1, 1), axis(5, 0, 1), 33, 48),
        (4, axis(24, 1, 1), axis(24, 1, 1), 17, 31),
        (1, axis(3, 4, 5), axis(3, 5, 4), 16, 3),
    ] {
        let conv = Conv { window: Window { batch, rows, columns, channels }, filters };
        let grid = winograd::Grid::new(&conv).expect("3x3");
        let Wanted { x, w, dy, y, dw, .. } = wanted(&conv);
        check_endings(&conv, &y, 2e-6, &|after, got| winograd::forward(&grid, &x, &w, Ending::of(after), got));
        let mut got = vec![f32::NAN; w.len()];
        winograd::filter_grad(&grid, &x, &dy, &mut got);
        close(&got, &dw, 4e-6);
    }
}

/// The whole way: where tiles are chosen, results are those of patches.
#[test]
fn tiles_are_chosen_for_wide_images() {
    let axis = Axis { size: 30, out: 30, kernel: 3, stride: 1, dilation: 1, pad: 1 };
    let conv = Conv { window: Window { batch: 3, rows: axis, columns: axis, channels: 32 }, filters: 48 };
    assert!(winograd::grid_if_faster(&conv).is_some());
    for other in [
        Axis { stride: 2, out: 15, ..axis },
        Axis { dilation: 2, pad: 2, ..axis },
        Axis { kernel: 1, pad: 0, ..axis },
        Axis { size: 3, out: 3, ..axis },
    ] {
        let window = Window { rows: other, columns: other, ..conv.window };
        assert!(winograd::grid_if_faster(&Conv { window, ..conv }).is_none(), "{other:?}");
    }
    let Wanted { x, w, dy, y, dx, dw } = wanted(&conv);
    check_endings(&conv, &y, 2e-6, &|after, got| conv2d(&conv, &x, &w, after, got));
    let mut got = vec![f32::NAN; x.len()];
    conv2d_input_grad(&conv, &dy, &w, &mut got);
    close(&got, &dx, 2e-6);
    let mut got = vec![f32::NAN; w.len()];
    conv2d_filter_grad(&conv, &x, &dy, &mut got);
    close(&got, &dw, 4e-6);
}

/// Infinities and NaN reach every output that a direct sum gives them to, and none of another tile.
#[test]
fn a_nan_stays_in_its_tiles() {
    let axis = Axis { size: 16, out: 16, kernel: 3, stride: 1, dilation: 1, pad: 1 };
    let conv = Conv { window: Window { batch: 1, rows: axis, columns: axis, channels: 16 }, filters: 16 };
    let (mut x, w) = (values(conv.window.inputs(), 1, 1.0), values(conv.weights(), 2, 1.0));
    x[(5 * 16 + 5) * 16] = f32::NAN; // inside the tile of rows and columns 4 to 7 alone, with its border
    let mut y = vec![0.0; conv.outputs()];
    winograd::forward(&winograd::Grid::new(&conv).expect("3x3"), &x, &w, Ending::of(After::default()), &mut y);
    for (pixel, y) in y.chunks_exact(16).enumerate() {
        let (row, column) = (pixel / 16, pixel % 16);
        let own = (4..8).contains(&row) && (4..8).contains(&column);
        let near = (4..7).contains(&row) && (4..7).contains(&column);
        assert!(own || y.iter().all(|y| y.is_finite()), "{row} {column}");
        assert!(!near || y.iter().all(|y| y.is_nan()), "{row} {column}");
    }
}

#[test]
fn value_and_gradients_like_a_loop() {
    for window in windows() {
        for filters in [1, 5, 16, 17] {
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
