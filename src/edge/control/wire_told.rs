//! What engines are told without having asked: questions, calls of functions, and how their leases stand. Tells nobody itself.

use crate::domain::call::interface::Slip;
use crate::domain::routing::request::{HolderWord, RouteId, RouteRequest};
use crate::edge::outside::json;
use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// One message to an engine. docs/engines.md says what each means.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(tag = "event")]
pub enum Told {
    /// What is to happen with this call? Answered with `decide`.
    #[serde(rename = "route.request")]
    RouteRequest {
        request: String,
        call: String,
        /// The declaration that asks.
        engine: String,
        /// `inbound`, `outbound`, `flow_step`, `queue_position`, `transfer`, `overflow`, `no_answer`, `collected` or `waited`.
        reason: &'static str,
        attempt: u8,
        deadline_ms: u64,
        /// What happens when nobody decides.
        fallback: String,
        /// Who calls: `trunk:NAME` or `phone:NAME`.
        party: String,
        dialled: Number,
        caller: Number,
        headers: BTreeMap<&'static str, String>,
        answered: bool,
        /// What flows know of the call.
        details: Value,
    },
    /// A flow wants something to be worked out. Answered with `return`.
    #[serde(rename = "function.call")]
    FunctionCall { request: String, call: String, function: String, deadline_ms: u64, body: Value },
    /// The next order may come, and what came of the last one.
    #[serde(rename = "control.ready")]
    ControlReady { call: String, came: &'static str, details: Value },
    /// Another engine has handed the call over.
    #[serde(rename = "control.granted")]
    ControlGranted { call: String, lease: u64 },
    /// The call is over, or under no lease any more.
    #[serde(rename = "control.ended")]
    ControlEnded { call: String, why: &'static str },
}

/// As received, and as E.164 where it is such a number.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Number {
    pub received: String,
    pub e164: Option<String>,
}

impl From<&(Box<str>, Option<Box<str>>)> for Number {
    fn from((received, e164): &(Box<str>, Option<Box<str>>)) -> Number {
        Number { received: received.to_string(), e164: e164.as_deref().map(str::to_owned) }
    }
}

impl Told {
    pub fn question(request: &RouteRequest) -> Told {
        Told::RouteRequest {
            request: request.id.to_string(),
            call: request.id.call.to_string(),
            engine: request.engine.to_string(),
            reason: request.why.name(),
            attempt: request.attempt,
            deadline_ms: u64::try_from(request.patience.as_millis()).unwrap_or(u64::MAX),
            fallback: request.fallback.to_string(),
            party: request.party.to_string(),
            dialled: Number::from(&request.dialled),
            caller: Number::from(&request.caller),
            headers: request.headers.iter().map(|(name, value)| (*name, value.to_string())).collect(),
            answered: request.is_answered,
            details: json::write(&request.details),
        }
    }

    pub fn word(call: crate::base::id::CallId, word: HolderWord) -> Told {
        let call = call.to_string();
        match word {
            HolderWord::Ready { came, details } => Told::ControlReady { call, came, details: json::write(&details) },
            HolderWord::Granted { token } => Told::ControlGranted { call, lease: token.0 },
            HolderWord::Ended { why } => Told::ControlEnded { call, why },
        }
    }

    /// As a line.
    pub fn line(&self) -> Bytes {
        let mut text = serde_json::to_vec(self).unwrap_or_default();
        text.push(b'\n');
        text.into()
    }
}

/// The name of a flow's question to a function.
pub fn name_of(call: crate::base::id::CallId, slip: Slip) -> RouteId {
    RouteId { call, run: slip.run, wish: slip.ticket.0 }
}
