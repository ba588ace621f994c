//! The door through which pages and their sockets are served where phones speak over WebSocket. Knows no page itself.

use crate::edge::transport::TransportLimits;
use crate::edge::transport::line::Line;
use crate::edge::transport::websocket::Opening;
use crate::protocol::sip::path::Path;
use std::future::Future;
use std::io;
use std::pin::Pin;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;

/// Where the sockets of pages are.
pub const SOCKET: &str = "/agent";

/// Bytes both ways, plain or protected.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Duplex for S {}

pub type Stream = Box<dyn Duplex>;

/// Who serves pages.
pub trait Front: Send + Sync + 'static {
    /// The whole answer to a request for a page, head and body; `tag` is what the peer has kept already.
    fn page(&self, path: &str, tag: Option<&str>) -> Page;

    /// Speaks with a page until one side has enough.
    fn serve(&self, visitor: Visitor) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// An answer to a plain request.
pub struct Page {
    pub head: String,
    pub body: &'static [u8],
}

/// A page's socket after its handshake. Its place in the table of connections is given back when this is dropped.
pub struct Visitor {
    pub stream: WebSocketStream<Stream>,
    pub path: Path,
    pub limits: TransportLimits,
    pub(super) place: Line,
}

impl Visitor {
    /// The stream by itself, and what keeps its place.
    pub fn part(self) -> (WebSocketStream<Stream>, Place) {
        (self.stream, Place(self.place))
    }
}

/// A place in the table of connections.
pub struct Place(#[expect(dead_code, reason = "held until the socket ends")] Line);

/// Answers a plain request, and that is all on this connection.
pub(super) async fn show<S: AsyncRead + AsyncWrite + Unpin>(
    front: &dyn Front,
    stream: &mut S,
    opening: &Opening,
) -> io::Result<()> {
    let page = front.page(opening.path(), opening.known_tag());
    stream.write_all(page.head.as_bytes()).await?;
    if !opening.is_head() {
        stream.write_all(page.body).await?;
    }
    stream.flush().await?;
    stream.shutdown().await
}
