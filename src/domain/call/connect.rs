//! A caller waits while we call for it: progress passes up, the first answer joins, the last failure refuses.

use crate::base::cause::{Cause, Fault};
use crate::base::id::LegId;
use crate::domain::call::dialler::{Blame, Dialler};
use crate::domain::call::early;
use crate::domain::call::ending::Ending;
use crate::domain::call::inform;
use crate::domain::call::interface::{CallEvent, Party, Refused, Script, Stage, TrunkOutcome};
use crate::domain::call::invite::{self, Asked, Offered};
use crate::domain::call::joined::Joined;
use crate::domain::call::opening::Opening;
use crate::domain::call::parts::{Parts, fault_of};
use crate::domain::call::phase::{Answer, Phase, Routing};
use crate::domain::call::refusal::refuse_caller;
use crate::domain::call::replacing::Replacing;
use crate::domain::call::serving::Serving;
use crate::domain::call::transfer::stages_that_replace;
use crate::domain::leg::event::{Failure, FailureReason, LegEvent, Request, description};
use crate::domain::leg::inbound::{Inbound, Progress, Rejection, Source};
use crate::domain::leg::leg::{Leg, Line, target_of};
use crate::domain::trunk::media::MediaRoute;
use crate::protocol::sip::message::header::HeaderName;
use crate::protocol::sip::message::message::Message;
use crate::protocol::sip::replaces::Replaces;
use bytes::Bytes;
use std::time::Instant;

pub struct Connecting {
    dialler: Dialler,
    /// Who has made an offer in a reliable provisional response; the caller's PRACK will answer it.
    early_offer_of: Option<LegId>,
    /// Who is heard before anybody has answered: the last one to describe its audio.
    early: Option<LegId>,
    /// The flow that serves the caller when nobody can be had.
    script: Option<Box<Script>>,
}

impl Connecting {
    /// Takes the caller's INVITE and calls for it.
    pub fn begin(routing: Routing, parts: &mut Parts, request: Request) -> Phase {
        let Some(id) = parts.next_leg() else { return Phase::Ending(Ending) };
        let Parts { wire, story, .. } = parts;
        let number = story.identity.number.clone();
        let listener = request.from.listener;
        let mut line = Line::new(wire, id, story.caller.clone(), target_of(request.from), &number);
        let is_relayed =
            routing.refusal.is_none() && (routing.script.is_some() || is_relayed(&story.caller, &routing.stages));
        if is_relayed {
            let relaying = story.caller.relaying(line.target.path.transport, story.caller.media().recode);
            line.media.relay(relaying, &mut wire.entropy);
        }
        let (inbound, fault) = Inbound::new(&mut line, wire, request);
        let party = line.facts.name.clone();
        if let Some(why) = fault {
            let cause = inbound.refuse_outright(&mut line, wire, &why);
            parts.legs.push(Leg::refused(line));
            parts.say(format!("the INVITE cannot be taken: {}", cause.name()));
            parts.event(CallEvent::LegStarted { leg: id, party });
            parts.leg_ended(id, cause, TrunkOutcome::Spoke);
            return Ending::begin(parts, cause, Fault::Caller);
        }
        parts.legs.push(Leg::inbound(line, inbound));
        parts.event(CallEvent::LegStarted { leg: id, party });
        if let Some(refused) = routing.refusal {
            return refuse(parts, &refused);
        }
        parts.streams.is_relayed = is_relayed;
        if parts.open_stream(id, listener) {
            return Phase::Opening(Box::new(Opening { stages: routing.stages, script: routing.script }));
        }
        Connecting::proceed(parts, routing.stages, routing.script)
    }

    /// Calls for the caller, whose end is known.
    pub fn proceed(parts: &mut Parts, stages: Vec<Stage>, mut script: Option<Box<Script>>) -> Phase {
        let mut dialler = match replaced(parts) {
            Replaced::Nothing => {
                if let Some(script) = script.take_if(|_| stages.is_empty()) {
                    return Serving::begin(parts, script);
                }
                Dialler::new(stages, Offered::Callers)
            }
            Replaced::Unreadable => {
                return refuse_with(parts, (400, "Bad Replaces"), Cause::PeerMisbehaved);
            }
            Replaced::Dialog(replaces) => {
                let text: Box<str> = replaces.to_string().into();
                if let Some(phase) = Replacing::begin(parts, replaces) {
                    return phase;
                }
                let stages = stages_that_replace(stages);
                if stages.is_empty() {
                    parts.say("the INVITE names a dialog that is not ours, and nobody is called who takes Replaces");
                    return refuse_with(parts, (481, "Call/Transaction Does Not Exist"), Cause::Rejected);
                }
                let mut dialler = Dialler::new(stages, Offered::Callers);
                let by = parts.story.caller.clone();
                dialler.asked = Some(Box::new(Asked { by, replaces: Some(text), headers: "".into() }));
                dialler
            }
        };
        let nothing = dialler.advance(parts);
        Box::new(Connecting { dialler, early_offer_of: None, early: None, script }).unless(parts, nothing)
    }

