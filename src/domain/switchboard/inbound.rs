//! What arrives for no running call: whose it is by where it came from, and the checks that every request passes first.

use crate::base::cause::Cause;
use crate::base::now::Now;
use crate::domain::call::interface::CallInput;
use crate::domain::switchboard::board::Switchboard;
use crate::domain::switchboard::calls::{InviteMark, Kinship};
use crate::domain::switchboard::door::Knock;
use crate::domain::switchboard::interface::{RefusalReason, Strangers, SwitchboardEvent, SwitchboardOutput as Output};
use crate::domain::switchboard::request::{self, reply_tag};
use crate::domain::trunk::settings::Trunk;
use crate::protocol::sip::message::{HeaderName, Message, Method, Writer};
use crate::protocol::sip::path::{Outgoing, Path};
use crate::protocol::sip::transaction::reply_target;
use bytes::Bytes;
use std::net::IpAddr;
use std::sync::Arc;

/// Whose a message is, as far as the way that it came tells. Nothing that it says is believed.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Source {
    Trunk {
        trunk: Arc<Trunk>,
        by: &'static str,
    },
    /// On this profile somebody may prove by digest who it is.
    Unproven,
    Stranger,
}

impl Switchboard {
    pub(super) fn receive(&mut self, now: Now, from: Path, tls_names: &[Box<str>], message: Box<Message>) {
        let source = self.source_of(&from, tls_names);
        if !message.is_request() {
            let is_counted = !matches!(source, Source::Trunk { .. }) && !self.transactions.is_awaited(&message);
            if is_counted && !self.knock(now, &from) {
                return;
            }
            if message.check_response().is_ok() {
                self.transactions.receive(now, from, message);
            }
            return;
        }
        // An ACK asks for nothing; counting it would make every challenged INVITE count twice.
        let asks = message.method() != Method::Ack;
        if asks && !matches!(source, Source::Trunk { .. }) && !self.knock(now, &from) {
            return;
        }
        if source == Source::Stranger {
            return self.turn_away(now, from, &message);
        }
        if let Err(refusal) = message.check_request() {
            self.refused(Cause::PeerMisbehaved, RefusalReason::Malformed, from);
            if message.method() != Method::Ack {
                self.reply(from, &message, (refusal.status, refusal.phrase), |_| {});
            }
            return;
        }
        match message.method() {
            Method::Ack => self.pass_on(from, message),
            Method::Cancel => self.cancel(from, message),
            Method::Subscribe => self.ask_for_proof(now, from, &source, message),
            _ if message.to_tag().is_some() => self.reply(from, &message, NO_DIALOG, |_| {}),
            Method::Invite => self.invite(now, from, source, message),
            Method::Register => self.ask_for_proof(now, from, &source, message),
            _ => self.other(from, &message),
        }
    }

    /// By network, by certificate, by our registration with it; else by what may still be proved.
    fn source_of(&self, from: &Path, tls_names: &[Box<str>]) -> Source {
        let Some(profile) = self.index.profile_number(from.listener) else { return Source::Stranger };
        let address = from.remote.ip();
        let named = self.index.finder.by_names(profile, tls_names).map(|trunk| (trunk, "certificate"));
        let found = named.or_else(|| self.index.finder.by_address(profile, address).map(|trunk| (trunk, "network")));
        if let Some((number, by)) = found
            && let Some(trunk) = self.index.trunk_at(number)
        {
            return Source::Trunk { trunk: trunk.clone(), by };
        }
        if let Some((profile, _)) = self.index.listener(from.listener)
            && let Some(trunk) = self.trunks.registered_from(address, &profile.name)
        {
            return Source::Trunk { trunk: trunk.clone(), by: "registration" };
        }
        if self.index.has_logins(profile) { Source::Unproven } else { Source::Stranger }
    }

    /// Counts a request of nobody that we know. False if it is not to be answered.
    fn knock(&mut self, now: Now, from: &Path) -> bool {
        let address = from.remote.ip();
        let shielded = self.is_shielded(address);
        let policy = *self.admission.policy();
        let knock = self.door.knock(address, shielded, &policy, now.instant);
        self.ban_if(knock, address);
        knock == Knock::Pass
    }

    /// It showed a wrong key or asked for what is not its own.
    pub(super) fn count_failure(&mut self, now: Now, from: &Path) {
        let address = from.remote.ip();
        let shielded = self.is_shielded(address);
        let policy = *self.admission.policy();
        let knock = self.door.fail(address, shielded, &policy, now.instant);
        self.event(SwitchboardEvent::AuthenticationFailed { source: *from });
        self.ban_if(knock, address);
    }

