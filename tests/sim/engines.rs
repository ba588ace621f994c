//! Many calls that engines decide about, among engines that fail in every way: each call ends as declared, once, and leaves nothing.

use crate::crowd::{answer, bye, key};
use crate::dialogue::peer::{header, method, status};
use crate::world::Running;
use crate::world::chance::Chance;
use crate::world::setup::{self, EPOCH};
use offhook::base::cause::Cause;
use offhook::base::id::{CallId, LegId};
use offhook::base::now::Now;
use offhook::domain::call::interface::{CallInput, CallOutput, Command, Verdict, Wanted};
use offhook::domain::flow::act::{SoundSpec, Tone};
use offhook::domain::flow::key::Key;
use offhook::domain::queue::interface::{AgentCommand, By};
use offhook::domain::queue::settings::Status;
use offhook::domain::routing::lease::Token;
use offhook::domain::routing::order::{CollectOrder, Decision, DialOrder, Order, QueueOrder};
use offhook::domain::routing::request::{
    Asked, HolderWord, NoDecision, OrderFault, ReplyTo, RouteId, RouteRequest, Taken,
};
use offhook::domain::routing::talk::{Inform, TalkOrder};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

const CALLS: u64 = 40;
const AGENTS: u64 = 4;
const SEEDS: u64 = 8;
/// Whoever called has hung up long before, and nobody wraps up any more.
const END: Duration = Duration::from_secs(3_600);
const CALLERS: &str = "10.1.0.8:5060";
const OURS: &str = "10.0.0.1:5060";

const DIALPLAN: &str = r#"
[[engine]]
name = "to-queue"
client = "acd"
fallback = "queue:orders"
deadline = "4s"
grace = "5s"
[[engine]]
name = "to-flow"
client = "acd"
fallback = "flow:sorry"
deadline = "2s"
comfort = [{ tone = "beep" }]
[[engine]]
name = "to-nobody"
client = "acd"
fallback = "reject:number-gone"
deadline = "1s"
grace = "3s"
[[engine]]
name = "to-somebody"
client = "acd"
fallback = "dial:+815012300001"

[[rule]]
name = "one"
number = "+815077770001"
to = ["engine:to-queue"]
[[rule]]
name = "two"
number = "+815077770002"
to = ["engine:to-flow"]
[[rule]]
name = "three"
number = "+815077770003"
to = ["engine:to-nobody"]
[[rule]]
name = "four"
number = "+815077770004"
to = ["engine:to-somebody"]
[[rule]]
name = "somebody"
number = "+81501230*"
to = ["trunk:carrier-1"]
[[rule]]
name = "agents"
number = "+8190*"
to = ["trunk:carrier-2"]

[[queue]]
name = "orders"
capacity = 3
[[routing_profile]]
name = "all"
[[routing_profile.queue]]
name = "orders"
"#;

const SORRY: &str = r#"
[flow]
kind = "inbound"
start = "sorry"
on.error = "bye"
[step.sorry]
do = "play"
sounds = [{ tone = "beep" }]
next = "bye"
[step.bye]
do = "hang-up"
"#;

/// Seeds in which a fault that the simulation once found shows itself when it is planted again.
const FOUND: &[(&str, u64)] = &[
    ("a party that had left while somebody was called in its place was to be heard on", 56),
    ("the same of one that had been added", 71),
];

enum Ahead {
    Say(SocketAddr, String),
    Tell(CallId, Box<CallInput>),
    /// The holder of a call's lease wants something else.
    Want(CallId),
}

struct Caller {
    number: u64,
    /// Who has answered, once somebody has.
    to: Option<String>,
    target: String,
    is_cancelled: bool,
    is_over: bool,
}

/// What was said to a call, until it says what came of it.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Expected {
    /// Whatever it says is right.
    Whatever,
    /// It must be refused.
    Refusal,
}

