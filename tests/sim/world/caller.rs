//! A simulated caller: places one call, behaves as its plan says, and remembers what it was told.

use super::chance::Chance;
use super::text::{Text, finish, sdp};
use std::time::Duration;

const T1: Duration = Duration::from_millis(500);
const GIVE_UP: Duration = Duration::from_secs(32);

/// What this caller will do, drawn from the seed.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Cancels this long after the first provisional response.
    pub cancel_after: Option<Duration>,
    pub talk: Duration,
    /// Sends a hold and a resume while talking.
    pub holds: bool,
    /// Falls silent for ever at this time after its INVITE.
    pub vanishes_after: Option<Duration>,
    /// Leaves the hanging up to the other side.
    pub waits: bool,
    pub offerless: bool,
}

impl Plan {
    pub fn draw(chance: &mut Chance) -> Plan {
        Plan {
            cancel_after: chance.percent(20).then(|| Duration::from_millis(chance.below(4_000))),
            talk: Duration::from_millis(200 + chance.below(20_000)),
            holds: chance.percent(15),
            vanishes_after: chance.percent(5).then(|| Duration::from_millis(chance.below(15_000))),
            waits: chance.percent(20),
            offerless: chance.percent(10),
        }
    }
}

/// A request that is sent again until it is answered.
struct Pending {
    bytes: Vec<u8>,
    again_at: Duration,
    step: Duration,
    until: Duration,
    invite: bool,
    provisional: bool,
    cseq: u32,
    method: String,
}

pub struct Caller {
    pub host: String,
    number: String,
    pub plan: Plan,
    call_id: String,
    tag: String,
    began: Duration,
    pending: Vec<Pending>,
    cseq: u32,
    invite_branch: String,
    to: String,
    remote: String,
    acks: Vec<(u32, String, Vec<u8>)>,
    cancel_at: Option<Duration>,
    hang_up_at: Option<Duration>,
    hold_at: Vec<(Duration, &'static str)>,
    /// Final responses to the first INVITE, each distinct (status, tag) once.
    pub finals: Vec<(u16, String)>,
    pub done: bool,
    established: bool,
    version: u32,
}

impl Caller {
    pub fn new(number: usize, dialled: String, plan: Plan, now: Duration) -> Caller {
        Caller {
            host: format!("10.1.{}.{}:5060", number / 250, number % 250 + 1),
            number: dialled,
            plan,
            call_id: format!("call-{number}-of-the-caller"),
            tag: format!("c{number}"),
            began: now,
            pending: Vec::new(),
            cseq: 1,
            invite_branch: format!("z9hG4bKcaller{number}"),
            to: String::new(),
            remote: String::new(),
            acks: Vec::new(),
            cancel_at: None,
            hang_up_at: None,
            hold_at: Vec::new(),
            finals: Vec::new(),
            done: false,
            established: false,
            version: 1,
        }
    }

    fn ip(&self) -> &str {
        self.host.split(':').next().unwrap_or_default()
    }

    fn silent(&self, now: Duration) -> bool {
        self.plan.vanishes_after.is_some_and(|after| now >= self.began + after)
    }

    pub fn begin(&mut self, now: Duration) -> Vec<Vec<u8>> {
        let body = if self.plan.offerless { String::new() } else { sdp(self.ip(), 1, "sendrecv") };
        let uri = format!("sip:{}@10.0.0.1", self.number);
        let branch = self.invite_branch.clone();
        self.to = format!("<{uri}>");
        let bytes = self.compose("INVITE", &uri, &branch, 1, &body);
        self.ask(now, bytes.clone(), "INVITE", 1);
        vec![bytes]
    }

    fn compose(&self, method: &str, uri: &str, branch: &str, cseq: u32, body: &str) -> Vec<u8> {
        let head = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {host};branch={branch};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:+8131234{tag}@{host}>;tag={tag}\r\nTo: {to}\r\nCall-ID: {id}\r\nCSeq: {cseq} {method}\r\n\
             Contact: <sip:caller@{host}>\r\nAllow: INVITE, ACK, CANCEL, BYE, UPDATE, OPTIONS\r\nSupported: timer\r\n",
            host = self.host,
            tag = self.tag,
            to = self.to,
            id = self.call_id,
        );
        finish(head, body)
    }

    fn ask(&mut self, now: Duration, bytes: Vec<u8>, method: &str, cseq: u32) {
        let (invite, method) = (method == "INVITE", method.to_owned());
        let until = now + GIVE_UP;
        self.pending.push(Pending { bytes, again_at: now + T1, step: T1, until, invite, provisional: false, cseq, method });
    }

    fn in_dialog(&mut self, now: Duration, method: &str, body: &str) -> Vec<u8> {
        self.cseq += 1;
        let branch = format!("{}-{}", self.invite_branch, self.cseq);
        let remote = self.remote.clone();
        let bytes = self.compose(method, &remote, &branch, self.cseq, body);
        self.ask(now, bytes.clone(), method, self.cseq);
        bytes
    }

    pub fn receive(&mut self, now: Duration, bytes: &[u8]) -> Vec<Vec<u8>> {
        if self.silent(now) {
            return Vec::new();
        }
        let text = Text::read(bytes);
        if text.status() == 0 { self.on_request(now, &text) } else { self.on_response(now, &text) }
    }

