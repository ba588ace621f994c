//! The table of stream connections: who may open one, which one a message goes over. Reads and writes no byte itself.

use crate::base::id::CallId;
use crate::base::limits::STREAM_BACKLOG;
use crate::edge::transport::TransportLimits;
use crate::edge::transport::door::source_of;
use crate::protocol::sip::path::{ConnectionId, Path, Target, Transport};
use bytes::Bytes;
use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// A message that waits for its turn on a connection.
pub struct Queued {
    pub owner: CallId,
    pub token: u32,
    pub bytes: Bytes,
}

/// A place in the table, and the end of its queue.
pub struct Admitted {
    pub id: ConnectionId,
    pub queue: mpsc::Receiver<Queued>,
}

/// What became of a message for a stream.
pub enum Delivery {
    Queued,
    /// Nothing to reuse: a place was taken, the message waits in its queue, and the caller opens the connection.
    Opens(Admitted),
    /// No such connection, or no room for a new one.
    Undeliverable(Queued),
    /// The peer reads too slowly; the connection is to be closed.
    Overflow(Queued, Option<AbortHandle>),
}

pub struct Connections {
    limits: TransportLimits,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    issued: u64,
    closed: bool,
    entries: HashMap<ConnectionId, Entry>,
    by_remote: HashMap<(Transport, SocketAddr), Vec<ConnectionId>>,
    inbound_by_source: HashMap<IpAddr, usize>,
    /// Ids rise with time, so the first is the oldest.
    half_open: BTreeSet<ConnectionId>,
}

struct Entry {
    path: Path,
    queue: mpsc::Sender<Queued>,
    inbound: bool,
    /// The name that the peer's certificate was checked against when we connected.
    tls_name: Option<Arc<str>>,
    /// The names of the peer's verified certificate.
    names: Arc<[Box<str>]>,
    task: Option<AbortHandle>,
}

