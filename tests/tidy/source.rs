//! The sources as text: production part, test part, lines, functions. Parses nothing deeper than that.

use std::path::{Path, PathBuf};

/// One file under `src/`.
pub struct Source {
    /// From the package's root: `src/domain/call/mod.rs`.
    pub path: String,
    /// As `crate::` would name it: `domain::call`.
    pub module: String,
    pub text: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Source {
        let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
        let inner = inner.trim_end_matches("/mod").trim_end_matches("/tests");
        Source { path: path.to_owned(), module: inner.replace('/', "::"), text: text.to_owned() }
    }

    /// Whether the whole file is tests.
    pub fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    pub fn is_edge(&self) -> bool {
        ["edge", "cli", "main", "lib"].iter().any(|layer| self.module.split("::").next() == Some(layer))
    }

    /// Numbered production lines: up to the first `#[cfg(test)]`, nothing of a file of tests. Comments are blanked.
    pub fn production(&self) -> Vec<(usize, String)> {
        if self.is_test() {
            return Vec::new();
        }
        let lines = self.text.lines().take_while(|line| line.trim() != "#[cfg(test)]");
        lines.enumerate().map(|(at, line)| (at + 1, without_comment(line))).collect()
    }

    /// How many lines stand after the first `#[cfg(test)]`.
    pub fn test_lines(&self) -> usize {
        self.text.lines().skip_while(|line| line.trim() != "#[cfg(test)]").count()
    }

    pub fn fault(&self, line: usize, what: impl AsRef<str>) -> String {
        format!("{}:{line}: {}", self.path, what.as_ref())
    }
}

/// Cuts a comment off; `//` inside a string stays, as in a URL.
fn without_comment(line: &str) -> String {
    let mut quoted = false;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match c {
            '"' if before != '\\' && !line[at..].starts_with("\"'") => quoted = !quoted,
            '/' if !quoted && line[at..].starts_with("//") => return line[..at].to_owned(),
            _ => {}
        }
        before = c;
    }
    line.to_owned()
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file under `src/`, by path.
pub fn all() -> Vec<Source> {
    let mut paths = Vec::new();
    walk(&root().join("src"), &mut paths);
    paths.sort();
    let name = |path: &Path| path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
    paths.iter().map(|path| Source::new(&name(path), &std::fs::read_to_string(path).unwrap())).collect()
}

/// Names of the integration test binaries, as Cargo finds them.
pub fn test_binaries() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("tests")).unwrap().flatten().map(|entry| entry.path());
    let binaries =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "rs") || path.join("main.rs").exists());
    binaries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, paths);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            paths.push(path);
        }
    }
}

/// A function with its first and last line.
pub struct Function {
    pub name: String,
    pub line: usize,
    pub lines: usize,
    pub parameters: usize,
}

/// Functions by the indentation that rustfmt gives: the body ends at the brace in the column of its first line.
pub fn functions(text: &str) -> Vec<Function> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        let signature_end = (at..lines.len())
            .find(|at| lines[*at].ends_with('{') || lines[*at].ends_with(';') || lines[*at].ends_with('}'));
        let Some(signature_end) = signature_end else { continue };
        let end = if lines[signature_end].ends_with('{') {
            let close = format!("{indent}}}");
            (signature_end..lines.len()).find(|at| lines[*at].trim_end() == close).unwrap_or(signature_end)
        } else {
            signature_end
        };
        let signature = lines[at..=signature_end].join(" ");
        found.push(Function { name, line: at + 1, lines: end - at + 1, parameters: parameters(&signature) });
    }
    found
}

fn function_name(line: &str) -> Option<String> {
    let words = line.trim_start();
    let before = words.split("fn ").next()?;
    let known = ["pub", "pub(crate)", "pub(super)", "const", "async", "unsafe", "extern", "\"C\""];
    if !words.contains("fn ") || !before.split_whitespace().all(|word| known.contains(&word)) {
        return None;
    }
    let name: String = words.split("fn ").nth(1)?.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// Counts parameters apart from `self`: commas at the depth of the list.
fn parameters(signature: &str) -> usize {
    let Some(start) = list_start(signature) else { return 0 };
    let (mut depth, mut text) = (0_i32, String::new());
    let mut previous = ' ';
    for c in signature[start..].chars() {
        match c {
            '(' | '[' | '<' | '{' => depth += 1,
            '>' if previous == '-' => {}
            ')' | ']' | '>' | '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        text.push(if depth > 1 && c == ',' { ' ' } else { c });
        previous = c;
    }
    let list = text.trim_start_matches('(').split(',').map(str::trim).filter(|parameter| !parameter.is_empty());
    list.filter(|parameter| !matches!(*parameter, "self" | "&self" | "&mut self" | "mut self")).count()
}

/// The parenthesis of the parameter list, after generics that may hold parentheses of their own.
fn list_start(signature: &str) -> Option<usize> {
    let name = signature.find("fn ")?;
    let (mut depth, mut previous) = (0_i32, ' ');
    for (at, c) in signature.char_indices().skip_while(|(at, _)| *at < name) {
        match c {
            '<' => depth += 1,
            '>' if previous != '-' => depth -= 1,
            '(' if depth == 0 => return Some(at),
            _ => {}
        }
        previous = c;
    }
    None
}
