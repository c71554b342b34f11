//! Norms, gates, activations, softmax and attention.

use learngene_kernels::attention::{AttentionSaved, Heads, attention as attend, attention_grad as attend_back};
use learngene_kernels::modulate::Tokens;
use learngene_kernels::{activation, gated_residual as gated, layer_norm as norm, modulate, softmax as soft};
use napi::{Error, Result, Status};
use napi_derive::napi;

use crate::boundary::{Extent, F32, F32Mut, check_len, disjoint, product};
use crate::later::later;

/// Fails unless an array that may be absent has the expected length.
fn check_optional(name: &str, array: Option<&F32>, expected: usize) -> Result<()> {
    array.map_or(Ok(()), |array| check_len(name, array.len(), expected))
}

/// `disjoint` with inputs of which some may be absent.
fn disjoint_optional(outputs: &[&dyn Extent], inputs: &[&dyn Extent], optional: &[Option<&F32>]) -> Result<()> {
    let present = optional.iter().flatten().map(|&array| array as &dyn Extent);
    disjoint(outputs, &inputs.iter().copied().chain(present).collect::<Vec<_>>())
}

fn over_pair(name: &'static str, x: F32, mut y: F32Mut, kernel: fn(&[f32], &mut [f32])) -> Result<()> {
    check_len("y", y.len(), x.len())?;
    disjoint(&[&y], &[&x])?;
    later(name, move || {
        kernel(&x, &mut y);
        Ok(())
    })
}

fn over_three(
    name: &'static str,
    dy: F32,
    x: F32,
    mut dx: F32Mut,
    kernel: fn(&[f32], &[f32], &mut [f32]),
) -> Result<()> {
    check_len("dy", dy.len(), x.len())?;
    check_len("dx", dx.len(), x.len())?;
    disjoint(&[&dx], &[&dy, &x])?;
    later(name, move || {
        kernel(&dy, &x, &mut dx);
        Ok(())
    })
}

/// y = x sigmoid(2 sqrt(2/π) (x + 0.044715 x³)).
#[napi]
pub fn gelu(x: F32, y: F32Mut) -> Result<()> {
    over_pair("gelu", x, y, activation::gelu)
}

/// dx = dy gelu'(x).
#[napi]
pub fn gelu_grad(dy: F32, x: F32, dx: F32Mut) -> Result<()> {
    over_three("geluGrad", dy, x, dx, activation::gelu_grad)
}

/// y = x sigmoid(x).
#[napi]
pub fn silu(x: F32, y: F32Mut) -> Result<()> {
    over_pair("silu", x, y, activation::silu)
}

/// dx = dy silu'(x).
#[napi]
pub fn silu_grad(dy: F32, x: F32, dx: F32Mut) -> Result<()> {
    over_three("siluGrad", dy, x, dx, activation::silu_grad)
}

/// Softmax of rows of `width` values, or its logarithm.
#[napi]
pub fn softmax(x: F32, width: u32, log: bool, mut y: F32Mut) -> Result<()> {
    let width = width as usize;
    check_len("y", y.len(), x.len())?;
    if !x.is_empty() && (width == 0 || !x.len().is_multiple_of(width)) {
        let message = format!("width: expected a divisor of {}, got {width}", x.len());
        return Err(Error::new(Status::InvalidArg, message));
    }
    disjoint(&[&y], &[&x])?;
    if log {
        soft::log_softmax(&x, width, &mut y)
    } else {
        soft::softmax(&x, width, &mut y)
    }
    Ok(())
}

/// Layer norm of rows of `width` values; weight and bias [width] may be absent. `state` [rows, 2] gets mean and 1 / root.
#[napi]
pub fn layer_norm(
    x: F32,
    width: u32,
    weight: Option<F32>,
    bias: Option<F32>,
    eps: f64,
    mut y: F32Mut,
    mut state: F32Mut,
) -> Result<()> {
    let width = width as usize;
    check_len("x", x.len(), state.len() / 2 * width)?;
    check_len("y", y.len(), x.len())?;
    check_len("state", state.len() % 2, 0)?;
    check_optional("weight", weight.as_ref(), width)?;
    check_optional("bias", bias.as_ref(), width)?;
    disjoint_optional(&[&y, &state], &[&x], &[weight.as_ref(), bias.as_ref()])?;
    norm::layer_norm(&x, width, weight.as_deref(), bias.as_deref(), eps as f32, &mut y, &mut state);
    Ok(())
}

