//! From an offer to two people who hear each other, in its exact order, and back where somebody is lost on the way.

use super::agent::Origin;
use super::callback::DialOutcome;
use super::criteria::StepStatus;
use super::interface::{CallbackEnd, ContactId, ContactState, HangUp, OfferAnswer, OfferId, QueueOutput, Withdrawal};
use super::queues::{Queues, Timer};
use super::waiter::{Deal, Stage};
use crate::base::limits::{CALLBACK_DIAL_MAX, WHISPER_MAX};
use crate::base::now::Now;
use std::time::Duration;

impl Queues {
    pub(super) fn answered(&mut self, now: Now, offer: OfferId, answer: OfferAnswer) {
        let Some((contact, deal)) = self.deal(offer, &[Stage::Offered]) else { return };
        match answer {
            OfferAnswer::Accepted => self.accepted(now, contact, deal),
            OfferAnswer::Rejected => self.lose_agent(now, contact, deal, Withdrawal::Rejected),
            OfferAnswer::Unreachable => self.lose_agent(now, contact, deal, Withdrawal::Unreachable),
            OfferAnswer::NotNow => {
                self.forget(now, contact, StepStatus::Interrupted);
                self.release(now, contact, deal, Withdrawal::NotNow);
                self.put_off(now, contact);
            }
        }
    }

    /// The agent hears the whisper; a call's customer still waits and hears the queue, a callback leaves the queue here.
    fn accepted(&mut self, now: Now, contact: ContactId, deal: Deal) {
        self.set_stage(now, contact, Stage::AgentWhisper, Some(WHISPER_MAX));
        if Origin::of(contact) == Origin::Callback {
            self.leave_room(now, contact);
            self.set_state(now, deal.agent, contact, ContactState::Pending);
            self.say_dequeued(contact, deal);
        }
        let agent = self.agent_name(deal.agent);
        self.say(QueueOutput::StartAgentWhisper { offer: deal.offer, contact, agent });
    }

    pub(super) fn agent_whispered(&mut self, now: Now, offer: OfferId) {
        let Some((contact, deal)) = self.deal(offer, &[Stage::AgentWhisper]) else { return };
        if Origin::of(contact) == Origin::Callback {
            self.set_stage(now, contact, Stage::Dialling, Some(CALLBACK_DIAL_MAX));
            self.set_state(now, deal.agent, contact, ContactState::Connecting);
            return self.dial(contact, offer);
        }
        self.leave_room(now, contact);
        self.set_stage(now, contact, Stage::CustomerWhisper, Some(WHISPER_MAX));
        self.say_dequeued(contact, deal);
        self.say(QueueOutput::StartCustomerWhisper { offer, contact });
    }

    pub(super) fn customer_whispered(&mut self, now: Now, offer: OfferId) {
        let Some((contact, deal)) = self.deal(offer, &[Stage::CustomerWhisper]) else { return };
        self.set_stage(now, contact, Stage::Joined, None);
        self.close_steps(contact, StepStatus::Joined);
        self.set_state(now, deal.agent, contact, ContactState::Connected);
        if let Some(waiter) = self.waiters.get(&contact) {
            let (spot, waited, customer) = (waiter.spot, waiter.waited, waiter.customer);
            self.tally(spot, |tally| tally.on_answered(waited));
            if let Some(customer) = customer {
                self.last_agents.remember(customer, deal.agent);
            }
            if Origin::of(contact) == Origin::Callback {
                self.tally(spot, |tally| tally.callbacks_reached += 1);
            }
        }
        let agent = self.agent_name(deal.agent);
        self.say(QueueOutput::Join { offer, contact, agent });
        self.callback_is_over(contact, CallbackEnd::Reached);
    }

