//! What guards have counted, as rows of the database and back. Decides nothing by it.

use super::StoreFault;
use crate::domain::dialplan::guard::Excess;
use crate::domain::dialplan::guard::kept::Kept;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub fn read(connection: &Connection) -> Result<Vec<Kept>, StoreFault> {
    let mut all: BTreeMap<(Arc<str>, Box<str>), Kept> = BTreeMap::new();
    let mut of = |guard: String, subject: String, add: &mut dyn FnMut(&mut Kept)| {
        let key: (Arc<str>, Box<str>) = (guard.into(), subject.into());
        let (guard, subject) = key.clone();
        add(all.entry(key).or_insert(Kept { guard, subject, spent: Vec::new(), tripped: None }));
    };
    let mut select = connection.prepare("SELECT guard, subject, minute, span FROM guard_spent ORDER BY minute")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (minute, span): (i64, i64) = (row.get(2)?, row.get(3)?);
        let span = Duration::from_millis(u64::try_from(span).unwrap_or(0));
        of(row.get(0)?, row.get(1)?, &mut |kept| kept.spent.push((u64::try_from(minute).unwrap_or(0), span)));
    }
    let mut select = connection.prepare("SELECT guard, subject, excess, most, until FROM guard_tripped")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (excess, most, until): (String, u32, Option<i64>) = (row.get(2)?, row.get(3)?, row.get(4)?);
        let why = if excess == "rate" { Excess::Rate(most) } else { Excess::Minutes(most) };
        let until = until.map(|until| u64::try_from(until).unwrap_or(0));
        of(row.get(0)?, row.get(1)?, &mut |kept| kept.tripped = Some((why, until)));
    }
    Ok(all.into_values().collect())
}

/// In place of all that was there.
pub fn write(connection: &mut Connection, all: &[Kept]) -> Result<(), StoreFault> {
    let stored = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let transaction = connection.transaction()?;
    transaction.execute("DELETE FROM guard_spent", [])?;
    transaction.execute("DELETE FROM guard_tripped", [])?;
    for Kept { guard, subject, spent, tripped } in all {
        for (minute, span) in spent {
            let span = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
            transaction.execute(
                "INSERT INTO guard_spent (guard, subject, minute, span) VALUES (?1, ?2, ?3, ?4)",
                params![&**guard, &**subject, stored(*minute), stored(span)],
            )?;
        }
        let Some((why, until)) = tripped else { continue };
        let (excess, most) = match why {
            Excess::Rate(most) => ("rate", most),
            Excess::Concurrent(most) | Excess::Minutes(most) => ("minutes", most),
        };
        transaction.execute(
            "INSERT INTO guard_tripped (guard, subject, excess, most, until) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![&**guard, &**subject, excess, most, until.map(stored)],
        )?;
    }
    transaction.commit()?;
    Ok(())
}
