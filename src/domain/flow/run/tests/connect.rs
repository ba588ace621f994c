//! Specification of queue, callback, dial, transfers and modules.

use super::rig::*;
use crate::domain::flow::act::*;
use crate::domain::flow::definition::*;
use crate::domain::flow::interface::*;
use crate::domain::flow::memory::{Memory, QueueName};
use crate::domain::flow::value::Value;
use std::time::Duration;

fn waiting() -> Memory {
    let mut memory = Memory::new(&origin());
    memory.take_queue(QueueName::Queue("sales".into()));
    memory
}

fn queueing(kind: Kind, act: Act) -> Rig {
    Rig::with(vec![one(kind, act)], waiting())
}

#[test]
fn a_call_that_is_queued_has_left_the_flow() {
    let mut rig = queueing(Kind::Inbound, Act::Queue(None));
    let order = QueueOrder {
        queue: QueueName::Queue("sales".into()),
        is_move: false,
        priority: 5,
        age: 0,
        criteria: Value::Null,
    };
    assert!(matches!(&rig.wishes[..], [FlowWish::Queue { order: wished, .. }] if *wished == order));
    rig.queued(QueueOutcome::Accepted);
    assert_eq!(rig.ended(), Some(&FlowEnd::Queued));
}

#[test]
fn a_full_queue_a_refusal_and_no_queue_are_told_apart() {
    for (outcome, at) in [(QueueOutcome::AtCapacity, "at_capacity"), (QueueOutcome::Refused, "error")] {
        let mut rig = queueing(Kind::Inbound, Act::Queue(None));
        rig.queued(outcome);
        assert_eq!(rig.at(), at);
    }
    let rig = Rig::new(one(Kind::Inbound, Act::Queue(None)));
    assert_eq!(rig.at(), "error");
    let mut rig = queueing(Kind::Inbound, Act::Queue(None));
    rig.wait(seconds(5));
    assert_eq!(rig.at(), "error");
}

#[test]
fn from_a_queue_the_call_moves_and_its_flow_goes_on() {
    let other = || Act::Queue(Some(QueueOf::Queue(text("support"))));
    let mut rig = queueing(Kind::CustomerQueue, other());
    assert!(matches!(&rig.wishes[..], [FlowWish::Queue { order, .. }] if order.is_move));
    rig.queued(QueueOutcome::Accepted);
    assert_eq!(rig.at(), "success");
    assert_eq!(rig.value("$.Queue.Name"), Some(&Value::text("support")));
    let mut rig = queueing(Kind::CustomerQueue, other());
    rig.queued(QueueOutcome::AtCapacity);
    assert_eq!(rig.value("$.Queue.Name"), Some(&Value::text("sales")));
}

fn callback() -> Act {
    Act::Callback(Callback { queue: None, delay: seconds(10), retries: 2, gap: seconds(600) })
}

#[test]
fn a_callback_takes_number_place_and_attributes_along() {
    let mut memory = waiting();
    memory.priority = 1;
    assert!(memory.set_attribute(Scope::Call, "order", Value::text("100"), false));
    let mut rig = Rig::with(vec![one(Kind::Inbound, callback())], memory);
    let Some(FlowWish::Callback { order, .. }) = rig.wishes.last() else { panic!("{:?}", rig.wishes) };
    assert_eq!((&*order.number, order.queue.priority), ("+819012345678", 1));
    assert_eq!((order.delay, order.retries, order.gap), (seconds(10), 2, seconds(600)));
    assert_eq!(order.attributes.get("order"), Some(&Value::text("100")));
    rig.queued(QueueOutcome::Accepted);
    assert_eq!(rig.at(), "success");
}

#[test]
fn a_callback_without_room_or_number_is_an_error() {
    let mut rig = queueing(Kind::Inbound, callback());
    rig.queued(QueueOutcome::AtCapacity);
    assert_eq!(rig.at(), "error");
    let mut memory = waiting();
    memory.callback_number = None;
    assert_eq!(Rig::with(vec![one(Kind::Inbound, callback())], memory).at(), "error");
}

