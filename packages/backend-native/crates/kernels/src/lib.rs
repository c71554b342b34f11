//! Kernels other than products of matrices, over plain slices; a file a family.

pub mod activation;
pub mod adamw;
pub mod attention;
pub mod binary;
pub mod broadcast;
pub mod elementwise;
mod functions;
pub mod gated_residual;
pub mod gather;
pub mod layer_norm;
mod leaves;
pub mod modulate;
pub mod norm;
pub mod reduce;
mod small_product;
pub mod softmax;
mod stream;
pub mod strided;
mod support;
mod transpose;
mod transpose_tile;
pub mod unary;
