//! The steps `webhook` and `function`: a question to somebody outside. Opens no connection.

use super::event::contact_event;
use super::fill::Escape;
use super::waiting::{Fetching, Waiting};
use super::{FlowRun, Turn};
use crate::base::limits;
use crate::base::now::Now;
use crate::domain::flow::act::{Act, Function, Reply, Request, Webhook};
use crate::domain::flow::definition::Outcome;
use crate::domain::flow::interface::{FetchFault, FetchFrom, FetchOrder, FlowWish};
use crate::domain::flow::memory::EXTERNAL;
use crate::domain::flow::value::Value;
use std::sync::Arc;
use std::time::Duration;

/// Beyond what the order allows: whoever fetches tells of its own time-out first.
const GRACE: Duration = Duration::from_millis(500);

impl FlowRun {
    pub(super) fn webhook(&mut self, now: Now, webhook: &Webhook) -> Turn {
        match self.fill_escaped(&webhook.url, Escape::Url) {
            Some(url) => self.fetch(now, FetchFrom::Url(url), &webhook.request),
            None => Turn::Next(Outcome::Error),
        }
    }

    pub(super) fn function(&mut self, now: Now, function: &Function) -> Turn {
        match self.fill_name(&function.name) {
            Some(name) => self.fetch(now, FetchFrom::Engine(name), &function.request),
            None => Turn::Next(Outcome::Error),
        }
    }

    fn fetch(&mut self, now: Now, to: FetchFrom, request: &Request) -> Turn {
        let (FetchFrom::Url(name) | FetchFrom::Engine(name)) = &to;
        self.note("To", name);
        let Some(parameters) = self.arguments(&request.parameters) else { return Turn::Next(Outcome::Error) };
        let Some(comfort) = self.sounds(&request.comfort) else { return Turn::Next(Outcome::Error) };
        let left = limits::FETCH_CHAIN.saturating_sub(self.memory.fetching);
        if left.is_zero() {
            self.came_to("chain-too-long");
            return Turn::Next(Outcome::Error);
        }
        let total = left.min(limits::FETCH_PATIENCE);
        let ticket = self.ticket();
        let order = FetchOrder {
            to,
            body: contact_event(&self.memory, parameters),
            reply: request.reply,
            each: request.timeout.min(total),
            total,
            tries: limits::FETCH_TRIES,
            bytes_max: limits::FETCHED_BYTES_MAX,
        };
        self.wish(FlowWish::Fetch { ticket, order: Box::new(order) });
        // Comfort is no prompt: it does not lengthen the chain.
        let comfort = (!comfort.is_empty()).then(|| self.play_sounds(comfort, None));
        let until = now.instant + total + GRACE;
        Turn::Wait(Waiting::Fetch(Fetching { ticket, comfort, since: now.instant, until }))
    }

    pub(super) fn on_fetched(&mut self, now: Now, fetching: &Fetching, outcome: Result<Value, FetchFault>) {
        if let Some(comfort) = fetching.comfort {
            self.stop_playing(comfort);
        }
        let took = now.instant.saturating_duration_since(fetching.since);
        self.memory.fetching = self.memory.fetching.saturating_add(took);
        let flow = Arc::clone(&self.at.flow);
        let reply = match flow.step(self.at.step).map(|step| &step.act) {
            Some(Act::Webhook(webhook)) => webhook.request.reply,
            Some(Act::Function(function)) => function.request.reply,
            _ => Reply::Json,
        };
        let turn = match outcome.and_then(|value| understood(value, reply)) {
            Ok(value) => {
                let is_secret = self.is_secret;
                self.memory.store(EXTERNAL, value, is_secret);
                Turn::Next(Outcome::Success)
            }
            Err(fault) => {
                self.came_to(fault.name());
                Turn::Next(Outcome::Error)
            }
        };
        self.go(now, turn);
    }

    pub(super) fn on_fetch_deadline(&mut self, now: Now, fetching: &Fetching) {
        self.wish(FlowWish::CancelFetch { ticket: fetching.ticket });
        self.on_fetched(now, fetching, Err(FetchFault::TimedOut));
    }
}

/// The answer in the form that the step asked for.
fn understood(value: Value, reply: Reply) -> Result<Value, FetchFault> {
    let Value::Map(map) = value else { return Err(FetchFault::NotUnderstood) };
    if reply == Reply::StringMap && !map.values().all(|value| matches!(value, Value::Text(_))) {
        return Err(FetchFault::NotUnderstood);
    }
    let value = Value::Map(map);
    if value.weight() > limits::FETCHED_BYTES_MAX { Err(FetchFault::TooLarge) } else { Ok(value) }
}
