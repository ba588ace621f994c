//! The queues: who waits, who serves, and the one owner of both. Opens no leg, plays nothing, reads no clock.

use super::agent::Agent;
use super::bits::Bits;
use super::callback::CallbackId;
use super::calling_back::Owed;
use super::interface::{ContactId, OfferId, Place, QueueInput, QueueOutput, QueueRefusal};
use super::last_agents::LastAgents;
use super::roster::{AgentNo, QueueNo, Roster, index};
use super::settings::Settings;
use super::tally::Tally;
use super::waiter::{Deal, Stage, Waiter};
use super::waiting::Room;
use crate::base::machine::Machine;
use crate::base::now::Now;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A place where contacts wait, as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Spot {
    Queue(QueueNo),
    Agent(AgentNo),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// The agent's answer, a whisper or a dial is due.
    Deal(OfferId),
    /// The contact has waited long enough for more agents.
    Ripe(ContactId),
    /// A step of the contact's criteria expires.
    Step(ContactId),
    WrapUp(AgentNo, ContactId),
    /// A callback's time has come, or it is owed no longer.
    Callback(CallbackId),
}

/// Which agents are what; kept beside the agents so that counting and choosing are operations on words.
#[derive(Debug, Default)]
pub(super) struct Flags {
    pub routable: Bits,
    pub staffed: Bits,
    pub online: Bits,
    pub away: Bits,
    pub busy: Bits,
    pub wrapping: Bits,
    pub missed: Bits,
}

/// All queues and all agents of one daemon.
pub struct Queues {
    pub(super) origin: Now,
    pub(super) settings: Arc<Settings>,
    pub(super) roster: Roster,
    pub(super) rooms: Vec<Room>,
    pub(super) agent_rooms: Vec<Room>,
    pub(super) tallies: Vec<Tally>,
    pub(super) agents: Vec<Agent>,
    pub(super) flags: Flags,
    pub(super) waiters: BTreeMap<ContactId, Waiter>,
    pub(super) offers: BTreeMap<OfferId, ContactId>,
    pub(super) callbacks: BTreeMap<CallbackId, Owed>,
    /// Who dialled which call.
    pub(super) dialled: BTreeMap<ContactId, AgentNo>,
    pub(super) last_agents: LastAgents,
    pub(super) closed: BTreeSet<Arc<str>>,
    pub(super) agenda: BTreeSet<(Instant, Timer)>,
    /// Agents who may be offered something since the last look, the longest idle first.
    pub(super) fresh: BTreeSet<(i64, AgentNo)>,
    /// Contacts that may be offered to somebody since the last look.
    pub(super) restless: BTreeSet<ContactId>,
    pub(super) outputs: VecDeque<QueueOutput>,
    next_offer: u64,
    pub(super) next_turn: u64,
    pub(super) next_callback: u64,
}

impl Queues {
    /// Queues without anybody. `first_callback` is above every number that was ever given to a callback.
    pub fn new(now: Now, first_callback: u64) -> Queues {
        Queues {
            origin: now,
            settings: Arc::default(),
            roster: Roster::default(),
            rooms: Vec::new(),
            agent_rooms: Vec::new(),
            tallies: Vec::new(),
            agents: Vec::new(),
            flags: Flags::default(),
            waiters: BTreeMap::new(),
            offers: BTreeMap::new(),
            callbacks: BTreeMap::new(),
            dialled: BTreeMap::new(),
            last_agents: LastAgents::default(),
            closed: BTreeSet::new(),
            agenda: BTreeSet::new(),
            fresh: BTreeSet::new(),
            restless: BTreeSet::new(),
            outputs: VecDeque::new(),
            next_offer: 1,
            next_turn: 1,
            next_callback: first_callback,
        }
    }

