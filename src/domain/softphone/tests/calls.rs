//! Registering, ringing, calling, and how calls end.

use super::rig::{Rig, body, described, page};
use crate::base::cause::Cause;
use crate::domain::softphone::Stage;
use crate::domain::softphone::interface::{Dialling, Order, Refused};
use crate::protocol::sip::message::{HeaderName, Method};
use std::time::Duration;

fn ending(rig: &Rig, id: crate::domain::softphone::interface::TalkId) -> Cause {
    match &rig.talk(id).stage {
        Stage::Over(ending) => ending.cause,
        stage => panic!("it is not over: {stage:?}"),
    }
}

#[test]
fn it_registers_with_its_password_again_and_again_until_it_is_to_go() {
    let mut rig = Rig::new();
    rig.phone.register(rig.now, true);
    rig.drain();
    let first = rig.says(Method::Register);
    assert!(first.get(HeaderName::Authorization).is_none());
    rig.reply(&first, 401, "");
    let proven = rig.says(Method::Register);
    assert!(proven.get(HeaderName::Authorization).is_some_and(|value| value.contains("username=\"alice\"")));
    rig.reply(&proven, 200, "");
    assert!(rig.phone.is_registered());
    rig.pass(Duration::from_secs(301));
    let again = rig.says(Method::Register);
    rig.reply(&again, 200, "");
    rig.phone.register(rig.now, false);
    rig.drain();
    let last = rig.says(Method::Register);
    assert!(last.get(HeaderName::Contact).is_some_and(|contact| contact.ends_with("expires=0")));
    rig.reply(&last, 200, "");
    assert!(!rig.phone.is_registered());
    rig.pass(Duration::from_secs(3_600));
    assert!(rig.is_quiet(), "{:?}", rig.said);
}

#[test]
fn a_password_that_is_wrong_is_not_tried_without_end() {
    let mut rig = Rig::new();
    rig.phone.register(rig.now, true);
    rig.drain();
    for _ in 0..2 {
        let asked = rig.says(Method::Register);
        rig.reply(&asked, 401, "");
    }
    assert!(rig.is_quiet() && !rig.phone.is_registered());
    rig.pass(Duration::from_secs(6));
    rig.says(Method::Register);
}

#[test]
fn a_call_rings_is_taken_and_ended_by_the_other_side() {
    let mut rig = Rig::new();
    let (id, ringing) = rig.rings(5);
    let talk = rig.talk(id);
    assert_eq!((talk.from.as_deref(), talk.name.as_deref()), (Some("+81312345678"), Some("Customer")));
    assert_eq!((talk.to.as_deref(), talk.call.map(|call| call.0)), (Some("0120444444"), Some(5)));
    assert!(talk.offer.as_deref().is_some_and(|offer| offer.contains("ice-ufrag:E")));
    rig.order(id, Order::Accept { description: page("p", "active").into() });
    let taken = rig.answer();
    assert_eq!(taken.status(), 200);
    assert!(body(&taken).contains("ice-ufrag:p") && body(&taken).contains("a=setup:active"), "{}", body(&taken));
    assert!(rig.talk(id).is_talking() && rig.talk(id).offer.is_none());
    rig.asks(&ringing, "BYE", ("", ""));
    assert_eq!(rig.answer().status(), 200);
    assert_eq!(ending(&rig, id), Cause::Normal);
    rig.phone.forget(id);
    assert!(rig.phone.talks().is_empty());
}

#[test]
fn a_call_that_is_turned_down_or_given_up_is_over() {
    let mut rig = Rig::new();
    let (id, _) = rig.rings(5);
    rig.order(id, Order::HangUp);
    assert_eq!((rig.answer().status(), ending(&rig, id)), (603, Cause::Declined));
    let refused = rig.order(id, Order::Accept { description: page("p", "active").into() });
    assert_eq!(rig.refused, [(refused, Refused::WrongStage)]);
    let (next, _) = rig.rings(5);
    assert_eq!(rig.phone.talks().len(), 1, "the same call again takes the place of the missed one");
    assert_ne!(next, id);
}

