//! RFC 4475 and RFC 5118: every message of both, by name, with the verdict that we give and why.

use crate::protocol::sip::message::message::{Message, ParseError};
use crate::protocol::sip::message::{HeaderName, Method};
use sipx_testkit::{rfc4475, rfc5118};

#[derive(Debug, PartialEq)]
enum Verdict {
    /// In order here; what else there is to say is said above this layer.
    Accept,
    /// Read, and answered with this status.
    Refuse(u16),
    /// A response that is dropped.
    Drop,
    /// Cannot be cut out of its datagram; a request among these can still be answered 400.
    Reject(ParseError),
}

use Verdict::{Accept, Drop, Refuse, Reject};

fn verdict(bytes: &[u8]) -> Verdict {
    match Message::parse(bytes) {
        Err(error) => Reject(error),
        Ok(message) if message.is_request() => {
            message.check_request().map_or_else(|refusal| Refuse(refusal.status), |()| Accept)
        }
        Ok(message) => message.check_response().map_or(Drop, |()| Accept),
    }
}

const RFC_4475: &[(&str, Verdict)] = &[
    ("wsinv", Accept),
    ("intmeth", Accept),
    ("esc01", Accept),
    ("escnull", Accept),
    ("esc02", Accept),
    ("lwsdisp", Accept),
    ("longreq", Accept),
    ("dblreq", Accept),
    ("semiuri", Accept),
    ("transports", Accept),
    ("mpart01", Accept),
    ("unreason", Accept),
    ("noreason", Accept),
    ("badinv01", Refuse(400)),
    ("clerr", Reject(ParseError::Truncated)),
    ("ncl", Reject(ParseError::ContentLength)),
    ("scalar02", Refuse(400)),
    ("scalarlg", Drop),
    ("quotbal", Refuse(400)),
    ("ltgtruri", Refuse(400)),
    ("lwsruri", Refuse(400)),
    ("lwsstart", Refuse(400)),
    ("trws", Refuse(400)),
    ("escruri", Refuse(400)),
    // Nothing here reads Date; a proxy would pass it on as well.
    ("baddate", Accept),
    ("regbadct", Refuse(400)),
    ("badaspec", Refuse(400)),
    // Its one copy lacks the empty line at the end; with it, see below.
    ("baddn", Reject(ParseError::Truncated)),
    ("badvers", Refuse(505)),
    ("mismatch01", Refuse(400)),
    ("mismatch02", Refuse(400)),
    ("bigcode", Reject(ParseError::StartLine)),
    // A branch without identifier is matched as RFC 2543 did (RFC 3261 17.2.3).
    ("badbranch", Accept),
    ("insuf", Refuse(400)),
    ("unkscm", Refuse(416)),
    ("novelsc", Refuse(416)),
    // An unknown scheme in From, To and Contact is the registrar's affair.
    ("unksm2", Accept),
    // 420 comes from who knows the supported extensions.
    ("bext01", Accept),
    // 415 comes from who reads the body.
    ("invut", Accept),
    ("regaut01", Accept),
    ("multi01", Refuse(400)),
    ("mcl01", Reject(ParseError::ContentLengthConflict)),
    // A second Via, of a broadcast address: dropped by whoever finds no transaction for it.
    ("bcast", Accept),
    // OPTIONS is for ourselves; an INVITE with none left is refused, see below.
    ("zeromf", Accept),
    ("cparam01", Accept),
    ("cparam02", Accept),
    ("regescrt", Accept),
    ("sdp01", Accept),
    // No tag, no branch, no Content-Length: RFC 3261 lets us serve it, and we do.
    ("inv2543", Accept),
    // In the archive, in no section of the RFC: a request line without version.
    ("test", Reject(ParseError::StartLine)),
];

const RFC_5118: &[(&str, Verdict)] = &[
    ("ipv6-good", Accept),
    ("ipv6-bad", Refuse(400)),
    ("port-ambiguous", Accept),
    ("port-unambiguous", Accept),
    ("via-received-param-with-delim", Accept),
    ("via-received-param-no-delim", Accept),
    ("ipv6-in-sdp", Accept),
    ("mult-ip-in-header", Accept),
    ("mult-ip-in-sdp", Accept),
    ("ipv4-mapped-ipv6", Accept),
    ("ipv6-bug-abnf-3-colons", Accept),
    ("ipv6-correct-abnf-2-colons", Accept),
];

#[test]
fn every_rfc_4475_message_gets_its_verdict() {
    let names: Vec<_> = rfc4475::CASES.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), RFC_4475.len());
    assert_eq!(rfc4475::classified().count(), 49);
    for (name, expected) in RFC_4475 {
        let case = rfc4475::case(name).expect(name);
        assert_eq!(verdict(case.bytes), *expected, "{name}");
    }
}

