//! Two parties talk: offers and answers pass from one to the other, and the end of one is the end of the other.

use crate::base::cause::{Cause, Fault};
use crate::base::id::{CallId, LegId};
use crate::base::now::earliest;
use crate::domain::call::ending::Ending;
use crate::domain::call::floor::Floor;
use crate::domain::call::handover::{Handover, Lending, answer_stray};
use crate::domain::call::inform::{self, Infos};
use crate::domain::call::interface::{CallEvent, Command, News, Slip, TrunkOutcome};
use crate::domain::call::invite;
use crate::domain::call::parts::Parts;
use crate::domain::call::phase::{Answer, Phase};
use crate::domain::call::serving::Serving;
use crate::domain::call::serving::asking::reply;
use crate::domain::call::serving::commanding::Commanded;
use crate::domain::call::transfer::{Transfer, TransferStep};
use crate::domain::leg::event::{LegEvent, Request, description};
use crate::domain::leg::inbound::GONE;
use crate::domain::leg::leg::Leg;
use crate::domain::leg::offer::{NotOffered, Purpose};
use crate::domain::routing::request::OrderFault;
use crate::media::command::SourceId;
use crate::media::event::SourceOutcome;
use crate::protocol::sip::message::message::Message;
use crate::protocol::sip::message::method::Method;
use bytes::Bytes;
use std::time::Instant;

pub struct Joined {
    pub(super) pair: (LegId, LegId),
    pub(super) exchange: Exchange,
    pub(super) when_too_long: Option<Instant>,
    pub(super) transfer: Option<Box<Transfer>>,
    /// One of the pair is about to go over to another call.
    pub(super) lending: Option<Box<Lending>>,
    /// What a party had of us, to be said again once it has answered an offer that came to nothing meanwhile.
    amends: Option<(LegId, Bytes)>,
    infos: Infos,
    pub(super) floor: Option<Box<Floor>>,
    /// The flow that waits for the end of the talk.
    pub(super) behind: Option<Box<Serving>>,
}

/// The one offer that is between the two legs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Exchange {
    Idle,
    /// One leg's peer has asked, the other's has to answer.
    Asked {
        by: LegId,
    },
    /// The ACK of this leg's peer will answer the other's offer.
    AnswerInAck {
        of: LegId,
    },
}

impl Joined {
    /// The caller and the one who answered. An offer in the answer is answered by the caller's ACK.
    pub fn new(parts: &mut Parts, callee: LegId, has_offer: bool) -> Joined {
        let served = parts.served;
        // An offer of the early dialog may still be under way.
        let mut is_asked = |leg| parts.with(leg, |leg, _| leg.established().is_some_and(|(state, _)| state.is_asked()));
        let exchange = match (has_offer, is_asked(served), is_asked(callee)) {
            (true, ..) => Exchange::AnswerInAck { of: served },
            (false, Some(true), _) => Exchange::Asked { by: served },
            (false, _, Some(true)) => Exchange::Asked { by: callee },
            _ => Exchange::Idle,
        };
        let when_too_long = parts.wire.now.instant.checked_add(parts.story.max_duration);
        Joined {
            pair: (served, callee),
            exchange,
            when_too_long,
            transfer: None,
            lending: None,
            amends: None,
            infos: Infos::default(),
            floor: None,
            behind: None,
        }
    }

    /// The flow that had the two joined goes on when the other party is gone; the call's time goes on from its answer.
    pub fn behind(&mut self, serving: Box<Serving>, when_too_long: Option<Instant>) {
        self.behind = Some(serving);
        self.when_too_long = when_too_long;
    }

    /// What comes for the flow meanwhile.
    pub fn overhear(&mut self, parts: &mut Parts, slip: Slip, news: News) {
        match &mut self.behind {
            Some(serving) => serving.overhear(parts, slip, news),
            None => {
                if let News::Taping { tap, place: Some(_) } = news {
                    parts.stop_tap(tap);
                }
            }
        }
    }

