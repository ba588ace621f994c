//! Numbers as rows of the database and as JSON, and back. Judges nothing that it reads but its form.

use super::StoreFault;
use crate::domain::number::country::Country;
use crate::domain::number::csv;
use crate::domain::number::entry::{Assignment, Entry, Millis, Status};
use crate::domain::number::inventory::{Action, Change};
use crate::domain::number::key::Key;
use crate::domain::number::kind::Sort;
use rusqlite::{Connection, Row, Transaction, params};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Every number that is kept.
pub fn entries(connection: &Connection) -> Result<Vec<Entry>, StoreFault> {
    let mut by_country: BTreeMap<String, BTreeMap<Country, Assignment>> = BTreeMap::new();
    let mut select = connection.prepare("SELECT key, country, target FROM number_by_country")?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?)))?;
    for row in rows {
        let (key, country, target): (String, String, String) = row?;
        let country = Country::parse(&country).ok_or_else(|| strange("country", &country))?;
        let target = Assignment::parse(&target).ok_or_else(|| strange("target", &target))?;
        by_country.entry(key).or_default().insert(country, target);
    }
    let mut select = connection.prepare(
        "SELECT key, sort, country, carriers, capacity, status, why, until, since, account, target, tags FROM number",
    )?;
    let mut rows = select.query([])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let mut entry = entry(row)?;
        entry.by_country = by_country.remove(entry.key.text()).unwrap_or_default();
        entries.push(entry);
    }
    Ok(entries)
}

fn entry(row: &Row<'_>) -> Result<Entry, StoreFault> {
    let text = |name: &str| row.get::<_, String>(name).map_err(StoreFault::from);
    let optional = |name: &str| row.get::<_, Option<String>>(name).map_err(StoreFault::from);
    let (key, sort, status) = (text("key")?, text("sort")?, text("status")?);
    let until = row.get::<_, Option<i64>>("until")?.and_then(|until| Millis::try_from(until).ok());
    Ok(Entry {
        key: Key::parse(&key).map_err(|_| strange("key", &key))?,
        sort: Sort::parse(&sort).ok_or_else(|| strange("sort", &sort))?,
        country: optional("country")?.as_deref().and_then(Country::parse),
        carriers: csv::list(&text("carriers")?),
        capacity: row.get("capacity")?,
        status: match status.as_str() {
            "CLAIMED" => Status::Claimed,
            "IN_PROGRESS" => Status::InProgress,
            "FAILED" => Status::Failed { why: optional("why")?.unwrap_or_default().into() },
            "RELEASED" => Status::Released { until: until.unwrap_or(Millis::MAX) },
            other => return Err(strange("status", other)),
        },
        since: Millis::try_from(row.get::<_, i64>("since")?).unwrap_or_default(),
        account: text("account")?.into(),
        to: match optional("target")? {
            Some(target) => Some(Assignment::parse(&target).ok_or_else(|| strange("target", &target))?),
            None => None,
        },
        by_country: BTreeMap::new(),
        tags: csv::list(&text("tags")?),
    })
}

fn strange(column: &str, text: &str) -> StoreFault {
    let shown: String = text.chars().take(40).collect();
    StoreFault::Damaged { path: PathBuf::new(), why: format!("`{}` stands as {column}", shown.escape_debug()) }
}

/// The moments of claims and releases from `since` on, which the churn guard counts.
pub fn turnover(connection: &Connection, since: Millis) -> Result<Vec<Millis>, StoreFault> {
    let mut select = connection.prepare("SELECT at FROM number_audit WHERE action IN (?1, ?2) AND at > ?3")?;
    let (claimed, released) = (Action::Claimed.name(), Action::Released.name());
    let rows = select.query_map(params![claimed, released, stored(since)], |row| row.get::<_, i64>(0))?;
    let mut moments = Vec::new();
    for row in rows {
        moments.push(Millis::try_from(row?).unwrap_or_default());
    }
    Ok(moments)
}

