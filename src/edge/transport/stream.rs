//! Stream connections, taken and opened: TCP, TLS and WebSocket. What then goes over them is the line's business.

use crate::edge::transport::Shared;
use crate::edge::transport::connections::Admitted;
use crate::edge::transport::counters::TlsFailure;
use crate::edge::transport::front;
use crate::edge::transport::line::Line;
use crate::edge::transport::ports::Port;
use crate::edge::transport::pulse::{self, Beat};
use crate::edge::transport::tls;
use crate::edge::transport::websocket;
use crate::edge::transport::wire::ByteWire;
use crate::protocol::sip::path::{ListenerId, Path, Target, Transport};
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, ServerName};
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::MissedTickBehavior;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

/// After so long without an acknowledgement of what we wrote, the peer is gone.
const UNACKNOWLEDGED: Duration = Duration::from_secs(20);

/// Takes connections until it is aborted.
pub async fn listen(shared: Arc<Shared>, port: Arc<Port>, listener: TcpListener, beat: Arc<Beat>) {
    let mut wake = tokio::time::interval(pulse::SIGN_OF_LIFE);
    wake.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, remote)) => welcome(&shared, &port, stream, remote),
                // Out of descriptors, or a peer that was gone before we looked: others' turn first.
                Err(_) => { wake.tick().await; }
            },
            _ = wake.tick() => {}
        }
        beat.alive();
    }
}

fn welcome(shared: &Arc<Shared>, port: &Arc<Port>, stream: TcpStream, remote: SocketAddr) {
    if shared.door.is_banned(remote.ip()) {
        shared.counters.banned_drops.one();
        return;
    }
    let path = Path { transport: port.transport(), listener: port.id(), remote, connection: None };
    let Some((admitted, evicted)) = shared.connections.admit(path) else {
        shared.counters.connections_refused.one();
        return;
    };
    if let Some(evicted) = evicted {
        evicted.abort();
        shared.counters.half_open_closed.one();
    }
    let id = admitted.id;
    let line = Line::new(shared, path, admitted, true);
    let task = tokio::spawn(serve(Arc::clone(shared), Arc::clone(port), stream, line));
    if !shared.connections.carried_by(id, task.abort_handle()) {
        // It ended already, or was pushed out before anybody could name its task.
        task.abort();
    }
}

/// One connection that a peer opened.
async fn serve(shared: Arc<Shared>, port: Arc<Port>, stream: TcpStream, line: Line) {
    if tune(&stream).is_err() {
        return;
    }
    let face = port.face();
    match (port.transport(), &face.server) {
        (Transport::Ws, _) => Box::pin(serve_websocket(shared, stream, &face.origins, line)).await,
        (Transport::Tls, Some(config)) => {
            Box::pin(async {
                if let Some((stream, line)) = serve_tls(&shared, config, stream, line).await {
                    line.carry(ByteWire::new(stream)).await;
                }
            })
            .await;
        }
        (Transport::Wss, Some(config)) => {
            Box::pin(async {
                if let Some((stream, line)) = serve_tls(&shared, config, stream, line).await {
                    serve_websocket(shared, stream, &face.origins, line).await;
                }
            })
            .await;
        }
        (Transport::Tcp, _) => line.carry(ByteWire::new(stream)).await,
        (Transport::Udp | Transport::Tls | Transport::Wss, _) => {}
    }
}

async fn serve_tls(
    shared: &Shared,
    config: &Arc<ServerConfig>,
    stream: TcpStream,
    mut line: Line,
) -> Option<(TlsStream<TcpStream>, Line)> {
    let accepting = TlsAcceptor::from(Arc::clone(config)).accept(stream);
    let accepted = tokio::time::timeout_at(line.first_message_at(), accepting).await;
    match accepted.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(stream) => {
            if let Some(leaf) = stream.get_ref().1.peer_certificates().and_then(<[CertificateDer<'_>]>::first) {
                line.verified(tls::names_of(leaf));
            }
            Some((TlsStream::Server(stream), line))
        }
        Err(error) => {
            tls_failed(shared, &line.path(), &error);
            None
        }
    }
}

