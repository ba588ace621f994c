//! The switchboard in virtual time, against carriers and phones written by hand.

mod calls;
mod carriers;
mod numbers;
mod phones;
mod strangers;

use crate::base::entropy::Entropy;
use crate::base::machine::Machine;
use crate::base::now::Now;
use crate::base::secret::Secret;
use crate::domain::call::interface::{CallInput, CallStart, Profiles};
use crate::domain::dialplan::{Destination, Dialplan, Emergency, Group, Pattern, Rule, TrunkGroup, TrunkMember};
use crate::domain::phone::settings::Phone;
use crate::domain::profile::{Listener, Profile, ReliablePolicy, SessionTimerPolicy, Timers};
use crate::domain::switchboard::Switchboard;
use crate::domain::switchboard::interface::{
    Exchange, RefusalReason, SwitchboardEvent, SwitchboardInput as Input, SwitchboardOutput as Output,
};
use crate::domain::trunk::media::MediaSettings;
use crate::domain::trunk::settings::tests::{numbers, target, trunk};
use crate::domain::trunk::settings::{Credentials, Network, SrtpPolicy, Trunk};
use crate::protocol::sip::digest::client::{Challenge, Login};
use crate::protocol::sip::message::{HeaderName, Message};
use crate::protocol::sip::path::{ConnectionId, ListenerId, Path, Transport};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

pub const CARRIER: &str = "192.0.2.1:5060";
pub const OTHER_CARRIER: &str = "198.51.100.1:5060";
pub const ALICE: &str = "203.0.113.10:5062";
pub const SCANNER: &str = "203.0.113.66:5060";
const CARRIERS: ListenerId = ListenerId(0);
const PHONES: ListenerId = ListenerId(1);
const PHONES_TCP: ListenerId = ListenerId(2);

fn listener(id: ListenerId, transport: Transport, port: u16) -> Listener {
    Listener {
        id,
        transport,
        bind: format!("127.0.0.1:{port}").parse().unwrap(),
        advertised_host: "gw.example".into(),
        advertised_port: port,
        tls: None,
        origins: Vec::new(),
    }
}

fn profile(name: &str, listeners: Vec<Listener>) -> Arc<Profile> {
    Arc::new(Profile {
        name: name.into(),
        listeners,
        realm: "example.org".into(),
        product: "".into(),
        timers: Timers::default(),
        session_timer: SessionTimerPolicy {
            enabled: true,
            expires: Duration::from_secs(1_800),
            min: Duration::from_secs(90),
        },
        reliable: ReliablePolicy::Supported,
        digest: crate::domain::profile::DigestPolicy::Both,
        media_bind: None,
        media_address: None,
    })
}

pub fn phone(name: &str) -> Phone {
    Phone {
        name: name.into(),
        profile: "phones".into(),
        digest: Credentials { user: name.into(), password: Secret::new("secret"), realm: "".into() },
        display: "".into(),
        caller_number: "+81311112222".into(),
        numbers: numbers(),
        contacts_max: 2,
        expires_min: Duration::from_secs(60),
        expires_max: Duration::from_secs(3_600),
        codecs: Vec::new(),
        srtp: SrtpPolicy::Plain,
        media: MediaSettings::passing(),
        calls_max: 2,
        max_duration: Duration::from_secs(7_200),
    }
}

fn networked(name: &str, network: &str, hosts: &[&str]) -> Trunk {
    let mut one = trunk(name);
    one.networks = vec![Network { address: network.parse().unwrap(), bits: 24 }];
    one.targets = (1u16..).zip(hosts).map(|(priority, host)| target(host, priority, 1)).collect();
    one
}

fn rule(name: &str, pattern: Pattern, from: &[&str], to: Vec<Destination>) -> Rule {
    let from = from.iter().map(|name| (*name).into()).collect();
    Rule {
        name: name.into(),
        from,
        pattern,
        to,
        countries: Vec::new(),
        kinds: Vec::new(),
        hours: None,
        ring_timeout: None,
    }
}

