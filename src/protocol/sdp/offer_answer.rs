//! The laws of offer and answer (RFC 3264) as pure functions: two descriptions in, a lawful answer or a plan out.

use super::attribute::{self, Direction};
use super::codec::Codec;
use super::parse::{Description, Line, Media};
use std::borrow::Cow;

/// What one side lets pass.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Policy<'p> {
    /// Audio codecs in order of preference; empty lets every one pass. `telephone-event` and `CN` need no mention.
    pub codecs: &'p [Box<str>],
    pub security: Security,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Security {
    /// Takes no SRTP and sees no keys.
    Plain,
    Optional,
    /// Takes nothing but SRTP.
    Required,
}

/// Why a stream is not acceptable to a policy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unacceptable {
    NoCodec,
    NotSecure,
    OnlySecure,
}

/// What one side has to offer to a stream of its own.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Local<'l> {
    pub host: &'l str,
    /// One per m= line of the offer; zero or missing rejects the line.
    pub ports: &'l [u16],
    pub direction: Direction,
    /// Suite and keys as they stand in `a=crypto`, without tag.
    pub crypto: Option<&'l str>,
}

/// What offer and answer have settled, stream by stream in the order of the m= lines.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    pub streams: Vec<Stream>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Stream {
    pub accepted: bool,
    pub kind: Box<str>,
    pub secure: bool,
    pub rtcp_mux: bool,
    /// As the own side sees it.
    pub direction: Direction,
    pub codecs: Vec<Agreed>,
    pub own_ptime: Option<u16>,
    pub peer_ptime: Option<u16>,
}

/// One codec that both sides have, with the payload type that each wants to receive it under (RFC 3264 5.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Agreed {
    pub name: Box<str>,
    pub clock: u32,
    pub channels: u8,
    pub own_payload: u8,
    pub peer_payload: u8,
}

/// Brings one offered stream to what a policy lets pass: codecs filtered and ordered, keys taken out.
/// A stream that is refused stays as it was. `keyed`: the session level holds a fingerprint for all streams.
/// Says whether anything was changed.
pub fn restrict(media: &mut Media<'_>, keyed: bool, policy: &Policy<'_>) -> Result<bool, Unacceptable> {
    if media.port == 0 {
        return Ok(false);
    }
    if media.is_unknown_sound_or_picture() {
        return Err(Unacceptable::NoCodec);
    }
    match (policy.security, media.is_secure()) {
        (Security::Plain, true) => return Err(Unacceptable::OnlySecure),
        (Security::Required, false) if media.is_rtp() => return Err(Unacceptable::NotSecure),
        (Security::Required, true) if media.is_rtp() && !keyed && !has_keys(media) => {
            return Err(Unacceptable::NotSecure);
        }
        _ => {}
    }
    let lines = media.lines.len();
    let mut changed = false;
    if media.is_audio() && !policy.codecs.is_empty() {
        changed = restrict_codecs(media, policy.codecs)?;
    }
    if policy.security == Security::Plain {
        media.lines.retain(|line| !line.attribute().is_some_and(|(name, _)| is_key_attribute(name)));
    }
    Ok(changed || media.lines.len() != lines)
}

/// Attributes that announce or negotiate SRTP (RFC 4568, 5763, 5939).
pub fn is_key_attribute(name: &str) -> bool {
    matches!(name, "crypto" | "fingerprint" | "setup" | "tls-id" | "acap" | "tcap" | "pcfg" | "acfg")
}

fn has_keys(media: &Media<'_>) -> bool {
    media.cryptos().next().is_some() || attribute::value(&media.lines, "fingerprint").is_some()
}

fn restrict_codecs(media: &mut Media<'_>, allowed: &[Box<str>]) -> Result<bool, Unacceptable> {
    // Place in the list, place in the offer; companions after all codecs.
    let mut kept: Vec<(usize, usize)> = Vec::with_capacity(media.formats.len());
    let mut companions: Vec<(u32, usize)> = Vec::new();
    let mut clocks: Vec<u32> = Vec::new();
    for (place, format) in media.formats.iter().enumerate() {
        let Some(codec) = media.codec(format) else { continue };
        if codec.is_companion() {
            companions.push((codec.clock, place));
        } else if let Some(rank) = allowed.iter().position(|name| codec.is_named(name)) {
            clocks.push(codec.clock);
            kept.push((rank, place));
        }
    }
    if kept.is_empty() {
        return Err(Unacceptable::NoCodec);
    }
    // RFC 4733 2.1: an event's clock is that of the audio beside it.
    let fitting = companions.into_iter().filter(|(clock, _)| clocks.contains(clock));
    kept.extend(fitting.map(|(_, place)| (usize::MAX, place)));
    kept.sort_unstable();
    if kept.len() == media.formats.len() && kept.is_sorted_by_key(|(_, place)| *place) {
        return Ok(false);
    }
    let ordered: Vec<_> = kept.iter().filter_map(|(_, place)| media.formats.get(*place).cloned()).collect();
    media.retain_formats(|format| ordered.iter().any(|own| own == format));
    media.formats = ordered;
    Ok(true)
}

