//! The agent calls somebody: the INVITE, its credentials, its answers.

use crate::base::cause::Cause;
use crate::base::now::Now;
use crate::domain::softphone::description::{self, Role};
use crate::domain::softphone::interface::{Dialling, Refused, TalkId};
use crate::domain::softphone::phone::{Asked, Softphone};
use crate::domain::softphone::talk::{Invite, Stage, Talk};
use crate::domain::softphone::writing::destination;
use crate::protocol::sip::dialog::{Dialog, Opening};
use crate::protocol::sip::digest::client::{Challenge, Login};
use crate::protocol::sip::message::{HeaderName, Message, Method, Writer};
use crate::protocol::sip::stamp;
use crate::protocol::sip::transaction::set::{ClientKey, ClientRequest};

impl Softphone {
    /// Calls somebody with a page's offer.
    pub fn dial(&mut self, now: Now, dialling: Dialling) -> Result<TalkId, Refused> {
        let Dialling { to, description, consults } = dialling;
        let user = destination(&to).ok_or(Refused::Destination)?;
        if self.is_full() {
            return Err(Refused::TooMany);
        }
        if let Some(consults) = consults {
            let of = self.at(consults).and_then(|at| self.talks.get(at)).ok_or(Refused::UnknownTalk)?;
            if !of.is_talking() {
                return Err(Refused::WrongStage);
            }
        }
        let id = self.next_id();
        let tag = format!("{:016x}", self.entropy.number());
        let (client, branch, via) = self.next_via();
        let uri = format!("sip:{user}@{}", self.account.realm);
        let invite = Invite {
            client,
            branch: branch.as_str().into(),
            call_id: stamp::call_id(&mut self.entropy).into(),
            uri: uri.as_str().into(),
            cseq: 1,
            is_proven: self.login.is_some(),
            is_proceeding: false,
            is_cancelled: false,
        };
        let call_id = invite.call_id.clone();
        let mut talk = Talk::new(id, tag, Stage::Dialling(Box::new(invite)), now.unix_millis());
        let origin = talk.next_origin();
        let own = description::fresh(&description, origin, false).ok_or(Refused::Description)?;
        (talk.stored, talk.to, talk.consults) = (Some(own.into()), Some(to), consults);
        let bytes = self.written_invite(&talk, (&via, &uri), 1, &call_id);
        self.talks.push(talk);
        self.start(now, Asked::Invite(id), (Method::Invite, branch, bytes), client);
        self.changed();
        if let Some(at) = consults.and_then(|consults| self.at(consults)) {
            self.set_held(now, at, true);
        }
        self.work(now);
        Ok(id)
    }

    pub(super) fn invited(&mut self, now: Now, (id, client): (TalkId, ClientKey), response: &Message) {
        let Some(at) = self.at(id) else { return };
        let is_dialling = self.talks.get(at).is_some_and(|talk| matches!(talk.stage, Stage::Dialling(_)));
        match response.status() {
            100..200 if is_dialling => self.progressed(now, at, response),
            200..300 if is_dialling => self.reached(now, (at, client), response),
            401 | 407 if is_dialling => self.challenged(now, at, response),
            300..700 if is_dialling => self.end(now, id, Cause::from_status(response.status())),
            _ => {}
        }
    }

    fn progressed(&mut self, now: Now, at: usize, response: &Message) {
        let Some(talk) = self.talks.get_mut(at) else { return };
        let call = response.to_tag().and_then(stamp::tag_owner).map(|(call, _)| call);
        let mut is_news = talk.call != call && call.is_some();
        talk.call = call.or(talk.call);
        if !response.body().is_empty() {
            is_news |= note_answer(talk, response);
        }
        let Stage::Dialling(invite) = &mut talk.stage else { return };
        let is_first = !std::mem::replace(&mut invite.is_proceeding, true);
        if is_first && invite.is_cancelled {
            self.cancel(now, at);
        }
        if is_news {
            self.changed();
        }
    }