#[test]
fn a_description_that_is_none_leaves_the_call_ringing() {
    let mut rig = Rig::new();
    let (id, _) = rig.rings(5);
    for broken in ["", "v=0\r\n", "nonsense", "v=0\r\nm=audio 0 RTP/AVP 0\r\n"] {
        rig.order(id, Order::Accept { description: broken.into() });
    }
    assert_eq!(rig.refused.len(), 4);
    assert!(rig.answers.is_empty() && matches!(rig.talk(id).stage, Stage::Ringing { .. }));
}

#[test]
fn the_agent_calls_proves_who_he_is_and_hears_early_media() {
    let mut rig = Rig::new();
    let id = rig.dial("03-1234 5678", None);
    let first = rig.says(Method::Invite);
    assert_eq!(first.uri_text(), "sip:0312345678@offhook.test");
    rig.reply(&first, 401, "");
    rig.says(Method::Ack);
    let proven = rig.says(Method::Invite);
    assert!(proven.get(HeaderName::Authorization).is_some());
    rig.reply(&proven, 100, "");
    rig.reply(&proven, 183, &described("E", "passive", "sendrecv"));
    assert!(rig.talk(id).answer.as_deref().is_some_and(|answer| answer.contains("ice-ufrag:E")));
    assert_eq!(rig.talk(id).call.map(|call| call.0), Some(77));
    rig.reply(&proven, 200, &described("E", "passive", "sendrecv"));
    rig.says(Method::Ack);
    assert!(rig.talk(id).is_talking() && rig.talk(id).answered.is_some());
    rig.order(id, Order::HangUp);
    rig.says(Method::Bye);
    assert_eq!(ending(&rig, id), Cause::Normal);
}

#[test]
fn a_call_that_is_given_up_while_it_rings_is_cancelled_and_hung_up_if_it_was_answered_meanwhile() {
    let mut rig = Rig::new();
    let id = rig.dial("110", None);
    let invite = rig.says(Method::Invite);
    rig.order(id, Order::HangUp);
    assert!(rig.is_quiet(), "nothing has come yet that could be cancelled");
    rig.reply(&invite, 180, "");
    rig.says(Method::Cancel);
    rig.reply(&invite, 200, &described("E", "passive", "sendrecv"));
    rig.says(Method::Ack);
    rig.says(Method::Bye);
    assert_eq!(ending(&rig, id), Cause::Normal);
}

#[test]
fn what_the_exchange_refuses_is_over_for_its_reason() {
    let mut rig = Rig::new();
    for (status, cause) in [(486, Cause::Busy), (404, Cause::from_status(404)), (603, Cause::Declined)] {
        let id = rig.dial("110", None);
        let invite = rig.says(Method::Invite);
        rig.reply(&invite, status, "");
        rig.says(Method::Ack);
        assert_eq!(ending(&rig, id), cause);
    }
}

#[test]
fn only_numbers_agents_and_queues_are_dialled() {
    let mut rig = Rig::new();
    for wrong in ["", "sip:x@y", "a b", "1\r\nX: y", "queue:", "queue:a b", "agent:<x>", "?Replaces=1", "ü"] {
        let dialling = Dialling { to: wrong.into(), description: page("d", "actpass").into(), consults: None };
        assert_eq!(rig.phone.dial(rig.now, dialling), Err(Refused::Destination), "{wrong:?}");
    }
    for (to, uri) in [("*21#", "sip:*21%23@offhook.test"), ("queue:orders", "sip:queue:orders@offhook.test")] {
        rig.dial(to, None);
        assert_eq!(rig.says(Method::Invite).uri_text(), uri);
    }
}

#[test]
fn more_calls_than_an_agent_has_are_busy() {
    let mut rig = Rig::new();
    for call in 0..8 {
        rig.rings(call);
    }
    let dialling = Dialling { to: "1".into(), description: page("d", "actpass").into(), consults: None };
    assert_eq!(rig.phone.dial(rig.now, dialling), Err(Refused::TooMany));
}
