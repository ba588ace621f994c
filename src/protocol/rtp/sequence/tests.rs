//! What is counted when packets come, do not come, come twice or in another order.

use super::*;
use proptest::prelude::*;

#[allow(clippy::disallowed_methods)]
fn start() -> Instant {
    Instant::now()
}

fn header(ssrc: u32, sequence: u16, timestamp: u32) -> Header {
    Header { payload_type: 0, marker: false, sequence, timestamp, ssrc }
}

/// Packets of one source, 20 ms apart.
fn receive(sequences: &[u16]) -> (Reception, Vec<Arrived>) {
    let (start, mut reception) = (start(), Reception::new(8_000));
    let arrived = sequences.iter().enumerate().map(|(at, sequence)| {
        let now = start + Duration::from_millis(20) * u32::try_from(at).expect("few");
        reception.take(now, &header(7, *sequence, u32::from(*sequence) * 160))
    });
    let arrived = arrived.collect();
    (reception, arrived)
}

fn check(sequences: &[u16], packets: u64, lost: u64, duplicates: u64, late: u64) {
    let (reception, _) = receive(sequences);
    let totals = reception.totals();
    assert_eq!(
        (totals.packets, totals.lost, totals.duplicates, totals.late),
        (packets, lost, duplicates, late),
        "{sequences:?}"
    );
}

#[test]
fn packets_are_counted_once() {
    check(&[1, 2, 3], 3, 0, 0, 0);
    check(&[1, 2, 4], 3, 1, 0, 0);
    check(&[1, 3, 2, 4], 4, 0, 0, 1);
    check(&[1, 2, 2, 2, 3], 3, 0, 2, 0);
    check(&[65_534, 65_535, 0, 1], 4, 0, 0, 0);
    check(&[65_534, 0, 65_535, 1], 4, 0, 0, 1);
    check(&[5, 4, 6], 3, 0, 0, 1);
    check(&[1, 2, 2_000], 3, 1_997, 0, 0);
}

#[test]
fn a_restart_is_no_loss_and_a_stray_is_no_restart() {
    let (reception, arrived) = receive(&[1, 2, 40_000, 40_001, 40_002, 9, 40_003]);
    let missing = 0;
    assert_eq!(arrived[2..5], [Arrived::Stray, Arrived::First, Arrived::InOrder { missing }]);
    assert_eq!(arrived[5..], [Arrived::Stray, Arrived::InOrder { missing }]);
    assert_eq!((reception.totals().lost, reception.totals().restarts), (0, 1));
}

#[test]
fn another_source_begins_anew() {
    let (mut reception, _) = receive(&[1, 2, 4]);
    assert_eq!(reception.take(start(), &header(8, 9_000, 0)), Arrived::First);
    let totals = reception.totals();
    assert_eq!((totals.packets, totals.lost), (4, 1));
    assert_eq!(reception.ssrc(), Some(8));
    assert_eq!(reception.block().map(|block| (block.ssrc, block.lost, block.highest)), Some((8, 0, 9_000)));
}

#[test]
fn a_report_tells_of_its_interval() {
    let (mut reception, _) = receive(&[65_530, 65_531, 65_533, 65_535, 1, 3]);
    let block = reception.block().expect("block");
    assert_eq!((block.fraction_lost, block.lost, block.highest), (102, 4, 65_539));
    let now = start();
    for sequence in 4..8 {
        reception.take(now, &header(7, sequence, 0));
    }
    let block = reception.block().expect("block");
    assert_eq!((block.fraction_lost, block.lost, block.highest), (0, 4, 65_543));
}

#[test]
fn jitter_grows_to_what_packets_deviate() {
    let (start, mut reception) = (start(), Reception::new(8_000));
    for at in 0..400u32 {
        let late = if at % 2 == 0 { 0 } else { 10 };
        let now = start + Duration::from_millis(u64::from(at) * 20 + late);
        reception.take(now, &header(7, u16::try_from(at).expect("few"), at * 160));
    }
    let jitter = reception.jitter().expect("jitter");
    assert!((Duration::from_millis(9)..=Duration::from_millis(10)).contains(&jitter), "{jitter:?}");
}

