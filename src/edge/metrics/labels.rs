//! The values that labels may take, each from an enum, so that the compiler bounds their number. Never from a peer.

use super::Inbox;
use crate::domain::call::interface::{CallEvent, Party};
use crate::domain::switchboard::interface::RefusalReason;

pub fn inbox_name(inbox: Inbox) -> &'static str {
    match inbox {
        Inbox::Call => "call",
        Inbox::Switchboard => "switchboard",
    }
}

pub fn call_event_name(event: &CallEvent) -> &'static str {
    match event {
        CallEvent::LegStarted { .. } => "leg-started",
        CallEvent::Ringing { .. } => "ringing",
        CallEvent::EarlyMedia { .. } => "early-media",
        CallEvent::Answered { .. } => "answered",
        CallEvent::Held { .. } => "held",
        CallEvent::Resumed { .. } => "resumed",
        CallEvent::LegEnded { .. } => "leg-ended",
        CallEvent::Transferred { .. } => "transferred",
        CallEvent::Digit { .. } => "digit",
        CallEvent::Bridged { .. } => "bridged",
        CallEvent::Unbridged { .. } => "unbridged",
        CallEvent::RecordingStarted { .. } => "recording-started",
        CallEvent::RecordingEnded => "recording-ended",
        CallEvent::FlowErred { .. } => "flow-erred",
        CallEvent::FlowBroke { .. } => "flow-broke",
        CallEvent::Silent { .. } => "silent",
        CallEvent::Heard { .. } => "heard",
        CallEvent::Quality { .. } => "quality",
    }
}

pub const ALL_REASONS: &[RefusalReason] = &[
    RefusalReason::Draining,
    RefusalReason::Overload,
    RefusalReason::CallsMax,
    RefusalReason::CallsPerSecond,
    RefusalReason::TrunkCallsMax,
    RefusalReason::TrunkCallsPerSecond,
    RefusalReason::UnknownSource,
    RefusalReason::NoSuchNumber,
    RefusalReason::NoRuleForCaller,
    RefusalReason::RuleRejects,
    RefusalReason::NoTargetUp,
    RefusalReason::PhoneNotRegistered,
    RefusalReason::Malformed,
    RefusalReason::LoopDetected,
    RefusalReason::Unsupported,
    RefusalReason::AuthenticationFailed,
    RefusalReason::NumberIncomplete,
    RefusalReason::PhoneCallsMax,
    RefusalReason::MergedRequest,
    RefusalReason::TooManyHops,
    RefusalReason::NumberUnassigned,
    RefusalReason::NumberReleased,
    RefusalReason::NumberFull,
    RefusalReason::DestinationForbidden,
    RefusalReason::CallerIdForbidden,
    RefusalReason::GuardStops,
];

/// The label of a refusal, in metrics and logs.
pub fn reason_name(reason: RefusalReason) -> &'static str {
    match reason {
        RefusalReason::Draining => "draining",
        RefusalReason::Overload => "overload",
        RefusalReason::CallsMax => "calls-max",
        RefusalReason::CallsPerSecond => "calls-per-second",
        RefusalReason::TrunkCallsMax => "trunk-calls-max",
        RefusalReason::TrunkCallsPerSecond => "trunk-calls-per-second",
        RefusalReason::UnknownSource => "unknown-source",
        RefusalReason::NoSuchNumber => "no-such-number",
        RefusalReason::NoRuleForCaller => "no-rule-for-caller",
        RefusalReason::RuleRejects => "rule-rejects",
        RefusalReason::NoTargetUp => "no-target-up",
        RefusalReason::PhoneNotRegistered => "phone-not-registered",
        RefusalReason::Malformed => "malformed",
        RefusalReason::LoopDetected => "loop-detected",
        RefusalReason::TooManyHops => "too-many-hops",
        RefusalReason::MergedRequest => "merged-request",
        RefusalReason::PhoneCallsMax => "phone-calls-max",
        RefusalReason::NumberIncomplete => "number-incomplete",
        RefusalReason::AuthenticationFailed => "authentication-failed",
        RefusalReason::Unsupported => "unsupported",
        RefusalReason::NumberUnassigned => "number-unassigned",
        RefusalReason::NumberReleased => "number-released",
        RefusalReason::NumberFull => "number-full",
        RefusalReason::DestinationForbidden => "destination-forbidden",
        RefusalReason::CallerIdForbidden => "caller-id-forbidden",
        RefusalReason::GuardStops => "guard-stops",
    }
}

pub const CALLERS: &[&str] = &["trunk", "phone"];

pub fn caller_name(party: &Party) -> &'static str {
    match party {
        Party::Trunk(_) => "trunk",
        Party::Phone(_) => "phone",
    }
}
