//! One contact that waits or is with an agent: its place, its criteria, its deal. Moves nothing itself.

use super::criteria::Criteria;
use super::interface::{ContactId, OfferId};
use super::queues::Spot;
use super::roster::{AgentNo, Demand};
use super::waiting::Turn;
use crate::base::e164::E164;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Waiter {
    pub spot: Spot,
    pub turn: Turn,
    /// When it came into this queue: the instant for delays, milliseconds since the origin for lists.
    pub entered: Instant,
    pub entered_at: i64,
    /// Whether an agent may be found for it; not while it is with one.
    pub is_standing: bool,
    /// In how many of its queue's lanes it stands.
    pub lanes: usize,
    pub when_ripe: Option<Instant>,
    pub steps: Steps,
    pub moves: u8,
    pub customer: Option<E164>,
    pub deal: Option<Deal>,
    /// How long it had waited when it was taken out of its queue.
    pub waited: Duration,
}

/// A contact and the agent who is to have it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deal {
    pub offer: OfferId,
    pub agent: AgentNo,
    pub stage: Stage,
    /// When the other side has taken too long; `None` once they are joined.
    pub when_late: Option<Instant>,
}

/// In this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// The agent's phone rings.
    Offered,
    AgentWhisper,
    /// Callbacks only: the customer's phone rings.
    Dialling,
    CustomerWhisper,
    Joined,
}

/// What the contact asks for, step by step.
#[derive(Debug, Default)]
pub(super) struct Steps {
    /// The agent of last time, and how long he is waited for. Comes before all criteria.
    pub sticky: Option<(AgentNo, Duration)>,
    pub criteria: Option<Criteria>,
    /// How often they were replaced.
    pub changes: u8,
    /// The step of the criteria that is active; beyond the last one anybody will do.
    pub at: usize,
    pub when_expires: Option<Instant>,
    /// What holds now; `None`: anybody will do.
    pub demand: Option<Arc<Demand>>,
}

impl Waiter {
    /// Whether it is counted in its queue: until the agent's whisper ended, and for a callback until an agent accepted.
    pub fn is_in_room(&self) -> bool {
        let is_callback = matches!(self.turn.contact, ContactId::Callback(_));
        match self.deal.map(|deal| deal.stage) {
            None | Some(Stage::Offered) => true,
            Some(Stage::AgentWhisper) => !is_callback,
            Some(_) => false,
        }
    }
}
