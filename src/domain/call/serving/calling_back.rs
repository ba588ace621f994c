//! A promise to call back: given by a flow, kept by a call of ours to an agent first and then to the customer. Chooses neither.

use crate::base::cause::{Cause, Fault};
use crate::base::e164::E164;
use crate::base::id::LegId;
use crate::base::limits;
use crate::domain::call::dialler::{Blame, Dialler};
use crate::domain::call::ending::Ending;
use crate::domain::call::interface::{CallEvent, QueueWord};
use crate::domain::call::invite::Offered;
use crate::domain::call::parts::{Parts, fault_of};
use crate::domain::call::phase::{Answer, Phase, Routing};
use crate::domain::call::serving::attendant::Attendant;
use crate::domain::call::serving::queueing::Queued;
use crate::domain::call::serving::taping::Taping;
use crate::domain::call::serving::{Serving, sounding};
use crate::domain::flow::act::HoldWho;
use crate::domain::flow::interface::{CallbackOrder, FlowInput, QueueOutcome, Ticket};
use crate::domain::flow::luggage;
use crate::domain::flow::value::Value;
use crate::domain::leg::event::LegEvent;
use crate::domain::queue::callback::{CallbackId, DialOutcome};
use crate::domain::queue::from_flow;
use crate::domain::queue::interface::{OfferId, Place, QueueInput, QueueOutput, QueueRefusal, Withdrawal};
use crate::domain::trunk::identity::Identity;
use crate::media::command::SourceId;
use std::time::Instant;

/// What this call exists for, where nobody has called us.
pub struct Promise {
    offer: OfferId,
    number: E164,
    dialler: Option<Dialler>,
    /// What the agent hears while the customer's phone rings.
    ringing: Option<(LegId, SourceId)>,
    has_rung: bool,
    /// Whom the flow of the customer holds; at first the two are apart.
    pub held: Option<HoldWho>,
}

impl Promise {
    pub fn ringing(&self) -> Option<(LegId, SourceId)> {
        self.ringing
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.dialler.as_ref().and_then(Dialler::deadline)
    }

    /// What the queue hears when the call ends before they know of it: it may be tried by another agent, or again.
    pub fn broken_off(&self) -> QueueInput {
        QueueInput::AgentGone { offer: self.offer }
    }

    /// Whom the agent sees: the one whom we are about to call.
    pub fn shown(&self) -> Identity {
        Identity { number: self.number.to_string().into(), e164: Some(self.number), ..Identity::default() }
    }

    fn hush(&mut self, parts: &mut Parts) {
        if let Some((_, source)) = self.ringing.take() {
            parts.stop_playing(source);
        }
    }

    /// Only who was rung and did not come is called once more.
    fn outcome(&self, cause: Cause) -> DialOutcome {
        match cause {
            Cause::NoAnswer => DialOutcome::NoAnswer,
            Cause::TemporarilyUnavailable if self.has_rung => DialOutcome::NoAnswer,
            Cause::Busy => DialOutcome::Busy,
            _ => DialOutcome::Failed,
        }
    }
}

impl Serving {
    /// Begins with what the queues say: which agent is to be called for whom.
    pub fn call_back(parts: &mut Parts, routing: Routing, word: QueueWord) -> Phase {
        let (Some(script), Some(due)) = (routing.script, routing.due) else {
            return Ending::begin(parts, Cause::Fault, Fault::Ours);
        };
        // The number of the leg that calls us is nobody's here.
        parts.next_leg();
        parts.streams.is_relayed = true;
        let CallbackId(number) = due.id;
        parts.say(format!("callback {number} for {}, promised in call {}", due.number, due.call));
        let call = parts.wire.call.to_string();
        let mut memory = luggage::unpack(&due.luggage, (&call, &due.call.to_string()), &due.number.to_string());
        let (Place::Queue(name) | Place::Agent(name)) = &due.place;
        memory.know("Queue", Value::map([("Name", Value::text(&**name))]));
        let QueueOutput::Offer(offer) = &word.said else {
            return Ending::begin(parts, Cause::Fault, Fault::Ours);
        };
        let promise =
            Promise { offer: offer.id, number: due.number, dialler: None, ringing: None, has_rung: false, held: None };
        let attendant = Attendant::idle(parts, (&script.book, &script.flow), memory, parts.served);
        let serving = Serving {
            script,
            attendant,
            dialling: None,
            taping: Taping::default(),
            queued: Some(Box::new(Queued::of_callback(word.flows.clone()))),
            promise: Some(Box::new(promise)),
            promised: None,
            aside: None,
            engaged: None,
            is_described: false,
            is_answered: false,
            when_too_long: Some(parts.wire.now.instant + limits::UNANSWERED_MAX),
        };
        Box::new(serving).on_queue(parts, word)
    }

