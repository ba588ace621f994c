//! Codecs of a media line: payload types with their names, rates and parameters. Encodes nothing.

use super::attribute;
use super::parse::Media;

/// One RTP format as a description names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Codec<'a> {
    pub payload: u8,
    pub name: &'a str,
    pub clock: u32,
    pub channels: u8,
    pub parameters: Option<&'a str>,
}

/// Static payload types (RFC 3551 section 6): number, name, clock, channels.
const STATIC: &[(u8, &str, u32, u8)] = &[
    (0, "PCMU", 8_000, 1),
    (3, "GSM", 8_000, 1),
    (4, "G723", 8_000, 1),
    (5, "DVI4", 8_000, 1),
    (6, "DVI4", 16_000, 1),
    (7, "LPC", 8_000, 1),
    (8, "PCMA", 8_000, 1),
    (9, "G722", 8_000, 1),
    (10, "L16", 44_100, 2),
    (11, "L16", 44_100, 1),
    (12, "QCELP", 8_000, 1),
    (13, "CN", 8_000, 1),
    (14, "MPA", 90_000, 1),
    (15, "G728", 8_000, 1),
    (16, "DVI4", 11_025, 1),
    (17, "DVI4", 22_050, 1),
    (18, "G729", 8_000, 1),
    (25, "CelB", 90_000, 1),
    (26, "JPEG", 90_000, 1),
    (28, "nv", 90_000, 1),
    (31, "H261", 90_000, 1),
    (32, "MPV", 90_000, 1),
    (33, "MP2T", 90_000, 1),
    (34, "H263", 90_000, 1),
];

impl<'a> Codec<'a> {
    /// `PCMU/8000`, `opus/48000/2`
    fn from_encoding(payload: u8, encoding: &'a str) -> Option<Codec<'a>> {
        let mut words = encoding.split('/');
        let name = words.next().filter(|name| !name.is_empty())?;
        let clock = words.next()?.trim().parse().ok()?;
        let channels = words.next().map_or(Some(1), |count| count.trim().parse().ok())?;
        Some(Codec { payload, name, clock, channels, parameters: None })
    }

    fn from_static(payload: u8) -> Option<Codec<'static>> {
        let &(payload, name, clock, channels) = STATIC.iter().find(|row| row.0 == payload)?;
        Some(Codec { payload, name, clock, channels, parameters: None })
    }

    /// Whether two formats carry the same thing, whatever their payload types.
    pub fn matches(&self, other: &Codec<'_>) -> bool {
        self.name.eq_ignore_ascii_case(other.name)
            && self.clock == other.clock
            && self.channels == other.channels
            && self.framing() == other.framing()
    }

    /// Parameters that change what the payload looks like, so that both sides must have the same:
    /// RFC 4867 8.3.1 octet-align, RFC 6184 8.1 packetization-mode. Others are hints of one side.
    pub fn framing(&self) -> &'a str {
        let name = match self.name {
            name if name.eq_ignore_ascii_case("AMR") || name.eq_ignore_ascii_case("AMR-WB") => "octet-align",
            name if name.eq_ignore_ascii_case("H264") => "packetization-mode",
            _ => return "0",
        };
        self.parameter(name).unwrap_or("0")
    }

    /// One of the `name=value` pairs of fmtp.
    pub fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters?
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(own, _)| own.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }

    /// Whether a configured name means this codec: `opus`, `opus/48000` or `opus/48000/2`.
    pub fn is_named(&self, configured: &str) -> bool {
        let mut words = configured.split('/');
        words.next().is_some_and(|name| self.name.eq_ignore_ascii_case(name.trim()))
            && words.next().is_none_or(|clock| clock.trim().parse() == Ok(self.clock))
            && words.next().is_none_or(|channels| channels.trim().parse() == Ok(self.channels))
    }

    /// Digits and comfort noise go with a codec and are none themselves (RFC 4733, RFC 3389).
    pub fn is_companion(&self) -> bool {
        self.is_telephone_event() || self.name.eq_ignore_ascii_case("CN")
    }

    pub fn is_telephone_event(&self) -> bool {
        self.name.eq_ignore_ascii_case("telephone-event")
    }
}

impl<'a> Media<'a> {
    /// The codec behind a format; `None` for a dynamic payload type without `a=rtpmap`, and for what is no payload type.
    pub fn codec<'s>(&'s self, format: &str) -> Option<Codec<'s>> {
        let payload: u8 = format.parse().ok().filter(|payload| *payload < 128 && self.is_rtp())?;
        let mapped = attribute::values(&self.lines, "rtpmap")
            .find_map(|value| of_payload(value, payload))
            .and_then(|encoding| Codec::from_encoding(payload, encoding));
        let codec = mapped.or_else(|| Codec::from_static(payload))?;
        let parameters = attribute::values(&self.lines, "fmtp").find_map(|value| of_payload(value, payload));
        Some(Codec { parameters, ..codec })
    }

    /// All codecs of the media line, in its order.
    pub fn codecs(&self) -> impl Iterator<Item = Codec<'_>> {
        self.formats.iter().filter_map(|format| self.codec(format))
    }

    /// Takes out the formats that are not wanted, with every attribute that speaks of them.
    pub fn retain_formats(&mut self, keep: impl Fn(&str) -> bool) {
        self.formats.retain(|format| keep(format));
        let formats = &self.formats;
        self.lines.retain(|line| match line.attribute() {
            Some(("rtpmap" | "fmtp", value)) => formats.iter().any(|format| first_word(value) == format),
            Some(("rtcp-fb", value)) => {
                first_word(value) == "*" || formats.iter().any(|format| first_word(value) == format)
            }
            _ => true,
        });
    }
}

fn first_word(value: &str) -> &str {
    value.split_ascii_whitespace().next().unwrap_or_default()
}

/// The rest of a `payload rest` value if it speaks of this payload type.
fn of_payload(value: &str, payload: u8) -> Option<&str> {
    let space = value.bytes().position(|byte| byte.is_ascii_whitespace())?;
    let (own, rest) = value.split_at_checked(space)?;
    (own.parse() == Ok(payload)).then(|| rest.trim_ascii())
}
