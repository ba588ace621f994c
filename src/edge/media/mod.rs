//! The media plane's threads and the doors to them. Decides nothing about calls, and no door ever waits.

pub mod dtls;
mod gauge;
mod pace;
pub mod prompts;
pub mod recorder;
mod socket;
mod thread;

pub use gauge::Tally;

use crate::base::entropy::Entropy;
use crate::base::id::CallId;
use crate::base::limits;
use crate::edge::clock;
use crate::edge::metrics::{Metrics, Reading, table};
use crate::media::command::Command;
use crate::media::counters::Refusal;
use crate::media::event::Event;
use crate::media::ports::PortRange;
use crate::protocol::ice::responder::Refused as Unchecked;
use gauge::Gauge;
use rustix::event::{EventfdFlags, eventfd};
use std::io;
use std::ops::RangeInclusive;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use thread::Thread;

/// What `[media]` of `offhook.toml` says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerSettings {
    /// Zero means one for every two cores.
    pub workers: u16,
    /// The core of each worker in turn; empty leaves it to the system.
    pub pin: Vec<u16>,
    pub ports: RangeInclusive<u16>,
    pub reuse_delay: Duration,
    /// The class that our packets are marked with (RFC 2474); 46 is expedited forwarding.
    pub dscp: u8,
}

impl Default for WorkerSettings {
    fn default() -> WorkerSettings {
        WorkerSettings {
            workers: 0,
            pin: Vec::new(),
            ports: 20_000..=29_999,
            reuse_delay: Duration::from_secs(10),
            dscp: 46,
        }
    }
}

/// All workers of the daemon.
pub struct MediaPlane {
    doors: Vec<Door>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    stopping: Arc<AtomicBool>,
    refused: AtomicU64,
    handshakes: Arc<dtls::Counts>,
}

/// The way into one worker.
struct Door {
    commands: SyncSender<Command>,
    bell: Arc<Bell>,
    gauge: Arc<Gauge>,
}

/// Wakes a worker that sleeps, with one system call however many commands there are.
struct Bell {
    wake: OwnedFd,
    rung: AtomicBool,
}

impl Bell {
    fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            // A full counter means that it rings already.
            let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
        }
    }

    /// Before the commands are read, so that one that comes after them rings again.
    fn silence(&self) {
        let mut count = [0; 8];
        let _ = rustix::io::read(&self.wake, &mut count);
        self.rung.store(false, Ordering::Release);
    }
}

impl MediaPlane {
    /// Starts the threads. What they tell comes from the receiver, in the order in which it happened to each call.
    pub fn start(
        settings: &WorkerSettings,
        entropy: &mut Entropy,
        metrics: &Metrics,
    ) -> io::Result<(MediaPlane, tokio::sync::mpsc::Receiver<Event>)> {
        let (events, told) = tokio::sync::mpsc::channel(limits::MEDIA_EVENTS);
        let stopping = Arc::new(AtomicBool::new(false));
        let count = workers(settings);
        let counts = Arc::new(dtls::Counts::default());
        let handshakes = dtls::Handshakes::new(Arc::clone(&counts)).map_err(io::Error::other)?;
        let (queue, wanted) = sync_channel(limits::HANDSHAKE_ORDERS);
        let orders = dtls::Orders { queue, counts: Arc::clone(&counts) };
        let (mut doors, mut threads) = (Vec::<Door>::new(), Vec::new());
        for index in 0..count {
            let (commands, inbox) = sync_channel(limits::MEDIA_COMMANDS);
            let wake = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
            let bell = Arc::new(Bell { wake, rung: AtomicBool::new(false) });
            let gauge = Arc::new(Gauge::new(clock::now().instant));
            doors.push(Door { commands, bell: bell.clone(), gauge: gauge.clone() });
            let range =
                PortRange { ports: settings.ports.clone(), share: (index, count), reuse_delay: settings.reuse_delay };
            let thread = Thread::new(thread::Parts {
                range,
                dscp: settings.dscp,
                entropy: entropy.split(),
                inbox,
                bell,
                certificates: handshakes.certificates(),
                orders: orders.clone(),
                events: events.clone(),
                gauge,
                lateness: metrics.media_lateness(),
                stopping: stopping.clone(),
            })?;
            let core = settings.pin.get(usize::from(index) % settings.pin.len().max(1)).copied();
            let named = std::thread::Builder::new().name(format!("media-{index}"));
            threads.push(named.spawn(move || thread.run(core))?);
        }
        // It ends with the last worker, whose orders it waits for.
        drop(orders);
        let back = |door: &Door| dtls::WayBack { commands: door.commands.clone(), bell: Arc::clone(&door.bell) };
        let ways: Vec<dtls::WayBack> = doors.iter().map(back).collect();
        let named = std::thread::Builder::new().name("media-dtls".to_owned());
        threads.push(named.spawn(move || handshakes.run(&wanted, ways))?);
        let refused = AtomicU64::new(0);
        let plane = MediaPlane { doors, threads: Mutex::new(threads), stopping, refused, handshakes: counts };
        Ok((plane, told))
    }

