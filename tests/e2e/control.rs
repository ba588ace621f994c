//! The control protocol as its clients meet it: the documented conversations, events, restarts, clients that do not read,
//! and the network.

use crate::certificates;
use crate::daemon::{Daemon, Files, Scratch, free_port, wait_for};
use crate::sipp::{CALLEE, CALLER, Part, Sipp, Wire};
use offhook::edge::control::{check, schema};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const FIRST: &str = "+815012340001";

fn start(callee: u16, environment: &[(&str, String)]) -> Daemon {
    start_in(Scratch::new(), callee, environment)
}

fn start_in(folder: Scratch, callee: u16, environment: &[(&str, String)]) -> Daemon {
    let fill = [("{callee}", callee.to_string()), ("{second}", free_port().to_string()), ("{wire}", "udp".to_owned())];
    let dialplan = concat!(
        include_str!("config/dialplan.toml"),
        "\n[[queue]]\nname = \"orders\"\n[[routing_profile]]\nname = \"all\"\n[[routing_profile.queue]]\nname = \"orders\"\n[[agent]]\nname = \"ann\"\nrouting_profile = \"all\"\nnumber = \"+815012340009\"\n"
    );
    let files = Files { profile: include_str!("config/trunks.toml"), dialplan, fill: &fill };
    Daemon::start_with(folder, &files, environment)
}

/// One connection to the control socket. What it hears is checked against the schema.
struct Peer {
    write: UnixStream,
    read: BufReader<UnixStream>,
}

impl Peer {
    fn new(daemon: &Daemon) -> Peer {
        let write = UnixStream::connect(daemon.folder.0.join("run/control.sock")).expect("the control socket");
        write.set_read_timeout(Some(Duration::from_secs(30))).expect("a deadline");
        let read = BufReader::new(write.try_clone().expect("a second handle"));
        Peer { write, read }
    }

    fn say(&mut self, message: &Value) {
        writeln!(self.write, "{message}").expect("written");
    }

    fn hears(&mut self) -> Value {
        let mut line = String::new();
        self.read.read_line(&mut line).expect("a line");
        let message = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        is_in_schema(&message);
        message
    }

    fn ask(&mut self, message: Value) -> Value {
        self.say(&message);
        self.hears()
    }

    /// The events from here on to the first of this kind, with it.
    fn hears_until(&mut self, kind: &str) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let event = self.hears();
            let is_last = event["event"] == kind;
            events.push(event);
            if is_last {
                return events;
            }
        }
    }
}

fn definition_of(message: &Value) -> &'static str {
    match message {
        message if message.get("command").is_some() => "Command",
        message if message["event"] == "gap" => "Gap",
        message if message.get("event").is_some() => "Event",
        _ => "Answer",
    }
}

fn is_in_schema(message: &Value) {
    let definition = schema::definition(definition_of(message));
    check::check(schema::json_schema(), definition, message).unwrap_or_else(|wrong| panic!("{wrong:?}: {message}"));
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["event"].as_str()).collect()
}

/// The blocks of this language in the document.
fn blocks(language: &str) -> Vec<String> {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/control.md")).expect("readable");
    let fence = format!("```{language}\n");
    let parts = text.split(&fence).skip(1);
    let blocks: Vec<String> = parts.filter_map(|part| part.split("```").next()).map(str::to_owned).collect();
    assert!(!blocks.is_empty());
    blocks
}

/// What is told has the fields that are documented, each of its kind; texts may differ where they are not words of ours.
fn is_like(documented: &Value, told: &Value, path: &str) {
    match (documented, told) {
        (Value::Object(documented), Value::Object(told)) => {
            for (key, value) in documented {
                let own = told.get(key).unwrap_or_else(|| panic!("{path}/{key} is not told: {told:?}"));
                is_like(value, own, &format!("{path}/{key}"));
            }
        }
        _ => {
            let same_kind = std::mem::discriminant(documented) == std::mem::discriminant(told);
            assert!(same_kind, "{path}: {documented} is documented, {told} is told");
            if ["/id", "/error/code", "/error/path", "/event", "/why", "/seq", "/from"].contains(&path) {
                assert_eq!(documented, told, "{path}");
            }
        }
    }
}

#[test]
fn the_documented_conversations_are_held() {
    for (at, block) in blocks("control").iter().enumerate() {
        let daemon = start(free_port(), &[]);
        let mut peer = Peer::new(&daemon);
        for line in block.lines() {
            let message: Value = serde_json::from_str(&line[2..]).unwrap_or_else(|error| panic!("{error}: {line}"));
            let is_wrong_on_purpose = message["number"] == 7;
            if !is_wrong_on_purpose {
                is_in_schema(&message);
            }
            match line.as_bytes()[0] {
                b'>' => peer.say(&message),
                b'<' => is_like(&message, &peer.hears(), ""),
                _ => panic!("conversation {at}: {line}"),
            }
        }
    }
}

