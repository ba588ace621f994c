//! Agents whom an engine has chosen, offered the caller one after the other by way of their own queues. Chooses nobody.

use crate::base::id::LegId;
use crate::domain::call::interface::CallOutput;
use crate::domain::call::parts::Parts;
use crate::domain::call::phase::Phase;
use crate::domain::call::serving::Serving;
use crate::domain::call::serving::attendant::Attendant;
use crate::domain::flow::act::RouteReason;
use crate::domain::flow::definition::Kind;
use crate::domain::queue::interface::{ContactId, Place, QueueInput, QueueRefusal};
use crate::domain::routing::engine::Engine;
use crate::domain::routing::piece;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Those who are still to be offered the caller.
pub struct Offers {
    engine: Arc<Engine>,
    kind: Kind,
    rest: VecDeque<Arc<str>>,
    each: Duration,
    /// When the next one's turn is, unless somebody's phone rings just then.
    when_next: Option<Instant>,
}

/// An offer cannot be taken back in the moment in which it is made.
const SOON: Duration = Duration::from_secs(1);

impl Offers {
    pub fn new(engine: Arc<Engine>, kind: Kind, rest: &[Box<str>], each: Duration) -> Offers {
        let rest = rest.iter().map(|name| Arc::from(&**name)).collect();
        Offers { engine, kind, rest, each, when_next: None }
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.when_next
    }
}

impl Serving {
    pub(super) fn has_offers(&self) -> bool {
        self.queued.as_ref().is_some_and(|queued| queued.offers.is_some())
    }

    fn offers(&mut self) -> Option<&mut Offers> {
        self.queued.as_mut()?.offers.as_deref_mut()
    }

    /// The caller waits for the agent whose turn it is.
    pub(super) fn offers_wait(&mut self, parts: &Parts) {
        let now = parts.wire.now.instant;
        if let Some(offers) = self.offers() {
            offers.when_next = now.checked_add(offers.each);
        }
    }

    /// This agent does not take the call.
    pub(super) fn next_offer(&mut self, parts: &mut Parts) {
        let contact = ContactId::Call(parts.wire.call);
        let now = parts.wire.now.instant;
        let Some(offers) = self.offers() else { return };
        offers.when_next = now.checked_add(offers.each);
        let input = match offers.rest.pop_front() {
            Some(agent) => {
                parts.say(format!("the next to be offered the call is {agent}"));
                QueueInput::Move { contact, place: Place::Agent(agent) }
            }
            None => QueueInput::Leave { contact },
        };
        parts.outputs.push_back(CallOutput::Queue(Box::new(input)));
    }

    /// What was asked of the queues was not done.
    pub(super) fn offers_refused(&mut self, parts: &mut Parts, why: QueueRefusal) {
        let soon = parts.wire.now.instant.checked_add(SOON);
        let Some(offers) = self.offers() else { return };
        match why {
            QueueRefusal::Offered => offers.when_next = soon,
            QueueRefusal::NotThere => offers.when_next = None,
            QueueRefusal::TooManyMoves => {
                offers.rest.clear();
                self.next_offer(parts);
            }
            _ => self.next_offer(parts),
        }
    }

    pub(super) fn offers_due(&mut self, parts: &mut Parts) {
        let now = parts.wire.now.instant;
        let is_due = |offers: &mut Offers| offers.when_next.is_some_and(|when| when <= now);
        if self.offers().is_none_or(|offers| !is_due(offers)) {
            return;
        }
        match self.queued.as_ref().is_some_and(|queued| queued.is_ringing()) {
            // The queue says when that is over.
            true => {
                if let Some(offers) = self.offers() {
                    offers.when_next = now.checked_add(SOON);
                }
            }
            false => self.next_offer(parts),
        }
    }

    /// Nobody is left: the engine is asked again.
    pub(super) fn offers_over(mut self: Box<Self>, parts: &mut Parts) -> Phase {
        let Some(mut queued) = self.queued.take() else { return self.go_on(parts) };
        if let Some(music) = queued.take_music() {
            parts.stop_playing(music);
        }
        let Some(offers) = queued.offers.take() else { return self.go_on(parts) };
        parts.say("none of the agents took the call");
        let fallback = self.engaged().fallback.clone();
        let stand = self.stand(&offers.engine, &fallback, false);
        let stand = piece::Stand { kind: offers.kind, ..stand };
        let flow = piece::again(stand, RouteReason::NoAnswer);
        let Some(flow) = flow else { return self.go_on(parts) };
        let memory = self.attendant.take_memory();
        self.attendant.leave(parts);
        self.attendant = Attendant::begin(parts, (&self.script.book, &flow), memory, LegId::CALLER);
        self.go_on(parts)
    }
}
