//! Callbacks through the whole switchboard: a flow promises, an agent is called, then the customer; also over a restart.

use crate::dialogue::peer::{Peer, Words, header, method, status};
use crate::world::Running;
use crate::world::setup;
use offhook::base::machine::Machine;
use offhook::base::now::Now;
use offhook::domain::queue::callback::Callback;
use offhook::domain::queue::interface::{AgentCommand, By, QueueInput};
use offhook::domain::queue::settings::Status;
use offhook::domain::switchboard::interface::SwitchboardInput;
use std::time::{Duration, Instant, SystemTime};

pub const FILES: &[(&str, &str)] = &[
    ("offhook.toml", ""),
    ("sip-profiles/sim.toml", include_str!("world/profile.toml")),
    (
        "dialplans/sim.toml",
        r#"
[[rule]]
name = "later"
number = "+815012345678"
to = ["flow:later"]

[[rule]]
name = "customer"
number = "+81501230*"
to = ["trunk:carrier-1"]

[[rule]]
name = "agents"
number = "+8190*"
to = ["trunk:carrier-2"]

[[queue]]
name = "orders"
caller_id = "+815099990000"
outbound_whisper = "secure"

[[routing_profile]]
name = "all"

[[routing_profile.queue]]
name = "orders"

[[agent]]
name = "ann"
routing_profile = "all"
number = "+819012345678"
status = "available"
wrap_up = "5s"
"#,
    ),
    (
        "dialplans/flows/later.toml",
        r#"
[flow]
kind = "inbound"
start = "take"
on.error = "bye"

[step.take]
do = "answer"
next = "whom"

[step.whom]
do = "set-callback-number"
number = "+815012300001"
next = "note"
on.invalid_number = "bye"
on.not_dialable = "bye"

[step.note]
do = "set-attributes"
attributes = { order = "100" }
next = "choose"

[step.choose]
do = "set-queue"
queue = "orders"
next = "call-back"

[step.call-back]
do = "callback"
delay = "10s"
retries = 1
gap = "10m"
next = "bye"

[step.bye]
do = "hang-up"
"#,
    ),
    (
        "dialplans/flows/secure.toml",
        r#"
[flow]
kind = "outbound-whisper"
start = "card"
on.error = "done"

[step.card]
do = "check"
what = "$.Attributes.order"
when = [{ equals = "card", to = "apart" }]
on.no_match = "done"

[step.apart]
do = "hold"
who = "agent"
next = "ask"

[step.ask]
do = "play"
sounds = [{ tone = "beep" }]
next = "together"

[step.together]
do = "hold"
who = "nobody"
next = "thanks"

[step.thanks]
do = "play"
sounds = [{ tone = "beep" }]
next = "leave"

[step.leave]
do = "hold"
who = "customer"
next = "wait"

[step.wait]
do = "play"
sounds = [{ tone = "beep" }]
next = "done"

[step.done]
do = "end"
"#,
    ),
    (
        "dialplans/flows/default-agent-hold.toml",
        r#"
[flow]
kind = "agent-hold"
start = "beeps"
on.error = "held"

[step.beeps]
do = "loop-prompts"
sounds = [{ tone = "beep" }]

[step.held]
do = "end"
"#,
    ),
];

struct Scene {
    now: Now,
    exchange: Running,
    peers: Vec<Peer>,
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

impl Scene {
    fn new() -> Scene {
        let now = Now { instant: Instant::now(), wall: SystemTime::UNIX_EPOCH + setup::EPOCH };
        Scene::at(now)
    }

    fn at(now: Now) -> Scene {
        Scene::with(now, FILES)
    }

    fn with(now: Now, files: &[(&str, &str)]) -> Scene {
        let peers = vec![
            Peer::new("caller", "10.1.0.8:5060"),
            Peer::new("customer", "10.2.0.2:5060"),
            Peer::new("agent", "10.2.0.3:5060"),
        ];
        Scene { now, exchange: Running::new(setup::read_files("callbacks", files), 7, now), peers }
    }

    /// The daemon ends with everything that it holds; another one begins with what was written down.
    fn restarted(self) -> Scene {
        let owed: Vec<Callback> = self.exchange.owed.values().cloned().collect();
        let mut scene = Scene::at(self.now);
        let restore = QueueInput::Restore { callbacks: owed, next: 2 };
        scene.exchange.switchboard.handle_input(scene.now, SwitchboardInput::Queue(Box::new(restore)));
        scene.exchange.wake(scene.now);
        scene.collect();
        scene
    }

    fn peer(&mut self, name: &str) -> &mut Peer {
        self.peers.iter_mut().find(|peer| peer.name == name).expect("a party")
    }

    fn send(&mut self, name: &str, text: &str) {
        let from = self.peer(name).address;
        self.exchange.receive(self.now, from, text.as_bytes());
        self.collect();
    }

