//! Specification of the lines of a flow's log.

use super::rig::*;
use crate::domain::flow::act::*;
use crate::domain::flow::definition::*;
use crate::domain::flow::interface::*;
use crate::domain::flow::memory::Memory;
use std::time::Duration;

#[test]
fn every_step_has_a_line_with_its_outcome_and_how_long_it_took() {
    let mut rig = Rig::new(one(Kind::Inbound, Act::Ask(ask("12"))));
    rig.wait(Duration::from_millis(2_500));
    rig.press("2");
    let [asked, ended] = &rig.log[..] else { panic!("{:?}", rig.log) };
    assert_eq!((asked.sequence, &*asked.flow, &*asked.step, asked.act), (1, "test", "it", "ask"));
    assert_eq!((asked.outcome, asked.result.as_deref()), (Some(Outcome::Choice(1)), Some("2")));
    assert_eq!((asked.at_unix_millis, asked.duration), (1_800_000_000_000, Duration::from_millis(2_500)));
    assert_eq!(asked.parameters, [("Text", Box::from("Which?"))]);
    assert_eq!((ended.sequence, &*ended.step, ended.outcome), (2, "choice1", None));
}

#[test]
fn what_is_keyed_at_a_sensitive_step_is_masked_there_and_wherever_it_goes() {
    let mut collects = step("pin", Act::Collect(collect()), &[(Outcome::Success, "copy"), (Outcome::Error, "end")]);
    collects.is_sensitive = true;
    let steps = vec![
        collects,
        step("copy", set("pin", "$.StoredCustomerInput"), &[(Outcome::Success, "tell"), (Outcome::Error, "end")]),
        step("tell", play("$.Attributes.pin"), &[(Outcome::Success, "end"), (Outcome::Error, "end")]),
        bye("end"),
    ];
    let mut rig = Rig::new(flow("test", Kind::Inbound, steps));
    rig.press("9876#");
    rig.played();
    assert_eq!(rig.at(), "end");
    assert_eq!(rig.spoken().last(), Some(&"9876"));
    let log = format!("{:?}", rig.log);
    assert!(!log.contains("9876"), "{log}");
    assert_eq!(rig.log[0].result.as_deref(), Some("***"));
}

#[test]
fn a_log_that_is_off_stays_off_in_later_flows_and_runs() {
    let mut second = one(Kind::Inbound, play("Hello"));
    second.name = "second".into();
    let steps = vec![
        step("off", Act::SetLog(false), &[(Outcome::Success, "go")]),
        step("go", Act::TransferToFlow(text("second")), &[(Outcome::Error, "end")]),
        bye("end"),
    ];
    let mut rig = Rig::with(vec![flow("test", Kind::Inbound, steps), second], Memory::new(&origin()));
    rig.played();
    assert!(rig.run.has_ended());
    assert!(rig.log.is_empty(), "{:?}", rig.log);
    let memory = rig.run.into_memory();
    let later = Rig::with(vec![one(Kind::Inbound, play("Hello"))], memory);
    assert!(later.log.is_empty());
}

#[test]
fn the_lines_of_a_call_are_numbered_through_all_its_flows() {
    let mut rig = Rig::new(one(Kind::Inbound, Act::Wait(seconds(1))));
    rig.wait(seconds(1));
    let memory = rig.run.into_memory();
    let mut later = Rig::with(vec![one(Kind::CustomerQueue, Act::Wait(seconds(1)))], memory);
    later.wait(seconds(1));
    assert_eq!(later.log.iter().map(|line| line.sequence).collect::<Vec<_>>(), [3, 4]);
}

#[test]
fn a_flow_that_is_cut_off_has_a_line_for_the_step_it_was_at() {
    let mut rig = Rig::new(one(Kind::Inbound, play("Hello")));
    rig.tell(FlowInput::CallerGone);
    assert_eq!(rig.log.iter().map(|line| (&*line.step, line.outcome)).collect::<Vec<_>>(), [("it", None)]);
}
