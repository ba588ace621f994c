//! Engines as configuration declares them: how long each has, and what happens when nobody decides. Reaches none.

use crate::base::cause::Cause;
use crate::domain::flow::act::{Act, Dial, DialTimeout, QueueOf, Route, RouteReason, SoundSpec};
use crate::domain::flow::check;
use crate::domain::flow::definition::{AnswerMode, Flow, FlowOptions, Kind, Outcome};
use crate::domain::flow::draft::{FlowDraft, StepDraft};
use crate::domain::flow::template::Template;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// One declared way to ask an engine.
#[derive(Clone, PartialEq, Debug)]
pub struct Engine {
    pub name: Arc<str>,
    /// The name under which the engine attaches; several declarations may ask the same one.
    pub client: Arc<str>,
    /// How long it has for each decision.
    pub patience: Duration,
    /// What happens when nobody decides.
    pub fallback: Fallback,
    /// Heard while the decision is awaited; without any it rings.
    pub comfort: Vec<SoundSpec>,
    /// How long a call waits for an engine that has control of it and is gone.
    pub grace: Duration,
}

/// What happens without an engine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fallback {
    Flow(Arc<str>),
    Queue(Arc<str>),
    /// A number or a phone's name, reached as the dialplan says.
    Dial(Box<str>),
    Reject(Cause),
}

/// All that are declared.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Engines {
    by_name: BTreeMap<Arc<str>, Arc<Engine>>,
}

impl Engines {
    pub fn new(engines: impl IntoIterator<Item = Engine>) -> Engines {
        let named = |engine: Engine| (Arc::clone(&engine.name), Arc::new(engine));
        Engines { by_name: engines.into_iter().map(named).collect() }
    }

    pub fn find(&self, name: &str) -> Option<&Arc<Engine>> {
        self.by_name.get(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Engine>> {
        self.by_name.values()
    }
}

impl Fallback {
    /// What it does with whom.
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Fallback::Flow(name) => ("flow", name),
            Fallback::Queue(name) => ("queue", name),
            Fallback::Dial(to) => ("dial", to),
            Fallback::Reject(cause) => ("reject", cause.name()),
        }
    }
}

impl fmt::Display for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, whom) = self.parts();
        write!(f, "{what}:{whom}")
    }
}

impl Engine {
    /// The flow of a call whose number leads to this engine: it is asked, and then what it says happens, or the fallback.
    /// `None` where its settings make no flow, which the check of configuration has told.
    pub fn flow(&self, why: RouteReason) -> Option<Flow> {
        let ask = Act::Route(Route {
            engine: Template::plain(&self.name),
            timeout: self.patience,
            comfort: self.comfort.clone(),
            why: Some(why),
            fallback: Some(self.fallback.to_string().into()),
        });
        let mut steps = vec![step("ask", ask, &[(Outcome::Error, "fallback")])];
        let refuse = |name, cause| step(name, Act::HangUp(cause), &[]);
        match &self.fallback {
            Fallback::Reject(cause) => steps.push(refuse("fallback", *cause)),
            Fallback::Flow(name) => {
                let go = Act::TransferToFlow(Template::plain(name));
                steps.push(step("fallback", go, &[(Outcome::Error, "gone")]));
                steps.push(refuse("gone", Cause::TemporarilyUnavailable));
            }
            Fallback::Queue(name) => {
                let choose = Act::SetQueue(QueueOf::Queue(Template::plain(name)));
                steps.push(step("fallback", choose, &[(Outcome::Success, "wait"), (Outcome::Error, "gone")]));
                steps.push(step("wait", Act::Queue(None), &[(Outcome::AtCapacity, "full"), (Outcome::Error, "gone")]));
                steps.push(refuse("full", Cause::Busy));
                steps.push(refuse("gone", Cause::TemporarilyUnavailable));
            }
            Fallback::Dial(to) => {
                steps.push(step("fallback", Act::Dial(plain_dial(to)), &[(Outcome::Error, "gone")]));
                steps.push(refuse("gone", Cause::TemporarilyUnavailable));
            }
        }
        let draft = FlowDraft {
            name: format!("engine-{}", self.name).into(),
            kind: Kind::Inbound,
            start: "ask".into(),
            steps,
            on_error: None,
            version: "".into(),
            // Whoever only waits for a decision pays nothing for it.
            options: FlowOptions { answer: AnswerMode::Explicit, ..FlowOptions::default() },
        };
        check::build(draft).ok()
    }
}

pub(super) fn plain_dial(to: &str) -> Dial {
    Dial {
        to: Template::plain(to),
        timeout: DialTimeout::Fixed(Duration::from_secs(30)),
        resumes: false,
        digits: None,
        caller_number: None,
        caller_name: None,
        via: None,
    }
}

pub(super) fn step(name: &str, act: Act, wires: &[(Outcome, &str)]) -> StepDraft {
    StepDraft {
        name: name.into(),
        act,
        wires: wires.iter().map(|(outcome, to)| (*outcome, Box::from(*to))).collect(),
        is_sensitive: false,
    }
}
