//! Coming into a queue, standing in it, moving on and leaving. Finds no agent.

use super::criteria::{Criteria, StepStatus};
use super::interface::{Arrival, CallbackEnd, ContactId, Place, QueueOutput, QueueRefusal, Rank, Withdrawal};
use super::queues::{Queues, Spot, Timer, span};
use super::roster::{AgentNo, Demand, index};
use super::waiter::{Stage, Steps, Waiter};
use super::waiting::Turn;
use crate::base::e164::E164;
use crate::base::limits::{AGENT_QUEUE_MAX, CRITERIA_CHANGES_MAX, QUEUE_BUFFER_PERCENT, QUEUE_MOVES_MAX, WAITING_MAX};
use crate::base::now::Now;
use std::sync::Arc;
use std::time::Duration;

const LOWEST_PRIORITY: u8 = 5;

impl Queues {
    pub(super) fn enter(&mut self, now: Now, arrival: Arrival) {
        let contact = arrival.contact;
        if self.waiters.contains_key(&contact) {
            return self.refuse(contact, QueueRefusal::AlreadyThere);
        }
        let spot = match self.spot(&arrival.place).and_then(|spot| self.admit(spot, arrival.is_transfer).map(|()| spot))
        {
            Ok(spot) => spot,
            Err(why) => return self.refuse(contact, why),
        };
        let turn = self.turn(contact, self.at(now), arrival.rank);
        let steps = Steps { criteria: arrival.criteria, ..Steps::default() };
        self.put(now, spot, turn, (steps, arrival.customer));
    }

    /// Whether one more may wait there. What comes due or is sent on may use the places beyond the capacity.
    pub(super) fn admit(&mut self, spot: Spot, is_buffered: bool) -> Result<(), QueueRefusal> {
        let limit = match spot {
            Spot::Agent(_) => AGENT_QUEUE_MAX,
            Spot::Queue(number) => {
                let Some(queue) = self.roster.queue(number).filter(|queue| queue.is_there) else {
                    return Err(QueueRefusal::UnknownQueue);
                };
                if !queue.settings.is_in_service {
                    return Err(QueueRefusal::OutOfService);
                }
                let capacity = queue.settings.capacity.unwrap_or(WAITING_MAX).min(WAITING_MAX);
                let beyond = if is_buffered { (capacity * QUEUE_BUFFER_PERCENT).div_ceil(100) } else { 0 };
                capacity + beyond
            }
        };
        if self.room_of(spot).map_or(0, |room| room.len()) < index(limit) {
            return Ok(());
        }
        self.tally(spot, |tally| tally.refused_full += 1);
        Err(QueueRefusal::AtCapacity)
    }

    pub(super) fn turn(&mut self, contact: ContactId, since: i64, rank: Rank) -> Turn {
        let number = self.next_turn;
        self.next_turn += 1;
        let priority = rank.priority.unwrap_or(LOWEST_PRIORITY).clamp(1, LOWEST_PRIORITY);
        Turn { priority, since: since.saturating_sub(rank.age.saturating_mul(1_000)), number, contact }
    }

    /// A contact that was let in begins to wait.
    pub(super) fn put(&mut self, now: Now, spot: Spot, turn: Turn, (mut steps, customer): (Steps, Option<E164>)) {
        steps.sticky = self.sticky(spot, customer);
        let entered_at = self.at(now);
        let waiter = Waiter {
            spot,
            turn,
            entered: now.instant,
            entered_at,
            is_standing: false,
            lanes: 0,
            when_ripe: None,
            steps,
            moves: 0,
            customer,
            deal: None,
            waited: span(0, 0),
        };
        self.waiters.insert(turn.contact, waiter);
        self.settle_in(now, turn.contact);
    }

    /// The agent of last time, if this queue waits for him and he is at work.
    fn sticky(&self, spot: Spot, customer: Option<E164>) -> Option<(AgentNo, Duration)> {
        let Spot::Queue(number) = spot else { return None };
        let patience = self.roster.queue(number)?.settings.sticky?;
        let agent = self.last_agents.of(customer?)?;
        let serves = self.roster.queue(number)?.agents.has(agent.0) && self.flags.staffed.has(agent.0);
        serves.then_some((agent, patience))
    }

