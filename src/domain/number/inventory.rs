//! All numbers that we have, and what may be done with them: each order is done whole or refused. Keeps nothing on disk.

use crate::domain::number::book::{ALIASES_MAX, Book};
use crate::domain::number::country::Country;
use crate::domain::number::entry::{Assignment, Entry, Millis, Status};
use crate::domain::number::key::Key;
use crate::domain::number::kind::Sort;
use crate::domain::number::plan::{self, Class};
use crate::domain::number::refusal::Refusal;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// The house's own rules about numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms {
    /// Numbers at the same time; zero sets no limit, and then no churn is counted.
    pub quota: u32,
    /// Claims and releases within the window, in per cent of the quota.
    pub churn_percent: u32,
    pub churn_window: Duration,
    /// How long a released number rests.
    pub cool_down: Duration,
    /// How long a claim that failed may not be repeated.
    pub retry_after: Duration,
    /// Calls at the same time to a DID where nobody says otherwise.
    pub did_capacity: u32,
}

impl Default for Terms {
    fn default() -> Terms {
        let day = Duration::from_secs(86_400);
        Terms {
            quota: 1_000,
            churn_percent: 200,
            churn_window: day * 30,
            cool_down: day * 30,
            retry_after: day,
            did_capacity: 100,
        }
    }
}

/// What an operator wants done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Order {
    Claim(Box<Claim>),
    /// Claims, or changes what is said of a number that is ours already.
    Import(Box<Claim>),
    /// How a claim in progress ended.
    Settle {
        key: Key,
        outcome: Result<(), Box<str>>,
    },
    Assign {
        key: Key,
        country: Option<Country>,
        to: Assignment,
    },
    Unassign {
        key: Key,
        country: Option<Country>,
    },
    Change {
        key: Key,
        capacity: Option<u32>,
        carriers: Option<BTreeSet<Box<str>>>,
        tags: Option<BTreeSet<Box<str>>>,
    },
    /// To another account, which has to assign it anew.
    Move {
        key: Key,
        account: Box<str>,
    },
    Release {
        key: Key,
    },
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    pub key: Key,
    /// By its numbering plan where nobody says.
    pub sort: Option<Sort>,
    pub carriers: BTreeSet<Box<str>>,
    pub capacity: Option<u32>,
    pub account: Box<str>,
    pub to: Option<Assignment>,
    pub tags: BTreeSet<Box<str>>,
    /// Ordered and not yet delivered, or being ported.
    pub in_progress: bool,
    /// Also when its numbering plan has no such number.
    pub anyway: bool,
}

impl Claim {
    pub fn of(key: Key) -> Claim {
        Claim {
            key,
            sort: None,
            carriers: BTreeSet::new(),
            capacity: None,
            account: "".into(),
            to: None,
            tags: BTreeSet::new(),
            in_progress: false,
            anyway: false,
        }
    }
}

/// What one order changed; `None` before: it was not there, `None` after: it is no more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    pub action: Action,
    pub before: Option<Arc<Entry>>,
    pub after: Option<Arc<Entry>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    Claimed,
    Changed,
    Settled,
    Assigned,
    Unassigned,
    Moved,
    Released,
    /// Its time of rest is over; it is forgotten.
    Expired,
}

