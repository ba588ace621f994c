//! The party that called, until its INVITE has a final response (RFC 3261 13.3, RFC 3262 3). Dials nobody.

use crate::base::cause::{Cause, Fault};
use crate::base::id::LegId;
use crate::base::limits;
use crate::base::now::earliest;
use crate::domain::leg::early::{EarlyOffers, First};
use crate::domain::leg::established::{Established, Over};
use crate::domain::leg::event::{LegEvent, Request, description};
use crate::domain::leg::headers;
use crate::domain::leg::leg::{self, Line, State};
use crate::domain::leg::media_plan;
use crate::domain::leg::offer::NotOffered;
use crate::domain::leg::wire::Wire;
use crate::domain::profile::ReliablePolicy;
use crate::domain::trunk::crossing::Header;
use crate::protocol::sip::dialog::{Dialog, Order};
use crate::protocol::sip::message::header::HeaderName;
use crate::protocol::sip::message::message::Message;
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::message::writer::Writer;
use crate::protocol::sip::path::Path;
use crate::protocol::sip::reliable::{PrackVerdict, RAck, ReliableOutput, ReliableResponses};
use crate::protocol::sip::session_timer::AnswerTerms;
use crate::protocol::sip::stamp;
use crate::protocol::sip::transaction::set::{ClientKey, ServerKey};
use bytes::Bytes;
use std::time::Instant;

/// Which fork of which leg a response came from; each has an early dialog of its own upstream (RFC 3261 12.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Source {
    pub leg: LegId,
    pub fork: u8,
}

/// A provisional response to pass on.
pub struct Progress<'a> {
    pub status: u16,
    pub phrase: &'a str,
    pub source: Source,
    pub description: Option<&'a [u8]>,
    pub headers: &'a [Header],
}

/// A final response that is no success.
pub struct Rejection<'a> {
    pub status: u16,
    pub phrase: &'a str,
    pub cause: Cause,
    pub retry_after: Option<u32>,
    /// Who is to be asked instead, where the status says so.
    pub contact: Option<&'a str>,
}

pub struct Inbound {
    server: ServerKey,
    from: Path,
    pub invite: Box<Message>,
    /// What the caller offers, as far as its own policy lets it pass.
    pub offer: Option<Bytes>,
    /// Whether what we describe is an answer: the INVITE held an offer, or the caller has answered ours in a PRACK.
    has_offer: bool,
    pub is_reliable: bool,
    terms: Option<AnswerTerms>,
    slots: Vec<Slot>,
    /// A 200 that waits for a PRACK (RFC 3262 3).
    waiting: Option<Waiting>,
    /// Headers of the callee's 200 that cross.
    pub crossing: Vec<Header>,
}

/// One early dialog.
struct Slot {
    /// Who has claimed it by describing its media.
    owner: Option<Source>,
    dialog: Dialog,
    reliable: ReliableResponses,
    /// The description last sent in it, and whether it went reliably: then the 200 need not repeat it.
    described: Option<Bytes>,
    described_reliably: bool,
    early: EarlyOffers,
}

struct Waiting {
    slot: usize,
    body: Option<Bytes>,
}

/// Why an INVITE is refused before anything is dialled.
pub enum Unacceptable {
    Status(u16, &'static str),
    Extension(String),
    ExtensionRequired,
    TooBrief(u32),
    Media(media_plan::Refusal),
}

impl Inbound {
    /// Takes an INVITE: 100 at once, then everything that could forbid it.
    pub fn new(line: &mut Line, wire: &mut Wire, request: Request) -> (Inbound, Option<Unacceptable>) {
        let Request { server, from, message } = request;
        line.peer.learn(&message);
        line.facts.sip_call_id = message.call_id().into();
        let trying = Writer::reply(&message, from.remote, 100, "Trying", None).finish();
        wire.transactions.respond(wire.now, server, 100, trying);
        let has_offer = description(&message).is_some();
        let policy = wire.listener(from.listener).map_or(ReliablePolicy::Off, |(profile, _)| profile.reliable);
        let mut inbound = Inbound {
            server,
            from,
            invite: message,
            offer: None,
            has_offer,
            is_reliable: line.peer.reliable && policy != ReliablePolicy::Off,
            terms: None,
            slots: Vec::new(),
            waiting: None,
            crossing: Vec::new(),
        };
        let fault = inbound.examine(line, wire, policy);
        (inbound, fault)
    }

