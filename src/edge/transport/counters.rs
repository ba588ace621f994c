//! What passed the sockets, counted. Never decides anything.

use crate::protocol::sip::message::ParseError;
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
    malformed: [Counter; ParseError::ALL.len()],
    tls_failures: [Counter; 8],
}

/// One number as metrics want it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    pub name: &'static str,
    /// Label name and value.
    pub label: Option<(&'static str, &'static str)>,
    pub value: u64,
}

impl Counters {
    pub fn malformed(&self, error: ParseError) -> &Counter {
        &self.malformed[ParseError::ALL.iter().position(|one| *one == error).unwrap_or(0)]
    }

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

    /// Every counter, for export; the names lack the daemon's prefix.
    pub fn readings(&self) -> Vec<Reading> {
        let plain = [
            ("sip_datagrams_in", &self.datagrams_in),
            ("sip_datagrams_out", &self.datagrams_out),
            ("sip_datagram_bytes_in", &self.datagram_bytes_in),
            ("sip_datagram_bytes_out", &self.datagram_bytes_out),
            ("sip_stream_messages_in", &self.stream_messages_in),
            ("sip_stream_messages_out", &self.stream_messages_out),
            ("sip_keepalives", &self.keepalives),
            ("sip_banned_drops", &self.banned_drops),
            ("sip_send_drops", &self.send_drops),
            ("sip_undeliverable", &self.undeliverable),
            ("sip_connections_opened", &self.connections_opened),
            ("sip_connections_closed", &self.connections_closed),
            ("sip_connections_refused", &self.connections_refused),
            ("sip_half_open_closed", &self.half_open_closed),
            ("sip_queue_overflows", &self.queue_overflows),
            ("sip_websocket_refusals", &self.websocket_refusals),
        ];
        let mut readings: Vec<Reading> =
            plain.iter().map(|(name, counter)| Reading { name, label: None, value: counter.read() }).collect();
        readings.extend(ParseError::ALL.map(|error| Reading {
            name: "sip_malformed",
            label: Some(("error", error.name())),
            value: self.malformed(error).read(),
        }));
        readings.extend(TlsFailure::ALL.map(|failure| Reading {
            name: "sip_tls_failures",
            label: Some(("kind", failure.name())),
            value: self.tls_failure(failure).read(),
        }));
        readings
    }
}
