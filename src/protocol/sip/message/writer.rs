//! Writes messages. No control character of a value can cross into what is written.

use crate::protocol::sip::message::header::HeaderName;
use crate::protocol::sip::message::message::Message;
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::message::text;
use bytes::Bytes;
use std::fmt::{Display, Write};
use std::net::{IpAddr, SocketAddr};

/// Holds most messages without growing. A little more than what legs of a call take: the allocator keeps both in places of
/// their own then, and the messages that were kept for repetition leave no holes among the calls that go on.
const CAPACITY: usize = 1_200;

pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    pub fn request(method: &str, uri: &str) -> Writer {
        let mut writer = Writer { out: Vec::with_capacity(CAPACITY) };
        writer.unspaced(method).raw(" ").unspaced(uri).raw(" SIP/2.0\r\n");
        writer
    }

    pub fn status(status: u16, phrase: &str) -> Writer {
        let mut writer = Writer { out: Vec::with_capacity(CAPACITY) };
        writer.raw("SIP/2.0 ").number(status.into()).raw(" ").clean(phrase).raw("\r\n");
        writer
    }

    /// The start of a response to `request`: status line, all Via (the top one with `received` and `rport` as RFC 3581 wants
    /// for a request that came from `source`), From, To (with `to_tag` if it has none yet), Call-ID, CSeq, and for 101 to 299 of a
    /// dialog-forming request the Record-Route set; Timestamp for 100.
    pub fn reply(request: &Message, source: SocketAddr, status: u16, phrase: &str, to_tag: Option<&str>) -> Writer {
        let mut writer = Writer::status(status, phrase);
        writer.vias(request, source);
        writer.copy(request, HeaderName::From);
        let lacks_tag = || request.to_tag().is_none() && request.to().is_ok_and(|to| !to.params.has("tag"));
        match to_tag.filter(|_| lacks_tag()) {
            None => writer.copy(request, HeaderName::To),
            Some(tag) => {
                let to = request.get(HeaderName::To).unwrap_or("").trim_end_matches([' ', ';']);
                writer.text(HeaderName::To, &[to, ";tag=", tag])
            }
        };
        writer.copy(request, HeaderName::CallId).copy(request, HeaderName::CSeq);
        let forms_dialog = matches!(request.method(), Method::Invite | Method::Subscribe | Method::Refer);
        match status {
            100 => writer.copy(request, HeaderName::Timestamp),
            101..300 if forms_dialog => writer.copy(request, HeaderName::RecordRoute),
            _ => &mut writer,
        };
        writer
    }

    /// Content-Length is not taken: `finish` and `finish_with` write the right one.
    pub fn header(&mut self, name: HeaderName, value: impl Display) -> &mut Writer {
        match name {
            HeaderName::ContentLength | HeaderName::Other => self,
            _ => self.raw(name.text()).raw(": ").value(value).raw("\r\n"),
        }
    }

    /// A value of several texts; cheaper than one that has to be formatted.
    pub fn text(&mut self, name: HeaderName, parts: &[&str]) -> &mut Writer {
        match name {
            HeaderName::ContentLength | HeaderName::Other => self,
            _ => parts.iter().fold(self.raw(name.text()).raw(": "), |writer, part| writer.clean(part)).raw("\r\n"),
        }
    }

    /// A name with bytes that no token may hold has these replaced by `-`.
    pub fn header_named(&mut self, name: &str, value: impl Display) -> &mut Writer {
        if name.is_empty() || HeaderName::parse(name) == HeaderName::ContentLength {
            return self;
        }
        self.out.extend(name.bytes().map(|byte| if text::is_token_byte(byte) { byte } else { b'-' }));
        self.raw(": ").value(value).raw("\r\n")
    }

    /// The same for a name that we may not know.
    pub fn text_named(&mut self, name: &str, value: &str) -> &mut Writer {
        match HeaderName::parse(name) {
            HeaderName::Other => self.header_named(name, value),
            known => self.text(known, &[value]),
        }
    }

    /// Copies every line of this name. What was parsed holds no controls.
    pub fn copy(&mut self, from: &Message, name: HeaderName) -> &mut Writer {
        match name {
            HeaderName::ContentLength | HeaderName::Other => self,
            _ => from.lines(name).fold(self, |writer, value| writer.line(name, value)),
        }
    }

    /// Bytes written so far.
    pub fn length(&self) -> usize {
        self.out.len()
    }

    /// Content-Length 0 and the end.
    pub fn finish(mut self) -> Bytes {
        self.raw("Content-Length: 0\r\n\r\n");
        self.out.into()
    }

    /// Content-Type, the right Content-Length, and the body as it is.
    pub fn finish_with(mut self, content_type: &str, body: &[u8]) -> Bytes {
        self.out.reserve(body.len() + content_type.len() + 48);
        self.text(HeaderName::ContentType, &[content_type]);
        self.raw("Content-Length: ").number(body.len()).raw("\r\n\r\n");
        self.out.extend_from_slice(body);
        self.out.into()
    }

    fn vias(&mut self, request: &Message, source: SocketAddr) {
        // A line without a value counts for no hop, here as where the top Via is read.
        let mut lines =
            request.lines(HeaderName::Via).filter(|line| line.bytes().any(|byte| byte != b',' && byte != b' '));
        if let Some(first) = lines.next() {
            let (top, rest) = request.top_via_text().unwrap_or((first, ""));
            self.raw("Via: ").top_via(request, top, source);
            let rest = rest.trim_start_matches([' ', ',']);
            if !rest.is_empty() {
                self.raw(", ").raw(rest);
            }
            self.raw("\r\n");
        }
        lines.fold(self, |writer, line| writer.line(HeaderName::Via, line));
    }

    /// RFC 3581 4: `rport` is filled in where asked for, and then `received` too; without it `received` only where the
    /// sender's address is not what it says (RFC 3261 18.2.1). What the sender itself put there is not believed.
    fn top_via(&mut self, request: &Message, top: &str, source: SocketAddr) -> &mut Writer {
        let Ok(via) = request.top_via() else { return self.raw(top) };
        let address = source.ip().to_canonical();
        let asked = via.params.has("rport");
        let elsewhere = via.host.parse::<IpAddr>().map(|host| host.to_canonical()) != Ok(address);
        if !asked && !elsewhere && !via.params.has("received") {
            return self.raw(top);
        }
        let sent_by = top.get(..top.len() - via.params.0.len()).unwrap_or(top);
        self.raw(text::trim(sent_by));
        for part in via.params.raw().filter(|part| !part.is_empty()) {
            let name = text::split(part, b'=').map_or(part, |(name, _)| text::trim(name));
            if !name.eq_ignore_ascii_case("rport") && !name.eq_ignore_ascii_case("received") {
                self.raw(";").raw(part);
            }
        }
        if asked || elsewhere {
            self.raw(";received=").value(address);
        }
        if asked {
            self.raw(";rport=").number(source.port().into());
        }
        self
    }

    fn raw(&mut self, text: &str) -> &mut Writer {
        self.out.extend_from_slice(text.as_bytes());
        self
    }

    /// A line whose value has been parsed and so holds no controls.
    fn line(&mut self, name: HeaderName, value: &str) -> &mut Writer {
        self.raw(name.text()).raw(": ").raw(value).raw("\r\n")
    }

    fn number(&mut self, number: usize) -> &mut Writer {
        if number >= 10 {
            self.number(number / 10);
        }
        self.out.push(b"0123456789".get(number % 10).copied().unwrap_or(b'0'));
        self
    }

    fn clean(&mut self, text: &str) -> &mut Writer {
        let _ = Clean { out: &mut self.out }.write_str(text);
        self
    }

    fn value(&mut self, value: impl Display) -> &mut Writer {
        // Writing to a Vec cannot fail; a Display that says it did has written what it could.
        let _ = write!(Clean { out: &mut self.out }, "{value}");
        self
    }

    /// For the start line, where a space would begin the next element.
    fn unspaced(&mut self, text: &str) -> &mut Writer {
        if text.bytes().all(|byte| byte > b' ' && byte != 0x7f) {
            return self.clean(text);
        }
        text.split(|letter: char| letter <= ' ' || letter == '\u{7f}')
            .enumerate()
            .fold(self, |writer, (index, part)| writer.raw(if index == 0 { "" } else { "%20" }).value(part))
    }
}

/// Lets text through with every control character made a space.
struct Clean<'a> {
    out: &'a mut Vec<u8>,
}

impl Write for Clean<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        // 0xc2 begins the C1 controls.
        let plain = text.bytes().fold(true, |plain, byte| plain & (byte >= b' ') & (byte != 0x7f) & (byte != 0xc2));
        if plain {
            self.out.extend_from_slice(text.as_bytes());
        } else {
            let mut letter = [0; 4];
            for next in text.chars().map(|next| if next.is_control() { ' ' } else { next }) {
                self.out.extend_from_slice(next.encode_utf8(&mut letter).as_bytes());
            }
        }
        Ok(())
    }
}
