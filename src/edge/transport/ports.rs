//! Our listening places, as configuration lists them: opened all or none, exchanged whole on reload.

use crate::domain::call::interface::Profiles;
use crate::domain::profile::Listener;
use crate::edge::transport::tls::{self, Authorities};
use crate::edge::transport::udp::Datagrams;
use crate::edge::transport::{ReloadReport, StartError, Trust};
use crate::protocol::sip::path::{ListenerId, Transport};
use rustls::ServerConfig;
use rustls::sign::CertifiedKey;
use socket2::{Domain, Protocol, Socket, Type};
use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

const ACCEPT_BACKLOG: i32 = 1_024;

/// One listening place. It outlives a reload that keeps its transport and address.
pub struct Port {
    key: (Transport, SocketAddr),
    pub name: String,
    pub address: SocketAddr,
    /// Its number may change when configuration lists other places before it.
    id: AtomicU16,
    datagrams: Option<Datagrams>,
    face: RwLock<Arc<Face>>,
    task: Mutex<Option<AbortHandle>>,
}

/// What new connections of a port meet. Replaced on reload.
#[derive(Default)]
pub struct Face {
    pub server: Option<Arc<ServerConfig>>,
    pub identity: Option<Arc<CertifiedKey>>,
    pub origins: Vec<Box<str>>,
}

impl Port {
    pub fn id(&self) -> ListenerId {
        ListenerId(self.id.load(Ordering::Relaxed))
    }

    pub fn transport(&self) -> Transport {
        self.key.0
    }

    pub fn datagrams(&self) -> Option<&Datagrams> {
        self.datagrams.as_ref()
    }

    pub fn face(&self) -> Arc<Face> {
        self.face.read().map(|face| Arc::clone(&face)).unwrap_or_default()
    }

    pub fn runs_in(&self, task: AbortHandle) {
        if let Ok(mut own) = self.task.lock() {
            *own = Some(task);
        }
    }

    pub fn end(&self) {
        if let Some(task) = self.task.lock().ok().and_then(|mut task| task.take()) {
            task.abort();
        }
    }
}

/// All places, by number, and whom we believe when we connect.
#[derive(Clone)]
pub struct Ports {
    /// Where a number's place stands in the lists below; `None` for a number whose listener a reload has taken away.
    index_by_id: Vec<Option<usize>>,
    open: Vec<Arc<Port>>,
    /// Index as in `open`.
    profiles: Vec<u16>,
    pub authorities: Authorities,
}

impl Ports {
    pub fn find(&self, id: ListenerId) -> Option<&Arc<Port>> {
        self.open.get(self.index(id)?)
    }

    fn index(&self, id: ListenerId) -> Option<usize> {
        self.index_by_id.get(usize::from(id.0)).copied().flatten()
    }

    pub fn all(&self) -> &[Arc<Port>] {
        &self.open
    }

    /// The socket from which a datagram leaves that is to leave "from" this listener: its own, or where it listens for
    /// streams one of the same profile.
    pub fn datagrams_from(&self, id: ListenerId, remote: SocketAddr) -> Option<&Datagrams> {
        if let Some(own) = self.find(id)?.datagrams() {
            return Some(own);
        }
        let profile = self.profiles.get(self.index(id)?)?;
        let family = |port: &Arc<Port>| port.address.is_ipv4() == remote.is_ipv4();
        let same = self.open.iter().zip(&self.profiles).filter(|(port, of)| *of == profile && family(port));
        same.filter_map(|(port, _)| port.datagrams()).next()
    }
}

/// A place that has just been opened, and what its task listens on if it is not a datagram socket.
pub struct Fresh {
    pub port: Arc<Port>,
    pub streams: Option<TcpListener>,
}

/// Everything that a start or reload needs, opened and checked; nothing that runs has been touched yet.
pub struct Prepared {
    pub ports: Ports,
    pub fresh: Vec<Fresh>,
    pub report: ReloadReport,
    faces: Vec<Arc<Face>>,
    gone: Vec<Arc<Port>>,
}

