//! Numbers of ours that callers dial, and the gate before every call to a carrier.

use super::*;
use crate::base::cause::Cause;
use crate::domain::dialplan::caller_id::{CallerId, CallerIds};
use crate::domain::dialplan::guard::{Guard, Per};
use crate::domain::dialplan::outbound::Outbound;
use crate::domain::dialplan::{Account, Rate};
use crate::domain::flow::act::Act;
use crate::domain::flow::check;
use crate::domain::flow::definition::{self, FlowOptions, Flows};
use crate::domain::flow::draft::{FlowDraft, StepDraft};
use crate::domain::number::country::Country;
use crate::domain::number::entry::Assignment;
use crate::domain::number::inventory::{Claim, Inventory, Order, Terms};
use crate::domain::number::key::Key;
use crate::domain::number::kind::Kind;
use crate::domain::switchboard::gate::Undialable;

/// An inventory after these orders: a number alone is claimed, `number to` is claimed and assigned.
fn inventory(numbers: &[(&str, &str)]) -> Inventory {
    let mut inventory = Inventory::new(Terms::default(), Vec::new(), Vec::new());
    for (number, to) in numbers {
        let claim = Claim { to: Assignment::parse(to), ..Claim::of(Key::parse(number).unwrap()) };
        inventory.apply(0, Order::Claim(Box::new(claim))).unwrap();
    }
    inventory
}

fn with_numbers(exchange: Exchange, numbers: &[(&str, &str)]) -> Bench {
    let mut bench = Bench::new(exchange);
    bench.tell(Input::Numbers(inventory(numbers).book()));
    bench
}

fn with_plan(change: impl FnOnce(&mut Dialplan)) -> Exchange {
    let mut exchange = exchange();
    change(Arc::make_mut(&mut exchange.dialplan));
    exchange
}

/// The moment at which a bench begins.
const NOW: u64 = 1_700_000_000_000;

fn apply(inventory: &mut Inventory, order: Order) {
    inventory.apply(NOW, order).unwrap();
}

const OURS: &str = "+81345670001";

#[test]
fn unknown_unassigned_and_released_numbers_get_three_answers() {
    let mut inventory = inventory(&[(OURS, ""), ("+81345670002", "phone:alice")]);
    apply(&mut inventory, Order::Release { key: Key::parse("+81345670002").unwrap() });
    let plan = with_plan(|plan| plan.rules.retain(|rule| &*rule.name != "tokyo"));
    for (number, cause, why) in [
        ("0345670000", Cause::NumberUnknown, RefusalReason::NoSuchNumber),
        ("0345670001", Cause::TemporarilyUnavailable, RefusalReason::NumberUnassigned),
        ("0345670002", Cause::NumberGone, RefusalReason::NumberReleased),
    ] {
        let mut bench = Bench::new(plan.clone());
        bench.tell(Input::Numbers(inventory.book()));
        let outputs = bench.invite(CARRIER, number);
        assert_eq!(reasons(&outputs), [why]);
        assert_eq!(started(outputs).unwrap().refusal.unwrap().cause, cause);
    }
}

#[test]
fn the_inventory_comes_before_the_rules_and_after_emergency_numbers() {
    let mut bench = with_numbers(exchange(), &[("+81312345678", "phone:alice"), ("110", "phone:bob")]);
    bench.registered("alice", ALICE);
    let start = started(bench.invite(CARRIER, "0312345678")).unwrap();
    assert_eq!(start.route[0].dials[0].party.name(), "phone:alice");
    assert!(start.trail.iter().any(|line| &**line == "+81312345678 leads to phone:alice"));
    let start = started(bench.invite(CARRIER, "110")).unwrap();
    assert_eq!(start.route[0].dials[0].party.name(), "trunk:carrier-b");
    let start = started(bench.invite(CARRIER, "0312345679")).unwrap();
    assert!(start.trail.iter().any(|line| &**line == "rule tokyo"), "what is not ours is the dialplan's");
}

