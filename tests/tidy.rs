//! The border guard: reads the sources and documents and fails when a rule of the house is broken.

// These see the world from outside: clocks and waiting are theirs.
#![allow(clippy::disallowed_methods)]

#[path = "tidy/dependencies.rs"]
mod dependencies;
#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/planted.rs"]
mod planted;
#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/source.rs"]
mod source;

use source::Source;

/// Applies one rule to every source of ours and fails with all faults at once.
fn check(rule: impl Fn(&Source) -> Vec<String>) {
    let sources = source::all();
    assert!(sources.len() > 50, "only {} sources were found", sources.len());
    let faults: Vec<String> = sources.iter().flat_map(rule).collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn imports_point_down() {
    check(rules::imports);
}

#[test]
fn nothing_below_the_edge_touches_the_world() {
    check(rules::effects);
}

#[test]
fn files_are_at_most_600_lines() {
    check(rules::file_length);
}

#[test]
fn functions_are_at_most_60_lines() {
    check(rules::function_length);
}

#[test]
fn exceptions_from_the_lengths_are_all_needed() {
    let sources = source::all();
    for name in rules::LONG_FUNCTIONS {
        assert!(rules::is_still_long(&sources, name), "{name} is no exception any more: take it off the list");
    }
}

#[test]
fn every_file_says_first_what_it_is() {
    check(rules::first_line);
}

#[test]
fn types_bear_words_of_the_vocabulary() {
    check(rules::type_names);
}

#[test]
fn nothing_is_left_undone() {
    check(rules::leftovers);
}

#[test]
fn production_code_that_peers_reach_does_not_panic() {
    check(rules::panics);
}

#[test]
fn functions_take_at_most_five_parameters() {
    check(rules::parameters);
}

#[test]
fn tests_stand_last_and_apart_when_long() {
    check(rules::test_place);
}

#[test]
fn tests_wait_for_events_and_never_for_a_duration() {
    check(rules::sleeps);
}

#[test]
fn there_are_three_test_binaries() {
    let manifest = source::read("Cargo.toml");
    let mut binaries = source::test_binaries();
    binaries.sort();
    assert_eq!(binaries, ["e2e", "sim", "tidy"], "one binary per kind of test");
    assert!(!manifest.contains("[[test]]"), "the three need no entry of their own");
}
