//! One call and the parties around it: carries bytes between them, answers its questions, moves the clock.

use super::audio::Audio;
use super::flow::Floor;
use super::peer::{Peer, method, status};
use super::queue;
use offhook::base::cause::Cause;
use offhook::base::entropy::Entropy;
use offhook::base::id::{CallId, LegId};
use offhook::base::machine::Machine;
use offhook::base::now::{Now, earliest};
use offhook::base::secret::Secret;
use offhook::domain::call::Call;
use offhook::domain::call::interface::{
    Beginning, CallInput, CallOutput, CallStart, Dial, Handover, Led, NameToResolve, Party, Place, Profiles, Refused,
    Stage,
};
use offhook::domain::contact::Record;
use offhook::domain::phone::settings::Phone;
use offhook::domain::profile::{Listener, Profile, ReliablePolicy, SessionTimerPolicy, Timers};
use offhook::domain::switchboard::owner::{self, Owner};
use offhook::domain::trunk::identity::{Dialled, Identity};
use offhook::domain::trunk::media::MediaSettings;
use offhook::domain::trunk::settings::*;
use offhook::protocol::sip::message::{Message, Method};
use offhook::protocol::sip::path::{ListenerId, Outgoing, Path, Target, Transport};
use offhook::protocol::sip::stamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// A call and what it has left.
struct Running {
    call: Call,
    /// Who began it.
    caller: String,
    record: Option<Record>,
    is_finished: bool,
}

/// What a call asks and is answered at once.
type Asked = (CallId, CallInput);

pub struct World {
    now: Now,
    /// The one that the first INVITE began, and a second one beside it.
    calls: Vec<Running>,
    /// Who has a leg that began in another call.
    heirs: BTreeMap<CallId, CallId>,
    peers: Vec<Peer>,
    seats: i32,
    pub ladder: Vec<String>,
    // What is set before the INVITE.
    phones: Vec<String>,
    stages: Vec<(Vec<String>, Duration)>,
    reliable: ReliablePolicy,
    session: SessionTimerPolicy,
    credentials: bool,
    max_duration: Duration,
    routes: Vec<String>,
    /// Whom the second call calls, and who is the same party as somebody else.
    second: Vec<String>,
    same: Vec<(String, String)>,
    refusal: Option<Cause>,
    /// The callee is a name with these places behind it.
    places: Vec<String>,
    /// Where names in Contact and Record-Route lead, each time that one is asked for.
    hops: Vec<String>,
    has_tcp: bool,
    replaces: bool,
    trusted: bool,
    private: bool,
    last_token: BTreeMap<String, u32>,
    /// What a daemon's calls share: configuration is not a call's own.
    shared: Vec<(String, Party)>,
    profiles: Arc<Profiles>,
    pub audio: Audio,
    pub floor: Floor,
}

