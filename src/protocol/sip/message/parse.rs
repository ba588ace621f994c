//! From bytes to text and spans: one pass for what is forbidden, one for the lines. Never looks into a header value but Content-Length.

use crate::base::limits::{HEADERS_MAX, MESSAGE_BYTES_MAX};
use crate::protocol::sip::message::header::HeaderName;
use crate::protocol::sip::message::message::ParseError;
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::message::text;
use memchr::{memchr, memchr_iter, memmem, memrchr};

/// One header line: where its name and its value stand in the head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Line {
    pub name: HeaderName,
    pub name_start: u16,
    pub name_end: u16,
    pub value_start: u16,
    pub value_end: u16,
}

/// How a request line is out of order, if it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestLine {
    Clean,
    /// Space where none belongs (RFC 4475 3.1.2.10).
    TrailingSpace,
    OtherVersion,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    Request { method: Method, line: RequestLine, method_end: u16, uri_start: u16, uri_end: u16 },
    Response { status: u16, reason_start: u16, reason_end: u16 },
}

/// A head, and what it says of the body's length.
#[derive(Debug)]
pub struct Parsed {
    pub head: Box<str>,
    pub lines: Box<[Line]>,
    pub start: Start,
    pub content_length: Result<Option<usize>, ParseError>,
}

/// Reads the header section; what follows it is returned with it. Line ends before the start line are passed over (RFC 3261 7.5).
pub fn head(bytes: &[u8]) -> Result<(Parsed, &[u8]), ParseError> {
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(ParseError::TooLong);
    }
    let mut bytes = bytes;
    while let [b'\r', b'\n', rest @ ..] = bytes {
        bytes = rest;
    }
    if bytes.is_empty() {
        return Err(ParseError::Empty);
    }
    let end = memmem::find(bytes, b"\r\n\r\n").ok_or(ParseError::Truncated)?;
    let (head, tail) = bytes.split_at_checked(end + 4).ok_or(ParseError::Truncated)?;
    let head = head.get(..end + 2).ok_or(ParseError::Truncated)?;
    Ok((head_lines(head)?, tail))
}

/// Reads the lines of a header section, each with its line end, the empty one left off.
fn head_lines(raw: &[u8]) -> Result<Parsed, ParseError> {
    let ends = memchr_iter(b'\n', raw).count();
    if ends > HEADERS_MAX * 2 {
        return Err(ParseError::TooManyHeaders);
    }
    if ends != memchr_iter(b'\r', raw).count() {
        return Err(ParseError::LineEnd);
    }
    let first = memchr(b'\n', raw).and_then(|at| raw.get(at + 1));
    if matches!(first, Some(b' ' | b'\t')) {
        return Err(ParseError::StartLine);
    }
    let head = if is_plain(raw) {
        match std::str::from_utf8(raw) {
            Ok(text) => text.into(),
            Err(_) => mended(raw)?,
        }
    } else {
        mended(raw)?
    };
    read_lines(head, ends)
}

/// Whether no byte stands there that needs mending or refusing, other than line ends. Written to be vectorised.
fn is_plain(raw: &[u8]) -> bool {
    let odd = raw.iter().fold(false, |odd, byte| {
        let control = (*byte < b' ') & (*byte != b'\r') & (*byte != b'\n');
        // 0x80 to 0x9f after 0xc2 are the C1 controls, and rare enough to be looked at closely wherever they stand.
        odd | control | (*byte == 0x7f) | (*byte == 0xc2)
    });
    !odd && !has_folding(raw)
}

fn has_folding(raw: &[u8]) -> bool {
    memchr_iter(b'\n', raw).any(|at| matches!(raw.get(at + 1), Some(b' ' | b'\t')))
}

/// The slow path, length kept: folding becomes spaces (RFC 3261 7.3.1), a tab a space, a control character in a quoted
/// pair and what is not UTF-8 a question mark.
fn mended(raw: &[u8]) -> Result<Box<str>, ParseError> {
    let mut out = raw.to_vec();
    for at in 0..out.len() {
        let next = (out.get(at + 1).copied(), out.get(at + 2).copied());
        let before = at.checked_sub(1).and_then(|before| out.get(before).copied());
        let Some(byte) = out.get_mut(at) else { break };
        match (*byte, next) {
            (b'\r', (Some(b'\n'), Some(b' ' | b'\t'))) => {
                *byte = b' ';
                if let Some(feed) = out.get_mut(at + 1) {
                    *feed = b' ';
                }
            }
            (b'\r' | b'\n', _) => {}
            (b'\t', _) => *byte = b' ',
            (control, _) if control < b' ' || control == 0x7f => {
                if before != Some(b'\\') {
                    return Err(ParseError::Control);
                }
                *byte = b'?';
            }
            _ => {}
        }
    }
    Ok(utf8(out).into_boxed_str())
}

