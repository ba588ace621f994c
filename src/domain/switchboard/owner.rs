//! Whose message is this? Decided from tags and branches that we issued, without any table; used by edge and simulator.

use crate::base::id::CallId;
use crate::protocol::sip::message::{Message, Method};
use crate::protocol::sip::stamp;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Where a message goes first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Owner {
    Call(CallId),
    /// A request without a tag of ours: its call is found by INVITE key if there is one, else it is the switchboard's.
    InviteKey(InviteKey),
    Switchboard,
}

/// What an INVITE, its retransmissions and its CANCEL have in common (RFC 3261 17.2.3), as a digest: whoever could build
/// another INVITE with the same one knows all that it is made of, and could simply send that.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct InviteKey(u64);

/// The owner by what stands in the message.
pub fn owner(message: &Message) -> Owner {
    if !message.is_request() {
        let branch = message.top_branch().and_then(stamp::branch_owner);
        return branch.map_or(Owner::Switchboard, of_call);
    }
    if let Some((call, _)) = message.to_tag().and_then(stamp::tag_owner) {
        return of_call(call);
    }
    match message.method() {
        Method::Invite | Method::Cancel | Method::Ack => Owner::InviteKey(invite_key(message)),
        _ => Owner::Switchboard,
    }
}

fn of_call(call: CallId) -> Owner {
    if call == CallId::SWITCHBOARD { Owner::Switchboard } else { Owner::Call(call) }
}

pub fn invite_key(message: &Message) -> InviteKey {
    let cseq = message.cseq().map(|cseq| cseq.number).unwrap_or_default();
    let via = message.top_via().map(|via| (message.top_branch(), via.host)).ok();
    let mut hasher = DefaultHasher::new();
    (via, message.call_id(), message.from_tag(), cseq).hash(&mut hasher);
    InviteKey(hasher.finish())
}
