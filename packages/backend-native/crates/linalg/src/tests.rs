//! Reconstruction, orthogonality, order, and values known in closed form.

use super::*;

type Size = (usize, usize);

/// Uniform numbers in [-1, 1) (xorshift).
fn random(seed: u64, length: usize) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect()
}

fn naive(a: &[f64], b: &[f64], (m, k, n): (usize, usize, usize)) -> Vec<f64> {
    let mut c = vec![0.0; m * n];
    for i in 0..m {
        for p in 0..k {
            for j in 0..n {
                c[i * n + j] += a[i * k + p] * b[p * n + j];
            }
        }
    }
    c
}

fn transposed(a: &[f64], (m, n): Size) -> Vec<f64> {
    let mut t = vec![0.0; m * n];
    for i in 0..m {
        for j in 0..n {
            t[j * m + i] = a[i * n + j];
        }
    }
    t
}

fn product(a: &[f64], b: &[f64], sizes: (usize, usize, usize)) -> Vec<f64> {
    let mut c = vec![f64::NAN; sizes.0 * sizes.2];
    matmul(a, b, &mut c, sizes).unwrap();
    c
}

fn difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).fold(0.0, |most, (a, b)| if (a - b).abs() <= most { most } else { (a - b).abs() })
}

/// Largest |a'a - I| of a [m, n].
fn orthogonality(a: &[f64], (m, n): Size) -> f64 {
    let mut gram = product(&transposed(a, (m, n)), a, (n, m, n));
    (0..n).for_each(|i| gram[i * n + i] -= 1.0);
    gram.iter().fold(0.0, |most, x| if x.abs() <= most { most } else { x.abs() })
}

fn composed(u: &[f64], s: &[f64], v: &[f64], (m, n): Size) -> Vec<f64> {
    let k = s.len();
    let scaled: Vec<f64> = u.iter().enumerate().map(|(at, x)| x * s[at % k]).collect();
    product(&scaled, &transposed(v, (n, k)), (m, k, n))
}

fn check_svd(a: &[f64], (m, n): Size, leaf: usize) -> Vec<f64> {
    let k = m.min(n);
    let (mut u, mut s, mut v) = (vec![f64::NAN; m * k], vec![f64::NAN; k], vec![f64::NAN; n * k]);
    svd_with(a, (m, n), &mut u, &mut s, &mut v, leaf).unwrap();
    let limit = 1e-14 * (20.0 + (m + n) as f64).sqrt();
    let error = difference(&composed(&u, &s, &v, (m, n)), a);
    assert!(error <= limit * s[0], "{m} x {n}, leaf {leaf}: reconstruction {error:e} of {:e}", s[0]);
    for (name, x, rows) in [("u", &u, m), ("v", &v, n)] {
        let error = orthogonality(x, (rows, k));
        assert!(error < limit, "{m} x {n}, leaf {leaf}: {name} {error:e}");
    }
    assert!(s.windows(2).all(|pair| pair[0] >= pair[1]) && s[k - 1] >= 0.0, "{s:?}");
    s
}

fn check_eigen(a: &[f64], n: usize, leaf: usize) -> Vec<f64> {
    let (mut values, mut vectors) = (vec![f64::NAN; n], vec![f64::NAN; n * n]);
    symmetric_eigen_with(a, n, &mut values, &mut vectors, leaf).unwrap();
    let norm = values[0].abs().max(values[n - 1].abs());
    let limit = 1e-14 * (20.0 + 2.0 * n as f64).sqrt();
    let error = difference(&composed(&vectors, &values, &vectors, (n, n)), a);
    assert!(error <= limit * norm, "{n}, leaf {leaf}: reconstruction {error:e} of {norm:e}");
    let error = orthogonality(&vectors, (n, n));
    assert!(error < limit, "{n}, leaf {leaf}: {error:e}");
    assert!(values.windows(2).all(|pair| pair[0] <= pair[1]));
    let mut alone = vec![f64::NAN; n];
    symmetric_eigenvalues(a, n, &mut alone).unwrap();
    assert!(difference(&alone, &values) <= limit * norm);
    values
}

fn symmetric(seed: u64, n: usize) -> Vec<f64> {
    let a = random(seed, n * n);
    (0..n * n).map(|at| a[at] + a[at % n * n + at / n]).collect()
}

/// u diag(s) v' with random orthonormal u and v.
fn with_spectrum(seed: u64, s: &[f64], (m, n): Size) -> Vec<f64> {
    let k = s.len();
    let basis = |seed, rows| {
        let (mut q, mut r) = (vec![0.0; rows * k], vec![0.0; k * k]);
        qr(&random(seed, rows * k), (rows, k), &mut q, &mut r).unwrap();
        q
    };
    composed(&basis(seed, m), s, &basis(seed + 1, n), (m, n))
}

