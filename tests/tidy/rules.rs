//! The rules that sources obey. Each takes one source and gives its faults.

use crate::source::{Source, functions};

/// Lowest first. A file may use what stands above its own line, and its own module.
pub const ORDER: &[&[&str]] = &[
    &["base"],
    &["protocol::sip", "protocol::sdp", "protocol::rtp", "protocol::ice", "protocol::audio"],
    &["media"],
    &["domain::profile"],
    &["domain::trunk"],
    &["domain::phone"],
    &["domain::contact"],
    &["domain::number"],
    &["domain::hours"],
    &["domain::dialplan"],
    &["domain::leg"],
    &["domain::flow"],
    &["domain::queue"],
    &["domain::routing"],
    &["domain::call"],
    &["domain::softphone"],
    &["domain::switchboard"],
    &["edge"],
    &["cli"],
];

/// Files that only name the modules below them.
const LISTS: &[&str] = &["lib", "main", "domain", "protocol"];

/// Functions that are longer than 60 lines for a reason. The list may only shrink.
pub const LONG_FUNCTIONS: &[&str] = &[];

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 60;
const PARAMETERS_MAX: usize = 5;
const INLINE_TEST_LINES_MAX: usize = 150;

/// What only the edge may do.
const EFFECTS: &[&str] = &[
    "tokio::",
    "async fn",
    "async move",
    ".await",
    "std::fs",
    "std::env",
    "std::net::UdpSocket",
    "std::net::Tcp",
    "std::os",
    "std::process",
    "std::thread",
    "UdpSocket",
    "TcpStream",
    "TcpListener",
    "UnixStream",
    "UnixListener",
    "Instant::now",
    "SystemTime::now",
    ".elapsed()",
    "thread_local!",
    "Mutex",
    "RwLock",
    "Condvar",
    "Atomic",
    "OnceLock",
    "LazyLock",
    "static mut",
    "HashMap",
    "HashSet",
    "RandomState",
    "thread_rng",
    "from_os_rng",
    "from_entropy",
    "println!",
    "eprintln!",
    "dbg!",
    "tracing::",
    "serde_json",
];

const BANNED_TYPES: &[&str] =
    &["Session", "Manager", "Handler", "Helper", "Util", "Utils", "Context", "Data", "Info", "Service"];

fn rank(module: &str) -> Option<usize> {
    ORDER.iter().position(|row| row.iter().any(|own| is_within(module, own)))
}

/// The entry of the order that a module belongs to.
fn place(module: &str) -> Option<&'static str> {
    ORDER.iter().flat_map(|row| row.iter()).find(|own| is_within(module, own)).copied()
}

fn is_within(module: &str, outer: &str) -> bool {
    module == outer || module.strip_prefix(outer).is_some_and(|rest| rest.starts_with("::"))
}

pub fn imports(source: &Source) -> Vec<String> {
    let own = rank(&source.module);
    if own.is_none() && !LISTS.contains(&source.module.as_str()) {
        return vec![source.fault(1, format!("`{}` is not in ORDER", source.module))];
    }
    let mut faults = Vec::new();
    for (line, text) in source.production() {
        for (wrong, why) in [
            ("crate::{", "names of the root are imported one by one"),
            ("super::super", "a path of two steps up is written from the root"),
            ("crate::*", "the root is not imported whole"),
        ] {
            if text.contains(wrong) {
                faults.push(source.fault(line, format!("`{wrong}`: {why}")));
            }
        }
        if source.module == "lib" && text.trim_start().starts_with("pub use") {
            faults.push(source.fault(line, "the root re-exports nothing"));
        }
        let Some(own) = own else { continue };
        for used in text.split("crate::").skip(1) {
            let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':').collect();
            if place(&used) != place(&source.module) && rank(&used).is_none_or(|other| other >= own) {
                faults.push(source.fault(line, format!("`{}` may not use `{used}`", source.module)));
            }
        }
    }
    faults
}

pub fn effects(source: &Source) -> Vec<String> {
    if source.is_edge() {
        return Vec::new();
    }
    let lines = source.production();
    let found = lines.iter().flat_map(|(line, text)| {
        EFFECTS
            .iter()
            .filter(|word| text.contains(**word))
            .map(|word| source.fault(*line, format!("`{word}` below the edge")))
    });
    found.collect()
}

pub fn file_length(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    if lines <= FILE_LINES_MAX { Vec::new() } else { vec![source.fault(1, format!("file of {lines} lines"))] }
}

pub fn function_length(source: &Source) -> Vec<String> {
    let name = |function: &str| format!("{}::{function}", source.module);
    let long = functions(&source.text).into_iter().filter(|function| function.lines > FUNCTION_LINES_MAX);
    long.filter(|function| !LONG_FUNCTIONS.contains(&name(&function.name).as_str()))
        .map(|function| {
            source.fault(function.line, format!("function `{}` of {} lines", function.name, function.lines))
        })
        .collect()
}

