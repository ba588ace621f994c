//! The half of a stream that only browsers have: ICE answered, DTLS passed on, keys awaited. Sees no audio.

use crate::media::handshake::{HandshakeWish, WebRtc};
use crate::protocol::ice::responder::{Checked, Responder};
use crate::protocol::ice::write::ROOM;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Datagrams of one handshake: its flights, repeated for some seconds. More is somebody's idea of a flood.
const DATAGRAMS_MAX: u16 = 256;
/// How long after its end a handshake may still be asked for its last flight.
const LINGER: Duration = Duration::from_secs(20);

pub struct Web {
    pub responder: Responder,
    wish: HandshakeWish,
    keyed_at: Option<Instant>,
    datagrams: u16,
    /// Where the last one of the handshake came from.
    heard_from: Option<SocketAddr>,
}

impl Web {
    pub fn new(agreed: &WebRtc) -> Web {
        Web {
            responder: Responder::new(agreed.terms.clone()),
            wish: agreed.wish,
            keyed_at: None,
            datagrams: 0,
            heard_from: None,
        }
    }

    /// Takes what is agreed now. `true`: keys of before are good no more.
    pub fn agree(&mut self, agreed: &WebRtc) -> bool {
        self.responder.agree(&agreed.terms);
        let is_new = self.wish != agreed.wish;
        if is_new {
            (self.wish, self.keyed_at, self.datagrams) = (agreed.wish, None, 0);
        }
        is_new
    }

    /// Answers a check at the beginning of the buffer, in its place.
    pub fn check(&mut self, now: Instant, from: SocketAddr, length: usize, buffer: &mut [u8]) -> Checked {
        let mut room = [0; ROOM];
        let request = buffer.get(..length).unwrap_or_default();
        let checked = self.responder.take(now, from, request, &mut room);
        let answer = checked.answer.filter(|length| {
            let (written, place) = (room.get(..*length), buffer.get_mut(..*length));
            written.zip(place).map(|(written, place)| place.copy_from_slice(written)).is_some()
        });
        Checked { answer, ..checked }
    }

    /// The handshake that our hello should begin, if one waits for it.
    pub fn begins(&self) -> Option<HandshakeWish> {
        (self.wish.is_client && self.keyed_at.is_none()).then_some(self.wish)
    }

    /// Whether a datagram of a handshake is the peer's, and of use; and for which handshake.
    pub fn admits(&mut self, now: Instant, from: SocketAddr) -> Option<HandshakeWish> {
        let is_late = self.keyed_at.is_some_and(|at| now.saturating_duration_since(at) > LINGER);
        if is_late || self.datagrams >= DATAGRAMS_MAX || !self.responder.is_proven(from) {
            return None;
        }
        self.datagrams += 1;
        self.heard_from = Some(from);
        Some(self.wish)
    }

    /// Where datagrams of the handshake go.
    pub fn answers_to(&self) -> Option<SocketAddr> {
        self.heard_from.filter(|from| self.responder.is_proven(*from)).or(self.responder.chosen())
    }

    /// A handshake has given keys. `false`: it is another one that is wanted by now.
    pub fn is_keyed(&mut self, now: Instant, wish: HandshakeWish) -> bool {
        let is_wanted = self.wish == wish;
        if is_wanted {
            self.keyed_at = Some(now);
        }
        is_wanted
    }
}
