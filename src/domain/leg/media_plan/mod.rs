//! What the session description of one leg becomes on another, passed through or with us in between. Opens no port.

use crate::base::cause::Cause;
use crate::base::entropy::Entropy;
use crate::domain::leg::media_plan::agreement::Agreement;
use crate::domain::leg::media_plan::end::End;
use crate::domain::phone::settings::Phone;
use crate::domain::trunk::media::MediaSettings;
use crate::domain::trunk::settings::{SrtpPolicy, Trunk};
use crate::media::handshake::Certificates;
use crate::protocol::sdp::offer_answer::{self, Policy, Security, Unacceptable};
use crate::protocol::sdp::parse::{Description, Line};
use crate::protocol::sdp::series::Series;
use crate::protocol::sip::multipart;
use bytes::Bytes;
use std::net::SocketAddr;

pub mod agreement;
pub mod end;
pub mod formats;
pub mod keys;
pub mod own;
pub mod web;

/// How one leg's peer is to be spoken to; made afresh from the party's settings, so that a call holds no copy.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Side<'a> {
    /// Our advertised host on the listener of this leg, for the o= line.
    pub host: &'a str,
    /// Audio codecs in order of preference; empty passes all. `telephone-event` and `CN` need no mention.
    pub codecs: &'a [Box<str>],
    pub srtp: SrtpPolicy,
    pub media: &'a MediaSettings,
    pub is_phone: bool,
}

/// How audio of one peer goes through us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Relaying {
    /// Between sides that may have different codecs.
    pub recode: bool,
    pub srtp: SrtpPolicy,
    /// It speaks ICE and DTLS, and is offered nothing else.
    pub is_browser: bool,
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

/// The descriptions of one leg: what its peer offered, and the one series of descriptions that we send to it.
#[derive(Debug)]
pub struct MediaPlan {
    series: Series,
    /// The peer's offer that is not settled yet, as far as its own policy lets it pass.
    offer: Bytes,
    /// What we sent last when offer and answer were complete.
    agreed: Bytes,
    /// Our own stream; `None` where audio goes from end to end.
    end: Option<Box<End>>,
}

impl<'a> Side<'a> {
    pub fn of_trunk(trunk: &'a Trunk, host: &'a str) -> Side<'a> {
        Side { host, codecs: &trunk.codecs, srtp: trunk.srtp, media: &trunk.media, is_phone: false }
    }

    pub fn of_phone(phone: &'a Phone, host: &'a str) -> Side<'a> {
        Side { host, codecs: &phone.codecs, srtp: phone.srtp, media: &phone.media, is_phone: true }
    }

    fn policy(&self) -> Policy<'a> {
        let security = match self.srtp {
            SrtpPolicy::Plain => Security::Plain,
            SrtpPolicy::Optional => Security::Optional,
            SrtpPolicy::Required => Security::Required,
        };
        Policy { codecs: self.codecs, security }
    }
}

impl Refusal {
    pub fn cause(self) -> Cause {
        Cause::MediaNotAcceptable
    }

    /// For the trail.
    pub fn words(self) -> &'static str {
        match self {
            Refusal::Unreadable => "the session description cannot be read",
            Refusal::NoCodec => "no codec is allowed on both sides",
            Refusal::NotSecure => "SRTP is required and was not offered",
            Refusal::OnlySecure => "only SRTP was offered to a party without SRTP",
            Refusal::NoOffer => "an answer came without an offer",
        }
    }
}

impl From<Unacceptable> for Refusal {
    fn from(unacceptable: Unacceptable) -> Refusal {
        match unacceptable {
            Unacceptable::NoCodec => Refusal::NoCodec,
            Unacceptable::NotSecure => Refusal::NotSecure,
            Unacceptable::OnlySecure => Refusal::OnlySecure,
        }
    }
}

impl MediaPlan {
    pub fn new(entropy: &mut Entropy) -> MediaPlan {
        let id = u32::try_from(entropy.below(0x7fff_ffff)).unwrap_or_default() + 1;
        MediaPlan { series: Series::new(id), offer: Bytes::new(), agreed: Bytes::new(), end: None }
    }

