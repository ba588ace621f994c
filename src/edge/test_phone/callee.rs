//! Answers calls: rings for a while, answers, and hangs up when the caller does.

use super::ladder::Step;
use super::line::{Line, silent_sdp};
use crate::edge::clock;
use crate::protocol::sip::message::{HeaderName, Message, Method, Writer};
use crate::protocol::sip::path::Path;
use crate::protocol::sip::transaction::set::{ServerKey, TransactionOutput};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// A phone that answers every call. It sends the ladder of each call when that has ended.
pub struct Callee {
    line: Line,
    ring: Duration,
    ladders: mpsc::Sender<Vec<Step>>,
}

/// A call that rings.
struct Ringing {
    server: ServerKey,
    invite: Box<Message>,
    from: Path,
    tag: String,
    answer_at: Instant,
}

impl Callee {
    pub async fn open(bind: SocketAddr, ring: Duration, ladders: mpsc::Sender<Vec<Step>>) -> std::io::Result<Callee> {
        Ok(Callee { line: Line::open(bind).await?, ring, ladders })
    }

    pub fn local(&self) -> SocketAddr {
        self.line.local
    }

    pub async fn serve(mut self) {
        let mut ringing: Vec<Ringing> = Vec::new();
        loop {
            let idle = clock::now().instant + Duration::from_secs(3_600);
            let until = ringing.iter().map(|call| call.answer_at).min().unwrap_or(idle);
            match self.line.next(until).await {
                Some(TransactionOutput::Request { server, from, message }) => {
                    if let Some(call) = self.take(server, from, message).await {
                        ringing.push(call);
                    }
                }
                Some(TransactionOutput::Cancelled { server, .. }) => {
                    if let Some(index) = ringing.iter().position(|call| call.server == server) {
                        let call = ringing.swap_remove(index);
                        self.reply(&call, 487, "Request Terminated").await;
                    }
                }
                _ => {}
            }
            let now = clock::now().instant;
            for call in ringing.extract_if(.., |call| call.answer_at <= now).collect::<Vec<_>>() {
                self.reply(&call, 200, "OK").await;
            }
        }
    }

    async fn take(&mut self, server: ServerKey, from: Path, message: Box<Message>) -> Option<Ringing> {
        if message.method() != Method::Invite {
            let reply = Writer::reply(&message, from.remote, 200, "OK", None).finish();
            self.line.transactions.respond(clock::now(), server, 200, reply);
            self.line.flush().await;
            if message.method() == Method::Bye && self.ladders.try_send(std::mem::take(&mut self.line.ladder)).is_err()
            {
                tracing::debug!("nobody reads the test callee's ladder");
            }
            return None;
        }
        let tag = format!("{:016x}", self.line.entropy.number());
        let answer_at = clock::now().instant + self.ring;
        let call = Ringing { server, invite: message, from, tag, answer_at };
        self.reply(&call, 180, "Ringing").await;
        Some(call)
    }

    async fn reply(&mut self, call: &Ringing, status: u16, phrase: &str) {
        let mut writer = Writer::reply(&call.invite, call.from.remote, status, phrase, Some(&call.tag));
        writer.header(HeaderName::Contact, format_args!("<sip:callee@{}>", self.line.local));
        let bytes = if status == 200 {
            let number = self.line.entropy.number() >> 16;
            writer.finish_with("application/sdp", silent_sdp(self.line.local, number).as_bytes())
        } else {
            writer.finish()
        };
        self.line.transactions.respond(clock::now(), call.server, status, bytes);
        self.line.flush().await;
    }
}
