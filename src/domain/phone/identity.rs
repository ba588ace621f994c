//! A phone as a caller: the number and name that configuration gives it, never those that it claims.

use crate::domain::phone::settings::Phone;
use crate::domain::trunk::identity::{Identity, NO_HEADER_RULES, Peer, Privacy};
use crate::protocol::sip::message::{HeaderName, Message};

/// How identity and headers are handled toward a phone: it is told the caller as an untrusted party.
pub fn peer<'a>(phone: &'a Phone, host: &'a str) -> Peer<'a> {
    Peer { trusted: false, numbers: &phone.numbers, headers: &NO_HEADER_RULES, host }
}

/// Who a phone is, whatever it says.
pub fn own(phone: &Phone) -> Identity {
    let number = if phone.caller_number.is_empty() { &phone.name } else { &*phone.caller_number };
    Identity::assigned(number, &phone.display, &phone.numbers)
}

/// The caller of an INVITE that an authenticated phone sent. It may ask for privacy, nothing else.
pub fn caller(phone: &Phone, invite: &Message) -> Identity {
    let mut identity = own(phone);
    let anonymous = invite.from().is_ok_and(|from| from.uri.host.eq_ignore_ascii_case("anonymous.invalid"));
    let privacy = Privacy::of(invite);
    identity.private = privacy.hides_caller() || anonymous && invite.get(HeaderName::Privacy).is_none();
    identity
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Secret;
    use crate::domain::trunk::media::MediaSettings;
    use crate::domain::trunk::settings::tests::numbers;
    use crate::domain::trunk::settings::{Credentials, SrtpPolicy};
    use std::time::Duration;

    fn phone(caller_number: &str) -> Phone {
        Phone {
            name: "alice".into(),
            profile: "house".into(),
            digest: Credentials { user: "alice".into(), password: Secret::new("x"), realm: "".into() },
            display: "Alice".into(),
            caller_number: caller_number.into(),
            numbers: numbers(),
            contacts_max: 1,
            expires_min: Duration::from_secs(60),
            expires_max: Duration::from_secs(3_600),
            codecs: Vec::new(),
            srtp: SrtpPolicy::Plain,
            media: MediaSettings::passing(),
            calls_max: 2,
            max_duration: Duration::from_secs(7_200),
        }
    }

    fn invite(from: &str, more: &str) -> Message {
        let text = format!(
            "INVITE sip:1@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nTo: <sip:1@h>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nFrom: {from};tag=1\r\n{more}\r\n"
        );
        Message::parse(text.as_bytes()).expect("a message")
    }

    #[test]
    fn a_phone_is_who_configuration_says() {
        let claims = invite("\"Boss\" <sip:+815000000000@h>", "P-Asserted-Identity: <sip:+815000000000@h>\r\n");
        let identity = caller(&phone("0312345678"), &claims);
        assert_eq!((&*identity.number, &*identity.display, identity.private), ("0312345678", "Alice", false));
        assert_eq!(identity.e164.map(|number| number.to_string()).as_deref(), Some("+81312345678"));
        assert_eq!(&*caller(&phone(""), &claims).number, "alice");
    }

    #[test]
    fn a_phone_may_ask_not_to_be_shown() {
        let hidden = |from, more| caller(&phone(""), &invite(from, more)).private;
        assert!(hidden("<sip:alice@h>", "Privacy: id\r\n"));
        assert!(hidden("\"Anonymous\" <sip:anonymous@anonymous.invalid>", ""));
        assert!(!hidden("<sip:alice@h>", "Privacy: none\r\n"));
    }
}
