//! Tags, branches and Call-IDs that we issue: each carries its owner, so that an answer finds its call without a table.

use crate::base::entropy::Entropy;
use crate::base::id::{CallId, LegId};

const COOKIE: &str = "z9hG4bK";

/// A branch of ours: the cookie, the owner, a number within the owner, and chance.
pub fn branch(owner: CallId, number: u32, entropy: &mut Entropy) -> String {
    let mut text = String::with_capacity(COOKIE.len() + 32);
    text.push_str(COOKIE);
    write_hex(&mut text, owner.0, 16);
    write_hex(&mut text, number.into(), 8);
    write_hex(&mut text, entropy.number(), 8);
    text
}

/// The owner of a branch that we issued; `None` if it is not of our making.
pub fn branch_owner(branch: &str) -> Option<CallId> {
    let own = branch.strip_prefix(COOKIE)?;
    (own.len() == 32).then(|| own.get(..16).and_then(CallId::parse)).flatten()
}

/// A tag of ours: the owner, the leg, the fork of that leg, and chance.
pub fn tag(owner: CallId, leg: LegId, fork: u8, entropy: &mut Entropy) -> String {
    let mut text = String::with_capacity(28);
    write_hex(&mut text, owner.0, 16);
    write_hex(&mut text, leg.0.into(), 2);
    write_hex(&mut text, fork.into(), 2);
    write_hex(&mut text, entropy.number(), 8);
    text
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
    let mut text = String::with_capacity(32);
    write_hex(&mut text, entropy.number(), 16);
    write_hex(&mut text, entropy.number(), 16);
    text
}

/// The lowest hexadecimal digits of a number. Several are written for every message, so without the formatter.
fn write_hex(text: &mut String, number: u64, digits: u32) {
    text.extend((0..digits).rev().filter_map(|at| {
        let digit = u32::try_from(number >> (4 * at) & 0xf).ok()?;
        char::from_digit(digit, 16)
    }));
}
