//! The daemon as an operator runs it: readiness, metrics, reload, drain, signals, records.

use crate::daemon::{Daemon, Files, Scratch, free_port, wait_for};
use crate::sipp::{CALLEE, CALLER, Part, Sipp, Wire};
use std::io::Write;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

const FIRST: &str = "+815012340001";

/// A daemon with the trunks of the call tests; calls to FIRST reach `callee`.
fn start(callee: u16) -> Daemon {
    start_with(Scratch::new(), callee, &[])
}

fn start_with(folder: Scratch, callee: u16, environment: &[(&str, String)]) -> Daemon {
    let fill = [("{callee}", callee.to_string()), ("{second}", free_port().to_string()), ("{wire}", "udp".to_owned())];
    let files = Files {
        profile: include_str!("config/trunks.toml"),
        dialplan: include_str!("config/dialplan.toml"),
        fill: &fill,
    };
    Daemon::start_with(folder, &files, environment)
}

fn part<'a>(scenario: &'a str, address: &'static str, port: u16) -> Part<'a> {
    Part { scenario, address, port, wire: Wire::Udp, calls: 1 }
}

/// What a service manager is told, one datagram each.
struct Manager {
    socket: UnixDatagram,
}

impl Manager {
    fn new(folder: &Scratch) -> (Manager, [(&'static str, String); 2]) {
        let path = folder.0.join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a deadline");
        let variables = [("NOTIFY_SOCKET", path.display().to_string()), ("WATCHDOG_USEC", "400000".to_owned())];
        (Manager { socket }, variables)
    }

    /// Forgets what has been told so far.
    fn drain(&self) {
        self.socket.set_nonblocking(true).expect("a mode");
        while self.socket.recv(&mut [0; 4_096]).is_ok() {}
        self.socket.set_nonblocking(false).expect("a mode");
    }

    /// The next datagram that holds this line.
    fn expect(&self, line: &str) -> String {
        let mut buffer = [0; 4_096];
        loop {
            let length = self.socket.recv(&mut buffer).unwrap_or_else(|error| panic!("no {line}: {error}"));
            let told = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if told.lines().any(|one| one == line) {
                return told;
            }
        }
    }
}

/// `Type=notify-reload` as systemd.service(5) wants it, before a manager of our own: none runs where the tests run.
#[test]
fn the_service_manager_hears_of_readiness_reloads_life_and_the_end() {
    let folder = Scratch::new();
    let (manager, variables) = Manager::new(&folder);
    let mut daemon = start_with(folder, free_port(), &variables);
    manager.expect("READY=1");
    for _ in 0..3 {
        assert!(manager.expect("WATCHDOG=1").lines().any(|line| line == "STATUS=serving, 0 calls"));
    }
    daemon.signal("-HUP");
    let told = manager.expect("RELOADING=1");
    let since =
        told.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).expect("the time in the same datagram");
    let since: u64 = since.parse().expect("microseconds");
    let up = std::fs::read_to_string("/proc/uptime").expect("readable");
    let up: f64 = up.split(' ').next().and_then(|seconds| seconds.parse().ok()).expect("seconds");
    let age = up - Duration::from_micros(since).as_secs_f64();
    assert!((-1.0..10.0).contains(&age), "{since} at {up}");
    manager.expect("READY=1");
    // A process that hangs is not heard of any more; one that goes on is.
    daemon.signal("-STOP");
    wait_for(|| is_stopped(daemon.pid()));
    manager.drain();
    manager.socket.set_read_timeout(Some(Duration::from_secs(1))).expect("a deadline");
    assert!(manager.socket.recv(&mut [0; 64]).is_err(), "a stopped daemon says that it lives");
    manager.socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a deadline");
    daemon.signal("-CONT");
    manager.expect("WATCHDOG=1");
    daemon.signal("-TERM");
    manager.expect("STOPPING=1");
    assert!(daemon.wait_for_end().success());
}

fn is_stopped(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
}

/// A call that stays up until one side is told to end it.
fn standing_call(daemon: &Daemon, callee: u16) -> (Sipp, Sipp) {
    let waiting = Sipp::callee(&daemon.folder, &part("uas_waits", CALLEE, callee));
    let calling = Sipp::caller(&daemon.folder, &part("uac_hung_up_on", CALLER, free_port()), daemon, FIRST);
    wait_for(|| daemon.control(r#"{"id":1,"command":"calls"}"#).contains("talking"));
    (calling, waiting)
}

#[test]
fn metrics_are_clean_for_promtool() {
    let callee = free_port();
    let daemon = start(callee);
    let answering = Sipp::callee(&daemon.folder, &part("uas_basic", CALLEE, callee));
    Sipp::caller(&daemon.folder, &part("uac_basic", CALLER, free_port()), &daemon, FIRST).passes(&daemon);
    answering.passes(&daemon);
    daemon.records(1);
    let (status, page) = daemon.get("/metrics").expect("a page");
    assert_eq!(status, 200);
    assert!(page.lines().any(|line| line.starts_with("offhook_calls_started_total") && line.ends_with(" 1")), "{page}");
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts (Debian package prometheus)");
    promtool.stdin.take().expect("piped").write_all(page.as_bytes()).expect("written");
    let outcome = promtool.wait_with_output().expect("promtool ends");
    let words = String::from_utf8_lossy(&outcome.stderr);
    assert!(outcome.status.success() && words.trim().is_empty(), "{words}");
}

#[test]
fn a_reload_shows_its_plan_and_takes_a_new_trunk_limit() {
    let daemon = start(free_port());
    assert!(daemon.control(r#"{"id":1,"command":"reload","dry_run":true}"#).contains(r#""plan":[]"#));
    daemon.rewrite("sip-profiles/test.toml", "ring_timeout = \"30s\"", "ring_timeout = \"40s\"");
    let shown = daemon.control(r#"{"id":2,"command":"reload","dry_run":true}"#);
    assert!(shown.contains("callees") && shown.contains("ring_timeout"), "{shown}");
    let applied = daemon.control(r#"{"id":3,"command":"reload"}"#);
    assert!(applied.contains("ring_timeout"), "{applied}");
    assert!(daemon.control(r#"{"id":4,"command":"reload","dry_run":true}"#).contains(r#""plan":[]"#));
}

#[test]
fn a_reload_with_a_fault_changes_nothing_and_says_where() {
    let daemon = start(free_port());
    daemon.rewrite("sip-profiles/test.toml", "ring_timeout", "rign_timeout");
    let refused = daemon.control(r#"{"id":1,"command":"reload"}"#);
    assert!(refused.contains("bad_configuration") && refused.contains("did you mean"), "{refused}");
    assert_eq!(daemon.get("/readyz").map(|(status, _)| status), Some(200));
    daemon.signal("-HUP");
    wait_for(|| daemon.log().contains("reload failed"));
    assert!(daemon.log().contains("reload failed"), "{}", daemon.log());
}

#[test]
fn a_drain_refuses_new_calls_and_lets_the_running_one_finish() {
    let callee = free_port();
    let mut daemon = start(callee);
    let (calling, waiting) = standing_call(&daemon, callee);
    daemon.signal("-TERM");
    wait_for(|| daemon.get("/readyz").is_some_and(|(status, _)| status == 503));
    let refused = Sipp::caller(&daemon.folder, &part("uac_refused", CALLER, free_port()), &daemon, FIRST);
    refused.passes(&daemon);
    // The limit is 4 seconds; then the running call gets its BYE, and the daemon ends by itself.
    calling.passes(&daemon);
    waiting.passes(&daemon);
    assert!(daemon.wait_for_end().success());
    let records = daemon.records(1);
    let drained = records.iter().find(|record| record["cause"] == "drained");
    assert!(drained.is_some(), "{records:?}");
}

#[test]
fn a_second_signal_ends_at_once() {
    let callee = free_port();
    let mut daemon = start(callee);
    let (calling, waiting) = standing_call(&daemon, callee);
    daemon.signal("-TERM");
    wait_for(|| daemon.get("/readyz").is_some_and(|(status, _)| status == 503));
    daemon.signal("-TERM");
    daemon.wait_for_end();
    drop((calling, waiting));
}

#[test]
fn an_idle_daemon_ends_at_the_first_signal() {
    let mut daemon = start(free_port());
    daemon.signal("-TERM");
    assert!(daemon.wait_for_end().success());
    assert!(!daemon.folder.0.join("run/control.sock").exists(), "the control socket's file is left");
}

#[test]
fn an_operator_can_end_a_call() {
    let callee = free_port();
    let daemon = start(callee);
    let (calling, waiting) = standing_call(&daemon, callee);
    let calls = daemon.control(r#"{"id":1,"command":"calls"}"#);
    let calls: serde_json::Value = serde_json::from_str(&calls).expect("JSON");
    let call = calls["result"]["calls"][0]["call"].as_str().expect("a call").to_owned();
    daemon.control(&format!(r#"{{"id":2,"command":"hang_up","call":"{call}"}}"#));
    calling.passes(&daemon);
    waiting.passes(&daemon);
    assert_eq!(daemon.records(1)[0]["call"], call.as_str());
}

#[test]
fn every_log_line_of_a_call_carries_its_id_and_no_line_its_whole_number() {
    let callee = free_port();
    let daemon = start(callee);
    let answering = Sipp::callee(&daemon.folder, &part("uas_basic", CALLEE, callee));
    Sipp::caller(&daemon.folder, &part("uac_basic", CALLER, free_port()), &daemon, FIRST).passes(&daemon);
    answering.passes(&daemon);
    let records = daemon.records(1);
    let call = records[0]["call"].as_str().expect("an id");
    let log = daemon.log();
    let lines: Vec<serde_json::Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let of_call = lines.iter().filter(|line| line.to_string().contains(call)).count();
    assert!(of_call >= 3, "{log}");
    let told = lines.iter().filter(|line| line["level"] != "debug" && line["level"] != "DEBUG");
    assert_eq!(told.filter(|line| line.to_string().contains("+815012340001")).count(), 0, "{log}");
}
