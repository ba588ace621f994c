//! The facts of the reference system that are easily missed, one test each, named after it.

use super::rig::*;
use crate::base::cause::Cause;
use crate::domain::flow::act::*;
use crate::domain::flow::check::{FaultKind, build};
use crate::domain::flow::definition::*;
use crate::domain::flow::interface::*;
use crate::domain::flow::key::Key;
use crate::domain::flow::memory::{Memory, QueueName};
use crate::domain::flow::value::Value;
use std::time::Duration;

fn collecting(collect: Collect, keys: &str) -> Rig {
    let mut rig = Rig::new(one(Kind::Inbound, Act::Collect(collect)));
    rig.press(keys);
    rig
}

#[test]
fn fact_01_a_terminator_of_two_keys_takes_the_last_place_of_a_run() {
    let twice = || Collect { terminator: vec![Key::HASH; 2], has_cancel_key: false, ..collect() };
    let mut rig = collecting(twice(), "1#2#3*4###");
    rig.wait(Duration::from_millis(300));
    assert_eq!(rig.stored(), "1#2#3*4#");
}

#[test]
fn fact_02_the_star_erases_all_that_was_keyed_unless_it_is_an_ordinary_key() {
    assert_eq!(collecting(collect(), "999*12#").stored(), "12");
    assert_eq!(collecting(Collect { has_cancel_key: false, ..collect() }, "999*12#").stored(), "999*12");
}

#[test]
fn fact_03_between_two_keys_five_seconds_end_the_input() {
    let mut rig = collecting(collect(), "12");
    rig.wait(Duration::from_millis(4_999));
    assert_eq!(rig.at(), "it");
    rig.wait(Duration::from_millis(1));
    assert_eq!((rig.at(), rig.stored()), ("success", "12"));
}

#[test]
fn fact_04_no_input_at_all_is_a_success_with_the_value_timeout() {
    let mut rig = collecting(collect(), "");
    rig.played();
    rig.wait(seconds(8));
    assert_eq!((rig.at(), rig.stored()), ("success", "Timeout"));
    let mut rig = collecting(Collect { number: Some(NumberMode::International), ..collect() }, "");
    rig.played();
    rig.wait(seconds(8));
    assert_eq!((rig.at(), rig.stored()), ("success", "Timeout"));
}

/// A loop of two that leads to another flow, which leads back.
fn there_and_back() -> Vec<crate::domain::flow::draft::FlowDraft> {
    let steps = vec![
        step("twice", Act::Loop(Count::Fixed(2)), &[(Outcome::Looping, "wait"), (Outcome::Complete, "end")]),
        step("wait", Act::Wait(seconds(1)), &[(Outcome::Success, "there")]),
        step("there", Act::TransferToFlow(text("other")), &[(Outcome::Error, "end")]),
        bye("end"),
    ];
    let back = vec![step("back", Act::TransferToFlow(text("test")), &[(Outcome::Error, "wrong")]), bye("wrong")];
    vec![flow("test", Kind::Inbound, steps), flow("other", Kind::Inbound, back)]
}

#[test]
fn fact_05_loop_counters_belong_to_the_call_and_not_to_the_flow() {
    let mut rig = Rig::with(there_and_back(), Memory::new(&origin()));
    rig.wait(seconds(2));
    assert_eq!((rig.at(), rig.run.has_ended()), ("end", true));
    let counts = rig.log.iter().filter(|line| line.act == "loop").filter_map(|line| line.result.as_deref());
    assert_eq!(counts.collect::<Vec<_>>(), ["1", "2"]);
}

fn music() -> Act {
    Act::LoopPrompts(LoopPrompts { sounds: vec![SoundSpec::Prompt(text("music"))], interrupt: Some(seconds(30)) })
}

#[test]
fn fact_06_the_queue_flow_is_heard_while_an_agent_is_offered_the_call() {
    let mut rig = Rig::new(one(Kind::CustomerQueue, music()));
    rig.wait(seconds(25));
    rig.tell(FlowInput::Offer { is_open: true });
    rig.take();
    rig.wait(seconds(20));
    assert_eq!((rig.at(), rig.wishes.len()), ("it", 0));
    rig.tell(FlowInput::Offer { is_open: false });
    assert_eq!(rig.at(), "timeout");
}

#[test]
fn fact_07_an_interrupt_is_more_than_the_twenty_seconds_of_an_offer() {
    let short = Act::LoopPrompts(LoopPrompts { sounds: say("Wait"), interrupt: Some(seconds(20)) });
    let faults = build(one(Kind::CustomerQueue, short)).unwrap_err();
    assert!(
        matches!(&faults[..], [fault] if &*fault.key == "interrupt" && matches!(fault.kind, FaultKind::OutOfRange { .. }))
    );
}

