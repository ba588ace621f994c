//! A caller who waits for an agent: the queue's flow, the agent's leg, both whispers, the join. Chooses no agent.

use crate::base::cause::{Cause, Fault};
use crate::base::id::LegId;
use crate::base::now::earliest;
use crate::domain::call::dialler::{Blame, Dialler};
use crate::domain::call::interface::{CallEvent, CallOutput, QueueWord, Stage};
use crate::domain::call::invite::Offered;
use crate::domain::call::parts::Parts;
use crate::domain::call::phase::{Answer, Phase};
use crate::domain::call::serving::attendant::Attendant;
use crate::domain::call::serving::grant::Granted;
use crate::domain::call::serving::news::Slip;
use crate::domain::call::serving::offering::Offers;
use crate::domain::call::serving::taking_over::customer_of;
use crate::domain::call::serving::{Serving, caller, calling_back, sounding};
use crate::domain::flow::act::Role;
use crate::domain::flow::definition::Flow;
use crate::domain::flow::interface::{FlowInput, QueueOrder, QueueOutcome, Ticket};
use crate::domain::flow::memory::QueueName;
use crate::domain::flow::value::Value;
use crate::domain::leg::event::LegEvent;
use crate::domain::queue::from_flow;
use crate::domain::queue::interface::{
    ContactId, Offer, OfferAnswer, OfferId, Place, QueueInput, QueueOutput, Rank, Withdrawal,
};
use crate::domain::queue::settings::QueueFlows;
use crate::media::command::SourceId;
use std::sync::Arc;
use std::time::Instant;

pub struct Queued {
    /// The wish that the queue answers to.
    ticket: Option<Ticket>,
    pub stage: Waits,
    /// Flows of the queue, for what the call chose none of its own.
    flows: QueueFlows,
    agent: Option<Box<Called>>,
    /// What is heard where the queue has no flow.
    music: Option<SourceId>,
    /// The age that the queue was told.
    age: i64,
    /// It waits for one agent, to whom a flow gives it and has nothing more to do.
    pub is_handing: bool,
    /// Agents of an engine's choice, one after the other.
    pub offers: Option<Box<Offers>>,
}

/// How far the caller is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Waits {
    /// The queue has not answered yet.
    Asking,
    Waiting,
    /// Hears the whisper before an agent.
    Whisper(OfferId),
    /// Talks with an agent.
    Joined,
}

/// The agent to whom the caller is being offered.
struct Called {
    offer: OfferId,
    flows: QueueFlows,
    dialler: Dialler,
    answered: Option<LegId>,
    whisper: Option<Attendant>,
}

impl Queued {
    /// A callback: it has waited, and an agent is about to be called for it.
    pub fn of_callback(flows: QueueFlows) -> Queued {
        Queued {
            ticket: None,
            stage: Waits::Waiting,
            flows,
            agent: None,
            music: None,
            age: 0,
            is_handing: false,
            offers: None,
        }
    }

    /// An agent who came from another call.
    pub fn joined() -> Queued {
        Queued { stage: Waits::Joined, ..Queued::of_callback(QueueFlows::default()) }
    }

    pub fn source(&self) -> Option<SourceId> {
        self.music
    }

    /// What the agent hears before the join, or whoever is held.
    pub fn whisper(&self) -> Option<(LegId, SourceId)> {
        let whisper = self.agent.as_ref()?.whisper.as_ref()?;
        Some((whisper.ear, whisper.sounding.source()?))
    }

    pub fn deadline(&self) -> Option<Instant> {
        let offers = self.offers.as_ref().filter(|_| self.stage != Waits::Joined).and_then(|offers| offers.deadline());
        let Some(agent) = self.agent.as_ref() else { return offers };
        let own = earliest(agent.dialler.deadline(), agent.whisper.as_ref().and_then(Attendant::deadline));
        earliest(own, offers)
    }

