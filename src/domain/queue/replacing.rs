//! A new configuration under contacts that wait and agents who work: nobody loses a place that still exists. Reads no file.

use super::agent::Origin;
use super::criteria::StepStatus;
use super::interface::{ContactId, QueueOutput, Withdrawal};
use super::queues::{Queues, Spot};
use super::roster::index;
use super::settings::Settings;
use super::tally::Tally;
use super::waiter::Stage;
use super::waiting::Room;
use crate::base::now::Now;
use std::sync::Arc;

impl Queues {
    pub(super) fn replace(&mut self, now: Now, settings: Arc<Settings>) {
        let before: Vec<bool> = self.roster.agents.iter().map(|agent| agent.is_there).collect();
        let contacts: Vec<ContactId> = self.waiters.keys().copied().collect();
        let standing: Vec<bool> = contacts.iter().map(|contact| self.is_standing(*contact)).collect();
        contacts.iter().for_each(|contact| self.sit(*contact));
        self.roster.replace(&settings);
        self.settings = settings;
        self.rooms = self.roster.queues.iter().map(|queue| Room::with_lanes(queue.lanes.len())).collect();
        self.agent_rooms = self.roster.agents.iter().map(|_| Room::with_lanes(1)).collect();
        self.tallies.resize_with(self.roster.queues.len(), Tally::default);
        for contact in &contacts {
            self.seat(*contact);
        }
        self.seat_agents(now, &before);
        for (contact, was_standing) in contacts.iter().zip(standing) {
            if !self.has_place(*contact) {
                self.expel(now, *contact);
            } else if was_standing {
                self.stand(now, *contact);
            }
        }
        self.wake_all();
    }

    fn is_standing(&self, contact: ContactId) -> bool {
        self.waiters.get(&contact).is_some_and(|waiter| waiter.is_standing)
    }

    /// Into the new room of its queue, asking for what its step asks for by the new proficiencies.
    fn seat(&mut self, contact: ContactId) {
        let Some(waiter) = self.waiters.get_mut(&contact) else { return };
        let steps = &mut waiter.steps;
        if steps.demand.is_some() && steps.sticky.is_none() {
            let step = steps.criteria.as_ref().and_then(|criteria| criteria.steps().get(steps.at));
            steps.demand = step.map(|step| Arc::new(self.roster.demand(&step.expression)));
        }
        let (spot, turn, entered, is_in_room) = (waiter.spot, waiter.turn, waiter.entered_at, waiter.is_in_room());
        if is_in_room && let Some(room) = self.room(spot) {
            room.enter(turn, entered);
        }
    }

    fn has_place(&self, contact: ContactId) -> bool {
        let Some(waiter) = self.waiters.get(&contact) else { return true };
        let is_there = match waiter.spot {
            Spot::Queue(number) => self.roster.queues.get(index(number.0)).is_some_and(|queue| queue.is_there),
            Spot::Agent(number) => self.roster.agents.get(index(number.0)).is_some_and(|agent| agent.is_there),
        };
        is_there || !waiter.is_in_room()
    }

    /// Its queue is gone. A callback goes on being owed, in case the queue comes back.
    fn expel(&mut self, now: Now, contact: ContactId) {
        let deal = self.waiters.get(&contact).and_then(|waiter| waiter.deal);
        let is_pending = deal.is_some_and(|deal| deal.stage <= Stage::AgentWhisper);
        self.forget(now, contact, StepStatus::Interrupted);
        if let Some(deal) = deal.filter(|_| is_pending) {
            self.release(now, contact, deal, Withdrawal::Expelled);
        }
        match Origin::of(contact) {
            Origin::Callback => self.put_off(now, contact),
            _ => self.say(QueueOutput::Expelled { contact }),
        }
    }
}
