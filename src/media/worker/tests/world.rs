//! A worker with its edge played by the test: every bind succeeds, every packet is written down.

use crate::base::entropy::Entropy;
use crate::base::id::{CallId, LegId};
use crate::base::now::Now;
use crate::media::command::*;
use crate::media::event::Event;
use crate::media::handshake::HandshakeOrder;
use crate::media::matrix::Matrix;
use crate::media::ports::PortRange;
use crate::media::transmit::SocketId;
use crate::media::worker::{Arrived, Output, Worker};
use crate::protocol::audio::codec::Codec;
use crate::protocol::rtp::packet::{Header, Packet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant, UNIX_EPOCH};

pub const CALL: CallId = CallId(7);
pub const A: LegId = LegId(0);
pub const B: LegId = LegId(1);
pub const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub const ALICE: &str = "192.0.2.1:4000";
pub const BOB: &str = "192.0.2.2:5000";
pub const STRANGER: &str = "198.51.100.66:6000";
pub const WINDOW: Duration = Duration::from_secs(5);

pub fn stream(leg: LegId) -> StreamId {
    StreamId { call: CALL, leg }
}

pub fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// PCMU under its static payload type, both directions, twenty milliseconds, nothing learned.
pub fn plan(remote: &str) -> StreamPlan {
    StreamPlan::of(codec(Codec::Pcmu, 0, 0)).toward(address(remote))
}

pub fn codec(codec: Codec, receive: u8, send: u8) -> PlannedCodec {
    let kind = 1 + codec.sample_rate() / 1_000 + u32::from(codec == Codec::Pcma);
    PlannedCodec { codec, payload: PayloadPair { receive, send, clock: codec.clock() }, kind }
}

/// What left a worker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Left {
    pub from: SocketId,
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
}

impl Left {
    pub fn header(&self) -> Header {
        Packet::parse(&self.bytes).unwrap().header()
    }

    pub fn payload(&self) -> &[u8] {
        Packet::parse(&self.bytes).unwrap().payload()
    }
}

pub struct World {
    pub now: Now,
    pub worker: Worker,
    pub events: Vec<Event>,
    pub closed: Vec<u32>,
    pub bound: Vec<SocketAddr>,
    /// Ports that somebody else holds.
    pub refuse: Vec<u16>,
    /// What the worker sent of its own accord.
    pub made: Vec<Left>,
    /// Handshakes that it wanted.
    pub orders: Vec<HandshakeOrder>,
}

impl World {
    pub fn new() -> World {
        World::with_ports(20_000, 20_099)
    }

    pub fn with_ports(first: u16, last: u16) -> World {
        let now = Now { instant: Instant::now(), wall: UNIX_EPOCH + Duration::from_secs(1_795_262_357) };
        let range = PortRange { ports: first..=last, share: (0, 1), reuse_delay: Duration::from_secs(30) };
        World {
            now,
            worker: Worker::new(now, range, Entropy::from_number(1)),
            events: Vec::new(),
            closed: Vec::new(),
            bound: Vec::new(),
            refuse: Vec::new(),
            made: Vec::new(),
            orders: Vec::new(),
        }
    }

    /// Two legs that hear each other.
    pub fn of_two(a: StreamPlan, b: StreamPlan) -> World {
        let mut world = World::new();
        for (leg, plan) in [(A, a), (B, b)] {
            world.tell(Command::Open { stream: stream(leg), bind: HERE });
            world.plan(leg, plan);
        }
        world.tell(Command::Matrix { call: CALL, matrix: Matrix::of_two(A, B) });
        world.events.clear();
        world
    }

    pub fn plan(&mut self, leg: LegId, plan: StreamPlan) {
        self.tell(Command::Plan { stream: stream(leg), plan: Box::new(plan) });
    }

    pub fn tell(&mut self, command: Command) {
        self.worker.handle_command(self.now, command);
        self.drain();
    }

    /// Lets time pass, with everything that is due in it.
    pub fn pass(&mut self, step: Duration) {
        let end = self.now.after(step);
        while let Some(at) = self.worker.deadline().filter(|at| *at <= end.instant) {
            let to = at.max(self.now.instant);
            self.now = self.now.after(to.duration_since(self.now.instant));
            self.worker.handle_deadline(self.now);
            self.drain();
        }
        self.now = self.now.after(end.instant.duration_since(self.now.instant));
    }

    /// The worker sleeps through all that is due in this time, and takes it up at its end.
    pub fn oversleep(&mut self, step: Duration) {
        self.now = self.now.after(step);
        while self.worker.deadline().is_some_and(|at| at <= self.now.instant) {
            self.worker.handle_deadline(self.now);
            self.drain();
        }
    }

    /// A datagram comes on the RTP port of a leg; what leaves at once is the answer.
    pub fn comes(&mut self, leg: LegId, from: &str, bytes: &[u8]) -> Option<Left> {
        self.comes_on(SocketId { slot: u32::from(leg.0), control: false }, from, bytes)
    }

    pub fn comes_on(&mut self, socket: SocketId, from: &str, bytes: &[u8]) -> Option<Left> {
        let mut buffer = [0; 2_048];
        buffer[..bytes.len()].copy_from_slice(bytes);
        let arrived = Arrived { socket, from: address(from), length: bytes.len() };
        let sending = self.worker.handle_packet(self.now, arrived, &mut buffer);
        let left = sending.map(|it| Left { from: it.socket, to: it.to, bytes: buffer[..it.length].to_vec() });
        self.drain();
        left
    }

    pub fn port(&self, leg: LegId) -> u16 {
        self.bound[usize::from(leg.0)].port()
    }

    fn drain(&mut self) {
        while let Some(sent) = self.worker.poll_transmit() {
            self.made.push(Left { from: sent.socket, to: sent.to, bytes: sent.bytes.to_vec() });
        }
        while let Some(output) = self.worker.poll_output() {
            match output {
                Output::Bind { slot, address } => {
                    let free = !self.refuse.contains(&address.port());
                    if free {
                        self.bound.push(address);
                    }
                    self.worker.handle_bound(self.now, slot, free);
                }
                Output::Close { slot } => self.closed.push(slot),
                Output::Event(event) => self.events.push(event),
                Output::Handshake(order) => self.orders.push(order),
            }
        }
    }
}

/// One side's packets: a running sequence with a known SSRC.
pub struct Talker {
    pub next: Header,
}

impl Talker {
    pub fn new(ssrc: u32, payload_type: u8) -> Talker {
        Talker { next: Header { payload_type, marker: false, sequence: 100, timestamp: 160_000, ssrc } }
    }

    /// The next packet of twenty milliseconds.
    pub fn packet(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut bytes = self.next.to_bytes().to_vec();
        bytes.extend_from_slice(payload);
        self.skip();
        bytes
    }

    /// One packet that is lost on its way.
    pub fn skip(&mut self) {
        self.next.sequence = self.next.sequence.wrapping_add(1);
        self.next.timestamp = self.next.timestamp.wrapping_add(160);
    }
}
