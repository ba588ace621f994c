//! What a machine gets for one step: the time, the timer values, and where its outputs go. Decides nothing.

use super::set::{TimerValues, TransactionOutput};
use crate::protocol::sip::path::{Outgoing, Target};
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

pub(super) struct Turn<'a> {
    pub now: Instant,
    pub timers: TimerValues,
    /// The number of the transaction; also the token of what it sends.
    pub id: u32,
    pub out: &'a mut VecDeque<TransactionOutput>,
}

impl Turn<'_> {
    pub fn send(&mut self, target: &Target, bytes: &Bytes) {
        if !bytes.is_empty() {
            self.out.push_back(TransactionOutput::Send(Outgoing {
                target: target.clone(),
                token: self.id,
                bytes: bytes.clone(),
            }));
        }
    }

    pub fn emit(&mut self, output: TransactionOutput) {
        self.out.push_back(output);
    }

    /// 64*T1: timers B, F, H, J, L and M, and D over UDP.
    pub fn after_patience(&self) -> Instant {
        self.now + self.timers.t1 * 64
    }
}

/// When a message goes out again: first after T1, then doubling (RFC 3261 17.1.1.2, 17.1.2.2, 17.2.1, 13.3.1.4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Repeat {
    pub when: Instant,
    interval: Duration,
}

impl Repeat {
    pub fn first(turn: &Turn<'_>) -> Repeat {
        Repeat { when: turn.now + turn.timers.t1, interval: turn.timers.t1 }
    }

    /// Timer E once a provisional response has come: every T2.
    pub fn slow(turn: &Turn<'_>) -> Repeat {
        Repeat { when: turn.now + turn.timers.t2, interval: turn.timers.t2 }
    }

    pub fn is_due(&self, turn: &Turn<'_>) -> bool {
        self.when <= turn.now
    }

    pub fn next(self, turn: &Turn<'_>, max: Duration) -> Repeat {
        let interval = (self.interval * 2).min(max);
        Repeat { when: turn.now + interval, interval }
    }
}
