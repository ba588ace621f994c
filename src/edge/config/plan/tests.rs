//! Reloads as an operator sees them: what was edited, and what the plan says of it.

use crate::edge::config::Configuration;
use crate::edge::config::plan::{difference, keep_listener_numbers, plan};
use crate::edge::config::tests::{Folder, MINIMAL_PROFILE};
use crate::protocol::sip::path::ListenerId;

/// The plan from a folder to the same folder with one piece of one file replaced.
fn check(file: &str, (from, to): (&str, &str), expected: &[&str]) {
    let folder = Folder::sample();
    let running = folder.read();
    folder.edit(file, from, to);
    let next = folder.read();
    let folder_name = format!("{}/", folder.path().display());
    let lines: Vec<String> = plan(&running, &next, &calls).iter().map(|line| line.replace(&folder_name, "")).collect();
    assert_eq!(lines, expected);
    assert_ne!(running.hash, next.hash);
}

fn calls(party: &str) -> usize {
    match party {
        "trunk:carrier-a" => 3,
        "phone:bob" => 1,
        _ => 0,
    }
}

#[test]
fn nothing_edited_is_nothing_planned() {
    let folder = Folder::sample();
    assert!(plan(&folder.read(), &folder.read(), &|_| 0).is_empty());
    assert_eq!(folder.read().hash, folder.read().hash);
}

#[test]
fn a_limit_is_for_new_calls() {
    check(
        "sip-profiles/carrier.toml",
        ("calls_max = 30", "calls_max = 60"),
        &["trunk carrier-a: limits.calls_max 30 -> 60 (new calls)"],
    );
}

#[test]
fn a_removed_phone_names_the_calls_that_keep_it() {
    let folder = Folder::sample();
    let running = folder.read();
    folder.edit("sip-profiles/phones.toml", "[[phone]]\nname = \"bob\"\npassword_file = \"bob.secret\"\n", "");
    folder.edit("dialplans/main.toml", "phone:bob", "phone:alice");
    assert_eq!(
        plan(&running, &folder.read(), &calls),
        [
            "phone bob: removed; 1 running call keeps it (new calls)",
            "rule second: to [phone:bob] -> [phone:alice] (new calls)",
        ]
    );
}

#[test]
fn a_renamed_trunk_is_a_removed_and_an_added_one() {
    let folder = Folder::sample();
    let running = folder.read();
    folder.edit("sip-profiles/carrier.toml", "name = \"carrier-a\"", "name = \"carrier-z\"");
    folder.edit("dialplans/main.toml", "trunk:carrier-a", "trunk:carrier-z");
    assert_eq!(
        plan(&running, &folder.read(), &calls),
        [
            "trunk carrier-a: removed; 3 running calls keep it (new calls)",
            "trunk carrier-z: added (new calls)",
            "rule out: to [trunk:carrier-a] -> [trunk:carrier-z] (new calls)",
        ]
    );
}

#[test]
fn a_new_listener_is_bound_at_once() {
    check(
        "sip-profiles/phones.toml",
        (
            "[[phone]]\nname = \"alice\"",
            "[[listener]]\ntransport = \"tcp\"\nbind = \"127.0.0.1:5090\"\n\n[[phone]]\nname = \"alice\"",
        ),
        &["listener phones tcp 127.0.0.1:5090: added (at once)"],
    );
}

#[test]
fn what_needs_a_restart_says_so() {
    let folder = Folder::sample();
    let running = folder.read();
    folder.edit("offhook.toml", "[log]", "worker_threads = 2\n[log]");
    folder.edit("offhook.toml", "level = \"info\"", "level = \"debug\"");
    let plan = difference(&running, &folder.read(), &|_| 0);
    assert_eq!(
        plan.lines(),
        ["daemon: log.level info -> debug (at once)", "daemon: worker_threads 0 -> 2 (needs a restart)"]
    );
    assert!(plan.needs_restart());
}

#[test]
fn a_password_changes_without_being_shown() {
    check(
        "bob.secret",
        ("bobs word", "another"),
        &["phone bob: digest.password changed (new calls)", "file bob.secret: new contents (new connections)"],
    );
}

#[test]
fn rules_that_change_places_are_told() {
    check(
        "dialplans/main.toml",
        (
            "[[rule]]\nname = \"first\"\nnumber = \"1\"\nto = [\"phone:alice\"]\n\n[[rule]]\nname = \"second\"\nnumber = \"2\"\nto = [\"phone:bob\"]\n",
            "[[rule]]\nname = \"second\"\nnumber = \"2\"\nto = [\"phone:bob\"]\n\n[[rule]]\nname = \"first\"\nnumber = \"1\"\nto = [\"phone:alice\"]\n",
        ),
        &["rules: their order changed (new calls)"],
    );
}

fn numbers(configuration: &Configuration) -> Vec<(u16, String)> {
    let profiles = &configuration.exchange.profiles;
    let ids = 0..u16::try_from(profiles.listeners.len()).unwrap();
    ids.filter_map(|id| {
        let (_, listener) = profiles.listener(ListenerId(id))?;
        assert_eq!(listener.id, ListenerId(id));
        Some((id, listener.bind.to_string()))
    })
    .collect()
}

#[test]
fn a_listener_that_stays_keeps_its_number() {
    let folder = Folder::sample();
    let running = folder.read();
    let named = |pairs: &[(u16, &str)]| -> Vec<(u16, String)> {
        pairs.iter().map(|(id, at)| (*id, (*at).to_owned())).collect()
    };
    assert_eq!(numbers(&running), named(&[(0, "127.0.0.1:5060"), (1, "127.0.0.1:5062")]));
    // A profile that sorts before all others, and the carrier's one gone elsewhere.
    folder.write("sip-profiles/a.toml", MINIMAL_PROFILE);
    let mut next = folder.read();
    assert_eq!(next.exchange.trunks[0].targets[0].listener, ListenerId(1));
    keep_listener_numbers(&running.exchange.profiles, &mut next);
    assert_eq!(numbers(&next), named(&[(0, "127.0.0.1:5060"), (1, "127.0.0.1:5062"), (2, "127.0.0.1:5080")]));
    assert_eq!(next.exchange.trunks[0].targets[0].listener, ListenerId(0));
    // The first one goes: its number leads nowhere, the others stay.
    folder.remove("sip-profiles/carrier.toml");
    folder.edit("dialplans/main.toml", "trunk:carrier-a", "reject:unreachable");
    let mut after = folder.read();
    keep_listener_numbers(&next.exchange.profiles, &mut after);
    assert_eq!(numbers(&after), named(&[(1, "127.0.0.1:5062"), (2, "127.0.0.1:5080")]));
    assert!(after.exchange.profiles.listener(ListenerId(0)).is_none());
}
