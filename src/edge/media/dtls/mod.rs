//! The thread that performs DTLS handshakes for all media workers, so that none of them holds up a packet. Owns no socket.

pub mod handshake;

use crate::base::limits;
use crate::edge::clock;
use crate::edge::media::Bell;
use crate::edge::metrics::{Reading, table};
use crate::media::command::{Command, StreamId};
use crate::media::handshake::{Certificates, HandshakeFault, HandshakeNews, HandshakeOrder, HandshakeWish};
use handshake::{Handshake, Identity};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::time::{Duration, Instant};

/// How long a handshake that is over is kept: longer than a worker passes on what is asked of it again.
const KEEP: Duration = Duration::from_secs(12);
/// When what a worker's full queue refused is tried again.
const AGAIN: Duration = Duration::from_millis(20);

/// What all threads count of handshakes.
#[derive(Default)]
pub struct Counts {
    pub done: AtomicU64,
    failed: [AtomicU64; HandshakeFault::ALL.len()],
    /// Orders that found the queue full, or too many under way.
    pub dropped: AtomicU64,
}

impl Counts {
    fn failed(&self, fault: HandshakeFault) {
        let at = HandshakeFault::ALL.iter().position(|known| *known == fault);
        if let Some(count) = at.and_then(|at| self.failed.get(at)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Rows of the table of metrics.
    pub fn readings(&self) -> Vec<Reading> {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let failed = HandshakeFault::ALL.iter().zip(&self.failed);
        failed
            .map(|(why, count)| Reading::count(table::DTLS_HANDSHAKES, &[why.name()], read(count)))
            .chain([
                Reading::count(table::DTLS_HANDSHAKES, &["done"], read(&self.done)),
                Reading::count(table::DTLS_DROPPED, &[], read(&self.dropped)),
            ])
            .collect()
    }
}

/// A worker's way to the thread.
#[derive(Clone)]
pub struct Orders {
    pub queue: SyncSender<HandshakeOrder>,
    pub counts: Arc<Counts>,
}

impl Orders {
    /// Never waits: what is dropped is asked for again.
    pub fn give(&self, order: HandshakeOrder) {
        if self.queue.try_send(order).is_err() {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The thread's way back into one worker.
pub struct WayBack {
    pub(super) commands: SyncSender<Command>,
    pub(super) bell: Arc<Bell>,
}

pub struct Handshakes {
    identity: Arc<Identity>,
    counts: Arc<Counts>,
    workers: Vec<WayBack>,
    running: BTreeMap<StreamId, Running>,
    due: BTreeSet<(Instant, StreamId)>,
}

struct Running {
    /// `None` once it has failed: what still comes for it is not worth a new one.
    handshake: Option<Handshake>,
    wish: HandshakeWish,
    /// News that its worker has not taken yet.
    waiting: Vec<HandshakeNews>,
    is_over: bool,
    when: Instant,
    until: Instant,
}

impl Handshakes {
    pub fn new(counts: Arc<Counts>) -> Result<Handshakes, String> {
        let identity = Arc::new(Identity::draw()?);
        Ok(Handshakes { identity, counts, workers: Vec::new(), running: BTreeMap::new(), due: BTreeSet::new() })
    }

    pub fn certificates(&self) -> Certificates {
        self.identity.certificates()
    }

    /// Runs until the last worker has gone.
    pub fn run(mut self, orders: &Receiver<HandshakeOrder>, workers: Vec<WayBack>) {
        self.workers = workers;
        loop {
            let order = match self.due.first() {
                None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some((at, _)) => orders.recv_timeout(at.saturating_duration_since(clock::now().instant)),
            };
            let now = clock::now().instant;
            match order {
                Ok(order) => self.obey(now, order),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            while let Some((at, stream)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
                self.due.remove(&(at, stream));
                self.step(now, stream, None);
            }
        }
    }

    fn obey(&mut self, now: Instant, order: HandshakeOrder) {
        match order {
            HandshakeOrder::End { stream } => self.forget(stream),
            HandshakeOrder::Go { stream, wish, datagram } => {
                if self.running.get(&stream).is_some_and(|running| running.wish != wish) {
                    self.forget(stream);
                }
                if !self.running.contains_key(&stream) {
                    if self.running.len() >= limits::HANDSHAKES_MAX {
                        self.counts.dropped.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                    let handshake = Some(Handshake::begin(&self.identity, wish, now));
                    let until = now + limits::HANDSHAKE_PATIENCE;
                    let waiting = Vec::new();
                    self.running.insert(stream, Running { handshake, wish, waiting, is_over: false, when: now, until });
                    self.step(now, stream, None);
                }
                if let Some(datagram) = datagram {
                    self.step(now, stream, Some(&datagram));
                }
            }
        }
    }

    fn forget(&mut self, stream: StreamId) {
        if let Some(running) = self.running.remove(&stream) {
            self.due.remove(&(running.when, stream));
        }
    }

    /// Moves one handshake on, tells its worker, and arms it anew.
    fn step(&mut self, now: Instant, stream: StreamId, datagram: Option<&[u8]>) {
        let Some(running) = self.running.get_mut(&stream) else { return };
        self.due.remove(&(running.when, stream));
        if running.until <= now {
            if !running.is_over {
                self.counts.failed(HandshakeFault::TooLate);
            }
            self.running.remove(&stream);
            return;
        }
        running.step(now, datagram, &self.counts);
        let at = u64::try_from(self.workers.len()).unwrap_or(1).max(1);
        let worker = self.workers.get(usize::try_from(stream.call.0 % at).unwrap_or(0));
        let taken = worker.is_none_or(|worker| worker.tell(stream, &mut running.waiting));
        running.when = match (&running.handshake, taken) {
            (_, false) => now + AGAIN,
            (Some(handshake), true) => handshake.when.max(now + Duration::from_millis(1)).min(running.until),
            (None, true) => running.until,
        };
        self.due.insert((running.when, stream));
    }
}

impl Running {
    fn step(&mut self, now: Instant, datagram: Option<&[u8]>, counts: &Counts) {
        let Some(handshake) = &mut self.handshake else { return };
        let before = self.waiting.len();
        let waiting = &mut self.waiting;
        // What a stranger to our own code does with what a peer sends must not end the handshakes of all others.
        let stepped = catch_unwind(AssertUnwindSafe(|| handshake.step(now, datagram, waiting)));
        let fault = stepped.unwrap_or(Err(HandshakeFault::Protocol)).err();
        let keyed = self.waiting.iter().skip(before).any(|news| matches!(news, HandshakeNews::Keys(..)));
        if keyed {
            counts.done.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(fault) = fault {
            self.handshake = None;
            // After it has given keys, an end of it is none of ours.
            if !self.is_over && !keyed {
                counts.failed(fault);
                self.waiting.push(HandshakeNews::Failed(fault));
            }
        }
        if (keyed || fault.is_some()) && !self.is_over {
            self.is_over = true;
            self.until = now + KEEP;
        }
    }
}

impl WayBack {
    /// `false`: its queue is full, and what is left has to wait. Datagrams are not kept: they are asked for again.
    fn tell(&self, stream: StreamId, waiting: &mut Vec<HandshakeNews>) -> bool {
        let mut left = Vec::new();
        for news in waiting.drain(..) {
            let is_spare = matches!(news, HandshakeNews::Send(_));
            match self.commands.try_send(Command::Handshake { stream, news }) {
                Err(TrySendError::Full(Command::Handshake { news, .. })) if !is_spare => left.push(news),
                _ => {}
            }
        }
        *waiting = left;
        self.bell.ring();
        waiting.is_empty()
    }
}
