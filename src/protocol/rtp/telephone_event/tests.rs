//! Digits over networks that lose, delay and double, and from senders that do not follow the RFC.

use super::*;
use crate::protocol::rtp::packet::Header;
use proptest::prelude::*;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug)]
struct Sent {
    millis: u64,
    sequence: u16,
    timestamp: u32,
    marker: bool,
    payload: [u8; 4],
}

#[allow(clippy::disallowed_methods)]
fn start() -> Instant {
    Instant::now()
}

/// What a sender makes of digits, ticked every 20 ms; the timestamp runs with the clock.
fn send(digits: &str, lasts: u64, pause: u64, clock: u32) -> Vec<Sent> {
    let start = start();
    let mut sender = EventSender::new(clock);
    for digit in digits.bytes() {
        assert!(sender.push(digit, Duration::from_millis(lasts), Duration::from_millis(pause)));
    }
    let (mut sent, mut timestamp) = (Vec::new(), 0);
    for millis in (0..1_000_000).step_by(20) {
        if let Some(packet) = sender.tick(start + Duration::from_millis(millis)) {
            if packet.begins {
                timestamp = 0xffff_0000u32.wrapping_add(u32::try_from(millis).expect("short") * (clock / 1_000));
            }
            sent.push(Sent {
                millis,
                sequence: 65_530u16.wrapping_add(u16::try_from(sent.len()).expect("few")),
                timestamp: timestamp.wrapping_add(packet.timestamp_offset),
                marker: packet.marker,
                payload: packet.payload,
            });
        }
        if sender.is_idle() {
            break;
        }
    }
    sent
}

fn receive(sent: &[Sent], clock: u32) -> Vec<HeardDigit> {
    let start = start();
    let mut receiver = EventReceiver::new();
    let mut heard = Vec::new();
    for packet in sent {
        let now = start + Duration::from_millis(packet.millis);
        if let Some(deadline) = receiver.deadline().filter(|deadline| *deadline <= now) {
            receiver.handle_deadline(deadline);
        }
        let header = Header {
            payload_type: 101,
            marker: packet.marker,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            ssrc: 7,
        };
        receiver.take(now, &header, &packet.payload, clock);
        heard.extend(std::iter::from_fn(|| receiver.poll()));
    }
    if let Some(deadline) = receiver.deadline() {
        receiver.handle_deadline(deadline);
    }
    heard.extend(std::iter::from_fn(|| receiver.poll()));
    heard
}

fn letters(heard: &[HeardDigit]) -> String {
    heard.iter().map(|heard| char::from(heard.digit)).collect()
}

#[test]
fn all_keys_arrive_at_every_clock() {
    for clock in [8_000, 16_000, 48_000] {
        let heard = receive(&send("0123456789*#ABCD", 100, 100, clock), clock);
        assert_eq!(letters(&heard), "0123456789*#ABCD");
        assert!(heard.iter().all(|heard| heard.lasted == Duration::from_millis(100)), "{heard:?}");
    }
}

#[test]
fn a_digit_is_packets_every_step_with_one_marker_and_three_ends() {
    let sent = send("5", 100, 60, 8_000);
    let seen: Vec<_> = sent.iter().map(|p| (p.millis, p.marker, p.payload[1] >> 7, p.payload[3])).collect();
    let expected = [(0, 1, 0, 160), (20, 0, 0, 64), (40, 0, 0, 224), (60, 0, 0, 128)];
    let ends = [(80, 0, 1, 32), (100, 0, 1, 32), (120, 0, 1, 32)];
    let expected: Vec<_> =
        expected.into_iter().chain(ends).map(|(at, marker, end, low)| (at, marker == 1, end, low)).collect();
    assert_eq!(seen, expected);
    assert!(sent.iter().all(|packet| packet.timestamp == sent[0].timestamp));
}

#[test]
fn there_is_a_pause_between_digits() {
    let sent = send("55", 100, 80, 8_000);
    let begins: Vec<u64> = sent.iter().filter(|packet| packet.marker).map(|packet| packet.millis).collect();
    assert_eq!(begins, [0, 200]);
}