    fn on_request(&mut self, now: Duration, text: &Text) -> Vec<Vec<u8>> {
        let contact = format!("sip:caller@{}", self.host);
        match text.method() {
            "ACK" => Vec::new(),
            "BYE" => {
                let known = self.established || self.done;
                self.finish(now);
                vec![text.reply(if known { 200 } else { 481 }, &self.tag, &contact, "", "")]
            }
            "INVITE" => {
                self.version += 1;
                vec![text.reply(200, &self.tag, &contact, "", &sdp(self.ip(), self.version, "sendrecv"))]
            }
            _ => vec![text.reply(200, &self.tag, &contact, "", "")],
        }
    }

    fn on_response(&mut self, now: Duration, text: &Text) -> Vec<Vec<u8>> {
        let (status, method, cseq) = (text.status(), text.method().to_owned(), text.cseq());
        if status < 200 {
            for pending in self.pending.iter_mut().filter(|p| p.cseq == cseq && p.method == method) {
                pending.provisional = true;
            }
            if method == "INVITE" && cseq == 1 && status > 100 && self.cancel_at.is_none() {
                self.cancel_at = self.plan.cancel_after.map(|after| now + after);
            }
            return Vec::new();
        }
        self.pending.retain(|p| !(p.cseq == cseq && p.method == method));
        match method.as_str() {
            "INVITE" => self.on_invite_final(now, text, status, cseq),
            "BYE" => {
                self.finish(now);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn on_invite_final(&mut self, now: Duration, text: &Text, status: u16, cseq: u32) -> Vec<Vec<u8>> {
        let tag = text.to_tag();
        if cseq == 1 && !self.finals.contains(&(status, tag.clone())) {
            self.finals.push((status, tag.clone()));
            if status < 300 {
                self.establish(now, text);
            } else {
                self.finish(now);
            }
        }
        if let Some((_, _, ack)) = self.acks.iter().find(|(number, known, _)| *number == cseq && *known == tag) {
            return vec![ack.clone()];
        }
        let ack = if status < 300 {
            let branch = format!("{}-ack{cseq}", self.invite_branch);
            let body = if cseq == 1 && self.plan.offerless { sdp(self.ip(), 1, "sendrecv") } else { String::new() };
            self.compose("ACK", &text.contact(), &branch, cseq, &body)
        } else {
            let kept = std::mem::replace(&mut self.to, text.header("to").to_owned());
            let branch = if cseq == 1 { self.invite_branch.clone() } else { format!("{}-{cseq}", self.invite_branch) };
            let ack = self.compose("ACK", &format!("sip:{}@10.0.0.1", self.number), &branch, cseq, "");
            self.to = kept;
            ack
        };
        self.acks.push((cseq, tag, ack.clone()));
        vec![ack]
    }

    fn establish(&mut self, now: Duration, text: &Text) {
        self.established = true;
        self.to = text.header("to").to_owned();
        self.remote = text.contact();
        self.cancel_at = None;
        self.hang_up_at = (!self.plan.waits).then_some(now + self.plan.talk);
        if self.plan.holds {
            let third = self.plan.talk / 3;
            self.hold_at = vec![(now + third, "sendonly"), (now + third * 2, "sendrecv")];
        }
    }

    fn finish(&mut self, _now: Duration) {
        self.done = true;
        self.hang_up_at = None;
        self.cancel_at = None;
        self.hold_at.clear();
        self.pending.retain(|pending| pending.method == "BYE");
    }

    pub fn wake(&mut self, now: Duration) -> Vec<Vec<u8>> {
        if self.silent(now) {
            self.finish(now);
            self.pending.clear();
            return Vec::new();
        }
        let mut out = Vec::new();
        for pending in &mut self.pending {
            if pending.again_at <= now && !(pending.invite && pending.provisional) {
                out.push(pending.bytes.clone());
                pending.step = if pending.invite { pending.step * 2 } else { (pending.step * 2).min(Duration::from_secs(4)) };
                pending.again_at = now + pending.step;
            }
        }
        let gave_up = self.pending.iter().any(|p| p.until <= now && !(p.invite && p.provisional));
        self.pending.retain(|p| p.until > now || (p.invite && p.provisional));
        if gave_up {
            self.finish(now);
        }
        if self.cancel_at.is_some_and(|at| at <= now) {
            self.cancel_at = None;
            let uri = format!("sip:{}@10.0.0.1", self.number);
            let branch = self.invite_branch.clone();
            let bytes = self.compose("CANCEL", &uri, &branch, 1, "");
            self.ask(now, bytes.clone(), "CANCEL", 1);
            out.push(bytes);
        }
        let due: Vec<&'static str> = self.hold_at.iter().filter(|(at, _)| *at <= now).map(|(_, d)| *d).collect();
        self.hold_at.retain(|(at, _)| *at > now);
        for direction in due {
            if !self.pending.iter().any(|p| p.invite) {
                self.version += 1;
                let body = sdp(self.ip(), self.version, direction);
                out.push(self.in_dialog(now, "INVITE", &body));
            }
        }
        if self.hang_up_at.is_some_and(|at| at <= now) {
            self.hang_up_at = None;
            out.push(self.in_dialog(now, "BYE", ""));
        }
        out
    }

    pub fn deadline(&self) -> Option<Duration> {
        let again = self.pending.iter().map(|p| if p.invite && p.provisional { Duration::MAX } else { p.again_at.min(p.until) });
        let holds = self.hold_at.iter().map(|(at, _)| *at);
        let vanish = self.plan.vanishes_after.map(|after| self.began + after).filter(|_| !self.done);
        again.chain(holds).chain(self.cancel_at).chain(self.hang_up_at).chain(vanish).filter(|at| *at < Duration::MAX).min()
    }
}
