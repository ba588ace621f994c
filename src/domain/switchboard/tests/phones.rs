//! Phones: they register, call, are called, and watch each other.

use super::*;
use crate::base::cause::Cause;
use crate::base::id::LegId;
use crate::domain::call::interface::{CallEvent, Led, OnBehalf, Party, Place, Refused};
use crate::domain::flow::memory::QueueName;
use crate::domain::queue::settings::{
    AgentSettings, ProfileEntry, QueueSettings, Reach, RoutingProfile, Settings, Status,
};

fn contact(outputs: &[Output]) -> String {
    let answers = sent(outputs);
    let all: Vec<&str> = answers.last().unwrap().values(HeaderName::Contact).collect();
    all.join(" ")
}

#[test]
fn a_phone_that_registered_is_reached_where_its_request_came_from() {
    let mut bench = Bench::new(exchange());
    bench.registered("alice", ALICE);
    let start = started(bench.invite(CARRIER, "alice")).unwrap();
    let dial = &start.route[0].dials[0];
    assert_eq!(&*dial.uri, "sip:alice@10.0.0.5:5062");
    assert!(matches!(&dial.place, Place::At(target) if target.path.remote.to_string() == ALICE));
}

#[test]
fn a_group_rings_the_registered_ones_together() {
    let mut bench = Bench::new(exchange());
    bench.registered("alice", ALICE);
    bench.registered("bob", "203.0.113.11:5062");
    let start = started(bench.invite(CARRIER, "2000")).unwrap();
    assert_eq!((start.route.len(), start.route[0].dials.len()), (1, 2));
    assert_eq!(start.route[0].ring_timeout, Duration::from_secs(20));
}

#[test]
fn a_registration_ends_by_itself_by_request_and_with_its_connection() {
    let mut bench = Bench::new(exchange());
    bench.registered("alice", ALICE);
    bench.wait(Duration::from_secs(601));
    assert!(matches!(events(&bench.outputs)[..], [SwitchboardEvent::PhoneUnregistered { .. }]));
    bench.registered("alice", ALICE);
    let path = bench.path(ALICE);
    let outputs = bench.register(path, "alice", "Contact: *\r\nExpires: 0\r\n");
    assert_eq!((statuses(&outputs), contact(&outputs)), (vec![200], String::new()));
    let path = bench.tcp_path("203.0.113.12:40000", 5);
    let outputs = bench.register(path, "alice", "Contact: <sip:alice@x.invalid;transport=tcp>\r\n");
    assert_eq!(contact(&outputs), "<sip:alice@x.invalid;transport=tcp>;expires=3600");
    bench.outputs.clear();
    bench.tell(Input::ConnectionClosed { path });
    assert!(matches!(events(&bench.outputs)[..], [SwitchboardEvent::PhoneUnregistered { .. }]));
}

