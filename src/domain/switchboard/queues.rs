//! Between calls that wait and the queues: what calls say goes in, what the queues decide goes to the calls, agents' phones
//! are looked up on the way. Decides no order.

use crate::base::cause::Cause;
use crate::base::e164::E164;
use crate::base::id::CallId;
use crate::base::machine::Machine;
use crate::base::now::Now;
use crate::domain::call::interface::{CallInput, QueueWord, Stage};
use crate::domain::dialplan::lookup::Asker;
use crate::domain::flow::act::{Act, QueueOf};
use crate::domain::flow::check;
use crate::domain::flow::definition::{Flow, FlowOptions, Kind, Outcome};
use crate::domain::flow::draft::{FlowDraft, StepDraft};
use crate::domain::flow::interface::Answer;
use crate::domain::flow::memory::QueueName;
use crate::domain::flow::template::Template;
use crate::domain::queue::from_flow;
use crate::domain::queue::interface::{
    AgentCommand, AgentRefusal, By, ContactId, Offer, OfferAnswer, Place, QueueInput, QueueOutput,
};
use crate::domain::queue::queues::Queues;
use crate::domain::queue::settings::{QueueFlows, Reach};
use crate::domain::switchboard::board::Switchboard;
use crate::domain::switchboard::callbacks::word;
use crate::domain::switchboard::interface::SwitchboardEvent;
use crate::domain::switchboard::routing::Ask;
use crate::domain::trunk::identity::Dialled;
use std::sync::Arc;
use std::time::Duration;

/// A phone rings a little longer than its agent may take, so that it is the queue that says when it is over.
pub(super) const LONGER: Duration = Duration::from_secs(5);

impl Switchboard {
    pub fn queues(&self) -> &Queues {
        &self.queues
    }

    /// Whose phone that is.
    pub(super) fn agent_at(&self, phone: &str) -> Option<Arc<str>> {
        let agents = &self.index.exchange.queues.agents;
        let own = agents.iter().find(|agent| matches!(&agent.reach, Reach::Phone(name) if **name == *phone));
        own.map(|agent| agent.name.clone())
    }

    /// An agent's phone calls somebody: the agent is busy meanwhile.
    pub(super) fn agent_calls(&mut self, now: Now, call: CallId, phone: &str) {
        if let Some(agent) = self.agent_at(phone) {
            self.queue_input(now, QueueInput::Outbound { agent, call });
        }
    }

    /// A phone has registered, or is gone.
    pub(super) fn agent_phone_changed(&mut self, now: Now, phone: &str) {
        if let Some(agent) = self.agent_at(phone) {
            let is_reachable = self.bindings.is_registered(phone);
            self.queue_input(now, QueueInput::Reachable { agent, is_reachable });
        }
    }

    /// After agents were configured: which of them have a phone that is there. Desk and mobile phones always are.
    pub(super) fn look_for_phones(&mut self, now: Now) {
        let index = self.index.clone();
        for agent in &index.exchange.queues.agents {
            if let Reach::Phone(phone) = &agent.reach {
                let is_reachable = self.bindings.is_registered(phone);
                self.queue_input(now, QueueInput::Reachable { agent: agent.name.clone(), is_reachable });
            }
        }
    }

    /// What an agent or a supervisor says.
    pub fn handle_agent(&mut self, now: Now, agent: &str, command: AgentCommand, by: By) -> Result<(), AgentRefusal> {
        let outcome = self.queues.handle_command(now, agent, command, by);
        self.tell_queued(now);
        outcome
    }

    pub(super) fn queue_input(&mut self, now: Now, input: QueueInput) {
        self.queues.handle_input(now, input);
        self.tell_queued(now);
    }

    /// Whatever the call did not say itself: who is gone waits no more, and who talked does so no more.
    pub(super) fn leave_queues(&mut self, now: Now, call: CallId) {
        self.queue_input(now, QueueInput::Gone { contact: ContactId::Call(call) });
    }

    pub(super) fn queues_due(&mut self, now: Now) {
        self.queues.handle_deadline(now);
        self.tell_queued(now);
    }

    pub(super) fn tell_queued(&mut self, now: Now) {
        while let Some(output) = self.queues.poll_output() {
            if is_told(&output) {
                self.event(SwitchboardEvent::Queue(Box::new(output.clone())));
            }
            match output {
                QueueOutput::Offer(offer) => self.ring_agent(now, *offer),
                QueueOutput::Agent { agent, change } => self.event(SwitchboardEvent::Agent { agent, change }),
                said @ (QueueOutput::Keep(_)
                | QueueOutput::Forget { .. }
                | QueueOutput::Scheduled { .. }
                | QueueOutput::Dial { .. }) => self.note_callback(now, said),
                said => self.hand_on(said),
            }
        }
    }

    fn hand_on(&mut self, said: QueueOutput) {
        let Some(call) = self.call_of(&said).filter(|call| self.calls.contains(*call)) else { return };
        let flows = match &said {
            QueueOutput::Entered { place, .. } => self.flows_of(place),
            _ => QueueFlows::default(),
        };
        self.tell_call(call, CallInput::Queue(Box::new(QueueWord { flows, ..word(said) })));
    }

    pub(super) fn flows_of(&self, place: &Place) -> QueueFlows {
        let queue = match place {
            Place::Queue(name) => self.index.exchange.queues.queue(name),
            Place::Agent(_) => None,
        };
        queue.map(|queue| queue.flows.clone()).unwrap_or_default()
    }

