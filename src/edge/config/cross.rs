//! What no file can say alone: names used twice, references, networks and sockets in each other's way. Converts nothing.

use crate::domain::dialplan::{Pattern, Rule};
use crate::domain::flow::definition::{Flows, Kind};
use crate::domain::hours::HoursBook;
use crate::edge::config::convert_dialplan::{DialplanFile, Sort};
use crate::edge::config::convert_profile::NamedListener;
use crate::edge::config::convert_trunk::NamedTrunk;
use crate::edge::config::place::Place;
use crate::edge::config::read::ProfileFile;
use crate::edge::config::reading::{Item, Reading};
use crate::edge::config::suggest;
use crate::protocol::sip::path::Transport;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

pub fn check(reading: &Reading, profiles: &[ProfileFile], dialplans: &[DialplanFile]) {
    check_names(reading, profiles, dialplans);
    check_references(reading, profiles, dialplans);
    let running: Vec<&ProfileFile> = profiles.iter().filter(|file| file.enabled).collect();
    check_sockets(reading, &running);
    for file in &running {
        check_networks(reading, &file.trunks);
    }
    check_trust(reading, &running);
    check_shadows(reading, dialplans);
    check_emergency(reading, dialplans);
}

fn check_names(reading: &Reading, profiles: &[ProfileFile], dialplans: &[DialplanFile]) {
    let own: Vec<Item> = profiles
        .iter()
        .map(|file| Item { text: file.profile.name.to_string(), at: file.at, path: "profile.name".to_owned() })
        .collect();
    once(reading, "profile", own.iter());
    once(reading, "trunk", profiles.iter().flat_map(|file| file.trunks.iter().map(|trunk| &trunk.name)));
    once(reading, "phone", profiles.iter().flat_map(|file| file.phones.iter().map(|phone| &phone.name)));
    once(reading, "rule", dialplans.iter().flat_map(|file| file.rules.iter().map(|(name, _)| name)));
    once(reading, "group", dialplans.iter().flat_map(|file| file.groups.iter().map(|(name, _)| name)));
    once(reading, "trunk group", dialplans.iter().flat_map(|file| file.trunk_groups.iter().map(|(name, _)| name)));
    once(reading, "caller ID", dialplans.iter().flat_map(|file| file.caller_ids.iter().map(|(name, _)| name)));
    once(reading, "guard", dialplans.iter().flat_map(|file| file.guards.iter().map(|(name, _)| name)));
    once(reading, "engine", dialplans.iter().flat_map(|file| file.engines.iter().map(|(name, _)| name)));
    once(reading, "account", dialplans.iter().flat_map(|file| file.accounts.iter().map(|(name, _)| name)));
    once(reading, "table", dialplans.iter().flat_map(|file| file.outbound.iter().map(|(at, _, _)| at)));
    for file in profiles {
        let listeners: Vec<Item> = file.listeners.iter().map(listener_item).collect();
        let named = listeners.iter().filter(|item| Transport::parse(&item.text).is_none());
        once(reading, "listener", named);
    }
}

fn listener_item(one: &NamedListener) -> Item {
    Item { text: one.name.clone(), at: one.at, path: one.path.clone() }
}

/// Each name may be there once.
pub fn once<'a>(reading: &Reading, sort: &str, names: impl Iterator<Item = &'a Item>) {
    let mut seen: BTreeMap<&str, Place> = BTreeMap::new();
    for item in names {
        match seen.get(item.text.as_str()) {
            Some(first) => {
                let problem = format!("{sort} `{}` is there twice: first at {}", item.text, reading.place(*first));
                reading.error(item.at, &item.path, problem, None);
            }
            None => {
                seen.insert(&item.text, item.at);
            }
        }
    }
}

