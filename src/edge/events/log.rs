//! Numbers events, keeps the newest in memory and all on disk as long as there is room. Telling never waits.

use super::file::{Entry, Found, Mark, Segments, page};
use super::wire::{Event, Line};
use crate::base::id::CallId;
use crate::base::limits;
use crate::edge::clock;
use crate::edge::metrics::Metrics;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Events that are numbered and written at once.
const BATCH: usize = 1_024;
/// How long the thread rests after a batch: a wake-up for each event would cost more than the event.
const REST: Duration = Duration::from_millis(10);
/// Longest time that a written event waits for its sync.
const SYNC_EVERY: Duration = Duration::from_millis(100);
/// How far the numbers jump where the daemon did not end in order: what was told last may never have been written.
const CRASH_JUMP: u64 = 1_000;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventSettings {
    /// The folder of its files.
    pub folder: PathBuf,
    /// All of them together.
    pub bytes_max: u64,
}

/// Takes events. Cheap to clone.
#[derive(Clone)]
pub struct EventLog(Arc<Shared>);

struct Shared {
    told: Mutex<Told>,
    wake: Condvar,
    done: Condvar,
    recent: Mutex<VecDeque<Arc<Entry>>>,
    /// The number of the next event.
    next: watch::Sender<u64>,
    folder: Arc<Path>,
}

#[derive(Default)]
struct Told {
    events: VecDeque<(u64, Event)>,
    lost: u64,
    /// The thread sleeps until it is told of an event.
    sleeps: bool,
    stopping: bool,
    ended: bool,
}

/// What there is from a number on.
pub enum Recent {
    Entries(Vec<Arc<Entry>>),
    /// Memory begins with this number; before it look on disk.
    Older(u64),
}

impl EventLog {
    pub fn start(settings: &EventSettings, metrics: Metrics) -> io::Result<EventLog> {
        let (segments, Found { next, is_clean }) = Segments::open(&settings.folder, settings.bytes_max)?;
        let next = if is_clean { next } else { next + CRASH_JUMP };
        let log = EventLog(Arc::new(Shared {
            told: Mutex::default(),
            wake: Condvar::new(),
            done: Condvar::new(),
            recent: Mutex::default(),
            next: watch::channel(next).0,
            folder: settings.folder.as_path().into(),
        }));
        let shared = Arc::clone(&log.0);
        let orders = BTreeMap::new();
        let scribe =
            Scribe { shared, segments, metrics, next, orders, rests_until: None, sync_at: None, is_failing: false };
        std::thread::Builder::new().name("events".into()).spawn(move || scribe.run())?;
        log.tell(Event::DaemonStarted { version: env!("CARGO_PKG_VERSION") });
        Ok(log)
    }

    /// Takes an event. Never waits; when far too many wait, this one gets no number and leaves a gap.
    pub fn tell(&self, event: Event) {
        let at = clock::now().unix_millis();
        let mut told = self.told();
        if told.ended {
            return;
        }
        if told.events.len() >= limits::EVENT_QUEUE {
            told.lost += 1;
            return;
        }
        told.events.push_back((at, event));
        let wakes = std::mem::take(&mut told.sleeps);
        drop(told);
        if wakes {
            self.0.wake.notify_one();
        }
    }

    /// Up to `most` events from this number on that are in memory.
    pub fn recent(&self, from: u64, most: usize) -> Recent {
        let recent = self.0.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = recent.front().map_or(self.next(), |entry| entry.seq);
        if from < oldest {
            return Recent::Older(oldest);
        }
        let start = recent.partition_point(|entry| entry.seq < from);
        Recent::Entries(recent.iter().skip(start).take(most).cloned().collect())
    }

