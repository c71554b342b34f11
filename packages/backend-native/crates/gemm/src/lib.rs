//! Products of f32 matrices on the processor: own packed micro-kernels, fused ends, batches and low-rank layers.
//!
//! # What there is
//! - [`gemm`]: C = epilogue(alpha op(A) op(B) (+ C)), row-major with strides, an optional factor of every summand
//!   ([`Gemm::k_scale`]), and an [`Epilogue`]: column factors, bias, GELU, SiLU, their gradients, a gated residual, and the
//!   value before the activation stored on the side.
//! - [`gemm_batch`]: many small products of one shape; a stride of 0 shares a factor. [`gemm_batch_packed`]: with right
//!   factors that the caller stored in the order of the kernels ([`PackedRight`]).
//! - [`low_rank_forward`], [`low_rank_backward`]: y = ((x v) s) uᵀ with factors for all rows and own factors for runs of
//!   rows (KIND's class gate). The own term of a run is added in the registers of the common one: one pass over y.
//!   A layer of some hundred rows is swept row block by row block, forward and backward: see `sweep.rs`.
//! - [`low_rank_forward_together`], [`low_rank_backward_together`]: layers of one input, such as queries, keys and values.
//! - [`gemm_bf16`]: factors rounded to bfloat16 while they are packed, sums in f32, where the processor multiplies pairs
//!   of bfloat16. It halves the traffic of packed factors, not always the time: Zen 4 does twice the work of an f32
//!   multiply-add an instruction, Sapphire Rapids issues `vdpbf16ps` every other cycle on one port, which is half the
//!   speed of its f32 multiply-adds (171 to 340 GFLOP/s on two cores). Measure before choosing it.
//!
//! All of them check every length at the door and answer with an [`Error`]; nothing panics on wrong shapes.
//!
//! # How a product is computed
//! The tile of C that a micro-kernel holds in registers is
//!
//! | instructions | registers wide | rows | sums in registers |
//! | ------------ | -------------- | ---- | ----------------- |
//! | AVX-512      | 3 (48 columns) | 8    | 24 of 32          |
//! |              | 2 (32)         | 12   | 24                |
//! |              | 1 (16)         | 16   | 16                |
//! | AVX2 and FMA | 2 (16)         | 6    | 12 of 16          |
//! |              | 1 (8)          | 12   | 12                |
//! | NEON         | 3 (12)         | 8    | 24 of 32          |
//! | any          | 2 (8)          | 4    | 8                 |
//!
//! Two multiply-adds a cycle of four cycles' latency want eight independent sums; more sums mean fewer loads for each.
//! 8 x 48 takes 11 loads for 24 multiply-adds, 12 x 32 takes 14, both far below the two loads a cycle there are, and the
//! widths of transformers (384, 768, 1152, 1536, ...) are whole tiles. A width that is not is spread over tiles of three
//! and two registers, a height over tiles that differ by one row at most; only the last register of a row is masked.
//! Alone, in the first-level cache, the 8 x 48 kernel runs at the speed of bare multiply-adds (175 of 175 GFLOP/s a core);
//! the row addresses come from four base pointers, since as one chain of additions they would be slower than the sums.
//!
//! - K is not cut below 2048: a tile of C is written once, biases start its sums, other ends are applied while it
//!   is in the first-level cache.
//! - A strip of B, 3/8 of the second-level cache, is packed into panels as wide as a tile; then all rows of A pass by. The
//!   kernel asks for B twelve rows ahead, which is worth 8%: loads that miss replay their multiply-adds.
//! - A is read where it lies, eight rows as eight streams; only a transposed A is packed (K cut at 512 then, so that the
//!   strip of B can be wide and A is packed seldom).
//! - For three tiles of rows or less, and for factors that fit the first-level cache, nothing is packed. B is read once
//!   then, 384 rows at a time across all columns, so that the panel that is asked for ahead is still there. Where B is
//!   transposed and C has few rows, or A is and C has few columns, Cᵀ = Bᵀ Aᵀ is computed instead: the small
//!   factor is packed, the large one streams past, tiles are transposed on the way out.
//! - A batch asks for its next product while it computes one.
//!
//! # Threads and determinism
//! C is cut into a grid of tasks, for which the pack and multiply costs are estimated; every task packs what it needs into
//! its thread's own scratch ([`scratch_bytes`], kept and bounded). Every element of C is one task's sum over K in
//! ascending order, whatever the grid: results are the same bits for every count of threads and every timing. Only the
//! gradients of swept factors are sums of one part a thread: the same bits for every timing at one count of threads.

#![allow(rustdoc::broken_intra_doc_links)] // shapes are written [n], [m, n]

mod batch;
mod cache;
mod column_sums;
mod epilogue;
mod error;
mod gemm;
mod low_rank;
mod low_rank_backward;
mod low_rank_together;
mod pack;
#[cfg(target_arch = "x86_64")]
mod pack_bf16;
mod product;
mod scratch;
mod sweep;
mod tile;
mod transpose;
mod vector;
mod windows;

#[cfg(test)]
mod batch_tests;
#[cfg(test)]
mod low_rank_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use batch::{GemmBatch, gemm_batch, gemm_batch_packed};
pub use epilogue::{Epilogue, Then};
pub use error::Error;
pub use gemm::{Gemm, gemm, gemm_bf16};
pub use low_rank::{FactorGrads, Factors, LowRank, LowRankGrads, Segment, low_rank_forward, low_rank_forward_bf16};
pub use low_rank_backward::{low_rank_backward, low_rank_backward_bf16, low_rank_work};
pub use low_rank_together::{
    BackwardCall, ForwardCall, low_rank_backward_together, low_rank_forward_together, low_rank_work_together,
};
pub use product::PackedRight;
pub use scratch::scratch_bytes;
pub use windows::{MOST_LINES, WindowFilter, Windows, add_window_gradient, has_window_gradient};
