//! One flow under way for one leg, with what it plays there. Touches no other leg.

use crate::base::id::LegId;
use crate::base::machine::Machine;
use crate::base::now::{Now, earliest};
use crate::domain::call::parts::Parts;
use crate::domain::call::serving::news::Slip;
use crate::domain::call::serving::sounding::Sounding;
use crate::domain::flow::definition::{Flow, Flows, Kind};
use crate::domain::flow::interface::{FlowInput, FlowWish, Ticket};
use crate::domain::flow::memory::Memory;
use crate::domain::flow::run::FlowRun;
use std::sync::Arc;
use std::time::Instant;

pub struct Attendant {
    /// Which one of the call's runs this is: answers for an earlier one are not for it.
    number: u8,
    pub ear: LegId,
    run: FlowRun,
    has_ended: bool,
    pub sounding: Sounding,
    /// The wish that the party answers to whom the caller talks now.
    pub joined: Option<Ticket>,
    /// No flow follows this one.
    pub is_last: bool,
}

impl Attendant {
    pub fn begin(parts: &mut Parts, (book, flow): (&Arc<Flows>, &Arc<Flow>), memory: Memory, ear: LegId) -> Attendant {
        let entropy = parts.wire.entropy.split();
        let run = FlowRun::new(Arc::clone(book), flow, memory, entropy);
        let served = parts.story.served();
        served.runs = served.runs.wrapping_add(1);
        let number = served.runs;
        let mut attendant = Attendant {
            number,
            ear,
            run,
            has_ended: false,
            sounding: Sounding::default(),
            joined: None,
            is_last: false,
        };
        attendant.hear(parts.wire.now, FlowInput::Begin);
        attendant
    }

    /// Nobody is served yet: what the call carries from flow to flow, for those that come.
    pub fn idle(parts: &mut Parts, (book, flow): (&Arc<Flows>, &Arc<Flow>), memory: Memory, ear: LegId) -> Attendant {
        let run = FlowRun::new(Arc::clone(book), flow, memory, parts.wire.entropy.split());
        let sounding = Sounding::default();
        Attendant { number: 0, ear, run, has_ended: true, sounding, joined: None, is_last: false }
    }

    pub fn slip(&self, ticket: Ticket) -> Slip {
        Slip { run: self.number, ticket }
    }

    /// Whether an answer is for this run.
    pub fn is_for(&self, slip: Slip) -> bool {
        slip.run == self.number
    }

    pub fn hear(&mut self, now: Now, input: FlowInput) {
        if !self.has_ended {
            self.run.handle_input(now, input);
        }
    }

    pub fn next_wish(&mut self) -> Option<FlowWish> {
        self.run.poll_output()
    }

    pub fn handle_deadline(&mut self, now: Now) {
        if !self.has_ended && self.run.deadline().is_some_and(|when| when <= now.instant) {
            self.run.handle_deadline(now);
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        let run = if self.has_ended { None } else { self.run.deadline() };
        earliest(run, self.sounding.deadline())
    }

    pub fn hides_keys(&self) -> bool {
        !self.run.listens_openly()
    }

    pub fn kind(&self) -> Kind {
        self.run.kind()
    }

    pub fn memory(&self) -> &Memory {
        self.run.memory()
    }

    pub fn memory_mut(&mut self) -> &mut Memory {
        self.run.memory_mut()
    }

    /// For the flow that comes next.
    pub fn take_memory(&self) -> Memory {
        self.run.memory().clone()
    }

    pub fn close(&mut self) {
        self.has_ended = true;
    }

    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// The leg hears nothing of it any more.
    pub fn leave(&mut self, parts: &mut Parts) {
        self.sounding.stop(parts);
        self.has_ended = true;
    }
}
