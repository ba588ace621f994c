//! What a receiver sees of a stream that many sources feed.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

struct Feed {
    start: Instant,
    millis: u64,
    outgoing: Outgoing,
}

impl Feed {
    #[allow(clippy::disallowed_methods)]
    fn new(seed: u64) -> Feed {
        Feed { start: Instant::now(), millis: 0, outgoing: Outgoing::new(&mut Entropy::from_number(seed)) }
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_millis(self.millis)
    }

    fn forward(&mut self, origin: u32, ssrc: u32, sequence: u16, timestamp: u32) -> Option<Header> {
        let arrival = arrival(origin, ssrc, sequence, timestamp);
        self.outgoing.forward(self.now(), &arrival)
    }
}

fn arrival(origin: u32, ssrc: u32, sequence: u16, timestamp: u32) -> Arrival {
    let header = Header { payload_type: 0, marker: false, sequence, timestamp, ssrc };
    Arrival { origin, header, clock: 8_000, payload_bytes: 160 }
}

/// Sends packets of one source with the given sequence numbers, 20 ms apart, and gives what came out relative to the first.
fn check(sequences: &[u16], expected: &[Option<u16>]) {
    let mut feed = Feed::new(1);
    let mut first = None;
    let mut seen = Vec::new();
    for sequence in sequences {
        feed.millis += 20;
        let timestamp = u32::from(*sequence) * 160;
        let header = feed.forward(1, 7, *sequence, timestamp);
        seen.push(header.map(|header| {
            let first = *first.get_or_insert(header.sequence);
            header.sequence.wrapping_sub(first)
        }));
    }
    assert_eq!(seen, expected, "{sequences:?}");
}

#[test]
fn loss_and_order_stay_visible() {
    check(&[10, 11, 12], &[Some(0), Some(1), Some(2)]);
    check(&[10, 12, 15], &[Some(0), Some(2), Some(5)]);
    check(&[10, 12, 11, 13], &[Some(0), Some(2), Some(1), Some(3)]);
    check(&[10, 11, 11, 12], &[Some(0), Some(1), None, Some(2)]);
}

#[test]
fn what_came_before_the_first_packet_is_not_sent() {
    check(&[10, 9, 11], &[Some(0), None, Some(1)]);
}

#[test]
fn a_restart_costs_one_packet_and_leaves_no_gap() {
    check(&[10, 11, 30_000, 30_001, 30_002], &[Some(0), Some(1), None, Some(2), Some(3)]);
    check(&[10, 11, 30_000, 12, 13], &[Some(0), Some(1), None, Some(2), Some(3)]);
}

#[test]
fn a_switch_of_sources_is_the_next_number_at_the_time_that_has_passed() {
    let mut feed = Feed::new(2);
    let first = feed.forward(1, 7, 500, 9_000).expect("first");
    feed.millis = 20;
    let second = feed.forward(1, 7, 501, 9_160).expect("second");
    assert_eq!(second.timestamp.wrapping_sub(first.timestamp), 160);
    for (origin, ssrc, clock, millis, step) in
        [(2, 7, 8_000, 60, 320), (2, 8, 8_000, 100, 320), (2, 8, 48_000, 120, 960)]
    {
        let before = feed.outgoing.timestamp;
        let sequence = feed.outgoing.highest as u16;
        feed.millis = millis;
        let mut other = arrival(origin, ssrc, 40_000, 1);
        other.clock = clock;
        let header = feed.outgoing.forward(feed.now(), &other).expect("other");
        assert_eq!((header.ssrc, header.sequence), (first.ssrc, sequence.wrapping_add(1)));
        assert_eq!(header.timestamp.wrapping_sub(before), step);
        assert!(header.marker);
    }
}

#[test]
fn a_timestamp_that_leaps_does_not_leap_on_the_wire() {
    let mut feed = Feed::new(3);
    let first = feed.forward(1, 7, 500, 9_000).expect("first");
    feed.millis = 20;
    let leapt = feed.forward(1, 7, 501, 3_000_000_000).expect("leapt");
    assert_eq!(leapt.timestamp.wrapping_sub(first.timestamp), 160);
    assert!(leapt.marker);
    feed.millis = 60_000;
    let paused = feed.forward(1, 7, 502, 3_000_000_000 + 59_980 * 8).expect("paused");
    assert_eq!(paused.timestamp.wrapping_sub(leapt.timestamp), 59_980 * 8);
    assert!(!paused.marker, "a pause is no leap");
}

