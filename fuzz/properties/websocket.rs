//! What must hold for any bytes that a WebSocket peer sends. Used by the fuzz target and by the replay of its seeds.

use offhook::base::limits::MESSAGE_BYTES_MAX;
use offhook::edge::transport::websocket::{WebSocketWire, answer};
use offhook::edge::transport::wire::{Arrival, Broken, Wire};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The first byte says what the rest is: a handshake, a stream of frames, or pieces that we frame so that they pass.
pub fn hold(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else { return };
    match kind % 3 {
        0 => shakes(rest),
        1 => frames(rest),
        _ => frames(&framed(rest)),
    }
}

/// A handshake is refused or answered, and nothing of it comes back.
fn shakes(bytes: &[u8]) {
    let Ok(head) = std::str::from_utf8(bytes) else { return };
    if let Ok(answer) = answer(head, &["https://phone.example.com".into()]) {
        assert!(answer.starts_with("HTTP/1.1 101 ") && answer.ends_with("\r\n\r\n"));
        assert_eq!(answer.matches("\r\n").count(), 6);
        assert!(head.contains("https://phone.example.com"));
    }
}

/// However it is cut, the same arrives, in bounds, and it ends.
fn frames(bytes: &[u8]) {
    let whole = arrivals(bytes, usize::MAX);
    for piece in [1, 7] {
        assert_eq!(arrivals(bytes, piece), whole);
    }
}

/// Each piece: first byte of a frame, a length, that many bytes; masked with zeros.
fn framed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while let [first, length, more @ ..] = rest {
        let (payload, tail) = more.split_at(usize::from(*length).min(more.len()));
        rest = tail;
        out.push(*first);
        match u8::try_from(payload.len()) {
            Ok(short @ 0..126) => out.push(0x80 | short),
            _ => out.extend([0xfe, 0, *length]),
        }
        out.extend([0; 4]);
        out.extend(payload);
    }
    out
}

/// What arrives, each as a line, and how it ended.
fn arrivals(bytes: &[u8], piece: usize) -> Vec<String> {
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(mut wire) = pin!(WebSocketWire::shaken(Peer { bytes, piece, turn: false })).poll(&mut cx) else {
        panic!("nothing to wait for");
    };
    let mut lines = Vec::new();
    let mut polls = 0;
    loop {
        polls += 1;
        assert!(polls <= 4 * bytes.len() + 8, "it does not end");
        let written = wire.poll_written(&mut cx);
        assert!(!matches!(written, Poll::Pending), "the peer takes everything");
        match wire.poll_arrival(&mut cx) {
            Poll::Pending => {}
            Poll::Ready(Ok(Arrival::Life)) => {}
            Poll::Ready(Ok(Arrival::Malformed(error))) => lines.push(format!("{error:?}")),
            Poll::Ready(Ok(Arrival::Message(message))) => {
                assert!(message.body().len() <= MESSAGE_BYTES_MAX);
                lines.push(format!("{} {}", message.start_line(), message.body().len()));
            }
            Poll::Ready(Err(Broken::Malformed(error))) => {
                lines.push(format!("ended by {error:?}"));
                return lines;
            }
            Poll::Ready(Err(Broken::Closed)) => return lines,
        }
    }
}

/// Sends its bytes in pieces, with a pause after each, then closes; takes everything.
struct Peer<'a> {
    bytes: &'a [u8],
    piece: usize,
    turn: bool,
}

impl AsyncRead for Peer<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.turn = !self.turn;
        if !self.turn && self.piece != usize::MAX {
            return Poll::Pending;
        }
        let (now, later) = self.bytes.split_at(self.piece.min(buffer.remaining()).min(self.bytes.len()));
        buffer.put_slice(now);
        self.bytes = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Peer<'_> {
    fn poll_write(self: Pin<&mut Self>, _cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
