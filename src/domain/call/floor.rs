//! A talk under orders: who is held or muted, who takes part besides the pair, and who is being called for it. Relays no offer.

use crate::base::cause::Cause;
use crate::base::id::LegId;
use crate::base::now::earliest;
use crate::domain::call::dialler::Dialler;
use crate::domain::call::inform;
use crate::domain::call::interface::{CallEvent, CallOutput, Led, OnBehalf, TrunkOutcome};
use crate::domain::call::invite::Offered;
use crate::domain::call::joined::{Exchange, Joined};
use crate::domain::call::parts::Parts;
use crate::domain::call::phase::Answer;
use crate::domain::call::serving::caller;
use crate::domain::call::serving::dial::uri_of;
use crate::domain::call::streams::Hearing;
use crate::domain::call::transfer::Transfer;
use crate::domain::flow::interface::CallerId;
use crate::domain::leg::event::LegEvent;
use crate::domain::leg::inbound::GONE;
use crate::domain::routing::order::DialOrder;
use crate::domain::routing::request::OrderFault;
use crate::domain::routing::talk::TalkOrder;
use crate::media::command::SourceId;
use crate::media::matrix::{Hears, Matrix, Voice};
use std::time::Instant;

/// What orders have made of a talk. One that nobody gives orders for has nothing of this.
#[derive(Default)]
pub struct Floor {
    held: Vec<LegId>,
    muted: Vec<LegId>,
    /// Who talks besides the pair.
    guests: Vec<LegId>,
    adding: Option<Box<Adding>>,
}

/// Somebody is called to take part.
struct Adding {
    step: Step,
    when_given_up: Instant,
}

enum Step {
    /// Where does it lead? Asked under the number of a leg that is not made yet.
    Routing(LegId),
    Calling(Box<Dialler>),
}

impl Adding {
    fn is_for(&self, leg: LegId) -> bool {
        match &self.step {
            Step::Routing(asked) => *asked == leg,
            Step::Calling(dialler) => dialler.is_dialling(leg),
        }
    }

    fn give_up(&mut self, parts: &mut Parts, cause: Cause) {
        if let Step::Calling(dialler) = &mut self.step {
            dialler.give_up(parts, None, cause);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let dialler = match &self.step {
            Step::Routing(_) => None,
            Step::Calling(dialler) => dialler.deadline(),
        };
        earliest(Some(self.when_given_up), dialler)
    }
}

impl Floor {
    /// Whether the pair talks as pairs do, which spares the worker all decoding.
    fn is_plain(&self) -> bool {
        self.held.is_empty() && self.muted.is_empty() && self.guests.is_empty()
    }

    /// Who hears whom, with what is played to those who are held.
    fn matrix(&self, pair: (LegId, LegId), music: Option<SourceId>) -> Matrix {
        let all: Vec<LegId> = [pair.0, pair.1].into_iter().chain(self.guests.iter().copied()).collect();
        let mut pairs = Vec::new();
        for ear in &all {
            if self.held.contains(ear) {
                pairs.extend(music.map(|source| Hears { ear: *ear, voice: Voice::Source(source), gain: 0 }));
                continue;
            }
            let heard = all.iter().filter(|voice| *voice != ear && self.is_heard(**voice));
            pairs.extend(heard.map(|voice| Hears { ear: *ear, voice: Voice::Leg(*voice), gain: 0 }));
        }
        Matrix { pairs }
    }

    fn is_heard(&self, leg: LegId) -> bool {
        !self.held.contains(&leg) && !self.muted.contains(&leg)
    }

    fn forget(&mut self, leg: LegId) {
        for list in [&mut self.held, &mut self.muted, &mut self.guests] {
            list.retain(|one| *one != leg);
        }
    }
}

fn set(list: &mut Vec<LegId>, leg: LegId, is_on: bool) {
    list.retain(|one| *one != leg);
    if is_on {
        list.push(leg);
    }
}

fn no_leg(leg: LegId) -> OrderFault {
    OrderFault::new("no_such_leg", "leg", format!("leg {leg} has no part in this talk"))
}

impl Joined {
    fn floor(&mut self) -> &mut Floor {
        self.floor.get_or_insert_default()
    }

    /// Who hears whom while the two talk, and whoever takes part.
    pub(super) fn hearing(&self) -> Hearing {
        match &self.floor {
            Some(floor) if !floor.is_plain() => Hearing::Whole(floor.matrix(self.pair, self.music())),
            _ => Hearing::Each(self.pair.0, self.pair.1),
        }
    }

    fn is_guest(&self, leg: LegId) -> bool {
        self.floor.as_ref().is_some_and(|floor| floor.guests.contains(&leg))
    }

