//! All numbers of ours as calls look them up: a snapshot that nobody changes under them. Judges no order.

use crate::domain::number::country::Country;
use crate::domain::number::entry::{Assignment, Entry, Millis, Status};
use crate::domain::number::key::Key;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Numbers that lead to numbers: public number, hidden termination, and two more.
pub const ALIASES_MAX: usize = 4;

/// Cheap to clone. A change copies what others still hold.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Book {
    entries: Arc<BTreeMap<Key, Arc<Entry>>>,
    version: u64,
}

/// What a number that somebody dials is to us.
#[derive(Clone, PartialEq, Debug)]
pub enum Lead<'a> {
    /// Not in the book: whatever the dialplan says.
    NotOurs,
    /// Ours, and nobody has said where its calls go.
    Unassigned(&'a Arc<Entry>),
    /// It was ours and nobody answers under it any more.
    Released(&'a Arc<Entry>),
    /// The numbers that the call came through, the dialled one first, and where it goes.
    To { through: Vec<&'a Arc<Entry>>, to: &'a Assignment },
}

impl Book {
    pub fn new(entries: BTreeMap<Key, Arc<Entry>>) -> Book {
        Book { entries: Arc::new(entries), version: 0 }
    }

    /// Grows with every change.
    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.values()
    }

    pub fn entry(&self, key: &Key) -> Option<&Arc<Entry>> {
        self.entries.get(key)
    }

    /// By E.164 with its plus, or by the digits of a short code or extension.
    pub fn find(&self, e164: Option<&str>, digits: &str) -> Option<&Arc<Entry>> {
        let by_number = e164.and_then(|number| self.entries.get(number));
        by_number.or_else(|| self.entries.get(digits).filter(|_| !digits.starts_with('+')))
    }

    /// Whether calls may show this number as theirs.
    pub fn owns(&self, e164: &str) -> bool {
        self.entries.get(e164).is_some_and(|entry| entry.status.is_ours())
    }

    /// Where calls to a number go that come from this country.
    pub fn lead(&self, (e164, digits): (Option<&str>, &str), origin: Option<Country>, now: Millis) -> Lead<'_> {
        let Some(mut entry) = self.find(e164, digits) else { return Lead::NotOurs };
        let mut through = Vec::new();
        loop {
            match &entry.status {
                Status::Released { until } if *until <= now && through.is_empty() => return Lead::NotOurs,
                Status::Released { .. } => return Lead::Released(entry),
                Status::Failed { .. } => return Lead::Unassigned(entry),
                Status::Claimed | Status::InProgress => {}
            }
            through.push(entry);
            let by_country = origin.and_then(|country| entry.by_country.get(&country));
            match by_country.or(entry.to.as_ref()) {
                None => return Lead::Unassigned(entry),
                Some(Assignment::Number(next)) if through.len() <= ALIASES_MAX => match self.entries.get(next) {
                    Some(next) => entry = next,
                    None => return Lead::Unassigned(entry),
                },
                Some(Assignment::Number(_)) => return Lead::Unassigned(entry),
                Some(to) => return Lead::To { through, to },
            }
        }
    }

    pub(super) fn put(&mut self, entry: Arc<Entry>) {
        Arc::make_mut(&mut self.entries).insert(entry.key.clone(), entry);
        self.version += 1;
    }

    pub(super) fn take(&mut self, key: &Key) {
        Arc::make_mut(&mut self.entries).remove(key);
        self.version += 1;
    }
}
