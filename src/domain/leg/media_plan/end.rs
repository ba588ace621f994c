//! Our own end of a leg's audio: the descriptions in which we are the one who speaks and hears. Opens no port.

use crate::base::entropy::Entropy;
use crate::domain::leg::media_plan::agreement::{Agreement, Secrecy, View};
use crate::domain::leg::media_plan::formats::{self, Answering, Choice};
use crate::domain::leg::media_plan::keys::{OwnKeys, Taken};
use crate::domain::leg::media_plan::web::{self, WebEnd};
use crate::domain::leg::media_plan::{Refusal, Relaying, Side};
use crate::domain::trunk::settings::SrtpPolicy;
use crate::media::handshake::Certificates;
use crate::protocol::sdp::codec::Codec as Format;
use crate::protocol::sdp::offer_answer::{rejected, set_direction};
use crate::protocol::sdp::parse::{Description, Line, Media};
use std::net::SocketAddr;

/// The one stream of audio that a leg has with us.
#[derive(Debug)]
pub struct End {
    /// As peers reach it; nowhere before its port is open.
    pub(super) address: SocketAddr,
    keys: OwnKeys,
    /// What a browser is told; only a browser has it.
    web: Option<Box<WebEnd>>,
    /// Between sides that may have different codecs.
    recode: bool,
    /// What we described last was an offer whose answer is to come.
    pub(super) is_offering: bool,
    agreement: Option<Agreement>,
    revision: u32,
}

impl End {
    pub fn new(relaying: Relaying, entropy: &mut Entropy) -> End {
        let keys = match relaying.srtp {
            SrtpPolicy::Plain => OwnKeys::none(),
            SrtpPolicy::Optional | SrtpPolicy::Required => OwnKeys::draw(entropy),
        };
        End {
            address: SocketAddr::from(([0, 0, 0, 0], 0)),
            keys,
            web: relaying.is_browser.then(|| Box::new(WebEnd::new(entropy))),
            recode: relaying.recode,
            is_offering: false,
            agreement: None,
            revision: 0,
        }
    }

    /// The port of our stream is open.
    pub fn opened(&mut self, address: SocketAddr, certificates: Certificates) {
        self.address = address;
        if let Some(web) = &mut self.web {
            web.present(certificates);
        }
    }

