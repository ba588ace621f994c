//! Those whom nobody knows: silence, limits, bans; and nothing that tells one user from another.

use super::*;
use crate::domain::switchboard::interface::Strangers;

fn banned(outputs: &[Output]) -> bool {
    outputs.iter().any(|output| matches!(output, Output::Ban { .. }))
}

#[test]
fn a_stranger_on_a_carriers_side_hears_nothing_whatever_it_asks() {
    for method in ["INVITE", "OPTIONS", "REGISTER", "SUBSCRIBE", "MESSAGE", "BYE", "FOO", "ACK"] {
        let mut bench = Bench::new(exchange());
        let outputs = bench.send(SCANNER, method, "sip:100@gw.example", "");
        assert!(sent(&outputs).is_empty(), "{method}");
        assert_eq!(reasons(&outputs), [RefusalReason::UnknownSource], "{method}");
    }
}

#[test]
fn a_stranger_may_be_refused_the_same_way_for_everything() {
    for method in ["INVITE", "OPTIONS", "REGISTER", "MESSAGE", "FOO"] {
        let mut exchange = exchange();
        exchange.admission.strangers = Strangers::Forbid;
        let mut bench = Bench::new(exchange);
        assert_eq!(statuses(&bench.send(SCANNER, method, "sip:100@gw.example", "")), [403], "{method}");
    }
}

#[test]
fn a_scanner_is_banned_and_a_configured_carrier_never() {
    let mut bench = Bench::new(exchange());
    let mut bans = 0;
    for _ in 0..200 {
        bans += usize::from(banned(&bench.send(SCANNER, "OPTIONS", "sip:100@gw.example", "")));
    }
    assert!(bans > 0);
    for _ in 0..500 {
        assert!(!banned(&bench.send(CARRIER, "MESSAGE", "sip:100@gw.example", "")));
    }
}

#[test]
fn a_wrong_user_and_a_wrong_password_look_the_same() {
    let answers: Vec<Vec<String>> = ["alice", "nobody"]
        .into_iter()
        .map(|user| {
            let mut bench = Bench::new(exchange());
            let more = format!("To: <sip:{user}@example.org>\r\n");
            let text = bench.text("REGISTER", "sip:example.org", &more);
            let path = bench.path(ALICE);
            let outputs = bench.with_password(path, user, "wrong", &text);
            assert!(
                events(&outputs).iter().any(|event| matches!(event, SwitchboardEvent::AuthenticationFailed { .. }))
            );
            let answer = sent(&outputs).remove(0);
            assert_eq!(answer.status(), 401);
            answer.headers().map(|(_, name, _)| name.to_string()).collect()
        })
        .collect();
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn guessing_passwords_leads_to_a_ban() {
    let mut bench = Bench::new(exchange());
    let path = bench.path(ALICE);
    let mut guesses = 0;
    loop {
        let more = "To: <sip:alice@example.org>\r\n";
        let text = bench.text("REGISTER", "sip:example.org", more);
        guesses += 1;
        if banned(&bench.with_password(path, "alice", "guess", &text)) {
            break;
        }
    }
    assert_eq!(guesses, 20);
}

#[test]
fn requests_that_belong_nowhere_get_their_own_answers() {
    for (method, status) in
        [("OPTIONS", 200), ("MESSAGE", 405), ("PUBLISH", 405), ("REFER", 403), ("NOTIFY", 481), ("FOO", 501)]
    {
        let mut bench = Bench::new(exchange());
        assert_eq!(statuses(&bench.send(CARRIER, method, "sip:100@gw.example", "")), [status], "{method}");
    }
}

#[test]
fn a_request_that_is_not_in_order_is_refused_with_what_is_wrong() {
    let mut bench = Bench::new(exchange());
    let text = bench.text("INVITE", "sip:100@gw.example", "").replace("CSeq: 1 INVITE", "CSeq: 1 BYE");
    let path = bench.path(CARRIER);
    let outputs = bench.deliver(path, &text);
    assert_eq!((statuses(&outputs), reasons(&outputs)), (vec![400], vec![RefusalReason::Malformed]));
}

#[test]
fn responses_that_nobody_asked_for_count_as_knocks_and_the_awaited_ones_do_not() {
    let mut bench = Bench::new(exchange());
    let path = bench.path(SCANNER);
    let response = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.200;branch=z9hG4bK1\r\nFrom: <sip:a@b.example>;tag=1\r\n\
                    To: <sip:a@b.example>;tag=2\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    let mut bans = 0;
    for _ in 0..200 {
        let outputs = bench.deliver(path, response);
        assert!(sent(&outputs).is_empty());
        bans += usize::from(banned(&outputs));
    }
    assert!(bans > 0);
}

#[test]
fn critical_privacy_that_cannot_be_kept_refuses_the_call() {
    let mut bench = Bench::new(exchange());
    let outputs = bench.send(CARRIER, "INVITE", "sip:0312345678@gw.example", "Privacy: session;critical\r\n");
    let [answer] = &sent(&outputs)[..] else { panic!("one answer") };
    assert_eq!(answer.status(), 500);
    assert!(header(answer, HeaderName::Warning).starts_with("399 "), "{}", answer.start_line());
    assert!(started(outputs).is_none());
    assert!(started(bench.send(CARRIER, "INVITE", "sip:0312345678@gw.example", "Privacy: id;critical\r\n")).is_some());
}