impl Prepared {
    /// Opens what is new, reads every certificate. Must run inside the runtime.
    pub fn open(old: &[Arc<Port>], profiles: &Profiles, trust: &Trust) -> Result<Prepared, StartError> {
        let authorities = Authorities::load(&trust.authorities_by_name)
            .map_err(|why| StartError { listener: "authorities of trunks".into(), why })?;
        let ports = Ports { index_by_id: Vec::new(), open: Vec::new(), profiles: Vec::new(), authorities };
        let mut prepared =
            Prepared { ports, fresh: Vec::new(), report: ReloadReport::default(), faces: Vec::new(), gone: Vec::new() };
        let mut seen = BTreeSet::new();
        for (index, (profile_index, _)) in profiles.listeners.iter().enumerate() {
            let id = ListenerId(u16::try_from(index).unwrap_or(u16::MAX));
            let Some((profile, listener)) = profiles.listener(id) else {
                prepared.ports.index_by_id.push(None);
                continue;
            };
            let name = format!("profile {}, {} {}", profile.name, listener.transport.name(), listener.bind);
            let fault = |why: String| StartError { listener: name.clone(), why };
            let key = (listener.transport, listener.bind);
            if listener.bind.port() != 0 && !seen.insert(key) {
                return Err(fault("listed twice".into()));
            }
            prepared.faces.push(Arc::new(face(listener).map_err(fault)?));
            let taken = |port: &Arc<Port>| prepared.ports.open.iter().any(|own| Arc::ptr_eq(own, port));
            let known = old.iter().find(|port| port.key == key && !taken(port));
            let port = match known {
                Some(port) => {
                    prepared.report.kept.push(name.clone());
                    Arc::clone(port)
                }
                None => {
                    let fresh = open(listener, name.clone(), id).map_err(|error| fault(error.to_string()))?;
                    prepared.report.added.push(name.clone());
                    let port = Arc::clone(&fresh.port);
                    prepared.fresh.push(fresh);
                    port
                }
            };
            prepared.ports.index_by_id.push(Some(prepared.ports.open.len()));
            prepared.ports.open.push(port);
            prepared.ports.profiles.push(*profile_index);
        }
        prepared.gone =
            old.iter().filter(|port| !prepared.ports.open.iter().any(|new| Arc::ptr_eq(new, port))).cloned().collect();
        prepared.report.removed = prepared.gone.iter().map(|port| port.name.clone()).collect();
        Ok(prepared)
    }

    /// Lets the new faces be seen and ends the places that are gone.
    pub fn apply(&self) {
        for (id, index) in self.ports.index_by_id.iter().enumerate() {
            let Some((port, new)) = index.and_then(|at| self.ports.open.get(at).zip(self.faces.get(at))) else {
                continue;
            };
            port.id.store(u16::try_from(id).unwrap_or(u16::MAX), Ordering::Relaxed);
            if let Ok(mut face) = port.face.write() {
                *face = Arc::clone(new);
            }
        }
        self.gone.iter().for_each(|port| port.end());
    }
}

fn face(listener: &Listener) -> Result<Face, String> {
    let mut face = Face { origins: listener.origins.clone(), ..Face::default() };
    match &listener.tls {
        Some(files) if listener.transport.is_secure() => {
            let identity = tls::identity(files)?;
            face.server = Some(tls::server(files, &identity)?);
            face.identity = Some(identity);
        }
        None if listener.transport.is_secure() => return Err("a certificate and its key are needed".into()),
        _ => {}
    }
    Ok(face)
}

fn open(listener: &Listener, name: String, id: ListenerId) -> io::Result<Fresh> {
    let (datagrams, streams) = match listener.transport {
        Transport::Udp => (Some(Datagrams::open(listener.bind)?), None),
        _ => (None, Some(open_streams(listener.bind)?)),
    };
    let address = match (&datagrams, &streams) {
        (Some(socket), _) => socket.local_addr()?,
        (_, Some(socket)) => socket.local_addr()?,
        (None, None) => listener.bind,
    };
    let port = Arc::new(Port {
        key: (listener.transport, listener.bind),
        name,
        address,
        id: AtomicU16::new(id.0),
        datagrams,
        face: RwLock::default(),
        task: Mutex::default(),
    });
    Ok(Fresh { port, streams })
}

fn open_streams(bind: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(bind), Type::STREAM, Some(Protocol::TCP))?;
    if bind.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&bind.into())?;
    socket.listen(ACCEPT_BACKLOG)?;
    TcpListener::from_std(socket.into())
}
