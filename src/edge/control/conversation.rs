//! One conversation in the control protocol: lines in, one answer for each, and what we push on top; each way in bounds.
//! A client that asks too fast is read more slowly, one that does not read is told so and dropped. Executes nothing itself.

use super::client::{Client, ClientId};
use super::follow::{Cursor, Following};
use super::frame::{FrameFault, LineReader};
use super::remembered::{Known, Remembered};
use super::scope::Scopes;
use super::wire::{self, Command, Fault};
use crate::base::bucket::TokenBucket;
use crate::edge::clock;
use crate::edge::events::EventLog;
use crate::edge::metrics::Metrics;
use crate::edge::metrics::control::ControlFault;
use bytes::Bytes;
use serde_json::Value;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};

/// Bytes that are handed to the system at once where there are so many.
const BATCH_BYTES: usize = 64 * 1_024;
/// Lines that are no commands, after which nobody listens any more.
const FAULTS_MAX: u32 = 100;
/// The same of one that has not proven who it is.
const UNPROVEN_FAULTS_MAX: u32 = 3;
/// How long the reader rests when a client asks too fast.
const TOO_FAST_REST: Duration = Duration::from_millis(5);

/// Where a client's messages come from.
pub trait Incoming: Send {
    /// `None`: there is no more. Must lose nothing when it is given up between two polls.
    fn next(&mut self) -> impl Future<Output = io::Result<Option<Result<Vec<u8>, FrameFault>>>> + Send;
}

/// Where messages to a client go.
pub trait Outgoing: Send {
    /// How often the peer is asked whether it is still there, where the system does not tell.
    const PING_EVERY: Option<Duration> = None;

    fn write(&mut self, frames: &[Bytes]) -> impl Future<Output = io::Result<()>> + Send;

    fn ping(&mut self) -> impl Future<Output = io::Result<()>> + Send {
        std::future::ready(Ok(()))
    }
}

/// Who executes commands.
pub trait Desk: Send + Sync + 'static {
    fn execute(&self, client: &Arc<Client>, command: Command) -> impl Future<Output = Result<Value, Fault>> + Send;
    /// The client has left, however.
    fn left(&self, client: &Arc<Client>) -> impl Future<Output = ()> + Send;
    fn remembered(&self) -> &Remembered;
    fn events(&self) -> &EventLog;
    fn metrics(&self) -> &Metrics;
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long a client may hold its place without asking anything, unless it waits for what we push.
    pub idle: Duration,
    /// How long it may take to prove who it is.
    pub proof: Duration,
    /// How long a write may take before the client counts as one that does not read.
    pub write: Duration,
    /// How long such a client may take until it reads that it was dropped.
    pub farewell: Duration,
    /// Commands per second, and in a burst.
    pub rate: f64,
    pub burst: f64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            idle: Duration::from_secs(600),
            proof: Duration::from_secs(10),
            write: Duration::from_secs(5),
            farewell: Duration::from_secs(60),
            rate: 20_000.0,
            burst: 20_000.0,
        }
    }
}

/// Holds the conversation to its end.
pub async fn hold<I: Incoming, O: Outgoing, D: Desk>(
    (incoming, outgoing): (I, O),
    (who, scopes): (String, Scopes),
    desk: Arc<D>,
    limits: Limits,
) {
    let (client, pushed) = Client::new(ClientId::next(), who, scopes);
    let client = Arc::new(client);
    desk.metrics().control_client_came();
    // One answer at a time: who does not read its answers is not asked for more commands.
    let (answers, answered) = mpsc::channel(1);
    let over = {
        let mut writing = pin!(write_out(outgoing, (answered, pushed), Watching::new(&client, desk.events()), limits));
        let reading = Reading { client: &client, desk: &desk, limits, faults: 0 };
        tokio::select! {
            read = reading.all(incoming, answers) => match read {
                // What is answered already goes out.
                Ok(()) => writing.await,
                Err(error) => Err(error),
            },
            written = &mut writing => written,
        }
    };
    desk.metrics().control_client_left();
    if let Err(error) = over {
        if error.kind() == io::ErrorKind::TimedOut {
            desk.metrics().control_fault(ControlFault::Slow);
        }
        tracing::debug!(%error, who = client.who(), "a control client went away");
    }
    desk.left(&client).await;
}

