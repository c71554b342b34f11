//! Factored layers of one input.

use learngene_gemm::{
    BackwardCall, FactorGrads, Factors, ForwardCall, LowRank, Segment, low_rank_backward_together,
    low_rank_forward_together, low_rank_work_together,
};
use napi::Result;
use napi_derive::napi;

use crate::boundary::{Extent, F32, F32Mut, check_len, disjoint};
use crate::later::later;
use crate::linear::{Flags, refused};
use crate::low_rank::{checked, invalid, segments};

/// Which layers of one input: their segments and factors, layer by layer.
struct Together<'a> {
    common: Vec<Factors<'a>>,
    segments: Vec<Vec<Segment<'a>>>,
}

impl<'a> Together<'a> {
    /// `common`: u, s, v of every layer; `own`: u0, s0, v0, u1, ... of every layer.
    fn new(layers: usize, starts: &[u32], ends: &[u32], common: &'a [F32], own: &'a [F32]) -> Result<Self> {
        let each = 3 * starts.len();
        if common.len() != 3 * layers || own.len() != layers * each {
            let (got, others) = (common.len(), own.len());
            return Err(invalid(format!(
                "common, own: expected 3 and {each} for each of {layers} layers, got {got} and {others}"
            )));
        }
        let factors =
            common.chunks_exact(3).map(|list| Factors { rank: list[1].len(), u: &list[0], s: &list[1], v: &list[2] });
        let segments = (0..layers).map(|i| segments(starts, ends, &own[i * each..(i + 1) * each]));
        Ok(Self { common: factors.collect(), segments: segments.collect::<Result<_>>()? })
    }

