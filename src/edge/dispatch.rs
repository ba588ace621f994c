//! Carries what arrives to its owner: a call's inbox or the switchboard's. Decides nothing beyond whose it is.

use crate::base::id::CallId;
use crate::domain::call::interface::CallInput;
use crate::domain::switchboard::interface::SwitchboardInput;
use crate::domain::switchboard::owner::{self, InviteKey, Owner};
use crate::edge::clock;
use crate::edge::inbox::{CallInbox, Put};
use crate::edge::journal::Journal;
use crate::edge::metrics::{Direction, Inbox, Metrics};
use crate::edge::transport::Sink;
use crate::protocol::sip::message::{Message, Method, ParseError};
use crate::protocol::sip::path::Path;
use crate::protocol::sip::stamp;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// What the switchboard's task waits for.
pub enum DeskInput {
    Exchange(SwitchboardInput),
    /// An operator's question, answered between two inputs.
    Ask(Question),
    /// An operator's order, done between two inputs.
    Change(Order),
}

/// So few inputs waiting mean nothing.
const DESK_IS_QUIET: usize = 64;

/// Runs with the switchboard at rest; sends its own answer.
pub type Question = Box<dyn FnOnce(&crate::domain::switchboard::Switchboard) + Send>;

/// As a question, for what changes something.
pub type Order = Box<dyn FnOnce(&mut crate::domain::switchboard::Switchboard) + Send>;

/// The only concurrent maps of the daemon, and the switchboard's inbox.
pub struct Dispatch {
    calls: DashMap<CallId, CallInbox>,
    invites: DashMap<InviteKey, CallId>,
    /// Who has the leg of a call that has ended: its peer goes on writing the old call's tag.
    heirs: DashMap<CallId, CallId>,
    desk: mpsc::Sender<Box<DeskInput>>,
    metrics: Metrics,
    /// Records of one round of datagrams are written together.
    journal: Option<Journal>,
}

impl Dispatch {
    pub fn new(desk: mpsc::Sender<Box<DeskInput>>, metrics: Metrics) -> Dispatch {
        let (calls, invites, heirs) = (DashMap::new(), DashMap::new(), DashMap::new());
        Dispatch { calls, invites, heirs, desk, metrics, journal: None }
    }

    pub fn with_journal(self, journal: Journal) -> Dispatch {
        Dispatch { journal: Some(journal), ..self }
    }

    /// From now on what belongs to this call goes to its inbox.
    pub fn enter(&self, call: CallId, invite_key: Option<InviteKey>, inbox: CallInbox) {
        self.calls.insert(call, inbox);
        if let Some(key) = invite_key {
            self.invites.insert(key, call);
        }
    }

    pub fn leave(&self, call: CallId, invite_key: Option<InviteKey>) {
        self.calls.remove(&call);
        if let Some(key) = invite_key
            && let Entry::Occupied(entry) = self.invites.entry(key)
            && *entry.get() == call
        {
            entry.remove();
        }
    }

    /// From now on `heir` has a leg that began in `origin`.
    pub fn inherit(&self, origin: CallId, heir: CallId) {
        self.heirs.insert(origin, heir);
    }

    /// An heir has ended.
    pub fn disinherit(&self, heir: CallId) {
        self.heirs.retain(|_, own| *own != heir);
    }

    /// As `to_call`, or to the call that has this one's leg when this one has ended.
    pub fn to_heir(&self, call: CallId, input: Box<CallInput>) -> Result<(), Box<CallInput>> {
        self.to_call(call, input).or_else(|input| {
            let heir = self.heirs.get(&call).map(|entry| *entry.value());
            match heir {
                Some(heir) => self.to_call(heir, input),
                None => Err(input),
            }
        })
    }

    /// Not even one that only waits for what may still cross.
    pub fn has_no_calls(&self) -> bool {
        self.calls.is_empty()
    }

    /// Calls with an inbox, those included that only wait for what may still cross.
    pub fn call_count(&self) -> usize {
        self.calls.len()
    }

    /// Whether this request belongs to a call that began after the request was put into the switchboard's inbox.
    pub fn claimed(&self, message: &Message) -> Option<CallId> {
        match owner::owner(message) {
            Owner::InviteKey(key) => self.invites.get(&key).map(|entry| *entry.value()),
            Owner::Call(_) | Owner::Switchboard => None,
        }
    }

