//! Carriers: asked for their health, registered with, and left.

use super::*;
use crate::domain::call::interface::TrunkOutcome;
use crate::domain::trunk::settings::Registration;
use crate::protocol::sip::message::Writer;

/// The last request of this method that was sent, and nothing else after it.
fn last(bench: &mut Bench, method: &str) -> Message {
    let found = sent(&bench.outputs).into_iter().rev().find(|one| one.is_request() && one.method_text() == method);
    bench.outputs.clear();
    found.unwrap_or_else(|| panic!("no {method}"))
}

fn answer(bench: &mut Bench, request: &Message, status: u16, more: &[(HeaderName, &str)]) {
    let mut writer = Writer::reply(request, "127.0.0.1:5060".parse().unwrap(), status, "X", Some("them"));
    for (name, value) in more {
        writer.header(*name, value);
    }
    let text = String::from_utf8(writer.finish().to_vec()).unwrap();
    let path = bench.path(OTHER_CARRIER);
    let message = Box::new(Message::parse(text.as_bytes()).unwrap());
    bench.tell(Input::Sip { from: path, tls_names: Arc::from(Vec::new()), message });
}

fn probing() -> Exchange {
    with_trunk(exchange(), "carrier-b", |trunk| {
        trunk.health.options_every = Duration::from_secs(30);
        trunk.targets.truncate(1);
    })
}

#[test]
fn a_target_that_stays_silent_goes_down_and_comes_back_when_it_answers() {
    let mut bench = Bench::new(probing());
    bench.wait(Duration::from_secs(90));
    assert!(events(&bench.outputs).iter().any(|event| matches!(event, SwitchboardEvent::TrunkDown { .. })));
    let start = started(bench.invite(CARRIER, "0312345678")).unwrap();
    assert!(start.trail.iter().any(|line| &**line == "nothing better is up: trying what is down"), "{:?}", start.trail);
    bench.outputs.clear();
    while !sent(&bench.outputs).iter().any(|one| one.method_text() == "OPTIONS") {
        bench.wait(Duration::from_secs(1));
    }
    let options = last(&mut bench, "OPTIONS");
    answer(&mut bench, &options, 404, &[]);
    assert!(matches!(events(&bench.outputs)[..], [SwitchboardEvent::TrunkUp { target_index: 0, .. }]));
}

#[test]
fn calls_that_fail_take_a_target_down_and_the_next_call_goes_to_the_other() {
    let mut bench = Bench::new(exchange());
    let start = started(bench.invite(CARRIER, "0312345678")).unwrap();
    for _ in 0..2 {
        let outcome = TrunkOutcome::Failed;
        bench.tell(Input::Release { call: start.id, trunk: "carrier-b".into(), target_index: 0, outcome });
    }
    let start = started(bench.invite(CARRIER, "0312345678")).unwrap();
    assert_eq!(start.route.len(), 1, "the target that is down is left out");
    assert_eq!(start.route[0].dials[0].target_index, 1);
}

fn registering() -> Exchange {
    with_trunk(exchange(), "carrier-b", |trunk| {
        trunk.networks.clear();
        trunk.targets.truncate(1);
        trunk.registration = Some(Registration {
            user: "0312345678".into(),
            domain: "carrier.example".into(),
            expires: Duration::from_secs(600),
            retry_min: Duration::from_secs(5),
            retry_max: Duration::from_secs(60),
        });
        trunk.outbound_digest =
            Some(Credentials { user: "account".into(), password: Secret::new("secret"), realm: "".into() });
    })
}

const CHALLENGE: &str = r#"Digest realm="carrier.example", nonce="n1", algorithm=MD5, qop="auth""#;
const GRANTED: &[(HeaderName, &str)] = &[(HeaderName::Contact, "<sip:0312345678@gw.example:5060>;expires=300")];

fn registered() -> Bench {
    let mut bench = Bench::new(registering());
    bench.wait(Duration::ZERO);
    let register = last(&mut bench, "REGISTER");
    answer(&mut bench, &register, 401, &[(HeaderName::WwwAuthenticate, CHALLENGE)]);
    let register = last(&mut bench, "REGISTER");
    assert!(header(&register, HeaderName::Authorization).contains("username=\"account\""));
    answer(&mut bench, &register, 200, GRANTED);
    assert!(matches!(events(&bench.outputs)[..], [SwitchboardEvent::TrunkRegistered { .. }]));
    bench.outputs.clear();
    bench
}

#[test]
fn a_registration_is_proved_and_refreshed_before_it_ends() {
    let mut bench = registered();
    bench.wait(Duration::from_secs(269));
    assert!(sent(&bench.outputs).is_empty());
    bench.wait(Duration::from_secs(2));
    let register = last(&mut bench, "REGISTER");
    assert!(register.cseq().unwrap().number > 2);
    let credentials = header(&register, HeaderName::Authorization);
    assert!(credentials.contains("nonce=\"n1\"") && credentials.contains("nc=00000002"), "{credentials}");
    answer(&mut bench, &register, 200, GRANTED);
    assert!(events(&bench.outputs).is_empty(), "it was registered all along");
}

