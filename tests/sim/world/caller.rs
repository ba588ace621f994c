//! A simulated caller: places one call, behaves as its plan says, and remembers what it was told.

use super::chance::Chance;
use super::dialog::{Dialog, GIVE_UP, Repeat};
use super::text::{Text, sdp};
use std::time::Duration;

/// What this caller will do, drawn from the seed.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Cancels this long after the first provisional response.
    pub cancel_after: Option<Duration>,
    pub talk: Duration,
    /// Sends a hold and a resume while talking.
    pub holds: bool,
    /// By UPDATE instead of re-INVITE (RFC 3311).
    pub by_update: bool,
    /// Falls silent for ever at this time after its INVITE.
    pub vanishes_after: Option<Duration>,
    /// Leaves the hanging up to the other side.
    pub waits: bool,
    pub offerless: bool,
    /// Speaks RFC 4028.
    pub timer: bool,
    /// Asks for a session interval, which it refreshes itself.
    pub refreshes: bool,
    pub transfer: Option<Transfer>,
}

/// How a caller leaves its callee to somebody else, this long after the answer.
#[derive(Clone, Debug)]
pub enum Transfer {
    Blind {
        after: Duration,
        to: String,
    },
    /// To whoever talks with another caller, whose call is then over as well.
    Attended {
        after: Duration,
    },
}

impl Transfer {
    /// From a stream of chance of its own, so that worlds without transfers stay as they were.
    pub fn draw(chance: &mut Chance, transfers: u64) -> Option<Transfer> {
        if !chance.percent(transfers) {
            return None;
        }
        let after = Duration::from_millis(50 + chance.below(8_000));
        Some(match chance.percent(50) {
            true => Transfer::Blind { after, to: super::setup::dialled(chance) },
            false => Transfer::Attended { after },
        })
    }

    fn after(&self) -> Duration {
        match self {
            Transfer::Blind { after, .. } | Transfer::Attended { after } => *after,
        }
    }
}

impl Plan {
    pub fn draw(chance: &mut Chance, vanishing: u64) -> Plan {
        Plan {
            cancel_after: chance.percent(20).then(|| Duration::from_millis(chance.below(4_000))),
            talk: Duration::from_millis(200 + chance.below(20_000)),
            holds: chance.percent(25),
            by_update: chance.percent(30),
            vanishes_after: chance.percent(vanishing).then(|| Duration::from_millis(chance.below(15_000))),
            waits: chance.percent(20),
            offerless: chance.percent(10),
            timer: chance.percent(60),
            refreshes: chance.percent(40),
            transfer: None,
        }
    }
}

/// The first INVITE or its CANCEL, until a final answer.
struct First {
    repeat: Option<Repeat>,
    until: Duration,
}

pub struct Caller {
    pub host: String,
    pub plan: Plan,
    number: String,
    began: Duration,
    dialog: Dialog,
    invite: Option<First>,
    cancel: Option<Repeat>,
    cancel_at: Option<Duration>,
    hang_up_at: Option<Duration>,
    hold_at: Vec<(Duration, &'static str)>,
    refer_at: Option<Duration>,
    /// The ACK of the first INVITE, by the tag of the answer.
    acks: Vec<(String, Vec<u8>)>,
    /// Final responses to the first INVITE, each distinct (status, tag) once.
    pub finals: Vec<(u16, String)>,
    pub heard_anything: bool,
    /// Was asked to change a call before it had heard the answer that made it.
    pub was_asked_too_early: bool,
    pub is_established: bool,
    pub vanished_at: Option<Duration>,
}

impl Caller {
    pub fn new(number: usize, dialled: String, plan: Plan) -> Caller {
        let host = format!("10.1.{}.{}:5060", number / 250, number % 250 + 2);
        let tag = format!("c{number}");
        let local = format!("<sip:+8131234{number:04}@{host}>;tag={tag}");
        let remote = format!("<sip:{dialled}@10.0.0.1>");
        let call_id = format!("call-{number}-of-the-caller");
        let mut dialog = Dialog::new(&host, &call_id, local, remote, String::new(), format!("caller{number}"));
        dialog.is_over = true;
        dialog.timer = plan.timer;
        Caller {
            host,
            plan,
            number: dialled,
            began: Duration::MAX,
            dialog,
            invite: None,
            cancel: None,
            cancel_at: None,
            hang_up_at: None,
            hold_at: Vec::new(),
            refer_at: None,
            acks: Vec::new(),
            finals: Vec::new(),
            heard_anything: false,
            was_asked_too_early: false,
            is_established: false,
            vanished_at: None,
        }
    }

