//! A party whose INVITE was accepted: acknowledgement, BYE, session timer, and requests that come in its dialog. Its
//! offers and answers are in `offer.rs`.

use crate::base::cause::{Cause, Fault};
use crate::base::id::LegId;
use crate::base::now::earliest;
use crate::domain::leg::challenge::Logins;
use crate::domain::leg::early::EarlyOffers;
use crate::domain::leg::event::{LegEvent, Request, description};
use crate::domain::leg::headers;
use crate::domain::leg::inbound::{GONE, OK, in_order};
use crate::domain::leg::leg::{self, Line, State};
use crate::domain::leg::media_plan;
use crate::domain::leg::offer::{Ours, Purpose, Theirs};
use crate::domain::leg::wire::{Errand, Ready, Wire};
use crate::domain::trunk::crossing::Header;
use crate::protocol::sip::dialog::Dialog;
use crate::protocol::sip::message::header::HeaderName;
use crate::protocol::sip::message::message::Message;
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::session_timer::SessionDue;
use crate::protocol::sip::transaction::set::{ClientKey, ServerKey};
use bytes::Bytes;
use std::time::Instant;

pub struct Established {
    pub(super) dialog: Dialog,
    /// Our INVITE and its CSeq: further 2xx to it are forks.
    invite: Option<(ClientKey, u32)>,
    /// A 2xx of ours whose ACK is awaited.
    pub(super) confirming: Option<Confirming>,
    /// A 2xx of theirs that waits for our ACK, because the ACK has to hold our answer.
    pub(super) owed_ack: Option<OwedAck>,
    pub(super) theirs: Option<Box<Theirs>>,
    pub(super) ours: Option<Box<Ours>>,
    /// A request of ours that met theirs on the way, to be sent again (RFC 3261 14.1).
    pub(super) retry: Option<Box<(Instant, Purpose, Option<Bytes>)>>,
    /// The BYE has to wait for the ACK (RFC 3261 15).
    bye_when_confirmed: Option<Cause>,
    pub(super) is_opener: bool,
    pub logins: Logins,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Confirming {
    pub server: ServerKey,
    /// The 2xx made an offer, so the ACK holds the answer.
    pub has_made_offer: bool,
}

/// What our ACK needs, and until when somebody may give the answer in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct OwedAck {
    client: ClientKey,
    cseq: u32,
    until: Instant,
}

impl OwedAck {
    /// RFC 3261 13.2.2.4: every 2xx has its ACK. The peer waits 64*T1 for it (13.3.1.4); the last eighth is left for an ACK
    /// that gets lost.
    pub fn new(wire: &Wire, client: ClientKey, cseq: u32) -> OwedAck {
        OwedAck { client, cseq, until: wire.now.instant + wire.transactions.timers().t1 * 56 }
    }
}

/// A leg that has ended: its dialog is kept to answer what crosses.
#[derive(Default)]
pub struct Over {
    dialog: Option<Box<Dialog>>,
    invite: Option<(ClientKey, u32)>,
    bye: Option<Box<(Cause, Logins)>>,
}

impl Established {
    /// We have answered the party that called.
    pub fn answered(dialog: Dialog, server: ServerKey, has_made_offer: bool) -> Established {
        let mut established = Established::new(dialog);
        established.confirming = Some(Confirming { server, has_made_offer });
        established
    }

    /// The party that we called has answered.
    pub fn called(wire: &Wire, dialog: Dialog, invite: (ClientKey, u32)) -> Established {
        let mut established = Established::new(dialog);
        established.invite = Some(invite);
        established.owed_ack = Some(OwedAck::new(wire, invite.0, invite.1));
        established.is_opener = true;
        established
    }

    fn new(dialog: Dialog) -> Established {
        Established {
            dialog,
            invite: None,
            confirming: None,
            owed_ack: None,
            theirs: None,
            ours: None,
            retry: None,
            bye_when_confirmed: None,
            is_opener: false,
            logins: Logins::default(),
        }
    }

    /// What was under way in the early dialog goes on in this one.
    pub(super) fn carry_on(&mut self, early: EarlyOffers) {
        self.theirs = early.theirs;
        self.ours = early.ours;
    }

    /// Whether the peer waits for an answer to an offer of its own.
    pub fn is_asked(&self) -> bool {
        self.theirs.is_some()
    }

    pub fn dialog(&self) -> &Dialog {
        &self.dialog
    }

    /// Parts from the call that its INVITE began in: what stays behind, so that later forks of that INVITE have their end.
    /// `None` while anything is under way.
    pub fn leave(&mut self) -> Option<Over> {
        if self.is_busy() || self.retry.is_some() || self.confirming.is_some() || self.bye_when_confirmed.is_some() {
            return None;
        }
        Some(Over { dialog: Some(Box::new(self.dialog.clone())), invite: self.invite.take(), bye: None })
    }

