//! New calls: who may, where they lead, what they hold.

use super::*;
use crate::base::cause::Cause;
use crate::base::id::{CallId, LegId};
use crate::domain::call::interface::{Place, TrunkOutcome};
use proptest::prelude::*;

#[test]
fn a_carriers_call_to_a_number_goes_out_over_the_trunk_of_its_rule() {
    let mut bench = Bench::new(exchange());
    let start = started(bench.invite(CARRIER, "0312345678")).unwrap();
    assert_eq!(start.caller.name(), "trunk:carrier-a");
    assert_eq!(start.dialled.e164.unwrap().to_string(), "+81312345678");
    assert_eq!(start.route.len(), 2, "both targets of the trunk, one after the other");
    let dial = &start.route[0].dials[0];
    assert_eq!(&*dial.uri, "sip:+81312345678@198.51.100.1:5060");
    assert!(dial.seized && start.refusal.is_none());
    assert!(matches!(&dial.place, Place::At(target) if target.path.remote.to_string() == "198.51.100.1:5060"));
    let trail: Vec<&str> = start.trail.iter().map(|line| &**line).collect();
    assert_eq!(
        trail,
        [
            "caller trunk:carrier-a known by network, from udp:192.0.2.1:5060",
            "dialled 0312345678 is +81312345678",
            "rule tokyo",
        ]
    );
}

#[test]
fn each_reason_for_a_refusal_has_its_own_cause_and_a_record() {
    #[track_caller]
    fn check(number: &str, cause: Cause, why: RefusalReason) {
        let mut bench = Bench::new(exchange());
        let outputs = bench.invite(CARRIER, number);
        assert_eq!(reasons(&outputs), [why]);
        assert!(statuses(&outputs).is_empty(), "the call answers, and writes a record");
        let refusal = started(outputs).unwrap().refusal.unwrap();
        assert_eq!(refusal.cause, cause);
    }
    check("0459999999", Cause::NumberUnknown, RefusalReason::NoSuchNumber);
    check("7001", Cause::NotAllowed, RefusalReason::NoRuleForCaller);
    check("0399990000", Cause::NumberGone, RefusalReason::RuleRejects);
    check("alice", Cause::TemporarilyUnavailable, RefusalReason::PhoneNotRegistered);
}

#[test]
fn a_trunk_group_falls_to_the_next_trunk_when_the_first_is_full() {
    let exchange = with_trunk(exchange(), "carrier-a", |trunk| trunk.limits.calls_max = 1);
    let mut bench = Bench::new(exchange);
    let first = started(bench.invite(OTHER_CARRIER, "0612345678")).unwrap();
    assert_eq!(first.route[0].dials[0].party.name(), "trunk:carrier-a");
    let second = started(bench.invite(OTHER_CARRIER, "0612345678")).unwrap();
    assert_eq!(second.route[0].dials[0].party.name(), "trunk:carrier-b");
    assert!(second.trail.iter().any(|line| &**line == "trunk carrier-a has all its calls"));
}

#[test]
fn a_trunk_is_known_by_its_certificate_or_by_its_login() {
    let exchange = with_trunk(exchange(), "carrier-a", |trunk| {
        trunk.networks.clear();
        trunk.tls_names = vec!["sip.carrier-a.example".into()];
    });
    let exchange = with_trunk(exchange, "carrier-b", |trunk| {
        trunk.profile = "phones".into();
        trunk.networks.clear();
        trunk.inbound_digest =
            Some(Credentials { user: "sbc".into(), password: Secret::new("secret"), realm: "".into() });
    });
    let mut bench = Bench::new(exchange);
    let text = bench.text("INVITE", "sip:0612345678@gw.example", "Contact: <sip:peer.example>\r\n");
    let message = Box::new(Message::parse(text.as_bytes()).unwrap());
    let (from, tls_names) = (bench.path(CARRIER), Arc::from(vec![Box::from("SIP.carrier-a.example")]));
    bench.tell(Input::Sip { from, tls_names, message });
    let start = started(std::mem::take(&mut bench.outputs)).unwrap();
    assert!(start.trail[0].starts_with("caller trunk:carrier-a known by certificate"));
    let text = bench.text("INVITE", "sip:0612345678@gw.example", "Contact: <sip:peer.example>\r\n");
    let path = bench.path(ALICE);
    let start = started(bench.as_phone(path, "sbc", &text)).unwrap();
    assert!(start.trail[0].starts_with("caller trunk:carrier-b known by digest"));
}

