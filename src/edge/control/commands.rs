//! What an operator may ask of the running daemon, and how each thing is done.

use super::client::Client;
use super::conversation::Desk;
use super::follow::Following;
use super::remembered::Remembered;
use super::token::Tokens;
use super::wire::{Command, Fault, VERSIONS};
use super::{agents, callbacks, numbers};
use crate::base::cause::Cause;
use crate::base::id::CallId;
use crate::domain::call::interface::CallInput;
use crate::domain::switchboard::DryRun;
use crate::domain::switchboard::interface::SwitchboardInput;
use crate::edge::clock;
use crate::edge::events::EventLog;
use crate::edge::metrics::Metrics;
use crate::edge::metrics::control::ControlFault;
use crate::edge::ports::Ports;
use crate::edge::reload::Reloader;
use crate::edge::vital::Vital;
use serde_json::{Value, json};
use std::sync::Arc;

/// Letters of the name of a client or an engine.
const NAME_CHARS_MAX: usize = 64;

/// Executes commands, for all clients. Holds nothing but what it has done for whom.
pub struct Operator {
    pub ports: Arc<Ports>,
    pub reloader: Arc<Reloader>,
    pub vital: Arc<Vital>,
    /// Tells the daemon's main loop to drain.
    pub drain: tokio::sync::mpsc::Sender<()>,
    pub remembered: Remembered,
    pub tokens: Arc<Tokens>,
}

impl Desk for Operator {
    async fn execute(&self, client: &Arc<Client>, command: Command) -> Result<Value, Fault> {
        match command {
            Command::Hello { client: name, versions, token } => {
                self.prove(client, token.as_deref())?;
                self.greet(client, name, versions)
            }
            Command::Attach { engine } => self.attach(client, &engine).await,
            Command::Detach => {
                self.ports.engines.detach(client.id).await;
                client.set_staying(client.is_following());
                Ok(json!({}))
            }
            Command::Follow { from, only } => {
                only.check()?;
                let next = self.ports.events.next();
                let from = from.unwrap_or(next);
                client.follow(Some(Following { from, only }));
                Ok(json!({ "from": from, "next": next }))
            }
            Command::Unfollow => {
                client.follow(None);
                Ok(json!({ "next": self.ports.events.next() }))
            }
            Command::Decide { request, decision } => self.ports.requests.decide(client, &request, decision).await,
            Command::Return { request, result, error } => {
                self.ports.requests.functions.give(client, &request, result, error)
            }
            Command::Order { call, lease, order } => self.ports.requests.order(client, (&call, lease), order).await,
            other => self.operate(&client.who(), other).await,
        }
    }

    async fn left(&self, client: &Arc<Client>) {
        self.ports.engines.detach(client.id).await;
    }

    fn remembered(&self) -> &Remembered {
        &self.remembered
    }

    fn events(&self) -> &EventLog {
        &self.ports.events
    }

    fn metrics(&self) -> &Metrics {
        &self.ports.metrics
    }
}

impl Operator {
    /// Whoever came through the socket's file has all scopes already, and a token takes none of them.
    fn prove(&self, client: &Client, token: Option<&str>) -> Result<(), Fault> {
        let Some(token) = token.filter(|_| client.scopes().is_empty()) else { return Ok(()) };
        match self.tokens.owner(token) {
            Some((who, scopes)) => client.is_proven(who, scopes),
            None => {
                self.ports.metrics.control_fault(ControlFault::Unproven);
                return Err(Fault::new("unproven", "the token is nobody's").at("/token"));
            }
        }
        Ok(())
    }

    fn greet(&self, client: &Client, name: Option<String>, versions: Option<Vec<u32>>) -> Result<Value, Fault> {
        let spoken = versions.unwrap_or_else(|| VERSIONS.to_vec());
        let Some(version) = VERSIONS.iter().find(|own| spoken.contains(own)) else {
            let words = format!("we speak {VERSIONS:?}, you {spoken:?}");
            return Err(Fault::new("no_common_version", words).at("/versions"));
        };
        if let Some(name) = name {
            is_name(&name).map_err(|fault| fault.at("/client"))?;
            if !client.is_named(&name) {
                return Err(Fault::new("named", "this connection has another name already").at("/client"));
            }
        }
        Ok(json!({
            "offhook": env!("CARGO_PKG_VERSION"), "protocol": version, "versions": VERSIONS,
            "you": client.who(), "scopes": client.scopes().names(),
        }))
    }

    async fn attach(&self, client: &Arc<Client>, engine: &str) -> Result<Value, Fault> {
        is_name(engine).map_err(|fault| fault.at("/engine"))?;
        if !self.ports.engines.attach(engine, client).await {
            return Err(Fault::new("too_many", "enough connections stand by under this name").at("/engine"));
        }
        client.set_staying(true);
        Ok(json!({ "engine": engine }))
    }

