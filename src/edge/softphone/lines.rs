//! Contacts as an agent sees them, made of what his phone knows and what the queues know. Asks nobody.

use super::panel::Standing;
use super::wire::{ContactLine, Ended, Past};
use crate::domain::queue::interface::{ContactId, Offer, Place};
use crate::domain::softphone::interface::{Ending, TalkId};
use crate::domain::softphone::{Stage, Talk};
use serde_json::{Map, Value};

/// What an offer said of its contact.
#[derive(Clone, PartialEq, Debug)]
pub struct Offered {
    pub contact: ContactId,
    pub queue: String,
    pub waited_ms: u64,
}

impl Offered {
    pub fn of(offer: &Offer) -> Offered {
        let queue = match &offer.place {
            Place::Queue(name) => name.to_string(),
            Place::Agent(name) => format!("agent:{name}"),
        };
        let waited_ms = u64::try_from(offer.waited.as_millis()).unwrap_or(u64::MAX);
        Offered { contact: offer.contact, queue, waited_ms }
    }
}

/// The name under which pages know a call of the phone.
pub fn name(seat: u64, talk: &Talk) -> String {
    match talk.call.filter(|_| talk.is_inbound) {
        Some(call) => call.to_string(),
        None => format!("{:08x}-{}", seat & 0xffff_ffff, talk.id.0),
    }
}

/// The call of the phone that pages know by this name.
pub fn named(seat: u64, talks: &[Talk], wanted: &str) -> Option<TalkId> {
    talks.iter().find(|talk| name(seat, talk) == wanted).map(|talk| talk.id)
}

/// All contacts, those first that began first.
///
/// `has_phone`: whatever rings rings there, and is shown when it does.
pub fn contacts(
    seat: u64,
    (talks, has_phone): (&[Talk], bool),
    slots: &[Standing],
    offers: &[Offered],
) -> Vec<ContactLine> {
    let of_talk = |talk: &Talk| slots.iter().find(|slot| slot.call.is_some() && slot.call == talk.call);
    let mut lines: Vec<ContactLine> = talks
        .iter()
        .map(|talk| {
            let slot = of_talk(talk);
            let consults = talk.consults.and_then(|of| talks.iter().find(|talk| talk.id == of));
            let line = of_phone(seat, talk, (slot, consults));
            with_offer(line, slot, offers)
        })
        .collect();
    // A call that the agent makes has a slot before the phone has heard of which call it is.
    let is_dialling = talks.iter().any(|talk| talk.call.is_none() && !talk.is_over());
    let has_talk = |slot: &&Standing| talks.iter().any(|talk| talk.call.is_some() && talk.call == slot.call);
    let will_ring = |slot: &&Standing| has_phone && matches!(slot.state, "incoming" | "connecting");
    let is_hidden = |slot: &&Standing| is_dialling && slot.direction == "outbound" || will_ring(slot);
    for slot in slots.iter().filter(|slot| !has_talk(slot) && !is_hidden(slot)) {
        lines.push(with_offer(of_slot(slot), Some(slot), offers));
    }
    lines
}

fn with_offer(line: ContactLine, slot: Option<&Standing>, offers: &[Offered]) -> ContactLine {
    let offer = slot.and_then(|slot| offers.iter().rev().find(|offer| offer.contact == slot.contact));
    let (queue, waited_ms) = (offer.map(|offer| offer.queue.clone()), offer.map(|offer| offer.waited_ms));
    ContactLine { queue, waited_ms, ..line }
}

fn of_phone(seat: u64, talk: &Talk, (slot, consults): (Option<&Standing>, Option<&Talk>)) -> ContactLine {
    let own = if talk.is_inbound { "inbound" } else { "outbound" };
    ContactLine {
        id: name(seat, talk),
        direction: slot.map_or(own, |slot| slot.direction),
        state: state(talk, slot),
        since: slot.map_or(talk.since, |slot| slot.since.max(talk.since)),
        held: talk.is_held,
        muted: talk.is_muted,
        consults: consults.map(|talk| name(seat, talk)),
        from: text(&talk.from),
        to: text(&talk.to),
        name: text(&talk.name),
        queue: None,
        waited_ms: None,
        attributes: Map::new(),
        offer: text(&talk.offer),
        answer: text(&talk.answer),
        needs_attach: talk.needs_attach,
        acw_until: slot.and_then(|slot| slot.acw_until),
        ended: match &talk.stage {
            Stage::Over(ending) => Some(ended(ending)),
            _ => None,
        },
        call: talk.call.map(|call| call.to_string()),
    }
}

fn of_slot(slot: &Standing) -> ContactLine {
    let call = slot.call.map(|call| call.to_string());
    ContactLine {
        id: call.clone().unwrap_or_else(|| match slot.contact {
            ContactId::Call(call) => call.to_string(),
            ContactId::Callback(callback) => format!("callback-{callback}"),
        }),
        direction: slot.direction,
        state: slot.state,
        since: slot.since,
        held: slot.is_held,
        muted: false,
        consults: None,
        from: None,
        to: None,
        name: None,
        queue: None,
        waited_ms: None,
        attributes: Map::<String, Value>::new(),
        offer: None,
        answer: None,
        needs_attach: false,
        acw_until: slot.acw_until,
        ended: None,
        call,
    }
}

fn text(text: &Option<Box<str>>) -> Option<String> {
    text.as_deref().map(str::to_owned)
}

fn ended(ending: &Ending) -> Ended {
    let (_, text) = ending.cause.status();
    Ended { cause: ending.cause.name(), text: text.to_owned() }
}

/// The phone knows first what happens at the agent, the queues what is done with him.
fn state(talk: &Talk, slot: Option<&Standing>) -> &'static str {
    let of_slot = slot.map(|slot| slot.state);
    match (&talk.stage, of_slot) {
        (Stage::Ringing { .. }, Some(state @ ("incoming" | "missed" | "error"))) => state,
        (Stage::Ringing { .. } | Stage::Dialling(_), _) => "connecting",
        (Stage::Talking, Some(state @ ("pending" | "connecting")))
            if slot.is_some_and(|slot| slot.direction == "callback") =>
        {
            state
        }
        (Stage::Talking, _) => "connected",
        (Stage::Over(_), Some(state @ ("missed" | "error"))) => state,
        (Stage::Over(ending), None) if talk.is_inbound && !ending.was_answered => "missed",
        (Stage::Over(_), _) => "ended",
    }
}

/// For the history: what became of a call that is over.
pub fn past(talk: &Talk, line: &ContactLine) -> Option<Past> {
    let Stage::Over(ending) = &talk.stage else { return None };
    let began = talk.answered.unwrap_or(ending.at);
    let outcome = match (ending.was_answered, line.state) {
        (true, _) => "answered",
        (false, _) if !talk.is_inbound => "unanswered",
        (false, "error") => "error",
        (false, _) if ending.cause == crate::base::cause::Cause::Declined => "rejected",
        (false, _) => "missed",
    };
    Some(Past {
        at: began,
        direction: line.direction,
        number: if talk.is_inbound { line.from.clone() } else { line.to.clone() },
        queue: line.queue.clone(),
        duration_ms: ending.at.saturating_sub(began),
        outcome,
    })
}