fn check_references(reading: &Reading, profiles: &[ProfileFile], dialplans: &[DialplanFile]) {
    let damaged = profiles.iter().any(|file| file.damaged);
    let names = |sort: Sort, switched_on: bool| -> Vec<&str> {
        let files = profiles.iter().filter(|file| file.enabled == switched_on);
        match sort {
            Sort::Trunk => files.flat_map(|file| file.trunks.iter().map(|one| one.name.text.as_str())).collect(),
            Sort::Phone => files.flat_map(|file| file.phones.iter().map(|one| one.name.text.as_str())).collect(),
            Sort::Caller => {
                let trunks = files.flat_map(|file| file.trunks.iter().map(|one| one.name.text.as_str()));
                trunks.chain(switched_on.then_some("phones")).collect()
            }
            Sort::Group if switched_on => {
                dialplans.iter().flat_map(|file| file.groups.iter().map(|(name, _)| name.text.as_str())).collect()
            }
            Sort::TrunkGroup if switched_on => {
                dialplans.iter().flat_map(|file| file.trunk_groups.iter().map(|(name, _)| name.text.as_str())).collect()
            }
            Sort::Queue if switched_on => dialplans
                .iter()
                .flat_map(|file| file.queues.queues.iter().map(|(name, _)| name.text.as_str()))
                .collect(),
            Sort::Engine if switched_on => {
                dialplans.iter().flat_map(|file| file.engines.iter().map(|(name, _)| name.text.as_str())).collect()
            }
            Sort::RoutingProfile if switched_on => dialplans
                .iter()
                .flat_map(|file| file.queues.profiles.iter().map(|(name, _)| name.text.as_str()))
                .collect(),
            Sort::Group
            | Sort::TrunkGroup
            | Sort::Queue
            | Sort::Engine
            | Sort::RoutingProfile
            | Sort::Hours
            | Sort::Flow => Vec::new(),
        }
    };
    let references = dialplans.iter().flat_map(|file| &file.references);
    for (sort, item) in references.filter(|(sort, _)| !matches!(sort, Sort::Hours | Sort::Flow)) {
        let valid = names(*sort, true);
        if valid.contains(&item.text.as_str()) {
            continue;
        }
        let (one, several) = words(*sort);
        if names(*sort, false).contains(&item.text.as_str()) {
            let problem = format!("{one} `{}` is in a profile that is switched off", item.text);
            reading.error(item.at, &item.path, problem, Some("set `enabled = true` in its [profile]".to_owned()));
        } else if !(damaged && matches!(sort, Sort::Trunk | Sort::Phone | Sort::Caller)) {
            let meant = suggest::did_you_mean(&item.text, valid.iter().copied(), several);
            let meant = meant.or_else(|| Some(format!("there are no {several}")));
            let problem = format!("no {one} is named `{}`", crate::edge::config::fields::printable(&item.text));
            reading.error(item.at, &item.path, problem, meant);
        }
    }
}

/// The opening hours that rules name.
pub fn check_hours(reading: &Reading, dialplans: &[DialplanFile], hours: &HoursBook) {
    let references = dialplans.iter().flat_map(|file| &file.references);
    for (sort, item) in references.filter(|(sort, item)| *sort == Sort::Hours && hours.find(&item.text).is_none()) {
        let (one, several) = words(*sort);
        let meant = suggest::did_you_mean(&item.text, hours.names().collect::<Vec<_>>(), several);
        let problem = format!("no {one} is named `{}`", crate::edge::config::fields::printable(&item.text));
        reading.error(item.at, &item.path, problem, meant.or_else(|| Some(format!("there are no {several}"))));
    }
}

/// The flows that rules name; each is a file, also where it could not be read, and takes callers from outside.
pub fn check_flows(reading: &Reading, dialplans: &[DialplanFile], (flows, book): (&[&str], &Flows)) {
    let references = || dialplans.iter().flat_map(|file| &file.references).filter(|(sort, _)| *sort == Sort::Flow);
    for (_, item) in references() {
        let Some(flow) = book.find(&item.text).filter(|flow| flow.kind != Kind::Inbound) else { continue };
        let problem =
            format!("flow `{}` is of kind {}, and calls need one of kind inbound", flow.name, flow.kind.name());
        reading.error(item.at, &item.path, problem, None);
    }
    for (_, item) in references().filter(|(_, item)| !flows.contains(&item.text.as_str())) {
        let (one, several) = words(Sort::Flow);
        let meant = suggest::did_you_mean(&item.text, flows.iter().copied(), several);
        let problem = format!("no {one} is named `{}`", crate::edge::config::fields::printable(&item.text));
        reading.error(item.at, &item.path, problem, meant.or_else(|| Some(format!("there are no {several}"))));
    }
}

fn words(sort: Sort) -> (&'static str, &'static str) {
    match sort {
        Sort::Trunk => ("trunk", "trunks"),
        Sort::Phone => ("phone", "phones"),
        Sort::Group => ("group", "groups"),
        Sort::TrunkGroup => ("trunk group", "trunk groups"),
        Sort::Queue => ("queue", "queues"),
        Sort::Engine => ("engine", "engines"),
        Sort::RoutingProfile => ("routing profile", "routing profiles"),
        Sort::Flow => ("flow", "flows"),
        Sort::Caller => ("caller", "callers"),
        Sort::Hours => ("set of hours", "sets of hours"),
    }
}