#[test]
fn products_are_sums_of_products() {
    for (at, sizes) in
        [(1, 1, 1), (3, 5, 2), (24, 8, 8), (25, 17, 9), (70, 300, 33), (129, 64, 257), (1, 400, 500), (300, 2, 1)]
            .into_iter()
            .enumerate()
    {
        let (m, k, n) = sizes;
        let (a, b) = (random(at as u64, m * k), random(99, k * n));
        assert!(difference(&product(&a, &b, sizes), &naive(&a, &b, sizes)) < 1e-12, "{sizes:?}");
    }
}

#[test]
fn products_in_several_blocks() {
    // more columns and depth than are packed at once
    let (m, k, n) = (50, 700, 2100);
    let (a, b) = (random(1, m * k), random(2, k * n));
    assert!(difference(&product(&a, &b, (m, k, n)), &naive(&a, &b, (m, k, n))) < 1e-11);
}

#[test]
fn products_take_any_stride_and_add() {
    let (m, k, n) = (61, 40, 45);
    let (a, b) = (random(1, m * k), random(2, k * n));
    let mut c = vec![1.0; m * n];
    let at = transposed(&a, (m, k));
    gemm::gemm(
        -2.0,
        View::columns(&at, m, k, m),
        View::new(&b, k, n, n, 1),
        Store::Add,
        ViewMut::columns(&mut c, m, n, m),
    );
    let want: Vec<f64> = naive(&a, &b, (m, k, n)).iter().map(|x| 1.0 - 2.0 * x).collect();
    assert!(difference(&c, &transposed(&want, (m, n))) < 1e-12);
}

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
fn eigen_of_random_and_special_matrices() {
    for n in [1, 2, 3, 4, 5, 8, 17, 33, 64, 65, 100, 200, 301] {
        let a = symmetric(n as u64, n);
        let whole = check_eigen(&a, n, eigen_divide::LEAF);
        let deep = check_eigen(&a, n, 2);
        assert!(difference(&whole, &deep) < 2e-13 * whole[n - 1].max(1.0));
        assert!(check_eigen(&vec![0.0; n * n], n, 2).iter().all(|&x| x == 0.0));
        let ones = check_eigen(&vec![1.0; n * n], n, 2);
        assert!((ones[n - 1] - n as f64).abs() < 1e-12 * n as f64);
        let identity: Vec<f64> = (0..n * n).map(|at| f64::from(at % (n + 1) == 0)).collect();
        assert!(check_eigen(&identity, n, 2).iter().all(|x| (x - 1.0).abs() < 1e-14));
        // low rank: most eigenvalues zero
        let b = random(n as u64 + 1, n * 3);
        check_eigen(&product(&b, &transposed(&b, (n, 3)), (n, 3, n)), n, 2);
    }
    // Wilkinson's W21+, whose large eigenvalues come in pairs that agree to 1e-14
    let n = 21usize;
    let wilkinson: Vec<f64> = (0..n * n)
        .map(|at| match (at / n).abs_diff(at % n) {
            0 => (at / n).abs_diff(10) as f64,
            1 => 1.0,
            _ => 0.0,
        })
        .collect();
    let values = check_eigen(&wilkinson, n, 2);
    assert!((values[n - 1] - 10.746_194_182_903_4).abs() < 1e-12);
    assert!(values[n - 1] - values[n - 2] < 1e-13);
    // many copies of it, glued weakly
    let (copies, size) = (8, n * 8);
    let glued: Vec<f64> = (0..size * size)
        .map(|at| {
            let (i, j) = (at / size, at % size);
            match i.abs_diff(j) {
                0 => (i % n).abs_diff(10) as f64,
                1 if i / n == j / n => 1.0,
                1 => 1e-8,
                _ => 0.0,
            }
        })
        .collect();
    assert_eq!(copies * n, size);
    check_eigen(&glued, size, 4);
}

#[test]
fn qr_of_any_shape() {
    for (m, n) in [(1, 1), (1, 4), (4, 1), (5, 5), (70, 40), (40, 70), (65, 65), (700, 74), (100, 33)] {
        let a = random((m + n) as u64, m * n);
        let k = m.min(n);
        let (mut q, mut r) = (vec![f64::NAN; m * k], vec![f64::NAN; k * n]);
        qr(&a, (m, n), &mut q, &mut r).unwrap();
        assert!(difference(&product(&q, &r, (m, k, n)), &a) < 1e-13);
        assert!(orthogonality(&q, (m, k)) < 1e-13);
        assert!((0..k).all(|i| r[i * n..i * n + i].iter().all(|&x| x == 0.0)));
    }
}