#[test]
fn inserted_packets_move_what_follows() {
    let mut feed = Feed::new(4);
    let first = feed.forward(1, 7, 10, 1_600).expect("first");
    feed.forward(1, 7, 12, 1_920).expect("third");
    let at = feed.outgoing.event_timestamp(feed.now(), 8_000);
    let inserted = feed.outgoing.insert(at, true, 4);
    let late = feed.forward(1, 7, 11, 1_760).expect("late");
    let next = feed.forward(1, 7, 13, 2_080).expect("next");
    let numbers = [inserted, late, next].map(|header| header.sequence.wrapping_sub(first.sequence));
    assert_eq!(numbers, [3, 1, 4]);
    assert_eq!(next.timestamp.wrapping_sub(first.timestamp), 480);
}

#[test]
fn withheld_packets_are_not_missed() {
    let mut feed = Feed::new(5);
    let first = feed.forward(1, 7, 10, 1_600).expect("first");
    for sequence in 11..30 {
        feed.outgoing.withhold(feed.now(), &arrival(1, 7, sequence, 1_760));
    }
    let next = feed.forward(1, 7, 30, 4_800).expect("next");
    assert_eq!(next.sequence.wrapping_sub(first.sequence), 1);
    assert_eq!(next.timestamp.wrapping_sub(first.timestamp), 3_200);
}

#[test]
fn our_own_audio_runs_on_after_another_source_and_after_silence() {
    let mut feed = Feed::new(6);
    let forwarded = feed.forward(1, 7, 10, 1_600).expect("forwarded");
    let steps: [(u64, u32, bool); 4] = [(20, 160, true), (40, 160, false), (60, 160, false), (1_060, 8_000, true)];
    let mut before = forwarded;
    for (millis, step, marker) in steps {
        feed.millis = millis;
        let own = feed.outgoing.own(feed.now(), 8_000, 160, 160);
        assert_eq!((own.timestamp.wrapping_sub(before.timestamp), own.marker), (step, marker), "at {millis}");
        assert_eq!(own.sequence, before.sequence.wrapping_add(1));
        before = own;
    }
    feed.outgoing.pass(160);
    feed.millis = 1_100;
    let own = feed.outgoing.own(feed.now(), 8_000, 160, 160);
    assert_eq!((own.timestamp.wrapping_sub(before.timestamp), own.marker), (320, false));
    assert_eq!((feed.outgoing.packets(), feed.outgoing.octets()), (6, 960));
}

proptest! {
    /// The law that SRTP needs: whatever comes in, no number goes out twice, and nothing is numbered far ahead.
    #[test]
    fn no_number_leaves_twice(
        steps in prop::collection::vec((0u32..3, 0u32..2, any::<i8>(), 0u8..10, 0u64..50), 1..400), jump: u16,
    ) {
        let mut feed = Feed::new(u64::from(jump));
        let mut sequence = 65_000u16;
        let mut seen = BTreeSet::new();
        for (origin, ssrc, step, what, millis) in steps {
            feed.millis += millis;
            sequence = sequence.wrapping_add_signed(i16::from(step) / 8);
            let now = feed.now();
            let header = match what {
                0 => Some(feed.outgoing.own(now, 8_000, 160, 160)),
                1 => Some(feed.outgoing.insert(1, false, 4)),
                2 => {
                    feed.outgoing.withhold(now, &arrival(origin, ssrc, sequence, 0));
                    None
                }
                3 => { sequence = sequence.wrapping_add(jump); None }
                _ => feed.forward(origin, ssrc, sequence, u32::from(sequence) * 160),
            };
            if let Some(header) = header {
                prop_assert!(seen.insert(header.sequence), "{} twice", header.sequence);
            }
        }
    }
}