#[test]
fn fact_08_a_call_that_is_being_offered_cannot_be_taken_from_its_queue() {
    for act in [
        Act::Queue(Some(QueueOf::Queue(text("other")))),
        Act::Callback(Callback { queue: None, delay: seconds(1), retries: 0, gap: seconds(1) }),
        Act::Dial(dial(true)),
    ] {
        let mut memory = Memory::new(&origin());
        memory.queue = Some(QueueName::Queue("sales".into()));
        memory.is_offered = true;
        assert_eq!(Rig::with(vec![one(Kind::CustomerQueue, act)], memory).at(), "error");
    }
}

#[test]
fn fact_09_each_answer_from_outside_replaces_the_one_before_whole() {
    let steps = vec![
        step("first", Act::Webhook(webhook()), &[(Outcome::Success, "second"), (Outcome::Error, "end")]),
        step("second", Act::Webhook(webhook()), &[(Outcome::Success, "end"), (Outcome::Error, "end")]),
        bye("end"),
    ];
    let mut rig = Rig::new(flow("test", Kind::Inbound, steps));
    rig.fetched(Ok(Value::map([("orderId", Value::text("100"))])));
    rig.fetched(Ok(Value::map([("isCancel", Value::text("True"))])));
    assert_eq!(rig.value("$.External.orderId"), None);
    assert_eq!(rig.value("$.External.isCancel"), Some(&Value::text("True")));
}

#[test]
fn fact_10_a_failed_question_leaves_the_answer_before_it() {
    let mut memory = Memory::new(&origin());
    memory.store("External", Value::map([("orderId", Value::text("100"))]), false);
    let mut rig = Rig::with(vec![one(Kind::Inbound, Act::Webhook(webhook()))], memory);
    rig.fetched(Err(FetchFault::Refused(500)));
    assert_eq!(rig.value("$.External.orderId"), Some(&Value::text("100")));
}

#[test]
fn fact_11_a_missing_attribute_is_an_error_and_in_a_check_no_match() {
    assert_eq!(Rig::new(one(Kind::Inbound, play("$.Attributes.none"))).at(), "error");
    let conditions = vec![Condition { operator: Operator::Equals, value: text("") }];
    let check = Act::Check(Check { what: reference("$.Attributes.none"), conditions });
    assert_eq!(Rig::new(one(Kind::Inbound, check)).at(), "no_match");
}

#[test]
fn fact_12_capital_letters_count_when_attributes_are_compared() {
    let mut memory = Memory::new(&origin());
    assert!(memory.set_attribute(Scope::Call, "colour", Value::text("Green"), false));
    let conditions = vec![Condition { operator: Operator::Equals, value: text("green") }];
    let check = Act::Check(Check { what: reference("$.Attributes.colour"), conditions });
    assert_eq!(Rig::with(vec![one(Kind::Inbound, check)], memory).at(), "no_match");
}

#[test]
fn fact_13_shares_of_20_and_40_end_at_20_and_60() {
    let mut seen = std::collections::BTreeMap::new();
    for seed in 0..1_000 {
        let flow = built(one(Kind::Inbound, Act::Distribute(vec![20, 40])));
        let book = std::sync::Arc::new(Flows::new([std::sync::Arc::clone(&flow)]));
        let entropy = crate::base::entropy::Entropy::from_number(seed);
        let mut run = crate::domain::flow::run::FlowRun::new(book, &flow, Memory::new(&origin()), entropy);
        let now = crate::base::now::Now { instant: std::time::Instant::now(), wall: std::time::UNIX_EPOCH };
        crate::base::machine::Machine::handle_input(&mut run, now, FlowInput::Begin);
        let drawn =
            std::iter::from_fn(|| crate::base::machine::Machine::poll_output(&mut run)).find_map(|wish| match wish {
                FlowWish::Log(entry) => entry.parameters.first().map(|(_, drawn)| drawn.parse::<u32>().unwrap()),
                _ => None,
            });
        seen.insert(drawn.unwrap(), run.position().1.to_owned());
    }
    assert_eq!((seen.len(), seen.keys().min(), seen.keys().max()), (100, Some(&1), Some(&100)));
    for (drawn, at) in seen {
        let expected = if drawn <= 20 {
            "choice0"
        } else if drawn <= 60 {
            "choice1"
        } else {
            "default"
        };
        assert_eq!(at, expected, "{drawn}");
    }
}

#[test]
fn fact_14_end_goes_back_to_the_queue_and_ends_an_inbound_call() {
    for kind in Kind::ALL {
        if kind == Kind::Module {
            continue;
        }
        let rig = Rig::new(flow("test", kind, vec![bye("end")]));
        let expected = match kind {
            Kind::Inbound | Kind::Disconnect => FlowEnd::HangUp(Cause::Normal),
            _ => FlowEnd::Resume,
        };
        assert_eq!(rig.ended(), Some(&expected), "{kind:?}");
    }
}

#[test]
fn fact_15_a_callback_of_two_retries_is_ordered_as_such_for_three_dials() {
    let mut memory = Memory::new(&origin());
    memory.queue = Some(QueueName::Queue("sales".into()));
    let act = Act::Callback(Callback { queue: None, delay: seconds(99), retries: 2, gap: seconds(600) });
    let rig = Rig::with(vec![one(Kind::Inbound, act)], memory);
    assert!(matches!(rig.wishes.last(), Some(FlowWish::Callback { order, .. }) if order.dials() == 3));
}