    pub fn dialog(&self) -> &Dialog {
        &self.dialog
    }

    /// Nothing is under way any more.
    pub fn is_done(&self) -> bool {
        self.dialog.is_over && self.invite.is_none()
    }

    fn silent(&self, now: Duration) -> bool {
        self.plan.vanishes_after.is_some_and(|after| now >= self.began.saturating_add(after))
    }

    fn uri(&self) -> String {
        format!("sip:{}@10.0.0.1", self.number)
    }

    fn branch(&self) -> String {
        format!("z9hG4bK{}-1", self.dialog.mark)
    }

    pub fn begin(&mut self, now: Duration) -> Vec<Vec<u8>> {
        self.began = now;
        let ip = self.host.split(':').next().unwrap_or_default().to_owned();
        let body = if self.plan.offerless { String::new() } else { sdp(&ip, 1, "sendrecv") };
        let extra = match (self.plan.timer, self.plan.refreshes) {
            (true, true) => "Supported: timer\r\nSession-Expires: 100;refresher=uac\r\n",
            (true, false) => "Supported: timer\r\n",
            (false, _) => "",
        };
        let bytes = self.dialog.compose("INVITE", &self.uri(), &self.branch(), 1, (extra, &body));
        let repeat = Some(Repeat::new(now, bytes.clone(), true));
        self.invite = Some(First { repeat, until: now + GIVE_UP });
        vec![bytes]
    }

    pub fn receive(&mut self, now: Duration, bytes: &[u8]) -> Vec<Vec<u8>> {
        if self.silent(now) {
            return Vec::new();
        }
        self.heard_anything = true;
        let text = Text::read(bytes);
        if text.status() > 0 {
            return self.on_response(now, &text);
        }
        self.was_asked_too_early |= !self.is_established && matches!(text.method(), "INVITE" | "UPDATE");
        let out = self.dialog.on_request(now, &text);
        self.stop_if_over();
        out
    }

    fn stop_if_over(&mut self) {
        if self.dialog.is_over && self.is_established {
            self.hang_up_at = None;
            self.refer_at = None;
            self.hold_at.clear();
        }
    }

    /// The time of its attended transfer has come: with whom may it be?
    pub fn wants_partner(&self, now: Duration) -> bool {
        self.refer_at.is_some_and(|at| at <= now) && matches!(self.plan.transfer, Some(Transfer::Attended { .. }))
    }

    /// Whether it talks, and has nothing to do with any transfer.
    pub fn may_be_replaced(&self) -> bool {
        self.is_established && !self.dialog.is_over && self.plan.transfer.is_none()
    }

    /// Gives its callee to the other caller's; without one it goes on talking.
    pub fn hand_to(&mut self, now: Duration, other: Option<&str>) -> Vec<Vec<u8>> {
        self.refer_at = None;
        let target = other.map(|other| format!("{}?Replaces={other}", self.uri()));
        target.map_or_else(Vec::new, |target| self.dialog.refer(now, &target))
    }

    fn on_response(&mut self, now: Duration, text: &Text) -> Vec<Vec<u8>> {
        let (status, first) = (text.status(), text.cseq() == 1);
        match text.method() {
            "CANCEL" => {
                if status >= 200 {
                    self.cancel = None;
                }
                Vec::new()
            }
            "INVITE" if first && status < 200 => {
                if let Some(invite) = &mut self.invite {
                    invite.repeat = None;
                    invite.until = now + Duration::from_secs(300);
                    if status > 100 && self.cancel_at.is_none() {
                        self.cancel_at = self.plan.cancel_after.map(|after| now + after);
                    }
                }
                Vec::new()
            }
            "INVITE" if first => self.on_final(now, text),
            _ => {
                let out = self.dialog.on_response(now, text);
                self.stop_if_over();
                out
            }
        }
    }