#[test]
fn after_the_far_end_has_hung_up_the_flow_goes_on() {
    let mut rig = Rig::new(one(Kind::Inbound, Act::Dial(dial(true))));
    let ticket = rig.ticket();
    rig.dialled(ticket, DialOutcome::Joined);
    rig.wait(seconds(3_600));
    assert_eq!(rig.at(), "it");
    rig.dialled(ticket, DialOutcome::Ended);
    assert_eq!(rig.at(), "success");
}

#[test]
fn a_far_end_that_is_not_reached_is_a_failure_a_time_out_or_our_error() {
    for (outcome, at) in
        [(DialOutcome::Failed, "call_failed"), (DialOutcome::TimedOut, "timeout"), (DialOutcome::Refused, "error")]
    {
        let mut rig = Rig::new(one(Kind::Inbound, Act::Dial(dial(true))));
        let ticket = rig.ticket();
        rig.dialled(ticket, outcome);
        assert_eq!(rig.at(), at);
        let mut rig = Rig::new(one(Kind::Inbound, Act::Dial(dial(false))));
        rig.dialled(ticket, outcome);
        assert_eq!(rig.at(), "error");
    }
}

#[test]
fn a_dialler_that_says_nothing_is_told_to_stop() {
    let mut rig = Rig::new(one(Kind::Inbound, Act::Dial(dial(true))));
    rig.wait(seconds(35));
    assert_eq!(rig.at(), "timeout");
    assert!(rig.wishes.iter().any(|wish| matches!(wish, FlowWish::CancelDial { .. })));
}

#[test]
fn without_coming_back_the_call_is_handed_over_when_it_is_answered() {
    let mut rig = Rig::new(one(Kind::Inbound, Act::Dial(dial(false))));
    let ticket = rig.ticket();
    rig.dialled(ticket, DialOutcome::Joined);
    assert_eq!(rig.ended(), Some(&FlowEnd::Handed));
}

#[test]
fn number_time_out_digits_and_caller_may_come_from_attributes() {
    let act = || {
        Act::Dial(Dial {
            to: text("$.Attributes.to"),
            timeout: DialTimeout::From(reference("$.Attributes.seconds")),
            digits: Some(text("12,,$.Attributes.pin")),
            caller_number: Some(text("$.SystemEndpoint.Address")),
            ..dial(true)
        })
    };
    let rig_with = |attributes: &[(&str, &str)]| {
        let mut memory = Memory::new(&origin());
        for (name, value) in attributes {
            assert!(memory.set_attribute(Scope::Call, name, Value::text(*value), false));
        }
        Rig::with(vec![one(Kind::Inbound, act())], memory)
    };
    let rig = rig_with(&[("to", "+441"), ("seconds", "45"), ("pin", "9#")]);
    let Some(FlowWish::Dial { order, .. }) = rig.wishes.last() else { panic!("{:?}", rig.wishes) };
    assert_eq!((&*order.to, order.timeout, &*order.digits), ("+441", Duration::from_secs(45), "12,,9#"));
    assert_eq!(order.caller.number.as_deref(), Some("+81312340000"));
    for broken in [
        [("to", "+441"), ("seconds", "0"), ("pin", "9")],
        [("to", "+441"), ("seconds", "x"), ("pin", "9")],
        [("to", "+441"), ("seconds", "45"), ("pin", "x")],
        [("to", " "), ("seconds", "45"), ("pin", "9")],
        [("to", "+441"), ("seconds", "45"), ("pin", "99999999999999999999999999999999999999999999999999")],
    ] {
        assert_eq!(rig_with(&broken).at(), "error", "{broken:?}");
    }
}

