//! Where a window over an image reads: shared by convolutions and pooling.

use std::ops::Range;

/// One axis of a sliding window.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    /// Pixels of the input.
    pub size: usize,
    /// Pixels of the output.
    pub out: usize,
    /// Taps of the window.
    pub kernel: usize,
    /// Input pixels from one output pixel to the next.
    pub stride: usize,
    /// Input pixels from one tap to the next.
    pub dilation: usize,
    /// Zeros before the input; those after it follow from the other sizes.
    pub pad: usize,
}

impl Axis {
    /// The taps of an output pixel that meet the input.
    #[inline]
    pub fn taps(&self, out: usize) -> Range<usize> {
        let start = out * self.stride;
        let before = self.pad.saturating_sub(start);
        let inside = (self.size + self.pad).saturating_sub(start);
        if self.dilation == 1 {
            let end = inside.min(self.kernel);
            return before.min(end)..end;
        }
        let end = inside.div_ceil(self.dilation).min(self.kernel);
        before.div_ceil(self.dilation).min(end)..end
    }

    /// The input pixel of a tap that [`Self::taps`] gave.
    #[inline]
    pub fn at(&self, out: usize, tap: usize) -> usize {
        out * self.stride + tap * self.dilation - self.pad
    }

    /// The output pixels whose taps all meet the input.
    pub fn whole(&self) -> Range<usize> {
        let reach = self.kernel.saturating_sub(1) * self.dilation + 1;
        let first = self.pad.div_ceil(self.stride).min(self.out);
        let end = match (self.size + self.pad).checked_sub(reach) {
            Some(last) => (last / self.stride + 1).min(self.out),
            None => first,
        };
        first..end.max(first)
    }

    /// Whether the axis maps pixel to pixel.
    pub fn is_identity(&self) -> bool {
        self.kernel == 1 && self.stride == 1 && self.pad == 0 && self.out == self.size
    }
}

/// A window that slides over images `[batch, height, width, channels]`.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Images.
    pub batch: usize,
    /// Height.
    pub rows: Axis,
    /// Width.
    pub columns: Axis,
    /// Channels of the input.
    pub channels: usize,
}

impl Window {
    /// Elements of the input.
    pub fn inputs(&self) -> usize {
        self.batch * self.rows.size * self.columns.size * self.channels
    }

    /// Pixels of the output of all images.
    pub fn pixels(&self) -> usize {
        self.batch * self.rows.out * self.columns.out
    }

    /// Taps in both directions.
    pub fn taps(&self) -> usize {
        self.rows.kernel * self.columns.kernel
    }

    /// Image, row and column of an output pixel.
    #[inline]
    pub(crate) fn pixel(&self, pixel: usize) -> (usize, usize, usize) {
        let (line, column) = (pixel / self.columns.out, pixel % self.columns.out);
        (line / self.rows.out, line % self.rows.out, column)
    }

    /// The first element of an input pixel.
    #[inline]
    pub(crate) fn input(&self, image: usize, row: usize, column: usize) -> usize {
        ((image * self.rows.size + row) * self.columns.size + column) * self.channels
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// Windows of all kinds over small images.
    pub fn windows() -> Vec<Window> {
        let mut all = Vec::new();
        for (size, kernel, stride, dilation, pads) in [
            (5, 3, 1, 1, (1, 1)),
            (6, 3, 2, 1, (0, 1)),
            (7, 2, 2, 1, (0, 0)),
            (4, 1, 1, 1, (0, 0)),
            (9, 3, 1, 2, (2, 2)),
            (5, 4, 3, 1, (2, 3)),
            (3, 5, 1, 1, (2, 2)),
            (2, 2, 1, 1, (3, 3)),
        ] {
            let reach = (kernel - 1) * dilation + 1;
            let axis = Axis {
                size,
                out: (size + pads.0 + pads.1 - reach) / stride + 1,
                kernel,
                stride,
                dilation,
                pad: pads.0,
            };
            let other = Axis { size: 4, out: 3, kernel: 2, stride: 1, dilation: 1, pad: 0 };
            for (batch, channels) in [(1, 1), (2, 3), (3, 20)] {
                all.push(Window { batch, rows: axis, columns: axis, channels });
                all.push(Window { batch, rows: axis, columns: other, channels });
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_are_those_inside() {
        for window in testing::windows() {
            let axis = window.rows;
            for out in 0..axis.out {
                let inside = |tap: &usize| {
                    let at = (out * axis.stride + tap * axis.dilation) as isize - axis.pad as isize;
                    (0..axis.size as isize).contains(&at)
                };
                let want: Vec<usize> = (0..axis.kernel).filter(inside).collect();
                assert_eq!(axis.taps(out).collect::<Vec<_>>(), want, "{axis:?}");
                assert_eq!(axis.whole().contains(&out), want.len() == axis.kernel, "{axis:?}");
            }
        }
    }
}
