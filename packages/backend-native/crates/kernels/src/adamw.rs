//! One step of AdamW over all leaves, and with it, in the same pass, clipping and the moving average.

mod slots;
#[cfg(test)]
mod tests;

use learngene_pool::SendPtr;
use learngene_simd::{Isa, dispatch};

use crate::leaves::{blocks, for_blocks};
use crate::stream::{STEP, Streams};

pub use slots::Slot;

/// Scalars of a step.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Learning rate.
    pub learning_rate: f64,
    /// Decay of the mean.
    pub beta1: f64,
    /// Decay of the mean of squares.
    pub beta2: f64,
    /// Added to the corrected root.
    pub eps: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Number of this step, from 1.
    pub step: f64,
}

/// The factors of the inner loop.
#[derive(Clone, Copy)]
struct Factors {
    /// Of the gradient.
    clip: f32,
    beta1: f32,
    rest1: f32,
    beta2: f32,
    rest2: f32,
    /// Of the parameter: 1 - lr wd.
    keep: f32,
    /// Of m / (sqrt(v) + eps): lr sqrt(1 - beta2^step) / (1 - beta1^step).
    rate: f32,
    /// eps sqrt(1 - beta2^step).
    eps: f32,
    decay: f32,
    rest: f32,
}

impl Factors {
    fn new(step: &Step, clip: f32, decay: f64) -> Self {
        let root = (1.0 - step.beta2.powf(step.step)).sqrt();
        Self {
            clip,
            beta1: step.beta1 as f32,
            rest1: (1.0 - step.beta1) as f32,
            beta2: step.beta2 as f32,
            rest2: (1.0 - step.beta2) as f32,
            keep: (1.0 - step.learning_rate * step.weight_decay) as f32,
            rate: (step.learning_rate * root / (1.0 - step.beta1.powf(step.step))) as f32,
            eps: (step.eps * root) as f32,
            decay: decay as f32,
            rest: (1.0 - decay) as f32,
        }
    }
}

/// One leaf; all of one length.
pub struct Leaf<'a> {
    /// Parameters.
    pub p: Slot<'a>,
    /// Gradients.
    pub g: &'a [f32],
    /// Mean of the gradients.
    pub m: Slot<'a>,
    /// Mean of their squares.
    pub v: Slot<'a>,
    /// Moving average of the parameters, where it is kept.
    pub e: Option<Slot<'a>>,
}

/// Parameter, mean and mean square after the step.
#[inline(always)]
fn element<S: Isa>(f: &Factors, p: f32, g: f32, m: f32, v: f32) -> (f32, f32, f32) {
    let g = g * f.clip;
    let mean = S::fma(f.beta1, m, f.rest1 * g);
    let square = S::fma(f.beta2, v, f.rest2 * (g * g));
    (S::fma(f.keep, p, -(f.rate * mean / (square.sqrt() + f.eps))), mean, square)
}

dispatch! {
    fn update(f: Factors, p: &[f32], g: &[f32], m: &[f32], v: &[f32], p1: &mut [f32], m1: &mut [f32], v1: &mut [f32]) =
        update_with;
}
#[inline(always)]
fn update_with<S: Isa>(
    f: Factors,
    p: &[f32],
    g: &[f32],
    m: &[f32],
    v: &[f32],
    p1: &mut [f32],
    m1: &mut [f32],
    v1: &mut [f32],
) {
    let n = p.len();
    let (g, m, v) = (&g[..n], &m[..n], &v[..n]);
    let (p1, m1, v1) = (&mut p1[..n], &mut m1[..n], &mut v1[..n]);
    for i in 0..n {
        (p1[i], m1[i], v1[i]) = element::<S>(&f, p[i], g[i], m[i], v[i]);
    }
}

dispatch! {
    /// [`update`] in place.
    fn update_over(f: Factors, p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) = update_over_with;
}
#[inline(always)]
fn update_over_with<S: Isa>(f: Factors, p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
    let n = p.len();
    let (g, m, v) = (&g[..n], &mut m[..n], &mut v[..n]);
    for i in 0..n {
        (p[i], m[i], v[i]) = element::<S>(&f, p[i], g[i], m[i], v[i]);
    }
}

dispatch! {
    fn average_over(decay: f32, rest: f32, e: &mut [f32], p: &[f32]) = average_over_with;
}
#[inline(always)]
fn average_over_with<S: Isa>(decay: f32, rest: f32, e: &mut [f32], p: &[f32]) {
    for (e, &p) in e.iter_mut().zip(p) {
        *e = S::fma(decay, *e, rest * p);
    }
}