    /// Into the room of its queue, with its first step, and to where agents look.
    fn settle_in(&mut self, now: Now, contact: ContactId) {
        let Some(waiter) = self.waiters.get(&contact) else { return };
        let (spot, turn, entered) = (waiter.spot, waiter.turn, waiter.entered_at);
        let Some(room) = self.room(spot) else { return };
        room.enter(turn, entered);
        let position = room.position(turn);
        self.tally(spot, |tally| tally.queued += 1);
        let place = self.place(spot);
        self.say(QueueOutput::Entered { contact, place, position });
        self.begin_steps(now, contact);
        self.stand(now, contact);
    }

    /// Puts the contact where agents look for the next one.
    pub(super) fn stand(&mut self, now: Now, contact: ContactId) {
        let Some(waiter) = self.waiters.get_mut(&contact) else { return };
        if waiter.is_standing {
            return;
        }
        waiter.is_standing = true;
        waiter.lanes = 0;
        let spot = waiter.spot;
        if let Some(room) = self.room(spot) {
            room.stands(true);
        }
        self.ripen(now, contact);
        self.restless.insert(contact);
    }

    /// Takes the contact from where agents look; it stays in its queue.
    pub(super) fn sit(&mut self, contact: ContactId) {
        let Some(waiter) = self.waiters.get_mut(&contact).filter(|waiter| waiter.is_standing) else { return };
        waiter.is_standing = false;
        let (spot, turn, demand) = (waiter.spot, waiter.turn, waiter.steps.demand.clone());
        let (lanes, when_ripe) = (waiter.lanes, waiter.when_ripe.take());
        self.drop_timer(when_ripe, Timer::Ripe(contact));
        let Some(room) = self.room(spot) else { return };
        room.stands(false);
        room.lanes.iter_mut().take(lanes).for_each(|lane| lane.remove(turn, demand.as_ref()));
    }

    /// Into the lanes of all delays that the contact has waited for.
    pub(super) fn ripen(&mut self, now: Now, contact: ContactId) {
        let Some(waiter) = self.waiters.get(&contact).filter(|waiter| waiter.is_standing) else { return };
        let (spot, turn, entered, lanes) = (waiter.spot, waiter.turn, waiter.entered, waiter.lanes);
        let demand = waiter.steps.demand.clone();
        let waited = now.instant.saturating_duration_since(entered);
        let (ripe, next) = match spot {
            Spot::Agent(_) => (1, None),
            Spot::Queue(number) => {
                let delays = self.roster.queue(number).map_or(&[][..], |queue| &queue.lanes);
                let ripe = delays.partition_point(|lane| lane.delay <= waited);
                (ripe, delays.get(ripe).map(|lane| entered + lane.delay))
            }
        };
        if let Some(room) = self.room(spot) {
            let new = room.lanes.iter_mut().take(ripe).skip(lanes);
            new.for_each(|lane| lane.insert(turn, demand.as_ref()));
        }
        if let Some(waiter) = self.waiters.get_mut(&contact) {
            waiter.lanes = ripe;
            waiter.when_ripe = next;
        }
        self.set_timer(next, Timer::Ripe(contact));
        self.restless.insert(contact);
    }

    /// Out of its queue, but not forgotten.
    pub(super) fn leave_room(&mut self, now: Now, contact: ContactId) {
        self.sit(contact);
        let at = self.at(now);
        let Some(waiter) = self.waiters.get_mut(&contact) else { return };
        waiter.waited = span(waiter.entered_at, at);
        let (spot, turn, entered) = (waiter.spot, waiter.turn, waiter.entered_at);
        if let Some(room) = self.room(spot) {
            room.leave(turn, entered);
        }
    }

    /// Waits no more and is with nobody.
    pub(super) fn forget(&mut self, now: Now, contact: ContactId, status: StepStatus) {
        self.leave_room(now, contact);
        self.close_steps(contact, status);
        if let Some(waiter) = self.waiters.remove(&contact)
            && let Some(deal) = waiter.deal
        {
            self.offers.remove(&deal.offer);
            self.drop_timer(deal.when_late, Timer::Deal(deal.offer));
        }
        self.restless.remove(&contact);
    }

