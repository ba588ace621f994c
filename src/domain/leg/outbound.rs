//! A party that we call, until its INVITE has a final response (RFC 3261 13.2). Never answers a callee's challenge.

use crate::base::cause::Cause;
use crate::base::id::LegId;
use crate::base::limits;
use crate::domain::leg::abandoned::Abandoned;
use crate::domain::leg::challenge::{self, Logins};
use crate::domain::leg::early::{EarlyOffers, First};
use crate::domain::leg::established::{Established, hear_offer};
use crate::domain::leg::event::{Failure, FailureReason, LegEvent, Request, description};
use crate::domain::leg::headers;
use crate::domain::leg::inbound::{GONE, OK, Source, finish, in_order};
use crate::domain::leg::leg::{self, Line, State};
use crate::domain::leg::media_plan;
use crate::domain::leg::offer::NotOffered;
use crate::domain::leg::wire::{Errand, Ready, Stamp, Wire};
use crate::domain::profile::ReliablePolicy;
use crate::protocol::sip::dialog::{Dialog, Opening};
use crate::protocol::sip::message::header::HeaderName;
use crate::protocol::sip::message::message::Message;
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::message::writer::Writer;
use crate::protocol::sip::path::Target;
use crate::protocol::sip::reliable::{Arrival, RAck, ReliableArrivals};
use crate::protocol::sip::stamp;
use crate::protocol::sip::transaction::set::ClientKey;
use bytes::Bytes;
use std::borrow::Cow;

/// Everything that an INVITE says and that does not depend on where it goes.
pub struct InvitePlan {
    pub uri: Box<str>,
    /// From value without tag.
    pub from: Box<str>,
    pub to: Box<str>,
    pub routes: Vec<Box<str>>,
    pub headers: Vec<(Cow<'static, str>, Box<str>)>,
    pub hops: u32,
    pub offer: Option<Bytes>,
    /// Whether a reliable provisional response can be dealt with: not where an offer in it could not be answered.
    pub may_be_reliable: bool,
}

pub struct Outbound {
    plan: InvitePlan,
    opening: Opening,
    client: ClientKey,
    branch: Box<str>,
    /// Where RFC 3263 leads next, should this place be silent.
    places: Vec<Target>,
    forks: Vec<Fork>,
    logins: Logins,
    /// A provisional response has come: only now may a CANCEL go (RFC 3261 9.1).
    has_heard: bool,
    is_cancel_sent: bool,
    giving_up: Option<Cause>,
    size: Size,
}

/// One early dialog.
struct Fork {
    dialog: Dialog,
    arrivals: ReliableArrivals,
    /// The acknowledgement of an offer, which has to wait for our answer.
    owed: Option<RAck>,
    /// Our offer in the INVITE, or theirs in a reliable response, has its answer in this dialog.
    is_agreed: bool,
    early: EarlyOffers,
}

/// RFC 3261 18.1.1: what is too long for a datagram goes by TCP, and by UDP after all where that leads nowhere.
#[derive(Clone, PartialEq, Debug)]
enum Size {
    Untried,
    ByTcp { before: Target },
    Settled,
}

impl Outbound {
    /// Sends the INVITE to the first place.
    pub fn start(line: &mut Line, wire: &mut Wire, plan: InvitePlan, places: Vec<Target>) -> Outbound {
        let tag = stamp::tag(wire.call, line.id, 0, &mut wire.entropy);
        let opening = Opening {
            call_id: stamp::call_id(&mut wire.entropy).into(),
            local_tag: tag.into(),
            local: plan.from.clone(),
            remote: plan.to.clone(),
            cseq: 0,
            secure: plan.uri.starts_with("sips:"),
        };
        line.facts.sip_call_id = opening.call_id.clone();
        let mut outbound = Outbound {
            plan,
            opening,
            client: ClientKey(0),
            branch: Box::default(),
            places,
            forks: Vec::new(),
            logins: Logins::default(),
            has_heard: false,
            is_cancel_sent: false,
            giving_up: None,
            size: Size::Untried,
        };
        outbound.invite(line, wire);
        outbound
    }