struct Throng {
    base: Now,
    at: Duration,
    chance: Chance,
    exchange: Running,
    ahead: BTreeMap<(Duration, u64), Ahead>,
    steps: u64,
    callers: BTreeMap<String, Caller>,
    cancelled: BTreeSet<String>,
    answered: BTreeSet<String>,
    invites: BTreeMap<String, String>,
    /// Phones of agents that ring or talk: their legs.
    legs: BTreeMap<String, BTreeSet<String>>,
    /// Every question and how it ended.
    asked: BTreeMap<RouteId, Option<&'static str>>,
    expected: BTreeMap<ReplyTo, (CallId, Expected, &'static str)>,
    leases: BTreeMap<CallId, (Arc<str>, Token, u32)>,
    /// Whose holder has had somebody called.
    dialled: BTreeSet<CallId>,
    faults: Vec<String>,
    tally: BTreeMap<&'static str, usize>,
}

impl Throng {
    fn new(seed: u64) -> Throng {
        let base = Now { instant: Instant::now(), wall: SystemTime::UNIX_EPOCH + EPOCH };
        let mut plan = DIALPLAN.to_owned();
        for number in 0..AGENTS {
            plan += &format!(
                "[[agent]]\nname = \"agent-{number}\"\nrouting_profile = \"all\"\nnumber = \"+8190123400{number:02}\"\n\
                 status = \"available\"\nwrap_up = \"5s\"\n"
            );
        }
        let files = [
            ("offhook.toml", ""),
            ("sip-profiles/sim.toml", include_str!("world/profile.toml")),
            ("dialplans/sim.toml", &plan),
            ("dialplans/flows/sorry.toml", SORRY),
        ];
        Throng {
            base,
            at: Duration::ZERO,
            chance: Chance(seed),
            exchange: Running::new(setup::read_files("engines", &files), seed, base),
            ahead: BTreeMap::new(),
            steps: 0,
            callers: BTreeMap::new(),
            cancelled: BTreeSet::new(),
            answered: BTreeSet::new(),
            invites: BTreeMap::new(),
            legs: BTreeMap::new(),
            asked: BTreeMap::new(),
            expected: BTreeMap::new(),
            leases: BTreeMap::new(),
            dialled: BTreeSet::new(),
            faults: Vec::new(),
            tally: BTreeMap::new(),
        }
    }

    fn now(&self) -> Now {
        self.base.after(self.at)
    }

    fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    fn later(&mut self, after: Duration, what: Ahead) {
        self.steps += 1;
        self.ahead.insert((self.at + after, self.steps), what);
    }

    fn say(&mut self, after: Duration, from: SocketAddr, text: String) {
        self.later(after, Ahead::Say(from, text));
    }

    fn millis(&mut self, least: u64, span: u64) -> Duration {
        Duration::from_millis(least + self.chance.below(span))
    }

    // Callers.

    fn call(&mut self, number: u64) {
        let after = self.millis(0, 120_000);
        let dialled = format!("+81507777000{}", 1 + self.chance.below(4));
        let id = format!("caller-{number}");
        let from = format!("<sip:+8190111{number:05}@10.1.0.8>;tag=f{number}");
        let sdp = "v=0\r\no=- 1 1 IN IP4 10.1.0.8\r\ns=-\r\nc=IN IP4 10.1.0.8\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
        let invite = format!(
            "INVITE sip:{dialled}@{OURS} SIP/2.0\r\nVia: SIP/2.0/UDP {CALLERS};branch=z9hG4bK-i-{id}\r\nMax-Forwards: 70\r\n\
             From: {from}\r\nTo: <sip:{dialled}@{OURS}>\r\nCall-ID: {id}\r\nCSeq: 1 INVITE\r\nContact: <sip:c@{CALLERS}>\r\n\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
            sdp.len()
        );
        let caller =
            Caller { number, to: None, target: format!("sip:{dialled}@{OURS}"), is_cancelled: false, is_over: false };
        self.callers.insert(id.clone(), caller);
        self.say(after, callers(), invite);
        // Some lose patience soon, and all of them in the end.
        let patience = if self.chance.percent(25) { self.millis(100, 15_000) } else { self.millis(120_000, 60_000) };
        self.say(after + patience, callers(), format!("GIVE-UP {id}"));
    }

