//! The table of running calls: what each holds, and which INVITE each began with. Gives back everything when a call ends.

use crate::base::id::CallId;
use crate::domain::number::key::Key;
use crate::domain::queue::callback::CallbackId;
use crate::domain::queue::interface::OfferId;
use crate::domain::switchboard::gate::{Bound, Spend};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What is known here of one running call.
#[derive(Clone, Debug)]
pub struct Entry {
    pub emergency: bool,
    /// The caller's own place on its trunk, kept until the call ends.
    pub own: Option<u32>,
    /// One for each further place that it holds on a trunk.
    pub held: Vec<u32>,
    /// Numbers of ours that it came through.
    pub numbers: Vec<Key>,
    /// What it counts for under guards.
    pub spends: Vec<Spend>,
    /// Where it goes outside, once it may.
    pub bound: Option<Bound>,
    /// The dialled user part, to tell a loop from a spiral.
    dialled: u64,
    invite: u64,
    /// The callback that it keeps, and the offer to the agent whom it calls first.
    pub callback: Option<(CallbackId, OfferId)>,
}

/// What an INVITE has to do with a running call (RFC 3261 8.2.2.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kinship {
    None,
    /// The INVITE that this call began with, again.
    Same(CallId),
    /// The same request over another way.
    Merged,
}

/// An INVITE by what identifies the request and by the branch that it came with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InviteMark {
    request: u64,
    branch: u64,
}

impl InviteMark {
    pub fn new(call_id: &str, from_tag: &str, cseq: u32, branch: &str) -> InviteMark {
        InviteMark { request: digest_of((call_id, from_tag, cseq)), branch: digest_of(branch) }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Calls {
    /// Boxed, because a tree of random names is a third empty.
    calls: BTreeMap<CallId, Box<Entry>>,
    invites: BTreeMap<u64, (CallId, u64)>,
}

impl Calls {
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    pub fn contains(&self, call: CallId) -> bool {
        self.calls.contains_key(&call)
    }

    pub fn get(&self, call: CallId) -> Option<&Entry> {
        self.calls.get(&call).map(|entry| &**entry)
    }

    pub fn ids(&self) -> impl Iterator<Item = CallId> {
        self.calls.keys().copied()
    }

    pub fn kinship(&self, mark: InviteMark) -> Kinship {
        match self.invites.get(&mark.request) {
            Some((call, branch)) if *branch == mark.branch => Kinship::Same(*call),
            Some(_) => Kinship::Merged,
            None => Kinship::None,
        }
    }

    /// Whether this call was dialled with the same digits: then a request that carries its branch is a loop.
    pub fn is_loop(&self, call: CallId, dialled: &str) -> bool {
        self.calls.get(&call).is_some_and(|entry| entry.dialled == digest_of(dialled))
    }

    pub fn begin(&mut self, call: CallId, mark: InviteMark, (dialled, emergency): (&str, bool)) {
        self.invites.insert(mark.request, (call, mark.branch));
        let dialled = digest_of(dialled);
        let entry = Entry {
            emergency,
            own: None,
            held: Vec::new(),
            numbers: Vec::new(),
            spends: Vec::new(),
            bound: None,
            dialled,
            invite: mark.request,
            callback: None,
        };
        self.calls.insert(call, Box::new(entry));
    }

    /// A call that nobody's INVITE begins.
    pub fn begin_ours(&mut self, call: CallId, callback: (CallbackId, OfferId), dialled: &str) {
        let entry = Entry {
            emergency: false,
            own: None,
            held: Vec::new(),
            numbers: Vec::new(),
            spends: Vec::new(),
            bound: None,
            dialled: digest_of(dialled),
            invite: 0,
            callback: Some(callback),
        };
        self.calls.insert(call, Box::new(entry));
    }

    /// Notes that a call holds a place. False if there is no such call: then nothing may be taken for it.
    pub fn hold(&mut self, call: CallId, slot: u32) -> bool {
        let entry = self.calls.get_mut(&call);
        entry.is_some_and(|entry| {
            entry.held.push(slot);
            true
        })
    }

    /// Notes that a call came through a number. False if there is no such call, or it did already.
    pub fn hold_number(&mut self, call: CallId, key: &Key) -> bool {
        self.calls.get_mut(&call).is_some_and(|entry| {
            let is_new = !entry.numbers.contains(key);
            if is_new {
                entry.numbers.push(key.clone());
            }
            is_new
        })
    }

    /// Notes what a call counts for. False if there is no such call.
    pub fn spend(&mut self, call: CallId, spend: Spend) -> bool {
        self.calls.get_mut(&call).map(|entry| entry.spends.push(spend)).is_some()
    }

    /// What a call counts for no more, because it gave this trunk's place back.
    pub fn unspend(&mut self, call: CallId, trunk: &str) -> Vec<Spend> {
        let Some(entry) = self.calls.get_mut(&call) else { return Vec::new() };
        let of_trunk = |spend: &mut Spend| spend.trunk.as_deref() == Some(trunk);
        entry.spends.extract_if(.., of_trunk).collect()
    }

    /// What a leg on this trunk counts for goes with it to another call.
    pub fn move_spends(&mut self, from: CallId, to: CallId, trunk: &str) {
        let Some(entry) = self.calls.get_mut(&from) else { return };
        let goes = |spend: &mut Spend| spend.trunk.as_deref().is_none_or(|own| own == trunk);
        let moved: Vec<Spend> = entry.spends.extract_if(.., goes).collect();
        if let Some(heir) = self.calls.get_mut(&to) {
            heir.spends.extend(moved);
        }
    }

    /// Notes where a call goes outside.
    pub fn bind(&mut self, call: CallId, bound: Bound) {
        if let Some(entry) = self.calls.get_mut(&call) {
            entry.bound = Some(bound);
        }
    }

    /// Notes that the place that a call holds last is its caller's own: no release gives it back before the end.
    pub fn own(&mut self, call: CallId) {
        if let Some(entry) = self.calls.get_mut(&call) {
            entry.own = entry.held.pop();
        }
    }

    /// The caller's own place becomes nobody's: its leg goes to another call.
    pub fn disown(&mut self, call: CallId) -> Option<u32> {
        self.calls.get_mut(&call)?.own.take()
    }

    /// Notes that a call gave a place back. False if it held none there: then nothing comes back.
    pub fn release(&mut self, call: CallId, slot: u32) -> bool {
        let Some(entry) = self.calls.get_mut(&call) else { return false };
        let place = entry.held.iter().position(|held| *held == slot);
        place.is_some_and(|place| {
            entry.held.remove(place);
            true
        })
    }

    /// Takes a call out of the table with whatever it still held.
    pub fn end(&mut self, call: CallId) -> Option<Box<Entry>> {
        let entry = self.calls.remove(&call)?;
        if self.invites.get(&entry.invite).is_some_and(|(owner, _)| *owner == call) {
            self.invites.remove(&entry.invite);
        }
        Some(entry)
    }
}

/// A fixed hash: equal inputs, equal marks, in every run.
fn digest_of(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
