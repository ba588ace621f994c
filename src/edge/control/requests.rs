//! Questions to engines on their way, what they say to them, and who has control of which call. Decides nothing.

use super::client::{Client, ClientId};
use super::engines::{EngineNews, Engines};
use super::functions::Functions;
use super::wire::Fault;
use super::wire_decision;
use super::wire_told::Told;
use crate::base::id::CallId;
use crate::domain::call::interface::{CallInput, Command, Verdict};
use crate::domain::routing::lease::Token;
use crate::domain::routing::request::{HolderWord, NoDecision, OrderFault, ReplyTo, RouteId, RouteRequest, Taken};
use crate::edge::dispatch::Dispatch;
use crate::edge::events::EventLog;
use crate::edge::events::wire::{Event, Name};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How long a call may take to say what came of an order: longer than any stall it gets over.
const REPLY_PATIENCE: Duration = Duration::from_secs(5);

type Outcome = Result<Taken, OrderFault>;

/// One for the daemon. Everything in it is gone with its call.
pub struct Requests {
    engines: Arc<Engines>,
    dispatch: Arc<Dispatch>,
    books: Mutex<Books>,
    last_reply: AtomicU64,
    pub functions: Functions,
}

#[derive(Default)]
struct Books {
    /// Which engine was asked, over which connection.
    open: BTreeMap<RouteId, (Arc<str>, ClientId)>,
    /// Who has control.
    leases: BTreeMap<CallId, Arc<str>>,
    replies: BTreeMap<ReplyTo, oneshot::Sender<Outcome>>,
}

impl Requests {
    pub fn new(engines: Arc<Engines>, dispatch: Arc<Dispatch>) -> Requests {
        let functions = Functions::new(Arc::clone(&engines));
        Requests { engines, dispatch, books: Mutex::default(), last_reply: AtomicU64::new(0), functions }
    }

    /// Puts a question before its engine; without one the call is told so at once.
    pub fn ask(&self, request: &RouteRequest) {
        let frame = Told::question(request).line();
        let mut books = self.books();
        match self.engines.send(&request.client, &frame) {
            Ok(client) => {
                books.open.insert(request.id, (Arc::clone(&request.client), client));
            }
            Err(_) => {
                drop(books);
                self.no_decision(request.id, Arc::clone(&request.client), NoDecision::NotAttached);
            }
        }
    }

    /// The question is over.
    pub fn asked(&self, id: RouteId) {
        self.books().open.remove(&id);
    }

    /// The call is over, however it ended.
    pub fn forget(&self, call: CallId) {
        let mut books = self.books();
        let (first, last) = (RouteId { call, run: 0, wish: 0 }, RouteId { call, run: u8::MAX, wish: u32::MAX });
        let left: Vec<RouteId> = books.open.range(first..=last).map(|(id, _)| *id).collect();
        for id in left {
            books.open.remove(&id);
        }
        books.leases.remove(&call);
    }

    /// What a call says to a decision or an order.
    pub fn reply(&self, to: ReplyTo, outcome: Outcome) {
        let waits = self.books().replies.remove(&to);
        if waits.is_none_or(|waits| waits.send(outcome).is_err()) {
            tracing::debug!("nobody waits any more for what came of an order");
        }
    }

    /// For the holder of a call's lease.
    pub fn tell_holder(&self, call: CallId, holder: &Arc<str>, word: HolderWord) {
        match &word {
            HolderWord::Ready { .. } => {}
            HolderWord::Granted { .. } => drop(self.books().leases.insert(call, Arc::clone(holder))),
            HolderWord::Ended { .. } => drop(self.books().leases.remove(&call)),
        }
        if self.engines.send(holder, &Told::word(call, word).line()).is_err() {
            tracing::debug!(%holder, "the holder of a call is not there to be told");
        }
    }

    /// An engine says what is to happen; `None`: that it does not know.
    pub async fn decide(&self, client: &Client, request: &str, decision: Value) -> Result<Value, Fault> {
        let no_such = || Fault::new("no_such_request", "nothing was asked under this name").at("/request");
        let id = RouteId::parse(request).ok_or_else(no_such)?;
        let asked = self.books().open.get(&id).map(|(engine, _)| Arc::clone(engine));
        let by = asked.filter(|engine| self.engines.is_of(engine, client.id)).unwrap_or_else(|| "".into());
        if decision.is_null() {
            if by.is_empty() {
                return Err(no_such());
            }
            self.no_decision(id, by, NoDecision::Refused);
            return Ok(Value::Object(Map::new()));
        }
        let decision = wire_decision::decision(decision).map_err(|fault| told(fault, "/decision"))?;
        let holder = Arc::clone(&by);
        let verdict = |reply| CallInput::Verdict(Box::new(Verdict { id, by, reply, decision: Ok(Box::new(decision)) }));
        let outcome = self.tell(id.call, verdict).await?;
        let taken = outcome.map_err(|fault| match &*fault.path {
            "id" => Fault::new(fault.code, fault.words).at("/request"),
            _ => told(fault, "/decision"),
        })?;
        if taken.lease.is_some() {
            self.held(id.call, holder);
        }
        Ok(self.taken(id.call, client, taken))
    }

