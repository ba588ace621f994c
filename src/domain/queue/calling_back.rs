//! Callbacks from the promise to the last dial: what is due, what is tried again, what is owed no longer. Dials nobody.

use super::callback::{Callback, CallbackId, Standing, millis};
use super::criteria::StepStatus;
use super::interface::{CallbackEnd, CallbackOrder, ContactId, OfferId, QueueOutput, QueueRefusal};
use super::queues::{Queues, Timer};
use super::waiter::Steps;
use crate::base::limits::{CALLBACK_FULL_RETRY, CALLBACKS_MAX};
use crate::base::now::Now;
use std::time::{Duration, Instant};

/// A callback and when to look at it next.
#[derive(Debug)]
pub(super) struct Owed {
    pub callback: Callback,
    when: Option<Instant>,
}

impl Queues {
    /// Who waits for an agent when it is promised waits no more; not while one has the call just now.
    pub(super) fn schedule(&mut self, now: Now, order: CallbackOrder) {
        let call = order.call;
        let asking = ContactId::Call(call);
        if self.waiters.get(&asking).is_some_and(|waiter| waiter.deal.is_some()) {
            return self.say(QueueOutput::NotScheduled { call, why: QueueRefusal::Offered });
        }
        let admitted = self.spot(&order.place).and_then(|spot| self.admit(spot, false).map(|()| spot));
        let is_full = self.callbacks.len() >= CALLBACKS_MAX;
        let spot = match admitted {
            Ok(spot) if !is_full => spot,
            Ok(_) => return self.say(QueueOutput::NotScheduled { call, why: QueueRefusal::AtCapacity }),
            Err(why) => return self.say(QueueOutput::NotScheduled { call, why }),
        };
        self.forget(now, asking, StepStatus::Interrupted);
        let id = CallbackId(self.next_callback);
        self.next_callback += 1;
        let created = now.unix_millis();
        let callback = Callback {
            id,
            call,
            number: order.number,
            place: order.place,
            rank: order.rank,
            criteria: order.criteria,
            started: order.started,
            created,
            attempts: 0,
            retries: order.retries,
            gap: order.gap,
            standing: Standing::Scheduled { due: created.saturating_add(millis(order.delay)) },
            luggage: order.luggage,
        };
        self.say(QueueOutput::Keep(Box::new(callback.clone())));
        self.say(QueueOutput::Scheduled { call, callback: id });
        self.tally(spot, |tally| tally.callbacks_promised += 1);
        self.callbacks.insert(id, Owed { callback, when: None });
        self.look_again(now, id);
    }

    /// After a restart. What was being dialled when the daemon ended counts as a dial that nobody answered.
    pub(super) fn restore(&mut self, now: Now, callbacks: Vec<Callback>) {
        for mut callback in callbacks {
            let id = callback.id;
            self.next_callback = self.next_callback.max(id.0.saturating_add(1));
            if !callback.may_dial_again() {
                self.say(QueueOutput::Forget { callback: id, why: CallbackEnd::NobodyAnswered });
                continue;
            }
            if callback.standing == Standing::Queued {
                callback.standing = Standing::Scheduled { due: now.unix_millis() };
            }
            self.callbacks.insert(id, Owed { callback, when: None });
            self.look_again(now, id);
        }
    }

    /// Arms the callback's next moment, or lets it come now.
    fn look_again(&mut self, now: Now, id: CallbackId) {
        let Some(owed) = self.callbacks.get_mut(&id) else { return };
        let at = match owed.callback.standing {
            Standing::Scheduled { due } => due.min(owed.callback.expires()),
            Standing::Queued => owed.callback.expires(),
        };
        let wait = Duration::from_millis(at.saturating_sub(now.unix_millis()));
        let old = owed.when.take();
        let new = (!wait.is_zero()).then(|| now.instant + wait);
        owed.when = new;
        self.drop_timer(old, Timer::Callback(id));
        match new {
            Some(_) => self.set_timer(new, Timer::Callback(id)),
            None => self.callback_is_due(now, id),
        }
    }

    pub(super) fn callback_is_due(&mut self, now: Now, id: CallbackId) {
        let contact = ContactId::Callback(id);
        if self.waiters.get(&contact).is_some_and(|waiter| waiter.deal.is_some()) {
            return self.look_later(now, id);
        }
        let Some(owed) = self.callbacks.get_mut(&id) else { return };
        owed.when = None;
        if owed.callback.expires() <= now.unix_millis() {
            return self.strike_out(now, id, CallbackEnd::Expired);
        }
        let Standing::Scheduled { due } = owed.callback.standing else { return self.look_again(now, id) };
        if due > now.unix_millis() {
            return self.look_again(now, id);
        }
        let place = owed.callback.place.clone();
        let Ok(spot) = self.spot(&place).and_then(|spot| self.admit(spot, true).map(|()| spot)) else {
            return self.look_later(now, id);
        };
        let Some(owed) = self.callbacks.get_mut(&id) else { return };
        owed.callback.standing = Standing::Queued;
        let callback = owed.callback.clone();
        let since = self.at_wall(callback.started);
        let turn = self.turn(contact, since, callback.rank);
        let steps = Steps { criteria: callback.criteria.clone(), ..Steps::default() };
        let customer = Some(callback.number);
        self.say(QueueOutput::Keep(Box::new(callback)));
        self.look_again(now, id);
        self.put(now, spot, turn, (steps, customer));
    }

