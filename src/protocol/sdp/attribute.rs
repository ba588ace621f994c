//! Attributes as typed views of a= lines. Reads what it is asked for and changes nothing.

use super::parse::{Description, Line, Media};
use std::net::IpAddr;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Direction {
    #[default]
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    pub const ALL: [Direction; 4] =
        [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];

    pub fn name(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }

    pub fn parse(text: &str) -> Option<Direction> {
        Direction::ALL.into_iter().find(|direction| direction.name() == text)
    }

    pub fn new(sends: bool, receives: bool) -> Direction {
        match (sends, receives) {
            (true, true) => Direction::SendRecv,
            (true, false) => Direction::SendOnly,
            (false, true) => Direction::RecvOnly,
            (false, false) => Direction::Inactive,
        }
    }

    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    pub fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }

    /// The same stream seen from the other end.
    pub fn mirrored(self) -> Direction {
        Direction::new(self.receives(), self.sends())
    }

    /// What both allow.
    pub fn and(self, other: Direction) -> Direction {
        Direction::new(self.sends() && other.sends(), self.receives() && other.receives())
    }
}

/// `a=crypto` (RFC 4568). The key is not looked at here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Crypto<'a> {
    pub tag: u32,
    pub suite: &'a str,
    pub keys: &'a str,
}

/// `a=fingerprint` (RFC 8122).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fingerprint<'a> {
    pub hash: &'a str,
    pub value: &'a str,
}

/// c= taken apart; the multicast suffix is cut off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Connection<'a> {
    pub address_type: &'a str,
    /// An address, or a host name.
    pub host: &'a str,
}

impl Connection<'_> {
    /// The hold of RFC 2543: "do not send to me".
    pub fn is_zero(&self) -> bool {
        self.host.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified())
    }
}

impl<'a> Line<'a> {
    /// Name and value of an attribute; a flag has an empty value.
    pub fn attribute(&self) -> Option<(&str, &str)> {
        if self.letter != b'a' {
            return None;
        }
        let colon = self.value.bytes().position(|byte| byte == b':').unwrap_or(self.value.len());
        let (name, value) = self.value.split_at_checked(colon)?;
        Some((name.trim_ascii_end(), value.get(1..).unwrap_or_default().trim_ascii_start()))
    }

    /// The value if this is the attribute of that name.
    pub fn is(&self, name: &str) -> Option<&str> {
        if self.letter != b'a' {
            return None;
        }
        match self.value.strip_prefix(name)?.trim_ascii_start() {
            "" => Some(""),
            rest => Some(rest.strip_prefix(':')?.trim_ascii_start()),
        }
    }
}

/// Values of all attributes of this name.
pub fn values<'s>(lines: &'s [Line<'_>], name: &'s str) -> impl Iterator<Item = &'s str> {
    lines.iter().filter_map(move |line| line.is(name))
}

pub fn value<'s>(lines: &'s [Line<'_>], name: &'s str) -> Option<&'s str> {
    values(lines, name).next()
}

