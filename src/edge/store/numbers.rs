//! The inventory beside its tables: an order is done, kept on disk, then shown to calls; or nothing of it happens.

use super::rows;
use super::{Store, StoreFault};
use crate::domain::number::book::Book;
use crate::domain::number::csv::Line;
use crate::domain::number::entry::{Entry, Millis};
use crate::domain::number::inventory::{Change, Inventory, Order, Terms};
use crate::domain::number::key::Key;
use crate::domain::number::refusal::Refusal;
use crate::edge::clock;
use rusqlite::Connection;
use serde_json::Value;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The numbers of this house. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Numbers {
    pub(super) store: Store,
    /// Held by the store's thread while it works, and for a moment by who takes a snapshot.
    inventory: Arc<Mutex<Inventory>>,
}

/// Why an order was not done.
#[derive(Debug)]
pub enum OrderFault {
    Refused(Refusal),
    Store(StoreFault),
}

/// What became of one line of an import.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    pub line: usize,
    pub outcome: LineOutcome,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LineOutcome {
    Claimed(Key),
    Changed(Key),
    Unchanged(Key),
    /// Not done, and why.
    Bad(Box<str>),
}

impl Numbers {
    pub fn open(path: &Path, terms: Terms) -> Result<(Numbers, Store), StoreFault> {
        let now = clock::now().unix_millis();
        let (store, inventory) = Store::open(path, |connection| {
            let mut inventory = read(connection, terms, now)?;
            let expired = inventory.expire(now);
            keep(connection, (now, "offhook"), &expired)?;
            Ok(inventory)
        })?;
        let numbers = Numbers { store: store.clone(), inventory: Arc::new(Mutex::new(inventory)) };
        Ok((numbers, store))
    }

    /// The book of a database that a daemon may be using; an empty one where there is none yet.
    pub fn look(path: &Path) -> Result<Book, StoreFault> {
        if !path.exists() {
            return Ok(Book::default());
        }
        let entries = Store::look(path, rows::entries)?;
        Ok(Inventory::new(Terms::default(), entries, Vec::new()).book())
    }

    pub fn set_terms(&self, terms: Terms) {
        self.lock().set_terms(terms);
    }

    /// All numbers as they are now.
    pub fn book(&self) -> Book {
        self.lock().book()
    }

    /// Does one order for `who`. What it gives is on disk.
    pub async fn order(&self, who: String, order: Order) -> Result<Arc<Entry>, OrderFault> {
        let inventory = Arc::clone(&self.inventory);
        let done = self.store.execute(move |connection| {
            let now = clock::now().unix_millis();
            let mut inventory = inventory.lock().unwrap_or_else(PoisonError::into_inner);
            let mut changes = inventory.expire(now);
            let outcome = inventory.apply(now, order);
            if let Ok(change) = &outcome {
                changes.push(change.clone());
            }
            if let Err(fault) = keep(connection, (now, &who), &changes) {
                revert(&mut inventory, &changes);
                return Err(OrderFault::Store(fault));
            }
            outcome.map_err(OrderFault::Refused)
        });
        let change = done.await.map_err(OrderFault::Store)??;
        change.after.or(change.before).ok_or(OrderFault::Store(StoreFault::Ended))
    }

    /// Does every line that can be done, all in one piece, and names the others.
    pub async fn import(&self, who: String, lines: Vec<Line>) -> Result<Vec<Verdict>, StoreFault> {
        let inventory = Arc::clone(&self.inventory);
        let done = self.store.execute(move |connection| {
            let now = clock::now().unix_millis();
            let mut inventory = inventory.lock().unwrap_or_else(PoisonError::into_inner);
            let mut changes = inventory.expire(now);
            let verdicts = lines
                .into_iter()
                .map(|(line, order)| Verdict { line, outcome: import_one(&mut inventory, now, order, &mut changes) })
                .collect();
            if let Err(fault) = keep(connection, (now, &who), &changes) {
                revert(&mut inventory, &changes);
                return Err(fault);
            }
            Ok(verdicts)
        });
        done.await?
    }

    /// Lines of the audit trail, the latest last.
    pub async fn audit(&self, key: Option<Key>, before: Option<i64>, most: u32) -> Result<Vec<Value>, StoreFault> {
        self.store.execute(move |connection| rows::audit(connection, key.as_ref(), before, most)).await?
    }

    fn lock(&self) -> MutexGuard<'_, Inventory> {
        self.inventory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(connection: &Connection, terms: Terms, now: Millis) -> Result<Inventory, StoreFault> {
    let window = Millis::try_from(terms.churn_window.as_millis()).unwrap_or(Millis::MAX);
    let turnover = rows::turnover(connection, now.saturating_sub(window))?;
    Ok(Inventory::new(terms, rows::entries(connection)?, turnover))
}

fn import_one(
    inventory: &mut Inventory,
    now: Millis,
    order: Result<Order, Box<str>>,
    changes: &mut Vec<Change>,
) -> LineOutcome {
    let change = match order.map(|order| inventory.apply(now, order)) {
        Ok(Ok(change)) => change,
        Ok(Err(Refusal::NothingToChange(key))) => return LineOutcome::Unchanged(key),
        Ok(Err(refusal)) => return LineOutcome::Bad(refusal.to_string().into()),
        Err(fault) => return LineOutcome::Bad(fault),
    };
    let was_there = change.before.as_ref().is_some_and(|entry| entry.status.is_ours());
    let key = change.after.as_ref().map(|entry| entry.key.clone());
    changes.push(change);
    match key {
        Some(key) if was_there => LineOutcome::Changed(key),
        Some(key) => LineOutcome::Claimed(key),
        None => LineOutcome::Bad("it is no more".into()),
    }
}

/// One transaction: when this returns, all of it is on disk.
fn keep(connection: &mut Connection, by: (Millis, &str), changes: &[Change]) -> Result<(), StoreFault> {
    if changes.is_empty() {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    for change in changes {
        rows::keep(&transaction, by, change)?;
    }
    transaction.commit()?;
    Ok(())
}

fn revert(inventory: &mut Inventory, changes: &[Change]) {
    for change in changes.iter().rev() {
        inventory.revert(change);
    }
}
