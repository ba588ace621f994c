//! What the control plane wants of one worker: the door in. Wishes are whole, so that a repeated one changes nothing.

use super::handshake::{HandshakeNews, WebRtc};
use super::matrix::Matrix;
pub use super::prompt::Prompt;
use super::tap::{FeedIn, TapOut};
use crate::base::id::{CallId, LegId};
use crate::protocol::audio::codec::Codec;
pub use crate::protocol::audio::opus::OpusWish;
pub use crate::protocol::audio::tone::Tone;
use crate::protocol::rtp::suite::Suite;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// The media half of a leg. All streams of one call live on one worker.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct StreamId {
    pub call: CallId,
    pub leg: LegId,
}

#[derive(Debug)]
pub enum Command {
    /// Bind a port for this stream at that address. Answered with `Opened` or `NotOpened`.
    Open {
        stream: StreamId,
        bind: IpAddr,
    },
    /// What offer and answer have agreed for this stream, whole; again after each change.
    Plan {
        stream: StreamId,
        plan: Box<StreamPlan>,
    },
    /// Who hears whom in this call, whole. Nobody hears anybody before the first one.
    Matrix {
        call: CallId,
        matrix: Matrix,
    },
    /// Starts a source that members of the matrix can hear. Answered with `SourceEnded`, whatever happens to it.
    Play {
        call: CallId,
        source: SourceId,
        playlist: Playlist,
    },
    /// Ends a source early.
    Stop {
        call: CallId,
        source: SourceId,
    },
    /// Digits to send on a stream, in the form that its plan says.
    SendDigits {
        stream: StreamId,
        digits: Box<[SentDigit]>,
    },
    /// What one stream hears and says (or a whole call mixed), copied to a tap until `StopTap`.
    Tap {
        call: CallId,
        tap: TapId,
        what: TapChoice,
        out: TapOut,
    },
    /// Starts a source whose audio comes block by block from outside. It ends when its giver has gone, or with `Stop`.
    Feed {
        call: CallId,
        source: SourceId,
        from: FeedIn,
    },
    StopTap {
        call: CallId,
        tap: TapId,
    },
    /// What became of the handshake that this stream's worker has ordered.
    Handshake {
        stream: StreamId,
        news: HandshakeNews,
    },
    /// Answered with `Closed` and its quality. The port goes into quarantine.
    Close {
        stream: StreamId,
    },
}

impl Command {
    /// Whose it is; all streams of a call live on one worker.
    pub fn call(&self) -> CallId {
        match self {
            Command::Open { stream, .. }
            | Command::Plan { stream, .. }
            | Command::SendDigits { stream, .. }
            | Command::Handshake { stream, .. }
            | Command::Close { stream } => stream.call,
            Command::Matrix { call, .. }
            | Command::Play { call, .. }
            | Command::Stop { call, .. }
            | Command::Tap { call, .. }
            | Command::Feed { call, .. }
            | Command::StopTap { call, .. } => *call,
        }
    }
}

/// One stream as offer and answer left it.
#[derive(Clone, PartialEq, Debug)]
pub struct StreamPlan {
    /// Where signalling says that its audio goes. Nothing is sent before it is known.
    pub remote: Option<SocketAddr>,
    /// Where its RTCP goes; the RTP address when multiplexed, nowhere when unknown.
    pub remote_rtcp: Option<SocketAddr>,
    pub rtcp_mux: bool,
    pub learning: Learning,
    /// We may send to the peer; the peer may send to us (our view of the direction attribute).
    pub sends: bool,
    pub receives: bool,
    /// In order of preference; the first is what we send. Never empty while the stream lives.
    pub codecs: Vec<PlannedCodec>,
    /// RFC 4733, when both sides have it.
    pub telephone_event: Option<PayloadPair>,
    /// RFC 3389, when both sides have it.
    pub comfort_noise: Option<PayloadPair>,
    /// Packet time that we send, in milliseconds: 10, 20, 30, 40 or 60.
    pub ptime: u8,
    pub srtp: Option<SrtpKeys>,
    /// The peer proves where it is and gives its keys by itself: no address and no key above holds.
    pub webrtc: Option<Box<WebRtc>>,
    pub dtmf_out: DigitForm,
    /// Listen for digits in the audio as well (Q.24). Costs decoding.
    pub detect_in_band: bool,
    /// No packet for so long, while the peer should send, is told as an event.
    pub silent_after: Option<Duration>,
    pub opus: OpusWish,
}