#[test]
fn the_documented_commands_are_executed() {
    let daemon = start(free_port(), &[]);
    for line in blocks("sh").iter().flat_map(|block| block.lines()) {
        let outcome = Command::new("sh")
            .args(["-ec", line])
            .env("OFFHOOK_SOCKET", daemon.folder.0.join("run/control.sock"))
            .env("PATH", with_our_program())
            .output()
            .expect("sh runs");
        assert!(outcome.status.success(), "{line}: {}", String::from_utf8_lossy(&outcome.stderr));
        let told = String::from_utf8_lossy(&outcome.stdout);
        assert!(serde_json::from_str::<Value>(&told).is_ok(), "{line}: {told}");
    }
}

fn with_our_program() -> String {
    let folder = Path::new(env!("CARGO_BIN_EXE_offhook")).parent().expect("a folder").display();
    format!("{folder}:{}", std::env::var("PATH").unwrap_or_default())
}

#[test]
fn the_events_of_a_call_tell_its_story_in_order() {
    let callee = free_port();
    let daemon = start(callee, &[]);
    let mut peer = Peer::new(&daemon);
    peer.ask(json!({ "id": 1, "command": "follow", "only": { "kinds": ["call.*", "leg.*"] } }));
    let answering = Sipp::callee(&daemon.folder, &part("uas_basic", CALLEE, callee));
    Sipp::caller(&daemon.folder, &part("uac_basic", CALLER, free_port()), &daemon, FIRST).passes(&daemon);
    answering.passes(&daemon);
    let events = peer.hears_until("call.ended");
    assert_eq!(events[0]["event"], "call.started");
    assert_eq!((&events[0]["caller"], &events[0]["dialled_e164"]), (&json!("trunk:callers"), &json!(FIRST)));
    let story = ["call.started", "leg.started", "leg.started", "leg.ringing", "leg.answered", "call.bridged"];
    let own: Vec<&str> = kinds(&events).into_iter().filter(|kind| *kind != "leg.quality").collect();
    assert_eq!(own[..story.len()], story, "{own:?}");
    assert!(own.contains(&"call.unbridged") && own.iter().filter(|kind| **kind == "leg.ended").count() == 2, "{own:?}");
    let orders: Vec<u64> = events.iter().filter_map(|event| event["n"].as_u64()).collect();
    assert_eq!(orders, (1..=events.len() as u64).collect::<Vec<_>>(), "every event of a call is told, in its order");
    let last = events.last().expect("there are events");
    assert_eq!((&last["cause"], &last["fault"]), (&json!("normal"), &json!("nobody")));
    // Whoever asks later for that call alone gets the same.
    let mut later = Peer::new(&daemon);
    later.ask(json!({ "id": 1, "command": "follow", "from": 1, "only": { "calls": [events[0]["call"]] } }));
    assert_eq!(later.hears_until("call.ended"), events);
    let mut of_trunk = Peer::new(&daemon);
    of_trunk.ask(json!({ "id": 1, "command": "follow", "from": 1, "only": { "trunks": ["callees"] } }));
    assert_eq!(of_trunk.hears()["party"], "trunk:callees");
}

fn part<'a>(scenario: &'a str, address: &'static str, port: u16) -> Part<'a> {
    Part { scenario, address, port, wire: Wire::Udp, calls: 1 }
}

#[test]
fn events_are_kept_across_an_end_and_a_kill_and_what_is_missing_is_said() {
    let mut daemon = start(free_port(), &[]);
    let mut first = Peer::new(&daemon);
    first.ask(json!({ "id": 1, "command": "follow", "from": 1 }));
    assert_eq!(first.hears()["event"], "daemon.started");
    Peer::new(&daemon).ask(json!({ "id": 2, "command": "agent", "agent": "ann", "status": "Available" }));
    let told = first.hears_until("agent.status");
    daemon.kill_and_start_again();
    let mut second = Peer::new(&daemon);
    second.ask(json!({ "id": 1, "command": "follow", "from": 1 }));
    let kept = second.hears_until("agent.status");
    assert_eq!(kept.last(), told.last(), "the same event under the same number");
    let gap = second.hears_until("gap").pop().expect("a gap");
    assert_eq!((&gap["why"], gap["to"].as_u64()), (&json!("lost"), gap["from"].as_u64().map(|from| from + 999)));
    let started = second.hears();
    assert_eq!(
        (&started["event"], started["seq"].as_u64()),
        (&json!("daemon.started"), gap["to"].as_u64().map(|to| to + 1))
    );
    drop((first, second));
    daemon.signal("-TERM");
    daemon.wait_for_end();
    let path = daemon.folder.0.join("run/events");
    let files = std::fs::read_dir(path).expect("events").map(|file| file.expect("a file").path());
    let last = files.max().expect("a segment");
    let text = std::fs::read_to_string(last).expect("readable");
    assert!(text.lines().last().is_some_and(|line| line.contains("daemon.stopped")), "{text}");
}

