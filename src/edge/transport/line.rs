//! One stream connection at work: queue to wire, wire to sink, and its deadlines. Knows no transport by name.

use crate::base::id::CallId;
use crate::edge::transport::connections::{Admitted, Queued};
use crate::edge::transport::front::{self, Visitor};
use crate::edge::transport::wire::{Arrival, Broken, Wire};
use crate::edge::transport::{Shared, TransportLimits};
use crate::protocol::sip::path::Path;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};
use tokio_tungstenite::WebSocketStream;

/// How long a connection that we end may take to write its last bytes.
const CLOSING: Duration = Duration::from_secs(1);

/// A place in the table of connections. However its task ends, dropping this gives the place back, tells the owners of
/// what was not written, and says that the connection is gone.
pub struct Line {
    shared: Arc<Shared>,
    path: Path,
    queue: mpsc::Receiver<Queued>,
    names: Arc<[Box<str>]>,
    /// Whose message the wire is writing.
    writing: Option<(CallId, u32)>,
    /// Others have heard of this connection, so its end is news to them.
    known: bool,
    inbound: bool,
    began: Instant,
}

enum Event {
    Arrived(Arrival),
    Taken(Queued),
    Written,
    Due,
    Ended(Ending),
}

enum Ending {
    /// We end it: nobody holds the other end of the queue, and all of it is written.
    Ours,
    Theirs,
    WriteFailed,
    Malformed(crate::protocol::sip::message::ParseError),
}

impl Line {
    pub fn new(shared: &Arc<Shared>, path: Path, admitted: Admitted, inbound: bool) -> Line {
        shared.counters.connections_opened.one();
        Line {
            shared: Arc::clone(shared),
            path: Path { connection: Some(admitted.id), ..path },
            queue: admitted.queue,
            names: Arc::from([]),
            writing: None,
            known: false,
            inbound,
            began: Instant::now(),
        }
    }

    pub fn path(&self) -> Path {
        self.path
    }

    /// When handshakes and the first whole message must be done.
    pub fn first_message_at(&self) -> Instant {
        self.began + self.shared.limits.first_message
    }

    /// What the peer's verified certificate says.
    pub fn verified(&mut self, names: Arc<[Box<str>]>) {
        if let Some(id) = self.path.connection {
            self.shared.connections.verified(id, &names);
        }
        self.names = names;
    }

    /// Gives the connection to what serves pages; the place in the table stays taken until that ends.
    pub fn settle(self, stream: WebSocketStream<front::Stream>) -> Visitor {
        if let Some(id) = self.path.connection {
            self.shared.connections.settled(id);
        }
        Visitor { stream, path: self.path, limits: self.shared.limits, place: self }
    }

    /// Carries messages both ways until one side has enough.
    pub async fn carry<W: Wire>(mut self, mut wire: W) {
        self.known = !self.inbound;
        let first_message_at = self.inbound.then(|| self.first_message_at());
        let pings = W::ANSWERS_PINGS || !self.inbound;
        let mut watch = Watch::new(self.shared.limits, first_message_at, pings, W::ANSWERS_PINGS);
        let mut sleep = Box::pin(tokio::time::sleep_until(watch.due()));
        loop {
            let event = poll_fn(|cx| self.poll_event(&mut wire, &mut watch, sleep.as_mut(), cx)).await;
            let now = Instant::now();
            match event {
                Event::Arrived(arrival) => self.on_arrival(arrival, &mut watch, now),
                Event::Taken(queued) => {
                    self.writing = Some((queued.owner, queued.token));
                    self.shared.counters.stream_messages_out.one();
                    wire.begin(queued.bytes);
                    watch.writes(now);
                }
                Event::Written => {
                    self.writing = None;
                    watch.wrote(now);
                }
                Event::Due => match watch.on_due(now) {
                    Verdict::Wait => {}
                    Verdict::Ping => wire.ping(),
                    Verdict::Close => break,
                    Verdict::HalfOpen => {
                        self.shared.counters.half_open_closed.one();
                        break;
                    }
                },
                Event::Ended(Ending::Malformed(error)) => {
                    self.malformed(error);
                    break;
                }
                Event::Ended(Ending::Theirs | Ending::WriteFailed) => break,
                Event::Ended(Ending::Ours) => {
                    let closing = poll_fn(|cx| wire.poll_close(cx));
                    let _timely = tokio::time::timeout(CLOSING, closing).await;
                    break;
                }
            }
            if watch.due() < sleep.deadline() || sleep.is_elapsed() {
                sleep.as_mut().reset(watch.due());
            }
        }
    }

