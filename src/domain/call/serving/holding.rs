//! Customer and agent while a flow is between them: each apart, one of them held, or all together. Only of calls that call back:
//! in no other call do both wait for a flow.

use crate::base::id::LegId;
use crate::domain::call::parts::Parts;
use crate::domain::call::serving::Serving;
use crate::domain::call::serving::attendant::Attendant;
use crate::domain::flow::act::{HoldWho, Role};
use crate::domain::flow::interface::{FlowInput, Ticket};
use crate::media::matrix::{Hears, Matrix};
use std::sync::Arc;

impl Serving {
    /// Whoever is held hears the flow that is for it. Without an agent there is nobody to be held.
    pub(super) fn hold(&mut self, parts: &mut Parts, ticket: Ticket, who: HoldWho) {
        let (Some(agent), true) = (self.agent_leg(), self.promise.is_some()) else {
            return self.feed(parts, FlowInput::Done { ticket, ok: false });
        };
        self.end_hold(parts);
        let held = match who {
            HoldWho::Agent => Some((agent, Role::AgentHold)),
            HoldWho::Customer => Some((parts.served, Role::CustomerHold)),
            HoldWho::Nobody => None,
        };
        if let Some((leg, role)) = held
            && let Some(flow) = self.flow_named(role, None)
        {
            let (memory, book) = (self.attendant.take_memory(), Arc::clone(&self.script.book));
            let attendant = Attendant::begin(parts, (&book, &flow), memory, leg);
            self.set_aside(attendant);
            self.in_whisper(parts, |_, _| {});
        }
        if let Some(promise) = &mut self.promise {
            promise.held = Some(who);
        }
        parts.say(match who {
            HoldWho::Agent => "the agent is held",
            HoldWho::Customer => "the customer is held",
            HoldWho::Nobody => "nobody is held: customer and agent hear each other",
        });
        self.feed(parts, FlowInput::Done { ticket, ok: true });
    }

    /// Who is held by the flow, once it has said so.
    pub(super) fn held(&self) -> Option<(LegId, HoldWho)> {
        Some((self.agent_leg()?, self.promise.as_ref()?.held?))
    }

    /// Who hears what the customer's flow plays.
    pub(super) fn ears(&self, served: LegId) -> Vec<LegId> {
        match self.held() {
            Some((agent, HoldWho::Nobody)) => vec![served, agent],
            Some((agent, HoldWho::Customer)) => vec![agent],
            Some((_, HoldWho::Agent)) | None => vec![served],
        }
    }

    /// Who hears whom beside that.
    pub(super) fn together(&self, served: LegId) -> Vec<Hears> {
        match self.held() {
            Some((agent, HoldWho::Nobody)) => Matrix::of_two(served, agent).pairs,
            _ => Vec::new(),
        }
    }
}