    fn request(&self, name: &str, id: &str, cseq: u32, branch: &str) -> String {
        let Caller { number, to, target, .. } = &self.callers[id];
        let (uri, to) = match (name, to) {
            ("CANCEL", _) | (_, None) => (target.clone(), format!("<{target}>")),
            (_, Some(to)) => (target.clone(), to.clone()),
        };
        format!(
            "{name} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {CALLERS};branch=z9hG4bK-{branch}-{id}\r\nMax-Forwards: 70\r\n\
             From: <sip:+8190111{number:05}@10.1.0.8>;tag=f{number}\r\nTo: {to}\r\nCall-ID: {id}\r\nCSeq: {cseq} {name}\r\n\
             Content-Length: 0\r\n\r\n"
        )
    }

    /// Whoever waits too long cancels, whoever talks hangs up.
    fn give_up(&mut self, id: &str) {
        let caller = &self.callers[id];
        if caller.is_over {
            return;
        }
        let text = match caller.to.is_some() && self.answered.contains(id) {
            true => self.request("BYE", id, 2, "b"),
            false => self.request("CANCEL", id, 1, "i"),
        };
        if let Some(caller) = self.callers.get_mut(id) {
            caller.is_cancelled = true;
            caller.is_over = text.starts_with("BYE");
        }
        self.exchange.receive(self.now(), callers(), text.as_bytes());
    }

    fn caller_hears(&mut self, text: &str) {
        let id = key(text);
        match (status(text), method(text)) {
            (Some(code), "INVITE") if code >= 200 => {
                let to = header(text, "To").expect("To").to_owned();
                let target = header(text, "Contact").map(|contact| contact.trim_matches(['<', '>']).to_owned());
                let is_first = self.answered.insert(id.clone());
                let Some(caller) = self.callers.get_mut(&id) else { return };
                caller.to = Some(to);
                if code < 300 {
                    caller.target = target.expect("a contact");
                }
                caller.is_over |= code >= 300;
                let crossed = caller.is_cancelled && code < 300;
                let ack = self.request("ACK", &id, 1, if code < 300 { "a" } else { "i" });
                self.exchange.receive(self.now(), callers(), ack.as_bytes());
                if is_first && code < 300 {
                    self.count("answered");
                    let talk = if crossed { Duration::ZERO } else { self.millis(1_000, 90_000) };
                    self.say(talk, callers(), format!("GIVE-UP {id}"));
                }
                if code == 302 {
                    self.count("redirected");
                }
            }
            (Some(_), _) | (None, "ACK") => {}
            (None, name) => {
                if name == "BYE"
                    && let Some(caller) = self.callers.get_mut(&id)
                {
                    caller.is_over = true;
                }
                self.say(Duration::from_millis(5), callers(), answer(text, 200, callers()));
            }
        }
    }

    // Agents and whoever else is called.

    fn callee_hears(&mut self, to: SocketAddr, text: &str) {
        match (status(text), method(text)) {
            (Some(_), _) | (None, "ACK") => {}
            (None, "INVITE") => self.called(to, text),
            (None, "CANCEL") => {
                self.say(Duration::from_millis(5), to, answer(text, 200, to));
                let id = key(text);
                self.hung_up(&id);
                if !self.answered.contains(&id) && self.cancelled.insert(id.clone()) {
                    let gone = answer(&self.invites[&id].clone(), 487, to);
                    self.say(Duration::from_millis(6), to, gone);
                }
            }
            (None, name) => {
                if name == "BYE" {
                    self.hung_up(&key(text));
                }
                self.say(Duration::from_millis(5), to, answer(text, 200, to));
            }
        }
    }