async fn serve_websocket<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    shared: Arc<Shared>,
    mut stream: S,
    origins: &[Box<str>],
    line: Line,
) {
    let until = line.first_message_at();
    let opening = match tokio::time::timeout_at(until, websocket::read(&mut stream)).await {
        Ok(Ok(Ok(opening))) => opening,
        Ok(Ok(Err(refusal))) => return refused(&shared, &line, refusal),
        Ok(Err(_)) => return,
        Err(_) => return shared.counters.half_open_closed.one(),
    };
    if let Some(front) = shared.front() {
        if opening.is_for_page() {
            let _timely = tokio::time::timeout_at(until, front::show(front.as_ref(), &mut stream, &opening)).await;
            return;
        }
        if opening.path() == front::SOCKET {
            let stream: front::Stream = Box::new(stream);
            return match tokio::time::timeout_at(until, websocket::accept_page(stream, opening, origins)).await {
                Ok(Ok(Ok(stream))) => front.serve(line.settle(stream)).await,
                Ok(Ok(Err(refusal))) => refused(&shared, &line, refusal),
                Ok(Err(_)) => {}
                Err(_) => shared.counters.half_open_closed.one(),
            };
        }
    }
    match tokio::time::timeout_at(until, websocket::accept(stream, opening, origins)).await {
        Ok(Ok(Ok(wire))) => line.carry(wire).await,
        Ok(Ok(Err(refusal))) => refused(&shared, &line, refusal),
        Ok(Err(_)) => {}
        Err(_) => shared.counters.half_open_closed.one(),
    }
}

fn refused(shared: &Shared, line: &Line, refusal: websocket::Refusal) {
    shared.counters.websocket_refusals.one();
    tracing::debug!(path = %line.path(), ?refusal, "WebSocket handshake refused");
}

/// Opens the connection for which `admitted` is a place, and carries what waits for it.
pub fn open(shared: &Arc<Shared>, target: Target, admitted: Admitted) {
    let id = admitted.id;
    let line = Line::new(shared, target.path, admitted, false);
    let task = shared.runtime.spawn(reach(Arc::clone(shared), target, line));
    if !shared.connections.carried_by(id, task.abort_handle()) {
        task.abort();
    }
}

async fn reach(shared: Arc<Shared>, target: Target, mut line: Line) {
    let deadline = tokio::time::Instant::now() + shared.limits.connect;
    let bind = shared.bind_address(target.path.listener, target.path.remote);
    let connected = tokio::time::timeout_at(deadline, connect(target.path.remote, bind)).await;
    let stream = match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(stream) => stream,
        Err(error) => {
            tracing::debug!(path = %target.path, %error, "connection not opened");
            return;
        }
    };
    if target.path.transport != Transport::Tls {
        return line.carry(ByteWire::new(stream)).await;
    }
    let securing = Box::pin(secure(&shared, &target, stream));
    match tokio::time::timeout_at(deadline, securing).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok((stream, names)) => {
            line.verified(names);
            Box::pin(line.carry(ByteWire::new(stream))).await;
        }
        Err(error) => tls_failed(&shared, &target.path, &error),
    }
}

/// Our listener's own address, so that peers that know us by it recognise us.
async fn connect(remote: SocketAddr, bind: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = if remote.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(address) = bind {
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::new(address, 0))?;
    }
    let stream = socket.connect(remote).await?;
    tune(&stream)?;
    Ok(stream)
}

/// The handshake, after which the peer has proved the name; before it no byte of SIP is written.
async fn secure(
    shared: &Shared,
    target: &Target,
    stream: TcpStream,
) -> io::Result<(TlsStream<TcpStream>, Arc<[Box<str>]>)> {
    let config = shared.client_config(target.path.listener, target.tls_name.as_deref()).map_err(io::Error::other)?;
    let name = match target.tls_name.as_deref() {
        Some(name) => {
            let name = name.trim_end_matches('.').trim_start_matches('[').trim_end_matches(']');
            ServerName::try_from(name.to_owned()).map_err(io::Error::other)?
        }
        None => ServerName::from(target.path.remote.ip()),
    };
    let stream = TlsConnector::from(config).connect(name, stream).await?;
    let leaf = stream.get_ref().1.peer_certificates().and_then(<[CertificateDer<'_>]>::first);
    let names = leaf.map(tls::names_of).unwrap_or_else(|| Arc::from([]));
    Ok((TlsStream::Client(stream), names))
}

/// No delay, and a peer that vanished is noticed by the system.
fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let probe =
        TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(15)).with_retries(3);
    socket.set_tcp_keepalive(&probe)?;
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))
}

fn tls_failed(shared: &Shared, path: &Path, error: &io::Error) {
    let kind = tls::failure(error);
    shared.counters.tls_failure(kind).one();
    if kind != TlsFailure::Broken {
        tracing::debug!(%path, kind = kind.name(), %error, "TLS handshake failed");
    }
}

impl Shared {
    /// The address that our connections leave from: the listener's, unless it listens on every one.
    fn bind_address(&self, listener: ListenerId, remote: SocketAddr) -> Option<IpAddr> {
        let own = self.ports().find(listener)?.address.ip();
        (!own.is_unspecified() && own.is_ipv4() == remote.is_ipv4()).then_some(own)
    }

    fn client_config(
        &self,
        listener: ListenerId,
        name: Option<&str>,
    ) -> Result<Arc<rustls::ClientConfig>, rustls::Error> {
        let ports = self.ports();
        let face = ports.find(listener).map(|port| port.face());
        ports.authorities.client(name, face.as_ref().and_then(|face| face.identity.as_ref()))
    }
}