impl World {
    pub fn new() -> World {
        let peers = vec![
            Peer::new("caller", "192.0.2.1:5060"),
            Peer::new("callee", "198.51.100.1:5060"),
            Peer::new("callee2", "198.51.100.2:5060"),
            Peer::new("callee3", "198.51.100.3:5060"),
            Peer::new("caller2", "192.0.2.2:5060"),
        ];
        World {
            now: Now { instant: Instant::now(), wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000) },
            calls: Vec::new(),
            heirs: BTreeMap::new(),
            peers,
            seats: 0,
            ladder: Vec::new(),
            phones: Vec::new(),
            stages: vec![(vec!["callee".into()], Duration::from_secs(60))],
            reliable: ReliablePolicy::Supported,
            session: SessionTimerPolicy {
                enabled: false,
                expires: Duration::from_secs(1800),
                min: Duration::from_secs(90),
            },
            credentials: false,
            max_duration: Duration::from_secs(7200),
            routes: Vec::new(),
            second: Vec::new(),
            same: Vec::new(),
            refusal: None,
            places: Vec::new(),
            hops: Vec::new(),
            has_tcp: false,
            replaces: false,
            trusted: false,
            private: false,
            last_token: BTreeMap::new(),
            shared: Vec::new(),
            profiles: Arc::default(),
            audio: Audio::default(),
            floor: Floor::default(),
        }
    }

    /// Another call under the same configuration.
    pub fn beside(other: &World) -> World {
        World { shared: other.shared.clone(), profiles: Arc::clone(&other.profiles), ..World::new() }
    }

    pub fn share(&mut self) {
        if self.shared.is_empty() {
            self.profiles = Arc::new(self.profiles());
            self.shared = self.peers.iter().map(|peer| (peer.name.clone(), self.party(&peer.name))).collect();
        }
    }

    pub fn peer(&mut self, name: &str) -> &mut Peer {
        self.peers.iter_mut().find(|peer| peer.name == name).unwrap_or_else(|| panic!("no party named {name}"))
    }

    pub fn set(&mut self, words: &[&str]) -> Result<(), String> {
        match words {
            ["phone", name] => self.phones.push((*name).into()),
            ["stages", stages @ ..] => {
                let one = |stage: &&str| (stage.split('+').map(String::from).collect(), Duration::from_secs(30));
                self.stages = stages.iter().map(one).collect();
            }
            ["reliable", "off"] => self.reliable = ReliablePolicy::Off,
            ["session-timer", seconds] => {
                self.session.enabled = true;
                self.session.expires = Duration::from_secs(seconds.parse().map_err(|_| "seconds")?);
            }
            ["credentials"] => self.credentials = true,
            ["max-duration", time] => self.max_duration = super::duration(time),
            ["refused", cause] => self.refusal = Cause::all().find(|known| known.name() == *cause),
            ["places", names @ ..] => self.places = names.iter().map(|name| (*name).to_owned()).collect(),
            ["hops", names @ ..] => self.hops = names.iter().map(|name| (*name).to_owned()).collect(),
            ["relay" | "dtmf" | "full" | "silence-ends", ..] => self.audio.set(words)?,
            ["tcp"] => self.has_tcp = true,
            ["replaces"] => self.replaces = true,
            ["second", name] => self.second = vec![(*name).to_owned()],
            ["same", one, other] => self.same.push(((*one).to_owned(), (*other).to_owned())),
            ["trusted"] => self.trusted = true,
            ["private"] => self.private = true,
            ["route", names @ ..] => self.routes = names.iter().map(|name| (*name).to_owned()).collect(),
            _ => return Err("no such setting".into()),
        }
        Ok(())
    }

    pub fn send(&mut self, name: &str, text: &str) {
        let remote = self.peer(name).address;
        self.note(name, text, "->");
        let message = Box::new(Message::parse(text.as_bytes()).expect("what parties write is SIP"));
        let from = Path { transport: Transport::Udp, listener: ListenerId(0), remote, connection: None };
        match self.owner(name, &message) {
            None => {
                self.share();
                let start = self.start(name, from, message);
                let running =
                    Running { call: Call::new(start), caller: name.to_owned(), record: None, is_finished: false };
                self.calls.push(running);
            }
            Some(id) => self.hand_in(id, CallInput::Sip { from, message }),
        }
        self.drain();
    }

    pub fn repeat(&mut self, name: &str) {
        let text = self.peer(name).last_sent.clone();
        self.send(name, &text);
    }

    pub fn hang_up(&mut self, cause: &str) -> Result<(), String> {
        let cause = Cause::all().find(|known| known.name() == cause).ok_or("no such cause")?;
        self.tell(CallInput::HangUp { cause });
        Ok(())
    }

    /// What was last sent to a party could not be delivered.
    pub fn undeliverable(&mut self, name: &str) -> Result<(), String> {
        let token = *self.last_token.get(name).ok_or("nothing was sent")?;
        self.tell(CallInput::Undeliverable { token });
        Ok(())
    }

    /// To the first call.
    pub fn tell(&mut self, input: CallInput) {
        if let Some(id) = self.calls.first().map(|running| running.call.id()) {
            self.hand_in(id, input);
        }
        self.drain();
    }

    fn hand_in(&mut self, id: CallId, input: CallInput) {
        if let Some(running) = self.calls.iter_mut().find(|running| running.call.id() == id) {
            running.call.handle_input(self.now, input);
        }
    }

    /// Whose a message is, by what we have issued; without that, of the call that its sender began.
    fn owner(&self, name: &str, message: &Message) -> Option<CallId> {
        let begun = self.calls.iter().find(|running| running.caller == name).map(|running| running.call.id());
        let found = match owner::owner(message) {
            Owner::Call(call) => Some(call),
            Owner::InviteKey(_) | Owner::Switchboard => match begun {
                None if message.method() != Method::Invite => self.calls.first().map(|running| running.call.id()),
                begun => begun,
            },
        };
        let is_over = |call| self.calls.iter().any(|running| running.call.id() == call && running.is_finished);
        found.map(|call| self.heirs.get(&call).filter(|_| is_over(call)).copied().unwrap_or(call))
    }

    /// How a Replaces header names the dialog of a party of ours.
    pub fn replaces(&self, name: &str) -> String {
        let peer = self.peers.iter().find(|peer| peer.name == name).expect("a party");
        peer.replaces()
    }

    pub fn pass(&mut self, time: Duration) {
        let end = self.now.instant + time;
        for _ in 0..100_000 {
            let due = self.calls.iter().filter_map(|running| running.call.deadline()).min();
            let due = earliest(due, queue::deadline(self.floor.queues.as_ref()));
            let Some(due) = due.filter(|due| *due <= end) else { break };
            let step = due.saturating_duration_since(self.now.instant);
            self.now = self.now.after(step);
            queue::handle_deadline(self.floor.queues.as_mut(), self.now);
            for running in &mut self.calls {
                if running.call.deadline().is_some_and(|own| own <= self.now.instant) {
                    running.call.handle_deadline(self.now);
                }
            }
            self.drain();
        }
        self.now = self.now.after(end.saturating_duration_since(self.now.instant));
    }

    fn note(&mut self, name: &str, text: &str, arrow: &str) {
        let what = match status(text) {
            Some(status) => format!("{status} ({})", method(text)),
            None => method(text).to_owned(),
        };
        let line = if arrow == "->" { format!("{name} -> {what}") } else { format!("      offhook -> {name}: {what}") };
        self.ladder.push(line);
    }

    fn drain(&mut self) {
        while let Some((id, input)) = self.next_question() {
            self.hand_in(id, input);
        }
    }

    /// Works off outputs until one of them has to be answered.
    fn next_question(&mut self) -> Option<Asked> {
        if let Some(asked) = self.next_of_queue() {
            return Some(asked);
        }
        for at in 0..self.calls.len() {
            while let Some(output) = self.calls[at].call.poll_output() {
                assert!(!self.calls[at].is_finished, "an output after the last one: {output:?}");
                let id = self.calls[at].call.id();
                match output {
                    CallOutput::Record(record) => {
                        assert!(self.calls[at].record.replace(*record).is_none(), "two records");
                    }
                    CallOutput::Finished => self.calls[at].is_finished = true,
                    CallOutput::Send(outgoing) => self.deliver(outgoing),
                    CallOutput::Release { .. } => self.seats -= 1,
                    CallOutput::Event(_) => {}
                    CallOutput::Queue(input) => {
                        if let Some(queues) = &mut self.floor.queues {
                            queues.handle_input(self.now, *input);
                        }
                        if let Some(asked) = self.next_of_queue() {
                            return Some(asked);
                        }
                    }
                    CallOutput::Media(command) => {
                        if let Some(event) = self.audio.plane.take(command) {
                            return Some((id, CallInput::Media(Box::new(event))));
                        }
                    }
                    wish @ (CallOutput::Fetch { .. }
                    | CallOutput::CancelFetch { .. }
                    | CallOutput::Speak { .. }
                    | CallOutput::Ask { .. }
                    | CallOutput::Encrypt { .. }
                    | CallOutput::Tape { .. }
                    | CallOutput::FlowLog(_)) => {
                        if let Some(answer) = self.floor.take(wish) {
                            return Some((id, answer));
                        }
                    }
                    word @ (CallOutput::AskEngine(_)
                    | CallOutput::EngineAsked(_)
                    | CallOutput::Reply { .. }
                    | CallOutput::ToHolder { .. }) => {
                        if let Some(answer) = self.floor.desk.take(word) {
                            return Some((id, answer));
                        }
                    }
                    question => return Some(self.answer_of(id, question)),
                }
            }
        }
        None
    }

    fn deliver(&mut self, outgoing: Outgoing) {
        let text = String::from_utf8(outgoing.bytes.to_vec()).expect("SIP is text here");
        let remote = outgoing.target.path.remote;
        let name = self.peers.iter().find(|peer| peer.address == remote).map(|peer| peer.name.clone());
        let name = name.unwrap_or_else(|| panic!("something was sent to {remote}:\n{text}"));
        self.note(&name, &text, "");
        self.last_token.insert(name.clone(), outgoing.token);
        self.peer(&name).inbox.push_back(text);
    }

    /// What the switchboard or the resolver would say.
    fn answer_of(&mut self, id: CallId, question: CallOutput) -> Asked {
        match question {
            CallOutput::Seize { leg, .. } => {
                self.seats += 1;
                (id, CallInput::Seized { leg, outcome: Ok(()) })
            }
            CallOutput::Route { leg, .. } => {
                let outcome = match self.routes.is_empty() {
                    true => Err(Refused { cause: Cause::NumberUnknown, retry_after: None, words: "no rule".into() }),
                    false => {
                        let name = self.routes.remove(0);
                        let dialled = || self.stage(std::slice::from_ref(&name), Duration::from_secs(30));
                        let led = self.floor.led(&name);
                        Ok(led.unwrap_or_else(|| Led { stages: vec![dialled()], script: None }))
                    }
                };
                (id, CallInput::Routed { leg, outcome })
            }
            CallOutput::Resolve { leg, name } => {
                let names = if &*name.host == "carrier.example" { &self.places } else { &self.hops };
                let targets = names.iter().map(|name| self.target(name)).collect();
                (id, CallInput::Resolved { leg, targets })
            }
            CallOutput::Handover { to, word } => {
                if self.calls.iter().any(|running| running.call.id() == to && !running.is_finished) {
                    if let Handover::Leg(handed) = &word
                        && let Some((origin, _)) = handed.leg.tag().and_then(stamp::tag_owner)
                    {
                        self.heirs.insert(origin, to);
                        // The caller's own place goes along, which nobody had to ask for.
                        self.seats += i32::from(handed.leg.id() == LegId::CALLER);
                    }
                    return (to, CallInput::Handover { from: id, word });
                }
                (id, CallInput::Handover { from: to, word: Handover::Refuse(481) })
            }
            CallOutput::Forward { to, from, message } => (to, CallInput::Sip { from, message }),
            other => panic!("not a question: {other:?}"),
        }
    }

    pub fn expect_quiet(&mut self) -> Result<(), String> {
        match self.peers.iter().find_map(|peer| peer.inbox.front()) {
            None => Ok(()),
            Some(message) => Err(format!("but this was sent:\n{message}")),
        }
    }

    /// `ended CALLER <cause> [fault] [status]`: the record of the call that this party began says so.
    pub fn expect_ended(&self, caller: &str, words: &[&str]) -> Result<(), String> {
        let running = self.calls.iter().find(|running| running.caller == caller).ok_or("no such call")?;
        let record = running.record.as_ref().ok_or("there is no record yet")?;
        let said =
            [record.cause.name().to_owned(), record.fault.name().to_owned(), record.status.unwrap_or(0).to_string()];
        for (said, wanted) in said.iter().zip(words) {
            if said != wanted {
                return Err(format!("the record says {said:?}, not {wanted:?}; trail: {:#?}", record.trail));
            }
        }
        Ok(())
    }

    /// `end <cause> [fault] [status]`: the record says so, and after a while nothing is left of any call.
    pub fn expect_end(&mut self, words: &[&str]) -> Result<(), String> {
        let caller = self.calls.first().map(|running| running.caller.clone()).unwrap_or_default();
        self.expect_ended(&caller, words)?;
        self.expect_quiet()?;
        self.pass(Duration::from_secs(64));
        for peer in &mut self.peers {
            peer.inbox.clear();
        }
        if !self.is_finished() {
            return Err("64 seconds later something is left".into());
        }
        if let Some(fault) = self.audio.plane.leftovers().first() {
            return Err(fault.clone());
        }
        if self.seats != 0 {
            return Err(format!("{} places were not given back", self.seats));
        }
        Ok(())
    }

    pub fn expect_trail(&mut self, words: &str) -> Result<(), String> {
        let records = self.calls.iter().filter_map(|running| running.record.as_ref());
        let trail: Vec<Box<str>> = records.flat_map(|record| record.trail.clone()).collect();
        let found = trail.iter().any(|line| line.contains(words));
        found.then_some(()).ok_or_else(|| format!("the trail is {trail:#?}"))
    }

    pub fn check_nothing_unsaid(&self) {
        assert!(self.is_finished(), "the dialogue has no `end`");
    }

    fn is_finished(&self) -> bool {
        !self.calls.is_empty() && self.calls.iter().all(|running| running.is_finished && running.record.is_some())
    }

    // ---- what the call is started with

    fn start(&self, caller: &str, from: Path, invite: Box<Message>) -> CallStart {
        let second = [(self.second.clone(), Duration::from_secs(60))];
        let stages = if self.calls.is_empty() { &self.stages[..] } else { &second[..] };
        let stages = if self.floor.is_first() { &[] } else { stages };
        let route = stages
            .iter()
            .filter(|(names, _)| !names.is_empty())
            .map(|(names, time)| self.stage(names, *time))
            .collect();
        CallStart {
            id: CallId(0x00ab_cdef + self.calls.len() as u64),
            entropy: Entropy::from_number(7 + self.calls.len() as u64),
            now: self.now,
            beginning: Beginning::Invite { message: invite, from },
            caller: self.shared_party(caller),
            profiles: Arc::clone(&self.profiles),
            dialled: Dialled { digits: "+815012345678".into(), e164: None },
            identity: Identity {
                number: "+819011112222".into(),
                e164: None,
                display: "Caller".into(),
                private: self.private,
            },
            attributes: Default::default(),
            route,
            script: self.floor.script(),
            refusal: self.refusal.map(|cause| Refused { cause, retry_after: Some(7), words: "no place".into() }),
            emergency: false,
            max_duration: self.max_duration,
            trail: Vec::new(),
        }
    }

    pub fn now(&self) -> Now {
        self.now
    }

    pub fn stage(&self, names: &[String], ring_timeout: Duration) -> Stage {
        Stage { dials: names.iter().map(|name| self.dial(name)).collect(), ring_timeout }
    }

    fn dial(&self, name: &str) -> Dial {
        let target = self.target(name);
        let remote = target.path.remote;
        let carrier = NameToResolve {
            host: "carrier.example".into(),
            port: None,
            transport: None,
            listener: ListenerId(0),
            tls_name: None,
        };
        let place = if self.places.is_empty() { Place::At(target) } else { Place::Name(carrier) };
        Dial {
            party: self.shared_party(name),
            uri: format!("sip:+815012345678@{remote}").into(),
            number: "+815012345678".into(),
            routes: Vec::new(),
            place,
            target_index: 0,
            shown: None,
            seized: false,
        }
    }

    fn target(&self, name: &str) -> Target {
        let remote = self.peers.iter().find(|peer| peer.name == name).expect("a party").address;
        Target {
            path: Path { transport: Transport::Udp, listener: ListenerId(0), remote, connection: None },
            tls_name: None,
        }
    }

    fn shared_party(&self, name: &str) -> Party {
        self.shared.iter().find(|(own, _)| own == name).expect("a party").1.clone()
    }

    /// The call as it stands, taken out of its world.
    pub fn take_call(&mut self) -> Call {
        self.calls.remove(0).call
    }

    fn party(&self, name: &str) -> Party {
        let name = self.same.iter().find(|(_, other)| other == name).map_or(name, |(one, _)| one.as_str());
        let credentials = Credentials { user: "us".into(), password: Secret::new("pw"), realm: "".into() };
        if self.phones.iter().any(|phone| phone == name) {
            return Party::Phone(Arc::new(Phone { media: self.audio.settings(name), ..phone(name, credentials) }));
        }
        let outbound_digest = self.credentials.then_some(credentials);
        Party::Trunk(Arc::new(Trunk {
            outbound_digest,
            trusted: self.trusted,
            large_by_tcp: self.has_tcp,
            replaces: self.replaces,
            headers: HeaderRules { pass_in: vec!["X-Pass".into()], ..HeaderRules::default() },
            media: self.audio.settings(name),
            ..trunk(name)
        }))
    }

    fn profiles(&self) -> Profiles {
        let listener = Listener {
            id: ListenerId(0),
            transport: Transport::Udp,
            bind: "10.0.0.1:5060".parse().expect("an address"),
            advertised_host: "10.0.0.1".into(),
            advertised_port: 5060,
            tls: None,
            origins: Vec::new(),
        };
        let tcp = Listener { id: ListenerId(1), transport: Transport::Tcp, ..listener.clone() };
        let listeners = if self.has_tcp { vec![listener, tcp] } else { vec![listener] };
        let numbers = (0..listeners.len()).map(|at| (0, u16::try_from(at).expect("few"))).collect();
        let profile = Profile {
            name: "test".into(),
            listeners,
            realm: "offhook".into(),
            product: "Offhook".into(),
            timers: Timers::default(),
            session_timer: self.session,
            reliable: self.reliable,
            digest: offhook::domain::profile::DigestPolicy::Both,
            media_bind: None,
            media_address: None,
        };
        Profiles { profiles: vec![Arc::new(profile)], listeners: numbers }
    }
}