    fn hung_up(&mut self, id: &str) {
        self.legs.values_mut().for_each(|legs| legs.retain(|leg| leg != id));
    }

    fn called(&mut self, to: SocketAddr, invite: &str) {
        let id = key(invite);
        if self.invites.insert(id.clone(), invite.to_owned()).is_some() {
            // A change of a running dialog.
            return self.say(Duration::from_millis(5), to, answer(invite, 200, to));
        }
        self.say(Duration::from_millis(2), to, answer(invite, 100, to));
        if to.to_string().starts_with("10.2.0.3") {
            let phone = header(invite, "To").expect("To").to_owned();
            let legs = self.legs.entry(phone.clone()).or_default();
            legs.insert(id.clone());
            if legs.len() > 1 {
                self.faults.push(format!("{phone} is offered {} calls at once", self.legs[&phone].len()));
            }
        }
        let ring = self.millis(200, 6_000);
        match self.chance.below(100) {
            mood if mood < 60 => {
                self.say(Duration::from_millis(100), to, answer(invite, 180, to));
                self.say(ring, to, answer(invite, 200, to));
                if self.chance.percent(60) {
                    let talk = self.millis(500, 40_000);
                    self.say(ring + talk, to, bye(invite, to));
                }
            }
            mood if mood < 75 => self.say(ring, to, answer(invite, 486, to)),
            mood if mood < 92 => self.say(Duration::from_millis(100), to, answer(invite, 180, to)),
            _ => self.say(ring, to, answer(invite, 503, to)),
        }
    }

    /// Whether something that was decided may still be said.
    fn may_say(&mut self, text: &str) -> bool {
        let id = key(text);
        match status(text) {
            Some(code) if code >= 180 && method(text) == "INVITE" && code != 487 => {
                let goes = !self.cancelled.contains(&id);
                if goes && code >= 200 {
                    self.answered.insert(id.clone());
                }
                if code >= 300 {
                    self.hung_up(&id);
                }
                goes
            }
            None if method(text) == "BYE" => {
                let goes = !self.cancelled.contains(&id) && self.answered.contains(&id);
                if goes {
                    self.hung_up(&id);
                }
                goes
            }
            _ => true,
        }
    }

    // Engines.

    fn decide(&mut self, after: Duration, id: RouteId, decision: Result<Order, NoDecision>, expected: Expected) {
        let reply = ReplyTo(self.steps + 1);
        let name = decision.as_ref().map_or("none", Order::name);
        self.expected.insert(reply, (id.call, expected, name));
        let decision = decision.map(|order| Box::new(Decision { order, attributes: Vec::new() }));
        let verdict = CallInput::Verdict(Box::new(Verdict { id, by: "acd".into(), reply, decision }));
        self.later(after, Ahead::Tell(id.call, Box::new(verdict)));
    }

    fn asked(&mut self, request: &RouteRequest) {
        let id = request.id;
        if self.asked.insert(id, None).is_some() && request.attempt == 1 {
            self.faults.push(format!("{id} was asked twice"));
        }
        let is_new = !request.why.is_again();
        let soon = self.millis(0, 900);
        match self.chance.below(100) {
            mood if mood < 8 => {
                self.count("dead");
                self.decide(Duration::ZERO, id, Err(NoDecision::NotAttached), Expected::Whatever);
            }
            mood if mood < 16 => self.count("frozen"),
            mood if mood < 24 => {
                self.count("late");
                let order = self.order(is_new);
                self.decide(request.patience + soon + Duration::from_millis(1), id, Ok(order), Expected::Refusal);
            }
            mood if mood < 32 => {
                self.count("wrong");
                self.decide(soon, id, Ok(Order::Flow("nowhere".into())), Expected::Refusal);
                if self.chance.percent(50) {
                    let order = self.order(is_new);
                    self.decide(soon * 2, id, Ok(order), Expected::Whatever);
                }
            }
            mood if mood < 42 => {
                self.count("twice");
                let (once, again) = (self.order(is_new), self.order(is_new));
                self.decide(soon, id, Ok(once), Expected::Whatever);
                self.decide(soon, id, Ok(again), Expected::Refusal);
            }
            mood if mood < 50 => {
                self.count("gone");
                self.decide(soon, id, Err(NoDecision::Gone), Expected::Whatever);
            }
            mood if mood < 55 => {
                self.count("refused");
                self.decide(soon, id, Err(NoDecision::Refused), Expected::Whatever);
            }
            _ => {
                let order = self.order(is_new);
                self.decide(soon, id, Ok(order), Expected::Whatever);
            }
        }
    }