    /// This leg's peer has sent an offer. It is remembered until `settle` for `answer_to`. What comes back is the offer as
    /// far as this peer's own policy lets it pass: hand that to `offer_to` of other legs. Of one that may not pass at all
    /// is left what `answer_alone` has to decline.
    pub fn offered(&mut self, offer: &[u8], side: &Side<'_>) -> Result<Bytes, Refusal> {
        let mut description = parse(offer)?;
        let mut policy = side.policy();
        let mut checked = Ok(());
        if let Some(end) = &self.end {
            checked = end.check(&description, side);
            // Whether it is secret enough was just judged; the keys are for us.
            policy.security = Security::Optional;
        }
        let restricted = checked.and_then(|()| restrict(&mut description, &policy));
        self.offer = match restricted {
            Ok(true) => Bytes::from(description.to_string()),
            Ok(false) | Err(_) => Bytes::copy_from_slice(offer),
        };
        restricted.map(|_| self.offer.clone())
    }

    /// What to offer to this leg's peer, made of what `offered` of the other leg gave.
    pub fn offer_to(&mut self, offer: &[u8], side: &Side<'_>) -> Result<Bytes, Refusal> {
        let mut description = parse(offer)?;
        if let Some(end) = &mut self.end {
            let last = self.series.last().clone();
            let last = Description::parse(&last).unwrap_or_default();
            let mut described = end.offer(&description, &last, side)?;
            end.is_offering = true;
            return Ok(self.series.next(&mut described.0, side.host));
        }
        restrict(&mut description, &side.policy())?;
        hide(&mut description, side);
        Ok(self.series.next(&mut description, side.host))
    }

    /// What to answer to this leg's peer (after `offered`), made of the answer that the other leg's peer has sent.
    /// May be called again for the same offer: several 18x, then the 200.
    pub fn answer_to(&mut self, answer: &[u8], side: &Side<'_>) -> Result<Bytes, Refusal> {
        if self.offer.is_empty() {
            return Err(Refusal::NoOffer);
        }
        let offer = parse(&self.offer)?;
        let mut description = parse(answer)?;
        if let Some(end) = &mut self.end {
            let mut described = end.answer(&offer, &description, side)?;
            end.is_offering = false;
            described.0.lines.extend(offer.lines.iter().filter(|line| line.letter == b't').map(own));
            return Ok(self.series.next(&mut described.0, side.host));
        }
        let given = live(&description);
        if offer_answer::fit(&offer, &mut description) == 0 && given > 0 {
            return Err(Refusal::NoCodec);
        }
        hide(&mut description, side);
        // RFC 3264 6: the time line of an answer is that of its offer.
        description.lines.extend(offer.lines.iter().filter(|line| line.letter == b't').cloned());
        Ok(self.series.next(&mut description, side.host))
    }

    /// The peer's offer that waits for its answer, while another one is dealt with.
    pub fn set_aside(&mut self) -> Bytes {
        std::mem::take(&mut self.offer)
    }

    pub fn put_back(&mut self, offer: Bytes) {
        self.offer = offer;
    }

    /// What we sent last when offer and answer were complete.
    pub fn agreed(&self) -> Bytes {
        self.agreed.clone()
    }

    /// An answer of our own, where nobody gives one to the offer that this peer has made: what holds stays as it is, and
    /// where nothing holds yet every stream is declined. `None`: no offer waits.
    pub fn answer_alone(&mut self, side: &Side<'_>) -> Option<Bytes> {
        if self.offer.is_empty() {
            return None;
        }
        let held = self.refresh(side).and_then(|held| self.answer_to(&held, side).ok());
        held.or_else(|| self.decline(side))
    }

    /// RFC 3264 6: a stream is declined by its port of zero.
    fn decline(&mut self, side: &Side<'_>) -> Option<Bytes> {
        if let Some(end) = &mut self.end {
            end.is_offering = false;
        }
        let offer = self.offer.clone();
        let mut description = parse(&offer).ok()?;
        description.media.iter_mut().for_each(|media| media.port = 0);
        hide(&mut description, side);
        Some(self.series.next(&mut description, side.host))
    }

    /// From now on audio goes through us; where, `opened` will say.
    pub fn relay(&mut self, relaying: Relaying, entropy: &mut Entropy) {
        self.end = Some(Box::new(End::new(relaying, entropy)));
    }

    /// Our end of its stream, as its peer reaches it.
    pub fn opened(&mut self, address: SocketAddr, certificates: Certificates) {
        if let Some(end) = &mut self.end {
            end.opened(address, certificates);
        }
    }

    /// What holds, with the address where our end is by now.
    pub fn moved(&mut self, side: &Side<'_>) -> Option<Bytes> {
        let agreed = self.agreed.clone();
        let mut description = parse(&agreed).ok()?;
        let end = self.end.as_mut()?;
        end.put_address(&mut description);
        end.is_offering = true;
        Some(self.series.next(&mut description, side.host))
    }

