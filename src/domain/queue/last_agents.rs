//! Who spoke last with which customer, for so many customers as the bound allows. Written nowhere.

use super::roster::AgentNo;
use crate::base::e164::E164;
use crate::base::limits::LAST_AGENTS_MAX;
use std::collections::{BTreeMap, VecDeque};

#[derive(Debug, Default)]
pub(super) struct LastAgents {
    agents: BTreeMap<E164, AgentNo>,
    /// In the order in which customers were first seen.
    order: VecDeque<E164>,
}

impl LastAgents {
    pub fn remember(&mut self, customer: E164, agent: AgentNo) {
        if self.agents.insert(customer, agent).is_some() {
            return;
        }
        self.order.push_back(customer);
        if self.order.len() > LAST_AGENTS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.agents.remove(&oldest);
        }
    }

    pub fn of(&self, customer: E164) -> Option<AgentNo> {
        self.agents.get(&customer).copied()
    }
}
