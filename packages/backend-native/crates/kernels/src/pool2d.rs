//! Largest numbers and means in windows over images [N, H, W, C], with gradients.

use std::ops::Range;

use learngene_pool::{SendPtr, run, split};
use learngene_simd::{Isa, dispatch};

use crate::elementwise::tasks_for;
use crate::window::Window;

/// What a window is pooled to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// The largest number (NaN does not count).
    Max,
    /// The mean of the numbers inside the image.
    Average,
}

dispatch! {
    /// The output rows `lines` of all images.
    fn pool_lines(pool: Pool, window: &Window, lines: Range<usize>, x: &[f32], y: &mut [f32]) = pool_lines_with;
}

/// Channels that stay in registers over a window.
const BLOCK: usize = 64;
/// Taps of a window from which on its mean is added in f64.
const LARGE: usize = 1024;

#[inline(always)]
#[allow(clippy::extra_unused_type_parameters)] // dispatch! names the level
fn pool_lines_with<S: Isa>(pool: Pool, window: &Window, lines: Range<usize>, x: &[f32], y: &mut [f32]) {
    let out = window.columns.out;
    for (line, y) in lines.zip(y.chunks_exact_mut(out * window.channels)) {
        let (image, row) = (line / window.rows.out, line % window.rows.out);
        for (column, y) in y.chunks_exact_mut(window.channels).enumerate() {
            let mut blocks = y.chunks_exact_mut(BLOCK);
            let mut start = 0;
            for block in &mut blocks {
                let mut sums = [pool.start(); BLOCK];
                pool_block(pool, window, (image, row, column), start, x, &mut sums);
                block.copy_from_slice(&sums);
                start += BLOCK;
            }
            let rest = blocks.into_remainder();
            if rest.is_empty() {
                continue;
            }
            rest.fill(pool.start());
            pool_block(pool, window, (image, row, column), start, x, rest);
        }
    }
}

impl Pool {
    fn start(self) -> f32 {
        if self == Pool::Max { f32::NEG_INFINITY } else { 0.0 }
    }
}

/// The channels from `start` on of one output pixel.
#[inline(always)]
fn pool_block(
    pool: Pool,
    window: &Window,
    (image, row, column): (usize, usize, usize),
    start: usize,
    x: &[f32],
    y: &mut [f32],
) {
    let (row_taps, column_taps) = (window.rows.taps(row), window.columns.taps(column));
    let count = row_taps.len() * column_taps.len();
    if pool == Pool::Average && count > LARGE {
        return average_block(window, (image, row, column), start, x, y);
    }
    for row_tap in row_taps {
        for column_tap in column_taps.clone() {
            let at = window.input(image, window.rows.at(row, row_tap), window.columns.at(column, column_tap));
            let x = &x[at + start..at + start + y.len()];
            if pool == Pool::Max {
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = if x > *y { x } else { *y };
                }
            } else {
                for (y, &x) in y.iter_mut().zip(x) {
                    *y += x;
                }
            }
        }
    }
    if pool == Pool::Average {
        let count = count as f32;
        y.iter_mut().for_each(|y| *y /= count);
    }
}

/// The mean over a large window, added in f64: a running sum in f32 drifts.
fn average_block(window: &Window, (image, row, column): (usize, usize, usize), start: usize, x: &[f32], y: &mut [f32]) {
    let (row_taps, column_taps) = (window.rows.taps(row), window.columns.taps(column));
    let count = (row_taps.len() * column_taps.len()) as f64;
    let mut sums = [0.0f64; BLOCK];
    for row_tap in row_taps {
        for column_tap in column_taps.clone() {
            let at = window.input(image, window.rows.at(row, row_tap), window.columns.at(column, column_tap));
            for (sum, &x) in sums.iter_mut().zip(&x[at + start..at + start + y.len()]) {
                *sum += f64::from(x);
            }
        }
    }
    for (y, sum) in y.iter_mut().zip(sums) {
        *y = (sum / count) as f32;
    }
}

/// y [N, OH, OW, C] from x [N, H, W, C].
///
/// # Panics
/// Where a length does not fit.
pub fn pool2d(pool: Pool, window: &Window, x: &[f32], y: &mut [f32]) {
    let channels = window.channels;
    assert_eq!(x.len(), window.inputs());
    assert_eq!(y.len(), window.pixels() * channels);
    if y.is_empty() {
        return;
    }
    let tasks = tasks_for(y.len() * window.taps());
    let out = SendPtr::new(y);
    run(tasks, &|task| {
        let lines = split(window.batch * window.rows.out, tasks, task);
        let line = window.columns.out * channels;
        // SAFETY: rows of different tasks are disjoint.
        let y = unsafe { out.slice_mut(lines.start * line..lines.end * line) };
        pool_lines(pool, window, lines, x, y);
    });
}

