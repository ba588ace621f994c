//! A flow as it was written: names where a checked flow has places. Finds no fault itself.

use super::act::Act;
use super::definition::{FlowOptions, Kind, Outcome};

/// What a file says. `check::build` makes a `Flow` of it.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowDraft {
    pub name: Box<str>,
    pub kind: Kind,
    pub start: Box<str>,
    /// In the order of the file.
    pub steps: Vec<StepDraft>,
    /// Where `error` leads for steps that do not say so themselves.
    pub on_error: Option<Box<str>>,
    pub version: Box<str>,
    pub options: FlowOptions,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StepDraft {
    pub name: Box<str>,
    pub act: Act,
    /// Also the choices, each as `Outcome::Choice` of its place in the list of the act.
    pub wires: Vec<(Outcome, Box<str>)>,
    pub is_sensitive: bool,
}
