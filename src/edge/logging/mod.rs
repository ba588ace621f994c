//! Log lines: where they go, in which format, from which level on. Never lets a value break out of its line.

mod line;
mod writer;

use self::line::LineFormat;
pub use self::writer::LogQueue;
use std::fmt;
use std::io::IsTerminal;
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::Duration;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt;

/// What a module can be set to, quietest first.
pub const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LogFormat {
    /// Human on a terminal; JSON when nobody looks or the journal listens.
    #[default]
    Auto,
    Human,
    Json,
}

/// Why logging could not start, or a level could not be set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogError {
    /// The text is no list such as `info,offhook::edge=debug`.
    Level(Box<str>),
    AlreadyStarted,
    Gone,
    NoThread,
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogError::Level(text) => {
                write!(f, "`{}` is no log level; write one such as `info,offhook::edge=debug`", text.escape_debug())
            }
            LogError::AlreadyStarted => f.write_str("logging has been started already"),
            LogError::Gone => f.write_str("logging has ended"),
            LogError::NoThread => f.write_str("the log writer's thread could not be started"),
        }
    }
}

impl std::error::Error for LogError {}

impl From<LogError> for String {
    fn from(error: LogError) -> String {
        error.to_string()
    }
}

/// Changes the level while the daemon runs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LevelControl(reload::Handle<Targets, Registry>);

impl LevelControl {
    /// Takes `debug` or `info,offhook::edge=trace`; on a mistake the old level stays.
    pub fn set_level(&self, directives: &str) -> Result<(), LogError> {
        let targets = read_level(directives)?;
        self.0.reload(targets).map_err(|_| LogError::Gone)
    }

    pub fn level(&self) -> String {
        self.0.clone_current().map(|targets| targets.to_string()).unwrap_or_default()
    }
}

/// The process has one log, so it has one place that sets its level.
static CONTROL: OnceLock<LevelControl> = OnceLock::new();

/// Changes the level of the running log; see `LevelControl::set_level`.
pub fn set_level(directives: &str) -> Result<(), LogError> {
    CONTROL.get().ok_or(LogError::Gone)?.set_level(directives)
}

/// Running logs. Dropping it writes what is queued and ends the writer.
#[derive(Debug)]
pub struct Logging {
    pub level: LevelControl,
    pub queue: LogQueue,
}

impl Drop for Logging {
    fn drop(&mut self) {
        self.queue.flush(Duration::from_secs(2));
    }
}

/// Starts logging to standard error for the whole process; possible once.
pub fn start(level: &str, format: LogFormat) -> Result<Logging, LogError> {
    let targets = read_level(level)?;
    let terminal = std::io::stderr().is_terminal();
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let format = choose(format, terminal, journal);
    let queue = LogQueue::start(std::io::stderr()).map_err(|_| LogError::NoThread)?;
    let (filter, handle) = reload::Layer::new(targets);
    let lines = tracing_subscriber::fmt::layer()
        .fmt_fields(format)
        .event_format(format)
        .with_ansi(false)
        .with_writer(queue.clone())
        .with_filter(filter);
    Registry::default().with(lines).try_init().map_err(|_| LogError::AlreadyStarted)?;
    let level = LevelControl(handle);
    CONTROL.set(level.clone()).map_err(|_| LogError::AlreadyStarted)?;
    Ok(Logging { level, queue })
}

/// A log that nobody reads, for tests of what carries one.
#[cfg(test)]
pub fn silent() -> Logging {
    let (_, handle) = reload::Layer::new(Targets::new());
    let queue = LogQueue::start(std::io::sink()).expect("a thread");
    Logging { level: LevelControl(handle), queue }
}

fn read_level(text: &str) -> Result<Targets, LogError> {
    // `Targets` takes any word for a module name; a lone word must be a level.
    for part in text.split(',') {
        let level = part.rsplit('=').next().unwrap_or_default().trim();
        if !LEVELS.iter().any(|known| level.eq_ignore_ascii_case(known)) {
            return Err(LogError::Level(text.into()));
        }
    }
    Targets::from_str(text).map_err(|_| LogError::Level(text.into()))
}

fn choose(wanted: LogFormat, terminal: bool, journal: bool) -> LineFormat {
    match wanted {
        LogFormat::Json => LineFormat::Json,
        LogFormat::Human => LineFormat::Human { colour: terminal },
        LogFormat::Auto if terminal && !journal => LineFormat::Human { colour: true },
        LogFormat::Auto => LineFormat::Json,
    }
}

#[cfg(test)]
mod tests;
