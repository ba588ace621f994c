//! One party's INVITE usage, whatever its state: hands what arrives to the state, and keeps what every state has.

use crate::base::cause::{Cause, Fault};
use crate::base::id::LegId;
use crate::base::now::earliest;
use crate::domain::leg::abandoned::Abandoned;
use crate::domain::leg::established::{Established, Over};
use crate::domain::leg::event::{Failure, FailureReason, LegEvent, Request};
use crate::domain::leg::headers::{self, Abilities};
use crate::domain::leg::hop::NamedHop;
use crate::domain::leg::inbound::{Inbound, Progress, Rejection, Source};
use crate::domain::leg::media_plan::{self, MediaPlan};
use crate::domain::leg::outbound::Outbound;
use crate::domain::leg::party::Party;
use crate::domain::leg::wire::{Errand, Wire};
use crate::domain::profile::ReliablePolicy;
use crate::domain::trunk::crossing::Header;
use crate::protocol::sip::message::header::HeaderName;
use crate::protocol::sip::message::message::Message;
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::path::{Path, Target};
use crate::protocol::sip::replaces::Replaces;
use crate::protocol::sip::session_timer::SessionTimer;
use crate::protocol::sip::transaction::set::{ClientKey, ServerKey};
use std::sync::Arc;
use std::time::Instant;

/// What a leg has in every state.
pub struct Line {
    pub id: LegId,
    pub party: Party,
    /// Where our requests go.
    pub target: Target,
    /// Where that is a name.
    pub name: Option<Box<NamedHop>>,
    /// What the other side's BYE has to say to this party.
    pub parting: Box<[Header]>,
    pub media: MediaPlan,
    pub peer: Abilities,
    pub timer: SessionTimer,
    /// Fingerprint of what the peer last described; equal means that nothing changes.
    pub heard: u64,
    /// The peer holds us; and what was last said of it.
    pub is_held: bool,
    pub was_held: bool,
    pub facts: Facts,
}

/// What the record says of a leg.
#[derive(Clone, PartialEq, Debug)]
pub struct Facts {
    pub name: Arc<str>,
    pub number: Box<str>,
    pub sip_call_id: Box<str>,
    pub started_at: u64,
    pub ringing_at: Option<u64>,
    pub answered_at: Option<u64>,
    pub ended: Option<Ended>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ended {
    pub at: u64,
    pub cause: Cause,
    pub status: Option<u16>,
}

/// A leg is in one of these; what each needs it holds alone.
pub enum State {
    Inbound(Box<Inbound>),
    Outbound(Box<Outbound>),
    Established(Box<Established>),
    Over(Over),
}

pub struct Leg {
    pub line: Line,
    state: State,
    /// INVITEs of an earlier attempt that may still be answered.
    abandoned: Box<[Abandoned]>,
}

impl Line {
    pub fn new(wire: &mut Wire, id: LegId, party: Party, target: Target, number: &str) -> Line {
        let policy = wire.listener(target.path.listener).map(|(profile, _)| profile.session_timer);
        let timer = match policy {
            Some(policy) => SessionTimer::new(policy.enabled, policy.expires, policy.min),
            None => SessionTimer::new(false, std::time::Duration::ZERO, std::time::Duration::ZERO),
        };
        let facts = Facts {
            name: party.name().into(),
            number: number.into(),
            sip_call_id: Box::default(),
            started_at: wire.now.unix_millis(),
            ringing_at: None,
            answered_at: None,
            ended: None,
        };
        let media = MediaPlan::new(&mut wire.entropy);
        Line {
            id,
            party,
            target,
            name: None,
            parting: Box::default(),
            media,
            peer: Abilities::default(),
            timer,
            heard: 0,
            is_held: false,
            was_held: false,
            facts,
        }
    }

    /// Notes the end, once.
    pub fn end(&mut self, wire: &Wire, cause: Cause, status: Option<u16>) {
        if self.facts.ended.is_none() {
            self.facts.ended = Some(Ended { at: wire.now.unix_millis(), cause, status });
        }
    }

    /// Notes what the peer describes; whether it is something new.
    pub fn hear(&mut self, description: &[u8]) -> bool {
        let print = fingerprint(description);
        let is_new = print != self.heard;
        self.heard = print;
        self.is_held = media_plan::is_hold(description);
        is_new
    }

    /// Takes an answer in a running dialog. One that gives no stream leaves the leg without, as a rejected stream does.
    pub fn answered(&mut self, answer: &[u8]) {
        let _ = self.media.answered(answer);
    }

