//! The native engine as a Node-API addon: checks lengths, then calls the kernels.

mod boundary;
mod elementwise;
mod memory;
mod system;
