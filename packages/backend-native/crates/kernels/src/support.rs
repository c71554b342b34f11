//! What the kernels of the transformer share: sums that vectorise, scratch memory, and when a second thread pays.

use std::cell::RefCell;

use learngene_pool::run;

/// Running values of a reduction: one AVX-512 register, two of AVX2, four of NEON.
pub(crate) const LANES: usize = 16;
/// One value a lane.
pub(crate) type Lanes = [f32; LANES];

/// Less work than this many elements is not worth waking a second thread for.
const PARALLEL_FROM: usize = 1 << 14;

/// Calls `f(0)` to `f(tasks - 1)`: on all threads where `elements` are worth it, else here.
#[inline]
pub(crate) fn for_tasks(tasks: usize, elements: usize, f: &(dyn Fn(usize) + Sync)) {
    if elements < PARALLEL_FROM {
        (0..tasks).for_each(f);
    } else {
        run(tasks, f);
    }
}

/// The lanes combined pairwise, in a fixed order.
#[inline(always)]
pub(crate) fn fold_with(x: Lanes, f: impl Fn(f32, f32) -> f32) -> f32 {
    // arrays of known sizes become shuffles of registers
    let eight: [f32; 8] = std::array::from_fn(|i| f(x[i], x[i + 8]));
    let four: [f32; 4] = std::array::from_fn(|i| f(eight[i], eight[i + 4]));
    f(f(four[0], four[2]), f(four[1], four[3]))
}

/// The lanes added pairwise, in a fixed order.
#[inline(always)]
pub(crate) fn fold(x: Lanes) -> f32 {
    fold_with(x, |a, b| a + b)
}

/// The first [`LANES`] values of a slice.
#[inline(always)]
pub(crate) fn lanes(x: &[f32]) -> &Lanes {
    x[..LANES].try_into().expect("a full vector")
}

/// The first [`LANES`] values of a slice, to be written.
#[inline(always)]
pub(crate) fn lanes_mut(x: &mut [f32]) -> &mut Lanes {
    (&mut x[..LANES]).try_into().expect("a full vector")
}

/// Longer slices are summed in parts of this length, which are added in f64: a running sum in f32 drifts.
pub(crate) const PART: usize = 1 << 12;

/// Σ term(x) over a slice, in four times sixteen running sums.
#[inline(always)]
pub(crate) fn sum_of(x: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    if x.len() <= PART {
        return sum_of_part(x, term);
    }
    x.chunks(PART).map(|part| f64::from(sum_of_part(part, &term))).sum::<f64>() as f32
}

#[inline(always)]
fn sum_of_part(x: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [[0.0; LANES]; 4];
    let (blocks, rest) = x.as_chunks::<{ 4 * LANES }>();
    for block in blocks {
        for (part, sum) in sums.iter_mut().enumerate() {
            for (sum, &x) in sum.iter_mut().zip(lanes(&block[part * LANES..])) {
                *sum = term(x, *sum);
            }
        }
    }
    let (vectors, tail) = rest.as_chunks::<LANES>();
    for vector in vectors {
        for (sum, &x) in sums[0].iter_mut().zip(vector) {
            *sum = term(x, *sum);
        }
    }
    for (sum, &x) in sums[1].iter_mut().zip(tail) {
        *sum = term(x, *sum);
    }
    let [a, b, c, d] = sums;
    let mut all = a;
    for i in 0..LANES {
        all[i] = (a[i] + b[i]) + (c[i] + d[i]);
    }
    fold(all)
}

thread_local! {
    /// Free memory, the last used on top.
    static SCRATCH: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Calls `f` with `length` floats of this thread's scratch memory, aligned to cache lines, of unknown contents. It stays
/// allocated: a steady state allocates nothing. A nested call gets memory of its own.
pub(crate) fn with_scratch<R>(length: usize, f: impl FnOnce(&mut [f32]) -> R) -> R {
    let mut memory = SCRATCH.with_borrow_mut(Vec::pop).unwrap_or_default();
    if memory.len() < length + LANES {
        memory.resize(length + LANES, 0.0);
    }
    let skip = memory.as_ptr().align_offset(64).min(LANES);
    let result = f(&mut memory[skip..skip + length]);
    SCRATCH.with_borrow_mut(|free| free.push(memory));
    result
}

#[cfg(test)]
pub(crate) mod testing {
    //! Pseudo-random inputs and a comparison with f64 results.

    /// `length` values in (-scale, scale) that depend on the seed alone.
    pub fn values(length: usize, seed: u64, scale: f32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        (0..length)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                scale * ((state >> 40) as f32 / (1u64 << 23) as f32 - 1.0)
            })
            .collect()
    }

    /// Fails unless ‖actual - expected‖ is small beside ‖expected‖ and no value is not a number.
    #[track_caller]
    pub fn close(actual: &[f32], expected: &[f64], tolerance: f64) {
        assert_eq!(actual.len(), expected.len());
        let norm = expected.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-3);
        let error = actual.iter().zip(expected).map(|(&a, &e)| (f64::from(a) - e).powi(2)).sum::<f64>().sqrt();
        assert!(error <= tolerance * norm, "error {error} beside {norm}");
    }

    /// The values in double precision.
    pub fn wide(x: &[f32]) -> Vec<f64> {
        x.iter().map(|&x| f64::from(x)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::values;
    use super::*;

    #[test]
    fn sums_of_any_length() {
        for length in [0, 1, 15, 16, 17, 63, 64, 65, 1000] {
            let x = values(length, 7, 1.0);
            let want: f64 = x.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
            let got = sum_of(&x, |x, sum| sum + x * x);
            assert!((f64::from(got) - want).abs() < 1e-5 * (1.0 + want));
        }
    }

    #[test]
    fn scratch_is_aligned_and_nests() {
        with_scratch(100, |outer| {
            assert_eq!(outer.as_ptr() as usize % 64, 0);
            outer.fill(1.0);
            with_scratch(1000, |inner| inner.fill(2.0));
            assert!(outer.iter().all(|&x| x == 1.0));
        });
    }
}
