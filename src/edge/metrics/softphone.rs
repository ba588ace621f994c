//! What is counted of agents' pages. Labels are words of ours.

use super::{Builder, Metrics, table};
use prometheus::{Gauge, IntCounter, IntCounterVec};

/// How a login can end.
const OUTCOMES: [&str; 7] = ["done", "bad_credentials", "bad_token", "expired", "gone", "too_many", "bad_request"];

#[derive(Debug)]
pub struct SoftphoneSeries {
    logins: IntCounterVec,
    sockets: Gauge,
    seats: Gauge,
    resumed: IntCounter,
}

impl SoftphoneSeries {
    pub(super) fn build(build: &Builder<'_>) -> Result<SoftphoneSeries, prometheus::Error> {
        let series = SoftphoneSeries {
            logins: build.counters(table::SOFTPHONE_LOGINS)?,
            sockets: build.gauge(table::SOFTPHONE_SOCKETS)?,
            seats: build.gauge(table::SOFTPHONE_SEATS)?,
            resumed: build.counter(table::SOFTPHONE_RESUMED)?,
        };
        OUTCOMES.iter().for_each(|outcome| drop(series.logins.with_label_values(&[outcome])));
        Ok(series)
    }
}

impl Metrics {
    /// By the code of the refusal; what is refused otherwise counts as not understood.
    pub fn softphone_login(&self, outcome: &str) {
        let known = OUTCOMES.iter().find(|known| **known == outcome).unwrap_or(&"bad_request");
        self.0.softphone.logins.with_label_values(&[known]).inc();
    }

    pub fn softphone_sockets(&self, change: i8) {
        self.0.softphone.sockets.add(f64::from(change));
    }

    pub fn softphone_seats(&self, change: i8) {
        self.0.softphone.seats.add(f64::from(change));
    }

    pub fn softphone_resumed(&self) {
        self.0.softphone.resumed.inc();
    }
}
