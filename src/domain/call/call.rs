//! The inbox of one call: hands what comes in to its transactions, legs and phase, and what comes out to its owner.

use crate::base::cause::Cause;
use crate::base::id::{CallId, LegId};
use crate::base::machine::Machine;
use crate::base::now::{Now, earliest};
use crate::domain::call::digits;
use crate::domain::call::interface::{
    Beginning, CallEvent, CallInput, CallOutput, CallStart, Place, Profiles, TrunkOutcome,
};
use crate::domain::call::parts::{self, Closing, Parts, Story, outcome_of};
use crate::domain::call::phase::{Answer, Phase, Routing};
use crate::domain::call::record;
use crate::domain::call::trail::Trail;
use crate::domain::call::will::{self, Will};
use crate::domain::leg::event::{FailureReason, LegEvent, Request};
use crate::domain::leg::wire::Wire;
use crate::domain::profile::Timers;
use crate::media::event::Event;
use crate::media::handshake::HandshakeFault;
use crate::protocol::sip::message::message::Message;
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::path::ListenerId;
use crate::protocol::sip::stamp;
use crate::protocol::sip::transaction::set::{ClientKey, Repeats, TimerValues, TransactionOutput};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Everything that happens because of one INVITE. One owner, one inbox; knows no other call.
pub struct Call {
    phase: Phase,
    parts: Parts,
}

impl Call {
    pub fn new(start: CallStart) -> Call {
        let now = start.now;
        let (mut call, invite) = Call::prepare(start);
        call.handle_input(now, invite);
        call
    }

    /// The call and its first input, which is for its own task to hand in: a fault there ends this call alone.
    pub fn prepare(start: CallStart) -> (Call, CallInput) {
        let CallStart { id, entropy, now, beginning, caller, profiles, dialled, identity, .. } = start;
        let timers = timers_of(&profiles, listener_of(&beginning));
        let (first, due) = match beginning {
            Beginning::Invite { message, from } => (CallInput::Sip { from, message }, None),
            Beginning::Callback { due, word } => (CallInput::Queue(word), Some(due)),
        };
        let wire = Wire::new(now, id, entropy, profiles, timers);
        let story = Story {
            caller,
            dialled,
            identity,
            attributes: start.attributes,
            promised: due.as_ref().map(|due| Box::new((due.id, due.call))),
            max_duration: start.max_duration,
            started_at: now.unix_millis(),
            ringing_at: None,
            answered_at: None,
            closing: Closing::Open,
            outcome: None,
            served: None,
        };
        let routing = Routing { stages: start.route, refusal: start.refusal, script: start.script, due };
        let parts = Parts::new(wire, story, Trail::new(start.trail));
        let call = Call { phase: Phase::Routing(Box::new(routing)), parts };
        (call, first)
    }

    pub fn id(&self) -> CallId {
        self.parts.wire.call
    }

    /// What is left to send, and the record, when the call's own code has failed: built of what is still readable.
    pub fn last_will(&self, now: Now) -> Will {
        will::read(&self.parts, now)
    }

    /// Whether a leg of it came from another call, whose tag its peer writes.
    pub fn has_taken(&self) -> bool {
        self.parts.has_taken()
    }

    /// Transactions that are not over; none is left of a call that is only held.
    pub fn transaction_count(&self) -> usize {
        self.parts.wire.transactions.len()
    }

    /// What its transactions had to say or hear twice since this was last asked.
    pub fn take_repeats(&mut self) -> Repeats {
        self.parts.wire.transactions.take_repeats()
    }

    /// Works off everything that follows from the last input.
    fn settle(&mut self) {
        loop {
            if let Some(output) = self.parts.wire.transactions.poll_output() {
                self.on_transaction(output);
            } else if let Some((leg, event)) = self.parts.wire.events.pop_front() {
                self.on_leg(leg, event);
            } else {
                break;
            }
        }
        for (leg, name) in std::mem::take(&mut self.parts.wire.questions) {
            self.parts.outputs.push_back(CallOutput::Resolve { leg, name });
        }
        self.parts.wish(self.phase.hearing(self.parts.served));
        self.parts.hides_keys = self.phase.hides_keys();
        self.parts.note_talk(self.phase.joined());
        self.conclude();
        self.parts.wire.settle();
    }

    /// The record leaves when the last leg has ended, the end when nothing is left that could be asked again.
    fn conclude(&mut self) {
        if !self.phase.is_ending() || self.is_finished() {
            return;
        }
        if self.parts.story.closing == Closing::Recorded
            || self.parts.legs.iter().any(|leg| leg.line.facts.ended.is_none())
        {
            return self.finish();
        }
        let left: Vec<LegId> = self.parts.streams.left_open().collect();
        left.into_iter().for_each(|leg| self.parts.close_stream(leg));
        // The record tells how each stream fared.
        if self.parts.streams.are_closed() {
            self.parts.story.closing = Closing::Recorded;
            let record = Box::new(record::draw_up(&self.parts));
            self.parts.outputs.push_back(CallOutput::Record(record));
        }
        self.finish();
    }

