//! Deadlines of many machines in one timer wheel: an entry costs a push, a wake-up costs one per slot. Reads no clock.

use std::time::{Duration, Instant};

/// Width of a slot: four of them fit the 20 ms of a tick of audio, so that nothing on that grid is ever late by rounding.
pub const SLOT: Duration = Duration::from_millis(5);
const SLOTS: u64 = 1_024;
const WORDS: usize = 16;

/// Entries fire at the end of their slot, never before their time and at most one slot after it.
///
/// An entry is not taken out again: its owner looks at its own deadline when it fires, and a firing for nothing is harmless.
pub struct Wheel<K> {
    start: Instant,
    /// The slot that fires next, counted from `start`.
    next: u64,
    slots: Vec<Vec<(u64, K)>>,
    /// One bit per slot that is not empty.
    filled: [u64; WORDS],
}

impl<K: Copy> Wheel<K> {
    pub fn new(start: Instant) -> Wheel<K> {
        Wheel { start, next: 1, slots: (0..SLOTS).map(|_| Vec::new()).collect(), filled: [0; WORDS] }
    }

    /// Lets `key` fire when `at` has come.
    pub fn insert(&mut self, at: Instant, key: K) {
        self.put(self.slot_of(at).max(self.next), key);
    }

    /// When the next entry may fire.
    pub fn deadline(&self) -> Option<Instant> {
        let from = self.next % SLOTS;
        let (first_word, first_bit) = (from / 64, from % 64);
        let words = u64::try_from(WORDS).unwrap_or(1);
        // The first word is looked at twice: its upper bits come first, its lower ones last.
        for step in 0..=words {
            let at = (first_word + step) % words;
            let mut word = index(at).and_then(|at| self.filled.get(at)).copied().unwrap_or(0);
            if step == 0 {
                word &= u64::MAX << first_bit;
            } else if step == words {
                word &= !(u64::MAX << first_bit);
            }
            if word != 0 {
                let slot = at * 64 + u64::from(word.trailing_zeros());
                return Some(self.instant_of(self.next + (slot + SLOTS - from) % SLOTS));
            }
        }
        None
    }

    /// Moves what is due into `due`, in the order of its slots.
    pub fn expire(&mut self, now: Instant, due: &mut Vec<K>) {
        let reached = self.reached(now);
        // After a long pause every slot is due once; there is no need to go round more often.
        if reached > self.next + SLOTS {
            self.next = reached - SLOTS;
        }
        while self.next <= reached {
            let at = self.next % SLOTS;
            self.next += 1;
            self.empty_slot(at, reached, due);
        }
    }

    fn empty_slot(&mut self, at: u64, reached: u64, due: &mut Vec<K>) {
        let Some(slot) = index(at).and_then(|at| self.slots.get_mut(at)) else { return };
        if slot.is_empty() {
            return;
        }
        let mut entries = std::mem::take(slot);
        self.mark(at, false);
        for (when, key) in entries.drain(..) {
            if when <= reached { due.push(key) } else { self.put(when, key) }
        }
        // The slot keeps its room for the next round, unless it took something again.
        if let Some(slot) = index(at).and_then(|at| self.slots.get_mut(at))
            && slot.is_empty()
            && entries.capacity() <= 64
        {
            *slot = entries;
        }
    }

    /// What lies beyond the horizon waits in the last slot and is put again from there.
    fn put(&mut self, when: u64, key: K) {
        let at = when.min(self.next + SLOTS - 1) % SLOTS;
        if let Some(slot) = index(at).and_then(|at| self.slots.get_mut(at)) {
            slot.push((when, key));
            self.mark(at, true);
        }
    }

    fn mark(&mut self, at: u64, filled: bool) {
        if let Some(word) = index(at / 64).and_then(|word| self.filled.get_mut(word)) {
            let bit = 1 << (at % 64);
            *word = if filled { *word | bit } else { *word & !bit };
        }
    }

    fn slot_of(&self, at: Instant) -> u64 {
        let nanos = at.saturating_duration_since(self.start).as_nanos();
        u64::try_from(nanos.div_ceil(SLOT.as_nanos())).unwrap_or(u64::MAX)
    }

    fn reached(&self, now: Instant) -> u64 {
        let nanos = now.saturating_duration_since(self.start).as_nanos();
        u64::try_from(nanos / SLOT.as_nanos()).unwrap_or(u64::MAX)
    }

    fn instant_of(&self, slot: u64) -> Instant {
        self.start
            + Duration::from_nanos(SLOT.subsec_nanos().into()).saturating_mul(u32::try_from(slot).unwrap_or(u32::MAX))
    }
}

fn index(at: u64) -> Option<usize> {
    usize::try_from(at).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::entropy::Entropy;

    fn fired(wheel: &mut Wheel<u64>, now: Instant) -> Vec<u64> {
        let mut due = Vec::new();
        wheel.expire(now, &mut due);
        due
    }

    #[test]
    fn nothing_fires_early_and_nothing_later_than_a_slot() {
        let start = Instant::now();
        let mut entropy = Entropy::from_number(3);
        let mut wheel = Wheel::new(start);
        let mut waiting: Vec<u64> = (0..2_000).map(|_| entropy.below(20_000)).collect();
        for millis in &waiting {
            wheel.insert(start + Duration::from_millis(*millis), *millis);
        }
        while let Some(at) = wheel.deadline() {
            let elapsed = u64::try_from(at.duration_since(start).as_millis()).unwrap();
            for millis in fired(&mut wheel, at) {
                assert!(millis <= elapsed && elapsed < millis + 10, "{millis} fired at {elapsed}");
                let known = waiting.iter().position(|known| *known == millis).unwrap();
                waiting.swap_remove(known);
            }
        }
        assert!(waiting.is_empty(), "{} never fired", waiting.len());
    }

    #[test]
    fn a_grid_of_twenty_milliseconds_is_met_exactly() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        wheel.insert(start + Duration::from_millis(20), 1);
        assert_eq!(wheel.deadline(), Some(start + Duration::from_millis(20)));
        assert!(fired(&mut wheel, start + Duration::from_millis(19)).is_empty());
        assert_eq!(fired(&mut wheel, start + Duration::from_millis(20)), [1]);
        assert_eq!(wheel.deadline(), None);
    }

    #[test]
    fn after_a_long_stop_everything_that_is_due_fires_at_once() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        for seconds in 1..=40 {
            wheel.insert(start + Duration::from_secs(seconds), seconds);
        }
        let due = fired(&mut wheel, start + Duration::from_secs(30));
        assert_eq!(due.len(), 30);
        wheel.insert(start, 99);
        assert_eq!(fired(&mut wheel, start + Duration::from_millis(30_005)), [99]);
        assert_eq!(fired(&mut wheel, start + Duration::from_secs(41)).len(), 10);
    }
}