    /// The holder of the lease, while the two talk.
    pub fn on_command(mut self: Box<Self>, parts: &mut Parts, command: Command) -> Phase {
        let to = command.reply;
        let commanded = match &mut self.behind {
            Some(serving) => serving.command(parts, command, true),
            None => Err(OrderFault::new("no_lease", "lease", "nobody holds a lease of this call")),
        };
        let other = self.pair.1;
        match commanded {
            Ok((taken, Commanded::Talk(order))) => {
                let outcome = self.on_order(parts, order);
                reply(parts, to, outcome.map(|()| taken));
                Phase::Joined(self)
            }
            Ok((taken, commanded)) => {
                reply(parts, to, Ok(taken));
                match commanded {
                    Commanded::Goes | Commanded::Talk(_) => Phase::Joined(self),
                    Commanded::HangUp(cause) => self.end(parts, cause, Fault::Nobody),
                    Commanded::Unbridge => {
                        self.clear_floor(parts);
                        parts.hang_up(other, Cause::Normal);
                        match self.behind.take() {
                            Some(serving) => serving.party_left(parts, other, Cause::Normal),
                            None => Phase::Joined(self),
                        }
                    }
                }
            }
            Err(fault) => {
                reply(parts, to, Err(fault));
                Phase::Joined(self)
            }
        }
    }

    pub fn holder_gone(&mut self, parts: &mut Parts, holder: &str) {
        if let Some(serving) = &mut self.behind {
            serving.holder_gone(parts, holder);
        }
    }

    /// What is played to whoever is held.
    pub(super) fn music(&self) -> Option<SourceId> {
        self.behind.as_ref().and_then(|serving| serving.aside_source())
    }

    pub(super) fn play_to_held(&mut self, parts: &mut Parts, held: Option<LegId>) {
        if let Some(serving) = &mut self.behind {
            serving.play_aside(parts, held);
        }
    }

    pub fn on_source(&mut self, parts: &mut Parts, source: SourceId, outcome: SourceOutcome) {
        if let Some(serving) = &mut self.behind {
            serving.aside_played(parts, source, outcome);
        }
    }

    /// Whoever has control hears what came of a longer order.
    pub(super) fn tell_holder(&mut self, parts: &mut Parts, came: &'static str, leg: Option<LegId>) {
        if let Some(serving) = &mut self.behind {
            serving.tell_of_talk(parts, came, leg);
        }
    }

    /// The call ends with the talk.
    pub fn end(mut self: Box<Self>, parts: &mut Parts, cause: Cause, fault: Fault) -> Phase {
        self.clear_floor(parts);
        if let Some(mut serving) = self.behind.take() {
            serving.dismiss(parts);
        }
        Ending::begin(parts, cause, fault)
    }

    /// The other party of the pair; `None` for legs that stand outside.
    pub(super) fn other(&self, leg: LegId) -> Option<LegId> {
        match self.pair {
            (a, b) if a == leg => Some(b),
            (a, b) if b == leg => Some(a),
            _ => None,
        }
    }

    pub fn on_leg(mut self: Box<Self>, parts: &mut Parts, leg: LegId, event: LegEvent) -> Phase {
        let event = match self.on_floor(parts, leg, event) {
            Ok(()) => return Phase::Joined(self),
            Err(event) => event,
        };
        if let Some(transfer) = self.transfer.take() {
            match Transfer::on_leg(transfer, &mut self, parts, (leg, event)) {
                TransferStep::Taken => return Phase::Joined(self),
                TransferStep::Over(cause, fault) => return self.end(parts, cause, fault),
                TransferStep::NotMine(event) => return self.on_pair(parts, leg, event),
            }
        }
        let event = match self.lending.take() {
            None => event,
            Some(lending) => match lending.on_leg(&mut self, parts, (leg, event)) {
                TransferStep::Taken => return Phase::Joined(self),
                TransferStep::Over(cause, fault) => return self.end(parts, cause, fault),
                TransferStep::NotMine(event) => event,
            },
        };
        self.on_pair(parts, leg, event)
    }

