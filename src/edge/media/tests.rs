//! Workers with real sockets on loopback: two parties talk through one, and through one that was asleep.

use super::*;
use crate::base::id::{CallId, LegId};
use crate::media::command::{PayloadPair, PlannedCodec, StreamId, StreamPlan};
use crate::media::matrix::Matrix;
use crate::protocol::audio::codec::Codec;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

const CALL: CallId = CallId(3);
const PATIENCE: Duration = Duration::from_secs(10);

fn stream(leg: u8) -> StreamId {
    StreamId { call: CALL, leg: LegId(leg) }
}

fn plan(remote: SocketAddr) -> StreamPlan {
    let payload = PayloadPair { receive: 0, send: 0, clock: 8_000 };
    let codec = PlannedCodec { codec: Codec::Pcmu, payload, kind: 1 };
    StreamPlan { remote_rtcp: None, ..StreamPlan::of(codec).toward(remote) }
}

fn party(here: IpAddr) -> UdpSocket {
    let socket = UdpSocket::bind((here, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn packet(sequence: u16, payload: &[u8]) -> Vec<u8> {
    let [high, low] = sequence.to_be_bytes();
    let [a, b, c, d] = (u32::from(sequence) * 160).to_be_bytes();
    let mut bytes = vec![0x80, 0, high, low, a, b, c, d, 0, 0, 0, 7];
    bytes.extend_from_slice(payload);
    bytes
}

struct Talk {
    plane: MediaPlane,
    told: tokio::sync::mpsc::Receiver<Event>,
    parties: [UdpSocket; 2],
    ports: [SocketAddr; 2],
}

impl Talk {
    fn begin(here: IpAddr, ports: RangeInclusive<u16>) -> Talk {
        let settings = WorkerSettings { workers: 2, ports, ..WorkerSettings::default() };
        let metrics = Metrics::new(Duration::ZERO).unwrap();
        let (plane, mut told) = MediaPlane::start(&settings, &mut Entropy::from_number(5), &metrics).unwrap();
        let parties = [party(here), party(here)];
        let ports = [0, 1].map(|leg| {
            plane.send(Command::Open { stream: stream(leg), bind: here }).unwrap();
            match told.blocking_recv() {
                Some(Event::Opened { local, .. }) => local,
                other => panic!("{other:?}"),
            }
        });
        for (leg, party) in (0..).zip(&parties) {
            let plan = Box::new(plan(party.local_addr().unwrap()));
            plane.send(Command::Plan { stream: stream(leg), plan }).unwrap();
        }
        plane.send(Command::Matrix { call: CALL, matrix: Matrix::of_two(LegId(0), LegId(1)) }).unwrap();
        // A closed stream of a third leg tells that everything before it was obeyed.
        plane.send(Command::Open { stream: stream(2), bind: here }).unwrap();
        assert!(matches!(told.blocking_recv(), Some(Event::Opened { .. })));
        Talk { plane, told, parties, ports }
    }

    fn crosses(&self, from: usize, sequence: u16) -> Vec<u8> {
        self.parties[from].send_to(&packet(sequence, b"hello"), self.ports[from]).unwrap();
        let mut buffer = [0; 2_048];
        let (length, source) = self.parties[1 - from].recv_from(&mut buffer).unwrap();
        assert_eq!(source, self.ports[1 - from], "a party hears us from the port that we told it");
        buffer[..length].to_vec()
    }

    fn end(mut self) {
        for leg in [0, 1, 2] {
            self.plane.send(Command::Close { stream: stream(leg) }).unwrap();
        }
        let mut closed = 0;
        while closed < 3 {
            closed += u8::from(matches!(self.told.blocking_recv(), Some(Event::Closed { .. })));
        }
        self.plane.stop();
        assert_eq!(self.plane.tally().streams, 0);
    }
}

fn talk(here: IpAddr, ports: RangeInclusive<u16>) {
    let talk = Talk::begin(here, ports);
    for sequence in 0..50 {
        for from in [0, 1] {
            assert_eq!(talk.crosses(from, sequence).get(12..), Some(&b"hello"[..]));
        }
    }
    talk.end();
}

#[test]
fn two_parties_talk_over_ipv4() {
    talk(IpAddr::V4(Ipv4Addr::LOCALHOST), 21_000..=21_099);
}

#[test]
fn two_parties_talk_over_ipv6() {
    talk(IpAddr::V6(Ipv6Addr::LOCALHOST), 21_100..=21_199);
}

#[test]
fn a_port_that_somebody_holds_is_passed_over() {
    let here = Ipv4Addr::LOCALHOST;
    // Of the first worker's share, the RTCP port of one pair is taken: that pair cannot be had.
    let held = UdpSocket::bind((here, 21_203)).unwrap();
    let talk = Talk::begin(IpAddr::V4(here), 21_200..=21_215);
    assert!(talk.ports.iter().all(|port| port.port() != 21_202), "{:?}", talk.ports);
    drop(held);
    talk.end();
}

#[test]
fn what_a_worker_counts_is_shown_when_it_ends() {
    let talk = Talk::begin(IpAddr::V4(Ipv4Addr::LOCALHOST), 21_300..=21_399);
    let stranger = party(IpAddr::V4(Ipv4Addr::LOCALHOST));
    stranger.send_to(&packet(1, b"intruder"), talk.ports[0]).unwrap();
    assert_eq!(talk.crosses(0, 1).get(12..), Some(&b"hello"[..]));
    talk.plane.stop();
    let counters = talk.plane.tally().counters;
    assert_eq!((counters.packets_in, counters.forwarded, counters.refused(Refusal::Stranger)), (2, 1, 1));
    assert_eq!(talk.plane.progress().len(), 2);
}