    /// One more INVITE: the first, to the next place, or with what the last one lacked.
    fn invite(&mut self, line: &mut Line, wire: &mut Wire) {
        self.opening.cseq += 1;
        self.forks.clear();
        self.has_heard = false;
        let mut stamp = wire.stamp(&line.target.path);
        let credentials = self.logins.answer(&line.party, (Method::Invite, &self.plan.uri), &mut wire.entropy);
        let mut bytes = self.write(line, wire, &stamp, &credentials);
        if bytes.len() > limits::DATAGRAM_REQUEST_BYTES_MAX && self.size == Size::Untried {
            self.size = Size::Settled;
            if line.party.large_by_tcp()
                && let Some(target) = wire.by_tcp(&line.target)
            {
                self.size = Size::ByTcp { before: std::mem::replace(&mut line.target, target) };
                stamp.via = wire.via(&line.target.path, &stamp.branch);
                bytes = self.write(line, wire, &stamp, &credentials);
            }
        }
        self.branch = stamp.branch.as_str().into();
        let no_response = line.party.no_response();
        let target = line.target.clone();
        self.client =
            wire.send(line, Errand::Invite, Ready { stamp, method: Method::Invite, target, bytes, no_response });
    }

    fn write(&self, line: &Line, wire: &Wire, stamp: &Stamp, credentials: &[(HeaderName, String)]) -> Bytes {
        let path = &line.target.path;
        let Opening { local, local_tag, remote, call_id, cseq, .. } = &self.opening;
        let mut writer = Writer::request(Method::Invite.name(), &self.plan.uri);
        writer.text(HeaderName::Via, &[&stamp.via]).header(HeaderName::MaxForwards, self.plan.hops);
        for route in &self.plan.routes {
            writer.text(HeaderName::Route, &[route]);
        }
        writer.text(HeaderName::From, &[local, ";tag=", local_tag]);
        writer.text(HeaderName::To, &[remote]).text(HeaderName::CallId, &[call_id]);
        writer.header(HeaderName::CSeq, format_args!("{cseq} INVITE"));
        writer.text(HeaderName::Contact, &[&wire.contact(path)]).text(HeaderName::Allow, &[headers::ALLOW]);
        let policy = wire.listener(path.listener).map_or(ReliablePolicy::Off, |(profile, _)| profile.reliable);
        let is_reliable = self.plan.may_be_reliable && policy != ReliablePolicy::Off;
        let terms = line.timer.request_terms();
        headers::support(&mut writer, is_reliable, terms.is_some());
        if is_reliable && policy == ReliablePolicy::Required {
            writer.header(HeaderName::Require, "100rel");
        }
        headers::session_terms(&mut writer, terms);
        wire.agent_header(&mut writer, path.listener);
        for (name, value) in credentials {
            writer.header(*name, value);
        }
        for (name, value) in &self.plan.headers {
            writer.text_named(name, value);
        }
        finish(writer, self.plan.offer.as_ref())
    }

    /// Gives it up: CANCEL, at once or when a provisional response has come.
    pub fn give_up(&mut self, line: &mut Line, wire: &mut Wire, cause: Cause) {
        if self.giving_up.is_none() {
            self.giving_up = Some(cause);
            line.end(wire, cause, None);
        }
        self.cancel(line, wire);
    }

    pub fn is_given_up(&self) -> bool {
        self.giving_up.is_some()
    }

    fn cancel(&mut self, line: &Line, wire: &mut Wire) {
        let Some(cause) = self.giving_up.filter(|_| self.has_heard && !self.is_cancel_sent) else { return };
        self.is_cancel_sent = true;
        let Outbound { plan, opening, branch, .. } = self;
        let asked = Asked { uri: &plan.uri, routes: &plan.routes, opening, branch, target: &line.target };
        asked.cancel(line.id, wire, cause);
    }

    /// The CANCEL of what is under way, for a call that has failed; `None` before a provisional response (RFC 3261 9.1).
    pub fn farewell(&self, line: &Line, wire: &Wire) -> Option<Bytes> {
        let Outbound { plan, opening, branch, .. } = self;
        let asked = Asked { uri: &plan.uri, routes: &plan.routes, opening, branch, target: &line.target };
        self.has_heard.then(|| asked.write_cancel(wire, Cause::Fault))
    }

