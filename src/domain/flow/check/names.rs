//! The names of a flow and its steps. Follows no wire.

use super::STEPS_MAX;
use super::fault::{FaultKind, FlowFault};
use crate::domain::flow::draft::FlowDraft;
use std::collections::BTreeSet;

const LETTERS_MAX: usize = 50;
/// What would be something else in a log, a path or an address.
const FORBIDDEN: &str = "%:(\\/)=$,;[]{}.'\"`";

pub fn check(draft: &FlowDraft, faults: &mut Vec<FlowFault>) {
    if let Some(kind) = fault_of(&draft.name) {
        faults.push(FlowFault::of_flow("name", kind));
    }
    if draft.steps.is_empty() {
        faults.push(FlowFault::of_flow("", FaultKind::NoSteps));
    }
    if draft.steps.len() > STEPS_MAX {
        faults.push(FlowFault::of_flow("", FaultKind::TooManySteps(STEPS_MAX)));
    }
    let mut seen = BTreeSet::new();
    for step in &draft.steps {
        if let Some(kind) = fault_of(&step.name) {
            faults.push(FlowFault::of_step(&step.name, "", kind));
        }
        if !seen.insert(&step.name) {
            faults.push(FlowFault::of_step(&step.name, "", FaultKind::StepTwice));
        }
    }
}

fn fault_of(name: &str) -> Option<FaultKind> {
    let is_bad = |letter: &char| FORBIDDEN.contains(*letter) || letter.is_control();
    if name.trim().is_empty() {
        return Some(FaultKind::NoName);
    }
    if name.chars().count() > LETTERS_MAX {
        return Some(FaultKind::NameTooLong(LETTERS_MAX));
    }
    name.chars().find(is_bad).map(|letter| FaultKind::BadName { letter })
}