    fn collect(&mut self) {
        for datagram in std::mem::take(&mut self.exchange.out) {
            let text = String::from_utf8(datagram.bytes).expect("SIP is text here");
            let peer = self.peers.iter_mut().find(|peer| peer.address == datagram.to).expect("a party");
            peer.inbox.push_back(text);
        }
    }

    fn request(&mut self, name: &str, what: &str, body: Option<&str>) {
        let words = Words { body: body.map(str::to_owned), ..Words::default() };
        let text = self.peer(name).request(what, &words);
        self.send(name, &text);
    }

    fn answer(&mut self, name: &str, code: u16, to: &str, body: Option<&str>) {
        let words = Words { body: body.map(str::to_owned), to: Some(to.to_owned()), ..Words::default() };
        let text = self.peer(name).answer(code, &words);
        self.send(name, &text);
    }

    /// The next message to a party is this.
    fn hears(&mut self, name: &str, what: &str) -> String {
        let message = self.peer(name).take().unwrap_or_else(|| panic!("{name} hears nothing, not {what}"));
        let told = status(&message).map_or_else(|| method(&message).to_owned(), |status| status.to_string());
        assert_eq!(told, what, "{name} hears\n{message}");
        message
    }

    fn hears_nothing(&mut self, name: &str) {
        let message = self.peer(name).take();
        assert!(message.is_none(), "{name} hears\n{}", message.unwrap_or_default());
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now.instant + time;
        while let Some(due) = self.exchange.deadline().filter(|due| *due <= end) {
            self.now = self.now.after(due.saturating_duration_since(self.now.instant));
            self.exchange.wake(self.now);
            self.collect();
        }
        self.now = self.now.after(end.saturating_duration_since(self.now.instant));
    }

    /// Somebody calls and is promised to be called back.
    fn promised() -> Scene {
        Scene::new().promise()
    }

    fn promise(self) -> Scene {
        let mut scene = self;
        scene.request("caller", "INVITE", Some("offer"));
        scene.hears("caller", "100");
        scene.hears("caller", "200");
        scene.request("caller", "ACK", None);
        scene.hears("caller", "BYE");
        scene.answer("caller", 200, "BYE", None);
        assert_eq!(scene.exchange.owed.len(), 1, "the promise is written down");
        scene
    }

    /// The promise's time has come, and the agent has taken the call.
    fn agent_takes(&mut self, after: Duration) {
        self.pass(after);
        let invite = self.hears("agent", "INVITE");
        let from = header(&invite, "From").expect("From");
        assert!(from.contains("+815012300001"), "the agent sees whom he is to speak with: {from}");
        self.hears_nothing("customer");
        self.answer("agent", 200, "INVITE", Some("answer"));
        self.hears("agent", "ACK");
    }

    fn agent_is_free(&mut self) {
        let (now, status) = (self.now, AgentCommand::Status(Status::Available));
        self.exchange.switchboard.handle_agent(now, "ann", status, By::Supervisor).expect("a status");
        self.exchange.wake(now);
        self.collect();
    }

