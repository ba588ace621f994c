//! One end of an established call, as a simulated phone keeps it: repeats, answers, refreshes, hangs up, by RFC 3261 and 4028.

use super::text::{Text, finish, parameter, sdp};
use std::time::Duration;

pub const T1: Duration = Duration::from_millis(500);
pub const T2: Duration = Duration::from_secs(4);
/// 64*T1: nobody waits longer for an answer or an ACK.
pub const GIVE_UP: Duration = Duration::from_secs(32);

/// What is sent again until something comes back.
pub struct Repeat {
    pub bytes: Vec<u8>,
    pub again_at: Duration,
    step: Duration,
    pub until: Duration,
    /// The interval grows without bound: an INVITE.
    is_invite: bool,
}

impl Repeat {
    pub fn new(now: Duration, bytes: Vec<u8>, is_invite: bool) -> Repeat {
        Repeat { bytes, again_at: now + T1, step: T1, until: now + GIVE_UP, is_invite }
    }

    pub fn due(&mut self, now: Duration) -> Option<Vec<u8>> {
        if self.again_at > now || self.until <= now {
            return None;
        }
        self.step *= 2;
        if !self.is_invite {
            self.step = self.step.min(T2);
        }
        self.again_at = now + self.step;
        Some(self.bytes.clone())
    }

    pub fn next(&self) -> Duration {
        self.again_at.min(self.until)
    }
}

/// A request of ours that is under way.
struct Ask {
    method: &'static str,
    cseq: u32,
    repeat: Option<Repeat>,
    until: Duration,
}

/// A 2xx of ours to an INVITE inside the dialog, until its ACK.
struct Unacknowledged {
    cseq: u32,
    repeat: Repeat,
}

/// Who keeps the session alive (RFC 4028), and until when.
#[derive(Clone, Copy)]
struct Alive {
    we_refresh: bool,
    expires: Duration,
    at: Duration,
}

pub struct Dialog {
    pub host: String,
    pub call_id: String,
    /// From of our requests, with our tag.
    pub local: String,
    pub remote: String,
    pub target: String,
    /// Makes branches unlike any other's.
    pub mark: String,
    pub cseq: u32,
    version: u32,
    asks: Vec<Ask>,
    unacknowledged: Vec<Unacknowledged>,
    /// The reply to each request by branch, method and CSeq, for its repetitions.
    replies: Vec<(String, Vec<u8>)>,
    acks: Vec<(u32, Vec<u8>)>,
    /// Final answers to each of our requests: (CSeq, status, tag), distinct ones.
    pub finals: Vec<(u32, u16, String)>,
    alive: Option<Alive>,
    /// Whether it speaks RFC 4028.
    pub timer: bool,
    pub is_over: bool,
    pub refreshed: u32,
    pub held: u32,
    pub glares: u32,
    /// Transfers that were asked for, and those of which somebody said that they succeeded.
    pub referred: u32,
    pub transferred: u32,
}

impl Dialog {
    pub fn new(host: &str, call_id: &str, local: String, remote: String, target: String, mark: String) -> Dialog {
        Dialog {
            host: host.to_owned(),
            call_id: call_id.to_owned(),
            local,
            remote,
            target,
            mark,
            cseq: 1,
            version: 1,
            asks: Vec::new(),
            unacknowledged: Vec::new(),
            replies: Vec::new(),
            acks: Vec::new(),
            finals: Vec::new(),
            alive: None,
            timer: false,
            is_over: false,
            refreshed: 0,
            held: 0,
            glares: 0,
            referred: 0,
            transferred: 0,
        }
    }

    fn ip(&self) -> &str {
        self.host.split(':').next().unwrap_or_default()
    }

    fn contact(&self) -> String {
        format!("sip:phone@{}", self.host)
    }