/// The gradient of [`layer_norm`]: dx, dweight [width], dbias [width].
#[napi]
pub fn layer_norm_grad(
    dy: F32,
    x: F32,
    weight: Option<F32>,
    state: F32,
    mut dx: F32Mut,
    mut dweight: F32Mut,
    mut dbias: F32Mut,
) -> Result<()> {
    let width = dweight.len();
    check_len("dbias", dbias.len(), width)?;
    check_len("state", state.len() % 2, 0)?;
    check_len("x", x.len(), state.len() / 2 * width)?;
    check_len("dy", dy.len(), x.len())?;
    check_len("dx", dx.len(), x.len())?;
    check_optional("weight", weight.as_ref(), width)?;
    disjoint_optional(&[&dx, &dweight, &dbias], &[&dy, &x, &state], &[weight.as_ref()])?;
    norm::layer_norm_grad(&dy, &x, weight.as_deref(), &state, &mut dx, &mut dweight, &mut dbias);
    Ok(())
}

/// Sizes [N, T, D], with their products N T D and N D.
fn tokens(samples: u32, tokens: u32, width: u32) -> Result<(Tokens, usize, usize)> {
    let all = product("x", &[samples, tokens, width])?;
    let each = product("shift", &[samples, width])?;
    let sizes = Tokens { samples: samples as usize, tokens: tokens as usize, width: width as usize };
    Ok((sizes, all, each))
}

/// y = norm(x) (1 + scale) + shift; x, y [N, T, D], shift, scale [N, D], state [N, T, 2].
#[napi]
pub fn layer_norm_modulate(
    n: u32,
    t: u32,
    d: u32,
    x: F32,
    shift: F32,
    scale: F32,
    eps: f64,
    mut y: F32Mut,
    mut state: F32Mut,
) -> Result<()> {
    let (sizes, all, each) = tokens(n, t, d)?;
    check_len("x", x.len(), all)?;
    check_len("y", y.len(), all)?;
    check_len("shift", shift.len(), each)?;
    check_len("scale", scale.len(), each)?;
    check_len("state", state.len(), product("state", &[n, t, 2])?)?;
    disjoint(&[&y, &state], &[&x, &shift, &scale])?;
    later("layerNormModulate", move || {
        modulate::layer_norm_modulate(sizes, &x, &shift, &scale, eps as f32, &mut y, &mut state);
        Ok(())
    })
}

/// The gradient of [`layer_norm_modulate`].
#[napi]
pub fn layer_norm_modulate_grad(
    n: u32,
    t: u32,
    d: u32,
    dy: F32,
    x: F32,
    scale: F32,
    state: F32,
    mut dx: F32Mut,
    mut dshift: F32Mut,
    mut dscale: F32Mut,
) -> Result<()> {
    let (sizes, all, each) = tokens(n, t, d)?;
    check_len("dy", dy.len(), all)?;
    check_len("x", x.len(), all)?;
    check_len("dx", dx.len(), all)?;
    check_len("scale", scale.len(), each)?;
    check_len("dshift", dshift.len(), each)?;
    check_len("dscale", dscale.len(), each)?;
    check_len("state", state.len(), product("state", &[n, t, 2])?)?;
    disjoint(&[&dx, &dshift, &dscale], &[&dy, &x, &scale, &state])?;
    later("layerNormModulateGrad", move || {
        modulate::layer_norm_modulate_grad(sizes, &dy, &x, &scale, &state, &mut dx, &mut dshift, &mut dscale);
        Ok(())
    })
}

/// out = x + gate y; x, y, out [N, T, D], gate [N, D].
#[napi]
pub fn gated_residual(n: u32, t: u32, d: u32, x: F32, gate: F32, y: F32, mut out: F32Mut) -> Result<()> {
    let (sizes, all, each) = tokens(n, t, d)?;
    check_len("x", x.len(), all)?;
    check_len("y", y.len(), all)?;
    check_len("out", out.len(), all)?;
    check_len("gate", gate.len(), each)?;
    disjoint(&[&out], &[&x, &gate, &y])?;
    later("gatedResidual", move || {
        gated::gated_residual(sizes, &x, &gate, &y, &mut out);
        Ok(())
    })
}