/// Two listeners on one address and port; port 0 is each time another one.
fn check_sockets(reading: &Reading, profiles: &[&ProfileFile]) {
    let mut seen: Vec<&NamedListener> = Vec::new();
    for one in profiles.iter().flat_map(|file| &file.listeners) {
        if let Some(first) = seen.iter().find(|first| collide(first, one)) {
            let kind = if one.listener.transport == Transport::Udp { "udp" } else { "tcp" };
            let problem =
                format!("{} is bound twice ({kind}): first at {}", one.listener.bind, reading.place(first.at));
            reading.error(one.at, &one.path, problem, None);
        }
        seen.push(one);
    }
}

fn collide(a: &NamedListener, b: &NamedListener) -> bool {
    let datagrams = |one: &NamedListener| one.listener.transport == Transport::Udp;
    datagrams(a) == datagrams(b) && overlap(a.listener.bind, b.listener.bind)
}

/// Whether two sockets of one kind would take the same packets.
pub fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let any = |one: SocketAddr| one.ip().is_unspecified();
    let same_family = a.is_ipv4() == b.is_ipv4();
    a.port() == b.port() && a.port() != 0 && same_family && (a.ip() == b.ip() || any(a) || any(b))
}

/// A source that belongs to two trunks of one profile belongs to neither. The longer prefix would win by luck only.
fn check_networks(reading: &Reading, trunks: &[NamedTrunk]) {
    let all: Vec<_> = trunks
        .iter()
        .enumerate()
        .flat_map(|(index, trunk)| trunk.networks.iter().map(move |(network, item)| (index, trunk, network, item)))
        .collect();
    for (position, (index, trunk, network, item)) in all.iter().enumerate() {
        let earlier = all.iter().take(position).find(|(other_index, _, other, _)| {
            other_index != index && (network.contains(other.address) || other.contains(network.address))
        });
        if let Some((_, other_trunk, _, other_item)) = earlier {
            let place = reading.place(other_item.at);
            let problem = format!(
                "networks of `{}` and `{}` overlap: `{}` and `{}` at {place}",
                trunk.name.text, other_trunk.name.text, item.text, other_item.text
            );
            reading.error(item.at, &item.path, problem, None);
        }
    }
}

/// Authorities are chosen by the name in the certificate, so one name cannot have two sets.
fn check_trust(reading: &Reading, profiles: &[&ProfileFile]) {
    let trunks: Vec<&NamedTrunk> = profiles.iter().flat_map(|file| &file.trunks).collect();
    let mut seen: BTreeMap<&str, (&NamedTrunk, &Option<PathBuf>)> = BTreeMap::new();
    for named in trunks {
        let Some(trunk) = &named.trunk else { continue };
        for target in &trunk.targets {
            let name = target.tls_name.as_ref().unwrap_or(&target.host).as_ref();
            let (first, authorities) = *seen.entry(name).or_insert((named, &trunk.tls_authorities));
            if *authorities != trunk.tls_authorities {
                let place = reading.place(first.name.at);
                let problem = format!(
                    "trunks `{}` and `{}` ({place}) trust different authorities for `{name}`",
                    named.name.text, first.name.text
                );
                reading.error(named.name.at, &named.name.path, problem, None);
            }
        }
    }
}

/// A rule that no call can reach, because an earlier one with the same pattern takes every caller of it.
fn check_shadows(reading: &Reading, dialplans: &[DialplanFile]) {
    let rules: Vec<&(Item, Rule)> = dialplans.iter().flat_map(|file| &file.rules).collect();
    for (position, (item, rule)) in rules.iter().enumerate() {
        let covers = |(_, earlier): &&&(Item, Rule)| {
            earlier.pattern == rule.pattern
                && (earlier.from.is_empty()
                    || (!rule.from.is_empty() && rule.from.iter().all(|caller| earlier.from.contains(caller))))
        };
        if let Some((first, earlier)) = rules.iter().take(position).find(covers) {
            let place = reading.place(first.at);
            let pattern = pattern(&rule.pattern);
            let problem = format!(
                "rule `{}` is never reached: `{}` at {place} takes every call to {pattern} from its callers",
                item.text, earlier.name
            );
            reading.warning(item.at, &item.path, problem, None);
        }
    }
}

pub fn pattern(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Any => "`*`".to_owned(),
        Pattern::Exact(number) => format!("`{number}`"),
        Pattern::Prefix(literal) => format!("`{literal}*`"),
    }
}

fn check_emergency(reading: &Reading, dialplans: &[DialplanFile]) {
    once(
        reading,
        "emergency number",
        dialplans.iter().flat_map(|file| file.emergency.iter().map(|(digits, _)| digits)),
    );
}