fn numbers() -> NumberRules {
    NumberRules {
        country: "81".into(),
        national_prefix: "0".into(),
        international_prefix: "010".into(),
        tech_prefix_in: "".into(),
        tech_prefix_out: "".into(),
        format_out: NumberFormat::E164,
    }
}

fn phone(name: &str, digest: Credentials) -> Phone {
    Phone {
        name: name.into(),
        profile: "test".into(),
        digest,
        display: "".into(),
        caller_number: "".into(),
        numbers: numbers(),
        contacts_max: 1,
        expires_min: Duration::from_secs(60),
        expires_max: Duration::from_secs(3600),
        codecs: Vec::new(),
        srtp: SrtpPolicy::Plain,
        media: MediaSettings::passing(),
        calls_max: 0,
        max_duration: Duration::from_secs(7200),
    }
}

fn trunk(name: &str) -> Trunk {
    Trunk {
        name: name.into(),
        profile: "test".into(),
        networks: Vec::new(),
        tls_names: Vec::new(),
        tls_authorities: None,
        inbound_digest: None,
        targets: Vec::new(),
        outbound_digest: None,
        registration: None,
        limits: TrunkLimits { calls_max: 0, calls_per_second: 0.0, burst: 0.0 },
        health: HealthPolicy { options_every: Duration::ZERO, failures_max: 2, retry_every: Duration::from_secs(30) },
        failover: FailoverPolicy { codes: vec![503], no_response: Duration::from_secs(3) },
        numbers: numbers(),
        headers: HeaderRules::default(),
        codecs: Vec::new(),
        trusted: false,
        srtp: SrtpPolicy::Plain,
        media: MediaSettings::passing(),
        large_by_tcp: false,
        replaces: false,
        ring_timeout: Duration::from_secs(60),
        max_duration: Duration::from_secs(7200),
    }
}
