//! Where the requests of a dialog travel (RFC 3261 12.2.1.1), also where that is a name (RFC 3263) or they are too long for
//! a datagram (RFC 3261 18.1.1). Resolves no name itself.

use crate::base::id::LegId;
use crate::base::limits;
use crate::domain::leg::leg::Line;
use crate::domain::leg::wire::{Errand, Ready, Wire};
use crate::protocol::sip::dialog::Dialog;
use crate::protocol::sip::message::uri::{Scheme, Uri};
use crate::protocol::sip::path::{ListenerId, Path, Target, Transport};
use crate::protocol::sip::transaction::set::{ClientKey, ClientRequest};
use bytes::Bytes;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// A host that has to be looked up.
#[derive(Clone, PartialEq, Debug)]
pub struct NameToResolve {
    pub host: Box<str>,
    pub port: Option<u16>,
    pub transport: Option<Transport>,
    pub listener: ListenerId,
    pub tls_name: Option<Arc<str>>,
}

/// The next hop of a dialog that is a name.
pub struct NamedHop {
    uri: Box<str>,
    /// Places to try when the one in use fails.
    places: Vec<Target>,
    is_asked: bool,
}

/// What waits until it is known where the dialog goes.
pub(super) struct Held {
    leg: LegId,
    what: Waiting,
}

enum Waiting {
    Request(Ready),
    Ack { client: ClientKey, to_tag: Box<str>, via: String, bytes: Bytes },
}

/// A request in a dialog that has another way to go, should the first one fail.
pub(super) struct Spare {
    leg: LegId,
    pub client: ClientKey,
    ready: Ready,
    by_datagram: bool,
}

impl Wire {
    /// Sets where the requests of a leg's dialog go from now on. A name is asked for, and what is sent meanwhile waits.
    pub fn route(&mut self, line: &mut Line, dialog: &Dialog) {
        line.target = self.next_hop(dialog, &line.target, line.party.is_phone());
        let uri = dialog.next_hop();
        if line.name.as_ref().is_some_and(|name| &*name.uri == uri) {
            return;
        }
        line.name = None;
        if line.party.is_phone() {
            return;
        }
        if let Some(question) = question_of(uri, &line.target) {
            line.name = Some(Box::new(NamedHop { uri: uri.into(), places: Vec::new(), is_asked: true }));
            self.questions.push((line.id, question));
        }
    }

    /// The resolver's answer. What leads nowhere goes by the way that the dialog came; so does what has waited for a name
    /// that the dialog has left meanwhile.
    pub fn resolved(&mut self, line: &mut Line, found: &[Target]) {
        let Path { remote, listener, .. } = line.target.path;
        let allowed = found.iter().filter(|place| may_lead(remote.ip(), place.path.remote.ip()));
        let places = allowed.filter_map(|place| self.with_listener(place, listener));
        let mut places: Vec<Target> = places.take(limits::LOCATIONS_MAX).collect();
        if let Some(name) = line.name.as_mut().filter(|name| name.is_asked) {
            name.is_asked = false;
            if places.is_empty() {
                line.name = None;
            } else {
                line.target = places.remove(0);
                name.places = places;
            }
        }
        let (mine, others) = std::mem::take(&mut self.held).into_iter().partition(|held| held.leg == line.id);
        self.held = others;
        for held in mine {
            self.let_go(line, held);
        }
    }

    fn let_go(&mut self, line: &Line, held: Held) {
        let target = line.target.clone();
        match held.what {
            Waiting::Request(ready) => {
                let ready = self.moved(ready, target);
                self.launch(line, ready);
            }
            Waiting::Ack { client, to_tag, via, bytes } => {
                let fresh = self.stamp(&target.path);
                let bytes = with_via(&bytes, &via, &fresh.via);
                self.transactions.acknowledge(self.now, client, &to_tag, target, bytes);
            }
        }
    }

    /// A request of a leg: at once, or when it is known where to.
    pub(super) fn send_or_hold(&mut self, line: &Line, errand: Errand, ready: Ready) {
        if matches!(errand, Errand::Invite | Errand::Cancel | Errand::StrayBye) {
            return self.start(ready);
        }
        match line.is_awaiting_place() {
            true => self.held.push(Held { leg: line.id, what: Waiting::Request(ready) }),
            false => self.launch(line, ready),
        }
    }