fn utf8(bytes: Vec<u8>) -> String {
    let text = String::from_utf8(bytes).unwrap_or_else(|error| {
        let mut text = String::with_capacity(error.as_bytes().len());
        for chunk in error.as_bytes().utf8_chunks() {
            text.push_str(chunk.valid());
            text.extend(chunk.invalid().iter().map(|_| '?'));
        }
        text
    });
    if text.contains(|letter: char| matches!(letter, '\u{80}'..='\u{9f}')) {
        return text.replace(|letter: char| matches!(letter, '\u{80}'..='\u{9f}'), "??");
    }
    text
}

fn read_lines(head: Box<str>, ends: usize) -> Result<Parsed, ParseError> {
    let mut lines = Vec::with_capacity(ends.saturating_sub(1));
    let mut start = None;
    let mut content_length = Ok(None);
    let mut at = 0;
    while let Some(length) = head.get(at..).and_then(|rest| memchr(b'\n', rest.as_bytes())) {
        // Each LF has one CR in the whole head; a line that lacks its own is therefore seen here or at the CR's line.
        let text = head.get(at..at + length).and_then(|line| line.strip_suffix('\r')).ok_or(ParseError::LineEnd)?;
        if start.is_none() {
            start = Some(start_line(text)?);
        } else {
            let line = header_line(text, at)?;
            if line.name == HeaderName::ContentLength {
                let value = head.get(usize::from(line.value_start)..usize::from(line.value_end));
                content_length = agreed(content_length, value.unwrap_or(""));
            }
            lines.push(line);
        }
        at += length + 1;
    }
    if lines.len() > HEADERS_MAX {
        return Err(ParseError::TooManyHeaders);
    }
    let start = start.ok_or(ParseError::StartLine)?;
    Ok(Parsed { head, lines: lines.into_boxed_slice(), start, content_length })
}

/// Content-Length may be repeated only with the same number.
fn agreed(so_far: Result<Option<usize>, ParseError>, value: &str) -> Result<Option<usize>, ParseError> {
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ParseError::ContentLength);
    }
    let length = text::number(value).and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX);
    match so_far? {
        Some(other) if other != length => Err(ParseError::ContentLengthConflict),
        _ => Ok(Some(length)),
    }
}

fn header_line(line: &str, at: usize) -> Result<Line, ParseError> {
    let end = line.bytes().position(|byte| !text::is_token_byte(byte)).filter(|end| *end > 0);
    let (written, rest) = end.and_then(|end| line.split_at_checked(end)).ok_or(ParseError::Header)?;
    let rest = if rest.starts_with(' ') { rest.trim_start_matches(' ') } else { rest };
    let value = rest.strip_prefix(':').ok_or(ParseError::Header)?;
    let begin = value.bytes().position(|byte| byte != b' ').unwrap_or(value.len());
    let length = text::trim(value.get(begin..).unwrap_or("")).len();
    let value_start = at + line.len() - value.len() + begin;
    Ok(Line {
        name: HeaderName::parse(written),
        name_start: offset(at)?,
        name_end: offset(at + written.len())?,
        value_start: offset(value_start)?,
        value_end: offset(value_start + length)?,
    })
}

fn offset(at: usize) -> Result<u16, ParseError> {
    u16::try_from(at).map_err(|_| ParseError::TooLong)
}

fn start_line(line: &str) -> Result<Start, ParseError> {
    let response = line.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case("SIP/"));
    if response { status_line(line) } else { request_line(line) }.ok_or(ParseError::StartLine)
}

/// `SIP/2.0 200 OK`; the phrase may be empty, even its space may be absent.
fn status_line(line: &str) -> Option<Start> {
    let rest = line.get(4..)?.strip_prefix("2.0 ")?;
    let (code, reason) = rest.split_at_checked(3)?;
    let status = text::number(code).and_then(|status| u16::try_from(status).ok())?;
    let spaced = reason.is_empty() || reason.starts_with(' ');
    let reason_start = line.len() - reason.strip_prefix(' ').unwrap_or(reason).len();
    (spaced && (100..700).contains(&status)).then_some(())?;
    Some(Start::Response { status, reason_start: offset(reason_start).ok()?, reason_end: offset(line.len()).ok()? })
}

/// `INVITE sip:… SIP/2.0`. A line with other spaces is read as far as needed to refuse it by a response.
fn request_line(line: &str) -> Option<Start> {
    let method_end = memchr(b' ', line.as_bytes())?;
    let method = line.get(..method_end)?;
    let trimmed = line.trim_end_matches(' ');
    let uri_end = memrchr(b' ', trimmed.as_bytes())?;
    let version = trimmed.get(uri_end + 1..)?;
    let name = version.get(..4)?.eq_ignore_ascii_case("SIP/");
    let number = version.get(4..)?;
    let known = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (text::is_token(method) && name && known && method_end < uri_end).then_some(())?;
    Some(Start::Request {
        method: Method::parse(method),
        line: match (number == "2.0", trimmed.len() == line.len()) {
            (false, _) => RequestLine::OtherVersion,
            (true, false) => RequestLine::TrailingSpace,
            (true, true) => RequestLine::Clean,
        },
        method_end: offset(method_end).ok()?,
        uri_start: offset(method_end + 1).ok()?,
        uri_end: offset(uri_end).ok()?,
    })
}
