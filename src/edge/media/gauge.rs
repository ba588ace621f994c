//! What a worker's thread shows to others: a sign of life and its numbers. Written ten times a second, not per packet.

use crate::media::counters::{Counters, Refusal};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Everything that is counted in one worker, or in several together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    pub counters: Counters,
    /// Packets that had grown old in the queue while the worker stood still, and were passed over.
    pub stale: u64,
    /// Packets that the system did not take.
    pub send_drops: u64,
    pub events_lost: u64,
    pub streams: usize,
    pub ports_used: usize,
    pub ports_free: usize,
}

impl Tally {
    pub fn and(mut self, other: Tally) -> Tally {
        let (own, theirs) = (&mut self.counters, &other.counters);
        own.packets_in += theirs.packets_in;
        own.bytes_in += theirs.bytes_in;
        own.packets_out += theirs.packets_out;
        own.bytes_out += theirs.bytes_out;
        own.forwarded += theirs.forwarded;
        own.control_in += theirs.control_in;
        own.control_out += theirs.control_out;
        for (own, why) in own.refused.iter_mut().zip(Refusal::ALL) {
            *own += theirs.refused(why);
        }
        for (own, count) in own.checks_refused.iter_mut().zip(theirs.checks_refused) {
            *own += count;
        }
        own.checks += theirs.checks;
        own.consents_lost += theirs.consents_lost;
        self.stale += other.stale;
        self.send_drops += other.send_drops;
        self.events_lost += other.events_lost;
        self.streams += other.streams;
        self.ports_used += other.ports_used;
        self.ports_free += other.ports_free;
        self
    }
}

pub struct Gauge {
    started: Instant,
    /// Microseconds after `started`.
    alive: AtomicU64,
    tally: Mutex<Tally>,
}

impl Gauge {
    pub fn new(started: Instant) -> Gauge {
        Gauge { started, alive: AtomicU64::new(0), tally: Mutex::default() }
    }

    pub fn show(&self, now: Instant, tally: Tally) {
        let since = now.saturating_duration_since(self.started).as_micros();
        self.alive.store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::Relaxed);
        if let Ok(mut shown) = self.tally.lock() {
            *shown = tally;
        }
    }

    pub fn alive_at(&self) -> Instant {
        self.started + Duration::from_micros(self.alive.load(Ordering::Relaxed))
    }

    pub fn read(&self) -> Tally {
        self.tally.lock().map(|tally| *tally).unwrap_or_default()
    }
}