    /// The flow of a caller wants us to call back.
    pub(super) fn promise(&mut self, parts: &mut Parts, ticket: Ticket, order: &CallbackOrder) {
        let made = E164::parse(&order.number).map_err(|_| format!("{} is no number", order.number.escape_debug()));
        let made = made.and_then(|number| {
            let luggage = luggage::pack(self.attendant.memory());
            let asked = (parts.wire.call, parts.story.started_at);
            from_flow::callback(asked, order, number, luggage.into()).map_err(|fault| fault.to_string())
        });
        match made {
            Ok(order) => {
                self.promised = Some(ticket);
                super::queueing::tell(parts, QueueInput::Schedule(Box::new(order)));
            }
            Err(words) => {
                parts.say(format!("no callback is promised: {words}"));
                self.feed(parts, FlowInput::Queued { ticket, outcome: QueueOutcome::Refused });
            }
        }
    }

    /// Written down: who waited in a queue waits there no more.
    pub(super) fn scheduled(&mut self, parts: &mut Parts, callback: CallbackId) {
        parts.say(format!("callback {callback} is promised"));
        self.queued = None;
        if let Some(ticket) = self.promised.take() {
            self.feed(parts, FlowInput::Queued { ticket, outcome: QueueOutcome::Accepted });
        }
    }

    pub(super) fn not_scheduled(&mut self, parts: &mut Parts, why: QueueRefusal) {
        parts.say(format!("no callback is promised: {}", why.name()));
        if let Some(ticket) = self.promised.take() {
            self.feed(parts, FlowInput::Queued { ticket, outcome: from_flow::outcome(why) });
        }
    }

    /// The agent is ready: now the customer.
    pub(super) fn call_customer(mut self: Box<Self>, parts: &mut Parts, offer: OfferId, word: QueueWord) -> Phase {
        if let Some(refused) = word.refusal {
            parts.say(format!("the customer cannot be called: {}", refused.words));
            let outcome =
                if refused.cause == Cause::NotAllowed { DialOutcome::NotDialable } else { DialOutcome::Failed };
            super::queueing::tell(parts, QueueInput::Dialled { offer, outcome });
            return self.end(parts, refused.cause, fault_of(refused.cause, None));
        }
        let agent = self.agent_leg();
        let Some(promise) = &mut self.promise else { return self.go_on(parts) };
        parts.say(format!("{} is called", promise.number));
        promise.ringing = agent.map(|leg| (leg, sounding::ring(parts)));
        let mut dialler = Dialler::new(word.stages, Offered::Ours);
        let nothing = dialler.advance(parts);
        promise.dialler = Some(dialler);
        self.unless_reached(parts, nothing)
    }

    /// Whether what happens at this leg happens at a customer who is being called.
    pub(super) fn is_promised(&self, leg: LegId) -> bool {
        let dialler = self.promise.as_ref().and_then(|promise| promise.dialler.as_ref());
        dialler.is_some_and(|dialler| dialler.is_dialling(leg))
    }

