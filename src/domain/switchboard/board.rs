//! The switchboard itself: one inbox for everything that belongs to no single call, parted out to the files beside it.

use crate::base::cause::Cause;
use crate::base::entropy::Entropy;
use crate::base::id::CallId;
use crate::base::limits::SWITCHBOARD_TRANSACTIONS;
use crate::base::machine::Machine;
use crate::base::now::{Now, earliest};
use crate::domain::call::interface::{CallInput, CallStart};
use crate::domain::dialplan::guard::Meters;
use crate::domain::phone::activity::Activity;
use crate::domain::phone::bindings::Bindings;
use crate::domain::phone::subscription::Subscriptions;
use crate::domain::profile::Timers;
use crate::domain::queue::interface::QueueInput;
use crate::domain::queue::queues::Queues;
use crate::domain::switchboard::admission::Admission;
use crate::domain::switchboard::agenda::{Agenda, Errand};
use crate::domain::switchboard::callbacks::Promises;
use crate::domain::switchboard::calls::Calls;
use crate::domain::switchboard::door::Door;
use crate::domain::switchboard::house::House;
use crate::domain::switchboard::index::Index;
use crate::domain::switchboard::interface::{
    Exchange, SwitchboardEvent, SwitchboardInput as Input, SwitchboardOutput as Output,
};
use crate::domain::switchboard::proof::Prover;
use crate::domain::switchboard::trunks::Trunks;
use crate::protocol::sip::transaction::set::{ClientKey, Repeats, TimerValues, TransactionOutput, Transactions};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

/// Everything that belongs to no single call. One owner, one inbox.
pub struct Switchboard {
    pub(super) index: Arc<Index>,
    pub(super) entropy: Entropy,
    pub(super) admission: Admission,
    pub(super) door: Door,
    pub(super) prover: Prover,
    pub(super) trunks: Trunks,
    pub(super) bindings: Bindings,
    pub(super) activity: Activity,
    pub(super) subscriptions: Subscriptions,
    pub(super) calls: Calls,
    pub(super) house: House,
    pub(super) meters: Meters,
    pub(super) agenda: Agenda,
    pub(super) queues: Queues,
    pub(super) promises: Promises,
    pub(super) transactions: Transactions,
    /// What each client transaction of ours is about.
    pub(super) pending: BTreeMap<u32, Pending>,
    /// What each name that is being resolved is for.
    pub(super) questions: BTreeMap<u32, Question>,
    pub(super) last_question: u32,
    pub(super) outputs: VecDeque<Output>,
    drain: Drain,
    /// Makes the tags of stateless replies: the same for a retransmission, unknown to others.
    pub(super) salt: u64,
}

/// What a request of ours was for.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Pending {
    Options { slot: u32, target_index: u16 },
    Register { slot: u32, departing: bool },
    Notify { tag: Arc<str> },
}

/// What a name is being resolved for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Question {
    Options { slot: u32, target_index: u16 },
    Register { slot: u32 },
}

/// How far the end of the daemon is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Drain {
    No,
    /// Waiting for calls and for carriers to let us go.
    Running,
    /// Waiting for calls only.
    Ending,
    Done,
}

impl Switchboard {
    pub fn new(exchange: Arc<Exchange>, mut entropy: Entropy, now: Now) -> Switchboard {
        let timers = Timers::default();
        let timers = TimerValues { t1: timers.t1, t2: timers.t2, t4: timers.t4 };
        let mut trunks = Trunks::default();
        trunks.adopt(&exchange.trunks, now, &mut entropy);
        let mut queues = Queues::new(now, 1);
        queues.handle_input(now, QueueInput::Settings(exchange.queues.clone()));
        let mut switchboard = Switchboard {
            admission: Admission::new(exchange.admission, now.instant),
            index: Arc::new(Index::new(exchange)),
            door: Door::default(),
            prover: Prover::default(),
            trunks,
            bindings: Bindings::default(),
            activity: Activity::default(),
            subscriptions: Subscriptions::default(),
            calls: Calls::default(),
            house: House::default(),
            meters: Meters::default(),
            agenda: Agenda::default(),
            queues,
            promises: Promises::default(),
            transactions: Transactions::new(timers, SWITCHBOARD_TRANSACTIONS),
            pending: BTreeMap::new(),
            questions: BTreeMap::new(),
            last_question: 0,
            outputs: VecDeque::new(),
            drain: Drain::No,
            salt: entropy.number(),
            entropy,
        };
        switchboard.arm_trunks();
        switchboard.look_for_phones(now);
        switchboard
    }