    /// Whether an agent is being offered the caller just now.
    pub fn is_ringing(&self) -> bool {
        self.agent.is_some()
    }

    pub fn take_music(&mut self) -> Option<SourceId> {
        self.music.take()
    }
}

pub(super) fn tell(parts: &mut Parts, input: QueueInput) {
    parts.outputs.push_back(CallOutput::Queue(Box::new(input)));
}

fn contact(parts: &Parts) -> ContactId {
    ContactId::Call(parts.wire.call)
}

impl Serving {
    /// The flow sends its caller to wait, or to wait elsewhere.
    pub(super) fn queue(&mut self, parts: &mut Parts, ticket: Ticket, order: &QueueOrder) {
        let contact = contact(parts);
        if order.is_move
            && let Some(queued) = &mut self.queued
        {
            queued.ticket = Some(ticket);
            return tell(parts, QueueInput::Move { contact, place: Place::from(&order.queue) });
        }
        match from_flow::arrival(parts.wire.call, order, customer_of(parts).1) {
            Ok(mut arrival) => {
                arrival.is_transfer = self.script.toward.is_some();
                let offers = match arrival.place {
                    Place::Agent(_) => self.engaged.as_mut().and_then(|engaged| engaged.offers.take()),
                    Place::Queue(_) => None,
                };
                self.queued = Some(Box::new(Queued {
                    ticket: Some(ticket),
                    stage: Waits::Asking,
                    flows: QueueFlows::default(),
                    agent: None,
                    music: None,
                    age: order.age,
                    is_handing: false,
                    offers,
                }));
                tell(parts, QueueInput::Enter(Box::new(arrival)));
            }
            Err(fault) => {
                parts.say(format!("no queue is asked: {fault}"));
                self.feed(parts, FlowInput::Queued { ticket, outcome: QueueOutcome::Refused });
            }
        }
    }

    /// Into an agent's own queue; the flow has done its part once the caller waits there.
    pub(super) fn queue_for(&mut self, parts: &mut Parts, ticket: Ticket, agent: Box<str>) {
        let (priority, age) = (self.attendant.memory().priority, self.attendant.memory().age);
        let queue = QueueName::Agent(agent);
        self.queue(parts, ticket, &QueueOrder { queue, is_move: false, priority, age, criteria: Value::Null });
        if let Some(queued) = &mut self.queued {
            queued.is_handing = true;
        }
    }

    /// What came of the flow's wish to wait.
    fn tell_flow(&mut self, parts: &Parts, ticket: Ticket, outcome: QueueOutcome) {
        let is_handing = self.queued.as_ref().is_some_and(|queued| queued.is_handing);
        self.feed(
            parts,
            match is_handing {
                true => FlowInput::Done { ticket, ok: outcome == QueueOutcome::Accepted },
                false => FlowInput::Queued { ticket, outcome },
            },
        );
    }

    /// A priority or age that holds at once.
    pub(super) fn rank(&mut self, parts: &mut Parts, priority: u8, age: i64) {
        let Some(queued) = &mut self.queued else { return };
        let rank = Rank { priority: Some(priority), age: age.saturating_sub(queued.age) };
        queued.age = age;
        tell(parts, QueueInput::Rank { contact: contact(parts), rank });
    }

