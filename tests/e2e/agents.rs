//! The agents' protocol at the real daemon: who may come, and a call that goes on while its page is gone.

use crate::daemon::{Daemon, Files, free_port};
use crate::web;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const PROFILE: &str = r#"
[profile]
realm = "offhook.test"
digest = "md5"
[[listener]]
transport = "udp"
bind = "127.0.0.1:{sip}"
[[listener]]
transport = "ws"
bind = "127.0.0.1:{ws}"
origins = ["https://desk.test"]
[[phone]]
name = "alice"
password = "sip-secret-of-alice"
[[phone]]
name = "bob"
password = "sip-secret-of-bob"
"#;

/// Alice's password is "secret-of-alice"; the hash asks for little, so that it takes little on a slow machine.
const DIALPLAN: &str = r#"
[[status]]
name = "Lunch"
[[queue]]
name = "orders"
[[routing_profile]]
name = "all"
[[routing_profile.queue]]
name = "orders"
[[agent]]
name = "alice"
phone = "alice"
routing_profile = "all"
wrap_up = "1h"
password_hash = "{hash}"
[[agent]]
name = "bob"
phone = "bob"
routing_profile = "all"
[[rule]]
name = "orders"
number = "100"
to = ["queue:orders"]
"#;

struct Pages {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    url: String,
}