    /// Milliseconds since the origin.
    pub(super) fn at(&self, now: Now) -> i64 {
        let since = now.instant.saturating_duration_since(self.origin.instant);
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    /// The same for a time of day, which may lie before the origin.
    pub(super) fn at_wall(&self, unix_millis: u64) -> i64 {
        let wide = |millis: u64| i64::try_from(millis).unwrap_or(i64::MAX);
        wide(unix_millis).saturating_sub(wide(self.origin.unix_millis()))
    }

    pub(super) fn micros(&self, now: Now) -> i64 {
        let since = now.instant.saturating_duration_since(self.origin.instant);
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }

    pub(super) fn say(&mut self, output: QueueOutput) {
        self.outputs.push_back(output);
    }

    pub(super) fn refuse(&mut self, contact: ContactId, why: QueueRefusal) {
        self.say(QueueOutput::Refused { contact, why });
    }

    pub(super) fn set_timer(&mut self, at: Option<Instant>, timer: Timer) {
        if let Some(at) = at {
            self.agenda.insert((at, timer));
        }
    }

    pub(super) fn drop_timer(&mut self, at: Option<Instant>, timer: Timer) {
        if let Some(at) = at {
            self.agenda.remove(&(at, timer));
        }
    }

    pub(super) fn new_offer(&mut self) -> OfferId {
        let id = OfferId(self.next_offer);
        self.next_offer += 1;
        id
    }

    pub(super) fn spot(&self, place: &Place) -> Result<Spot, QueueRefusal> {
        match place {
            Place::Queue(name) => self.roster.queue_number(name).map(Spot::Queue).ok_or(QueueRefusal::UnknownQueue),
            Place::Agent(name) => self.roster.agent_number(name).map(Spot::Agent).ok_or(QueueRefusal::UnknownAgent),
        }
    }

    pub(super) fn place(&self, spot: Spot) -> Place {
        match spot {
            Spot::Queue(number) => {
                Place::Queue(self.roster.queue(number).map_or_else(|| "".into(), |queue| queue.settings.name.clone()))
            }
            Spot::Agent(number) => Place::Agent(self.agent_name(number)),
        }
    }

    pub(super) fn agent_name(&self, agent: AgentNo) -> Arc<str> {
        self.roster.agent(agent).map_or_else(|| "".into(), |plan| plan.settings.name.clone())
    }

    pub(super) fn room(&mut self, spot: Spot) -> Option<&mut Room> {
        match spot {
            Spot::Queue(number) => self.rooms.get_mut(index(number.0)),
            Spot::Agent(number) => self.agent_rooms.get_mut(index(number.0)),
        }
    }

    pub(super) fn room_of(&self, spot: Spot) -> Option<&Room> {
        match spot {
            Spot::Queue(number) => self.rooms.get(index(number.0)),
            Spot::Agent(number) => self.agent_rooms.get(index(number.0)),
        }
    }

    /// The counters of a queue; those of agents' own queues are not kept.
    pub(super) fn tally(&mut self, spot: Spot, count: impl FnOnce(&mut Tally)) {
        let Spot::Queue(number) = spot else { return };
        if let Some(tally) = self.tallies.get_mut(index(number.0)) {
            count(tally);
        }
    }

    /// The deal of an offer, if it stands in one of these stages.
    pub(super) fn deal(&self, offer: OfferId, stages: &[Stage]) -> Option<(ContactId, Deal)> {
        let contact = *self.offers.get(&offer)?;
        let deal = self.waiters.get(&contact)?.deal?;
        (deal.offer == offer && stages.contains(&deal.stage)).then_some((contact, deal))
    }

    fn take(&mut self, now: Now, input: QueueInput) {
        match input {
            QueueInput::Settings(settings) => self.replace(now, settings),
            QueueInput::Hours { name, is_open } => {
                if is_open {
                    self.closed.remove(&name);
                } else {
                    self.closed.insert(name);
                }
            }
            QueueInput::Enter(arrival) => self.enter(now, *arrival),
            QueueInput::Move { contact, place } => self.move_on(now, contact, &place),
            QueueInput::Leave { contact } => self.leave(now, contact),
            QueueInput::Gone { contact } => self.gone(now, contact),
            QueueInput::Rank { contact, rank } => self.set_rank(now, contact, rank),
            QueueInput::Criteria { contact, criteria } => self.set_criteria(now, contact, criteria),
            QueueInput::Answer { offer, answer } => self.answered(now, offer, answer),
            QueueInput::AgentWhispered { offer } => self.agent_whispered(now, offer),
            QueueInput::CustomerWhispered { offer } => self.customer_whispered(now, offer),
            QueueInput::AgentGone { offer } => self.agent_gone(now, offer),
            QueueInput::Dialled { offer, outcome } => self.dialled(now, offer, outcome),
            QueueInput::Held { contact, is_held } => self.held(now, contact, is_held),
            QueueInput::Ended { contact } => self.ended(now, contact),
            QueueInput::GoOn { contact, heir } => self.go_on(now, contact, heir),
            QueueInput::Reachable { agent, is_reachable } => self.reachable(&agent, is_reachable),
            QueueInput::Outbound { agent, call } => self.outbound(now, &agent, call),
            QueueInput::OutboundAnswered { call } => self.outbound_answered(now, call),
            QueueInput::Schedule(order) => self.schedule(now, *order),
            QueueInput::Restore { callbacks, next } => {
                self.next_callback = self.next_callback.max(next);
                self.restore(now, callbacks);
            }
        }
    }

    fn fire(&mut self, now: Now, timer: Timer) {
        match timer {
            Timer::Deal(offer) => self.deal_is_late(now, offer),
            Timer::Ripe(contact) => self.ripen(now, contact),
            Timer::Step(contact) => self.step_expired(now, contact),
            Timer::WrapUp(agent, contact) => self.clear_slot(now, agent, contact),
            Timer::Callback(callback) => self.callback_is_due(now, callback),
        }
    }
}

impl Machine for Queues {
    type Input = QueueInput;
    type Output = QueueOutput;

    fn handle_input(&mut self, now: Now, input: QueueInput) {
        self.take(now, input);
        self.settle(now);
    }

    fn handle_deadline(&mut self, now: Now) {
        while let Some((at, timer)) = self.agenda.first().copied() {
            if at > now.instant {
                break;
            }
            self.agenda.remove(&(at, timer));
            self.fire(now, timer);
        }
        self.settle(now);
    }

    fn poll_output(&mut self) -> Option<QueueOutput> {
        self.outputs.pop_front()
    }

    fn deadline(&self) -> Option<Instant> {
        self.agenda.first().map(|(at, _)| *at)
    }
}

/// How long from `entered`, in milliseconds since the origin, until `at`.
pub(super) fn span(entered: i64, at: i64) -> Duration {
    Duration::from_millis(u64::try_from(at.saturating_sub(entered)).unwrap_or(0))
}