#[test]
fn every_rfc_5118_message_gets_its_verdict() {
    assert_eq!(rfc5118::CASES.len(), RFC_5118.len());
    for (name, expected) in RFC_5118 {
        let case = rfc5118::case(name).expect(name);
        assert_eq!(verdict(&case.wire()), *expected, "{name}");
    }
}

#[test]
fn a_request_of_a_wrong_length_can_be_answered() {
    for name in ["clerr", "ncl", "mcl01"] {
        let request = Message::salvage(rfc4475::case(name).expect(name).bytes).expect(name);
        assert!(request.top_via().is_ok() && request.cseq().is_ok() && request.body().is_empty(), "{name}");
    }
}

#[test]
fn names_with_commas_are_refused_when_the_message_is_whole() {
    let bytes = [rfc4475::case("baddn").expect("baddn").bytes, b"\r\n"].concat();
    assert_eq!(verdict(&bytes), Refuse(400));
}

#[test]
fn an_invite_without_hops_left_is_refused() {
    let text = rfc4475::case("zeromf").expect("zeromf").lossy().replace("OPTIONS", "INVITE");
    assert_eq!(verdict(text.as_bytes()), Refuse(483));
}

fn message(name: &str) -> Message {
    Message::parse(rfc4475::case(name).expect(name).bytes).expect(name)
}

#[test]
fn the_short_tortuous_invite_is_understood() {
    let invite = message("wsinv");
    assert_eq!(invite.method(), Method::Invite);
    assert_eq!((invite.to_tag(), invite.from_tag()), (Some("1918181833n"), Some("98asjd8")));
    assert_eq!(invite.from().map(|from| from.display_decoded().map(String::from)), Ok(Some("J Rosenberg \\\"".into())));
    assert_eq!(invite.number(HeaderName::MaxForwards), Ok(Some(68)));
    assert_eq!(invite.cseq().map(|cseq| cseq.number), Ok(9));
    assert_eq!(invite.values(HeaderName::Via).count(), 3);
    assert_eq!(invite.top_via().map(|via| (via.host, via.branch())), Ok(("192.0.2.2", Some("390skdjuw"))));
    assert_eq!(invite.get(HeaderName::Subject), Some(""));
    assert_eq!(invite.named("newfangledheader"), Some("newfangled value   continued newfangled value"));
    let contact = invite.contact().expect("contact").expect("present");
    assert_eq!((contact.params.value("newparam"), contact.params.value("q")), (Some("newvalue"), Some("0.33")));
    assert_eq!(invite.body().len(), 150);
}

#[test]
fn escapes_and_strange_letters_are_understood() {
    let invite = message("esc01");
    assert_eq!(
        invite.uri().map(|uri| (uri.user_decoded().map(String::from), uri.host.to_owned())),
        Ok((Some("sips:user@example.com".into()), "example.net".into()))
    );
    assert_eq!(
        message("escnull").to().map(|to| to.uri.user_decoded().map(String::from)),
        Ok(Some("null-\0-null".into()))
    );
    assert_eq!(message("esc02").method(), Method::Other);
    assert_eq!(message("intmeth").to().map(|to| to.display), Ok(Some("\"BEL:\\? NUL:\\? DEL:\\?\"")));
    assert_eq!(message("semiuri").uri().map(|uri| uri.user), Ok(Some("user;par=u%40example.net")));
    assert_eq!(message("transports").values(HeaderName::Via).count(), 5);
    assert_eq!(message("longreq").values(HeaderName::Via).count(), 34);
    assert_eq!(message("dblreq").body(), b"");
    assert_eq!(message("noreason").reason(), "");
    assert!(message("unreason").reason().ends_with("простое"));
    assert_eq!(message("mpart01").body().len(), 553);
}

#[test]
fn ipv6_places_are_understood() {
    let message = |name: &str| Message::parse(&rfc5118::case(name).expect(name).wire()).expect(name);
    assert_eq!(
        message("port-ambiguous").uri().map(|uri| (uri.host.to_owned(), uri.port)),
        Ok(("2001:db8::10:5070".into(), None))
    );
    assert_eq!(
        message("port-unambiguous").uri().map(|uri| (uri.host.to_owned(), uri.port)),
        Ok(("2001:db8::10".into(), Some(5070)))
    );
    for name in ["via-received-param-with-delim", "via-received-param-no-delim"] {
        assert_eq!(
            message(name).top_via().map(|via| via.received().map(str::to_owned)),
            Ok(Some("2001:db8::9:255".into()))
        );
    }
}
