//! Waiting for what other threads do: first by looking, then asleep.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, MutexGuard};

/// How often a thread looks before it sleeps: about 100 µs of `pause` instructions. Waking takes 5 to 50 µs, and kernels
/// follow each other faster than that. But a thread that looks on for longer takes the processor's time from the one that it
/// waits for, where other programs run on the same cores.
const SPINS: u32 = if cfg!(miri) { 4 } else { 3000 };

/// What a mutex guards; a panic while it was held leaves nothing half done here.
pub(crate) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Threads that wait for a change of atomic values.
pub(crate) struct Signal {
    asleep: AtomicUsize,
    lock: Mutex<()>,
    wake: Condvar,
}

impl Signal {
    pub const fn new() -> Self {
        Self { asleep: AtomicUsize::new(0), lock: Mutex::new(()), wake: Condvar::new() }
    }

    /// Returns once `reached` is true. It reads atomic values in sequential consistency; who changes one of them calls
    /// [`Signal::notify`] after.
    pub fn wait(&self, reached: impl Fn() -> bool) {
        for _ in 0..SPINS {
            if reached() {
                return;
            }
            std::hint::spin_loop();
        }
        let mut guard = held(&self.lock);
        self.asleep.fetch_add(1, SeqCst);
        while !reached() {
            guard = self.wake.wait(guard).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        self.asleep.fetch_sub(1, SeqCst);
    }

    /// Wakes who sleeps: costs one read where nobody does.
    pub fn notify(&self) {
        if self.asleep.load(SeqCst) > 0 {
            let _guard = held(&self.lock);
            self.wake.notify_all();
        }
    }
}
