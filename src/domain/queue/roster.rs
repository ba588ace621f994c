//! Who serves which queue and can do what, as numbers and sets made from the configuration. Holds nobody's state.

use super::bits::Bits;
use super::criteria::{Condition, Expression, Proficiency};
use super::settings::{AgentSettings, QueueSettings, RoutingProfile, Settings};
use crate::base::limits::{AGENT_SLOTS_MAX, PROFICIENCY_LEVEL_MAX};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueueNo(pub u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AgentNo(pub u32);

/// One attribute with one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SkillNo(pub u32);

pub fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// What one contact asks of an agent at the moment, in numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Demand {
    /// This agent, who spoke with the customer last.
    Agent(AgentNo),
    All(Vec<(SkillNo, u8)>),
    Any(Vec<(SkillNo, u8)>),
    /// What no agent can do.
    Nobody,
}

/// What an agent must be or have before it is worth looking at a demand more closely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DemandKey {
    Agent(AgentNo),
    Skill(SkillNo),
}

impl Demand {
    /// Every agent who meets the demand has one of these.
    pub fn keys(&self) -> Vec<DemandKey> {
        match self {
            Demand::Agent(agent) => vec![DemandKey::Agent(*agent)],
            Demand::All(all) => all.first().map(|(skill, _)| DemandKey::Skill(*skill)).into_iter().collect(),
            Demand::Any(any) => any.iter().map(|(skill, _)| DemandKey::Skill(*skill)).collect(),
            Demand::Nobody => Vec::new(),
        }
    }

    pub fn is_met_by(&self, agent: AgentNo, skills: &[(SkillNo, u8)]) -> bool {
        let has = |(skill, level): &(SkillNo, u8)| {
            let own = skills.binary_search_by_key(skill, |(own, _)| *own).ok().and_then(|at| skills.get(at));
            own.is_some_and(|(_, own)| own >= level)
        };
        match self {
            Demand::Agent(only) => *only == agent,
            Demand::All(all) => all.iter().all(has),
            Demand::Any(any) => any.iter().any(has),
            Demand::Nobody => false,
        }
    }
}

/// One delay of a queue, and the agents for whom it holds.
#[derive(Debug, Default)]
pub struct LanePlan {
    pub delay: Duration,
    pub agents: Bits,
}

#[derive(Debug)]
pub struct QueuePlan {
    pub settings: QueueSettings,
    /// Whether the configuration has it still.
    pub is_there: bool,
    /// By rising delay.
    pub lanes: Vec<LanePlan>,
    /// All agents of all lanes.
    pub agents: Bits,
}

/// One queue that an agent serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duty {
    pub priority: u32,
    pub queue: QueueNo,
    pub lane: usize,
}

#[derive(Debug)]
pub struct AgentPlan {
    pub settings: AgentSettings,
    pub is_there: bool,
    pub slots: usize,
    pub keeps_place_after_outbound: bool,
    /// Most urgent first.
    pub duties: Vec<Duty>,
    /// By number.
    pub skills: Vec<(SkillNo, u8)>,
}

/// Numbers stay with their names from configuration to configuration.
#[derive(Debug, Default)]
pub struct Roster {
    pub queues: Vec<QueuePlan>,
    pub agents: Vec<AgentPlan>,
    queue_names: BTreeMap<Arc<str>, QueueNo>,
    agent_names: BTreeMap<Arc<str>, AgentNo>,
    skill_names: BTreeMap<(Box<str>, Box<str>), SkillNo>,
    /// For each skill the agents who have it at level 1 and more, 2 and more, and so on.
    levels: Vec<Vec<Bits>>,
}

impl Roster {
    pub fn replace(&mut self, settings: &Settings) {
        for queue in &mut self.queues {
            queue.is_there = false;
            queue.lanes.clear();
            queue.agents = Bits::default();
        }
        for agent in &mut self.agents {
            agent.is_there = false;
            agent.duties.clear();
            agent.skills.clear();
        }
        self.levels.iter_mut().flatten().for_each(|agents| *agents = Bits::default());
        for queue in &settings.queues {
            self.add_queue(queue);
        }
        for profile in &settings.profiles {
            self.add_lanes(profile);
        }
        for agent in &settings.agents {
            self.add_agent(agent, settings.profile(&agent.profile));
        }
    }

    fn add_queue(&mut self, settings: &QueueSettings) {
        let next = QueueNo(u32::try_from(self.queues.len()).unwrap_or(u32::MAX));
        let number = *self.queue_names.entry(settings.name.clone()).or_insert(next);
        let settings = settings.clone();
        match self.queues.get_mut(index(number.0)) {
            Some(queue) => (queue.settings, queue.is_there) = (settings, true),
            None => {
                self.queues.push(QueuePlan { settings, is_there: true, lanes: Vec::new(), agents: Bits::default() })
            }
        }
    }

