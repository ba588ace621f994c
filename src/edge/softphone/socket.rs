//! One socket of a page: the greeting, then orders to the seat and news from it, in bounds of size, depth and rate.

use super::reception::{Proven, Reception};
use super::seat::{Joining, Saying};
use super::seats::SeatDoor;
use super::wire::{self, Hello, Order, Refusal};
use crate::edge::clock;
use crate::edge::control::frame;
use crate::edge::transport::front::{Stream, Visitor};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Chunk;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// How long a page may take to say who it is.
const HELLO_PATIENCE: Duration = Duration::from_secs(10);
/// How often a page is asked whether it is still there, and how long nothing at all may come from it.
const PING_EVERY: Duration = Duration::from_secs(15);
const LIFE_PATIENCE: Duration = Duration::from_secs(40);
/// What may wait to be written to one page; a page that does not read is left.
const NEWS_MAX: usize = 512;
/// Messages of one page in a second.
const RATE_MAX: u32 = 50;
/// How long the last bytes may take.
const CLOSING: Duration = Duration::from_secs(2);

static LAST: AtomicU64 = AtomicU64::new(0);

/// News for one page.
pub enum News {
    Text(String),
    /// The last text; then the socket is closed.
    Bye(String),
}

type Writer = SplitSink<WebSocketStream<Stream>, Chunk>;
type Reader = SplitStream<WebSocketStream<Stream>>;

pub async fn talk(reception: Arc<Reception>, visitor: Visitor) {
    let path = visitor.path;
    let (stream, place) = visitor.part();
    let (mut writer, mut reader) = stream.split();
    let greeted = tokio::time::timeout(HELLO_PATIENCE, greet(&reception, path.remote.ip(), &mut reader)).await;
    match greeted {
        Ok(Ok((id, hello, proven))) => {
            reception.ports.metrics.softphone_login("done");
            let number = LAST.fetch_add(1, Ordering::Relaxed);
            let (news, to_write) = mpsc::channel(NEWS_MAX);
            let joining = Joining { socket: number, news, id, media: hello.media, path, proven: proven.clone() };
            if let Some(door) = sit(&reception, joining, &proven).await {
                let until = left(proven.until);
                serve((&mut writer, &mut reader), to_write, (&door, number), until).await;
                drop(door.inbox.send(Saying::Left { socket: number }).await);
            }
        }
        Ok(Err(Some((id, refusal)))) => {
            reception.ports.metrics.softphone_login(refusal.code);
            tracing::debug!(%path, code = refusal.code, "a page was refused");
            drop(writer.send(Chunk::text(wire::refused(id.as_deref(), &refusal))).await);
        }
        Ok(Err(None)) | Err(_) => {}
    }
    let close = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    let _timely = tokio::time::timeout(CLOSING, writer.send(Chunk::Close(Some(close)))).await;
    drop(place);
}

fn left(until: u64) -> Instant {
    let left = until.saturating_sub(clock::now().unix_millis());
    Instant::now() + Duration::from_millis(left)
}

type Refused = Option<(Option<String>, Refusal)>;

async fn greet(
    reception: &Reception,
    address: std::net::IpAddr,
    reader: &mut Reader,
) -> Result<(String, Hello, Proven), Refused> {
    let text = loop {
        match reader.next().await {
            Some(Ok(Chunk::Text(text))) => break text,
            Some(Ok(Chunk::Ping(_) | Chunk::Pong(_))) => {}
            _ => return Err(None),
        }
    };
    let bytes = frame::checked(text.as_bytes()).map_err(|fault| Some((None, too_much(fault))))?;
    if !wire::is_hello(&bytes) {
        return Err(Some((None, Refusal::new("bad_request", "the first message is `hello`").at("/do"))));
    }
    let (id, hello) = wire::read::<Hello>(&bytes);
    let hello = hello.map_err(|refusal| Some((id.clone(), refusal)))?;
    let proven = reception.prove(&hello, address).await.map_err(|refusal| Some((id.clone(), refusal)))?;
    Ok((id.unwrap_or_default(), hello, proven))
}

fn too_much(fault: frame::FrameFault) -> Refusal {
    let fault = fault.fault();
    Refusal::new("bad_request", fault.message)
}

/// The seat may end while somebody comes to it: then there is another one.
async fn sit(reception: &Reception, joining: Joining, proven: &Proven) -> Option<SeatDoor> {
    let mut joining = Box::new(joining);
    for _ in 0..3 {
        let door = reception.seats.sit_down(&proven.agent)?;
        let (token, resume) = reception.tokens(proven, door.number);
        match door.inbox.send(Saying::Joined { joining, token, resume }).await {
            Ok(()) => return Some(door),
            Err(mpsc::error::SendError(Saying::Joined { joining: back, .. })) => joining = back,
            Err(_) => return None,
        }
    }
    None
}

async fn serve(
    (writer, reader): (&mut Writer, &mut Reader),
    mut to_write: mpsc::Receiver<News>,
    (door, socket): (&SeatDoor, u64),
    until: Instant,
) {
    let mut ping = tokio::time::interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    let mut heard = Instant::now();
    let (mut second, mut count) = (heard, 0_u32);
    loop {
        tokio::select! {
            chunk = reader.next() => {
                let now = Instant::now();
                heard = now;
                if now.duration_since(second) >= Duration::from_secs(1) {
                    (second, count) = (now, 0);
                }
                count += 1;
                let said = match chunk {
                    Some(Ok(Chunk::Text(text))) if count <= RATE_MAX => said(socket, text.as_bytes()),
                    Some(Ok(Chunk::Ping(_) | Chunk::Pong(_) | Chunk::Frame(_))) if count <= RATE_MAX => continue,
                    _ => return,
                };
                if door.inbox.send(said).await.is_err() {
                    return;
                }
            }
            news = to_write.recv() => match news {
                Some(News::Text(text)) => if !write(writer, text).await { return },
                Some(News::Bye(text)) => {
                    write(writer, text).await;
                    return;
                }
                None => return,
            },
            _ = ping.tick() => {
                let is_silent = heard.elapsed() > LIFE_PATIENCE;
                if is_silent || !in_time(writer.send(Chunk::Ping(bytes::Bytes::new()))).await {
                    return;
                }
            }
            () = tokio::time::sleep_until(until) => {
                write(writer, r#"{"told":"bye","reason":"expired"}"#.to_owned()).await;
                return;
            }
        }
    }
}

fn said(socket: u64, text: &[u8]) -> Saying {
    let read = frame::checked(text).map_err(too_much).map(|bytes| wire::read::<Order>(&bytes));
    match read {
        Ok((Some(id), Ok(order))) => Saying::Ordered { socket, id, order: Box::new(order) },
        Ok((id, Err(refusal))) => Saying::Misunderstood { socket, id, refusal },
        Ok((None, Ok(_))) => {
            Saying::Misunderstood { socket, id: None, refusal: Refusal::new("bad_request", "`id` is missing") }
        }
        Err(refusal) => Saying::Misunderstood { socket, id: None, refusal },
    }
}

async fn write(writer: &mut Writer, text: String) -> bool {
    in_time(writer.send(Chunk::text(text))).await
}

async fn in_time<E>(sending: impl Future<Output = Result<(), E>>) -> bool {
    matches!(tokio::time::timeout(HELLO_PATIENCE, sending).await, Ok(Ok(())))
}
