//! `[[trunk]]` of a file in `sip-profiles/`.

use crate::domain::trunk::crossing;
use crate::domain::trunk::media::MediaSettings;
use crate::domain::trunk::settings::{
    FailoverPolicy, HeaderRules, HealthPolicy, Network, Registration, SrtpPolicy, Trunk, TrunkLimits, TrunkTarget,
};
use crate::edge::config::certificates;
use crate::edge::config::convert_media;
use crate::edge::config::convert_profile::NamedListener;
use crate::edge::config::fields::{Fields, printable};
use crate::edge::config::reading::Item;
use crate::edge::config::shared;
use crate::edge::config::suggest;
use crate::protocol::sip::path::{ListenerId, Transport};
use std::net::IpAddr;
use std::time::Duration;

const TRANSPORTS: &[(&str, Transport)] = &[("udp", Transport::Udp), ("tcp", Transport::Tcp), ("tls", Transport::Tls)];

/// Headers that the call core writes itself: a rule for one of them could only break a dialog.
const OWN_HEADERS: &[&str] = &[
    "Via",
    "From",
    "To",
    "Call-ID",
    "CSeq",
    "Contact",
    "Route",
    "Record-Route",
    "Max-Forwards",
    "Content-Length",
    "Content-Type",
    "Require",
    "Proxy-Require",
    "Supported",
    "Authorization",
    "Proxy-Authorization",
    "Session-Expires",
    "RAck",
    "RSeq",
];

/// A trunk, what it is called, and where its networks stand.
pub struct NamedTrunk {
    pub name: Item,
    pub trunk: Option<Trunk>,
    pub networks: Vec<(Network, Item)>,
}

/// The listeners that a profile's trunks may send from.
pub struct Senders<'a> {
    pub profile: &'a str,
    pub listeners: &'a [NamedListener],
    /// A listener could not be read, so that a missing one proves nothing.
    pub incomplete: bool,
}

pub fn trunk(fields: Fields<'_>, senders: &Senders<'_>) -> Option<NamedTrunk> {
    let name = shared::name(&fields);
    let networks = networks(&fields);
    let targets = targets(&fields, senders);
    let (inbound_digest, inbound_given) = credentials(&fields, "inbound_digest");
    let (outbound_digest, _) = credentials(&fields, "outbound_digest");
    let trunk = Trunk {
        name: name.as_ref().map_or("", |name| name.text.as_str()).into(),
        profile: senders.profile.into(),
        networks: networks.iter().map(|(network, _)| *network).collect(),
        tls_names: tls_names(&fields),
        inbound_digest,
        targets,
        outbound_digest,
        registration: registration(&fields),
        limits: limits(fields.table("limits")),
        health: health(fields.table("health")),
        failover: failover(fields.table("failover")),
        numbers: shared::numbers(fields.table("numbers")),
        headers: headers(fields.table("headers")),
        codecs: shared::codecs(&fields),
        trusted: fields.flag("trusted", false),
        srtp: fields.choice("srtp", shared::SRTP, SrtpPolicy::Plain),
        media: convert_media::of_trunk(&fields, MediaSettings::of_trunk()),
        large_by_tcp: fields.flag("large_by_tcp", true),
        replaces: fields.flag("replaces", false),
        ring_timeout: fields.duration("ring_timeout", Duration::from_secs(120), seconds(1, 600)),
        max_duration: fields.duration("max_duration", Duration::from_secs(14_400), seconds(1, 604_800)),
        tls_authorities: authorities(&fields),
    };
    check_purpose(&fields, &trunk, inbound_given);
    fields.finish();
    Some(NamedTrunk { name: name?, trunk: Some(trunk), networks })
}

fn seconds(low: u64, high: u64) -> std::ops::RangeInclusive<Duration> {
    Duration::from_secs(low)..=Duration::from_secs(high)
}

