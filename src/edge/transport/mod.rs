//! The SIP sockets: datagrams, streams and WebSockets in, messages out, and back. Knows no transaction and no call.

pub mod connections;
pub mod counters;
pub mod door;
pub mod front;
pub mod inside;
mod line;
mod load;
mod outbox;
mod ports;
pub mod pulse;
mod stream;
pub mod tls;
mod udp;
pub mod websocket;
pub mod wire;

use crate::base::id::CallId;
use crate::domain::call::interface::Profiles;
use crate::edge::clock;
use crate::edge::transport::connections::{Connections, Delivery, Queued};
use crate::edge::transport::counters::Counters;
use crate::edge::transport::door::Door;
use crate::edge::transport::front::Front;
use crate::edge::transport::inside::Inside;
use crate::edge::transport::outbox::Letter;
use crate::edge::transport::ports::{Fresh, Ports, Prepared};
use crate::edge::transport::pulse::{Pace, Pulse};
use crate::protocol::sip::message::{Message, ParseError};
use crate::protocol::sip::path::{ListenerId, Outgoing, Path, Transport};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// Where received messages and the fate of sent ones go. Called from the listening tasks: it must never block.
pub trait Sink: Send + Sync + 'static {
    /// `tls_names`: what the peer's verified certificate says it is; empty without one.
    fn message(&self, from: Path, tls_names: &Arc<[Box<str>]>, message: Box<Message>);
    fn undeliverable(&self, owner: CallId, token: u32);
    fn closed(&self, path: Path);
    fn malformed(&self, from: Path, error: ParseError);
    /// Several messages are about to come in a row; told of from several sockets at a time.
    fn round_begins(&self) {}
    /// Whom they concern has worked through them; what they said has not left yet.
    fn round_ends(&self) {}
}

/// How much strangers may hold of us.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TransportLimits {
    /// Stream connections in all, ours and theirs.
    pub connections_max: usize,
    /// Stream connections from one source (an IPv4 address, an IPv6 /64).
    pub connections_per_source: usize,
    /// Connections that have not yet sent one whole message; beyond it the oldest of them gives way.
    pub half_open_max: usize,
    /// A connection over which nothing came or went for so long is closed.
    pub idle: Duration,
    /// How long a new peer has for handshakes and its first whole message.
    pub first_message: Duration,
    /// How long we try to open a connection, handshake included.
    pub connect: Duration,
    /// Silence after which we send a keep-alive: on connections that we opened, and on every WebSocket.
    pub ping: Duration,
    /// How long a write may make no progress.
    pub write: Duration,
}

impl Default for TransportLimits {
    fn default() -> TransportLimits {
        TransportLimits {
            connections_max: 20_000,
            connections_per_source: 1_000,
            half_open_max: 4_096,
            idle: Duration::from_secs(1_800),
            first_message: crate::base::limits::STREAM_FIRST_MESSAGE,
            connect: Duration::from_secs(5),
            ping: Duration::from_secs(60),
            write: Duration::from_secs(10),
        }
    }
}

/// Which authorities vouch for the peers that we connect to by TLS.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Trust {
    /// By the name that the certificate must carry: a file of authorities. Names not listed are checked against the system's.
    pub authorities_by_name: BTreeMap<Box<str>, PathBuf>,
}

/// Why the sockets could not be opened: which listener, and the reason in words.
#[derive(Clone, PartialEq, Debug)]
pub struct StartError {
    /// "profile carrier, tls 192.0.2.1:5061"
    pub listener: String,
    pub why: String,
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.listener, self.why)
    }
}

impl std::error::Error for StartError {}

/// What a reload did, each listener as `StartError` writes it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ReloadReport {
    pub added: Vec<String>,
    pub removed: Vec<String>,
    pub kept: Vec<String>,
}

/// All sockets of the daemon. Cheap to clone.
#[derive(Clone)]
pub struct Transports {
    shared: Arc<Shared>,
    probe: AbortHandle,
}

/// What the tasks of all sockets share.
struct Shared {
    runtime: Handle,
    sink: Arc<dyn Sink>,
    limits: TransportLimits,
    counters: Counters,
    door: Door,
    pulse: Pulse,
    connections: Connections,
    ports: RwLock<Arc<Ports>>,
    /// Who serves pages and their sockets where phones speak over WebSocket.
    front: OnceLock<Arc<dyn Front>>,
}

impl Transports {
    /// Binds every listener, or none. Must be called inside the runtime that is to carry the connections.
    #[allow(clippy::unused_async)]
    pub async fn start(
        profiles: Arc<Profiles>,
        trust: Trust,
        limits: TransportLimits,
        sink: Arc<dyn Sink>,
    ) -> Result<Transports, StartError> {
        let mut prepared = Prepared::open(&[], &profiles, &trust)?;
        prepared.apply();
        let fresh = std::mem::take(&mut prepared.fresh);
        let shared = Arc::new(Shared {
            runtime: Handle::current(),
            sink,
            limits,
            counters: Counters::default(),
            door: Door::default(),
            pulse: Pulse::new(Instant::now()),
            connections: Connections::new(limits),
            ports: RwLock::new(Arc::new(prepared.ports)),
            front: OnceLock::new(),
        });
        fresh.into_iter().for_each(|fresh| shared.run(fresh));
        let probe = tokio::spawn(probe(Arc::clone(&shared))).abort_handle();
        Ok(Transports { shared, probe })
    }