    /// Changes whenever what is agreed changes.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    pub fn agreement(&self) -> Option<&Agreement> {
        self.agreement.as_ref()
    }

    /// Whether a peer's offer holds a stream that we can be the other end of.
    pub fn check(&self, offer: &Description<'_>, side: &Side<'_>) -> Result<(), Refusal> {
        let is_empty = offer.media.iter().all(|media| media.port == 0);
        if is_empty { Ok(()) } else { self.usable(offer, side).map(|_| ()) }
    }

    /// The first stream of an offer that can be ours, and what keeps it secret.
    fn usable<'d>(
        &self,
        offer: &'d Description<'d>,
        side: &Side<'_>,
    ) -> Result<(usize, &'d Media<'d>, Offered), Refusal> {
        let mut why = Refusal::NoCodec;
        for (at, media) in offer.media.iter().enumerate() {
            if !media.is_audio() || media.port == 0 || !media.is_rtp() {
                continue;
            }
            if web::is_dtls(media) && self.web.is_some() {
                match web::read(View { description: offer, media }) {
                    Some(peer) => return Ok((at, media, Offered::WebRtc(peer))),
                    None => why = Refusal::NotSecure,
                }
                continue;
            }
            let taken = self.keys.choose(media);
            match (side.srtp, media.is_secure(), &taken) {
                (SrtpPolicy::Plain, true, _) => why = Refusal::OnlySecure,
                (_, true, None) | (SrtpPolicy::Required, _, None) => why = Refusal::NotSecure,
                _ => return Ok((at, media, taken.map_or(Offered::Clear, Offered::Keys))),
            }
        }
        Err(why)
    }

    /// What to offer to this leg's peer when the other side has offered `theirs`. `last`: what we described last.
    pub fn offer(
        &self,
        theirs: &Description<'_>,
        last: &Description<'_>,
        side: &Side<'_>,
    ) -> Result<Described, Refusal> {
        let place = last.media.iter().position(|media| media.is_audio() && media.port != 0);
        let place = place.or_else(|| last.media.iter().position(Media::is_audio)).unwrap_or(last.media.len());
        let mut media: Vec<Media<'static>> = last.media.iter().map(|media| rejected(media)).collect();
        let audio = match View::audio(theirs) {
            Some(view) => self.offered_audio(view, last.media.get(place), side)?,
            None => {
                let closed = theirs.media.iter().find(|media| media.is_audio()).ok_or(Refusal::NoCodec)?;
                rejected(closed)
            }
        };
        match media.get_mut(place) {
            Some(old) => *old = audio,
            None => media.push(audio),
        }
        let session = web::session(&media, None);
        Ok(self.described(media, session))
    }

    fn offered_audio(
        &self,
        theirs: View<'_>,
        last: Option<&Media<'_>>,
        side: &Side<'_>,
    ) -> Result<Media<'static>, Refusal> {
        let known: Vec<Format<'_>> = last.map(|media| media.codecs().collect()).unwrap_or_default();
        let offered: Vec<Format<'_>> = theirs.media.codecs().collect();
        let choice = Choice { allowed: side.codecs, recode: self.recode };
        let mut wanted = formats::to_offer(&offered, &known, &choice);
        if wanted.is_empty() {
            return Err(Refusal::NoCodec);
        }
        if let Some(web) = &self.web {
            if side.codecs.is_empty() {
                formats::prefer_opus(&mut wanted);
            }
            let mut media = self.audio(&wanted, web::PROTOCOL);
            packet_times(&mut media, theirs.media);
            media.lines.extend([web::mid(last), web::source()]);
            media.lines.extend(web.offer());
            media.lines.extend(web::candidate(self.address));
            set_direction(&mut media, theirs.direction());
            return Ok(media);
        }
        // Keys beside plain RTP: who knows none of them passes over them, and carriers refuse a second stream.
        let protocol = if side.srtp == SrtpPolicy::Required { "RTP/SAVP" } else { "RTP/AVP" };
        let mut media = self.audio(&wanted, protocol);
        packet_times(&mut media, theirs.media);
        if side.is_phone {
            media.lines.push(Line::new(b'a', "rtcp-mux"));
        }
        media.lines.push(self.rtcp());
        media.lines.extend(self.keys.lines());
        set_direction(&mut media, theirs.direction());
        Ok(media)
    }

    /// What to answer to this leg's peer's `offer` when the other side has answered `theirs`.
    pub fn answer(
        &mut self,
        offer: &Description<'_>,
        theirs: &Description<'_>,
        side: &Side<'_>,
    ) -> Result<Described, Refusal> {
        let mut media: Vec<Media<'static>> = offer.media.iter().map(|media| rejected(media)).collect();
        if let Some(other) = View::audio(theirs)
            && let Some((at, audio, secrecy)) = self.answered_audio(offer, other, side)?
        {
            let answer = self.described(vec![audio], Vec::new());
            let own = answer.0.media.first().map(|media| View { description: &answer.0, media });
            let peer = offer.media.get(at).map(|media| View { description: offer, media });
            if let (Some(own), Some(peer)) = (own, peer) {
                self.agree(Some(Agreement::new(own, peer, own, secrecy)));
            }
            if let (Some(place), Some(audio)) = (media.get_mut(at), answer.0.media.into_iter().next()) {
                *place = audio;
            }
        } else {
            self.agree(None);
        }
        let session = web::session(&media, Some(offer));
        Ok(self.described(media, session))
    }

    fn answered_audio(
        &mut self,
        offer: &Description<'_>,
        theirs: View<'_>,
        side: &Side<'_>,
    ) -> Result<Option<Answered>, Refusal> {
        let (at, offered, given) = match self.usable(offer, side) {
            Ok(usable) => usable,
            Err(_) if offer.media.iter().all(|media| media.port == 0) => return Ok(None),
            Err(refusal) => return Err(refusal),
        };
        let all: Vec<Format<'_>> = offered.codecs().collect();
        let chosen: Vec<Format<'_>> = theirs.media.codecs().collect();
        let answered = formats::to_answer(&all, &chosen, self.answering()).ok_or(Refusal::NoCodec)?;
        let mut media = self.audio(&answered, &offered.protocol);
        packet_times(&mut media, theirs.media);
        if let Some(mid) = offered.mid() {
            media.lines.push(Line::new(b'a', format!("mid:{mid}")));
        }
        let secrecy = self.secure_answer(given, offered, &mut media);
        let heard = View { description: offer, media: offered }.direction();
        set_direction(&mut media, theirs.direction().and(heard.mirrored()));
        Ok(Some((at, media, secrecy)))
    }

    /// Writes what keeps an answered stream secret, and what of it the two sides have agreed by that.
    fn secure_answer(&mut self, given: Offered, offered: &Media<'_>, media: &mut Media<'static>) -> Secrecy {
        if let (Offered::WebRtc(peer), Some(web)) = (&given, &mut self.web) {
            let (agreed, lines) = web.answer(peer);
            media.lines.push(web::source());
            media.lines.extend(lines);
            media.lines.extend(web::candidate(self.address));
            return Secrecy::WebRtc(Box::new(agreed));
        }
        media.lines.push(if offered.rtcp_mux() { Line::new(b'a', "rtcp-mux") } else { self.rtcp() });
        match given {
            Offered::Keys(taken) => {
                media.lines.push(taken.line());
                Secrecy::Keys(taken.keys)
            }
            Offered::Clear | Offered::WebRtc(_) => Secrecy::None,
        }
    }

    fn answering(&self) -> Answering {
        match (self.recode, &self.web) {
            (false, _) => Answering::Alike,
            (true, None) => Answering::AlikeFirst,
            (true, Some(_)) => Answering::Best,
        }
    }

    /// The peer has answered what we offered last.
    pub fn answered(&mut self, ours: &Description<'_>, answer: &Description<'_>) -> Result<(), Refusal> {
        let at = ours.media.iter().position(|media| media.is_audio() && media.port != 0);
        let own = at.and_then(|at| ours.media.get(at)).map(|media| View { description: ours, media });
        let given = at.and_then(|at| answer.media.get(at)).filter(|media| media.port != 0);
        let peer = given.map(|media| View { description: answer, media });
        let (Some(own), Some(peer)) = (own, peer) else {
            self.agree(None);
            return Ok(());
        };
        let secrecy = self.secrecy_of(own, peer);
        // Who says that it encrypts and shows no key can be neither heard nor trusted.
        let is_lame = own.media.is_secure() || peer.media.is_secure();
        if secrecy == Secrecy::None && is_lame {
            self.agree(None);
            return Err(Refusal::NotSecure);
        }
        let agreement = Agreement::new(own, peer, peer, secrecy);
        let shares = !agreement.codecs.is_empty();
        self.agree(Some(agreement));
        if shares { Ok(()) } else { Err(Refusal::NoCodec) }
    }

    /// What a peer has taken of what we offered.
    fn secrecy_of(&mut self, own: View<'_>, peer: View<'_>) -> Secrecy {
        if let Some(web) = self.web.as_mut().filter(|_| web::is_dtls(own.media)) {
            let described = web::read(peer);
            return described.map_or(Secrecy::None, |described| Secrecy::WebRtc(Box::new(web.answered(&described))));
        }
        self.keys.taken(peer.media).map_or(Secrecy::None, Secrecy::Keys)
    }

    fn agree(&mut self, agreement: Option<Agreement>) {
        let agreement = agreement.filter(|agreement| !agreement.codecs.is_empty());
        // A stream that is no more keeps its codecs, and nothing goes either way.
        let silent = |before: &Agreement| Agreement { sends: false, receives: false, ..before.clone() };
        let agreement = agreement.or_else(|| self.agreement.as_ref().map(silent));
        if agreement != self.agreement {
            self.agreement = agreement;
            self.revision = self.revision.wrapping_add(1);
        }
    }

    fn audio(&self, formats: &[Format<'_>], protocol: &str) -> Media<'static> {
        let mut lines = Vec::with_capacity(formats.len() * 2 + 8);
        for Format { payload, name, clock, channels, parameters } in formats {
            let channels = if *channels > 1 { format!("/{channels}") } else { String::new() };
            lines.push(Line::new(b'a', format!("rtpmap:{payload} {name}/{clock}{channels}")));
            lines.extend(parameters.map(|own| Line::new(b'a', format!("fmtp:{payload} {own}"))));
        }
        Media {
            kind: "audio".into(),
            port: self.address.port(),
            ports: None,
            protocol: protocol.to_owned().into(),
            formats: formats.iter().map(|format| format.payload.to_string().into()).collect(),
            lines,
        }
    }

    fn rtcp(&self) -> Line<'static> {
        Line::new(b'a', format!("rtcp:{}", self.address.port().saturating_add(1)))
    }

    /// Writes our address over the one that stood there.
    pub fn put_address(&mut self, description: &mut Description<'_>) {
        let is_old = |line: &Line<'_>| line.letter == b'c' || line.is("rtcp").is_some();
        description.lines.retain(|line| !is_old(line));
        description.lines.push(self.place());
        if let Some(web) = self.web.as_mut().filter(|_| web::is_for_browser(description)) {
            web.moves();
        }
        for media in description.media.iter_mut().filter(|media| media.port != 0) {
            media.port = self.address.port();
            media.lines.retain(|line| !is_old(line));
            if let Some(web) = self.web.as_ref().filter(|_| web::is_dtls(media)) {
                media.lines.retain(|line| !WebEnd::is_own(line));
                media.lines.extend(web.offer());
                media.lines.extend(web::candidate(self.address));
            } else if !media.rtcp_mux() {
                media.lines.push(self.rtcp());
            }
        }
    }

    fn place(&self) -> Line<'static> {
        let address = self.address.ip();
        let family = if address.is_ipv6() { "IP6" } else { "IP4" };
        Line::new(b'c', format!("IN {family} {address}"))
    }

    fn described(&self, media: Vec<Media<'static>>, session: Vec<Line<'static>>) -> Described {
        let lines = std::iter::once(self.place()).chain(session).collect();
        Described(Description { origin: None, lines, media })
    }
}

/// The place of the stream that we answer, our answer, and what keeps it secret.
type Answered = (usize, Media<'static>, Secrecy);

/// What keeps an offered stream secret.
enum Offered {
    Clear,
    Keys(Taken),
    WebRtc(web::Described),
}

/// A description of ours, without its o= line.
pub struct Described(pub Description<'static>);

/// How much audio one packet may hold goes through us as it was said.
fn packet_times(media: &mut Media<'static>, theirs: &Media<'_>) {
    let ptime = theirs.ptime().map(|time| Line::new(b'a', format!("ptime:{time}")));
    let maxptime = theirs.maxptime().map(|time| Line::new(b'a', format!("maxptime:{time}")));
    media.lines.extend(ptime.into_iter().chain(maxptime));
}

#[cfg(test)]
mod tests;
