//! Every decision and every order makes a flow that can run, or is refused with the field at fault.

use super::*;
use crate::domain::flow::act::{SoundSpec, Tone};
use crate::domain::flow::key::Key;
use crate::domain::queue::settings::{AgentSettings, QueueSettings, Reach, Status};
use crate::domain::routing::engine::Fallback;

fn engine(fallback: Fallback) -> Engine {
    Engine {
        name: "desk".into(),
        client: "acd".into(),
        patience: Duration::from_secs(8),
        fallback,
        comfort: vec![SoundSpec::Tone(Tone::Beep)],
        grace: Duration::ZERO,
    }
}

fn queues() -> Settings {
    let agent = |name: &str| AgentSettings {
        name: name.into(),
        profile: "all".into(),
        reach: Reach::Phone(name.into()),
        auto_accept: false,
        password: None,
        wrap_up: None,
        proficiencies: Vec::new(),
        first_status: Status::Available,
    };
    let queues = vec![QueueSettings::named("orders")];
    Settings { queues, agents: vec![agent("ann"), agent("bob")], ..Settings::default() }
}

fn all_orders() -> Vec<Order> {
    let sounds = || vec![SoundSpec::Text(Template::plain("Hello."))];
    let queue = |priority, criteria| Order::Queue(QueueOrder { queue: "orders".into(), priority, age: None, criteria });
    vec![
        queue(None, None),
        queue(Some(1), Some(Value::Null)),
        Order::Offer { agents: vec!["ann".into(), "bob".into()], each: Duration::from_secs(20) },
        Order::Dial(DialOrder {
            to: "+81312345678".into(),
            via: Some("out".into()),
            timeout: Duration::from_secs(30),
            digits: Some("1,2#".into()),
            caller_number: Some("+81312340000".into()),
            caller_name: None,
        }),
        Order::Reject { cause: Cause::Busy, sounds: Vec::new() },
        Order::Reject { cause: Cause::Busy, sounds: sounds() },
        Order::Redirect("sip:desk@example.com".into()),
        Order::Collect(CollectOrder {
            sounds: sounds(),
            digits_max: 4,
            first_timeout: Duration::from_secs(5),
            next_timeout: Duration::from_secs(5),
            terminator: vec![Key::STAR],
            answers: true,
        }),
        Order::Wait { time: Duration::from_secs(3), sounds: Vec::new() },
        Order::Wait { time: Duration::from_secs(30), sounds: sounds() },
        Order::Control,
    ]
}

fn more_orders() -> Vec<Order> {
    vec![
        Order::Answer,
        Order::Play { sounds: vec![SoundSpec::Tone(Tone::Beep)], times: 2 },
        Order::Record { limit: Duration::from_secs(60), silence: None },
        Order::SendDigits("12".into()),
        Order::Stop,
        Order::Note,
    ]
}

struct Case {
    kind: Kind,
    is_controlled: bool,
    is_answered: bool,
}

fn made(order: Order, case: &Case) -> Result<Arc<Flow>, OrderFault> {
    let (engine, book, queues) = (engine(Fallback::Reject(Cause::Busy)), Flows::default(), queues());
    let stand = Stand {
        engine: &engine,
        kind: case.kind,
        is_controlled: case.is_controlled,
        is_answered: case.is_answered,
        fallback: "reject:busy",
        book: &book,
        queues: &queues,
    };
    let attributes = vec![("tier".into(), Value::text("gold"))];
    let noted = piece(&Decision { order: order.clone(), attributes }, stand);
    let plain = piece(&Decision { order, attributes: Vec::new() }, stand);
    assert_eq!(noted.is_ok(), plain.is_ok(), "attributes can be noted with everything");
    plain
}

fn check(order: Order, case: &Case, fault: Option<(&str, &str)>) {
    let name = order.name();
    let told = made(order, case);
    let told = told.as_ref().err().map(|fault| (fault.code, &*fault.path));
    assert_eq!(told, fault, "{name}");
}

const ASKED: Case = Case { kind: Kind::Inbound, is_controlled: false, is_answered: false };
const WAITING: Case = Case { kind: Kind::CustomerQueue, is_controlled: false, is_answered: true };
const CONTROLLED: Case = Case { kind: Kind::Inbound, is_controlled: true, is_answered: false };

#[test]
fn whatever_can_be_decided_makes_a_flow_without_fault() {
    all_orders().into_iter().for_each(|order| check(order, &ASKED, None));
    let orders = all_orders().into_iter().chain(more_orders());
    orders.for_each(|order| check(order, &CONTROLLED, None));
}

#[test]
fn who_waits_in_a_queue_can_be_moved_dialled_and_let_go() {
    for order in all_orders() {
        let fault = match &order {
            Order::Offer { .. } => Some(("not_here", "do")),
            Order::Redirect(_) => Some(("already_answered", "do")),
            _ => None,
        };
        check(order, &WAITING, fault);
    }
}

#[test]
fn orders_are_for_whoever_has_control() {
    more_orders().into_iter().for_each(|order| check(order, &ASKED, Some(("needs_control", "do"))));
}

#[test]
fn a_name_that_is_not_there_is_told_with_its_field() {
    let queue = QueueOrder { queue: "oders".into(), priority: None, age: None, criteria: None };
    check(Order::Queue(queue.clone()), &ASKED, Some(("no_such_queue", "queue")));
    let odd = QueueOrder { queue: "orders".into(), criteria: Some(Value::text("x")), ..queue.clone() };
    check(Order::Queue(odd), &ASKED, Some(("bad_criteria", "criteria")));
    let low = QueueOrder { queue: "orders".into(), priority: Some(0), ..queue };
    check(Order::Queue(low), &ASKED, Some(("bad_decision", "priority")));
    let agents = vec!["ann".into(), "eve".into()];
    check(Order::Offer { agents, each: Duration::from_secs(20) }, &ASKED, Some(("no_such_agent", "agents[1]")));
    check(Order::Offer { agents: Vec::new(), each: Duration::from_secs(20) }, &ASKED, Some(("out_of_range", "agents")));
    check(Order::Flow("main".into()), &ASKED, Some(("no_such_flow", "flow")));
    let silent = Order::Play { sounds: Vec::new(), times: 1 };
    check(silent, &CONTROLLED, Some(("bad_decision", "play")));
}

#[test]
fn a_redirection_is_one_address_and_nothing_else() {
    for bad in ["desk", "sip:a b", "sip:a\r\nX: y", "sip:a>,<sip:b", "http://example.com", "sip:\u{e9}"] {
        check(Order::Redirect(bad.into()), &ASKED, Some(("bad_address", "to")));
    }
    check(Order::Redirect("tel:+81312345678".into()), &ASKED, None);
}

#[test]
fn every_fallback_makes_a_flow_without_fault() {
    let fallbacks = [
        Fallback::Flow("main".into()),
        Fallback::Queue("orders".into()),
        Fallback::Dial("+81312345678".into()),
        Fallback::Reject(Cause::Busy),
    ];
    for fallback in fallbacks {
        let words = fallback.to_string();
        let flow = engine(fallback).flow(RouteReason::Inbound);
        assert!(flow.is_some(), "{words}");
    }
}
