//! The product against plain loops in f64, at every level of instructions.

use crate::epilogue::{Epilogue, Then};
use crate::gemm::{Gemm, gemm_with};
use crate::testing::{close, levels, random, reference};
use crate::tile::{Kernels, bf16_kernels};

#[derive(Clone, Copy, Debug)]
struct Case {
    size: (usize, usize, usize),
    a_trans: bool,
    b_trans: bool,
    gap: usize,
    alpha: f32,
    accumulate: bool,
}

/// Runs a case and returns C without gaps, and the wanted numbers.
fn run(kernels: Kernels, case: Case, round: fn(f32) -> f32) -> (Vec<f32>, Vec<f64>) {
    let Case { size: (m, n, k), a_trans, b_trans, gap, alpha, accumulate } = case;
    let (lda, ldb, ldc) = (if a_trans { m } else { k } + gap, if b_trans { k } else { n } + gap, n + gap);
    let a = random(lda * if a_trans { k } else { m }, 1);
    let b = random(ldb * if b_trans { n } else { k }, 2);
    let before = random(ldc * m, 3);
    let mut c = if accumulate { before.clone() } else { vec![f32::NAN; ldc * m] };
    let mut want = reference(
        (m, n, k),
        |i, l| round(if a_trans { a[l * lda + i] } else { a[i * lda + l] }),
        |l, j| round(if b_trans { b[j * ldb + l] } else { b[l * ldb + j] }),
    );
    for i in 0..m {
        for j in 0..n {
            let old = if accumulate { f64::from(before[i * ldc + j]) } else { 0.0 };
            want[i * n + j] = want[i * n + j] * f64::from(alpha) + old;
        }
    }
    let product = Gemm { lda, ldb, ldc, a_trans, b_trans, alpha, accumulate, ..Gemm::new((m, n, k), &a, &b, &mut c) };
    gemm_with(kernels, 3, product).expect("a right product");
    let mut got = Vec::new();
    for i in 0..m {
        got.extend_from_slice(&c[i * ldc..i * ldc + n]);
        for j in n..ldc {
            let kept = if accumulate { before[i * ldc + j].to_bits() } else { f32::NAN.to_bits() };
            assert_eq!(c[i * ldc + j].to_bits(), kept, "{case:?}: a gap was written to");
        }
    }
    (got, want)
}

#[cfg(not(miri))]
const SIZES: &[(usize, usize, usize)] = &[
    (0, 3, 4),
    (3, 0, 4),
    (3, 4, 0),
    (1, 1, 1),
    (1, 7, 5),
    (5, 1, 9),
    (8, 48, 16),
    (9, 49, 17),
    (16, 130, 70),
    (13, 300, 33),
    (70, 15, 40),
    (64, 64, 64),
    (61, 67, 129),
    (33, 200, 257),
    (100, 101, 1),
    (130, 260, 90),
    (17, 40, 4500),
    (16, 130, 900),
    (40, 80, 4096),
];
#[cfg(miri)]
const SIZES: &[(usize, usize, usize)] = &[(0, 3, 4), (3, 4, 0), (1, 1, 1), (9, 13, 7), (5, 20, 33)];

fn cases() -> impl Iterator<Item = Case> {
    SIZES.iter().flat_map(|&size| {
        (0..8).map(move |bits| Case {
            size,
            a_trans: bits & 1 != 0,
            b_trans: bits & 2 != 0,
            gap: if bits & 4 != 0 { 5 } else { 0 },
            alpha: if bits == 6 { -0.5 } else { 1.0 },
            accumulate: bits >= 3,
        })
    })
}

#[test]
fn all_levels_shapes_and_layouts() {
    for kernels in levels() {
        for case in cases() {
            let (got, want) = run(kernels, case, |x| x);
            let tolerance = 1e-6 * (case.size.2 as f64).sqrt().max(1.0) * 2.0;
            close(&got, &want, tolerance, &format!("{:?} {case:?}", kernels.level));
        }
    }
}

#[test]
fn bf16_is_exact_products_of_rounded_factors() {
    let Some(kernels) = bf16_kernels() else { return };
    for case in cases() {
        let (got, want) = run(kernels, case, bf16);
        let tolerance = 3e-6 * (case.size.2 as f64).sqrt().max(1.0);
        close(&got, &want, tolerance, &format!("bf16 {case:?}"));
    }
}

#[test]
fn the_same_bits_every_time_and_for_every_count_of_threads() {
    let sizes: &[_] = if cfg!(miri) { &[(9, 11, 5)] } else { &[(130, 200, 300), (16, 500, 1000), (40, 100, 900)] };
    for &(m, n, k) in sizes {
        let (a, b) = (random(m * k, 1), random(k * n, 2));
        for kernels in levels() {
            let product = |threads| {
                let mut c = vec![0.0; m * n];
                gemm_with(kernels, threads, Gemm::new((m, n, k), &a, &b, &mut c)).expect("a right product");
                c
            };
            let first = product(1);
            for threads in [2, 3, 8] {
                assert!(first == product(threads), "{:?} {m}x{n}x{k}: {threads} threads", kernels.level);
            }
        }
    }
}

