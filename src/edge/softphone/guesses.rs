//! How often somebody may be wrong about who they are, by address and by agent, before nobody listens for a while.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// What is counted together.
const WINDOW: Duration = Duration::from_secs(60);
/// Of one address for one agent: somebody who forgot a password. Of one address: a house with many agents behind it. Of one
/// agent: more would be guessing from many places.
const BOTH_MAX: u32 = 5;
const ADDRESS_MAX: u32 = 30;
const AGENT_MAX: u32 = 60;
/// Counts at once; beyond it the oldest give way.
const COUNTS_MAX: usize = 10_000;

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Subject {
    Address(IpAddr),
    Agent(Box<str>),
    Both(IpAddr, Box<str>),
}

#[derive(Default)]
pub struct Guesses {
    counts: BTreeMap<Subject, (Instant, u32)>,
}

fn subjects(address: IpAddr, agent: &str) -> Vec<(Subject, u32)> {
    let address_alone = (Subject::Address(address), ADDRESS_MAX);
    // A token that cannot be read names nobody: those who send such ones keep out themselves alone.
    if agent.is_empty() {
        return vec![address_alone];
    }
    let both = (Subject::Both(address, agent.into()), BOTH_MAX);
    vec![both, address_alone, (Subject::Agent(agent.into()), AGENT_MAX)]
}

impl Guesses {
    /// Whether another try is listened to.
    pub fn may_try(&self, now: Instant, address: IpAddr, agent: &str) -> bool {
        subjects(address, agent).iter().all(|(subject, most)| {
            let count = self.counts.get(subject).filter(|(began, _)| now.saturating_duration_since(*began) < WINDOW);
            count.is_none_or(|(_, count)| count < most)
        })
    }

    pub fn was_wrong(&mut self, now: Instant, address: IpAddr, agent: &str) {
        if self.counts.len() + 3 > COUNTS_MAX {
            self.counts.retain(|_, (began, _)| now.saturating_duration_since(*began) < WINDOW);
        }
        if self.counts.len() + 3 > COUNTS_MAX {
            let mut ages: Vec<Instant> = self.counts.values().map(|(began, _)| *began).collect();
            ages.sort_unstable();
            let middle = ages.get(ages.len() / 2).copied().unwrap_or(now);
            self.counts.retain(|_, (began, _)| *began > middle);
        }
        for (subject, _) in subjects(address, agent) {
            let count = self.counts.entry(subject).or_insert((now, 0));
            if now.saturating_duration_since(count.0) >= WINDOW {
                *count = (now, 0);
            }
            count.1 = count.1.saturating_add(1);
        }
    }

    /// Whoever proves to be the agent at last has only mistyped.
    pub fn was_right(&mut self, address: IpAddr, agent: &str) {
        self.counts.remove(&Subject::Both(address, agent.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    #[test]
    fn who_is_wrong_too_often_waits_and_others_do_not() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        for _ in 0..5 {
            assert!(guesses.may_try(now, address(1), "alice"));
            guesses.was_wrong(now, address(1), "alice");
        }
        assert!(!guesses.may_try(now, address(1), "alice"));
        assert!(guesses.may_try(now, address(1), "bob"), "somebody else at the same place");
        assert!(guesses.may_try(now, address(2), "alice"), "the agent at another place");
        assert!(guesses.may_try(now + WINDOW, address(1), "alice"), "later");
        guesses.was_right(address(1), "alice");
        assert!(guesses.may_try(now, address(1), "alice"));
    }

    #[test]
    fn guessing_many_names_from_one_place_or_one_name_from_many_ends_too() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        for number in 0..30 {
            guesses.was_wrong(now, address(1), &format!("agent{number}"));
        }
        assert!(!guesses.may_try(now, address(1), "alice"));
        for number in 0..60 {
            guesses.was_wrong(now, address(100 + number), "bob");
        }
        assert!(!guesses.may_try(now, address(2), "bob"));
    }

    #[test]
    fn forged_tokens_from_many_places_keep_nobody_elses_out() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        for number in 0..200 {
            guesses.was_wrong(now, address(number), "");
        }
        assert!(guesses.may_try(now, address(201), ""));
        (0..30).for_each(|_| guesses.was_wrong(now, address(1), ""));
        assert!(!guesses.may_try(now, address(1), ""));
    }

    #[test]
    fn a_flood_of_strangers_fills_no_memory() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        for number in 0..20_000_u32 {
            guesses.was_wrong(now + Duration::from_micros(number.into()), IpAddr::from(number.to_be_bytes()), "alice");
        }
        assert!(guesses.counts.len() <= COUNTS_MAX, "{}", guesses.counts.len());
    }
}
