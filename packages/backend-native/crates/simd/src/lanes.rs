//! Sixteen numbers in registers, for kernels that keep more of them than LLVM keeps of loops over arrays.

use crate::Isa;

/// Sixteen f32 in registers of an instruction set. All functions must be inlined into a function that enables it, as those
/// of [`crate::dispatch!`] are.
pub trait Lanes: Isa {
    /// The registers.
    type Sixteen: Copy;

    /// Sixteen numbers from `from`, of any alignment.
    ///
    /// # Safety
    /// The processor has the instruction set; `from` is readable for sixteen numbers.
    unsafe fn load(from: *const f32) -> Self::Sixteen;
    /// Sixteen numbers to `to`, of any alignment.
    ///
    /// # Safety
    /// The processor has the instruction set; `to` is writable for sixteen numbers.
    unsafe fn store(to: *mut f32, x: Self::Sixteen);
    /// Sixteen times k.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn splat(k: f32) -> Self::Sixteen;
    /// x + y.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn add(x: Self::Sixteen, y: Self::Sixteen) -> Self::Sixteen;
    /// x - y.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn sub(x: Self::Sixteen, y: Self::Sixteen) -> Self::Sixteen;
    /// k x + y, in one rounding where [`Isa::FMA`] says so.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn scaled_add(k: f32, x: Self::Sixteen, y: Self::Sixteen) -> Self::Sixteen;
    /// k x.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn times(k: f32, x: Self::Sixteen) -> Self::Sixteen;
}

macro_rules! lanes {
    ($name:ty, $register:ty, $count:literal: $load:path, $store:path, $splat:path, $add:path, $sub:path, $mul:path, $fma:path) => {
        #[allow(unused_unsafe)] // NEON is always there: some compilers take its intrinsics for safe
        impl Lanes for $name {
            type Sixteen = [$register; $count];

            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self::Sixteen {
                // SAFETY: promised by the caller. Loops, no closures: those would not have the instruction set.
                unsafe {
                    let mut sixteen = [$splat(0.0); $count];
                    for (i, register) in sixteen.iter_mut().enumerate() {
                        *register = $load(from.add(i * (16 / $count)));
                    }
                    sixteen
                }
            }
            #[inline(always)]
            unsafe fn splat(k: f32) -> Self::Sixteen {
                // SAFETY: promised by the caller.
                unsafe { [$splat(k); $count] }
            }
            #[inline(always)]
            unsafe fn add(x: Self::Sixteen, y: Self::Sixteen) -> Self::Sixteen {
                // SAFETY: promised by the caller. Loops, no closures: those would not have the instruction set.
                unsafe {
                    let mut sixteen = [$splat(0.0); $count];
                    for (i, register) in sixteen.iter_mut().enumerate() {
                        *register = $add(x[i], y[i]);
                    }
                    sixteen
                }
            }
            #[inline(always)]
            unsafe fn sub(x: Self::Sixteen, y: Self::Sixteen) -> Self::Sixteen {
                // SAFETY: promised by the caller. Loops, no closures: those would not have the instruction set.
                unsafe {
                    let mut sixteen = [$splat(0.0); $count];
                    for (i, register) in sixteen.iter_mut().enumerate() {
                        *register = $sub(x[i], y[i]);
                    }
                    sixteen
                }
            }
            #[inline(always)]
            unsafe fn scaled_add(k: f32, x: Self::Sixteen, y: Self::Sixteen) -> Self::Sixteen {
                // SAFETY: promised by the caller. Loops, no closures: those would not have the instruction set.
                unsafe {
                    let mut sixteen = [$splat(0.0); $count];
                    for (i, register) in sixteen.iter_mut().enumerate() {
                        *register = $fma($splat(k), x[i], y[i]);
                    }
                    sixteen
                }
            }
            #[inline(always)]
            unsafe fn times(k: f32, x: Self::Sixteen) -> Self::Sixteen {
                // SAFETY: promised by the caller. Loops, no closures: those would not have the instruction set.
                unsafe {
                    let mut sixteen = [$splat(0.0); $count];
                    for (i, register) in sixteen.iter_mut().enumerate() {
                        *register = $mul($splat(k), x[i]);
                    }
                    sixteen
                }
            }
            #[inline(always)]
            unsafe fn store(to: *mut f32, x: Self::Sixteen) {
                for (i, &register) in x.iter().enumerate() {
                    // SAFETY: promised by the caller.
                    unsafe { $store(to.add(i * (16 / $count)), register) };
                }
            }
        }
    };
}

