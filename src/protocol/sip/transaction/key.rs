//! What makes a message part of a transaction (RFC 3261 17.1.3, 17.2.3), and where its response goes. Keeps no text.

use crate::protocol::sip::message::value::Via;
use crate::protocol::sip::message::{HeaderName, Message, Method};
use crate::protocol::sip::path::{Path, Target, Transport};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::Arc;

const COOKIE: &str = "z9hG4bK";

/// A digest of the matching fields instead of the fields: 8 bytes per transaction, and one integer to search for.
///
/// Whoever could build a collision with a given transaction knows its branch already, and could simply send that.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct Key(u64);

impl Key {
    /// A To tag for answers that we give before the owner has chosen one.
    pub fn as_tag(self) -> String {
        format!("{:016x}", self.0)
    }
}

/// The method of the transaction that a request belongs to: an ACK is looked up as INVITE, and a CANCEL may be.
pub(super) fn server_key(message: &Message, via: &Via<'_>, method: &str) -> Key {
    let mut hasher = DefaultHasher::new();
    let identifier = via.branch().filter(|branch| has_identifier(branch));
    match identifier {
        Some(branch) => ("server", branch, method).hash(&mut hasher),
        None => old_style(message, method, &mut hasher),
    }
    for byte in via.host.bytes() {
        hasher.write_u8(byte.to_ascii_lowercase());
    }
    via.port.hash(&mut hasher);
    Key(hasher.finish())
}

/// RFC 3261 branches start with the cookie; one that is nothing but the cookie identifies nothing (RFC 4475 3.2.1).
fn has_identifier(branch: &str) -> bool {
    branch.len() > COOKIE.len() && branch.get(..COOKIE.len()).is_some_and(|start| start.eq_ignore_ascii_case(COOKIE))
}

/// RFC 2543 peers: Request-URI, Call-ID, From tag, CSeq number and the top Via. The To tag is left out, because the ACK of a
/// non-2xx has the response's and the INVITE may have none; the rest is already unique.
fn old_style(message: &Message, method: &str, hasher: &mut DefaultHasher) {
    let cseq = message.cseq().map(|cseq| cseq.number).unwrap_or_default();
    ("old", message.uri_text(), message.call_id(), message.from_tag(), cseq, method).hash(hasher);
    message.values(HeaderName::Via).next().hash(hasher);
}

pub(super) fn client_key(branch: &str, method: Method) -> Key {
    let mut hasher = DefaultHasher::new();
    // Only CANCEL shares a branch with another request.
    ("client", branch, method == Method::Cancel).hash(&mut hasher);
    Key(hasher.finish())
}

/// What the ACK of a 2xx and its INVITE have in common: the ACK is a transaction of its own with another branch.
pub(super) fn acknowledgement_key(message: &Message) -> Option<Key> {
    let mut hasher = DefaultHasher::new();
    ("ack", message.call_id(), message.from_tag(), message.cseq().ok()?.number).hash(&mut hasher);
    Some(Key(hasher.finish()))
}

/// Where the response to a request goes first (RFC 3261 18.2.2, RFC 3581 4): the same connection; over UDP the source
/// address, with the source port if the peer asked for it by `rport`. `maddr` is not followed: it would let a request aim our
/// answers at a third party.
pub fn reply_target(from: Path, via: &Via<'_>) -> Target {
    let mut path = from;
    if from.transport == Transport::Udp && !via.params.has("rport") {
        path.remote.set_port(via.port.unwrap_or(from.transport.default_port()));
    }
    Target { path, tls_name: None }
}

/// Where it goes when the connection is gone: a new one to the sent-by port of the address it came from (RFC 3261 18.2.2).
/// A browser cannot be connected to.
pub(super) fn second_target(from: Path, via: &Via<'_>) -> Option<Box<Target>> {
    if !matches!(from.transport, Transport::Tcp | Transport::Tls) {
        return None;
    }
    let remote = SocketAddr::new(from.remote.ip(), via.port.unwrap_or(from.transport.default_port()));
    let tls_name = (from.transport == Transport::Tls).then(|| Arc::from(via.host));
    Some(Box::new(Target { path: Path { remote, connection: None, ..from }, tls_name }))
}
