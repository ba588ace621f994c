//! What the daemon counts and how it is told to Prometheus. Series are built once; no label comes from a peer.

mod audio;
pub mod control;
pub mod labels;
mod outside;
pub mod process;
mod queues;
pub mod softphone;
pub mod table;
mod transport;

use self::labels::{ALL_REASONS, CALLERS, call_event_name, caller_name, inbox_name, reason_name};
use self::outside::OutsideSeries;
use self::queues::QueueSeries;
use self::table::{Kind, Row};
use crate::base::cause::{Cause, Fault};
use crate::domain::call::interface::{CallEvent, CallStart};
use crate::domain::contact::Record;
use crate::domain::number::book::Book;
use crate::domain::switchboard::interface::SwitchboardEvent;
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::message::{Message, ParseError};
use crate::protocol::sip::path::Transport;
use crate::protocol::sip::transaction::set::Repeats;
use prometheus::core::Collector;
use prometheus::local::LocalHistogram;
use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry,
    TextEncoder,
};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    In,
    Out,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Inbox {
    Call,
    Switchboard,
}

/// A figure that is kept elsewhere (transports, machines, the system) and only told here.
#[derive(Clone, PartialEq, Debug)]
pub struct Reading {
    row: Row,
    labels: Vec<String>,
    value: f64,
}

impl Reading {
    /// `labels` are the values in the order of the row's label names.
    pub fn new(row: Row, labels: &[&str], value: f64) -> Reading {
        debug_assert_eq!(row.labels.len(), labels.len(), "{}", row.name);
        Reading { row, labels: labels.iter().map(|label| (*label).to_owned()).collect(), value }
    }

    pub fn count(row: Row, labels: &[&str], value: u64) -> Reading {
        // Exact up to 2^53, which a counter of messages does not reach.
        Reading::new(row, labels, value as f64)
    }
}

/// All series that are counted as things happen. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Series>);

#[derive(Debug)]
struct Series {
    registry: Registry,
    calls_started: IntCounterVec,
    calls_ended: IntCounterVec,
    calls_active: Gauge,
    calls_refused: IntCounterVec,
    calls_panicked: IntCounter,
    post_dial: Histogram,
    setup: Histogram,
    answer: Histogram,
    duration: Histogram,
    call_events: IntCounterVec,
    inbox_overflows: IntCounterVec,
    malformed: IntCounterVec,
    repeats: IntCounterVec,
    call_transactions: Gauge,
    switchboard_transactions: Gauge,
    /// By direction, kind and transport, in this order.
    messages: Vec<IntCounter>,
    bans: IntCounter,
    auth_failures: IntCounter,
    trunk_up: GaugeVec,
    trunk_registered: GaugeVec,
    trunk_calls: GaugeVec,
    phones_registered: Gauge,
    registrations: IntCounterVec,
    journal_records: IntCounter,
    journal_errors: IntCounter,
    journal_sync: Histogram,
    media_lateness: Histogram,
    audio: audio::Audio,
    reloads: IntCounterVec,
    reload_time: Gauge,
    configuration: GaugeVec,
    draining: Gauge,
    outside: OutsideSeries,
    queues: QueueSeries,
    spending: SpendingSeries,
    numbers: GaugeVec,
    control: control::ControlSeries,
    softphone: softphone::SoftphoneSeries,
}

/// Guards against bills.
#[derive(Debug)]
struct SpendingSeries {
    stops: GaugeVec,
    trips: IntCounterVec,
}

impl SpendingSeries {
    fn build(build: &Builder<'_>) -> Result<SpendingSeries, prometheus::Error> {
        Ok(SpendingSeries { stops: build.gauges(table::GUARD_STOPS)?, trips: build.counters(table::GUARD_TRIPS)? })
    }
}

const TRANSPORTS: &[Transport] = &[Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];
const CLASSES: &[&str] = &["1xx", "2xx", "3xx", "4xx", "5xx", "6xx"];

