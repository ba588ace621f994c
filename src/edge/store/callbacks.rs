//! Callbacks as rows of the database, and back. Decides nothing about them.

use super::StoreFault;
use crate::base::e164::E164;
use crate::base::id::CallId;
use crate::domain::flow::value::Value;
use crate::domain::queue::callback::{Callback, CallbackId, Standing, millis};
use crate::domain::queue::from_flow;
use crate::domain::queue::interface::{Place, Rank};
use crate::domain::switchboard::interface::CallbackNote;
use crate::edge::outside::json;
use rusqlite::{Connection, Row, Transaction, params};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What is over is kept so long for whoever asks what became of it.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);

/// All that are owed, in the order in which they were promised, and a number that none was ever given.
pub fn read(connection: &mut Connection, now: u64) -> Result<(Vec<Callback>, u64), StoreFault> {
    let long_ago = now.saturating_sub(millis(KEPT));
    connection.execute("DELETE FROM callback WHERE ended < ?1", [stored(long_ago)])?;
    let last: Option<i64> =
        connection.query_row("SELECT max(seq) FROM sqlite_sequence WHERE name = 'callback'", [], |row| row.get(0))?;
    let mut select = connection.prepare(
        "SELECT id, call, number, place, priority, age, criteria, started, created, attempts, retries, gap, due, luggage
         FROM callback WHERE ended IS NULL ORDER BY id",
    )?;
    let mut rows = select.query([])?;
    let mut owed = Vec::new();
    while let Some(row) = rows.next()? {
        owed.push(callback(row)?);
    }
    Ok((owed, read_back(last.unwrap_or_default()).saturating_add(1)))
}

fn callback(row: &Row<'_>) -> Result<Callback, StoreFault> {
    let text = |name: &str| row.get::<_, String>(name).map_err(StoreFault::from);
    let number = |name: &str| row.get::<_, i64>(name).map(read_back).map_err(StoreFault::from);
    let value = |name: &str| -> Result<Value, StoreFault> {
        let written = text(name)?;
        serde_json::from_str(&written).map(json::read).map_err(|_| strange(name, &written))
    };
    let (call, to, place) = (text("call")?, text("number")?, text("place")?);
    let due = row.get::<_, Option<i64>>("due")?.map(read_back);
    let criteria = from_flow::criteria(&value("criteria")?).map_err(|fault| strange("criteria", &fault.to_string()))?;
    Ok(Callback {
        id: CallbackId(number("id")?),
        call: CallId::parse(&call).ok_or_else(|| strange("call", &call))?,
        number: E164::parse(&to).map_err(|_| strange("number", &to))?,
        place: read_place(&place).ok_or_else(|| strange("place", &place))?,
        rank: Rank { priority: row.get::<_, Option<u8>>("priority")?, age: row.get("age")? },
        criteria,
        started: number("started")?,
        created: number("created")?,
        attempts: row.get("attempts")?,
        retries: row.get("retries")?,
        gap: Duration::from_millis(number("gap")?),
        standing: due.map_or(Standing::Queued, |due| Standing::Scheduled { due }),
        luggage: Arc::new(value("luggage")?),
    })
}

/// Writes notes down, in their order.
pub fn keep(transaction: &Transaction<'_>, now: u64, notes: &[CallbackNote]) -> Result<(), StoreFault> {
    for note in notes {
        match note {
            CallbackNote::Keep(callback) => keep_one(transaction, callback)?,
            CallbackNote::Forget { callback, why } => {
                // What is over tells nobody's attributes any more.
                transaction
                    .prepare_cached("UPDATE callback SET ended = ?2, why = ?3, luggage = 'null' WHERE id = ?1")?
                    .execute(params![stored(callback.0), stored(now), why])?;
            }
        }
    }
    Ok(())
}

fn keep_one(transaction: &Transaction<'_>, callback: &Callback) -> Result<(), StoreFault> {
    let due = match callback.standing {
        Standing::Scheduled { due } => Some(stored(due)),
        Standing::Queued => None,
    };
    let criteria = callback.criteria.as_ref().map_or(Value::Null, from_flow::written);
    transaction
        .prepare_cached(
            "REPLACE INTO callback
             (id, call, number, place, priority, age, criteria, started, created, attempts, retries, gap, due, luggage)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?
        .execute(params![
            stored(callback.id.0),
            callback.call.to_string(),
            callback.number.to_string(),
            write_place(&callback.place),
            callback.rank.priority,
            callback.rank.age,
            json::write(&criteria).to_string(),
            stored(callback.started),
            stored(callback.created),
            callback.attempts,
            callback.retries,
            stored(millis(callback.gap)),
            due,
            json::write(&callback.luggage).to_string(),
        ])?;
    Ok(())
}

fn write_place(place: &Place) -> String {
    match place {
        Place::Queue(name) => format!("queue:{name}"),
        Place::Agent(name) => format!("agent:{name}"),
    }
}

fn read_place(text: &str) -> Option<Place> {
    match text.split_once(':')? {
        ("queue", name) => Some(Place::Queue(name.into())),
        ("agent", name) => Some(Place::Agent(name.into())),
        _ => None,
    }
}

fn strange(column: &str, text: &str) -> StoreFault {
    let shown: String = text.chars().take(40).collect();
    StoreFault::Damaged { path: PathBuf::new(), why: format!("`{}` stands as {column}", shown.escape_debug()) }
}

fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn read_back(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
