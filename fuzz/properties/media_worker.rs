//! What must hold for any story of commands, datagrams and time told to a media worker. Used by the fuzz target and by the
//! replay of its seeds.

use offhook::base::entropy::Entropy;
use offhook::base::id::{CallId, LegId};
use offhook::base::now::Now;
use offhook::media::command::{Command, Learning, PayloadPair, PlannedCodec, SrtpKeys, StreamId, StreamPlan};
use offhook::media::matrix::Matrix;
use offhook::media::ports::PortRange;
use offhook::media::transmit::SocketId;
use offhook::media::worker::{Arrived, Output, Worker};
use offhook::protocol::audio::codec::Codec;
use offhook::protocol::rtp::suite::Suite;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant, UNIX_EPOCH};

const CALL: CallId = CallId(1);
const LEGS: u8 = 3;

/// The peer of a leg; the stranger is nobody's.
fn address(leg: u8) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10 + leg)), 4_000)
}

fn stranger() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 66)), 4_000)
}

struct Story<'a> {
    bytes: &'a [u8],
}

impl Story<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.bytes.split_first().map_or((0, self.bytes), |(first, rest)| (*first, rest));
        self.bytes = rest;
        first
    }

    fn take(&mut self, most: usize) -> Vec<u8> {
        let (taken, rest) = self.bytes.split_at(most.min(self.bytes.len()));
        self.bytes = rest;
        taken.to_vec()
    }

    fn leg(&mut self) -> u8 {
        self.byte() % LEGS
    }

    /// A plan that never lets a stranger in: learned is a port at most.
    fn plan(&mut self, leg: u8) -> StreamPlan {
        let flags = self.byte();
        let codecs =
            [(Codec::Pcmu, 0, 8_000), (Codec::Pcma, 8, 8_000), (Codec::Opus, 96, 48_000), (Codec::Opaque, 18, 8_000)];
        let (codec, payload, clock) = codecs[usize::from(flags >> 6)];
        let pair = |payload, clock| PayloadPair { receive: payload, send: payload, clock };
        let key: Box<[u8]> = (0..30).collect();
        let suite = Suite::AesCm128HmacSha1_80;
        let remote = (flags & 1 == 0).then(|| address(leg));
        let port = Learning::Port { within: Duration::from_secs(5) };
        let planned = PlannedCodec { codec, payload: pair(payload, clock), kind: u32::from(payload) + 1 };
        StreamPlan {
            remote,
            remote_rtcp: remote.map(|at| SocketAddr::new(at.ip(), at.port() + 1)),
            rtcp_mux: flags & 2 != 0,
            learning: if flags & 4 == 0 { Learning::Never } else { port },
            sends: flags & 8 == 0,
            receives: flags & 16 == 0,
            telephone_event: Some(pair(101, 8_000)),
            comfort_noise: Some(pair(13, 8_000)),
            srtp: (flags & 32 != 0).then(|| SrtpKeys { suite, ours: key.clone(), theirs: key }),
            silent_after: Some(Duration::from_secs(1)),
            ..StreamPlan::of(planned)
        }
    }
}

struct World {
    now: Now,
    worker: Worker,
    buffer: Vec<u8>,
}

impl World {
    fn drain(&mut self) {
        while let Some(sent) = self.worker.poll_transmit() {
            assert_ne!(sent.to, stranger(), "something of ours went to a stranger");
            assert!(sent.bytes.len() < 2_000);
        }
        let mut outputs = 0;
        while let Some(output) = self.worker.poll_output() {
            outputs += 1;
            assert!(outputs < 10_000, "it never ends");
            if let Output::Bind { slot, address } = output {
                self.worker.handle_bound(self.now, slot, address.port() % 8 != 0);
            }
        }
    }

    fn tell(&mut self, command: Command) {
        self.worker.handle_command(self.now, command);
        self.drain();
    }

    fn packet(&mut self, story: &mut Story<'_>) {
        let (slot, from) = (u32::from(story.byte()), story.byte());
        let source = if from & 3 == 3 { stranger() } else { address(from & 3) };
        let source = SocketAddr::new(source.ip(), source.port() + u16::from(from >> 2 & 3));
        let length = usize::from(story.byte());
        let datagram = story.take(length);
        self.buffer[..datagram.len()].copy_from_slice(&datagram);
        let socket = SocketId { slot: slot >> 1 & 3, control: slot & 1 == 1 };
        let arrived = Arrived { socket, from: source, length: datagram.len() };
        if let Some(sending) = self.worker.handle_packet(self.now, arrived, &mut self.buffer) {
            assert_ne!(source.ip(), stranger().ip(), "a stranger's packet crossed");
            assert_ne!(sending.to.ip(), stranger().ip(), "a packet went to a stranger");
            assert!(sending.length <= self.buffer.len());
        }
        self.drain();
    }
}

pub fn hold(bytes: &[u8]) {
    let now = Now { instant: Instant::now(), wall: UNIX_EPOCH + Duration::from_secs(1_795_262_357) };
    let range = PortRange { ports: 20_000..=20_031, share: (0, 1), reuse_delay: Duration::from_millis(100) };
    let worker = Worker::new(now, range, Entropy::from_number(7));
    let mut world = World { now, worker, buffer: vec![0; 2_048] };
    let mut story = Story { bytes };
    while !story.bytes.is_empty() {
        let kind = story.byte();
        let leg = LegId(story.leg());
        let stream = StreamId { call: CALL, leg };
        match kind % 8 {
            0 => world.tell(Command::Open { stream, bind: IpAddr::V4(Ipv4Addr::LOCALHOST) }),
            1 => {
                let plan = Box::new(story.plan(leg.0));
                world.tell(Command::Plan { stream, plan });
            }
            2 => world.tell(Command::Matrix { call: CALL, matrix: Matrix::of_two(leg, LegId(story.leg())) }),
            3 => world.tell(Command::Close { stream }),
            4 => {
                world.now = world.now.after(Duration::from_millis(u64::from(story.byte()) * 10));
                world.worker.handle_deadline(world.now);
                world.drain();
            }
            _ => world.packet(&mut story),
        }
    }
    for leg in 0..LEGS {
        world.tell(Command::Close { stream: StreamId { call: CALL, leg: LegId(leg) } });
    }
    assert_eq!((world.worker.streams(), world.worker.calls(), world.worker.ports().0), (0, 0, 0), "something is left");
}
