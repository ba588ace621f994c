//! Two owners of transactions, A and B, and what is under way between them. The test delivers, loses and delays.

use crate::base::now::Now;
use crate::protocol::sip::message::{Message, Method};
use crate::protocol::sip::path::{ConnectionId, ListenerId, Path, Target, Transport};
use crate::protocol::sip::transaction::set::*;
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant, SystemTime};

pub const TIMERS: TimerValues =
    TimerValues { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) };

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Side {
    A,
    B,
}
pub use Side::{A, B};

impl Side {
    fn other(self) -> Side {
        if self == A { B } else { A }
    }
}

pub struct World {
    pub now: Now,
    start: Instant,
    transport: Transport,
    sets: BTreeMap<Side, Transactions>,
    /// Sender and bytes, in the order of sending.
    pub wire: VecDeque<(Side, Bytes)>,
    /// "milliseconds side what" of all that was ever sent.
    sent: Vec<String>,
    /// "side what" of all that an owner was told.
    told: Vec<String>,
    clients: BTreeMap<(Side, String), ClientKey>,
    servers: BTreeMap<(Side, String), (ServerKey, Box<Message>)>,
}

impl World {
    pub fn new(transport: Transport) -> World {
        let start = Instant::now();
        let now = Now { instant: start, wall: SystemTime::UNIX_EPOCH };
        let sets = [A, B].map(|side| (side, Transactions::new(TIMERS, 64))).into();
        World {
            now,
            start,
            transport,
            sets,
            wire: VecDeque::new(),
            sent: Vec::new(),
            told: Vec::new(),
            clients: BTreeMap::new(),
            servers: BTreeMap::new(),
        }
    }

    pub fn path(&self) -> Path {
        Path {
            transport: self.transport,
            listener: ListenerId(0),
            remote: "192.0.2.1:5060".parse().unwrap(),
            connection: self.transport.is_reliable().then_some(ConnectionId(1)),
        }
    }

    fn target(&self) -> Target {
        Target { path: self.path(), tls_name: None }
    }

    /// A request of the dialog between A and B. `name` is the method and the CSeq: "INVITE 1".
    pub fn bytes(&self, from: Side, name: &str, branch: &str) -> Bytes {
        let (method, cseq) = name.split_once(' ').unwrap();
        let to = from.other();
        let via = self.transport.via_name();
        format!(
            "{method} sip:{to:?}@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/{via} 192.0.2.1:5060;rport;branch={branch}\r\n\
             Route: <sip:192.0.2.77;lr>\r\nMax-Forwards: 70\r\nFrom: <sip:{from:?}@x>;tag=tag{from:?}\r\nTo: <sip:{to:?}@x>\r\n\
             Call-ID: call\r\nCSeq: {cseq} {method}\r\nContent-Length: 0\r\n\r\n"
        )
        .into()
    }

    /// Starts a transaction. A CANCEL takes the branch of the INVITE with its number.
    pub fn request(&mut self, side: Side, name: &str) {
        self.request_within(side, name, None);
    }

    pub fn request_within(&mut self, side: Side, name: &str, no_response: Option<Duration>) {
        let branch = branch(side, &name.replace("CANCEL", "INVITE"));
        let method = Method::parse(name.split(' ').next().unwrap());
        let bytes = self.bytes(side, name, &branch);
        let (now, target) = (self.now, self.target());
        let set = self.sets.get_mut(&side).unwrap();
        let key = set.next_key();
        set.request(now, key, ClientRequest { method, target, branch: branch.into(), bytes, no_response });
        self.clients.insert((side, name.into()), key);
        self.drain(side);
    }

    /// The owner acknowledges the 2xx of its INVITE.
    pub fn acknowledge(&mut self, side: Side, cseq: u32, to_tag: &str) {
        let ack = self.bytes(side, &format!("ACK {cseq}"), &format!("z9hG4bKack{side:?}{cseq}{to_tag}"));
        let key = self.clients[&(side, format!("INVITE {cseq}"))];
        let (now, target) = (self.now, self.target());
        self.sets.get_mut(&side).unwrap().acknowledge(now, key, to_tag, target, ack);
        self.drain(side);
    }

    pub fn respond(&mut self, side: Side, name: &str, status: u16) {
        self.respond_tagged(side, name, status, &format!("tag{side:?}"));
    }

    pub fn respond_tagged(&mut self, side: Side, name: &str, status: u16, tag: &str) {
        let (server, request) = &self.servers[&(side, name.into())];
        let source = "192.0.2.1:5060".parse().unwrap();
        let tag = (status > 100).then_some(tag);
        let writer = crate::protocol::sip::message::Writer::reply(request, source, status, "Word", tag);
        let (server, bytes, now) = (*server, writer.finish(), self.now);
        self.sets.get_mut(&side).unwrap().respond(now, server, status, bytes);
        self.drain(side);
    }

