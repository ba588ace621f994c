//! Steps that give the call to a queue, a number, an agent or another flow. Makes no leg itself.

use super::waiting::{Doing, Waiting};
use super::{FlowRun, Place, Turn};
use crate::base::limits;
use crate::base::now::Now;
use crate::domain::flow::act::{Act, CallOut, Callback, Dial, DialTimeout, QueueOf};
use crate::domain::flow::definition::{Kind, Outcome};
use crate::domain::flow::interface::{
    Break, CallbackOrder, CallerId, DialOrder, DialOutcome, FlowEnd, FlowWish, QueueOrder, QueueOutcome, Ticket,
};
use crate::domain::flow::key::Key;
use crate::domain::flow::memory::{QueueName, is_line};
use crate::domain::flow::template::Template;
use crate::domain::flow::value::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Keys and pauses that are sent to a far end.
pub const DIGITS_MAX: usize = 50;
/// What a time-out from an attribute may be.
const DIAL_SECONDS: std::ops::RangeInclusive<u64> = 1..=600;
/// Beyond its own time-out: whoever dials tells of it first.
const GRACE: Duration = Duration::from_secs(5);

impl FlowRun {
    pub(super) fn queue(&mut self, now: Now, queue: Option<&QueueOf>) -> Turn {
        let is_move = self.at.flow.kind == Kind::CustomerQueue;
        let Some(queue) = self.queue_of(queue) else { return Turn::Next(Outcome::Error) };
        // A call that an agent is being offered cannot be taken from its queue; nor can one move for ever.
        if is_move && (self.memory.is_offered || self.memory.queue_moves >= limits::QUEUE_MOVES_MAX) {
            return Turn::Next(Outcome::Error);
        }
        let ticket = self.ticket();
        let order = self.queue_order(queue.clone(), is_move);
        self.wish(FlowWish::Queue { ticket, order });
        let until = now.instant + limits::FLOW_ANSWER_PATIENCE;
        Turn::Wait(Waiting::Queue { ticket, until, queue, is_callback: false })
    }

    fn queue_order(&self, queue: QueueName, is_move: bool) -> QueueOrder {
        let memory = &self.memory;
        QueueOrder { queue, is_move, priority: memory.priority, age: memory.age, criteria: memory.criteria.clone() }
    }

    pub(super) fn callback(&mut self, now: Now, callback: &Callback) -> Turn {
        let Some(queue) = self.queue_of(callback.queue.as_ref()) else { return Turn::Next(Outcome::Error) };
        let Some(number) = self.memory.callback_number.clone() else { return Turn::Next(Outcome::Error) };
        if self.memory.is_offered {
            return Turn::Next(Outcome::Error);
        }
        self.note("CallbackNumber", &number);
        let ticket = self.ticket();
        let order = CallbackOrder {
            queue: self.queue_order(queue.clone(), false),
            number,
            delay: callback.delay,
            retries: callback.retries,
            gap: callback.gap,
            attributes: self.memory.attributes().cloned().unwrap_or_default(),
        };
        self.wish(FlowWish::Callback { ticket, order: Box::new(order) });
        let until = now.instant + limits::FLOW_ANSWER_PATIENCE;
        Turn::Wait(Waiting::Queue { ticket, until, queue, is_callback: true })
    }

    pub(super) fn on_queued(&mut self, now: Now, queue: QueueName, is_callback: bool, outcome: QueueOutcome) {
        let is_move = self.at.flow.kind == Kind::CustomerQueue;
        let turn = match outcome {
            QueueOutcome::Accepted if is_callback => Turn::Next(Outcome::Success),
            QueueOutcome::Accepted => {
                self.memory.take_queue(queue);
                if is_move {
                    self.memory.queue_moves += 1;
                    Turn::Next(Outcome::Success)
                } else {
                    Turn::End(FlowEnd::Queued)
                }
            }
            // A full queue has no place for a callback either, which is an error of its own step.
            QueueOutcome::AtCapacity if !is_callback => Turn::Next(Outcome::AtCapacity),
            QueueOutcome::AtCapacity | QueueOutcome::Refused => Turn::Next(Outcome::Error),
        };
        self.go(now, turn);
    }

    pub(super) fn dial(&mut self, now: Now, dial: &Dial) -> Turn {
        let (Some(order), false) = (self.dial_order(dial), self.memory.is_offered) else {
            return Turn::Next(Outcome::Error);
        };
        let until = now.instant + order.timeout + GRACE;
        let ticket = self.ticket();
        self.wish(FlowWish::Dial { ticket, order: Box::new(order) });
        Turn::Wait(Waiting::Dial { ticket, until: Some(until) })
    }

    fn dial_order(&mut self, dial: &Dial) -> Option<DialOrder> {
        let to = self.fill_name(&dial.to)?;
        self.note("To", &to);
        let timeout = match &dial.timeout {
            DialTimeout::Fixed(timeout) => *timeout,
            DialTimeout::From(reference) => {
                let seconds: u64 = self.look_up(reference).and_then(Value::as_text)?.parse().ok()?;
                Duration::from_secs(Some(seconds).filter(|seconds| DIAL_SECONDS.contains(seconds))?)
            }
        };
        let digits = match &dial.digits {
            Some(digits) => self.digits(digits)?,
            None => Box::default(),
        };
        let caller = self.caller_id(dial.caller_number.as_ref(), dial.caller_name.as_ref())?;
        Some(DialOrder { to, timeout, resumes: dial.resumes, digits, caller, via: dial.via.clone() })
    }