    /// What another call says: to the transfer that has asked it, or to claim one of the pair.
    pub fn on_word(mut self: Box<Self>, parts: &mut Parts, from: CallId, word: Handover) -> Phase {
        if let Some(transfer) = self.transfer.take_if(|transfer| transfer.claims_of(from)) {
            return match Transfer::on_word(transfer, &mut self, parts, word) {
                TransferStep::Over(cause, fault) => self.end(parts, cause, fault),
                TransferStep::Taken | TransferStep::NotMine(_) => Phase::Joined(self),
            };
        }
        if let Some(lending) = self.lending.take_if(|lending| lending.claimer() == from) {
            return lending.on_word(self, parts, word);
        }
        match word {
            Handover::Claim(claim) => Lending::begin(&mut self, parts, from, &claim),
            other => answer_stray(parts, from, other),
        }
        Phase::Joined(self)
    }

    fn on_pair(mut self: Box<Self>, parts: &mut Parts, leg: LegId, event: LegEvent) -> Phase {
        let Some(other) = self.other(leg) else {
            self.on_outsider(parts, event);
            return Phase::Joined(self);
        };
        match event {
            LegEvent::Offered { method, offer } => self.on_offered(parts, (leg, other), (method, offer)),
            LegEvent::OfferedEarly { offer, .. } => self.on_offered(parts, (leg, other), (Method::Update, Some(offer))),
            LegEvent::Accepted { message, offer } => self.on_accepted(parts, (leg, other), (&message, offer)),
            LegEvent::Declined { status } => {
                self.amends = self.amends.take().filter(|(of, _)| *of != leg);
                self.on_declined(parts, other, status);
            }
            LegEvent::Withdrawn => self.exchange = Exchange::Idle,
            LegEvent::Acknowledged { message } => self.on_acknowledged(parts, (leg, other), &message),
            LegEvent::EarlyAnswer { message } => self.on_acknowledged(parts, (leg, other), &message),
            LegEvent::Informed { request } => self.infos.pass(parts, (leg, other), request),
            LegEvent::Told { client, status } => self.infos.answered(parts, client, status),
            LegEvent::Parted { message } => part(parts, (leg, other), &message),
            LegEvent::Referred { request } => return self.on_referred(parts, leg, *request),
            LegEvent::Ended { cause, fault } => {
                let name = parts.leg(leg).map(|leg| leg.line.facts.name.clone()).unwrap_or_default();
                parts.say([&*name, " has ended: ", cause.name()].concat());
                self.infos.end(parts);
                if other == parts.served && self.stand_in(parts, leg) {
                    return Phase::Joined(self);
                }
                self.clear_floor(parts);
                if other == parts.served
                    && let Some(serving) = self.behind.take()
                {
                    return serving.party_left(parts, leg, cause);
                }
                return self.end(parts, cause, fault);
            }
            LegEvent::Cancelled { cause } => {
                // The callee had answered, but the caller's 200 still waited for a PRACK.
                parts.say("the caller gave up");
                parts.story.answered_at = None;
                return self.end(parts, cause, Fault::Caller);
            }
            _ => {}
        }
        Phase::Joined(self)
    }

    /// What one party wants to change, the other is asked.
    fn on_offered(&mut self, parts: &mut Parts, legs: (LegId, LegId), what: (Method, Option<Bytes>)) {
        let ((leg, other), (method, offer)) = (legs, what);
        note_hold(parts, leg);
        let asked = if self.exchange == Exchange::Idle && self.lending.is_none() {
            parts.with(other, |leg, wire| {
                let Some((state, line)) = leg.established() else { return Err(NotOffered::Pending) };
                state.offer(line, wire, method, (Purpose::Relay, offer.as_deref()))
            })
        } else {
            Some(Err(NotOffered::Pending))
        };
        let refusal = match asked {
            Some(Ok(())) => {
                self.exchange = Exchange::Asked { by: leg };
                return;
            }
            Some(Err(NotOffered::Pending)) | None => (491, "Request Pending"),
            Some(Err(NotOffered::Media(_))) => (488, "Not Acceptable Here"),
        };
        refuse(parts, leg, refusal);
    }

