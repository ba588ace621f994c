//! One dialog, early or confirmed (RFC 3261 section 12), as compact data. Sends nothing and holds no timer.

use crate::protocol::sip::message::header::HeaderName;
use crate::protocol::sip::message::message::{HeaderError, Message, Refusal};
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::message::uri::{Scheme, Uri};
use crate::protocol::sip::message::value::NameAddr;
use crate::protocol::sip::message::writer::Writer;

/// What both sides agree on. Texts are kept as they go out again.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Dialog {
    pub call_id: Box<str>,
    pub local_tag: Box<str>,
    /// Empty where the peer gave none (RFC 2543).
    pub remote_tag: Box<str>,
    /// Our From value without its tag.
    local: Box<str>,
    /// Our To value without its tag.
    remote: Box<str>,
    /// The peer's Contact: where requests are addressed to.
    remote_target: Box<str>,
    /// Route values in the order in which we send them.
    routes: Box<[Box<str>]>,
    pub local_cseq: u32,
    /// `None` until the peer has sent a request.
    pub remote_cseq: Option<u32>,
    pub secure: bool,
}

/// How our INVITE was written: the half of a dialog that the response does not repeat.
#[derive(Clone, PartialEq, Debug)]
pub struct Opening {
    pub call_id: Box<str>,
    pub local_tag: Box<str>,
    /// From value without its tag.
    pub local: Box<str>,
    /// To value.
    pub remote: Box<str>,
    pub cseq: u32,
    pub secure: bool,
}

/// What a request in a dialog of ours does to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    InOrder,
    /// Lower than what came before: 500 (RFC 3261 12.2.2).
    Late,
}

impl Dialog {
    /// The dialog that our response with `local_tag` to this request forms (RFC 3261 12.1.1).
    pub fn accept(request: &Message, local_tag: &str) -> Result<Dialog, HeaderError> {
        let (from, to, cseq) = (request.from()?, request.to()?, request.cseq()?);
        let contact = request.contact()?.ok_or(HeaderError::Missing(HeaderName::Contact))?;
        Ok(Dialog {
            call_id: request.call_id().into(),
            local_tag: local_tag.into(),
            remote_tag: from.tag().unwrap_or_default().into(),
            local: bracketed(to.uri.text),
            remote: bracketed(from.uri.text),
            remote_target: target_text(&contact),
            routes: request.values(HeaderName::RecordRoute).map(Box::from).collect(),
            local_cseq: 0,
            remote_cseq: Some(cseq.number),
            secure: request.uri().is_ok_and(|uri| uri.scheme == Scheme::Sips),
        })
    }

    /// The dialog that a response to our INVITE forms (RFC 3261 12.1.2). A provisional response may lack a Contact: then
    /// `fallback` is the target until a later response names one.
    pub fn open(opening: &Opening, response: &Message, fallback: &str) -> Result<Dialog, HeaderError> {
        let contact = response.contact().ok().flatten();
        let mut routes: Vec<Box<str>> = response.values(HeaderName::RecordRoute).map(Box::from).collect();
        routes.reverse();
        Ok(Dialog {
            call_id: opening.call_id.clone(),
            local_tag: opening.local_tag.clone(),
            remote_tag: response.to_tag().unwrap_or_default().into(),
            local: opening.local.clone(),
            remote: opening.remote.clone(),
            remote_target: contact.map_or_else(|| fallback.into(), |contact| target_text(&contact)),
            routes: routes.into(),
            local_cseq: opening.cseq,
            remote_cseq: None,
            secure: opening.secure,
        })
    }

    /// The dialog of a further 2xx to the INVITE that opened this one: another fork has answered.
    pub fn another(&self, response: &Message, cseq: u32) -> Result<Dialog, HeaderError> {
        let opening = Opening {
            call_id: self.call_id.clone(),
            local_tag: self.local_tag.clone(),
            local: self.local.clone(),
            remote: self.remote.clone(),
            cseq,
            secure: self.secure,
        };
        Dialog::open(&opening, response, &self.remote_target)
    }

    /// The 2xx to our INVITE says anew where the peer is and by which way (RFC 3261 13.2.2.4).
    pub fn confirm(&mut self, response: &Message) {
        let mut routes: Vec<Box<str>> = response.values(HeaderName::RecordRoute).map(Box::from).collect();
        routes.reverse();
        self.routes = routes.into();
        self.refresh(response);
    }

