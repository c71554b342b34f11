//! Convolutions of few channels, one row of the output at a time: the patches of neighbours overlap in the lines that they
//! are taken from, and are read from there.

use learngene_gemm::{MOST_LINES, WindowFilter, Windows, add_window_gradient, has_window_gradient};
use learngene_pool::{SendPtr, run, split, threads};

use super::Conv;
use super::ending::Ending;
use super::gradients::sum_parts;
use crate::support::with_scratch;

/// Output rows that share a copy of their input rows between zeros.
const ROWS: usize = 8;
/// Numbers of the largest filter, 128 KiB: all of it stays in the second cache.
const WEIGHTS: usize = 32 << 10;

/// Whether the columns of the window lie side by side, and the filter is small.
pub(super) fn fits(conv: &Conv) -> bool {
    let window = &conv.window;
    let side_by_side = window.columns.dilation == 1 || window.columns.kernel == 1;
    !conv.is_pointwise() && side_by_side && window.rows.kernel <= MOST_LINES && (1..=WEIGHTS).contains(&conv.weights())
}

/// A block of output rows of one image: its input rows are copied once, between zeros.
struct Blocks<'a> {
    conv: &'a Conv,
    /// Blocks of an image.
    each: usize,
    /// Numbers of an input row that windows read, with the zeros around it.
    line: usize,
}

impl<'a> Blocks<'a> {
    fn new(conv: &'a Conv) -> Self {
        let (rows, columns, channels) = (&conv.window.rows, &conv.window.columns, conv.window.channels);
        let line = ((columns.out - 1) * columns.stride + columns.kernel) * channels;
        Self { conv, each: rows.out.div_ceil(ROWS), line }
    }

    fn count(&self) -> usize {
        self.conv.window.batch * self.each
    }

    /// Numbers of the copied lines of a block.
    fn memory(&self) -> usize {
        let rows = &self.conv.window.rows;
        ((ROWS - 1) * rows.stride + (rows.kernel - 1) * rows.dilation + 1) * self.line
    }

    /// Calls `f` for every output row of a block, with where the row starts in the output and its windows.
    fn rows(&self, x: &[f32], block: usize, memory: &mut [f32], mut f: impl FnMut(usize, Windows<'_>)) {
        let Conv { window, filters } = self.conv;
        let (rows, columns) = (&window.rows, &window.columns);
        let (image, own) = (block / self.each, split(rows.out, self.each, block % self.each));
        let first = own.start * rows.stride; // counted with the padding
        copy_lines(self.conv, x, image, first, memory, self.line);
        for row in own {
            let from = row * rows.stride - first;
            let mut lines = [(0, &memory[..0]); MOST_LINES];
            let taps = rows.taps(row);
            for (slot, tap) in lines.iter_mut().zip(taps.clone()) {
                *slot = (tap, &memory[(from + tap * rows.dilation) * self.line..][..self.line]);
            }
            let (step, lines) = (columns.stride * window.channels, &lines[..taps.len()]);
            f((image * rows.out + row) * columns.out * filters, Windows { rows: columns.out, step, lines });
        }
    }
}

/// y = after(x * w); the sizes were checked.
pub(super) fn forward(conv: &Conv, x: &[f32], w: &[f32], ending: Ending<'_>, y: &mut [f32]) {
    if y.is_empty() {
        return;
    }
    let width = conv.window.columns.kernel * conv.window.channels;
    let filter = WindowFilter::new(w, conv.window.rows.kernel, width, conv.filters).expect("sizes fit");
    let blocks = Blocks::new(conv);
    let length = conv.window.columns.out * conv.filters;
    let (tasks, out) = (blocks.count().min(8 * threads()), SendPtr::new(y));
    run(tasks, &|task| {
        with_scratch(blocks.memory(), |memory| {
            for block in split(blocks.count(), tasks, task) {
                blocks.rows(x, block, memory, |start, windows| {
                    // SAFETY: blocks are disjoint rows of the output.
                    let y = unsafe { out.slice_mut(start..start + length) };
                    filter.multiply(windows, y, ending.epilogue()).expect("sizes fit");
                    ending.after_product(start, y);
                });
            }
        });
    });
}

/// Whether [`filter_grad`] can be used where [`fits`] says so.
pub(super) fn has_filter_grad(conv: &Conv) -> bool {
    has_window_gradient(conv.filters)
}

/// dw: every task sums its own blocks, and the sums are added in the order of the tasks.
pub(super) fn filter_grad(conv: &Conv, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let width = conv.window.columns.kernel * conv.window.channels;
    let length = conv.window.columns.out * conv.filters;
    let blocks = Blocks::new(conv);
    let (tasks, size) = (blocks.count().min(threads()), dw.len());
    with_scratch(size * tasks, |partial| {
        let out = SendPtr::new(partial);
        run(tasks, &|task| {
            // SAFETY: partial sums are disjoint.
            let dw = unsafe { out.slice_mut(task * size..(task + 1) * size) };
            dw.fill(0.0);
            with_scratch(blocks.memory(), |memory| {
                for block in split(blocks.count(), tasks, task) {
                    blocks.rows(x, block, memory, |start, windows| {
                        let dy = &dy[start..start + length];
                        add_window_gradient(windows, width, dy, conv.filters, dw).expect("sizes fit");
                    });
                }
            });
        });
        sum_parts(partial, dw);
    });
}

/// Input rows from `first`, counted with the padding, as lines between zeros; rows outside of the image stay as they are.
fn copy_lines(conv: &Conv, x: &[f32], image: usize, first: usize, lines: &mut [f32], line: usize) {
    let (rows, columns, channels) = (&conv.window.rows, &conv.window.columns, conv.window.channels);
    let before = (columns.pad * channels).min(line);
    let inside = (columns.size * channels).min(line - before);
    for (index, to) in lines.chunks_exact_mut(line).enumerate() {
        let Some(row) = (first + index).checked_sub(rows.pad).filter(|&row| row < rows.size) else { continue };
        let from = conv.window.input(image, row, 0);
        to[..before].fill(0.0);
        to[before..before + inside].copy_from_slice(&x[from..from + inside]);
        to[before + inside..].fill(0.0);
    }
}