#[test]
fn a_client_that_does_not_read_is_dropped_with_a_gap_and_calls_go_on() {
    let callee = free_port();
    let daemon = start(callee, &[]);
    let mut stuck = Peer::new(&daemon);
    stuck.ask(json!({ "id": 1, "command": "follow", "from": 1 }));
    let mut busy = Peer::new(&daemon);
    // Some eight thousand events, ten times what the system's buffers take.
    for status in ["Available", "Offline"].iter().cycle().take(8_000) {
        busy.ask(json!({ "id": 1, "command": "agent", "agent": "ann", "status": status }));
    }
    let answering = Sipp::callee(&daemon.folder, &part("uas_basic", CALLEE, callee));
    Sipp::caller(&daemon.folder, &part("uac_basic", CALLER, free_port()), &daemon, FIRST).passes(&daemon);
    answering.passes(&daemon);
    // Who has not read for five seconds counts as one that does not.
    let since = Instant::now();
    wait_for(|| since.elapsed() > Duration::from_secs(10));
    // It reads at last: what was on its way, then the gap, then why, then the end.
    let events = stuck.hears_until("gap");
    let (gap, before) = (&events[events.len() - 1], &events[events.len() - 2]);
    assert_eq!((&gap["why"], gap["from"].as_u64()), (&json!("slow"), before["seq"].as_u64().map(|seq| seq + 1)));
    assert_eq!(stuck.hears()["error"]["code"], "too_slow");
    assert_eq!(stuck.read.read_line(&mut String::new()).expect("an end"), 0);
    wait_for(|| daemon.metric("offhook_control_faults_total") >= 1.0);
    assert_eq!(daemon.records(1)[0]["cause"], "normal");
    assert_eq!(daemon.metric("offhook_events_lost_total"), 0.0);
    // Whoever comes back with its number gets the rest.
    let mut again = Peer::new(&daemon);
    again.ask(json!({ "id": 1, "command": "follow", "from": gap["from"] }));
    assert_eq!(again.hears()["seq"], gap["from"]);
    assert_eq!(again.hears_until("call.ended").last().expect("an end")["cause"], "normal");
}

#[test]
fn an_engine_that_attaches_and_dies_is_seen_to_come_and_go() {
    let daemon = start(free_port(), &[]);
    let mut watching = Peer::new(&daemon);
    watching.ask(json!({ "id": 1, "command": "follow", "only": { "kinds": ["engine.*"] } }));
    let mut engine = Peer::new(&daemon);
    assert_eq!(engine.ask(json!({ "id": 1, "command": "attach", "engine": "acd" }))["result"]["engine"], "acd");
    assert_eq!(engine.ask(json!({ "id": 2, "command": "attach", "engine": "a b" }))["error"]["path"], "/engine");
    assert_eq!(watching.hears()["event"], "engine.attached");
    drop(engine);
    assert_eq!(watching.hears()["event"], "engine.gone");
}

#[test]
fn over_the_network_a_token_says_who_may_do_what() {
    let port = free_port();
    let folder = Scratch::new();
    certificates::make(&folder.0);
    let path = |name: &str| folder.0.join(name).display().to_string();
    // The digest of `open sesame`.
    let token = "observe sha256:41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb";
    let environment = [
        ("OFFHOOK_CONTROL__LISTEN", format!("127.0.0.1:{port}")),
        ("OFFHOOK_CONTROL__CERTIFICATE", path("server.pem")),
        ("OFFHOOK_CONTROL__KEY", path("server.key")),
        ("OFFHOOK_CONTROL__TOKENS__WATCHER", token.to_owned()),
    ];
    let authority = folder.0.join("ca.pem");
    let daemon = start_in(folder, free_port(), &environment);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/web/control.py");
    let outcome = Command::new("python3")
        .arg(script)
        .args([authority.display().to_string(), port.to_string(), "open sesame".to_owned()])
        .output()
        .expect("python3 runs");
    let told = String::from_utf8_lossy(&outcome.stdout);
    let said = format!("{told}{}{}", String::from_utf8_lossy(&outcome.stderr), daemon.log());
    let lines: Vec<Value> = told.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert_eq!(lines.len(), 7, "{said}");
    lines.iter().skip(1).for_each(is_in_schema);
    assert_eq!(lines[0], "401", "a wrong token in the head: {said}");
    assert_eq!(lines[1]["error"]["code"], "forbidden", "before the token: {said}");
    assert_eq!(lines[2]["error"]["path"], "/token", "{said}");
    assert_eq!(
        (&lines[3]["result"]["you"], &lines[3]["result"]["scopes"]),
        (&json!("token:watcher"), &json!(["observe"]))
    );
    assert_eq!(lines[4]["error"]["code"], "forbidden", "drain needs more: {said}");
    assert_eq!(lines[5]["result"]["from"], 1, "{said}");
    assert_eq!(lines[6]["event"], "daemon.started", "{said}");
    assert!(daemon.metric("offhook_control_faults_total") >= 4.0);
}