    /// The INVITE that is under way, for who keeps an eye on it when nobody waits for it any more.
    pub fn leave(&self, line: &Line) -> Abandoned {
        Abandoned {
            client: self.client,
            branch: self.branch.clone(),
            uri: self.plan.uri.clone(),
            routes: self.plan.routes.clone(),
            opening: self.opening.clone(),
            target: line.target.clone(),
            is_phone: line.party.is_phone(),
            is_cancelled: false,
        }
    }

    pub fn is_waiting_for(&self, client: ClientKey) -> bool {
        self.client == client
    }

    pub fn on_response(
        &mut self,
        line: &mut Line,
        wire: &mut Wire,
        client: ClientKey,
        message: Box<Message>,
    ) -> Option<State> {
        if client != self.client {
            return None;
        }
        line.peer.learn(&message);
        self.has_heard = true;
        match message.status() {
            ..=100 => {
                self.cancel(line, wire);
                None
            }
            101..200 => {
                self.on_progress(line, wire, message);
                self.cancel(line, wire);
                None
            }
            200..300 => Some(self.on_success(line, wire, message)),
            status => self.on_refusal(line, wire, status, &message),
        }
    }

    fn on_progress(&mut self, line: &mut Line, wire: &mut Wire, message: Box<Message>) {
        let Some(fork) = self.fork_of(&message) else { return };
        let at = usize::from(fork);
        let rseq = message.number(HeaderName::RSeq).ok().flatten();
        let mut answers_later = false;
        if let Some(rseq) = rseq.filter(|_| message.has_token(HeaderName::Require, "100rel")) {
            let Some(known) = self.forks.get_mut(at) else { return };
            let Arrival::New(rack) = known.arrivals.on_provisional(rseq) else { return };
            answers_later = self.plan.offer.is_none() && description(&message).is_some() && self.giving_up.is_none();
            if answers_later {
                known.owed = Some(rack);
            } else {
                known.is_agreed |= self.plan.offer.is_some() && description(&message).is_some();
                self.prack(line, wire, fork, (rack, None));
            }
        }
        if self.giving_up.is_some() {
            return;
        }
        if message.status() == 180 && line.facts.ringing_at.is_none() {
            line.facts.ringing_at = Some(wire.now.unix_millis());
        }
        if let Some(answer) = description(&message).filter(|_| self.plan.offer.is_some())
            && line.media.answered(answer).is_err()
        {
            wire.emit(line.id, LegEvent::Failed(Failure::of(Cause::MediaNotAcceptable, FailureReason::Media)));
            return self.give_up(line, wire, Cause::MediaNotAcceptable);
        }
        let made = description(&message).filter(|_| answers_later).map(|offer| hear_offer(line, wire, offer));
        let Ok(offer) = made.transpose() else {
            wire.emit(line.id, LegEvent::Failed(Failure::of(Cause::MediaNotAcceptable, FailureReason::Media)));
            return self.give_up(line, wire, Cause::MediaNotAcceptable);
        };
        wire.emit(line.id, LegEvent::Progressed { fork, message, offer });
    }

    /// The early dialog of a response; a new one where its tag is new. `None`: no tag, or too many.
    fn fork_of(&mut self, message: &Message) -> Option<u8> {
        let tag = message.to_tag()?;
        let known = self.forks.iter().position(|fork| &*fork.dialog.remote_tag == tag);
        if let Some(at) = known {
            if let Some(fork) = self.forks.get_mut(at) {
                fork.dialog.refresh(message);
            }
            return u8::try_from(at).ok();
        }
        if self.forks.len() >= limits::FORKS_MAX {
            return None;
        }
        let dialog = Dialog::open(&self.opening, message, &self.plan.uri).ok()?;
        self.forks.push(Fork {
            dialog,
            arrivals: ReliableArrivals::new(self.opening.cseq),
            owed: None,
            is_agreed: false,
            early: EarlyOffers::default(),
        });
        u8::try_from(self.forks.len() - 1).ok()
    }

