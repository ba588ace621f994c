//! Texts with references, and values of any kind, as flows take them. Looks nothing up.

use crate::domain::flow::act::{Argument, QueueOf};
use crate::domain::flow::key::Key;
use crate::domain::flow::template::{Reference, Template, TemplateFaultKind};
use crate::edge::config::fields::{Fields, parse_duration, printable};
use crate::edge::config::raw::{Kind, Value};
use crate::edge::config::reading::{Item, Reading};
use std::ops::RangeInclusive;
use std::time::Duration;

/// Tables within tables; more is no parameter that anybody reads.
const DEPTH_MAX: usize = 16;

/// A text in which `$.a.b` may stand for a value.
pub fn template(reading: &Reading, item: &Item) -> Option<Template> {
    match Template::parse(&item.text) {
        Ok(template) => Some(template),
        Err(fault) => {
            let at = item.text.get(fault.at..).unwrap_or_default();
            let (problem, meant) = match fault.kind {
                TemplateFaultKind::OpenBracket => ("has no end", "a name in brackets ends with ']"),
                TemplateFaultKind::NoQuotes => ("holds a name without quotes", "write $.Attributes['name']"),
                TemplateFaultKind::EmptyName => ("holds a name without letters", "write $.Attributes['name']"),
                TemplateFaultKind::TooDeep => ("has more parts than any attribute", "$$ is a dollar sign"),
            };
            let problem = format!("the reference at `{}` {problem}", printable(at));
            reading.error(item.at, &item.path, problem, Some(meant.to_owned()));
            None
        }
    }
}

pub fn text(fields: &Fields<'_>, key: &'static str, absent: &str) -> Option<Template> {
    template(fields.reading, &fields.text(key, absent)?)
}

pub fn required(fields: &Fields<'_>, key: &'static str) -> Option<Template> {
    template(fields.reading, &fields.required(key)?)
}

/// A text that is one reference and nothing else.
pub fn reference(fields: &Fields<'_>, key: &'static str) -> Option<Reference> {
    let item = fields.required(key)?;
    let found = template(fields.reading, &item)?.sole().cloned();
    if found.is_none() {
        let problem = format!("`{}` is no reference to an attribute", printable(&item.text));
        fields.error(key, problem, Some("write one such as \"$.Attributes.name\"".to_owned()));
    }
    found
}

/// `queue` or `agent`, not both.
pub fn queue_of(fields: &Fields<'_>) -> Option<QueueOf> {
    let queue = text(fields, "queue", "the working queue");
    let agent = text(fields, "agent", "none");
    if fields.has("queue") && fields.has("agent") {
        fields.error("agent", "only one of `queue` and `agent` may stand here", None);
    }
    queue.map(QueueOf::Queue).or(agent.map(QueueOf::Agent))
}

/// Keys of a telephone, such as `#` or `0*`; none where the text is empty.
pub fn keys(fields: &Fields<'_>, key: &'static str, default: &str, max: usize) -> Vec<Key> {
    let text = fields.text_or(key, default);
    let keys = Key::all(&text).filter(|keys| keys.len() <= max);
    if keys.is_none() {
        let problem = format!("`{}` are no keys of a telephone", printable(&text));
        fields.error(key, problem, Some(format!("write up to {max} of 0 to 9, *, # and A to D")));
    }
    keys.unwrap_or_default()
}

/// A value of any kind, with its texts as templates.
pub fn argument(reading: &Reading, value: &Value, path: &str) -> Option<Argument> {
    nested(reading, value, path, 0)
}

fn nested(reading: &Reading, value: &Value, path: &str, depth: usize) -> Option<Argument> {
    if depth > DEPTH_MAX {
        reading.error(value.at, path, format!("more than {DEPTH_MAX} tables within each other"), None);
        return None;
    }
    match &value.kind {
        Kind::Text(text) | Kind::Open(text) => {
            let item = Item { text: text.clone(), at: value.at, path: path.to_owned() };
            template(reading, &item).map(Argument::Text)
        }
        Kind::Integer(Some(number)) => Some(Argument::Number(number.to_string().into())),
        Kind::Float(number) if number.is_finite() => Some(Argument::Number(number.to_string().into())),
        Kind::Flag(flag) => Some(Argument::Bool(*flag)),
        Kind::Array(items) => {
            let items = items.iter().enumerate();
            let read = items.map(|(index, item)| nested(reading, item, &format!("{path}[{index}]"), depth + 1));
            read.collect::<Vec<_>>().into_iter().collect::<Option<Vec<_>>>().map(Argument::List)
        }
        Kind::Table(table) => {
            let read = table.entries.iter().map(|entry| {
                let below = nested(reading, &entry.value, &format!("{path}.{}", printable(&entry.key)), depth + 1);
                below.map(|below| (entry.key.as_str().into(), below))
            });
            read.collect::<Vec<_>>().into_iter().collect::<Option<Vec<_>>>().map(Argument::Map)
        }
        other => {
            let meant = matches!(other, Kind::Date).then(|| "write it as a text, in quotes".to_owned());
            reading.error(value.at, path, format!("{} cannot stand here", other.name()), meant);
            None
        }
    }
}

/// A table of names and values of any kind.
pub fn arguments(fields: &Fields<'_>, key: &'static str, absent: &str) -> Vec<(Box<str>, Argument)> {
    let Some(value) = fields.value(key, "table", absent) else { return Vec::new() };
    if !matches!(value.kind, Kind::Table(_)) {
        fields.error(key, format!("expected a table, found {}", value.kind.name()), None);
        return Vec::new();
    }
    match argument(fields.reading, value, &fields.path(key)) {
        Some(Argument::Map(pairs)) => pairs,
        _ => Vec::new(),
    }
}

/// A duration, or a reference to a number of seconds.
pub enum Lasting {
    Fixed(Duration),
    From(Reference),
}

pub fn lasting(fields: &Fields<'_>, key: &'static str, default: Duration, range: RangeInclusive<Duration>) -> Lasting {
    let is_reference = fields.written().get(key).is_some_and(|entry| match &entry.value.kind {
        Kind::Text(text) => text.starts_with("$."),
        _ => false,
    });
    match is_reference.then(|| reference(fields, key)).flatten() {
        Some(reference) => Lasting::From(reference),
        None if is_reference => Lasting::Fixed(default),
        None => Lasting::Fixed(fields.duration(key, default, range)),
    }
}

/// Seconds with a sign: `10m`, `-90s`.
pub fn signed_seconds(text: &str) -> Option<i64> {
    let (sign, rest) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let seconds = i64::try_from(parse_duration(rest)?.as_secs()).ok()?;
    Some(sign * seconds)
}