impl Action {
    pub const ALL: &[Action] = &[
        Action::Claimed,
        Action::Changed,
        Action::Settled,
        Action::Assigned,
        Action::Unassigned,
        Action::Moved,
        Action::Released,
        Action::Expired,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Action::Claimed => "claimed",
            Action::Changed => "changed",
            Action::Settled => "settled",
            Action::Assigned => "assigned",
            Action::Unassigned => "unassigned",
            Action::Moved => "moved",
            Action::Released => "released",
            Action::Expired => "expired",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Inventory {
    terms: Terms,
    book: Book,
    ours: u32,
    /// When numbers were claimed and released, within the window, oldest first.
    turnover: VecDeque<Millis>,
}

impl Inventory {
    /// From what was kept: every number, and the moments of claims and releases.
    pub fn new(terms: Terms, entries: Vec<Entry>, turnover: Vec<Millis>) -> Inventory {
        let entries: BTreeMap<Key, Arc<Entry>> =
            entries.into_iter().map(|entry| (entry.key.clone(), Arc::new(entry))).collect();
        let ours = entries.values().filter(|entry| entry.status.is_ours()).count();
        let mut turnover: Vec<Millis> = turnover;
        turnover.sort_unstable();
        Inventory {
            terms,
            book: Book::new(entries),
            ours: u32::try_from(ours).unwrap_or(u32::MAX),
            turnover: turnover.into(),
        }
    }

    /// What calls look numbers up in: a copy that later orders do not touch.
    pub fn book(&self) -> Book {
        self.book.clone()
    }

    pub fn set_terms(&mut self, terms: Terms) {
        self.terms = terms;
    }

    /// Does an order, or refuses it and changes nothing.
    pub fn apply(&mut self, now: Millis, order: Order) -> Result<Change, Refusal> {
        match order {
            Order::Claim(claim) => self.claim(now, *claim),
            Order::Import(claim) => match self.book.entry(&claim.key) {
                Some(entry) if entry.status.is_ours() => self.amend(*claim),
                _ => self.claim(now, *claim),
            },
            Order::Settle { key, outcome } => self.settle(now, &key, outcome),
            Order::Assign { key, country, to } => self.assign(&key, country, to),
            Order::Unassign { key, country } => self.unassign(&key, country),
            Order::Change { key, capacity, carriers, tags } => self.change(Action::Changed, &key, |entry| {
                entry.capacity = capacity.unwrap_or(entry.capacity);
                entry.carriers = carriers.unwrap_or_else(|| entry.carriers.clone());
                entry.tags = tags.unwrap_or_else(|| entry.tags.clone());
                check_words(entry)
            }),
            Order::Move { key, account } => self.change(Action::Moved, &key, |entry| {
                entry.account = account;
                entry.to = None;
                entry.by_country.clear();
                check_words(entry)
            }),
            Order::Release { key } => self.release(now, &key),
        }
    }

    /// Forgets released numbers whose rest is over.
    pub fn expire(&mut self, now: Millis) -> Vec<Change> {
        let over = |entry: &&Arc<Entry>| matches!(entry.status, Status::Released { until } if until <= now);
        let over: Vec<Arc<Entry>> = self.book.entries().filter(over).cloned().collect();
        over.into_iter()
            .map(|entry| {
                self.book.take(&entry.key);
                Change { action: Action::Expired, before: Some(entry), after: None }
            })
            .collect()
    }

    /// Undoes what could not be kept.
    pub fn revert(&mut self, change: &Change) {
        let is_ours = |entry: &Option<Arc<Entry>>| entry.as_ref().is_some_and(|entry| entry.status.is_ours());
        match (is_ours(&change.before), is_ours(&change.after)) {
            (true, false) => self.ours += 1,
            (false, true) => self.ours = self.ours.saturating_sub(1),
            _ => {}
        }
        if matches!(change.action, Action::Claimed | Action::Released) {
            self.turnover.pop_back();
        }
        match (&change.before, &change.after) {
            (Some(before), _) => self.book.put(before.clone()),
            (None, Some(after)) => self.book.take(&after.key),
            (None, None) => {}
        }
    }

    fn claim(&mut self, now: Millis, claim: Claim) -> Result<Change, Refusal> {
        let before = self.book.entry(&claim.key).cloned();
        match before.as_ref().map(|entry| (&entry.status, entry.since)) {
            Some((Status::Released { until }, _)) if *until > now => {
                return Err(Refusal::CoolingDown { key: claim.key, until: *until });
            }
            Some((Status::Failed { .. }, since)) if after(since, self.terms.retry_after) > now => {
                return Err(Refusal::RetryLater { key: claim.key, until: after(since, self.terms.retry_after) });
            }
            Some((Status::Claimed | Status::InProgress, _)) => return Err(Refusal::AlreadyOurs(claim.key)),
            _ => {}
        }
        self.check_quota(now)?;
        let entry = self.entry_of(now, claim)?;
        self.check_alias(&entry.key, entry.to.as_ref())?;
        let entry = Arc::new(entry);
        self.book.put(entry.clone());
        self.ours += 1;
        self.turnover.push_back(now);
        Ok(Change { action: Action::Claimed, before, after: Some(entry) })
    }

    fn entry_of(&self, now: Millis, claim: Claim) -> Result<Entry, Refusal> {
        let number = claim.key.e164();
        let class = number.as_ref().map(plan::classify);
        if class.is_some_and(|class| !class.is_valid) && !claim.anyway {
            return Err(Refusal::NotInPlan(claim.key));
        }
        let sort = claim.sort.unwrap_or_else(|| class.map_or(Sort::Extension, |class| Sort::of(class.kind)));
        check_sort(&claim.key, sort, class)?;
        let by_default = if sort == Sort::Did { self.terms.did_capacity } else { 0 };
        let entry = Entry {
            sort,
            country: class.and_then(|class| class.country),
            carriers: claim.carriers,
            capacity: claim.capacity.unwrap_or(by_default),
            status: if claim.in_progress { Status::InProgress } else { Status::Claimed },
            since: now,
            account: claim.account,
            to: claim.to,
            by_country: BTreeMap::new(),
            tags: claim.tags,
            key: claim.key,
        };
        check_words(&entry)?;
        Ok(entry)
    }

    fn check_quota(&mut self, now: Millis) -> Result<(), Refusal> {
        let Terms { quota, churn_percent, churn_window, .. } = self.terms;
        while self.turnover.front().is_some_and(|at| after(*at, churn_window) <= now) {
            self.turnover.pop_front();
        }
        if quota == 0 {
            return Ok(());
        }
        if self.ours >= quota {
            return Err(Refusal::QuotaReached { quota });
        }
        let most = u64::from(quota) * u64::from(churn_percent) / 100;
        match self.turnover.front() {
            Some(oldest) if u64::try_from(self.turnover.len()).unwrap_or(u64::MAX) >= most => {
                let most = u32::try_from(most).unwrap_or(u32::MAX);
                Err(Refusal::Churn { most, until: after(*oldest, churn_window) })
            }
            _ => Ok(()),
        }
    }

    /// What an import says of a number that is ours already.
    fn amend(&mut self, claim: Claim) -> Result<Change, Refusal> {
        self.check_alias(&claim.key, claim.to.as_ref())?;
        let key = claim.key.clone();
        self.change(Action::Changed, &key, |entry| {
            if let Some(sort) = claim.sort {
                check_sort(&entry.key, sort, entry.key.e164().as_ref().map(plan::classify))?;
                entry.sort = sort;
            }
            if !claim.carriers.is_empty() {
                entry.carriers = claim.carriers;
            }
            if !claim.account.is_empty() {
                entry.account = claim.account;
            }
            if !claim.tags.is_empty() {
                entry.tags = claim.tags;
            }
            entry.capacity = claim.capacity.unwrap_or(entry.capacity);
            entry.to = claim.to.or_else(|| entry.to.take());
            check_words(entry)
        })
    }

    fn settle(&mut self, now: Millis, key: &Key, outcome: Result<(), Box<str>>) -> Result<Change, Refusal> {
        if self.ours(key)?.status != Status::InProgress {
            return Err(Refusal::NotInProgress(key.clone()));
        }
        if outcome.is_err() {
            self.check_not_aliased(key)?;
        }
        let change = self.change(Action::Settled, key, |entry| {
            entry.since = now;
            entry.status = match outcome {
                Ok(()) => Status::Claimed,
                Err(why) => Status::Failed { why },
            };
            Ok(())
        })?;
        if change.after.as_ref().is_some_and(|entry| !entry.status.is_ours()) {
            self.ours = self.ours.saturating_sub(1);
        }
        Ok(change)
    }

    fn assign(&mut self, key: &Key, country: Option<Country>, to: Assignment) -> Result<Change, Refusal> {
        self.check_alias(key, Some(&to))?;
        self.change(Action::Assigned, key, |entry| match country {
            Some(_) if entry.sort != Sort::Uifn => Err(Refusal::OnlyForUifn(entry.key.clone())),
            Some(country) => {
                entry.by_country.insert(country, to);
                Ok(())
            }
            None => {
                entry.to = Some(to);
                Ok(())
            }
        })
    }

    fn unassign(&mut self, key: &Key, country: Option<Country>) -> Result<Change, Refusal> {
        self.change(Action::Unassigned, key, |entry| {
            let was = match country {
                Some(country) => entry.by_country.remove(&country).is_some(),
                None => entry.to.take().is_some(),
            };
            if was { Ok(()) } else { Err(Refusal::NotAssigned(entry.key.clone())) }
        })
    }

    fn release(&mut self, now: Millis, key: &Key) -> Result<Change, Refusal> {
        self.check_not_aliased(key)?;
        let until = after(now, self.terms.cool_down);
        let change = self.change(Action::Released, key, |entry| {
            entry.status = Status::Released { until };
            entry.since = now;
            entry.to = None;
            entry.by_country.clear();
            Ok(())
        })?;
        self.ours = self.ours.saturating_sub(1);
        self.turnover.push_back(now);
        Ok(change)
    }

    fn ours(&self, key: &Key) -> Result<&Arc<Entry>, Refusal> {
        let entry = self.book.entry(key).filter(|entry| entry.status.is_ours());
        entry.ok_or_else(|| Refusal::NotOurs(key.clone()))
    }

    fn change(
        &mut self,
        action: Action,
        key: &Key,
        edit: impl FnOnce(&mut Entry) -> Result<(), Refusal>,
    ) -> Result<Change, Refusal> {
        let before = self.ours(key)?.clone();
        let mut entry = Entry::clone(&before);
        edit(&mut entry)?;
        if entry == *before {
            return Err(Refusal::NothingToChange(key.clone()));
        }
        let entry = Arc::new(entry);
        self.book.put(entry.clone());
        Ok(Change { action, before: Some(before), after: Some(entry) })
    }

    /// An alias must end at another number of ours and never come back to where it began.
    fn check_alias(&self, key: &Key, to: Option<&Assignment>) -> Result<(), Refusal> {
        let Some(Assignment::Number(first)) = to else { return Ok(()) };
        let mut waiting = vec![(first, 1)];
        while let Some((next, depth)) = waiting.pop() {
            if next == key {
                return Err(Refusal::AliasLoop(first.clone()));
            }
            if depth > ALIASES_MAX {
                return Err(Refusal::AliasTooLong(next.clone()));
            }
            let entry = self.ours(next).map_err(|_| Refusal::AliasUnknown(next.clone()))?;
            waiting.extend(entry.by_country.values().chain(&entry.to).filter_map(|to| match to {
                Assignment::Number(key) => Some((key, depth + 1)),
                _ => None,
            }));
        }
        Ok(())
    }

    fn check_not_aliased(&self, key: &Key) -> Result<(), Refusal> {
        let leads_here = |to: &Assignment| matches!(to, Assignment::Number(other) if other == key);
        let by = self.book.entries().find(|entry| entry.to.iter().chain(entry.by_country.values()).any(leads_here));
        by.map_or(Ok(()), |by| Err(Refusal::AliasedBy { key: key.clone(), by: by.key.clone() }))
    }
}

const WORD_CHARS_MAX: usize = 64;

fn after(at: Millis, time: Duration) -> Millis {
    at.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// Carriers, tags and account are words, so that lists of them can be written and read back.
fn check_words(entry: &Entry) -> Result<(), Refusal> {
    let fits = |c: char| c.is_alphanumeric() || "._-+/:@".contains(c);
    let is_word = |text: &str| !text.is_empty() && text.chars().count() <= WORD_CHARS_MAX && text.chars().all(fits);
    let mut words = entry.carriers.iter().chain(&entry.tags).chain(Some(&entry.account).filter(|one| !one.is_empty()));
    if let Some(text) = words.find(|text| !is_word(text)) {
        return Err(Refusal::NoWord(text.chars().take(WORD_CHARS_MAX).collect::<String>().into()));
    }
    if entry.sort == Sort::Did && entry.carriers.len() > 1 {
        return Err(Refusal::OneCarrier(entry.key.clone()));
    }
    Ok(())
}

/// Short codes and extensions are no E.164, everything else is; only +800 is a UIFN.
fn check_sort(key: &Key, sort: Sort, class: Option<Class>) -> Result<(), Refusal> {
    let is_short = matches!(sort, Sort::ShortCode | Sort::Extension);
    let is_uifn = class.is_some_and(|class| class.kind == crate::domain::number::kind::Kind::Uifn);
    if is_short == class.is_some() || is_uifn != (sort == Sort::Uifn) {
        return Err(Refusal::KindDiffers { key: key.clone(), kind: sort.name() });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
