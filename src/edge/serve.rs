//! The life of the process: starts the daemon, obeys signals and systemd, drains, ends.

use crate::edge::config::Configuration;
use crate::edge::daemon::Daemon;
use crate::edge::logging::Logging;
use crate::edge::systemd::Supervisor;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How often systemd's status line is written, and the watchdog fed where it asks for no shorter time.
const STATUS_EVERY: Duration = Duration::from_secs(5);

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn catch() -> std::io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn end(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Serves until it is told to end. An error is why it could not start.
pub async fn serve(configuration: Arc<Configuration>, logging: Logging) -> Result<(), String> {
    let supervisor = Supervisor::from_environment();
    let mut signals = Signals::catch().map_err(|error| format!("signals: {error}"))?;
    let mut daemon = Daemon::start(configuration, &logging).await?;
    supervisor.ready();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), config = daemon.reloader.config_hash(), "offhook is ready");
    obey(&mut daemon, &mut signals, &supervisor).await;
    daemon.vital.set_draining();
    supervisor.stopping();
    tracing::info!(calls = daemon.ports.live.count(), "draining: new calls are refused; a second signal ends at once");
    tokio::select! {
        () = drain(&mut daemon, &supervisor) => {}
        () = signals.end() => tracing::warn!("ending at once"),
    }
    daemon.stop().await;
    tracing::info!("offhook has ended");
    Ok(())
}

/// Until somebody wants it to end: reloads, status, watchdog.
async fn obey(daemon: &mut Daemon, signals: &mut Signals, supervisor: &Supervisor) {
    let mut beat = tokio::time::interval(supervisor.watchdog_every().unwrap_or(STATUS_EVERY).min(STATUS_EVERY));
    loop {
        tokio::select! {
            _ = beat.tick() => feed(daemon, supervisor),
            _ = signals.hangup.recv() => reload(daemon, supervisor).await,
            _ = signals.terminate.recv() => return,
            _ = signals.interrupt.recv() => return,
            () = daemon.drain_asked() => return,
        }
    }
}

async fn drain(daemon: &mut Daemon, supervisor: &Supervisor) {
    let vital = Arc::clone(&daemon.vital);
    let beat = supervisor.watchdog_every().unwrap_or(STATUS_EVERY).min(STATUS_EVERY);
    let watch = async {
        loop {
            tokio::time::sleep(beat).await;
            supervisor.beat(&vital.stalled(), &vital.status_line());
        }
    };
    tokio::select! {
        () = daemon.drain() => {}
        () = watch => {}
    }
}

fn feed(daemon: &Daemon, supervisor: &Supervisor) {
    let stalled = daemon.vital.stalled();
    if !stalled.is_empty() {
        tracing::error!(?stalled, "loops without progress");
    }
    supervisor.beat(&stalled, &daemon.vital.status_line());
}

async fn reload(daemon: &Daemon, supervisor: &Supervisor) {
    supervisor.reloading();
    daemon.ports.journal.reopen();
    if let Err(fault) = daemon.reloader.reload(false).await {
        for detail in &fault.details {
            tracing::error!(fault = %detail, "configuration");
        }
        tracing::error!(error = %fault.message, "reload failed");
    }
    supervisor.ready();
}
