//! One step of AdamW over all leaves, and with it, in the same pass, clipping and the moving average.

use learngene_pool::SendPtr;
use learngene_simd::{Isa, dispatch};

use crate::leaves::{blocks, for_blocks};
use crate::stream::{STEP, Streams};

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

/// One leaf before the step; all of one length.
#[derive(Clone, Copy)]
pub struct Leaf<'a> {
    /// Parameters.
    pub p: &'a [f32],
    /// Gradients.
    pub g: &'a [f32],
    /// Mean of the gradients.
    pub m: &'a [f32],
    /// Mean of their squares.
    pub v: &'a [f32],
    /// Moving average of the parameters, where it is kept.
    pub e: Option<&'a [f32]>,
}

/// One leaf after the step.
pub struct LeafMut<'a> {
    /// Parameters.
    pub p: &'a mut [f32],
    /// Mean of the gradients.
    pub m: &'a mut [f32],
    /// Mean of their squares.
    pub v: &'a mut [f32],
    /// Moving average, where it is kept.
    pub e: Option<&'a mut [f32]>,
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
        let g = g[i] * f.clip;
        let mean = S::fma(f.beta1, m[i], f.rest1 * g);
        let square = S::fma(f.beta2, v[i], f.rest2 * (g * g));
        m1[i] = mean;
        v1[i] = square;
        p1[i] = S::fma(f.keep, p[i], -(f.rate * mean / (square.sqrt() + f.eps)));
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
pub fn adamw(step: &Step, clip: f32, decay: f64, before: &[Leaf<'_>], after: &mut [LeafMut<'_>]) {
    assert_eq!(before.len(), after.len());
    let factors = Factors::new(step, clip, decay);
    let outputs: Vec<_> = before
        .iter()
        .zip(after)
        .map(|(old, new)| {
            let n = old.p.len();
            assert!(old.g.len() == n && old.m.len() == n && old.v.len() == n && old.e.is_none_or(|e| e.len() == n));
            assert!(new.p.len() == n && new.m.len() == n && new.v.len() == n);
            assert!(new.e.as_ref().map(|e| e.len()) == old.e.map(<[f32]>::len));
            (SendPtr::new(new.p), SendPtr::new(new.m), SendPtr::new(new.v), new.e.as_mut().map(|e| SendPtr::new(e)))
        })
        .collect();
    let lengths: Vec<usize> = before.iter().map(|leaf| leaf.p.len()).collect();
    let total: usize = lengths.iter().sum();
    for_blocks(&blocks(&lengths), &|_, leaf, start, end| {
        let (old, (p, m, v, e)) = (before[leaf], outputs[leaf]);
        // SAFETY: blocks are disjoint and within the outputs.
        let (p, m, v) = unsafe { (p.slice_mut(start..end), m.slice_mut(start..end), v.slice_mut(start..end)) };
        // SAFETY: as above.
        let e = e.map(|e| unsafe { e.slice_mut(start..end) });
        let old = Leaf {
            p: &old.p[start..end],
            g: &old.g[start..end],
            m: &old.m[start..end],
            v: &old.v[start..end],
            e: old.e.map(|e| &e[start..end]),
        };
        update_block(factors, old, LeafMut { p, m, v, e }, Streams::for_bytes(16 * total));
    });
}