/// Every series of messages in the order in which they are counted: each is found once, not for each message.
fn cells_of(messages: &IntCounterVec) -> Result<Vec<IntCounter>, prometheus::Error> {
    let mut cells = Vec::new();
    for direction in ["in", "out"] {
        let methods = Method::KNOWN.iter().map(|method| method.name());
        for kind in methods.chain([Method::Other.name()]).chain(CLASSES.iter().copied()) {
            for transport in TRANSPORTS {
                cells.push(messages.get_metric_with_label_values(&[direction, kind, transport.name()])?);
            }
        }
    }
    Ok(cells)
}

impl Metrics {
    /// Builds every series. An error is a mistake in the table, found at start and by the tests.
    pub fn new(started: Duration) -> Result<Metrics, prometheus::Error> {
        let registry = Registry::new();
        let build = Builder { registry: &registry };
        let transactions = build.gauges(table::TRANSACTIONS)?;
        let messages = cells_of(&build.counters(table::MESSAGES)?)?;
        build.gauges(table::BUILD)?.get_metric_with_label_values(&[env!("CARGO_PKG_VERSION")])?.set(1.0);
        build.gauge(table::START_TIME)?.set(started.as_secs_f64());
        let series = Series {
            calls_started: build.counters(table::CALLS_STARTED)?,
            calls_ended: build.counters(table::CALLS_ENDED)?,
            calls_active: build.gauge(table::CALLS_ACTIVE)?,
            calls_refused: build.counters(table::CALLS_REFUSED)?,
            calls_panicked: build.counter(table::CALLS_PANICKED)?,
            post_dial: build.histogram(table::POST_DIAL)?,
            setup: build.histogram(table::SETUP)?,
            answer: build.histogram(table::ANSWER)?,
            duration: build.histogram(table::DURATION)?,
            call_events: build.counters(table::CALL_EVENTS)?,
            inbox_overflows: build.counters(table::INBOX_OVERFLOWS)?,
            malformed: build.counters(table::MALFORMED)?,
            repeats: build.counters(table::RETRANSMISSIONS)?,
            call_transactions: transactions.get_metric_with_label_values(&[inbox_name(Inbox::Call)])?,
            switchboard_transactions: transactions.get_metric_with_label_values(&[inbox_name(Inbox::Switchboard)])?,
            messages,
            bans: build.counter(table::BANS)?,
            auth_failures: build.counter(table::AUTH_FAILURES)?,
            trunk_up: build.gauges(table::TRUNK_UP)?,
            trunk_registered: build.gauges(table::TRUNK_REGISTERED)?,
            trunk_calls: build.gauges(table::TRUNK_CALLS)?,
            phones_registered: build.gauge(table::PHONES_REGISTERED)?,
            registrations: build.counters(table::REGISTRATIONS)?,
            journal_records: build.counter(table::JOURNAL_RECORDS)?,
            journal_errors: build.counter(table::JOURNAL_ERRORS)?,
            journal_sync: build.histogram(table::JOURNAL_SYNC)?,
            media_lateness: build.histogram(table::MEDIA_LATENESS)?,
            audio: audio::Audio::new(&build)?,
            reloads: build.counters(table::RELOADS)?,
            reload_time: build.gauge(table::RELOAD_TIME)?,
            configuration: build.gauges(table::CONFIGURATION)?,
            draining: build.gauge(table::DRAINING)?,
            outside: OutsideSeries::build(&build)?,
            queues: QueueSeries::build(&build)?,
            spending: SpendingSeries::build(&build)?,
            numbers: build.gauges(table::NUMBERS)?,
            control: control::ControlSeries::build(&build)?,
            softphone: softphone::SoftphoneSeries::build(&build)?,
            registry,
        };
        let metrics = Metrics(Arc::new(series));
        metrics.show_all_labels();
        Ok(metrics)
    }

