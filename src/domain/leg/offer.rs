//! Offers and answers of a running dialog, by re-INVITE and UPDATE, in both directions (RFC 3264, 3311, RFC 3261 14).

use crate::domain::leg::established::{Confirming, Established, OwedAck, hear_offer};
use crate::domain::leg::event::{LegEvent, Request, description};
use crate::domain::leg::headers;
use crate::domain::leg::inbound::finish;
use crate::domain::leg::leg::{Line, State, fingerprint};
use crate::domain::leg::media_plan;
use crate::domain::leg::wire::{Errand, Ready, Wire};
use crate::protocol::sip::message::header::HeaderName;
use crate::protocol::sip::message::message::Message;
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::session_timer::AnswerTerms;
use crate::protocol::sip::transaction::set::ClientKey;
use bytes::Bytes;
use std::time::Duration;

/// A re-INVITE or UPDATE of the peer that waits for the other side.
pub(super) struct Theirs {
    pub request: Request,
    pub terms: Option<AnswerTerms>,
    pub has_offer: bool,
}

/// A re-INVITE or UPDATE of ours that waits for the peer.
pub(super) struct Ours {
    pub client: ClientKey,
    pub cseq: u32,
    pub method: Method,
    pub purpose: Purpose,
    pub body: Option<Bytes>,
}

/// Why we ask, which decides who hears of the answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// For the other leg, which waits for the answer: a glare is passed to it, so that it backs off itself.
    Relay,
    /// Of our own: a glare is tried again.
    Own,
    /// The session timer: nobody else is concerned.
    Refresh,
}

/// Why an offer could not be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotOffered {
    /// Another one is under way in this dialog.
    Pending,
    Media(media_plan::Refusal),
}

impl Established {
    /// An offer or request for one is under way, in either direction.
    pub fn is_busy(&self) -> bool {
        self.theirs.is_some()
            || self.ours.is_some()
            || self.owed_ack.is_some()
            || self.confirming.is_some_and(|confirming| confirming.has_made_offer)
    }

    pub(super) fn on_reinvite(&mut self, line: &mut Line, wire: &mut Wire, request: Request) {
        let Request { server, from, message } = &request;
        if self.theirs.is_some() {
            // RFC 3261 14.2: a second one before the first has its answer.
            let mut writer = wire.reply(message, from, 500, "Server Internal Error");
            writer.header(HeaderName::RetryAfter, wire.entropy.below(11));
            return wire.transactions.respond(wire.now, *server, 500, writer.finish());
        }
        if self.is_busy() || self.retry.is_some() {
            return wire.respond_plain(*server, message, from, (491, "Request Pending"));
        }
        let trying = wire.reply(message, from, 100, "Trying").finish();
        wire.transactions.respond(wire.now, *server, 100, trying);
        self.on_offer(line, wire, request);
    }

    pub(super) fn on_update(&mut self, line: &mut Line, wire: &mut Wire, request: Request) {
        let has_offer = description(&request.message).is_some();
        let Request { server, from, message } = &request;
        if has_offer && self.theirs.is_some() {
            // RFC 3311 5.2: an UPDATE before the offer of another request has its answer.
            let mut writer = wire.reply(message, from, 500, "Server Internal Error");
            writer.header(HeaderName::RetryAfter, wire.entropy.below(11));
            return wire.transactions.respond(wire.now, *server, 500, writer.finish());
        }
        if has_offer && self.is_busy() {
            return wire.respond_plain(*server, message, from, (491, "Request Pending"));
        }
        self.on_offer(line, wire, request);
    }

    /// Takes a re-INVITE or UPDATE whose turn it is. What changes nothing is answered here, without the other leg.
    fn on_offer(&mut self, line: &mut Line, wire: &mut Wire, request: Request) {
        let terms = match line.timer.on_request(&request.message) {
            Ok(terms) => terms,
            Err(small) => {
                let mut writer = wire.reply(&request.message, &request.from, 422, "Session Interval Too Small");
                writer.header(HeaderName::MinSe, small.min_se);
                return wire.transactions.respond(wire.now, request.server, 422, writer.finish());
            }
        };
        self.dialog.refresh(&request.message);
        wire.route(line, &self.dialog);
        let described = description(&request.message);
        let is_new = described.is_none_or(|offer| fingerprint(offer) != line.heard);
        let Ok(offer) = described.map(|offer| hear_offer(line, wire, offer)).transpose() else {
            let Request { server, from, message } = &request;
            return wire.respond_plain(*server, message, from, (488, "Not Acceptable Here"));
        };
        if let Some(offer) = described {
            line.hear(offer);
        }
        let method = request.message.method();
        let is_plain_update = method == Method::Update && offer.is_none();
        let held = (offer.is_some() && !is_new).then(|| same_answer(line, wire)).flatten();
        self.theirs = Some(Box::new(Theirs { request, terms, has_offer: offer.is_some() }));
        if is_plain_update || held.is_some() {
            return self.respond(line, wire, held);
        }
        wire.emit(line.id, LegEvent::Offered { method, offer });
    }