/// The bfloat16 nearest to a number, ties to even.
fn bf16(x: f32) -> f32 {
    let bits = x.to_bits();
    f32::from_bits((bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff_0000)
}

fn gelu(x: f64) -> f64 {
    x / (1.0 + (-2.0 * (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x)).exp())
}

fn silu(x: f64) -> f64 {
    x / (1.0 + (-x).exp())
}

fn slope(f: fn(f64) -> f64, x: f64) -> f64 {
    (f(x + 1e-5) - f(x - 1e-5)) / 2e-5
}

#[test]
fn epilogues() {
    for (m, n, k) in [(6, 21, 7), (24, 70, 33), (40, 100, if cfg!(miri) { 3 } else { 2100 })] {
        for b_trans in [false, true] {
            let (a, b) = (random(m * k, 1), random(k * n, 2));
            let (scale, bias) = (random(n, 3), random(n, 4));
            let (x, gate, of) = (random(m * n, 5), random(m / 2 * n, 6), random(m * n, 7));
            let plain =
                reference((m, n, k), |i, l| a[i * k + l], |l, j| if b_trans { b[j * k + l] } else { b[l * n + j] });
            let factor = 1.0 / (k as f32).sqrt();
            let v: Vec<f64> = plain
                .iter()
                .enumerate()
                .map(|(e, &p)| p * f64::from(factor) * f64::from(scale[e % n]) + f64::from(bias[e % n]))
                .collect();
            type Rule<'a> = (Then<'a>, Box<dyn Fn(usize, f64) -> f64 + 'a>);
            let rules: Vec<Rule<'_>> = vec![
                (Then::Store, Box::new(|_, v| v)),
                (Then::Gelu, Box::new(|_, v| gelu(v))),
                (Then::Silu, Box::new(|_, v| silu(v))),
                (Then::GeluGrad { of: &of }, Box::new(|e, v| v * slope(gelu, f64::from(of[e])))),
                (Then::SiluGrad { of: &of }, Box::new(|e, v| v * slope(silu, f64::from(of[e])))),
                (
                    Then::GatedResidual { x: &x, gate: &gate, rows_per_sample: 2 },
                    Box::new(|e, v| f64::from(x[e]) + f64::from(gate[e / n / 2 * n + e % n]) * v),
                ),
            ];
            for kernels in levels() {
                for (then, rule) in &rules {
                    let (mut c, mut pre) = (vec![f32::NAN; m * n], vec![f32::NAN; m * n]);
                    let mut product = Gemm::new((m, n, k), &a, &b, &mut c);
                    if b_trans {
                        product = product.b_transposed();
                    }
                    product.alpha = factor;
                    product.epilogue =
                        Epilogue { scale: Some(&scale), bias: Some(&bias), pre: Some(&mut pre), then: *then };
                    gemm_with(kernels, 2, product).expect("a right product");
                    let want: Vec<f64> = v.iter().enumerate().map(|(e, &v)| rule(e, v)).collect();
                    let what = format!("{:?} {m} {n} {k} {b_trans}", kernels.level);
                    close(&pre, &v, 1e-5, &what);
                    close(&c, &want, 1e-5, &what);
                }
            }
        }
    }
}

#[test]
fn a_factor_of_every_summand() {
    let (m, n, k) = (20, 37, 19);
    let (a, b, s) = (random(m * k, 1), random(k * n, 2), random(k, 3));
    for kernels in levels().into_iter().chain(bf16_kernels()) {
        for b_trans in [false, true] {
            let want = reference(
                (m, n, k),
                |i, l| a[i * k + l] * s[l],
                |l, j| if b_trans { b[j * k + l] } else { b[l * n + j] },
            );
            let mut c = vec![0.0; m * n];
            let product = Gemm::new((m, n, k), &a, &b, &mut c);
            let product = if b_trans { product.b_transposed() } else { product };
            let tolerance = if kernels.pairs { 2e-2 } else { 1e-5 };
            gemm_with(kernels, 2, Gemm { k_scale: Some(&s), ..product }).expect("a right product");
            close(&c, &want, tolerance, "k_scale");
        }
    }
}

#[test]
fn wrong_arguments_are_refused_by_name() {
    let (a, b) = (vec![0.0; 12], vec![0.0; 20]);
    let mut c = vec![0.0; 15];
    let message = |product: Gemm<'_>| crate::gemm(product).expect_err("a wrong product").to_string();
    assert_eq!(message(Gemm::new((3, 5, 5), &a, &b, &mut c)), "a: expected 15 elements, got 12");
    assert_eq!(message(Gemm::new((3, 6, 4), &a, &b, &mut c)), "b: expected 24 elements, got 20");
    assert_eq!(message(Gemm::new((3, 5, 4), &a, &b, &mut c[..14])), "c: expected 15 elements, got 14");
    let short = Gemm { lda: 3, ..Gemm::new((3, 5, 4), &a, &b, &mut c) };
    assert_eq!(message(short), "a: expected a stride of at least 4, got 3");
    let mut biased = Gemm::new((3, 5, 4), &a, &b, &mut c);
    biased.epilogue.bias = Some(&a[..4]);
    assert_eq!(message(biased), "bias: expected 5 elements, got 4");
    let mut huge = Gemm::new((3, 5, 4), &a, &b, &mut c);
    huge.ldb = usize::MAX;
    assert_eq!(message(huge), "b: its shape is larger than memory");
}

/// A column has the same bits whether it fills up a register with others or not.
#[test]
fn narrow_products_have_the_bits_of_wide_ones() {
    let (m, n, k) = (50, 16, 100);
    let (a, b) = (random(m * k, 1), random(k * n, 2));
    for kernels in levels() {
        let mut wide = vec![0.0; m * n];
        gemm_with(kernels, 2, Gemm::new((m, n, k), &a, &b, &mut wide)).expect("a right product");
        for columns in 1..n {
            let mut narrow = vec![0.0; m * columns];
            let product = Gemm { ldb: n, ..Gemm::new((m, columns, k), &a, &b, &mut narrow) };
            gemm_with(kernels, 2, product).expect("a right product");
            for (narrow, wide) in narrow.chunks(columns).zip(wide.chunks(n)) {
                assert_eq!(narrow, &wide[..columns], "{:?} {columns}", kernels.level);
            }
        }
    }
}
