//! Those who wait in one queue, sorted so that the next one for an agent is found at once. Decides no order of its own.

use super::interface::ContactId;
use super::roster::{AgentNo, Demand, DemandKey, SkillNo};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The order of service: by priority, then by age, then by arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    pub priority: u8,
    /// Milliseconds since the origin of the queues' time, less the age that was added.
    pub since: i64,
    pub number: u64,
    pub contact: ContactId,
}

/// Contacts that have waited long enough for the agents of one delay.
#[derive(Debug, Default)]
pub struct Lane {
    /// Anybody will do.
    open: BTreeSet<Turn>,
    asking: BTreeMap<DemandKey, BTreeMap<Arc<Demand>, BTreeSet<Turn>>>,
}

impl Lane {
    pub fn insert(&mut self, turn: Turn, demand: Option<&Arc<Demand>>) {
        let Some(demand) = demand else {
            self.open.insert(turn);
            return;
        };
        for key in demand.keys() {
            self.asking.entry(key).or_default().entry(demand.clone()).or_default().insert(turn);
        }
    }

    pub fn remove(&mut self, turn: Turn, demand: Option<&Arc<Demand>>) {
        let Some(demand) = demand else {
            self.open.remove(&turn);
            return;
        };
        for key in demand.keys() {
            let Some(demands) = self.asking.get_mut(&key) else { continue };
            let Some(turns) = demands.get_mut(demand) else { continue };
            turns.remove(&turn);
            if turns.is_empty() {
                demands.remove(demand);
            }
            if demands.is_empty() {
                self.asking.remove(&key);
            }
        }
    }

    /// Whose turn it is for this agent.
    pub fn first_for(&self, agent: AgentNo, skills: &[(SkillNo, u8)]) -> Option<Turn> {
        let mut first = self.open.first().copied();
        let keys = skills.iter().map(|(skill, _)| DemandKey::Skill(*skill)).chain([DemandKey::Agent(agent)]);
        for demands in keys.filter_map(|key| self.asking.get(&key)) {
            for (demand, turns) in demands {
                let Some(turn) = turns.first() else { continue };
                let is_earlier = first.is_none_or(|first| *turn < first);
                if is_earlier && demand.is_met_by(agent, skills) {
                    first = Some(*turn);
                }
            }
        }
        first
    }
}

/// One queue's contacts, from entering until an agent takes them.
#[derive(Debug, Default)]
pub struct Room {
    pub lanes: Vec<Lane>,
    /// All of them, also those who are offered.
    turns: BTreeSet<Turn>,
    /// By when they came into this queue, in milliseconds since the origin.
    arrivals: BTreeSet<(i64, ContactId)>,
    /// How many of them no agent has been found for.
    standing: usize,
}

impl Room {
    pub fn with_lanes(lanes: usize) -> Room {
        Room { lanes: (0..lanes).map(|_| Lane::default()).collect(), ..Room::default() }
    }

    pub fn enter(&mut self, turn: Turn, entered: i64) {
        self.turns.insert(turn);
        self.arrivals.insert((entered, turn.contact));
    }

    pub fn leave(&mut self, turn: Turn, entered: i64) {
        self.turns.remove(&turn);
        self.arrivals.remove(&(entered, turn.contact));
    }

    pub fn len(&self) -> usize {
        self.turns.len()
    }

    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    pub fn stands(&mut self, is_standing: bool) {
        self.standing = if is_standing { self.standing.saturating_add(1) } else { self.standing.saturating_sub(1) };
    }

    pub fn standing(&self) -> usize {
        self.standing
    }

    /// When the one came who has been here longest.
    pub fn oldest(&self) -> Option<i64> {
        self.arrivals.first().map(|(entered, _)| *entered)
    }

    /// How many are served before this one, plus one.
    pub fn position(&self, turn: Turn) -> usize {
        self.turns.range(..turn).count() + 1
    }

    pub fn turns(&self) -> impl Iterator<Item = &Turn> {
        self.turns.iter()
    }
}
