//! Settings written as lines of key and text, for comparing and showing them. Passwords never leave as text.

use crate::base::secret::Secret;
use crate::domain::call::interface::Profiles;
use crate::domain::dialplan::{Destination, Dialplan};
use crate::domain::flow::definition::Flows;
use crate::domain::hours::{Exception, Hours, HoursBook};
use crate::domain::number::inventory::Terms;
use crate::domain::phone::settings::Phone;
use crate::domain::profile::{Listener, Profile};
use crate::domain::switchboard::interface::AdmissionPolicy;
use crate::domain::trunk::media::MediaSettings;
use crate::domain::trunk::settings::{Credentials, NumberRules, Trunk, TrunkTarget};
use crate::edge::config::fields::shown;
use crate::edge::config::plan::Effect;
use crate::edge::config::read;
use crate::edge::config::written_softphone;
use crate::edge::config::{ControlSettings, Daemon, PromptSettings};
use crate::edge::control::token::Token;
use crate::edge::control::websocket::WebSettings;
use crate::edge::events::log::EventSettings;
use crate::edge::media::WorkerSettings;
use crate::edge::outside::settings::{
    OutsideSettings, RecordingSettings, SpeechEngine, SpeechSettings, WebhookSettings,
};
use crate::edge::transport::TransportLimits;
use crate::media::command::OpusWish;
use sha2::{Digest, Sha256};
use std::fmt::Debug;
use std::time::Duration;

/// One setting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    pub key: String,
    pub text: String,
    pub effect: Effect,
    /// The text is a digest, of a secret or of much: it may be compared, not shown.
    pub hidden: bool,
}

/// Collects lines that share an effect.
pub(super) struct Lines {
    effect: Effect,
    pub(super) all: Vec<Line>,
}

impl Lines {
    pub(super) fn new(effect: Effect) -> Lines {
        Lines { effect, all: Vec::new() }
    }

    pub(super) fn text(&mut self, key: &str, text: impl ToString) {
        let text = text.to_string();
        let text = if text.is_empty() { "\"\"".to_owned() } else { text };
        self.all.push(Line { key: key.to_owned(), text, effect: self.effect, hidden: false });
    }

    pub(super) fn time(&mut self, key: &str, duration: Duration) {
        self.text(key, shown(duration));
    }

    /// A word of an enum, or a list: as Rust shows it, in small letters.
    pub(super) fn word(&mut self, key: &str, value: impl Debug) {
        self.text(key, format!("{value:?}").to_ascii_lowercase());
    }

    pub(super) fn list(&mut self, key: &str, items: impl IntoIterator<Item = impl ToString>) {
        let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
        self.text(key, format!("[{}]", items.join(", ")));
    }

    pub(super) fn secret(&mut self, key: &str, secret: &Secret) {
        self.hidden(key, secret.reveal());
    }

    /// What may be compared and is not shown.
    fn hidden(&mut self, key: &str, text: &str) {
        let digest = Sha256::digest(text.as_bytes());
        let text = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.all.push(Line { key: key.to_owned(), text, effect: self.effect, hidden: true });
    }

    fn credentials(&mut self, key: &str, credentials: Option<&Credentials>) {
        let Some(credentials) = credentials else { return };
        self.text(&format!("{key}.user"), &credentials.user);
        self.text(&format!("{key}.realm"), &credentials.realm);
        self.secret(&format!("{key}.password"), &credentials.password);
    }

    fn numbers(&mut self, rules: &NumberRules) {
        self.text("numbers.country", &rules.country);
        self.text("numbers.national_prefix", &rules.national_prefix);
        self.text("numbers.international_prefix", &rules.international_prefix);
        self.text("numbers.tech_prefix_in", &rules.tech_prefix_in);
        self.text("numbers.tech_prefix_out", &rules.tech_prefix_out);
        self.word("numbers.format_out", rules.format_out);
    }

    fn media(&mut self, settings: &MediaSettings) {
        // Every field is written below; a new one does not compile until it is.
        let MediaSettings { route, recode, dtmf, detect_in_band, silent_after, silence_ends, learning, opus } =
            settings;
        let OpusWish { bits_per_second, complexity, forward_error_correction, discontinuous } = opus;
        self.word("media", route);
        self.text("recode", recode);
        self.word("dtmf", dtmf);
        self.text("dtmf_in_band", detect_in_band);
        self.time("rtp_timeout", silent_after.unwrap_or_default());
        self.text("rtp_timeout_ends", silence_ends);
        self.word("learning", learning);
        self.text("opus.bits_per_second", bits_per_second);
        self.text("opus.complexity", complexity);
        self.text("opus.fec", forward_error_correction);
        self.text("opus.dtx", discontinuous);
    }
}