/// A trunk that can be neither recognised nor reached is a mistake; so is a registration without a way there.
fn check_purpose(fields: &Fields<'_>, trunk: &Trunk, inbound_given: bool) {
    let given = ["networks", "tls_names", "target", "registration"].iter().any(|key| fields.has(key)) || inbound_given;
    if !given {
        let meant = "add `networks`, `tls_names` or `inbound_digest` to recognise it, or [[trunk.target]] to reach it";
        fields.error("name", "this trunk can be neither recognised nor reached", Some(meant.to_owned()));
    }
    if fields.has("registration") && !fields.has("target") {
        let meant = Some("add [[trunk.target]] with the registrar's `host`".to_owned());
        fields.error("registration", "there is no target to register with", meant);
    }
    if trunk.registration.is_some() && !fields.has("outbound_digest") {
        let meant = Some("add `outbound_digest` with the carrier's user and password".to_owned());
        fields.warning("registration", "a registration without credentials is seldom accepted", meant);
    }
}

fn credentials(fields: &Fields<'_>, key: &'static str) -> (Option<crate::domain::trunk::settings::Credentials>, bool) {
    let table = fields.table_opt(key);
    let given = table.is_some();
    (table.and_then(shared::credentials), given)
}

fn authorities(fields: &Fields<'_>) -> Option<std::path::PathBuf> {
    let item = fields.text("tls_authorities", "the system's authorities")?;
    certificates::check_authorities(fields.reading, &item);
    Some(fields.reading.path(&item.text))
}

fn networks(fields: &Fields<'_>) -> Vec<(Network, Item)> {
    let mut networks = Vec::new();
    for item in fields.texts("networks", "empty") {
        match parse_network(&item.text) {
            Ok(network) => networks.push((network, item)),
            Err((problem, meant)) => fields.reading.error(item.at, &item.path, problem, meant),
        }
    }
    networks
}

/// `192.0.2.0/24`, or an address alone.
fn parse_network(text: &str) -> Result<Network, (String, Option<String>)> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let shown = printable(text);
    let example = || Some("write one such as \"192.0.2.0/24\" or \"2001:db8::/32\"".to_owned());
    let address: IpAddr = address.parse().map_err(|_| (format!("`{shown}` is no network"), example()))?;
    let width: u8 = if address.is_ipv4() { 32 } else { 128 };
    let bits = match bits {
        None => width,
        Some(bits) => {
            let bits = bits.parse().ok().filter(|bits| *bits <= width);
            bits.ok_or_else(|| (format!("`{shown}`: the prefix must be from 0 to {width}"), None))?
        }
    };
    let first = first_address(address, bits);
    if first != address {
        let problem = format!("`{shown}` has bits behind its prefix");
        return Err((problem, Some(format!("write \"{first}/{bits}\" or \"{address}/{width}\""))));
    }
    Ok(Network { address, bits })
}

fn first_address(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            IpAddr::V4((address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            IpAddr::V6((address.to_bits() & mask).into())
        }
    }
}

fn tls_names(fields: &Fields<'_>) -> Vec<Box<str>> {
    let mut names = Vec::new();
    for item in fields.texts("tls_names", "empty") {
        let host = item.text.strip_prefix("sip:").unwrap_or(&item.text);
        if !shared::is_host(host) {
            let problem = format!("`{}` is no certificate name", printable(&item.text));
            fields.reading.error(item.at, &item.path, problem, None);
        }
        names.push(item.text.into());
    }
    names
}

fn targets(fields: &Fields<'_>, senders: &Senders<'_>) -> Vec<TrunkTarget> {
    let mut targets: Vec<TrunkTarget> =
        fields.tables("target").into_iter().filter_map(|one| target(one, senders)).collect();
    targets.sort_by_key(|target| target.priority);
    targets
}

fn target(fields: Fields<'_>, senders: &Senders<'_>) -> Option<TrunkTarget> {
    let host = host(&fields, "host");
    let port = fields.integer_opt("port", "by DNS (RFC 3263), or the transport's own", 1..=u16::MAX);
    let transport = fields.choice_opt("transport", TRANSPORTS, "by DNS, or the listener's");
    let wanted = fields.text("listener", "the profile's first that fits");
    let priority = fields.integer("priority", 1, 0..=u16::MAX);
    let weight = fields.integer("weight", 1, 0..=u16::MAX);
    let tls_name = fields.text("tls_name", "the host").map(|item| item.text);
    if tls_name.as_ref().is_some_and(|name| !shared::is_host(name)) {
        fields.error("tls_name", "this is no certificate name", None);
    }
    let named = wanted.is_some();
    let sender = sender(&fields, senders, wanted, (transport, host.as_deref()));
    fields.finish();
    let (host, (listener, listener_transport)) = (host?, sender?);
    let is_address = host.parse::<IpAddr>().is_ok();
    let transport = transport.or(if is_address || named { listener_transport } else { None });
    let tls_name = tls_name.map(Into::into);
    Some(TrunkTarget { host: host.into(), port, transport, priority, weight, listener, tls_name })
}

