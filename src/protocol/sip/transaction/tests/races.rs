//! The race flows of RFC 5407, as far as the transaction layer decides them.

use super::world::*;
use crate::protocol::sip::path::Transport;
use std::time::Duration;

/// B has answered; its 200 is under way.
fn answering() -> World {
    let mut world = World::new(Transport::Udp);
    world.request(A, "INVITE 1");
    world.deliver();
    world.respond(B, "INVITE 1", 180);
    world.deliver_all();
    world.respond(B, "INVITE 1", 200);
    world.told();
    world.sent();
    world
}

/// The call is up and acknowledged.
fn established() -> World {
    let mut world = answering();
    world.deliver();
    world.acknowledge(A, 1, "tagB");
    world.deliver();
    assert_eq!(world.told(), ["A 200 INVITE 1", "B acknowledged"]);
    world.sent();
    world
}

#[test]
fn rfc5407_3_1_1_a_late_invite_retransmission_after_200_is_absorbed() {
    let mut world = World::new(Transport::Udp);
    world.request(A, "INVITE 1");
    world.pass_millis(500);
    let (first, again) = (world.lose(), world.lose());
    world.arrive(B, &first.1);
    world.respond(B, "INVITE 1", 180);
    world.respond(B, "INVITE 1", 200);
    world.sent();
    world.arrive(B, &again.1);
    assert_eq!(world.told(), ["B INVITE 1"]);
    assert_eq!(world.sent(), Vec::<String>::new(), "RFC 6026 7.1: absorbed");
}

#[test]
fn a_retransmission_before_the_answer_gets_the_last_provisional_again() {
    let mut world = World::new(Transport::Udp);
    world.request(A, "INVITE 1");
    let (_, invite) = world.lose();
    world.arrive(B, &invite);
    world.arrive(B, &invite);
    assert_eq!(world.sent(), ["0 A INVITE 1"], "nothing was answered yet, so nothing is repeated");
    world.respond(B, "INVITE 1", 183);
    world.arrive(B, &invite);
    assert_eq!(world.sent(), ["0 B 183 INVITE 1", "0 B 183 INVITE 1"]);
    assert_eq!(world.told(), ["B INVITE 1"]);
}

#[test]
fn rfc5407_3_1_2_cancel_crosses_200_and_changes_nothing() {
    let mut world = answering();
    world.request(A, "CANCEL 1");
    world.deliver_all();
    assert_eq!(world.told(), ["A 200 INVITE 1", "A 200 CANCEL 1"], "B is not told: it has answered already");
    world.acknowledge(A, 1, "tagB");
    world.request(A, "BYE 2");
    world.deliver_all();
    world.respond(B, "BYE 2", 200);
    world.deliver_all();
    assert_eq!(world.told(), ["B acknowledged", "B BYE 2", "A 200 BYE 2"]);
    world.ends();
}

#[test]
fn rfc5407_3_1_3_bye_in_early_state_crosses_200() {
    let mut world = answering();
    let ok = world.lose();
    world.request(A, "BYE 2");
    world.deliver();
    world.respond(B, "BYE 2", 200);
    world.deliver();
    world.arrive(A, &ok.1);
    world.acknowledge(A, 1, "tagB");
    world.deliver_all();
    assert_eq!(world.told(), ["B BYE 2", "A 200 BYE 2", "A 200 INVITE 1", "B acknowledged"]);
    world.ends();
    assert_eq!(world.told(), Vec::<String>::new());
}

#[test]
fn rfc5407_3_1_4_re_invite_arrives_while_the_first_is_unacknowledged() {
    let mut world = answering();
    world.deliver();
    world.acknowledge(A, 1, "tagB");
    let ack = world.lose();
    world.request(A, "INVITE 2");
    world.deliver();
    assert_eq!(world.told(), ["A 200 INVITE 1", "B INVITE 2"], "both are apart; the owner decides on 491 or 500");
    world.respond(B, "INVITE 2", 491);
    world.deliver_all();
    world.arrive(B, &ack.1);
    assert_eq!(world.told(), ["A 491 INVITE 2", "B acknowledged"]);
    world.ends();
}

#[test]
fn rfc5407_3_1_6_bye_arrives_before_the_ack() {
    let mut world = answering();
    world.deliver();
    world.acknowledge(A, 1, "tagB");
    let ack = world.lose();
    world.request(A, "BYE 2");
    world.deliver();
    world.respond(B, "BYE 2", 200);
    world.deliver_all();
    world.arrive(B, &ack.1);
    assert_eq!(world.told(), ["A 200 INVITE 1", "B BYE 2", "A 200 BYE 2", "B acknowledged"]);
    world.ends();
}

#[test]
fn rfc5407_3_2_1_byes_cross_and_both_are_answered() {
    let mut world = established();
    world.request(A, "BYE 2");
    world.request(B, "BYE 1");
    world.deliver();
    world.deliver();
    world.respond(B, "BYE 2", 200);
    world.respond(A, "BYE 1", 200);
    world.deliver_all();
    assert_eq!(world.told(), ["B BYE 2", "A BYE 1", "A 200 BYE 2", "B 200 BYE 1"]);
    world.ends();
}

