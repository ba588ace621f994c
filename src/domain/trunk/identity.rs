//! Who calls whom, as one peer says it and as another may hear it. Never shows an untrusted peer what was asked to be private.

use super::number_rules::{self, Letters, UserPart};
use super::settings::{HeaderRules, NumberRules, Trunk};
use crate::base::e164::E164;
use crate::base::limits::{CROSSING_VALUE_BYTES_MAX, DISPLAY_CHARS_MAX};
use crate::protocol::sip::message::uri::{Scheme, Uri};
use crate::protocol::sip::message::value::NameAddr;
use crate::protocol::sip::message::{HeaderName, Message};
use std::fmt::{self, Write};

#[derive(Clone, PartialEq, Debug)]
pub struct Dialled {
    /// The user part of the Request-URI as received.
    pub digits: Box<str>,
    pub e164: Option<E164>,
}

/// Who calls, normalised from From, P-Asserted-Identity, Remote-Party-ID and Privacy by the trunk's trust.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Identity {
    pub number: Box<str>,
    pub e164: Option<E164>,
    pub display: Box<str>,
    /// Privacy asked for: number and name are not shown to untrusted parties.
    pub private: bool,
}

/// One side of a call as far as identity goes: what it is believed, how it writes, what may pass.
#[derive(Clone, Copy, Debug)]
pub struct Peer<'a> {
    pub trusted: bool,
    pub numbers: &'a NumberRules,
    pub headers: &'a HeaderRules,
    /// Our host toward this peer, brackets and all; with port where it is not the default.
    pub host: &'a str,
}

/// What Privacy headers ask for (RFC 3323, RFC 3325).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Privacy {
    pub id: bool,
    pub header: bool,
    pub user: bool,
    pub media: bool,
    /// Overrules what a network would hide on its own.
    pub none: bool,
    /// The call is to fail rather than go on without.
    pub critical: bool,
}

/// Peers without rules of their own, such as phones.
pub static NO_HEADER_RULES: HeaderRules =
    HeaderRules { pass_out: Vec::new(), pass_in: Vec::new(), set: Vec::new(), remove: Vec::new() };

/// RFC 3323 4.1.1.3
const ANONYMOUS: &str = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";

impl<'a> Peer<'a> {
    pub fn of_trunk(trunk: &'a Trunk, host: &'a str) -> Peer<'a> {
        Peer { trusted: trunk.trusted, numbers: &trunk.numbers, headers: &trunk.headers, host }
    }
}

impl Privacy {
    pub fn of(message: &Message) -> Privacy {
        let mut privacy = Privacy::default();
        for word in message.lines(HeaderName::Privacy).flat_map(|line| line.split([';', ','])) {
            let word = word.trim();
            let is = |name: &str| word.eq_ignore_ascii_case(name);
            privacy.id |= is("id");
            privacy.header |= is("header");
            privacy.user |= is("user");
            privacy.media |= is("session");
            privacy.none |= is("none");
            privacy.critical |= is("critical");
        }
        privacy
    }

    /// Whether number and name are to be hidden. Every topology is hidden anyway, so `header` asks for nothing more.
    pub fn hides_caller(&self) -> bool {
        (self.id || self.user) && !self.none
    }

    /// RFC 3323 5: asked for as critical and beyond us, because media flows from end to end.
    pub fn cannot_be_kept(&self) -> bool {
        self.critical && self.media
    }
}

impl Identity {
    /// The caller of an INVITE that a trunk sent.
    pub fn of_caller(invite: &Message, peer: &Peer<'_>) -> Identity {
        let privacy = Privacy::of(invite);
        let from = invite.from().ok();
        let from_hidden = from.as_ref().is_some_and(is_anonymous);
        let mut identity = asserted(invite, peer).unwrap_or_else(|| {
            from.as_ref().filter(|_| !from_hidden).map(|from| Identity::read(from, peer.numbers)).unwrap_or_default()
        });
        if identity.display.is_empty() && !from_hidden {
            identity.display = from.as_ref().map(display).unwrap_or_default();
        }
        identity.private |= privacy.hides_caller() || from_hidden && !privacy.none;
        identity
    }

    /// A caller whom configuration names: a phone's number and display.
    pub fn assigned(number: &str, display: &str, rules: &NumberRules) -> Identity {
        let e164 = number_rules::to_e164(number, rules, Letters::AreNames).ok();
        Identity { number: number.into(), e164, display: clean(display), private: false }
    }

    fn read(address: &NameAddr<'_>, rules: &NumberRules) -> Identity {
        let user = UserPart::of(&address.uri);
        let e164 = user.to_e164(rules, Letters::AreNames).ok();
        Identity { number: clean(&user.digits), e164, display: display(address), private: false }
    }

    /// The From header toward a peer, without tag.
    pub fn from_value(&self, to: &Peer<'_>) -> String {
        if self.private || self.number.is_empty() {
            return ANONYMOUS.to_owned();
        }
        self.address(to)
    }

