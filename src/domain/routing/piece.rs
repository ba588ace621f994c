//! From what an engine says to the piece of a flow that does it: one way for steps of files, decisions and orders. Runs nothing.

use crate::base::cause::Cause;
use crate::domain::flow::act::{
    Act, Argument, Collect, Dial, DialTimeout, LoopPrompts, Play, QueueOf, RecordMessage, Route, RouteReason, Scope,
    SetAttributes, SetPriority, SoundSpec,
};
use crate::domain::flow::check;
use crate::domain::flow::check::FlowFault;
use crate::domain::flow::definition::{AnswerMode, Flow, FlowOptions, Flows, Kind, Outcome};
use crate::domain::flow::draft::{FlowDraft, StepDraft};
use crate::domain::flow::template::Template;
use crate::domain::flow::value::Value;
use crate::domain::queue::from_flow;
use crate::domain::queue::settings::Settings;
use crate::domain::routing::engine::{Engine, step};
use crate::domain::routing::order::{CollectOrder, Decision, DialOrder, Order, QueueOrder};
use crate::domain::routing::request::OrderFault;
use std::sync::Arc;
use std::time::Duration;

/// What a decision is about: the call as it stands, and what there is to be named.
#[derive(Clone, Copy)]
pub struct Stand<'a> {
    pub engine: &'a Engine,
    /// Of the flow that asked.
    pub kind: Kind,
    /// Whether it is an order under a lease: then the next order is awaited after it, and otherwise the engine is asked again.
    pub is_controlled: bool,
    pub is_answered: bool,
    /// What happens when nobody decides any more.
    pub fallback: &'a str,
    pub book: &'a Flows,
    pub queues: &'a Settings,
}

/// Where the piece goes on.
#[derive(Clone, Copy)]
enum Then {
    /// Asked again, for this reason; or the next order, with what came of this one.
    Again(RouteReason, &'static str),
    /// It cannot be done at all.
    Failed,
}

/// The flow that does it; or why it cannot be done, and then nothing has happened.
pub fn piece(decision: &Decision, stand: Stand<'_>) -> Result<Arc<Flow>, OrderFault> {
    let order = &decision.order;
    if order.needs_lease() && !stand.is_controlled {
        let words = format!("`{}` is an order: take control of the call first", order.name());
        return Err(OrderFault::new("needs_control", "do", words));
    }
    known(order, stand)?;
    let mut draft = Draft { stand, steps: Vec::new(), thens: Vec::new() };
    if !decision.attributes.is_empty() {
        let pairs = decision.attributes.iter().map(|(name, value)| (name.clone(), argument(value))).collect();
        let set = Act::SetAttributes(SetAttributes { scope: Scope::Call, pairs });
        let failed = draft.then(Then::Failed);
        draft.add("note", set, &[(Outcome::Success, "do"), (Outcome::Error, &failed)]);
    }
    draft.order(order);
    draft.finish()
}

/// The piece that lets go: what was declared happens.
pub fn fallback(kind: Kind) -> Option<Arc<Flow>> {
    build(kind, "do", vec![step("do", Act::Fallback, &[])]).ok().map(Arc::new)
}

/// The piece that asks once more, or awaits the next order, because what was tried came to nothing.
pub fn again(stand: Stand<'_>, why: RouteReason) -> Option<Arc<Flow>> {
    let mut draft = Draft { stand, steps: Vec::new(), thens: Vec::new() };
    let start = draft.then(Then::Again(why, why.name()));
    draft.add_thens();
    build(stand.kind, &start, draft.steps).ok().map(Arc::new)
}

/// Names that there must be.
fn known(order: &Order, stand: Stand<'_>) -> Result<(), OrderFault> {
    let missing = |code, path, what: &str, name: &str| {
        Err(OrderFault::new(code, path, format!("no {what} is named `{}`", name.escape_debug())))
    };
    match order {
        Order::Flow(name) => match stand.book.find(name) {
            None => missing("no_such_flow", "flow", "flow", name),
            Some(flow) if !flow.kind.is_transfer_target() => {
                let words = format!("flow `{name}` is of kind {}, which serves no caller", flow.kind.name());
                Err(OrderFault::new("wrong_kind", "flow", words))
            }
            Some(_) => Ok(()),
        },
        Order::Queue(order) => {
            if stand.queues.queue(&order.queue).is_none() {
                return missing("no_such_queue", "queue", "queue", &order.queue);
            }
            let criteria = order.criteria.as_ref().map(from_flow::criteria).transpose();
            criteria.map(drop).map_err(|fault| OrderFault::new("bad_criteria", "criteria", fault.to_string()))
        }
        Order::Offer { agents, .. } => {
            if stand.kind == Kind::CustomerQueue {
                return Err(OrderFault::new("not_here", "do", "a caller who waits in a queue is offered by the queue"));
            }
            if agents.is_empty() {
                return Err(OrderFault::new("out_of_range", "agents", "at least one agent"));
            }
            match agents.iter().enumerate().find(|(_, name)| !is_agent(stand.queues, name)) {
                Some((at, name)) => missing("no_such_agent", &format!("agents[{at}]"), "agent", name),
                None => Ok(()),
            }
        }
        Order::Redirect(_) if stand.is_answered => {
            Err(OrderFault::new("already_answered", "do", "a caller who was answered cannot be redirected"))
        }
        Order::Redirect(to) if !is_address(to) => Err(OrderFault::new(
            "bad_address",
            "to",
            "a SIP or telephone URI of one line, such as \"sip:desk@example.com\"",
        )),
        _ => Ok(()),
    }
}

fn is_agent(queues: &Settings, name: &str) -> bool {
    queues.agents.iter().any(|agent| *agent.name == *name)
}

/// What may stand in a Contact: one address and nothing that could end it.
fn is_address(to: &str) -> bool {
    let is_scheme = ["sip:", "sips:", "tel:"].iter().any(|scheme| to.starts_with(scheme));
    let is_odd = |letter: char| !letter.is_ascii_graphic() || "<>\"\\".contains(letter);
    is_scheme && to.len() <= 255 && !to.contains(is_odd)
}

/// A piece while it is built.
struct Draft<'a> {
    stand: Stand<'a>,
    steps: Vec<StepDraft>,
    thens: Vec<(String, Then)>,
}