    pub fn credentials_may_answer(&self) -> bool {
        self.party.credentials().is_some()
    }
}

/// FNV-1a: tells a changed description from a repeated one; no adversary gains by a collision with itself.
pub fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

impl Leg {
    pub fn inbound(line: Line, state: Inbound) -> Leg {
        Leg { line, state: State::Inbound(Box::new(state)), abandoned: Box::default() }
    }

    /// An INVITE that was refused at once.
    pub fn refused(line: Line) -> Leg {
        Leg { line, state: State::Over(Over::default()), abandoned: Box::default() }
    }

    pub fn outbound(line: Line, state: Outbound) -> Leg {
        Leg { line, state: State::Outbound(Box::new(state)), abandoned: Box::default() }
    }

    pub fn id(&self) -> LegId {
        self.line.id
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over(_))
    }

    pub fn is_established(&self) -> bool {
        matches!(self.state, State::Established(_))
    }

    pub fn is_waiting_for_answer(&self) -> bool {
        matches!(self.state, State::Inbound(_) | State::Outbound(_))
    }

    pub fn established(&mut self) -> Option<(&mut Established, &mut Line)> {
        match &mut self.state {
            State::Established(state) => Some((state, &mut self.line)),
            _ => None,
        }
    }

    pub fn invited(&self) -> Option<&Inbound> {
        match &self.state {
            State::Inbound(state) => Some(state),
            _ => None,
        }
    }

    pub fn inviting(&mut self) -> Option<(&mut Inbound, &mut Line)> {
        match &mut self.state {
            State::Inbound(state) => Some((state, &mut self.line)),
            _ => None,
        }
    }

    pub fn dialled(&mut self) -> Option<(&mut Outbound, &mut Line)> {
        match &mut self.state {
            State::Outbound(state) => Some((state, &mut self.line)),
            _ => None,
        }
    }

    /// Whether its running dialog is the one that a Replaces header names.
    pub fn is_of(&self, replaces: &Replaces) -> bool {
        let Replaces { call_id, to_tag, from_tag, .. } = replaces;
        matches!(&self.state, State::Established(state)
            if state.dialog().local_tag == *to_tag
                && state.dialog().remote_tag == *from_tag
                && state.dialog().call_id == *call_id)
    }

    /// Our tag in its running dialog.
    pub fn tag(&self) -> Option<&str> {
        match &self.state {
            State::Established(state) => Some(&state.dialog().local_tag),
            _ => None,
        }
    }

    pub fn has_tag(&self, tag: &str) -> bool {
        self.tag() == Some(tag)
    }

    /// The leg itself, for another call; here remains what answers for its INVITE. `None`: something is under way.
    pub fn give_away(&mut self, wire: &mut Wire) -> Option<(Leg, Box<str>)> {
        if self.line.is_awaiting_place() {
            return None;
        }
        let State::Established(established) = &mut self.state else { return None };
        let over = established.leave()?;
        let tag = established.dialog().local_tag.clone();
        let Line { id, party, target, facts, .. } = &self.line;
        let mut line = Line::new(wire, *id, party.clone(), target.clone(), &facts.number);
        line.facts = facts.clone();
        line.end(wire, Cause::Normal, None);
        let here = Leg { line, state: State::Over(over), abandoned: std::mem::take(&mut self.abandoned) };
        Some((std::mem::replace(self, here), tag))
    }

    /// It has come from another call: from here on it is this call's, and so is what is written of it.
    pub fn come_over(&mut self, wire: &Wire, id: LegId) {
        let now = wire.now.unix_millis();
        self.line.id = id;
        let facts = &mut self.line.facts;
        (facts.started_at, facts.ringing_at, facts.answered_at, facts.ended) = (now, None, Some(now), None);
    }

    // ---- what the call wants of it

    pub fn progress(&mut self, wire: &mut Wire, progress: &Progress<'_>) -> Result<(), media_plan::Refusal> {
        match &mut self.state {
            State::Inbound(state) => state.progress(&mut self.line, wire, progress),
            _ => Ok(()),
        }
    }

    /// 200 to the INVITE of an inbound leg, with the description that its source gave.
    pub fn answer(
        &mut self,
        wire: &mut Wire,
        source: Source,
        description: Option<&[u8]>,
    ) -> Result<(), media_plan::Refusal> {
        if let State::Inbound(state) = &mut self.state
            && let Some(established) = state.answer(&mut self.line, wire, source, description)?
        {
            self.state = State::Established(Box::new(established));
        }
        Ok(())
    }