    /// What the queues say.
    pub fn on_queue(mut self: Box<Self>, parts: &mut Parts, word: QueueWord) -> Phase {
        if let QueueOutput::Dial { offer, .. } = word.said {
            return self.call_customer(parts, offer, word);
        }
        let QueueWord { said, flows, stages, .. } = word;
        match said {
            QueueOutput::Entered { place, position, .. } => self.entered(parts, (&place, position), flows),
            QueueOutput::Refused { why, .. } => {
                parts.say(format!("the queue refuses: {}", why.name()));
                let ticket = self.queued.as_mut().and_then(|queued| queued.ticket.take());
                if let Some(ticket) = ticket {
                    self.tell_flow(parts, ticket, from_flow::outcome(why));
                }
                self.queued.take_if(|queued| queued.stage == Waits::Asking);
                if ticket.is_none() {
                    self.offers_refused(parts, why);
                }
            }
            QueueOutput::Offer(offer) => self.ring(parts, &offer, (flows, stages)),
            QueueOutput::Withdraw { offer, agent, why, .. } => {
                parts.say(format!("{agent} is not offered the call any more: {why:?}"));
                self.drop_agent(parts, offer);
                if self.promise.is_some() {
                    let (cause, fault) = calling_back::end_of(why);
                    return self.end(parts, cause, fault);
                }
                if matches!(why, Withdrawal::TimedOut | Withdrawal::Rejected | Withdrawal::Unreachable) {
                    self.next_offer(parts);
                }
            }
            QueueOutput::Left { .. } if self.has_offers() => return self.offers_over(parts),
            QueueOutput::Scheduled { callback, .. } => self.scheduled(parts, callback),
            QueueOutput::NotScheduled { why, .. } => self.not_scheduled(parts, why),
            QueueOutput::StartAgentWhisper { offer, agent, .. } => self.whisper_to_agent(parts, offer, &agent),
            QueueOutput::Dequeued { agent, .. } => {
                parts.say(format!("taken out of the queue for {agent}"));
                self.stop_waiting(parts);
            }
            QueueOutput::StartCustomerWhisper { offer, .. } => return self.whisper_to_caller(parts, offer),
            QueueOutput::Join { offer, agent, .. } => return self.join_agent(parts, offer, &agent),
            QueueOutput::Requeued { .. } if self.attendant.has_ended() => return self.wait(parts),
            QueueOutput::Requeued { .. } => {}
            QueueOutput::HangUp { why, .. } => {
                parts.say(format!("the wait ends: {why:?}"));
                return self.end(parts, Cause::TemporarilyUnavailable, Fault::Ours);
            }
            QueueOutput::Expelled { .. } => {
                parts.say("the queue is not in the configuration any more");
                self.queued = None;
                return self.end(parts, Cause::TemporarilyUnavailable, Fault::Ours);
            }
            QueueOutput::CriteriaStep { step, status, .. } => {
                parts.say(format!("step {} of the criteria: {}", step + 1, status.name()));
            }
            _ => {}
        }
        self.go_on(parts)
    }

    fn entered(&mut self, parts: &mut Parts, (place, position): (&Place, usize), flows: QueueFlows) {
        let Some(queued) = &mut self.queued else { return };
        parts.say(match place {
            Place::Queue(name) => format!("waits in queue {name}, place {position}"),
            Place::Agent(name) => format!("waits in the queue of {name}, place {position}"),
        });
        queued.flows = flows;
        if queued.stage == Waits::Asking {
            queued.stage = Waits::Waiting;
        }
        let ticket = queued.ticket.take();
        self.offers_wait(parts);
        if let Some(ticket) = ticket {
            self.tell_flow(parts, ticket, QueueOutcome::Accepted);
        }
    }

    /// What the call chose, else what its queue names, else the house's own of that name, if it has one.
    pub(super) fn flow_named(&self, role: Role, of_queue: Option<&Arc<str>>) -> Option<Arc<Flow>> {
        let chosen = self.attendant.memory().flow_for(role).or(of_queue.map(|name| &**name));
        let name = chosen.or(role.default_flow())?;
        self.script.book.find(name).filter(|flow| role.fits(flow.kind)).cloned()
    }

    /// A flow for somebody else than the caller, beside the caller's own.
    pub(super) fn set_aside(&mut self, attendant: Attendant) {
        if let Some(agent) = self.called() {
            agent.whisper = Some(attendant);
        }
    }

    /// Whoever was held hears that flow no more.
    pub(super) fn end_hold(&mut self, parts: &mut Parts) {
        if let Some(mut whisper) = self.called().and_then(|agent| agent.whisper.take()) {
            whisper.leave(parts);
        }
    }

