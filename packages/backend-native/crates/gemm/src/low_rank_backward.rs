//! The gradients of a low-rank layer.

use crate::column_sums::{column_dots, column_sums};
use crate::epilogue::SharedEpilogue;
use crate::error::{Error, matrix, vector};
use crate::gemm::product_of;
use crate::low_rank::{Factors, LowRank, LowRankGrads};
use crate::pack::Matrix;
use crate::product::run_many;
use crate::sweep;
use crate::tile::{Kernels, bf16_kernels, kernels};
use learngene_pool::{SendPtr, split};
use std::ops::Range;

/// The parts in which the gradients of layers are swept; none where the parts' sums of the weights' gradients would take
/// more than twice the memory of the hidden rows' gradients, which are kept otherwise.
pub(crate) fn sweep_parts(kernels: &Kernels, threads: usize, layers: &[LowRank<'_>]) -> Option<usize> {
    let kept: usize = layers.iter().map(LowRank::hidden_len).sum();
    let fit = |&parts: &usize| sweep::sums_len(layers, parts) <= 2 * kept;
    sweep::parts(kernels, threads, layers).filter(fit)
}

pub(crate) fn work_with(kernels: Kernels, threads: usize, layer: &LowRank<'_>) -> usize {
    let swept = sweep_parts(&kernels, threads, std::slice::from_ref(layer));
    swept.map_or_else(|| layer.hidden_len(), |parts| sweep::sums_len(std::slice::from_ref(layer), parts))
}

/// Words of memory that [`low_rank_backward`] works in, or [`low_rank_backward_bf16`] if `bf16`. Of the factors only the
/// ranks count.
///
/// # Errors
/// When segments are not ascending, disjoint, not empty and in range, or the processor has no bfloat16.
pub fn low_rank_work(layer: &LowRank<'_>, bf16: bool) -> Result<usize, Error> {
    layer.check_segments()?;
    let kernels = if bf16 { bf16_kernels().ok_or(Error::NoBf16)? } else { kernels(learngene_simd::level()) };
    Ok(work_with(kernels, learngene_pool::threads(), layer))
}

/// Computes the gradients of the layer at x, for dy [rows, out] (after the epilogue's own gradient), from the hidden
/// rows of the forward pass. `work` takes [`low_rank_work`] words.
///
/// # Errors
/// As [`crate::low_rank_forward`], and when gradients are given for some segments only.
pub fn low_rank_backward<'a>(
    layer: LowRank<'a>,
    dy: &'a [f32],
    x: &'a [f32],
    hidden: &'a [f32],
    work: &'a mut [f32],
    grads: LowRankGrads<'a>,
) -> Result<(), Error> {
    backward_with(kernels(learngene_simd::level()), learngene_pool::threads(), layer, dy, x, hidden, work, grads)
}

/// As [`low_rank_backward`], in bfloat16 as [`crate::low_rank_forward_bf16`].
///
/// # Errors
/// As [`low_rank_backward`], and where [`learngene_simd::has_bf16`] is false.
pub fn low_rank_backward_bf16<'a>(
    layer: LowRank<'a>,
    dy: &'a [f32],
    x: &'a [f32],
    hidden: &'a [f32],
    work: &'a mut [f32],
    grads: LowRankGrads<'a>,
) -> Result<(), Error> {
    let kernels = bf16_kernels().ok_or(Error::NoBf16)?;
    backward_with(kernels, learngene_pool::threads(), layer, dy, x, hidden, work, grads)
}