    /// What operators ask; `who` it is goes into audit trails.
    async fn operate(&self, who: &str, command: Command) -> Result<Value, Fault> {
        match command {
            Command::Hello { .. }
            | Command::Attach { .. }
            | Command::Detach
            | Command::Follow { .. }
            | Command::Unfollow
            | Command::Decide { .. }
            | Command::Return { .. }
            | Command::Order { .. } => Err(Fault::new("bad_request", "this belongs to a connection")),
            Command::Status => Ok(self.status()),
            Command::Calls => Ok(json!({ "calls": self.ports.live.list() })),
            Command::HangUp { call } => self.hang_up(&call),
            Command::Trunks => self.ask(|switchboard| json!({ "trunks": lines::trunks(switchboard) })).await,
            Command::Phones => self.ask(|switchboard| json!({ "phones": lines::phones(switchboard) })).await,
            Command::Queues => self.ask(agents::queues).await,
            Command::Agents => self.ask(agents::agents).await,
            Command::Agent { agent, status } => agents::command(&self.ports, who, agent, status).await,
            Command::Callbacks => self.ask(callbacks::callbacks).await,
            Command::CancelCallback { callback } => callbacks::cancel(&self.ports, who, callback).await,
            Command::Explain { number, caller, from, at } => {
                let now = clock::at(clock::now(), at);
                self.ask(move |switchboard| {
                    let run = DryRun { number: &number, caller: caller.as_deref(), from: from.as_deref() };
                    json!({ "trail": switchboard.explain(now, run) })
                })
                .await
            }
            Command::Numbers { ask } => numbers::execute(&self.ports, who, ask).await,
            Command::Guards => self.ask(|switchboard| json!({ "guards": lines::guards(switchboard) })).await,
            Command::ResetGuard { guard, subject } => self.reset_guard(who, guard, subject).await,
            Command::Reload { dry_run } => self.reloader.reload(dry_run).await.map(|plan| json!({ "plan": plan })),
            Command::Drain => {
                if self.drain.try_send(()).is_err() {
                    tracing::debug!("draining was asked for again");
                }
                Ok(json!({ "draining": true, "calls": self.ports.live.count() }))
            }
            Command::Log { filter } => match self.reloader.set_level(&filter) {
                Ok(()) => Ok(json!({ "filter": filter })),
                Err(error) => Err(Fault::new("bad_filter", error)),
            },
        }
    }

    async fn reset_guard(&self, who: &str, guard: String, subject: Option<String>) -> Result<Value, Fault> {
        let wanted = guard.clone();
        let known = self.ports.dispatch.ask(move |switchboard| switchboard.has_guard(&wanted)).await;
        if known != Some(true) {
            return Err(Fault::new("no_such_guard", format!("no guard is called {guard:?}")));
        }
        tracing::warn!(who, guard, "a guard is reset");
        let input = SwitchboardInput::ResetGuard { guard: guard.as_str().into(), subject: subject.map(Box::from) };
        self.ports.dispatch.to_desk_surely(input).await;
        Ok(json!({ "guard": guard }))
    }

    fn status(&self) -> Value {
        let (of_calls, of_switchboard) = self.ports.metrics.transactions();
        let counters = self.ports.transports.counters();
        let (opened, closed) = (counters.connections_opened.read(), counters.connections_closed.read());
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "calls": self.ports.live.count(),
            "lingering": self.ports.dispatch.call_count().saturating_sub(self.ports.live.count()),
            "transactions": { "calls": of_calls, "switchboard": of_switchboard },
            "connections": opened.saturating_sub(closed),
            "draining": self.vital.is_draining(),
            "stalled": self.vital.stalled(),
            "log": self.reloader.level(),
            "lateness_ms": u64::try_from(self.ports.transports.lateness().as_millis()).unwrap_or(u64::MAX),
            "config": self.reloader.config_hash(),
        })
    }

    fn hang_up(&self, call: &str) -> Result<Value, Fault> {
        let unknown = || Fault::new("no_such_call", format!("no call {call:?} is running"));
        let id = CallId::parse(call).ok_or_else(unknown)?;
        let input = Box::new(CallInput::HangUp { cause: Cause::Normal });
        self.ports.dispatch.to_call(id, input).map_err(|_| unknown())?;
        Ok(json!({ "call": call }))
    }

    async fn ask(
        &self,
        question: impl FnOnce(&crate::domain::switchboard::Switchboard) -> Value + Send + 'static,
    ) -> Result<Value, Fault> {
        self.ports.dispatch.ask(question).await.ok_or_else(|| Fault::new("ending", "the daemon is ending"))
    }
}

/// Names stand in logs, metrics and configuration.
fn is_name(name: &str) -> Result<(), Fault> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match !name.is_empty() && name.len() <= NAME_CHARS_MAX && name.chars().all(fits) {
        true => Ok(()),
        false => Err(Fault::new("bad_name", "a name has up to 64 letters, digits, `-`, `_` and `.`")),
    }
}

/// What trunks and phones look like in answers.
mod lines {
    use crate::domain::switchboard::Switchboard;
    use serde_json::{Value, json};

    pub fn trunks(switchboard: &Switchboard) -> Vec<Value> {
        switchboard
            .trunk_states()
            .into_iter()
            .map(|trunk| {
                json!({
                    "trunk": &*trunk.name, "calls": trunk.calls, "calls_max": trunk.calls_max,
                    "registered": trunk.registered,
                    "targets": trunk.targets.iter().map(|(name, up)| json!({ "target": name, "up": up })).collect::<Vec<_>>(),
                })
            })
            .collect()
    }

    pub fn guards(switchboard: &Switchboard) -> Vec<Value> {
        let tripped = switchboard.tripped_guards().into_iter();
        tripped.map(|(guard, subject, why)| json!({ "guard": &*guard, "stops": subject, "why": why })).collect()
    }

    pub fn phones(switchboard: &Switchboard) -> Vec<Value> {
        switchboard
            .phone_states()
            .into_iter()
            .map(|phone| json!({ "phone": &*phone.name, "calls": phone.calls, "contacts": phone.contacts }))
            .collect()
    }
}
