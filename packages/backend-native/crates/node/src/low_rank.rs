//! Linear layers that are kept as narrow factors.

use learngene_gemm::{
    Epilogue, FactorGrads, Factors, LowRank, LowRankGrads, Segment, Then, low_rank_backward, low_rank_backward_bf16,
    low_rank_forward, low_rank_forward_bf16, low_rank_work,
};
use napi::{Error, Result, Status};
use napi_derive::napi;

use crate::boundary::{Extent, F32, F32Mut, check_len, disjoint, product};
use crate::later::later;
use crate::linear::{Flags, refused};

/// h [m, r] = x v and y [m, out] = (h s) uᵀ + bias; x [m, in], u [out, r], s [r], v [in, r].
#[napi]
pub fn low_rank_linear(
    m: u32,
    inputs: u32,
    out: u32,
    flags: u32,
    x: F32,
    u: F32,
    s: F32,
    v: F32,
    bias: Option<F32>,
    mut y: F32Mut,
    mut h: F32Mut,
) -> Result<()> {
    let r = s.len() as u32;
    check_len("x", x.len(), product("x", &[m, inputs])?)?;
    check_len("u", u.len(), product("u", &[out, r])?)?;
    check_len("v", v.len(), product("v", &[inputs, r])?)?;
    check_len("h", h.len(), product("h", &[m, r])?)?;
    check_len("y", y.len(), product("y", &[m, out])?)?;
    if let Some(bias) = &bias {
        check_len("bias", bias.len(), out as usize)?;
    }
    let mut read: Vec<&dyn Extent> = vec![&x, &u, &s, &v];
    read.extend(bias.as_ref().map(|bias| bias as &dyn Extent));
    disjoint(&[&y, &h], &read)?;
    later("lowRankLinear", move || {
        let factors = Factors { rank: r as usize, u: &u, s: &s, v: &v };
        let (rows, inputs, outputs) = (m as usize, inputs as usize, out as usize);
        let layer = LowRank { rows, inputs, outputs, common: factors, segments: &[] };
        let compute = if Flags::new(flags).bf16 { low_rank_forward_bf16 } else { low_rank_forward };
        let epilogue = Epilogue { bias: bias.as_deref(), ..Epilogue::default() };
        compute(layer, &x, &mut h, &mut y, epilogue).map_err(refused)
    })
}

pub(crate) fn invalid(message: String) -> Error {
    Error::new(Status::InvalidArg, message)
}

/// The factors of each segment, from a list u0, s0, v0, u1, ...
pub(crate) fn segments<'a>(starts: &[u32], ends: &[u32], own: &'a [F32]) -> Result<Vec<Segment<'a>>> {
    if ends.len() != starts.len() || own.len() != 3 * starts.len() {
        let (starts, ends, own) = (starts.len(), ends.len(), own.len());
        return Err(invalid(format!("segments: expected {starts} ends and 3 factors for each, got {ends} and {own}")));
    }
    let factors =
        own.chunks_exact(3).map(|list| Factors { rank: list[1].len(), u: &list[0], s: &list[1], v: &list[2] });
    let bounds = starts.iter().zip(ends).map(|(&start, &end)| (start as usize, end as usize));
    Ok(bounds.zip(factors).map(|((start, end), factors)| Segment { start, end, factors }).collect())
}

fn check_factors(name: impl std::fmt::Display, factors: &Factors<'_>, inputs: u32, out: u32) -> Result<()> {
    let rank = factors.rank as u32;
    for (side, length, rows) in [("u", factors.u.len(), out), ("v", factors.v.len(), inputs)] {
        let expected = product(side, &[rows, rank])?;
        if length != expected {
            check_len(&format!("{side}{name}"), length, expected)?;
        }
    }
    Ok(())
}

/// The layer with all lengths of its factors checked, and those of x, of y and of the hidden rows.
pub(crate) fn checked<'a>(
    [rows, inputs, out]: [u32; 3],
    common: Factors<'a>,
    segments: &'a [Segment<'a>],
    [x, y, hidden]: [usize; 3],
) -> Result<LowRank<'a>> {
    check_factors("", &common, inputs, out)?;
    for (index, segment) in segments.iter().enumerate() {
        check_factors(index, &segment.factors, inputs, out)?;
    }
    let layer = LowRank { rows: rows as usize, inputs: inputs as usize, outputs: out as usize, common, segments };
    check_len("x", x, product("x", &[rows, inputs])?)?;
    check_len("y", y, product("y", &[rows, out])?)?;
    layer.check().map_err(refused)?;
    check_len("hidden", hidden, layer.hidden_len())?;
    Ok(layer)
}

