//! Images [N, H, W, C] at another size, with gradients.

use learngene_pool::{SendPtr, run, split};

use crate::elementwise::tasks_for;

/// How source pixels are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The nearest pixel.
    Nearest,
    /// A mean of four, weighted by distance.
    Bilinear,
}

/// Sizes and rules of a resize.
#[derive(Clone, Copy, Debug)]
pub struct Resize {
    /// How source pixels are chosen.
    pub method: Method,
    /// Images.
    pub batch: usize,
    /// Height and width of the source.
    pub from: (usize, usize),
    /// Height and width of the result.
    pub to: (usize, usize),
    /// Channels.
    pub channels: usize,
    /// Whether the centres of the corner pixels coincide.
    pub align_corners: bool,
    /// Whether pixels are areas, whose centres lie at halves.
    pub half_pixel_centers: bool,
}

/// The two source pixels of a result pixel, and the weight of the second.
type Source = (usize, usize, f32);

impl Resize {
    fn sources(&self, from: usize, to: usize) -> Vec<Source> {
        let inner = usize::from(self.align_corners && to > 1);
        let ratio = (from - inner) as f64 / (to - inner) as f64;
        let source = |i: usize| match self.method {
            Method::Nearest => {
                let at = ratio * (i as f64 + if self.half_pixel_centers { 0.5 } else { 0.0 });
                // rounding as JavaScript does it
                let at = if self.align_corners { (at + 0.5).floor() } else { at.floor() };
                let at = (at.max(0.0) as usize).min(from - 1);
                (at, at, 0.0)
            }
            Method::Bilinear => {
                let at = if self.half_pixel_centers { ratio * (i as f64 + 0.5) - 0.5 } else { ratio * i as f64 };
                let low = at.floor().max(0.0);
                let high = (at.ceil().max(0.0) as usize).min(from - 1);
                ((low as usize).min(from - 1), high, (at - low) as f32)
            }
        };
        (0..to).map(source).collect()
    }

    /// Elements of the source.
    pub fn inputs(&self) -> usize {
        self.batch * self.from.0 * self.from.1 * self.channels
    }

    /// Elements of the result.
    pub fn outputs(&self) -> usize {
        self.batch * self.to.0 * self.to.1 * self.channels
    }
}

/// y [N, H', W', C] from x [N, H, W, C].
///
/// # Panics
/// Where a length does not fit, or pixels are asked for where there are none.
pub fn resize(sizes: &Resize, x: &[f32], y: &mut [f32]) {
    assert!(x.len() == sizes.inputs() && y.len() == sizes.outputs());
    if y.is_empty() {
        return;
    }
    assert!(!x.is_empty());
    let (rows, columns) = (sizes.sources(sizes.from.0, sizes.to.0), sizes.sources(sizes.from.1, sizes.to.1));
    let line = sizes.to.1 * sizes.channels;
    let source_line = sizes.from.1 * sizes.channels;
    let tasks = tasks_for(y.len());
    let out = SendPtr::new(y);
    run(tasks, &|task| {
        for index in split(sizes.batch * sizes.to.0, tasks, task) {
            // SAFETY: lines are disjoint parts of the output.
            let y = unsafe { out.slice_mut(index * line..(index + 1) * line) };
            let (image, (top, bottom, weight)) = (index / sizes.to.0, rows[index % sizes.to.0]);
            let source = |row: usize| &x[(image * sizes.from.0 + row) * source_line..][..source_line];
            match sizes.method {
                Method::Nearest => nearest_line(source(top), &columns, y),
                Method::Bilinear => bilinear_line(source(top), source(bottom), weight, &columns, y),
            }
        }
    });
}

fn nearest_line(x: &[f32], columns: &[Source], y: &mut [f32]) {
    let channels = y.len() / columns.len();
    for (&(at, _, _), y) in columns.iter().zip(y.chunks_exact_mut(channels)) {
        y.copy_from_slice(&x[at * channels..(at + 1) * channels]);
    }
}

fn bilinear_line(top: &[f32], bottom: &[f32], down: f32, columns: &[Source], y: &mut [f32]) {
    let channels = y.len() / columns.len();
    for (&(left, right, across), y) in columns.iter().zip(y.chunks_exact_mut(channels)) {
        let (a, b) = (&top[left * channels..][..channels], &top[right * channels..][..channels]);
        let (c, d) = (&bottom[left * channels..][..channels], &bottom[right * channels..][..channels]);
        for ((((y, &a), &b), &c), &d) in y.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            let upper = a + (b - a) * across;
            let lower = c + (d - c) * across;
            *y = upper + (lower - upper) * down;
        }
    }
}

