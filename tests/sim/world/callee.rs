//! Simulated callees behind one trunk address: each INVITE is a call of its own with a plan drawn from the seed.

use super::chance::Chance;
use super::text::{Text, finish, sdp};
use std::time::Duration;

const T1: Duration = Duration::from_millis(500);

/// What a callee does with one call.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Answer {
    Answers,
    Refuses(u16),
    NeverAnswers,
    /// As if the INVITE had not arrived.
    Ignores,
}

struct Sending {
    bytes: Vec<u8>,
    again_at: Duration,
    step: Duration,
    until: Duration,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum What {
    Final,
    Reliable,
    Request,
}

struct Call {
    invite: Text,
    tag: String,
    answer: Answer,
    ring_at: Option<Duration>,
    answer_at: Option<Duration>,
    early_media: bool,
    reliable: bool,
    hang_up_at: Option<Duration>,
    hangs_up_after: Option<Duration>,
    vanishes_at: Option<Duration>,
    sending: Vec<Sending>,
    last: Option<Vec<u8>>,
    finished: bool,
    answered: bool,
    pub remote: String,
    version: u32,
}

pub struct Callee {
    pub host: String,
    chance: Chance,
    calls: Vec<Call>,
    /// All attempts end badly here: for the failover of trunks.
    pub broken: bool,
}

impl Callee {
    pub fn new(host: &str, chance: Chance, broken: bool) -> Callee {
        Callee { host: host.to_owned(), chance, calls: Vec::new(), broken }
    }

    fn ip(&self) -> String {
        self.host.split(':').next().unwrap_or_default().to_owned()
    }

    pub fn receive(&mut self, now: Duration, bytes: &[u8]) -> Vec<Vec<u8>> {
        let text = Text::read(bytes);
        let found = self.calls.iter().position(|call| {
            call.invite.header("call-id") == text.header("call-id")
        });
        if text.status() > 0 {
            if let Some(call) = found.and_then(|index| self.calls.get_mut(index)) {
                if text.status() >= 200 {
                    call.sending.retain(|s| s.what != What::Request);
                    call.finished = true;
                }
            }
            return Vec::new();
        }
        let Some(index) = found else { return self.on_stranger(now, text) };
        let (host, ip) = (self.host.clone(), self.ip());
        let Some(call) = self.calls.get_mut(index) else { return Vec::new() };
        if call.vanishes_at.is_some_and(|at| at <= now) {
            return Vec::new();
        }
        call.receive(now, &text, &host, &ip)
    }

    fn on_stranger(&mut self, now: Duration, text: Text) -> Vec<Vec<u8>> {
        match text.method() {
            "INVITE" => {}
            "ACK" => return Vec::new(),
            "OPTIONS" => return vec![text.reply(200, "o", &format!("sip:callee@{}", self.host), "", "")],
            _ => return vec![text.reply(481, "x", &format!("sip:callee@{}", self.host), "", "")],
        }
        let chance = &mut self.chance;
        let answer = match chance.below(100) {
            _ if self.broken && chance.percent(70) => Answer::Refuses(503),
            _ if self.broken => Answer::Ignores,
            0..=64 => Answer::Answers,
            65..=72 => Answer::Refuses(486),
            73..=78 => Answer::Refuses(503),
            79..=82 => Answer::Refuses(603),
            83..=86 => Answer::Refuses(404),
            87..=93 => Answer::NeverAnswers,
            _ => Answer::Ignores,
        };
        let ring = now + Duration::from_millis(chance.below(1_500));
        let after = ring + Duration::from_millis(chance.below(6_000));
        let call = Call {
            tag: format!("t{}x{}", self.calls.len(), chance.below(1_000_000)),
            answer,
            ring_at: (answer != Answer::Ignores).then_some(ring),
            answer_at: matches!(answer, Answer::Answers | Answer::Refuses(_)).then_some(after),
            early_media: chance.percent(25),
            reliable: chance.percent(20) && text.all("supported").iter().any(|s| s.contains("100rel")),
            hang_up_at: None,
            hangs_up_after: chance.percent(40).then(|| Duration::from_millis(chance.below(15_000))),
            vanishes_at: chance.percent(4).then(|| now + Duration::from_millis(chance.below(20_000))),
            sending: Vec::new(),
            last: None,
            finished: false,
            answered: false,
            remote: text.contact(),
            version: 1,
            invite: text,
        };
        self.calls.push(call);
        Vec::new()
    }

    pub fn wake(&mut self, now: Duration) -> Vec<Vec<u8>> {
        let (host, ip) = (self.host.clone(), self.ip());
        self.calls.iter_mut().flat_map(|call| call.wake(now, &host, &ip)).collect()
    }

    pub fn deadline(&self) -> Option<Duration> {
        self.calls.iter().filter_map(Call::deadline).min()
    }