    fn caller_id(&mut self, number: Option<&Template>, name: Option<&Template>) -> Option<CallerId> {
        let caller = CallerId { number: self.fill_some(number)?, name: self.fill_some(name)? };
        let is_fit = |text: &str| is_line(text, limits::DISPLAY_CHARS_MAX);
        let are_fit = [&caller.number, &caller.name].into_iter().flatten().all(|text| is_fit(text));
        are_fit.then_some(caller)
    }

    /// Keys and commas, and no more of them than allowed.
    pub(super) fn digits(&mut self, template: &Template) -> Option<Box<str>> {
        let digits = self.fill(template)?;
        let are_keys = digits.chars().all(|letter| letter == ',' || Key::from_char(letter).is_some());
        let is_short = digits.len() <= DIGITS_MAX;
        Some(digits).filter(|digits| are_keys && is_short && !digits.is_empty())
    }

    pub(super) fn on_dialled(&mut self, now: Now, is_joined: bool, outcome: DialOutcome) {
        let flow = Arc::clone(&self.at.flow);
        let Some(Act::Dial(dial)) = flow.step(self.at.step).map(|step| &step.act) else { return };
        if outcome == DialOutcome::Joined && is_joined {
            return;
        }
        // Who talks has been answered.
        self.memory.is_answered |= outcome == DialOutcome::Joined;
        let turn = match (outcome, dial.resumes) {
            (DialOutcome::Joined, true) => match self.waiting {
                Waiting::Dial { ticket, .. } => Turn::Wait(Waiting::Dial { ticket, until: None }),
                _ => return,
            },
            (DialOutcome::Joined | DialOutcome::Ended, false) => Turn::End(FlowEnd::Handed),
            (DialOutcome::Ended, true) => Turn::Next(Outcome::Success),
            (DialOutcome::TimedOut, true) => Turn::Next(Outcome::Timeout),
            (DialOutcome::Failed, true) => Turn::Next(Outcome::CallFailed),
            (_, false) | (DialOutcome::Refused, true) => Turn::Next(Outcome::Error),
        };
        self.go(now, turn);
    }

    pub(super) fn on_dial_deadline(&mut self, now: Now) {
        if let Waiting::Dial { ticket, .. } = self.waiting {
            self.wish(FlowWish::CancelDial { ticket });
            self.on_dialled(now, false, DialOutcome::TimedOut);
        }
    }

    /// What stands before this step has run for the agent; what stands after it runs when the callee has answered.
    pub(super) fn call_out(&mut self, now: Now, call_out: &CallOut) -> Turn {
        let caller = self.caller_id(call_out.caller_number.as_ref(), call_out.caller_name.as_ref());
        let caller = caller.unwrap_or_default();
        self.memory.caller = caller.clone();
        let ticket = self.ticket();
        self.wish(FlowWish::CallOut { ticket, caller });
        self.wait_done(ticket, now.instant + limits::FLOW_CALL_OUT_MAX, Doing::CallOut)
    }

    pub(super) fn transfer_to_agent(&mut self, now: Now, agent: Option<&Template>) -> Turn {
        // It has no outcome to go on with: an agent who cannot be named is nobody.
        let Some(agent) = self.fill_some(agent) else { return Turn::End(FlowEnd::Broken(Break::NotReached)) };
        let ticket = self.ticket();
        self.wish(FlowWish::TransferToAgent { ticket, agent });
        self.wait_done(ticket, now.instant + limits::FLOW_ANSWER_PATIENCE, Doing::Transfer)
    }

    pub(super) fn wait_done(&mut self, ticket: Ticket, until: Instant, what: Doing) -> Turn {
        Turn::Wait(Waiting::Done { ticket, until, what })
    }

    /// Queue, attributes, log and keys go along; what belonged to this flow does not.
    pub(super) fn transfer_to_flow(&mut self, name: &Template) -> Turn {
        let Some(name) = self.fill_name(name) else { return Turn::Next(Outcome::Error) };
        self.note("ContactFlowId", &name);
        let target = self.book.find(&name).filter(|flow| flow.kind.is_transfer_target()).cloned();
        let Some(flow) = target else { return Turn::Next(Outcome::Error) };
        self.memory.leave_flow();
        Turn::Go(Place::start(&flow), None)
    }

    /// The module has names of its own for what belongs to a flow, and does not see its caller's.
    pub(super) fn module(&mut self, name: &Template) -> Turn {
        let Some(name) = self.fill_name(name) else { return Turn::Next(Outcome::Error) };
        self.note("ContactFlowModuleId", &name);
        let module = self.book.find(&name).filter(|flow| flow.kind == Kind::Module).cloned();
        let (Some(module), None) = (module, &self.outer) else { return Turn::Next(Outcome::Error) };
        let local = std::mem::take(&mut self.memory.local);
        self.outer = Some((self.at.clone(), local));
        Turn::Go(Place::start(&module), Some(Outcome::Success))
    }

    /// Back to the caller, whose own names are as they were.
    pub(super) fn go_back(&mut self) -> Turn {
        let Some((caller, local)) = self.outer.take() else {
            return Turn::End(FlowEnd::Broken(Break::NotWired));
        };
        self.memory.local = local;
        let next = caller.flow.step(caller.step).and_then(|step| step.after(Outcome::Success));
        match next {
            Some(step) => Turn::Go(Place { flow: caller.flow, step }, None),
            None => Turn::End(FlowEnd::Broken(Break::NotWired)),
        }
    }
}
