//! Two other parsers asked the same questions. Where they differ from us stands here by name, with the reason.

use crate::protocol::sip::message::message::Message;
use rsip::prelude::HasHeaders;
use sipx_testkit::{rfc4475, rfc5118};
use std::collections::BTreeMap;

/// What can be compared: the start line's essence, header values with white space made one space, the body.
#[derive(Debug, PartialEq)]
struct Seen {
    start: String,
    values: Vec<String>,
    body: Vec<u8>,
}

fn squeezed(text: &str) -> String {
    text.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// We show these as question marks.
fn masked(text: &str) -> String {
    squeezed(text).replace(|letter: char| letter.is_control() || letter == '\u{fffd}', "?")
}

fn ours(bytes: &[u8]) -> Option<Seen> {
    let message = Message::parse(bytes).ok()?;
    let start = if message.is_request() {
        format!("{} {}", message.method_text(), message.uri_text())
    } else {
        format!("{} {}", message.status(), message.reason())
    };
    let values = message.headers().map(|(_, _, value)| masked(value)).collect();
    Some(Seen { start: masked(&start), values, body: message.body().to_vec() })
}

fn sipx(bytes: &[u8]) -> Option<Seen> {
    let message = sipx_sip::parse_datagram(bytes.to_vec().into(), &sipx_sip::Limits::datagram()).ok()?;
    let start = match &message {
        sipx_sip::Message::Request(request) => format!("{} {}", request.method, request.uri),
        sipx_sip::Message::Response(response) => {
            format!("{} {}", response.status.code(), String::from_utf8_lossy(&response.reason))
        }
    };
    let values = message.headers().iter().map(|header| masked(&String::from_utf8_lossy(&header.value()))).collect();
    Some(Seen { start: masked(&start), values, body: message.body().to_vec() })
}

fn rsip(bytes: &[u8]) -> Option<Seen> {
    let message = rsip::SipMessage::try_from(bytes).ok()?;
    let start = match &message {
        rsip::SipMessage::Request(request) => format!("{} {}", request.method, request.uri),
        rsip::SipMessage::Response(response) => format!("{}", response.status_code),
    };
    let values = message.headers().iter().map(|header| header.to_string());
    let values = values.map(|line| masked(line.split_once(':').map_or("", |(_, value)| value))).collect();
    Some(Seen { start: masked(&start), values, body: message.body().clone() })
}

/// Names of the torture messages on which the other does not agree with us, and how.
fn disagreements(other: fn(&[u8]) -> Option<Seen>, starts_count: bool) -> BTreeMap<&'static str, &'static str> {
    let torture = rfc4475::CASES.iter().map(|case| (case.name, case.bytes.to_vec()));
    let ipv6 = rfc5118::CASES.iter().map(|case| (case.name, case.wire().to_vec()));
    let judged = torture.chain(ipv6).filter_map(|(name, bytes)| {
        let how = match (ours(&bytes), other(&bytes)) {
            (None, None) => return None,
            (Some(_), None) => "they refuse",
            (None, Some(_)) => "we refuse",
            (Some(ours), Some(theirs)) if ours.body != theirs.body => "body",
            (Some(ours), Some(theirs)) if ours.values != theirs.values => "headers",
            (Some(ours), Some(theirs)) if starts_count && ours.start != theirs.start => "start line",
            _ => return None,
        };
        Some((name, how))
    });
    judged.collect()
}

#[test]
fn sipx_sees_the_torture_messages_as_we_do() {
    let known = [
        // Read by us as far as needed to answer 400.
        ("ipv6-bad", "they refuse"),
        ("ltgtruri", "they refuse"),
        ("lwsruri", "they refuse"),
        ("lwsstart", "they refuse"),
        ("trws", "they refuse"),
    ];
    assert_eq!(disagreements(sipx, true), BTreeMap::from(known));
}

#[test]
fn rsip_sees_the_torture_messages_as_we_do_where_it_can() {
    let known = [
        // IPv6 in a URI.
        ("ipv6-bug-abnf-3-colons", "they refuse"),
        ("ipv6-correct-abnf-2-colons", "they refuse"),
        ("ipv6-good", "they refuse"),
        ("ipv6-in-sdp", "they refuse"),
        ("mult-ip-in-sdp", "they refuse"),
        ("port-ambiguous", "they refuse"),
        ("port-unambiguous", "they refuse"),
        ("via-received-param-no-delim", "they refuse"),
        ("via-received-param-with-delim", "they refuse"),
        // Body shorter than announced.
        ("clerr", "we refuse"),
        // Folded Accept.
        ("semiuri", "they refuse"),
        // Folded Contact.
        ("esc01", "they refuse"),
        ("scalar02", "they refuse"),
        // Folding everywhere.
        ("wsinv", "they refuse"),
        // Long values.
        ("longreq", "they refuse"),
        // Negative length.
        ("ncl", "we refuse"),
        // No empty line at the end: a datagram cut off.
        ("baddn", "we refuse"),
        // They take all that follows as the body.
        ("dblreq", "body"),
        // Two lengths.
        ("mcl01", "we refuse"),
        // Unknown method.
        ("esc02", "they refuse"),
        ("intmeth", "they refuse"),
        ("mismatch02", "they refuse"),
        // Unknown scheme; we answer 416.
        ("unkscm", "they refuse"),
        // We answer 400.
        ("escruri", "they refuse"),
        ("ipv6-bad", "they refuse"),
        ("lwsruri", "they refuse"),
        ("lwsstart", "they refuse"),
        ("trws", "they refuse"),
        // We answer 505.
        ("badvers", "they refuse"),
    ];
    assert_eq!(disagreements(rsip, false), BTreeMap::from(known));
}

/// One byte changed at many places of each torture message: what both still take for a message, both read alike.
#[test]
fn sipx_and_we_read_damaged_messages_alike() {
    let mut alike = 0;
    for case in rfc4475::CASES {
        for at in (0..case.bytes.len()).step_by(53) {
            for byte in *b"\r\n\t :;,\"<\\0A\xff\0" {
                let mut bytes = case.bytes.to_vec();
                bytes[at] = byte;
                if let (Some(ours), Some(theirs)) = (ours(&bytes), sipx(&bytes)) {
                    assert_eq!(ours, theirs, "{} with byte {at} as {byte:#04x}", case.name);
                    alike += 1;
                }
            }
        }
    }
    assert!(alike > 2_000, "{alike}");
}
