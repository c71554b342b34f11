//! The one thread pool of the native engine.
//!
//! A training step is some hundreds of kernels of 10 µs to 10 ms, a few µs apart: workers spin for about 100 µs after
//! their last task, so that the next kernel starts in well under a microsecond, and then park, so that an idle process
//! takes no processor time. The caller takes tasks like every worker and finishes alone where no worker woke up; where it
//! waits for others, it looks and sleeps as they do.
//!
//! What a caller need not wait for it hands to [`later`]: the first worker does it, in order, while the caller goes on, and
//! [`finish`] waits for what its own thread began and helps. No more threads compute than [`threads`] then: the caller is the last of them.
//!
//! Which thread runs a task is not fixed. Results are still the same bits from run to run, because tasks write disjoint
//! outputs, and partial sums are kept per task and added in the order of the tasks.

mod pages;
mod pool;
mod queue;
mod signal;
mod slices;

pub use pages::{HUGE_PAGE, advise_huge, zeros};
pub use pool::{alone, run, threads};
pub use queue::{finish, later, unfinished, wait};
pub use slices::{SendPtr, split};
