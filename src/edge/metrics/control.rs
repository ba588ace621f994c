//! What is counted of the control protocol and of the event log. Labels are words of ours.

use super::{Builder, Metrics, table};
use crate::domain::routing::request::Asked;
use prometheus::{Gauge, HistogramVec, IntCounter, IntCounterVec};

/// Why a client or a command of the control protocol was refused or dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ControlFault {
    /// As many clients as there may be are there.
    NoPlace,
    /// A token that nobody has, or none in time.
    Unproven,
    /// It needs a scope that the client has not.
    Forbidden,
    /// What it said is no command.
    Unreadable,
    /// It did not read for too long.
    Slow,
    /// Its TLS or WebSocket handshake failed.
    Handshake,
}

impl ControlFault {
    const ALL: [ControlFault; 6] = [
        ControlFault::NoPlace,
        ControlFault::Unproven,
        ControlFault::Forbidden,
        ControlFault::Unreadable,
        ControlFault::Slow,
        ControlFault::Handshake,
    ];

    fn name(self) -> &'static str {
        match self {
            ControlFault::NoPlace => "no-place",
            ControlFault::Unproven => "unproven",
            ControlFault::Forbidden => "forbidden",
            ControlFault::Unreadable => "unreadable",
            ControlFault::Slow => "slow",
            ControlFault::Handshake => "handshake",
        }
    }
}

#[derive(Debug)]
pub struct ControlSeries {
    events: IntCounter,
    events_lost: IntCounter,
    events_unwritten: IntCounter,
    clients: Gauge,
    faults: IntCounterVec,
    decisions: HistogramVec,
}

impl ControlSeries {
    pub(super) fn build(build: &Builder<'_>) -> Result<ControlSeries, prometheus::Error> {
        let series = ControlSeries {
            events: build.counter(table::EVENTS)?,
            events_lost: build.counter(table::EVENTS_LOST)?,
            events_unwritten: build.counter(table::EVENTS_UNWRITTEN)?,
            clients: build.gauge(table::CONTROL_CLIENTS)?,
            faults: build.counters(table::CONTROL_FAULTS)?,
            decisions: build.histograms(table::DECISIONS)?,
        };
        // Bounded series begin at zero, so that a first event is seen as an increase.
        ControlFault::ALL.iter().for_each(|fault| drop(series.faults.with_label_values(&[fault.name()])));
        Ok(series)
    }
}

impl Metrics {
    pub fn events_told(&self, count: usize) {
        self.0.control.events.inc_by(u64::try_from(count).unwrap_or_default());
    }

    pub fn events_lost(&self, count: u64) {
        self.0.control.events_lost.inc_by(count);
    }

    pub fn events_unwritten(&self) {
        self.0.control.events_unwritten.inc();
    }

    pub fn control_client_came(&self) {
        self.0.control.clients.inc();
    }

    pub fn control_client_left(&self) {
        self.0.control.clients.dec();
    }

    pub fn control_fault(&self, fault: ControlFault) {
        self.0.control.faults.with_label_values(&[fault.name()]).inc();
    }

    /// A question to an engine is over.
    pub fn engine_asked(&self, asked: &Asked) {
        let labels = [&*asked.engine, asked.end.name()];
        self.0.control.decisions.with_label_values(&labels).observe(asked.took.as_secs_f64());
    }
}