#[test]
fn a_number_has_as_many_calls_as_it_may() {
    let mut inventory = inventory(&[(OURS, "group:team")]);
    let key = Key::parse(OURS).unwrap();
    apply(&mut inventory, Order::Change { key: key.clone(), capacity: Some(2), carriers: None, tags: None });
    let mut bench = Bench::new(exchange());
    bench.tell(Input::Numbers(inventory.book()));
    bench.registered("alice", ALICE);
    let first = started(bench.invite(CARRIER, "0345670001")).unwrap();
    assert!(started(bench.invite(CARRIER, "0345670001")).unwrap().refusal.is_none());
    assert_eq!(bench.board.number_calls(&key), 2);
    let outputs = bench.invite(CARRIER, "0345670001");
    assert_eq!(reasons(&outputs), [RefusalReason::NumberFull]);
    let refused = started(outputs).unwrap();
    assert_eq!(refused.refusal.map(|refused| refused.cause), Some(Cause::Busy));
    bench.tell(Input::CallFinished { call: refused.id });
    assert_eq!(bench.board.number_calls(&key), 2, "a refused call had no place to give back");
    bench.tell(Input::CallFinished { call: first.id });
    assert_eq!(bench.board.number_calls(&key), 1);
    assert!(started(bench.invite(CARRIER, "0345670001")).unwrap().refusal.is_none());
}

#[test]
fn an_alias_takes_a_place_of_each_number_of_the_chain() {
    let mut bench =
        with_numbers(exchange(), &[("+81345670009", "group:team"), ("+81120123456", "number:+81345670009")]);
    bench.registered("alice", ALICE);
    let start = started(bench.invite(CARRIER, "0120123456")).unwrap();
    assert!(start.trail.iter().any(|line| &**line == "+81120123456 by way of +81345670009 leads to group:team"));
    for number in ["+81345670009", "+81120123456"] {
        assert_eq!(bench.board.number_calls(&Key::parse(number).unwrap()), 1);
    }
    bench.tell(Input::CallFinished { call: start.id });
    assert_eq!(bench.board.number_calls(&Key::parse("+81345670009").unwrap()), 0);
}

#[test]
fn an_older_snapshot_does_not_overtake_a_newer_one() {
    let mut inventory = inventory(&[(OURS, "phone:alice")]);
    let older = inventory.book();
    apply(&mut inventory, Order::Release { key: Key::parse(OURS).unwrap() });
    let mut bench = Bench::new(exchange());
    bench.tell(Input::Numbers(inventory.book()));
    bench.tell(Input::Numbers(older));
    assert_eq!(reasons(&bench.invite(CARRIER, "0345670001")), [RefusalReason::NumberReleased]);
}

#[test]
fn callers_of_a_released_number_hear_the_announcement_where_there_is_one() {
    let flow = check::build(FlowDraft {
        name: "default-released".into(),
        kind: definition::Kind::Inbound,
        start: "gone".into(),
        steps: vec![StepDraft {
            name: "gone".into(),
            act: Act::HangUp(Cause::NumberGone),
            wires: Vec::new(),
            is_sensitive: false,
        }],
        on_error: None,
        version: "".into(),
        options: FlowOptions::default(),
    });
    let flows = Arc::new(Flows::new([Arc::new(flow.expect("a flow"))]));
    let mut inventory = inventory(&[(OURS, "phone:alice")]);
    apply(&mut inventory, Order::Release { key: Key::parse(OURS).unwrap() });
    let mut bench = Bench::new(Exchange { flows, ..exchange() });
    bench.tell(Input::Numbers(inventory.book()));
    let start = started(bench.invite(CARRIER, "0345670001")).unwrap();
    assert_eq!(start.script.map(|script| script.flow.name.to_string()), Some("default-released".to_owned()));
    let told = bench.explain("0345670001", None, None).join("; ");
    assert!(told.contains("+81345670001 was released: flow default-released says so"), "{told}");
}

fn tokyo_defaults() -> Exchange {
    with_plan(|plan| {
        plan.rules.push(rule("out", Pattern::Any, &[], vec![Destination::TrunkGroup("out".into())]));
        plan.outbound = Outbound {
            countries: Some(["JP", "US"].into_iter().filter_map(Country::parse).collect()),
            kinds_denied: [Kind::Premium].into(),
            deny: vec!["+8190".into()],
            allow: Vec::new(),
            only_numbers: true,
        };
    })
}

#[test]
fn every_call_to_a_carrier_passes_the_gate() {
    let exchange = tokyo_defaults();
    for (number, refusal) in [
        ("0312345678", None),
        ("01012125550100", None),
        ("110", None),
        ("010442071234567", Some(Cause::NotAllowed)),
        ("09012345678", Some(Cause::NotAllowed)),
        ("0990123456", Some(Cause::NotAllowed)),
        ("01080012345678", Some(Cause::NotAllowed)),
        ("12345678", Some(Cause::NumberIncomplete)),
    ] {
        let mut bench = Bench::new(exchange.clone());
        let outputs = bench.invite(OTHER_CARRIER, number);
        let why: Vec<RefusalReason> = refusal.iter().map(|_| RefusalReason::DestinationForbidden).collect();
        assert_eq!(reasons(&outputs), why, "{number}");
        assert_eq!(started(outputs).unwrap().refusal.map(|refused| refused.cause), refusal, "{number}");
    }
}

