//! What one packet costs on its way: header, sequence, SRTP. Prints a table beside the cost of copying it; judges by the goals.

// These see the world from outside: clocks and waiting are theirs.
#![allow(clippy::disallowed_methods)]

use offhook::base::entropy::Entropy;
use offhook::protocol::rtp::jitter_buffer::{JitterBuffer, Limits};
use offhook::protocol::rtp::kind::Kind;
use offhook::protocol::rtp::outgoing::{Arrival, Outgoing};
use offhook::protocol::rtp::packet::{Header, Packet};
use offhook::protocol::rtp::sequence::Reception;
use offhook::protocol::rtp::srtp::{SrtpReceiver, SrtpSender, TRAILER_BYTES_MAX};
use offhook::protocol::rtp::suite::Suite;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Header and 20 ms of G.711.
const PACKET_BYTES: usize = 172;

/// The best of several rounds, per turn: the machine is shared, and only the floor of its noise says something.
fn best(mut turn: impl FnMut()) -> Duration {
    let turns = 20_000;
    let rounds = (0..15).map(|_| {
        let start = Instant::now();
        (0..turns).for_each(|_| turn());
        start.elapsed()
    });
    rounds.min().unwrap_or_default() / turns
}

fn packet(sequence: u16) -> [u8; PACKET_BYTES + TRAILER_BYTES_MAX] {
    let mut bytes = [0x55; PACKET_BYTES + TRAILER_BYTES_MAX];
    let header =
        Header { payload_type: 0, marker: false, sequence, timestamp: u32::from(sequence) * 160, ssrc: 0x0102_0304 };
    bytes[..12].copy_from_slice(&header.to_bytes());
    bytes
}

/// What the forward path does to a packet without SRTP: what it is, whether it is whole, where it belongs, its new header.
fn forward() -> Duration {
    let mut outgoing = Outgoing::new(&mut Entropy::from_number(1));
    let mut reception = Reception::new(8_000);
    let (mut bytes, mut sequence, mut now) = (packet(0), 0u16, Instant::now());
    best(|| {
        sequence = sequence.wrapping_add(1);
        now += Duration::from_millis(20);
        bytes[2..4].copy_from_slice(&sequence.to_be_bytes());
        let datagram = black_box(&mut bytes[..PACKET_BYTES]);
        if Kind::of(datagram) != Kind::Rtp {
            return;
        }
        let Ok(packet) = Packet::parse(datagram) else { return };
        let (header, payload_bytes) = (packet.header(), packet.payload().len());
        reception.take(now, &header);
        let arrival = Arrival { origin: 1, header, clock: 8_000, payload_bytes };
        if let Some(header) = outgoing.forward(now, &arrival) {
            header.overwrite(datagram);
        }
        bytes[4..12].copy_from_slice(&[0; 8]);
    })
}

fn edit() -> Duration {
    let mut bytes = packet(0);
    best(|| {
        let datagram = black_box(&mut bytes[..PACKET_BYTES]);
        if let Ok(packet) = Packet::parse(datagram) {
            let header = packet.header();
            Header { sequence: header.sequence.wrapping_add(1), ssrc: 9, ..header }.overwrite(datagram);
        }
    })
}

fn jitter_buffer() -> Duration {
    let mut buffer = JitterBuffer::new(8_000, Limits::default());
    let (mut sequence, mut now) = (0u16, Instant::now());
    best(|| {
        sequence = sequence.wrapping_add(1);
        now += Duration::from_millis(20);
        let bytes = packet(sequence);
        if let Ok(packet) = Packet::parse(&bytes[..PACKET_BYTES]) {
            buffer.put(now, &packet.header(), packet.payload(), 160);
        }
        black_box(buffer.pull(now));
    })
}

fn protect_and_unprotect(suite: Suite) -> Duration {
    let master = vec![7; suite.key_bytes() + suite.salt_bytes()];
    let mut sender = SrtpSender::new(suite, &master).expect("key");
    let mut receiver = SrtpReceiver::new(suite, &master).expect("key");
    let mut bytes = packet(0);
    let mut sequence = 0u16;
    best(|| {
        sequence = sequence.wrapping_add(1);
        bytes[2..4].copy_from_slice(&sequence.to_be_bytes());
        let length = sender.protect(&mut bytes, PACKET_BYTES).expect("protected");
        let length = receiver.unprotect(&mut bytes[..length]).expect("its own");
        black_box(length);
    })
}

fn row(what: &str, taken: Duration, floor: Duration, goal_nanos: u64) -> bool {
    let ratio = taken.as_secs_f64() / floor.as_secs_f64().max(1e-9);
    let met = taken <= Duration::from_nanos(goal_nanos);
    println!("{what:<40} {taken:>10.1?} {ratio:>8.1} {goal_nanos:>8} ns  {}", if met { "met" } else { "MISSED" });
    met
}

fn main() {
    let bytes = packet(1);
    let floor = best(|| {
        black_box(bytes);
    });
    println!("{:<40} {:>10} {:>8} {:>11}", "per packet of 172 bytes", "taken", "copies", "goal");
    let mut met = row("parse and rewrite a header", edit(), floor, 30);
    met &= row("kind, parse, count, renumber, rewrite", forward(), floor, 150);
    met &= row("into the jitter buffer and out", jitter_buffer(), floor, 500);
    for suite in Suite::ALL {
        let goal = if suite.salt_bytes() == 12 { 1_000 } else { 2_000 };
        met &= row(&format!("protect and unprotect {}", suite.name()), protect_and_unprotect(suite), floor, goal);
    }
    std::process::exit(i32::from(!met));
}
