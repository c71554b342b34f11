//! Copies against a plain loop, and copies that are refused.

use super::*;

/// The copy that permutes a row-major array.
fn transpose_dims(shape: &[usize], perm: &[usize]) -> Vec<Dim> {
    let stride = |sizes: &[usize], d: usize| sizes[d + 1..].iter().product::<usize>() as isize;
    let result: Vec<usize> = perm.iter().map(|&d| shape[d]).collect();
    perm.iter()
        .enumerate()
        .map(|(to, &from)| Dim { size: shape[from], x: stride(shape, from), y: stride(&result, to) })
        .collect()
}

fn slow(dims: &[Dim], x_base: isize, y_base: isize, x: &[u32], y: &mut [u32]) {
    let total: usize = dims.iter().map(|dim| dim.size).product();
    for i in 0..total {
        let (mut rest, mut from, mut to) = (i, x_base, y_base);
        for dim in dims.iter().rev() {
            let at = (rest % dim.size) as isize;
            rest /= dim.size;
            from += at * dim.x;
            to += at * dim.y;
        }
        y[to as usize] = x[from as usize];
    }
}

fn check<T: Copy + Send + Sync + PartialEq + std::fmt::Debug>(
    dims: &[Dim],
    bases: (usize, usize),
    lengths: (usize, usize),
    convert: fn(u32) -> T,
) {
    let x: Vec<u32> = (0..lengths.0 as u32).collect();
    let mut want = vec![u32::MAX; lengths.1];
    slow(dims, bases.0 as isize, bases.1 as isize, &x, &mut want);
    let want: Vec<T> = want.into_iter().map(convert).collect();
    let x: Vec<T> = x.into_iter().map(convert).collect();
    let mut y = vec![convert(u32::MAX); lengths.1];
    let plan = Copy2::new(dims, bases.0, bases.1, lengths.0, lengths.1).unwrap();
    copy(&plan, &x, &mut y);
    assert!(y == want, "{dims:?}");
}

#[test]
fn permutations_of_any_rank() {
    let cases: &[(&[usize], &[usize])] = &[
        (&[7], &[0]),
        (&[1, 1], &[1, 0]),
        (&[33, 47], &[1, 0]),
        (&[300, 210], &[1, 0]),
        (&[5, 64, 3, 48], &[0, 2, 1, 3]),
        (&[4, 19, 40], &[0, 2, 1]),
        (&[6, 9, 5, 16], &[0, 2, 1, 3]),
        (&[6, 90, 5, 64], &[0, 2, 1, 3]),
        (&[7, 9, 128], &[1, 0, 2]),
        (&[9, 8, 10], &[2, 1, 0]),
        (&[2, 4, 2, 4, 2, 3], &[0, 1, 3, 5, 2, 4]),
        (&[8, 16, 2, 16, 2, 4], &[0, 1, 3, 5, 2, 4]),
        (&[64, 8, 2, 8], &[0, 2, 1, 3]),
        (&[2, 3, 4, 5, 6], &[4, 2, 0, 3, 1]),
        (&[17, 3000], &[1, 0]),
        (&[3, 20_001], &[1, 0]),
        (&[20_001, 3], &[1, 0]),
    ];
    for &(shape, perm) in cases {
        let total = shape.iter().product();
        let dims = transpose_dims(shape, perm);
        check(&dims, (0, 0), (total, total), |i| i as f32);
        check(&dims, (0, 0), (total, total), |i| i as i32);
        check(&dims, (0, 0), (total, total), |i| (i % 251) as u8);
    }
}

#[test]
fn slices_reversals_repeats_and_gaps() {
    let dim = |size, x, y| Dim { size, x, y };
    check(&[dim(3, 10, 4), dim(4, 1, 1)], (12, 0), (50, 12), |i| i); // a slice
    check(&[dim(5, -10, 10), dim(10, 1, 1)], (40, 0), (50, 50), |i| i); // reversed rows
    check(&[dim(50, -1, 1)], (49, 0), (50, 50), |i| i); // reversed
    check(&[dim(5, 2, 1)], (1, 0), (10, 5), |i| i); // every second
    check(&[dim(4, 0, 50), dim(50, 1, 1)], (0, 0), (50, 200), |i| i); // tiled
    check(&[dim(50, 1, 40), dim(40, 0, 1)], (0, 0), (50, 2000), |i| i); // repeated
    check(&[dim(5, 10, 20), dim(10, 1, 1)], (0, 7), (50, 120), |i| i); // into a wider array
    check(&[dim(2000, 30, 70), dim(30, 1, 1)], (0, 40), (60_000, 140_000), |i| i);
    check(&[dim(40_000, 3, 1)], (2, 0), (120_000, 40_000), |i| i);
    check(&[dim(0, 3, 1), dim(4, 1, 1)], (0, 0), (0, 0), |i| i);
    check(&[], (3, 2), (5, 4), |i| i); // one element
}

#[test]
fn wrong_copies_are_refused() {
    let dim = |size, x, y| Dim { size, x, y };
    assert!(Copy2::new(&[dim(5, 1, 1)], 0, 0, 4, 5).is_err());
    assert!(Copy2::new(&[dim(5, 1, 1)], 0, 1, 5, 5).is_err());
    assert!(Copy2::new(&[dim(5, -1, 1)], 3, 0, 5, 5).is_err());
    assert!(Copy2::new(&[dim(2, 1, 3), dim(4, 1, 1)], 0, 0, 50, 50).is_err());
    assert!(Copy2::new(&[dim(2, 1, 0)], 0, 0, 50, 50).is_err());
    assert!(Copy2::new(&[dim(2, 1, -1)], 0, 1, 50, 50).is_err());
    assert!(Copy2::new(&[dim(2, isize::MAX, 1)], 1, 0, 50, 50).is_err());
    assert!(Copy2::new(&[], 5, 0, 5, 1).is_err());
}
