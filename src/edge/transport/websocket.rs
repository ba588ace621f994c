//! SIP over WebSocket as a server (RFC 7118): the handshake, and one message per frame. Never opens one as a client.

use crate::edge::transport::wire::{Arrival, Broken, Wire};
use crate::protocol::sip::message::{Message, ParseError};
use bytes::Bytes;
use futures_util::{Sink, Stream};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message as Chunk, Utf8Bytes};

/// A browser sends some 700 bytes; cookies of the page's site may add to that.
const HEAD_BYTES_MAX: usize = 8_192;

/// Bounds on what a peer may make us hold: one frame, one message of many fragments, and what we could not yet write.
pub fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4_096)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * crate::base::limits::MESSAGE_BYTES_MAX)
        .max_message_size(Some(crate::base::limits::MESSAGE_BYTES_MAX))
        .max_frame_size(Some(crate::base::limits::MESSAGE_BYTES_MAX))
        .accept_unmasked_frames(false)
}

/// Why a handshake is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Not a WebSocket handshake at all, or without the `sip` subprotocol.
    BadRequest(&'static str),
    /// A page of a site that is not on the list.
    Origin,
    Version,
}

impl Refusal {
    fn response(self) -> String {
        let (line, more, why) = match self {
            Refusal::BadRequest(why) => ("400 Bad Request", "", why),
            Refusal::Origin => ("403 Forbidden", "", "origin not allowed"),
            Refusal::Version => ("426 Upgrade Required", "Sec-WebSocket-Version: 13\r\n", "version 13 only"),
        };
        let length = why.len() + 1;
        format!(
            "HTTP/1.1 {line}\r\n{more}Content-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{why}\n"
        )
    }
}

/// What a peer's first request was, as far as it has been read.
pub struct Opening {
    head: String,
    rest: Vec<u8>,
}

impl Opening {
    /// Path of what is asked for, without what follows a question mark; empty where the request is none.
    pub fn path(&self) -> &str {
        let target = self.head.split([' ', '\r']).nth(1).unwrap_or_default();
        target.split('?').next().unwrap_or_default()
    }

    /// Whether it asks for a page and not for a socket.
    pub fn is_for_page(&self) -> bool {
        let mut lines = self.head.split("\r\n");
        let request = lines.next().unwrap_or_default();
        let is_get = request.starts_with("GET ") || request.starts_with("HEAD ");
        is_get && request.ends_with(" HTTP/1.1") && Offer::read(lines).is_ok_and(|offer| !offer.upgrade)
    }

    pub fn is_head(&self) -> bool {
        self.head.starts_with("HEAD ")
    }

    /// The tag under which the peer has kept what it asks for.
    pub fn known_tag(&self) -> Option<&str> {
        let mut lines = self.head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
        lines.find(|(name, _)| name.eq_ignore_ascii_case("if-none-match")).map(|(_, value)| value.trim())
    }
}

/// Reads the head of the first request. The caller sets the deadline.
pub async fn read<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> io::Result<Result<Opening, Refusal>> {
    let mut read = Vec::with_capacity(1_024);
    let mut from = 0;
    let end = loop {
        if let Some(at) = memchr::memmem::find(read.get(from..).unwrap_or_default(), b"\r\n\r\n") {
            break from + at + 4;
        }
        if read.len() >= HEAD_BYTES_MAX {
            return refuse(stream, Refusal::BadRequest("request too long")).await;
        }
        from = read.len().saturating_sub(3);
        let room = u64::try_from(HEAD_BYTES_MAX - read.len()).unwrap_or(0);
        if (&mut *stream).take(room).read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let rest = read.split_off(end);
    match String::from_utf8(read) {
        Ok(head) => Ok(Ok(Opening { head, rest })),
        Err(_) => refuse(stream, Refusal::BadRequest("not text")).await,
    }
}

/// Takes the handshake of a phone; refuses it in words before it gives up. The caller sets the deadline.
pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    opening: Opening,
    origins: &[Box<str>],
) -> io::Result<Result<WebSocketWire<S>, Refusal>> {
    match answer(&opening.head, origins) {
        Err(refusal) => refuse(&mut stream, refusal).await,
        Ok(answer) => {
            let stream = open(stream, (&answer, opening.rest), config()).await?;
            Ok(Ok(WebSocketWire { stream, out: None, unflushed: false }))
        }
    }
}