#[test]
fn a_keyed_number_is_no_number_or_not_dialable_or_dialable() {
    let bench = Bench::new(tokyo_defaults());
    let japan = Country::parse("JP");
    let told = |text, country| bench.board.dialable(text, country);
    assert_eq!(told("03-1234-5678", japan).map(|number| number.to_string()), Ok("+81312345678".to_owned()));
    assert_eq!(told("12125550100", None).map(|number| number.to_string()), Ok("+12125550100".to_owned()));
    assert!(matches!(told("031234", japan), Err(Undialable::NotANumber(_))));
    assert!(matches!(told("+447911123456", japan), Err(Undialable::Forbidden(..))));
}

#[test]
fn a_transfer_to_a_forbidden_place_is_refused_as_well() {
    let mut bench = Bench::new(tokyo_defaults());
    let start = started(bench.invite(OTHER_CARRIER, "0312345678")).unwrap();
    let party = start.caller.clone();
    let leg = crate::base::id::LegId::CALLER;
    bench.outputs.clear();
    bench.tell(Input::Route {
        call: start.id,
        leg,
        by: crate::domain::call::interface::OnBehalf::Party(party),
        uri: "sip:010442071234567@x".into(),
    });
    let outputs = std::mem::take(&mut bench.outputs);
    let routed = to_calls(&outputs).into_iter().find_map(|input| match input {
        CallInput::Routed { outcome, .. } => Some(outcome.clone()),
        _ => None,
    });
    assert_eq!(routed.unwrap().unwrap_err().cause, Cause::NotAllowed);
}

#[test]
fn a_call_out_shows_the_number_that_its_rule_says() {
    let mut exchange = with_plan(|plan| {
        let rule = CallerId {
            name: "sales".into(),
            from: vec!["carrier-b".into()],
            countries: Vec::new(),
            number: OURS.into(),
            display: Some("Offhook".into()),
        };
        plan.caller_ids = CallerIds { only_owned: true, rules: vec![rule] };
    });
    exchange.trunks.iter_mut().for_each(|trunk| Arc::make_mut(trunk).trusted = true);
    let mut bench = Bench::new(exchange.clone());
    let outputs = bench.invite(OTHER_CARRIER, "0612345678");
    assert_eq!(reasons(&outputs), [RefusalReason::CallerIdForbidden], "the number is not ours yet");
    let mut bench = with_numbers(exchange, &[(OURS, "phone:alice")]);
    let start = started(bench.invite(OTHER_CARRIER, "0612345678")).unwrap();
    let shown = start.route[0].dials[0].shown.as_ref().expect("something is shown");
    assert_eq!((&*shown.number, &*shown.display), (OURS, "Offhook"));
    assert!(start.trail.iter().any(|line| &**line == "shows +81345670001 by caller ID sales"));
    let start = started(bench.invite(CARRIER, "0612345678")).unwrap();
    assert!(start.route[0].dials[0].shown.is_none(), "who is passed on stays who it is");
}

fn guard(name: &str, per: Per) -> Guard {
    Guard {
        name: name.into(),
        per,
        countries: Vec::new(),
        kinds: Vec::new(),
        prefixes: Vec::new(),
        calls_per_minute: 0,
        concurrent: 0,
        minutes: 0,
        window: Duration::from_secs(86_400),
        trips_for: None,
    }
}

#[test]
fn a_guard_trips_loudly_once_and_stays_until_it_is_reset() {
    let exchange = with_plan(|plan| {
        plan.guards = vec![Guard { calls_per_minute: 2, ..guard("house", Per::House) }];
    });
    let mut bench = Bench::new(exchange);
    for _ in 0..2 {
        let start = started(bench.invite(OTHER_CARRIER, "0612345678")).unwrap();
        bench.tell(Input::CallFinished { call: start.id });
    }
    let tripped = |outputs: &[Output]| {
        events(outputs).iter().filter(|event| matches!(event, SwitchboardEvent::GuardTripped { .. })).count()
    };
    let outputs = bench.invite(OTHER_CARRIER, "0612345678");
    assert_eq!((reasons(&outputs), tripped(&outputs)), (vec![RefusalReason::GuardStops], 1));
    bench.wait(Duration::from_secs(600));
    let outputs = bench.invite(OTHER_CARRIER, "0612345678");
    assert_eq!((reasons(&outputs), tripped(&outputs)), (vec![RefusalReason::GuardStops], 0));
    assert_eq!(bench.board.guard_states(), [("house".into(), 1)]);
    assert!(started(bench.invite(OTHER_CARRIER, "110")).unwrap().refusal.is_none(), "emergency calls pass");
    bench.outputs.clear();
    bench.tell(Input::ResetGuard { guard: "house".into(), subject: None });
    assert!(matches!(events(&bench.outputs)[..], [SwitchboardEvent::GuardReset { count: 1, .. }]));
    assert!(started(bench.invite(OTHER_CARRIER, "0612345678")).unwrap().refusal.is_none());
}