    /// Its queue is full or not there, or an agent has it just now.
    fn look_later(&mut self, now: Now, id: CallbackId) {
        let Some(owed) = self.callbacks.get_mut(&id) else { return };
        let old = owed.when.take();
        owed.when = Some(now.instant + CALLBACK_FULL_RETRY);
        let new = owed.when;
        self.drop_timer(old, Timer::Callback(id));
        self.set_timer(new, Timer::Callback(id));
    }

    /// Its queue is not there any more: it goes on being owed, and comes back when the queue does.
    pub(super) fn put_off(&mut self, now: Now, contact: ContactId) {
        let ContactId::Callback(id) = contact else { return };
        let Some(owed) = self.callbacks.get_mut(&id) else { return };
        owed.callback.standing = Standing::Scheduled { due: now.unix_millis() };
        let callback = owed.callback.clone();
        self.say(QueueOutput::Keep(Box::new(callback)));
        self.look_later(now, id);
    }

    /// The agent is ready. The dial is counted before it is made, so that a restart never makes it one more.
    pub(super) fn dial(&mut self, contact: ContactId, offer: OfferId) {
        let ContactId::Callback(id) = contact else { return };
        let Some(owed) = self.callbacks.get_mut(&id) else { return };
        owed.callback.attempts = owed.callback.attempts.saturating_add(1);
        let callback = Box::new(owed.callback.clone());
        self.say(QueueOutput::Keep(callback.clone()));
        self.say(QueueOutput::Dial { offer, callback });
    }

    /// The customer was not reached: once more after the gap, in the same place, if a dial is left.
    pub(super) fn try_again(&mut self, now: Now, contact: ContactId, why: CallbackEnd) {
        let ContactId::Callback(id) = contact else { return };
        let Some(owed) = self.callbacks.get_mut(&id) else { return };
        if !owed.callback.may_dial_again() {
            return self.strike_out(now, id, why);
        }
        let due = now.unix_millis().saturating_add(millis(owed.callback.gap));
        owed.callback.standing = Standing::Scheduled { due };
        let callback = owed.callback.clone();
        self.say(QueueOutput::Keep(Box::new(callback)));
        self.look_again(now, id);
    }

    /// For callbacks: nothing is owed any more. For calls: nothing.
    pub(super) fn callback_is_over(&mut self, contact: ContactId, why: CallbackEnd) {
        let ContactId::Callback(id) = contact else { return };
        let Some(owed) = self.callbacks.remove(&id) else { return };
        self.drop_timer(owed.when, Timer::Callback(id));
        self.say(QueueOutput::Forget { callback: id, why });
    }

    fn strike_out(&mut self, now: Now, id: CallbackId, why: CallbackEnd) {
        let contact = ContactId::Callback(id);
        if let Some(owed) = self.callbacks.get(&id)
            && let Ok(spot) = self.spot(&owed.callback.place)
            && why == CallbackEnd::Expired
        {
            self.tally(spot, |tally| tally.callbacks_expired += 1);
        }
        if self.waiters.contains_key(&contact) {
            self.forget(now, contact, StepStatus::Interrupted);
        }
        self.callback_is_over(contact, why);
    }

    /// Takes a promise back; not while an agent has it in hand.
    pub fn handle_cancel(&mut self, now: Now, id: CallbackId) -> Result<(), QueueRefusal> {
        let contact = ContactId::Callback(id);
        if !self.callbacks.contains_key(&id) {
            return Err(QueueRefusal::NotThere);
        }
        if self.waiters.get(&contact).is_some_and(|waiter| waiter.deal.is_some()) {
            return Err(QueueRefusal::Offered);
        }
        self.strike_out(now, id, CallbackEnd::Cancelled);
        self.settle(now);
        Ok(())
    }

    pub fn callback(&self, id: CallbackId) -> Option<&Callback> {
        self.callbacks.get(&id).map(|owed| &owed.callback)
    }

    /// All that are owed, in the order in which they were promised.
    pub fn callbacks(&self) -> impl Iterator<Item = &Callback> {
        self.callbacks.values().map(|owed| &owed.callback)
    }

    /// How many wait for their time.
    pub fn scheduled(&self) -> usize {
        let is_scheduled = |callback: &&Callback| matches!(callback.standing, Standing::Scheduled { .. });
        self.callbacks().filter(is_scheduled).count()
    }
}