    /// P-Asserted-Identity toward a trusted peer.
    pub fn asserted_value(&self, to: &Peer<'_>) -> Option<String> {
        (to.trusted && !self.number.is_empty()).then(|| self.address(to))
    }

    fn address(&self, to: &Peer<'_>) -> String {
        let user = number_rules::user_part(self.e164.as_ref(), &self.number, to.numbers);
        name_addr(&self.display, &user, to.host)
    }
}

impl Dialled {
    /// What a Request-URI asks for. An URI without user part, such as `urn:service:sos`, is kept whole.
    pub fn of(uri: &Uri<'_>, rules: &NumberRules) -> Dialled {
        let user = UserPart::of(uri);
        if user.digits.is_empty() {
            let digits = if uri.scheme == Scheme::Other { uri.text } else { "" };
            return Dialled { digits: bounded(digits).into(), e164: None };
        }
        Dialled { digits: clean(&user.digits), e164: user.to_e164(rules, Letters::AreKeys).ok() }
    }
}

/// What a trusted peer asserts. Of P-Asserted-Identity's two values (RFC 3325 9.1) the one with a number is taken.
fn asserted(invite: &Message, peer: &Peer<'_>) -> Option<Identity> {
    if !peer.trusted {
        return None;
    }
    let mut best: Option<Identity> = None;
    for value in invite.values(HeaderName::PAssertedIdentity).take(2) {
        let Ok(address) = NameAddr::parse(value, HeaderName::PAssertedIdentity) else { continue };
        let read = Identity::read(&address, peer.numbers);
        best = Some(match best {
            Some(first) if first.e164.is_some() || read.e164.is_none() => with_display(first, read.display),
            Some(first) => with_display(read, first.display),
            None => read,
        });
    }
    best.filter(|identity| !identity.number.is_empty()).or_else(|| remote_party(invite, peer))
}

fn with_display(identity: Identity, display: Box<str>) -> Identity {
    if identity.display.is_empty() { Identity { display, ..identity } } else { identity }
}

/// Remote-Party-ID, the draft that carriers still send: the calling party, unless it was not screened.
fn remote_party(invite: &Message, peer: &Peer<'_>) -> Option<Identity> {
    invite.values(HeaderName::RemotePartyId).find_map(|value| {
        let address = NameAddr::parse(value, HeaderName::RemotePartyId).ok()?;
        let of = |name: &str| address.params.value(name).unwrap_or_default();
        let calling = of("party").is_empty() || of("party").eq_ignore_ascii_case("calling");
        if !calling || of("screen").eq_ignore_ascii_case("no") {
            return None;
        }
        let hidden = ["full", "uri", "name"].iter().any(|word| of("privacy").eq_ignore_ascii_case(word));
        let read = Identity::read(&address, peer.numbers);
        (!read.number.is_empty()).then_some(Identity { private: hidden, ..read })
    })
}

/// RFC 3323 4.1.1.3, and what gateways write for a number that is withheld.
fn is_anonymous(from: &NameAddr<'_>) -> bool {
    let user = from.uri.user.unwrap_or_default();
    from.uri.host.eq_ignore_ascii_case("anonymous.invalid")
        || user.is_empty()
        || ["anonymous", "restricted", "unavailable", "unknown", "private"]
            .iter()
            .any(|word| user.eq_ignore_ascii_case(word))
}

fn display(address: &NameAddr<'_>) -> Box<str> {
    address
        .display_decoded()
        .map(|display| clean(&display))
        .filter(|display| &**display != "Anonymous")
        .unwrap_or_default()
}

/// Text of a peer as it may stand in a record and cross to the other side: bounded, without control characters.
fn clean(text: &str) -> Box<str> {
    let text = text.trim();
    if text.len() <= DISPLAY_CHARS_MAX && !text.contains(char::is_control) {
        return text.into();
    }
    text.chars().filter(|c| !c.is_control()).take(DISPLAY_CHARS_MAX).collect::<String>().into()
}

/// At most so many bytes, cut between characters.
pub fn bounded(text: &str) -> &str {
    text.get(..text.floor_char_boundary(CROSSING_VALUE_BYTES_MAX)).unwrap_or_default()
}

/// `"Display" <sip:user@host>` with everything escaped that must be.
pub fn name_addr(display: &str, user: &str, host: &str) -> String {
    let mut text = String::with_capacity(display.len() + user.len() + host.len() + 12);
    // Writing to a String does not fail.
    let _ = match display {
        "" => write!(text, "<sip:{}@{host}>", UserEscaped(user)),
        display => write!(text, "{} <sip:{}@{host}>", Quoted(display), UserEscaped(user)),
    };
    text
}

/// A quoted string (RFC 3261 25.1).
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars().filter(|c| !c.is_control()) {
            if matches!(c, '"' | '\\') {
                f.write_char('\\')?;
            }
            f.write_char(c)?;
        }
        f.write_char('"')
    }
}

/// A user part with what the grammar forbids in it escaped (RFC 3261 19.1.2).
pub struct UserEscaped<'a>(pub &'a str);

impl fmt::Display for UserEscaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,?/".contains(&byte) {
                f.write_char(char::from(byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub mod tests;
