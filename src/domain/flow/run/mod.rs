//! A flow that runs for one call: a machine that is told what happened and says what it wishes. Touches no leg itself.

mod ask;
mod collect;
pub mod collector;
mod compare;
mod connect;
mod decide;
mod door;
mod event;
mod fetch;
mod fill;
mod keys;
mod legs;
mod route;
mod set;
mod sound;
mod step;
mod waiting;

pub use self::connect::DIGITS_MAX;

use self::waiting::Waiting;
use super::definition::{Flow, Flows, Kind, Outcome, StepId};
use super::interface::{Break, FlowEnd, FlowInput, FlowWish, Ticket};
use super::log::Entry;
use super::memory::Memory;
use super::value::Map;
use crate::base::entropy::Entropy;
use crate::base::limits;
use crate::base::machine::Machine;
use crate::base::now::Now;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One call's place in one version of a flow, and of those that it goes on to.
pub struct FlowRun {
    book: Arc<Flows>,
    at: Place,
    /// Where a module was called from, and what its caller had for itself.
    outer: Option<(Place, Map)>,
    memory: Memory,
    entropy: Entropy,
    waiting: Waiting,
    entered: Option<Now>,
    /// The step that was entered has no line in the log yet.
    is_open: bool,
    tickets: u32,
    /// Steps since something was last waited for.
    at_once: u32,
    notes: Vec<(&'static str, Box<str>)>,
    result: Option<Box<str>>,
    /// This step has read or got what must not be in a log.
    is_secret: bool,
    outputs: VecDeque<FlowWish>,
}

/// A step of a flow.
#[derive(Clone)]
struct Place {
    flow: Arc<Flow>,
    step: StepId,
}

/// What comes after a step has been looked at.
enum Turn {
    Next(Outcome),
    /// The start of a flow, or the step after the one that called a module; with what the log says of this step.
    Go(Place, Option<Outcome>),
    Wait(Waiting),
    End(FlowEnd),
}

/// Less than this is no wait: an owner that answers at once must not hide a circle.
const WAITED: Duration = Duration::from_millis(20);

impl FlowRun {
    pub fn new(book: Arc<Flows>, flow: &Arc<Flow>, memory: Memory, entropy: Entropy) -> FlowRun {
        FlowRun {
            book,
            at: Place::start(flow),
            outer: None,
            memory,
            entropy,
            waiting: Waiting::Begin,
            entered: None,
            is_open: false,
            tickets: 0,
            at_once: 0,
            notes: Vec::new(),
            result: None,
            is_secret: false,
            outputs: VecDeque::new(),
        }
    }

    /// Whether it waits for keys that anybody may see. What is keyed ahead may be meant for a step that hides it.
    pub fn listens_openly(&self) -> bool {
        !self.is_secret && matches!(self.waiting, Waiting::Collect(_) | Waiting::Confirm(_))
    }

    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// To say what has changed around the call: its queue, its agent.
    pub fn memory_mut(&mut self) -> &mut Memory {
        &mut self.memory
    }

    /// For the flow that comes next.
    pub fn into_memory(mut self) -> Memory {
        if let Some((_, local)) = self.outer.take() {
            self.memory.local = local;
        }
        self.memory
    }

    pub fn kind(&self) -> Kind {
        self.at.flow.kind
    }

    pub fn has_ended(&self) -> bool {
        matches!(self.waiting, Waiting::Ended)
    }

    /// The flow and the step that it is at, for whoever looks at the call.
    pub fn position(&self) -> (&str, &str) {
        let step = self.at.flow.step(self.at.step).map_or("", |step| &step.name);
        (&self.at.flow.name, step)
    }

    /// Goes on from what a step came to until something is to be waited for.
    fn go(&mut self, now: Now, turn: Turn) {
        let mut turn = turn;
        loop {
            let next = match turn {
                Turn::Wait(waiting) => return self.waiting = waiting,
                Turn::End(end) => return self.end(now, end),
                Turn::Go(place, outcome) => {
                    self.write_log(now, outcome);
                    Ok(place)
                }
                Turn::Next(outcome) => {
                    self.write_log(now, Some(outcome));
                    self.follow(outcome)
                }
            };
            turn = match next.and_then(|place| self.count(now).map(|()| place)) {
                Ok(place) => {
                    self.at = place;
                    self.enter(now)
                }
                Err(broken) => Turn::End(FlowEnd::Broken(broken)),
            };
        }
    }

