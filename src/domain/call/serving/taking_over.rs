//! A flow serves a party that talked until now: whoever it talked with has sent it here. Ends no leg.

use crate::base::e164::E164;
use crate::base::id::LegId;
use crate::domain::call::interface::Script;
use crate::domain::call::parts::Parts;
use crate::domain::call::phase::Phase;
use crate::domain::call::serving::attendant::Attendant;
use crate::domain::call::serving::queueing::{Queued, Waits};
use crate::domain::call::serving::taping::Taping;
use crate::domain::call::serving::{Serving, origin};
use crate::domain::flow::interface::{FlowInput, Ticket};
use crate::domain::flow::memory::{Memory, QueueName};
use crate::domain::leg::media_plan::own;
use crate::domain::leg::offer::Purpose;
use crate::domain::queue::interface::ContactId;
use crate::domain::trunk::number_rules::{Letters, to_e164};
use crate::protocol::sip::message::method::Method;
use std::time::Instant;

impl Serving {
    /// What a flow before has learned goes along; a party that nobody served is new to us.
    pub fn take_over(
        parts: &mut Parts,
        (before, when_too_long): (Option<Box<Serving>>, Option<Instant>),
        (remaining, was_held): (LegId, bool),
        script: Box<Script>,
    ) -> Phase {
        parts.served = remaining;
        parts.say(format!("flow {} serves the call after a transfer", script.flow.name));
        let mut memory = match &before {
            Some(before) => before.attendant.take_memory(),
            None => Memory::new(&origin(parts, &script)),
        };
        memory.transfer_to(script.toward.as_ref());
        memory.is_answered = true;
        if was_held {
            take_off_hold(parts, remaining);
        }
        let attendant = Attendant::begin(parts, (&script.book, &script.flow), memory, remaining);
        let engaged = before.and_then(|mut before| {
            before.attendant.leave(parts);
            before.engaged.take()
        });
        let serving = Serving {
            script,
            attendant,
            dialling: None,
            taping: Taping::default(),
            queued: None,
            promise: None,
            promised: None,
            aside: None,
            engaged,
            is_described: true,
            is_answered: true,
            when_too_long,
        };
        Box::new(serving).go_on(parts)
    }

    /// The agent who talks with the caller goes; `is_replaced`: another one has come, whom the queues know by this call.
    pub fn agent_goes(&mut self, parts: &mut Parts, is_replaced: bool) {
        if !is_replaced {
            self.taping.stop(parts);
        } else if self.promise.is_none() {
            return;
        }
        self.leave_queue(parts);
        self.promise = None;
        if is_replaced {
            self.queued = Some(Box::new(Queued::joined()));
        }
    }

    /// The agent goes to another call, which answers for him from now on.
    pub fn give_agent(&mut self) {
        self.queued = None;
    }

    /// Under which name the queues know the talk with an agent, if it is one.
    pub fn contact_with_agent(&self, parts: &Parts) -> Option<ContactId> {
        self.queued.as_ref().filter(|queued| queued.stage == Waits::Joined)?;
        self.promise.is_none().then_some(ContactId::Call(parts.wire.call))
    }

    /// The flow of an agent's transfer gives the call to another agent: it waits in that agent's own queue.
    pub(super) fn transfer_to_agent(&mut self, parts: &mut Parts, ticket: Ticket, agent: Option<Box<str>>) {
        let chosen = match (agent, &self.attendant.memory().queue) {
            (Some(agent), _) => Some(agent),
            (None, Some(QueueName::Agent(agent))) => Some(agent.clone()),
            (None, _) => None,
        };
        let Some(agent) = chosen else {
            parts.say("no agent was named to whom the call is to go");
            return self.feed(parts, FlowInput::Done { ticket, ok: false });
        };
        self.queue_for(parts, ticket, agent);
    }
}

/// Who was held hears us and is heard again.
fn take_off_hold(parts: &mut Parts, leg: LegId) {
    let offer = own::offer(&[]);
    parts.with(leg, |leg, wire| {
        let (state, line) = leg.established()?;
        state.offer(line, wire, Method::Invite, (Purpose::Own, Some(&offer))).ok()
    });
}

/// Whose number the queues and flows know as the customer's.
pub(super) fn customer_of(parts: &Parts) -> (Box<str>, Option<E164>) {
    let identity = &parts.story.identity;
    if parts.served == LegId::CALLER {
        let text = identity.e164.map_or_else(|| identity.number.clone(), |number| number.to_string().into());
        return (text, identity.e164);
    }
    let Some(leg) = parts.leg(parts.served) else { return Default::default() };
    let number = &leg.line.facts.number;
    let e164 = to_e164(number, leg.line.party.number_rules(), Letters::AreNames).ok();
    (e164.map_or_else(|| number.clone(), |number| number.to_string().into()), e164)
}
