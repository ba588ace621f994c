//! Steps that only choose the next one. They change nothing but counters.

use super::compare::{holds, number_holds};
use super::waiting::Waiting;
use super::{FlowRun, Turn};
use crate::base::limits;
use crate::base::now::Now;
use crate::domain::flow::act::{
    Act, Check, CheckHours, CheckQueue, CheckStaffing, Count, Measure, QueueCondition, QueueOf,
};
use crate::domain::flow::definition::Outcome;
use crate::domain::flow::interface::{AgentFigures, Answer, FlowWish, HoursOf, Question, QueueFigures};
use crate::domain::flow::memory::METRICS;
use crate::domain::flow::value::{Map, Value};
use std::sync::Arc;

/// A count from an attribute is bounded as a written one is.
const LOOPS_MAX: u32 = 100;

impl FlowRun {
    pub(super) fn check(&mut self, check: &Check) -> Turn {
        let found = self.look_up(&check.what).and_then(Value::as_text).map(str::to_owned);
        let Some(found) = found else { return Turn::Next(Outcome::NoMatch) };
        self.note("Value", &found);
        for (at, condition) in check.conditions.iter().enumerate() {
            let value = self.fill(&condition.value);
            if value.is_some_and(|value| holds(condition.operator, &found, &value)) {
                return Turn::Next(choice(at));
            }
        }
        Turn::Next(Outcome::NoMatch)
    }

    pub(super) fn check_hours(&mut self, now: Now, check: &CheckHours) -> Turn {
        let hours = match &check.hours {
            Some(name) => self.fill_name(name).map(HoursOf::Named),
            None => self.queue_of(None).map(HoursOf::Queue),
        };
        match hours {
            Some(hours) => self.question(now, Question::Hours(hours)),
            None => Turn::Next(Outcome::Error),
        }
    }

    pub(super) fn check_queue(&mut self, now: Now, check: &CheckQueue) -> Turn {
        self.ask_of_queue(now, check.queue.as_ref())
    }

    pub(super) fn check_staffing(&mut self, now: Now, check: &CheckStaffing) -> Turn {
        self.ask_of_queue(now, check.queue.as_ref())
    }

    pub(super) fn ask_of_queue(&mut self, now: Now, queue: Option<&QueueOf>) -> Turn {
        match self.queue_of(queue) {
            Some(queue) => self.question(now, Question::Queue(queue)),
            None => Turn::Next(Outcome::Error),
        }
    }

    pub(super) fn question(&mut self, now: Now, question: Question) -> Turn {
        let ticket = self.ticket();
        self.wish(FlowWish::Ask { ticket, question });
        Turn::Wait(Waiting::Told { ticket, until: now.instant + limits::FLOW_ANSWER_PATIENCE })
    }

    pub(super) fn on_told(&mut self, now: Now, answer: Option<Answer>) {
        let flow = Arc::clone(&self.at.flow);
        let Some(step) = flow.step(self.at.step) else { return };
        let outcome = match (&step.act, answer) {
            (Act::CheckHours(_), Some(Answer::Hours { is_open: true })) => Outcome::InHours,
            (Act::CheckHours(_), Some(Answer::Hours { is_open: false })) => Outcome::OutOfHours,
            (Act::CheckQueue(check), Some(Answer::Queue(figures))) => first_met(&check.conditions, &figures),
            (Act::CheckStaffing(check), Some(Answer::Queue(figures))) => {
                let has = figures.agents.is_some_and(|agents| agents.has(check.state));
                if has { Outcome::True } else { Outcome::False }
            }
            (Act::QueueMetrics(_), Some(Answer::Queue(figures))) => {
                self.memory.store(METRICS, metrics(&figures), false);
                Outcome::Success
            }
            (Act::SetCallbackNumber(_), Some(Answer::Number(number))) => self.callback_number_is(number),
            // Whether a number is one could not be found out: it is not taken for one.
            (Act::SetCallbackNumber(_), _) => Outcome::InvalidNumber,
            _ => Outcome::Error,
        };
        self.go(now, Turn::Next(outcome));
    }

    /// A number from 1 to 100: the first share ends at its own value, the next at the sum.
    pub(super) fn distribute(&mut self, shares: &[u8]) -> Turn {
        let drawn = self.entropy.below(100) + 1;
        self.note("Number", &drawn.to_string());
        let mut end = 0;
        for (at, share) in shares.iter().enumerate() {
            end += u64::from(*share);
            if drawn <= end {
                return Turn::Next(choice(at));
            }
        }
        Turn::Next(Outcome::Default)
    }

    /// The counter is the call's: who comes back to this step goes on counting.
    pub(super) fn count_loop(&mut self, count: &Count) -> Turn {
        let times = match count {
            Count::Fixed(times) => Some(u32::from(*times)),
            Count::From(reference) => {
                self.look_up(reference).and_then(Value::as_text).and_then(|text| text.parse().ok())
            }
        };
        let Some(times) = times.filter(|times| *times <= LOOPS_MAX) else { return Turn::Next(Outcome::Error) };
        let name = self.at.flow.step(self.at.step).map_or("", |step| &step.name);
        let key = (Box::from(&*self.at.flow.name), Box::from(name));
        let done = self.memory.loops.entry(key).or_insert(0);
        if *done < times {
            *done += 1;
            let done = done.to_string();
            self.came_to(&done);
            return Turn::Next(Outcome::Looping);
        }
        *done = 0;
        Turn::Next(Outcome::Complete)
    }
}

fn choice(at: usize) -> Outcome {
    Outcome::Choice(u8::try_from(at).unwrap_or(u8::MAX))
}

fn first_met(conditions: &[QueueCondition], figures: &QueueFigures) -> Outcome {
    let is_met = |condition: &QueueCondition| {
        let measured = match condition.measure {
            Measure::Size => u64::from(figures.size),
            Measure::OldestAge => figures.oldest.map_or(0, |age| age.as_secs()),
        };
        number_holds(condition.operator, measured, condition.value)
    };
    conditions.iter().position(is_met).map_or(Outcome::NoMatch, choice)
}

/// `$.Metrics`. Without agents there are no figures of them, and without anybody waiting no age.
fn metrics(figures: &QueueFigures) -> Value {
    let mut queue = Map::new();
    queue.insert("Name".into(), Value::Text(figures.name.clone()));
    queue.insert("Size".into(), Value::number(figures.size));
    if let Some(age) = figures.oldest {
        queue.insert("OldestContactAge".into(), Value::number(age.as_secs()));
    }
    let mut all = Map::new();
    all.insert("Queue".into(), Value::Map(queue));
    if let Some(agents) = figures.agents {
        all.insert("Agents".into(), agent_metrics(&agents));
    }
    Value::Map(all)
}

fn agent_metrics(agents: &AgentFigures) -> Value {
    let count = |number: u32| Value::map([("Count", Value::number(number))]);
    Value::map([
        ("Online", count(agents.online)),
        ("Available", count(agents.available)),
        ("Staffed", count(agents.staffed)),
        ("AfterContactWork", count(agents.after_contact_work)),
        ("Busy", count(agents.busy)),
        ("Missed", count(agents.missed)),
        ("NonProductive", count(agents.non_productive)),
    ])
}
