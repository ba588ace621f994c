//! Callers as carriers write them, and what two kinds of peers are told.

use super::*;
use crate::domain::trunk::settings::NumberFormat;
use crate::domain::trunk::settings::tests::numbers;

const FROM: &str = "From: \"Alice\" <sip:0312345678@carrier-a.example>;tag=1\r\n";

pub fn invite(headers: &str) -> Message {
    let text = format!(
        "INVITE sip:0398765432@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nTo: <sip:1@h>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n{headers}\r\n"
    );
    Message::parse(text.as_bytes()).expect("a message")
}

fn caller(headers: &str, trusted: bool) -> Identity {
    let numbers = numbers();
    Identity::of_caller(&invite(headers), &Peer { trusted, numbers: &numbers, headers: &NO_HEADER_RULES, host: "x" })
}

fn check(headers: &str, trusted: bool, (number, e164, display, private): (&str, &str, &str, bool)) {
    let identity = caller(headers, trusted);
    let found = identity.e164.map(|number| number.to_string()).unwrap_or_default();
    assert_eq!(
        (&*identity.number, &*found, &*identity.display, identity.private),
        (number, e164, display, private),
        "{headers}"
    );
}

#[test]
fn an_untrusted_peer_is_who_its_from_says_whatever_it_asserts() {
    let headers = format!(
        "{FROM}P-Asserted-Identity: <sip:+8150@c>\r\nP-Preferred-Identity: <sip:+8150@c>\r\nRemote-Party-ID: <sip:9@c>\r\n"
    );
    check(&headers, false, ("0312345678", "+81312345678", "Alice", false));
    check("From: alice <sip:alice@h>;tag=1\r\n", false, ("alice", "", "alice", false));
    check("From: <sip:1001@h>;tag=1\r\n", false, ("1001", "", "", false));
    check("From: sip:%2B81312345678@h;tag=1\r\n", false, ("+81312345678", "+81312345678", "", false));
}

#[test]
fn what_a_trusted_peer_asserts_goes_before_from() {
    let pai = format!("{FROM}P-Asserted-Identity: \"Bob\" <sip:+815012345678@c>\r\n");
    check(&pai, true, ("+815012345678", "+815012345678", "Bob", false));
    let two = format!("{FROM}P-Asserted-Identity: \"Bob\" <sip:bob@c>, <tel:+81-50-1234-5678>\r\n");
    check(&two, true, ("+81-50-1234-5678", "+815012345678", "Bob", false));
    let lines = format!(
        "{FROM}P-Asserted-Identity: <tel:5012345678;phone-context=+81>\r\nP-Asserted-Identity: Bob <sip:bob@c>\r\n"
    );
    check(&lines, true, ("5012345678", "+815012345678", "Bob", false));
    let ported = format!("{FROM}P-Asserted-Identity: <sip:+12125550100;npdi;rn=+12125559999@c;user=phone>\r\n");
    check(&ported, true, ("+12125550100", "+12125550100", "Alice", false));
    check(&format!("{FROM}P-Asserted-Identity: what\r\n"), true, ("0312345678", "+81312345678", "Alice", false));
}

#[test]
fn remote_party_id_speaks_where_nothing_is_asserted() {
    let of = |value: &str| format!("{FROM}Remote-Party-ID: {value}\r\n");
    check(
        &of("\"Bob\" <sip:0501234567@c>;party=calling;screen=yes;privacy=off"),
        true,
        ("0501234567", "+81501234567", "Bob", false),
    );
    check(&of("<sip:0501234567@c>;privacy=full"), true, ("0501234567", "+81501234567", "Alice", true));
    for foreign in ["<sip:0501234567@c>;party=called", "<sip:0501234567@c>;screen=no"] {
        check(&of(foreign), true, ("0312345678", "+81312345678", "Alice", false));
    }
}

#[test]
fn privacy_is_kept_for_whoever_asks() {
    for (words, private) in
        [("id", true), ("header;user", true), ("ID ; critical", true), ("none", false), ("header", false), ("", false)]
    {
        assert_eq!(caller(&format!("{FROM}Privacy: {words}\r\n"), false).private, private, "{words}");
    }
    let anonymous = "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1\r\n";
    check(anonymous, true, ("", "", "", true));
    check(
        &format!("{anonymous}P-Asserted-Identity: <tel:+815012345678>\r\n"),
        true,
        ("+815012345678", "+815012345678", "", true),
    );
    check("From: <sip:Restricted@c>;tag=1\r\n", false, ("", "", "", true));
}

#[test]
fn critical_privacy_beyond_us_is_known() {
    assert!(Privacy::of(&invite("Privacy: session;critical\r\n")).cannot_be_kept());
    assert!(!Privacy::of(&invite("Privacy: id;critical\r\nPrivacy: user\r\n")).cannot_be_kept());
}

#[test]
fn each_peer_hears_the_caller_in_its_own_format() {
    let mut numbers = numbers();
    numbers.format_out = NumberFormat::National;
    let peer = |trusted| Peer { trusted, numbers: &numbers, headers: &NO_HEADER_RULES, host: "[2001:db8::1]:5070" };
    let open = caller("From: \"A\\\"l\\\\ice\" <sip:+81312345678@c>;tag=1\r\n", false);
    let address = "\"A\\\"l\\\\ice\" <sip:0312345678@[2001:db8::1]:5070>";
    assert_eq!(open.from_value(&peer(false)), address);
    assert_eq!(open.asserted_value(&peer(true)).as_deref(), Some(address));
    assert_eq!(open.asserted_value(&peer(false)), None);
    let hidden = Identity { private: true, ..open };
    assert_eq!(hidden.from_value(&peer(false)), "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
    assert_eq!(hidden.asserted_value(&peer(true)).as_deref(), Some(address));
    let strange = Identity::assigned("a b@c>", "", &numbers);
    assert_eq!(strange.from_value(&peer(false)), "<sip:a%20b%40c%3E@[2001:db8::1]:5070>");
}

#[test]
fn what_was_dialled_is_kept_beside_its_e164_form() {
    let of = |uri: &str| {
        let dialled = Dialled::of(&Uri::parse(uri).expect("a uri"), &numbers());
        (dialled.digits.to_string(), dialled.e164.map(|number| number.to_string()).unwrap_or_default())
    };
    let both = |digits: &str, e164: &str| (digits.to_owned(), e164.to_owned());
    assert_eq!(of("sip:0398765432@h"), both("0398765432", "+81398765432"));
    assert_eq!(of("sip:+81398765432;npdi=yes@h;user=phone"), both("+81398765432", "+81398765432"));
    assert_eq!(of("tel:+81-3-9876-5432"), both("+81-3-9876-5432", "+81398765432"));
    assert_eq!(of("sip:0120-EXAMPLE@h"), both("0120-EXAMPLE", "+811203926753"));
    assert_eq!(of("sip:*72%23@h"), both("*72#", ""));
    assert_eq!(of("sip:110@h"), both("110", ""));
    assert_eq!(of("urn:service:sos"), both("urn:service:sos", ""));
    assert_eq!(of("sip:h"), both("", ""));
}

#[test]
fn a_display_name_is_bounded_and_cannot_break_a_line() {
    let long = "é".repeat(400);
    let identity = caller(&format!("From: \"{long}\" <sip:1@h>;tag=1\r\n"), false);
    assert_eq!(identity.display.chars().count(), DISPLAY_CHARS_MAX);
    let numbers = numbers();
    let assigned = Identity::assigned("1", "a\r\nX: y\0", &numbers);
    assert_eq!(&*assigned.display, "aX: y");
}
