//! The message itself: text and spans, read when somebody asks. Bounded, never panicking, never changed once parsed.

use crate::protocol::sip::message::header::HeaderName;
use crate::protocol::sip::message::marks::{Marks, Place};
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::message::parse::{Line, Parsed, Start};
use crate::protocol::sip::message::text::{self, Commas};
use crate::protocol::sip::message::uri::Uri;
use crate::protocol::sip::message::value::{CSeq, NameAddr, Via};
use crate::protocol::sip::message::{Params, parse};
use bytes::Bytes;

/// A parsed message. Header values are valid UTF-8 without control characters (folding is undone at parse).
#[derive(Clone, PartialEq, Debug)]
pub struct Message {
    head: Box<str>,
    lines: Box<[Line]>,
    start: Start,
    body: Box<[u8]>,
    marks: Marks,
}

/// Why bytes are not a message. One variant, one counter label.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParseError {
    /// Nothing but line ends: a keep-alive.
    Empty,
    /// Longer than `MESSAGE_BYTES_MAX`, or announced so.
    TooLong,
    TooManyHeaders,
    /// Neither a request line nor a status line of SIP/2.0.
    StartLine,
    /// A line without colon or with a name that is no token.
    Header,
    /// CR without LF or LF without CR.
    LineEnd,
    /// A control character that no quoted pair allows.
    Control,
    /// Not a number.
    ContentLength,
    /// Two that differ.
    ContentLengthConflict,
    /// A message on a stream does not say where it ends.
    ContentLengthMissing,
    /// The header section does not end, or the body is shorter than it says.
    Truncated,
}

/// Why a header value that was asked for cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeaderError {
    Missing(HeaderName),
    Repeated(HeaderName),
    Malformed(HeaderName),
}

/// A status with which a request that is not in order is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refusal {
    pub status: u16,
    pub phrase: &'static str,
}

impl ParseError {
    pub const ALL: [ParseError; 11] = [
        ParseError::Empty,
        ParseError::TooLong,
        ParseError::TooManyHeaders,
        ParseError::StartLine,
        ParseError::Header,
        ParseError::LineEnd,
        ParseError::Control,
        ParseError::ContentLength,
        ParseError::ContentLengthConflict,
        ParseError::ContentLengthMissing,
        ParseError::Truncated,
    ];

    /// As it stands in a counter label.
    pub fn name(self) -> &'static str {
        match self {
            ParseError::Empty => "empty",
            ParseError::TooLong => "too-long",
            ParseError::TooManyHeaders => "too-many-headers",
            ParseError::StartLine => "start-line",
            ParseError::Header => "header",
            ParseError::LineEnd => "line-end",
            ParseError::Control => "control",
            ParseError::ContentLength => "content-length",
            ParseError::ContentLengthConflict => "content-length-conflict",
            ParseError::ContentLengthMissing => "content-length-missing",
            ParseError::Truncated => "truncated",
        }
    }
}

impl Message {
    /// Parses one datagram: exactly one message; bytes beyond Content-Length are ignored (RFC 3261 18.3).
    pub fn parse(bytes: &[u8]) -> Result<Message, ParseError> {
        let (parsed, tail) = parse::head(bytes)?;
        let body = match parsed.content_length? {
            None => tail,
            Some(length) => tail.get(..length).ok_or(ParseError::Truncated)?,
        };
        Ok(Message::new(parsed, body))
    }

    /// What can be read of a request whose length is wrong, so that it can be answered 400 (RFC 3261 18.3). Without body.
    pub fn salvage(bytes: &[u8]) -> Option<Message> {
        let (parsed, _) = parse::head(bytes).ok()?;
        Some(Message::new(parsed, &[])).filter(Message::is_request)
    }

    pub(super) fn new(parsed: Parsed, body: &[u8]) -> Message {
        let Parsed { head, lines, start, .. } = parsed;
        let mut message = Message { head, lines, start, body: body.into(), marks: Marks::default() };
        message.marks = Marks::of(&message);
        message
    }