    fn order(&mut self, may_redirect: bool) -> Order {
        let number = self.chance.below(100);
        let somebody = format!("+815012300{number:03}");
        match self.chance.below(12) {
            0 => Order::Queue(QueueOrder { queue: "orders".into(), priority: Some(2), age: Some(5), criteria: None }),
            1 | 2 => self.offer(),
            3 => Order::Dial(dial(&somebody)),
            4 => Order::Reject { cause: Cause::Busy, sounds: beep() },
            5 if may_redirect => Order::Redirect("sip:elsewhere@example.com".into()),
            5 | 6 => Order::Wait { time: Duration::from_secs(1 + self.chance.below(3)), sounds: Vec::new() },
            7 => Order::Collect(CollectOrder {
                sounds: beep(),
                digits_max: 3,
                first_timeout: Duration::from_secs(2),
                next_timeout: Duration::from_secs(1),
                terminator: Key::all("#").expect("a key"),
                answers: true,
            }),
            8 => Order::Flow("sorry".into()),
            _ => Order::Control,
        }
    }

    fn offer(&mut self) -> Order {
        let first = self.chance.below(AGENTS);
        let count = 1 + self.chance.below(3);
        let agents = (0..count).map(|at| format!("agent-{}", (first + at) % AGENTS).into()).collect();
        Order::Offer { agents, each: self.millis(3_000, 10_000) }
    }

    /// What a call says to its engines.
    fn told(&mut self, call: CallId, output: CallOutput) {
        match output {
            CallOutput::AskEngine(request) => self.asked(&request),
            CallOutput::EngineAsked(Asked { id, end, took, .. }) => {
                if self.asked.get(&id) != Some(&None) {
                    self.faults.push(format!("{id} ended and was not open: {:?}", self.asked.get(&id)));
                }
                if took > Duration::from_millis(8_001) {
                    self.faults.push(format!("{id} was open for {took:?}"));
                }
                self.asked.insert(id, Some(end.name()));
                self.count(end.name());
            }
            CallOutput::Reply { to, outcome } => self.replied(call, to, outcome),
            CallOutput::ToHolder { holder, word } => match word {
                HolderWord::Granted { token } => {
                    self.count("granted");
                    self.held(call, holder, token);
                }
                HolderWord::Ended { .. } => drop(self.leases.remove(&call)),
                HolderWord::Ready { came, .. } => {
                    if ["ended", "no_answer", "call_failed", "refused"].contains(&came) {
                        self.dialled.remove(&call);
                    }
                    self.count(came);
                }
            },
            other => panic!("no word to an engine: {other:?}"),
        }
    }

    fn held(&mut self, call: CallId, holder: Arc<str>, token: Token) {
        let before = self.leases.get(&call).map_or(0, |(_, _, orders)| *orders);
        let is_new = self.leases.insert(call, (holder, token, before)).is_none();
        if is_new {
            let after = self.millis(100, 2_000);
            self.later(after, Ahead::Want(call));
        }
    }

