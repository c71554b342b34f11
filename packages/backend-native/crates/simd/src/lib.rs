//! Run-time dispatch over instruction sets.
//!
//! A kernel is written once as an `#[inline(always)]` function over slices, generic over [`Isa`], and compiled for every
//! level by [`dispatch!`]; LLVM vectorises its loops with the instructions of that level. Only the matrix product and
//! kernels over [`Lanes`] use intrinsics. Fused multiply-add is asked for by [`Isa::fma`], since rustc never contracts by itself.

mod isa;
mod lanes;
mod level;
mod math;

pub use isa::{Avx2, Avx512, Isa, Neon, Scalar};
pub use lanes::Lanes;
pub use level::{Level, has_bf16, level};
pub use math::{exp, gelu, gelu_grad, sigmoid, tanh};

/// Makes a function that calls a generic `#[inline(always)]` implementation compiled for the processor's level.
///
/// ```
/// use learngene_simd::{Isa, dispatch};
/// dispatch! {
///     /// y = a x + y.
///     pub fn axpy(a: f32, x: &[f32], y: &mut [f32]) = axpy_with;
/// }
/// #[inline(always)]
/// fn axpy_with<S: Isa>(a: f32, x: &[f32], y: &mut [f32]) {
///     for (y, &x) in y.iter_mut().zip(x) {
///         *y = S::fma(a, x, *y);
///     }
/// }
/// let mut y = [1.0; 5];
/// axpy(2.0, &[3.0; 5], &mut y);
/// assert_eq!(y, [7.0; 5]);
/// ```
#[macro_export]
macro_rules! dispatch {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $ret:ty)? = $with:ident;) => {
        $(#[$meta])*
        #[inline]
        $vis fn $name($($arg: $type),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2,f16c")]
            fn avx512($($arg: $type),*) $(-> $ret)? {
                $with::<$crate::Avx512>($($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,bmi2,f16c")]
            fn avx2($($arg: $type),*) $(-> $ret)? {
                $with::<$crate::Avx2>($($arg),*)
            }
            match $crate::level() {
                // SAFETY: the level was found on this processor.
                #[cfg(target_arch = "x86_64")]
                $crate::Level::Avx512 => unsafe { avx512($($arg),*) },
                // SAFETY: the level was found on this processor.
                #[cfg(target_arch = "x86_64")]
                $crate::Level::Avx2 => unsafe { avx2($($arg),*) },
                #[cfg(target_arch = "aarch64")]
                $crate::Level::Neon => $with::<$crate::Neon>($($arg),*),
                _ => $with::<$crate::Scalar>($($arg),*),
            }
        }
    };
}
