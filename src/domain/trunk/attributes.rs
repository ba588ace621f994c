//! The twelve attributes of an inbound call that routing may ask for, whatever way a carrier wrote them. Absent is not empty.

use super::identity::bounded;
use crate::protocol::sip::message::value::NameAddr;
use crate::protocol::sip::message::{HeaderName, Message};

/// Each name, and whether it is believed of trusted peers alone.
const NAMES: [(HeaderName, bool); 12] = [
    (HeaderName::PAssertedIdentity, true),
    (HeaderName::PChargeInfo, true),
    (HeaderName::From, false),
    (HeaderName::To, false),
    (HeaderName::IsupOli, false),
    (HeaderName::Jip, false),
    (HeaderName::HopCounter, false),
    (HeaderName::OriginatingSwitch, false),
    (HeaderName::OriginatingTrunk, false),
    (HeaderName::CallForwardingIndicator, true),
    (HeaderName::CallingPartyAddress, false),
    (HeaderName::CalledPartyAddress, false),
];

/// Names of headers, each once, and what they said. Every call keeps its own, so there is no room to spare in it.
pub type Attributes = Box<[(&'static str, Box<str>)]>;

/// The attributes that an INVITE has, under the names of their headers.
pub fn of_invite(invite: &Message, trusted: bool) -> Attributes {
    let mut attributes = Vec::new();
    let from = invite.from().ok();
    for (name, needs_trust) in NAMES {
        if needs_trust && !trusted {
            continue;
        }
        if let Some(value) = invite.get(name).or_else(|| elsewhere(invite, from.as_ref(), name)) {
            attributes.push((name.text(), bounded(value).into()));
        }
    }
    attributes.into()
}

/// Where carriers put what they do not give a header of its own.
fn elsewhere<'a>(invite: &'a Message, from: Option<&NameAddr<'a>>, name: HeaderName) -> Option<&'a str> {
    match name {
        HeaderName::IsupOli => from_param(from?, &["isup-oli", "oli"]),
        HeaderName::Jip => from_param(from?, &["jip"]),
        HeaderName::OriginatingTrunk => from_param(from?, &["otg", "tgrp"]),
        HeaderName::CallForwardingIndicator => invite.get(HeaderName::Diversion),
        _ => None,
    }
}

/// A parameter of From: of the header, of the URI, or inside the URI's user part (RFC 4904, RFC 4694).
fn from_param<'a>(from: &NameAddr<'a>, names: &[&str]) -> Option<&'a str> {
    let user = from.uri.user.and_then(|user| user.split_once(';')).map_or("", |(_, params)| params);
    let places = [from.params, from.uri.params, crate::protocol::sip::message::Params(user)];
    names.iter().find_map(|name| places.iter().find_map(|params| params.value(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite(headers: &str) -> Message {
        let text = format!(
            "INVITE sip:1@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:+15551234;jip=212555@c.example;isup-oli=62>;tag=1;otg=0235\r\n\
            To: <sip:1@h>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n{headers}\r\n"
        );
        Message::parse(text.as_bytes()).expect("a message")
    }

    fn value_of<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a str> {
        attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value)
    }

    #[test]
    fn absent_is_not_empty() {
        let attributes = of_invite(&invite("Hop-Counter:\r\nOriginating-Switch: 710\r\n"), true);
        assert_eq!(value_of(&attributes, "Hop-Counter"), Some(""));
        assert_eq!(value_of(&attributes, "Originating-Switch"), Some("710"));
        assert_eq!(value_of(&attributes, "Calling-Party-Address"), None);
        assert_eq!(value_of(&attributes, "To"), Some("<sip:1@h>"));
    }

    #[test]
    fn what_stands_in_parameters_is_found() {
        let attributes = of_invite(&invite("Diversion: <sip:+1555@c.example>;reason=unconditional\r\n"), true);
        let of = |name: &str| value_of(&attributes, name);
        assert_eq!((of("ISUP-OLI"), of("JIP"), of("Originating-Trunk")), (Some("62"), Some("212555"), Some("0235")));
        assert_eq!(of("Call-Forwarding-Indicator"), Some("<sip:+1555@c.example>;reason=unconditional"));
    }

    #[test]
    fn assertions_of_untrusted_peers_are_no_attributes() {
        let headers = "P-Asserted-Identity: <sip:+1@c>\r\nP-Charge-Info: <sip:+1@c>\r\nDiversion: <sip:+1@c>\r\n";
        let attributes = of_invite(&invite(headers), false);
        let names: Vec<&str> = attributes.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["From", "To", "ISUP-OLI", "JIP", "Originating-Trunk"]);
        assert_eq!(of_invite(&invite(headers), true).len(), 8);
    }
}