impl Draft<'_> {
    fn add(&mut self, name: &str, act: Act, wires: &[(Outcome, &str)]) {
        self.steps.push(step(name, act, wires));
    }

    /// The name of the step that goes on like this.
    fn then(&mut self, then: Then) -> String {
        let name = match then {
            Then::Again(_, came) => format!("then {came}"),
            Then::Failed => "then failed".to_owned(),
        };
        if !self.thens.iter().any(|(there, _)| *there == name) {
            self.thens.push((name.clone(), then));
        }
        name
    }

    fn again(&mut self, why: RouteReason, came: &'static str) -> String {
        self.then(Then::Again(why, came))
    }

    fn add_thens(&mut self) {
        for (name, then) in std::mem::take(&mut self.thens) {
            match then {
                Then::Again(_, came) if self.stand.is_controlled => self.add(&name, Act::Control(came), &[]),
                Then::Failed if self.stand.is_controlled => self.add(&name, Act::Control("failed"), &[]),
                Then::Failed => self.add(&name, Act::Fallback, &[]),
                Then::Again(why, _) => {
                    let engine = self.stand.engine;
                    let ask = Act::Route(Route {
                        engine: Template::plain(&engine.name),
                        timeout: engine.patience,
                        comfort: engine.comfort.clone(),
                        why: Some(why),
                        fallback: Some(self.stand.fallback.into()),
                    });
                    let lost = "nobody decides";
                    self.add(&name, ask, &[(Outcome::Error, lost)]);
                    if !self.steps.iter().any(|step| &*step.name == lost) {
                        self.add(lost, Act::Fallback, &[]);
                    }
                }
            }
        }
    }

    fn finish(mut self) -> Result<Arc<Flow>, OrderFault> {
        self.add_thens();
        let start = self.steps.first().map_or("do".into(), |step| step.name.clone());
        build(self.stand.kind, &start, self.steps).map(Arc::new).map_err(|faults| told(&faults))
    }

    fn order(&mut self, order: &Order) {
        match order {
            Order::Flow(name) => {
                let failed = self.then(Then::Failed);
                self.add("do", Act::TransferToFlow(Template::plain(name)), &[(Outcome::Error, &failed)]);
            }
            Order::Queue(order) => self.queue(order),
            Order::Offer { agents, .. } => {
                let first = agents.first().map_or("", |name| name);
                self.choose_and_wait(QueueOf::Agent(Template::plain(first)), "do");
            }
            Order::Dial(order) => self.dial(order),
            Order::Reject { cause, sounds } => self.reject(*cause, sounds),
            Order::Redirect(to) => self.add("do", Act::Redirect(to.clone()), &[]),
            Order::Collect(order) => self.collect(order),
            Order::Wait { time, sounds } => self.wait(*time, sounds),
            Order::Control => self.add("do", Act::Control("taken"), &[]),
            Order::Answer => self.simple(Act::Answer),
            Order::Play { sounds, times } => self.play(sounds, *times),
            Order::Record { limit, silence } => {
                self.simple(Act::Record(RecordMessage { limit: *limit, silence: *silence, terminator: Vec::new() }));
            }
            Order::SendDigits(digits) => self.simple(Act::SendDigits(Template::plain(digits))),
            Order::Stop => self.add("do", Act::Control("stopped"), &[]),
            Order::Note => self.add("do", Act::Control("done"), &[]),
        }
    }

    fn simple(&mut self, act: Act) {
        let (done, failed) = (self.again(RouteReason::Waited, "done"), self.then(Then::Failed));
        self.add("do", act, &[(Outcome::Success, &done), (Outcome::Error, &failed)]);
    }

    fn queue(&mut self, order: &QueueOrder) {
        let is_ranked = order.priority.is_some() || order.age.is_some();
        let mut names = Vec::new();
        names.extend(is_ranked.then_some("rank"));
        names.extend(order.criteria.is_some().then_some("criteria"));
        names.push("queue");
        // The first of them is the one that is begun with.
        let name = |at: usize, name: &'static str| if at == 0 { "do" } else { name };
        let failed = self.again(RouteReason::Overflow, "refused");
        for (at, what) in names.iter().enumerate() {
            let next = names.get(at + 1).copied().unwrap_or_default();
            match *what {
                "rank" => {
                    let rank = Act::SetPriority(SetPriority { priority: order.priority, age: order.age });
                    self.add(name(at, what), rank, &[(Outcome::Success, next)]);
                }
                "criteria" => {
                    let criteria = argument(order.criteria.as_ref().unwrap_or(&Value::Null));
                    let wires = [(Outcome::Success, next), (Outcome::Error, failed.as_str())];
                    self.add(name(at, what), Act::SetCriteria(criteria), &wires);
                }
                _ => self.choose_and_wait(QueueOf::Queue(Template::plain(&order.queue)), name(at, what)),
            }
        }
    }

    fn choose_and_wait(&mut self, place: QueueOf, name: &str) {
        let full = self.again(RouteReason::Overflow, "overflow");
        let refused = self.again(RouteReason::Overflow, "refused");
        if self.stand.kind == Kind::CustomerQueue {
            let wires = [(Outcome::Success, "moved"), (Outcome::AtCapacity, &*full), (Outcome::Error, &*refused)];
            self.add(name, Act::Queue(Some(place)), &wires);
            return self.add("moved", Act::End, &[]);
        }
        self.add(name, Act::SetQueue(place), &[(Outcome::Success, "wait"), (Outcome::Error, &refused)]);
        self.add("wait", Act::Queue(None), &[(Outcome::AtCapacity, &full), (Outcome::Error, &refused)]);
    }

    fn dial(&mut self, order: &DialOrder) {
        let text = |text: &Option<Box<str>>| text.as_deref().map(Template::plain);
        let dial = Dial {
            to: Template::plain(&order.to),
            timeout: DialTimeout::Fixed(order.timeout),
            resumes: true,
            digits: text(&order.digits),
            caller_number: text(&order.caller_number),
            caller_name: text(&order.caller_name),
            via: order.via.clone(),
        };
        let lost = self.again(RouteReason::NoAnswer, "no_answer");
        let failed = self.again(RouteReason::NoAnswer, "call_failed");
        let refused = self.again(RouteReason::NoAnswer, "refused");
        let over = if self.stand.is_controlled { self.again(RouteReason::Waited, "ended") } else { "over".to_owned() };
        let wires = [
            (Outcome::Success, &*over),
            (Outcome::Timeout, &*lost),
            (Outcome::CallFailed, &*failed),
            (Outcome::Error, &*refused),
        ];
        self.add("do", Act::Dial(dial), &wires);
        if !self.stand.is_controlled {
            self.add("over", Act::HangUp(Cause::Normal), &[]);
        }
    }

    fn reject(&mut self, cause: Cause, sounds: &[SoundSpec]) {
        if sounds.is_empty() {
            return self.add("do", Act::HangUp(cause), &[]);
        }
        // What cannot be heard does not keep the call.
        self.add("do", play(sounds), &[(Outcome::Success, "end"), (Outcome::Error, "end")]);
        self.add("end", Act::HangUp(cause), &[]);
    }

    fn collect(&mut self, order: &CollectOrder) {
        let is_first = order.answers && !self.stand.is_answered && self.stand.kind != Kind::CustomerQueue;
        let failed = self.then(Then::Failed);
        if is_first {
            self.add("do", Act::Answer, &[(Outcome::Success, "collect"), (Outcome::Error, &failed)]);
        }
        let collect = Collect {
            sounds: order.sounds.clone(),
            digits_max: order.digits_max,
            first_timeout: order.first_timeout,
            next_timeout: order.next_timeout,
            terminator: order.terminator.clone(),
            has_cancel_key: !order.terminator.contains(&crate::domain::flow::key::Key::STAR),
            number: None,
            encrypt: None,
            confirm: None,
            drops_keys: false,
        };
        let done = self.again(RouteReason::Collected, "collected");
        let wires = [(Outcome::Success, &*done), (Outcome::Error, &*failed)];
        self.add(if is_first { "collect" } else { "do" }, Act::Collect(collect), &wires);
    }

    fn wait(&mut self, time: Duration, sounds: &[SoundSpec]) {
        let over = self.again(RouteReason::Waited, "waited");
        if sounds.is_empty() {
            return self.add("do", Act::Wait(time), &[(Outcome::Success, &over)]);
        }
        if self.stand.kind == Kind::CustomerQueue {
            let failed = self.then(Then::Failed);
            let music = Act::LoopPrompts(LoopPrompts { sounds: sounds.to_vec(), interrupt: Some(time) });
            return self.add("do", music, &[(Outcome::Timeout, &over), (Outcome::Error, &failed)]);
        }
        self.add("do", play(sounds), &[(Outcome::Success, "wait"), (Outcome::Error, "wait")]);
        self.add("wait", Act::Wait(time), &[(Outcome::Success, &over)]);
    }

    fn play(&mut self, sounds: &[SoundSpec], times: u8) {
        let all: Vec<SoundSpec> = (0..times.max(1)).flat_map(|_| sounds.iter().cloned()).collect();
        self.simple(play(&all));
    }
}