    /// From now on pages are served where phones speak over WebSocket. Once only.
    pub fn show(&self, front: Arc<dyn Front>) {
        if self.shared.front.set(front).is_err() {
            tracing::error!("pages are served already");
        }
    }

    /// A connection without a wire, for a phone inside of the daemon; `None` at a limit.
    pub fn open_inside(&self, path: Path) -> Option<Inside> {
        let (admitted, evicted) = self.shared.connections.admit(path)?;
        if let Some(evicted) = evicted {
            evicted.abort();
            self.shared.counters.half_open_closed.one();
        }
        self.shared.connections.settled(admitted.id);
        Some(Inside::new(&self.shared, path, admitted))
    }

    /// Never blocks. What cannot be sent comes back by `Sink::undeliverable`, possibly before this returns.
    pub fn send(&self, owner: CallId, outgoing: Outgoing) {
        if outgoing.target.path.transport == Transport::Udp {
            self.shared.send_datagram(owner, outgoing);
        } else {
            self.shared.send_over_stream(owner, outgoing);
        }
    }

    /// New certificates and listeners, whole or not at all. Running connections stay.
    pub fn reload(&self, profiles: Arc<Profiles>, trust: Trust) -> Result<ReloadReport, StartError> {
        let _inside = self.shared.runtime.enter();
        let old = self.shared.ports();
        let mut prepared = Prepared::open(old.all(), &profiles, &trust)?;
        prepared.apply();
        let fresh = std::mem::take(&mut prepared.fresh);
        *self.shared.ports.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(prepared.ports);
        fresh.into_iter().for_each(|fresh| self.shared.run(fresh));
        Ok(prepared.report)
    }

    /// Drops all that comes from this source, unread, until the time has passed, and closes what it has open.
    pub fn ban(&self, address: IpAddr, time: Duration) {
        self.shared.door.ban(address, Instant::now(), time);
        for task in self.shared.connections.remove_source(address) {
            task.abort();
        }
    }

    /// How late messages are being looked at; drives overload control.
    pub fn lateness(&self) -> Duration {
        self.shared.pulse.lateness()
    }

    /// The last sign of life of each listening loop; each wakes at least once a second.
    pub fn progress(&self) -> Vec<(String, Instant)> {
        self.shared.pulse.progress()
    }

    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// Where a listener really listens (the port where configuration says 0).
    pub fn address(&self, listener: ListenerId) -> Option<SocketAddr> {
        self.shared.ports().find(listener).map(|port| port.address)
    }

    /// Takes nothing more, writes out what is queued, for at most two seconds, and closes everything.
    pub async fn stop(&self) {
        self.probe.abort();
        self.shared.ports().all().iter().for_each(|port| port.end());
        self.shared.connections.close();
        let mut look = tokio::time::interval(Duration::from_millis(10));
        let closed = async {
            while self.shared.counters.connections_open() > 0 {
                look.tick().await;
            }
        };
        let _timely = tokio::time::timeout(Duration::from_secs(2), closed).await;
    }
}

impl Shared {
    fn ports(&self) -> Arc<Ports> {
        Arc::clone(&self.ports.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn front(&self) -> Option<&Arc<dyn Front>> {
        self.front.get()
    }

    fn run(self: &Arc<Shared>, fresh: Fresh) {
        let Fresh { port, streams } = fresh;
        let beat = self.pulse.beat(&port.name);
        let (shared, own) = (Arc::clone(self), Arc::clone(&port));
        let task = match streams {
            None => self.runtime.spawn(udp::listen(shared, own, beat)),
            Some(listener) => self.runtime.spawn(stream::listen(shared, own, listener, beat)),
        };
        port.runs_in(task.abort_handle());
    }

    fn undeliverable(&self, owner: CallId, token: u32) {
        self.counters.undeliverable.one();
        self.sink.undeliverable(owner, token);
    }

    fn send_datagram(&self, owner: CallId, outgoing: Outgoing) {
        let Outgoing { target, token, bytes } = outgoing;
        let path = &target.path;
        let ports = self.ports.read().unwrap_or_else(PoisonError::into_inner);
        match ports.datagrams_from(path.listener, path.remote) {
            Some(datagrams) => datagrams.send(self, Letter { owner, token, remote: path.remote, bytes }),
            None => self.undeliverable(owner, token),
        }
    }

    fn send_over_stream(self: &Arc<Shared>, owner: CallId, outgoing: Outgoing) {
        let Outgoing { target, token, bytes } = outgoing;
        match self.connections.deliver(&target, Queued { owner, token, bytes }) {
            Delivery::Queued => {}
            Delivery::Opens(admitted) => stream::open(self, target, admitted),
            Delivery::Undeliverable(queued) => self.undeliverable(queued.owner, queued.token),
            Delivery::Overflow(queued, task) => {
                self.counters.queue_overflows.one();
                if let Some(task) = task {
                    task.abort();
                }
                self.undeliverable(queued.owner, queued.token);
            }
        }
    }
}

/// Asks for a wake-up again and again and looks how late it comes; sweeps the door once a second.
async fn probe(shared: Arc<Shared>) {
    let mut pace = Pace::default();
    let mut swept = Instant::now();
    loop {
        let due = tokio::time::Instant::from_std(pace.next(shared.counters.messages_in(), clock::now()));
        tokio::time::sleep_until(due).await;
        shared.pulse.probed(due.elapsed());
        let now = Instant::now();
        if now.duration_since(swept) >= Duration::from_secs(1) {
            swept = now;
            shared.door.sweep(now);
        }
    }
}

#[cfg(test)]
mod tests;