    /// The flow that is heard while waiting begins; without one it rings.
    pub(super) fn wait(mut self: Box<Self>, parts: &mut Parts) -> Phase {
        if self.queued.as_ref().is_some_and(|queued| queued.music.is_some()) {
            return Phase::Serving(self);
        }
        let of_queue = self.queued.as_ref().and_then(|queued| queued.flows.waiting.clone());
        match self.flow_named(Role::CustomerQueue, of_queue.as_ref()) {
            Some(flow) => {
                let memory = self.attendant.take_memory();
                self.attendant.leave(parts);
                self.attendant = Attendant::begin(parts, (&self.script.book, &flow), memory, parts.served);
                self.go_on(parts)
            }
            None => {
                self.attendant.close();
                self.open_early(parts);
                let music = sounding::ring(parts);
                if let Some(queued) = &mut self.queued {
                    queued.music = Some(music);
                }
                Phase::Serving(self)
            }
        }
    }

    /// The queue's flow has no part in what comes.
    fn stop_waiting(&mut self, parts: &mut Parts) {
        if let Some(music) = self.queued.as_mut().and_then(|queued| queued.music.take()) {
            parts.stop_playing(music);
        }
        self.feed(parts, FlowInput::Stop);
        while let Some(wish) = self.attendant.next_wish() {
            self.grant(parts, wish);
        }
        self.attendant.leave(parts);
    }

    fn ring(&mut self, parts: &mut Parts, offer: &Offer, (flows, stages): (QueueFlows, Vec<Stage>)) {
        parts.say(format!("offered to {}", offer.agent));
        self.feed(parts, FlowInput::Offer { is_open: true });
        let Some(queued) = &mut self.queued else { return };
        let mut dialler = Dialler::new(stages, Offered::Ours);
        dialler.identity = self.promise.as_ref().map(|promise| promise.shown());
        dialler.answers_itself = offer.auto_accept;
        let nothing = dialler.advance(parts);
        queued.agent = Some(Box::new(Called { offer: offer.id, flows, dialler, answered: None, whisper: None }));
        self.unless(parts, nothing);
    }

    /// Nothing is left to ring: the agent said no, or could not be reached.
    fn unless(&mut self, parts: &mut Parts, nothing_left: Option<Blame>) {
        let Some(blame) = nothing_left else { return };
        let Some(offer) = self.offer() else { return };
        let is_no = matches!(blame.failure.cause, Cause::Busy | Cause::Declined | Cause::NoAnswer);
        let answer = if is_no { OfferAnswer::Rejected } else { OfferAnswer::Unreachable };
        tell(parts, QueueInput::Answer { offer, answer });
    }

    fn offer(&self) -> Option<OfferId> {
        self.queued.as_ref().and_then(|queued| queued.agent.as_ref()).map(|agent| agent.offer)
    }

    /// The agent's phone stops ringing, or his leg ends.
    fn drop_agent(&mut self, parts: &mut Parts, offer: OfferId) {
        self.feed(parts, FlowInput::Offer { is_open: false });
        let Some(queued) = &mut self.queued else { return };
        let Some(mut agent) = queued.agent.take_if(|agent| agent.offer == offer) else { return };
        if matches!(queued.stage, Waits::Whisper(_)) {
            queued.stage = Waits::Waiting;
            self.stop_waiting(parts);
        }
        agent.dialler.give_up(parts, agent.answered, Cause::Cancelled);
        if let Some(whisper) = &mut agent.whisper {
            whisper.leave(parts);
        }
        if let Some(leg) = agent.answered {
            parts.hang_up(leg, Cause::Normal);
        }
    }

    pub(super) fn agent_leg(&self) -> Option<LegId> {
        self.queued.as_ref()?.agent.as_ref()?.answered
    }

