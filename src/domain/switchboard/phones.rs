//! What phones ask of us that is no call: REGISTER, and what follows when they come and go.

use crate::base::id::{CallId, LegId};
use crate::base::now::Now;
use crate::domain::call::interface::{CallEvent, Party};
use crate::domain::phone::activity::Stage;
use crate::domain::phone::registrar::{self, RegisterError};
use crate::domain::phone::settings::Phone;
use crate::domain::phone::subscription::Package;
use crate::domain::queue::interface::QueueInput;
use crate::domain::switchboard::board::Switchboard;
use crate::domain::switchboard::inbound::Source;
use crate::domain::switchboard::interface::SwitchboardEvent;
use crate::domain::switchboard::proof::Proof;
use crate::domain::switchboard::request;
use crate::protocol::sip::message::{HeaderName, Message, Method, Writer};
use crate::protocol::sip::path::Path;
use crate::protocol::sip::transaction::set::ServerKey;
use std::sync::Arc;

impl Switchboard {
    /// REGISTER and SUBSCRIBE are for phones that prove themselves. Without any proof the challenge costs no transaction.
    pub(super) fn ask_for_proof(&mut self, now: Now, from: Path, source: &Source, message: Box<Message>) {
        if let Source::Trunk { .. } = source {
            return self.reply(from, &message, (405, "Method Not Allowed"), |writer| {
                writer.header(HeaderName::Allow, request::ALLOW);
            });
        }
        if message.get(HeaderName::Authorization).is_none() {
            return self.challenge(now, from, &message, false);
        }
        self.transactions.receive(now, from, message);
    }

    /// A REGISTER or SUBSCRIBE that brought credentials, once each.
    pub(super) fn serve(&mut self, now: Now, server: ServerKey, from: Path, message: &Message) {
        let phone = match self.prove(now, &from, message) {
            Proof::Proven(Party::Phone(phone)) => phone,
            Proof::Proven(Party::Trunk(_)) => {
                return self.respond(now, server, from, (message, 403, "Forbidden"), |_| {});
            }
            Proof::Missing { stale } => return self.respond_challenge(now, server, from, message, stale),
            Proof::Wrong => {
                self.count_failure(now, &from);
                return self.respond_challenge(now, server, from, message, false);
            }
        };
        match message.method() {
            Method::Subscribe => self.subscribe(now, server, from, (&phone, message)),
            _ => self.register_phone(now, server, from, (&phone, message)),
        }
    }

    fn respond_challenge(&mut self, now: Now, server: ServerKey, from: Path, message: &Message, stale: bool) {
        let challenges = self.challenges(now, from, stale);
        self.respond(now, server, from, (message, 401, "Unauthorized"), |writer| {
            for challenge in challenges {
                writer.header(HeaderName::WwwAuthenticate, challenge);
            }
        });
    }

