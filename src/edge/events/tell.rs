//! What the owners of things say of them, as events. Decides nothing; leaves out what is nobody's business.

use super::wire::{Call, Contact, Event, Name, Place};
use crate::base::id::CallId;
use crate::domain::call::interface::{CallEvent, CallStart};
use crate::domain::contact::Record;
use crate::domain::queue::callback::CallbackId;
use crate::domain::queue::interface::{self as queue, AgentChange, ContactId, QueueOutput};
use crate::domain::switchboard::interface::SwitchboardEvent;
use crate::edge::media_line::MediaLine;
use std::sync::Arc;
use std::time::Duration;

pub fn started(start: &CallStart) -> Event {
    Event::CallStarted {
        call: Call(start.id),
        caller: start.caller.name().into(),
        from: start.identity.number.clone(),
        dialled: start.dialled.digits.clone(),
        dialled_e164: start.dialled.e164.map(|number| number.to_string().into()),
        emergency: start.emergency,
    }
}

pub fn ended(record: &Record) -> Event {
    Event::CallEnded {
        call: Call(record.call),
        cause: record.cause.name(),
        fault: record.fault.name(),
        status: record.status,
        duration_ms: record.answered_at.map(|answered| record.ended_at.saturating_sub(answered)),
    }
}

pub fn of_call(call: CallId, event: &CallEvent) -> Event {
    let call = Call(call);
    match event {
        CallEvent::LegStarted { leg, party } => Event::LegStarted { call, leg: leg.0, party: Name(party.clone()) },
        CallEvent::Ringing { leg } => Event::LegRinging { call, leg: leg.0 },
        CallEvent::EarlyMedia { leg } => Event::LegEarlyMedia { call, leg: leg.0 },
        CallEvent::Answered { leg } => Event::LegAnswered { call, leg: leg.0 },
        CallEvent::Bridged { legs: (a, b) } => Event::CallBridged { call, legs: [a.0, b.0] },
        CallEvent::Unbridged { legs: (a, b) } => Event::CallUnbridged { call, legs: [a.0, b.0] },
        CallEvent::Held { leg } => Event::LegHeld { call, leg: leg.0 },
        CallEvent::Resumed { leg } => Event::LegResumed { call, leg: leg.0 },
        CallEvent::LegEnded { leg, cause } => Event::LegEnded { call, leg: leg.0, cause: cause.name() },
        CallEvent::Transferred { leg } => Event::CallTransferred { call, leg: leg.0 },
        CallEvent::Digit { leg, digit } => Event::LegDigit { call, leg: leg.0, digit: digit.and_then(key) },
        CallEvent::FlowErred { flow } => Event::FlowErred { call, flow: Name(flow.clone()) },
        CallEvent::FlowBroke { flow } => Event::FlowBroke { call, flow: Name(flow.clone()) },
        CallEvent::Silent { leg } => Event::LegSilent { call, leg: leg.0 },
        CallEvent::Heard { leg } => Event::LegHeard { call, leg: leg.0 },
        CallEvent::Quality { leg, quality } => {
            Event::LegQuality { call, leg: leg.0, media: Box::new(MediaLine::new(None, quality)) }
        }
        CallEvent::RecordingStarted { place } => Event::RecordingStarted { call, place: place.clone() },
        CallEvent::RecordingEnded => Event::RecordingEnded { call },
    }
}

fn key(digit: u8) -> Option<char> {
    b"0123456789*#ABCD".contains(&digit).then(|| char::from(digit))
}

