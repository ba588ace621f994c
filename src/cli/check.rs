//! `offhook check`: everything that is wrong with a configuration folder, at once. Starts nothing.

use crate::edge::config::{Configuration, Fault, read};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// Reads the folder as `run` would and tells what it found: exit code 0, or 1 with errors (warnings are none).
pub fn check(dir: &Path, as_json: bool) -> ExitCode {
    let outcome = read(dir, std::env::vars());
    let text = if as_json { format!("{}\n", in_json(&outcome)) } else { in_words(&outcome) };
    // A reader that went away early, such as `head`, is no failure.
    let _ = std::io::stdout().write_all(text.as_bytes());
    if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn faults(outcome: &Result<Configuration, Vec<Fault>>) -> &[Fault] {
    match outcome {
        Ok(configuration) => &configuration.warnings,
        Err(faults) => faults,
    }
}

/// As a compiler prints it.
pub fn in_words(outcome: &Result<Configuration, Vec<Fault>>) -> String {
    let faults = faults(outcome);
    let mut text: String = faults.iter().map(|fault| format!("{fault}\n\n")).collect();
    if let Ok(configuration) = outcome {
        text.push_str(&format!("{}\n", contents(configuration)));
    }
    let errors = faults.iter().filter(|fault| fault.is_error()).count();
    text.push_str(&format!("{}, {}\n", counted(errors, "error"), counted(faults.len() - errors, "warning")));
    text
}

fn contents(configuration: &Configuration) -> String {
    let exchange = &configuration.exchange;
    let parts = [
        counted(exchange.profiles.profiles.len(), "profile"),
        counted(exchange.profiles.listeners.len(), "listener"),
        counted(exchange.trunks.len(), "trunk"),
        counted(exchange.phones.len(), "phone"),
        counted(exchange.dialplan.rules.len(), "rule"),
    ];
    format!("{}; configuration {}", parts.join(", "), configuration.hash)
}

fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// One object for programs.
pub fn in_json(outcome: &Result<Configuration, Vec<Fault>>) -> Value {
    let faults: Vec<Value> = faults(outcome)
        .iter()
        .map(|fault| {
            json!({
                "severity": if fault.is_error() { "error" } else { "warning" },
                "file": fault.file,
                "line": (fault.line > 0).then_some(fault.line),
                "column": (fault.line > 0).then_some(fault.column),
                "key": fault.key,
                "problem": fault.problem,
                "suggestion": fault.suggestion,
            })
        })
        .collect();
    json!({ "ok": outcome.is_ok(), "hash": outcome.as_ref().ok().map(|one| &one.hash), "faults": faults })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::config::place::Severity;

    fn fault(severity: Severity) -> Fault {
        let suggestion = Some("did you mean `networks`?".to_owned());
        let whole = Fault::of_file("a.toml", "unknown key `netwroks`");
        let excerpt = Some(("netwroks = []".to_owned(), 8));
        Fault { severity, line: 7, column: 1, key: "trunk[0].netwroks".to_owned(), suggestion, excerpt, ..whole }
    }

    #[test]
    fn faults_are_told_like_those_of_a_compiler() {
        let outcome = Err(vec![fault(Severity::Error), fault(Severity::Warning)]);
        let told = in_words(&outcome);
        let first = "a.toml:7:1: error: trunk[0].netwroks: unknown key `netwroks`; did you mean `networks`?\n  |\n\
                     7 | netwroks = []\n  | ^^^^^^^^\n\n";
        assert!(told.starts_with(first), "{told}");
        assert!(told.ends_with("\n1 error, 1 warning\n"), "{told}");
    }

    #[test]
    fn programs_get_the_same_as_one_object() {
        let told = in_json(&Err(vec![fault(Severity::Error)]));
        let expected = json!({
            "ok": false, "hash": null,
            "faults": [{
                "severity": "error", "file": "a.toml", "line": 7, "column": 1, "key": "trunk[0].netwroks",
                "problem": "unknown key `netwroks`", "suggestion": "did you mean `networks`?",
            }],
        });
        assert_eq!(told, expected);
    }
}
