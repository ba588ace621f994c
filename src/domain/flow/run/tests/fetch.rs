//! Specification of `webhook` and `function`.

use super::rig::*;
use crate::base::limits;
use crate::domain::flow::act::*;
use crate::domain::flow::definition::*;
use crate::domain::flow::draft::FlowDraft;
use crate::domain::flow::interface::*;
use crate::domain::flow::memory::Memory;
use crate::domain::flow::value::Value;

fn asking(webhook: Webhook) -> Rig {
    Rig::new(one(Kind::Inbound, Act::Webhook(webhook)))
}

fn order(rig: &Rig) -> &FetchOrder {
    let order = rig.wishes.iter().rev().find_map(|wish| match wish {
        FlowWish::Fetch { order, .. } => Some(order),
        _ => None,
    });
    order.unwrap()
}

fn answer() -> Result<Value, FetchFault> {
    Ok(Value::map([("name", Value::text("Justin")), ("deep", Value::map([("a", Value::number(1))]))]))
}

#[test]
fn it_asks_with_all_that_is_known_of_the_call_and_with_parameters() {
    let mut webhook = webhook();
    webhook.request.parameters = vec![
        ("who".into(), Argument::Text(text("$.CustomerEndpoint.Address"))),
        ("list".into(), Argument::List(vec![Argument::Bool(true), Argument::Number("1".into()), Argument::Null])),
    ];
    let rig = asking(webhook);
    let order = order(&rig);
    assert_eq!(order.to, FetchFrom::Url("https://crm.example.net/look".into()));
    assert_eq!((order.each, order.total, order.tries), (seconds(3), seconds(8), 3));
    let details = order.body.member("Details").unwrap();
    assert_eq!(order.body.member("Name"), Some(&Value::text("ContactFlowEvent")));
    let contact = details.member("ContactData").unwrap();
    assert_eq!(contact.member("ContactId"), Some(&Value::text("c-1")));
    assert_eq!(contact.member("CustomerEndpoint").unwrap().member("Address"), Some(&Value::text("+819012345678")));
    assert_eq!(contact.member("CustomerCallbackNumber"), None);
    let parameters = details.member("Parameters").unwrap();
    assert_eq!(parameters.member("who"), Some(&Value::text("+819012345678")));
    assert_eq!(parameters.member("list"), Some(&Value::List(vec![Value::Bool(true), Value::number(1), Value::Null])));
}

#[test]
fn its_answer_can_be_referred_to() {
    let mut rig = asking(webhook());
    rig.fetched(answer());
    assert_eq!(rig.at(), "success");
    assert_eq!(rig.value("$.External.deep.a"), Some(&Value::number(1)));
}

#[test]
fn every_fault_is_an_error_and_the_log_says_which() {
    for (fault, name) in [
        (FetchFault::Unreachable, "unreachable"),
        (FetchFault::TimedOut, "timed-out"),
        (FetchFault::Refused(500), "refused"),
        (FetchFault::TooLarge, "too-large"),
        (FetchFault::NotUnderstood, "not-understood"),
        (FetchFault::NotAllowed, "not-allowed"),
    ] {
        let mut rig = asking(webhook());
        rig.fetched(Err(fault));
        assert_eq!((rig.at(), rig.log[0].result.as_deref()), ("error", Some(name)));
    }
}

#[test]
fn nobody_waits_longer_than_eight_seconds_for_it() {
    let mut rig = asking(webhook());
    rig.wait(seconds(8));
    assert_eq!(rig.at(), "it");
    rig.wait(seconds(1));
    assert_eq!(rig.at(), "error");
    assert!(rig.wishes.iter().any(|wish| matches!(wish, FlowWish::CancelFetch { .. })));
}

#[test]
fn a_map_of_texts_is_nothing_else_where_it_was_asked_for() {
    let strings = || {
        let mut webhook = webhook();
        webhook.request.reply = Reply::StringMap;
        asking(webhook)
    };
    let mut rig = strings();
    rig.fetched(Ok(Value::map([("balance", Value::text("$1000"))])));
    assert_eq!(rig.at(), "success");
    let mut rig = strings();
    rig.fetched(answer());
    assert_eq!(rig.at(), "error");
    let mut rig = asking(webhook());
    rig.fetched(Ok(Value::List(Vec::new())));
    assert_eq!(rig.at(), "error");
}