    pub fn reject(&mut self, wire: &mut Wire, rejection: &Rejection<'_>) {
        if let State::Inbound(state) = &mut self.state {
            state.reject(&mut self.line, wire, rejection);
            self.state = State::Over(Over::default());
        }
    }

    /// Ends it, whatever its state: a final response, CANCEL, or BYE.
    pub fn hang_up(&mut self, wire: &mut Wire, cause: Cause) {
        match std::mem::replace(&mut self.state, State::Over(Over::default())) {
            State::Inbound(mut state) => {
                let (status, phrase) = cause.status();
                let rejection = Rejection { status, phrase, cause, retry_after: None, contact: None };
                state.reject(&mut self.line, wire, &rejection);
            }
            State::Outbound(mut state) => {
                state.give_up(&mut self.line, wire, cause);
                self.state = State::Outbound(state);
            }
            State::Established(state) => self.state = state.hang_up(&mut self.line, wire, cause),
            over => self.state = over,
        }
    }

    // ---- what arrives

    pub fn on_request(&mut self, wire: &mut Wire, request: Request) {
        match &mut self.state {
            State::Inbound(state) => {
                if let Some(next) = state.on_request(&mut self.line, wire, request) {
                    self.state = next;
                }
            }
            State::Outbound(state) => state.on_request(&mut self.line, wire, request),
            State::Established(state) => {
                if let Some(next) = state.on_request(&mut self.line, wire, request) {
                    self.state = next;
                }
            }
            State::Over(over) => over.on_request(wire, &request),
        }
    }

    pub fn on_response(&mut self, wire: &mut Wire, errand: Errand, client: ClientKey, message: Box<Message>) {
        let next = match (&mut self.state, errand) {
            (_, Errand::Cancel | Errand::StrayBye) => None,
            (_, Errand::Abandoned) => {
                let (id, abandoned) = (self.line.id, self.abandoned.iter_mut().find(|left| left.client == client));
                if let Some(left) = abandoned {
                    left.on_response(id, wire, &message);
                }
                None
            }
            (State::Outbound(state), Errand::Invite) => state.on_response(&mut self.line, wire, client, message),
            (State::Outbound(state), Errand::Prack(fork)) => {
                state.on_prack_response(fork, message.status());
                None
            }
            (State::Outbound(state), Errand::EarlyUpdate(fork)) => {
                state.on_update_response(&mut self.line, wire, (fork, client, Some(&message)));
                None
            }
            (State::Inbound(state), Errand::EarlyUpdate(_)) => {
                state.on_update_response(&mut self.line, wire, (client, Some(&message)));
                None
            }
            (State::Established(state), errand) => state.on_response(&mut self.line, wire, (errand, client), message),
            (State::Over(over), errand) => {
                over.on_response(&self.line, wire, (errand, client), &message);
                None
            }
            _ => None,
        };
        if let Some(next) = next {
            self.state = next;
        }
    }

    /// Nothing has come, and the party's patience is over before timer B: the next place, or failure; but the INVITE may
    /// have arrived, and what comes of it is ended.
    pub fn on_silent(&mut self, wire: &mut Wire, client: ClientKey) {
        if let State::Outbound(state) = &self.state
            && state.is_waiting_for(client)
        {
            let before = std::mem::take(&mut self.abandoned);
            self.abandoned = before.into_iter().chain([state.leave(&self.line)]).collect();
            wire.abandon(client);
            self.on_no_response(wire, (Errand::Invite, client), FailureReason::Silence);
        }
    }

    /// No final response came, or the request could not be delivered.
    pub fn on_no_response(&mut self, wire: &mut Wire, whence: (Errand, ClientKey), reason: FailureReason) {
        let (errand, client) = whence;
        let next = match (&mut self.state, errand) {
            (_, Errand::Abandoned) => None,
            (State::Outbound(state), Errand::Invite) => state.on_no_response(&mut self.line, wire, reason),
            (State::Outbound(state), Errand::EarlyUpdate(fork)) => {
                state.on_update_response(&mut self.line, wire, (fork, client, None));
                None
            }
            (State::Inbound(state), Errand::EarlyUpdate(_)) => {
                state.on_update_response(&mut self.line, wire, (client, None));
                None
            }
            (State::Established(state), errand) => state.on_no_response(&mut self.line, wire, (errand, client)),
            _ => None,
        };
        if let Some(next) = next {
            self.state = next;
        }
    }

