//! What changes a call that goes on: hold, a page that is gone or comes back, transfers, keys, the end.

use crate::base::cause::Cause;
use crate::base::now::{Now, earliest};
use crate::domain::softphone::description::{self, Role};
use crate::domain::softphone::interface::{Order, Output, Refused, TalkId, Ticket};
use crate::domain::softphone::phone::{Asked, PARKED_AFTER, Softphone};
use crate::domain::softphone::talk::{Asking, Stage, Talk};
use crate::domain::softphone::writing::destination;
use crate::protocol::sip::message::{HeaderName, Message, Method};
use crate::protocol::sip::replaces::Replaces;
use crate::protocol::sip::transaction::set::ClientKey;
use std::time::{Duration, Instant};

/// Keys of one order.
const KEYS_MAX: usize = 64;
/// How long a comma waits.
const PAUSE: Duration = Duration::from_secs(1);

impl Softphone {
    pub(super) fn obey(&mut self, now: Now, ticket: Ticket, at: usize, order: Order) {
        let Some(talk) = self.talks.get_mut(at) else { return self.refuse(ticket, Refused::UnknownTalk) };
        let (id, is_talking) = (talk.id, talk.is_talking());
        match order {
            Order::Accept { description } => self.accept(now, ticket, at, &description),
            Order::HangUp if talk.is_over() => self.refuse(ticket, Refused::WrongStage),
            Order::HangUp => {
                self.hang_up(now, id, Cause::Normal);
                self.done(ticket);
            }
            Order::Mute { is_muted } if !talk.is_over() => {
                talk.is_muted = is_muted;
                self.done(ticket);
                self.changed();
            }
            _ if !is_talking => self.refuse(ticket, Refused::WrongStage),
            Order::Hold { is_held } => {
                talk.waiting.push(ticket);
                self.set_held(now, at, is_held);
            }
            Order::Attach { description } => {
                let before = talk.attach.replace((ticket, description));
                before.into_iter().for_each(|(old, _)| self.refuse(old, Refused::WrongStage));
                self.settle(now, id);
            }
            Order::Transfer { to } => self.transfer(now, ticket, at, &to),
            Order::Complete => self.complete(now, ticket, at),
            Order::Keys { keys } => self.press(now, ticket, at, &keys),
            Order::Mute { .. } => self.refuse(ticket, Refused::WrongStage),
        }
    }

    pub(super) fn set_held(&mut self, now: Now, at: usize, is_held: bool) {
        let Some(talk) = self.talks.get_mut(at) else { return };
        talk.is_held = is_held;
        let id = talk.id;
        self.changed();
        self.settle(now, id);
    }

    /// Ends a call in whichever stage it is.
    pub(super) fn hang_up(&mut self, now: Now, id: TalkId, cause: Cause) {
        let Some(at) = self.at(id) else { return };
        match self.talks.get(at).map(|talk| &talk.stage) {
            Some(Stage::Ringing { .. }) => {
                let answer = if cause == Cause::Normal { (603, "Decline") } else { (480, "Temporarily Unavailable") };
                self.turn_down(now, at, answer, Cause::Declined);
            }
            // It is over when the exchange says so: until then it may be answered.
            Some(Stage::Dialling(_)) => self.cancel(now, at),
            Some(Stage::Talking) => {
                self.ask_inside(now, (at, Method::Bye), Asked::Nothing, |_| {}, None);
                self.end(now, id, cause);
            }
            Some(Stage::Over(_)) | None => {}
        }
    }

    /// Says to the exchange what it does not know yet; one thing at a time.
    pub(super) fn settle(&mut self, now: Now, id: TalkId) {
        let Some(at) = self.at(id) else { return };
        let Some(talk) = self.talks.get_mut(at) else { return };
        if !talk.is_talking() || talk.asking.is_some() || talk.when_again.is_some() {
            return;
        }
        let attached = talk.attach.take();
        let is_held = if attached.is_some() { talk.is_held } else { talk.wants_held() };
        if attached.is_none() && is_held == talk.told_held {
            let done = std::mem::take(&mut talk.waiting);
            return done.into_iter().for_each(|ticket| self.done(ticket));
        }
        let origin = talk.next_origin();
        let own = match &attached {
            Some((_, page)) => description::fresh(page, origin, is_held),
            None => description::offer_again(talk.stored.as_deref().unwrap_or_default(), origin, is_held),
        };
        let Some(own) = own else {
            let lost: Vec<Ticket> = std::mem::take(&mut talk.waiting);
            let lost = lost.into_iter().chain(attached.map(|(ticket, _)| ticket)).collect::<Vec<_>>();
            return lost.into_iter().for_each(|ticket| self.refuse(ticket, Refused::Description));
        };
        let attached = attached.map(|(ticket, _)| (ticket, Box::from(own.as_str())));
        let body = Some(("application/sdp", own.as_str()));
        let client = self.ask_inside(now, (at, Method::Invite), Asked::Again(id), |_| {}, body);
        if let (Some(client), Some(talk)) = (client, self.talks.get_mut(at)) {
            let cseq = talk.dialog.as_ref().map_or(0, |dialog| dialog.local_cseq);
            talk.asking = Some(Asking { client, cseq, is_held, attached });
        }
    }

