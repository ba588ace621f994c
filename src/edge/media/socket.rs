//! The sockets of one worker: bound in pairs, watched by one epoll, found by number. Reads no packet's content.

use crate::media::transmit::SocketId;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, sockopt};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// Half a second of the widest stream we speak. A larger one would only keep what is too old to be heard, and after a stop
/// of ours all of it stands before the first packet that is not.
const RECEIVE_BYTES: usize = 48 * 1_024;
/// Sockets that are looked at in one round; the others come first in the next.
const ROUND_SOCKETS: usize = 256;
const BELL: u64 = u64::MAX;

struct Pair {
    rtp: OwnedFd,
    control: OwnedFd,
}

pub struct Sockets {
    epoll: OwnedFd,
    pairs: Vec<Option<Pair>>,
    dscp: u8,
}

/// What the last wait found. Stays in its thread, as the system's own type of an event does.
pub struct Found(Vec<epoll::Event>);

/// What is ready after a wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ready {
    Bell,
    Socket(SocketId),
}

impl Found {
    pub fn new() -> Found {
        Found(Vec::with_capacity(ROUND_SOCKETS))
    }

    /// Whether there may be more than one round could look at.
    pub fn is_flooded(&self) -> bool {
        self.0.len() >= ROUND_SOCKETS
    }

    pub fn ready(&self, index: usize) -> Option<Ready> {
        let number = self.0.get(index)?.data.u64();
        if number == BELL {
            return Some(Ready::Bell);
        }
        let slot = u32::try_from(number >> 1).ok()?;
        Some(Ready::Socket(SocketId { slot, control: number & 1 == 1 }))
    }
}

impl Sockets {
    pub fn new(bell: impl AsFd, dscp: u8) -> rustix::io::Result<Sockets> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, bell, epoll::EventData::new_u64(BELL), epoll::EventFlags::IN)?;
        Ok(Sockets { epoll, pairs: Vec::new(), dscp })
    }

    /// Waits until something is ready, at most so long; gives how much is.
    pub fn wait(&self, longest: Duration, found: &mut Found) -> usize {
        found.0.clear();
        let nanos = longest.subsec_nanos().into();
        let timeout = Timespec { tv_sec: i64::try_from(longest.as_secs()).unwrap_or(i64::MAX), tv_nsec: nanos };
        // An interruption is a round in which nothing was ready.
        let _ = epoll::wait(&self.epoll, spare_capacity(&mut found.0), Some(&timeout));
        found.0.len()
    }

    /// Binds a pair, or neither of it.
    pub fn bind(&mut self, slot: u32, address: SocketAddr) -> rustix::io::Result<()> {
        let above = SocketAddr::new(address.ip(), address.port().saturating_add(1));
        let pair = Pair { rtp: self.open(address)?, control: self.open(above)? };
        for (socket, control) in [(&pair.rtp, 0), (&pair.control, 1)] {
            let number = epoll::EventData::new_u64(u64::from(slot) << 1 | control);
            epoll::add(&self.epoll, socket, number, epoll::EventFlags::IN)?;
        }
        let at = usize::try_from(slot).map_err(|_| Errno::INVAL)?;
        if self.pairs.len() <= at {
            self.pairs.resize_with(at + 1, || None);
        }
        if let Some(place) = self.pairs.get_mut(at) {
            *place = Some(pair);
        }
        Ok(())
    }

    pub fn close(&mut self, slot: u32) {
        if let Some(place) = usize::try_from(slot).ok().and_then(|at| self.pairs.get_mut(at)) {
            *place = None;
        }
    }

    /// Takes one datagram if there is one.
    #[inline]
    pub fn receive(&self, id: SocketId, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        let socket = self.socket(id)?;
        let (length, _, from) = rustix::net::recvfrom(socket, buffer, RecvFlags::DONTWAIT).ok()?;
        Some((length, SocketAddr::try_from(from?).ok()?))
    }

    /// Hands a datagram to the system; `false` when it does not take it.
    #[inline]
    pub fn send(&self, id: SocketId, to: SocketAddr, bytes: &[u8]) -> bool {
        let Some(socket) = self.socket(id) else { return false };
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let sent = match to {
            SocketAddr::V4(to) => rustix::net::sendto(socket, bytes, flags, &to),
            SocketAddr::V6(to) => rustix::net::sendto(socket, bytes, flags, &to),
        };
        sent.is_ok()
    }

    #[inline]
    fn socket(&self, id: SocketId) -> Option<&OwnedFd> {
        let pair = self.pairs.get(usize::try_from(id.slot).ok()?)?.as_ref()?;
        Some(if id.control { &pair.control } else { &pair.rtp })
    }

    fn open(&self, address: SocketAddr) -> rustix::io::Result<OwnedFd> {
        let family = if address.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = rustix::net::socket_with(family, SocketType::DGRAM, flags, None)?;
        sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BYTES)?;
        let class = self.dscp << 2;
        if address.is_ipv6() {
            sockopt::set_ipv6_v6only(&socket, true)?;
            sockopt::set_ipv6_tclass(&socket, u32::from(class))?;
        } else {
            sockopt::set_ip_tos(&socket, class)?;
        }
        rustix::net::bind(&socket, &address)?;
        Ok(socket)
    }
}
