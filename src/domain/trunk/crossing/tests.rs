//! What of one carrier's INVITE another one, or a phone, gets to see.

use super::super::identity::tests::invite;
use super::*;
use crate::domain::trunk::settings::tests::numbers;
use crate::domain::trunk::settings::{HeaderRules, NumberRules};
use crate::protocol::sip::message::Writer;

/// Everything a carrier could tell of itself, with its marks in each value.
const FULL: &str = "v: SIP/2.0/UDP deep.carrier-a.example;branch=z9hG4bKdeep\r\nm: <sip:x@10.1.2.3:5070>\r\nServer: Asterisk PBX 20\r\n\
    User-Agent: Asterisk PBX 20\r\nRecord-Route: <sip:proxy.carrier-a.example;lr>\r\nOrganization: Carrier A\r\n\
    f: \"Alice\" <sip:0312345678@carrier-a.example>;tag=deep\r\nP-Asserted-Identity: <sip:+81312345678@10.1.2.3>\r\n\
    Diversion: \"Desk\" <sip:0311112222@10.1.2.3:5070;user=phone>;reason=no-answer;counter=2;x=10.1.2.3, <tel:+81333334444>;privacy=full\r\n\
    History-Info: <sip:0311112222@carrier-a.example;cause=302;maddr=10.1.2.3?Reason=SIP%3Bcause%3D302&X=10.1.2.3>;index=1;rc=1\r\n\
    P-Charge-Info: <sip:0311112222@carrier-a.example>;noa=3\r\nReferred-By: <sip:x@carrier-a.example>\r\n\
    Warning: 399 carrier-a.example \"x\"\r\nX-Debug: carrier-a\r\nUser-to-User: 56a390f3d2b7310023a2;encoding=hex;purpose=isdn-uui\r\n";

fn rules(pass: &[&str]) -> HeaderRules {
    HeaderRules { pass_in: pass.iter().map(|name| Box::from(*name)).collect(), ..HeaderRules::default() }
}

fn peer<'a>(trusted: bool, numbers: &'a NumberRules, headers: &'a HeaderRules) -> Peer<'a> {
    Peer { trusted, numbers, headers, host: "gw.example" }
}

/// The headers toward a peer, as the lines that are written.
fn cross(headers: &str, from: (bool, &HeaderRules), to: (bool, &HeaderRules)) -> String {
    let (invite, numbers) = (invite(headers), numbers());
    let (from, to) = (peer(from.0, &numbers, from.1), peer(to.0, &numbers, to.1));
    let identity = Identity::of_caller(&invite, &from);
    let mut writer = Writer::request("INVITE", "sip:x");
    writer.header(HeaderName::From, identity.from_value(&to));
    for header in of_invite(&invite, &identity, &from, &to) {
        writer.header_named(&header.name, &header.value);
    }
    String::from_utf8(writer.finish().to_vec()).expect("text")
}

fn has(text: &str, line: &str) -> bool {
    text.split("\r\n").any(|own| own == line)
}

#[test]
fn nothing_of_one_side_is_told_to_the_other() {
    let none = HeaderRules::default();
    for trusted in [true, false] {
        let sent = cross(FULL, (true, &none), (trusted, &none));
        for secret in [
            "carrier-a",
            "Carrier A",
            "10.1.2.3",
            "deep",
            "Asterisk",
            "Via",
            "Contact",
            "Route",
            "Referred-By",
            "X-Debug",
        ] {
            assert!(!sent.contains(secret), "{secret} in {sent}");
        }
    }
}

#[test]
fn a_trusted_peer_learns_who_and_by_which_way() {
    let none = HeaderRules::default();
    let sent = cross(FULL, (true, &none), (true, &none));
    for line in [
        "P-Asserted-Identity: \"Alice\" <sip:+81312345678@gw.example>",
        "Diversion: \"Desk\" <sip:+81311112222@gw.example>;reason=no-answer;counter=2",
        "Diversion: <sip:+81333334444@gw.example>;privacy=full",
        "History-Info: <sip:+81311112222@gw.example;cause=302?Reason=SIP%3Bcause=302>;index=1;rc=1",
        "P-Charge-Info: <sip:+81311112222@gw.example>;noa=3",
        "User-to-User: 56a390f3d2b7310023a2;encoding=hex;purpose=isdn-uui",
    ] {
        assert!(has(&sent, line), "{line} not in {sent}");
    }
    assert!(!sent.contains("Privacy:"), "{sent}");
}

