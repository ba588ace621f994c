//! What an ear gets out of networks that delay, lose, reorder, drift, stall and begin anew.

use super::*;
use crate::base::entropy::Entropy;

const CLOCK: u32 = 8_000;

/// A packet under way: when it arrives, and what it is.
#[derive(Clone, Copy, Debug)]
struct Flight {
    micros: u64,
    sequence: u16,
    timestamp: u32,
    ticks: u32,
    ssrc: u32,
}

/// Packets of 20 ms whose delay in microseconds is a function of their number; `None` is lost.
fn flights(count: u32, delay: impl FnMut(u32) -> Option<u64>) -> Vec<Flight> {
    let mut delay = delay;
    let mut all: Vec<Flight> = (0..count)
        .filter_map(|at| {
            let micros = u64::from(at) * 20_000 + delay(at)?;
            let sequence = u16::try_from(at % 65_536).unwrap_or_default();
            let timestamp = 0xffff_f000u32.wrapping_add(at * 160);
            Some(Flight { micros, sequence, timestamp, ticks: 160, ssrc: 7 })
        })
        .collect();
    all.sort_by_key(|flight| flight.micros);
    all
}

/// What was heard, tick by tick.
#[derive(Clone, Debug, Default)]
struct Heard {
    /// Sequence numbers in the order of playing.
    played: Vec<u16>,
    lost: usize,
    empty: usize,
    /// Mean and worst time from sending to playing, in milliseconds, over the second half.
    delay: f64,
    worst: f64,
}

/// An ear that pulls when less than 20 ms are left, stretches and shrinks as it is told.
#[allow(clippy::disallowed_methods)]
fn listen(flights: &[Flight], seconds: u64, tick: impl Fn(u64) -> u64) -> (Heard, JitterBuffer) {
    let start = Instant::now();
    let mut buffer = JitterBuffer::new(CLOCK, Limits::default());
    let (mut heard, mut flights, mut held, mut delays) =
        (Heard::default(), flights.iter().peekable(), 0i64, Vec::new());
    for at in 0..seconds * 50 {
        let micros = tick(at);
        let now = start + Duration::from_micros(micros);
        while let Some(flight) = flights.next_if(|flight| flight.micros <= micros) {
            let Flight { sequence, timestamp, ssrc, ticks, .. } = *flight;
            let header = Header { payload_type: 0, marker: false, sequence, timestamp, ssrc };
            buffer.put(start + Duration::from_micros(flight.micros), &header, &sequence.to_be_bytes(), ticks);
        }
        while held < 160 {
            match buffer.pull(now) {
                Pull::Packet { payload, ticks, pace, .. } => {
                    let sequence = u16::from_be_bytes([payload[0], payload[1]]);
                    heard.played.push(sequence);
                    if at > seconds * 25 {
                        delays.push((micros as f64 - f64::from(sequence) * 20_000.0) / 1_000.0);
                    }
                    held += i64::from(ticks);
                    match pace {
                        Pace::Even => {}
                        Pace::Stretch => held += 160,
                        Pace::Shrink => held -= 160,
                    }
                }
                Pull::Lost { ticks, .. } => {
                    heard.lost += 1;
                    held += i64::from(ticks);
                }
                Pull::Empty { ticks } => {
                    heard.empty += 1;
                    held += i64::from(ticks.max(1));
                }
            }
        }
        held -= 160;
    }
    heard.delay = delays.iter().sum::<f64>() / delays.len().max(1) as f64;
    heard.worst = delays.iter().copied().fold(0.0, f64::max);
    (heard, buffer)
}

fn even(at: u64) -> u64 {
    at * 20_000 + 3_000
}

#[test]
fn an_even_network_costs_one_packet_of_delay() {
    let (heard, buffer) = listen(&flights(3_000, |_| Some(40_000)), 60, even);
    assert_eq!((heard.lost, buffer.counts().too_late), (0, 0));
    assert!(heard.played.windows(2).all(|two| two[1] == two[0] + 1));
    assert!((40.0..85.0).contains(&heard.delay), "{}", heard.delay);
    assert!(heard.played.len() > 2_990);
}