    /// The peer has answered what we offered last. Once for each fork that answers early; never for what is an offer.
    pub fn answered(&mut self, answer: &[u8]) -> Result<(), Refusal> {
        let last = self.series.last();
        match self.end.as_mut().filter(|end| end.is_offering) {
            Some(end) => end.answered(&parse(last)?, &parse(answer)?),
            None => Ok(()),
        }
    }

    /// What is agreed of our stream with this peer, as its worker needs it.
    pub fn agreement(&self) -> Option<&Agreement> {
        self.end.as_ref()?.agreement()
    }

    /// Changes whenever the agreement does.
    pub fn revision(&self) -> u32 {
        self.end.as_ref().map_or(0, |end| end.revision())
    }

    /// Offer and answer are complete: what was last sent is what holds.
    pub fn settle(&mut self) {
        self.offer = Bytes::new();
        self.agreed = self.series.last().clone();
        if let Some(end) = &mut self.end {
            end.is_offering = false;
        }
    }

    /// The description that holds, to be sent again unchanged (session refresh); with a new version where a
    /// refused offer came between.
    pub fn refresh(&mut self, side: &Side<'_>) -> Option<Bytes> {
        if let Some(end) = &mut self.end {
            end.is_offering = true;
        }
        if self.agreed == *self.series.last() {
            return Some(self.agreed.clone()).filter(|agreed| !agreed.is_empty());
        }
        let agreed = self.agreed.clone();
        let mut description = parse(&agreed).ok()?;
        self.agreed = self.series.next(&mut description, side.host);
        Some(self.agreed.clone())
    }
}

fn parse(body: &[u8]) -> Result<Description<'_>, Refusal> {
    Description::parse(body).map_err(|_| Refusal::Unreadable)
}

fn live(description: &Description<'_>) -> usize {
    description.media.iter().filter(|media| media.port != 0).count()
}

/// Closes the streams that the side may not have, and says whether anything was changed. Refused when that leaves
/// none of those there were.
fn restrict(description: &mut Description<'_>, policy: &Policy<'_>) -> Result<bool, Refusal> {
    let mut first = None;
    let mut changed = false;
    let keyed = description.is_keyed();
    for media in &mut description.media {
        match offer_answer::restrict(media, keyed, policy) {
            Ok(other) => changed |= other,
            Err(unacceptable) => {
                media.port = 0;
                first = first.or(Some(unacceptable));
            }
        }
    }
    match first {
        Some(unacceptable) if live(description) == 0 => Err(unacceptable.into()),
        Some(_) => Ok(true),
        None => Ok(changed),
    }
}

/// Leaves nothing that tells of the other side but what its media needs.
fn hide(description: &mut Description<'_>, side: &Side<'_>) {
    let plain = side.srtp == SrtpPolicy::Plain;
    let tells = |line: &Line<'_>| match line.attribute() {
        Some((name, _)) => name == "tool" || plain && offer_answer::is_key_attribute(name),
        None => !matches!(line.letter, b'c' | b'b'),
    };
    description.lines.retain(|line| !tells(line));
    for media in &mut description.media {
        media.lines.retain(|line| !tells(line));
    }
}

fn own(line: &Line<'_>) -> Line<'static> {
    Line { letter: line.letter, value: line.value.to_string().into() }
}

/// The session description in a body: all of it, or one part of a multipart body. A body without a type is taken as one.
pub fn session_description<'a>(content_type: Option<&'a str>, body: &'a [u8]) -> Option<&'a [u8]> {
    let content_type = content_type.unwrap_or("application/sdp");
    multipart::find(content_type, body, "application/sdp").filter(|description| !description.trim_ascii().is_empty())
}

/// Whether a description puts its receiver on hold: no stream that its sender wants to hear (sendonly, inactive, 0.0.0.0).
pub fn is_hold(description: &[u8]) -> bool {
    // Looked for in every answer and found in few: what does not even hold the words need not be read.
    let tells = |word: &str| memchr::memmem::find(description, word.as_bytes()).is_some();
    let may_be = tells("sendonly") || tells("inactive") || tells("0.0.0.0") || tells("IP6") || tells("ip6");
    may_be && Description::parse(description).is_ok_and(|description| description.is_hold())
}

#[cfg(test)]
mod tests;
