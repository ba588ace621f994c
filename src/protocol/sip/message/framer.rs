//! Cuts a byte stream into messages and keep-alives (RFC 3261 18.3, RFC 5626 3.5.1). Bounded; a framing error ends the stream.

use crate::base::limits::MESSAGE_BYTES_MAX;
use crate::protocol::sip::message::message::{Message, ParseError};
use crate::protocol::sip::message::parse::{self, Parsed};
use memchr::memmem;

#[derive(PartialEq, Debug)]
pub enum Frame {
    Message(Box<Message>),
    /// CRLFCRLF: answer with CRLF.
    Ping,
    /// CRLF.
    Pong,
}

/// An idle connection should not keep the room that its largest message needed.
const KEPT_CAPACITY: usize = 4_096;

#[derive(Default)]
pub struct Framer {
    buffer: Vec<u8>,
    /// Bytes at the start of the buffer that are done with.
    done: usize,
    /// Bytes after `done` in which no end of a header section was found.
    searched: usize,
    /// A head whose body has not arrived whole: the head, and the body's length.
    waiting: Option<(Box<Parsed>, usize)>,
    /// A CRLF was the last frame; a second one makes it a ping.
    half_ping: bool,
    failed: Option<ParseError>,
}

impl Framer {
    /// Takes what was read. `poll` until `None` before the next push, so that no more than one message and one read are held.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next whole frame, `Ok(None)` when more bytes are needed, an error after which the stream must be closed.
    #[must_use = "poll until None"]
    pub fn poll(&mut self) -> Result<Option<Frame>, ParseError> {
        let result = match self.failed {
            Some(error) => Err(error),
            None => self.next(),
        };
        match result {
            Ok(None) => self.tidy_up(),
            Ok(Some(_)) => {}
            Err(error) => {
                self.failed = Some(error);
                self.buffer = Vec::new();
            }
        }
        result
    }