    fn is_finished(&self) -> bool {
        self.parts.story.closing == Closing::Finished
    }

    fn finish(&mut self) {
        if self.parts.story.closing == Closing::Recorded && self.parts.wire.is_idle() {
            self.parts.story.closing = Closing::Finished;
            self.parts.release_all();
            self.parts.outputs.push_back(CallOutput::Finished);
        }
    }

    fn step(&mut self, action: impl FnOnce(Phase, &mut Parts) -> Phase) {
        let phase = std::mem::replace(&mut self.phase, Phase::Ending(crate::domain::call::ending::Ending));
        self.phase = action(phase, &mut self.parts);
    }

    fn on_transaction(&mut self, output: TransactionOutput) {
        match output {
            TransactionOutput::Send(outgoing) => self.parts.outputs.push_back(CallOutput::Send(outgoing)),
            TransactionOutput::Request { server, from, message } => self.on_request(Request { server, from, message }),
            TransactionOutput::Response { client, message, .. } => self.on_response(client, message),
            TransactionOutput::Silent { client } => self.on_silent(client),
            TransactionOutput::TimedOut { client } => self.on_no_response(client, FailureReason::Silence),
            TransactionOutput::Unreachable { client } => self.on_no_response(client, FailureReason::Undeliverable),
            TransactionOutput::Cancelled { server, message } => {
                let Parts { legs, wire, .. } = &mut self.parts;
                if let Some(leg) = legs.iter_mut().find(|leg| leg.owns(server)) {
                    leg.on_cancelled(wire, server, &message);
                }
            }
            TransactionOutput::Acknowledged { server, message } => {
                let Parts { legs, wire, .. } = &mut self.parts;
                if let Some(leg) = legs.iter_mut().find(|leg| leg.owns(server)) {
                    leg.on_acknowledged(wire, server, message);
                }
            }
            TransactionOutput::Unacknowledged { server } => {
                let Parts { legs, wire, .. } = &mut self.parts;
                if let Some(leg) = legs.iter_mut().find(|leg| leg.owns(server)) {
                    leg.on_unacknowledged(wire, server);
                }
            }
            // RFC 3261 17.1.1.3: an ACK gets no answer, whatever it belongs to.
            TransactionOutput::StrayAck { .. } => {}
        }
    }

    fn on_request(&mut self, request: Request) {
        let message = &request.message;
        match message.to_tag() {
            None if message.method() == Method::Invite => {
                return self.step(|phase, parts| phase.on_invite(parts, request));
            }
            None => {}
            Some(tag) => {
                let Parts { legs, wire, .. } = &mut self.parts;
                let number = stamp::tag_owner(tag).filter(|(call, _)| *call == wire.call).map(|(_, leg)| leg);
                // The peer of a leg that came from another call keeps that call's tag.
                let by_tag = legs.iter().position(|own| own.has_tag(tag));
                let at = by_tag.or_else(|| legs.iter().position(|own| Some(own.id()) == number));
                if let Some(leg) = at.and_then(|at| legs.get_mut(at)) {
                    return leg.on_request(wire, request);
                }
            }
        }
        let Request { server, from, message } = &request;
        self.parts.wire.respond_plain(*server, message, from, (481, "Call/Transaction Does Not Exist"));
    }

    fn on_response(&mut self, client: ClientKey, message: Box<Message>) {
        let Some((leg, errand)) = self.parts.wire.errand(client, message.status() >= 200) else { return };
        self.parts.with(leg, |leg, wire| leg.on_response(wire, errand, client, message));
    }

    fn on_silent(&mut self, client: ClientKey) {
        let Some((leg, _)) = self.parts.wire.errand(client, false) else { return };
        self.parts.with(leg, |leg, wire| leg.on_silent(wire, client));
    }

    fn on_no_response(&mut self, client: ClientKey, reason: FailureReason) {
        if let Some(leg) = self.parts.wire.has_spare(client)
            && self.parts.with(leg, |leg, wire| wire.again(&mut leg.line, client)) == Some(true)
        {
            return;
        }
        let Some((leg, errand)) = self.parts.wire.errand(client, true) else { return };
        self.parts.with(leg, |leg, wire| leg.on_no_response(wire, (errand, client), reason));
    }

