//! How trunks and phones stand, for operators. Changes nothing.

use crate::domain::number::entry::{Assignment, Entry};
use crate::domain::number::key::Key;
use crate::domain::switchboard::board::Switchboard;
use std::sync::Arc;

/// One trunk as an operator sees it.
#[derive(Clone, PartialEq, Debug)]
pub struct TrunkStanding {
    pub name: Arc<str>,
    pub calls: u32,
    /// Zero: no limit.
    pub calls_max: u32,
    /// `None` for a trunk that does not register.
    pub registered: Option<bool>,
    /// Each target and whether it is up.
    pub targets: Vec<(String, bool)>,
}

/// One phone as an operator sees it.
#[derive(Clone, PartialEq, Debug)]
pub struct PhoneStanding {
    pub name: Arc<str>,
    pub calls: usize,
    /// Contact URIs, newest first.
    pub contacts: Vec<String>,
}

impl Switchboard {
    /// Every configured trunk, and removed ones while calls run over them.
    pub fn trunk_states(&self) -> Vec<TrunkStanding> {
        let standing = |state: &crate::domain::switchboard::trunks::TrunkState| {
            let settings = state.settings.as_ref();
            let targets = settings.map(|trunk| trunk.targets.as_slice()).unwrap_or_default().iter();
            TrunkStanding {
                name: state.name.clone(),
                calls: state.places.used(),
                calls_max: settings.map_or(0, |trunk| trunk.limits.calls_max),
                registered: state.registering.as_ref().map(|one| one.is_registered()),
                targets: targets
                    .zip(&state.health)
                    .map(|(target, health)| {
                        let port = target.port.map(|port| format!(":{port}")).unwrap_or_default();
                        (format!("{}{port}", target.host), health.is_up())
                    })
                    .collect(),
            }
        };
        let present = |state: &crate::domain::switchboard::trunks::TrunkState| {
            state.settings.is_some() || state.places.used() > 0
        };
        self.trunks.iter().map(|(_, state)| state).filter(|state| present(state)).map(standing).collect()
    }

    /// How many calls run that came through this number.
    pub fn number_calls(&self, key: &Key) -> u32 {
        self.house.calls(key)
    }

    /// Whether what a number is assigned to is in the configuration; another number is the inventory's to know.
    pub fn is_configured(&self, to: &Assignment) -> bool {
        let exchange = &self.index.exchange;
        match to {
            Assignment::Flow(name) => exchange.flows.find(name).is_some(),
            Assignment::Phone(name) => exchange.phones.iter().any(|phone| phone.name == *name),
            Assignment::Group(name) => self.index.dialplan.plan().groups.iter().any(|group| group.name == *name),
            Assignment::Queue(name) => exchange.queues.queue(name).is_some(),
            Assignment::Engine(name) => exchange.engines.find(name).is_some(),
            Assignment::Trunk(name) => exchange.trunks.iter().any(|trunk| trunk.name == *name),
            Assignment::Number(_) => true,
        }
    }

    /// Numbers whose calls would find nothing there, each with what it is assigned to.
    pub fn stray_numbers(&self) -> Vec<(String, String)> {
        let targets = |entry: &Arc<Entry>| {
            let key = entry.key.text().to_owned();
            let all = entry.to.iter().chain(entry.by_country.values()).filter(|to| !self.is_configured(to));
            all.map(|to| (key.clone(), to.to_string())).collect::<Vec<_>>()
        };
        self.house.book.entries().flat_map(targets).collect()
    }

    pub fn has_guard(&self, name: &str) -> bool {
        self.index.dialplan.plan().guards.iter().any(|guard| *guard.name == *name)
    }

    /// Each guard that stops somebody: whom, and why.
    pub fn tripped_guards(&self) -> Vec<(Arc<str>, Box<str>, String)> {
        let tripped = self.meters.tripped();
        tripped.map(|((guard, subject), why)| (guard.clone(), subject.clone(), why.to_string())).collect()
    }

    /// Every guard of configuration, and how many it stops.
    pub fn guard_states(&self) -> Vec<(Arc<str>, usize)> {
        let guards = self.index.dialplan.plan().guards.iter();
        guards
            .map(|guard| {
                let stopped = self.meters.tripped().filter(|((name, _), _)| *name == guard.name).count();
                (guard.name.clone(), stopped)
            })
            .collect()
    }

    pub fn phone_states(&self) -> Vec<PhoneStanding> {
        let contacts = |name: &str| self.bindings.of(name).iter().map(|binding| binding.uri.to_string()).collect();
        self.index
            .exchange
            .phones
            .iter()
            .map(|phone| PhoneStanding {
                name: phone.name.clone(),
                calls: self.activity.count(&phone.name),
                contacts: contacts(&phone.name),
            })
            .collect()
    }
}