    /// The ACK to a 2xx of the peer.
    pub fn acknowledge(&mut self, line: &Line, dialog: &Dialog, whence: (ClientKey, u32), body: Option<&Bytes>) {
        let (client, cseq) = whence;
        let stamp = self.stamp(&line.target.path);
        let bytes = crate::domain::leg::inbound::finish(dialog.ack(cseq, &stamp.via), body);
        if line.is_awaiting_place() {
            let what = Waiting::Ack { client, to_tag: dialog.remote_tag.clone(), via: stamp.via, bytes };
            return self.held.push(Held { leg: line.id, what });
        }
        self.transactions.acknowledge(self.now, client, &dialog.remote_tag, line.target.clone(), bytes);
    }

    /// Begins the transaction of a request in a dialog, by TCP where it is too long for a datagram.
    fn launch(&mut self, line: &Line, ready: Ready) {
        let is_large = ready.bytes.len() > limits::DATAGRAM_REQUEST_BYTES_MAX && line.party.large_by_tcp();
        if is_large && let Some(target) = self.by_tcp(&ready.target) {
            self.spare(line, &ready, true);
            let ready = self.moved(ready, target);
            return self.start(ready);
        }
        if line.name.is_some() {
            self.spare(line, &ready, false);
        }
        self.start(ready);
    }

    fn spare(&mut self, line: &Line, ready: &Ready, by_datagram: bool) {
        self.spares.push(Spare { leg: line.id, client: ready.stamp.key, ready: ready.clone(), by_datagram });
    }

    pub(super) fn start(&mut self, ready: Ready) {
        let Ready { stamp, method, target, bytes, no_response } = ready;
        let request = ClientRequest { method, target, branch: stamp.branch.into(), bytes, no_response };
        self.transactions.request(self.now, stamp.key, request);
    }

    /// Whose request this is, where it has another way to go.
    pub fn has_spare(&self, client: ClientKey) -> Option<LegId> {
        self.spares.iter().find(|spare| spare.client == client).map(|spare| spare.leg)
    }

    /// A request could not be delivered or had no answer: the next way. `false`: there is none.
    pub fn again(&mut self, line: &mut Line, client: ClientKey) -> bool {
        let Some(at) = self.spares.iter().position(|spare| spare.client == client) else { return false };
        let Spare { ready, by_datagram, .. } = self.spares.swap_remove(at);
        if !by_datagram {
            let Some(name) = line.name.as_mut().filter(|name| !name.places.is_empty()) else {
                // All that were found have failed: whatever the dialog says next is asked anew.
                line.name = None;
                return false;
            };
            line.target = name.places.remove(0);
            self.spare(line, &ready, false);
        }
        let target = if by_datagram { ready.target.clone() } else { line.target.clone() };
        let ready = self.moved(ready, target);
        self.start(ready);
        true
    }

    /// The same request for another place: a new branch, and the transport in Via.
    fn moved(&mut self, ready: Ready, target: Target) -> Ready {
        let Ready { mut stamp, method, bytes, no_response, .. } = ready;
        let fresh = self.stamp(&target.path);
        let bytes = with_via(&bytes, &stamp.via, &fresh.via);
        (stamp.branch, stamp.via) = (fresh.branch, fresh.via);
        Ready { stamp, method, target, bytes, no_response }
    }

    /// The same place by TCP, where we have a listener to send from.
    pub fn by_tcp(&self, target: &Target) -> Option<Target> {
        let Path { transport, listener, remote, .. } = target.path;
        if transport != Transport::Udp {
            return None;
        }
        let listener = self.sibling(listener, Transport::Tcp, remote.ip())?;
        let path = Path { transport: Transport::Tcp, listener, remote, connection: None };
        Some(Target { path, tls_name: target.tls_name.clone() })
    }

    fn with_listener(&self, place: &Target, of: ListenerId) -> Option<Target> {
        let Path { transport, remote, .. } = place.path;
        let own = self.listener(of).map(|(_, listener)| (listener.transport, listener.bind.is_ipv4()));
        let listener = match own == Some((transport, remote.is_ipv4())) {
            true => of,
            false => self.sibling(of, transport, remote.ip())?,
        };
        Some(Target { path: Path { listener, ..place.path }, tls_name: place.tls_name.clone() })
    }

    /// Where the next request of a dialog travels, as far as it names an address. A phone is spoken to where it speaks from:
    /// behind a translator its Contact leads nowhere.
    pub fn next_hop(&self, dialog: &Dialog, current: &Target, is_phone: bool) -> Target {
        if is_phone && !dialog.has_routes() {
            return current.clone();
        }
        self.hop(dialog.next_hop(), current).unwrap_or_else(|| current.clone())
    }