    /// Where the agent is reached just now; with nothing to ring the offer is over before it began.
    fn ring_agent(&mut self, now: Now, offer: Offer) {
        let call = match offer.contact {
            ContactId::Call(call) => call,
            ContactId::Callback(callback) => return self.ring_for_callback(now, callback, offer),
        };
        if !self.calls.contains(call) {
            return self.queues.handle_input(now, QueueInput::Gone { contact: offer.contact });
        }
        let rings = offer.patience + LONGER;
        let stages = match &offer.reach {
            Reach::Phone(phone) => self.phone_stages(phone, rings),
            Reach::Number(number) => self.number_stages(now, (call, &offer.agent), number, rings),
        };
        if stages.is_empty() {
            return self.queues.handle_input(now, unreachable(&offer));
        }
        let flows = self.flows_of(&offer.place);
        let said = QueueOutput::Offer(Box::new(offer));
        self.tell_call(call, CallInput::Queue(Box::new(QueueWord { flows, stages, ..word(said) })));
    }

    /// A desk or mobile phone is dialled as a phone of ours would dial it.
    pub(super) fn number_stages(
        &mut self,
        now: Now,
        (call, agent): (CallId, &str),
        number: &E164,
        rings: Duration,
    ) -> Vec<Stage> {
        let dialled = Dialled { digits: number.to_string().into(), e164: Some(*number) };
        let ask = Ask { call, who: Asker::Phone(agent), dialled: &dialled, identity: None, wish: None, via: None };
        let stages = self.route(now, ask, &mut Vec::new()).map_or(Vec::new(), |way| way.stages);
        stages.into_iter().map(|stage| Stage { ring_timeout: rings, ..stage }).collect()
    }

    /// A queue's figures for a flow.
    pub(super) fn queue_figures(&self, now: Now, name: &QueueName) -> Option<Answer> {
        let report = self.queues.report(now, &Place::from(name)).ok()?;
        Some(Answer::Queue(from_flow::figures(&report)))
    }

    /// Whether the hours that a queue goes by are open. An agent's own queue has none.
    pub(super) fn queue_hours(&self, now: Now, name: &QueueName) -> Option<Answer> {
        let QueueName::Queue(name) = name else { return None };
        match &self.index.exchange.queues.queue(name)?.hours {
            Some(hours) => self.hours_of(now, hours),
            None => Some(Answer::Hours { is_open: true }),
        }
    }
}

/// What those hear of who watch queues: who waits, who is offered, and what came of it.
fn is_told(said: &QueueOutput) -> bool {
    matches!(
        said,
        QueueOutput::Entered { .. }
            | QueueOutput::Refused { .. }
            | QueueOutput::Left { .. }
            | QueueOutput::Expelled { .. }
            | QueueOutput::Offer(_)
            | QueueOutput::Withdraw { .. }
            | QueueOutput::Dequeued { .. }
            | QueueOutput::Join { .. }
            | QueueOutput::Requeued { .. }
    )
}

fn unreachable(offer: &Offer) -> QueueInput {
    QueueInput::Answer { offer: offer.id, answer: OfferAnswer::Unreachable }
}

impl Switchboard {
    /// The call that an output is for: for a callback the one that keeps it just now.
    fn call_of(&self, said: &QueueOutput) -> Option<CallId> {
        let contact = match said {
            QueueOutput::Entered { contact, .. }
            | QueueOutput::Refused { contact, .. }
            | QueueOutput::Left { contact }
            | QueueOutput::Expelled { contact }
            | QueueOutput::Withdraw { contact, .. }
            | QueueOutput::StartAgentWhisper { contact, .. }
            | QueueOutput::Dequeued { contact, .. }
            | QueueOutput::StartCustomerWhisper { contact, .. }
            | QueueOutput::Join { contact, .. }
            | QueueOutput::HangUp { contact, .. }
            | QueueOutput::Requeued { contact }
            | QueueOutput::CriteriaStep { contact, .. } => *contact,
            QueueOutput::NotScheduled { call, .. } => return Some(*call),
            QueueOutput::Offer(_)
            | QueueOutput::Agent { .. }
            | QueueOutput::Scheduled { .. }
            | QueueOutput::Dial { .. }
            | QueueOutput::Keep(_)
            | QueueOutput::Forget { .. } => return None,
        };
        match contact {
            ContactId::Call(call) => Some(call),
            ContactId::Callback(callback) => self.keeper(callback),
        }
    }
}

/// What serves a caller whose number leads to a queue itself: it waits there, and hears busy where there is no room.
pub(super) fn straight_to(name: &QueueName) -> Option<Flow> {
    let (what, queue) = match name {
        QueueName::Queue(name) => ("queue", QueueOf::Queue(Template::plain(name))),
        QueueName::Agent(name) => ("agent", QueueOf::Agent(Template::plain(name))),
    };
    let step = |name: &str, act, wires: &[(Outcome, &str)]| StepDraft {
        name: name.into(),
        act,
        wires: wires.iter().map(|(outcome, to)| (*outcome, Box::from(*to))).collect(),
        is_sensitive: false,
    };
    let draft = FlowDraft {
        name: format!("{what}-{}", name.name()).into(),
        kind: Kind::Inbound,
        start: "choose".into(),
        steps: vec![
            step("choose", Act::SetQueue(queue), &[(Outcome::Success, "wait"), (Outcome::Error, "gone")]),
            step("wait", Act::Queue(None), &[(Outcome::AtCapacity, "full"), (Outcome::Error, "gone")]),
            step("full", Act::HangUp(Cause::Busy), &[]),
            step("gone", Act::HangUp(Cause::TemporarilyUnavailable), &[]),
        ],
        on_error: None,
        version: "".into(),
        options: FlowOptions::default(),
    };
    check::build(draft).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_leads_to_a_queue_has_a_flow_that_can_run() {
        let flow = straight_to(&QueueName::Queue("orders".into())).expect("a flow without fault");
        assert_eq!((&*flow.name, flow.steps.len()), ("queue-orders", 4));
    }
}