    fn examine(&mut self, line: &mut Line, wire: &mut Wire, policy: ReliablePolicy) -> Option<Unacceptable> {
        if let Some(tags) = headers::unsupported(&self.invite, policy) {
            return Some(Unacceptable::Extension(tags));
        }
        if policy == ReliablePolicy::Required && !line.peer.reliable {
            return Some(Unacceptable::ExtensionRequired);
        }
        match line.timer.on_request(&self.invite) {
            Ok(terms) => self.terms = terms,
            Err(small) => return Some(Unacceptable::TooBrief(small.min_se)),
        }
        if !self.invite.body().is_empty() && !self.has_offer {
            return Some(Unacceptable::Status(415, "Unsupported Media Type"));
        }
        if let Some(offer) = description(&self.invite) {
            line.heard = leg::fingerprint(offer);
            let host = wire.host(self.from.listener);
            match line.media.offered(offer, &line.party.side(host)) {
                Ok(offer) => self.offer = Some(offer),
                Err(refusal) => return Some(Unacceptable::Media(refusal)),
            }
        }
        match self.claim(line, wire, None) {
            Some(_) => None,
            None => Some(Unacceptable::Status(400, "Bad Contact")),
        }
    }

    pub fn server(&self) -> ServerKey {
        self.server
    }

    pub fn from(&self) -> &Path {
        &self.from
    }

    /// The early dialog of a source. The first one belongs to nobody until somebody describes media in it.
    fn claim(&mut self, line: &Line, wire: &mut Wire, owner: Option<Source>) -> Option<usize> {
        if let Some(owner) = owner {
            if let Some(own) = self.slots.iter().position(|slot| slot.owner == Some(owner)) {
                return Some(own);
            }
            if let Some((at, free)) = self.slots.iter_mut().enumerate().find(|(_, slot)| slot.owner.is_none()) {
                free.owner = Some(owner);
                return Some(at);
            }
        }
        let at = self.slots.len();
        if at >= limits::LEGS_MAX {
            return None;
        }
        let fork = u8::try_from(at).ok()?;
        let tag = stamp::tag(wire.call, line.id, fork, &mut wire.entropy);
        let dialog = Dialog::accept(&self.invite, &tag).ok()?;
        let cseq = dialog.remote_cseq.unwrap_or_default();
        let reliable = ReliableResponses::new(wire.transactions.timers(), cseq, &mut wire.entropy);
        self.slots.push(Slot {
            owner,
            dialog,
            reliable,
            described: None,
            described_reliably: false,
            early: EarlyOffers::default(),
        });
        Some(at)
    }

    fn slot_for(&mut self, line: &Line, wire: &mut Wire, source: Source, describes: bool) -> usize {
        let own = self.slots.iter().position(|slot| slot.owner == Some(source));
        let claimed = if describes { self.claim(line, wire, Some(source)) } else { own };
        claimed.or_else(|| self.slots.iter().position(|slot| slot.owner.is_none())).unwrap_or(0)
    }

    fn body_for(&self, line: &mut Line, wire: &Wire, description: &[u8]) -> Result<Option<Bytes>, media_plan::Refusal> {
        let host = wire.host(self.from.listener);
        let Line { media, party, .. } = line;
        if self.has_offer {
            media.answer_to(description, &party.side(host)).map(Some)
        } else {
            media.offer_to(description, &party.side(host)).map(Some)
        }
    }

