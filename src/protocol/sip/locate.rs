//! RFC 3263: from a name to the places to try, in order. Asks for DNS records by output; never resolves anything itself.

use crate::base::entropy::Entropy;
use crate::base::limits;
use crate::base::machine::Machine;
use crate::base::now::Now;
use crate::protocol::sip::path::Transport;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

/// What is looked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// A name, or an IP literal (IPv6 with or without brackets).
    pub host: Box<str>,
    pub port: Option<u16>,
    /// From the URI's `transport=` or from configuration.
    pub transport: Option<Transport>,
    /// What we can send over, the preferred first. With sips: only the secure ones.
    pub allowed: Vec<Transport>,
}

/// A question to the DNS.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Query {
    Naptr(Box<str>),
    Srv(Box<str>),
    /// A and AAAA together.
    Address(Box<str>),
}

/// What the DNS says; empty also for "no such name" and for failures.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Records {
    Naptr(Vec<Naptr>),
    Srv(Vec<Srv>),
    Address(Vec<IpAddr>),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Naptr {
    pub order: u16,
    pub preference: u16,
    pub flags: Box<str>,
    pub service: Box<str>,
    pub replacement: Box<str>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Srv {
    pub priority: u16,
    pub weight: u16,
    pub port: u16,
    pub target: Box<str>,
}

/// One place to try.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Location {
    pub address: SocketAddr,
    pub transport: Transport,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LocateOutput {
    Ask(Query),
    /// The last output. Empty when the name leads nowhere.
    Found(Vec<Location>),
}

pub struct LocateInput {
    pub query: Query,
    pub records: Records,
}

/// One search.
pub struct Locate {
    place: Place,
    entropy: Entropy,
    when_give_up: Instant,
    state: State,
    outputs: VecDeque<LocateOutput>,
}

enum State {
    Naptr,
    /// SRV names still to be asked; the first is being asked.
    Srv(VecDeque<(Box<str>, Transport)>),
    Addresses(Vec<Candidate>),
    Done,
}

/// A host whose addresses are wanted, in the order in which to try.
struct Candidate {
    host: Box<str>,
    port: u16,
    transport: Transport,
    addresses: Option<Vec<IpAddr>>,
}

impl Locate {
    /// Starts a search; drain `poll_output`, answer each `Ask`, until `Found`.
    pub fn new(now: Now, place: Place, entropy: Entropy) -> Locate {
        let when_give_up = now.instant + limits::LOCATE_PATIENCE;
        let mut locate = Locate { place, entropy, when_give_up, state: State::Done, outputs: VecDeque::new() };
        locate.begin();
        locate
    }

    fn begin(&mut self) {
        let place = &self.place;
        // RFC 3263 4.1: without a word about the transport, UDP, or TLS for sips: that is, the first that is allowed.
        let wanted = place.transport.or_else(|| place.allowed.first().copied());
        let Some(transport) = wanted.filter(|transport| place.allowed.contains(transport)) else {
            return self.finish(Vec::new());
        };
        let port = place.port.unwrap_or(transport.default_port());
        let literal = place.host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(ip) = literal.parse::<IpAddr>() {
            return self.finish(vec![Location { address: SocketAddr::new(ip, port), transport }]);
        }
        // RFC 3263 4.2: with a port there is no SRV; WebSocket servers have none either.
        if place.port.is_some() || srv_prefix(transport).is_none() {
            let host = place.host.clone();
            return self.ask_addresses(vec![Candidate { host, port, transport, addresses: None }]);
        }
        if place.transport.is_some() {
            return self.ask_services([transport]);
        }
        self.state = State::Naptr;
        self.outputs.push_back(LocateOutput::Ask(Query::Naptr(place.host.clone())));
    }

    fn on_naptr(&mut self, mut records: Vec<Naptr>) {
        records.sort_by_key(|record| (record.order, record.preference));
        let services: VecDeque<_> = records
            .into_iter()
            .filter(|record| record.flags.eq_ignore_ascii_case("s"))
            .filter_map(|record| Some((record.replacement, service_transport(&record.service)?)))
            .filter(|(_, transport)| self.place.allowed.contains(transport))
            .take(limits::LOCATE_NAMES_MAX)
            .collect();
        if services.is_empty() {
            return self.ask_services(self.place.allowed.clone());
        }
        self.ask_srv(services);
    }

    fn ask_services(&mut self, transports: impl IntoIterator<Item = Transport>) {
        let host = &self.place.host;
        let names = transports.into_iter().filter_map(|transport| {
            srv_prefix(transport).map(|prefix| (format!("{prefix}.{host}").into_boxed_str(), transport))
        });
        let names = names.take(limits::LOCATE_NAMES_MAX).collect();
        self.ask_srv(names);
    }

    fn ask_srv(&mut self, names: VecDeque<(Box<str>, Transport)>) {
        if let Some((name, _)) = names.front() {
            self.outputs.push_back(LocateOutput::Ask(Query::Srv(name.clone())));
            self.state = State::Srv(names);
            return;
        }
        // RFC 3263 4.2: no SRV record at all, so the host's own addresses.
        let transport = self.place.transport.or_else(|| self.place.allowed.first().copied());
        let Some(transport) = transport else { return self.finish(Vec::new()) };
        let host = self.place.host.clone();
        self.ask_addresses(vec![Candidate { host, port: transport.default_port(), transport, addresses: None }]);
    }

    fn on_srv(&mut self, mut names: VecDeque<(Box<str>, Transport)>, records: Vec<Srv>) {
        let Some((_, transport)) = names.pop_front() else { return self.finish(Vec::new()) };
        if records.is_empty() {
            return self.ask_srv(names);
        }
        // From here on never back to the bare name: the owner of the name has said where its service is.
        let candidates = ordered(records, &mut self.entropy)
            .into_iter()
            .filter(|record| !matches!(&*record.target, "" | "."))
            .take(limits::LOCATE_NAMES_MAX)
            .map(|record| Candidate { host: record.target, port: record.port, transport, addresses: None })
            .collect();
        self.ask_addresses(candidates);
    }

    fn ask_addresses(&mut self, candidates: Vec<Candidate>) {
        for (index, candidate) in candidates.iter().enumerate() {
            if !candidates.iter().take(index).any(|earlier| earlier.host == candidate.host) {
                self.outputs.push_back(LocateOutput::Ask(Query::Address(candidate.host.clone())));
            }
        }
        self.state = State::Addresses(candidates);
        self.conclude(false);
    }

    fn on_addresses(&mut self, host: &str, addresses: &[IpAddr]) {
        if let State::Addresses(candidates) = &mut self.state {
            for candidate in candidates.iter_mut().filter(|candidate| *candidate.host == *host) {
                candidate.addresses = Some(addresses.to_vec());
            }
        }
        self.conclude(false);
    }

    /// Ends the search when everything is answered, or with what is known when time is up.
    fn conclude(&mut self, out_of_time: bool) {
        let State::Addresses(candidates) = &self.state else {
            return if out_of_time {
                self.finish(Vec::new())
            };
        };
        if !out_of_time && candidates.iter().any(|candidate| candidate.addresses.is_none()) {
            return;
        }
        let mut found: Vec<Location> = Vec::new();
        for candidate in candidates {
            for ip in candidate.addresses.iter().flatten() {
                let location =
                    Location { address: SocketAddr::new(*ip, candidate.port), transport: candidate.transport };
                if found.len() < limits::LOCATIONS_MAX && !found.contains(&location) {
                    found.push(location);
                }
            }
        }
        self.finish(found);
    }

    fn finish(&mut self, found: Vec<Location>) {
        self.state = State::Done;
        self.outputs.push_back(LocateOutput::Found(found));
    }
}

impl Machine for Locate {
    type Input = LocateInput;
    type Output = LocateOutput;

    fn handle_input(&mut self, _now: Now, input: LocateInput) {
        match (std::mem::replace(&mut self.state, State::Done), input.records, input.query) {
            (State::Naptr, Records::Naptr(records), _) => self.on_naptr(records),
            (State::Srv(names), Records::Srv(records), Query::Srv(asked))
                if names.front().is_some_and(|(name, _)| *name == asked) =>
            {
                self.on_srv(names, records);
            }
            (state @ State::Addresses(_), Records::Address(addresses), Query::Address(host)) => {
                self.state = state;
                self.on_addresses(&host, &addresses);
            }
            (state, ..) => self.state = state,
        }
    }

    fn handle_deadline(&mut self, now: Now) {
        if self.deadline().is_some_and(|when| when <= now.instant) {
            self.conclude(true);
        }
    }

    fn poll_output(&mut self) -> Option<LocateOutput> {
        self.outputs.pop_front()
    }

    fn deadline(&self) -> Option<Instant> {
        (!matches!(self.state, State::Done)).then_some(self.when_give_up)
    }
}

/// The labels of RFC 3263 4.1 before the name; none for WebSocket, which has no SRV.
fn srv_prefix(transport: Transport) -> Option<&'static str> {
    match transport {
        Transport::Udp => Some("_sip._udp"),
        Transport::Tcp => Some("_sip._tcp"),
        Transport::Tls => Some("_sips._tcp"),
        Transport::Ws | Transport::Wss => None,
    }
}

fn service_transport(service: &str) -> Option<Transport> {
    [("SIP+D2U", Transport::Udp), ("SIP+D2T", Transport::Tcp), ("SIPS+D2T", Transport::Tls)]
        .into_iter()
        .find(|(name, _)| service.eq_ignore_ascii_case(name))
        .map(|(_, transport)| transport)
}

/// RFC 2782: by priority; within one, drawn by weight, where weight zero has a small chance only.
fn ordered(mut records: Vec<Srv>, entropy: &mut Entropy) -> Vec<Srv> {
    records.sort_by(|a, b| (a.priority, a.weight, &a.target).cmp(&(b.priority, b.weight, &b.target)));
    let mut order = Vec::with_capacity(records.len());
    while let Some(priority) = records.first().map(|record| record.priority) {
        let level = records.iter().take_while(|record| record.priority == priority);
        let sum: u64 = level.map(|record| u64::from(record.weight)).sum();
        let drawn = entropy.below(sum + 1);
        let mut running = 0;
        let chosen = records.iter().take_while(|record| record.priority == priority).position(|record| {
            running += u64::from(record.weight);
            running >= drawn
        });
        order.push(records.remove(chosen.unwrap_or(0)));
    }
    order
}

#[cfg(test)]
mod tests;
