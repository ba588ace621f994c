//! The embedded database: one file, one thread that owns it, every change on disk before it is answered.

pub mod callbacks;
pub mod guards;
pub mod numbers;
pub mod rows;
mod schema;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

/// Work that waits for the thread: operators' orders and callbacks, a second of them at most.
const QUEUE: usize = 256;
/// Another process may hold the file for a moment: a backup, `offhook explain --config`.
const BUSY: Duration = Duration::from_secs(5);

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Hands work to the thread that owns the database. Cheap to clone; the thread ends with the last clone.
#[derive(Clone, Debug)]
pub struct Store {
    jobs: SyncSender<Job>,
}

/// Why the database cannot be used.
#[derive(Debug)]
pub enum StoreFault {
    /// The file is damaged, or no database at all.
    Damaged {
        path: PathBuf,
        why: String,
    },
    /// It belongs to another program.
    Foreign {
        path: PathBuf,
    },
    /// A newer offhook has written it.
    TooNew {
        path: PathBuf,
        version: u32,
    },
    /// The system or the disk refuses.
    Refused(String),
    /// More work waits than may.
    Full,
    Ended,
}

impl Store {
    /// Opens the file, makes or upgrades its tables, and starts the thread. `first` reads what is there.
    pub fn open<T>(
        path: &Path,
        first: impl FnOnce(&mut Connection) -> Result<T, StoreFault>,
    ) -> Result<(Store, T), StoreFault> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| StoreFault::Refused(error.to_string()))?;
        }
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        schema::prepare(&mut connection, path)?;
        let read = first(&mut connection)?;
        let (jobs, waiting) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new().name("store".into());
        thread.spawn(move || work(connection, &waiting)).map_err(|error| StoreFault::Refused(error.to_string()))?;
        Ok((Store { jobs }, read))
    }

    /// Looks into a database that another process may be using. Changes nothing.
    pub fn look<T>(path: &Path, question: impl FnOnce(&Connection) -> Result<T, StoreFault>) -> Result<T, StoreFault> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        schema::check(&connection, path)?;
        question(&connection)
    }

    /// Has the thread do something and waits for it.
    pub async fn execute<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Result<T, StoreFault> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let job: Job = Box::new(move |connection| drop(answer.send(job(connection))));
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreFault::Full,
            TrySendError::Disconnected(_) => StoreFault::Ended,
        })?;
        answered.await.map_err(|_| StoreFault::Ended)
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreFault> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

fn work(mut connection: Connection, waiting: &Receiver<Job>) {
    while let Ok(job) = waiting.recv() {
        // A job that panics answers nobody; the next one finds a database without half a change.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(&mut connection)));
        if outcome.is_err() {
            tracing::error!("work on the store panicked; it was given up and nothing of it was kept");
        }
    }
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "the store could not be closed");
    }
}

impl From<rusqlite::Error> for StoreFault {
    fn from(error: rusqlite::Error) -> StoreFault {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                StoreFault::Damaged { path: PathBuf::new(), why: error.to_string() }
            }
            _ => StoreFault::Refused(error.to_string()),
        }
    }
}

impl StoreFault {
    fn at(self, path: &Path) -> StoreFault {
        match self {
            StoreFault::Damaged { why, .. } => StoreFault::Damaged { path: path.to_owned(), why },
            other => other,
        }
    }

    /// The code in answers of the control socket.
    pub fn code(&self) -> &'static str {
        match self {
            StoreFault::Damaged { .. } | StoreFault::Foreign { .. } | StoreFault::TooNew { .. } => "store_damaged",
            StoreFault::Refused(_) => "store_refused",
            StoreFault::Full => "store_busy",
            StoreFault::Ended => "ending",
        }
    }
}

impl fmt::Display for StoreFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreFault::Damaged { path, why } => {
                let path = path.display();
                write!(f, "{path} is damaged ({why}); move it away to begin anew, or put a backup in its place")
            }
            StoreFault::Foreign { path } => write!(f, "{} is the database of another program", path.display()),
            StoreFault::TooNew { path, version } => {
                write!(f, "{} was written by a newer offhook (its version is {version})", path.display())
            }
            StoreFault::Refused(why) => write!(f, "the store refuses: {why}"),
            StoreFault::Full => f.write_str("more work waits for the store than may; try again"),
            StoreFault::Ended => f.write_str("the daemon is ending"),
        }
    }
}

#[cfg(test)]
mod tests;
