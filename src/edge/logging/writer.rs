//! A bounded queue of finished lines and the thread that writes them, so that a stuck reader of the log never stops a call.

use crate::base::limits;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;
use tracing_subscriber::fmt::MakeWriter;

enum Job {
    Line(Box<[u8]>),
    /// Answered when everything before it is written.
    Flush(SyncSender<()>),
}

/// Where finished lines go. When it is full a line is dropped and counted: the trail and the record keep what matters.
#[derive(Clone, Debug)]
pub struct LogQueue(Arc<Queue>);

#[derive(Debug)]
struct Queue {
    jobs: SyncSender<Job>,
    dropped: AtomicU64,
}

impl LogQueue {
    pub fn start(out: impl Write + Send + 'static) -> io::Result<LogQueue> {
        let (jobs, work) = sync_channel(limits::LOG_QUEUE);
        std::thread::Builder::new().name("log".into()).spawn(move || write_all(out, &work))?;
        Ok(LogQueue(Arc::new(Queue { jobs, dropped: AtomicU64::new(0) })))
    }

    /// Lines that found the queue full.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// Waits until everything so far is written, at most `longest`.
    pub fn flush(&self, longest: Duration) -> bool {
        let (done, wait) = sync_channel(1);
        self.0.jobs.try_send(Job::Flush(done)).is_ok() && wait.recv_timeout(longest).is_ok()
    }

    fn put(&self, line: &[u8]) {
        match self.0.jobs.try_send(Job::Line(line.into())) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.0.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

fn write_all(mut out: impl Write, work: &Receiver<Job>) {
    while let Ok(job) = work.recv() {
        match job {
            // Nobody is left to tell that the log itself cannot be written.
            Job::Line(line) => {
                let _ = out.write_all(&line);
            }
            Job::Flush(done) => {
                let _ = out.flush();
                // Whoever waited may have gone.
                let _ = done.try_send(());
            }
        }
    }
}

impl io::Write for LogQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.put(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogQueue {
    type Writer = LogQueue;

    fn make_writer(&'a self) -> LogQueue {
        self.clone()
    }
}
