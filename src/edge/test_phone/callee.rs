//! Answers calls: rings for a while, answers, says its sound, and hangs up when the caller does.

use super::audio::Audio;
use super::heard::Heard;
use super::inside;
use super::ladder::Step;
use super::line::Line;
use super::sound::Sound;
use crate::edge::clock;
use crate::protocol::sip::message::{HeaderName, Message, Method, Writer};
use crate::protocol::sip::path::Path;
use crate::protocol::sip::transaction::set::{ServerKey, TransactionOutput};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// What stands in our Contact.
const USER: &str = "callee";
/// Calls at once: more is no test.
const CALLS_MAX: usize = 32;

/// A phone that answers every call. It tells of each call when that has ended.
pub struct Callee {
    line: Line,
    ring: Duration,
    sound: Sound,
    told: mpsc::Sender<Answered>,
    ringing: Vec<Ringing>,
    talking: Vec<Talking>,
}

/// A call that has ended.
#[derive(Debug)]
pub struct Answered {
    pub ladder: Vec<Step>,
    pub heard: Heard,
}

/// A call that rings.
struct Ringing {
    server: ServerKey,
    invite: Box<Message>,
    from: Path,
    tag: String,
    answer_at: Instant,
    audio: Audio,
}

struct Talking {
    call_id: String,
    audio: Audio,
}

impl Callee {
    pub async fn open(
        bind: SocketAddr,
        ring: Duration,
        sound: Sound,
        told: mpsc::Sender<Answered>,
    ) -> std::io::Result<Callee> {
        let line = Line::open(bind).await?;
        Ok(Callee { line, ring, sound, told, ringing: Vec::new(), talking: Vec::new() })
    }

    pub fn local(&self) -> SocketAddr {
        self.line.local
    }

    pub async fn serve(mut self) {
        loop {
            let idle = clock::now().instant + Duration::from_secs(3_600);
            let until = self.ringing.iter().map(|call| call.answer_at).min().unwrap_or(idle);
            match self.line.next(until).await {
                Some(TransactionOutput::Request { server, from, message }) => {
                    self.take(server, from, message).await;
                }
                Some(TransactionOutput::Cancelled { server, .. }) => {
                    if let Some(at) = self.ringing.iter().position(|call| call.server == server) {
                        let call = self.ringing.swap_remove(at);
                        self.reply(&call, (487, "Request Terminated"), None).await;
                    }
                }
                Some(TransactionOutput::Acknowledged { message, .. }) => {
                    if let Some(call) = self.talking.iter_mut().find(|call| call.call_id == message.call_id())
                        && !message.body().is_empty()
                    {
                        call.audio.answered(message.body());
                    }
                }
                _ => {}
            }
            let now = clock::now().instant;
            for call in self.ringing.extract_if(.., |call| call.answer_at <= now).collect::<Vec<_>>() {
                self.answer(call).await;
            }
        }
    }

    async fn take(&mut self, server: ServerKey, from: Path, message: Box<Message>) {
        let known = self.talking.iter().position(|call| call.call_id == message.call_id());
        if message.method() == Method::Invite && known.is_none() {
            return self.ring(server, from, message).await;
        }
        let audio = known.and_then(|at| self.talking.get_mut(at)).map(|call| &mut call.audio);
        inside::respond(&mut self.line, (server, from, &message), audio, USER).await;
        if let Some(at) = known.filter(|_| message.method() == Method::Bye) {
            let call = self.talking.swap_remove(at);
            self.tell(call).await;
        }
    }

    async fn ring(&mut self, server: ServerKey, from: Path, invite: Box<Message>) {
        let opened = if self.ringing.len() + self.talking.len() < CALLS_MAX {
            Audio::open(self.line.local.ip(), &self.sound, &mut self.line.entropy).await.ok()
        } else {
            None
        };
        let Some(audio) = opened else {
            let bytes = Writer::reply(&invite, from.remote, 486, "Busy Here", Some("busy")).finish();
            self.line.transactions.respond(clock::now(), server, 486, bytes);
            return self.line.flush().await;
        };
        let tag = format!("{:016x}", self.line.entropy.number());
        let answer_at = clock::now().instant + self.ring;
        let call = Ringing { server, invite, from, tag, answer_at, audio };
        self.reply(&call, (180, "Ringing"), None).await;
        self.ringing.push(call);
    }

    async fn answer(&mut self, mut call: Ringing) {
        let offer = call.invite.body();
        let described = if offer.is_empty() { Some(call.audio.offer()) } else { call.audio.answer(offer) };
        let Some(description) = described.map(str::to_owned) else {
            return self.reply(&call, (488, "Not Acceptable Here"), None).await;
        };
        self.reply(&call, (200, "OK"), Some(&description)).await;
        self.talking.push(Talking { call_id: call.invite.call_id().to_owned(), audio: call.audio });
    }

    async fn tell(&mut self, call: Talking) {
        let heard = call.audio.end().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "what a test phone heard could not be written");
            Heard::default()
        });
        let ladder = std::mem::take(&mut self.line.ladder);
        if self.told.try_send(Answered { ladder, heard }).is_err() {
            tracing::debug!("nobody asks what the test callee heard");
        }
    }

    async fn reply(&mut self, call: &Ringing, (status, phrase): (u16, &str), description: Option<&str>) {
        let mut writer = Writer::reply(&call.invite, call.from.remote, status, phrase, Some(&call.tag));
        writer.header(HeaderName::Contact, format_args!("<sip:{USER}@{}>", self.line.local));
        let bytes = match description {
            Some(text) => writer.finish_with("application/sdp", text.as_bytes()),
            None => writer.finish(),
        };
        self.line.transactions.respond(clock::now(), call.server, status, bytes);
        self.line.flush().await;
    }
}
