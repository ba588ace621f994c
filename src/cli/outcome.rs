//! How a command ended, and how that is told: in words or as JSON, and as an exit code.

use serde_json::{Value, json};
use std::io::Write;
use std::process::ExitCode;

/// Something could not be done.
pub const FAILED: u8 = 1;
/// The arguments or the configuration are wrong (sysexits.h: EX_USAGE).
pub const USAGE: u8 = 64;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    Words,
    Json,
}

/// What a command brought: the same in words and as JSON.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer {
    pub words: String,
    pub json: Value,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Failure {
    pub exit: u8,
    /// A word for programs.
    pub code: String,
    pub message: String,
    pub details: Vec<String>,
}

pub type Outcome = Result<Answer, Failure>;

impl Failure {
    pub fn failed(code: &str, message: impl Into<String>) -> Failure {
        Failure { exit: FAILED, code: code.to_owned(), message: message.into(), details: Vec::new() }
    }

    pub fn usage(code: &str, message: impl Into<String>) -> Failure {
        Failure { exit: USAGE, ..Failure::failed(code, message) }
    }
}

/// Prints the outcome and turns it into an exit code.
pub fn tell(outcome: Outcome, style: Style) -> ExitCode {
    let (text, exit) = match (&outcome, style) {
        (Ok(answer), Style::Words) => (answer.words.clone(), 0),
        (Ok(answer), Style::Json) => (answer.json.to_string(), 0),
        (Err(failure), Style::Json) => (failure_json(failure).to_string(), failure.exit),
        (Err(failure), Style::Words) => (failure_words(failure), failure.exit),
    };
    if text.is_empty() {
        return ExitCode::from(exit);
    }
    let line_end = if text.ends_with('\n') { "" } else { "\n" };
    // A reader that went away early, such as `head`, is no failure.
    let _ = if outcome.is_ok() || style == Style::Json {
        write!(std::io::stdout(), "{text}{line_end}")
    } else {
        write!(std::io::stderr(), "{text}{line_end}")
    };
    ExitCode::from(exit)
}

fn failure_json(failure: &Failure) -> Value {
    json!({ "error": { "code": failure.code, "message": failure.message, "details": failure.details } })
}

fn failure_words(failure: &Failure) -> String {
    let mut text = format!("offhook: {}", plain(&failure.message));
    for detail in &failure.details {
        text.push_str("\n  ");
        text.push_str(&plain(detail));
    }
    text
}

/// Text from elsewhere as it may be shown on a terminal: no control but the line end.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '?' } else { c }).collect()
}