#[test]
fn permuted_lower_spans_the_columns() {
    for (m, n) in [(1, 1), (1, 4), (4, 1), (5, 5), (16, 16), (70, 40), (40, 70), (65, 33), (700, 74), (900, 120)] {
        let k = m.min(n);
        let a = random((m + n) as u64, m * n);
        let mut pl = vec![f64::NAN; m * k];
        permuted_lower(&a, (m, n), &mut pl).unwrap();
        assert_eq!(pl.iter().fold(0.0f64, |most, x| most.max(x.abs())), 1.0);
        // some order of the rows is unit lower triangular: each has its place at its last entry that is not 0
        let ends: Vec<usize> = (0..m).map(|i| (0..k).rfind(|&j| pl[i * k + j] != 0.0).unwrap()).collect();
        for j in 0..k {
            assert!((0..m).any(|i| ends[i] == j && pl[i * k + j] == 1.0), "{m} x {n}: column {j}");
        }
        // the columns of a are in its span
        let (mut q, mut r) = (vec![0.0; m * k], vec![0.0; k * k]);
        qr(&pl, (m, k), &mut q, &mut r).unwrap();
        let inside = product(&q, &product(&transposed(&q, (m, k)), &a, (k, m, n)), (m, k, n));
        assert!(difference(&inside, &a) < 1e-12, "{m} x {n}");
    }
    // no pivot in the second column, and the largest of a column is the pivot
    let mut pl = [f64::NAN; 6];
    permuted_lower(&[1.0, 2.0, -4.0, -8.0, 2.0, 4.0], (3, 2), &mut pl).unwrap();
    assert_eq!(pl, [-0.25, 1.0, 1.0, 0.0, -0.5, 0.0]);
    permuted_lower(&[0.0; 6], (3, 2), &mut pl).unwrap();
    assert_eq!(pl, [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
}

#[test]
fn flat_products_of_either_layout() {
    // few rows of c and many columns, and the reverse; every height of the last tile
    for narrow in [1, 4, 7, 9, 17, 25, 33, 74, 240, 241] {
        for sizes in [(narrow, 300, 530), (530, 300, narrow)] {
            let (m, k, n) = sizes;
            let (a, b) = (random(5, m * k), random(6, k * n));
            let want = naive(&a, &b, sizes);
            assert!(difference(&product(&a, &b, sizes), &want) < 1e-12, "{sizes:?}");
            let mut c = vec![f64::NAN; m * n];
            transposed_matmul(&transposed(&a, (m, k)), &b, &mut c, sizes).unwrap();
            assert_eq!(c, product(&a, &b, sizes), "{sizes:?}");
        }
    }
}

#[test]
fn cholesky_of_gram_matrices() {
    for n in [1, 2, 63, 64, 65, 200, 300] {
        let b = random(n as u64, n * (n + 5));
        let a = product(&b, &transposed(&b, (n, n + 5)), (n, n + 5, n));
        let mut l = vec![f64::NAN; n * n];
        cholesky(&a, n, &mut l).unwrap();
        assert!(difference(&product(&l, &transposed(&l, (n, n)), (n, n, n)), &a) < 1e-13 * n as f64);
        assert!((0..n).all(|i| l[i * n + i] > 0.0 && l[i * n + i + 1..(i + 1) * n].iter().all(|&x| x == 0.0)));
    }
    let error = cholesky(&[1.0, 0.0, 0.0, -1.0], 2, &mut [0.0; 4]).unwrap_err();
    assert_eq!(error, Error::NotPositiveDefinite { col: 1 });
}

#[test]
fn errors_name_what_is_wrong() {
    let mut out = [0.0; 4];
    let message = |result: Result<(), Error>| result.unwrap_err().to_string();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let a = [1.0, 2.0, value, 4.0];
        let want = format!("a: expected finite values, got {value} at [1, 0]");
        let (mut q, mut r) = ([0.0; 4], [0.0; 4]);
        assert_eq!(message(svd(&a, (2, 2), &mut q, &mut out[..2], &mut r)), want);
        assert_eq!(message(qr(&a, (2, 2), &mut q, &mut r)), want);
        assert_eq!(message(symmetric_eigen(&a, 2, &mut r[..2], &mut q)), want);
        assert_eq!(message(symmetric_eigenvalues(&a, 2, &mut r[..2])), want);
        assert_eq!(message(cholesky(&a, 2, &mut q)), want);
        assert_eq!(message(permuted_lower(&a, (2, 2), &mut q)), want);
    }
    assert_eq!(message(svd(&[], (0, 3), &mut [], &mut [], &mut [])), "a: expected positive sizes, got 0 x 3");
    assert_eq!(message(symmetric_eigen(&[], 0, &mut [], &mut [])), "a: expected positive sizes, got 0 x 0");
    assert_eq!(message(matmul(&[1.0], &[1.0], &mut out, (1, 1, 1))), "c: expected 1 x 1 values, got 4");
    assert_eq!(message(qr(&[1.0; 3], (2, 2), &mut [0.0; 4], &mut out)), "a: expected 2 x 2 values, got 3");
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

#[test]
fn eigenvalues_of_diagonal_matrices_are_their_elements() {
    let n = 64;
    let wanted: Vec<f64> = (0..n).map(|i| 10f64.powf(-20.0 * i as f64 / n as f64)).rev().collect();
    let mut a = vec![0.0; n * n];
    (0..n).for_each(|i| a[i * (n + 1)] = wanted[i * 11 % n]);
    assert_eq!(check_eigen(&a, n, eigen_divide::LEAF), wanted);
    let mut alone = vec![f64::NAN; n];
    symmetric_eigenvalues(&a, n, &mut alone).unwrap();
    assert_eq!(alone, wanted);
}
