//! What is counted of queues, agents and callbacks. Labels are words of ours and names of the configuration.

use super::{Builder, Metrics, table};
use crate::domain::queue::interface::CallbackEnd;
use crate::domain::queue::questions::QueueReport;
use crate::domain::queue::queues::Queues;
use crate::domain::queue::tally::Tally;
use prometheus::{GaugeVec, IntCounterVec};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What becomes of contacts in a queue, each with its count of the tally.
type Counted = (&'static str, fn(&Tally) -> u64);
const CONTACTS: [Counted; 6] = [
    ("queued", |tally| tally.queued),
    ("answered", |tally| tally.answered),
    ("abandoned", |tally| tally.abandoned),
    ("refused-full", |tally| tally.refused_full),
    ("moved-in", |tally| tally.moved_in),
    ("moved-out", |tally| tally.moved_out),
];
const OFFERS: [Counted; 5] = [
    ("made", |tally| tally.offered),
    ("missed", |tally| tally.missed),
    ("rejected", |tally| tally.rejected),
    ("unreachable", |tally| tally.unreachable),
    ("abandoned", |tally| tally.offers_abandoned),
];
const CALLBACKS: [Counted; 5] = [
    ("promised", |tally| tally.callbacks_promised),
    ("reached", |tally| tally.callbacks_reached),
    ("unanswered", |tally| tally.callbacks_unanswered),
    ("not-dialable", |tally| tally.callbacks_not_dialable),
    ("expired", |tally| tally.callbacks_expired),
];
const ACTIVITIES: [&str; 9] =
    ["available", "offline", "away", "incoming", "on-contact", "after-contact-work", "missed", "error", "all"];
const ENDS: [CallbackEnd; 7] = [
    CallbackEnd::Reached,
    CallbackEnd::NobodyAnswered,
    CallbackEnd::Busy,
    CallbackEnd::Failed,
    CallbackEnd::NotDialable,
    CallbackEnd::Expired,
    CallbackEnd::Cancelled,
];

#[derive(Debug)]
pub struct QueueSeries {
    waiting: GaugeVec,
    oldest: GaugeVec,
    agents: GaugeVec,
    callbacks_owed: GaugeVec,
    callbacks_ended: IntCounterVec,
    contacts: IntCounterVec,
    offers: IntCounterVec,
    callbacks: IntCounterVec,
    /// What was told before: tallies only rise, and a queue that is configured anew begins at nothing again.
    told: Mutex<BTreeMap<Box<str>, Tally>>,
}

impl QueueSeries {
    pub(super) fn build(build: &Builder<'_>) -> Result<QueueSeries, prometheus::Error> {
        let series = QueueSeries {
            waiting: build.gauges(table::QUEUE_WAITING)?,
            oldest: build.gauges(table::QUEUE_OLDEST)?,
            agents: build.gauges(table::AGENTS)?,
            callbacks_owed: build.gauges(table::CALLBACKS_OWED)?,
            callbacks_ended: build.counters(table::CALLBACKS_ENDED)?,
            contacts: build.counters(table::QUEUE_CONTACTS)?,
            offers: build.counters(table::QUEUE_OFFERS)?,
            callbacks: build.counters(table::QUEUE_CALLBACKS)?,
            told: Mutex::default(),
        };
        ENDS.iter().for_each(|end| drop(series.callbacks_ended.with_label_values(&[end.name()])));
        ACTIVITIES.iter().for_each(|activity| drop(series.agents.with_label_values(&[*activity])));
        ["scheduled", "queued"].iter().for_each(|standing| drop(series.callbacks_owed.with_label_values(&[*standing])));
        Ok(series)
    }
}

impl Metrics {
    pub(super) fn callback_over(&self, why: CallbackEnd) {
        self.0.queues.callbacks_ended.with_label_values(&[why.name()]).inc();
    }

    /// The queues as they stand, told now and then.
    pub fn queues(&self, now: crate::base::now::Now, queues: &Queues) {
        let series = &self.0.queues;
        let mut told = series.told.lock().unwrap_or_else(PoisonError::into_inner);
        for report in queues.reports(now) {
            let before = told.insert(report.name.as_ref().into(), report.tally).unwrap_or_default();
            series.tell(&report, &before);
        }
        let mut agents: BTreeMap<&str, u32> = ACTIVITIES.iter().map(|activity| (*activity, 0)).collect();
        for report in queues.agents() {
            let activity = activity(report.agent.activity_name());
            for name in [activity, "all"] {
                *agents.entry(name).or_default() += 1;
            }
        }
        agents.iter().for_each(|(name, count)| series.agents.with_label_values(&[*name]).set(f64::from(*count)));
        let (owed, scheduled) = (queues.callbacks().count(), queues.scheduled());
        series.callbacks_owed.with_label_values(&["scheduled"]).set(whole(scheduled));
        series.callbacks_owed.with_label_values(&["queued"]).set(whole(owed.saturating_sub(scheduled)));
    }
}

impl QueueSeries {
    fn tell(&self, report: &QueueReport, before: &Tally) {
        let name = &*report.name;
        self.waiting.with_label_values(&[name]).set(whole(report.waiting));
        self.oldest.with_label_values(&[name]).set(report.oldest.unwrap_or_default().as_secs_f64());
        let groups: [(&IntCounterVec, &[Counted]); 3] =
            [(&self.contacts, &CONTACTS), (&self.offers, &OFFERS), (&self.callbacks, &CALLBACKS)];
        for (series, counted) in groups {
            for (outcome, count) in counted {
                let (now, before) = (count(&report.tally), count(before));
                let risen = if now < before { now } else { now - before };
                series.with_label_values(&[name, outcome]).inc_by(risen);
            }
        }
    }
}

/// One word for what an agent does; statuses of the house's own are all `away`.
fn activity(name: &str) -> &'static str {
    match name {
        "Available" => "available",
        "Offline" => "offline",
        "Incoming" => "incoming",
        "On contact" => "on-contact",
        "After contact work" => "after-contact-work",
        "Missed" => "missed",
        "Error" => "error",
        _ => "away",
    }
}

fn whole(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
