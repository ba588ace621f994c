//! What every message of the switchboard's own carries: Via, tags, our Contact. Decides nothing.

use crate::base::entropy::Entropy;
use crate::base::id::{CallId, LegId};
use crate::domain::profile::{Listener, Profile};
use crate::protocol::sip::message::{HeaderName, Message, Method, Writer};
use crate::protocol::sip::path::Transport;
use crate::protocol::sip::stamp;
use crate::protocol::sip::transaction::set::ClientKey;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Methods that we know at all (RFC 3261 20.5).
pub const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, PRACK, UPDATE, INFO, REFER, SUBSCRIBE, NOTIFY";

/// The side of ours that a request leaves from.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    pub profile: &'a Profile,
    pub listener: &'a Listener,
    pub transport: Transport,
}

/// The four names of a request outside or inside a dialog.
pub struct Names<'a> {
    /// Whole values of From and To, with their tags.
    pub from: &'a dyn fmt::Display,
    pub to: &'a dyn fmt::Display,
    pub call_id: &'a str,
    pub cseq: u32,
}

impl Side<'_> {
    /// Host and port as others see them.
    pub fn place(&self) -> String {
        format!("{}:{}", self.listener.advertised_host, self.listener.advertised_port)
    }

    /// `sip:user@host:port`, with the transport where it is not the default.
    pub fn contact(&self, user: &str) -> String {
        let at = if user.is_empty() { "" } else { "@" };
        match self.transport {
            Transport::Udp => format!("<sip:{user}{at}{}>", self.place()),
            other => format!("<sip:{user}{at}{};transport={}>", self.place(), other.name()),
        }
    }

    /// The start of a request of the switchboard, and its branch.
    pub fn request(
        &self,
        (method, uri): (Method, &str),
        key: ClientKey,
        names: &Names<'_>,
        entropy: &mut Entropy,
    ) -> (Writer, Box<str>) {
        let branch = stamp::branch(CallId::SWITCHBOARD, key.0, entropy);
        let mut writer = Writer::request(method.name(), uri);
        writer
            .header(
                HeaderName::Via,
                format_args!("SIP/2.0/{} {};rport;branch={branch}", self.transport.via_name(), self.place()),
            )
            .header(HeaderName::MaxForwards, 70)
            .header(HeaderName::From, names.from)
            .header(HeaderName::To, names.to)
            .header(HeaderName::CallId, names.call_id)
            .header(HeaderName::CSeq, format_args!("{} {}", names.cseq, method.name()));
        if !self.profile.product.is_empty() {
            writer.header(HeaderName::UserAgent, &self.profile.product);
        }
        (writer, branch.into())
    }
}

/// A To tag of ours for a reply that no state is kept for: the same for each retransmission, of the switchboard's own.
pub fn reply_tag(request: &Message, salt: u64) -> String {
    let mut hasher = DefaultHasher::new();
    (salt, request.call_id(), request.from_tag()).hash(&mut hasher);
    format!("{}{:02x}00{:08x}", CallId::SWITCHBOARD, LegId::CALLER.0, hasher.finish() & 0xffff_ffff)
}