    /// Acknowledges a reliable provisional response, with our answer where it made an offer.
    fn prack(&mut self, line: &Line, wire: &mut Wire, fork: u8, what: (RAck, Option<Bytes>)) {
        let Some(known) = self.forks.get_mut(usize::from(fork)) else { return };
        let (rack, body) = what;
        let target = wire.next_hop(&known.dialog, &line.target, line.party.is_phone());
        let stamp = wire.stamp(&target.path);
        let mut writer = known.dialog.request(Method::Prack, &stamp.via);
        writer.header(HeaderName::RAck, rack);
        let bytes = finish(writer, body.as_ref());
        let method = Method::Prack;
        wire.send(line, Errand::Prack(fork), Ready { stamp, method, target, bytes, no_response: None });
    }

    /// Our answer to an offer that came in a reliable provisional response.
    pub fn answer_early(&mut self, line: &mut Line, wire: &mut Wire, answer: &[u8]) -> Result<(), media_plan::Refusal> {
        let Some(at) = self.forks.iter().position(|fork| fork.owed.is_some()) else { return Ok(()) };
        let host = wire.host(line.target.path.listener);
        let body = line.media.answer_to(answer, &line.party.side(host))?;
        line.media.settle();
        if let Some(rack) = self.forks.get_mut(at).and_then(|fork| fork.owed.take())
            && let Ok(fork) = u8::try_from(at)
        {
            self.prack(line, wire, fork, (rack, Some(body.clone())));
        }
        if let Some(known) = self.forks.get_mut(at) {
            known.is_agreed = true;
        }
        // From here on offer and answer are complete: the 2xx needs no answer of ours.
        self.plan.offer = Some(body);
        Ok(())
    }

    /// A PRACK of ours that finds nothing means that the fork is gone; its INVITE will say so.
    pub fn on_prack_response(&mut self, fork: u8, status: u16) {
        if status >= 300
            && let Some(known) = self.forks.get_mut(usize::from(fork))
        {
            known.owed = None;
        }
    }

    /// The dialog of the 2xx: early so far, or new. With what is under way in it, and whether it has its first answer.
    fn dialog_of(&mut self, fork: u8, message: &Message) -> Option<(Dialog, EarlyOffers, bool)> {
        let known = self.forks.get_mut(usize::from(fork));
        match known.filter(|known| Some(&*known.dialog.remote_tag) == message.to_tag()) {
            Some(known) => {
                let (dialog, early) = (std::mem::take(&mut known.dialog), std::mem::take(&mut known.early));
                Some((dialog, early, known.is_agreed))
            }
            None => {
                let dialog = Dialog::open(&self.opening, message, &self.plan.uri).ok()?;
                Some((dialog, EarlyOffers::default(), false))
            }
        }
    }

    fn on_success(&mut self, line: &mut Line, wire: &mut Wire, message: Box<Message>) -> State {
        let fork = self.fork_of(&message).unwrap_or(0);
        let Some((mut dialog, under_way, is_agreed)) = self.dialog_of(fork, &message) else {
            return leg::failed(line, wire, Failure::of(Cause::PeerMisbehaved, FailureReason::Status(200)));
        };
        dialog.confirm(&message);
        wire.route(line, &dialog);
        let mut established = Established::called(wire, dialog, (self.client, self.opening.cseq));
        established.logins = std::mem::take(&mut self.logins);
        established.carry_on(under_way);
        self.refuse_offers(line, wire);
        if let Some(cause) = self.giving_up {
            // RFC 3261 9.1: the 200 has crossed our CANCEL; the call exists and has to be ended.
            if let Some(offer) = description(&message).filter(|_| self.plan.offer.is_none()) {
                // What cannot be heard is declined with the ACK.
                let _ = hear_offer(line, wire, offer);
            }
            established.acknowledge(line, wire, None);
            let state = established.hang_up(line, wire, cause);
            wire.emit(line.id, LegEvent::Failed(Failure::of(cause, FailureReason::GivenUp)));
            return state;
        }
        line.facts.answered_at = Some(wire.now.unix_millis());
        line.timer.on_answer(wire.now, &message);
        if let Some(described) = description(&message).filter(|_| !is_agreed) {
            line.hear(described);
        }
        if self.plan.offer.is_some() {
            let answer = description(&message).filter(|_| !is_agreed);
            let answered = answer.map_or(Ok(()), |answer| line.media.answered(answer));
            if !established.is_asked() {
                line.media.settle();
            }
            established.acknowledge(line, wire, None);
            if answered.is_err() {
                let state = established.hang_up(line, wire, Cause::MediaNotAcceptable);
                wire.emit(line.id, LegEvent::Failed(Failure::of(Cause::MediaNotAcceptable, FailureReason::Media)));
                return state;
            }
            wire.emit(line.id, LegEvent::Answered { fork, message, offer: None });
            return State::Established(Box::new(established));
        }
        let Some(Ok(offer)) = description(&message).map(|offer| hear_offer(line, wire, offer)) else {
            established.acknowledge(line, wire, None);
            let state = established.hang_up(line, wire, Cause::MediaNotAcceptable);
            wire.emit(line.id, LegEvent::Failed(Failure::of(Cause::MediaNotAcceptable, FailureReason::Media)));
            return state;
        };
        wire.emit(line.id, LegEvent::Answered { fork, message, offer: Some(offer) });
        State::Established(Box::new(established))
    }