    pub fn progress(
        &mut self,
        line: &mut Line,
        wire: &mut Wire,
        progress: &Progress<'_>,
    ) -> Result<(), media_plan::Refusal> {
        // An offer in a response to an offerless INVITE is only good where it is acknowledged (RFC 3262 5).
        let description = progress.description.filter(|_| self.has_offer || self.is_reliable);
        let body = match description {
            Some(description) => self.body_for(line, wire, description)?,
            None => None,
        };
        let at = self.slot_for(line, wire, progress.source, body.is_some());
        if progress.status == 180 && line.facts.ringing_at.is_none() {
            line.facts.ringing_at = Some(wire.now.unix_millis());
        }
        let contact = wire.contact(&self.from);
        let Some(slot) = self.slots.get_mut(at) else { return Ok(()) };
        let tag = &slot.dialog.local_tag;
        let mut writer = Writer::reply(&self.invite, self.from.remote, progress.status, progress.phrase, Some(tag));
        writer.text(HeaderName::Contact, &[&contact]).text(HeaderName::Allow, &[headers::ALLOW]);
        wire.server_header(&mut writer, self.from.listener);
        for Header { name, value } in progress.headers {
            writer.text_named(name, value);
        }
        let has_body = body.is_some();
        let rseq = self.is_reliable.then(|| slot.reliable.next_rseq());
        if let Some(rseq) = rseq {
            writer.header(HeaderName::Require, "100rel").header(HeaderName::RSeq, rseq);
        }
        if let Some(body) = &body {
            slot.described = Some(body.clone());
            slot.described_reliably = rseq.is_some();
        }
        let bytes = finish(writer, body.as_ref());
        match rseq {
            Some(rseq) => {
                slot.reliable.send(wire.now, rseq, progress.status, bytes, has_body);
                self.flush(wire, at);
            }
            None => wire.transactions.respond(wire.now, self.server, progress.status, bytes),
        }
        Ok(())
    }

    /// Sends what a slot's numbering lets out. `true`: the caller does not acknowledge.
    fn flush(&mut self, wire: &mut Wire, at: usize) -> bool {
        let Some(slot) = self.slots.get_mut(at) else { return false };
        let mut is_dead = false;
        while let Some(output) = slot.reliable.poll_output() {
            match output {
                ReliableOutput::Respond { status, bytes } => {
                    wire.transactions.respond(wire.now, self.server, status, bytes);
                }
                ReliableOutput::Unacknowledged => is_dead = true,
            }
        }
        is_dead
    }

    pub fn answer(
        &mut self,
        line: &mut Line,
        wire: &mut Wire,
        source: Source,
        description: Option<&[u8]>,
    ) -> Result<Option<Established>, media_plan::Refusal> {
        let is_described = self.slots.iter().any(|slot| slot.owner == Some(source) && slot.described_reliably);
        let body = match description.filter(|_| !is_described) {
            Some(description) => self.body_for(line, wire, description)?,
            None => None,
        };
        let slot = self.slot_for(line, wire, source, body.is_some());
        let body = match self.slots.get(slot) {
            Some(known) if known.described_reliably => None,
            // The callee's answer came before its 200.
            Some(known) if body.is_none() => known.described.clone(),
            _ => body,
        };
        self.waiting = Some(Waiting { slot, body });
        Ok(self.answer_when_allowed(line, wire))
    }

    fn answer_when_allowed(&mut self, line: &mut Line, wire: &mut Wire) -> Option<Established> {
        let waits = self.slots.iter().any(|slot| !slot.reliable.may_answer());
        let Waiting { slot, body } = self.waiting.take_if(|_| !waits)?;
        if slot >= self.slots.len() {
            return None;
        }
        let mut slot = self.slots.swap_remove(slot);
        slot.reliable.on_final();
        self.refuse_offers(line, wire);
        let contact = wire.contact(&self.from);
        let tag = &slot.dialog.local_tag;
        let mut writer = Writer::reply(&self.invite, self.from.remote, 200, "OK", Some(tag));
        writer.text(HeaderName::Contact, &[&contact]).text(HeaderName::Allow, &[headers::ALLOW]);
        headers::support(&mut writer, false, self.terms.is_some());
        wire.server_header(&mut writer, self.from.listener);
        if let Some(terms) = self.terms {
            writer.header(HeaderName::SessionExpires, terms.expires);
            if terms.require {
                writer.header(HeaderName::Require, "timer");
            }
        }
        for Header { name, value } in &self.crossing {
            writer.header_named(name, value);
        }
        let bytes = finish(writer, body.as_ref());
        wire.transactions.respond(wire.now, self.server, 200, bytes);
        line.timer.on_answered(wire.now, self.terms);
        line.facts.answered_at = Some(wire.now.unix_millis());
        let has_made_offer = !self.has_offer;
        if !has_made_offer && slot.early.theirs.is_none() {
            line.media.settle();
        }
        wire.route(line, &slot.dialog);
        let mut next = Established::answered(slot.dialog, self.server, has_made_offer && body.is_some());
        next.carry_on(slot.early);
        Some(next)
    }

