//! References to attributes: whether there is such a thing at all, here, and by then. Knows no value.

use super::fault::{FaultKind, FlowFault};
use crate::domain::flow::act::{Act, Scope};
use crate::domain::flow::definition::Kind;
use crate::domain::flow::draft::FlowDraft;
use crate::domain::flow::memory::HEADERS;
use crate::domain::flow::template::Reference;
use crate::domain::flow::walk::{Found, walk};

/// Every name that a reference can begin with.
const NAMESPACES: [&str; 25] = [
    "Agent",
    "Attributes",
    "Channel",
    "ContactId",
    "CustomerCallbackNumber",
    "CustomerEndpoint",
    "CustomerId",
    "Description",
    "External",
    "FlowAttributes",
    "InitialContactId",
    "InitiationMethod",
    "LanguageCode",
    "Media",
    "MediaStreams",
    "Metrics",
    "Name",
    "PreviousContactId",
    "Queue",
    "Recording",
    "StoredCustomerInput",
    "System",
    "SystemEndpoint",
    "Tags",
    "TextToSpeechVoiceId",
];
const ENDPOINT: [&str; 2] = ["Address", "Type"];

pub fn check(draft: &FlowDraft, faults: &mut Vec<FlowFault>) {
    for step in &draft.steps {
        walk(&step.act, &mut |key, found| {
            let mut see = |reference: &Reference| {
                if let Some(kind) = fault_of(reference, draft) {
                    faults.push(FlowFault::of_step(&step.name, key, kind));
                }
            };
            match found {
                Found::Text(text) => text.references().for_each(&mut see),
                Found::Reference(reference) => see(reference),
            }
        });
    }
}

fn fault_of(reference: &Reference, draft: &FlowDraft) -> Option<FaultKind> {
    let path: Vec<&str> = reference.path.iter().map(|name| &**name).collect();
    let is_alias = path.first() == Some(&"System");
    let path = path.get(usize::from(is_alias)..).unwrap_or_default();
    let unknown = |known: &[&'static str]| {
        Some(FaultKind::UnknownReference { reference: reference.to_string().into(), known: known.to_vec() })
    };
    let Some((name, rest)) = path.split_first() else { return unknown(&[]) };
    if !NAMESPACES.contains(name) {
        return unknown(&NAMESPACES);
    }
    match (*name, rest) {
        ("CustomerEndpoint" | "SystemEndpoint", [member]) if ENDPOINT.contains(member) => None,
        ("CustomerEndpoint" | "SystemEndpoint", _) => unknown(&ENDPOINT),
        ("Media", ["Sip", "Headers", header]) if HEADERS.contains(header) => None,
        ("Media", _) => unknown(&HEADERS),
        ("Metrics", ["Queue", "Name" | "Size" | "OldestContactAge" | "ARN"]) => {
            not_set(reference, draft, "queue-metrics")
        }
        ("Metrics", ["Agents", state, "Count"]) if AGENTS.contains(state) => not_set(reference, draft, "queue-metrics"),
        ("Metrics", _) => unknown(&METRICS),
        ("Attributes" | "Agent" | "Tags", []) => unknown(&[]),
        ("Agent", _) if !knows_agent(draft.kind) => not_here(reference, draft),
        ("Agent", [member]) if AGENT.contains(member) => None,
        ("Agent", _) => unknown(&AGENT),
        ("InitiationMethod", []) if matches!(draft.kind, Kind::AgentWhisper | Kind::CustomerWhisper) => {
            not_here(reference, draft)
        }
        ("FlowAttributes", [member, ..]) if !sets_flow_attribute(draft, member) => Some(FaultKind::NeverSet {
            reference: reference.to_string().into(),
            by: "set-attributes with scope = \"flow\"",
        }),
        ("FlowAttributes", []) => unknown(&[]),
        ("External", []) => unknown(&[]),
        ("External", _) => not_set(reference, draft, "webhook"),
        ("StoredCustomerInput", []) => not_set(reference, draft, "collect"),
        ("Recording", ["Location"]) => not_set(reference, draft, "record"),
        ("Queue" | "MediaStreams" | "Attributes" | "FlowAttributes" | "Tags", _) => None,
        (_, []) => None,
        _ => unknown(&[]),
    }
}

const AGENT: [&str; 4] = ["ARN", "FirstName", "LastName", "UserName"];
const AGENTS: [&str; 7] = ["AfterContactWork", "Available", "Busy", "Missed", "NonProductive", "Online", "Staffed"];
const METRICS: [&str; 4] = ["Queue.Name", "Queue.Size", "Queue.OldestContactAge", "Agents.STATE.Count"];

fn knows_agent(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::AgentWhisper
            | Kind::CustomerWhisper
            | Kind::AgentHold
            | Kind::CustomerHold
            | Kind::OutboundWhisper
            | Kind::TransferToAgent
    )
}

fn not_here(reference: &Reference, draft: &FlowDraft) -> Option<FaultKind> {
    Some(FaultKind::NotKnownHere { reference: reference.to_string().into(), kind: draft.kind })
}

/// Other flows may have set it before this one, but nobody can have for a module.
fn not_set(reference: &Reference, draft: &FlowDraft, by: &'static str) -> Option<FaultKind> {
    let sets = |act: &Act| match by {
        "webhook" => matches!(act, Act::Webhook(_) | Act::Function(_)),
        _ => act.name() == by,
    };
    let is_set = draft.kind != Kind::Module || draft.steps.iter().any(|step| sets(&step.act));
    (!is_set).then(|| FaultKind::NeverSet { reference: reference.to_string().into(), by })
}

fn sets_flow_attribute(draft: &FlowDraft, name: &str) -> bool {
    draft.steps.iter().any(|step| match &step.act {
        Act::SetAttributes(set) => set.scope == Scope::Flow && set.pairs.iter().any(|(set, _)| &**set == name),
        _ => false,
    })
}