    /// What configuration says now.
    pub fn exchange(&self) -> Arc<Exchange> {
        self.index.exchange.clone()
    }

    /// How many calls run.
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// What its transactions had to say or hear twice since this was last asked.
    pub fn take_repeats(&mut self) -> Repeats {
        self.transactions.take_repeats()
    }

    /// How many of its own transactions run: zero when nothing is under way.
    pub fn transaction_count(&self) -> usize {
        self.transactions.len()
    }

    pub(super) fn event(&mut self, event: SwitchboardEvent) {
        self.outputs.push_back(Output::Event(event));
    }

    pub(super) fn tell_call(&mut self, call: CallId, input: CallInput) {
        self.outputs.push_back(Output::ToCall { call, input: Box::new(input) });
    }

    pub(super) fn start_call(&mut self, start: CallStart) {
        self.outputs.push_back(Output::StartCall(Box::new(start)));
    }

    fn reload(&mut self, now: Now, exchange: Arc<Exchange>) {
        self.admission.set_policy(exchange.admission, now.instant);
        let departing = self.trunks.adopt(&exchange.trunks, now, &mut self.entropy);
        let queues = exchange.queues.clone();
        self.index = Arc::new(Index::new(exchange));
        let guards = &self.index.dialplan.plan().guards;
        self.meters.retain(|name| guards.iter().any(|guard| *guard.name == *name));
        for slot in departing {
            self.depart(now, slot);
        }
        self.forget_removed_phones(now);
        self.arm_trunks();
        self.queue_input(now, QueueInput::Settings(queues));
        self.look_for_phones(now);
    }

    fn call_finished(&mut self, now: Now, call: CallId) {
        self.leave_queues(now, call);
        let Some(entry) = self.calls.end(call) else { return };
        if let Some(callback) = entry.callback {
            self.leave_callback(now, call, callback);
        }
        for key in &entry.numbers {
            self.house.give_back(key);
        }
        for spend in &entry.spends {
            self.meters.end(&spend.guard, spend.began, now.instant);
        }
        for slot in entry.held.into_iter().chain(entry.own) {
            if let Some(state) = self.trunks.get_mut(slot) {
                state.places.give_back();
            }
        }
        for phone in self.activity.end_call(call) {
            self.phone_changed(now, &phone);
        }
    }

    fn begin_drain(&mut self, now: Now) {
        if self.drain != Drain::No {
            return;
        }
        self.drain = Drain::Running;
        self.admission.drain();
        self.agenda.arm(Errand::DrainEnds, now.instant.checked_add(self.admission.policy().drain));
        self.leave_carriers(now);
    }

    fn end_all(&mut self, now: Now, cause: Cause) {
        self.begin_drain(now);
        if self.drain == Drain::Running {
            self.drain = Drain::Ending;
        }
        let calls: Vec<CallId> = self.calls.ids().collect();
        for call in calls {
            self.tell_call(call, CallInput::HangUp { cause });
        }
    }

    /// What every turn ends with: transactions that spoke, and the end of a drain.
    fn settle(&mut self, now: Now) {
        while let Some(output) = self.transactions.poll_output() {
            self.transaction_spoke(now, output);
        }
        let over = match self.drain {
            Drain::No | Drain::Done => false,
            Drain::Running => self.calls.is_empty() && !self.is_leaving_carriers(),
            Drain::Ending => self.calls.is_empty(),
        };
        if over {
            self.drain = Drain::Done;
            self.agenda.arm(Errand::DrainEnds, None);
            self.outputs.push_back(Output::Drained);
        }
    }

