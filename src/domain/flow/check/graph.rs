//! A flow as a graph: what is never reached, what goes round without waiting, what never ends. Looks at no setting.

use super::Wires;
use super::fault::{FaultKind, FlowFault};
use crate::domain::flow::act::Act;
use crate::domain::flow::definition::{Kind, Outcome, StepId};
use crate::domain::flow::draft::{FlowDraft, StepDraft};

pub fn check(draft: &FlowDraft, start: StepId, wires: &[Wires], faults: &mut Vec<FlowFault>) {
    let is_reached = reached(start, wires);
    for (step, is_reached) in draft.steps.iter().zip(&is_reached) {
        if !is_reached {
            faults.push(FlowFault::of_step(&step.name, "", FaultKind::NeverReached));
        }
    }
    let reached_acts =
        || draft.steps.iter().zip(&is_reached).filter(|(_, is_reached)| **is_reached).map(|(step, _)| &step.act);
    if draft.kind == Kind::Module && !reached_acts().any(|act| matches!(act, Act::Return)) {
        faults.push(FlowFault::of_flow("", FaultKind::NeverReturns));
    }
    // Whoever waits or is held is fetched from there; every other flow comes to an end of its own.
    let may_last = matches!(draft.kind, Kind::CustomerQueue | Kind::CustomerHold | Kind::AgentHold);
    if !may_last && !reached_acts().any(can_end) {
        faults.push(FlowFault::of_flow("", FaultKind::NeverEnds));
    }
    circles(draft, wires, faults);
}

fn at(id: StepId) -> usize {
    usize::from(id.0)
}

fn reached(start: StepId, wires: &[Wires]) -> Vec<bool> {
    let mut is_reached = vec![false; wires.len()];
    let mut open = vec![start];
    while let Some(id) = open.pop() {
        let Some(seen) = is_reached.get_mut(at(id)) else { continue };
        if !std::mem::replace(seen, true) {
            open.extend(wires.get(at(id)).into_iter().flatten().map(|(_, next)| *next));
        }
    }
    is_reached
}

fn can_end(act: &Act) -> bool {
    match act {
        Act::HangUp(_) | Act::End | Act::Return | Act::TransferToAgent(_) | Act::TransferToFlow(_) | Act::Queue(_) => {
            true
        }
        Act::Control(_) | Act::Fallback | Act::Redirect(_) => true,
        Act::Dial(dial) => !dial.resumes,
        _ => false,
    }
}

/// Whether a step can come to this outcome in no time.
fn is_instant(act: &Act, outcome: Outcome) -> bool {
    match (act, outcome) {
        // Bounded by its own count.
        (_, Outcome::Looping) => false,
        (_, Outcome::Error | Outcome::CallFailed | Outcome::AtCapacity) => true,
        (Act::Play(play), _) => play.is_interruptible,
        (
            Act::LoopPrompts(_)
            | Act::Ask(_)
            | Act::Collect(_)
            | Act::Record(_)
            | Act::Wait(_)
            | Act::Dial(_)
            | Act::CallOut(_)
            | Act::SendDigits(_)
            | Act::Control(_)
            // What a module waits for is not seen from here; the limits of a running flow are.
            | Act::Module(_)
            | Act::Webhook(_)
            | Act::Function(_),
            _,
        ) => false,
        _ => true,
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    Open,
    Done,
}

/// One fault for each circle that a search from the first step to the last closes.
fn circles(draft: &FlowDraft, wires: &[Wires], faults: &mut Vec<FlowFault>) {
    let mut marks = vec![Mark::New; wires.len()];
    for first in 0..wires.len() {
        // The way to where the search is: steps, and how many of their wires were followed.
        let mut way: Vec<(usize, usize)> = vec![(first, 0)];
        if marks.get(first) != Some(&Mark::New) {
            continue;
        }
        while let Some((step, followed)) = way.last_mut() {
            let here = *step;
            set(&mut marks, here, Mark::Open);
            let next = instant(draft.steps.get(here), wires.get(here)).nth(*followed);
            *followed += 1;
            match next.map(|next| (next, marks.get(next).copied())) {
                Some((next, Some(Mark::New))) => way.push((next, 0)),
                Some((next, Some(Mark::Open))) => faults.extend(circle(draft, &way, next)),
                Some(_) => {}
                None => {
                    set(&mut marks, here, Mark::Done);
                    way.pop();
                }
            }
        }
    }
}

fn set(marks: &mut [Mark], place: usize, mark: Mark) {
    if let Some(slot) = marks.get_mut(place) {
        *slot = mark;
    }
}

fn instant<'a>(step: Option<&'a StepDraft>, wires: Option<&'a Wires>) -> impl Iterator<Item = usize> + 'a {
    let edges = step.zip(wires).into_iter().flat_map(|(step, wires)| wires.iter().map(move |wire| (&step.act, wire)));
    edges.filter(|(act, (outcome, _))| is_instant(act, *outcome)).map(|(_, (_, next))| at(*next))
}

fn circle(draft: &FlowDraft, way: &[(usize, usize)], back_to: usize) -> Option<FlowFault> {
    let places = way.iter().map(|(step, _)| *step).skip_while(|step| *step != back_to);
    let names: Vec<Box<str>> =
        places.filter_map(|place| draft.steps.get(place).map(|step| step.name.clone())).collect();
    let first = names.first()?.clone();
    Some(FlowFault::of_step(&first, "", FaultKind::Circle(names)))
}