    /// As bytes again: folding undone, a Content-Length that is right, all else as it came.
    pub fn print(&self) -> Bytes {
        let length = self.body.len().to_string();
        let mut out = Vec::with_capacity(self.head.len() + self.body.len() + 40);
        out.extend_from_slice(self.start_line().as_bytes());
        out.extend_from_slice(b"\r\n");
        for (name, written, value) in self.headers().filter(|(name, ..)| *name != HeaderName::ContentLength) {
            let written = if name == HeaderName::Other { written } else { name.text() };
            for part in [written, ": ", value, "\r\n"] {
                out.extend_from_slice(part.as_bytes());
            }
        }
        for part in ["Content-Length: ", &length, "\r\n\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        out.extend_from_slice(&self.body);
        out.into()
    }

    pub fn is_request(&self) -> bool {
        matches!(self.start, Start::Request { .. })
    }

    /// For a response: the method of its CSeq.
    pub fn method(&self) -> Method {
        match self.start {
            Start::Request { method, .. } => method,
            Start::Response { .. } => self.marks.cseq_method().unwrap_or(Method::Other),
        }
    }

    /// The method as written, also when unknown. For a response: the method of its CSeq.
    pub fn method_text(&self) -> &str {
        match self.start {
            Start::Request { method_end, .. } => self.text(0, method_end),
            Start::Response { .. } => self.cseq().map_or("", |cseq| cseq.method_text),
        }
    }

    /// The first line.
    pub fn start_line(&self) -> &str {
        self.head.split("\r\n").next().unwrap_or("")
    }

    /// Request-URI as written; empty for a response.
    pub fn uri_text(&self) -> &str {
        match self.start {
            Start::Request { uri_start, uri_end, .. } => self.text(uri_start, uri_end),
            Start::Response { .. } => "",
        }
    }

    /// The Request-URI; `Err(Malformed(Other))` if it is none.
    pub fn uri(&self) -> Result<Uri<'_>, HeaderError> {
        Uri::parse(self.uri_text()).map_err(|_| HeaderError::Malformed(HeaderName::Other))
    }

    /// Status of a response; 0 for a request.
    pub fn status(&self) -> u16 {
        match self.start {
            Start::Request { .. } => 0,
            Start::Response { status, .. } => status,
        }
    }

    pub fn reason(&self) -> &str {
        match self.start {
            Start::Request { .. } => "",
            Start::Response { reason_start, reason_end, .. } => self.text(reason_start, reason_end),
        }
    }

    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Whether Content-Type is this media type, whatever its parameters; any case.
    pub fn has_content(&self, media_type: &str) -> bool {
        let written = self.get(HeaderName::ContentType).unwrap_or("");
        text::trim(written.split(';').next().unwrap_or("")).eq_ignore_ascii_case(media_type)
    }

    /// Value of the first line with this name.
    pub fn get(&self, name: HeaderName) -> Option<&str> {
        self.lines(name).next()
    }

    /// Value of the first line with this name, also for names that we do not know; any case.
    pub fn named(&self, name: &str) -> Option<&str> {
        match HeaderName::parse(name) {
            HeaderName::Other => self
                .headers()
                .find(|(known, written, _)| *known == HeaderName::Other && written.eq_ignore_ascii_case(name))
                .map(|(_, _, value)| value),
            known => self.get(known),
        }
    }

    /// Every line with this name, as written.
    pub fn lines(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        self.lines.iter().filter(move |line| line.name == name).map(|line| self.value_of(line))
    }

    /// Every comma-separated value of every line with this name, trimmed; commas in quotes and brackets do not split.
    pub fn values(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        self.lines(name).flat_map(Commas::new)
    }

    /// All header lines in order: known name, name as written, value.
    pub fn headers(&self) -> impl Iterator<Item = (HeaderName, &str, &str)> {
        self.lines.iter().map(|line| (line.name, self.text(line.name_start, line.name_end), self.value_of(line)))
    }

    /// Whether a list header such as Supported holds this token, any case.
    pub fn has_token(&self, name: HeaderName, token: &str) -> bool {
        self.values(name).any(|value| value.eq_ignore_ascii_case(token))
    }

