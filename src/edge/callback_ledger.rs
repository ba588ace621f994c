//! Writes down what is promised, in order, and says when it is on disk. Promises nothing itself.

use crate::domain::switchboard::interface::{CallbackNote, SwitchboardInput};
use crate::edge::clock;
use crate::edge::ports::Ports;
use crate::edge::store::{StoreFault, callbacks};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Notes that wait for the disk; beyond, nothing new is promised.
const WAITING_MAX: usize = 4_096;
/// Notes that one transaction takes.
const BATCH: usize = 256;
/// How long the end of the daemon waits for the disk.
const PATIENCE: Duration = Duration::from_secs(2);

enum Line {
    Note(CallbackNote),
    /// Everything before this is to be on disk when it is answered.
    Settle(oneshot::Sender<()>),
}

/// Takes notes without waiting. Cheap to clone.
#[derive(Clone)]
pub struct CallbackLedger {
    lines: mpsc::Sender<Line>,
}

/// What the ledger's task reads.
pub struct CallbackNotes {
    lines: mpsc::Receiver<Line>,
}

pub fn open() -> (CallbackLedger, CallbackNotes) {
    let (sender, lines) = mpsc::channel(WAITING_MAX);
    (CallbackLedger { lines: sender }, CallbackNotes { lines })
}

impl CallbackLedger {
    /// `false`: there is no room, and it will not be written down.
    pub fn note(&self, note: CallbackNote) -> bool {
        self.lines.try_send(Line::Note(note)).is_ok()
    }

    /// Waits until all that was noted is on disk, for a while.
    pub async fn settle(&self) {
        let (answer, answered) = oneshot::channel();
        if self.lines.send(Line::Settle(answer)).await.is_err()
            || tokio::time::timeout(PATIENCE, answered).await.is_err()
        {
            tracing::warn!("not all callbacks could be written down at the end");
        }
    }
}

/// The task that writes.
pub async fn run(mut notes: CallbackNotes, ports: Arc<Ports>) {
    let mut lines = Vec::with_capacity(BATCH);
    while notes.lines.recv_many(&mut lines, BATCH).await > 0 {
        let (mut batch, mut waiting) = (Vec::new(), Vec::new());
        for line in lines.drain(..) {
            match line {
                Line::Note(note) => batch.push(note),
                Line::Settle(answer) => waiting.push(answer),
            }
        }
        write(batch, &ports).await;
        for answer in waiting {
            // Who asked has given up by now.
            let _ = answer.send(());
        }
    }
}

async fn write(batch: Vec<CallbackNote>, ports: &Ports) {
    if batch.is_empty() {
        return;
    }
    let kept: Vec<_> = batch.iter().filter_map(promised).collect();
    let now = clock::now().unix_millis();
    let outcome = ports.store.execute(move |connection| -> Result<(), StoreFault> {
        let transaction = connection.transaction()?;
        callbacks::keep(&transaction, now, &batch)?;
        transaction.commit()?;
        Ok(())
    });
    let outcome = outcome.await.and_then(|outcome| outcome);
    if let Err(fault) = &outcome {
        tracing::error!(%fault, "callbacks could not be written down");
    }
    for callback in kept {
        let is_kept = outcome.is_ok();
        ports.dispatch.to_desk_surely(SwitchboardInput::CallbackKept { callback, is_kept }).await;
    }
}

fn promised(note: &CallbackNote) -> Option<crate::domain::queue::callback::CallbackId> {
    match note {
        CallbackNote::Keep(callback) => Some(callback.id),
        CallbackNote::Forget { .. } => None,
    }
}