#[test]
fn a_full_trunk_refuses_its_own_callers_too() {
    let mut bench = Bench::new(with_trunk(exchange(), "carrier-a", |trunk| trunk.limits.calls_max = 1));
    let first = started(bench.invite(CARRIER, "0312345678")).unwrap();
    let outputs = bench.invite(CARRIER, "0312345678");
    assert_eq!(reasons(&outputs), [RefusalReason::TrunkCallsMax]);
    let second = started(outputs).unwrap();
    bench.tell(Input::CallFinished { call: second.id });
    bench.tell(Input::CallFinished { call: first.id });
    assert!(started(bench.invite(CARRIER, "0312345678")).unwrap().refusal.is_none());
}

#[test]
fn an_emergency_call_passes_every_limit() {
    let mut exchange = with_trunk(exchange(), "carrier-a", |trunk| trunk.limits.calls_max = 1);
    exchange = with_trunk(exchange, "carrier-b", |trunk| trunk.limits.calls_max = 1);
    exchange.admission.calls_max = 1;
    exchange.admission.calls_per_second = 0.001;
    exchange.admission.burst = 1.0;
    let mut bench = Bench::new(exchange);
    assert!(started(bench.invite(CARRIER, "0312345678")).is_some());
    bench.tell(Input::Lateness(Duration::from_secs(5)));
    assert_eq!(statuses(&bench.invite(CARRIER, "0312345678")), [503]);
    bench.tell(Input::Drain);
    let start = started(bench.invite(CARRIER, "110")).unwrap();
    assert!(start.emergency && start.refusal.is_none());
    assert_eq!(start.route[0].dials[0].party.name(), "trunk:carrier-b");
}

#[test]
fn overload_is_said_without_a_call_and_with_a_time_to_come_back() {
    let mut bench = Bench::new(exchange());
    bench.tell(Input::Lateness(Duration::from_secs(1)));
    let outputs = bench.invite(CARRIER, "0312345678");
    assert_eq!(reasons(&outputs), [RefusalReason::Overload]);
    let answer = &sent(&outputs)[0];
    assert_eq!((answer.status(), header(answer, HeaderName::RetryAfter)), (503, "10"));
    assert!(header(answer, HeaderName::Reason).starts_with("Q.850;cause=42"));
    assert_eq!(bench.board.calls(), 0);
    let ack = bench.text("ACK", "sip:0312345678@gw.example", "");
    assert!(bench.deliver(bench.path(CARRIER), &ack).is_empty(), "the ACK of the refusal is absorbed");
    bench.tell(Input::Lateness(Duration::ZERO));
    assert!(started(bench.invite(CARRIER, "0312345678")).is_some());
}

#[test]
fn a_retransmission_reaches_its_call_and_the_same_request_by_another_way_is_merged() {
    let mut bench = Bench::new(exchange());
    let text = bench.text("INVITE", "sip:0312345678@gw.example", "Contact: <sip:peer.example>\r\n");
    let path = bench.path(CARRIER);
    assert!(started(bench.deliver(path, &text)).is_some());
    let again = bench.deliver(path, &text);
    assert!(matches!(to_calls(&again)[..], [CallInput::Sip { .. }]) && started(again).is_none());
    let merged = bench.deliver(path, &text.replace("z9hG4bKpeer", "z9hG4bKother"));
    assert_eq!((statuses(&merged), reasons(&merged)), (vec![482], vec![RefusalReason::MergedRequest]));
    let cancel = text.replace("INVITE", "CANCEL");
    assert!(matches!(to_calls(&bench.deliver(path, &cancel))[..], [CallInput::Sip { .. }]));
}