    pub fn reject(&mut self, line: &mut Line, wire: &mut Wire, rejection: &Rejection<'_>) {
        let writer = self.refusal(wire, rejection.status, rejection.phrase, rejection.cause);
        self.send_refusal(wire, rejection, writer);
        self.refuse_offers(line, wire);
        line.end(wire, rejection.cause, Some(rejection.status));
    }

    fn send_refusal(&self, wire: &mut Wire, rejection: &Rejection<'_>, mut writer: Writer) {
        if let Some(contact) = rejection.contact {
            writer.header(HeaderName::Contact, format_args!("<{contact}>"));
        }
        if let Some(seconds) = rejection.retry_after {
            writer.header(HeaderName::RetryAfter, seconds);
        }
        wire.transactions.respond(wire.now, self.server, rejection.status, writer.finish());
    }

    /// Our tag where the INVITE is refused: of its first early dialog, if there is one.
    pub fn tag(&self, wire: &Wire) -> Box<str> {
        match self.slots.first() {
            Some(slot) => slot.dialog.local_tag.clone(),
            None => format!("{}0000{:08x}", wire.call, wire.call.0 & 0xffff_ffff).into(),
        }
    }

    fn refusal(&self, wire: &Wire, status: u16, phrase: &str, cause: Cause) -> Writer {
        let tag = self.tag(wire);
        let mut writer = Writer::reply(&self.invite, self.from.remote, status, phrase, Some(&tag));
        headers::reason(&mut writer, cause);
        wire.server_header(&mut writer, self.from.listener);
        writer
    }

    /// Refuses what cannot be taken at all.
    pub fn refuse_outright(&self, line: &mut Line, wire: &mut Wire, why: &Unacceptable) -> Cause {
        let (status, phrase, cause) = match why {
            Unacceptable::Status(status, phrase) => (*status, *phrase, Cause::PeerMisbehaved),
            Unacceptable::Extension(_) => (420, "Bad Extension", Cause::PeerMisbehaved),
            Unacceptable::ExtensionRequired => (421, "Extension Required", Cause::PeerMisbehaved),
            Unacceptable::TooBrief(_) => (422, "Session Interval Too Small", Cause::PeerMisbehaved),
            Unacceptable::Media(refusal) => (488, "Not Acceptable Here", refusal.cause()),
        };
        let mut writer = self.refusal(wire, status, phrase, cause);
        match why {
            Unacceptable::Extension(tags) => writer.header(HeaderName::Unsupported, tags),
            Unacceptable::ExtensionRequired => writer.header(HeaderName::Require, "100rel"),
            Unacceptable::TooBrief(min_se) => writer.header(HeaderName::MinSe, min_se),
            Unacceptable::Status(415, _) => writer.header(HeaderName::Accept, "application/sdp"),
            Unacceptable::Status(..) | Unacceptable::Media(_) => &mut writer,
        };
        wire.transactions.respond(wire.now, self.server, status, writer.finish());
        line.end(wire, cause, Some(status));
        cause
    }

    /// Its CANCEL has been answered; the INVITE gets its 487 (RFC 3261 9.2).
    pub fn cancelled(&mut self, line: &mut Line, wire: &mut Wire) {
        let (status, phrase) = Cause::Cancelled.status();
        let cause = Cause::Cancelled;
        self.reject(line, wire, &Rejection { status, phrase, cause, retry_after: None, contact: None });
    }

