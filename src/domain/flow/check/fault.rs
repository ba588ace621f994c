//! What can be wrong with a flow, as values that name step and key. Knows no file and no line.

use crate::domain::flow::act::Act;
use crate::domain::flow::definition::Outcome;

/// One fault. Whoever read the file adds the place.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowFault {
    /// `None`: of the flow itself.
    pub step: Option<Box<str>>,
    /// As the file writes it, below the step or `[flow]`: `on.error`, `keys.1`, `when[2].to`, `start`.
    pub key: Box<str>,
    pub kind: FaultKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FaultKind {
    NoSuchStep(Box<str>),
    /// With those that there are.
    NoSuchOutcome(Vec<Outcome>),
    NotWired(Outcome),
}

impl FlowFault {
    pub fn of_flow(key: &str, kind: FaultKind) -> FlowFault {
        FlowFault { step: None, key: key.into(), kind }
    }

    pub fn of_step(step: &str, key: &str, kind: FaultKind) -> FlowFault {
        FlowFault { step: Some(step.into()), key: key.into(), kind }
    }
}

/// Where a file wires an outcome.
pub fn key_of(act: &Act, outcome: Outcome) -> String {
    let Outcome::Choice(at) = outcome else { return format!("on.{}", outcome.name()) };
    match act {
        Act::Ask(ask) => match ask.choices.get(usize::from(at)) {
            Some(key) => format!("keys.{}", key.as_char()),
            None => "keys".to_owned(),
        },
        Act::Distribute(_) => format!("shares[{at}].to"),
        _ => format!("when[{at}].to"),
    }
}
