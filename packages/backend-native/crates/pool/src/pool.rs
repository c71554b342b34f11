//! Publishing a job, taking its tasks, waiting for its end.

use std::cell::{Cell, UnsafeCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};

use crate::queue::Queue;
use crate::signal::Signal;

type Task<'a> = dyn Fn(usize) + Sync + 'a;

struct Job {
    task: *const Task<'static>,
    tasks: usize,
}

pub(crate) struct Pool {
    threads: usize,
    /// Held by the caller whose job runs. A second caller (another JavaScript thread) works alone meanwhile.
    busy: AtomicBool,
    job: UnsafeCell<Job>,
    /// Whether the job may be entered.
    open: AtomicBool,
    /// Workers inside, or about to look whether the job is open.
    inside: AtomicUsize,
    next: AtomicUsize,
    panicked: AtomicBool,
    /// Counts the jobs; what idle workers watch.
    epoch: AtomicU64,
    /// What [`later`](crate::later) was given and nobody has begun.
    pub queue: Queue,
    /// Where workers wait for a job, but for the first, which waits for its turn at the queue too.
    jobs: Signal,
    /// Where the caller of a job waits for the workers inside.
    left: Signal,
}

// SAFETY: `job` is written only by the holder of `busy` while the job is closed and nobody is inside, and read only by
// those who counted themselves inside and then found it open (all sequentially consistent).
unsafe impl Sync for Pool {}
// SAFETY: as for Sync; the pointer in `job` is never used outside an open job.
unsafe impl Send for Pool {}

thread_local! {
    /// Set while this thread runs a task: a nested `run` must not wait for the pool it is part of.
    static IN_TASK: Cell<bool> = const { Cell::new(false) };
}

static POOL: OnceLock<&'static Pool> = OnceLock::new();
/// Whether there is a worker to do what [`later`](crate::later) is given.
pub(crate) static HAS_WORKER: AtomicBool = AtomicBool::new(false);

fn configured_threads() -> usize {
    let available = num_cpus::get().min(num_cpus::get_physical()).max(1);
    std::env::var("LEARNGENE_NUM_THREADS")
        .ok()
        .and_then(|text| text.trim().parse::<usize>().ok())
        .filter(|&count| count > 0)
        .unwrap_or(available)
        .min(256)
}

pub(crate) fn pool() -> &'static Pool {
    POOL.get_or_init(|| {
        let pool: &'static Pool = Box::leak(Box::new(Pool {
            threads: configured_threads(),
            busy: AtomicBool::new(false),
            job: UnsafeCell::new(Job { task: std::ptr::null::<fn(usize)>() as *const _, tasks: 0 }),
            open: AtomicBool::new(false),
            inside: AtomicUsize::new(0),
            next: AtomicUsize::new(0),
            panicked: AtomicBool::new(false),
            epoch: AtomicU64::new(0),
            queue: Queue::new(),
            jobs: Signal::new(),
            left: Signal::new(),
        }));
        for index in 1..pool.threads {
            let first = index == 1;
            let worker = std::thread::Builder::new().name(format!("learngene-{index}"));
            // A thread that cannot be started is done without: the caller finishes every job alone if need be.
            let started = worker.spawn(move || pool.work(first)).is_ok();
            if first {
                HAS_WORKER.store(started, SeqCst);
            }
        }
        pool
    })
}

/// The number of threads that work on a job, the caller's included: `LEARNGENE_NUM_THREADS`, or the physical cores
/// that this process may use.
pub fn threads() -> usize {
    pool().threads
}

/// Calls `f(0)` to `f(tasks - 1)`, each once, on the threads of the pool and the calling one, and returns when all are
/// done. A call from inside a task, or while another thread's job runs, does all tasks on the calling thread.
///
/// # Panics
/// When a task panics, after the others are done.
pub fn run(tasks: usize, f: &(dyn Fn(usize) + Sync)) {
    let pool = pool();
    let alone = tasks <= 1 || pool.threads == 1 || IN_TASK.get();
    if alone || pool.busy.compare_exchange(false, true, SeqCst, SeqCst).is_err() {
        for task in 0..tasks {
            f(task);
        }
        return;
    }
    pool.run_job(tasks, f);
}

/// Calls `f`, in which [`run`] does all tasks on the calling thread: for several jobs that are not worth a second thread.
pub fn alone<R>(f: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            IN_TASK.set(self.0);
        }
    }
    let _restore = Restore(IN_TASK.replace(true));
    f()
}

impl Pool {
    fn run_job(&self, tasks: usize, f: &Task<'_>) {
        // SAFETY: only the lifetime is changed. The job is closed and empty of workers before this function returns.
        let task: *const Task<'static> = unsafe { std::mem::transmute(f as *const Task<'_>) };
        // SAFETY: `busy` is held, the last job was closed and left.
        unsafe { *self.job.get() = Job { task, tasks } };
        self.next.store(0, SeqCst);
        self.panicked.store(false, SeqCst);
        self.open.store(true, SeqCst);
        self.epoch.fetch_add(1, SeqCst);
        self.jobs.notify();
        self.queue.turns.notify();
        let outcome = catch_unwind(AssertUnwindSafe(|| self.take_tasks(f, tasks)));
        self.open.store(false, SeqCst);
        self.left.wait(|| self.inside.load(SeqCst) == 0);
        let panicked = self.panicked.load(SeqCst);
        self.busy.store(false, SeqCst);
        if let Err(payload) = outcome {
            resume_unwind(payload);
        }
        assert!(!panicked, "a task of the thread pool panicked");
    }

    fn take_tasks(&self, f: &Task<'_>, tasks: usize) {
        alone(|| {
            loop {
                let task = self.next.fetch_add(1, SeqCst);
                if task >= tasks {
                    return;
                }
                f(task);
            }
        });
    }

    fn work(&self, first: bool) {
        let mut seen = 0;
        loop {
            let came = || self.epoch.load(SeqCst) != seen;
            if first {
                self.queue.turns.wait(|| came() || self.queue.has_turn_for_worker());
            } else {
                self.jobs.wait(came);
            }
            seen = self.epoch.load(SeqCst);
            if !(first && self.queue.has_turn_for_worker() && self.queue.take_turn()) {
                self.join();
            }
        }
    }

    /// Helps with jobs and with what is queued until `done`, which becomes true at the end of a turn.
    pub fn help(&self, done: impl Fn() -> bool) {
        let mut seen = None;
        while !done() {
            if self.queue.take_turn() {
                continue;
            }
            let epoch = Some(self.epoch.load(SeqCst));
            if epoch != seen {
                seen = epoch;
                self.join();
                continue;
            }
            self.queue.turns.wait(|| Some(self.epoch.load(SeqCst)) != seen || self.queue.has_turn() || done());
        }
    }

    /// Takes tasks of the job that is open, if one is.
    fn join(&self) {
        self.inside.fetch_add(1, SeqCst);
        if self.open.load(SeqCst) {
            // SAFETY: counted inside and found open: the job is not rewritten before this thread leaves.
            let (task, tasks) = unsafe {
                let job = &*self.job.get();
                (&*job.task, job.tasks)
            };
            if catch_unwind(AssertUnwindSafe(|| self.take_tasks(task, tasks))).is_err() {
                self.panicked.store(true, SeqCst);
            }
        }
        if self.inside.fetch_sub(1, SeqCst) == 1 {
            self.left.notify();
        }
    }
}

#[cfg(test)]
mod tests;
