//! Files and environment variables as trees of values that know their place. Judges only what is not TOML.

use crate::edge::config::place::Place;
use toml::de::{DeTable, DeValue};

/// One value as it was written.
#[derive(Clone, Debug)]
pub struct Value {
    pub at: Place,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub enum Kind {
    /// From the environment: text whose type the key decides.
    Open(String),
    Text(String),
    Integer(Option<i64>),
    Float(f64),
    Flag(bool),
    Date,
    Array(Vec<Value>),
    Table(Table),
}

/// Keys in the order in which they were written.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub key: String,
    pub at: Place,
    pub value: Value,
}

/// The tree of one file, and each breach of TOML: offset range and words.
pub struct Parsed {
    pub table: Table,
    pub breaches: Vec<(Place, String)>,
}

pub fn parse(source: usize, text: &str) -> Parsed {
    let (table, errors) = DeTable::parse_recoverable(text);
    let breaches = errors
        .iter()
        .map(|error| {
            let span = error.span().unwrap_or(0..0);
            (
                Place { source, start: span.start, end: span.end },
                error.message().replace('\n', ", ").replace(", expected nothing", ""),
            )
        })
        .collect();
    Parsed { table: table_of(source, table.get_ref()), breaches }
}

fn table_of(source: usize, table: &DeTable<'_>) -> Table {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().clone().into_owned(),
            at: Place { source, start: key.span().start, end: key.span().end },
            value: Value {
                at: Place { source, start: value.span().start, end: value.span().end },
                kind: kind_of(source, value.get_ref()),
            },
        })
        .collect();
    entries.sort_by_key(|entry| entry.at.start);
    Table { entries }
}

fn kind_of(source: usize, value: &DeValue<'_>) -> Kind {
    match value {
        DeValue::String(text) => Kind::Text(text.clone().into_owned()),
        DeValue::Integer(number) => Kind::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok()),
        DeValue::Float(number) => Kind::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Kind::Flag(*flag),
        DeValue::Datetime(_) => Kind::Date,
        DeValue::Array(items) => Kind::Array(
            items
                .iter()
                .map(|item| Value {
                    at: Place { source, start: item.span().start, end: item.span().end },
                    kind: kind_of(source, item.get_ref()),
                })
                .collect(),
        ),
        DeValue::Table(table) => Kind::Table(table_of(source, table)),
    }
}

impl Table {
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The last place before an offset where this key is written, here or in a table below.
    pub fn find_before(&self, key: &str, offset: usize) -> Option<Place> {
        let own = self.entries.iter().filter(|entry| entry.key == key && entry.at.start < offset).map(|entry| entry.at);
        let below = self.entries.iter().filter_map(|entry| entry.value.find_before(key, offset));
        own.chain(below).max_by_key(|at| at.start)
    }

    /// Where a path such as `when[2].to` leads, or the deepest part of it that is there.
    pub fn locate(&self, path: &str) -> Option<Place> {
        let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let (key, index) = match first.strip_suffix(']').and_then(|first| first.split_once('[')) {
            Some((key, index)) => (key, index.parse::<usize>().ok()),
            None => (first, None),
        };
        let entry = self.get(key)?;
        let value = match (&entry.value.kind, index) {
            (Kind::Array(items), Some(index)) => items.get(index).unwrap_or(&entry.value),
            _ => &entry.value,
        };
        match (&value.kind, rest) {
            // A table that spans lines is shown where its name stands.
            (Kind::Table(table), Some(rest)) => table.locate(rest).or(Some(entry.at)),
            _ => Some(value.at),
        }
    }

    /// Puts a value from the environment at a dotted path. The error is the path of what is no table.
    pub fn overlay(&mut self, path: &str, at: Place, text: &str) -> Result<(), String> {
        let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let index = match self.entries.iter().position(|entry| entry.key == first) {
            Some(index) => index,
            None => {
                let value = Value { at, kind: Kind::Table(Table::default()) };
                self.entries.push(Entry { key: first.to_owned(), at, value });
                self.entries.len() - 1
            }
        };
        let Some(entry) = self.entries.get_mut(index) else { return Ok(()) };
        match (rest, &mut entry.value.kind) {
            (None, _) => {
                entry.value = Value { at, kind: Kind::Open(text.to_owned()) };
                entry.at = at;
                Ok(())
            }
            (Some(rest), Kind::Table(table)) => {
                table.overlay(rest, at, text).map_err(|inner| format!("{first}.{inner}"))
            }
            (Some(_), _) => Err(first.to_owned()),
        }
    }
}

impl Value {
    fn find_before(&self, key: &str, offset: usize) -> Option<Place> {
        match &self.kind {
            Kind::Table(table) => table.find_before(key, offset),
            Kind::Array(items) => {
                items.iter().filter_map(|item| item.find_before(key, offset)).max_by_key(|at| at.start)
            }
            _ => None,
        }
    }
}

impl Kind {
    /// With its article, for `expected ..., found ...`.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Open(_) | Kind::Text(_) => "a text",
            Kind::Integer(_) => "an integer",
            Kind::Float(_) => "a fraction",
            Kind::Flag(_) => "a boolean",
            Kind::Date => "a date",
            Kind::Array(_) => "a list",
            Kind::Table(_) => "a table",
        }
    }
}
