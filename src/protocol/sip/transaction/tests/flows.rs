//! The call flows of RFC 3665 as the transaction layer sees them, and the timers of RFC 3261 section 17 one by one.

use super::world::*;
use crate::protocol::sip::message::{HeaderName, Message};
use crate::protocol::sip::path::Transport;
use crate::protocol::sip::transaction::set::Repeats;
use std::time::Duration;

const BOTH: [Transport; 2] = [Transport::Udp, Transport::Tcp];

/// A has called, B is ringing.
fn ringing(transport: Transport) -> World {
    let mut world = World::new(transport);
    world.request(A, "INVITE 1");
    world.deliver_all();
    world.respond(B, "INVITE 1", 100);
    world.respond(B, "INVITE 1", 180);
    world.deliver_all();
    assert_eq!(world.told(), ["B INVITE 1", "A 100 INVITE 1", "A 180 INVITE 1"]);
    world.sent();
    world
}

#[test]
fn rfc3665_3_1_session_is_established_and_ended() {
    for transport in BOTH {
        let mut world = ringing(transport);
        world.respond(B, "INVITE 1", 200);
        world.deliver_all();
        world.acknowledge(A, 1, "tagB");
        world.deliver_all();
        world.request(B, "BYE 2");
        world.deliver_all();
        world.respond(A, "BYE 2", 200);
        world.deliver_all();
        assert_eq!(world.told(), ["A 200 INVITE 1", "B acknowledged", "A BYE 2", "B 200 BYE 2"]);
        assert_eq!(world.sent(), ["0 B 200 INVITE 1", "0 A ACK 1", "0 B BYE 2", "0 A 200 BYE 2"]);
        world.ends();
        assert_eq!((world.told(), world.sent()), (vec![], vec![]), "nothing is repeated after the end");
    }
}

#[test]
fn rfc3665_2_1_registration_is_challenged_and_succeeds() {
    for transport in BOTH {
        let mut world = World::new(transport);
        for (name, status) in [("REGISTER 1", 401), ("REGISTER 2", 200)] {
            world.request(A, name);
            world.deliver_all();
            world.respond(B, name, status);
            world.deliver_all();
        }
        assert_eq!(world.told(), ["B REGISTER 1", "A 401 REGISTER 1", "B REGISTER 2", "A 200 REGISTER 2"]);
        world.ends();
    }
}

#[test]
fn rfc3665_3_7_re_invite_runs_beside_the_lingering_first() {
    let mut world = ringing(Transport::Udp);
    world.respond(B, "INVITE 1", 200);
    world.deliver_all();
    world.acknowledge(A, 1, "tagB");
    world.deliver_all();
    world.request(B, "INVITE 14");
    world.deliver_all();
    world.respond(A, "INVITE 14", 200);
    world.deliver_all();
    world.acknowledge(B, 14, "tagA");
    world.deliver_all();
    let told = world.told();
    assert_eq!(told[2..], ["A INVITE 14", "B 200 INVITE 14", "A acknowledged"]);
    world.ends();
}

#[test]
fn rfc3665_3_8_unanswered_call_is_cancelled() {
    for transport in BOTH {
        let mut world = ringing(transport);
        world.request(A, "CANCEL 1");
        world.deliver_all();
        world.respond(B, "INVITE 1", 487);
        world.deliver_all();
        assert_eq!(world.told(), ["B cancelled", "A 200 CANCEL 1", "A 487 INVITE 1"]);
        let ladder = ["0 A CANCEL 1", "0 B 200 CANCEL 1", "0 B 487 INVITE 1", "0 A ACK 1"];
        assert_eq!(world.sent(), ladder);
        world.ends();
        assert_eq!((world.told(), world.sent()), (vec![], vec![]));
    }
}

#[test]
fn rfc3665_3_9_busy_is_acknowledged_from_the_invite_itself() {
    for transport in BOTH {
        let mut world = ringing(transport);
        world.respond(B, "INVITE 1", 486);
        world.deliver();
        let (_, ack) = world.wire.front().cloned().unwrap();
        let ack = Message::parse(&ack).unwrap();
        assert_eq!(ack.uri_text(), "sip:B@192.0.2.1");
        assert_eq!(ack.top_via().unwrap().branch(), Some("z9hG4bKAINVITE1"));
        assert_eq!(ack.get(HeaderName::Route), Some("<sip:192.0.2.77;lr>"));
        assert_eq!((ack.from_tag(), ack.to_tag(), ack.call_id()), (Some("tagA"), Some("tagB"), "call"));
        assert!(ack.check_request().is_ok());
        world.deliver_all();
        assert_eq!(world.told(), ["A 486 INVITE 1"], "the ACK of a refusal stays below");
        world.ends();
    }
}

