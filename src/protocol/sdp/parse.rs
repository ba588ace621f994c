//! Reads a session description (RFC 8866): bounded, linear, tolerant of what real devices leave out. Never panics.

use crate::base::limits::{SDP_FORMATS_MAX, SDP_LINES_MAX, SDP_MEDIA_MAX};
use std::borrow::Cow;

/// Room that most lists of a description need no more of.
const LINES_USUAL: usize = 8;

/// A session description as lines that borrow from the body they came in.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Description<'a> {
    /// The value of o=, as written; `origin` takes it apart.
    pub origin: Option<Cow<'a, str>>,
    /// Session level lines other than v= and o=, in their order, with those that we do not know.
    pub lines: Vec<Line<'a>>,
    pub media: Vec<Media<'a>>,
}

/// One `letter=value` line.
#[derive(Clone, PartialEq, Debug)]
pub struct Line<'a> {
    pub letter: u8,
    pub value: Cow<'a, str>,
}

/// An m= line and what belongs to it.
#[derive(Clone, PartialEq, Debug)]
pub struct Media<'a> {
    pub kind: Cow<'a, str>,
    /// Zero: rejected, or not offered any more.
    pub port: u16,
    /// The number after a slash: how many ports.
    pub ports: Option<u16>,
    pub protocol: Cow<'a, str>,
    pub formats: Vec<Cow<'a, str>>,
    pub lines: Vec<Line<'a>>,
}

/// o= taken apart. Numbers stay text, because peers send more digits than fit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin<'a> {
    /// May hold spaces: some devices put a display name here.
    pub user: &'a str,
    pub id: &'a str,
    pub version: &'a str,
    pub address_type: &'a str,
    pub address: &'a str,
}

/// Why bytes are not a session description. One variant, one counter label.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SdpError {
    /// The first line is not `v=0`.
    Version,
    /// A line without `letter=`, or with a control character in it.
    Line,
    /// An m= line without kind, port or protocol, or with a port that is none.
    Media,
    /// More lines, media or formats than anybody needs.
    TooMuch,
}

impl<'a> Description<'a> {
    pub fn parse(body: &'a [u8]) -> Result<Description<'a>, SdpError> {
        let mut description = Description { lines: Vec::with_capacity(LINES_USUAL), ..Description::default() };
        let mut seen_version = false;
        let mut rest = body;
        // Nearly every body is printable text throughout: then no line has to be looked at for that again.
        let is_plain = body
            .iter()
            .fold(true, |plain, &byte| plain & ((byte >= b' ') | (byte == b'\r') | (byte == b'\n')) & (byte < 0x7f));
        for number in 0.. {
            if rest.is_empty() {
                break;
            }
            if number >= SDP_LINES_MAX {
                return Err(SdpError::TooMuch);
            }
            let (raw, after) = next_line(rest);
            rest = after;
            // Blank lines and zero octets at the end come from devices that send their whole buffer.
            if raw.iter().all(|&byte| byte == 0) {
                continue;
            }
            let line = Line::parse(raw, is_plain)?;
            if seen_version {
                description.add(line)?;
            } else if line.letter == b'v' && line.value == "0" {
                seen_version = true;
            } else {
                return Err(SdpError::Version);
            }
        }
        if seen_version { Ok(description) } else { Err(SdpError::Version) }
    }

    fn add(&mut self, line: Line<'a>) -> Result<(), SdpError> {
        match (line.letter, self.media.last_mut()) {
            (b'm', _) => {
                if self.media.len() >= SDP_MEDIA_MAX {
                    return Err(SdpError::TooMuch);
                }
                self.media.push(Media::parse(line.value)?);
            }
            (b'v', _) => return Err(SdpError::Version),
            (b'o', None) => self.origin = Some(line.value),
            // A second o= says nothing that could be used.
            (b'o', Some(_)) => {}
            (_, Some(media)) => media.lines.push(line),
            (_, None) => self.lines.push(line),
        }
        Ok(())
    }

    pub fn origin(&self) -> Option<Origin<'_>> {
        Origin::parse(self.origin.as_deref()?)
    }
}

impl<'a> Line<'a> {
    pub fn new(letter: u8, value: impl Into<Cow<'a, str>>) -> Line<'a> {
        Line { letter, value: value.into() }
    }

    /// `is_plain`: nothing but printable ASCII, and CR, stands in it.
    fn parse(raw: &'a [u8], is_plain: bool) -> Result<Line<'a>, SdpError> {
        let [letter, b'=', value @ ..] = raw else { return Err(SdpError::Line) };
        let is_control = |byte: u8| (byte < b' ' && byte != b'\t') || byte == 0x7f;
        let has_controls =
            if is_plain { memchr::memchr(b'\r', value).is_some() } else { value.iter().any(|&byte| is_control(byte)) };
        if !letter.is_ascii_lowercase() || has_controls {
            return Err(SdpError::Line);
        }
        let value = value.trim_ascii();
        let value = std::str::from_utf8(value).map_or_else(|_| String::from_utf8_lossy(value), Cow::Borrowed);
        Ok(Line { letter: *letter, value })
    }
}

impl<'a> Media<'a> {
    fn parse(value: Cow<'a, str>) -> Result<Media<'a>, SdpError> {
        match value {
            Cow::Borrowed(value) => Media::from_words(value, Cow::Borrowed),
            Cow::Owned(value) => Media::from_words(&value, |word| Cow::Owned(word.to_owned())),
        }
    }

    fn from_words<'b>(value: &'b str, keep: impl Fn(&'b str) -> Cow<'a, str>) -> Result<Media<'a>, SdpError> {
        let mut words = value.split_ascii_whitespace();
        let (Some(kind), Some(ports), Some(protocol)) = (words.next(), words.next(), words.next()) else {
            return Err(SdpError::Media);
        };
        let (port, ports) = match ports.split_once('/') {
            Some((port, count)) => (port, Some(number(count)?)),
            None => (ports, None),
        };
        let mut formats = Vec::with_capacity(LINES_USUAL);
        formats.extend(words.take(SDP_FORMATS_MAX + 1).map(&keep));
        if formats.len() > SDP_FORMATS_MAX {
            return Err(SdpError::TooMuch);
        }
        let lines = Vec::with_capacity(LINES_USUAL);
        Ok(Media { kind: keep(kind), port: number(port)?, ports, protocol: keep(protocol), formats, lines })
    }
}

/// The next line without its end, and what follows.
fn next_line(rest: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    let (line, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
    (line.trim_ascii(), after.strip_prefix(b"\n").unwrap_or(after))
}

fn number(text: &str) -> Result<u16, SdpError> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_err(|_| SdpError::Media)
    } else {
        Err(SdpError::Media)
    }
}

impl<'a> Origin<'a> {
    /// Read from the right, because the user name on the left may hold spaces.
    pub fn parse(value: &'a str) -> Option<Origin<'a>> {
        let mut words = value.rsplitn(6, ' ');
        let (address, address_type, net) = (words.next()?, words.next()?, words.next()?);
        let (version, id) = (words.next()?, words.next()?);
        if net != "IN" {
            return None;
        }
        Some(Origin { user: words.next().unwrap_or("-"), id, version, address_type, address })
    }
}

#[cfg(test)]
mod tests;