    /// What concerns every phase first, then the phase.
    fn on_leg(&mut self, leg: LegId, event: LegEvent) {
        match &event {
            LegEvent::Failed(failure) => self.parts.leg_ended(leg, failure.cause, outcome_of(failure)),
            LegEvent::Ended { cause, .. } | LegEvent::Cancelled { cause } => {
                self.parts.leg_ended(leg, *cause, TrunkOutcome::Spoke);
            }
            _ => {}
        }
        self.step(|phase, parts| phase.on_leg(parts, leg, event));
    }
}

impl Call {
    fn on_media(&mut self, event: Event) {
        match event {
            Event::Opened { stream, local, certificates } => {
                self.parts.streams.certificates = Some(certificates);
                if self.parts.stream_opened(stream.leg, local) {
                    self.opened(stream.leg, true);
                }
            }
            Event::NotOpened { stream } => {
                if self.parts.stream_closed(stream.leg, None) {
                    self.opened(stream.leg, false);
                }
            }
            Event::Closed { stream, quality } => {
                if self.parts.stream_closed(stream.leg, Some(quality)) {
                    self.opened(stream.leg, false);
                }
            }
            Event::Digit { stream, digit, lasted, .. } => {
                let partner = self.partner(stream.leg);
                self.parts.on_digit((stream.leg, partner), digits::heard(digit, lasted));
                self.step(|phase, parts| phase.on_key(parts, stream.leg, digit));
            }
            Event::Silent { stream, since } => self.on_silence(stream.leg, since),
            Event::Heard { stream } => self.parts.event(CallEvent::Heard { leg: stream.leg }),
            Event::Quality { stream, quality } => {
                self.parts.event(CallEvent::Quality { leg: stream.leg, quality });
            }
            Event::SourceEnded { source, outcome, .. } => {
                self.step(|phase, parts| phase.on_source(parts, source, outcome));
            }
            Event::Started { stream, from } => self.on_first_audio(stream.leg, from),
            Event::PeerLeft { stream } => {
                let name = self.parts.leg(stream.leg).map(|leg| leg.line.facts.name.clone());
                name.into_iter().for_each(|name| self.parts.say(format!("{name} has said in RTCP that it has left")));
            }
            Event::NotSecured { stream, fault } => self.on_not_secured(stream.leg, fault),
            Event::ConsentLost { stream } => self.say_of(stream.leg, "it has not confirmed for 30 s that it is there"),
            Event::TapEnded { .. } => {}
        }
    }

    /// Nothing can be said to a browser that has no keys with us, and nothing heard: such a call is none.
    fn on_not_secured(&mut self, id: LegId, fault: HandshakeFault) {
        self.say_of(id, fault.words());
        let whose = parts::fault_of(Cause::MediaNotAcceptable, self.parts.leg(id).map(|leg| &leg.line.party));
        if self.phase.wants_audio_of(id, self.parts.served) {
            self.step(|phase, parts| phase.end(parts, Cause::MediaNotAcceptable, whose));
        }
    }

    fn say_of(&mut self, leg: LegId, words: &str) {
        let name = self.parts.leg(leg).map(|leg| leg.line.facts.name.clone());
        name.into_iter().for_each(|name| self.parts.say(format!("no audio with {name}: {words}")));
    }

    fn opened(&mut self, leg: LegId, has_port: bool) {
        self.step(|phase, parts| phase.on_answer(parts, leg, Answer::Opened(has_port)));
    }

    fn partner(&self, leg: LegId) -> Option<LegId> {
        match self.phase.talking() {
            Some((a, b)) if a == leg => Some(b),
            Some((a, b)) if b == leg => Some(a),
            _ => None,
        }
    }

    /// Whose audio comes from elsewhere than it has said stands behind a translator, or is somebody else.
    fn on_first_audio(&mut self, id: LegId, from: SocketAddr) {
        let Some(leg) = self.parts.leg(id) else { return };
        let signalled = leg.line.media.agreement().and_then(|agreed| agreed.remote);
        if let Some(signalled) = signalled.filter(|signalled| *signalled != from) {
            let name = leg.line.facts.name.clone();
            self.parts.say(format!("audio of {name} comes from {from}, not from {signalled} as it has said"));
        }
    }

    fn on_silence(&mut self, id: LegId, since: Duration) {
        let Some(leg) = self.parts.leg(id) else { return };
        let (name, ends) = (leg.line.facts.name.clone(), leg.line.party.media().silence_ends);
        let fault = parts::fault_of(Cause::PeerVanished, Some(&leg.line.party));
        self.parts.event(CallEvent::Silent { leg: id });
        self.parts.say(format!("{name} has sent no audio for {} s", since.as_secs()));
        if ends && self.phase.wants_audio_of(id, self.parts.served) {
            self.step(|phase, parts| phase.end(parts, Cause::PeerVanished, fault));
        }
    }

