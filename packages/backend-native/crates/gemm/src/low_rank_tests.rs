//! The low-rank layer against plain loops.

use crate::epilogue::Epilogue;
use crate::low_rank::*;
use crate::low_rank_backward::*;
use crate::low_rank_together::*;
use crate::testing::{close, levels, random};
use crate::tile::{Kernels, bf16_kernels};

struct Owned {
    rank: usize,
    u: Vec<f32>,
    s: Vec<f32>,
    v: Vec<f32>,
}

impl Owned {
    fn new(inputs: usize, outputs: usize, rank: usize, seed: u64) -> Self {
        let (u, s, v) = (random(outputs * rank, seed), random(rank, seed + 1), random(inputs * rank, seed + 2));
        Self { rank, u, s, v }
    }
    fn factors(&self) -> Factors<'_> {
        Factors { rank: self.rank, u: &self.u, s: &self.s, v: &self.v }
    }
}

/// [rows, width] times [width, rank].
fn narrow(x: &[f64], width: usize, factor: &[f32], rank: usize) -> Vec<f64> {
    let rows = x.len() / width;
    let mut h = vec![0.0; rows * rank];
    for i in 0..rows {
        for l in 0..width {
            for j in 0..rank {
                h[i * rank + j] += x[i * width + l] * f64::from(factor[l * rank + j]);
            }
        }
    }
    h
}

/// Adds [rows, rank] diag(s) factorᵀ to `to`.
fn widen(h: &[f64], s: &[f32], factor: &[f32], width: usize, to: &mut [f64]) {
    let rank = s.len();
    for (h, to) in h.chunks(rank.max(1)).zip(to.chunks_mut(width)) {
        for (o, to) in to.iter_mut().enumerate() {
            *to += (0..rank).map(|j| h[j] * f64::from(s[j]) * f64::from(factor[o * rank + j])).sum::<f64>();
        }
    }
}

/// aᵀ b diag(s).
fn outer(a: &[f64], width: usize, b: &[f64], s: &[f32]) -> Vec<f64> {
    let rank = s.len();
    let mut c = vec![0.0; width * rank];
    for (a, b) in a.chunks(width).zip(b.chunks(rank.max(1))) {
        for o in 0..width {
            for j in 0..rank {
                c[o * rank + j] += a[o] * b[j] * f64::from(s[j]);
            }
        }
    }
    c
}

fn doubles(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

/// Element by element in f32; in the norm where factors are rounded to 8 bits.
fn agree(kernels: &Kernels, got: &[f32], want: &[f64], tolerance: f64, what: &str) {
    if !kernels.pairs {
        return close(got, want, tolerance, what);
    }
    assert_eq!(got.len(), want.len(), "{what}");
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let error = norm(&mut got.iter().zip(want).map(|(&got, want)| f64::from(got) - want));
    let size = norm(&mut want.iter().copied());
    assert!(error <= 0.02 * size, "bf16 {what}: got an error of {error} beside {size}");
}

/// Rows, inputs, outputs, rank, segments as (start, end, rank).
type Shape<'a> = (usize, usize, usize, usize, &'a [(usize, usize, usize)]);

const SHAPES: &[Shape<'_>] = &[
    (1, 3, 5, 2, &[]),
    (7, 6, 9, 4, &[(2, 3, 1), (3, 7, 3)]),
    (40, 33, 70, 20, &[(0, 8, 16), (8, 24, 16), (30, 40, 5)]),
    (130, 50, 101, 49, &[(1, 128, 16)]),
    // Swept in two parts: whole tiles and not; segments of several chunks, of both parts, and none.
    (320, 96, 48, 16, &[(0, 200, 8), (200, 320, 8)]),
    (301, 33, 70, 20, &[(3, 110, 5), (110, 111, 16), (140, 290, 3)]),
    (257, 50, 19, 7, &[]),
];

