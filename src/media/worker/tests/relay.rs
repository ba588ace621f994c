//! What a relayed packet looks like, and what is told of a stream's life.

use super::world::*;
use crate::media::command::Command;
use crate::media::event::Event;
use crate::protocol::audio::codec::Codec;
use std::time::Duration;

const STEP: Duration = Duration::from_millis(20);

#[test]
fn a_packet_crosses_with_our_own_header_and_its_payload_untouched() {
    let mut world = World::of_two(plan(ALICE), plan(BOB));
    let mut alice = Talker::new(0xa11ce, 0);
    let left = world.comes(A, ALICE, &alice.packet(b"hello")).unwrap();
    assert_eq!((left.to, left.from.slot), (address(BOB), 1));
    assert_eq!(left.payload(), b"hello");
    assert_ne!(left.header().ssrc, 0xa11ce, "each stream has an SSRC of its own");
    world.pass(STEP);
    let next = world.comes(A, ALICE, &alice.packet(b"again")).unwrap();
    assert_eq!(next.header().ssrc, left.header().ssrc);
    assert_eq!(next.header().sequence, left.header().sequence.wrapping_add(1));
    assert_eq!(next.header().timestamp, left.header().timestamp.wrapping_add(160));
    let back = world.comes(B, BOB, &Talker::new(0xb0b, 0).packet(b"hi")).unwrap();
    assert_eq!((back.to, back.from.slot, back.payload()), (address(ALICE), 0, &b"hi"[..]));
}

#[test]
fn a_loss_stays_a_loss_and_a_payload_type_becomes_what_the_other_side_calls_it() {
    let mut a = plan(ALICE);
    a.codecs = vec![codec(Codec::Opus, 96, 111)];
    let mut b = plan(BOB);
    b.codecs = vec![codec(Codec::Opus, 107, 98)];
    let mut world = World::of_two(a, b);
    let mut alice = Talker::new(1, 96);
    let first = world.comes(A, ALICE, &alice.packet(b"1")).unwrap().header();
    alice.skip();
    let third = world.comes(A, ALICE, &alice.packet(b"3")).unwrap().header();
    assert_eq!(first.payload_type, 98);
    assert_eq!(third.sequence, first.sequence.wrapping_add(2));
    assert_eq!(world.comes(B, BOB, &Talker::new(2, 107).packet(b"x")).unwrap().header().payload_type, 111);
}

#[test]
fn nobody_hears_anybody_before_the_matrix_and_on_hold() {
    let mut world = World::new();
    for (leg, remote) in [(A, ALICE), (B, BOB)] {
        world.tell(Command::Open { stream: stream(leg), bind: HERE });
        world.plan(leg, plan(remote));
    }
    let mut alice = Talker::new(1, 0);
    assert_eq!(world.comes(A, ALICE, &alice.packet(b"x")), None);
    world.tell(Command::Matrix { call: CALL, matrix: crate::media::matrix::Matrix::of_two(A, B) });
    assert!(world.comes(A, ALICE, &alice.packet(b"x")).is_some());
    let mut held = plan(BOB);
    held.sends = false;
    world.plan(B, held);
    assert_eq!(world.comes(A, ALICE, &alice.packet(b"x")), None);
    world.plan(B, plan(BOB));
    assert!(world.comes(A, ALICE, &alice.packet(b"x")).is_some());
    let mut deaf = plan(ALICE);
    deaf.receives = false;
    world.plan(A, deaf);
    assert_eq!(world.comes(A, ALICE, &alice.packet(b"x")), None);
}

#[test]
fn what_was_not_agreed_is_refused_and_counted() {
    let mut world = World::of_two(plan(ALICE), plan(BOB));
    assert_eq!(world.comes(A, ALICE, &Talker::new(1, 8).packet(b"alaw")), None);
    world.tell(Command::Close { stream: stream(A) });
    let Some(Event::Closed { quality, .. }) = world.events.last() else { panic!("{:?}", world.events) };
    assert_eq!((quality.refused.not_ours, quality.received.packets), (1, 0));
}

#[test]
fn a_stream_is_opened_with_a_port_of_its_own_and_gives_it_back() {
    let mut world = World::with_ports(20_000, 20_003);
    for leg in [A, B] {
        world.tell(Command::Open { stream: stream(leg), bind: HERE });
    }
    assert!(matches!(world.events[..], [Event::Opened { .. }, Event::Opened { .. }]), "{:?}", world.events);
    assert_ne!(world.port(A), world.port(B));
    let third = stream(crate::base::id::LegId(2));
    world.tell(Command::Open { stream: third, bind: HERE });
    assert_eq!(world.events.last(), Some(&Event::NotOpened { stream: third }));
    world.tell(Command::Close { stream: stream(A) });
    world.tell(Command::Open { stream: third, bind: HERE });
    assert_eq!(world.events.last(), Some(&Event::NotOpened { stream: third }), "the port still rests");
    world.pass(Duration::from_secs(31));
    world.tell(Command::Open { stream: third, bind: HERE });
    assert!(matches!(world.events.last(), Some(Event::Opened { .. })));
}