    pub fn owns(&self, server: ServerKey) -> bool {
        self.confirming.is_some_and(|confirming| confirming.server == server)
            || self.theirs.as_ref().is_some_and(|theirs| theirs.request.server == server)
    }

    /// The ACK that a 2xx of theirs waits for, with our answer where it made an offer: RFC 3261 13.2.2.4 wants one there even
    /// if the other side has none and a BYE follows.
    pub fn acknowledge(&mut self, line: &mut Line, wire: &mut Wire, answer: Option<&[u8]>) {
        let Some(OwedAck { client, cseq, .. }) = self.owed_ack.take() else { return };
        let side = line.party.side(wire.host(line.target.path.listener));
        let given = answer.and_then(|answer| line.media.answer_to(answer, &side).ok());
        let body = given.or_else(|| line.media.answer_alone(&side));
        if body.is_some() {
            line.media.settle();
        }
        wire.acknowledge(line, &self.dialog, (client, cseq), body.as_ref());
    }

    /// BYE, or a note to send it once the ACK is in.
    pub fn hang_up(mut self, line: &mut Line, wire: &mut Wire, cause: Cause) -> State {
        line.end(wire, cause, None);
        self.refuse_theirs(wire);
        if self.confirming.is_some() {
            // RFC 3261 15: not before the ACK, or the end of waiting for it.
            self.bye_when_confirmed = Some(cause);
            return State::Established(Box::new(self));
        }
        self.acknowledge(line, wire, None);
        send_bye(&mut self.dialog, &mut self.logins, line, wire, cause);
        self.over(Some(cause))
    }

    fn over(self, bye: Option<Cause>) -> State {
        let bye = bye.map(|cause| Box::new((cause, self.logins)));
        State::Over(Over { dialog: Some(Box::new(self.dialog)), invite: self.invite, bye })
    }

    /// RFC 3261 15.1.2: what was asked and not yet answered is answered before the end.
    fn refuse_theirs(&mut self, wire: &mut Wire) {
        if let Some(theirs) = self.theirs.take() {
            let Request { server, from, message } = &theirs.request;
            wire.respond_plain(*server, message, from, (487, "Request Terminated"));
        }
    }

    /// Ends without a BYE of ours: the peer has ended it, or knows nothing of it. Its 2xx has its ACK all the same, or the peer
    /// would go on repeating it (RFC 3261 13.2.2.4).
    fn ended(mut self, line: &mut Line, wire: &mut Wire, cause: Cause, fault: Fault) -> State {
        self.refuse_theirs(wire);
        self.acknowledge(line, wire, None);
        let is_news = line.facts.ended.is_none();
        line.end(wire, cause, None);
        if is_news {
            wire.emit(line.id, LegEvent::Ended { cause, fault });
        }
        self.over(None)
    }

    fn take(&mut self) -> Established {
        std::mem::replace(self, Established::new(Dialog::default()))
    }

    /// The peer is there no more (481, 408, silence): the dialog is over, by BYE (RFC 3261 12.2.1.2).
    pub(super) fn vanished(&mut self, line: &mut Line, wire: &mut Wire) -> State {
        let is_news = line.facts.ended.is_none();
        let state = self.take().hang_up(line, wire, Cause::PeerVanished);
        if is_news {
            wire.emit(line.id, LegEvent::Ended { cause: Cause::PeerVanished, fault: fault_of(line) });
        }
        state
    }

    pub fn on_request(&mut self, line: &mut Line, wire: &mut Wire, request: Request) -> Option<State> {
        if !self.dialog.is_of(&request.message) {
            wire.respond_plain(request.server, &request.message, &request.from, GONE);
            return None;
        }
        let order = Some(self.dialog.receive(&request.message));
        if !in_order(wire, &request, order) || leg::answer_plain(wire, &request) {
            return None;
        }
        line.peer.learn(&request.message);
        let Request { server, from, message } = &request;
        match message.method() {
            Method::Bye => {
                let cause = headers::reason_of(message).unwrap_or(Cause::Normal);
                wire.respond_plain(*server, message, from, OK);
                if line.facts.ended.is_none() {
                    wire.emit(line.id, LegEvent::Parted { message: request.message });
                }
                return Some(self.take().ended(line, wire, cause, Fault::Nobody));
            }
            Method::Invite => self.on_reinvite(line, wire, request),
            Method::Update => self.on_update(line, wire, request),
            // A PRACK that the 200 has overtaken: what it acknowledges no longer matters.
            Method::Prack if self.confirming.is_some() => wire.respond_plain(*server, message, from, OK),
            Method::Info => {
                wire.emit(line.id, LegEvent::Informed { request: Box::new(request) });
            }
            Method::Refer => wire.emit(line.id, LegEvent::Referred { request: Box::new(request) }),
            Method::Notify => {
                wire.respond_plain(*server, message, from, OK);
                wire.emit(line.id, LegEvent::Notified { message: request.message });
            }
            _ => wire.respond_plain(*server, message, from, GONE),
        }
        None
    }

