//! One listening side of the SIP edge: where it listens, how it presents itself, which timers it keeps.

use crate::protocol::sip::digest::Algorithm;
use crate::protocol::sip::path::{ListenerId, Transport};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What a file in `sip-profiles/` says about itself, apart from its trunks and phones.
#[derive(Clone, PartialEq, Debug)]
pub struct Profile {
    pub name: Arc<str>,
    pub listeners: Vec<Listener>,
    /// The digest realm, and the host of our From and Contact headers where a listener advertises none.
    pub realm: Box<str>,
    /// What stands in Server and User-Agent; empty sends neither.
    pub product: Box<str>,
    pub timers: Timers,
    pub session_timer: SessionTimerPolicy,
    pub reliable: ReliablePolicy,
    pub digest: DigestPolicy,
    /// Where ports for audio are bound, and the address by which peers reach them; the listener's where absent.
    pub media_bind: Option<IpAddr>,
    pub media_address: Option<IpAddr>,
}

/// One socket that we listen on.
#[derive(Clone, PartialEq, Debug)]
pub struct Listener {
    pub id: ListenerId,
    pub transport: Transport,
    pub bind: SocketAddr,
    /// Host (an IP literal, IPv6 in brackets, or a name) and port that we write into Via and Contact.
    pub advertised_host: Box<str>,
    pub advertised_port: u16,
    pub tls: Option<TlsFiles>,
    /// Allowed `Origin` values of WebSocket clients; empty allows every one.
    pub origins: Vec<Box<str>>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Authorities that a client's certificate must come from; with one, TLS is mutual.
    pub client_authorities: Option<PathBuf>,
}

/// RFC 3261 section 17 timers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Timers {
    pub t1: Duration,
    pub t2: Duration,
    pub t4: Duration,
}

impl Default for Timers {
    fn default() -> Timers {
        Timers { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) }
    }
}

/// RFC 4028, toward every peer of the profile.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SessionTimerPolicy {
    pub enabled: bool,
    pub expires: Duration,
    pub min: Duration,
}

impl Profile {
    /// Where a leg's port for audio is bound, and the address that its peer is told; `None`: that of the port.
    pub fn media_place(&self, listener: &Listener) -> (IpAddr, Option<IpAddr>) {
        let fits = |address: &IpAddr| address.is_ipv4() == listener.bind.is_ipv4();
        let bind = self.media_bind.filter(fits).unwrap_or(listener.bind.ip());
        let shown: Option<IpAddr> = listener.advertised_host.trim_start_matches('[').trim_end_matches(']').parse().ok();
        let own = shown.filter(fits).unwrap_or(bind);
        (bind, self.media_address.filter(fits).or(Some(own)).filter(|address| !address.is_unspecified()))
    }
}

/// What phones are challenged with (RFC 8760). Some give up on a challenge that they do not know instead of taking the other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum DigestPolicy {
    /// SHA-256 first, MD5 for those that know no better.
    Both,
    Sha256,
    Md5,
}

impl DigestPolicy {
    pub fn algorithms(self) -> &'static [Algorithm] {
        match self {
            DigestPolicy::Both => Algorithm::ALL,
            DigestPolicy::Sha256 => &[Algorithm::Sha256],
            DigestPolicy::Md5 => &[Algorithm::Md5],
        }
    }
}

/// RFC 3262: whether provisional responses are reliable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReliablePolicy {
    /// Never offered; a peer that requires it is refused with 420.
    Off,
    /// Offered in Supported, used when the peer asks for it or both support it.
    Supported,
    /// Required of every peer.
    Required,
}

/// All profiles and the listeners of all of them, by number.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Profiles {
    pub profiles: Vec<Arc<Profile>>,
    /// Index: `ListenerId`. Profile index and listener index in it.
    pub listeners: Vec<(u16, u16)>,
}

impl Profiles {
    /// The profile and listener behind a number.
    pub fn listener(&self, id: ListenerId) -> Option<(&Arc<Profile>, &Listener)> {
        let (profile, listener) = *self.listeners.get(usize::from(id.0))?;
        let profile = self.profiles.get(usize::from(profile))?;
        Some((profile, profile.listeners.get(usize::from(listener))?))
    }
}
