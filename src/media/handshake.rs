//! What workers and whoever performs DTLS handshakes for them tell each other (RFC 5764). Performs none.

use crate::media::command::{SrtpKeys, StreamId};
use crate::protocol::ice::responder::Terms;
use crate::protocol::sdp::fingerprint::Fingerprint;

/// What offer and answer have agreed for a stream whose peer is a browser.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WebRtc {
    pub terms: Terms,
    pub wish: HandshakeWish,
}

/// One handshake: with whom, and in which part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HandshakeWish {
    /// Of the only certificate that is the peer's.
    pub peer: Fingerprint,
    /// We send the first hello.
    pub is_client: bool,
    /// Which of ours is shown. Another one is how a peer sees that a new handshake is wanted (RFC 8842 5.1).
    pub certificate: u8,
}

/// Our certificates of this run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Certificates(pub [Fingerprint; 2]);

/// A worker's orders. What is lost on the way is sent again by the peer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HandshakeOrder {
    /// A datagram came from where the peer has proven to be; without one: it has just proven it, and waits for our hello.
    Go {
        stream: StreamId,
        wish: HandshakeWish,
        datagram: Option<Box<[u8]>>,
    },
    End {
        stream: StreamId,
    },
}

/// What becomes of a handshake.
#[derive(Debug)]
pub enum HandshakeNews {
    Send(Box<[u8]>),
    /// Of the handshake that was wished so.
    Keys(HandshakeWish, Box<SrtpKeys>),
    Failed(HandshakeFault),
}

/// Why there are no keys. One variant, one label.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HandshakeFault {
    /// The certificate is not the one that the peer's description vouches for.
    Fingerprint,
    /// A certificate that we cannot read or verify: RSA, most likely.
    Certificate,
    /// No protection of SRTP that both sides have.
    NoProfile,
    /// Anything else that ends a handshake.
    Protocol,
    TooLate,
}

impl HandshakeFault {
    pub const ALL: [HandshakeFault; 5] = [
        HandshakeFault::Fingerprint,
        HandshakeFault::Certificate,
        HandshakeFault::NoProfile,
        HandshakeFault::Protocol,
        HandshakeFault::TooLate,
    ];

    pub fn name(self) -> &'static str {
        match self {
            HandshakeFault::Fingerprint => "fingerprint",
            HandshakeFault::Certificate => "certificate",
            HandshakeFault::NoProfile => "no-profile",
            HandshakeFault::Protocol => "protocol",
            HandshakeFault::TooLate => "too-late",
        }
    }

    /// For the trail.
    pub fn words(self) -> &'static str {
        match self {
            HandshakeFault::Fingerprint => "its certificate is not the one that it has described",
            HandshakeFault::Certificate => "its certificate cannot be verified: only ECDSA is taken",
            HandshakeFault::NoProfile => "it has no SRTP profile of ours",
            HandshakeFault::Protocol => "the DTLS handshake failed",
            HandshakeFault::TooLate => "the DTLS handshake took too long",
        }
    }
}
