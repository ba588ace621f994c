//! A caller who is served by a flow: what the flow wishes becomes signalling, audio and questions, and what happens goes to it.
//! Decides nothing that the flow does not.

pub mod aside;
pub mod asking;
pub mod attendant;
pub mod caller;
pub mod calling_back;
pub mod commanding;
pub mod dial;
pub mod grant;
pub mod holding;
pub mod news;
pub mod offering;
pub mod queueing;
pub mod redirect;
pub mod sounding;
pub mod taking_over;
pub mod taping;

use crate::base::cause::{Cause, Fault};
use crate::base::id::LegId;
use crate::base::limits;
use crate::base::now::earliest;
use crate::domain::call::ending::Ending;
use crate::domain::call::inform;
use crate::domain::call::interface::CallEvent;
use crate::domain::call::joined::Joined;
use crate::domain::call::parts::Parts;
use crate::domain::call::phase::{Answer, Phase};
use crate::domain::call::serving::asking::Engaged;
use crate::domain::call::serving::attendant::Attendant;
use crate::domain::call::serving::calling_back::Promise;
use crate::domain::call::serving::dial::Dialling;
use crate::domain::call::serving::grant::Granted;
use crate::domain::call::serving::news::{News, Slip};
use crate::domain::call::serving::queueing::{Queued, Waits};
use crate::domain::call::serving::sounding::Heard;
use crate::domain::call::serving::taking_over::customer_of;
use crate::domain::call::serving::taping::Taping;
use crate::domain::call::streams::Hearing;
use crate::domain::flow::act::Role;
use crate::domain::flow::definition::{Flow, Flows};
use crate::domain::flow::interface::{DialOutcome, FlowEnd, FlowInput, Ticket};
use crate::domain::flow::key::Key;
use crate::domain::flow::memory::{Memory, Origin, QueueName};
use crate::domain::flow::value::Value;
use crate::domain::leg::event::LegEvent;
use crate::domain::queue::settings::Settings;
use crate::domain::routing::engine::Engines;
use crate::media::command::SourceId;
use crate::media::event::SourceOutcome;
use crate::media::matrix::{Hears, Matrix, Voice};
use crate::media::prompt::Prompts;
use std::sync::Arc;
use std::time::Instant;

/// Which flow serves a call, and what it may use: all of one moment of the configuration.
#[derive(Clone, PartialEq, Debug)]
pub struct Script {
    pub flow: Arc<Flow>,
    pub book: Arc<Flows>,
    pub prompts: Prompts,
    pub engines: Arc<Engines>,
    /// Whose names engines may name.
    pub queues: Arc<Settings>,
    /// The queue, or the agent's own, that an agent sends the party to whom this serves.
    pub toward: Option<QueueName>,
}

pub struct Serving {
    script: Box<Script>,
    pub(super) attendant: Attendant,
    dialling: Option<Box<Dialling>>,
    taping: Taping,
    /// The caller waits for an agent, or talks with one.
    queued: Option<Box<Queued>>,
    /// Nobody has called us: an agent and then the customer are called, because that was promised.
    promise: Option<Box<Promise>>,
    /// The wish that the queues answer to by promising to call back.
    promised: Option<Ticket>,
    /// What whoever is held hears, beside the talk.
    aside: Option<Box<Attendant>>,
    /// What it has to do with engines.
    engaged: Option<Box<Engaged>>,
    /// The caller has had a description of ours, before the answer or with it.
    is_described: bool,
    is_answered: bool,
    when_too_long: Option<Instant>,
}

impl Serving {
    /// The caller's stream is open; now its flow begins.
    pub fn begin(parts: &mut Parts, script: Box<Script>) -> Phase {
        let mut memory = Memory::new(&origin(parts, &script));
        if let Some(toward) = &script.toward {
            memory.transfer_to(Some(toward));
        }
        parts.say(format!("flow {} serves the call", script.flow.name));
        let attendant = Attendant::begin(parts, (&script.book, &script.flow), memory, parts.served);
        let when_too_long = Some(parts.wire.now.instant + limits::UNANSWERED_MAX);
        let serving = Serving {
            script,
            attendant,
            dialling: None,
            taping: Taping::default(),
            queued: None,
            promise: None,
            promised: None,
            aside: None,
            engaged: None,
            is_described: false,
            is_answered: false,
            when_too_long,
        };
        Box::new(serving).go_on(parts)
    }

