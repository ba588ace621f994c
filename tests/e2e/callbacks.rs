//! A promise to call back that outlives the daemon: given, killed with, and kept, with two real phones.

use crate::audio::{hears_tone, registered, sound};
use crate::daemon::{Daemon, Files, Scratch, wait_for};
use serde_json::Value;

const PROFILE: &str = r#"
[profile]
realm = "offhook.test"
digest = "md5"
reliable = "supported"
[[listener]]
transport = "udp"
bind = "127.0.0.1:{sip}"
[[phone]]
name = "alice"
password = "secret-of-alice"
caller_number = "+819012345678"
media = "relay"
[[phone]]
name = "bob"
password = "secret-of-bob"
media = "relay"
"#;

const DIALPLAN: &str = r#"
[[rule]]
name = "later"
number = "later"
to = ["flow:later"]

[[rule]]
name = "alice"
number = "+819012345678"
to = ["phone:alice"]

[[queue]]
name = "orders"

[[routing_profile]]
name = "all"

[[routing_profile.queue]]
name = "orders"

[[agent]]
name = "bob"
routing_profile = "all"
phone = "bob"
"#;

/// The caller's own number is called back, as is the default.
const LATER: &str = r#"
[flow]
kind = "inbound"
start = "choose"
answer = "explicit"
on.error = "no"
[step.choose]
do = "set-queue"
queue = "orders"
next = "call-back"
[step.call-back]
do = "callback"
delay = "1s"
retries = 2
gap = "1s"
next = "yes"
[step.yes]
do = "hang-up"
cause = "busy"
[step.no]
do = "hang-up"
"#;

fn owed(daemon: &Daemon) -> Vec<Value> {
    let told: Value = serde_json::from_str(&daemon.control(r#"{"id":1,"command":"callbacks"}"#)).expect("JSON");
    told["result"]["callbacks"].as_array().cloned().unwrap_or_default()
}

#[test]
fn a_promise_survives_the_daemon_and_brings_agent_and_customer_together() {
    let folder = Scratch::new();
    std::fs::create_dir_all(folder.0.join("dialplans/flows")).expect("a folder");
    std::fs::write(folder.0.join("dialplans/flows/later.toml"), LATER).expect("written");
    let files = Files { profile: PROFILE, dialplan: DIALPLAN, fill: &[] };
    let mut daemon = Daemon::start_with(folder, &files, &[]);
    let before = Scratch::new();
    let mut alice = registered(&daemon, &before, "alice", &sound(440, "pcmu", ""));
    alice.dial("later");
    alice.hears("CALL_CLOSED");
    let asked = daemon.records(1).pop().expect("a record");
    let promised = owed(&daemon);
    assert_eq!(promised.len(), 1, "{promised:?}\n{}", daemon.log());
    assert_eq!((&promised[0]["number"], &promised[0]["waits"]), (&"+819012345678".into(), &"orders".into()));
    drop(alice);

    daemon.kill_and_start_again();
    let still = owed(&daemon);
    assert_eq!(still.len(), 1, "{}", daemon.log());
    for key in ["callback", "number", "started_at", "promised_at", "promised_in", "attempts"] {
        assert_eq!(still[0][key], promised[0][key], "{key}");
    }

    let after = Scratch::new();
    let mut alice = registered(&daemon, &after, "alice", &sound(440, "pcmu", ""));
    let mut bob = registered(&daemon, &after, "bob", &sound(1_000, "pcmu", ""));
    daemon.control(r#"{"id":2,"command":"agent","agent":"bob","status":"available"}"#);
    bob.hears("CALL_ESTABLISHED");
    alice.hears("CALL_INCOMING");
    alice.command("accept", "");
    alice.hears("CALL_ESTABLISHED");
    hears_tone(&alice, 1_000, "what the customer hears of the agent");
    hears_tone(&bob, 440, "what the agent hears of the customer");
    alice.command("hangup", "");
    bob.hears("CALL_CLOSED");
    let kept = daemon.records(2).pop().expect("a record");
    assert_eq!(kept["callback"]["promised_in"], asked["call"], "{kept}");
    assert_eq!((&kept["dialled"], &kept["cause"]), (&"+819012345678".into(), &"normal".into()), "{kept}");
    assert_eq!(owed(&daemon), Vec::<Value>::new());
    wait_for(|| daemon.metric("offhook_callbacks_ended_total") > 0.0);
    assert_eq!(daemon.metric("offhook_callbacks_ended_total"), 1.0);
}
