//! What the exchange asks of the softphone: a call that rings, another description, an end.

use crate::base::cause::Cause;
use crate::base::now::Now;
use crate::domain::softphone::description::{self, Role};
use crate::domain::softphone::interface::{Refused, Ticket};
use crate::domain::softphone::phone::Softphone;
use crate::domain::softphone::talk::{Stage, Talk};
use crate::protocol::sip::dialog::{Dialog, Order as Turn};
use crate::protocol::sip::message::{HeaderName, Message, Method};
use crate::protocol::sip::stamp;
use crate::protocol::sip::transaction::set::ServerKey;

impl Softphone {
    pub(super) fn requested(&mut self, now: Now, server: ServerKey, message: Box<Message>) {
        let known = message.to_tag().is_some();
        let at = self.talks.iter().position(|talk| talk.dialog.as_ref().is_some_and(|dialog| dialog.is_of(&message)));
        match (message.method(), known, at) {
            (Method::Invite, false, _) => self.ring(now, server, message),
            (_, _, Some(at)) => self.requested_inside(now, (at, server), &message),
            (Method::Options, ..) => self.respond(now, (server, &message), (200, "OK"), Some("softphone"), None),
            (_, true, None) => {
                self.respond(now, (server, &message), (481, "Call/Transaction Does Not Exist"), None, None);
            }
            _ => self.respond(now, (server, &message), (405, "Method Not Allowed"), Some("softphone"), None),
        }
    }

    fn ring(&mut self, now: Now, server: ServerKey, message: Box<Message>) {
        if self.is_full() {
            return self.respond(now, (server, &message), (486, "Busy Here"), Some("busy"), None);
        }
        let tag = format!("{:016x}", self.entropy.number());
        let Ok(dialog) = Dialog::accept(&message, &tag) else {
            return self.respond(now, (server, &message), (400, "Bad Request"), Some(&tag), None);
        };
        self.respond(now, (server, &message), (180, "Ringing"), Some(&tag), None);
        let call = message.from_tag().and_then(stamp::tag_owner).map(|(call, _)| call);
        let (from, name) = match message.from() {
            Ok(from) => (from.uri.user_decoded().map(Box::from), from.display_decoded().map(Box::from)),
            Err(_) => (None, None),
        };
        let to = message.to().ok().and_then(|to| to.uri.user_decoded().map(Box::from));
        let offer = std::str::from_utf8(message.body()).ok().filter(|text| !text.is_empty()).map(Box::from);
        // The same call may have rung here before, and been missed.
        self.talks.retain(|talk| !(talk.is_over() && talk.call == call && call.is_some()));
        let id = self.next_id();
        let mut talk = Talk::new(id, tag, Stage::Ringing { server, invite: message }, now.unix_millis());
        (talk.call, talk.from, talk.to, talk.name) = (call, from, to, name);
        (talk.remote, talk.offer, talk.dialog) = (offer.clone(), offer, Some(dialog));
        self.talks.push(talk);
        self.changed();
    }

    /// The agent has taken a call that rings.
    pub(super) fn accept(&mut self, now: Now, ticket: Ticket, at: usize, page: &str) {
        let Some(talk) = self.talks.get_mut(at).filter(|talk| matches!(talk.stage, Stage::Ringing { .. })) else {
            return self.refuse(ticket, Refused::WrongStage);
        };
        let origin = talk.next_origin();
        let Some(own) = description::fresh(page, origin, false) else {
            return self.refuse(ticket, Refused::Description);
        };
        let Stage::Ringing { server, invite } = std::mem::replace(&mut talk.stage, Stage::Talking) else { return };
        let at = now.unix_millis();
        (talk.since, talk.answered) = (at, Some(at));
        talk.role = Role::of(&own);
        talk.stored = Some(own.as_str().into());
        talk.offer = None;
        let tag = talk.tag.clone();
        self.respond(now, (server, &invite), (200, "OK"), Some(&tag), Some(&own));
        self.done(ticket);
        self.changed();
    }

