//! What one call carries from flow to flow: attributes, loops, keys not yet used, choices made. Never asks anybody.

use super::act::{Recorded, Role, Scope};
use super::definition::{Flow, StepId};
use super::interface::CallerId;
use super::key::Key;
use super::template::Reference;
use super::value::{self, Map, Value};
use crate::base::limits;
use crate::base::secret;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The memory of one call. It goes by value from run to run.
#[derive(Clone, PartialEq)]
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
    /// Moves from queue to queue.
    pub(super) queue_moves: u8,
    /// The step that asked an engine: where it leads when nobody decides, decisions lead too that come to nothing.
    pub(super) asked: Option<(Arc<Flow>, StepId)>,
    /// How often engines were asked.
    pub(super) decisions: u16,
    /// Names whose values must not be in a log: `StoredCustomerInput`, `Attributes.card`.
    secrets: BTreeSet<Box<str>>,
    /// A terminator that may still come although nobody waits for it, and until when.
    habit: VecDeque<Key>,
    habit_until: Option<Instant>,
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

/// What belongs to one flow, not to the call.
pub const EXTERNAL: &str = "External";
pub const STORED_INPUT: &str = "StoredCustomerInput";
pub const METRICS: &str = "Metrics";
pub const RECORDING: &str = "Recording";
pub const FLOW_ATTRIBUTES: &str = "FlowAttributes";
const CALLBACK_NUMBER: &str = "CustomerCallbackNumber";

/// What a flow may set of the system's own names.
pub const SETTABLE: [&str; 4] = ["LanguageCode", "CustomerId", "Name", "Description"];

/// Tags of one call.
const TAGS_MAX: usize = 6;

/// How long after the last key a terminator still counts as one out of habit.
const HABIT: Duration = Duration::from_secs(2);

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
            (CALLBACK_NUMBER, Value::Text(origin.customer.clone())),
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
            queue_moves: 0,
            asked: None,
            decisions: 0,
            secrets: BTreeSet::new(),
            habit: VecDeque::new(),
            habit_until: None,
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

    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.shared.get(name)?.as_text()
    }

    /// Whether what a reference refers to must not be in a log.
    pub(super) fn is_secret(&self, reference: &Reference) -> bool {
        if self.secrets.is_empty() {
            return false;
        }
        let mut path = reference.path.iter().skip_while(|name| &***name == "System");
        let Some(name) = path.next() else { return false };
        let member = path.next().map(|member| format!("{name}.{member}"));
        self.secrets.contains(name) || member.is_some_and(|member| self.secrets.contains(member.as_str()))
    }

    /// Names whose values are nobody else's business.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(|name| &**name)
    }

    fn mark(&mut self, name: &str, is_secret: bool) {
        if is_secret {
            self.secrets.insert(name.into());
        } else {
            self.secrets.remove(name);
        }
    }

    /// What a step got for its flow.
    pub(super) fn store(&mut self, name: &str, value: Value, is_secret: bool) {
        self.drop_stored(name);
        self.mark(name, is_secret);
        self.local.insert(name.into(), value);
    }

    pub(super) fn drop_stored(&mut self, name: &str) {
        let before = self.local.remove(name);
        if self.secrets.contains(name)
            && let Some(Value::Text(mut text)) = before
        {
            secret::wipe(&mut text);
        }
    }

    /// Whether there was room for it.
    pub(super) fn set_attribute(&mut self, scope: Scope, name: &str, value: Value, is_secret: bool) -> bool {
        let (maps, namespace) = match scope {
            Scope::Call => (&mut self.shared, "Attributes"),
            Scope::Flow => (&mut self.local, FLOW_ATTRIBUTES),
            Scope::System => return self.set_system(name, value),
        };
        let map = maps.entry(namespace.into()).or_insert_with(|| Value::Map(Map::new()));
        let Value::Map(map) = map else { return false };
        let before = map.insert(name.into(), value);
        if value::weight(map) > limits::ATTRIBUTES_BYTES_MAX {
            match before {
                Some(before) => map.insert(name.into(), before),
                None => map.remove(name),
            };
            return false;
        }
        self.mark(&format!("{namespace}.{name}"), is_secret);
        true
    }

    fn set_system(&mut self, name: &str, value: Value) -> bool {
        let fits = |text: &str| if name == "LanguageCode" { is_language(text) } else { is_line(text, 1_024) };
        let is_known = SETTABLE.contains(&name) && value.as_text().is_some_and(fits);
        if is_known {
            self.know(name, value);
        }
        is_known
    }

    /// The working queue from now on. What the owner knows of it is kept where it is the same.
    pub(super) fn take_queue(&mut self, queue: QueueName) {
        if self.queue.as_ref() != Some(&queue) {
            self.know("Queue", Value::map([("Name", Value::text(queue.name()))]));
            self.queue = Some(queue);
        }
    }

    /// An agent sends the call on: what the flow before it called its own is gone, and whom the agent chose is known.
    pub fn transfer_to(&mut self, toward: Option<&QueueName>) {
        self.leave_flow();
        self.know("InitiationMethod", Value::text("TRANSFER"));
        self.is_offered = false;
        if let Some(toward) = toward {
            self.take_queue(toward.clone());
        }
        match toward {
            Some(QueueName::Agent(agent)) => self.know("Agent", Value::map([("UserName", Value::Text(agent.clone()))])),
            _ => self.forget("Agent"),
        }
    }

    pub(super) fn set_callback_number(&mut self, number: Box<str>) {
        self.know(CALLBACK_NUMBER, Value::Text(number.clone()));
        self.callback_number = Some(number);
    }

    /// To another flow: what the first called its own is gone, what it found out is not.
    pub(super) fn leave_flow(&mut self) {
        self.local.remove(FLOW_ATTRIBUTES);
    }

    pub(super) fn know_stream(&mut self, name: &str, unix_millis: u64) {
        let audio = Value::map([(name, Value::Text(unix_millis.to_string().into()))]);
        self.know("MediaStreams", Value::map([("Customer", Value::map([("Audio", audio)]))]));
    }

    /// All or none: there are six at most.
    pub(super) fn set_tags(&mut self, tags: Vec<(Box<str>, Box<str>)>, remove: &[Box<str>]) -> bool {
        let mut all = match self.shared.get("Tags") {
            Some(Value::Map(map)) => map.clone(),
            _ => Map::new(),
        };
        remove.iter().for_each(|name| drop(all.remove(name)));
        all.extend(tags.into_iter().map(|(name, value)| (name, Value::Text(value))));
        let fits = all.len() <= TAGS_MAX;
        if fits {
            self.know("Tags", Value::Map(all));
        }
        fits
    }

    /// Keys that turned out to be for the next step, before those that came after them.
    pub(super) fn give_back(&mut self, keys: &[Key]) {
        keys.iter().rev().for_each(|key| self.keys.push_front(*key));
    }

    /// Input ended by its length: whoever keys the terminator all the same means nothing by it.
    pub(super) fn expect_habit(&mut self, now: Instant, habit: Vec<Key>) {
        self.habit = habit.into();
        self.habit_until = Some(now + HABIT);
        while let Some(key) = self.keys.front().copied() {
            if !self.is_habit(now, key) {
                break;
            }
            self.keys.pop_front();
        }
    }

    pub(super) fn is_habit(&mut self, now: Instant, key: Key) -> bool {
        let is_habit = self.habit.front() == Some(&key) && self.habit_until.is_some_and(|until| now < until);
        if is_habit {
            self.habit.pop_front();
        } else {
            self.habit.clear();
        }
        is_habit
    }
}

