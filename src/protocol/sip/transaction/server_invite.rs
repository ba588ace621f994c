//! INVITE as server (RFC 3261 17.2.1, 13.3.1.4, RFC 6026 7.1): repeats what it answered until it is acknowledged.

use super::key::Key;
use super::set::{ServerKey, TransactionOutput};
use super::turn::{Repeat, Turn};
use crate::base::limits;
use crate::base::now::earliest;
use crate::protocol::sip::message::Message;
use crate::protocol::sip::path::Target;
use bytes::Bytes;
use std::time::Instant;

#[derive(Clone, Debug)]
pub(super) struct ServerInvite {
    pub key: Key,
    /// By which the ACK of a 2xx is found.
    pub acknowledgement_key: Option<Key>,
    target: Target,
    second_target: Option<Box<Target>>,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Proceeding {
        provisional: Bytes,
        cancelled: bool,
        when_give_up: Instant,
        /// RFC 3261 13.3.1.1: a provisional response again each minute, so that no proxy gives up.
        when_remind: Option<Instant>,
    },
    Completed {
        response: Bytes,
        /// Timer G.
        repeat: Option<Repeat>,
        /// Timer H.
        when_give_up: Instant,
    },
    Confirmed {
        /// Timer I.
        when_done: Instant,
    },
    Accepted {
        response: Bytes,
        /// `None` once it is acknowledged.
        repeat: Option<Repeat>,
        /// Timer L.
        when_done: Instant,
    },
    Ended,
}

impl ServerInvite {
    pub fn new(
        turn: &Turn<'_>,
        key: Key,
        acknowledgement_key: Option<Key>,
        target: Target,
        second_target: Option<Box<Target>>,
    ) -> ServerInvite {
        let state = State::Proceeding {
            provisional: Bytes::new(),
            cancelled: false,
            when_give_up: turn.after_patience(),
            when_remind: None,
        };
        ServerInvite { key, acknowledgement_key, target, second_target, state }
    }

    /// The same INVITE again: the last response again. In Accepted only the 2xx's own timer repeats it (RFC 6026 7.1).
    pub fn on_retransmission(&self, turn: &mut Turn<'_>) {
        match &self.state {
            State::Proceeding { provisional: response, .. } | State::Completed { response, .. } => {
                turn.send(&self.target, response);
            }
            State::Confirmed { .. } | State::Accepted { .. } | State::Ended => {}
        }
    }

    pub fn on_respond(&mut self, turn: &mut Turn<'_>, status: u16, bytes: Bytes) {
        let State::Proceeding { provisional, when_give_up, when_remind, .. } = &mut self.state else { return };
        turn.send(&self.target, &bytes);
        match status {
            ..200 => {
                *provisional = bytes;
                *when_give_up = turn.now + limits::INVITE_PENDING_MAX;
                *when_remind = (status > 100).then(|| turn.now + limits::PROVISIONAL_EVERY);
            }
            200..300 => {
                let repeat = Some(Repeat::first(turn));
                self.state = State::Accepted { response: bytes, repeat, when_done: turn.after_patience() };
            }
            300.. => {
                let repeat = (!self.target.path.transport.is_reliable()).then(|| Repeat::first(turn));
                self.state = State::Completed { response: bytes, repeat, when_give_up: turn.after_patience() };
            }
        }
    }

    /// Whether this CANCEL is news to the owner: not after a final response (RFC 3261 9.2), and not twice.
    pub fn on_cancel(&mut self) -> bool {
        match &mut self.state {
            State::Proceeding { cancelled, .. } => !std::mem::replace(cancelled, true),
            _ => false,
        }
    }

    /// An ACK of this INVITE, by branch or by dialog. It is passed up only for a 2xx, and once.
    pub fn on_acknowledge(&mut self, turn: &mut Turn<'_>, message: Box<Message>) {
        match &mut self.state {
            State::Accepted { response, repeat: repeat @ Some(_), .. } => {
                *repeat = None;
                *response = Bytes::new();
                turn.emit(TransactionOutput::Acknowledged { server: ServerKey(turn.id), message });
            }
            State::Completed { .. } if self.target.path.transport.is_reliable() => self.state = State::Ended,
            State::Completed { .. } => self.state = State::Confirmed { when_done: turn.now + turn.timers.t4 },
            _ => {}
        }
    }

    /// The connection that the INVITE came on is gone: a new one, once (RFC 3261 18.2.2). Else the timers decide.
    pub fn on_undeliverable(&mut self, turn: &mut Turn<'_>) {
        let Some(second) = self.second_target.take() else { return };
        self.target = *second;
        match &self.state {
            State::Proceeding { provisional: response, .. }
            | State::Completed { response, .. }
            | State::Accepted { response, .. } => turn.send(&self.target, response),
            State::Confirmed { .. } | State::Ended => {}
        }
    }

    pub fn on_deadline(&mut self, turn: &mut Turn<'_>) {
        match &mut self.state {
            State::Proceeding { when_give_up: when, .. }
            | State::Completed { when_give_up: when, .. }
            | State::Confirmed { when_done: when }
            | State::Accepted { repeat: None, when_done: when, .. }
                if *when <= turn.now =>
            {
                self.state = State::Ended;
            }
            State::Accepted { when_done, .. } if *when_done <= turn.now => {
                self.state = State::Ended;
                turn.emit(TransactionOutput::Unacknowledged { server: ServerKey(turn.id) });
            }
            State::Proceeding { provisional, when_remind: Some(when), .. } if *when <= turn.now => {
                *when = turn.now + limits::PROVISIONAL_EVERY;
                turn.send(&self.target, provisional);
            }
            State::Completed { response, repeat: Some(repeat), .. }
            | State::Accepted { response, repeat: Some(repeat), .. }
                if repeat.is_due(turn) =>
            {
                *repeat = repeat.next(turn, turn.timers.t2);
                turn.send(&self.target, response);
            }
            _ => {}
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Proceeding { when_give_up, when_remind, .. } => earliest(*when_remind, Some(*when_give_up)),
            State::Completed { repeat, when_give_up: when, .. } | State::Accepted { repeat, when_done: when, .. } => {
                earliest(repeat.map(|r| r.when), Some(*when))
            }
            State::Confirmed { when_done } => Some(*when_done),
            State::Ended => None,
        }
    }

    /// The last response, from which the tag for the answer to a CANCEL is taken (RFC 3261 9.2).
    pub fn last_response(&self) -> &[u8] {
        match &self.state {
            State::Proceeding { provisional: response, .. }
            | State::Completed { response, .. }
            | State::Accepted { response, .. } => response,
            State::Confirmed { .. } | State::Ended => &[],
        }
    }

    pub fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }
}