impl Lines {
    fn outside(&mut self, outside: &OutsideSettings) {
        let OutsideSettings { webhooks, speech, recordings, log, keys } = outside;
        let WebhookSettings { allow, at_once } = webhooks;
        self.list("webhooks.allow", allow);
        self.text("webhooks.at_once", at_once);
        let SpeechSettings { engine, reads_ssml, folder, folder_bytes_max, timeout, at_once } = speech;
        match engine {
            SpeechEngine::None => {}
            SpeechEngine::Command(argv) => self.list("speech.command", argv),
            SpeechEngine::Url(url) => self.text("speech.url", url),
        }
        self.text("speech.reads_ssml", reads_ssml);
        self.text("speech.folder", folder.display());
        self.text("speech.folder_bytes_max", folder_bytes_max);
        self.time("speech.timeout", *timeout);
        self.text("speech.at_once", at_once);
        let RecordingSettings { folder } = recordings;
        self.text("recordings.folder", folder.display());
        self.text("flow_log.path", log.path.display());
        self.text("flow_log.rotate_bytes", log.rotate_bytes);
        self.text("flow_log.rotate_daily", log.rotate_daily);
        self.list("keys", keys.iter().map(|key| &key.name));
    }
}

impl Lines {
    fn control(&mut self, control: &ControlSettings) {
        let ControlSettings { socket, mode, web, tokens } = control;
        self.text("control.socket", socket.display());
        self.text("control.mode", format!("{mode:04o}"));
        if let Some(WebSettings { listen, files }) = web {
            self.text("control.listen", listen);
            self.text("control.certificate", files.certificate.display());
            self.text("control.key", files.key.display());
        }
        for Token { name, sha256, scopes } in &tokens.0 {
            self.text(
                &format!("control.tokens.{name}"),
                format!("{} {}", scopes.names().join(" "), read::short_hex(sha256)),
            );
        }
    }
}

pub fn daemon(daemon: &Daemon) -> Vec<Line> {
    // Every field is written below; a new one does not compile until it is.
    let Daemon {
        state_directory: _,
        worker_threads: _,
        ops_listen: _,
        control,
        events,
        log: _,
        journal: _,
        stall_max: _,
        transport: _,
        media,
        outside,
        store,
        numbers,
        prompts,
        softphone,
    } = daemon;
    let mut lines = Lines::new(Effect::Restart);
    lines.text("state_directory", daemon.state_directory.display());
    lines.text("worker_threads", daemon.worker_threads);
    lines.text("ops.listen", daemon.ops_listen.map_or("off".to_owned(), |address| address.to_string()));
    lines.control(control);
    let EventSettings { folder, bytes_max } = events;
    lines.text("events.folder", folder.display());
    lines.text("events.bytes", bytes_max);
    lines.word("log.format", daemon.log.format);
    lines.text("journal.path", daemon.journal.path.display());
    lines.text("journal.rotate_bytes", daemon.journal.rotate_bytes);
    lines.text("journal.rotate_daily", daemon.journal.rotate_daily);
    lines.time("watchdog.stall_max", daemon.stall_max);
    let WorkerSettings { workers, pin, ports, reuse_delay, dscp } = media;
    lines.text("media.workers", workers);
    lines.list("media.pin", pin);
    lines.text("media.ports", format!("{}-{}", ports.start(), ports.end()));
    lines.time("media.reuse_delay", *reuse_delay);
    lines.text("media.dscp", dscp);
    lines.text("store.path", store.display());
    lines.all.extend(self::numbers(numbers));
    lines.all.extend(self::transport(&daemon.transport));
    lines.outside(outside);
    lines.all.extend(written_softphone::softphone(softphone));
    lines.effect = Effect::AtOnce;
    lines.text("log.level", &daemon.log.level);
    lines.effect = Effect::NewCalls;
    let PromptSettings { folder, is_required: _ } = prompts;
    lines.text("prompts.folder", folder.display());
    lines.all
}

