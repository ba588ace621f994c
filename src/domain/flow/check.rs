//! Makes a flow of a draft, or says what is wrong with it: all faults at once. Reads no file.

pub mod fault;

use self::fault::{FaultKind, FlowFault};
use super::act::outcomes;
use super::definition::{Flow, Kind, Outcome, Step, StepId};
use super::draft::{FlowDraft, StepDraft};
use std::collections::BTreeMap;

/// The flow, where there is no fault.
pub fn build(draft: FlowDraft) -> Result<Flow, Vec<FlowFault>> {
    let mut faults = Vec::new();
    let mut places = BTreeMap::new();
    for (at, step) in draft.steps.iter().enumerate() {
        if let Ok(at) = u16::try_from(at) {
            places.insert(step.name.clone(), StepId(at));
        }
    }
    let start = places.get(&draft.start).copied();
    if start.is_none() {
        faults.push(FlowFault::of_flow("start", FaultKind::NoSuchStep(draft.start.clone())));
    }
    let mut steps = Vec::new();
    for step in draft.steps {
        let next = wires(&step, draft.kind, draft.on_error.as_deref(), &places, &mut faults);
        steps.push(Step { name: step.name, act: step.act, next, is_sensitive: step.is_sensitive });
    }
    match start {
        Some(start) if faults.is_empty() => Ok(Flow {
            name: draft.name.into(),
            kind: draft.kind,
            start,
            steps,
            version: draft.version,
            options: draft.options,
        }),
        _ => Err(faults),
    }
}

fn wires(
    step: &StepDraft,
    kind: Kind,
    on_error: Option<&str>,
    places: &BTreeMap<Box<str>, StepId>,
    faults: &mut Vec<FlowFault>,
) -> Vec<(Outcome, StepId)> {
    let known = outcomes(&step.act, kind == Kind::CustomerQueue);
    let mut next = Vec::new();
    for (outcome, to) in &step.wires {
        let key = fault::key_of(&step.act, *outcome);
        if !known.contains(outcome) {
            faults.push(FlowFault::of_step(&step.name, &key, FaultKind::NoSuchOutcome(known.clone())));
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
        match on_error.filter(|_| outcome == Outcome::Error).map(|name| places.get(name)) {
            Some(Some(place)) => next.push((outcome, *place)),
            // Told once, at the flow.
            Some(None) => {}
            None => {
                let key = fault::key_of(&step.act, outcome);
                faults.push(FlowFault::of_step(&step.name, &key, FaultKind::NotWired(outcome)));
            }
        }
    }
    next
}
