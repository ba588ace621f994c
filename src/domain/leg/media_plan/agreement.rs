//! What a description of ours and one of the peer's have settled for a stream, as its worker needs it. Sends nothing.

use crate::domain::leg::media_plan::formats;
use crate::domain::trunk::media::{DtmfForm, MediaSettings};
use crate::media::command::{DigitForm, PayloadPair, PlannedCodec, SrtpKeys, StreamPlan};
use crate::media::handshake::WebRtc;
use crate::protocol::sdp::attribute::{self, Direction};
use crate::protocol::sdp::codec::Codec as Format;
use crate::protocol::sdp::parse::{Description, Media};
use std::net::{IpAddr, SocketAddr};

/// One stream as both sides have described it.
#[derive(Clone, PartialEq, Debug)]
pub struct Agreement {
    pub remote: Option<SocketAddr>,
    pub remote_rtcp: Option<SocketAddr>,
    pub rtcp_mux: bool,
    pub sends: bool,
    pub receives: bool,
    pub codecs: Vec<PlannedCodec>,
    pub events: Vec<PayloadPair>,
    pub comfort: Vec<PayloadPair>,
    pub ptime: u8,
    pub secrecy: Secrecy,
}

/// What keeps a stream from others.
#[derive(Clone, PartialEq, Debug)]
pub enum Secrecy {
    None,
    Keys(SrtpKeys),
    /// By proof and handshake on the way of the stream itself.
    WebRtc(Box<WebRtc>),
}

/// A description and the one stream in it.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub description: &'a Description<'a>,
    pub media: &'a Media<'a>,
}

impl<'a> View<'a> {
    /// The first stream of audio that is alive.
    pub fn audio(description: &'a Description<'a>) -> Option<View<'a>> {
        let media = description.media.iter().find(|media| media.is_audio() && media.port != 0 && media.is_rtp())?;
        Some(View { description, media })
    }

    /// With the hold of RFC 2543: who gives no address does not want to hear.
    pub fn direction(&self) -> Direction {
        let written = self.description.direction(self.media);
        if self.description.has_no_place(self.media) { written.and(Direction::SendOnly) } else { written }
    }

    fn address(&self) -> Option<IpAddr> {
        let address: IpAddr = self.description.connection(self.media)?.host.parse().ok()?;
        (!address.is_unspecified() && !address.is_multicast()).then_some(address)
    }

    /// RFC 3605, else one port above.
    fn rtcp(&self, address: IpAddr) -> Option<SocketAddr> {
        let Some(written) = attribute::value(&self.media.lines, "rtcp") else {
            return Some(SocketAddr::new(address, self.media.port.checked_add(1)?));
        };
        let mut words = written.split_ascii_whitespace();
        let port = words.next()?.parse().ok().filter(|port| *port != 0)?;
        // The words between are the kinds of network and address.
        let other = words.nth(2).and_then(|host| host.parse().ok());
        Some(SocketAddr::new(other.unwrap_or(address), port))
    }
}

/// The packet time that a peer wants to hear, in steps that we can make.
fn ptime(media: &Media<'_>) -> u8 {
    let longest = media.maxptime().unwrap_or(u16::MAX);
    let wanted = media.ptime().unwrap_or(20).min(longest);
    [60, 40, 30, 20].into_iter().find(|step| u16::from(*step) <= wanted).unwrap_or(10)
}

fn pair(ours: &Format<'_>, theirs: &Format<'_>) -> PayloadPair {
    PayloadPair { receive: ours.payload, send: theirs.payload, clock: theirs.clock }
}

