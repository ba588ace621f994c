//! Writes down what guards have counted: every minute in which it changed, and at the end. Counts nothing itself.

use crate::domain::dialplan::guard::kept::Kept;
use crate::edge::clock;
use crate::edge::ports::Ports;
use crate::edge::store::{StoreFault, guards};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

const EVERY: Duration = Duration::from_secs(60);
/// How long the end of the daemon waits for the disk.
const PATIENCE: Duration = Duration::from_secs(2);

/// The task that writes.
pub async fn run(ports: Arc<Ports>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick comes at once, when nothing can have changed.
    ticks.tick().await;
    let mut last: Option<Vec<Kept>> = None;
    loop {
        ticks.tick().await;
        let Some(all) = counted(&ports).await else { return };
        if last.as_ref().unwrap_or(&Vec::new()) != &all && write(&ports, all.clone()).await {
            last = Some(all);
        }
    }
}

/// The last word of a daemon that ends.
pub async fn settle(ports: &Ports) {
    let last = async {
        if let Some(all) = counted(ports).await {
            write(ports, all).await;
        }
    };
    if tokio::time::timeout(PATIENCE, last).await.is_err() {
        tracing::warn!("what the guards have counted could not be written down at the end");
    }
}

async fn counted(ports: &Ports) -> Option<Vec<Kept>> {
    let now = clock::now();
    ports.dispatch.ask(move |switchboard| switchboard.guards_kept(now)).await
}

async fn write(ports: &Ports, all: Vec<Kept>) -> bool {
    let outcome = ports.store.execute(move |connection| guards::write(connection, &all)).await;
    let outcome: Result<(), StoreFault> = outcome.and_then(|outcome| outcome);
    if let Err(fault) = &outcome {
        tracing::error!(%fault, "what the guards have counted could not be written down");
    }
    outcome.is_ok()
}