    /// Stays as it is, unless nothing is left to try.
    fn unless(self: Box<Self>, parts: &mut Parts, nothing_left: Option<Blame>) -> Phase {
        match nothing_left {
            None => Phase::Connecting(self),
            Some(_) if self.script.is_some() => match self.script {
                Some(script) => Serving::begin(parts, script),
                None => Phase::Ending(Ending),
            },
            Some(blame) => {
                refuse_caller(parts, &blame.failure, blame.retry_after);
                Ending::begin(parts, blame.failure.cause, blame.fault)
            }
        }
    }

    pub fn on_leg(mut self: Box<Self>, parts: &mut Parts, leg: LegId, event: LegEvent) -> Phase {
        match event {
            LegEvent::Cancelled { cause } => self.abandon(parts, cause, "the caller gave up"),
            LegEvent::Ended { cause, .. } if leg == LegId::CALLER => self.abandon(parts, cause, "the caller is gone"),
            LegEvent::EarlyAnswer { message } => {
                self.on_early_answer(parts, &message);
                Phase::Connecting(self)
            }
            LegEvent::Progressed { fork, message, offer } => {
                let source = Source { leg, fork };
                match self.on_progress(parts, source, (&message, offer)) {
                    true => Phase::Connecting(self),
                    false => {
                        let failure = Failure::of(Cause::MediaNotAcceptable, FailureReason::Media);
                        parts.hang_up(leg, Cause::MediaNotAcceptable);
                        let nothing = self.dialler.on_failed(parts, leg, failure);
                        self.unless(parts, nothing)
                    }
                }
            }
            LegEvent::Answered { fork, message, offer } => {
                self.on_answered(parts, Source { leg, fork }, (&message, offer))
            }
            LegEvent::Informed { request } => {
                inform::answer(parts, &request, 200);
                Phase::Connecting(self)
            }
            LegEvent::OfferedEarly { source, offer } => {
                early::offered(parts, leg, source, &offer);
                Phase::Connecting(self)
            }
            LegEvent::AnsweredEarly { source, answer } => {
                early::answered(parts, leg, source, answer);
                Phase::Connecting(self)
            }
            LegEvent::Failed(failure) => {
                early::over(parts, leg);
                self.early = self.early.filter(|early| *early != leg);
                let nothing = self.dialler.on_failed(parts, leg, failure);
                self.unless(parts, nothing)
            }
            LegEvent::Referred { request } => {
                let (server, from, message) = (request.server, &request.from, &request.message);
                parts.wire.respond_plain(server, message, from, (403, "Forbidden"));
                Phase::Connecting(self)
            }
            _ => Phase::Connecting(self),
        }
    }

    fn abandon(&mut self, parts: &mut Parts, cause: Cause, words: &str) -> Phase {
        parts.say(words);
        self.dialler.give_up(parts, None, cause);
        Ending::begin(parts, cause, Fault::Caller)
    }

    fn on_early_answer(&mut self, parts: &mut Parts, message: &Message) {
        let (Some(leg), Some(answer)) = (self.early_offer_of.take(), description(message)) else { return };
        let taken = parts.with(leg, |leg, wire| {
            leg.dialled().map(|(dialled, line)| dialled.answer_early(line, wire, answer)).transpose()
        });
        if let Some(Err(refusal)) = taken {
            parts.say(format!("the caller's early answer cannot be passed on: {}", refusal.words()));
        }
    }

    /// Passes progress up. `false`: the caller cannot take what is described.
    fn on_progress(&mut self, parts: &mut Parts, source: Source, what: (&Message, Option<Bytes>)) -> bool {
        let (message, offer) = what;
        let described = offer.as_deref().or_else(|| description(message));
        let status = message.status();
        let is_first = parts.story.ringing_at.is_none();
        if status == 180 && is_first {
            parts.story.ringing_at = Some(parts.wire.now.unix_millis());
            parts.say("it rings");
        }
        if status == 180 {
            parts.event(CallEvent::Ringing { leg: source.leg });
        }
        if described.is_some() {
            self.early = Some(source.leg);
            parts.event(CallEvent::EarlyMedia { leg: source.leg });
        } else if self.dialler.has_several() && !is_first {
            // Of several that ring, one is enough for the caller.
            return true;
        }
        if offer.is_some() {
            self.early_offer_of = Some(source.leg);
        }
        let headers = invite::passed(parts, (source.leg, LegId::CALLER), message);
        let progress = Progress { status, phrase: phrase(status), source, description: described, headers: &headers };
        let passed = parts.with(LegId::CALLER, |leg, wire| leg.progress(wire, &progress));
        !matches!(passed, Some(Err(_)))
    }

