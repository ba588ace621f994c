//! INVITE as client (RFC 3261 17.1.1, RFC 6026 8.4): retransmits, acknowledges refusals, tells forks apart. Never builds a 2xx's ACK.

use super::key::Key;
use super::set::{ClientKey, TransactionOutput};
use super::turn::{Repeat, Turn};
use crate::base::limits;
use crate::base::now::earliest;
use crate::protocol::sip::message::{HeaderName, Message, Writer};
use crate::protocol::sip::path::{Path, Target};
use bytes::Bytes;
use std::time::{Duration, Instant};

#[derive(Clone, Debug)]
pub(super) struct ClientInvite {
    pub key: Key,
    target: Target,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Calling {
        request: Bytes,
        /// Timer A.
        repeat: Option<Repeat>,
        /// Before timer B, if at all.
        when_silent: Option<Instant>,
        /// Timer B.
        when_give_up: Instant,
    },
    Proceeding {
        request: Bytes,
        cancelled: bool,
        when_give_up: Instant,
    },
    Completed {
        acknowledgement: Bytes,
        /// Timer D.
        when_done: Instant,
    },
    Accepted {
        forks: Vec<Fork>,
        /// Timer M.
        when_done: Instant,
    },
    Ended,
}

/// One answer of a forked INVITE.
#[derive(Clone, Debug)]
struct Fork {
    tag: Box<str>,
    acknowledgement: Option<Box<(Target, Bytes)>>,
}

impl ClientInvite {
    pub fn start(
        turn: &mut Turn<'_>,
        key: Key,
        target: Target,
        request: Bytes,
        no_response: Option<Duration>,
    ) -> ClientInvite {
        turn.send(&target, &request);
        let repeat = (!target.path.transport.is_reliable()).then(|| Repeat::first(turn));
        let when_give_up = turn.after_patience();
        let when_silent = no_response.map(|patience| turn.now + patience).filter(|when| *when < when_give_up);
        ClientInvite { key, target, state: State::Calling { request, repeat, when_silent, when_give_up } }
    }

    pub fn on_response(&mut self, turn: &mut Turn<'_>, from: Path, message: Box<Message>) {
        let (state, passes) = match std::mem::replace(&mut self.state, State::Ended) {
            State::Calling { request, .. } => self.first_or_later(turn, request, false, None, &message),
            State::Proceeding { request, cancelled, when_give_up } => {
                self.first_or_later(turn, request, cancelled, Some(when_give_up), &message)
            }
            State::Completed { acknowledgement, when_done } => {
                if message.status() >= 300 {
                    turn.send(&self.target, &acknowledgement);
                }
                (State::Completed { acknowledgement, when_done }, false)
            }
            State::Accepted { forks, when_done } => Self::in_accepted(turn, forks, when_done, &message),
            State::Ended => (State::Ended, false),
        };
        self.state = state;
        if passes {
            turn.emit(TransactionOutput::Response { client: ClientKey(turn.id), from, message });
        }
    }

    fn first_or_later(
        &self,
        turn: &mut Turn<'_>,
        request: Bytes,
        cancelled: bool,
        when_give_up: Option<Instant>,
        message: &Message,
    ) -> (State, bool) {
        match message.status() {
            ..200 => {
                // RFC 3261 9.1: after CANCEL nothing prolongs the wait.
                let late = turn.now + limits::INVITE_PENDING_MAX;
                let when_give_up = when_give_up.filter(|_| cancelled).unwrap_or(late);
                (State::Proceeding { request, cancelled, when_give_up }, true)
            }
            200..300 => {
                let fork = Fork { tag: message.to_tag().unwrap_or_default().into(), acknowledgement: None };
                (State::Accepted { forks: vec![fork], when_done: turn.after_patience() }, true)
            }
            300.. => {
                let acknowledgement = acknowledgement(&request, message).unwrap_or_default();
                turn.send(&self.target, &acknowledgement);
                if self.target.path.transport.is_reliable() {
                    return (State::Ended, true);
                }
                (State::Completed { acknowledgement, when_done: turn.after_patience() }, true)
            }
        }
    }