    fn called(&mut self) -> Option<&mut Called> {
        self.queued.as_mut()?.agent.as_deref_mut()
    }

    /// Whether what happens at this leg happens at an agent.
    pub(super) fn is_agent(&self, leg: LegId) -> bool {
        let agent = self.queued.as_ref().and_then(|queued| queued.agent.as_ref());
        agent.is_some_and(|agent| agent.answered == Some(leg) || agent.dialler.is_dialling(leg))
    }

    pub(super) fn on_agent(mut self: Box<Self>, parts: &mut Parts, leg: LegId, event: LegEvent) -> Phase {
        let Some(agent) = self.called() else { return self.go_on(parts) };
        let offer = agent.offer;
        match event {
            LegEvent::Answered { .. } if agent.answered.is_none() => {
                agent.answered = Some(leg);
                agent.dialler.give_up(parts, Some(leg), Cause::Normal);
                parts.event(CallEvent::Answered { leg });
                tell(parts, QueueInput::Answer { offer, answer: OfferAnswer::Accepted });
            }
            LegEvent::Progressed { message, .. } if message.status() == 180 => {
                parts.event(CallEvent::Ringing { leg });
            }
            LegEvent::Failed(failure) => {
                let nothing = agent.dialler.on_failed(parts, leg, failure);
                self.unless(parts, nothing);
            }
            LegEvent::Ended { .. } if agent.answered == Some(leg) => {
                agent.answered = None;
                tell(parts, QueueInput::AgentGone { offer });
            }
            event @ LegEvent::Offered { .. } if agent.answered == Some(leg) => caller::on_event(parts, leg, event),
            _ => {}
        }
        self.go_on(parts)
    }

    pub(super) fn on_agent_answer(mut self: Box<Self>, parts: &mut Parts, leg: LegId, answer: Answer) -> Phase {
        if let Some(agent) = self.called() {
            let nothing = agent.dialler.on_answer(parts, leg, answer);
            self.unless(parts, nothing);
        }
        self.go_on(parts)
    }

    /// Also what the agent's whisper waits for.
    pub(super) fn on_queue_deadline(&mut self, parts: &mut Parts) {
        self.offers_due(parts);
        let now = parts.wire.now;
        let Some(agent) = self.called() else { return };
        if agent.dialler.deadline().is_some_and(|when| when <= now.instant) {
            let nothing = agent.dialler.handle_deadline(parts);
            self.unless(parts, nothing);
        }
        self.in_whisper(parts, |serving, parts| {
            let now = parts.wire.now;
            if let Some(heard) = serving.attendant.sounding.handle_deadline(now) {
                serving.feed(parts, FlowInput::Played { ticket: heard.ticket, ok: heard.ok });
            }
            serving.attendant.handle_deadline(now);
        });
    }

    fn whisper_to_agent(&mut self, parts: &mut Parts, offer: OfferId, name: &str) {
        let of_queue = self.called().and_then(|agent| agent.flows.agent_whisper.clone());
        let flow = self.flow_named(Role::AgentWhisper, of_queue.as_ref());
        let mut memory = self.attendant.take_memory();
        memory.is_answered = true;
        memory.know("Agent", Value::map([("UserName", Value::text(name))]));
        let book = Arc::clone(&self.script.book);
        let Some(agent) = self.called() else { return };
        let (Some(leg), Some(flow)) = (agent.answered, flow) else {
            return tell(parts, QueueInput::AgentWhispered { offer });
        };
        agent.whisper = Some(Attendant::begin(parts, (&book, &flow), memory, leg));
        self.in_whisper(parts, |_, _| {});
    }

