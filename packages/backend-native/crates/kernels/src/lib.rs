//! Kernels other than products of matrices, over plain slices; a file a family.

pub mod elementwise;