#[test]
fn a_port_that_somebody_else_holds_is_passed_over() {
    let mut world = World::with_ports(20_000, 20_007);
    world.refuse = vec![20_000, 20_002, 20_006];
    world.tell(Command::Open { stream: stream(A), bind: HERE });
    assert_eq!(world.bound.last().unwrap().port(), 20_004);
    assert!(matches!(world.events[..], [Event::Opened { .. }]));
    world.tell(Command::Open { stream: stream(B), bind: HERE });
    assert_eq!(world.events.last(), Some(&Event::NotOpened { stream: stream(B) }));
    assert_eq!(world.worker.ports(), (1, 3));
}

#[test]
fn silence_is_told_once_and_so_is_its_end() {
    let mut patient = plan(ALICE);
    patient.silent_after = Some(Duration::from_secs(3));
    let mut world = World::of_two(patient.clone(), plan(BOB));
    let mut alice = Talker::new(1, 0);
    world.comes(A, ALICE, &alice.packet(b"x"));
    assert_eq!(world.events, [Event::Started { stream: stream(A), from: address(ALICE) }]);
    for _ in 0..500 {
        world.pass(STEP);
        world.comes(A, ALICE, &alice.packet(b"x"));
    }
    world.events.retain(|event| !matches!(event, Event::Quality { .. }));
    assert_eq!(world.events.len(), 1, "{:?}", world.events);
    world.pass(Duration::from_secs(8));
    world.events.retain(|event| !matches!(event, Event::Quality { .. }));
    let Some(Event::Silent { since, .. }) = world.events.get(1) else { panic!("{:?}", world.events) };
    assert!((3_000..3_200).contains(&since.as_millis()), "{since:?}");
    world.comes(A, ALICE, &alice.packet(b"x"));
    assert_eq!(world.events.get(2), Some(&Event::Heard { stream: stream(A) }));
    assert_eq!(world.events.len(), 3);
}

#[test]
fn nobody_waits_for_a_peer_that_may_not_send() {
    let mut held = plan(ALICE);
    held.silent_after = Some(Duration::from_secs(3));
    held.receives = false;
    let mut world = World::of_two(held.clone(), plan(BOB));
    world.pass(Duration::from_secs(60));
    assert_eq!(world.events, []);
    held.receives = true;
    world.plan(A, held);
    world.pass(Duration::from_secs(2));
    assert_eq!(world.events, [], "the time begins when the peer may send");
    world.pass(Duration::from_secs(2));
    assert!(matches!(world.events[..], [Event::Silent { .. }]), "{:?}", world.events);
}

#[test]
fn quality_is_told_every_ten_seconds_while_something_moves_and_at_the_end() {
    let mut world = World::of_two(plan(ALICE), plan(BOB));
    let mut alice = Talker::new(1, 0);
    for _ in 0..1_500 {
        world.comes(A, ALICE, &alice.packet(&[0; 160]));
        world.pass(STEP);
    }
    let told = |world: &World, leg| {
        let of = |event: &Event| matches!(event, Event::Quality { stream: id, .. } if *id == stream(leg));
        world.events.iter().filter(|event| of(event)).count()
    };
    assert_eq!((told(&world, A), told(&world, B)), (3, 3));
    world.pass(Duration::from_secs(60));
    assert_eq!(told(&world, A), 3, "nothing new is not told again");
    world.tell(Command::Close { stream: stream(B) });
    let Some(Event::Closed { quality, .. }) = world.events.last() else { panic!("{:?}", world.events) };
    assert_eq!((quality.sent.packets, quality.sent.bytes), (1_500, 1_500 * 172));
}

#[test]
fn nothing_is_left_of_a_call_that_was_closed() {
    let mut world = World::of_two(plan(ALICE), plan(BOB));
    for leg in [A, B, A] {
        world.tell(Command::Close { stream: stream(leg) });
    }
    assert_eq!(world.closed, [0, 1]);
    assert_eq!((world.worker.streams(), world.worker.calls(), world.worker.ports().0), (0, 0, 0));
    assert_eq!(world.comes(A, ALICE, &Talker::new(1, 0).packet(b"late")), None);
    world.pass(Duration::from_secs(60));
    assert_eq!(world.events.len(), 2, "{:?}", world.events);
    assert_eq!(world.worker.deadline(), None, "and nothing wakes the worker");
}
