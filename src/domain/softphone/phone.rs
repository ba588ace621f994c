//! The softphone as a machine: messages, orders and time in, messages and news out. What each means stands in the files beside.

use crate::base::entropy::Entropy;
use crate::base::now::{Now, earliest};
use crate::domain::softphone::interface::{Account, Ending, Order, Output, Refused, TalkId, Ticket};
use crate::domain::softphone::registering::Registration;
use crate::domain::softphone::talk::{Stage, Talk};
use crate::protocol::sip::digest::client::Login;
use crate::protocol::sip::message::Message;
use crate::protocol::sip::path::Path;
use crate::protocol::sip::transaction::set::{ClientKey, TimerValues, TransactionOutput, Transactions};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// Transactions at once; an agent has few calls.
const TRANSACTIONS_MAX: u32 = 128;
/// Calls that are not over.
pub(super) const TALKS_MAX: usize = 8;
/// Calls that are over and not yet cleared.
const OVER_MAX: usize = 16;
/// A page that comes back at once has not been missed.
pub(super) const PARKED_AFTER: Duration = Duration::from_secs(1);

/// What a request of ours was for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asked {
    Register,
    Invite(TalkId),
    Again(TalkId),
    Refer(TalkId),
    Key(TalkId),
    /// Whatever is answered to it changes nothing.
    Nothing,
}

pub struct Softphone {
    pub(super) account: Account,
    pub(super) path: Path,
    /// What stands in our Via and Contact: nobody resolves it.
    pub(super) host: String,
    pub(super) entropy: Entropy,
    pub(super) transactions: Transactions,
    pub(super) login: Option<Login>,
    pub(super) asked: BTreeMap<u32, Asked>,
    pub(super) registration: Registration,
    pub(super) talks: Vec<Talk>,
    last: u32,
    /// Since when no page has the audio.
    pub(super) silent_since: Option<Instant>,
    pub(super) is_parked: bool,
    pub(super) outputs: VecDeque<Output>,
}

