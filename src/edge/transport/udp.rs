//! One UDP socket: datagrams to messages and back. Answers nothing of its own accord.

use crate::edge::clock;
use crate::edge::transport::Shared;
use crate::edge::transport::load::Load;
use crate::edge::transport::outbox::{Letter, Outbox};
use crate::edge::transport::ports::Port;
use crate::edge::transport::pulse::{self, Beat};
use crate::protocol::sip::message::Message;
use crate::protocol::sip::path::{Path, Transport};
use socket2::{Domain, Protocol, Socket, Type};
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::MissedTickBehavior;

/// Half a second of 10,000 messages a second, so that a pause of ours loses none.
const SOCKET_BUFFER_BYTES: usize = 4 * 1_024 * 1_024;
/// What the system accounts at least for one datagram that waits, however small.
const DATAGRAM_BYTES_MIN: usize = 512;
/// Under load datagrams gather for about so long before they are taken: what each would have cost in waking up is more than
/// its work, and SIP's shortest timer is a hundred times as long.
const ROUND: Duration = Duration::from_millis(4);
/// Work taken in a row before others get their turn, and what of it a datagram takes: little if it is dropped unread.
const TURN: u32 = 256;
const MESSAGE_WORK: u32 = 8;
const JUNK_WORK: u32 = 1;
/// Tasks that one message sets going one after the other: the switchboard, its call, a place on a trunk, the call again.
const HOPS: u32 = 5;

/// The socket of one listener. It stands outside the runtime's reactor but for the time in which somebody waits for it.
#[derive(Debug)]
pub struct Datagrams {
    socket: UdpSocket,
    outbox: Outbox,
    /// More cannot wait in the socket to be taken.
    waiting_max: u32,
}

impl Datagrams {
    /// Opens a socket with large buffers. The system may grant less; it says how much.
    pub fn open(bind: SocketAddr) -> io::Result<Datagrams> {
        let socket = Socket::new(Domain::for_address(bind), Type::DGRAM, Some(Protocol::UDP))?;
        if bind.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES)?;
        socket.set_send_buffer_size(SOCKET_BUFFER_BYTES)?;
        socket.bind(&bind.into())?;
        // Linux reports twice of what it grants.
        let accounted = socket.recv_buffer_size()?;
        if accounted / 2 < SOCKET_BUFFER_BYTES {
            let granted = accounted / 2;
            tracing::info!(%bind, granted, wanted = SOCKET_BUFFER_BYTES, "receive buffer smaller than wanted (net.core.rmem_max)");
        }
        let waiting_max = u32::try_from(accounted / DATAGRAM_BYTES_MIN).unwrap_or(u32::MAX);
        Ok(Datagrams { socket: socket.into(), outbox: Outbox::default(), waiting_max })
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Sends at once, or at the end of the round that is being worked through.
    pub fn send(&self, shared: &Shared, letter: Letter) {
        if let Some(letter) = self.outbox.put(letter) {
            self.post(shared, letter);
        }
    }

    fn post(&self, shared: &Shared, letter: Letter) {
        match self.socket.send_to(&letter.bytes, letter.remote) {
            Ok(length) => {
                shared.counters.datagrams_out.one();
                shared.counters.datagram_bytes_out.add(u64::try_from(length).unwrap_or(0));
            }
            // A full send buffer is congestion: the datagram is lost as it might be on the way, and timers see to it.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => shared.counters.send_drops.one(),
            Err(_) => shared.undeliverable(letter.owner, letter.token),
        }
    }
}

/// Takes datagrams until it is aborted: at rest each as it comes, under load in rounds.
pub async fn listen(shared: Arc<Shared>, port: Arc<Port>, beat: Arc<Beat>) {
    let mut listening = Listening {
        shared,
        port,
        beat,
        buffer: vec![0; crate::base::limits::MESSAGE_BYTES_MAX + 1],
        load: Load::new(clock::now().instant),
        nobody: Arc::from([]),
    };
    loop {
        if listening.at_rest().await.is_err() {
            // The runtime has no room for one more socket: it is looked at all the same.
            tokio::time::sleep(ROUND).await;
        }
        listening.in_rounds().await;
    }
}

/// A port as the reactor sees it.
struct Watched(Arc<Port>);

impl AsRawFd for Watched {
    fn as_raw_fd(&self) -> RawFd {
        self.0.datagrams().map_or(-1, |datagrams| datagrams.socket.as_raw_fd())
    }
}

