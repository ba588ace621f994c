//! A flow can neither spin nor go on for ever, whatever its file says.

use super::rig::*;
use crate::base::entropy::Entropy;
use crate::base::limits;
use crate::base::machine::Machine;
use crate::base::now::Now;
use crate::domain::flow::act::*;
use crate::domain::flow::definition::*;
use crate::domain::flow::interface::*;
use crate::domain::flow::memory::Memory;
use crate::domain::flow::run::FlowRun;
use std::sync::Arc;
use std::time::{Instant, UNIX_EPOCH};

/// A flow that no check has seen.
fn unchecked(steps: Vec<(Act, Vec<(Outcome, StepId)>)>) -> Arc<Flow> {
    let steps = steps.into_iter().enumerate().map(|(at, (act, next))| Step {
        name: format!("s{at}").into(),
        act,
        next,
        is_sensitive: false,
    });
    Arc::new(Flow {
        name: "test".into(),
        kind: Kind::Inbound,
        start: StepId(0),
        steps: steps.collect(),
        version: "1".into(),
        options: FlowOptions::default(),
    })
}

fn begun(flow: &Arc<Flow>) -> (FlowRun, Now) {
    let book = Arc::new(Flows::new([Arc::clone(flow)]));
    let now = Now { instant: Instant::now(), wall: UNIX_EPOCH };
    let mut run = FlowRun::new(book, flow, Memory::new(&origin()), Entropy::from_number(1));
    run.handle_input(now, FlowInput::Begin);
    (run, now)
}

fn last(run: &mut FlowRun) -> Option<FlowWish> {
    std::iter::from_fn(|| run.poll_output()).last()
}

#[test]
fn a_circle_without_a_wait_breaks_the_flow_and_not_the_program() {
    let flow = unchecked(vec![(Act::SetLog(true), vec![(Outcome::Success, StepId(0))])]);
    let (mut run, _) = begun(&flow);
    assert_eq!(last(&mut run), Some(FlowWish::Ended(FlowEnd::Broken(Break::Spinning))));
    assert_eq!(run.memory().steps, limits::FLOW_STEPS_AT_ONCE + 1);
}

#[test]
fn an_owner_that_answers_at_once_does_not_hide_a_circle() {
    let hours = Act::CheckHours(CheckHours { hours: Some(text("office")) });
    let flow = unchecked(vec![(hours, vec![(Outcome::InHours, StepId(0))])]);
    let (mut run, now) = begun(&flow);
    while !run.has_ended() {
        let Some(FlowWish::Ask { ticket, .. }) = last(&mut run) else { panic!("nothing was asked") };
        run.handle_input(now, FlowInput::Told { ticket, answer: Some(Answer::Hours { is_open: true }) });
    }
    assert_eq!(last(&mut run), Some(FlowWish::Ended(FlowEnd::Broken(Break::Spinning))));
}

#[test]
fn a_call_has_so_many_steps_in_all_its_flows() {
    let flow = unchecked(vec![(Act::Wait(seconds(1)), vec![(Outcome::Success, StepId(0))])]);
    let (mut run, mut now) = begun(&flow);
    while !run.has_ended() {
        now = now.after(seconds(1));
        run.handle_deadline(now);
    }
    assert_eq!(last(&mut run), Some(FlowWish::Ended(FlowEnd::Broken(Break::TooManySteps))));
    assert_eq!(run.memory().steps, limits::FLOW_STEPS_PER_CALL + 1);
}

#[test]
fn an_outcome_that_leads_nowhere_breaks_the_flow() {
    let (mut run, _) = begun(&unchecked(vec![(Act::SetLog(true), Vec::new())]));
    assert_eq!(last(&mut run), Some(FlowWish::Ended(FlowEnd::Broken(Break::NotWired))));
    let (mut run, _) = begun(&unchecked(Vec::new()));
    assert_eq!(last(&mut run), Some(FlowWish::Ended(FlowEnd::Broken(Break::NotWired))));
    let (mut run, _) = begun(&unchecked(vec![(Act::Return, Vec::new())]));
    assert_eq!(last(&mut run), Some(FlowWish::Ended(FlowEnd::Broken(Break::NotWired))));
}

#[test]
fn a_deadline_that_comes_for_nothing_is_harmless() {
    let mut rig = Rig::new(one(Kind::Inbound, Act::Wait(seconds(10))));
    rig.run.handle_deadline(rig.now);
    assert_eq!(rig.at(), "it");
}
