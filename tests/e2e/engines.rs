//! Engines that decide where calls go: one that does its work, and those that do not.

use crate::daemon::{Daemon, Files, Scratch, free_port, wait_for};
use crate::sipp::{CALLEE, CALLER, Part, Sipp, Wire};
use offhook::edge::control::{check, schema};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const DIALPLAN: &str = r#"
[[engine]]
name = "desk"
deadline = "2s"
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

const NUMBER: &str = "+815012349999";

fn start(callee: u16) -> Daemon {
    let fill = [("{callee}", callee.to_string()), ("{second}", free_port().to_string()), ("{wire}", "udp".to_owned())];
    Daemon::start(&Files { profile: include_str!("config/trunks.toml"), dialplan: DIALPLAN, fill: &fill })
}

fn part(scenario: &'static str, address: &'static str, port: u16) -> Part<'static> {
    Part { scenario, address, port, wire: Wire::Udp, calls: 1 }
}

fn is_in_schema(message: &Value) {
    let name = match message {
        message if message.get("command").is_some() => "Command",
        message if message.get("event").is_some() => "Told",
        message if message.get("do").is_some() => "Decision",
        _ => "Answer",
    };
    let checked = check::check(schema::json_schema(), schema::definition(name), message);
    checked.unwrap_or_else(|wrong| panic!("{name} {wrong:?}: {message}"));
}

#[test]
fn every_message_of_the_page_is_as_the_schema_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/engines.md");
    let text = std::fs::read_to_string(path).expect("readable");
    let mut count = 0;
    for block in text.split("```json\n").skip(1).filter_map(|part| part.split("```").next()) {
        for message in serde_json::Deserializer::from_str(block).into_iter::<Value>() {
            is_in_schema(&message.unwrap_or_else(|error| panic!("{error}: {block}")));
            count += 1;
        }
    }
    assert!(count > 20, "{count} messages are documented");
}

/// One call, which goes as the scenario says; then its record.
fn call(daemon: &Daemon, scenario: &'static str, before: usize) -> Value {
    Sipp::caller(&daemon.folder, &part(scenario, CALLER, free_port()), daemon, NUMBER).passes(daemon);
    let records = daemon.records(before + 1);
    assert_eq!(records.len(), before + 1, "one record for each call");
    records.last().expect("a record").clone()
}

fn says(record: &Value, words: &str) -> bool {
    record["trail"]
        .as_array()
        .is_some_and(|lines| lines.iter().any(|line| line.as_str().is_some_and(|l| l.contains(words))))
}

/// An example, as people run it.
struct Python(Child);

impl Python {
    fn start(daemon: &Daemon, script: &str, more: &[&str]) -> Python {
        let mut child = Command::new("python3")
            .arg(format!("{}/examples/engines/{script}", env!("CARGO_MANIFEST_DIR")))
            .arg(daemon.folder.0.join("run/control.sock"))
            .arg("desk")
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        assert_eq!(line.trim(), "attached");
        // What it has said is read before anything that is said later.
        wait_for(|| daemon.log().contains("an engine has attached"));
        Python(child)
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.0.id().to_string()]).status().expect("kill").success());
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_router_of_the_examples_offers_calls_and_its_death_is_no_end_of_them() {
    let callee_port = free_port();
    let daemon = start(callee_port);
    let gone = call(&daemon, "uac_gone", 0);
    assert!(says(&gone, "not attached"), "without an engine what was declared happens at once: {gone}");

    let python = Python::start(&daemon, "least_recent_agent.py", &[]);
    let callee = Sipp::callee(&daemon.folder, &part("uas_basic", CALLEE, callee_port));
    let routed = call(&daemon, "uac_basic", 1);
    callee.passes(&daemon);
    assert!(says(&routed, "engine desk decides: offer") && says(&routed, "joined to ann"), "{routed}");

    // Frozen: it is not waited for any longer than was declared.
    python.signal("-STOP");
    let frozen = call(&daemon, "uac_gone", 2);
    assert!(says(&frozen, "engine desk has said nothing for 2000 ms: reject:number-gone"), "{frozen}");
    python.signal("-KILL");
    wait_for(|| daemon.log().contains("an engine is gone"));
    let killed = call(&daemon, "uac_gone", 3);
    assert!(says(&killed, "not attached"), "{killed}");
}

