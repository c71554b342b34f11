//! Reductions against a plain loop.

use super::*;

const SHAPES: &[(usize, usize, usize)] = &[
    (1, 1, 1),
    (3, 5, 1),
    (5, 64, 1),
    (4, 1000, 1),
    (2, 7, 3),
    (1, 5000, 3),
    (1, 100_001, 1),
    (3, 33, 200),
    (1, 3000, 130),
    (2, 40, 5000),
    (700, 3, 40),
    (0, 4, 3),
    (3, 0, 2),
    (3, 4, 0),
];

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + 13) % 1009) as f32 / 500.0 - 1.0).collect()
}

fn slow(x: &[f32], (outer, size, inner): (usize, usize, usize), start: f64, f: fn(f64, f64) -> f64) -> Vec<f64> {
    let at = |o: usize, s: usize, i: usize| f64::from(x[(o * size + s) * inner + i]);
    (0..outer * inner).map(|k| (0..size).fold(start, |acc, s| f(acc, at(k / inner, s, k % inner)))).collect()
}

#[test]
fn reductions_like_a_loop() {
    for &shape in SHAPES {
        let (outer, size, inner) = shape;
        let x = numbers(outer * size * inner);
        let mut y = vec![f32::NAN; outer * inner];
        reduce(Reduction::Sum, &x, shape, &mut y);
        for (&y, want) in y.iter().zip(slow(&x, shape, 0.0, |a, b| a + b)) {
            assert!((f64::from(y) - want).abs() <= 3e-7 * (size as f64), "{shape:?} {y} {want}");
        }
        reduce(Reduction::Max, &x, shape, &mut y);
        assert!(y.iter().zip(slow(&x, shape, f64::NEG_INFINITY, f64::max)).all(|(&y, want)| f64::from(y) == want));
        reduce(Reduction::Min, &x, shape, &mut y);
        assert!(y.iter().zip(slow(&x, shape, f64::INFINITY, f64::min)).all(|(&y, want)| f64::from(y) == want));
        let near_one: Vec<f32> = x.iter().map(|x| 1.0 + x / 100.0).collect();
        reduce(Reduction::Prod, &near_one, shape, &mut y);
        for (&y, want) in y.iter().zip(slow(&near_one, shape, 1.0, |a, b| a * b)) {
            assert!((f64::from(y) / want - 1.0).abs() <= 3e-7 * (size as f64).max(1.0) || want < 1e-30);
        }
    }
}

#[test]
fn long_sums_stay_accurate() {
    let x = vec![0.1f32; 1 << 22];
    let mut y = [0.0];
    reduce(Reduction::Sum, &x, (1, x.len(), 1), &mut y);
    let want = f64::from(0.1f32) * x.len() as f64;
    assert!((f64::from(y[0]) / want - 1.0).abs() < 1e-6);
    let mut y = [0.0; 4];
    reduce(Reduction::Sum, &x, (1, x.len() / 4, 4), &mut y);
    assert!(y.iter().all(|&y| (f64::from(y) / want * 4.0 - 1.0).abs() < 1e-6));
}

#[test]
fn nan_and_means() {
    let mut x = numbers(300);
    x[140] = f32::NAN;
    let mut y = [0.0; 3];
    reduce(Reduction::Max, &x, (3, 100, 1), &mut y);
    assert!(!y[0].is_nan() && y[1].is_nan() && !y[2].is_nan());
    mean(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], (1, 3, 2), &mut y[..2]);
    assert_eq!(y[..2], [3.0, 4.0]);
}

#[test]
fn places_and_booleans() {
    for &shape in SHAPES.iter().filter(|shape| shape.1 > 0) {
        let (outer, size, inner) = shape;
        let x = numbers(outer * size * inner);
        let mut y = vec![-1; outer * inner];
        for largest in [true, false] {
            arg_extreme(largest, &x, shape, &mut y);
            for (k, &y) in y.iter().enumerate() {
                let at = |s: usize| x[(k / inner * size + s) * inner + k % inner];
                let mut want = 0;
                for s in 1..size {
                    if (largest && at(s) > at(want)) || (!largest && at(s) < at(want)) {
                        want = s;
                    }
                }
                assert_eq!(y as usize, want);
            }
        }
    }
    let mut y = [9; 2];
    hold(true, &[1, 0, 1, 1], (1, 2, 2), &mut y);
    assert_eq!(y, [1, 0]);
    hold(false, &[0, 0, 0, 1], (1, 2, 2), &mut y);
    assert_eq!(y, [0, 1]);
}