#[test]
fn an_event_of_many_packets_under_one_timestamp_is_no_jitter() {
    let (start, mut reception) = (start(), Reception::new(8_000));
    for at in 0..50u16 {
        let timestamp = if (10..40).contains(&at) { 1_600 } else { u32::from(at) * 160 };
        reception.take(start + Duration::from_millis(u64::from(at) * 20), &header(7, at, timestamp));
    }
    assert_eq!(reception.jitter(), Some(Duration::ZERO));
}

#[test]
fn another_clock_is_no_jitter() {
    let (mut reception, _) = receive(&[1, 2, 3]);
    reception.set_clock(48_000);
    let start = start();
    for at in 4..10u16 {
        let now = start + Duration::from_millis(u64::from(at) * 20);
        reception.take(now, &header(7, at, 5_000 + u32::from(at) * 960));
    }
    assert_eq!(reception.jitter(), Some(Duration::ZERO));
}

/// One letter per packet: `.` came, `x` was lost.
fn check_bursts(tape: &str, runs: u64, in_runs: u64, bursts: (u64, u64, u64)) {
    let sequences: Vec<u16> =
        (0u16..).zip(tape.bytes()).filter(|(_, letter)| *letter == b'.').map(|(at, _)| at).collect();
    let seen = receive(&sequences).0.totals().bursts;
    let lost = tape.bytes().filter(|letter| *letter == b'x').count();
    assert_eq!(seen.lost, u64::try_from(lost).expect("few"), "{tape}");
    assert_eq!((seen.runs, seen.lost_in_runs), (runs, in_runs), "{tape}");
    assert_eq!((seen.bursts, seen.burst_packets, seen.burst_lost), bursts, "{tape}");
}

#[test]
fn losses_lie_alone_or_in_bursts() {
    let long = ".".repeat(100);
    check_bursts(&long, 0, 0, (0, 0, 0));
    check_bursts(&format!("{long}x{long}x{long}"), 2, 0, (0, 0, 0));
    check_bursts(&format!("{long}xx{long}"), 1, 2, (1, 2, 2));
    check_bursts(&format!("{long}x.x{long}"), 2, 0, (1, 3, 2));
    check_bursts(&format!("{long}x{}xxx.{long}", ".".repeat(15)), 2, 3, (1, 19, 4));
    check_bursts(&format!("{long}x{}xxx.{long}", ".".repeat(16)), 2, 3, (1, 3, 3));
}

#[test]
fn chance_has_a_burst_ratio_of_one() {
    let tape = [".", "x", ".", "."].repeat(50).concat() + ".";
    let sequences: Vec<u16> =
        (0u16..).zip(tape.bytes()).filter(|(_, letter)| *letter == b'.').map(|(at, _)| at).collect();
    assert!((receive(&sequences).0.totals().bursts.ratio() - 1.0).abs() < 0.01);
    let bursty: Vec<u16> = (0..1_000).filter(|at| at % 100 < 90).collect();
    assert!(receive(&bursty).0.totals().bursts.ratio() > 8.0);
}

proptest! {
    /// Packets and losses add up to what was expected, whatever the order.
    #[test]
    fn counts_add_up(first: u16, steps in prop::collection::vec(-20i16..25, 1..300)) {
        let mut sequence = first;
        let mut all = vec![first];
        for step in steps {
            sequence = sequence.wrapping_add_signed(step);
            all.push(sequence);
        }
        let (mut reception, arrived) = receive(&all);
        let totals = reception.totals();
        let strays = arrived.iter().filter(|arrived| **arrived == Arrived::Stray).count();
        let counted = usize::try_from(totals.packets + totals.duplicates).expect("few") + strays;
        prop_assert_eq!(counted, all.len());
        prop_assert_eq!(totals.bursts.lost, totals.lost);
        prop_assert_eq!(totals.bursts.settled, totals.lost + totals.packets);
        prop_assert!(reception.block().is_some());
    }
}
