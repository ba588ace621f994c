//! The guard is guarded: a fault planted in a text must be found, and what is right must pass.

use crate::rules;
use crate::source::{Source, functions};

/// The faults of `rule` in a text that claims to stand at `path`.
fn check(rule: impl Fn(&Source) -> Vec<String>, path: &str, text: &str) -> Vec<String> {
    rule(&Source::new(path, text))
}

#[test]
fn an_upward_import_is_found() {
    let faults = check(rules::imports, "src/domain/leg/mod.rs", "//! x\n\nuse crate::domain::call::Call;\n");
    assert_eq!(faults, ["src/domain/leg/mod.rs:3: `domain::leg` may not use `domain::call::Call`"]);
    for (path, used) in [
        ("src/base/now.rs", "crate::protocol::sip::path::Path"),
        ("src/protocol/sip/mod.rs", "crate::domain::profile::Profile"),
        ("src/protocol/sip/digest.rs", "crate::protocol::sdp::parse"),
        ("src/domain/trunk/mod.rs", "crate::domain::phone::settings::Phone"),
        ("src/domain/switchboard/mod.rs", "crate::edge::clock::now"),
        ("src/edge/udp.rs", "crate::cli::run"),
        ("src/edge/udp.rs", "crate::unknown::thing"),
    ] {
        assert_eq!(check(rules::imports, path, &format!("//! x\nfn f() {{ {used}(); }}\n")).len(), 1, "{path} {used}");
    }
}

#[test]
fn a_downward_import_and_one_in_a_comment_or_test_pass() {
    for (path, text) in [
        (
            "src/domain/call/mod.rs",
            "use crate::domain::leg::Leg;\nuse crate::base::now::Now;\nuse crate::domain::call::x;",
        ),
        ("src/domain/leg/mod.rs", "// as crate::domain::call::Call does\n"),
        ("src/domain/leg/mod.rs", "#[cfg(test)]\nmod tests { use crate::edge::clock; }"),
        ("src/cli/run.rs", "use crate::edge::daemon;"),
    ] {
        assert_eq!(check(rules::imports, path, text), Vec::<String>::new(), "{path} {text}");
    }
}

#[test]
fn imports_that_would_blind_the_guard_are_found() {
    for text in ["use crate::{base, domain};", "use super::super::call;", "use crate::*;"] {
        assert!(!check(rules::imports, "src/edge/udp.rs", text).is_empty(), "{text}");
    }
    assert_eq!(check(rules::imports, "src/lib.rs", "pub use base::now;").len(), 1);
    assert_eq!(check(rules::imports, "src/world/mod.rs", "").len(), 1, "a module outside the order");
}

#[test]
fn a_clock_a_socket_or_a_lock_below_the_edge_is_found() {
    for text in [
        "let now = Instant::now();",
        "let socket = UdpSocket::bind(address);",
        "use std::sync::Mutex;",
        "use std::collections::HashMap;",
        "println!(\"here\");",
        "tokio::spawn(work);",
        "async fn wait() {}",
        "let name = std::env::var(\"X\");",
    ] {
        assert!(!check(rules::effects, "src/domain/call/mod.rs", text).is_empty(), "{text}");
        assert!(check(rules::effects, "src/edge/clock.rs", text).is_empty(), "{text}");
    }
    let fine = "// never Instant::now()\nlet address = std::net::SocketAddr::from(x);\n#[cfg(test)]\nuse std::fs;\n";
    assert_eq!(check(rules::effects, "src/protocol/sip/path.rs", fine), Vec::<String>::new());
}

#[test]
fn a_file_of_700_lines_is_found_and_one_of_600_passes() {
    assert_eq!(check(rules::file_length, "src/edge/x.rs", &"\n".repeat(700)), ["src/edge/x.rs:1: file of 700 lines"]);
    assert!(check(rules::file_length, "src/edge/x.rs", &"\n".repeat(600)).is_empty());
}

