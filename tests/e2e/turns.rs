//! Tests that listen to audio in real time. Where a machine keeps everybody waiting, sounds break off and keys are lost, and
//! a failure says nothing about us: such a test is run again.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A packet of audio is as long; who waits for so much longer than it wished has missed several.
const NAP: Duration = Duration::from_millis(20);
const LATE: Duration = Duration::from_millis(60);
const TRIES: usize = 3;

/// Runs a test; once more, and a third time, only if it fails and a thread that takes naps was woken too late meanwhile.
pub fn in_real_time(test: impl Fn()) {
    for left in (0..TRIES).rev() {
        let (outcome, latest) = watched(&test);
        match outcome {
            Ok(()) => return,
            Err(_) if left > 0 && latest > LATE => eprintln!("turns came {latest:?} late: it is run again"),
            Err(fault) => resume_unwind(fault),
        }
    }
}

/// What became of it, and by how much a nap was too long meanwhile.
fn watched(test: &impl Fn()) -> (std::thread::Result<()>, Duration) {
    let (over, latest) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let watcher = std::thread::spawn({
        let (over, latest) = (Arc::clone(&over), Arc::clone(&latest));
        move || {
            while !over.load(Ordering::Relaxed) {
                let began = Instant::now();
                std::thread::sleep(NAP);
                let late = began.elapsed().saturating_sub(NAP);
                latest.fetch_max(u64::try_from(late.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
            }
        }
    });
    let outcome = catch_unwind(AssertUnwindSafe(test));
    over.store(true, Ordering::Relaxed);
    let _ = watcher.join();
    (outcome, Duration::from_micros(latest.load(Ordering::Relaxed)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn what_passes_runs_once_and_a_failure_is_seen() {
        let runs = Cell::new(0);
        in_real_time(|| runs.set(runs.get() + 1));
        assert_eq!(runs.get(), 1);
        let (outcome, _) = watched(&|| panic!("as a test does"));
        assert!(outcome.is_err());
    }
}
