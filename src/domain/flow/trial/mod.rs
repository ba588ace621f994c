//! A flow run in virtual time against a script of one call: what it says, where it goes, how it ends. Calls nobody.

mod answers;
pub mod coverage;
mod words;

use super::definition::{Flow, Flows, Outcome, Step};
use super::interface::{FlowInput, FlowWish, Ticket};
use super::key::Key;
use super::memory::{Memory, Origin, QueueName};
use super::run::FlowRun;
use super::value::{Map, Value};
use crate::base::entropy::Entropy;
use crate::base::machine::Machine;
use crate::base::now::{Now, earliest};
use crate::domain::flow::act::Act;
use crate::domain::hours::HoursBook;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Inputs of one trial: more than any call has, so that a flow that goes round ends.
const INPUTS_MAX: usize = 10_000;
/// Between two keys of one event: a quick hand.
const KEY_GAP: Duration = Duration::from_millis(200);

/// What happens around one call.
#[derive(Clone, Debug)]
pub struct Script {
    pub origin: Origin,
    /// `$.Attributes` that earlier flows have set.
    pub attributes: Map,
    pub queue: Option<QueueName>,
    /// By step, or by `flow/step`; the last one goes on.
    pub answers: BTreeMap<Box<str>, Vec<Reply>>,
    pub events: Vec<Event>,
    pub seed: u64,
    /// The trial is broken off after this.
    pub limit: Duration,
    /// How long a prompt or a text is heard.
    pub sound: Duration,
}

/// What somebody outside says to a step: a word such as `fails` or `joined 30s`, or values.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    Word(Box<str>),
    Values(Value),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub when: When,
    pub what: Happening,
}

#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// Since the call began.
    Since(Duration),
    /// After a step was entered for the n-th time.
    Step { name: Box<str>, entry: u32, after: Duration },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    Keys(Vec<Key>),
    HangsUp,
    Offered,
    OfferEnds,
    /// An agent was joined, the hold is over.
    Stopped,
}

/// One step that was left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    pub flow: Arc<str>,
    pub step: Box<str>,
    pub outcome: Option<Outcome>,
}

/// How it went.
#[derive(Clone, Debug, Default)]
pub struct Account {
    pub passed: Vec<Passed>,
    /// `prompt en/hello`, `say Welcome`, `tone beep`, in order.
    pub heard: Vec<String>,
    /// What was asked of the outside: addresses and functions.
    pub asked: Vec<String>,
    pub dialled: Vec<String>,
    pub is_answered: bool,
    /// `hang-up normal`, `queued sales`, `waiting at menu` and the like.
    pub end: String,
    pub lasted: Duration,
    pub attributes: Map,
    /// The script does not fit the flow.
    pub faults: Vec<String>,
}

/// Runs one call. `now` is when it begins: the flow reads hours by its wall clock.
pub fn run(flows: &Arc<Flows>, flow: &Arc<Flow>, (hours, script): (&HoursBook, &Script), now: Now) -> Account {
    let mut memory = Memory::new(&script.origin);
    memory.know("Attributes", Value::Map(script.attributes.clone()));
    if let Some(queue) = script.queue.clone() {
        memory.take_queue(queue);
    }
    let run = FlowRun::new(Arc::clone(flows), flow, memory, Entropy::from_number(script.seed));
    let stage = Stage {
        script,
        hours,
        now,
        began: now.instant,
        due: Vec::new(),
        entries: BTreeMap::new(),
        given: BTreeMap::new(),
        seen: usize::MAX,
        account: Account::default(),
    };
    stage.play(run)
}

/// Flows that log every step, whatever `set-log` says: for trials, which count by the log.
pub fn loud(flows: &Flows) -> Arc<Flows> {
    let act = |act: &Act| if matches!(act, Act::SetLog(_)) { Act::SetLog(true) } else { act.clone() };
    let step = |step: &Step| Step {
        name: step.name.clone(),
        act: act(&step.act),
        next: step.next.clone(),
        is_sensitive: step.is_sensitive,
    };
    let flow = |flow: &Arc<Flow>| {
        Arc::new(Flow {
            name: Arc::clone(&flow.name),
            kind: flow.kind,
            start: flow.start,
            steps: flow.steps.iter().map(step).collect(),
            version: flow.version.clone(),
            options: flow.options.clone(),
        })
    };
    Arc::new(Flows::new(flows.iter().map(flow)))
}

/// The world around the flow: everything that it wishes is done here, at once or later.
struct Stage<'a> {
    script: &'a Script,
    hours: &'a HoursBook,
    now: Now,
    began: Instant,
    /// In no order; the earliest is taken, and of two at one moment the first.
    due: Vec<Due>,
    /// How often each step was entered.
    entries: BTreeMap<(Box<str>, Box<str>), u32>,
    /// How many answers each step has had.
    given: BTreeMap<Box<str>, usize>,
    /// Steps that had been left when the position was last looked at.
    seen: usize,
    account: Account,
}

struct Due {
    at: Instant,
    input: FlowInput,
    /// Goes with what it answers.
    ticket: Option<Ticket>,
}

