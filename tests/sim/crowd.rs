//! Many promises to call back among agents and customers who do what they like: each ends once, and nothing is left.

use crate::callbacks::FILES;
use crate::dialogue::peer::{header, headers, method, status};
use crate::world::chance::Chance;
use crate::world::setup;
use crate::world::{Running, setup::EPOCH};
use offhook::base::e164::E164;
use offhook::base::id::CallId;
use offhook::base::machine::Machine;
use offhook::base::now::Now;
use offhook::domain::queue::interface::{AgentCommand, By, CallbackOrder, Place, QueueInput, Rank};
use offhook::domain::queue::settings::Status;
use offhook::domain::switchboard::interface::SwitchboardInput;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

const PROMISES: u64 = 30;
const AGENTS: u64 = 4;
/// Everything is over by then: gaps, rings and talks of all of them, one after the other.
const END: Duration = Duration::from_secs(6 * 3_600);

struct Crowd {
    base: Now,
    at: Duration,
    chance: Chance,
    exchange: Running,
    /// What is still to be sent, by when and in which order it was decided.
    ahead: BTreeMap<(Duration, u64), (SocketAddr, String)>,
    decided: u64,
    /// INVITEs that were given up, and those that have their answer.
    cancelled: BTreeSet<String>,
    answered: BTreeSet<String>,
    invites: BTreeMap<String, String>,
    /// How often each customer was called.
    dials: BTreeMap<String, usize>,
}

pub fn key(message: &str) -> String {
    header(message, "Call-ID").expect("Call-ID").to_owned()
}

