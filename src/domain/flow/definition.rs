//! What a flow is: named steps, what each does, and which step comes after each outcome. Runs nothing.

use super::act::Act;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One flow as it was checked. Nothing in it changes any more; a running call keeps its own.
#[derive(Debug, PartialEq)]
pub struct Flow {
    pub name: Arc<str>,
    pub kind: Kind,
    pub start: StepId,
    pub steps: Vec<Step>,
    /// Of the text that it was read from.
    pub version: Box<str>,
    pub options: FlowOptions,
}

/// What is said once for all steps of a flow.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowOptions {
    pub description: Box<str>,
    /// Spoken where nothing else was set for the call: `ja-JP`.
    pub language: Option<Box<str>>,
    pub voice: Option<Box<str>>,
    pub answer: AnswerMode,
    /// Whether keys pressed while no step listens are kept for the next one that does.
    pub keeps_keys: bool,
}

impl Default for FlowOptions {
    fn default() -> FlowOptions {
        FlowOptions {
            description: "".into(),
            language: None,
            voice: None,
            answer: AnswerMode::Implied,
            keeps_keys: true,
        }
    }
}

/// Who takes the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerMode {
    /// The first step that needs the caller's ear or keys.
    Implied,
    /// A step `answer` only; until then all is early media.
    Explicit,
}

#[derive(Debug, PartialEq)]
pub struct Step {
    pub name: Box<str>,
    pub act: Act,
    /// Where each outcome of the act leads: all of them, once each.
    pub next: Vec<(Outcome, StepId)>,
    /// What is keyed and said here is not in the flow's log.
    pub is_sensitive: bool,
}

/// A place in `Flow::steps`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepId(pub u16);

impl Flow {
    pub fn step(&self, id: StepId) -> Option<&Step> {
        self.steps.get(usize::from(id.0))
    }
}

impl Step {
    pub fn after(&self, outcome: Outcome) -> Option<StepId> {
        self.next.iter().find(|(wired, _)| *wired == outcome).map(|(_, next)| *next)
    }
}

/// For whom a flow runs and when, which decides what it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Inbound,
    CustomerQueue,
    CustomerHold,
    CustomerWhisper,
    AgentWhisper,
    OutboundWhisper,
    AgentHold,
    TransferToAgent,
    TransferToQueue,
    Disconnect,
    Module,
}

impl Kind {
    pub const ALL: [Kind; 11] = [
        Kind::Inbound,
        Kind::CustomerQueue,
        Kind::CustomerHold,
        Kind::CustomerWhisper,
        Kind::AgentWhisper,
        Kind::OutboundWhisper,
        Kind::AgentHold,
        Kind::TransferToAgent,
        Kind::TransferToQueue,
        Kind::Disconnect,
        Kind::Module,
    ];

    /// As files and logs write it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Inbound => "inbound",
            Kind::CustomerQueue => "customer-queue",
            Kind::CustomerHold => "customer-hold",
            Kind::CustomerWhisper => "customer-whisper",
            Kind::AgentWhisper => "agent-whisper",
            Kind::OutboundWhisper => "outbound-whisper",
            Kind::AgentHold => "agent-hold",
            Kind::TransferToAgent => "transfer-to-agent",
            Kind::TransferToQueue => "transfer-to-queue",
            Kind::Disconnect => "disconnect",
            Kind::Module => "module",
        }
    }

    /// Whether `transfer-to-flow` may lead there.
    pub fn is_transfer_target(self) -> bool {
        matches!(self, Kind::Inbound | Kind::TransferToAgent | Kind::TransferToQueue)
    }

    pub fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// How a step ended. `Choice` is the place in the step's own list: of keys, conditions or shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    Success,
    Error,
    Timeout,
    Default,
    Choice(u8),
    NoMatch,
    InHours,
    OutOfHours,
    True,
    False,
    Looping,
    Complete,
    InvalidNumber,
    NotDialable,
    CallFailed,
    AtCapacity,
}

impl Outcome {
    /// All that have a name of their own.
    pub const NAMED: [Outcome; 15] = [
        Outcome::Success,
        Outcome::Error,
        Outcome::Timeout,
        Outcome::Default,
        Outcome::NoMatch,
        Outcome::InHours,
        Outcome::OutOfHours,
        Outcome::True,
        Outcome::False,
        Outcome::Looping,
        Outcome::Complete,
        Outcome::InvalidNumber,
        Outcome::NotDialable,
        Outcome::CallFailed,
        Outcome::AtCapacity,
    ];

    /// As files and logs write it. A choice is wired in the list of its step, so its word stands in logs only.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Error => "error",
            Outcome::Timeout => "timeout",
            Outcome::Default => "default",
            Outcome::Choice(_) => "choice",
            Outcome::NoMatch => "no_match",
            Outcome::InHours => "in_hours",
            Outcome::OutOfHours => "out_of_hours",
            Outcome::True => "true",
            Outcome::False => "false",
            Outcome::Looping => "looping",
            Outcome::Complete => "complete",
            Outcome::InvalidNumber => "invalid_number",
            Outcome::NotDialable => "not_dialable",
            Outcome::CallFailed => "call_failed",
            Outcome::AtCapacity => "at_capacity",
        }
    }

    pub fn named(name: &str) -> Option<Outcome> {
        Outcome::NAMED.into_iter().find(|outcome| outcome.name() == name)
    }
}

/// With the place of a choice, counted from one as people do.
impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Outcome::Choice(at) => write!(f, "choice-{}", u16::from(*at) + 1),
            outcome => f.write_str(outcome.name()),
        }
    }
}

/// All flows of one configuration. A call holds the book that it started with, so every flow that it
/// goes on to is of the same moment.
#[derive(Debug, Default, PartialEq)]
pub struct Flows {
    by_name: BTreeMap<Arc<str>, Arc<Flow>>,
}

impl Flows {
    /// Of two flows of one name the later one stands; `check::book` has told of it.
    pub fn new(flows: impl IntoIterator<Item = Arc<Flow>>) -> Flows {
        Flows { by_name: flows.into_iter().map(|flow| (Arc::clone(&flow.name), flow)).collect() }
    }

    pub fn find(&self, name: &str) -> Option<&Arc<Flow>> {
        self.by_name.get(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Flow>> {
        self.by_name.values()
    }
}