/// The gradient of [`gated_residual`] in gate and y.
#[napi]
pub fn gated_residual_grad(
    n: u32,
    t: u32,
    d: u32,
    dy: F32,
    gate: F32,
    y: F32,
    mut dgate: F32Mut,
    mut dbranch: F32Mut,
) -> Result<()> {
    let (sizes, all, each) = tokens(n, t, d)?;
    check_len("dy", dy.len(), all)?;
    check_len("y", y.len(), all)?;
    check_len("dbranch", dbranch.len(), all)?;
    check_len("gate", gate.len(), each)?;
    check_len("dgate", dgate.len(), each)?;
    disjoint(&[&dgate, &dbranch], &[&dy, &gate, &y])?;
    later("gatedResidualGrad", move || {
        gated::gated_residual_grad(sizes, &dy, &gate, &y, &mut dgate, &mut dbranch);
        Ok(())
    })
}

/// Sizes of an attention with the elements of q, of k and of the log sums.
fn heads(n: u32, t: u32, s: u32, d: u32, heads: u32, scale: f64) -> Result<(Heads, [usize; 3])> {
    if heads == 0 || !d.is_multiple_of(heads) {
        return Err(Error::new(Status::InvalidArg, format!("heads: expected a divisor of {d}, got {heads}")));
    }
    let sizes = Heads {
        samples: n as usize,
        queries: t as usize,
        keys: s as usize,
        width: d as usize,
        heads: heads as usize,
        scale: scale as f32,
    };
    Ok((sizes, [product("q", &[n, t, d])?, product("k", &[n, s, d])?, product("state", &[n, heads, t])?]))
}

/// out = softmax(scale q kᵀ) v in every head; q, out [N, T, D], k, v [N, S, D]; `state` [N, heads, T] gets log sums.
#[napi]
pub fn attention(
    n: u32,
    t: u32,
    s: u32,
    d: u32,
    head_count: u32,
    scale: f64,
    q: F32,
    k: F32,
    v: F32,
    mut out: F32Mut,
    mut state: F32Mut,
) -> Result<()> {
    let (sizes, [queries, keys, sums]) = heads(n, t, s, d, head_count, scale)?;
    check_len("q", q.len(), queries)?;
    check_len("k", k.len(), keys)?;
    check_len("v", v.len(), keys)?;
    check_len("out", out.len(), queries)?;
    check_len("state", state.len(), sums)?;
    disjoint(&[&out, &state], &[&q, &k, &v])?;
    later("attention", move || {
        attend(sizes, &q, &k, &v, &mut out, &mut state);
        Ok(())
    })
}

/// The gradient of [`attention`]: dq [N, T, D], dk, dv [N, S, D].
#[napi]
pub fn attention_grad(
    n: u32,
    t: u32,
    s: u32,
    d: u32,
    head_count: u32,
    scale: f64,
    dy: F32,
    q: F32,
    k: F32,
    v: F32,
    out: F32,
    state: F32,
    mut dq: F32Mut,
    mut dk: F32Mut,
    mut dv: F32Mut,
) -> Result<()> {
    let (sizes, [queries, keys, sums]) = heads(n, t, s, d, head_count, scale)?;
    for (name, length) in [("dy", dy.len()), ("q", q.len()), ("out", out.len()), ("dq", dq.len())] {
        check_len(name, length, queries)?;
    }
    for (name, length) in [("k", k.len()), ("v", v.len()), ("dk", dk.len()), ("dv", dv.len())] {
        check_len(name, length, keys)?;
    }
    check_len("state", state.len(), sums)?;
    disjoint(&[&dq, &dk, &dv], &[&dy, &q, &k, &v, &out, &state])?;
    later("attentionGrad", move || {
        let saved = AttentionSaved { dy: &dy, q: &q, k: &k, v: &v, out: &out, log_sums: &state };
        attend_back(sizes, saved, &mut dq, &mut dk, &mut dv);
        Ok(())
    })
}
