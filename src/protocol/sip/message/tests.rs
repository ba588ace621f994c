//! What a parsed message says, and what a written one looks like.

mod differential;
mod properties;
mod replay;
mod torture;

use super::message::{HeaderError, Message, ParseError};
use super::{HeaderName, Method, Writer};
use std::net::SocketAddr;

const INVITE: &str = "INVITE sip:bob@example.com SIP/2.0\r\n\
    Via: SIP/2.0/UDP host.example.com:5062;branch=z9hG4bK1;rport;received=6.6.6.6, SIP/2.0/TCP b;branch=z9hG4bK0\r\n\
    v: SIP/2.0/TLS c;branch=z9hG4bK00\r\n\
    Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\n\
    f: \"Alice\" <sip:alice@example.com>;tag=a1\r\n\
    t: <sip:bob@example.com>\r\n\
    i: c1@host\r\n\
    CSeq: 7 INVITE\r\n\
    X-Thing: one\r\n\
    k: timer, 100rel\r\n\
    Supported: path\r\n\
    Session-Expires: 1800;refresher=uac\r\n\
    c: application/sdp;charset=x\r\n\
    Content-Length: 4\r\n\r\nv=0\nextra";

fn message(text: &str) -> Message {
    Message::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error:?}: {text}"))
}

fn refused(text: &str) -> ParseError {
    Message::parse(text.as_bytes()).expect_err(text)
}

fn source() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 9], 4444))
}

#[test]
fn a_request_says_what_stands_in_it() {
    let invite = message(INVITE);
    assert!(invite.is_request());
    assert_eq!((invite.method(), invite.method_text(), invite.status()), (Method::Invite, "INVITE", 0));
    assert_eq!(invite.uri_text(), "sip:bob@example.com");
    assert_eq!(invite.body(), b"v=0\n");
    assert_eq!((invite.call_id(), invite.from_tag(), invite.to_tag()), ("c1@host", Some("a1"), None));
    assert_eq!(invite.cseq().map(|cseq| cseq.number), Ok(7));
    assert_eq!(invite.top_via().map(|via| (via.host, via.port)), Ok(("host.example.com", Some(5062))));
    assert_eq!(invite.values(HeaderName::Via).count(), 3);
    assert_eq!(invite.lines(HeaderName::Via).count(), 2);
    assert_eq!(invite.named("x-thing"), Some("one"));
    assert_eq!(invite.named("Subject"), None);
    assert!(invite.has_token(HeaderName::Supported, "PATH") && !invite.has_token(HeaderName::Supported, "10"));
    assert!(invite.has_content("Application/SDP"));
    let expires = invite.number_with_params(HeaderName::SessionExpires).expect("number").expect("present");
    assert_eq!((expires.0, expires.1.value("refresher")), (1800, Some("uac")));
    assert_eq!(invite.number(HeaderName::SessionExpires), Err(HeaderError::Malformed(HeaderName::SessionExpires)));
    assert_eq!(invite.contact(), Ok(None));
    assert_eq!(invite.check_request(), Ok(()));
}

#[test]
fn a_response_says_what_stands_in_it() {
    let response = message("SIP/2.0 183 Session Progress\r\nCSeq: 1 PRACK\r\n\r\n");
    assert_eq!((response.status(), response.reason(), response.uri_text()), (183, "Session Progress", ""));
    assert_eq!((response.method(), response.method_text(), response.is_request()), (Method::Prack, "PRACK", false));
    assert_eq!((message("SIP/2.0 200\r\n\r\n").status(), message("sip/2.0 200 \r\n\r\n").reason()), (200, ""));
}