    /// Lets every bounded series begin at zero, so that a first event is seen as an increase.
    fn show_all_labels(&self) {
        let series = &self.0;
        for caller in CALLERS {
            series.calls_started.with_label_values(&[*caller]);
        }
        for cause in Cause::all() {
            series.calls_ended.with_label_values(&[cause.name(), Fault::Nobody.name()]);
        }
        for reason in ALL_REASONS {
            series.calls_refused.with_label_values(&[reason_name(*reason)]);
        }
        for inbox in [Inbox::Call, Inbox::Switchboard] {
            series.inbox_overflows.with_label_values(&[inbox_name(inbox)]);
        }
        for outcome in ["registered", "unregistered"] {
            series.registrations.with_label_values(&[outcome]);
        }
        for direction in ["in", "out"] {
            series.repeats.with_label_values(&[direction]);
        }
        for outcome in ["applied", "refused"] {
            series.reloads.with_label_values(&[outcome]);
        }
    }

    pub fn call_started(&self, start: &CallStart) {
        self.call_started_by(caller_name(&start.caller));
    }

    fn call_started_by(&self, caller: &str) {
        self.0.calls_started.with_label_values(&[caller]).inc();
        self.0.calls_active.inc();
    }

    /// A call is over: its cause, and every time that its record tells.
    pub fn call_ended(&self, record: &Record) {
        let series = &self.0;
        series.calls_active.dec();
        series.calls_ended.with_label_values(&[record.cause.name(), record.fault.name()]).inc();
        let since = |at: u64| Duration::from_millis(at.saturating_sub(record.started_at)).as_secs_f64();
        if let Some(first) = record.legs.iter().skip(1).map(|leg| leg.started_at).min() {
            series.setup.observe(since(first));
        }
        if let Some(at) = record.ringing_at {
            series.post_dial.observe(since(at));
        }
        if let Some(at) = record.answered_at {
            series.answer.observe(since(at));
            series.duration.observe(Duration::from_millis(record.ended_at.saturating_sub(at)).as_secs_f64());
        }
        record.legs.iter().filter_map(|leg| leg.media.as_ref()).for_each(|media| series.audio.ended(&media.quality));
    }

    /// So many transactions more, or fewer, than a call had before.
    pub fn call_transactions(&self, before: usize, now: usize) {
        let whole = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        self.0.call_transactions.add(whole(now) - whole(before));
    }

    pub fn switchboard_transactions(&self, count: usize) {
        self.0.switchboard_transactions.set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
    }

    /// How many transactions there are, of calls and of the switchboard.
    pub fn transactions(&self) -> (f64, f64) {
        (self.0.call_transactions.get(), self.0.switchboard_transactions.get())
    }

    /// What was said twice: by us, and to us.
    pub fn repeats(&self, repeats: Repeats) {
        if repeats != Repeats::default() {
            self.0.repeats.with_label_values(&["in"]).inc_by(u64::from(repeats.received));
            self.0.repeats.with_label_values(&["out"]).inc_by(u64::from(repeats.sent));
        }
    }

    /// A call was ended by a panic that its task caught.
    pub fn call_panicked(&self) {
        self.0.calls_panicked.inc();
    }

    pub fn call_event(&self, event: &CallEvent) {
        self.0.call_events.with_label_values(&[call_event_name(event)]).inc();
        self.flow_event(event);
    }

    pub fn inbox_overflow(&self, inbox: Inbox) {
        self.0.inbox_overflows.with_label_values(&[inbox_name(inbox)]).inc();
    }

    pub fn message(&self, direction: Direction, transport: Transport, message: &Message) {
        let status = if message.is_request() { 0 } else { message.status() };
        self.count_message(direction, transport, message.method(), status);
    }

    /// Counts what was sent by its first word and, for a response, by its status.
    pub fn message_out(&self, bytes: &[u8], transport: Transport) {
        let mut words = bytes.splitn(3, |byte| *byte == b' ');
        let mut word = || std::str::from_utf8(words.next().unwrap_or_default()).unwrap_or_default();
        let first = word();
        if first.starts_with("SIP/") {
            let status = word().parse().unwrap_or(600);
            self.count_message(Direction::Out, transport, Method::Other, status);
        } else {
            self.count_message(Direction::Out, transport, Method::parse(first), 0);
        }
    }

    pub fn malformed(&self, transport: Transport, error: ParseError) {
        self.0.malformed.with_label_values(&[error.name(), transport.name()]).inc();
    }

