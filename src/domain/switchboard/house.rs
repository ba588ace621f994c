//! A number of our own that somebody dials: where it leads, and how many calls it may have. Reads the inventory, never changes it.

use crate::base::cause::Cause;
use crate::base::id::CallId;
use crate::base::now::Now;
use crate::domain::call::interface::Refused;
use crate::domain::dialplan::Destination;
use crate::domain::dialplan::lookup::{Asker, Wanted};
use crate::domain::flow::definition::Kind;
use crate::domain::number::book::{Book, Lead};
use crate::domain::number::country::Country;
use crate::domain::number::entry::{Assignment, Entry};
use crate::domain::number::key::Key;
use crate::domain::number::kind::Sort;
use crate::domain::number::plan;
use crate::domain::switchboard::board::Switchboard;
use crate::domain::switchboard::interface::RefusalReason;
use crate::domain::switchboard::invite::NoWay;
use crate::domain::trunk::identity::Identity;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The inventory as it was told last, and how many calls each number of it has.
#[derive(Clone, Debug, Default)]
pub struct House {
    pub book: Book,
    busy: BTreeMap<Key, u32>,
}

/// By its name, as the other flows are that nobody chose.
const ANNOUNCES: &str = "default-released";

/// What the inventory says of a call.
pub(super) enum OurWay {
    /// The number is none of ours: the dialplan decides.
    NotOurs,
    To(Destination),
}

impl House {
    /// A newer snapshot; one that was overtaken on its way is dropped.
    pub fn adopt(&mut self, book: Book) {
        if book.version() >= self.book.version() {
            self.book = book;
        }
    }

    pub fn calls(&self, key: &Key) -> u32 {
        self.busy.get(key).copied().unwrap_or_default()
    }

    pub fn has_room(&self, entry: &Entry) -> bool {
        entry.capacity == 0 || self.calls(&entry.key) < entry.capacity
    }

    fn take(&mut self, key: &Key) {
        *self.busy.entry(key.clone()).or_default() += 1;
    }

    pub fn give_back(&mut self, key: &Key) {
        if let Some(count) = self.busy.get_mut(key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.busy.remove(key);
            }
        }
    }
}