/// Takes the handshake of a page of ours.
pub async fn accept_page<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    opening: Opening,
    origins: &[Box<str>],
) -> io::Result<Result<WebSocketStream<S>, Refusal>> {
    match answer_in(&opening.head, origins, Spoken::Pages) {
        Err(refusal) => refuse(&mut stream, refusal).await,
        Ok(answer) => Ok(Ok(open(stream, (&answer, opening.rest), config()).await?)),
    }
}

async fn open<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    (answer, rest): (&str, Vec<u8>),
    config: WebSocketConfig,
) -> io::Result<WebSocketStream<S>> {
    stream.write_all(answer.as_bytes()).await?;
    stream.flush().await?;
    Ok(WebSocketStream::from_partially_read(stream, rest, Role::Server, Some(config)).await)
}

async fn refuse<S: AsyncRead + AsyncWrite + Unpin, T>(
    stream: &mut S,
    refusal: Refusal,
) -> io::Result<Result<T, Refusal>> {
    stream.write_all(refusal.response().as_bytes()).await?;
    stream.shutdown().await?;
    Ok(Err(refusal))
}

/// What is spoken over a WebSocket of ours: the subprotocol by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spoken {
    Sip,
    Pages,
}

impl Spoken {
    fn name(self) -> &'static str {
        match self {
            Spoken::Sip => "sip",
            Spoken::Pages => PAGES,
        }
    }

    fn lack(self) -> &'static str {
        match self {
            Spoken::Sip => "subprotocol sip required",
            Spoken::Pages => "subprotocol offhook.agent.1 required",
        }
    }
}

/// What pages of ours speak.
const PAGES: &str = "offhook.agent.1";

/// The answer to a phone's handshake (RFC 6455 4.2, RFC 7118 4).
pub fn answer(head: &str, origins: &[Box<str>]) -> Result<String, Refusal> {
    answer_in(head, origins, Spoken::Sip)
}

fn answer_in(head: &str, origins: &[Box<str>], spoken: Spoken) -> Result<String, Refusal> {
    let mut lines = head.split("\r\n");
    let request = lines.next().unwrap_or_default();
    let mut words = request.split(' ');
    if (words.next(), words.nth(1), words.next()) != (Some("GET"), Some("HTTP/1.1"), None) {
        return Err(Refusal::BadRequest("not a WebSocket request"));
    }
    let offer = Offer::read(lines)?;
    if !offer.upgrade || !offer.connection {
        return Err(Refusal::BadRequest("this place speaks SIP over WebSocket only"));
    }
    if offer.version != Some("13") {
        return Err(Refusal::Version);
    }
    if !origins.is_empty()
        && !offer.origin.is_some_and(|origin| origins.iter().any(|one| one.eq_ignore_ascii_case(origin)))
    {
        return Err(Refusal::Origin);
    }
    let speaks = match spoken {
        Spoken::Sip => offer.speaks_sip,
        Spoken::Pages => offer.speaks_pages,
    };
    if !speaks {
        return Err(Refusal::BadRequest(spoken.lack()));
    }
    let key = offer.key.filter(|key| is_nonce(key)).ok_or(Refusal::BadRequest("no usable Sec-WebSocket-Key"))?;
    let accept = derive_accept_key(key.as_bytes());
    let name = spoken.name();
    Ok(format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {name}\r\n\r\n"
    ))
}

fn is_nonce(key: &str) -> bool {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16)
}

/// What a client's handshake offers, as far as it matters here.
#[derive(Default)]
struct Offer<'a> {
    upgrade: bool,
    connection: bool,
    speaks_sip: bool,
    speaks_pages: bool,
    version: Option<&'a str>,
    key: Option<&'a str>,
    origin: Option<&'a str>,
}

