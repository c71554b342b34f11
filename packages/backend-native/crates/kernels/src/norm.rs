//! The sum of the squares of all elements of many arrays.

use learngene_pool::SendPtr;
use learngene_simd::{Isa, dispatch};

use crate::leaves::{blocks, for_blocks};
use crate::support::{LANES, fold, lanes, sum_of};

dispatch! {
    fn squares(x: &[f32]) -> f64 = squares_with;
}
/// Sums of 4096 squares in f32, those in f64. Four parts are read side by side: one stream of memory alone does not fill
/// the bus.
#[inline(always)]
fn squares_with<S: Isa>(x: &[f32]) -> f64 {
    const PART: usize = 1024;
    let mut total = 0.0;
    let (quarter, mut at) = (x.len() / 4 / PART * PART, 0);
    while at < quarter {
        let mut sums = [[0.0f32; LANES]; 4];
        for step in (at..at + PART).step_by(LANES) {
            for (k, sum) in sums.iter_mut().enumerate() {
                let x = lanes(&x[k * quarter + step..]);
                for i in 0..LANES {
                    sum[i] = S::fma(x[i], x[i], sum[i]);
                }
            }
        }
        total += sums.into_iter().map(|sum| f64::from(fold(sum))).sum::<f64>();
        at += PART;
    }
    for part in x[4 * quarter..].chunks(4 * PART) {
        total += f64::from(sum_of(part, |x, sum| S::fma(x, x, sum)));
    }
    total
}

/// Σ x² over all arrays; the same bits for any number of threads.
pub fn squared_norm(leaves: &[&[f32]]) -> f64 {
    let lengths: Vec<usize> = leaves.iter().map(|leaf| leaf.len()).collect();
    let parts = blocks(&lengths);
    let mut sums = vec![0.0f64; parts.len()];
    let out = SendPtr::new(&mut sums);
    for_blocks(&parts, &|index, leaf, start, end| {
        // SAFETY: every block has an element of its own.
        unsafe { out.slice_mut(index..index + 1)[0] = squares(&leaves[leaf][start..end]) };
    });
    // an empty sum is -0
    sums.iter().sum::<f64>() + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaves::BLOCK;
    use crate::support::testing::values;

    #[test]
    fn of_leaves_of_any_size() {
        let leaves: Vec<Vec<f32>> = [0, 1, 63, 64, 65, 4097, BLOCK + 1].map(|length| values(length, 3, 1.0)).into();
        let slices: Vec<&[f32]> = leaves.iter().map(Vec::as_slice).collect();
        let want: f64 = leaves.iter().flatten().map(|&x| f64::from(x) * f64::from(x)).sum();
        assert!((squared_norm(&slices) - want).abs() < 1e-6 * want);
        assert!(squared_norm(&[]).to_bits() == 0);
        assert!(squared_norm(&[&[f32::NAN]]).is_nan());
    }
}