    fn replied(&mut self, call: CallId, to: ReplyTo, outcome: Result<Taken, OrderFault>) {
        let Some((of, expected, name)) = self.expected.remove(&to) else { return };
        if of != call {
            self.faults.push(format!("call {call} answers what call {of} was told"));
        }
        match (expected, outcome) {
            (Expected::Refusal, Ok(_)) => self.faults.push(format!("{name} should have been refused by call {call}")),
            (_, Err(fault)) => {
                self.count(fault.code);
            }
            (_, Ok(Taken { lease: Some(token) })) => {
                self.count("leased");
                let holder = self.leases.get(&call).map_or("acd".into(), |(holder, ..)| Arc::clone(holder));
                self.held(call, holder, token);
            }
            (_, Ok(_)) => {
                self.count(name);
                if name == "dial" && self.leases.contains_key(&call) {
                    self.dialled.insert(call);
                }
                // From then on nobody has control.
                if ["queue", "offer", "flow", "redirect", "release"].contains(&name) {
                    self.leases.remove(&call);
                }
            }
        }
    }

    /// The next thing that whoever has control wants, or what happens to it.
    fn want(&mut self, call: CallId) {
        let Some((holder, token, orders)) = self.leases.get(&call).cloned() else { return };
        if orders > 12 {
            return;
        }
        self.leases.insert(call, (Arc::clone(&holder), token, orders + 1));
        let after = self.millis(50, 4_000);
        self.later(after, Ahead::Want(call));
        if self.chance.percent(6) {
            self.count("holder lost");
            let input = CallInput::HolderGone { holder: Arc::clone(&holder) };
            self.exchange.tell(self.now(), call, input);
            if self.chance.percent(50) {
                let after = self.millis(100, 4_000);
                self.command(after, call, (holder, token), (Wanted::Resume, "resume", Expected::Whatever));
            }
            return;
        }
        if self.chance.percent(8) {
            let stale = Token(token.0 - 1);
            return self.command(Duration::ZERO, call, (holder, stale), (Wanted::Release, "stale", Expected::Refusal));
        }
        let talks = self.dialled.contains(&call) && self.chance.percent(85);
        let (what, name) = if talks { self.wanted_of_talk() } else { self.wanted() };
        self.command(Duration::ZERO, call, (holder, token), (what, name, Expected::Whatever));
    }

    fn wanted(&mut self) -> (Wanted, &'static str) {
        let number = self.chance.below(100);
        let somebody = format!("+815012300{number:03}");
        let order = match self.chance.below(20) {
            0 | 1 => Order::Answer,
            2 => Order::Play { sounds: beep(), times: 1 },
            3 => Order::Stop,
            4 => Order::Note,
            5..=7 => Order::Dial(dial(&somebody)),
            8 => Order::Reject { cause: Cause::Busy, sounds: Vec::new() },
            9 => Order::SendDigits("12#".into()),
            10 => Order::Queue(QueueOrder { queue: "orders".into(), priority: None, age: None, criteria: None }),
            11 => self.offer(),
            12 => return (Wanted::HangUp(Cause::Normal), "hang_up"),
            13 => return (Wanted::Unbridge, "unbridge"),
            14 => return (Wanted::HandOver("heir".into()), "hand_over"),
            15 => return (Wanted::Release, "release"),
            16 => return (Wanted::Resume, "resume"),
            17 => Order::Wait { time: Duration::from_secs(1), sounds: Vec::new() },
            _ => Order::Dial(dial(&somebody)),
        };
        let name = order.name();
        (Wanted::Do(Box::new(Decision { order, attributes: Vec::new() })), name)
    }