impl Connections {
    pub fn new(limits: TransportLimits) -> Connections {
        Connections { limits, table: Mutex::default() }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection that a peer opened; `None` at a limit. The second is a half-open one that gives way to it.
    pub fn admit(&self, path: Path) -> Option<(Admitted, Option<AbortHandle>)> {
        let mut table = self.table();
        let source = source_of(path.remote.ip());
        let of_source = table.inbound_by_source.get(&source).copied().unwrap_or(0);
        if table.closed || of_source >= self.limits.connections_per_source {
            return None;
        }
        let full = table.entries.len() >= self.limits.connections_max;
        let evicted = if full || table.half_open.len() >= self.limits.half_open_max {
            let oldest = table.half_open.first().copied();
            oldest.and_then(|oldest| table.remove(oldest)).and_then(|entry| entry.task)
        } else {
            None
        };
        if table.entries.len() >= self.limits.connections_max {
            return None;
        }
        let admitted = table.insert(path, true, None);
        table.half_open.insert(admitted.id);
        Some((admitted, evicted))
    }

    /// Puts a message in the queue of the connection that it asks for, or of one that fits (RFC 5923), or takes a place for a new one.
    pub fn deliver(&self, target: &Target, queued: Queued) -> Delivery {
        let mut table = self.table();
        let known = match target.path.connection {
            Some(id) => Some(id).filter(|id| table.entries.contains_key(id)),
            None => table.reusable(target),
        };
        let Some(id) = known else {
            let opens = target.path.connection.is_none()
                && matches!(target.path.transport, Transport::Tcp | Transport::Tls)
                && !table.closed
                && table.entries.len() < self.limits.connections_max;
            if !opens {
                return Delivery::Undeliverable(queued);
            }
            let admitted = table.insert(target.path, false, target.tls_name.clone());
            return match table.entries.get(&admitted.id).map(|entry| entry.queue.try_send(queued)) {
                Some(Err(error)) => Delivery::Undeliverable(error.into_inner()),
                _ => Delivery::Opens(admitted),
            };
        };
        let Some(entry) = table.entries.get(&id) else { return Delivery::Undeliverable(queued) };
        match entry.queue.try_send(queued) {
            Ok(()) => Delivery::Queued,
            Err(mpsc::error::TrySendError::Closed(queued)) => Delivery::Undeliverable(queued),
            Err(mpsc::error::TrySendError::Full(queued)) => {
                Delivery::Overflow(queued, table.remove(id).and_then(|entry| entry.task))
            }
        }
    }

    /// Which task carries the connection, so that it can be ended. False if the place is gone already.
    pub fn carried_by(&self, id: ConnectionId, task: AbortHandle) -> bool {
        match self.table().entries.get_mut(&id) {
            Some(entry) => {
                entry.task = Some(task);
                true
            }
            None => false,
        }
    }

    /// What the peer's certificate says it is.
    pub fn verified(&self, id: ConnectionId, names: &Arc<[Box<str>]>) {
        if let Some(entry) = self.table().entries.get_mut(&id) {
            entry.names = Arc::clone(names);
        }
    }

    /// The peer has sent a whole message: it is half-open no more.
    pub fn settled(&self, id: ConnectionId) {
        self.table().half_open.remove(&id);
    }

    pub fn remove(&self, id: ConnectionId) {
        self.table().remove(id);
    }

    /// The tasks of every connection from this source, which give up their places.
    pub fn remove_source(&self, address: IpAddr) -> Vec<AbortHandle> {
        let source = source_of(address);
        let mut table = self.table();
        if !table.inbound_by_source.contains_key(&source) {
            return Vec::new();
        }
        let ids: Vec<ConnectionId> = table
            .entries
            .iter()
            .filter(|(_, entry)| entry.inbound && source_of(entry.path.remote.ip()) == source)
            .map(|(id, _)| *id)
            .collect();
        ids.into_iter().filter_map(|id| table.remove(id)).filter_map(|entry| entry.task).collect()
    }

    /// Takes no more, and ends every queue: what is in them is still written.
    pub fn close(&self) {
        let mut table = self.table();
        *table = Table { issued: table.issued, closed: true, ..Table::default() };
    }

    pub fn len(&self) -> usize {
        self.table().entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Table {
    fn insert(&mut self, path: Path, inbound: bool, tls_name: Option<Arc<str>>) -> Admitted {
        self.issued += 1;
        let id = ConnectionId(self.issued);
        let (sender, queue) = mpsc::channel(STREAM_BACKLOG);
        let path = Path { connection: Some(id), ..path };
        if inbound {
            *self.inbound_by_source.entry(source_of(path.remote.ip())).or_default() += 1;
        }
        self.by_remote.entry((path.transport, path.remote)).or_default().push(id);
        self.entries.insert(id, Entry { path, queue: sender, inbound, tls_name, names: Arc::from([]), task: None });
        Admitted { id, queue }
    }

    fn remove(&mut self, id: ConnectionId) -> Option<Entry> {
        let entry = self.entries.remove(&id)?;
        self.half_open.remove(&id);
        let key = (entry.path.transport, entry.path.remote);
        if let Some(ids) = self.by_remote.get_mut(&key) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_remote.remove(&key);
            }
        }
        if entry.inbound {
            let source = source_of(entry.path.remote.ip());
            if let Some(count) = self.inbound_by_source.get_mut(&source) {
                *count -= 1;
                if *count == 0 {
                    self.inbound_by_source.remove(&source);
                }
            }
        }
        Some(entry)
    }

    /// RFC 5923 5: the same remote and transport, and for TLS a certificate that was verified for the same name.
    fn reusable(&self, target: &Target) -> Option<ConnectionId> {
        let ids = self.by_remote.get(&(target.path.transport, target.path.remote))?;
        ids.iter().rev().copied().find(|id| {
            self.entries.get(id).is_some_and(|entry| {
                entry.path.listener == target.path.listener
                    && (!target.path.transport.is_secure() || entry.speaks_for(target.tls_name.as_deref()))
            })
        })
    }
}

impl Entry {
    fn speaks_for(&self, wanted: Option<&str>) -> bool {
        let same = |name: &str, wanted: &str| name.eq_ignore_ascii_case(wanted);
        match (wanted, self.inbound) {
            (None, inbound) => !inbound && self.tls_name.is_none(),
            (Some(wanted), false) => self.tls_name.as_deref().is_some_and(|name| same(name, wanted)),
            (Some(wanted), true) => self.names.iter().any(|name| same(name, wanted)),
        }
    }
}

#[cfg(test)]
mod tests;