    pub(super) fn on_promised(mut self: Box<Self>, parts: &mut Parts, leg: LegId, event: LegEvent) -> Phase {
        let Some(promise) = &mut self.promise else { return self.go_on(parts) };
        match event {
            LegEvent::Answered { .. } => self.reached(parts, leg),
            LegEvent::Progressed { message, .. } if message.status() == 180 => {
                promise.has_rung = true;
                parts.story.ringing_at = parts.story.ringing_at.or(Some(parts.wire.now.unix_millis()));
                parts.event(CallEvent::Ringing { leg });
            }
            LegEvent::Failed(failure) => {
                let nothing = promise.dialler.as_mut().and_then(|dialler| dialler.on_failed(parts, leg, failure));
                return self.unless_reached(parts, nothing);
            }
            _ => {}
        }
        self.go_on(parts)
    }

    pub(super) fn on_promised_answer(mut self: Box<Self>, parts: &mut Parts, leg: LegId, answer: Answer) -> Phase {
        let dialler = self.promise.as_mut().and_then(|promise| promise.dialler.as_mut());
        let nothing = dialler.and_then(|dialler| dialler.on_answer(parts, leg, answer));
        self.unless_reached(parts, nothing)
    }

    pub(super) fn on_promise_deadline(mut self: Box<Self>, parts: &mut Parts) -> Phase {
        let now = parts.wire.now.instant;
        let dialler = self.promise.as_mut().and_then(|promise| promise.dialler.as_mut());
        let late = dialler.filter(|dialler| dialler.deadline().is_some_and(|when| when <= now));
        match late.and_then(|dialler| dialler.handle_deadline(parts)) {
            Some(blame) => self.unless_reached(parts, Some(blame)),
            None => Phase::Serving(self),
        }
    }

    /// The customer, or their machine, is there: from now on this is who the call is for.
    fn reached(&mut self, parts: &mut Parts, leg: LegId) {
        let Some(promise) = &mut self.promise else { return };
        promise.hush(parts);
        let offer = promise.offer;
        if let Some(mut dialler) = promise.dialler.take() {
            dialler.give_up(parts, Some(leg), Cause::Normal);
        }
        parts.served = leg;
        self.attendant.ear = leg;
        (self.is_described, self.is_answered) = (true, true);
        let now = parts.wire.now;
        parts.story.answered_at = Some(now.unix_millis());
        self.when_too_long = now.instant.checked_add(parts.story.max_duration);
        self.attendant.memory_mut().is_answered = true;
        parts.say("the customer answered");
        parts.event(CallEvent::Answered { leg });
        super::queueing::tell(parts, QueueInput::Dialled { offer, outcome: DialOutcome::Answered });
    }

    /// Nothing is left to call: so the queue hears, and this call has done what it could.
    fn unless_reached(mut self: Box<Self>, parts: &mut Parts, nothing_left: Option<Blame>) -> Phase {
        let Some(blame) = nothing_left else { return self.go_on(parts) };
        let cause = blame.failure.cause;
        if let Some(promise) = &mut self.promise {
            promise.hush(parts);
            let (offer, outcome) = (promise.offer, promise.outcome(cause));
            parts.say(format!("the customer was not reached: {outcome:?}"));
            super::queueing::tell(parts, QueueInput::Dialled { offer, outcome });
        }
        self.end(parts, cause, blame.fault)
    }

    /// Whoever is being called for the promise is called no longer.
    pub(super) fn break_off(&mut self, parts: &mut Parts) {
        let Some(promise) = &mut self.promise else { return };
        promise.hush(parts);
        if let Some(mut dialler) = promise.dialler.take() {
            dialler.give_up(parts, None, Cause::Cancelled);
        }
    }
}

/// How a call ends whose agent did not take it, or was lost.
pub(super) fn end_of(why: Withdrawal) -> (Cause, Fault) {
    match why {
        Withdrawal::TimedOut => (Cause::NoAnswer, Fault::Callee),
        Withdrawal::Rejected => (Cause::Declined, Fault::Callee),
        Withdrawal::Unreachable => (Cause::TemporarilyUnavailable, Fault::Callee),
        Withdrawal::AgentGone => (Cause::Normal, Fault::Callee),
        Withdrawal::CustomerGone => (Cause::Normal, Fault::Caller),
        Withdrawal::WhisperTooLong | Withdrawal::Expelled | Withdrawal::NotNow => {
            (Cause::TemporarilyUnavailable, Fault::Ours)
        }
    }
}
