//! What is due when, for the errands that are many: one ordered list, each errand in it at most once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// Something that a part of the switchboard wants to be woken for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Errand {
    /// OPTIONS to one target of one trunk.
    Health { slot: u32, target_index: u16 },
    /// Our registration with the carrier of one trunk.
    Registration { slot: u32 },
    /// The drain has lasted long enough.
    DrainEnds,
}

#[derive(Clone, Debug, Default)]
pub struct Agenda {
    due: BTreeSet<(Instant, Errand)>,
    at: BTreeMap<Errand, Instant>,
}

impl Agenda {
    /// Sets, moves or (with `None`) strikes out an errand.
    pub fn arm(&mut self, errand: Errand, at: Option<Instant>) {
        let old = match at {
            Some(at) => self.at.insert(errand, at),
            None => self.at.remove(&errand),
        };
        if old == at {
            return;
        }
        if let Some(old) = old {
            self.due.remove(&(old, errand));
        }
        if let Some(at) = at {
            self.due.insert((at, errand));
        }
    }

    /// Takes the next errand that is due.
    pub fn pop(&mut self, now: Instant) -> Option<Errand> {
        let (at, errand) = *self.due.first()?;
        if at > now {
            return None;
        }
        self.due.pop_first();
        self.at.remove(&errand);
        Some(errand)
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_errand_stands_once_and_moves() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let mut agenda = Agenda::default();
        agenda.arm(Errand::DrainEnds, Some(later));
        agenda.arm(Errand::DrainEnds, Some(now));
        agenda.arm(Errand::Registration { slot: 1 }, Some(later));
        assert_eq!(agenda.deadline(), Some(now));
        assert_eq!((agenda.pop(now), agenda.pop(now)), (Some(Errand::DrainEnds), None));
        agenda.arm(Errand::Registration { slot: 1 }, None);
        assert_eq!((agenda.deadline(), agenda.pop(later)), (None, None));
    }
}
