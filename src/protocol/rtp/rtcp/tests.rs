//! Reports written and read, reports of others, reports of nobody, and what two reporters learn of each other.

use super::read::{Extended, Packet, read};
use super::reporter::{Reported, Reporter};
use super::write::{Compound, SenderReport};
use super::*;
use crate::base::entropy::Entropy;
use crate::protocol::rtp::outgoing::Outgoing;
use crate::protocol::rtp::packet::Header;
use crate::protocol::rtp::sequence::Reception;
use proptest::prelude::*;
use std::time::{Instant, SystemTime};

const BLOCK: ReportBlock = ReportBlock {
    ssrc: 0x0102_0304,
    fraction_lost: 25,
    lost: -3,
    highest: 0x1_ffff,
    jitter: 77,
    last_sender_report: 0xaabb_ccdd,
    delay_since: 65_536,
};

fn metrics() -> VoipMetrics {
    VoipMetrics {
        loss_rate: 3,
        burst_duration: 1_000,
        signal_level: -20,
        rating: 85,
        listening: 41,
        absolute_delay: 300,
        ..VoipMetrics::unknown(9)
    }
}

#[allow(clippy::disallowed_methods)]
fn now() -> Now {
    Now { instant: Instant::now(), wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000) }
}

#[test]
fn what_is_written_is_read() {
    let mut buffer = [0; 512];
    let mut compound = Compound::new(&mut buffer);
    let report = SenderReport { ssrc: 5, ntp: 0x1122_3344_5566_7788, timestamp: 160, packets: 10, octets: 1_600 };
    compound.sender_report(&report, Some(&BLOCK));
    compound.receiver_report(6, None);
    compound.name(5, "abc@example.com");
    compound.reference_time(5, 99);
    compound.since_reference_time(5, 7, 8, 9);
    compound.voip_metrics(5, &metrics());
    compound.bye(5);
    let length = compound.length();
    let mut packets = read(&buffer[..length]);
    match packets.next() {
        Some(Packet::SenderReport { ssrc: 5, ntp, timestamp: 160, packets: 10, octets: 1_600, blocks }) => {
            assert_eq!(ntp, report.ntp);
            assert_eq!(blocks.collect::<Vec<_>>(), [BLOCK]);
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(packets.next(), Some(Packet::ReceiverReport { ssrc: 6, blocks }) if blocks.count() == 0));
    assert_eq!(packets.next(), Some(Packet::Name { ssrc: 5, name: b"abc@example.com" }));
    let extended: Vec<Extended> = packets
        .by_ref()
        .take(3)
        .flat_map(|packet| match packet {
            Packet::Extended { ssrc: 5, blocks } => blocks.collect::<Vec<Extended>>(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        extended,
        [
            Extended::ReferenceTime { ntp: 99 },
            Extended::SinceReferenceTime { ssrc: 7, last: 8, delay: 9 },
            Extended::Voip(metrics()),
        ]
    );
    assert!(matches!(packets.next(), Some(Packet::Bye { sources }) if sources.eq([5])));
    assert_eq!(packets.next(), None);
}

#[test]
fn what_does_not_fit_is_left_out_whole() {
    for room in 0..60 {
        let mut buffer = vec![0xee; room];
        let mut compound = Compound::new(&mut buffer);
        compound.receiver_report(6, Some(&BLOCK));
        compound.bye(6);
        let length = compound.length();
        assert!([0, 8, 32, 40].contains(&length), "{length}");
        assert!(buffer[length..].iter().all(|byte| *byte == 0xee));
    }
}

fn check(bytes: &[u8], expected: usize) {
    assert_eq!(read(bytes).count(), expected, "{bytes:02x?}");
}

#[test]
fn lengths_that_lie_end_the_reading() {
    check(&[0x81, 201, 0, 1, 0, 0, 0, 6], 1);
    check(&[0x81, 201, 0, 9, 0, 0, 0, 6], 0);
    check(&[0x41, 201, 0, 1, 0, 0, 0, 6], 0);
    check(&[0x80, 200, 0, 1, 0, 0, 0, 6], 0);
    check(&[0x9f, 203, 0, 1, 0, 0, 0, 6], 0);
    check(&[0x80, 203, 0, 0, 0x81, 203, 0, 1, 0, 0, 0, 6], 2);
    // Unknown kinds are stepped over.
    check(&[0x80, 199, 0, 1, 0, 0, 0, 6, 0x81, 203, 0, 1, 0, 0, 0, 6], 1);
    // Padding that is longer than what it pads.
    check(&[0xa0, 201, 0, 1, 0, 0, 0, 9], 0);
    check(&[0xa0, 201, 0, 2, 0, 0, 0, 6, 0, 0, 0, 4], 1);
    // A name that runs over its packet.
    check(&[0x81, 202, 0, 2, 0, 0, 0, 6, 1, 200, b'a', b'b'], 0);
    check(&[0x81, 202, 0, 2, 0, 0, 0, 6, 2, 2, b'a', b'b'], 0);
}

/// Two ends that report to each other over a line with this delay each way.
struct Talk {
    now: Now,
    ends: [End; 2],
}

struct End {
    outgoing: Outgoing,
    reception: Reception,
    reporter: Reporter,
}

impl End {
    fn new(seed: u64, now: Now) -> End {
        let mut entropy = Entropy::from_number(seed);
        let outgoing = Outgoing::new(&mut entropy);
        End { outgoing, reception: Reception::new(8_000), reporter: Reporter::new(now, &mut entropy) }
    }

    fn report(&mut self, now: Now, buffer: &mut [u8]) -> usize {
        let reported = Reported {
            outgoing: &self.outgoing,
            clock: 8_000,
            reception: &mut self.reception,
            metrics: Some(metrics()),
        };
        self.reporter.write(now, buffer, reported)
    }
}

impl Talk {
    fn new() -> Talk {
        let now = now();
        Talk { now, ends: [End::new(1, now), End::new(2, now)] }
    }

    fn audio(&mut self, from: usize, lost: bool) {
        let header = self.ends[from].outgoing.own(self.now.instant, 8_000, 160, 160);
        if !lost {
            self.ends[1 - from].reception.take(self.now.instant, &header);
        }
    }

    /// Whether the receiver was told that the peer has left.
    fn deliver(&mut self, from: usize, delay: Duration, compound: &[u8]) -> bool {
        let ours = self.ends[1 - from].outgoing.ssrc();
        self.ends[1 - from].reporter.take(self.now.after(delay), ours, compound)
    }
}

#[test]
fn both_ends_learn_the_round_trip_and_the_loss() {
    let mut talk = Talk::new();
    let mut buffer = [0; 256];
    for at in 0..500 {
        talk.now = talk.now.after(Duration::from_millis(20));
        talk.audio(0, at % 10 == 9);
        talk.audio(1, false);
    }
    for from in [0, 1, 0] {
        talk.now = talk.now.after(Duration::from_millis(700));
        let length = talk.ends[from].report(talk.now, &mut buffer);
        talk.deliver(from, Duration::from_millis(30), &buffer[..length]);
    }
    // The second report answered the first: sent 0.7 s after it, heard 30 ms after being sent, each way.
    let trip = talk.ends[0].reporter.round_trip().expect("measured").as_millis();
    assert!((58..=61).contains(&trip), "{trip}");
    let trip = talk.ends[1].reporter.round_trip().expect("measured").as_millis();
    assert!((58..=61).contains(&trip), "{trip}");
    let remote = talk.ends[0].reporter.remote().expect("told");
    assert_eq!((remote.lost, remote.fraction_lost), (49, 25));
    assert_eq!(talk.ends[1].reporter.remote().map(|remote| remote.lost), Some(0));
    assert_eq!(talk.ends[0].reporter.remote().and_then(|remote| remote.metrics), None, "it speaks none");
}

#[test]
fn who_sends_nothing_reports_as_a_receiver() {
    let mut talk = Talk::new();
    let mut buffer = [0; 256];
    let length = talk.ends[0].report(talk.now, &mut buffer);
    assert!(matches!(read(&buffer[..length]).next(), Some(Packet::ReceiverReport { .. })));
    talk.audio(0, false);
    let length = talk.ends[0].report(talk.now, &mut buffer);
    assert!(matches!(read(&buffer[..length]).next(), Some(Packet::SenderReport { packets: 1, octets: 160, .. })));
    assert!(length <= write::COMPOUND_BYTES_MAX);
    let length = talk.ends[0].report(talk.now, &mut buffer);
    assert!(matches!(read(&buffer[..length]).next(), Some(Packet::ReceiverReport { .. })));
}

#[test]
fn extended_reports_go_to_those_who_speak_them_and_answer_their_time() {
    let mut talk = Talk::new();
    let mut buffer = [0; 512];
    let length = talk.ends[0].report(talk.now, &mut buffer);
    assert!(!read(&buffer[..length]).any(|packet| matches!(packet, Packet::Extended { .. })));
    let mut compound = Compound::new(&mut buffer);
    compound.receiver_report(77, None);
    compound.reference_time(77, ntp(talk.now));
    compound.voip_metrics(77, &VoipMetrics { ssrc: talk.ends[0].outgoing.ssrc(), ..metrics() });
    let length = compound.length();
    talk.deliver(1, Duration::ZERO, &buffer[..length]);
    assert_eq!(
        talk.ends[0].reporter.remote().and_then(|remote| remote.metrics).map(|metrics| metrics.rating),
        Some(85)
    );
    let later = talk.now.after(Duration::from_millis(1_500));
    let length = talk.ends[0].report(later, &mut buffer);
    let extended: Vec<Extended> = read(&buffer[..length])
        .filter_map(|packet| match packet {
            Packet::Extended { blocks, .. } => Some(blocks),
            _ => None,
        })
        .flatten()
        .collect();
    let last = middle(ntp(talk.now));
    assert_eq!(extended, [Extended::SinceReferenceTime { ssrc: 77, last, delay: 98_304 }, Extended::Voip(metrics())]);
}

#[test]
fn a_farewell_is_heard() {
    let mut talk = Talk::new();
    let mut buffer = [0; 256];
    let End { outgoing, reception, reporter } = &mut talk.ends[0];
    let reported = Reported { outgoing, clock: 8_000, reception, metrics: None };
    let length = reporter.write_bye(talk.now, &mut buffer, reported);
    assert!(talk.deliver(0, Duration::ZERO, &buffer[..length]));
    let length = talk.ends[1].report(talk.now, &mut buffer);
    assert!(!talk.deliver(1, Duration::ZERO, &buffer[..length]));
}

#[test]
fn reports_are_seconds_apart_and_not_in_step() {
    let mut talk = Talk::new();
    let mut buffer = [0; 256];
    let first = talk.ends[0].reporter.deadline() - talk.now.instant;
    assert!((Duration::from_millis(1_000)..Duration::from_millis(3_100)).contains(&first), "{first:?}");
    let mut intervals = Vec::new();
    for _ in 0..100 {
        talk.ends[0].report(talk.now, &mut buffer);
        intervals.push(talk.ends[0].reporter.deadline() - talk.now.instant);
    }
    assert!(intervals.iter().all(|interval| (2_000..6_200).contains(&interval.as_millis())));
    intervals.sort();
    intervals.dedup();
    assert!(intervals.len() > 30);
}

#[test]
fn round_trips_that_cannot_be_are_not_believed() {
    let mut talk = Talk::new();
    let ours = talk.ends[0].outgoing.ssrc();
    let present = middle(ntp(talk.now));
    for (last, delay, expected) in [
        (0, 0, None),
        (present.wrapping_sub(65_536 * 20), 0, None),
        (present, 65_536, None),
        (present.wrapping_sub(65_536), 65_536 + 100, Some(0)),
        (present.wrapping_sub(65_536), 32_768, Some(500)),
    ] {
        let mut buffer = [0; 64];
        let mut compound = Compound::new(&mut buffer);
        let block = ReportBlock { ssrc: ours, last_sender_report: last, delay_since: delay, ..BLOCK };
        compound.receiver_report(77, Some(&block));
        let length = compound.length();
        talk.deliver(1, Duration::ZERO, &buffer[..length]);
        assert_eq!(talk.ends[0].reporter.round_trip().map(|trip| trip.as_millis()), expected, "{last} {delay}");
    }
}

#[test]
fn reports_on_other_sources_are_not_ours() {
    let mut talk = Talk::new();
    let mut buffer = [0; 64];
    let mut compound = Compound::new(&mut buffer);
    compound.receiver_report(77, Some(&BLOCK));
    let length = compound.length();
    talk.deliver(1, Duration::ZERO, &buffer[..length]);
    assert_eq!(talk.ends[0].reporter.remote(), None);
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(bytes: Vec<u8>, kind in 192u8..=224, head: u8) {
        let mut bytes = bytes;
        bytes.iter_mut().zip([0x80 | (head & 0x3f), kind, 0, head >> 3]).for_each(|(slot, byte)| *slot = byte);
        let mut talk = Talk::new();
        talk.deliver(1, Duration::ZERO, &bytes);
        let header = Header { payload_type: 0, marker: false, sequence: 1, timestamp: 1, ssrc: 77 };
        talk.ends[0].reception.take(talk.now.instant, &header);
        let mut buffer = [0; 256];
        prop_assert!(talk.ends[0].report(talk.now, &mut buffer) > 0);
    }
}
