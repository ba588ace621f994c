//! Whether a message holds what every message must, once each and well formed. Decides the refusal, never sends it.

use crate::protocol::sip::message::header::HeaderName;
use crate::protocol::sip::message::message::{HeaderError, Message, Refusal};
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::message::parse::RequestLine;
use crate::protocol::sip::message::text;
use crate::protocol::sip::message::uri::Scheme;
use crate::protocol::sip::message::value::NameAddr;

const fn bad_request(phrase: &'static str) -> Refusal {
    Refusal { status: 400, phrase }
}

impl Message {
    /// Whether a request holds what every request must (RFC 3261 8.1.1, 8.2, 16.3), once each and well formed: Via, From, To,
    /// Call-ID, CSeq with the same method, Max-Forwards if present a number, SIP/2.0, a usable Request-URI scheme.
    pub fn check_request(&self) -> Result<(), Refusal> {
        match self.request_line() {
            None => return Err(bad_request("Not a Request")),
            Some(RequestLine::OtherVersion) => return Err(Refusal { status: 505, phrase: "Version Not Supported" }),
            Some(RequestLine::TrailingSpace) => return Err(bad_request("Malformed Request Line")),
            Some(RequestLine::Clean) => {}
        }
        self.check_common().map_err(Refusal::from)?;
        let cseq = self.cseq().map_err(Refusal::from)?;
        if cseq.method_text != self.method_text() {
            return Err(bad_request("CSeq Method Differs"));
        }
        self.check_uri()?;
        self.check_contacts()?;
        match self.optional_number(HeaderName::MaxForwards)? {
            // RFC 3261 20.22: at most 255.
            Some(256..) => Err(bad_request("Malformed Max-Forwards")),
            // RFC 7332: a back-to-back user agent counts hops as a proxy does.
            Some(0) if self.method() == Method::Invite && self.to_tag().is_none() => {
                Err(Refusal { status: 483, phrase: "Too Many Hops" })
            }
            _ => Ok(()),
        }
    }

    /// Whether a response holds what every response must.
    pub fn check_response(&self) -> Result<(), HeaderError> {
        self.check_common()
    }

    fn check_common(&self) -> Result<(), HeaderError> {
        self.top_via()?;
        self.from()?;
        self.to()?;
        let call_id = self.single(HeaderName::CallId)?;
        if call_id.is_empty() || call_id.contains(' ') {
            return Err(HeaderError::Malformed(HeaderName::CallId));
        }
        self.cseq().map(|_| ())
    }

    fn check_uri(&self) -> Result<(), Refusal> {
        let uri = self.uri().map_err(|_| bad_request("Malformed Request-URI"))?;
        match uri.scheme {
            Scheme::Other => Err(Refusal { status: 416, phrase: "Unsupported URI Scheme" }),
            // RFC 3261 19.1.1: headers have no place in a Request-URI.
            _ if uri.headers.is_some() => Err(bad_request("Headers in Request-URI")),
            _ => Ok(()),
        }
    }

    fn check_contacts(&self) -> Result<(), Refusal> {
        let fine = |value: &str| value == "*" || NameAddr::parse(value, HeaderName::Contact).is_ok();
        if self.values(HeaderName::Contact).all(fine) { Ok(()) } else { Err(bad_request("Malformed Contact")) }
    }

    fn optional_number(&self, name: HeaderName) -> Result<Option<u32>, Refusal> {
        match self.single(name) {
            Ok(value) => text::number(value).map(Some).ok_or(HeaderError::Malformed(name).into()),
            Err(HeaderError::Missing(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl From<HeaderError> for Refusal {
    fn from(error: HeaderError) -> Refusal {
        let (HeaderError::Missing(name) | HeaderError::Repeated(name) | HeaderError::Malformed(name)) = error;
        let [missing, repeated, malformed] = match name {
            HeaderName::Via => ["Missing Via", "Repeated Via", "Malformed Via"],
            HeaderName::From => ["Missing From", "Repeated From", "Malformed From"],
            HeaderName::To => ["Missing To", "Repeated To", "Malformed To"],
            HeaderName::CallId => ["Missing Call-ID", "Repeated Call-ID", "Malformed Call-ID"],
            HeaderName::CSeq => ["Missing CSeq", "Repeated CSeq", "Malformed CSeq"],
            HeaderName::MaxForwards => ["Missing Max-Forwards", "Repeated Max-Forwards", "Malformed Max-Forwards"],
            HeaderName::Contact => ["Missing Contact", "Repeated Contact", "Malformed Contact"],
            _ => ["Missing Header", "Repeated Header", "Malformed Header"],
        };
        bad_request(match error {
            HeaderError::Missing(_) => missing,
            HeaderError::Repeated(_) => repeated,
            HeaderError::Malformed(_) => malformed,
        })
    }
}
