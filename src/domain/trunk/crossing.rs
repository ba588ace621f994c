//! Which headers of an INVITE reach the other leg, and how they read there. No host of one side is ever told to the other.

use super::identity::{Identity, Peer, UserEscaped, bounded, name_addr};
use super::number_rules::{self, Letters, UserPart};
use crate::base::limits::{CROSSING_VALUE_BYTES_MAX, DIVERSIONS_MAX, USER_TO_USER_BYTES_MAX};
use crate::protocol::sip::message::text;
use crate::protocol::sip::message::value::NameAddr;
use crate::protocol::sip::message::{HeaderName, Message, Params};
use std::borrow::Cow;
use std::fmt::Write;

/// One header line to be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    pub name: Cow<'static, str>,
    pub value: Box<str>,
}

impl Header {
    fn known(name: HeaderName, value: impl Into<Box<str>>) -> Header {
        Header { name: Cow::Borrowed(name.text()), value: value.into() }
    }

    /// What one user says to the other (RFC 7433).
    pub fn user_to_user(words: impl Into<Box<str>>) -> Header {
        Header::known(HeaderName::UserToUser, words)
    }

    fn named(name: &str, value: &str) -> Header {
        match HeaderName::parse(name) {
            HeaderName::Other => Header { name: Cow::Owned(name.to_owned()), value: value.into() },
            known => Header::known(known, value),
        }
    }
}

/// Everything that an INVITE toward a peer says of the caller and of how the call came here, besides From: write it as it is.
/// `invite` is the caller's, `from` the caller's side.
pub fn of_invite(invite: &Message, identity: &Identity, from: &Peer<'_>, to: &Peer<'_>) -> Vec<Header> {
    let mut headers = asserted(identity, to);
    if from.trusted && to.trusted {
        rewritten(invite, HeaderName::Diversion, (from, to), &mut headers);
        rewritten(invite, HeaderName::HistoryInfo, (from, to), &mut headers);
        rewritten(invite, HeaderName::PChargeInfo, (from, to), &mut headers);
    }
    pass(invite, from, to, &mut headers);
    set(to, &mut headers);
    headers
}

/// The same for an INVITE of our own, which nobody's stands behind.
pub fn of_ours(identity: &Identity, to: &Peer<'_>) -> Vec<Header> {
    let mut headers = asserted(identity, to);
    set(to, &mut headers);
    headers
}

fn asserted(identity: &Identity, to: &Peer<'_>) -> Vec<Header> {
    let mut headers = Vec::new();
    if let Some(asserted) = identity.asserted_value(to) {
        headers.push(Header::known(HeaderName::PAssertedIdentity, asserted));
        if identity.private {
            headers.push(Header::known(HeaderName::Privacy, "id"));
        }
    }
    headers
}

/// What configuration adds toward this peer.
fn set(to: &Peer<'_>, headers: &mut Vec<Header>) {
    for (name, value) in &to.headers.set {
        if !is_protected(name) && text::is_token(name) && !value.contains(char::is_control) {
            headers.retain(|header| !same_name(&header.name, name));
            headers.push(Header::named(name, value));
        }
    }
}

/// What any other message within a call carries across: User-to-User and the headers that the allow lists name.
pub fn of_message(message: &Message, from: &Peer<'_>, to: &Peer<'_>) -> Vec<Header> {
    let mut headers = Vec::new();
    pass(message, from, to, &mut headers);
    headers
}

/// What the header part of a URI asks for in the INVITE to it (RFC 7433 4.1, RFC 3261 19.1.5): User-to-User, and what the
/// allow lists name.
pub fn of_uri(uri_headers: &str, from: &Peer<'_>, to: &Peer<'_>) -> Vec<Header> {
    let mut room = USER_TO_USER_BYTES_MAX;
    let mut headers = Vec::new();
    for (name, value) in uri_headers.split('&').filter_map(|pair| pair.split_once('=')) {
        let value = text::percent_decoded(value);
        let known = HeaderName::parse(name);
        if !text::is_token(name) || value.is_empty() || value.contains(char::is_control) {
            continue;
        }
        let passes = match known {
            HeaderName::UserToUser => value.is_ascii() && value.len() <= room,
            known => {
                let mut lists = from.headers.pass_in.iter().chain(&to.headers.pass_out);
                let is_listed = lists.any(|pattern| is_listed(pattern, known, name));
                is_listed && !is_written_by_us(known) && value.len() <= CROSSING_VALUE_BYTES_MAX
            }
        };
        if passes {
            room = room.saturating_sub(value.len());
            headers.push(Header::named(name, &value));
        }
    }
    headers.retain(|header| !to.headers.remove.iter().any(|name| !is_protected(name) && same_name(&header.name, name)));
    headers
}

fn pass(message: &Message, from: &Peer<'_>, to: &Peer<'_>, headers: &mut Vec<Header>) {
    let mut room = USER_TO_USER_BYTES_MAX;
    for value in message.values(HeaderName::UserToUser) {
        if !value.is_empty() && value.is_ascii() && value.len() <= room {
            room -= value.len();
            headers.push(Header::known(HeaderName::UserToUser, value));
        }
    }
    let lists = [&from.headers.pass_in, &to.headers.pass_out];
    if lists.iter().any(|list| !list.is_empty()) {
        for (known, name, value) in message.headers() {
            let listed = lists.iter().any(|list| list.iter().any(|pattern| is_listed(pattern, known, name)));
            if listed && !is_written_by_us(known) && value.len() <= CROSSING_VALUE_BYTES_MAX {
                headers.push(Header::named(name, value));
            }
        }
    }
    headers.retain(|header| !to.headers.remove.iter().any(|name| !is_protected(name) && same_name(&header.name, name)));
}