    /// Does what an order wants of the talk.
    pub(super) fn on_order(&mut self, parts: &mut Parts, order: TalkOrder) -> Result<(), OrderFault> {
        match order {
            TalkOrder::Hold { leg, is_on } => {
                self.takes_part(parts, leg)?;
                set(&mut self.floor().held, leg, is_on);
                let held = self.floor().held.last().copied();
                self.play_to_held(parts, held);
                Ok(())
            }
            TalkOrder::Mute { leg, is_on } => {
                self.takes_part(parts, leg)?;
                set(&mut self.floor().muted, leg, is_on);
                Ok(())
            }
            TalkOrder::Add(order) => self.add(parts, &order),
            TalkOrder::Remove(leg) => self.remove(parts, leg),
            TalkOrder::Transfer(order) => self.transfer_by_order(parts, &order),
            TalkOrder::SendDigits { .. } | TalkOrder::Inform(_) | TalkOrder::Recording(_) => Ok(()),
        }
    }

    /// Whoever is told apart from the others has to be heard through us.
    fn takes_part(&self, parts: &Parts, leg: LegId) -> Result<(), OrderFault> {
        if self.other(leg).is_none() && !self.is_guest(leg) {
            return Err(no_leg(leg));
        }
        match parts.streams.is_relayed {
            true => Ok(()),
            false => Err(OrderFault::new("no_media", "do", "the audio of this call does not go through us")),
        }
    }

    fn add(&mut self, parts: &mut Parts, order: &DialOrder) -> Result<(), OrderFault> {
        self.takes_part(parts, self.pair.0)?;
        if self.is_busy() || self.floor().adding.is_some() {
            return Err(OrderFault::new("busy", "do", "somebody is being called, or comes over, just now"));
        }
        let leg = self.ask_way(parts, order)?;
        let when_given_up = parts.wire.now.instant + order.timeout;
        self.floor().adding = Some(Box::new(Adding { step: Step::Routing(leg), when_given_up }));
        Ok(())
    }

    /// Asks where a number leads, for whoever is served.
    fn ask_way(&self, parts: &mut Parts, order: &DialOrder) -> Result<LegId, OrderFault> {
        let full = || OrderFault::new("too_many_legs", "do", "the call has as many legs as a call may have");
        let leg = parts.next_leg().ok_or_else(full)?;
        let shown = CallerId { number: order.caller_number.clone(), name: order.caller_name.clone() };
        let (name, caller) = ("engine".into(), parts.story.caller.clone());
        let by = OnBehalf::Flow { name, caller, shown, via: order.via.clone() };
        parts.outputs.push_back(CallOutput::Route { leg, by, uri: uri_of(&order.to) });
        Ok(leg)
    }

    fn transfer_by_order(&mut self, parts: &mut Parts, order: &DialOrder) -> Result<(), OrderFault> {
        if self.is_busy() || self.floor.as_ref().is_some_and(|floor| floor.adding.is_some()) {
            return Err(OrderFault::new("busy", "do", "somebody is being called, or comes over, just now"));
        }
        let leg = self.ask_way(parts, order)?;
        let (remaining, leaving) = self.pair;
        self.transfer = Some(Box::new(Transfer::ordered((leaving, remaining), leg)));
        Ok(())
    }

    fn remove(&mut self, parts: &mut Parts, leg: LegId) -> Result<(), OrderFault> {
        let has_guests = self.floor.as_ref().is_some_and(|floor| !floor.guests.is_empty());
        if self.is_guest(leg) {
            parts.hang_up(leg, Cause::Normal);
            self.floor().forget(leg);
            self.rest(parts);
            return Ok(());
        }
        if leg == parts.served || self.other(leg).is_none() {
            return Err(no_leg(leg));
        }
        if !has_guests || self.is_busy() {
            return Err(OrderFault::new("last_party", "leg", "nobody would be left: unbridge, or hang up"));
        }
        parts.hang_up(leg, Cause::Normal);
        self.stand_in(parts, leg);
        Ok(())
    }

    /// The first guest takes the place of a party that has left. `false`: there is none.
    pub(super) fn stand_in(&mut self, parts: &mut Parts, left: LegId) -> bool {
        let Some(floor) = &mut self.floor else { return false };
        floor.forget(left);
        let Some(guest) = floor.guests.first().copied() else { return false };
        let Some(remaining) = self.other(left) else { return false };
        self.floor().guests.retain(|one| *one != guest);
        self.pair = (remaining, guest);
        self.exchange = Exchange::Idle;
        self.let_go(parts, left, false);
        self.rest(parts);
        parts.say(format!("leg {guest} takes the place of leg {left}"));
        true
    }

    /// Whoever was held and is gone needs no music.
    fn rest(&mut self, parts: &mut Parts) {
        let held = self.floor().held.last().copied();
        self.play_to_held(parts, held);
    }

