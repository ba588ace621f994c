//! One reading of a configuration folder: its sources, and every fault found so far. Converts nothing.

use crate::edge::config::place::{Fault, Place, Severity, Source};
use std::cell::{Cell, Ref, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What is shared by everything that reads. Faults are collected, never returned early.
pub struct Reading {
    /// The folder that relative paths start from.
    pub folder: PathBuf,
    pub environment: BTreeMap<String, String>,
    /// What is read now is switched off: files and variables that it names need not be there.
    dormant: Cell<bool>,
    /// Sources that are not sound TOML: what seems to be missing there proves nothing.
    damaged: RefCell<BTreeSet<usize>>,
    sources: RefCell<Vec<Source>>,
    faults: RefCell<Vec<Fault>>,
    known: RefCell<BTreeMap<(&'static str, String), Known>>,
    texts: RefCell<BTreeMap<PathBuf, Result<Vec<u8>, String>>>,
    secret_sources: RefCell<BTreeSet<usize>>,
}

/// What a key is, as its reader asked for it; `docs/configuration.md` is checked against this.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Known {
    pub kind: String,
    pub default: String,
}

/// A text and where it stands, such as a name that refers to something.
#[derive(Clone, PartialEq, Debug)]
pub struct Item {
    pub text: String,
    pub at: Place,
    /// Dotted path of its key.
    pub path: String,
}

impl Reading {
    pub fn new(folder: PathBuf, environment: BTreeMap<String, String>) -> Reading {
        Reading {
            folder,
            environment,
            dormant: Cell::new(false),
            damaged: RefCell::default(),
            sources: RefCell::default(),
            faults: RefCell::default(),
            known: RefCell::default(),
            texts: RefCell::default(),
            secret_sources: RefCell::default(),
        }
    }

    pub fn set_dormant(&self, dormant: bool) {
        self.dormant.set(dormant);
    }

    pub fn is_dormant(&self) -> bool {
        self.dormant.get()
    }

    pub fn note_damaged(&self, source: usize) {
        self.damaged.borrow_mut().insert(source);
    }

    pub fn is_damaged(&self, source: usize) -> bool {
        self.damaged.borrow().contains(&source)
    }

    pub fn add_source(&self, source: Source) -> usize {
        let mut sources = self.sources.borrow_mut();
        sources.push(source);
        sources.len() - 1
    }

    pub fn source(&self, index: usize) -> Option<Ref<'_, Source>> {
        Ref::filter_map(self.sources.borrow(), |sources| sources.get(index)).ok()
    }

    pub fn error(&self, at: Place, path: &str, problem: impl Into<String>, suggestion: Option<String>) {
        self.push(Severity::Error, at, path, problem.into(), suggestion);
    }

    pub fn warning(&self, at: Place, path: &str, problem: impl Into<String>, suggestion: Option<String>) {
        self.push(Severity::Warning, at, path, problem.into(), suggestion);
    }

    fn push(&self, severity: Severity, at: Place, path: &str, problem: String, suggestion: Option<String>) {
        // A value that has no extent was put there by the parser, to go on behind what it could not read.
        if at.start == at.end && self.damaged.borrow().contains(&at.source) && !path.is_empty() {
            return;
        }
        let Some(source) = self.source(at.source) else { return };
        let fault = Fault { severity, ..source.fault(at, path, problem, suggestion) };
        drop(source);
        self.faults.borrow_mut().push(fault);
    }

    pub fn fault(&self, fault: Fault) {
        self.faults.borrow_mut().push(fault);
    }

    /// `file:line:column` of a place, for faults that name two.
    pub fn place(&self, at: Place) -> String {
        self.source(at.source).map_or_else(String::new, |source| {
            let (line, column) = source.line_and_column(at.start);
            if source.is_variable { source.name.clone() } else { format!("{}:{line}:{column}", source.name) }
        })
    }

    pub fn is_variable(&self, at: Place) -> bool {
        self.source(at.source).is_some_and(|source| source.is_variable)
    }

    /// Everything found, by file and line, each once.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = self.faults.borrow().clone();
        faults.sort_by(|a, b| (&a.file, a.line, a.column, &a.problem).cmp(&(&b.file, b.line, b.column, &b.problem)));
        faults.dedup();
        faults
    }

    pub fn fault_count(&self) -> usize {
        self.faults.borrow().len()
    }

    pub fn note_known(&self, file: &'static str, path: String, kind: &str, default: &str) {
        let known = Known { kind: kind.to_owned(), default: default.to_owned() };
        self.known.borrow_mut().insert((file, path), known);
    }

    /// Every key that was asked for so far.
    #[cfg(test)]
    pub fn known(&self) -> BTreeMap<(&'static str, String), Known> {
        self.known.borrow().clone()
    }

    /// A file that the configuration names, read once; the error is the reason in words.
    pub fn file(&self, path: &std::path::Path) -> Result<Vec<u8>, String> {
        let mut texts = self.texts.borrow_mut();
        texts.entry(path.to_owned()).or_insert_with(|| std::fs::read(path).map_err(|error| reason(&error))).clone()
    }

    /// The contents of every file that the configuration names and that was read.
    pub fn named_files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let texts = self.texts.borrow();
        texts.iter().filter_map(|(path, bytes)| Some((path.clone(), bytes.clone().ok()?))).collect()
    }

    /// This source holds a password in clear.
    pub fn note_secret(&self, source: usize) {
        self.secret_sources.borrow_mut().insert(source);
    }

    pub fn secret_sources(&self) -> Vec<usize> {
        self.secret_sources.borrow().iter().copied().collect()
    }

    pub fn path(&self, written: &str) -> PathBuf {
        self.folder.join(written)
    }
}

/// An I/O error without its operating system number.
pub fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "not permitted".to_owned(),
        std::io::ErrorKind::InvalidData => "not UTF-8".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    }
}
