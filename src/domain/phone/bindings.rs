//! Where registered phones are reached: their contacts, by the way their requests really came. Reads no message.

use crate::base::now::earliest;
use crate::protocol::sip::message::uri::Uri;
use crate::protocol::sip::path::{ConnectionId, Path};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

/// One contact of one phone.
#[derive(Clone, PartialEq, Debug)]
pub struct Binding {
    /// The Contact URI as registered; it becomes the Request-URI.
    pub uri: Box<str>,
    /// `+sip.instance` and `reg-id` (RFC 5626), by which a phone replaces its own older contact.
    pub instance: Option<Box<str>>,
    /// How the registration came, and so how calls go: never what the contact claims.
    pub path: Path,
    /// The Path header (RFC 3327), outermost first.
    pub routes: Vec<Box<str>>,
    pub call_id: Box<str>,
    pub cseq: u32,
    pub expires_at: Instant,
    /// Rises with every registration: the newest contact rings first.
    pub serial: u64,
}

/// All bindings of all phones.
#[derive(Clone, Debug, Default)]
pub struct Bindings {
    phones: BTreeMap<Arc<str>, Vec<Binding>>,
    expiries: BTreeSet<(Instant, Arc<str>)>,
    connections: BTreeSet<(ConnectionId, Arc<str>)>,
    addresses: BTreeMap<IpAddr, u32>,
    serial: u64,
}

impl Binding {
    /// Whether this and another registration are of one contact (RFC 3261 10.3 point 7, RFC 5626 6).
    pub fn is_same_contact(&self, uri: &Uri<'_>, instance: Option<&str>) -> bool {
        match (&self.instance, instance) {
            (Some(own), Some(other)) => **own == *other,
            _ => Uri::parse(&self.uri).is_ok_and(|own| own.equals(uri)),
        }
    }
}

impl Bindings {
    /// The contacts of a phone, newest first.
    pub fn of(&self, phone: &str) -> &[Binding] {
        self.phones.get(phone).map(Vec::as_slice).unwrap_or_default()
    }

    pub fn is_registered(&self, phone: &str) -> bool {
        self.phones.contains_key(phone)
    }

    /// Whether some phone is reached at this address now.
    pub fn holds_address(&self, address: IpAddr) -> bool {
        self.addresses.contains_key(&address)
    }

