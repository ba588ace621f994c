//! What agents and supervisors say, and what contacts make of an agent. Finds no contact.

use super::agent::{Activity, Agent, Origin, Slot};
use super::interface::{AgentChange, AgentCommand, AgentRefusal, By, ContactId, ContactState, QueueOutput};
use super::queues::{Queues, Spot, Timer};
use super::roster::{AgentNo, index};
use super::settings::Status;
use crate::base::id::CallId;
use crate::base::now::Now;
use std::time::Duration;

impl Queues {
    /// Does what an agent or a supervisor says, or says why not. Like an input: the owner drains the outputs afterwards.
    pub fn handle_command(&mut self, now: Now, agent: &str, command: AgentCommand, by: By) -> Result<(), AgentRefusal> {
        let number = self.roster.agent_number(agent).ok_or(AgentRefusal::UnknownAgent)?;
        let outcome = match command {
            AgentCommand::SignIn => self.sign_in(now, number),
            AgentCommand::SignOut => self.sign_out(now, number),
            AgentCommand::Status(status) => self.choose_status(now, number, status),
            AgentCommand::NextStatus(_) if by == By::Supervisor => Err(AgentRefusal::NotForSupervisors),
            AgentCommand::NextStatus(status) => self.choose_next(now, number, status),
            AgentCommand::Clear => self.clear(now, number),
        };
        self.settle(now);
        outcome
    }

    fn sign_in(&mut self, now: Now, agent: AgentNo) -> Result<(), AgentRefusal> {
        let first = self.roster.agent(agent).map(|plan| plan.settings.first_status.clone()).unwrap_or_default();
        let is_out = self.agents.get(index(agent.0)).is_some_and(|agent| agent.status == Status::Offline);
        if is_out {
            self.change_status(now, agent, first);
        }
        Ok(())
    }

    fn sign_out(&mut self, now: Now, agent: AgentNo) -> Result<(), AgentRefusal> {
        let is_idle = self.agents.get(index(agent.0)).is_some_and(|agent| agent.slots.is_empty());
        if is_idle {
            self.change_status(now, agent, Status::Offline);
        } else {
            self.set_next(agent, Some(Status::Offline));
        }
        Ok(())
    }

    /// Allowed to agents and supervisors alike, and only while no contact is in hand. A missed contact is put away by it.
    fn choose_status(&mut self, now: Now, agent: AgentNo, status: Status) -> Result<(), AgentRefusal> {
        self.known(&status)?;
        let Some(state) = self.agents.get(index(agent.0)) else { return Err(AgentRefusal::UnknownAgent) };
        let is_left_over = |slot: &Slot| matches!(slot.state, ContactState::Missed | ContactState::Error);
        if !state.slots.iter().all(is_left_over) {
            return Err(AgentRefusal::OnContact);
        }
        self.put_away(now, agent, is_left_over);
        self.change_status(now, agent, status);
        Ok(())
    }

    fn choose_next(&mut self, now: Now, agent: AgentNo, status: Option<Status>) -> Result<(), AgentRefusal> {
        let Some(state) = self.agents.get(index(agent.0)) else { return Err(AgentRefusal::UnknownAgent) };
        let Some(status) = status.filter(|status| *status != state.status) else {
            self.set_next(agent, None);
            return Ok(());
        };
        self.known(&status)?;
        let is_over =
            |slot: &Slot| matches!(slot.state, ContactState::Missed | ContactState::Error | ContactState::Ended);
        let is_done = state.slots.iter().all(is_over);
        self.set_next(agent, Some(status.clone()));
        if is_done {
            self.put_away(now, agent, is_over);
            self.change_status(now, agent, status);
        }
        Ok(())
    }

    fn clear(&mut self, now: Now, agent: AgentNo) -> Result<(), AgentRefusal> {
        let is_over =
            |slot: &Slot| matches!(slot.state, ContactState::Missed | ContactState::Error | ContactState::Ended);
        if self.put_away(now, agent, is_over) { Ok(()) } else { Err(AgentRefusal::NothingToClear) }
    }

    fn put_away(&mut self, now: Now, agent: AgentNo, which: impl Fn(&Slot) -> bool) -> bool {
        let slots = self.agents.get(index(agent.0)).map_or(&[][..], |agent| &agent.slots);
        let contacts: Vec<ContactId> = slots.iter().filter(|slot| which(slot)).map(|slot| slot.contact).collect();
        contacts.iter().for_each(|contact| self.clear_slot(now, agent, *contact));
        !contacts.is_empty()
    }