    fn on_answered(&mut self, parts: &mut Parts, source: Source, what: (&Message, Option<Bytes>)) -> Phase {
        let (message, offer) = what;
        self.dialler.give_up(parts, Some(source.leg), Cause::Normal);
        let described = offer.as_deref().or_else(|| description(message));
        let crossing = invite::passed(parts, (source.leg, LegId::CALLER), message);
        let answered = parts.with(LegId::CALLER, |leg, wire| {
            if let Some((state, _)) = leg.inviting() {
                state.crossing = crossing;
            }
            leg.answer(wire, source, described)
        });
        if let Some(Err(refusal)) = answered {
            parts.say(format!("the answer cannot be passed to the caller: {}", refusal.words()));
            let failure = Failure::of(refusal.cause(), FailureReason::Media);
            refuse_caller(parts, &failure, None);
            return Ending::begin(parts, failure.cause, Fault::Callee);
        }
        let name = parts.leg(source.leg).map(|leg| leg.line.facts.name.clone()).unwrap_or_default();
        parts.say([&*name, " answered"].concat());
        parts.story.answered_at = Some(parts.wire.now.unix_millis());
        parts.event(CallEvent::Answered { leg: source.leg });
        Phase::Joined(Box::new(Joined::new(parts, source.leg, offer.is_some())))
    }

    pub fn on_answer(mut self: Box<Self>, parts: &mut Parts, leg: LegId, answer: Answer) -> Phase {
        let nothing = self.dialler.on_answer(parts, leg, answer);
        self.unless(parts, nothing)
    }

    pub fn on_hang_up(&mut self, parts: &mut Parts, cause: Cause) -> Phase {
        self.dialler.give_up(parts, None, cause);
        refuse_caller(parts, &Failure::of(cause, FailureReason::GivenUp), None);
        Ending::begin(parts, cause, Fault::Ours)
    }

    pub fn handle_deadline(mut self: Box<Self>, parts: &mut Parts) -> Phase {
        let nothing = self.dialler.handle_deadline(parts);
        self.unless(parts, nothing)
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.dialler.deadline()
    }

    pub fn talking(&self) -> Option<(LegId, LegId)> {
        Some((LegId::CALLER, self.early?))
    }
}

/// Audio goes from end to end only where everybody is configured so.
fn is_relayed(caller: &Party, stages: &[Stage]) -> bool {
    let called = stages.iter().flat_map(|stage| &stage.dials).map(|dial| &dial.party);
    called.chain([caller]).any(|party| party.media().route != MediaRoute::Pass)
}

/// What the caller's INVITE is to take the place of.
enum Replaced {
    Nothing,
    Unreadable,
    Dialog(Replaces),
}

fn replaced(parts: &Parts) -> Replaced {
    let Some(caller) = parts.leg(LegId::CALLER).and_then(Leg::invited) else { return Replaced::Nothing };
    match caller.invite.get(HeaderName::Replaces).map(Replaces::parse) {
        None => Replaced::Nothing,
        Some(None) => Replaced::Unreadable,
        Some(Some(replaces)) => Replaced::Dialog(replaces),
    }
}

fn refuse_with(parts: &mut Parts, answer: (u16, &str), cause: Cause) -> Phase {
    let (status, phrase) = answer;
    parts.say(format!("the caller is told {status}: {}", cause.name()));
    parts.with(LegId::CALLER, |leg, wire| {
        leg.reject(wire, &Rejection { status, phrase, cause, retry_after: None, contact: None });
    });
    parts.leg_ended(LegId::CALLER, cause, TrunkOutcome::Spoke);
    Ending::begin(parts, cause, Fault::Caller)
}

pub fn refuse(parts: &mut Parts, refused: &Refused) -> Phase {
    parts.say(refused.words.clone());
    refuse_caller(parts, &Failure::of(refused.cause, FailureReason::GivenUp), refused.retry_after);
    Ending::begin(parts, refused.cause, fault_of(refused.cause, None))
}

fn phrase(status: u16) -> &'static str {
    match status {
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        _ => "Session Progress",
    }
}