    /// Grants what the flow wishes until it waits for something.
    pub(super) fn go_on(mut self: Box<Self>, parts: &mut Parts) -> Phase {
        while let Some(wish) = self.attendant.next_wish() {
            match self.grant(parts, wish) {
                Granted::Goes => {}
                Granted::Ended(end) => return self.after(parts, end),
                Granted::Over(cause, fault) => return self.end(parts, cause, fault),
            }
        }
        Phase::Serving(self)
    }

    fn feed(&mut self, parts: &Parts, input: FlowInput) {
        self.attendant.hear(parts.wire.now, input);
    }

    /// The flow has ended: what becomes of the call.
    fn after(mut self: Box<Self>, parts: &mut Parts, end: FlowEnd) -> Phase {
        self.attendant.close();
        let waits = self.queued.as_ref().map(|queued| queued.stage);
        match (waits, &end) {
            (Some(Waits::Whisper(offer)), FlowEnd::Resume | FlowEnd::Broken(_)) => {
                self.whispered(parts, offer);
                return Phase::Serving(self);
            }
            // A flow that is heard while waiting may end, or break: the caller waits on.
            (Some(Waits::Waiting), FlowEnd::Queued) => return self.wait(parts),
            (Some(Waits::Waiting), FlowEnd::Resume | FlowEnd::Broken(_)) => return Phase::Serving(self),
            (Some(Waits::Waiting), FlowEnd::Handed) if self.is_handed() => return self.wait(parts),
            _ => {}
        }
        match end {
            // In what the caller itself hears, there is nothing to go back to.
            FlowEnd::Resume => self.end(parts, Cause::Normal, Fault::Nobody),
            FlowEnd::HangUp(cause) => self.end(parts, cause, Fault::Nobody),
            FlowEnd::CallerGone => self.end(parts, Cause::Normal, Fault::Caller),
            FlowEnd::Redirect(to) => self.redirect(parts, &to),
            FlowEnd::Handed | FlowEnd::Stopped => Phase::Serving(self),
            FlowEnd::Queued => {
                parts.say("no queue takes the call");
                self.end(parts, Cause::TemporarilyUnavailable, Fault::Ours)
            }
            FlowEnd::Broken(why) => {
                parts.say(format!("flow {} broke: {why:?}", self.script.flow.name));
                parts.event(CallEvent::FlowBroke { flow: self.script.flow.name.clone() });
                self.end(parts, Cause::Fault, Fault::Ours)
            }
        }
    }

    /// A flow has given the caller to an agent, for whom it waits now.
    fn is_handed(&mut self) -> bool {
        self.queued.as_mut().is_some_and(|queued| std::mem::take(&mut queued.is_handing))
    }

    /// Lets go of everything that was begun for the flow, and of the call.
    pub fn end(mut self: Box<Self>, parts: &mut Parts, cause: Cause, fault: Fault) -> Phase {
        if let Some(mut dialling) = self.dialling.take() {
            dialling.give_up(parts, Cause::Cancelled);
        }
        self.break_off(parts);
        self.leave_queue(parts);
        self.forget_question(parts);
        self.end_lease(parts);
        self.attendant.leave(parts);
        self.taping.stop(parts);
        parts.story.keep_attributes(self.attendant.memory());
        Ending::begin(parts, cause, fault)
    }

    /// The caller is gone: the flow hears of it, so that its log has its last line.
    fn gone(mut self: Box<Self>, parts: &mut Parts, cause: Cause, fault: Fault) -> Phase {
        parts.say("the caller is gone");
        self.feed(parts, FlowInput::CallerGone);
        while let Some(wish) = self.attendant.next_wish() {
            self.grant(parts, wish);
        }
        self.end(parts, cause, fault)
    }

    pub fn on_leg(self: Box<Self>, parts: &mut Parts, leg: LegId, event: LegEvent) -> Phase {
        match event {
            LegEvent::Cancelled { cause } => return self.gone(parts, cause, Fault::Caller),
            LegEvent::Ended { cause, fault } if leg == parts.served => return self.gone(parts, cause, fault),
            LegEvent::Informed { request } => {
                inform::answer(parts, &request, 200);
                if let Some(sent) = inform::digit_of(&request) {
                    parts.on_digit((leg, None), sent);
                    return self.on_key(parts, leg, sent.digit);
                }
            }
            LegEvent::Referred { request } => {
                let (server, from, message) = (request.server, &request.from, &request.message);
                parts.wire.respond_plain(server, message, from, (403, "Forbidden"));
            }
            event if leg == parts.served => caller::on_event(parts, leg, event),
            event if self.is_agent(leg) => return self.on_agent(parts, leg, event),
            event if self.is_promised(leg) => return self.on_promised(parts, leg, event),
            event => return self.on_dialled(parts, leg, event),
        }
        self.go_on(parts)
    }