impl Agreement {
    /// `ordered` is the one of the two that answers: its order of formats is what holds (RFC 3264 6.1).
    pub fn new(ours: View<'_>, theirs: View<'_>, ordered: View<'_>, secrecy: Secrecy) -> Agreement {
        let own: Vec<Format<'_>> = ours.media.codecs().collect();
        let other: Vec<Format<'_>> = theirs.media.codecs().collect();
        let (mut codecs, mut events, mut comfort) = (Vec::new(), Vec::new(), Vec::new());
        for format in ordered.media.codecs() {
            let (Some(mine), Some(peers)) = (pick(&own, &format), pick(&other, &format)) else { continue };
            let payload = pair(mine, peers);
            match format {
                format if format.is_telephone_event() => events.push(payload),
                format if format.is_companion() => comfort.push(payload),
                format => codecs.push(PlannedCodec {
                    codec: formats::codec_of(&format),
                    payload,
                    kind: formats::kind_of(&format),
                }),
            }
        }
        // A browser proves where it is; what it has written is a guess of its own.
        let address = theirs.address().filter(|_| !matches!(secrecy, Secrecy::WebRtc(_)));
        let remote = address.map(|address| SocketAddr::new(address, theirs.media.port));
        let rtcp_mux = ours.media.rtcp_mux() && theirs.media.rtcp_mux();
        let (mine, peers) = (ours.direction(), theirs.direction());
        Agreement {
            remote,
            remote_rtcp: if rtcp_mux { remote } else { address.and_then(|address| theirs.rtcp(address)) },
            rtcp_mux,
            sends: mine.sends() && peers.receives(),
            receives: mine.receives() && peers.sends(),
            codecs,
            events,
            comfort,
            ptime: ptime(theirs.media),
            secrecy,
        }
    }

    /// The codec that both this stream and another one have; the first such one of this.
    pub fn shared_with(&self, other: &Agreement) -> Option<u32> {
        let kinds = self.codecs.iter().map(|codec| codec.kind);
        kinds.into_iter().find(|kind| other.codecs.iter().any(|codec| codec.kind == *kind))
    }

    /// The whole wish. `first`: the kind of codec to be sent, where another than the peer's first saves re-coding.
    pub fn plan(&self, settings: &MediaSettings, first: Option<u32>) -> StreamPlan {
        let mut codecs = self.codecs.clone();
        let (srtp, webrtc) = match &self.secrecy {
            Secrecy::None => (None, None),
            Secrecy::Keys(keys) => (Some(keys.clone()), None),
            Secrecy::WebRtc(webrtc) => (None, Some(webrtc.clone())),
        };
        // What a browser likes best is what stands the loss of its way best; that is worth the re-coding.
        let first = first.filter(|_| webrtc.is_none());
        if let Some(at) = codecs.iter().position(|codec| Some(codec.kind) == first) {
            codecs.get_mut(..=at).unwrap_or_default().rotate_right(1);
        }
        let clock = codecs.first().map_or(8_000, |codec| codec.payload.clock);
        let fitting = |pairs: &[PayloadPair]| pairs.iter().find(|pair| pair.clock == clock).copied();
        let telephone_event = fitting(&self.events).or_else(|| self.events.first().copied());
        let dtmf_out = match settings.dtmf {
            DtmfForm::Rfc4733 if telephone_event.is_some() => DigitForm::TelephoneEvent,
            DtmfForm::Rfc4733 | DtmfForm::InBand => DigitForm::InBand,
            DtmfForm::Info | DtmfForm::InfoRelay => DigitForm::Info,
        };
        StreamPlan {
            remote: self.remote,
            remote_rtcp: self.remote_rtcp,
            rtcp_mux: self.rtcp_mux,
            learning: settings.learning.learning(),
            sends: self.sends,
            receives: self.receives,
            codecs,
            telephone_event,
            comfort_noise: fitting(&self.comfort),
            ptime: self.ptime,
            srtp,
            webrtc,
            dtmf_out,
            detect_in_band: settings.detect_in_band,
            silent_after: settings.silent_after,
            opus: settings.opus,
        }
    }
}

/// The format of a list that means the same; under the same number, where there are several.
fn pick<'f, 'a>(list: &'f [Format<'a>], format: &Format<'_>) -> Option<&'f Format<'a>> {
    let same = list.iter().find(|own| own.payload == format.payload && own.matches(format));
    same.or_else(|| list.iter().find(|own| own.matches(format)))
}