    pub(super) fn agent_gone(&mut self, now: Now, offer: OfferId) {
        use Stage::{AgentWhisper, CustomerWhisper, Dialling, Joined, Offered};
        let stages = [Offered, AgentWhisper, Dialling, CustomerWhisper, Joined];
        let Some((contact, deal)) = self.deal(offer, &stages) else { return };
        match deal.stage {
            Offered => self.lose_agent(now, contact, deal, Withdrawal::Rejected),
            Joined => self.ended(now, contact),
            CustomerWhisper | Dialling if Origin::of(contact) == Origin::Callback => {
                self.say(QueueOutput::HangUp { contact, why: HangUp::AgentGone });
                self.forget(now, contact, StepStatus::Interrupted);
                self.release(now, contact, deal, Withdrawal::AgentGone);
                self.try_again(now, contact, CallbackEnd::Failed);
            }
            AgentWhisper | CustomerWhisper | Dialling => self.lose_agent(now, contact, deal, Withdrawal::AgentGone),
        }
    }

    /// What came of dialling a callback's customer. Nobody is called a second time who was busy or could not be reached.
    pub(super) fn dialled(&mut self, now: Now, offer: OfferId, outcome: DialOutcome) {
        let Some((contact, deal)) = self.deal(offer, &[Stage::Dialling]) else { return };
        if outcome == DialOutcome::Answered {
            self.set_stage(now, contact, Stage::CustomerWhisper, Some(WHISPER_MAX));
            return self.say(QueueOutput::StartCustomerWhisper { offer, contact });
        }
        let spot = self.waiters.get(&contact).map(|waiter| waiter.spot);
        self.forget(now, contact, StepStatus::Interrupted);
        self.finish_slot(now, deal.agent, contact);
        if let Some(spot) = spot {
            self.tally(spot, |tally| match outcome {
                DialOutcome::NoAnswer => tally.callbacks_unanswered += 1,
                DialOutcome::NotDialable => tally.callbacks_not_dialable += 1,
                DialOutcome::Answered | DialOutcome::Busy | DialOutcome::Failed => {}
            });
        }
        match outcome {
            DialOutcome::NoAnswer => self.try_again(now, contact, CallbackEnd::NobodyAnswered),
            DialOutcome::Busy => self.callback_is_over(contact, CallbackEnd::Busy),
            DialOutcome::NotDialable => self.callback_is_over(contact, CallbackEnd::NotDialable),
            DialOutcome::Answered | DialOutcome::Failed => self.callback_is_over(contact, CallbackEnd::Failed),
        }
    }

    pub(super) fn deal_is_late(&mut self, now: Now, offer: OfferId) {
        use Stage::{AgentWhisper, CustomerWhisper, Dialling, Offered};
        let Some((contact, deal)) = self.deal(offer, &[Offered, AgentWhisper, Dialling, CustomerWhisper]) else {
            return;
        };
        match deal.stage {
            Offered => self.lose_agent(now, contact, deal, Withdrawal::TimedOut),
            AgentWhisper => self.lose_agent(now, contact, deal, Withdrawal::WhisperTooLong),
            Dialling => {
                self.say(QueueOutput::HangUp { contact, why: HangUp::RangTooLong });
                self.dialled(now, offer, DialOutcome::NoAnswer);
            }
            _ => {
                self.say(QueueOutput::HangUp { contact, why: HangUp::WhisperTooLong });
                self.forget(now, contact, StepStatus::Interrupted);
                self.release(now, contact, deal, Withdrawal::WhisperTooLong);
                self.callback_is_over(contact, CallbackEnd::Reached);
            }
        }
    }

    /// The conversation is over, whoever ended it: work after the contact begins.
    pub(super) fn ended(&mut self, now: Now, contact: ContactId) {
        if let Some(agent) = self.dialled.remove(&contact) {
            // Whom nobody answered leaves no work behind.
            match self.is_connecting(agent, contact) {
                true => self.clear_slot(now, agent, contact),
                false => self.finish_slot(now, agent, contact),
            }
        }
        let Some(deal) = self.waiters.get(&contact).and_then(|waiter| waiter.deal) else { return };
        if deal.stage == Stage::Joined {
            self.forget(now, contact, StepStatus::Joined);
            self.finish_slot(now, deal.agent, contact);
        }
    }

