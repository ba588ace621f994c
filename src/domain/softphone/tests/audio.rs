//! Holding, a page that is gone, and one that comes back to a call that goes on.

use super::rig::{RESUME, Rig, body, described, page};
use crate::domain::softphone::Stage;
use crate::domain::softphone::interface::{Order, Refused};
use crate::protocol::sip::message::Method;
use std::time::Duration;

fn attach() -> Order {
    Order::Attach { description: page("n", "actpass").into() }
}

#[test]
fn hold_and_go_on_are_said_from_what_the_page_described() {
    let mut rig = Rig::new();
    let (id, _) = rig.talks(5);
    let hold = rig.order(id, Order::Hold { is_held: true });
    let asked = rig.says(Method::Invite);
    let offer = body(&asked);
    assert!(offer.contains("a=sendonly") && !offer.contains("a=sendrecv"), "{offer}");
    assert!(offer.contains("a=setup:actpass") && offer.contains("a=ice-ufrag:p\r\n"), "{offer}");
    assert!(rig.done.is_empty(), "not before the exchange has it");
    rig.reply(&asked, 200, &described("E", "passive", "recvonly"));
    rig.says(Method::Ack);
    assert_eq!(rig.done, [(hold, None)]);
    let resume = rig.order(id, Order::Hold { is_held: false });
    let asked = rig.says(Method::Invite);
    assert!(body(&asked).contains("a=sendrecv") && body(&asked).contains(" 3 IN IP4"), "{}", body(&asked));
    rig.reply(&asked, 200, &described("E", "passive", "sendrecv"));
    assert_eq!(rig.done, [(hold, None), (resume, None)]);
    let again = rig.order(id, Order::Hold { is_held: false });
    assert_eq!(rig.done.last(), Some(&(again, None)), "what is so already needs no word");
}

#[test]
fn when_both_sides_ask_at_once_the_phone_tries_again_later() {
    let mut rig = Rig::new();
    let (id, _) = rig.talks(5);
    let hold = rig.order(id, Order::Hold { is_held: true });
    let asked = rig.says(Method::Invite);
    rig.reply(&asked, 491, "");
    rig.says(Method::Ack);
    assert!(rig.is_quiet());
    rig.pass(Duration::from_secs(4));
    let asked = rig.says(Method::Invite);
    rig.reply(&asked, 200, &described("E", "passive", "recvonly"));
    assert_eq!(rig.done, [(hold, None)]);
}

#[test]
fn the_exchange_is_answered_without_the_page() {
    let mut rig = Rig::new();
    let (id, ringing) = rig.talks(5);
    rig.asks(&ringing, "INVITE", ("application/sdp", &described("E", "actpass", "sendonly")));
    let answer = rig.answer();
    assert_eq!(answer.status(), 200);
    let text = body(&answer);
    assert!(
        text.contains("a=recvonly") && text.contains("a=setup:active") && text.contains("SAVPF 111 126\r\n"),
        "{text}"
    );
    assert!(!rig.talk(id).needs_attach, "audio stays where it is");
    rig.asks(&ringing, "INVITE", ("", ""));
    let offer = body(&rig.answer());
    assert!(offer.contains("a=sendrecv") && offer.contains("a=setup:actpass"), "{offer}");
    rig.asks(&ringing, "UPDATE", ("", ""));
    assert_eq!(rig.answer().status(), 200);
    rig.asks(&ringing, "INVITE", ("application/sdp", "v=0\r\nm=audio 9 RTP/AVP 18\r\n"));
    assert_eq!(rig.answer().status(), 488);
}

#[test]
fn audio_that_moves_at_the_exchange_needs_the_page() {
    let mut rig = Rig::new();
    let (id, ringing) = rig.talks(5);
    rig.asks(&ringing, "INVITE", ("application/sdp", &described("F", "actpass", "sendrecv")));
    assert_eq!(rig.answer().status(), 200);
    assert!(rig.talk(id).needs_attach);
}

