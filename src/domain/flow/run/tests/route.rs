//! An engine is asked, decides, says nothing, or has control.

use super::rig::*;
use crate::base::cause::Cause;
use crate::domain::flow::act::*;
use crate::domain::flow::definition::*;
use crate::domain::flow::interface::*;
use crate::domain::flow::memory::Memory;
use crate::domain::flow::value::Value;
use std::sync::Arc;

fn asking(comfort: Vec<SoundSpec>) -> Rig {
    let ask = Act::Route(Route { comfort, ..route("acd") });
    let steps = vec![
        step("ask", ask, &[(Outcome::Error, "sorry")]),
        step("sorry", Act::HangUp(Cause::TemporarilyUnavailable), &[]),
    ];
    Rig::new(flow("test", Kind::Inbound, steps))
}

fn order(rig: &Rig) -> (Ticket, RouteOrder) {
    let asked = rig.wishes.iter().rev().find_map(|wish| match wish {
        FlowWish::Route { ticket, order } => Some((*ticket, (**order).clone())),
        _ => None,
    });
    asked.expect("a question to an engine")
}

fn piece(act: Act, wires: &[(Outcome, &str)], more: Vec<crate::domain::flow::draft::StepDraft>) -> Option<Arc<Flow>> {
    let mut steps = vec![step("do", act, wires)];
    steps.extend(more);
    Some(built(flow("engine", Kind::Inbound, steps)))
}

#[test]
fn what_the_engine_decides_happens() {
    let mut rig = asking(Vec::new());
    let (ticket, asked) = order(&rig);
    assert_eq!((&*asked.engine, asked.why, &*asked.fallback), ("acd", RouteReason::FlowStep, "step:test/sorry"));
    rig.tell(FlowInput::Decided { ticket, flow: piece(Act::HangUp(Cause::Busy), &[], Vec::new()) });
    assert_eq!(rig.ended(), Some(&FlowEnd::HangUp(Cause::Busy)));
}

#[test]
fn an_engine_that_says_nothing_has_its_time_and_no_more() {
    let mut rig = asking(Vec::new());
    rig.wait(seconds(7));
    assert_eq!(rig.ended(), None);
    rig.wait(seconds(1));
    assert!(rig.wishes.iter().any(|wish| matches!(wish, FlowWish::CancelRoute { .. })));
    assert_eq!(rig.ended(), Some(&FlowEnd::HangUp(Cause::TemporarilyUnavailable)));
}

#[test]
fn a_decision_about_something_else_changes_nothing() {
    let mut rig = asking(Vec::new());
    let (Ticket(number), _) = order(&rig);
    rig.tell(FlowInput::Decided { ticket: Ticket(number + 1), flow: None });
    assert_eq!((rig.ended(), rig.at()), (None, "ask"));
}

#[test]
fn what_is_heard_meanwhile_stops_with_the_decision() {
    let mut rig = asking(say("One moment."));
    let comfort = rig.wishes.iter().find_map(|wish| match wish {
        FlowWish::Play { ticket, times: None, .. } => Some(*ticket),
        _ => None,
    });
    let (ticket, asked) = order(&rig);
    assert!(asked.has_comfort);
    rig.tell(FlowInput::Decided { ticket, flow: None });
    assert!(rig.wishes.contains(&FlowWish::StopPlaying { ticket: comfort.expect("comfort") }));
}

#[test]
fn a_decision_that_comes_to_nothing_leads_where_silence_leads() {
    let mut rig = asking(Vec::new());
    let (ticket, _) = order(&rig);
    let again = Act::Route(Route { why: Some(RouteReason::Waited), ..route("acd") });
    let lost = vec![step("again", again, &[(Outcome::Error, "lost")]), step("lost", Act::Fallback, &[])];
    let wait = piece(Act::Wait(seconds(2)), &[(Outcome::Success, "again")], lost);
    rig.tell(FlowInput::Decided { ticket, flow: wait });
    rig.take();
    rig.wait(seconds(2));
    assert_eq!(order(&rig).1.why, RouteReason::Waited);
    rig.wait(seconds(8));
    assert_eq!(rig.ended(), Some(&FlowEnd::HangUp(Cause::TemporarilyUnavailable)));
}

#[test]
fn an_engine_with_control_orders_one_thing_after_the_other() {
    let mut rig = asking(Vec::new());
    let (ticket, _) = order(&rig);
    rig.tell(FlowInput::Decided { ticket, flow: piece(Act::Control("taken"), &[], Vec::new()) });
    let ready = |rig: &mut Rig| {
        let words = rig.take().into_iter().filter_map(|wish| match wish {
            FlowWish::Control { came, .. } => Some(came),
            _ => None,
        });
        words.last()
    };
    assert_eq!(ready(&mut rig), Some("taken"));
    let music = || {
        let wires = [(Outcome::Success, "done"), (Outcome::Error, "done")];
        let play = Act::Play(Play { sounds: say("La."), is_interruptible: false });
        piece(play, &wires, vec![step("done", Act::Control("done"), &[])]).expect("a piece")
    };
    rig.tell(FlowInput::Order(music()));
    assert_eq!(ready(&mut rig), None, "it is still heard");
    // The next order does not wait for the end of the one before.
    rig.tell(FlowInput::Order(music()));
    assert!(matches!(rig.wishes.first(), Some(FlowWish::StopPlaying { .. })), "{:?}", rig.wishes);
    rig.played();
    assert_eq!(ready(&mut rig), Some("done"));
    rig.tell(FlowInput::Order(built(flow("engine", Kind::Inbound, vec![step("do", Act::Fallback, &[])]))));
    assert_eq!(rig.ended(), Some(&FlowEnd::HangUp(Cause::TemporarilyUnavailable)), "what was declared");
}

#[test]
fn an_engine_that_goes_round_in_a_circle_is_left_to_what_was_declared() {
    let mut rig = asking(Vec::new());
    for asked in 0..1_000 {
        if rig.ended().is_some() {
            assert!(asked > 100, "after {asked}");
            assert_eq!(rig.ended(), Some(&FlowEnd::HangUp(Cause::TemporarilyUnavailable)));
            return;
        }
        let (ticket, _) = order(&rig);
        let again = Act::Route(Route { why: Some(RouteReason::Waited), ..route("acd") });
        let lost = vec![step("lost", Act::Fallback, &[])];
        rig.tell(FlowInput::Decided { ticket, flow: piece(again, &[(Outcome::Error, "lost")], lost) });
    }
    panic!("it was asked a thousand times");
}

#[test]
fn what_was_keyed_is_told_unless_it_is_a_secret() {
    for (is_secret, told) in [(false, Some("12")), (true, None)] {
        let mut memory = Memory::new(&origin());
        memory.store("StoredCustomerInput", Value::text("12"), is_secret);
        let ask = one(Kind::Inbound, Act::Route(route("acd")));
        let rig = Rig::with(vec![ask], memory);
        let (_, asked) = order(&rig);
        assert_eq!(asked.details.member("StoredCustomerInput").and_then(Value::as_text), told);
    }
}
