//! Kernels other than products of matrices, over plain slices; a file a family.

pub mod activation;
pub mod adamw;
pub mod attention;
pub mod elementwise;
pub mod gated_residual;
pub mod layer_norm;
mod leaves;
pub mod modulate;
pub mod norm;
mod small_product;
pub mod softmax;
mod stream;
mod support;
mod transpose_tile;