    /// `status` 0 means a request.
    fn count_message(&self, direction: Direction, transport: Transport, method: Method, status: u16) {
        let methods = Method::KNOWN.len();
        let kind = match usize::from(status / 100) {
            0 => Method::KNOWN.iter().position(|known| *known == method).unwrap_or(methods),
            class => methods + class.min(CLASSES.len()),
        };
        let kinds = methods + 1 + CLASSES.len();
        let direction = usize::from(direction == Direction::Out);
        let transport = TRANSPORTS.iter().position(|known| *known == transport).unwrap_or_default();
        if let Some(cell) = self.0.messages.get((direction * kinds + kind) * TRANSPORTS.len() + transport) {
            cell.inc();
        }
    }

    /// The numbers of the inventory by their status.
    pub fn numbers(&self, book: &Book) {
        for status in ["CLAIMED", "IN_PROGRESS", "FAILED", "RELEASED"] {
            let count = book.entries().filter(|entry| entry.status.name() == status).count();
            let status = status.to_ascii_lowercase();
            self.0
                .numbers
                .with_label_values(&[status.as_str()])
                .set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
        }
    }

    pub fn guard_stops(&self, guard: &str, stopped: usize) {
        let stopped = f64::from(u32::try_from(stopped).unwrap_or(u32::MAX));
        self.0.spending.stops.with_label_values(&[guard]).set(stopped);
    }

    pub fn switchboard_event(&self, event: &SwitchboardEvent) {
        let series = &self.0;
        let target = |index: &u16| index.to_string();
        match event {
            SwitchboardEvent::Refused { why, .. } => {
                series.calls_refused.with_label_values(&[reason_name(*why)]).inc();
            }
            SwitchboardEvent::TrunkUp { trunk, target_index } => {
                series.trunk_up.with_label_values(&[trunk.as_ref(), &target(target_index)]).set(1.0);
            }
            SwitchboardEvent::TrunkDown { trunk, target_index } => {
                series.trunk_up.with_label_values(&[trunk.as_ref(), &target(target_index)]).set(0.0);
            }
            SwitchboardEvent::TrunkRegistered { trunk } => {
                series.trunk_registered.with_label_values(&[trunk.as_ref()]).set(1.0);
            }
            SwitchboardEvent::TrunkUnregistered { trunk, .. } => {
                series.trunk_registered.with_label_values(&[trunk.as_ref()]).set(0.0);
            }
            SwitchboardEvent::PhoneRegistered { .. } => {
                series.registrations.with_label_values(&["registered"]).inc();
                series.phones_registered.inc();
            }
            SwitchboardEvent::PhoneUnregistered { .. } => {
                series.registrations.with_label_values(&["unregistered"]).inc();
                series.phones_registered.dec();
            }
            SwitchboardEvent::GuardTripped { guard, .. } => {
                series.spending.trips.with_label_values(&[guard.as_ref()]).inc();
            }
            SwitchboardEvent::GuardReset { .. } => {}
            SwitchboardEvent::AuthenticationFailed { .. } => series.auth_failures.inc(),
            SwitchboardEvent::Banned { .. } => series.bans.inc(),
            // Agents are gauges that are set from the queues themselves.
            SwitchboardEvent::Agent { .. } | SwitchboardEvent::Queue(_) => {}
            SwitchboardEvent::CallbackOver { why, .. } => self.callback_over(*why),
        }
    }

    pub fn trunk_calls(&self, trunk: &str, calls: u32) {
        self.0.trunk_calls.with_label_values(&[trunk]).set(f64::from(calls));
    }

    /// Forgets what was said of trunks, before the configured ones are told anew: names come from configuration only.
    pub fn forget_trunks(&self) {
        self.0.trunk_up.reset();
        self.0.trunk_registered.reset();
        self.0.trunk_calls.reset();
    }

    pub fn journal_synced(&self, records: usize, took: Duration) {
        self.0.journal_records.inc_by(u64::try_from(records).unwrap_or_default());
        self.0.journal_sync.observe(took.as_secs_f64());
    }

    pub fn journal_failed(&self) {
        self.0.journal_errors.inc();
    }