    /// The talk is over for all who took part besides the pair.
    pub(super) fn clear_floor(&mut self, parts: &mut Parts) {
        let Some(mut floor) = self.floor.take() else { return };
        if let Some(adding) = &mut floor.adding {
            adding.give_up(parts, Cause::Cancelled);
        }
        for guest in floor.guests {
            parts.hang_up(guest, Cause::Normal);
        }
        self.play_to_held(parts, None);
    }

    /// What happens at somebody who is called to take part, or does. `Err`: at somebody else.
    pub(super) fn on_floor(&mut self, parts: &mut Parts, leg: LegId, event: LegEvent) -> Result<(), LegEvent> {
        if self.is_guest(leg) {
            self.on_guest(parts, leg, event);
            return Ok(());
        }
        let is_mine = |adding: &mut Box<Adding>| adding.is_for(leg);
        let Some(mut adding) = self.floor.as_mut().and_then(|floor| floor.adding.take_if(is_mine)) else {
            return Err(event);
        };
        let nothing = match (event, &mut adding.step) {
            (LegEvent::Answered { .. }, Step::Calling(dialler)) => {
                dialler.give_up(parts, Some(leg), Cause::Normal);
                parts.event(CallEvent::Answered { leg });
                self.floor().guests.push(leg);
                parts.say(format!("leg {leg} takes part in the talk"));
                self.tell_holder(parts, "added", Some(leg));
                return Ok(());
            }
            (LegEvent::Progressed { message, .. }, _) if message.status() == 180 => {
                parts.event(CallEvent::Ringing { leg });
                None
            }
            (LegEvent::Failed(failure), Step::Calling(dialler)) => dialler.on_failed(parts, leg, failure),
            _ => None,
        };
        match nothing {
            None => self.floor().adding = Some(adding),
            Some(_) => self.tell_holder(parts, "not_added", None),
        }
        Ok(())
    }

    fn on_guest(&mut self, parts: &mut Parts, leg: LegId, event: LegEvent) {
        match event {
            LegEvent::Ended { .. } => {
                parts.say(format!("leg {leg} has left the talk"));
                self.floor().forget(leg);
                self.rest(parts);
                self.tell_holder(parts, "left", Some(leg));
            }
            LegEvent::Informed { request } => inform::answer(parts, &request, 200),
            LegEvent::Referred { request } => {
                parts.wire.respond_plain(request.server, &request.message, &request.from, GONE);
            }
            event => caller::on_event(parts, leg, event),
        }
    }

    /// What the switchboard says to somebody who is called to take part. `Err`: it is for somebody else.
    pub(super) fn on_floor_answer(&mut self, parts: &mut Parts, leg: LegId, answer: Answer) -> Result<(), Answer> {
        let is_mine = |adding: &mut Box<Adding>| adding.is_for(leg);
        let Some(mut adding) = self.floor.as_mut().and_then(|floor| floor.adding.take_if(is_mine)) else {
            return Err(answer);
        };
        let nothing = match (&mut adding.step, answer) {
            (Step::Routing(_), Answer::Routed(Ok(Led { stages, .. }))) => {
                let mut dialler = Dialler::new(stages, Offered::Ours);
                let nothing = dialler.advance(parts);
                adding.step = Step::Calling(Box::new(dialler));
                nothing.map(|_| ())
            }
            (Step::Routing(_), Answer::Routed(Err(refused))) => {
                parts.say(format!("nobody more can be called: {}", refused.words));
                Some(())
            }
            (Step::Calling(dialler), answer) => dialler.on_answer(parts, leg, answer).map(|_| ()),
            (Step::Routing(_), Answer::Seized(Ok(()))) => {
                parts.release(leg, TrunkOutcome::Unknown);
                None
            }
            (Step::Routing(_), _) => None,
        };
        match nothing {
            None => self.floor().adding = Some(adding),
            Some(()) => self.tell_holder(parts, "not_added", None),
        }
        Ok(())
    }

    pub(super) fn floor_due(&mut self, parts: &mut Parts) {
        let now = parts.wire.now.instant;
        let Some(mut adding) = self.floor.as_mut().and_then(|floor| floor.adding.take()) else { return };
        if adding.when_given_up <= now {
            parts.say("whoever was to take part has not answered in time");
            adding.give_up(parts, Cause::NoAnswer);
            return self.tell_holder(parts, "not_added", None);
        }
        let nothing = match &mut adding.step {
            Step::Calling(dialler) => dialler.handle_deadline(parts),
            Step::Routing(_) => None,
        };
        match nothing {
            None => self.floor().adding = Some(adding),
            Some(_) => self.tell_holder(parts, "not_added", None),
        }
    }

    pub(super) fn floor_deadline(&self) -> Option<Instant> {
        self.floor.as_ref()?.adding.as_ref()?.deadline()
    }
}
