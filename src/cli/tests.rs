//! What commands ask of the daemon, and what they make of its answers.

use super::*;
use clap::CommandFactory;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;

#[test]
fn every_command_stands_in_the_grouped_help_and_the_other_way_round() {
    let command = Offhook::command();
    let known: Vec<&str> = command.get_subcommands().map(|sub| sub.get_name()).collect();
    let written = HELP.lines().filter_map(|line| line.strip_prefix("  ")).filter_map(|line| line.split(' ').next());
    let mut written: Vec<&str> = written.filter(|word| !word.is_empty()).collect();
    written.sort_unstable();
    let mut sorted = known.clone();
    sorted.sort_unstable();
    assert_eq!(written, sorted);
    command.debug_assert();
}

#[test]
fn every_command_has_a_json_form() {
    for name in ["status", "calls", "trunks", "phones", "queues", "agents", "reload", "drain", "man"] {
        assert!(Offhook::try_parse_from(["offhook", name, "--json"]).is_ok_and(|read| read.json), "{name}");
    }
}

/// Runs the arguments against a daemon that answers `reply`; gives the request it saw and the outcome.
fn check(arguments: &[&str], reply: &str) -> (Value, Outcome) {
    let folder =
        std::env::temp_dir().join(format!("offhook-cli-{}-{:?}", std::process::id(), std::thread::current().id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("control.sock");
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    let reply = format!("{reply}\n");
    let daemon = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).unwrap();
        (&stream).write_all(reply.as_bytes()).unwrap();
        serde_json::from_str(&line).unwrap()
    });
    let socket = path.to_str().unwrap();
    let given = ["--socket", socket];
    let read = Offhook::try_parse_from(["offhook"].iter().chain(arguments).chain(&given)).unwrap();
    let outcome = execute(read.command, Style::Words);
    let request = daemon.join().unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    (request, outcome)
}

#[test]
fn calls_are_shown_as_columns_and_one_by_its_number() {
    let reply = json!({ "id": 1, "result": { "calls": [{ "call": "00000000000000ff", "from": "alice\u{1b}[2J" }] } })
        .to_string();
    let (request, outcome) = check(&["calls"], &reply);
    assert_eq!(request, json!({ "id": 1, "command": "calls" }));
    assert_eq!(outcome.unwrap().words, "call              from\n00000000000000ff  alice?[2J\n");
    let (_, outcome) = check(&["calls", "00000000000000ff"], &reply);
    assert_eq!(outcome.unwrap().json["call"], "00000000000000ff");
    let (_, outcome) = check(&["calls", "00000000000000fe"], &reply);
    assert_eq!(outcome.unwrap_err().exit, 1);
}

#[test]
fn a_refused_reload_tells_every_fault_and_exits_as_bad_configuration() {
    let reply = r#"{"id":1,"error":{"code":"bad_configuration","message":"2 faults","details":["a:1:1","b:2:2"]}}"#;
    let (request, outcome) = check(&["reload", "--dry-run"], reply);
    assert_eq!(request, json!({ "id": 1, "command": "reload", "dry_run": true }));
    let failure = outcome.unwrap_err();
    assert_eq!((failure.exit, failure.details.len()), (outcome::USAGE, 2));
}

#[test]
fn trunks_say_which_targets_are_up() {
    let reply = r#"{"id":1,"result":{"trunks":[{"trunk":"a","calls":1,"calls_max":30,"registered":null,
        "targets":[{"target":"192.0.2.1","up":true},{"target":"192.0.2.2","up":false}]}]}}"#;
    let (_, outcome) = check(&["trunks"], &reply.replace('\n', ""));
    assert!(outcome.unwrap().words.contains("192.0.2.1 up, 192.0.2.2 down"));
}

#[test]
fn explaining_names_the_caller_when_given() {
    let reply = r#"{"id":1,"result":{"trail":["rule main matched","trunk:a"]}}"#;
    let (request, outcome) = check(&["explain", "+8150", "--as", "trunk:a"], reply);
    assert_eq!(request["as"], "trunk:a");
    assert_eq!(request["from"], Value::Null);
    assert_eq!(outcome.unwrap().words, "rule main matched\ntrunk:a");
}

#[test]
fn explaining_a_folder_needs_no_daemon() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let arguments = Offhook::try_parse_from(["offhook", "explain", "+815012345678", "--config", folder]).unwrap();
    let words = execute(arguments.command, Style::Words).unwrap().words;
    assert!(words.starts_with("no daemon was asked") && words.contains("rule "), "{words}");
    let arguments = Offhook::try_parse_from(["offhook", "explain", "1", "--config", "/nonexistent"]).unwrap();
    assert_eq!(execute(arguments.command, Style::Words).unwrap_err().exit, 64);
}

#[test]
fn without_a_daemon_the_failure_names_the_socket() {
    let failure = Client::new("/nonexistent/control.sock".into()).ask(json!({})).unwrap_err();
    assert_eq!((failure.exit, failure.code.as_str()), (1, "unreachable"));
    assert!(failure.message.contains("/nonexistent/control.sock"), "{}", failure.message);
}

#[test]
fn what_is_no_answer_of_ours_is_a_failure() {
    let (_, outcome) = check(&["status"], "HTTP/1.1 400 Bad Request");
    assert_eq!(outcome.unwrap_err().code, "broken");
}

#[test]
fn the_manual_and_the_completions_name_the_commands() {
    assert!(man::execute(Style::Words).unwrap().words.contains("explain"));
    let arguments = completions::Arguments { shell: clap_complete::Shell::Bash };
    assert!(completions::execute(&arguments).unwrap().words.contains("hangup"));
}

#[test]
fn a_supervisor_sets_the_status_of_an_agent_or_clears_what_stands_in_the_way() {
    let reply = json!({ "id": 1, "result": { "agent": "alice" } }).to_string();
    let (request, outcome) = check(&["agents", "alice", "available"], &reply);
    assert_eq!(request, json!({ "id": 1, "command": "agent", "agent": "alice", "status": "available" }));
    assert_eq!(outcome.unwrap().words, "alice: done");
    let (request, _) = check(&["agents", "alice", "clear"], &reply);
    assert_eq!(request, json!({ "id": 1, "command": "agent", "agent": "alice", "status": null }));
}
