//! Carries what arrives to its owner: a call's inbox or the switchboard's. Decides nothing beyond whose it is.

use crate::base::id::CallId;
use crate::domain::call::interface::CallInput;
use crate::domain::switchboard::interface::SwitchboardInput;
use crate::domain::switchboard::owner::{self, Owner};
use crate::edge::metrics::{Direction, Inbox, Metrics};
use crate::edge::transport::Sink;
use crate::protocol::sip::message::{Message, Method, ParseError};
use crate::protocol::sip::path::Path;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// The way into one call: the inbox carries pointers, because tokio allocates its slots in blocks.
pub type CallInbox = mpsc::Sender<Box<CallInput>>;

/// What the switchboard's task waits for.
pub enum DeskInput {
    Exchange(SwitchboardInput),
    /// An operator's question, answered between two inputs.
    Ask(Question),
}

/// Runs with the switchboard at rest; sends its own answer.
pub type Question = Box<dyn FnOnce(&crate::domain::switchboard::Switchboard) + Send>;

/// The only concurrent maps of the daemon, and the switchboard's inbox.
pub struct Dispatch {
    calls: DashMap<CallId, CallInbox>,
    invites: DashMap<String, CallId>,
    desk: mpsc::Sender<Box<DeskInput>>,
    metrics: Metrics,
}

impl Dispatch {
    pub fn new(desk: mpsc::Sender<Box<DeskInput>>, metrics: Metrics) -> Dispatch {
        Dispatch { calls: DashMap::new(), invites: DashMap::new(), desk, metrics }
    }

    /// From now on what belongs to this call goes to its inbox.
    pub fn enter(&self, call: CallId, invite_key: String, inbox: CallInbox) {
        self.calls.insert(call, inbox);
        self.invites.insert(invite_key, call);
    }

    pub fn leave(&self, call: CallId, invite_key: &str) {
        self.calls.remove(&call);
        if let Entry::Occupied(entry) = self.invites.entry(invite_key.to_owned())
            && *entry.get() == call
        {
            entry.remove();
        }
    }

    /// Whether this request belongs to a call that began after the request was put into the switchboard's inbox.
    pub fn claimed(&self, message: &Message) -> Option<CallId> {
        match owner::owner(message) {
            Owner::InviteKey(key) => self.invites.get(&key).map(|entry| *entry.value()),
            Owner::Call(_) | Owner::Switchboard => None,
        }
    }

    /// Puts an input into a call's inbox; gives it back when there is no such call.
    pub fn to_call(&self, call: CallId, input: Box<CallInput>) -> Result<(), Box<CallInput>> {
        let Some(inbox) = self.calls.get(&call) else { return Err(input) };
        match inbox.try_send(input) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => {
                self.metrics.inbox_overflow(Inbox::Call);
                Ok(())
            }
            Err(TrySendError::Closed(input)) => Err(input),
        }
    }

    /// Never waits: a full inbox loses the input, counts it and says so. SIP retransmits, and the overload control has
    /// refused new calls long before.
    pub fn to_desk(&self, input: SwitchboardInput) -> bool {
        let sent = self.desk.try_send(Box::new(DeskInput::Exchange(input))).is_ok();
        if !sent {
            self.metrics.inbox_overflow(Inbox::Switchboard);
        }
        sent
    }

    /// Waits for room: for what must not be lost, such as the end of a call.
    pub async fn to_desk_surely(&self, input: SwitchboardInput) {
        if self.desk.send(Box::new(DeskInput::Exchange(input))).await.is_err() {
            tracing::debug!("the switchboard has ended");
        }
    }

    /// Asks the switchboard something and waits for the answer; `None` when it has ended.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&crate::domain::switchboard::Switchboard) -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let question: Question = Box::new(move |switchboard| drop(answer.send(question(switchboard))));
        self.desk.send(Box::new(DeskInput::Ask(question))).await.ok()?;
        answered.await.ok()
    }
}

impl Sink for Dispatch {
    fn message(&self, from: Path, tls_names: &Arc<[Box<str>]>, message: Box<Message>) {
        self.metrics.message(Direction::In, from.transport, &message);
        let call = match owner::owner(&message) {
            Owner::Call(call) => Some(call),
            Owner::InviteKey(key) => self.invites.get(&key).map(|entry| *entry.value()),
            Owner::Switchboard => None,
        };
        let message = match call {
            None => message,
            Some(call) => match self.to_call(call, Box::new(CallInput::Sip { from, message })) {
                Ok(()) => return,
                Err(input) => match *input {
                    CallInput::Sip { message, .. } => message,
                    _ => return,
                },
            },
        };
        // A response or ACK whose call is gone interests nobody (RFC 3261 17.1.1.2, 17.2.1).
        if call.is_none() || (message.is_request() && message.method() != Method::Ack) {
            self.to_desk(SwitchboardInput::Sip { from, tls_names: tls_names.clone(), message });
        }
    }

    fn undeliverable(&self, owner: CallId, token: u32) {
        if owner == CallId::SWITCHBOARD {
            self.to_desk(SwitchboardInput::Undeliverable { token });
        } else if self.to_call(owner, Box::new(CallInput::Undeliverable { token })).is_err() {
            tracing::trace!("an undeliverable message belonged to a call that has ended");
        }
    }

    fn closed(&self, path: Path) {
        self.to_desk(SwitchboardInput::ConnectionClosed { path });
    }

    fn malformed(&self, from: Path, error: ParseError) {
        self.metrics.malformed(from.transport, error);
    }
}