    fn hang_up(&mut self, cause: Cause) {
        if !self.phase.is_ending() {
            self.parts.say(format!("ended from outside: {}", cause.name()));
        }
        self.step(|phase, parts| phase.on_hang_up(parts, cause));
    }
}

impl Machine for Call {
    type Input = CallInput;
    type Output = CallOutput;

    fn handle_input(&mut self, now: Now, input: CallInput) {
        if self.is_finished() {
            return;
        }
        // What happens to the others when a call fails can only be seen where one does.
        #[cfg(test)]
        if let CallInput::Sip { message, .. } = &input {
            assert!(message.named("X-Planted-Fault").is_none(), "a planted fault");
        }
        self.parts.wire.now = now;
        match input {
            CallInput::Sip { from, message } => match self.parts.heir(&message) {
                Some(to) => self.parts.outputs.push_back(CallOutput::Forward { to, from, message }),
                None => self.parts.wire.transactions.receive(now, from, message),
            },
            CallInput::Handover { from, word } => self.step(|phase, parts| phase.on_word(parts, from, word)),
            CallInput::Undeliverable { token } => self.parts.wire.transactions.undeliverable(now, token),
            CallInput::Seized { leg, outcome } => {
                self.step(|phase, parts| phase.on_answer(parts, leg, Answer::Seized(outcome)));
            }
            CallInput::Resolved { leg, targets } if self.parts.leg(leg).is_some() => {
                self.parts.with(leg, |leg, wire| wire.resolved(&mut leg.line, &targets));
            }
            CallInput::Resolved { leg, targets } => {
                self.step(|phase, parts| phase.on_answer(parts, leg, Answer::Resolved(targets)));
            }
            CallInput::Routed { leg, outcome } => {
                self.step(|phase, parts| phase.on_answer(parts, leg, Answer::Routed(outcome)));
            }
            CallInput::News { slip, news } => self.step(|phase, parts| phase.on_news(parts, slip, *news)),
            CallInput::Verdict(verdict) => self.step(|phase, parts| phase.on_verdict(parts, *verdict)),
            CallInput::Command(command) => self.step(|phase, parts| phase.on_command(parts, *command)),
            CallInput::HolderGone { holder } => self.step(|phase, parts| phase.on_holder_gone(parts, &holder)),
            CallInput::Queue(word) => self.step(|phase, parts| phase.on_queue(parts, *word)),
            CallInput::Media(event) => self.on_media(*event),
            CallInput::HangUp { cause } => self.hang_up(cause),
        }
        self.settle();
    }

    fn handle_deadline(&mut self, now: Now) {
        if self.is_finished() {
            return;
        }
        self.parts.wire.now = now;
        self.parts.wire.transactions.handle_deadline(now);
        let Parts { legs, wire, .. } = &mut self.parts;
        for leg in legs {
            if leg.deadline().is_some_and(|when| when <= now.instant) {
                leg.handle_deadline(wire);
            }
        }
        if self.phase.deadline().is_some_and(|when| when <= now.instant) {
            self.step(Phase::handle_deadline);
        }
        if self.parts.streams.deadline().is_some_and(|when| when <= now.instant) {
            for leg in self.parts.late_streams() {
                self.opened(leg, false);
            }
        }
        self.settle();
    }

    fn poll_output(&mut self) -> Option<CallOutput> {
        if let Some(command) = self.parts.commands.pop_front() {
            return Some(CallOutput::Media(command));
        }
        let output = self.parts.outputs.pop_front();
        if output.is_none() && self.parts.outputs.capacity() > 0 && self.parts.wire.transactions.is_empty() {
            // A held call keeps no empty queue.
            self.parts.outputs = std::collections::VecDeque::new();
            self.parts.commands = std::collections::VecDeque::new();
        }
        output
    }

    fn deadline(&self) -> Option<Instant> {
        let own = earliest(self.parts.wire.transactions.deadline(), self.phase.deadline());
        let own = earliest(own, self.parts.streams.deadline());
        self.parts.legs.iter().fold(own, |soonest, leg| earliest(soonest, leg.deadline()))
    }
}

/// Where the call begins to speak.
fn listener_of(beginning: &Beginning) -> ListenerId {
    let word = match beginning {
        Beginning::Invite { from, .. } => return from.listener,
        Beginning::Callback { word, .. } => word,
    };
    let first = word.stages.first().and_then(|stage| stage.dials.first());
    first.map_or(ListenerId(0), |dial| match &dial.place {
        Place::At(target) => target.path.listener,
        Place::Name(name) => name.listener,
    })
}

fn timers_of(profiles: &Profiles, listener: ListenerId) -> TimerValues {
    let Timers { t1, t2, t4 } = profiles.listener(listener).map_or_else(Timers::default, |(profile, _)| profile.timers);
    TimerValues { t1, t2, t4 }
}
