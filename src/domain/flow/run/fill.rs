//! Fills the references in texts and values from the memory of the call. Changes nothing in it.

use super::FlowRun;
use crate::domain::flow::act::{Argument, QueueOf};
use crate::domain::flow::definition::Kind;
use crate::domain::flow::memory::{QueueName, is_line};
use crate::domain::flow::template::{Part, Reference, Template};
use crate::domain::flow::value::{Map, Value};

/// How a value is written where it is put into a text.
#[derive(Clone, Copy)]
pub enum Escape {
    None,
    /// Percent-encoded, so that a value cannot become part of an address.
    Url,
    /// So that a value cannot become mark-up.
    Xml,
}

/// Names of queues, flows, agents and prompts, and numbers.
const NAME_CHARS_MAX: usize = 256;

impl FlowRun {
    /// What a reference refers to; a secret one keeps this step out of the log.
    pub(super) fn look_up(&mut self, reference: &Reference) -> Option<&Value> {
        if self.memory.is_secret(reference) {
            self.is_secret = true;
        }
        // Who made the call what it is, is not known to whispers.
        let is_whisper = matches!(self.at.flow.kind, Kind::AgentWhisper | Kind::CustomerWhisper);
        if is_whisper && reference.path.iter().any(|name| &**name == "InitiationMethod") {
            return None;
        }
        self.memory.look_up(reference)
    }

    /// The whole text; nothing where one of its references refers to nothing.
    pub(super) fn fill(&mut self, template: &Template) -> Option<Box<str>> {
        self.fill_escaped(template, Escape::None)
    }

    pub(super) fn fill_escaped(&mut self, template: &Template, escape: Escape) -> Option<Box<str>> {
        if let Some(text) = template.fixed() {
            return Some(text.into());
        }
        let mut filled = String::new();
        for part in &template.parts {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Reference(reference) => put(&mut filled, self.look_up(reference)?.as_text()?, escape),
            }
        }
        Some(filled.into())
    }

    /// A name that must say something, and that cannot become more than one line wherever it is written.
    pub(super) fn fill_name(&mut self, template: &Template) -> Option<Box<str>> {
        self.fill(template).filter(|name| !name.trim().is_empty() && is_line(name, NAME_CHARS_MAX))
    }

    /// An optional text: nothing is missing where none was asked for.
    pub(super) fn fill_some(&mut self, template: Option<&Template>) -> Option<Option<Box<str>>> {
        match template {
            Some(template) => self.fill(template).map(Some),
            None => Some(None),
        }
    }

    pub(super) fn argument(&mut self, argument: &Argument) -> Option<Value> {
        match argument {
            Argument::Null => Some(Value::Null),
            Argument::Bool(value) => Some(Value::Bool(*value)),
            Argument::Number(text) => Some(Value::Number(text.clone())),
            Argument::Text(template) => match template.sole() {
                Some(reference) => self.look_up(reference).cloned(),
                None => self.fill(template).map(Value::Text),
            },
            Argument::List(list) => {
                list.iter().map(|value| self.argument(value)).collect::<Option<_>>().map(Value::List)
            }
            Argument::Map(pairs) => self.arguments(pairs).map(Value::Map),
        }
    }

    pub(super) fn arguments(&mut self, pairs: &[(Box<str>, Argument)]) -> Option<Map> {
        pairs.iter().map(|(name, value)| Some((name.clone(), self.argument(value)?))).collect()
    }

    /// The queue that a step names, or else the working queue.
    pub(super) fn queue_of(&mut self, queue: Option<&QueueOf>) -> Option<QueueName> {
        let named = match queue {
            Some(QueueOf::Queue(name)) => QueueName::Queue(self.fill_name(name)?),
            Some(QueueOf::Agent(name)) => QueueName::Agent(self.fill_name(name)?),
            None => self.memory.queue.clone()?,
        };
        self.note(named.kind(), named.name());
        Some(named)
    }
}

fn put(filled: &mut String, value: &str, escape: Escape) {
    match escape {
        Escape::None => filled.push_str(value),
        Escape::Url => value.bytes().for_each(|byte| put_url(filled, byte)),
        Escape::Xml => value.chars().for_each(|letter| put_xml(filled, letter)),
    }
}

fn put_url(filled: &mut String, byte: u8) {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
        filled.push(char::from(byte));
    } else {
        filled.push_str(&format!("%{byte:02X}"));
    }
}

fn put_xml(filled: &mut String, letter: char) {
    match letter {
        '&' => filled.push_str("&amp;"),
        '<' => filled.push_str("&lt;"),
        '>' => filled.push_str("&gt;"),
        '"' => filled.push_str("&quot;"),
        '\'' => filled.push_str("&apos;"),
        letter => filled.push(letter),
    }
}
