//! Reconstruction, orthogonality, order, and values known in closed form.

mod eigen;
mod errors;
mod factors;
mod graded;
mod products;
mod svd;

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
