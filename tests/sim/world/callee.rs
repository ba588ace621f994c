//! Simulated callees behind one trunk address: each INVITE is a call of its own with a plan drawn from the seed.

use super::chance::Chance;
use super::dialog::{Dialog, Repeat};
use super::text::{Text, sdp};
use std::time::Duration;

/// What a callee does with one call.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Answer {
    Answers,
    Refuses(u16),
    NeverAnswers,
    /// As if the INVITE had not arrived.
    Ignores,
}

/// How the first INVITE stands.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Stand {
    Ringing,
    Refused,
    Answered,
    Acknowledged,
}

pub struct Call {
    invite: Text,
    tag: String,
    answer: Answer,
    stand: Stand,
    ring_at: Option<Duration>,
    answer_at: Option<Duration>,
    early_media: bool,
    reliable: bool,
    rings: Option<Repeat>,
    last: Option<Repeat>,
    /// What answers a repeated INVITE.
    latest: Option<Vec<u8>>,
    hangs_up_after: Option<Duration>,
    hang_up_at: Option<Duration>,
    holds_after: Option<Duration>,
    hold_at: Vec<(Duration, &'static str)>,
    refers_after: Option<(Duration, String)>,
    refer_at: Option<Duration>,
    vanishes_at: Option<Duration>,
    pub vanished_at: Option<Duration>,
    /// One of two places that a proxy behind the trunk has rung.
    pub is_fork: bool,
    dialog: Dialog,
}

pub struct Callee {
    pub host: String,
    chance: Chance,
    pub calls: Vec<Call>,
    /// All attempts end badly here: for the failover of trunks.
    pub broken: bool,
    /// Per cent of the calls in which it falls silent, and of those in which it sends the caller elsewhere.
    pub vanishing: u64,
    pub transfers: u64,
    /// For transfers alone.
    whims: Chance,
}

impl Callee {
    pub fn new(host: &str, chance: Chance, broken: bool, (vanishing, transfers): (u64, u64)) -> Callee {
        let whims = Chance(chance.clone().number() ^ 0x7af1);
        Callee { host: host.to_owned(), chance, calls: Vec::new(), broken, vanishing, transfers, whims }
    }

    pub fn receive(&mut self, now: Duration, bytes: &[u8]) -> Vec<Vec<u8>> {
        let text = Text::read(bytes);
        // RFC 3261 16.7: a proxy that has passed on a 2xx passes on no refusal of another place.
        if text.method() == "CANCEL" && self.calls.iter().any(|call| call.is_of(&text) && call.was_answered()) {
            self.calls.iter_mut().filter(|call| call.is_of(&text)).for_each(Call::withdraw);
        }
        let mut concerned = self.calls.iter_mut().filter(|call| call.is_of(&text)).peekable();
        if concerned.peek().is_none() {
            drop(concerned);
            return self.on_stranger(now, text);
        }
        concerned.filter(|call| call.vanished_at.is_none()).flat_map(|call| call.receive(now, &text)).collect()
    }

    fn on_stranger(&mut self, now: Duration, text: Text) -> Vec<Vec<u8>> {
        let contact = format!("sip:phone@{}", self.host);
        match text.method() {
            _ if text.status() > 0 => return Vec::new(),
            "INVITE" => {}
            "ACK" => return Vec::new(),
            "OPTIONS" => return vec![text.reply(200, "o", &contact, "", "")],
            _ => return vec![text.reply(481, "x", &contact, "", "")],
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
        let forks = answer == Answer::Answers && chance.percent(8);
        let number = self.calls.len();
        let mut call = Call::draw(chance, (&self.host, number), text.clone(), answer, (now, self.vanishing));
        // A minority, so that chains of transfers come to an end.
        if self.whims.percent(self.transfers / 2) {
            let after = Duration::from_millis(50 + self.whims.below(6_000));
            call.refers_after = Some((after, super::setup::dialled(&mut self.whims)));
        }
        self.calls.push(call);
        if forks {
            let twin = Call::draw(chance, (&self.host, number + 1), text, answer, (now, self.vanishing));
            self.calls.push(Call { is_fork: true, ..twin });
        }
        Vec::new()
    }

    pub fn wake(&mut self, now: Duration) -> Vec<Vec<u8>> {
        self.calls.iter_mut().flat_map(|call| call.wake(now)).collect()
    }

    pub fn deadline(&self) -> Option<Duration> {
        self.calls.iter().filter_map(Call::deadline).min()
    }
}

impl Call {
    fn draw(
        chance: &mut Chance,
        (host, number): (&str, usize),
        invite: Text,
        answer: Answer,
        (now, vanishing): (Duration, u64),
    ) -> Call {
        let ring = now + Duration::from_millis(chance.below(1_500));
        let after = ring + Duration::from_millis(chance.below(6_000));
        let tag = format!("t{number}x{}", chance.below(1_000_000));
        let local = format!("{};tag={tag}", invite.header("to"));
        let mark = format!("{}-{number}", host.replace(['.', ':'], "-"));
        let remote = invite.header("from").to_owned();
        let mut dialog = Dialog::new(host, invite.header("call-id"), local, remote, invite.contact(), mark);
        dialog.is_over = true;
        dialog.timer = chance.percent(60);
        Call {
            dialog,
            tag,
            answer,
            stand: Stand::Ringing,
            ring_at: (answer != Answer::Ignores).then_some(ring),
            answer_at: matches!(answer, Answer::Answers | Answer::Refuses(_)).then_some(after),
            early_media: chance.percent(25),
            reliable: chance.percent(20) && invite.all("supported").iter().any(|s| s.contains("100rel")),
            rings: None,
            last: None,
            latest: None,
            hangs_up_after: chance.percent(40).then(|| Duration::from_millis(chance.below(15_000))),
            hang_up_at: None,
            holds_after: chance.percent(20).then(|| soon(chance)),
            hold_at: Vec::new(),
            refers_after: None,
            refer_at: None,
            vanishes_at: chance.percent(vanishing).then(|| now + Duration::from_millis(chance.below(20_000))),
            vanished_at: None,
            is_fork: false,
            invite,
        }
    }