    /// Some events from this number on that are on disk. Waits for the disk; empty where it has none, or fails.
    pub async fn older(&self, from: u64, mark: Option<Mark>) -> (Vec<Entry>, Option<Mark>) {
        let folder = Arc::clone(&self.0.folder);
        match tokio::task::spawn_blocking(move || page(&folder, from, mark)).await {
            Ok(Ok(page)) => page,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the event log could not be read");
                (Vec::new(), None)
            }
            Err(_) => (Vec::new(), None),
        }
    }

    /// The number of the next event.
    pub fn next(&self) -> u64 {
        *self.0.next.borrow()
    }

    /// Tells when the next number changes.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.0.next.subscribe()
    }

    /// Notes the orderly end, writes everything and ends the thread; false if that took too long.
    pub fn stop(&self, longest: Duration) -> bool {
        self.tell(Event::DaemonStopped {});
        let mut told = self.told();
        told.stopping = true;
        self.0.wake.notify_one();
        let ended = self.0.done.wait_timeout_while(told, longest, |told| !told.ended);
        ended.unwrap_or_else(PoisonError::into_inner).0.ended
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's own side.
struct Scribe {
    shared: Arc<Shared>,
    segments: Segments,
    metrics: Metrics,
    next: u64,
    /// The last number within each running call.
    orders: BTreeMap<CallId, u32>,
    /// The end of the rest after a batch.
    rests_until: Option<Instant>,
    sync_at: Option<Instant>,
    is_failing: bool,
}

impl Scribe {
    fn run(mut self) {
        loop {
            let (events, lost, stopping) = self.wait();
            if lost > 0 {
                self.metrics.events_lost(lost);
                self.next += lost;
                tracing::error!(lost, "events were lost: more waited than there is room for");
            }
            if !events.is_empty() {
                self.note(events);
            }
            let now = clock::now().instant;
            if self.sync_at.is_some_and(|at| stopping || at <= now) {
                self.sync_at = None;
                let synced = self.segments.sync();
                self.judge(synced);
            }
            if stopping && self.shared.told.lock().unwrap_or_else(PoisonError::into_inner).events.is_empty() {
                self.shared.told.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
                return self.shared.done.notify_all();
            }
        }
    }

    fn wait(&mut self) -> (Vec<(u64, Event)>, u64, bool) {
        let mut told = self.shared.told.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = |told: &mut Told| told.events.is_empty() && !told.stopping;
        if let Some(until) = self.rests_until.take() {
            // They come fast: let some more come, and have them all for one wake-up.
            let rest = until.saturating_duration_since(clock::now().instant);
            let pause = self.shared.wake.wait_timeout_while(told, rest, |told| !told.stopping);
            told = pause.unwrap_or_else(PoisonError::into_inner).0;
        }
        if idle(&mut told) {
            told.sleeps = true;
            let now = clock::now().instant;
            let until = self.sync_at.map_or(Duration::from_secs(60), |at| at.saturating_duration_since(now));
            let pause = self.shared.wake.wait_timeout_while(told, until, |told| idle(told));
            told = pause.unwrap_or_else(PoisonError::into_inner).0;
            told.sleeps = false;
        }
        let count = told.events.len().min(BATCH);
        let events = told.events.drain(..count).collect();
        // What was lost came after everything that waited.
        let lost = if told.events.is_empty() { std::mem::take(&mut told.lost) } else { 0 };
        (events, lost, told.stopping)
    }

    /// Numbers them, shows them to followers, and writes them.
    fn note(&mut self, events: Vec<(u64, Event)>) {
        let (first, count) = (self.next, events.len());
        let mut entries = Vec::with_capacity(count);
        for (at, event) in events {
            let n = self.order(&event);
            let line = Line { seq: self.next, at, n, event: &event };
            match serde_json::to_vec(&line) {
                Ok(mut line) => {
                    line.push(b'\n');
                    entries.push(Arc::new(Entry::new(self.next, line.into())));
                }
                Err(error) => tracing::error!(%error, "an event could not be written as JSON"),
            }
            self.next += 1;
        }
        let lines: Vec<u8> = entries.iter().flat_map(|entry| entry.line.iter().copied()).collect();
        self.metrics.events_told(entries.len());
        {
            let mut recent = self.shared.recent.lock().unwrap_or_else(PoisonError::into_inner);
            recent.extend(entries);
            let excess = recent.len().saturating_sub(limits::EVENTS_RECENT);
            recent.drain(..excess);
        }
        self.shared.next.send_replace(self.next);
        let written = self.segments.append(&lines, first);
        self.judge(written);
        let now = clock::now().instant;
        self.sync_at.get_or_insert(now + SYNC_EVERY);
        // A batch that is full is followed by the next one at once.
        self.rests_until = (count < BATCH).then_some(now + REST);
    }

    fn order(&mut self, event: &Event) -> Option<u32> {
        let call = event.call()?;
        if matches!(event, Event::CallStarted { .. }) {
            self.orders.insert(call, 0);
        }
        let order = self.orders.get_mut(&call)?;
        *order += 1;
        let n = *order;
        if matches!(event, Event::CallEnded { .. }) {
            self.orders.remove(&call);
        }
        Some(n)
    }

    /// A disk that fails costs followers their past, never calls their present. Said when it begins.
    fn judge(&mut self, outcome: io::Result<()>) {
        match outcome {
            Ok(()) => self.is_failing = false,
            Err(error) => {
                self.metrics.events_unwritten();
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::error!(%error, "the event log cannot be written; followers will find gaps");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(folder: &Path) -> EventLog {
        let settings = EventSettings { folder: folder.to_owned(), bytes_max: 1_000_000 };
        EventLog::start(&settings, Metrics::new(Duration::ZERO).unwrap()).unwrap()
    }

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("offhook-event-log-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        path
    }

    async fn numbers(log: &EventLog, from: u64) -> Vec<u64> {
        let (older, _) = log.older(from, None).await;
        older.iter().map(|entry| entry.seq).collect()
    }

    #[tokio::test]
    async fn numbers_go_on_after_an_orderly_end_and_jump_after_any_other() {
        let folder = scratch("restart");
        let log = start(&folder);
        assert!(log.stop(Duration::from_secs(30)));
        let log = start(&folder);
        assert!(log.stop(Duration::from_secs(30)));
        assert_eq!(numbers(&log, 1).await, [1, 2, 3, 4]);
        let torn = start(&folder);
        while numbers(&torn, 5).await.is_empty() {}
        // The first one is still running: it is as if it had been killed.
        let again = start(&folder);
        assert_eq!(
            again.watch().wait_for(|next| *next > 6 + CRASH_JUMP).await.map(|next| *next).unwrap(),
            6 + CRASH_JUMP + 1
        );
        assert!(again.stop(Duration::from_secs(30)) && torn.stop(Duration::from_secs(30)));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn events_of_a_call_are_counted_from_its_start_to_its_end() {
        let folder = scratch("order");
        let log = start(&folder);
        let call = super::super::wire::Call(CallId(7));
        let started = Event::CallStarted {
            call,
            caller: "trunk:a".into(),
            from: "1".into(),
            dialled: "2".into(),
            dialled_e164: None,
            emergency: false,
        };
        log.tell(started);
        log.tell(Event::LegRinging { call, leg: 1 });
        log.tell(Event::CallEnded { call, cause: "normal", fault: "nobody", status: None, duration_ms: None });
        log.tell(Event::LegRinging { call, leg: 1 });
        log.watch().wait_for(|next| *next == 6).await.unwrap();
        let Recent::Entries(entries) = log.recent(2, 100) else { panic!("they are in memory") };
        let order: Vec<_> = entries
            .iter()
            .map(|entry| serde_json::from_slice::<serde_json::Value>(&entry.line).unwrap()["n"].as_u64())
            .collect();
        assert_eq!(order, [Some(1), Some(2), Some(3), None]);
        assert!(log.stop(Duration::from_secs(30)));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
