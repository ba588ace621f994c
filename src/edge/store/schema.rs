//! The tables of the database and how older ones become today's. Knows no value in them.

use super::StoreFault;
use rusqlite::Connection;
use std::path::Path;

/// "ofhk": whose file this is.
const APPLICATION: i32 = 0x6f66_686b;

/// Each step makes the tables of one version out of those of the version before. A step that has been released never changes.
const STEPS: &[&str] = &[NUMBERS, CALLBACKS, GUARDS];

const NUMBERS: &str = "
CREATE TABLE number (
    key TEXT PRIMARY KEY,
    sort TEXT NOT NULL,
    country TEXT,
    carriers TEXT NOT NULL,
    capacity INTEGER NOT NULL,
    status TEXT NOT NULL,
    why TEXT,
    until INTEGER,
    since INTEGER NOT NULL,
    account TEXT NOT NULL,
    target TEXT,
    tags TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE number_by_country (
    key TEXT NOT NULL REFERENCES number (key) ON DELETE CASCADE,
    country TEXT NOT NULL,
    target TEXT NOT NULL,
    PRIMARY KEY (key, country)
) STRICT, WITHOUT ROWID;
CREATE TABLE number_audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    key TEXT NOT NULL,
    before TEXT,
    after TEXT
) STRICT;
CREATE INDEX number_audit_by_key ON number_audit (key, id);
CREATE INDEX number_audit_by_time ON number_audit (action, at);
";

/// Times are milliseconds since 1970, spans milliseconds. What is over stays a while, so that its number is not given again.
const CALLBACKS: &str = "
CREATE TABLE callback (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    call TEXT NOT NULL,
    number TEXT NOT NULL,
    place TEXT NOT NULL,
    priority INTEGER,
    age INTEGER NOT NULL,
    criteria TEXT NOT NULL,
    started INTEGER NOT NULL,
    created INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    retries INTEGER NOT NULL,
    gap INTEGER NOT NULL,
    due INTEGER,
    luggage TEXT NOT NULL,
    ended INTEGER,
    why TEXT
) STRICT;
CREATE INDEX callback_owed ON callback (ended, id);
";

/// Minutes since 1970, spans in milliseconds: what one subject of a guard has spent. And who is stopped, until when.
const GUARDS: &str = "
CREATE TABLE guard_spent (
    guard TEXT NOT NULL,
    subject TEXT NOT NULL,
    minute INTEGER NOT NULL,
    span INTEGER NOT NULL,
    PRIMARY KEY (guard, subject, minute)
) STRICT, WITHOUT ROWID;
CREATE TABLE guard_tripped (
    guard TEXT NOT NULL,
    subject TEXT NOT NULL,
    excess TEXT NOT NULL,
    most INTEGER NOT NULL,
    until INTEGER,
    PRIMARY KEY (guard, subject)
) STRICT, WITHOUT ROWID;
";

/// Makes the tables, or brings them up to today's version. Each step is done whole or not at all.
pub fn prepare(connection: &mut Connection, path: &Path) -> Result<(), StoreFault> {
    let version = usize::try_from(check(connection, path)?).unwrap_or(usize::MAX);
    settle(connection).map_err(|fault| fault.at(path))?;
    for (step, number) in STEPS.iter().zip(1u32..).skip(version) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.commit()?;
    }
    Ok(())
}

/// A commit is on disk when it returns, also when the power fails then.
fn settle(connection: &Connection) -> Result<(), StoreFault> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let verdict: String = connection.pragma_query_value(None, "quick_check", |row| row.get(0))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(StoreFault::Damaged { path: Path::new("").to_owned(), why: verdict.lines().next().unwrap_or_default().into() })
}

/// The version of a database of ours that this program can read.
pub fn check(connection: &Connection, path: &Path) -> Result<u32, StoreFault> {
    let number = |name: &str| -> Result<i64, StoreFault> {
        connection.pragma_query_value(None, name, |row| row.get(0)).map_err(|error| StoreFault::from(error).at(path))
    };
    let version = u32::try_from(number("user_version")?).unwrap_or(u32::MAX);
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|error| StoreFault::from(error).at(path))?;
    if tables > 0 && number("application_id")? != i64::from(APPLICATION) {
        return Err(StoreFault::Foreign { path: path.to_owned() });
    }
    if usize::try_from(version).unwrap_or(usize::MAX) > STEPS.len() {
        return Err(StoreFault::TooNew { path: path.to_owned(), version });
    }
    Ok(version)
}
