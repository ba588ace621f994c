//! One promised callback as plain data: what is written down, and what its times are. Dials nobody.

use super::criteria::Criteria;
use super::interface::{Place, Rank};
use crate::base::e164::E164;
use crate::base::id::CallId;
use crate::base::limits::CALLBACK_LIFE;
use crate::domain::flow::value::Value;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// One callback, for as long as it is owed; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallbackId(pub u64);

impl fmt::Display for CallbackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cb-{}", self.0)
    }
}

impl CallbackId {
    /// Reads what `Display` writes.
    pub fn parse(text: &str) -> Option<CallbackId> {
        text.strip_prefix("cb-")?.parse().ok().map(CallbackId)
    }
}

/// All times are milliseconds since 1970, so that they outlive the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    pub id: CallbackId,
    /// The call in which it was promised.
    pub call: CallId,
    pub number: E164,
    pub place: Place,
    /// With the age of the order already counted into `started`.
    pub rank: Rank,
    pub criteria: Option<Criteria>,
    /// When the call that asked began: the place in the queue, whatever happens.
    pub started: u64,
    pub created: u64,
    /// Dials that have begun.
    pub attempts: u8,
    /// Dials beyond the first that are allowed.
    pub retries: u8,
    pub gap: Duration,
    pub standing: Standing,
    pub luggage: Arc<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Waits for its time before it waits for an agent: the initial delay, or the gap after a dial.
    Scheduled { due: u64 },
    /// Waits for an agent, or is with one.
    Queued,
}

/// What came of dialling the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialOutcome {
    /// Also by a machine.
    Answered,
    /// It rang and nobody came: the only outcome after which there is another try.
    NoAnswer,
    Busy,
    Failed,
    NotDialable,
}

impl Callback {
    pub fn expires(&self) -> u64 {
        self.created.saturating_add(millis(CALLBACK_LIFE))
    }

    /// Whether another dial may follow those that were made.
    pub fn may_dial_again(&self) -> bool {
        self.attempts <= self.retries
    }
}

pub fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_callback_reads_back() {
        let id = CallbackId(77);
        assert_eq!(CallbackId::parse(&id.to_string()), Some(id));
        assert_eq!(CallbackId::parse("77"), None);
        assert_eq!(CallbackId::parse("cb-x"), None);
    }
}
