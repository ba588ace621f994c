//! Calls from trunk to trunk by SIPp: what a carrier's equipment does, over UDP and TCP.

use crate::daemon::{Daemon, Files, free_port};
use crate::sipp::{CALLEE, CALLER, Part, Sipp, Wire};

const FIRST: &str = "+815012340001";
const FIRST_THEN_SECOND: &str = "+815012340002";
const IMPATIENT: &str = "+815012340003";

/// One kind of call: the caller's scenario, the callee's, and what is dialled.
struct Case {
    caller: &'static str,
    callee: &'static str,
    /// A second callee, behind trunk `second`.
    second: Option<&'static str>,
    dialled: &'static str,
    calls: u32,
}

impl Case {
    fn new(caller: &'static str, callee: &'static str) -> Case {
        Case { caller, callee, second: None, dialled: FIRST, calls: 5 }
    }
}

/// Runs the case and gives the records of its calls.
fn check(case: &Case, wire: Wire) -> Vec<serde_json::Value> {
    let (callee_port, second_port) = (free_port(), free_port());
    let transport = if wire == Wire::Tcp { "tcp" } else { "udp" };
    let fill = [
        ("{callee}", callee_port.to_string()),
        ("{second}", second_port.to_string()),
        ("{wire}", transport.to_owned()),
    ];
    let files = Files {
        profile: include_str!("config/trunks.toml"),
        dialplan: include_str!("config/dialplan.toml"),
        fill: &fill,
    };
    let daemon = Daemon::start(&files);
    let part = |scenario, address, port| Part { scenario, address, port, wire, calls: case.calls };
    let callee = Sipp::callee(&daemon.folder, &part(case.callee, CALLEE, callee_port));
    let second = case.second.map(|scenario| Sipp::callee(&daemon.folder, &part(scenario, "127.0.0.4", second_port)));
    let caller = Sipp::caller(&daemon.folder, &part(case.caller, CALLER, free_port()), &daemon, case.dialled);
    caller.passes(&daemon);
    callee.passes(&daemon);
    if let Some(second) = second {
        second.passes(&daemon);
    }
    let records = daemon.records(usize::try_from(case.calls).expect("few"));
    assert_eq!(records.len(), usize::try_from(case.calls).expect("few"), "exactly one record for each call");
    records
}

fn causes(records: &[serde_json::Value]) -> Vec<&str> {
    let mut causes: Vec<&str> = records.iter().map(|record| record["cause"].as_str().unwrap_or("none")).collect();
    causes.dedup();
    causes
}

fn on_both_wires(case: &Case, cause: &str) {
    for wire in [Wire::Udp, Wire::Tcp] {
        assert_eq!(causes(&check(case, wire)), [cause], "{wire:?}");
    }
}

#[test]
fn a_basic_call_rings_talks_and_is_hung_up_by_the_caller() {
    on_both_wires(&Case::new("uac_basic", "uas_basic"), "normal");
}

#[test]
fn the_callee_may_hang_up_first() {
    on_both_wires(&Case::new("uac_hung_up_on", "uas_hangs_up"), "normal");
}

#[test]
fn early_media_reaches_the_caller_before_the_answer() {
    on_both_wires(&Case::new("uac_early_media", "uas_early_media"), "normal");
}

#[test]
fn a_caller_that_gives_up_cancels_the_callee() {
    on_both_wires(&Case::new("uac_cancel", "uas_cancel"), "cancelled");
}

#[test]
fn a_busy_callee_is_reported_as_busy() {
    on_both_wires(&Case::new("uac_busy", "uas_busy"), "busy");
}

#[test]
fn a_declined_call_tries_nothing_else() {
    let case = Case { dialled: FIRST_THEN_SECOND, ..Case::new("uac_declined", "uas_declined") };
    on_both_wires(&case, "declined");
}

#[test]
fn a_number_unknown_to_the_carrier_is_reported_as_unknown() {
    on_both_wires(&Case::new("uac_unknown", "uas_unknown"), "number-unknown");
}

#[test]
fn a_callee_that_never_answers_is_cancelled_and_the_caller_told() {
    let case = Case { dialled: IMPATIENT, ..Case::new("uac_no_answer", "uas_no_answer") };
    on_both_wires(&case, "no-answer");
}

#[test]
fn a_carrier_out_of_service_is_passed_over_for_the_next() {
    // After three failures in a row the carrier would be known as down and not be asked at all.
    let second = Some("uas_basic");
    let case = Case { second, dialled: FIRST_THEN_SECOND, calls: 2, ..Case::new("uac_basic", "uas_503") };
    on_both_wires(&case, "normal");
}

#[test]
fn a_redirected_call_follows_the_dialplan_to_its_new_place() {
    let case = Case { second: Some("uas_basic"), ..Case::new("uac_basic", "uas_redirect") };
    on_both_wires(&case, "normal");
}

#[test]
fn hold_and_resume_reach_the_other_side_with_mirrored_answers() {
    on_both_wires(&Case::new("uac_hold", "uas_hold"), "normal");
}

#[test]
fn a_session_timer_is_negotiated_and_refreshed() {
    on_both_wires(&Case::new("uac_session_timer", "uas_basic"), "normal");
}

#[test]
fn a_session_interval_that_is_too_small_is_refused_with_the_minimum() {
    let (callee_port, second_port) = (free_port(), free_port());
    let fill =
        [("{callee}", callee_port.to_string()), ("{second}", second_port.to_string()), ("{wire}", "udp".to_owned())];
    let files = Files {
        profile: include_str!("config/trunks.toml"),
        dialplan: include_str!("config/dialplan.toml"),
        fill: &fill,
    };
    let daemon = Daemon::start(&files);
    let part =
        Part { scenario: "uac_session_too_small", address: CALLER, port: free_port(), wire: Wire::Udp, calls: 2 };
    Sipp::caller(&daemon.folder, &part, &daemon, FIRST).passes(&daemon);
}

#[test]
fn reliable_provisionals_are_acknowledged_on_each_leg() {
    on_both_wires(&Case::new("uac_prack", "uas_prack"), "normal");
}

#[test]
fn a_call_without_an_offer_gets_one_and_its_answer_travels_in_the_ack() {
    on_both_wires(&Case::new("uac_offerless", "uas_offerless"), "normal");
}

#[test]
fn the_second_answer_of_a_fork_is_acknowledged_and_ended() {
    on_both_wires(&Case::new("uac_basic", "uas_forked"), "normal");
}