    /// The other party has agreed: so is the one who asked told.
    fn on_accepted(&mut self, parts: &mut Parts, legs: (LegId, LegId), what: (&Message, Option<Bytes>)) {
        let ((leg, asker), (message, offer)) = (legs, what);
        if self.exchange != (Exchange::Asked { by: asker }) {
            // Nobody waits for it any more; an offer still has to have its acknowledgement.
            return match self.amends.take_if(|(of, _)| *of == leg) {
                Some((_, before)) => self.take_back(parts, leg, Some(before)),
                None => acknowledge(parts, leg, None),
            };
        }
        let described = offer.as_deref().or_else(|| description(message));
        let taken = parts.with(asker, |leg, wire| {
            leg.established().map(|(state, line)| state.accept(line, wire, described)).transpose()
        });
        self.exchange = Exchange::Idle;
        match taken {
            Some(Ok(_)) if offer.is_some() => self.exchange = Exchange::AnswerInAck { of: asker },
            Some(Ok(_)) => {}
            Some(Err(_)) | None => {
                refuse(parts, asker, (488, "Not Acceptable Here"));
                acknowledge(parts, leg, None);
            }
        }
    }

    /// What a leg's peer was asked no longer holds: it hears again of what held before, at once or when it has answered.
    pub(super) fn take_back(&mut self, parts: &mut Parts, leg: LegId, before: Option<Bytes>) {
        let Some(before) = before else { return };
        let is_said = parts
            .with(leg, |leg, wire| leg.established().is_none_or(|(state, line)| state.take_back(line, wire, &before)));
        if is_said == Some(false) {
            self.amends = Some((leg, before));
        }
    }

    /// A leg that is on its way out, or not in yet.
    fn on_outsider(&mut self, parts: &mut Parts, event: LegEvent) {
        match event {
            LegEvent::Informed { request } => inform::answer(parts, &request, 200),
            LegEvent::Told { client, status } => self.infos.answered(parts, client, status),
            LegEvent::Referred { request } => {
                parts.wire.respond_plain(request.server, &request.message, &request.from, GONE);
            }
            _ => {}
        }
    }

    fn on_declined(&mut self, parts: &mut Parts, asker: LegId, status: u16) {
        if self.exchange == (Exchange::Asked { by: asker }) {
            self.exchange = Exchange::Idle;
            let answer = match status {
                415 => (415, "Unsupported Media Type"),
                491 => (491, "Request Pending"),
                500..=599 => (500, "Server Internal Error"),
                600.. => (603, "Decline"),
                _ => (488, "Not Acceptable Here"),
            };
            refuse(parts, asker, answer);
        }
    }

    fn on_acknowledged(&mut self, parts: &mut Parts, legs: (LegId, LegId), message: &Message) {
        if self.exchange == (Exchange::AnswerInAck { of: legs.0 }) {
            self.exchange = Exchange::Idle;
            acknowledge(parts, legs.1, description(message));
            note_hold(parts, legs.0);
        }
    }

    fn on_referred(mut self: Box<Self>, parts: &mut Parts, leg: LegId, request: Request) -> Phase {
        let Some(remaining) = self.other(leg) else { return Phase::Joined(self) };
        self.transfer = match self.is_busy() {
            true => {
                let (server, from, message) = (request.server, &request.from, &request.message);
                parts.wire.respond_plain(server, message, from, (491, "Request Pending"));
                self.transfer
            }
            false => Transfer::begin(parts, (leg, remaining), &request).map(Box::new),
        };
        Phase::Joined(self)
    }

