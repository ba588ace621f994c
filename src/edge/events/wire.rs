//! Events as clients read them. Names and fields are only ever added to.

use crate::base::id::CallId;
use crate::edge::media_line::MediaLine;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::sync::Arc;

/// A call, as sixteen hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Call(pub CallId);

impl Serialize for Call {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl JsonSchema for Call {
    fn schema_name() -> Cow<'static, str> {
        "Call".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string", "pattern": "^[0-9a-f]{16}$", "description": "A call, as sixteen hexadecimal digits."
        })
    }
}

/// A name of configuration; shared, not copied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Name(pub Arc<str>);

impl From<&str> for Name {
    fn from(name: &str) -> Name {
        Name(name.into())
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl JsonSchema for Name {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

/// One line of the stream of events.
#[derive(Serialize, JsonSchema)]
pub struct Line<'a> {
    /// The number of the event: each is one more than the one before, also across restarts.
    pub seq: u64,
    /// Milliseconds since 1970.
    pub at: u64,
    /// The number among the events of its call, from one on. Absent for what is told of a call after its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
    #[serde(flatten)]
    pub event: &'a Event,
}

/// What has happened.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(tag = "event")]
pub enum Event {
    #[serde(rename = "call.started")]
    CallStarted {
        call: Call,
        /// `trunk:NAME` or `phone:NAME`.
        caller: Box<str>,
        from: Box<str>,
        /// As it was received.
        dialled: Box<str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        dialled_e164: Option<Box<str>>,
        emergency: bool,
    },
    /// Two parties hear each other, both answered.
    #[serde(rename = "call.bridged")]
    CallBridged { call: Call, legs: [u8; 2] },
    /// They do not any more.
    #[serde(rename = "call.unbridged")]
    CallUnbridged { call: Call, legs: [u8; 2] },
    /// What this leg's party asked for has been done: its place was taken by another one.
    #[serde(rename = "call.transferred")]
    CallTransferred { call: Call, leg: u8 },
    /// The last of a call: its record is being written.
    #[serde(rename = "call.ended")]
    CallEnded {
        call: Call,
        cause: &'static str,
        fault: &'static str,
        /// The status that the caller was given, where it was not answered.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// From the answer to the end.
        #[serde(skip_serializing_if = "Option::is_none")]
        duration_ms: Option<u64>,
    },
    /// A party is being called, or has called: leg 0 is the caller.
    #[serde(rename = "leg.started")]
    LegStarted { call: Call, leg: u8, party: Name },
    #[serde(rename = "leg.ringing")]
    LegRinging { call: Call, leg: u8 },
    #[serde(rename = "leg.early-media")]
    LegEarlyMedia { call: Call, leg: u8 },
    #[serde(rename = "leg.answered")]
    LegAnswered { call: Call, leg: u8 },
    #[serde(rename = "leg.held")]
    LegHeld { call: Call, leg: u8 },
    #[serde(rename = "leg.resumed")]
    LegResumed { call: Call, leg: u8 },
    #[serde(rename = "leg.ended")]
    LegEnded { call: Call, leg: u8, cause: &'static str },
    /// A key of a party, however it was sent. The digit is absent where it may be a secret.
    #[serde(rename = "leg.digit")]
    LegDigit {
        call: Call,
        leg: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        digit: Option<char>,
    },
    /// No audio has come from a party that should send.
    #[serde(rename = "leg.silent")]
    LegSilent { call: Call, leg: u8 },
    #[serde(rename = "leg.heard")]
    LegHeard { call: Call, leg: u8 },
    /// How a party's audio fares, every ten seconds.
    #[serde(rename = "leg.quality")]
    LegQuality { call: Call, leg: u8, media: Box<MediaLine> },
    #[serde(rename = "flow.erred")]
    FlowErred { call: Call, flow: Name },
    /// A flow broke one of its limits.
    #[serde(rename = "flow.broke")]
    FlowBroke { call: Call, flow: Name },
    #[serde(rename = "recording.started")]
    RecordingStarted { call: Call, place: Box<str> },
    #[serde(rename = "recording.ended")]
    RecordingEnded { call: Call },
    #[serde(rename = "queue.entered")]
    QueueEntered {
        #[serde(flatten)]
        contact: Contact,
        #[serde(flatten)]
        place: Place,
        position: usize,
    },
    #[serde(rename = "queue.left")]
    QueueLeft {
        #[serde(flatten)]
        contact: Contact,
        /// `answered`, `left`, `expelled`.
        why: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        agent: Option<Name>,
        #[serde(skip_serializing_if = "Option::is_none")]
        waited_ms: Option<u64>,
    },
    /// After an agent was lost the contact waits again, in its old place.
    #[serde(rename = "queue.requeued")]
    QueueRequeued {
        #[serde(flatten)]
        contact: Contact,
    },
    #[serde(rename = "queue.refused")]
    QueueRefused {
        #[serde(flatten)]
        contact: Contact,
        why: &'static str,
    },
    /// A callback is owed no longer.
    #[serde(rename = "callback.over")]
    CallbackOver { callback: u64, why: &'static str },
    #[serde(rename = "offer.made")]
    OfferMade {
        #[serde(flatten)]
        contact: Contact,
        #[serde(flatten)]
        place: Place,
        offer: u64,
        agent: Name,
        waited_ms: u64,
    },
    #[serde(rename = "offer.withdrawn")]
    OfferWithdrawn {
        #[serde(flatten)]
        contact: Contact,
        offer: u64,
        agent: Name,
        why: &'static str,
    },
    /// Agent and customer hear each other from here on.
    #[serde(rename = "offer.joined")]
    OfferJoined {
        #[serde(flatten)]
        contact: Contact,
        offer: u64,
        agent: Name,
    },
    #[serde(rename = "agent.status")]
    AgentStatus { agent: Name, status: Box<str> },
    /// The status to be taken when all contacts are cleared; absent: none.
    #[serde(rename = "agent.next-status")]
    AgentNextStatus {
        agent: Name,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<Box<str>>,
    },
    #[serde(rename = "agent.contact")]
    AgentContact {
        #[serde(flatten)]
        contact: Contact,
        agent: Name,
        state: &'static str,
    },
    #[serde(rename = "agent.cleared")]
    AgentCleared {
        #[serde(flatten)]
        contact: Contact,
        agent: Name,
    },
    /// `up`, `down` (with the target), `registered`, `unregistered`.
    #[serde(rename = "trunk.health")]
    TrunkHealth {
        trunk: Name,
        state: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        target: Option<u16>,
    },
    #[serde(rename = "phone.registered")]
    PhoneRegistered { phone: Name },
    #[serde(rename = "phone.unregistered")]
    PhoneUnregistered { phone: Name },
    #[serde(rename = "number.changed")]
    NumberChanged { number: Box<str>, status: &'static str, by: Box<str> },
    /// Nothing goes out any more under this guard for whom it stops.
    #[serde(rename = "guard.tripped")]
    GuardTripped { guard: Name, subject: Box<str>, why: Box<str> },
    #[serde(rename = "guard.reset")]
    GuardReset { guard: Name, count: usize },
    #[serde(rename = "configuration.reloaded")]
    ConfigurationReloaded { config: Box<str>, changes: usize },
    #[serde(rename = "drain.started")]
    DrainStarted { calls: usize },
    #[serde(rename = "engine.attached")]
    EngineAttached { engine: Name },
    #[serde(rename = "engine.gone")]
    EngineGone { engine: Name },
    #[serde(rename = "daemon.started")]
    DaemonStarted { version: &'static str },
    /// The last one of an orderly end: whoever has it has missed nothing.
    #[serde(rename = "daemon.stopped")]
    DaemonStopped {},
}

/// Who waits or is offered: a call, or a callback that is owed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Contact {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<Call>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback: Option<u64>,
}

/// A queue, or the queue of one agent alone.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Place {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_of: Option<Name>,
}

/// Told in the place of events that a follower does not get.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Gap {
    /// Always `gap`.
    pub event: &'static str,
    /// The first number that is missing, and the last.
    pub from: u64,
    pub to: u64,
    /// `too-old`: not kept any more. `lost`: never written, as in a crash. `slow`: you did not read, and are dropped.
    pub why: &'static str,
}

impl Gap {
    pub fn new(from: u64, to: u64, why: &'static str) -> Gap {
        Gap { event: "gap", from, to, why }
    }
}

impl Event {
    /// The call that it belongs to.
    pub fn call(&self) -> Option<CallId> {
        let call = match self {
            Event::CallStarted { call, .. }
            | Event::CallBridged { call, .. }
            | Event::CallUnbridged { call, .. }
            | Event::CallTransferred { call, .. }
            | Event::CallEnded { call, .. }
            | Event::LegStarted { call, .. }
            | Event::LegRinging { call, .. }
            | Event::LegEarlyMedia { call, .. }
            | Event::LegAnswered { call, .. }
            | Event::LegHeld { call, .. }
            | Event::LegResumed { call, .. }
            | Event::LegEnded { call, .. }
            | Event::LegDigit { call, .. }
            | Event::LegSilent { call, .. }
            | Event::LegHeard { call, .. }
            | Event::LegQuality { call, .. }
            | Event::FlowErred { call, .. }
            | Event::FlowBroke { call, .. }
            | Event::RecordingStarted { call, .. }
            | Event::RecordingEnded { call } => Some(*call),
            Event::QueueEntered { contact, .. }
            | Event::QueueLeft { contact, .. }
            | Event::QueueRequeued { contact }
            | Event::QueueRefused { contact, .. }
            | Event::OfferMade { contact, .. }
            | Event::OfferWithdrawn { contact, .. }
            | Event::OfferJoined { contact, .. }
            | Event::AgentContact { contact, .. }
            | Event::AgentCleared { contact, .. } => contact.call,
            _ => None,
        };
        call.map(|call| call.0)
    }
}