fn play(sounds: &[SoundSpec]) -> Act {
    Act::Play(Play { sounds: sounds.to_vec(), is_interruptible: false })
}

fn build(kind: Kind, start: &str, steps: Vec<StepDraft>) -> Result<Flow, Vec<FlowFault>> {
    check::build(FlowDraft {
        name: "engine".into(),
        kind,
        start: start.into(),
        steps,
        on_error: None,
        version: "".into(),
        options: FlowOptions { answer: AnswerMode::Explicit, ..FlowOptions::default() },
    })
}

/// The first fault, in the words of messages.
fn told(faults: &[FlowFault]) -> OrderFault {
    let Some(fault) = faults.first() else { return OrderFault::new("bad_decision", "", "it cannot be done") };
    let path = match &*fault.key {
        "" => "do".to_owned(),
        key => key.replacen("sounds", "play", 1),
    };
    OrderFault::new("bad_decision", &path, fault.kind.to_string())
}

/// As it stands: what an engine says refers to nothing.
fn argument(value: &Value) -> Argument {
    match value {
        Value::Null => Argument::Null,
        Value::Bool(is) => Argument::Bool(*is),
        Value::Number(number) => Argument::Number(number.clone()),
        Value::Text(text) => Argument::Text(Template::plain(text)),
        Value::List(list) => Argument::List(list.iter().map(argument).collect()),
        Value::Map(map) => Argument::Map(map.iter().map(|(name, value)| (name.clone(), argument(value))).collect()),
    }
}

#[cfg(test)]
mod tests;
