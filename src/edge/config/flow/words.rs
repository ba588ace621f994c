//! Faults that the check of flows found, shown at their places with the nearest valid name. Finds none but missing names.

use crate::domain::flow::check::{FaultKind, FlowFault, Mention, Mentioned};
use crate::domain::flow::definition::Outcome;
use crate::edge::config::fields::printable;
use crate::edge::config::flow::{Surroundings, Written};
use crate::edge::config::suggest;

/// `flows` are the names of all flows, where the fault is one between flows.
pub fn tell(written: &Written<'_>, fault: &FlowFault, flows: &[&str]) {
    let meant = match &fault.kind {
        // Told where the second file is read.
        FaultKind::FlowTwice => return,
        FaultKind::NoSuchStep(name) => suggest::did_you_mean(name, written.step_names(), "steps"),
        FaultKind::NoSuchFlow(name) => {
            let near = suggest::nearest(name, flows.iter().copied());
            near.map(|near| format!("did you mean `{near}`?"))
                .or_else(|| Some(format!("write it: dialplans/flows/{}.toml", printable(name))))
        }
        FaultKind::UnknownReference { reference, known } => {
            let last = reference.rsplit('.').next().unwrap_or_default();
            let first = reference.split('.').nth(1).unwrap_or_default();
            let near = suggest::nearest(first, known.iter().copied()).or(suggest::nearest(last, known.iter().copied()));
            near.map(|near| format!("did you mean `{near}`?"))
        }
        FaultKind::NotWired(outcome) => {
            let or_flow = if *outcome == Outcome::Error { ", here or in [flow]" } else { "" };
            Some(format!("add `on.{} = \"STEP\"`{or_flow}", outcome.name()))
        }
        _ => None,
    };
    let problem = match &fault.kind {
        FaultKind::NotWired(outcome) => format!("the outcome `{}` leads nowhere", outcome.name()),
        kind => kind.to_string(),
    };
    let key = key(written, fault.step.as_deref(), &fault.key);
    written.error(fault.step.as_deref(), &key, problem, meant);
}

/// The key as this file writes it: there is more than one way for some.
fn key(written: &Written<'_>, step: Option<&str>, key: &str) -> String {
    let Some(step) = step else { return key.to_owned() };
    if key == "on.success" && !written.has(step, key) && written.has(step, "next") {
        return "next".to_owned();
    }
    let Some((list, _)) = key.split_once('[') else { return key.to_owned() };
    let Some(outer) = list.strip_suffix("sounds").filter(|_| !written.has(step, list)) else { return key.to_owned() };
    let single = ["say", "prompt", "ssml"].map(|word| format!("{outer}{word}"));
    single.into_iter().find(|single| written.has(step, single)).unwrap_or_else(|| key.to_owned())
}

/// The nearest of the names that there are, where this is none of them.
fn missing<'a>(name: &str, known: &[&'a str]) -> Option<Option<&'a str>> {
    (!known.contains(&name)).then(|| suggest::nearest(name, known.iter().copied()))
}

/// Something outside of all flows that one of them names, where we know all that there is of its kind.
pub fn mentioned(written: &Written<'_>, mention: &Mention, surroundings: &Surroundings<'_>) {
    let name = &*mention.name;
    let (problem, near, otherwise) = match mention.what {
        Mentioned::Prompt => {
            let Some(prompts) = surroundings.prompts.filter(|prompts| !prompts.contains(name)) else { return };
            let near = suggest::nearest(name, prompts.iter().map(String::as_str));
            let otherwise = format!("put {}.wav into the folder of prompts", printable(name));
            (format!("there is no prompt `{}`", printable(name)), near, otherwise)
        }
        Mentioned::Hours if surroundings.hours.find(name).is_none() => {
            let near = suggest::nearest(name, surroundings.hours.names());
            let otherwise = format!("write them: dialplans/hours/{}.toml", printable(name));
            (format!("there are no hours `{}`", printable(name)), near, otherwise)
        }
        Mentioned::Queue => match missing(name, &surroundings.queues) {
            Some(near) => (
                format!("no queue is named `{}`", printable(name)),
                near,
                "add a [[queue]] of that name in dialplans/".to_owned(),
            ),
            None => return,
        },
        Mentioned::Agent => match missing(name, &surroundings.agents) {
            Some(near) => (
                format!("no agent is named `{}`", printable(name)),
                near,
                "add an [[agent]] of that name in dialplans/".to_owned(),
            ),
            None => return,
        },
        Mentioned::Key => match missing(name, &surroundings.keys) {
            Some(near) => (
                format!("there is no key `{}`", printable(name)),
                near,
                "name its file in [keys] of offhook.toml".to_owned(),
            ),
            None => return,
        },
        Mentioned::Engine => match missing(name, &surroundings.engines) {
            Some(near) => (
                format!("there is no engine `{}`", printable(name)),
                near,
                "declare it as [[engine]] in dialplans/".to_owned(),
            ),
            None => return,
        },
        Mentioned::Hours | Mentioned::Function => return,
    };
    let meant = near.map_or(otherwise, |near| format!("did you mean `{near}`?"));
    let key = key(written, Some(&mention.step), &mention.key);
    written.error(Some(&mention.step), &key, problem, Some(meant));
}