    /// Offers to one early dialog of the callee what the caller offers.
    pub fn offer_early(&mut self, line: &mut Line, wire: &mut Wire, fork: u8, offer: &[u8]) -> Result<(), NotOffered> {
        let known = self.forks.get_mut(usize::from(fork)).filter(|known| known.is_agreed);
        let Some(known) = known else { return Err(NotOffered::Pending) };
        known.early.offer(line, wire, &mut known.dialog, (fork, offer))
    }

    pub fn on_update_response(&mut self, line: &mut Line, wire: &mut Wire, whence: (u8, ClientKey, Option<&Message>)) {
        let (fork, client, message) = whence;
        let Some(known) = self.forks.get_mut(usize::from(fork)) else { return };
        if let Some(answer) = known.early.on_response(line, &mut known.dialog, (client, message)) {
            let source = Source { leg: line.id, fork };
            wire.emit(line.id, LegEvent::AnsweredEarly { source, answer });
        }
    }

    /// The caller's answer to what one early dialog of the callee has offered, or its refusal.
    pub fn answer_update(&mut self, line: &mut Line, wire: &mut Wire, fork: u8, answer: Result<&[u8], (u16, &str)>) {
        let Some(known) = self.forks.get_mut(usize::from(fork)) else { return };
        let refusal = match answer {
            Ok(answer) => match known.early.accept(line, wire, answer) {
                Ok(_) => return line.media.settle(),
                Err(_) => (488, "Not Acceptable Here"),
            },
            Err(refusal) => refusal,
        };
        known.early.refuse(line, wire, refusal);
    }

    /// Whatever the callee has asked in early dialogs that are over now.
    fn refuse_offers(&mut self, line: &mut Line, wire: &mut Wire) {
        for fork in &mut self.forks {
            fork.early.refuse(line, wire, GONE);
        }
    }

    fn failed(&mut self, line: &mut Line, wire: &mut Wire, failure: Failure) -> State {
        self.refuse_offers(line, wire);
        leg::failed(line, wire, failure)
    }

    fn on_refusal(&mut self, line: &mut Line, wire: &mut Wire, status: u16, message: &Message) -> Option<State> {
        if let Some(cause) = self.giving_up {
            return Some(self.failed(line, wire, Failure::of(cause, FailureReason::GivenUp)));
        }
        let again = match status {
            401 | 407 => self.logins.accept(&line.party, message),
            422 => line.timer.on_too_small(message),
            _ => false,
        };
        if again {
            self.invite(line, wire);
            return None;
        }
        // RFC 3263 4.3: 503 says that this place of a name is of no use now, not that the name is.
        if status == 503 && self.next_place(line, wire) {
            return None;
        }
        let contacts = if (300..400).contains(&status) { headers::redirections(message) } else { Vec::new() };
        let cause = match status {
            401 | 407 => challenge::REFUSED,
            _ => headers::cause_of(message),
        };
        Some(self.failed(line, wire, Failure { cause, reason: FailureReason::Status(status), contacts }))
    }