    /// The agent of one conversation takes another one's place.
    pub(super) fn go_on(&mut self, now: Now, contact: ContactId, heir: ContactId) {
        self.ended(now, heir);
        let deal = self.waiters.get(&contact).and_then(|waiter| waiter.deal);
        let Some(deal) = deal.filter(|deal| deal.stage == Stage::Joined && !self.waiters.contains_key(&heir)) else {
            return self.gone(now, contact);
        };
        let Some(mut waiter) = self.waiters.remove(&contact) else { return };
        waiter.turn.contact = heir;
        self.waiters.insert(heir, waiter);
        self.offers.insert(deal.offer, heir);
        self.rename_slot(deal.agent, contact, heir);
    }

    pub(super) fn held(&mut self, now: Now, contact: ContactId, is_held: bool) {
        let deal = self.waiters.get(&contact).and_then(|waiter| waiter.deal);
        let joined = deal.filter(|deal| deal.stage == Stage::Joined).map(|deal| deal.agent);
        let Some(agent) = joined.or_else(|| self.dialled.get(&contact).copied()) else { return };
        let state = if is_held { ContactState::ConnectedOnHold } else { ContactState::Connected };
        self.set_state(now, agent, contact, state);
    }

    /// The agent is out of it, the contact waits again where it was before.
    fn lose_agent(&mut self, now: Now, contact: ContactId, deal: Deal, why: Withdrawal) {
        let Some(waiter) = self.waiters.get_mut(&contact) else { return };
        let was_in_room = waiter.is_in_room();
        waiter.deal = None;
        let (spot, turn, entered) = (waiter.spot, waiter.turn, waiter.entered_at);
        self.offers.remove(&deal.offer);
        self.drop_timer(deal.when_late, Timer::Deal(deal.offer));
        self.tally(spot, |tally| match why {
            Withdrawal::Rejected => tally.rejected += 1,
            Withdrawal::Unreachable => tally.unreachable += 1,
            _ => tally.missed += 1,
        });
        self.release(now, contact, deal, why);
        if !was_in_room && let Some(room) = self.room(spot) {
            room.enter(turn, entered);
        }
        if deal.stage != Stage::Offered {
            self.say(QueueOutput::Requeued { contact });
        }
        self.stand(now, contact);
    }

    /// What an offer that came to nothing leaves at the agent.
    pub(super) fn release(&mut self, now: Now, contact: ContactId, deal: Deal, why: Withdrawal) {
        let agent = self.agent_name(deal.agent);
        self.say(QueueOutput::Withdraw { offer: deal.offer, contact, agent, why });
        let state = match why {
            Withdrawal::TimedOut | Withdrawal::Rejected | Withdrawal::AgentGone => Some(ContactState::Missed),
            Withdrawal::Unreachable | Withdrawal::WhisperTooLong => Some(ContactState::Error),
            Withdrawal::CustomerGone if Origin::of(contact) == Origin::Callback => Some(ContactState::Error),
            Withdrawal::CustomerGone | Withdrawal::Expelled | Withdrawal::NotNow => None,
        };
        match state {
            Some(state) => self.set_state(now, deal.agent, contact, state),
            None => self.clear_slot(now, deal.agent, contact),
        }
    }

    fn set_stage(&mut self, now: Now, contact: ContactId, stage: Stage, patience: Option<Duration>) {
        let Some(deal) = self.waiters.get_mut(&contact).and_then(|waiter| waiter.deal.as_mut()) else { return };
        let old = deal.when_late;
        deal.stage = stage;
        deal.when_late = patience.map(|patience| now.instant + patience);
        let (offer, new) = (deal.offer, deal.when_late);
        self.drop_timer(old, Timer::Deal(offer));
        self.set_timer(new, Timer::Deal(offer));
    }

    fn say_dequeued(&mut self, contact: ContactId, deal: Deal) {
        let waited = self.waiters.get(&contact).map_or(Duration::ZERO, |waiter| waiter.waited);
        let agent = self.agent_name(deal.agent);
        self.say(QueueOutput::Dequeued { contact, agent, waited });
    }
}