    /// `rest`: further header lines, and the body.
    pub fn compose(&self, method: &str, uri: &str, branch: &str, cseq: u32, rest: (&str, &str)) -> Vec<u8> {
        let (extra, body) = rest;
        let head = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {host};branch={branch};rport\r\nMax-Forwards: 70\r\n\
             From: {local}\r\nTo: {remote}\r\nCall-ID: {id}\r\nCSeq: {cseq} {method}\r\n\
             Contact: <{contact}>\r\nAllow: INVITE, ACK, CANCEL, BYE, UPDATE, PRACK, OPTIONS\r\n{extra}",
            host = self.host,
            local = self.local,
            remote = self.remote,
            id = self.call_id,
            contact = self.contact(),
        );
        finish(head, body)
    }

    fn ask(&mut self, now: Duration, method: &'static str, extra: &str, body: &str) -> Vec<u8> {
        self.cseq += 1;
        let branch = format!("z9hG4bK{}-{}", self.mark, self.cseq);
        let target = self.target.clone();
        let bytes = self.compose(method, &target, &branch, self.cseq, (extra, body));
        let repeat = Some(Repeat::new(now, bytes.clone(), method == "INVITE"));
        self.asks.push(Ask { method, cseq: self.cseq, repeat, until: now + GIVE_UP });
        bytes
    }

    pub fn hang_up(&mut self, now: Duration) -> Vec<Vec<u8>> {
        if self.is_over {
            return Vec::new();
        }
        self.end();
        vec![self.ask(now, "BYE", "", "")]
    }

    /// Changes the direction of the media, unless another change is under way.
    pub fn hold(&mut self, now: Duration, direction: &str, method: &'static str) -> Vec<Vec<u8>> {
        if self.is_over || self.is_changing() {
            return Vec::new();
        }
        self.version += 1;
        let body = sdp(self.ip(), self.version, direction);
        self.held += 1;
        vec![self.ask(now, method, "", &body)]
    }

    /// Asks us to connect the other one elsewhere (RFC 3515).
    pub fn refer(&mut self, now: Duration, target: &str) -> Vec<Vec<u8>> {
        if self.is_over {
            return Vec::new();
        }
        self.referred += 1;
        vec![self.ask(now, "REFER", &format!("Refer-To: <{target}>\r\n"), "")]
    }

    /// This dialog as a Replaces of the other side's names it (RFC 3891): their tag first.
    pub fn replaces(&self) -> String {
        let (theirs, own) = (parameter(&self.remote, "tag"), parameter(&self.local, "tag"));
        format!("{}%3Bto-tag%3D{theirs}%3Bfrom-tag%3D{own}", self.call_id)
    }

    fn is_changing(&self) -> bool {
        self.asks.iter().any(|ask| ask.method == "INVITE") || !self.unacknowledged.is_empty()
    }

    fn end(&mut self) {
        self.is_over = true;
        self.alive = None;
        self.unacknowledged.clear();
        self.asks.retain(|ask| ask.method == "INVITE");
    }

    /// Falls silent without a word.
    pub fn vanish(&mut self) {
        self.end();
        self.asks.clear();
    }

    pub fn on_request(&mut self, now: Duration, text: &Text) -> Vec<Vec<u8>> {
        if text.method() == "ACK" {
            self.unacknowledged.retain(|waiting| waiting.cseq != text.cseq());
            return Vec::new();
        }
        let key = format!("{} {}", text.branch(), text.method());
        if let Some((_, bytes)) = self.replies.iter().find(|(known, _)| *known == key) {
            return vec![bytes.clone()];
        }
        let contact = self.contact();
        let bytes = match text.method() {
            "BYE" => {
                self.end();
                text.reply(200, "", &contact, "", "")
            }
            _ if self.is_over => text.reply(481, "", &contact, "", ""),
            "INVITE" if self.is_changing() => self.decline_glare(text, &contact),
            "UPDATE" if self.is_changing() && !text.body.is_empty() => self.decline_glare(text, &contact),
            "INVITE" => self.accept(now, text),
            "UPDATE" => {
                let session = self.agree(now, text);
                let body = if text.body.is_empty() { String::new() } else { self.mirror(text) };
                text.reply(200, "", &contact, &session, &body)
            }
            method => {
                self.transferred += u32::from(method == "NOTIFY" && text.body.starts_with("SIP/2.0 200"));
                text.reply(200, "", &contact, "", "")
            }
        };
        self.replies.push((key, bytes.clone()));
        vec![bytes]
    }

    /// RFC 3261 14.2: 491 across a request of ours, 500 while one of theirs is not finished.
    fn decline_glare(&mut self, text: &Text, contact: &str) -> Vec<u8> {
        if self.asks.iter().any(|ask| ask.method == "INVITE") {
            self.glares += 1;
            return text.reply(491, "", contact, "", "");
        }
        text.reply(500, "", contact, "Retry-After: 1\r\n", "")
    }

    fn accept(&mut self, now: Duration, text: &Text) -> Vec<u8> {
        let session = self.agree(now, text);
        let body = self.mirror(text);
        if !text.contact().is_empty() {
            self.target = text.contact();
        }
        let bytes = text.reply(200, "", &self.contact(), &session, &body);
        let repeat = Repeat::new(now, bytes.clone(), false);
        self.unacknowledged.push(Unacknowledged { cseq: text.cseq(), repeat });
        bytes
    }

    fn mirror(&mut self, text: &Text) -> String {
        self.version += 1;
        let direction = if text.body.contains("a=sendonly") {
            "recvonly"
        } else if text.body.contains("a=recvonly") {
            "sendonly"
        } else {
            "sendrecv"
        };
        sdp(self.ip(), self.version, direction)
    }

    /// The session interval of a request that we accept: what it proposes, refreshed by the asker unless it says otherwise.
    pub fn agree(&mut self, now: Duration, text: &Text) -> String {
        let Some((expires, refresher)) = session(text).filter(|_| self.timer) else { return String::new() };
        let refresher = if refresher.is_empty() { "uac" } else { &refresher };
        self.alive = Some(Alive { we_refresh: refresher == "uas", expires, at: now });
        format!("Session-Expires: {};refresher={refresher}\r\nRequire: timer\r\n", expires.as_secs())
    }

    /// The session interval of a 2xx that we were given.
    pub fn learn(&mut self, now: Duration, text: &Text) {
        if self.is_over || !self.timer {
            return;
        }
        self.alive =
            session(text).map(|(expires, refresher)| Alive { we_refresh: refresher != "uas", expires, at: now });
    }

    pub fn on_response(&mut self, now: Duration, text: &Text) -> Vec<Vec<u8>> {
        let (status, cseq) = (text.status(), text.cseq());
        let invite = text.method() == "INVITE";
        if status < 200 {
            for ask in self.asks.iter_mut().filter(|ask| ask.cseq == cseq && invite) {
                ask.repeat = None;
                ask.until = now + Duration::from_secs(180);
            }
            return Vec::new();
        }
        let one = (cseq, status, text.to_tag());
        if !self.finals.contains(&one) {
            self.finals.push(one);
        }
        let waited = self.asks.iter().any(|ask| ask.cseq == cseq && ask.method == text.method());
        self.asks.retain(|ask| !(ask.cseq == cseq && ask.method == text.method()));
        let mut out = Vec::new();
        if invite {
            out.push(self.acknowledge(text, cseq));
        }
        if waited && status < 300 && text.method() != "BYE" {
            self.learn(now, text);
        }
        if waited && matches!(status, 408 | 481) && text.method() != "BYE" {
            out.extend(self.hang_up(now));
        }
        out
    }

    fn acknowledge(&mut self, text: &Text, cseq: u32) -> Vec<u8> {
        if let Some((_, ack)) = self.acks.iter().find(|(known, _)| *known == cseq) {
            return ack.clone();
        }
        let own = format!("z9hG4bK{}-{cseq}", self.mark);
        let branch = if text.status() < 300 { format!("{own}-ack") } else { own };
        let target = self.target.clone();
        let ack = self.compose("ACK", &target, &branch, cseq, ("", ""));
        self.acks.push((cseq, ack.clone()));
        ack
    }

    pub fn wake(&mut self, now: Duration) -> Vec<Vec<u8>> {
        let mut out: Vec<Vec<u8>> = Vec::new();
        out.extend(self.asks.iter_mut().filter_map(|ask| ask.repeat.as_mut()?.due(now)));
        out.extend(self.unacknowledged.iter_mut().filter_map(|waiting| waiting.repeat.due(now)));
        let silent = self.asks.iter().any(|ask| ask.until <= now && ask.method != "BYE")
            || self.unacknowledged.iter().any(|waiting| waiting.repeat.until <= now);
        self.asks.retain(|ask| ask.until > now);
        if silent {
            out.extend(self.hang_up(now));
        }
        if let Some(alive) = self.alive
            && alive.due() <= now
        {
            if !alive.we_refresh {
                out.extend(self.hang_up(now));
            } else if self.is_changing() {
                self.alive = Some(Alive { at: alive.at + Duration::from_secs(5), ..alive });
            } else {
                self.refreshed += 1;
                self.alive = Some(Alive { at: now, ..alive });
                let extra =
                    format!("Supported: timer\r\nSession-Expires: {};refresher=uac\r\n", alive.expires.as_secs());
                out.push(self.ask(now, "UPDATE", &extra, ""));
            }
        }
        out
    }

    pub fn deadline(&self) -> Option<Duration> {
        let asks = self.asks.iter().map(|ask| ask.repeat.as_ref().map_or(ask.until, |r| r.next().min(ask.until)));
        let waiting = self.unacknowledged.iter().map(|waiting| waiting.repeat.next());
        asks.chain(waiting).chain(self.alive.map(|alive| alive.due())).min()
    }
}

impl Alive {
    /// Half the interval for who refreshes; for who waits, a third or 32 seconds before its end (RFC 4028 10).
    fn due(&self) -> Duration {
        if self.we_refresh {
            self.at + self.expires / 2
        } else {
            self.at + self.expires - (self.expires / 3).min(GIVE_UP)
        }
    }
}

fn session(text: &Text) -> Option<(Duration, String)> {
    let value = text.header("session-expires");
    let seconds = value.split(';').next()?.trim().parse().ok()?;
    Some((Duration::from_secs(seconds), parameter(value, "refresher")))
}
