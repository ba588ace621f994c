//! Offers and answers in an early dialog after its first exchange, by UPDATE and PRACK (RFC 3311, 3262 5, 6337). Begins none
//! of its own.

use crate::domain::leg::established::hear_offer;
use crate::domain::leg::event::{Request, description};
use crate::domain::leg::headers;
use crate::domain::leg::inbound::finish;
use crate::domain::leg::leg::Line;
use crate::domain::leg::media_plan;
use crate::domain::leg::offer::{NotOffered, Ours, Purpose, Theirs};
use crate::domain::leg::wire::{Errand, Ready, Wire};
use crate::protocol::sip::dialog::Dialog;
use crate::protocol::sip::message::header::HeaderName;
use crate::protocol::sip::message::message::Message;
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::transaction::set::ClientKey;
use bytes::Bytes;

/// What is under way in one early dialog.
#[derive(Default)]
pub(super) struct EarlyOffers {
    pub theirs: Option<Box<Theirs>>,
    pub ours: Option<Box<Ours>>,
    /// The offer of the INVITE, which other early dialogs may still have to answer.
    first: Bytes,
}

/// Whether the first offer has its answer, and if not, whose it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum First {
    Complete,
    TheirsUnanswered,
    OursUnanswered,
}

impl EarlyOffers {
    /// Takes a further offer of the peer, or refuses it by the rules of RFC 3311 5.2. What comes back is for the other side.
    pub fn hear(
        &mut self,
        line: &mut Line,
        wire: &mut Wire,
        dialog: &mut Dialog,
        what: (Request, First),
    ) -> Option<Bytes> {
        let (request, first) = what;
        let Request { server, from, message } = &request;
        if self.theirs.is_some() || first == First::TheirsUnanswered {
            let mut writer = wire.reply(message, from, 500, "Server Internal Error");
            writer.header(HeaderName::RetryAfter, wire.entropy.below(11));
            wire.transactions.respond(wire.now, *server, 500, writer.finish());
            return None;
        }
        if self.ours.is_some() || first == First::OursUnanswered {
            wire.respond_plain(*server, message, from, (491, "Request Pending"));
            return None;
        }
        let described = description(message)?;
        let before = line.media.set_aside();
        let Ok(offer) = hear_offer(line, wire, described) else {
            line.media.put_back(before);
            wire.respond_plain(*server, message, from, (488, "Not Acceptable Here"));
            return None;
        };
        dialog.refresh(message);
        line.hear(described);
        self.first = before;
        self.theirs = Some(Box::new(Theirs { request, terms: None, has_offer: true }));
        Some(offer)
    }

    /// Offers to the peer by UPDATE what the other side has offered.
    pub fn offer(
        &mut self,
        line: &mut Line,
        wire: &mut Wire,
        dialog: &mut Dialog,
        what: (u8, &[u8]),
    ) -> Result<(), NotOffered> {
        if self.theirs.is_some() || self.ours.is_some() || !line.peer.takes_update() {
            return Err(NotOffered::Pending);
        }
        let (fork, offer) = what;
        let host = wire.host(line.target.path.listener);
        let body = line.media.offer_to(offer, &line.party.side(host)).map_err(NotOffered::Media)?;
        let target = wire.next_hop(dialog, &line.target, line.party.is_phone());
        let (method, stamp) = (Method::Update, wire.stamp(&target.path));
        let mut writer = dialog.request(method, &stamp.via);
        writer.header(HeaderName::Contact, wire.contact(&target.path)).header(HeaderName::Allow, headers::ALLOW);
        wire.agent_header(&mut writer, target.path.listener);
        let bytes = finish(writer, Some(&body));
        let cseq = dialog.local_cseq;
        let errand = Errand::EarlyUpdate(fork);
        let client = wire.send(line, errand, Ready { stamp, method, target, bytes, no_response: None });
        self.ours = Some(Box::new(Ours { client, cseq, method, purpose: Purpose::Relay, body: Some(body) }));
        Ok(())
    }

    /// The final response to our UPDATE: the peer's answer, or the status that refuses it. Silence is a 408.
    pub fn on_response(
        &mut self,
        line: &mut Line,
        dialog: &mut Dialog,
        whence: (ClientKey, Option<&Message>),
    ) -> Option<Result<Bytes, u16>> {
        let (client, message) = whence;
        let is_last = message.is_none_or(|message| message.status() >= 200);
        if !is_last || self.ours.take_if(|ours| ours.client == client).is_none() {
            return None;
        }
        let Some(message) = message else { return Some(Err(408)) };
        if message.status() >= 300 {
            return Some(Err(message.status()));
        }
        dialog.refresh(message);
        line.peer.learn(message);
        let described = description(message).map(|answer| {
            line.answered(answer);
            line.hear(answer);
            Bytes::copy_from_slice(answer)
        });
        line.media.settle();
        Some(described.ok_or(488))
    }

    /// 200 to what the peer asked, with the other side's answer.
    pub fn accept(&mut self, line: &mut Line, wire: &mut Wire, answer: &[u8]) -> Result<Bytes, media_plan::Refusal> {
        let host = wire.host(line.target.path.listener);
        let body = line.media.answer_to(answer, &line.party.side(host))?;
        if let Some(theirs) = self.theirs.take() {
            line.media.put_back(std::mem::take(&mut self.first));
            let Request { server, from, message } = theirs.request;
            let mut writer = wire.reply(&message, &from, 200, "OK");
            writer.header(HeaderName::Contact, wire.contact(&from)).header(HeaderName::Allow, headers::ALLOW);
            wire.transactions.respond(wire.now, server, 200, finish(writer, Some(&body)));
        }
        Ok(body)
    }

    /// Says no to what the peer asked.
    pub fn refuse(&mut self, line: &mut Line, wire: &mut Wire, answer: (u16, &str)) {
        if let Some(theirs) = self.theirs.take() {
            line.media.put_back(std::mem::take(&mut self.first));
            let Request { server, from, message } = theirs.request;
            wire.respond_plain(server, &message, &from, answer);
        }
    }
}
