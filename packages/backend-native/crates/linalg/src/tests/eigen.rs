//! Eigenvalues and eigenvectors of symmetric matrices.

use super::*;

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
