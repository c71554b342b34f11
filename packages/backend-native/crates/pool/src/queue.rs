//! What is computed later, in order.

use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use crate::pool::{HAS_WORKER, pool};
use crate::signal::{Signal, held};

/// What [`later`] was given.
pub(crate) struct Later {
    name: &'static str,
    compute: Box<dyn FnOnce() -> Result<(), String> + Send>,
    caller: &'static Caller,
}

/// A thread that calls [`later`]. What others do there is not its own: neither waited for nor told.
struct Caller {
    /// What it gave and is not done.
    unfinished: AtomicUsize,
    /// The first failure that no [`finish`] has told yet.
    failure: Mutex<Option<String>>,
}

/// What waits for its turn, in order.
pub(crate) struct Queue {
    calls: Mutex<VecDeque<Later>>,
    length: AtomicUsize,
    /// Held by the thread that does what is queued.
    in_turn: AtomicBool,
    /// Callers that wait. While there are some they take all turns: where cores are busy, the thread that is waited for would
    /// otherwise change with every turn, and each may be one that the system has put aside.
    waiting: AtomicUsize,
    /// Where the first worker, and callers that wait for what they queued, wait for a job or a turn.
    pub turns: Signal,
}

impl Queue {
    pub const fn new() -> Self {
        Self {
            calls: Mutex::new(VecDeque::new()),
            length: AtomicUsize::new(0),
            in_turn: AtomicBool::new(false),
            waiting: AtomicUsize::new(0),
            turns: Signal::new(),
        }
    }

    /// Whether there is something to do, and nobody at it.
    pub fn has_turn(&self) -> bool {
        self.length.load(SeqCst) > 0 && !self.in_turn.load(SeqCst)
    }

    /// As [`Queue::has_turn`], for the worker.
    pub fn has_turn_for_worker(&self) -> bool {
        self.waiting.load(SeqCst) == 0 && self.has_turn()
    }

    /// Calls `f`, in which the calling thread takes turns; the worker takes none meanwhile.
    pub fn in_place_of_worker(&self, f: impl FnOnce()) {
        self.waiting.fetch_add(1, SeqCst);
        f();
        self.waiting.fetch_sub(1, SeqCst);
        self.turns.notify();
    }

    /// Does the next of what is queued, unless there is nothing or another thread is at it.
    pub fn take_turn(&self) -> bool {
        if !self.has_turn() || self.in_turn.swap(true, SeqCst) {
            return false;
        }
        let next = held(&self.calls).pop_front();
        let found = next.is_some();
        if let Some(next) = next {
            self.length.fetch_sub(1, SeqCst);
            next.do_now();
        }
        self.in_turn.store(false, SeqCst);
        self.turns.notify();
        found
    }

    fn push(&self, next: Later) {
        let mut calls = held(&self.calls);
        calls.push_back(next);
        self.length.fetch_add(1, SeqCst);
        drop(calls);
        self.turns.notify();
    }
}

thread_local! {
    /// Never freed, so that it is there until the thread's very end.
    static CALLER: Cell<Option<&'static Caller>> = const { Cell::new(None) };
}

/// Calls `compute` on the first worker, after all that this function was given before; at once where there is no worker. A
/// failure, or the message of a panic, is what the next [`finish`] of this thread returns, with `name` before it.
pub fn later(name: &'static str, compute: impl FnOnce() -> Result<(), String> + Send + 'static) {
    let pool = pool();
    let next = Later { name, compute: Box::new(compute), caller: this_caller() };
    next.caller.unfinished.fetch_add(1, SeqCst);
    if !HAS_WORKER.load(SeqCst) {
        return next.do_now();
    }
    pool.queue.push(next);
}

/// How much of what this thread gave [`later`] is not done.
pub fn unfinished() -> usize {
    CALLER.get().map_or(0, |caller| caller.unfinished.load(SeqCst))
}

/// As [`wait`]; and tells what failed.
///
/// # Errors
/// The first failure since the last call on this thread.
pub fn finish() -> Result<(), String> {
    wait();
    CALLER.get().and_then(|caller| held(&caller.failure).take()).map_or(Ok(()), Err)
}

/// Returns when all that this thread gave [`later`] is done; it helps with it, and does it alone where no worker wakes.
pub fn wait() {
    if let Some(caller) = CALLER.get() {
        let pool = pool();
        let done = || caller.unfinished.load(SeqCst) == 0;
        if !done() {
            pool.queue.in_place_of_worker(|| pool.help(done));
        }
    }
}

fn this_caller() -> &'static Caller {
    CALLER.get().unwrap_or_else(|| {
        let caller = Box::leak(Box::new(Caller { unfinished: AtomicUsize::new(0), failure: Mutex::new(None) }));
        CALLER.set(Some(caller));
        caller
    })
}

impl Later {
    pub fn do_now(self) {
        let Self { name, compute, caller } = self;
        let outcome = catch_unwind(AssertUnwindSafe(compute)).unwrap_or_else(|payload| {
            let text = payload.downcast_ref::<String>().cloned();
            Err(text.or_else(|| payload.downcast_ref::<&str>().map(|&text| text.into())).unwrap_or("a panic".into()))
        });
        if let Err(message) = outcome {
            held(&caller.failure).get_or_insert_with(|| format!("{name}: {message}"));
        }
        caller.unfinished.fetch_sub(1, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_a_caller_waits_it_takes_the_turns() {
        let queue = Queue::new();
        let next = || Later { name: "next", compute: Box::new(|| Ok(())), caller: this_caller() };
        let unfinished = &this_caller().unfinished;
        unfinished.fetch_add(2, SeqCst);
        assert!(!queue.has_turn_for_worker() && !queue.take_turn());
        queue.push(next());
        queue.push(next());
        assert!(queue.has_turn_for_worker());
        queue.in_place_of_worker(|| {
            assert!(queue.has_turn() && !queue.has_turn_for_worker());
            assert!(queue.take_turn());
        });
        assert!(queue.has_turn_for_worker() && queue.take_turn() && !queue.has_turn());
        assert_eq!(unfinished.load(SeqCst), 0);
    }
}
