//! `offhook.toml` into the daemon's own settings and the admission policy.

use crate::domain::number::inventory::Terms;
use crate::domain::switchboard::interface::{AdmissionPolicy, Strangers};
use crate::edge::config::convert_control;
use crate::edge::config::convert_outside;
use crate::edge::config::convert_softphone;
use crate::edge::config::fields::{Fields, printable};
use crate::edge::config::suggest;
use crate::edge::config::{Daemon, LogSettings, PromptSettings};
use crate::edge::events::log::EventSettings;
use crate::edge::journal::JournalSettings;
use crate::edge::logging::LogFormat;
use crate::edge::media::WorkerSettings;
use crate::edge::transport::TransportLimits;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];
const FORMATS: &[(&str, LogFormat)] =
    &[("auto", LogFormat::Auto), ("human", LogFormat::Human), ("json", LogFormat::Json)];
const STRANGERS: &[(&str, Strangers)] = &[("drop", Strangers::Drop), ("forbid", Strangers::Forbid)];

pub fn daemon(fields: Fields<'_>) -> (Daemon, AdmissionPolicy) {
    let state_directory = PathBuf::from(fields.text_or("state_directory", "run"));
    let daemon = Daemon {
        worker_threads: fields.integer("worker_threads", 0, 0..=1_024),
        ops_listen: ops(fields.table("ops")),
        control: convert_control::control(fields.table("control"), &state_directory),
        events: events(fields.table("events"), &state_directory),
        log: log(fields.table("log")),
        journal: journal(fields.table("journal"), &state_directory),
        stall_max: watchdog(fields.table("watchdog")),
        transport: transport(fields.table("transport")),
        media: media(fields.table("media")),
        outside: convert_outside::outside(&fields, &state_directory),
        store: store(fields.table("store"), &state_directory),
        numbers: numbers(fields.table("numbers")),
        prompts: prompts(fields.table("prompts")),
        softphone: convert_softphone::softphone(fields.table("softphone")),
        state_directory,
    };
    let admission = admission(fields.table("admission"));
    fields.finish();
    (daemon, admission)
}

fn ops(fields: Fields<'_>) -> Option<SocketAddr> {
    let enabled = fields.flag("enabled", true);
    let listen = fields.text_or("listen", "127.0.0.1:9090");
    let address = listen.parse();
    if address.is_err() {
        let problem = format!("`{}` is no address and port", printable(&listen));
        fields.error("listen", problem, Some("write one such as \"127.0.0.1:9090\" or \"[::1]:9090\"".to_owned()));
    }
    fields.finish();
    address.ok().filter(|_| enabled)
}

fn events(fields: Fields<'_>, state: &std::path::Path) -> EventSettings {
    let settings = EventSettings {
        folder: state.join(fields.text_or("folder", "events")),
        bytes_max: fields.integer("bytes", 67_108_864, 1_048_576..=1_099_511_627_776),
    };
    fields.finish();
    settings
}

fn log(fields: Fields<'_>) -> LogSettings {
    let level = fields.text_or("level", "info");
    for directive in level.split(',') {
        let wanted = directive.rsplit('=').next().unwrap_or_default().trim();
        if !LEVELS.contains(&wanted.to_ascii_lowercase().as_str()) {
            let meant = suggest::did_you_mean(wanted, LEVELS.iter().copied(), "levels");
            fields.error("level", format!("`{}` is no level", printable(wanted)), meant);
        }
    }
    let format = fields.choice("format", FORMATS, LogFormat::Auto);
    fields.finish();
    LogSettings { level, format }
}

fn journal(fields: Fields<'_>, state: &std::path::Path) -> JournalSettings {
    let settings = JournalSettings {
        path: state.join(fields.text_or("path", "records.jsonl")),
        rotate_bytes: fields.integer("rotate_bytes", 268_435_456, 0..=1_099_511_627_776),
        rotate_daily: fields.flag("rotate_daily", true),
    };
    fields.finish();
    settings
}

fn store(fields: Fields<'_>, state: &std::path::Path) -> PathBuf {
    let path = state.join(fields.text_or("path", "store.sqlite"));
    fields.finish();
    path
}