#[test]
fn forward_and_backward_at_every_level() {
    let shapes = if cfg!(miri) { &SHAPES[..2] } else { SHAPES };
    for &(rows, inputs, outputs, rank, runs) in shapes {
        let common = Owned::new(inputs, outputs, rank, 10);
        let own: Vec<Owned> =
            runs.iter().enumerate().map(|(i, run)| Owned::new(inputs, outputs, run.2, 20 + 7 * i as u64)).collect();
        let segments: Vec<Segment<'_>> = runs
            .iter()
            .zip(&own)
            .map(|(&(start, end, _), own)| Segment { start, end, factors: own.factors() })
            .collect();
        let layer = LowRank { rows, inputs, outputs, common: common.factors(), segments: &segments };
        let (x, dy, bias) = (random(rows * inputs, 1), random(rows * outputs, 2), random(outputs, 3));
        let (x64, dy64) = (doubles(&x), doubles(&dy));
        let mut want_y: Vec<f64> = (0..rows).flat_map(|_| doubles(&bias)).collect();
        let mut want_dx = vec![0.0; rows * inputs];
        let (mut want_hidden, mut want_grads) = (Vec::new(), Vec::new());
        let all = std::iter::once((&common, 0, rows)).chain(own.iter().zip(runs).map(|(own, run)| (own, run.0, run.1)));
        for (f, start, end) in all {
            let (xs, dys) = (&x64[start * inputs..end * inputs], &dy64[start * outputs..end * outputs]);
            let (h, g) = (narrow(xs, inputs, &f.v, f.rank), narrow(dys, outputs, &f.u, f.rank));
            widen(&h, &f.s, &f.u, outputs, &mut want_y[start * outputs..end * outputs]);
            widen(&g, &f.s, &f.v, inputs, &mut want_dx[start * inputs..end * inputs]);
            let ds = (0..f.rank).map(|j| h.iter().zip(&g).skip(j).step_by(f.rank).map(|(h, g)| h * g).sum()).collect();
            want_grads.push((outer(dys, outputs, &h, &f.s), ds, outer(xs, inputs, &g, &f.s)));
            want_hidden.extend(h);
        }
        let want_bias: Vec<f64> = (0..outputs).map(|o| dy64.iter().skip(o).step_by(outputs).sum()).collect();
        for kernels in levels().into_iter().chain(bf16_kernels()) {
            let what = format!("{:?} {rows} {inputs} {outputs} {rank} {runs:?}", kernels.level);
            let (mut hidden, mut y) = (vec![f32::NAN; layer.hidden_len()], vec![f32::NAN; rows * outputs]);
            let epilogue = Epilogue { bias: Some(&bias), ..Epilogue::default() };
            forward_with(kernels, 2, layer, &x, &mut hidden, &mut y, epilogue).expect("a right layer");
            agree(&kernels, &hidden, &want_hidden, 1e-5, &what);
            agree(&kernels, &y, &want_y, 1e-4, &what);
            let mut work = vec![f32::NAN; work_with(kernels, 2, &layer)];
            let (mut dx, mut dbias) = (vec![f32::NAN; rows * inputs], vec![f32::NAN; outputs]);
            let mut grads: Vec<[Vec<f32>; 3]> = want_grads
                .iter()
                .map(|(u, s, v): &(Vec<f64>, Vec<f64>, Vec<f64>)| [u, s, v].map(|g| vec![f32::NAN; g.len()]))
                .collect();
            {
                let mut slots = grads.iter_mut().map(|[u, s, v]| FactorGrads { u, s, v });
                let common = slots.next();
                let slots =
                    LowRankGrads { x: Some(&mut dx), bias: Some(&mut dbias), common, segments: slots.collect() };
                backward_with(kernels, 2, layer, &dy, &x, &hidden, &mut work, slots).expect("a right gradient");
            }
            agree(&kernels, &dx, &want_dx, 1e-4, &what);
            agree(&kernels, &dbias, &want_bias, 1e-4, &what);
            for ([u, s, v], (want_u, want_s, want_v)) in grads.iter().zip(&want_grads) {
                agree(&kernels, u, want_u, 1e-3, &what);
                agree(&kernels, s, want_s, 1e-3, &what);
                agree(&kernels, v, want_v, 1e-3, &what);
            }
        }
    }
}

