//! Transfers, consulting, keys.

use super::rig::{Rig, described};
use crate::domain::softphone::Stage;
use crate::domain::softphone::interface::{Order, Refused};
use crate::protocol::sip::message::{HeaderName, Method};
use std::time::Duration;

const FRAGMENT: &str = "message/sipfrag;version=2.0";

#[test]
fn a_transfer_is_done_when_the_exchange_says_so() {
    let mut rig = Rig::new();
    let (id, ringing) = rig.talks(5);
    let ticket = rig.order(id, Order::Transfer { to: "queue:orders".into() });
    let refer = rig.says(Method::Refer);
    assert_eq!(refer.get(HeaderName::ReferTo), Some("<sip:queue:orders@offhook.test>"));
    rig.reply(&refer, 202, "");
    rig.asks(&ringing, "NOTIFY", (FRAGMENT, "SIP/2.0 100 Trying\r\n"));
    assert!(rig.done.is_empty());
    rig.asks(&ringing, "NOTIFY", (FRAGMENT, "SIP/2.0 200 OK\r\n"));
    assert_eq!(rig.done, [(ticket, None)]);
    rig.says(Method::Bye);
    assert!(rig.phone.is_idle());
}

#[test]
fn a_transfer_that_fails_leaves_the_call() {
    let mut rig = Rig::new();
    let (id, ringing) = rig.talks(5);
    let ticket = rig.order(id, Order::Transfer { to: "agent:bob".into() });
    let refer = rig.says(Method::Refer);
    rig.reply(&refer, 202, "");
    let second = rig.order(id, Order::Transfer { to: "1".into() });
    rig.asks(&ringing, "NOTIFY", (FRAGMENT, "SIP/2.0 480 Temporarily Unavailable\r\n"));
    assert_eq!(rig.refused, [(second, Refused::WrongStage), (ticket, Refused::Status(480))]);
    assert!(rig.talk(id).is_talking());
    let refused = rig.order(id, Order::Transfer { to: "1".into() });
    let refer = rig.says(Method::Refer);
    rig.reply(&refer, 403, "");
    assert_eq!(rig.refused.last(), Some(&(refused, Refused::Status(403))));
}

#[test]
fn who_was_asked_takes_the_customer_over() {
    let mut rig = Rig::new();
    let (customer, ringing) = rig.talks(5);
    let with = rig.dial("agent:bob", Some(customer));
    assert!(rig.talk(customer).is_held);
    let (consulting, hold) = (rig.says(Method::Invite), rig.says(Method::Invite));
    rig.reply(&hold, 200, &described("E", "passive", "recvonly"));
    rig.says(Method::Ack);
    let early = rig.order(with, Order::Complete);
    assert_eq!(rig.refused, [(early, Refused::WrongStage)]);
    rig.reply_as(&consulting, (200, "their-tag"), &described("K", "passive", "sendrecv"));
    rig.says(Method::Ack);
    let ticket = rig.order(with, Order::Complete);
    let refer = rig.says(Method::Refer);
    assert_eq!(refer.call_id(), "call-5", "in the dialog with the customer");
    let refer_to = refer.get(HeaderName::ReferTo).expect("a target");
    let call_id = consulting.call_id();
    let tag = consulting.from_tag().expect("a tag");
    let wanted = format!("<sip:agent:bob@offhook.test?Replaces={call_id}%3Bto-tag%3Dtheir-tag%3Bfrom-tag%3D{tag}>");
    assert_eq!(refer_to, wanted);
    rig.reply(&refer, 202, "");
    rig.asks(&ringing, "NOTIFY", (FRAGMENT, "SIP/2.0 200 OK\r\n"));
    assert_eq!(rig.done, [(ticket, None)]);
    assert!(rig.phone.is_idle(), "the agent has left both");
}

#[test]
fn a_customer_who_leaves_while_somebody_is_asked_leaves_the_other_call() {
    let mut rig = Rig::new();
    let (customer, ringing) = rig.talks(5);
    let with = rig.dial("1", Some(customer));
    rig.asks(&ringing, "BYE", ("", ""));
    assert!(matches!(rig.talk(with).stage, Stage::Dialling(_)));
    let ticket = rig.order(with, Order::Complete);
    assert_eq!(rig.refused, [(ticket, Refused::WrongStage)]);
}

#[test]
fn keys_go_one_after_the_other_and_a_comma_waits() {
    let mut rig = Rig::new();
    let (id, _) = rig.talks(5);
    let ticket = rig.order(id, Order::Keys { keys: "1,#".into() });
    assert_eq!(rig.done, [(ticket, None)]);
    let first = rig.says(Method::Info);
    assert_eq!(first.body(), b"Signal=1\r\nDuration=160\r\n");
    rig.reply(&first, 200, "");
    assert!(rig.is_quiet());
    rig.pass(Duration::from_secs(1));
    assert_eq!(rig.says(Method::Info).body(), b"Signal=#\r\nDuration=160\r\n");
    let wrong = rig.order(id, Order::Keys { keys: "1\r\n".into() });
    assert_eq!(rig.refused.last(), Some(&(wrong, Refused::Destination)));
}