/// A name in any spelling, or with a star at its end all names that begin so.
fn is_listed(pattern: &str, known: HeaderName, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => {
            !start.is_empty() && name.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
        }
        None if known == HeaderName::Other => pattern.eq_ignore_ascii_case(name),
        None => HeaderName::parse(pattern) == known,
    }
}

fn same_name(one: &str, other: &str) -> bool {
    match HeaderName::parse(one) {
        HeaderName::Other => one.eq_ignore_ascii_case(other),
        known => HeaderName::parse(other) == known,
    }
}

/// Names that no rule of a trunk may set or remove, in any spelling: the stack lives by them.
pub fn is_protected(name: &str) -> bool {
    is_of_the_stack(HeaderName::parse(name.trim()))
}

/// Names that no allow list lets through as they are, in any spelling. User-to-User passes without a list.
pub fn never_passes(name: &str) -> bool {
    let name = HeaderName::parse(name.trim());
    is_written_by_us(name) && name != HeaderName::UserToUser
}

fn is_of_the_stack(name: HeaderName) -> bool {
    use HeaderName as H;
    matches!(
        name,
        H::Via
            | H::From
            | H::To
            | H::CallId
            | H::CSeq
            | H::Contact
            | H::Route
            | H::RecordRoute
            | H::MaxForwards
            | H::Path
            | H::ServiceRoute
            | H::ContentLength
            | H::ContentType
            | H::ContentEncoding
            | H::ContentDisposition
            | H::Supported
            | H::Require
            | H::ProxyRequire
            | H::Unsupported
            | H::Allow
            | H::Expires
            | H::Event
            | H::SubscriptionState
            | H::Authorization
            | H::ProxyAuthorization
            | H::WwwAuthenticate
            | H::ProxyAuthenticate
            | H::AuthenticationInfo
            | H::SessionExpires
            | H::MinSe
            | H::RSeq
            | H::RAck
            | H::Replaces
            | H::ReferTo
            | H::Server
            | H::UserAgent
    )
}

/// Headers that never pass as they are, whatever an allow list says: they are the stack's, or they name hosts and callers.
fn is_written_by_us(name: HeaderName) -> bool {
    use HeaderName as H;
    is_of_the_stack(name)
        || matches!(
            name,
            H::PAssertedIdentity
                | H::PPreferredIdentity
                | H::RemotePartyId
                | H::Privacy
                | H::Diversion
                | H::HistoryInfo
                | H::UserToUser
                | H::PChargeInfo
                | H::ReferredBy
                | H::TargetDialog
                | H::InReplyTo
                | H::ReplyTo
                | H::Warning
        )
}

/// Values with an address each, its number in the other peer's format and its host ours.
fn rewritten(invite: &Message, name: HeaderName, (from, to): (&Peer<'_>, &Peer<'_>), headers: &mut Vec<Header>) {
    for value in invite.values(name).take(DIVERSIONS_MAX) {
        let Ok(address) = NameAddr::parse(value, name) else { continue };
        let user = UserPart::of(&address.uri);
        let number = user.to_e164(from.numbers, Letters::AreNames).ok();
        let written = number_rules::user_part(number.as_ref(), &user.digits, to.numbers);
        let display = address.display_decoded().unwrap_or_default();
        let mut text = name_addr(bounded(&display), &written, to.host);
        if name == HeaderName::HistoryInfo {
            // Inside the brackets: why it went there (RFC 4458), and the escaped Reason and Privacy (RFC 7044 5).
            text.truncate(text.len() - 1);
            copy_params(address.uri.params, &["cause"], &mut text);
            copy_uri_headers(address.uri.headers.unwrap_or_default(), &mut text);
            text.push('>');
        }
        copy_params(address.params, params_of(name), &mut text);
        if text.len() <= CROSSING_VALUE_BYTES_MAX {
            headers.push(Header::known(name, text));
        }
    }
}

/// Parameters that say nothing of a host (RFC 5806 9, RFC 7044 5, RFC 8496 5).
fn params_of(name: HeaderName) -> &'static [&'static str] {
    match name {
        HeaderName::Diversion => &["reason", "counter", "limit", "privacy", "screen"],
        HeaderName::HistoryInfo => &["index", "rc", "mp", "np"],
        _ => &["npi", "noa"],
    }
}

fn copy_params(params: Params<'_>, names: &[&str], text: &mut String) {
    for name in names {
        match params.get(name) {
            Some(Some(value)) if text::is_token(value) => {
                let _ = write!(text, ";{name}={value}");
            }
            Some(None) => {
                let _ = write!(text, ";{name}");
            }
            _ => {}
        }
    }
}

fn copy_uri_headers(uri_headers: &str, text: &mut String) {
    let mut mark = '?';
    for (name, value) in uri_headers.split('&').filter_map(|pair| pair.split_once('=')) {
        if name.eq_ignore_ascii_case("Reason") || name.eq_ignore_ascii_case("Privacy") {
            let _ = write!(text, "{mark}{name}={}", UserEscaped(&text::percent_decoded(value)));
            mark = '&';
        }
    }
}

#[cfg(test)]
mod tests;
