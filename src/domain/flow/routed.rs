//! The step that asks an engine, and why one is asked. Asks nobody itself.

use super::act::SoundSpec;
use super::definition::Kind;
use super::template::Template;
use std::time::Duration;

/// What an engine is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// As configuration declares it.
    pub engine: Template,
    /// How long it has.
    pub timeout: Duration,
    /// Heard over and over while the decision is awaited; without any it rings.
    pub comfort: Vec<SoundSpec>,
    /// Why it is asked, where the kind of the flow does not say it.
    pub why: Option<RouteReason>,
    /// What comes when nobody decides, in words, where that is no step that a file names.
    pub fallback: Option<Box<str>>,
}

/// Why an engine is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RouteReason {
    Inbound,
    Outbound,
    FlowStep,
    QueuePosition,
    Transfer,
    /// The queue that it chose is full, or does not take the call.
    Overflow,
    /// Whom it chose did not answer.
    NoAnswer,
    /// What it had keyed is there.
    Collected,
    /// The time that it asked for is over.
    Waited,
}

impl RouteReason {
    pub const ALL: [RouteReason; 9] = [
        RouteReason::Inbound,
        RouteReason::Outbound,
        RouteReason::FlowStep,
        RouteReason::QueuePosition,
        RouteReason::Transfer,
        RouteReason::Overflow,
        RouteReason::NoAnswer,
        RouteReason::Collected,
        RouteReason::Waited,
    ];

    /// As messages and logs write it.
    pub fn name(self) -> &'static str {
        match self {
            RouteReason::Inbound => "inbound",
            RouteReason::Outbound => "outbound",
            RouteReason::FlowStep => "flow_step",
            RouteReason::QueuePosition => "queue_position",
            RouteReason::Transfer => "transfer",
            RouteReason::Overflow => "overflow",
            RouteReason::NoAnswer => "no_answer",
            RouteReason::Collected => "collected",
            RouteReason::Waited => "waited",
        }
    }

    pub fn of(kind: Kind) -> RouteReason {
        match kind {
            Kind::CustomerQueue => RouteReason::QueuePosition,
            Kind::TransferToAgent | Kind::TransferToQueue => RouteReason::Transfer,
            _ => RouteReason::FlowStep,
        }
    }

    /// Whether it follows from an earlier decision about the same call.
    pub fn is_again(self) -> bool {
        matches!(self, RouteReason::Overflow | RouteReason::NoAnswer | RouteReason::Collected | RouteReason::Waited)
    }
}
