//! QR, permuted triangles and Cholesky factors.

use super::*;

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