    fn in_accepted(turn: &mut Turn<'_>, mut forks: Vec<Fork>, when_done: Instant, message: &Message) -> (State, bool) {
        let mut passes = false;
        if (200..300).contains(&message.status()) {
            let tag = message.to_tag().unwrap_or_default();
            match forks.iter().find(|fork| *fork.tag == *tag) {
                Some(Fork { acknowledgement: Some(sent), .. }) => turn.send(&sent.0, &sent.1),
                Some(_) => {}
                None if forks.len() < limits::FORKS_MAX => {
                    forks.push(Fork { tag: tag.into(), acknowledgement: None });
                    passes = true;
                }
                None => {}
            }
        }
        (State::Accepted { forks, when_done }, passes)
    }

    /// Keeps the ACK of one fork's 2xx, for the retransmissions of that 2xx.
    pub fn on_acknowledge(&mut self, to_tag: &str, target: Target, bytes: Bytes) {
        if let State::Accepted { forks, .. } = &mut self.state
            && let Some(fork) = forks.iter_mut().find(|fork| *fork.tag == *to_tag)
        {
            fork.acknowledgement = Some(Box::new((target, bytes)));
        }
    }

    /// A CANCEL went out: without a final response within 64*T1 the INVITE is over (RFC 3261 9.1).
    pub fn on_cancel(&mut self, turn: &Turn<'_>) {
        if let State::Proceeding { cancelled, when_give_up, .. } = &mut self.state
            && !*cancelled
        {
            *cancelled = true;
            *when_give_up = turn.after_patience();
        }
    }

    /// Once the peer has answered anything, the request evidently arrived.
    pub fn on_undeliverable(&mut self, turn: &mut Turn<'_>) {
        if let State::Calling { .. } = self.state {
            self.state = State::Ended;
            turn.emit(TransactionOutput::Unreachable { client: ClientKey(turn.id) });
        }
    }

    pub fn on_deadline(&mut self, turn: &mut Turn<'_>) {
        match &mut self.state {
            State::Calling { when_give_up, .. } | State::Proceeding { when_give_up, .. }
                if *when_give_up <= turn.now =>
            {
                self.state = State::Ended;
                turn.emit(TransactionOutput::TimedOut { client: ClientKey(turn.id) });
            }
            State::Calling { repeat, when_silent, .. } if when_silent.is_some_and(|when| when <= turn.now) => {
                (*repeat, *when_silent) = (None, None);
                turn.emit(TransactionOutput::Silent { client: ClientKey(turn.id) });
            }
            State::Calling { request, repeat: Some(repeat), .. } if repeat.is_due(turn) => {
                turn.send(&self.target, request);
                *repeat = repeat.next(turn, Duration::MAX);
            }
            State::Completed { when_done, .. } | State::Accepted { when_done, .. } if *when_done <= turn.now => {
                self.state = State::Ended;
            }
            _ => {}
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Calling { repeat, when_silent, when_give_up, .. } => {
                earliest(earliest(repeat.map(|r| r.when), *when_silent), Some(*when_give_up))
            }
            State::Proceeding { when_give_up, .. } => Some(*when_give_up),
            State::Completed { when_done, .. } | State::Accepted { when_done, .. } => Some(*when_done),
            State::Ended => None,
        }
    }

    pub fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }
}

/// The ACK of a non-2xx final response (RFC 3261 17.1.1.3): the request's own URI, top Via, From, Call-ID, CSeq number and
/// Route, and the To of the response.
fn acknowledgement(request: &Bytes, response: &Message) -> Option<Bytes> {
    let request = Message::parse(request).ok()?;
    let mut ack = Writer::request("ACK", request.uri_text());
    ack.header(HeaderName::Via, request.values(HeaderName::Via).next()?);
    ack.copy(&request, HeaderName::Route);
    ack.header(HeaderName::MaxForwards, 70);
    ack.copy(&request, HeaderName::From);
    ack.header(HeaderName::To, response.get(HeaderName::To)?);
    ack.copy(&request, HeaderName::CallId);
    ack.header(HeaderName::CSeq, format_args!("{} ACK", request.cseq().ok()?.number));
    Some(ack.finish())
}