    fn reached(&mut self, now: Now, (at, client): (usize, ClientKey), response: &Message) {
        let (account, target) = (self.account.clone(), self.target());
        let (_, _, via) = self.next_via();
        let Some(talk) = self.talks.get_mut(at) else { return };
        let Stage::Dialling(invite) = &talk.stage else { return };
        let opening = Opening {
            call_id: invite.call_id.clone(),
            local_tag: talk.tag.clone(),
            local: format!("<sip:{}@{}>", account.name, account.realm).into(),
            remote: format!("<{}>", invite.uri).into(),
            cseq: invite.cseq,
            secure: false,
        };
        let (cseq, is_cancelled) = (invite.cseq, invite.is_cancelled);
        let Ok(dialog) = Dialog::open(&opening, response, &invite.uri) else { return };
        let ack = dialog.ack(cseq, &via).finish();
        talk.dialog = Some(dialog);
        talk.call = response.to_tag().and_then(stamp::tag_owner).map(|(call, _)| call).or(talk.call);
        note_answer(talk, response);
        talk.stage = Stage::Talking;
        (talk.since, talk.answered) = (now.unix_millis(), Some(now.unix_millis()));
        let id = talk.id;
        self.transactions.acknowledge(now, client, response.to_tag().unwrap_or_default(), target, ack);
        if is_cancelled {
            self.hang_up(now, id, Cause::Normal);
        }
        self.changed();
        self.settle(now, id);
    }

    /// Once with credentials; what is not enough then, never is.
    fn challenged(&mut self, now: Now, at: usize, response: &Message) {
        let (client, branch, via) = self.next_via();
        let challenge = Challenge::strongest(response, "");
        let Some(mut talk) = (at < self.talks.len()).then(|| self.talks.remove(at)) else { return };
        let Stage::Dialling(invite) = &mut talk.stage else { return self.talks.insert(at, talk) };
        let may_try = challenge.as_ref().is_some_and(|one| one.stale) || !invite.is_proven || invite.cseq == 1;
        let id = talk.id;
        let Some(challenge) = challenge.filter(|_| may_try && !invite.is_cancelled && invite.cseq < 4) else {
            self.talks.insert(at, talk);
            return self.end(now, id, Cause::from_status(response.status()));
        };
        self.login = Some(Login::new(challenge));
        (invite.client, invite.branch, invite.is_proven) = (client, branch.as_str().into(), true);
        (invite.is_proceeding, invite.cseq) = (false, invite.cseq + 1);
        let (uri, cseq, call_id) = (invite.uri.clone(), invite.cseq, invite.call_id.clone());
        let bytes = self.written_invite(&talk, (&via, &uri), cseq, &call_id);
        self.talks.insert(at, talk);
        self.start(now, Asked::Invite(id), (Method::Invite, branch, bytes), client);
    }

    /// The call that rings elsewhere is to stop.
    pub(super) fn cancel(&mut self, now: Now, at: usize) {
        let key = self.transactions.next_key();
        let Some(talk) = self.talks.get_mut(at) else { return };
        let Stage::Dialling(invite) = &mut talk.stage else { return };
        invite.is_cancelled = true;
        if !invite.is_proceeding {
            return;
        }
        let (uri, branch, call_id, cseq) =
            (invite.uri.clone(), invite.branch.clone(), invite.call_id.clone(), invite.cseq);
        let tag = talk.tag.clone();
        let account = &self.account;
        let mut writer = Writer::request("CANCEL", &uri);
        writer
            .header(HeaderName::Via, self.via(&branch))
            .header(HeaderName::MaxForwards, 70)
            .header(HeaderName::From, format_args!("<sip:{}@{}>;tag={tag}", account.name, account.realm))
            .header(HeaderName::To, format_args!("<{uri}>"))
            .header(HeaderName::CallId, call_id)
            .header(HeaderName::CSeq, format_args!("{cseq} CANCEL"));
        let (target, bytes) = (self.target(), writer.finish());
        self.asked.insert(key.0, Asked::Nothing);
        let request = ClientRequest { method: Method::Cancel, target, branch, bytes, no_response: None };
        self.transactions.request(now, key, request);
    }
}

/// `true`: it is news to the page.
fn note_answer(talk: &mut Talk, response: &Message) -> bool {
    let Ok(text) = std::str::from_utf8(response.body()) else { return false };
    if text.is_empty() || talk.answer.is_some() {
        return false;
    }
    talk.role = Role::left_by(text);
    talk.answer = Some(text.into());
    talk.remote = Some(text.into());
    true
}