/// Brings what somebody answered into the form that the law demands of an answer to `offer`: as many m= lines, in
/// order (RFC 3264 6), only offered codecs, compatible directions (6.1). Says how many streams live.
pub fn fit<'a>(offer: &Description<'_>, answer: &mut Description<'a>) -> usize {
    let mut given = std::mem::take(&mut answer.media).into_iter();
    let mut media = Vec::with_capacity(offer.media.len());
    for offered in &offer.media {
        media.push(match given.next() {
            Some(given) => fit_media(offer, offered, answer, given),
            None => rejected(offered),
        });
    }
    answer.media = media;
    fit_bundle(offer, answer);
    answer.media.iter().filter(|media| media.port != 0).count()
}

fn fit_media<'a>(
    offer: &Description<'_>,
    offered: &Media<'_>,
    answer: &Description<'a>,
    given: Media<'a>,
) -> Media<'a> {
    let mut given = given;
    let usable = offered.port != 0
        && given.port != 0
        && given.kind.eq_ignore_ascii_case(&offered.kind)
        && given.is_secure() == offered.is_secure()
        && given.is_rtp() == offered.is_rtp();
    if !usable {
        return rejected(offered);
    }
    if given.protocol != offered.protocol {
        given.protocol = Cow::Owned(offered.protocol.to_string());
    }
    if given.is_rtp() {
        let codecs: Vec<Codec<'_>> = offered.codecs().collect();
        let kept: Vec<bool> =
            given.formats.iter().map(|format| is_offered((offered, &codecs), &given, format)).collect();
        if kept.contains(&false) {
            let unwanted: Vec<String> = given
                .formats
                .iter()
                .zip(&kept)
                .filter(|(_, kept)| !**kept)
                .map(|(format, _)| format.to_string())
                .collect();
            given.retain_formats(|format| !unwanted.iter().any(|other| other == format));
        }
        if !given.formats.iter().any(|format| is_substance(offered, &given, format)) {
            return rejected(offered);
        }
    }
    let mux = offered.rtcp_mux();
    let tags: Vec<u32> = offered.cryptos().map(|crypto| crypto.tag).collect();
    given.lines.retain(|line| match line.attribute() {
        Some(("rtcp-mux", _)) => mux,
        // RFC 4568 5.1.2: an answer takes one of the offered tags.
        Some(("crypto", value)) => {
            value.split(' ').next().and_then(|tag| tag.parse().ok()).is_some_and(|tag| tags.contains(&tag))
        }
        _ => true,
    });
    if given.is_rtp() && given.is_secure() && !has_keys(&given) && !answer.is_keyed() {
        return rejected(offered);
    }
    let wanted = answer.direction(&given);
    let lawful = wanted.and(offer.direction(offered).mirrored());
    if lawful != wanted {
        set_direction(&mut given, lawful);
    }
    given
}

/// Whether an answered format is one that was offered. Without `a=rtpmap` the number speaks for itself.
fn is_offered((offered, codecs): (&Media<'_>, &[Codec<'_>]), given: &Media<'_>, format: &str) -> bool {
    match given.codec(format) {
        Some(codec) => codecs.iter().any(|other| other.matches(&codec)),
        None => offered.formats.iter().any(|other| other == format),
    }
}

fn is_substance(offered: &Media<'_>, given: &Media<'_>, format: &str) -> bool {
    !given.codec(format).or_else(|| offered.codec(format)).is_some_and(|codec| codec.is_companion())
}

/// The place of a stream that is not taken.
pub fn rejected<'a>(offered: &Media<'_>) -> Media<'a> {
    let mid = offered.mid().map(|mid| Line::new(b'a', format!("mid:{mid}")));
    Media {
        kind: Cow::Owned(offered.kind.to_string()),
        port: 0,
        ports: None,
        protocol: Cow::Owned(offered.protocol.to_string()),
        formats: offered.formats.iter().map(|format| Cow::Owned(format.to_string())).collect(),
        lines: mid.into_iter().collect(),
    }
}

pub fn set_direction(media: &mut Media<'_>, direction: Direction) {
    media.lines.retain(|line| line.attribute().is_none_or(|(name, _)| Direction::parse(name).is_none()));
    media.lines.push(Line::new(b'a', direction.name()));
}

/// RFC 9143 7.3: a rejected stream is in no bundle, and an answer bundles nothing that the offer did not.
fn fit_bundle(offer: &Description<'_>, answer: &mut Description<'_>) {
    if answer.bundle().next().is_none() {
        return;
    }
    // From the few streams, not from the mids: a peer may write thousands of these.
    let live = answer.media.iter().filter(|media| media.port != 0).filter_map(Media::mid);
    let mut places: Vec<(usize, &str)> = live
        .filter(|mid| offer.bundle().any(|offered| offered == *mid))
        .filter_map(|mid| answer.bundle().position(|bundled| bundled == mid).map(|place| (place, mid)))
        .collect();
    places.sort_unstable();
    let mids: Vec<&str> = places.into_iter().map(|(_, mid)| mid).collect();
    let line = (!mids.is_empty()).then(|| Line::new(b'a', format!("group:BUNDLE {}", mids.join(" "))));
    answer
        .lines
        .retain(|line| !line.attribute().is_some_and(|(name, value)| name == "group" && value.starts_with("BUNDLE")));
    answer.lines.extend(line);
}