#[test]
fn the_delay_follows_jitter_up_and_down() {
    let mut entropy = Entropy::from_number(1);
    let jittery = flights(6_000, |at| {
        let spread = if at < 3_000 { 80_000 } else { 5_000 };
        Some(20_000 + entropy.below(spread))
    });
    let (heard, buffer) = listen(&jittery, 120, even);
    let counts = buffer.counts();
    assert!(counts.too_late + counts.lost < 120, "{counts:?}");
    assert!(heard.delay < 75.0, "comes down again: {} {counts:?}", heard.delay);
    assert!(counts.shrunk > 1, "{counts:?}");
    let (first_half, _) = listen(&jittery[..3_000], 58, even);
    assert!((90.0..150.0).contains(&first_half.delay), "{}", first_half.delay);
}

#[test]
fn lost_packets_are_concealed_and_nothing_moves() {
    let mut entropy = Entropy::from_number(2);
    let (heard, buffer) = listen(&flights(3_000, |_| (entropy.below(20) > 0).then_some(30_000)), 60, even);
    let missing: usize = heard.played.windows(2).map(|two| usize::from(two[1] - two[0] - 1)).sum();
    assert!((100..220).contains(&missing), "{missing}");
    // Where the next packet is not there yet either, the ear conceals what it cannot know to be lost.
    assert!(heard.lost <= missing && missing <= heard.lost + heard.empty, "{missing} {heard:?}");
    assert!(heard.empty < 25, "{}", heard.empty);
    assert_eq!(buffer.counts().too_late, 0);
}

#[test]
fn packets_in_another_order_are_played_in_theirs() {
    let swapped = flights(1_000, |at| Some(if at % 10 == 5 { 75_000 } else { 20_000 }));
    let (heard, buffer) = listen(&swapped, 20, even);
    assert!(heard.played.windows(2).all(|two| two[1] > two[0]));
    assert!(buffer.counts().too_late < 8, "{:?}", buffer.counts());
}

#[test]
fn doubled_packets_are_played_once() {
    let mut twice = flights(500, |_| Some(20_000));
    twice.extend(flights(500, |_| Some(26_000)));
    twice.sort_by_key(|flight| flight.micros);
    let (heard, buffer) = listen(&twice, 10, even);
    assert!(heard.played.windows(2).all(|two| two[1] == two[0] + 1));
    assert!(buffer.counts().duplicates > 400, "{:?}", buffer.counts());
    assert_eq!((buffer.counts().too_late, buffer.counts().overrun), (0, 0));
}

#[test]
fn clocks_that_drift_are_followed() {
    for parts_per_million in [-300i64, -50, 50, 300] {
        let skewed: Vec<Flight> = flights(30_000, |_| Some(40_000))
            .into_iter()
            .map(|flight| {
                let skew = i64::try_from(flight.micros).expect("short") * parts_per_million / 1_000_000;
                Flight { micros: flight.micros.saturating_add_signed(skew), ..flight }
            })
            .collect();
        let (heard, buffer) = listen(&skewed, 590, even);
        let counts = buffer.counts();
        assert!(counts.too_late + counts.lost <= 20, "{parts_per_million}: {counts:?}");
        let expected = 590.0 / 2.0 * parts_per_million as f64 / 1_000.0;
        let range = 40.0 + expected.min(2.0 * expected)..130.0 + expected.max(2.0 * expected);
        assert!(range.contains(&heard.delay), "{parts_per_million}: {} {counts:?}", heard.delay);
    }
}

#[test]
fn a_step_of_the_network_is_survived() {
    let stepped = flights(1_500, |at| Some(if at < 500 { 20_000 } else { 170_000 }));
    let (heard, buffer) = listen(&stepped, 29, even);
    let counts = buffer.counts();
    assert!(counts.too_late + counts.lost <= 10, "{counts:?}");
    assert!(heard.played.len() > 1_400);
}

#[test]
fn a_way_that_becomes_half_a_second_longer_is_silent_no_longer_than_that() {
    for longer in [350_000, 500_000, 1_500_000] {
        let stepped = flights(1_500, |at| Some(if at < 500 { 20_000 } else { 20_000 + longer }));
        let (heard, buffer) = listen(&stepped, 29, even);
        assert!(heard.played.len() > 1_350, "{longer} us: {} {:?}", heard.played.len(), buffer.counts());
    }
}

