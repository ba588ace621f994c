//! Where a message came from and where one goes: transport, our listener, their address, the connection.

use bytes::Bytes;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Transport {
    Udp,
    Tcp,
    Tls,
    Ws,
    Wss,
}

impl Transport {
    /// Whether the transport delivers or reports, so that no retransmission is needed.
    pub fn is_reliable(self) -> bool {
        self != Transport::Udp
    }

    pub fn is_secure(self) -> bool {
        matches!(self, Transport::Tls | Transport::Wss)
    }

    /// As it stands in a Via header.
    pub fn via_name(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
            Transport::Ws => "WS",
            Transport::Wss => "WSS",
        }
    }

    /// As it stands in a `transport=` URI parameter and in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Ws => "ws",
            Transport::Wss => "wss",
        }
    }

    pub fn parse(text: &str) -> Option<Transport> {
        [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss]
            .into_iter()
            .find(|transport| text.eq_ignore_ascii_case(transport.name()))
    }

    pub fn default_port(self) -> u16 {
        match self {
            Transport::Udp | Transport::Tcp => 5060,
            Transport::Tls => 5061,
            Transport::Ws => 80,
            Transport::Wss => 443,
        }
    }
}

/// One listening place of the daemon; the index into the configuration's list of listeners.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ListenerId(pub u16);

/// One stream connection, numbered by the edge as it is opened; never reused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ConnectionId(pub u64);

/// One way between us and a peer. On a received message it says whence; on an outgoing one it says whither.
///
/// With a connection the message goes on that connection or is undeliverable; without one the edge reuses or
/// opens a connection to `remote` (stream transports), or sends a datagram.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Path {
    pub transport: Transport,
    pub listener: ListenerId,
    pub remote: SocketAddr,
    pub connection: Option<ConnectionId>,
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.transport.name(), self.remote)
    }
}

/// A place to send a request to: a resolved path, and the name that its TLS certificate must carry.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Target {
    pub path: Path,
    pub tls_name: Option<Arc<str>>,
}

/// Bytes on their way out. If they cannot be delivered the edge gives `token` back to the owner.
#[derive(Clone, PartialEq, Debug)]
pub struct Outgoing {
    pub target: Target,
    pub token: u32,
    pub bytes: Bytes,
}
