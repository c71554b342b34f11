//! Convolutions of every channel with filters of its own: x [N, H, W, C], w [KH, KW, C, Q], y [N, OH, OW, C Q].

use std::ops::Range;

use learngene_pool::{SendPtr, run, split, threads};
use learngene_simd::{Isa, dispatch};

use crate::conv::sum_parts;
use crate::elementwise::tasks_for;
use crate::window::Window;

/// Sizes of a depthwise convolution.
#[derive(Clone, Copy, Debug)]
pub struct Depthwise {
    /// The window over the input.
    pub window: Window,
    /// Filters of a channel, Q.
    pub multiplier: usize,
}

impl Depthwise {
    /// Elements of the filter.
    pub fn weights(&self) -> usize {
        self.window.taps() * self.width()
    }

    /// Elements of the output.
    pub fn outputs(&self) -> usize {
        self.window.pixels() * self.width()
    }

    /// Channels of the output.
    fn width(&self) -> usize {
        self.window.channels * self.multiplier
    }

    fn check(&self, x: usize, w: usize, y: usize) {
        assert_eq!(x, self.window.inputs());
        assert_eq!(w, self.weights());
        assert_eq!(y, self.outputs());
    }

    /// Calls `f` with the first elements of pixel in x and tap in w.
    #[inline(always)]
    fn each_tap(&self, pixel: usize, mut f: impl FnMut(usize, usize)) {
        let window = &self.window;
        let (image, row, column) = window.pixel(pixel);
        for row_tap in window.rows.taps(row) {
            for column_tap in window.columns.taps(column) {
                let at = window.input(image, window.rows.at(row, row_tap), window.columns.at(column, column_tap));
                f(at, (row_tap * window.columns.kernel + column_tap) * self.width());
            }
        }
    }
}

dispatch! {
    fn value_part(sizes: &Depthwise, pixels: Range<usize>, x: &[f32], w: &[f32], y: &mut [f32]) = value_with;
}
dispatch! {
    fn input_part(sizes: &Depthwise, pixels: Range<usize>, dy: &[f32], w: &[f32], dx: &mut [f32]) = input_with;
}
dispatch! {
    fn filter_part(sizes: &Depthwise, pixels: Range<usize>, x: &[f32], dy: &[f32], dw: &mut [f32]) = filter_with;
}

/// Channels that stay in registers over a window.
const BLOCK: usize = 64;

#[inline(always)]
fn value_with<S: Isa>(sizes: &Depthwise, pixels: Range<usize>, x: &[f32], w: &[f32], y: &mut [f32]) {
    let (channels, width, q) = (sizes.window.channels, sizes.width(), sizes.multiplier);
    for (pixel, y) in pixels.zip(y.chunks_exact_mut(width)) {
        if q > 1 {
            y.fill(0.0);
            sizes.each_tap(pixel, |at, tap| {
                let (x, w) = (&x[at..at + channels], &w[tap..tap + width]);
                for ((y, &x), w) in y.chunks_exact_mut(q).zip(x).zip(w.chunks_exact(q)) {
                    for (y, &w) in y.iter_mut().zip(w) {
                        *y = S::fma(x, w, *y);
                    }
                }
            });
            continue;
        }
        let mut start = 0;
        let mut blocks = y.chunks_exact_mut(BLOCK);
        for block in &mut blocks {
            let mut sums = [0.0; BLOCK];
            sizes.each_tap(pixel, |at, tap| {
                let (x, w) = (&x[at + start..at + start + BLOCK], &w[tap + start..tap + start + BLOCK]);
                for ((sum, &x), &w) in sums.iter_mut().zip(x).zip(w) {
                    *sum = S::fma(x, w, *sum);
                }
            });
            block.copy_from_slice(&sums);
            start += BLOCK;
        }
        let rest = blocks.into_remainder();
        if rest.is_empty() {
            continue;
        }
        rest.fill(0.0);
        sizes.each_tap(pixel, |at, tap| {
            for ((y, &x), &w) in rest.iter_mut().zip(&x[at + start..at + channels]).zip(&w[tap + start..]) {
                *y = S::fma(x, w, *y);
            }
        });
    }
}

/// `dx` are the images that the pixels belong to.
#[inline(always)]
fn input_with<S: Isa>(sizes: &Depthwise, pixels: Range<usize>, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    let (channels, width, q) = (sizes.window.channels, sizes.width(), sizes.multiplier);
    let base = sizes.window.input(sizes.window.pixel(pixels.start).0, 0, 0);
    for pixel in pixels {
        let dy = &dy[pixel * width..(pixel + 1) * width];
        sizes.each_tap(pixel, |at, tap| {
            let (dx, w) = (&mut dx[at - base..at - base + channels], &w[tap..tap + width]);
            if q == 1 {
                for ((dx, &dy), &w) in dx.iter_mut().zip(dy).zip(w) {
                    *dx = S::fma(dy, w, *dx);
                }
            } else {
                for ((dx, dy), w) in dx.iter_mut().zip(dy.chunks_exact(q)).zip(w.chunks_exact(q)) {
                    *dx += dy.iter().zip(w).map(|(&dy, &w)| dy * w).sum::<f32>();
                }
            }
        });
    }
}