    /// By Call-ID, and by our tag where the message has one: a request without reaches every place that was rung.
    fn is_of(&self, text: &Text) -> bool {
        let tag = if text.status() > 0 { text.tag_of_from() } else { text.to_tag() };
        text.header("call-id") == self.invite.header("call-id") && (tag.is_empty() || tag == self.tag)
    }

    pub fn dialog(&self) -> &Dialog {
        &self.dialog
    }

    /// It answered, and nobody has told it that the call is over.
    pub fn hangs(&self) -> bool {
        self.vanished_at.is_none()
            && matches!(self.stand, Stand::Answered | Stand::Acknowledged)
            && !self.dialog.is_over
    }

    pub fn tag(&self) -> &str {
        &self.tag
    }

    pub fn was_answered(&self) -> bool {
        matches!(self.stand, Stand::Answered | Stand::Acknowledged)
    }

    pub fn rang_reliably(&self) -> bool {
        self.reliable && self.latest.is_some()
    }

    fn reply(&self, text: &Text, status: u16, extra: &str, body: &str) -> Vec<u8> {
        text.reply(status, &self.tag, &format!("sip:phone@{}", self.dialog.host), extra, body)
    }

    fn sdp(&self) -> String {
        sdp(self.dialog.host.split(':').next().unwrap_or_default(), 1, "sendrecv")
    }

    fn receive(&mut self, now: Duration, text: &Text) -> Vec<Vec<u8>> {
        if text.status() > 0 {
            return self.dialog.on_response(now, text);
        }
        let first = text.cseq() == self.invite.cseq();
        match text.method() {
            "INVITE" if text.branch() == self.invite.branch() => self.latest.iter().cloned().collect(),
            "ACK" if first => {
                self.last = None;
                if self.stand == Stand::Answered {
                    self.stand = Stand::Acknowledged;
                }
                Vec::new()
            }
            "PRACK" => {
                self.rings = None;
                vec![self.reply(text, 200, "", "")]
            }
            "CANCEL" => {
                let mut out = vec![self.reply(text, 200, "", "")];
                if self.stand == Stand::Ringing {
                    out.push(self.refuse(now, 487));
                }
                out
            }
            "BYE" if self.stand == Stand::Ringing => {
                let reply = self.reply(text, 200, "", "");
                vec![reply, self.refuse(now, 487)]
            }
            "UPDATE" if self.stand == Stand::Ringing => {
                let body = if text.body.is_empty() { String::new() } else { self.sdp() };
                vec![self.reply(text, 200, "", &body)]
            }
            _ => {
                let out = self.dialog.on_request(now, text);
                if self.dialog.is_over {
                    self.last = None;
                }
                out
            }
        }
    }

    /// Stops ringing without a word.
    fn withdraw(&mut self) {
        if self.stand == Stand::Ringing {
            self.stand = Stand::Refused;
            (self.ring_at, self.answer_at, self.rings) = (None, None, None);
        }
    }

    fn refuse(&mut self, now: Duration, status: u16) -> Vec<u8> {
        self.withdraw();
        let bytes = self.reply(&self.invite, status, "", "");
        self.latest = Some(bytes.clone());
        self.last = Some(Repeat::new(now, bytes.clone(), false));
        bytes
    }