    pub fn hides_keys(&self) -> bool {
        self.attendant.hides_keys()
    }

    /// A key of the caller, however it was sent. Those of a party that is only just called are not for the flow.
    pub fn on_key(mut self: Box<Self>, parts: &mut Parts, leg: LegId, digit: u8) -> Phase {
        if let Some(key) = Key::from_char(char::from(digit)).filter(|_| leg == parts.served) {
            self.feed(parts, FlowInput::Key(key));
        }
        self.go_on(parts)
    }

    pub fn on_answer(mut self: Box<Self>, parts: &mut Parts, leg: LegId, answer: Answer) -> Phase {
        match answer {
            Answer::Opened(_) if leg == parts.served => Phase::Serving(self),
            answer if self.is_agent(leg) => self.on_agent_answer(parts, leg, answer),
            answer if self.is_promised(leg) => self.on_promised_answer(parts, leg, answer),
            answer => match self.dialling.take() {
                Some(dialling) => self.on_dial_answer(parts, dialling, (leg, answer)),
                None => {
                    dial::give_back(parts, leg, &answer);
                    Phase::Serving(self)
                }
            },
        }
    }

    pub fn on_source(mut self: Box<Self>, parts: &mut Parts, source: SourceId, outcome: SourceOutcome) -> Phase {
        if let Some(Heard { ticket, ok }) = self.attendant.sounding.on_source(source, outcome) {
            self.feed(parts, FlowInput::Played { ticket, ok });
        }
        self.in_whisper(parts, |whispering, parts| {
            if let Some(Heard { ticket, ok }) = whispering.attendant.sounding.on_source(source, outcome) {
                whispering.feed(parts, FlowInput::Played { ticket, ok });
            }
        });
        self.go_on(parts)
    }

    /// An answer from outside to one of the flow's wishes.
    pub fn on_news(mut self: Box<Self>, parts: &mut Parts, slip: Slip, news: News) -> Phase {
        if self.is_for_whisper(slip) {
            self.in_whisper(parts, |whispering, parts| whispering.take_news(parts, slip, news));
        } else {
            self.take_news(parts, slip, news);
        }
        self.go_on(parts)
    }

    pub fn on_hang_up(self: Box<Self>, parts: &mut Parts, cause: Cause) -> Phase {
        self.end(parts, cause, Fault::Ours)
    }

    pub fn handle_deadline(mut self: Box<Self>, parts: &mut Parts) -> Phase {
        let now = parts.wire.now;
        if self.when_too_long.is_some_and(|when| when <= now.instant) {
            parts.say(match self.is_answered {
                true => "the longest duration of a call is reached",
                false => "the call was not answered for too long",
            });
            return self.end(parts, Cause::MaxDuration, Fault::Nobody);
        }
        if let Some(Heard { ticket, ok }) = self.attendant.sounding.handle_deadline(now) {
            self.feed(parts, FlowInput::Played { ticket, ok });
        }
        self.attendant.handle_deadline(now);
        self.on_queue_deadline(parts);
        self = match self.on_promise_deadline(parts) {
            Phase::Serving(serving) => serving,
            over => return over,
        };
        self.lease_due(parts);
        if let Some(kept) = self.taping.handle_deadline(parts) {
            self.feed(parts, kept);
        }
        match self.dialling.take() {
            Some(dialling) => self.on_dial_deadline(parts, dialling),
            None => self.go_on(parts),
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        let own = earliest(self.when_too_long, self.attendant.deadline());
        let own = earliest(own, self.taping.deadline());
        let own = earliest(own, self.lease_deadline());
        let own = earliest(own, self.queued.as_ref().and_then(|queued| queued.deadline()));
        let own = earliest(own, self.promise.as_ref().and_then(|promise| promise.deadline()));
        earliest(own, self.dialling.as_ref().and_then(|dialling| dialling.deadline()))
    }

    /// The caller hears what the flow plays, or how it rings.
    pub fn hearing(&self, served: LegId) -> Hearing {
        let ringing = self.dialling.as_ref().and_then(|dialling| dialling.ringing());
        let music = self.queued.as_ref().and_then(|queued| queued.source());
        let source = self.attendant.sounding.source().or(ringing).or(music);
        let own = source.into_iter().flat_map(|source| self.ears(served).into_iter().map(move |ear| (ear, source)));
        let whisper = self.queued.as_ref().and_then(|queued| queued.whisper());
        let waits = self.promise.as_ref().and_then(|promise| promise.ringing());
        let heard = own.chain(whisper).chain(waits);
        let heard = heard.map(|(ear, source)| Hears { ear, voice: Voice::Source(source), gain: 0 });
        let pairs: Vec<Hears> = heard.chain(self.together(served)).collect();
        if pairs.is_empty() { Hearing::Nobody } else { Hearing::Whole(Matrix { pairs }) }
    }
}

impl Serving {
    /// The party that the caller talked with is gone: the flow goes on, or the one that is for such an end begins.
    pub fn party_left(mut self: Box<Self>, parts: &mut Parts, leg: LegId, cause: Cause) -> Phase {
        let name = parts.leg(leg).map(|leg| leg.line.facts.name.clone()).unwrap_or_default();
        parts.say(format!("{name} has ended: {}", cause.name()));
        self.taping.stop(parts);
        self.leave_queue(parts);
        self.play_aside(parts, None);
        if let Some(ticket) = self.attendant.joined.take()
            && !self.attendant.has_ended()
        {
            self.feed(parts, FlowInput::Dialled { ticket, outcome: DialOutcome::Ended });
            return self.go_on(parts);
        }
        let chosen = self.attendant.memory().flow_for(Role::Disconnect);
        let flow = chosen.and_then(|name| self.script.book.find(name)).cloned();
        match flow.filter(|_| !self.attendant.is_last) {
            Some(flow) => self.last_flow(parts, flow),
            None => self.end(parts, cause, Fault::Nobody),
        }
    }

