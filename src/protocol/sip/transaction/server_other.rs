//! Every other request as server (RFC 3261 17.2.2): answers retransmissions by itself.

use super::key::Key;
use super::turn::Turn;
use crate::protocol::sip::path::Target;
use bytes::Bytes;
use std::time::Instant;

#[derive(Clone, Debug)]
pub(super) struct ServerOther {
    pub key: Key,
    target: Target,
    second_target: Option<Box<Target>>,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    /// Trying while `response` is empty, then Proceeding. An answer after 64*T1 would find nobody (RFC 4320 3).
    Pending {
        response: Bytes,
        when_give_up: Instant,
    },
    Completed {
        response: Bytes,
        /// Timer J.
        when_done: Instant,
    },
    Ended,
}

impl ServerOther {
    pub fn new(turn: &Turn<'_>, key: Key, target: Target, second_target: Option<Box<Target>>) -> ServerOther {
        let state = State::Pending { response: Bytes::new(), when_give_up: turn.after_patience() };
        ServerOther { key, target, second_target, state }
    }

    pub fn on_retransmission(&self, turn: &mut Turn<'_>) {
        if let State::Pending { response, .. } | State::Completed { response, .. } = &self.state {
            turn.send(&self.target, response);
        }
    }

    pub fn on_respond(&mut self, turn: &mut Turn<'_>, status: u16, bytes: Bytes) {
        let State::Pending { response, .. } = &mut self.state else { return };
        turn.send(&self.target, &bytes);
        if status < 200 {
            *response = bytes;
            return;
        }
        // Over a stream nothing is retransmitted, but the response may still have to go over a second connection.
        self.state = match (self.target.path.transport.is_reliable(), &self.second_target) {
            (true, None) => State::Ended,
            (true, Some(_)) => State::Completed { response: bytes, when_done: turn.now + turn.timers.t4 },
            (false, _) => State::Completed { response: bytes, when_done: turn.after_patience() },
        };
    }

    /// The connection that the request came on is gone: a new one, once (RFC 3261 18.2.2).
    pub fn on_undeliverable(&mut self, turn: &mut Turn<'_>) {
        let Some(second) = self.second_target.take() else { return };
        self.target = *second;
        self.on_retransmission(turn);
    }

    pub fn on_deadline(&mut self, turn: &Turn<'_>) {
        if self.deadline().is_some_and(|when| when <= turn.now) {
            self.state = State::Ended;
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Pending { when_give_up: when, .. } | State::Completed { when_done: when, .. } => Some(*when),
            State::Ended => None,
        }
    }

    /// It only waits for retransmissions.
    pub fn is_answered(&self) -> bool {
        matches!(self.state, State::Completed { .. })
    }

    pub fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }
}
