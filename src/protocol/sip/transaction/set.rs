//! All transactions of one owner (a call, or the switchboard): matches what arrives, retransmits, times out.
//!
//! It absorbs retransmissions, answers CANCEL, acknowledges non-2xx finals and retransmits 2xx by itself, so that its owner
//! sees each thing once.

use crate::base::now::Now;
use crate::protocol::sip::message::{Message, Method};
use crate::protocol::sip::path::{Outgoing, Path, Target};
use bytes::Bytes;
use std::time::{Duration, Instant};

/// One client transaction of this owner. The number also stands in its branch (see `stamp::branch`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ClientKey(pub u32);

/// One server transaction of this owner.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ServerKey(pub u32);

/// RFC 3261 section 17 base timers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TimerValues {
    pub t1: Duration,
    pub t2: Duration,
    pub t4: Duration,
}

#[derive(PartialEq, Debug)]
pub enum TransactionOutput {
    Send(Outgoing),
    /// A request that is new to us (neither retransmission nor ACK nor CANCEL). Answer it with `respond`.
    Request {
        server: ServerKey,
        from: Path,
        message: Box<Message>,
    },
    /// The INVITE that this server transaction holds was cancelled; the CANCEL has its 200 already. Answer the INVITE with 487.
    Cancelled {
        server: ServerKey,
        message: Box<Message>,
    },
    /// The ACK of a 2xx that we sent: retransmission has stopped.
    Acknowledged {
        server: ServerKey,
        message: Box<Message>,
    },
    /// An ACK that belongs to no server transaction.
    StrayAck {
        from: Path,
        message: Box<Message>,
    },
    /// A response to a request of ours, each once; for INVITE also every further 2xx with another To tag (fork).
    Response {
        client: ClientKey,
        from: Path,
        message: Box<Message>,
    },
    /// No final response within timer B or F (or none at all within `no_response`, see `request`).
    TimedOut {
        client: ClientKey,
    },
    /// The edge could not deliver the request.
    Unreachable {
        client: ClientKey,
    },
    /// Our 2xx was never acknowledged within 64*T1 (timer H for a non-2xx is silent: RFC 3261 17.2.1).
    Unacknowledged {
        server: ServerKey,
    },
}

/// A request as it goes out for the first time.
pub struct ClientRequest {
    pub method: Method,
    pub target: Target,
    /// The branch that stands in its Via.
    pub branch: Box<str>,
    pub bytes: Bytes,
    /// Give up when nothing at all, not even 100, came within this time; timer B or F where absent.
    pub no_response: Option<Duration>,
}

/// The set. Not a `Machine` by trait, because it has several inputs; the contract is the same.
pub struct Transactions {}

#[allow(unused_variables, clippy::new_without_default)]
impl Transactions {
    pub fn new(timers: TimerValues, entries_max: usize) -> Transactions {
        todo!()
    }

    /// Whatever arrived for this owner.
    pub fn receive(&mut self, now: Now, from: Path, message: Box<Message>) {
        todo!()
    }

    /// The number for the branch of the next request: build the bytes with it, then call `request`.
    pub fn next_key(&mut self) -> ClientKey {
        todo!()
    }
    /// Starts a client transaction (not for ACK).
    pub fn request(&mut self, now: Now, key: ClientKey, request: ClientRequest) {
        todo!()
    }
    /// Sends something that has no transaction: the ACK of a 2xx. It is sent again for each retransmission of that 2xx
    /// (same To tag) that the INVITE's client transaction sees.
    pub fn acknowledge(&mut self, now: Now, invite: ClientKey, to_tag: &str, target: Target, ack: Bytes) {
        todo!()
    }
    /// Answers a request; provisional and final. A 2xx to INVITE is retransmitted until acknowledged.
    pub fn respond(&mut self, now: Now, server: ServerKey, status: u16, bytes: Bytes) {
        todo!()
    }
    /// The edge could not deliver what carried this token.
    pub fn undeliverable(&mut self, now: Now, token: u32) {
        todo!()
    }

    pub fn handle_deadline(&mut self, now: Now) {
        todo!()
    }
    #[must_use]
    pub fn poll_output(&mut self) -> Option<TransactionOutput> {
        todo!()
    }
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        todo!()
    }
    /// Nothing left, not even lingering entries.
    pub fn is_empty(&self) -> bool {
        todo!()
    }
    pub fn len(&self) -> usize {
        todo!()
    }
}