#[test]
fn layers_together_are_the_layers_one_by_one() {
    // The first is swept, the second is not.
    for (rows, inputs, outs) in [(301usize, 33usize, [20usize, 47]), (60, 17, [9, 30])] {
        let runs = [(0, rows / 3), (rows / 2, rows)];
        let x = random(rows * inputs, 1);
        let owned: Vec<Vec<Owned>> =
            outs.iter().map(|&out| (0..3).map(|i| Owned::new(inputs, out, 8 + i, 10 + i as u64)).collect()).collect();
        let segments: Vec<Vec<Segment<'_>>> = owned
            .iter()
            .map(|set| {
                runs.iter()
                    .zip(&set[1..])
                    .map(|(&(start, end), f)| Segment { start, end, factors: f.factors() })
                    .collect()
            })
            .collect();
        let layers: Vec<LowRank<'_>> = (outs.iter().zip(&owned).zip(&segments))
            .map(|((&outputs, set), segments)| LowRank { rows, inputs, outputs, common: set[0].factors(), segments })
            .collect();
        let dys: Vec<Vec<f32>> = outs.iter().map(|&out| random(rows * out, 2)).collect();
        for kernels in levels().into_iter().chain(bf16_kernels()) {
            let what = format!("{:?} {rows}", kernels.level);
            let size =
                |f: &dyn Fn(&LowRank<'_>) -> usize| layers.iter().map(|l| vec![f32::NAN; f(l)]).collect::<Vec<_>>();
            let (mut hiddens, mut ys) = (size(&|l| l.hidden_len()), size(&|l| rows * l.outputs));
            let calls = layers.iter().zip(&mut hiddens).zip(&mut ys);
            let calls = calls.map(|((&layer, hidden), y)| ForwardCall { layer, hidden, y, bias: None }).collect();
            forward_together_with(kernels, 2, &x, calls).expect("right layers");
            let grads = |set: &[Owned]| -> Vec<[Vec<f32>; 3]> {
                set.iter().map(|f| [&f.u, &f.s, &f.v].map(|g| vec![f32::NAN; g.len()])).collect()
            };
            let mut got: Vec<Vec<[Vec<f32>; 3]>> = owned.iter().map(|set| grads(set)).collect();
            let mut dx = vec![f32::NAN; rows * inputs];
            let mut work = vec![f32::NAN; work_together_with(kernels, 2, &layers)];
            let calls = (layers.iter().zip(&dys).zip(&hiddens).zip(&mut got))
                .map(|(((&layer, dy), hidden), grads)| {
                    let mut slots = grads.iter_mut().map(|[u, s, v]| FactorGrads { u, s, v });
                    BackwardCall { layer, dy, hidden, bias: None, common: slots.next(), segments: slots.collect() }
                })
                .collect();
            backward_together_with(kernels, 2, &x, calls, &mut dx, &mut work).expect("right gradients");
            let mut want_dx = vec![0.0f64; rows * inputs];
            for (i, &layer) in layers.iter().enumerate() {
                let (mut hidden, mut y) = (vec![0.0; layer.hidden_len()], vec![0.0; rows * layer.outputs]);
                forward_with(kernels, 2, layer, &x, &mut hidden, &mut y, Epilogue::default()).expect("a right layer");
                assert!(hidden == hiddens[i] && y == ys[i], "{what}");
                let (mut work, mut part) = (vec![0.0; work_with(kernels, 2, &layer)], vec![0.0; rows * inputs]);
                let mut want = grads(&owned[i]);
                let mut slots = want.iter_mut().map(|[u, s, v]| FactorGrads { u, s, v });
                let common = slots.next();
                let slots = LowRankGrads { x: Some(&mut part), bias: None, common, segments: slots.collect() };
                backward_with(kernels, 2, layer, &dys[i], &x, &hidden, &mut work, slots).expect("a right gradient");
                want_dx.iter_mut().zip(&part).for_each(|(sum, &part)| *sum += f64::from(part));
                assert!(got[i] == want, "{what}");
            }
            close(&dx, &want_dx, 1e-4, &what);
        }
    }
    let own = Owned::new(3, 4, 2, 1);
    let layer = |rows| LowRank { rows, inputs: 3, outputs: 4, common: own.factors(), segments: &[] };
    assert!(low_rank_work_together(&[layer(2), layer(3)], false).is_err());
}

#[test]
fn wrong_segments_are_refused() {
    let own = Owned::new(3, 4, 2, 1);
    let segment = |start, end| Segment { start, end, factors: own.factors() };
    for segments in [vec![segment(1, 1)], vec![segment(0, 9)], vec![segment(0, 2), segment(1, 3)]] {
        let layer = LowRank { rows: 8, inputs: 3, outputs: 4, common: own.factors(), segments: &segments };
        let (mut hidden, mut y) = (vec![0.0; 64], vec![0.0; 32]);
        let error = low_rank_forward(layer, &[0.0; 24], &mut hidden, &mut y, Epilogue::default());
        assert!(error.expect_err("wrong segments").to_string().starts_with("segments["));
    }
}
