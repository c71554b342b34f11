//! Singular values and vectors.

use super::*;

#[test]
fn svd_of_random_matrices() {
    for (m, n) in [(1, 1), (1, 5), (5, 1), (2, 2), (7, 3), (3, 7), (33, 33), (64, 64), (100, 65), (90, 203), (257, 257)]
    {
        let a = random(m as u64 * 1000 + n as u64, m * n);
        let whole = check_svd(&a, (m, n), svd_divide::LEAF);
        let deep = check_svd(&a, (m, n), 3);
        assert!(difference(&whole, &deep) < 1e-13 * whole[0]);
    }
}

#[test]
fn svd_of_all_small_sizes_by_deep_division() {
    for m in 1..14 {
        for n in 1..14 {
            check_svd(&random((m * 31 + n) as u64, m * n), (m, n), 2);
        }
    }
}

#[test]
fn svd_finds_given_spectra() {
    let n = 96;
    let spectra: [(&str, Vec<f64>); 7] = [
        ("geometric", (0..n).map(|i| 0.7f64.powi(i)).collect()),
        ("repeated", (0..n).map(|i| if i < 40 { 2.0 } else { 1.0 }).collect()),
        ("all equal", vec![3.0; n as usize]),
        ("one and the rest tiny", (0..n).map(|i| if i == 0 { 1.0 } else { 1e-13 }).collect()),
        ("rank 5", (0..n).map(|i| if i < 5 { 10.0 - f64::from(i) } else { 0.0 }).collect()),
        ("clustered", (0..n).map(|i| 1.0 + 1e-15 * f64::from(n - i)).collect()),
        ("close pairs", (0..n).map(|i| f64::from(n - i / 2) + 1e-12 * f64::from(1 - i % 2)).collect()),
    ];
    for (name, s) in spectra {
        for (m, n) in [(96, 96), (150, 96), (96, 110)] {
            for leaf in [3, 32] {
                let found = check_svd(&with_spectrum(7, &s, (m, n)), (m, n), leaf);
                assert!(difference(&found, &s) < 2e-14 * (1.0 + s[0]), "{name} {m} x {n}");
            }
        }
    }
}

#[test]
fn svd_of_special_matrices() {
    for n in [1, 2, 40, 100] {
        let zeros = check_svd(&vec![0.0; n * n], (n, n), 3);
        assert!(zeros.iter().all(|&s| s == 0.0));
        check_svd(&vec![0.0; 2 * n * n], (2 * n, n), 3);
        let ones = check_svd(&vec![1.0; n * n], (n, n), 3);
        assert!((ones[0] - n as f64).abs() < 1e-12 * n as f64);
        let identity: Vec<f64> = (0..n * n).map(|at| f64::from(at % (n + 1) == 0)).collect();
        assert!(check_svd(&identity, (n, n), 3).iter().all(|s| (s - 1.0).abs() < 1e-14));
        // a diagonal with signs and zeros
        let diagonal: Vec<f64> =
            (0..n * n).map(|at| if at % (n + 1) == 0 { (at / n) as f64 - 7.0 } else { 0.0 }).collect();
        check_svd(&diagonal, (n, n), 3);
        // a nilpotent shift, and a graded bidiagonal matrix
        let shift: Vec<f64> = (0..n * n).map(|at| f64::from(at % n == at / n + 1)).collect();
        check_svd(&shift, (n, n), 3);
        let graded: Vec<f64> = (0..n * n)
            .map(|at| if at % n == at / n || at % n == at / n + 1 { 0.1f64.powi((at / n) as i32) } else { 0.0 })
            .collect();
        check_svd(&graded, (n, n), 3);
    }
    // Hilbert's matrix: condition beyond the precision
    let hilbert: Vec<f64> = (0..60 * 60).map(|at| 1.0 / (at / 60 + at % 60 + 1) as f64).collect();
    check_svd(&hilbert, (60, 60), 4);
    // the second difference's values: 2 - 2 cos(π i / (n + 1))
    let n = 200usize;
    let second: Vec<f64> = (0..n * n)
        .map(|at| match (at / n).abs_diff(at % n) {
            0 => 2.0,
            1 => -1.0,
            _ => 0.0,
        })
        .collect();
    let mut want: Vec<f64> =
        (1..=n).map(|i| 2.0 - 2.0 * (std::f64::consts::PI * i as f64 / (n + 1) as f64).cos()).collect();
    assert!(difference(&check_eigen(&second, n, 5), &want) < 1e-13);
    want.reverse();
    assert!(difference(&check_svd(&second, (n, n), 5), &want) < 1e-13);
}

#[test]
fn any_scale() {
    let a = random(3, 50 * 40);
    let base = check_svd(&a, (50, 40), 4);
    for exponent in [-1000, -300, 300, 1000] {
        let factor = 2f64.powi(exponent);
        let scaled: Vec<f64> = a.iter().map(|x| x * factor).collect();
        let s = check_svd(&scaled, (50, 40), 4);
        assert!(s.iter().zip(&base).all(|(s, base)| (s / factor - base).abs() < 1e-14 * base.max(1.0)));
        let (mut q, mut r) = (vec![0.0; 50 * 40], vec![0.0; 40 * 40]);
        qr(&scaled, (50, 40), &mut q, &mut r).unwrap();
        assert!(orthogonality(&q, (50, 40)) < 1e-14);
    }
    // subnormal, and mixed with normal numbers
    check_svd(&[5e-324, 0.0, 1.0, -5e-324, 0.0, 1.0], (2, 3), 4);
    let (mut q, mut r) = (vec![0.0; 4], vec![0.0; 6]);
    qr(&[-5e-324, 0.0, 1.0, -5e-324, 0.0, 1.0], (2, 3), &mut q, &mut r).unwrap();
    assert!(orthogonality(&q, (2, 2)) < 1e-14);
    let (mut u, mut s, mut v) = ([0.0], [0.0], [0.0]);
    svd(&[5e-324], (1, 1), &mut u, &mut s, &mut v).unwrap();
    assert_eq!(s, [5e-324]);
    svd(&[-1.7e308], (1, 1), &mut u, &mut s, &mut v).unwrap();
    assert_eq!((s, u[0] * v[0]), ([1.7e308], -1.0));
}

#[test]
fn the_same_bits_again() {
    let a = random(5, 300 * 260);
    let run = || {
        let (mut u, mut s, mut v) = (vec![0.0; 300 * 260], vec![0.0; 260], vec![0.0; 260 * 260]);
        svd(&a, (300, 260), &mut u, &mut s, &mut v).unwrap();
        (u, s, v)
    };
    assert_eq!(run(), run());
}
