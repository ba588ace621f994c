//! The loop of one media worker: wait, take what came, send what follows, tell what happened. Never waits for anybody else.

use crate::base::entropy::Entropy;
use crate::base::limits;
use crate::base::now::Now;
use crate::edge::clock;
use crate::edge::media::Bell;
use crate::edge::media::dtls::Orders;
use crate::edge::media::gauge::{Gauge, Tally};
use crate::edge::media::pace::Pace;
use crate::edge::media::socket::{Found, Ready, Sockets};
use crate::media::command::Command;
use crate::media::event::Event;
use crate::media::handshake::Certificates;
use crate::media::ports::PortRange;
use crate::media::transmit::SocketId;
use crate::media::worker::{Arrived, Output, Worker};
use rustix::thread::{CpuSet, sched_setaffinity};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::error::TrySendError;

/// The largest datagram that is taken whole: sixty milliseconds of the widest stream we speak, with its protection.
const DATAGRAM_BYTES: usize = 6 * 1_024;
/// Room behind a datagram for what protection adds.
const TRAILER_BYTES: usize = 64;
/// How often numbers and a sign of life are shown while anything is going on, and how fine a stop of ours is seen.
const SHOW_EVERY: Duration = Duration::from_millis(100);
const SHOW_IDLE_EVERY: Duration = Duration::from_secs(1);
/// A loop that stood still for longer finds queues full of packets that nobody can use any more.
const STALL: Duration = Duration::from_millis(300);
/// Packets that are passed over at once in one socket after a stop, before the others get their turn.
const STALE_AT_ONCE: usize = 16;
/// Commands between two looks at the sockets: a flood of calls does not hold up audio.
const COMMANDS_AT_ONCE: usize = 64;

pub struct Parts {
    pub range: PortRange,
    pub dscp: u8,
    pub entropy: Entropy,
    pub inbox: Receiver<Command>,
    pub bell: Arc<Bell>,
    pub certificates: Certificates,
    pub orders: Orders,
    pub events: tokio::sync::mpsc::Sender<Event>,
    pub gauge: Arc<Gauge>,
    pub lateness: prometheus::local::LocalHistogram,
    pub stopping: Arc<AtomicBool>,
}

pub struct Thread {
    parts: Parts,
    worker: Worker,
    sockets: Sockets,
    pace: Pace,
    buffer: Box<[u8]>,
    /// Events that found the queue full, in their order.
    waiting: VecDeque<Event>,
    stale: u64,
    send_drops: u64,
    events_lost: u64,
    shown_at: Instant,
    /// The queues hold what came while the thread stood still.
    is_behind: bool,
    has_commands: bool,
}

impl Thread {
    pub fn new(mut parts: Parts) -> io::Result<Thread> {
        let now = clock::now();
        let sockets = Sockets::new(&parts.bell.wake, parts.dscp)?;
        let worker = Worker::new(now, parts.range.clone(), parts.entropy.split());
        let worker = worker.with_certificates(parts.certificates);
        Ok(Thread {
            parts,
            worker,
            sockets,
            pace: Pace::new(now.instant),
            buffer: vec![0; DATAGRAM_BYTES + TRAILER_BYTES].into(),
            waiting: VecDeque::new(),
            stale: 0,
            send_drops: 0,
            events_lost: 0,
            shown_at: now.instant,
            is_behind: false,
            has_commands: false,
        })
    }

    pub fn run(mut self, core: Option<u16>) {
        if let Some(core) = core {
            pin(core);
        }
        let mut found = Found::new();
        let mut ended_at = clock::now().instant;
        while !self.parts.stopping.load(Ordering::Acquire) {
            let planned = self.wait(ended_at, &mut found);
            let now = clock::now();
            // What was ready before the time came just now, as far as anybody can tell.
            let due_at = planned.min(now.instant);
            let packets = self.round(now, &found);
            ended_at = clock::now().instant;
            let longest = now.instant.saturating_duration_since(planned).max(ended_at.duration_since(now.instant));
            self.is_behind |= longest > STALL;
            self.parts.lateness.observe(ended_at.saturating_duration_since(due_at).as_secs_f64());
            self.pace.round(now.instant, packets);
            if ended_at.saturating_duration_since(self.shown_at) >= SHOW_EVERY {
                self.show(ended_at);
            }
        }
        self.show(clock::now().instant);
    }

    /// Waits for packets, commands or a deadline; gives the instant up to which it meant to wait at most.
    fn wait(&mut self, now: Instant, found: &mut Found) -> Instant {
        let mut from = now;
        if let Some(rest) = self.pace.rest().filter(|_| !found.is_flooded() && !self.is_behind) {
            std::thread::sleep(rest);
            from += rest;
        }
        let idle = self.worker.streams() == 0 && self.waiting.is_empty();
        let longest = if idle { SHOW_IDLE_EVERY } else { SHOW_EVERY };
        let until_due = self.worker.deadline().map(|at| at.saturating_duration_since(from));
        let longest = until_due.map_or(longest, |due| due.min(longest));
        let longest = if self.has_commands { Duration::ZERO } else { longest };
        // After a rest there is something already: the wait ends at once, and the plan was the end of the rest.
        if self.sockets.wait(longest, found) > 0 && from > now { from } else { from + longest }
    }