#[test]
fn rfc3665_3_10_nobody_answers_and_timer_b_ends_it() {
    let mut world = World::new(Transport::Udp);
    world.request(A, "INVITE 1");
    world.pass(Duration::from_secs(40));
    let times: Vec<_> = world.sent().iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(times, ["0", "500", "1500", "3500", "7500", "15500", "31500"]);
    assert_eq!(world.told(), ["A timed out"]);
    world.ends();

    let mut world = World::new(Transport::Tcp);
    world.request(A, "INVITE 1");
    world.pass(Duration::from_secs(40));
    assert_eq!((world.sent().len(), world.told()), (1, vec!["A timed out".into()]));
}

#[test]
fn a_silent_target_is_given_up_early_but_not_one_that_said_trying() {
    for (name, told) in [("INVITE 1", "A silent"), ("OPTIONS 1", "A timed out")] {
        let mut world = World::new(Transport::Udp);
        world.request_within(A, name, Some(Duration::from_secs(2)));
        world.pass_millis(1_999);
        assert_eq!(world.told(), Vec::<String>::new());
        world.pass_millis(1);
        assert_eq!(world.told(), [told]);

        let mut world = World::new(Transport::Udp);
        world.request_within(A, name, Some(Duration::from_secs(2)));
        world.deliver();
        world.respond(B, name, 100);
        world.deliver_all();
        world.told();
        world.pass_millis(10_000);
        assert_eq!(world.told(), Vec::<String>::new(), "{name} goes on");
    }
}

#[test]
fn an_invite_that_was_silent_is_not_repeated_and_may_be_answered_until_timer_b() {
    let mut world = World::new(Transport::Udp);
    world.request_within(A, "INVITE 1", Some(Duration::from_secs(2)));
    world.pass_millis(31_999);
    let times: Vec<_> = world.sent().iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(times, ["0", "500", "1500"]);
    assert_eq!(world.told(), ["A silent"]);
    world.pass_millis(1);
    assert_eq!(world.told(), ["A timed out"]);

    let mut world = World::new(Transport::Udp);
    world.request_within(A, "INVITE 1", Some(Duration::from_secs(2)));
    world.deliver();
    world.pass_millis(2_000);
    world.told();
    world.respond(B, "INVITE 1", 200);
    world.deliver_all();
    assert_eq!(world.told(), ["A 200 INVITE 1"]);
}

#[test]
fn other_requests_repeat_up_to_t2_and_time_out_by_timer_f() {
    let mut world = World::new(Transport::Udp);
    world.request(A, "BYE 1");
    world.pass(Duration::from_secs(40));
    let times: Vec<_> = world.sent().iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    let expected = ["0", "500", "1500", "3500", "7500", "11500", "15500", "19500", "23500", "27500", "31500"];
    assert_eq!(times, expected);
    assert_eq!(world.repeats(A), Repeats { sent: 10, received: 0 });
    assert_eq!(world.told(), ["A timed out"]);
    world.deliver_all();
    assert_eq!((world.told(), world.repeats(B)), (vec!["B BYE 1".into()], Repeats { sent: 0, received: 10 }));
}

#[test]
fn a_provisional_answer_slows_other_requests_and_stops_an_invite() {
    for (name, expected) in [("INVITE 1", vec![]), ("INFO 1", vec!["4000 A INFO 1", "8000 A INFO 1"])] {
        let mut world = World::new(Transport::Udp);
        world.request(A, name);
        world.deliver();
        world.respond(B, name, 100);
        world.deliver_all();
        world.sent();
        world.pass_millis(9_000);
        assert_eq!(world.sent(), expected);
    }
}

#[test]
fn a_200_is_repeated_until_acknowledged_also_over_tcp() {
    for transport in BOTH {
        let mut world = ringing(transport);
        world.respond(B, "INVITE 1", 200);
        world.pass_millis(9_000);
        let times: Vec<_> = world.sent().iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
        assert_eq!(times, ["0", "500", "1500", "3500", "7500"]);
        world.deliver();
        world.acknowledge(A, 1, "tagB");
        world.deliver_all();
        assert_eq!(world.told(), ["A 200 INVITE 1", "B acknowledged"], "repeated 200s and ACKs stay below");
        assert_eq!(world.sent().len(), 5, "the ACK, and again for each 200 that was under way");
        assert_eq!(world.repeats(A), Repeats { sent: 4, received: 4 }, "an ACK again for each 200 that came again");
        assert_eq!(world.repeats(B), Repeats { sent: 4, received: 0 });
        world.ends();
    }
}