impl StreamPlan {
    /// Plain audio both ways in one codec and nothing else: where to is not known yet, and nothing is learned.
    pub fn of(codec: PlannedCodec) -> StreamPlan {
        StreamPlan {
            remote: None,
            remote_rtcp: None,
            rtcp_mux: false,
            learning: Learning::Never,
            sends: true,
            receives: true,
            codecs: vec![codec],
            telephone_event: None,
            comfort_noise: None,
            ptime: 20,
            srtp: None,
            webrtc: None,
            dtmf_out: DigitForm::TelephoneEvent,
            detect_in_band: false,
            silent_after: None,
            opus: OpusWish::default(),
        }
    }

    /// With its audio there, and its RTCP one port above.
    pub fn toward(self, remote: SocketAddr) -> StreamPlan {
        let remote_rtcp = remote.port().checked_add(1).map(|port| SocketAddr::new(remote.ip(), port));
        StreamPlan { remote: Some(remote), remote_rtcp, ..self }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlannedCodec {
    pub codec: Codec,
    pub payload: PayloadPair,
    /// Equal on both streams of a call means: the payload may cross untouched. Distinguishes parameters (fmtp) of opaque codecs.
    pub kind: u32,
}

/// One format's payload types: what we receive it under and what we send it under (RFC 3264 5.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PayloadPair {
    pub receive: u8,
    pub send: u8,
    pub clock: u32,
}

/// May the peer's real address differ from the one that it signalled?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Learning {
    Never,
    /// Once, within this time of the plan's start, and only the port, inside the signalled address.
    Port {
        within: Duration,
    },
    /// Once, within this time, to any address (a peer behind NAT).
    Anywhere {
        within: Duration,
    },
}

#[derive(Clone, PartialEq, Eq)]
pub struct SrtpKeys {
    pub suite: Suite,
    /// Key and salt, one after the other, as after `inline:`.
    pub ours: Box<[u8]>,
    pub theirs: Box<[u8]>,
}

impl std::fmt::Debug for SrtpKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SrtpKeys({})", self.suite.name())
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DigitForm {
    TelephoneEvent,
    /// As tones in the audio.
    InBand,
    /// Not by the media plane: the call core sends SIP INFO.
    Info,
}

/// A source or tap within one call; chosen by the call core, never used twice in a call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct SourceId(pub u16);

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TapId(pub u16);

/// What a source plays, without a gap between its parts.
#[derive(Clone, Debug)]
pub struct Playlist {
    pub parts: Vec<Part>,
    /// How often the whole is played; `None` for ever.
    pub times: Option<u16>,
}

#[derive(Clone, Debug)]
pub enum Part {
    /// Decoded once, shared by all calls.
    Prompt(Arc<Prompt>),
    Tone(Tone),
    Silence(Duration),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SentDigit {
    /// 0 to 9, *, #, A to D.
    pub digit: u8,
    pub lasts: Duration,
    pub pause_after: Duration,
}

/// What a tap receives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TapChoice {
    /// Two channels: what this leg says on the left, what it hears on the right.
    Stereo { leg: LegId, rate: u32 },
    /// What this leg says.
    Spoken { leg: LegId, rate: u32 },
    /// What this leg hears.
    Heard { leg: LegId, rate: u32 },
    /// What all legs say, mixed.
    Mixed { rate: u32 },
}