dispatch! {
    fn average(decay: f32, rest: f32, e: &[f32], p: &[f32], e1: &mut [f32]) = average_with;
}
#[inline(always)]
fn average_with<S: Isa>(decay: f32, rest: f32, e: &[f32], p: &[f32], e1: &mut [f32]) {
    for ((e1, &e), &p) in e1.iter_mut().zip(e).zip(p) {
        *e1 = S::fma(decay, e, rest * p);
    }
}

/// One AdamW step over all leaves (torch's semantics), of gradients times `clip`; where a leaf has a moving average,
/// also that: decay e + (1 - decay) p after the step.
pub fn adamw(step: &Step, clip: f32, decay: f64, leaves: &mut [Leaf<'_>]) {
    let factors = Factors::new(step, clip, decay);
    let lengths: Vec<usize> = leaves.iter().map(|leaf| leaf.g.len()).collect();
    let slots: Vec<_> = leaves
        .iter_mut()
        .map(|Leaf { p, g, m, v, e }| {
            assert!(p.len() == g.len() && m.len() == g.len() && v.len() == g.len());
            assert!(e.as_ref().is_none_or(|e| e.len() == g.len()));
            (p.raw(), *g, m.raw(), v.raw(), e.as_mut().map(Slot::raw))
        })
        .collect();
    let streams = Streams::for_bytes(16 * lengths.iter().sum::<usize>());
    for_blocks(&blocks(&lengths), &|_, leaf, start, end| {
        let (p, g, m, v, e) = slots[leaf];
        if p.over && m.over && v.over && e.is_none_or(|e| e.over) {
            for start in (start..end).step_by(STEP) {
                let range = start..(start + STEP).min(end);
                // SAFETY: blocks are disjoint and within the leaves.
                let (p, m, v) = unsafe { (p.over(range.clone()), m.over(range.clone()), v.over(range.clone())) };
                update_over(factors, p, &g[range.clone()], m, v);
                if let Some(e) = e {
                    // SAFETY: as above.
                    average_over(factors.decay, factors.rest, unsafe { e.over(range) }, p);
                }
            }
            return;
        }
        let mut buffer = [[0.0; STEP]; 3];
        for start in (start..end).step_by(STEP) {
            let range = start..(start + STEP).min(end);
            let n = range.len();
            let [p1, m1, v1] = &mut buffer;
            let (p1, m1, v1) = (&mut p1[..n], &mut m1[..n], &mut v1[..n]);
            // SAFETY: blocks are disjoint and within the leaves, and what is loaded is used up before it is stored over.
            unsafe {
                let (p, m, v) = (p.load(range.clone()), m.load(range.clone()), v.load(range.clone()));
                update(factors, p, &g[range.clone()], m, v, p1, m1, v1);
            }
            // SAFETY: as above.
            unsafe {
                m.store(start, m1, streams);
                v.store(start, v1, streams);
                p.store(start, p1, streams);
            }
            if let Some(e) = e {
                // SAFETY: as above.
                average(factors.decay, factors.rest, unsafe { e.load(range) }, p1, m1);
                // SAFETY: as above.
                unsafe { e.store(start, m1, streams) };
            }
        }
        streams.finish();
    });
}

/// e' = decay e + (1 - decay) p for every leaf (e, p) and its output.
pub fn ema(decay: f64, before: &[(&[f32], &[f32])], after: &mut [&mut [f32]]) {
    assert_eq!(before.len(), after.len());
    let outputs: Vec<_> = before
        .iter()
        .zip(after)
        .map(|((e, p), new)| {
            assert!(e.len() == p.len() && e.len() == new.len());
            SendPtr::new(new)
        })
        .collect();
    let lengths: Vec<usize> = before.iter().map(|(e, _)| e.len()).collect();
    let streams = Streams::for_bytes(4 * lengths.iter().sum::<usize>());
    for_blocks(&blocks(&lengths), &|_, leaf, start, end| {
        let (e, p) = (&before[leaf].0[start..end], &before[leaf].1[start..end]);
        // SAFETY: blocks are disjoint and within the outputs.
        let new = unsafe { outputs[leaf].slice_mut(start..end) };
        let mut buffer = [0.0; STEP];
        for ((e, p), new) in e.chunks(STEP).zip(p.chunks(STEP)).zip(new.chunks_mut(STEP)) {
            let buffer = &mut buffer[..e.len()];
            average(decay as f32, (1.0 - decay) as f32, e, p, buffer);
            streams.copy(buffer, new);
        }
        streams.finish();
    });
}