    /// Whether nothing has begun that has not ended.
    pub fn is_between_frames(&self) -> bool {
        self.waiting.is_none() && self.rest().is_empty()
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.done..).unwrap_or(&[])
    }

    fn next(&mut self) -> Result<Option<Frame>, ParseError> {
        if self.waiting.is_none() {
            match self.rest() {
                [] | [b'\r'] => return Ok(None),
                [b'\r', b'\n', ..] => return Ok(Some(self.keep_alive())),
                _ => self.head()?,
            }
        }
        self.body()
    }

    /// A lone CRLF is a pong at once, for nothing may ever follow it; if another follows, the two were a ping after all.
    fn keep_alive(&mut self) -> Frame {
        let whole = self.rest().starts_with(b"\r\n\r\n") && !self.half_ping;
        self.done += if whole { 4 } else { 2 };
        let second = self.half_ping;
        self.half_ping = !whole && !second;
        if whole || second { Frame::Ping } else { Frame::Pong }
    }

    fn head(&mut self) -> Result<(), ParseError> {
        let rest = self.buffer.get(self.done..).unwrap_or(&[]);
        let from = self.searched.saturating_sub(3);
        let Some(found) = memmem::find(rest.get(from..).unwrap_or(&[]), b"\r\n\r\n") else {
            self.searched = rest.len();
            return if rest.len() > MESSAGE_BYTES_MAX { Err(ParseError::TooLong) } else { Ok(()) };
        };
        let head = rest.get(..from + found + 4).unwrap_or(&[]);
        let (parsed, _) = parse::head(head)?;
        let length = parsed.content_length?.ok_or(ParseError::ContentLengthMissing)?;
        if length > MESSAGE_BYTES_MAX - head.len() {
            return Err(ParseError::TooLong);
        }
        self.done += head.len();
        self.searched = 0;
        self.half_ping = false;
        self.waiting = Some((Box::new(parsed), length));
        Ok(())
    }

    fn body(&mut self) -> Result<Option<Frame>, ParseError> {
        let Some((parsed, length)) = self.waiting.take() else { return Ok(None) };
        match self.buffer.get(self.done..self.done + length) {
            None => {
                self.waiting = Some((parsed, length));
                Ok(None)
            }
            Some(body) => {
                let message = Message::new(*parsed, body);
                self.done += length;
                Ok(Some(Frame::Message(Box::new(message))))
            }
        }
    }

    /// Once per push, after its frames are out: so bytes are moved once, whatever the size of messages and reads.
    fn tidy_up(&mut self) {
        if self.done == self.buffer.len() {
            self.buffer.clear();
            self.buffer.shrink_to(KEPT_CAPACITY);
        } else if self.done > 0 {
            self.buffer.drain(..self.done);
        }
        self.done = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "A b SIP/2.0\r\nl: 3\r\n\r\nabc";
    const TWO: &str = "SIP/2.0 200 OK\r\nContent-Length:\r\n 0\r\n\r\n";

    /// What comes out when the stream arrives in pieces of this many bytes: bodies or statuses, `.` for a ping.
    fn frames(stream: &[u8], piece: usize) -> Result<Vec<String>, ParseError> {
        let mut framer = Framer::default();
        let mut out = Vec::new();
        for bytes in stream.chunks(piece) {
            framer.push(bytes);
            while let Some(frame) = framer.poll()? {
                out.extend(match frame {
                    Frame::Message(message) => Some(format!("{}{}", message.status(), message.body().len())),
                    Frame::Ping => Some(".".to_owned()),
                    Frame::Pong => None,
                });
            }
        }
        assert!(framer.is_between_frames());
        Ok(out)
    }

    #[test]
    fn messages_and_pings_come_out_the_same_however_the_stream_is_cut() {
        let stream = format!("\r\n\r\n{ONE}{TWO}\r\n{ONE}\r\n\r\n\r\n\r\n{TWO}");
        for piece in 1..=stream.len() {
            assert_eq!(
                frames(stream.as_bytes(), piece).as_deref(),
                Ok(&[".", "03", "2000", "03", ".", ".", "2000"].map(str::to_owned)[..]),
                "{piece}"
            );
        }
    }

    #[test]
    fn a_lone_crlf_is_a_pong_at_once() {
        let mut framer = Framer::default();
        framer.push(b"\r");
        assert_eq!(framer.poll(), Ok(None));
        framer.push(b"\n");
        assert_eq!(framer.poll(), Ok(Some(Frame::Pong)));
        assert_eq!(framer.poll(), Ok(None));
    }

    #[test]
    fn a_stream_that_cannot_be_cut_fails_for_good() {
        for (stream, error) in [
            ("A b SIP/2.0\r\nX: y\r\n\r\n", ParseError::ContentLengthMissing),
            ("A b SIP/2.0\r\nl: x\r\n\r\n", ParseError::ContentLength),
            ("A b SIP/2.0\r\nl: 1\r\nl: 2\r\n\r\n", ParseError::ContentLengthConflict),
            ("A b SIP/2.0\r\nl: 65535\r\n\r\n", ParseError::TooLong),
            ("A b SIP/2.0\r\nl: 99999999999999999999\r\n\r\n", ParseError::TooLong),
            ("GET / HTTP/1.1\r\n\r\n", ParseError::StartLine),
            ("\rA b SIP/2.0\r\nl: 0\r\n\r\n", ParseError::LineEnd),
        ] {
            let mut framer = Framer::default();
            framer.push(stream.as_bytes());
            assert_eq!(framer.poll(), Err(error), "{stream:?}");
            framer.push(ONE.as_bytes());
            assert_eq!(framer.poll(), Err(error), "{stream:?}");
        }
    }

    #[test]
    fn a_head_without_end_is_given_up_at_the_bound() {
        let mut framer = Framer::default();
        let mut pushed = 0;
        while framer.poll() == Ok(None) {
            framer.push(&[b'x'; 1000]);
            pushed += 1000;
        }
        assert_eq!((framer.poll(), pushed), (Err(ParseError::TooLong), 66_000));
    }

    #[test]
    fn a_quiet_connection_keeps_little_room() {
        let mut framer = Framer::default();
        framer.push(format!("A b SIP/2.0\r\nl: 60000\r\n\r\n{}", "x".repeat(60_000)).as_bytes());
        assert!(matches!(framer.poll(), Ok(Some(Frame::Message(_)))));
        assert_eq!(framer.poll(), Ok(None));
        assert!(framer.buffer.capacity() <= KEPT_CAPACITY);
    }
}