/// y [rows, out] = ((x v) s) uᵀ + bias, and for the rows [starts[c], ends[c]) also the term of their own factors (`own`:
/// u0, s0, v0, u1, ...). `hidden` gets x v, then x v_c of every segment. `flags`: 4 bfloat16. `epilogue` 1: y is gelu of
/// that; with `gate` [rows / tokens, out]: y is `stream` [rows, out] + gate times that; `pre` gets it as it was.
#[napi]
pub fn grouped_low_rank(
    rows: u32,
    inputs: u32,
    out: u32,
    starts: Vec<u32>,
    ends: Vec<u32>,
    flags: u32,
    x: F32,
    u: F32,
    s: F32,
    v: F32,
    bias: Option<F32>,
    own: Vec<F32>,
    mut y: F32Mut,
    mut hidden: F32Mut,
    epilogue: Option<u32>,
    mut pre: Option<F32Mut>,
    stream: Option<F32>,
    gate: Option<F32>,
    tokens: Option<u32>,
) -> Result<()> {
    let mut checked_or_run = move |run: bool| {
        let segments = segments(&starts, &ends, &own)?;
        let common = Factors { rank: s.len(), u: &u, s: &s, v: &v };
        let layer = checked([rows, inputs, out], common, &segments, [x.len(), y.len(), hidden.len()])?;
        if let Some(bias) = &bias {
            check_len("bias", bias.len(), out as usize)?;
        }
        let mut read: Vec<&dyn Extent> = vec![&x, &u, &s, &v];
        read.extend(own.iter().map(|array| array as &dyn Extent));
        read.extend([&bias, &stream, &gate].into_iter().flatten().map(|array| array as &dyn Extent));
        let mut written: Vec<&dyn Extent> = vec![&y, &hidden];
        written.extend(pre.as_ref().map(|pre| pre as &dyn Extent));
        disjoint(&written, &read)?;
        if let Some(pre) = &pre {
            check_len("pre", pre.len(), y.len())?;
        }
        let then = match (epilogue.unwrap_or(0), &stream, &gate) {
            (0, None, None) => Then::Store,
            (1, None, None) => Then::Gelu,
            (0, Some(stream), Some(gate)) => {
                let tokens = tokens.unwrap_or(0);
                if tokens == 0 || !rows.is_multiple_of(tokens) {
                    return Err(invalid(format!("tokens: expected a divisor of {rows}, got {tokens}")));
                }
                check_len("stream", stream.len(), y.len())?;
                check_len("gate", gate.len(), product("gate", &[rows / tokens, out])?)?;
                Then::GatedResidual { x: stream, gate, rows_per_sample: tokens as usize }
            }
            (epilogue, ..) => {
                return Err(invalid(format!("epilogue: expected 0, 1, or 0 with a stream and a gate, got {epilogue}")));
            }
        };
        let epilogue = Epilogue { bias: bias.as_deref(), pre: pre.as_deref_mut(), then, scale: None };
        if !run {
            return Ok(());
        }
        let compute = if Flags::new(flags).bf16 { low_rank_forward_bf16 } else { low_rank_forward };
        compute(layer, &x, &mut hidden, &mut y, epilogue).map_err(refused)
    };
    checked_or_run(false)?;
    later("groupedLowRank", move || checked_or_run(true))
}