#[test]
fn a_cancel_without_its_invite_is_told_so() {
    let mut bench = Bench::new(exchange());
    assert_eq!(statuses(&bench.send(CARRIER, "CANCEL", "sip:x@gw.example", "")), [481]);
    assert_eq!(statuses(&bench.send(CARRIER, "BYE", "sip:x@gw.example", "To: <sip:x@gw.example>;tag=old\r\n")), [481]);
}

#[test]
fn a_request_that_has_travelled_too_far_or_in_a_circle_is_sent_back() {
    let mut bench = Bench::new(exchange());
    let text = bench.text("INVITE", "sip:0312345678@gw.example", "").replace("Max-Forwards: 70", "Max-Forwards: 0");
    let path = bench.path(CARRIER);
    assert_eq!(statuses(&bench.deliver(path, &text)), [483]);
    let start = started(bench.invite(CARRIER, "0312345678")).unwrap();
    let own = format!("Via: SIP/2.0/UDP gw.example;branch=z9hG4bK{}0000000100000000\r\n", start.id);
    let looped = bench.send(OTHER_CARRIER, "INVITE", "sip:0312345678@gw.example", &own);
    assert_eq!((statuses(&looped), reasons(&looped)), (vec![482], vec![RefusalReason::LoopDetected]));
    let spiral = bench.send(OTHER_CARRIER, "INVITE", "sip:0612345678@gw.example", &own);
    assert!(started(spiral).is_some(), "other digits: a spiral");
}

#[test]
fn an_extension_that_we_lack_is_named() {
    let mut bench = Bench::new(exchange());
    let outputs = bench.send(CARRIER, "INVITE", "sip:0312345678@gw.example", "Require: 100rel, foo, bar\r\n");
    let answer = &sent(&outputs)[0];
    assert_eq!((answer.status(), header(answer, HeaderName::Unsupported)), (420, "foo, bar"));
}

#[test]
fn a_call_that_asks_for_a_place_gets_it_or_hears_why_not() {
    let mut bench = Bench::new(with_trunk(exchange(), "carrier-b", |trunk| trunk.limits.calls_max = 2));
    let start = started(bench.invite(CARRIER, "0312345678")).unwrap();
    let seize = |call| Input::Seize { call, leg: LegId(2), trunk: "carrier-b".into(), target_index: 1 };
    bench.outputs.clear();
    bench.tell(seize(start.id));
    bench.tell(seize(start.id));
    let inputs = to_calls(&bench.outputs);
    assert!(matches!(inputs[0], CallInput::Seized { outcome: Ok(()), .. }));
    assert!(
        matches!(inputs[1], CallInput::Seized { outcome: Err(refused), .. } if refused.cause == Cause::LimitReached)
    );
    bench.tell(Input::CallFinished { call: start.id });
    assert!(bench.board.trunk_states().iter().all(|trunk| trunk.calls == 0));
}

#[test]
fn a_drain_refuses_new_calls_and_ends_with_the_last_one() {
    let mut exchange = exchange();
    exchange.admission.drain = Duration::from_secs(60);
    let mut bench = Bench::new(exchange);
    let start = started(bench.invite(CARRIER, "0312345678")).unwrap();
    bench.tell(Input::Drain);
    let refused = bench.invite(CARRIER, "0312345678");
    assert_eq!((statuses(&refused), reasons(&refused)), (vec![503], vec![RefusalReason::Draining]));
    bench.outputs.clear();
    bench.wait(Duration::from_secs(61));
    assert!(matches!(to_calls(&bench.outputs)[..], [CallInput::HangUp { cause: Cause::Drained }]));
    assert!(!bench.outputs.iter().any(|output| matches!(output, Output::Drained)));
    bench.tell(Input::CallFinished { call: start.id });
    assert!(matches!(bench.outputs.last(), Some(Output::Drained)));
}

