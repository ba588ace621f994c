//! A byte stream as a wire of SIP messages and keep-alives. Knows neither the peer nor the table of connections.

use crate::protocol::sip::message::framer::{Frame, Framer};
use crate::protocol::sip::message::{Message, ParseError};
use bytes::{Buf, Bytes};
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const CRLF: &[u8] = b"\r\n";
const CRLF_CRLF: &[u8] = b"\r\n\r\n";

/// Something whole that came.
pub enum Arrival {
    Message(Box<Message>),
    /// A keep-alive, or an answer to one of ours. What it needs for an answer is under way.
    Life,
    /// Not a message, but the next one can still be found.
    Malformed(ParseError),
}

/// Why nothing more comes.
#[derive(Debug)]
pub enum Broken {
    Closed,
    /// The framing is lost, or the peer broke the rules of the wire.
    Malformed(ParseError),
}

/// What carries messages both ways: plain or TLS bytes, or a WebSocket.
///
/// The owner gives one message at a time and only when `poll_written` was ready.
pub trait Wire: Send {
    /// Whether the peer must answer our keep-alives (WebSocket), or may leave it (RFC 5626 4.4.1).
    const ANSWERS_PINGS: bool;

    fn poll_arrival(&mut self, cx: &mut Context<'_>) -> Poll<Result<Arrival, Broken>>;
    fn begin(&mut self, bytes: Bytes);
    fn ping(&mut self);
    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// Messages delimited by Content-Length, keep-alives as CRLFs (RFC 3261 18.3, RFC 5626 3.5.1).
pub struct ByteWire<S> {
    stream: S,
    framer: Framer,
    out: Bytes,
    pong_due: bool,
    unflushed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> ByteWire<S> {
    pub fn new(stream: S) -> ByteWire<S> {
        ByteWire { stream, framer: Framer::default(), out: Bytes::new(), pong_due: false, unflushed: false }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Wire for ByteWire<S> {
    const ANSWERS_PINGS: bool = false;

    fn poll_arrival(&mut self, cx: &mut Context<'_>) -> Poll<Result<Arrival, Broken>> {
        loop {
            match self.framer.poll() {
                Ok(Some(Frame::Message(message))) => return Poll::Ready(Ok(Arrival::Message(message))),
                Ok(Some(Frame::Ping)) => {
                    // However many pings come, one pong waits: a peer that only writes costs no memory.
                    self.pong_due = true;
                    return Poll::Ready(Ok(Arrival::Life));
                }
                Ok(Some(Frame::Pong)) => return Poll::Ready(Ok(Arrival::Life)),
                Ok(None) => {}
                Err(error) => return Poll::Ready(Err(Broken::Malformed(error))),
            }
            // On the stack and not in the connection: an idle connection holds no buffer.
            let mut space = [MaybeUninit::<u8>::uninit(); 8_192];
            let mut buffer = ReadBuf::uninit(&mut space);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => self.framer.push(buffer.filled()),
                _ => return Poll::Ready(Err(Broken::Closed)),
            }
        }
    }

    fn begin(&mut self, bytes: Bytes) {
        self.out = bytes;
    }

    fn ping(&mut self) {
        self.out = Bytes::from_static(CRLF_CRLF);
    }

    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.out.has_remaining() {
                match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.out))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    written => self.out.advance(written.min(self.out.remaining())),
                }
                self.unflushed = true;
            } else if self.pong_due {
                self.pong_due = false;
                self.out = Bytes::from_static(CRLF);
            } else if self.unflushed {
                ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
                self.unflushed = false;
            } else {
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.stream).poll_shutdown(cx).map(|_| ())
    }
}