struct Reading<'a, D> {
    client: &'a Arc<Client>,
    desk: &'a Arc<D>,
    limits: Limits,
    faults: u32,
}

impl<D: Desk> Reading<'_, D> {
    async fn all(mut self, mut incoming: impl Incoming, answers: mpsc::Sender<Bytes>) -> io::Result<()> {
        let began = clock::now().instant;
        let mut bucket = TokenBucket::new(self.limits.rate, self.limits.burst, began);
        loop {
            while !bucket.take(clock::now().instant) {
                tokio::time::sleep(TOO_FAST_REST).await;
            }
            let patience = match self.client.scopes().is_empty() {
                true => self.limits.proof.saturating_sub(clock::now().instant.saturating_duration_since(began)),
                false => self.limits.idle,
            };
            let line = match tokio::time::timeout(patience, incoming.next()).await {
                Err(_) if self.client.stays() => continue,
                Err(_) => return Ok(()),
                Ok(next) => match next? {
                    Some(line) => line,
                    None => return Ok(()),
                },
            };
            let answer = match &line {
                Ok(line) => self.answer(line).await,
                Err(fault) => self.at_fault(&Value::Null, fault.fault()),
            };
            if answers.send(answer).await.is_err() {
                return Ok(());
            }
            self.client.was_answered();
            let faults_max = if self.client.scopes().is_empty() { UNPROVEN_FAULTS_MAX } else { FAULTS_MAX };
            if self.faults >= faults_max || line.is_err_and(FrameFault::is_last) {
                return Ok(());
            }
        }
    }

    fn at_fault(&mut self, id: &Value, fault: Fault) -> Bytes {
        self.faults += 1;
        let is_forbidden = fault.code == "forbidden";
        self.desk.metrics().control_fault(if is_forbidden {
            ControlFault::Forbidden
        } else {
            ControlFault::Unreadable
        });
        wire::write(id, Err(fault))
    }

    async fn answer(&mut self, line: &[u8]) -> Bytes {
        let (id, command) = wire::read(line);
        let command = match command {
            Ok(command) => command,
            Err(fault) => return self.at_fault(&id, fault),
        };
        if let Some(scope) = command.scope().filter(|scope| !self.client.may(*scope)) {
            let may = self.client.scopes().names().join(", ");
            let words = format!("this needs the scope {}; you have: {may}", scope.name());
            return self.at_fault(&id, Fault::new("forbidden", words));
        }
        let key = (!id.is_null() && command.changes()).then(|| id.to_string());
        let (Some(name), Some(key)) = (self.client.name(), key) else {
            return wire::write(&id, self.desk.execute(self.client, command).await);
        };
        match self.desk.remembered().begin(name, &key, line) {
            Known::New => {
                // To its end, also when the client goes meanwhile: it will ask what came of it.
                let (desk, client, name) = (Arc::clone(self.desk), Arc::clone(self.client), name.to_owned());
                let doing = tokio::spawn(async move {
                    let answer = wire::write(&id, desk.execute(&client, command).await);
                    desk.remembered().done(&name, &key, &answer);
                    answer
                });
                let broken =
                    |_| wire::write(&Value::Null, Err(Fault::new("fault", "the command could not be finished")));
                doing.await.unwrap_or_else(broken)
            }
            Known::Done(answer) => answer,
            Known::UnderWay => {
                wire::write(&id, Err(Fault::new("under_way", "this command is being done; ask again for its outcome")))
            }
        }
    }
}

/// The events that a client follows.
struct Watching<'a> {
    log: &'a EventLog,
    followed: watch::Receiver<Option<Following>>,
    cursor: Option<Cursor>,
}

