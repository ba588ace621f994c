//! Which kinds of steps a kind of flow may have. The table of docs/flows.md, and nothing else.

use super::fault::{FaultKind, FlowFault};
use crate::domain::flow::act::{Act, Role};
use crate::domain::flow::definition::Kind;
use crate::domain::flow::draft::FlowDraft;

pub fn check(draft: &FlowDraft, faults: &mut Vec<FlowFault>) {
    for step in &draft.steps {
        if !is_allowed(&step.act, draft.kind) {
            let kind = FaultKind::NotAllowed { act: step.act.name(), kind: draft.kind };
            faults.push(FlowFault::of_step(&step.name, "do", kind));
        }
        if let (Act::Queue(Some(_)), true) = (&step.act, draft.kind != Kind::CustomerQueue) {
            faults.push(FlowFault::of_step(&step.name, "queue", FaultKind::OnlyInQueue));
        }
    }
}

pub fn is_allowed(act: &Act, kind: Kind) -> bool {
    use Kind::{
        AgentHold, AgentWhisper, CustomerHold, CustomerQueue, CustomerWhisper, Disconnect, Inbound, Module,
        OutboundWhisper, TransferToAgent, TransferToQueue,
    };
    // A module runs where inbound flows do, and so does what comes after the agent has gone.
    let like_inbound = matches!(kind, Inbound | Disconnect | Module | TransferToAgent | TransferToQueue);
    match act {
        Act::Check(_)
        | Act::QueueMetrics(_)
        | Act::Distribute(_)
        | Act::Loop(_)
        | Act::SetAttributes(_)
        | Act::SetLog(_)
        | Act::SetVoice(_)
        | Act::SetTags(_)
        | Act::Webhook(_)
        | Act::Function(_)
        | Act::End => true,
        Act::SetFlows(roles) => roles.iter().all(|(role, _)| match role {
            Role::Disconnect => true,
            Role::CustomerQueue => like_inbound,
            Role::CustomerHold | Role::AgentHold => like_inbound || matches!(kind, CustomerQueue | OutboundWhisper),
            Role::CustomerWhisper | Role::AgentWhisper | Role::OutboundWhisper => like_inbound || kind == CustomerQueue,
        }),
        Act::CheckHours(_)
        | Act::CheckQueue(_)
        | Act::CheckStaffing(_)
        | Act::HangUp(_)
        | Act::Ask(_)
        | Act::Collect(_)
        | Act::SetCallbackNumber(_)
        | Act::SetCriteria(_)
        | Act::Dial(_)
        | Act::Callback(_)
        | Act::Record(_)
        | Act::SendDigits(_)
        | Act::Route(_)
        | Act::Control(_)
        | Act::Fallback
        | Act::Redirect(_)
        | Act::Queue(_) => like_inbound || kind == CustomerQueue,
        Act::SetPriority(_) | Act::SetRecording(_) => like_inbound || matches!(kind, CustomerQueue | OutboundWhisper),
        Act::StreamStart(_) => like_inbound || matches!(kind, CustomerQueue | CustomerWhisper | OutboundWhisper),
        Act::StreamStop => {
            like_inbound || matches!(kind, CustomerQueue | CustomerWhisper | OutboundWhisper | AgentWhisper)
        }
        Act::SetQueue(_) | Act::Answer => like_inbound,
        Act::TransferToFlow(_) => like_inbound && kind != Module,
        Act::Hold(_) => like_inbound || kind == OutboundWhisper,
        Act::Play(_) => !matches!(kind, CustomerHold | AgentHold),
        Act::LoopPrompts(_) => matches!(kind, CustomerQueue | CustomerHold | AgentHold),
        Act::TransferToAgent(_) => matches!(kind, TransferToAgent | TransferToQueue),
        Act::CallOut(_) => kind == OutboundWhisper,
        Act::Module(_) => matches!(kind, Inbound | Disconnect),
        Act::Wait(_) => like_inbound || kind == CustomerQueue,
        Act::Return => kind == Module,
    }
}