    fn add_lanes(&mut self, profile: &RoutingProfile) {
        for entry in &profile.entries {
            let Some(number) = self.queue_number(&entry.queue) else { continue };
            let Some(queue) = self.queues.get_mut(index(number.0)) else { continue };
            if let Err(at) = queue.lanes.binary_search_by_key(&entry.delay, |lane| lane.delay) {
                queue.lanes.insert(at, LanePlan { delay: entry.delay, agents: Bits::default() });
            }
        }
    }

    fn add_agent(&mut self, settings: &AgentSettings, profile: Option<&RoutingProfile>) {
        let next = AgentNo(u32::try_from(self.agents.len()).unwrap_or(u32::MAX));
        let number = *self.agent_names.entry(settings.name.clone()).or_insert(next);
        let plan = AgentPlan {
            settings: settings.clone(),
            is_there: true,
            slots: profile.map_or(1, |profile| usize::from(profile.slots.clamp(1, AGENT_SLOTS_MAX))),
            keeps_place_after_outbound: profile.is_some_and(|profile| profile.keeps_place_after_outbound),
            duties: profile.map_or(Vec::new(), |profile| self.duties(number, profile)),
            skills: self.skills(number, &settings.proficiencies),
        };
        match self.agents.get_mut(index(number.0)) {
            Some(agent) => *agent = plan,
            None => self.agents.push(plan),
        }
    }

    fn duties(&mut self, agent: AgentNo, profile: &RoutingProfile) -> Vec<Duty> {
        let mut duties = Vec::new();
        for entry in &profile.entries {
            let Some(number) = self.queue_number(&entry.queue) else { continue };
            let Some(queue) = self.queues.get_mut(index(number.0)) else { continue };
            let Ok(at) = queue.lanes.binary_search_by_key(&entry.delay, |lane| lane.delay) else { continue };
            queue.agents.set(agent.0, true);
            if let Some(lane) = queue.lanes.get_mut(at) {
                lane.agents.set(agent.0, true);
            }
            duties.push(Duty { priority: entry.priority, queue: number, lane: at });
        }
        duties.sort_by_key(|duty| duty.priority);
        duties
    }

    fn skills(&mut self, agent: AgentNo, proficiencies: &[Proficiency]) -> Vec<(SkillNo, u8)> {
        let mut skills = Vec::new();
        for proficiency in proficiencies {
            let next = SkillNo(u32::try_from(self.levels.len()).unwrap_or(u32::MAX));
            let name = (proficiency.attribute.clone(), proficiency.value.clone());
            let skill = *self.skill_names.entry(name).or_insert(next);
            if skill == next {
                self.levels.push(vec![Bits::default(); usize::from(PROFICIENCY_LEVEL_MAX)]);
            }
            let levels = self.levels.get_mut(index(skill.0)).into_iter().flatten();
            levels.take(usize::from(proficiency.level)).for_each(|agents| agents.set(agent.0, true));
            skills.push((skill, proficiency.level));
        }
        skills.sort();
        skills
    }

    /// The queue of that name, if the configuration has it.
    pub fn queue_number(&self, name: &str) -> Option<QueueNo> {
        let number = *self.queue_names.get(name)?;
        self.queue(number).is_some_and(|queue| queue.is_there).then_some(number)
    }

    pub fn agent_number(&self, name: &str) -> Option<AgentNo> {
        let number = *self.agent_names.get(name)?;
        self.agent(number).is_some_and(|agent| agent.is_there).then_some(number)
    }

    pub fn queue(&self, number: QueueNo) -> Option<&QueuePlan> {
        self.queues.get(index(number.0))
    }

    pub fn agent(&self, number: AgentNo) -> Option<&AgentPlan> {
        self.agents.get(index(number.0))
    }

    /// What the expression asks for, by the proficiencies that agents have now.
    pub fn demand(&self, expression: &Expression) -> Demand {
        let number = |condition: &Condition| {
            let name = (condition.attribute.clone(), condition.value.clone());
            self.skill_names.get(&name).map(|skill| (*skill, condition.level))
        };
        match expression {
            Expression::All(all) => all.iter().map(number).collect::<Option<_>>().map_or(Demand::Nobody, Demand::All),
            Expression::Any(any) => {
                let known: Vec<_> = any.iter().filter_map(number).collect();
                if known.is_empty() { Demand::Nobody } else { Demand::Any(known) }
            }
        }
    }

    /// The agents who meet the demand, sixty-four at a time.
    pub fn able(&self, demand: &Demand, at: usize) -> u64 {
        let word = |(skill, level): &(SkillNo, u8)| {
            let levels = self.levels.get(index(skill.0));
            let agents = levels.and_then(|levels| levels.get(usize::from(level.saturating_sub(1))));
            agents.map_or(0, |agents| agents.word(at))
        };
        match demand {
            Demand::Agent(agent) if index(agent.0 / 64) == at => 1 << (agent.0 % 64),
            Demand::Agent(_) | Demand::Nobody => 0,
            Demand::All(all) => all.iter().fold(u64::MAX, |agents, one| agents & word(one)),
            Demand::Any(any) => any.iter().fold(0, |agents, one| agents | word(one)),
        }
    }
}
