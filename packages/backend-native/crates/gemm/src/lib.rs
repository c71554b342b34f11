//! Products of matrices.

mod batch;
mod cache;
mod column_sums;
mod error;
mod finish;
mod gemm;
mod low_rank;
mod pack;
#[cfg(target_arch = "x86_64")]
mod pack_bf16;
mod product;
mod scratch;
mod tile;
mod transpose;
mod vector;

#[cfg(test)]
mod low_rank_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use batch::{GemmBatch, gemm_batch};
pub use error::Error;
pub use finish::{Epilogue, Then};
pub use gemm::{Gemm, gemm, gemm_bf16};
pub use low_rank::{FactorGrads, Factors, LowRank, LowRankGrads, Segment, low_rank_backward, low_rank_forward};
pub use scratch::scratch_bytes;
