//! What a worker tells the control plane: the door out. Facts only; what they mean is decided elsewhere.

use super::command::{SourceId, StreamId, TapId};
use super::handshake::{Certificates, HandshakeFault};
use crate::base::id::CallId;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// RTP at this address; RTCP one port above.
    Opened {
        stream: StreamId,
        local: SocketAddr,
        /// What a handshake on it may show.
        certificates: Arc<Certificates>,
    },
    /// No port is free, or the system refused it.
    NotOpened {
        stream: StreamId,
    },
    /// The first packet that was accepted.
    Started {
        stream: StreamId,
        from: SocketAddr,
    },
    /// Nothing came for as long as the plan allows; told once until packets come again.
    Silent {
        stream: StreamId,
        since: Duration,
    },
    /// Packets come again after `Silent`.
    Heard {
        stream: StreamId,
    },
    /// A digit has ended. In order, each key press once, whatever form it came in.
    Digit {
        stream: StreamId,
        digit: u8,
        lasted: Duration,
        form: HeardAs,
    },
    /// A browser's handshake gave no keys: nothing can be said or heard.
    NotSecured {
        stream: StreamId,
        fault: HandshakeFault,
    },
    /// A browser has not renewed its consent (RFC 7675): nothing is sent until it does.
    ConsentLost {
        stream: StreamId,
    },
    /// RTCP BYE: the peer says that it has stopped.
    PeerLeft {
        stream: StreamId,
    },
    SourceEnded {
        call: CallId,
        source: SourceId,
        outcome: SourceOutcome,
    },
    TapEnded {
        call: CallId,
        tap: TapId,
    },
    /// Every ten seconds, and with `Closed`.
    Quality {
        stream: StreamId,
        quality: Box<Quality>,
    },
    Closed {
        stream: StreamId,
        quality: Box<Quality>,
    },
}

impl Event {
    /// Whose it is.
    pub fn call(&self) -> CallId {
        match self {
            Event::Opened { stream, .. }
            | Event::NotOpened { stream }
            | Event::Started { stream, .. }
            | Event::Silent { stream, .. }
            | Event::Heard { stream }
            | Event::Digit { stream, .. }
            | Event::PeerLeft { stream }
            | Event::NotSecured { stream, .. }
            | Event::ConsentLost { stream }
            | Event::Quality { stream, .. }
            | Event::Closed { stream, .. } => stream.call,
            Event::SourceEnded { call, .. } | Event::TapEnded { call, .. } => *call,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeardAs {
    TelephoneEvent,
    InBand,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SourceOutcome {
    Finished,
    Stopped,
}

/// How one stream fared. `None` means: not measured.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Quality {
    pub lasted: Duration,
    pub received: Direction,
    pub sent: Direction,
    pub round_trip: Option<Duration>,
    /// Packets refused, by reason.
    pub refused: Refused,
    /// Decibels below full scale, of what the peer said.
    pub level: Option<u8>,
    pub talked: Option<Duration>,
    pub echo_suspected: Option<bool>,
}

/// One direction. For `sent` the losses are what the peer's RTCP reports say.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Direction {
    pub packets: u64,
    pub bytes: u64,
    pub lost: Option<u64>,
    /// Lost in runs of two and more.
    pub lost_in_bursts: Option<u64>,
    /// Came too late or too early to be played.
    pub discarded: Option<u64>,
    pub jitter: Option<Duration>,
    pub mos: Option<f32>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Refused {
    /// Audio from an address that nobody proved.
    pub stranger: u64,
    /// RTCP from such an address.
    pub strange_reports: u64,
    /// SRTP authentication or replay.
    pub not_authentic: u64,
    /// Not RTP or RTCP, or a payload type that was not agreed.
    pub not_ours: u64,
}