/// Not for writing, as the runtime's own socket would be: the system would wake us for each datagram of ours that has left.
///
/// What replaces the deprecated function is `unsafe` because a descriptor might be closed while it is registered. This one is
/// the port's, which what is registered keeps alive.
#[allow(deprecated)]
fn watch(port: &Arc<Port>) -> io::Result<AsyncFd<Watched>> {
    AsyncFd::with_interest(Watched(Arc::clone(port)), Interest::READABLE)
}

struct Listening {
    shared: Arc<Shared>,
    port: Arc<Port>,
    beat: Arc<Beat>,
    buffer: Vec<u8>,
    load: Load,
    nobody: Arc<[Box<str>]>,
}

/// What one turn found.
struct Taken {
    datagrams: u32,
    /// Nothing waits any more.
    all: bool,
}

impl Listening {
    /// The reactor tells of every datagram. Returns under load.
    async fn at_rest(&mut self) -> io::Result<()> {
        let watched = watch(&self.port)?;
        let mut life = tokio::time::interval(pulse::SIGN_OF_LIFE);
        life.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.load.is_heavy() {
            tokio::select! {
                biased;
                ready = watched.readable() => {
                    let mut ready = ready?;
                    let taken = self.turn().await;
                    if taken.all {
                        ready.clear_ready();
                    } else {
                        tokio::task::yield_now().await;
                    }
                    self.load.took(clock::now().instant, taken.datagrams);
                }
                _ = life.tick() => self.beat.alive(),
            }
        }
        Ok(())
    }

    /// Nobody tells of datagrams: they are looked for. Returns when few have come.
    async fn in_rounds(&mut self) {
        while self.load.is_heavy() {
            tokio::time::sleep(ROUND).await;
            let mut taken = self.turn().await;
            while !taken.all {
                tokio::task::yield_now().await;
                let more = self.turn().await;
                taken = Taken { datagrams: taken.datagrams.saturating_add(more.datagrams), ..more };
            }
            self.load.took(clock::now().instant, taken.datagrams);
        }
    }

    /// Takes what waits, lets those work whom it concerns, and then sends what they have said.
    async fn turn(&mut self) -> Taken {
        let round = Round::begin(Arc::clone(&self.shared), Arc::clone(&self.port));
        let taken = self.take();
        for _ in 0..HOPS {
            step_aside().await;
        }
        drop(round);
        taken
    }

    fn take(&mut self) -> Taken {
        let mut taken = Taken { datagrams: 0, all: false };
        let Some(datagrams) = self.port.datagrams() else { return taken };
        self.beat.busy(datagrams.waiting_max);
        let mut work = 0;
        while work < TURN {
            match datagrams.socket.recv_from(&mut self.buffer) {
                Ok((length, remote)) => {
                    taken.datagrams += 1;
                    let bytes = self.buffer.get(..length).unwrap_or_default();
                    if self.sort(remote, bytes) {
                        work += MESSAGE_WORK;
                    } else {
                        self.beat.junk();
                        work += JUNK_WORK;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.beat.empty();
                    taken.all = true;
                    break;
                }
                // An error that an earlier datagram of ours met; the next receive is not concerned.
                Err(_) => work += JUNK_WORK,
            }
        }
        taken
    }

    /// Whether it was a message; anything else costs nobody more than this.
    fn sort(&self, remote: SocketAddr, bytes: &[u8]) -> bool {
        let shared = &self.shared;
        shared.counters.datagrams_in.one();
        shared.counters.datagram_bytes_in.add(u64::try_from(bytes.len()).unwrap_or(0));
        if shared.door.is_banned(remote.ip()) {
            shared.counters.banned_drops.one();
            return false;
        }
        if is_keepalive(bytes) {
            shared.counters.keepalives.one();
            return false;
        }
        let path = Path { transport: Transport::Udp, listener: self.port.id(), remote, connection: None };
        match Message::parse(bytes) {
            Ok(message) => {
                shared.sink.message(path, &self.nobody, Box::new(message));
                true
            }
            Err(error) => {
                shared.sink.malformed(path, error);
                false
            }
        }
    }
}

/// From the first datagram of a turn until everybody has spoken; however it ends, what waits to leave leaves.
struct Round {
    shared: Arc<Shared>,
    port: Arc<Port>,
}

impl Round {
    fn begin(shared: Arc<Shared>, port: Arc<Port>) -> Round {
        if let Some(datagrams) = port.datagrams() {
            datagrams.outbox.open();
            shared.sink.round_begins();
        }
        Round { shared, port }
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        if let Some(datagrams) = self.port.datagrams() {
            self.shared.sink.round_ends();
            datagrams.outbox.close(|letter| datagrams.post(&self.shared, letter));
        }
    }
}

/// Lets every task run that is ready now. Unlike the runtime's own way of yielding it does not ask the system for events.
async fn step_aside() {
    let mut has_stepped = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_stepped, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
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
