//! What passed the sockets, counted. Never decides anything.

use std::sync::atomic::{AtomicU64, Ordering};

/// One number that many tasks count up.
#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub fn one(&self) {
        self.add(1);
    }

    pub fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why a TLS connection did not come about. One variant, one label.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TlsFailure {
    /// The certificate is for another name.
    WrongName,
    /// Expired, or not yet valid.
    WrongTime,
    UnknownAuthority,
    /// Mutual TLS, and the peer showed none.
    NoCertificate,
    /// The peer refused us by an alert.
    RefusedByPeer,
    Timeout,
    /// The transport broke off before the end.
    Broken,
    /// No common version, cipher or group, or plain rubbish.
    Protocol,
}

impl TlsFailure {
    pub const ALL: [TlsFailure; 8] = [
        TlsFailure::WrongName,
        TlsFailure::WrongTime,
        TlsFailure::UnknownAuthority,
        TlsFailure::NoCertificate,
        TlsFailure::RefusedByPeer,
        TlsFailure::Timeout,
        TlsFailure::Broken,
        TlsFailure::Protocol,
    ];

    pub fn name(self) -> &'static str {
        match self {
            TlsFailure::WrongName => "wrong-name",
            TlsFailure::WrongTime => "wrong-time",
            TlsFailure::UnknownAuthority => "unknown-authority",
            TlsFailure::NoCertificate => "no-certificate",
            TlsFailure::RefusedByPeer => "refused-by-peer",
            TlsFailure::Timeout => "timeout",
            TlsFailure::Broken => "broken",
            TlsFailure::Protocol => "protocol",
        }
    }
}

#[derive(Default)]
pub struct Counters {
    pub datagrams_in: Counter,
    pub datagrams_out: Counter,
    pub datagram_bytes_in: Counter,
    pub datagram_bytes_out: Counter,
    pub stream_messages_in: Counter,
    pub stream_messages_out: Counter,
    pub keepalives: Counter,
    /// Datagrams and connections of banned sources, dropped unread.
    pub banned_drops: Counter,
    /// Datagrams that the system did not take: its send buffer was full.
    pub send_drops: Counter,
    pub undeliverable: Counter,
    pub connections_opened: Counter,
    pub connections_closed: Counter,
    /// Connections refused at a limit, of all or of one source.
    pub connections_refused: Counter,
    /// Connections that gave way, or ran out of time, before their first message.
    pub half_open_closed: Counter,
    pub queue_overflows: Counter,
    pub websocket_refusals: Counter,
    tls_failures: [Counter; 8],
}

impl Counters {
    pub fn tls_failure(&self, failure: TlsFailure) -> &Counter {
        &self.tls_failures[TlsFailure::ALL.iter().position(|one| *one == failure).unwrap_or(0)]
    }

    pub fn connections_open(&self) -> u64 {
        self.connections_opened.read().saturating_sub(self.connections_closed.read())
    }

    /// Datagrams and messages on streams, also those that were dropped.
    pub fn messages_in(&self) -> u64 {
        self.datagrams_in.read() + self.stream_messages_in.read()
    }
}
