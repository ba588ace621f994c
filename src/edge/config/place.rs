//! Where something stands in the configuration, and how a fault at that place is told. Decides nothing about right and wrong.

use std::fmt;

/// A stretch of one source: byte offsets into a file, or a whole environment variable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    pub source: usize,
    pub start: usize,
    pub end: usize,
}

/// One file or one environment variable that was read.
pub struct Source {
    pub name: String,
    pub text: String,
    pub is_variable: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    Error,
    Warning,
}

/// One thing that is wrong, with everything needed to find and mend it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    pub severity: Severity,
    /// The file as it can be opened from here, or `environment variable NAME`.
    pub file: String,
    /// From 1; 0 where the fault is not in a line (a missing file, an environment variable).
    pub line: usize,
    pub column: usize,
    /// Dotted path, such as `trunk[1].target[0].port`; empty for the file as a whole.
    pub key: String,
    pub problem: String,
    pub suggestion: Option<String>,
    /// The line with passwords hidden, and how many characters the caret underlines.
    pub excerpt: Option<(String, usize)>,
}

impl Source {
    pub fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }

    /// The line at an offset, and how much of the stretch lies in it.
    fn excerpt(&self, start: usize, end: usize) -> (String, usize) {
        let line_start = self.text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let rest = self.text.get(line_start..).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default();
        let stretch = self.text.get(start..end).unwrap_or_default().lines().next().unwrap_or_default();
        (scrub(line), stretch.chars().count().max(1))
    }

    pub fn fault(&self, place: Place, key: &str, problem: String, suggestion: Option<String>) -> Fault {
        let (line, column, excerpt) = if self.is_variable {
            (0, 0, None)
        } else {
            let (line, column) = self.line_and_column(place.start);
            (line, column, Some(self.excerpt(place.start, place.end)))
        };
        let file = self.name.clone();
        let key = key.to_owned();
        Fault { severity: Severity::Error, file, line, column, key, problem, suggestion, excerpt }
    }
}

/// Control characters as spaces, and nothing of a value behind a word that smells of a password.
fn scrub(line: &str) -> String {
    let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let lower = line.to_ascii_lowercase();
    let innocent = ["password_file", "password_env", "pass_in", "pass_out"];
    for word in ["pas", "pwd", "secret"] {
        for (at, _) in lower.match_indices(word) {
            let rest = lower.get(at..).unwrap_or_default();
            let value = rest.find('=').map(|equals| at + equals + 1);
            if let (false, Some(value)) = (innocent.iter().any(|name| rest.starts_with(name)), value) {
                return format!("{} ***", line.get(..value).unwrap_or_default());
            }
        }
    }
    line
}

impl Fault {
    /// A fault of a whole file or folder.
    pub fn of_file(file: impl Into<String>, problem: impl Into<String>) -> Fault {
        Fault {
            severity: Severity::Error,
            file: file.into(),
            line: 0,
            column: 0,
            key: String::new(),
            problem: problem.into(),
            suggestion: None,
            excerpt: None,
        }
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// `file:line:column`, as far as it is known.
    pub fn place(&self) -> String {
        if self.line == 0 { self.file.clone() } else { format!("{}:{}:{}", self.file, self.line, self.column) }
    }

    /// One line: place, severity, key, problem and suggestion.
    pub fn summary(&self) -> String {
        let severity = if self.is_error() { "error" } else { "warning" };
        let key = if self.key.is_empty() { String::new() } else { format!("{}: ", self.key) };
        let suggestion = self.suggestion.as_ref().map(|text| format!("; {text}")).unwrap_or_default();
        format!("{}: {severity}: {key}{}{suggestion}", self.place(), self.problem)
    }
}

/// As a compiler prints it: the summary, then the line with a caret below.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.summary())?;
        let Some((line, width)) = &self.excerpt else { return Ok(()) };
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let shown = line.chars().count();
        let before = self.column.saturating_sub(1).min(shown);
        let carets = "^".repeat((*width).min(shown.saturating_sub(before)).max(1));
        write!(f, "\n{margin} |\n{number} | {line}\n{margin} | {}{carets}", " ".repeat(before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_shows_its_line_with_a_caret() {
        let source = Source { name: "a.toml".into(), text: "x = 1\nport = \"é\" # no\n".into(), is_variable: false };
        let at = source.text.find("\"é\"").unwrap();
        let fault = source.fault(Place { source: 0, start: at, end: at + 4 }, "port", "bad".into(), None);
        assert_eq!(fault.to_string(), "a.toml:2:8: error: port: bad\n  |\n2 | port = \"é\" # no\n  |        ^^^");
    }

    #[test]
    fn a_password_is_never_quoted() {
        for line in [
            "password = \"hush\"",
            "pasword=\"hush\"",
            "digest = { user = \"a\", Password = \"hush\" }",
            "pwd = 'hush'",
        ] {
            assert!(!scrub(line).contains("hush"), "{line}");
        }
        assert_eq!(scrub("password_file = \"x\""), "password_file = \"x\"");
        assert_eq!(scrub("pass_out = [\"X-A\"]"), "pass_out = [\"X-A\"]");
        assert_eq!(scrub("name = \"compass\""), "name = \"compass\"");
    }
}
