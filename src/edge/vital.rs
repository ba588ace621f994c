//! Whether the daemon lives and serves: the truth behind the watchdog, `/healthz`, `/readyz` and the status line.

use crate::edge::clock;
use crate::edge::logging::LogQueue;
use crate::edge::metrics::{Reading, table};
use crate::edge::ops_http::{Pages, Verdict};
use crate::edge::ports::Ports;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;

pub struct Vital {
    ports: Arc<Ports>,
    log: LogQueue,
    desk_alive: watch::Receiver<Instant>,
    stall_max: Duration,
    draining: AtomicBool,
}

impl Vital {
    pub fn new(ports: Arc<Ports>, log: LogQueue, desk_alive: watch::Receiver<Instant>, stall_max: Duration) -> Vital {
        Vital { ports, log, desk_alive, stall_max, draining: AtomicBool::new(false) }
    }

    pub fn set_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// The last sign of life of every loop.
    fn progress(&self) -> Vec<(String, Instant)> {
        let mut progress = self.ports.transports.progress();
        progress.extend(self.ports.media.progress());
        progress.push(("switchboard".to_owned(), *self.desk_alive.borrow()));
        progress
    }

    /// The loops that have made no progress for too long; empty when all is well.
    pub fn stalled(&self) -> Vec<String> {
        let now = clock::now().instant;
        let late = |at: Instant| now.saturating_duration_since(at) > self.stall_max;
        self.progress().into_iter().filter(|(_, at)| late(*at)).map(|(name, _)| name).collect()
    }

    /// Why no new call would be taken; empty when one would.
    pub fn unready(&self) -> Vec<String> {
        let mut reasons: Vec<String> = self.stalled().into_iter().map(|name| format!("{name} is stalled")).collect();
        if self.is_draining() {
            reasons.push("draining".to_owned());
        }
        if self.ports.journal.full() {
            reasons.push("the journal cannot keep up".to_owned());
        }
        reasons
    }

    /// One line for `systemctl status`.
    pub fn status_line(&self) -> String {
        let calls = self.ports.live.count();
        if self.is_draining() { format!("draining, {calls} calls left") } else { format!("serving, {calls} calls") }
    }
}

impl Pages for Vital {
    fn metrics(&self) -> String {
        let ports = &self.ports;
        let mut readings = ports.journal.readings();
        readings.extend(Reading::of_transports(ports.transports.counters()));
        readings.extend(ports.media.readings());
        readings.push(Reading::new(table::LATENESS, &[], ports.transports.lateness().as_secs_f64()));
        readings.push(Reading::count(table::LOG_DROPPED, &[], self.log.dropped()));
        ports.metrics.render(&readings)
    }

    fn health(&self) -> Verdict {
        Verdict { reasons: self.stalled().into_iter().map(|name| format!("{name} is stalled")).collect() }
    }

    fn readiness(&self) -> Verdict {
        Verdict { reasons: self.unready() }
    }
}