/// What was marked as sensitive does not outlive the flow that needed it, wherever its memory stood.
impl Drop for Memory {
    fn drop(&mut self) {
        for name in &self.secrets {
            let value = match name.split_once('.') {
                Some((namespace, name)) => {
                    let map = self.shared.get_mut(namespace).or(self.local.get_mut(namespace));
                    map.and_then(|map| if let Value::Map(map) = map { map.get_mut(name) } else { None })
                }
                None => self.local.get_mut(name),
            };
            if let Some(Value::Text(text)) = value {
                secret::wipe(text);
            }
        }
    }
}

/// Callers' input stands in it, so it is never printed by chance.
impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").field("steps", &self.steps).field("queue", &self.queue).finish_non_exhaustive()
    }
}

/// A text that stays one line wherever it is written.
pub fn is_line(text: &str, chars_max: usize) -> bool {
    !text.chars().any(char::is_control) && text.chars().count() <= chars_max
}

/// `ja`, `ja-JP`: it may become an argument of a program that speaks.
pub fn is_language(language: &str) -> bool {
    let mut parts = language.split('-');
    let is_first = |part: &str| (2..=3).contains(&part.len()) && part.bytes().all(|letter| letter.is_ascii_lowercase());
    let is_next =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|letter| letter.is_ascii_alphanumeric());
    parts.next().is_some_and(is_first) && parts.all(is_next)
}

/// The name of a voice, which may become an argument as well.
pub fn is_voice(voice: &str) -> bool {
    let is_letter = |letter: char| letter.is_alphanumeric() || "-_+. ".contains(letter);
    !voice.is_empty() && voice.len() <= 64 && !voice.starts_with('-') && voice.chars().all(is_letter)
}

impl QueueName {
    pub fn name(&self) -> &str {
        match self {
            QueueName::Queue(name) | QueueName::Agent(name) => name,
        }
    }

    /// As logs write it.
    pub fn kind(&self) -> &'static str {
        match self {
            QueueName::Queue(_) => "Queue",
            QueueName::Agent(_) => "Agent",
        }
    }
}
