//! Stores past the caches, for outputs that are larger than them and not read again soon.

#[cfg(target_arch = "x86_64")]
use learngene_simd::Level;

/// Elements that are worked on in the first cache before they are stored.
pub(crate) const STEP: usize = 1024;

/// Outputs from this size on are stored past the caches: a store into a line that is not cached reads it first.
const LARGE: usize = 16 << 20;

/// How outputs are stored.
#[derive(Clone, Copy)]
pub(crate) struct Streams {
    large: bool,
}

impl Streams {
    /// For outputs of so many bytes together.
    pub fn for_bytes(bytes: usize) -> Self {
        Self { large: bytes >= LARGE }
    }

    /// Copies from memory that is in the first cache.
    #[inline]
    pub fn copy(self, from: &[f32], to: &mut [f32]) {
        assert_eq!(from.len(), to.len());
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        if self.large && to.as_ptr().addr().is_multiple_of(64) {
            match learngene_simd::level() {
                // SAFETY: the level was found on this processor.
                Level::Avx512 => return unsafe { copy_avx512(from, to) },
                // SAFETY: the level was found on this processor.
                Level::Avx2 => return unsafe { copy_avx2(from, to) },
                _ => {}
            }
        }
        to.copy_from_slice(from);
    }

    /// Makes streamed stores visible in order with those that follow; once a task.
    #[inline]
    pub fn finish(self) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        if self.large {
            // SAFETY: every x86-64 processor has it.
            unsafe { std::arch::x86_64::_mm_sfence() };
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn copy_avx512(from: &[f32], to: &mut [f32]) {
    use std::arch::x86_64::{_mm512_loadu_ps, _mm512_stream_ps};
    let whole = from.len() - from.len() % 16;
    for at in (0..whole).step_by(16) {
        // SAFETY: both slices have 16 values from `at` on; the output is aligned to 64 bytes (checked by the caller).
        unsafe { _mm512_stream_ps(to.as_mut_ptr().add(at), _mm512_loadu_ps(from.as_ptr().add(at))) };
    }
    to[whole..].copy_from_slice(&from[whole..]);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn copy_avx2(from: &[f32], to: &mut [f32]) {
    use std::arch::x86_64::{_mm256_loadu_ps, _mm256_stream_ps};
    let whole = from.len() - from.len() % 8;
    for at in (0..whole).step_by(8) {
        // SAFETY: both slices have 8 values from `at` on; the output is aligned to 64 bytes (checked by the caller).
        unsafe { _mm256_stream_ps(to.as_mut_ptr().add(at), _mm256_loadu_ps(from.as_ptr().add(at))) };
    }
    to[whole..].copy_from_slice(&from[whole..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_all_lengths_from_any_place() {
        for length in [0, 1, 15, 16, 17, 100, STEP] {
            let from: Vec<f32> = (0..length).map(|i| i as f32).collect();
            for large in [false, true] {
                for skip in [0, 1] {
                    let mut memory = vec![-1.0f32; length + 40];
                    let start = memory.as_ptr().align_offset(64).min(20) + skip;
                    let streams = Streams { large };
                    streams.copy(&from, &mut memory[start..start + length]);
                    streams.finish();
                    assert_eq!(memory[start..start + length], from[..]);
                    assert_eq!(memory[start + length], -1.0);
                }
            }
        }
    }
}
