//! What must hold for any bytes taken as one SIP message. Used by the fuzz target and by the replay of its seeds.

use offhook::protocol::sip::message::{HeaderName, Message, Writer};
use std::net::SocketAddr;

pub fn hold(bytes: &[u8]) {
    let salvaged = Message::salvage(bytes);
    let Ok(message) = Message::parse(bytes) else {
        if let Some(request) = salvaged {
            answers(&request);
        }
        return;
    };
    assert_eq!(salvaged.is_some(), message.is_request());
    reads(&message);
    prints(&message);
    if message.is_request() {
        answers(&message);
    }
}

/// Every reading ends, and none hands out a control character.
fn reads(message: &Message) {
    for (name, written, value) in message.headers() {
        assert!(!written.is_empty() && !written.contains(char::is_whitespace));
        assert!(!value.contains(char::is_control), "{value:?}");
        assert_eq!(name, HeaderName::parse(written));
        assert!(message.named(written).is_some());
    }
    for name in HeaderName::KNOWN {
        assert_eq!(message.get(*name), message.lines(*name).next());
        for value in message.values(*name) {
            assert_eq!(value.trim_matches(' '), value);
        }
        let _ = (message.number(*name), message.number_with_params(*name), message.has_token(*name, "timer"));
    }
    assert!(![message.start_line(), message.uri_text(), message.reason()].concat().contains(char::is_control));
    let _ = (message.uri(), message.method(), message.contact(), message.has_content("application/sdp"));
    if message.check_request().is_ok() {
        assert!(message.is_request() && message.uri().is_ok() && message.top_via().is_ok());
        assert!(message.from().is_ok() && message.to().is_ok() && !message.call_id().is_empty());
        assert_eq!(message.cseq().map(|cseq| cseq.method_text), Ok(message.method_text()));
    }
    let _ = message.check_response();
}

/// Parse, print, parse gives the same again.
fn prints(message: &Message) {
    let printed = message.print();
    if printed.len() > 65_535 {
        return;
    }
    let again = Message::parse(&printed).expect("what we print is a message");
    assert_eq!(again.print(), printed);
    assert_eq!(again.start_line(), message.start_line());
    assert_eq!(again.body(), message.body());
    let headers = |message: &Message| -> Vec<(HeaderName, String, String)> {
        let kept = message.headers().filter(|(name, ..)| *name != HeaderName::ContentLength);
        kept.map(|(name, written, value)| {
            (name, if name == HeaderName::Other { written } else { name.text() }.to_owned(), value.to_owned())
        })
        .collect()
    };
    assert_eq!(headers(&again), headers(message));
}

/// A reply to whatever was read is a message, and names its sender as RFC 3581 wants.
fn answers(request: &Message) {
    let source = SocketAddr::from(([192, 0, 2, 77], 5077));
    let reply = Writer::reply(request, source, 183, "Session Progress", Some("ours")).finish();
    if reply.len() > 65_535 {
        return;
    }
    let reply = Message::parse(&reply).expect("what we write is a message");
    assert_eq!((reply.status(), reply.values(HeaderName::Via).count()), (183, request.values(HeaderName::Via).count()));
    if let (Ok(asked), Ok(told)) = (request.top_via(), reply.top_via()) {
        assert_eq!((told.host, told.port, told.branch()), (asked.host, asked.port, asked.branch()));
        if asked.rport().is_some() {
            assert_eq!((told.received(), told.rport()), (Some("192.0.2.77"), Some(Some(5077))));
        } else if asked.host != "192.0.2.77" {
            assert_eq!((told.received(), told.rport()), (Some("192.0.2.77"), None));
        }
    }
    if let Ok(to) = request.to() {
        let tag = if to.params.has("tag") { to.tag() } else { Some("ours") };
        assert_eq!(reply.to().map(|to| to.tag()), Ok(tag));
    }
}
