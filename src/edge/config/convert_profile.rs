//! `[profile]` and `[[listener]]` of a file in `sip-profiles/`.

use crate::domain::profile::{DigestPolicy, Listener, Profile, ReliablePolicy, SessionTimerPolicy, Timers, TlsFiles};
use crate::edge::config::certificates;
use crate::edge::config::convert_media;
use crate::edge::config::fields::{Fields, printable};
use crate::edge::config::place::Place;
use crate::edge::config::shared;
use crate::protocol::sip::path::{ListenerId, Transport};
use std::net::SocketAddr;
use std::time::Duration;

const TRANSPORTS: &[(&str, Transport)] = &[
    ("udp", Transport::Udp),
    ("tcp", Transport::Tcp),
    ("tls", Transport::Tls),
    ("ws", Transport::Ws),
    ("wss", Transport::Wss),
];
const DIGEST: &[(&str, DigestPolicy)] =
    &[("both", DigestPolicy::Both), ("sha-256", DigestPolicy::Sha256), ("md5", DigestPolicy::Md5)];
const RELIABLE: &[(&str, ReliablePolicy)] =
    &[("off", ReliablePolicy::Off), ("supported", ReliablePolicy::Supported), ("required", ReliablePolicy::Required)];

/// A listener, and what its trunks call it.
pub struct NamedListener {
    pub name: String,
    pub at: Place,
    pub path: String,
    pub listener: Listener,
}

/// `[profile]` without its listeners, and whether it is switched on.
pub fn profile(fields: Fields<'_>, file_stem: &str) -> (Profile, bool, Place) {
    let name = if fields.has("name") {
        shared::name(&fields).map(|item| item.text)
    } else {
        fields.text("name", "the file's name without `.toml`");
        None
    };
    let enabled = fields.flag("enabled", true);
    let realm = fields.text_or("realm", "offhook");
    if realm.is_empty() || realm.contains(['"', '\\']) || realm.len() > 255 {
        fields.error("realm", format!("`{}` is no realm: 1 to 255 characters, no quotes", printable(&realm)), None);
    }
    let product = fields.text_or("product", "Offhook");
    if !product.is_ascii() || product.len() > 128 {
        fields.error("product", "may hold up to 128 ASCII characters", None);
    }
    let profile = Profile {
        name: name.unwrap_or_else(|| file_stem.to_owned()).into(),
        listeners: Vec::new(),
        realm: realm.into(),
        product: product.into(),
        timers: timers(fields.table("timers")),
        session_timer: session_timer(fields.table("session_timer")),
        reliable: fields.choice("reliable", RELIABLE, ReliablePolicy::Supported),
        digest: fields.choice("digest", DIGEST, DigestPolicy::Both),
        media_bind: convert_media::address(&fields, "media_bind", "the address of the listener's `bind`"),
        media_address: convert_media::address(
            &fields,
            "media_address",
            "the listener's `advertise` where that is an address, else `media_bind`",
        ),
    };
    let at = fields.place("name");
    fields.finish();
    (profile, enabled, at)
}

fn timers(fields: Fields<'_>) -> Timers {
    let own = Timers::default();
    let range = |low: u64, high: u64| Duration::from_millis(low)..=Duration::from_millis(high);
    let timers = Timers {
        t1: fields.duration("t1", own.t1, range(50, 10_000)),
        t2: fields.duration("t2", own.t2, range(100, 60_000)),
        t4: fields.duration("t4", own.t4, range(100, 60_000)),
    };
    if timers.t2 < timers.t1 {
        fields.error("t2", "t2 must not be shorter than t1 (RFC 3261 17.1.2.1)", None);
    }
    fields.finish();
    timers
}

fn session_timer(fields: Fields<'_>) -> SessionTimerPolicy {
    let day = Duration::from_secs(86_400);
    // RFC 4028 section 4 and 5: 1800 s are recommended, less than 90 s are not allowed.
    let least = Duration::from_secs(90);
    let policy = SessionTimerPolicy {
        enabled: fields.flag("enabled", true),
        expires: fields.duration("expires", Duration::from_secs(1_800), least..=day),
        min: fields.duration("min", least, least..=day),
    };
    if policy.min > policy.expires {
        fields.error("min", "`min` must not be longer than `expires`", None);
    }
    fields.finish();
    policy
}

/// One `[[listener]]`. Its number is given later, when all files are read.
pub fn listener(fields: Fields<'_>) -> Option<NamedListener> {
    if !fields.has("transport") {
        fields.missing("transport");
    }
    let transport = fields.choice_opt("transport", TRANSPORTS, "required");
    let bind = bind(&fields);
    let name = fields.text("name", "the transport's name").map(|item| item.text);
    let advertised = advertised(&fields, bind);
    let tls = tls(&fields, transport);
    let origins: Vec<Box<str>> = origins(&fields, transport);
    let (at, path) = (fields.place("bind"), fields.path("bind"));
    fields.finish();
    let (transport, bind) = (transport?, bind?);
    let (advertised_host, advertised_port) = advertised?;
    let listener = Listener { id: ListenerId(0), transport, bind, advertised_host, advertised_port, tls, origins };
    Some(NamedListener { name: name.unwrap_or_else(|| transport.name().to_owned()), at, path, listener })
}

