//! The message itself: parsed once into text and spans, bounded, never panicking.

use super::header::HeaderName;
use super::method::Method;
use super::uri::Uri;
use super::value::{CSeq, NameAddr, Via};

/// A parsed message. Header values are valid UTF-8 without control characters (folding is undone at parse).
#[derive(Clone, PartialEq, Debug)]
pub struct Message {
    head: Box<str>,
    body: Box<[u8]>,
}

/// Why bytes are not a message. One variant, one counter label.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParseError {
    TooLong,
    StartLine,
    Header,
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

#[allow(unused_variables)]
impl Message {
    /// Parses one datagram: exactly one message; bytes beyond Content-Length are ignored (RFC 3261 18.3).
    pub fn parse(bytes: &[u8]) -> Result<Message, ParseError> {
        todo!()
    }

    pub fn is_request(&self) -> bool {
        todo!()
    }
    pub fn method(&self) -> Method {
        todo!()
    }
    /// The method as written, also when unknown. For a response: the method of its CSeq.
    pub fn method_text(&self) -> &str {
        todo!()
    }
    /// Request-URI as written; empty for a response.
    pub fn uri_text(&self) -> &str {
        todo!()
    }
    pub fn uri(&self) -> Result<Uri<'_>, HeaderError> {
        todo!()
    }
    /// Status of a response; 0 for a request.
    pub fn status(&self) -> u16 {
        todo!()
    }
    pub fn reason(&self) -> &str {
        todo!()
    }
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Value of the first line with this name.
    pub fn get(&self, name: HeaderName) -> Option<&str> {
        todo!()
    }
    /// Value of the first line with this name, also for names that we do not know; any case.
    pub fn get_named(&self, name: &str) -> Option<&str> {
        todo!()
    }
    /// Every line with this name, as written.
    pub fn lines(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        std::iter::empty()
    }
    /// Every comma-separated value of every line with this name, trimmed; commas in quotes and brackets do not split.
    pub fn values(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        std::iter::empty()
    }
    /// All header lines in order: known name, name as written, value.
    pub fn headers(&self) -> impl Iterator<Item = (HeaderName, &str, &str)> {
        std::iter::empty()
    }
    /// Whether a list header such as Supported holds this token, any case.
    pub fn has_token(&self, name: HeaderName, token: &str) -> bool {
        todo!()
    }

    pub fn top_via(&self) -> Result<Via<'_>, HeaderError> {
        todo!()
    }
    pub fn from(&self) -> Result<NameAddr<'_>, HeaderError> {
        todo!()
    }
    pub fn to(&self) -> Result<NameAddr<'_>, HeaderError> {
        todo!()
    }
    pub fn from_tag(&self) -> Option<&str> {
        todo!()
    }
    pub fn to_tag(&self) -> Option<&str> {
        todo!()
    }
    pub fn call_id(&self) -> &str {
        todo!()
    }
    pub fn cseq(&self) -> Result<CSeq<'_>, HeaderError> {
        todo!()
    }
    /// First Contact; `Ok(None)` when there is none.
    pub fn contact(&self) -> Result<Option<NameAddr<'_>>, HeaderError> {
        todo!()
    }
    /// A header whose whole value is one decimal number that fits.
    pub fn number(&self, name: HeaderName) -> Result<Option<u32>, HeaderError> {
        todo!()
    }

    /// Whether a request holds what every request must (RFC 3261 8.1.1, 8.2, 16.3), once each and well formed: Via, From, To,
    /// Call-ID, CSeq with the same method, Max-Forwards if present a number, SIP/2.0, a usable Request-URI scheme.
    pub fn check_request(&self) -> Result<(), Refusal> {
        todo!()
    }
    /// Whether a response holds what every response must.
    pub fn check_response(&self) -> Result<(), HeaderError> {
        todo!()
    }
}