    /// The exchange has answered a description of ours.
    pub(super) fn answered_again(&mut self, now: Now, (id, client): (TalkId, ClientKey), response: &Message) {
        let (_, _, via) = self.next_via();
        let (target, chance) = (self.target(), self.entropy.below(1_900));
        let Some(talk) = self.at(id).and_then(|at| self.talks.get_mut(at)) else { return };
        let status = response.status();
        if status < 200 {
            return;
        }
        let Some(asking) = talk.asking.take_if(|asking| asking.client == client) else { return };
        match status {
            200..300 => {
                let ack = talk.dialog.as_mut().map(|dialog| {
                    dialog.refresh(response);
                    dialog.ack(asking.cseq, &via).finish()
                });
                talk.told_held = asking.is_held;
                let text = String::from_utf8_lossy(response.body());
                talk.remote = Some(text.as_ref().into());
                talk.role = Role::left_by(&text).or(talk.role);
                let attached = asking.attached.map(|(ticket, own)| {
                    talk.stored = Some(own);
                    (talk.needs_attach, talk.is_parked) = (false, false);
                    ticket
                });
                if let Some(ack) = ack {
                    self.transactions.acknowledge(now, client, response.to_tag().unwrap_or_default(), target, ack);
                }
                if let Some(ticket) = attached {
                    self.outputs.push_back(Output::Done { ticket, description: Some(text.as_ref().into()) });
                    self.outputs.push_back(Output::Resumed);
                }
                self.changed();
                self.settle(now, id);
            }
            491 => {
                // RFC 3261 14.1: who has made the Call-ID waits longer; the exchange is quicker either way.
                talk.attach = talk.attach.take().or(asking.attached);
                talk.when_again = Some(now.instant + Duration::from_millis(2_100 + chance));
            }
            408 | 481 => self.end(now, id, Cause::from_status(status)),
            _ => {
                let lost = std::mem::take(&mut talk.waiting);
                (talk.is_held, talk.is_parked) = (talk.told_held, false);
                let lost = lost.into_iter().chain(asking.attached.map(|(ticket, _)| ticket)).collect::<Vec<_>>();
                lost.into_iter().for_each(|ticket| self.refuse(ticket, Refused::Status(status)));
                self.changed();
            }
        }
    }

    fn transfer(&mut self, now: Now, ticket: Ticket, at: usize, to: &str) {
        let Some(user) = destination(to) else { return self.refuse(ticket, Refused::Destination) };
        let refer_to = format!("<sip:{user}@{}>", self.account.realm);
        self.refer(now, (ticket, None), at, &refer_to);
    }

    /// The call with the customer goes to whom this one is with.
    fn complete(&mut self, now: Now, ticket: Ticket, at: usize) {
        let with = self
            .talks
            .get(at)
            .and_then(|talk| Some((talk.id, talk.consults?, talk.dialog.as_ref()?, talk.to.clone()?)));
        let Some((id, customer, dialog, to)) = with else { return self.refuse(ticket, Refused::WrongStage) };
        let replaces = Replaces {
            call_id: dialog.call_id.clone(),
            to_tag: dialog.remote_tag.clone(),
            from_tag: dialog.local_tag.clone(),
            early_only: false,
        };
        let user = destination(&to).unwrap_or_default();
        let escaped = escaped(&replaces.to_string());
        let refer_to = format!("<sip:{user}@{}?Replaces={escaped}>", self.account.realm);
        let first = self.at(customer).filter(|at| self.talks.get(*at).is_some_and(Talk::is_talking));
        match first {
            Some(first) => self.refer(now, (ticket, Some(id)), first, &refer_to),
            None => self.refuse(ticket, Refused::WrongStage),
        }
    }

    fn refer(&mut self, now: Now, (ticket, with): (Ticket, Option<TalkId>), at: usize, refer_to: &str) {
        let by = format!("<sip:{}@{}>", self.account.name, self.account.realm);
        let Some(talk) = self.talks.get_mut(at) else { return };
        if talk.referring.is_some() {
            return self.refuse(ticket, Refused::WrongStage);
        }
        talk.referring = Some((ticket, with));
        let id = talk.id;
        let write = |writer: &mut crate::protocol::sip::message::Writer| {
            writer.header(HeaderName::ReferTo, refer_to).header(HeaderName::ReferredBy, by);
        };
        self.ask_inside(now, (at, Method::Refer), Asked::Refer(id), write, None);
    }