    /// An order of whoever has control.
    pub async fn order(&self, client: &Client, (call, lease): (&str, u64), order: Value) -> Result<Value, Fault> {
        let no_such = || Fault::new("no_such_call", format!("no call {call:?} is running")).at("/call");
        let id = CallId::parse(call).ok_or_else(no_such)?;
        let holder = self.books().leases.get(&id).cloned();
        let by = holder.filter(|holder| self.engines.is_of(holder, client.id)).unwrap_or_else(|| "".into());
        let what = wire_decision::wanted(order).map_err(|fault| told(fault, "/order"))?;
        let token = Token(lease);
        let command = |reply| CallInput::Command(Box::new(Command { by, token, reply, what }));
        let outcome = self.tell(id, command).await?;
        let taken = outcome.map_err(|fault| match &*fault.path {
            "lease" | "call" => {
                let path = format!("/{}", fault.path);
                Fault::new(fault.code, fault.words).at(path)
            }
            _ => told(fault, "/order"),
        })?;
        Ok(self.taken(id, client, taken))
    }

    fn taken(&self, call: CallId, client: &Client, taken: Taken) -> Value {
        let mut answer = Map::new();
        if let Some(token) = taken.lease {
            answer.insert("lease".to_owned(), token.0.into());
        }
        tracing::debug!(%call, who = client.who(), "an engine's word was taken");
        Value::Object(answer)
    }

    /// Gives the call its input and waits for what it says to it.
    async fn tell(&self, call: CallId, input: impl FnOnce(ReplyTo) -> CallInput) -> Result<Outcome, Fault> {
        let to = ReplyTo(self.last_reply.fetch_add(1, Ordering::Relaxed));
        let (waits, told) = oneshot::channel();
        self.books().replies.insert(to, waits);
        let gone = || Fault::new("no_such_call", "the call is over");
        if self.dispatch.to_call(call, Box::new(input(to))).is_err() {
            self.books().replies.remove(&to);
            return Err(gone());
        }
        match tokio::time::timeout(REPLY_PATIENCE, told).await {
            Ok(Ok(outcome)) => Ok(outcome),
            _ => {
                self.books().replies.remove(&to);
                Err(gone())
            }
        }
    }

    /// A lease was given with a decision. Its holder may have gone while the call said so.
    fn held(&self, call: CallId, holder: Arc<str>) {
        self.books().leases.insert(call, Arc::clone(&holder));
        if !self.engines.is_attached(&holder)
            && self.dispatch.to_call(call, Box::new(CallInput::HolderGone { holder })).is_err()
        {
            self.books().leases.remove(&call);
        }
    }

    fn no_decision(&self, id: RouteId, by: Arc<str>, why: NoDecision) {
        let reply = ReplyTo(u64::MAX);
        let verdict = Verdict { id, by, reply, decision: Err(why) };
        if self.dispatch.to_call(id.call, Box::new(CallInput::Verdict(Box::new(verdict)))).is_err() {
            tracing::debug!("a call that was asked about has ended");
        }
    }

    /// Engines come and go: what was asked of one that is gone is asked again, and what it held is nobody's.
    pub async fn hear(&self, mut news: mpsc::Receiver<EngineNews>, events: &EventLog) {
        while let Some(news) = news.recv().await {
            match news {
                EngineNews::Attached { engine, client } => {
                    tracing::info!(%engine, ?client, "an engine has attached");
                    events.tell(Event::EngineAttached { engine: Name(engine) });
                }
                EngineNews::Gone { engine, client } => {
                    tracing::warn!(%engine, ?client, "an engine is gone");
                    self.gone(&engine, client);
                    events.tell(Event::EngineGone { engine: Name(engine) });
                }
            }
        }
    }

    fn gone(&self, engine: &Arc<str>, client: ClientId) {
        self.functions.gone(client);
        let (lost, held) = {
            let mut books = self.books();
            let is_lost = |(own, over): &(Arc<str>, ClientId)| own == engine && *over == client;
            let lost: Vec<RouteId> = books.open.iter().filter(|(_, own)| is_lost(own)).map(|(id, _)| *id).collect();
            for id in &lost {
                books.open.remove(id);
            }
            let held: Vec<CallId> =
                books.leases.iter().filter(|(_, holder)| *holder == engine).map(|(call, _)| *call).collect();
            (lost, held)
        };
        for id in lost {
            self.no_decision(id, Arc::clone(engine), NoDecision::Gone);
        }
        // Where another connection of the same engine stands by, control is still in its hands.
        if self.engines.is_attached(engine) {
            return;
        }
        for call in held {
            let gone = CallInput::HolderGone { holder: Arc::clone(engine) };
            if self.dispatch.to_call(call, Box::new(gone)).is_err() {
                self.books().leases.remove(&call);
            }
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fault of a decision with its field as a pointer into the command.
fn told(fault: OrderFault, root: &str) -> Fault {
    let below = fault.path.replace(['[', '.'], "/").replace(']', "");
    let path = if below.is_empty() { root.to_owned() } else { format!("{root}/{below}") };
    Fault::new(fault.code, fault.words).at(path)
}