    /// Reading and writing take turns, so that a peer that does only one of them does not keep us from the other.
    fn poll_event<W: Wire>(
        &mut self,
        wire: &mut W,
        watch: &mut Watch,
        sleep: Pin<&mut Sleep>,
        cx: &mut Context<'_>,
    ) -> Poll<Event> {
        watch.read_first = !watch.read_first;
        for turn in 0..2 {
            let event = match watch.read_first == (turn == 0) {
                true => poll_read(wire, cx),
                false => self.poll_write(wire, watch, cx),
            };
            if event.is_ready() {
                return event;
            }
        }
        sleep.poll(cx).map(|()| Event::Due)
    }

    fn poll_write<W: Wire>(&mut self, wire: &mut W, watch: &mut Watch, cx: &mut Context<'_>) -> Poll<Event> {
        let written: Poll<io::Result<()>> = wire.poll_written(cx);
        match written {
            Poll::Ready(Err(_)) => Poll::Ready(Event::Ended(Ending::WriteFailed)),
            Poll::Ready(Ok(())) if self.writing.is_some() => Poll::Ready(Event::Written),
            Poll::Ready(Ok(())) => {
                watch.writing_since = None;
                self.queue.poll_recv(cx).map(|queued| match queued {
                    Some(queued) => Event::Taken(queued),
                    None => Event::Ended(Ending::Ours),
                })
            }
            Poll::Pending => {
                if watch.writing_since.is_none() {
                    watch.writes(Instant::now());
                }
                Poll::Pending
            }
        }
    }

    fn on_arrival(&mut self, arrival: Arrival, watch: &mut Watch, now: Instant) {
        watch.heard(now);
        match arrival {
            Arrival::Message(message) => {
                self.shared.counters.stream_messages_in.one();
                if watch.first_message_at.take().is_some()
                    && let Some(id) = self.path.connection
                {
                    self.shared.connections.settled(id);
                }
                self.known = true;
                self.shared.sink.message(self.path, &self.names, message);
            }
            Arrival::Life => self.shared.counters.keepalives.one(),
            Arrival::Malformed(error) => self.malformed(error),
        }
    }

    fn malformed(&self, error: crate::protocol::sip::message::ParseError) {
        self.shared.sink.malformed(self.path, error);
    }
}

fn poll_read<W: Wire>(wire: &mut W, cx: &mut Context<'_>) -> Poll<Event> {
    wire.poll_arrival(cx).map(|arrival| match arrival {
        Ok(arrival) => Event::Arrived(arrival),
        Err(Broken::Closed) => Event::Ended(Ending::Theirs),
        Err(Broken::Malformed(error)) => Event::Ended(Ending::Malformed(error)),
    })
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(id) = self.path.connection {
            self.shared.connections.remove(id);
        }
        // The place is gone, so nothing can be queued any more.
        self.queue.close();
        if let Some((owner, token)) = self.writing.take() {
            self.shared.undeliverable(owner, token);
        }
        while let Ok(queued) = self.queue.try_recv() {
            self.shared.undeliverable(queued.owner, queued.token);
        }
        self.shared.counters.connections_closed.one();
        if self.known {
            self.shared.sink.closed(self.path);
        }
    }
}

/// The deadlines of one connection. One timer serves them all and is armed anew only when it would ring too late.
struct Watch {
    limits: TransportLimits,
    pings: bool,
    must_answer: bool,
    /// Set until the first whole message has come, on connections that peers opened.
    first_message_at: Option<Instant>,
    heard_at: Instant,
    wrote_at: Instant,
    pinged_at: Option<Instant>,
    writing_since: Option<Instant>,
    read_first: bool,
}

#[derive(Debug, PartialEq)]
enum Verdict {
    Wait,
    Ping,
    Close,
    HalfOpen,
}