#[test]
fn a_function_of_61_lines_is_found_also_with_a_signature_of_several() {
    let body = "        work();\n".repeat(56);
    let text = format!(
        "impl X {{\n    pub fn long(\n        &self,\n    ) -> Y {{\n{body}    }}\n\n    fn short() {{\n    }}\n}}\n"
    );
    assert_eq!(functions(&text).iter().map(|function| function.lines).collect::<Vec<_>>(), [60, 2]);
    assert!(check(rules::function_length, "src/edge/x.rs", &text).is_empty());
    let longer = text.replace("        work();\n    }", "        work();\n        work();\n    }");
    assert_eq!(
        check(rules::function_length, "src/edge/x.rs", &longer),
        ["src/edge/x.rs:2: function `long` of 61 lines"]
    );
}

#[test]
fn six_parameters_are_found_and_generics_do_not_count() {
    let six = "fn f(&self, a: u8, b: u8, c: u8, d: u8, e: u8, f: u8) {\n}\n";
    assert_eq!(check(rules::parameters, "src/edge/x.rs", six), ["src/edge/x.rs:1: `f` takes 6 parameters"]);
    let five = "fn f<F: Fn(u8, u8) -> u8>(&self, a: BTreeMap<u8, u8>, b: (u8, u8), c: F, d: [u8; 2], e: u8) {\n}\n";
    assert_eq!(functions(five)[0].parameters, 5);
}

#[test]
fn a_file_without_its_sentence_is_found() {
    assert_eq!(check(rules::first_line, "src/edge/x.rs", "use std::io;\n").len(), 1);
    assert_eq!(check(rules::first_line, "src/edge/x.rs", "//! (being written)\n").len(), 1);
    assert!(check(rules::first_line, "src/edge/x.rs", "//! Reads datagrams; decides nothing.\n").is_empty());
}

#[test]
fn names_that_say_nothing_are_found() {
    for text in
        ["pub struct CallManager;", "enum CallData {", "pub trait EventHandler {", "struct MyCall;", "struct BaseLeg;"]
    {
        assert_eq!(check(rules::type_names, "src/domain/call/mod.rs", text).len(), 1, "{text}");
    }
    for text in ["pub struct Metadata;", "struct Database;", "pub struct SessionTimer;", "struct Mylar;"] {
        assert!(check(rules::type_names, "src/domain/call/mod.rs", text).is_empty(), "{text}");
    }
    assert_eq!(check(rules::type_names, "src/edge/utils.rs", "").len(), 1);
}

#[test]
fn what_is_left_undone_is_found() {
    for text in ["todo!()", "// TODO later", "#[ignore]", "#[ignore = \"slow\"]", "unimplemented!()"] {
        assert_eq!(check(rules::leftovers, "src/edge/x.rs", text).len(), 1, "{text}");
    }
}

#[test]
fn a_panic_in_production_is_found_and_in_a_test_passes() {
    for text in ["x.unwrap();", "x.expect(\"y\");", "panic!();", "unreachable!();", "assert!(x);", "unsafe { x }"] {
        assert_eq!(check(rules::panics, "src/edge/x.rs", text).len(), 1, "{text}");
        assert!(check(rules::panics, "src/edge/x.rs", &format!("#[cfg(test)]\n{text}")).is_empty(), "{text}");
    }
    for text in ["x.unwrap_or_default();", "debug_assert!(x);", "x.unwrap_or_else(y);"] {
        assert!(check(rules::panics, "src/edge/x.rs", text).is_empty(), "{text}");
    }
}

#[test]
fn long_inline_tests_and_sleeping_tests_are_found() {
    let long = format!("//! x\n#[cfg(test)]\n{}", "x\n".repeat(151));
    assert_eq!(check(rules::test_place, "src/edge/x.rs", &long).len(), 1);
    assert!(check(rules::test_place, "src/edge/x/tests.rs", &long).is_empty());
    let sleeping = "//! x\n#[cfg(test)]\nmod tests { fn t() { std::thread::sleep(x); } }\n";
    assert_eq!(check(rules::sleeps, "src/edge/x.rs", sleeping).len(), 1);
    assert!(check(rules::sleeps, "src/edge/x.rs", "fn wait() { tokio::time::sleep(x); }\n#[cfg(test)]\n").is_empty());
}

#[test]
fn a_string_with_slashes_is_not_taken_for_a_comment() {
    let text = "let url = \"http://x\"; let now = Instant::now();";
    assert_eq!(check(rules::effects, "src/domain/call/mod.rs", text).len(), 1);
}
