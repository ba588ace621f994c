//! The log of flows: one line of JSON for each step that was left. Bounded: a disk that is slow costs lines, never calls.

use crate::base::id::CallId;
use crate::domain::flow::log::Entry;
use crate::edge::clock::{self, Stamp};
use crate::edge::journal::{JournalFile, JournalSettings};
use crate::edge::metrics::Metrics;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

/// Lines that wait for the disk.
const LINES: usize = 8_192;
const ROUND: Duration = Duration::from_secs(1);

enum Job {
    Line(Vec<u8>),
    /// Answered when everything before it is written.
    Flush(SyncSender<()>),
}

pub struct FlowLog {
    jobs: SyncSender<Job>,
    metrics: Metrics,
}

/// Keys are documented in docs/records.md and only ever added to.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Line<'a> {
    contact_id: String,
    sequence: u32,
    contact_flow_name: &'a str,
    contact_flow_kind: &'static str,
    /// The step's name.
    identifier: &'a str,
    #[serde(rename = "Type")]
    act: &'static str,
    timestamp: String,
    duration_ms: u64,
    outcome: Option<String>,
    parameters: BTreeMap<&'static str, &'a str>,
    results: Option<&'a str>,
}

impl FlowLog {
    pub fn start(settings: &JournalSettings, metrics: Metrics) -> io::Result<FlowLog> {
        let (jobs, work) = sync_channel(LINES);
        let file = JournalFile::open(settings)?;
        let settings = settings.clone();
        std::thread::Builder::new().name("flow-log".into()).spawn(move || write_all(file, &settings, &work))?;
        Ok(FlowLog { jobs, metrics })
    }

    pub fn append(&self, call: CallId, entry: &Entry) {
        let line = Line {
            contact_id: call.to_string(),
            sequence: entry.sequence,
            contact_flow_name: &entry.flow,
            contact_flow_kind: entry.kind.name(),
            identifier: &entry.step,
            act: entry.act,
            timestamp: Stamp { unix_millis: entry.at_unix_millis }.to_string(),
            duration_ms: u64::try_from(entry.duration.as_millis()).unwrap_or(u64::MAX),
            outcome: entry.outcome.map(|outcome| outcome.to_string()),
            parameters: entry.parameters.iter().map(|(name, value)| (*name, &**value)).collect(),
            results: entry.result.as_deref(),
        };
        let Ok(mut bytes) = serde_json::to_vec(&line) else { return };
        bytes.push(b'\n');
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.jobs.try_send(Job::Line(bytes)) {
            self.metrics.flow_line_lost();
        }
    }

    pub fn stop(&self, longest: Duration) {
        let (done, wait) = sync_channel(1);
        if self.jobs.try_send(Job::Flush(done)).is_err() || wait.recv_timeout(longest).is_err() {
            tracing::warn!("the log of flows could not be written to its end");
        }
    }
}

fn write_all(mut file: JournalFile, settings: &JournalSettings, work: &Receiver<Job>) {
    loop {
        match work.recv_timeout(ROUND) {
            Ok(Job::Line(line)) => {
                if let Err(error) = file.append(&line) {
                    tracing::error!(%error, "a line of the log of flows was lost");
                }
            }
            Ok(Job::Flush(done)) => {
                let _ = file.sync();
                // Whoever waited may have gone.
                let _ = done.try_send(());
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if file.is_due(settings, clock::now())
            && let Err(error) = file.rotate(settings, clock::now())
        {
            tracing::error!(%error, "the log of flows could not be put aside");
        }
    }
}
