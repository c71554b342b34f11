//! The native engine as a Node-API addon: checks lengths, then calls the kernels.

mod boundary;
mod conv;
mod elementwise;
mod group_norm;
mod later;
mod linalg;
mod linear;
mod low_rank;
mod low_rank_together;
mod memory;
mod optimizer;
mod random;
mod reduce;
mod shape;
mod system;
mod transformer;
