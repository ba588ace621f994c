//! One agent: status, next status, and the contacts in his slots. Chooses nobody and counts no time.

use super::interface::{ContactId, ContactState, OfferId};
use super::settings::Status;
use std::time::Instant;

/// How a contact came to an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Inbound,
    Callback,
    /// The agent dialled.
    Outbound,
}

impl Origin {
    pub fn of(contact: ContactId) -> Origin {
        match contact {
            ContactId::Call(_) => Origin::Inbound,
            ContactId::Callback(_) => Origin::Callback,
        }
    }
}

/// One contact at one agent.
#[derive(Clone, Debug)]
pub struct Slot {
    pub contact: ContactId,
    /// `None`: the agent dialled.
    pub offer: Option<OfferId>,
    pub origin: Origin,
    pub state: ContactState,
    /// When it came into this state, as milliseconds since 1970.
    pub since: u64,
    /// When work after the contact ends by itself.
    pub when_cleared: Option<Instant>,
    /// When the conversation began.
    pub joined: Option<Instant>,
}

impl Slot {
    fn activity(&self) -> Activity {
        match (self.state, self.origin) {
            (ContactState::Error, _) => Activity::Error,
            (ContactState::Missed, _) => Activity::Missed,
            (ContactState::Connected | ContactState::ConnectedOnHold, _) => Activity::OnContact,
            (ContactState::Connecting, Origin::Callback | Origin::Outbound) => Activity::OnContact,
            (ContactState::Ended, _) => Activity::AfterContactWork,
            (ContactState::Incoming | ContactState::Pending | ContactState::Connecting, _) => Activity::Incoming,
        }
    }
}

/// What an agent is seen to do; the first that holds for any contact, in this order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Activity {
    Error,
    Missed,
    OnContact,
    AfterContactWork,
    Incoming,
    /// No contact: the status is what the agent does.
    Idle,
}

#[derive(Debug, Default)]
pub struct Agent {
    pub status: Status,
    /// There is nothing to ring just now.
    pub is_unreachable: bool,
    /// Since when, as milliseconds since 1970.
    pub since: u64,
    pub next: Option<Status>,
    pub slots: Vec<Slot>,
    /// Since when the agent is idle, in microseconds since the origin: the smallest is the longest.
    pub idle: i64,
}

impl Agent {
    pub fn activity(&self) -> Activity {
        self.slots.iter().map(Slot::activity).min().unwrap_or(Activity::Idle)
    }

    /// The activity as a word: the status where there is no contact.
    pub fn activity_name(&self) -> &str {
        match self.activity() {
            Activity::Error => "Error",
            Activity::Missed => "Missed",
            Activity::OnContact => "On contact",
            Activity::AfterContactWork => "After contact work",
            Activity::Incoming => "Incoming",
            Activity::Idle => self.status.name(),
        }
    }

    /// Whether a contact may be offered now, with so many slots.
    pub fn is_routable(&self, slots: usize) -> bool {
        if self.is_unreachable {
            return false;
        }
        let is_blocked = || matches!(self.activity(), Activity::Error | Activity::Missed);
        self.status == Status::Available && self.next.is_none() && self.slots.len() < slots && !is_blocked()
    }

    pub fn slot(&mut self, contact: ContactId) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.contact == contact)
    }

    pub fn has(&self, activity: Activity) -> bool {
        self.slots.iter().any(|slot| slot.activity() == activity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::CallId;

    fn slot(number: u64, state: ContactState, origin: Origin) -> Slot {
        let contact = ContactId::Call(CallId(number));
        Slot { contact, offer: None, origin, state, since: 0, when_cleared: None, joined: None }
    }

    #[test]
    fn of_several_contacts_the_gravest_is_the_activity() {
        let mut agent = Agent { status: Status::Available, ..Agent::default() };
        assert_eq!(agent.activity_name(), "Available");
        for (state, origin, name) in [
            (ContactState::Connecting, Origin::Inbound, "Incoming"),
            (ContactState::Ended, Origin::Inbound, "After contact work"),
            (ContactState::Connecting, Origin::Outbound, "On contact"),
            (ContactState::Missed, Origin::Inbound, "Missed"),
            (ContactState::Connected, Origin::Inbound, "Missed"),
            (ContactState::Error, Origin::Callback, "Error"),
        ] {
            let number = u64::try_from(agent.slots.len()).expect("few");
            agent.slots.push(slot(number, state, origin));
            assert_eq!(agent.activity_name(), name);
        }
    }

    #[test]
    fn nobody_is_offered_anything_while_away_full_or_after_a_miss() {
        let mut agent = Agent { status: Status::Available, ..Agent::default() };
        assert!(agent.is_routable(1));
        agent.next = Some(Status::Offline);
        assert!(!agent.is_routable(1), "another status is to come");
        agent.next = None;
        agent.slots.push(slot(1, ContactState::Connected, Origin::Inbound));
        assert!(!agent.is_routable(1) && agent.is_routable(2));
        agent.slots = vec![slot(1, ContactState::Missed, Origin::Inbound)];
        assert!(!agent.is_routable(2), "a missed contact stands in the way of all");
        agent.slots.clear();
        agent.status = Status::Custom("Lunch".into());
        assert!(!agent.is_routable(1));
    }
}