    fn ring(&mut self, now: Duration) -> Vec<u8> {
        let early = self.early_media && !self.invite.body.is_empty();
        let (status, body) = if early { (183, self.sdp()) } else { (180, String::new()) };
        let extra = if self.reliable { "Require: 100rel\r\nRSeq: 77\r\n" } else { "" };
        let bytes = self.reply(&self.invite, status, extra, &body);
        if self.reliable {
            self.rings = Some(Repeat::new(now, bytes.clone(), true));
        }
        self.latest = Some(bytes.clone());
        bytes
    }

    fn accept(&mut self, now: Duration) -> Vec<u8> {
        self.stand = Stand::Answered;
        self.dialog.is_over = false;
        self.rings = None;
        self.hang_up_at = self.hangs_up_after.map(|after| now + after);
        self.refer_at = self.refers_after.as_ref().map(|(after, _)| now + *after);
        if let Some(after) = self.holds_after {
            self.hold_at = vec![(now + after, "sendonly"), (now + after * 2, "sendrecv")];
        }
        let invite = self.invite.clone();
        let session = self.dialog.agree(now, &invite);
        let bytes = self.reply(&invite, 200, &session, &self.sdp());
        self.latest = Some(bytes.clone());
        self.last = Some(Repeat::new(now, bytes.clone(), false));
        bytes
    }

    fn vanish(&mut self, now: Duration) {
        if self.stand != Stand::Refused && !(self.was_answered() && self.dialog.is_over) {
            self.vanished_at = Some(now);
        }
        self.dialog.vanish();
        (self.ring_at, self.answer_at, self.hang_up_at, self.vanishes_at) = (None, None, None, None);
        (self.rings, self.last, self.refer_at) = (None, None, None);
        self.hold_at.clear();
    }

    fn wake(&mut self, now: Duration) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        if self.vanishes_at.is_some_and(|at| at <= now) {
            self.vanish(now);
            return out;
        }
        if self.ring_at.is_some_and(|at| at <= now) {
            self.ring_at = None;
            out.push(self.ring(now));
        }
        if self.answer_at.is_some_and(|at| at <= now) {
            self.answer_at = None;
            out.push(match self.answer {
                Answer::Refuses(status) => self.refuse(now, status),
                _ => self.accept(now),
            });
        }
        let due: Vec<&'static str> = self.hold_at.iter().filter(|(at, _)| *at <= now).map(|(_, d)| *d).collect();
        self.hold_at.retain(|(at, _)| *at > now);
        // RFC 3261 14.1: no re-INVITE before the first INVITE is finished.
        for direction in due.into_iter().filter(|_| self.stand == Stand::Acknowledged) {
            out.extend(self.dialog.hold(now, direction, "INVITE"));
        }
        if self.refer_at.is_some_and(|at| at <= now) && self.last.is_none() {
            self.refer_at = None;
            if let Some((_, to)) = &self.refers_after {
                out.extend(self.dialog.refer(now, &format!("sip:{to}@10.0.0.1")));
            }
        }
        // RFC 3261 15: no BYE before the ACK or the end of the wait for it.
        if self.hang_up_at.is_some_and(|at| at <= now) && self.last.is_none() {
            self.hang_up_at = None;
            out.extend(self.dialog.hang_up(now));
        }
        for waiting in [&mut self.rings, &mut self.last] {
            out.extend(waiting.as_mut().and_then(|repeat| repeat.due(now)));
            if waiting.as_ref().is_some_and(|repeat| repeat.until <= now) {
                *waiting = None;
                // RFC 3261 13.3.1.4: without an ACK the call ends.
                if self.stand == Stand::Answered {
                    out.extend(self.dialog.hang_up(now));
                }
            }
        }
        out.extend(self.dialog.wake(now));
        if self.dialog.is_over && self.was_answered() {
            self.hang_up_at = None;
            self.refer_at = None;
            self.hold_at.clear();
            self.vanishes_at = None;
        }
        out
    }

    fn deadline(&self) -> Option<Duration> {
        let repeats = self.rings.iter().chain(&self.last).map(Repeat::next);
        let holds = self.hold_at.iter().map(|(at, _)| *at);
        let hang_up = self.hang_up_at.filter(|_| self.last.is_none());
        let refer = self.refer_at.filter(|_| self.last.is_none());
        let vanish = self.vanishes_at.filter(|_| self.stand != Stand::Refused);
        repeats
            .chain(holds)
            .chain(self.ring_at)
            .chain(self.answer_at)
            .chain(hang_up)
            .chain(refer)
            .chain(vanish)
            .chain(self.dialog.deadline())
            .min()
    }
}

/// Some cannot wait: their hold follows the answer before its ACK can have come from far away.
fn soon(chance: &mut Chance) -> Duration {
    let longest = if chance.percent(40) { 600 } else { 8_000 };
    Duration::from_millis(20 + chance.below(longest))
}