#[test]
fn what_could_be_cut_two_ways_is_no_message() {
    for (text, error) in [
        ("", ParseError::Empty),
        ("\r\n\r\n\r\n", ParseError::Empty),
        ("A b SIP/2.0\r\n", ParseError::Truncated),
        ("A b SIP/2.0\n\n", ParseError::Truncated),
        ("A b SIP/2.0\r\nX: a\nY: b\r\n\r\n", ParseError::LineEnd),
        ("A b SIP/2.0\r\nX: a\rY: b\r\n\r\n", ParseError::LineEnd),
        ("A b SIP/2.0\r\nX: a\n\rY: b\r\n\r\n", ParseError::LineEnd),
        ("A b SIP/2.0\r\nX: a\0b\r\n\r\n", ParseError::Control),
        ("A b SIP/2.0\r\nX: a\x1bb\r\n\r\n", ParseError::Control),
        ("A b SIP/2.0\r\nX: a\x7fb\r\n\r\n", ParseError::Control),
        ("A b SIP/2.0\r\nX\r\n\r\n", ParseError::Header),
        ("A b SIP/2.0\r\n: x\r\n\r\n", ParseError::Header),
        ("A b SIP/2.0\r\nX Y: x\r\n\r\n", ParseError::Header),
        ("A b SIP/2.0\r\nX\u{e4}: x\r\n\r\n", ParseError::Header),
        ("A b SIP/2.0\r\nl: 1\r\nContent-Length: 2\r\n\r\nab", ParseError::ContentLengthConflict),
        ("A b SIP/2.0\r\nl: -1\r\n\r\nab", ParseError::ContentLength),
        ("A b SIP/2.0\r\nl: +1\r\n\r\nab", ParseError::ContentLength),
        ("A b SIP/2.0\r\nl:\r\n\r\nab", ParseError::ContentLength),
        ("A b SIP/2.0\r\nl: 1, 1\r\n\r\nab", ParseError::ContentLength),
        ("A b SIP/2.0\r\nl: 3\r\n\r\nab", ParseError::Truncated),
        ("A b SIP/2.0\r\nl: 99999999999999999999\r\n\r\nab", ParseError::Truncated),
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", ParseError::StartLine),
        ("A SIP/2.0\r\n\r\n", ParseError::StartLine),
        (" b SIP/2.0\r\n\r\n", ParseError::StartLine),
        ("A b\r\n SIP/2.0\r\n\r\n", ParseError::StartLine),
        ("A b SIP/2.0\r\n X: folded start\r\n\r\n", ParseError::StartLine),
        ("SIP/3.0 200 OK\r\n\r\n", ParseError::StartLine),
        ("SIP/2.0 99 Low\r\n\r\n", ParseError::StartLine),
        ("SIP/2.0 700 High\r\n\r\n", ParseError::StartLine),
        ("SIP/2.0 2000 Long\r\n\r\n", ParseError::StartLine),
    ] {
        assert_eq!(refused(text), error, "{text:?}");
    }
    assert_eq!(refused(&format!("A b SIP/2.0\r\nX: {}\r\n\r\n", "x".repeat(65_535))), ParseError::TooLong);
    assert_eq!(refused(&format!("A b SIP/2.0\r\n{}\r\n", "X: y\r\n".repeat(513))), ParseError::TooManyHeaders);
    assert_eq!(message(&format!("A b SIP/2.0\r\n{}\r\n", "X: y\r\n".repeat(512))).headers().count(), 512);
}

#[test]
fn equal_lengths_may_repeat() {
    assert_eq!(message("A b SIP/2.0\r\nl: 1\r\nContent-Length: 01\r\n\r\nab").body(), b"a");
}

#[test]
fn folding_tabs_and_foreign_bytes_are_mended_and_bodies_are_not() {
    let bytes =
        b"\r\n\r\nA b SIP/2.0\r\nX: a\r\n\tb\tc \r\n \r\ns: \xff\xfe caf\xc3\xa9 \\\x07 \xc2\x85|\r\n\r\n\xff\r\n\x00";
    let message = Message::parse(bytes).expect("message");
    assert_eq!(message.named("X"), Some("a   b c"));
    assert_eq!(message.get(HeaderName::Subject), Some("?? caf\u{e9} \\? ??|"));
    assert_eq!(message.body(), b"\xff\r\n\x00");
}