    /// 200 to what the peer asked, with what the other leg's peer has described: an answer, or an offer where it made none.
    pub fn accept(
        &mut self,
        line: &mut Line,
        wire: &mut Wire,
        other: Option<&[u8]>,
    ) -> Result<(), media_plan::Refusal> {
        let Some(theirs) = &self.theirs else { return Ok(()) };
        let host = wire.host(line.target.path.listener);
        let side = line.party.side(host);
        let body = match other {
            None => None,
            Some(answer) if theirs.has_offer => Some(line.media.answer_to(answer, &side)?),
            Some(offer) => Some(line.media.offer_to(offer, &side)?),
        };
        self.respond(line, wire, body);
        Ok(())
    }

    fn respond(&mut self, line: &mut Line, wire: &mut Wire, body: Option<Bytes>) {
        let Some(theirs) = self.theirs.take() else { return };
        let Theirs { request: Request { server, from, message }, terms, has_offer } = *theirs;
        let mut writer = wire.reply(&message, &from, 200, "OK");
        writer.header(HeaderName::Contact, wire.contact(&from)).header(HeaderName::Allow, headers::ALLOW);
        headers::support(&mut writer, false, terms.is_some());
        if let Some(terms) = terms {
            writer.header(HeaderName::SessionExpires, terms.expires);
            if terms.require {
                writer.header(HeaderName::Require, "timer");
            }
        }
        wire.transactions.respond(wire.now, server, 200, finish(writer, body.as_ref()));
        line.timer.on_answered(wire.now, terms);
        let has_made_offer = body.is_some() && !has_offer;
        if !has_made_offer {
            line.media.settle();
        }
        if message.method() == Method::Invite {
            self.confirming = Some(Confirming { server, has_made_offer });
        }
    }

    /// Says no to what the peer asked; what held before still holds.
    pub fn refuse(&mut self, line: &mut Line, wire: &mut Wire, answer: (u16, &str)) {
        if let Some(theirs) = self.theirs.take() {
            // The next offer of the same words is to be asked again.
            line.heard = 0;
            let Request { server, from, message } = &theirs.request;
            wire.respond_plain(*server, message, from, answer);
        }
    }

    /// Offers to the peer what the other leg's peer has offered; without a description it asks the peer for an offer.
    pub fn offer(
        &mut self,
        line: &mut Line,
        wire: &mut Wire,
        method: Method,
        what: (Purpose, Option<&[u8]>),
    ) -> Result<(), NotOffered> {
        let (purpose, other) = what;
        // RFC 5407 2: before its ACK the peer may not have the dialog at all, and would say so with 481.
        if self.is_busy() || self.retry.is_some() || self.confirming.is_some() {
            return Err(NotOffered::Pending);
        }
        let host = wire.host(line.target.path.listener);
        let body = match other {
            Some(offer) => Some(line.media.offer_to(offer, &line.party.side(host)).map_err(NotOffered::Media)?),
            None => None,
        };
        let by_update = method == Method::Update && line.peer.takes_update() && body.is_some();
        let method = if by_update { Method::Update } else { Method::Invite };
        self.ask(line, wire, method, (purpose, body));
        Ok(())
    }

    /// Says again what held before an offer of ours that has come to nothing. `false`: not before that has its answer.
    pub fn take_back(&mut self, line: &mut Line, wire: &mut Wire, before: &[u8]) -> bool {
        if self.retry.take_if(|retry| retry.1 == Purpose::Own).is_some() {
            // The peer has not taken it, and is not asked again.
            return true;
        }
        if self.owed_ack.is_some() {
            self.acknowledge(line, wire, Some(before));
            return true;
        }
        self.offer(line, wire, Method::Invite, (Purpose::Own, Some(before))) != Err(NotOffered::Pending)
    }

    /// Tells the peer where our end of its stream is by now: what holds, under another address.
    pub fn tell_address(&mut self, line: &mut Line, wire: &mut Wire) -> Result<(), NotOffered> {
        if self.is_busy() || self.retry.is_some() || self.confirming.is_some() {
            return Err(NotOffered::Pending);
        }
        let host = wire.host(line.target.path.listener);
        let body = line.media.moved(&line.party.side(host)).ok_or(NotOffered::Pending)?;
        self.ask(line, wire, Method::Invite, (Purpose::Own, Some(body)));
        Ok(())
    }

    /// Our part of the session timer (RFC 4028 7.4).
    pub(super) fn refresh(&mut self, line: &mut Line, wire: &mut Wire, method: Method) {
        if self.is_busy() || self.retry.is_some() || self.confirming.is_some() {
            return line.timer.on_refresh_failed(wire.now);
        }
        let host = wire.host(line.target.path.listener);
        let body = if method == Method::Invite { line.media.refresh(&line.party.side(host)) } else { None };
        if method == Method::Invite && body.is_none() {
            return line.timer.on_refresh_refused(wire.now);
        }
        self.ask(line, wire, method, (Purpose::Refresh, body));
    }