/// Writes what changed, and who did it when.
pub fn keep(transaction: &Transaction<'_>, (at, who): (Millis, &str), change: &Change) -> Result<(), StoreFault> {
    let Some(key) = change.after.as_ref().or(change.before.as_ref()).map(|entry| entry.key.text()) else {
        return Ok(());
    };
    match &change.after {
        Some(entry) => keep_entry(transaction, entry)?,
        None => {
            transaction.prepare_cached("DELETE FROM number WHERE key = ?1")?.execute([key])?;
        }
    }
    let told = |entry: Option<&Entry>| entry.map(|entry| as_json(entry).to_string());
    transaction
        .prepare_cached(
            "INSERT INTO number_audit (at, who, action, key, before, after) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            stored(at),
            who,
            change.action.name(),
            key,
            told(change.before.as_deref()),
            told(change.after.as_deref())
        ])?;
    Ok(())
}

fn keep_entry(transaction: &Transaction<'_>, entry: &Entry) -> Result<(), StoreFault> {
    let (why, until) = match &entry.status {
        Status::Failed { why } => (Some(&**why), None),
        Status::Released { until } => (None, Some(stored(*until))),
        Status::Claimed | Status::InProgress => (None, None),
    };
    transaction
        .prepare_cached(
            "REPLACE INTO number
             (key, sort, country, carriers, capacity, status, why, until, since, account, target, tags)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            entry.key.text(),
            entry.sort.name(),
            entry.country.as_ref().map(Country::letters),
            joined(&entry.carriers),
            entry.capacity,
            entry.status.name(),
            why,
            until,
            stored(entry.since),
            &*entry.account,
            entry.to.as_ref().map(ToString::to_string),
            joined(&entry.tags),
        ])?;
    transaction.prepare_cached("DELETE FROM number_by_country WHERE key = ?1")?.execute([entry.key.text()])?;
    for (country, target) in &entry.by_country {
        transaction
            .prepare_cached("INSERT INTO number_by_country (key, country, target) VALUES (?1, ?2, ?3)")?
            .execute(params![entry.key.text(), country.letters(), target.to_string()])?;
    }
    Ok(())
}

fn joined(words: &BTreeSet<Box<str>>) -> String {
    words.iter().map(|word| &**word).collect::<Vec<_>>().join(" ")
}

fn stored(at: Millis) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}

/// A number as answers and the audit trail show it.
pub fn as_json(entry: &Entry) -> Value {
    let mut object = json!({
        "number": entry.key.text(), "kind": entry.sort.name(),
        "country": entry.country.as_ref().map(Country::letters),
        "carriers": entry.carriers, "capacity": entry.capacity, "status": entry.status.name(),
        "since": entry.since, "account": entry.account,
        "to": entry.to.as_ref().map(ToString::to_string), "tags": entry.tags,
    });
    if let Some(object) = object.as_object_mut() {
        match &entry.status {
            Status::Failed { why } => {
                object.insert("why".to_owned(), json!(why));
            }
            Status::Released { until } => {
                object.insert("until".to_owned(), json!(until));
            }
            Status::Claimed | Status::InProgress => {}
        }
        if !entry.by_country.is_empty() {
            let by: BTreeMap<&str, String> =
                entry.by_country.iter().map(|(country, to)| (country.letters(), to.to_string())).collect();
            object.insert("by_country".to_owned(), json!(by));
        }
    }
    object
}

/// Lines of the audit trail, the latest last: of one number or of all, from before `before`, at most `most`.
pub fn audit(
    connection: &Connection,
    key: Option<&Key>,
    before: Option<i64>,
    most: u32,
) -> Result<Vec<Value>, StoreFault> {
    let mut select = connection.prepare_cached(
        "SELECT id, at, who, action, key, before, after FROM number_audit
         WHERE (?1 IS NULL OR key = ?1) AND id < ?2 ORDER BY id DESC LIMIT ?3",
    )?;
    let rows = select.query_map(params![key.map(Key::text), before.unwrap_or(i64::MAX), most], |row| {
        let entry = |text: Option<String>| -> Value {
            text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null)
        };
        Ok(json!({
            "id": row.get::<_, i64>(0)?, "at": row.get::<_, i64>(1)?, "who": row.get::<_, String>(2)?,
            "action": row.get::<_, String>(3)?, "number": row.get::<_, String>(4)?,
            "before": entry(row.get(5)?), "after": entry(row.get(6)?),
        }))
    })?;
    let mut lines: Vec<Value> = rows.collect::<Result<_, _>>()?;
    lines.reverse();
    Ok(lines)
}