fn transport(transport: &TransportLimits) -> Vec<Line> {
    let TransportLimits {
        connections_max: _,
        connections_per_source: _,
        half_open_max: _,
        idle: _,
        first_message: _,
        connect: _,
        ping: _,
        write: _,
    } = transport;
    let mut lines = Lines::new(Effect::Restart);
    lines.text("transport.connections_max", transport.connections_max);
    lines.text("transport.connections_per_source", transport.connections_per_source);
    lines.text("transport.half_open_max", transport.half_open_max);
    lines.time("transport.idle", transport.idle);
    lines.time("transport.first_message", transport.first_message);
    lines.time("transport.connect", transport.connect);
    lines.time("transport.ping", transport.ping);
    lines.time("transport.write", transport.write);
    lines.all
}

/// They count from the next order on.
fn numbers(terms: &Terms) -> Vec<Line> {
    let Terms { quota, churn_percent, churn_window, cool_down, retry_after, did_capacity } = terms;
    let mut lines = Lines::new(Effect::AtOnce);
    lines.text("numbers.quota", quota);
    lines.text("numbers.churn_percent", churn_percent);
    lines.time("numbers.churn_window", *churn_window);
    lines.time("numbers.cool_down", *cool_down);
    lines.time("numbers.retry_after", *retry_after);
    lines.text("numbers.did_capacity", did_capacity);
    lines.all
}

pub fn admission(policy: &AdmissionPolicy) -> Vec<Line> {
    // Every field is written below; a new one does not compile until it is.
    let AdmissionPolicy {
        calls_max: _,
        calls_per_second: _,
        burst: _,
        lateness_max: _,
        unknown_per_second: _,
        failures_per_minute: _,
        ban: _,
        retry_after: _,
        drain: _,
        strangers: _,
    } = policy;
    let mut lines = Lines::new(Effect::AtOnce);
    lines.text("calls_max", policy.calls_max);
    lines.text("calls_per_second", policy.calls_per_second);
    lines.text("burst", policy.burst);
    lines.time("lateness_max", policy.lateness_max);
    lines.text("unknown_per_second", policy.unknown_per_second);
    lines.text("failures_per_minute", policy.failures_per_minute);
    lines.time("ban", policy.ban);
    lines.text("retry_after", policy.retry_after);
    lines.time("drain", policy.drain);
    lines.word("strangers", policy.strangers);
    lines.all
}

pub fn profile(profile: &Profile) -> Vec<Line> {
    // Every field is written below; a new one does not compile until it is.
    let Profile {
        name: _,
        listeners: _,
        realm: _,
        product: _,
        timers: _,
        session_timer: _,
        reliable: _,
        digest: _,
        media_bind: _,
        media_address: _,
    } = profile;
    let mut lines = Lines::new(Effect::NewCalls);
    lines.text("realm", &profile.realm);
    lines.text("product", &profile.product);
    lines.time("timers.t1", profile.timers.t1);
    lines.time("timers.t2", profile.timers.t2);
    lines.time("timers.t4", profile.timers.t4);
    lines.text("session_timer.enabled", profile.session_timer.enabled);
    lines.time("session_timer.expires", profile.session_timer.expires);
    lines.time("session_timer.min", profile.session_timer.min);
    lines.word("reliable", profile.reliable);
    lines.word("digest", profile.digest);
    lines.text("media_bind", profile.media_bind.map_or("the listener's".to_owned(), |address| address.to_string()));
    lines.text("media_address", profile.media_address.map_or("the listener's".to_owned(), |own| own.to_string()));
    lines.all
}

pub fn listener(listener: &Listener) -> Vec<Line> {
    // Every field is written below; a new one does not compile until it is.
    let Listener { id: _, transport: _, bind: _, advertised_host: _, advertised_port: _, tls: _, origins: _ } =
        listener;
    let mut lines = Lines::new(Effect::NewConnections);
    if let Some(tls) = &listener.tls {
        lines.text("certificate", tls.certificate.display());
        lines.text("key", tls.key.display());
        if let Some(authorities) = &tls.client_authorities {
            lines.text("client_authorities", authorities.display());
        }
    }
    lines.list("origins", &listener.origins);
    lines.effect = Effect::NewCalls;
    lines.text("advertise", format!("{}:{}", listener.advertised_host, listener.advertised_port));
    lines.all
}