#[test]
fn after_a_stall_audio_is_fresh_at_once() {
    // The daemon itself sleeps for ten seconds: a hundred packets wait in the socket, the rest is lost.
    let stalled = flights(2_000, |at| match at {
        500..600 => Some(10_000_000 - u64::from(at - 500) * 20_000),
        600..1_000 => None,
        _ => Some(20_000),
    });
    let tick = |at: u64| if at < 500 { at * 20_000 } else { (at + 500) * 20_000 };
    let (heard, buffer) = listen(&stalled, 25, tick);
    assert!(heard.worst < 150.0, "{} {:?}", heard.worst, buffer.counts());
    let fresh = heard.played.iter().filter(|sequence| **sequence >= 1_000).count();
    assert!(fresh > 480, "{fresh} {:?}", buffer.counts());
}

#[test]
fn silence_is_no_loss() {
    // Spurts of a second, silence of a second: sequence runs on, timestamps tell of the gap.
    let mut sequence = 0;
    let spurts: Vec<Flight> = flights(3_000, |_| Some(30_000))
        .into_iter()
        .filter(|flight| (flight.micros / 1_000_000).is_multiple_of(2))
        .map(|flight| {
            sequence += 1;
            Flight { sequence, ..flight }
        })
        .collect();
    let (heard, buffer) = listen(&spurts, 60, even);
    assert_eq!(heard.lost, 0, "{:?}", buffer.counts());
    assert_eq!(buffer.counts().too_late, 0);
    assert!(heard.played.len() + 20 > spurts.len(), "{} of {}", heard.played.len(), spurts.len());
}

#[test]
fn another_source_or_timeline_is_heard_at_once() {
    for (ssrc, leap) in [(8, 0), (7, 1_000_000_000u32), (9, 2_000_000_000)] {
        let changed: Vec<Flight> = flights(1_000, |_| Some(30_000))
            .into_iter()
            .map(|flight| match flight.sequence {
                0..500 => flight,
                _ => Flight { ssrc, timestamp: flight.timestamp.wrapping_add(leap), ..flight },
            })
            .collect();
        let (heard, buffer) = listen(&changed, 20, even);
        assert!(heard.played.len() > 985, "{} {:?}", heard.played.len(), buffer.counts());
        assert_eq!(buffer.counts().restarts, 1);
    }
}

#[test]
fn packets_of_any_length_are_played_whole() {
    for (ticks, every) in [(80u32, 10_000u64), (240, 30_000), (320, 40_000), (480, 60_000)] {
        let sized: Vec<Flight> = (0..500u16)
            .map(|at| Flight {
                micros: u64::from(at) * every + 20_000,
                sequence: at,
                timestamp: u32::from(at) * ticks,
                ticks,
                ssrc: 7,
            })
            .collect();
        let (heard, buffer) = listen(&sized, every * 500 / 1_000_000, even);
        assert_eq!(heard.lost, 0, "{ticks}: {:?}", buffer.counts());
        assert!(heard.played.len() > 485, "{ticks}: {}", heard.played.len());
    }
}

#[test]
#[allow(clippy::disallowed_methods)]
fn what_waits_is_bounded_and_what_idles_is_small() {
    let start = Instant::now();
    let mut buffer = JitterBuffer::new(CLOCK, Limits::default());
    for sequence in 0..10_000u16 {
        let header = Header { payload_type: 0, marker: false, sequence, timestamp: u32::from(sequence) * 160, ssrc: 7 };
        let now = start + Duration::from_millis(20 * u64::from(sequence));
        buffer.put(now, &header, &[0; 160], 160);
        assert!(buffer.slots.len() <= PACKETS_MAX);
    }
    assert_eq!(buffer.put(start, &Header::read(&[0x80; 12]).expect("header"), &[0; 6_000], 160), Put::Oversized);
    let (_, buffer) = listen(&flights(100, |_| Some(20_000)), 20, even);
    let held: usize = buffer.spare.iter().map(Vec::capacity).sum::<usize>() + buffer.out.capacity();
    let all = size_of::<JitterBuffer>() + 400 + held + buffer.slots.capacity() * size_of::<Slot>();
    assert!(all <= 2_048, "{all}");
}
