//! Collects keys until a terminator, their number or time ends it. Plays nothing and keeps no log.

use crate::domain::flow::act::Collect;
use crate::domain::flow::key::{self, Key};
use std::time::{Duration, Instant};

/// After a terminator that one more key could move: how long that key may take.
const LINGER: Duration = Duration::from_millis(300);

pub struct Collector {
    digits_max: usize,
    first: Duration,
    next: Duration,
    terminator: Vec<Key>,
    has_cancel_key: bool,
    keys: Vec<Key>,
    /// The keys end with the terminator, and one more of the same key may follow.
    is_lingering: bool,
}

/// What one key or the end of patience brought.
#[derive(Debug, PartialEq)]
pub enum Fed {
    /// Wait until then.
    More(Instant),
    Done(Collected),
}

#[derive(Debug, Default, PartialEq)]
pub struct Collected {
    /// `None` where nothing was keyed at all.
    pub keys: Option<Vec<Key>>,
    /// Keys that turned out to be for whatever comes next.
    pub rest: Vec<Key>,
    /// The end was the number of keys, so a terminator that follows out of habit is for nobody.
    pub habit: Vec<Key>,
}

/// What was keyed may be a card number.
impl Drop for Collector {
    fn drop(&mut self) {
        key::wipe(&mut self.keys);
    }
}

impl Drop for Collected {
    fn drop(&mut self) {
        self.keys.iter_mut().for_each(key::wipe);
    }
}

impl Collector {
    pub fn new(collect: &Collect) -> Collector {
        Collector {
            digits_max: usize::from(collect.digits_max).max(1),
            first: collect.first_timeout,
            next: collect.next_timeout,
            terminator: collect.terminator.clone(),
            has_cancel_key: collect.has_cancel_key,
            // Room for all of it: a buffer that grows leaves copies behind.
            keys: Vec::with_capacity(usize::from(collect.digits_max) + collect.terminator.len() + 1),
            is_lingering: false,
        }
    }

    /// Nothing was keyed yet: the first key is awaited from now.
    pub fn listen(&self, now: Instant) -> Instant {
        now + self.first
    }

    pub fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    pub fn key(&mut self, now: Instant, key: Key) -> Fed {
        if self.is_lingering && self.terminator.last() != Some(&key) {
            let mut done = self.finish();
            done.rest.push(key);
            return Fed::Done(done);
        }
        if self.has_cancel_key && key == Key::STAR {
            key::wipe(&mut self.keys);
            return Fed::More(now + self.first);
        }
        self.keys.push(key);
        if self.ends_with_terminator() {
            if self.can_move() {
                self.is_lingering = true;
                return Fed::More(now + LINGER);
            }
            return Fed::Done(self.finish());
        }
        if self.keys.len() >= self.digits_max + self.begun() {
            return Fed::Done(self.full());
        }
        Fed::More(now + self.next)
    }

    /// Patience is over.
    pub fn time_out(&mut self) -> Collected {
        if self.keys.is_empty() { Collected::default() } else { self.finish() }
    }

    fn ends_with_terminator(&self) -> bool {
        !self.terminator.is_empty() && self.keys.ends_with(&self.terminator)
    }

    /// Whether one more key could make a later end: only where the terminator is one key several times.
    fn can_move(&self) -> bool {
        self.terminator.len() > 1 && self.terminator.windows(2).all(|pair| pair.first() == pair.last())
    }

    /// How many keys at the end may be the beginning of the terminator.
    fn begun(&self) -> usize {
        let begins = |length: &usize| self.terminator.get(..*length).is_some_and(|head| self.keys.ends_with(head));
        (1..self.terminator.len()).rev().find(begins).unwrap_or(0)
    }

    fn finish(&mut self) -> Collected {
        let mut keys = std::mem::take(&mut self.keys);
        if self.terminator_ends(&keys) {
            keys.truncate(keys.len().saturating_sub(self.terminator.len()));
        }
        let rest = keys.split_off(keys.len().min(self.digits_max));
        Collected { keys: Some(keys), rest, habit: Vec::new() }
    }

    fn terminator_ends(&self, keys: &[Key]) -> bool {
        !self.terminator.is_empty() && keys.ends_with(&self.terminator)
    }

