//! Speed of the products that a diffusion transformer takes: GFLOP/s, median and best decile.
//!
//! `cargo run --release -p learngene-gemm --example bench [filter] [seconds per product]`

use learngene_gemm::{
    Epilogue, FactorGrads, Factors, Gemm, GemmBatch, LowRank, LowRankGrads, Segment, Then, gemm, gemm_batch, gemm_bf16,
    low_rank_backward, low_rank_forward,
};
use std::time::Instant;

const SHAPES: &[(usize, usize, usize)] = &[
    (1024, 1152, 384),
    (1024, 384, 384),
    (1024, 1536, 384),
    (1024, 384, 1536),
    (1024, 4096, 1024),
    (1024, 768, 768),
    (1024, 3072, 768),
    (1024, 768, 3072),
    (16, 2304, 384),
    (2304, 384, 16),
    (16, 384, 2304),
    (4608, 768, 4),
    (4, 4608, 768),
    (384, 384, 1024),
    (1536, 384, 1024),
    (4096, 384, 192),
    (4096, 192, 384),
    (1024, 1024, 1024),
];

fn random(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

fn report(name: &str, flop: f64, seconds: f64, mut f: impl FnMut()) {
    for _ in 0..5 {
        f();
    }
    let begin = Instant::now();
    let mut times = Vec::new();
    while times.len() < 10 || begin.elapsed().as_secs_f64() < seconds {
        let start = Instant::now();
        f();
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let rate = |time: f64| flop / time / 1e9;
    let (median, best) = (times[times.len() / 2], times[times.len() / 10]);
    println!("{name:<34} {:7.1} {:7.1} GFLOP/s {:9.1} us", rate(median), rate(best), median * 1e6);
}

fn main() {
    let filter = std::env::args().nth(1).unwrap_or_default();
    let seconds: f64 = std::env::args().nth(2).and_then(|text| text.parse().ok()).unwrap_or(0.1);
    println!("{:?}, {} threads", learngene_simd::level(), learngene_pool::threads());
    for &(m, n, k) in SHAPES {
        let (a, b) = (random(m * k, 1), random(k * n, 2));
        let mut c = vec![0.0; m * n];
        let flop = 2.0 * (m * n * k) as f64;
        for mode in ["NN", "NT", "TN", "bf16 NN", "bf16 NT", "bf16 TN"] {
            let name = format!("{m}x{n}x{k} {mode}");
            if !name.contains(&filter) || (mode.starts_with("bf16") && !learngene_simd::has_bf16()) {
                continue;
            }
            report(&name, flop, seconds, || {
                let product = Gemm::new((m, n, k), &a, &b, &mut c);
                let product = if mode.ends_with("NT") { product.b_transposed() } else { product };
                let product = if mode.ends_with("TN") { product.a_transposed() } else { product };
                let done = if mode.starts_with("bf16") { gemm_bf16(product) } else { gemm(product) };
                done.expect("a right product");
            });
        }
    }
    ends(&filter, seconds);
    let (count, size) = (96, 64);
    let (a, b) = (random(count * size * size, 1), random(count * size * size, 2));
    let mut c = vec![0.0; count * size * size];
    for mode in ["NN", "NT", "TN"] {
        let name = format!("{count}x({size}x{size}x{size}) {mode}");
        if name.contains(&filter) {
            report(&name, 2.0 * (count * size * size * size) as f64, seconds, || {
                let batch = GemmBatch::new(count, (size, size, size), &a, &b, &mut c);
                let batch = if mode == "NT" { batch.b_transposed() } else { batch };
                let batch = if mode == "TN" { batch.a_transposed() } else { batch };
                gemm_batch(batch).expect("a right batch");
            });
        }
    }
    for classes in [0, 16] {
        for (inputs, outputs) in [(384, 1152), (384, 384), (384, 1536), (1536, 384)] {
            low_rank(&filter, seconds, classes, (inputs, outputs));
        }
    }
    println!("scratch: {} bytes", learngene_gemm::scratch_bytes());
}

/// Layers of DiT-S/2 with their fused ends, on factors that were not in the cache just now.
fn ends(filter: &str, seconds: f64) {
    const ROWS: usize = 1024;
    const LAYERS: usize = 12;
    for (name, inputs, outputs) in
        [("bias", 384, 1536), ("bias, GELU", 384, 1536), ("GELU'", 384, 1536), ("gate", 1536, 384), ("gate", 384, 384)]
    {
        let title = format!("{ROWS}x{outputs}x{inputs} NN, {name}");
        if !title.contains(filter) {
            continue;
        }
        let weights: Vec<Vec<f32>> = (0..LAYERS).map(|i| random(inputs * outputs, i as u32)).collect();
        let sources: Vec<Vec<f32>> = (0..LAYERS).map(|i| random(ROWS * inputs, i as u32)).collect();
        let mut beside: Vec<Vec<f32>> = (0..LAYERS).map(|i| random(ROWS * outputs, i as u32)).collect();
        let mut c = beside.clone();
        let (bias, gate) = (random(outputs, 3), random(16 * outputs, 4));
        let mut layer = 0;
        report(&title, 2.0 * (ROWS * inputs * outputs) as f64, seconds, || {
            let i = layer % LAYERS;
            layer += 1;
            let beside = &mut beside[i];
            let (bias, epilogue) = (Some(&bias[..]), Epilogue::default());
            let epilogue = match name {
                "bias" => Epilogue { bias, ..epilogue },
                "bias, GELU" => Epilogue { bias, pre: Some(beside), then: Then::Gelu, ..epilogue },
                "gate" => Epilogue {
                    bias,
                    then: Then::GatedResidual { x: beside, gate: &gate, rows_per_sample: 64 },
                    ..epilogue
                },
                _ => Epilogue { then: Then::GeluGrad { of: beside }, ..epilogue },
            };
            let product = Gemm::new((ROWS, outputs, inputs), &sources[i], &weights[i], &mut c[i]);
            gemm(Gemm { epilogue, ..product }).expect("a right product");
        });
    }
}

/// A layer of DiT-S/2 on 64 samples of 64 tokens: rank 192 for all, rank 16 for every class.
fn low_rank(filter: &str, seconds: f64, classes: usize, (inputs, outputs): (usize, usize)) {
    const ROWS: usize = 4096;
    const RANKS: [usize; 2] = [192, 16];
    let name = format!("low rank {ROWS}x{inputs}x{outputs} {classes}");
    if !name.contains(filter) {
        return;
    }
    let owned: Vec<[Vec<f32>; 3]> = (0..=classes)
        .map(|i| {
            let rank = RANKS[usize::from(i > 0)];
            [outputs * rank, rank, inputs * rank].map(|count| random(count, i as u32))
        })
        .collect();
    let factors: Vec<Factors<'_>> = owned.iter().map(|[u, s, v]| Factors { rank: s.len(), u, s, v }).collect();
    let run = ROWS / classes.max(1);
    let segments: Vec<Segment<'_>> = factors[1..]
        .iter()
        .enumerate()
        .map(|(i, &factors)| Segment { start: i * run, end: (i + 1) * run, factors })
        .collect();
    let layer = LowRank { rows: ROWS, inputs, outputs, common: factors[0], segments: &segments };
    let (x, dy, bias) = (random(ROWS * inputs, 1), random(ROWS * outputs, 2), random(outputs, 3));
    let mut hidden = vec![0.0; layer.hidden_len()];
    let mut work = hidden.clone();
    let (mut y, mut dx, mut dbias) = (dy.clone(), x.clone(), bias.clone());
    let mut grads = owned.clone();
    let rank = if classes > 0 { RANKS[0] + RANKS[1] } else { RANKS[0] };
    let flop = 2.0 * (ROWS * rank * (inputs + outputs)) as f64;
    report(&format!("{name} forward"), flop, seconds, || {
        let end = Epilogue { bias: Some(&bias), ..Epilogue::default() };
        low_rank_forward(layer, &x, &mut hidden, &mut y, end).expect("a right layer");
    });
    report(&format!("{name} backward"), 2.0 * flop, seconds, || {
        let mut slots = grads.iter_mut().map(|[u, s, v]| FactorGrads { u, s, v });
        let common = slots.next();
        let grads = LowRankGrads { x: Some(&mut dx), bias: Some(&mut dbias), common, segments: slots.collect() };
        low_rank_backward(layer, &dy, &x, &hidden, &mut work, grads).expect("a right gradient");
    });
}