#[test]
fn the_front_desk_of_the_examples_asks_thinks_and_puts_the_caller_through() {
    let callee_port = free_port();
    let daemon = start(callee_port);
    let people = daemon.folder.0.join("desk.json");
    let beep = json!([{ "tone": "beep" }]);
    let desk = json!({ "greeting": beep, "sorry": beep, "seconds": 1, "people": {}, "otherwise": "+815012340001" });
    std::fs::write(&people, desk.to_string()).expect("written");
    let _python = Python::start(&daemon, "front_desk.py", &[&people.display().to_string()]);
    let callee = Sipp::callee(&daemon.folder, &part("uas_hangs_up", CALLEE, callee_port));
    let record = call(&daemon, "uac_hung_up_on", 0);
    callee.passes(&daemon);
    for words in ["desk orders: collect", "desk orders: dial", "desk hangs up: normal"] {
        assert!(says(&record, words), "{words}: {record}");
    }
}

/// An engine in the hands of the test.
struct Engine {
    stream: UnixStream,
    reader: BufReader<UnixStream>,
}

impl Engine {
    fn attach(daemon: &Daemon) -> Engine {
        Engine::attach_as(daemon, "desk")
    }

    fn attach_as(daemon: &Daemon, name: &str) -> Engine {
        let stream = UnixStream::connect(daemon.folder.0.join("run/control.sock")).expect("the control socket");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a deadline");
        let reader = BufReader::new(stream.try_clone().expect("another end"));
        let mut engine = Engine { stream, reader };
        engine.say(&json!({"id": "a", "command": "attach", "engine": name}));
        assert!(engine.next()["result"].is_object());
        engine
    }

    fn say(&mut self, message: &Value) {
        writeln!(self.stream, "{message}").expect("written");
    }

    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("a line in time");
        let told = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        is_in_schema(&told);
        told
    }

    fn asked(&mut self) -> String {
        let request = self.next();
        assert_eq!(request["event"], "route.request", "{request}");
        request["request"].as_str().expect("its name").to_owned()
    }

    fn decide(&mut self, request: &str, decision: Value) -> Value {
        self.say(&json!({"id": "d", "command": "decide", "request": request, "decision": decision}));
        self.next()
    }
}

#[test]
fn a_decision_that_is_late_wrong_second_or_about_nothing_changes_nothing() {
    let daemon = start(free_port());
    let mut engine = Engine::attach(&daemon);
    let caller = |scenario| Sipp::caller(&daemon.folder, &part(scenario, CALLER, free_port()), &daemon, NUMBER);

    let first = caller("uac_busy");
    let request = engine.asked();
    let wrong = engine.decide(&request, json!({"do": "queue", "queue": "oders"}));
    assert_eq!(
        (&wrong["error"]["code"], &wrong["error"]["path"]),
        (&json!("no_such_queue"), &json!("/decision/queue"))
    );
    let unread = engine.decide(&request, json!({"do": "dial", "to": "1", "timeout": "long"}));
    assert_eq!(unread["error"]["path"], "/decision/timeout", "{unread}");
    let unknown = engine.decide(&format!("{request}9"), json!({"do": "reject"}));
    assert_eq!(unknown["error"]["path"], "/request", "{unknown}");
    assert!(engine.decide(&request, json!({"do": "reject", "cause": "busy"}))["result"].is_object());
    first.passes(&daemon);
    let over = engine.decide(&request, json!({"do": "reject", "cause": "busy"}));
    let code = over["error"]["code"].as_str().unwrap_or_default();
    assert!(["already_decided", "too_late", "no_such_call"].contains(&code), "{over}");

    let second = caller("uac_gone");
    let request = engine.asked();
    second.passes(&daemon);
    let late = engine.decide(&request, json!({"do": "reject", "cause": "busy"}));
    let code = late["error"]["code"].as_str().unwrap_or_default();
    assert!(["too_late", "no_such_call"].contains(&code), "{late}");
    assert_eq!(daemon.records(2).len(), 2);
}