    fn layer(&'a self, index: usize, [rows, inputs, out]: [u32; 3], lengths: [usize; 3]) -> Result<LowRank<'a>> {
        checked([rows, inputs, out], self.common[index], &self.segments[index], lengths)
    }
}

/// As [`crate::low_rank::grouped_low_rank`], without an end, for layers of one x and the same segments: `outs` widths, `common` u, s, v of
/// every layer, `biases` all or none, `own` of every layer; `ys` and `hiddens` get the results.
#[napi]
pub fn grouped_low_rank_together(
    rows: u32,
    inputs: u32,
    outs: Vec<u32>,
    starts: Vec<u32>,
    ends: Vec<u32>,
    flags: u32,
    x: F32,
    common: Vec<F32>,
    biases: Vec<F32>,
    own: Vec<F32>,
    mut ys: Vec<F32Mut>,
    mut hiddens: Vec<F32Mut>,
) -> Result<()> {
    let mut checked_or_run = move |run: bool| {
        let count = outs.len();
        if ys.len() != count || hiddens.len() != count || !(biases.is_empty() || biases.len() == count) {
            let (ys, hiddens, biases) = (ys.len(), hiddens.len(), biases.len());
            return Err(invalid(format!(
                "expected {count} results, hidden rows and biases, got {ys}, {hiddens}, {biases}"
            )));
        }
        let mut read: Vec<&dyn Extent> = vec![&x];
        read.extend(common.iter().chain(&own).chain(&biases).map(|array| array as &dyn Extent));
        let written: Vec<&dyn Extent> = ys.iter().chain(&hiddens).map(|array| array as &dyn Extent).collect();
        disjoint(&written, &read)?;
        let together = Together::new(count, &starts, &ends, &common, &own)?;
        let mut calls = Vec::with_capacity(count);
        for (index, (y, hidden)) in ys.iter_mut().zip(&mut hiddens).enumerate() {
            let layer = together.layer(index, [rows, inputs, outs[index]], [x.len(), y.len(), hidden.len()])?;
            let bias = biases.get(index).map(|bias| &bias[..]);
            if let Some(bias) = bias {
                check_len("bias", bias.len(), layer.outputs)?;
            }
            calls.push(ForwardCall { layer, hidden, y, bias });
        }
        if !run {
            return Ok(());
        }
        low_rank_forward_together(&x, calls, Flags::new(flags).bf16).map_err(refused)
    };
    checked_or_run(false)?;
    later("groupedLowRankTogether", move || checked_or_run(true))
}

/// Words of the `work` of [`grouped_low_rank_together_grad`], for the `common` ranks of the layers and the `ranks` of each
/// segment, layer by layer.
#[napi]
pub fn grouped_low_rank_together_work(
    rows: u32,
    inputs: u32,
    outs: Vec<u32>,
    starts: Vec<u32>,
    ends: Vec<u32>,
    flags: u32,
    common: Vec<u32>,
    ranks: Vec<u32>,
) -> Result<f64> {
    let (count, each) = (outs.len(), starts.len());
    if ends.len() != each || common.len() != count || ranks.len() != count * each {
        let (ends, ranks) = (ends.len(), ranks.len());
        return Err(invalid(format!("segments: expected {each} ends and ranks a layer, got {ends} and {ranks}")));
    }
    let factors = |rank: u32| Factors { rank: rank as usize, u: &[], s: &[], v: &[] };
    let bounds: Vec<(u32, u32)> = starts.into_iter().zip(ends).collect();
    let own: Vec<Vec<Segment<'_>>> = (0..count)
        .map(|layer| {
            let segments = bounds.iter().zip(&ranks[layer * each..(layer + 1) * each]);
            let segment = |start, end, rank| Segment { start, end, factors: factors(rank) };
            segments.map(|(&(start, end), &rank)| segment(start as usize, end as usize, rank)).collect()
        })
        .collect();
    let (rows, inputs) = (rows as usize, inputs as usize);
    let layers: Vec<LowRank<'_>> = (outs.iter().zip(&common).zip(&own))
        .map(|((&out, &rank), segments)| LowRank {
            rows,
            inputs,
            outputs: out as usize,
            common: factors(rank),
            segments,
        })
        .collect();
    Ok(low_rank_work_together(&layers, Flags::new(flags).bf16).map_err(refused)? as f64)
}

/// The gradients of [`grouped_low_rank_together`]: dx is the sum of the layers', `dcommon` (du, ds, dv of every layer, or
/// nothing), `dbiases` (all or none), and those of `own` in its order. `work` has the words of
/// [`grouped_low_rank_together_work`].
#[napi]
pub fn grouped_low_rank_together_grad(
    rows: u32,
    inputs: u32,
    outs: Vec<u32>,
    starts: Vec<u32>,
    ends: Vec<u32>,
    flags: u32,
    dys: Vec<F32>,
    x: F32,
    common: Vec<F32>,
    own: Vec<F32>,
    hiddens: Vec<F32>,
    mut work: F32Mut,
    mut dx: F32Mut,
    mut dcommon: Vec<F32Mut>,
    mut dbiases: Vec<F32Mut>,
    mut down: Vec<F32Mut>,
) -> Result<()> {
    let mut checked_or_run = move |run: bool| {
        let count = outs.len();
        let none_or = |got: usize, all: usize| got == 0 || got == all;
        if dys.len() != count || hiddens.len() != count || !none_or(dbiases.len(), count) {
            let (dys, hiddens, biases) = (dys.len(), hiddens.len(), dbiases.len());
            return Err(invalid(format!(
                "expected {count} gradients, hidden rows and biases, got {dys}, {hiddens}, {biases}"
            )));
        }
        if !none_or(dcommon.len(), common.len()) || down.len() != own.len() {
            let (common, own) = (dcommon.len(), down.len());
            return Err(invalid(format!("dcommon, down: expected one for each factor, got {common} and {own}")));
        }
        let mut written: Vec<&dyn Extent> = vec![&work, &dx];
        written.extend(dcommon.iter().chain(&dbiases).chain(&down).map(|array| array as &dyn Extent));
        let mut read: Vec<&dyn Extent> = vec![&x];
        read.extend(dys.iter().chain(&common).chain(&own).chain(&hiddens).map(|array| array as &dyn Extent));
        disjoint(&written, &read)?;
        for (to, of) in dcommon.iter().zip(&common).chain(down.iter().zip(&own)) {
            check_len("the gradient of a factor", to.len(), of.len())?;
        }
        let together = Together::new(count, &starts, &ends, &common, &own)?;
        let mut common_grads = dcommon.chunks_exact_mut(3).map(|list| match list {
            [u, s, v] => FactorGrads { u, s, v },
            _ => unreachable!("chunks of three"),
        });
        let mut own_grads = down.chunks_exact_mut(3).map(|list| match list {
            [u, s, v] => FactorGrads { u, s, v },
            _ => unreachable!("chunks of three"),
        });
        let mut bias_grads = dbiases.iter_mut();
        let mut calls = Vec::with_capacity(count);
        for (index, (dy, hidden)) in dys.iter().zip(&hiddens).enumerate() {
            let layer = together.layer(index, [rows, inputs, outs[index]], [x.len(), dy.len(), hidden.len()])?;
            let bias = bias_grads.next().map(|bias| &mut bias[..]);
            if let Some(bias) = &bias {
                check_len("dbias", bias.len(), layer.outputs)?;
            }
            let segments = own_grads.by_ref().take(starts.len()).collect();
            calls.push(BackwardCall { layer, dy, hidden, bias, common: common_grads.next(), segments });
        }
        check_len("dx", dx.len(), x.len())?;
        if !run {
            return Ok(());
        }
        low_rank_backward_together(&x, calls, &mut dx, &mut work, Flags::new(flags).bf16).map_err(refused)
    };
    checked_or_run(false)?;
    later("groupedLowRankTogetherGrad", move || checked_or_run(true))
}
