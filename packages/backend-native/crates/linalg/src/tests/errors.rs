//! What is refused, and how it is said.

use super::*;

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