pub fn exchange() -> Exchange {
    let carriers = profile("carriers", vec![listener(CARRIERS, Transport::Udp, 5060)]);
    let phones = vec![listener(PHONES, Transport::Udp, 5070), listener(PHONES_TCP, Transport::Tcp, 5070)];
    let phones = profile("phones", phones);
    let trunk_of = |name: &str| Destination::Trunk(name.into());
    let phone_of = |name: &str| Destination::Phone(name.into());
    let dialplan = Dialplan {
        rules: vec![
            rule("tokyo", Pattern::Prefix("+813".into()), &[], vec![trunk_of("carrier-b")]),
            rule("alice", Pattern::Exact("alice".into()), &[], vec![phone_of("alice")]),
            rule("bob", Pattern::Exact("bob".into()), &[], vec![phone_of("bob")]),
            rule("team", Pattern::Exact("2000".into()), &[], vec![Destination::Group("team".into())]),
            rule(
                "gone",
                Pattern::Exact("+81399990000".into()),
                &[],
                vec![Destination::Reject(crate::base::cause::Cause::NumberGone)],
            ),
            rule("inside", Pattern::Prefix("7".into()), &["phones"], vec![phone_of("alice")]),
            rule("osaka", Pattern::Prefix("+816".into()), &[], vec![Destination::TrunkGroup("out".into())]),
        ],
        groups: vec![Group {
            name: "team".into(),
            phones: vec!["alice".into(), "bob".into()],
            together: true,
            ring_timeout: Duration::from_secs(20),
        }],
        trunk_groups: vec![TrunkGroup {
            name: "out".into(),
            members: vec![
                TrunkMember { trunk: "carrier-a".into(), priority: 1, weight: 1 },
                TrunkMember { trunk: "carrier-b".into(), priority: 2, weight: 1 },
            ],
            by_price: false,
        }],
        emergency: vec![Emergency { digits: "110".into(), to: vec![trunk_of("carrier-b")] }],
        ..Dialplan::default()
    };
    Exchange {
        profiles: Arc::new(Profiles { profiles: vec![carriers, phones], listeners: vec![(0, 0), (1, 0), (1, 1)] }),
        trunks: vec![
            Arc::new(networked("carrier-a", "192.0.2.0", &["192.0.2.1"])),
            Arc::new(networked("carrier-b", "198.51.100.0", &["198.51.100.1", "198.51.100.2"])),
        ],
        phones: vec![Arc::new(phone("alice")), Arc::new(phone("bob"))],
        dialplan: Arc::new(dialplan),
        ..Exchange::default()
    }
}

/// Changes one trunk of an exchange.
pub fn with_trunk(mut exchange: Exchange, name: &str, change: impl FnOnce(&mut Trunk)) -> Exchange {
    let slot = exchange.trunks.iter_mut().find(|trunk| *trunk.name == *name).unwrap();
    change(Arc::make_mut(slot));
    exchange
}

/// A switchboard, its clock, and what it has put out so far.
pub struct Bench {
    pub board: Switchboard,
    pub now: Now,
    pub outputs: Vec<Output>,
    branches: u32,
}