    pub(super) fn move_on(&mut self, now: Now, contact: ContactId, place: &Place) {
        let Some(waiter) = self.waiters.get(&contact) else { return self.refuse(contact, QueueRefusal::NotThere) };
        if waiter.deal.is_some() {
            return self.refuse(contact, QueueRefusal::Offered);
        }
        if waiter.moves >= QUEUE_MOVES_MAX {
            return self.refuse(contact, QueueRefusal::TooManyMoves);
        }
        let old = waiter.spot;
        let spot = match self.spot(place).and_then(|spot| self.admit(spot, true).map(|()| spot)) {
            Ok(spot) => spot,
            Err(why) => return self.refuse(contact, why),
        };
        self.leave_room(now, contact);
        self.close_steps(contact, StepStatus::Interrupted);
        self.tally(old, |tally| tally.moved_out += 1);
        self.tally(spot, |tally| tally.moved_in += 1);
        let customer = self.waiters.get(&contact).and_then(|waiter| waiter.customer);
        let sticky = self.sticky(spot, customer);
        let entered_at = self.at(now);
        if let Some(waiter) = self.waiters.get_mut(&contact) {
            (waiter.spot, waiter.entered, waiter.entered_at) = (spot, now.instant, entered_at);
            waiter.moves += 1;
            (waiter.steps.sticky, waiter.steps.at) = (sticky, 0);
        }
        self.settle_in(now, contact);
    }

    pub(super) fn leave(&mut self, now: Now, contact: ContactId) {
        match self.waiters.get(&contact).map(|waiter| waiter.deal.is_some()) {
            None => self.refuse(contact, QueueRefusal::NotThere),
            Some(true) => self.refuse(contact, QueueRefusal::Offered),
            Some(false) => {
                self.forget(now, contact, StepStatus::Interrupted);
                self.say(QueueOutput::Left { contact });
            }
        }
    }

    /// The customer hung up, in whichever stage.
    pub(super) fn gone(&mut self, now: Now, contact: ContactId) {
        let Some(waiter) = self.waiters.get(&contact) else { return self.ended(now, contact) };
        let (spot, deal) = (waiter.spot, waiter.deal);
        let is_callback = matches!(contact, ContactId::Callback(_));
        match deal.map(|deal| deal.stage) {
            Some(Stage::Joined) => return self.ended(now, contact),
            Some(Stage::CustomerWhisper) => {}
            // The customer of a callback is not there before; what became of the dial is told by the dial.
            _ if is_callback => return,
            _ => {}
        }
        let waited = if waiter.is_in_room() { span(waiter.entered_at, self.at(now)) } else { waiter.waited };
        self.tally(spot, |tally| if is_callback { tally.callbacks_reached += 1 } else { tally.on_abandoned(waited) });
        self.forget(now, contact, StepStatus::Interrupted);
        if let Some(deal) = deal {
            self.tally(spot, |tally| tally.offers_abandoned += 1);
            self.release(now, contact, deal, Withdrawal::CustomerGone);
        }
        self.callback_is_over(contact, CallbackEnd::Reached);
    }

    pub(super) fn set_rank(&mut self, now: Now, contact: ContactId, rank: Rank) {
        let Some(waiter) = self.waiters.get(&contact) else { return self.refuse(contact, QueueRefusal::NotThere) };
        let (spot, old, entered) = (waiter.spot, waiter.turn, waiter.entered_at);
        let (is_in_room, was_standing) = (waiter.is_in_room(), waiter.is_standing);
        let priority = rank.priority.unwrap_or(old.priority).clamp(1, LOWEST_PRIORITY);
        let turn = Turn { priority, since: old.since.saturating_sub(rank.age.saturating_mul(1_000)), ..old };
        self.sit(contact);
        if let Some(waiter) = self.waiters.get_mut(&contact) {
            waiter.turn = turn;
        }
        if is_in_room && let Some(room) = self.room(spot) {
            room.leave(old, entered);
            room.enter(turn, entered);
        }
        if was_standing {
            self.stand(now, contact);
        }
    }

