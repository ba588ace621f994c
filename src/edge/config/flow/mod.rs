//! Files in `dialplans/flows/`: one flow each, read into a draft, checked, and every fault shown at its place. Runs none.

mod connect;
mod decide;
mod hear;
mod outside;
mod set;
pub mod sounds;
mod step;
mod text;
pub mod trials;
mod words;

use crate::domain::flow::check::{self, FaultKind, FlowFault};
use crate::domain::flow::definition::{AnswerMode, Flow, FlowOptions, Kind};
use crate::domain::flow::draft::{FlowDraft, StepDraft};
use crate::domain::hours::HoursBook;
use crate::edge::config::fields::{Fields, printable};
use crate::edge::config::place::Place;
use crate::edge::config::raw::{Kind as Kinds, Table, Value};
use crate::edge::config::read_flows::FLOW_FILES;
use crate::edge::config::reading::{Item, Reading};
use crate::edge::config::shared;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One file as it was read.
pub struct FlowFile {
    pub name: Item,
    /// What the file says, for the places of faults.
    table: Table,
    draft: Option<FlowDraft>,
    /// Steps in which something could not be read: what seems to be missing in them proves nothing.
    unread: BTreeSet<Box<str>>,
}

/// What flows may name outside of themselves.
pub struct Surroundings<'a> {
    pub hours: &'a HoursBook,
    /// Names of prompts; `None` where they could not be read.
    pub prompts: Option<&'a BTreeSet<String>>,
    pub queues: Vec<&'a str>,
    pub agents: Vec<&'a str>,
    /// Public keys.
    pub keys: Vec<&'a str>,
    /// Names of declared engines.
    pub engines: Vec<&'a str>,
}

/// One file, whose table it keeps for the places of faults that show later.
pub fn flow(reading: &Reading, (source, table): (usize, Table), (stem, version): (&str, &str)) -> Option<FlowFile> {
    let (name, draft, unread) = read(Fields::root(reading, &table, source, FLOW_FILES), stem, version)?;
    Some(FlowFile { name, table, draft, unread })
}

type Read = (Item, Option<FlowDraft>, BTreeSet<Box<str>>);

fn read(fields: Fields<'_>, stem: &str, version: &str) -> Option<Read> {
    let head = fields.table("flow");
    if !fields.has("flow") {
        fields.missing("flow");
    }
    let name = shared::checked_name(&head, Item { text: stem.to_owned(), at: head.at, path: String::new() });
    let kinds = Kind::ALL.map(|kind| (kind.name(), kind));
    if fields.has("flow") && !head.has("kind") {
        head.missing("kind");
    }
    let kind = head.choice_opt("kind", &kinds, "required");
    let start = if fields.has("flow") { head.required("start") } else { head.text("start", "required") };
    let options = options(&head);
    let on_error = on_error(&head);
    head.finish();
    let (mut steps, mut unread) = (Vec::new(), BTreeSet::new());
    for (name, one) in fields.named_tables("step") {
        let before = fields.reading.fault_count();
        // Where the kind is not known, what depends on it is told when it is.
        let step = step::step(&name, one, kind.unwrap_or(Kind::Inbound));
        if fields.reading.fault_count() > before {
            unread.insert(name.text.as_str().into());
        }
        steps.push(step.unwrap_or_else(|| unread_step(&name)));
    }
    fields.finish();
    let name = name?;
    let draft = kind.zip(start).map(|(kind, start)| FlowDraft {
        name: name.text.as_str().into(),
        kind,
        start: start.text.into(),
        steps,
        on_error,
        version: version.into(),
        options,
    });
    Some((name, draft, unread))
}

fn options(head: &Fields<'_>) -> FlowOptions {
    let modes = [("implied", AnswerMode::Implied), ("explicit", AnswerMode::Explicit)];
    FlowOptions {
        description: head.text_or("description", "").into(),
        language: head.text("language", "none").map(|item| item.text.into()),
        voice: head.text("voice", "none").map(|item| item.text.into()),
        answer: head.choice("answer", &modes, AnswerMode::Implied),
        keeps_keys: head.flag("keeps_keys", true),
    }
}

/// `on.error` of `[flow]`.
fn on_error(head: &Fields<'_>) -> Option<Box<str>> {
    let on = head.table_opt("on")?;
    let to = on.text("error", "none").map(|item| item.text.into());
    on.finish();
    to
}

