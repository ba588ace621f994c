//! Tags, branches and Call-IDs that we issue: each carries its owner, so that an answer finds its call without a table.

use crate::base::entropy::Entropy;
use crate::base::id::{CallId, LegId};

const COOKIE: &str = "z9hG4bK";

/// A branch of ours: the cookie, the owner, a number within the owner, and chance.
pub fn branch(owner: CallId, number: u32, entropy: &mut Entropy) -> String {
    format!("{COOKIE}{owner}{number:08x}{:08x}", entropy.number() & 0xffff_ffff)
}

/// The owner of a branch that we issued; `None` if it is not of our making.
pub fn branch_owner(branch: &str) -> Option<CallId> {
    let own = branch.strip_prefix(COOKIE)?;
    (own.len() == 32).then(|| own.get(..16).and_then(CallId::parse)).flatten()
}

/// A tag of ours: the owner, the leg, the fork of that leg, and chance.
pub fn tag(owner: CallId, leg: LegId, fork: u8, entropy: &mut Entropy) -> String {
    format!("{owner}{:02x}{fork:02x}{:08x}", leg.0, entropy.number() & 0xffff_ffff)
}

/// The owner and leg of a tag that we issued.
pub fn tag_owner(tag: &str) -> Option<(CallId, LegId)> {
    if tag.len() != 28 {
        return None;
    }
    let call = tag.get(..16).and_then(CallId::parse)?;
    let leg = u8::from_str_radix(tag.get(16..18)?, 16).ok()?;
    Some((call, LegId(leg)))
}

/// A Call-ID for a dialog that we open. It says nothing of where we are.
pub fn call_id(entropy: &mut Entropy) -> String {
    format!("{:016x}{:016x}", entropy.number(), entropy.number())
}