    /// Of whoever talks with somebody, or is about to.
    fn wanted_of_talk(&mut self) -> (Wanted, &'static str) {
        let somebody = dial(&format!("+815012300{:03}", self.chance.below(100)));
        let leg = LegId([0, 2, 2, 4, 4, 6][usize::try_from(self.chance.below(6)).expect("few")]);
        let is_on = self.chance.percent(60);
        let order = match self.chance.below(24) {
            0..=3 => TalkOrder::Hold { leg, is_on },
            4 | 5 => TalkOrder::Mute { leg, is_on },
            6..=12 => TalkOrder::Add(Box::new(somebody)),
            13..=15 => TalkOrder::Remove(leg),
            16..=18 => TalkOrder::Transfer(Box::new(somebody)),
            19 => TalkOrder::SendDigits { leg, digits: "1".into() },
            20 => {
                let user_to_user = Some("6162;encoding=hex".into());
                TalkOrder::Inform(Box::new(Inform { leg, body: None, user_to_user }))
            }
            21 => return (Wanted::HangUpSaying(Cause::Normal, "6162;encoding=hex".into()), "hang_up"),
            _ => return (Wanted::Unbridge, "unbridge"),
        };
        let name = order.name();
        (Wanted::Talk(order), name)
    }

    fn command(
        &mut self,
        after: Duration,
        call: CallId,
        (by, token): (Arc<str>, Token),
        (what, name, expected): (Wanted, &'static str, Expected),
    ) {
        let reply = ReplyTo(self.steps + 1);
        self.expected.insert(reply, (call, expected, name));
        let command = CallInput::Command(Box::new(Command { by, token, reply, what }));
        self.later(after, Ahead::Tell(call, Box::new(command)));
    }

    // The run.

    fn run(&mut self) {
        let mut supervisor = Duration::from_secs(20);
        while self.at < END {
            let due = self.exchange.deadline().map(|at| at.saturating_duration_since(self.base.instant));
            let next = self.ahead.keys().next().map(|(at, _)| *at);
            let soonest = [due, next, Some(supervisor), Some(END)].into_iter().flatten().min().expect("an end");
            self.at = self.at.max(soonest);
            while let Some(entry) = self.ahead.first_entry().filter(|entry| entry.key().0 <= self.at) {
                let what = entry.remove();
                self.happens(what);
                self.collect();
            }
            self.exchange.wake(self.now());
            self.exchange.play_to_its_end(self.now());
            if supervisor <= self.at {
                supervisor += Duration::from_secs(20);
                self.clear_agents();
            }
            self.collect();
        }
    }

    fn happens(&mut self, what: Ahead) {
        match what {
            Ahead::Say(from, text) => match text.strip_prefix("GIVE-UP ") {
                Some(id) => self.give_up(id),
                None => {
                    if from == callers() || self.may_say(&text) {
                        self.exchange.receive(self.now(), from, text.as_bytes());
                    }
                }
            },
            Ahead::Tell(call, input) => self.exchange.tell(self.now(), call, *input),
            Ahead::Want(call) => self.want(call),
        }
    }

    /// What the exchange has said goes to whom it is for, and nobody may be offered two calls meanwhile.
    fn collect(&mut self) {
        loop {
            let (datagrams, words) = (std::mem::take(&mut self.exchange.out), std::mem::take(&mut self.exchange.words));
            if datagrams.is_empty() && words.is_empty() {
                break;
            }
            for (call, word) in words {
                self.told(call, word);
            }
            for datagram in datagrams {
                let text = String::from_utf8(datagram.bytes).expect("SIP is text here");
                match datagram.to == callers() {
                    true => self.caller_hears(&text),
                    false => self.callee_hears(datagram.to, &text),
                }
            }
        }
        let busy = self.exchange.switchboard.queues().agents().filter(|report| report.agent.slots.len() > 1);
        let busy: Vec<String> = busy.map(|report| report.plan.settings.name.to_string()).collect();
        self.faults.extend(busy.into_iter().map(|name| format!("{name} has two contacts at once")));
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

    fn judge(&mut self) {
        let records = &self.exchange.records;
        let ids: BTreeSet<CallId> = records.iter().map(|record| record.call).collect();
        if (records.len(), ids.len()) != (self.exchange.started, self.exchange.started) {
            self.faults.push(format!("{} records of {} calls", records.len(), self.exchange.started));
        }
        for record in records.iter().filter(|record| record.cause == Cause::Fault) {
            self.faults.push(format!("call {} ended by a fault of ours: {:?}", record.call, record.trail));
        }
        let left = |at: usize| u64::try_from(at).expect("few") < CALLS;
        if left(self.exchange.started) {
            self.faults.push(format!("only {} calls were begun", self.exchange.started));
        }
        self.faults.extend(self.exchange.leftovers());
        let open = self.asked.iter().filter(|(_, end)| end.is_none());
        self.faults.extend(open.map(|(id, _)| format!("{id} is still asked")));
        self.faults.extend(self.leases.keys().filter(|call| !ids.contains(call)).map(|call| format!("{call} is held")));
        for report in self.exchange.switchboard.queues().agents() {
            if !report.agent.slots.is_empty() {
                self.faults.push(format!("{} is left with {:?}", report.plan.settings.name, report.agent.slots));
            }
        }
        let waits = self.exchange.switchboard.queues().reports(self.base.after(self.at));
        self.faults.extend(
            waits
                .iter()
                .filter(|queue| queue.size + queue.waiting > 0)
                .map(|queue| format!("{} holds calls", queue.name)),
        );
        let hang = self.callers.iter().filter(|(_, caller)| !caller.is_over);
        self.faults.extend(hang.map(|(id, _)| format!("{id} was left in its call")));
    }
}

fn callers() -> SocketAddr {
    CALLERS.parse().expect("an address")
}

fn beep() -> Vec<SoundSpec> {
    vec![SoundSpec::Tone(Tone::Beep)]
}

fn dial(to: &str) -> DialOrder {
    DialOrder {
        to: to.into(),
        via: None,
        timeout: Duration::from_secs(8),
        digits: None,
        caller_number: None,
        caller_name: None,
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

/// `OFFHOOK_SEED` alone, or as many seeds as `OFFHOOK_SIM_CALLS` needs.
fn seeds() -> std::ops::Range<u64> {
    match (number("OFFHOOK_SEED"), number("OFFHOOK_SIM_CALLS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, Some(calls)) => 1..1 + calls.div_ceil(CALLS),
        (None, None) => 1..1 + SEEDS,
    }
}

/// One world to its end: what happened in it, and what should not have.
fn run(seed: u64) -> (BTreeMap<&'static str, usize>, Vec<String>) {
    let mut throng = Throng::new(seed);
    (0..CALLS).for_each(|number| throng.call(number));
    throng.run();
    throng.judge();
    let faults = throng.faults.iter().map(|fault| format!("OFFHOOK_SEED={seed}: {fault}")).collect();
    (throng.tally, faults)
}

#[test]
fn seeds_that_once_found_something_find_nothing_now() {
    for (what, seed) in FOUND {
        let (_, faults) = run(*seed);
        assert!(faults.is_empty(), "{what}: {faults:?}");
    }
}

#[test]
fn whatever_engines_do_every_call_ends_as_declared_and_nothing_is_left() {
    let (mut total, mut faults) = (BTreeMap::<&str, usize>::new(), Vec::new());
    for seed in seeds() {
        let (tally, found) = run(seed);
        faults.extend(found);
        tally.into_iter().for_each(|(what, count)| *total.entry(what).or_default() += count);
    }
    println!("seeds {:?}: {total:#?}", seeds());
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    if number("OFFHOOK_SEED").is_some() {
        return;
    }
    for what in [
        "answered",
        "redirected",
        "dead",
        "frozen",
        "late",
        "wrong",
        "twice",
        "gone",
        "leased",
        "granted",
        "holder lost",
        "decided",
        "dropped",
        "not-attached",
        "stale_token",
        "too_late",
        "already_decided",
        "unbridge",
        "release",
    ] {
        assert!(total.contains_key(what), "never happened: {what} of {total:#?}");
    }
}
