//! What the addon runs on.

use napi_derive::napi;

/// The instruction set in use: `scalar`, `neon`, `avx2` or `avx512`.
#[napi]
pub fn simd_level() -> &'static str {
    learngene_simd::level().name()
}

/// Whether products of bfloat16 are an instruction here.
#[napi]
pub fn has_bf16() -> bool {
    learngene_simd::has_bf16()
}

/// The threads that work on a kernel, the caller's included.
#[napi]
pub fn thread_count() -> u32 {
    learngene_pool::threads() as u32
}

/// The version of the calls between TypeScript and Rust: raised whenever a signature changes.
#[napi]
pub fn abi_version() -> u32 {
    4
}
