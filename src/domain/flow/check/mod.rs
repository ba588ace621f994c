//! Makes a flow of a draft, or says what is wrong with it: all faults at once. Reads no file.

mod allowed;
pub mod book;
pub mod fault;
mod graph;
mod names;
mod references;
mod settings;

pub use self::book::{Mention, Mentioned, book, mentions};
pub use self::fault::{FaultKind, FlowFault};

use self::fault::key_of;
use super::act::outcomes;
use super::definition::{Flow, Kind, Outcome, Step, StepId};
use super::draft::{FlowDraft, StepDraft};
use std::collections::BTreeMap;

/// More steps than any flow that people can still read.
const STEPS_MAX: usize = 1_000;

/// The flow, where there is no fault.
pub fn build(draft: FlowDraft) -> Result<Flow, Vec<FlowFault>> {
    let mut faults = Vec::new();
    names::check(&draft, &mut faults);
    allowed::check(&draft, &mut faults);
    settings::check(&draft, &mut faults);
    references::check(&draft, &mut faults);
    let places = places(&draft);
    let start = places.get(&*draft.start).copied();
    if start.is_none() {
        faults.push(FlowFault::of_flow("start", FaultKind::NoSuchStep(draft.start.clone())));
    }
    if let Some(name) = draft.on_error.as_ref().filter(|name| !places.contains_key(&***name)) {
        faults.push(FlowFault::of_flow("on.error", FaultKind::NoSuchStep(name.clone())));
    }
    let before = faults.len();
    let wires: Vec<_> = draft.steps.iter().map(|step| wires(step, &draft, &places, &mut faults)).collect();
    // A graph with loose ends says nothing about circles and what is never reached.
    if let Some(start) = start.filter(|_| faults.len() == before) {
        graph::check(&draft, start, &wires, &mut faults);
    }
    match start {
        Some(start) if faults.is_empty() => Ok(finished(draft, start, wires)),
        _ => Err(faults),
    }
}

fn finished(draft: FlowDraft, start: StepId, wires: Vec<Wires>) -> Flow {
    let step = |(step, next): (StepDraft, Wires)| Step {
        name: step.name,
        act: step.act,
        next,
        is_sensitive: step.is_sensitive,
    };
    Flow {
        name: draft.name.into(),
        kind: draft.kind,
        start,
        steps: draft.steps.into_iter().zip(wires).map(step).collect(),
        version: draft.version,
        options: draft.options,
    }
}

type Wires = Vec<(Outcome, StepId)>;

fn places(draft: &FlowDraft) -> BTreeMap<Box<str>, StepId> {
    let numbered = (0..=u16::MAX).map(StepId);
    draft.steps.iter().map(|step| step.name.clone()).zip(numbered).collect()
}

fn wires(
    step: &StepDraft,
    draft: &FlowDraft,
    places: &BTreeMap<Box<str>, StepId>,
    faults: &mut Vec<FlowFault>,
) -> Wires {
    let known = outcomes(&step.act, draft.kind == Kind::CustomerQueue);
    let mut next = Vec::new();
    for (at, (outcome, to)) in step.wires.iter().enumerate() {
        let key = key_of(&step.act, *outcome);
        if !known.contains(outcome) {
            faults.push(FlowFault::of_step(&step.name, &key, FaultKind::NoSuchOutcome(known.clone())));
        } else if step.wires.iter().take(at).any(|(before, _)| before == outcome) {
            faults.push(FlowFault::of_step(&step.name, &key, FaultKind::WiredTwice(*outcome)));
        } else if let Some(place) = places.get(to) {
            next.push((*outcome, *place));
        } else {
            faults.push(FlowFault::of_step(&step.name, &key, FaultKind::NoSuchStep(to.clone())));
        }
    }
    for outcome in known {
        if step.wires.iter().any(|(wired, _)| *wired == outcome) {
            continue;
        }
        // Where errors lead has to say itself where its own leads: elsewhere than to itself.
        let on_error = draft.on_error.as_ref().filter(|name| outcome == Outcome::Error && **name != step.name);
        match on_error.map(|name| places.get(name)) {
            Some(Some(place)) => next.push((outcome, *place)),
            // Told once, at the flow.
            Some(None) => {}
            None => {
                let key = key_of(&step.act, outcome);
                faults.push(FlowFault::of_step(&step.name, &key, FaultKind::NotWired(outcome)));
            }
        }
    }
    next
}

#[cfg(test)]
mod tests;