    fn ends(&mut self, why: &str) {
        self.pass(seconds(120));
        assert!(self.exchange.owed.is_empty());
        assert_eq!(self.exchange.callbacks_over.iter().map(|(_, why)| *why).collect::<Vec<_>>(), [why]);
        let left = self.exchange.leftovers();
        let left: Vec<_> = left.iter().filter(|left| !left.contains("waits for something")).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn the_agent_is_called_first_and_then_the_customer_with_the_queues_number() {
    let mut scene = Scene::promised();
    scene.pass(seconds(9));
    scene.hears_nothing("agent");
    scene.agent_takes(seconds(1));
    let invite = scene.hears("customer", "INVITE");
    let from = header(&invite, "From").expect("From");
    assert!(from.contains("+815099990000"), "the customer sees the queue: {from}");
    scene.answer("customer", 180, "INVITE", None);
    scene.answer("customer", 200, "INVITE", Some("answer"));
    scene.hears("customer", "ACK");
    assert!(scene.exchange.owed.is_empty(), "who was reached is owed nothing");
    scene.request("customer", "BYE", None);
    scene.hears("customer", "200");
    scene.hears("agent", "BYE");
    scene.answer("agent", 200, "BYE", None);
    let [first, second] = &scene.exchange.records[..] else { panic!("two calls, two records") };
    let callback = second.callback.as_ref().expect("it keeps a promise");
    assert_eq!((&*callback.name, callback.promised_in), ("cb-1", first.call));
    assert_eq!((&*second.dialled, second.legs.len()), ("+815012300001", 2));
    assert!(second.noted.iter().any(|(name, value)| (&**name, &**value) == ("order", "100")), "{:?}", second.noted);
    scene.ends("reached");
}

#[test]
fn one_retry_is_two_dials_and_only_after_ringing_without_an_answer() {
    let mut scene = Scene::promised();
    for gap in [10, 600] {
        scene.agent_takes(seconds(gap));
        scene.hears("customer", "INVITE");
        scene.answer("customer", 180, "INVITE", None);
        scene.pass(seconds(20));
        scene.hears("customer", "CANCEL");
        scene.answer("customer", 200, "CANCEL", None);
        scene.answer("customer", 487, "INVITE", None);
        scene.hears("customer", "ACK");
        scene.hears("agent", "BYE");
        scene.answer("agent", 200, "BYE", None);
    }
    scene.ends("nobody-answered");
}

#[test]
fn a_customer_who_is_busy_is_not_called_again() {
    let mut scene = Scene::promised();
    scene.agent_takes(seconds(10));
    scene.hears("customer", "INVITE");
    scene.answer("customer", 486, "INVITE", None);
    scene.hears("customer", "ACK");
    scene.hears("agent", "BYE");
    scene.answer("agent", 200, "BYE", None);
    scene.ends("busy");
}

#[test]
fn an_agent_who_declines_costs_no_dial() {
    let mut scene = Scene::promised();
    scene.pass(seconds(10));
    scene.hears("agent", "INVITE");
    scene.answer("agent", 486, "INVITE", None);
    scene.hears("agent", "ACK");
    scene.hears_nothing("customer");
    assert_eq!(scene.exchange.owed.values().map(|owed| owed.attempts).collect::<Vec<_>>(), [0]);
    scene.agent_is_free();
    scene.agent_takes(Duration::ZERO);
    scene.hears("customer", "INVITE");
    scene.answer("customer", 200, "INVITE", Some("answer"));
    scene.hears("customer", "ACK");
    scene.request("customer", "BYE", None);
    scene.hears("agent", "BYE");
    scene.answer("agent", 200, "BYE", None);
    scene.ends("reached");
}

#[test]
fn an_agent_who_hangs_up_while_it_rings_takes_the_call_away_from_the_customer() {
    let mut scene = Scene::promised();
    scene.agent_takes(seconds(10));
    scene.hears("customer", "INVITE");
    scene.answer("customer", 180, "INVITE", None);
    scene.request("agent", "BYE", None);
    scene.hears("agent", "200");
    scene.hears("customer", "CANCEL");
    scene.answer("customer", 200, "CANCEL", None);
    scene.answer("customer", 487, "INVITE", None);
    scene.hears("customer", "ACK");
    let owed = scene.exchange.owed.values().next().expect("still owed");
    assert_eq!(owed.attempts, 1, "it counts as a dial");
}

#[test]
fn a_restart_brings_a_waiting_callback_back_in_its_place() {
    let scene = Scene::promised();
    let before = scene.exchange.owed.values().next().expect("owed").clone();
    let mut scene = scene.restarted();
    assert_eq!(scene.exchange.switchboard.queues().callbacks().collect::<Vec<_>>(), [&before]);
    scene.agent_takes(seconds(10));
    scene.hears("customer", "INVITE");
    let scene = scene.restarted();
    let after = scene.exchange.owed.values().next().expect("one dial is left");
    assert_eq!((after.started, after.attempts), (before.started, 1), "the dial that was cut off counts");
}

/// Plays what is played to its end, and says who heard what until then.
fn hears_until_the_end(scene: &mut Scene) -> String {
    let ears = scene.exchange.media.ears();
    scene.exchange.play_to_its_end(scene.now);
    scene.collect();
    ears
}

#[test]
fn a_flow_holds_the_agent_while_the_customer_keys_a_card_and_brings_the_two_together_again() {
    let files: Vec<(&str, String)> =
        FILES.iter().map(|(name, text)| (*name, text.replace("order = \"100\"", "order = \"card\""))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let now = Now { instant: Instant::now(), wall: SystemTime::UNIX_EPOCH + setup::EPOCH };
    let mut scene = Scene::with(now, &files).promise();
    scene.agent_takes(seconds(10));
    scene.hears("customer", "INVITE");
    scene.answer("customer", 200, "INVITE", Some("answer"));
    scene.hears("customer", "ACK");
    // Leg 1 is the agent, leg 2 the customer; each hears something of its own.
    assert_eq!(hears_until_the_end(&mut scene), "2<* 1<*", "apart");
    assert_eq!(hears_until_the_end(&mut scene), "2<* 1<* 2<1 1<2", "together, with what is played");
    assert_eq!(hears_until_the_end(&mut scene), "1<*", "the agent alone hears the flow");
    assert_eq!(scene.exchange.media.ears(), "2<1 1<2", "joined");
    scene.request("agent", "BYE", None);
    scene.hears("agent", "200");
    scene.hears("customer", "BYE");
    scene.answer("customer", 200, "BYE", None);
    scene.ends("reached");
}