impl Bench {
    pub fn new(exchange: Exchange) -> Bench {
        let now = Now { instant: Instant::now(), wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000) };
        let board = Switchboard::new(Arc::new(exchange), Entropy::from_number(11), now);
        Bench { board, now, outputs: Vec::new(), branches: 0 }
    }

    pub fn tell(&mut self, input: Input) {
        self.board.handle_input(self.now, input);
        self.drain();
    }

    pub fn explain(&self, number: &str, caller: Option<&str>, from: Option<&str>) -> Vec<String> {
        self.board.explain(self.now, crate::domain::switchboard::DryRun { number, caller, from })
    }

    fn drain(&mut self) {
        while let Some(output) = self.board.poll_output() {
            self.outputs.push(output);
        }
    }

    /// Moves the clock, stopping at each deadline on the way.
    pub fn wait(&mut self, time: Duration) {
        let end = self.now.after(time);
        while let Some(at) = self.board.deadline().filter(|at| *at <= end.instant) {
            self.now = self.now.after(at.saturating_duration_since(self.now.instant));
            self.board.handle_deadline(self.now);
            self.drain();
        }
        self.now = end;
    }

    pub fn path(&self, from: &str) -> Path {
        let remote: std::net::SocketAddr = from.parse().unwrap();
        let listener = if remote.ip().to_string().starts_with("203.0.113.1") { PHONES } else { CARRIERS };
        Path { transport: Transport::Udp, listener, remote, connection: None }
    }

    pub fn tcp_path(&self, from: &str, connection: u64) -> Path {
        Path {
            transport: Transport::Tcp,
            listener: PHONES_TCP,
            remote: from.parse().unwrap(),
            connection: Some(ConnectionId(connection)),
        }
    }

    /// A request text with all that is needed; `more` are further lines.
    pub fn text(&mut self, method: &str, uri: &str, more: &str) -> String {
        self.branches += 1;
        let n = self.branches;
        let to = if more.starts_with("To:") { String::new() } else { format!("To: <{uri}>\r\n") };
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP peer.example;rport;branch=z9hG4bKpeer{n}\r\n\
             From: <sip:0311112222@peer.example>;tag=peer{n}\r\n{to}Call-ID: call{n}@peer.example\r\n\
             CSeq: 1 {method}\r\nMax-Forwards: 70\r\n{more}Content-Length: 0\r\n\r\n"
        )
    }

    /// Delivers a message and gives back what came of it.
    pub fn deliver(&mut self, path: Path, text: &str) -> Vec<Output> {
        self.outputs.clear();
        let message = Box::new(Message::parse(text.as_bytes()).unwrap());
        self.tell(Input::Sip { from: path, tls_names: Arc::from(Vec::new()), message });
        std::mem::take(&mut self.outputs)
    }

    pub fn send(&mut self, from: &str, method: &str, uri: &str, more: &str) -> Vec<Output> {
        let text = self.text(method, uri, more);
        self.deliver(self.path(from), &text)
    }

    pub fn invite(&mut self, from: &str, number: &str) -> Vec<Output> {
        self.send(from, "INVITE", &format!("sip:{number}@gw.example"), "Contact: <sip:peer.example>\r\n")
    }

    /// Sends a request of a phone, takes the challenge and sends it again with credentials.
    pub fn as_phone(&mut self, path: Path, user: &str, text: &str) -> Vec<Output> {
        self.with_password(path, user, "secret", text)
    }

    pub fn with_password(&mut self, path: Path, user: &str, password: &str, text: &str) -> Vec<Output> {
        let outputs = self.deliver(path, text);
        let challenge = sent(&outputs).into_iter().find(|message| message.status() == 401).expect("a challenge");
        let challenge = Challenge::strongest(&challenge, "").unwrap();
        let request = Message::parse(text.as_bytes()).unwrap();
        let mut login = Login::new(challenge);
        let mut entropy = Entropy::from_number(u64::from(self.branches));
        let value = login.answer(user, &Secret::new(password), request.method_text(), request.uri_text(), &mut entropy);
        let cseq = request.cseq().unwrap().number;
        let method = request.method_text();
        self.branches += 1;
        let text = text
            .replace("branch=z9hG4bKpeer", &format!("branch=z9hG4bKauth{}x", self.branches))
            .replace(&format!("CSeq: {cseq} {method}"), &format!("CSeq: {} {method}", cseq + 1))
            .replace("Max-Forwards", &format!("Authorization: {value}\r\nMax-Forwards"));
        self.deliver(path, &text)
    }

    pub fn register(&mut self, path: Path, user: &str, more: &str) -> Vec<Output> {
        let record = format!("To: <sip:{user}@example.org>\r\n{more}");
        let text = self.text("REGISTER", "sip:example.org", &record);
        self.as_phone(path, user, &text)
    }

    /// Registers a phone at its usual place.
    pub fn registered(&mut self, user: &str, from: &str) {
        let contact = format!("Contact: <sip:{user}@10.0.0.5:5062>\r\nExpires: 600\r\n");
        let outputs = self.register(self.path(from), user, &contact);
        assert_eq!(statuses(&outputs), [200]);
    }
}

/// The messages among the outputs.
pub fn sent(outputs: &[Output]) -> Vec<Message> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Send(outgoing) => Some(Message::parse(&outgoing.bytes).unwrap()),
            _ => None,
        })
        .collect()
}

/// The status codes that were answered.
pub fn statuses(outputs: &[Output]) -> Vec<u16> {
    sent(outputs).iter().map(Message::status).filter(|status| *status > 0).collect()
}

pub fn started(outputs: Vec<Output>) -> Option<Box<CallStart>> {
    outputs.into_iter().find_map(|output| match output {
        Output::StartCall(start) => Some(start),
        _ => None,
    })
}

pub fn events(outputs: &[Output]) -> Vec<&SwitchboardEvent> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Event(event) => Some(event),
            _ => None,
        })
        .collect()
}

pub fn reasons(outputs: &[Output]) -> Vec<RefusalReason> {
    events(outputs)
        .into_iter()
        .filter_map(|event| match event {
            SwitchboardEvent::Refused { why, .. } => Some(*why),
            _ => None,
        })
        .collect()
}

pub fn to_calls(outputs: &[Output]) -> Vec<&CallInput> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::ToCall { input, .. } => Some(&**input),
            _ => None,
        })
        .collect()
}

pub fn header(message: &Message, name: HeaderName) -> &str {
    message.get(name).unwrap_or_default()
}