    pub fn top_via(&self) -> Result<Via<'_>, HeaderError> {
        let missing = HeaderError::Missing(HeaderName::Via);
        match self.marks.via(self) {
            Some(via) => Ok(via),
            None => Via::parse(self.values(HeaderName::Via).next().ok_or(missing)?),
        }
    }

    /// The top Via as written, and what follows it in its line.
    pub(super) fn top_via_text(&self) -> Option<(&str, &str)> {
        let Place { start, end } = self.marks.top_via?.whole;
        let line = self.lines.iter().find(|line| line.value_start <= start && end <= line.value_end)?;
        Some((self.text(start, end), self.text(end, line.value_end)))
    }

    pub fn from(&self) -> Result<NameAddr<'_>, HeaderError> {
        NameAddr::parse(self.single(HeaderName::From)?, HeaderName::From)
    }

    pub fn to(&self) -> Result<NameAddr<'_>, HeaderError> {
        NameAddr::parse(self.single(HeaderName::To)?, HeaderName::To)
    }

    pub fn from_tag(&self) -> Option<&str> {
        self.marks.from_tag.map(|place| self.part(place))
    }

    pub fn to_tag(&self) -> Option<&str> {
        self.marks.to_tag.map(|place| self.part(place))
    }

    /// The branch of the top Via, by which responses find their owner.
    pub fn top_branch(&self) -> Option<&str> {
        self.marks.branch(self)
    }

    /// Empty when there is none.
    pub fn call_id(&self) -> &str {
        self.get(HeaderName::CallId).unwrap_or("")
    }

    pub fn cseq(&self) -> Result<CSeq<'_>, HeaderError> {
        match self.marks.cseq(self) {
            Some(cseq) => Ok(cseq),
            None => CSeq::parse(self.single(HeaderName::CSeq)?),
        }
    }

    /// First Contact; `Ok(None)` when there is none. The `*` of a REGISTER is malformed here.
    pub fn contact(&self) -> Result<Option<NameAddr<'_>>, HeaderError> {
        self.values(HeaderName::Contact).next().map(|value| NameAddr::parse(value, HeaderName::Contact)).transpose()
    }

    /// A header whose whole value is one decimal number that fits.
    pub fn number(&self, name: HeaderName) -> Result<Option<u32>, HeaderError> {
        self.get(name).map(|value| text::number(value).ok_or(HeaderError::Malformed(name))).transpose()
    }

    /// A header that begins with a number, such as Session-Expires or Retry-After, and its parameters. A comment is passed over.
    pub fn number_with_params(&self, name: HeaderName) -> Result<Option<(u32, Params<'_>)>, HeaderError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let end = value.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(value.len());
        let (digits, rest) = value.split_at_checked(end).ok_or(HeaderError::Malformed(name))?;
        let number = text::number(digits).ok_or(HeaderError::Malformed(name))?;
        let params = Params(rest.get(rest.find(';').unwrap_or(rest.len())..).unwrap_or(""));
        if params.are_well_formed() { Ok(Some((number, params))) } else { Err(HeaderError::Malformed(name)) }
    }

    /// The one value of a header that may stand once only.
    pub(super) fn single(&self, name: HeaderName) -> Result<&str, HeaderError> {
        let mut lines = self.lines(name);
        let value = lines.next().ok_or(HeaderError::Missing(name))?;
        if lines.next().is_some() { Err(HeaderError::Repeated(name)) } else { Ok(value) }
    }

    /// Whether the request line is exactly `method SP uri SP SIP/2.0`, or speaks another version.
    pub(super) fn request_line(&self) -> Option<parse::RequestLine> {
        match self.start {
            Start::Request { line, .. } => Some(line),
            Start::Response { .. } => None,
        }
    }

    /// All lines in order: known name and value.
    pub(super) fn values_by_line(&self) -> impl Iterator<Item = (HeaderName, &str)> {
        self.lines.iter().map(|line| (line.name, self.value_of(line)))
    }

    fn value_of(&self, line: &Line) -> &str {
        self.text(line.value_start, line.value_end)
    }

    fn text(&self, start: u16, end: u16) -> &str {
        self.head.get(usize::from(start)..usize::from(end)).unwrap_or("")
    }

    pub(super) fn part(&self, place: Place) -> &str {
        self.text(place.start, place.end)
    }

    pub(super) fn place(&self, part: &str) -> Option<Place> {
        text::place(&self.head, part).map(|(start, end)| Place { start, end })
    }
}