/// Words of the `work` of [`grouped_low_rank_grad`], for `rank` components of all rows and `ranks` of each segment.
#[napi]
pub fn grouped_low_rank_work(
    rows: u32,
    inputs: u32,
    out: u32,
    starts: Vec<u32>,
    ends: Vec<u32>,
    flags: u32,
    rank: u32,
    ranks: Vec<u32>,
) -> Result<f64> {
    if ends.len() != starts.len() || ranks.len() != starts.len() {
        let (starts, ends, ranks) = (starts.len(), ends.len(), ranks.len());
        return Err(invalid(format!("segments: expected {starts} ends and ranks, got {ends} and {ranks}")));
    }
    let factors = |rank: u32| Factors { rank: rank as usize, u: &[], s: &[], v: &[] };
    let bounds = starts.iter().zip(&ends).zip(&ranks);
    let segments: Vec<Segment<'_>> = bounds
        .map(|((&start, &end), &rank)| Segment { start: start as usize, end: end as usize, factors: factors(rank) })
        .collect();
    let (rows, inputs, outputs) = (rows as usize, inputs as usize, out as usize);
    let layer = LowRank { rows, inputs, outputs, common: factors(rank), segments: &segments };
    Ok(low_rank_work(&layer, Flags::new(flags).bf16).map_err(refused)? as f64)
}

/// The gradients of [`grouped_low_rank`]: dx, `common` (du, ds, dv, or nothing where they are not wanted), dbias where
/// it is wanted, and those of `own` in its order. `work` has the words of [`grouped_low_rank_work`].
#[napi]
pub fn grouped_low_rank_grad(
    rows: u32,
    inputs: u32,
    out: u32,
    starts: Vec<u32>,
    ends: Vec<u32>,
    flags: u32,
    dy: F32,
    x: F32,
    u: F32,
    s: F32,
    v: F32,
    own: Vec<F32>,
    hidden: F32,
    mut work: F32Mut,
    mut dx: F32Mut,
    mut dcommon: Vec<F32Mut>,
    mut dbias: Option<F32Mut>,
    mut down: Vec<F32Mut>,
) -> Result<()> {
    let mut checked_or_run = move |run: bool| {
        let segments = segments(&starts, &ends, &own)?;
        let common = Factors { rank: s.len(), u: &u, s: &s, v: &v };
        let layer = checked([rows, inputs, out], common, &segments, [x.len(), dy.len(), hidden.len()])?;
        if !dcommon.is_empty() && dcommon.len() != 3 {
            return Err(invalid(format!("dcommon: expected 0 or 3 arrays, got {}", dcommon.len())));
        }
        for (name, to, of) in [("du", 0, &u), ("ds", 1, &s), ("dv", 2, &v)] {
            if let Some(to) = dcommon.get(to) {
                check_len(name, to.len(), of.len())?;
            }
        }
        check_len("dx", dx.len(), x.len())?;
        if let Some(dbias) = &dbias {
            check_len("dbias", dbias.len(), out as usize)?;
        }
        if down.len() != own.len() {
            return Err(invalid(format!("down: expected {} arrays, got {}", own.len(), down.len())));
        }
        for (index, (down, own)) in down.iter().zip(&own).enumerate() {
            if down.len() != own.len() {
                check_len(&format!("down[{index}]"), down.len(), own.len())?;
            }
        }
        let mut written: Vec<&dyn Extent> = vec![&work, &dx];
        written.extend(dcommon.iter().map(|array| array as &dyn Extent));
        written.extend(dbias.as_ref().map(|array| array as &dyn Extent));
        written.extend(down.iter().map(|array| array as &dyn Extent));
        let mut read: Vec<&dyn Extent> = vec![&dy, &x, &u, &s, &v, &hidden];
        read.extend(own.iter().map(|array| array as &dyn Extent));
        disjoint(&written, &read)?;
        let own_grads = down.chunks_exact_mut(3).map(|list| match list {
            [u, s, v] => FactorGrads { u, s, v },
            _ => unreachable!("chunks of three"),
        });
        let grads = LowRankGrads {
            x: Some(&mut dx),
            bias: dbias.as_deref_mut(),
            common: match &mut dcommon[..] {
                [u, s, v] => Some(FactorGrads { u, s, v }),
                _ => None,
            },
            segments: own_grads.collect(),
        };
        if !run {
            return Ok(());
        }
        let compute = if Flags::new(flags).bf16 { low_rank_backward_bf16 } else { low_rank_backward };
        compute(layer, &dy, &x, &hidden, &mut work, grads).map_err(refused)
    };
    checked_or_run(false)?;
    later("groupedLowRankGrad", move || checked_or_run(true))
}