impl Pages {
    fn start(url: String) -> Pages {
        web::install();
        let script = web::folder().join("agent.mjs");
        let mut child =
            Command::new("node").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("node");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("an output"));
        Pages { child, input, output, url }
    }

    fn ask(&mut self, what: &Value) -> Value {
        writeln!(self.input.as_mut().expect("asked before its end"), "{what}").expect("it listens");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("an answer");
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{what}: {error}: {line}"));
        answer.get("ok").cloned().unwrap_or_else(|| panic!("{what}: {answer}"))
    }

    fn open(&mut self, page: &str, hello: &Value) -> Value {
        let url = self.url.clone();
        self.ask(&json!(["open", page, url, { "origin": "https://desk.test" }, hello]))
    }

    fn say(&mut self, page: &str, order: Value) -> Value {
        self.ask(&json!(["say", page, order]))
    }

    fn until(&mut self, page: &str, path: &str, value: Value) -> Value {
        self.ask(&json!(["until", page, path, value]))
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

fn house() -> (Daemon, Pages) {
    let ws = free_port();
    let hash = offhook::edge::softphone::password::hash("secret-of-alice").expect("a hash");
    let fill = [("{ws}", ws.to_string()), ("{hash}", hash)];
    let daemon = Daemon::start(&Files { profile: PROFILE, dialplan: DIALPLAN, fill: &fill });
    (daemon, Pages::start(format!("ws://127.0.0.1:{ws}/agent")))
}

fn alice() -> Value {
    json!({ "user": "alice", "password": "secret-of-alice", "media": true })
}

/// A browser's description, as far as the exchange reads it.
fn description(fragment: &str, setup: &str) -> String {
    let print = vec!["AB"; 32].join(":");
    format!(
        "v=0\r\no=- 4611 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 126\r\nc=IN IP4 0.0.0.0\r\n\
         a=mid:0\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:126 telephone-event/8000\r\na=ice-ufrag:{fragment}\r\n\
         a=ice-pwd:{fragment}0123456789012345678901\r\na=fingerprint:sha-256 {print}\r\na=setup:{setup}\r\na=rtcp-mux\r\na=sendrecv\r\n"
    )
}

/// A customer who dials the queue and stays as long as the test.
fn customer(daemon: &Daemon) -> Child {
    let to = format!("127.0.0.1:{}", daemon.sip);
    Command::new(env!("CARGO_BIN_EXE_offhook"))
        .args(["dial", "100", "--to", &to, "--from", "bob", "--login", "bob:sip-secret-of-bob"])
        .args(["--seconds", "600", "--ring-seconds", "600"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the caller starts")
}

#[test]
fn who_may_not_come_is_refused_for_the_reason() {
    let (daemon, mut pages) = house();
    let url = pages.url.clone();
    let refused = |answer: &Value| answer["error"]["code"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    let foreign = pages.ask(&json!(["open", "x", url, { "origin": "https://elsewhere.test" }, alice()]));
    assert_eq!(foreign["http"], 403);
    for (hello, code) in [
        (json!({ "user": "alice", "password": "wrong" }), "bad_credentials"),
        (json!({ "user": "bob", "password": "secret-of-alice" }), "bad_credentials"),
        (json!({ "user": "nobody", "password": "secret-of-alice" }), "bad_credentials"),
        (json!({ "token": "offhook1.YQ.YQ" }), "bad_token"),
        (json!({ "token": "e30.e30.e30" }), "bad_token"),
        (json!({ "user": "alice" }), "bad_request"),
        (json!({ "version": 2, "token": "x" }), "unsupported_version"),
    ] {
        assert_eq!(refused(&pages.open("x", &hello)), code, "{hello}");
    }
    for _ in 0..4 {
        pages.open("x", &json!({ "user": "alice", "password": "wrong" }));
    }
    assert_eq!(refused(&pages.open("x", &alice())), "too_many", "also the right password, for a while");
    let log = daemon.log();
    assert!(!log.contains("secret-of-alice") && !log.contains("offhook1."), "a secret is in the log");
    assert!(daemon.metric("offhook_softphone_logins_total") > 10.5);
}

#[test]
fn tokens_end_with_the_logout_and_resuming_with_the_seat() {
    let (_daemon, mut pages) = house();
    let welcome = pages.open("a", &alice());
    assert_eq!((&welcome["agent"]["status"], &welcome["owner"]), (&json!("Offline"), &json!(true)));
    let by = |name: &str| json!({ "token": welcome[name], "media": false });
    assert_eq!(pages.open("b", &by("resume"))["owner"], false);
    assert!(pages.open("c", &by("token")).get("done").is_some());
    assert!(pages.say("c", json!({ "do": "set_status", "status": "lunch" })).get("done").is_some());
    let told = pages.until("b", "agent.status", json!("Lunch"));
    assert_eq!(told["agent"]["status_kind"], "custom");
    assert_eq!(pages.say("c", json!("{\"do\":"))["error"]["code"], "bad_request");
    assert_eq!(pages.say("c", json!({ "do": "hold", "contact": "x" }))["error"]["code"], "unknown_contact");
    let dial = json!({ "do": "dial", "number": "100", "sdp": description("dial", "actpass") });
    assert_eq!(pages.say("c", dial)["error"]["code"], "not_owner");
    assert!(pages.say("a", json!({ "do": "logout" })).get("done").is_some());
    assert_eq!(pages.until("b", "told", json!("bye"))["reason"], "logout");
    for name in ["token", "resume"] {
        assert_eq!(pages.open("d", &by(name))["error"]["code"], "expired", "{name}");
    }
}

#[test]
fn a_call_goes_on_while_its_page_is_gone() {
    let (daemon, mut pages) = house();
    let welcome = pages.open("a", &alice());
    pages.say("a", json!({ "do": "set_status", "status": "available" }));
    let mut customer = customer(&daemon);
    let rings = pages.until("a", "contact.state", json!("connecting"));
    let contact = rings["contact"]["id"].as_str().expect("a name").to_owned();
    assert_eq!((&rings["contact"]["queue"], &rings["contact"]["to"]), (&json!("orders"), &json!("100")), "{rings}");
    let offer = rings["contact"]["offer"].as_str().expect("an offer");
    assert!(offer.contains("a=fingerprint:sha-256") && offer.contains("a=ice-lite"), "{offer}");
    let accept = json!({ "do": "accept", "contact": contact, "sdp": description("page", "active") });
    assert!(pages.say("a", accept).get("done").is_some());
    pages.until("a", "agent.activity", json!("on_contact"));
    assert!(pages.say("a", json!({ "do": "hold", "contact": contact })).get("done").is_some());
    assert!(pages.say("a", json!({ "do": "resume", "contact": contact })).get("done").is_some());
    assert!(pages.say("a", json!({ "do": "logout" }))["error"]["code"] == "wrong_state");

    pages.ask(&json!(["drop", "a"]));
    let back = pages.open("b", &json!({ "token": welcome["resume"], "media": true }));
    assert_eq!(back["contacts"][0]["id"], contact, "{back}");
    assert_eq!(back["contacts"][0]["needs_attach"], true, "{back}");
    let attach = json!({ "do": "attach", "contact": contact, "sdp": description("quay", "actpass") });
    let attached = pages.say("b", attach);
    let answer = attached["sdp"].as_str().unwrap_or_else(|| panic!("{attached}"));
    assert!(answer.contains("a=setup:passive") && answer.contains("a=sendrecv"), "{answer}");
    assert_ne!(line(answer, "a=ice-ufrag:"), line(offer, "a=ice-ufrag:"), "another connection has other credentials");
    assert!((daemon.metric("offhook_softphone_resumed_total") - 1.0).abs() < 0.5);

    assert!(pages.say("b", json!({ "do": "hang_up", "contact": contact })).get("done").is_some());
    let acw = pages.until("b", "contact.state", json!("ended"));
    assert!(acw["contact"]["ended"]["cause"].is_string(), "{acw}");
    pages.until("b", "agent.activity", json!("acw"));
    assert!(pages.say("b", json!({ "do": "clear", "contact": contact })).get("done").is_some());
    pages.until("b", "contact", json!(contact));
    assert_eq!(pages.open("c", &json!({ "token": welcome["token"] }))["history"][0]["outcome"], "answered");
    drop(customer.kill());
    drop(customer.wait());
}

fn line<'a>(description: &'a str, name: &str) -> Option<&'a str> {
    description.lines().find_map(|line| line.strip_prefix(name))
}