    /// Does something as the one who whispers to the agent, and grants what that flow wishes then.
    pub(super) fn in_whisper(&mut self, parts: &mut Parts, act: impl FnOnce(&mut Serving, &mut Parts)) {
        let Some(agent) = self.called() else { return };
        let (offer, Some(mut whisper)) = (agent.offer, agent.whisper.take()) else { return };
        std::mem::swap(&mut self.attendant, &mut whisper);
        act(self, parts);
        let mut has_ended = false;
        while let Some(wish) = self.attendant.next_wish() {
            has_ended |= matches!(self.grant(parts, wish), Granted::Ended(_));
        }
        std::mem::swap(&mut self.attendant, &mut whisper);
        if has_ended {
            whisper.leave(parts);
            // A hold may end, or break, and is a hold all the same.
            if self.held().is_none() {
                tell(parts, QueueInput::AgentWhispered { offer });
            }
            return;
        }
        if let Some(agent) = self.called() {
            agent.whisper = Some(whisper);
        }
    }

    /// Whether an answer from outside is for the agent's whisper.
    pub(super) fn is_for_whisper(&self, slip: Slip) -> bool {
        let agent = self.queued.as_ref().and_then(|queued| queued.agent.as_ref());
        agent.and_then(|agent| agent.whisper.as_ref()).is_some_and(|whisper| whisper.is_for(slip))
    }

    fn whisper_to_caller(mut self: Box<Self>, parts: &mut Parts, offer: OfferId) -> Phase {
        let is_callback = self.promise.is_some();
        let of_queue = self.called().and_then(|agent| match is_callback {
            true => agent.flows.outbound_whisper.clone(),
            false => agent.flows.customer_whisper.clone(),
        });
        let role = if is_callback { Role::OutboundWhisper } else { Role::CustomerWhisper };
        let Some(flow) = self.flow_named(role, of_queue.as_ref()) else {
            tell(parts, QueueInput::CustomerWhispered { offer });
            return self.go_on(parts);
        };
        if let Some(queued) = &mut self.queued {
            queued.stage = Waits::Whisper(offer);
        }
        let memory = self.attendant.take_memory();
        self.attendant = Attendant::begin(parts, (&self.script.book, &flow), memory, parts.served);
        self.go_on(parts)
    }

    /// The caller's whisper has ended.
    pub(super) fn whispered(&mut self, parts: &mut Parts, offer: OfferId) {
        if let Some(queued) = &mut self.queued {
            queued.stage = Waits::Waiting;
        }
        tell(parts, QueueInput::CustomerWhispered { offer });
    }

    fn join_agent(mut self: Box<Self>, parts: &mut Parts, offer: OfferId, name: &str) -> Phase {
        let agent = self.called().filter(|agent| agent.offer == offer).and_then(|agent| agent.answered);
        let Some(leg) = agent else { return self.go_on(parts) };
        parts.say(format!("joined to {name}"));
        self.stop_waiting(parts);
        self.end_hold(parts);
        if let Some(queued) = &mut self.queued {
            queued.stage = Waits::Joined;
            queued.agent = None;
        }
        self.attendant.memory_mut().know("Agent", Value::map([("UserName", Value::text(name))]));
        match self.answer(parts, None) {
            Ok(()) => self.join(parts, leg, false),
            Err((cause, fault)) => self.end(parts, cause, fault),
        }
    }

    /// The caller waits no more, or talks with no agent any more, for whatever reason.
    pub(super) fn leave_queue(&mut self, parts: &mut Parts) {
        let Some(mut queued) = self.queued.take() else { return };
        if let Some(music) = queued.music.take() {
            parts.stop_playing(music);
        }
        let agent = queued.agent.take();
        if let Some(mut agent) = agent {
            agent.dialler.give_up(parts, agent.answered, Cause::Cancelled);
            if let Some(whisper) = &mut agent.whisper {
                whisper.leave(parts);
            }
            if let Some(leg) = agent.answered {
                parts.hang_up(leg, Cause::Normal);
            }
        }
        let gone = match &self.promise {
            Some(promise) => promise.broken_off(),
            None => QueueInput::Gone { contact: contact(parts) },
        };
        tell(parts, gone);
    }
}