    pub fn len(&self) -> usize {
        self.phones.values().map(Vec::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.phones.is_empty()
    }

    pub fn phones(&self) -> impl Iterator<Item = (&Arc<str>, &[Binding])> {
        self.phones.iter().map(|(phone, bindings)| (phone, bindings.as_slice()))
    }

    /// Replaces all contacts of a phone; the number that orders new ones is given out by `next_serial`.
    pub fn set(&mut self, phone: &Arc<str>, mut bindings: Vec<Binding>) {
        self.forget(phone);
        if bindings.is_empty() {
            return;
        }
        bindings.sort_by_key(|binding| std::cmp::Reverse(binding.serial));
        for binding in &bindings {
            self.expiries.insert((binding.expires_at, phone.clone()));
            if let Some(connection) = binding.path.connection {
                self.connections.insert((connection, phone.clone()));
            }
            *self.addresses.entry(binding.path.remote.ip()).or_default() += 1;
        }
        self.phones.insert(phone.clone(), bindings);
    }

    pub fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Drops every contact of a phone. True if there was one.
    pub fn forget(&mut self, phone: &str) -> bool {
        let Some((name, old)) = self.phones.remove_entry(phone) else { return false };
        for binding in old {
            self.expiries.remove(&(binding.expires_at, name.clone()));
            if let Some(connection) = binding.path.connection {
                self.connections.remove(&(connection, name.clone()));
            }
            let address = binding.path.remote.ip();
            if let Some(count) = self.addresses.get_mut(&address) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.addresses.remove(&address);
                }
            }
        }
        true
    }

    /// A connection is gone and with it the contacts over it. Gives the phones that have none left.
    pub fn close(&mut self, connection: ConnectionId) -> Vec<Arc<str>> {
        let from = (connection, Arc::from(""));
        let phones: Vec<Arc<str>> = self
            .connections
            .range(from..)
            .take_while(|(other, _)| *other == connection)
            .map(|(_, phone)| phone.clone())
            .collect();
        phones.into_iter().filter(|phone| self.retain(phone, |b| b.path.connection != Some(connection))).collect()
    }

    /// Drops what has expired. Gives the phones that have none left.
    pub fn expire(&mut self, now: Instant) -> Vec<Arc<str>> {
        let mut gone = Vec::new();
        while let Some((at, phone)) = self.expiries.first().cloned() {
            if at > now {
                break;
            }
            self.expiries.remove(&(at, phone.clone()));
            if self.retain(&phone, |binding| binding.expires_at > now) {
                gone.push(phone);
            }
        }
        gone
    }

    pub fn deadline(&self) -> Option<Instant> {
        earliest(None, self.expiries.first().map(|(at, _)| *at))
    }

    /// Keeps some contacts of a phone. True if that left none.
    fn retain(&mut self, phone: &Arc<str>, keep: impl Fn(&Binding) -> bool) -> bool {
        let kept: Vec<Binding> = self.of(phone).iter().filter(|binding| keep(binding)).cloned().collect();
        let none = kept.is_empty();
        self.set(phone, kept);
        none
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::sip::path::{ListenerId, Transport};
    use std::time::Duration;

    fn binding(bindings: &mut Bindings, host: u8, connection: Option<u64>, expires_at: Instant) -> Binding {
        Binding {
            uri: format!("sip:alice@10.0.0.{host}").into(),
            instance: None,
            path: Path {
                transport: Transport::Udp,
                listener: ListenerId(0),
                remote: format!("192.0.2.{host}:5060").parse().unwrap(),
                connection: connection.map(ConnectionId),
            },
            routes: Vec::new(),
            call_id: "c".into(),
            cseq: 1,
            expires_at,
            serial: bindings.next_serial(),
        }
    }

    #[test]
    fn the_newest_contact_stands_first() {
        let mut bindings = Bindings::default();
        let at = Instant::now();
        let (old, new) = (binding(&mut bindings, 1, None, at), binding(&mut bindings, 2, None, at));
        bindings.set(&"alice".into(), vec![old, new]);
        assert_eq!(&*bindings.of("alice")[0].uri, "sip:alice@10.0.0.2");
    }

    #[test]
    fn contacts_expire_one_by_one_and_the_phone_with_the_last() {
        let mut bindings = Bindings::default();
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let (a, b) =
            (binding(&mut bindings, 1, None, start + second), binding(&mut bindings, 2, None, start + second * 5));
        bindings.set(&"alice".into(), vec![a, b]);
        assert_eq!(bindings.deadline(), Some(start + second));
        assert!(bindings.expire(start + second).is_empty());
        assert_eq!((bindings.of("alice").len(), bindings.deadline()), (1, Some(start + second * 5)));
        assert_eq!(bindings.expire(start + second * 5), [Arc::from("alice")]);
        assert!(bindings.is_empty() && bindings.deadline().is_none());
        assert!(!bindings.holds_address("192.0.2.2".parse().unwrap()));
    }

    #[test]
    fn contacts_over_a_closed_connection_are_gone() {
        let mut bindings = Bindings::default();
        let at = Instant::now();
        let (a, b) = (binding(&mut bindings, 1, Some(7), at), binding(&mut bindings, 2, Some(8), at));
        bindings.set(&"alice".into(), vec![a, b]);
        let c = binding(&mut bindings, 3, Some(7), at);
        bindings.set(&"bob".into(), vec![c]);
        assert_eq!(bindings.close(ConnectionId(7)), [Arc::from("bob")]);
        assert_eq!(bindings.of("alice").len(), 1);
        assert!(bindings.holds_address("192.0.2.2".parse().unwrap()));
        assert!(!bindings.holds_address("192.0.2.3".parse().unwrap()));
    }
}