    /// What was answered to the REFER itself; how it goes comes by NOTIFY.
    pub(super) fn referred(&mut self, _now: Now, id: TalkId, status: u16) {
        if status < 300 {
            return;
        }
        let Some(talk) = self.at(id).and_then(|at| self.talks.get_mut(at)) else { return };
        if let Some((ticket, _)) = talk.referring.take() {
            self.refuse(ticket, Refused::Status(status));
        }
    }

    pub(super) fn notified(&mut self, now: Now, id: TalkId, message: &Message) {
        let line = String::from_utf8_lossy(message.body());
        let status: u16 = line.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        let Some(talk) = self.at(id).and_then(|at| self.talks.get_mut(at)).filter(|_| status >= 200) else { return };
        let Some((ticket, with)) = talk.referring.take() else { return };
        if status >= 300 {
            return self.refuse(ticket, Refused::Status(status));
        }
        self.done(ticket);
        self.hang_up(now, id, Cause::Normal);
        with.into_iter().for_each(|with| self.hang_up(now, with, Cause::Normal));
    }

    fn press(&mut self, now: Now, ticket: Ticket, at: usize, keys: &str) {
        let Some(talk) = self.talks.get_mut(at) else { return };
        let fits = keys.chars().all(|key| "0123456789*#ABCDabcd,".contains(key));
        if !fits || keys.is_empty() || talk.keys.len() + keys.len() > KEYS_MAX {
            return self.refuse(ticket, Refused::Destination);
        }
        talk.keys.extend(keys.chars().map(|key| key.to_ascii_uppercase()));
        let id = talk.id;
        self.done(ticket);
        self.next_key(now, id);
    }

    fn next_key(&mut self, now: Now, id: TalkId) {
        let Some(at) = self.at(id) else { return };
        let Some(talk) = self.talks.get_mut(at).filter(|talk| talk.is_talking()) else { return };
        if talk.is_keying || talk.when_key.is_some() {
            return;
        }
        match talk.keys.pop_front() {
            None => {}
            Some(',') => talk.when_key = Some(now.instant + PAUSE),
            Some(key) => {
                talk.is_keying = true;
                let text = format!("Signal={key}\r\nDuration=160\r\n");
                let body = Some(("application/dtmf-relay", text.as_str()));
                self.ask_inside(now, (at, Method::Info), Asked::Key(id), |_| {}, body);
            }
        }
    }

    pub(super) fn keyed(&mut self, now: Now, id: TalkId) {
        if let Some(talk) = self.at(id).and_then(|at| self.talks.get_mut(at)) {
            talk.is_keying = false;
            self.next_key(now, id);
        }
    }

    pub(super) fn talk_due(&mut self, now: Now, id: TalkId) {
        let Some(talk) = self.at(id).and_then(|at| self.talks.get_mut(at)) else { return };
        if talk.when_again.take_if(|at| *at <= now.instant).is_some() {
            self.settle(now, id);
        }
        let Some(talk) = self.at(id).and_then(|at| self.talks.get_mut(at)) else { return };
        if talk.when_key.take_if(|at| *at <= now.instant).is_some() {
            self.next_key(now, id);
        }
    }

    /// A page has the audio from now on; `is_new`: it knows nothing of the audio of calls that go on.
    pub fn heard(&mut self, now: Now, is_new: bool) {
        (self.silent_since, self.is_parked) = (None, false);
        for talk in self.talks.iter_mut().filter(|talk| talk.is_talking()) {
            talk.needs_attach |= is_new;
        }
        self.changed();
        self.work(now);
    }

    /// The page that had the audio is gone.
    pub fn silent(&mut self, now: Now) {
        self.silent_since.get_or_insert(now.instant);
        self.work(now);
    }

    pub(super) fn silence_deadline(&self) -> Option<Instant> {
        let since = self.silent_since.filter(|_| !self.is_idle())?;
        let parked = (!self.is_parked).then(|| since + PARKED_AFTER);
        earliest(parked, Some(since + self.account.resume))
    }

    /// First the other side hears that nobody is there, then it waits no more.
    pub(super) fn silence_due(&mut self, now: Now) {
        let Some(since) = self.silent_since else { return };
        if since + PARKED_AFTER <= now.instant && !self.is_parked {
            self.is_parked = true;
            for id in self.talks.iter().filter(|talk| talk.is_talking()).map(|talk| talk.id).collect::<Vec<_>>() {
                if let Some(talk) = self.at(id).and_then(|at| self.talks.get_mut(at)) {
                    talk.is_parked = true;
                }
                self.settle(now, id);
            }
            self.changed();
        }
        if since + self.account.resume <= now.instant {
            let left: Vec<TalkId> = self.talks.iter().filter(|talk| !talk.is_over()).map(|talk| talk.id).collect();
            left.into_iter().for_each(|id| self.hang_up(now, id, Cause::TemporarilyUnavailable));
        }
    }
}

/// As it may stand among the headers of an address (RFC 3261 25.1).
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