#[inline(always)]
fn filter_with<S: Isa>(sizes: &Depthwise, pixels: Range<usize>, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let (channels, width, q) = (sizes.window.channels, sizes.width(), sizes.multiplier);
    dw.fill(0.0);
    for pixel in pixels {
        let dy = &dy[pixel * width..(pixel + 1) * width];
        sizes.each_tap(pixel, |at, tap| {
            let (x, dw) = (&x[at..at + channels], &mut dw[tap..tap + width]);
            if q == 1 {
                for ((dw, &dy), &x) in dw.iter_mut().zip(dy).zip(x) {
                    *dw = S::fma(dy, x, *dw);
                }
            } else {
                for ((dw, dy), &x) in dw.chunks_exact_mut(q).zip(dy.chunks_exact(q)).zip(x) {
                    for (dw, &dy) in dw.iter_mut().zip(dy) {
                        *dw = S::fma(dy, x, *dw);
                    }
                }
            }
        });
    }
}

/// y = x * w, channel by channel.
///
/// # Panics
/// Where a length does not fit.
pub fn depthwise(sizes: &Depthwise, x: &[f32], w: &[f32], y: &mut [f32]) {
    sizes.check(x.len(), w.len(), y.len());
    if y.is_empty() {
        return;
    }
    let (pixels, width) = (sizes.window.pixels(), sizes.width());
    let tasks = tasks_for(y.len() * sizes.window.taps());
    let out = SendPtr::new(y);
    run(tasks, &|task| {
        let range = split(pixels, tasks, task);
        // SAFETY: pixels of different tasks are disjoint.
        let y = unsafe { out.slice_mut(range.start * width..range.end * width) };
        value_part(sizes, range, x, w, y);
    });
}

/// dx: the gradient of [`depthwise`] by its input.
///
/// # Panics
/// Where a length does not fit.
pub fn depthwise_input_grad(sizes: &Depthwise, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    sizes.check(dx.len(), w.len(), dy.len());
    if dx.is_empty() {
        return;
    }
    let image = dx.len() / sizes.window.batch;
    let pixels = sizes.window.rows.out * sizes.window.columns.out;
    let tasks = tasks_for(dy.len() * sizes.window.taps()).min(sizes.window.batch);
    let out = SendPtr::new(dx);
    run(tasks, &|task| {
        let images = split(sizes.window.batch, tasks, task);
        // SAFETY: images of different tasks are disjoint.
        let dx = unsafe { out.slice_mut(images.start * image..images.end * image) };
        dx.fill(0.0);
        if !images.is_empty() && pixels > 0 && sizes.multiplier > 0 {
            input_part(sizes, images.start * pixels..images.end * pixels, dy, w, dx);
        }
    });
}

/// dw: the gradient of [`depthwise`] by its filter.
///
/// # Panics
/// Where a length does not fit.
pub fn depthwise_filter_grad(sizes: &Depthwise, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    sizes.check(x.len(), dw.len(), dy.len());
    if dw.is_empty() {
        return;
    }
    let pixels = sizes.window.pixels();
    let tasks = threads().min(pixels / 64).max(1);
    let size = dw.len();
    let mut partial = vec![0.0; size * tasks];
    let out = SendPtr::new(&mut partial);
    run(tasks, &|task| {
        // SAFETY: partial sums are disjoint.
        let part = unsafe { out.slice_mut(task * size..(task + 1) * size) };
        filter_part(sizes, split(pixels, tasks, task), x, dy, part);
    });
    sum_parts(&partial, dw);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::testing::{close, values};
    use crate::window::testing::windows;

    #[test]
    fn value_and_gradients_like_a_loop() {
        for window in windows() {
            for multiplier in [1, 3] {
                let sizes = Depthwise { window, multiplier };
                let x = values(window.inputs(), 1, 1.0);
                let w = values(sizes.weights(), 2, 1.0);
                let dy = values(sizes.outputs(), 3, 1.0);
                let (mut y, mut dx, mut dw) = (vec![0.0; dy.len()], vec![0.0; x.len()], vec![0.0; w.len()]);
                for pixel in 0..window.pixels() {
                    sizes.each_tap(pixel, |at, tap| {
                        for j in 0..sizes.width() {
                            let (i, j, k) = (at + j / multiplier, tap + j, pixel * sizes.width() + j);
                            y[k] += f64::from(x[i]) * f64::from(w[j]);
                            dx[i] += f64::from(dy[k]) * f64::from(w[j]);
                            dw[j] += f64::from(dy[k]) * f64::from(x[i]);
                        }
                    });
                }
                let mut got = vec![f32::NAN; y.len()];
                depthwise(&sizes, &x, &w, &mut got);
                close(&got, &y, 1e-6);
                let mut got = vec![f32::NAN; dx.len()];
                depthwise_input_grad(&sizes, &dy, &w, &mut got);
                close(&got, &dx, 1e-6);
                let mut got = vec![f32::NAN; dw.len()];
                depthwise_filter_grad(&sizes, &x, &dy, &mut got);
                close(&got, &dw, 1e-6);
            }
        }
    }
}