/// A host name or address; brackets around IPv6 are forgiven.
fn host(fields: &Fields<'_>, key: &'static str) -> Option<String> {
    let item = fields.required(key)?;
    let bare = item.text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&item.text);
    if shared::is_host(bare) {
        return Some(bare.to_owned());
    }
    let meant = bare.rsplit_once(':').filter(|(host, port)| shared::is_host(host) && port.parse::<u16>().is_ok());
    let meant = meant.map(|(host, port)| format!("write {key} = \"{host}\" and port = {port}"));
    fields.error(key, format!("`{}` is no host name and no address", printable(&item.text)), meant);
    None
}

/// The listener from which requests to a target leave, and its transport where one was named.
fn sender(
    fields: &Fields<'_>,
    senders: &Senders<'_>,
    wanted: Option<Item>,
    (transport, host): (Option<Transport>, Option<&str>),
) -> Option<(ListenerId, Option<Transport>)> {
    let address = host.and_then(|host| host.parse::<IpAddr>().ok());
    if let Some(wanted) = wanted {
        let Some(found) = senders.listeners.iter().find(|one| one.name == wanted.text) else {
            let names = senders.listeners.iter().map(|one| one.name.as_str());
            let meant = suggest::did_you_mean(&wanted.text, names, "listeners of this profile");
            if !senders.incomplete {
                fields.error("listener", format!("no listener is named `{}`", printable(&wanted.text)), meant);
            }
            return None;
        };
        if transport.is_some_and(|transport| transport != found.listener.transport) {
            let problem = format!("listener `{}` is {}", found.name, found.listener.transport.name());
            fields.error("transport", problem, Some("leave `transport` out, or name another listener".to_owned()));
        }
        if address.is_some_and(|address| address.is_ipv4() != found.listener.bind.is_ipv4()) {
            let problem = format!("listener `{}` is of the other address family", found.name);
            fields.error("listener", problem, None);
        }
        return Some((found.listener.id, Some(found.listener.transport)));
    }
    let fits = |one: &&NamedListener| {
        transport.is_none_or(|transport| transport == one.listener.transport)
            && !matches!(one.listener.transport, Transport::Ws | Transport::Wss)
            && address.is_none_or(|address| address.is_ipv4() == one.listener.bind.is_ipv4())
    };
    let found = senders.listeners.iter().find(fits);
    if found.is_none() && !senders.incomplete && (host.is_some() || transport.is_some()) {
        let words = transport.map_or("udp, tcp or tls", Transport::name);
        let family = address.map_or("", |address| if address.is_ipv4() { " over IPv4" } else { " over IPv6" });
        let problem = format!("the profile has no listener for {words}{family}");
        fields.error(
            if transport.is_some() { "transport" } else { "host" },
            problem,
            Some("add a [[listener]]".to_owned()),
        );
    }
    found.map(|one| (one.listener.id, Some(one.listener.transport)))
}

fn registration(fields: &Fields<'_>) -> Option<Registration> {
    let fields = fields.table_opt("registration")?;
    let user = fields.required("user");
    let domain = host(&fields, "domain");
    let registration = Registration {
        user: user.map(|item| item.text).unwrap_or_default().into(),
        domain: domain.unwrap_or_default().into(),
        expires: fields.duration("expires", Duration::from_secs(3_600), seconds(30, 86_400)),
        retry_min: fields.duration("retry_min", Duration::from_secs(5), seconds(1, 3_600)),
        retry_max: fields.duration("retry_max", Duration::from_secs(600), seconds(1, 86_400)),
    };
    if registration.retry_max < registration.retry_min {
        fields.error("retry_max", "`retry_max` must not be shorter than `retry_min`", None);
    }
    fields.finish();
    (!registration.user.is_empty() && !registration.domain.is_empty()).then_some(registration)
}

