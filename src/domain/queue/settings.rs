//! Queues, routing profiles and agents as they are configured. Holds no state of any of them.

use super::criteria::Proficiency;
use crate::base::e164::E164;
use crate::base::secret::Secret;
use std::sync::Arc;
use std::time::Duration;

/// Everything about queues that configuration says; replaced whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Statuses besides Available and Offline. In none of them is an agent offered anything.
    pub statuses: Vec<Arc<str>>,
    pub queues: Vec<QueueSettings>,
    pub profiles: Vec<RoutingProfile>,
    pub agents: Vec<AgentSettings>,
}

/// A place where contacts wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    pub name: Arc<str>,
    /// Opening hours by their name; without them the queue is always open.
    pub hours: Option<Arc<str>>,
    /// Contacts that may wait. `None`: as many as there may be calls. 0: none, the queue counts as full.
    pub capacity: Option<u32>,
    /// A queue out of service takes nobody new; who waits is served.
    pub is_in_service: bool,
    /// How long the agent whom a customer spoke with last is waited for before anybody else; `None`: not at all.
    pub sticky: Option<Duration>,
    /// Whom people see who are called for this queue.
    pub caller_id: Option<E164>,
    pub flows: QueueFlows,
}

/// Flows that are heard around this queue where the call chose none itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueFlows {
    pub waiting: Option<Arc<str>>,
    pub agent_whisper: Option<Arc<str>>,
    pub customer_whisper: Option<Arc<str>>,
    pub outbound_whisper: Option<Arc<str>>,
}

impl QueueSettings {
    /// A queue as it is where only its name is said.
    pub fn named(name: &str) -> QueueSettings {
        QueueSettings {
            name: name.into(),
            hours: None,
            capacity: None,
            is_in_service: true,
            sticky: None,
            caller_id: None,
            flows: QueueFlows::default(),
        }
    }
}

/// Which queues an agent serves, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutingProfile {
    pub name: Arc<str>,
    pub entries: Vec<ProfileEntry>,
    /// Contacts that one agent has at a time.
    pub slots: u8,
    /// Whether calls that the agent made leave the agent's place among those who are idle as it was.
    pub keeps_place_after_outbound: bool,
}

/// One queue of a routing profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileEntry {
    pub queue: Arc<str>,
    /// A queue with a lower number is emptied first, however long others wait.
    pub priority: u32,
    /// How long a contact must have waited before agents of this profile are offered it.
    pub delay: Duration,
}

/// Where an agent is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A phone that registers with us, by its name.
    Phone(Arc<str>),
    /// A desk or mobile phone that we dial.
    Number(E164),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentSettings {
    pub name: Arc<str>,
    pub profile: Arc<str>,
    pub reach: Reach,
    /// The call is put through without ringing. Never so for callbacks.
    pub auto_accept: bool,
    /// How long work after a contact may take; `None`: until the agent says so.
    pub wrap_up: Option<Duration>,
    pub proficiencies: Vec<Proficiency>,
    /// The password for the softphone, as an Argon2 hash; `None`: no password opens it.
    pub password: Option<Secret>,
    /// The status on signing in, and when the daemon starts.
    pub first_status: Status,
}

/// What an agent says about himself.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Status {
    Available,
    /// One of [`Settings::statuses`]: at work, but not to be offered anything.
    Custom(Arc<str>),
    #[default]
    Offline,
}

impl Status {
    pub fn name(&self) -> &str {
        match self {
            Status::Available => "Available",
            Status::Custom(name) => name,
            Status::Offline => "Offline",
        }
    }

    /// The type in the words of agents' integrators.
    pub fn kind(&self) -> &'static str {
        match self {
            Status::Available => "ROUTABLE",
            Status::Custom(_) => "CUSTOM",
            Status::Offline => "OFFLINE",
        }
    }
}

impl Settings {
    /// The status of that name, in any case of letters.
    pub fn status(&self, name: &str) -> Option<Status> {
        if name.eq_ignore_ascii_case("available") {
            return Some(Status::Available);
        }
        if name.eq_ignore_ascii_case("offline") {
            return Some(Status::Offline);
        }
        let own = self.statuses.iter().find(|status| status.eq_ignore_ascii_case(name));
        own.map(|status| Status::Custom(status.clone()))
    }

    pub fn queue(&self, name: &str) -> Option<&QueueSettings> {
        self.queues.iter().find(|queue| &*queue.name == name)
    }

    pub fn profile(&self, name: &str) -> Option<&RoutingProfile> {
        self.profiles.iter().find(|profile| &*profile.name == name)
    }
}
