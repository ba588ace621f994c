//! What configuration says of one trunk, already validated. Holds no state.

use crate::base::secret::Secret;
use crate::domain::trunk::media::MediaSettings;
use crate::protocol::sip::path::{ListenerId, Transport};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, PartialEq, Debug)]
pub struct Trunk {
    pub name: Arc<str>,
    pub profile: Arc<str>,
    /// Messages from one of these networks are this trunk's.
    pub networks: Vec<Network>,
    /// A TLS client certificate with one of these names is this trunk's.
    pub tls_names: Vec<Box<str>>,
    /// A file of the authorities that its certificate must come from when we connect to it; the system's where absent.
    pub tls_authorities: Option<PathBuf>,
    /// A peer that authenticates with these credentials is this trunk's (the carrier or SBC logs in to us).
    pub inbound_digest: Option<Credentials>,
    /// Where its calls go, in SRV order: lower priority first, within one priority by weight.
    pub targets: Vec<TrunkTarget>,
    /// Our credentials toward it, for 401 and 407 on requests that we send to it.
    pub outbound_digest: Option<Credentials>,
    pub registration: Option<Registration>,
    pub limits: TrunkLimits,
    pub health: HealthPolicy,
    pub failover: FailoverPolicy,
    pub numbers: NumberRules,
    pub headers: HeaderRules,
    /// Codec names in order of preference; empty passes all.
    pub codecs: Vec<Box<str>>,
    /// Its P-Asserted-Identity, Privacy and Diversion are believed, and ours are sent to it.
    pub trusted: bool,
    pub srtp: SrtpPolicy,
    pub media: MediaSettings,
    /// Requests above the datagram bound may go to it by TCP.
    pub large_by_tcp: bool,
    /// It takes INVITE with Replaces for dialogs that are not ours (RFC 3891).
    pub replaces: bool,
    pub ring_timeout: Duration,
    pub max_duration: Duration,
}

/// An address block, such as 192.0.2.0/24 or 2001:db8::/32.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    pub address: IpAddr,
    pub bits: u8,
}

impl Network {
    pub fn contains(&self, other: IpAddr) -> bool {
        let (own, other, width) = match (self.address, other.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (u128::from(own.to_bits()), u128::from(other.to_bits()), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits(), other.to_bits(), 128),
            _ => return false,
        };
        let shift = width - u32::from(self.bits.min(u8::try_from(width).unwrap_or(128)));
        shift == 128 || own >> shift == other >> shift
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct TrunkTarget {
    pub host: Box<str>,
    /// Without a port RFC 3263 decides (NAPTR, SRV), unless the host is an address.
    pub port: Option<u16>,
    pub transport: Option<Transport>,
    pub priority: u16,
    pub weight: u16,
    /// The listener that its requests leave from.
    pub listener: ListenerId,
    /// The name that its certificate must carry; the host where absent.
    pub tls_name: Option<Box<str>>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Credentials {
    pub user: Box<str>,
    pub password: Secret,
    /// Restricts answers to challenges of this realm; empty accepts every realm.
    pub realm: Box<str>,
}

/// We register with the carrier.
#[derive(Clone, PartialEq, Debug)]
pub struct Registration {
    /// The address of record: user and domain.
    pub user: Box<str>,
    pub domain: Box<str>,
    pub expires: Duration,
    pub retry_min: Duration,
    pub retry_max: Duration,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TrunkLimits {
    /// Both directions together; zero sets no limit.
    pub calls_max: u32,
    /// Both directions together; zero sets no limit.
    pub calls_per_second: f64,
    pub burst: f64,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub struct HealthPolicy {
    /// Zero sends no OPTIONS.
    pub options_every: Duration,
    /// Failures in a row, of OPTIONS or of calls, after which a target is down.
    pub failures_max: u32,
    /// How often a target that is down is asked again.
    pub retry_every: Duration,
}

#[derive(Clone, PartialEq, Debug)]
pub struct FailoverPolicy {
    /// Final responses after which the next target is tried; 6xx never are.
    pub codes: Vec<u16>,
    /// No response at all, not even 100, within this time: the next target.
    pub no_response: Duration,
}

/// How this peer writes numbers, both ways.
#[derive(Clone, PartialEq, Debug)]
pub struct NumberRules {
    /// Country code of numbers written nationally, such as "81".
    pub country: Box<str>,
    /// What stands before a national number, such as "0"; may be empty.
    pub national_prefix: Box<str>,
    /// What stands before an international number besides a plus, such as "010" or "011".
    pub international_prefix: Box<str>,
    /// A technical prefix that the peer puts before, or wants before, every number.
    pub tech_prefix_in: Box<str>,
    pub tech_prefix_out: Box<str>,
    pub format_out: NumberFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NumberFormat {
    /// +81312345678
    E164,
    /// 81312345678
    Digits,
    /// National for the own country, international prefix for others.
    National,
    /// Untouched.
    AsReceived,
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct HeaderRules {
    /// Header names that pass from the other leg to this trunk, besides what the call core writes itself.
    pub pass_out: Vec<Box<str>>,
    /// Header names that pass from this trunk to the other leg.
    pub pass_in: Vec<Box<str>>,
    /// Headers set on every INVITE to this trunk.
    pub set: Vec<(Box<str>, Box<str>)>,
    /// Headers removed from what would be sent to this trunk.
    pub remove: Vec<Box<str>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SrtpPolicy {
    Plain,
    Optional,
    Required,
}

#[cfg(test)]
pub mod tests {
    //! A trunk with plain settings, for the tests of the modules above.

    use super::*;

    pub fn trunk(name: &str) -> Trunk {
        Trunk {
            name: name.into(),
            profile: "carriers".into(),
            networks: Vec::new(),
            tls_names: Vec::new(),
            tls_authorities: None,
            inbound_digest: None,
            targets: Vec::new(),
            outbound_digest: None,
            registration: None,
            limits: TrunkLimits { calls_max: 0, calls_per_second: 0.0, burst: 0.0 },
            health: HealthPolicy {
                options_every: Duration::ZERO,
                failures_max: 2,
                retry_every: Duration::from_secs(30),
            },
            failover: FailoverPolicy { codes: vec![500, 503], no_response: Duration::from_secs(3) },
            numbers: numbers(),
            headers: HeaderRules::default(),
            codecs: Vec::new(),
            trusted: false,
            srtp: SrtpPolicy::Plain,
            media: MediaSettings::passing(),
            large_by_tcp: false,
            replaces: false,
            ring_timeout: Duration::from_secs(60),
            max_duration: Duration::from_secs(7_200),
        }
    }

    pub fn numbers() -> NumberRules {
        NumberRules {
            country: "81".into(),
            national_prefix: "0".into(),
            international_prefix: "010".into(),
            tech_prefix_in: "".into(),
            tech_prefix_out: "".into(),
            format_out: NumberFormat::E164,
        }
    }

    pub fn target(host: &str, priority: u16, weight: u16) -> TrunkTarget {
        TrunkTarget {
            host: host.into(),
            port: Some(5060),
            transport: None,
            priority,
            weight,
            listener: ListenerId(0),
            tls_name: None,
        }
    }
}