    pub fn on_acknowledged(
        &mut self,
        line: &mut Line,
        wire: &mut Wire,
        server: ServerKey,
        message: Box<Message>,
    ) -> Option<State> {
        let confirming = self.confirming.take_if(|confirming| confirming.server == server)?;
        if let Some(cause) = self.bye_when_confirmed {
            return Some(self.take().hang_up(line, wire, cause));
        }
        if confirming.has_made_offer {
            if let Some(answer) = description(&message) {
                line.answered(answer);
                line.hear(answer);
            }
            line.media.settle();
            wire.emit(line.id, LegEvent::Acknowledged { message });
        }
        None
    }

    /// The wait for the ACK is over. `false`: it was not this 2xx that was waited for.
    pub fn give_up_confirming(&mut self, server: ServerKey) -> bool {
        self.confirming.take_if(|confirming| confirming.server == server).is_some()
    }

    pub fn on_response(
        &mut self,
        line: &mut Line,
        wire: &mut Wire,
        whence: (Errand, ClientKey),
        message: Box<Message>,
    ) -> Option<State> {
        let (errand, client) = whence;
        match errand {
            Errand::Invite => {
                another_fork(&self.dialog, self.invite, line, wire, (client, &message));
                None
            }
            Errand::Reinvite | Errand::Update | Errand::EarlyUpdate(_) => {
                self.on_offer_response(line, wire, client, message)
            }
            // RFC 3261 12.2.1.2, RFC 5057 5.1: 481 to INFO says that the dialog is gone; to NOTIFY only its subscription.
            Errand::Info if message.status() == 481 => Some(self.vanished(line, wire)),
            Errand::Info if message.status() >= 200 => {
                wire.emit(line.id, LegEvent::Told { client, status: message.status() });
                None
            }
            _ => None,
        }
    }

    pub fn on_no_response(&mut self, line: &mut Line, wire: &mut Wire, whence: (Errand, ClientKey)) -> Option<State> {
        let (errand, client) = whence;
        match errand {
            Errand::Info => {
                wire.emit(line.id, LegEvent::Told { client, status: 408 });
                None
            }
            Errand::Reinvite | Errand::Update | Errand::EarlyUpdate(_) => Some(self.vanished(line, wire)),
            _ => None,
        }
    }

    pub fn handle_deadline(&mut self, line: &mut Line, wire: &mut Wire) -> Option<State> {
        match line.timer.handle_deadline(wire.now) {
            Some(SessionDue::Expired) if line.facts.ended.is_none() => return Some(self.vanished(line, wire)),
            Some(SessionDue::Refresh(method)) => self.refresh(line, wire, method),
            _ => {}
        }
        if self.owed_ack.is_some_and(|owed| owed.until <= wire.now.instant) {
            return Some(self.left_alone(line, wire));
        }
        self.retry_when_due(line, wire);
        None
    }

    /// The other side has not answered the offer of this one in time.
    fn left_alone(&mut self, line: &mut Line, wire: &mut Wire) -> State {
        let fault = if line.id == LegId::CALLER { Fault::Callee } else { Fault::Caller };
        self.acknowledge(line, wire, None);
        let state = self.take().hang_up(line, wire, Cause::PeerVanished);
        wire.emit(line.id, LegEvent::Ended { cause: Cause::PeerVanished, fault });
        state
    }

    pub fn deadline(&self) -> Option<Instant> {
        // What is under way comes first, however long it takes: a deadline that nobody can obey would come again and again.
        let retry = self.retry.as_ref().filter(|_| !self.is_busy());
        earliest(self.owed_ack.map(|owed| owed.until), retry.map(|retry| retry.0))
    }

    /// A request in this dialog that changes nothing: INFO, whose answer is `Told`, and NOTIFY.
    pub fn tell(&mut self, line: &Line, wire: &mut Wire, telling: &Telling<'_>) -> ClientKey {
        let stamp = wire.stamp(&line.target.path);
        let mut writer = self.dialog.request(telling.method, &stamp.via);
        writer.header(HeaderName::Contact, wire.contact(&line.target.path));
        wire.agent_header(&mut writer, line.target.path.listener);
        for (name, value) in telling.headers {
            writer.header(*name, value);
        }
        let bytes = match telling.body {
            Some((content_type, body)) => writer.finish_with(content_type, body),
            None => writer.finish(),
        };
        let errand = if telling.method == Method::Info { Errand::Info } else { Errand::Notify };
        let (method, target) = (telling.method, line.target.clone());
        wire.send(line, errand, Ready { stamp, method, target, bytes, no_response: None })
    }