#[test]
fn a_long_press_goes_on_in_segments_and_is_one_digit() {
    for (clock, seconds) in [(8_000, 30), (16_000, 9), (48_000, 5)] {
        let sent = send("7", seconds * 1_000, 100, clock);
        assert!(sent.iter().any(|packet| packet.timestamp != sent[0].timestamp));
        let heard = receive(&sent, clock);
        assert_eq!((letters(&heard).as_str(), heard[0].lasted), ("7", Duration::from_secs(seconds)));
        let holed: Vec<Sent> = sent.iter().copied().filter(|packet| packet.millis % 300 > 100).collect();
        assert_eq!(letters(&receive(&holed, clock)), "7", "with loss");
    }
}

#[test]
fn a_stall_makes_no_burst() {
    let start = start();
    let mut sender = EventSender::new(8_000);
    assert!(sender.push(b'1', Duration::from_millis(200), Duration::ZERO));
    let first = sender.tick(start);
    let late = start + Duration::from_secs(10);
    let (second, third) = (sender.tick(late), sender.tick(late));
    assert!(first.is_some() && second.is_some() && third.is_none());
}

#[test]
fn what_is_no_digit_or_too_much_is_refused() {
    let mut sender = EventSender::new(8_000);
    assert!(!sender.push(b'x', Duration::from_millis(100), Duration::ZERO));
    let taken = (0..100).filter(|_| sender.push(b'd', Duration::from_millis(100), Duration::ZERO)).count();
    assert_eq!(taken, 64);
}

/// Packets as `(at ms, sequence, timestamp, event, end, duration)`; no marker is ever set.
fn check(packets: &[(u64, u16, u32, u8, bool, u16)], expected: &str) {
    let sent: Vec<Sent> = packets
        .iter()
        .map(|&(millis, sequence, timestamp, event, is_end, duration)| Sent {
            millis,
            sequence,
            timestamp,
            marker: false,
            payload: Report { event, is_end, duration }.to_bytes(),
        })
        .collect();
    assert_eq!(letters(&receive(&sent, 8_000)), expected, "{packets:?}");
}

#[test]
fn each_press_is_told_once_whatever_is_missing() {
    let whole = [
        (0, 1, 0, 5, false, 160),
        (20, 2, 0, 5, false, 320),
        (40, 3, 0, 5, true, 480),
        (60, 4, 0, 5, true, 480),
        (80, 5, 0, 5, true, 480),
    ];
    for mask in 1..32u32 {
        let kept: Vec<_> = (0..).zip(whole).filter(|(at, _)| mask >> at & 1 == 1).map(|(_, packet)| packet).collect();
        check(&kept, "5");
    }
    let mut backwards = whole;
    backwards.reverse();
    check(&backwards, "5");
    check(&[whole, whole].concat(), "5");
}

#[test]
fn a_lost_end_is_made_up_for_by_the_next_press_or_by_time() {
    check(&[(0, 1, 0, 5, false, 160), (200, 9, 1_600, 6, false, 160), (220, 10, 1_600, 6, true, 320)], "56");
    check(&[(0, 1, 0, 5, false, 160), (200, 9, 1_600, 5, false, 160), (220, 10, 1_600, 5, true, 320)], "55");
    check(&[(0, 1, 0, 5, false, 160), (900, 9, 0, 5, true, 480)], "5");
}

#[test]
fn ends_alone_are_presses() {
    check(&[(0, 1, 0, 5, true, 800), (20, 2, 0, 5, true, 800), (300, 3, 2_400, 5, true, 800)], "55");
}

#[test]
fn presses_under_one_timestamp_are_told_apart() {
    check(
        &[(0, 1, 0, 5, false, 160), (20, 2, 0, 5, true, 320), (100, 3, 0, 6, false, 160), (120, 4, 0, 6, true, 320)],
        "56",
    );
    check(
        &[(0, 1, 0, 5, false, 160), (20, 2, 0, 5, true, 320), (200, 3, 0, 5, false, 160), (220, 4, 0, 5, true, 320)],
        "55",
    );
}