#[test]
fn fact_16_a_call_moves_eleven_times_from_queue_to_queue() {
    let mut memory = Memory::new(&origin());
    memory.queue = Some(QueueName::Queue("q0".into()));
    for _ in 0..11 {
        let move_on = Act::Queue(Some(QueueOf::Queue(text("next"))));
        let mut rig = Rig::with(vec![one(Kind::CustomerQueue, move_on)], memory);
        rig.queued(QueueOutcome::Accepted);
        assert_eq!(rig.at(), "success");
        memory = rig.run.into_memory();
    }
    let move_on = Act::Queue(Some(QueueOf::Queue(text("next"))));
    assert_eq!(Rig::with(vec![one(Kind::CustomerQueue, move_on)], memory).at(), "error");
}

#[test]
fn fact_17_a_flow_comes_back_only_when_the_far_end_hangs_up() {
    let mut rig = Rig::new(one(Kind::Inbound, Act::Dial(dial(true))));
    let ticket = rig.ticket();
    rig.dialled(ticket, DialOutcome::Joined);
    rig.tell(FlowInput::CallerGone);
    assert_eq!(rig.ended(), Some(&FlowEnd::CallerGone));
    assert!(rig.wishes.contains(&FlowWish::CancelDial { ticket }));
}

#[test]
fn fact_18_who_called_how_is_not_known_to_whispers() {
    for kind in [Kind::AgentWhisper, Kind::CustomerWhisper] {
        let faults = build(one(kind, play("$.InitiationMethod"))).unwrap_err();
        assert!(matches!(
            faults[..],
            [crate::domain::flow::check::FlowFault { kind: FaultKind::NotKnownHere { .. }, .. }]
        ));
    }
}

#[test]
fn fact_19_keys_at_ten_a_second_across_a_change_of_flow_all_arrive() {
    let steps = vec![
        step(
            "menu",
            Act::Ask(ask("5")),
            &[
                (Outcome::Choice(0), "go"),
                (Outcome::Timeout, "end"),
                (Outcome::Default, "end"),
                (Outcome::Error, "end"),
            ],
        ),
        step("go", Act::TransferToFlow(text("second")), &[(Outcome::Error, "end")]),
        bye("end"),
    ];
    let second = vec![
        step("look", Act::Webhook(webhook()), &[(Outcome::Success, "pin"), (Outcome::Error, "pin")]),
        step("pin", Act::Collect(collect()), &[(Outcome::Success, "done"), (Outcome::Error, "done")]),
        bye("done"),
    ];
    let drafts = vec![flow("test", Kind::Inbound, steps), flow("second", Kind::Inbound, second)];
    let mut rig = Rig::with(drafts, Memory::new(&origin()));
    for (at, key) in "5123456789#".chars().enumerate() {
        rig.press(&key.to_string());
        rig.wait(Duration::from_millis(100));
        if at == 6 {
            rig.fetched(Ok(Value::map([])));
        }
    }
    assert_eq!((rig.at(), rig.stored()), ("done", "123456789"));
}

#[test]
fn fact_20_what_is_no_number_is_told_apart_from_what_may_not_be_called() {
    let number = crate::base::e164::E164::from_digits("447012345678").unwrap();
    for (answer, outcome) in
        [(Dialability::Invalid, "invalid_number"), (Dialability::NotDialable(number), "not_dialable")]
    {
        let mut rig = Rig::new(one(Kind::Inbound, Act::SetCallbackNumber(text("+447012345678"))));
        rig.told(Some(Answer::Number(answer)));
        assert_eq!(rig.at(), outcome);
    }
}

#[test]
fn fact_21_a_whisper_that_takes_too_long_is_ended_by_its_owner() {
    let mut rig = Rig::new(one(Kind::CustomerWhisper, play("Hello")));
    rig.wait(seconds(120));
    rig.tell(FlowInput::Stop);
    assert_eq!(rig.ended(), Some(&FlowEnd::Stopped));
}

#[test]
fn fact_22_without_a_queue_set_before_nobody_can_be_queued() {
    assert_eq!(Rig::new(one(Kind::Inbound, Act::Queue(None))).at(), "error");
}

#[test]
fn fact_23_headers_that_the_peer_did_not_send_are_empty_and_not_missing() {
    let mut rig = Rig::new(one(Kind::Inbound, play("[$.Media.Sip.Headers.JIP]")));
    assert_eq!(rig.spoken(), ["[]"]);
    rig.played();
    assert_eq!(rig.at(), "success");
}

#[test]
fn fact_24_faults_of_a_webhooks_own_arrive_as_success() {
    let mut rig = Rig::new(one(Kind::Inbound, Act::Webhook(webhook())));
    rig.fetched(Ok(Value::map([("lambdaResult", Value::text("Error"))])));
    assert_eq!(rig.at(), "success");
}