    /// A target refresh request or its 2xx moves the peer (RFC 3261 12.2.1.2, 12.2.2).
    pub fn refresh(&mut self, message: &Message) {
        if let Ok(Some(contact)) = message.contact() {
            let target = target_text(&contact);
            if target != self.remote_target {
                self.remote_target = target;
            }
        }
    }

    /// Notes the number of a request of the peer (not of ACK and CANCEL, which repeat the one of their INVITE).
    pub fn receive(&mut self, request: &Message) -> Result<Order, Refusal> {
        let cseq = request.cseq().map_err(|_| Refusal { status: 400, phrase: "Bad CSeq" })?;
        if matches!(cseq.method, Method::Ack | Method::Cancel) {
            return Ok(Order::InOrder);
        }
        if self.remote_cseq.is_some_and(|seen| cseq.number <= seen) {
            return Ok(Order::Late);
        }
        self.remote_cseq = Some(cseq.number);
        Ok(Order::InOrder)
    }

    /// Whether a request names this dialog (RFC 3261 12.2.2): our tag in To, the peer's in From, the Call-ID.
    pub fn is_of(&self, request: &Message) -> bool {
        request.to_tag().unwrap_or_default() == &*self.local_tag
            && request.from_tag().unwrap_or_default() == &*self.remote_tag
            && request.call_id() == &*self.call_id
    }

    /// The next request in this dialog up to its CSeq; raises our number.
    pub fn request(&mut self, method: Method, via: &str) -> Writer {
        self.local_cseq = self.local_cseq.wrapping_add(1);
        self.write(method, self.local_cseq, via)
    }

    /// The ACK of the 2xx to the INVITE with this number (RFC 3261 13.2.2.4).
    pub fn ack(&self, cseq: u32, via: &str) -> Writer {
        self.write(Method::Ack, cseq, via)
    }

    fn write(&self, method: Method, cseq: u32, via: &str) -> Writer {
        let strict = self.strict_router();
        let mut writer = Writer::request(method.name(), strict.unwrap_or(&self.remote_target));
        writer.text(HeaderName::Via, &[via]).text(HeaderName::MaxForwards, &["70"]);
        // RFC 3261 12.2.1.1: a strict router takes the place of the target, and the target goes last.
        let skip = usize::from(strict.is_some());
        for route in self.routes.iter().skip(skip) {
            writer.text(HeaderName::Route, &[route]);
        }
        if strict.is_some() {
            writer.text(HeaderName::Route, &["<", &self.remote_target, ">"]);
        }
        writer.text(HeaderName::From, &[&self.local, ";tag=", &self.local_tag]);
        if self.remote_tag.is_empty() {
            writer.text(HeaderName::To, &[&self.remote]);
        } else {
            writer.text(HeaderName::To, &[&self.remote, ";tag=", &self.remote_tag]);
        }
        writer.text(HeaderName::CallId, &[&self.call_id]);
        writer.header(HeaderName::CSeq, format_args!("{cseq} {}", method.name()));
        writer
    }

    /// The URI whose host the next request travels to (RFC 3261 12.2.1.1).
    pub fn next_hop(&self) -> &str {
        self.first_route().map_or(&self.remote_target, |route| route.uri.text)
    }

    /// What stands in the Request-URI of a request that is written now; digest needs it.
    pub fn request_uri(&self) -> &str {
        self.strict_router().unwrap_or(&self.remote_target)
    }

    /// Whether other elements stand between us and the peer's Contact.
    pub fn has_routes(&self) -> bool {
        !self.routes.is_empty()
    }

    fn first_route(&self) -> Option<NameAddr<'_>> {
        self.routes.first().and_then(|route| NameAddr::parse(route, HeaderName::Route).ok())
    }

    fn strict_router(&self) -> Option<&str> {
        self.first_route().filter(|route| !route.uri.is_loose_router()).map(|route| route.uri.text)
    }
}

fn bracketed(uri: &str) -> Box<str> {
    ["<", uri, ">"].concat().into()
}

/// A Contact without the headers that a URI may carry: they have no place in a Request-URI (RFC 3261 19.1.1).
fn target_text(contact: &NameAddr<'_>) -> Box<str> {
    uri_without_headers(&contact.uri).into()
}

/// A URI as it may stand in a Request-URI.
pub fn uri_without_headers<'a>(uri: &Uri<'a>) -> &'a str {
    match (uri.scheme, uri.headers) {
        (Scheme::Sip | Scheme::Sips, Some(_)) => uri.text.split('?').next().unwrap_or(uri.text),
        _ => uri.text,
    }
}

#[cfg(test)]
mod tests;