fn direction(lines: &[Line<'_>]) -> Option<Direction> {
    lines.iter().filter(|line| line.letter == b'a').find_map(|line| Direction::parse(&line.value))
}

fn connection<'s>(lines: &'s [Line<'_>]) -> Option<Connection<'s>> {
    let line = lines.iter().find(|line| line.letter == b'c')?;
    let mut words = line.value.split_ascii_whitespace();
    let (_, address_type, host) = (words.next()?, words.next()?, words.next()?);
    Some(Connection { address_type, host: host.split('/').next().unwrap_or(host) })
}

impl Description<'_> {
    /// The direction of a stream: its own attribute, else that of the session, else both ways.
    pub fn direction(&self, media: &Media<'_>) -> Direction {
        direction(&media.lines).or_else(|| direction(&self.lines)).unwrap_or_default()
    }

    pub fn connection<'s>(&'s self, media: &'s Media<'_>) -> Option<Connection<'s>> {
        connection(&media.lines).or_else(|| connection(&self.lines))
    }

    /// The identifiers bundled into one transport (RFC 9143).
    pub fn bundle(&self) -> impl Iterator<Item = &str> {
        values(&self.lines, "group")
            .filter_map(|value| value.strip_prefix("BUNDLE"))
            .flat_map(|mids| mids.split_ascii_whitespace())
    }

    pub fn fingerprint<'s>(&'s self, media: &'s Media<'_>) -> Option<Fingerprint<'s>> {
        let text = value(&media.lines, "fingerprint").or_else(|| value(&self.lines, "fingerprint"))?;
        let (hash, value) = text.split_once(' ')?;
        Some(Fingerprint { hash, value: value.trim() })
    }

    /// Whether the session level holds a fingerprint for all streams.
    pub fn is_keyed(&self) -> bool {
        value(&self.lines, "fingerprint").is_some()
    }

    /// `a=setup` (RFC 4145): active, passive, actpass, holdconn.
    pub fn setup<'s>(&'s self, media: &'s Media<'_>) -> Option<&'s str> {
        value(&media.lines, "setup").or_else(|| value(&self.lines, "setup"))
    }

    /// User name fragment and password of ICE (RFC 8839).
    pub fn ice<'s>(&'s self, media: &'s Media<'_>) -> Option<(&'s str, &'s str)> {
        let of = |name: &'static str| value(&media.lines, name).or_else(|| value(&self.lines, name));
        Some((of("ice-ufrag")?, of("ice-pwd")?))
    }

    /// The hold of RFC 2543, "do not send to me". With ICE the address of c= says nothing yet: a browser writes zeros there
    /// until it has candidates (RFC 8829 5.2.1).
    pub fn has_no_place(&self, media: &Media<'_>) -> bool {
        self.ice(media).is_none() && self.connection(media).is_some_and(|connection| connection.is_zero())
    }

    /// Whether anybody is asked to send: no live stream of this description wants to hear.
    pub fn is_hold(&self) -> bool {
        let mut live = self.media.iter().filter(|media| media.port != 0).peekable();
        live.peek().is_some() && live.all(|media| !self.direction(media).receives() || self.has_no_place(media))
    }
}

impl Media<'_> {
    pub fn ptime(&self) -> Option<u16> {
        value(&self.lines, "ptime")?.parse().ok()
    }

    pub fn maxptime(&self) -> Option<u16> {
        value(&self.lines, "maxptime")?.parse().ok()
    }

    pub fn mid(&self) -> Option<&str> {
        value(&self.lines, "mid")
    }

    pub fn rtcp_mux(&self) -> bool {
        value(&self.lines, "rtcp-mux").is_some()
    }

    /// Port of `a=rtcp` (RFC 3605).
    pub fn rtcp_port(&self) -> Option<u16> {
        value(&self.lines, "rtcp")?.split_ascii_whitespace().next()?.parse().ok()
    }

    /// Payload type (or `*`) and feedback message (RFC 4585).
    pub fn rtcp_feedback(&self) -> impl Iterator<Item = (&str, &str)> {
        values(&self.lines, "rtcp-fb").filter_map(|value| value.split_once(' '))
    }

    /// Source number and what is said of it (RFC 5576).
    pub fn sources(&self) -> impl Iterator<Item = (u32, &str)> {
        values(&self.lines, "ssrc").filter_map(|value| {
            let (source, about) = value.split_once(' ').unwrap_or((value, ""));
            Some((source.parse().ok()?, about))
        })
    }

    pub fn candidates(&self) -> impl Iterator<Item = &str> {
        values(&self.lines, "candidate")
    }

    pub fn cryptos(&self) -> impl Iterator<Item = Crypto<'_>> {
        values(&self.lines, "crypto").filter_map(|value| {
            let (tag, rest) = value.split_once(' ')?;
            let (suite, keys) = rest.trim_start().split_once(' ')?;
            Some(Crypto { tag: tag.parse().ok()?, suite, keys: keys.trim() })
        })
    }

    /// Whether the transport is encrypted: RTP/SAVP, RTP/SAVPF, UDP/TLS/RTP/SAVP, UDP/TLS/UDPTL and so on.
    pub fn is_secure(&self) -> bool {
        self.speaks(&["SAVP", "SAVPF", "TLS", "DTLS"])
    }

    pub fn is_rtp(&self) -> bool {
        self.speaks(&["RTP", "AVP", "AVPF", "SAVP", "SAVPF"])
    }

    fn speaks(&self, words: &[&str]) -> bool {
        self.protocol.split('/').any(|own| words.iter().any(|word| own.eq_ignore_ascii_case(word)))
    }

    /// Whether it is of a kind that only RTP carries, though nothing in it says so.
    pub fn is_unknown_sound_or_picture(&self) -> bool {
        !self.is_rtp() && (self.is_audio() || self.kind.eq_ignore_ascii_case("video"))
    }

    pub fn is_audio(&self) -> bool {
        self.kind.eq_ignore_ascii_case("audio")
    }
}
