//! Each machine alone, through every order of events up to a depth: what may never happen, does not.

use super::world::TIMERS;
use crate::protocol::sip::message::Message;
use crate::protocol::sip::path::{ListenerId, Path, Target, Transport};
use crate::protocol::sip::transaction::client_invite::ClientInvite;
use crate::protocol::sip::transaction::client_other::ClientOther;
use crate::protocol::sip::transaction::key::{Key, client_key};
use crate::protocol::sip::transaction::server_invite::ServerInvite;
use crate::protocol::sip::transaction::server_other::ServerOther;
use crate::protocol::sip::transaction::set::TransactionOutput;
use crate::protocol::sip::transaction::turn::Turn;
use bytes::Bytes;
use std::collections::{BTreeSet, VecDeque};
use std::fmt::Debug;
use std::time::Instant;

const DEPTH: usize = 10;

/// One machine as the search sees it.
trait Specimen: Clone + Debug {
    fn events() -> &'static [&'static str];
    fn apply(&mut self, turn: &mut Turn<'_>, event: &str, path: Path);
    fn deadline(&self) -> Option<Instant>;
    fn is_ended(&self) -> bool;
}

/// What was passed up on the way here.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Account {
    refusals: u32,
    answers: BTreeSet<String>,
    failures: u32,
    acknowledged: u32,
}

impl Account {
    fn note(&mut self, output: &TransactionOutput) {
        match output {
            TransactionOutput::Response { message, .. } if message.status() >= 300 => self.refusals += 1,
            TransactionOutput::Response { message, .. } if message.status() >= 200 => {
                let tag = message.to_tag().unwrap_or_default().to_owned();
                assert!(self.answers.insert(tag), "the same 2xx passed up twice");
            }
            TransactionOutput::TimedOut { .. } | TransactionOutput::Unreachable { .. } => self.failures += 1,
            TransactionOutput::Unacknowledged { .. } => self.failures += 1,
            TransactionOutput::Acknowledged { .. } => self.acknowledged += 1,
            _ => {}
        }
        assert!(self.refusals <= 1, "two refusals passed up");
        assert!(self.acknowledged <= 1, "acknowledged twice");
        assert!(self.failures <= 1, "failed twice");
        assert!(self.refusals == 0 || self.answers.is_empty(), "both refused and answered");
        assert!(self.failures == 0 || self.refusals == 0 && self.answers.is_empty(), "failed after a final response");
        assert!(self.failures == 0 || self.acknowledged == 0, "failed although acknowledged");
    }
}

/// Explores every order of events; states that look the same at the same moment are visited once. Says how many there are: a
/// number that changes with the machine, and is to be looked at when it does.
fn explore<S: Specimen>(transport: Transport, make: impl Fn(&mut Turn<'_>, Target) -> S) -> usize {
    let remote = "192.0.2.1:5060".parse().unwrap();
    let path = Path { transport, listener: ListenerId(0), remote, connection: None };
    let start = Instant::now();
    let mut out = VecDeque::new();
    let mut turn = Turn { now: start, timers: TIMERS, id: 1, out: &mut out };
    let machine = make(&mut turn, Target { path, tls_name: None });
    let mut seen = BTreeSet::new();
    let mut level = vec![(machine, Account::default(), start)];
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for (machine, account, now) in level {
            for event in S::events() {
                let (mut machine, mut account, mut now) = (machine.clone(), account.clone(), now);
                let was_ended = machine.is_ended();
                if *event == "deadline" {
                    let Some(when) = machine.deadline() else { continue };
                    now = now.max(when);
                }
                out.clear();
                let mut turn = Turn { now, timers: TIMERS, id: 1, out: &mut out };
                machine.apply(&mut turn, event, path);
                out.iter().for_each(|output| account.note(output));
                assert!(!was_ended || out.is_empty(), "output after the end: {machine:?} on {event}");
                check_deadline(&machine, event, now);
                if seen.insert(format!("{machine:?}{account:?}{:?}", now - start)) {
                    next.push((machine, account, now));
                }
            }
        }
        level = next;
    }
    for (machine, account, now) in level {
        ends(machine, account, now);
    }
    seen.len()
}

fn check_deadline<S: Specimen>(machine: &S, event: &str, now: Instant) {
    assert_eq!(machine.deadline().is_none(), machine.is_ended(), "a timer is set until the end: {machine:?}");
    if event == "deadline" {
        assert!(machine.deadline().is_none_or(|when| when > now), "a deadline moves on: {machine:?}");
    }
}

/// Left alone, it ends within the hour that bounds even a forgotten INVITE, and says nothing that it may not.
fn ends<S: Specimen>(mut machine: S, mut account: Account, mut now: Instant) {
    let remote = "192.0.2.1:5060".parse().unwrap();
    let path = Path { transport: Transport::Udp, listener: ListenerId(0), remote, connection: None };
    let mut out = VecDeque::new();
    for _ in 0..200 {
        let Some(when) = machine.deadline() else { return };
        now = now.max(when);
        machine.apply(&mut Turn { now, timers: TIMERS, id: 1, out: &mut out }, "deadline", path);
        out.drain(..).for_each(|output| account.note(&output));
    }
    panic!("does not end: {machine:?}");
}