#[test]
fn rfc5407_3_2_2_re_invite_crosses_bye() {
    let mut world = established();
    world.request(B, "INVITE 1");
    world.request(A, "BYE 2");
    world.deliver();
    world.respond(A, "INVITE 1", 481);
    world.deliver_all();
    world.respond(B, "BYE 2", 200);
    world.deliver_all();
    assert_eq!(world.told(), ["A INVITE 1", "B BYE 2", "B 481 INVITE 1", "A 200 BYE 2"]);
    world.ends();
}

#[test]
fn rfc5407_3_2_3_200_of_a_re_invite_crosses_bye_and_is_acknowledged() {
    let mut world = established();
    world.request(A, "INVITE 2");
    world.deliver();
    world.respond(B, "INVITE 2", 200);
    let ok = world.lose();
    world.request(A, "BYE 3");
    world.deliver();
    world.respond(B, "BYE 3", 200);
    world.deliver();
    world.arrive(A, &ok.1);
    world.acknowledge(A, 2, "tagB");
    world.deliver_all();
    assert_eq!(world.told(), ["B INVITE 2", "B BYE 3", "A 200 BYE 3", "A 200 INVITE 2", "B acknowledged"]);
    world.ends();
}

#[test]
fn rfc5407_3_2_4_ack_arrives_after_the_callee_said_bye() {
    let mut world = answering();
    world.deliver();
    world.acknowledge(A, 1, "tagB");
    let ack = world.lose();
    world.request(B, "BYE 1");
    world.deliver();
    world.respond(A, "BYE 1", 200);
    world.deliver();
    world.arrive(B, &ack.1);
    assert_eq!(world.told(), ["A 200 INVITE 1", "A BYE 1", "B 200 BYE 1", "B acknowledged"]);
    world.ends();
}

#[test]
fn rfc5407_3_3_1_re_invites_cross_and_each_is_refused_and_acknowledged() {
    let mut world = established();
    world.request(A, "INVITE 2");
    world.request(B, "INVITE 1");
    world.deliver();
    world.deliver();
    world.respond(B, "INVITE 2", 491);
    world.respond(A, "INVITE 1", 491);
    world.deliver_all();
    assert_eq!(world.told(), ["B INVITE 2", "A INVITE 1", "A 491 INVITE 2", "B 491 INVITE 1"]);
    world.ends();
}

#[test]
fn rfc5407_3_3_2_update_and_re_invite_cross() {
    let mut world = established();
    world.request(A, "UPDATE 2");
    world.request(B, "INVITE 1");
    world.deliver();
    world.deliver();
    world.respond(B, "UPDATE 2", 491);
    world.respond(A, "INVITE 1", 491);
    world.deliver_all();
    assert_eq!(world.told(), ["B UPDATE 2", "A INVITE 1", "A 491 UPDATE 2", "B 491 INVITE 1"]);
    world.ends();
}

#[test]
fn rfc5407_3_3_3_refer_crosses_bye() {
    let mut world = established();
    world.request(A, "BYE 2");
    world.request(B, "REFER 1");
    world.deliver();
    world.deliver();
    world.respond(A, "REFER 1", 481);
    world.respond(B, "BYE 2", 200);
    world.deliver_all();
    assert_eq!(world.told(), ["B BYE 2", "A REFER 1", "B 481 REFER 1", "A 200 BYE 2"]);
    world.ends();
}

#[test]
fn cancel_repeated_before_the_487_is_answered_each_time_and_told_once() {
    let mut world = World::new(Transport::Udp);
    world.request(A, "INVITE 1");
    world.deliver();
    world.respond(B, "INVITE 1", 180);
    world.deliver();
    world.request(A, "CANCEL 1");
    world.pass_millis(500);
    world.told();
    world.sent();
    world.deliver_all();
    assert_eq!(world.sent(), ["500 B 200 CANCEL 1", "500 B 200 CANCEL 1"]);
    assert_eq!(world.told(), ["B cancelled", "A 200 CANCEL 1"]);
}

#[test]
fn cancel_of_nothing_is_481() {
    let mut world = World::new(Transport::Udp);
    world.request(A, "CANCEL 1");
    world.deliver_all();
    assert_eq!(world.told(), ["A 481 CANCEL 1"]);
    world.request(A, "OPTIONS 2");
    world.deliver_all();
    let cancel = world.bytes(A, "CANCEL 2", &branch(A, "OPTIONS 2"));
    world.sent();
    world.arrive(B, &cancel);
    assert_eq!(world.sent(), ["0 B 481 CANCEL 2"], "only an INVITE can be cancelled");
}

#[test]
fn responses_after_the_end_are_dropped() {
    let mut world = World::new(Transport::Udp);
    world.request(A, "INVITE 1");
    world.request(A, "INFO 2");
    world.pass(Duration::from_secs(33));
    world.wire.clear();
    world.told();
    world.foreign_response(A, "INVITE 1", 200, "late");
    world.foreign_response(A, "INFO 2", 200, "late");
    world.deliver_all();
    assert_eq!(world.told(), Vec::<String>::new());
}