/// Keeps the name of a step that could not be read, so that nobody is told that it is missing.
fn unread_step(name: &Item) -> StepDraft {
    let act = crate::domain::flow::act::Act::End;
    StepDraft { name: name.text.as_str().into(), act, wires: Vec::new(), is_sensitive: false }
}

/// Checks all flows together. Those with faults are left out; the faults are in the reading.
pub fn book(reading: &Reading, files: Vec<FlowFile>, surroundings: &Surroundings<'_>) -> Vec<Arc<Flow>> {
    let mut flows = Vec::new();
    let mut written: BTreeMap<String, Written<'_>> = BTreeMap::new();
    for file in files {
        let FlowFile { name, table, draft, unread } = file;
        let text = name.text.clone();
        let own = Written { reading, table, name };
        match draft.map(check::build) {
            Some(Ok(flow)) if unread.is_empty() => flows.push(Arc::new(flow)),
            Some(Err(faults)) => {
                let told = faults.iter().filter(|fault| !is_consequence(fault, &unread));
                told.for_each(|fault| words::tell(&own, fault, &[]));
            }
            _ => {}
        }
        written.insert(text, own);
    }
    let names: Vec<&str> = written.keys().map(String::as_str).collect();
    for (flow, fault) in check::book(&flows) {
        // A flow that is there and has faults of its own is not missing.
        let is_there = matches!(&fault.kind, FaultKind::NoSuchFlow(name) if written.contains_key(&**name));
        if let Some(own) = written.get(&*flow).filter(|_| !is_there) {
            words::tell(own, &fault, &names);
        }
    }
    for flow in &flows {
        if let Some(own) = written.get(&*flow.name) {
            check::mentions(flow).iter().for_each(|mention| words::mentioned(own, mention, surroundings));
        }
    }
    flows
}

/// Whether a fault may be there only because something else could not be read.
fn is_consequence(fault: &FlowFault, unread: &BTreeSet<Box<str>>) -> bool {
    match &fault.kind {
        FaultKind::NoSuchStep(_) | FaultKind::WiredTwice(_) => false,
        // Of the whole graph, in which wires may be missing.
        FaultKind::NeverReached | FaultKind::NeverEnds | FaultKind::NeverReturns | FaultKind::Circle(_) => {
            !unread.is_empty()
        }
        _ => fault.step.as_ref().is_some_and(|step| unread.contains(step)),
    }
}

/// A file whose faults are told.
struct Written<'a> {
    reading: &'a Reading,
    table: Table,
    name: Item,
}

impl Written<'_> {
    /// A fault at a key of a step, or of `[flow]` where there is no step.
    fn error(&self, step: Option<&str>, key: &str, problem: String, meant: Option<String>) {
        let (at, path) = self.place(step, key);
        self.reading.error(at, &path, problem, meant);
    }

    fn place(&self, step: Option<&str>, key: &str) -> (Place, String) {
        let section = match step {
            Some(name) => match self.entry("step").map(|steps| &steps.kind) {
                Some(Kinds::Table(steps)) => steps.get(name),
                _ => None,
            },
            None => self.table.get("flow"),
        };
        let dot = if key.is_empty() { "" } else { "." };
        let path = match step {
            Some(name) => format!("step.{}{dot}{key}", printable(name)),
            None => format!("flow{dot}{key}"),
        };
        let Some(section) = section else { return (self.name.at, path) };
        let below = match &section.value.kind {
            Kinds::Table(table) => table.locate(key),
            _ => None,
        };
        (below.unwrap_or(section.at), path)
    }

    fn entry(&self, key: &str) -> Option<&Value> {
        self.table.get(key).map(|entry| &entry.value)
    }

    /// Whether a step says something under a path.
    fn has(&self, step: &str, path: &str) -> bool {
        let step = self.entry("step").and_then(|steps| member(steps, step));
        path.split('.').try_fold(step, |value, key| value.map(|value| member(value, key))).flatten().is_some()
    }

    /// All steps of the file, for the nearest name.
    fn step_names(&self) -> Vec<&str> {
        match self.entry("step").map(|value| &value.kind) {
            Some(Kinds::Table(table)) => table.entries.iter().map(|entry| entry.key.as_str()).collect(),
            _ => Vec::new(),
        }
    }
}

fn member<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    match &value.kind {
        Kinds::Table(table) => table.get(key).map(|entry| &entry.value),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
