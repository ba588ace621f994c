//! The SIP sockets: datagrams, streams and WebSockets in, messages out, and back. Knows no transaction and no call.

pub mod counters;

use crate::base::id::CallId;
use crate::domain::call::interface::Profiles;
use crate::edge::transport::counters::Counters;
use crate::protocol::sip::message::{Message, ParseError};
use crate::protocol::sip::path::{ListenerId, Outgoing, Path};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where received messages and the fate of sent ones go. Called from the listening tasks: it must never block.
pub trait Sink: Send + Sync + 'static {
    /// `tls_names`: what the peer's verified certificate says it is; empty without one.
    fn message(&self, from: Path, tls_names: &Arc<[Box<str>]>, message: Box<Message>);
    fn undeliverable(&self, owner: CallId, token: u32);
    fn closed(&self, path: Path);
    fn malformed(&self, from: Path, error: ParseError);
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
}

struct Shared {
    counters: Counters,
}

#[allow(unused_variables)]
impl Transports {
    /// Binds every listener, or none.
    pub async fn start(
        profiles: Arc<Profiles>,
        trust: Trust,
        limits: TransportLimits,
        sink: Arc<dyn Sink>,
    ) -> Result<Transports, StartError> {
        Ok(Transports { shared: Arc::new(Shared { counters: Counters::default() }) })
    }

    /// Never blocks. What cannot be sent comes back by `Sink::undeliverable`.
    pub fn send(&self, owner: CallId, outgoing: Outgoing) {}

    /// New certificates and listeners, whole or not at all. Running connections stay.
    pub fn reload(&self, profiles: Arc<Profiles>, trust: Trust) -> Result<ReloadReport, StartError> {
        Ok(ReloadReport::default())
    }

    /// Drops all that comes from this source, unread, until the time has passed.
    pub fn ban(&self, address: IpAddr, time: Duration) {}

    /// How late messages are being looked at; drives overload control.
    pub fn lateness(&self) -> Duration {
        Duration::ZERO
    }

    /// The last sign of life of each listening loop; each wakes at least once a second.
    pub fn progress(&self) -> Vec<(String, Instant)> {
        Vec::new()
    }

    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// Where a listener really listens (the port where configuration says 0).
    pub fn address(&self, listener: ListenerId) -> Option<SocketAddr> {
        None
    }

    /// Writes out what is queued, for a moment, and closes everything.
    pub async fn stop(&self) {}
}