    pub fn forget_finished(&mut self) {
        self.calls.retain(|call| !call.finished || call.deadline().is_some());
    }
}

impl Call {
    fn receive(&mut self, now: Duration, text: &Text, host: &str, ip: &str) -> Vec<Vec<u8>> {
        let contact = format!("sip:callee@{host}");
        match text.method() {
            "INVITE" if text.branch() == self.invite.branch() => self.last.iter().cloned().collect(),
            "INVITE" if self.finished => vec![text.reply(481, &self.tag, &contact, "", "")],
            "INVITE" => {
                self.version += 1;
                let direction = match text.body.contains("a=sendonly") {
                    true => "recvonly",
                    false => "sendrecv",
                };
                let bytes = text.reply(200, &self.tag, &contact, "", &sdp(ip, self.version, direction));
                self.send_until(now, bytes.clone(), What::Final);
                vec![bytes]
            }
            "ACK" => {
                self.sending.retain(|s| s.what != What::Final);
                Vec::new()
            }
            "PRACK" => {
                self.sending.retain(|s| s.what != What::Reliable);
                vec![text.reply(200, &self.tag, &contact, "", "")]
            }
            "CANCEL" => {
                let mut out = vec![text.reply(200, &self.tag, &contact, "", "")];
                if !self.answered && !self.finished {
                    self.end_early();
                    let bytes = self.invite.reply(487, &self.tag, &contact, "", "");
                    self.last = Some(bytes.clone());
                    self.send_until(now, bytes.clone(), What::Final);
                    out.push(bytes);
                }
                out
            }
            "BYE" => {
                self.finished = true;
                self.hang_up_at = None;
                self.sending.clear();
                vec![text.reply(200, &self.tag, &contact, "", "")]
            }
            _ => vec![text.reply(if self.finished { 481 } else { 200 }, &self.tag, &contact, "", "")],
        }
    }

    fn end_early(&mut self) {
        self.finished = true;
        self.ring_at = None;
        self.answer_at = None;
        self.sending.clear();
    }

    fn send_until(&mut self, now: Duration, bytes: Vec<u8>, what: What) {
        self.sending.push(Sending { bytes, again_at: now + T1, step: T1, until: now + T1 * 64, what });
    }

    fn wake(&mut self, now: Duration, host: &str, ip: &str) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        if self.vanishes_at.is_some_and(|at| at <= now) {
            self.end_early();
            self.hang_up_at = None;
            self.vanishes_at = Some(Duration::ZERO);
            return out;
        }
        let contact = format!("sip:callee@{host}");
        if self.ring_at.is_some_and(|at| at <= now) {
            self.ring_at = None;
            let (status, body) = if self.early_media && !self.invite.body.is_empty() { (183, sdp(ip, 1, "sendrecv")) } else { (180, String::new()) };
            let extra = if self.reliable { "Require: 100rel\r\nRSeq: 77\r\n" } else { "" };
            let bytes = self.invite.reply(status, &self.tag, &contact, extra, &body);
            if self.reliable {
                self.send_until(now, bytes.clone(), What::Reliable);
            }
            self.last = Some(bytes.clone());
            out.push(bytes);
        }
        if self.answer_at.is_some_and(|at| at <= now) {
            self.answer_at = None;
            self.sending.retain(|s| s.what != What::Reliable);
            let bytes = match self.answer {
                Answer::Refuses(status) => {
                    self.finished = true;
                    self.invite.reply(status, &self.tag, &contact, "", "")
                }
                _ => {
                    self.answered = true;
                    self.hang_up_at = self.hangs_up_after.map(|after| now + after);
                    self.invite.reply(200, &self.tag, &contact, "", &sdp(ip, 1, "sendrecv"))
                }
            };
            self.last = Some(bytes.clone());
            self.send_until(now, bytes.clone(), What::Final);
            out.push(bytes);
        }
        if self.hang_up_at.is_some_and(|at| at <= now) {
            self.hang_up_at = None;
            let bytes = self.bye(host);
            self.send_until(now, bytes.clone(), What::Request);
            out.push(bytes);
        }
        for sending in &mut self.sending {
            if sending.again_at <= now {
                out.push(sending.bytes.clone());
                sending.step = (sending.step * 2).min(Duration::from_secs(4));
                sending.again_at = now + sending.step;
            }
        }
        self.sending.retain(|s| s.until > now);
        out
    }

    fn bye(&self, host: &str) -> Vec<u8> {
        let invite = &self.invite;
        let head = format!(
            "BYE {} SIP/2.0\r\nVia: SIP/2.0/UDP {host};branch=z9hG4bKbye{}\r\nMax-Forwards: 70\r\nFrom: {};tag={}\r\n\
             To: {}\r\nCall-ID: {}\r\nCSeq: 9 BYE\r\n",
            self.remote, self.tag, invite.header("to"), self.tag, invite.header("from"), invite.header("call-id")
        );
        finish(head, "")
    }

    fn deadline(&self) -> Option<Duration> {
        let vanish = self.vanishes_at.filter(|at| *at > Duration::ZERO && !self.finished);
        let sending = self.sending.iter().map(|s| s.again_at.min(s.until));
        sending.chain(self.ring_at).chain(self.answer_at).chain(self.hang_up_at).chain(vanish).min()
    }
}