fn bind(fields: &Fields<'_>) -> Option<SocketAddr> {
    let written = fields.required("bind")?;
    let address = written.text.parse().ok();
    if address.is_none() {
        let problem = format!("`{}` is no address and port", printable(&written.text));
        fields.error(
            "bind",
            problem,
            Some("write one such as \"192.0.2.1:5060\" or \"[2001:db8::1]:5060\"".to_owned()),
        );
    }
    address
}

/// What we call ourselves in Via and Contact: `host`, `host:port`, `[v6]` or `[v6]:port`.
fn advertised(fields: &Fields<'_>, bind: Option<SocketAddr>) -> Option<(Box<str>, u16)> {
    let written = fields.text("advertise", "the address of `bind`");
    let Some(written) = written else {
        let bind = bind?;
        if bind.ip().is_unspecified() {
            let problem = format!("`bind` {} is no address that a peer could answer to", bind.ip());
            let meant = "add `advertise` with the address or name by which peers reach this listener";
            fields.error("bind", problem, Some(meant.to_owned()));
        }
        return Some((bracketed(bind.ip()), bind.port()));
    };
    let parsed = split_host_port(&written.text);
    if parsed.is_none() {
        let problem = format!("`{}` is no host, and no host and port", printable(&written.text));
        fields.error(
            "advertise",
            problem,
            Some("write one such as \"sip.example.com\" or \"192.0.2.1:5060\"".to_owned()),
        );
    }
    let (host, port) = parsed?;
    let host = host.parse().map_or_else(|_| host.into(), bracketed);
    Some((host, port.unwrap_or_else(|| bind.map_or(0, |bind| bind.port()))))
}

fn bracketed(address: std::net::IpAddr) -> Box<str> {
    if address.is_ipv6() { format!("[{address}]").into() } else { address.to_string().into() }
}

/// Host without brackets, and a port if there is one.
fn split_host_port(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        (host, rest.strip_prefix(':').or(rest.is_empty().then_some(""))?)
    } else if text.parse::<std::net::Ipv6Addr>().is_ok() {
        (text, "")
    } else {
        text.split_once(':').unwrap_or((text, ""))
    };
    let port = if port.is_empty() { None } else { Some(port.parse().ok().filter(|port| *port > 0)?) };
    (shared::is_host(host) && !text.ends_with(':')).then_some((host, port))
}

fn tls(fields: &Fields<'_>, transport: Option<Transport>) -> Option<TlsFiles> {
    let reading = fields.reading;
    let certificate = fields.text("certificate", "required for `tls` and `wss`");
    let key = fields.text("key", "required for `tls` and `wss`");
    let authorities = fields.text("client_authorities", "none: clients need no certificate");
    let secure = transport.is_some_and(Transport::is_secure);
    if !secure {
        for given in ["certificate", "key", "client_authorities"].into_iter().filter(|given| fields.has(given)) {
            let named = transport.map_or("this transport", Transport::name);
            fields.error(given, format!("{named} uses no certificate"), Some("set `transport = \"tls\"`".to_owned()));
        }
        return None;
    }
    for (name, given) in [("certificate", &certificate), ("key", &key)] {
        if given.is_none() && !fields.has(name) {
            fields.missing(name);
        }
    }
    let (certificate, key) = (certificate?, key?);
    certificates::check_pair(reading, &certificate, &key);
    if let Some(authorities) = &authorities {
        certificates::check_authorities(reading, authorities);
    }
    Some(TlsFiles {
        certificate: reading.path(&certificate.text),
        key: reading.path(&key.text),
        client_authorities: authorities.map(|item| reading.path(&item.text)),
    })
}

fn origins(fields: &Fields<'_>, transport: Option<Transport>) -> Vec<Box<str>> {
    let origins = fields.texts("origins", "empty: every origin");
    let websocket = matches!(transport, Some(Transport::Ws | Transport::Wss));
    if !origins.is_empty() && !websocket {
        fields.error(
            "origins",
            "only WebSocket clients have an origin",
            Some("set `transport = \"ws\"` or \"wss\"".to_owned()),
        );
    }
    for origin in &origins {
        let rest = origin.text.strip_prefix("https://").or(origin.text.strip_prefix("http://"));
        if rest.is_none_or(|rest| rest.is_empty() || rest.contains('/')) {
            let problem = format!("`{}` is no origin", printable(&origin.text));
            let meant = Some("write scheme and host, such as \"https://phone.example.com\"".to_owned());
            fields.reading.error(origin.at, &origin.path, problem, meant);
        }
    }
    origins.into_iter().map(|item| item.text.into()).collect()
}