    /// As many keys as there may be. What is beyond was for the next step.
    fn full(&mut self) -> Collected {
        let mut keys = std::mem::take(&mut self.keys);
        let rest = keys.split_off(keys.len().min(self.digits_max));
        let habit = if rest.is_empty() { self.terminator.clone() } else { Vec::new() };
        Collected { keys: Some(keys), rest, habit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::flow::key::text;

    fn collector(terminator: &str, digits_max: u16, has_cancel_key: bool) -> Collector {
        Collector {
            digits_max: usize::from(digits_max),
            first: Duration::from_secs(8),
            next: Duration::from_secs(5),
            terminator: Key::all(terminator).unwrap(),
            has_cancel_key,
            keys: Vec::new(),
            is_lingering: false,
        }
    }

    /// What is stored when the keys come quickly one after the other, and what is left over.
    fn keyed(mut collector: Collector, keys: &str) -> (String, String) {
        let start = Instant::now();
        let mut collected = None;
        let mut left = String::new();
        for key in Key::all(keys).unwrap() {
            if collected.is_some() {
                left.push(key.as_char());
            } else if let Fed::Done(done) = collector.key(start, key) {
                collected = Some(done);
            }
        }
        let done = collected.unwrap_or_else(|| collector.time_out());
        (text(done.keys.as_deref().unwrap_or_default()), text(&done.rest) + &left)
    }

    #[test]
    fn a_double_terminator_ends_at_its_last_place() {
        assert_eq!(keyed(collector("##", 20, false), "1#2#3*4###"), ("1#2#3*4#".to_owned(), String::new()));
    }

    #[test]
    fn after_a_double_terminator_another_key_is_for_the_next_step() {
        assert_eq!(keyed(collector("##", 20, false), "12##34"), ("12".to_owned(), "34".to_owned()));
    }

    #[test]
    fn a_single_terminator_ends_at_once() {
        assert_eq!(keyed(collector("#", 20, true), "12#3"), ("12".to_owned(), "3".to_owned()));
    }

    #[test]
    fn a_terminator_of_different_keys_ends_at_once() {
        assert_eq!(keyed(collector("9#", 20, true), "1299#9#"), ("129".to_owned(), "9#".to_owned()));
    }

    #[test]
    fn a_star_erases_what_was_keyed_before_it() {
        assert_eq!(keyed(collector("#", 20, true), "123*45#").0, "45");
        assert_eq!(keyed(collector("#", 20, false), "123*45#").0, "123*45");
    }

    #[test]
    fn a_star_alone_leaves_nothing_keyed() {
        let mut collector = collector("#", 20, true);
        let now = Instant::now();
        collector.key(now, Key::STAR);
        assert_eq!(collector.time_out().keys, None);
    }

    #[test]
    fn the_number_of_keys_ends_it_and_a_terminator_out_of_habit_counts_for_nothing() {
        let mut collector = collector("#", 4, true);
        let now = Instant::now();
        let fed: Vec<Fed> = Key::all("1234").unwrap().into_iter().map(|key| collector.key(now, key)).collect();
        let Some(Fed::Done(done)) = fed.last() else { panic!("{fed:?}") };
        assert_eq!(text(&done.keys.clone().unwrap()), "1234");
        assert_eq!(done.habit, [Key::HASH]);
    }

    #[test]
    fn a_terminator_that_has_begun_may_be_finished_beyond_the_number_of_keys() {
        assert_eq!(keyed(collector("#0", 4, true), "1234#0").0, "1234");
        assert_eq!(keyed(collector("##", 4, true), "123##").0, "123");
        assert_eq!(keyed(collector("##", 4, true), "123#5"), ("123#".to_owned(), "5".to_owned()));
    }

    #[test]
    fn between_keys_it_waits_five_seconds_and_before_the_first_as_long_as_was_said() {
        let mut collector = collector("#", 20, true);
        let now = Instant::now();
        assert_eq!(collector.listen(now), now + Duration::from_secs(8));
        assert_eq!(collector.key(now, Key::all("1").unwrap()[0]), Fed::More(now + Duration::from_secs(5)));
        assert_eq!(collector.key(now, Key::STAR), Fed::More(now + Duration::from_secs(8)));
    }
}
