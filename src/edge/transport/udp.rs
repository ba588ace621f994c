//! One UDP socket: datagrams to messages and back. Answers nothing of its own accord.

use crate::edge::transport::Shared;
use crate::edge::transport::ports::Port;
use crate::edge::transport::pulse::{self, Beat};
use crate::protocol::sip::message::Message;
use crate::protocol::sip::path::{Path, Transport};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::UdpSocket;
use tokio::time::MissedTickBehavior;

/// Half a second of 10,000 messages a second, so that a pause of ours loses none.
const SOCKET_BUFFER_BYTES: usize = 4 * 1_024 * 1_024;
/// Datagrams taken in a row before others get their turn.
const BATCH: usize = 32;

/// Opens a socket with large buffers. The system may grant less; it says how much.
pub fn open(bind: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(bind), Type::DGRAM, Some(Protocol::UDP))?;
    if bind.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES)?;
    socket.set_send_buffer_size(SOCKET_BUFFER_BYTES)?;
    socket.bind(&bind.into())?;
    // Linux reports twice of what it grants.
    let granted = socket.recv_buffer_size()? / 2;
    if granted < SOCKET_BUFFER_BYTES {
        tracing::info!(%bind, granted, wanted = SOCKET_BUFFER_BYTES, "receive buffer smaller than wanted (net.core.rmem_max)");
    }
    UdpSocket::from_std(socket.into())
}

/// Takes datagrams until it is aborted.
pub async fn listen(shared: Arc<Shared>, port: Arc<Port>, beat: Arc<Beat>) {
    let Some(socket) = port.datagrams() else { return };
    let mut buffer = vec![0; crate::base::limits::MESSAGE_BYTES_MAX + 1];
    let mut wake = tokio::time::interval(pulse::SIGN_OF_LIFE);
    wake.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let none = Arc::from([]);
    loop {
        tokio::select! {
            biased;
            ready = socket.readable() => {
                if ready.is_err() {
                    wake.tick().await;
                }
            }
            _ = wake.tick() => {
                beat.alive();
                continue;
            }
        }
        beat.busy();
        let mut is_empty = false;
        for _ in 0..BATCH {
            match socket.try_recv_from(&mut buffer) {
                Ok((length, remote)) => {
                    take(&shared, &port, remote, buffer.get(..length).unwrap_or_default(), &none);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    beat.empty();
                    is_empty = true;
                    break;
                }
                // An error that an earlier datagram of ours met; the next receive is not concerned.
                Err(_) => {}
            }
        }
        // An empty socket makes the next wait give way by itself, without asking the system for other events first.
        if !is_empty {
            tokio::task::yield_now().await;
        }
    }
}

fn take(shared: &Shared, port: &Port, remote: SocketAddr, bytes: &[u8], none: &Arc<[Box<str>]>) {
    shared.counters.datagrams_in.one();
    shared.counters.datagram_bytes_in.add(u64::try_from(bytes.len()).unwrap_or(0));
    if shared.door.is_banned(remote.ip()) {
        shared.counters.banned_drops.one();
        return;
    }
    if is_keepalive(bytes) {
        shared.counters.keepalives.one();
        return;
    }
    let path = Path { transport: Transport::Udp, listener: port.id(), remote, connection: None };
    match Message::parse(bytes) {
        Ok(message) => shared.sink.message(path, none, Box::new(message)),
        Err(error) => shared.sink.malformed(path, error),
    }
}

/// Blank datagrams, and STUN (RFC 5626 3.5.2), which no peer can count on and which we do not answer.
fn is_keepalive(bytes: &[u8]) -> bool {
    match bytes {
        [] => true,
        [0 | 1, ..] => bytes.get(4..8) == Some(&[0x21, 0x12, 0xa4, 0x42]) || bytes.len() <= 4,
        _ => bytes.len() <= 4 && bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | b' ' | 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_and_stun_datagrams_are_keepalives_and_messages_are_not() {
        assert!(is_keepalive(b""));
        assert!(is_keepalive(b"\r\n"));
        assert!(is_keepalive(b"\r\n\r\n"));
        assert!(is_keepalive(b"\0\0\0\0"));
        assert!(is_keepalive(b"\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl"));
        assert!(!is_keepalive(b"\x00\x01\x00\x00rubbish"));
        assert!(!is_keepalive(b"OPTIONS sip:a SIP/2.0\r\n\r\n"));
        assert!(!is_keepalive(b"ACK"));
    }
}