    /// A histogram of its own for one media worker, which flushes it now and then.
    pub fn media_lateness(&self) -> LocalHistogram {
        self.0.media_lateness.local()
    }

    /// A reload was applied (or the daemon started), with the hash of what now runs.
    pub fn reloaded(&self, hash: &str, at: Duration) {
        self.0.reloads.with_label_values(&["applied"]).inc();
        self.0.reload_time.set(at.as_secs_f64());
        self.0.configuration.reset();
        self.0.configuration.with_label_values(&[hash]).set(1.0);
    }

    pub fn reload_refused(&self) {
        self.0.reloads.with_label_values(&["refused"]).inc();
    }

    pub fn draining(&self, draining: bool) {
        self.0.draining.set(f64::from(u8::from(draining)));
    }

    /// The page for a scraper: what was counted here, what is read elsewhere, and the process itself.
    pub fn render(&self, readings: &[Reading]) -> String {
        let mut page = Vec::with_capacity(32 * 1024);
        // Only a broken table can make this fail; a page without it is still a page.
        if TextEncoder::new().encode(&self.0.registry.gather(), &mut page).is_err() {
            page.clear();
        }
        let mut page = String::from_utf8(page).unwrap_or_default();
        write_readings(&mut page, readings);
        write_readings(&mut page, &process::readings());
        page
    }
}

/// Writes readings grouped by metric, as the text format demands.
fn write_readings(page: &mut String, readings: &[Reading]) {
    for row in table::TABLE {
        let mut own = readings.iter().filter(|reading| reading.row.name == row.name).peekable();
        if own.peek().is_none() {
            continue;
        }
        let _ = writeln!(page, "# HELP {} {}", row.name, row.help);
        let _ = writeln!(page, "# TYPE {} {}", row.name, row.kind.name());
        for reading in own {
            page.push_str(row.name);
            for (at, (label, value)) in row.labels.iter().zip(&reading.labels).enumerate() {
                let open = if at == 0 { '{' } else { ',' };
                let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
                let _ = write!(page, "{open}{label}=\"{value}\"");
            }
            let close = if row.labels.is_empty() { "" } else { "}" };
            let _ = writeln!(page, "{close} {}", reading.value);
        }
    }
}

struct Builder<'a> {
    registry: &'a Registry,
}

impl Builder<'_> {
    fn keep<C: Collector + Clone + 'static>(&self, series: C) -> Result<C, prometheus::Error> {
        self.registry.register(Box::new(series.clone()))?;
        Ok(series)
    }

    fn counter(&self, row: Row) -> Result<IntCounter, prometheus::Error> {
        self.keep(IntCounter::new(row.name, row.help)?)
    }

    fn counters(&self, row: Row) -> Result<IntCounterVec, prometheus::Error> {
        self.keep(IntCounterVec::new(Opts::new(row.name, row.help), row.labels)?)
    }

    fn gauge(&self, row: Row) -> Result<Gauge, prometheus::Error> {
        self.keep(Gauge::new(row.name, row.help)?)
    }

    fn gauges(&self, row: Row) -> Result<GaugeVec, prometheus::Error> {
        self.keep(GaugeVec::new(Opts::new(row.name, row.help), row.labels)?)
    }

    fn histograms(&self, row: Row) -> Result<HistogramVec, prometheus::Error> {
        let Kind::Histogram(bounds) = row.kind else {
            return Err(prometheus::Error::Msg(format!("{} is no histogram", row.name)));
        };
        let options = HistogramOpts::new(row.name, row.help).buckets(bounds.to_vec());
        self.keep(HistogramVec::new(options, row.labels)?)
    }

    fn histogram(&self, row: Row) -> Result<Histogram, prometheus::Error> {
        let Kind::Histogram(bounds) = row.kind else {
            return Err(prometheus::Error::Msg(format!("{} is no histogram", row.name)));
        };
        self.keep(Histogram::with_opts(HistogramOpts::new(row.name, row.help).buckets(bounds.to_vec()))?)
    }
}

#[cfg(test)]
mod tests;