    fn known(&self, status: &Status) -> Result<(), AgentRefusal> {
        match status {
            Status::Custom(name) if !self.settings.statuses.contains(name) => Err(AgentRefusal::UnknownStatus),
            _ => Ok(()),
        }
    }

    fn set_next(&mut self, agent: AgentNo, status: Option<Status>) {
        let Some(state) = self.agents.get_mut(index(agent.0)).filter(|state| state.next != status) else { return };
        state.next = status.clone();
        self.refresh(agent);
        let agent = self.agent_name(agent);
        self.say(QueueOutput::Agent { agent, change: AgentChange::NextStatus(status) });
    }

    pub(super) fn change_status(&mut self, now: Now, agent: AgentNo, status: Status) {
        let idle = self.micros(now);
        self.set_next(agent, None);
        let Some(state) = self.agents.get_mut(index(agent.0)).filter(|state| state.status != status) else { return };
        state.status = status.clone();
        state.since = now.unix_millis();
        state.idle = idle;
        self.refresh(agent);
        let agent = self.agent_name(agent);
        self.say(QueueOutput::Agent { agent, change: AgentChange::Status(status) });
    }

    pub(super) fn set_state(&mut self, now: Now, agent: AgentNo, contact: ContactId, state: ContactState) {
        let Some(slot) = self.agents.get_mut(index(agent.0)).and_then(|agent| agent.slot(contact)) else { return };
        if slot.state == state {
            return;
        }
        slot.state = state;
        slot.since = now.unix_millis();
        if state == ContactState::Connected && slot.joined.is_none() {
            slot.joined = Some(now.instant);
        }
        self.refresh(agent);
        let agent = self.agent_name(agent);
        self.say(QueueOutput::Agent { agent, change: AgentChange::Contact { contact, state } });
    }

    /// The same conversation under another name, for those who watch too.
    pub(super) fn rename_slot(&mut self, number: AgentNo, contact: ContactId, heir: ContactId) {
        let Some(slot) = self.agents.get_mut(index(number.0)).and_then(|agent| agent.slot(contact)) else { return };
        slot.contact = heir;
        let state = slot.state;
        let agent = self.agent_name(number);
        self.say(QueueOutput::Agent { agent: agent.clone(), change: AgentChange::Cleared { contact } });
        self.say(QueueOutput::Agent { agent, change: AgentChange::Contact { contact: heir, state } });
    }

    /// The conversation, or the attempt at one, is over: work after it begins and ends by itself where that is configured.
    pub(super) fn finish_slot(&mut self, now: Now, agent: AgentNo, contact: ContactId) {
        self.set_state(now, agent, contact, ContactState::Ended);
        let plan = self.roster.agent(agent);
        let is_there = plan.is_some_and(|plan| plan.is_there);
        let Some(wrap_up) = plan.and_then(|plan| plan.settings.wrap_up).or((!is_there).then_some(Duration::ZERO))
        else {
            return;
        };
        if wrap_up.is_zero() || !is_there {
            return self.clear_slot(now, agent, contact);
        }
        let when = Some(now.instant + wrap_up);
        if let Some(slot) = self.agents.get_mut(index(agent.0)).and_then(|agent| agent.slot(contact)) {
            slot.when_cleared = when;
        }
        self.set_timer(when, Timer::WrapUp(agent, contact));
    }

    /// The agent is done with the contact; when it was the last one, the next status comes.
    pub(super) fn clear_slot(&mut self, now: Now, agent: AgentNo, contact: ContactId) {
        let idle = self.micros(now);
        let keeps_place = self.roster.agent(agent).is_some_and(|plan| plan.keeps_place_after_outbound);
        let Some(state) = self.agents.get_mut(index(agent.0)) else { return };
        let Some(at) = state.slots.iter().position(|slot| slot.contact == contact) else { return };
        let slot = state.slots.remove(at);
        // An offer that the customer gave up is no work; the agent stays where he was among those who are idle.
        let is_work = matches!(slot.state, ContactState::Ended | ContactState::Missed | ContactState::Error);
        if is_work && !(slot.origin == Origin::Outbound && keeps_place) {
            state.idle = idle;
        }
        let next = state.next.clone().filter(|_| state.slots.is_empty());
        self.drop_timer(slot.when_cleared, Timer::WrapUp(agent, contact));
        self.count_handling(now, agent, &slot);
        self.refresh(agent);
        let name = self.agent_name(agent);
        self.say(QueueOutput::Agent { agent: name, change: AgentChange::Cleared { contact } });
        if let Some(next) = next {
            self.change_status(now, agent, next);
        }
    }

