//! A value as flows know it: what JSON can say, without JSON. Reads and writes no text format.

use std::collections::BTreeMap;

/// What an attribute holds. Numbers keep the digits they came with, so that an order number of twenty digits survives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    Number(Box<str>),
    Text(Box<str>),
    List(Vec<Value>),
    Map(Map),
}

/// Names to values, in the order of the names.
pub type Map = BTreeMap<Box<str>, Value>;

impl Value {
    pub fn text(text: impl Into<Box<str>>) -> Value {
        Value::Text(text.into())
    }

    pub fn number(number: impl std::fmt::Display) -> Value {
        Value::Number(number.to_string().into())
    }

    pub fn map<const N: usize>(pairs: [(&str, Value); N]) -> Value {
        Value::Map(pairs.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// As it stands in a text. Null, lists and maps have no such form: a flow can only hand them on.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Bool(true) => Some("true"),
            Value::Bool(false) => Some("false"),
            Value::Number(text) | Value::Text(text) => Some(text),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// What stands under a name, or at a place of a list.
    pub fn member(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Map(map) => map.get(name),
            Value::List(list) => list.get(name.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// Roughly the octets that it takes as JSON, which is what limits count.
    pub fn weight(&self) -> usize {
        match self {
            Value::Null | Value::Bool(_) => 5,
            Value::Number(text) => text.len(),
            Value::Text(text) => text.len() + 2,
            Value::List(list) => 2 + list.iter().map(|value| value.weight() + 1).sum::<usize>(),
            Value::Map(map) => weight(map),
        }
    }
}

/// The octets of a map as JSON.
pub fn weight(map: &Map) -> usize {
    2 + map.iter().map(|(name, value)| name.len() + value.weight() + 4).sum::<usize>()
}