    /// Takes what is ready, then what is due. Gives how many packets that were.
    fn round(&mut self, now: Now, found: &Found) -> usize {
        let (mut packets, mut deepest) = (0, 0);
        let mut index = 0;
        while let Some(ready) = found.ready(index) {
            index += 1;
            match ready {
                Ready::Bell => {
                    self.parts.bell.silence();
                    self.has_commands = true;
                }
                Ready::Socket(socket) => {
                    let taken = self.take(now, socket);
                    packets += usize::from(taken > 0);
                    deepest = deepest.max(taken);
                }
            }
        }
        if deepest < STALE_AT_ONCE {
            self.is_behind = false;
        }
        if self.has_commands {
            self.obey(now);
        }
        if self.worker.deadline().is_some_and(|at| at <= now.instant) {
            self.worker.handle_deadline(now);
        }
        self.drain(now);
        packets
    }

    /// Takes one datagram of a socket; after a stop several, of which only the newest is not too old.
    fn take(&mut self, now: Now, socket: SocketId) -> usize {
        let at_once = if self.is_behind { STALE_AT_ONCE } else { 1 };
        let mut last = None;
        let mut taken = 0;
        while taken < at_once {
            let Some(room) = self.buffer.get_mut(..DATAGRAM_BYTES) else { break };
            let Some(datagram) = self.sockets.receive(socket, room) else { break };
            taken += 1;
            last = Some(datagram);
        }
        let Some((length, from)) = last else { return 0 };
        self.stale += u64::try_from(taken - 1).unwrap_or(0);
        let arrived = Arrived { socket, from, length };
        if let Some(sending) = self.worker.handle_packet(now, arrived, &mut self.buffer)
            && let Some(bytes) = self.buffer.get(..sending.length)
            && !self.sockets.send(sending.socket, sending.to, bytes)
        {
            self.send_drops += 1;
        }
        taken
    }

    fn obey(&mut self, now: Now) {
        for _ in 0..COMMANDS_AT_ONCE {
            let Ok(command) = self.parts.inbox.try_recv() else {
                self.has_commands = false;
                return;
            };
            self.worker.handle_command(now, command);
            self.drain(now);
        }
    }

    /// Sends and tells everything that the worker has to say.
    fn drain(&mut self, now: Now) {
        while let Some(transmit) = self.worker.poll_transmit() {
            if !self.sockets.send(transmit.socket, transmit.to, transmit.bytes) {
                self.send_drops += 1;
            }
        }
        while let Some(output) = self.worker.poll_output() {
            match output {
                Output::Bind { slot, address } => {
                    let bound = self.sockets.bind(slot, address);
                    if let Err(error) = bound {
                        tracing::debug!(%address, %error, "a media port cannot be bound");
                    }
                    self.worker.handle_bound(now, slot, bound.is_ok());
                }
                Output::Close { slot } => self.sockets.close(slot),
                Output::Event(event) => self.tell(event),
                Output::Handshake(order) => self.parts.orders.give(order),
            }
        }
        self.tell_waiting();
    }

    /// Never waits for the other side. While it is far behind, what is told again anyway is dropped first.
    fn tell(&mut self, event: Event) {
        let is_spare = matches!(event, Event::Quality { .. });
        if self.waiting.is_empty() {
            match self.parts.events.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(_) | TrySendError::Closed(_)) if is_spare => self.events_lost += 1,
                Err(TrySendError::Full(event)) => self.waiting.push_back(event),
                Err(TrySendError::Closed(_)) => self.events_lost += 1,
            }
        } else if is_spare || self.waiting.len() >= limits::MEDIA_EVENTS {
            self.events_lost += 1;
        } else {
            self.waiting.push_back(event);
        }
    }

    fn tell_waiting(&mut self) {
        while let Some(event) = self.waiting.pop_front() {
            match self.parts.events.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => return self.waiting.push_front(event),
                Err(TrySendError::Closed(_)) => self.events_lost += 1,
            }
        }
    }

    fn show(&mut self, now: Instant) {
        self.shown_at = now;
        self.parts.lateness.flush();
        let (ports_used, ports_free) = self.worker.ports();
        let tally = Tally {
            counters: self.worker.counters(),
            stale: self.stale,
            send_drops: self.send_drops,
            events_lost: self.events_lost,
            streams: self.worker.streams(),
            ports_used,
            ports_free,
        };
        self.parts.gauge.show(now, tally);
    }
}

fn pin(core: u16) {
    let mut cores = CpuSet::new();
    cores.set(usize::from(core));
    if let Err(error) = sched_setaffinity(None, &cores) {
        tracing::warn!(core, %error, "a media worker cannot be pinned");
    }
}