/// An answer to a request, with a tag of its own where it makes or keeps a dialog.
pub fn answer(request: &str, code: u16, address: SocketAddr) -> String {
    let mut text = format!("SIP/2.0 {code} Whatever\r\n");
    for via in headers(request, "Via") {
        text += &format!("Via: {via}\r\n");
    }
    let to = header(request, "To").expect("To");
    let tag = if code == 100 || to.contains("tag=") { String::new() } else { format!(";tag=t{}", key(request)) };
    text += &format!("From: {}\r\nTo: {to}{tag}\r\n", header(request, "From").expect("From"));
    text += &format!("Call-ID: {}\r\nCSeq: {}\r\n", key(request), header(request, "CSeq").expect("CSeq"));
    text += &format!("Contact: <sip:somebody@{address}>\r\n");
    let is_answer = code == 200 && method(request) == "INVITE";
    let ip = address.ip();
    let body = is_answer.then(|| {
        format!("v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n")
    });
    let body = body.unwrap_or_default();
    let kind = if is_answer { "Content-Type: application/sdp\r\n" } else { "" };
    text + &format!("{kind}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// Whoever was called hangs up.
pub fn bye(invite: &str, address: SocketAddr) -> String {
    let contact = header(invite, "Contact").expect("Contact").trim_start_matches('<');
    let target = contact.split('>').next().expect("an address");
    let (from, to) = (header(invite, "To").expect("To"), header(invite, "From").expect("From"));
    format!(
        "BYE {target} SIP/2.0\r\nVia: SIP/2.0/UDP {address};branch=z9hG4bK-bye-{0}\r\nMax-Forwards: 70\r\n\
         From: {from};tag=t{0}\r\nTo: {to}\r\nCall-ID: {0}\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
        key(invite)
    )
}

impl Crowd {
    fn new(seed: u64) -> Crowd {
        let base = Now { instant: Instant::now(), wall: SystemTime::UNIX_EPOCH + EPOCH };
        let agents: String = (0..AGENTS)
            .map(|number| {
                format!(
                    "[[agent]]\nname = \"agent-{number}\"\nrouting_profile = \"all\"\nnumber = \"+8190123400{number:02}\"\n\
                     status = \"available\"\nwrap_up = \"5s\"\n"
                )
            })
            .collect();
        let files: Vec<(&str, String)> = FILES
            .iter()
            .map(|(name, text)| match text.split_once("[[agent]]") {
                Some((before, _)) => (*name, format!("{before}{agents}")),
                None => (*name, (*text).to_owned()),
            })
            .collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        Crowd {
            base,
            at: Duration::ZERO,
            chance: Chance(seed),
            exchange: Running::new(setup::read_files("crowd", &files), seed, base),
            ahead: BTreeMap::new(),
            decided: 0,
            cancelled: BTreeSet::new(),
            answered: BTreeSet::new(),
            invites: BTreeMap::new(),
            dials: BTreeMap::new(),
        }
    }

    fn now(&self) -> Now {
        self.base.after(self.at)
    }

    fn promise(&mut self, number: u64) {
        let order = CallbackOrder {
            call: CallId(1_000 + number),
            number: E164::parse(&format!("+815012300{number:03}")).expect("a number"),
            place: Place::Queue("orders".into()),
            rank: Rank::default(),
            criteria: None,
            started: self.now().unix_millis(),
            delay: Duration::from_secs(self.chance.below(120)),
            retries: u8::try_from(self.chance.below(3)).expect("few"),
            gap: Duration::from_secs(30 + self.chance.below(60)),
            luggage: std::sync::Arc::default(),
        };
        let now = self.now();
        let input = SwitchboardInput::Queue(Box::new(QueueInput::Schedule(Box::new(order))));
        self.exchange.switchboard.handle_input(now, input);
        self.exchange.wake(now);
    }

    fn later(&mut self, after: Duration, from: SocketAddr, text: String) {
        self.decided += 1;
        self.ahead.insert((self.at + after, self.decided), (from, text));
    }

    fn seconds(&mut self, least: u64, span: u64) -> Duration {
        Duration::from_millis((least * 1_000) + self.chance.below(span * 1_000))
    }

    /// Somebody hears a message of ours.
    fn hear(&mut self, to: SocketAddr, text: &str) {
        match (status(text), method(text)) {
            (Some(_), _) | (None, "ACK") => {}
            (None, "INVITE") => self.called(to, text),
            (None, "CANCEL") => {
                self.later(Duration::from_millis(5), to, answer(text, 200, to));
                let id = key(text);
                if !self.answered.contains(&id) && self.cancelled.insert(id.clone()) {
                    let gone = answer(&self.invites[&id].clone(), 487, to);
                    self.later(Duration::from_millis(6), to, gone);
                }
            }
            (None, _) => self.later(Duration::from_millis(5), to, answer(text, 200, to)),
        }
    }

    fn called(&mut self, to: SocketAddr, invite: &str) {
        if self.invites.insert(key(invite), invite.to_owned()).is_some() {
            return;
        }
        self.later(Duration::from_millis(2), to, answer(invite, 100, to));
        let is_customer = to.to_string().starts_with("10.2.0.2");
        if is_customer {
            let number = header(invite, "To").expect("To").to_owned();
            *self.dials.entry(number).or_default() += 1;
        }
        let ring = self.seconds(1, 6);
        let (answers, busy) = if is_customer { (55, 75) } else { (70, 85) };
        match self.chance.below(100) {
            mood if mood < answers => {
                self.later(Duration::from_millis(100), to, answer(invite, 180, to));
                self.later(ring, to, answer(invite, 200, to));
                // Some hang up at once, some talk, some leave it to the other side.
                let talk = [self.seconds(0, 2), self.seconds(5, 60), END];
                let talk = talk[usize::try_from(self.chance.below(3)).expect("of three")];
                if talk < END || is_customer {
                    self.later(ring + talk.min(Duration::from_secs(90)), to, bye(invite, to));
                }
            }
            mood if mood < busy => self.later(ring, to, answer(invite, 486, to)),
            mood if mood < 96 => self.later(Duration::from_millis(100), to, answer(invite, 180, to)),
            _ => self.later(ring, to, answer(invite, 503, to)),
        }
    }

    /// Whether something that was decided may still be said.
    fn may_say(&mut self, text: &str) -> bool {
        let id = key(text);
        match status(text) {
            Some(code) if code >= 180 && method(text) == "INVITE" && code != 487 => {
                let goes = !self.cancelled.contains(&id);
                if goes && code >= 200 {
                    self.answered.insert(id);
                }
                goes
            }
            None => !self.cancelled.contains(&id) && self.answered.contains(&id),
            _ => true,
        }
    }

    fn run(&mut self) {
        let mut supervisor = Duration::from_secs(30);
        while self.at < END {
            let due = self.exchange.deadline().map(|at| at.saturating_duration_since(self.base.instant));
            let next = self.ahead.keys().next().map(|(at, _)| *at);
            let soonest = [due, next, Some(supervisor), Some(END)].into_iter().flatten().min().expect("an end");
            self.at = self.at.max(soonest);
            while let Some(entry) = self.ahead.first_entry().filter(|entry| entry.key().0 <= self.at) {
                let (from, text) = entry.remove();
                if self.may_say(&text) {
                    self.exchange.receive(self.now(), from, text.as_bytes());
                }
            }
            self.exchange.wake(self.now());
            if supervisor <= self.at {
                supervisor += Duration::from_secs(30);
                self.clear_agents();
            }
            for datagram in std::mem::take(&mut self.exchange.out) {
                let text = String::from_utf8(datagram.bytes).expect("SIP is text here");
                self.hear(datagram.to, &text);
            }
        }
    }

    /// Who has missed a contact is made available again.
    fn clear_agents(&mut self) {
        let now = self.now();
        for number in 0..AGENTS {
            let status = AgentCommand::Status(Status::Available);
            // Refused to who is with a contact, which is as it should be.
            let _ = self.exchange.switchboard.handle_agent(now, &format!("agent-{number}"), status, By::Supervisor);
        }
        self.exchange.wake(now);
    }
}

#[test]
fn every_promise_ends_once_whatever_agents_and_customers_do() {
    let mut ends: BTreeMap<&'static str, usize> = BTreeMap::new();
    for seed in 0..12 {
        let mut crowd = Crowd::new(seed);
        (0..PROMISES).for_each(|number| crowd.promise(number));
        crowd.run();
        let over = &crowd.exchange.callbacks_over;
        let distinct: BTreeSet<_> = over.iter().map(|(id, _)| *id).collect();
        assert!(crowd.exchange.owed.is_empty(), "seed {seed}: {:?}", crowd.exchange.owed);
        assert_eq!((over.len(), distinct.len()), (30, 30), "seed {seed}: each once");
        assert_eq!(crowd.exchange.records.len(), crowd.exchange.started, "seed {seed}: one record for each call");
        let left = crowd.exchange.leftovers();
        assert!(left.is_empty(), "seed {seed}: {left:?}");
        let most = crowd.dials.values().max().copied().unwrap_or_default();
        assert!(most <= 3, "seed {seed}: somebody was called {most} times");
        over.iter().for_each(|(_, why)| *ends.entry(why).or_default() += 1);
    }
    for why in ["reached", "nobody-answered", "busy", "failed"] {
        assert!(ends.get(why).is_some_and(|count| *count > 3), "{why} is hardly reached: {ends:?}");
    }
}
