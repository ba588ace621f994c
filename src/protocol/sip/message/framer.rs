//! Cuts a byte stream into messages and keep-alives (RFC 3261 18.3, RFC 5626 3.5.1). Bounded; a framing error ends the stream.

use super::message::{Message, ParseError};

#[derive(PartialEq, Debug)]
pub enum Frame {
    Message(Box<Message>),
    /// CRLFCRLF: answer with CRLF.
    Ping,
    /// CRLF.
    Pong,
}

#[derive(Default)]
pub struct Framer {
    buffer: Vec<u8>,
}

#[allow(unused_variables)]
impl Framer {
    /// Takes what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        todo!()
    }
    /// The next whole frame, `Ok(None)` when more bytes are needed, an error after which the stream must be closed.
    pub fn poll(&mut self) -> Result<Option<Frame>, ParseError> {
        todo!()
    }
}
