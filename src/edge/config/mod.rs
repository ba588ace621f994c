//! The configuration folder: read whole, every fault with its place, and compared with what runs. Binds nothing.

mod certificates;
mod convert_control;
mod convert_daemon;
mod convert_dialplan;
mod convert_engine;
mod convert_media;
mod convert_outbound;
mod convert_outside;
mod convert_phone;
mod convert_profile;
mod convert_queue;
mod convert_softphone;
mod convert_trunk;
mod cross;
mod fields;
pub mod flow;
mod hours;
pub mod place;
pub mod plan;
mod raw;
mod read;
mod read_flows;
mod reading;
mod shared;
mod suggest;
#[cfg(test)]
mod tests;
mod written;
mod written_outbound;
mod written_queue;
mod written_softphone;

pub use place::Fault;
pub use read::read;

use crate::domain::number::inventory::Terms;
use crate::domain::switchboard::interface::Exchange;
use crate::edge::control::token::Tokens;
use crate::edge::control::websocket::WebSettings;
use crate::edge::events::log::EventSettings;
use crate::edge::journal::JournalSettings;
use crate::edge::logging::LogFormat;
use crate::edge::media::WorkerSettings;
use crate::edge::media::prompts::PromptLibrary;
use crate::edge::outside::settings::OutsideSettings;
use crate::edge::softphone::settings::SoftphoneSettings;
use crate::edge::transport::TransportLimits;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Everything that the folder says, validated. Immutable; replaced whole on reload.
#[derive(Clone, PartialEq, Debug)]
pub struct Configuration {
    pub folder: PathBuf,
    pub daemon: Daemon,
    pub exchange: Arc<Exchange>,
    /// Every file of the folder that `prompts.folder` names.
    pub prompts: Arc<PromptLibrary>,
    /// Digests of the files that it names (certificates, passwords).
    pub files: BTreeMap<PathBuf, String>,
    /// What is suspicious but no error.
    pub warnings: Vec<Fault>,
    /// First sixteen hexadecimal digits of a SHA-256 over all that was read; also changes with the contents of named files.
    pub hash: String,
}

/// What `offhook.toml` says of the process itself. Paths are absolute or relative to the working directory.
#[derive(Clone, PartialEq, Debug)]
pub struct Daemon {
    pub state_directory: PathBuf,
    /// Zero means one per core.
    pub worker_threads: usize,
    pub ops_listen: Option<SocketAddr>,
    pub control: ControlSettings,
    pub events: EventSettings,
    pub log: LogSettings,
    pub journal: JournalSettings,
    /// A loop without progress for this long is stuck: the watchdog is no longer fed.
    pub stall_max: Duration,
    pub transport: TransportLimits,
    pub media: WorkerSettings,
    pub outside: OutsideSettings,
    /// The database: numbers, callbacks.
    pub store: PathBuf,
    pub numbers: Terms,
    pub prompts: PromptSettings,
    pub softphone: SoftphoneSettings,
}

/// Where the library of prompts is. Read again by every reload.
#[derive(Clone, PartialEq, Debug)]
pub struct PromptSettings {
    /// From the folder of the configuration.
    pub folder: PathBuf,
    /// It was written down, so that it has to be there.
    pub is_required: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub struct ControlSettings {
    pub socket: PathBuf,
    pub mode: u32,
    /// For those who come over the network.
    pub web: Option<WebSettings>,
    pub tokens: Tokens,
}

#[derive(Clone, PartialEq, Debug)]
pub struct LogSettings {
    /// A level, or directives such as `info,offhook::edge=debug`.
    pub level: String,
    pub format: LogFormat,
}