/// Our own answer to an offer. The caller writes the o= line.
pub fn answer<'a>(offer: &Description<'a>, policy: &Policy<'_>, local: &Local<'_>) -> (Description<'a>, Plan) {
    let family = if local.host.contains(':') { "IP6" } else { "IP4" };
    let mut lines = vec![Line::new(b'c', format!("IN {family} {}", local.host))];
    lines.extend(offer.lines.iter().filter(|line| line.letter == b't').cloned());
    let media = offer.media.iter().enumerate().map(|(index, offered)| {
        let port = local.ports.get(index).copied().unwrap_or_default();
        let direction = local.direction.and(offer.direction(offered).mirrored());
        answer_media(offered, policy, &Local { ports: &[port], direction, ..*local })
            .unwrap_or_else(|| rejected(offered))
    });
    let media = media.collect();
    let answer = Description { origin: None, lines, media };
    let plan = plan(offer, &answer).mirrored();
    (answer, plan)
}

fn answer_media<'a>(offered: &Media<'a>, policy: &Policy<'_>, local: &Local<'_>) -> Option<Media<'a>> {
    let port = local.ports.first().copied().filter(|port| *port != 0)?;
    if offered.port == 0 || !offered.is_rtp() {
        return None;
    }
    let mut media = offered.clone();
    restrict(&mut media, false, policy).ok()?;
    let first = media.codecs().find(|codec| !codec.is_companion())?;
    let (payload, clock) = (first.payload, first.clock);
    let companions = media.codecs().filter(|codec| codec.is_companion() && codec.clock == clock);
    let kept: Vec<String> =
        std::iter::once(payload).chain(companions.map(|codec| codec.payload)).map(|p| p.to_string()).collect();
    media.retain_formats(|format| kept.iter().any(|own| own == format));
    media.lines.retain(|line| {
        matches!(line.attribute(), Some(("rtpmap" | "fmtp" | "ptime" | "maxptime" | "mid" | "rtcp-mux", _)))
    });
    (media.port, media.ports) = (port, None);
    if offered.is_secure() {
        let (suite, keys) = local.crypto?.split_once(' ')?;
        let tag = offered.cryptos().find(|crypto| crypto.suite == suite)?.tag;
        media.lines.push(Line::new(b'a', format!("crypto:{tag} {suite} {keys}")));
    }
    set_direction(&mut media, local.direction);
    Some(media)
}

/// What was settled, as the side sees it that made the offer. The answerer's view is `mirrored`.
pub fn plan(offer: &Description<'_>, answer: &Description<'_>) -> Plan {
    let streams = offer.media.iter().enumerate().map(|(index, offered)| {
        let answered = answer.media.get(index).filter(|answered| answered.port != 0 && offered.port != 0);
        let agreed = answered.map(|answered| agreed(offered, answered)).unwrap_or_default();
        Stream {
            accepted: answered.is_some(),
            kind: Box::from(&*offered.kind),
            secure: offered.is_secure(),
            rtcp_mux: offered.rtcp_mux() && answered.is_some_and(Media::rtcp_mux),
            direction: answered.map_or(Direction::Inactive, |answered| {
                offer.direction(offered).and(answer.direction(answered).mirrored())
            }),
            codecs: agreed,
            own_ptime: offered.ptime(),
            peer_ptime: answered.and_then(Media::ptime),
        }
    });
    Plan { streams: streams.collect() }
}

fn agreed(offered: &Media<'_>, answered: &Media<'_>) -> Vec<Agreed> {
    let own_codecs: Vec<Codec<'_>> = offered.codecs().collect();
    let mut agreed: Vec<Agreed> = Vec::with_capacity(answered.formats.len());
    for format in &answered.formats {
        let Some(theirs) = answered.codec(format).or_else(|| offered.codec(format)) else { continue };
        let same_number = own_codecs.iter().find(|own| own.matches(&theirs) && own.payload == theirs.payload);
        if let Some(own) = same_number.or_else(|| own_codecs.iter().find(|own| own.matches(&theirs))) {
            agreed.push(Agreed {
                name: Box::from(own.name),
                clock: own.clock,
                channels: own.channels,
                own_payload: own.payload,
                peer_payload: theirs.payload,
            });
        }
    }
    agreed
}

impl Plan {
    /// The same plan seen from the other end.
    pub fn mirrored(self) -> Plan {
        Plan { streams: self.streams.into_iter().map(Stream::mirrored).collect() }
    }
}

impl Stream {
    fn mirrored(self) -> Stream {
        let codecs = self.codecs.into_iter().map(|codec| Agreed {
            own_payload: codec.peer_payload,
            peer_payload: codec.own_payload,
            ..codec
        });
        Stream {
            direction: self.direction.mirrored(),
            codecs: codecs.collect(),
            own_ptime: self.peer_ptime,
            peer_ptime: self.own_ptime,
            ..self
        }
    }
}

#[cfg(test)]
mod tests;
