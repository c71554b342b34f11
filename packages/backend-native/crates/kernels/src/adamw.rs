//! One step of AdamW over all leaves, and with it, in the same pass, clipping and the moving average.

use std::ops::Range;

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

/// Values before the step and where they go.
pub enum Slot<'a> {
    /// The new values take the place of the old.
    Over(&'a mut [f32]),
    /// The new values go elsewhere.
    Into {
        /// Before the step.
        old: &'a [f32],
        /// After it.
        new: &'a mut [f32],
    },
}

impl Slot<'_> {
    fn len(&self) -> usize {
        match self {
            Slot::Over(values) => values.len(),
            Slot::Into { old, new } => {
                assert_eq!(old.len(), new.len());
                old.len()
            }
        }
    }

    fn raw(&mut self) -> Raw {
        match self {
            Slot::Over(values) => {
                let new = SendPtr::new(values);
                Raw { old: new, new, over: true }
            }
            Slot::Into { old, new } => {
                Raw { old: SendPtr(old.as_ptr().cast_mut()), new: SendPtr::new(new), over: false }
            }
        }
    }
}

/// A [`Slot`] that tasks share; `old` is only read.
#[derive(Clone, Copy)]
struct Raw {
    old: SendPtr<f32>,
    new: SendPtr<f32>,
    over: bool,
}

impl Raw {
    /// The values before the step.
    ///
    /// # Safety
    /// The range is within the slot and belongs to this task; no slice of `store` is alive.
    unsafe fn load<'a>(&self, range: Range<usize>) -> &'a [f32] {
        // SAFETY: promised by the caller.
        unsafe { std::slice::from_raw_parts(self.old.0.add(range.start), range.len()) }
    }

    /// Stores values after the step.
    ///
    /// # Safety
    /// The range, which starts at `start`, is within the slot and belongs to this task; no slice of `load` is alive.
    unsafe fn store(&self, start: usize, values: &[f32], streams: Streams) {
        // SAFETY: promised by the caller.
        let new = unsafe { self.new.slice_mut(start..start + values.len()) };
        // lines that were just read are in the cache already
        if self.over { new.copy_from_slice(values) } else { streams.copy(values, new) }
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
            for (averaged, over) in [(false, false), (true, false), (true, true)] {
                let empty = || -> Vec<Vec<f32>> { lengths.iter().map(|&length| vec![f32::NAN; length]).collect() };
                let start = |x: &[Vec<f32>]| if over { x.to_vec() } else { empty() };
                let (mut p1, mut m1, mut v1, mut e1) = (start(&p), start(&m), start(&v), start(&e));
                fn slot<'a>(over: bool, old: &'a [f32], new: &'a mut [f32]) -> Slot<'a> {
                    if over { Slot::Over(new) } else { Slot::Into { old, new } }
                }
                let parts = p1.iter_mut().zip(&mut m1).zip(&mut v1).zip(&mut e1).enumerate();
                let mut leaves: Vec<Leaf<'_>> = parts
                    .map(|(i, (((p1, m1), v1), e1))| Leaf {
                        p: slot(over, &p[i], p1),
                        g: &g[i],
                        m: slot(over, &m[i], m1),
                        v: slot(over, &v[i], v1),
                        e: averaged.then_some(slot(over, &e[i], e1)),
                    })
                    .collect();
                adamw(&STEP, 0.5, 0.99, &mut leaves);
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
