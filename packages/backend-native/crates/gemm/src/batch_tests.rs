//! Batches against single products.

use crate::batch::{GemmBatch, gemm_batch_with};
use crate::testing::{close, levels, random, reference};

#[test]
fn batches_of_all_layouts() {
    let sizes: &[(usize, usize, usize)] =
        if cfg!(miri) { &[(3, 5, 2)] } else { &[(3, 5, 2), (64, 64, 64), (33, 70, 9)] };
    for &(m, n, k) in sizes {
        for count in [0, 1, 2, 9] {
            for layout in 0..8 {
                let (a_trans, b_trans, shared) = (layout & 1 != 0, layout & 2 != 0, layout & 4 != 0);
                let (a, b) = (random(count * m * k, 1), random(count.max(1) * k * n, 2));
                let before = random(count * m * n, 3);
                let mut want = Vec::new();
                for i in 0..count {
                    let (a, b) = (&a[i * m * k..], if shared { &b[..] } else { &b[i * k * n..] });
                    want.extend(reference(
                        (m, n, k),
                        |r, l| if a_trans { a[l * m + r] } else { a[r * k + l] },
                        |l, c| if b_trans { b[c * k + l] } else { b[l * n + c] },
                    ));
                }
                want.iter_mut().zip(&before).for_each(|(want, &old)| *want = 0.5 * *want + f64::from(old));
                for kernels in levels() {
                    let mut c = before.clone();
                    let batch = GemmBatch::new(count, (m, n, k), &a, &b, &mut c);
                    let batch = if a_trans { batch.a_transposed() } else { batch };
                    let batch = if b_trans { batch.b_transposed() } else { batch };
                    let b_batch = if shared { 0 } else { batch.b_batch };
                    let batch = GemmBatch { b_batch, alpha: 0.5, accumulate: true, ..batch };
                    gemm_batch_with(kernels, 2, batch, None).expect("a right batch");
                    close(&c, &want, 1e-5, &format!("{:?} {count}x{m}x{n}x{k} {layout}", kernels.level));
                }
            }
        }
    }
}

#[test]
fn wrong_batches_are_refused_by_name() {
    let (a, b) = (vec![0.0; 24], vec![0.0; 40]);
    let mut c = vec![0.0; 30];
    let message = |batch: GemmBatch<'_>| crate::gemm_batch(batch).expect_err("a wrong batch").to_string();
    assert_eq!(message(GemmBatch::new(3, (3, 5, 4), &a, &b, &mut c)), "a: expected 36 elements, got 24");
    let overlapping = GemmBatch { c_batch: 14, ..GemmBatch::new(2, (3, 5, 4), &a, &b, &mut c) };
    assert_eq!(message(overlapping), "c_batch: expected a stride of at least 15, got 14");
    let far = GemmBatch { a_batch: usize::MAX, ..GemmBatch::new(3, (3, 5, 4), &a, &b, &mut c) };
    assert_eq!(message(far), "a: its shape is larger than memory");
}