#[test]
fn a_page_that_is_gone_parks_its_calls_and_one_that_comes_goes_on_with_them() {
    let mut rig = Rig::new();
    let (id, _) = rig.talks(5);
    rig.phone.silent(rig.now);
    rig.pass(Duration::from_millis(900));
    assert!(rig.is_quiet(), "a page that comes back at once has not been missed");
    rig.pass(Duration::from_millis(200));
    let parked = rig.says(Method::Invite);
    assert!(body(&parked).contains("a=sendonly"));
    rig.reply(&parked, 200, &described("E", "passive", "recvonly"));
    rig.says(Method::Ack);
    assert!(rig.talk(id).is_parked && !rig.talk(id).is_held);
    rig.pass(Duration::from_secs(50));
    rig.phone.heard(rig.now, true);
    rig.drain();
    assert!(rig.talk(id).needs_attach && rig.is_quiet(), "the exchange hears of it when there is audio");
    let ticket = rig.order(id, attach());
    let asked = rig.says(Method::Invite);
    let offer = body(&asked);
    assert!(
        offer.contains("a=ice-ufrag:n\r\n") && offer.contains("a=sendrecv") && offer.contains("o=- 1 3 "),
        "{offer}"
    );
    let answer = described("G", "passive", "sendrecv");
    rig.reply(&asked, 200, &answer);
    rig.says(Method::Ack);
    assert_eq!(rig.done, [(ticket, Some(answer))]);
    assert!(!rig.talk(id).needs_attach && !rig.talk(id).is_parked && rig.resumed == 1);
    rig.pass(RESUME * 2);
    assert!(rig.is_quiet() && rig.talk(id).is_talking(), "{:?}", rig.said);
}

#[test]
fn a_call_that_the_agent_held_is_held_after_his_page_came_back() {
    let mut rig = Rig::new();
    let (id, _) = rig.talks(5);
    rig.order(id, Order::Hold { is_held: true });
    let asked = rig.says(Method::Invite);
    rig.reply(&asked, 200, &described("E", "passive", "recvonly"));
    rig.says(Method::Ack);
    rig.phone.silent(rig.now);
    rig.pass(Duration::from_secs(2));
    assert!(rig.is_quiet(), "the other side hears no more of it than it does already");
    rig.phone.heard(rig.now, true);
    rig.order(id, attach());
    assert!(body(&rig.says(Method::Invite)).contains("a=sendonly"));
}

#[test]
fn nobody_waits_for_a_page_for_ever() {
    let mut rig = Rig::new();
    let (id, _) = rig.talks(5);
    let (ringing, _) = rig.rings(6);
    rig.phone.silent(rig.now);
    rig.pass(Duration::from_secs(2));
    let parked = rig.says(Method::Invite);
    rig.reply(&parked, 200, &described("E", "passive", "recvonly"));
    rig.says(Method::Ack);
    rig.pass(RESUME - Duration::from_secs(2) - Duration::from_millis(1));
    assert!(rig.talk(id).is_talking() && matches!(rig.talk(ringing).stage, Stage::Ringing { .. }));
    rig.pass(Duration::from_millis(2));
    rig.says(Method::Bye);
    assert!(rig.answers.iter().any(|answer| answer.status() == 480), "{:?}", rig.answers);
    assert!(rig.phone.is_idle());
    let late = rig.order(id, attach());
    assert_eq!(rig.refused.last(), Some(&(late, Refused::WrongStage)));
}

#[test]
fn another_page_that_takes_the_audio_attaches_and_the_newest_attempt_counts() {
    let mut rig = Rig::new();
    let (id, _) = rig.talks(5);
    rig.phone.heard(rig.now, true);
    assert!(rig.talk(id).needs_attach);
    let first = rig.order(id, attach());
    let asked = rig.says(Method::Invite);
    let (second, third) = (rig.order(id, attach()), rig.order(id, attach()));
    assert_eq!(rig.refused, [(second, Refused::WrongStage)], "a newer one has taken its place");
    rig.reply(&asked, 200, &described("G", "passive", "sendrecv"));
    assert_eq!(rig.done.first().map(|done| done.0), Some(first));
    let asked = rig.says(Method::Invite);
    rig.reply(&asked, 200, &described("H", "passive", "sendrecv"));
    assert_eq!(rig.done.last().map(|done| done.0), Some(third));
}

#[test]
fn a_refused_change_is_said_and_the_call_goes_on() {
    let mut rig = Rig::new();
    let (id, _) = rig.talks(5);
    let ticket = rig.order(id, attach());
    let asked = rig.says(Method::Invite);
    rig.reply(&asked, 488, "");
    assert_eq!(rig.refused, [(ticket, Refused::Status(488))]);
    assert!(rig.talk(id).is_talking());
}
