//! What the sockets have counted, as rows of the table. Counts nothing itself.

use super::{Reading, table};
use crate::edge::transport::counters::{Counters, TlsFailure};

impl Reading {
    /// Every counter of the transports.
    pub fn of_transports(counters: &Counters) -> Vec<Reading> {
        let opened = counters.connections_opened.read();
        let closed = counters.connections_closed.read();
        let mut readings = vec![
            Reading::count(table::DATAGRAMS, &["in"], counters.datagrams_in.read()),
            Reading::count(table::DATAGRAMS, &["out"], counters.datagrams_out.read()),
            Reading::count(table::BYTES, &["in"], counters.datagram_bytes_in.read()),
            Reading::count(table::BYTES, &["out"], counters.datagram_bytes_out.read()),
            Reading::count(table::KEEPALIVES, &[], counters.keepalives.read()),
            Reading::count(table::SEND_DROPS, &[], counters.send_drops.read()),
            Reading::count(table::BANNED_DROPS, &[], counters.banned_drops.read()),
            Reading::count(table::UNDELIVERABLE, &[], counters.undeliverable.read()),
            Reading::count(table::QUEUE_OVERFLOWS, &[], counters.queue_overflows.read()),
            Reading::count(table::CONNECTIONS, &[], opened.saturating_sub(closed)),
            Reading::count(table::CONNECTIONS_OPENED, &[], opened),
            Reading::count(table::CONNECTIONS_CLOSED, &[], closed),
            Reading::count(table::CONNECTIONS_REFUSED, &["limit"], counters.connections_refused.read()),
            Reading::count(table::CONNECTIONS_REFUSED, &["half-open"], counters.half_open_closed.read()),
            Reading::count(table::CONNECTIONS_REFUSED, &["websocket"], counters.websocket_refusals.read()),
        ];
        readings.extend(TlsFailure::ALL.map(|failure| {
            Reading::count(table::TLS_FAILURES, &[failure.name()], counters.tls_failure(failure).read())
        }));
        readings
    }
}
