//! Jobs of all kinds, and what is done later.

use super::*;
use crate::signal::held;
use crate::{finish, later, unfinished};
use std::sync::Mutex;

#[test]
fn alone_nothing_leaves_the_thread() {
    let own = std::thread::current().id();
    alone(|| run(100, &|_| assert_eq!(std::thread::current().id(), own)));
    assert!(!IN_TASK.get());
    let caught = std::panic::catch_unwind(|| alone(|| panic!("on purpose")));
    assert!(caught.is_err() && !IN_TASK.get());
}

#[test]
fn every_task_runs_once() {
    for tasks in [0, 1, 2, 3, 64, 1000] {
        let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
        run(tasks, &|task| {
            counts[task].fetch_add(1, SeqCst);
        });
        assert!(counts.iter().all(|count| count.load(SeqCst) == 1));
    }
}

#[test]
fn nested_and_repeated_jobs_finish() {
    let total = AtomicUsize::new(0);
    for _ in 0..if cfg!(miri) { 5 } else { 2000 } {
        run(4, &|_| {
            run(3, &|_| {
                let _ = total.fetch_add(1, SeqCst);
            })
        });
    }
    assert_eq!(total.load(SeqCst), if cfg!(miri) { 60 } else { 24_000 });
}

#[test]
fn callers_on_several_threads() {
    let total = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..if cfg!(miri) { 5 } else { 500 } {
                    run(8, &|_| {
                        let _ = total.fetch_add(1, SeqCst);
                    });
                }
            });
        }
    });
    assert_eq!(total.load(SeqCst), if cfg!(miri) { 160 } else { 16_000 });
}

#[test]
fn a_panic_reaches_the_caller_and_the_pool_goes_on() {
    let result = catch_unwind(|| run(16, &|task| assert!(task != 7, "seven")));
    assert!(result.is_err());
    let total = AtomicUsize::new(0);
    run(16, &|_| {
        let _ = total.fetch_add(1, SeqCst);
    });
    assert_eq!(total.load(SeqCst), 16);
}

#[test]
fn jobs_after_a_pause_wake_parked_workers() {
    let total = AtomicUsize::new(0);
    for _ in 0..5 {
        std::thread::sleep(std::time::Duration::from_millis(5));
        run(4, &|_| {
            let _ = total.fetch_add(1, SeqCst);
        });
    }
    assert_eq!(total.load(SeqCst), 20);
}

#[test]
fn later_comes_in_order_and_failures_are_told_once() {
    let order = std::sync::Arc::new(Mutex::new(Vec::new()));
    let total = std::sync::Arc::new(AtomicUsize::new(0));
    for i in 0..if cfg!(miri) { 5 } else { 200 } {
        let (order, total) = (order.clone(), total.clone());
        later(if i < 3 { "early" } else { "late" }, move || {
            run(4, &|_| {
                let _ = total.fetch_add(1, SeqCst);
            });
            held(&order).push(i);
            assert!(i != 3, "on purpose");
            if i == 2 { Err("two".to_string()) } else { Ok(()) }
        });
    }
    assert_eq!(finish(), Err("early: two".to_string()));
    assert_eq!((finish(), unfinished()), (Ok(()), 0));
    let order = held(&order);
    assert!(order.iter().copied().eq(0..order.len()) && total.load(SeqCst) == 4 * order.len());
}

#[test]
fn a_thread_is_told_its_own_failures_and_waits_for_its_own_work() {
    let (begin, begun) = std::sync::mpsc::channel::<()>();
    let other = std::thread::spawn(move || {
        later("other", || panic!("on purpose"));
        begun.recv().unwrap();
        finish()
    });
    for _ in 0..if cfg!(miri) { 3 } else { 100 } {
        later("own", || Ok(()));
        assert_eq!((finish(), unfinished()), (Ok(()), 0));
    }
    begin.send(()).unwrap();
    assert_eq!(other.join().unwrap(), Err("other: on purpose".to_string()));
}

/// Who waits longer than the looks take leaves the processor to others: to the thread that it waits for, above all.
#[cfg(all(target_os = "linux", not(miri)))]
#[test]
fn waiting_takes_no_processor_time() {
    fn processor_ms(f: impl FnOnce()) -> i64 {
        let now = || {
            let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            // SAFETY: the pointer is to a live local.
            assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) }, 0);
            time.tv_sec * 1000 + time.tv_nsec / 1_000_000
        };
        let start = now();
        f();
        now() - start
    }
    let long = std::time::Duration::from_millis(300);
    later("sleep", move || {
        std::thread::sleep(long);
        Ok(())
    });
    assert!(processor_ms(|| finish().unwrap()) < 100);
    assert!(processor_ms(|| run(2, &|_| std::thread::sleep(long))) < 100);
    let uneven = |task| std::thread::sleep(if task == 0 { long } else { long / 100 });
    assert!(processor_ms(|| run(2, &uneven)) < 100);
}
