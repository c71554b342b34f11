//! Time of a step of AdamW over the leaves of a block of DiT-S/2, twelve of them: milliseconds, median and best decile.
//!
//! `cargo run --release -p learngene-kernels --example adamw [parameters] [seconds each]`

use std::time::Instant;

use learngene_kernels::adamw::{Leaf, Slot, Step, adamw};

fn main() {
    let count: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(2_660_000);
    let seconds: f64 = std::env::args().nth(2).and_then(|text| text.parse().ok()).unwrap_or(1.0);
    let step = Step { learning_rate: 1e-4, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01, step: 3.0 };
    println!("{:?}, {} threads, {count} parameters", learngene_simd::level(), learngene_pool::threads());
    for averaged in [false, true] {
        let make = |scale: f32| (0..count).map(|i| scale * (i % 97) as f32).collect::<Vec<f32>>();
        let (mut p, g, mut m, mut v, mut e) = (make(1e-2), make(1e-3), make(1e-3), make(1e-6), make(1e-2));
        let mut run = || {
            let e = averaged.then_some(Slot::Over(&mut e));
            let leaf = Leaf { p: Slot::Over(&mut p), g: &g, m: Slot::Over(&mut m), v: Slot::Over(&mut v), e };
            adamw(&step, 1.0, 0.999, &mut [leaf]);
        };
        run();
        let begin = Instant::now();
        let mut times = Vec::new();
        while times.len() < 10 || begin.elapsed().as_secs_f64() < seconds {
            let start = Instant::now();
            run();
            times.push(start.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        let (median, best) = (times[times.len() / 2], times[times.len() / 10]);
        println!("average {averaged}: {:.3} {:.3} ms", median * 1e3, best * 1e3);
    }
}