pub(crate) fn backward_with<'a>(
    kernels: Kernels,
    threads: usize,
    layer: LowRank<'a>,
    dy: &'a [f32],
    x: &'a [f32],
    hidden: &'a [f32],
    work: &'a mut [f32],
    mut grads: LowRankGrads<'a>,
) -> Result<(), Error> {
    check_backward(&layer, dy, x, hidden, &grads)?;
    let (rows, inputs, outputs) = (layer.rows, layer.inputs, layer.outputs);
    vector("work", work.len(), work_with(kernels, threads, &layer))?;
    if let Some(parts) = sweep_parts(&kernels, threads, &[layer]) {
        let call = sweep::Backward::new(layer, (dy, hidden), grads.common, grads.segments, grads.bias);
        sweep::backward(kernels, parts, x, &mut [call], grads.x.map(SendPtr::new), work);
        return Ok(());
    }
    // g: dy times the common u, then times those of the segments: the gradient of the scaled hidden rows.
    run_many(&layer.narrow(kernels, (dy, outputs), |f| f.u, SendPtr::new(work)), threads, 0, &|_| {});
    let g = &*work;
    let tails = layer.tails(g.as_ptr(), |f| f.v);
    let mut products = Vec::with_capacity(3 + 2 * layer.segments.len());
    if let Some(dx) = grads.x.as_deref_mut() {
        LowRank::tails_first(kernels, threads, inputs, &tails, &mut dx[..rows * inputs]);
        let epilogue = SharedEpilogue { n: inputs, ..SharedEpilogue::PLAIN };
        products.push(layer.widen(kernels, inputs, g.as_ptr(), &tails, |f| f.v, SendPtr::new(dx), epilogue));
    }
    let mut sums: Vec<Sum<'_>> = Vec::new();
    let wanted = match &mut grads.common {
        Some(common) => std::iter::once(Some(common)).chain(grads.segments.iter_mut().map(Some)).collect::<Vec<_>>(),
        None => std::iter::once(None).chain(grads.segments.iter_mut().map(Some)).collect(),
    };
    for ((factors, range, at), wanted) in layer.terms().zip(wanted) {
        let Some(wanted) = wanted else { continue };
        let rank = factors.rank;
        let epilogue = SharedEpilogue { n: rank, scale: Some(factors.s), ..SharedEpilogue::PLAIN };
        // dU = dyᵀ (hidden s), dV = xᵀ (g s), ds = the columns' sums of g hidden.
        for (wide, width, narrow, to) in [(dy, outputs, hidden, &mut *wanted.u), (x, inputs, g, &mut *wanted.v)] {
            let a = Matrix::new(&wide[range.start * width..], width, true);
            let b = Matrix::new(&narrow[at..], rank, false);
            products.push(product_of(kernels, (width, rank, range.len()), (a, b), SendPtr::new(to), epilogue));
        }
        let words = at..at + range.len() * rank;
        sums.push(Sum { x: &g[words.clone()], y: Some(&hidden[words]), columns: rank, to: SendPtr::new(wanted.s) });
    }
    if let Some(bias) = grads.bias.as_deref_mut() {
        sums.push(Sum { x: &dy[..rows * outputs], y: None, columns: outputs, to: SendPtr::new(bias) });
    }
    let strips: Vec<(usize, Range<usize>)> = sums
        .iter()
        .enumerate()
        .flat_map(|(i, sum)| {
            let parts = sum.columns.div_ceil(128);
            (0..parts).map(move |part| (i, split(sum.columns, parts, part)))
        })
        .collect();
    run_many(&products, threads, strips.len(), &|strip| {
        let (sum, columns) = &strips[strip];
        sums[*sum].run(columns.clone());
    });
    Ok(())
}

pub(crate) fn check_backward(
    layer: &LowRank<'_>,
    dy: &[f32],
    x: &[f32],
    hidden: &[f32],
    grads: &LowRankGrads<'_>,
) -> Result<(), Error> {
    layer.check()?;
    matrix("dy", dy.len(), (layer.rows, layer.outputs), layer.outputs)?;
    matrix("x", x.len(), (layer.rows, layer.inputs), layer.inputs)?;
    vector("hidden", hidden.len(), layer.hidden_len())?;
    if let Some(dx) = &grads.x {
        matrix("grads.x", dx.len(), (layer.rows, layer.inputs), layer.inputs)?;
    }
    if let Some(bias) = &grads.bias {
        vector("grads.bias", bias.len(), layer.outputs)?;
    }
    if !grads.segments.is_empty() && grads.segments.len() != layer.segments.len() {
        let (expected, got) = (layer.segments.len(), grads.segments.len());
        return Err(Error::Length { name: "grads.segments", expected, got });
    }
    let factors = std::iter::once(grads.common.as_ref()).chain(grads.segments.iter().map(Some));
    for ((Factors { rank, .. }, ..), grads) in layer.terms().zip(factors) {
        let Some(grads) = grads else { continue };
        matrix("grads.u", grads.u.len(), (layer.outputs, rank), rank)?;
        vector("grads.s", grads.s.len(), rank)?;
        matrix("grads.v", grads.v.len(), (layer.inputs, rank), rank)?;
    }
    Ok(())
}

/// The sums of the columns of x, or of x y.
struct Sum<'a> {
    x: &'a [f32],
    y: Option<&'a [f32]>,
    columns: usize,
    to: SendPtr<f32>,
}

impl Sum<'_> {
    fn run(&self, columns: Range<usize>) {
        // SAFETY: every strip of columns is one task's.
        let to = unsafe { self.to.slice_mut(columns.clone()) };
        match self.y {
            Some(y) => column_dots(self.x, y, self.columns, columns.start, to),
            None => column_sums(self.x, self.columns, columns.start, to),
        }
    }
}
