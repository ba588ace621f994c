//! The engine in Node of the examples, as people run it: what its database says is what happens with the call.

use crate::daemon::{Daemon, Files, free_port, wait_for};
use crate::sipp::{CALLEE, CALLER, Part, Sipp, Wire};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

const DIALPLAN: &str = r#"
[[engine]]
name = "desk"
fallback = "reject:number-gone"

[[rule]]
name = "desk"
number = "+815012349999"
to = ["engine:desk"]

[[rule]]
name = "callees"
number = "+815012340001"
to = ["trunk:callees"]

[[queue]]
name = "orders"
[[routing_profile]]
name = "all"
[[routing_profile.queue]]
name = "orders"
[[agent]]
name = "ann"
routing_profile = "all"
number = "+815012340001"
status = "available"
"#;

/// Of the callers that the scenarios play, and of nobody.
const KNOWN: &str = r#"{ "hours": { "from": 0, "to": 24, "days": [] }, "queues": { "1": "orders" },
    "customers": { "+81312345678": { "name": "Sato", "queue": "orders", "level": 1 } } }"#;
const UNKNOWN: &str =
    r#"{ "hours": { "from": 0, "to": 24, "days": [] }, "queues": { "1": "orders" }, "customers": {} }"#;

struct Node(Child);

impl Node {
    fn start(daemon: &Daemon, customers: &str, when: &str) -> Node {
        let file = daemon.folder.0.join("customers.json");
        std::fs::write(&file, customers).expect("written");
        let mut child = Command::new("node")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/engines/business_hours.mjs"))
            .arg(daemon.folder.0.join("run/control.sock"))
            .args(["desk", &file.display().to_string(), when])
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        assert_eq!(line.trim(), "attached");
        let attached = |daemon: &Daemon| daemon.log().matches("an engine has attached").count();
        let before = daemon.log().matches("an engine is gone").count();
        wait_for(|| attached(daemon) > before);
        Node(child)
    }

    fn end(mut self, daemon: &Daemon) {
        let before = daemon.log().matches("an engine is gone").count();
        self.0.kill().expect("killed");
        self.0.wait().expect("it ends");
        wait_for(|| daemon.log().matches("an engine is gone").count() > before);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_database_of_the_example_decides_who_waits_who_is_asked_and_who_is_told_to_call_again() {
    let callee = free_port();
    let fill = [("{callee}", callee.to_string()), ("{second}", free_port().to_string()), ("{wire}", "udp".to_owned())];
    let files = Files { profile: include_str!("config/trunks.toml"), dialplan: DIALPLAN, fill: &fill };
    let daemon = Daemon::start(&files);
    let part = |scenario, address, port| Part { scenario, address, port, wire: Wire::Udp, calls: 1 };
    let answering = Sipp::callee(&daemon.folder, &part("uas_basic", CALLEE, callee));
    let turns = [
        (KNOWN, "open", "engine desk decides: queue"),
        (UNKNOWN, "open", "engine desk decides: collect"),
        (KNOWN, "closed", "engine desk decides: reject"),
    ];
    for (at, (customers, when, words)) in turns.into_iter().enumerate() {
        let node = Node::start(&daemon, customers, when);
        let calling = Sipp::caller(&daemon.folder, &part("uac_basic", CALLER, free_port()), &daemon, "+815012349999");
        wait_for(|| daemon.metric("offhook_calls_started_total") > at as f64);
        node_has_decided(&daemon, words, at);
        drop(calling);
        node.end(&daemon);
    }
    drop(answering);
}

/// The trail of the running call says it, or the record of one that is over.
fn node_has_decided(daemon: &Daemon, words: &str, at: usize) {
    let decided = |daemon: &Daemon| {
        std::fs::read_to_string(daemon.folder.0.join("run/records.jsonl")).is_ok_and(|text| text.contains(words))
    };
    wait_for(|| {
        let calls = daemon.control(r#"{"id":1,"command":"calls"}"#);
        let calls: serde_json::Value = serde_json::from_str(&calls).unwrap_or_default();
        for call in calls["result"]["calls"].as_array().into_iter().flatten() {
            // What was decided is in the record; a call that waits has been decided on and may end.
            if call["step"].is_string() {
                daemon.control(&format!(r#"{{"id":2,"command":"hang_up","call":{}}}"#, call["call"]));
            }
        }
        decided(daemon)
    });
    assert!(decided(daemon), "turn {at}: {words}\n{}", daemon.log());
}
