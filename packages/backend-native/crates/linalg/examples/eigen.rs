//! Time of decompositions of symmetric matrices: milliseconds, median and best.
//!
//! `cargo run --release -p learngene-linalg --example eigen [size] [times]`

use std::time::Instant;

use learngene_linalg::{symmetric_eigen, symmetric_eigenvalues};

fn main() {
    let size: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(2048);
    let times: usize = std::env::args().nth(2).and_then(|text| text.parse().ok()).unwrap_or(5);
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 23) - 1.0
    };
    let mut a = vec![0.0; size * size];
    for i in 0..size {
        for j in i..size {
            let value = next();
            (a[i * size + j], a[j * size + i]) = (value, value);
        }
    }
    let (mut values, mut vectors) = (vec![0.0; size], vec![0.0; size * size]);
    let report = |name: &str, f: &mut dyn FnMut()| {
        let mut all: Vec<f64> = (0..times)
            .map(|_| {
                let start = Instant::now();
                f();
                start.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        all.sort_by(f64::total_cmp);
        println!("{name:<24} {:9.1} {:9.1} ms", all[times / 2], all[0]);
    };
    println!("{:?}, {} threads, size {size}", learngene_simd::level(), learngene_pool::threads());
    report("values and vectors", &mut || symmetric_eigen(&a, size, &mut values, &mut vectors).expect("finite"));
    report("values alone", &mut || symmetric_eigenvalues(&a, size, &mut values).expect("finite"));
}
