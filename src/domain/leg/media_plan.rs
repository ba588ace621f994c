//! What the session description of one leg becomes on another. Opens no port and carries no media.

use crate::base::cause::Cause;
use crate::base::entropy::Entropy;
use crate::domain::trunk::settings::SrtpPolicy;
use bytes::Bytes;

/// Whose addresses stand in c= and m= lines. The media issue adds our own; nothing else has to know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Addresses {
    PassThrough,
}

/// How one leg's peer is to be spoken to; made afresh from the party's settings, so that a call holds no copy.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Side<'a> {
    /// Our advertised host on the listener of this leg, for the o= line.
    pub host: &'a str,
    /// Audio codecs in order of preference; empty passes all. `telephone-event` and `CN` need no mention.
    pub codecs: &'a [Box<str>],
    pub srtp: SrtpPolicy,
    pub addresses: Addresses,
}

/// Why no description can be sent to a peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    Unreadable,
    NoCodec,
    /// The peer, or the one it talks to, must have SRTP and this has none.
    NotSecure,
    /// The peer takes no SRTP and this is nothing but SRTP.
    OnlySecure,
    /// An answer without an offer.
    NoOffer,
}

impl Refusal {
    pub fn cause(self) -> Cause {
        Cause::MediaNotAcceptable
    }
}

/// The descriptions of one leg: what its peer offered, and the one series of descriptions that we send to it.
#[derive(Debug)]
pub struct MediaPlan {
    id: u32,
}

#[allow(unused_variables)]
impl MediaPlan {
    pub fn new(entropy: &mut Entropy) -> MediaPlan {
        MediaPlan { id: u32::try_from(entropy.below(0x7fff_ffff)).unwrap_or(0) + 1 }
    }

    /// This leg's peer has sent an offer. It is remembered until `settle` for `answer_to`. Refused where the leg's own policy forbids it.
    pub fn offered(&mut self, offer: &[u8], side: &Side<'_>) -> Result<(), Refusal> {
        todo!()
    }

    /// What to offer to this leg's peer, made of an offer that the other leg's peer has sent.
    pub fn offer_to(&mut self, offer: &[u8], side: &Side<'_>) -> Result<Bytes, Refusal> {
        todo!()
    }

    /// What to answer to this leg's peer (after `offered`), made of the answer that the other leg's peer has sent.
    /// May be called again for the same offer: several 18x, then the 200.
    pub fn answer_to(&mut self, answer: &[u8], side: &Side<'_>) -> Result<Bytes, Refusal> {
        todo!()
    }

    /// Offer and answer are complete: what was last sent is what holds.
    pub fn settle(&mut self) {
        todo!()
    }

    /// The description that holds, to be sent again unchanged (session refresh); with a new version where a
    /// refused offer came between.
    pub fn refresh(&mut self, side: &Side<'_>) -> Option<Bytes> {
        todo!()
    }
}

/// The session description in a body: all of it, or one part of a multipart body.
#[allow(unused_variables)]
pub fn session_description<'a>(content_type: Option<&str>, body: &'a [u8]) -> Option<&'a [u8]> {
    todo!()
}

/// Whether a description puts its receiver on hold: no stream that its sender wants to hear (sendonly, inactive, 0.0.0.0).
#[allow(unused_variables)]
pub fn is_hold(description: &[u8]) -> bool {
    todo!()
}