impl Stage<'_> {
    fn play(mut self, mut run: FlowRun) -> Account {
        for event in &self.script.events {
            if let When::Since(after) = event.when {
                self.happen(self.began + after, &event.what);
            }
        }
        self.due.insert(0, Due { at: self.began, input: FlowInput::Begin, ticket: None });
        for _ in 0..INPUTS_MAX {
            if run.has_ended() || !self.step(&mut run) {
                break;
            }
        }
        if !run.has_ended() {
            self.account.end = format!("waiting at {}", run.position().1);
        }
        self.check_unused();
        self.account.lasted = self.now.instant.saturating_duration_since(self.began);
        self.account.attributes = run.memory().attributes().cloned().unwrap_or_default();
        self.account
    }

    /// Goes on to the next thing that happens; false where nothing does any more.
    fn step(&mut self, run: &mut FlowRun) -> bool {
        let next = self.due.iter().map(|due| due.at).min();
        let Some(at) = earliest(next, run.deadline()) else { return false };
        if at > self.began + self.script.limit {
            return false;
        }
        let passes = at.saturating_duration_since(self.now.instant);
        self.now = self.now.after(passes);
        match self.due.iter().position(|due| due.at <= at) {
            Some(first) => {
                let due = self.due.remove(first);
                run.handle_input(self.now, due.input);
            }
            None => run.handle_deadline(self.now),
        }
        while let Some(wish) = run.poll_output() {
            self.grant(run, wish);
        }
        self.enter(run);
        true
    }

    fn happen(&mut self, at: Instant, what: &Happening) {
        let single = match what {
            Happening::Keys(keys) => {
                let mut at = at;
                for key in keys {
                    self.due.push(Due { at, input: FlowInput::Key(*key), ticket: None });
                    at += KEY_GAP;
                }
                return;
            }
            Happening::HangsUp => FlowInput::CallerGone,
            Happening::Offered => FlowInput::Offer { is_open: true },
            Happening::OfferEnds => FlowInput::Offer { is_open: false },
            Happening::Stopped => FlowInput::Stop,
        };
        self.due.push(Due { at, input: single, ticket: None });
    }

    /// A step at which something is now waited for: what the script has for it is put into the calendar.
    fn enter(&mut self, run: &FlowRun) {
        if run.has_ended() || self.seen == self.account.passed.len() {
            return;
        }
        self.seen = self.account.passed.len();
        let (flow, step) = run.position();
        let count = self.entries.entry((flow.into(), step.into())).or_default();
        *count += 1;
        let count = *count;
        for event in &self.script.events {
            let When::Step { name, entry, after } = &event.when else { continue };
            if *entry == count && is_step(name, flow, step) {
                self.happen(self.now.instant + *after, &event.what);
            }
        }
    }

    /// An event for a step that was never waited at would prove nothing.
    fn check_unused(&mut self) {
        for event in &self.script.events {
            let When::Step { name, entry, .. } = &event.when else { continue };
            let met =
                |((flow, step), count): (&(Box<str>, Box<str>), &u32)| is_step(name, flow, step) && count >= entry;
            if !self.entries.iter().any(met) {
                let which = if *entry > 1 { format!(" for the {entry}. time") } else { String::new() };
                self.account.faults.push(format!("the call did not wait at `{name}`{which}"));
            }
        }
    }

    fn later(&mut self, after: Duration, ticket: Ticket, input: FlowInput) {
        self.due.push(Due { at: self.now.instant + after, input, ticket: Some(ticket) });
    }

    fn cancel(&mut self, ticket: Ticket) {
        self.due.retain(|due| due.ticket != Some(ticket));
    }

    fn grant(&mut self, run: &FlowRun, wish: FlowWish) {
        match wish {
            FlowWish::Log(entry) => {
                let passed = Passed { flow: entry.flow, step: entry.step, outcome: entry.outcome };
                self.account.passed.push(passed);
            }
            FlowWish::Ended(end) => self.account.end = words::end(&end, run.memory()),
            FlowWish::EarlyMedia
            | FlowWish::Priority { .. }
            | FlowWish::Recording(_)
            | FlowWish::CancelRoute { .. }
            | FlowWish::Control { .. } => {}
            FlowWish::StopPlaying { ticket } | FlowWish::CancelFetch { ticket } | FlowWish::CancelDial { ticket } => {
                self.cancel(ticket);
            }
            wish => {
                let (flow, step) = run.position();
                let reply = self.reply(flow, step);
                self.answer(step, reply, wish);
            }
        }
    }

    /// What the script says to a step this time.
    fn reply(&mut self, flow: &str, step: &str) -> Option<Reply> {
        let script = self.script;
        let full = format!("{flow}/{step}");
        let name = [full.as_str(), step].into_iter().find(|name| script.answers.contains_key(*name))?;
        let replies = script.answers.get(name)?;
        let given = self.given.entry(name.into()).or_default();
        let reply = replies.get(*given).or(replies.last());
        *given += 1;
        reply.cloned()
    }
}

/// Whether a name of a script means a step: `menu`, or `order-desk/menu`.
fn is_step(name: &str, flow: &str, step: &str) -> bool {
    name.split_once('/').map_or(name == step, |(of, name)| of == flow && name == step)
}

#[cfg(test)]
mod tests;
