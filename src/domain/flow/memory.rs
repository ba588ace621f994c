//! What one call carries from flow to flow: attributes, loops, keys not yet used, choices made. Never asks anybody.

use super::act::{Recorded, Role};
use super::interface::CallerId;
use super::key::Key;
use super::template::Reference;
use super::value::{Map, Value};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// The memory of one call. It goes by value from run to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Memory {
    /// `$.CustomerEndpoint`, `$.Media`, `$.Attributes` and all other names that every flow of the call sees.
    pub(super) shared: Map,
    /// `$.External`, `$.StoredCustomerInput`, `$.Metrics`, `$.Recording`, `$.FlowAttributes`: of a flow; a module has its own.
    pub(super) local: Map,
    pub(super) loops: BTreeMap<(Box<str>, Box<str>), u32>,
    pub(super) keys: VecDeque<Key>,
    pub(super) flows: BTreeMap<Role, Box<str>>,
    /// Steps taken in all flows of the call.
    pub(super) steps: u32,
    pub(super) log_sequence: u32,
    /// Spent in questions to the outside since something was last heard.
    pub(super) fetching: Duration,
    pub queue: Option<QueueName>,
    pub priority: u8,
    /// Seconds.
    pub age: i64,
    pub criteria: Value,
    pub callback_number: Option<Box<str>>,
    pub recording: Recorded,
    pub is_logged: bool,
    pub is_answered: bool,
    pub has_early_media: bool,
    /// An agent is being offered this call.
    pub is_offered: bool,
    pub caller: CallerId,
}

/// Where a call waits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum QueueName {
    Queue(Box<str>),
    /// The queue of one agent.
    Agent(Box<str>),
}

/// Where a call comes from, as its first flow is told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin {
    pub contact: Box<str>,
    /// `$.CustomerEndpoint.Address`: E.164, or as it was received.
    pub customer: Box<str>,
    /// `$.SystemEndpoint.Address`.
    pub dialled: Box<str>,
    pub initiation: &'static str,
    /// `$.Media.Sip.Headers`, under the names of the reference; what was not sent is empty.
    pub headers: Vec<(Box<str>, Box<str>)>,
    pub language: Option<Box<str>>,
}

/// The headers that are always there, empty where the peer sent none.
pub const HEADERS: [&str; 12] = [
    "P-Asserted-Identity",
    "P-Charge-Info",
    "From",
    "To",
    "ISUP-OLI",
    "JIP",
    "Hop-Counter",
    "Originating-Switch",
    "Originating-Trunk",
    "Call-Forwarding-Indicator",
    "Calling-Party-Address",
    "Called-Party-Address",
];

/// Names that belong to one flow, not to the call.
pub const LOCAL: [&str; 5] = ["External", "StoredCustomerInput", "Metrics", "Recording", "FlowAttributes"];

impl Memory {
    pub fn new(origin: &Origin) -> Memory {
        let endpoint =
            |address: &str| Value::map([("Address", Value::text(address)), ("Type", Value::text("TELEPHONE_NUMBER"))]);
        let mut headers: Map = HEADERS.iter().map(|name| ((*name).into(), Value::text(""))).collect();
        headers.extend(origin.headers.iter().map(|(name, value)| (name.clone(), Value::Text(value.clone()))));
        let mut shared = Map::new();
        for (name, value) in [
            ("ContactId", Value::Text(origin.contact.clone())),
            ("InitialContactId", Value::Text(origin.contact.clone())),
            ("CustomerEndpoint", endpoint(&origin.customer)),
            ("SystemEndpoint", endpoint(&origin.dialled)),
            ("Channel", Value::text("VOICE")),
            ("InitiationMethod", Value::text(origin.initiation)),
            ("Media", Value::map([("Sip", Value::map([("Headers", Value::Map(headers))]))])),
            ("Attributes", Value::Map(Map::new())),
        ] {
            shared.insert(name.into(), value);
        }
        if let Some(language) = &origin.language {
            shared.insert("LanguageCode".into(), Value::Text(language.clone()));
        }
        Memory {
            shared,
            local: Map::new(),
            loops: BTreeMap::new(),
            keys: VecDeque::new(),
            flows: BTreeMap::new(),
            steps: 0,
            log_sequence: 0,
            fetching: Duration::ZERO,
            queue: None,
            priority: 5,
            age: 0,
            criteria: Value::Null,
            callback_number: Some(origin.customer.clone()).filter(|number| !number.is_empty()),
            recording: Recorded::Nobody,
            is_logged: true,
            is_answered: false,
            has_early_media: false,
            is_offered: false,
            caller: CallerId::default(),
        }
    }

    /// Sets what the system knows: `Agent`, `Queue`, `PreviousContactId` and the like.
    pub fn know(&mut self, name: &str, value: Value) {
        self.shared.insert(name.into(), value);
    }

    pub fn forget(&mut self, name: &str) {
        self.shared.remove(name);
    }

    /// The user's attributes, for records and callbacks.
    pub fn attributes(&self) -> Option<&Map> {
        match self.shared.get("Attributes") {
            Some(Value::Map(map)) => Some(map),
            _ => None,
        }
    }

    /// The flow chosen for a role, if one was.
    pub fn flow_for(&self, role: Role) -> Option<&str> {
        self.flows.get(&role).map(|name| &**name)
    }

    /// What a reference refers to. `$.System.X` is `$.X`.
    pub fn look_up(&self, reference: &Reference) -> Option<&Value> {
        let mut path = reference.path.iter();
        let mut name = path.next()?;
        if &**name == "System" {
            name = path.next()?;
        }
        let root = self.local.get(name).or_else(|| self.shared.get(name))?;
        path.try_fold(root, |value, name| value.member(name))
    }
}
