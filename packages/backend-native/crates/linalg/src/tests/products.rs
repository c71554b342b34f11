//! Products of matrices against a plain loop.

use super::*;

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
