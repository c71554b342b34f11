//! Products of matrices.

mod batch;
mod cache;
mod error;
mod finish;
mod gemm;
mod pack;
mod product;
mod scratch;
mod tile;
mod transpose;
mod vector;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use batch::{GemmBatch, gemm_batch};
pub use error::Error;
pub use finish::{Epilogue, Then};
pub use gemm::{Gemm, gemm, gemm_bf16};
pub use scratch::scratch_bytes;