#[test]
fn an_answer_that_nobody_acknowledges_is_reported_once() {
    let mut world = ringing(Transport::Udp);
    world.respond(B, "INVITE 1", 200);
    world.wire.clear();
    world.pass(Duration::from_secs(31));
    assert_eq!(world.told(), Vec::<String>::new());
    world.pass(Duration::from_secs(1));
    assert_eq!(world.told(), ["B unacknowledged"]);
}

#[test]
fn a_refusal_is_repeated_up_to_t2_until_acknowledged() {
    let mut world = ringing(Transport::Udp);
    world.respond(B, "INVITE 1", 486);
    world.pass_millis(12_000);
    let times: Vec<_> = world.sent().iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(times, ["0", "500", "1500", "3500", "7500", "11500"]);
    world.deliver_all();
    assert_eq!(world.told(), ["A 486 INVITE 1"]);
    assert_eq!(world.sent().len(), 6, "each repetition is acknowledged");
    world.ends();

    let mut world = ringing(Transport::Tcp);
    world.respond(B, "INVITE 1", 486);
    world.pass_millis(12_000);
    assert_eq!(world.sent().len(), 1);
}

#[test]
fn a_refusal_that_nobody_acknowledges_ends_silently() {
    for transport in BOTH {
        let mut world = ringing(transport);
        world.respond(B, "INVITE 1", 503);
        world.wire.clear();
        world.pass(Duration::from_secs(33));
        assert_eq!(world.told(), Vec::<String>::new());
    }
}

#[test]
fn every_fork_that_answers_is_passed_up_once() {
    let mut world = ringing(Transport::Udp);
    world.foreign_response(A, "INVITE 1", 200, "fork1");
    world.foreign_response(A, "INVITE 1", 200, "fork2");
    world.foreign_response(A, "INVITE 1", 200, "fork1");
    world.foreign_response(A, "INVITE 1", 486, "fork3");
    world.foreign_response(A, "INVITE 1", 180, "fork4");
    world.deliver_all();
    assert_eq!(world.told(), ["A 200 INVITE 1", "A 200 INVITE 1"]);
    world.acknowledge(A, 1, "fork1");
    world.acknowledge(A, 1, "fork2");
    world.wire.clear();
    world.sent();
    world.foreign_response(A, "INVITE 1", 200, "fork2");
    world.deliver();
    let (_, again) = world.lose();
    assert_eq!(Message::parse(&again).unwrap().top_via().unwrap().branch(), Some("z9hG4bKackA1fork2"));
}

#[test]
fn a_cancelled_invite_without_final_answer_ends_after_64_t1() {
    let mut world = ringing(Transport::Tcp);
    world.request(A, "CANCEL 1");
    world.wire.clear();
    world.pass(Duration::from_secs(20));
    world.foreign_response(A, "INVITE 1", 183, "tagB");
    world.deliver();
    world.pass(Duration::from_secs(12));
    let mut told = world.told();
    told.sort();
    assert_eq!(told, ["A 183 INVITE 1", "A timed out", "A timed out"], "the INVITE and the CANCEL");
}

#[test]
fn ringing_is_repeated_each_minute() {
    let mut world = ringing(Transport::Tcp);
    world.pass(Duration::from_secs(125));
    assert_eq!(world.sent(), ["60000 B 180 INVITE 1", "120000 B 180 INVITE 1"]);
}

#[test]
fn what_cannot_be_delivered_is_unreachable_at_once() {
    for name in ["INVITE 1", "OPTIONS 1"] {
        let mut world = World::new(Transport::Tcp);
        world.request(A, name);
        world.undeliverable(A, name, false);
        world.undeliverable(A, name, false);
        assert_eq!(world.told(), ["A unreachable"]);
        world.ends();
    }
    let mut world = ringing(Transport::Tcp);
    world.undeliverable(A, "INVITE 1", false);
    assert_eq!(world.told(), Vec::<String>::new(), "it rings, so it was delivered");
}

#[test]
fn a_response_whose_connection_broke_gets_one_new_connection() {
    for (name, status) in [("INVITE 1", 200), ("INVITE 1", 486), ("OPTIONS 1", 200)] {
        let mut world = World::new(Transport::Tcp);
        world.request(A, name);
        world.deliver_all();
        world.respond(B, name, status);
        world.sent();
        world.undeliverable(B, name, true);
        assert_eq!(world.sent(), [format!("0 B {status} {name} elsewhere")]);
        world.undeliverable(B, name, true);
        assert_eq!(world.sent(), Vec::<String>::new());
    }
}