#[test]
fn a_request_with_a_wrong_length_can_still_be_answered() {
    for text in
        ["A b SIP/2.0\r\nl: 9\r\n\r\nx", "A b SIP/2.0\r\nl: -9\r\n\r\nx", "A b SIP/2.0\r\nl: 1\r\nl: 2\r\n\r\nx"]
    {
        let request = Message::salvage(text.as_bytes()).expect(text);
        assert_eq!((request.method_text(), request.body()), ("A", &b""[..]));
    }
    assert_eq!(Message::salvage(b"SIP/2.0 200 OK\r\nl: 9\r\n\r\nx"), None);
    assert_eq!(Message::salvage(b"A b SIP/2.0\r\nX\r\n\r\n"), None);
}

#[test]
fn a_reply_goes_back_where_the_request_came_from() {
    let reply = Writer::reply(&message(INVITE), source(), 180, "Ringing", Some("t1")).finish();
    let text = String::from_utf8(reply.to_vec()).expect("text");
    assert_eq!(
        text,
        "SIP/2.0 180 Ringing\r\n\
        Via: SIP/2.0/UDP host.example.com:5062;branch=z9hG4bK1;received=192.0.2.9;rport=4444, SIP/2.0/TCP b;branch=z9hG4bK0\r\n\
        Via: SIP/2.0/TLS c;branch=z9hG4bK00\r\n\
        From: \"Alice\" <sip:alice@example.com>;tag=a1\r\n\
        To: <sip:bob@example.com>;tag=t1\r\n\
        Call-ID: c1@host\r\n\
        CSeq: 7 INVITE\r\n\
        Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\n\
        Content-Length: 0\r\n\r\n"
    );
}

#[test]
fn a_reply_names_the_sender_only_where_its_via_does_not() {
    let via = |via: &str| {
        let request = message(&format!("OPTIONS sip:a SIP/2.0\r\nVia: {via}\r\n\r\n"));
        let reply = message(&String::from_utf8_lossy(&Writer::reply(&request, source(), 200, "OK", None).finish()));
        reply.get(HeaderName::Via).unwrap_or("").to_owned()
    };
    assert_eq!(via("SIP/2.0/TCP 192.0.2.9;branch=x"), "SIP/2.0/TCP 192.0.2.9;branch=x");
    assert_eq!(via("SIP/2.0/TCP 192.0.2.8;branch=x"), "SIP/2.0/TCP 192.0.2.8;branch=x;received=192.0.2.9");
    assert_eq!(
        via("SIP/2.0/UDP 192.0.2.9;maddr=1.2.3.4;rport"),
        "SIP/2.0/UDP 192.0.2.9;maddr=1.2.3.4;received=192.0.2.9;rport=4444"
    );
    assert_eq!(via("SIP/2.0/TCP 192.0.2.9;received=1.1.1.1"), "SIP/2.0/TCP 192.0.2.9");
    assert_eq!(via("junk"), "junk");
    assert_eq!(via("\r\nVia: ,\r\nVia: SIP/2.0/UDP h"), "SIP/2.0/UDP h;received=192.0.2.9");
}

#[test]
fn no_control_character_crosses_into_a_written_message() {
    let mut writer = Writer::request("IN VITE\r\n", "sip:a\r\nX: y");
    writer.header(HeaderName::Subject, "a\r\nX-Evil: 1\0\u{85}\u{e9}");
    writer.header_named("X\r\nY:", "b\nc");
    writer.header_named("l", 99).header(HeaderName::ContentLength, 99);
    let bytes = writer.finish_with("text/plain\r\nX: z", b"\r\n\0");
    assert_eq!(
        String::from_utf8_lossy(&bytes),
        "IN%20VITE%20%20 sip:a%20%20X:%20y SIP/2.0\r\nSubject: a  X-Evil: 1  \u{e9}\r\nX--Y-: b c\r\n\
        Content-Type: text/plain  X: z\r\nContent-Length: 3\r\n\r\n\r\n\0"
    );
    assert_eq!(message(&String::from_utf8_lossy(&Writer::status(200, "a\r\nb").finish())).reason(), "a  b");
}
