//! Every other request as client (RFC 3261 17.1.2). Passes each final response up once.

use super::key::Key;
use super::set::{ClientKey, TransactionOutput};
use super::turn::{Repeat, Turn};
use crate::base::now::earliest;
use crate::protocol::sip::message::Message;
use crate::protocol::sip::path::{Path, Target};
use bytes::Bytes;
use std::time::{Duration, Instant};

#[derive(Clone, Debug)]
pub(super) struct ClientOther {
    pub key: Key,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Pending(Pending),
    Completed {
        /// Timer K.
        when_done: Instant,
    },
    Ended,
}

/// Trying or Proceeding.
#[derive(Clone, Debug)]
struct Pending {
    target: Target,
    request: Bytes,
    /// Timer E.
    repeat: Option<Repeat>,
    /// Timer F.
    when_give_up: Instant,
    /// Earlier than timer F, for as long as nothing at all has come.
    when_silent: Option<Instant>,
    proceeding: bool,
}

impl ClientOther {
    pub fn start(
        turn: &mut Turn<'_>,
        key: Key,
        target: Target,
        request: Bytes,
        no_response: Option<Duration>,
    ) -> ClientOther {
        turn.send(&target, &request);
        let repeat = (!target.path.transport.is_reliable()).then(|| Repeat::first(turn));
        let when_silent = no_response.map(|patience| turn.now + patience);
        let when_give_up = turn.after_patience();
        let pending = Pending { target, request, repeat, when_give_up, when_silent, proceeding: false };
        ClientOther { key, state: State::Pending(pending) }
    }

    pub fn on_response(&mut self, turn: &mut Turn<'_>, from: Path, message: Box<Message>) {
        let State::Pending(pending) = &mut self.state else { return };
        if message.status() >= 200 {
            let reliable = pending.target.path.transport.is_reliable();
            self.state = match reliable {
                true => State::Ended,
                false => State::Completed { when_done: turn.now + turn.timers.t4 },
            };
        } else if !pending.proceeding {
            pending.proceeding = true;
            pending.when_silent = None;
            pending.repeat = pending.repeat.map(|_| Repeat::slow(turn));
        }
        turn.emit(TransactionOutput::Response { client: ClientKey(turn.id), from, message });
    }

    /// Once the peer has answered anything, the request evidently arrived.
    pub fn on_undeliverable(&mut self, turn: &mut Turn<'_>) {
        if let State::Pending(Pending { proceeding: false, .. }) = self.state {
            self.state = State::Ended;
            turn.emit(TransactionOutput::Unreachable { client: ClientKey(turn.id) });
        }
    }

    pub fn on_deadline(&mut self, turn: &mut Turn<'_>) {
        match &mut self.state {
            State::Pending(pending) if pending.when_over() <= turn.now => {
                self.state = State::Ended;
                turn.emit(TransactionOutput::TimedOut { client: ClientKey(turn.id) });
            }
            State::Pending(Pending { target, request, repeat: Some(repeat), .. }) if repeat.is_due(turn) => {
                turn.send(target, request);
                *repeat = repeat.next(turn, turn.timers.t2);
            }
            State::Completed { when_done } if *when_done <= turn.now => self.state = State::Ended,
            _ => {}
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Pending(pending) => earliest(pending.repeat.map(|r| r.when), Some(pending.when_over())),
            State::Completed { when_done } => Some(*when_done),
            State::Ended => None,
        }
    }

    pub fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }
}

impl Pending {
    fn when_over(&self) -> Instant {
        self.when_silent.map_or(self.when_give_up, |silent| silent.min(self.when_give_up))
    }
}
