//! Takes new configuration into use: reads all of it, shows the plan, applies it whole or not at all.

use crate::domain::switchboard::interface::SwitchboardInput;
use crate::edge::clock;
use crate::edge::config::{self, Configuration, plan};
use crate::edge::control::numbers;
use crate::edge::control::wire::Fault;
use crate::edge::daemon;
use crate::edge::events::wire::Event;
use crate::edge::logging::LevelControl;
use crate::edge::ports::Ports;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Holds the configuration that runs. One reload at a time; calls keep what they started with.
pub struct Reloader {
    ports: Arc<Ports>,
    level: LevelControl,
    /// Only reloads wait for each other here: no call, packet or message does.
    current: Mutex<Arc<Configuration>>,
    hash: std::sync::RwLock<String>,
}

impl Reloader {
    pub fn new(ports: Arc<Ports>, level: LevelControl, running: Arc<Configuration>) -> Reloader {
        let hash = std::sync::RwLock::new(running.hash.clone());
        Reloader { ports, level, current: Mutex::new(running), hash }
    }

    pub fn config_hash(&self) -> String {
        self.hash.read().map(|hash| hash.clone()).unwrap_or_default()
    }

    pub fn set_level(&self, directives: &str) -> Result<(), String> {
        self.level.set_level(directives).map_err(|error| error.to_string())
    }

    pub fn level(&self) -> String {
        self.level.level()
    }

    /// The plan in lines, applied unless it is only a look.
    pub async fn reload(&self, dry_run: bool) -> Result<Vec<String>, Fault> {
        let mut current = self.current.lock().await;
        let folder = current.folder.clone();
        let read = tokio::task::spawn_blocking(move || config::read(&folder, std::env::vars())).await;
        let new = match read {
            Ok(Ok(mut new)) => {
                // Paths of running calls name listeners by number, so a listener that stays must keep its own.
                plan::keep_listener_numbers(&current.exchange.profiles, &mut new);
                Arc::new(new)
            }
            Ok(Err(faults)) => {
                self.ports.metrics.reload_refused();
                let details: Vec<String> = faults.iter().map(ToString::to_string).collect();
                tracing::error!(
                    faults = details.len(),
                    "reload refused: the configuration has faults, nothing was changed"
                );
                let message = format!("the configuration has {} faults; nothing was changed", details.len());
                return Err(Fault { details, ..Fault::new("bad_configuration", message) });
            }
            Err(_) => return Err(Fault::new("fault", "the configuration could not be read")),
        };
        let running = self.ports.live.calls_by_party();
        let lines = plan::plan(&current, &new, &|party| running.get(party).copied().unwrap_or_default());
        if dry_run {
            return Ok(lines);
        }
        self.apply(&new)?;
        self.ports.dispatch.to_desk_surely(SwitchboardInput::Reload(Arc::clone(&new.exchange))).await;
        numbers::warn_of_strays(&self.ports).await;
        self.ports.metrics.reloaded(&new.hash, daemon::since_epoch(clock::now()));
        let told = Event::ConfigurationReloaded { config: new.hash.as_str().into(), changes: lines.len() };
        self.ports.events.tell(told);
        for line in &lines {
            tracing::info!(change = %line, "reload");
        }
        tracing::info!(changes = lines.len(), config = %new.hash, "configuration reloaded");
        if let Ok(mut hash) = self.hash.write() {
            new.hash.clone_into(&mut hash);
        }
        *current = new;
        Ok(lines)
    }

    /// The one part that can fail comes first, so that nothing is half applied.
    fn apply(&self, new: &Configuration) -> Result<(), Fault> {
        let applied = self.ports.transports.reload(Arc::clone(&new.exchange.profiles), daemon::trust(&new.exchange));
        if let Err(error) = applied {
            self.ports.metrics.reload_refused();
            tracing::error!(%error, "reload refused: a listener could not be opened, nothing was changed");
            return Err(Fault::new("listener", format!("{error}; nothing was changed")));
        }
        self.ports.numbers.set_terms(new.daemon.numbers);
        if let Err(error) = self.set_level(&new.daemon.log.level) {
            tracing::warn!(error, "the new log level was not taken");
        }
        Ok(())
    }
}