    pub(super) fn set_criteria(&mut self, now: Now, contact: ContactId, criteria: Criteria) {
        let Some(waiter) = self.waiters.get(&contact).filter(|waiter| waiter.is_in_room()) else {
            return self.refuse(contact, QueueRefusal::NotThere);
        };
        if matches!(waiter.spot, Spot::Agent(_)) {
            return self.refuse(contact, QueueRefusal::AgentQueue);
        }
        if waiter.steps.changes >= CRITERIA_CHANGES_MAX {
            return self.refuse(contact, QueueRefusal::TooManyChanges);
        }
        let was_standing = waiter.is_standing;
        self.sit(contact);
        self.close_steps(contact, StepStatus::Deactivated);
        if let Some(waiter) = self.waiters.get_mut(&contact) {
            let is_change = waiter.steps.criteria.is_some();
            let changes = waiter.steps.changes + u8::from(is_change);
            waiter.steps = Steps { criteria: Some(criteria), changes, ..Steps::default() };
        }
        self.begin_steps(now, contact);
        if was_standing {
            self.stand(now, contact);
        }
    }

    /// The agent of last time first, then the first step. The contact is in no lane.
    pub(super) fn begin_steps(&mut self, now: Now, contact: ContactId) {
        let Some(waiter) = self.waiters.get_mut(&contact) else { return };
        if matches!(waiter.spot, Spot::Agent(_)) {
            return;
        }
        let Some((agent, patience)) = waiter.steps.sticky else { return self.activate(now, contact) };
        waiter.steps.demand = Some(Arc::new(Demand::Agent(agent)));
        waiter.steps.when_expires = Some(now.instant + patience);
        let when = waiter.steps.when_expires;
        self.set_timer(when, Timer::Step(contact));
    }

    /// Makes the step of the criteria whose turn it is hold.
    fn activate(&mut self, now: Now, contact: ContactId) {
        let Some(waiter) = self.waiters.get_mut(&contact) else { return };
        let at = waiter.steps.at;
        let step = waiter.steps.criteria.as_ref().and_then(|criteria| criteria.steps().get(at));
        let Some(step) = step else {
            (waiter.steps.demand, waiter.steps.when_expires) = (None, None);
            return;
        };
        let demand = self.roster.demand(&step.expression);
        let when = step.expires.map(|lasts| now.instant + lasts);
        (waiter.steps.demand, waiter.steps.when_expires) = (Some(Arc::new(demand)), when);
        self.set_timer(when, Timer::Step(contact));
        self.say(QueueOutput::CriteriaStep { contact, step: at, status: StepStatus::Active });
    }

    /// Steps run out while the contact waits and also while an agent lets it ring.
    pub(super) fn step_expired(&mut self, now: Now, contact: ContactId) {
        let Some(waiter) = self.waiters.get_mut(&contact) else { return };
        let was_standing = waiter.is_standing;
        let expired = if waiter.steps.sticky.is_some() { None } else { Some(waiter.steps.at) };
        self.sit(contact);
        if let Some(step) = expired {
            self.say(QueueOutput::CriteriaStep { contact, step, status: StepStatus::Expired });
        }
        if let Some(waiter) = self.waiters.get_mut(&contact) {
            waiter.steps.sticky = None;
            waiter.steps.at += usize::from(expired.is_some());
        }
        self.activate(now, contact);
        if was_standing {
            self.stand(now, contact);
        }
    }

    /// Nothing is asked for any more. The contact is in no lane.
    pub(super) fn close_steps(&mut self, contact: ContactId, status: StepStatus) {
        let Some(waiter) = self.waiters.get_mut(&contact) else { return };
        let steps = &mut waiter.steps;
        let is_active = steps.demand.take().is_some() && steps.sticky.take().is_none();
        let (step, when) = (steps.at, steps.when_expires.take());
        self.drop_timer(when, Timer::Step(contact));
        if is_active {
            self.say(QueueOutput::CriteriaStep { contact, step, status });
        }
    }
}