fn update_block(f: Factors, old: Leaf<'_>, new: LeafMut<'_>, streams: Streams) {
    let mut averages = new.e;
    let mut buffer = [[0.0; STEP]; 3];
    for start in (0..old.p.len()).step_by(STEP) {
        let range = start..(start + STEP).min(old.p.len());
        let n = range.len();
        let [p1, m1, v1] = &mut buffer;
        let (p1, m1, v1) = (&mut p1[..n], &mut m1[..n], &mut v1[..n]);
        let r = || range.clone();
        update(f, &old.p[r()], &old.g[r()], &old.m[r()], &old.v[r()], p1, m1, v1);
        streams.copy(m1, &mut new.m[r()]);
        streams.copy(v1, &mut new.v[r()]);
        if let (Some(e), Some(new)) = (old.e, &mut averages) {
            average(f.decay, f.rest, &e[r()], p1, m1);
            streams.copy(m1, &mut new[r()]);
        }
        streams.copy(p1, &mut new.p[r()]);
    }
    streams.finish();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::testing::{close, values};

    const STEP: Step = Step { learning_rate: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.1, step: 3.0 };

    fn reference(s: &Step, [p, g, m, v, e]: [f32; 5], clip: f32, decay: f64) -> [f64; 4] {
        let [p, g, m, v, e] = [p, g * clip, m, v, e].map(f64::from);
        let (m, v) = (s.beta1 * m + (1.0 - s.beta1) * g, s.beta2 * v + (1.0 - s.beta2) * g * g);
        let mean = m / (1.0 - s.beta1.powf(s.step));
        let root = (v / (1.0 - s.beta2.powf(s.step))).sqrt();
        let p = p * (1.0 - s.learning_rate * s.weight_decay) - s.learning_rate * mean / (root + s.eps);
        [p, m, v, decay * e + (1.0 - decay) * p]
    }

    #[test]
    fn leaves_of_any_size() {
        // the last makes the outputs large enough to be streamed
        for lengths in [vec![], vec![0, 1, 17], vec![1000, 5], vec![70_000, 3, 1_100_000]] {
            let make = |seed: u64, scale: f32| -> Vec<Vec<f32>> {
                lengths.iter().map(|&length| values(length, seed, scale)).collect()
            };
            let (p, g, m, e) = (make(1, 1.0), make(2, 1.0), make(3, 1.0), make(5, 1.0));
            let v: Vec<Vec<f32>> = make(4, 1.0).into_iter().map(|v| v.into_iter().map(f32::abs).collect()).collect();
            for averaged in [false, true] {
                let before: Vec<Leaf<'_>> = (0..lengths.len())
                    .map(|i| Leaf { p: &p[i], g: &g[i], m: &m[i], v: &v[i], e: averaged.then_some(&e[i][..]) })
                    .collect();
                let empty = || -> Vec<Vec<f32>> { lengths.iter().map(|&length| vec![f32::NAN; length]).collect() };
                let (mut p1, mut m1, mut v1, mut e1) = (empty(), empty(), empty(), empty());
                let parts = p1.iter_mut().zip(&mut m1).zip(&mut v1).zip(&mut e1);
                let mut after: Vec<LeafMut<'_>> =
                    parts.map(|(((p, m), v), e)| LeafMut { p, m, v, e: averaged.then_some(&mut e[..]) }).collect();
                adamw(&STEP, 0.5, 0.99, &before, &mut after);
                for i in 0..lengths.len() {
                    let want: Vec<[f64; 4]> = (0..lengths[i])
                        .map(|j| reference(&STEP, [p[i][j], g[i][j], m[i][j], v[i][j], e[i][j]], 0.5, 0.99))
                        .collect();
                    let part = |k: usize| -> Vec<f64> { want.iter().map(|w| w[k]).collect() };
                    close(&p1[i], &part(0), 1e-6);
                    close(&m1[i], &part(1), 1e-6);
                    close(&v1[i], &part(2), 1e-6);
                    if averaged {
                        close(&e1[i], &part(3), 1e-6);
                    }
                }
                // the average alone gives the same bits
                if averaged {
                    let pairs: Vec<(&[f32], &[f32])> = e.iter().zip(&p1).map(|(e, p)| (&e[..], &p[..])).collect();
                    let mut alone = empty();
                    ema(0.99, &pairs, &mut alone.iter_mut().map(|e| &mut e[..]).collect::<Vec<_>>());
                    assert!(alone == e1);
                }
            }
        }
    }
}