#[test]
fn a_phone_finds_its_own_contact_by_its_instance() {
    let mut bench = Bench::new(exchange());
    let path = bench.path(ALICE);
    let marks = r#"+sip.instance="<urn:uuid:0001>";reg-id=1"#;
    let outputs = bench.register(path, "alice", &format!("Contact: <sip:alice@10.0.0.5>;{marks};expires=300\r\n"));
    assert_eq!(contact(&outputs), r#"<sip:alice@10.0.0.5>;expires=300;+sip.instance="<urn:uuid:0001>";reg-id=1"#);
    let odd = r#"+sip.instance="<urn:x>\"";reg-id=x1"#;
    bench.register(path, "alice", "Contact: *\r\nExpires: 0\r\n");
    let outputs = bench.register(path, "alice", &format!("Contact: <sip:alice@10.0.0.6>;{odd};expires=300\r\n"));
    assert_eq!(contact(&outputs), "<sip:alice@10.0.0.6>;expires=300", "what needs escapes is not written back");
}

#[test]
fn what_a_register_may_not() {
    let mut bench = Bench::new(exchange());
    let path = bench.path(ALICE);
    let outputs = bench.register(path, "alice", "Contact: <sip:alice@10.0.0.5>;expires=10\r\n");
    assert_eq!(header(&sent(&outputs)[0], HeaderName::MinExpires), "60");
    assert_eq!(statuses(&outputs), [423]);
    let foreign = "To: <sip:bob@example.org>\r\nContact: <sip:alice@10.0.0.5>\r\n";
    let text = bench.text("REGISTER", "sip:example.org", foreign);
    assert_eq!(statuses(&bench.as_phone(path, "alice", &text)), [403], "another's address of record");
    let three = "Contact: <sip:a@10.0.0.1>, <sip:a@10.0.0.2>, <sip:a@10.0.0.3>\r\n";
    assert_eq!(statuses(&bench.register(path, "alice", three)), [403]);
    assert_eq!(statuses(&bench.register(path, "alice", "Contact: *\r\nExpires: 60\r\n")), [400]);
    assert_eq!(contact(&bench.register(path, "alice", "")), "", "nothing of all that was kept");
}

#[test]
fn an_older_register_changes_nothing() {
    let mut bench = Bench::new(exchange());
    let path = bench.path(ALICE);
    let lines = "To: <sip:alice@example.org>\r\nContact: <sip:alice@10.0.0.5>\r\n";
    let text = bench.text("REGISTER", "sip:example.org", lines).replace("CSeq: 1 ", "CSeq: 7 ");
    assert_eq!(statuses(&bench.as_phone(path, "alice", &text)), [200]);
    let older = text.replace("CSeq: 7 ", "CSeq: 3 ").replace("z9hG4bKpeer", "z9hG4bKolder");
    assert_eq!(statuses(&bench.as_phone(path, "alice", &older)), [500]);
}

#[test]
fn credentials_are_good_once_and_a_retransmission_is_answered_again() {
    let mut bench = Bench::new(exchange());
    let path = bench.path(ALICE);
    let lines = "To: <sip:alice@example.org>\r\nContact: <sip:alice@10.0.0.5>\r\n";
    let text = bench.text("REGISTER", "sip:example.org", lines);
    let challenge = Challenge::strongest(&sent(&bench.deliver(path, &text))[0], "").unwrap();
    let mut entropy = Entropy::from_number(5);
    let value =
        Login::new(challenge).answer("alice", &Secret::new("secret"), "REGISTER", "sip:example.org", &mut entropy);
    let text = text
        .replace("Max-Forwards", &format!("Authorization: {value}\r\nMax-Forwards"))
        .replace("z9hG4bKpeer", "z9hG4bKsecond");
    assert_eq!(statuses(&bench.deliver(path, &text)), [200]);
    assert_eq!(statuses(&bench.deliver(path, &text)), [200], "the same transaction: the same answer");
    let replayed = bench.deliver(path, &text.replace("z9hG4bKsecond", "z9hG4bKthief"));
    assert_eq!(statuses(&replayed), [401]);
    assert!(header(&sent(&replayed)[0], HeaderName::WwwAuthenticate).contains("stale=true"));
}

#[test]
fn a_phone_that_calls_is_who_it_proved_to_be() {
    let mut bench = Bench::new(exchange());
    let path = bench.path(ALICE);
    let text = bench.text("INVITE", "sip:0312345678@example.org", "Contact: <sip:a@10.0.0.5>\r\n");
    let text = text.replace("sip:0311112222@peer.example", "sip:bob@example.org");
    let start = started(bench.as_phone(path, "alice", &text)).unwrap();
    assert_eq!(start.caller.name(), "phone:alice");
    assert_eq!(&*start.identity.number, "+81311112222");
    assert!(start.route[0].dials[0].seized);
}

#[test]
fn a_phone_has_as_many_calls_as_it_may() {
    let mut bench = Bench::new(exchange());
    let path = bench.path(ALICE);
    let mut call = || {
        let text = bench.text("INVITE", "sip:0312345678@example.org", "Contact: <sip:a@10.0.0.5>\r\n");
        reasons(&bench.as_phone(path, "alice", &text))
    };
    assert!(call().is_empty() && call().is_empty());
    assert_eq!(call(), [RefusalReason::PhoneCallsMax]);
}

fn subscribe(bench: &mut Bench, event: &str, more: &str) -> Vec<Output> {
    let path = bench.path(ALICE);
    let lines = format!("Event: {event}\r\nContact: <sip:alice@10.0.0.5:5062>\r\n{more}");
    let text = bench.text("SUBSCRIBE", "sip:bob@example.org", &lines);
    bench.as_phone(path, "alice", &text)
}

/// Answers the NOTIFY that is under way and gives what it said.
fn take_notify(bench: &mut Bench, outputs: &[Output], status: u16) -> (String, Vec<Output>) {
    let notify = sent(outputs).into_iter().find(|message| message.method_text() == "NOTIFY").expect("a NOTIFY");
    let answer = crate::protocol::sip::message::Writer::reply(&notify, ALICE.parse().unwrap(), status, "X", None);
    let path = bench.path(ALICE);
    let answer = String::from_utf8(answer.finish().to_vec()).unwrap();
    let said = format!("{} {}", header(&notify, HeaderName::SubscriptionState), String::from_utf8_lossy(notify.body()));
    (said, bench.deliver(path, &answer))
}

#[test]
fn a_watcher_is_told_when_a_phone_registers_and_leaves() {
    let mut bench = Bench::new(exchange());
    let outputs = subscribe(&mut bench, "presence", "Expires: 300\r\n");
    assert_eq!(statuses(&outputs), [200]);
    let (said, _) = take_notify(&mut bench, &outputs, 200);
    assert!(said.starts_with("active;expires=300") && said.contains("closed"), "{said}");
    let path = bench.path("203.0.113.11:5062");
    let outputs = bench.register(path, "bob", "Contact: <sip:bob@10.0.0.6>\r\nExpires: 60\r\n");
    let (said, _) = take_notify(&mut bench, &outputs, 200);
    assert!(said.contains("<basic>open</basic>"), "{said}");
    bench.outputs.clear();
    bench.wait(Duration::from_secs(61));
    let outputs = std::mem::take(&mut bench.outputs);
    assert!(take_notify(&mut bench, &outputs, 200).0.contains("<basic>closed</basic>"));
    bench.wait(Duration::from_secs(300));
    let outputs = std::mem::take(&mut bench.outputs);
    assert!(take_notify(&mut bench, &outputs, 200).0.starts_with("terminated;reason=timeout"));
}

#[test]
fn a_busy_lamp_follows_the_calls_of_a_phone() {
    let mut bench = Bench::new(exchange());
    bench.registered("bob", "203.0.113.11:5062");
    let outputs = subscribe(&mut bench, "dialog", "");
    assert!(!take_notify(&mut bench, &outputs, 200).0.contains("<dialog "));
    let start = started(bench.invite(CARRIER, "bob")).unwrap();
    let mut lamp = |event| {
        bench.outputs.clear();
        bench.tell(Input::CallEvent { call: start.id, event });
        let outputs = std::mem::take(&mut bench.outputs);
        take_notify(&mut bench, &outputs, 200).0
    };
    assert!(lamp(CallEvent::LegStarted { leg: LegId(1), party: "phone:bob".into() }).contains("trying"));
    assert!(lamp(CallEvent::Ringing { leg: LegId(1) }).contains("early"));
    assert!(lamp(CallEvent::Answered { leg: LegId(1) }).contains("confirmed"));
    bench.outputs.clear();
    bench.tell(Input::CallFinished { call: start.id });
    let outputs = std::mem::take(&mut bench.outputs);
    assert!(!take_notify(&mut bench, &outputs, 200).0.contains("<dialog "));
}

#[test]
fn while_a_notification_is_under_way_changes_wait_and_one_follows() {
    let mut bench = Bench::new(exchange());
    let first = subscribe(&mut bench, "presence", "");
    let path = bench.path("203.0.113.11:5062");
    let outputs = bench.register(path, "bob", "Contact: <sip:bob@10.0.0.6>\r\n");
    assert!(sent(&outputs).iter().all(|message| message.method_text() != "NOTIFY" || message.status() > 0));
    let (_, second) = take_notify(&mut bench, &first, 200);
    assert!(take_notify(&mut bench, &second, 200).0.contains("open"));
}

#[test]
fn a_watcher_that_knows_nothing_of_it_is_forgotten() {
    let mut bench = Bench::new(exchange());
    let outputs = subscribe(&mut bench, "presence", "");
    take_notify(&mut bench, &outputs, 481);
    let path = bench.path("203.0.113.11:5062");
    let outputs = bench.register(path, "bob", "Contact: <sip:bob@10.0.0.6>\r\n");
    assert_eq!(sent(&outputs).len(), 1, "only the answer to the REGISTER");
}

#[test]
fn what_cannot_be_watched() {
    let mut bench = Bench::new(exchange());
    let outputs = subscribe(&mut bench, "refer", "");
    assert_eq!(statuses(&outputs), [489]);
    assert!(header(&sent(&outputs)[0], HeaderName::AllowEvents).contains("dialog"));
    // Nobody here can know of messages.
    assert_eq!(statuses(&subscribe(&mut bench, "message-summary", "")), [489]);
    assert_eq!(statuses(&subscribe(&mut bench, "dialog", "Expires: 5\r\n")), [423]);
    let path = bench.path(ALICE);
    let lines = "Event: dialog\r\nContact: <sip:a@x>\r\n";
    let text = bench.text("SUBSCRIBE", "sip:carol@example.org", lines);
    assert_eq!(statuses(&bench.as_phone(path, "alice", &text)), [404]);
    let lines = "To: <sip:bob@example.org>;tag=000000000000000000000000abcd\r\nEvent: dialog\r\n";
    let text = bench.text("SUBSCRIBE", "sip:bob@example.org", lines);
    assert_eq!(statuses(&bench.as_phone(path, "alice", &text)), [481]);
}

#[test]
fn a_reload_drops_what_a_removed_phone_had() {
    let mut bench = Bench::new(exchange());
    bench.registered("alice", ALICE);
    let mut next = exchange();
    next.phones.remove(0);
    bench.outputs.clear();
    bench.tell(Input::Reload(Arc::new(next)));
    assert!(matches!(events(&bench.outputs)[..], [SwitchboardEvent::PhoneUnregistered { .. }]));
}

/// Alice and bob are agents of the queue `orders`; bob's phone is there, and he is at work.
fn with_agents() -> Bench {
    let entry = ProfileEntry { queue: "orders".into(), priority: 1, delay: Duration::ZERO };
    let routing =
        RoutingProfile { name: "all".into(), entries: vec![entry], slots: 1, keeps_place_after_outbound: false };
    let agent = |name: &str, first_status| AgentSettings {
        name: name.into(),
        profile: "all".into(),
        reach: Reach::Phone(name.into()),
        auto_accept: false,
        password: None,
        wrap_up: None,
        proficiencies: Vec::new(),
        first_status,
    };
    let queues = Settings {
        statuses: Vec::new(),
        queues: vec![QueueSettings::named("orders")],
        profiles: vec![routing],
        agents: vec![agent("alice", Status::Offline), agent("bob", Status::Available)],
    };
    let mut bench = Bench::new(Exchange { queues: Arc::new(queues), ..exchange() });
    bench.registered("alice", ALICE);
    bench.registered("bob", "203.0.113.11:5062");
    bench
}

/// Where a REFER of this phone would lead.
fn led(bench: &mut Bench, phone: &str, uri: &str) -> Result<Led, Refused> {
    let caller = bench.board.index.phone(phone).cloned().expect("a phone");
    let start = started(bench.invite(CARRIER, "2000")).expect("a call");
    bench.outputs.clear();
    let by = OnBehalf::Party(Party::Phone(caller));
    bench.tell(Input::Route { call: start.id, leg: LegId(7), by, uri: uri.into() });
    let outputs = std::mem::take(&mut bench.outputs);
    let routed = to_calls(&outputs).into_iter().find_map(|input| match input {
        CallInput::Routed { outcome, .. } => Some(outcome.clone()),
        _ => None,
    });
    routed.expect("an answer")
}

#[test]
fn an_agent_sends_calls_to_queues_and_to_agents_who_are_at_work() {
    let mut bench = with_agents();
    for (uri, toward) in [
        ("sip:queue:orders@x", QueueName::Queue("orders".into())),
        ("sip:agent%3Abob@x", QueueName::Agent("bob".into())),
    ] {
        let led = led(&mut bench, "alice", uri).expect(uri);
        assert!(led.stages.is_empty());
        assert_eq!(led.script.expect(uri).toward, Some(toward));
    }
    let cause = |outcome: Result<Led, Refused>| outcome.expect_err("refused").cause;
    assert_eq!(
        cause(led(&mut bench, "bob", "sip:agent:alice@x")),
        Cause::TemporarilyUnavailable,
        "alice has signed out"
    );
    assert_eq!(cause(led(&mut bench, "bob", "sip:agent:carol@x")), Cause::NumberUnknown);
    assert_eq!(cause(led(&mut bench, "bob", "sip:queue:returns@x")), Cause::NumberUnknown);
}

#[test]
fn only_the_phones_of_agents_name_queues_and_agents() {
    let mut bench = with_agents();
    let path = bench.path(ALICE);
    let text = bench.text("INVITE", "sip:queue:orders@gw.example", "Contact: <sip:alice@10.0.0.5>\r\n");
    let start = started(bench.as_phone(path, "alice", &text)).expect("a call");
    let script = start.script.expect("somebody serves alice");
    assert_eq!((&*start.dialled.digits, script.toward), ("queue:orders", Some(QueueName::Queue("orders".into()))));
    let outputs = bench.send(CARRIER, "INVITE", "sip:queue:orders@gw.example", "Contact: <sip:peer.example>\r\n");
    assert_eq!(reasons(&outputs), [RefusalReason::NoSuchNumber], "a carrier has no business there");
}
