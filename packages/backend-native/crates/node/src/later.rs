//! Calls that JavaScript does not wait for.
//!
//! Where it is switched on, the functions that [`later`] stands in check their arguments, hand the computation to the first
//! worker, which does all of them in order, and return. JavaScript then
//! - keeps the arrays of such a call, unchanged and unread, until [`finish`] has returned;
//! - calls [`finish`] before any function that is not one of them, and before it reads or writes values.
//!
//! The same numbers come out, with the same bits: the order of all computations is that of the calls.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use napi::{Env, Error, Result, Status};
use napi_derive::napi;

static SWITCHED_ON: AtomicBool = AtomicBool::new(false);

/// Computes now, or later where that is switched on.
pub fn later(compute: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
    if !SWITCHED_ON.load(SeqCst) {
        return compute();
    }
    learngene_pool::later(move || compute().map_err(|error| error.reason.to_string()));
    Ok(())
}

/// The functions that return before they have computed, where [`compute_later`] was called: a test finds them in the
/// sources.
#[napi]
pub fn later_functions() -> Vec<&'static str> {
    vec![
        "adamw",
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

/// Switches on that functions return before they have computed. A thread of JavaScript that ends waits for what it began,
/// here for the sake of arrays that are not of [`crate::memory`].
#[napi]
pub fn compute_later(env: Env) -> Result<()> {
    SWITCHED_ON.store(true, SeqCst);
    env.add_env_cleanup_hook((), |()| learngene_pool::wait())?;
    Ok(())
}

/// Returns when all is computed; fails with the first failure since the last call.
#[napi]
pub fn finish() -> Result<()> {
    learngene_pool::finish().map_err(|message| Error::new(Status::GenericFailure, message))
}
