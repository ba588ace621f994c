//! One number of ours with everything that is kept of it. Changes only in `inventory`.

use crate::domain::number::country::Country;
use crate::domain::number::key::Key;
use crate::domain::number::kind::Sort;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// Milliseconds since 1970.
pub type Millis = u64;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    pub key: Key,
    pub sort: Sort,
    pub country: Option<Country>,
    /// Who carries it: one for a DID, several where a toll-free number has several.
    pub carriers: BTreeSet<Box<str>>,
    /// Calls to it at the same time; zero sets no limit.
    pub capacity: u32,
    pub status: Status,
    /// When the status became what it is.
    pub since: Millis,
    /// Whose it is inside the house; empty where nobody divides them.
    pub account: Box<str>,
    pub to: Option<Assignment>,
    /// Where calls from one country go instead; UIFN only.
    pub by_country: BTreeMap<Country, Assignment>,
    pub tags: BTreeSet<Box<str>>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Status {
    Claimed,
    /// Ordered or being ported. Calls that come already are taken.
    InProgress,
    /// The carrier did not give it to us.
    Failed {
        why: Box<str>,
    },
    /// Given back. It is nobody's until this time, and cannot be claimed.
    Released {
        until: Millis,
    },
}

/// Where calls to a number go.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Assignment {
    Flow(Arc<str>),
    Phone(Arc<str>),
    /// Phones that ring together or in turn.
    Group(Arc<str>),
    Queue(Arc<str>),
    /// An engine decides.
    Engine(Arc<str>),
    /// A private branch exchange of ours, or whoever else is behind a trunk.
    Trunk(Arc<str>),
    /// An alias: wherever that number's calls go.
    Number(Key),
}

impl Status {
    pub fn name(&self) -> &'static str {
        match self {
            Status::Claimed => "CLAIMED",
            Status::InProgress => "IN_PROGRESS",
            Status::Failed { .. } => "FAILED",
            Status::Released { .. } => "RELEASED",
        }
    }

    /// Whether the number counts as one that we have.
    pub fn is_ours(&self) -> bool {
        matches!(self, Status::Claimed | Status::InProgress)
    }
}

impl Assignment {
    /// Reads what `Display` writes, such as `flow:order-desk`.
    pub fn parse(text: &str) -> Option<Assignment> {
        let (scheme, name) = text.trim().split_once(':')?;
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-+/".contains(c);
        let is_name = !name.is_empty() && name.len() <= 64 && name.chars().all(fits);
        match scheme {
            "number" => Key::parse(name).ok().map(Assignment::Number),
            _ if !is_name => None,
            "flow" => Some(Assignment::Flow(name.into())),
            "phone" | "agent" => Some(Assignment::Phone(name.into())),
            "group" => Some(Assignment::Group(name.into())),
            "engine" => Some(Assignment::Engine(name.into())),
            "queue" => Some(Assignment::Queue(name.into())),
            "trunk" => Some(Assignment::Trunk(name.into())),
            _ => None,
        }
    }
}

impl fmt::Display for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Assignment::Flow(name) => write!(f, "flow:{name}"),
            Assignment::Phone(name) => write!(f, "phone:{name}"),
            Assignment::Group(name) => write!(f, "group:{name}"),
            Assignment::Engine(name) => write!(f, "engine:{name}"),
            Assignment::Queue(name) => write!(f, "queue:{name}"),
            Assignment::Trunk(name) => write!(f, "trunk:{name}"),
            Assignment::Number(key) => write!(f, "number:{key}"),
        }
    }
}
