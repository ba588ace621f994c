//! What is asked of every message again and again (top Via, tags, CSeq), read once and kept as places. Judges nothing.

use crate::protocol::sip::message::header::HeaderName;
use crate::protocol::sip::message::message::Message;
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::message::params::Params;
use crate::protocol::sip::message::text::{self, Commas};
use crate::protocol::sip::message::value::{CSeq, NameAddr, Via};

/// Where something stands in the head.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Place {
    pub start: u16,
    pub end: u16,
}

/// A top Via that is well formed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct TopVia {
    /// From its first letter to its last.
    pub whole: Place,
    transport: Place,
    host: Place,
    port: Option<u16>,
    params: Place,
    branch: Option<Place>,
}

/// What is absent or malformed is `None`.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Marks {
    pub top_via: Option<TopVia>,
    pub from_tag: Option<Place>,
    pub to_tag: Option<Place>,
    cseq: Option<(u32, Method, Place)>,
}

impl Marks {
    /// Reads them off a message that has none yet.
    pub fn of(message: &Message) -> Marks {
        let place = |part: &str| message.place(part);
        let [mut from, mut to, mut cseq] = [Once::Never; 3];
        let mut via = None;
        for (name, value) in message.values_by_line() {
            match name {
                HeaderName::Via if via.is_none() => via = Commas::new(value).next(),
                HeaderName::From => from = from.seen(value),
                HeaderName::To => to = to.seen(value),
                HeaderName::CSeq => cseq = cseq.seen(value),
                _ => {}
            }
        }
        let cseq = cseq.value().and_then(|value| CSeq::parse(value).ok());
        Marks {
            top_via: via.and_then(|via| top_via(message, via)),
            from_tag: from.value().and_then(|value| tag_of(value, HeaderName::From)).and_then(place),
            to_tag: to.value().and_then(|value| tag_of(value, HeaderName::To)).and_then(place),
            cseq: cseq.and_then(|cseq| Some((cseq.number, cseq.method, place(cseq.method_text)?))),
        }
    }

    pub fn via<'a>(&self, message: &'a Message) -> Option<Via<'a>> {
        let via = self.top_via?;
        Some(Via {
            transport: message.part(via.transport),
            host: message.part(via.host),
            port: via.port,
            params: Params(message.part(via.params)),
        })
    }

    pub fn branch<'a>(&self, message: &'a Message) -> Option<&'a str> {
        self.top_via?.branch.map(|place| message.part(place))
    }

    pub fn cseq<'a>(&self, message: &'a Message) -> Option<CSeq<'a>> {
        let (number, method, method_text) = self.cseq?;
        Some(CSeq { number, method, method_text: message.part(method_text) })
    }

    pub fn cseq_method(&self) -> Option<Method> {
        self.cseq.map(|(_, method, _)| method)
    }
}

/// A header that may stand once only.
#[derive(Clone, Copy)]
enum Once<'a> {
    Never,
    Here(&'a str),
    Again,
}

impl<'a> Once<'a> {
    fn seen(self, value: &'a str) -> Once<'a> {
        if matches!(self, Once::Never) { Once::Here(value) } else { Once::Again }
    }

    fn value(self) -> Option<&'a str> {
        match self {
            Once::Here(value) => Some(value),
            Once::Never | Once::Again => None,
        }
    }
}

fn top_via(message: &Message, value: &str) -> Option<TopVia> {
    let via = Via::parse(value).ok()?;
    let place = |part: &str| message.place(part);
    Some(TopVia {
        whole: place(value)?,
        transport: place(via.transport)?,
        host: place(via.host)?,
        port: via.port,
        params: place(via.params.0)?,
        branch: via.branch().and_then(place),
    })
}

/// The tag of an address, read without the rest of it.
fn tag_of(value: &str, name: HeaderName) -> Option<&str> {
    let quoted = if value.starts_with('"') { text::quoted_length(value)? } else { 0 };
    let value = value.get(quoted..)?;
    if text::find(value, b'"').is_some() {
        return NameAddr::parse(value, name).ok()?.tag();
    }
    let params = match value.bytes().rposition(|byte| byte == b'>') {
        Some(at) => value.get(at + 1..)?,
        None => value,
    };
    Params(text::split(params, b';')?.1).value("tag")
}