/// dx [N, H, W, C]: the gradient of [`resize`], its exact adjoint.
///
/// # Panics
/// Where a length does not fit.
pub fn resize_grad(sizes: &Resize, dy: &[f32], dx: &mut [f32]) {
    assert!(dx.len() == sizes.inputs() && dy.len() == sizes.outputs());
    if dx.is_empty() {
        return;
    }
    let (rows, columns) = (sizes.sources(sizes.from.0, sizes.to.0), sizes.sources(sizes.from.1, sizes.to.1));
    let (line, source_line) = (sizes.to.1 * sizes.channels, sizes.from.1 * sizes.channels);
    let image_size = sizes.from.0 * source_line;
    let tasks = tasks_for(dy.len()).min(sizes.batch);
    let out = SendPtr::new(dx);
    run(tasks, &|task| {
        for image in split(sizes.batch, tasks, task) {
            // SAFETY: images are disjoint parts of the output.
            let dx = unsafe { out.slice_mut(image * image_size..(image + 1) * image_size) };
            dx.fill(0.0);
            for (row, &(top, bottom, down)) in rows.iter().enumerate() {
                let dy = &dy[(image * sizes.to.0 + row) * line..][..line];
                add_line(dy, 1.0 - down, &columns, &mut dx[top * source_line..][..source_line]);
                if sizes.method == Method::Bilinear {
                    add_line(dy, down, &columns, &mut dx[bottom * source_line..][..source_line]);
                }
            }
        }
    });
}

fn add_line(dy: &[f32], weight: f32, columns: &[Source], dx: &mut [f32]) {
    if dy.is_empty() {
        return;
    }
    let channels = dy.len() / columns.len();
    for (&(left, right, across), dy) in columns.iter().zip(dy.chunks_exact(channels)) {
        for (at, share) in [(left, weight * (1.0 - across)), (right, weight * across)] {
            if share != 0.0 {
                for (dx, &dy) in dx[at * channels..(at + 1) * channels].iter_mut().zip(dy) {
                    *dx += share * dy;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::testing::values;

    fn all() -> Vec<Resize> {
        let mut all = Vec::new();
        for method in [Method::Nearest, Method::Bilinear] {
            for (from, to) in [((3, 4), (6, 8)), ((5, 5), (2, 3)), ((1, 1), (4, 3)), ((4, 6), (1, 1)), ((7, 3), (7, 3))]
            {
                for (align_corners, half_pixel_centers) in [(false, false), (true, false), (false, true)] {
                    for (batch, channels) in [(1, 1), (3, 5)] {
                        all.push(Resize { method, batch, from, to, channels, align_corners, half_pixel_centers });
                    }
                }
            }
        }
        all
    }

    #[test]
    fn the_gradient_is_the_adjoint() {
        for sizes in all() {
            let (x, dy) = (values(sizes.inputs(), 1, 1.0), values(sizes.outputs(), 2, 1.0));
            let (mut y, mut dx) = (vec![f32::NAN; dy.len()], vec![f32::NAN; x.len()]);
            resize(&sizes, &x, &mut y);
            resize_grad(&sizes, &dy, &mut dx);
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
            assert!((dot(&y, &dy) - dot(&x, &dx)).abs() < 1e-5, "{sizes:?}");
        }
    }

    #[test]
    fn known_values() {
        let mut y = [0.0; 4];
        let one = Resize {
            method: Method::Bilinear,
            batch: 1,
            from: (1, 2),
            to: (1, 4),
            channels: 1,
            align_corners: false,
            half_pixel_centers: false,
        };
        resize(&one, &[0.0, 1.0], &mut y);
        assert_eq!(y, [0.0, 0.5, 1.0, 1.0]);
        resize(&Resize { half_pixel_centers: true, ..one }, &[0.0, 1.0], &mut y);
        assert_eq!(y, [0.0, 0.25, 0.75, 1.0]);
        resize(&Resize { method: Method::Nearest, ..one }, &[0.0, 1.0], &mut y);
        assert_eq!(y, [0.0, 0.0, 1.0, 1.0]);
    }
}