    /// The flow after the end of the talk; none follows it.
    fn last_flow(mut self: Box<Self>, parts: &mut Parts, flow: Arc<Flow>) -> Phase {
        parts.say(format!("flow {} serves the call after its talk", flow.name));
        let mut memory = self.attendant.take_memory();
        memory.know("InitiationMethod", Value::text("DISCONNECT"));
        self.attendant = Attendant::begin(parts, (&self.script.book, &flow), memory, parts.served);
        self.attendant.is_last = true;
        self.script.flow = flow;
        self.go_on(parts)
    }

    /// A party has answered and hears the caller from now on; the flow waits behind the two.
    fn join(mut self: Box<Self>, parts: &mut Parts, leg: LegId, has_offer: bool) -> Phase {
        self.attendant.sounding.stop(parts);
        self.taping.join(parts, self.attendant.memory().recording);
        if let Some(ticket) = self.attendant.joined {
            self.feed(parts, FlowInput::Dialled { ticket, outcome: DialOutcome::Joined });
        }
        match self.go_on(parts) {
            Phase::Serving(serving) => {
                let when_too_long = serving.when_too_long;
                let mut joined = Joined::new(parts, leg, has_offer);
                joined.behind(serving, when_too_long);
                Phase::Joined(Box::new(joined))
            }
            over => over,
        }
    }

    /// What comes while the caller talks: a place of a recording, a late answer.
    pub fn overhear(&mut self, parts: &mut Parts, slip: Slip, news: News) {
        if self.is_for_aside(slip) {
            return self.aside_news(parts, slip, news);
        }
        self.take_news(parts, slip, news);
        while let Some(wish) = self.attendant.next_wish() {
            if let Granted::Ended(_) = self.grant(parts, wish) {
                self.attendant.close();
            }
        }
    }

    /// The call ends while the caller talks.
    pub fn dismiss(&mut self, parts: &mut Parts) {
        self.feed(parts, FlowInput::CallerGone);
        while let Some(wish) = self.attendant.next_wish() {
            self.grant(parts, wish);
        }
        self.taping.stop(parts);
        self.play_aside(parts, None);
        self.leave_queue(parts);
        self.forget_question(parts);
        self.end_lease(parts);
        parts.story.keep_attributes(self.attendant.memory());
    }
}

fn origin(parts: &Parts, script: &Script) -> Origin {
    let story = &parts.story;
    let headers = story.attributes.iter().map(|(name, value)| (Box::from(*name), value.clone())).collect();
    Origin {
        contact: parts.wire.call.to_string().into(),
        customer: customer_of(parts).0,
        dialled: parts.e164_text().unwrap_or_else(|| story.dialled.digits.clone()),
        initiation: "INBOUND",
        headers,
        language: script.flow.options.language.clone(),
    }
}
