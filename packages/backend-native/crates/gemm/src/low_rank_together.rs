//! Factored layers of one input and the same segments, such as the queries, keys and values of an attention.

use crate::epilogue::Epilogue;
use crate::error::{Error, matrix};
use crate::gemm::{check_epilogue, shared_epilogue};
use crate::low_rank::{FactorGrads, LowRank, LowRankGrads, forward_with};
use crate::low_rank_backward::{backward_with, check_backward, sweep_parts, work_with};
use crate::sweep;
use crate::tile::{Kernels, bf16_kernels, kernels};
use learngene_pool::SendPtr;

/// A layer to compute, see [`crate::low_rank_forward`].
#[derive(Debug)]
pub struct ForwardCall<'a> {
    /// The layer.
    pub layer: LowRank<'a>,
    /// [`LowRank::hidden_len`] words.
    pub hidden: &'a mut [f32],
    /// [rows, out].
    pub y: &'a mut [f32],
    /// [out].
    pub bias: Option<&'a [f32]>,
}

/// A layer whose gradients are computed, see [`crate::low_rank_backward`].
#[derive(Debug)]
pub struct BackwardCall<'a> {
    /// The layer.
    pub layer: LowRank<'a>,
    /// [rows, out].
    pub dy: &'a [f32],
    /// The hidden rows of the forward pass.
    pub hidden: &'a [f32],
    /// [out], if wanted.
    pub bias: Option<&'a mut [f32]>,
    /// Of the common factors, if wanted.
    pub common: Option<FactorGrads<'a>>,
    /// Of the factors of every segment, in order; or none at all.
    pub segments: Vec<FactorGrads<'a>>,
}

fn kernels_of(bf16: bool) -> Result<Kernels, Error> {
    if bf16 { bf16_kernels().ok_or(Error::NoBf16) } else { Ok(kernels(learngene_simd::level())) }
}

/// All layers have the rows, the inputs and the segments of the first.
fn check_alike<'a>(mut layers: impl Iterator<Item = LowRank<'a>>) -> Result<(), Error> {
    let Some(first) = layers.next() else { return Ok(()) };
    for layer in layers {
        let sizes =
            [(layer.rows, first.rows), (layer.inputs, first.inputs), (layer.segments.len(), first.segments.len())];
        let bounds = layer.segments.iter().zip(first.segments).flat_map(|(a, b)| [(a.start, b.start), (a.end, b.end)]);
        for (got, expected) in sizes.into_iter().chain(bounds) {
            if got != expected {
                return Err(Error::Length { name: "layers of one input", expected, got });
            }
        }
    }
    Ok(())
}

/// Computes layers of the same x [rows, in] and the same segments, in one pass over x where that pays; `bf16` as
/// [`crate::low_rank_forward_bf16`].
///
/// # Errors
/// As [`crate::low_rank_forward`], for every layer, and where they differ in rows, inputs or segments.
pub fn low_rank_forward_together<'a>(x: &'a [f32], calls: Vec<ForwardCall<'a>>, bf16: bool) -> Result<(), Error> {
    forward_together_with(kernels_of(bf16)?, learngene_pool::threads(), x, calls)
}

pub(crate) fn forward_together_with<'a>(
    kernels: Kernels,
    threads: usize,
    x: &'a [f32],
    calls: Vec<ForwardCall<'a>>,
) -> Result<(), Error> {
    check_alike(calls.iter().map(|call| call.layer))?;
    let layers: Vec<LowRank<'_>> = calls.iter().map(|call| call.layer).collect();
    let Some(parts) = sweep::parts(&kernels, threads, &layers) else {
        return calls.into_iter().try_for_each(|ForwardCall { layer, hidden, y, bias }| {
            forward_with(kernels, threads, layer, x, hidden, y, Epilogue { bias, ..Epilogue::default() })
        });
    };
    let mut swept = Vec::with_capacity(calls.len());
    for ForwardCall { layer, hidden, y, bias } in calls {
        layer.check_forward(x, hidden, y)?;
        let epilogue = Epilogue { bias, ..Epilogue::default() };
        check_epilogue(&epilogue, layer.rows, layer.outputs)?;
        let epilogue = shared_epilogue(epilogue, layer.outputs, 1.0);
        swept.push(sweep::Forward { layer, hidden: SendPtr::new(hidden), y: SendPtr::new(y), epilogue });
    }
    sweep::forward(kernels, parts, x, &swept);
    Ok(())
}