pub fn trunk(trunk: &Trunk, profiles: &Profiles) -> Vec<Line> {
    // Every field is written below; a new one does not compile until it is.
    let Trunk {
        name: _,
        profile: _,
        networks: _,
        tls_names: _,
        tls_authorities: _,
        inbound_digest: _,
        targets: _,
        outbound_digest: _,
        registration: _,
        limits: _,
        health: _,
        failover: _,
        numbers: _,
        headers: _,
        codecs: _,
        trusted: _,
        srtp: _,
        media: _,
        large_by_tcp: _,
        replaces: _,
        ring_timeout: _,
        max_duration: _,
    } = trunk;
    let mut lines = Lines::new(Effect::NewCalls);
    lines.text("profile", &trunk.profile);
    lines.list("networks", trunk.networks.iter().map(|network| format!("{}/{}", network.address, network.bits)));
    lines.list("tls_names", &trunk.tls_names);
    lines.credentials("inbound_digest", trunk.inbound_digest.as_ref());
    lines.credentials("outbound_digest", trunk.outbound_digest.as_ref());
    lines.list("target", trunk.targets.iter().map(|one| target(one, profiles)));
    lines.text("limits.calls_max", trunk.limits.calls_max);
    lines.text("limits.calls_per_second", trunk.limits.calls_per_second);
    lines.text("limits.burst", trunk.limits.burst);
    lines.list("failover.codes", &trunk.failover.codes);
    lines.time("failover.no_response", trunk.failover.no_response);
    lines.numbers(&trunk.numbers);
    lines.list("headers.pass_out", &trunk.headers.pass_out);
    lines.list("headers.pass_in", &trunk.headers.pass_in);
    lines.list("headers.set", trunk.headers.set.iter().map(|(name, value)| format!("{name}: {value}")));
    lines.list("headers.remove", &trunk.headers.remove);
    lines.list("codecs", &trunk.codecs);
    lines.text("trusted", trunk.trusted);
    lines.word("srtp", trunk.srtp);
    lines.media(&trunk.media);
    lines.text("large_by_tcp", trunk.large_by_tcp);
    lines.text("replaces", trunk.replaces);
    lines.time("ring_timeout", trunk.ring_timeout);
    lines.time("max_duration", trunk.max_duration);
    lines.effect = Effect::NewConnections;
    if let Some(authorities) = &trunk.tls_authorities {
        lines.text("tls_authorities", authorities.display());
    }
    lines.effect = Effect::AtOnce;
    health_and_registration(&mut lines, trunk);
    lines.all
}

fn health_and_registration(lines: &mut Lines, trunk: &Trunk) {
    lines.time("health.options_every", trunk.health.options_every);
    lines.text("health.failures_max", trunk.health.failures_max);
    lines.time("health.retry_every", trunk.health.retry_every);
    if let Some(registration) = &trunk.registration {
        lines.text("registration.user", &registration.user);
        lines.text("registration.domain", &registration.domain);
        lines.time("registration.expires", registration.expires);
        lines.time("registration.retry_min", registration.retry_min);
        lines.time("registration.retry_max", registration.retry_max);
    }
}

/// The listener by its address, because its number may change without anything changing.
fn target(target: &TrunkTarget, profiles: &Profiles) -> String {
    let host = if target.host.contains(':') { format!("[{}]", target.host) } else { target.host.to_string() };
    let port = target.port.map(|port| format!(":{port}")).unwrap_or_default();
    let transport = target.transport.map(|transport| format!(" {}", transport.name())).unwrap_or_default();
    let name = target.tls_name.as_ref().map(|name| format!(" as {name}")).unwrap_or_default();
    let from = profiles.listener(target.listener).map(|(_, listener)| format!(" from {}", listener.bind));
    let order = format!(" priority {} weight {}", target.priority, target.weight);
    format!("{host}{port}{transport}{name}{}{order}", from.unwrap_or_default())
}

pub fn phone(phone: &Phone) -> Vec<Line> {
    // Every field is written below; a new one does not compile until it is.
    let Phone {
        name: _,
        profile: _,
        digest: _,
        display: _,
        caller_number: _,
        numbers: _,
        contacts_max: _,
        expires_min: _,
        expires_max: _,
        codecs: _,
        srtp: _,
        media: _,
        calls_max: _,
        max_duration: _,
    } = phone;
    let mut lines = Lines::new(Effect::NewCalls);
    lines.text("profile", &phone.profile);
    lines.credentials("digest", Some(&phone.digest));
    lines.text("display", &phone.display);
    lines.text("caller_number", &phone.caller_number);
    lines.numbers(&phone.numbers);
    lines.list("codecs", &phone.codecs);
    lines.word("srtp", phone.srtp);
    lines.media(&phone.media);
    lines.text("calls_max", phone.calls_max);
    lines.time("max_duration", phone.max_duration);
    lines.effect = Effect::AtOnce;
    lines.text("contacts_max", phone.contacts_max);
    lines.time("expires_min", phone.expires_min);
    lines.time("expires_max", phone.expires_max);
    lines.all
}

