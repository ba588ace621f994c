//! Builds the daemon from its configuration, in the order in which it starts, and takes it down in the reverse one.

use crate::base::cause::Cause;
use crate::base::entropy::Entropy;
use crate::base::limits;
use crate::base::machine::Machine;
use crate::base::now::Now;
use crate::domain::call::interface::CallInput;
use crate::domain::dialplan::guard::kept::Kept;
use crate::domain::queue::interface::QueueInput;
use crate::domain::switchboard::Switchboard;
use crate::domain::switchboard::interface::{Exchange, SwitchboardInput};
use crate::edge::callback_ledger;
use crate::edge::clock;
use crate::edge::config::{Configuration, Daemon as Settings};
use crate::edge::control::commands::Operator;
use crate::edge::control::engines::{EngineNews, Engines};
use crate::edge::control::numbers;
use crate::edge::control::remembered::Remembered;
use crate::edge::control::requests::Requests;
use crate::edge::control::socket::ControlSocket;
use crate::edge::control::websocket::ControlPort;
use crate::edge::dispatch::{DeskInput, Dispatch};
use crate::edge::events::EventLog;
use crate::edge::events::wire::Event;
use crate::edge::guard_ledger;
use crate::edge::journal::Journal;
use crate::edge::live::LiveCalls;
use crate::edge::logging::Logging;
use crate::edge::media::MediaPlane;
use crate::edge::metrics::Metrics;
use crate::edge::ops_http::OpsPage;
use crate::edge::outside::Outside;
use crate::edge::ports::Ports;
use crate::edge::reload::Reloader;
use crate::edge::resolver::Resolver;
use crate::edge::softphone::reception::{Desk, Reception};
use crate::edge::softphone::seats::Seats;
use crate::edge::store::callbacks;
use crate::edge::store::guards;
use crate::edge::store::numbers::Numbers;
use crate::edge::switchboard_task::{self, DeskSigns};
use crate::edge::transport::pulse::Pace;
use crate::edge::transport::{Transports, Trust};
use crate::edge::vital::Vital;
use crate::media::command::Command;
use crate::media::event::Event as MediaEvent;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// How long the end may wait for the disk.
const JOURNAL_PATIENCE: Duration = Duration::from_secs(5);

/// How long the last transactions may take: by then a BYE that was lost has been sent three times.
const LINGER: Duration = Duration::from_secs(2);

/// A daemon that serves. Dropping it without `stop` leaves its tasks to the runtime's end.
pub struct Daemon {
    pub ports: Arc<Ports>,
    pub reloader: Arc<Reloader>,
    pub vital: Arc<Vital>,
    pub drain_limit: Duration,
    drained: watch::Receiver<bool>,
    drain_asked: mpsc::Receiver<()>,
    tasks: Vec<JoinHandle<()>>,
}

/// A runtime as configuration wants it: one worker needs no other thread and costs fewest wake-ups.
pub fn runtime(settings: &Settings) -> std::io::Result<tokio::runtime::Runtime> {
    let wanted = match settings.worker_threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        count => count,
    };
    let mut builder = match wanted {
        1 => tokio::runtime::Builder::new_current_thread(),
        count => {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(count);
            builder
        }
    };
    builder.thread_name("offhook").enable_all().build()
}

impl Daemon {
    pub async fn start(configuration: Arc<Configuration>, logging: &Logging) -> Result<Daemon, String> {
        let settings = &configuration.daemon;
        let exchange = Arc::clone(&configuration.exchange);
        let Opened { ports, entropy, control, inbox, told, engine_news, notes } = open(&configuration).await?;
        let mut switchboard = Switchboard::new(Arc::clone(&exchange), entropy, clock::now());
        switchboard.handle_input(clock::now(), owed(&ports).await?);
        switchboard.restore_guards(clock::now(), counted(&ports).await?);
        let (alive_at, desk_alive) = watch::channel(clock::now().instant);
        let (drained_sign, drained) = watch::channel(false);
        let signs = DeskSigns { alive_at, drained: drained_sign };
        let reloader = Arc::new(Reloader::new(Arc::clone(&ports), logging.level.clone(), Arc::clone(&configuration)));
        let vital = Arc::new(Vital::new(Arc::clone(&ports), logging.queue.clone(), desk_alive, settings.stall_max));
        let (drain, drain_asked) = mpsc::channel(1);
        let tokens = Arc::new(settings.control.tokens.clone());
        let operator = Operator {
            ports: Arc::clone(&ports),
            reloader: Arc::clone(&reloader),
            vital: Arc::clone(&vital),
            drain,
            remembered: Remembered::default(),
            tokens: Arc::clone(&tokens),
        };
        let operator = Arc::new(operator);
        let mut tasks = vec![
            tokio::spawn(switchboard_task::run(switchboard, inbox, Arc::clone(&ports), signs)),
            tokio::spawn(callback_ledger::run(notes, Arc::clone(&ports))),
            tokio::spawn(guard_ledger::run(Arc::clone(&ports))),
            tokio::spawn(tell_lateness(Arc::clone(&ports))),
            tokio::spawn(hear_media(told, Arc::clone(&ports))),
            tokio::spawn(hear_engines(engine_news, Arc::clone(&ports))),
            tokio::spawn(control.serve(Arc::clone(&operator))),
        ];
        if settings.softphone.is_enabled {
            let reception = Reception::new(Arc::clone(&ports))?;
            ports.transports.show(Arc::new(Desk(Arc::new(reception))));
            tasks.push(tokio::spawn(Arc::clone(&ports.seats).keep_roster()));
        }
        if let Some(web) = &settings.control.web {
            let port = ControlPort::bind(web, tokens).await;
            let port = port.map_err(|error| format!("control listener {}: {error}", web.listen))?;
            tasks.push(tokio::spawn(port.serve(operator)));
        }
        if let Some(listen) = settings.ops_listen {
            let port = OpsPage::bind(listen).await.map_err(|error| format!("ops listener {listen}: {error}"))?;
            tasks.push(tokio::spawn(port.serve(Arc::clone(&vital) as _)));
        }
        numbers::publish(&ports).await;
        numbers::warn_of_strays(&ports).await;
        ports.metrics.reloaded(&configuration.hash, since_epoch(clock::now()));
        let drain_limit = exchange.admission.drain;
        Ok(Daemon { ports, reloader, vital, drain_limit, drained, drain_asked, tasks })
    }

