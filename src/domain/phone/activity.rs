//! Which calls each phone is in, and how far they are: for busy lamps and for the limit of calls. Knows no call's inside.

use crate::base::id::{CallId, LegId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How far one leg is, in the words of RFC 4235.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    Trying,
    Early,
    Confirmed,
}

/// One leg of a phone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PhoneLeg {
    pub phone: Arc<str>,
    /// The phone placed the call; otherwise it was called.
    pub is_initiator: bool,
    pub stage: Stage,
}

#[derive(Clone, Debug, Default)]
pub struct Activity {
    legs: BTreeMap<(CallId, LegId), PhoneLeg>,
    phones: BTreeMap<Arc<str>, BTreeSet<(CallId, LegId)>>,
}

impl Activity {
    /// A phone is now in a call.
    pub fn begin(&mut self, call: CallId, leg: LegId, phone: &Arc<str>, is_initiator: bool) {
        self.end(call, leg);
        let entry = PhoneLeg { phone: phone.clone(), is_initiator, stage: Stage::Trying };
        self.legs.insert((call, leg), entry);
        self.phones.entry(phone.clone()).or_default().insert((call, leg));
    }

    /// A leg moved on. Gives the phone if that changed something; a leg never moves back.
    pub fn advance(&mut self, call: CallId, leg: LegId, stage: Stage) -> Option<Arc<str>> {
        let entry = self.legs.get_mut(&(call, leg))?;
        let forward = matches!(
            (entry.stage, stage),
            (Stage::Trying, Stage::Early | Stage::Confirmed) | (Stage::Early, Stage::Confirmed)
        );
        forward.then(|| {
            entry.stage = stage;
            entry.phone.clone()
        })
    }

    /// A leg is over.
    pub fn end(&mut self, call: CallId, leg: LegId) -> Option<Arc<str>> {
        let entry = self.legs.remove(&(call, leg))?;
        if let Some(legs) = self.phones.get_mut(&entry.phone) {
            legs.remove(&(call, leg));
            if legs.is_empty() {
                self.phones.remove(&entry.phone);
            }
        }
        Some(entry.phone)
    }

    /// A call is over with all its legs. Gives the phones that were in it.
    pub fn end_call(&mut self, call: CallId) -> Vec<Arc<str>> {
        let legs: Vec<LegId> =
            self.legs.range((call, LegId(0))..=(call, LegId(u8::MAX))).map(|((_, leg), _)| *leg).collect();
        legs.into_iter().filter_map(|leg| self.end(call, leg)).collect()
    }

    /// How many legs a phone has.
    pub fn count(&self, phone: &str) -> usize {
        self.phones.get(phone).map_or(0, BTreeSet::len)
    }

    pub fn legs_of(&self, phone: &str) -> impl Iterator<Item = (CallId, LegId, &PhoneLeg)> {
        self.phones
            .get(phone)
            .into_iter()
            .flatten()
            .filter_map(|(call, leg)| self.legs.get(&(*call, *leg)).map(|entry| (*call, *leg, entry)))
    }

    pub fn is_empty(&self) -> bool {
        self.legs.is_empty() && self.phones.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_has_as_many_legs_as_it_is_in_calls() {
        let mut activity = Activity::default();
        let alice: Arc<str> = "alice".into();
        activity.begin(CallId(1), LegId(0), &alice, true);
        activity.begin(CallId(2), LegId(1), &alice, false);
        assert_eq!(activity.count("alice"), 2);
        assert_eq!(activity.advance(CallId(2), LegId(1), Stage::Early), Some(alice.clone()));
        assert_eq!(activity.advance(CallId(2), LegId(1), Stage::Early), None);
        assert_eq!(activity.end_call(CallId(1)), std::slice::from_ref(&alice));
        assert_eq!(activity.end(CallId(2), LegId(1)), Some(alice));
        assert!(activity.is_empty());
    }

    #[test]
    fn an_answered_leg_does_not_ring_again() {
        let mut activity = Activity::default();
        activity.begin(CallId(1), LegId(1), &"bob".into(), false);
        assert!(activity.advance(CallId(1), LegId(1), Stage::Confirmed).is_some());
        assert!(activity.advance(CallId(1), LegId(1), Stage::Early).is_none());
    }
}