pub fn rules(plan: &Dialplan) -> Vec<(String, Vec<Line>)> {
    let rules = plan.rules.iter().map(|rule| {
        let mut lines = Lines::new(Effect::NewCalls);
        lines.list("from", &rule.from);
        lines.text("number", crate::edge::config::cross::pattern(&rule.pattern));
        lines.list("countries", &rule.countries);
        lines.list("kinds", &rule.kinds);
        let during =
            rule.hours.as_ref().map(|during| format!("{}{}", if during.open { "" } else { "not:" }, during.hours));
        lines.text("hours", during.as_deref().unwrap_or("any time"));
        lines.list("to", rule.to.iter().map(destination));
        lines.text("ring_timeout", rule.ring_timeout.map_or("default".to_owned(), shown));
        (rule.name.to_string(), lines.all)
    });
    rules.collect()
}

fn destination(destination: &Destination) -> String {
    match destination {
        Destination::Trunk(name) => format!("trunk:{name}"),
        Destination::TrunkGroup(name) => format!("trunk-group:{name}"),
        Destination::Phone(name) => format!("phone:{name}"),
        Destination::Group(name) => format!("group:{name}"),
        Destination::Flow(name) => format!("flow:{name}"),
        Destination::Queue(name) => format!("queue:{name}"),
        Destination::Engine(name) => format!("engine:{name}"),
        Destination::Reject(cause) => format!("reject:{}", cause.name()),
    }
}

/// Each flow by what its file says. A running call keeps its own.
pub fn flows(flows: &Flows) -> Vec<(String, Vec<Line>)> {
    let all = flows.iter().map(|flow| {
        let mut lines = Lines::new(Effect::NewCalls);
        lines.text("kind", flow.kind.name());
        lines.text("version", &flow.version);
        (flow.name.to_string(), lines.all)
    });
    all.collect()
}

/// Each set of hours. They count from the next question on, also of running calls.
pub fn hours(book: &HoursBook) -> Vec<(String, Vec<Line>)> {
    let sets = book.iter().map(|hours| {
        let Hours { name, zone, week, holidays, exceptions } = hours.as_ref();
        let mut lines = Lines::new(Effect::NewCalls);
        lines.text("zone", zone.iana_name().unwrap_or("unknown"));
        let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        for (day, ranges) in days.into_iter().zip(week) {
            lines.list(day, ranges);
        }
        lines.list("holidays", holidays.iter().map(|one| format!("{} {}", one.from.date(), one.name)));
        // What the short form leaves out still has to be noticed.
        lines.hidden("holidays in full", &format!("{holidays:?}"));
        let exception = |one: &Exception| {
            let open: Vec<String> = one.open.iter().map(ToString::to_string).collect();
            format!("{} to {}: {} ({})", one.first, one.last, open.join(" "), one.reason)
        };
        lines.list("exceptions", exceptions.iter().map(exception));
        (name.to_string(), lines.all)
    });
    sets.collect()
}

pub fn groups(plan: &Dialplan) -> Vec<(String, Vec<Line>)> {
    let groups = plan.groups.iter().map(|group| {
        let mut lines = Lines::new(Effect::NewCalls);
        lines.list("phones", &group.phones);
        lines.text("together", group.together);
        lines.time("ring_timeout", group.ring_timeout);
        (group.name.to_string(), lines.all)
    });
    groups.collect()
}

pub fn trunk_groups(plan: &Dialplan) -> Vec<(String, Vec<Line>)> {
    let groups = plan.trunk_groups.iter().map(|group| {
        let mut lines = Lines::new(Effect::NewCalls);
        let members = group.members.iter();
        lines.list(
            "member",
            members.map(|one| format!("{} priority {} weight {}", one.trunk, one.priority, one.weight)),
        );
        lines.text("by_price", group.by_price);
        (group.name.to_string(), lines.all)
    });
    groups.collect()
}

pub fn emergency(plan: &Dialplan) -> Vec<(String, Vec<Line>)> {
    let all = plan.emergency.iter().map(|one| {
        let mut lines = Lines::new(Effect::NewCalls);
        lines.list("to", one.to.iter().map(destination));
        (one.digits.to_string(), lines.all)
    });
    all.collect()
}
