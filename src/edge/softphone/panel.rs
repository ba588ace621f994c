//! What the switchboard knows of an agent, in the words of the agents' protocol. Asks nobody and changes nothing.

use super::wire::{AgentLine, Colleague};
use crate::base::id::CallId;
use crate::base::now::Now;
use crate::domain::queue::agent::{Activity, Agent, Origin, Slot};
use crate::domain::queue::interface::{ContactId, ContactState};
use crate::domain::queue::settings::{Settings, Status};
use crate::domain::switchboard::Switchboard;
use serde_json::{Value, json};

/// An agent with the contacts in hand, at one moment.
#[derive(Clone, PartialEq, Debug)]
pub struct View {
    pub agent: AgentLine,
    pub slots: Vec<Standing>,
}

/// How a contact stands with its agent, as the queues have it.
#[derive(Clone, PartialEq, Debug)]
pub struct Standing {
    pub contact: ContactId,
    /// The call in which the agent's leg is; a callback has one once it is being kept.
    pub call: Option<CallId>,
    pub direction: &'static str,
    pub state: &'static str,
    pub is_held: bool,
    pub since: u64,
    pub acw_until: Option<u64>,
}

/// `None`: no agent has that name any more.
pub fn view(switchboard: &Switchboard, now: Now, agent: &str) -> Option<View> {
    let report = switchboard.queues().agent(agent)?;
    let settings = &report.plan.settings;
    let own = report.agent;
    let line = AgentLine {
        name: settings.name.to_string(),
        status: own.status.name().to_owned(),
        status_kind: kind(&own.status),
        status_since: own.since,
        next_status: own.next.as_ref().map(|status| status.name().to_owned()),
        activity: activity(own),
        auto_accept: settings.auto_accept,
    };
    let slots = own.slots.iter().map(|slot| standing(switchboard, now, slot)).collect();
    Some(View { agent: line, slots })
}

fn standing(switchboard: &Switchboard, now: Now, slot: &Slot) -> Standing {
    let call = match slot.contact {
        ContactId::Call(call) => Some(call),
        ContactId::Callback(callback) => switchboard.keeper(callback),
    };
    let left = slot.when_cleared.map(|at| at.saturating_duration_since(now.instant));
    let left = left.and_then(|left| u64::try_from(left.as_millis()).ok());
    Standing {
        contact: slot.contact,
        call,
        direction: direction(slot.origin),
        state: state(slot.state),
        is_held: slot.state == ContactState::ConnectedOnHold,
        since: slot.since,
        acw_until: left.map(|left| now.unix_millis().saturating_add(left)),
    }
}

fn direction(origin: Origin) -> &'static str {
    match origin {
        Origin::Inbound => "inbound",
        Origin::Outbound => "outbound",
        Origin::Callback => "callback",
    }
}

fn state(state: ContactState) -> &'static str {
    match state {
        ContactState::Incoming => "incoming",
        ContactState::Pending => "pending",
        ContactState::Connecting => "connecting",
        ContactState::Connected | ContactState::ConnectedOnHold => "connected",
        ContactState::Missed => "missed",
        ContactState::Error => "error",
        ContactState::Ended => "ended",
    }
}

pub fn kind(status: &Status) -> &'static str {
    match status {
        Status::Available => "routable",
        Status::Custom(_) => "custom",
        Status::Offline => "offline",
    }
}

fn activity(agent: &Agent) -> &'static str {
    match (agent.activity(), &agent.status) {
        (Activity::Error, _) => "error",
        (Activity::Missed, _) => "missed",
        (Activity::OnContact, _) => "on_contact",
        (Activity::AfterContactWork, _) => "acw",
        (Activity::Incoming, _) => "incoming",
        (Activity::Idle, Status::Available) => "available",
        (Activity::Idle, Status::Custom(_)) => "custom",
        (Activity::Idle, Status::Offline) => "offline",
    }
}

/// All agents, as each of them sees the others.
pub fn colleagues(switchboard: &Switchboard) -> Vec<Colleague> {
    let line = |report: crate::domain::queue::questions::AgentReport<'_>| Colleague {
        name: report.plan.settings.name.to_string(),
        status: report.agent.status.name().to_owned(),
        activity: activity(report.agent),
    };
    switchboard.queues().agents().map(line).collect()
}

/// The statuses that an agent may choose.
pub fn statuses(settings: &Settings) -> Value {
    let own = settings.statuses.iter().map(|name| Status::Custom(name.clone()));
    let all = std::iter::once(Status::Available).chain(own).chain([Status::Offline]);
    all.map(|status| json!({ "name": status.name(), "kind": kind(&status) })).collect()
}