#[test]
fn an_untrusted_peer_learns_no_more_than_from() {
    let none = HeaderRules::default();
    let hidden = format!("{FULL}Privacy: id\r\n");
    let sent = cross(&hidden, (true, &none), (false, &none));
    assert!(has(&sent, "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>"), "{sent}");
    for secret in ["Alice", "312345678", "P-Asserted", "Diversion", "History", "Charge", "311112222"] {
        assert!(!sent.contains(secret), "{secret} in {sent}");
    }
    let sent = cross(&hidden, (true, &none), (true, &none));
    assert!(
        has(&sent, "Privacy: id") && has(&sent, "P-Asserted-Identity: \"Alice\" <sip:+81312345678@gw.example>"),
        "{sent}"
    );
    let sent = cross(FULL, (false, &none), (true, &none));
    assert!(!sent.contains("Diversion") && !sent.contains("History") && !sent.contains("Charge"), "{sent}");
}

#[test]
fn listed_headers_pass_in_every_spelling_and_no_others() {
    let none = HeaderRules::default();
    let headers = "From: <sip:1@h>;tag=1\r\nX-CRM: 1\r\nx-crm : 2\r\nX-Other: 3\r\ns: folded\r\n text\r\nX-A-B: 4\r\n";
    let sent = cross(headers, (false, &rules(&["x-Crm", "subject", "X-A*"])), (false, &none));
    for line in ["X-CRM: 1", "x-crm: 2", "Subject: folded   text", "X-A-B: 4"] {
        assert!(has(&sent, line), "{line} not in {sent}");
    }
    assert!(!sent.contains("X-Other"), "{sent}");
    let out = HeaderRules { pass_out: vec!["X-Other".into()], ..HeaderRules::default() };
    assert!(has(&cross(headers, (false, &none), (false, &out)), "X-Other: 3"));
}

#[test]
fn no_rule_reaches_what_the_stack_lives_by() {
    let names =
        ["Via", "v", "FROM", "t", "Call-ID", "i", "cseq", "m", "Route", "Record-Route", "l", "Max-Forwards", "Privacy"];
    let greedy = rules(&[&names[..], &["*", "P-Asserted-Identity", "Diversion", "Server"]].concat());
    let sent = cross(FULL, (true, &greedy), (false, &HeaderRules::default()));
    assert!(!sent.contains("10.1.2.3") && !sent.contains("carrier-a") && !sent.contains("Asterisk"), "{sent}");
    let set = HeaderRules {
        set: names.iter().take(12).map(|name| (Box::from(*name), Box::from("evil"))).collect(),
        remove: vec!["From".into(), "f".into()],
        ..HeaderRules::default()
    };
    let sent = cross(FULL, (true, &HeaderRules::default()), (true, &set));
    assert!(!sent.contains("evil") && sent.contains("\r\nFrom: "), "{sent}");
}

#[test]
fn set_and_remove_have_the_last_word() {
    let rules = HeaderRules {
        set: vec![
            ("x-crm".into(), "ours".into()),
            ("P-Charge-Info".into(), "<sip:+8150@gw.example>".into()),
            ("X-Bad".into(), "a\r\nX-Evil: 1".into()),
            ("X Bad".into(), "1".into()),
        ],
        remove: vec!["diversion".into(), "USER-TO-USER".into()],
        pass_out: vec!["X-CRM".into()],
        ..HeaderRules::default()
    };
    let sent = cross(&format!("{FULL}X-CRM: theirs\r\n"), (true, &HeaderRules::default()), (true, &rules));
    assert!(has(&sent, "x-crm: ours") && has(&sent, "P-Charge-Info: <sip:+8150@gw.example>"), "{sent}");
    for gone in ["theirs", "Diversion", "User-to-User", "noa=3", "Bad", "Evil"] {
        assert!(!sent.contains(gone), "{gone} in {sent}");
    }
}

#[test]
fn what_is_too_much_stays_behind() {
    let none = HeaderRules::default();
    let long = "a".repeat(2_000);
    let headers =
        format!("From: <sip:1@h>;tag=1\r\nUser-to-User: {long}\r\nX-Long: {long}\r\nUser-to-User: 04;encoding=hex\r\n");
    let sent = cross(&headers, (false, &rules(&["X-Long"])), (false, &none));
    assert!(!sent.contains("aaa") && has(&sent, "User-to-User: 04;encoding=hex"), "{sent}");
    let loops = format!("From: <sip:1@h>;tag=1\r\n{}", "Diversion: <sip:0311112222@h>\r\n".repeat(100));
    assert_eq!(cross(&loops, (true, &none), (true, &none)).matches("Diversion").count(), DIVERSIONS_MAX);
}
