//! The tree of dependencies: licences that we may ship, crates that we never link, duplicates that have a reason.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Licences under which code may stand in the program.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "OpenSSL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that never stand in the program, with the reason.
const BANNED: &[(&str, &str)] = &[
    ("g729-sys", "GPL"),
    ("bcg729", "GPL"),
    ("openssl", "one TLS library is enough; rustls"),
    ("native-tls", "one TLS library is enough; rustls"),
    ("ring", "one crypto library is enough; aws-lc-rs"),
    ("async-std", "one runtime is enough; tokio"),
    ("webrtc-dtls", "abandoned name"),
];

/// Crates that stand in the program in two versions, with the reason. The list may only shrink.
const DUPLICATES: &[(&str, &str)] = &[
    ("dashmap", "rlibphonenumber keeps its compiled patterns in 5"),
    ("foldhash", "of the two hashbrowns"),
    ("hashbrown", "under dashmap 5, dashmap 6 and hashlink"),
    ("logos", "while building only: rlibphonenumber reads its description of data with protox"),
    ("logos-codegen", "as logos"),
    ("logos-derive", "as logos"),
    ("syn", "while building only: tracing's macros have not moved to 3"),
    ("thiserror", "rlibphonenumber has not moved to 2"),
    ("thiserror-impl", "as thiserror"),
];

struct Package {
    name: String,
    version: String,
    licence: String,
}

/// Every package that is linked into the program, or runs while it is built, on Linux, with the features that are on.
fn tree() -> Vec<Package> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let tree = Command::new(cargo)
        .args(["tree", "--locked", "--offline", "--edges", "normal,build", "--target", "x86_64-unknown-linux-gnu"])
        .args(["--prefix", "none", "--format", "{p}|{l}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    read_tree(&String::from_utf8_lossy(&tree.stdout))
}

/// Lines such as `name v1.2.3 (place)|MIT OR Apache-2.0 (*)`; a package may stand there many times.
fn read_tree(text: &str) -> Vec<Package> {
    let mut found = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (package, licence) = line.split_once('|').expect("a licence after the package");
        let mut words = package.split(' ');
        let name = words.next().unwrap_or_default().to_owned();
        let version = words.next().unwrap_or_default().trim_start_matches('v').to_owned();
        found.insert((name, version), licence.trim_end_matches("(*)").trim().to_owned());
    }
    found.into_iter().map(|((name, version), licence)| Package { name, version, licence }).collect()
}

/// Whether an SPDX expression can be met by allowed licences alone.
fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let allowed = read_or(&words, &mut at);
    allowed && at == words.len()
}

fn read_or(words: &[&str], at: &mut usize) -> bool {
    let mut allowed = read_and(words, at);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        allowed |= read_and(words, at);
    }
    allowed
}

fn read_and(words: &[&str], at: &mut usize) -> bool {
    let mut allowed = read_one(words, at);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        allowed &= read_one(words, at);
    }
    allowed
}

fn read_one(words: &[&str], at: &mut usize) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let allowed = read_or(words, at);
        *at += 1;
        return allowed;
    }
    if words.get(*at) == Some(&"WITH") {
        let whole = format!("{word} WITH {}", words.get(*at + 1).unwrap_or(&""));
        *at += 2;
        return ALLOWED.contains(&whole.as_str());
    }
    ALLOWED.contains(word)
}

/// Names that stand in several versions, with the versions.
fn duplicates(tree: &[Package]) -> BTreeMap<&str, Vec<&str>> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in tree {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    versions.retain(|_, versions| versions.len() > 1);
    versions
}

#[test]
fn every_licence_in_the_program_allows_shipping_it() {
    let tree = tree();
    assert!(tree.len() > 50, "only {} packages were found", tree.len());
    let faults = tree.iter().filter(|package| !is_allowed(&package.licence));
    let faults: Vec<String> = faults.map(|p| format!("{} {}: `{}`", p.name, p.version, p.licence)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_banned_crate_is_in_the_program() {
    let tree = tree();
    for (name, reason) in BANNED {
        assert!(!tree.iter().any(|package| package.name == *name), "{name}: {reason}");
    }
}

#[test]
fn every_duplicate_has_a_reason_and_every_reason_a_duplicate() {
    let tree = tree();
    let found = duplicates(&tree);
    let listed: BTreeSet<&str> = DUPLICATES.iter().map(|(name, _)| *name).collect();
    let unlisted: Vec<_> = found.iter().filter(|(name, _)| !listed.contains(*name)).collect();
    assert!(unlisted.is_empty(), "in two versions without a reason: {unlisted:?}");
    let gone: Vec<_> = listed.iter().filter(|name| !found.contains_key(*name)).collect();
    assert!(gone.is_empty(), "no duplicate any more, take it off the list: {gone:?}");
}

#[test]
fn expressions_of_licences_are_understood() {
    for good in [
        "MIT",
        "MIT OR Apache-2.0",
        "MIT/Apache-2.0",
        "(MIT OR GPL-3.0) AND ISC",
        "GPL-2.0 OR MIT",
        "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
        "ISC AND (Apache-2.0 OR ISC)",
    ] {
        assert!(is_allowed(good), "{good}");
    }
    for bad in [
        "",
        "GPL-3.0-only",
        "LGPL-2.1",
        "AGPL-3.0",
        "MPL-2.0",
        "MIT AND GPL-2.0",
        "GPL-2.0 WITH Classpath-exception-2.0",
        "(MIT AND GPL-3.0) OR MPL-2.0",
    ] {
        assert!(!is_allowed(bad), "{bad}");
    }
}

#[test]
fn a_package_counts_once_however_often_it_stands_in_the_tree() {
    let text =
        "offhook v0.1.0 (/x/y)|MIT\na v1.0.0|MIT OR ISC\n\na v1.0.0|MIT OR ISC (*)\na v2.0.0 (proc-macro)|GPL-3.0\n";
    let tree = read_tree(text);
    let seen: Vec<_> = tree.iter().map(|p| format!("{} {} {}", p.name, p.version, p.licence)).collect();
    assert_eq!(seen, ["a 1.0.0 MIT OR ISC", "a 2.0.0 GPL-3.0", "offhook 0.1.0 MIT"]);
    assert_eq!(duplicates(&tree)["a"], ["1.0.0", "2.0.0"]);
}