    fn is_shielded(&self, address: IpAddr) -> bool {
        self.index.finder.is_configured(address) || self.bindings.holds_address(address)
    }

    fn ban_if(&mut self, knock: Knock, address: IpAddr) {
        if let Knock::Ban(time) = knock {
            self.outputs.push_back(Output::Ban { address, time });
            self.event(SwitchboardEvent::Banned { address });
        }
    }

    /// Nobody that we know and nobody who could become known: silence, or the same 403 for everything.
    fn turn_away(&mut self, now: Now, from: Path, message: &Message) {
        self.refused(Cause::NotAllowed, RefusalReason::UnknownSource, from);
        let address = from.remote.ip();
        let shielded = self.is_shielded(address);
        let policy = *self.admission.policy();
        let knock = self.door.fail(address, shielded, &policy, now.instant);
        self.ban_if(knock, address);
        let may_answer = message.method() != Method::Ack && knock == Knock::Pass;
        if policy.strangers == Strangers::Forbid && may_answer {
            self.reply(from, message, (403, "Forbidden"), |_| {});
        }
    }

    /// An ACK or CANCEL that outran the news of its call.
    fn pass_on(&mut self, from: Path, message: Box<Message>) {
        if let Kinship::Same(call) = self.kinship(&message) {
            self.tell_call(call, CallInput::Sip { from, message });
        }
    }

    fn cancel(&mut self, from: Path, message: Box<Message>) {
        match self.kinship(&message) {
            Kinship::Same(_) => self.pass_on(from, message),
            Kinship::None | Kinship::Merged => self.reply(from, &message, NO_DIALOG, |_| {}),
        }
    }

    pub(super) fn kinship(&self, message: &Message) -> Kinship {
        if self.calls.is_empty() {
            return Kinship::None;
        }
        mark_of(message).map_or(Kinship::None, |mark| self.calls.kinship(mark))
    }

    /// Requests outside a dialog that no state is kept for.
    fn other(&mut self, from: Path, message: &Message) {
        match message.method() {
            Method::Options => self.reply(from, message, (200, "OK"), |writer| {
                writer
                    .header(HeaderName::Allow, request::ALLOW)
                    .header(HeaderName::Accept, "application/sdp")
                    .header(HeaderName::Supported, "100rel, timer, replaces");
            }),
            Method::Bye | Method::Prack | Method::Update | Method::Info | Method::Notify => {
                self.reply(from, message, NO_DIALOG, |_| {});
            }
            Method::Refer => self.reply(from, message, (403, "Forbidden"), |_| {}),
            Method::Other => self.reply(from, message, (501, "Not Implemented"), |writer| {
                writer.header(HeaderName::Allow, request::ALLOW);
            }),
            _ => self.reply(from, message, (405, "Method Not Allowed"), |writer| {
                writer.header(HeaderName::Allow, request::ALLOW);
            }),
        }
    }

    /// Answers a request and forgets it; its ACK, if there is one, is dropped when it comes.
    pub(super) fn reply(
        &mut self,
        from: Path,
        message: &Message,
        (status, phrase): (u16, &'static str),
        more: impl FnOnce(&mut Writer),
    ) {
        let Ok(via) = message.top_via() else { return };
        let target = reply_target(from, &via);
        let bytes = self.written_reply(from, message, (status, phrase), more);
        self.outputs.push_back(Output::Send(Outgoing { target, token: 0, bytes }));
    }

    /// The bytes of an answer of the switchboard.
    pub(super) fn written_reply(
        &self,
        from: Path,
        message: &Message,
        (status, phrase): (u16, &'static str),
        more: impl FnOnce(&mut Writer),
    ) -> Bytes {
        let tag = reply_tag(message, self.salt);
        let mut writer = Writer::reply(message, from.remote, status, phrase, Some(&tag));
        if let Some((profile, _)) = self.index.listener(from.listener)
            && !profile.product.is_empty()
        {
            writer.header(HeaderName::Server, &profile.product);
        }
        more(&mut writer);
        writer.finish()
    }

    pub(super) fn refused(&mut self, cause: Cause, why: RefusalReason, source: Path) {
        self.event(SwitchboardEvent::Refused { cause, why, source });
    }
}

/// What a request is told whose dialog or transaction is not here (RFC 3261 12.2.2, 9.2).
const NO_DIALOG: (u16, &str) = (481, "Call/Transaction Does Not Exist");

/// The mark of an INVITE, its ACK to a refusal, or its CANCEL.
pub(super) fn mark_of(message: &Message) -> Option<InviteMark> {
    let via = message.top_via().ok()?;
    let cseq = message.cseq().ok()?.number;
    Some(InviteMark::new(message.call_id(), message.from_tag().unwrap_or_default(), cseq, via.branch()?))
}
