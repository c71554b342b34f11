//! The size of the cache that blocks of B are cut for.

use std::sync::OnceLock;

/// f32 words in a core's second-level cache; 512 KiB are assumed where the processor does not tell.
pub(crate) fn second_level_words() -> usize {
    static WORDS: OnceLock<usize> = OnceLock::new();
    *WORDS.get_or_init(|| kibibytes().clamp(256, 4096) * 256)
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
fn kibibytes() -> usize {
    use std::arch::x86_64::__cpuid;
    const LEAF: u32 = 0x8000_0006; // Intel's and AMD's: the size is in the upper half of ECX
    #[allow(unused_unsafe)]
    // SAFETY: every x86-64 processor has CPUID; the leaf is asked for only where it exists.
    unsafe {
        if __cpuid(0x8000_0000).eax < LEAF { 512 } else { (__cpuid(LEAF).ecx >> 16) as usize }
    }
}

#[cfg(any(miri, not(target_arch = "x86_64")))]
fn kibibytes() -> usize {
    512
}