#[test]
fn a_trunk_that_its_guard_stops_is_passed_over_for_the_next() {
    let exchange = with_plan(|plan| {
        plan.guards = vec![Guard { concurrent: 1, ..guard("each", Per::Trunk) }];
    });
    let mut bench = Bench::new(exchange);
    let first = started(bench.invite(OTHER_CARRIER, "0612345678")).unwrap();
    assert_eq!(first.route[0].dials[0].party.name(), "trunk:carrier-a");
    let second = started(bench.invite(CARRIER, "0612345678")).unwrap();
    assert_eq!(second.route[0].dials[0].party.name(), "trunk:carrier-b");
    assert_eq!(reasons(&bench.invite(CARRIER, "0612345678")), [RefusalReason::TrunkCallsMax]);
    let outcome = crate::domain::call::interface::TrunkOutcome::Spoke;
    bench.tell(Input::Release { call: first.id, trunk: "carrier-a".into(), target_index: 0, outcome });
    let third = started(bench.invite(OTHER_CARRIER, "0612345678")).unwrap();
    assert_eq!(third.route[0].dials[0].party.name(), "trunk:carrier-a");
}

#[test]
fn an_account_counts_for_all_who_pay_together() {
    let exchange = with_plan(|plan| {
        plan.accounts = vec![Account { name: "tokyo".into(), members: vec!["carrier-a".into(), "carrier-b".into()] }];
        plan.guards = vec![Guard { concurrent: 1, ..guard("each", Per::Account) }];
    });
    let mut bench = Bench::new(exchange);
    assert!(started(bench.invite(OTHER_CARRIER, "0612345678")).unwrap().refusal.is_none());
    assert_eq!(reasons(&bench.invite(CARRIER, "0312345678")), [RefusalReason::GuardStops]);
}

#[test]
fn the_cheapest_trunk_is_tried_first_where_a_group_goes_by_price() {
    let exchange = with_plan(|plan| {
        plan.trunk_groups[0].by_price = true;
        let rate = |trunk: &str, price| Rate { trunk: trunk.into(), prefix: "+816".into(), price };
        plan.rates = vec![rate("carrier-a", 20), rate("carrier-b", 10)];
    });
    let mut bench = Bench::new(exchange);
    let start = started(bench.invite(CARRIER, "0612345678")).unwrap();
    assert_eq!(start.route[0].dials[0].party.name(), "trunk:carrier-b");
}

#[test]
fn a_dry_run_tells_every_decision_and_takes_nothing() {
    let mut exchange = tokyo_defaults();
    Arc::make_mut(&mut exchange.dialplan).guards = vec![Guard { calls_per_minute: 1, ..guard("house", Per::House) }];
    let bench = with_numbers(exchange, &[(OURS, "phone:alice")]);
    let told = |number| bench.explain(number, Some("trunk:carrier-a"), Some("0311112222")).join("\n");
    let ours = told("0345670001");
    for part in ["it is fixed of JP", "+81345670001 is ours: did, CLAIMED, 0 of 100 calls", "leads to phone:alice"] {
        assert!(ours.contains(part), "{part}: {ours}");
    }
    let out = told("0612345678");
    for part in
        ["not among the 1 numbers", "rule osaka: taken", "destination allowed: JP is", "shows the caller as it is"]
    {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert!(out.contains("guard house for house: 0 calls, 0 in a minute, 0 minutes"), "{out}");
    let abroad = told("010442071234567");
    assert!(abroad.contains("it is fixed of GB"), "{abroad}");
    assert!(abroad.contains("not dialable here, because GB is not among the allowed countries: 403"), "{abroad}");
    assert!(told("12345678").contains("not a number: 484"), "{}", told("12345678"));
    assert_eq!(told("0612345678"), out, "asking again changes nothing");
}
