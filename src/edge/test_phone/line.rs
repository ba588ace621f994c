//! The socket of a test phone with its transactions: sends, receives, retransmits. Knows no call.

use super::ladder::{Direction, Step};
use crate::base::entropy::Entropy;
use crate::base::id::CallId;
use crate::edge::clock;
use crate::protocol::sip::message::Message;
use crate::protocol::sip::path::{ListenerId, Path, Target, Transport};
use crate::protocol::sip::stamp;
use crate::protocol::sip::transaction::set::{ClientKey, ClientRequest, TimerValues, TransactionOutput, Transactions};
use bytes::Bytes;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;

/// Transactions that a test phone has at once.
const TRANSACTIONS_MAX: u32 = 1_000;

pub struct Line {
    socket: UdpSocket,
    pub local: SocketAddr,
    pub entropy: Entropy,
    pub transactions: Transactions,
    pub ladder: Vec<Step>,
    began: Instant,
    events: VecDeque<TransactionOutput>,
}

impl Line {
    pub async fn open(bind: SocketAddr) -> std::io::Result<Line> {
        let socket = UdpSocket::bind(bind).await?;
        let local = socket.local_addr()?;
        let timers =
            TimerValues { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) };
        Ok(Line {
            socket,
            local,
            entropy: crate::edge::entropy::from_system(),
            transactions: Transactions::new(timers, TRANSACTIONS_MAX),
            ladder: Vec::new(),
            began: clock::now().instant,
            events: VecDeque::new(),
        })
    }

    pub fn to(&self, remote: SocketAddr) -> Target {
        let path = Path { transport: Transport::Udp, listener: ListenerId(0), remote, connection: None };
        Target { path, tls_name: None }
    }

    /// A key and the Via that carries it.
    pub fn next_via(&mut self) -> (ClientKey, String, String) {
        let key = self.transactions.next_key();
        let branch = stamp::branch(CallId(1), key.0, &mut self.entropy);
        let via = format!("SIP/2.0/UDP {};branch={branch};rport", self.local);
        (key, branch, via)
    }

    pub async fn request(&mut self, key: ClientKey, request: ClientRequest) {
        self.transactions.request(clock::now(), key, request);
        self.flush().await;
    }

    pub async fn send_plain(&mut self, remote: SocketAddr, bytes: &Bytes) {
        self.transmit(remote, bytes).await;
    }

    /// The next thing that happens, or `None` when the time is up.
    pub async fn next(&mut self, until: Instant) -> Option<TransactionOutput> {
        let mut buffer = vec![0; 65_535];
        loop {
            self.flush().await;
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let now = clock::now();
            if now.instant >= until {
                return None;
            }
            let wake = self.transactions.deadline().map_or(until, |deadline| deadline.min(until));
            tokio::select! {
                received = self.socket.recv_from(&mut buffer) => {
                    let Ok((count, remote)) = received else { continue };
                    let Some(Ok(message)) = buffer.get(..count).map(Message::parse) else { continue };
                    self.note(Direction::Received, &message);
                    let from = self.to(remote).path;
                    self.transactions.receive(clock::now(), from, Box::new(message));
                }
                () = tokio::time::sleep_until(wake.into()) => self.transactions.handle_deadline(clock::now()),
            }
        }
    }

    pub async fn flush(&mut self) {
        while let Some(output) = self.transactions.poll_output() {
            match output {
                TransactionOutput::Send(outgoing) => self.transmit(outgoing.target.path.remote, &outgoing.bytes).await,
                event => self.events.push_back(event),
            }
        }
    }

    async fn transmit(&mut self, remote: SocketAddr, bytes: &Bytes) {
        if let Ok(message) = Message::parse(bytes) {
            self.note(Direction::Sent, &message);
        }
        if let Err(error) = self.socket.send_to(bytes, remote).await {
            tracing::debug!(%error, "a test phone could not send");
        }
    }

    fn note(&mut self, direction: Direction, message: &Message) {
        let at = clock::now().instant.saturating_duration_since(self.began);
        self.ladder.push(Step::of(at, direction, message));
    }
}
