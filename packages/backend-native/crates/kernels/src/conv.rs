//! Convolutions of images [N, H, W, C] with filters [KH, KW, C, O] as products of matrices.
//!
//! The patches of some hundred output pixels are laid out as the rows of a matrix that stays in the second cache (im2col
//! by tiles), and multiplied by the filter, which is a matrix [KH KW C, O] as it is. A 1x1 convolution needs no patches, and
//! where the filter is small they are read from the lines of the image.

mod ending;
mod gradients;
mod lines;
mod patches;
#[cfg(test)]
mod tests;
mod winograd;

use learngene_gemm::{Gemm, gemm};
use learngene_pool::{SendPtr, alone, run, split, threads};

use crate::support::with_scratch;
use crate::unary::Unary;
use crate::window::Window;
use ending::Ending;
use patches::{Unfold, unfold, unfold_on_all};

pub(crate) use gradients::sum_parts;
pub use gradients::{conv2d_filter_grad, conv2d_input_grad};

/// Sizes of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Conv {
    /// The window over the input.
    pub window: Window,
    /// Channels of the output, O.
    pub filters: usize,
}

/// What follows a convolution.
#[derive(Clone, Copy, Debug, Default)]
pub struct After<'a> {
    /// Added to every pixel, [O].
    pub bias: Option<&'a [f32]>,
    /// Added to y, before the activation; as long as y.
    pub residual: Option<&'a [f32]>,
    /// Applied to every number, with its parameter.
    pub activation: Option<(Unary, f32)>,
}

/// The most that the partial filter gradients of all tasks may take: 64 MiB.
const PARTIALS: usize = 16 << 20;
/// Numbers in a tile of patches, 768 KiB, as long as that is not fewer than [`ROWS`].
const TILE: usize = 192 << 10;
/// The fewest and the most patches in a tile: every tile packs the filter anew.
const ROWS: (usize, usize) = (192, 768);

/// Multiply-adds, below which one thread is as fast as many.
const SMALL: usize = 4 << 20;

impl Conv {
    /// Elements of a patch.
    fn patch(&self) -> usize {
        self.window.taps() * self.window.channels
    }

    /// Elements of the filter.
    pub fn weights(&self) -> usize {
        self.patch() * self.filters
    }

    /// Elements of the output.
    pub fn outputs(&self) -> usize {
        self.window.pixels() * self.filters
    }

    fn is_pointwise(&self) -> bool {
        self.window.rows.is_identity() && self.window.columns.is_identity()
    }

    /// Into how many tiles the output pixels are cut.
    fn tiles(&self) -> usize {
        let pixels = self.window.pixels();
        let most = (TILE / self.patch().max(1)).clamp(ROWS.0, ROWS.1);
        let least = pixels.div_ceil(most).max(1);
        // a multiple of the threads, where that leaves tiles worth a product
        let even = least.next_multiple_of(threads());
        if pixels / even >= 96 || even == least { even } else { least }
    }

    /// Calls `f`, with the pool where the work is worth it.
    fn on_threads(&self, f: impl FnOnce()) {
        if (self.window.pixels() * self.patch()).saturating_mul(self.filters) < SMALL { alone(f) } else { f() }
    }

    fn check(&self, x: usize, w: usize, y: usize) {
        assert_eq!(x, self.window.inputs());
        assert_eq!(w, self.weights());
        assert_eq!(y, self.outputs());
    }
}

/// C [m, n] (+)= A B; the sizes were checked.
fn product(product: Gemm<'_>) {
    gemm(product).expect("sizes fit");
}

/// y [N, OH, OW, O] = after(x * w).
///
/// # Panics
/// Where a length does not fit.
pub fn conv2d(conv: &Conv, x: &[f32], w: &[f32], after: After<'_>, y: &mut [f32]) {
    conv.check(x.len(), w.len(), y.len());
    assert!(after.bias.is_none_or(|bias| bias.len() == conv.filters));
    assert!(after.residual.is_none_or(|residual| residual.len() == y.len()));
    let ending = Ending::of(after);
    conv.on_threads(|| match winograd::grid_if_faster(conv) {
        Some(grid) => winograd::forward(&grid, x, w, ending, y),
        None if lines::fits(conv) => lines::forward(conv, x, w, ending, y),
        None => by_patches(conv, x, w, ending, y),
    });
}

fn by_patches(conv: &Conv, x: &[f32], w: &[f32], ending: Ending<'_>, y: &mut [f32]) {
    let (pixels, filters, patch) = (conv.window.pixels(), conv.filters, conv.patch());
    if y.is_empty() {
        return;
    }
    if conv.is_pointwise() || patch == 0 {
        product(Gemm { epilogue: ending.epilogue(), ..Gemm::new((pixels, filters, patch), x, w, y) });
        return ending.after_product_on_all(y);
    }
    let tiles = conv.tiles();
    let out = SendPtr::new(y);
    let tile = |index: usize, unfold: &Unfold<'_>| {
        let range = split(pixels, tiles, index);
        // SAFETY: tiles are disjoint parts of the output.
        let y = unsafe { out.slice_mut(range.start * filters..range.end * filters) };
        with_scratch(range.len() * patch, |patches| {
            unfold(range.clone(), patches);
            product(Gemm { epilogue: ending.epilogue(), ..Gemm::new((range.len(), filters, patch), patches, w, y) });
        });
        ending.after_product(range.start * filters, y);
    };
    if tiles >= threads() {
        run(tiles, &|index| tile(index, &|range, patches| unfold(conv, x, range, patches)));
    } else {
        // too few tiles: all threads work on each
        (0..tiles).for_each(|index| tile(index, &|range, patches| unfold_on_all(conv, x, range, patches)));
    }
}
