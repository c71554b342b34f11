//! Time of convolutions and their gradients: milliseconds, median and best decile.
//!
//! `cargo run --release -p learngene-kernels --example conv [filter] [seconds each]`

use std::time::Instant;

use learngene_kernels::conv::{After, Conv, conv2d, conv2d_filter_grad, conv2d_input_grad};
use learngene_kernels::window::{Axis, Window};

/// Batch, pixels, channels, filters, kernel, stride.
const SHAPES: &[[usize; 6]] = &[
    [24, 64, 48, 48, 3, 1],
    [24, 32, 64, 64, 3, 1],
    [24, 16, 96, 96, 3, 1],
    [24, 8, 96, 96, 3, 1],
    [24, 64, 3, 48, 3, 1],
    [24, 64, 48, 3, 3, 1],
    [24, 64, 48, 64, 3, 2],
    [24, 32, 64, 96, 3, 2],
    [4, 64, 128, 128, 3, 1],
    [1, 256, 64, 64, 3, 1],
    [1, 256, 128, 128, 3, 1],
    [1, 128, 256, 256, 3, 1],
    [1, 64, 512, 512, 3, 1],
    [1, 32, 512, 512, 3, 1],
    [1, 8, 512, 512, 3, 1],
    [1, 8, 64, 64, 3, 1],
    [1, 256, 64, 3, 3, 1],
    [1, 32, 64, 32, 3, 1],
    [24, 32, 64, 64, 1, 1],
];

fn random(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

fn report(name: &str, flop: f64, seconds: f64, mut f: impl FnMut()) {
    f();
    let begin = Instant::now();
    let mut times = Vec::new();
    while times.len() < 3 || begin.elapsed().as_secs_f64() < seconds {
        let start = Instant::now();
        f();
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let (median, best) = (times[times.len() / 2], times[times.len() / 10]);
    println!("{name:<40} {:9.3} {:9.3} ms {:7.1} GFLOP/s of a direct sum", median * 1e3, best * 1e3, flop / best / 1e9);
}

fn main() {
    let filter = std::env::args().nth(1).unwrap_or_default();
    let seconds: f64 = std::env::args().nth(2).and_then(|text| text.parse().ok()).unwrap_or(0.3);
    println!("{:?}, {} threads", learngene_simd::level(), learngene_pool::threads());
    for &[batch, size, channels, filters, kernel, stride] in SHAPES {
        let name = format!("{batch}x{size}x{size}x{channels} to {filters}, {kernel}x{kernel}/{stride}");
        if !name.contains(&filter) {
            continue;
        }
        let axis = Axis { size, out: size.div_ceil(stride), kernel, stride, dilation: 1, pad: kernel / 2 };
        let conv = Conv { window: Window { batch, rows: axis, columns: axis, channels }, filters };
        let (x, w, dy) = (random(conv.window.inputs(), 1), random(conv.weights(), 2), random(conv.outputs(), 3));
        let (mut y, mut dx, mut dw) = (dy.clone(), x.clone(), w.clone());
        let flop = 2.0 * (conv.weights() * conv.window.pixels()) as f64;
        report(&format!("{name} forward"), flop, seconds, || conv2d(&conv, &x, &w, After::default(), &mut y));
        report(&format!("{name} input"), flop, seconds, || conv2d_input_grad(&conv, &dy, &w, &mut dx));
        report(&format!("{name} filter"), flop, seconds, || conv2d_filter_grad(&conv, &x, &dy, &mut dw));
    }
}