fn numbers(fields: Fields<'_>) -> Terms {
    let own = Terms::default();
    let terms = Terms {
        quota: fields.integer("quota", own.quota, 0..=10_000_000),
        churn_percent: fields.integer("churn_percent", own.churn_percent, 1..=100_000),
        churn_window: fields.duration("churn_window", own.churn_window, HOUR..=DAY * 366),
        cool_down: fields.duration("cool_down", own.cool_down, Duration::ZERO..=DAY * 366),
        retry_after: fields.duration("retry_after", own.retry_after, Duration::ZERO..=DAY * 30),
        did_capacity: fields.integer("did_capacity", own.did_capacity, 0..=1_000_000),
    };
    fields.finish();
    terms
}

fn watchdog(fields: Fields<'_>) -> Duration {
    let stall = fields.duration("stall_max", Duration::from_secs(10), Duration::from_secs(2)..=HOUR);
    fields.finish();
    stall
}

fn transport(fields: Fields<'_>) -> TransportLimits {
    let own = TransportLimits::default();
    let seconds = |low: u64, high: u64| Duration::from_secs(low)..=Duration::from_secs(high);
    let limits = TransportLimits {
        connections_max: fields.integer("connections_max", own.connections_max, 1..=1_000_000),
        connections_per_source: fields.integer("connections_per_source", own.connections_per_source, 1..=1_000_000),
        half_open_max: fields.integer("half_open_max", own.half_open_max, 1..=1_000_000),
        idle: fields.duration("idle", own.idle, seconds(10, 86_400)),
        first_message: fields.duration("first_message", own.first_message, seconds(1, 120)),
        connect: fields.duration("connect", own.connect, seconds(1, 60)),
        ping: fields.duration("ping", own.ping, seconds(5, 3_600)),
        write: fields.duration("write", own.write, seconds(1, 120)),
    };
    fields.finish();
    limits
}

fn media(fields: Fields<'_>) -> WorkerSettings {
    let own = WorkerSettings::default();
    let written = fields.text_or("ports", "20000-29999");
    let ports = port_range(&written);
    if ports.is_none() {
        let problem = format!("`{}` is no range of ports", printable(&written));
        let meant = "write two ports above 1023 with room for a pair, such as \"20000-29999\"";
        fields.error("ports", problem, Some(meant.to_owned()));
    }
    let pin = fields.integers("pin", "empty: the system chooses");
    let settings = WorkerSettings {
        workers: fields.integer("workers", own.workers, 0..=256),
        pin: pin.iter().filter_map(|core| core.text.parse().ok()).collect(),
        ports: ports.unwrap_or(own.ports),
        reuse_delay: fields.duration("reuse_delay", own.reuse_delay, Duration::ZERO..=HOUR),
        dscp: fields.integer("dscp", own.dscp, 0..=63),
    };
    if settings.pin.len() != pin.len() {
        fields.error("pin", "a core is a number from 0 to 65535", None);
    }
    fields.finish();
    settings
}

/// At least one pair: an even port and the one above it.
fn prompts(fields: Fields<'_>) -> PromptSettings {
    let is_required = fields.has("folder");
    let folder = PathBuf::from(fields.text_or("folder", "prompts"));
    fields.finish();
    PromptSettings { folder, is_required }
}

fn port_range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-')?;
    let (first, last): (u16, u16) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first >= 1_024 && last > first.next_multiple_of(2)).then_some(first..=last)
}

fn admission(fields: Fields<'_>) -> AdmissionPolicy {
    let own = AdmissionPolicy::default();
    let policy = AdmissionPolicy {
        calls_max: fields.integer("calls_max", own.calls_max, 1..=1_000_000),
        calls_per_second: fields.number("calls_per_second", own.calls_per_second, 0.01..=100_000.0),
        burst: fields.number("burst", own.burst, 1.0..=100_000.0),
        lateness_max: fields.duration(
            "lateness_max",
            own.lateness_max,
            Duration::from_millis(5)..=Duration::from_secs(10),
        ),
        unknown_per_second: fields.number("unknown_per_second", own.unknown_per_second, 0.1..=10_000.0),
        failures_per_minute: fields.integer("failures_per_minute", own.failures_per_minute, 1..=10_000),
        ban: fields.duration("ban", own.ban, Duration::from_secs(1)..=DAY),
        retry_after: fields.integer("retry_after", own.retry_after, 1..=3_600),
        drain: fields.duration("drain", own.drain, Duration::ZERO..=DAY),
        strangers: fields.choice("strangers", STRANGERS, own.strangers),
    };
    fields.finish();
    policy
}