    /// Hands a command to the worker of its call. Gives it back when that is so far behind that its queue is full.
    pub fn send(&self, command: Command) -> Result<(), Box<Command>> {
        let Some(door) = self.door(command.call()) else { return Err(Box::new(command)) };
        match door.commands.try_send(command) {
            Ok(()) => {
                door.bell.ring();
                Ok(())
            }
            Err(TrySendError::Full(command) | TrySendError::Disconnected(command)) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Err(Box::new(command))
            }
        }
    }

    /// All streams of a call live on one worker. Identities are random, so their lowest bits share the load.
    fn door(&self, call: CallId) -> Option<&Door> {
        let count = u64::try_from(self.doors.len()).unwrap_or(1).max(1);
        self.doors.get(usize::try_from(call.0 % count).unwrap_or(0))
    }

    /// Every worker's last sign of life.
    pub fn progress(&self) -> Vec<(String, Instant)> {
        let named = self.doors.iter().enumerate();
        named.map(|(index, door)| (format!("media worker {index}"), door.gauge.alive_at())).collect()
    }

    /// What all workers together have counted, a tenth of a second ago at most.
    pub fn tally(&self) -> Tally {
        self.doors.iter().map(|door| door.gauge.read()).fold(Tally::default(), Tally::and)
    }

    /// Rows of the table of metrics.
    pub fn readings(&self) -> Vec<Reading> {
        let tally = self.tally();
        let counters = &tally.counters;
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let mut readings = vec![
            Reading::count(table::MEDIA_PACKETS, &["in"], counters.packets_in),
            Reading::count(table::MEDIA_PACKETS, &["out"], counters.packets_out),
            Reading::count(table::MEDIA_BYTES, &["in"], counters.bytes_in),
            Reading::count(table::MEDIA_BYTES, &["out"], counters.bytes_out),
            Reading::count(table::MEDIA_FORWARDED, &[], counters.forwarded),
            Reading::count(table::MEDIA_CONTROL, &["in"], counters.control_in),
            Reading::count(table::MEDIA_CONTROL, &["out"], counters.control_out),
            Reading::count(table::MEDIA_STALE, &[], tally.stale),
            Reading::count(table::MEDIA_SEND_DROPS, &[], tally.send_drops),
            Reading::count(table::MEDIA_EVENTS_LOST, &[], tally.events_lost),
            Reading::count(table::MEDIA_COMMANDS_REFUSED, &[], self.refused.load(Ordering::Relaxed)),
            Reading::count(table::MEDIA_STREAMS, &[], count(tally.streams)),
            Reading::count(table::MEDIA_PORTS, &["used"], count(tally.ports_used)),
            Reading::count(table::MEDIA_PORTS, &["free"], count(tally.ports_free)),
        ];
        readings.push(Reading::count(table::ICE_CHECKS, &["taken"], counters.checks));
        let refused = Unchecked::ALL.iter().zip(counters.checks_refused);
        readings.extend(refused.map(|(why, count)| Reading::count(table::ICE_CHECKS, &[why.name()], count)));
        readings.push(Reading::count(table::ICE_CONSENTS_LOST, &[], counters.consents_lost));
        readings.extend(self.handshakes.readings());
        readings
            .extend(Refusal::ALL.map(|why| Reading::count(table::MEDIA_REFUSED, &[why.name()], counters.refused(why))));
        readings
    }

    /// Ends the threads: each sends what it still owes and closes its sockets.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.doors.iter().for_each(|door| door.bell.ring());
        let threads = self.threads.lock().map(|mut threads| std::mem::take(&mut *threads)).unwrap_or_default();
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a media worker ended by a panic");
            }
        }
    }
}

impl Drop for MediaPlane {
    fn drop(&mut self) {
        self.stop();
    }
}

fn workers(settings: &WorkerSettings) -> u16 {
    match settings.workers {
        0 => {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            u16::try_from(cores / 2).unwrap_or(u16::MAX).max(1)
        }
        count => count,
    }
}

#[cfg(test)]
mod tests;
