//! Matrices whose rows or columns have very different sizes keep their small singular values.

use super::*;

/// Elements of `a` [m, n] times 10^(-20 i / m) in row i or the like in column j.
fn graded(a: &[f64], (m, n): Size, rows: f64, columns: f64) -> Vec<f64> {
    let power = |range: f64, at: usize, of: usize| 10f64.powf(-range * at as f64 / of as f64);
    a.iter().enumerate().map(|(at, x)| x * power(rows, at / n, m) * power(columns, at % n, n)).collect()
}

fn relative(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).fold(0.0, |most, (a, b)| f64::max(most, (a - b).abs() / b))
}

#[test]
fn diagonal_matrices_keep_every_value() {
    for range in [2.0, 20.0, 300.0] {
        let n = 64;
        let wanted: Vec<f64> = (0..n).map(|i| 10f64.powf(-range * i as f64 / n as f64)).collect();
        // in order, and at other places with other signs
        for step in [1, 11] {
            let mut a = vec![0.0; n * n];
            (0..n)
                .for_each(|i| a[i * step % n * n + (i * 7 + 3) % n] = if i % 3 == 0 { -wanted[i] } else { wanted[i] });
            let s = check_svd(&a, (n, n), svd_divide::LEAF);
            assert!(range > 2.0 || relative(&s, &wanted) < 1e-13);
            assert!(range == 2.0 || s == wanted, "range {range}, step {step}");
        }
    }
}

#[test]
fn graded_matrices_keep_small_values() {
    for (seed, (m, n)) in [(1, (24, 24)), (2, (40, 17)), (3, (17, 40)), (4, (3, 2)), (5, (90, 90))] {
        for (rows, columns) in [(20.0, 0.0), (0.0, 20.0), (8.0, 8.0), (-20.0, 0.0), (0.0, -20.0), (120.0, 30.0)] {
            let a = graded(&random(seed, m * n), (m, n), rows, columns);
            let s = check_svd(&a, (m, n), svd_divide::LEAF);
            // the same matrix with rows and columns in reverse, and its transpose
            let reversed: Vec<f64> = a.iter().rev().copied().collect();
            for (other, size) in [(reversed, (m, n)), (transposed(&a, (m, n)), (n, m))] {
                let error = relative(&check_svd(&other, size, svd_divide::LEAF), &s);
                assert!(error < 1e-11, "{m} x {n}, {rows} {columns}: {error:e}");
            }
        }
    }
}

#[test]
fn graded_triangles_have_the_product_of_their_diagonal() {
    for (seed, n) in [(1, 5), (2, 30), (3, 64)] {
        let mut a = graded(&random(seed, n * n), (n, n), 60.0, 0.0);
        let mut logarithm = 0.0;
        for i in 0..n {
            a[i * n + i] += 3.0 * 10f64.powf(-60.0 * i as f64 / n as f64);
            a[i * n..i * n + i].fill(0.0);
            logarithm += a[i * n + i].ln();
        }
        let s = check_svd(&a, (n, n), svd_divide::LEAF);
        let found: f64 = s.iter().map(|s| s.ln()).sum();
        assert!((found - logarithm).abs() < 1e-12 * n as f64, "{found} {logarithm}");
    }
}

#[test]
fn zero_rows_and_columns_of_graded_matrices() {
    let (m, n) = (20, 12);
    let mut a = graded(&random(9, m * n), (m, n), 20.0, 0.0);
    a[5 * n..8 * n].fill(0.0);
    (0..m).for_each(|i| (a[i * n + 4], a[i * n + 9]) = (0.0, 0.0));
    let s = check_svd(&a, (m, n), svd_divide::LEAF);
    assert!(s[9] > 0.0 && s[10..] == [0.0, 0.0]);
}