impl Switchboard {
    /// A number of the inventory goes where it is assigned, before any rule. Takes its places.
    pub(super) fn our_way(
        &mut self,
        now: Now,
        (call, who): (CallId, Asker<'_>),
        (wanted, identity): (Wanted<'_>, Option<&Identity>),
        trail: &mut Vec<Box<str>>,
    ) -> Result<OurWay, NoWay> {
        let book = self.house.book.clone();
        if book.is_empty() {
            return Ok(OurWay::NotOurs);
        }
        let origin = origin_of(&book, wanted, identity);
        let refused = |cause, why, words: String| Err((Refused { cause, retry_after: None, words: words.into() }, why));
        match book.lead((wanted.e164, wanted.digits), origin, now.unix_millis()) {
            Lead::NotOurs => Ok(OurWay::NotOurs),
            Lead::Unassigned(entry) => {
                let words = format!("{} is ours and leads nowhere ({})", entry.key, entry.status.name());
                refused(Cause::TemporarilyUnavailable, RefusalReason::NumberUnassigned, words)
            }
            Lead::Released(entry) => {
                let words = format!("{} was released", entry.key);
                match self.announcement() {
                    Some(flow) => {
                        trail.push(format!("{words}: flow {flow} says so").into());
                        Ok(OurWay::To(Destination::Flow(flow)))
                    }
                    None => refused(Cause::NumberGone, RefusalReason::NumberReleased, words),
                }
            }
            Lead::To { through, .. } if is_loopback(&through, who) => {
                let words = "universal freephone numbers cannot be called from here".to_owned();
                refused(Cause::NotAllowed, RefusalReason::DestinationForbidden, words)
            }
            Lead::To { through, to } => {
                if let Some(full) = through.iter().find(|entry| !self.house.has_room(entry)) {
                    let words = format!("{} has all its {} calls", full.key, full.capacity);
                    return refused(Cause::Busy, RefusalReason::NumberFull, words);
                }
                trail.push(format!("{} leads to {to}", chain(&through)).into());
                for entry in through {
                    if self.calls.hold_number(call, &entry.key) {
                        self.house.take(&entry.key);
                    }
                }
                Ok(OurWay::To(destination(to)))
            }
        }
    }

    /// The flow that callers of released numbers hear, if there is one.
    fn announcement(&self) -> Option<Arc<str>> {
        let flow = self.index.exchange.flows.find(ANNOUNCES)?;
        (flow.kind == Kind::Inbound).then(|| flow.name.clone())
    }

    /// The same for a dry run.
    pub(super) fn explain_ours(
        &self,
        now: Now,
        who: Asker<'_>,
        (wanted, identity): (Wanted<'_>, Option<&Identity>),
        lines: &mut Vec<String>,
    ) -> Option<OurWay> {
        let book = &self.house.book;
        let origin = origin_of(book, wanted, identity);
        match book.lead((wanted.e164, wanted.digits), origin, now.unix_millis()) {
            Lead::NotOurs => {
                lines.push(format!("not among the {} numbers of the inventory", book.len()));
                return Some(OurWay::NotOurs);
            }
            Lead::Unassigned(entry) => lines.push(format!(
                "{} is ours ({}) and leads nowhere: 480 Temporarily Unavailable",
                entry.key,
                entry.status.name()
            )),
            Lead::Released(entry) => match self.announcement() {
                Some(flow) => {
                    lines.push(format!("{} was released: flow {flow} says so", entry.key));
                    return Some(OurWay::To(Destination::Flow(flow)));
                }
                None => lines.push(format!("{} was released: 410 Gone", entry.key)),
            },
            Lead::To { through, .. } if is_loopback(&through, who) => {
                lines.push("universal freephone numbers cannot be called from here: 403 Forbidden".to_owned());
            }
            Lead::To { through, to } => {
                for entry in &through {
                    let of = if entry.capacity == 0 { "any number of".to_owned() } else { entry.capacity.to_string() };
                    let (key, sort, status) = (&entry.key, entry.sort, entry.status.name());
                    lines.push(format!("{key} is ours: {sort}, {status}, {} of {of} calls", self.house.calls(key)));
                    if !self.house.has_room(entry) {
                        lines.push(format!("{key} has all its calls: 486 Busy Here"));
                        return None;
                    }
                }
                lines.push(format!("{} leads to {to}", chain(&through)));
                return Some(OurWay::To(destination(to)));
            }
        }
        None
    }
}

/// Where the caller is, if the number that was dialled goes by that.
fn origin_of(book: &Book, wanted: Wanted<'_>, identity: Option<&Identity>) -> Option<Country> {
    let entry = book.find(wanted.e164, wanted.digits)?;
    if entry.sort != Sort::Uifn {
        return None;
    }
    plan::classify(identity?.e164.as_ref()?).country
}

/// A phone of ours that dials our universal freephone number.
fn is_loopback(through: &[&Arc<Entry>], who: Asker<'_>) -> bool {
    matches!(who, Asker::Phone(_)) && through.first().is_some_and(|entry| entry.sort == Sort::Uifn)
}

fn chain(through: &[&Arc<Entry>]) -> String {
    through.iter().map(|entry| entry.key.text()).collect::<Vec<_>>().join(" by way of ")
}

fn destination(to: &Assignment) -> Destination {
    match to {
        Assignment::Flow(name) => Destination::Flow(name.clone()),
        Assignment::Phone(name) => Destination::Phone(name.clone()),
        Assignment::Group(name) => Destination::Group(name.clone()),
        Assignment::Queue(name) => Destination::Queue(name.clone()),
        Assignment::Engine(name) => Destination::Engine(name.clone()),
        Assignment::Trunk(name) => Destination::Trunk(name.clone()),
        // The chain has been followed to its end.
        Assignment::Number(_) => Destination::Reject(Cause::Fault),
    }
}
