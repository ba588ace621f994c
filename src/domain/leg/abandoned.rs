//! An INVITE whose silence we no longer bear, and which may ring or be answered all the same. Keeps nobody waiting.

use crate::base::cause::Cause;
use crate::base::id::LegId;
use crate::domain::leg::headers;
use crate::domain::leg::outbound::Asked;
use crate::domain::leg::wire::{Errand, Ready, Wire};
use crate::protocol::sip::dialog::{Dialog, Opening};
use crate::protocol::sip::message::message::Message;
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::path::Target;
use crate::protocol::sip::transaction::set::ClientKey;

/// What it takes to cancel or end what comes of it before its timer B.
pub struct Abandoned {
    pub client: ClientKey,
    pub branch: Box<str>,
    pub uri: Box<str>,
    pub routes: Vec<Box<str>>,
    pub opening: Opening,
    pub target: Target,
    pub is_phone: bool,
    pub is_cancelled: bool,
}

impl Abandoned {
    pub fn on_response(&mut self, leg: LegId, wire: &mut Wire, message: &Message) {
        match message.status() {
            // RFC 3261 9.1: the first provisional response lets the CANCEL out.
            ..200 if !self.is_cancelled => {
                self.is_cancelled = true;
                let Abandoned { uri, routes, opening, branch, target, .. } = self;
                Asked { uri, routes, opening, branch, target }.cancel(leg, wire, Cause::Cancelled);
            }
            200..300 => self.end(leg, wire, message),
            _ => {}
        }
    }

    /// RFC 3261 13.2.2.4: a 2xx that nobody wants is acknowledged and ended.
    fn end(&self, leg: LegId, wire: &mut Wire, message: &Message) {
        let Ok(mut dialog) = Dialog::open(&self.opening, message, &self.uri) else { return };
        let target = wire.next_hop(&dialog, &self.target, self.is_phone);
        let stamp = wire.stamp(&target.path);
        let ack = dialog.ack(self.opening.cseq, &stamp.via).finish();
        wire.transactions.acknowledge(wire.now, self.client, &dialog.remote_tag, target.clone(), ack);
        let stamp = wire.stamp(&target.path);
        let mut writer = dialog.request(Method::Bye, &stamp.via);
        headers::reason(&mut writer, Cause::Cancelled);
        wire.agent_header(&mut writer, target.path.listener);
        let (method, bytes) = (Method::Bye, writer.finish());
        wire.send_bare(leg, Errand::StrayBye, Ready { stamp, method, target, bytes, no_response: None });
    }
}