    fn hop(&self, uri: &str, current: &Target) -> Option<Target> {
        let uri = Uri::parse(uri).ok()?;
        let address: IpAddr = uri.host.parse().ok()?;
        let transport = match uri.transport() {
            Some(Transport::Tcp) if uri.scheme == Scheme::Sips => Transport::Tls,
            Some(named) => named,
            None if uri.scheme == Scheme::Sips => Transport::Tls,
            None => current.path.transport,
        };
        let same = transport == current.path.transport;
        let here = current.path.remote.ip().to_canonical();
        if !may_lead(here, address) {
            return None;
        }
        // RFC 5923: the connection that it opened to us leads back to it.
        if same && current.path.connection.is_some() && address == here {
            return Some(current.clone());
        }
        let listener =
            if same { current.path.listener } else { self.sibling(current.path.listener, transport, address)? };
        let port = uri.port.unwrap_or(transport.default_port());
        let remote = SocketAddr::new(address, port);
        let path = Path { transport, listener, remote, connection: None };
        Some(Target { path, tls_name: current.tls_name.clone() })
    }

    /// A listener of the same profile with another transport, for the same kind of address.
    pub fn sibling(&self, of: ListenerId, transport: Transport, toward: IpAddr) -> Option<ListenerId> {
        let (profile, _) = self.listener(of)?;
        profile
            .listeners
            .iter()
            .find(|other| other.transport == transport && other.bind.is_ipv4() == toward.is_ipv4())
            .map(|other| other.id)
    }
}

impl Line {
    /// Nobody knows yet where the dialog's requests go.
    pub(super) fn is_awaiting_place(&self) -> bool {
        self.name.as_ref().is_some_and(|name| name.is_asked)
    }
}

/// What has to be asked before a request can go to this URI; `None` where it names an address. A connection that the
/// peer has opened leads back to it whatever its name (RFC 5923).
fn question_of(uri: &str, current: &Target) -> Option<NameToResolve> {
    let uri = Uri::parse(uri).ok()?;
    if uri.host.is_empty() || uri.host.parse::<IpAddr>().is_ok() || current.path.connection.is_some() {
        return None;
    }
    let is_secure = uri.scheme == Scheme::Sips || current.path.transport.is_secure();
    let transport = match uri.transport() {
        Some(Transport::Tcp) if is_secure => Some(Transport::Tls),
        None if is_secure => Some(current.path.transport),
        named => named,
    };
    let tls_name = is_secure.then(|| current.tls_name.clone().unwrap_or_else(|| uri.host.into()));
    Some(NameToResolve { host: uri.host.into(), port: uri.port, transport, listener: current.path.listener, tls_name })
}

/// The same bytes with another Via of ours.
fn with_via(bytes: &Bytes, old: &str, new: &str) -> Bytes {
    let Some(at) = memchr::memmem::find(bytes, old.as_bytes()) else { return bytes.clone() };
    let (before, rest) = bytes.split_at(at);
    let after = rest.get(old.len()..).unwrap_or_default();
    [before, new.as_bytes(), after].concat().into()
}

/// Whether a peer that speaks from `here` may have us send to `there`: from outside not to where it could not reach itself,
/// and nobody to everybody, or to whoever has this machine's port.
fn may_lead(here: IpAddr, there: IpAddr) -> bool {
    let (here, there) = (here.to_canonical(), there.to_canonical());
    let is_place = !there.is_unspecified() && !there.is_multicast() && there != IpAddr::V4(Ipv4Addr::BROADCAST);
    is_place && (is_private(here) || !is_private(there))
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_from_outside_leads_us_to_nothing_inside() {
        let lead = |here: &str, there: &str| may_lead(here.parse().unwrap(), there.parse().unwrap());
        assert!(lead("198.51.100.2", "203.0.113.9"));
        assert!(lead("10.0.0.2", "10.0.0.3"));
        assert!(lead("10.0.0.2", "203.0.113.9"));
        for inside in
            ["10.0.0.3", "127.0.0.1", "169.254.1.1", "::1", "fd00::1", "fe80::1", "::ffff:10.0.0.3", "0.0.0.0"]
        {
            assert!(!lead("198.51.100.2", inside), "{inside}");
        }
        for everybody in ["0.0.0.0", "::", "224.0.1.75", "ff02::1", "255.255.255.255"] {
            assert!(!lead("10.0.0.2", everybody), "{everybody}");
        }
    }
}