    pub fn on_answer(mut self: Box<Self>, parts: &mut Parts, leg: LegId, answer: Answer) -> Phase {
        let answer = match self.on_floor_answer(parts, leg, answer) {
            Ok(()) => return Phase::Joined(self),
            Err(answer) => answer,
        };
        if let Answer::Opened(has_port) = answer
            && self.other(leg).is_some()
        {
            return self.on_opened(parts, leg, has_port);
        }
        let Some(transfer) = self.transfer.take() else {
            if matches!(answer, Answer::Seized(Ok(()))) {
                parts.release(leg, TrunkOutcome::Unknown);
            }
            return Phase::Joined(self);
        };
        if let Some(script) = transfer.script_of(leg, &answer) {
            return self.serve(parts, transfer, script);
        }
        match Transfer::on_answer(transfer, &mut self, parts, (leg, answer)) {
            TransferStep::Over(cause, fault) => self.end(parts, cause, fault),
            TransferStep::Taken | TransferStep::NotMine(_) => Phase::Joined(self),
        }
    }

    pub fn handle_deadline(mut self: Box<Self>, parts: &mut Parts) -> Phase {
        if self.when_too_long.is_some_and(|when| when <= parts.wire.now.instant) {
            parts.say("the longest duration of a call is reached");
            return self.end(parts, Cause::MaxDuration, Fault::Nobody);
        }
        if let Some(serving) = &mut self.behind {
            serving.lease_due(parts);
            serving.aside_due(parts);
        }
        self.floor_due(parts);
        if let Some(transfer) = self.transfer.take()
            && let TransferStep::Over(cause, fault) = Transfer::handle_deadline(transfer, &mut self, parts)
        {
            return self.end(parts, cause, fault);
        }
        match self.lending.take() {
            Some(lending) => lending.handle_deadline(self, parts),
            None => Phase::Joined(self),
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        let transfer = self.transfer.as_ref().and_then(|transfer| transfer.deadline());
        let lending = self.lending.as_ref().map(|lending| lending.deadline());
        let lease = self.behind.as_ref().and_then(|serving| serving.lease_deadline());
        let aside = self.behind.as_ref().and_then(|serving| serving.aside_deadline());
        let floor = earliest(self.floor_deadline(), aside);
        earliest(earliest(self.when_too_long, transfer), earliest(floor, earliest(lending, lease)))
    }
}

impl Joined {
    /// A leg that came from another call has a port in this one: its peer is told where its audio goes from now on.
    fn on_opened(self: Box<Self>, parts: &mut Parts, leg: LegId, has_port: bool) -> Phase {
        if !has_port {
            parts.say("no port for audio is free");
            return self.end(parts, Cause::LimitReached, Fault::Ours);
        }
        parts.relay(leg);
        let told = parts.with(leg, |leg, wire| {
            let (state, line) = leg.established()?;
            state.tell_address(line, wire).ok()
        });
        if told.flatten().is_none() {
            parts.say("the party that came over cannot be told where its audio goes");
        }
        Phase::Joined(self)
    }
}

/// Says no to what a leg's peer has asked.
fn refuse(parts: &mut Parts, leg: LegId, answer: (u16, &str)) {
    parts.with(leg, |leg, wire| {
        if let Some((state, line)) = leg.established() {
            state.refuse(line, wire, answer);
        }
    });
}

/// The ACK that a leg owes, with the answer where there is one.
pub(super) fn acknowledge(parts: &mut Parts, leg: LegId, answer: Option<&[u8]>) {
    parts.with(leg, |leg, wire| {
        if let Some((state, line)) = leg.established() {
            state.acknowledge(line, wire, answer);
        }
    });
}

/// Tells those who watch when a party puts the other on hold or takes it back.
fn note_hold(parts: &mut Parts, id: LegId) {
    let change = parts.with(id, |leg: &mut Leg, _| {
        let line = &mut leg.line;
        let changed = line.is_held != line.was_held;
        line.was_held = line.is_held;
        changed.then_some(line.is_held)
    });
    match change.flatten() {
        Some(true) => parts.event(CallEvent::Held { leg: id }),
        Some(false) => parts.event(CallEvent::Resumed { leg: id }),
        None => {}
    }
}

/// What a BYE says of its own goes along with the one to the other side (RFC 7433).
fn part(parts: &mut Parts, legs: (LegId, LegId), message: &Message) {
    let crossing = invite::passed(parts, legs, message);
    parts.with(legs.1, |leg, _| leg.line.parting = crossing.into());
}
