//! The order desk of the samples, called by a real phone with real keys: before the answer and after it, in both languages.

use crate::audio::{hears_tone, recording, registered, sound};
use crate::baresip::Baresip;
use crate::daemon::{Daemon, Files, Scratch, free_port, wait_for};
use crate::turns::in_real_time;
use crate::wav;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};

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
name = "desk"
number = "desk"
to = ["flow:order-desk"]

[[rule]]
name = "ahead"
number = "ahead"
to = ["flow:first"]

[[rule]]
name = "spoken"
number = "spoken"
to = ["flow:spoken"]

[[rule]]
name = "bob"
number = "+815012345601"
to = ["phone:bob"]
"#;

/// A server of orders: answers each question by its path, and tells what it was asked.
struct Orders {
    port: u16,
    asked: Receiver<String>,
}

impl Orders {
    fn open(known: bool) -> Orders {
        let port = free_port();
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("a port");
        let (told, asked) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if answer(stream, known, &told).is_none() {
                    return;
                }
            }
        });
        Orders { port, asked }
    }
}

fn answer(stream: TcpStream, known: bool, told: &Sender<String>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut path, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if let Some(rest) = line.strip_prefix("POST ") {
            path = rest.split(' ').next()?.to_owned();
        }
        if let Some(number) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = number.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    told.send(format!("{path} {}", String::from_utf8_lossy(&body))).ok()?;
    let json = match (path.as_str(), known) {
        ("/orders", true) => {
            r#"{"recordFound":"True","orderId":"104","orderedItem":"Hoodie","shippingDate":"2026-11-30"}"#
        }
        ("/orders", false) => r#"{"recordFound":"False"}"#,
        _ => r#"{"lambdaResult":"Success"}"#,
    };
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{json}", json.len());
    reader.into_inner().write_all(answer.as_bytes()).ok()
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The daemon with the sample flow, its prompts, and this server of orders.
fn house(orders: &Orders) -> Daemon {
    let folder = Scratch::new();
    let flow = std::fs::read_to_string(repository().join("dialplans/flows/order-desk.toml")).expect("the sample");
    let flow = flow.replace("127.0.0.1:8099", &format!("127.0.0.1:{}", orders.port));
    std::fs::create_dir_all(folder.0.join("dialplans/flows")).expect("a folder");
    std::fs::write(folder.0.join("dialplans/flows/order-desk.toml"), flow).expect("written");
    for (name, flow) in [("first", FIRST), ("second", SECOND), ("spoken", SPOKEN)] {
        std::fs::write(folder.0.join(format!("dialplans/flows/{name}.toml")), flow).expect("written");
    }
    std::os::unix::fs::symlink(repository().join("prompts"), folder.0.join("prompts")).expect("a link");
    let allow = format!("http://127.0.0.1:{}/", orders.port);
    // Whatever is to be spoken, this engine says the same.
    let engine = format!("cat,{}", repository().join("prompts/en/cancelled.wav").display());
    let environment = [("OFFHOOK_WEBHOOKS__ALLOW", allow), ("OFFHOOK_SPEECH__COMMAND", engine)];
    Daemon::start_with(folder, &Files { profile: PROFILE, dialplan: DIALPLAN, fill: &[] }, &environment)
}

/// A key for the first flow, several for the second, which the first one goes on to.
const FIRST: &str = r#"
[flow]
kind = "inbound"
start = "ask"
on.error = "bye"
[step.ask]
do = "ask"
prompt = "en/menu"
keys = { 5 = "go" }
on.timeout = "bye"
on.default = "bye"
[step.go]
do = "transfer-to-flow"
flow = "second"
[step.bye]
do = "hang-up"
"#;

const SECOND: &str = r#"
[flow]
kind = "inbound"
start = "number"
on.error = "bye"
[step.number]
do = "collect"
prompt = "en/sure"
next = "keep"
[step.keep]
do = "set-attributes"
attributes = { keyed = "$.StoredCustomerInput" }
next = "bye"
[step.bye]
do = "hang-up"
"#;

/// A text, then a message of the caller.
const SPOKEN: &str = r##"
[flow]
kind = "inbound"
start = "hello"
on.error = "bye"
[step.hello]
do = "play"
say = "Your order is cancelled."
next = "message"
[step.message]
do = "record"
limit = "30s"
terminator = "#"
next = "thanks"
[step.thanks]
do = "play"
prompt = "en/goodbye"
next = "bye"
[step.bye]
do = "hang-up"
"##;

fn phone(daemon: &Daemon, scratch: &Scratch, user: &str, hertz: u16) -> Baresip {
    registered(daemon, scratch, user, &sound(hertz, "pcmu", ""))
}

fn heard(phone: &Baresip) -> Option<wav::Sound> {
    recording(phone.folder(), "dec")
}

fn prompt(name: &str) -> wav::Sound {
    wav::read_mu_law(&repository().join(format!("prompts/{name}.wav"))).expect("a prompt")
}

/// Waits until this prompt has been heard.
fn hears(phone: &Baresip, name: &str) {
    let wanted = prompt(name);
    let likeness = || heard(phone).map_or(0.0, |heard| heard.likeness_of(&wanted));
    // Prompts come one after the other, and looking for one takes its time.
    for _ in 0..4 {
        wait_for(|| likeness() > LIKE);
    }
    let is = likeness();
    assert!(is > LIKE, "{name} was not heard: {is}\n{}", phone.log());
}

/// Of recordings of one sound: above 0.99; of two different ones: below 0.7.
const LIKE: f64 = 0.9;

fn steps(record: &serde_json::Value) -> Vec<String> {
    let steps = record["steps"].as_array().expect("steps");
    let named = steps.iter().filter_map(|step| step.as_str()?.strip_prefix("order-desk/"));
    named.map(|step| step.split(' ').next().unwrap_or_default().to_owned()).collect()
}

/// Waits until a flow has left this step so many times.
fn leaves(daemon: &Daemon, step: &str, times: usize) {
    let log = || std::fs::read_to_string(daemon.folder.0.join("run/flows.jsonl")).unwrap_or_default();
    let count = || log().matches(&format!("\"Identifier\":\"{step}\"")).count();
    wait_for(|| count() >= times);
    assert!(count() >= times, "{step} was not left {times} times:\n{}", log());
}

/// Waits until so many seconds more have been heard.
fn listens(phone: &Baresip, seconds: f64) {
    let length = || heard(phone).map_or(0.0, |heard| heard.seconds());
    let before = length();
    wait_for(|| length() > before + seconds);
}

#[test]
fn the_order_desk_asks_before_the_answer_and_tells_after_it() {
    in_real_time(|| {
        let orders = Orders::open(true);
        let daemon = house(&orders);
        let scratch = Scratch::new();
        let mut alice = phone(&daemon, &scratch, "alice", 440);
        alice.dial("desk");
        listens(&alice, 2.5);
        assert_eq!(alice.count("CALL_ESTABLISHED"), 0, "this was before the answer");
        alice.command("sndcode", "1");
        alice.hears("CALL_ESTABLISHED");
        let question = orders.asked.recv().expect("a question");
        assert!(question.starts_with("/orders ") && question.contains("\"CallerID\":\"+819012345678\""), "{question}");
        leaves(&daemon, "welcome", 1);
        listens(&alice, 6.0);
        alice.command("sndcode", "1");
        leaves(&daemon, "status", 1);
        alice.command("sndcode", "2");
        leaves(&daemon, "menu", 2);
        listens(&alice, 3.5);
        alice.command("sndcode", "1");
        leaves(&daemon, "bye", 1);
        alice.hears("CALL_CLOSED");
        let all = heard(&alice).expect("a recording");
        for name in ["for-english", "welcome", "menu", "your-order", "month/11", "sure", "cancelled", "goodbye"] {
            let likeness = all.likeness_of(&prompt(&format!("en/{name}")));
            assert!(likeness > LIKE, "{name} was not heard: {likeness}\n{}", alice.log());
        }
        let cancel = orders.asked.recv().expect("a question");
        assert!(cancel.starts_with("/cancel ") && cancel.contains("\"orderId\":\"104\""), "{cancel}");
        let record = daemon.records(1).pop().expect("a record");
        let steps = steps(&record);
        assert_eq!(steps.first().map(String::as_str), Some("language"), "{steps:?}");
        assert!(steps.ends_with(&["cancel".into(), "cancelled".into(), "goodbye".into(), "bye".into()]), "{steps:?}");
        assert_eq!(record["noted"]["orderId"], "104", "{record}");
        let log = std::fs::read_to_string(daemon.folder.0.join("run/flows.jsonl")).expect("the log of flows");
        assert!(log.lines().count() >= steps.len(), "{log}");
    });
}

#[test]
fn keys_for_what_comes_later_are_kept_and_the_desk_talks_to_a_stranger() {
    in_real_time(|| {
        let orders = Orders::open(false);
        let daemon = house(&orders);
        let scratch = Scratch::new();
        let mut bob = phone(&daemon, &scratch, "bob", 1_000);
        let mut alice = phone(&daemon, &scratch, "alice", 440);
        alice.dial("desk");
        hears(&alice, "en/for-english");
        alice.command("sndcode", "2");
        hears(&alice, "ja/no-order");
        bob.hears("CALL_ESTABLISHED");
        hears_tone(&bob, 440, "what bob hears of alice");
        // Who was called hangs up: the caller is thanked.
        bob.command("hangup", "");
        hears(&alice, "ja/goodbye");
        alice.hears("CALL_CLOSED");
        let steps = steps(&daemon.records(1).pop().expect("a record"));
        assert!(steps.ends_with(&["desk".into(), "goodbye".into(), "bye".into()]), "{steps:?}");
    });
}

#[test]
fn keys_pressed_ahead_of_a_change_of_flow_all_arrive() {
    in_real_time(|| {
        let orders = Orders::open(false);
        let daemon = house(&orders);
        let scratch = Scratch::new();
        let mut alice = phone(&daemon, &scratch, "alice", 440);
        alice.dial("ahead");
        alice.hears("CALL_ESTABLISHED");
        for key in "551230#".chars() {
            alice.command("sndcode", &key.to_string());
        }
        alice.hears("CALL_CLOSED");
        let record = daemon.records(1).pop().expect("a record");
        assert_eq!(record["noted"]["keyed"], "51230", "{record}");
    });
}

#[test]
fn a_text_is_spoken_and_a_message_is_kept() {
    in_real_time(|| {
        let orders = Orders::open(false);
        let daemon = house(&orders);
        let scratch = Scratch::new();
        let mut alice = phone(&daemon, &scratch, "alice", 440);
        alice.dial("spoken");
        hears(&alice, "en/cancelled");
        let message = || {
            let record = wav_below(&daemon.folder.0.join("run/recordings"))?;
            wav::read(&record)
        };
        wait_for(|| message().is_some_and(|message| message.seconds() > 2.0));
        alice.command("sndcode", "#");
        hears(&alice, "en/goodbye");
        alice.hears("CALL_CLOSED");
        let record = daemon.records(1).pop().expect("a record");
        let place = record["recordings"][0].as_str().expect("a place").to_owned();
        wait_for(|| daemon.metric("offhook_recordings_total") > 0.0);
        let message = wav::read(Path::new(&place)).expect("a recording");
        assert!(message.seconds() > 2.0 && message.clearest(440).share_of(440) > 0.9, "{place}");
    });
}

/// The one recording somewhere below a folder.
fn wav_below(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let mut found = entries.filter_map(|path| if path.is_dir() { wav_below(&path) } else { Some(path) });
    found.next()
}

#[test]
fn prompts_are_told_from_each_other() {
    let (one, other) = (prompt("en/welcome"), prompt("en/goodbye"));
    assert!(one.likeness_of(&one) > 0.99);
    let alike = one.likeness_of(&other);
    assert!(alike < 0.7, "{alike}");
    assert!(Path::new(&repository().join("prompts/ja/number/300.wav")).exists());
}