    pub fn owns(&self, server: ServerKey) -> bool {
        match &self.state {
            State::Inbound(state) => state.server() == server,
            State::Established(state) => state.owns(server),
            _ => false,
        }
    }

    pub fn on_cancelled(&mut self, wire: &mut Wire, server: ServerKey, cancel: &Message) {
        match &mut self.state {
            State::Inbound(state) => {
                let cause = headers::reason_of(cancel).filter(|cause| *cause != Cause::Normal);
                state.cancelled(&mut self.line, wire);
                self.state = State::Over(Over::default());
                wire.emit(self.line.id, LegEvent::Cancelled { cause: cause.unwrap_or(Cause::Cancelled) });
            }
            State::Established(state) => state.on_cancelled(&mut self.line, wire, server),
            _ => {}
        }
    }

    pub fn on_acknowledged(&mut self, wire: &mut Wire, server: ServerKey, message: Box<Message>) {
        if let State::Established(state) = &mut self.state
            && let Some(next) = state.on_acknowledged(&mut self.line, wire, server, message)
        {
            self.state = next;
        }
    }

    /// RFC 3261 13.3.1.4: without an ACK the dialog is confirmed and ended at once.
    pub fn on_unacknowledged(&mut self, wire: &mut Wire, server: ServerKey) {
        if let State::Established(state) = &mut self.state
            && state.give_up_confirming(server)
        {
            self.hang_up(wire, Cause::PeerVanished);
            let fault = Fault::Caller;
            wire.emit(self.line.id, LegEvent::Ended { cause: Cause::PeerVanished, fault });
        }
    }

    pub fn handle_deadline(&mut self, wire: &mut Wire) {
        let next = match &mut self.state {
            State::Inbound(state) => state.handle_deadline(&mut self.line, wire),
            State::Established(state) => state.handle_deadline(&mut self.line, wire),
            State::Outbound(_) | State::Over(_) => None,
        };
        if let Some(next) = next {
            self.state = next;
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Inbound(state) => state.deadline(),
            State::Established(state) => earliest(self.line.timer.deadline(), state.deadline()),
            State::Outbound(_) | State::Over(_) => None,
        }
    }
}

/// A failed outbound leg, as its call hears of it.
pub fn failed(line: &mut Line, wire: &mut Wire, failure: Failure) -> State {
    line.end(wire, failure.cause, failure.status());
    wire.emit(line.id, LegEvent::Failed(failure));
    State::Over(Over::default())
}

/// Requests that change nothing, in a dialog of any state. `false`: not one of these.
pub fn answer_plain(wire: &mut Wire, request: &Request) -> bool {
    let Request { server, from, message } = request;
    if let Some(tags) = unknown_extensions(wire, request) {
        let mut writer = wire.reply(message, from, 420, "Bad Extension");
        writer.header(HeaderName::Unsupported, tags);
        wire.transactions.respond(wire.now, *server, 420, writer.finish());
        return true;
    }
    let answer = match message.method() {
        Method::Options => {
            let mut writer = wire.reply(message, from, 200, "OK");
            writer.header(HeaderName::Allow, headers::ALLOW).header(HeaderName::Accept, "application/sdp");
            headers::support(&mut writer, true, true);
            wire.transactions.respond(wire.now, *server, 200, writer.finish());
            return true;
        }
        // RFC 6665 8.3.2: no package that a call could be asked for.
        Method::Subscribe => (489, "Bad Event"),
        Method::Message | Method::Publish | Method::Register => (405, "Method Not Allowed"),
        Method::Other => (501, "Not Implemented"),
        _ => return false,
    };
    wire.respond_plain(*server, message, from, answer);
    true
}

/// RFC 3261 8.2.2.3 holds in a dialog as well. A BYE is obeyed whatever it requires: keeping the call helps nobody.
fn unknown_extensions(wire: &Wire, request: &Request) -> Option<String> {
    if request.message.method() == Method::Bye {
        return None;
    }
    let policy = wire.listener(request.from.listener).map_or(ReliablePolicy::Off, |(profile, _)| profile.reliable);
    headers::unsupported(&request.message, policy)
}

/// A path as the place to answer to.
pub fn target_of(from: Path) -> Target {
    Target { path: from, tls_name: None }
}