/// dx [N, H, W, C]: the gradient of [`pool2d`]. Of equal largest numbers the first in the window gets all.
///
/// # Panics
/// Where a length does not fit.
pub fn pool2d_grad(pool: Pool, window: &Window, x: &[f32], dy: &[f32], dx: &mut [f32]) {
    let channels = window.channels;
    assert!(dx.len() == window.inputs() && (pool == Pool::Average || x.len() == dx.len()));
    assert_eq!(dy.len(), window.pixels() * channels);
    if dx.is_empty() {
        return;
    }
    let image_size = window.rows.size * window.columns.size * channels;
    let pixels = window.rows.out * window.columns.out;
    let tasks = tasks_for(dy.len() * window.taps()).min(window.batch);
    let out = SendPtr::new(dx);
    run(tasks, &|task| {
        let mut best = vec![(0.0, usize::MAX); channels];
        for image in split(window.batch, tasks, task) {
            // SAFETY: images are disjoint parts of the output.
            let dx = unsafe { out.slice_mut(image * image_size..(image + 1) * image_size) };
            dx.fill(0.0);
            for pixel in image * pixels..(image + 1) * pixels {
                let dy = &dy[pixel * channels..(pixel + 1) * channels];
                match pool {
                    Pool::Max => max_pixel(window, pixel, &x[image * image_size..], dy, dx, &mut best),
                    Pool::Average => average_pixel(window, pixel, dy, dx),
                }
            }
        }
    });
}

/// Calls `f` with where in its image every tap of an output pixel begins.
#[inline(always)]
fn each_tap(window: &Window, pixel: usize, mut f: impl FnMut(usize)) {
    let (_, row, column) = window.pixel(pixel);
    for row_tap in window.rows.taps(row) {
        for column_tap in window.columns.taps(column) {
            f(window.input(0, window.rows.at(row, row_tap), window.columns.at(column, column_tap)));
        }
    }
}

fn max_pixel(window: &Window, pixel: usize, x: &[f32], dy: &[f32], dx: &mut [f32], best: &mut [(f32, usize)]) {
    best.fill((f32::NEG_INFINITY, usize::MAX));
    each_tap(window, pixel, |from| {
        for (c, (best, &x)) in best.iter_mut().zip(&x[from..from + window.channels]).enumerate() {
            if x > best.0 {
                *best = (x, from + c);
            }
        }
    });
    for (&(_, at), &dy) in best.iter().zip(dy) {
        if at != usize::MAX {
            dx[at] += dy;
        }
    }
}

fn average_pixel(window: &Window, pixel: usize, dy: &[f32], dx: &mut [f32]) {
    let (_, row, column) = window.pixel(pixel);
    let share = 1.0 / (window.rows.taps(row).len() * window.columns.taps(column).len()) as f32;
    each_tap(window, pixel, |to| {
        for (dx, &dy) in dx[to..to + window.channels].iter_mut().zip(dy) {
            *dx += dy * share;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::testing::{close, values, wide};
    use crate::window::Axis;
    use crate::window::testing::windows;

    #[test]
    fn means_of_large_windows_stay_accurate() {
        let axis = Axis { size: 700, out: 1, kernel: 700, stride: 1, dilation: 1, pad: 0 };
        for channels in [1, 3, 64, 70] {
            let window = Window { batch: 1, rows: axis, columns: axis, channels };
            let x = vec![0.1f32; window.inputs()];
            let mut y = vec![f32::NAN; channels];
            pool2d(Pool::Average, &window, &x, &mut y);
            assert!(y.iter().all(|&y| (y / 0.1 - 1.0).abs() < 2e-7));
        }
    }

    #[test]
    fn values_and_gradients_like_a_loop() {
        for window in windows() {
            let channels = window.channels;
            let x = values(window.inputs(), 5, 1.0);
            let dy = values(window.pixels() * channels, 6, 1.0);
            let (mut largest, mut mean) = (vec![0.0; dy.len()], vec![0.0; dy.len()]);
            let (mut max_dx, mut mean_dx) = (vec![0.0; x.len()], vec![0.0; x.len()]);
            for pixel in 0..window.pixels() {
                let image = window.pixel(pixel).0 * window.rows.size * window.columns.size * channels;
                for c in 0..channels {
                    let mut places = Vec::new();
                    each_tap(&window, pixel, |at| places.push(image + at + c));
                    let k = pixel * channels + c;
                    let best = places.iter().copied().reduce(|a, b| if x[b] > x[a] { b } else { a });
                    largest[k] = best.map_or(f64::NEG_INFINITY, |at| f64::from(x[at]));
                    mean[k] = places.iter().map(|&at| f64::from(x[at])).sum::<f64>() / places.len() as f64;
                    if let Some(at) = best {
                        max_dx[at] += f64::from(dy[k]);
                    }
                    places.iter().for_each(|&at| mean_dx[at] += f64::from(dy[k]) / places.len() as f64);
                }
            }
            let mut y = vec![9.0; dy.len()];
            pool2d(Pool::Max, &window, &x, &mut y);
            assert_eq!(wide(&y), largest);
            let mut dx = vec![f32::NAN; x.len()];
            pool2d_grad(Pool::Max, &window, &x, &dy, &mut dx);
            close(&dx, &max_dx, 1e-6);
            pool2d_grad(Pool::Average, &window, &[], &dy, &mut dx);
            close(&dx, &mean_dx, 1e-6);
            pool2d(Pool::Average, &window, &x, &mut y);
            for (&y, want) in y.iter().zip(mean) {
                assert!((f64::from(y) - want).abs() < 1e-6 || (y.is_nan() && want.is_nan()));
            }
        }
    }
}