    pub fn on_request(&mut self, line: &mut Line, wire: &mut Wire, request: Request) -> Option<State> {
        let Some(at) = self.slots.iter().position(|slot| slot.dialog.is_of(&request.message)) else {
            wire.respond_plain(request.server, &request.message, &request.from, GONE);
            return None;
        };
        let order = self.slots.get_mut(at).map(|slot| slot.dialog.receive(&request.message));
        if !in_order(wire, &request, order) || leg::answer_plain(wire, &request) {
            return None;
        }
        match request.message.method() {
            Method::Prack => self.on_prack(line, wire, at, request),
            Method::Bye => {
                // RFC 3261 15: the caller may end an early dialog by BYE as well.
                wire.respond_plain(request.server, &request.message, &request.from, OK);
                self.cancelled(line, wire);
                wire.emit(line.id, LegEvent::Cancelled { cause: Cause::Cancelled });
                Some(State::Over(Over::default()))
            }
            Method::Update => {
                self.on_early_update(line, wire, at, request);
                None
            }
            Method::Info => {
                wire.emit(line.id, LegEvent::Informed { request: Box::new(request) });
                None
            }
            Method::Invite => {
                wire.respond_plain(request.server, &request.message, &request.from, (491, "Request Pending"));
                None
            }
            _ => {
                wire.respond_plain(request.server, &request.message, &request.from, GONE);
                None
            }
        }
    }

    fn on_prack(&mut self, line: &mut Line, wire: &mut Wire, at: usize, request: Request) -> Option<State> {
        let rack = request.message.get(HeaderName::RAck).and_then(RAck::parse);
        let slot = self.slots.get_mut(at)?;
        let verdict = rack.map_or(PrackVerdict::Unknown, |rack| slot.reliable.on_prack(wire.now, rack));
        if verdict == PrackVerdict::Unknown {
            wire.respond_plain(request.server, &request.message, &request.from, GONE);
            return None;
        }
        let describes = description(&request.message).is_some();
        self.flush(wire, at);
        if describes && self.has_offer {
            self.on_early_offer(line, wire, at, request);
            return self.answer_when_allowed(line, wire).map(|next| State::Established(Box::new(next)));
        }
        wire.respond_plain(request.server, &request.message, &request.from, OK);
        if describes && !self.has_offer {
            // The answer to our offer is in: the 200 holds none, and neither does its ACK.
            self.has_offer = true;
            if let Some(answer) = description(&request.message) {
                line.answered(answer);
            }
            line.media.settle();
            wire.emit(line.id, LegEvent::EarlyAnswer { message: request.message });
        }
        self.answer_when_allowed(line, wire).map(|next| State::Established(Box::new(next)))
    }

    /// Whether the caller and we are through with the first offer in an early dialog: nothing but a reliable response ends it.
    fn first(&self, slot: &Slot) -> First {
        match (self.has_offer, slot.described_reliably && slot.reliable.may_answer()) {
            (true, true) => First::Complete,
            (true, false) => First::TheirsUnanswered,
            // Ours was made in a reliable response and answered in a PRACK, or it is not answered yet.
            (false, _) => First::OursUnanswered,
        }
    }

    /// A further offer in an early dialog goes to the one whose dialog it is.
    fn on_early_offer(&mut self, line: &mut Line, wire: &mut Wire, at: usize, request: Request) {
        let Some(first) = self.slots.get(at).map(|slot| self.first(slot)) else { return };
        let Some(slot) = self.slots.get_mut(at) else { return };
        let Some(source) = slot.owner else {
            return wire.respond_plain(request.server, &request.message, &request.from, (491, "Request Pending"));
        };
        if let Some(offer) = slot.early.hear(line, wire, &mut slot.dialog, (request, first)) {
            wire.emit(line.id, LegEvent::OfferedEarly { source, offer });
        }
    }

    /// Offers to the caller what the source of one of its early dialogs offers.
    pub fn offer_early(
        &mut self,
        line: &mut Line,
        wire: &mut Wire,
        source: Source,
        offer: &[u8],
    ) -> Result<(), NotOffered> {
        let known = self.slots.iter().find(|slot| slot.owner == Some(source));
        if known.is_none_or(|slot| self.first(slot) != First::Complete) {
            return Err(NotOffered::Pending);
        }
        let Some(slot) = self.slots.iter_mut().find(|slot| slot.owner == Some(source)) else { return Ok(()) };
        slot.early.offer(line, wire, &mut slot.dialog, (source.fork, offer))
    }

