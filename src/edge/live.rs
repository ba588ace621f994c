//! What operators see of the running calls: a line for each, kept beside the calls and never read by them.

use crate::base::id::CallId;
use crate::domain::call::interface::{CallEvent, CallStart};
use crate::domain::flow::log::Entry;
use crate::edge::media_line::MediaLine;
use crate::edge::metrics::Metrics;
use dashmap::DashMap;
use serde::Serialize;
use std::collections::BTreeMap;

/// One running call as `offhook calls` shows it.
#[derive(Clone, Debug, Serialize)]
pub struct LiveCall {
    #[serde(serialize_with = "as_text")]
    pub call: CallId,
    pub caller: Box<str>,
    pub from: Box<str>,
    pub dialled: Box<str>,
    pub started_at: u64,
    pub state: &'static str,
    pub emergency: bool,
    /// When the caller's leg was answered.
    pub answered_at: Option<u64>,
    pub parties: Vec<Box<str>>,
    /// The step that a flow has left last, and what came of it: `order-desk/menu choice`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<Box<str>>,
    /// How each leg's audio fares, by the leg's number; every ten seconds.
    pub media: BTreeMap<String, MediaLine>,
}

fn as_text<S: serde::Serializer>(call: &CallId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(call)
}

#[derive(Default)]
pub struct LiveCalls {
    /// Boxed, because a map has half as many places again as it has entries.
    calls: DashMap<CallId, Box<LiveCall>>,
}

impl LiveCalls {
    pub fn begin(&self, start: &CallStart) {
        let line = LiveCall {
            call: start.id,
            caller: start.caller.name().into(),
            from: start.identity.number.as_ref().into(),
            dialled: start.dialled.digits.as_ref().into(),
            started_at: start.now.unix_millis(),
            state: "routing",
            emergency: start.emergency,
            answered_at: None,
            parties: Vec::with_capacity(1),
            step: None,
            media: BTreeMap::new(),
        };
        self.calls.insert(start.id, Box::new(line));
    }

    /// True the first time.
    pub fn end(&self, call: CallId) -> bool {
        self.calls.remove(&call).is_some()
    }

    /// What the caller of a running call has dialled.
    pub fn dialled(&self, call: CallId) -> Option<String> {
        self.calls.get(&call).map(|line| line.dialled.to_string())
    }

    pub fn count(&self) -> usize {
        self.calls.len()
    }

    /// True when a phone is in the call, so that those who watch phones want to know of it.
    pub fn happened(&self, call: CallId, event: &CallEvent, metrics: &Metrics) -> bool {
        metrics.call_event(event);
        let Some(mut line) = self.calls.get_mut(&call) else { return false };
        match event {
            CallEvent::LegStarted { party, .. } => {
                line.state = "connecting";
                line.parties.push(party.as_ref().into());
            }
            CallEvent::Ringing { .. } if line.answered_at.is_none() => line.state = "ringing",
            CallEvent::EarlyMedia { .. } if line.answered_at.is_none() => line.state = "early-media",
            CallEvent::Answered { .. } => {
                line.state = "talking";
                line.answered_at = line.answered_at.or(Some(crate::edge::clock::now().unix_millis()));
            }
            CallEvent::Held { .. } => line.state = "held",
            CallEvent::Resumed { .. } => line.state = "talking",
            CallEvent::Transferred { .. } => line.state = "transferred",
            CallEvent::Quality { leg, quality } => {
                let told = MediaLine::new(None, quality);
                line.media.insert(leg.to_string(), told);
                return false;
            }
            // Digits may be anybody's secret: they stand in no log.
            CallEvent::Digit { .. } => return false,
            CallEvent::Ringing { .. }
            | CallEvent::EarlyMedia { .. }
            | CallEvent::LegEnded { .. }
            | CallEvent::Bridged { .. }
            | CallEvent::Unbridged { .. }
            | CallEvent::RecordingStarted { .. }
            | CallEvent::RecordingEnded
            | CallEvent::FlowErred { .. }
            | CallEvent::FlowBroke { .. }
            | CallEvent::Silent { .. }
            | CallEvent::Heard { .. } => {}
        }
        tracing::debug!(event = ?event, state = line.state, "call event");
        std::iter::once(&line.caller).chain(&line.parties).any(|party| party.starts_with("phone:"))
    }

    /// A flow has left a step.
    pub fn stepped(&self, call: CallId, entry: &Entry) {
        if let Some(mut line) = self.calls.get_mut(&call) {
            let outcome = entry.outcome.map_or("", |outcome| outcome.name());
            line.step = Some(format!("{}/{} {outcome}", entry.flow, entry.step).trim_end().into());
        }
    }

    /// How many running calls each party has a leg in, by "trunk:name" and "phone:name".
    pub fn calls_by_party(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for entry in &self.calls {
            let line = entry.value();
            for party in std::iter::once(&line.caller).chain(&line.parties) {
                *counts.entry(party.to_string()).or_default() += 1;
            }
        }
        counts
    }

    /// All running calls, oldest first.
    pub fn list(&self) -> Vec<LiveCall> {
        let mut all: Vec<LiveCall> = self.calls.iter().map(|entry| LiveCall::clone(entry.value())).collect();
        all.sort_by_key(|line| line.started_at);
        all
    }
}
