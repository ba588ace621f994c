//! Strangers at the ports of a call: whenever they come and whatever they send, none of it crosses and none of ours goes to them.

use super::world::*;
use crate::media::command::{Learning, StreamPlan};
use crate::media::counters::Refusal;
use crate::media::transmit::SocketId;
use std::time::Duration;

/// Everything that a stranger might try at one port, as an honest packet and as rubbish.
fn tricks(ssrc: u32, sequence: u16) -> Vec<Vec<u8>> {
    let mut stolen = Talker::new(ssrc, 0);
    stolen.next.sequence = sequence;
    let mut own = Talker::new(0x5712a46e, 0);
    let mut stun = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    stun.extend_from_slice(&[7; 12]);
    let mut hello = vec![22, 254, 253];
    hello.extend_from_slice(&[0; 60]);
    let report = [0x80, 201, 0, 1, 0, 0, 0, 9];
    let bye = [0x81, 203, 0, 1, 0, 0, 0, 9];
    vec![
        stolen.packet(&[0x55; 160]),
        stolen.packet(&[0x55; 160]),
        own.packet(&[0x55; 160]),
        own.packet(&[0x55; 160]),
        own.packet(&[0x55; 160]),
        own.packet(&[0x55; 160]),
        stun,
        hello,
        report.to_vec(),
        bye.to_vec(),
        Vec::new(),
        vec![0x80],
        vec![0xff; 172],
        vec![0x9f; 20],
    ]
}

/// A conversation with a stranger at both ports of Alice's leg from `from` on, in steps of twenty milliseconds.
/// Fails when the stranger gets or injects a single packet, or when the honest ones lose one.
fn check(alice_plan: StreamPlan, alice_from: &str, stranger: &str, from: usize, silence: std::ops::Range<usize>) {
    let mut world = World::of_two(alice_plan.clone(), plan(BOB));
    let (mut alice, mut bob) = (Talker::new(0xa11ce, 0), Talker::new(0xb0b, 0));
    let honest = |payload: &[u8]| payload == b"alice" || payload == b"bob";
    let (mut crossed, mut spoken) = (0, 0);
    for step in 0..600 {
        if step >= from {
            for control in [false, true] {
                for trick in tricks(0xa11ce, alice.next.sequence) {
                    let socket = SocketId { slot: 0, control };
                    assert_eq!(world.comes_on(socket, stranger, &trick), None, "step {step}: {trick:x?}");
                }
            }
        }
        if !silence.contains(&step) {
            spoken += 1;
            crossed += usize::from(world.comes(A, alice_from, &alice.packet(b"alice")).is_some());
        }
        let left = world.comes(B, BOB, &bob.packet(b"bob")).unwrap();
        assert!(honest(left.payload()) && left.to != address(stranger), "step {step}: {left:?}");
        if step == 400 {
            world.plan(A, alice_plan.clone());
        }
        world.pass(Duration::from_millis(20));
    }
    assert_eq!(crossed, spoken, "an honest packet was lost");
    assert!(world.made.iter().all(|left| left.to != address(stranger)), "something of ours went to the stranger");
    let refused: u64 = Refusal::ALL.iter().map(|why| world.worker.counters().refused(*why)).sum();
    assert_eq!(refused, u64::try_from((600 - from) * 28).unwrap(), "every one is counted");
}

fn with(learning: Learning) -> StreamPlan {
    StreamPlan { learning, ..plan(ALICE) }
}

const PORT: Learning = Learning::Port { within: WINDOW };
const ALICE_ELSEWHERE: &str = "192.0.2.1:4444";
const NEVER_SILENT: std::ops::Range<usize> = 0..0;

#[test]
fn before_the_first_honest_packet_a_stranger_gets_nothing() {
    check(with(Learning::Never), ALICE, STRANGER, 0, 0..100);
    check(with(PORT), ALICE, STRANGER, 0, 0..100);
    check(with(PORT), ALICE_ELSEWHERE, STRANGER, 0, 0..100);
}

#[test]
fn during_learning_and_in_the_middle_of_a_call_a_stranger_gets_nothing() {
    for from in [0, 1, 50, 300] {
        check(with(Learning::Never), ALICE, STRANGER, from, NEVER_SILENT);
        check(with(PORT), ALICE, STRANGER, from, NEVER_SILENT);
        check(with(PORT), ALICE_ELSEWHERE, STRANGER, from, NEVER_SILENT);
    }
    check(with(Learning::Anywhere { within: WINDOW }), ALICE, STRANGER, 1, NEVER_SILENT);
}

#[test]
fn after_learning_another_port_of_the_peer_is_a_stranger_too() {
    check(with(PORT), ALICE_ELSEWHERE, "192.0.2.1:4446", 1, NEVER_SILENT);
    check(with(Learning::Never), ALICE, "192.0.2.1:4446", 0, NEVER_SILENT);
}

#[test]
fn the_silence_of_the_peer_is_no_invitation() {
    check(with(Learning::Never), ALICE, STRANGER, 50, 100..350);
    check(with(PORT), ALICE_ELSEWHERE, STRANGER, 50, 100..350);
}

#[test]
fn a_re_invite_is_no_invitation_to_others() {
    check(with(PORT), ALICE_ELSEWHERE, "192.0.2.1:4446", 401, NEVER_SILENT);
    check(with(Learning::Anywhere { within: WINDOW }), ALICE, STRANGER, 401, NEVER_SILENT);
}
