//! Which messages belong together, also with the odd branches of RFC 4475; and that the set stays bounded.

use super::world::{A, B, TIMERS, World};
use crate::base::now::Now;
use crate::protocol::sip::message::{Message, Method, Writer};
use crate::protocol::sip::path::{ListenerId, Path, Target, Transport};
use crate::protocol::sip::transaction::set::{ClientRequest, TransactionOutput, Transactions};
use bytes::Bytes;
use std::time::{Duration, Instant, SystemTime};

fn now() -> Now {
    Now { instant: Instant::now(), wall: SystemTime::UNIX_EPOCH }
}

fn path(remote: &str) -> Path {
    let remote = remote.parse().unwrap();
    Path { transport: Transport::Udp, listener: ListenerId(0), remote, connection: None }
}

fn message(method: &str, via: &str, call_id: &str) -> Box<Message> {
    let text = format!(
        "{method} sip:b@192.0.2.2 SIP/2.0\r\nVia: {via}\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: {call_id}\r\n\
         CSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    );
    Box::new(Message::parse(text.as_bytes()).unwrap())
}

/// How many of these messages are new to the set.
fn news(messages: impl IntoIterator<Item = Box<Message>>) -> usize {
    let mut set = Transactions::new(TIMERS, 64);
    for message in messages {
        set.receive(now(), path("192.0.2.9:5060"), message);
    }
    std::iter::from_fn(|| set.poll_output())
        .filter(|output| matches!(output, TransactionOutput::Request { .. }))
        .count()
}

#[test]
fn branch_sent_by_and_method_make_a_transaction() {
    let via = |rest: &str| message("INFO", &format!("SIP/2.0/UDP {rest}"), "c");
    assert_eq!(news([via("h;branch=z9hG4bK1"), via("H;branch=z9hG4bK1")]), 1, "hosts compare without case");
    assert_eq!(news([via("h;branch=z9hG4bK1"), via("h;branch=z9hG4bK2")]), 2);
    assert_eq!(news([via("h;branch=z9hG4bK1"), via("i;branch=z9hG4bK1")]), 2);
    assert_eq!(news([via("h;branch=z9hG4bK1"), via("h:5062;branch=z9hG4bK1")]), 2);
    let other = message("OPTIONS", "SIP/2.0/UDP h;branch=z9hG4bK1", "c");
    assert_eq!(news([via("h;branch=z9hG4bK1"), other]), 2);
}

#[test]
fn without_an_identifier_in_the_branch_rfc_2543_matching_applies() {
    for branch in ["", ";branch=z9hG4bK", ";branch=390skdjuw"] {
        let one = |call_id| message("INFO", &format!("SIP/2.0/UDP h{branch}"), call_id);
        assert_eq!(news([one("c"), one("c")]), 1, "{branch}");
        assert_eq!(news([one("c"), one("d")]), 2, "{branch}");
    }
}

#[test]
fn odd_but_legal_branches_work() {
    for branch in
        ["z9hG4bK.!%66*_+`'~-", "Z9HG4BKabc", "z9hG4bK--------------------------------------------------------"]
    {
        let one = |method| message(method, &format!("SIP/2.0/UDP h;branch={branch}"), "c");
        assert_eq!(news([one("INVITE"), one("INVITE"), one("ACK"), one("INFO")]), 2, "{branch}");
    }
}

#[test]
fn acks_without_cookie_find_their_refused_invite() {
    let mut set = Transactions::new(TIMERS, 64);
    let from = path("192.0.2.9:5060");
    set.receive(now(), from, message("INVITE", "SIP/2.0/UDP h", "c"));
    let Some(TransactionOutput::Request { server, .. }) = set.poll_output() else { panic!("a request") };
    set.respond(now(), server, 486, Bytes::from_static(b"SIP/2.0 486 Busy\r\n\r\n"));
    set.receive(now(), from, message("ACK", "SIP/2.0/UDP h", "c"));
    set.receive(now(), from, message("ACK", "SIP/2.0/UDP h", "other"));
    let outputs: Vec<_> = std::iter::from_fn(|| set.poll_output()).collect();
    assert!(matches!(&outputs[..], [TransactionOutput::Send(_), TransactionOutput::StrayAck { .. }]), "{outputs:?}");
}

#[test]
fn responses_go_to_the_source_with_rport_and_to_the_sent_by_port_without() {
    for (via, expected) in [
        ("SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bK1;rport", "192.0.2.9:33333"),
        ("SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bK1", "192.0.2.9:5062"),
        ("SIP/2.0/UDP phone.example;branch=z9hG4bK1", "192.0.2.9:5060"),
        ("SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;maddr=198.51.100.7", "192.0.2.9:5060"),
    ] {
        let mut set = Transactions::new(TIMERS, 64);
        set.receive(now(), path("192.0.2.9:33333"), message("INFO", via, "c"));
        let Some(TransactionOutput::Request { server, .. }) = set.poll_output() else { panic!("a request") };
        set.respond(now(), server, 200, Bytes::from_static(b"x"));
        let Some(TransactionOutput::Send(outgoing)) = set.poll_output() else { panic!("a response") };
        assert_eq!(outgoing.target.path.remote, expected.parse().unwrap(), "{via}");
    }
}

#[test]
fn a_full_set_refuses_and_keeps_room_for_its_own_requests() {
    let mut set = Transactions::new(TIMERS, 64);
    let (start, from) = (now(), path("192.0.2.9:5060"));
    let (mut accepted, mut refused) = (0, 0);
    for number in 0..100 {
        set.receive(start, from, message("INFO", &format!("SIP/2.0/UDP h;branch=z9hG4bK{number}"), "c"));
        while let Some(output) = set.poll_output() {
            match output {
                TransactionOutput::Request { .. } => accepted += 1,
                TransactionOutput::Send(out) => refused += usize::from(out.bytes.starts_with(b"SIP/2.0 503")),
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!((accepted, refused), (48, 52));
    set.receive(start, from, message("BYE", "SIP/2.0/UDP h;branch=z9hG4bKbye", "c"));
    let bye = set.poll_output();
    assert!(matches!(bye, Some(TransactionOutput::Request { .. })), "a BYE is never shed: {bye:?}");
    set.handle_deadline(start.after(Duration::from_secs(33)));
    assert!(set.is_empty(), "requests that the owner never answers are given up");
}

#[test]
fn a_flood_that_is_answered_keeps_nobody_out() {
    let mut set = Transactions::new(TIMERS, 64);
    let (start, from) = (now(), path("192.0.2.9:5060"));
    for number in 0..1_000 {
        set.receive(start, from, message("BYE", &format!("SIP/2.0/UDP h;branch=z9hG4bK{number}"), "c"));
        let Some(TransactionOutput::Request { server, .. }) = set.poll_output() else {
            panic!("number {number} refused")
        };
        set.respond(start, server, 481, Bytes::from_static(b"x"));
        while set.poll_output().is_some() {}
    }
    assert!(set.len() <= 64);
    set.receive(start, from, message("BYE", "SIP/2.0/UDP h;branch=z9hG4bK999", "c"));
    assert!(matches!(set.poll_output(), Some(TransactionOutput::Send(_))), "a retransmission of the last is absorbed");
    set.handle_deadline(start.after(Duration::from_secs(33)));
    assert!(set.is_empty() && set.deadline().is_none());
}

#[test]
fn an_invite_that_came_by_two_ways_is_acknowledged_where_it_was_answered() {
    let mut set = Transactions::new(TIMERS, 64);
    let (start, from) = (now(), path("192.0.2.9:5060"));
    let mut servers = Vec::new();
    for branch in ["z9hG4bK1", "z9hG4bK2", "z9hG4bK3"] {
        set.receive(start, from, message("INVITE", &format!("SIP/2.0/UDP h;branch={branch}"), "c"));
        let Some(TransactionOutput::Request { server, .. }) = set.poll_output() else { panic!("a request") };
        servers.push(server);
    }
    for (server, status) in servers.iter().zip([482, 200, 482]) {
        set.respond(start, *server, status, Bytes::from_static(b"x"));
    }
    while set.poll_output().is_some() {}
    set.receive(start, from, message("ACK", "SIP/2.0/UDP h;branch=z9hG4bK4", "c"));
    let Some(TransactionOutput::Acknowledged { server, .. }) = set.poll_output() else { panic!("an acknowledgement") };
    assert_eq!(server, servers[1]);
}

#[test]
fn a_transaction_is_small() {
    use crate::protocol::sip::transaction::{
        client_invite::ClientInvite, client_other::ClientOther, server_invite::ServerInvite, server_other::ServerOther,
    };
    let sizes =
        [size_of::<ClientInvite>(), size_of::<ClientOther>(), size_of::<ServerInvite>(), size_of::<ServerOther>()];
    assert!(sizes.iter().all(|size| *size <= 256), "{sizes:?}");
}

#[test]
fn what_can_no_longer_be_repeated_is_not_kept() {
    let mut set = Transactions::new(TIMERS, 64);
    let (start, from) = (now(), path("192.0.2.9:5060"));
    set.receive(start, from, message("INVITE", "SIP/2.0/UDP h;branch=z9hG4bK1", "c"));
    let Some(TransactionOutput::Request { server, .. }) = set.poll_output() else { panic!("a request") };
    let response = Bytes::from(b"x".repeat(500));
    set.respond(start, server, 200, response.clone());
    while set.poll_output().is_some() {}
    assert!(!response.is_unique(), "kept for repetition");
    set.receive(start, from, message("ACK", "SIP/2.0/UDP h;branch=z9hG4bK4", "c"));
    while set.poll_output().is_some() {}
    assert!(response.is_unique() && set.len() == 1, "acknowledged: the transaction lingers without it");

    for (method, status) in [(Method::Info, 200), (Method::Invite, 200), (Method::Invite, 486)] {
        let key = set.next_key();
        let via = format!("SIP/2.0/UDP h;branch=z9hG4bKc{}", key.0);
        let request = message(method.name(), &via, "d");
        let bytes = Bytes::from(request.print().to_vec());
        let target = Target { path: from, tls_name: None };
        let branch = request.top_via().unwrap().branch().unwrap().into();
        let fields = ClientRequest { method, target, branch, bytes: bytes.clone(), no_response: None };
        set.request(start, key, fields);
        while set.poll_output().is_some() {}
        assert!(!bytes.is_unique());
        let reply = Writer::reply(&request, from.remote, status, "Word", Some("2")).finish();
        set.receive(start, from, Box::new(Message::parse(&reply).unwrap()));
        while set.poll_output().is_some() {}
        assert!(bytes.is_unique(), "{method:?} {status}");
    }
}

#[test]
fn fifty_thousand_transactions_are_found_timed_and_gone() {
    let mut set = Transactions::new(TIMERS, 100_000);
    let (start, from) = (now(), path("192.0.2.9:5060"));
    for number in 0..50_000 {
        set.receive(start, from, message("OPTIONS", &format!("SIP/2.0/UDP h;branch=z9hG4bK{number}"), "c"));
        let Some(TransactionOutput::Request { server, .. }) = set.poll_output() else { panic!("a request") };
        set.respond(start, server, 200, Bytes::from_static(b"x"));
        while set.poll_output().is_some() {}
    }
    assert_eq!(set.len(), 50_000);
    set.receive(start, from, message("OPTIONS", "SIP/2.0/UDP h;branch=z9hG4bK777", "c"));
    assert!(matches!(set.poll_output(), Some(TransactionOutput::Send(_))));
    set.handle_deadline(start.after(Duration::from_secs(32)));
    assert!(set.is_empty() && set.deadline().is_none() && set.poll_output().is_none());
}

#[test]
fn an_invite_that_is_lost_once_still_makes_one_call() {
    let mut world = World::new(Transport::Udp);
    world.request(A, "INVITE 1");
    world.lose();
    world.pass_millis(500);
    world.deliver_all();
    world.respond(B, "INVITE 1", 200);
    world.lose();
    world.pass_millis(500);
    world.deliver_all();
    world.acknowledge(A, 1, "tagB");
    world.lose();
    world.pass_millis(1_000);
    world.deliver_all();
    assert_eq!(world.told(), ["B INVITE 1", "A 200 INVITE 1", "B acknowledged"]);
    world.ends();
}