impl Softphone {
    /// Without audio, and not registered yet.
    pub fn new(account: Account, path: Path, mut entropy: Entropy, now: Now) -> Softphone {
        let timers =
            TimerValues { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) };
        let host = format!("{:016x}.invalid", entropy.number());
        let registration = Registration::new(&mut entropy);
        Softphone {
            account,
            path,
            host,
            entropy,
            transactions: Transactions::new(timers, TRANSACTIONS_MAX),
            login: None,
            asked: BTreeMap::new(),
            registration,
            talks: Vec::new(),
            last: 0,
            silent_since: Some(now.instant),
            is_parked: false,
            outputs: VecDeque::new(),
        }
    }

    /// Calls in the order in which they began, those included that are over and not cleared.
    pub fn talks(&self) -> &[Talk] {
        &self.talks
    }

    pub fn is_registered(&self) -> bool {
        self.registration.is_there
    }

    /// Whether nothing goes on that needs it any more.
    pub fn is_idle(&self) -> bool {
        self.talks.iter().all(Talk::is_over)
    }

    /// A call that is over is shown no more.
    pub fn forget(&mut self, id: TalkId) {
        self.talks.retain(|talk| talk.id != id || !talk.is_over());
    }

    pub(super) fn at(&self, id: TalkId) -> Option<usize> {
        self.talks.iter().position(|talk| talk.id == id)
    }

    pub(super) fn next_id(&mut self) -> TalkId {
        self.last = self.last.wrapping_add(1);
        TalkId(self.last)
    }

    pub(super) fn is_full(&self) -> bool {
        self.talks.iter().filter(|talk| !talk.is_over()).count() >= TALKS_MAX
    }

    pub(super) fn changed(&mut self) {
        self.outputs.push_back(Output::Changed);
    }

    pub(super) fn done(&mut self, ticket: Ticket) {
        self.outputs.push_back(Output::Done { ticket, description: None });
    }

    pub(super) fn refuse(&mut self, ticket: Ticket, why: Refused) {
        self.outputs.push_back(Output::Refused { ticket, why });
    }

    /// A call is over: whatever waits for it is told.
    pub(super) fn end(&mut self, now: Now, id: TalkId, cause: crate::base::cause::Cause) {
        let Some(talk) = self.at(id).and_then(|at| self.talks.get_mut(at)).filter(|talk| !talk.is_over()) else {
            return;
        };
        let at = now.unix_millis();
        talk.stage = Stage::Over(Ending { cause, was_answered: talk.answered.is_some(), at });
        talk.since = at;
        (talk.needs_attach, talk.is_parked, talk.offer) = (false, false, None);
        (talk.when_again, talk.when_key) = (None, None);
        talk.keys.clear();
        let mut unanswered = std::mem::take(&mut talk.waiting);
        unanswered.extend(talk.attach.take().map(|(ticket, _)| ticket));
        unanswered.extend(talk.asking.take().and_then(|asking| asking.attached).map(|(ticket, _)| ticket));
        let referring = talk.referring.take().map(|(ticket, _)| ticket);
        unanswered.into_iter().for_each(|ticket| self.refuse(ticket, Refused::WrongStage));
        // Whom a transfer takes away has been transferred.
        referring.into_iter().for_each(|ticket| self.done(ticket));
        let over = self.talks.iter().filter(|talk| talk.is_over()).count();
        if over > OVER_MAX
            && let Some(oldest) = self.talks.iter().position(Talk::is_over)
        {
            self.talks.remove(oldest);
        }
        self.changed();
    }

    pub fn receive(&mut self, now: Now, message: Box<Message>) {
        self.transactions.receive(now, self.path, message);
        self.work(now);
    }

    /// What an agent orders for one of his calls.
    pub fn order(&mut self, now: Now, ticket: Ticket, id: TalkId, order: Order) {
        match self.at(id) {
            Some(at) => self.obey(now, ticket, at, order),
            None => self.refuse(ticket, Refused::UnknownTalk),
        }
        self.work(now);
    }

    /// Looks at everything whose time has come.
    pub fn handle_deadline(&mut self, now: Now) {
        self.transactions.handle_deadline(now);
        self.registration_due(now);
        self.silence_due(now);
        for id in self.talks.iter().map(|talk| talk.id).collect::<Vec<_>>() {
            self.talk_due(now, id);
        }
        self.work(now);
    }

    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let talks = self.talks.iter().filter_map(Talk::deadline).min();
        let own = earliest(self.transactions.deadline(), self.registration.when_again);
        earliest(earliest(own, talks), self.silence_deadline())
    }

    #[must_use]
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub(super) fn work(&mut self, now: Now) {
        while let Some(output) = self.transactions.poll_output() {
            match output {
                TransactionOutput::Send(outgoing) => self.outputs.push_back(Output::Say(outgoing.bytes)),
                TransactionOutput::Request { server, message, .. } => self.requested(now, server, message),
                TransactionOutput::Cancelled { server, message } => self.cancelled(now, server, &message),
                TransactionOutput::Response { client, message, .. } => self.answered(now, client, &message),
                TransactionOutput::TimedOut { client } | TransactionOutput::Unreachable { client } => {
                    self.unanswered(now, client);
                }
                TransactionOutput::Unacknowledged { server } => self.unacknowledged(now, server),
                TransactionOutput::Acknowledged { .. }
                | TransactionOutput::StrayAck { .. }
                | TransactionOutput::Silent { .. } => {}
            }
        }
    }

    fn answered(&mut self, now: Now, client: ClientKey, response: &Message) {
        let asked = match response.status() {
            100..200 => self.asked.get(&client.0).copied(),
            _ => self.asked.remove(&client.0),
        };
        match asked {
            Some(Asked::Register) => self.registered(now, response),
            Some(Asked::Invite(id)) => self.invited(now, (id, client), response),
            Some(Asked::Again(id)) => self.answered_again(now, (id, client), response),
            Some(Asked::Refer(id)) => self.referred(now, id, response.status()),
            Some(Asked::Key(id)) if response.status() >= 200 => self.keyed(now, id),
            Some(Asked::Key(_) | Asked::Nothing) | None => {}
        }
    }

    /// As the exchange says when it does not answer: 408.
    fn unanswered(&mut self, now: Now, client: ClientKey) {
        match self.asked.remove(&client.0) {
            Some(Asked::Register) => self.registration.failed(now),
            Some(Asked::Invite(id) | Asked::Again(id)) => self.end(now, id, crate::base::cause::Cause::NoAnswer),
            Some(Asked::Refer(id)) => self.referred(now, id, 408),
            Some(Asked::Key(id)) => self.keyed(now, id),
            Some(Asked::Nothing) | None => {}
        }
    }
}
