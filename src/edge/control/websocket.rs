//! The control protocol over WebSocket on TLS: one message per frame, and a token says who may do what. Knows no command.

use super::commands::Operator;
use super::conversation::{self, Incoming, Limits, Outgoing};
use super::frame::{self, FrameFault, LINE_BYTES_MAX};
use super::scope::Scopes;
use super::token::Tokens;
use crate::domain::profile::TlsFiles;
use crate::edge::metrics::Metrics;
use crate::edge::metrics::control::ControlFault;
use crate::edge::transport::tls;
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message as Chunk, Utf8Bytes};

/// Clients at once, those included that have not proven who they are.
const CLIENTS_MAX: usize = 64;
/// How long TLS and the handshake may take together.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);
/// How often a client is asked whether it is still there, and how long nothing at all may come from it.
const PING_EVERY: Duration = Duration::from_secs(30);
const LIFE_PATIENCE: Duration = Duration::from_secs(90);
/// How long to wait when the system gives no more descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where we listen, and who we are there.
#[derive(Clone, PartialEq, Debug)]
pub struct WebSettings {
    pub listen: SocketAddr,
    pub files: TlsFiles,
}

type Stream = WebSocketStream<TlsStream<TcpStream>>;

pub struct ControlPort {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    tokens: Arc<Tokens>,
}

impl ControlPort {
    pub async fn bind(settings: &WebSettings, tokens: Arc<Tokens>) -> Result<ControlPort, String> {
        let identity = tls::identity(&settings.files)?;
        let acceptor = TlsAcceptor::from(tls::server(&settings.files, &identity)?);
        let listener = TcpListener::bind(settings.listen).await.map_err(|error| error.to_string())?;
        Ok(ControlPort { listener, acceptor, tokens })
    }

    pub async fn serve(self, operator: Arc<Operator>) {
        let places = Arc::new(Semaphore::new(CLIENTS_MAX));
        loop {
            let (stream, remote) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "the control port cannot take a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let metrics = operator.ports.metrics.clone();
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                metrics.control_fault(ControlFault::NoPlace);
                continue;
            };
            let (acceptor, tokens, operator) = (self.acceptor.clone(), Arc::clone(&self.tokens), Arc::clone(&operator));
            tokio::spawn(async move {
                let shaken = tokio::time::timeout(HANDSHAKE_PATIENCE, shake(stream, &acceptor, &tokens)).await;
                match shaken {
                    Ok(Ok((stream, proven))) => talk(stream, (remote, proven), operator).await,
                    Ok(Err(why)) => {
                        tracing::debug!(%remote, why, "a control client was refused");
                        metrics.control_fault(refusal(&why));
                    }
                    Err(_) => metrics.control_fault(ControlFault::Handshake),
                }
                drop(place);
            });
        }
    }
}

const WRONG_TOKEN: &str = "the token is nobody's";

fn refusal(why: &str) -> ControlFault {
    if why == WRONG_TOKEN { ControlFault::Unproven } else { ControlFault::Handshake }
}

/// Who came with a token in the first request; browsers cannot, and say it in their `hello`.
type Proven = Option<(String, Scopes)>;

async fn shake(stream: TcpStream, acceptor: &TlsAcceptor, tokens: &Tokens) -> Result<(Stream, Proven), String> {
    let stream = acceptor.accept(stream).await.map_err(|error| error.to_string())?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(LINE_BYTES_MAX))
        .max_frame_size(Some(LINE_BYTES_MAX))
        .write_buffer_size(0)
        .max_write_buffer_size(4 * 1_024 * 1_024);
    let mut proven = None;
    let mut is_wrong = false;
    // The type is the library's.
    #[allow(clippy::result_large_err)]
    let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        let given = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        let Some(token) = given.and_then(|value| value.strip_prefix("Bearer ")) else { return Ok(response) };
        proven = tokens.owner(token);
        is_wrong = proven.is_none();
        match is_wrong {
            false => Ok(response),
            true => {
                let mut refused = ErrorResponse::new(Some(WRONG_TOKEN.to_owned()));
                *refused.status_mut() = StatusCode::UNAUTHORIZED;
                Err(refused)
            }
        }
    };
    let shaken = tokio_tungstenite::accept_hdr_async_with_config(stream, look, Some(config)).await;
    match shaken {
        Ok(stream) => Ok((stream, proven)),
        Err(_) if is_wrong => Err(WRONG_TOKEN.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

async fn talk(stream: Stream, (remote, proven): (SocketAddr, Proven), operator: Arc<Operator>) {
    tracing::debug!(%remote, who = proven.as_ref().map(|(who, _)| who), "a control client has come");
    let (sink, stream) = stream.split();
    let metrics: Metrics = operator.ports.metrics.clone();
    let who = proven.unwrap_or_else(|| (format!("tls:{remote}"), Scopes::default()));
    conversation::hold((FramesIn(stream), FramesOut(sink)), who, operator, Limits::default()).await;
    drop(metrics);
}

struct FramesIn(SplitStream<Stream>);

impl Incoming for FramesIn {
    async fn next(&mut self) -> io::Result<Option<Result<Vec<u8>, FrameFault>>> {
        loop {
            let chunk = tokio::time::timeout(LIFE_PATIENCE, self.0.next()).await;
            let chunk = chunk.map_err(|_| io::Error::new(io::ErrorKind::ConnectionAborted, "it is silent"))?;
            return match chunk {
                Some(Ok(Chunk::Text(text))) => Ok(Some(frame::checked(text.as_bytes()))),
                Some(Ok(Chunk::Binary(bytes))) => Ok(Some(frame::checked(&bytes))),
                Some(Ok(Chunk::Ping(_) | Chunk::Pong(_) | Chunk::Frame(_))) => continue,
                Some(Err(Error::Capacity(_))) => Ok(Some(Err(FrameFault::TooLong))),
                Some(Ok(Chunk::Close(_)) | Err(Error::ConnectionClosed)) | None => Ok(None),
                Some(Err(error)) => Err(io::Error::other(error)),
            };
        }
    }
}

struct FramesOut(SplitSink<Stream, Chunk>);

impl Outgoing for FramesOut {
    const PING_EVERY: Option<Duration> = Some(PING_EVERY);

    async fn write(&mut self, frames: &[Bytes]) -> io::Result<()> {
        for frame in frames {
            let text = frame.strip_suffix(b"\n").unwrap_or(frame);
            let text = Utf8Bytes::try_from(frame.slice_ref(text)).map_err(io::Error::other)?;
            self.0.feed(Chunk::Text(text)).await.map_err(io::Error::other)?;
        }
        self.0.flush().await.map_err(io::Error::other)
    }

    async fn ping(&mut self) -> io::Result<()> {
        self.0.send(Chunk::Ping(Bytes::new())).await.map_err(io::Error::other)
    }
}
