//! What the processor can do, found once.

use std::sync::OnceLock;

/// A set of vector instructions; a higher one includes the lower ones of its architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What every processor of the architecture has.
    Scalar,
    /// AArch64 NEON.
    Neon,
    /// AVX2 with FMA.
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
}

impl Level {
    /// The name that `LEARNGENE_SIMD` takes.
    pub fn name(self) -> &'static str {
        match self {
            Level::Scalar => "scalar",
            Level::Neon => "neon",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
        }
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
fn detected() -> Level {
    let avx2 = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("f16c");
    let avx512 = avx2
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    match (avx512, avx2) {
        (true, _) => Level::Avx512,
        (false, true) => Level::Avx2,
        _ => Level::Scalar,
    }
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
fn detected() -> Level {
    Level::Neon
}

#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn detected() -> Level {
    Level::Scalar
}

/// The level in use: the processor's, or the lower one that `LEARNGENE_SIMD` names (`scalar`, `neon`, `avx2`,
/// `avx512`). A level that the processor does not have is never used.
#[inline]
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let have = detected();
        let asked = match std::env::var("LEARNGENE_SIMD").as_deref() {
            Ok("scalar") => Level::Scalar,
            Ok("neon") => Level::Neon,
            Ok("avx2") => Level::Avx2,
            _ => have,
        };
        let foreign = (cfg!(target_arch = "x86_64") && asked == Level::Neon)
            || (cfg!(target_arch = "aarch64") && asked > Level::Neon);
        if foreign { have } else { asked.min(have) }
    })
}

/// Whether the level in use has products of bfloat16 pairs (AVX512-BF16).
#[inline]
pub fn has_bf16() -> bool {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        static BF16: OnceLock<bool> = OnceLock::new();
        *BF16.get_or_init(|| level() == Level::Avx512 && is_x86_feature_detected!("avx512bf16"))
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    {
        false
    }
}