impl Watching<'_> {
    fn new<'a>(client: &Client, log: &'a EventLog) -> Watching<'a> {
        Watching { log, followed: client.followed(), cursor: None }
    }

    /// The next events; never, where none are followed.
    async fn next(&mut self) -> Vec<Bytes> {
        loop {
            let Watching { followed, cursor, .. } = self;
            tokio::select! {
                biased;
                changed = followed.changed() => match changed {
                    Ok(()) => {
                        let following = self.followed.borrow_and_update().clone();
                        self.cursor = following.map(|following| Cursor::new(self.log.clone(), following));
                    }
                    Err(_) => std::future::pending().await,
                },
                frames = async {
                    match cursor {
                        Some(cursor) => cursor.next().await,
                        None => std::future::pending().await,
                    }
                } => return frames,
            }
        }
    }
}

async fn write_out<O: Outgoing>(
    mut outgoing: O,
    (mut answers, mut pushed): (mpsc::Receiver<Bytes>, mpsc::Receiver<Bytes>),
    mut watching: Watching<'_>,
    limits: Limits,
) -> io::Result<()> {
    let mut ping = tokio::time::interval(O::PING_EVERY.unwrap_or(limits.idle));
    loop {
        let mut batch = tokio::select! {
            biased;
            answer = answers.recv() => match answer {
                Some(answer) => vec![answer],
                None => return Ok(()),
            },
            Some(frame) = pushed.recv() => vec![frame],
            frames = watching.next() => frames,
            _ = ping.tick() => {
                tokio::time::timeout(limits.write, outgoing.ping()).await.map_err(|_| slow())??;
                continue;
            }
        };
        let mut bytes: usize = batch.iter().map(Bytes::len).sum();
        while bytes < BATCH_BYTES
            && let Ok(frame) = pushed.try_recv()
        {
            bytes += frame.len();
            batch.push(frame);
        }
        let is_slow = {
            let mut writing = pin!(outgoing.write(&batch));
            match tokio::time::timeout(limits.write, &mut writing).await {
                Ok(written) => {
                    written?;
                    false
                }
                Err(_) => {
                    // Nothing is kept for it any more but what is half written.
                    pushed.close();
                    tokio::time::timeout(limits.farewell, writing).await.map_err(|_| slow())??;
                    true
                }
            }
        };
        if is_slow {
            let fault = Fault::new("too_slow", "you did not read for too long: what has happened since is lost to you");
            let gap = watching.cursor.as_ref().map(Cursor::abandoned);
            let farewell: Vec<Bytes> = gap.into_iter().chain([wire::write(&Value::Null, Err(fault))]).collect();
            tokio::time::timeout(limits.write, outgoing.write(&farewell)).await.map_err(|_| slow())??;
            return Err(slow());
        }
    }
}

fn slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the client does not read")
}

/// Newline-delimited messages over a Unix socket.
pub struct Lines;

impl Lines {
    pub fn of(stream: UnixStream) -> (LinesIn, LinesOut) {
        let (read, write) = stream.into_split();
        (LinesIn { stream: read, reader: LineReader::default() }, LinesOut(write))
    }
}

pub struct LinesIn {
    stream: OwnedReadHalf,
    reader: LineReader,
}

impl Incoming for LinesIn {
    async fn next(&mut self) -> io::Result<Option<Result<Vec<u8>, FrameFault>>> {
        let mut chunk = [0; 4_096];
        loop {
            if let Some(line) = self.reader.next_line() {
                return Ok(Some(line));
            }
            let count = self.stream.read(&mut chunk).await?;
            if count == 0 {
                return Ok(None);
            }
            self.reader.feed(chunk.get(..count).unwrap_or_default());
        }
    }
}

pub struct LinesOut(OwnedWriteHalf);

impl Outgoing for LinesOut {
    async fn write(&mut self, frames: &[Bytes]) -> io::Result<()> {
        match frames {
            [one] => self.0.write_all(one).await,
            several => self.0.write_all(&several.concat()).await,
        }
    }
}

#[cfg(test)]
mod tests;
