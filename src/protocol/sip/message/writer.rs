//! Writes messages. No control character of a value can cross into what is written.

use super::header::HeaderName;
use super::message::Message;
use bytes::Bytes;
use std::fmt::Display;
use std::net::SocketAddr;

pub struct Writer {
    out: Vec<u8>,
}

#[allow(unused_variables)]
impl Writer {
    pub fn request(method: &str, uri: &str) -> Writer {
        todo!()
    }
    pub fn status(status: u16, phrase: &str) -> Writer {
        todo!()
    }
    /// The start of a response to `request`: status line, all Via (the top one with `received` and `rport` as RFC 3581 wants
    /// for a request that came from `source`), From, To (with `to_tag` if it has none yet), Call-ID, CSeq, and for 101 to 299 of a
    /// dialog-forming request the Record-Route set; Timestamp for 100.
    pub fn reply(request: &Message, source: SocketAddr, status: u16, phrase: &str, to_tag: Option<&str>) -> Writer {
        todo!()
    }
    pub fn header(&mut self, name: HeaderName, value: impl Display) -> &mut Writer {
        todo!()
    }
    pub fn header_named(&mut self, name: &str, value: impl Display) -> &mut Writer {
        todo!()
    }
    /// Copies every line of this name.
    pub fn copy(&mut self, from: &Message, name: HeaderName) -> &mut Writer {
        todo!()
    }
    /// Content-Length 0 and the end.
    pub fn finish(self) -> Bytes {
        todo!()
    }
    pub fn finish_with(self, content_type: &str, body: &[u8]) -> Bytes {
        todo!()
    }
}