    fn on_final(&mut self, now: Duration, text: &Text) -> Vec<Vec<u8>> {
        let (status, tag) = (text.status(), text.to_tag());
        self.invite = None;
        self.cancel_at = None;
        let is_news = !self.finals.contains(&(status, tag.clone()));
        if is_news {
            self.finals.push((status, tag.clone()));
        }
        if is_news && status < 300 && !self.is_established {
            self.establish(now, text);
        }
        if let Some((_, ack)) = self.acks.iter().find(|(known, _)| *known == tag) {
            return vec![ack.clone()];
        }
        let ack = if status < 300 {
            let ip = self.host.split(':').next().unwrap_or_default().to_owned();
            let body = if self.plan.offerless { sdp(&ip, 1, "sendrecv") } else { String::new() };
            let target = self.dialog.target.clone();
            self.dialog.compose("ACK", &target, &format!("{}-ack", self.branch()), 1, ("", &body))
        } else {
            let kept = std::mem::replace(&mut self.dialog.remote, text.header("to").to_owned());
            let ack = self.dialog.compose("ACK", &self.uri(), &self.branch(), 1, ("", ""));
            self.dialog.remote = kept;
            ack
        };
        self.acks.push((tag, ack.clone()));
        vec![ack]
    }

    fn establish(&mut self, now: Duration, text: &Text) {
        self.is_established = true;
        self.dialog.is_over = false;
        self.dialog.remote = text.header("to").to_owned();
        self.dialog.target = text.contact();
        self.dialog.learn(now, text);
        self.hang_up_at = (!self.plan.waits).then_some(now + self.plan.talk);
        self.refer_at = self.plan.transfer.as_ref().map(|transfer| now + transfer.after());
        if self.plan.holds {
            let third = self.plan.talk / 3;
            self.hold_at = vec![(now + third, "sendonly"), (now + third * 2, "sendrecv")];
        }
    }

    fn vanish(&mut self, now: Duration) {
        if self.vanished_at.is_none() && !self.is_done() {
            self.vanished_at = Some(now);
        }
        self.dialog.vanish();
        self.invite = None;
        self.cancel = None;
        self.cancel_at = None;
        self.hang_up_at = None;
        self.refer_at = None;
        self.hold_at.clear();
    }

    pub fn wake(&mut self, now: Duration) -> Vec<Vec<u8>> {
        if self.silent(now) {
            self.vanish(now);
            return Vec::new();
        }
        let mut out = Vec::new();
        if let Some(invite) = &mut self.invite {
            out.extend(invite.repeat.as_mut().and_then(|repeat| repeat.due(now)));
            if invite.until <= now {
                self.invite = None;
            }
        }
        if let Some(cancel) = &mut self.cancel {
            out.extend(cancel.due(now));
            if cancel.until <= now {
                self.cancel = None;
            }
        }
        if self.cancel_at.is_some_and(|at| at <= now) {
            self.cancel_at = None;
            let bytes = self.dialog.compose("CANCEL", &self.uri(), &self.branch(), 1, ("", ""));
            self.cancel = Some(Repeat::new(now, bytes.clone(), false));
            self.plan.cancel_after = None;
            out.push(bytes);
        }
        let due: Vec<&'static str> = self.hold_at.iter().filter(|(at, _)| *at <= now).map(|(_, d)| *d).collect();
        self.hold_at.retain(|(at, _)| *at > now);
        let method = if self.plan.by_update { "UPDATE" } else { "INVITE" };
        for direction in due {
            out.extend(self.dialog.hold(now, direction, method));
        }
        if self.refer_at.is_some_and(|at| at <= now)
            && let Some(Transfer::Blind { to, .. }) = &self.plan.transfer
        {
            self.refer_at = None;
            out.extend(self.dialog.refer(now, &format!("sip:{to}@10.0.0.1")));
        }
        if self.hang_up_at.is_some_and(|at| at <= now) {
            self.hang_up_at = None;
            out.extend(self.dialog.hang_up(now));
        }
        out.extend(self.dialog.wake(now));
        self.stop_if_over();
        out
    }

    pub fn deadline(&self) -> Option<Duration> {
        let invite = self.invite.as_ref().map(|i| i.repeat.as_ref().map_or(i.until, |r| r.next().min(i.until)));
        let cancel = self.cancel.as_ref().map(Repeat::next);
        let holds = self.hold_at.iter().map(|(at, _)| *at);
        let vanish = self.plan.vanishes_after.map(|after| self.began.saturating_add(after)).filter(|_| !self.is_done());
        holds
            .chain(invite)
            .chain(cancel)
            .chain(self.cancel_at)
            .chain(self.hang_up_at)
            .chain(self.refer_at)
            .chain(vanish)
            .chain(self.dialog.deadline())
            .min()
    }
}
