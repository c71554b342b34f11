//! Speed of the products that a diffusion transformer takes: GFLOP/s, median and best decile.
//!
//! `cargo run --release -p learngene-gemm --example bench [filter] [seconds per product]`

use learngene_gemm::{Gemm, GemmBatch, gemm, gemm_batch, gemm_bf16};
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
    println!("{name:<28} {:7.1} {:7.1} GFLOP/s {:9.1} us", rate(median), rate(best), median * 1e6);
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
    println!("scratch: {} bytes", learngene_gemm::scratch_bytes());
}