impl<'a> Offer<'a> {
    fn read(lines: impl Iterator<Item = &'a str>) -> Result<Offer<'a>, Refusal> {
        let mut offer = Offer::default();
        for line in lines.take_while(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or(Refusal::BadRequest("malformed header"))?;
            let value = value.trim_matches([' ', '\t']);
            let lists = |token: &str| value.split(',').any(|one| one.trim().eq_ignore_ascii_case(token));
            match name.to_ascii_lowercase().as_str() {
                "upgrade" => offer.upgrade |= lists("websocket"),
                "connection" => offer.connection |= lists("upgrade"),
                "sec-websocket-protocol" => {
                    offer.speaks_sip |= lists(Spoken::Sip.name());
                    offer.speaks_pages |= lists(PAGES);
                }
                "sec-websocket-version" => once(&mut offer.version, value)?,
                "sec-websocket-key" => once(&mut offer.key, value)?,
                "origin" => once(&mut offer.origin, value)?,
                _ => {}
            }
        }
        Ok(offer)
    }
}

fn once<'a>(slot: &mut Option<&'a str>, value: &'a str) -> Result<(), Refusal> {
    if slot.is_some() {
        return Err(Refusal::BadRequest("repeated header"));
    }
    *slot = Some(value);
    Ok(())
}

/// One message per WebSocket message, as text where it is text (RFC 7118 5).
pub struct WebSocketWire<S> {
    stream: WebSocketStream<S>,
    out: Option<Chunk>,
    unflushed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocketWire<S> {
    /// A wire whose handshake is done, for the fuzzer.
    pub async fn shaken(stream: S) -> WebSocketWire<S> {
        let stream = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config())).await;
        WebSocketWire { stream, out: None, unflushed: false }
    }

    fn on_text(&mut self, bytes: &[u8]) -> Arrival {
        // Some clients keep alive by CRLFs here too (RFC 7118 6).
        if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            if bytes == b"\r\n\r\n" && self.out.is_none() {
                self.out = Some(Chunk::text("\r\n"));
            }
            return Arrival::Life;
        }
        match Message::parse(bytes) {
            Ok(message) => Arrival::Message(Box::new(message)),
            Err(error) => Arrival::Malformed(error),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Wire for WebSocketWire<S> {
    const ANSWERS_PINGS: bool = true;

    fn poll_arrival(&mut self, cx: &mut Context<'_>) -> Poll<Result<Arrival, Broken>> {
        let arrival = match ready!(Pin::new(&mut self.stream).poll_next(cx)) {
            Some(Ok(Chunk::Text(text))) => self.on_text(text.as_bytes()),
            Some(Ok(Chunk::Binary(bytes))) => self.on_text(&bytes),
            Some(Ok(Chunk::Ping(_))) => {
                self.unflushed = true;
                Arrival::Life
            }
            Some(Ok(Chunk::Pong(_) | Chunk::Frame(_))) => Arrival::Life,
            Some(Err(Error::Capacity(_))) => return Poll::Ready(Err(Broken::Malformed(ParseError::TooLong))),
            Some(Err(Error::Protocol(_) | Error::Utf8(_))) => {
                return Poll::Ready(Err(Broken::Malformed(ParseError::Truncated)));
            }
            Some(Ok(Chunk::Close(_)) | Err(_)) | None => return Poll::Ready(Err(Broken::Closed)),
        };
        Poll::Ready(Ok(arrival))
    }

    fn begin(&mut self, bytes: Bytes) {
        self.out = Some(match Utf8Bytes::try_from(bytes.clone()) {
            Ok(text) => Chunk::Text(text),
            Err(_) => Chunk::Binary(bytes),
        });
    }

    fn ping(&mut self) {
        self.out = Some(Chunk::Ping(Bytes::new()));
    }

    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.out.is_some() {
            ready!(Pin::new(&mut self.stream).poll_ready(cx)).map_err(io::Error::other)?;
            if let Some(chunk) = self.out.take() {
                Pin::new(&mut self.stream).start_send(chunk).map_err(io::Error::other)?;
                self.unflushed = true;
            }
        }
        if self.unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx)).map_err(io::Error::other)?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.stream).poll_close(cx).map(|_| ())
    }
}

#[cfg(test)]
mod tests;
