//! Buffers for packed factors: one set a thread, kept, so that nothing is allocated in the steady state.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// One cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

static BYTES: AtomicUsize = AtomicUsize::new(0);

/// Bytes that the threads of this process hold for packed factors: bounded by about twice the second-level cache a
/// thread.
pub fn scratch_bytes() -> usize {
    BYTES.load(Relaxed)
}

/// Lines that grow and are never freed before their thread.
#[derive(Default)]
struct Buffer(Vec<Line>);

impl Buffer {
    /// The first `words` words; what they hold is unspecified.
    fn take(&mut self, words: usize) -> &mut [f32] {
        let lines = words.div_ceil(16);
        if lines > self.0.len() {
            BYTES.fetch_add((lines - self.0.len()) * size_of::<Line>(), Relaxed);
            self.0 = Vec::new(); // nothing of the old one is wanted: no copy
            self.0.resize(lines, Line([0.0; 16]));
        }
        // SAFETY: a line is sixteen f32 without padding.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), words) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        BYTES.fetch_sub(self.0.len() * size_of::<Line>(), Relaxed);
    }
}

#[derive(Default)]
struct Buffers([Buffer; 3]);

thread_local! {
    /// The sets that no call holds, the outermost call's last.
    static BUFFERS: Cell<Vec<Buffers>> = const { Cell::new(Vec::new()) };
}

/// Calls `f` with three buffers of at least the given words, aligned to cache lines; a nested call gets its own.
pub(crate) fn with<T>(words: [usize; 3], f: impl FnOnce([&mut [f32]; 3]) -> T) -> T {
    let mut sets = BUFFERS.take();
    let mut buffers = sets.pop().unwrap_or_default();
    BUFFERS.set(sets);
    let [a, b, c] = &mut buffers.0;
    let result = f([a.take(words[0]), b.take(words[1]), c.take(words[2])]);
    let mut sets = BUFFERS.take();
    sets.push(buffers);
    BUFFERS.set(sets);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_kept_and_counted() {
        std::thread::spawn(|| {
            let first = with([100, 5, 0], |[a, b, c]| {
                assert_eq!((a.len(), b.len(), c.len()), (100, 5, 0));
                assert_eq!(a.as_ptr() as usize % 64, 0);
                a.as_ptr() as usize
            });
            let second = with([64, 0, 0], |[a, ..]| a.as_ptr() as usize);
            assert_eq!(first, second);
            let nested = || with([8, 0, 0], |_| with([32, 0, 0], |[a, ..]| a.as_ptr() as usize));
            assert_eq!(nested(), nested());
            assert!(scratch_bytes() >= 512);
        })
        .join()
        .expect("the thread ends well");
    }
}
