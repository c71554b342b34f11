//! The vector operations that the micro-kernel is written in, for every instruction set.

/// One instruction set. All functions must be inlined into a function that enables its target features.
pub(crate) trait Vector: Copy {
    /// A register of [`Vector::LANES`] words.
    type Register: Copy;
    /// Words in a register.
    const LANES: usize;

    /// All words 0.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn zero() -> Self::Register;
    /// All words `word`.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn splat(word: f32) -> Self::Register;
    /// `LANES` words from `from`, of any alignment.
    ///
    /// # Safety
    /// The processor has the instruction set; `from` is readable for `LANES` words.
    unsafe fn load(from: *const f32) -> Self::Register;
    /// The first `count` (at most `LANES`) words to `to`.
    ///
    /// # Safety
    /// The processor has the instruction set; `to` is writable for `count` words.
    unsafe fn store(to: *mut f32, value: Self::Register, count: usize);
    /// As `store`, with what is there added.
    ///
    /// # Safety
    /// As for `store`, and readable.
    unsafe fn store_add(to: *mut f32, value: Self::Register, count: usize);
    /// a b + c of every word; where words hold pairs of bfloat16, a0 b0 + a1 b1 + c.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn multiply_add(a: Self::Register, b: Self::Register, c: Self::Register) -> Self::Register;
    /// Asks for the cache line at `_at`, which may be any address.
    #[inline(always)]
    fn prefetch(_at: *const f32) {}
    /// As `prefetch`, for later: into the second-level cache.
    #[inline(always)]
    fn prefetch_far(_at: *const f32) {}
    /// The same pointer, whose relation to others the compiler does not see.
    #[inline(always)]
    fn apart(pointer: *const f32) -> *const f32 {
        pointer
    }
}

/// Four words without intrinsics: every processor, and Miri.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

impl Vector for Portable {
    type Register = [f32; 4];
    const LANES: usize = 4;