    /// Puts an input into a call's inbox; gives it back when there is no such call. A full inbox loses what comes from the
    /// wire, which comes again, and never an answer or order of our own.
    pub fn to_call(&self, call: CallId, input: Box<CallInput>) -> Result<(), Box<CallInput>> {
        let Some(inbox) = self.calls.get(&call) else { return Err(input) };
        if inbox.put(input)? == Put::Overflowed {
            self.metrics.inbox_overflow(Inbox::Call);
        }
        Ok(())
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

    /// As `to_desk`, but never lost and without waiting for it: another call waits for what it says.
    pub fn to_desk_in_the_end(&self, input: SwitchboardInput) {
        if let Err(TrySendError::Full(input)) = self.desk.try_send(Box::new(DeskInput::Exchange(input))) {
            self.metrics.inbox_overflow(Inbox::Switchboard);
            let desk = self.desk.clone();
            tokio::spawn(async move { drop(desk.send(input).await) });
        }
    }

    /// Waits for room: for what must not be lost, such as the end of a call.
    pub async fn to_desk_surely(&self, input: SwitchboardInput) {
        if self.desk.send(Box::new(DeskInput::Exchange(input))).await.is_err() {
            tracing::debug!("the switchboard has ended");
        }
    }

    /// Inputs that the switchboard has not taken yet.
    pub fn waiting(&self) -> usize {
        self.desk.max_capacity() - self.desk.capacity()
    }

    /// How long an input waits for the switchboard now; not measured while hardly any does.
    pub async fn desk_lateness(&self) -> Duration {
        if self.waiting() < DESK_IS_QUIET {
            return Duration::ZERO;
        }
        let asked_at = clock::now().instant;
        self.ask(|_| ()).await;
        clock::now().instant.saturating_duration_since(asked_at)
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

    /// As `ask`, for an order.
    pub async fn change<T: Send + 'static>(
        &self,
        order: impl FnOnce(&mut crate::domain::switchboard::Switchboard) -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let order: Order = Box::new(move |switchboard| drop(answer.send(order(switchboard))));
        self.desk.send(Box::new(DeskInput::Change(order))).await.ok()?;
        answered.await.ok()
    }
}

/// What the switchboard hears of. An ACK without a call belongs to an answer of ours that keeps no state, and a response
/// without a branch of ours, or whose call is gone, to nobody (RFC 3261 17.1.1.2, 17.1.3, 17.2.1).
fn is_for_desk(message: &Message, call: Option<CallId>) -> bool {
    if message.is_request() {
        return message.method() != Method::Ack;
    }
    let branch = message.top_branch().and_then(stamp::branch_owner);
    call.is_none() && branch == Some(CallId::SWITCHBOARD)
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
            Some(call) => match self.to_heir(call, Box::new(CallInput::Sip { from, message })) {
                Ok(()) => return,
                Err(input) => match *input {
                    CallInput::Sip { message, .. } => message,
                    _ => return,
                },
            },
        };
        if is_for_desk(&message, call) {
            self.to_desk(SwitchboardInput::Sip { from, tls_names: tls_names.clone(), message });
        }
    }

    fn round_begins(&self) {
        self.journal.iter().for_each(Journal::gather);
    }

    fn round_ends(&self) {
        self.journal.iter().for_each(Journal::settle);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::entropy::Entropy;
    use crate::edge::inbox;
    use crate::protocol::sip::path::{ListenerId, Transport};

    const FROM: &str = "Via: SIP/2.0/UDP 192.0.2.1;branch=";

    fn dispatch() -> (Dispatch, mpsc::Receiver<Box<DeskInput>>) {
        let (desk, inbox) = mpsc::channel(8);
        (Dispatch::new(desk, Metrics::new(Duration::ZERO).unwrap()), inbox)
    }

    fn message(first: &str, branch: &str, method: &str) -> Box<Message> {
        let text = format!(
            "{first}\r\n{FROM}{branch}\r\nFrom: <sip:a@192.0.2.1>;tag=1\r\nTo: <sip:b@192.0.2.2>;tag=2\r\n\
             Call-ID: x\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
        );
        Box::new(Message::parse(text.as_bytes()).unwrap())
    }

    /// Whether the switchboard hears of it.
    fn reaches_desk(message: Box<Message>) -> bool {
        let (dispatch, mut desk) = dispatch();
        let remote = "192.0.2.1:5060".parse().unwrap();
        let from = Path { transport: Transport::Udp, listener: ListenerId(0), remote, connection: None };
        dispatch.message(from, &Arc::from([]), message);
        desk.try_recv().is_ok()
    }

    #[test]
    fn what_answers_nothing_of_ours_costs_the_switchboard_nothing() {
        let mut entropy = Entropy::from_number(7);
        let own = stamp::branch(CallId::SWITCHBOARD, 1, &mut entropy);
        let of_ended_call = stamp::branch(CallId(99), 1, &mut entropy);
        assert!(reaches_desk(message("SIP/2.0 200 OK", &own, "OPTIONS")));
        assert!(!reaches_desk(message("SIP/2.0 200 OK", &of_ended_call, "BYE")));
        assert!(!reaches_desk(message("SIP/2.0 200 OK", "z9hG4bK-of-nobody", "OPTIONS")));
        assert!(!reaches_desk(message("ACK sip:b@192.0.2.2 SIP/2.0", "z9hG4bK1", "ACK")));
        assert!(reaches_desk(message("BYE sip:b@192.0.2.2 SIP/2.0", "z9hG4bK1", "BYE")));
        assert!(reaches_desk(message("CANCEL sip:b@192.0.2.2 SIP/2.0", "z9hG4bK1", "CANCEL")));
    }

    #[tokio::test]
    async fn what_is_a_calls_goes_to_it_until_it_leaves() {
        let (dispatch, _desk) = dispatch();
        let (inbox, mut inputs) = inbox::open(1);
        let call = CallId(5);
        let key = Some(owner::invite_key(&message("INVITE sip:b@192.0.2.2 SIP/2.0", "z9hG4bK1", "INVITE")));
        dispatch.enter(call, key, inbox);
        let undeliverable = || Box::new(CallInput::Undeliverable { token: 1 });
        assert!(dispatch.to_call(call, undeliverable()).is_ok());
        assert!(matches!(*inputs.next().await, CallInput::Undeliverable { .. }));
        dispatch.leave(call, key);
        assert!(dispatch.to_call(call, undeliverable()).is_err());
    }
}
