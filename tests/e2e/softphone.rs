//! Agents at the softphone's page, served by the daemon, in a real browser: calls of a queue, keys, reloads, transfers.

use crate::audio::{hears_tone, registered, sound};
use crate::baresip::Baresip;
use crate::browser::Browser;
use crate::daemon::{Daemon, Files, Scratch, free_port};
use crate::turns::in_real_time;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// What each sounds like.
const ALICE: u16 = 600;
const CAROL: u16 = 1_500;
const CUSTOMER: u16 = 1_000;

const PASSWORD: &str = "open-sesame";

const PROFILE: &str = r#"
[profile]
realm = "offhook.test"
digest = "md5"
reliable = "supported"
[[listener]]
transport = "udp"
bind = "127.0.0.1:{sip}"
[[listener]]
transport = "ws"
bind = "127.0.0.1:{ws}"
[[phone]]
name = "alice"
password = "secret-of-alice"
media = "webrtc"
[[phone]]
name = "carol"
password = "secret-of-carol"
media = "webrtc"
[[phone]]
name = "bob"
password = "secret-of-bob"
caller_number = "+819012345678"
codecs = ["PCMU"]
"#;

const DIALPLAN: &str = r#"
[[rule]]
name = "orders"
number = "orders"
to = ["queue:orders"]

[[rule]]
name = "keys"
number = "+815012345699"
to = ["flow:keys"]

[[queue]]
name = "orders"

[[routing_profile]]
name = "all"

[[routing_profile.queue]]
name = "orders"

[[agent]]
name = "alice"
routing_profile = "all"
phone = "alice"
password_hash = "{hash}"

[[agent]]
name = "carol"
routing_profile = "all"
phone = "carol"
password_hash = "{hash}"
"#;

/// Keeps what is keyed.
const KEYS: &str = r#"
[flow]
kind = "inbound"
start = "take"
on.error = "bye"
[step.take]
do = "answer"
next = "number"
[step.number]
do = "collect"
prompt = "en/sure"
first_timeout = "60s"
next_timeout = "20s"
next = "keep"
[step.keep]
do = "set-attributes"
attributes = { keyed = "$.StoredCustomerInput" }
next = "bye"
[step.bye]
do = "hang-up"
"#;

struct Office {
    daemon: Daemon,
    url: String,
    scratch: Scratch,
}

impl Office {
    fn open() -> Office {
        let folder = Scratch::new();
        std::fs::create_dir_all(folder.0.join("dialplans/flows")).expect("a folder");
        std::fs::write(folder.0.join("dialplans/flows/keys.toml"), KEYS).expect("written");
        let prompts = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
        std::os::unix::fs::symlink(prompts, folder.0.join("prompts")).expect("a link");
        let ws = free_port();
        let fill = [("{ws}", ws.to_string()), ("{hash}", hash(PASSWORD))];
        let daemon = Daemon::start_with(folder, &Files { profile: PROFILE, dialplan: DIALPLAN, fill: &fill }, &[]);
        Office { daemon, url: format!("http://localhost:{ws}"), scratch: Scratch::new() }
    }

    /// Logged in, and available from now on: who waits rings at once.
    fn begins(&self, name: &str, hertz: u16) -> Browser {
        let mut browser = Browser::at_the_page(&self.url, hertz);
        browser.does(&format!("login {name} {PASSWORD}"));
        browser.does("status Available");
        browser
    }

    /// Logged in and available, while nobody waits.
    fn agent(&self, name: &str, hertz: u16) -> Browser {
        let mut browser = self.begins(name, hertz);
        browser.does("idle routable");
        browser
    }

    fn customer(&self) -> Baresip {
        registered(&self.daemon, &self.scratch, "bob", &sound(CUSTOMER, "pcmu", ""))
    }
}

/// As `offhook password` makes it.
fn hash(password: &str) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_offhook"))
        .arg("password")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    child.stdin.take().expect("an input").write_all(password.as_bytes()).expect("it listens");
    let output = child.wait_with_output().expect("it ends");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn talk(agent: &mut Browser, customer: &Baresip) {
    agent.does(&format!("hears {CUSTOMER}"));
    hears_tone(customer, ALICE, "from the agent");
}

#[test]
fn a_queued_call_is_taken_held_reloaded_and_ended_in_the_page() {
    in_real_time(|| {
        let office = Office::open();
        let mut customer = office.customer();
        let mut alice = office.agent("alice", ALICE);
        customer.dial("orders");
        alice.does("look ringing");
        alice.does("reads orders");
        alice.does("press accept");
        alice.does("look connected");
        talk(&mut alice, &customer);
        alice.does("press hold");
        alice.does("look held");
        alice.does("silence");
        alice.does("press hold");
        alice.does("look connected");
        alice.does(&format!("hears {CUSTOMER}"));
        alice.does("reload");
        alice.does("look connected");
        talk(&mut alice, &customer);
        alice.does("press keypad");
        alice.does("keys 5");
        customer.hears("\"param\":\"5\"");
        alice.does("press end");
        customer.hears("CALL_CLOSED");
        alice.does("look ended");
        alice.does("press clear");
        alice.does("idle routable");
        assert_eq!(alice.does("faults"), "");
    });
}

#[test]
fn a_rejected_call_is_a_missed_one_and_the_next_agent_takes_it() {
    in_real_time(|| {
        let office = Office::open();
        let mut customer = office.customer();
        let mut alice = office.agent("alice", ALICE);
        customer.dial("orders");
        alice.does("look ringing");
        alice.does("press end");
        alice.does("look missed");
        let mut carol = office.begins("carol", CAROL);
        carol.does("look ringing");
        carol.does("press accept");
        carol.does(&format!("hears {CUSTOMER}"));
        hears_tone(&customer, CAROL, "from the second agent");
        alice.does("press clear");
        alice.does("idle routable");
        customer.command("hangup", "");
        carol.does("look ended");
    });
}

#[test]
fn keys_of_the_page_reach_a_flow_that_it_has_dialled() {
    in_real_time(|| {
        let office = Office::open();
        let mut alice = office.agent("alice", ALICE);
        alice.does("number +815012345699");
        alice.does("press call");
        alice.does("look connected");
        alice.does("press keypad");
        alice.does("keys 4711#");
        alice.does("look ended");
        let record = office.daemon.records(1).pop().expect("a record");
        assert_eq!(record["noted"]["keyed"], "4711", "{record}");
    });
}

#[test]
fn a_call_that_is_handed_on_is_heard_by_the_second_agent() {
    in_real_time(|| {
        let office = Office::open();
        let mut customer = office.customer();
        let mut alice = office.agent("alice", ALICE);
        customer.dial("orders");
        alice.does("look ringing");
        alice.does("press accept");
        talk(&mut alice, &customer);
        let mut carol = office.agent("carol", CAROL);
        alice.does("press transfer");
        alice.does("target carol");
        carol.does("look ringing");
        carol.does("press accept");
        carol.does(&format!("hears {CUSTOMER}"));
        hears_tone(&customer, CAROL, "from the second agent");
        alice.does("look ended");
        customer.command("hangup", "");
        carol.does("look ended");
    });
}