#[test]
fn timestamps_may_run_backwards() {
    check(&[(0, 1, 9_000, 5, true, 800), (200, 2, 100, 6, true, 800), (400, 3, 50, 5, true, 800)], "565");
}

#[test]
fn a_late_packet_of_the_press_before_does_not_end_the_next() {
    check(
        &[
            (0, 1, 0, 5, false, 160),
            (40, 3, 0, 5, true, 480),
            (100, 4, 1_000, 6, false, 160),
            (110, 2, 0, 5, false, 320),
            (120, 5, 1_000, 6, true, 320),
        ],
        "56",
    );
}

#[test]
fn flashes_and_unknown_events_are_no_keys() {
    check(&[(0, 1, 0, 16, true, 160), (20, 2, 10, 255, true, 160), (40, 3, 20, 36, false, 160)], "");
}

#[test]
fn several_events_in_one_packet_are_several_presses() {
    let mut receiver = EventReceiver::new();
    let header = Header { payload_type: 101, marker: true, sequence: 1, timestamp: 0, ssrc: 7 };
    let payload = [[1, 0x8a, 3, 32], [1, 0x8a, 3, 32], [2, 0x0a, 0, 160]].concat();
    receiver.take(start(), &header, &payload, 8_000);
    let heard: Vec<_> = std::iter::from_fn(|| receiver.poll()).collect();
    assert_eq!(letters(&heard), "11");
    assert_eq!(receiver.pressed(), Some(b'2'));
}

#[test]
fn another_source_releases_the_key() {
    let mut receiver = EventReceiver::new();
    let now = start();
    for ssrc in [7, 8] {
        let header = Header { payload_type: 101, marker: true, sequence: 1, timestamp: 0, ssrc };
        receiver.take(now, &header, &[5, 0x0a, 0, 160], 8_000);
    }
    assert_eq!(receiver.poll().map(|heard| heard.digit), Some(b'5'));
    assert_eq!((receiver.poll(), receiver.pressed()), (None, Some(b'5')));
}

proptest! {
    /// As long as one packet of every press comes, and in the order of presses, all are told, once and in order.
    #[test]
    fn loss_doubling_and_disorder_cost_no_digit_and_make_none(
        digits in "[0-9*#A-D]{1,12}",
        lasts in 40u64..400,
        pause in 20u64..200,
        clock in prop::sample::select(vec![8_000u32, 16_000, 48_000]),
        fates in prop::collection::vec((0u8..10, 0u64..60), 400),
    ) {
        let sent = send(&digits, lasts, pause, clock);
        let mut kept: Vec<Sent> = Vec::new();
        let mut last = None;
        for (packet, (fate, delay)) in sent.iter().zip(&fates) {
            let mut packet = *packet;
            let is_first_kept = last != Some(packet.timestamp);
            // The last packet of a press is kept if no other was; the first packet kept of a press is not overtaken.
            let is_last = sent.iter().rfind(|other| other.timestamp == packet.timestamp).is_some_and(|other| other.sequence == packet.sequence);
            if *fate < 6 && !(is_first_kept && is_last) {
                continue;
            }
            last = Some(packet.timestamp);
            if *fate == 9 {
                kept.push(packet);
            }
            if !is_first_kept {
                packet.millis += delay;
            }
            kept.push(packet);
        }
        kept.sort_by_key(|packet| packet.millis);
        prop_assert_eq!(letters(&receive(&kept, clock)), digits);
    }

    #[test]
    fn no_packets_are_too_strange(
        packets in prop::collection::vec((any::<u16>(), 0u32..5, prop::collection::vec(any::<u8>(), 0..20)), 0..100),
    ) {
        let mut receiver = EventReceiver::new();
        let now = start();
        for (sequence, timestamp, payload) in packets {
            let header = Header { payload_type: 101, marker: false, sequence, timestamp: timestamp * 0xffff, ssrc: timestamp / 4 };
            receiver.take(now, &header, &payload, 8_000);
        }
        let heard = std::iter::from_fn(|| receiver.poll()).count();
        prop_assert!(heard <= 32);
    }
}