pub fn is_still_long(sources: &[Source], exception: &str) -> bool {
    sources.iter().any(|source| {
        functions(&source.text).iter().any(|function| {
            function.lines > FUNCTION_LINES_MAX && format!("{}::{}", source.module, function.name) == exception
        })
    })
}

pub fn parameters(source: &Source) -> Vec<String> {
    let production: Vec<String> = source.production().into_iter().map(|(_, line)| line).collect();
    let many = functions(&production.join("\n")).into_iter().filter(|function| function.parameters > PARAMETERS_MAX);
    many.map(|function| {
        source.fault(function.line, format!("`{}` takes {} parameters", function.name, function.parameters))
    })
    .collect()
}

pub fn first_line(source: &Source) -> Vec<String> {
    match source.text.lines().next() {
        Some(first) if first.starts_with("//! ") && !first.contains("(being written)") => Vec::new(),
        _ => vec![source.fault(1, "the first line says with `//!` what the file is and what it never does")],
    }
}

pub fn type_names(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, text) in source.text.lines().enumerate() {
        for keyword in ["struct ", "enum ", "trait ", "type "] {
            let words = text.trim_start();
            let words = words.strip_prefix("pub(crate) ").or_else(|| words.strip_prefix("pub ")).unwrap_or(words);
            let Some(name) = words.strip_prefix(keyword) else { continue };
            let name: String = name.chars().take_while(|c| c.is_alphanumeric()).collect();
            let banned = BANNED_TYPES.iter().any(|word| ends_with_word(&name, word));
            if banned || starts_with_word(&name, "Base") || starts_with_word(&name, "My") {
                faults.push(source.fault(at + 1, format!("`{name}` is a name that says nothing")));
            }
        }
        if text.contains("fn get_") && !text.contains("fn get_mut(") {
            faults.push(source.fault(at + 1, "a reader has no `get_`"));
        }
    }
    let file = source.path.rsplit('/').next().unwrap_or_default();
    if ["util.rs", "utils.rs", "helpers.rs", "common.rs", "misc.rs"].contains(&file) {
        faults.push(source.fault(1, "a file named for nothing"));
    }
    faults
}

/// Whether the last word of a camel-case name is `word`. `UserData` ends so, `Metadata` does not.
fn ends_with_word(name: &str, word: &str) -> bool {
    name.ends_with(word)
}

fn starts_with_word(name: &str, word: &str) -> bool {
    name.strip_prefix(word).is_some_and(|rest| rest.chars().next().is_some_and(char::is_uppercase))
}

pub fn leftovers(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, text) in source.text.lines().enumerate() {
        for word in ["todo!", "unimplemented!", "#[ignore", "TODO", "FIXME", "XXX", "HACK", "dbg!("] {
            if text.contains(word) {
                faults.push(source.fault(at + 1, format!("`{word}`")));
            }
        }
    }
    faults
}

/// What ends a process or a task instead of a call. `debug_assert!` is for our own invariants and allowed.
pub fn panics(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    for (line, text) in source.production() {
        for word in [".unwrap()", ".expect(", "panic!(", "unreachable!(", ".unwrap_err()", ".expect_err("] {
            if text.contains(word) {
                faults.push(source.fault(line, format!("`{word}` in production code")));
            }
        }
        for word in ["assert!(", "assert_eq!(", "assert_ne!("] {
            let found = text.find(word).is_some_and(|at| !text[..at].ends_with("debug_") && !text.contains("const _"));
            if found {
                faults.push(source.fault(line, format!("`{word}` in production code")));
            }
        }
        if text.contains("unsafe ") {
            faults.push(source.fault(line, "`unsafe`"));
        }
    }
    faults
}

pub fn test_place(source: &Source) -> Vec<String> {
    let lines = source.test_lines();
    if source.is_test() || lines <= INLINE_TEST_LINES_MAX {
        return Vec::new();
    }
    vec![source.fault(1, format!("{lines} lines of tests belong into a `tests.rs` beside it"))]
}

/// In tests, waiting for a duration is guessing.
pub fn sleeps(source: &Source) -> Vec<String> {
    let start = if source.is_test() { 0 } else { source.text.find("#[cfg(test)]").unwrap_or(source.text.len()) };
    let tests = source.text.get(start..).unwrap_or_default();
    let found = ["thread::sleep(", "time::sleep("].iter().filter(|word| tests.contains(**word));
    found.map(|word| source.fault(1, format!("`{word}` in a test"))).collect()
}