    #[inline(always)]
    unsafe fn zero() -> [f32; 4] {
        [0.0; 4]
    }
    #[inline(always)]
    unsafe fn splat(word: f32) -> [f32; 4] {
        [word; 4]
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> [f32; 4] {
        // SAFETY: four words are readable; an array of f32 has the alignment of f32.
        unsafe { from.cast::<[f32; 4]>().read() }
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, value: [f32; 4], count: usize) {
        for (lane, word) in value.into_iter().enumerate().take(count) {
            // SAFETY: lane < count.
            unsafe { to.add(lane).write(word) };
        }
    }
    #[inline(always)]
    unsafe fn store_add(to: *mut f32, value: [f32; 4], count: usize) {
        for (lane, word) in value.into_iter().enumerate().take(count) {
            // SAFETY: lane < count.
            unsafe { *to.add(lane) += word };
        }
    }
    #[inline(always)]
    unsafe fn multiply_add(a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|lane| a[lane] * b[lane] + c[lane])
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) mod x86 {
    use super::Vector;
    use std::arch::x86_64::*;

    #[derive(Clone, Copy)]
    pub(crate) struct Avx2;
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512;
    /// AVX-512 whose words are pairs of bfloat16; sums are f32.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512Bf16;

    /// Lanes below `count`, as AVX2 masks.
    #[inline(always)]
    unsafe fn lanes(count: usize) -> __m256i {
        // SAFETY: the caller enables AVX2.
        unsafe { _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)) }
    }

    #[inline(always)]
    fn hidden(mut pointer: *const f32) -> *const f32 {
        // SAFETY: no instruction at all.
        unsafe { std::arch::asm!("/* {0} */", inout(reg) pointer, options(pure, readonly, nostack, preserves_flags)) };
        pointer
    }

    impl Vector for Avx2 {
        type Register = __m256;
        const LANES: usize = 8;

        #[inline(always)]
        unsafe fn zero() -> __m256 {
            // SAFETY: promised by the caller.
            unsafe { _mm256_setzero_ps() }
        }
        #[inline(always)]
        unsafe fn splat(word: f32) -> __m256 {
            // SAFETY: promised by the caller.
            unsafe { _mm256_set1_ps(word) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> __m256 {
            // SAFETY: promised by the caller.
            unsafe { _mm256_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn store(to: *mut f32, value: __m256, count: usize) {
            // SAFETY: promised by the caller; masked lanes are not touched.
            unsafe {
                if count == 8 { _mm256_storeu_ps(to, value) } else { _mm256_maskstore_ps(to, lanes(count), value) }
            }
        }
        #[inline(always)]
        unsafe fn store_add(to: *mut f32, value: __m256, count: usize) {
            // SAFETY: promised by the caller; masked lanes are not touched.
            unsafe {
                if count == 8 {
                    _mm256_storeu_ps(to, _mm256_add_ps(value, _mm256_loadu_ps(to)));
                } else {
                    let mask = lanes(count);
                    _mm256_maskstore_ps(to, mask, _mm256_add_ps(value, _mm256_maskload_ps(to, mask)));
                }
            }
        }
        #[inline(always)]
        unsafe fn multiply_add(a: __m256, b: __m256, c: __m256) -> __m256 {
            // SAFETY: promised by the caller.
            unsafe { _mm256_fmadd_ps(a, b, c) }
        }
        #[inline(always)]
        fn prefetch(at: *const f32) {
            // SAFETY: every x86-64 processor has the instruction, and it takes any address.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
        }
        #[inline(always)]
        fn prefetch_far(at: *const f32) {
            // SAFETY: every x86-64 processor has the instruction, and it takes any address.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) }
        }
        #[inline(always)]
        fn apart(pointer: *const f32) -> *const f32 {
            hidden(pointer)
        }
    }

    macro_rules! avx512 {
        ($name:ident, |$a:ident, $b:ident, $c:ident| $product:expr) => {
            impl Vector for $name {
                type Register = __m512;
                const LANES: usize = 16;

                #[inline(always)]
                unsafe fn zero() -> __m512 {
                    // SAFETY: promised by the caller.
                    unsafe { _mm512_setzero_ps() }
                }
                #[inline(always)]
                unsafe fn splat(word: f32) -> __m512 {
                    // SAFETY: promised by the caller.
                    unsafe { _mm512_set1_ps(word) }
                }
                #[inline(always)]
                unsafe fn load(from: *const f32) -> __m512 {
                    // SAFETY: promised by the caller.
                    unsafe { _mm512_loadu_ps(from) }
                }
                #[inline(always)]
                unsafe fn store(to: *mut f32, value: __m512, count: usize) {
                    // SAFETY: promised by the caller; masked lanes are not touched.
                    unsafe { _mm512_mask_storeu_ps(to, ((1u32 << count) - 1) as u16, value) }
                }
                #[inline(always)]
                unsafe fn store_add(to: *mut f32, value: __m512, count: usize) {
                    let mask = ((1u32 << count) - 1) as u16;
                    // SAFETY: promised by the caller; masked lanes are not touched.
                    unsafe {
                        _mm512_mask_storeu_ps(to, mask, _mm512_add_ps(value, _mm512_maskz_loadu_ps(mask, to)));
                    }
                }
                #[inline(always)]
                unsafe fn multiply_add($a: __m512, $b: __m512, $c: __m512) -> __m512 {
                    // SAFETY: promised by the caller.
                    unsafe { $product }
                }
                #[inline(always)]
                fn prefetch(at: *const f32) {
                    // SAFETY: every x86-64 processor has the instruction, and it takes any address.
                    unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
                }
                #[inline(always)]
                fn prefetch_far(at: *const f32) {
                    // SAFETY: every x86-64 processor has the instruction, and it takes any address.
                    unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) }
                }
                #[inline(always)]
                fn apart(pointer: *const f32) -> *const f32 {
                    hidden(pointer)
                }
            }
        };
    }
    avx512!(Avx512, |a, b, c| _mm512_fmadd_ps(a, b, c));
    avx512!(Avx512Bf16, |a, b, c| _mm512_dpbf16_ps(
        c,
        std::mem::transmute::<__m512, __m512bh>(a),
        std::mem::transmute::<__m512, __m512bh>(b)
    ));
}

#[cfg(target_arch = "aarch64")]
#[allow(unused_unsafe)] // NEON is always there: some compilers take its intrinsics for safe
pub(crate) mod arm {
    use super::Vector;
    use std::arch::aarch64::*;

    #[derive(Clone, Copy)]
    pub(crate) struct Neon;

    impl Vector for Neon {
        type Register = float32x4_t;
        const LANES: usize = 4;

        #[inline(always)]
        unsafe fn zero() -> float32x4_t {
            // SAFETY: NEON is part of the architecture.
            unsafe { vdupq_n_f32(0.0) }
        }
        #[inline(always)]
        unsafe fn splat(word: f32) -> float32x4_t {
            // SAFETY: NEON is part of the architecture.
            unsafe { vdupq_n_f32(word) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> float32x4_t {
            // SAFETY: promised by the caller.
            unsafe { vld1q_f32(from) }
        }
        #[inline(always)]
        unsafe fn store(to: *mut f32, value: float32x4_t, count: usize) {
            if count == 4 {
                // SAFETY: four words are writable.
                unsafe { vst1q_f32(to, value) };
                return;
            }
            let mut words = [0.0; 4];
            // SAFETY: `words` has four words, and `count` of them fit at `to`.
            unsafe {
                vst1q_f32(words.as_mut_ptr(), value);
                std::ptr::copy_nonoverlapping(words.as_ptr(), to, count);
            }
        }
        #[inline(always)]
        unsafe fn store_add(to: *mut f32, value: float32x4_t, count: usize) {
            if count == 4 {
                // SAFETY: four words are readable and writable.
                unsafe { vst1q_f32(to, vaddq_f32(value, vld1q_f32(to))) };
                return;
            }
            let mut words = [0.0; 4];
            // SAFETY: `words` has four words.
            unsafe { vst1q_f32(words.as_mut_ptr(), value) };
            for (lane, word) in words.into_iter().enumerate().take(count) {
                // SAFETY: lane < count.
                unsafe { *to.add(lane) += word };
            }
        }
        #[inline(always)]
        unsafe fn multiply_add(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
            // SAFETY: NEON is part of the architecture.
            unsafe { vfmaq_f32(c, a, b) }
        }
    }
}