    fn follow(&self, outcome: Outcome) -> Result<Place, Break> {
        let step = self.at.flow.step(self.at.step).and_then(|step| step.after(outcome)).ok_or(Break::NotWired)?;
        Ok(Place { flow: Arc::clone(&self.at.flow), step })
    }

    /// One step more, where the limits allow it.
    fn count(&mut self, now: Now) -> Result<(), Break> {
        let has_waited = self.entered.is_none_or(|entered| now.instant >= entered.instant + WAITED);
        self.at_once = if has_waited { 1 } else { self.at_once + 1 };
        self.memory.steps = self.memory.steps.saturating_add(1);
        if self.at_once > limits::FLOW_STEPS_AT_ONCE {
            return Err(Break::Spinning);
        }
        if self.memory.steps > limits::FLOW_STEPS_PER_CALL {
            return Err(Break::TooManySteps);
        }
        Ok(())
    }

    fn enter(&mut self, now: Now) -> Turn {
        self.entered = Some(now);
        self.is_open = true;
        self.notes.clear();
        self.result = None;
        let flow = Arc::clone(&self.at.flow);
        let Some(step) = flow.step(self.at.step) else { return Turn::End(FlowEnd::Broken(Break::NotWired)) };
        self.is_secret = step.is_sensitive;
        self.perform(now, &step.act)
    }

    fn end(&mut self, now: Now, end: FlowEnd) {
        self.write_log(now, None);
        self.waiting = Waiting::Ended;
        self.outputs.push_back(FlowWish::Ended(end));
    }

    fn wish(&mut self, wish: FlowWish) {
        self.outputs.push_back(wish);
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    /// For the log: what this step is about.
    fn note(&mut self, name: &'static str, value: &str) {
        if self.memory.is_logged {
            self.notes.push((name, value.into()));
        }
    }

    fn came_to(&mut self, result: &str) {
        if self.memory.is_logged {
            self.result = Some(result.into());
        }
    }

    fn write_log(&mut self, now: Now, outcome: Option<Outcome>) {
        let is_due = std::mem::take(&mut self.is_open) && self.memory.is_logged;
        let Some(entered) = self.entered.filter(|_| is_due) else { return };
        let Some(step) = self.at.flow.step(self.at.step) else { return };
        let mut parameters = std::mem::take(&mut self.notes);
        let mut result = self.result.take();
        if self.is_secret {
            parameters.iter_mut().for_each(|(_, value)| *value = MASK.into());
            result = result.map(|_| MASK.into());
        }
        self.memory.log_sequence = self.memory.log_sequence.saturating_add(1);
        let entry = Entry {
            sequence: self.memory.log_sequence,
            flow: Arc::clone(&self.at.flow.name),
            kind: self.at.flow.kind,
            step: step.name.clone(),
            act: step.act.name(),
            at_unix_millis: entered.unix_millis(),
            duration: now.instant.saturating_duration_since(entered.instant),
            outcome,
            parameters,
            result,
        };
        self.outputs.push_back(FlowWish::Log(Box::new(entry)));
    }
}

/// What stands in a log instead of what is sensitive.
const MASK: &str = "***";

impl Place {
    fn start(flow: &Arc<Flow>) -> Place {
        Place { flow: Arc::clone(flow), step: flow.start }
    }
}

impl Machine for FlowRun {
    type Input = FlowInput;
    type Output = FlowWish;

    fn handle_input(&mut self, now: Now, input: FlowInput) {
        self.on_input(now, input);
    }

    fn handle_deadline(&mut self, now: Now) {
        if self.deadline().is_some_and(|deadline| deadline <= now.instant) {
            self.on_deadline(now);
        }
    }

    fn poll_output(&mut self) -> Option<FlowWish> {
        self.outputs.pop_front()
    }

    fn deadline(&self) -> Option<Instant> {
        self.waiting.deadline()
    }
}

#[cfg(test)]
pub mod tests;