    /// Another fork answers: a response that A gets for its request, made from the bytes of that request.
    pub fn foreign_response(&mut self, to: Side, name: &str, status: u16, tag: &str) {
        let request = Message::parse(&self.bytes(to, name, &branch(to, name))).unwrap();
        let source = "192.0.2.1:5060".parse().unwrap();
        let writer = crate::protocol::sip::message::Writer::reply(&request, source, status, "Word", Some(tag));
        self.wire.push_back((to.other(), writer.finish()));
    }

    /// The message that was sent first of those under way arrives.
    pub fn deliver(&mut self) {
        let (from, bytes) = self.wire.pop_front().expect("something is under way");
        self.arrive(from.other(), &bytes);
    }

    pub fn arrive(&mut self, at: Side, bytes: &[u8]) {
        let message = Box::new(Message::parse(bytes).unwrap());
        let (now, path) = (self.now, self.path());
        self.sets.get_mut(&at).unwrap().receive(now, path, message);
        self.drain(at);
    }

    /// Everything arrives, also what is sent because of it.
    pub fn deliver_all(&mut self) {
        while !self.wire.is_empty() {
            self.deliver();
        }
    }

    pub fn lose(&mut self) -> (Side, Bytes) {
        self.wire.pop_front().expect("something is under way")
    }

    /// Moves the clock. What the timers send stays under way.
    pub fn pass(&mut self, step: Duration) {
        let end = self.now.after(step);
        while let Some((when, side)) = self.next_deadline().filter(|(when, _)| *when <= end.instant) {
            let skipped = when.saturating_duration_since(self.now.instant);
            self.now = self.now.after(skipped);
            let now = self.now;
            self.sets.get_mut(&side).unwrap().handle_deadline(now);
            self.drain(side);
        }
        self.now = end;
    }

    pub fn pass_millis(&mut self, millis: u64) {
        self.pass(Duration::from_millis(millis));
    }

    fn next_deadline(&self) -> Option<(Instant, Side)> {
        self.sets.iter().filter_map(|(side, set)| set.deadline().map(|when| (when, *side))).min()
    }

    pub fn undeliverable(&mut self, side: Side, name: &str, server: bool) {
        let token = match server {
            true => self.servers[&(side, name.into())].0.0,
            false => self.clients[&(side, name.into())].0,
        };
        let now = self.now;
        self.sets.get_mut(&side).unwrap().undeliverable(now, token);
        self.drain(side);
    }

    fn drain(&mut self, side: Side) {
        while let Some(output) = self.sets.get_mut(&side).unwrap().poll_output() {
            let told = match output {
                TransactionOutput::Send(outgoing) => {
                    let message = Message::parse(&outgoing.bytes).unwrap();
                    let at = (self.now.instant - self.start).as_millis();
                    let there = if outgoing.target == self.target() { "" } else { " elsewhere" };
                    self.sent.push(format!("{at} {side:?} {}{there}", what(&message)));
                    self.wire.push_back((side, outgoing.bytes));
                    continue;
                }
                TransactionOutput::Request { server, message, .. } => {
                    let name = what(&message);
                    self.servers.insert((side, name.clone()), (server, message));
                    name
                }
                TransactionOutput::Cancelled { .. } => "cancelled".into(),
                TransactionOutput::Acknowledged { .. } => "acknowledged".into(),
                TransactionOutput::StrayAck { .. } => "stray ACK".into(),
                TransactionOutput::Response { client, message, .. } => {
                    let known = self.clients.values().any(|key| *key == client);
                    assert!(known, "a response to a request that was made");
                    what(&message)
                }
                TransactionOutput::Silent { .. } => "silent".into(),
                TransactionOutput::TimedOut { .. } => "timed out".into(),
                TransactionOutput::Unreachable { .. } => "unreachable".into(),
                TransactionOutput::Unacknowledged { .. } => "unacknowledged".into(),
            };
            self.told.push(format!("{side:?} {told}"));
        }
    }

    /// All that was sent since this was last asked.
    pub fn sent(&mut self) -> Vec<String> {
        std::mem::take(&mut self.sent)
    }

    /// All that the owners were told since this was last asked.
    pub fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }

    pub fn repeats(&mut self, side: Side) -> Repeats {
        self.sets.get_mut(&side).unwrap().take_repeats()
    }

    /// After every timer has run out nothing may be left, on either side.
    pub fn ends(&mut self) {
        self.pass(Duration::from_secs(64));
        self.wire.clear();
        for (side, set) in &self.sets {
            assert!(set.is_empty(), "{side:?} still has {} transactions", set.len());
            assert_eq!(set.deadline(), None);
        }
    }
}

pub fn branch(side: Side, name: &str) -> String {
    format!("z9hG4bK{side:?}{}", name.replace(' ', ""))
}

/// "INVITE 1", or "200 INVITE 1".
fn what(message: &Message) -> String {
    let cseq = message.cseq().unwrap();
    match message.is_request() {
        true => format!("{} {}", message.method_text(), cseq.number),
        false => format!("{} {} {}", message.status(), cseq.method_text, cseq.number),
    }
}