    fn transaction_spoke(&mut self, now: Now, output: TransactionOutput) {
        match output {
            TransactionOutput::Send(outgoing) => self.outputs.push_back(Output::Send(outgoing)),
            TransactionOutput::Request { server, from, message } => self.serve(now, server, from, &message),
            TransactionOutput::Response { client, message, .. } => {
                if message.status() >= 200
                    && let Some(pending) = self.pending.remove(&client.0)
                {
                    self.answered(now, pending, &message);
                }
            }
            TransactionOutput::TimedOut { client } | TransactionOutput::Unreachable { client } => {
                self.unanswered(now, client);
            }
            TransactionOutput::Silent { .. }
            | TransactionOutput::Cancelled { .. }
            | TransactionOutput::Acknowledged { .. }
            | TransactionOutput::StrayAck { .. }
            | TransactionOutput::Unacknowledged { .. } => {}
        }
    }

    fn unanswered(&mut self, now: Now, client: ClientKey) {
        match self.pending.remove(&client.0) {
            Some(Pending::Options { slot, target_index }) => self.options_failed(now, slot, target_index),
            Some(Pending::Register { slot, departing }) => self.register_silent(now, slot, departing),
            Some(Pending::Notify { tag }) => self.notify_failed(&tag),
            None => {}
        }
    }

    fn answered(&mut self, now: Now, pending: Pending, message: &crate::protocol::sip::message::Message) {
        match pending {
            Pending::Options { slot, target_index } => self.options_answered(now, slot, target_index, message.status()),
            Pending::Register { slot, departing } => self.register_answered(now, slot, departing, message),
            Pending::Notify { tag } => self.notify_answered(now, &tag, message.status()),
        }
    }
}

impl Machine for Switchboard {
    type Input = Input;
    type Output = Output;

    fn handle_input(&mut self, now: Now, input: Input) {
        match input {
            Input::Sip { from, tls_names, message } => self.receive(now, from, &tls_names, message),
            Input::Undeliverable { token } => self.transactions.undeliverable(now, token),
            Input::Resolved { question, targets } => self.resolved(now, question, targets),
            Input::Seize { call, leg, trunk, target_index: _ } => self.seize(now, call, leg, &trunk),
            Input::Release { call, trunk, target_index, outcome } => {
                self.release(now, (call, &trunk), target_index, outcome);
            }
            Input::Route { call, leg, by, uri } => self.route_again(now, (call, leg), &by, &uri),
            Input::Ask { call, slip, question } => self.answer_flow(now, (call, slip), &question),
            Input::Queue(input) => self.queue_input(now, *input),
            Input::CallbackKept { callback, is_kept } => self.callback_kept(now, callback, is_kept),
            Input::Handover { from, to, word } => self.hand_over(from, to, word),
            Input::CallFinished { call } => self.call_finished(now, call),
            Input::CallEvent { call, event } => self.call_event(now, call, &event),
            Input::ConnectionClosed { path } => self.connection_closed(now, path),
            Input::Numbers(book) => self.house.adopt(book),
            Input::ResetGuard { guard, subject } => self.reset_guard(&guard, subject.as_deref()),
            Input::Reload(exchange) => self.reload(now, exchange),
            Input::Lateness(late) => self.admission.lateness(late),
            Input::Drain => self.begin_drain(now),
            Input::EndAll(cause) => self.end_all(now, cause),
        }
        self.settle(now);
    }

    fn handle_deadline(&mut self, now: Now) {
        self.transactions.handle_deadline(now);
        while let Some(errand) = self.agenda.pop(now.instant) {
            match errand {
                Errand::Health { slot, target_index } => self.health_due(now, slot, target_index),
                Errand::Registration { slot } => self.registration_due(now, slot),
                Errand::DrainEnds => self.end_all(now, Cause::Drained),
            }
        }
        self.expire_bindings(now);
        self.expire_subscriptions(now);
        self.queues_due(now);
        self.settle(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn deadline(&self) -> Option<Instant> {
        let phones = earliest(self.bindings.deadline(), self.subscriptions.deadline());
        let queues = earliest(self.agenda.deadline(), self.queues.deadline());
        earliest(earliest(self.transactions.deadline(), queues), phones)
    }
}
