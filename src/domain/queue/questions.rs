//! What flows, operators and metrics ask of the queues: answers only, nothing moves.

use super::agent::{Activity, Agent};
use super::bits::Bits;
use super::interface::{ContactId, Place, QueueRefusal};
use super::queues::{Queues, Spot, span};
use super::roster::{AgentPlan, index};
use super::settings::{QueueSettings, Settings, Status};
use super::tally::Tally;
use crate::base::limits::AGENT_QUEUE_MAX;
use crate::base::now::Now;
use std::sync::Arc;
use std::time::Duration;

/// Agents of one queue, or of all: by what they are. One agent may be counted in several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headcount {
    /// Any status but Offline.
    pub online: u32,
    /// In the status Available, with or without a contact.
    pub staffed: u32,
    /// May be offered a contact now.
    pub available: u32,
    pub busy: u32,
    pub wrapping: u32,
    /// A contact that was missed, or failed, stands in the way.
    pub missed: u32,
    /// In a status in which nothing is offered.
    pub away: u32,
}

/// One queue as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueReport {
    pub name: Arc<str>,
    /// Contacts for whom no agent has been found.
    pub size: usize,
    /// Those and the ones that are being offered: what the capacity counts.
    pub waiting: usize,
    pub capacity: Option<u32>,
    /// How long the contact waits that has waited longest in this queue.
    pub oldest: Option<Duration>,
    pub is_open: bool,
    pub is_in_service: bool,
    pub agents: Headcount,
    pub tally: Tally,
}

/// One agent as he is now.
#[derive(Debug)]
pub struct AgentReport<'a> {
    pub plan: &'a AgentPlan,
    pub agent: &'a Agent,
    pub free_slots: usize,
}

impl Queues {
    /// The queue of that place; an agent's own queue is described by its agent.
    pub fn report(&self, now: Now, place: &Place) -> Result<QueueReport, QueueRefusal> {
        let spot = self.spot(place)?;
        let room = self.room_of(spot);
        let at = self.at(now);
        let own: Bits;
        let (settings, serving) = match spot {
            Spot::Queue(number) => {
                let queue = self.roster.queue(number).ok_or(QueueRefusal::UnknownQueue)?;
                (Some(&queue.settings), &queue.agents)
            }
            Spot::Agent(number) => {
                let mut only = Bits::default();
                only.set(number.0, true);
                own = only;
                (None, &own)
            }
        };
        let tally = match spot {
            Spot::Queue(number) => self.tallies.get(index(number.0)).copied().unwrap_or_default(),
            Spot::Agent(_) => Tally::default(),
        };
        let name = match place {
            Place::Queue(name) | Place::Agent(name) => name.clone(),
        };
        Ok(QueueReport {
            name,
            size: room.map_or(0, |room| room.standing()),
            waiting: room.map_or(0, |room| room.len()),
            capacity: settings.map_or(Some(AGENT_QUEUE_MAX), |settings| settings.capacity),
            oldest: room.and_then(|room| room.oldest()).map(|entered| span(entered, at)),
            is_open: settings.is_none_or(|settings| self.is_open(settings)),
            is_in_service: settings.is_none_or(|settings| settings.is_in_service),
            agents: self.headcount(serving),
            tally,
        })
    }

    /// All queues, in the order of the configuration's names.
    pub fn reports(&self, now: Now) -> Vec<QueueReport> {
        let there = self.settings.queues.iter();
        there.filter_map(|queue| self.report(now, &Place::Queue(queue.name.clone())).ok()).collect()
    }

    /// Whether the queue's hours are open; a queue without hours always is.
    pub fn is_open(&self, queue: &QueueSettings) -> bool {
        queue.hours.as_ref().is_none_or(|hours| !self.closed.contains(hours))
    }

    fn headcount(&self, serving: &Bits) -> Headcount {
        let flags = &self.flags;
        Headcount {
            online: serving.count_with(&flags.online),
            staffed: serving.count_with(&flags.staffed),
            available: serving.count_with(&flags.routable),
            busy: serving.count_with(&flags.busy),
            wrapping: serving.count_with(&flags.wrapping),
            missed: serving.count_with(&flags.missed),
            away: serving.count_with(&flags.away),
        }
    }

    /// All agents of the configuration, by number.
    pub fn agents(&self) -> impl Iterator<Item = AgentReport<'_>> {
        let all = self.roster.agents.iter().zip(&self.agents).filter(|(plan, _)| plan.is_there);
        all.map(|(plan, agent)| {
            let is_blocked = matches!(agent.activity(), Activity::Error | Activity::Missed);
            let is_able = agent.status == Status::Available && !is_blocked;
            let free_slots = if is_able { plan.slots.saturating_sub(agent.slots.len()) } else { 0 };
            AgentReport { plan, agent, free_slots }
        })
    }

    pub fn agent(&self, name: &str) -> Option<AgentReport<'_>> {
        self.agents().find(|report| &*report.plan.settings.name == name)
    }

    /// How many in its queue come before the contact, plus one. `None`: it does not wait.
    pub fn position(&self, contact: ContactId) -> Option<usize> {
        let waiter = self.waiters.get(&contact).filter(|waiter| waiter.is_in_room())?;
        Some(self.room_of(waiter.spot)?.position(waiter.turn))
    }

    /// How long the contact will probably wait still: what those before it take of the agents who serve the queue.
    ///
    /// `None` where nobody is there to serve it, or where nobody has been served yet to judge by.
    pub fn estimate(&self, contact: ContactId) -> Option<Duration> {
        let place = self.waiters.get(&contact).map(|waiter| waiter.spot)?;
        self.estimate_for(place, self.position(contact)?)
    }

    /// The same for one who would come now, at the end of the queue.
    pub fn estimate_at(&self, place: &Place) -> Option<Duration> {
        let spot = self.spot(place).ok()?;
        self.estimate_for(spot, self.room_of(spot)?.len() + 1)
    }

    fn estimate_for(&self, spot: Spot, position: usize) -> Option<Duration> {
        let Spot::Queue(number) = spot else { return None };
        let agents = &self.roster.queue(number)?.agents;
        let count = self.headcount(agents);
        if count.available > 0 {
            return Some(Duration::ZERO);
        }
        let handling = self.tallies.get(index(number.0))?.handling.mean()?;
        let position = u32::try_from(position).unwrap_or(u32::MAX);
        handling.checked_mul(position)?.checked_div(count.staffed)
    }

    /// Where the contact waits, for how long already, and whether an agent is being offered it.
    pub fn waits(&self, now: Now, contact: ContactId) -> Option<(Place, Duration, bool)> {
        let waiter = self.waiters.get(&contact).filter(|waiter| waiter.is_in_room())?;
        Some((self.place(waiter.spot), span(waiter.entered_at, self.at(now)), waiter.deal.is_some()))
    }

    /// The contacts of one queue in the order in which they would be served.
    pub fn line(&self, place: &Place) -> Vec<ContactId> {
        let room = self.spot(place).ok().and_then(|spot| self.room_of(spot));
        room.map_or(Vec::new(), |room| room.turns().map(|turn| turn.contact).collect())
    }

    pub fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }
}
