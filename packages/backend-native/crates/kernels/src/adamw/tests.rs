//! Every way through a step against a loop in doubles.

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

/// Which values are written over makes no difference, with odd lengths and with more than one block.
#[test]
fn the_same_bits_in_place() {
    for length in [1, 15, 1041, 70_001] {
        let [p, g, m, e] = [1, 2, 3, 5].map(|seed| values(length, seed, 1.0));
        let v: Vec<f32> = values(length, 4, 1.0).into_iter().map(f32::abs).collect();
        for averaged in [false, true] {
            let run = |over: [bool; 4]| {
                let before = [&p, &m, &v, &e];
                let mut after: [Vec<f32>; 4] =
                    std::array::from_fn(|i| if over[i] { before[i].clone() } else { vec![f32::NAN; length] });
                let mut slots = after
                    .iter_mut()
                    .zip(before)
                    .zip(over)
                    .map(|((new, old), over)| if over { Slot::Over(new) } else { Slot::Into { old, new } });
                let [p, m, v, e] = std::array::from_fn(|_| slots.next().expect("four slots"));
                adamw(&STEP, 0.5, 0.99, &mut [Leaf { p, g: &g, m, v, e: averaged.then_some(e) }]);
                let written = if averaged { 4 } else { 3 };
                after.into_iter().take(written).map(|x| x.into_iter().map(f32::to_bits).collect()).collect()
            };
            let elsewhere: Vec<Vec<u32>> = run([false; 4]);
            for kind in 1..16 {
                assert!(run([1, 2, 4, 8].map(|bit| kind & bit != 0)) == elsewhere, "{length} {averaged} {kind}");
            }
        }
    }
}