#[test]
fn an_answer_of_more_than_32_kilobytes_is_none() {
    let mut rig = asking(webhook());
    rig.fetched(Ok(Value::map([("a", Value::text("a".repeat(limits::FETCHED_BYTES_MAX)))])));
    assert_eq!(rig.at(), "error");
    assert_eq!(rig.value("$.External.a"), None);
}

#[test]
fn comfort_is_heard_meanwhile_and_stops_with_the_answer() {
    let mut webhook = webhook();
    webhook.request.comfort = vec![SoundSpec::Prompt(text("music"))];
    let mut rig = asking(webhook);
    let Some(FlowWish::Play { ticket, times: None, .. }) = rig.wishes.last().cloned() else { panic!("no comfort") };
    rig.fetched(answer());
    assert!(rig.wishes.contains(&FlowWish::StopPlaying { ticket }));
    assert_eq!(rig.at(), "success");
}

#[test]
fn comfort_that_cannot_be_had_is_silence() {
    let mut webhook = webhook();
    webhook.request.comfort = vec![SoundSpec::Prompt(text("music"))];
    let mut rig = asking(webhook);
    rig.heard(false);
    assert_eq!(rig.at(), "it");
    rig.fetched(answer());
    assert_eq!(rig.at(), "success");
}

#[test]
fn a_value_in_an_address_cannot_become_part_of_it() {
    let mut memory = Memory::new(&origin());
    assert!(memory.set_attribute(Scope::Call, "q", Value::text("a/../b?c=d&e#f é"), false));
    let webhook = Webhook { url: text("https://crm.example.net/look?q=$.Attributes.q"), ..webhook() };
    let rig = Rig::with(vec![one(Kind::Inbound, Act::Webhook(webhook))], memory);
    let to = FetchFrom::Url("https://crm.example.net/look?q=a%2F..%2Fb%3Fc%3Dd%26e%23f%20%C3%A9".into());
    assert_eq!(order(&rig).to, to);
}

#[test]
fn a_function_is_asked_of_the_engine_by_its_name() {
    let function = Function { name: text("score"), request: webhook().request };
    let mut rig = Rig::new(one(Kind::Inbound, Act::Function(function)));
    assert_eq!(order(&rig).to, FetchFrom::Engine("score".into()));
    rig.fetched(answer());
    assert_eq!(rig.at(), "success");
}

/// Three questions one after the other, with something said before the third or not.
fn chain(with_prompt: bool) -> FlowDraft {
    let third = if with_prompt { "say" } else { "third" };
    let ask = |name: &str, next: &str| {
        step(name, Act::Webhook(webhook()), &[(Outcome::Success, next), (Outcome::Error, "end")])
    };
    let mut steps = vec![ask("first", "second"), ask("second", third), ask("third", "end"), bye("end")];
    if with_prompt {
        steps.push(step("say", play("One moment"), &[(Outcome::Success, "third"), (Outcome::Error, "end")]));
    }
    flow("test", Kind::Inbound, steps)
}

#[test]
fn questions_in_a_row_have_twenty_seconds_in_all() {
    let mut rig = Rig::new(chain(false));
    for _ in 0..2 {
        rig.wait(std::time::Duration::from_millis(7_900));
        rig.fetched(answer());
    }
    assert_eq!(order(&rig).total, std::time::Duration::from_millis(4_200));
    rig.wait(std::time::Duration::from_millis(4_700));
    assert_eq!(rig.at(), "end");
}

#[test]
fn something_said_between_questions_gives_them_twenty_seconds_again() {
    let mut rig = Rig::new(chain(true));
    for _ in 0..2 {
        rig.wait(std::time::Duration::from_millis(7_900));
        rig.fetched(answer());
    }
    rig.played();
    assert_eq!(order(&rig).total, seconds(8));
}
