//! What flows say of each other and of the world: targets, modules, prompts, queues, hours, keys. Has none of those itself.

use super::fault::{FaultKind, FlowFault};
use crate::domain::flow::act::{Act, QueueOf, Role, SoundSpec};
use crate::domain::flow::definition::{Flow, Kind};
use crate::domain::flow::template::Template;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The faults that only several flows together can have, each with the name of its flow.
pub fn book(flows: &[Arc<Flow>]) -> Vec<(Arc<str>, FlowFault)> {
    let mut kinds: BTreeMap<&str, Kind> = BTreeMap::new();
    let mut faults = Vec::new();
    for flow in flows {
        if kinds.insert(&flow.name, flow.kind).is_some() {
            faults.push((Arc::clone(&flow.name), FlowFault::of_flow("name", FaultKind::FlowTwice)));
        }
    }
    for flow in flows {
        for step in &flow.steps {
            for (key, name, wanted) in targets(&step.act) {
                let Some(name) = name.fixed() else { continue };
                let kind = match kinds.get(name) {
                    Some(kind) if wanted.contains(kind) => continue,
                    Some(kind) => FaultKind::WrongKind { flow: name.into(), kind: *kind, wanted },
                    None => FaultKind::NoSuchFlow(name.into()),
                };
                faults.push((Arc::clone(&flow.name), FlowFault::of_step(&step.name, key, kind)));
            }
        }
    }
    faults
}

/// Flows that a step names, each with its key and the kinds that it may be of.
fn targets(act: &Act) -> Vec<(&'static str, &Template, Vec<Kind>)> {
    match act {
        Act::TransferToFlow(flow) => {
            vec![("flow", flow, Kind::ALL.into_iter().filter(|kind| kind.is_transfer_target()).collect())]
        }
        Act::Module(module) => vec![("module", module, vec![Kind::Module])],
        Act::SetFlows(roles) => roles.iter().map(|(role, flow)| (role.name(), flow, kinds_for(*role))).collect(),
        _ => Vec::new(),
    }
}

fn kinds_for(role: Role) -> Vec<Kind> {
    Kind::ALL.into_iter().filter(|kind| role.fits(*kind)).collect()
}

/// Something by its written-out name that is not in the flow itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    pub step: Box<str>,
    pub key: Box<str>,
    pub what: Mentioned,
    pub name: Box<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mentioned {
    Prompt,
    Hours,
    Queue,
    Agent,
    /// A public key.
    Key,
    Function,
    Engine,
}

/// For whoever knows the library, the hours and the queues. Names that come from attributes are not among them.
pub fn mentions(flow: &Flow) -> Vec<Mention> {
    let mut all = Vec::new();
    for step in &flow.steps {
        let mut see = |key: &str, what: Mentioned, name: Option<&str>| {
            if let Some(name) = name {
                all.push(Mention { step: step.name.clone(), key: key.into(), what, name: name.into() });
            }
        };
        for (key, sounds) in heard(&step.act) {
            for (at, sound) in sounds.iter().enumerate() {
                if let SoundSpec::Prompt(name) = sound {
                    see(&format!("{key}[{at}]"), Mentioned::Prompt, name.fixed());
                }
            }
        }
        match &step.act {
            Act::CheckHours(check) => see("hours", Mentioned::Hours, check.hours.as_ref().and_then(Template::fixed)),
            Act::Collect(collect) => see("encrypt", Mentioned::Key, collect.encrypt.as_deref()),
            Act::Route(route) => see("engine", Mentioned::Engine, route.engine.fixed()),
            Act::Function(function) => see("name", Mentioned::Function, function.name.fixed()),
            Act::TransferToAgent(agent) => see("agent", Mentioned::Agent, agent.as_ref().and_then(Template::fixed)),
            _ => {}
        }
        match queue_of(&step.act) {
            Some(QueueOf::Queue(name)) => see("queue", Mentioned::Queue, name.fixed()),
            Some(QueueOf::Agent(name)) => see("agent", Mentioned::Agent, name.fixed()),
            None => {}
        }
    }
    all
}

fn heard(act: &Act) -> Vec<(&'static str, &[SoundSpec])> {
    match act {
        Act::Play(play) => vec![("sounds", &play.sounds)],
        Act::LoopPrompts(prompts) => vec![("sounds", &prompts.sounds)],
        Act::Ask(ask) => vec![("sounds", &ask.sounds), ("again", &ask.again)],
        Act::Collect(collect) => {
            let confirm = collect.confirm.as_ref().map(|confirm| ("confirm.sounds", &*confirm.sounds));
            std::iter::once(("sounds", &*collect.sounds)).chain(confirm).collect()
        }
        Act::Webhook(webhook) => vec![("comfort", &webhook.request.comfort)],
        Act::Function(function) => vec![("comfort", &function.request.comfort)],
        Act::Route(route) => vec![("comfort", &route.comfort)],
        _ => Vec::new(),
    }
}

fn queue_of(act: &Act) -> Option<&QueueOf> {
    match act {
        Act::SetQueue(queue) => Some(queue),
        Act::QueueMetrics(queue) | Act::Queue(queue) => queue.as_ref(),
        Act::CheckQueue(check) => check.queue.as_ref(),
        Act::CheckStaffing(check) => check.queue.as_ref(),
        Act::Callback(callback) => callback.queue.as_ref(),
        _ => None,
    }
}