#[test]
fn a_reload_keeps_the_counters_of_a_trunk_by_its_name() {
    let mut bench = Bench::new(exchange());
    let start = started(bench.invite(CARRIER, "0312345678")).unwrap();
    let mut next = with_trunk(exchange(), "carrier-b", |trunk| trunk.limits.calls_max = 1);
    next.trunks.remove(0);
    bench.tell(Input::Reload(Arc::new(next)));
    let calls = |bench: &Bench| -> Vec<(String, u32)> {
        bench.board.trunk_states().iter().map(|trunk| (trunk.name.to_string(), trunk.calls)).collect()
    };
    assert_eq!(calls(&bench), [("carrier-a".into(), 1), ("carrier-b".into(), 1)]);
    bench.tell(Input::CallFinished { call: start.id });
    assert_eq!(calls(&bench), [("carrier-b".into(), 0)]);
}

#[test]
fn explain_names_every_decision() {
    let bench = Bench::new(exchange());
    let lines = bench.explain("0312345678", Some("carrier-a"), Some("0311112222")).join("\n");
    for line in [
        "caller trunk:carrier-a",
        "dialled 0312345678 is +81312345678",
        "rule tokyo: taken",
        "1. trunk carrier-b: number sent as +81312345678",
        "target 198.51.100.2:5060, priority 2, weight 1: up",
    ] {
        assert!(lines.contains(line), "{line:?} is missing in\n{lines}");
    }
    let lines = bench.explain("7001", Some("trunk:carrier-a"), None).join("\n");
    assert!(lines.contains("rule inside: fits, but is not for this caller"), "{lines}");
    assert!(bench.explain("1", Some("nobody"), None)[0].contains("stranger"));
}

#[derive(Clone, Debug)]
enum Step {
    Begin(u8),
    Seize(u8),
    Release(u8, bool),
    Finish(u8),
    Reload,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0u8..3).prop_map(Step::Begin),
        3 => any::<u8>().prop_map(Step::Seize),
        3 => (any::<u8>(), any::<bool>()).prop_map(|(call, a)| Step::Release(call, a)),
        2 => any::<u8>().prop_map(Step::Finish),
        1 => Just(Step::Reload),
    ];
    proptest::collection::vec(step, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever calls do, in whatever order: when all have finished, every place is free again, and never were there more in
    /// use than the limit.
    #[test]
    fn places_come_back_after_any_interleaving_of_calls(steps in steps()) {
        let limited = || {
            let one = with_trunk(exchange(), "carrier-a", |trunk| trunk.limits.calls_max = 4);
            with_trunk(one, "carrier-b", |trunk| trunk.limits.calls_max = 3)
        };
        let mut bench = Bench::new(limited());
        let mut calls: Vec<CallId> = Vec::new();
        let pick = |calls: &[CallId], n: u8| calls.get(usize::from(n) % calls.len().max(1)).copied();
        for step in steps {
            match step {
                Step::Begin(which) => {
                    let (from, number) = [(CARRIER, "0312345678"), (OTHER_CARRIER, "0612345678"), (CARRIER, "045")]
                        [usize::from(which)];
                    calls.extend(started(bench.invite(from, number)).map(|start| start.id));
                }
                Step::Seize(n) => if let Some(call) = pick(&calls, n) {
                    bench.tell(Input::Seize { call, leg: LegId(3), trunk: "carrier-a".into(), target_index: 0 });
                },
                Step::Release(n, a) => if let Some(call) = pick(&calls, n) {
                    let trunk = if a { "carrier-a" } else { "carrier-b" }.into();
                    bench.tell(Input::Release { call, trunk, target_index: 0, outcome: TrunkOutcome::Spoke });
                },
                Step::Finish(n) => if let Some(call) = pick(&calls, n) {
                    calls.retain(|one| *one != call);
                    bench.tell(Input::CallFinished { call });
                    bench.tell(Input::CallFinished { call });
                },
                Step::Reload => bench.tell(Input::Reload(Arc::new(limited()))),
            }
            for trunk in bench.board.trunk_states() {
                prop_assert!(trunk.calls <= trunk.calls_max);
            }
        }
        for call in calls {
            bench.tell(Input::CallFinished { call });
        }
        prop_assert!(bench.board.trunk_states().iter().all(|trunk| trunk.calls == 0));
        prop_assert_eq!(bench.board.calls(), 0);
    }
}