fn two(act: Act, second: crate::domain::flow::draft::FlowDraft) -> Vec<crate::domain::flow::draft::FlowDraft> {
    let steps = vec![
        step("flow", set_in(Scope::Flow, &[("mine", "1")]), &[(Outcome::Success, "call"), (Outcome::Error, "error")]),
        step("call", set("ours", "2"), &[(Outcome::Success, "look"), (Outcome::Error, "error")]),
        step("look", Act::Webhook(webhook()), &[(Outcome::Success, "it"), (Outcome::Error, "error")]),
    ];
    let mut first = one(Kind::Inbound, act);
    first.name = "first".into();
    first.start = "flow".into();
    first.steps.extend(steps);
    vec![first, second]
}

#[test]
fn a_transfer_to_a_flow_drops_what_belonged_to_the_first_and_keeps_the_rest() {
    let mut second = one(Kind::Inbound, play("$.Attributes.ours $.External.a"));
    second.name = "second".into();
    let mut rig = Rig::with(two(Act::TransferToFlow(text("second")), second), waiting());
    rig.fetched(Ok(Value::map([("a", Value::text("3"))])));
    assert_eq!(rig.run.position(), ("second", "it"));
    assert_eq!(rig.spoken(), ["2 3"]);
    assert_eq!(rig.value("$.FlowAttributes.mine"), None);
    assert_eq!(rig.run.memory().queue, Some(QueueName::Queue("sales".into())));
}

#[test]
fn a_flow_that_is_not_there_or_is_no_target_is_an_error() {
    let mut whisper = one(Kind::AgentWhisper, play("Hello"));
    whisper.name = "second".into();
    for name in ["$.CustomerEndpoint.Type", "$.Attributes.second"] {
        let mut memory = waiting();
        assert!(memory.set_attribute(Scope::Call, "second", Value::text("second"), false));
        let mut rig = Rig::with(two(Act::TransferToFlow(text(name)), whisper.clone()), memory);
        rig.fetched(Ok(Value::map([])));
        assert_eq!(rig.run.position(), ("first", "error"));
    }
}

#[test]
fn a_module_has_its_own_names_and_its_caller_finds_its_own_again() {
    let steps = vec![
        step(
            "check",
            Act::Check(Check {
                what: reference("$.FlowAttributes.mine"),
                conditions: vec![Condition { operator: Operator::Equals, value: text("9") }],
            }),
            &[(Outcome::Choice(0), "wrong"), (Outcome::NoMatch, "own")],
        ),
        step("own", set_in(Scope::Flow, &[("mine", "9")]), &[(Outcome::Success, "look"), (Outcome::Error, "wrong")]),
        step("look", Act::Webhook(webhook()), &[(Outcome::Success, "tell"), (Outcome::Error, "wrong")]),
        step("tell", set("told", "$.External.b"), &[(Outcome::Success, "back"), (Outcome::Error, "wrong")]),
        step("back", Act::Return, &[]),
        step("wrong", Act::HangUp(crate::base::cause::Cause::Fault), &[]),
    ];
    let module = flow("pin", Kind::Module, steps);
    let mut rig = Rig::with(two(Act::Module(text("pin")), module), waiting());
    rig.fetched(Ok(Value::map([("a", Value::text("3"))])));
    assert_eq!(rig.run.position(), ("pin", "look"));
    rig.fetched(Ok(Value::map([("b", Value::text("4"))])));
    assert_eq!(rig.run.position(), ("first", "success"));
    assert_eq!(rig.value("$.External.a"), Some(&Value::text("3")));
    assert_eq!(rig.value("$.External.b"), None);
    assert_eq!(rig.value("$.FlowAttributes.mine"), Some(&Value::text("1")));
    assert_eq!(rig.value("$.Attributes.told"), Some(&Value::text("4")));
}