    /// Resolves when an operator asks for draining on the control socket.
    pub async fn drain_asked(&mut self) {
        if self.drain_asked.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// Refuses new calls; running ones may go on until the limit, then they get their BYE.
    pub async fn drain(&mut self) {
        self.vital.set_draining();
        self.ports.metrics.draining(true);
        self.ports.events.tell(Event::DrainStarted { calls: self.ports.live.count() });
        self.ports.dispatch.to_desk_surely(SwitchboardInput::Drain).await;
        if !self.is_drained_within(self.drain_limit).await {
            tracing::warn!(
                calls = self.ports.live.count(),
                "the drain limit has passed, ending the calls that are left"
            );
            self.ports.dispatch.to_desk_surely(SwitchboardInput::EndAll(Cause::Drained)).await;
            let farewell = Duration::from_secs(5);
            if !self.is_drained_within(farewell).await {
                tracing::warn!(calls = self.ports.live.count(), "calls are left whose peers did not answer our BYE");
            }
        }
        self.linger().await;
    }

    /// The last BYE has only just gone out: a datagram that is lost has to be sent again by somebody.
    async fn linger(&self) {
        let mut look = tokio::time::interval(Duration::from_millis(20));
        let quiet = async {
            while !self.ports.dispatch.has_no_calls() {
                look.tick().await;
            }
        };
        if tokio::time::timeout(LINGER, quiet).await.is_err() {
            tracing::debug!("the last transactions are cut short");
        }
    }

    async fn is_drained_within(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.drained.wait_for(|drained| *drained)).await.is_ok()
    }

    /// Ends at once: what is in the journal's queue is written, everything else is dropped.
    pub async fn stop(self) {
        self.ports.callbacks.settle().await;
        guard_ledger::settle(&self.ports).await;
        for task in &self.tasks {
            task.abort();
        }
        self.ports.transports.stop().await;
        let ports = Arc::clone(&self.ports);
        ports.media.stop();
        ports.outside.stop(JOURNAL_PATIENCE);
        let events = ports.events.clone();
        if tokio::task::spawn_blocking(move || events.stop(JOURNAL_PATIENCE)).await.ok() != Some(true) {
            tracing::error!("the event log could not be closed");
        }
        if tokio::task::spawn_blocking(move || ports.journal.stop(JOURNAL_PATIENCE)).await.ok() != Some(true) {
            tracing::error!("the journal could not be closed");
        }
    }
}

/// What the tasks of the daemon are made of: everything that may fail is open.
struct Opened {
    ports: Arc<Ports>,
    entropy: Entropy,
    control: ControlSocket,
    inbox: mpsc::Receiver<Box<DeskInput>>,
    told: mpsc::Receiver<MediaEvent>,
    engine_news: mpsc::Receiver<EngineNews>,
    notes: callback_ledger::CallbackNotes,
}

