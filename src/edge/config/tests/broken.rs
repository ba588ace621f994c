//! Configurations that are broken in one way each, and the exact words that say so.

use crate::edge::config::tests::{Folder, pair};

const OFFHOOK: &str = "offhook.toml";
const CARRIER: &str = "sip-profiles/carrier.toml";
const PHONES: &str = "sip-profiles/phones.toml";
const MAIN: &str = "dialplans/main.toml";

/// The sound folder with one piece of one file replaced has exactly these faults.
fn check(file: &str, (from, to): (&str, &str), expected: &[&str]) {
    let folder = Folder::sample();
    folder.edit(file, from, to);
    check_folder(&folder, &[], expected);
}

fn check_folder(folder: &Folder, variables: &[(&str, &str)], expected: &[&str]) {
    let faults = match folder.try_read(variables) {
        Ok(configuration) => configuration.warnings,
        Err(faults) => faults,
    };
    assert_eq!(folder.summaries(&faults), expected);
}

#[test]
fn unknown_keys_name_the_nearest_valid_one() {
    check(
        CARRIER,
        ("networks", "netwroks"),
        &["sip-profiles/carrier.toml:10:1: error: trunk[0].netwroks: unknown key `netwroks`; did you mean `networks`?"],
    );
}