fn limits(fields: Fields<'_>) -> TrunkLimits {
    let limits = TrunkLimits {
        calls_max: fields.integer("calls_max", 100, 0..=1_000_000),
        calls_per_second: fields.number("calls_per_second", 20.0, 0.0..=100_000.0),
        burst: fields.number("burst", 40.0, 0.0..=100_000.0),
    };
    fields.finish();
    limits
}

fn health(fields: Fields<'_>) -> HealthPolicy {
    let policy = HealthPolicy {
        options_every: fields.duration("options_every", Duration::from_secs(60), seconds(0, 86_400)),
        failures_max: fields.integer("failures_max", 3, 1..=1_000),
        retry_every: fields.duration("retry_every", Duration::from_secs(30), seconds(1, 86_400)),
    };
    fields.finish();
    policy
}

fn failover(fields: Fields<'_>) -> FailoverPolicy {
    let mut codes = Vec::new();
    let written = fields.integers("codes", "`[408, 500, 502, 503, 504]`");
    for item in &written {
        match item.text.parse::<u16>() {
            Ok(code @ 300..=599) => codes.push(code),
            Ok(600..=699) => {
                let problem = format!(
                    "{} speaks for all places of the callee: nothing else may be tried (RFC 3261 21.6)",
                    item.text
                );
                fields.reading.error(item.at, &item.path, problem, None);
            }
            _ => {
                let problem = format!("`{}` is no final response from 300 to 599", printable(&item.text));
                fields.reading.error(item.at, &item.path, problem, None);
            }
        }
    }
    if !fields.has("codes") {
        codes = vec![408, 500, 502, 503, 504];
    }
    let no_response =
        fields.duration("no_response", Duration::from_secs(4), Duration::from_millis(500)..=Duration::from_secs(32));
    fields.finish();
    FailoverPolicy { codes, no_response }
}

fn headers(fields: Fields<'_>) -> HeaderRules {
    let mut set = Vec::new();
    for (name, value) in fields.pairs("set") {
        if header_name(&fields, &name) && is_ours_to_rule(&fields, &name, crossing::is_protected(&name.text)) {
            set.push((name.text.into(), value.text.into()));
        }
    }
    let rules = HeaderRules {
        pass_out: header_names(&fields, "pass_out"),
        pass_in: header_names(&fields, "pass_in"),
        set,
        remove: header_names(&fields, "remove"),
    };
    fields.finish();
    rules
}

fn header_names(fields: &Fields<'_>, key: &'static str) -> Vec<Box<str>> {
    let items = fields.texts(key, "empty");
    let is_protected = |item: &Item| match key {
        "remove" => crossing::is_protected(&item.text),
        _ => crossing::never_passes(&item.text),
    };
    let good = items.into_iter().filter(|item| header_name(fields, item));
    good.filter(|item| is_ours_to_rule(fields, item, is_protected(item))).map(|item| item.text.into()).collect()
}

/// A rule for a header that the stack writes itself has no effect: said, and left out.
fn is_ours_to_rule(fields: &Fields<'_>, item: &Item, is_protected: bool) -> bool {
    if is_protected {
        let problem = format!("`{}` is written by the SIP stack itself: the rule has no effect", printable(&item.text));
        fields.reading.warning(item.at, &item.path, problem, None);
    }
    !is_protected
}

fn header_name(fields: &Fields<'_>, item: &Item) -> bool {
    if !shared::is_token(&item.text) || item.text.contains('*') {
        let meant = item.text.contains('*').then(|| "write each name in full".to_owned());
        fields.reading.error(item.at, &item.path, format!("`{}` is no header name", printable(&item.text)), meant);
        return false;
    }
    if OWN_HEADERS.iter().any(|own| own.eq_ignore_ascii_case(&item.text)) {
        let problem = format!("`{}` is written by the gateway itself and takes no rule", printable(&item.text));
        fields.reading.error(item.at, &item.path, problem, None);
        return false;
    }
    true
}