    fn ask(&mut self, line: &mut Line, wire: &mut Wire, method: Method, what: (Purpose, Option<Bytes>)) {
        let (purpose, body) = what;
        let path = line.target.path;
        let stamp = wire.stamp(&path);
        let mut writer = self.dialog.request(method, &stamp.via);
        writer.header(HeaderName::Contact, wire.contact(&path)).header(HeaderName::Allow, headers::ALLOW);
        let terms = line.timer.request_terms();
        headers::support(&mut writer, false, terms.is_some());
        headers::session_terms(&mut writer, terms);
        wire.agent_header(&mut writer, path.listener);
        let request = (method, self.dialog.request_uri());
        for (name, value) in self.logins.answer(&line.party, request, &mut wire.entropy) {
            writer.header(name, value);
        }
        let bytes = finish(writer, body.as_ref());
        let errand = if method == Method::Invite { Errand::Reinvite } else { Errand::Update };
        let target = line.target.clone();
        let client = wire.send(line, errand, Ready { stamp, method, target, bytes, no_response: None });
        self.ours = Some(Box::new(Ours { client, cseq: self.dialog.local_cseq, method, purpose, body }));
    }

    pub(super) fn on_offer_response(
        &mut self,
        line: &mut Line,
        wire: &mut Wire,
        client: ClientKey,
        message: Box<Message>,
    ) -> Option<State> {
        if message.status() < 200 {
            return None;
        }
        let ours = self.ours.take_if(|ours| ours.client == client)?;
        match message.status() {
            200..300 => {
                self.on_offer_accepted(line, wire, *ours, message);
                None
            }
            // RFC 3261 12.2.1.2: the peer does not know the dialog, or nothing answers there. With a BYE all the same: the
            // request may have overtaken the 2xx that makes the dialog.
            408 | 481 => Some(self.vanished(line, wire)),
            401 | 407 if self.logins.accept(&line.party, &message) => {
                self.ask(line, wire, ours.method, (ours.purpose, ours.body));
                None
            }
            422 if line.timer.on_too_small(&message) => {
                self.ask(line, wire, ours.method, (ours.purpose, ours.body));
                None
            }
            491 if ours.purpose == Purpose::Own => {
                let wait = self.back_off(wire);
                self.retry = Some(Box::new((wire.now.instant + wait, ours.purpose, ours.body)));
                None
            }
            status => {
                match ours.purpose {
                    Purpose::Refresh => line.timer.on_refresh_refused(wire.now),
                    Purpose::Relay | Purpose::Own => wire.emit(line.id, LegEvent::Declined { status }),
                }
                None
            }
        }
    }

    /// RFC 3261 14.1: the one who chose the Call-ID waits 2.1 to 4 seconds, the other one up to 2, in steps of 10 ms.
    fn back_off(&self, wire: &mut Wire) -> Duration {
        let steps = if self.is_opener { 210 + wire.entropy.below(191) } else { wire.entropy.below(201) };
        Duration::from_millis(steps * 10)
    }

    fn on_offer_accepted(&mut self, line: &mut Line, wire: &mut Wire, ours: Ours, message: Box<Message>) {
        self.logins.succeeded();
        self.dialog.refresh(&message);
        line.peer.learn(&message);
        wire.route(line, &self.dialog);
        line.timer.on_answer(wire.now, &message);
        let described = description(&message);
        if ours.method == Method::Invite {
            self.owed_ack = Some(OwedAck::new(wire, ours.client, ours.cseq));
        }
        if let Some(description) = described {
            line.hear(description);
        }
        let asked_for_one = ours.body.is_none() && ours.method == Method::Invite;
        let made = described.filter(|_| asked_for_one).map(|offer| hear_offer(line, wire, offer));
        let offer = made.and_then(Result::ok);
        if offer.is_none() {
            if let Some(answer) = described.filter(|_| !asked_for_one) {
                line.answered(answer);
            }
            line.media.settle();
            self.acknowledge(line, wire, None);
        }
        if ours.purpose != Purpose::Refresh {
            wire.emit(line.id, LegEvent::Accepted { message, offer });
        }
    }

    pub(super) fn retry_when_due(&mut self, line: &mut Line, wire: &mut Wire) {
        if self.retry.as_ref().is_some_and(|retry| retry.0 <= wire.now.instant)
            && !self.is_busy()
            && let Some(retry) = self.retry.take()
        {
            self.ask(line, wire, Method::Invite, (retry.1, retry.2));
        }
    }
}

/// What we last described, as the answer to an offer that the peer has only repeated.
fn same_answer(line: &mut Line, wire: &Wire) -> Option<Bytes> {
    let host = wire.host(line.target.path.listener);
    let side = line.party.side(host);
    let held = line.media.refresh(&side)?;
    line.media.answer_to(&held, &side).ok()
}