    pub fn on_cancelled(&mut self, line: &mut Line, wire: &mut Wire, server: ServerKey) {
        if let Some(theirs) = self.theirs.take_if(|theirs| theirs.request.server == server) {
            let Request { server, from, message } = &theirs.request;
            wire.respond_plain(*server, message, from, (487, "Request Terminated"));
            wire.emit(line.id, LegEvent::Withdrawn);
        }
    }
}

/// What `Established::tell` sends.
pub struct Telling<'a> {
    pub method: Method,
    pub headers: &'a [(HeaderName, &'a str)],
    pub body: Option<(&'a str, &'a [u8])>,
}

impl Over {
    pub fn on_request(&self, wire: &mut Wire, request: &Request) {
        let is_known = self.dialog.as_ref().is_some_and(|dialog| dialog.is_of(&request.message));
        // RFC 5407 3.1.2: two BYE that cross are both answered.
        let answer = if is_known && request.message.method() == Method::Bye { OK } else { GONE };
        wire.respond_plain(request.server, &request.message, &request.from, answer);
    }

    pub fn on_response(&mut self, line: &Line, wire: &mut Wire, whence: (Errand, ClientKey), message: &Message) {
        let Some(dialog) = &mut self.dialog else { return };
        match whence.0 {
            Errand::Invite => another_fork(dialog, self.invite, line, wire, (whence.1, message)),
            // A 2xx to a re-INVITE that the BYE has overtaken is acknowledged all the same.
            Errand::Reinvite if (200..300).contains(&message.status()) => {
                let Ok(cseq) = message.cseq() else { return };
                wire.acknowledge(line, dialog, (whence.1, cseq.number), None);
            }
            Errand::Bye if matches!(message.status(), 401 | 407) => {
                if let Some(bye) = &mut self.bye
                    && bye.1.accept(&line.party, message)
                {
                    let cause = bye.0;
                    send_bye(dialog, &mut bye.1, line, wire, cause);
                }
            }
            _ => {}
        }
    }
}

fn send_bye(dialog: &mut Dialog, logins: &mut Logins, line: &Line, wire: &mut Wire, cause: Cause) {
    let stamp = wire.stamp(&line.target.path);
    let mut writer = dialog.request(Method::Bye, &stamp.via);
    headers::reason(&mut writer, cause);
    wire.agent_header(&mut writer, line.target.path.listener);
    for Header { name, value } in &line.parting {
        writer.header_named(name, value);
    }
    for (name, value) in logins.answer(&line.party, (Method::Bye, dialog.request_uri()), &mut wire.entropy) {
        writer.header(name, value);
    }
    let (method, target, bytes) = (Method::Bye, line.target.clone(), writer.finish());
    wire.send(line, Errand::Bye, Ready { stamp, method, target, bytes, no_response: None });
}

/// A second 2xx to our INVITE, from another fork: acknowledged and ended (RFC 3261 13.2.2.4).
fn another_fork(
    first: &Dialog,
    invite: Option<(ClientKey, u32)>,
    line: &Line,
    wire: &mut Wire,
    whence: (ClientKey, &Message),
) {
    let (client, message) = whence;
    let Some((_, cseq)) = invite.filter(|(key, _)| *key == client) else { return };
    let is_other = (200..300).contains(&message.status()) && message.to_tag() != Some(&first.remote_tag);
    let Some(mut dialog) = is_other.then(|| first.another(message, cseq).ok()).flatten() else { return };
    let target = wire.next_hop(&dialog, &line.target, line.party.is_phone());
    let stamp = wire.stamp(&target.path);
    let ack = dialog.ack(cseq, &stamp.via).finish();
    wire.transactions.acknowledge(wire.now, client, &dialog.remote_tag, target.clone(), ack);
    let stamp = wire.stamp(&target.path);
    let mut writer = dialog.request(Method::Bye, &stamp.via);
    writer.header(HeaderName::Reason, "SIP;cause=200;text=\"Call completed elsewhere\"");
    let (method, bytes) = (Method::Bye, writer.finish());
    wire.send(line, Errand::StrayBye, Ready { stamp, method, target, bytes, no_response: None });
}

/// Whose fault it is when this peer is silent.
fn fault_of(line: &Line) -> Fault {
    match (line.party.is_phone(), line.id == LegId::CALLER) {
        (false, _) => Fault::Carrier,
        (true, true) => Fault::Caller,
        (true, false) => Fault::Callee,
    }
}

/// Takes an offer of the peer: its own policy has its say before the other side is asked.
pub(super) fn hear_offer(line: &mut Line, wire: &Wire, offer: &[u8]) -> Result<Bytes, media_plan::Refusal> {
    let host = wire.host(line.target.path.listener);
    line.media.offered(offer, &line.party.side(host))
}