    /// How long the agent had to do with a contact, for estimates of all the queues that he serves.
    fn count_handling(&mut self, now: Now, agent: AgentNo, slot: &Slot) {
        let Some(joined) = slot.joined.filter(|_| slot.origin != Origin::Outbound) else { return };
        let handled = now.instant.saturating_duration_since(joined);
        let duties = self.roster.agent(agent).map_or(Vec::new(), |plan| plan.duties.clone());
        for duty in duties {
            self.tally(Spot::Queue(duty.queue), |tally| tally.handling.add(handled));
        }
    }

    pub(super) fn reachable(&mut self, agent: &str, is_reachable: bool) {
        let Some(number) = self.roster.agent_number(agent) else { return };
        if let Some(own) = self.agents.get_mut(index(number.0)) {
            own.is_unreachable = !is_reachable;
        }
        self.refresh(number);
    }

    pub(super) fn outbound(&mut self, now: Now, agent: &str, call: CallId) {
        let Some(number) = self.roster.agent_number(agent) else { return };
        let contact = ContactId::Call(call);
        if self.waiters.contains_key(&contact) || self.dialled.contains_key(&contact) {
            return;
        }
        let (state, since) = (ContactState::Connecting, now.unix_millis());
        // Who has signed out calls as anybody does.
        let own = self.agents.get_mut(index(number.0)).filter(|own| own.status != Status::Offline);
        let Some(own) = own else { return };
        let (offer, origin) = (None, Origin::Outbound);
        own.slots.push(Slot { contact, offer, origin, state, since, when_cleared: None, joined: None });
        self.dialled.insert(contact, number);
        self.refresh(number);
        let agent = self.agent_name(number);
        self.say(QueueOutput::Agent { agent, change: AgentChange::Contact { contact, state } });
    }

    /// Whether whom the agent dialled has not answered yet.
    pub(super) fn is_connecting(&mut self, agent: AgentNo, contact: ContactId) -> bool {
        let slot = self.agents.get_mut(index(agent.0)).and_then(|agent| agent.slot(contact));
        slot.is_some_and(|slot| slot.state == ContactState::Connecting)
    }

    pub(super) fn outbound_answered(&mut self, now: Now, call: CallId) {
        let contact = ContactId::Call(call);
        if let Some(agent) = self.dialled.get(&contact).copied() {
            self.set_state(now, agent, contact, ContactState::Connected);
        }
    }

    /// Brings the sets up to date with one agent, and lets him look for a contact if he may be offered one now.
    pub(super) fn refresh(&mut self, number: AgentNo) {
        let Some(plan) = self.roster.agent(number) else { return };
        let Some(agent) = self.agents.get(index(number.0)) else { return };
        let is_there = plan.is_there;
        let is_routable = is_there && agent.is_routable(plan.slots);
        let is_staffed = is_there && agent.status == Status::Available;
        let is_away = is_there && matches!(agent.status, Status::Custom(_));
        let has = |activity| is_there && agent.has(activity);
        let flags = &mut self.flags;
        flags.routable.set(number.0, is_routable);
        flags.staffed.set(number.0, is_staffed);
        flags.away.set(number.0, is_away);
        flags.online.set(number.0, is_staffed || is_away);
        flags.busy.set(number.0, has(Activity::OnContact));
        flags.wrapping.set(number.0, has(Activity::AfterContactWork));
        flags.missed.set(number.0, has(Activity::Missed) || has(Activity::Error));
        if is_routable {
            self.fresh.insert((agent.idle, number));
        }
    }

    /// As many agents as the roster has; the new ones begin with the status that is configured for them.
    pub(super) fn seat_agents(&mut self, now: Now, before: &[bool]) {
        self.agents.resize_with(self.roster.agents.len(), Agent::default);
        for (at, was_there) in (0..self.roster.agents.len()).zip(before.iter().copied().chain(std::iter::repeat(false)))
        {
            let number = AgentNo(u32::try_from(at).unwrap_or(u32::MAX));
            let Some(plan) = self.roster.agents.get(at) else { continue };
            if plan.is_there && !was_there {
                let first = plan.settings.first_status.clone();
                self.change_status(now, number, first);
            } else if !plan.is_there && was_there {
                self.change_status(now, number, Status::Offline);
            }
            self.refresh(number);
        }
    }
}
