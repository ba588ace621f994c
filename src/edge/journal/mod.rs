//! The durable list of records: a bounded queue and one plain thread that appends and syncs in groups and rotates.
//! Never waits for a disk in a call's task and never gives up a record that it has taken.

mod file;

pub use self::file::JournalFile;
use crate::base::limits;
use crate::edge::clock;
use crate::edge::metrics::{Metrics, Reading, table};
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Records that one sync covers at most.
const SYNC_RECORDS: usize = 256;
/// Longest time that a written record waits for its sync.
const SYNC_EVERY: Duration = Duration::from_millis(50);
/// How long to wait before a disk that refused is asked again.
const RETRY_EVERY: Duration = Duration::from_secs(1);
/// Bytes that are handed to the disk in one write.
const BATCH_BYTES: usize = 256 * 1_024;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JournalSettings {
    /// The file that is appended to, such as `run/records.jsonl`; older ones stand beside it.
    pub path: PathBuf,
    /// A file above this size is put aside; zero never does.
    pub rotate_bytes: u64,
    /// A file of an earlier day (UTC) is put aside.
    pub rotate_daily: bool,
}

/// Takes records. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Journal(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    /// Told when everything is on disk and the thread has ended.
    done: Condvar,
    failing: AtomicBool,
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    lines: VecDeque<Vec<u8>>,
    /// Rounds of messages that are being worked through: the thread is woken for all their records together, since a wake-up
    /// for each would be a tenth of what a call costs.
    rounds: usize,
    reopen: bool,
    stopping: bool,
    ended: bool,
}

impl Journal {
    /// Opens the file, repairs its last line if a crash tore it, and starts the thread.
    pub fn start(settings: &JournalSettings, metrics: Metrics) -> io::Result<Journal> {
        let file = JournalFile::open(settings)?;
        let settings = settings.clone();
        let journal = Journal(Arc::new(Shared {
            queue: Mutex::new(Queue::default()),
            wake: Condvar::new(),
            done: Condvar::new(),
            failing: AtomicBool::new(false),
            lost: AtomicU64::new(0),
        }));
        let shared = Arc::clone(&journal.0);
        let writer = Writer { shared, file, settings, metrics, unsynced: 0, sync_at: None };
        std::thread::Builder::new().name("journal".into()).spawn(move || writer.run())?;
        Ok(journal)
    }

    /// Takes one JSON object without its line end. Never waits. The thread writes it at once, or at the end of the round.
    pub fn append(&self, line: Vec<u8>) {
        let mut queue = self.queue();
        // A record beyond twice the bound means that `full` was not heeded: counted, and told as our fault.
        if queue.lines.len() >= limits::JOURNAL_QUEUE * 2 || queue.ended {
            self.0.lost.fetch_add(1, Ordering::Relaxed);
            drop(queue);
            tracing::error!("a record was lost: the journal's queue overflowed or the journal has ended");
            return;
        }
        queue.lines.push_back(line);
        let wakes = queue.rounds == 0;
        drop(queue);
        if wakes {
            self.0.wake.notify_one();
        }
    }

    /// A round of messages begins: it must end with `settle`.
    pub fn gather(&self) {
        self.queue().rounds += 1;
    }

    /// A round is over, and its answers are about to leave: who reads them may kill us and still find the records.
    pub fn settle(&self) {
        let mut queue = self.queue();
        queue.rounds = queue.rounds.saturating_sub(1);
        let wakes = !queue.lines.is_empty();
        drop(queue);
        if wakes {
            self.0.wake.notify_one();
        }
    }

    /// Whether new calls must be refused because their records might not be kept. Running calls still have room.
    pub fn full(&self) -> bool {
        self.0.failing.load(Ordering::Relaxed) || self.queued() >= limits::JOURNAL_QUEUE
    }

    pub fn queued(&self) -> usize {
        self.queue().lines.len()
    }

    /// Opens the file anew by its name, after something outside has moved it away.
    pub fn reopen(&self) {
        self.queue().reopen = true;
        self.0.wake.notify_one();
    }

    /// Writes and syncs everything and ends the thread; false if that took longer than `longest`.
    pub fn stop(&self, longest: Duration) -> bool {
        let mut queue = self.queue();
        queue.stopping = true;
        self.0.wake.notify_one();
        let ended = self.0.done.wait_timeout_while(queue, longest, |queue| !queue.ended);
        queue = ended.unwrap_or_else(PoisonError::into_inner).0;
        queue.ended && queue.lines.is_empty()
    }