fn response(status: u16, tag: &str, method: &str) -> Box<Message> {
    let text = format!(
        "SIP/2.0 {status} Word\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag={tag}\r\n\
         Call-ID: c\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
    );
    Box::new(Message::parse(text.as_bytes()).unwrap())
}

fn request(method: &str) -> Bytes {
    format!(
        "{method} sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\n\
         Call-ID: c\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    )
    .into()
}

fn key() -> Key {
    client_key("z9hG4bK1", crate::protocol::sip::message::Method::Invite)
}

impl Specimen for ClientInvite {
    fn events() -> &'static [&'static str] {
        &["100", "180", "200 a", "200 b", "486 a", "503 b", "cancel", "acknowledge", "undeliverable", "deadline"]
    }
    fn apply(&mut self, turn: &mut Turn<'_>, event: &str, path: Path) {
        let target = Target { path, tls_name: None };
        match event {
            "cancel" => self.on_cancel(turn),
            "acknowledge" => self.on_acknowledge("a", target, Bytes::from_static(b"ack")),
            "undeliverable" => self.on_undeliverable(turn),
            "deadline" => self.on_deadline(turn),
            response_event => {
                let (status, tag) = response_event.split_once(' ').unwrap_or((response_event, "a"));
                self.on_response(turn, path, response(status.parse().unwrap(), tag, "INVITE"));
            }
        }
    }
    fn deadline(&self) -> Option<Instant> {
        self.deadline()
    }
    fn is_ended(&self) -> bool {
        self.is_ended()
    }
}

impl Specimen for ClientOther {
    fn events() -> &'static [&'static str] {
        &["100", "200", "486", "undeliverable", "deadline"]
    }
    fn apply(&mut self, turn: &mut Turn<'_>, event: &str, path: Path) {
        match event {
            "undeliverable" => self.on_undeliverable(turn),
            "deadline" => self.on_deadline(turn),
            status => self.on_response(turn, path, response(status.parse().unwrap(), "a", "INFO")),
        }
    }
    fn deadline(&self) -> Option<Instant> {
        self.deadline()
    }
    fn is_ended(&self) -> bool {
        self.is_ended()
    }
}

impl Specimen for ServerInvite {
    fn events() -> &'static [&'static str] {
        &["100", "180", "200", "486", "again", "cancel", "ACK", "undeliverable", "deadline"]
    }
    fn apply(&mut self, turn: &mut Turn<'_>, event: &str, _path: Path) {
        match event {
            "again" => self.on_retransmission(turn),
            "cancel" => drop(self.on_cancel()),
            "ACK" => self.on_acknowledge(turn, Box::new(Message::parse(&request("ACK")).unwrap())),
            "undeliverable" => self.on_undeliverable(turn),
            "deadline" => self.on_deadline(turn),
            status => self.on_respond(turn, status.parse().unwrap(), Bytes::from_static(b"response")),
        }
    }
    fn deadline(&self) -> Option<Instant> {
        self.deadline()
    }
    fn is_ended(&self) -> bool {
        self.is_ended()
    }
}

impl Specimen for ServerOther {
    fn events() -> &'static [&'static str] {
        &["100", "200", "486", "again", "undeliverable", "deadline"]
    }
    fn apply(&mut self, turn: &mut Turn<'_>, event: &str, _path: Path) {
        match event {
            "again" => self.on_retransmission(turn),
            "undeliverable" => self.on_undeliverable(turn),
            "deadline" => self.on_deadline(turn),
            status => self.on_respond(turn, status.parse().unwrap(), Bytes::from_static(b"response")),
        }
    }
    fn deadline(&self) -> Option<Instant> {
        self.deadline()
    }
    fn is_ended(&self) -> bool {
        self.is_ended()
    }
}

#[test]
fn an_invite_client_never_contradicts_itself() {
    let start = |turn: &mut Turn<'_>, target| ClientInvite::start(turn, key(), target, request("INVITE"), None);
    assert_eq!([Transport::Udp, Transport::Tcp].map(|transport| explore(transport, start)), [133, 17]);
}

#[test]
fn another_client_never_contradicts_itself() {
    let start = |turn: &mut Turn<'_>, target| ClientOther::start(turn, key(), target, request("INFO"), None);
    assert_eq!([Transport::Udp, Transport::Tcp].map(|transport| explore(transport, start)), [166, 5]);
}

#[test]
fn an_invite_server_never_contradicts_itself() {
    let start = |turn: &mut Turn<'_>, target: Target| {
        let second = Some(Box::new(target.clone()));
        ServerInvite::new(turn, key(), None, target, second)
    };
    assert_eq!([Transport::Udp, Transport::Tcp].map(|transport| explore(transport, start)), [564, 409]);
}

#[test]
fn another_server_never_contradicts_itself() {
    let start = |turn: &mut Turn<'_>, target| ServerOther::new(turn, key(), target, None);
    assert_eq!([Transport::Udp, Transport::Tcp].map(|transport| explore(transport, start)), [4, 4]);
}