/// `None`: floods of strangers are counted, and are no events.
pub fn of_switchboard(event: &SwitchboardEvent) -> Option<Event> {
    let health = |trunk: &Arc<str>, state, target| Event::TrunkHealth { trunk: Name(trunk.clone()), state, target };
    Some(match event {
        SwitchboardEvent::TrunkUp { trunk, target_index } => health(trunk, "up", Some(*target_index)),
        SwitchboardEvent::TrunkDown { trunk, target_index } => health(trunk, "down", Some(*target_index)),
        SwitchboardEvent::TrunkRegistered { trunk } => health(trunk, "registered", None),
        SwitchboardEvent::TrunkUnregistered { trunk, .. } => health(trunk, "unregistered", None),
        SwitchboardEvent::PhoneRegistered { phone } => Event::PhoneRegistered { phone: Name(phone.clone()) },
        SwitchboardEvent::PhoneUnregistered { phone } => Event::PhoneUnregistered { phone: Name(phone.clone()) },
        SwitchboardEvent::GuardTripped { guard, subject, excess } => {
            Event::GuardTripped { guard: Name(guard.clone()), subject: subject.clone(), why: excess.to_string().into() }
        }
        SwitchboardEvent::GuardReset { guard, count } => {
            Event::GuardReset { guard: Name(guard.clone()), count: *count }
        }
        SwitchboardEvent::Agent { agent, change } => of_agent(agent, change),
        SwitchboardEvent::Queue(said) => return of_queue(said),
        SwitchboardEvent::CallbackOver { callback, why } => {
            Event::CallbackOver { callback: callback.0, why: why.name() }
        }
        SwitchboardEvent::Refused { .. }
        | SwitchboardEvent::AuthenticationFailed { .. }
        | SwitchboardEvent::Banned { .. } => return None,
    })
}

fn of_agent(agent: &Arc<str>, change: &AgentChange) -> Event {
    let agent = Name(agent.clone());
    match change {
        AgentChange::Status(status) => Event::AgentStatus { agent, status: status.name().into() },
        AgentChange::NextStatus(next) => {
            Event::AgentNextStatus { agent, status: next.as_ref().map(|status| status.name().into()) }
        }
        AgentChange::Contact { contact: who, state } => {
            Event::AgentContact { contact: contact(*who), agent, state: state.name() }
        }
        AgentChange::Cleared { contact: who } => Event::AgentCleared { contact: contact(*who), agent },
    }
}

fn of_queue(said: &QueueOutput) -> Option<Event> {
    let left = |who, why| Event::QueueLeft { contact: contact(who), why, agent: None, waited_ms: None };
    Some(match said {
        QueueOutput::Entered { contact: who, place: at, position } => {
            Event::QueueEntered { contact: contact(*who), place: place(at), position: *position }
        }
        QueueOutput::Refused { contact: who, why } => Event::QueueRefused { contact: contact(*who), why: why.name() },
        QueueOutput::Left { contact: who } => left(*who, "left"),
        QueueOutput::Expelled { contact: who } => left(*who, "expelled"),
        QueueOutput::Dequeued { contact: who, agent, waited } => Event::QueueLeft {
            contact: contact(*who),
            why: "answered",
            agent: Some(Name(agent.clone())),
            waited_ms: Some(millis(*waited)),
        },
        QueueOutput::Requeued { contact: who } => Event::QueueRequeued { contact: contact(*who) },
        QueueOutput::Offer(offer) => Event::OfferMade {
            contact: contact(offer.contact),
            place: place(&offer.place),
            offer: offer.id.0,
            agent: Name(offer.agent.clone()),
            waited_ms: millis(offer.waited),
        },
        QueueOutput::Withdraw { offer, contact: who, agent, why } => Event::OfferWithdrawn {
            contact: contact(*who),
            offer: offer.0,
            agent: Name(agent.clone()),
            why: why.name(),
        },
        QueueOutput::Join { offer, contact: who, agent } => {
            Event::OfferJoined { contact: contact(*who), offer: offer.0, agent: Name(agent.clone()) }
        }
        _ => return None,
    })
}

fn contact(who: ContactId) -> Contact {
    match who {
        ContactId::Call(call) => Contact { call: Some(Call(call)), callback: None },
        ContactId::Callback(CallbackId(callback)) => Contact { call: None, callback: Some(callback) },
    }
}

fn place(at: &queue::Place) -> Place {
    match at {
        queue::Place::Queue(name) => Place { queue: Some(Name(name.clone())), queue_of: None },
        queue::Place::Agent(name) => Place { queue: None, queue_of: Some(Name(name.clone())) },
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