    /// What `/metrics` shows of the queue.
    pub fn readings(&self) -> Vec<Reading> {
        let queued = u64::try_from(self.queued()).unwrap_or(u64::MAX);
        vec![
            Reading::count(table::JOURNAL_QUEUE, &[], queued),
            Reading::count(table::JOURNAL_FULL, &[], u64::from(self.full())),
            Reading::count(table::JOURNAL_LOST, &[], self.0.lost.load(Ordering::Relaxed)),
        ]
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's own side.
struct Writer {
    shared: Arc<Shared>,
    file: JournalFile,
    settings: JournalSettings,
    metrics: Metrics,
    unsynced: usize,
    /// When what is written must be synced.
    sync_at: Option<Instant>,
}

impl Writer {
    fn run(mut self) {
        loop {
            let wanted = self.wait();
            if wanted.reopen {
                self.reopen();
            }
            let mut written = true;
            while written && self.has_lines() {
                written = self.write_batch();
            }
            if written && (self.unsynced >= SYNC_RECORDS || wanted.stopping || self.sync_is_due()) {
                written = self.sync();
            }
            if written && self.file.is_due(&self.settings, clock::now()) {
                written = self.rotate();
            }
            self.shared.failing.store(!written, Ordering::Relaxed);
            if wanted.stopping && (written || wanted.last_try) {
                return self.end();
            }
        }
    }

    /// Sleeps until there is work: a line, a sync that is due, a wish, or the next try at a disk that refused.
    fn wait(&mut self) -> Wanted {
        let failing = self.shared.failing.load(Ordering::Relaxed);
        let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if failing && !queue.stopping {
            let pause =
                self.shared.wake.wait_timeout_while(queue, RETRY_EVERY, |queue| !queue.stopping && !queue.reopen);
            queue = pause.unwrap_or_else(PoisonError::into_inner).0;
        }
        let idle = |queue: &mut Queue| queue.lines.is_empty() && !queue.reopen && !queue.stopping;
        if !failing && idle(&mut queue) {
            // An idle journal wakes to rotate at midnight even when no call ends.
            let until =
                self.sync_at.map_or(Duration::from_secs(60), |at| at.saturating_duration_since(clock::now().instant));
            let pause = self.shared.wake.wait_timeout_while(queue, until, |queue| idle(queue));
            queue = pause.unwrap_or_else(PoisonError::into_inner).0;
        }
        Wanted { reopen: std::mem::take(&mut queue.reopen), stopping: queue.stopping, last_try: failing }
    }

    fn has_lines(&self) -> bool {
        !self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner).lines.is_empty()
    }

    /// Writes what waits, up to the batch's size. Lines leave the queue only when the system has them.
    fn write_batch(&mut self) -> bool {
        let mut bytes = Vec::new();
        let mut lines = 0;
        {
            let queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
            for line in &queue.lines {
                if bytes.len() + line.len() > BATCH_BYTES && lines > 0 {
                    break;
                }
                // JSON holds no line end; what holds one all the same must not become two records.
                match memchr::memchr(b'\n', line) {
                    None => bytes.extend_from_slice(line),
                    Some(_) => line.split(|byte| *byte == b'\n').for_each(|part| bytes.extend_from_slice(part)),
                }
                bytes.push(b'\n');
                lines += 1;
            }
        }
        if let Err(error) = self.file.append(&bytes) {
            return self.failed(&error, "could not be written");
        }
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner).lines.drain(..lines);
        self.unsynced += lines;
        self.sync_at.get_or_insert(clock::now().instant + SYNC_EVERY);
        if self.unsynced >= SYNC_RECORDS { self.sync() } else { true }
    }

    fn sync_is_due(&self) -> bool {
        self.sync_at.is_some_and(|at| at <= clock::now().instant)
    }

    fn sync(&mut self) -> bool {
        if self.unsynced == 0 {
            return true;
        }
        let began = clock::now().instant;
        if let Err(error) = self.file.sync() {
            return self.failed(&error, "could not be synced");
        }
        self.metrics.journal_synced(self.unsynced, clock::now().instant.saturating_duration_since(began));
        self.unsynced = 0;
        self.sync_at = None;
        true
    }

    fn rotate(&mut self) -> bool {
        if !self.sync() {
            return false;
        }
        match self.file.rotate(&self.settings, clock::now()) {
            Ok(()) => true,
            Err(error) => self.failed(&error, "could not be put aside"),
        }
    }

    fn reopen(&mut self) {
        self.sync();
        match JournalFile::open(&self.settings) {
            Ok(file) => self.file = file,
            Err(error) => {
                self.failed(&error, "could not be opened anew");
            }
        }
    }

    fn failed(&self, error: &io::Error, what: &'static str) -> bool {
        self.metrics.journal_failed();
        // Said once when it begins; the gauge tells how long it lasts.
        if !self.shared.failing.swap(true, Ordering::Relaxed) {
            tracing::error!(%error, path = %self.settings.path.display(), "the journal {what}; new calls are refused");
        }
        false
    }

    fn end(self) {
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.shared.done.notify_all();
    }
}

struct Wanted {
    reopen: bool,
    stopping: bool,
    /// The disk refused before the stop was asked for; this try is the last.
    last_try: bool,
}

#[cfg(test)]
mod tests;