    pub fn on_update_response(&mut self, line: &mut Line, wire: &mut Wire, whence: (ClientKey, Option<&Message>)) {
        for slot in &mut self.slots {
            if let Some(answer) = slot.early.on_response(line, &mut slot.dialog, whence)
                && let Some(source) = slot.owner
            {
                wire.emit(line.id, LegEvent::AnsweredEarly { source, answer });
            }
        }
    }

    /// The called party's answer to what the caller has offered, or its refusal.
    pub fn answer_early(
        &mut self,
        line: &mut Line,
        wire: &mut Wire,
        source: Source,
        answer: Result<&[u8], (u16, &str)>,
    ) {
        let Some(slot) = self.slots.iter_mut().find(|slot| slot.owner == Some(source)) else { return };
        let refusal = match answer {
            Ok(answer) => match slot.early.accept(line, wire, answer) {
                Ok(body) => return slot.described = Some(body),
                Err(_) => (488, "Not Acceptable Here"),
            },
            Err(refusal) => refusal,
        };
        slot.early.refuse(line, wire, refusal);
    }

    /// Nobody is left behind the early dialogs of this leg.
    pub fn source_is_gone(&mut self, line: &mut Line, wire: &mut Wire, gone: LegId) {
        for slot in &mut self.slots {
            if slot.owner.is_some_and(|owner| owner.leg == gone) {
                slot.early.refuse(line, wire, (488, "Not Acceptable Here"));
            }
        }
    }

    /// Whatever the caller has asked in early dialogs that are over now.
    fn refuse_offers(&mut self, line: &mut Line, wire: &mut Wire) {
        for slot in &mut self.slots {
            slot.early.refuse(line, wire, (487, "Request Terminated"));
        }
    }

    /// Without a description it only tells that the peer lives.
    fn on_early_update(&mut self, line: &mut Line, wire: &mut Wire, at: usize, request: Request) {
        if description(&request.message).is_some() {
            return self.on_early_offer(line, wire, at, request);
        }
        if let Some(slot) = self.slots.get_mut(at) {
            slot.dialog.refresh(&request.message);
        }
        let mut writer = wire.reply(&request.message, &request.from, 200, "OK");
        writer.header(HeaderName::Contact, wire.contact(&self.from));
        wire.transactions.respond(wire.now, request.server, 200, writer.finish());
    }

    pub fn handle_deadline(&mut self, line: &mut Line, wire: &mut Wire) -> Option<State> {
        let mut is_dead = false;
        for at in 0..self.slots.len() {
            if let Some(slot) = self.slots.get_mut(at) {
                slot.reliable.handle_deadline(wire.now);
            }
            is_dead |= self.flush(wire, at);
        }
        if !is_dead {
            return None;
        }
        // RFC 3262 3: a caller that never acknowledges is refused.
        let cause = Cause::PeerVanished;
        let (status, phrase) = cause.status();
        self.reject(line, wire, &Rejection { status, phrase, cause, retry_after: None, contact: None });
        wire.emit(line.id, LegEvent::Ended { cause, fault: Fault::Caller });
        Some(State::Over(Over::default()))
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.slots.iter().fold(None, |soonest, slot| earliest(soonest, slot.reliable.deadline()))
    }
}

pub const OK: (u16, &str) = (200, "OK");
pub const GONE: (u16, &str) = (481, "Call/Transaction Does Not Exist");

/// Answers what is out of order (RFC 3261 12.2.2). `false`: it has had its answer.
pub fn in_order(
    wire: &mut Wire,
    request: &Request,
    order: Option<Result<Order, crate::protocol::sip::message::message::Refusal>>,
) -> bool {
    let answer = match order {
        Some(Ok(Order::InOrder)) => return true,
        Some(Ok(Order::Late)) => (500, "Server Internal Error"),
        Some(Err(refusal)) => (refusal.status, refusal.phrase),
        None => GONE,
    };
    wire.respond_plain(request.server, &request.message, &request.from, answer);
    false
}

/// With a body of ours, or without.
pub fn finish(writer: Writer, body: Option<&Bytes>) -> Bytes {
    match body {
        Some(body) => writer.finish_with("application/sdp", body),
        None => writer.finish(),
    }
}
