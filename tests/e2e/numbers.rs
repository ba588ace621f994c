//! Numbers of ours from the command line to the caller's ear: claimed, assigned, full, released, and still there after a kill.

use crate::daemon::{Daemon, Files, Scratch, free_port};
use crate::sipp::{CALLEE, CALLER, Part, Sipp, Wire};
use std::process::{Command, Output};

const DIALPLAN: &str = "[[rule]]\nname = \"names\"\nnumber = \"nobody\"\nto = [\"trunk:callees\"]\n";
const NUMBER: &str = "+81345670001";
const OTHER: &str = "+81345670002";

fn daemon_in(folder: Scratch, callee: u16) -> Daemon {
    let fill = [("{callee}", callee.to_string()), ("{second}", free_port().to_string()), ("{wire}", "udp".to_owned())];
    let files = Files { profile: include_str!("config/trunks.toml"), dialplan: DIALPLAN, fill: &fill };
    Daemon::start_with(folder, &files, &[])
}

fn offhook(daemon: &Daemon, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_offhook"))
        .args(arguments)
        .arg("--socket")
        .arg(daemon.folder.0.join("run/control.sock"))
        .output()
        .expect("offhook runs")
}

#[track_caller]
fn done(daemon: &Daemon, arguments: &[&str]) -> String {
    let output = offhook(daemon, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn part(scenario: &'static str, address: &'static str, port: u16, calls: u32) -> Part<'static> {
    Part { scenario, address, port, wire: Wire::Udp, calls }
}

fn call(daemon: &Daemon, scenario: &'static str, number: &str) {
    let caller = Sipp::caller(&daemon.folder, &part(scenario, CALLER, free_port(), 1), daemon, number);
    caller.passes(daemon);
}

fn refusals(daemon: &Daemon, reason: &str) -> u32 {
    let (_, page) = daemon.get("/metrics").expect("a page");
    let series = format!("offhook_calls_refused_total{{reason=\"{reason}\"}} ");
    let value = page.lines().find_map(|line| line.strip_prefix(&series)).unwrap_or_else(|| panic!("no {series}"));
    value.parse().expect("a count")
}

#[test]
fn unknown_unassigned_full_and_released_numbers_are_told_apart_on_the_wire() {
    let callee_port = free_port();
    let daemon = daemon_in(Scratch::new(), callee_port);
    call(&daemon, "uac_unknown", NUMBER);
    assert_eq!(refusals(&daemon, "no-such-number"), 1);

    done(&daemon, &["numbers", "claim", NUMBER, "--capacity", "1"]);
    call(&daemon, "uac_unassigned", NUMBER);
    assert_eq!(refusals(&daemon, "number-unassigned"), 1);

    done(&daemon, &["numbers", "assign", NUMBER, "trunk:callees"]);
    let callee = Sipp::callee(&daemon.folder, &part("uas_basic", CALLEE, callee_port, 2));
    call(&daemon, "uac_basic", NUMBER);
    let caller = part("uac_talks", CALLER, free_port(), 1);
    let talking = Sipp::caller(&daemon.folder, &caller, &daemon, NUMBER);
    crate::daemon::wait_for(|| done(&daemon, &["numbers", "show", NUMBER, "--json"]).contains("\"calls\":1"));
    call(&daemon, "uac_busy", NUMBER);
    assert_eq!(refusals(&daemon, "number-full"), 1);
    talking.passes(&daemon);
    callee.passes(&daemon);

    done(&daemon, &["numbers", "release", NUMBER]);
    call(&daemon, "uac_gone", NUMBER);
    assert_eq!(refusals(&daemon, "number-released"), 1);
    let records = daemon.records(6);
    let causes: Vec<&str> = records.iter().filter_map(|record| record["cause"].as_str()).collect();
    assert_eq!(causes.iter().filter(|cause| **cause == "number-gone").count(), 1, "{causes:?}");
    let told = records.iter().any(|record| record["trail"].to_string().contains("+81345670001 was released"));
    assert!(told, "the record says which number, and why");
}

#[test]
fn what_was_answered_survives_kill_9() {
    let mut daemon = daemon_in(Scratch::new(), free_port());
    done(&daemon, &["numbers", "claim", NUMBER, "--tag", "tokyo", "--to", "trunk:callees"]);
    done(&daemon, &["numbers", "claim", OTHER]);
    done(&daemon, &["numbers", "release", OTHER]);
    daemon.signal("-KILL");
    let folder = std::mem::replace(&mut daemon.folder, Scratch::new());
    drop(daemon);
    let daemon = daemon_in(folder, free_port());
    let listed = done(&daemon, &["numbers", "list", "--json"]);
    assert!(listed.contains(NUMBER) && listed.contains("RELEASED"), "{listed}");
    let audit = done(&daemon, &["numbers", "audit"]);
    assert_eq!(audit.lines().filter(|line| line.contains(" uid:")).count(), 3, "{audit}");
    call(&daemon, "uac_gone", OTHER);
}

#[test]
fn an_import_tells_each_line_and_explain_knows_the_numbers_with_and_without_a_daemon() {
    let daemon = daemon_in(Scratch::new(), free_port());
    let table = daemon.folder.0.join("numbers.csv");
    std::fs::write(
        &table,
        "number,to,tags\n+81345670001,trunk:callees,tokyo\nrubbish,,\n+81345670003,number:+81345670001,\n\
         +81345670004,flow:nowhere,\n",
    )
    .expect("written");
    let output = offhook(&daemon, &["numbers", "import", &table.display().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("2 claimed, 0 changed, 0 unchanged, 2 refused") && told.contains("line 3: "), "{told}");
    assert!(told.contains("flow:nowhere is not in the configuration"), "{told}");
    let asked = done(&daemon, &["explain", "0345670003", "--as", "callers"]);
    assert!(asked.contains("+81345670003 by way of +81345670001 leads to trunk:callees"), "{asked}");
    let offline = Command::new(env!("CARGO_BIN_EXE_offhook"))
        .args(["explain", "0345670003", "--as", "callers", "--at", "2026-12-24T18:00:00+09:00", "--config"])
        .arg(&daemon.folder.0)
        .output()
        .expect("offhook runs");
    let offline = String::from_utf8_lossy(&offline.stdout).into_owned();
    assert!(offline.contains("by way of +81345670001 leads to trunk:callees"), "{offline}");
    let refused = offhook(&daemon, &["numbers", "assign", "+81345670001", "number:+81345670003"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("lead to itself"), "{told}");
}