    pub(super) fn turn_down(&mut self, now: Now, at: usize, (status, phrase): (u16, &str), cause: Cause) {
        let Some(talk) = self.talks.get_mut(at) else { return };
        let Stage::Ringing { server, invite } = std::mem::replace(&mut talk.stage, Stage::Talking) else { return };
        let (id, tag) = (talk.id, talk.tag.clone());
        self.respond(now, (server, &invite), (status, phrase), Some(&tag), None);
        self.end(now, id, cause);
    }

    pub(super) fn cancelled(&mut self, now: Now, server: ServerKey, cancel: &Message) {
        let is_it = |talk: &Talk| matches!(&talk.stage, Stage::Ringing { server: own, .. } if *own == server);
        let Some(at) = self.talks.iter().position(is_it) else { return };
        // Somebody else has taken it (RFC 3326).
        let is_elsewhere = cancel.get(HeaderName::Reason).is_some_and(|reason| reason.contains("200"));
        let cause = if is_elsewhere { Cause::Normal } else { Cause::Cancelled };
        self.turn_down(now, at, (487, "Request Terminated"), cause);
    }

    pub(super) fn unacknowledged(&mut self, now: Now, _server: ServerKey) {
        // The exchange is the same process: a lost ACK means that the call is gone there.
        let gone: Vec<_> =
            self.talks.iter().filter(|talk| talk.is_talking() && talk.call.is_none()).map(|talk| talk.id).collect();
        gone.into_iter().for_each(|id| self.hang_up(now, id, Cause::NoAnswer));
    }

    fn requested_inside(&mut self, now: Now, (at, server): (usize, ServerKey), message: &Message) {
        let Some(talk) = self.talks.get_mut(at) else { return };
        let turn = talk.dialog.as_mut().map(|dialog| dialog.receive(message));
        let id = talk.id;
        match (turn, message.method()) {
            (Some(Ok(Turn::InOrder)), Method::Bye) => {
                self.respond(now, (server, message), (200, "OK"), None, None);
                self.end(now, id, Cause::Normal);
            }
            (Some(Ok(Turn::InOrder)), Method::Invite | Method::Update) => self.describe(now, (at, server), message),
            (Some(Ok(Turn::InOrder)), Method::Notify) => {
                self.respond(now, (server, message), (200, "OK"), None, None);
                self.notified(now, id, message);
            }
            (Some(Ok(Turn::InOrder)), Method::Options | Method::Info | Method::Message) => {
                self.respond(now, (server, message), (200, "OK"), None, None);
            }
            (Some(Ok(Turn::InOrder)), _) => {
                self.respond(now, (server, message), (405, "Method Not Allowed"), None, None);
            }
            (Some(Ok(Turn::Late)), _) => {
                self.respond(now, (server, message), (500, "CSeq Out of Order"), None, None);
            }
            _ => self.respond(now, (server, message), (400, "Bad Request"), None, None),
        }
    }

    /// A refresh, a hold, another party: answered from what the page has said last.
    fn describe(&mut self, now: Now, (at, server): (usize, ServerKey), message: &Message) {
        let Some(talk) = self.talks.get_mut(at) else { return };
        if let Some(dialog) = &mut talk.dialog {
            dialog.refresh(message);
        }
        if !talk.is_talking() || talk.asking.is_some() {
            return self.respond(now, (server, message), (491, "Request Pending"), None, None);
        }
        let is_invite = message.method() == Method::Invite;
        let offer = message.body();
        if offer.is_empty() && !is_invite {
            return self.respond(now, (server, message), (200, "OK"), None, None);
        }
        let (origin, is_held, role) = (talk.next_origin(), talk.wants_held(), talk.role);
        let stored = talk.stored.clone().unwrap_or_default();
        let own = match offer.is_empty() {
            true => description::offer_again(&stored, origin, is_held),
            false => description::answer_again(&stored, offer, (origin, role), is_held),
        };
        let Some(own) = own else {
            return self.respond(now, (server, message), (488, "Not Acceptable Here"), None, None);
        };
        if !offer.is_empty() {
            let before = talk.remote.replace(String::from_utf8_lossy(offer).into());
            let is_same = before.is_none_or(|before| description::is_same_place(&before, offer));
            talk.needs_attach |= !is_same;
        }
        talk.told_held = is_held;
        self.respond(now, (server, message), (200, "OK"), None, Some(&own));
        self.changed();
    }
}