/// Four numbers at a time without intrinsics.
mod plain {
    pub type Four = [f32; 4];
    macro_rules! each {
        ($($name:ident($($x:ident),*) $value:expr;)*) => {
            $(
                #[inline(always)]
                pub unsafe fn $name($($x: Four),*) -> Four {
                    let mut four = [0.0; 4];
                    for (i, value) in four.iter_mut().enumerate() {
                        $(let $x = $x[i];)*
                        *value = $value;
                    }
                    four
                }
            )*
        };
    }
    each! {
        add(x, y) x + y;
        sub(x, y) x - y;
        mul(x, y) x * y;
        fma(x, y, z) x * y + z;
    }
    #[inline(always)]
    pub unsafe fn load(from: *const f32) -> Four {
        // SAFETY: promised by the caller; an array of f32 has the alignment of f32.
        unsafe { from.cast::<Four>().read() }
    }
    #[inline(always)]
    pub unsafe fn store(to: *mut f32, x: Four) {
        // SAFETY: promised by the caller; an array of f32 has the alignment of f32.
        unsafe { to.cast::<Four>().write(x) }
    }
    #[inline(always)]
    pub unsafe fn splat(k: f32) -> Four {
        [k; 4]
    }
}
lanes!(crate::Scalar, plain::Four, 4:
    plain::load, plain::store, plain::splat, plain::add, plain::sub, plain::mul, plain::fma);

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Lanes;
    use std::arch::x86_64::*;

    lanes!(crate::Avx512, __m512, 1:
        _mm512_loadu_ps, _mm512_storeu_ps, _mm512_set1_ps, _mm512_add_ps, _mm512_sub_ps, _mm512_mul_ps, _mm512_fmadd_ps);
    lanes!(crate::Avx2, __m256, 2:
        _mm256_loadu_ps, _mm256_storeu_ps, _mm256_set1_ps, _mm256_add_ps, _mm256_sub_ps, _mm256_mul_ps, _mm256_fmadd_ps);
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use super::Lanes;
    use std::arch::aarch64::*;

    /// x y + z.
    #[inline(always)]
    unsafe fn fma(x: float32x4_t, y: float32x4_t, z: float32x4_t) -> float32x4_t {
        // SAFETY: NEON is part of the architecture.
        unsafe { vfmaq_f32(z, x, y) }
    }
    lanes!(crate::Neon, float32x4_t, 4:
        vld1q_f32, vst1q_f32, vdupq_n_f32, vaddq_f32, vsubq_f32, vmulq_f32, fma);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Isa, dispatch};

    dispatch! {
        fn sums(x: &[f32; 32], y: &mut [f32; 96]) = sums_with;
    }
    #[inline(always)]
    fn sums_with<S: Lanes>(x: &[f32; 32], y: &mut [f32; 96]) {
        // SAFETY: `dispatch` found the instruction set; the arrays have so many numbers.
        unsafe {
            let (a, b) = (S::load(x.as_ptr()), S::load(x.as_ptr().add(16)));
            let results = [S::add(a, b), S::sub(a, b), S::scaled_add(3.0, a, b), S::times(-2.0, a), S::splat(7.0)];
            for (i, result) in results.into_iter().enumerate() {
                S::store(y.as_mut_ptr().add(16 * i), result);
            }
        }
        y[80] = f32::from(u8::from(<S as Isa>::FMA));
    }

    #[test]
    fn every_operation_of_every_lane() {
        let x: [f32; 32] = std::array::from_fn(|i| (i * i) as f32 - 100.0);
        let mut y = [0.0; 96];
        sums(&x, &mut y);
        for i in 0..16 {
            let (a, b) = (x[i], x[i + 16]);
            let want = [a + b, a - b, 3.0 * a + b, -2.0 * a, 7.0];
            assert_eq!(std::array::from_fn(|row| y[16 * row + i]), want, "lane {i}");
        }
    }
}