    pub(super) fn respond(
        &mut self,
        now: Now,
        server: ServerKey,
        from: Path,
        (message, status, phrase): (&Message, u16, &'static str),
        more: impl FnOnce(&mut Writer),
    ) {
        let bytes = self.written_reply(from, message, (status, phrase), more);
        self.transactions.respond(now, server, status, bytes);
    }

    fn register_phone(&mut self, now: Now, server: ServerKey, from: Path, (phone, message): (&Phone, &Message)) {
        let unknown: Vec<&str> = message
            .values(HeaderName::Require)
            .filter(|token| !token.eq_ignore_ascii_case("path") && !token.eq_ignore_ascii_case("gruu"))
            .collect();
        if !unknown.is_empty() {
            let unknown = unknown.join(", ");
            return self.respond(now, server, from, (message, 420, "Bad Extension"), |writer| {
                writer.header(HeaderName::Unsupported, unknown);
            });
        }
        let was = self.bindings.is_registered(&phone.name);
        match registrar::register(&mut self.bindings, phone, message, from, now) {
            Ok(()) => {
                let bindings = self.bindings.of(&phone.name).to_vec();
                self.respond(now, server, from, (message, 200, "OK"), |writer| {
                    registrar::list(writer, &bindings, now.instant);
                    writer.copy(message, HeaderName::Path);
                });
                self.tell_registration(now, &phone.name, was);
            }
            Err(error) => {
                if error == RegisterError::NotItsOwn {
                    self.count_failure(now, &from);
                }
                let (status, phrase) = error.status();
                self.respond(now, server, from, (message, status, phrase), |writer| {
                    if let RegisterError::TooBrief(least) = error {
                        writer.header(HeaderName::MinExpires, least.as_secs());
                    }
                });
            }
        }
    }

    /// Says so when a phone has come or gone.
    fn tell_registration(&mut self, now: Now, phone: &Arc<str>, was: bool) {
        let is = self.bindings.is_registered(phone);
        if was == is {
            return;
        }
        let phone = phone.clone();
        self.event(match is {
            true => SwitchboardEvent::PhoneRegistered { phone: phone.clone() },
            false => SwitchboardEvent::PhoneUnregistered { phone: phone.clone() },
        });
        self.notify_watchers(now, &phone, Package::Presence);
        self.agent_phone_changed(now, &phone);
    }

    pub(super) fn expire_bindings(&mut self, now: Now) {
        for phone in self.bindings.expire(now.instant) {
            self.tell_registration(now, &phone, true);
        }
    }

    pub(super) fn connection_closed(&mut self, now: Now, path: Path) {
        self.carriers_connection_closed(now, path);
        let Some(connection) = path.connection else { return };
        for phone in self.bindings.close(connection) {
            self.tell_registration(now, &phone, true);
        }
        for tag in self.subscriptions.over(connection) {
            self.subscriptions.remove(&tag);
        }
    }

    /// A reload removed phones, or moved them to another profile: what they had is gone.
    pub(super) fn forget_removed_phones(&mut self, now: Now) {
        let index = self.index.clone();
        let stays = |phone: &str, path: Option<&Path>| {
            index.phone(phone).is_some_and(|phone| {
                path.is_none_or(|path| {
                    index.listener(path.listener).is_some_and(|(profile, _)| profile.name == phone.profile)
                })
            })
        };
        let gone: Vec<Arc<str>> = self
            .bindings
            .phones()
            .filter(|(phone, bindings)| !stays(phone, bindings.first().map(|binding| &binding.path)))
            .map(|(phone, _)| phone.clone())
            .collect();
        for phone in gone {
            self.bindings.forget(&phone);
            self.tell_registration(now, &phone, true);
        }
        for tag in
            self.subscriptions.where_any(|one| !stays(&one.subscriber, Some(&one.path)) || !stays(&one.watched, None))
        {
            self.end_subscription(now, &tag, "noresource");
        }
    }

    /// What happens in calls, for those who watch the phones in them.
    pub(super) fn call_event(&mut self, now: Now, call: CallId, event: &CallEvent) {
        if !self.calls.contains(call) {
            return;
        }
        match event {
            CallEvent::LegStarted { leg, party } => {
                if let Some(name) = party.strip_prefix("phone:")
                    && *leg != LegId::CALLER
                {
                    let phone: Arc<str> = name.into();
                    self.activity.begin(call, *leg, &phone, false);
                    self.phone_changed(now, &phone);
                }
            }
            CallEvent::Ringing { leg } | CallEvent::EarlyMedia { leg } => self.advance(now, call, *leg, Stage::Early),
            CallEvent::Answered { leg } => {
                self.advance(now, call, *leg, Stage::Confirmed);
                self.queue_input(now, QueueInput::OutboundAnswered { call });
            }
            CallEvent::LegEnded { leg, .. } => {
                if let Some(phone) = self.activity.end(call, *leg) {
                    self.phone_changed(now, &phone);
                }
            }
            _ => {}
        }
    }

    /// A called leg moved on, and with it the caller who waits for it.
    fn advance(&mut self, now: Now, call: CallId, leg: LegId, stage: Stage) {
        for leg in [leg, LegId::CALLER] {
            if let Some(phone) = self.activity.advance(call, leg, stage) {
                self.phone_changed(now, &phone);
            }
        }
    }

    pub(super) fn phone_changed(&mut self, now: Now, phone: &Arc<str>) {
        self.notify_watchers(now, phone, Package::Dialog);
    }
}
