//! What operators see of the running calls: a line for each, kept beside the calls and never read by them.

use crate::base::id::CallId;
use crate::domain::call::interface::{CallEvent, CallStart};
use crate::edge::media_line::MediaLine;
use crate::edge::metrics::Metrics;
use dashmap::DashMap;
use serde::Serialize;
use std::collections::BTreeMap;

/// One running call as `offhook calls` shows it.
#[derive(Clone, Debug, Serialize)]
pub struct LiveCall {
    pub call: String,
    pub caller: String,
    pub from: String,
    pub dialled: String,
    pub started_at: u64,
    pub state: &'static str,
    pub emergency: bool,
    /// When the caller's leg was answered.
    pub answered_at: Option<u64>,
    pub parties: Vec<String>,
    /// How each leg's audio fares, by the leg's number; every ten seconds.
    pub media: BTreeMap<String, MediaLine>,
}

#[derive(Default)]
pub struct LiveCalls {
    calls: DashMap<CallId, LiveCall>,
}

impl LiveCalls {
    pub fn begin(&self, start: &CallStart) {
        let line = LiveCall {
            call: start.id.to_string(),
            caller: start.caller.name(),
            from: start.identity.number.to_string(),
            dialled: start.dialled.digits.to_string(),
            started_at: start.now.unix_millis(),
            state: "routing",
            emergency: start.emergency,
            answered_at: None,
            parties: Vec::new(),
            media: BTreeMap::new(),
        };
        self.calls.insert(start.id, line);
    }

    /// True the first time.
    pub fn end(&self, call: CallId) -> bool {
        self.calls.remove(&call).is_some()
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
                line.parties.push(party.to_string());
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
            | CallEvent::Silent { .. }
            | CallEvent::Heard { .. } => {}
        }
        tracing::debug!(event = ?event, state = line.state, "call event");
        std::iter::once(&line.caller).chain(&line.parties).any(|party| party.starts_with("phone:"))
    }

    /// How many running calls each party has a leg in, by "trunk:name" and "phone:name".
    pub fn calls_by_party(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for entry in &self.calls {
            let line = entry.value();
            for party in std::iter::once(&line.caller).chain(&line.parties) {
                *counts.entry(party.clone()).or_default() += 1;
            }
        }
        counts
    }

    /// All running calls, oldest first.
    pub fn list(&self) -> Vec<LiveCall> {
        let mut all: Vec<LiveCall> = self.calls.iter().map(|entry| entry.value().clone()).collect();
        all.sort_by_key(|line| line.started_at);
        all
    }
}