async fn open(configuration: &Configuration) -> Result<Opened, String> {
    let settings = &configuration.daemon;
    let metrics = Metrics::new(since_epoch(clock::now())).map_err(|error| format!("metrics: {error}"))?;
    let journal = Journal::start(&settings.journal, metrics.clone())
        .map_err(|error| format!("journal {}: {error}", settings.journal.path.display()))?;
    let (numbers, store) = Numbers::open(&settings.store, settings.numbers).map_err(|fault| fault.to_string())?;
    let events = EventLog::start(&settings.events, metrics.clone())
        .map_err(|error| format!("event log {}: {error}", settings.events.folder.display()))?;
    let control = ControlSocket::bind(&settings.control.socket, settings.control.mode)
        .map_err(|error| format!("control socket {}: {error}", settings.control.socket.display()))?;
    let (desk, inbox) = mpsc::channel(limits::SWITCHBOARD_INBOX);
    let dispatch = Arc::new(Dispatch::new(desk, metrics.clone()).with_journal(journal.clone()));
    let exchange = Arc::clone(&configuration.exchange);
    let transports = Transports::start(
        Arc::clone(&exchange.profiles),
        trust(&exchange),
        settings.transport,
        Arc::clone(&dispatch) as _,
    )
    .await
    .map_err(|error| error.to_string())?;
    let mut entropy = crate::edge::entropy::from_system();
    let (media, told) = MediaPlane::start(&settings.media, &mut entropy, &metrics)
        .map_err(|error| format!("media workers: {error}"))?;
    let outside = Outside::start(&settings.outside, Arc::clone(&dispatch), metrics.clone())
        .map_err(|error| format!("recordings, speech or the log of flows: {error}"))?;
    let (engines, engine_news) = Engines::new();
    let engines = Arc::new(engines);
    let requests = Requests::new(Arc::clone(&engines), Arc::clone(&dispatch));
    let (ledger, notes) = callback_ledger::open();
    let ports = Arc::new(Ports {
        dispatch,
        transports,
        resolver: Resolver::start(),
        metrics,
        journal,
        live: LiveCalls::default(),
        media,
        outside: Arc::new(outside),
        numbers,
        callbacks: ledger,
        store,
        events,
        engines,
        requests: Arc::new(requests),
        seats: Arc::new(Seats::new(settings.softphone.clone())),
    });
    ports.seats.reach(&ports);
    Ok(Opened { ports, entropy, control, inbox, told, engine_news, notes })
}

/// Promises of the daemon before this one, as the queues take them.
async fn owed(ports: &Ports) -> Result<SwitchboardInput, String> {
    let now = clock::now().unix_millis();
    let read = ports.store.execute(move |connection| callbacks::read(connection, now)).await;
    let (callbacks, next) = read.and_then(|read| read).map_err(|fault| fault.to_string())?;
    if !callbacks.is_empty() {
        tracing::info!(callbacks = callbacks.len(), "callbacks are still owed");
    }
    Ok(SwitchboardInput::Queue(Box::new(QueueInput::Restore { callbacks, next })))
}

/// What the guards of the daemon before this one have counted.
async fn counted(ports: &Ports) -> Result<Vec<Kept>, String> {
    let read = ports.store.execute(|connection| guards::read(connection)).await;
    read.and_then(|read| read).map_err(|fault| fault.to_string())
}

/// What media workers tell belongs to calls. A port that no call waits for is given back.
async fn hear_media(mut told: mpsc::Receiver<MediaEvent>, ports: Arc<Ports>) {
    while let Some(event) = told.recv().await {
        let unclaimed = match &event {
            MediaEvent::Opened { stream, .. } => Some(*stream),
            _ => None,
        };
        let call = event.call();
        if ports.dispatch.to_call(call, Box::new(CallInput::Media(Box::new(event)))).is_err()
            && let Some(stream) = unclaimed
            && !ports.to_worker(Command::Close { stream })
        {
            tracing::warn!(%call, "a port that nobody needs could not be given back");
        }
    }
}

async fn hear_engines(news: mpsc::Receiver<EngineNews>, ports: Arc<Ports>) {
    ports.requests.hear(news, &ports.events).await;
}

async fn tell_lateness(ports: Arc<Ports>) {
    let mut last = Duration::ZERO;
    let mut pace = Pace::default();
    loop {
        let due = pace.next(ports.transports.counters().messages_in(), clock::now());
        tokio::time::sleep_until(due.into()).await;
        // A journal that cannot take records is as far behind as can be: new calls wait until it can.
        let lateness = match ports.journal.full() {
            true => Duration::MAX,
            false => ports.transports.lateness().max(ports.dispatch.desk_lateness().await),
        };
        // A quiet exchange is told once that it is on time, not twenty times a second. That must not get lost: who is never
        // told of the end of an overload sheds for ever.
        if lateness >= Duration::from_millis(5) || last >= Duration::from_millis(5) {
            ports.dispatch.to_desk_surely(SwitchboardInput::Lateness(lateness)).await;
        }
        last = lateness;
    }
}

/// Which authority vouches for which trunk's name.
pub fn trust(exchange: &Exchange) -> Trust {
    let mut trust = Trust::default();
    for trunk in &exchange.trunks {
        let Some(file) = &trunk.tls_authorities else { continue };
        for target in &trunk.targets {
            let name = target.tls_name.as_ref().unwrap_or(&target.host);
            trust.authorities_by_name.insert(name.clone(), file.clone());
        }
    }
    trust
}

pub fn since_epoch(now: Now) -> Duration {
    now.wall.duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests;
