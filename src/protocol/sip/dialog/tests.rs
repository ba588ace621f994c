//! Dialogs of both sides, loose and strict routers, order of requests.

use super::*;

fn message(text: &str) -> Message {
    let text = format!("{}\r\n\r\n", text.trim().lines().map(str::trim).collect::<Vec<_>>().join("\r\n"));
    Message::parse(text.as_bytes()).expect("a message")
}

fn invite(extra: &str) -> Message {
    message(&format!(
        "INVITE sip:100@192.0.2.9 SIP/2.0
        Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa
        Max-Forwards: 70
        From: \"A\" <sip:a@192.0.2.1>;tag=theirs
        To: <sip:100@192.0.2.9>
        Call-ID: one
        CSeq: 7 INVITE
        Contact: <sip:a@192.0.2.1:5070?Subject=x>
        {extra}Content-Length: 0"
    ))
}

fn response(extra: &str) -> Message {
    message(&format!(
        "SIP/2.0 200 OK
        Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKb
        From: <sip:us@192.0.2.9>;tag=ours
        To: <sip:100@192.0.2.1>;tag=theirs
        Call-ID: two
        CSeq: 1 INVITE
        Contact: <sip:b@192.0.2.1:5080>
        {extra}Content-Length: 0"
    ))
}

fn opening() -> Opening {
    Opening {
        call_id: "two".into(),
        local_tag: "ours".into(),
        local: "<sip:us@192.0.2.9>".into(),
        remote: "<sip:100@192.0.2.1>".into(),
        cseq: 1,
        secure: false,
    }
}

fn written(writer: Writer) -> Message {
    Message::parse(&writer.finish()).expect("what we write can be read")
}

#[test]
fn as_server_requests_go_back_through_the_recorded_routes_in_their_order() {
    let request = invite("Record-Route: <sip:p1;lr>\nRecord-Route: <sip:p2;lr>\n");
    let mut dialog = Dialog::accept(&request, "ours").expect("a dialog");
    let bye = written(dialog.request(Method::Bye, "SIP/2.0/UDP here;branch=z9hG4bKx"));
    assert_eq!(bye.uri_text(), "sip:a@192.0.2.1:5070");
    assert_eq!(bye.values(HeaderName::Route).collect::<Vec<_>>(), ["<sip:p1;lr>", "<sip:p2;lr>"]);
    assert_eq!((bye.from_tag(), bye.to_tag()), (Some("ours"), Some("theirs")));
    assert_eq!(bye.cseq().map(|cseq| cseq.number), Ok(1));
    assert_eq!(dialog.next_hop(), "sip:p1;lr");
}

#[test]
fn as_client_the_recorded_routes_are_reversed() {
    let ok = response("Record-Route: <sip:p2;lr>, <sip:p1;lr>\n");
    let mut dialog = Dialog::open(&opening(), &ok, "sip:x").expect("a dialog");
    let ack = written(dialog.ack(1, "SIP/2.0/UDP here;branch=z9hG4bKx"));
    assert_eq!(ack.values(HeaderName::Route).collect::<Vec<_>>(), ["<sip:p1;lr>", "<sip:p2;lr>"]);
    assert_eq!(ack.cseq().map(|cseq| (cseq.number, cseq.method)), Ok((1, Method::Ack)));
    let bye = written(dialog.request(Method::Bye, "SIP/2.0/UDP here;branch=z9hG4bKy"));
    assert_eq!(bye.cseq().map(|cseq| cseq.number), Ok(2));
}

#[test]
fn a_strict_router_takes_the_place_of_the_target() {
    let request = invite("Record-Route: <sip:strict>\nRecord-Route: <sip:p2;lr>\n");
    let mut dialog = Dialog::accept(&request, "ours").expect("a dialog");
    let bye = written(dialog.request(Method::Bye, "SIP/2.0/UDP here;branch=z9hG4bKx"));
    assert_eq!(bye.uri_text(), "sip:strict");
    assert_eq!(bye.values(HeaderName::Route).collect::<Vec<_>>(), ["<sip:p2;lr>", "<sip:a@192.0.2.1:5070>"]);
}

#[test]
fn a_number_that_does_not_rise_is_late() {
    let mut dialog = Dialog::accept(&invite(""), "ours").expect("a dialog");
    assert_eq!(dialog.receive(&invite("")), Ok(Order::Late));
    dialog.remote_cseq = Some(6);
    assert_eq!(dialog.receive(&invite("")), Ok(Order::InOrder));
}

#[test]
fn a_response_that_names_a_new_contact_moves_the_target() {
    let mut dialog = Dialog::accept(&invite(""), "ours").expect("a dialog");
    dialog.refresh(&response(""));
    assert_eq!(dialog.request_uri(), "sip:b@192.0.2.1:5080");
}

#[test]
fn a_provisional_response_without_contact_opens_a_dialog_all_the_same() {
    let ringing = message(
        "SIP/2.0 180 Ringing
        Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKb
        From: <sip:us@192.0.2.9>;tag=ours
        To: <sip:100@192.0.2.1>;tag=theirs
        Call-ID: two
        CSeq: 1 INVITE
        Content-Length: 0",
    );
    let dialog = Dialog::open(&opening(), &ringing, "sip:fallback@192.0.2.1").expect("a dialog");
    assert_eq!(dialog.request_uri(), "sip:fallback@192.0.2.1");
}