impl Watch {
    fn new(limits: TransportLimits, first_message_at: Option<Instant>, pings: bool, must_answer: bool) -> Watch {
        let now = Instant::now();
        Watch {
            limits,
            pings,
            must_answer,
            first_message_at,
            heard_at: now,
            wrote_at: now,
            pinged_at: None,
            writing_since: None,
            read_first: false,
        }
    }

    fn heard(&mut self, now: Instant) {
        self.heard_at = now;
        self.pinged_at = None;
    }

    fn writes(&mut self, now: Instant) {
        self.writing_since = Some(now);
    }

    fn wrote(&mut self, now: Instant) {
        self.writing_since = None;
        self.wrote_at = now;
    }

    fn idle_at(&self) -> Instant {
        self.heard_at.max(self.wrote_at) + self.limits.idle
    }

    fn ping_at(&self) -> Option<Instant> {
        // Silence in between is what a keep-alive is against, whoever keeps it (RFC 5626 4.4.1).
        self.pings.then(|| self.pinged_at.unwrap_or(self.heard_at) + self.limits.ping)
    }

    fn stuck_at(&self) -> Option<Instant> {
        self.writing_since.map(|since| since + self.limits.write)
    }

    fn due(&self) -> Instant {
        [self.first_message_at, self.ping_at(), self.stuck_at()]
            .into_iter()
            .flatten()
            .fold(self.idle_at(), Instant::min)
    }

    fn on_due(&mut self, now: Instant) -> Verdict {
        let passed = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if passed(self.first_message_at) {
            return Verdict::HalfOpen;
        }
        if self.idle_at() <= now || passed(self.stuck_at()) {
            return Verdict::Close;
        }
        if !passed(self.ping_at()) {
            return Verdict::Wait;
        }
        if self.must_answer && self.pinged_at.is_some() {
            return Verdict::Close;
        }
        self.pinged_at = Some(now);
        // A write under way is a sign of life to the peer, and its place is taken.
        if self.writing_since.is_some() { Verdict::Wait } else { Verdict::Ping }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(inbound: bool, websocket: bool) -> (Watch, Instant) {
        let limits = TransportLimits {
            idle: Duration::from_secs(100),
            first_message: Duration::from_secs(10),
            ping: Duration::from_secs(30),
            write: Duration::from_secs(5),
            ..TransportLimits::default()
        };
        let now = Instant::now();
        let first = inbound.then(|| now + limits.first_message);
        let mut watch = Watch::new(limits, first, websocket || !inbound, websocket);
        watch.heard(now);
        watch.wrote(now);
        (watch, now)
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn a_peer_that_sends_no_message_is_closed_however_much_it_keeps_alive() {
        let (mut watch, start) = watch(true, false);
        watch.heard(start + seconds(9));
        assert_eq!(watch.due(), start + seconds(10));
        assert_eq!(watch.on_due(start + seconds(10)), Verdict::HalfOpen);
    }

    #[test]
    fn a_connection_that_we_opened_is_kept_alive_without_need_of_an_answer_until_it_idles() {
        let (mut watch, start) = watch(false, false);
        assert_eq!(watch.due(), start + seconds(30));
        assert_eq!(watch.on_due(start + seconds(30)), Verdict::Ping);
        assert_eq!(watch.on_due(start + seconds(60)), Verdict::Ping);
        assert_eq!(watch.on_due(start + seconds(90)), Verdict::Ping);
        assert_eq!(watch.due(), start + seconds(100));
        assert_eq!(watch.on_due(start + seconds(100)), Verdict::Close);
    }

    #[test]
    fn a_websocket_that_leaves_a_ping_unanswered_is_closed() {
        let (mut watch, start) = watch(true, true);
        watch.first_message_at = None;
        assert_eq!(watch.on_due(start + seconds(30)), Verdict::Ping);
        watch.heard(start + seconds(31));
        assert_eq!(watch.on_due(start + seconds(60)), Verdict::Wait);
        assert_eq!(watch.on_due(start + seconds(61)), Verdict::Ping);
        assert_eq!(watch.on_due(start + seconds(91)), Verdict::Close);
    }

    #[test]
    fn a_write_without_progress_closes_the_connection() {
        let (mut watch, start) = watch(false, false);
        watch.writes(start + seconds(1));
        assert_eq!(watch.due(), start + seconds(6));
        assert_eq!(watch.on_due(start + seconds(6)), Verdict::Close);
    }
}
