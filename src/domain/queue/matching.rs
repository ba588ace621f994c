//! Brings agents and contacts together: the longest idle agent, and for him the contact whose turn it is. Keeps no state.

use super::agent::{Origin, Slot};
use super::bits::numbers_of;
use super::interface::{AgentChange, ContactId, ContactState, Offer, QueueOutput};
use super::queues::{Queues, Spot, Timer, span};
use super::roster::{AgentNo, index};
use super::waiter::{Deal, Stage};
use super::waiting::Turn;
use crate::base::limits::OFFER_PATIENCE;
use crate::base::now::Now;

/// More contacts than this at once are not looked at one by one: every agent looks instead.
const RESTLESS_ONE_BY_ONE: usize = 8;

impl Queues {
    /// Makes offers until no agent who may be offered something has a contact that waits for such an agent.
    ///
    /// Before each input there was no such pair, so only what has changed is looked at. Of all agents who could be offered
    /// something the one who is idle longest chooses first, so that the result does not depend on what changed in which order.
    pub(super) fn settle(&mut self, now: Now) {
        if self.restless.len() > RESTLESS_ONE_BY_ONE {
            self.restless.clear();
            self.wake_all();
        }
        while let Some((idle, agent)) = self.next_chooser() {
            let turn = self.is_routable(agent).then(|| self.pick_contact(agent)).flatten();
            match turn {
                Some(turn) => self.offer(now, turn, agent),
                None if self.fresh.remove(&(idle, agent)) => {}
                None => self.restless.clear(),
            }
        }
        self.restless.clear();
    }

    fn next_chooser(&mut self) -> Option<(i64, AgentNo)> {
        let mut first = self.fresh.first().copied();
        let restless: Vec<ContactId> = self.restless.iter().copied().collect();
        for contact in restless {
            match self.pick_agent(contact) {
                None => {
                    self.restless.remove(&contact);
                }
                Some(agent) => first = Some(first.map_or(agent, |first| first.min(agent))),
            }
        }
        first
    }

    /// Lets every agent who may be offered something look for a contact.
    pub(super) fn wake_all(&mut self) {
        let routable = &self.flags.routable;
        let all = (0..routable.words()).flat_map(|at| numbers_of(at, routable.word(at)));
        let all = all.filter_map(|number| self.agents.get(index(number)).map(|agent| (agent.idle, AgentNo(number))));
        self.fresh.extend(all);
    }

    pub(super) fn is_routable(&self, agent: AgentNo) -> bool {
        self.flags.routable.has(agent.0)
    }

    /// The agent who is idle longest of those who may be offered this contact.
    fn pick_agent(&self, contact: ContactId) -> Option<(i64, AgentNo)> {
        let waiter = self.waiters.get(&contact).filter(|waiter| waiter.is_standing)?;
        let number = match waiter.spot {
            Spot::Queue(number) => number,
            Spot::Agent(agent) => {
                let idle = self.agents.get(index(agent.0))?.idle;
                return self.is_routable(agent).then_some((idle, agent));
            }
        };
        let lanes = self.roster.queue(number)?.lanes.get(..waiter.lanes)?;
        let demand = waiter.steps.demand.as_deref();
        let mut best: Option<(i64, AgentNo)> = None;
        for at in 0..self.flags.routable.words() {
            let routable = self.flags.routable.word(at);
            if routable == 0 {
                continue;
            }
            let serving = lanes.iter().fold(0, |agents, lane| agents | lane.agents.word(at));
            let able = demand.map_or(u64::MAX, |demand| self.roster.able(demand, at));
            for agent in numbers_of(at, routable & serving & able) {
                let Some(idle) = self.agents.get(index(agent)).map(|agent| agent.idle) else { continue };
                if best.is_none_or(|best| (idle, AgentNo(agent)) < best) {
                    best = Some((idle, AgentNo(agent)));
                }
            }
        }
        best
    }

    /// The contact whose turn it is for this agent: his own queue first, then his queues by priority.
    fn pick_contact(&self, agent: AgentNo) -> Option<Turn> {
        let plan = self.roster.agent(agent).filter(|plan| plan.is_there)?;
        let own = self.agent_rooms.get(index(agent.0)).and_then(|room| room.lanes.first());
        if let Some(turn) = own.and_then(|lane| lane.first_for(agent, &plan.skills)) {
            return Some(turn);
        }
        for equals in plan.duties.chunk_by(|one, next| one.priority == next.priority) {
            let mut first: Option<Turn> = None;
            for duty in equals {
                let lane = self.rooms.get(index(duty.queue.0)).and_then(|room| room.lanes.get(duty.lane));
                let turn = lane.and_then(|lane| lane.first_for(agent, &plan.skills));
                first = [first, turn].into_iter().flatten().min();
            }
            if first.is_some() {
                return first;
            }
        }
        None
    }

    fn offer(&mut self, now: Now, turn: Turn, agent: AgentNo) {
        let contact = turn.contact;
        self.sit(contact);
        let offer = self.new_offer();
        let at = self.at(now);
        let when_late = now.instant + OFFER_PATIENCE;
        let Some(waiter) = self.waiters.get_mut(&contact) else { return };
        waiter.deal = Some(Deal { offer, agent, stage: Stage::Offered, when_late: Some(when_late) });
        let (spot, waited) = (waiter.spot, span(waiter.entered_at, at));
        self.offers.insert(offer, contact);
        self.set_timer(Some(when_late), Timer::Deal(offer));
        let origin = Origin::of(contact);
        let state = if origin == Origin::Callback { ContactState::Incoming } else { ContactState::Connecting };
        let since = now.unix_millis();
        // A contact that comes back, to the same agent: the work that he had after it is over.
        self.clear_slot(now, agent, contact);
        if let Some(agent) = self.agents.get_mut(index(agent.0)) {
            let offer = Some(offer);
            agent.slots.push(Slot { contact, offer, origin, state, since, when_cleared: None, joined: None });
        }
        self.refresh(agent);
        self.tally(spot, |tally| tally.offered += 1);
        let name = self.agent_name(agent);
        self.say(QueueOutput::Agent { agent: name.clone(), change: AgentChange::Contact { contact, state } });
        let Some(plan) = self.roster.agent(agent) else { return };
        let offer = Offer {
            id: offer,
            contact,
            agent: name,
            reach: plan.settings.reach.clone(),
            place: self.place(spot),
            auto_accept: plan.settings.auto_accept && origin == Origin::Inbound,
            patience: OFFER_PATIENCE,
            waited,
        };
        self.say(QueueOutput::Offer(Box::new(offer)));
    }
}
