//! What is counted of flows and of what they ask outside. Labels are words of ours and names of flows.

use super::{Builder, Metrics, table};
use crate::domain::call::interface::CallEvent;
use crate::edge::outside::{SPEECHES, WEBHOOKS};
use prometheus::{IntCounter, IntCounterVec};

#[derive(Debug)]
pub struct OutsideSeries {
    webhooks: IntCounterVec,
    speeches: IntCounterVec,
    recordings: IntCounterVec,
    flow_errors: IntCounterVec,
    flow_fatal_errors: IntCounterVec,
    flow_log_lost: IntCounter,
}

impl OutsideSeries {
    pub(super) fn build(build: &Builder<'_>) -> Result<OutsideSeries, prometheus::Error> {
        let series = OutsideSeries {
            webhooks: build.counters(table::WEBHOOKS)?,
            speeches: build.counters(table::SPEECHES)?,
            recordings: build.counters(table::RECORDINGS)?,
            flow_errors: build.counters(table::FLOW_ERRORS)?,
            flow_fatal_errors: build.counters(table::FLOW_FATAL_ERRORS)?,
            flow_log_lost: build.counter(table::FLOW_LOG_LOST)?,
        };
        // Bounded series begin at zero, so that a first event is seen as an increase.
        WEBHOOKS.iter().for_each(|outcome| drop(series.webhooks.with_label_values(&[*outcome])));
        SPEECHES.iter().for_each(|outcome| drop(series.speeches.with_label_values(&[*outcome])));
        ["written", "failed"].iter().for_each(|outcome| drop(series.recordings.with_label_values(&[*outcome])));
        Ok(series)
    }
}

impl Metrics {
    pub fn webhook(&self, outcome: &str) {
        self.0.outside.webhooks.with_label_values(&[outcome]).inc();
    }

    pub fn speech(&self, outcome: &str) {
        self.0.outside.speeches.with_label_values(&[outcome]).inc();
    }

    pub fn recording(&self, outcome: &str) {
        self.0.outside.recordings.with_label_values(&[outcome]).inc();
    }

    pub fn flow_line_lost(&self) {
        self.0.outside.flow_log_lost.inc();
    }

    pub(super) fn flow_event(&self, event: &CallEvent) {
        match event {
            CallEvent::FlowErred { flow } => self.0.outside.flow_errors.with_label_values(&[&**flow]).inc(),
            CallEvent::FlowBroke { flow } => self.0.outside.flow_fatal_errors.with_label_values(&[&**flow]).inc(),
            _ => {}
        }
    }
}
