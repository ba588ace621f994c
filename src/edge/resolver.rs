//! Names to places by RFC 3263. Asks the DNS within a deadline; never holds up a call that waits for another name.

use crate::base::entropy::Entropy;
use crate::base::machine::Machine;
use crate::domain::call::interface::NameToResolve;
use crate::edge::{clock, entropy};
use crate::protocol::sip::locate::{Locate, LocateInput, LocateOutput, Location, Naptr, Place, Query, Records, Srv};
use crate::protocol::sip::path::{Path, Target, Transport};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Questions under way at once; more wait their turn within their own deadlines.
const QUESTIONS_MAX: usize = 256;
/// Names whose answers are kept, those with the answer "no such name" among them.
const CACHE_NAMES: u64 = 4_096;
/// An absent name is asked for again after this time at the latest, so that a repaired zone is soon seen.
const ABSENT_MAX: Duration = Duration::from_secs(30);
/// And not before this, so that a flood of calls to it stays here.
const ABSENT_MIN: Duration = Duration::from_secs(2);
const PRESENT_MAX: Duration = Duration::from_secs(3_600);
/// One server's time for one question; the other servers get theirs within the search's deadline.
const ATTEMPT: Duration = Duration::from_millis(900);

/// One per daemon. Cheap to clone.
#[derive(Clone)]
pub struct Resolver {
    dns: Option<TokioResolver>,
    entropy: Arc<Mutex<Entropy>>,
    questions: Arc<Semaphore>,
}

impl Resolver {
    /// Asks the servers of /etc/resolv.conf, after /etc/hosts. Without that file, only /etc/hosts and addresses lead anywhere.
    pub fn start() -> Resolver {
        let system = hickory_resolver::system_conf::read_system_conf().map(|(config, _)| config);
        let config = system.unwrap_or_else(|error| {
            tracing::warn!(%error, "no usable /etc/resolv.conf: names lead nowhere but by /etc/hosts");
            ResolverConfig::from_name_servers(Vec::new())
        });
        Resolver::with(config)
    }

    fn with(config: ResolverConfig) -> Resolver {
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let options = builder.options_mut();
        options.timeout = ATTEMPT;
        options.attempts = 2;
        options.cache_size = CACHE_NAMES;
        options.use_hosts_file = ResolveHosts::Always;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.negative_min_ttl = Some(ABSENT_MIN);
        options.negative_max_ttl = Some(ABSENT_MAX);
        options.positive_max_ttl = Some(PRESENT_MAX);
        let dns = builder.build().inspect_err(|error| tracing::error!(%error, "no resolver: names lead nowhere")).ok();
        Resolver {
            dns,
            entropy: Arc::new(Mutex::new(entropy::from_system())),
            questions: Arc::new(Semaphore::new(QUESTIONS_MAX)),
        }
    }

    /// The places behind a name, in the order in which they are tried. Empty when nothing was found in time.
    pub async fn resolve(&self, name: &NameToResolve) -> Vec<Target> {
        let place = Place {
            host: name.host.clone(),
            port: name.port,
            transport: name.transport,
            allowed: match name.transport {
                Some(transport) => vec![transport],
                None => vec![Transport::Udp, Transport::Tcp, Transport::Tls],
            },
        };
        let entropy = self.entropy.lock().unwrap_or_else(PoisonError::into_inner).split();
        let found = self.locate(Locate::new(clock::now(), place, entropy)).await;
        found.into_iter().map(|location| target(name, location)).collect()
    }

    /// Drives one search: every question of it at once, until it has found or its time is up.
    async fn locate(&self, mut search: Locate) -> Vec<Location> {
        let mut asked = JoinSet::new();
        loop {
            while let Some(output) = search.poll_output() {
                match output {
                    LocateOutput::Ask(query) => {
                        asked.spawn(self.clone().ask(query));
                    }
                    LocateOutput::Found(locations) => return locations,
                }
            }
            let Some(deadline) = search.deadline() else { return Vec::new() };
            match tokio::time::timeout_at(deadline.into(), asked.join_next()).await {
                Ok(Some(Ok(answer))) => search.handle_input(clock::now(), answer),
                // A question that broke off is one without an answer: the deadline decides.
                Ok(Some(Err(_))) => {}
                Ok(None) => tokio::time::sleep_until(deadline.into()).await,
                Err(_) => {}
            }
            search.handle_deadline(clock::now());
        }
    }

    async fn ask(self, query: Query) -> LocateInput {
        let _turn = self.questions.acquire().await;
        let records = match (&query, &self.dns) {
            (Query::Naptr(name), dns) => Records::Naptr(look(dns, name, RecordType::NAPTR, naptr).await),
            (Query::Srv(name), dns) => Records::Srv(look(dns, name, RecordType::SRV, srv).await),
            (Query::Address(name), Some(dns)) => {
                let found = dns.lookup_ip(name.as_ref()).await;
                Records::Address(found.map(|found| found.iter().map(|ip: IpAddr| ip).collect()).unwrap_or_default())
            }
            (Query::Address(_), None) => Records::Address(Vec::new()),
        };
        LocateInput { query, records }
    }
}

/// A failure is an empty answer, as RFC 3263 goes on the same way after both.
async fn look<T>(
    dns: &Option<TokioResolver>,
    name: &str,
    kind: RecordType,
    read: impl Fn(&RData) -> Option<T>,
) -> Vec<T> {
    let Some(dns) = dns else { return Vec::new() };
    match dns.lookup(name, kind).await {
        Ok(found) => found.answers().iter().filter_map(|record| read(&record.data)).collect(),
        Err(error) => {
            tracing::debug!(%name, %kind, %error, "no such record");
            Vec::new()
        }
    }
}

fn naptr(record: &RData) -> Option<Naptr> {
    let RData::NAPTR(record) = record else { return None };
    Some(Naptr {
        order: record.order,
        preference: record.preference,
        flags: std::str::from_utf8(&record.flags).ok()?.into(),
        service: std::str::from_utf8(&record.services).ok()?.into(),
        replacement: text(&record.replacement),
    })
}

fn srv(record: &RData) -> Option<Srv> {
    let RData::SRV(record) = record else { return None };
    Some(Srv { priority: record.priority, weight: record.weight, port: record.port, target: text(&record.target) })
}

/// With its last dot, so that no search list is tried on it; the root alone is "." (RFC 2782: no such service).
fn text(name: &Name) -> Box<str> {
    name.to_ascii().into()
}

/// The certificate must carry the name that was asked for, whatever the DNS made of it (RFC 5922 7.1).
fn target(name: &NameToResolve, location: Location) -> Target {
    let path =
        Path { transport: location.transport, listener: name.listener, remote: location.address, connection: None };
    let host = || Arc::from(name.host.trim_end_matches('.'));
    Target { path, tls_name: location.transport.is_secure().then(|| name.tls_name.clone().unwrap_or_else(host)) }
}

#[cfg(test)]
mod tests;
