//! Which outcomes of which steps the trials of a flow have met. Runs nothing.

use super::Passed;
use crate::domain::flow::check::fault::key_of;
use crate::domain::flow::definition::{Flow, Flows, Outcome};
use std::collections::BTreeSet;

/// What all trials together have met.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    met: BTreeSet<(Box<str>, Box<str>, Outcome)>,
}

/// How much of one flow was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    pub met: usize,
    pub all: usize,
    /// `menu on.timeout`, in the order of the file.
    pub missing: Vec<String>,
}

impl Coverage {
    pub fn note(&mut self, passed: &[Passed]) {
        for one in passed {
            if let Some(outcome) = one.outcome {
                self.met.insert((Box::from(&*one.flow), one.step.clone(), outcome));
            }
        }
    }

    pub fn of(&self, flow: &Flow) -> Share {
        let mut share = Share { met: 0, all: 0, missing: Vec::new() };
        for step in &flow.steps {
            for (outcome, _) in &step.next {
                share.all += 1;
                if self.met.contains(&(Box::from(&*flow.name), step.name.clone(), *outcome)) {
                    share.met += 1;
                } else {
                    share.missing.push(format!("{} {}", step.name, key_of(&step.act, *outcome)));
                }
            }
        }
        share
    }

    /// Every flow with its share.
    pub fn all<'a>(&'a self, flows: &'a Flows) -> impl Iterator<Item = (&'a str, Share)> {
        flows.iter().map(|flow| (&*flow.name, self.of(flow)))
    }
}