/// Words of memory that [`low_rank_backward_together`] works in. Of the factors only the ranks count.
///
/// # Errors
/// When segments are not ascending, disjoint, not empty and in range, layers differ in rows, inputs or segments, or the
/// processor has no bfloat16.
pub fn low_rank_work_together(layers: &[LowRank<'_>], bf16: bool) -> Result<usize, Error> {
    check_alike(layers.iter().copied())?;
    layers.iter().try_for_each(LowRank::check_segments)?;
    Ok(work_together_with(kernels_of(bf16)?, learngene_pool::threads(), layers))
}

pub(crate) fn work_together_with(kernels: Kernels, threads: usize, layers: &[LowRank<'_>]) -> usize {
    match sweep_parts(&kernels, threads, layers) {
        Some(parts) => sweep::sums_len(layers, parts),
        // One layer after the other, and dx of the later ones.
        None => {
            layers.iter().map(|layer| layer.rows * layer.inputs + work_with(kernels, threads, layer)).max().unwrap_or(0)
        }
    }
}

/// Computes the gradients of layers of the same x [rows, in] and the same segments; `dx` [rows, in] gets the sum of the
/// layers' gradients. `work` takes [`low_rank_work_together`] words.
///
/// # Errors
/// As [`crate::low_rank_backward`], for every layer, and where they differ in rows, inputs or segments.
pub fn low_rank_backward_together<'a>(
    x: &'a [f32],
    calls: Vec<BackwardCall<'a>>,
    dx: &'a mut [f32],
    work: &'a mut [f32],
    bf16: bool,
) -> Result<(), Error> {
    backward_together_with(kernels_of(bf16)?, learngene_pool::threads(), x, calls, dx, work)
}

pub(crate) fn backward_together_with<'a>(
    kernels: Kernels,
    threads: usize,
    x: &'a [f32],
    calls: Vec<BackwardCall<'a>>,
    dx: &'a mut [f32],
    work: &'a mut [f32],
) -> Result<(), Error> {
    check_alike(calls.iter().map(|call| call.layer))?;
    let layers: Vec<LowRank<'_>> = calls.iter().map(|call| call.layer).collect();
    let expected = work_together_with(kernels, threads, &layers);
    if work.len() < expected {
        return Err(Error::Length { name: "work", expected, got: work.len() });
    }
    let Some(parts) = sweep_parts(&kernels, threads, &layers) else {
        for (index, BackwardCall { layer, dy, hidden, bias, common, segments }) in calls.into_iter().enumerate() {
            let size = layer.rows * layer.inputs;
            let (other, work) = work.split_at_mut(size);
            let to = if index == 0 { &mut *dx } else { &mut *other };
            let grads = LowRankGrads { x: Some(to), bias, common, segments };
            backward_with(kernels, threads, layer, dy, x, hidden, work, grads)?;
            if index > 0 {
                dx.iter_mut().zip(&*other).for_each(|(dx, other)| *dx += other);
            }
        }
        return Ok(());
    };
    matrix("grads.x", dx.len(), (layers[0].rows, layers[0].inputs), layers[0].inputs)?;
    let mut swept = Vec::with_capacity(calls.len());
    for BackwardCall { layer, dy, hidden, bias, common, segments } in calls {
        let grads = LowRankGrads { x: None, bias, common, segments };
        check_backward(&layer, dy, x, hidden, &grads)?;
        let LowRankGrads { bias, common, segments, .. } = grads;
        swept.push(sweep::Backward::new(layer, (dy, hidden), common, segments, bias));
    }
    sweep::backward(kernels, parts, x, &mut swept, Some(SendPtr::new(dx)), work);
    Ok(())
}