#[test]
fn megabytes_end_the_conversation_and_the_call_goes_where_it_was_declared() {
    let daemon = start(free_port());
    let mut engine = Engine::attach(&daemon);
    let caller = Sipp::caller(&daemon.folder, &part("uac_gone", CALLER, free_port()), &daemon, NUMBER);
    engine.asked();
    // It may be cut off while it still writes.
    let _ = engine.stream.write_all(&vec![b'x'; 4 << 20]);
    let _ = engine.stream.write_all(b"\n");
    let mut rest = String::new();
    let _ = engine.reader.read_to_string(&mut rest);
    caller.passes(&daemon);
    let record = daemon.records(1).remove(0);
    assert!(says(&record, "nobody decides") || says(&record, "has said nothing"), "{record}");
    assert_eq!(daemon.control(r#"{"id":1,"command":"calls"}"#).trim(), r#"{"id":1,"result":{"calls":[]}}"#);
}

#[test]
fn an_engine_with_control_orders_a_call_and_lets_it_go() {
    let daemon = start(free_port());
    let mut engine = Engine::attach(&daemon);
    let caller = Sipp::caller(&daemon.folder, &part("uac_busy", CALLER, free_port()), &daemon, NUMBER);
    let request = engine.asked();
    engine.say(&json!({"id": "d", "command": "decide", "request": request, "decision": {"do": "control"}}));
    // The result and the sign that orders may come overtake each other.
    let told = [engine.next(), engine.next()];
    let lease = told.iter().find_map(|one| one["result"]["lease"].as_u64()).expect("a lease");
    let call = told.iter().find_map(|one| one["call"].as_str()).expect("a call").to_owned();
    let order = |engine: &mut Engine, lease: u64, order: Value| {
        engine.say(&json!({"id": "o", "command": "order", "call": call, "lease": lease, "order": order}));
        loop {
            let told = engine.next();
            if told["id"] == "o" {
                return told;
            }
        }
    };
    let stale = order(&mut engine, lease + 1, json!({"do": "stop"}));
    assert_eq!(stale["error"]["path"], "/lease", "{stale}");
    let silent = order(&mut engine, lease, json!({"do": "play", "play": []}));
    assert_eq!(silent["error"]["path"], "/order/play", "{silent}");
    assert!(order(&mut engine, lease, json!({"do": "set", "attributes": {"tier": "gold"}}))["result"].is_object());
    assert!(order(&mut engine, lease, json!({"do": "reject", "cause": "busy"}))["result"].is_object());
    caller.passes(&daemon);
    let record = daemon.records(1).remove(0);
    assert!(says(&record, "desk orders: reject"), "{record}");
}

#[test]
fn an_engine_works_out_what_a_flow_asks_it() {
    let callee = free_port();
    let fill = [("{callee}", callee.to_string()), ("{second}", free_port().to_string()), ("{wire}", "udp".to_owned())];
    let folder = Scratch::new();
    let flows = folder.0.join("dialplans/flows");
    std::fs::create_dir_all(&flows).expect("a folder");
    std::fs::write(flows.join("score.toml"), FLOW).expect("a file");
    let plan = r#"
[[rule]]
name = "score"
number = "+815012349999"
to = ["flow:score"]
"#;
    let files = Files { profile: include_str!("config/trunks.toml"), dialplan: plan, fill: &fill };
    let daemon = Daemon::start_with(folder, &files, &[]);
    let gone = call(&daemon, "uac_gone", 0);
    assert!(says_step(&gone, "score/ask function error"), "without an engine: {gone}");

    let mut engine = Engine::attach_as(&daemon, "acd");
    let caller = Sipp::caller(&daemon.folder, &part("uac_busy", CALLER, free_port()), &daemon, NUMBER);
    let asked = engine.next();
    assert_eq!((&asked["event"], &asked["function"]), (&json!("function.call"), &json!("score")), "{asked}");
    assert!(asked["body"]["Details"]["ContactData"].is_object(), "{asked}");
    let answer = json!({"id": "r", "command": "return", "request": asked["request"], "result": {"class": "bad"}});
    engine.say(&answer);
    assert_eq!(engine.next(), json!({"id": "r", "result": {}}));
    caller.passes(&daemon);
    engine.say(&answer);
    assert_eq!(engine.next()["error"]["code"], "no_such_request");
    assert!(says_step(&daemon.records(2)[1], "score/ask function success"));
}

const FLOW: &str = r#"
[flow]
kind = "inbound"
answer = "explicit"
start = "ask"

[step.ask]
do = "function"
name = "acd/score"
next = "look"
on.error = "gone"

[step.look]
do = "check"
what = "$.External.class"
when = [{ equals = "bad", to = "busy" }]
on.no_match = "gone"

[step.busy]
do = "hang-up"
cause = "busy"

[step.gone]
do = "hang-up"
cause = "number-gone"
"#;

fn says_step(record: &Value, words: &str) -> bool {
    let steps = record["steps"].as_array();
    steps.is_some_and(|lines| lines.iter().any(|line| line.as_str().is_some_and(|line| line.contains(words))))
}
