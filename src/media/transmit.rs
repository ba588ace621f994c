//! Packets of our own making on their way out: built in one buffer that is used again, read by the edge in order.

use std::net::SocketAddr;
use std::ops::Range;

/// One of the two sockets of a stream.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SocketId {
    pub slot: u32,
    /// The RTCP port, one above that of RTP.
    pub control: bool,
}

/// Send these bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transmit<'a> {
    pub socket: SocketId,
    pub to: SocketAddr,
    pub bytes: &'a [u8],
}

/// The packets that wait to be read.
#[derive(Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    waiting: Vec<(SocketId, SocketAddr, Range<usize>)>,
    read: usize,
}

impl Outbox {
    /// Lets `build` write one packet into room of this size; it says how long the packet is, or that there is none.
    pub fn add(
        &mut self,
        socket: SocketId,
        to: SocketAddr,
        room: usize,
        build: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> Option<usize> {
        let start = self.bytes.len();
        self.bytes.resize(start + room, 0);
        let length = self.bytes.get_mut(start..).and_then(build).map(|length| length.min(room));
        self.bytes.truncate(start + length.unwrap_or(0));
        self.waiting.push((socket, to, start..start + length?));
        length
    }

    /// The next packet; after the last one the buffer is empty again.
    pub fn poll(&mut self) -> Option<Transmit<'_>> {
        if self.read >= self.waiting.len() {
            self.bytes.clear();
            self.waiting.clear();
            self.read = 0;
            return None;
        }
        let (socket, to, range) = self.waiting.get(self.read)?;
        self.read += 1;
        Some(Transmit { socket: *socket, to: *to, bytes: self.bytes.get(range.clone())? })
    }
}