#[test]
fn a_refresh_with_a_stale_nonce_takes_the_new_challenge() {
    let mut bench = registered();
    bench.wait(Duration::from_secs(271));
    let register = last(&mut bench, "REGISTER");
    let stale = CHALLENGE.replace("n1", "n2") + ", stale=true";
    answer(&mut bench, &register, 401, &[(HeaderName::WwwAuthenticate, stale.as_str())]);
    let register = last(&mut bench, "REGISTER");
    let credentials = header(&register, HeaderName::Authorization);
    assert!(credentials.contains("nonce=\"n2\"") && credentials.contains("nc=00000001"), "{credentials}");
    answer(&mut bench, &register, 200, GRANTED);
    assert!(events(&bench.outputs).is_empty(), "it was registered all along");
}

#[test]
fn the_carrier_that_we_are_registered_with_is_known_and_names_the_number_in_to() {
    let mut bench = registered();
    let lines = "To: <sip:alice@carrier.example>\r\nContact: <sip:c@198.51.100.1>\r\n";
    let outputs = bench.send(OTHER_CARRIER, "INVITE", "sip:0312345678@gw.example", lines);
    let start = started(outputs).unwrap();
    assert_eq!((start.caller.name().as_str(), &*start.dialled.digits), ("trunk:carrier-b", "alice"));
    assert!(start.trail[0].contains("known by registration"));
    let mut unregistered = Bench::new(registering());
    assert!(started(unregistered.send(OTHER_CARRIER, "INVITE", "sip:0312345678@gw.example", "")).is_none());
}

#[test]
fn a_carrier_that_keeps_changing_its_nonce_is_given_up_for_a_while() {
    let mut bench = Bench::new(registering());
    bench.wait(Duration::ZERO);
    let mut asked = 0;
    while !sent(&bench.outputs).is_empty() {
        let register = last(&mut bench, "REGISTER");
        asked += 1;
        let nonce = CHALLENGE.replace("n1", &format!("n{asked}"));
        answer(&mut bench, &register, 401, &[(HeaderName::WwwAuthenticate, nonce.as_str())]);
    }
    assert_eq!(asked, 3);
    bench.wait(Duration::from_secs(4));
    assert!(sent(&bench.outputs).is_empty());
    bench.wait(Duration::from_secs(2));
    last(&mut bench, "REGISTER");
}

#[test]
fn pauses_grow_while_the_carrier_refuses() {
    let mut bench = Bench::new(registering());
    bench.wait(Duration::ZERO);
    let mut pauses = Vec::new();
    for _ in 0..5 {
        let register = last(&mut bench, "REGISTER");
        answer(&mut bench, &register, 403, &[]);
        bench.outputs.clear();
        let began = bench.now.instant;
        while sent(&bench.outputs).is_empty() {
            bench.wait(Duration::from_millis(100));
        }
        pauses.push((bench.now.instant - began).as_secs());
    }
    assert!(pauses[0] <= 5 && pauses[1] >= 9 && pauses[2] >= 18 && pauses[4] >= 54 && pauses[4] <= 66, "{pauses:?}");
}

#[test]
fn an_interval_that_is_too_brief_is_lengthened() {
    let mut bench = Bench::new(registering());
    bench.wait(Duration::ZERO);
    let register = last(&mut bench, "REGISTER");
    answer(&mut bench, &register, 423, &[(HeaderName::MinExpires, "1800")]);
    assert_eq!(header(&last(&mut bench, "REGISTER"), HeaderName::Expires), "1800");
}

#[test]
fn a_drain_ends_registrations_before_it_is_over() {
    let mut bench = registered();
    bench.tell(Input::Drain);
    assert!(!bench.outputs.iter().any(|output| matches!(output, Output::Drained)));
    let register = last(&mut bench, "REGISTER");
    assert_eq!(header(&register, HeaderName::Expires), "0");
    answer(&mut bench, &register, 200, &[]);
    assert!(matches!(bench.outputs.last(), Some(Output::Drained)));
    let mut silent = registered();
    silent.tell(Input::Drain);
    silent.wait(Duration::from_secs(5));
    assert!(matches!(silent.outputs.last(), Some(Output::Drained)), "a silent carrier does not hold us");
}

#[test]
fn a_reload_that_removes_a_registering_trunk_ends_its_registration() {
    let mut bench = registered();
    let mut next = registering();
    next.trunks.truncate(1);
    bench.tell(Input::Reload(Arc::new(next)));
    let register = last(&mut bench, "REGISTER");
    assert_eq!(header(&register, HeaderName::Expires), "0");
    answer(&mut bench, &register, 401, &[(HeaderName::WwwAuthenticate, CHALLENGE)]);
    let register = last(&mut bench, "REGISTER");
    assert!(!header(&register, HeaderName::Authorization).is_empty());
    answer(&mut bench, &register, 200, &[]);
    assert!(matches!(events(&bench.outputs)[..], [SwitchboardEvent::TrunkUnregistered { .. }]));
}

#[test]
fn a_reload_that_changes_nothing_leaves_registrations_alone() {
    let mut bench = registered();
    bench.tell(Input::Reload(Arc::new(registering())));
    assert!(sent(&bench.outputs).is_empty());
    assert_eq!(bench.board.trunk_states()[1].registered, Some(true));
}
