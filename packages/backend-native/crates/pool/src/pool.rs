//! Publishing a job, taking its tasks, waiting for its end.

use std::cell::{Cell, UnsafeCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock};

type Task<'a> = dyn Fn(usize) + Sync + 'a;

/// What [`later`] was given.
struct Later {
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

/// How often a worker looks for a job before it parks: about 100 µs of `pause` instructions.
const SPINS: u32 = if cfg!(miri) { 4 } else { 3000 };
/// After so many looks the processor is offered to other threads.
const SPINS_BEFORE_YIELD: u32 = 20_000;

struct Job {
    task: *const Task<'static>,
    tasks: usize,
}

struct Pool {
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
    parked: AtomicUsize,
    lock: Mutex<()>,
    wake: Condvar,
    /// What [`later`] was given and the first worker has not begun.
    queue: Mutex<VecDeque<Later>>,
    queued: AtomicUsize,
    /// Held by the thread that does what is queued.
    in_turn: AtomicBool,
}

// SAFETY: `job` is written only by the holder of `busy` while the job is closed and nobody is inside, and read only by
// those who counted themselves inside and then found it open (all sequentially consistent).
unsafe impl Sync for Pool {}
// SAFETY: as for Sync; the pointer in `job` is never used outside an open job.
unsafe impl Send for Pool {}

thread_local! {
    /// Set while this thread runs a task: a nested `run` must not wait for the pool it is part of.
    static IN_TASK: Cell<bool> = const { Cell::new(false) };
    /// Never freed, so that it is there until the thread's very end.
    static CALLER: Cell<Option<&'static Caller>> = const { Cell::new(None) };
}

static POOL: OnceLock<&'static Pool> = OnceLock::new();
/// Whether there is a worker to do what [`later`] is given.
static HAS_WORKER: AtomicBool = AtomicBool::new(false);

fn configured_threads() -> usize {
    let available = num_cpus::get().min(num_cpus::get_physical()).max(1);
    std::env::var("LEARNGENE_NUM_THREADS")
        .ok()
        .and_then(|text| text.trim().parse::<usize>().ok())
        .filter(|&count| count > 0)
        .unwrap_or(available)
        .min(256)
}

fn pool() -> &'static Pool {
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
            parked: AtomicUsize::new(0),
            lock: Mutex::new(()),
            wake: Condvar::new(),
            queue: Mutex::new(VecDeque::new()),
            queued: AtomicUsize::new(0),
            in_turn: AtomicBool::new(false),
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

/// Calls `compute` on the first worker, after all that this function was given before; at once where there is no worker. A
/// failure, or the message of a panic, is what the next [`finish`] of this thread returns, with `name` before it.
pub fn later(name: &'static str, compute: impl FnOnce() -> Result<(), String> + Send + 'static) {
    let pool = pool();
    let next = Later { name, compute: Box::new(compute), caller: this_caller() };
    next.caller.unfinished.fetch_add(1, SeqCst);
    if !HAS_WORKER.load(SeqCst) {
        return next.do_now();
    }
    held(&pool.queue).push_back(next);
    pool.queued.fetch_add(1, SeqCst);
    pool.wake_parked();
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
    let pool = pool();
    let mut seen = pool.epoch.load(SeqCst).wrapping_sub(1);
    let mut spins = 0;
    while unfinished() > 0 {
        if pool.do_next() {
            continue;
        }
        let epoch = pool.epoch.load(SeqCst);
        if epoch == seen {
            relax(&mut spins);
            continue;
        }
        (seen, spins) = (epoch, 0);
        pool.join();
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
    fn do_now(self) {
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

/// What a mutex guards; a panic while it was held leaves nothing half done here.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Pool {
    /// Does the next of what is queued, unless there is nothing or another thread is at it.
    fn do_next(&self) -> bool {
        if self.queued.load(SeqCst) == 0 || self.in_turn.compare_exchange(false, true, SeqCst, SeqCst).is_err() {
            return false;
        }
        let next = held(&self.queue).pop_front();
        let found = next.is_some();
        if let Some(next) = next {
            self.queued.fetch_sub(1, SeqCst);
            next.do_now();
        }
        self.in_turn.store(false, SeqCst);
        found
    }

    fn wake_parked(&self) {
        if self.parked.load(SeqCst) > 0 {
            let _guard = held(&self.lock);
            self.wake.notify_all();
        }
    }

    fn run_job(&self, tasks: usize, f: &Task<'_>) {
        // SAFETY: only the lifetime is changed. The job is closed and empty of workers before this function returns.
        let task: *const Task<'static> = unsafe { std::mem::transmute(f as *const Task<'_>) };
        // SAFETY: `busy` is held, the last job was closed and left.
        unsafe { *self.job.get() = Job { task, tasks } };
        self.next.store(0, SeqCst);
        self.panicked.store(false, SeqCst);
        self.open.store(true, SeqCst);
        self.epoch.fetch_add(1, SeqCst);
        self.wake_parked();
        let outcome = catch_unwind(AssertUnwindSafe(|| self.take_tasks(f, tasks)));
        self.open.store(false, SeqCst);
        let mut spins = 0u32;
        while self.inside.load(SeqCst) > 0 {
            relax(&mut spins);
        }
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
            seen = self.wait_for_job(seen, first);
            if !(first && self.do_next()) {
                self.join();
            }
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
        self.inside.fetch_sub(1, SeqCst);
    }

    /// Returns the count of jobs once it differs from `seen`; to the `first` worker, also when something is queued.
    fn wait_for_job(&self, seen: u64, first: bool) -> u64 {
        let awaited = |epoch: u64| epoch != seen || first && self.queued.load(SeqCst) > 0;
        for _ in 0..SPINS {
            let epoch = self.epoch.load(SeqCst);
            if awaited(epoch) {
                return epoch;
            }
            std::hint::spin_loop();
        }
        let mut guard = held(&self.lock);
        self.parked.fetch_add(1, SeqCst);
        let mut epoch = self.epoch.load(SeqCst);
        while !awaited(epoch) {
            guard = self.wake.wait(guard).unwrap_or_else(|poisoned| poisoned.into_inner());
            epoch = self.epoch.load(SeqCst);
        }
        self.parked.fetch_sub(1, SeqCst);
        epoch
    }
}

fn relax(spins: &mut u32) {
    *spins += 1;
    if *spins < SPINS_BEFORE_YIELD {
        std::hint::spin_loop();
    } else {
        std::thread::yield_now();
    }
}

#[cfg(test)]
mod tests;
