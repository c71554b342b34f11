//! Calls that JavaScript does not wait for.
//!
//! While the [`compute_later`] switch of the calling thread is on, the functions that [`later`] stands in check their
//! arguments, hand the computation to the first worker, which does all of them in order, and return. JavaScript then
//! - keeps the arrays of such a call, unchanged and unread, until [`finish`] has returned;
//! - calls [`finish`] before any function that is not one of them, and before it reads or writes values.
//!
//! The same numbers come out, with the same bits: the order of all computations is that of the calls.

use std::cell::Cell;
use std::ptr;

use napi::bindgen_prelude::Uint8Array;
use napi::{Env, Error, Result, Status};
use napi_derive::napi;

thread_local! {
    /// One byte that JavaScript writes; null on threads that never called [`compute_later`].
    static SWITCH: Cell<*mut u8> = const { Cell::new(ptr::null_mut()) };
}

fn is_on() -> bool {
    let switch = SWITCH.get();
    // SAFETY: [`compute_later`] made it, it is never freed, and this thread alone writes it.
    !switch.is_null() && unsafe { *switch } != 0
}

/// Computes now, or later where that is switched on. `name` is what JavaScript calls the function.
pub fn later(name: &'static str, compute: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
    if !is_on() {
        return compute();
    }
    learngene_pool::later(name, move || compute().map_err(|error| error.reason.to_string()));
    Ok(())
}

/// The functions that return before they have computed, while that is switched on: a test finds them in the
/// sources.
#[napi]
pub fn later_functions() -> Vec<&'static str> {
    vec![
        "adamw",
        "adamwInPlace",
        "addN",
        "arithmetic",
        "attention",
        "attentionGrad",
        "columnSums",
        "comparison",
        "copyStrided",
        "fill",
        "gatedResidual",
        "gatedResidualGrad",
        "gather",
        "gelu",
        "geluGrad",
        "gemm",
        "gemmGatedResidual",
        "globalSquaredNorm",
        "groupedLowRank",
        "groupedLowRankGrad",
        "groupedLowRankTogether",
        "groupedLowRankTogetherGrad",
        "layerNormModulate",
        "layerNormModulateGrad",
        "logical",
        "lowRankLinear",
        "mean",
        "reduce",
        "silu",
        "siluGrad",
        "unary",
    ]
}

/// The functions of numbers alone, which need not wait for what is computed.
#[napi]
pub fn prompt_functions() -> Vec<&'static str> {
    vec![
        "abiVersion",
        "allocate",
        "groupedLowRankTogetherWork",
        "groupedLowRankWork",
        "hasBf16",
        "simdLevel",
        "threadCount",
    ]
}

/// The switch of this thread, one byte: functions return before they have computed while it is not 0. Who writes it keeps
/// the rules above; for all others every function computes before it returns. A thread of JavaScript that ends waits for
/// what it began, here for the sake of arrays that are not of [`crate::memory`].
#[napi]
pub fn compute_later(env: Env) -> Result<Uint8Array> {
    if SWITCH.get().is_null() {
        env.add_env_cleanup_hook((), |()| learngene_pool::wait())?;
        SWITCH.set(Box::into_raw(Box::new(0)));
    }
    // SAFETY: one byte, which is never freed.
    Ok(unsafe { Uint8Array::with_external_data(SWITCH.get(), 1, |_, _| ()) })
}

/// Returns when all that this thread began is computed; fails with the first failure since the last call, and its name.
#[napi]
pub fn finish() -> Result<()> {
    learngene_pool::finish().map_err(|message| Error::new(Status::GenericFailure, message))
}