#[test]
fn a_caller_who_hangs_up_in_a_module_leaves_the_names_of_its_caller() {
    let steps = vec![
        step("look", play("PIN?"), &[(Outcome::Success, "back"), (Outcome::Error, "back")]),
        step("back", Act::Return, &[]),
    ];
    let mut rig = Rig::with(two(Act::Module(text("pin")), flow("pin", Kind::Module, steps)), waiting());
    rig.fetched(Ok(Value::map([("a", Value::text("3"))])));
    rig.tell(FlowInput::CallerGone);
    let memory = rig.run.into_memory();
    assert_eq!(memory.look_up(&reference("$.External.a")), Some(&Value::text("3")));
}

#[test]
fn an_agent_who_takes_the_transfer_ends_the_flow_and_one_who_cannot_ends_the_call() {
    for (ok, end) in [(true, FlowEnd::Handed), (false, FlowEnd::HangUp(crate::base::cause::Cause::Busy))] {
        let mut rig = Rig::new(one(Kind::TransferToAgent, Act::TransferToAgent(Some(text("alice")))));
        rig.done(ok);
        assert_eq!(rig.ended(), Some(&end));
    }
}

#[test]
fn an_outbound_flow_goes_on_when_the_callee_has_answered() {
    let caller = Some(text("$.SystemEndpoint.Address"));
    let act = Act::CallOut(CallOut { caller_number: caller, caller_name: None });
    let mut rig = Rig::new(one(Kind::OutboundWhisper, act.clone()));
    assert_eq!(rig.run.memory().caller.number.as_deref(), Some("+81312340000"));
    rig.done(true);
    assert_eq!(rig.at(), "success");
    let mut rig = Rig::new(one(Kind::OutboundWhisper, act));
    rig.done(false);
    assert_eq!(rig.ended(), Some(&FlowEnd::Broken(Break::NotReached)));
}

#[test]
fn what_would_break_a_line_is_no_name_and_no_number() {
    for (name, act) in [
        ("to", Act::Dial(Dial { to: text("$.Attributes.odd"), ..dial(true) })),
        ("caller", Act::Dial(Dial { caller_name: Some(text("$.Attributes.odd")), ..dial(true) })),
        ("queue", Act::SetQueue(QueueOf::Queue(text("$.Attributes.odd")))),
        ("voice", Act::SetVoice(SetVoice { language: None, voice: Some(text("$.Attributes.odd")) })),
        ("language", Act::SetVoice(SetVoice { language: Some(text("$.Attributes.odd")), voice: None })),
        ("system", set_in(Scope::System, &[("Name", "$.Attributes.odd")])),
    ] {
        let mut memory = Memory::new(&origin());
        assert!(memory.set_attribute(Scope::Call, "odd", Value::text("+441\r\nVia: x"), false));
        assert_eq!(Rig::with(vec![one(Kind::Inbound, act)], memory).at(), "error", "{name}");
    }
}

#[test]
fn who_talked_has_been_answered() {
    let mut rig = Rig::new(one(Kind::Inbound, Act::Dial(dial(true))));
    let ticket = rig.ticket();
    rig.dialled(ticket, DialOutcome::Joined);
    assert!(rig.run.memory().is_answered);
}

#[test]
fn a_running_call_goes_on_to_the_flows_of_the_moment_it_began_in() {
    let second = |words: &str| {
        let mut second = one(Kind::Inbound, play(words));
        second.name = "second".into();
        second
    };
    let first = || {
        let steps = vec![
            step("hello", play("Hello"), &[(Outcome::Success, "go"), (Outcome::Error, "end")]),
            step("go", Act::TransferToFlow(text("second")), &[(Outcome::Error, "end")]),
            bye("end"),
        ];
        flow("first", Kind::Inbound, steps)
    };
    let mut before = Rig::with(vec![first(), second("Old")], Memory::new(&origin()));
    let mut after = Rig::with(vec![first(), second("New")], Memory::new(&origin()));
    before.played();
    after.played();
    assert_eq!((before.spoken().last(), after.spoken().last()), (Some(&"Old"), Some(&"New")));
}