    pub fn on_no_response(&mut self, line: &mut Line, wire: &mut Wire, reason: FailureReason) -> Option<State> {
        if let Some(cause) = self.giving_up {
            return Some(self.failed(line, wire, Failure::of(cause, FailureReason::GivenUp)));
        }
        if reason == FailureReason::Undeliverable
            && let Size::ByTcp { before } = std::mem::replace(&mut self.size, Size::Settled)
        {
            line.target = before;
            self.invite(line, wire);
            return None;
        }
        if self.next_place(line, wire) {
            return None;
        }
        Some(self.failed(line, wire, Failure::of(Cause::Unreachable, reason)))
    }

    fn next_place(&mut self, line: &mut Line, wire: &mut Wire) -> bool {
        if self.places.is_empty() {
            return false;
        }
        line.target = self.places.remove(0);
        self.size = Size::Untried;
        self.logins = Logins::default();
        self.invite(line, wire);
        true
    }

    /// Requests of a callee before it has answered.
    pub fn on_request(&mut self, line: &mut Line, wire: &mut Wire, request: Request) {
        let at = self.forks.iter().position(|fork| fork.dialog.is_of(&request.message));
        let (Some(at), Some(fork)) = (at, at.and_then(|at| self.forks.get_mut(at))) else {
            return wire.respond_plain(request.server, &request.message, &request.from, GONE);
        };
        let order = Some(fork.dialog.receive(&request.message));
        if !in_order(wire, &request, order) || leg::answer_plain(wire, &request) {
            return;
        }
        let answer = match request.message.method() {
            Method::Update if description(&request.message).is_none() => {
                fork.dialog.refresh(&request.message);
                let mut writer = wire.reply(&request.message, &request.from, 200, "OK");
                writer.header(HeaderName::Contact, wire.contact(&line.target.path));
                wire.transactions.respond(wire.now, request.server, 200, writer.finish());
                return;
            }
            Method::Update => {
                let first = if fork.is_agreed { First::Complete } else { First::OursUnanswered };
                let heard = fork.early.hear(line, wire, &mut fork.dialog, (request, first));
                if let (Some(offer), Ok(fork)) = (heard, u8::try_from(at)) {
                    let source = Source { leg: line.id, fork };
                    wire.emit(line.id, LegEvent::OfferedEarly { source, offer });
                }
                return;
            }
            Method::Invite => (491, "Request Pending"),
            Method::Info | Method::Notify => OK,
            Method::Refer => (403, "Forbidden"),
            // RFC 3261 15: the callee must not send BYE in an early dialog.
            Method::Bye => (403, "Forbidden"),
            _ => GONE,
        };
        wire.respond_plain(request.server, &request.message, &request.from, answer);
    }
}

/// An INVITE of ours, as far as its CANCEL repeats it.
pub(super) struct Asked<'a> {
    pub uri: &'a str,
    pub routes: &'a [Box<str>],
    pub opening: &'a Opening,
    pub branch: &'a str,
    pub target: &'a Target,
}

impl Asked<'_> {
    /// RFC 3261 9.1: the same branch, Request-URI, Route, and CSeq number as the INVITE.
    pub fn cancel(&self, leg: LegId, wire: &mut Wire, cause: Cause) {
        let mut stamp = wire.stamp(&self.target.path);
        stamp.branch = self.branch.to_owned();
        let (method, bytes, target) = (Method::Cancel, self.write_cancel(wire, cause), self.target.clone());
        wire.send_bare(leg, Errand::Cancel, Ready { stamp, method, target, bytes, no_response: None });
    }

    fn write_cancel(&self, wire: &Wire, cause: Cause) -> Bytes {
        let Opening { local, local_tag, remote, call_id, cseq, .. } = self.opening;
        let via = wire.via(&self.target.path, self.branch);
        let mut writer = Writer::request(Method::Cancel.name(), self.uri);
        writer.header(HeaderName::Via, &via).header(HeaderName::MaxForwards, 70);
        for route in self.routes {
            writer.header(HeaderName::Route, route);
        }
        writer.header(HeaderName::From, format_args!("{local};tag={local_tag}"));
        writer.header(HeaderName::To, remote).header(HeaderName::CallId, call_id);
        writer.header(HeaderName::CSeq, format_args!("{cseq} CANCEL"));
        if cause == Cause::Normal {
            writer.header(HeaderName::Reason, "SIP;cause=200;text=\"Call completed elsewhere\"");
        } else {
            headers::reason(&mut writer, cause);
        }
        writer.finish()
    }
}
